// SPDX-License-Identifier: Apache-2.0
// The MessagePack dialect: what each token's bytes are, what is refused, and that walks over whole
// values end where the value ends.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/message.h"
#include "wire/msgpack.h"

// Bytes written as hex in a table, at most 64.
struct hex {
    uint8_t bytes[64];
    size_t size;
};

static struct hex hex_of(const char *text)
{
    struct hex out = {.size = 0};
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ') {
            continue;
        }
        char pair[3] = {at[0], at[1], '\0'};
        assert_true(out.size < sizeof out.bytes);
        out.bytes[out.size++] = (uint8_t)strtoul(pair, NULL, 16);
        at++;
    }
    return out;
}

static struct wire_msgpack_value read_hex(const char *text)
{
    static struct hex hex; // slices of the value point here
    hex = hex_of(text);
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
    struct wire_msgpack_value value;
    assert_int_equal(wire_msgpack_read(&reader, &value), RESULT_OK);
    return value;
}

static void assert_written(const struct wire_msgpack_writer *writer, const char *text)
{
    struct hex want = hex_of(text);
    assert_true(wire_msgpack_writer_fits(writer));
    assert_int_equal(writer->size, want.size);
    assert_memory_equal(writer->data, want.bytes, want.size);
}

static void integer_of_any_width_reads_as_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int64_t value;
    } cases[] = {
        {"00", 0},
        {"7f", 127},
        {"e0", -32},
        {"ff", -1},
        {"cc 05", 5},
        {"cc ff", 255},
        {"cd 00 05", 5},
        {"cd ff ff", 65535},
        {"ce 00 00 00 05", 5},
        {"ce ff ff ff ff", 4294967295},
        {"cf 00 00 00 00 00 00 00 05", 5},
        {"cf 7f ff ff ff ff ff ff ff", INT64_MAX},
        {"cf 80 00 00 00 00 00 00 00", INT64_MIN},
        {"cf ff ff ff ff ff ff ff ff", -1},
        {"d0 05", 5},
        {"d0 80", -128},
        {"d1 ff 7f", -129},
        {"d2 ff ff 7f ff", -32769},
        {"d2 80 00 00 00", INT32_MIN},
        {"d3 80 00 00 00 00 00 00 00", INT64_MIN},
        {"d3 00 00 00 01 00 00 00 00", 4294967296},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_msgpack_value value = read_hex(cases[i].bytes);
        assert_int_equal(value.kind, WIRE_MSGPACK_INTEGER);
        assert_true(value.integer == cases[i].value);
    }
}

static void integer_is_written_in_its_shortest_form(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
    } cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc 80"},
        {255, "cc ff"},
        {256, "cd 01 00"},
        {65536, "ce 00 01 00 00"},
        {4294967296, "cf 00 00 00 01 00 00 00 00"},
        {INT64_MAX, "cf 7f ff ff ff ff ff ff ff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0 df"},
        {-128, "d0 80"},
        {-129, "d1 ff 7f"},
        {-32769, "d2 ff ff 7f ff"},
        {INT64_MIN, "d3 80 00 00 00 00 00 00 00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t buffer[16];
        struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, sizeof buffer);
        wire_msgpack_integer_write(&writer, cases[i].value);
        assert_written(&writer, cases[i].bytes);
    }
}

