// SPDX-License-Identifier: Apache-2.0
// The partitions of one namespace within a view: gathers what every member holds, computes the
// same plan as every other member, and, for the partitions whose acting master it is, leads the way
// from what is to what shall be. One machine a namespace and node, stepped with events.
//
// The model. Each copy of a partition has a lineage (key of the last view in which it took every
// write), a content sum, a count, and is full or not: full means that no acknowledged write of its
// lineage is missing. At a new view all members exchange these. Then, for each partition:
//   desired  balance_compute's holders
//   master   (acting) a full copy: of the lineage with most records, the first in the order of
//            `desired`, then of balance_score. Nobody is full: who holds most; nobody has
//            anything: desired[0], now full and empty.
//   writes   desired, and every other copy of the master's lineage, full or part, or of one that it
//            stems from, without the master: they take each write, so there are never fewer copies
//            of one than before
//   duplicates  other copies with records whose lineage is neither the master's nor one that it
//            stems from (or any, when the master was not full): asked before each operation, until
//            synced
//   unsynced duplicates, those of `writes` whose content differs from the master's, and those of
//            desired that are not full; if there are duplicates all of desired, because what is
//            asked of a duplicate gets to the master first
// A copy that equals the master's, whatever its lineage, is as good as full. From the plan on the
// master and `writes` have the view's lineage. But where there are duplicates their records come to
// the master, and from then on the lineage stands for those as well: the master alone is full, and
// who was full or is a duplicate gets, as one of `writes`, a lineage that no other copy has until
// it is synced. It is neither a part of the view's lineage, nor, for it takes writes, its old one.
//
// The acting master then syncs with each of `unsynced` (both ways; PARTITION_SYNC): with duplicates
// first, then with all of desired that may lack what it has learnt of them. A node of `writes` that
// is synced becomes full. When all of `desired` are full and know it, mastership is handed to
// desired[0] if that is another node, which then has whoever is not desired drop its copy. A node
// is taken out of `writes` only when it has said that it dropped its copy; it keeps it while writes
// of its own, from the time when it was the master, are not acknowledged by all.
//
// Within a view the acting master is the one authority about its partition. It tells changes as
// announcements, numbered by a `step` that grows, handed on with the mastership; an announcement is
// sent again until it is acknowledged. A new master is told to all members, everything else to
// those who hold a copy. Any failure leads to a new view, where all starts from the copies as they
// are. Losing, repeating and reordering of messages is harmless.
//
// While a node is frozen its machine is to be stepped with PARTITION_VIEW alone: what others say of
// the old view, and syncs that end, come too late. What our copy is (lineage, full) is told by
// partition_at at any time; with PARTITION_VIEW the caller gives it back, with sums and counts.
//
// One block of memory of the caller, nothing allocated after init. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "core/node_set.h"

// What a node tells of its copy of one partition.
struct partition_copy {
    uint64_t lineage; // 0: never took part in a view; more than 48 bits: that of no other copy
    uint64_t sum;     // of the records' contents; equal contents, equal sums
    uint32_t count;   // records, tombstones too
    bool full;
    uint8_t history; // what the lineage stems from, by number among `histories`; 0: nobody knows.
                     // For the machine alone
};

enum { PARTITION_HISTORY_SIZE = 8, PARTITION_HISTORIES_MAX = 255 };

// Lineages that a lineage stems from, the latest first, then 0.
struct partition_history {
    uint64_t lineage[PARTITION_HISTORY_SIZE];
};

struct partition_histories {
    uint32_t count;
    struct partition_history history[PARTITION_HISTORIES_MAX];
};

// What a node tells of all its copies.
struct partition_exchange {
    uint64_t key; // of the view
    uint32_t replication_factor;
    uint32_t rack;
    uint64_t clock_ms; // no version in its copies is later (replication_version)
    bool has_namespace;
    bool wants; // the sender lacks the receiver's
    struct partition_copy copy[LIMIT_PARTITIONS];
    struct partition_histories histories; // for the machine alone
};

enum {
    PARTITION_EXCHANGE_SIZE_MAX =
        32 + LIMIT_PARTITIONS * 22 + PARTITION_HISTORIES_MAX * (1 + 8 * PARTITION_HISTORY_SIZE),
    PARTITION_MESSAGE_SIZE_MAX = 192,
};

uint32_t partition_exchange_encode(const struct partition_exchange *exchange, uint8_t *out);
BASE_MUST_USE enum base_result partition_exchange_decode(const uint8_t *bytes, uint32_t size,
                                                         struct partition_exchange *out);

enum partition_message_type {
    PARTITION_ANNOUNCE = 1, // the master: so it stands
    PARTITION_ANNOUNCED,    // seen up to `step`; a copy to be dropped is dropped
    PARTITION_HAND_OVER,    // the master: be the master from here on
};

struct partition_message {
    enum partition_message_type type;
    uint64_t key; // of the view
    uint32_t partition;
    uint32_t step;
    uint8_t master; // nodes by place in the view
    uint8_t column_count;
    uint8_t column[LIMIT_REPLICATION_FACTOR];
    struct node_set writes;
    struct node_set full;       // of writes and master
    struct node_set unsynced;   // also who is to drop, but not yet; hand over: empty
    struct node_set duplicates; // part of unsynced
    struct node_set drop;       // whose copies are to go
};

