// SPDX-License-Identifier: Apache-2.0
// The acting master's part: has copies synced, tells the holders what changes, hands mastership to
// whom it shall belong, and has the others drop. A partition that has something to do stands in a
// ring; one that waits for acknowledgements stands in a list, the longest wait first. So a step
// costs what changes, not what there is.
#include <string.h>

#include "core/partition/machine.h"

void partition__ring_push(struct partition_ring *ring, uint32_t partition)
{
    base_assert(ring->count < LIMIT_PARTITIONS);
    ring->partition[(ring->head + ring->count) % LIMIT_PARTITIONS] = (uint16_t)partition;
    ring->count++;
}

uint32_t partition__ring_pop(struct partition_ring *ring)
{
    base_assert(ring->count > 0);
    uint32_t partition = ring->partition[ring->head];
    ring->head = (ring->head + 1) % LIMIT_PARTITIONS;
    ring->count--;
    return partition;
}

static void work_add(struct partition_machine *machine, uint32_t partition)
{
    if (!machine->lead[partition].queued) {
        machine->lead[partition].queued = true;
        partition__ring_push(&machine->work, partition);
    }
}

static void waiting_remove(struct partition_machine *machine, uint32_t partition)
{
    struct partition_lead *lead = &machine->lead[partition];
    if (!lead->waiting) {
        return;
    }
    lead->waiting = false;
    if (lead->previous == PARTITION_NONE) {
        machine->waiting_first = lead->next;
    } else {
        machine->lead[lead->previous].next = lead->next;
    }
    if (lead->next == PARTITION_NONE) {
        machine->waiting_last = lead->previous;
    } else {
        machine->lead[lead->next].previous = lead->previous;
    }
}

// Puts it behind all others: its messages were sent just now.
static void waiting_add(struct partition_machine *machine, uint32_t partition)
{
    struct partition_lead *lead = &machine->lead[partition];
    waiting_remove(machine, partition);
    lead->waiting = true;
    lead->sent_ms = machine->now_ms;
    lead->next = PARTITION_NONE;
    lead->previous = machine->waiting_last;
    if (machine->waiting_last == PARTITION_NONE) {
        machine->waiting_first = (uint16_t)partition;
    } else {
        machine->lead[machine->waiting_last].next = (uint16_t)partition;
    }
    machine->waiting_last = (uint16_t)partition;
}

// The state has changed: a new step, to be told to all that hold a copy, or to `all`.
static void change(struct partition_machine *machine, uint32_t partition, bool all)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    struct node_set told = all ? machine->has : partition__union(state->writes, lead->drop);
    node_set_remove(&told, machine->self);
    state->step++;
    partition__columns(machine, state);
    lead->unacked = partition__union(lead->unacked, told);
    lead->unsent = lead->unacked;
    lead->placed = true;
    work_add(machine, partition);
}

static bool leaving_holds(const struct partition_machine *machine,
                          const struct partition_state *state)
{
    for (uint32_t node = node_set_next(&state->full, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&state->full, node + 1)) {
        if (machine->member[node].quiesced) {
            return true;
        }
    }
    return false;
}

// Duplicates first: what they have goes to the master as it is asked for, and to the others only by
// the syncs that come behind.
static void syncs_queue(struct partition_machine *machine, uint32_t partition)
{
    struct partition_state *state = &machine->state[partition];
    enum partition_urgency urgency = PARTITION_URGENT_DUPLICATE;
    if (node_set_is_empty(&state->unsynced)) {
        return;
    }
    if (node_set_is_empty(&state->duplicates)) {
        urgency = leaving_holds(machine, state) ? PARTITION_URGENT_LEAVING : PARTITION_URGENT_NOT;
    }
    partition__ring_push(&machine->sync[urgency], partition);
}

void partition__lead_start(struct partition_machine *machine, uint32_t partition, bool announce)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    struct node_set drop = lead->drop;
    bool queued = lead->queued;
    base_assert(state->master == machine->self && !lead->leading);
    memset(lead, 0, sizeof *lead);
    lead->queued = queued;
    lead->leading = true;
    if (announce) {
        lead->drop = drop;
        machine->progress.lead_remaining++;
        change(machine, partition, true);
    } else if (state->settled) {
        lead->finished = true;
    } else {
        machine->progress.lead_remaining++;
        machine->progress.sync_initial += node_set_count(&state->unsynced);
        machine->progress.sync_remaining += node_set_count(&state->unsynced);
        syncs_queue(machine, partition);
        work_add(machine, partition);
    }
}

