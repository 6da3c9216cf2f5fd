// SPDX-License-Identifier: Apache-2.0
// Whole screens against what the official tool prints for a node that answers the same.
#include "fake_admin.h"

#include "admin_screens.h"

// A node with a small set of data: what it answers, cut down to what the screens are made of.
#define NAMESPACE_TEST                                                                             \
    "ns_cluster_size=1;effective_replication_factor=1;objects=1580;tombstones=0;"                  \
    "master_objects=1580;master_tombstones=0;prole_objects=0;prole_tombstones=0;"                  \
    "non_replica_objects=0;non_replica_tombstones=0;dead_partitions=0;unavailable_partitions=0;"   \
    "stop_writes=false;hwm_breached=false;expired_objects=0;evicted_objects=0;"                    \
    "index_used_bytes=101120;set_index_used_bytes=1696;sindex_used_bytes=285212672;"               \
    "data_total_bytes=4294967296;data_used_bytes=230624;data_used_pct=0;data_avail_pct=96;"        \
    "data_compression_ratio=1.000;migrate_tx_partitions_remaining=0;"                              \
    "migrate_rx_partitions_remaining=0;client_read_success=10595;client_write_success=25827;"      \
    "client_udf_complete=118;pi_query_short_basic_complete=4;si_query_short_basic_complete=9;"     \
    "evict-indexes-memory-pct=0;indexes-memory-budget=0;rack-id=0;replication-factor=1;"           \
    "stop-writes-sys-memory-pct=90;strong-consistency=false;index-type=mem;sindex-type=mem;"       \
    "storage-engine=memory;storage-engine.stripe[0]=stripe-0;storage-engine.compression=none;"     \
    "storage-engine.evict-used-pct=0;storage-engine.stop-writes-avail-pct=5;"                      \
    "storage-engine.stop-writes-used-pct=70"

#define INDEX(name, set, bin, type, kind, context)                                                 \
    "ns=test:indexname=" name ":set=" set ":bin=" bin ":type=" type ":indextype=" kind             \
    ":context=" context ":exp=null:state=RW;"

static const char indexes[] =
    INDEX("idx_test_a", "query_foreach", "a", "string", "default", "null")
    INDEX("idx_test_b", "query_foreach", "b", "numeric", "default", "null")
    INDEX("idx_test_c", "query_foreach", "c", "numeric", "default", "null")
    INDEX("idx_test_d", "query_foreach", "d", "numeric", "default", "null")
    INDEX("idx_test_x", "query_foreach", "x", "string", "list", "null")
    INDEX("idx_ctx_test_x", "query_foreach", "x", "string", "default", "[[list_index(0)]")
    INDEX("idx_test_y", "query_foreach", "y", "string", "mapkeys", "null")
    INDEX("idx_test_y1", "query_foreach", "y", "string", "mapvalues", "null")
    INDEX("idx_ctx_test_y", "query_foreach", "y", "string", "default", "[[map_key(<string#4>)]")
    INDEX("idx_test_z", "query_foreach", "z", "numeric", "list", "null")
    INDEX("idx_ctx_test_z", "query_foreach", "z", "numeric", "default", "[[list_rank(-1)]")
    INDEX("idx_blob_test", "query_foreach", "blob", "blob", "default", "null")
    INDEX("idx_list_blob_test", "query_foreach", "blob_list", "blob", "list", "null")
    INDEX("idx-6-9562692", "demo", "bin-6-3298656", "numeric", "default", "null")
    "ns=test:indexname=idx-4-8533877:set=demo:bin=null:type=numeric:indextype=default:"
    "context=null:exp=bin_int(\"bin-4-731818\"):state=RW;"
    "ns=test:indexname=idx-7-1623236:set=demo:indextype=set;"
    INDEX("toolset_b", "toolset", "b", "numeric", "default", "null")
    INDEX("toolset_c", "toolset", "c", "string", "default", "null");

#define STAT(name, entries)                                                                        \
    {                                                                                              \
        "sindex-stat:namespace=test;indexname=" name,                                              \
            "entries=" entries                                                                     \
            ";used_bytes=16777216;entries_per_bval=0;entries_per_rec=0;"                           \
            "load_pct=100"                                                                         \
    }

