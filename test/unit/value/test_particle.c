// SPDX-License-Identifier: Apache-2.0
// What a bin may hold, and the arithmetic on it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "value/particle.h"

static struct value_particle particle(uint8_t type, const char *bytes, uint32_t size)
{
    return (struct value_particle){type, (const uint8_t *)bytes, size};
}

static void sizes_and_types_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *bytes;
        uint32_t size;
        enum base_result result;
    } cases[] = {
        {WIRE_PARTICLE_INTEGER, "12345678", 8, RESULT_OK},
        {WIRE_PARTICLE_INTEGER, "1234", 4, RESULT_PARAMETER},
        {WIRE_PARTICLE_DOUBLE, "12345678", 8, RESULT_OK},
        {WIRE_PARTICLE_DOUBLE, "", 0, RESULT_PARAMETER},
        {WIRE_PARTICLE_BOOL, "\1", 1, RESULT_OK},
        {WIRE_PARTICLE_BOOL, "", 0, RESULT_PARAMETER},
        {WIRE_PARTICLE_STRING, "", 0, RESULT_OK},
        {WIRE_PARTICLE_BLOB, "", 0, RESULT_OK},
        {WIRE_PARTICLE_PYTHON_BLOB, "x", 1, RESULT_OK},
        {WIRE_PARTICLE_HLL, "x", 1, RESULT_OK},
        {WIRE_PARTICLE_LIST, "\x92\x01\x02", 3, RESULT_OK},
        {WIRE_PARTICLE_LIST, "\x92\x01", 2, RESULT_PARAMETER},
        {WIRE_PARTICLE_LIST, "\x91\x01\x02", 3, RESULT_PARAMETER},
        {WIRE_PARTICLE_LIST, "\x81\x01\x02", 3, RESULT_PARAMETER},
        {WIRE_PARTICLE_MAP, "\x81\x01\x02", 3, RESULT_OK},
        {WIRE_PARTICLE_MAP, "\x91\x01", 2, RESULT_PARAMETER},
        {WIRE_PARTICLE_GEOJSON, "\0\0\0{}", 5, RESULT_OK},
        {WIRE_PARTICLE_GEOJSON, "\0\0\1{}", 5, RESULT_PARAMETER},
        {WIRE_PARTICLE_NIL, "", 0, RESULT_PARAMETER},
        {5, "", 0, RESULT_PARAMETER},
        {99, "", 0, RESULT_PARAMETER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            value_particle_check(particle(cases[i].type, cases[i].bytes, cases[i].size)),
            cases[i].result);
    }
}

static void integers_add_and_wrap_around(void **state)
{
    (void)state;
    uint8_t a[8], b[8], sum[8];
    static const struct {
        int64_t a, b, sum;
    } cases[] = {{1, 2, 3}, {-5, 3, -2}, {INT64_MAX, 1, INT64_MIN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base_be64_store(a, (uint64_t)cases[i].a);
        base_be64_store(b, (uint64_t)cases[i].b);
        assert_int_equal(value_particle_increment((struct value_particle){1, a, 8},
                                                  (struct value_particle){1, b, 8}, sum),
                         RESULT_OK);
        assert_int_equal((int64_t)base_be64_load(sum), cases[i].sum);
    }
}

static void absent_bin_counts_as_nothing(void **state)
{
    (void)state;
    uint8_t sum[8];
    struct value_particle none = {.type = WIRE_PARTICLE_NIL};
    assert_int_equal(
        value_particle_increment(none, particle(WIRE_PARTICLE_DOUBLE, "12345678", 8), sum),
        RESULT_OK);
    assert_memory_equal(sum, "12345678", 8);
    assert_int_equal(value_particle_joinable(none, particle(WIRE_PARTICLE_STRING, "x", 1)),
                     RESULT_OK);
}

static void types_are_not_mixed(void **state)
{
    (void)state;
    uint8_t sum[8];
    struct value_particle integer = particle(WIRE_PARTICLE_INTEGER, "12345678", 8);
    struct value_particle real = particle(WIRE_PARTICLE_DOUBLE, "12345678", 8);
    struct value_particle text = particle(WIRE_PARTICLE_STRING, "12345678", 8);
    struct value_particle blob = particle(WIRE_PARTICLE_BLOB, "12345678", 8);
    assert_int_equal(value_particle_increment(integer, real, sum), RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(value_particle_increment(text, integer, sum), RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(value_particle_increment(integer, text, sum), RESULT_PARAMETER);
    assert_int_equal(value_particle_joinable(text, blob), RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(value_particle_joinable(integer, text), RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(value_particle_joinable(text, integer), RESULT_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_types_are_checked),
        cmocka_unit_test(integers_add_and_wrap_around),
        cmocka_unit_test(absent_bin_counts_as_nothing),
        cmocka_unit_test(types_are_not_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
