// SPDX-License-Identifier: Apache-2.0
// A value below 64 is its own bucket; above, the six bits behind its highest one choose the step.
#include "tools/bench_histogram.h"

enum { STEPS = 1 << BENCH_HISTOGRAM_STEP_BITS };

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < STEPS) {
        return (uint32_t)ns;
    }
    uint32_t top = 63 - (uint32_t)__builtin_clzll(ns);
    uint32_t shift = top - BENCH_HISTOGRAM_STEP_BITS;
    uint32_t bucket = (shift + 1) * STEPS + (uint32_t)(ns >> shift) - STEPS;
    return bucket < BENCH_HISTOGRAM_BUCKETS ? bucket : BENCH_HISTOGRAM_BUCKETS - 1;
}

// The highest value that falls into a bucket.
static uint64_t bucket_top(uint32_t bucket)
{
    if (bucket < STEPS) {
        return bucket;
    }
    uint32_t shift = bucket / STEPS - 1;
    return ((uint64_t)(bucket % STEPS + STEPS + 1) << shift) - 1;
}

static void plus(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + count, memory_order_relaxed);
}

void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns, uint64_t times)
{
    plus(&histogram->buckets[bucket_of(ns)], times);
    plus(&histogram->sum_ns, ns * times);
    if (ns > atomic_load_explicit(&histogram->max_ns, memory_order_relaxed)) {
        atomic_store_explicit(&histogram->max_ns, ns, memory_order_relaxed);
    }
}

void bench_totals_add(struct bench_totals *totals, const struct bench_histogram *histogram)
{
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
        uint64_t count = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        totals->buckets[i] += count;
        totals->count += count;
    }
    totals->sum_ns += atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
    uint64_t max_ns = atomic_load_explicit(&histogram->max_ns, memory_order_relaxed);
    totals->max_ns = max_ns > totals->max_ns ? max_ns : totals->max_ns;
}

void bench_totals_subtract(struct bench_totals *totals, const struct bench_totals *earlier)
{
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
        totals->buckets[i] -= earlier->buckets[i];
    }
    totals->count -= earlier->count;
    totals->sum_ns -= earlier->sum_ns;
}

uint64_t bench_totals_percentile_ns(const struct bench_totals *totals, uint32_t millionths)
{
    // In parts, because the product may not fit; rounded up, so that there is a value to find.
    uint64_t wanted = totals->count / 1000000 * millionths +
                      (totals->count % 1000000 * millionths + 999999) / 1000000;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS && totals->count > 0; i++) {
        seen += totals->buckets[i];
        if (seen >= wanted && seen > 0) {
            uint64_t top = bucket_top(i);
            return top < totals->max_ns ? top : totals->max_ns;
        }
    }
    return 0;
}
