// SPDX-License-Identifier: Apache-2.0
// The configuration: what is taken, what is refused with which words, and who wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config.h"

static struct config_diag diag;

static struct config *load(const char *text, enum base_result expected)
{
    struct config *config;
    assert_int_equal(config_new(&config), RESULT_OK);
    memset(&diag, 0, sizeof diag);
    struct base_slice slice = {(const uint8_t *)text, strlen(text)};
    enum base_result result = config_text_load(config, "a.conf", slice, &diag);
    if (result == RESULT_OK) {
        result = config_finish(config, 0, &diag);
    }
    if (result != expected) {
        config_diag_print(&diag, stderr);
    }
    assert_int_equal(result, expected);
    return config;
}

static bool noted(const char *part)
{
    for (uint32_t i = 0; i < diag.note_count; i++) {
        if (strstr(diag.notes[i].text, part) != NULL) {
            return true;
        }
    }
    fprintf(stderr, "no note says: %s\n", part);
    config_diag_print(&diag, stderr);
    return false;
}

static void without_a_file_there_is_one_namespace_in_memory(void **state)
{
    (void)state;
    struct config *config;
    memset(&diag, 0, sizeof diag);
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    assert_int_equal(diag.note_count, 0);
    assert_int_equal(config->network.service_port, 3000);
    assert_int_equal(config->network.fabric_port, 3001);
    assert_int_equal(config->network.heartbeat_port, 3002);
    assert_int_equal(config->network.info_port, 3003);
    assert_true(config->network.info_enabled);
    assert_int_equal(config->namespace_count, 1);
    assert_string_equal(config->namespaces[0]->name, "test");
    assert_int_equal(config->namespaces[0]->replication_factor, 1);
    assert_int_equal(config->namespaces[0]->nsup_period_s, 120);
    assert_int_equal(config->namespaces[0]->default_ttl_s, 0);
    assert_int_equal(config->namespaces[0]->stop_writes_used_pct, 90);
    assert_int_equal(config->namespaces[0]->max_record_size, 1024 * 1024);
    assert_true(config->namespaces[0]->data_size >= 64 * 1024 * 1024);
    assert_true(config->service.service_threads >= 1);
    assert_int_equal(config->log.sink_count, 1);
    config_free(&config);
    assert_null(config);
}

// The file of the image of 2016, with its engine changed to memory.
static const char file_2016[] =
    "service {\n\tuser root\n\tgroup root\n"
    "\tpaxos-single-replica-limit 1 # comment after a value\n"
    "\tpidfile /var/run/aerospike/asd.pid\n\tservice-threads 4\n\ttransaction-queues 4\n"
    "\ttransaction-threads-per-queue 4\n\tproto-fd-max 15000\n}\n"
    "logging {\n\tfile /var/log/aerospike/aerospike.log {\n\t\tcontext any info\n\t}\n"
    "\tconsole {\n\t\tcontext any critical\n\t}\n}\n"
    "network {\n\tservice {\n\t\taddress any\n\t\tport 3000\n\t}\n"
    "\theartbeat {\n\t\tmode mesh\n\t\tport 3002\n\t\tmesh-port 3002\n\t\tinterval 150\n"
    "\t\ttimeout 10\n\t}\n\tfabric {\n\t\tport 3001\n\t}\n\tinfo {\n\t\tport 3003\n\t}\n}\n"
    "namespace test {\n\treplication-factor 2\n\tmemory-size 1G\n\tdefault-ttl 5d # 5 days\n"
    "\tstorage-engine %s\n}\n";

