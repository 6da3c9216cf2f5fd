// SPDX-License-Identifier: Apache-2.0
// Where lineages stem from. A copy with a lineage that the counting one stems from is a part of it:
// all that it has of acknowledged writes the others have too. So a node that was away for a while
// need not be asked by everyone whether it knows better. What a copy stems from is known to the
// machine alone; it goes with the exchange, each list of lineages once, because most partitions
// share it.
#include <string.h>

#include "core/partition/machine.h"

const struct partition_history *partition__history_of(const struct partition_machine *machine,
                                                      uint32_t member, uint32_t partition)
{
    uint32_t number = machine->copy[member][partition].history;
    return number == 0 ? NULL : &machine->told[member].history[number - 1];
}

bool partition__stems_from(const struct partition_machine *machine, uint32_t partition,
                           uint32_t member, uint64_t lineage)
{
    const struct partition_history *history = partition__history_of(machine, member, partition);
    for (uint32_t i = 0; history != NULL && i < PARTITION_HISTORY_SIZE; i++) {
        if (history->lineage[i] == lineage) {
            return lineage != 0;
        }
    }
    return false;
}

// The lineage of this view stems from that of the reference, and from what that one stems from. Not
// where something is missing for certain, and not from one that a single copy has.
void partition__history_set(struct partition_machine *machine, uint32_t partition)
{
    const struct partition_found *found = &machine->found[partition];
    struct partition_history *out = &machine->history[partition];
    memset(out, 0, sizeof *out);
    uint64_t lineage = machine->copy[found->reference][partition].lineage;
    if (found->kind != PARTITION_KIND_FULL || (lineage & PARTITION_LINEAGE_ALONE) != 0) {
        return;
    }
    const struct partition_history *before =
        partition__history_of(machine, found->reference, partition);
    out->lineage[0] = lineage;
    if (before != NULL) {
        memcpy(&out->lineage[1], before->lineage,
               (PARTITION_HISTORY_SIZE - 1) * sizeof out->lineage[0]);
    }
}

// The number of a history within the list, or 0 if there is none or no room for it.
static uint8_t history_number(struct partition_histories *list,
                              const struct partition_history *history, uint32_t guess)
{
    if (history == NULL || history->lineage[0] == 0) {
        return 0;
    }
    if (guess != 0 && memcmp(&list->history[guess - 1], history, sizeof *history) == 0) {
        return (uint8_t)guess;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (memcmp(&list->history[i], history, sizeof *history) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    if (list->count == PARTITION_HISTORIES_MAX) {
        return 0;
    }
    list->history[list->count] = *history;
    return (uint8_t)++list->count;
}

// What our copy stems from, if it still is what we know it to be.
static const struct partition_history *history_find(const struct partition_machine *machine,
                                                    uint32_t partition, uint64_t lineage)
{
    if (machine->key == 0 || lineage == 0 || lineage != machine->state[partition].lineage) {
        return NULL;
    }
    if (lineage == machine->key) {
        return &machine->history[partition];
    }
    return lineage == machine->copy[machine->self][partition].lineage
               ? partition__history_of(machine, machine->self, partition)
               : NULL;
}

void partition__copies_tell(struct partition_machine *machine,
                            const struct partition_exchange *given, struct partition_exchange *out)
{
    uint32_t guess = 0;
    *out = *given;
    out->histories.count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_history *history = history_find(machine, p, given->copy[p].lineage);
        uint32_t number = history_number(&out->histories, history, guess);
        out->copy[p].history = (uint8_t)number;
        guess = number != 0 ? number : guess;
    }
}
