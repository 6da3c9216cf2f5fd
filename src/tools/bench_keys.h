// SPDX-License-Identifier: Apache-2.0
// Which key comes next: every key once, or at random, all alike or by Zipf's law. A generator
// belongs to one thread; the plan it draws from never changes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum bench_distribution { BENCH_UNIFORM, BENCH_ZIPF };

// What all threads draw from.
struct bench_keys {
    enum bench_distribution distribution;
    uint64_t start; // the first key
    uint64_t count;
    // Zipf: constants of the rejection-inversion method (Hoermann and Derflinger, 1996).
    double exponent;
    double integral_first, integral_last, threshold;
};

void bench_keys_init(struct bench_keys *keys, enum bench_distribution distribution, uint64_t start,
                     uint64_t count, double exponent);

struct bench_random {
    uint64_t state;
};

// Any seed will do; each gives its own sequence.
void bench_random_init(struct bench_random *random, uint64_t seed);

uint64_t bench_random_next(struct bench_random *random);

// From 0 to below `bound`, which is above 0.
uint64_t bench_random_below(struct bench_random *random, uint64_t bound);

// A key at random. With Zipf the frequent keys are strewn over the whole range.
uint64_t bench_keys_draw(const struct bench_keys *keys, struct bench_random *random);
