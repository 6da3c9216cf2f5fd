// SPDX-License-Identifier: Apache-2.0
// Requests for one record against a node that misbehaves in every way: what is tried again, what is
// in doubt, and that connections are neither lost nor made without end.
#include "fake_cluster.h"

#include <pthread.h>

// What the node does with its n-th message; the last entry holds for all that follow.
struct script {
    enum fake_verdict verdicts[8];
    uint8_t codes[8];
    size_t count;
};

static enum fake_verdict on_script(struct fake_node *node, const uint8_t *body, size_t size,
                                   uint8_t *out, size_t *out_size)
{
    (void)body;
    (void)size;
    const struct script *script = node->arg;
    size_t turn = atomic_load(&node->message_count);
    turn = turn < script->count ? turn : script->count - 1;
    fake_answer_code(script->codes[turn], out, out_size);
    return script->verdicts[turn];
}

struct fixture {
    struct fake_node *node;
    struct ballast_cluster *cluster;
    struct ballast_key key;
    struct ballast_bin bin;
    struct ballast_policy policy;
    struct ballast_error error;
};

static struct fixture fixture_make(fake_message_fn on_message, void *arg)
{
    struct fixture f = {.node = fake_node_new("A1"),
                        .key = ballast_key_integer("test", "demo", 42),
                        .bin = {"a", ballast_integer(7)}};
    f.node->on_message = on_message;
    f.node->arg = arg;
    fake_node_start(f.node);
    f.cluster = fake_connect(f.node);
    ballast_policy_init(&f.policy);
    f.policy.retry_sleep_ms = 1;
    return f;
}

static void fixture_drop(struct fixture *f)
{
    ballast_close(&f->cluster);
    fake_node_free(f->node);
}

static enum fake_verdict on_bins(struct fake_node *node, const uint8_t *body, size_t size,
                                 uint8_t *out, size_t *out_size)
{
    (void)node;
    (void)body;
    (void)size;
    struct wire_message_header header = {.generation = 3, .op_count = 4};
    uint8_t *at = fake_message_store(out, &header);
    at = wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_INTEGER, "i", 1, 8);
    base_be64_store(at, (uint64_t)-5);
    at = wire_op_store(at + 8, WIRE_OP_READ, WIRE_PARTICLE_STRING, "text", 4, 5);
    memcpy(at, "hello", 5);
    at = wire_op_store(at + 5, WIRE_OP_READ, WIRE_PARTICLE_BOOL, "b", 1, 1);
    *at = 1;
    at = wire_op_store(at + 1, WIRE_OP_READ, WIRE_PARTICLE_LIST, "l", 1, 2);
    memcpy(at, "\x91\x01", 2);
    at += 2;
    *out_size = (size_t)(at - out);
    wire_frame_header_store(out, WIRE_FRAME_MESSAGE, *out_size - WIRE_FRAME_HEADER_SIZE);
    return FAKE_ANSWER;
}

static void record_has_the_bins_of_the_answer(void **state)
{
    (void)state;
    struct fixture f = fixture_make(on_bins, NULL);
    struct ballast_record *record;
    assert_int_equal(ballast_get(f.cluster, NULL, &f.key, &record, &f.error), BALLAST_OK);
    assert_int_equal(ballast_record_generation(record), 3);
    assert_int_equal(ballast_record_ttl_s(record), -1);
    const struct ballast_bin *bins;
    assert_int_equal(ballast_record_bins(record, &bins), 4);
    assert_string_equal(bins[1].name, "text");
    assert_true(ballast_record_get(record, "i")->integer == -5);
    const struct ballast_value *text = ballast_record_get(record, "text");
    assert_int_equal(text->type, BALLAST_STRING);
    assert_string_equal(text->bytes, "hello"); // a NUL stands behind it
    assert_int_equal(text->size, 5);
    assert_int_equal(ballast_record_get(record, "b")->type, BALLAST_BOOL);
    assert_int_equal(ballast_record_get(record, "b")->integer, 1);
    assert_int_equal(ballast_record_get(record, "l")->type, BALLAST_LIST);
    assert_int_equal(ballast_record_get(record, "l")->size, 2);
    assert_null(ballast_record_get(record, "none"));
    ballast_record_free(&record);
    assert_null(record);
    fixture_drop(&f);
}

