// SPDX-License-Identifier: Apache-2.0
// What a partition holds, as other nodes see it: tombstones, records that came as bytes, sums that
// tell equal content from unequal, and clearing.
#include "store_test.h"

enum { PARTITION = 0x6c1, KEYS = 300 };

static struct base_digest digest_at(uint32_t number)
{
    uint64_t random = number;
    struct base_digest digest;
    test_digest_random(&random, &digest);
    test_digest_partition_set(&digest, PARTITION);
    return digest;
}

static enum base_result put_tombstone(struct store *store, const struct base_digest *digest,
                                      const char *set_name, uint64_t last_update_ms)
{
    struct store_draft draft = {.digest = digest->bytes,
                                .last_update_ms = last_update_ms,
                                .generation = 2,
                                .tombstone = true,
                                .set_name = test_slice(set_name)};
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    enum base_result result = store_put(&cursor, &draft);
    if (result == RESULT_OK) {
        assert_null(cursor.record);
        assert_true(store_record_is_tombstone(cursor.stored));
    }
    store_release(&cursor);
    return result;
}

// The bytes that stand under a digest, in new memory; NULL: none.
static uint8_t *stored_copy(struct store *store, const struct base_digest *digest)
{
    uint8_t *copy = NULL;
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    if (cursor.stored != NULL) {
        copy = malloc(store_record_size(cursor.stored));
        assert_non_null(copy);
        memcpy(copy, cursor.stored, store_record_size(cursor.stored));
    }
    store_release(&cursor);
    return copy;
}

static enum base_result put_bytes(struct store *store, const uint8_t *bytes)
{
    struct store_cursor cursor;
    store_acquire(store, bytes + STORE_RECORD_DIGEST_AT, 0, &cursor);
    enum base_result result = store_put_bytes(&cursor, bytes);
    if (result == RESULT_OK) {
        assert_memory_equal(cursor.stored, bytes, store_record_size(bytes));
        assert_ptr_equal(cursor.record, store_record_is_tombstone(bytes) ? NULL : cursor.stored);
    }
    store_release(&cursor);
    return result;
}

static struct store_summary summary_of(struct store *store)
{
    struct store_summary summary;
    store_partition_summary(store, PARTITION, &summary);
    return summary;
}

static void assert_same_content(struct store *a, struct store *b)
{
    struct store_summary of_a = summary_of(a);
    struct store_summary of_b = summary_of(b);
    assert_int_equal(of_a.sum, of_b.sum);
    assert_int_equal(of_a.record_count, of_b.record_count);
    assert_int_equal(of_a.tombstone_count, of_b.tombstone_count);
}

static void assert_counts(struct store *store, uint32_t objects, uint32_t tombstones)
{
    assert_true(store_check(store, PARTITION));
    struct store_summary summary = summary_of(store);
    assert_int_equal(summary.record_count, objects + tombstones);
    assert_int_equal(summary.tombstone_count, tombstones);
    assert_int_equal(store_object_count(store, PARTITION), objects);
    assert_int_equal(store_tombstone_count(store, PARTITION), tombstones);
    struct store_stats stats;
    store_stats_sum(store, &stats);
    assert_int_equal(stats.object_count, objects);
    assert_int_equal(stats.tombstone_count, tombstones);
}

static void a_tombstone_is_kept_but_counts_and_shows_as_no_record(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct base_digest digest = digest_at(1);
    assert_int_equal(test_put(store, &digest, "s", 7, 10, 1, 0), RESULT_OK);
    const struct store_set *set = store_set_find(store, test_slice("s"));
    assert_counts(store, 1, 0);

    assert_int_equal(put_tombstone(store, &digest, "s", 2), RESULT_OK);
    assert_int_equal(test_get(store, &digest, 0), -1);
    assert_counts(store, 0, 1);
    assert_int_equal(set->object_count, 0);
    assert_int_equal(set->tombstone_count, 1);
    assert_int_equal(set->data_bytes, STORE_RECORD_HEADER_SIZE + 3);
    assert_int_equal(store_data_used_bytes(store), STORE_RECORD_HEADER_SIZE + 3);

    assert_int_equal(test_put(store, &digest, "s", 8, 10, 3, 0), RESULT_OK);
    assert_int_equal(test_get(store, &digest, 0), 8);
    assert_counts(store, 1, 0);
    assert_int_equal(set->object_count, 1);
    assert_int_equal(set->tombstone_count, 0);

    assert_int_equal(put_tombstone(store, &digest, "other", 4), RESULT_OK);
    assert_int_equal(set->object_count, 0);
    assert_int_equal(store_set_find(store, test_slice("other"))->tombstone_count, 1);
    assert_int_equal(set->data_bytes, 0);
    test_remove(store, &digest);
    assert_counts(store, 0, 0);
    assert_int_equal(summary_of(store).sum, 0);
    assert_int_equal(store_data_used_bytes(store), 0);
    store_free(&store);
}

