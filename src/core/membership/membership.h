// SPDX-License-Identifier: Apache-2.0
// Who is alive, who is in the cluster, and agreement on that: one machine a node, stepped with
// events, answering with effects. It knows no clock, socket or thread; time and randomness come in
// with the event.
//
// The model. Each node tells all others, every heartbeat interval, whom it hears (a HEARTBEAT
// carries its adjacency), and passes on what it heard of those who are not heard by all. Two nodes
// are joined when each hears the other. From that graph every node computes the same candidate: the
// group of nodes that all hear each other (nodes with the most missing edges are left out first;
// what is left out forms groups of its own). A group that is joined to members of an earlier one is
// an outcast: it freezes and waits, because clients that reach both sides must not find both of
// them serving; so of nodes that are connected one view serves. The member of a candidate with the
// highest id is its principal. When the candidate differs from the view it is in, or one of its
// members is frozen or in another view, the principal asks all members to PREPARE a new view with a
// regime higher than any that they have promised; a member that promises freezes: it serves nothing
// until a view is installed. When all have promised, the principal has them COMMIT. A view is never
// installed by a node that did not promise it, and never committed unless all of its members
// promised it; so between two views that share a node nobody serves twice.
//
// Fewer than half of a view that lose the others to silence are most likely cut off, for a while,
// and clients may reach both sides: they freeze, and go on alone only after `minority_wait_ms`.
//
// Departures are acted on at once; a node that others still hear though we do not, or that we hear
// though others do not, gets two intervals for the news to settle. Arrivals are gathered for a
// moment so that many nodes that start together make few views. A node that was lost is counted
// again when it has been heard for a while, longer each time that it is lost soon again.
//
// All spans are measured in time that this process was running: between two events at most one
// interval counts, so that after a pause nobody is judged before what he sent has been read. A node
// that was paused longer than the timeout freezes by itself before anything else, because others
// may have gone on without it.
//
// Losing, repeating, delaying and reordering of messages is harmless: all is retried by ticks.
// The machine is one block of memory of the caller; nothing is allocated after init. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"
#include "core/node_set.h"

// Flags of a member, set by itself and carried by its heartbeats; a new view makes them hold.
enum {
    MEMBER_QUIESCED = 1, // owns partitions only when nobody else can
    MEMBER_LEAVING = 2,  // the same, and about to go
};

struct membership_member {
    uint64_t id;          // never 0
    uint64_t incarnation; // random, new at each start of the process
    uint8_t flags;
};

// Flag of an entry in the list of a heartbeat: the sender hears this node. (An entry without is
// there for what is told of it.)
enum { ENTRY_HEARD = 1 };

// What a heartbeat tells of another node that not all can hear.
struct membership_row {
    uint8_t node;          // entry in the list
    uint64_t sequence;     // of its heartbeat that said so
    struct node_set hears; // entries
};

// What all members of a cluster agree on.
struct membership_view {
    uint64_t key;       // 48 random bits, never 0; 0: no view yet
    uint64_t regime;    // grows with each view
    uint64_t principal; // the member that had it agreed on
    uint32_t count;
    struct membership_member member[LIMIT_CLUSTER_NODES]; // by id, highest first
};

enum membership_message_type {
    MEMBERSHIP_HEARTBEAT = 1,
    MEMBERSHIP_PREPARE,  // principal: promise this view
    MEMBERSHIP_PROMISED, // member: done, I am frozen
    MEMBERSHIP_REFUSED,  // member: I promised a higher one; `regime` says which
    MEMBERSHIP_COMMIT,   // principal: all promised, install it
};