static enum fake_verdict on_compressed(struct fake_node *node, const uint8_t *body, size_t size,
                                       uint8_t *out, size_t *out_size)
{
    // The request came compressed, or it would not have come here whole.
    struct wire_message message;
    size_t message_size;
    *out_size = 0;
    if (wire_message_parse(body, size, &message, &message_size) != RESULT_OK) {
        return FAKE_CLOSE;
    }
    uint8_t plain[2048] = {0};
    struct wire_message_header header = {.op_count = 1};
    uint8_t *at = fake_message_store(plain, &header);
    at = wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_BLOB, "big", 3, 1000) + 1000;
    wire_frame_header_store(plain, WIRE_FRAME_MESSAGE,
                            (size_t)(at - plain) - WIRE_FRAME_HEADER_SIZE);
    uint8_t *packed;
    size_t packed_size;
    if (io_compress_frame(plain, (size_t)(at - plain), &packed, &packed_size) != RESULT_OK) {
        return FAKE_CLOSE;
    }
    memcpy(out, packed, packed_size);
    *out_size = packed_size;
    free(packed);
    (void)node;
    return FAKE_ANSWER;
}

static void compressed_requests_and_answers_are_understood(void **state)
{
    (void)state;
    struct fixture f = fixture_make(on_compressed, NULL);
    char text[500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct ballast_bin bin = {"big", ballast_string(text)};
    f.policy.compress = true;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &bin, 1, &f.error), BALLAST_OK);
    struct ballast_record *record;
    assert_int_equal(ballast_get(f.cluster, &f.policy, &f.key, &record, &f.error), BALLAST_OK);
    assert_int_equal(ballast_record_get(record, "big")->size, 1000);
    ballast_record_free(&record);
    fixture_drop(&f);
}

static void result_codes_come_through_with_their_text(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {RESULT_RECORD_NOT_FOUND}, 1};
    struct fixture f = fixture_make(on_script, &script);
    struct ballast_record *record = (void *)&f;
    assert_int_equal(ballast_get(f.cluster, NULL, &f.key, &record, &f.error),
                     BALLAST_RECORD_NOT_FOUND);
    assert_null(record);
    assert_int_equal(f.error.code, BALLAST_RECORD_NOT_FOUND);
    assert_string_equal(f.error.text, "record not found");
    assert_false(f.error.in_doubt);
    assert_int_equal(ballast_remove(f.cluster, NULL, &f.key, NULL), BALLAST_RECORD_NOT_FOUND);
    fixture_drop(&f);
}

static void unknown_namespace_asks_no_node(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    f.key.ns = "nowhere";
    assert_int_equal(ballast_put(f.cluster, NULL, &f.key, &f.bin, 1, &f.error),
                     BALLAST_NAMESPACE_NOT_FOUND);
    assert_false(f.error.in_doubt);
    assert_int_equal(atomic_load(&f.node->message_count), 0);
    fixture_drop(&f);
}

static void unavailable_partition_is_tried_again(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER, FAKE_ANSWER, FAKE_ANSWER},
                            {RESULT_PARTITION_UNAVAILABLE, RESULT_PARTITION_UNAVAILABLE, 0},
                            3};
    struct fixture f = fixture_make(on_script, &script);
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error), BALLAST_OK);
    assert_int_equal(atomic_load(&f.node->message_count), 3);
    fixture_drop(&f);
}

static void retries_end(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {RESULT_PARTITION_UNAVAILABLE}, 1};
    struct fixture f = fixture_make(on_script, &script);
    f.policy.retries_max = 3;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_PARTITION_UNAVAILABLE);
    assert_false(f.error.in_doubt); // each try was answered
    assert_int_equal(atomic_load(&f.node->message_count), 4);
    fixture_drop(&f);
}

static void write_that_was_sent_and_not_answered_is_in_doubt(void **state)
{
    (void)state;
    struct script script = {{FAKE_CLOSE}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_CLOSED);
    assert_true(f.error.in_doubt);
    assert_int_equal(atomic_load(&f.node->message_count), 1); // and was not repeated
    fixture_drop(&f);
}

