// SPDX-License-Identifier: Apache-2.0
// When nothing fails any more all must come to rest, and then everything stands in one place: what
// the nodes say, what their places are, and what their stores hold.
#include <inttypes.h>
#include <stdio.h>

#include "checks.h"
#include "history.h"

static struct process *first_process(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if (sim->host[i].process != NULL) {
            return sim->host[i].process;
        }
    }
    return NULL;
}

static const char *process_unsettled(struct sim *sim, const struct process *process)
{
    if (process->was_frozen) {
        return "is frozen";
    }
    if (cluster_is_frozen(process->cluster)) {
        return "has no plan";
    }
    for (uint32_t ns = 0; ns < sim->profile.namespaces; ns++) {
        struct partition_progress progress;
        partition_progress(cluster_partitions(process->cluster, ns), &progress);
        if (progress.sync_remaining > 0) {
            return "has syncs to do";
        }
        if (progress.incoming_remaining > 0) {
            return "waits for syncs";
        }
        if (progress.lead_remaining > 0) {
            return "has partitions that are not as they shall be";
        }
    }
    return cluster_syncs_remaining(process->cluster) > 0 ? "counts syncs that remain" : NULL;
}

const char *checks_unsettled(struct sim *sim)
{
    const struct process *first = first_process(sim);
    uint32_t running = 0;
    if (first == NULL) {
        return "nothing runs";
    }
    uint64_t key = cluster_view(first->cluster)->key;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct host *host = &sim->host[i];
        if (host->process == NULL) {
            continue;
        }
        running++;
        const char *why = host->paused > 0 ? "is paused" : process_unsettled(sim, host->process);
        if (why == NULL && host->leaving) {
            why = "has not left";
        }
        if (why == NULL && cluster_view(host->process->cluster)->key != key) {
            why = "is in another view";
        }
        if (why != NULL) {
            snprintf(sim->why, sizeof sim->why, "n%u %s", i, why);
            return sim->why;
        }
    }
    return cluster_view(first->cluster)->count == running ? NULL : "the view lacks or exceeds";
}

_Static_assert(SIM_HOSTS_MAX <= 32, "hosts are bits");

// --- contents ---

// Hosts that shall hold a partition, as bits; [0] the master.
static uint32_t holders_of(struct sim *sim, uint32_t namespace_number, uint32_t partition,
                           uint32_t *master)
{
    const struct process *process = first_process(sim);
    const struct membership_view *view = cluster_view(process->cluster);
    const struct partition_state *state =
        partition_at(cluster_partitions(process->cluster, namespace_number), partition);
    uint32_t bits = 0;
    for (uint32_t i = 0; i < state->desired_count; i++) {
        const struct process *holder = process_of_id(sim, view->member[state->desired[i]].id);
        base_assert(holder != NULL);
        bits |= UINT32_C(1) << holder->host;
        *master = i == 0 ? holder->host : *master;
    }
    return bits;
}

static const char *place_wrong(const struct process *process, const struct place *place,
                               uint32_t holders, uint32_t master)
{
    bool holds = (holders >> process->host & 1) != 0;
    bool leads = process->host == master;
    if (place->key != cluster_view(process->cluster)->key) {
        return "has a place of another view";
    }
    if (place->in_flight != 0) {
        return "counts writes in flight";
    }
    if (place->role != (leads ? PLACE_MASTER : holds ? PLACE_REPLICA : PLACE_NONE)) {
        return "has another role";
    }
    if (checks_host_of_peer(process, place->master) != (int)master) {
        return "sees another master";
    }
    if (place->full != holds || place->handing_over || !node_set_is_empty(&place->duplicates)) {
        return "has an unfinished place";
    }
    if (leads && node_set_count(&place->writes) + 1 != (uint32_t)__builtin_popcount(holders)) {
        return "has too many or too few who take its writes";
    }
    // Who holds nothing has heard of the master alone.
    if ((holds && place->column_count != __builtin_popcount(holders)) ||
        place->columns[0] != place->master) {
        return "tells clients other nodes";
    }
    return NULL;
}

static void partition_check_settled(struct sim *sim, uint32_t namespace_number, uint32_t partition,
                                    uint32_t holders, uint32_t master)
{
    bool first = true;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        if (process == NULL) {
            continue;
        }
        const struct place *place = &process->replica[namespace_number]->place[partition];
        const char *wrong = place_wrong(process, place, holders, master);
        struct store_summary summary;
        store_partition_summary(process->store[namespace_number], partition, &summary);
        bool holds = (holders >> i & 1) != 0;
        if (wrong == NULL && !holds && summary.record_count > 0) {
            wrong = "holds records that are not its own";
        }
        if (wrong == NULL && holds && !first && summary.sum != sum && !sim->profile.expires) {
            wrong = "has another content sum";
        }
        if (wrong != NULL) {
            sim_finding(sim, namespace_number, partition, SIM_KEYS_MAX,
                        "all is settled, but n%u %s (holders %x, master n%u; its place: role %u, "
                        "%s, writes %" PRIx64 ", %u columns; %u records)",
                        i, wrong, holders, master, place->role, place->full ? "full" : "not full",
                        place->writes.bits[0], place->column_count, summary.record_count);
        }
        sum = holds ? summary.sum : sum;
        first = first && !holds;
    }
}

static void process_check_settled(struct sim *sim, const struct process *process)
{
    if (process->operation_count > 0 || process->migration_count > 0) {
        sim_finding(sim, 0, 0, SIM_KEYS_MAX,
                    "all is settled, but n%u has %u operations and %u "
                    "migrations",
                    process->host, process->operation_count, process->migration_count);
    }
    for (uint32_t ns = 0; ns < sim->profile.namespaces; ns++) {
        struct store_stats stats;
        store_stats_sum(process->store[ns], &stats);
        uint64_t counted = 0;
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            struct store_summary summary;
            if (sim->key_of_partition[p] == SIM_KEYS_MAX) {
                continue;
            }
            store_partition_summary(process->store[ns], p, &summary);
            counted += summary.record_count;
            if (!store_check(process->store[ns], p)) {
                sim_finding(sim, ns, p, SIM_KEYS_MAX, "n%u has a broken store", process->host);
            }
        }
        if (stats.object_count + stats.tombstone_count != counted) {
            sim_finding(sim, ns, 0, SIM_KEYS_MAX, "n%u counts records wrongly", process->host);
        }
    }
}

void checks_settled(struct sim *sim)
{
    uint32_t *holders = sim->holders;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if (sim->host[i].process != NULL) {
            process_check_settled(sim, sim->host[i].process);
        }
    }
    for (uint32_t ns = 0; ns < sim->profile.namespaces; ns++) {
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            uint32_t master = 0;
            holders[p] = holders_of(sim, ns, p, &master);
            partition_check_settled(sim, ns, p, holders[p], master);
        }
        history_settled(sim, ns, holders);
    }
    checks_masters(sim);
    sim->figures.settles++;
}
