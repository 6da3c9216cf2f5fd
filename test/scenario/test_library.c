// SPDX-License-Identifier: Apache-2.0
// libballast against a real node: everything the public header promises, end to end.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ballast/ballast.h"
#include "lib/node.h"

enum { MANY = 3000 };

struct fixture {
    struct test_node node;
    struct ballast_cluster *cluster;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    struct test_node_options options = {.namespace = "nsup-period 1\n"};
    test_node_start(&f->node, &options);
    struct ballast_config config;
    char hosts[32];
    ballast_config_init(&config);
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u", f->node.port);
    config.hosts = hosts;
    struct ballast_error error;
    assert_int_equal(ballast_connect(&config, &f->cluster, &error), BALLAST_OK);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ballast_close(&f->cluster);
    if (f->node.pid != 0) {
        test_node_stop(&f->node);
    }
    test_node_fini(&f->node);
    free(f);
    return 0;
}

static struct ballast_cluster *cluster_of(void **state)
{
    return ((struct fixture *)*state)->cluster;
}

static void put_integer(struct ballast_cluster *cluster, const struct ballast_key *key,
                        int64_t number)
{
    struct ballast_bin bin = {"n", ballast_integer(number)};
    assert_int_equal(ballast_put(cluster, NULL, key, &bin, 1, NULL), BALLAST_OK);
}

static int64_t get_integer(struct ballast_cluster *cluster, const struct ballast_key *key)
{
    struct ballast_record *record;
    assert_int_equal(ballast_get(cluster, NULL, key, &record, NULL), BALLAST_OK);
    int64_t number = ballast_record_get(record, "n")->integer;
    ballast_record_free(&record);
    return number;
}

static void values_of_every_type_come_back(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_key key = ballast_key_string("test", "types", "one");
    static const char geo[] = "\0\0\0{\"type\":\"Point\",\"coordinates\":[0,0]}";
    static const char hll[] = "\0\x04\0";
    const struct ballast_bin bins[] = {
        {"integer", ballast_integer(INT64_MIN)},
        {"double", ballast_double(-0.5)},
        {"text", ballast_string("gr\xc3\xbc\xc3\x9f")},
        {"empty", ballast_string("")},
        {"blob", ballast_blob("\0\xff", 2)},
        {"yes", ballast_bool(true)},
        {"list", ballast_bytes(BALLAST_LIST, "\x92\x01\xa2\x03x", 5)},
        {"map", ballast_bytes(BALLAST_MAP, "\x81\x01\x02", 3)},
        {"geo", ballast_bytes(BALLAST_GEOJSON, geo, sizeof geo - 1)},
        {"hll", ballast_bytes(BALLAST_HLL, hll, sizeof hll - 1)},
    };
    const size_t count = sizeof bins / sizeof bins[0];
    struct ballast_error error;
    assert_int_equal(ballast_put(cluster, NULL, &key, bins, count, &error), BALLAST_OK);
    struct ballast_record *record;
    assert_int_equal(ballast_get(cluster, NULL, &key, &record, &error), BALLAST_OK);
    const struct ballast_bin *unused;
    assert_int_equal(ballast_record_bins(record, &unused), count);
    for (size_t i = 0; i < count; i++) {
        const struct ballast_value *value = ballast_record_get(record, bins[i].name);
        assert_non_null(value);
        assert_int_equal(value->type, bins[i].value.type);
        assert_true(value->integer == bins[i].value.integer);
        assert_true(value->number == bins[i].value.number);
        assert_int_equal(value->size, bins[i].value.size);
        if (value->size > 0) {
            assert_memory_equal(value->bytes, bins[i].value.bytes, value->size);
        }
    }
    ballast_record_free(&record);

    const char *names[] = {"double", "nothing", "text"};
    assert_int_equal(ballast_get_bins(cluster, NULL, &key, names, 3, &record, &error), BALLAST_OK);
    assert_int_equal(ballast_record_bins(record, &unused), 2);
    ballast_record_free(&record);

    // A nil removes its bin.
    const struct ballast_bin nil = {"text", ballast_nil()};
    assert_int_equal(ballast_put(cluster, NULL, &key, &nil, 1, &error), BALLAST_OK);
    assert_int_equal(ballast_get(cluster, NULL, &key, &record, &error), BALLAST_OK);
    assert_null(ballast_record_get(record, "text"));
    ballast_record_free(&record);
}

