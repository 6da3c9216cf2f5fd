// SPDX-License-Identifier: Apache-2.0
// A run: rounds of faults, each followed by rest, in which all must come to order.
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "clients.h"
#include "faults.h"
#include "history.h"
#include "network.h"
#include "operation.h"
#include "process.h"
#include "profile.h"
#include "scratch.h"
#include "script.h"
#include "story.h"

enum {
    WATCH_US = 250 * SIM_MS,
    CONVERGENCE_US = 90 * SIM_S,
    DRAIN_US = 10 * SIM_S,
    OLD_OPERATIONS_US = 1500 * SIM_MS, // the longest that one lasts
    DEMAND_US = 2500 * SIM_MS,         // longer than an operation lasts
    EVENTS_MAX = 50 * 1000 * 1000,
};

// --- clocks and small things ---

uint64_t sim_monotonic_ms(const struct sim *sim, const struct host *host)
{
    int64_t drift = (int64_t)(sim->now_us / 1000) * host->drift_ppm / 1000000;
    return (uint64_t)((int64_t)(sim->now_us / SIM_MS) + drift) + 1000;
}

uint64_t sim_wall_ms(struct sim *sim, const struct host *host)
{
    uint64_t now_ms = SIM_WALL_START_MS + sim->now_us / SIM_MS + (uint64_t)host->wall_offset_ms;
    sim->wall_ms_max = now_ms > sim->wall_ms_max ? now_ms : sim->wall_ms_max;
    return now_ms;
}

uint32_t sim_wall_s(struct sim *sim, const struct host *host)
{
    return (uint32_t)(sim_wall_ms(sim, host) / 1000);
}

void sim_hash(struct sim *sim, uint64_t value)
{
    sim->hash = prng_mix(sim->hash ^ value) + sim->now_us;
}

void sim_later(struct sim *sim, enum event_type type, uint64_t in_us, uint64_t argument)
{
    agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + in_us,
                                             .argument = argument,
                                             .type = (uint8_t)type,
                                             .host = EVENT_NO_HOST});
}

uint32_t sim_key_of(struct sim *sim, const uint8_t *digest)
{
    uint32_t partition = base_le16_load(digest) & (LIMIT_PARTITIONS - 1);
    for (uint32_t key = sim->key_of_partition[partition]; key != SIM_KEYS_MAX;
         key = sim->key[key].next) {
        if (memcmp(sim->key[key].digest, digest, LIMIT_DIGEST_SIZE) == 0) {
            return key;
        }
    }
    sim_finding(sim, 0, partition, SIM_KEYS_MAX, "a record that no client ever named");
}

void sim_finding(struct sim *sim, uint32_t namespace_number, uint32_t partition, uint32_t key,
                 const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sim_found(sim, namespace_number, partition, key, text);
}

// --- events ---

static void host_inbox_add(struct host *host, const struct event *event)
{
    if (host->inbox_count == host->inbox_capacity) {
        host->inbox_capacity = host->inbox_capacity == 0 ? 256 : host->inbox_capacity * 2;
        host->inbox = realloc(host->inbox, host->inbox_capacity * sizeof *host->inbox);
        base_assert(host->inbox != NULL);
    }
    host->inbox[host->inbox_count++] = *event;
}

static void event_drop(struct sim *sim, const struct event *event)
{
    if (event->type == EVENT_REQUEST) {
        clients_closed(sim, event->object);
    }
    free(event->object);
}

static void process_event(struct sim *sim, const struct event *event)
{
    struct process *process = sim->host[event->host].process;
    switch ((enum event_type)event->type) {
    case EVENT_PACKET:
        process_on_packet(process, event->object);
        break;
    case EVENT_REQUEST:
        operations_begin(process, event->object);
        break;
    case EVENT_TICK:
        process_tick(process);
        faults_on_tick(sim, event->host);
        break;
    case EVENT_OPERATIONS:
        operations_timer(process);
        break;
    case EVENT_MIGRATIONS:
        process_migrations(process);
        break;
    case EVENT_EXPIRY:
        process_expiry(process);
        break;
    case EVENT_SEEDS_SETTLED:
        process_seeds_settled(process);
        break;
    case EVENT_PEER_GONE:
        process_peer_gone(process, event->argument);
        break;
    default:
        base_assert(false);
    }
    free(event->object);
}

static void host_event(struct sim *sim, const struct event *event)
{
    struct host *host = &sim->host[event->host];
    if (host->process == NULL || host->process->serial != event->serial) {
        event_drop(sim, event);
    } else if (host->paused > 0) {
        host_inbox_add(host, event);
    } else {
        sim_hash(sim, (uint64_t)event->type << 8 | event->host);
        process_event(sim, event);
    }
}

static void watch(struct sim *sim)
{
    checks_masters(sim);
    if (checks_unsettled(sim) == NULL) {
        faults_settled(sim);
    }
    sim_later(sim, EVENT_WATCH, WATCH_US, 0);
}

