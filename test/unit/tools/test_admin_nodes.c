// SPDX-License-Identifier: Apache-2.0
// Several nodes: screens of two against what the official tool prints, and nodes that do not answer
// or are not what they should be.
#include "fake_admin.h"

#include "admin_two_screens.h"

#define NAMESPACE_TEST                                                                             \
    "effective_replication_factor=2;objects=12000;master_objects=6000;master_tombstones=0;"        \
    "prole_objects=6000;prole_tombstones=0;non_replica_objects=0;non_replica_tombstones=0;"        \
    "dead_partitions=0;unavailable_partitions=0;stop_writes=false;expired_objects=0;"              \
    "evicted_objects=0;index_used_bytes=0;sindex_used_bytes=16777216;"                             \
    "data_total_bytes=2147483648;data_used_bytes=734003200;data_avail_pct=99;"                     \
    "data_compression_ratio=1.000;migrate_tx_partitions_remaining=0;"                              \
    "migrate_rx_partitions_remaining=0;evict-indexes-memory-pct=0;rack-id=0;"                      \
    "replication-factor=2;stop-writes-sys-memory-pct=90;index-type=shmem;sindex-type=shmem;"       \
    "storage-engine=memory;storage-engine.evict-used-pct=0;"                                       \
    "storage-engine.stop-writes-avail-pct=5;storage-engine.stop-writes-used-pct=70"

#define STATISTICS                                                                                 \
    "cluster_size=2;cluster_key=851A3ED82B1F;cluster_integrity=true;"                              \
    "paxos_principal=BB90600000A4202;migrate_partitions_remaining=0;client_connections=6;"         \
    "uptime=4010;system_free_mem_pct=81"

static const struct fake_info common[] = {
    {"build", "8.1.1.0"},
    {"version", "Aerospike Community Edition build 8.1.1.0"},
    {"statistics", STATISTICS},
    {"namespaces", "test"},
    {"namespace/test", NAMESPACE_TEST},
    {"sets",
     "ns=test:set=demo:objects=12000:data_used_bytes=734003200:stop-writes-count=0:"
     "stop-writes-size=0:disable-eviction=false:enable-index=false:"
     "index_populating=false;"},
    {"get-config:context=service", "proto-fd-max=15000;ticker-interval=10"},
    {"get-config:context=network", "service.port=3000"},
    {"get-config:context=namespace;namespace=test", "rack-id=0"},
    {"latencies:",
     "{test}-read:msec,5234.4,0.54,0.1,0.1,0.02,0.02,0.02,0.00,0.00,0.00,0.00,0.00,"
     "0.00,0.00,0.00,0.00,0.00,0.00"},
    {"roster:",
     "ns=test:roster=null:pending_roster=null:"
     "observed_nodes=BB90500000A4202,BB90600000A4202"},
    {"racks:", "ns=test:rack_1=BB90500000A4202:rack_2=BB90600000A4202"},
    {NULL, NULL},
};

static const struct fake_info first[] = {
    {"node", "BB90500000A4202"},
    {"service-clear-std", "10.0.0.5:3000"},
    {"peers-clear-std", "1,3000,[[BB90600000A4202,,[10.0.0.6]]]"},
    {NULL, NULL},
};

static const struct fake_info second[] = {
    {"node", "BB90600000A4202"},
    {"service-clear-std", "10.0.0.6:3000"},
    {"peers-clear-std", "1,3000,[[BB90500000A4202,,[10.0.0.5:3000]]]"},
    {NULL, NULL},
};

static const struct fake_node two_nodes[] = {
    {.host = "10.0.0.5", .port = 3000, .name = "node1.example", .infos = first, .others = common},
    {.host = "10.0.0.6", .port = 3000, .name = "node2.example", .infos = second, .others = common},
};

static void show(const char *line, const char *screen)
{
    struct fake fake;
    fake_init(&fake, two_nodes, 2);
    fake_expect(&fake, line, screen);
    fake_fini(&fake);
}

// The same for a screen of which only some lines are known.
static void show_lines(const char *line, const char *lines)
{
    struct fake fake;
    fake_init(&fake, two_nodes, 2);
    assert_true(fake_run(&fake, line));
    while (*lines != '\0') {
        size_t size = strcspn(lines, "\n") + 1;
        assert_non_null(memmem(fake.out, strlen(fake.out), lines, size));
        lines += size;
    }
    fake_fini(&fake);
}

