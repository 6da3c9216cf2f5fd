// SPDX-License-Identifier: Apache-2.0
// Batches: rows split over nodes, every row with its own result, and rows that meet trouble.
#include "fake_cluster.h"
#include "wire/batch.h"

// What to do with rows, by the low byte of their digest's partition.
struct behaviour {
    _Atomic uint32_t unavailable; // so many requests answer every row with code 11
    _Atomic bool close_after_one; // answer one row, then close
    _Atomic bool reject;          // answer the whole request with code 151
    _Atomic uint32_t rows;        // seen
};

// Echoes the row's bin "n" for writes, a bin "r" with the row's index for reads.
static uint8_t *row_answer(uint8_t *at, const struct wire_batch_row *row, uint8_t code)
{
    bool bins = code == 0 && (row->header.info1 & WIRE_INFO1_NO_BIN_DATA) == 0 &&
                (row->header.info2 & WIRE_INFO2_WRITE) == 0;
    struct wire_message_header header = {
        .result_code = code, .generation = 1, .transaction_ttl = row->index, .op_count = bins};
    wire_message_header_store(at, &header);
    at += WIRE_MESSAGE_HEADER_SIZE;
    if (bins) {
        at = wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_INTEGER, "r", 1, 8);
        base_be64_store(at, row->index);
        at += 8;
    }
    return at;
}

static enum fake_verdict on_batch(struct fake_node *node, const uint8_t *body, size_t size,
                                  uint8_t *out, size_t *out_size)
{
    struct behaviour *behaviour = node->arg;
    struct wire_message message;
    size_t message_size;
    struct wire_batch batch;
    if (wire_message_parse(body, size, &message, &message_size) != RESULT_OK ||
        wire_batch_open(wire_fields_get(&message.fields, WIRE_FIELD_BATCH), &batch) != RESULT_OK) {
        return FAKE_CLOSE;
    }
    uint8_t code = 0;
    if (atomic_load(&behaviour->unavailable) > 0) {
        atomic_fetch_sub(&behaviour->unavailable, 1);
        code = RESULT_PARTITION_UNAVAILABLE;
    }
    uint8_t *at = out + WIRE_FRAME_HEADER_SIZE;
    struct wire_message_header last = {.info3 = WIRE_INFO3_LAST};
    if (atomic_load(&behaviour->reject)) {
        last.result_code = RESULT_BATCH_MAX_REQUESTS;
    } else {
        while (wire_batch_next(&batch) == RESULT_OK) {
            atomic_fetch_add(&behaviour->rows, 1);
            uint8_t row_code =
                code == 0 && batch.row.index % 10 == 9 ? RESULT_RECORD_NOT_FOUND : code;
            at = row_answer(at, &batch.row, row_code);
            if (atomic_load(&behaviour->close_after_one)) {
                break;
            }
        }
    }
    if (!atomic_load(&behaviour->close_after_one)) {
        wire_message_header_store(at, &last);
        at += WIRE_MESSAGE_HEADER_SIZE;
    }
    *out_size = (size_t)(at - out);
    wire_frame_header_store(out, WIRE_FRAME_MESSAGE, *out_size - WIRE_FRAME_HEADER_SIZE);
    if (atomic_load(&behaviour->close_after_one)) {
        // The answer goes out before the connection ends.
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
    struct behaviour behaviours[2];
    struct ballast_cluster *cluster;
    struct ballast_batch *batch;
    struct ballast_policy policy;
    struct ballast_error error;
};

static bool both_known(void *arg)
{
    return ballast_nodes(arg, NULL, 0) == 2;
}

static struct fixture *fixture_make(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    for (uint32_t i = 0; i < 2; i++) {
        f->nodes[i] = fake_node_new(i == 0 ? "A1" : "B2");
        f->nodes[i]->on_message = on_batch;
        f->nodes[i]->arg = &f->behaviours[i];
        fake_claim(f->nodes[i], 1, 2, i);
        fake_node_start(f->nodes[i]);
    }
    fake_peers_set(f->nodes[0], 1, &f->nodes[1], 1);
    fake_peers_set(f->nodes[1], 1, &f->nodes[0], 1);
    f->cluster = fake_connect(f->nodes[0]);
    fake_await(both_known, f->cluster);
    assert_int_equal(ballast_batch_new(&f->batch), BALLAST_OK);
    ballast_policy_init(&f->policy);
    f->policy.retry_sleep_ms = 1;
    return f;
}

static void fixture_drop(struct fixture *f)
{
    ballast_batch_free(&f->batch);
    ballast_close(&f->cluster);
    fake_node_free(f->nodes[0]);
    fake_node_free(f->nodes[1]);
    free(f);
}

static void add_reads(struct fixture *f, int count)
{
    const char *names[] = {"r"};
    for (int i = 0; i < count; i++) {
        struct ballast_key key = ballast_key_integer("test", "demo", i);
        assert_int_equal(ballast_batch_read(f->batch, NULL, &key, names, i % 3 == 0), BALLAST_OK);
    }
}

static void add_writes(struct fixture *f, int count)
{
    struct ballast_op op = {BALLAST_OP_WRITE, "n", ballast_string("value")};
    for (int i = 0; i < count; i++) {
        struct ballast_key key = ballast_key_integer("test", "demo", i);
        assert_int_equal(ballast_batch_write(f->batch, NULL, &key, &op, 1), BALLAST_OK);
    }
}

static void assert_rows(struct fixture *f, int count, bool records)
{
    for (int i = 0; i < count; i++) {
        const struct ballast_record *record;
        int code = ballast_batch_result(f->batch, (size_t)i, &record, NULL);
        assert_int_equal(code, i % 10 == 9 ? BALLAST_RECORD_NOT_FOUND : BALLAST_OK);
        if (code == BALLAST_OK && records) {
            assert_int_equal(ballast_record_get(record, "r")->integer, i);
        } else if (code != BALLAST_OK) {
            assert_null(record);
        }
    }
}

static void rows_are_split_and_come_back_in_place(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_reads(f, 1000);
    assert_int_equal(ballast_batch_size(f->batch), 1000);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error), BALLAST_OK);
    assert_rows(f, 1000, true);
    uint32_t a = atomic_load(&f->behaviours[0].rows), b = atomic_load(&f->behaviours[1].rows);
    assert_int_equal(a + b, 1000);
    assert_true(a > 300 && b > 300);
    assert_int_equal(atomic_load(&f->nodes[0]->message_count), 1);
    // A batch that is done asks nobody again.
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error), BALLAST_OK);
    assert_int_equal(atomic_load(&f->nodes[0]->message_count), 1);
    fixture_drop(f);
}

