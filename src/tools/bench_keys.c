// SPDX-License-Identifier: Apache-2.0
// Zipf by rejection-inversion: draws from the integral of the density and rejects the little that
// lies outside, so that no table is needed however many keys there are.
#include "tools/bench_keys.h"

#include <math.h>

void bench_random_init(struct bench_random *random, uint64_t seed)
{
    random->state = seed * 0x9E3779B97F4A7C15ull + 0x2545F4914F6CDD1Dull;
}

// SplitMix64.
uint64_t bench_random_next(struct bench_random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

uint64_t bench_random_below(struct bench_random *random, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)bench_random_next(random) * bound >> 64);
}

static double random_unit(struct bench_random *random)
{
    return (double)(bench_random_next(random) >> 11) * 0x1p-53;
}

// The integral of x^-exponent.
static double integral(const struct bench_keys *keys, double x)
{
    double log_x = log(x), t = log_x * (1.0 - keys->exponent);
    return (fabs(t) > 1e-8 ? expm1(t) / t : 1.0 + t / 2.0) * log_x;
}

static double integral_inverse(const struct bench_keys *keys, double x)
{
    double t = x * (1.0 - keys->exponent);
    t = t < -1.0 ? -1.0 : t;
    return exp((fabs(t) > 1e-8 ? log1p(t) / t : 1.0 - t / 2.0) * x);
}

static double density(const struct bench_keys *keys, double x)
{
    return exp(-keys->exponent * log(x));
}

void bench_keys_init(struct bench_keys *keys, enum bench_distribution distribution, uint64_t start,
                     uint64_t count, double exponent)
{
    *keys = (struct bench_keys){
        .distribution = distribution, .start = start, .count = count, .exponent = exponent};
    if (distribution == BENCH_ZIPF) {
        keys->integral_first = integral(keys, 1.5) - 1.0;
        keys->integral_last = integral(keys, (double)count + 0.5);
        keys->threshold = 2.0 - integral_inverse(keys, integral(keys, 2.5) - density(keys, 2.0));
    }
}

// A rank from 1, the most frequent, to count.
static uint64_t zipf_rank(const struct bench_keys *keys, struct bench_random *random)
{
    for (;;) {
        double u = keys->integral_last +
                   random_unit(random) * (keys->integral_first - keys->integral_last);
        double x = integral_inverse(keys, u);
        double k = floor(x + 0.5);
        k = k < 1.0 ? 1.0 : k > (double)keys->count ? (double)keys->count : k;
        if (k - x <= keys->threshold || u >= integral(keys, k + 0.5) - density(keys, k)) {
            return (uint64_t)k;
        }
    }
}

uint64_t bench_keys_draw(const struct bench_keys *keys, struct bench_random *random)
{
    if (keys->distribution == BENCH_UNIFORM) {
        return keys->start + bench_random_below(random, keys->count);
    }
    // Neighbouring ranks become far keys, always the same ones.
    uint64_t rank = zipf_rank(keys, random);
    struct bench_random strewn;
    bench_random_init(&strewn, rank);
    return keys->start + bench_random_below(&strewn, keys->count);
}
