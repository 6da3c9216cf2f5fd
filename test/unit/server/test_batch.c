// SPDX-License-Identifier: Apache-2.0
// Batches, from the rows of a request to the grouped records of the answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/batch.h"
#include "server/operation.h"
#include "wire/frame.h"
#include "worker_fixture.h"

enum { ROWS_MAX = 2000, BATCH_FLAGS = WIRE_BATCH_RESPOND_ALL_KEYS };

struct fixture {
    struct node *node;
    struct worker worker;
    uint8_t body[256 * 1024];
    size_t rows_at; // where the field's data begins
    size_t size;
    uint32_t row_count;
    // What the answer held.
    uint32_t answered;
    uint8_t code[ROWS_MAX];
    uint32_t bins[ROWS_MAX];
    bool last_seen;
    uint8_t last_code;
    // Rows that wait for other nodes.
    uint32_t transaction_ttl;
    uint32_t woken;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    worker_fixture_init(&f->node, &f->worker);
    assert_int_equal(operations_new(&f->worker, NULL, NULL, &f->worker.operations), RESULT_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    operations_free(&f->worker.operations);
    worker_fixture_fini(&f->node, &f->worker);
    free(f);
    return 0;
}

static void begin(struct fixture *f, uint8_t flags)
{
    f->rows_at = WIRE_MESSAGE_HEADER_SIZE + WIRE_FIELD_HEADER_SIZE;
    f->size = f->rows_at + 5;
    f->body[f->rows_at + 4] = flags;
    f->row_count = 0;
}

static void row_begin(struct fixture *f, uint32_t index, uint32_t id, uint8_t flags)
{
    uint8_t digest[LIMIT_DIGEST_SIZE] = {(uint8_t)id, (uint8_t)(id >> 8), 7, 7, 7};
    base_be32_store(f->body + f->size, index);
    memcpy(f->body + f->size + 4, digest, sizeof digest);
    f->body[f->size + 24] = flags;
    f->size += 25;
    f->row_count++;
}

// A full row with one op (NULL: none).
static void row_add(struct fixture *f, uint32_t index, uint32_t id, uint8_t info1, uint8_t info2,
                    const char *bin)
{
    row_begin(f, index, id, WIRE_BATCH_ROW_INFO | WIRE_BATCH_ROW_TTL);
    uint8_t *at = f->body + f->size;
    at[0] = info1;
    at[1] = info2;
    at[2] = 0;
    base_be32_store(at + 3, 0);
    base_be16_store(at + 7, 2);
    base_be16_store(at + 9, bin != NULL ? 1 : 0);
    at = wire_field_store(at + 11, WIRE_FIELD_NAMESPACE, "test", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, "demo", 4);
    if (bin != NULL) {
        bool write = (info2 & WIRE_INFO2_WRITE) != 0;
        at = wire_op_store(at, write ? WIRE_OP_WRITE : WIRE_OP_READ,
                           write ? WIRE_PARTICLE_STRING : WIRE_PARTICLE_NIL, bin,
                           (uint8_t)strlen(bin), write ? 1 : 0);
        if (write) {
            *at++ = 'x';
        }
    }
    f->size = (size_t)(at - f->body);
}

static void row_repeat(struct fixture *f, uint32_t index, uint32_t id)
{
    row_begin(f, index, id, WIRE_BATCH_ROW_REPEAT);
}

static void record_take(struct fixture *f, const struct wire_message *m)
{
    assert_false(f->last_seen);
    if (m->header.info3 & WIRE_INFO3_LAST) {
        f->last_seen = true;
        f->last_code = m->header.result_code;
        assert_int_equal(m->header.op_count, 0);
        return;
    }
    uint32_t index = m->header.transaction_ttl;
    assert_true(index < ROWS_MAX);
    assert_int_equal(f->code[index], 0xFF); // once each
    f->code[index] = m->header.result_code;
    f->bins[index] = m->header.op_count;
    f->answered++;
}

static void frames_take(struct fixture *f)
{
    const uint8_t *at = f->worker.output.data;
    size_t left = f->worker.output.size;
    while (left > 0) {
        struct wire_frame frame;
        size_t frame_size;
        assert_int_equal(wire_frame_parse(at, left, &frame, &frame_size), RESULT_OK);
        assert_int_equal(frame.type, WIRE_FRAME_MESSAGE);
        assert_true(frame.body_size > 0);
        for (size_t in = 0; in < frame.body_size;) {
            struct wire_message m;
            size_t size;
            assert_int_equal(wire_message_parse(frame.body + in, frame.body_size - in, &m, &size),
                             RESULT_OK);
            record_take(f, &m);
            in += size;
        }
        at += frame_size;
        left -= frame_size;
    }
    f->worker.output.size = 0;
}

static void on_wake(void *arg)
{
    struct fixture *f = arg;
    f->woken++;
}

// Begins the batch; NULL: it has ended already.
static struct batch_job *run_begin(struct fixture *f)
{
    struct wire_message_header header = {
        .info1 = WIRE_INFO1_BATCH, .field_count = 1, .transaction_ttl = f->transaction_ttl};
    struct wire_message message;
    size_t size;
    base_be32_store(f->body + f->rows_at, f->row_count);
    wire_message_header_store(f->body, &header);
    base_be32_store(f->body + WIRE_MESSAGE_HEADER_SIZE, (uint32_t)(f->size - f->rows_at + 1));
    f->body[WIRE_MESSAGE_HEADER_SIZE + 4] = WIRE_FIELD_BATCH;
    assert_int_equal(wire_message_parse(f->body, f->size, &message, &size), RESULT_OK);
    memset(f->code, 0xFF, sizeof f->code);
    f->answered = 0;
    f->last_seen = false;
    struct batch_job *job;
    batch_begin(&f->worker, f->body, f->size, &message, on_wake, f, &job);
    memset(f->body + f->rows_at, 0xEE, f->size - f->rows_at); // a job must not look here again
    frames_take(f);
    return job;
}

// Runs the batch to its end; returns how many slices it took.
static uint32_t run(struct fixture *f)
{
    struct batch_job *job = run_begin(f);
    uint32_t slices = 1;
    while (job != NULL) {
        assert_false(batch_waits(job));
        batch_continue(&f->worker, &job);
        frames_take(f);
        slices++;
    }
    assert_true(f->last_seen);
    return slices;
}

static void rows_answer_each_with_its_index(void **state)
{
    struct fixture *f = *state;
    begin(f, BATCH_FLAGS);
    row_add(f, 5, 1, 0, WIRE_INFO2_WRITE, "a");
    run(f);
    assert_int_equal(f->code[5], RESULT_OK);
    begin(f, BATCH_FLAGS);
    row_add(f, 9, 1, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, NULL);
    row_repeat(f, 3, 2);
    row_add(f, 4, 1, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, NULL);
    run(f);
    assert_int_equal(f->answered, 3);
    assert_int_equal(f->code[9], RESULT_OK);
    assert_int_equal(f->bins[9], 1);
    assert_int_equal(f->code[3], RESULT_RECORD_NOT_FOUND);
    assert_int_equal(f->code[4], RESULT_OK);
    assert_int_equal(f->last_code, RESULT_OK);
}

static void large_batch_is_worked_off_in_slices(void **state)
{
    struct fixture *f = *state;
    begin(f, BATCH_FLAGS);
    row_add(f, 0, 0, 0, WIRE_INFO2_WRITE, "a");
    for (uint32_t i = 1; i < ROWS_MAX; i++) {
        row_repeat(f, i, i);
    }
    assert_true(run(f) > 4);
    assert_int_equal(f->answered, ROWS_MAX);
    struct store_stats stats;
    store_stats_sum(f->node->namespaces[0].store, &stats);
    assert_int_equal(stats.object_count, ROWS_MAX);
}

static void failing_row_ends_the_batch_unless_all_keys_answer(void **state)
{
    struct fixture *f = *state;
    for (int all = 0; all < 2; all++) {
        begin(f, all ? WIRE_BATCH_RESPOND_ALL_KEYS : 0);
        row_add(f, 0, 1, WIRE_INFO1_READ, 0, "none"); // not found is tolerated
        row_add(f, 1, 1, 0, WIRE_INFO2_WRITE, "a-name-too-long-for-a-bin");
        row_add(f, 2, 2, 0, WIRE_INFO2_WRITE, "a");
        run(f);
        assert_int_equal(f->code[0], RESULT_RECORD_NOT_FOUND);
        assert_int_equal(f->code[1], RESULT_BIN_NAME);
        assert_int_equal(f->code[2], all ? RESULT_OK : 0xFF);
    }
}

static void broken_rows_end_in_one_clear_code(void **state)
{
    struct fixture *f = *state;
    begin(f, BATCH_FLAGS);
    row_repeat(f, 0, 1); // repeats nothing
    run(f);
    assert_int_equal(f->answered, 0);
    assert_int_equal(f->last_code, RESULT_PARAMETER);
    begin(f, BATCH_FLAGS);
    row_add(f, 0, 1, 0, WIRE_INFO2_WRITE, "a");
    row_add(f, 1, 2, 0, WIRE_INFO2_WRITE, "a");
    f->size -= 3; // the end of the last op is missing
    run(f);
    assert_int_equal(f->code[0], RESULT_OK);
    assert_int_equal(f->last_code, RESULT_PARAMETER);
}

static void more_rows_than_allowed_are_refused_whole(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->node->config->service.batch_max_requests, 2);
    begin(f, BATCH_FLAGS);
    row_add(f, 0, 1, 0, WIRE_INFO2_WRITE, "a");
    row_repeat(f, 1, 2);
    row_repeat(f, 2, 3);
    run(f);
    assert_int_equal(f->answered, 0);
    assert_int_equal(f->last_code, RESULT_BATCH_MAX_REQUESTS);
}

