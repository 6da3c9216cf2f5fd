// SPDX-License-Identifier: Apache-2.0
// Inside of the partition machine: what its files share. machine.c is the entry and the exchange,
// plan.c makes the plan when all have told what they hold, lead.c leads the partitions whose acting
// master this node is, follow.c obeys the masters of the others, message.c is bytes and back.
#pragma once

#include <stddef.h>

#include "core/partition/balance.h"
#include "core/partition/partition.h"

enum {
    PARTITION_MAGIC = 0x50415254,
    PARTITION_RESEND_MS = 30,          // what is not acknowledged
    PARTITION_EXCHANGE_RESEND_MS = 50, // then twice as long each time
    PARTITION_EXCHANGE_RESEND_MAX_MS = 400,
    PARTITION_NONE = LIMIT_PARTITIONS, // end of a list
};

// Which syncs go first.
enum partition_urgency {
    PARTITION_URGENT_DUPLICATE, // until then each operation asks others
    PARTITION_URGENT_LEAVING,   // a holder wants to go
    PARTITION_URGENT_NOT,
    PARTITION_URGENCIES,
};

// What the acting master keeps of a partition besides its state.
struct partition_lead {
    struct node_set unacked; // who has to acknowledge what we sent last
    struct node_set unsent;  // of them, who is to be sent it now
    struct node_set drop;    // who was told to drop its copy and has not said that it did
    struct node_set later;   // who is synced and is to drop its copy when all others are full
    struct node_set syncing; // with whom a sync was asked for
    uint64_t sent_ms;
    uint16_t previous; // in the list of those that wait for acknowledgements
    uint16_t next;
    bool leading;        // we are the acting master
    bool last_duplicate; // the last sync was asked for with one duplicate left
    bool finished;       // all is as it shall be
    bool placed;         // our place changed: say so with the next effects
    bool drain;          // the same, for handing over
    bool drained;        // nothing is in flight: mastership was handed over, the answer is missing
    bool queued;         // in the ring of those that have something to do
    bool waiting;        // in the list of those that wait
};

struct partition_ring {
    uint32_t head;
    uint32_t count;
    uint16_t partition[LIMIT_PARTITIONS];
};

enum partition_kind {
    PARTITION_KIND_EMPTY, // nobody has a record
    PARTITION_KIND_FULL,  // somebody has a full copy
    PARTITION_KIND_LOST,  // there are records and no full copy
};

// Keys of views have 48 bits. A lineage that one copy alone has says so with the top bit, and with
// the next one whether the copy was full when it got it.
#define PARTITION_LINEAGE_ALONE      (UINT64_C(1) << 63)
#define PARTITION_LINEAGE_ALONE_FULL (UINT64_C(1) << 62)

// What the plan finds out of one partition before it balances.
struct partition_found {
    uint8_t kind;
    uint8_t reference; // the best copy: its lineage is the one that counts
    bool lost;
};

struct partition_machine {
    uint32_t magic;
    uint32_t syncs_at_once; // 0: any number

    // The view.
    uint64_t key; // 0: none yet
    uint64_t now_ms;
    uint32_t member_count;
    uint32_t self;
    struct partition_member member[LIMIT_CLUSTER_NODES];

    // The exchange.
    bool planned;
    struct node_set missing; // whose exchange we lack
    struct node_set has;     // who has the namespace
    uint32_t rack[LIMIT_CLUSTER_NODES];
    uint64_t clock_ms[LIMIT_CLUSTER_NODES];
    uint32_t replication_factor[LIMIT_CLUSTER_NODES]; // as configured
    uint64_t asked_ms[LIMIT_CLUSTER_NODES];
    uint32_t asked_wait_ms[LIMIT_CLUSTER_NODES];

    // The plan and what became of it.
    uint32_t effective_replication_factor;
    uint32_t syncing_count;
    struct partition_progress progress;
    struct partition_state state[LIMIT_PARTITIONS];
    struct partition_lead lead[LIMIT_PARTITIONS];
    struct partition_ring work;                      // partitions that have something to do
    struct partition_ring sync[PARTITION_URGENCIES]; // partitions that have somebody to sync with
    uint16_t waiting_first;                          // sent longest ago
    uint16_t waiting_last;