static void file_of_2016_with_memory_starts(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, file_2016, "memory");
    struct config *config = load(text, RESULT_OK);
    assert_int_equal(config->service.service_threads, 4);
    assert_string_equal(config->service.pidfile, "/var/run/aerospike/asd.pid");
    assert_int_equal(config->log.sink_count, 2);
    assert_string_equal(config->log.sinks[0].path, "/var/log/aerospike/aerospike.log");
    assert_int_equal(config->log.sinks[0].level[LOG_CONTEXT_nsup], LOG_INFO);
    assert_int_equal(config->log.sinks[1].level[LOG_CONTEXT_nsup], LOG_CRITICAL);
    assert_string_equal(config->network.service_address.item[0], "any");
    struct config_namespace *ns = config->namespaces[0];
    assert_int_equal(ns->replication_factor, 2);
    assert_int_equal(ns->data_size, 1024 * 1024 * 1024);
    assert_int_equal(ns->default_ttl_s, 5 * 86400);
    assert_int_equal(diag.error_count, 0);
    assert_true(noted("a.conf:4: paxos-single-replica-limit: has no effect"));
    config_free(&config);
}

static void file_of_2016_as_it_is_says_how_to_keep_its_records(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, file_2016,
             "device {\n\t\tfile /opt/aerospike/data/test.dat\n\t\tfilesize 4G\n"
             "\t\tdata-in-memory true\n\t}");
    struct config *config = load(text, RESULT_CONFIG);
    assert_int_equal(diag.error_count, 1);
    assert_true(
        noted("a.conf:42: storage-engine device: files and devices are not built yet; use "
              "`storage-engine memory`"));
    config_free(&config);
}

static const char file_of_today[] =
    "\nservice {\n\tcluster-name docker\n}\nlogging {\n\n\tconsole {\n\t\tcontext any "
    "info\n\t}\n}\n"
    "network {\n\tservice {\n\t\taddress any\n\t\tport 3000\n\t}\n\theartbeat {\n\t\tmode mesh\n"
    "\t\taddress local\n\t\tport 3002\n\t\tinterval 150\n\t\ttimeout 10\n\t}\n\tfabric {\n"
    "\t\taddress local\n\t\tport 3001\n\t}\n}\nnamespace test {\n\tnsup-period 120\n"
    "\treplication-factor 1\n\tstorage-engine %s\n}\n";

static void file_of_today_with_memory_starts(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, file_of_today, "memory {\n\t\tdata-size 4G\n\t}");
    struct config *config = load(text, RESULT_OK);
    assert_string_equal(config->service.cluster_name, "docker");
    assert_string_equal(config->network.fabric_address.item[0], "local");
    assert_int_equal(config->namespaces[0]->data_size, UINT64_C(4) << 30);
    assert_int_equal(diag.warning_count, 0);
    config_free(&config);
}

static void file_of_today_with_a_device_is_refused_by_line(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, file_of_today,
             "device {\n\t\tfile /opt/aerospike/data/test.dat\n\t\tfilesize 4G\n"
             "\t\tread-page-cache true\n\t}");
    struct config *config = load(text, RESULT_CONFIG);
    assert_int_equal(diag.error_count, 1);
    assert_true(noted("a.conf:31: storage-engine device: "));
    config_free(&config);
}

#define NS "namespace a {\nstorage-engine memory\n}\n"