// --- rows that wait for other nodes: here, for a view ---

static void place_all(struct fixture *f, uint64_t key)
{
    struct place place = {.key = key, .role = PLACE_MASTER, .master = PLACE_SELF};
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        replica_place_set(f->node->namespaces[0].replica, p, &place);
    }
    operations_places_changed(f->worker.operations);
}

// Ten milliseconds, after which the thread looks after its operations.
static void time_passes(struct fixture *f)
{
    f->worker.wakeup_ns += 10 * 1000000;
    operations_work(f->worker.operations);
}

// Works on a batch until it waits or has ended.
static void run_on(struct fixture *f, struct batch_job **job)
{
    while (*job != NULL && !batch_waits(*job)) {
        batch_continue(&f->worker, job);
        frames_take(f);
    }
}

static void rows_that_wait_are_answered_when_they_can_be(void **state)
{
    struct fixture *f = *state;
    place_all(f, 0);
    begin(f, BATCH_FLAGS);
    row_add(f, 5, 1, 0, WIRE_INFO2_WRITE, "a");
    row_add(f, 6, 2, 0, WIRE_INFO2_WRITE, "a-name-too-long-for-a-bin");
    row_add(f, 7, 1, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, NULL);
    struct batch_job *job = run_begin(f);
    run_on(f, &job);
    assert_true(batch_waits(job));
    assert_int_equal(f->answered, 0);
    time_passes(f);
    assert_int_equal(f->woken, 0);
    place_all(f, 8);
    time_passes(f);
    assert_int_equal(f->woken, 1);
    run_on(f, &job);
    assert_null(job);
    assert_int_equal(f->answered, 3);
    assert_int_equal(f->code[5], RESULT_OK);
    assert_int_equal(f->code[6], RESULT_BIN_NAME);
    assert_int_equal(f->code[7], RESULT_OK);
    assert_int_equal(f->bins[7], 1);
    assert_true(f->last_seen);
    assert_int_equal(f->last_code, RESULT_OK);
}

