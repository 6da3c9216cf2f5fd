// SPDX-License-Identifier: Apache-2.0
// The part of those who do not lead a partition: they take what its acting master announces, and
// become the master when it hands over. What a message says is checked as far as it could break
// this node; one that cannot be of the partition's master is ignored.
#include <string.h>

#include "core/partition/machine.h"

// Whether a message makes sense at all in this view.
static bool message_fits(const struct partition_machine *machine,
                         const struct partition_message *message)
{
    const struct partition_state *state = &machine->state[message->partition];
    struct node_set holding = partition__with(message->writes, message->master);
    struct node_set named =
        partition__union(partition__union(holding, message->unsynced), message->drop);
    struct node_set staying = partition__with(
        partition__union(partition__desired(state), message->unsynced), message->master);
    struct node_set torn = partition__both(message->drop, staying);
    return partition__is_part(message->duplicates, message->unsynced) &&
           (state->lost || node_set_has(&message->full, message->master)) &&
           partition__is_part(named, machine->has) && partition__is_part(message->full, holding) &&
           node_set_is_empty(&torn) && !node_set_has(&message->writes, message->master) &&
           !node_set_has(&message->unsynced, message->master);
}

static void acknowledge(const struct partition_machine *machine, uint32_t to, uint32_t partition,
                        struct partition_effects *out)
{
    struct partition_effect *effect = partition__effect(out, PARTITION_SEND, partition);
    effect->to = to;
    effect->message = (struct partition_message){
        .type = PARTITION_ANNOUNCED,
        .key = machine->key,
        .partition = partition,
        .step = machine->state[partition].step,
        .master = machine->state[partition].master,
    };
}

// What the announcement says about everybody.
static void state_take(struct partition_machine *machine, const struct partition_message *message)
{
    struct partition_state *state = &machine->state[message->partition];
    bool incoming = partition__is_incoming(machine, state);
    state->step = message->step;
    state->master = message->master;
    state->writes = message->writes;
    state->full = message->full;
    state->unsynced = message->unsynced;
    state->duplicates = message->duplicates;
    if (incoming && !partition__is_incoming(machine, state)) {
        machine->progress.incoming_remaining--;
    }
    state->settled = node_set_is_empty(&message->drop) && partition__is_right(state);

    partition__columns(machine, state);
}

// And about our own copy.
static void self_take(struct partition_machine *machine, const struct partition_message *message,
                      struct partition_effects *out)
{
    struct partition_state *state = &machine->state[message->partition];
    if (!state->drop && node_set_has(&state->writes, machine->self) &&
        node_set_has(&state->full, machine->self)) {
        state->self_full = true;
        state->lineage = machine->key;
    }
    partition__effect(out, PARTITION_PLACE, message->partition);
}

static void self_drop(struct partition_machine *machine, uint32_t partition,
                      struct partition_effects *out)
{
    struct partition_state *state = &machine->state[partition];
    state->drop = true;
    state->lineage = 0;
    state->self_full = false;
    partition__effect(out, PARTITION_PLACE, partition);
    partition__effect(out, PARTITION_DROP, partition);
}

void partition__on_announce(struct partition_machine *machine, uint32_t from,
                            const struct partition_message *message, bool busy,
                            struct partition_effects *out)
{
    struct partition_state *state = &machine->state[message->partition];
    struct partition_lead *lead = &machine->lead[message->partition];
    if (message->master != from || (from != state->master && from != state->desired[0]) ||
        (lead->leading && !lead->drained) || !message_fits(machine, message) ||
        message->step < state->step) { // overtaken by a later one, which is answered for itself
        return;
    }
    bool drops = node_set_has(&message->drop, machine->self) && !state->drop;
    if (message->step > state->step) {
        if (lead->leading) {
            partition__lead_stop(machine, message->partition);
        }
        state_take(machine, message);
        self_take(machine, message, out);
    }
    if (drops && busy) {
        return; // what is in flight is sent from our copy; the master tells us again
    }
    if (drops) {
        self_drop(machine, message->partition, out);
    }
    acknowledge(machine, from, message->partition, out);
}

void partition__on_hand_over(struct partition_machine *machine, uint32_t from,
                             const struct partition_message *message)
{
    struct partition_state *state = &machine->state[message->partition];
    struct partition_lead *lead = &machine->lead[message->partition];
    if (lead->leading || from != state->master || message->master != machine->self ||
        state->desired[0] != machine->self || message->step <= state->step ||
        !node_set_has(&message->full, machine->self) || !message_fits(machine, message)) {
        return;
    }
    struct node_set desired = partition__desired(state);
    struct node_set drop = partition__without(message->writes, desired);
    state_take(machine, message);
    state->lineage = machine->key;
    state->self_full = true;
    state->unsynced = (struct node_set){{0}};
    state->duplicates = (struct node_set){{0}};
    state->full = partition__without(state->full, drop);
    state->settled = false;
    lead->drop = partition__union(message->drop, drop);
    partition__lead_start(machine, message->partition, true);
}