static void mistakes_name_line_directive_and_the_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *note;
    } cases[] = {
        {"service {\nproto-fd-mx 5\n}\n" NS,
         "a.conf:2: proto-fd-mx: unknown directive; did you mean `proto-fd-max`?"},
        {"servce {\n}\n" NS, "a.conf:1: servce: unknown section; did you mean `service`?"},
        {"service {\nproto-fd-max many\n}\n" NS,
         "a.conf:2: proto-fd-max: 'many' is not a whole number"},
        {"service {\nproto-fd-max 0\n}\n" NS,
         "a.conf:2: proto-fd-max: 0 is out of bounds, give 1 to 2147483647 connections"},
        {"service {\nproto-fd-max\n}\n" NS, "a.conf:2: proto-fd-max: needs a value"},
        {"service {\nproto-fd-max 1 2\n}\n" NS, "a.conf:2: proto-fd-max: takes one value"},
        {"service {\nproto-fd-max 99999999999999999999999\n}\n" NS, "is not a whole number"},
        {"service {\nmicrosecond-histograms maybe\n}\n" NS, "'maybe' is neither true nor false"},
        {"service {\nmin-cluster-size 300\n}\n" NS,
         "a.conf:2: min-cluster-size: 300 is out of bounds, give 0 to 128 nodes"},
        {"service {\nvault-url x\n}\n" NS, "a.conf:2: vault-url: "},
        {"proto-fd-max 5\n" NS, "a.conf:1: proto-fd-max: stands outside of any section"},
        {"service\n" NS, "a.conf:1: service: is a section; end the line with ` {`"},
        {"service {\n", "a.conf:1: service: is never closed; add `}`"},
        {"}\n" NS, "a.conf:1: }: closes nothing"},
        {"service {\n} x\n" NS, "a.conf:2: }: must stand alone"},
        {"{\n}\n" NS, "a.conf:1: {: must stand at the end of the line"},
        {"service x {\n}\n" NS, "a.conf:1: service: takes no name"},
        {"namespace {\n}\n", "a.conf:1: namespace: needs a name before the brace"},
        {"namespace a:b {\n}\n", "'a:b' is a bad name"},
        {NS NS, "a.conf:4: namespace: 'a' is a bad name"},
        {"namespace a {\nstorage-engine pmem {\nx y\n}\n}\n", "a.conf:2: storage-engine pmem: "},
        {"namespace a {\nstorage-engine device\n}\n", "a.conf:2: storage-engine: files and"},
        {"namespace a {\nstorage-engine memory {\nfile /x\n}\n}\n", "a.conf:3: file: files and"},
        {"namespace a {\nstrong-consistency true\n}\n", "a.conf:2: strong-consistency: strong"},
        {"namespace a {\nstrong-consistency\n}\n", "a.conf:2: strong-consistency: strong"},
        {"namespace a {\nstorage-engine memory {\ncompression zstd\n}\n}\n",
         "a.conf:3: compression: compression of records is not built yet"},
        {"namespace a {\nstorage-engine memory {\nencryption aes-128\n}\n}\n", "a.conf:3: encry"},
        {"namespace a {\nindex-type flash {\nmount /x\n}\n}\n", "a.conf:2: index-type flash: "},
        {"namespace a {\ndefault-ttl 5d\nnsup-period 0\n}\n", "a.conf:1: namespace a: default-ttl"},
        {"namespace a {\ndefault-ttl 5x\n}\n", "'5x' is not a time such as"},
        {"namespace a {\nconflict-resolution-policy oldest\n}\n", "'oldest' is not one of"},
        {"namespace a {\nset s {\ndisable-evictoin true\n}\n}\n",
         "a.conf:3: disable-evictoin: unknown directive; did you mean `disable-eviction`?"},
        {"security {\n}\n" NS, "a.conf:1: security: access control is not built yet"},
        {"xdr {\ndc A {\nnode-address-port x 1\n}\n}\n" NS, "a.conf:1: xdr: shipping"},
        {"mod-lua {\nuser-path /x\n}\n" NS, "a.conf:1: mod-lua: user functions"},
        {"network {\ntls x {\ncert-file y\n}\n}\n" NS, "a.conf:2: tls: encrypted connections"},
        {"network {\nservice {\ntls-port 4333\n}\n}\n" NS, "a.conf:3: tls-port: encrypted"},
        {"network {\nheartbeat {\nmode multicast\n}\n}\n" NS, "a.conf:3: mode: multicast is"},
        {"network {\nheartbeat {\nmesh-seed-address-port h x\n}\n}\n" NS,
         "a.conf:3: mesh-seed-address-port: 'h x' is not a host and a port, such as"},
        {"network {\nheartbeat {\nmesh-seed-address-port h 0\n}\n}\n" NS, "'h 0' is not a host"},
        {"network {\nheartbeat {\nmesh-seed-address-port h 1 2\n}\n}\n" NS, "takes one value"},
        {"network {\nadmin {\nport 3008\n}\n}\n" NS, "a.conf:3: port: the separate port"},
        {"network {\nservice {\nport 3001\n}\n}\n" NS, "network.service.port"},
        {"logging {\nsyslog {\n}\n}\n" NS, "a.conf:2: syslog: logging to syslog"},
        {"logging {\nconsole {\ncontext any loud\n}\n}\n" NS, "a.conf:3: context: needs a context"},
        {"service {\nnode-id xyz\n}\n" NS, "service.node-id: 'XYZ' is not 1 to 16"},
        {"service {\n}\n", "holds no namespace"},
        {"service {\ncluster-name "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "\n}\n" NS,
         "a.conf:2: cluster-name: is longer than 64 characters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config = load(cases[i].text, RESULT_CONFIG);
        assert_true(noted(cases[i].note));
        config_free(&config);
    }
}

