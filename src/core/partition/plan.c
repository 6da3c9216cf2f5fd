// SPDX-License-Identifier: Apache-2.0
// The plan: from what all members told of their copies to how every partition stands. A function of
// the exchange alone, so that all members come to the same.
#include <string.h>

#include "core/partition/machine.h"

static bool is_full(const struct partition_copy *copy)
{
    uint64_t both = PARTITION_LINEAGE_ALONE | PARTITION_LINEAGE_ALONE_FULL;
    return copy->full || (copy->lineage & both) == both;
}

static uint64_t lineage_alone(uint64_t key, uint64_t node_id, bool full)
{
    uint64_t lineage = balance_score(key ^ node_id, 0) | PARTITION_LINEAGE_ALONE;
    return full ? lineage | PARTITION_LINEAGE_ALONE_FULL : lineage & ~PARTITION_LINEAGE_ALONE_FULL;
}

static bool same_content(const struct partition_copy *a, const struct partition_copy *b)
{
    return a->count == b->count && a->sum == b->sum;
}

// The member of `set` with most records; equal ones by score.
static uint32_t largest(const struct partition_machine *machine, uint32_t partition,
                        const struct node_set *set)
{
    uint32_t best = LIMIT_CLUSTER_NODES;
    for (uint32_t node = node_set_next(set, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(set, node + 1)) {
        uint32_t count = machine->copy[node][partition].count;
        uint32_t most = best == LIMIT_CLUSTER_NODES ? 0 : machine->copy[best][partition].count;
        if (best == LIMIT_CLUSTER_NODES || count > most ||
            (count == most && balance_score(machine->member[node].id, partition) >
                                  balance_score(machine->member[best].id, partition))) {
            best = node;
        }
    }
    return best;
}

// Those of `set` that have the lineage.
static struct node_set of_lineage(const struct partition_machine *machine, uint32_t partition,
                                  const struct node_set *set, uint64_t lineage)
{
    struct node_set found = {{0}};
    for (uint32_t node = node_set_next(set, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(set, node + 1)) {
        if (machine->copy[node][partition].lineage == lineage) {
            node_set_add(&found, node);
        }
    }
    return found;
}

// The best full copy: of the lineage with most records, then with most copies.
static uint32_t reference_find(const struct partition_machine *machine, uint32_t partition,
                               struct node_set full)
{
    uint32_t best = LIMIT_CLUSTER_NODES;
    uint32_t best_copies = 0;
    while (!node_set_is_empty(&full)) {
        uint32_t node = largest(machine, partition, &full);
        const struct partition_copy *copy = machine->copy[node];
        struct node_set same = of_lineage(machine, partition, &full, copy[partition].lineage);
        if (best == LIMIT_CLUSTER_NODES ||
            (copy[partition].count == machine->copy[best][partition].count &&
             node_set_count(&same) > best_copies)) {
            best = node;
            best_copies = node_set_count(&same);
        }
        full = partition__without(full, same);
    }
    return best;
}

// Whether a copy is one of the reference's lineage, or of one that it stems from.
static bool is_kin(const struct partition_machine *machine, uint32_t partition, uint32_t node)
{
    uint32_t reference = machine->found[partition].reference;
    uint64_t lineage = machine->copy[node][partition].lineage;
    return lineage != 0 && (lineage == machine->copy[reference][partition].lineage ||
                            partition__stems_from(machine, partition, reference, lineage));
}

// What is there of a partition; tells balancing who has it all and who has a part.
static void partition_find(struct partition_machine *machine, uint32_t partition)
{
    struct partition_found *found = &machine->found[partition];
    struct node_set *all = &machine->input.full[partition];
    struct node_set *part = &machine->input.part[partition];
    struct node_set full = {{0}};
    struct node_set some = {{0}};
    bool part_of_lost = false;
    *all = (struct node_set){{0}};
    *part = (struct node_set){{0}};
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        const struct partition_copy *copy = &machine->copy[node][partition];
        if (is_full(copy)) {
            node_set_add(&full, node);
        }
        if (copy->count > 0) {
            node_set_add(&some, node);
        }
        part_of_lost |= copy->lineage != 0;
    }
    found->lost = part_of_lost && node_set_is_empty(&full);
    if (node_set_is_empty(&some)) {
        found->kind = PARTITION_KIND_EMPTY;
        return;
    }
    found->kind = node_set_is_empty(&full) ? PARTITION_KIND_LOST : PARTITION_KIND_FULL;
    found->reference =
        (uint8_t)(found->kind == PARTITION_KIND_FULL ? reference_find(machine, partition, full)
                                                     : largest(machine, partition, &some));
    const struct partition_copy *best = &machine->copy[found->reference][partition];
    found->lost = found->kind == PARTITION_KIND_LOST;
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        const struct partition_copy *copy = &machine->copy[node][partition];
        bool complete = found->kind == PARTITION_KIND_FULL &&
                        ((is_full(copy) && copy->lineage == best->lineage) ||
                         (copy->count > 0 && same_content(copy, best)));
        if (complete || node == found->reference) {
            node_set_add(all, node);
        } else if (copy->count > 0 || is_kin(machine, partition, node)) {
            node_set_add(part, node);
        }
    }
}

