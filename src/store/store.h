// SPDX-License-Identifier: Apache-2.0
// One namespace's records on this node: a digest-ordered index, an engine that keeps the bytes, and
// the table of sets. 4096 partitions, each a stripe with its own lock, so that two threads meet
// only on one partition. Time comes in with the call; the store reads no clock.
//
// All functions may be called from any thread, unless said otherwise. A stripe is held for the time
// of one short operation: never wait while holding one, never hold two.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"
#include "store/record.h"

struct store;
struct store_engine;

// A set of the namespace. Made at its first record or configuration, never removed, so a pointer to
// it stays good for the life of the store.
struct store_set {
    char name[LIMIT_SET_NAME_SIZE + 1];
    uint8_t name_size;
    _Atomic uint64_t object_count; // tombstones do not count
    _Atomic uint64_t tombstone_count;
    _Atomic uint64_t data_bytes;         // of tombstones too
    _Atomic uint64_t truncate_before_ms; // 0: none; records last updated before it are gone
    // Configuration of the set, kept here because each write looks at it.
    _Atomic uint32_t default_ttl_s; // 0: the namespace's
    _Atomic uint64_t stop_writes_count;
    _Atomic uint64_t stop_writes_size;
    _Atomic bool disable_eviction;
    _Atomic bool enable_index;
    _Atomic int32_t default_read_touch_ttl_pct;
};

struct store_stats {
    uint64_t object_count; // dead records not yet removed count too, tombstones do not
    uint64_t tombstone_count;
    uint64_t data_used_bytes;  // encoded records
    uint64_t index_used_bytes; // allocated for the index
};

// A stripe held, and the place of one digest in it.
struct store_cursor {
    struct store *store;
    const uint8_t *digest;
    const uint8_t *record; // the live record's bytes; NULL: none (absent or dead)
    uint8_t *stored;       // whatever stands there, dead records and tombstones too; NULL: nothing.
                           // Only the store writes to it
    uint32_t partition;
    uint32_t slot; // for the store alone
};

// A store with its records in the heap. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result store_new(struct store **out);

// A store over an engine (store/engine.h), which it takes over on RESULT_OK.
BASE_MUST_USE enum base_result store_new_over(struct store_engine *engine, struct store **out);

// Frees the store with all its records and its engine. No other thread may be using it.
void store_free(struct store **store);

// Locks the digest's stripe and finds its record. `now_s` (seconds since 2010) decides what has
// expired. Pair with store_release. `digest` must live until then.
void store_acquire(struct store *store, const uint8_t *digest, uint32_t now_s,
                   struct store_cursor *out);
void store_release(struct store_cursor *cursor);

// Writes the draft, which has the cursor's digest, in place of whatever the cursor found. The
// draft's bins may point into cursor->record. On RESULT_OK cursor->stored is the new record, and
// cursor->record as well unless it is a tombstone.
// RESULT_NO_MEMORY, RESULT_LIMIT (too many sets), RESULT_PARAMETER (overlong set name) and
// RESULT_RECORD_TOO_BIG (past LIMIT_RECORD_SIZE_MAX) leave the old one.
BASE_MUST_USE enum base_result store_put(struct store_cursor *cursor,
                                         const struct store_draft *draft);

// Removes what the cursor found, a dead record too; nothing happens when there is nothing.
void store_remove(struct store_cursor *cursor);

// Writes a record as it came from elsewhere, checked (store_record_check) and with the cursor's
// digest, in place of whatever the cursor found; a tombstone too. Errors as store_put.
BASE_MUST_USE enum base_result store_put_bytes(struct store_cursor *cursor, const uint8_t *bytes);

// Holds a partition's stripe without a record: for its word and its place, and for both alone.
void store_partition_lock(struct store *store, uint32_t partition);
void store_partition_unlock(struct store *store, uint32_t partition);

// 32 bits of a caller's, kept in the stripe's own cache line and guarded by it; 0 at first.
uint32_t *store_partition_word(struct store *store, uint32_t partition);