static void the_principal_is_marked_and_nodes_stand_in_order(void **state)
{
    (void)state;
    show("info network", two_network);
}

static void namespaces_are_added_up_over_nodes(void **state)
{
    (void)state;
    show("info namespace usage", two_usage);
    show("info namespace object", two_object);
    show_lines("info set", two_set);
}

static void parameters_have_a_column_or_a_line_for_each_node(void **state)
{
    (void)state;
    show("show stat service like client_connections cluster_key uptime", two_service);
    show("show config service --flip", two_flip);
    show("show config service -flip", two_flip);
}

static void latencies_are_weighed_by_operations(void **state)
{
    (void)state;
    show("show latencies", two_latency);
}

static void rosters_are_listed_for_each_node(void **state)
{
    (void)state;
    show_lines("show roster", two_roster);
}

// ---- nodes that do not answer -------------------------------------------------------------------

static const struct fake_info knows_a_third[] = {
    {"node", "BB90500000A4202"},
    {"service-clear-std", "10.0.0.5:3000"},
    {"peers-clear-std",
     "2,3000,[[BB90600000A4202,,[10.0.0.6]],[BB90700000A4202,,[[fd00::7],10.0.0.7]]]"},
    {NULL, NULL},
};

static const struct fake_node three_nodes[] = {
    {.host = "10.0.0.5",
     .port = 3000,
     .name = "node1.example",
     .infos = knows_a_third,
     .others = common},
    {.host = "10.0.0.6", .port = 3000, .name = "node2.example", .infos = second, .others = common},
    {.host = "10.0.0.7",
     .port = 3000,
     .name = "node3.example",
     .infos = common,
     .others = common,
     .silent = true},
};

static void a_silent_node_is_a_line_and_a_warning(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, three_nodes, 3);
    assert_true(fake_run(&fake, "info network"));
    assert_non_null(
        strstr(fake.out, "\n[fd00::7]:3000     | BB90700000A4202|[fd00::7]:3000|~~   "));
    assert_non_null(strstr(fake.out, "\n*node2.example:3000|*BB90600000A4202|"));
    assert_non_null(strstr(fake.out, "Number of rows: 3\n"));
    assert_string_equal(fake.err, "WARNING: [fd00::7]:3000 does not answer: no answer in time.\n");

    assert_true(fake_run(&fake, "info namespace object"));
    assert_non_null(strstr(fake.out, "\n~~       |[fd00::7]:3000     |  ~~|    ~~|"));
    assert_non_null(strstr(fake.out, "|24.000 K|12.000 K|12.000 K|")); // of those that answer
    assert_true(fake_run(&fake, "show stat service like uptime -t"));
    assert_non_null(strstr(fake.out, "\nuptime|~~            |4010              |4010"));
    assert_true(fake_run(&fake, "show latencies"));
    assert_non_null(strstr(fake.out, "10468.8"));
    assert_true(fake_run(&fake, "summary"));
    assert_non_null(strstr(fake.out, "\nCluster Size              |2 "));
    fake_fini(&fake);
}

static void every_command_outlives_a_silent_node(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "info",        "info set",    "info sindex",         "info release",     "show statistics",
        "show config", "show pmap",   "show best-practices", "show roster",      "show racks",
        "show sindex", "show udfs",   "show user-agents",    "show mapping",     "features",
        "summary -l",  "asinfo node", "show stat sets",      "show stat sindex",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct fake fake;
        fake_init(&fake, three_nodes, 3);
        fake.session.privileged = true;
        assert_true(fake_run(&fake, lines[i]));
        assert_null(strstr(fake.err, "ERROR"));
        fake.session.json = true;
        assert_true(fake_run(&fake, lines[i]));
        fake_fini(&fake);
    }
}

