// SPDX-License-Identifier: Apache-2.0
// Setting up and clocks; the rest of a worker is its parts.
#include "server/worker.h"

#include "io/clock.h"

enum base_result worker_init(struct worker *worker, struct node *node)
{
    *worker = (struct worker){.node = node, .counters = node_counters_register(node)};
    if (worker->counters == NULL) {
        return RESULT_NO_MEMORY;
    }
    worker_tick(worker);
    return arena_init(&worker->arena);
}

void worker_fini(struct worker *worker)
{
    arena_fini(&worker->arena);
    output_fini(&worker->output);
}

void worker_tick(struct worker *worker)
{
    worker->wakeup_ns = io_clock_monotonic_ns();
    worker->now_ms = io_clock_epoch_ms();
}

bool worker_is_suspect(const struct worker *worker)
{
    const struct node *node = worker->node;
    uint64_t tick_ns = atomic_load_explicit(&node->cluster_tick_ns, memory_order_relaxed);
    const struct config_network *network = &node->config->network;
    uint64_t patience_ms =
        (uint64_t)atomic_load_explicit(&network->heartbeat_interval_ms, memory_order_relaxed) *
        atomic_load_explicit(&network->heartbeat_timeout_intervals, memory_order_relaxed) / 2;
    // Now, because this thread was stopped with the other one, maybe a moment ago.
    uint64_t now_ns = tick_ns != 0 ? io_clock_monotonic_ns() : 0;
    return now_ns > tick_ns && now_ns - tick_ns > patience_ms * 1000000;
}

void worker_timings_settle(struct worker *worker)
{
    if (worker->timing_count == 0) {
        return;
    }
    uint64_t elapsed_ns = io_clock_monotonic_ns() - worker->wakeup_ns;
    for (uint32_t i = 0; i < worker->timing_count; i++) {
        counters_time(worker->timings[i].histogram, elapsed_ns, worker->timings[i].count);
    }
    worker->timing_count = 0;
}
