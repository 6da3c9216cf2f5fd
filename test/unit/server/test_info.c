// SPDX-License-Identifier: Apache-2.0
// Info as clients and tools read it: forms, aliases, errors, and values that follow what happened.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include "cluster/replica.h"
#include "io/clock.h"
#include "server/info.h"
#include "server/log.h"
#include "server/ticker.h"

struct fixture {
    struct node *node;
    struct worker worker;
    struct connection connection;
    char *text; // of the last answer
};

static const char file[] =
    "service {\ncluster-name berlin\nnode-id BB9\nticker-interval 1\n}\n"
    "network {\nservice {\naddress 127.0.0.1\nport 3100\naccess-address db.example\n"
    "access-address fd00::2\nalternate-access-address 203.0.113.7\n"
    "alternate-access-port 4000\n}\n}\n"
    "namespace test {\nreplication-factor 2\nrack-id 7\nstorage-engine memory {\ndata-size 1G\n}\n"
    "set demo {\nstop-writes-count 10\n}\n}\nnamespace bar {\n}\n";

static int setup(void **state)
{
    static struct config_diag diag;
    memset(&diag, 0, sizeof diag);
    struct fixture *f = calloc(1, sizeof *f);
    struct config *config;
    struct base_slice text = {(const uint8_t *)file, strlen(file)};
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_text_load(config, "a.conf", text, &diag), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    assert_int_equal(node_new(config, &f->node), RESULT_OK);
    memset(config->log.sinks[0].level, LOG_CRITICAL, sizeof config->log.sinks[0].level);
    assert_int_equal(log_new(&config->log, 1, &f->node->log), RESULT_OK);
    assert_int_equal(worker_init(&f->worker, f->node), RESULT_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->text);
    worker_fini(&f->worker);
    log_free(&f->node->log);
    node_free(&f->node);
    free(f);
    return 0;
}

static const char *answer(struct fixture *f, const char *request)
{
    f->worker.output.size = 0;
    struct base_slice body = {(const uint8_t *)request, strlen(request)};
    info_answer(&f->worker, &f->connection, body);
    free(f->text);
    f->text = calloc(1, f->worker.output.size + 1);
    memcpy(f->text, f->worker.output.data, f->worker.output.size);
    return f->text;
}

