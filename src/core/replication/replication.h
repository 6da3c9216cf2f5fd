// SPDX-License-Identifier: Apache-2.0
// The life of one read or write across replicas, as a small machine: route, ask the holders of
// duplicates, apply, have all replicas acknowledge, answer. It touches no store and no socket: the
// owner carries out its effects and comes back with events. And the rule which of two versions of a
// record wins.
//
//   BEGIN --(not master)--> PROXY, or WAIT while there is no view
//         --(duplicates)--> ASK all of them --> APPLY
//         --------------------------------------> APPLY --(replicas)--> WRITE to all --> FINISH
//
// Replicas apply by the conflict rule, so the order in which writes of one record arrive does not
// matter, and sending one again is harmless. A view change while replicas have yet to acknowledge
// starts the replication again under the new place: still master, write to the new replicas; no
// longer master, give the record to the new master (WRITE with `merge`), which answers whether it
// won. While there is no view at all, acknowledgements of the last one go on counting. The client
// is told ok only when every replica of one and the same view has the record; when time is up
// before, the answer is RESULT_TIMEOUT and the outcome is in doubt. The same when another version
// won at the new master: what was written may have been read, or that version may stem from it.
// Replication goes on behind a client that was told so, for some time, so that no replica stays
// behind because a message got lost. What a read took from a duplicate is replicated too before
// anybody is told of it.
//
// A machine is embedded in the operation it serves. Pure; one thread at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "core/replication/place.h"

// What two versions of a record are compared by. Within one lineage of a partition versions only
// grow: each write has the last update time of the moment, at least that of the version before it,
// and the next generation. A record that is made again after a delete starts with generation 1, as
// clients expect it, but with the tombstone's life and one more.
struct replication_version {
    uint64_t last_update_ms;
    uint32_t void_time_s; // since the same moment as last_update_ms; 0: never expires
    uint32_t checksum;    // of the whole record: the last word, so that all nodes choose the same
    uint16_t generation;  // 1 to 65535, then 1 again
    uint8_t life;         // 0 to 63, then 0 again: how often it was deleted and made again
    bool exists;          // false: no version at all, loses against any
};

enum { REPLICATION_LIVES = 64 };

enum replication_policy {
    REPLICATION_BY_GENERATION,
    REPLICATION_BY_LAST_UPDATE_TIME,
};

// > 0: a wins, < 0: b wins, 0: the same version.
//
// By last update time, then life, then generation. Or, between copies that took writes apart from
// each other and whose clocks shall not count, by life, then generation, then last update time; but
// a version that was written after the other had expired wins there as well, because what expires
// leaves no tombstone that would count lives. Then the checksum. Lives and generations are compared
// on the circle: 1 is newer than 65535.
//
// What a master has its replicas write is compared by last update time whatever the policy: it is
// of one lineage, and right also when a record was evicted at the master and not at the replica.
int replication_compare(const struct replication_version *a, const struct replication_version *b,
                        enum replication_policy policy);

enum replication_kind {
    REPLICATION_READ, // served by a full replica too
    REPLICATION_WRITE,
};

enum replication_event_type {
    REPLICATION_BEGIN,    // `place` as found
    REPLICATION_ANSWERED, // `from` was asked under `key` and `ok` answered (what it had has been
                          // merged; `changed`: it was newer), or refused: it is in another view
    REPLICATION_APPLIED,  // under the stripe, with `place` as it was there; `result`; `changed`:
                          // there is a record to replicate
    REPLICATION_ACKED,    // `from` has the record that was sent under `key`, or !ok: it is in
                          // another view. `lost`: it was given to a new master and another version
                          // won, or what was written does not stand here any more (our copy was
                          // dropped meanwhile), so that there is nothing to send. Ok without a
                          // message when the record's time was over
    REPLICATION_MOVED,    // `place` may have changed: a new view, or a new master in this one
    REPLICATION_TICK,     // time passes; `place` if at hand, else NULL
};

struct replication_event {
    enum replication_event_type type;
    uint64_t now_ms; // monotonic
    const struct place *place;
    uint64_t key; // of the message that is answered; answers of other views do not count
    uint8_t from; // peer number
    bool ok;
    bool lost;
    bool changed;
    enum base_result result;
};

enum replication_effect_type {
    REPLICATION_NOTHING, // wait for the next event
    REPLICATION_WAIT,    // no view, or a master that hands over: come back with MOVED or TICK
    REPLICATION_PROXY,   // to peer `to`, the master; ends this machine's part
    REPLICATION_ASK,     // `set`: send them the digest and this key; merge what they have
    REPLICATION_APPLY,   // take the stripe; if !replication_may_apply there, come back with MOVED;
                         // else apply and come back with APPLIED
    REPLICATION_SEND,    // `set`: send them the record as it now stands, under `key`; `merge`: to a
                         // new master, which is to replicate it further before it answers. When
                         // nothing stands there any more, come back with ACKED of each
    REPLICATION_FINISH,  // with `result`; in_flight of the place goes down if it went up
};

struct replication_effect {
    enum replication_effect_type type;
    struct node_set set;
    uint64_t key;
    uint8_t to;
    bool merge;
    bool answer; // the client is to be answered with `result` now; more is to come without it
    enum base_result result;
};

enum replication_state {
    REPLICATION_STATE_WAITING,
    REPLICATION_STATE_ASKING,
    REPLICATION_STATE_APPLYING,
    REPLICATION_STATE_WRITING,
    REPLICATION_STATE_MERGING,
    REPLICATION_STATE_DONE,
};

struct replication {
    enum replication_state state;
    enum replication_kind kind;
    bool commit_master; // the client does not wait for replicas
    bool applied;
    bool answered;           // the owner was told to answer the client
    bool merged;             // an answer under `key` was newer than what we had
    uint64_t key;            // of the view in which it runs
    struct node_set waiting; // whose answer is missing
    struct node_set asked;   // duplicates that have answered under `key`
    uint8_t target;          // merging: the new master
    uint64_t deadline_ms;    // monotonic
    uint64_t resend_ms;      // when to send again what is unanswered
    enum base_result result; // of the application
    // Deliberate faults, for proving that the checkers of the simulation see them.
    bool mutate_skip_ack;     // one replica's acknowledgement is not waited for
    bool mutate_skip_resolve; // duplicates are not asked
};

enum {
    REPLICATION_RESEND_MS = 50,    // messages between nodes get lost only with their connection
    REPLICATION_REFUSED_MS = 10,   // who refused is in another view, but not for long
    REPLICATION_LINGER_MS = 10000, // for how long replication goes on behind the deadline
};

void replication_init(struct replication *machine, enum replication_kind kind, bool commit_master,
                      uint64_t deadline_ms);

// The one entry: an event in, the one thing to do next out.
void replication_step(struct replication *machine, const struct replication_event *event,
                      struct replication_effect *out);

// Whether the operation may be applied at this place, which is the one that it was routed by: its
// master, with no duplicates but those that were asked; for a read also a full replica while there
// are no duplicates.
bool replication_may_apply(const struct replication *machine, const struct place *place);

// The invariants; asserts.
void replication_check(const struct replication *machine);