static void policies_are_honoured(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_key key = ballast_key_integer("test", "policies", 1);
    struct ballast_bin bin = {"n", ballast_integer(1)};
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.exists = BALLAST_EXISTS_UPDATE_ONLY;
    assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_RECORD_NOT_FOUND);
    policy.exists = BALLAST_EXISTS_CREATE_ONLY;
    policy.ttl_s = 1000;
    assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_OK);
    assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_RECORD_EXISTS);

    struct ballast_record *record;
    assert_int_equal(ballast_exists(cluster, NULL, &key, &record, NULL), BALLAST_OK);
    assert_int_equal(ballast_record_generation(record), 1);
    assert_in_range(ballast_record_ttl_s(record), 990, 1001);
    ballast_record_free(&record);

    ballast_policy_init(&policy);
    policy.generation_rule = BALLAST_GENERATION_EQUAL;
    policy.generation = 7;
    assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_GENERATION);
    policy.generation = 1;
    policy.ttl_s = BALLAST_TTL_NEVER;
    assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_OK);
    assert_int_equal(ballast_exists(cluster, NULL, &key, &record, NULL), BALLAST_OK);
    assert_int_equal(ballast_record_generation(record), 2);
    assert_int_equal(ballast_record_ttl_s(record), -1);
    ballast_record_free(&record);

    ballast_policy_init(&policy);
    policy.ttl_s = 500;
    assert_int_equal(ballast_touch(cluster, &policy, &key, NULL), BALLAST_OK);
    assert_int_equal(ballast_exists(cluster, NULL, &key, &record, NULL), BALLAST_OK);
    assert_in_range(ballast_record_ttl_s(record), 490, 501);
    ballast_record_free(&record);

    assert_int_equal(ballast_remove(cluster, NULL, &key, NULL), BALLAST_OK);
    assert_int_equal(ballast_remove(cluster, NULL, &key, NULL), BALLAST_RECORD_NOT_FOUND);
    assert_int_equal(ballast_exists(cluster, NULL, &key, NULL, NULL), BALLAST_RECORD_NOT_FOUND);
    assert_int_equal(ballast_touch(cluster, NULL, &key, NULL), BALLAST_RECORD_NOT_FOUND);
}

static void operations_are_one_step(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_key key = ballast_key_string("test", "operate", "counter");
    const struct ballast_op ops[] = {
        {BALLAST_OP_INCR, "n", ballast_integer(5)},
        {BALLAST_OP_APPEND, "log", ballast_string("b")},
        {BALLAST_OP_PREPEND, "log", ballast_string("a")},
        {.type = BALLAST_OP_READ, .bin = "n"},
        {.type = BALLAST_OP_READ, .bin = "log"},
    };
    struct ballast_record *record;
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(ballast_operate(cluster, NULL, &key, ops, 5, &record, NULL), BALLAST_OK);
        assert_int_equal(ballast_record_get(record, "n")->integer, 5 * i);
        assert_string_equal(ballast_record_get(record, "log")->bytes, i == 1 ? "ab" : "aabb");
        ballast_record_free(&record);
    }
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.respond_all_ops = true;
    assert_int_equal(ballast_operate(cluster, &policy, &key, ops, 5, &record, NULL), BALLAST_OK);
    const struct ballast_bin *bins;
    assert_int_equal(ballast_record_bins(record, &bins), 5);
    assert_int_equal(bins[0].value.type, BALLAST_NIL);
    ballast_record_free(&record);
    // Incrementing a string fails, and nothing is done.
    const struct ballast_op wrong[] = {{BALLAST_OP_INCR, "n", ballast_integer(1)},
                                       {BALLAST_OP_INCR, "log", ballast_integer(1)}};
    assert_int_equal(ballast_operate(cluster, NULL, &key, wrong, 2, NULL, NULL),
                     BALLAST_INCOMPATIBLE_TYPE);
    assert_int_equal(get_integer(cluster, &key), 15);
    // Read and remove.
    const struct ballast_op take[] = {{.type = BALLAST_OP_READ, .bin = "n"},
                                      {.type = BALLAST_OP_DELETE}};
    assert_int_equal(ballast_operate(cluster, NULL, &key, take, 2, &record, NULL), BALLAST_OK);
    assert_int_equal(ballast_record_get(record, "n")->integer, 15);
    ballast_record_free(&record);
    assert_int_equal(ballast_exists(cluster, NULL, &key, NULL, NULL), BALLAST_RECORD_NOT_FOUND);
}