static void nodes_that_talk_nonsense_are_shown_as_they_are(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "",
        ";",
        "=",
        "a=b",
        ":::;;;=",
        "ERROR:4:no",
        "{",
        "a=1;a=2",
        "ns=test:set=",
        "x:y;z",
        "{test}-read:msec",
        "{test:msec,1",
        "-1,,[[",
        "namespace:partition;test:0",
        "18446744073709551616=99999999999999999999999",
        "uptime=-5;cluster_size=1e9",
    };
    static const char *const lines[] = {
        "info; info set; info sindex; info release; show statistics; show config; show latencies",
        "show pmap; show racks; show roster; show best-practices; show sindex; show udfs",
        "show user-agents; summary; features; summary -l; asinfo -v statistics -l",
        "show stat sets; show stat sindex; show config --flip; show stat service -t",
    };
    static const char *const commands[] = {
        "statistics",
        "build",
        "version",
        "cluster-name",
        "release",
        "rack-ids",
        "namespace/test",
        "sets",
        "sindex-list:",
        "get-config:context=service",
        "get-config:context=network",
        "get-config:context=namespace;namespace=test",
        "latencies:",
        "partition-info",
        "racks:",
        "roster:",
        "best-practices",
        "udf-list",
        "user-agents",
        "service-clear-std",
        "peers-clear-std",
    };
    enum { COUNT = sizeof commands / sizeof commands[0] };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        struct fake_info infos[COUNT + 3] = {{"node", "A1"}, {"namespaces", "test;;test"}};
        for (size_t c = 0; c < COUNT; c++) {
            infos[c + 2] = (struct fake_info){commands[c], nonsense[i]};
        }
        const struct fake_node node = {.host = "10.0.0.5", .port = 3000, .infos = infos};
        for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
            struct fake fake;
            fake_init(&fake, &node, 1);
            fake.session.privileged = true;
            fake.session.color = true;
            fake_run(&fake, lines[l]);
            fake.session.json = true;
            fake_run(&fake, lines[l]);
            fake_fini(&fake);
        }
    }
}

static void nobody_answering_is_told_with_the_seeds(void **state)
{
    (void)state;
    const struct fake_node silent = {.host = "10.0.0.5", .port = 3000, .silent = true};
    struct fake fake;
    fake_init(&fake, &silent, 1);
    assert_false(fake_run(&fake, "info"));
    assert_string_equal(fake.out, "");
    assert_string_equal(fake.err,
                        "ERROR: Not able to connect any cluster with "
                        "[('10.0.0.5', 3000, None)]: no answer in time.\n");
    fake_fini(&fake);
}

// ---- finding and choosing -----------------------------------------------------------------------

static void nodes_are_found_through_peers_and_stay_when_the_seed_goes(void **state)
{
    (void)state;
    struct fake_node nodes[2] = {two_nodes[0], two_nodes[1]};
    struct fake fake;
    fake_init(&fake, nodes, 2);
    assert_true(fake_run(&fake, "show mapping node"));
    assert_int_equal(fake.session.cluster.node_count, 2);
    nodes[0].silent = true;
    fake.now += 5;
    assert_true(fake_run(&fake, "show mapping node"));
    assert_int_equal(fake.session.cluster.node_count, 2); // its peer still lists it
    assert_false(fake.session.cluster.nodes[0].answers);
    assert_true(fake.session.cluster.nodes[1].answers);
    fake_fini(&fake);
}

static void a_node_that_misses_others_is_known(void **state)
{
    (void)state;
    const struct fake_info blind[] = {
        {"node", "BB90600000A4202"},
        {"service-clear-std", "10.0.0.6:3000"},
        {"peers-clear-std", "1,3000,[]"},
        {NULL, NULL},
    };
    struct fake_node nodes[2] = {two_nodes[0], two_nodes[1]};
    nodes[1].infos = blind;
    struct fake fake;
    fake_init(&fake, nodes, 2);
    assert_true(fake_run(&fake, "show mapping ip"));
    assert_true(fake.session.cluster.nodes[0].sees_all);
    assert_false(fake.session.cluster.nodes[1].sees_all);
    fake_fini(&fake);
}

static void a_single_node_can_be_asked_alone(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, two_nodes, 2);
    fake.session.cluster.seeds_only = true;
    assert_true(fake_run(&fake, "info network"));
    assert_non_null(strstr(fake.out, "Number of rows: 1\n"));
    assert_null(strstr(fake.out, "node2"));
    fake_fini(&fake);
}

static void a_node_with_several_addresses_is_one_node(void **state)
{
    (void)state;
    struct fake fake;
    const char *at;
    fake_init(&fake, two_nodes, 2);
    assert_int_equal(admin_seeds_parse(&fake.session.cluster,
                                       "10.0.0.5,node1.example:3000,10.0.0.6,10.0.0.99", 3000, &at),
                     RESULT_OK);
    assert_true(fake_run(&fake, "show mapping ip"));
    assert_int_equal(fake.session.cluster.node_count, 2);
    assert_string_equal(fake.err,
                        "WARNING: 10.0.0.99 port 3000 does not answer: nobody listens "
                        "there, or there is no such host.\n");
    fake_fini(&fake);
}