static const struct fake_info index_infos[] = {
    {"sindex-list:", indexes},
    STAT("idx_test_a", "10"),
    STAT("idx_test_b", "10"),
    STAT("idx_test_c", "10"),
    STAT("idx_test_d", "10"),
    STAT("idx_test_x", "30"),
    STAT("idx_ctx_test_x", "10"),
    STAT("idx_test_y", "10"),
    STAT("idx_test_y1", "10"),
    STAT("idx_ctx_test_y", "2"),
    STAT("idx_test_z", "50"),
    STAT("idx_ctx_test_z", "10"),
    STAT("idx_blob_test", "10"),
    STAT("idx_list_blob_test", "10"),
    STAT("idx-6-9562692", "0"),
    STAT("idx-4-8533877", "0"),
    {"sindex-stat:namespace=test;indexname=idx-7-1623236", "entries=106;used_bytes=1696"},
    {"sindex-stat:namespace=test;indexname=toolset_b",
     "entries=10;used_bytes=16777216;entries_per_bval=3;entries_per_rec=1"},
    {"sindex-stat:namespace=test;indexname=toolset_c",
     "entries=10;used_bytes=16777216;entries_per_bval=4;entries_per_rec=1"},
    {NULL, NULL},
};

// Half the row of a histogram: percentages that are all zero.
#define ZEROS "0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00"

static const struct fake_info infos[] = {
    {"node", "C6"},
    {"build", "8.1.2.0"},
    {"version", "Aerospike Community Edition build 8.1.2.0"},
    {"cluster-name", "suites-plain"},
    {"release",
     "edition=Aerospike Community Edition;version=8.1.2.0;arch=x86_64;"
     "os=Debian GNU/Linux 12 (bookworm) (6.18.44-fc-v669)"},
    {"service-clear-std", "127.0.0.1:13600"},
    {"peers-clear-std", "0,3000,[]"},
    {"namespaces", "test"},
    {"rack-ids", "test:0"},
    {"namespace/test", NAMESPACE_TEST},
    {"get-config:context=service", "proto-fd-max=4000;rack=1"},
    {"get-config:context=network", "service.port=13600;fabric.tls-port=0"},
    {"get-config:context=namespace;namespace=test", "replication-factor=1;rack-id=0"},
    {"best-practices", "failed_best_practices=max-map-count,min-free-kbytes,swappiness"},
    {"racks:", "ERROR:25:enterprise only"},
    {"udf-list",
     "filename=client_record_lists.lua,hash=06274e5981b74aeeb884dc84ee1fe6e3d34df54b,type=LUA;"
     "filename=list_unordered.lua,hash=631734c5494cf6ed1e676b14dddcae80131f9b6a,type=LUA;"
     "filename=client_stream_simple.lua,hash=309e81594ba7e3ac7f29c78b21ecb3fa7ae28d1d,type=LUA"},
    {"latencies:",
     "batch-index:msec,0.0," ZEROS ";{test}-read:msec,0.2," ZEROS ";{test}-write:msec,0.0," ZEROS
     ";{test}-udf:msec,0.2," ZEROS ";{test}-batch-sub-read:msec,0.0," ZEROS
     ";{test}-batch-sub-write:msec,0.0," ZEROS ";{test}-batch-sub-udf:msec,0.0," ZEROS
     ";{test}-pi-query:;{test}-si-query:"},
    {"set-config:context=namespace;namespace=test;background-query-max-rps=9000", "ok"},
    {NULL, NULL},
};

#define STATISTICS(connections, uptime, free_pct)                                                  \
    "cluster_size=1;cluster_key=FC225B1F98E7;cluster_integrity=true;cluster_principal=C6;"         \
    "uptime=" uptime ";system_free_mem_pct=" free_pct ";client_connections=" connections           \
    ";client_connections_opened=1836;client_connections_closed=1834;early_tsvc_client_error=47;"   \
    "batch_index_initiate=119;paxos_principal=C6;migrate_partitions_remaining=0"

// Prints a screen at a moment, with the statistics of that moment.
static void expect(const char *when, const char *statistics, const char *line, const char *screen)
{
    const struct fake_info more[] = {
        {"statistics", statistics}, {"sindex-list:", indexes}, {NULL, NULL}};
    struct fake_info all[sizeof more / sizeof more[0] + sizeof index_infos / sizeof index_infos[0]];
    size_t count = 0;
    for (size_t i = 0; more[i].command != NULL; i++) {
        all[count++] = more[i];
    }
    for (size_t i = 0; i < sizeof index_infos / sizeof index_infos[0]; i++) {
        all[count++] = index_infos[i];
    }
    const struct fake_node node = {.host = "127.0.0.1",
                                   .port = 13600,
                                   .name = "localhost",
                                   .infos = all,
                                   .others = infos,
                                   .here = true};
    struct fake fake;
    fake_init(&fake, &node, 1);
    fake.now = fake_time(when);
    fake.session.privileged = true;
    fake_expect(&fake, line, screen);
    fake_fini(&fake);
}

static void info_shows_network_usage_and_objects(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:08", STATISTICS("27", "2701", "92"), "info", screen_info);
}

