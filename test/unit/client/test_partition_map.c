// SPDX-License-Identifier: Apache-2.0
// The partition map: what nodes claim, who loses a partition, and answers that must change nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/partition_map.h"
#include "fake_node.h"

static struct base_slice claim(char *text, size_t size, const char *ns, uint32_t regime,
                               uint32_t modulus, uint32_t remainder)
{
    fake_replicas_text(text, size, ns, regime, modulus, remainder);
    return wire_info_slice(text);
}

static void assert_owner(struct client_map *map, const char *ns, uint32_t partition, int owner)
{
    uint32_t number;
    bool found = client__map_owner(client__map_find(map, ns), partition, 0, &number);
    assert_int_equal(found ? (int)number : -1, owner);
}

static void one_node_owns_all(void **state)
{
    (void)state;
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    char text[1024];
    assert_null(client__map_find(&map, "test"));
    assert_int_equal(
        client__map_update(&map, 7, claim(text, sizeof text, "test", 0, 1, 0), &displaced),
        RESULT_OK);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_owner(&map, "test", p, 7);
    }
    assert_null(client__map_find(&map, "tes"));
    assert_true(client__map_node_owns(&map, 7));
    assert_false(client__map_node_owns(&map, 6));
    assert_false(client__node_set_has(&displaced, 7));
    client__map_fini(&map);
}

static void claims_add_up_and_displace(void **state)
{
    (void)state;
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    char text[1024];
    assert_int_equal(
        client__map_update(&map, 0, claim(text, sizeof text, "test", 0, 1, 0), &displaced),
        RESULT_OK);
    assert_int_equal(
        client__map_update(&map, 1, claim(text, sizeof text, "test", 0, 2, 1), &displaced),
        RESULT_OK);
    assert_owner(&map, "test", 0, 0);
    assert_owner(&map, "test", 1, 1);
    assert_owner(&map, "test", 4095, 1);
    assert_true(client__node_set_has(&displaced, 0));
    assert_false(client__node_set_has(&displaced, 1));
    // A cleared bit takes nothing away.
    assert_int_equal(
        client__map_update(&map, 1, claim(text, sizeof text, "test", 0, 4096, 4095), &displaced),
        RESULT_OK);
    assert_owner(&map, "test", 1, 1);
    client__map_remove_node(&map, 1);
    assert_owner(&map, "test", 1, -1);
    assert_owner(&map, "test", 0, 0);
    client__map_fini(&map);
}

static void lower_regime_is_ignored(void **state)
{
    (void)state;
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    char text[1024];
    assert_int_equal(
        client__map_update(&map, 0, claim(text, sizeof text, "sc", 5, 1, 0), &displaced),
        RESULT_OK);
    assert_int_equal(
        client__map_update(&map, 1, claim(text, sizeof text, "sc", 4, 1, 0), &displaced),
        RESULT_OK);
    assert_owner(&map, "sc", 9, 0);
    assert_int_equal(
        client__map_update(&map, 1, claim(text, sizeof text, "sc", 6, 1, 0), &displaced),
        RESULT_OK);
    assert_owner(&map, "sc", 9, 1);
    client__map_fini(&map);
}

static void several_namespaces_and_replicas(void **state)
{
    (void)state;
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    char even[1024], odd[1024], text[4096];
    fake_replicas_text(even, sizeof even, "a", 0, 2, 0);
    fake_replicas_text(odd, sizeof odd, "a", 0, 2, 1);
    // Column 0: even partitions; column 1: odd ones; a second namespace; a separator at the end.
    snprintf(text, sizeof text, "a:0,2,%s,%s;b:0,1,%s;", even + strlen("a:0,1,"),
             odd + strlen("a:0,1,"), odd + strlen("a:0,1,"));
    assert_int_equal(client__map_update(&map, 3, wire_info_slice(text), &displaced), RESULT_OK);
    struct client_partitions *a = client__map_find(&map, "a");
    uint32_t number;
    assert_true(client__map_owner(a, 0, 0, &number));
    assert_true(client__map_owner(a, 1, 0, &number)); // no master known: the replica will do
    assert_true(client__map_owner(a, 1, 1, &number));
    assert_owner(&map, "b", 0, -1);
    assert_owner(&map, "b", 1, 3);
    client__map_fini(&map);
}

static void unsound_answers_change_nothing(void **state)
{
    (void)state;
    char good[1024], text[8192];
    fake_replicas_text(good, sizeof good, "test", 0, 1, 0);
    const char *bitmap = good + strlen("test:0,1,");
    char cases[9][2048];
    snprintf(cases[0], sizeof cases[0], "test:0,0");
    snprintf(cases[1], sizeof cases[1], "test:0,2,%s", bitmap);
    snprintf(cases[2], sizeof cases[2], "test:0,1,%.683s", bitmap);
    snprintf(cases[3], sizeof cases[3], "test:0,1,%s=", bitmap);
    snprintf(cases[4], sizeof cases[4], ":0,1,%s", bitmap);
    snprintf(cases[5], sizeof cases[5], "%.32s:0,1,%s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
             bitmap);
    snprintf(cases[6], sizeof cases[6], "test:x,1,%s", bitmap);
    snprintf(cases[7], sizeof cases[7], "ERROR:4:unrecognized command");
    snprintf(cases[8], sizeof cases[8], "test:0,1,*%s", bitmap + 1);
    for (size_t i = 0; i < 9; i++) {
        struct client_map map = {0};
        struct client_node_set displaced = {0};
        // A sound namespace in front does not help.
        snprintf(text, sizeof text, "first:0,1,%.684s;%.2000s", bitmap, cases[i]);
        assert_int_equal(client__map_update(&map, 0, wire_info_slice(text), &displaced),
                         RESULT_MALFORMED);
        assert_int_equal(map.count, 0);
        client__map_fini(&map);
    }
}

static void at_most_32_namespaces(void **state)
{
    (void)state;
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    char text[1024], ns[16];
    for (int i = 0; i <= LIMIT_NAMESPACES; i++) {
        snprintf(ns, sizeof ns, "n%d", i);
        assert_int_equal(
            client__map_update(&map, 0, claim(text, sizeof text, ns, 0, 1, 0), &displaced),
            i < LIMIT_NAMESPACES ? RESULT_OK : RESULT_LIMIT);
    }
    assert_int_equal(map.count, LIMIT_NAMESPACES);
    client__map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node_owns_all),
        cmocka_unit_test(claims_add_up_and_displace),
        cmocka_unit_test(lower_regime_is_ignored),
        cmocka_unit_test(several_namespaces_and_replicas),
        cmocka_unit_test(unsound_answers_change_nothing),
        cmocka_unit_test(at_most_32_namespaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
