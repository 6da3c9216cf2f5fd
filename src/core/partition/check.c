// SPDX-License-Identifier: Apache-2.0
// What always holds of the partition machine. For tests and simulation.
#include "core/partition/machine.h"

static void check_state(const struct partition_machine *machine, uint32_t partition)
{
    const struct partition_state *state = &machine->state[partition];
    base_assert(state->desired_count >= 1 && state->desired_count <= LIMIT_REPLICATION_FACTOR);
    base_assert(state->master < machine->member_count);
    struct node_set holding = partition__with(state->writes, state->master);
    base_assert(!node_set_has(&state->writes, state->master));
    base_assert(node_set_has(&state->full, state->master) || state->lost);
    base_assert(partition__is_part(state->full, holding));
    base_assert(partition__is_part(holding, machine->has));
    base_assert(partition__is_part(state->unsynced, machine->has));
    base_assert(!node_set_has(&state->unsynced, state->master));
    base_assert(partition__is_part(state->duplicates, state->unsynced));
    base_assert(!node_set_has(&state->duplicates, state->master));
    base_assert(state->column_count >= 1 && state->column[0] == state->master);
    for (uint32_t i = 1; i < state->column_count; i++) {
        base_assert(node_set_has(&state->full, state->column[i]));
    }
    base_assert(!state->drop ||
                (state->master != machine->self && state->lineage == 0 && !state->self_full &&
                 !node_set_has(&state->duplicates, machine->self)));
    base_assert(!state->handing_over || state->master == machine->self);
    if (state->master == machine->self) {
        base_assert(state->lineage == machine->key);
        base_assert(state->self_full == node_set_has(&state->full, machine->self));
    }
    if (state->self_full && node_set_has(&state->writes, machine->self)) {
        base_assert(state->lineage == machine->key);
    }
    if (state->settled) {
        base_assert(state->master == state->desired[0] && node_set_is_empty(&state->unsynced));
        base_assert(node_set_equal(&holding, &state->full));
    }
}

static void check_lead(const struct partition_machine *machine, uint32_t partition)
{
    const struct partition_state *state = &machine->state[partition];
    const struct partition_lead *lead = &machine->lead[partition];
    base_assert(lead->leading == (state->master == machine->self));
    if (!lead->leading) {
        base_assert(!lead->waiting && node_set_is_empty(&lead->syncing));
        return;
    }
    struct node_set wrong = partition__both(lead->drop, partition__desired(state));
    base_assert(node_set_is_empty(&wrong));
    wrong = partition__both(lead->drop, state->full);
    base_assert(node_set_is_empty(&wrong));
    base_assert(partition__is_part(lead->syncing, state->unsynced));
    base_assert(
        partition__is_part(state->unsynced, partition__union(state->writes, state->duplicates)));
    wrong =
        partition__both(lead->later, partition__union(partition__union(state->writes, lead->drop),
                                                      partition__desired(state)));
    base_assert(node_set_is_empty(&wrong));
    base_assert(partition__is_part(lead->unsent, lead->unacked));
    base_assert(!node_set_has(&lead->unacked, machine->self));
    base_assert(!state->handing_over || node_set_is_empty(&state->unsynced));
    base_assert(!lead->drained || state->handing_over);
    // Nothing can be forgotten: who is owed a message is in the ring or in the list.
    base_assert(node_set_is_empty(&lead->unacked) || lead->waiting || lead->queued);
    base_assert(lead->finished == state->settled);
}

void partition__check_one(const struct partition_machine *machine, uint32_t partition)
{
    if (machine->planned && partition < LIMIT_PARTITIONS) {
        check_state(machine, partition);
        check_lead(machine, partition);
    }
}

void partition_check(const struct partition_machine *machine)
{
    uint32_t remaining = 0;
    uint32_t syncing = 0;
    uint32_t unsynced = 0;
    uint32_t waiting = 0;
    uint32_t listed = 0;
    base_magic_check(machine, PARTITION_MAGIC);
    base_assert(machine->progress.planned == machine->planned);
    if (!machine->planned) {
        return;
    }
    base_assert(node_set_is_empty(&machine->missing));
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_lead *lead = &machine->lead[p];
        check_state(machine, p);
        check_lead(machine, p);
        remaining += lead->leading && !lead->finished;
        syncing += node_set_count(&lead->syncing);
        unsynced += lead->leading ? node_set_count(&machine->state[p].unsynced) : 0;
        waiting += lead->waiting;
    }
    for (uint32_t p = machine->waiting_first; p != PARTITION_NONE; p = machine->lead[p].next) {
        base_assert(machine->lead[p].waiting && listed <= LIMIT_PARTITIONS);
        listed++;
    }
    base_assert(listed == waiting);
    base_assert(remaining == machine->progress.lead_remaining);
    base_assert(syncing == machine->syncing_count);
    base_assert(unsynced == machine->progress.sync_remaining);
    base_assert(machine->syncs_at_once == 0 || syncing <= machine->syncs_at_once);
    base_assert(machine->progress.incoming_remaining <= machine->progress.incoming_initial);
}