static void scalars_keep_kind_type_and_content(void **state)
{
    (void)state;
    assert_int_equal(read_hex("c0").kind, WIRE_MSGPACK_NIL);
    assert_false(read_hex("c2").boolean);
    assert_true(read_hex("c3").boolean);
    assert_int_equal(read_hex("c3").kind, WIRE_MSGPACK_BOOL);
    assert_true(read_hex("cb 3f f8 00 00 00 00 00 00").real == 1.5);
    assert_true(read_hex("ca 3f c0 00 00").real == 1.5);
    assert_true(isnan(read_hex("ca 7f c0 00 00").real));
    assert_int_equal(read_hex("d4 ff 00").kind, WIRE_MSGPACK_WILDCARD);
    assert_int_equal(read_hex("d4 ff 01").kind, WIRE_MSGPACK_INFINITY);
    static const struct {
        const char *bytes;
        enum wire_msgpack_kind kind;
        uint8_t type;
        size_t size;
    } cases[] = {
        {"a4 03 61 62 63", WIRE_MSGPACK_STRING, WIRE_PARTICLE_STRING, 3},
        {"a1 03", WIRE_MSGPACK_STRING, WIRE_PARTICLE_STRING, 0},
        {"d9 02 03 61", WIRE_MSGPACK_STRING, WIRE_PARTICLE_STRING, 1},
        {"da 00 02 03 61", WIRE_MSGPACK_STRING, WIRE_PARTICLE_STRING, 1},
        {"db 00 00 00 02 03 61", WIRE_MSGPACK_STRING, WIRE_PARTICLE_STRING, 1},
        {"a3 04 00 ff", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_BLOB, 2},
        {"c4 03 04 00 ff", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_BLOB, 2},
        {"c5 00 02 04 01", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_BLOB, 1},
        {"c6 00 00 00 02 04 01", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_BLOB, 1},
        {"a2 12 01", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_HLL, 1},
        {"a2 07 01", WIRE_MSGPACK_BYTES, WIRE_PARTICLE_JAVA_BLOB, 1},
        {"a3 17 7b 7d", WIRE_MSGPACK_GEOJSON, WIRE_PARTICLE_GEOJSON, 2},
        {"a0", WIRE_MSGPACK_BYTES, 0, 0},
        {"c4 00", WIRE_MSGPACK_BYTES, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_msgpack_value value = read_hex(cases[i].bytes);
        assert_int_equal(value.kind, cases[i].kind);
        assert_int_equal(value.type, cases[i].type);
        assert_int_equal(value.bytes.size, cases[i].size);
    }
}

static void flags_element_belongs_to_the_header(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum wire_msgpack_kind kind;
        uint32_t count;
        uint8_t flags;
    } cases[] = {
        {"90", WIRE_MSGPACK_LIST, 0, 0},
        {"92 01 02", WIRE_MSGPACK_LIST, 2, 0},
        {"93 c7 00 01 01 02", WIRE_MSGPACK_LIST, 2, 1},
        {"91 c7 00 01", WIRE_MSGPACK_LIST, 0, 1},
        {"92 c7 02 11 aa bb 01", WIRE_MSGPACK_LIST, 1, 0x11},
        {"92 c8 00 01 01 aa 01", WIRE_MSGPACK_LIST, 1, 1},
        {"92 c9 00 00 00 01 01 aa 01", WIRE_MSGPACK_LIST, 1, 1},
        {"92 d4 01 aa 01", WIRE_MSGPACK_LIST, 1, 1},
        {"92 d5 01 aa bb 01", WIRE_MSGPACK_LIST, 1, 1},
        {"92 d4 ff 00 01", WIRE_MSGPACK_LIST, 2, 0}, // a wildcard is an element
        {"dc 00 02 c7 00 01 01", WIRE_MSGPACK_LIST, 1, 1},
        {"dd 00 00 00 01 01", WIRE_MSGPACK_LIST, 1, 0},
        {"80", WIRE_MSGPACK_MAP, 0, 0},
        {"81 01 02", WIRE_MSGPACK_MAP, 1, 0},
        {"82 c7 00 01 c0 01 02", WIRE_MSGPACK_MAP, 1, 1},
        {"82 c7 00 03 c0 01 02", WIRE_MSGPACK_MAP, 1, 3},
        {"81 c7 00 08 c0", WIRE_MSGPACK_MAP, 0, 8},
        {"de 00 01 01 02", WIRE_MSGPACK_MAP, 1, 0},
        {"df 00 00 00 01 01 02", WIRE_MSGPACK_MAP, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_msgpack_value value = read_hex(cases[i].bytes);
        assert_int_equal(value.kind, cases[i].kind);
        assert_int_equal(value.count, cases[i].count);
        assert_int_equal(value.flags, cases[i].flags);
    }
}

static void bytes_outside_the_dialect_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",            // nothing
        "c1",          // never used
        "cc",          // number cut short
        "cd 01",       // number cut short
        "d3 01 02 03", // number cut short
        "cb 3f f8",    // double cut short
        "a4 03 61",    // string cut short
        "d9",          // length cut short
        "db ff ff ff ff 03",
        "92 01",                // more elements than bytes
        "81 01",                // more pairs than bytes
        "dd ff ff ff ff 01 02", // more elements than bytes
        "df 7f ff ff ff 01 02",
        "c7 00 01",             // flags outside a container
        "d4 ff 02",             // unknown special
        "d5 ff 00 00",          // special of another size
        "82 c7 00 01 01 01 02", // flags element of a map without its nil
        "92 c7 09 01 aa",       // index data past the end
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex hex = hex_of(cases[i]);
        struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
        struct wire_msgpack_value value;
        assert_int_equal(wire_msgpack_read(&reader, &value), RESULT_MALFORMED);
        assert_ptr_equal(reader.at, hex.bytes);
        assert_int_equal(wire_msgpack_skip(&reader), RESULT_MALFORMED);
        assert_ptr_equal(reader.at, hex.bytes);
    }
}

