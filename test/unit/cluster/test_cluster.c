// SPDX-License-Identifier: Apache-2.0
// Clusters of whole nodes: they form, take data, grow, shrink, break and heal, and in the end all
// that was acknowledged stands where it should.
#include "cluster_net.h"

enum { COUNT = 10000, SETTLE_MS = 60000, STORM_SEEDS = 4 };

static void start(struct net *net, uint32_t set)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if ((set >> i & 1) != 0) {
            net_node_start(net, i);
        }
    }
}

static void write_all(struct net *net, uint32_t set, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        net_write(net, set, i, false);
    }
}

static void test_nodes_that_start_together_become_one_cluster(void **state)
{
    (void)state;
    struct net *net = net_new(1, 2);
    start(net, 7);
    uint64_t took_ms = net_settle(net, 7, SETTLE_MS);
    assert_true(took_ms <= 2000);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(net->node[i].view_count <= 2);
    }
    net_free(net);
}

static void test_writes_reach_all_replicas_and_nobody_else(void **state)
{
    (void)state;
    for (uint32_t factor = 1; factor <= 3; factor++) {
        struct net *net = net_new(factor, factor);
        start(net, 15);
        (void)net_settle(net, 15, SETTLE_MS);
        write_all(net, 15, 0, 3000);
        for (uint32_t i = 0; i < 3000; i += 7) {
            net_write(net, 15, i, true);
        }
        net_assert_whole(net, 15);
        net_free(net);
    }
}

static void test_a_node_that_joins_is_filled(void **state)
{
    (void)state;
    struct net *net = net_new(3, 2);
    start(net, 3);
    (void)net_settle(net, 3, SETTLE_MS);
    write_all(net, 3, 0, COUNT);
    net_node_start(net, 2);
    (void)net_settle(net, 7, SETTLE_MS);
    net_assert_whole(net, 7);
    uint64_t moved = 0;
    for (uint32_t i = 0; i < 3; i++) {
        moved += net->node[i].totals.records_sent;
    }
    assert_true(moved <= COUNT * 2 / 3 * 11 / 10);
    net_free(net);
}

static void test_a_cluster_of_one_takes_others_in(void **state)
{
    (void)state;
    struct net *net = net_new(4, 3);
    start(net, 1);
    (void)net_settle(net, 1, SETTLE_MS);
    write_all(net, 1, 0, COUNT);
    net_assert_whole(net, 1);
    start(net, 6);
    (void)net_settle(net, 7, SETTLE_MS);
    net_assert_whole(net, 7);
    net_free(net);
}

static void test_writes_go_on_while_nodes_join(void **state)
{
    (void)state;
    struct net *net = net_new(5, 2);
    start(net, 7);
    (void)net_settle(net, 7, SETTLE_MS);
    write_all(net, 7, 0, COUNT);
    start(net, 24);
    for (uint32_t i = 0; i < 2000; i++) {
        net_write(net, 31, (uint32_t)(test_random(&net->random) % (COUNT + 1000)), i % 4 == 0);
        net_tick(net);
    }
    (void)net_settle(net, 31, SETTLE_MS);
    net_assert_whole(net, 31);
    net_free(net);
}

static void test_a_killed_node_costs_nothing_but_time(void **state)
{
    (void)state;
    struct net *net = net_new(6, 2);
    start(net, 7);
    (void)net_settle(net, 7, SETTLE_MS);
    write_all(net, 7, 0, COUNT);
    net_node_kill(net, 1);
    uint64_t from_ms = net->now_ms;
    // The first write to each partition: all are served again at once.
    write_all(net, 5, COUNT, 4000);
    assert_true(net->now_ms - from_ms <= 300);
    (void)net_settle(net, 5, SETTLE_MS);
    net_assert_whole(net, 5);
    assert_int_equal(net->node[0].lost + net->node[2].lost, 0);
    net_free(net);
}