// The value of one name, without the name and the line's end.
static const char *value(struct fixture *f, const char *name)
{
    char *text = (char *)answer(f, name);
    size_t name_size = strlen(name);
    assert_memory_equal(text, name, name_size);
    assert_int_equal(text[name_size], '\t');
    char *end = text + strlen(text) - 1;
    assert_int_equal(*end, '\n');
    *end = '\0';
    assert_null(strchr(text + name_size + 1, '\n'));
    assert_null(strchr(text + name_size + 1, '\t'));
    return text + name_size + 1;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

// The value of `key` in a k=v;k=v text, copied.
static const char *of(const char *pairs, const char *key)
{
    static char out[512];
    size_t size = strlen(key);
    for (const char *at = pairs; at != NULL; at = strchr(at, ';')) {
        at += *at == ';';
        if (strncmp(at, key, size) == 0 && at[size] == '=') {
            snprintf(out, sizeof out, "%.*s", (int)strcspn(at + size + 1, ";"), at + size + 1);
            return out;
        }
    }
    fail_msg("%s is not in %s", key, pairs);
    return NULL;
}

static void answers_come_in_order_and_repeat_the_request(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(answer(f, "node\nno:such;thing\nnode"),
                        "node\tBB9\nno:such;thing\tERROR:4:unrecognized command\nnode\tBB9\n");
}

static void an_empty_request_gets_the_default_set(void **state)
{
    struct fixture *f = *state;
    const char *text = answer(f, "");
    assert_non_null(strstr(text, "\nversion\tBallast Community Edition build 8.1.2.0\n"));
    assert_non_null(strstr(text, "\nedition\tBallast Community Edition\n"));
    assert_non_null(strstr(text, "\nbuild\t8.1.2.0\n"));
}

static void constants_and_addresses_are_as_clients_parse_them(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *value;
    } cases[] = {
        {"build", "8.1.2.0"},
        {"status", "ok"},
        {"STATUS", "OK"},
        {"cluster-name", "berlin"},
        {"partition-generation", "0"},
        {"peers-generation", "0"},
        {"peers-clear-std", "0,3000,[]"},
        {"peers-tls-std", "0,,[]"},
        {"alumni-clear-std", "0,3000,[]"},
        {"services", ""},
        {"service", "db.example:3100;[fd00::2]:3100"},
        {"service-clear-std", "db.example:3100,[fd00::2]:3100"},
        {"service-clear-alt", "203.0.113.7:4000"},
        {"service-tls-std", ""},
        {"namespaces", "test;bar"},
        {"partitions", "4096"},
        {"rack-ids", "test:7;bar:0"},
        {"racks:", "ns=test:rack_7=BB9;ns=bar:rack_0=BB9"},
        {"racks:namespace=bar", "ns=bar:rack_0=BB9"},
        {"roster:namespace=test", "ns=test:roster=null:pending_roster=null:observed_nodes=null"},
        {"connection", "admin=false"},
        {"get-config:context=xdr", "dcs=;src-id=0;trace-sample=0"},
        {"get-config:context=security", "enable-security=false"},
        {"sindex-list:ns=test;", ""},
        {"sindex-exists:ns=test;indexname=i", "false"},
        {"logs", "0:stderr"},
        {"query-show", ""},
        {"health-outliers", ""},
        {"best-practices", "failed_best_practices=none"},
        {"query-abort-all:", "OK - number of queries killed: 0"},
        {"recluster:", "ok"},
        {"tip-clear:host-port-list=all", "ok"},
        {"services-alumni-reset", "ok"},
        {"dump-cluster:verbose=true", "ok"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(value(f, cases[i].name), cases[i].value);
    }
}

static void errors_carry_the_code_that_clients_know(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *error;
    } cases[] = {
        {"namespace/nope", "ERROR:20:"},
        {"sets/nope", "ERROR:20:"},
        {"get-config:context=namespace", "ERROR:4:missing namespace"},
        {"get-config:context=namespace;id=nope", "ERROR:20:"},
        {"get-config:context=nope", "ERROR:4:"},
        {"set-config:context=service;service-threads=2", "ERROR:4:"},
        {"set-config:context=service;nope=2", "ERROR:4:"},
        {"set-config:context=service", "ERROR:4:"},
        {"set-config:proto-fd-max=2", "ERROR:4:"},
        {"set-config:context=namespace;id=nope;default-ttl=1", "ERROR:20:"},
        {"set-config:context=namespace;id=test;strong-consistency=true", "ERROR:4:"},
        {"set-config:context=security;x=1", "ERROR:16:"},
        {"cluster-stable:namespace=nope", "ERROR:20:"},
        {"cluster-stable:size=3", "ERROR:9:"},
        {"truncate:set=a", "ERROR:4:missing namespace"},
        {"truncate:namespace=test;set=demo;lut=zero", "ERROR:4:bad lut"},
        {"truncate:namespace=test;set=demo;lut=9999999999999999999", "ERROR:4:lut lies"},
        {"truncate-undo:namespace=test;set=demo", "ERROR:10:"},
        {"sindex-create:namespace=test;indexname=i;bin=b;type=NUMERIC", "ERROR:16:"},
        {"sindex-delete:namespace=test;indexname=i", "ERROR:201:"},
        {"sindex/test/i", "ERROR:201:"},
        {"sindex-stat:namespace=test;indexname=i", "ERROR:201:"},
        {"query-show:id=7", "ERROR:2:"},
        {"query-show:trid=7", "ERROR:2:"},
        {"query-abort:id=x", "ERROR:4:"},
        {"jobs:module=query;cmd=kill-job;trid=7", "ERROR:2:"},
        {"tip:host=a;port=3002", "ERROR:16:"},
        {"tip-clear:host-port-list=a:3002", "ERROR:2:"},
        {"quiesce:", "ERROR:22:"},
        {"roster-set:namespace=test;nodes=A", "ERROR:10:"},
        {"log/9", "ERROR:4:"},
        {"log-set:id=0;rw=loud", "ERROR:4:"},
        {"latencies:hist=nope", "ERROR:4:"},
        {"histogram:namespace=test;type=nope", "ERROR:4:"},
        {"xdr-set-filter:dc=d", "ERROR:16:"},
        {"masking:namespace=test", "ERROR:16:"},
        {"udf-put:filename=a.lua;content=!;content-len=1;udf-type=LUA;", "ERROR:4:"},
        {"bins", "ERROR:4:unrecognized command"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = value(f, cases[i].name);
        if (!begins(text, cases[i].error)) {
            fail_msg("%s answered %s", cases[i].name, text);
        }
    }
}

static void a_lone_node_holds_every_partition(void **state)
{
    struct fixture *f = *state;
    const char *text = value(f, "replicas");
    assert_true(begins(text, "test:0,1,////"));
    const char *second = strchr(text, ';');
    assert_int_equal(second - text, (ptrdiff_t)strlen("test:0,1,") + 684);
    assert_true(begins(second, ";bar:0,1,////"));
    assert_int_equal(strlen(second), strlen(";bar:0,1,") + 684);
    assert_true(begins(value(f, "replicas-prole"), "test:AAAA"));
    const char *stable = value(f, "cluster-stable:size=1;ignore-migrations=true");
    assert_int_equal(strlen(stable), 12);
    assert_int_equal(strspn(stable, "0123456789ABCDEF"), 12);
    text = value(f, "partition-info");
    uint32_t rows = 0;
    for (const char *at = text; (at = strchr(at, ';')) != NULL; at++) {
        rows++;
    }
    assert_int_equal(rows, 2 * 4096);
}

static void statistics_follow_the_counters(void **state)
{
    struct fixture *f = *state;
    counters_add(&f->worker.counters->ns[0].client_read_success, 3);
    counters_add(&f->worker.counters->node.info_complete, 5);
    atomic_store(&f->node->client_connections, 2);
    f->node->namespaces[0].stop_writes = true;
    assert_string_equal(of(value(f, "namespace/test"), "client_read_success"), "3");
    assert_string_equal(of(value(f, "namespace/test"), "stop_writes"), "true");
    assert_string_equal(of(value(f, "namespace/bar"), "client_read_success"), "0");
    assert_string_equal(of(value(f, "statistics"), "info_complete"), "5");
    assert_string_equal(of(value(f, "statistics"), "client_connections"), "2");
    assert_string_equal(of(value(f, "statistics"), "cluster_size"), "1");
    // Configuration follows in the same list, and no list ends in a separator.
    const char *text = value(f, "namespace/test");
    assert_string_equal(of(text, "replication-factor"), "2");
    assert_string_equal(of(text, "data_total_bytes"), "1073741824");
    assert_int_not_equal(text[strlen(text) - 1], ';');
}

static void configuration_is_read_and_changed_under_all_its_names(void **state)
{
    struct fixture *f = *state;
    static const char *const spellings[] = {
        "get-config:context=namespace;id=test",
        "get-config:context=namespace;namespace=test",
        "get-config:context=namespace;ns=test;",
    };
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(of(value(f, spellings[i]), "nsup-period"), "120");
    }
    assert_string_equal(of(value(f, "statistics"), "deprecated_requests"), "2");
    assert_string_equal(value(f, "set-config:context=namespace;id=test;default-ttl=2h"), "ok");
    assert_string_equal(of(value(f, spellings[0]), "default-ttl"), "7200");
    assert_string_equal(value(f, "set-config:context=service;proto-fd-max=99"), "ok");
    assert_string_equal(of(value(f, "get-config:context=service"), "proto-fd-max"), "99");
    assert_string_equal(of(value(f, "get-config"), "proto-fd-max"), "99");
    assert_string_equal(value(f, "set-config:context=network;heartbeat.interval=200"), "ok");
    assert_string_equal(of(value(f, "get-config:context=network"), "heartbeat.interval"), "200");
    assert_string_equal(of(value(f, "get-config:context=network"), "service.port"), "3100");
    assert_string_equal(
        value(f, "set-config:context=namespace;namespace=test;set=new;stop-writes-size=1M"), "ok");
    assert_string_equal(
        of(value(f, "get-config:context=namespace;id=test;set=new"), "stop-writes-size"),
        "1048576");
}