static void all_mistakes_are_told_in_one_go(void **state)
{
    (void)state;
    struct config *config = load(
        "service {\nnope 1\nproto-fd-max x\n}\nnamespace a {\nsingle-bin true\n}\n", RESULT_CONFIG);
    assert_int_equal(diag.error_count, 3);
    config_free(&config);
}

static void harmless_values_of_refused_directives_pass(void **state)
{
    (void)state;
    struct config *config = load(
        "service {\nmin-cluster-size 1\n}\nsecurity {\nenable-security false\n}\n"
        "xdr {\nenable-xdr false\n}\n"
        "namespace a {\nstrong-consistency false\nsingle-bin false\nindex-type shmem\n"
        "storage-engine memory {\ncompression none\ncommit-to-device false\n}\n}\n",
        RESULT_OK);
    assert_int_equal(diag.error_count, 0);
    config_free(&config);
}

static void tuning_is_taken_with_one_warning_each(void **state)
{
    (void)state;
    struct config *config = load(
        "service {\nmigrate-threads 2\nauto-pin cpu\n}\n"
        "network {\nservice {\naddress any\n}\n}\n" NS,
        RESULT_OK);
    assert_int_equal(diag.warning_count, 2);
    assert_true(noted("a.conf:2: migrate-threads: has no effect"));
    config_free(&config);
}

static void old_spellings_reach_today_s_values(void **state)
{
    (void)state;
    struct config *config = load(
        "service {\nnsup-period 30\nclient-fd-max 77\n}\nnamespace a {\nrepl-factor 3\n"
        "memory-size 2g\nhigh-water-memory-pct 60\nstop-writes-pct 80\ndisallow-null-setname\n"
        "storage-engine memory\nset s {\nset-disable-eviction true\nset-stop-writes-count 9\n}\n}\n"
        "namespace b {\nnsup-period 1M\n}\n",
        RESULT_OK);
    struct config_namespace *a = config->namespaces[0];
    assert_int_equal(config->service.proto_fd_max, 77);
    assert_int_equal(a->nsup_period_s, 30);
    assert_int_equal(config->namespaces[1]->nsup_period_s, 60);
    assert_int_equal(a->replication_factor, 3);
    assert_int_equal(a->data_size, UINT64_C(2) << 30);
    assert_int_equal(a->evict_used_pct, 60);
    assert_int_equal(a->stop_writes_used_pct, 80);
    assert_true(a->disallow_null_setname);
    assert_int_equal(a->set_count, 1);
    assert_true(a->sets[0].disable_eviction);
    assert_int_equal(a->sets[0].stop_writes_count, 9);
    config_free(&config);
}

static void repeated_addresses_make_a_list(void **state)
{
    (void)state;
    struct config *config =
        load("network {\nservice {\naddress 127.0.0.1\naddress eth0\naccess-address a.b\n}\n}\n" NS,
             RESULT_OK);
    assert_int_equal(config->network.service_address.count, 2);
    assert_string_equal(config->network.service_address.item[1], "eth0");
    assert_string_equal(config->network.access_address.item[0], "a.b");
    config_free(&config);
}

