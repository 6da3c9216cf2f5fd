// SPDX-License-Identifier: Apache-2.0
// Several threads on few partitions at once: nothing is torn, and the accounts add up at the end.
// Best run under ThreadSanitizer.
#include "store_test.h"

#include <pthread.h>

enum {
    THREADS = 4,
    PARTITIONS = 3,
    RECORDS = 2000, // in each partition; enough to grow and shrink blocks
    ROUNDS = 30000,
};

struct worker {
    struct store *store;
    pthread_t thread;
    uint64_t random;
    const char *failed; // cmocka's asserts belong to the main thread
};

static struct base_digest digest_of(uint32_t number)
{
    struct base_digest digest;
    uint64_t random = number;
    test_digest_random(&random, &digest);
    test_digest_partition_set(&digest, number % PARTITIONS);
    return digest;
}

// Both bins of a record hold the same number, so that a torn one shows.
static enum base_result put(struct store *store, uint64_t number, const char *set_name,
                            const struct base_digest *digest)
{
    uint8_t value[8];
    base_le64_store(value, number);
    struct store_bin bins[2] = {
        {.name = value, .name_size = 1, .value = value, .value_size = 8, .type = 1},
        {.name = value, .name_size = 2, .value = value, .value_size = 8, .type = 1},
    };
    struct store_draft draft = {.digest = digest->bytes,
                                .last_update_ms = 1 + number % 1000,
                                .bin_count = number % 3 == 0 ? 1 : 2,
                                .set_name = test_slice(set_name),
                                .bins = bins};
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    enum base_result result = store_put(&cursor, &draft);
    store_release(&cursor);
    return result;
}

static bool get(struct store *store, const struct base_digest *digest)
{
    bool good = true;
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    if (cursor.record != NULL) {
        struct store_record record;
        store_record_decode(cursor.record, &record);
        const uint8_t *at = record.bins;
        struct store_bin bins[2];
        for (uint32_t i = 0; i < record.bin_count; i++) {
            store_bin_next(&at, &bins[i]);
        }
        good = memcmp(record.digest, digest->bytes, LIMIT_DIGEST_SIZE) == 0 &&
               (record.bin_count == 1 || memcmp(bins[0].value, bins[1].value, 8) == 0);
    }
    store_release(&cursor);
    return good;
}

static void take_out(struct store *store, const struct base_digest *digest)
{
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    store_remove(&cursor);
    store_release(&cursor);
}

static enum store_visit visit_remove_some(const struct store_record *record, void *arg)
{
    return record->digest[19] % 64 == *(const uint8_t *)arg ? STORE_VISIT_REMOVE : STORE_VISIT_KEEP;
}

static void scan(struct store *store, uint64_t random)
{
    uint8_t unlucky = (uint8_t)(random % 64);
    struct store_scan scan = {.partition = (uint32_t)(random >> 8) % PARTITIONS};
    while (!store_scan_step(store, &scan, 100, visit_remove_some, &unlucky)) {
    }
}

static void *work(void *arg)
{
    static const char *const set_names[] = {NULL, "a", "b", "c"};
    struct worker *worker = arg;
    struct store *store = worker->store;
    for (uint32_t round = 0; round < ROUNDS && worker->failed == NULL; round++) {
        uint64_t random = test_random(&worker->random);
        struct base_digest digest = digest_of((uint32_t)(random >> 32) % (RECORDS * PARTITIONS));
        store_prefetch(store, digest.bytes);
        switch (random % 16) {
        case 0:
        case 1:
            take_out(store, &digest);
            break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
            worker->failed = get(store, &digest) ? NULL : "a torn record";
            break;
        default:
            if (put(store, random, set_names[random >> 8 & 3], &digest) != RESULT_OK) {
                worker->failed = "a refused write";
            }
        }
        if (round % 1000 == 0) {
            scan(store, random);
            struct store_stats stats;
            store_stats_sum(store, &stats);
            store_truncate(store, store_set_find(store, test_slice("c")), random % 500);
        }
    }
    return NULL;
}

struct sums {
    uint64_t count;
    uint64_t size;
    uint64_t in_sets;
};

static enum store_visit visit_sum(const struct store_record *record, void *arg)
{
    struct sums *sums = arg;
    sums->count++;
    sums->size += record->size;
    sums->in_sets += record->set_name.size > 0;
    return STORE_VISIT_KEEP;
}

static void threads_on_few_partitions_leave_true_accounts(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = store, .random = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_null(workers[i].failed);
    }

    struct sums sums = {0};
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        assert_true(store_check(store, partition));
        struct store_scan scan = {.partition = partition};
        assert_true(store_scan_step(store, &scan, UINT32_MAX, visit_sum, &sums));
    }
    struct store_stats stats;
    store_stats_sum(store, &stats);
    assert_true(sums.count > RECORDS);
    assert_int_equal(stats.object_count, sums.count);
    assert_int_equal(stats.data_used_bytes, sums.size);
    uint64_t in_sets = 0;
    for (uint32_t i = 0; i < store_set_count(store); i++) {
        in_sets += store_set_at(store, i)->object_count;
    }
    assert_int_equal(in_sets, sums.in_sets);
    store_free(&store);
}

static void *ensure_all(void *arg)
{
    struct worker *worker = arg;
    for (uint32_t i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "set%u", i);
        struct store_set *set;
        if (store_set_ensure(worker->store, test_slice(name), &set) != RESULT_OK ||
            strcmp(set->name, name) != 0) {
            worker->failed = "a set that is not what was asked for";
        }
    }
    return NULL;
}

static void threads_that_name_the_same_sets_get_the_same_sets(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = store};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, ensure_all, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_null(workers[i].failed);
    }
    assert_int_equal(store_set_count(store), 500);
    store_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_on_few_partitions_leave_true_accounts),
        cmocka_unit_test(threads_that_name_the_same_sets_get_the_same_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