static void put(struct namespace *ns, uint8_t partition, uint8_t number, bool tombstone)
{
    const uint8_t digest[LIMIT_DIGEST_SIZE] = {partition, 0, number};
    struct store_bin bin = {.name = (const uint8_t *)"b", .name_size = 1, .type = 1};
    struct store_draft draft = {.digest = digest,
                                .last_update_ms = 1,
                                .generation = 1,
                                .bin_count = !tombstone,
                                .tombstone = tombstone,
                                .set_name = {(const uint8_t *)"demo", 4},
                                .bins = &bin};
    struct store_cursor cursor;
    store_acquire(ns->store, digest, 0, &cursor);
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    store_release(&cursor);
}

static void records_and_tombstones_are_told_by_what_the_node_is_to_them(void **state)
{
    struct fixture *f = *state;
    struct namespace *ns = &f->node->namespaces[0];
    static const struct {
        enum place_role role;
        uint8_t objects, tombstones;
        const char *object_name, *object_value, *tombstone_name, *tombstone_value;
    } rows[] = {
        {PLACE_MASTER, 3, 1, "master_objects", "3", "master_tombstones", "1"},
        {PLACE_REPLICA, 2, 4, "prole_objects", "2", "prole_tombstones", "4"},
        {PLACE_NONE, 5, 6, "non_replica_objects", "5", "non_replica_tombstones", "6"},
    };
    for (uint8_t i = 0; i < 3; i++) {
        struct place place = {.key = 1, .role = (uint8_t)rows[i].role, .master = 1};
        replica_place_set(ns->replica, i, &place);
        for (uint8_t number = 0; number < rows[i].objects + rows[i].tombstones; number++) {
            put(ns, i, number, number >= rows[i].objects);
        }
    }
    for (uint8_t i = 0; i < 3; i++) {
        assert_string_equal(of(value(f, "namespace/test"), rows[i].object_name),
                            rows[i].object_value);
        assert_string_equal(of(value(f, "namespace/test"), rows[i].tombstone_name),
                            rows[i].tombstone_value);
    }
    assert_string_equal(of(value(f, "namespace/test"), "objects"), "10");
    assert_string_equal(of(value(f, "namespace/test"), "tombstones"), "11");
    assert_string_equal(of(value(f, "statistics"), "objects"), "10");
    assert_string_equal(of(value(f, "statistics"), "tombstones"), "11");
    assert_true(begins(value(f, "sets/test/demo"), "ns=test:set=demo:objects=10:tombstones=11:"));
}