static void seeds_are_hosts_with_a_port(void **state)
{
    (void)state;
    struct config *config = load(
        "network {\nheartbeat {\naddress any\nmesh-port 3102\nmesh-address old\n"
        "mesh-seed-address-port 10.0.0.1 3002\nmesh-seed-address-port fd00::1 3003\n"
        "mesh-seed-address-port db,[fd00::2]:3004,fd00::3,h:1\n}\n}\n" NS,
        RESULT_OK);
    static const char *const items[] = {"10.0.0.1 3002", "fd00::1 3003", "db 3002", "fd00::2 3004",
                                        "fd00::3 3002",  "h 1",          "old 3102"};
    const struct config_list *seeds = &config->network.mesh_seed_address_port;
    assert_int_equal(seeds->count, sizeof items / sizeof items[0]);
    for (uint32_t i = 0; i < seeds->count; i++) {
        assert_string_equal(seeds->item[i], items[i]);
    }
    config_free(&config);
}

static void heartbeats_are_heard_where_clients_are(void **state)
{
    (void)state;
    struct config *config = load("network {\nservice {\naddress 10.0.0.1\n}\n}\n" NS, RESULT_OK);
    assert_string_equal(config->network.heartbeat_address.item[0], "any");
    assert_string_equal(config->network.fabric_address.item[0], "any");
    config_free(&config);
    config = load(
        "network {\nservice {\naddress 127.0.0.1\n}\nheartbeat {\n"
        "mesh-seed-address-port db 3002\n}\n}\n" NS,
        RESULT_OK);
    assert_string_equal(config->network.heartbeat_address.item[0], "local");
    assert_string_equal(config->network.fabric_address.item[0], "local");
    assert_true(noted("the seed `db 3002` is another; write `address any`"));
    config_free(&config);
}

static struct config *load_all(const char *const *environment, int argc, const char *const *argv,
                               struct config_command *command, enum base_result expected)
{
    struct config *config;
    memset(&diag, 0, sizeof diag);
    enum base_result result =
        config_load(argc, (char *const *)argv, (char *const *)environment, &config, command, &diag);
    if (result != expected) {
        config_diag_print(&diag, stderr);
    }
    assert_int_equal(result, expected);
    return config;
}

static char *temporary_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ballast-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void command_line_wins_over_environment_over_file(void **state)
{
    (void)state;
    char *path = temporary_file(
        "service {\nproto-fd-max 10\nquery-max-done 10\nticker-interval 7\n"
        "}\nnamespace a {\ndefault-ttl 1d\n}\n");
    const char *environment[] = {"BALLAST_PROTO_FD_MAX=20",
                                 "BALLAST_QUERY_MAX_DONE=20",
                                 "BALLAST_DEFAULT_TTL=2d",
                                 "SERVICE_PORT=9",
                                 "BALLAST_PORT_OFFSET=100",
                                 "BALLAST_MESH_SEED_ADDRESS_PORT=db,10.0.0.1:3102",
                                 NULL};
    const char *argv[] = {"ballastd", "--config-file", path,    "--proto-fd-max",
                          "30",       "--fgdaemon",    "--set", "namespace.a.nsup-period=40",
                          NULL};
    struct config_command command;
    struct config *config = load_all(environment, 8, argv, &command, RESULT_OK);
    unlink(path);
    assert_int_equal(config->service.proto_fd_max, 30);
    assert_int_equal(config->service.query_max_done, 20);
    assert_int_equal(config->service.ticker_interval_s, 7);
    assert_int_equal(config->namespaces[0]->default_ttl_s, 2 * 86400);
    assert_int_equal(config->namespaces[0]->nsup_period_s, 40);
    assert_int_equal(config->network.service_port, 3100); // an image's name: a file was given
    assert_int_equal(config->network.heartbeat_port, 3102);
    assert_string_equal(config->network.mesh_seed_address_port.item[0], "db 3002");
    assert_string_equal(config->network.mesh_seed_address_port.item[1], "10.0.0.1 3102");
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    config_print(config, to);
    fclose(to);
    assert_non_null(strstr(text, "# command line --proto-fd-max"));
    assert_non_null(strstr(text, "# environment BALLAST_QUERY_MAX_DONE"));
    assert_non_null(strstr(text, ":4\n"));
    assert_non_null(strstr(text, "# built-in"));
    free(text);
    config_free(&config);
}

