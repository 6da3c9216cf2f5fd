// SPDX-License-Identifier: Apache-2.0
// The life of a node: how soon it serves, how it ends, that it comes back on the same port.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/client.h"
#include "lib/node.h"

static int start(void **state)
{
    static struct test_node node;
    test_node_start(&node, NULL);
    *state = &node;
    return 0;
}

static int end(void **state)
{
    test_node_fini(*state);
    return 0;
}

// The bound is loose, for slow machines and sanitizers; the bench measures the true time.
static void node_serves_writes_soon_after_exec(void **state)
{
    struct test_node *node = *state;
    uint64_t connect_ns = test_now_ns();
    struct test_client client;
    test_client_connect(&client, node->port);
    test_client_is_served(&client);
    test_client_close(&client);
    double total_ms = node->start_ms + (double)(test_now_ns() - connect_ns) / 1e6;
    print_message("exec to first write, read and delete: %.1f ms\n", total_ms);
    assert_true(total_ms < 5000);
    test_node_stop(node);
}

static void node_ends_with_0_on_sigterm_while_clients_are_connected(void **state)
{
    struct test_node *node = *state;
    struct test_client idle, half, busy;
    test_client_connect(&idle, node->port);
    test_client_connect(&half, node->port);
    test_client_send(&half, "\x02\x03\x00", 3);
    test_client_connect(&busy, node->port);
    test_client_is_served(&busy);
    test_node_stop(node);
    assert_true(test_client_is_closed(&idle));
    assert_true(test_client_is_closed(&half));
    assert_true(test_client_is_closed(&busy));
    test_client_close(&idle);
    test_client_close(&half);
    test_client_close(&busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(node_serves_writes_soon_after_exec, start, end),
        cmocka_unit_test_setup_teardown(node_ends_with_0_on_sigterm_while_clients_are_connected,
                                        start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
