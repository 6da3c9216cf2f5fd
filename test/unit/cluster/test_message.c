// SPDX-License-Identifier: Apache-2.0
// The header of fabric messages: what is stored is parsed, and foreign bytes are judged early.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/message.h"

enum { BODY_SIZE = 5 };

static const struct message sample = {
    .type = MESSAGE_SYNC_LIST,
    .flags = MESSAGE_FLAG_LAST,
    .namespace_number = 3,
    .result = RESULT_CLUSTER_KEY_MISMATCH,
    .id = UINT64_C(0x0102030405060708),
    .key = UINT64_C(0xfffefdfcfbfa),
    .partition = 4095,
};

static void sample_store(uint8_t bytes[MESSAGE_HEADER_SIZE + BODY_SIZE])
{
    message_header_store(bytes, &sample, BODY_SIZE);
    memcpy(bytes + MESSAGE_HEADER_SIZE, "hello", BODY_SIZE);
}

static void test_what_is_stored_is_parsed(void **state)
{
    (void)state;
    uint8_t bytes[MESSAGE_HEADER_SIZE + BODY_SIZE];
    sample_store(bytes);
    struct message message;
    uint32_t size;
    assert_int_equal(message_parse(bytes, sizeof bytes, &message, &size), RESULT_OK);
    assert_int_equal(size, sizeof bytes);
    assert_int_equal(message.type, sample.type);
    assert_int_equal(message.flags, sample.flags);
    assert_int_equal(message.namespace_number, sample.namespace_number);
    assert_int_equal(message.result, sample.result);
    assert_true(message.id == sample.id);
    assert_true(message.key == sample.key);
    assert_int_equal(message.partition, sample.partition);
    assert_int_equal(message.body.size, BODY_SIZE);
    assert_memory_equal(message.body.data, "hello", BODY_SIZE);
}

static void test_a_cut_message_asks_for_what_is_missing(void **state)
{
    (void)state;
    uint8_t bytes[MESSAGE_HEADER_SIZE + BODY_SIZE];
    sample_store(bytes);
    for (uint32_t count = 0; count < sizeof bytes; count++) {
        struct message message;
        uint32_t size;
        assert_int_equal(message_parse(bytes, count, &message, &size), RESULT_INCOMPLETE);
        assert_int_equal(size, count < MESSAGE_HEADER_SIZE ? MESSAGE_HEADER_SIZE : sizeof bytes);
    }
}

static void test_a_second_message_behind_the_first_is_left_alone(void **state)
{
    (void)state;
    uint8_t bytes[2 * (MESSAGE_HEADER_SIZE + BODY_SIZE)];
    sample_store(bytes);
    memset(bytes + sizeof bytes / 2, 0xff, sizeof bytes / 2);
    struct message message;
    uint32_t size;
    assert_int_equal(message_parse(bytes, sizeof bytes, &message, &size), RESULT_OK);
    assert_int_equal(size, sizeof bytes / 2);
}

static void test_foreign_bytes_are_refused_as_soon_as_they_are_seen(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        uint32_t value; // of four bytes
        uint32_t seen;  // after so many bytes
    } cases[] = {
        {0, 0, 4},
        {0, MESSAGE_HEADER_SIZE - 1, 4},
        {0, LIMIT_FABRIC_SIZE + 1, 4},
        {0, UINT32_MAX, 4},
        {4, 0, MESSAGE_HEADER_SIZE},                   // no type
        {4, MESSAGE_QUERIED + 1, MESSAGE_HEADER_SIZE}, // unknown type
        {6, LIMIT_NAMESPACES, MESSAGE_HEADER_SIZE},    // no such namespace
        {24, LIMIT_PARTITIONS, MESSAGE_HEADER_SIZE},   // no such partition
        {24, UINT32_MAX, MESSAGE_HEADER_SIZE},         // the same
        {28, 1, MESSAGE_HEADER_SIZE},                  // something in the spare bytes
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[MESSAGE_HEADER_SIZE + BODY_SIZE];
        sample_store(bytes);
        base_le32_store(bytes + cases[i].at, cases[i].value);
        struct message message;
        uint32_t size;
        assert_int_equal(message_parse(bytes, cases[i].seen, &message, &size), RESULT_MALFORMED);
        assert_int_equal(message_parse(bytes, cases[i].seen - 1, &message, &size),
                         RESULT_INCOMPLETE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_stored_is_parsed),
        cmocka_unit_test(test_a_cut_message_asks_for_what_is_missing),
        cmocka_unit_test(test_a_second_message_behind_the_first_is_left_alone),
        cmocka_unit_test(test_foreign_bytes_are_refused_as_soon_as_they_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
