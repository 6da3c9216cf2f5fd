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
