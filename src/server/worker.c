// SPDX-License-Identifier: Apache-2.0
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
