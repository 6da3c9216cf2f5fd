// SPDX-License-Identifier: Apache-2.0
// An engine that refuses memory at the n-th asking, for each n: a write that fails changes nothing,
// and nothing leaks.
#include "store_test.h"

enum { PARTITION = 7, NEVER = UINT32_MAX };

// Stands in front of the memory engine and counts down to the refusal. Used by one thread.
struct miser {
    struct store_engine engine; // first: the store sees only this
    struct store_engine *behind;
    uint32_t asks_left; // before one refusal
    uint32_t refused;
    int64_t taken; // blocks and records not given back
};

static bool miser_refuses(struct miser *miser)
{
    if (miser->asks_left == NEVER) {
        return false;
    }
    if (miser->asks_left-- == 0) {
        miser->asks_left = NEVER;
        miser->refused++;
        return true;
    }
    return false;
}

static enum base_result miser_record_put(struct store_engine *engine,
                                         const struct store_draft *draft, size_t size,
                                         uint8_t *before, uint8_t **head)
{
    struct miser *miser = (struct miser *)engine;
    *head = NULL;
    if (miser_refuses(miser)) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = miser->behind->record_put(miser->behind, draft, size, before, head);
    miser->taken += result == RESULT_OK && *head != before;
    return result;
}

static enum base_result miser_record_put_bytes(struct store_engine *engine, const uint8_t *bytes,
                                               uint8_t *before, uint8_t **head)
{
    struct miser *miser = (struct miser *)engine;
    *head = NULL;
    if (miser_refuses(miser)) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = miser->behind->record_put_bytes(miser->behind, bytes, before, head);
    miser->taken += result == RESULT_OK && *head != before;
    return result;
}

static void miser_record_drop(struct store_engine *engine, uint8_t *head)
{
    struct miser *miser = (struct miser *)engine;
    miser->taken--;
    miser->behind->record_drop(miser->behind, head);
}

static void *miser_block_take(struct store_engine *engine, size_t size)
{
    struct miser *miser = (struct miser *)engine;
    if (miser_refuses(miser)) {
        return NULL;
    }
    miser->taken++;
    return miser->behind->block_take(miser->behind, size);
}

static void miser_block_give(struct store_engine *engine, void *block, size_t size)
{
    struct miser *miser = (struct miser *)engine;
    miser->taken--;
    miser->behind->block_give(miser->behind, block, size);
}

static void miser_free(struct store_engine *engine)
{
    struct miser *miser = (struct miser *)engine;
    miser->behind->free(miser->behind);
    miser->behind = NULL;
}

static struct store *store_over_miser(struct miser *miser)
{
    *miser = (struct miser){
        .engine = {.record_put = miser_record_put,
                   .record_put_bytes = miser_record_put_bytes,
                   .record_drop = miser_record_drop,
                   .block_take = miser_block_take,
                   .block_give = miser_block_give,
                   .free = miser_free},
        .asks_left = NEVER,
    };
    assert_int_equal(store_engine_memory_new(&miser->behind), RESULT_OK);
    struct store *store;
    assert_int_equal(store_new_over(&miser->engine, &store), RESULT_OK);
    return store;
}

static void store_and_miser_end(struct store *store, struct miser *miser)
{
    store_free(&store);
    assert_null(store);
    assert_null(miser->behind);
    assert_int_equal(miser->taken, 0);
}

static void a_refused_new_record_leaves_nothing(void **state)
{
    (void)state;
    for (uint32_t n = 0;; n++) {
        struct miser miser;
        struct store *store = store_over_miser(&miser);
        struct base_digest digest = {{PARTITION, 0, 9}};
        miser.asks_left = n;
        enum base_result result = test_put(store, &digest, "set", 5, 10, 1, 0);
        if (miser.refused == 0) {
            assert_int_equal(result, RESULT_OK);
            assert_int_equal(n, 3); // the set, the record, the index block
            store_and_miser_end(store, &miser);
            return;
        }
        assert_int_equal(result, RESULT_NO_MEMORY);
        assert_int_equal(test_get(store, &digest, 0), -1);
        struct store_stats stats;
        store_stats_sum(store, &stats);
        assert_int_equal(stats.object_count, 0);
        assert_int_equal(stats.data_used_bytes, 0);
        assert_int_equal(stats.index_used_bytes, 0);
        assert_int_equal(test_put(store, &digest, "set", 5, 10, 1, 0), RESULT_OK);
        assert_int_equal(test_get(store, &digest, 0), 5);
        store_and_miser_end(store, &miser);
    }
}

static void a_refused_overwrite_keeps_the_old_record(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 2; n++) { // the new set, the record
        struct miser miser;
        struct store *store = store_over_miser(&miser);
        struct base_digest digest = {{PARTITION, 0, 9}};
        assert_int_equal(test_put(store, &digest, "before", 5, 10, 1, 0), RESULT_OK);
        miser.asks_left = n;
        assert_int_equal(test_put(store, &digest, "after", 6, 20, 1, 0), RESULT_NO_MEMORY);
        assert_int_equal(test_get(store, &digest, 0), 5);
        struct store_set *before = store_set_find(store, test_slice("before"));
        assert_int_equal(before->object_count, 1);
        assert_int_equal(before->data_bytes, store_data_used_bytes(store));
        store_and_miser_end(store, &miser);
    }
}

