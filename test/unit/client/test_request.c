// SPDX-License-Identifier: Apache-2.0
// Keys, digests and the bytes of requests, against exchanges recorded from an official client.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/batch.h"
#include "client/request.h"

// Turns "02 03 6b6579" into bytes; blanks are passed over.
static size_t unhex(const char *text, uint8_t *out)
{
    size_t size = 0;
    unsigned high = 16;
    for (; *text != '\0'; text++) {
        if (*text == ' ') {
            continue;
        }
        unsigned digit = *text <= '9' ? (unsigned)(*text - '0') : (unsigned)(*text - 'a' + 10);
        if (high == 16) {
            high = digit;
        } else {
            out[size++] = (uint8_t)(high << 4 | digit);
            high = 16;
        }
    }
    return size;
}

static void assert_frame(const struct client_request *request, const struct ballast_key *key,
                         const struct ballast_policy *policy, const char *hex)
{
    uint8_t expected[1024], *frame;
    size_t expected_size = unhex(hex, expected), size;
    struct client_key read;
    assert_int_equal(client__key_read(key, &read), RESULT_OK);
    assert_int_equal(client__request_check(request), RESULT_OK);
    assert_int_equal(client__request_frame(request, &read, policy, &frame, &size), RESULT_OK);
    assert_int_equal(size, expected_size);
    assert_memory_equal(frame, expected, size);
    free(frame);
}

