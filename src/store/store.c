// SPDX-License-Identifier: Apache-2.0
// A namespace's records: the stripes, what happens under their locks, and the accounts of sizes and
// sets that each write keeps right.
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/digest.h"
#include "store/engine.h"
#include "store/index.h"
#include "store/set_table.h"

enum { CACHE_LINE_SIZE = 64, STORE_MAGIC = 0x5354524f };

// A partition with its lock: one cache line, so that threads on two partitions do not meet.
struct stripe {
    _Alignas(CACHE_LINE_SIZE) pthread_mutex_t lock;
    struct store__index index;
    uint64_t sum; // of record_mix of all records
};

_Static_assert(sizeof(struct stripe) == CACHE_LINE_SIZE, "an empty store stays small");

struct store {
    uint32_t magic;
    _Atomic bool truncated; // some truncation happened, here or in a set
    _Atomic uint64_t truncate_before_ms;
    struct store_engine *engine;
    struct store__index_heap heap;

    // Written when a record's size changes, so kept away from what each operation reads.
    _Alignas(CACHE_LINE_SIZE) _Atomic uint64_t data_used_bytes;
    _Atomic uint32_t tombstone_counts[LIMIT_PARTITIONS]; // changed under the stripe

    _Alignas(CACHE_LINE_SIZE) struct store__set_table sets;
    struct stripe stripes[LIMIT_PARTITIONS];
};

enum base_result store_new_over(struct store_engine *engine, struct store **out)
{
    struct store *store = aligned_alloc(CACHE_LINE_SIZE, sizeof *store);
    *out = store;
    if (store == NULL) {
        return RESULT_NO_MEMORY;
    }
    memset(store, 0, sizeof *store);
    store->magic = STORE_MAGIC;
    store->engine = engine;
    store->heap.engine = engine;
    store__set_table_init(&store->sets, engine);
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        int failed = pthread_mutex_init(&store->stripes[i].lock, NULL);
        base_assert(failed == 0);
    }
    return RESULT_OK;
}

enum base_result store_new(struct store **out)
{
    *out = NULL;
    struct store_engine *engine;
    enum base_result result = store_engine_memory_new(&engine);
    if (result != RESULT_OK) {
        return result;
    }
    result = store_new_over(engine, out);
    if (result != RESULT_OK) {
        engine->free(engine);
    }
    return result;
}

static void stripe_fini(struct store *store, struct stripe *stripe)
{
    struct store__index_walk walk;
    uint8_t *head;
    uint32_t slot;
    store__index_walk_start(&stripe->index, NULL, &walk);
    while ((head = store__index_walk_next(&walk, &slot)) != NULL) {
        store->engine->record_drop(store->engine, head);
    }
    store__index_fini(&stripe->index, &store->heap);
    pthread_mutex_destroy(&stripe->lock);
}

void store_free(struct store **out)
{
    struct store *store = *out;
    if (store == NULL) {
        return;
    }
    *out = NULL;
    base_magic_check(store, STORE_MAGIC);
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        stripe_fini(store, &store->stripes[i]);
    }
    store__set_table_fini(&store->sets);
    store->engine->free(store->engine);
    store->magic = 0;
    free(store);
}

// The fields that each read looks at, without taking the record apart.
static uint32_t record_void_time_s(const uint8_t *bytes)
{
    return base_le32_load(bytes + STORE_RECORD_VOID_TIME_AT);
}

static struct base_slice record_set_name(const uint8_t *bytes)
{
    const uint8_t *at = bytes + STORE_RECORD_HEADER_SIZE;
    return (struct base_slice){at + 1, *at};
}

static bool record_is_truncated(const struct store *store, const uint8_t *bytes)
{
    if (!atomic_load_explicit(&store->truncated, memory_order_acquire)) {
        return false;
    }
    const struct store_set *set = store__set_table_find(&store->sets, record_set_name(bytes));
    return store_record_last_update_ms(bytes) < store_truncate_floor_ms(store, set);
}