static void compressed_batches_work(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_writes(f, 100);
    f->policy.compress = true;
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error), BALLAST_OK);
    assert_rows(f, 100, false);
    fixture_drop(f);
}

static void empty_batch_is_done_at_once(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    assert_int_equal(ballast_batch_run(f->cluster, NULL, f->batch, &f->error), BALLAST_OK);
    fixture_drop(f);
}

static void rows_of_a_moved_partition_go_round_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_writes(f, 100);
    atomic_store(&f->behaviours[1].unavailable, 2);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error), BALLAST_OK);
    assert_rows(f, 100, false);
    assert_int_equal(atomic_load(&f->nodes[0]->message_count), 1);
    assert_int_equal(atomic_load(&f->nodes[1]->message_count), 3);
    fixture_drop(f);
}

static void rejected_request_gives_its_code_to_its_rows(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_reads(f, 50);
    atomic_store(&f->behaviours[1].reject, true);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error),
                     RESULT_BATCH_MAX_REQUESTS);
    size_t ok = 0, rejected = 0;
    for (size_t i = 0; i < 50; i++) {
        int code = ballast_batch_result(f->batch, i, NULL, &f->error);
        assert_false(f->error.in_doubt);
        ok += code == BALLAST_OK || code == BALLAST_RECORD_NOT_FOUND;
        rejected += code == RESULT_BATCH_MAX_REQUESTS;
    }
    assert_int_equal(ok + rejected, 50);
    assert_true(ok > 10 && rejected > 10);
    fixture_drop(f);
}