static void sets_tell_what_they_hold(void **state)
{
    struct fixture *f = *state;
    const char *text = value(f, "sets/test/demo");
    assert_true(begins(text, "ns=test:set=demo:objects=0:tombstones=0:data_used_bytes=0:"));
    assert_non_null(strstr(text, ":stop-writes-count=10:stop-writes-size=0;"));
    struct store_set *set;
    struct base_slice name = {(const uint8_t *)"a/b;c\td", 7};
    assert_int_equal(store_set_ensure(f->node->namespaces[0].store, name, &set), RESULT_OK);
    assert_non_null(strstr(value(f, "sets"), ";ns=test:set=a/b?c?d:objects=0:"));
    assert_string_equal(value(f, "sets/test/none"), "");
}

static void truncation_marks_the_set_and_asks_for_the_walk(void **state)
{
    struct fixture *f = *state;
    struct namespace *ns = &f->node->namespaces[0];
    uint64_t before = io_clock_epoch_ms();
    assert_string_equal(value(f, "truncate:namespace=test;set=demo"), "ok");
    struct base_slice name = {(const uint8_t *)"demo", 4};
    struct store_set *set = store_set_find(ns->store, name);
    assert_true(set->truncate_before_ms > before);
    assert_true(ns->truncating);
    assert_int_equal(ns->truncate_before_ms, 0);
    char request[128];
    uint64_t unix_ns = (before + (uint64_t)IO_CLOCK_EPOCH_UNIX_S * 1000) * 1000000;
    snprintf(request, sizeof request, "truncate-namespace:namespace=test;lut=%llu",
             (unsigned long long)unix_ns);
    assert_string_equal(value(f, request), "ok");
    assert_int_equal(ns->truncate_before_ms, before);
    assert_string_equal(value(f, "truncate:namespace=bar"), "ok");
    assert_true(f->node->namespaces[1].truncate_before_ms > 0);
}

static void modules_are_kept_and_given_back(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(
        value(f, "udf-put:filename=a.lua;content=LS0gaGk=;content-len=8;udf-type=LUA;"), "ok");
    const char *list = value(f, "udf-list");
    assert_true(begins(list, "filename=a.lua,hash="));
    assert_non_null(strstr(list, ",type=LUA;"));
    assert_string_equal(value(f, "udf-get:filename=a.lua;"), "type=LUA;content=LS0gaGk=;");
    assert_string_equal(value(f, "udf-remove:filename=a.lua;"), "ok");
    assert_string_equal(value(f, "udf-remove:filename=a.lua;"), "ok");
    assert_string_equal(value(f, "udf-get:filename=a.lua"), "error=not_found");
    assert_string_equal(value(f, "udf-list"), "");
}

static void user_agents_are_counted_while_they_are_connected(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(value(f, "user-agent-set:value=MSxub2RlanM="), "ok");
    assert_string_equal(value(f, "user-agents"), "user-agent=MSxub2RlanM=:count=1");
    assert_string_equal(value(f, "user-agent-set:value=MSxvdGhlcg=="), "ok");
    assert_string_equal(value(f, "user-agents"), "user-agent=MSxvdGhlcg==:count=1");
    info_user_agent_leave(f->node->info, f->connection.user_agent);
    assert_string_equal(value(f, "user-agents"), "");
    assert_true(begins(value(f, "user-agent-set:"), "ERROR:4:"));
}

