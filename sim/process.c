// SPDX-License-Identifier: Apache-2.0
// Start and end of a process, and the edge of its cluster machine.
#include "process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "engine.h"
#include "history.h"
#include "operation.h"
#include "story.h"

enum {
    HEARTBEAT_INTERVAL_MS = 150,
    HEARTBEAT_TIMEOUT_MS = 1500,
    TICK_BUSY_US = 10 * SIM_MS,
    TICK_IDLE_US = 20 * SIM_MS,
    CHECK_EVERY = 512, // calls between looks at the whole of a machine
    // Where nothing fails, all who are there are found before a node believes that it is alone.
    GENTLE_FIND_US = 200 * SIM_MS,
    GENTLE_SETTLE_US = 1000 * SIM_MS,
};

// --- who is who ---

struct process *process_of_id(struct sim *sim, uint64_t id)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        struct process *process = sim->host[i].process;
        if (process != NULL && process->id == id) {
            return process;
        }
    }
    return NULL;
}

struct process *process_of_peer(const struct process *process, uint8_t peer)
{
    if (peer == PLACE_SELF) {
        return process->sim->host[process->host].process;
    }
    return process_of_id(process->sim, process->peer_id[peer]);
}

uint8_t process_peer(struct process *process, uint64_t id)
{
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        if (process->peer_id[i] == id) {
            return (uint8_t)i;
        }
        if (process->peer_id[i] == 0) {
            process->peer_id[i] = id;
            return (uint8_t)i;
        }
    }
    return PLACE_NOBODY;
}

static uint64_t monotonic_ms(const struct process *process)
{
    return sim_monotonic_ms(process->sim, &process->sim->host[process->host]);
}

bool process_is_suspicious(const struct process *process)
{
    return monotonic_ms(process) - process->tick_ms > HEARTBEAT_TIMEOUT_MS / 2;
}

void process_send(struct process *process, uint8_t peer, enum channel channel,
                  const struct message *message, bool once)
{
    struct process *to = process_of_peer(process, peer);
    if (to == NULL) {
        return;
    }
    uint8_t small[2048];
    uint32_t size = MESSAGE_HEADER_SIZE + (uint32_t)message->body.size;
    uint8_t *bytes = size <= sizeof small ? small : malloc(size);
    base_assert(bytes != NULL);
    message_header_store(bytes, message, (uint32_t)message->body.size);
    if (message->body.size > 0) {
        memcpy(bytes + MESSAGE_HEADER_SIZE, message->body.data, message->body.size);
    }
    network_send(process->sim, process->host, to->host, channel, bytes, size, once);
    if (bytes != small) {
        free(bytes);
    }
}

// --- the edge ---

static void edge_heartbeat_send(void *arg, uint64_t to, const uint8_t *bytes, uint32_t size)
{
    struct process *process = arg;
    struct sim *sim = process->sim;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *other = sim->host[i].process;
        if (other != NULL && other != process && (to == 0 || other->id == to) &&
            process->known_us[i] <= sim->now_us) {
            network_send(sim, process->host, i, CHANNEL_HEARTBEAT, bytes, size, false);
        }
    }
}

static void edge_control_send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    struct process *process = arg;
    struct process *to = process_of_peer(process, peer);
    if (to != NULL && to != process) {
        network_send(process->sim, process->host, to->host, CHANNEL_CONTROL, bytes, size, false);
    }
}

static uint8_t edge_peer_number(void *arg, uint64_t node_id)
{
    return process_peer(arg, node_id);
}

static void edge_view_changed(void *arg, const struct membership_view *view)
{
    struct process *process = arg;
    struct sim *sim = process->sim;
    if (view == NULL) {
        if (!process->was_frozen && story_wants(sim, STORY_WORLD, 0, 0, 0)) {
            story_tell(sim, process->host, "frozen");
        }
        process->was_frozen = true;
        return;
    }
    process->was_frozen = false;
    sim->host[process->host].regime_kept = view->regime;
    checks_view_installed(process, view);
}

static void edge_places_changed(void *arg, uint32_t namespace_number)
{
    struct process *process = arg;
    process->woken[namespace_number] = true;
}

static void edge_sync_start(void *arg, const struct cluster_sync_order *order)
{
    struct process *process = arg;
    struct sim *sim = process->sim;
    if (story_wants(sim, STORY_PARTITION, order->namespace_number, order->partition,
                    SIM_KEYS_MAX)) {
        story_tell(sim, process->host, "sync of %u/%u with n%d%s%s key %" PRIx64,
                   order->namespace_number, order->partition,
                   checks_host_of_peer(process, order->peer), order->fill ? " fill" : "",
                   order->to_writes ? " to writes" : "", order->key);
    }
    base_assert(process->migration_count < PROCESS_MIGRATIONS_MAX);
    struct migration *migration = &process->migration[process->migration_count++];
    *migration =
        (struct migration){.order = *order, .id = UINT64_C(1) << 63 | ++process->migration_next};
    sim->figures.syncs++;
    process->ordered = true;
}