static void two_nodes_with_one_id_are_both_shown(void **state)
{
    (void)state;
    const struct fake_info twin[] = {
        {"node", "BB90500000A4202"},
        {"service-clear-std", "10.0.0.9:3000"},
        {"peers-clear-std", "1,3000,[]"},
        {NULL, NULL},
    };
    const struct fake_node nodes[] = {
        two_nodes[0],
        two_nodes[1],
        {.host = "10.0.0.9", .port = 3000, .infos = twin, .others = common},
    };
    struct fake fake;
    const char *at;
    fake_init(&fake, nodes, 3);
    assert_int_equal(admin_seeds_parse(&fake.session.cluster, "10.0.0.5,10.0.0.9", 3000, &at),
                     RESULT_OK);
    assert_true(fake_run(&fake, "show mapping ip"));
    assert_non_null(strstr(fake.out, "10.0.0.5:3000|BB90500000A4202\n"));
    assert_non_null(strstr(fake.out, "10.0.0.9:3000|BB90500000A4202\n"));
    fake_fini(&fake);
}

static void nodes_of_one_name_go_by_their_addresses(void **state)
{
    (void)state;
    struct fake_node nodes[2] = {two_nodes[0], two_nodes[1]};
    nodes[0].name = nodes[1].name = "same.example";
    struct fake fake;
    fake_init(&fake, nodes, 2);
    assert_true(fake_run(&fake, "info network"));
    assert_non_null(strstr(fake.out, "\n10.0.0.5:3000 |"));
    assert_non_null(strstr(fake.out, "\n*10.0.0.6:3000|"));
    fake_fini(&fake);
}

static void nodes_of_this_machine_have_an_at_sign(void **state)
{
    (void)state;
    struct fake_node nodes[2] = {two_nodes[0], two_nodes[1]};
    nodes[0].here = nodes[1].here = true;
    struct fake fake;
    fake_init(&fake, nodes, 2);
    assert_true(fake_run(&fake, "info network"));
    assert_non_null(strstr(fake.out, "\n@node1.example:3000|"));
    assert_non_null(strstr(fake.out, "\n*node2.example:3000|"));
    fake_fini(&fake);
}

static void with_takes_ids_addresses_names_and_beginnings(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "BB90500000A4202", "bb90500000a4202",    "BB905*", "10.0.0.5:3000", "10.0.0.5",
        "node1",           "node1.example:3000", "NODE1*",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct fake fake;
        char line[100];
        fake_init(&fake, two_nodes, 2);
        snprintf(line, sizeof line, "info network with %s", patterns[i]);
        assert_true(fake_run(&fake, line));
        assert_non_null(strstr(fake.out, "node1.example:3000"));
        assert_null(strstr(fake.out, "node2"));
        fake_fini(&fake);
    }
    struct fake fake;
    fake_init(&fake, two_nodes, 2);
    assert_true(fake_run(&fake, "info network with node1, node2"));
    assert_non_null(strstr(fake.out, "Number of rows: 2\n"));
    assert_true(fake_run(&fake, "info network with all"));
    assert_non_null(strstr(fake.out, "Number of rows: 2\n"));
    assert_false(fake_run(&fake, "info network with nod3"));
    assert_string_equal(fake.err,
                        "ERROR: with: no node is called 'nod3'. The nodes are "
                        "node1.example:3000, node2.example:3000.\n");
    fake_fini(&fake);
}

static void diff_shows_what_differs_alone(void **state)
{
    (void)state;
    const struct fake_info other[] = {
        {"node", "BB90600000A4202"},
        {"service-clear-std", "10.0.0.6:3000"},
        {"peers-clear-std", "1,3000,[[BB90500000A4202,,[10.0.0.5]]]"},
        {"get-config:context=service", "proto-fd-max=9000;ticker-interval=10"},
        {NULL, NULL},
    };
    struct fake_node nodes[2] = {two_nodes[0], two_nodes[1]};
    nodes[1].infos = other;
    struct fake fake;
    fake_init(&fake, nodes, 2);
    assert_true(fake_run(&fake, "show config service diff"));
    assert_non_null(strstr(fake.out, "\nproto-fd-max|15000             |9000 "));
    assert_null(strstr(fake.out, "ticker-interval"));
    fake_fini(&fake);
}

// ---- alarms and forms ---------------------------------------------------------------------------