static void read_that_was_not_answered_is_repeated(void **state)
{
    (void)state;
    struct script script = {{FAKE_CLOSE, FAKE_CLOSE, FAKE_ANSWER}, {0}, 3};
    struct fixture f = fixture_make(on_script, &script);
    struct ballast_record *record;
    assert_int_equal(ballast_get(f.cluster, &f.policy, &f.key, &record, &f.error), BALLAST_OK);
    assert_int_equal(atomic_load(&f.node->message_count), 3);
    ballast_record_free(&record);
    fixture_drop(&f);
}

static void write_in_doubt_is_repeated_only_when_told(void **state)
{
    (void)state;
    struct script script = {{FAKE_CLOSE, FAKE_ANSWER}, {0, 0}, 2};
    struct fixture f = fixture_make(on_script, &script);
    f.policy.retry_in_doubt = true;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error), BALLAST_OK);
    assert_false(f.error.in_doubt);
    fixture_drop(&f);

    // The repeated write is refused: the first one may still have been done.
    struct script refused = {{FAKE_CLOSE, FAKE_ANSWER}, {0, RESULT_RECORD_EXISTS}, 2};
    f = fixture_make(on_script, &refused);
    f.policy.retry_in_doubt = true;
    f.policy.exists = BALLAST_EXISTS_CREATE_ONLY;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_RECORD_EXISTS);
    assert_true(f.error.in_doubt);
    fixture_drop(&f);
}

static void nodes_own_timeout_leaves_a_write_in_doubt(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {RESULT_TIMEOUT}, 1};
    struct fixture f = fixture_make(on_script, &script);
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_TIMEOUT);
    assert_true(f.error.in_doubt);
    assert_int_equal(atomic_load(&f.node->message_count), 1);
    struct ballast_record *record;
    f.policy.retries_max = 2;
    assert_int_equal(ballast_get(f.cluster, &f.policy, &f.key, &record, &f.error), BALLAST_TIMEOUT);
    assert_false(f.error.in_doubt);
    assert_int_equal(atomic_load(&f.node->message_count), 4);
    fixture_drop(&f);
}

static void silence_ends_with_the_timeout(void **state)
{
    (void)state;
    struct script script = {{FAKE_SILENT}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    f.policy.total_timeout_ms = 60;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_CLIENT_TIMEOUT);
    assert_true(f.error.in_doubt);
    struct ballast_record *record;
    assert_int_equal(ballast_get(f.cluster, &f.policy, &f.key, &record, &f.error),
                     BALLAST_CLIENT_TIMEOUT);
    assert_false(f.error.in_doubt);
    fixture_drop(&f);
}

static void silent_try_gives_way_to_the_next(void **state)
{
    (void)state;
    struct script script = {{FAKE_SILENT, FAKE_ANSWER}, {0}, 2};
    struct fixture f = fixture_make(on_script, &script);
    f.policy.total_timeout_ms = 10000;
    f.policy.socket_timeout_ms = 30;
    struct ballast_record *record;
    assert_int_equal(ballast_get(f.cluster, &f.policy, &f.key, &record, &f.error), BALLAST_OK);
    assert_int_equal(atomic_load(&f.node->message_count), 2);
    ballast_record_free(&record);
    fixture_drop(&f);
}

static enum fake_verdict on_nonsense(struct fake_node *node, const uint8_t *body, size_t size,
                                     uint8_t *out, size_t *out_size)
{
    (void)node;
    (void)body;
    (void)size;
    memcpy(out, "HTTP/1.1 400 Bad Request\r\n", 26);
    *out_size = 26;
    return FAKE_ANSWER;
}

static void nonsense_is_no_answer(void **state)
{
    (void)state;
    struct fixture f = fixture_make(on_nonsense, NULL);
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error),
                     BALLAST_MALFORMED);
    assert_true(f.error.in_doubt);
    fixture_drop(&f);
}

static uint32_t connections_open(struct ballast_cluster *cluster)
{
    struct ballast_node_info info;
    assert_int_equal(ballast_nodes(cluster, &info, 1), 1);
    return info.connections_open;
}