static void test_a_killed_node_comes_back_empty_and_is_filled(void **state)
{
    (void)state;
    struct net *net = net_new(7, 2);
    start(net, 15);
    (void)net_settle(net, 15, SETTLE_MS);
    write_all(net, 15, 0, COUNT);
    net_node_kill(net, 2);
    write_all(net, 11, 0, 1000);
    net_run(net, 100);
    net_node_start(net, 2);
    write_all(net, 11, 1000, 1000);
    (void)net_settle(net, 15, SETTLE_MS);
    net_assert_whole(net, 15);
    net_free(net);
}

static void test_both_sides_of_a_split_are_merged_deletes_too(void **state)
{
    (void)state;
    struct net *net = net_new(8, 2);
    start(net, 31);
    (void)net_settle(net, 31, SETTLE_MS);
    write_all(net, 31, 0, COUNT);
    net_split(net, 3);
    (void)net_settle(net, 3, SETTLE_MS);
    (void)net_settle(net, 28, SETTLE_MS);
    // Partitions that stood on the other side alone are not there for the time; what is written
    // now is written there newly.
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t set = i % 2 == 0 ? 3 : 28;
        net_write(net, set, (uint32_t)(test_random(&net->random) % (COUNT + 1000)), i % 5 == 0);
        if (i % 50 == 0) {
            net_tick(net);
        }
    }
    net_split(net, 0);
    (void)net_settle(net, 31, SETTLE_MS);
    net_assert_whole(net, 31);
    net_free(net);
}

static void test_what_a_read_took_from_a_duplicate_reaches_all_replicas(void **state)
{
    (void)state;
    struct net *net = net_new(20, 2);
    start(net, 31);
    (void)net_settle(net, 31, SETTLE_MS);
    write_all(net, 31, 0, COUNT);
    net_split(net, 3);
    (void)net_settle(net, 3, SETTLE_MS);
    (void)net_settle(net, 28, SETTLE_MS);
    for (uint32_t i = 0; i < 3000; i++) {
        net_write(net, i % 3 == 0 ? 3 : 28, i, i % 5 == 0);
    }
    net_split(net, 0);
    while (cluster_view(net->node[0].cluster)->count != 5 ||
           cluster_is_frozen(net->node[0].cluster)) {
        net_tick(net);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        net_read(net, 31, i);
    }
    (void)net_settle(net, 31, SETTLE_MS);
    net_assert_whole(net, 31);
    net_free(net);
}

static void test_a_node_that_leaves_hands_over_all_it_alone_holds(void **state)
{
    (void)state;
    for (uint32_t factor = 1; factor <= 2; factor++) {
        struct net *net = net_new(9 + factor, factor);
        start(net, 7);
        (void)net_settle(net, 7, SETTLE_MS);
        write_all(net, 7, 0, COUNT);
        struct net_node *leaver = &net->node[0];
        cluster_flags_set(leaver->cluster, MEMBER_LEAVING, net->now_ms, 1);
        uint64_t from_ms = net->now_ms;
        while (!cluster_may_leave(leaver->cluster) ||
               (cluster_view(leaver->cluster)->member[2].flags & MEMBER_LEAVING) == 0) {
            assert_true(net->now_ms - from_ms < SETTLE_MS);
            net_write(net, 7, (uint32_t)(test_random(&net->random) % COUNT), false);
            net_tick(net);
        }
        net_node_kill(net, 0);
        (void)net_settle(net, 6, SETTLE_MS);
        net_assert_whole(net, 6);
        net_free(net);
    }
}

static void test_a_quiesced_node_gives_its_partitions_away_and_takes_them_back(void **state)
{
    (void)state;
    struct net *net = net_new(12, 2);
    start(net, 7);
    (void)net_settle(net, 7, SETTLE_MS);
    write_all(net, 7, 0, COUNT);
    for (uint32_t quiesce = 1; quiesce <= 2; quiesce++) {
        uint64_t key = cluster_view(net->node[0].cluster)->key;
        cluster_flags_set(net->node[0].cluster, quiesce == 1 ? MEMBER_QUIESCED : 0, net->now_ms, 1);
        net_run(net, 1000);
        assert_true(cluster_view(net->node[0].cluster)->key == key);
        for (uint32_t i = 0; i < 3; i++) {
            cluster_recluster(net->node[i].cluster, net->now_ms, test_random(&net->random));
        }
        net_run(net, 200);
        assert_true(cluster_view(net->node[0].cluster)->key != key);
        (void)net_settle(net, 7, SETTLE_MS);
        net_assert_whole(net, 7);
        uint32_t mastered = 0;
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            mastered += net_master(net, 7, p) == &net->node[0] ? 1 : 0;
        }
        assert_true(quiesce == 1 ? mastered == 0 : mastered > 1200);
    }
    net_free(net);
}

