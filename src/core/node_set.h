// SPDX-License-Identifier: Apache-2.0
// A set of nodes of a cluster, each by a small number: its place in a view, or the number that one
// node gave it. The owner of the set says which. Plain bits; copying is free.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/limits.h"

struct node_set {
    uint64_t bits[LIMIT_CLUSTER_NODES / 64];
};

static inline void node_set_add(struct node_set *set, uint32_t number)
{
    base_assert(number < LIMIT_CLUSTER_NODES);
    set->bits[number / 64] |= UINT64_C(1) << number % 64;
}

static inline void node_set_remove(struct node_set *set, uint32_t number)
{
    base_assert(number < LIMIT_CLUSTER_NODES);
    set->bits[number / 64] &= ~(UINT64_C(1) << number % 64);
}

static inline bool node_set_has(const struct node_set *set, uint32_t number)
{
    return number < LIMIT_CLUSTER_NODES && (set->bits[number / 64] >> number % 64 & 1) != 0;
}

static inline bool node_set_is_empty(const struct node_set *set)
{
    return (set->bits[0] | set->bits[1]) == 0;
}

static inline uint32_t node_set_count(const struct node_set *set)
{
    return (uint32_t)(__builtin_popcountll(set->bits[0]) + __builtin_popcountll(set->bits[1]));
}

static inline bool node_set_equal(const struct node_set *a, const struct node_set *b)
{
    return a->bits[0] == b->bits[0] && a->bits[1] == b->bits[1];
}

// The first member at or after `from`, or LIMIT_CLUSTER_NODES: for (n = node_set_next(s, 0);
// n < LIMIT_CLUSTER_NODES; n = node_set_next(s, n + 1)).
static inline uint32_t node_set_next(const struct node_set *set, uint32_t from)
{
    for (uint32_t word = from / 64; word < LIMIT_CLUSTER_NODES / 64; word++) {
        uint64_t bits = set->bits[word];
        if (word == from / 64) {
            bits &= ~UINT64_C(0) << from % 64;
        }
        if (bits != 0) {
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
        }
    }
    return LIMIT_CLUSTER_NODES;
}

_Static_assert(LIMIT_CLUSTER_NODES == 128, "a set is two words");
