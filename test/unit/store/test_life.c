// SPDX-License-Identifier: Apache-2.0
// The life of records: what one cursor may do in a row, what makes a record dead, what becomes of
// dead ones, and what a scan's visitor may ask for.
#include "store_test.h"

enum { PARTITION = 0xabc };

static struct base_digest digest_of(uint32_t number)
{
    struct base_digest digest;
    uint64_t random = number;
    test_digest_random(&random, &digest);
    test_digest_partition_set(&digest, PARTITION);
    return digest;
}

static struct store *new_store(void)
{
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    return store;
}

static void one_cursor_writes_removes_and_writes_again(void **state)
{
    (void)state;
    struct store *store = new_store();
    for (uint32_t neighbours = 0; neighbours < 60; neighbours++) {
        struct base_digest digest = digest_of(1000 + neighbours);
        struct store_bin bin = {.name = digest.bytes, .name_size = 1};
        struct store_draft draft = {
            .digest = digest.bytes, .last_update_ms = 1, .bin_count = 1, .bins = &bin};
        struct store_cursor cursor;
        store_acquire(store, digest.bytes, 0, &cursor);
        assert_null(cursor.record);
        store_remove(&cursor);
        for (uint16_t round = 1; round < 4; round++) {
            draft.generation = round;
            assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
            draft.generation = 100;
            assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
            struct store_record record;
            store_record_decode(cursor.record, &record);
            assert_int_equal(record.generation, 100);
            store_remove(&cursor);
            assert_null(cursor.record);
            store_remove(&cursor);
        }
        assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
        store_release(&cursor);
        assert_int_equal(store_object_count(store, PARTITION), neighbours + 1);
        assert_true(store_check(store, PARTITION));
    }
    store_free(&store);
}

static void a_draft_may_take_its_bins_from_the_old_record(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest digest = digest_of(1);
    assert_int_equal(test_put(store, &digest, "s", 77, 500, 1, 0), RESULT_OK);
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 0, &cursor);
    for (uint32_t round = 0; round < 3; round++) {
        struct store_record record;
        store_record_decode(cursor.record, &record);
        struct store_bin bins[2];
        const uint8_t *at = record.bins;
        store_bin_next(&at, &bins[0]);
        bins[1] = bins[0];
        bins[1].name = record.digest;
        bins[1].name_size = 2;
        struct store_draft draft = {.digest = record.digest,
                                    .last_update_ms = 2,
                                    .set_name = record.set_name,
                                    .bin_count = 2,
                                    .bins = bins};
        assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    }
    store_release(&cursor);
    assert_int_equal(test_get(store, &digest, 0), 77);
    assert_true(store_check(store, PARTITION));
    store_free(&store);
}

static void a_record_past_the_biggest_size_is_refused(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest digest = digest_of(1);
    assert_int_equal(test_put(store, &digest, NULL, 1, 1, 1, 0), RESULT_OK);
    uint8_t *value = calloc(1, LIMIT_RECORD_SIZE_MAX);
    assert_non_null(value);
    struct store_bin bin = {
        .name = digest.bytes, .name_size = 1, .value = value, .value_size = LIMIT_RECORD_SIZE_MAX};
    struct store_draft draft = {
        .digest = digest.bytes, .last_update_ms = 1, .bin_count = 1, .bins = &bin};
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 0, &cursor);
    assert_int_equal(store_put(&cursor, &draft), RESULT_RECORD_TOO_BIG);
    assert_non_null(cursor.record);
    store_release(&cursor);
    assert_int_equal(test_get(store, &digest, 0), 1);
    free(value);
    store_free(&store);
}

static void an_expired_record_is_not_found_and_makes_way(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest digest = digest_of(1);
    assert_int_equal(test_put(store, &digest, "s", 1, 10, 1, 100), RESULT_OK);
    assert_int_equal(test_get(store, &digest, 99), 1);
    assert_int_equal(test_get(store, &digest, 100), -1);
    assert_int_equal(store_object_count(store, PARTITION), 1);

    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 100, &cursor);
    assert_null(cursor.record);
    struct store_bin bin = {.name = digest.bytes, .name_size = 1};
    struct store_draft draft = {
        .digest = digest.bytes, .last_update_ms = 2, .bin_count = 1, .bins = &bin};
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    assert_non_null(cursor.record);
    store_release(&cursor);
    assert_int_equal(store_object_count(store, PARTITION), 1);
    assert_int_equal(store_set_find(store, test_slice("s"))->object_count, 0);
    assert_int_equal(store_data_used_bytes(store), store_draft_size(&draft));
    store_free(&store);
}

