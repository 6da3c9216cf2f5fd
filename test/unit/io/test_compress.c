// SPDX-License-Identifier: Apache-2.0
// Compressed frames: there and back, and what a hostile peer may send.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "io/compress.h"

enum { FRAME_SIZE = 8 + 376 };

static void frame_fill(uint8_t frame[FRAME_SIZE])
{
    memset(frame, 'x', FRAME_SIZE);
    base_be64_store(frame, (uint64_t)2 << 56 | (uint64_t)3 << 48 | (FRAME_SIZE - 8));
}

static void frame_survives_both_ways(void **state)
{
    (void)state;
    uint8_t frame[FRAME_SIZE];
    frame_fill(frame);
    uint8_t *packed, *plain;
    size_t packed_size, plain_size;
    assert_int_equal(io_compress_frame(frame, sizeof frame, &packed, &packed_size), RESULT_OK);
    assert_true(packed_size < sizeof frame);
    assert_int_equal(packed[1], 4);
    assert_int_equal(base_be64_load(packed) & 0xFFFFFFFFFFFFull, packed_size - 8);
    assert_int_equal(base_be64_load(packed + 8), sizeof frame);
    assert_int_equal(packed[16], 0x78);
    assert_int_equal(packed[17], 0x01);
    assert_int_equal(io_inflate_frame(packed + 8, packed_size - 8, &plain, &plain_size), RESULT_OK);
    assert_int_equal(plain_size, sizeof frame);
    assert_memory_equal(plain, frame, sizeof frame);
    free(packed);
    free(plain);
}

static void frame_that_would_grow_is_left_alone(void **state)
{
    (void)state;
    uint8_t frame[64];
    for (size_t i = 0; i < sizeof frame; i++) {
        frame[i] = (uint8_t)(i * 151 + 7);
    }
    uint8_t *packed;
    size_t packed_size;
    assert_int_equal(io_compress_frame(frame, sizeof frame, &packed, &packed_size), RESULT_LIMIT);
    assert_null(packed);
}

static void assert_refused(const uint8_t *body, size_t size)
{
    uint8_t *plain;
    size_t plain_size;
    assert_int_equal(io_inflate_frame(body, size, &plain, &plain_size), RESULT_MALFORMED);
    assert_null(plain);
}

static void damaged_or_boastful_bodies_are_refused(void **state)
{
    (void)state;
    uint8_t frame[FRAME_SIZE];
    frame_fill(frame);
    uint8_t *packed;
    size_t packed_size;
    assert_int_equal(io_compress_frame(frame, sizeof frame, &packed, &packed_size), RESULT_OK);
    uint8_t *body = packed + 8;
    size_t size = packed_size - 8;

    assert_refused(body, 7);
    assert_refused(body, size - 1);
    for (uint64_t wrong = FRAME_SIZE - 1; wrong <= FRAME_SIZE + 1; wrong += 2) {
        base_be64_store(body, wrong);
        assert_refused(body, size);
    }
    base_be64_store(body, LIMIT_FRAME_BODY_SIZE); // far more than so few bytes can hold
    assert_refused(body, size);
    base_be64_store(body, UINT64_MAX);
    assert_refused(body, size);
    base_be64_store(body, FRAME_SIZE);
    body[size / 2] ^= 0xff;
    assert_refused(body, size);
    free(packed);
}

static void only_a_message_frame_may_be_inside(void **state)
{
    (void)state;
    uint8_t frame[FRAME_SIZE];
    frame_fill(frame);
    frame[1] = 4; // a compressed frame in a compressed frame
    uint8_t *packed;
    size_t packed_size;
    assert_int_equal(io_compress_frame(frame, sizeof frame, &packed, &packed_size), RESULT_OK);
    assert_refused(packed + 8, packed_size - 8);
    free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_survives_both_ways),
        cmocka_unit_test(frame_that_would_grow_is_left_alone),
        cmocka_unit_test(damaged_or_boastful_bodies_are_refused),
        cmocka_unit_test(only_a_message_frame_may_be_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