uint32_t partition_message_encode(const struct partition_message *message,
                                  uint8_t out[PARTITION_MESSAGE_SIZE_MAX]);
BASE_MUST_USE enum base_result partition_message_decode(const uint8_t *bytes, uint32_t size,
                                                        struct partition_message *out);

enum partition_event_type {
    PARTITION_VIEW,      // a view was installed: `view_key`, members, `self`, and our copies in
                         // `exchange` as they stand, frozen
    PARTITION_EXCHANGED, // `exchange` of member `from`
    PARTITION_RECEIVED,  // `message` of member `from`
    PARTITION_SYNCED,    // a sync that was asked for is done: `view_key`, `partition`, `from`: with
                         // whom
    PARTITION_DRAINED,   // nothing is in flight at `partition`, which hands over; `view_key`
    PARTITION_TICK,      // every 20 ms or oftener
};

struct partition_member {
    uint64_t id;
    bool quiesced; // or leaving
};

struct partition_event {
    enum partition_event_type type;
    uint64_t now_ms; // monotonic
    uint64_t view_key;
    uint32_t member_count;
    uint32_t self;                         // place of this node among the members
    const struct partition_member *member; // in the order of the view
    uint32_t from;
    uint32_t partition;
    bool busy; // received: writes of ours are in flight at `partition`, which need our copy
    const struct partition_exchange *exchange;
    const struct partition_message *message;
};

enum partition_effect_type {
    PARTITION_SEND_EXCHANGE, // ours (partition_exchange_own) to member `to`, with `wants`
    PARTITION_SEND,          // `message` to member `to`
    PARTITION_PLAN,          // the plan is made: place every partition as partition_at says
    PARTITION_PLACE,         // the same for one partition; before later effects of the list
    PARTITION_DROP,          // clear our copy of `partition`; before later effects of the list
    PARTITION_SYNC,          // as acting master: sync `partition` with member `to`
    PARTITION_DRAIN,         // place it (handing over), say PARTITION_DRAINED when nothing is in
                             // flight there any more
};

struct partition_effect {
    enum partition_effect_type type;
    uint32_t to;
    uint32_t partition;
    bool wants;
    bool fill;  // sync: its copy was empty, so it has nothing to tell
    bool equal; // sync: it has to end up like ours; else only what it has is wanted
    struct partition_message message;
};

// A step that has more to do than fits says `more`: step again with PARTITION_TICK at once.
enum { PARTITION_EFFECTS_MAX = 512 };

struct partition_effects {
    uint32_t count;
    bool more;
    struct partition_effect effect[PARTITION_EFFECTS_MAX];
};

// How one partition stands, nodes by place in the view.
struct partition_state {
    uint64_t lineage; // of our copy from now on
    uint32_t step;
    uint8_t master; // acting
    uint8_t desired_count;
    uint8_t desired[LIMIT_REPLICATION_FACTOR];
    uint8_t column_count; // who serves clients: the master, then full replicas
    uint8_t column[LIMIT_REPLICATION_FACTOR];
    struct node_set writes;
    struct node_set full;
    struct node_set unsynced;   // at a node that does not lead: also who is to drop, but not yet
    struct node_set duplicates; // part of unsynced
    bool self_full;             // our copy is full
    bool settled;               // as far as we know: all is as it shall be, nothing left to do
    bool handing_over;          // we are the master and about to hand over
    bool drop;                  // our copy was dropped in this view
    bool lost;                  // nobody in the view had a full copy though some had a part
};

struct partition_progress {
    uint32_t sync_initial;     // partition and partner pairs of ours to sync, at the plan
    uint32_t sync_remaining;   // of them, left
    uint32_t incoming_initial; // partitions where somebody else's sync fills our copy, at the plan
    uint32_t incoming_remaining; // of them, left
    uint32_t lead_remaining;     // partitions of ours not yet as they shall be
    uint32_t lost;               // partitions without a full copy at the plan
    bool planned;                // the exchange is complete
};

struct partition_machine;

uint64_t partition_size(void);
struct partition_machine *partition_init(void *memory, uint32_t syncs_at_once);

void partition_step(struct partition_machine *machine, const struct partition_event *event,
                    struct partition_effects *out);

// Our exchange of this view as it was given with PARTITION_VIEW, whatever has happened since: that
// is what all members plan by. `wants` is false.
void partition_exchange_own(const struct partition_machine *machine,
                            struct partition_exchange *out);

const struct partition_state *partition_at(const struct partition_machine *machine,
                                           uint32_t partition);
void partition_progress(const struct partition_machine *machine, struct partition_progress *out);
uint32_t partition_replication_factor(const struct partition_machine *machine); // effective
uint32_t partition_rack_of(const struct partition_machine *machine, uint32_t member);
uint64_t partition_clock_ms(const struct partition_machine *machine); // the latest of all members
bool partition_member_has(const struct partition_machine *machine, uint32_t member);

// Partitions of which we still have a copy that somebody counts on; and those of them that we
// master or whose records nobody else has all of. A node that leaves waits for the second, better
// for the first, to become 0. Not planned: all. Each looks at every partition.
uint32_t partition_held(const struct partition_machine *machine);
uint32_t partition_needed(const struct partition_machine *machine);

// Whether every partition that we have a copy of is as it shall be, all its copies equal. A node is
// not told of those that it has none of.
bool partition_is_settled(const struct partition_machine *machine);

// The invariants; asserts.
void partition_check(const struct partition_machine *machine);
