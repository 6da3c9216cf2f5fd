// SPDX-License-Identifier: Apache-2.0
// Frames: what is whole, what waits for more, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/frame.h"

static void whole_frame_gives_its_body(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_FRAME_HEADER_SIZE + 3] = {0};
    wire_frame_header_store(bytes, WIRE_FRAME_INFO, 3);
    struct wire_frame frame;
    size_t frame_size;
    assert_int_equal(wire_frame_parse(bytes, sizeof bytes, &frame, &frame_size), RESULT_OK);
    assert_int_equal(frame.type, WIRE_FRAME_INFO);
    assert_int_equal(frame.body_size, 3);
    assert_int_equal(frame_size, sizeof bytes);
    assert_ptr_equal(frame.body, bytes + WIRE_FRAME_HEADER_SIZE);
}

static void short_frame_tells_how_much_it_needs(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_FRAME_HEADER_SIZE] = {0};
    wire_frame_header_store(bytes, WIRE_FRAME_MESSAGE, 100);
    struct wire_frame frame;
    size_t frame_size;
    assert_int_equal(wire_frame_parse(bytes, 8, &frame, &frame_size), RESULT_INCOMPLETE);
    assert_int_equal(frame_size, 108);
    assert_int_equal(wire_frame_parse(bytes, 7, &frame, &frame_size), RESULT_INCOMPLETE);
    assert_int_equal(frame_size, 0);
}

static void wrong_version_type_or_length_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
    } cases[] = {
        {{1, 3, 0, 0, 0, 0, 0, 0}},           {{2, 0, 0, 0, 0, 0, 0, 0}},
        {{2, 5, 0, 0, 0, 0, 0, 0}},           {{2, 3, 0, 0, 0x80, 0, 0, 0}},
        {{'G', 'E', 'T', ' ', '/', 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_frame frame;
        size_t frame_size;
        assert_int_equal(wire_frame_parse(cases[i].bytes, 8, &frame, &frame_size),
                         RESULT_MALFORMED);
    }
    struct wire_frame frame;
    size_t frame_size;
    assert_int_equal(wire_frame_parse((const uint8_t *)"G", 1, &frame, &frame_size),
                     RESULT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_frame_gives_its_body),
        cmocka_unit_test(short_frame_tells_how_much_it_needs),
        cmocka_unit_test(wrong_version_type_or_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