static void refused_bytes_and_tombstones_keep_content_and_sum(void **state)
{
    (void)state;
    struct miser miser;
    struct store *store = store_over_miser(&miser);
    struct base_digest digest = {{PARTITION, 0, 9}};
    struct base_digest foreign = {{PARTITION, 0, 8}};
    assert_int_equal(test_put(store, &digest, "s", 5, 10, 1, 0), RESULT_OK);
    struct store_summary before;
    store_partition_summary(store, PARTITION, &before);

    struct store_draft tombstone = {.digest = digest.bytes,
                                    .last_update_ms = 2,
                                    .generation = 2,
                                    .tombstone = true,
                                    .set_name = test_slice("s")};
    uint8_t bytes[64];
    struct store_draft draft = tombstone;
    draft.digest = foreign.bytes;
    draft.set_name = test_slice("t");
    store_record_encode(&draft, bytes);
    struct store_cursor cursor;
    for (uint32_t n = 0; n < 3; n++) { // a set, the record; the index has room
        miser.refused = 0;
        miser.asks_left = n;
        store_acquire(store, foreign.bytes, 0, &cursor);
        enum base_result result = store_put_bytes(&cursor, bytes);
        store_release(&cursor);
        assert_int_equal(result, miser.refused ? RESULT_NO_MEMORY : RESULT_OK);
        assert_int_equal(miser.refused, n < 2);
        if (n < 2) {
            struct store_summary after;
            store_partition_summary(store, PARTITION, &after);
            assert_int_equal(after.sum, before.sum);
            assert_int_equal(after.tombstone_count, 0);
        }
    }
    miser.asks_left = 0;
    store_acquire(store, digest.bytes, 0, &cursor);
    assert_int_equal(store_put(&cursor, &tombstone), RESULT_NO_MEMORY);
    assert_non_null(cursor.record);
    store_release(&cursor);
    assert_int_equal(test_get(store, &digest, 0), 5);
    assert_true(store_check(store, PARTITION));
    store_and_miser_end(store, &miser);
}

// Refuses, at random, one of the first `ask_count` asks of each write while a partition grows past
// several splits and shrinks again.
static void run_with_refusals(uint32_t count, uint32_t ask_count)
{
    struct miser miser;
    struct store *store = store_over_miser(&miser);
    struct base_digest *digests = calloc(count, sizeof *digests);
    assert_non_null(digests);
    uint64_t random = ask_count;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++) {
        test_digest_random(&random, &digests[i]);
        test_digest_partition_set(&digests[i], PARTITION);
        for (;;) {
            miser.asks_left = (uint32_t)(test_random(&random) % ask_count);
            enum base_result result = test_put(store, &digests[i], NULL, (uint8_t)i, 1, 1, 0);
            miser.asks_left = NEVER;
            if (result == RESULT_OK) {
                break;
            }
            assert_int_equal(result, RESULT_NO_MEMORY);
            assert_int_equal(test_get(store, &digests[i], 0), -1);
            assert_int_equal(store_object_count(store, PARTITION), i);
            failed++;
        }
    }
    assert_true(failed > count / ask_count / 4);
    assert_true(store_check(store, PARTITION));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(test_get(store, &digests[i], 0), (uint8_t)i);
    }
    for (uint32_t i = 0; i < count; i++) {
        miser.asks_left = (uint32_t)(test_random(&random) % 2);
        test_remove(store, &digests[i]); // never fails: it can do without smaller blocks
    }
    assert_int_equal(store_object_count(store, PARTITION), 0);
    free(digests);
    store_and_miser_end(store, &miser);
}

static void refusals_at_any_ask_leave_the_index_whole(void **state)
{
    (void)state;
    run_with_refusals(3000, 3);
    run_with_refusals(20000, 7);
}

// At a split several blocks are asked for in one write: refuse each of them once.
static void each_refusal_within_a_split_leaves_the_index_whole(void **state)
{
    (void)state;
    struct miser miser;
    struct store *store = store_over_miser(&miser);
    uint64_t random = 11;
    uint32_t most_refused = 0;
    for (uint32_t i = 0; i < 16000; i++) {
        struct base_digest digest;
        test_digest_random(&random, &digest);
        test_digest_partition_set(&digest, PARTITION);
        uint32_t refused = 0;
        for (;; refused++) {
            miser.refused = 0;
            miser.asks_left = refused;
            enum base_result result = test_put(store, &digest, NULL, 1, 1, 1, 0);
            miser.asks_left = NEVER;
            if (miser.refused == 0) {
                assert_int_equal(result, RESULT_OK);
                break;
            }
            assert_int_equal(result, RESULT_NO_MEMORY);
        }
        if (refused > 2) {
            assert_true(store_check(store, PARTITION));
        }
        most_refused = refused > most_refused ? refused : most_refused;
    }
    assert_int_equal(most_refused, 3); // the record and both halves
    assert_int_equal(store_object_count(store, PARTITION), 16000);
    assert_true(store_check(store, PARTITION));
    store_and_miser_end(store, &miser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_new_record_leaves_nothing),
        cmocka_unit_test(a_refused_overwrite_keeps_the_old_record),
        cmocka_unit_test(refused_bytes_and_tombstones_keep_content_and_sum),
        cmocka_unit_test(refusals_at_any_ask_leave_the_index_whole),
        cmocka_unit_test(each_refusal_within_a_split_leaves_the_index_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