static void large_records_travel_compressed_and_not(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_key key = ballast_key_string("test", "large", "one");
    size_t size = 700 * 1024;
    char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i / 100);
    }
    struct ballast_bin bin = {"b", ballast_blob(bytes, size)};
    for (int compress = 0; compress < 2; compress++) {
        struct ballast_policy policy;
        ballast_policy_init(&policy);
        policy.compress = compress == 1;
        bytes[0] = (char)compress;
        assert_int_equal(ballast_put(cluster, &policy, &key, &bin, 1, NULL), BALLAST_OK);
        struct ballast_record *record;
        assert_int_equal(ballast_get(cluster, &policy, &key, &record, NULL), BALLAST_OK);
        assert_int_equal(ballast_record_get(record, "b")->size, size);
        assert_memory_equal(ballast_record_get(record, "b")->bytes, bytes, size);
        ballast_record_free(&record);
    }
    free(bytes);
}

static void batches_read_write_and_remove(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_batch *batch;
    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    for (int i = 0; i < MANY; i++) {
        struct ballast_key key = ballast_key_integer("test", "batch", i);
        struct ballast_op op = {BALLAST_OP_WRITE, "n", ballast_integer(i)};
        assert_int_equal(ballast_batch_write(batch, NULL, &key, &op, 1), BALLAST_OK);
    }
    assert_int_equal(ballast_batch_run(cluster, NULL, batch, NULL), BALLAST_OK);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ballast_batch_result(batch, i, NULL, NULL), BALLAST_OK);
    }
    ballast_batch_free(&batch);

    const char *names[] = {"n"};
    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    for (int i = 0; i < MANY + 10; i++) {
        struct ballast_key key = ballast_key_integer("test", "batch", i);
        assert_int_equal(i % 3 == 0   ? ballast_batch_read(batch, NULL, &key, NULL, 0)
                         : i % 3 == 1 ? ballast_batch_read(batch, NULL, &key, names, 1)
                                      : ballast_batch_exists(batch, NULL, &key),
                         BALLAST_OK);
    }
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.compress = true;
    assert_int_equal(ballast_batch_run(cluster, &policy, batch, NULL), BALLAST_OK);
    for (int i = 0; i < MANY + 10; i++) {
        const struct ballast_record *record;
        int code = ballast_batch_result(batch, (size_t)i, &record, NULL);
        assert_int_equal(code, i < MANY ? BALLAST_OK : BALLAST_RECORD_NOT_FOUND);
        if (i < MANY && i % 3 != 2) {
            assert_int_equal(ballast_record_get(record, "n")->integer, i);
        }
    }
    ballast_batch_free(&batch);

    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    for (int i = 0; i < 100; i++) {
        struct ballast_key key = ballast_key_integer("test", "batch", i);
        assert_int_equal(ballast_batch_remove(batch, NULL, &key), BALLAST_OK);
    }
    assert_int_equal(ballast_batch_run(cluster, NULL, batch, NULL), BALLAST_OK);
    struct ballast_key key = ballast_key_integer("test", "batch", 99);
    assert_int_equal(ballast_exists(cluster, NULL, &key, NULL, NULL), BALLAST_RECORD_NOT_FOUND);
    key.integer = 100;
    assert_int_equal(ballast_exists(cluster, NULL, &key, NULL, NULL), BALLAST_OK);
    ballast_batch_free(&batch);
}

