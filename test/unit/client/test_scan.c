// SPDX-License-Identifier: Apache-2.0
// Scans over two nodes: each record once, pages, refusals, and connections that break in between.
#include "fake_cluster.h"

enum { RECORDS = 1000 };

// The records that both nodes hold, sorted by digest within each partition.
struct dataset {
    uint8_t digests[RECORDS][LIMIT_DIGEST_SIZE];
    _Atomic uint32_t break_after;       // so many records, then close once; 0: never
    _Atomic uint32_t unavailable_times; // so many requests refuse all their partitions
    _Atomic uint32_t last_code;         // of the LAST record
    _Atomic uint64_t max_records_seen;
    _Atomic uint32_t rate_seen;
};

static int digest_compare(const void *a, const void *b)
{
    return memcmp(a, b, LIMIT_DIGEST_SIZE);
}

static struct dataset *dataset_make(void)
{
    struct dataset *data = calloc(1, sizeof *data);
    for (int i = 0; i < RECORDS; i++) {
        struct ballast_key key = ballast_key_integer("test", "demo", i);
        assert_int_equal(ballast_digest(&key, data->digests[i]), BALLAST_OK);
    }
    qsort(data->digests, RECORDS, LIMIT_DIGEST_SIZE, digest_compare);
    return data;
}

static uint32_t partition_of(const uint8_t *digest)
{
    return base_le16_load(digest) & (LIMIT_PARTITIONS - 1);
}

// Which partitions are asked for, and behind which digest.
struct asked {
    bool asked[LIMIT_PARTITIONS];
    const uint8_t *after[LIMIT_PARTITIONS];
};

static void asked_read(const struct wire_message *message, struct asked *out)
{
    memset(out, 0, sizeof *out);
    struct base_slice pids = wire_fields_get(&message->fields, WIRE_FIELD_PID_ARRAY);
    for (size_t i = 0; i < pids.size; i += 2) {
        out->asked[base_le16_load(pids.data + i)] = true;
    }
    struct base_slice digests = wire_fields_get(&message->fields, WIRE_FIELD_DIGEST_ARRAY);
    for (size_t i = 0; i < digests.size; i += LIMIT_DIGEST_SIZE) {
        uint32_t p = partition_of(digests.data + i);
        out->asked[p] = true;
        out->after[p] = digests.data + i;
    }
}

static uint8_t *record_store(uint8_t *at, const uint8_t *digest)
{
    struct wire_message_header header = {.generation = 1, .field_count = 3};
    wire_message_header_store(at, &header);
    at = wire_field_store(at + WIRE_MESSAGE_HEADER_SIZE, WIRE_FIELD_NAMESPACE, "test", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, "demo", 4);
    return wire_field_store(at, WIRE_FIELD_DIGEST, digest, LIMIT_DIGEST_SIZE);
}

static uint8_t *refusals_store(uint8_t *at, const struct asked *asked)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if (asked->asked[p]) {
            struct wire_message_header header = {.info3 = WIRE_INFO3_PARTITION_DONE,
                                                 .result_code = RESULT_PARTITION_UNAVAILABLE,
                                                 .generation = p};
            wire_message_header_store(at, &header);
            at += WIRE_MESSAGE_HEADER_SIZE;
        }
    }
    return at;
}