static void a_tombstone_of_the_same_size_goes_over_a_record_and_back(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct base_digest digest = digest_at(1);
    // "b" with one byte takes five bytes more than no bins; a key of four bytes does too.
    assert_int_equal(test_put(store, &digest, "s", 7, 1, 1, 0), RESULT_OK);
    uint8_t *record = stored_copy(store, &digest);
    struct store_draft draft = {.digest = digest.bytes,
                                .last_update_ms = 2,
                                .generation = 2,
                                .tombstone = true,
                                .set_name = test_slice("s"),
                                .key = {(const uint8_t *)"\3key", 4}};
    assert_int_equal(store_draft_size(&draft), store_record_size(record));
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 0, &cursor);
    const uint8_t *place = cursor.stored;
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    assert_ptr_equal(cursor.stored, place);
    assert_null(cursor.record);
    store_release(&cursor);
    assert_counts(store, 0, 1);
    assert_int_equal(store_set_find(store, test_slice("s"))->object_count, 0);

    assert_int_equal(put_bytes(store, record), RESULT_OK);
    assert_counts(store, 1, 0);
    assert_int_equal(store_set_find(store, test_slice("s"))->object_count, 1);
    free(record);
    store_free(&store);
}

static void dead_records_and_tombstones_are_told_from_absent_ones(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct base_digest expired = digest_at(1), deleted = digest_at(2), absent = digest_at(3);
    assert_int_equal(test_put(store, &expired, NULL, 7, 1, 50, 100), RESULT_OK);
    assert_int_equal(put_tombstone(store, &deleted, NULL, 50), RESULT_OK);
    const struct base_digest *digests[] = {&expired, &deleted, &absent};
    for (uint32_t i = 0; i < 3; i++) {
        struct store_cursor cursor;
        store_acquire(store, digests[i]->bytes, 100, &cursor);
        assert_null(cursor.record);
        assert_int_equal(cursor.stored != NULL, i < 2);
        struct store_record record;
        if (cursor.stored != NULL) {
            store_record_decode(cursor.stored, &record);
            assert_true(store_record_is_dead(store, &record, 100));
            assert_int_equal(store_record_is_dead(store, &record, 99), record.tombstone);
            assert_false(store_record_is_truncated(store, &record));
        }
        store_release(&cursor);
        assert_null(cursor.stored);
    }
    store_truncate(store, NULL, 51);
    struct store_cursor cursor;
    struct store_record record;
    store_acquire(store, deleted.bytes, 100, &cursor);
    store_record_decode(cursor.stored, &record);
    assert_true(store_record_is_truncated(store, &record));
    store_release(&cursor);
    store_free(&store);
}

// Puts one of two versions of a key, a tombstone, or nothing there.
static void history_step(struct store *store, uint32_t number, uint32_t what)
{
    struct base_digest digest = digest_at(number);
    const char *set_name = number % 3 == 0 ? "s" : NULL;
    if (what == 0) {
        test_remove(store, &digest);
    } else if (what == 1) {
        assert_int_equal(put_tombstone(store, &digest, set_name, 1000 + number), RESULT_OK);
    } else {
        assert_int_equal(test_put(store, &digest, set_name, (uint8_t)what, 1 + number % 5,
                                  1000 + number, number % 2 * 50),
                         RESULT_OK);
    }
}

static void equal_content_has_equal_sums_whatever_came_before(void **state)
{
    (void)state;
    uint64_t random = 9;
    for (uint32_t round = 0; round < 20; round++) {
        struct store *a, *b;
        assert_int_equal(store_new(&a), RESULT_OK);
        assert_int_equal(store_new(&b), RESULT_OK);
        for (uint32_t i = 0; i < 5 * KEYS; i++) {
            history_step(a, (uint32_t)(test_random(&random) % KEYS),
                         (uint32_t)(test_random(&random) % 4));
            history_step(b, (uint32_t)(test_random(&random) % KEYS),
                         (uint32_t)(test_random(&random) % 4));
        }
        assert_true(summary_of(a).sum != summary_of(b).sum);
        // The second one ends like the first, key by key in another order, some of them as bytes.
        for (uint32_t i = 0; i < KEYS; i++) {
            uint32_t number = (i * 7 + round) % KEYS;
            struct base_digest digest = digest_at(number);
            uint8_t *bytes = stored_copy(a, &digest);
            if (bytes == NULL) {
                test_remove(b, &digest);
            } else {
                assert_int_equal(put_bytes(b, bytes), RESULT_OK);
            }
            free(bytes);
        }
        assert_same_content(a, b);
        assert_true(store_check(a, PARTITION));
        assert_true(store_check(b, PARTITION));
        const struct store_set *set_a = store_set_find(a, test_slice("s"));
        const struct store_set *set_b = store_set_find(b, test_slice("s"));
        assert_int_equal(set_a->object_count, set_b->object_count);
        assert_int_equal(set_a->tombstone_count, set_b->tombstone_count);
        assert_int_equal(set_a->data_bytes, set_b->data_bytes);
        assert_int_equal(store_data_used_bytes(a), store_data_used_bytes(b));
        store_free(&a);
        store_free(&b);
    }
}

