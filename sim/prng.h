// SPDX-License-Identifier: Apache-2.0
// Random numbers that depend on nothing but the seed. Each concern of the simulation has a stream
// of its own, so that leaving out one fault does not change what clients or the network do.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline void prng_seed(struct prng *prng, uint64_t seed, uint64_t stream)
{
    prng->state = prng_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ prng_mix(stream * 77 + 13);
}

static inline uint64_t prng_next(struct prng *prng)
{
    prng->state += UINT64_C(0x9e3779b97f4a7c15);
    return prng_mix(prng->state);
}

// 0 to bound - 1; 0 when the bound is 0.
static inline uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    return bound == 0 ? 0 : (uint64_t)((unsigned __int128)prng_next(prng) * bound >> 64);
}

// Low to high, both included.
static inline uint64_t prng_between(struct prng *prng, uint64_t low, uint64_t high)
{
    return low + prng_below(prng, high - low + 1);
}

static inline bool prng_chance(struct prng *prng, uint32_t per_mille)
{
    return prng_below(prng, 1000) < per_mille;
}

// Mostly small, sometimes large: about an exponential distribution with this mean, in whole
// numbers alone, so that every machine computes the same.
static inline uint64_t prng_exponential(struct prng *prng, uint64_t mean)
{
    uint64_t bits = prng_next(prng);
    uint64_t halvings = bits == 0 ? 63 : (uint64_t)__builtin_ctzll(bits);
    uint64_t fraction = prng_below(prng, 1024);
    return mean * 693 * (halvings * 1024 + fraction) / (1000 * 1024);
}