// Carries out the next event; false when it lies behind `until_us`, where time then is.
static bool step(struct sim *sim, uint64_t until_us)
{
    struct event event;
    if (sim->agenda.count == 0 || sim->agenda.heap[0].at_us > until_us) {
        sim->now_us = until_us;
        return false;
    }
    agenda_take(&sim->agenda, &event);
    sim->now_us = event.at_us;
    if (++sim->steps > EVENTS_MAX) {
        sim_finding(sim, 0, 0, SIM_KEYS_MAX, "events without end");
    }
    if (event.host != EVENT_NO_HOST) {
        host_event(sim, &event);
        return true;
    }
    switch ((enum event_type)event.type) {
    case EVENT_CLIENT:
        clients_wake(sim, event.argument);
        break;
    case EVENT_FAULT:
        faults_next(sim);
        break;
    case EVENT_UNDO:
        faults_undo(sim, event.argument);
        break;
    case EVENT_WATCH:
        watch(sim);
        break;
    default:
        base_assert(false);
    }
    return true;
}

static void run_for(struct sim *sim, uint64_t span_us)
{
    uint64_t until_us = sim->now_us + span_us;
    while (step(sim, until_us)) {
    }
}

// --- phases ---

// Nothing fails any more: in bounded time all must be one again.
static void converge(struct sim *sim)
{
    uint64_t from_us = sim->now_us;
    const char *why;
    while ((why = checks_unsettled(sim)) != NULL) {
        if (sim->now_us - from_us > CONVERGENCE_US) {
            sim_finding(sim, 0, 0, SIM_KEYS_MAX, "nothing fails for %u s, but %s",
                        CONVERGENCE_US / SIM_S, why);
        }
        run_for(sim, 50 * SIM_MS);
    }
    faults_settled(sim);
}

static bool is_working(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        if (process != NULL && (process->operation_count > 0 || process->migration_count > 0)) {
            return true;
        }
    }
    return !clients_are_idle(sim);
}

static void drain(struct sim *sim)
{
    uint64_t from_us = sim->now_us;
    while (is_working(sim)) {
        if (sim->now_us - from_us > DRAIN_US) {
            sim_finding(sim, 0, 0, SIM_KEYS_MAX, "operations or migrations do not end");
        }
        run_for(sim, 20 * SIM_MS);
    }
}

static void round_run(struct sim *sim)
{
    faults_start(sim);
    clients_start(sim);
    run_for(sim, sim->profile.round_us);
    faults_stop(sim);
    converge(sim);
    run_for(sim, network_latest_us(sim) - sim->now_us);
    run_for(sim, OLD_OPERATIONS_US); // operations from before have ended
    converge(sim);
    clients_demand(sim, true);
    run_for(sim, DEMAND_US);
    clients_demand(sim, false);
    clients_stop(sim);
    drain(sim);
    converge(sim);
    checks_settled(sim);
}

static void sim_setup(struct sim *sim, const struct sim_options *options)
{
    sim->options = *options;
    sim->script = options->script;
    sim->calm = true;
    prng_seed(&sim->of_network, options->seed, 1);
    prng_seed(&sim->of_faults, options->seed, 2);
    prng_seed(&sim->of_clients, options->seed, 3);
    prng_seed(&sim->of_processes, options->seed, 4);
    profile_make(sim);
    profile_keys_make(sim);
    sim->scratch = malloc(SCRATCH_SIZE);
    base_assert(sim->scratch != NULL);
    sim->story = story_new(options);
    sim->watch = watch_new();
    sim->history = history_new(sim);
    sim->clients = clients_new(sim);
    sim->faults = faults_new(sim);
    sim->host_count = sim->profile.hosts;
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++) {
        struct host *host = &sim->host[i];
        host->id = prng_next(&sim->of_processes) | 1;
        host->drift_ppm = (int32_t)prng_below(&sim->of_processes, 2001) - 1000;
        host->wall_offset_ms =
            (int64_t)prng_below(&sim->of_processes, 2 * (uint64_t)sim->profile.skew_ms + 1) -
            sim->profile.skew_ms;
    }
}

static void sim_teardown(struct sim *sim)
{
    struct event event;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if (sim->host[i].process != NULL) {
            process_end(sim, i);
        }
        free(sim->host[i].inbox);
    }
    while (agenda_take(&sim->agenda, &event)) {
        free(event.object);
    }
    agenda_fini(&sim->agenda);
    network_fini(sim);
    faults_free(&sim->faults);
    clients_free(&sim->clients);
    history_free(&sim->history);
    watch_free(&sim->watch);
    story_free(&sim->story);
    free(sim->scratch);
}

void sim_run(const struct sim_options *options, struct sim_outcome *out)
{
    struct sim *sim = calloc(1, sizeof *sim);
    base_assert(sim != NULL);
    sim_current_set(sim);
    sim_setup(sim, options);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        process_start(sim, i);
    }
    sim_later(sim, EVENT_WATCH, WATCH_US, 0);
    if (sim->profile.gentle) {
        converge(sim); // nothing is wrong before there is a cluster
    }
    for (uint32_t i = 0; i < sim->profile.rounds; i++) {
        round_run(sim);
    }
    *out = (struct sim_outcome){sim->figures, sim->hash, sim->steps, sim->now_us};
    sim_current_set(NULL);
    sim_teardown(sim);
    free(sim);
}
