// SPDX-License-Identifier: Apache-2.0
// The store through its public face: a plain sorted array runs beside it, and both must agree.
#include "store_test.h"

enum { PARTITION = 0x3a5 };

// The model: digests in order, each with its fill byte.
struct model_record {
    struct base_digest digest;
    uint8_t fill;
};

struct model {
    struct model_record *records;
    uint32_t count;
};

static uint32_t model_place(const struct model *model, const struct base_digest *digest,
                            bool *found)
{
    uint32_t low = 0;
    uint32_t high = model->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (test_digest_compare(&model->records[middle].digest, digest) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < model->count && test_digest_compare(&model->records[low].digest, digest) == 0;
    return low;
}

static void model_put(struct model *model, const struct base_digest *digest, uint8_t fill)
{
    bool found;
    uint32_t at = model_place(model, digest, &found);
    struct model_record *record = &model->records[at];
    if (!found) {
        memmove(record + 1, record, (model->count - at) * sizeof *record);
        record->digest = *digest;
        model->count++;
    }
    record->fill = fill;
}

static void model_remove(struct model *model, uint32_t at)
{
    model->count--;
    memmove(&model->records[at], &model->records[at + 1],
            (model->count - at) * sizeof model->records[0]);
}

// How digests are made: all in one partition, and more or less alike.
enum shape { UNIFORM, FEW_TAGS, ONE_TAG, LAST_TAG, ONE_PREFIX, SHAPES };

static void digest_make(uint64_t *random, enum shape shape, struct base_digest *out)
{
    test_digest_random(random, out);
    test_digest_partition_set(out, PARTITION);
    switch (shape) {
    case FEW_TAGS:
        out->bytes[2] &= 0xc0;
        out->bytes[3] = 0;
        break;
    case ONE_TAG:
        memset(out->bytes + 2, 0x5b, 2);
        break;
    case LAST_TAG:
        memset(out->bytes + 2, 0xff, 4);
        break;
    case ONE_PREFIX:
        memset(out->bytes + 2, 0x80, 16);
        break;
    default:
        break;
    }
}

struct walk {
    const struct model *model;
    uint32_t at;
};

static enum store_visit visit_compare(const struct store_record *record, void *arg)
{
    struct walk *walk = arg;
    assert_true(walk->at < walk->model->count);
    const struct model_record *expected = &walk->model->records[walk->at++];
    assert_memory_equal(record->digest, expected->digest.bytes, LIMIT_DIGEST_SIZE);
    return STORE_VISIT_KEEP;
}

// Walks the partition in steps of `step` from behind `after`, and compares.
static void compare_from(struct store *store, const struct model *model,
                         const struct base_digest *after, uint32_t step)
{
    struct store_scan scan = {.partition = PARTITION};
    struct walk walk = {.model = model};
    if (after != NULL) {
        bool found;
        walk.at = model_place(model, after, &found);
        walk.at += found;
        scan.after_set = true;
        memcpy(scan.after, after->bytes, LIMIT_DIGEST_SIZE);
    }
    uint32_t expected = walk.at;
    for (bool at_end = false; !at_end;) {
        at_end = store_scan_step(store, &scan, step, visit_compare, &walk);
        expected += at_end ? walk.at - expected : step;
        assert_int_equal(walk.at, expected);
    }
    assert_int_equal(walk.at, model->count);
}

static void compare_all(struct store *store, const struct model *model, uint64_t *random,
                        enum shape shape)
{
    assert_true(store_check(store, PARTITION));
    assert_int_equal(store_object_count(store, PARTITION), model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        assert_int_equal(test_get(store, &model->records[i].digest, 0), model->records[i].fill);
    }
    compare_from(store, model, NULL, 1 + model->count / 7);
    struct base_digest digest;
    digest_make(random, shape, &digest);
    compare_from(store, model, &digest, 1000);
    if (model->count > 0) {
        digest = model->records[test_random(random) % model->count].digest;
        compare_from(store, model, &digest, 1000);
    }
}

// Grows to `count` records and back to none by random puts and removes.
static void run_beside_model(enum shape shape, uint32_t count, uint32_t compare_every)
{
    uint64_t random = 77 * count + shape;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct model model = {.records = calloc(count + 1, sizeof(struct model_record))};
    assert_non_null(model.records);
    bool growing = true;
    for (uint32_t step = 0; growing || model.count > 0; step++) {
        bool put = test_random(&random) % 8 < (growing ? 7 : 1);
        if (put) {
            struct base_digest digest;
            digest_make(&random, shape, &digest);
            if (model.count > 0 && test_random(&random) % 4 == 0) {
                digest = model.records[test_random(&random) % model.count].digest;
            }
            uint8_t fill = (uint8_t)test_random(&random);
            assert_int_equal(test_put(store, &digest, NULL, fill,
                                      (uint32_t)(1 + test_random(&random) % 9), 1, 0),
                             RESULT_OK);
            model_put(&model, &digest, fill);
        } else if (model.count > 0) {
            uint32_t at = (uint32_t)(test_random(&random) % model.count);
            test_remove(store, &model.records[at].digest);
            assert_int_equal(test_get(store, &model.records[at].digest, 0), -1);
            model_remove(&model, at);
        }
        growing = growing && model.count < count;
        if (step % compare_every == 0) {
            compare_all(store, &model, &random, shape);
        }
    }
    compare_all(store, &model, &random, shape);
    struct store_stats stats;
    store_stats_sum(store, &stats);
    assert_int_equal(stats.object_count, 0);
    assert_int_equal(stats.data_used_bytes, 0);
    assert_int_equal(stats.index_used_bytes, 0);
    free(model.records);
    store_free(&store);
}

static void small_partitions_agree_with_a_sorted_array_at_each_step(void **state)
{
    (void)state;
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        for (uint32_t count = 1; count < 40; count++) {
            run_beside_model(shape, count, 1);
        }
        run_beside_model(shape, 300, 7);
    }
}

static void big_partitions_split_their_segments_and_agree_with_a_sorted_array(void **state)
{
    (void)state;
    run_beside_model(UNIFORM, 50000, 30000);
}

static void crafted_digests_agree_with_a_sorted_array(void **state)
{
    (void)state;
    for (enum shape shape = FEW_TAGS; shape < SHAPES; shape++) {
        run_beside_model(shape, 12000, 9000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_partitions_agree_with_a_sorted_array_at_each_step),
        cmocka_unit_test(big_partitions_split_their_segments_and_agree_with_a_sorted_array),
        cmocka_unit_test(crafted_digests_agree_with_a_sorted_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