static void tables_in_json_have_raw_and_shown_values(void **state)
{
    (void)state;
    const struct fake_info statistics[] = {{"statistics", STATISTICS("5", "2721", "92")},
                                           {NULL, NULL}};
    const struct fake_node node = {.host = "127.0.0.1",
                                   .port = 13600,
                                   .name = "localhost",
                                   .infos = statistics,
                                   .others = infos};
    struct fake fake;
    fake_init(&fake, &node, 1);
    fake.now = fake_time("2026-11-22 16:00:28");
    fake.session.json = true;
    fake_expect(&fake, "info network", screen_json);
    fake_fini(&fake);
}

static void info_sindex_adds_up_each_set(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:12", STATISTICS("1", "1", "92"), "info sindex", screen_info_sindex);
}

static void statistics_stand_under_each_other(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:13", STATISTICS("2", "1", "92"), "show statistics service like client",
           screen_statistics_like);
}

static void config_can_be_picked_by_name(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:17", STATISTICS("2", "1", "92"),
           "show config namespace for test like replication", screen_config_namespace_like);
}

static void partitions_are_counted_by_who_works_them(void **state)
{
    (void)state;
    struct tools_text text = {0};
    tools_text_string_append(&text,
                             "namespace:partition:state:replica:n_dupl:working_master:"
                             "emigrates:immigrates:records:tombstones:version:"
                             "final_version");
    for (int i = 0; i < 4096; i++) {
        tools_text_format_append(&text, ";test:%d:S:0:0:C6:0:0:1:0:0:0", i);
    }
    const struct fake_info partitions[] = {{"partition-info", tools_text_string(&text)},
                                           {"statistics", STATISTICS("2", "1", "92")},
                                           {NULL, NULL}};
    const struct fake_node node = {.host = "127.0.0.1",
                                   .port = 13600,
                                   .name = "localhost",
                                   .infos = partitions,
                                   .others = infos};
    struct fake fake;
    fake_init(&fake, &node, 1);
    fake.now = fake_time("2026-11-22 16:00:21");
    fake_expect(&fake, "show pmap", screen_pmap);
    fake_fini(&fake);
    tools_text_fini(&text);
}

static void one_node_never_differs_from_itself(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:18", STATISTICS("2", "1", "92"), "show config diff",
           screen_config_diff);
}

static void latencies_of_each_histogram_are_weighed(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:19", STATISTICS("2", "1", "92"), "show latencies", screen_latencies);
    expect("2026-11-22 16:00:19", STATISTICS("2", "1", "92"), "show latencies -e 3 -b 5",
           screen_latencies_wide);
}

static void indexes_and_modules_are_listed_by_name(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:22", STATISTICS("2", "1", "92"), "show sindex", screen_sindex);
    expect("2026-11-22 16:00:22", STATISTICS("2", "1", "92"), "show udfs", screen_udfs);
}

static void best_practices_name_what_failed(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:24", STATISTICS("2", "1", "92"), "show best-practices",
           screen_best_practices);
}

static void racks_that_a_node_refuses_to_tell_are_no_table(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:24", STATISTICS("2", "1", "92"), "show racks", "");
}

static void mapping_goes_both_ways(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:25", STATISTICS("2", "1", "92"), "show mapping", screen_mapping);
}

static void features_are_told_by_counters(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:26", STATISTICS("2", "1", "92"), "features", screen_features);
}

static void summary_adds_up_the_cluster(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:26", STATISTICS("2", "1", "92"), "summary", screen_summary);
}

static void a_change_is_answered_by_each_node(void **state)
{
    (void)state;
    expect("2026-11-22 16:00:26", STATISTICS("2", "1", "92"),
           "manage config namespace test param background-query-max-rps to 9000",
           screen_set_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_shows_network_usage_and_objects),
        cmocka_unit_test(tables_in_json_have_raw_and_shown_values),
        cmocka_unit_test(info_sindex_adds_up_each_set),
        cmocka_unit_test(statistics_stand_under_each_other),
        cmocka_unit_test(config_can_be_picked_by_name),
        cmocka_unit_test(partitions_are_counted_by_who_works_them),
        cmocka_unit_test(one_node_never_differs_from_itself),
        cmocka_unit_test(latencies_of_each_histogram_are_weighed),
        cmocka_unit_test(indexes_and_modules_are_listed_by_name),
        cmocka_unit_test(best_practices_name_what_failed),
        cmocka_unit_test(racks_that_a_node_refuses_to_tell_are_no_table),
        cmocka_unit_test(mapping_goes_both_ways),
        cmocka_unit_test(features_are_told_by_counters),
        cmocka_unit_test(summary_adds_up_the_cluster),
        cmocka_unit_test(a_change_is_answered_by_each_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