static void so_many_rows_wait_at_a_time_and_no_more(void **state)
{
    struct fixture *f = *state;
    place_all(f, 0);
    begin(f, BATCH_FLAGS);
    row_add(f, 0, 0, 0, WIRE_INFO2_WRITE, "a");
    for (uint32_t i = 1; i < ROWS_MAX; i++) {
        row_repeat(f, i, i);
    }
    struct batch_job *job = run_begin(f);
    uint32_t all, proxied, rounds = 0;
    while (job != NULL) {
        run_on(f, &job);
        operations_counts(f->worker.operations, &all, &proxied);
        assert_true(all <= 256);
        place_all(f, 8 + rounds);
        time_passes(f);
        run_on(f, &job);
        place_all(f, 0);
        rounds++;
    }
    assert_int_equal(f->answered, ROWS_MAX);
    assert_int_equal(f->last_code, RESULT_OK);
    operations_counts(f->worker.operations, &all, &proxied);
    assert_int_equal(all, 0);
}

static void a_row_that_fails_later_ends_the_batch_but_those_under_way_are_answered(void **state)
{
    struct fixture *f = *state;
    place_all(f, 0);
    begin(f, 0);
    row_add(f, 0, 1, 0, WIRE_INFO2_WRITE, "a-name-too-long-for-a-bin");
    for (uint32_t i = 1; i < 600; i++) {
        row_add(f, i, i, 0, WIRE_INFO2_WRITE, "a");
    }
    struct batch_job *job = run_begin(f);
    run_on(f, &job);
    place_all(f, 8);
    time_passes(f);
    run_on(f, &job);
    assert_null(job);
    assert_int_equal(f->code[0], RESULT_BIN_NAME);
    assert_int_equal(f->code[255], RESULT_OK);
    assert_int_equal(f->code[599], 0xFF);
    assert_true(f->last_seen);
}

