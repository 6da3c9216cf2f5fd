// SPDX-License-Identifier: Apache-2.0
// Batch rows: full rows, repeated rows, rows that lead outside of the field.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/batch.h"

enum { FIXED_SIZE = 4 + LIMIT_DIGEST_SIZE + 1 };

static uint8_t *store_batch_header(uint8_t *at, uint32_t row_count, uint8_t flags)
{
    base_be32_store(at, row_count);
    at[4] = flags;
    return at + 5;
}

static uint8_t *store_row_start(uint8_t *at, uint32_t index, uint8_t first_digest_byte,
                                uint8_t flags)
{
    base_be32_store(at, index);
    memset(at + 4, 0, LIMIT_DIGEST_SIZE);
    at[4] = first_digest_byte;
    at[4 + LIMIT_DIGEST_SIZE] = flags;
    return at + FIXED_SIZE;
}

// Field and op counts, namespace, set, and one READ op of bin "b".
static uint8_t *store_row_body(uint8_t *at)
{
    base_be16_store(at, 2);
    base_be16_store(at + 2, 1);
    at = wire_field_store(at + 4, WIRE_FIELD_NAMESPACE, "test", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, "demo", 4);
    return wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_NIL, "b", 1, 0);
}

static uint8_t *store_full_row(uint8_t *at, uint32_t index, uint8_t first_digest_byte)
{
    at = store_row_start(at, index, first_digest_byte,
                         WIRE_BATCH_ROW_INFO | WIRE_BATCH_ROW_INFO4 | WIRE_BATCH_ROW_GENERATION |
                             WIRE_BATCH_ROW_TTL);
    memcpy(at, "\x01\x80\x08\x10\x00\x07\x00\x00\x00\x3c", 10);
    return store_row_body(at + 10);
}

static struct base_slice slice(const uint8_t *from, const uint8_t *to)
{
    return (struct base_slice){from, (size_t)(to - from)};
}

static void full_row_carries_its_scalars_in_wire_order(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t *end = store_full_row(store_batch_header(bytes, 1, 0x0d), 41, 0xaa);
    struct wire_batch batch;
    assert_int_equal(wire_batch_open(slice(bytes, end), &batch), RESULT_OK);
    assert_int_equal(batch.row_count, 1);
    assert_int_equal(batch.flags, 0x0d);
    assert_int_equal(wire_batch_next(&batch), RESULT_OK);
    assert_int_equal(batch.row.index, 41);
    assert_int_equal(batch.row.digest[0], 0xaa);
    assert_int_equal(batch.row.header.info1, 0x01);
    assert_int_equal(batch.row.header.info2, 0x80);
    assert_int_equal(batch.row.header.info3, 0x08);
    assert_int_equal(batch.row.header.info4, 0x10);
    assert_int_equal(batch.row.header.generation, 7);
    assert_int_equal(batch.row.header.record_ttl, 60);
    assert_int_equal(wire_fields_get(&batch.row.fields, WIRE_FIELD_SET).size, 4);
    assert_int_equal(batch.row.ops.count, 1);
    assert_int_equal(wire_batch_next(&batch), RESULT_QUERY_END);
}

static void old_read_row_carries_info1_alone(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t *at = store_row_start(store_batch_header(bytes, 1, 0), 0, 1, 0);
    *at++ = WIRE_INFO1_READ | WIRE_INFO1_GET_ALL;
    at = store_row_body(at);
    struct wire_batch batch;
    assert_int_equal(wire_batch_open(slice(bytes, at), &batch), RESULT_OK);
    assert_int_equal(wire_batch_next(&batch), RESULT_OK);
    assert_int_equal(batch.row.header.info1, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL);
    assert_int_equal(batch.row.header.info2, 0);
    assert_int_equal(batch.row.ops.count, 1);
}

static void repeated_row_takes_all_but_index_and_digest_from_the_full_row(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t *at = store_full_row(store_batch_header(bytes, 3, 0), 0, 0xaa);
    at = store_row_start(at, 9, 0xbb, WIRE_BATCH_ROW_REPEAT);
    at = store_row_start(at, 4, 0xcc, WIRE_BATCH_ROW_REPEAT);
    static const struct {
        uint32_t index;
        uint8_t digest;
    } rows[] = {{0, 0xaa}, {9, 0xbb}, {4, 0xcc}};
    struct wire_batch batch;
    assert_int_equal(wire_batch_open(slice(bytes, at), &batch), RESULT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wire_batch_next(&batch), RESULT_OK);
        assert_int_equal(batch.row.index, rows[i].index);
        assert_int_equal(batch.row.digest[0], rows[i].digest);
        assert_int_equal(batch.row.header.record_ttl, 60);
        struct wire_ops ops = batch.row.ops;
        struct wire_op op;
        assert_true(wire_ops_next(&ops, &op));
        assert_memory_equal(op.name, "b", 1);
    }
    assert_int_equal(wire_batch_next(&batch), RESULT_QUERY_END);
}

static void repeat_before_any_full_row_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[64];
    uint8_t *at = store_row_start(store_batch_header(bytes, 1, 0), 0, 0xaa, WIRE_BATCH_ROW_REPEAT);
    struct wire_batch batch;
    assert_int_equal(wire_batch_open(slice(bytes, at), &batch), RESULT_OK);
    assert_int_equal(wire_batch_next(&batch), RESULT_MALFORMED);
}

// The copies are exact heap blocks, so that a read past the end is seen under AddressSanitizer.
static void batch_cut_short_anywhere_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t *end = store_full_row(store_batch_header(bytes, 1, 0), 0, 0xaa);
    for (size_t cut = 0; cut < (size_t)(end - bytes); cut++) {
        uint8_t *copy = malloc(cut > 0 ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        struct wire_batch batch;
        enum base_result result = wire_batch_open((struct base_slice){copy, cut}, &batch);
        if (result == RESULT_OK) {
            result = wire_batch_next(&batch);
        }
        assert_int_equal(result, RESULT_MALFORMED);
        free(copy);
    }
}

static void more_rows_announced_than_sent_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t *end = store_full_row(store_batch_header(bytes, 0xFFFFFFFF, 0), 0, 0xaa);
    struct wire_batch batch;
    assert_int_equal(wire_batch_open(slice(bytes, end), &batch), RESULT_OK);
    assert_int_equal(wire_batch_next(&batch), RESULT_OK);
    assert_int_equal(wire_batch_next(&batch), RESULT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_row_carries_its_scalars_in_wire_order),
        cmocka_unit_test(old_read_row_carries_info1_alone),
        cmocka_unit_test(repeated_row_takes_all_but_index_and_digest_from_the_full_row),
        cmocka_unit_test(repeat_before_any_full_row_is_malformed),
        cmocka_unit_test(batch_cut_short_anywhere_is_malformed),
        cmocka_unit_test(more_rows_announced_than_sent_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