static bool record_is_dead(const struct store *store, const uint8_t *bytes, uint32_t now_s)
{
    if (store_record_is_tombstone(bytes)) {
        return true;
    }
    uint32_t void_time_s = record_void_time_s(bytes);
    if (void_time_s != 0 && void_time_s <= now_s) {
        return true;
    }
    return record_is_truncated(store, bytes);
}

bool store_record_is_dead(const struct store *store, const struct store_record *record,
                          uint32_t now_s)
{
    return record_is_dead(store, record->bytes, now_s);
}

bool store_record_is_truncated(const struct store *store, const struct store_record *record)
{
    return record_is_truncated(store, record->bytes);
}

static struct stripe *cursor_stripe(const struct store_cursor *cursor)
{
    return &cursor->store->stripes[cursor->partition];
}

void store_acquire(struct store *store, const uint8_t *digest, uint32_t now_s,
                   struct store_cursor *out)
{
    base_magic_check(store, STORE_MAGIC);
    out->store = store;
    out->digest = digest;
    out->record = NULL;
    out->stored = NULL;
    out->partition = base_digest_partition(digest);
    struct stripe *stripe = cursor_stripe(out);
    pthread_mutex_lock(&stripe->lock);
    if (store__index_find(&stripe->index, digest, &out->slot)) {
        out->stored = store__index_head(&stripe->index, digest, out->slot);
        out->record = record_is_dead(store, out->stored, now_s) ? NULL : out->stored;
    }
}

void store_release(struct store_cursor *cursor)
{
    pthread_mutex_unlock(&cursor_stripe(cursor)->lock);
    cursor->record = NULL;
    cursor->stored = NULL;
}