static void edge_partition_clear(void *arg, uint32_t namespace_number, uint32_t partition)
{
    struct process *process = arg;
    if (story_wants(process->sim, STORY_PARTITION, namespace_number, partition, SIM_KEYS_MAX)) {
        story_tell(process->sim, process->host, "clears its copy of %u/%u", namespace_number,
                   partition);
    }
    history_cleared(process, namespace_number, partition);
    while (!store_partition_clear_step(process->store[namespace_number], partition, 64)) {
    }
}

static uint64_t edge_wall_ms(void *arg)
{
    struct process *process = arg;
    return sim_wall_ms(process->sim, &process->sim->host[process->host]);
}

static void edge_log(void *arg, const char *line)
{
    struct process *process = arg;
    if (story_wants(process->sim, STORY_WORLD, 0, 0, 0)) {
        story_tell(process->sim, process->host, "log: %s", line);
    }
}

// --- start and end ---

static void config_make(struct process *process, struct cluster_config *out)
{
    struct sim *sim = process->sim;
    const struct host *host = &sim->host[process->host];
    *out = (struct cluster_config){
        .membership =
            {
                .self = {.id = process->id, .incarnation = process->incarnation},
                .interval_ms = HEARTBEAT_INTERVAL_MS,
                .timeout_ms = HEARTBEAT_TIMEOUT_MS,
                .minority_wait_ms = sim->profile.minority_wait_ms,
                .regime_floor = sim->profile.keeps_regime ? host->regime_kept : 0,
                .mutate_commit_without_one = sim->options.mutation == MUTATION_COMMIT_WITHOUT_ONE,
            },
        .syncs_at_once = sim->profile.syncs_at_once,
        .namespace_count = sim->profile.namespaces,
    };
    for (uint32_t i = 0; i < sim->profile.namespaces; i++) {
        struct cluster_namespace *ns = &out->namespaces[i];
        snprintf(ns->name, sizeof ns->name, "ns%u", i);
        ns->replica = process->replica[i];
        ns->replication_factor = sim->profile.replication_factor[i];
    }
}

static void event_add(struct process *process, enum event_type type, uint64_t in_us)
{
    struct sim *sim = process->sim;
    const struct host *host = &sim->host[process->host];
    uint64_t late_us = prng_below(&sim->of_processes, host->slow_us + 1);
    agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + in_us + late_us,
                                             .serial = process->serial,
                                             .type = (uint8_t)type,
                                             .host = (uint8_t)process->host});
}

// Each process finds each other one after a while, both ways at once.
static void discovery_plan(struct process *process)
{
    struct sim *sim = process->sim;
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++) {
        uint64_t in_us = prng_exponential(&sim->of_processes, 150 * SIM_MS);
        uint64_t at_us = sim->now_us + (sim->profile.gentle ? in_us % GENTLE_FIND_US : in_us);
        process->known_us[i] = at_us;
        if (i < sim->host_count && sim->host[i].process != NULL) {
            sim->host[i].process->known_us[process->host] = at_us;
        }
    }
}

void process_start(struct sim *sim, uint32_t number)
{
    struct host *host = &sim->host[number];
    base_assert(host->process == NULL);
    struct process *process = calloc(1, sizeof *process);
    base_assert(process != NULL);
    *process = (struct process){
        .sim = sim,
        .host = number,
        .serial = ++sim->serial,
        .id = host->id,
        .incarnation = prng_next(&sim->of_processes) | 1,
        .started_us = sim->now_us,
        .was_frozen = true,
    };
    process->peer_id[PLACE_SELF] = process->id;
    host->process = process;
    process->tick_ms = monotonic_ms(process);
    for (uint32_t i = 0; i < sim->profile.namespaces; i++) {
        process->engine[i] = engine_new(host);
        enum base_result result =
            store_new_over(engine_of_store(process->engine[i]), &process->store[i]);
        base_assert(result == RESULT_OK);
        result = replica_new(process->store[i], sim->profile.policy[i], &process->replica[i]);
        base_assert(result == RESULT_OK);
    }
    struct cluster_config config;
    config_make(process, &config);
    const struct cluster_edge edge = {
        .arg = process,
        .heartbeat_send = edge_heartbeat_send,
        .control_send = edge_control_send,
        .peer_number = edge_peer_number,
        .view_changed = edge_view_changed,
        .places_changed = edge_places_changed,
        .sync_start = edge_sync_start,
        .partition_clear = edge_partition_clear,
        .wall_ms = edge_wall_ms,
        .log = edge_log,
    };
    discovery_plan(process);
    enum base_result result = cluster_new(&config, &edge, &process->cluster);
    base_assert(result == RESULT_OK);
    if (story_wants(sim, STORY_WORLD, 0, 0, 0)) {
        story_tell(sim, number, "starts as %" PRIx64 "-%04" PRIx64, process->id,
                   process->incarnation & 0xffff);
    }
    event_add(process, EVENT_TICK, 0);
    uint64_t settles_us = 20 * SIM_MS + prng_exponential(&sim->of_processes, 300 * SIM_MS);
    event_add(process, EVENT_SEEDS_SETTLED, sim->profile.gentle ? GENTLE_SETTLE_US : settles_us);
    event_add(process, EVENT_EXPIRY, SIM_S);
}