struct membership_message {
    enum membership_message_type type;
    uint64_t from; // node id
    uint64_t from_incarnation;
    uint64_t regime; // heartbeat: highest promised; else: of the view in question
    uint64_t key;    // heartbeat: of the view installed, 0: none; else: in question
    // Heartbeat.
    uint64_t view_regime; // of the view installed
    uint64_t sequence;    // grows; an older one than the last is ignored
    uint8_t flags;        // MEMBER_*
    bool frozen;          // serves nothing, waits for a view
    bool settled;         // has looked at all its seeds; not yet: wait a little for it
    // By id, highest first. Heartbeat: the nodes that the sender knows of, itself too, with ENTRY_*
    // as flags. PREPARE and COMMIT: the members of the view; the sender is its principal and the
    // first.
    uint32_t count;
    struct membership_member member[LIMIT_CLUSTER_NODES];
    // Heartbeat: what others tell that not all can hear.
    uint32_t row_count;
    struct membership_row row[LIMIT_CLUSTER_NODES];
};

// Bytes and back. Encoding gives at most LIMIT_HEARTBEAT_SIZE bytes and returns how many. Decoding
// checks everything: RESULT_MALFORMED.
uint32_t membership_message_encode(const struct membership_message *message,
                                   uint8_t out[LIMIT_HEARTBEAT_SIZE]);
BASE_MUST_USE enum base_result membership_message_decode(const uint8_t *bytes, uint32_t size,
                                                         struct membership_message *out);

struct membership_config {
    struct membership_member self; // flags 0 at start
    uint32_t interval_ms;          // between heartbeats
    uint32_t timeout_ms;           // unheard for so long: not alive
    uint32_t minority_wait_ms; // how long fewer than half of a view wait for the others, if these
                               // are silent and not known to be gone, before they go on alone
    uint64_t regime_floor;     // highest regime known from before this start, or 0
    // Deliberate faults, for proving that the checkers of the simulation see them.
    bool mutate_commit_without_one; // commit though one member has not promised
};

enum membership_event_type {
    MEMBERSHIP_TICK,          // time has passed; at least every tenth of the interval
    MEMBERSHIP_RECEIVED,      // `message`
    MEMBERSHIP_PEER_GONE,     // `id`: its process is gone for certain (connection refused)
    MEMBERSHIP_SEEDS_SETTLED, // every seed has been tried; a node without seeds says so first of
                              // all
    MEMBERSHIP_FLAGS,         // `flags` are ours from now on
    MEMBERSHIP_RECLUSTER,     // an operator wants a new view; only the principal heeds it
};

struct membership_event {
    enum membership_event_type type;
    uint64_t now_ms; // monotonic
    uint64_t random; // fresh in each event
    uint64_t id;
    uint8_t flags;
    const struct membership_message *message;
};

enum membership_effect_type {
    MEMBERSHIP_SEND,   // `message` to node `to`; to 0: to every node that can be reached
    MEMBERSHIP_FREEZE, // from now on serve nothing; before any later effect of this list
    MEMBERSHIP_VIEW,   // the view in membership_view() is installed
};

enum { MEMBERSHIP_EFFECTS_MAX = 2 * LIMIT_CLUSTER_NODES + 8 };

struct membership_effect {
    enum membership_effect_type type;
    uint64_t to;
    const struct membership_message *message; // within the machine, until the next step
};

struct membership_effects {
    uint32_t count;
    struct membership_effect effect[MEMBERSHIP_EFFECTS_MAX];
};

struct membership;

// The size of a machine, and a machine in memory of that size, aligned to 16 bytes.
uint64_t membership_size(void);
struct membership *membership_init(void *memory, const struct membership_config *config);

// Changes the times of the configuration; they hold from the next step on.
void membership_timing_set(struct membership *machine, uint32_t interval_ms, uint32_t timeout_ms);

// The one entry. `out` is emptied first; its effects are to be carried out in order.
void membership_step(struct membership *machine, const struct membership_event *event,
                     struct membership_effects *out);

// The view installed last; key 0 before the first. Frozen: it does not hold any more.
const struct membership_view *membership_view(const struct membership *machine);
bool membership_is_frozen(const struct membership *machine);

// Nodes heard at the moment, without us; at most LIMIT_CLUSTER_NODES.
uint32_t membership_heard(const struct membership *machine, uint64_t ids[LIMIT_CLUSTER_NODES]);

// The invariants; asserts.
void membership_check(const struct membership *machine);
