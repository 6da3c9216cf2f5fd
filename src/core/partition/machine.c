// SPDX-License-Identifier: Apache-2.0
// The entry of the partition machine, and the exchange: each member's copies are sent to each other
// member until all have all.
#include "core/partition/machine.h"

#include <string.h>

uint64_t partition_size(void)
{
    return sizeof(struct partition_machine);
}

struct partition_machine *partition_init(void *memory, uint32_t syncs_at_once)
{
    struct partition_machine *machine = memory;
    memset(machine, 0, offsetof(struct partition_machine, found));
    machine->magic = PARTITION_MAGIC;
    machine->syncs_at_once = syncs_at_once;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        machine->state[p].master = UINT8_MAX;
    }
    return machine;
}

struct partition_effect *partition__effect(struct partition_effects *out,
                                           enum partition_effect_type type, uint32_t partition)
{
    base_assert(out->count < PARTITION_EFFECTS_MAX);
    struct partition_effect *effect = &out->effect[out->count++];
    *effect = (struct partition_effect){.type = type, .partition = partition};
    return effect;
}

static void exchange_send(uint32_t to, bool wants, struct partition_effects *out)
{
    if (out->count == PARTITION_EFFECTS_MAX) {
        return; // it is sent again
    }
    struct partition_effect *effect = partition__effect(out, PARTITION_SEND_EXCHANGE, 0);
    effect->to = to;
    effect->wants = wants;
}

static void exchange_take(struct partition_machine *machine, uint32_t from,
                          const struct partition_exchange *exchange)
{
    const struct partition_histories *histories = &exchange->histories;
    memcpy(machine->copy[from], exchange->copy, sizeof machine->copy[from]);
    memcpy(machine->told[from].history, histories->history,
           histories->count * sizeof histories->history[0]);
    machine->told[from].count = histories->count;
    machine->rack[from] = exchange->rack;
    machine->clock_ms[from] = exchange->clock_ms;
    machine->replication_factor[from] = exchange->replication_factor;
    if (exchange->has_namespace) {
        node_set_add(&machine->has, from);
    }
}

static void plan_if_complete(struct partition_machine *machine, struct partition_effects *out)
{
    if (!machine->planned && node_set_is_empty(&machine->missing)) {
        partition__plan(machine);
        partition__effect(out, PARTITION_PLAN, 0);
    }
}

// Everything of the view before is void.
static void view_forget(struct partition_machine *machine)
{
    machine->planned = false;
    machine->missing = (struct node_set){{0}};
    machine->has = (struct node_set){{0}};
    machine->effective_replication_factor = 0;
    machine->syncing_count = 0;
    memset(&machine->progress, 0, sizeof machine->progress);
    memset(machine->state, 0, sizeof machine->state);
    memset(machine->lead, 0, sizeof machine->lead);
    memset(&machine->work, 0, sizeof machine->work);
    memset(machine->sync, 0, sizeof machine->sync);
    machine->waiting_first = PARTITION_NONE;
    machine->waiting_last = PARTITION_NONE;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        machine->state[p].master = UINT8_MAX;
    }
}

static void on_view(struct partition_machine *machine, const struct partition_event *event,
                    struct partition_effects *out)
{
    base_assert(event->view_key != 0 && event->exchange->has_namespace);
    base_assert(event->member_count >= 1 && event->member_count <= LIMIT_CLUSTER_NODES);
    base_assert(event->self < event->member_count);
    partition__copies_tell(machine, event->exchange, &machine->own);
    view_forget(machine);
    machine->key = event->view_key;
    machine->member_count = event->member_count;
    machine->self = event->self;
    memcpy(machine->member, event->member, event->member_count * sizeof machine->member[0]);
    exchange_take(machine, machine->self, &machine->own);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        // Until there is a plan a copy is what it was: the next view may come before.
        machine->state[p].lineage = event->exchange->copy[p].lineage;
        machine->state[p].self_full = event->exchange->copy[p].full;
    }
    for (uint32_t node = 0; node < machine->member_count; node++) {
        if (node != machine->self) {
            node_set_add(&machine->missing, node);
            machine->asked_ms[node] = machine->now_ms;
            machine->asked_wait_ms[node] = PARTITION_EXCHANGE_RESEND_MS;
            exchange_send(node, true, out);
        }
    }
    plan_if_complete(machine, out);
}

static void on_exchanged(struct partition_machine *machine, const struct partition_event *event,
                         struct partition_effects *out)
{
    const struct partition_exchange *exchange = event->exchange;
    if (machine->key == 0 || exchange->key != machine->key ||
        event->from >= machine->member_count || event->from == machine->self) {
        return;
    }
    if (node_set_has(&machine->missing, event->from)) {
        node_set_remove(&machine->missing, event->from);
        exchange_take(machine, event->from, exchange);
    }
    if (exchange->wants) {
        exchange_send(event->from, false, out);
    }
    plan_if_complete(machine, out);
}