static void a_node_of_another_mind_is_red(void **state)
{
    (void)state;
    const struct fake_info other[] = {
        {"node", "BB90600000A4202"},
        {"service-clear-std", "10.0.0.6:3000"},
        {"peers-clear-std", "1,3000,[[BB90500000A4202,,[10.0.0.5]],[B3,,[10.0.0.7]]]"},
        {NULL, NULL},
    };
    const struct fake_info lonely[] = {
        {"node", "B3"},
        {"service-clear-std", "10.0.0.7:3000"},
        {"peers-clear-std", "1,3000,[]"},
        {"statistics", "cluster_size=1;cluster_key=77;cluster_integrity=false;paxos_principal=B3"},
        {NULL, NULL},
    };
    const struct fake_node nodes[] = {
        two_nodes[0],
        {.host = "10.0.0.6", .port = 3000, .infos = other, .others = common},
        {.host = "10.0.0.7", .port = 3000, .infos = lonely, .others = common},
    };
    struct fake fake;
    fake_init(&fake, nodes, 3);
    fake.session.color = true;
    assert_true(fake_run(&fake, "info network"));
    assert_non_null(strstr(fake.out, "\033[31;91m   1\033[0m"));
    assert_non_null(strstr(fake.out, "\033[31;91m          77\033[0m"));
    assert_non_null(strstr(fake.out, "\033[31;91mFalse    \033[0m"));
    assert_non_null(strstr(fake.out, "\033[31;91m             B3\033[0m"));
    assert_non_null(strstr(fake.out, "\033[32;92m*10.0.0.6:3000"));
    assert_null(strstr(fake.out, "\033[31;91m851A3ED82B1F"));
    fake_fini(&fake);
}

static void json_has_groups_with_their_totals(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, two_nodes, 2);
    fake.session.json = true;
    assert_true(fake_run(&fake, "info namespace object"));
    assert_non_null(strstr(fake.out,
                           "      \"aggregates\": {\n"
                           "        \"Namespace\": {\n"
                           "          \"raw\": \"test\",\n"
                           "          \"converted\": \"test\"\n"
                           "        },\n"
                           "        \"Expirations\": {\n"
                           "          \"raw\": 0,\n"
                           "          \"converted\": \"0.000\"\n"
                           "        },\n"
                           "        \"Total Records\": {\n"
                           "          \"raw\": 24000,\n"
                           "          \"converted\": \"24.000 K\"\n"
                           "        },\n"
                           "        \"Objects\": {\n"
                           "          \"Master\": {\n"));
    fake_fini(&fake);
}

static void racks_and_their_nodes_are_a_table(void **state)
{
    (void)state;
    show("show racks",
         "~Racks (2026-01-02 03:04:05 UTC)~\n"
         "Namespace|Rack|          Nodes\n"
         "         |  ID|               \n"
         "test     |   1|BB90500000A4202\n"
         "test     |   2|BB90600000A4202\n"
         "Number of rows: 2\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_principal_is_marked_and_nodes_stand_in_order),
        cmocka_unit_test(namespaces_are_added_up_over_nodes),
        cmocka_unit_test(parameters_have_a_column_or_a_line_for_each_node),
        cmocka_unit_test(latencies_are_weighed_by_operations),
        cmocka_unit_test(rosters_are_listed_for_each_node),
        cmocka_unit_test(a_silent_node_is_a_line_and_a_warning),
        cmocka_unit_test(every_command_outlives_a_silent_node),
        cmocka_unit_test(nodes_that_talk_nonsense_are_shown_as_they_are),
        cmocka_unit_test(nobody_answering_is_told_with_the_seeds),
        cmocka_unit_test(nodes_are_found_through_peers_and_stay_when_the_seed_goes),
        cmocka_unit_test(a_node_that_misses_others_is_known),
        cmocka_unit_test(a_single_node_can_be_asked_alone),
        cmocka_unit_test(a_node_with_several_addresses_is_one_node),
        cmocka_unit_test(two_nodes_with_one_id_are_both_shown),
        cmocka_unit_test(nodes_of_one_name_go_by_their_addresses),
        cmocka_unit_test(nodes_of_this_machine_have_an_at_sign),
        cmocka_unit_test(with_takes_ids_addresses_names_and_beginnings),
        cmocka_unit_test(diff_shows_what_differs_alone),
        cmocka_unit_test(a_node_of_another_mind_is_red),
        cmocka_unit_test(json_has_groups_with_their_totals),
        cmocka_unit_test(racks_and_their_nodes_are_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
