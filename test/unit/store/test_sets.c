// SPDX-License-Identifier: Apache-2.0
// Sets: their names and numbers, their accounts, and the limit on how many there are.
#include "store_test.h"

static struct base_digest digest_of(uint32_t number)
{
    struct base_digest digest;
    uint64_t random = number;
    test_digest_random(&random, &digest);
    return digest;
}

static struct store *new_store(void)
{
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    return store;
}

static void assert_account(const struct store *store, const char *name, uint64_t object_count,
                           uint64_t data_bytes)
{
    const struct store_set *set = store_set_find(store, test_slice(name));
    assert_non_null(set);
    assert_int_equal(set->object_count, object_count);
    assert_int_equal(set->data_bytes, data_bytes);
}

// Size of a record that test_put writes.
static uint64_t record_size(const char *set_name, uint32_t value_size)
{
    return STORE_RECORD_HEADER_SIZE + 1 + strlen(set_name) + 1 + 2 + 1 +
           (value_size < 128 ? 1 : 2) + value_size;
}

static void a_set_is_found_by_its_name_and_keeps_its_number(void **state)
{
    (void)state;
    struct store *store = new_store();
    assert_null(store_set_find(store, test_slice("a")));
    struct store_set *a;
    struct store_set *b;
    struct store_set *again;
    assert_int_equal(store_set_ensure(store, test_slice("a"), &a), RESULT_OK);
    assert_int_equal(store_set_ensure(store, test_slice("b"), &b), RESULT_OK);
    assert_int_equal(store_set_ensure(store, test_slice("a"), &again), RESULT_OK);
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(store_set_find(store, test_slice("b")), b);
    assert_null(store_set_find(store, test_slice("ab")));
    assert_int_equal(store_set_count(store), 2);
    assert_ptr_equal(store_set_at(store, 0), a);
    assert_ptr_equal(store_set_at(store, 1), b);
    assert_string_equal(a->name, "a");
    store_free(&store);
}

static void an_empty_or_overlong_name_is_refused(void **state)
{
    (void)state;
    struct store *store = new_store();
    char name[LIMIT_SET_NAME_SIZE + 2];
    memset(name, 'x', sizeof name);
    struct store_set *set;
    struct base_slice slice = {(const uint8_t *)name, LIMIT_SET_NAME_SIZE + 1};
    assert_int_equal(store_set_ensure(store, slice, &set), RESULT_PARAMETER);
    assert_null(set);
    slice.size = 0;
    assert_int_equal(store_set_ensure(store, slice, &set), RESULT_PARAMETER);
    assert_null(store_set_find(store, slice));
    slice.size = LIMIT_SET_NAME_SIZE;
    assert_int_equal(store_set_ensure(store, slice, &set), RESULT_OK);
    assert_int_equal(strlen(set->name), LIMIT_SET_NAME_SIZE);
    store_free(&store);
}

static void past_the_limit_of_sets_known_sets_still_take_records(void **state)
{
    (void)state;
    struct store *store = new_store();
    char name[16];
    for (uint32_t i = 0; i < LIMIT_SETS_PER_NAMESPACE; i++) {
        snprintf(name, sizeof name, "set%u", i);
        struct store_set *set;
        assert_int_equal(store_set_ensure(store, test_slice(name), &set), RESULT_OK);
        assert_ptr_equal(store_set_at(store, i), set);
    }
    for (uint32_t i = 0; i < LIMIT_SETS_PER_NAMESPACE; i++) {
        snprintf(name, sizeof name, "set%u", i);
        assert_ptr_equal(store_set_find(store, test_slice(name)), store_set_at(store, i));
    }
    struct base_digest digest = digest_of(1);
    assert_int_equal(test_put(store, &digest, "one more", 1, 1, 1, 0), RESULT_LIMIT);
    assert_int_equal(test_get(store, &digest, 0), -1);
    assert_int_equal(test_put(store, &digest, "set4094", 1, 1, 1, 0), RESULT_OK);
    assert_int_equal(test_put(store, &digest, "one more", 2, 1, 1, 0), RESULT_LIMIT);
    assert_int_equal(test_get(store, &digest, 0), 1);
    assert_int_equal(store_set_count(store), LIMIT_SETS_PER_NAMESPACE);
    store_free(&store);
}

static void accounts_follow_writes_overwrites_moves_and_removals(void **state)
{
    (void)state;
    struct store *store = new_store();
    struct base_digest one = digest_of(1);
    struct base_digest two = digest_of(2);
    uint64_t small = record_size("s", 10);
    uint64_t big = record_size("s", 200);
    assert_int_equal(test_put(store, &one, "s", 1, 10, 1, 0), RESULT_OK);
    assert_account(store, "s", 1, small);
    assert_int_equal(test_put(store, &two, "s", 1, 200, 1, 0), RESULT_OK);
    assert_account(store, "s", 2, small + big);
    assert_int_equal(test_put(store, &two, "s", 2, 200, 1, 0), RESULT_OK); // same size
    assert_account(store, "s", 2, small + big);
    assert_int_equal(test_put(store, &two, "s", 2, 10, 1, 0), RESULT_OK); // smaller
    assert_account(store, "s", 2, 2 * small);
    assert_int_equal(test_put(store, &two, "t", 2, 10, 1, 0), RESULT_OK); // same size, other set
    assert_account(store, "s", 1, small);
    assert_account(store, "t", 1, small);
    assert_int_equal(test_put(store, &two, NULL, 2, 10, 1, 0), RESULT_OK); // no set
    assert_account(store, "t", 0, 0);
    assert_int_equal(store_data_used_bytes(store), small + record_size("", 10));
    test_remove(store, &one);
    test_remove(store, &one);
    assert_account(store, "s", 0, 0);
    test_remove(store, &two);
    struct store_stats stats;
    store_stats_sum(store, &stats);
    assert_int_equal(stats.object_count, 0);
    assert_int_equal(stats.data_used_bytes, 0);
    store_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_found_by_its_name_and_keeps_its_number),
        cmocka_unit_test(an_empty_or_overlong_name_is_refused),
        cmocka_unit_test(past_the_limit_of_sets_known_sets_still_take_records),
        cmocka_unit_test(accounts_follow_writes_overwrites_moves_and_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