static void test_a_node_without_the_namespace_takes_no_part_in_it(void **state)
{
    (void)state;
    struct net *net = net_new(13, 2);
    net->bare = 2;
    start(net, 15);
    (void)net_settle(net, 15, SETTLE_MS);
    write_all(net, 15, 0, 3000);
    net_assert_whole(net, 15);
    const struct partition_machine *machine = cluster_partitions(net->node[0].cluster, 0);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t id = cluster_view(net->node[0].cluster)->member[i].id;
        assert_int_equal(partition_member_has(machine, i), id != net->node[1].id);
    }
    net_free(net);
}

static void test_control_messages_of_strangers_and_of_other_views_change_nothing(void **state)
{
    (void)state;
    struct net *net = net_new(14, 2);
    start(net, 7);
    (void)net_settle(net, 7, SETTLE_MS);
    write_all(net, 7, 0, 1000);
    struct cluster *cluster = net->node[0].cluster;
    uint64_t key = cluster_view(cluster)->key;
    uint64_t member = net->node[1].id;
    uint8_t noise[300];
    for (uint32_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)test_random(&net->random);
    }
    noise[0] = 200; // longer than a name may be
    const struct {
        uint64_t from;
        uint64_t key;
        uint8_t type;
        enum base_result result;
    } cases[] = {
        {member, key, MESSAGE_EXCHANGE, RESULT_MALFORMED},
        {member, key, MESSAGE_PARTITION, RESULT_MALFORMED},
        {member, key, MESSAGE_WRITE, RESULT_MALFORMED},
        {member, key + 1, MESSAGE_PARTITION, RESULT_OK},
        {member, 0, MESSAGE_EXCHANGE, RESULT_OK},
        {0xBAD, key, MESSAGE_PARTITION, RESULT_OK},
        {net->node[0].id, key, MESSAGE_PARTITION, RESULT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (uint32_t size = 0; size <= sizeof noise; size++) {
            struct message message = {
                .type = cases[i].type, .key = cases[i].key, .body = {noise, size}};
            assert_int_equal(cluster_on_control(cluster, cases[i].from, &message, net->now_ms),
                             cases[i].result);
        }
    }
    assert_int_equal(cluster_on_heartbeat(cluster, noise, sizeof noise, net->now_ms, 1),
                     RESULT_MALFORMED);
    net_run(net, 1000);
    assert_true(cluster_view(cluster)->key == key);
    net_assert_whole(net, 7);
    net_free(net);
}

static void test_a_bad_network_does_no_harm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct net *net = net_new(100 + seed, 2);
        net->loss_percent = 5;
        net->delay_ms_max = 40;
        start(net, 7);
        (void)net_settle(net, 7, 2 * SETTLE_MS);
        write_all(net, 7, 0, 5000);
        start(net, 24);
        for (uint32_t i = 0; i < 500; i++) {
            net_write(net, 31, (uint32_t)(test_random(&net->random) % 6000), i % 4 == 0);
            net_tick(net);
        }
        (void)net_settle(net, 31, 2 * SETTLE_MS);
        net_assert_whole(net, 31);
        net_free(net);
    }
}

struct storm {
    struct net *net;
    uint32_t alive;
    uint32_t split; // one side; 0: whole
    bool settled;   // nothing happened since all was settled: a death may be borne
};

static uint32_t storm_pick(struct storm *storm, uint32_t set)
{
    uint32_t number;
    do {
        number = (uint32_t)(test_random(&storm->net->random) % NET_NODES);
    } while ((set >> number & 1) == 0);
    return number;
}

