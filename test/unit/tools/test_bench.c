// SPDX-License-Identifier: Apache-2.0
// The parts of the benchmark that can be wrong without looking wrong: percentiles, distributions,
// objects.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/bench_histogram.h"
#include "tools/bench_keys.h"
#include "tools/bench_object.h"

static void percentiles_are_within_two_percent(void **state)
{
    (void)state;
    struct bench_histogram *histogram = calloc(1, sizeof *histogram);
    struct bench_totals *totals = calloc(1, sizeof *totals);
    for (uint64_t us = 1; us <= 10000; us++) {
        bench_histogram_add(histogram, us * 1000, 1);
    }
    bench_totals_add(totals, histogram);
    assert_int_equal(totals->count, 10000);
    assert_int_equal(totals->max_ns, 10000000);
    assert_int_equal(totals->sum_ns / totals->count, 5000500);
    static const uint32_t parts[] = {1, 100, 500000, 900000, 990000, 999900, 1000000};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        double exact_ns = parts[i] < 100 ? 1000 : (double)parts[i] / 1e6 * 1e7;
        double told_ns = (double)bench_totals_percentile_ns(totals, parts[i]);
        assert_true(told_ns >= exact_ns * 0.999 && told_ns <= exact_ns * 1.02);
    }
    // What came later alone.
    struct bench_totals *later = calloc(1, sizeof *later);
    bench_histogram_add(histogram, 77, 50);
    bench_totals_add(later, histogram);
    bench_totals_subtract(later, totals);
    assert_int_equal(later->count, 50);
    assert_int_equal(bench_totals_percentile_ns(later, 500000), 77);
    free(histogram);
    free(totals);
    free(later);
}

static void extremes_have_a_bucket(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 63, 64, 65, 127, 128, 1ull << 40, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct bench_histogram *histogram = calloc(1, sizeof *histogram);
        struct bench_totals *totals = calloc(1, sizeof *totals);
        assert_int_equal(bench_totals_percentile_ns(totals, 500000), 0);
        bench_histogram_add(histogram, values[i], 1);
        bench_totals_add(totals, histogram);
        assert_int_equal(totals->count, 1);
        uint64_t told = bench_totals_percentile_ns(totals, 500000);
        assert_true(values[i] > 1ull << 41 || told == values[i]);
        free(histogram);
        free(totals);
    }
}

enum { DRAWS = 200000, KEYS = 1000 };

static int descending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

static void draw_many(enum bench_distribution distribution, double exponent, uint32_t counts[KEYS])
{
    struct bench_keys keys;
    struct bench_random random;
    bench_keys_init(&keys, distribution, 500, KEYS, exponent);
    bench_random_init(&random, 1);
    memset(counts, 0, KEYS * sizeof counts[0]);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = bench_keys_draw(&keys, &random);
        assert_in_range(key, 500, 500 + KEYS - 1);
        counts[key - 500]++;
    }
    qsort(counts, KEYS, sizeof counts[0], descending);
}

static void uniform_keys_are_all_alike(void **state)
{
    (void)state;
    static uint32_t counts[KEYS];
    draw_many(BENCH_UNIFORM, 1, counts);
    assert_in_range(counts[0], 200, 280);
    assert_in_range(counts[KEYS - 1], 130, 200);
}

static void zipf_keys_follow_the_law(void **state)
{
    (void)state;
    static uint32_t counts[KEYS];
    // With exponent 1 over 1000 keys the n-th share is 1 / (7.485 n). Two ranks may share a key.
    draw_many(BENCH_ZIPF, 1, counts);
    assert_in_range(counts[0], 25000, 33000);
    assert_in_range(counts[1], 11500, 18000);
    assert_in_range(counts[9], 2200, 3600);
    // And a steeper one is more uneven.
    uint32_t first = counts[0];
    draw_many(BENCH_ZIPF, 2, counts);
    assert_true(counts[0] > first * 3);
}

static void one_key_is_enough(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench_keys keys;
        struct bench_random random;
        bench_keys_init(&keys, i == 0 ? BENCH_UNIFORM : BENCH_ZIPF, 7, 1, 0.99);
        bench_random_init(&random, 3);
        for (int j = 0; j < 100; j++) {
            assert_int_equal(bench_keys_draw(&keys, &random), 7);
        }
    }
}

static void object_specs_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t count;
        enum ballast_type last_type;
        uint32_t last_size;
    } cases[] = {
        {"I", 1, BALLAST_INTEGER, 4},       {"I8", 1, BALLAST_INTEGER, 8},
        {"I:2", 1, BALLAST_INTEGER, 2},     {"S:100", 1, BALLAST_STRING, 100},
        {"S20", 1, BALLAST_STRING, 20},     {"I4,S:100,B10", 3, BALLAST_BLOB, 10},
        {"3*I2,2*D", 5, BALLAST_DOUBLE, 0}, {"b", 1, BALLAST_BOOL, 0},
        {"64*I1", 64, BALLAST_INTEGER, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench_spec spec;
        char mistake[128];
        assert_true(bench_spec_parse(cases[i].text, &spec, mistake, sizeof mistake));
        assert_int_equal(spec.count, cases[i].count);
        assert_int_equal(spec.fields[spec.count - 1].type, cases[i].last_type);
        assert_int_equal(spec.fields[spec.count - 1].size, cases[i].last_size);
    }
    static const char *const wrong[] = {"",    "X",     "I9",  "I0",     "S",         "S:0",
                                        "I4,", "I4;I4", "3I4", "0*I4",   "65*I1",     "D8",
                                        "b1",  "[I4]",  "S:x", "I4,,I4", "B:99999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct bench_spec spec;
        char mistake[128] = "";
        assert_false(bench_spec_parse(wrong[i], &spec, mistake, sizeof mistake));
        assert_non_null(strstr(mistake, ": "));
    }
}

static void objects_have_the_bins_of_their_spec(void **state)
{
    (void)state;
    struct bench_spec spec;
    char mistake[128];
    assert_true(bench_spec_parse("I1,S:30,B:4,b", &spec, mistake, sizeof mistake));
    struct bench_random random;
    bench_random_init(&random, 5);
    struct bench_object object;
    assert_true(bench_object_init(&object, &spec, "bin", &random));
    assert_string_equal(object.bins[0].name, "bin");
    assert_string_equal(object.bins[3].name, "bin_4");
    assert_in_range(object.bins[0].value.integer, 0, 255);
    assert_int_equal(object.bins[1].value.size, 30);
    char before[30];
    memcpy(before, object.bins[1].value.bytes, 30);
    bench_object_fill(&object, &random);
    assert_memory_not_equal(before, object.bins[1].value.bytes, 30);
    bench_object_fini(&object);
    assert_false(bench_object_init(&object, &spec, "a_name_of_bytes", &random));
    bench_object_fini(&object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_two_percent),
        cmocka_unit_test(extremes_have_a_bucket),
        cmocka_unit_test(uniform_keys_are_all_alike),
        cmocka_unit_test(zipf_keys_follow_the_law),
        cmocka_unit_test(one_key_is_enough),
        cmocka_unit_test(object_specs_are_read),
        cmocka_unit_test(objects_have_the_bins_of_their_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