static uint32_t factor_of_all(const struct partition_machine *machine)
{
    uint32_t factor = 1;
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        if (machine->replication_factor[node] > factor) {
            factor = machine->replication_factor[node];
        }
    }
    return factor;
}

static void balance(struct partition_machine *machine)
{
    struct balance_input *input = &machine->input;
    uint32_t count = node_set_count(&machine->has);
    input->node_count = machine->member_count;
    input->replication_factor = factor_of_all(machine);
    for (uint32_t node = 0; node < machine->member_count; node++) {
        input->node[node] = (struct balance_node){
            .id = machine->member[node].id,
            .rack = machine->rack[node],
            .quiesced = machine->member[node].quiesced,
            .absent = !node_set_has(&machine->has, node),
        };
    }
    machine->effective_replication_factor =
        count < input->replication_factor ? count : input->replication_factor;
    balance_compute(input, &machine->balance, machine->holders);
}

// Those with a full copy of the lineage that counts; the one copy that counts where nobody is full.
static struct node_set candidates_find(const struct partition_machine *machine, uint32_t partition)
{
    const struct partition_found *found = &machine->found[partition];
    const struct partition_copy *best = &machine->copy[found->reference][partition];
    struct node_set same =
        of_lineage(machine, partition, &machine->input.full[partition], best->lineage);
    struct node_set candidates = partition__with((struct node_set){{0}}, found->reference);
    for (uint32_t node = node_set_next(&same, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&same, node + 1)) {
        if (found->kind == PARTITION_KIND_FULL && is_full(&machine->copy[node][partition])) {
            node_set_add(&candidates, node);
        }
    }
    return candidates;
}

// The acting master: the first candidate that shall hold the partition, else the best by score, one
// that is on its way out last.
static uint32_t master_find(const struct partition_machine *machine, uint32_t partition,
                            const struct node_set *candidates)
{
    const struct balance_holders *holders = &machine->holders[partition];
    uint32_t best = LIMIT_CLUSTER_NODES;
    for (uint32_t i = 0; i < holders->count; i++) {
        if (node_set_has(candidates, holders->node[i])) {
            return holders->node[i];
        }
    }
    for (uint32_t node = node_set_next(candidates, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(candidates, node + 1)) {
        const struct partition_member *member = &machine->member[node];
        if (best == LIMIT_CLUSTER_NODES || (machine->member[best].quiesced && !member->quiesced) ||
            (machine->member[best].quiesced == member->quiesced &&
             balance_score(member->id, partition) >
                 balance_score(machine->member[best].id, partition))) {
            best = node;
        }
    }
    return best;
}

// Who is full: the candidates, and what has the master's content under another lineage. To be equal
// to another candidate is not enough: that one may have got, from a copy of another lineage,
// records that the master still lacks.
static struct node_set full_find(const struct partition_machine *machine, uint32_t partition,
                                 uint32_t master, struct node_set candidates)
{
    const struct partition_copy *own = &machine->copy[master][partition];
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        const struct partition_copy *copy = &machine->copy[node][partition];
        if (copy->count > 0 && same_content(copy, own)) {
            node_set_add(&candidates, node);
        }
    }
    return candidates;
}

// Who takes each write besides the master: who shall hold the partition, and who holds something of
// what counts. All of them keep it until everybody that shall hold it is full, because only
// together they may have as many copies of each write as there have to be.
static struct node_set writes_find(const struct partition_machine *machine, uint32_t partition,
                                   const struct partition_state *state)
{
    const struct partition_found *found = &machine->found[partition];
    struct node_set writes = partition__desired(state);
    if (found->kind == PARTITION_KIND_FULL) {
        for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
             node = node_set_next(&machine->has, node + 1)) {
            if (machine->copy[node][partition].count > 0 && is_kin(machine, partition, node)) {
                node_set_add(&writes, node);
            }
        }
        writes = partition__union(writes, state->full);
    }
    node_set_remove(&writes, state->master);
    return writes;
}