static void rows_are_given_no_more_time_than_the_batch(void **state)
{
    struct fixture *f = *state;
    place_all(f, 0);
    f->transaction_ttl = 50;
    begin(f, BATCH_FLAGS);
    row_add(f, 0, 1, 0, WIRE_INFO2_WRITE, "a");
    struct batch_job *job = run_begin(f);
    run_on(f, &job);
    f->worker.wakeup_ns += 30 * 1000000;
    time_passes(f);
    assert_int_equal(f->woken, 0);
    time_passes(f);
    time_passes(f);
    assert_int_equal(f->woken, 1);
    run_on(f, &job);
    assert_null(job);
    assert_int_equal(f->code[0], RESULT_PARTITION_UNAVAILABLE); // nothing was done
    assert_true(f->last_seen);
}

static void a_batch_can_be_given_up_while_rows_wait(void **state)
{
    struct fixture *f = *state;
    place_all(f, 0);
    begin(f, BATCH_FLAGS);
    for (uint32_t i = 0; i < 600; i++) {
        row_add(f, i, i, 0, WIRE_INFO2_WRITE, "a");
    }
    struct batch_job *job = run_begin(f);
    run_on(f, &job);
    place_all(f, 8);
    time_passes(f);
    batch_continue(&f->worker, &job); // some answers are taken, others wait to be
    frames_take(f);
    place_all(f, 0);
    run_on(f, &job);
    assert_true(batch_waits(job));
    batch_free(&job);
    f->woken = 0;
    place_all(f, 9);
    time_passes(f);
    assert_int_equal(f->woken, 0);
    uint32_t all, proxied;
    operations_counts(f->worker.operations, &all, &proxied);
    assert_int_equal(all, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_answer_each_with_its_index),
        TEST(large_batch_is_worked_off_in_slices),
        TEST(failing_row_ends_the_batch_unless_all_keys_answer),
        TEST(broken_rows_end_in_one_clear_code),
        TEST(more_rows_than_allowed_are_refused_whole),
        TEST(rows_that_wait_are_answered_when_they_can_be),
        TEST(so_many_rows_wait_at_a_time_and_no_more),
        TEST(a_row_that_fails_later_ends_the_batch_but_those_under_way_are_answered),
        TEST(rows_are_given_no_more_time_than_the_batch),
        TEST(a_batch_can_be_given_up_while_rows_wait),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