// Somebody else is the master.
void partition__lead_stop(struct partition_machine *machine, uint32_t partition)
{
    struct partition_lead *lead = &machine->lead[partition];
    bool queued = lead->queued;
    base_assert(lead->leading && !lead->finished && node_set_is_empty(&lead->syncing));
    waiting_remove(machine, partition);
    memset(lead, 0, sizeof *lead);
    lead->queued = queued;
    machine->state[partition].handing_over = false;
    machine->progress.lead_remaining--;
}

// While duplicates are asked, the master gets records that a copy synced by then does not get. So a
// duplicate that is to stay is synced once more with the others, unless it was the last.
static bool is_synced_for_good(const struct partition_machine *machine, uint32_t partition,
                               uint32_t with)
{
    const struct partition_state *state = &machine->state[partition];
    return !node_set_has(&state->duplicates, with) || !node_set_has(&state->writes, with) ||
           machine->lead[partition].last_duplicate;
}

void partition__on_synced(struct partition_machine *machine, uint32_t partition, uint32_t with)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    if (!lead->leading || !node_set_has(&lead->syncing, with)) {
        return;
    }
    struct node_set desired = partition__desired(state);
    node_set_remove(&lead->syncing, with);
    machine->syncing_count--;
    if (is_synced_for_good(machine, partition, with)) {
        machine->progress.sync_remaining--;
        node_set_remove(&state->unsynced, with);
        if (!node_set_has(&state->writes, with)) {
            node_set_add(&lead->later, with);
        } else if (node_set_has(&desired, with) && node_set_has(&state->full, machine->self)) {
            node_set_add(&state->full, with); // else nobody is full before all are
        }
    }
    if (node_set_has(&state->duplicates, with)) {
        node_set_remove(&state->duplicates, with);
        if (node_set_is_empty(&state->duplicates)) {
            syncs_queue(machine, partition);
        }
    }
    change(machine, partition, false);
}

void partition__on_drained(struct partition_machine *machine, uint32_t partition)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    if (!lead->leading || !state->handing_over || lead->drained) {
        return;
    }
    lead->drained = true;
    state->step++;
    lead->unacked = (struct node_set){{0}};
    node_set_add(&lead->unacked, state->desired[0]);
    lead->unsent = lead->unacked;
    work_add(machine, partition);
}

void partition__on_announced(struct partition_machine *machine, uint32_t from,
                             const struct partition_message *message)
{
    struct partition_state *state = &machine->state[message->partition];
    struct partition_lead *lead = &machine->lead[message->partition];
    if (!lead->leading || lead->drained || message->step != state->step) {
        return;
    }
    node_set_remove(&lead->unacked, from);
    node_set_remove(&lead->unsent, from);
    if (node_set_has(&lead->drop, from)) {
        node_set_remove(&lead->drop, from);
        if (node_set_has(&state->writes, from)) {
            node_set_remove(&state->writes, from);
            lead->placed = true;
        }
    }
    work_add(machine, message->partition);
}

// All that shall hold the partition are full and know it: hands over, has the others drop, or finds
// that all is done.
static void decide_last(struct partition_machine *machine, uint32_t partition)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    struct node_set desired = partition__desired(state);
    struct node_set drop = partition__union(
        partition__without(partition__without(state->writes, desired), lead->drop), lead->later);
    if (state->master != state->desired[0]) {
        state->handing_over = true;
        lead->drain = true;
    } else if (!node_set_is_empty(&drop)) {
        lead->drop = partition__union(lead->drop, drop);
        lead->later = (struct node_set){{0}};
        state->full = partition__without(state->full, drop);
        change(machine, partition, false);
    } else if (node_set_is_empty(&lead->drop)) {
        lead->finished = true;
        state->settled = true;
        machine->progress.lead_remaining--;
        if (state->step > 0) {
            change(machine, partition, false); // so that the holders know as well
        }
    }
}

// What comes next for a partition that we lead.
static void decide(struct partition_machine *machine, uint32_t partition)
{
    struct partition_state *state = &machine->state[partition];
    struct partition_lead *lead = &machine->lead[partition];
    if (!lead->leading || lead->finished || state->handing_over ||
        !node_set_is_empty(&state->unsynced)) {
        return;
    }
    if (!node_set_has(&state->full, machine->self)) {
        // Everything that there is of it has come together here, and this is all of it from now on.
        state->full = state->writes;
        node_set_add(&state->full, machine->self);
        state->self_full = true;
        change(machine, partition, false);
    }
    struct node_set unaware = partition__both(lead->unacked, partition__desired(state));
    if (node_set_is_empty(&unaware)) {
        decide_last(machine, partition);
    }
}