static void names_of_the_image_count_without_a_file(void **state)
{
    (void)state;
    const char *environment[] = {"NAMESPACE=bar",     "SERVICE_PORT=3100",        "REPL_FACTOR=2",
                                 "MEM_GB=2",          "DEFAULT_TTL=30d",          "NSUP_PERIOD=60",
                                 "LOGFILE=/dev/null", "SERVICE_ADDRESS=any",      "STORAGE_GB=4",
                                 "NETLINK=eth0",      "AEROSPIKE_CLUSTER_NAME=c", NULL};
    const char *argv[] = {"ballastd", "--port-offset=10", NULL};
    struct config_command command;
    struct config *config = load_all(environment, 2, argv, &command, RESULT_OK);
    assert_string_equal(config->namespaces[0]->name, "bar");
    assert_int_equal(config->network.service_port, 3110);
    assert_int_equal(config->network.info_port, 3013);
    assert_int_equal(config->namespaces[0]->replication_factor, 2);
    assert_int_equal(config->namespaces[0]->data_size, UINT64_C(2) << 30);
    assert_int_equal(config->namespaces[0]->default_ttl_s, 30 * 86400);
    assert_string_equal(config->service.cluster_name, "c");
    assert_int_equal(config->log.sink_count, 1);
    config_free(&config);
}

static void device_storage_asked_by_variable_is_refused(void **state)
{
    (void)state;
    const char *environment[] = {"DATA_IN_MEMORY=false", NULL};
    const char *argv[] = {"ballastd", NULL};
    struct config_command command;
    assert_null(load_all(environment, 1, argv, &command, RESULT_CONFIG));
    assert_true(noted("DATA_IN_MEMORY: files and devices are not built yet"));
}

static void a_variable_can_name_a_file_that_holds_the_value(void **state)
{
    (void)state;
    char *path = temporary_file(" secret-name \n");
    char variable[128];
    snprintf(variable, sizeof variable, "BALLAST_CLUSTER_NAME_FILE=%s", path);
    const char *environment[] = {variable, "BALLAST_LOG_FORMAT=json", "BALLAST_LOG_LEVEL=debug",
                                 NULL};
    const char *argv[] = {"ballastd", NULL};
    struct config_command command;
    struct config *config = load_all(environment, 1, argv, &command, RESULT_OK);
    unlink(path);
    assert_string_equal(config->service.cluster_name, "secret-name");
    assert_true(config->log.json);
    assert_int_equal(config->log.sinks[0].level[LOG_CONTEXT_rw], LOG_DEBUG);
    config_free(&config);
    assert_null(load_all(environment, 1, argv, &command, RESULT_CONFIG));
    assert_true(noted("BALLAST_CLUSTER_NAME_FILE: cannot open"));
}

static void variables_of_a_kubernetes_service_are_left_alone(void **state)
{
    (void)state;
    const char *environment[] = {
        "BALLAST_SERVICE_HOST=10.0.0.1",     "BALLAST_SERVICE_PORT=80",
        "BALLAST_PORT=tcp://10.0.0.1:80",    "BALLAST_SERVICE_PORT_CLIENT=80",
        "BALLAST_PORT_80_TCP_ADDR=10.0.0.1", NULL};
    const char *argv[] = {"ballastd", NULL};
    struct config_command command;
    struct config *config = load_all(environment, 1, argv, &command, RESULT_OK);
    assert_int_equal(config->network.service_port, 3000);
    assert_int_equal(diag.note_count, 0);
    config_free(&config);
}

