// SPDX-License-Identifier: Apache-2.0
// Latencies by logarithm with 64 steps to each doubling: every value is kept to 1.6 percent from a
// nanosecond to half an hour. One thread adds; any thread may sum up at the same time.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum {
    BENCH_HISTOGRAM_STEP_BITS = 6,
    BENCH_HISTOGRAM_BUCKETS = (41 - BENCH_HISTOGRAM_STEP_BITS + 1) << BENCH_HISTOGRAM_STEP_BITS,
};

struct bench_histogram {
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t buckets[BENCH_HISTOGRAM_BUCKETS];
};

// Counts `times` operations that took so long.
void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns, uint64_t times);

// A copy that stands still, or several added up.
struct bench_totals {
    uint64_t count, sum_ns, max_ns;
    uint64_t buckets[BENCH_HISTOGRAM_BUCKETS];
};

// Adds what the histogram holds now.
void bench_totals_add(struct bench_totals *totals, const struct bench_histogram *histogram);

// Takes away an earlier state, leaving what came since; max_ns stays.
void bench_totals_subtract(struct bench_totals *totals, const struct bench_totals *earlier);

// The time that so many parts in a million were not slower than; 0 when nothing was counted.
uint64_t bench_totals_percentile_ns(const struct bench_totals *totals, uint32_t millionths);
