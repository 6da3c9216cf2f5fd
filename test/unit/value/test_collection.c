// SPDX-License-Identifier: Apache-2.0
// Reads inside lists and maps: sizes, and entries of a map by their keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "value/collection.h"

// {"a": 1, "b": [7], 3: "x", "g": GeoJSON "{}", "n": nil}, key ordered.
static const uint8_t map[] = {0x86, 0xc7, 0x00, 0x01, 0xc0, 0x03, 0xa2, 0x03, 'x',  0xa2,
                              0x03, 'a',  0x01, 0xa2, 0x03, 'b',  0x91, 0x07, 0xa2, 0x03,
                              'g',  0xa3, 0x17, '{',  '}',  0xa2, 0x03, 'n',  0xc0};
static const uint8_t list[] = {0x93, 0x01, 0x02, 0x03};

struct found {
    enum base_result result;
    uint8_t type;
    uint32_t size;
    uint8_t bytes[64];
};

static struct found run(uint8_t bin_type, const void *bin, uint32_t bin_size, const void *payload,
                        uint32_t payload_size)
{
    struct found out = {.size = 0};
    struct value_collection_result result;
    struct value_particle value = {bin_type, bin, bin_size};
    out.result = value_collection_read(value, payload, payload_size, &result);
    out.type = result.type;
    out.size = value_collection_result_size(&result);
    assert_true(out.size <= sizeof out.bytes);
    assert_ptr_equal(value_collection_result_store(out.bytes, &result), out.bytes + out.size);
    return out;
}

static struct found by_key(uint8_t return_type, char key)
{
    uint8_t payload[] = {0x93, 0x61, return_type, 0xa2, 0x03, (uint8_t)key};
    return run(WIRE_PARTICLE_MAP, map, sizeof map, payload, sizeof payload);
}

static void is(struct found found, uint8_t type, const void *bytes, uint32_t size)
{
    assert_int_equal(found.result, RESULT_OK);
    assert_int_equal(found.type, type);
    assert_int_equal(found.size, size);
    assert_memory_equal(found.bytes, bytes, size);
}

static void sizes_count_elements_and_pairs(void **state)
{
    (void)state;
    is(run(WIRE_PARTICLE_LIST, list, sizeof list, "\x91\x10", 2), WIRE_PARTICLE_INTEGER,
       "\0\0\0\0\0\0\0\x03", 8);
    is(run(WIRE_PARTICLE_MAP, map, sizeof map, "\x91\x60", 2), WIRE_PARTICLE_INTEGER,
       "\0\0\0\0\0\0\0\x05", 8);
}

static void a_value_found_by_its_key_is_a_particle_by_itself(void **state)
{
    (void)state;
    is(by_key(7, 'a'), WIRE_PARTICLE_INTEGER, "\0\0\0\0\0\0\0\x01", 8);
    is(by_key(7, 'b'), WIRE_PARTICLE_LIST, "\x91\x07", 2);
    is(by_key(7, 'g'), WIRE_PARTICLE_GEOJSON, "\0\0\0{}", 5);
    is(by_key(7, 'n'), WIRE_PARTICLE_NIL, "", 0);
    is(run(WIRE_PARTICLE_MAP, map, sizeof map, "\x93\x61\x07\x03", 4), WIRE_PARTICLE_STRING, "x",
       1);
    // The same key, packed wider.
    is(run(WIRE_PARTICLE_MAP, map, sizeof map, "\x93\x61\x07\xcd\x00\x03", 6), WIRE_PARTICLE_STRING,
       "x", 1);
}

static void each_return_type_tells_of_the_pair_found(void **state)
{
    (void)state;
    is(by_key(0, 'a'), WIRE_PARTICLE_NIL, "", 0);
    is(by_key(5, 'a'), WIRE_PARTICLE_INTEGER, "\0\0\0\0\0\0\0\x01", 8);
    is(by_key(6, 'a'), WIRE_PARTICLE_STRING, "a", 1);
    is(by_key(8, 'a'), WIRE_PARTICLE_MAP, "\x82\xc7\x00\x08\xc0\xa2\x03\x61\x01", 9);
    is(by_key(13, 'a'), WIRE_PARTICLE_BOOL, "\x01", 1);
    is(by_key(16, 'a'), WIRE_PARTICLE_MAP, "\x81\xa2\x03\x61\x01", 5);
    is(by_key(17, 'a'), WIRE_PARTICLE_MAP, "\x82\xc7\x00\x01\xc0\xa2\x03\x61\x01", 9);
}

static void a_key_that_is_not_there_is_no_error(void **state)
{
    (void)state;
    is(by_key(7, 'z'), WIRE_PARTICLE_NIL, "", 0);
    is(by_key(6, 'z'), WIRE_PARTICLE_NIL, "", 0);
    is(by_key(5, 'z'), WIRE_PARTICLE_INTEGER, "\0\0\0\0\0\0\0\0", 8);
    is(by_key(13, 'z'), WIRE_PARTICLE_BOOL, "\0", 1);
    is(by_key(8, 'z'), WIRE_PARTICLE_MAP, "\x81\xc7\x00\x08\xc0", 5);
    is(by_key(16, 'z'), WIRE_PARTICLE_MAP, "\x80", 1);
}

static void a_bin_of_another_type_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run(WIRE_PARTICLE_MAP, map, sizeof map, "\x91\x10", 2).result,
                     RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(run(WIRE_PARTICLE_LIST, list, sizeof list, "\x91\x60", 2).result,
                     RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(run(WIRE_PARTICLE_STRING, "abc", 3, "\x91\x60", 2).result,
                     RESULT_INCOMPATIBLE_TYPE);
}

static void reads_that_need_an_order_are_named_unsupported(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        uint32_t size;
    } reads[] = {
        {"\x93\x61\x01\x03", 4},                 // the index of a key
        {"\x93\x61\xce\x00\x01\x00\x07\x03", 8}, // inverted
        {"\x93\x62\x07\x00", 4},                 // by index
        {"\x92\x11\x00", 3},                     // an element of a list
        {"\x93\xcc\xff\x92\x22\x01\x91\x60", 8}, // inside a nested map
        {"\x00\x60", 2},                         // the old form
        {"\x93\x61\x07\x90", 4},                 // a list as key
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        assert_int_equal(value_collection_check((const uint8_t *)reads[i].payload, reads[i].size),
                         RESULT_UNSUPPORTED);
    }
}

static void payloads_that_are_no_read_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        uint32_t size;
    } bad[] = {
        {"", 0},
        {"\x92\x01\x05", 3},         // an append
        {"\x94\x43\x01\x01\x00", 5}, // a put
        {"\x91\x61", 2},             // no arguments
        {"\x93\x61\x07", 3},         // cut off
        {"\x93\x61\x07\x03\x03", 5}, // bytes left over
        {"\x92\x60\x01", 3},         // an argument too many
        {"\xa1\x60", 2},             // no list
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(value_collection_check((const uint8_t *)bad[i].payload, bad[i].size),
                         RESULT_PARAMETER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_count_elements_and_pairs),
        cmocka_unit_test(a_value_found_by_its_key_is_a_particle_by_itself),
        cmocka_unit_test(each_return_type_tells_of_the_pair_found),
        cmocka_unit_test(a_key_that_is_not_there_is_no_error),
        cmocka_unit_test(a_bin_of_another_type_is_refused),
        cmocka_unit_test(reads_that_need_an_order_are_named_unsupported),
        cmocka_unit_test(payloads_that_are_no_read_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