static void command_line_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *one;
        const char *two;
        const char *note;
    } cases[] = {
        {"--nope", NULL, "--nope: unknown option"},
        {"--config-file", NULL, "--config-file: needs a value"},
        {"--service-port", "x", "--service-port: 'x' is not a whole number"},
        {"--set", "x", "'x' is not context.directive=value"},
        {"--set", "service.nope=1", "'service.nope' names no directive"},
        {"--port-offset", "70000", "--port-offset: '70000' is not a number"},
        {"--port-offset", "65000", "--port-offset: port 3000 + 65000 is above 65535"},
        {"--config-file", "/nowhere/x", "/nowhere/x: cannot be opened"},
        {"--log-level", "loud", "'loud' is no level"},
        {"--set", "namespace.strong-consistency=true", "--set: strong consistency is not built"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *argv[] = {"ballastd", cases[i].one, cases[i].two, NULL};
        struct config_command command;
        assert_null(load_all(NULL, cases[i].two == NULL ? 2 : 3, argv, &command, RESULT_CONFIG));
        assert_true(noted(cases[i].note));
    }
}

static void help_and_version_answer_whatever_the_configuration_is(void **state)
{
    (void)state;
    const char *environment[] = {"DATA_IN_MEMORY=false", NULL};
    const char *argv[] = {"ballastd", "--config-file", "/nowhere/x", "--version", NULL};
    struct config_command command;
    struct config *config = load_all(environment, 4, argv, &command, RESULT_OK);
    assert_true(command.version);
    config_free(&config);
}

static void printed_configuration_loads_again_to_the_same(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, file_2016, "memory {\nevict-used-pct 50\n}");
    struct config *config = load(text, RESULT_OK);
    char *first = NULL;
    char *second = NULL;
    size_t size;
    FILE *to = open_memstream(&first, &size);
    config_print(config, to);
    fclose(to);
    config_free(&config);
    config = load(first, RESULT_OK);
    to = open_memstream(&second, &size);
    config_print(config, to);
    fclose(to);
    // The same but for the origins, which stand behind '#'.
    char *a_rest;
    char *b_rest;
    char *a = strtok_r(first, "\n", &a_rest);
    char *b = strtok_r(second, "\n", &b_rest);
    while (a != NULL && b != NULL) {
        assert_int_equal(strcspn(a, "#"), strcspn(b, "#"));
        assert_memory_equal(a, b, strcspn(a, "#"));
        a = strtok_r(NULL, "\n", &a_rest);
        b = strtok_r(NULL, "\n", &b_rest);
    }
    assert_true(a == NULL && b == NULL);
    free(first);
    free(second);
    config_free(&config);
}

static void collect(const char *name, const char *value, void *arg)
{
    char *out = arg;
    size_t used = strlen(out);
    snprintf(out + used, 16384 - used, "%s%s=%s", used > 0 ? ";" : "", name, value);
}

static void get_config_shows_names_in_the_known_order(void **state)
{
    (void)state;
    static char out[16384];
    struct config *config = load(
        "service {\ncluster-name x\n}\nnamespace a {\nset s {\n"
        "stop-writes-size 1M\n}\n}\n",
        RESULT_OK);
    config_service_show(config, collect, out);
    assert_ptr_equal(strstr(out, "advertise-ipv6=false;auto-pin=none;batch-index-threads="), out);
    assert_non_null(strstr(out, ";cluster-name=x;debug-allocations=false;"));
    assert_non_null(strstr(out, ";pidfile=null;"));
    out[0] = '\0';
    config_namespace_show(config, config->namespaces[0], collect, out);
    assert_ptr_equal(strstr(out, "active-rack=0;allow-ttl-without-nsup=false;"), out);
    assert_non_null(strstr(out, ";index-type=mem;sindex-type=mem;storage-engine=memory;"));
    assert_non_null(strstr(out, ";nsup-period=120;"));
    out[0] = '\0';
    config_network_show(config, collect, out);
    assert_ptr_equal(strstr(out, "service.port=3000;service.address="), out);
    out[0] = '\0';
    config_set_show(&config->namespaces[0]->sets[0], collect, out);
    assert_non_null(strstr(out, "stop-writes-size=1048576"));
    config_free(&config);
}

