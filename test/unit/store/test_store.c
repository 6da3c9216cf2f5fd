// SPDX-License-Identifier: Apache-2.0
// The store through its public face: a plain sorted array runs beside it, and both must
// agree.
#include "store_test.h"

enum { PARTITION = 0x3a5 };

// The model: all digests of a run, in order, each with the fill byte of its record.
struct model_record {
    struct base_digest digest;
    int16_t fill; // -1: no record
};

struct model {
    struct model_record *records;
    uint32_t count;   // of digests
    uint32_t present; // of records
};

// The first place whose digest is greater.
static uint32_t model_after(const struct model *model, const struct base_digest *digest)
{
    uint32_t low = 0;
    uint32_t high = model->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (test_digest_compare(&model->records[middle].digest, digest) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// The first place from `at` on that has a record, or the count.
static uint32_t model_present(const struct model *model, uint32_t at)
{
    while (at < model->count && model->records[at].fill < 0) {
        at++;
    }
    return at;
}

// How digests are made: all in one partition, and more or less alike.
enum shape { UNIFORM, FEW_TAGS, ONE_TAG, LAST_TAG, ONE_PREFIX, CROWDED, SHAPES };

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
    case CROWDED: // most in a few places, some everywhere: segments of many depths
        out->bytes[2] = out->bytes[5] % 8 == 0 ? out->bytes[2] : (out->bytes[6] & 0x80) | 0x2a;
        break;
    default:
        break;
    }
}

static void model_init(struct model *model, uint64_t *random, enum shape shape, uint32_t count)
{
    *model = (struct model){.records = calloc(count, sizeof(struct model_record))};
    assert_non_null(model->records);
    for (uint32_t i = 0; i < count; i++) {
        digest_make(random, shape, &model->records[i].digest);
        model->records[i].fill = -1;
    }
    qsort(model->records, count, sizeof model->records[0], test_digest_compare);
    for (uint32_t i = 0; i < count; i++) {
        struct model_record *record = &model->records[i];
        if (i == 0 || test_digest_compare(&record[-1].digest, &record->digest) != 0) {
            model->records[model->count++] = *record;
        }
    }
}

struct walk {
    const struct model *model;
    uint32_t at;
    uint32_t seen;
};

static enum store_visit visit_compare(const struct store_record *record, void *arg)
{
    struct walk *walk = arg;
    walk->at = model_present(walk->model, walk->at);
    assert_true(walk->at < walk->model->count);
    const struct model_record *expected = &walk->model->records[walk->at++];
    assert_memory_equal(record->digest, expected->digest.bytes, LIMIT_DIGEST_SIZE);
    walk->seen++;
    return STORE_VISIT_KEEP;
}

// Walks the partition in steps of `step` from behind `after`, and compares.
static void compare_from(struct store *store, const struct model *model,
                         const struct base_digest *after, uint32_t step)
{
    struct store_scan scan = {.partition = PARTITION};
    struct walk walk = {.model = model};
    if (after != NULL) {
        walk.at = model_after(model, after);
        scan.after_set = true;
        memcpy(scan.after, after->bytes, LIMIT_DIGEST_SIZE);
    }
    uint32_t steps = 0;
    while (!store_scan_step(store, &scan, step, visit_compare, &walk)) {
        assert_int_equal(walk.seen, ++steps * step);
    }
    assert_int_equal(model_present(model, walk.at), model->count);
}

// No digests whatever take more than this: blocks that are at least a third full, and in a big
// partition the biggest directory.
static uint64_t index_bytes_max(const struct model *model)
{
    return 64 + 32 * (uint64_t)model->present + (model->count > 7000 ? 4096 * 8 : 0);
}

static void compare_all(struct store *store, const struct model *model, uint64_t *random,
                        enum shape shape)
{
    assert_true(store_check(store, PARTITION));
    assert_int_equal(store_object_count(store, PARTITION), model->present);
    struct store_stats stats;
    store_stats_sum(store, &stats);
    assert_true(stats.index_used_bytes <= index_bytes_max(model));
    for (uint32_t i = 0; i < model->count; i++) {
        assert_int_equal(test_get(store, &model->records[i].digest, 0), model->records[i].fill);
    }
    compare_from(store, model, NULL, 1 + model->present / 7);
    struct base_digest digest;
    digest_make(random, shape, &digest);
    compare_from(store, model, &digest, 1000);
    digest = model->records[test_random(random) % model->count].digest;
    compare_from(store, model, &digest, 1000);
}

static void put_random(struct store *store, struct model *model, uint64_t *random)
{
    struct model_record *record = &model->records[test_random(random) % model->count];
    model->present += record->fill < 0;
    record->fill = (uint8_t)test_random(random);
    uint32_t value_size = (uint32_t)(1 + test_random(random) % 9);
    assert_int_equal(
        test_put(store, &record->digest, NULL, (uint8_t)record->fill, value_size, 1, 0), RESULT_OK);
}

static void remove_random(struct store *store, struct model *model, uint64_t *random)
{
    uint32_t at = model_present(model, (uint32_t)(test_random(random) % model->count));
    at = at < model->count ? at : model_present(model, 0);
    struct model_record *record = &model->records[at];
    record->fill = -1;
    model->present--;
    test_remove(store, &record->digest);
    assert_int_equal(test_get(store, &record->digest, 0), -1);
}

// Grows to four fifths of `count` records and back to none by random puts and removes.
static void run_beside_model(enum shape shape, uint32_t count, uint32_t compare_every)
{
    uint64_t random = 77 * count + shape;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct model model;
    model_init(&model, &random, shape, count);
    bool growing = true;
    for (uint32_t step = 0; growing || model.present > 0; step++) {
        bool put = test_random(&random) % 16 < (growing ? 15 : 1);
        if (put || model.present == 0) {
            put_random(store, &model, &random);
        } else {
            remove_random(store, &model, &random);
        }
        growing = growing && model.present < (model.count * 4 + 4) / 5;
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
    run_beside_model(UNIFORM, 20000, 15000);
    run_beside_model(CROWDED, 22000, 15000);
}

static void crafted_digests_agree_with_a_sorted_array(void **state)
{
    (void)state;
    run_beside_model(FEW_TAGS, 3000, 2000);
    run_beside_model(ONE_TAG, 3000, 2000);
    run_beside_model(LAST_TAG, 9500, 9000); // enough for splits, which are of no help
    run_beside_model(ONE_PREFIX, 3000, 2000);
}

static void a_store_full_of_uneven_segments_is_freed_once_and_whole(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_new(&store), RESULT_OK);
    struct model model;
    uint64_t random = 3;
    model_init(&model, &random, CROWDED, 25000);
    for (uint32_t i = 0; i < model.count; i++) {
        assert_int_equal(test_put(store, &model.records[i].digest, "s", 1, 1, 1, 0), RESULT_OK);
    }
    assert_true(store_check(store, PARTITION));
    store_free(&store); // the address sanitizer knows what was freed twice or never
    free(model.records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_partitions_agree_with_a_sorted_array_at_each_step),
        cmocka_unit_test(big_partitions_split_their_segments_and_agree_with_a_sorted_array),
        cmocka_unit_test(a_store_full_of_uneven_segments_is_freed_once_and_whole),
        cmocka_unit_test(crafted_digests_agree_with_a_sorted_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