static void a_dead_record_can_be_removed(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest digest = digest_of(1);
    assert_int_equal(test_put(store, &digest, "s", 1, 10, 1, 100), RESULT_OK);
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 200, &cursor);
    assert_null(cursor.record);
    store_remove(&cursor);
    store_release(&cursor);
    assert_int_equal(store_object_count(store, PARTITION), 0);
    assert_int_equal(store_data_used_bytes(store), 0);
    store_free(&store);
}

static void truncating_a_set_hides_what_was_updated_before(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest old = digest_of(1);
    struct base_digest new = digest_of(2);
    struct base_digest other = digest_of(3);
    struct base_digest none = digest_of(4);
    assert_int_equal(test_put(store, &old, "s", 1, 1, 999, 0), RESULT_OK);
    assert_int_equal(test_put(store, &new, "s", 2, 1, 1000, 0), RESULT_OK);
    assert_int_equal(test_put(store, &other, "t", 3, 1, 1, 0), RESULT_OK);
    assert_int_equal(test_put(store, &none, NULL, 4, 1, 1, 0), RESULT_OK);
    struct store_set *set = store_set_find(store, test_slice("s"));
    assert_int_equal(store_truncate_floor_ms(store, set), 0);
    store_truncate(store, set, 1000);
    store_truncate(store, set, 500); // only forward
    assert_int_equal(store_truncate_floor_ms(store, set), 1000);
    assert_int_equal(store_truncate_floor_ms(store, NULL), 0);
    assert_int_equal(test_get(store, &old, 0), -1);
    assert_int_equal(test_get(store, &new, 0), 2);
    assert_int_equal(test_get(store, &other, 0), 3);
    assert_int_equal(test_get(store, &none, 0), 4);
    assert_int_equal(test_put(store, &old, "s", 5, 1, 1000, 0), RESULT_OK);
    assert_int_equal(test_get(store, &old, 0), 5);
    store_free(&store);
}

static void truncating_the_namespace_hides_records_of_all_sets_and_none(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest in_set = digest_of(1);
    struct base_digest none = digest_of(2);
    struct base_digest later = digest_of(3);
    assert_int_equal(test_put(store, &in_set, "s", 1, 1, 999, 0), RESULT_OK);
    assert_int_equal(test_put(store, &none, NULL, 2, 1, 999, 0), RESULT_OK);
    assert_int_equal(test_put(store, &later, "s", 3, 1, 1001, 0), RESULT_OK);
    store_truncate(store, NULL, 1000);
    store_truncate(store, NULL, 1);
    struct store_set *set = store_set_find(store, test_slice("s"));
    assert_int_equal(store_truncate_floor_ms(store, NULL), 1000);
    assert_int_equal(store_truncate_floor_ms(store, set), 1000);
    store_truncate(store, set, 1001);
    assert_int_equal(store_truncate_floor_ms(store, set), 1001);
    assert_int_equal(test_get(store, &in_set, 0), -1);
    assert_int_equal(test_get(store, &none, 0), -1);
    assert_int_equal(test_get(store, &later, 0), 3);
    store_free(&store);
}

// What a visitor saw and what it answers.
struct visit {
    const struct store *store;
    uint32_t now_s;
    uint32_t seen;
    uint32_t removed;
    uint32_t stop_at; // seen so far when it says stop; 0: never
    struct base_digest last;
};

static enum store_visit visit_remove_dead(const struct store_record *record, void *arg)
{
    struct visit *visit = arg;
    visit->seen++;
    if (store_record_is_dead(visit->store, record, visit->now_s)) {
        visit->removed++;
        return STORE_VISIT_REMOVE;
    }
    return STORE_VISIT_KEEP;
}