static void message_fill(const struct partition_machine *machine, uint32_t partition,
                         struct partition_message *message)
{
    const struct partition_state *state = &machine->state[partition];
    const struct partition_lead *lead = &machine->lead[partition];
    *message = (struct partition_message){
        .type = lead->drained ? PARTITION_HAND_OVER : PARTITION_ANNOUNCE,
        .key = machine->key,
        .partition = partition,
        .step = state->step,
        .master = state->master,
        .column_count = state->column_count,
        .writes = state->writes,
        .full = state->full,
        .unsynced = partition__union(state->unsynced, lead->later),
        .duplicates = state->duplicates,
        .drop = lead->drop,
    };
    memcpy(message->column, state->column, sizeof message->column);
    if (lead->drained) {
        message->master = state->desired[0];
        node_set_add(&message->writes, machine->self);
        node_set_remove(&message->writes, state->desired[0]);
        message->unsynced = (struct node_set){{0}};
        message->drop = partition__union(message->drop, lead->later);
    }
}

// Our place, then the messages of one partition.
static void emit(struct partition_machine *machine, uint32_t partition,
                 struct partition_effects *out)
{
    struct partition_lead *lead = &machine->lead[partition];
    if (lead->drain) {
        partition__effect(out, PARTITION_DRAIN, partition);
    } else if (lead->placed) {
        partition__effect(out, PARTITION_PLACE, partition);
    }
    lead->drain = false;
    lead->placed = false;
    for (uint32_t node = node_set_next(&lead->unsent, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&lead->unsent, node + 1)) {
        struct partition_effect *effect = partition__effect(out, PARTITION_SEND, partition);
        effect->to = node;
        message_fill(machine, partition, &effect->message);
    }
    if (!node_set_is_empty(&lead->unsent)) {
        waiting_add(machine, partition);
        lead->unsent = (struct node_set){{0}};
    }
    if (node_set_is_empty(&lead->unacked)) {
        waiting_remove(machine, partition);
    }
}

static bool has_room(const struct partition_machine *machine, const struct partition_effects *out)
{
    return out->count + machine->member_count + 2 <= PARTITION_EFFECTS_MAX;
}

// Messages that were not acknowledged in time go out again.
static void resend(struct partition_machine *machine)
{
    while (machine->waiting_first != PARTITION_NONE) {
        uint32_t partition = machine->waiting_first;
        struct partition_lead *lead = &machine->lead[partition];
        if (machine->now_ms - lead->sent_ms < PARTITION_RESEND_MS) {
            return;
        }
        lead->unsent = lead->unacked;
        waiting_remove(machine, partition);
        work_add(machine, partition);
    }
}

// The next member to sync with, of the first partition in the ring that has one.
static uint32_t sync_next(struct partition_machine *machine, enum partition_urgency urgency,
                          uint32_t *partition)
{
    struct partition_ring *ring = &machine->sync[urgency];
    while (ring->count > 0) {
        uint32_t p = ring->partition[ring->head];
        struct partition_state *state = &machine->state[p];
        struct node_set left =
            urgency == PARTITION_URGENT_DUPLICATE ? state->duplicates : state->unsynced;
        left = partition__without(left, machine->lead[p].syncing);
        if (!node_set_is_empty(&left)) {
            *partition = p;
            return node_set_next(&left, 0);
        }
        (void)partition__ring_pop(ring);
    }
    return LIMIT_CLUSTER_NODES;
}

static void syncs_start(struct partition_machine *machine, struct partition_effects *out)
{
    for (uint32_t urgency = 0; urgency < PARTITION_URGENCIES; urgency++) {
        for (;;) {
            uint32_t partition = 0;
            if (machine->syncs_at_once != 0 && machine->syncing_count >= machine->syncs_at_once) {
                return;
            }
            uint32_t with = sync_next(machine, (enum partition_urgency)urgency, &partition);
            if (with == LIMIT_CLUSTER_NODES) {
                break;
            }
            if (out->count == PARTITION_EFFECTS_MAX) {
                out->more = true;
                return;
            }
            struct partition_effect *effect = partition__effect(out, PARTITION_SYNC, partition);
            effect->to = with;
            effect->fill = machine->copy[with][partition].count == 0;
            struct node_set desired = partition__desired(&machine->state[partition]);
            effect->equal = node_set_has(&desired, with);
            node_set_add(&machine->lead[partition].syncing, with);
            machine->lead[partition].last_duplicate =
                node_set_count(&machine->state[partition].duplicates) == 1;
            machine->syncing_count++;
        }
    }
}

void partition__lead_work(struct partition_machine *machine, struct partition_effects *out)
{
    resend(machine);
    while (machine->work.count > 0) {
        if (!has_room(machine, out)) {
            out->more = true;
            return;
        }
        uint32_t partition = partition__ring_pop(&machine->work);
        machine->lead[partition].queued = false;
        decide(machine, partition);
        // What was decided may have put it back into the ring; it is told at once.
        emit(machine, partition, out);
    }
    syncs_start(machine, out);
}
