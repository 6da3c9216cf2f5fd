// SPDX-License-Identifier: Apache-2.0
// The heartbeat mesh: one TCP link between each two nodes, over which membership talks. It finds
// nodes by seeds, keeps every pair linked, turns strangers away, and says at once when a node is
// gone.
//
// How nodes meet. Addresses come from seeds, from tips, and from linked nodes, which tell each
// other whom they are linked with; so one common acquaintance is enough for all to be linked. Each
// address is dialled until a link to the node behind it is there, and again when that is lost. The
// first frame of either side is a HELLO (server/mesh_message.h). When both sides have dialled,
// the link that the higher id dialled is kept; a link that has gone silent gives way to a new one.
// A node that comes back with another address is known by its id.
//
// How news travels. A link that the other side closed, and whose node refuses a new one or has none
// within 100 ms, means that the node is gone. Silence is left to membership.
//
// Strangers (another cluster's name, garbage, silence, too long, another version, an id that a
// live node has) are closed after one line in the log that names host, reason and mending.
//
// One thread calls, with the loop that the mesh was made with, but for what says otherwise. It
// fills node->peers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "server/node.h"

struct mesh;

struct mesh_hooks {
    void *arg;
    // A message of membership from a linked node; bytes are good during the call.
    void (*on_message)(void *arg, uint64_t from_id, const uint8_t *bytes, uint32_t size);
    void (*on_gone)(void *arg, uint64_t id);
    // Every seed has been tried and every node found has been heard, or time for that is up; once.
    void (*on_settled)(void *arg);
    // What clients are told about linked nodes has changed.
    void (*on_peers_changed)(void *arg);
};

// Binds the heartbeat port; enters this node as peer 0. RESULT_IO: the log says what to do.
BASE_MUST_USE enum base_result mesh_new(struct node *node, struct io_loop *loop,
                                        const struct mesh_hooks *hooks, struct mesh **out);
void mesh_free(struct mesh **mesh);

// Dials, gives up, tells addresses. Returns how long nothing is to be done, in milliseconds: at
// most 1000.
uint32_t mesh_tick(struct mesh *mesh, uint64_t now_ms);

// Sends a message of membership to a node, 0: to all that are linked. Lost when there is no link,
// or too much unsent on it.
void mesh_send(struct mesh *mesh, uint64_t to, const uint8_t *bytes, uint32_t size);

// Somebody cannot reach that node: looks at once whether it is still there.
void mesh_suspect(struct mesh *mesh, uint64_t id);

bool mesh_has_seeds(struct mesh *mesh); // any thread

// True once another node was linked since the start or since mesh_alumni_reset. Any thread.
bool mesh_has_met(struct mesh *mesh);

// Forgets the nodes that are not linked now: nobody dials them any more. Any thread; takes effect
// with the next tick.
void mesh_alumni_reset(struct mesh *mesh);

// Seeds of operators. Any thread; RESULT_LIMIT, RESULT_PARAMETER, RESULT_RECORD_NOT_FOUND. Clearing
// (host NULL: all) ends no link.
BASE_MUST_USE enum base_result mesh_tip(struct mesh *mesh, const char *host, uint16_t port);
BASE_MUST_USE enum base_result mesh_tip_clear(struct mesh *mesh, const char *host, uint16_t port);

// Has the regime written to disk by a thread that may wait.
void mesh_regime_keep(struct mesh *mesh, uint64_t regime);

struct mesh_counters {
    uint64_t opened; // links to nodes
    uint64_t closed;
    uint64_t received_self;
    uint64_t received_foreign; // messages of linked nodes
    uint64_t duplicate_id;     // of the last node that was refused because its id is taken; 0: none
};
void mesh_counters(struct mesh *mesh, struct mesh_counters *out); // any thread