static void skip_steps_over_a_whole_value(void **state)
{
    (void)state;
    // {"a": [1, {2: nil}], 3: ordered [4]}, then true
    struct hex hex = hex_of("82 a2 03 61 92 01 81 02 c0 03 92 c7 00 01 04 c3");
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
    assert_int_equal(wire_msgpack_skip(&reader), RESULT_OK);
    assert_ptr_equal(reader.at, hex.bytes + hex.size - 1);
    assert_int_equal(wire_msgpack_skip(&reader), RESULT_OK);
    assert_true(wire_msgpack_reader_done(&reader));
}

static void skip_follows_any_depth_and_check_stops_at_its_bound(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    uint8_t *bytes = malloc(DEPTH + 1);
    assert_non_null(bytes);
    memset(bytes, 0x91, DEPTH);
    bytes[DEPTH] = 0xc0;
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(bytes, DEPTH + 1);
    assert_int_equal(wire_msgpack_skip(&reader), RESULT_OK);
    assert_true(wire_msgpack_reader_done(&reader));
    assert_int_equal(wire_msgpack_check(bytes, DEPTH + 1, 512, true), RESULT_LIMIT);
    assert_int_equal(wire_msgpack_check(bytes + DEPTH - 512, 513, 512, true), RESULT_OK);
    assert_int_equal(wire_msgpack_check(bytes + DEPTH - 513, 514, 512, true), RESULT_LIMIT);
    assert_int_equal(wire_msgpack_check(bytes + DEPTH, 1, 0, true), RESULT_OK);
    free(bytes);
}

static void check_wants_one_value_and_nothing_behind_it(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool storable;
        enum base_result result;
    } cases[] = {
        {"01", true, RESULT_OK},
        {"01 02", true, RESULT_MALFORMED},
        {"92 01 02", true, RESULT_OK},
        {"92 01 02 03", true, RESULT_MALFORMED},
        {"82 c7 00 01 c0 01 92 01 02", true, RESULT_OK},
        {"91 d4 ff 00", true, RESULT_MALFORMED},
        {"91 d4 ff 00", false, RESULT_OK},
        {"d4 ff 01", true, RESULT_MALFORMED},
        {"92 01 c7 00 01", true, RESULT_MALFORMED}, // flags not in front
        {"", true, RESULT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex hex = hex_of(cases[i].bytes);
        assert_int_equal(wire_msgpack_check(hex.bytes, hex.size, 8, cases[i].storable),
                         cases[i].result);
    }
}

static void map_of_five_pairs_takes_fifteen_bytes(void **state)
{
    (void)state;
    uint8_t buffer[32];
    struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, sizeof buffer);
    wire_msgpack_map_write(&writer, 5, WIRE_MSGPACK_FLAG_ORDERED);
    for (int64_t i = 0; i < 5; i++) {
        wire_msgpack_integer_write(&writer, i);
        wire_msgpack_integer_write(&writer, i);
    }
    assert_written(&writer, "86 c7 00 01 c0 00 00 01 01 02 02 03 03 04 04");
}

static void containers_of_each_size_read_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 14, 15, 16, 65534, 65535, 65536};
    uint8_t *buffer = malloc(300000);
    assert_non_null(buffer);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (uint8_t flags = 0; flags < 2; flags++) {
            struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, 300000);
            wire_msgpack_list_write(&writer, counts[i], flags);
            for (uint32_t n = 0; n < counts[i]; n++) {
                wire_msgpack_nil_write(&writer);
            }
            size_t list_size = writer.size;
            wire_msgpack_map_write(&writer, counts[i], flags);
            for (uint32_t n = 0; n < counts[i] * 2; n++) {
                wire_msgpack_bool_write(&writer, true);
            }
            struct wire_msgpack_reader reader = wire_msgpack_reader_of(buffer, writer.size);
            struct wire_msgpack_value value;
            assert_int_equal(wire_msgpack_read(&reader, &value), RESULT_OK);
            assert_int_equal(value.kind, WIRE_MSGPACK_LIST);
            assert_int_equal(value.count, counts[i]);
            assert_int_equal(value.flags, flags);
            reader = wire_msgpack_reader_of(buffer, writer.size);
            assert_int_equal(wire_msgpack_skip(&reader), RESULT_OK);
            assert_ptr_equal(reader.at, buffer + list_size);
            assert_int_equal(wire_msgpack_skip(&reader), RESULT_OK);
            assert_true(wire_msgpack_reader_done(&reader));
        }
    }
    free(buffer);
}

