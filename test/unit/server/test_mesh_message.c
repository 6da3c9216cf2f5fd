// SPDX-License-Identifier: Apache-2.0
// What nodes say on the heartbeat port, as bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/mesh_message.h"

static const struct mesh_hello node = {
    .id = 0xA1,
    .incarnation = 7,
    .attempt = 3,
    .heartbeat_port = 3002,
    .fabric_port = 3001,
    .cluster_name = "blue lagoon",
    .build = "0.1.0",
    .heartbeat_host = "10.0.0.1",
    .fabric_host = "",
    .services = "10.0.0.1:3000,[fd00::1]:3000",
    .alternates = "db-1.example:3100",
};

static void greeting_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    uint32_t size = mesh_hello_encode(&node, frame);
    struct mesh_header header;
    assert_int_equal(mesh_header_decode(frame, &header), RESULT_OK);
    assert_int_equal(header.type, MESH_HELLO);
    assert_int_equal(header.version, MESH_VERSION);
    assert_int_equal(header.body_size, size - MESH_HEADER_SIZE);
    struct mesh_hello hello;
    assert_int_equal(mesh_hello_decode(frame + MESH_HEADER_SIZE, header.body_size, &hello),
                     RESULT_OK);
    assert_memory_equal(&hello, &node, sizeof hello);
}

static void every_shorter_greeting_is_malformed(void **state)
{
    (void)state;
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    uint32_t size = mesh_hello_encode(&node, frame) - MESH_HEADER_SIZE;
    struct mesh_hello hello;
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(mesh_hello_decode(frame + MESH_HEADER_SIZE, i, &hello), RESULT_MALFORMED);
    }
    // What a later version adds behind is passed over.
    assert_int_equal(mesh_hello_decode(frame + MESH_HEADER_SIZE, size + 9, &hello), RESULT_OK);
}

static void what_would_break_an_answer_or_a_log_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"a;b", "a\tb", "a\nb", "a=b", "a b", "a\x01"};
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    struct mesh_hello hello;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mesh_hello wrong = node;
        strcpy(wrong.services, bad[i]);
        uint32_t size = mesh_hello_encode(&wrong, frame);
        assert_int_equal(
            mesh_hello_decode(frame + MESH_HEADER_SIZE, size - MESH_HEADER_SIZE, &hello),
            RESULT_MALFORMED);
    }
    struct mesh_hello nobody = node;
    nobody.id = 0;
    uint32_t size = mesh_hello_encode(&nobody, frame);
    assert_int_equal(mesh_hello_decode(frame + MESH_HEADER_SIZE, size - MESH_HEADER_SIZE, &hello),
                     RESULT_MALFORMED);
}

static void addresses_come_back_as_they_were(void **state)
{
    (void)state;
    static uint8_t frame[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX];
    static struct mesh_addresses all;
    static struct mesh_addresses again;
    all.count = LIMIT_CLUSTER_NODES;
    for (uint32_t i = 0; i < all.count; i++) {
        all.item[i].id = i + 1;
        assert_int_equal(io_address_parse(i % 2 == 0 ? "10.1.2.3" : "fd00::17",
                                          (uint16_t)(3000 + i), &all.item[i].heartbeat),
                         RESULT_OK);
    }
    uint32_t size = mesh_addresses_encode(&all, frame) - MESH_HEADER_SIZE;
    assert_int_equal(mesh_addresses_decode(frame + MESH_HEADER_SIZE, size, &again), RESULT_OK);
    assert_int_equal(again.count, all.count);
    for (uint32_t i = 0; i < all.count; i++) {
        assert_int_equal(again.item[i].id, all.item[i].id);
        assert_true(io_address_equal(&again.item[i].heartbeat, &all.item[i].heartbeat));
    }
    assert_int_equal(mesh_addresses_decode(frame + MESH_HEADER_SIZE, size - 1, &again),
                     RESULT_MALFORMED);
    base_le16_store(frame + MESH_HEADER_SIZE, LIMIT_CLUSTER_NODES + 1);
    assert_int_equal(mesh_addresses_decode(frame + MESH_HEADER_SIZE, size, &again),
                     RESULT_MALFORMED);
}

static void refusal_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    struct mesh_refused refused = {MESH_REFUSAL_DUPLICATE, "10.0.0.7:3002"};
    struct mesh_refused again;
    uint32_t size = mesh_refused_encode(&refused, frame) - MESH_HEADER_SIZE;
    assert_int_equal(mesh_refused_decode(frame + MESH_HEADER_SIZE, size, &again), RESULT_OK);
    assert_int_equal(again.reason, refused.reason);
    assert_string_equal(again.text, refused.text);
    frame[MESH_HEADER_SIZE] = 77;
    assert_int_equal(mesh_refused_decode(frame + MESH_HEADER_SIZE, size, &again), RESULT_MALFORMED);
}

static void header_of_another_protocol_is_malformed(void **state)
{
    (void)state;
    struct mesh_header header;
    assert_int_equal(mesh_header_decode((const uint8_t *)"GET / HT", &header), RESULT_MALFORMED);
    assert_int_equal(mesh_header_decode((const uint8_t *)"\x01\x00\x00\x00"
                                                         "BH\x01\x09",
                                        &header),
                     RESULT_MALFORMED);
    assert_int_equal(mesh_header_decode((const uint8_t *)"\x01\x00\x00\x01"
                                                         "BH\x01\x01",
                                        &header),
                     RESULT_MALFORMED);
    assert_int_equal(mesh_header_decode((const uint8_t *)"\x01\x00\x00\x00"
                                                         "BH\x07\x63",
                                        &header),
                     RESULT_OK); // another version: its types are its own
    assert_int_equal(header.version, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeting_comes_back_as_it_was),
        cmocka_unit_test(every_shorter_greeting_is_malformed),
        cmocka_unit_test(what_would_break_an_answer_or_a_log_is_malformed),
        cmocka_unit_test(addresses_come_back_as_they_were),
        cmocka_unit_test(refusal_comes_back_as_it_was),
        cmocka_unit_test(header_of_another_protocol_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