static void log_levels_are_read_and_changed(void **state)
{
    struct fixture *f = *state;
    assert_non_null(strstr(value(f, "log/0"), ";rw:CRITICAL;"));
    assert_string_equal(value(f, "log-set:id=0;rw=warning"), "ok");
    assert_non_null(strstr(value(f, "log/0"), ";rw:WARNING;"));
    assert_string_equal(value(f, "set-log:id=0;any=CRITICAL"), "ok");
    assert_non_null(strstr(value(f, "log/0"), ";rw:CRITICAL;"));
}

static void latencies_show_the_last_window(void **state)
{
    struct fixture *f = *state;
    assert_true(begins(value(f, "latencies:"), "batch-index:;{test}-read:;{test}-write:;"));
    assert_int_equal(ticker_start(f->node, &f->node->ticker), RESULT_OK);
    struct counters_histogram *histogram = &f->worker.counters->ns[0].hist_read;
    counters_time(histogram, 500 * 1000, 3);      // half a millisecond
    counters_time(histogram, 5 * 1000 * 1000, 1); // five milliseconds
    assert_true(begins(value(f, "latencies:hist={test}-read"), "{test}-read:msec,"));
    struct ticker_window window = {0};
    for (uint32_t i = 0; i < 100 && window.per_second == 0; i++) {
        ticker_window(f->node, 1, &window);
        poll(NULL, 0, 50); // the window ends with the ticker's second
    }
    assert_true(window.per_second > 0);
    assert_non_null(strstr(value(f, "latencies:hist={test}-read"), ",25.00,25.00,25.00,0.00,0.00"));
    ticker_stop(&f->node->ticker);
}

static void a_plain_line_gets_its_value_alone(void **state)
{
    struct fixture *f = *state;
    f->worker.output.size = 0;
    struct base_slice line = {(const uint8_t *)"node", 4};
    info_answer_line(&f->worker, NULL, line);
    assert_int_equal(f->worker.output.size, 4);
    assert_memory_equal(f->worker.output.data, "BB9\n", 4);
}

static void a_request_is_bounded_in_names_and_in_bytes(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = LIMIT_INFO_COMMANDS + 10 };
    static const char name[] = "partition-info\n";
    char *request = calloc(COUNT, sizeof name);
    for (int i = 0; i < COUNT; i++) {
        strcat(request, i < 10 ? "node\n" : "status\n");
    }
    const char *text = answer(f, request);
    assert_non_null(strstr(text, "status\tERROR:4:too many commands in one request\n"));
    request[0] = '\0';
    for (int i = 0; i < 150; i++) {
        strcat(request, name);
    }
    text = answer(f, request);
    assert_true(f->worker.output.size < LIMIT_INFO_RESPONSE_SIZE + 150 * 100);
    assert_non_null(strstr(text, "partition-info\tERROR:8:the whole answer would be too large\n"));
    free(request);
}

static void every_command_of_the_help_answers_one_line(void **state)
{
    struct fixture *f = *state;
    char *help = strdup(value(f, "help"));
    char *rest;
    uint32_t count = 0;
    for (char *name = strtok_r(help, ";", &rest); name != NULL; name = strtok_r(NULL, ";", &rest)) {
        char request[128];
        static const char *const forms[] = {"%s",
                                            "%s:",
                                            "%s/",
                                            "%s/test",
                                            "%s:namespace=test",
                                            "%s:id=1",
                                            "%s:namespace=test;set=demo;x=\x01"};
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            snprintf(request, sizeof request, forms[i], name);
            assert_null(strstr(value(f, request), "unrecognized command"));
        }
        count++;
    }
    assert_true(count > 100);
    free(help);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(answers_come_in_order_and_repeat_the_request),
        CASE(an_empty_request_gets_the_default_set),
        CASE(constants_and_addresses_are_as_clients_parse_them),
        CASE(errors_carry_the_code_that_clients_know),
        CASE(a_lone_node_holds_every_partition),
        CASE(statistics_follow_the_counters),
        CASE(configuration_is_read_and_changed_under_all_its_names),
        CASE(records_and_tombstones_are_told_by_what_the_node_is_to_them),
        CASE(sets_tell_what_they_hold),
        CASE(truncation_marks_the_set_and_asks_for_the_walk),
        CASE(modules_are_kept_and_given_back),
        CASE(user_agents_are_counted_while_they_are_connected),
        CASE(log_levels_are_read_and_changed),
        CASE(latencies_show_the_last_window),
        CASE(a_plain_line_gets_its_value_alone),
        CASE(a_request_is_bounded_in_names_and_in_bytes),
        CASE(every_command_of_the_help_answers_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
