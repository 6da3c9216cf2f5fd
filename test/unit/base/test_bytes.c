// SPDX-License-Identifier: Apache-2.0
// Byte order at any alignment, slices, and the partition of a digest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/digest.h"

static void big_endian_puts_the_high_byte_first_at_any_alignment(void **state)
{
    (void)state;
    uint8_t bytes[16];
    for (size_t i = 0; i < 8; i++) {
        base_be16_store(bytes + i, 0x0102);
        assert_memory_equal(bytes + i, "\x01\x02", 2);
        assert_int_equal(base_be16_load(bytes + i), 0x0102);
        base_be32_store(bytes + i, 0x01020304);
        assert_memory_equal(bytes + i, "\x01\x02\x03\x04", 4);
        assert_int_equal(base_be32_load(bytes + i), 0x01020304);
        base_be64_store(bytes + i, 0x0102030405060708ull);
        assert_memory_equal(bytes + i, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
        assert_true(base_be64_load(bytes + i) == 0x0102030405060708ull);
    }
}

static void little_endian_puts_the_low_byte_first_at_any_alignment(void **state)
{
    (void)state;
    uint8_t bytes[16];
    for (size_t i = 0; i < 8; i++) {
        base_le16_store(bytes + i, 0x0102);
        assert_memory_equal(bytes + i, "\x02\x01", 2);
        assert_int_equal(base_le16_load(bytes + i), 0x0102);
        base_le32_store(bytes + i, 0x01020304);
        assert_memory_equal(bytes + i, "\x04\x03\x02\x01", 4);
        assert_int_equal(base_le32_load(bytes + i), 0x01020304);
        base_le64_store(bytes + i, 0x0102030405060708ull);
        assert_memory_equal(bytes + i, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
        assert_true(base_le64_load(bytes + i) == 0x0102030405060708ull);
    }
}

static void slices_are_equal_by_their_bytes(void **state)
{
    (void)state;
    struct base_slice abc = {(const uint8_t *)"abc", 3};
    struct base_slice abd = {(const uint8_t *)"abd", 3};
    struct base_slice ab = {(const uint8_t *)"abx", 2};
    struct base_slice none = {NULL, 0};
    assert_true(base_slice_equal(abc, (struct base_slice){(const uint8_t *)"abcd", 3}));
    assert_false(base_slice_equal(abc, abd));
    assert_false(base_slice_equal(abc, ab));
    assert_true(base_slice_equal(none, (struct base_slice){(const uint8_t *)"", 0}));
}

// The three digests of wire-protocol section 4.5.
static void partition_is_the_low_twelve_bits_of_the_first_two_bytes(void **state)
{
    (void)state;
    static const struct {
        uint8_t start[2];
        uint32_t partition;
    } cases[] = {{{0xec, 0x91}, 492}, {{0xcf, 0x5a}, 2767}, {{0xf5, 0x6f}, 4085}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(base_digest_partition(cases[i].start), cases[i].partition);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_endian_puts_the_high_byte_first_at_any_alignment),
        cmocka_unit_test(little_endian_puts_the_low_byte_first_at_any_alignment),
        cmocka_unit_test(slices_are_equal_by_their_bytes),
        cmocka_unit_test(partition_is_the_low_twelve_bits_of_the_first_two_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
