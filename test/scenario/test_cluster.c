// SPDX-License-Identifier: Apache-2.0
// Three real nodes: they find each other, notice at once when one dies, let one leave in good order
// and come back, and care nothing for strangers.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cluster.h"

static const struct test_node_options two_copies = {.namespace = "    replication-factor 2"};

static int start(void **state)
{
    static struct test_cluster cluster;
    test_cluster_start(&cluster, 3, &two_copies);
    *state = &cluster;
    return 0;
}

static int end(void **state)
{
    test_cluster_fini(*state);
    return 0;
}

// Bits of column `column` that a node claims, added to `claims`. False while it serves fewer
// copies.
static bool claims_add(struct test_cluster *cluster, uint32_t number, uint32_t column,
                       uint8_t claims[4096])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = test_cluster_info(cluster, number, "replicas");
    if (strncmp(at, "test:0,2,", 9) != 0) {
        return false;
    }
    at += 9 + column * 685;
    for (uint32_t i = 0; i < 4096; i++) {
        uint32_t value = (uint32_t)(strchr(digits, at[i / 6]) - digits);
        claims[i] = (uint8_t)(claims[i] + (value >> (5 - i % 6) & 1));
    }
    return true;
}

static bool each_is_claimed_once(void *arg)
{
    struct test_cluster *cluster = arg;
    for (uint32_t column = 0; column < 2; column++) {
        uint8_t claims[4096] = {0};
        for (uint32_t i = 0; i < TEST_CLUSTER_NODES; i++) {
            if (cluster->running[i] && !claims_add(cluster, i, column, claims)) {
                return false;
            }
        }
        for (uint32_t i = 0; i < 4096; i++) {
            if (claims[i] != 1) {
                return false;
            }
        }
    }
    return true;
}

static void nodes_know_each_other_and_share_the_partitions(void **state)
{
    struct test_cluster *cluster = *state;
    test_until("each partition has one master and one replica", each_is_claimed_once, cluster);
    char key[64];
    char principal[64];
    snprintf(key, sizeof key, "%s", test_cluster_figure(cluster, 0, "statistics", "cluster_key"));
    snprintf(principal, sizeof principal, "%s",
             test_cluster_figure(cluster, 0, "statistics", "cluster_principal"));
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(test_cluster_figure(cluster, i, "statistics", "cluster_size"), "3");
        assert_string_equal(test_cluster_figure(cluster, i, "statistics", "cluster_key"), key);
        assert_string_equal(test_cluster_figure(cluster, i, "statistics", "cluster_principal"),
                            principal);
        assert_string_equal(test_cluster_figure(cluster, i, "statistics", "cluster_integrity"),
                            "true");
        assert_string_equal(
            test_cluster_figure(cluster, i, "statistics", "migrate_partitions_remaining"), "0");
        assert_string_equal(
            test_cluster_figure(cluster, i, "namespace/test", "effective_replication_factor"), "2");
        assert_string_equal(test_cluster_figure(cluster, i, "namespace/test", "ns_cluster_size"),
                            "3");
        char id[64];
        snprintf(id, sizeof id, "[%s,,[127.0.0.1:%u]]", test_cluster_info(cluster, i, "node"),
                 cluster->node[i].port);
        for (uint32_t k = 0; k < 3; k++) {
            bool listed = strstr(test_cluster_info(cluster, k, "peers-clear-std"), id) != NULL;
            assert_int_equal(listed, i != k);
        }
        assert_non_null(strstr(test_cluster_info(cluster, i, "racks:"), "ns=test:rack_0="));
    }
}