static void dynamic_values_change_and_static_ones_do_not(void **state)
{
    (void)state;
    char error[CONFIG_NOTE_SIZE];
    struct config *config = load(NS, RESULT_OK);
    struct config_namespace *ns = config->namespaces[0];
    assert_int_equal(config_value_set(config, NULL, false, "proto-fd-max", "9", error), RESULT_OK);
    assert_int_equal(config->service.proto_fd_max, 9);
    assert_int_equal(config_value_set(config, ns, false, "memory-size", "1G", error), RESULT_OK);
    assert_int_equal(ns->data_size, 1 << 30);
    assert_int_equal(config_value_set(config, NULL, false, "cluster-name", "n", error), RESULT_OK);
    char name[LIMIT_CLUSTER_NAME_SIZE + 1];
    config_cluster_name_copy(config, name);
    assert_string_equal(name, "n");
    assert_int_equal(config_value_set(config, NULL, true, "heartbeat.interval", "200", error),
                     RESULT_OK);
    assert_int_equal(config_value_set(config, NULL, false, "service-threads", "3", error),
                     RESULT_PARAMETER);
    assert_non_null(strstr(error, "cannot change while the node runs"));
    assert_int_equal(config_value_set(config, NULL, false, "nope", "3", error), RESULT_PARAMETER);
    assert_int_equal(config_value_set(config, ns, false, "strong-consistency", "true", error),
                     RESULT_PARAMETER);
    assert_int_equal(config_value_set(config, ns, false, "default-ttl", "x", error),
                     RESULT_PARAMETER);
    assert_int_equal(config_value_set(config, ns, false, "default-ttl", "10", error), RESULT_OK);
    assert_int_equal(config_value_set(config, ns, false, "nsup-period", "0", error),
                     RESULT_PARAMETER);
    struct config_set set = {.name = "s"};
    assert_int_equal(config_set_value_set(&set, "default-ttl", "1h", error), RESULT_OK);
    assert_int_equal(set.default_ttl_s, 3600);
    config_free(&config);
}

static void page_of_directives_is_current(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    config_directives_print(to);
    fclose(to);
    char path[1024];
    const char *tail = strstr(__FILE__, "test/unit/server/");
    assert_non_null(tail);
    snprintf(path, sizeof path, "%.*sdocs/configuration.md", (int)(tail - __FILE__), __FILE__);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *page = calloc(1, size + 2);
    size_t page_size = fread(page, 1, size + 1, file);
    fclose(file);
    assert_int_equal(page_size, size); // else: ballastd --help-config > docs/configuration.md
    assert_memory_equal(page, text, size);
    free(page);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_there_is_one_namespace_in_memory),
        cmocka_unit_test(file_of_2016_with_memory_starts),
        cmocka_unit_test(file_of_2016_as_it_is_says_how_to_keep_its_records),
        cmocka_unit_test(file_of_today_with_memory_starts),
        cmocka_unit_test(file_of_today_with_a_device_is_refused_by_line),
        cmocka_unit_test(mistakes_name_line_directive_and_the_way_out),
        cmocka_unit_test(all_mistakes_are_told_in_one_go),
        cmocka_unit_test(harmless_values_of_refused_directives_pass),
        cmocka_unit_test(tuning_is_taken_with_one_warning_each),
        cmocka_unit_test(old_spellings_reach_today_s_values),
        cmocka_unit_test(repeated_addresses_make_a_list),
        cmocka_unit_test(seeds_are_hosts_with_a_port),
        cmocka_unit_test(heartbeats_are_heard_where_clients_are),
        cmocka_unit_test(command_line_wins_over_environment_over_file),
        cmocka_unit_test(names_of_the_image_count_without_a_file),
        cmocka_unit_test(device_storage_asked_by_variable_is_refused),
        cmocka_unit_test(a_variable_can_name_a_file_that_holds_the_value),
        cmocka_unit_test(variables_of_a_kubernetes_service_are_left_alone),
        cmocka_unit_test(command_line_mistakes_are_named),
        cmocka_unit_test(help_and_version_answer_whatever_the_configuration_is),
        cmocka_unit_test(printed_configuration_loads_again_to_the_same),
        cmocka_unit_test(get_config_shows_names_in_the_known_order),
        cmocka_unit_test(dynamic_values_change_and_static_ones_do_not),
        cmocka_unit_test(page_of_directives_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