// A record's part of its partition's sum: the two words that tell it from others, multiplied and
// folded (as wyhash mixes).
static uint64_t record_mix(const uint8_t *bytes)
{
    uint64_t digest = base_le64_load(bytes + STORE_RECORD_DIGEST_AT) ^ UINT64_C(0x9e3779b97f4a7c15);
    uint64_t content = (store_record_checksum(bytes) + UINT64_C(1)) * UINT64_C(0xbf58476d1ce4e5b9);
    __extension__ unsigned __int128 product = (unsigned __int128)digest * content;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Adds to the account of a set; records without a set have none. Differences wrap around, so that
// they can be negative.
static void set_account(struct store *store, struct base_slice name, uint64_t objects,
                        uint64_t tombstones, uint64_t size)
{
    struct store_set *set = store__set_table_find(&store->sets, name);
    if (set == NULL) {
        return;
    }
    if (objects != 0) {
        atomic_fetch_add_explicit(&set->object_count, objects, memory_order_relaxed);
    }
    if (tombstones != 0) {
        atomic_fetch_add_explicit(&set->tombstone_count, tombstones, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&set->data_bytes, size, memory_order_relaxed);
}

// What has to be known of a record that may be written over. All zero: there is none.
struct trace {
    uint64_t mix;
    bool tombstone;
};

__attribute__((always_inline)) static inline struct trace record_trace(const uint8_t *bytes)
{
    if (bytes == NULL) {
        return (struct trace){0};
    }
    return (struct trace){record_mix(bytes), store_record_is_tombstone(bytes)};
}

// Keeps the accounts when record `before`, of which `was` remains, makes way for `after`; either
// may be NULL. `same_set`: both are there and of one set.
__attribute__((always_inline)) static inline void account(struct store *store, uint32_t partition,
                                                          struct trace was, const uint8_t *before,
                                                          const uint8_t *after, bool same_set)
{
    struct trace is = record_trace(after);
    store->stripes[partition].sum += is.mix - was.mix;
    uint64_t size_before = before == NULL ? 0 : store_record_size(before);
    uint64_t size_after = after == NULL ? 0 : store_record_size(after);
    uint64_t objects_before = before != NULL && !was.tombstone;
    uint64_t objects_after = after != NULL && !is.tombstone;
    uint64_t tombstones = (uint64_t)is.tombstone - was.tombstone;
    uint64_t objects = objects_after - objects_before;
    uint64_t size = size_after - size_before;
    if (tombstones != 0) {
        atomic_fetch_add_explicit(&store->tombstone_counts[partition], (uint32_t)tombstones,
                                  memory_order_relaxed);
    }
    if (size != 0) {
        atomic_fetch_add_explicit(&store->data_used_bytes, size, memory_order_relaxed);
    }
    if (same_set) {
        if ((objects | size) != 0) {
            set_account(store, record_set_name(after), objects, tombstones, size);
        }
        return;
    }
    if (after != NULL) {
        set_account(store, record_set_name(after), objects_after, is.tombstone, size_after);
    }
    if (before != NULL) {
        set_account(store, record_set_name(before), -objects_before, -(uint64_t)was.tombstone,
                    -size_before);
    }
}

// Whether what the cursor found is of the same set as what shall replace it. If not, makes sure
// that there is the new one's set.
__attribute__((always_inline)) static inline enum base_result set_prepare(
    const struct store_cursor *cursor, struct base_slice set_name, bool *same_set)
{
    *same_set =
        cursor->stored != NULL && base_slice_equal(record_set_name(cursor->stored), set_name);
    if (set_name.size == 0 || *same_set) {
        return RESULT_OK;
    }
    struct store_set *set;
    return store_set_ensure(cursor->store, set_name, &set);
}

// Puts a head into the place of what the cursor found, of which `was` remains.
static enum base_result head_put(struct store_cursor *cursor, uint8_t *head, struct trace was,
                                 bool same_set)
{
    struct store *store = cursor->store;
    struct store__index *index = &cursor_stripe(cursor)->index;
    uint8_t *before = cursor->stored;
    if (before == NULL) {
        enum base_result result =
            store__index_insert(index, &store->heap, cursor->digest, head, &cursor->slot);
        if (result != RESULT_OK) {
            store->engine->record_drop(store->engine, head);
            return result;
        }
    } else if (head != before) {
        store__index_head_set(index, cursor->digest, cursor->slot, head);
    }
    account(store, cursor->partition, was, before, head, same_set);
    if (before != NULL && head != before) {
        store->engine->record_drop(store->engine, before);
    }
    cursor->stored = head;
    cursor->record = store_record_is_tombstone(head) ? NULL : head;
    base_assert_slow(store__index_check_near(index, cursor->digest));
    return RESULT_OK;
}

// Ends a write. One of the same size that went over the old bytes touches nothing that threads
// share.
__attribute__((always_inline)) static inline enum base_result write_end(struct store_cursor *cursor,
                                                                        uint8_t *head,
                                                                        struct trace was,
                                                                        bool same_set)
{
    if (head != cursor->stored || store_record_is_tombstone(head) || was.tombstone) {
        return head_put(cursor, head, was, same_set);
    }
    cursor_stripe(cursor)->sum += record_mix(head) - was.mix;
    cursor->record = head;
    return RESULT_OK;
}

enum base_result store_put(struct store_cursor *cursor, const struct store_draft *draft)
{
    struct store_engine *engine = cursor->store->engine;
    base_assert(memcmp(draft->digest, cursor->digest, LIMIT_DIGEST_SIZE) == 0);
    size_t size = store_draft_size(draft);
    if (size > LIMIT_RECORD_SIZE_MAX) {
        return RESULT_RECORD_TOO_BIG;
    }
    bool same_set;
    enum base_result result = set_prepare(cursor, draft->set_name, &same_set);
    if (result != RESULT_OK) {
        return result;
    }
    struct trace was = record_trace(cursor->stored);
    uint8_t *head;
    result = engine->record_put(engine, draft, size, same_set ? cursor->stored : NULL, &head);
    return result == RESULT_OK ? write_end(cursor, head, was, same_set) : result;
}

enum base_result store_put_bytes(struct store_cursor *cursor, const uint8_t *bytes)
{
    struct store_engine *engine = cursor->store->engine;
    base_assert(memcmp(bytes + STORE_RECORD_DIGEST_AT, cursor->digest, LIMIT_DIGEST_SIZE) == 0);
    bool same_set;
    enum base_result result = set_prepare(cursor, record_set_name(bytes), &same_set);
    if (result != RESULT_OK) {
        return result;
    }
    struct trace was = record_trace(cursor->stored);
    uint8_t *head;
    result = engine->record_put_bytes(engine, bytes, same_set ? cursor->stored : NULL, &head);
    return result == RESULT_OK ? write_end(cursor, head, was, same_set) : result;
}

// Takes a record out of a stripe that is held. `digest` may point into the record.
static void partition_remove(struct store *store, uint32_t partition, const uint8_t *digest,
                             uint32_t *slot)
{
    struct store__index *index = &store->stripes[partition].index;
    uint8_t *head = store__index_head(index, digest, *slot);
    store__index_remove(index, &store->heap, digest, slot);
    base_assert_slow(store__index_check_near(index, digest));
    account(store, partition, record_trace(head), head, NULL, false);
    store->engine->record_drop(store->engine, head);
}

void store_remove(struct store_cursor *cursor)
{
    if (cursor->stored != NULL) {
        partition_remove(cursor->store, cursor->partition, cursor->digest, &cursor->slot);
        cursor->stored = NULL;
        cursor->record = NULL;
    }
}

void store_partition_lock(struct store *store, uint32_t partition)
{
    base_assert(partition < LIMIT_PARTITIONS);
    pthread_mutex_lock(&store->stripes[partition].lock);
}

void store_partition_unlock(struct store *store, uint32_t partition)
{
    pthread_mutex_unlock(&store->stripes[partition].lock);
}

uint32_t *store_partition_word(struct store *store, uint32_t partition)
{
    base_assert(partition < LIMIT_PARTITIONS);
    return &store->stripes[partition].index.word;
}

void store_partition_summary(struct store *store, uint32_t partition, struct store_summary *out)
{
    store_partition_lock(store, partition);
    struct stripe *stripe = &store->stripes[partition];
    out->record_count = atomic_load_explicit(&stripe->index.record_count, memory_order_relaxed);
    out->tombstone_count =
        atomic_load_explicit(&store->tombstone_counts[partition], memory_order_relaxed);
    out->sum = stripe->sum;
    store_partition_unlock(store, partition);
}

static enum store_visit visit_remove(const struct store_record *record, void *arg)
{
    (void)record;
    (void)arg;
    return STORE_VISIT_REMOVE;
}

bool store_partition_clear_step(struct store *store, uint32_t partition, uint32_t count_max)
{
    struct store_scan scan = {.partition = partition};
    return store_scan_step(store, &scan, count_max, visit_remove, NULL);
}

void store_prefetch(const struct store *store, const uint8_t *digest)
{
    store__index_prefetch(&store->stripes[base_digest_partition(digest)].index, digest);
}

void store_prefetch_record(struct store *store, const uint8_t *digest)
{
    struct stripe *stripe = &store->stripes[base_digest_partition(digest)];
    pthread_mutex_lock(&stripe->lock);
    store__index_prefetch_head(&stripe->index, digest);
    pthread_mutex_unlock(&stripe->lock);
}

bool store_scan_step(struct store *store, struct store_scan *scan, uint32_t count_max,
                     store_visit_fn visit, void *arg)
{
    base_assert(scan->partition < LIMIT_PARTITIONS);
    base_assert(count_max > 0);
    struct stripe *stripe = &store->stripes[scan->partition];
    pthread_mutex_lock(&stripe->lock);
    struct store__index_walk walk;
    store__index_walk_start(&stripe->index, scan->after_set ? scan->after : NULL, &walk);
    bool at_end = false;
    for (uint32_t count = 0; count < count_max; count++) {
        uint32_t slot;
        const uint8_t *head = store__index_walk_next(&walk, &slot);
        if (head == NULL) {
            at_end = true;
            break;
        }
        struct store_record record;
        store_record_decode(head, &record);
        enum store_visit verdict = visit(&record, arg);
        if (verdict == STORE_VISIT_STOP) {
            break;
        }
        memcpy(scan->after, record.digest, LIMIT_DIGEST_SIZE);
        scan->after_set = true;
        if (verdict == STORE_VISIT_REMOVE) {
            partition_remove(store, scan->partition, scan->after, &slot);
            store__index_walk_start(&stripe->index, scan->after, &walk);
        }
    }
    pthread_mutex_unlock(&stripe->lock);
    return at_end;
}

// Raises `floor_ms`, never lowers it.
static void floor_raise(_Atomic uint64_t *floor_ms, uint64_t before_ms)
{
    uint64_t now = atomic_load_explicit(floor_ms, memory_order_relaxed);
    while (now < before_ms &&
           !atomic_compare_exchange_weak_explicit(floor_ms, &now, before_ms, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void store_truncate(struct store *store, struct store_set *set, uint64_t before_ms)
{
    floor_raise(set == NULL ? &store->truncate_before_ms : &set->truncate_before_ms, before_ms);
    atomic_store_explicit(&store->truncated, true, memory_order_release);
}

uint64_t store_truncate_floor_ms(const struct store *store, const struct store_set *set)
{
    uint64_t floor_ms = atomic_load_explicit(&store->truncate_before_ms, memory_order_relaxed);
    uint64_t set_ms =
        set == NULL ? 0 : atomic_load_explicit(&set->truncate_before_ms, memory_order_relaxed);
    return set_ms > floor_ms ? set_ms : floor_ms;
}

struct store_set *store_set_find(const struct store *store, struct base_slice name)
{
    return store__set_table_find(&store->sets, name);
}

enum base_result store_set_ensure(struct store *store, struct base_slice name,
                                  struct store_set **out)
{
    return store__set_table_ensure(&store->sets, name, out);
}

uint32_t store_set_count(const struct store *store)
{
    return atomic_load_explicit(&store->sets.count, memory_order_acquire);
}

struct store_set *store_set_at(const struct store *store, uint32_t number)
{
    base_assert(number < store_set_count(store));
    return atomic_load_explicit(&store->sets.sets[number], memory_order_acquire);
}

uint64_t store_object_count(struct store *store, uint32_t partition)
{
    base_assert(partition < LIMIT_PARTITIONS);
    // Read without the stripe, the two may be of different moments.
    uint32_t record_count =
        atomic_load_explicit(&store->stripes[partition].index.record_count, memory_order_relaxed);
    uint32_t tombstone_count =
        atomic_load_explicit(&store->tombstone_counts[partition], memory_order_relaxed);
    return record_count > tombstone_count ? record_count - tombstone_count : 0;
}

uint64_t store_tombstone_count(struct store *store, uint32_t partition)
{
    base_assert(partition < LIMIT_PARTITIONS);
    return atomic_load_explicit(&store->tombstone_counts[partition], memory_order_relaxed);
}

uint64_t store_data_used_bytes(const struct store *store)
{
    return atomic_load_explicit(&store->data_used_bytes, memory_order_relaxed);
}

void store_stats_sum(struct store *store, struct store_stats *out)
{
    *out = (struct store_stats){
        .data_used_bytes = store_data_used_bytes(store),
        .index_used_bytes = atomic_load_explicit(&store->heap.used_bytes, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        out->object_count += store_object_count(store, i);
        out->tombstone_count += store_tombstone_count(store, i);
    }
}

bool store_check(struct store *store, uint32_t partition)
{
    struct stripe *stripe = &store->stripes[partition];
    pthread_mutex_lock(&stripe->lock);
    bool good = store__index_check(&stripe->index);
    struct store__index_walk walk;
    store__index_walk_start(&stripe->index, NULL, &walk);
    uint8_t *head;
    uint32_t slot;
    uint64_t sum = 0;
    uint32_t tombstone_count = 0;
    while (good && (head = store__index_walk_next(&walk, &slot)) != NULL) {
        good = store_record_check(head, store_record_size(head)) == RESULT_OK &&
               base_digest_partition(head + STORE_RECORD_DIGEST_AT) == partition;
        sum += record_mix(head);
        tombstone_count += store_record_is_tombstone(head);
    }
    good = good && sum == stripe->sum && tombstone_count == store_tombstone_count(store, partition);
    pthread_mutex_unlock(&stripe->lock);
    return good;
}