static enum fake_verdict on_scan(struct fake_node *node, const uint8_t *body, size_t size,
                                 uint8_t *out, size_t *out_size)
{
    struct dataset *data = node->arg;
    struct wire_message message;
    size_t message_size;
    if (wire_message_parse(body, size, &message, &message_size) != RESULT_OK) {
        return FAKE_CLOSE;
    }
    static _Thread_local struct asked asked;
    asked_read(&message, &asked);
    struct base_slice max = wire_fields_get(&message.fields, WIRE_FIELD_MAX_RECORDS);
    struct base_slice rate = wire_fields_get(&message.fields, WIRE_FIELD_RECORDS_PER_SECOND);
    uint64_t left = max.size == 8 ? base_be64_load(max.data) : UINT64_MAX;
    atomic_fetch_add(&data->max_records_seen, left == UINT64_MAX ? 0 : left);
    atomic_store(&data->rate_seen, rate.size == 4 ? base_be32_load(rate.data) : 0);
    uint8_t *at = out + WIRE_FRAME_HEADER_SIZE;
    bool refuse = atomic_load(&data->unavailable_times) > 0;
    if (refuse) {
        atomic_fetch_sub(&data->unavailable_times, 1);
        at = refusals_store(at, &asked);
    }
    uint32_t sent = 0, break_after = atomic_load(&data->break_after);
    for (int i = 0; i < RECORDS && !refuse && left > 0; i++) {
        const uint8_t *digest = data->digests[i];
        uint32_t p = partition_of(digest);
        if (asked.asked[p] &&
            (asked.after[p] == NULL || memcmp(digest, asked.after[p], LIMIT_DIGEST_SIZE) > 0)) {
            at = record_store(at, digest);
            left--;
            if (++sent == break_after) {
                break;
            }
        }
    }
    if (break_after == 0 || sent < break_after) {
        struct wire_message_header last = {.info3 = WIRE_INFO3_LAST,
                                           .result_code = (uint8_t)atomic_load(&data->last_code)};
        wire_message_header_store(at, &last);
        at += WIRE_MESSAGE_HEADER_SIZE;
    }
    *out_size = (size_t)(at - out);
    wire_frame_header_store(out, WIRE_FRAME_MESSAGE, *out_size - WIRE_FRAME_HEADER_SIZE);
    if (break_after != 0 && sent == break_after) {
        for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
            if (node->connections[i].fd >= 0 && node->connections[i].size > 0) {
                fake_send(node->connections[i].fd, out, *out_size);
            }
        }
        return FAKE_CLOSE;
    }
    return FAKE_ANSWER;
}

struct fixture {
    struct fake_node *nodes[2];
    struct dataset *data;
    struct ballast_cluster *cluster;
    struct ballast_scan_options options;
    struct ballast_policy policy;
    struct ballast_error error;
    // What the scan delivers.
    uint32_t delivered;
    uint32_t stop_after;
    uint8_t seen[RECORDS];
};

static bool both_known(void *arg)
{
    return ballast_nodes(arg, NULL, 0) == 2;
}

static struct fixture *fixture_make(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->data = dataset_make();
    for (uint32_t i = 0; i < 2; i++) {
        f->nodes[i] = fake_node_new(i == 0 ? "A1" : "B2");
        f->nodes[i]->on_message = on_scan;
        f->nodes[i]->arg = f->data;
        fake_claim(f->nodes[i], 1, 2, i);
        fake_node_start(f->nodes[i]);
    }
    fake_peers_set(f->nodes[0], 1, &f->nodes[1], 1);
    fake_peers_set(f->nodes[1], 1, &f->nodes[0], 1);
    f->cluster = fake_connect(f->nodes[0]);
    fake_await(both_known, f->cluster);
    ballast_scan_options_init(&f->options);
    f->options.set = "demo";
    ballast_policy_init(&f->policy);
    f->policy.total_timeout_ms = 20000;
    f->policy.retry_sleep_ms = 1;
    return f;
}

static void fixture_drop(struct fixture *f)
{
    ballast_close(&f->cluster);
    fake_node_free(f->nodes[0]);
    fake_node_free(f->nodes[1]);
    free(f->data);
    free(f);
}

static bool on_record(const struct ballast_record *record, void *arg)
{
    struct fixture *f = arg;
    const uint8_t *digest = ballast_record_digest(record);
    const uint8_t *found =
        bsearch(digest, f->data->digests, RECORDS, LIMIT_DIGEST_SIZE, digest_compare);
    assert_non_null(found);
    assert_string_equal(ballast_record_set(record), "demo");
    assert_int_equal(ballast_record_key(record).type, BALLAST_NIL);
    f->seen[(found - &f->data->digests[0][0]) / LIMIT_DIGEST_SIZE]++;
    f->delivered++;
    return f->stop_after == 0 || f->delivered < f->stop_after;
}

static void assert_each_once(const struct fixture *f)
{
    assert_int_equal(f->delivered, RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(f->seen[i], 1);
    }
}

static int scan_run(struct fixture *f, struct ballast_scan *scan)
{
    return ballast_scan_run(f->cluster, &f->policy, scan, on_record, f, &f->error);
}

static struct ballast_scan *scan_new(struct fixture *f)
{
    struct ballast_scan *scan;
    assert_int_equal(ballast_scan_new(&f->options, &scan), BALLAST_OK);
    return scan;
}

