// SPDX-License-Identifier: Apache-2.0
// The walks over a namespace's records that nobody asks for: removing what has expired, evicting
// what would expire soonest, removing what a truncation covers and tombstones that all have seen,
// and measuring how records are distributed. They go slice by slice: a stripe is held for a few
// dozen records, and between slices the caller may do something else or give up. Time comes in with
// the call. One thread a namespace.
#pragma once

#include "server/node.h"

// Called between slices; false: give up the walk.
typedef bool (*expiry_pause_fn)(void *arg);

// Who walks: whose counters, and what happens between slices.
struct expiry_walker {
    struct counters_namespace *counters; // of the calling thread
    expiry_pause_fn pause;
    void *arg;
};

// One cycle of a namespace at time now_s (since 2010): removes expired records, and when
// ns->hwm_breached is set, evicts those that expire soonest: evict-tenths-pct of all that may be
// evicted, never from sets with disable-eviction, never records without an end. Sets the
// namespace's statistics. False when the walk was given up.
bool expiry_cycle_run(struct namespace *ns, uint32_t now_s, const struct expiry_walker *walker);

// Evicts what expires before ns->evict_void_time_s, as another node has, and clears
// ns->evict_wanted. False when the walk was given up.
bool expiry_evict_follow(struct namespace *ns, const struct expiry_walker *walker);

// Removes the records that truncations cover and clears ns->truncating, unless another truncation
// came meanwhile. False when the walk was given up.
bool expiry_truncation_run(struct namespace *ns, const struct expiry_walker *walker);

// The age at which a tombstone goes. The master keeps it for longer: a record that is made again
// goes on counting its lives, which it could not where the tombstone is forgotten, and a replica
// that still had it would take it for the newer of the two by the generation policy.
struct expiry_ages {
    uint64_t replica_ms;
    uint64_t master_ms;
};

// Removes the tombstones that were made at least so long before `now_ms` (since 2010); walks only
// partitions that have some. *removed: how many. False when the walk was given up.
bool expiry_tombstones_run(struct namespace *ns, uint64_t now_ms, const struct expiry_ages *ages,
                           const struct expiry_walker *walker, uint64_t *removed);

// How records are distributed by time to live and by size.
enum { EXPIRY_TTL_BUCKETS = 100, EXPIRY_SIZE_BUCKETS = 128, EXPIRY_LOG_BUCKETS = 25 };
enum { EXPIRY_SIZE_BUCKET_WIDTH = 1024 }; // bytes

struct expiry_distribution {
    uint32_t ttl_bucket_width_s;
    uint64_t ttl[EXPIRY_TTL_BUCKETS];
    uint64_t size[EXPIRY_SIZE_BUCKETS];    // the last bucket has all larger ones too
    uint64_t log_size[EXPIRY_LOG_BUCKETS]; // bucket i: 2^(i-1) up to, not including, 2^i bytes
};

bool expiry_distribution_measure(struct namespace *ns, uint32_t now_s,
                                 const struct expiry_walker *walker,
                                 struct expiry_distribution *out);

// Compares what the namespace uses with its limits and sets stop_writes, data_limit_bytes and
// hwm_breached. `memory_used_pct` is of the memory that the process may use.
void expiry_limits_check(struct namespace *ns, uint32_t memory_used_pct);