// What a partition holds, kept with each change. The sum is over all records, dead ones and
// tombstones too, independent of their order: equal contents give equal sums, and unequal ones
// differ but for one chance in 2^64. The stripe is taken for a moment.
struct store_summary {
    uint32_t record_count; // tombstones too
    uint32_t tombstone_count;
    uint64_t sum;
};
void store_partition_summary(struct store *store, uint32_t partition, struct store_summary *out);

// Removes up to `count_max` records of a partition, whatever they are; true when its end was
// reached, and so none is left.
bool store_partition_clear_step(struct store *store, uint32_t partition, uint32_t count_max);

// Brings the index line of a digest into the cache; worth it when several requests wait. Takes no
// lock.
void store_prefetch(const struct store *store, const uint8_t *digest);

// The next step of the same: brings the record into the cache. Holds the stripe for a moment.
void store_prefetch_record(struct store *store, const uint8_t *digest);

enum store_visit {
    STORE_VISIT_KEEP,   // go on
    STORE_VISIT_REMOVE, // remove this record, go on
    STORE_VISIT_STOP,   // stop before this record; the next step starts with it
};

// Called with the stripe held: copy what is needed and return soon. Sees dead records too (expired,
// truncated, tombstones); store_record_is_dead tells.
typedef enum store_visit (*store_visit_fn)(const struct store_record *record, void *arg);

// Where a walk through one partition stands. Start with {.partition = p}, or set `after` and
// `after_set` to resume behind a digest.
struct store_scan {
    uint32_t partition;
    bool after_set;
    uint8_t after[LIMIT_DIGEST_SIZE];
};

// Visits at most `count_max` records of the partition, in digest order (bytes 2 to 19, then 0 and
// 1, compared as unsigned bytes), and moves `scan` on. True when the partition's end was reached.
bool store_scan_step(struct store *store, struct store_scan *scan, uint32_t count_max,
                     store_visit_fn visit, void *arg);

// True when the record has expired by `now_s`, a truncation of its set or namespace covers it, or
// it is a tombstone: for clients it is not there.
bool store_record_is_dead(const struct store *store, const struct store_record *record,
                          uint32_t now_s);

// True when a truncation of its set or namespace covers the record or tombstone: nobody needs it.
bool store_record_is_truncated(const struct store *store, const struct store_record *record);

// Makes all records of the namespace (set NULL) or of one set that were last updated before
// `before_ms` invisible at once; walk with store_scan_step to free them. Moves only forward.
void store_truncate(struct store *store, struct store_set *set, uint64_t before_ms);

// The latest truncation that a write to this set must not fall behind: a write's last update time
// is at least this. `set` may be NULL.
uint64_t store_truncate_floor_ms(const struct store *store, const struct store_set *set);

// Finds a set by name; NULL when there is none yet.
struct store_set *store_set_find(const struct store *store, struct base_slice name);

// Finds or makes it. RESULT_LIMIT past LIMIT_SETS_PER_NAMESPACE, RESULT_PARAMETER for an empty or
// overlong name.
BASE_MUST_USE enum base_result store_set_ensure(struct store *store, struct base_slice name,
                                                struct store_set **out);

// Sets are numbered from 0 in the order they were made.
uint32_t store_set_count(const struct store *store);
struct store_set *store_set_at(const struct store *store, uint32_t number);

void store_stats_sum(struct store *store, struct store_stats *out);

// Bytes of data in use, kept as a running total: cheap enough to ask before each write.
uint64_t store_data_used_bytes(const struct store *store);

// Records in one partition, expired and truncated ones too, and beside them tombstones. Takes no
// lock.
uint64_t store_object_count(struct store *store, uint32_t partition);
uint64_t store_tombstone_count(struct store *store, uint32_t partition);

// Checks the index of a partition, its sum and counts, and each of its records, bytes and all. For
// tests.
bool store_check(struct store *store, uint32_t partition);