static void storm_writes(struct storm *storm, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t side = storm->alive & storm->split;
        uint32_t other = storm->alive & ~storm->split;
        uint32_t set = side != 0 && (other == 0 || net_chance(storm->net, 50)) ? side : other;
        net_write(storm->net, set, (uint32_t)(test_random(&storm->net->random) % 3000),
                  net_chance(storm->net, 25));
        net_read(storm->net, set, (uint32_t)(test_random(&storm->net->random) % 3000));
        if (net_chance(storm->net, 20)) {
            net_tick(storm->net);
        }
    }
}

static void storm_settle(struct storm *storm)
{
    net_split(storm->net, 0);
    storm->split = 0;
    storm->net->loss_percent = 0;
    (void)net_settle(storm->net, storm->alive, SETTLE_MS);
    net_assert_whole(storm->net, storm->alive);
    storm->settled = true;
}

static void storm_event(struct storm *storm)
{
    struct net *net = storm->net;
    uint32_t dead = 0x1f & ~storm->alive;
    uint32_t alive_count = (uint32_t)__builtin_popcount(storm->alive);
    bool settled = storm->settled;
    storm->settled = false;
    switch (test_random(&net->random) % 6) {
    case 0:
        if (settled && alive_count > 2) {
            uint32_t number = storm_pick(storm, storm->alive);
            storm->alive &= ~(1U << number);
            net_node_kill(net, number);
        }
        break;
    case 1:
        if (dead != 0) {
            uint32_t number = storm_pick(storm, dead);
            storm->alive |= 1U << number;
            net_node_start(net, number);
        }
        break;
    case 2:
        storm->split = (uint32_t)(test_random(&net->random) & 0x1f);
        net_split(net, storm->split);
        break;
    case 3:
        net->loss_percent = (uint32_t)(test_random(&net->random) % 10);
        break;
    default:
        storm_settle(storm);
    }
}

static void test_faults_in_any_order_lose_nothing(void **state)
{
    (void)state;
    // Under the sanitizers, which cost forty times the time, half of them.
    uint64_t seeds = getenv("SCENARIO_SHORT") != NULL ? STORM_SEEDS / 2 : STORM_SEEDS;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct net *net = net_new(1000 + seed, 2);
        net->delay_ms_max = (uint32_t)(seed % 5);
        start(net, 0x1f);
        struct storm storm = {.net = net, .alive = 0x1f};
        for (uint32_t event = 0; event < 15; event++) {
            storm_event(&storm);
            storm_writes(&storm, (uint32_t)(test_random(&net->random) % 300));
            net_run(net, (uint32_t)(test_random(&net->random) % 1000));
        }
        storm_settle(&storm);
        net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_that_start_together_become_one_cluster),
        cmocka_unit_test(test_writes_reach_all_replicas_and_nobody_else),
        cmocka_unit_test(test_a_node_that_joins_is_filled),
        cmocka_unit_test(test_a_cluster_of_one_takes_others_in),
        cmocka_unit_test(test_writes_go_on_while_nodes_join),
        cmocka_unit_test(test_a_killed_node_costs_nothing_but_time),
        cmocka_unit_test(test_a_killed_node_comes_back_empty_and_is_filled),
        cmocka_unit_test(test_both_sides_of_a_split_are_merged_deletes_too),
        cmocka_unit_test(test_what_a_read_took_from_a_duplicate_reaches_all_replicas),
        cmocka_unit_test(test_a_node_that_leaves_hands_over_all_it_alone_holds),
        cmocka_unit_test(test_a_quiesced_node_gives_its_partitions_away_and_takes_them_back),
        cmocka_unit_test(test_a_node_without_the_namespace_takes_no_part_in_it),
        cmocka_unit_test(test_control_messages_of_strangers_and_of_other_views_change_nothing),
        cmocka_unit_test(test_a_bad_network_does_no_harm),
        cmocka_unit_test(test_faults_in_any_order_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
