// SPDX-License-Identifier: Apache-2.0
// What the expiry thread of a process does: removes what has expired.
#include "history.h"
#include "process.h"

enum { PERIOD_US = 1500 * SIM_MS, SLICE_RECORDS = 64 };

struct walk {
    struct process *process;
    uint32_t namespace_number;
    uint32_t now_s;
};

static enum store_visit visit(const struct store_record *record, void *arg)
{
    const struct walk *walk = arg;
    bool expired = record->void_time_s != 0 && record->void_time_s <= walk->now_s;
    return expired && !record->tombstone ? STORE_VISIT_REMOVE : STORE_VISIT_KEEP;
}

void process_expiry(struct process *process)
{
    struct sim *sim = process->sim;
    struct walk walk = {.process = process, .now_s = sim_wall_s(sim, &sim->host[process->host])};
    for (uint32_t ns = 0; ns < sim->profile.namespaces && sim->profile.expires; ns++) {
        walk.namespace_number = ns;
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            if (sim->key_of_partition[p] == SIM_KEYS_MAX) {
                continue;
            }
            struct store_scan scan = {.partition = p};
            while (!store_scan_step(process->store[ns], &scan, SLICE_RECORDS, visit, &walk)) {
            }
        }
    }
    agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + PERIOD_US,
                                             .serial = process->serial,
                                             .type = EVENT_EXPIRY,
                                             .host = (uint8_t)process->host});
}
