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

static uint64_t record_last_update_ms(const uint8_t *bytes)
{
    return base_le64_load(bytes + STORE_RECORD_LAST_UPDATE_AT) << 16 >> 16;
}

static struct base_slice record_set_name(const uint8_t *bytes)
{
    const uint8_t *at = bytes + STORE_RECORD_HEADER_SIZE;
    return (struct base_slice){at + 1, *at};
}

static bool record_is_dead(const struct store *store, const uint8_t *bytes, uint32_t now_s)
{
    uint32_t void_time_s = record_void_time_s(bytes);
    if (void_time_s != 0 && void_time_s <= now_s) {
        return true;
    }
    if (!atomic_load_explicit(&store->truncated, memory_order_acquire)) {
        return false;
    }
    const struct store_set *set = store__set_table_find(&store->sets, record_set_name(bytes));
    return record_last_update_ms(bytes) < store_truncate_floor_ms(store, set);
}

bool store_record_is_dead(const struct store *store, const struct store_record *record,
                          uint32_t now_s)
{
    return record_is_dead(store, record->bytes, now_s);
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
    out->partition = base_digest_partition(digest);
    struct stripe *stripe = cursor_stripe(out);
    pthread_mutex_lock(&stripe->lock);
    out->slot_taken = store__index_find(&stripe->index, digest, &out->slot);
    if (out->slot_taken) {
        const uint8_t *bytes = store__index_head(&stripe->index, digest, out->slot);
        out->record = record_is_dead(store, bytes, now_s) ? NULL : bytes;
    }
}

void store_release(struct store_cursor *cursor)
{
    pthread_mutex_unlock(&cursor_stripe(cursor)->lock);
    cursor->record = NULL;
}

// Adds to the account of a set; records without a set have none. Differences wrap around, so that
// they can be negative.
static void set_account(struct store *store, struct base_slice name, uint64_t count_delta,
                        uint64_t size_delta)
{
    struct store_set *set = store__set_table_find(&store->sets, name);
    if (set == NULL) {
        return;
    }
    if (count_delta != 0) {
        atomic_fetch_add_explicit(&set->object_count, count_delta, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&set->data_bytes, size_delta, memory_order_relaxed);
}

// Keeps the accounts when record `before` makes way for `after`; either may be NULL. `same_set`:
// both are there and of one set. Overwriting with the same size then touches nothing that threads
// share.
static void account(struct store *store, const uint8_t *before, const uint8_t *after, bool same_set)
{
    uint64_t size_before = before == NULL ? 0 : store_record_size(before);
    uint64_t size_after = after == NULL ? 0 : store_record_size(after);
    uint64_t delta = size_after - size_before;
    if (delta != 0) {
        atomic_fetch_add_explicit(&store->data_used_bytes, delta, memory_order_relaxed);
    }
    if (same_set) {
        if (delta != 0) {
            set_account(store, record_set_name(after), 0, delta);
        }
        return;
    }
    if (after != NULL) {
        set_account(store, record_set_name(after), 1, size_after);
    }
    if (before != NULL) {
        set_account(store, record_set_name(before), (uint64_t)-1, -size_before);
    }
}

enum base_result store_put(struct store_cursor *cursor, const struct store_draft *draft)
{
    struct store *store = cursor->store;
    struct store__index *index = &cursor_stripe(cursor)->index;
    base_assert(memcmp(draft->digest, cursor->digest, LIMIT_DIGEST_SIZE) == 0);

    size_t size = store_draft_size(draft);
    if (size > LIMIT_RECORD_SIZE_MAX) {
        return RESULT_RECORD_TOO_BIG;
    }
    uint8_t *before =
        cursor->slot_taken ? store__index_head(index, cursor->digest, cursor->slot) : NULL;
    bool same_set = before != NULL && base_slice_equal(record_set_name(before), draft->set_name);
    if (draft->set_name.size > 0 && !same_set) {
        struct store_set *set;
        enum base_result result = store_set_ensure(store, draft->set_name, &set);
        if (result != RESULT_OK) {
            return result;
        }
    }
    uint8_t *head;
    enum base_result result =
        store->engine->record_put(store->engine, draft, size, same_set ? before : NULL, &head);
    if (result != RESULT_OK) {
        return result;
    }
    if (head == before) {
        cursor->record = head; // the same size in the same set: no account changes
        return RESULT_OK;
    }

    if (before != NULL) {
        store__index_head_set(index, cursor->digest, cursor->slot, head);
    } else {
        result = store__index_insert(index, &store->heap, cursor->digest, head, &cursor->slot);
        if (result != RESULT_OK) {
            store->engine->record_drop(store->engine, head);
            return result;
        }
    }
    account(store, before, head, same_set);
    if (before != NULL) {
        store->engine->record_drop(store->engine, before);
    }
    cursor->slot_taken = true;
    cursor->record = head;
    base_assert_slow(store__index_check_near(index, cursor->digest));
    return RESULT_OK;
}

// Takes a record out of a stripe that is held. `digest` may point into the record.
static void stripe_remove(struct store *store, struct stripe *stripe, const uint8_t *digest,
                          uint32_t *slot)
{
    uint8_t *head = store__index_head(&stripe->index, digest, *slot);
    store__index_remove(&stripe->index, &store->heap, digest, slot);
    base_assert_slow(store__index_check_near(&stripe->index, digest));
    account(store, head, NULL, false);
    store->engine->record_drop(store->engine, head);
}

void store_remove(struct store_cursor *cursor)
{
    if (cursor->slot_taken) {
        stripe_remove(cursor->store, cursor_stripe(cursor), cursor->digest, &cursor->slot);
        cursor->slot_taken = false;
        cursor->record = NULL;
    }
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
            stripe_remove(store, stripe, scan->after, &slot);
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
    return atomic_load_explicit(&store->stripes[partition].index.record_count,
                                memory_order_relaxed);
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
    while (good && (head = store__index_walk_next(&walk, &slot)) != NULL) {
        good = store_record_check(head, store_record_size(head)) == RESULT_OK &&
               base_digest_partition(head + STORE_RECORD_DIGEST_AT) == partition;
    }
    pthread_mutex_unlock(&stripe->lock);
    return good;
}
