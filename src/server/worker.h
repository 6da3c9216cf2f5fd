// SPDX-License-Identifier: Apache-2.0
// What a thread that works on records carries with it: its counters, its scratch memory, its output
// and its idea of now. Each service thread and each query thread owns one; nothing in it is shared.
#pragma once

#include "server/arena.h"
#include "server/node.h"
#include "server/output.h"

struct worker {
    struct node *node;
    struct counters *counters;
    struct arena arena;   // reset for each request
    struct output output; // answers not sent yet
    uint64_t now_ms;      // since 2010, refreshed once a wakeup
    uint64_t wakeup_ns;   // monotonic, when the current requests arrived
};

BASE_MUST_USE enum base_result worker_init(struct worker *worker, struct node *node);
void worker_fini(struct worker *worker);

// Reads the clocks; once a wakeup.
void worker_tick(struct worker *worker);

static inline uint32_t worker_now_s(const struct worker *worker)
{
    return (uint32_t)(worker->now_ms / 1000);
}