    // For the plan; written before they are read.
    struct partition_found found[LIMIT_PARTITIONS];
    struct partition_history history[LIMIT_PARTITIONS]; // of this view's lineage
    struct balance_input input;
    struct balance_work balance;
    struct balance_holders holders[LIMIT_PARTITIONS];

    // What each member has told. Last, so that memory of members that are not there stays
    // untouched.
    struct partition_exchange own; // in the making
    struct partition_histories told[LIMIT_CLUSTER_NODES];
    struct partition_copy copy[LIMIT_CLUSTER_NODES][LIMIT_PARTITIONS];
};

// The next effect of the list, for the caller to fill; the caller has seen that there is room.
struct partition_effect *partition__effect(struct partition_effects *out,
                                           enum partition_effect_type type, uint32_t partition);

void partition__ring_push(struct partition_ring *ring, uint32_t partition);
uint32_t partition__ring_pop(struct partition_ring *ring);

// What a member's copy stems from, or NULL.
const struct partition_history *partition__history_of(const struct partition_machine *machine,
                                                      uint32_t member, uint32_t partition);

// Whether the lineage of the member's copy stems from `lineage`.
bool partition__stems_from(const struct partition_machine *machine, uint32_t partition,
                           uint32_t member, uint64_t lineage);

// At the plan: finds out what the lineage of this view stems from.
void partition__history_set(struct partition_machine *machine, uint32_t partition);

// At the start of a view, before the last one is forgotten: our copies as they are to be told.
void partition__copies_tell(struct partition_machine *machine,
                            const struct partition_exchange *given, struct partition_exchange *out);

// All members have told: decides how every partition stands.
void partition__plan(struct partition_machine *machine);

// Who serves clients, from master, full and desired.
void partition__columns(const struct partition_machine *machine, struct partition_state *state);

// Whether all is as it shall be, but for copies to be dropped.
bool partition__is_right(const struct partition_state *state);

// Whether a sync of somebody else is to fill our copy.
bool partition__is_incoming(const struct partition_machine *machine,
                            const struct partition_state *state);

// Becomes a partition's leader: at the plan, or because mastership was handed over (`announce`).
void partition__lead_start(struct partition_machine *machine, uint32_t partition, bool announce);
void partition__lead_stop(struct partition_machine *machine, uint32_t partition);

void partition__on_synced(struct partition_machine *machine, uint32_t partition, uint32_t with);
void partition__on_drained(struct partition_machine *machine, uint32_t partition);
void partition__on_announced(struct partition_machine *machine, uint32_t from,
                             const struct partition_message *message);

// Works off what there is to do, as far as it fits.
void partition__lead_work(struct partition_machine *machine, struct partition_effects *out);

void partition__on_announce(struct partition_machine *machine, uint32_t from,
                            const struct partition_message *message, bool busy,
                            struct partition_effects *out);
void partition__on_hand_over(struct partition_machine *machine, uint32_t from,
                             const struct partition_message *message);

// What partition_check says of one partition; of none if there is no such one, or no plan yet.
void partition__check_one(const struct partition_machine *machine, uint32_t partition);

static inline struct node_set partition__union(struct node_set a, struct node_set b)
{
    return (struct node_set){{a.bits[0] | b.bits[0], a.bits[1] | b.bits[1]}};
}

static inline struct node_set partition__both(struct node_set a, struct node_set b)
{
    return (struct node_set){{a.bits[0] & b.bits[0], a.bits[1] & b.bits[1]}};
}

static inline struct node_set partition__without(struct node_set a, struct node_set b)
{
    return (struct node_set){{a.bits[0] & ~b.bits[0], a.bits[1] & ~b.bits[1]}};
}

static inline struct node_set partition__with(struct node_set set, uint32_t node)
{
    node_set_add(&set, node);
    return set;
}

static inline bool partition__is_part(struct node_set a, struct node_set b)
{
    return (a.bits[0] & ~b.bits[0]) == 0 && (a.bits[1] & ~b.bits[1]) == 0;
}

static inline struct node_set partition__desired(const struct partition_state *state)
{
    struct node_set set = {{0}};
    for (uint32_t i = 0; i < state->desired_count; i++) {
        node_set_add(&set, state->desired[i]);
    }
    return set;
}