static void lost_connection_leaves_unanswered_writes_in_doubt(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_writes(f, 50);
    atomic_store(&f->behaviours[1].close_after_one, true);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error),
                     BALLAST_CLOSED);
    assert_true(f->error.in_doubt);
    size_t answered = 0, doubtful = 0;
    for (size_t i = 0; i < 50; i++) {
        int code = ballast_batch_result(f->batch, i, NULL, &f->error);
        answered += code != BALLAST_CLOSED;
        doubtful += f->error.in_doubt;
        assert_int_equal(f->error.in_doubt, code == BALLAST_CLOSED);
    }
    assert_int_equal(answered + doubtful, 50);
    assert_int_equal(atomic_load(&f->nodes[1]->message_count), 1); // not repeated
    fixture_drop(f);
}

static void lost_connection_repeats_unanswered_reads(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_reads(f, 10);
    f->policy.retries_max = 20; // one row is answered each time
    atomic_store(&f->behaviours[1].close_after_one, true);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error), BALLAST_OK);
    assert_rows(f, 10, true);
    fixture_drop(f);
}

static void unknown_namespace_fails_its_row_alone(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    struct ballast_key key = ballast_key_integer("nowhere", NULL, 1);
    assert_int_equal(ballast_batch_exists(f->batch, NULL, &key), BALLAST_OK);
    key.ns = "test";
    assert_int_equal(ballast_batch_remove(f->batch, NULL, &key), BALLAST_OK);
    assert_int_equal(ballast_batch_run(f->cluster, &f->policy, f->batch, &f->error),
                     BALLAST_NAMESPACE_NOT_FOUND);
    assert_int_equal(ballast_batch_result(f->batch, 1, NULL, NULL), BALLAST_OK);
    fixture_drop(f);
}

static void on_batch_done(const struct ballast_error *error, struct ballast_batch *batch, void *arg)
{
    (void)batch;
    *(int *)arg = error->code;
}

static void loop_runs_batches_too(void **state)
{
    (void)state;
    struct fixture *f = fixture_make();
    add_reads(f, 500);
    atomic_store(&f->behaviours[0].unavailable, 1);
    struct ballast_loop *loop;
    assert_int_equal(ballast_loop_new(f->cluster, &loop, NULL), BALLAST_OK);
    int code = -1;
    assert_int_equal(ballast_async_batch(loop, &f->policy, f->batch, on_batch_done, &code),
                     BALLAST_OK);
    assert_int_equal(code, -1);
    while (ballast_loop_pending(loop) > 0) {
        ballast_loop_run_once(loop, -1);
    }
    assert_int_equal(code, BALLAST_OK);
    assert_rows(f, 500, true);

    // A batch with nothing to do is told from the loop, not from the call.
    struct ballast_batch *empty;
    assert_int_equal(ballast_batch_new(&empty), BALLAST_OK);
    code = -1;
    assert_int_equal(ballast_async_batch(loop, NULL, empty, on_batch_done, &code), BALLAST_OK);
    assert_int_equal(code, -1);
    ballast_loop_run_once(loop, 1000);
    assert_int_equal(code, BALLAST_OK);
    ballast_batch_free(&empty);

    // Freeing the loop ends a batch that is under way.
    struct ballast_batch *batch;
    assert_int_equal(ballast_batch_new(&batch), BALLAST_OK);
    struct ballast_key key = ballast_key_integer("test", "demo", 1);
    assert_int_equal(ballast_batch_exists(batch, NULL, &key), BALLAST_OK);
    code = -1;
    assert_int_equal(ballast_async_batch(loop, NULL, batch, on_batch_done, &code), BALLAST_OK);
    ballast_loop_free(&loop);
    assert_int_equal(code, BALLAST_CANCELLED);
    ballast_batch_free(&batch);
    fixture_drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_split_and_come_back_in_place),
        cmocka_unit_test(compressed_batches_work),
        cmocka_unit_test(empty_batch_is_done_at_once),
        cmocka_unit_test(rows_of_a_moved_partition_go_round_again),
        cmocka_unit_test(rejected_request_gives_its_code_to_its_rows),
        cmocka_unit_test(lost_connection_leaves_unanswered_writes_in_doubt),
        cmocka_unit_test(lost_connection_repeats_unanswered_reads),
        cmocka_unit_test(unknown_namespace_fails_its_row_alone),
        cmocka_unit_test(loop_runs_batches_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
