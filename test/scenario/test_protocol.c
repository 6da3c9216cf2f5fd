// SPDX-License-Identifier: Apache-2.0
// The stream of bytes, cut and packed in every way that TCP and clients may cut and pack it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "lib/client.h"
#include "lib/node.h"

enum { PIPELINED = 1000 };

static struct test_node node;
static struct test_client client;

static int start(void **state)
{
    (void)state;
    test_node_start(&node, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_node_stop(&node);
    test_node_fini(&node);
    return 0;
}

static int connect_client(void **state)
{
    (void)state;
    test_client_connect(&client, node.port);
    return 0;
}

static int close_client(void **state)
{
    (void)state;
    test_client_close(&client);
    return 0;
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct test_request request = {0};
    for (uint64_t key = 0; key < PIPELINED; key++) {
        test_request_put(&request, key, &key, sizeof key);
        test_request_get(&request, key);
    }
    test_client_send_request(&client, &request);
    for (uint64_t key = 0; key < PIPELINED; key++) {
        struct wire_message message;
        struct wire_op op;
        assert_int_equal(test_client_read_result(&client, NULL), RESULT_OK);
        assert_int_equal(test_client_read_result(&client, &message), RESULT_OK);
        assert_true(wire_ops_next(&message.ops, &op));
        assert_int_equal(op.value_size, sizeof key);
        assert_memory_equal(op.value, &key, sizeof key);
    }
}

static void info_and_records_mix_on_one_connection_in_order(void **state)
{
    (void)state;
    struct test_request request = {0};
    test_request_put(&request, 1, "x", 1);
    test_request_info(&request, "build\n");
    test_request_get(&request, 1);
    test_client_send_request(&client, &request);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_OK);
    assert_int_equal(test_client_read(&client), WIRE_FRAME_INFO);
    assert_memory_equal(client.answer, "build\t", 6);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_OK);
}

static void request_that_arrives_byte_by_byte_is_answered(void **state)
{
    (void)state;
    struct test_request request = {0};
    test_request_put(&request, 2, "slow", 4);
    for (size_t i = 0; i < request.size; i++) {
        test_client_send(&client, request.bytes + i, 1);
    }
    test_request_fini(&request);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_OK);
    struct base_slice value;
    assert_int_equal(test_client_get(&client, 2, &value), RESULT_OK);
    assert_memory_equal(value.data, "slow", 4);
}

static void record_of_almost_a_megabyte_comes_back_whole(void **state)
{
    (void)state;
    size_t size = 1000 * 1000;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    }
    struct base_slice value;
    assert_int_equal(test_client_put(&client, 3, bytes, size), RESULT_OK);
    assert_int_equal(test_client_get(&client, 3, &value), RESULT_OK);
    assert_int_equal(value.size, size);
    assert_memory_equal(value.data, bytes, size);
    free(bytes);
}

static void record_past_the_limit_is_refused_and_the_connection_goes_on(void **state)
{
    (void)state;
    size_t size = 2 * 1024 * 1024;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    assert_int_equal(test_client_put(&client, 4, bytes, size), RESULT_RECORD_TOO_BIG);
    free(bytes);
    test_client_is_served(&client);
}

static void compressed_request_is_answered_like_a_plain_one(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    memset(bytes, 'z', sizeof bytes);
    struct test_request request = {0};
    test_request_put(&request, 5, bytes, sizeof bytes);
    test_request_compress(&request);
    test_client_send_request(&client, &request);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_OK);
    struct base_slice value;
    assert_int_equal(test_client_get(&client, 5, &value), RESULT_OK);
    assert_int_equal(value.size, sizeof bytes);
    assert_memory_equal(value.data, bytes, sizeof bytes);
}

static void unknown_info_name_answers_an_error_and_keeps_the_connection(void **state)
{
    (void)state;
    const char *answer = test_client_info(&client, "no-such-name");
    assert_int_equal(strncmp(answer, "ERROR", 5), 0);
    test_client_is_served(&client);
}

static void unknown_namespace_answers_20_and_keeps_the_connection(void **state)
{
    (void)state;
    struct test_request request = {0};
    test_request_get(&request, 6);
    uint8_t *name = memmem(request.bytes, request.size, "test", 4);
    assert_non_null(name);
    memcpy(name, "nope", 4);
    test_client_send_request(&client, &request);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_NAMESPACE_NOT_FOUND);
    test_client_is_served(&client);
}

static void write_that_lost_its_digest_changes_no_record(void **state)
{
    (void)state;
    assert_int_equal(test_client_put(&client, 7, "kept", 4), RESULT_OK);
    struct test_request request = {0};
    test_request_put(&request, 8, "lost", 4);
    static const uint8_t digest_field[] = {0, 0, 0, LIMIT_DIGEST_SIZE + 1, WIRE_FIELD_DIGEST};
    uint8_t *field = memmem(request.bytes, request.size, digest_field, sizeof digest_field);
    assert_non_null(field);
    field[WIRE_FIELD_HEADER_SIZE - 1] = UINT8_MAX;
    test_client_send_request(&client, &request);
    assert_int_equal(test_client_read_result(&client, NULL), RESULT_PARAMETER);
    struct base_slice value;
    assert_int_equal(test_client_get(&client, 7, &value), RESULT_OK);
    assert_memory_equal(value.data, "kept", 4);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, connect_client, close_client)
    const struct CMUnitTest tests[] = {
        CASE(pipelined_requests_are_answered_in_order),
        CASE(info_and_records_mix_on_one_connection_in_order),
        CASE(request_that_arrives_byte_by_byte_is_answered),
        CASE(record_of_almost_a_megabyte_comes_back_whole),
        CASE(record_past_the_limit_is_refused_and_the_connection_goes_on),
        CASE(compressed_request_is_answered_like_a_plain_one),
        CASE(unknown_info_name_answers_an_error_and_keeps_the_connection),
        CASE(unknown_namespace_answers_20_and_keeps_the_connection),
        CASE(write_that_lost_its_digest_changes_no_record),
    };
#undef CASE
    return cmocka_run_group_tests(tests, start, end);
}
