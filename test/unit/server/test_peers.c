// SPDX-License-Identifier: Apache-2.0
// Numbers of nodes: given at first sight, kept, never given twice.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/replication/place.h"
#include "server/peers.h"

static int start(void **state)
{
    static struct peers peers;
    peers_init(&peers);
    peers_self_set(&peers, &(struct peer){.id = 7, .linked = true});
    *state = &peers;
    return 0;
}

static int end(void **state)
{
    peers_fini(*state);
    return 0;
}

static void number_stays_with_its_node(void **state)
{
    struct peers *peers = *state;
    assert_int_equal(peers_number(peers, 7), PLACE_SELF);
    assert_int_equal(peers_find(peers, 100), PLACE_NOBODY);
    assert_int_equal(peers_number(peers, 100), 1);
    assert_int_equal(peers_number(peers, 200), 2);
    assert_int_equal(peers_number(peers, 100), 1);
    assert_int_equal(peers_find(peers, 200), 2);
    struct peer peer = {.id = 200, .incarnation = 5, .services = "a:1"};
    peers_update(peers, 2, &peer);
    struct peer copy;
    assert_true(peers_copy(peers, 2, &copy));
    assert_int_equal(copy.incarnation, 5);
    assert_string_equal(copy.services, "a:1");
    assert_false(peers_copy(peers, 3, &copy));
    assert_false(peers_copy(peers, PLACE_NOBODY, &copy));
}

static void full_table_has_no_number_until_one_is_given_up(void **state)
{
    struct peers *peers = *state;
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        assert_int_equal(peers_number(peers, 1000 + i), i);
    }
    assert_int_equal(peers_number(peers, 5000), PLACE_NOBODY);
    assert_int_equal(peers_number(peers, 1001), 1);
    peers_forget(peers, 77);
    assert_int_equal(peers_find(peers, 1077), PLACE_NOBODY);
    assert_int_equal(peers_number(peers, 5000), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(number_stays_with_its_node, start, end),
        cmocka_unit_test_setup_teardown(full_table_has_no_number_until_one_is_given_up, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
