// SPDX-License-Identifier: Apache-2.0
// A node at its limits: memory full, descriptors gone, more clients than configured. It refuses
// what it cannot take, goes on with what it can, and recovers when there is room again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/client.h"
#include "lib/node.h"

enum {
    VALUE_SIZE = 500 * 1000,
    DATA_SIZE = 512 * 1024 * 1024,
    RECORDS_MAX = DATA_SIZE / VALUE_SIZE,
    DESCRIPTORS = 128,
    CROWD = 400,
};

static struct test_node node;

static int end(void **state)
{
    (void)state;
    test_node_fini(&node);
    return 0;
}

struct writer {
    struct test_client client;
    uint8_t *value;
};

static bool write_is_taken(void *arg)
{
    struct writer *writer = arg;
    return test_client_put(&writer->client, RECORDS_MAX, writer->value, VALUE_SIZE) == RESULT_OK;
}

static void full_memory_refuses_writes_serves_reads_and_recovers_after_deletes(void **state)
{
    (void)state;
    test_node_start(
        &node, &(struct test_node_options){.storage = "data-size 512M\nstop-writes-used-pct 10\n"});
    struct writer writer = {.value = calloc(1, VALUE_SIZE)};
    assert_non_null(writer.value);
    struct test_client *client = &writer.client;
    test_client_connect(client, node.port);
    uint64_t count = 0;
    enum base_result result = RESULT_OK;
    while (count < RECORDS_MAX && result == RESULT_OK) {
        *(uint64_t *)writer.value = count;
        result = test_client_put(client, count, writer.value, VALUE_SIZE);
        count += result == RESULT_OK;
    }
    if (result != RESULT_SERVER_FULL && result != RESULT_FORBIDDEN) {
        fail_msg("after %llu records: %s", (unsigned long long)count, base_result_text(result));
    }
    assert_true(count > 0);
    for (uint64_t key = 0; key < count; key++) {
        struct base_slice value;
        assert_int_equal(test_client_get(client, key, &value), RESULT_OK);
        assert_int_equal(value.size, VALUE_SIZE);
        assert_memory_equal(value.data, &key, sizeof key);
    }
    for (uint64_t key = 0; key < count; key++) {
        assert_int_equal(test_client_delete(client, key), RESULT_OK);
    }
    test_until("writes are taken again after deletes", write_is_taken, &writer);
    free(writer.value);
    test_client_close(client);
    test_node_stop(&node);
}

static bool answers(void *arg)
{
    return test_port_answers(*(uint16_t *)arg);
}

// Connects a crowd, most of which cannot be served, and lets it go again.
static void crowd_comes_and_goes(struct test_client *good)
{
    static struct test_client crowd[CROWD];
    for (int i = 0; i < CROWD; i++) {
        test_client_connect(&crowd[i], node.port);
    }
    for (int i = 0; i < CROWD; i++) {
        test_client_is_served(good);
    }
    for (int i = 0; i < CROWD; i++) {
        test_client_close(&crowd[i]);
    }
    test_until("new clients are served again", answers, &node.port);
    test_client_is_served(good);
}

static void node_without_descriptors_serves_who_is_connected_and_recovers(void **state)
{
    (void)state;
    test_node_start(&node, &(struct test_node_options){.descriptors_max = DESCRIPTORS});
    struct test_client good;
    test_client_connect(&good, node.port);
    test_client_is_served(&good);
    crowd_comes_and_goes(&good);
    test_client_close(&good);
    test_node_stop(&node);
}

static void more_clients_than_configured_are_turned_away(void **state)
{
    (void)state;
    test_node_start(&node, &(struct test_node_options){.service = "proto-fd-max 100\n"});
    struct test_client good;
    test_client_connect(&good, node.port);
    test_client_is_served(&good);
    crowd_comes_and_goes(&good);
    test_client_close(&good);
    test_node_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            full_memory_refuses_writes_serves_reads_and_recovers_after_deletes, end),
        cmocka_unit_test_teardown(node_without_descriptors_serves_who_is_connected_and_recovers,
                                  end),
        cmocka_unit_test_teardown(more_clients_than_configured_are_turned_away, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