static void death_is_known_at_once(void **state)
{
    struct test_cluster *cluster = *state;
    uint64_t start_ns = test_now_ns();
    kill(cluster->node[2].pid, SIGKILL);
    test_client_close(&cluster->client[2]);
    cluster->running[2] = false;
    test_cluster_wait(cluster, true);
    double view_ms = (double)(test_now_ns() - start_ns) / 1e6;
    test_until("the two that are left have all partitions", each_is_claimed_once, cluster);
    print_message("kill -9 to the new view: %.0f ms, to the new map: %.0f ms\n", view_ms,
                  (double)(test_now_ns() - start_ns) / 1e6);
    assert_int_equal(test_node_wait(&cluster->node[2]), -1);
    assert_true(view_ms < 1400); // else it was silence that told
    test_node_fini(&cluster->node[2]);
    test_cluster_add(cluster, 2);
    test_cluster_wait(cluster, false);
    test_until("each partition has one master and one replica", each_is_claimed_once, cluster);
}

static void paused_node_is_left_out_and_comes_back(void **state)
{
    struct test_cluster *cluster = *state;
    kill(cluster->node[1].pid, SIGSTOP);
    cluster->running[1] = false;
    test_cluster_wait(cluster, true);
    kill(cluster->node[1].pid, SIGCONT);
    cluster->running[1] = true;
    test_cluster_wait(cluster, false);
    test_until("each partition has one master and one replica", each_is_claimed_once, cluster);
}

static void node_leaves_with_0_when_told_and_the_others_go_on(void **state)
{
    struct test_cluster *cluster = *state;
    test_cluster_stop(cluster, 0);
    assert_true(test_node_log_lines(&cluster->node[0], "leaving: all handed over", NULL) == 1);
    assert_true(test_node_log_lines(&cluster->node[0], "to see the new map", NULL) == 1);
    test_cluster_wait(cluster, false);
    test_until("the two that are left have all partitions", each_is_claimed_once, cluster);
    test_node_fini(&cluster->node[0]);
    test_cluster_add(cluster, 0);
    test_cluster_wait(cluster, false);
}

static void ends_with_0(struct test_cluster *cluster, uint32_t number)
{
    int status = test_node_wait(&cluster->node[number]);
    test_client_close(&cluster->client[number]);
    cluster->running[number] = false;
    if (status != 0) {
        fputs(cluster->node[number].log, stderr); // too long for a message
        fail_msg("node %u ended with %d", number, status);
    }
}

static bool is_told_to_stop(void *arg)
{
    return test_node_log_lines(arg, "stopping on SIGTERM", NULL) == 1;
}

static void second_signal_ends_a_node_at_once(void **state)
{
    struct test_cluster *cluster = *state;
    kill(cluster->node[0].pid, SIGTERM);
    test_until("the node leaves", is_told_to_stop, &cluster->node[0]);
    kill(cluster->node[0].pid, SIGTERM);
    ends_with_0(cluster, 0);
    assert_true(test_node_log_lines(&cluster->node[0], "a second signal", NULL) == 1);
}

static void nodes_that_all_leave_do_not_wait_for_each_other(void **state)
{
    struct test_cluster *cluster = *state;
    uint64_t start_ns = test_now_ns();
    for (uint32_t i = 0; i < 3; i++) {
        kill(cluster->node[i].pid, SIGTERM);
    }
    for (uint32_t i = 0; i < 3; i++) {
        ends_with_0(cluster, i);
    }
    print_message("all three ended after %.0f ms\n", (double)(test_now_ns() - start_ns) / 1e6);
    assert_true(test_now_ns() - start_ns < 7000000000u);
}

static bool is_quiesced(void *arg)
{
    struct test_cluster *cluster = arg;
    return strcmp(test_cluster_figure(cluster, 1, "namespace/test", "effective_is_quiesced"),
                  "true") == 0 &&
           strcmp(test_cluster_figure(cluster, 0, "namespace/test", "nodes_quiesced"), "1") == 0;
}

static bool serves_nothing(void *arg)
{
    uint8_t claims[4096] = {0};
    return claims_add(arg, 1, 0, claims) && claims_add(arg, 1, 1, claims) &&
           memchr(claims, 1, sizeof claims) == NULL;
}

