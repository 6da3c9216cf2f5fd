// SPDX-License-Identifier: Apache-2.0
// A sync is made when its turn comes and steps every few milliseconds until it is done or its view
// is gone.
#include "migrations.h"

#include <inttypes.h>

#include "checks.h"
#include "story.h"

enum { STEP_US = 4 * SIM_MS };

static uint64_t monotonic_ms(const struct process *process)
{
    return sim_monotonic_ms(process->sim, &process->sim->host[process->host]);
}

static bool send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    struct process *process = arg;
    struct process *to = process_of_peer(process, peer);
    if (to != NULL && to != process) {
        network_send(process->sim, process->host, to->host, CHANNEL_SYNC, bytes, size, false);
    }
    return true;
}

// Takes the migration out of the table; the last one takes its place.
static struct migration take_out(struct process *process, uint32_t at)
{
    struct migration migration = process->migration[at];
    process->migration[at] = process->migration[--process->migration_count];
    return migration;
}

static void end(struct process *process, uint32_t at, enum sync_state state)
{
    struct migration migration = take_out(process, at);
    const struct cluster_sync_order *order = &migration.order;
    if (story_wants(process->sim, STORY_PARTITION, order->namespace_number, order->partition,
                    SIM_KEYS_MAX)) {
        story_tell(process->sim, process->host, "sync of %u/%u with n%d %s, key %" PRIx64,
                   order->namespace_number, order->partition,
                   checks_host_of_peer(process, order->peer),
                   state == SYNC_DONE ? "done" : "failed", order->key);
    }
    sync_totals_add(migration.sync, &process->totals);
    sync_free(&migration.sync);
    if (state == SYNC_DONE) {
        cluster_on_synced(process->cluster, order, monotonic_ms(process));
        process_after(process);
    }
}

static enum sync_state step(struct process *process, struct migration *migration)
{
    if (migration->sync == NULL) {
        enum base_result result =
            sync_new(&migration->order, process->replica[migration->order.namespace_number],
                     &migration->sync);
        base_assert(result == RESULT_OK);
        sync_id_set(migration->sync, migration->id);
    }
    return sync_step(migration->sync, monotonic_ms(process), send, process);
}

void process_migrations(struct process *process)
{
    struct sim *sim = process->sim;
    uint32_t slow_us = sim->host[process->host].slow_us;
    for (uint32_t i = 0; i < process->migration_count;) {
        struct migration *migration = &process->migration[i];
        enum sync_state state = SYNC_RUNNING;
        if (migration->rest_until_us <= sim->now_us) {
            state = step(process, migration);
            migration->rest_until_us =
                sim->now_us + prng_below(&sim->of_processes, 4 * (uint64_t)slow_us + 1);
        }
        if (state == SYNC_RUNNING) {
            i++;
        } else {
            end(process, i, state);
        }
    }
    process->migrations_awake = process->migration_count > 0;
    if (process->migrations_awake) {
        agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + STEP_US,
                                                 .serial = process->serial,
                                                 .type = EVENT_MIGRATIONS,
                                                 .host = (uint8_t)process->host});
    }
}

void migrations_on_message(struct process *process, uint8_t peer, const struct message *message)
{
    struct sim *sim = process->sim;
    for (uint32_t i = 0; i < process->migration_count; i++) {
        struct migration *migration = &process->migration[i];
        if (migration->id != message->id || migration->sync == NULL) {
            continue;
        }
        enum sync_state state =
            sync_on_message(migration->sync, peer, message, monotonic_ms(process),
                            sim_wall_s(sim, &sim->host[process->host]));
        if (state == SYNC_RUNNING && migration->rest_until_us <= sim->now_us) {
            state = step(process, migration);
        }
        if (state != SYNC_RUNNING) {
            end(process, i, state);
        }
        return;
    }
}