static void each_single_difference_gives_another_sum(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        history_step(store, i, 2);
    }
    uint64_t sum = summary_of(store).sum;
    for (uint32_t i = 0; i < KEYS; i++) {
        for (uint32_t what = 0; what < 4; what++) {
            history_step(store, i, what);
            assert_int_equal(summary_of(store).sum == sum, what == 2);
        }
        history_step(store, i, 2);
        assert_int_equal(summary_of(store).sum, sum);
    }
    store_free(&store);
}

static void two_records_that_swap_their_content_give_another_sum(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct base_digest a = digest_at(1), b = digest_at(2);
    assert_int_equal(test_put(store, &a, NULL, 1, 8, 1, 0), RESULT_OK);
    assert_int_equal(test_put(store, &b, NULL, 2, 8, 1, 0), RESULT_OK);
    uint64_t sum = summary_of(store).sum;
    assert_int_equal(test_put(store, &a, NULL, 2, 8, 1, 0), RESULT_OK);
    assert_int_equal(test_put(store, &b, NULL, 1, 8, 1, 0), RESULT_OK);
    assert_true(summary_of(store).sum != sum);
    store_free(&store);
}

static void bytes_of_an_overlong_set_table_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct store *other;
    assert_int_equal(store_new(&other), RESULT_OK);
    struct base_digest digest = digest_at(1);
    assert_int_equal(test_put(other, &digest, "foreign", 9, 4, 1, 0), RESULT_OK);
    uint8_t *bytes = stored_copy(other, &digest);
    assert_int_equal(test_put(store, &digest, NULL, 5, 4, 1, 0), RESULT_OK);
    uint64_t sum = summary_of(store).sum;
    for (uint32_t i = 0; i < LIMIT_SETS_PER_NAMESPACE; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", (unsigned)i);
        struct store_set *set;
        assert_int_equal(store_set_ensure(store, test_slice(name), &set), RESULT_OK);
    }
    assert_int_equal(put_bytes(store, bytes), RESULT_LIMIT);
    assert_int_equal(test_get(store, &digest, 0), 5);
    assert_int_equal(summary_of(store).sum, sum);
    free(bytes);
    store_free(&other);
    store_free(&store);
}

static void a_partition_is_cleared_in_steps_and_its_neighbours_are_not(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        history_step(store, i, 1 + i % 3);
    }
    struct base_digest neighbour = digest_at(1);
    test_digest_partition_set(&neighbour, PARTITION + 1);
    assert_int_equal(test_put(store, &neighbour, "s", 1, 1, 1, 0), RESULT_OK);
    *store_partition_word(store, PARTITION) = 77;
    uint32_t steps = 0;
    while (!store_partition_clear_step(store, PARTITION, 64)) {
        steps++;
        assert_true(store_check(store, PARTITION));
        assert_int_equal(summary_of(store).record_count, KEYS - steps * 64);
    }
    assert_int_equal(steps, KEYS / 64);
    struct store_summary summary = summary_of(store);
    assert_int_equal(summary.record_count, 0);
    assert_int_equal(summary.tombstone_count, 0);
    assert_int_equal(summary.sum, 0);
    assert_true(store_partition_clear_step(store, PARTITION, 1));
    assert_int_equal(test_get(store, &neighbour, 0), 1);
    assert_int_equal(store_set_find(store, test_slice("s"))->object_count, 1);
    assert_int_equal(*store_partition_word(store, PARTITION), 77);
    store_free(&store);
}

static void each_partition_keeps_a_word_of_its_own(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        store_partition_lock(store, p);
        assert_int_equal(*store_partition_word(store, p), 0);
        *store_partition_word(store, p) = p ^ 0xdeadbeef;
        store_partition_unlock(store, p);
    }
    struct base_digest digest = digest_at(1);
    assert_int_equal(test_put(store, &digest, NULL, 1, 1, 1, 0), RESULT_OK);
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 0, &cursor);
    assert_int_equal(*store_partition_word(store, cursor.partition), PARTITION ^ 0xdeadbeef);
    store_release(&cursor);
    test_remove(store, &digest);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_equal(*store_partition_word(store, p), p ^ 0xdeadbeef);
    }
    store_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tombstone_is_kept_but_counts_and_shows_as_no_record),
        cmocka_unit_test(a_tombstone_of_the_same_size_goes_over_a_record_and_back),
        cmocka_unit_test(dead_records_and_tombstones_are_told_from_absent_ones),
        cmocka_unit_test(equal_content_has_equal_sums_whatever_came_before),
        cmocka_unit_test(each_single_difference_gives_another_sum),
        cmocka_unit_test(two_records_that_swap_their_content_give_another_sum),
        cmocka_unit_test(bytes_of_an_overlong_set_table_are_refused_and_change_nothing),
        cmocka_unit_test(a_partition_is_cleared_in_steps_and_its_neighbours_are_not),
        cmocka_unit_test(each_partition_keeps_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