struct scanned {
    uint32_t count, with_key;
    uint8_t seen[MANY];
    uint32_t stop_after;
};

static bool on_record(const struct ballast_record *record, void *arg)
{
    struct scanned *scanned = arg;
    scanned->count++;
    const struct ballast_value *number = ballast_record_get(record, "n");
    if (number != NULL) {
        scanned->seen[number->integer]++;
    }
    struct ballast_value key = ballast_record_key(record);
    scanned->with_key +=
        number != NULL && key.type == BALLAST_INTEGER && key.integer == number->integer;
    assert_string_equal(ballast_record_set(record), "scan");
    assert_non_null(ballast_record_digest(record));
    return scanned->stop_after == 0 || scanned->count < scanned->stop_after;
}

static void scans_deliver_every_record_once(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.send_key = true;
    for (int i = 0; i < MANY; i++) {
        struct ballast_key key = ballast_key_integer("test", "scan", i);
        struct ballast_bin bins[] = {{"n", ballast_integer(i)}, {"other", ballast_string("x")}};
        assert_int_equal(ballast_put(cluster, &policy, &key, bins, 2, NULL), BALLAST_OK);
    }
    struct ballast_scan_options options;
    ballast_scan_options_init(&options);
    options.set = "scan";
    static const uint64_t pages[] = {0, 1000, 333};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const char *names[] = {"n"};
        options.names = names;
        options.name_count = 1;
        options.max_records = pages[i];
        struct scanned scanned = {0};
        struct ballast_scan *scan;
        assert_int_equal(ballast_scan_new(&options, &scan), BALLAST_OK);
        uint32_t runs = 0;
        while (!ballast_scan_done(scan)) {
            struct ballast_error error;
            assert_int_equal(ballast_scan_run(cluster, NULL, scan, on_record, &scanned, &error),
                             BALLAST_OK);
            assert_true(++runs < 20);
        }
        assert_int_equal(scanned.count, MANY);
        assert_int_equal(scanned.with_key, MANY);
        for (int j = 0; j < MANY; j++) {
            assert_int_equal(scanned.seen[j], 1);
        }
        ballast_scan_free(&scan);
    }
    // Stop in the middle, go on, and look at nothing but keys.
    options = (struct ballast_scan_options){.ns = "test", .set = "scan", .no_bins = true};
    struct scanned scanned = {.stop_after = 100};
    struct ballast_scan *scan;
    assert_int_equal(ballast_scan_new(&options, &scan), BALLAST_OK);
    assert_int_equal(ballast_scan_run(cluster, NULL, scan, on_record, &scanned, NULL), BALLAST_OK);
    assert_int_equal(scanned.count, 100);
    assert_false(ballast_scan_done(scan));
    ballast_scan_free(&scan);
    // A set that is not there is empty.
    options.set = "nobody";
    assert_int_equal(ballast_scan_new(&options, &scan), BALLAST_OK);
    assert_int_equal(ballast_scan_run(cluster, NULL, scan, on_record, &scanned, NULL), BALLAST_OK);
    assert_true(ballast_scan_done(scan));
    ballast_scan_free(&scan);
}

struct tally {
    struct ballast_loop *loop;
    uint32_t started, ended, wrong;
};

static void on_got(const struct ballast_error *error, struct ballast_record *record, void *arg)
{
    struct tally *tally = arg;
    tally->ended++;
    tally->wrong += error->code != BALLAST_OK || ballast_record_get(record, "n") == NULL;
    ballast_record_free(&record);
}

static void on_put(const struct ballast_error *error, struct ballast_record *record, void *arg)
{
    struct tally *tally = arg;
    assert_null(record);
    tally->ended++;
    tally->wrong += error->code != BALLAST_OK;
    // Its own record is read back at once.
    struct ballast_key key = ballast_key_integer("test", "loop", (int64_t)tally->started % 100);
    tally->started++;
    assert_int_equal(ballast_async_get(tally->loop, NULL, &key, on_got, tally), BALLAST_OK);
}

