// SPDX-License-Identifier: Apache-2.0
// A node as the client knows it, and connections to it.
//
// Nodes stand in numbered slots that are made once and stay until the cluster is closed, so that a
// number read from the partition map without a lock always leads to a node. A slot whose node is
// gone is inactive and may later serve another node; whoever still held the old number then meets
// the wrong node, is told "partition unavailable" and asks the map again.
//
// Threads: what is under `lock` may be touched by any thread that holds it; `tend` belongs to the
// tend thread.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"
#include "io/loop.h"
#include "io/socket.h"

struct ballast_loop;
struct client_command;

// One TCP connection. While idle it belongs to a pool, while busy to one command.
struct client_connection {
    struct io_watch watch;    // watch.fd is the socket; watched only inside an event loop
    struct client_node *node; // NULL: not counted by any node
    uint32_t incarnation;     // of the node when it was opened
    uint64_t used_ns;         // when it became idle
    struct client_connection *next;
    struct ballast_loop *loop;      // NULL: not of an event loop
    struct client_command *command; // the loop's command that uses it
};

// What the tend thread remembers of a node between its rounds.
struct client_node_tend {
    struct client_connection *connection; // kept for info commands; NULL: none
    uint32_t failures;                    // rounds in a row without an answer
    uint64_t peers_generation;
    int64_t partition_generation; // -1: the map must be fetched
    uint32_t peer_count;
    bool peers_known;
    bool referenced; // another node lists it as a peer
    bool from_seed;
};

struct client_node {
    uint32_t number;

    pthread_mutex_t lock;
    bool active;
    char name[LIMIT_NODE_ID_SIZE + 1];
    struct io_address address;
    struct client_connection *idle; // last used first

    // Grows when the node leaves or moves; connections of an earlier incarnation are not reused.
    _Atomic uint32_t incarnation;
    _Atomic uint32_t connections_open; // idle and busy, of all threads and loops
    _Atomic bool responding;

    struct client_node_tend tend;
};

BASE_MUST_USE enum base_result client__node_new(uint32_t number, struct client_node **out);

// No connection of the node may be busy.
void client__node_free(struct client_node **node);

// Makes the slot stand for a node.
void client__node_activate(struct client_node *node, const char *name,
                           const struct io_address *address);

// The node is gone: closes its idle connections.
void client__node_deactivate(struct client_node *node);

// The node has moved: later connections go to the new address.
void client__node_move(struct client_node *node, const struct io_address *address);

// The address to connect to; false when the slot is inactive.
bool client__node_address(struct client_node *node, struct io_address *out);

// Starts a connection; see io_socket_connect. The caller owns it.
BASE_MUST_USE enum base_result client__connection_open(const struct io_address *address,
                                                       struct client_connection **out);

// Closes and frees; takes it off its node's count. NULL is nothing.
void client__connection_close(struct client_connection *connection);

// A connection for one command: an idle one (*reused), else a new one that may still be on its
// way. RESULT_LIMIT: `max` connections are open already. RESULT_NO_NODE: the slot is inactive.
// RESULT_IO: refused at once.
BASE_MUST_USE enum base_result client__node_acquire(struct client_node *node, uint32_t max,
                                                    uint64_t now_ns, uint64_t idle_max_ns,
                                                    struct client_connection **out, bool *reused);

// Opens a connection that counts as the node's, for a caller with a pool of its own; errors as
// above.
BASE_MUST_USE enum base_result client__node_open(struct client_node *node, uint32_t max,
                                                 struct client_connection **out);

// Gives a connection back that is between two requests; closes it when its incarnation is over.
void client__node_release(struct client_node *node, struct client_connection *connection,
                          uint64_t now_ns);

// Closes the connections that have been idle since before `since_ns`.
void client__node_trim(struct client_node *node, uint64_t since_ns);