static void exchange_resend(struct partition_machine *machine, struct partition_effects *out)
{
    for (uint32_t node = node_set_next(&machine->missing, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->missing, node + 1)) {
        if (machine->now_ms - machine->asked_ms[node] >= machine->asked_wait_ms[node]) {
            machine->asked_ms[node] = machine->now_ms;
            if (machine->asked_wait_ms[node] < PARTITION_EXCHANGE_RESEND_MAX_MS) {
                machine->asked_wait_ms[node] *= 2;
            }
            exchange_send(node, true, out);
        }
    }
}

static void on_received(struct partition_machine *machine, const struct partition_event *event,
                        struct partition_effects *out)
{
    const struct partition_message *message = event->message;
    if (!machine->planned || message->key != machine->key || event->from >= machine->member_count ||
        event->from == machine->self || message->partition >= LIMIT_PARTITIONS) {
        return;
    }
    switch (message->type) {
    case PARTITION_ANNOUNCE:
        partition__on_announce(machine, event->from, message, event->busy, out);
        break;
    case PARTITION_ANNOUNCED:
        partition__on_announced(machine, event->from, message);
        break;
    case PARTITION_HAND_OVER:
        partition__on_hand_over(machine, event->from, message);
        break;
    }
}

void partition_step(struct partition_machine *machine, const struct partition_event *event,
                    struct partition_effects *out)
{
    base_magic_check(machine, PARTITION_MAGIC);
    bool ours =
        machine->planned && event->view_key == machine->key && event->partition < LIMIT_PARTITIONS;
    machine->now_ms = event->now_ms;
    out->count = 0;
    out->more = false;
    switch (event->type) {
    case PARTITION_VIEW:
        on_view(machine, event, out);
        break;
    case PARTITION_EXCHANGED:
        on_exchanged(machine, event, out);
        break;
    case PARTITION_RECEIVED:
        on_received(machine, event, out);
        break;
    case PARTITION_SYNCED:
        if (ours) {
            partition__on_synced(machine, event->partition, event->from);
        }
        break;
    case PARTITION_DRAINED:
        if (ours) {
            partition__on_drained(machine, event->partition);
        }
        break;
    case PARTITION_TICK:
        exchange_resend(machine, out);
        break;
    }
    if (machine->planned) {
        partition__lead_work(machine, out);
    }
    base_assert_slow((partition__check_one(machine, event->partition), true));
}

void partition_exchange_own(const struct partition_machine *machine, struct partition_exchange *out)
{
    base_magic_check(machine, PARTITION_MAGIC);
    base_assert(machine->key != 0);
    memcpy(out->copy, machine->copy[machine->self], sizeof out->copy);
    out->histories = machine->told[machine->self];
    out->key = machine->key;
    out->replication_factor = machine->replication_factor[machine->self];
    out->rack = machine->rack[machine->self];
    out->clock_ms = machine->clock_ms[machine->self];
    out->has_namespace = true;
    out->wants = false;
}

const struct partition_state *partition_at(const struct partition_machine *machine,
                                           uint32_t partition)
{
    base_assert(partition < LIMIT_PARTITIONS);
    return &machine->state[partition];
}

void partition_progress(const struct partition_machine *machine, struct partition_progress *out)
{
    base_magic_check(machine, PARTITION_MAGIC);
    *out = machine->progress;
}

uint32_t partition_replication_factor(const struct partition_machine *machine)
{
    return machine->effective_replication_factor;
}

uint32_t partition_rack_of(const struct partition_machine *machine, uint32_t member)
{
    return node_set_has(&machine->has, member) ? machine->rack[member] : 0;
}

uint64_t partition_clock_ms(const struct partition_machine *machine)
{
    uint64_t latest_ms = 0;
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        uint64_t clock_ms = machine->clock_ms[node];
        latest_ms = clock_ms > latest_ms ? clock_ms : latest_ms;
    }
    return latest_ms;
}

bool partition_member_has(const struct partition_machine *machine, uint32_t member)
{
    return node_set_has(&machine->has, member);
}

// Whether somebody counts on our copy.
static bool is_held(const struct partition_machine *machine, const struct partition_state *state)
{
    return state->master == machine->self ||
           (!state->drop && (node_set_has(&state->writes, machine->self) ||
                             node_set_has(&state->unsynced, machine->self)));
}

uint32_t partition_held(const struct partition_machine *machine)
{
    uint32_t held = 0;
    if (!machine->planned) {
        return LIMIT_PARTITIONS;
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        held += is_held(machine, &machine->state[p]);
    }
    return held;
}

bool partition_is_settled(const struct partition_machine *machine)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = &machine->state[p];
        if (!machine->planned || (is_held(machine, state) && !state->settled)) {
            return false;
        }
    }
    return true;
}

uint32_t partition_needed(const struct partition_machine *machine)
{
    uint32_t needed = 0;
    if (!machine->planned) {
        return LIMIT_PARTITIONS;
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = &machine->state[p];
        bool another = node_set_has(&state->full, state->master);
        needed += state->master == machine->self ||
                  node_set_has(&state->duplicates, machine->self) ||
                  (!another && !state->drop && node_set_has(&state->writes, machine->self));
    }
    return needed;
}