void process_end(struct sim *sim, uint32_t number)
{
    struct process *process = sim->host[number].process;
    operations_abandon(process);
    for (uint32_t i = 0; i < process->migration_count; i++) {
        sync_free(&process->migration[i].sync);
    }
    sim->host[number].process = NULL;
    cluster_free(&process->cluster);
    for (uint32_t i = 0; i < sim->profile.namespaces; i++) {
        replica_free(&process->replica[i]);
        store_free(&process->store[i]);
    }
    free(process);
}

// --- events ---

// The place of the partition that the story is about.
static void place_tell(struct process *process)
{
    struct sim *sim = process->sim;
    uint32_t ns = sim->options.story_namespace, partition = sim->options.story_partition;
    struct place place = process->replica[ns]->place[partition];
    place.in_flight = 0;
    if (memcmp(&place, &process->place_told, sizeof place) == 0) {
        return;
    }
    static const char *const roles[] = {"none", "replica", "master"};
    char writes[64], duplicates[64], columns[64];
    struct node_set column = {0};
    for (uint32_t i = 0; i < place.column_count; i++) {
        node_set_add(&column, place.columns[i]);
    }
    story_tell(sim, process->host,
               "place key %" PRIx64
               ": %s%s%s, master n%d, writes%s, duplicates%s, columns%s, "
               "lineage %" PRIx64,
               place.key, roles[place.role], place.full ? ", full" : "",
               place.handing_over ? ", handing over" : "",
               checks_host_of_peer(process, place.master),
               checks_hosts_text(process, &place.writes, writes),
               checks_hosts_text(process, &place.duplicates, duplicates),
               checks_hosts_text(process, &column, columns), place.lineage);
    process->place_told = place;
}

void process_after(struct process *process)
{
    struct sim *sim = process->sim;
    if (sim->options.story) {
        place_tell(process);
    }
    if (++sim->steps % CHECK_EVERY == 0) {
        cluster_check(process->cluster);
    }
    for (uint32_t i = 0; i < sim->profile.namespaces; i++) {
        if (process->woken[i]) {
            process->woken[i] = false;
            operations_places_changed(process, i);
        }
    }
    if (process->ordered) {
        process->ordered = false;
        if (!process->migrations_awake) {
            process->migrations_awake = true;
            event_add(process, EVENT_MIGRATIONS, 100);
        }
    }
    if (process->operation_count > 0 && !process->operations_awake) {
        process->operations_awake = true;
        event_add(process, EVENT_OPERATIONS, 10 * SIM_MS);
    }
}

void process_ask(struct process *process, const struct request *request)
{
    struct sim *sim = process->sim;
    struct request *copy = malloc(sizeof *copy);
    base_assert(copy != NULL);
    *copy = *request;
    agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + sim->profile.delay_us,
                                             .object = copy,
                                             .serial = process->serial,
                                             .type = EVENT_REQUEST,
                                             .host = (uint8_t)process->host});
}

void process_tick(struct process *process)
{
    struct sim *sim = process->sim;
    process->tick_ms = monotonic_ms(process);
    cluster_tick(process->cluster, process->tick_ms, prng_next(&sim->of_processes));
    process_after(process);
    bool busy = cluster_is_frozen(process->cluster) ||
                cluster_syncs_remaining(process->cluster) > 0 || sim->host[process->host].leaving;
    event_add(process, EVENT_TICK, busy ? TICK_BUSY_US : TICK_IDLE_US);
}

void process_seeds_settled(struct process *process)
{
    cluster_on_seeds_settled(process->cluster, monotonic_ms(process),
                             prng_next(&process->sim->of_processes));
    process_after(process);
}

void process_peer_gone(struct process *process, uint64_t id)
{
    if (process_of_id(process->sim, id) != NULL) {
        return; // somebody answers there again
    }
    if (story_wants(process->sim, STORY_WORLD, 0, 0, 0)) {
        story_tell(process->sim, process->host, "hears that %" PRIx64 " is gone", id);
    }
    cluster_on_peer_gone(process->cluster, id, monotonic_ms(process),
                         prng_next(&process->sim->of_processes));
    process_after(process);
}

void process_recluster(struct process *process)
{
    cluster_recluster(process->cluster, monotonic_ms(process),
                      prng_next(&process->sim->of_processes));
    process_after(process);
}

void process_flags(struct process *process, uint8_t flags)
{
    cluster_flags_set(process->cluster, flags, monotonic_ms(process),
                      prng_next(&process->sim->of_processes));
    process_after(process);
}