static void digests_are_the_recorded_ones(void **state)
{
    (void)state;
    struct {
        struct ballast_key key;
        const char *hex;
    } cases[] = {
        {ballast_key_string("test", "demo", "key1"), "ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"},
        {ballast_key_integer("test", "demo", 42), "cf5a1365effa4dc53333f2166d103358f8711096"},
        {ballast_key_string("other", "demo", "none"), "f56f7119c8f28a6f355fd9f173edb5694f738103"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t expected[BALLAST_DIGEST_SIZE], digest[BALLAST_DIGEST_SIZE];
        unhex(cases[i].hex, expected);
        assert_int_equal(ballast_digest(&cases[i].key, digest), BALLAST_OK);
        assert_memory_equal(digest, expected, sizeof digest);
        struct ballast_key by_digest = ballast_key_digest("test", "demo", expected);
        assert_int_equal(ballast_digest(&by_digest, digest), BALLAST_OK);
        assert_memory_equal(digest, expected, sizeof digest);
    }
    // A blob and a string of the same bytes are two keys; no set and the empty set are one.
    uint8_t a[BALLAST_DIGEST_SIZE], b[BALLAST_DIGEST_SIZE];
    struct ballast_key blob = ballast_key_blob("test", "demo", "key1", 4);
    struct ballast_key none = ballast_key_integer("test", NULL, 1);
    struct ballast_key empty = ballast_key_integer("test", "", 1);
    unhex(cases[0].hex, a);
    assert_int_equal(ballast_digest(&blob, b), BALLAST_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(ballast_digest(&none, a), BALLAST_OK);
    assert_int_equal(ballast_digest(&empty, b), BALLAST_OK);
    assert_memory_equal(a, b, sizeof a);
}

static void impossible_keys_are_refused(void **state)
{
    (void)state;
    char name[65];
    memset(name, 'n', 64);
    name[64] = '\0';
    struct ballast_key cases[] = {
        ballast_key_integer(NULL, NULL, 1),
        ballast_key_integer("", NULL, 1),
        ballast_key_integer(name + 32, NULL, 1),
        ballast_key_integer("test", name, 1),
        ballast_key_blob("test", NULL, NULL, 1),
        ballast_key_digest("test", NULL, NULL),
        {.ns = "test", .type = (enum ballast_key_type)99},
    };
    uint8_t digest[BALLAST_DIGEST_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ballast_digest(&cases[i], digest), BALLAST_PARAMETER);
    }
    struct ballast_key longest = ballast_key_integer(name + 33, name + 1, 1);
    assert_int_equal(ballast_digest(&longest, digest), BALLAST_OK);
}

static void requests_are_byte_for_byte_the_recorded_ones(void **state)
{
    (void)state;
    struct ballast_key key = ballast_key_string("test", "demo", "key1");
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.ttl_s = 100;
    policy.send_key = true;

    const struct ballast_bin bins[] = {{"a", ballast_integer(1)}, {"b", ballast_string("hi")}};
    struct client_request put = {.kind = CLIENT_REQUEST_PUT, .bins = bins, .count = 2};
    assert_frame(&put, &key, &policy,
                 "02 03 000000000067 16 00 01 00 00 00 00000000 00000064 000003e8 0004 0002"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                 "00000006 02 03 6b657931"
                 "0000000d 02 01 00 01 61 0000000000000001 00000007 02 03 00 01 62 6869");

    struct client_request get = {.kind = CLIENT_REQUEST_GET};
    assert_frame(&get, &key, &policy,
                 "02 03 000000000041 16 03 00 00 00 00 00000000 00000000 000003e8 0003 0000"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960");

    const char *names[] = {"a"};
    struct client_request get_a = {.kind = CLIENT_REQUEST_GET, .names = names, .count = 1};
    assert_frame(&get_a, &key, &policy,
                 "02 03 00000000004a 16 01 00 00 00 00 00000000 00000000 000003e8 0003 0001"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960 00000005 01 00 00 01 61");

    struct client_request exists = {.kind = CLIENT_REQUEST_EXISTS};
    assert_frame(&exists, &key, &policy,
                 "02 03 000000000041 16 21 00 00 00 00 00000000 00000000 000003e8 0003 0000"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960");

    policy.send_key = false;
    policy.respond_all_ops = true;
    policy.ttl_s = 0;
    const struct ballast_op ops[] = {{BALLAST_OP_INCR, "a", ballast_integer(5)},
                                     {.type = BALLAST_OP_READ, .bin = "a"}};
    struct client_request operate = {.kind = CLIENT_REQUEST_OPERATE, .ops = ops, .count = 2};
    assert_frame(&operate, &key, &policy,
                 "02 03 00000000005b 16 01 81 00 00 00 00000000 00000000 000003e8 0003 0002"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                 "0000000d 05 01 00 01 61 0000000000000005 00000005 01 00 00 01 61");

    policy.ttl_s = 9;
    struct client_request removal = {.kind = CLIENT_REQUEST_REMOVE};
    assert_frame(&removal, &key, &policy,
                 "02 03 000000000041 16 00 03 00 00 00 00000000 00000000 000003e8 0003 0000"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960");

    struct client_request touch = {.kind = CLIENT_REQUEST_TOUCH};
    assert_frame(&touch, &key, &policy,
                 "02 03 000000000049 16 00 01 00 00 00 00000000 00000009 000003e8 0003 0001"
                 "00000005 00 74657374 00000005 01 64656d6f"
                 "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960 00000004 0b 00 00 00");
}

static void policies_become_bits(void **state)
{
    (void)state;
    static const struct {
        enum ballast_exists exists;
        enum ballast_generation_rule rule;
        bool durable, master;
        uint8_t info2, info3;
    } cases[] = {
        {BALLAST_EXISTS_UPDATE, BALLAST_GENERATION_IGNORE, false, false, 0x01, 0x00},
        {BALLAST_EXISTS_CREATE_ONLY, BALLAST_GENERATION_IGNORE, false, false, 0x21, 0x00},
        {BALLAST_EXISTS_UPDATE_ONLY, BALLAST_GENERATION_EQUAL, false, false, 0x05, 0x08},
        {BALLAST_EXISTS_REPLACE, BALLAST_GENERATION_GREATER, false, true, 0x09, 0x12},
        {BALLAST_EXISTS_REPLACE_ONLY, BALLAST_GENERATION_IGNORE, true, false, 0x11, 0x20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ballast_policy policy;
        ballast_policy_init(&policy);
        policy.exists = cases[i].exists;
        policy.generation_rule = cases[i].rule;
        policy.generation = 77;
        policy.durable_delete = cases[i].durable;
        policy.commit_master = cases[i].master;
        const struct ballast_bin bin = {"a", ballast_nil()};
        struct client_request put = {.kind = CLIENT_REQUEST_PUT, .bins = &bin, .count = 1};
        struct wire_message_header header;
        client__request_header(&put, &policy, &header);
        assert_int_equal(header.info2, cases[i].info2);
        assert_int_equal(header.info3, cases[i].info3);
        assert_int_equal(header.generation, cases[i].rule == BALLAST_GENERATION_IGNORE ? 0 : 77);
    }
}

static void impossible_requests_are_refused(void **state)
{
    (void)state;
    const struct ballast_bin too_long = {"sixteen_bytes_xx", ballast_integer(1)};
    const struct ballast_bin no_name = {"", ballast_integer(1)};
    const struct ballast_bin no_bytes = {"a", ballast_blob(NULL, 3)};
    const struct ballast_op touch_with_bin = {.type = BALLAST_OP_TOUCH, .bin = "a"};
    const struct ballast_op unknown = {.type = (enum ballast_op_type)3, .bin = "a"};
    const char *empty_name[] = {""};
    const struct {
        struct client_request request;
        enum base_result result;
    } cases[] = {
        {{.kind = CLIENT_REQUEST_PUT, .bins = &too_long, .count = 1}, RESULT_BIN_NAME},
        {{.kind = CLIENT_REQUEST_PUT, .bins = &no_name, .count = 1}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_PUT, .bins = &no_bytes, .count = 1}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_PUT}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_OPERATE}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_OPERATE, .ops = &touch_with_bin, .count = 1}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_OPERATE, .ops = &unknown, .count = 1}, RESULT_PARAMETER},
        {{.kind = CLIENT_REQUEST_GET, .names = empty_name, .count = 1}, RESULT_PARAMETER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(client__request_check(&cases[i].request), cases[i].result);
    }
}

static void batch_is_byte_for_byte_the_recorded_one(void **state)
{
    (void)state;
    struct ballast_batch *batch;
    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    struct ballast_key keys[] = {ballast_key_string("test", "demo", "key1"),
                                 ballast_key_integer("test", "demo", 42),
                                 ballast_key_string("test", "demo", "none")};
    const char *names[] = {"a"};
    assert_int_equal(ballast_batch_read(batch, NULL, &keys[0], NULL, 0), BALLAST_OK);
    assert_int_equal(ballast_batch_read(batch, NULL, &keys[1], NULL, 0), BALLAST_OK);
    assert_int_equal(ballast_batch_read(batch, NULL, &keys[2], names, 1), BALLAST_OK);
    for (size_t i = 0; i < 3; i++) {
        batch->rows[i].node = 0;
    }
    uint8_t expected[1024], *frame;
    size_t expected_size = unhex(
        "02 03 0000000000ae 16 08 00 00 00 00 00000000 00000000 000003e8 0001 0000"
        "00000094 29 00000003 0d"
        "00000000 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960 0a 03 00 00 00000000 0002 0000"
        "00000005 00 74657374 00000005 01 64656d6f"
        "00000001 cf5a1365effa4dc53333f2166d103358f8711096 01"
        "00000002 f56f7119c8f28a6f355fd9f173edb5694f738103 0a 01 00 00 00000000 0002 0001"
        "00000005 00 74657374 00000005 01 64656d6f 00000005 01 00 00 01 61",
        expected);
    size_t size;
    bool write;
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    assert_int_equal(client__batch_frame(batch, 0, &policy, &frame, &size, &write), RESULT_OK);
    assert_false(write);
    assert_int_equal(size, expected_size);
    assert_memory_equal(frame, expected, size);
    free(frame);
    ballast_batch_free(&batch);
}

static void batch_writes_have_the_recorded_rows(void **state)
{
    (void)state;
    struct ballast_batch *batch;
    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    struct ballast_key key = ballast_key_string("test", "demo", "key1");
    const struct ballast_op op = {BALLAST_OP_WRITE, "a", ballast_integer(1)};
    assert_int_equal(ballast_batch_write(batch, NULL, &key, &op, 1), BALLAST_OK);
    assert_int_equal(ballast_batch_remove(batch, NULL, &key), BALLAST_OK);
    batch->rows[0].node = batch->rows[1].node = 5;
    uint8_t expected[1024], *frame;
    size_t expected_size = unhex(
        "02 03 0000000000a1 16 08 00 00 00 00 00000000 00000000 000003e8 0001 0000"
        "00000087 29 00000002 0d"
        "00000000 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960 0e 00 81 00 0000 00000000 0002 0001"
        "00000005 00 74657374 00000005 01 64656d6f 0000000d 02 01 00 01 61 0000000000000001"
        "00000001 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960 0e 00 83 00 0000 00000000 0002 0000"
        "00000005 00 74657374 00000005 01 64656d6f",
        expected);
    size_t size;
    bool write;
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    assert_int_equal(client__batch_frame(batch, 5, &policy, &frame, &size, &write), RESULT_OK);
    assert_true(write);
    assert_int_equal(size, expected_size);
    assert_memory_equal(frame, expected, size);
    free(frame);
    ballast_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_recorded_ones),
        cmocka_unit_test(impossible_keys_are_refused),
        cmocka_unit_test(requests_are_byte_for_byte_the_recorded_ones),
        cmocka_unit_test(policies_become_bits),
        cmocka_unit_test(impossible_requests_are_refused),
        cmocka_unit_test(batch_is_byte_for_byte_the_recorded_one),
        cmocka_unit_test(batch_writes_have_the_recorded_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
