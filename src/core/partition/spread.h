// SPDX-License-Identifier: Apache-2.0
// Spreads the partitions over bins (racks, holders or masters) so that each bin has its quota: the
// one problem that balancing solves again and again. Each partition first takes the bins it likes
// best; then it is moved, the cheapest move first, from bins above their quota to bins below. Data
// that is there costs nothing, data that has to be copied costs most. Equal costs are decided by
// score, so the outcome depends on nothing but the input, and little on small changes of it.
#pragma once

#include "core/partition/balance.h"

// Bins of which each partition has chosen so many.
struct spread_group {
    struct node_set bins;
    uint32_t least;
    uint32_t most;
};

struct spread {
    uint32_t bin_count;
    uint64_t seed[LIMIT_CLUSTER_NODES];    // of scores
    uint8_t group_of[LIMIT_CLUSTER_NODES]; // by bin
    struct spread_group group[LIMIT_CLUSTER_NODES];
    uint32_t load[LIMIT_CLUSTER_NODES];
    uint32_t quota[LIMIT_CLUSTER_NODES];
    struct node_set allowed;             // bins that may be chosen
    const struct node_set *allowed_each; // by partition, narrower; or NULL
    const struct node_set *full;         // by partition: bins with all its data, or NULL
    const struct node_set *part;         // bins with part of it
    struct node_set *chosen;             // by partition; the outcome
    struct node_set over, under;         // bins above and below their quota
    struct balance_work *work;
    uint32_t heap_count;
};

uint64_t balance__seed(uint64_t id);
uint64_t balance__score(uint64_t seed, uint32_t partition);

// Adds the `count` best of `from` to what the partition has chosen.
void balance__choose(struct spread *spread, uint32_t partition, const struct node_set *from,
                     uint32_t count);

// Gives the bins of a group equal quotas, but for an odd one, of `total`.
void balance__quota(struct spread *spread, uint32_t group, uint64_t total);

// Moves until each bin has its quota or none can come closer to it.
void balance__spread(struct spread *spread);