static void a_scan_sees_the_dead_and_can_remove_them(void **state)
{
    (void)state;
    struct store *store = new_store();
    enum { COUNT = 20000 };
    for (uint32_t i = 0; i < COUNT; i++) {
        struct base_digest digest = digest_of(i);
        uint32_t void_time_s = i % 10 == 0 ? 0 : 1 + i % 50;
        assert_int_equal(test_put(store, &digest, "s", (uint8_t)i, 1, 1, void_time_s), RESULT_OK);
    }
    for (uint32_t now_s = 25; now_s <= 50; now_s += 25) {
        uint64_t before = store_object_count(store, PARTITION);
        struct visit visit = {.store = store, .now_s = now_s};
        struct store_scan scan = {.partition = PARTITION};
        while (!store_scan_step(store, &scan, 100, visit_remove_dead, &visit)) {
        }
        assert_int_equal(visit.seen, before);
        assert_int_equal(store_object_count(store, PARTITION), before - visit.removed);
        assert_true(store_check(store, PARTITION));
    }
    assert_int_equal(store_object_count(store, PARTITION), COUNT / 10);
    assert_int_equal(store_set_find(store, test_slice("s"))->object_count, COUNT / 10);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct base_digest digest = digest_of(i);
        assert_int_equal(test_get(store, &digest, 0), i % 10 == 0 ? (uint8_t)i : -1);
    }
    store_free(&store);
}

static enum store_visit visit_stop(const struct store_record *record, void *arg)
{
    struct visit *visit = arg;
    if (visit->seen == visit->stop_at) {
        return STORE_VISIT_STOP;
    }
    visit->seen++;
    memcpy(visit->last.bytes, record->digest, LIMIT_DIGEST_SIZE);
    return STORE_VISIT_KEEP;
}

static void a_stopped_scan_goes_on_with_the_same_record(void **state)
{
    (void)state;
    struct store *store = new_store();
    enum { COUNT = 500 };
    for (uint32_t i = 0; i < COUNT; i++) {
        struct base_digest digest = digest_of(i);
        assert_int_equal(test_put(store, &digest, NULL, 1, 1, 1, 0), RESULT_OK);
    }
    struct visit visit = {.store = store};
    struct store_scan scan = {.partition = PARTITION};
    assert_false(store_scan_step(store, &scan, 1000, visit_stop, &visit)); // before the first
    assert_false(scan.after_set);
    struct base_digest before = {{0}};
    for (visit.stop_at = 1; visit.stop_at < COUNT; visit.stop_at++) {
        assert_false(store_scan_step(store, &scan, 1000, visit_stop, &visit));
        assert_int_equal(visit.seen, visit.stop_at);
        assert_true(visit.seen == 1 || test_digest_compare(&before, &visit.last) < 0);
        before = visit.last;
    }
    visit.stop_at = 0;
    assert_true(store_scan_step(store, &scan, 1000, visit_stop, &visit));
    assert_int_equal(visit.seen, COUNT);
    store_free(&store);
}

static void an_empty_partition_is_scanned_at_once(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct visit visit = {.store = store};
    struct store_scan scan = {.partition = PARTITION};
    assert_true(store_scan_step(store, &scan, 1, visit_stop, &visit));
    struct base_digest digest = digest_of(1);
    store_prefetch(store, digest.bytes);
    assert_true(store_check(store, PARTITION));
    store_free(&store);
    store_free(&store); // NULL by now
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cursor_writes_removes_and_writes_again),
        cmocka_unit_test(a_draft_may_take_its_bins_from_the_old_record),
        cmocka_unit_test(a_record_past_the_biggest_size_is_refused),
        cmocka_unit_test(an_expired_record_is_not_found_and_makes_way),
        cmocka_unit_test(a_dead_record_can_be_removed),
        cmocka_unit_test(truncating_a_set_hides_what_was_updated_before),
        cmocka_unit_test(truncating_the_namespace_hides_records_of_all_sets_and_none),
        cmocka_unit_test(a_scan_sees_the_dead_and_can_remove_them),
        cmocka_unit_test(a_stopped_scan_goes_on_with_the_same_record),
        cmocka_unit_test(an_empty_partition_is_scanned_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
