// SPDX-License-Identifier: Apache-2.0
// Messages: what a client sends comes apart into the same header, fields and ops; a length that
// leads outside of the message is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/message.h"

// A put of one bin as the C client sends it: namespace, set, digest, one WRITE op.
static size_t store_put(uint8_t *bytes)
{
    static const uint8_t digest[LIMIT_DIGEST_SIZE] = {0xec, 0x91, 0x19};
    struct wire_message_header header = {
        .info2 = WIRE_INFO2_WRITE | WIRE_INFO2_GENERATION,
        .info3 = WIRE_INFO3_UPDATE_ONLY,
        .generation = 7,
        .record_ttl = WIRE_TTL_NEVER,
        .transaction_ttl = 1000,
        .field_count = 3,
        .op_count = 1,
    };
    wire_message_header_store(bytes, &header);
    uint8_t *at = bytes + WIRE_MESSAGE_HEADER_SIZE;
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, "test", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, NULL, 0);
    at = wire_field_store(at, WIRE_FIELD_DIGEST, digest, sizeof digest);
    at = wire_op_store(at, WIRE_OP_WRITE, WIRE_PARTICLE_STRING, "name", 4, 3);
    memcpy(at, "Ann", 3);
    return (size_t)(at + 3 - bytes);
}

static void put_comes_apart_into_header_fields_and_ops(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = store_put(bytes);
    struct wire_message message;
    size_t message_size;
    assert_int_equal(wire_message_parse(bytes, size, &message, &message_size), RESULT_OK);
    assert_int_equal(message_size, size);
    assert_int_equal(message.header.info1, 0);
    assert_int_equal(message.header.info2, WIRE_INFO2_WRITE | WIRE_INFO2_GENERATION);
    assert_int_equal(message.header.info3, WIRE_INFO3_UPDATE_ONLY);
    assert_int_equal(message.header.generation, 7);
    assert_true(message.header.record_ttl == WIRE_TTL_NEVER);
    assert_int_equal(message.header.transaction_ttl, 1000);

    struct base_slice name = wire_fields_get(&message.fields, WIRE_FIELD_NAMESPACE);
    assert_true(base_slice_equal(name, (struct base_slice){(const uint8_t *)"test", 4}));
    assert_true(wire_fields_has(&message.fields, WIRE_FIELD_SET));
    assert_int_equal(wire_fields_get(&message.fields, WIRE_FIELD_SET).size, 0);
    assert_int_equal(wire_fields_get(&message.fields, WIRE_FIELD_DIGEST).size, LIMIT_DIGEST_SIZE);
    assert_false(wire_fields_has(&message.fields, WIRE_FIELD_KEY));
    assert_null(wire_fields_get(&message.fields, WIRE_FIELD_KEY).data);

    struct wire_op op;
    assert_int_equal(message.ops.count, 1);
    assert_true(wire_ops_next(&message.ops, &op));
    assert_int_equal(op.type, WIRE_OP_WRITE);
    assert_int_equal(op.particle_type, WIRE_PARTICLE_STRING);
    assert_int_equal(op.name_size, 4);
    assert_memory_equal(op.name, "name", 4);
    assert_int_equal(op.value_size, 3);
    assert_memory_equal(op.value, "Ann", 3);
    assert_false(wire_ops_next(&message.ops, &op));
}

// The copies are exact heap blocks, so that a read past the end is seen under AddressSanitizer.
static void message_cut_short_anywhere_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = store_put(bytes);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut > 0 ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        struct wire_message message;
        size_t message_size = 1;
        assert_int_equal(wire_message_parse(copy, cut, &message, &message_size), RESULT_MALFORMED);
        assert_int_equal(message_size, 0);
        free(copy);
    }
}

static void header_of_another_size_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = store_put(bytes);
    bytes[0] = 23;
    struct wire_message message;
    size_t message_size;
    assert_int_equal(wire_message_parse(bytes, size, &message, &message_size), RESULT_MALFORMED);
}

static void message_ends_where_the_next_one_begins(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t first = store_put(bytes);
    size_t second = store_put(bytes + first);
    struct wire_message message;
    size_t message_size;
    assert_int_equal(wire_message_parse(bytes, first + second, &message, &message_size), RESULT_OK);
    assert_int_equal(message_size, first);
}

static void unknown_field_is_skipped_and_the_last_of_two_wins(void **state)
{
    (void)state;
    uint8_t bytes[128];
    uint8_t *at = wire_field_store(bytes, WIRE_FIELD_SET, "old", 3);
    at = wire_field_store(at, (enum wire_field_type)200, "zzzz", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, "new", 3);
    const uint8_t *from = bytes;
    struct wire_fields fields;
    assert_int_equal(wire_fields_parse(&from, at, 3, &fields), RESULT_OK);
    assert_ptr_equal(from, at);
    assert_true(fields.present == 1ull << WIRE_FIELD_SET);
    assert_memory_equal(fields.field[WIRE_FIELD_SET].data, "new", 3);
}

static void lengths_that_lead_outside_are_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t length;
        bool is_op;
        uint8_t op_name_size;
    } cases[] = {
        {"field of length 0 has no type", 0, false, 0}, {"field one byte too long", 13, false, 0},
        {"field of 4 GB", 0xFFFFFFFF, false, 0},        {"op shorter than its header", 3, true, 0},
        {"op one byte too long", 13, true, 0},          {"op of 4 GB", 0xFFFFFFFF, true, 0},
        {"op name longer than the op", 8, true, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *bytes = calloc(1, 16);
        assert_non_null(bytes);
        base_be32_store(bytes, cases[i].length);
        bytes[7] = cases[i].op_name_size;
        const uint8_t *at = bytes;
        struct wire_fields fields;
        struct wire_ops ops;
        enum base_result result = cases[i].is_op ? wire_ops_parse(&at, bytes + 16, 1, &ops)
                                                 : wire_fields_parse(&at, bytes + 16, 1, &fields);
        if (result != RESULT_MALFORMED) {
            fail_msg("%s: %s", cases[i].name, base_result_text(result));
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_comes_apart_into_header_fields_and_ops),
        cmocka_unit_test(message_cut_short_anywhere_is_malformed),
        cmocka_unit_test(header_of_another_size_is_malformed),
        cmocka_unit_test(message_ends_where_the_next_one_begins),
        cmocka_unit_test(unknown_field_is_skipped_and_the_last_of_two_wins),
        cmocka_unit_test(lengths_that_lead_outside_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