// Whose copies have to be brought together with the master's: what is to stay, and what has records
// of its own. Those are lost with a copy that goes: a write that nobody acknowledged yet may be on
// its way only there.
static void unsynced_find(const struct partition_machine *machine, uint32_t partition,
                          struct partition_state *state)
{
    const struct partition_found *found = &machine->found[partition];
    const struct partition_copy *master = &machine->copy[state->master][partition];
    struct node_set desired = partition__desired(state);
    if (found->kind == PARTITION_KIND_EMPTY) {
        return;
    }
    for (uint32_t node = node_set_next(&machine->has, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(&machine->has, node + 1)) {
        const struct partition_copy *copy = &machine->copy[node][partition];
        bool full = node_set_has(&state->full, node);
        if (node == state->master) {
            continue;
        }
        if (copy->count > 0 && !full &&
            (found->kind == PARTITION_KIND_LOST || !is_kin(machine, partition, node))) {
            node_set_add(&state->duplicates, node);
            node_set_add(&state->unsynced, node);
        } else if (same_content(copy, master) ? node_set_has(&desired, node) && !full
                                              : node_set_has(&state->writes, node)) {
            node_set_add(&state->unsynced, node);
        }
    }
    if (node_set_is_empty(&state->duplicates)) {
        return;
    }
    // What duplicates have comes to the master. Whoever lacks it then is not full any more,
    // whatever it was; so nobody but the master is until it has been synced.
    state->full =
        partition__both(state->full, partition__with((struct node_set){{0}}, state->master));
    state->unsynced = partition__union(state->unsynced, desired);
    node_set_remove(&state->unsynced, state->master);
}

// What our own copy is from now on. One that takes writes has the lineage of the view. Where there
// are duplicates the lineage of the view is that of the master and of what will be equal to it: a
// copy that was full, or is a duplicate itself, stands alone until it has been synced.
static void self_find(const struct partition_machine *machine, uint32_t partition,
                      struct partition_state *state)
{
    const struct partition_copy *copy = &machine->copy[machine->self][partition];
    bool duplicate = node_set_has(&state->duplicates, machine->self);
    bool apart = !node_set_is_empty(&state->duplicates) && (duplicate || is_full(copy));
    state->self_full = node_set_has(&state->full, machine->self);
    if (state->master == machine->self) {
        state->lineage = machine->key;
    } else if (node_set_has(&state->writes, machine->self)) {
        uint64_t id = machine->member[machine->self].id;
        state->lineage = apart ? lineage_alone(machine->key, id, is_full(copy)) : machine->key;
    } else if (duplicate) {
        state->self_full = copy->full;
        state->lineage = copy->lineage;
    }
}

static void state_set(struct partition_machine *machine, uint32_t partition)
{
    struct partition_state *state = &machine->state[partition];
    const struct balance_holders *holders = &machine->holders[partition];
    const struct partition_found *found = &machine->found[partition];
    memset(state, 0, sizeof *state);
    memcpy(state->desired, holders->node, holders->count);
    state->desired_count = holders->count;
    state->lost = found->lost;
    if (found->kind == PARTITION_KIND_EMPTY) {
        state->master = holders->node[0];
        state->full = partition__desired(state);
    } else {
        struct node_set candidates = candidates_find(machine, partition);
        state->master = (uint8_t)master_find(machine, partition, &candidates);
        if (found->kind == PARTITION_KIND_FULL) {
            state->full = full_find(machine, partition, state->master, candidates);
        }
    }
    state->writes = writes_find(machine, partition, state);
    unsynced_find(machine, partition, state);
    self_find(machine, partition, state);
    state->settled = partition__is_right(state);
    partition__columns(machine, state);
}

bool partition__is_right(const struct partition_state *state)
{
    struct node_set desired = partition__desired(state);
    struct node_set holding = partition__with(state->writes, state->master);
    return node_set_is_empty(&state->unsynced) && state->master == state->desired[0] &&
           node_set_equal(&holding, &desired) && node_set_equal(&state->full, &desired);
}

bool partition__is_incoming(const struct partition_machine *machine,
                            const struct partition_state *state)
{
    struct node_set desired = partition__desired(state);
    return state->master != machine->self && node_set_has(&desired, machine->self) &&
           node_set_has(&state->unsynced, machine->self);
}

void partition__columns(const struct partition_machine *machine, struct partition_state *state)
{
    struct node_set left = state->full;
    uint32_t limit = machine->effective_replication_factor;
    state->column[0] = state->master;
    state->column_count = 1;
    node_set_remove(&left, state->master);
    for (uint32_t i = 0; i < state->desired_count && state->column_count < limit; i++) {
        if (node_set_has(&left, state->desired[i])) {
            state->column[state->column_count++] = state->desired[i];
            node_set_remove(&left, state->desired[i]);
        }
    }
    for (uint32_t node = node_set_next(&left, 0);
         node < LIMIT_CLUSTER_NODES && state->column_count < limit;
         node = node_set_next(&left, node + 1)) {
        state->column[state->column_count++] = (uint8_t)node;
    }
}

void partition__plan(struct partition_machine *machine)
{
    struct partition_progress *progress = &machine->progress;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        partition_find(machine, p);
    }
    balance(machine);
    memset(progress, 0, sizeof *progress);
    progress->planned = true;
    machine->planned = true;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct partition_state *state = &machine->state[p];
        partition__history_set(machine, p);
        state_set(machine, p);
        progress->lost += state->lost;
        if (state->master == machine->self) {
            partition__lead_start(machine, p, false);
        } else if (partition__is_incoming(machine, state)) {
            progress->incoming_initial++;
        }
    }
    progress->incoming_remaining = progress->incoming_initial;
}
