// SPDX-License-Identifier: Apache-2.0
// What a thread that works on records carries with it: its counters, its scratch memory, its output
// and its idea of now. Each service thread and each query thread owns one; nothing in it is shared.
#pragma once

#include "server/arena.h"
#include "server/node.h"
#include "server/output.h"

enum {
    WORKER_TIMINGS = 8,
    WORKER_TIMED_AT_ONCE = 16, // operations that may share one look at the clock
};

struct operations; // server/operation.h

// Operations whose latency has yet to be measured.
struct worker_timing {
    struct counters_histogram *histogram;
    uint64_t count;
};

struct worker {
    struct node *node;
    struct counters *counters;
    struct operations *operations; // of a thread with links to other nodes; else NULL
    struct arena arena;            // reset for each request
    struct output output;          // answers not sent yet
    uint64_t now_ms;               // since 2010, refreshed once a wakeup
    uint64_t wakeup_ns;            // monotonic, when the current requests arrived
    uint32_t timing_count;
    struct worker_timing timings[WORKER_TIMINGS];
};

BASE_MUST_USE enum base_result worker_init(struct worker *worker, struct node *node);
void worker_fini(struct worker *worker);

// Reads the clocks; once a wakeup.
void worker_tick(struct worker *worker);

// True when the clustering thread has not looked for so long that the node may have been stopped
// meanwhile, and the others may have gone on without it: then nothing that places say is to be
// believed until it looks again.
bool worker_is_suspect(const struct worker *worker);

// Enters what worker_time gathered into the histograms, with the time that has passed since the
// wakeup.
void worker_timings_settle(struct worker *worker);

// Has one operation of this wakeup timed, together with its neighbours.
static inline void worker_time(struct worker *worker, struct counters_histogram *histogram)
{
    struct worker_timing *timing = worker->timings;
    struct worker_timing *end = timing + worker->timing_count;
    while (timing < end && timing->histogram != histogram) {
        timing++;
    }
    if (timing == end) {
        if (worker->timing_count == WORKER_TIMINGS) {
            worker_timings_settle(worker);
            timing = worker->timings;
        }
        *timing = (struct worker_timing){.histogram = histogram};
        worker->timing_count++;
    }
    if (++timing->count == WORKER_TIMED_AT_ONCE) {
        worker_timings_settle(worker);
    }
}

static inline uint32_t worker_now_s(const struct worker *worker)
{
    return (uint32_t)(worker->now_ms / 1000);
}