static void every_record_comes_once(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    f->options.records_per_second = 5000;
    struct ballast_scan *scan = scan_new(f);
    assert_false(ballast_scan_done(scan));
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    assert_each_once(f);
    assert_true(ballast_scan_done(scan));
    assert_int_equal(atomic_load(&f->nodes[0]->message_count), 1);
    assert_int_equal(atomic_load(&f->data->rate_seen), 5000);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void pages_follow_one_another(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    f->options.max_records = 77;
    struct ballast_scan *scan = scan_new(f);
    int pages = 0;
    while (!ballast_scan_done(scan)) {
        uint32_t before = f->delivered;
        assert_int_equal(scan_run(f, scan), BALLAST_OK);
        assert_true(f->delivered - before <= 77);
        assert_true(++pages < 100);
    }
    assert_each_once(f);
    assert_true(pages >= RECORDS / 77);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void one_record_from_two_nodes_is_one_record(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    f->options.max_records = 1;
    struct ballast_scan *scan = scan_new(f);
    for (uint32_t i = 1; i <= 20; i++) {
        assert_int_equal(scan_run(f, scan), BALLAST_OK);
        assert_int_equal(f->delivered, i);
    }
    for (int i = 0; i < RECORDS; i++) {
        assert_true(f->seen[i] <= 1);
    }
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void callee_may_stop_and_go_on(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    struct ballast_scan *scan = scan_new(f);
    f->stop_after = 100;
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    assert_int_equal(f->delivered, 100);
    assert_false(ballast_scan_done(scan));
    f->stop_after = 0;
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    assert_each_once(f);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void broken_connection_is_resumed(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    f->policy.retries_max = 200;
    atomic_store(&f->data->break_after, 50);
    struct ballast_scan *scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    assert_each_once(f);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void refused_partitions_are_asked_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    atomic_store(&f->data->unavailable_times, 3);
    struct ballast_scan *scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    assert_each_once(f);
    ballast_scan_free(&scan);

    scan = scan_new(f);
    atomic_store(&f->data->unavailable_times, 1000);
    assert_int_equal(scan_run(f, scan), BALLAST_PARTITION_UNAVAILABLE);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void other_errors_end_the_scan(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    atomic_store(&f->data->last_code, RESULT_SCAN_ABORTED);
    struct ballast_scan *scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_SCAN_ABORTED);
    ballast_scan_free(&scan);
    f->options.ns = "nowhere";
    scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_NAMESPACE_NOT_FOUND);
    ballast_scan_free(&scan);
    fixture_drop(f);
}

static void partitions_can_be_chosen(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    f->options.partition_first = 100;
    f->options.partition_count = 500;
    struct ballast_scan *scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    ballast_scan_free(&scan);
    const uint8_t *middle = NULL;
    for (int i = 0; i < RECORDS; i++) {
        uint32_t p = partition_of(f->data->digests[i]);
        assert_int_equal(f->seen[i], p >= 100 && p < 600);
        if (i > 0 && p == partition_of(f->data->digests[i - 1])) {
            middle = f->data->digests[i - 1];
        }
    }
    // Behind one digest of its partition: the rest of that partition alone.
    memset(f->seen, 0, sizeof f->seen);
    f->options.after_digest = middle;
    scan = scan_new(f);
    assert_int_equal(scan_run(f, scan), BALLAST_OK);
    for (int i = 0; i < RECORDS; i++) {
        const uint8_t *digest = f->data->digests[i];
        assert_int_equal(f->seen[i], partition_of(digest) == partition_of(middle) &&
                                         memcmp(digest, middle, LIMIT_DIGEST_SIZE) > 0);
    }
    ballast_scan_free(&scan);
    f->options.after_digest = NULL;
    f->options.partition_first = 4000;
    assert_int_equal(ballast_scan_new(&f->options, &scan), BALLAST_PARAMETER);
    fixture_drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_comes_once),
        cmocka_unit_test(pages_follow_one_another),
        cmocka_unit_test(one_record_from_two_nodes_is_one_record),
        cmocka_unit_test(callee_may_stop_and_go_on),
        cmocka_unit_test(broken_connection_is_resumed),
        cmocka_unit_test(refused_partitions_are_asked_again),
        cmocka_unit_test(other_errors_end_the_scan),
        cmocka_unit_test(partitions_can_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
