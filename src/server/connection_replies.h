// SPDX-License-Identifier: Apache-2.0
// The answers that a client is owed, in the order of its requests. Those before the first that
// waits for other nodes are sent as they come; what is ready behind it is held back. For
// connection.c.
#pragma once

#include "server/connection.h"

enum {
    CONNECTION_REPLIES_MAX = 128, // that wait, of one client; then it is not read from
    CONNECTION_HELD_SIZE_MAX = 4 * 1024 * 1024, // held back behind them
};

// Enters an operation as the last reply. False when memory ran out.
bool connection__reply_add(struct connection *connection, struct operation *operation,
                           bool compress);

// Moves what stands in `from` at `at` and behind to the end of the replies; one is waiting. False
// when memory ran out.
bool connection__reply_hold(struct connection *connection, struct output *from, size_t at);

// Appends the answers whose turn it is to `to`. False when memory ran out.
bool connection__replies_take(struct connection *connection, struct output *to);

// Gives up all of them: the client is gone.
void connection__replies_drop(struct connection *connection);

static inline bool connection__replies_full(const struct connection *connection)
{
    return connection->replies.count >= CONNECTION_REPLIES_MAX ||
           connection->replies.held.size > CONNECTION_HELD_SIZE_MAX;
}