static void loop_serves_many_requests(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    struct tally tally = {0};
    assert_int_equal(ballast_loop_new(cluster, &tally.loop, NULL), BALLAST_OK);
    for (int i = 0; i < 100; i++) {
        struct ballast_key key = ballast_key_integer("test", "loop", i);
        put_integer(cluster, &key, i);
    }
    struct ballast_bin bin = {"n", ballast_integer(1)};
    for (int i = 0; i < 2000; i++) {
        while (ballast_loop_pending(tally.loop) >= 40) {
            ballast_loop_run_once(tally.loop, -1);
        }
        struct ballast_key key = ballast_key_integer("test", "loop", i % 100);
        tally.started++;
        assert_int_equal(ballast_async_put(tally.loop, NULL, &key, &bin, 1, on_put, &tally),
                         BALLAST_OK);
    }
    while (ballast_loop_pending(tally.loop) > 0) {
        ballast_loop_run_once(tally.loop, -1);
    }
    assert_int_equal(tally.ended, 4000);
    assert_int_equal(tally.started, 4000);
    assert_int_equal(tally.wrong, 0);
    ballast_loop_free(&tally.loop);
}

static void *increment_main(void *arg)
{
    struct ballast_cluster *cluster = arg;
    struct ballast_key key = ballast_key_string("test", "threads", "sum");
    struct ballast_op op = {BALLAST_OP_INCR, "n", ballast_integer(1)};
    for (int i = 0; i < 300; i++) {
        if (ballast_operate(cluster, NULL, &key, &op, 1, NULL, NULL) != BALLAST_OK) {
            return arg;
        }
    }
    return NULL;
}

static void threads_share_a_cluster(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, increment_main, cluster), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct ballast_key key = ballast_key_string("test", "threads", "sum");
    assert_int_equal(get_integer(cluster, &key), 8 * 300);
}

static void info_and_truncate_work(void **state)
{
    struct ballast_cluster *cluster = cluster_of(state);
    char *answer;
    assert_int_equal(ballast_info(cluster, NULL, "namespaces", 1000, &answer, NULL), BALLAST_OK);
    assert_string_equal(answer, "test");
    ballast_text_free(&answer);
    struct ballast_key key = ballast_key_integer("test", "gone", 1);
    put_integer(cluster, &key, 1);
    assert_int_equal(
        ballast_info(cluster, NULL, "truncate:namespace=test;set=gone", 1000, &answer, NULL),
        BALLAST_OK);
    assert_string_equal(answer, "ok");
    ballast_text_free(&answer);
    assert_int_equal(ballast_exists(cluster, NULL, &key, NULL, NULL), BALLAST_RECORD_NOT_FOUND);
    struct ballast_node_info node;
    assert_int_equal(ballast_nodes(cluster, &node, 1), 1);
    assert_true(node.responding);
}

static void killed_node_gives_errors_and_no_hang(void **state)
{
    struct fixture *f = *state;
    struct ballast_key key = ballast_key_integer("test", "kill", 1);
    put_integer(f->cluster, &key, 1);
    test_node_stop(&f->node);
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.total_timeout_ms = 300;
    struct ballast_record *record;
    struct ballast_error error;
    int code = ballast_get(f->cluster, &policy, &key, &record, &error);
    assert_int_not_equal(code, BALLAST_OK);
    assert_false(error.in_doubt);
    assert_int_equal(ballast_info(f->cluster, NULL, "node", 300, &(char *){NULL}, &error),
                     error.code);
    assert_int_not_equal(error.code, BALLAST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_come_back),
        cmocka_unit_test(policies_are_honoured),
        cmocka_unit_test(operations_are_one_step),
        cmocka_unit_test(large_records_travel_compressed_and_not),
        cmocka_unit_test(batches_read_write_and_remove),
        cmocka_unit_test(scans_deliver_every_record_once),
        cmocka_unit_test(loop_serves_many_requests),
        cmocka_unit_test(threads_share_a_cluster),
        cmocka_unit_test(info_and_truncate_work),
        cmocka_unit_test(killed_node_gives_errors_and_no_hang), // the last one: the node is gone
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