static void node_that_is_gone_leaves_writes_undoubted(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    fake_node_stop(f.node);
    f.policy.retries_max = 2;
    int code = ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error);
    assert_true(code == BALLAST_IO || code == BALLAST_NO_NODE || code == BALLAST_CLOSED);
    assert_false(f.error.in_doubt);
    assert_int_equal(connections_open(f.cluster), 0);
    fixture_drop(&f);
}

static void connections_are_reused(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ballast_put(f.cluster, NULL, &f.key, &f.bin, 1, &f.error), BALLAST_OK);
    }
    assert_int_equal(connections_open(f.cluster), 1);
    assert_int_equal(atomic_load(&f.node->accepted_count), 2); // one of them tends
    fixture_drop(&f);
}

static void restarted_node_is_used_without_doubt(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {0}, 1};
    struct fixture f = fixture_make(on_script, &script);
    f.policy.total_timeout_ms = 10000;
    f.policy.retries_max = 1000;
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error), BALLAST_OK);
    fake_node_stop(f.node);
    struct timespec long_enough = {.tv_nsec = 10 * 1000 * 1000}; // for the pool to look first
    nanosleep(&long_enough, NULL);
    fake_node_start(f.node);
    assert_int_equal(ballast_put(f.cluster, &f.policy, &f.key, &f.bin, 1, &f.error), BALLAST_OK);
    fixture_drop(&f);
}

struct caller {
    struct fixture *fixture;
    _Atomic uint32_t *limited, *good;
};

static void *caller_main(void *arg)
{
    struct caller *caller = arg;
    for (int i = 0; i < 200; i++) {
        struct ballast_error error;
        int code = ballast_put(caller->fixture->cluster, NULL, &caller->fixture->key,
                               &caller->fixture->bin, 1, &error);
        atomic_fetch_add(code == BALLAST_OK ? caller->good : caller->limited, 1);
        if (code != BALLAST_OK && (code != BALLAST_LIMIT || error.in_doubt)) {
            abort();
        }
    }
    return NULL;
}

static void pool_never_grows_past_its_limit(void **state)
{
    (void)state;
    struct script script = {{FAKE_ANSWER}, {0}, 1};
    struct fixture f = {.node = fake_node_new("A1"),
                        .key = ballast_key_integer("test", "demo", 42),
                        .bin = {"a", ballast_integer(7)}};
    f.node->on_message = on_script;
    f.node->arg = &script;
    fake_node_start(f.node);
    char hosts[64];
    struct ballast_config config = fake_config(f.node, hosts);
    config.connections_per_node_max = 3;
    assert_int_equal(ballast_connect(&config, &f.cluster, &f.error), BALLAST_OK);
    _Atomic uint32_t limited = 0, good = 0;
    struct caller caller = {&f, &limited, &good};
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &caller), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&limited) + atomic_load(&good), 1600);
    assert_true(atomic_load(&good) > 0);
    assert_true(connections_open(f.cluster) <= 3);
    assert_true(atomic_load(&f.node->accepted_count) <= 3 + 1);
    fixture_drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_has_the_bins_of_the_answer),
        cmocka_unit_test(compressed_requests_and_answers_are_understood),
        cmocka_unit_test(result_codes_come_through_with_their_text),
        cmocka_unit_test(unknown_namespace_asks_no_node),
        cmocka_unit_test(unavailable_partition_is_tried_again),
        cmocka_unit_test(retries_end),
        cmocka_unit_test(write_that_was_sent_and_not_answered_is_in_doubt),
        cmocka_unit_test(read_that_was_not_answered_is_repeated),
        cmocka_unit_test(write_in_doubt_is_repeated_only_when_told),
        cmocka_unit_test(nodes_own_timeout_leaves_a_write_in_doubt),
        cmocka_unit_test(silence_ends_with_the_timeout),
        cmocka_unit_test(silent_try_gives_way_to_the_next),
        cmocka_unit_test(nonsense_is_no_answer),
        cmocka_unit_test(node_that_is_gone_leaves_writes_undoubted),
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(restarted_node_is_used_without_doubt),
        cmocka_unit_test(pool_never_grows_past_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