static void strings_of_each_header_size_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 30, 31, 254, 255, 65534, 65535, 70000};
    static uint8_t text[70000];
    uint8_t *buffer = malloc(71000);
    assert_non_null(buffer);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, 71000);
        wire_msgpack_bytes_write(&writer, WIRE_PARTICLE_STRING, text, sizes[i]);
        struct wire_msgpack_reader reader = wire_msgpack_reader_of(buffer, writer.size);
        struct wire_msgpack_value value;
        assert_int_equal(wire_msgpack_read(&reader, &value), RESULT_OK);
        assert_int_equal(value.bytes.size, sizes[i]);
        assert_true(wire_msgpack_reader_done(&reader));

        writer = wire_msgpack_writer_of(buffer, 71000);
        wire_msgpack_raw_write(&writer, text, sizes[i]);
        reader = wire_msgpack_reader_of(buffer, writer.size);
        struct base_slice raw;
        assert_int_equal(wire_msgpack_raw_read(&reader, &raw), RESULT_OK);
        assert_int_equal(raw.size, sizes[i]);
        assert_true(wire_msgpack_reader_done(&reader));
    }
    free(buffer);
}

static void raw_read_refuses_what_is_no_string(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "01", "c0", "91 01", "a3 61", "d4 ff 00", "e0"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex hex = hex_of(cases[i]);
        struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
        struct base_slice raw;
        assert_int_equal(wire_msgpack_raw_read(&reader, &raw), RESULT_MALFORMED);
        assert_ptr_equal(reader.at, hex.bytes);
    }
}

static void copy_repacks_each_token_minimally(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
    } cases[] = {
        {"cf 00 00 00 00 00 00 00 05", "05"},
        {"92 d3 00 00 00 00 00 00 00 01 cd 00 02", "92 01 02"},
        {"dc 00 01 d9 02 03 61", "91 a2 03 61"},
        {"92 c7 02 11 aa bb 01", "92 c7 00 11 01"},
        {"82 c8 00 01 01 aa c0 01 ca 3f c0 00 00", "82 c7 00 01 c0 01 cb 3f f8 00 00 00 00 00 00"},
        {"93 c3 d4 ff 00 d4 ff 01", "93 c3 d4 ff 00 d4 ff 01"},
        {"92 c4 03 04 00 ff a3 17 7b 7d", "92 a3 04 00 ff a3 17 7b 7d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex hex = hex_of(cases[i].from);
        uint8_t buffer[64];
        struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
        struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, sizeof buffer);
        assert_int_equal(wire_msgpack_copy(&reader, &writer), RESULT_OK);
        assert_true(wire_msgpack_reader_done(&reader));
        assert_written(&writer, cases[i].to);
    }
}

static void writer_measures_without_a_buffer_and_never_writes_past_it(void **state)
{
    (void)state;
    struct hex hex = hex_of("92 a4 03 61 62 63 cd 01 00");
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(hex.bytes, hex.size);
    struct wire_msgpack_writer measure = wire_msgpack_writer_of(NULL, 0);
    assert_int_equal(wire_msgpack_copy(&reader, &measure), RESULT_OK);
    assert_int_equal(measure.size, hex.size);
    assert_false(wire_msgpack_writer_fits(&measure));
    for (size_t capacity = 0; capacity < hex.size; capacity++) {
        uint8_t buffer[16];
        memset(buffer, 0xee, sizeof buffer);
        reader = wire_msgpack_reader_of(hex.bytes, hex.size);
        struct wire_msgpack_writer writer = wire_msgpack_writer_of(buffer, capacity);
        assert_int_equal(wire_msgpack_copy(&reader, &writer), RESULT_OK);
        assert_int_equal(writer.size, hex.size);
        assert_false(wire_msgpack_writer_fits(&writer));
        for (size_t i = capacity; i < sizeof buffer; i++) {
            assert_int_equal(buffer[i], 0xee);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_of_any_width_reads_as_its_value),
        cmocka_unit_test(integer_is_written_in_its_shortest_form),
        cmocka_unit_test(scalars_keep_kind_type_and_content),
        cmocka_unit_test(flags_element_belongs_to_the_header),
        cmocka_unit_test(bytes_outside_the_dialect_are_refused),
        cmocka_unit_test(skip_steps_over_a_whole_value),
        cmocka_unit_test(skip_follows_any_depth_and_check_stops_at_its_bound),
        cmocka_unit_test(check_wants_one_value_and_nothing_behind_it),
        cmocka_unit_test(map_of_five_pairs_takes_fifteen_bytes),
        cmocka_unit_test(containers_of_each_size_read_back),
        cmocka_unit_test(strings_of_each_header_size_read_back),
        cmocka_unit_test(raw_read_refuses_what_is_no_string),
        cmocka_unit_test(copy_repacks_each_token_minimally),
        cmocka_unit_test(writer_measures_without_a_buffer_and_never_writes_past_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