static bool is_pending(void *arg)
{
    return strcmp(test_cluster_figure(arg, 1, "namespace/test", "pending_quiesce"), "true") == 0;
}

static void recluster_all(struct test_cluster *cluster)
{
    uint32_t heeded = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const char *answer = test_cluster_info(cluster, i, "recluster:");
        heeded += strcmp(answer, "ok") == 0;
        assert_true(strcmp(answer, "ok") == 0 || strcmp(answer, "ignored-by-non-principal") == 0);
    }
    assert_int_equal(heeded, 1);
}

static void quiesced_node_serves_nothing_after_the_next_recluster(void **state)
{
    struct test_cluster *cluster = *state;
    assert_string_equal(test_cluster_info(cluster, 1, "quiesce:"), "ok");
    test_until("the node is about to be quiesced", is_pending, cluster);
    recluster_all(cluster);
    test_until("the node is quiesced", is_quiesced, cluster);
    test_until("the node serves nothing", serves_nothing, cluster);
    test_cluster_wait(cluster, false);
    assert_string_equal(test_cluster_info(cluster, 1, "quiesce-undo:"), "ok");
    recluster_all(cluster);
    test_until("each partition has one master and one replica", each_is_claimed_once, cluster);
}

static int stranger(uint16_t port, const char *bytes, size_t size)
{
    struct test_client client;
    test_client_connect(&client, port);
    test_client_send(&client, bytes, size);
    return client.fd;
}

