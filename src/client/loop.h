// SPDX-License-Identifier: Apache-2.0
// What the event loop does for a command: connections from the loop's own pools, which stay watched
// while they are idle, and a place among the commands that are under way. Only in the loop's
// thread.
#pragma once

#include "client/command.h"

struct client_single;

// As client__node_acquire and client__node_release, with the loop's pools.
BASE_MUST_USE enum base_result client__loop_acquire(struct ballast_loop *loop,
                                                    struct client_node *node, uint64_t now_ns,
                                                    struct client_connection **out, bool *reused);
void client__loop_release(struct ballast_loop *loop, struct client_connection *connection);

// Closes a busy connection; its memory goes when the batch of events is over.
void client__loop_discard(struct ballast_loop *loop, struct client_connection *connection);

// Begins a command that is set up; command->on_done is called from a later run of the loop, never
// from here.
void client__loop_start(struct ballast_loop *loop, struct client_command *command);

struct ballast_cluster *client__loop_cluster(struct ballast_loop *loop);

// True while the loop is being freed: nothing new may begin.
bool client__loop_is_closing(const struct ballast_loop *loop);

// A request of the program begins and ends.
void client__loop_request_begin(struct ballast_loop *loop);
void client__loop_request_end(struct ballast_loop *loop);

// Memory for a single request, kept between requests. NULL when there is none.
struct client_single *client__loop_single_take(struct ballast_loop *loop);
void client__loop_single_give(struct ballast_loop *loop, struct client_single *single);