static void strangers_cost_nothing(void **state)
{
    struct test_cluster *cluster = *state;
    char key[64];
    snprintf(key, sizeof key, "%s", test_cluster_info(cluster, 0, "cluster-stable:"));
    static const char noise[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what is this? ";
    for (uint32_t i = 0; i < 100; i++) {
        close(stranger(cluster->node[0].heartbeat_port, noise, sizeof noise));
        close(stranger(cluster->node[0].heartbeat_port, "GET / HTTP/1.0\r\n\r\n", 18));
        close(stranger(cluster->node[0].fabric_port, noise, sizeof noise));
    }
    test_node_log_wait(&cluster->node[0], "is not the heartbeat protocol of Ballast", "127.0.0.1");
    assert_true(test_node_log_lines(&cluster->node[0], "is not the heartbeat protocol", NULL) <= 2);
    assert_string_equal(test_cluster_info(cluster, 0, "cluster-stable:"), key);
    assert_string_equal(test_cluster_info(cluster, 1, "cluster-stable:"), key);
}

static bool has_no_peer(void *arg)
{
    return test_cluster_info(arg, 0, "services")[0] == '\0';
}

static bool has_a_peer(void *arg)
{
    return !has_no_peer(arg);
}

static void operator_tips_a_node_and_forgets_one(void **state)
{
    static struct test_cluster cluster;
    (void)state;
    memset(&cluster, 0, sizeof cluster);
    static const struct test_node_options named = {.service = "    cluster-name tipped"};
    cluster.options = named;
    struct test_node *a = &cluster.node[0], *b = &cluster.node[1];
    test_node_start(a, &named);
    test_node_start(b, &named);
    cluster.running[0] = cluster.running[1] = true;
    test_client_connect(&cluster.client[0], a->port);
    test_client_connect(&cluster.client[1], b->port);
    assert_string_equal(test_cluster_figure(&cluster, 0, "statistics", "cluster_size"), "1");
    char command[128];
    snprintf(command, sizeof command, "tip:host=127.0.0.1;port=%u", b->heartbeat_port);
    assert_string_equal(test_cluster_info(&cluster, 0, command), "ok");
    test_cluster_wait(&cluster, false);
    char services[64];
    snprintf(services, sizeof services, "127.0.0.1:%u", b->port);
    test_until("a lists b", has_a_peer, &cluster);
    assert_string_equal(test_cluster_info(&cluster, 0, "services"), services);
    assert_string_equal(test_cluster_info(&cluster, 0, "services-alumni"), services);
    test_cluster_kill(&cluster, 1);
    test_until("a lists nobody", has_no_peer, &cluster);
    assert_string_equal(test_cluster_info(&cluster, 0, "services-alumni"), services);
    snprintf(command, sizeof command, "tip-clear:host-port-list=127.0.0.1:%u", b->heartbeat_port);
    assert_string_equal(test_cluster_info(&cluster, 0, command), "ok");
    assert_int_equal(strncmp(test_cluster_info(&cluster, 0, command), "ERROR:2:", 8), 0);
    assert_string_equal(test_cluster_info(&cluster, 0, "services-alumni-reset"), "ok");
    assert_string_equal(test_cluster_info(&cluster, 0, "services-alumni"), "");
    test_cluster_fini(&cluster);
}

static bool lists_access_addresses(void *arg)
{
    return strstr(test_cluster_info(arg, 0, "peers-clear-std"), ",,[db.example:4000]]") != NULL &&
           strstr(test_cluster_info(arg, 0, "peers-clear-alt"), ",,[10.1.2.3:5000]]") != NULL;
}

static void peers_are_listed_by_the_addresses_that_they_publish(void **state)
{
    static struct test_cluster cluster;
    (void)state;
    memset(&cluster, 0, sizeof cluster);
    test_cluster_add(&cluster, 0);
    setenv("BALLAST_SERVICE_ACCESS_ADDRESS", "db.example", 1);
    setenv("BALLAST_SERVICE_ACCESS_PORT", "4000", 1);
    setenv("BALLAST_SERVICE_ALTERNATE_ACCESS_ADDRESS", "10.1.2.3", 1);
    setenv("BALLAST_SERVICE_ALTERNATE_ACCESS_PORT", "5000", 1);
    test_cluster_add(&cluster, 1);
    unsetenv("BALLAST_SERVICE_ACCESS_ADDRESS");
    unsetenv("BALLAST_SERVICE_ACCESS_PORT");
    unsetenv("BALLAST_SERVICE_ALTERNATE_ACCESS_ADDRESS");
    unsetenv("BALLAST_SERVICE_ALTERNATE_ACCESS_PORT");
    test_until("the addresses are listed", lists_access_addresses, &cluster);
    assert_string_equal(test_cluster_info(&cluster, 0, "services"), "db.example:4000");
    assert_string_equal(test_cluster_info(&cluster, 0, "services-alternate"), "10.1.2.3:5000");
    test_cluster_fini(&cluster);
}

static void too_small_a_cluster_serves_nothing(void **state)
{
    static struct test_cluster cluster;
    (void)state;
    static const struct test_node_options two_at_least = {.service = "    min-cluster-size 2"};
    memset(&cluster, 0, sizeof cluster);
    cluster.options = two_at_least;
    test_cluster_add(&cluster, 0);
    assert_string_equal(test_cluster_info(&cluster, 0, "partition-generation"), "-1");
    test_cluster_add(&cluster, 1);
    test_cluster_wait(&cluster, false);
    assert_string_not_equal(test_cluster_info(&cluster, 0, "partition-generation"), "-1");
    test_cluster_fini(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_each_other_and_share_the_partitions),
        cmocka_unit_test(strangers_cost_nothing),
        cmocka_unit_test(death_is_known_at_once),
        cmocka_unit_test(paused_node_is_left_out_and_comes_back),
        cmocka_unit_test(quiesced_node_serves_nothing_after_the_next_recluster),
        cmocka_unit_test(node_leaves_with_0_when_told_and_the_others_go_on),
        cmocka_unit_test(nodes_that_all_leave_do_not_wait_for_each_other),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test_setup_teardown(second_signal_ends_a_node_at_once, start, end),
        cmocka_unit_test(operator_tips_a_node_and_forgets_one),
        cmocka_unit_test(peers_are_listed_by_the_addresses_that_they_publish),
        cmocka_unit_test(too_small_a_cluster_serves_nothing),
    };
    int failed = cmocka_run_group_tests(tests, start, end);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
