// SPDX-License-Identifier: Apache-2.0
// Requests on records, from the bytes of a message to the bytes of the answer, without a socket.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster/replica.h"
#include "server/request.h"
#include "worker_fixture.h"

struct fixture {
    struct node *node;
    struct worker worker;
    uint8_t message[64 * 1024];
    size_t size;
    uint32_t op_count;
    struct wire_message_header header;
    struct wire_message answer;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    worker_fixture_init(&f->node, &f->worker);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    worker_fixture_fini(&f->node, &f->worker);
    free(f);
    return 0;
}

static const char *const SET = "demo";

static uint8_t *field(uint8_t *at, enum wire_field_type type, const void *data, size_t size)
{
    return wire_field_store(at, type, data, size);
}

// Begins a message about record number `id`.
static void begin(struct fixture *f, uint8_t info1, uint8_t info2, uint8_t info3, uint8_t id)
{
    uint8_t digest[LIMIT_DIGEST_SIZE] = {id, 0, 1, 2, 3};
    f->header = (struct wire_message_header){
        .info1 = info1, .info2 = info2, .info3 = info3, .field_count = 3};
    uint8_t *at = f->message + WIRE_MESSAGE_HEADER_SIZE;
    at = field(at, WIRE_FIELD_NAMESPACE, "test", 4);
    at = field(at, WIRE_FIELD_SET, SET, strlen(SET));
    at = field(at, WIRE_FIELD_DIGEST, digest, sizeof digest);
    f->size = (size_t)(at - f->message);
}

static void add_field(struct fixture *f, enum wire_field_type type, const void *data, size_t size)
{
    f->size = (size_t)(field(f->message + f->size, type, data, size) - f->message);
    f->header.field_count++;
}

static void add_op(struct fixture *f, uint8_t op, uint8_t type, const char *name, const void *value,
                   size_t size)
{
    uint8_t *at = wire_op_store(f->message + f->size, op, type, name, (uint8_t)strlen(name), size);
    if (size > 0) {
        memcpy(at, value, size);
    }
    f->size = (size_t)(at + size - f->message);
    f->header.op_count++;
}

static void add_integer(struct fixture *f, uint8_t op, const char *name, int64_t value)
{
    uint8_t bytes[8];
    base_be64_store(bytes, (uint64_t)value);
    add_op(f, op, WIRE_PARTICLE_INTEGER, name, bytes, sizeof bytes);
}

// Runs the message; the result code, with the parsed answer in f->answer.
static uint8_t run(struct fixture *f)
{
    struct wire_message message;
    size_t size;
    wire_message_header_store(f->message, &f->header);
    assert_int_equal(wire_message_parse(f->message, f->size, &message, &size), RESULT_OK);
    f->worker.output.size = 0;
    struct request request = {
        .worker = &f->worker,
        .header = &message.header,
        .fields = &message.fields,
        .ops = message.ops,
        .digest = wire_fields_get(&message.fields, WIRE_FIELD_DIGEST).data,
    };
    assert_true(request_run(&request));
    assert_int_equal(
        wire_message_parse(f->worker.output.data, f->worker.output.size, &f->answer, &size),
        RESULT_OK);
    assert_int_equal(size, f->worker.output.size);
    if (f->answer.header.result_code != RESULT_OK) {
        assert_int_equal(f->answer.header.op_count, 0);
    }
    return f->answer.header.result_code;
}

static uint8_t put_integer(struct fixture *f, uint8_t id, const char *name, int64_t value)
{
    begin(f, 0, WIRE_INFO2_WRITE, 0, id);
    add_integer(f, WIRE_OP_WRITE, name, value);
    return run(f);
}

static uint8_t get_all(struct fixture *f, uint8_t id)
{
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, id);
    return run(f);
}

// The next result of the answer.
static struct wire_op result_next(struct fixture *f)
{
    struct wire_op op;
    assert_true(wire_ops_next(&f->answer.ops, &op));
    return op;
}

static void assert_integer(const struct wire_op *op, const char *name, int64_t value)
{
    assert_int_equal(op->name_size, strlen(name));
    assert_memory_equal(op->name, name, op->name_size);
    assert_int_equal(op->particle_type, WIRE_PARTICLE_INTEGER);
    assert_int_equal((int64_t)base_be64_load(op->value), value);
}

static void what_is_put_is_got(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_integer(f, WIRE_OP_WRITE, "a", -7);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_STRING, "s", "text", 4);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_STRING, "empty", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
    assert_int_equal(get_all(f, 1), RESULT_OK);
    assert_int_equal(f->answer.header.op_count, 3);
    struct wire_op op = result_next(f);
    assert_integer(&op, "a", -7);
    op = result_next(f);
    assert_int_equal(op.value_size, 4);
    assert_memory_equal(op.value, "text", 4);
    op = result_next(f);
    assert_int_equal(op.particle_type, WIRE_PARTICLE_STRING);
    assert_int_equal(op.value_size, 0);
}

static void named_reads_leave_out_missing_bins_unless_all_ops_answer(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    for (int all = 0; all < 2; all++) {
        begin(f, WIRE_INFO1_READ, all ? WIRE_INFO2_RESPOND_ALL_OPS : 0, 0, 1);
        add_op(f, WIRE_OP_READ, 0, "none", NULL, 0);
        add_op(f, WIRE_OP_READ, 0, "a", NULL, 0);
        assert_int_equal(run(f), RESULT_OK);
        assert_int_equal(f->answer.header.op_count, all ? 2 : 1);
        if (all) {
            struct wire_op nil = result_next(f);
            assert_int_equal(nil.particle_type, WIRE_PARTICLE_NIL);
        }
        struct wire_op op = result_next(f);
        assert_integer(&op, "a", 1);
    }
}

static void header_read_carries_no_bins(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_NO_BIN_DATA, 0, 0, 1);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.op_count, 0);
    assert_int_equal(f->answer.header.generation, 1);
}

static void existence_policies_hold(void **state)
{
    static const struct {
        uint8_t info2, info3;
        uint8_t when_absent, when_there;
        uint32_t bins_after; // of the record that was there
    } cases[] = {
        {0, 0, RESULT_OK, RESULT_OK, 2},
        {WIRE_INFO2_CREATE_ONLY, 0, RESULT_OK, RESULT_RECORD_EXISTS, 1},
        {0, WIRE_INFO3_UPDATE_ONLY, RESULT_RECORD_NOT_FOUND, RESULT_OK, 2},
        {0, WIRE_INFO3_CREATE_OR_REPLACE, RESULT_OK, RESULT_OK, 1},
        {0, WIRE_INFO3_REPLACE_ONLY, RESULT_RECORD_NOT_FOUND, RESULT_OK, 1},
    };
    struct fixture *f = *state;
    for (uint8_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t absent = 10 + i, there = 20 + i;
        put_integer(f, there, "old", 1);
        begin(f, 0, WIRE_INFO2_WRITE | cases[i].info2, cases[i].info3, absent);
        add_integer(f, WIRE_OP_WRITE, "new", 2);
        assert_int_equal(run(f), cases[i].when_absent);
        begin(f, 0, WIRE_INFO2_WRITE | cases[i].info2, cases[i].info3, there);
        add_integer(f, WIRE_OP_WRITE, "new", 2);
        assert_int_equal(run(f), cases[i].when_there);
        assert_int_equal(get_all(f, there), RESULT_OK);
        assert_int_equal(f->answer.header.op_count, cases[i].bins_after);
    }
}

static void generation_policies_hold_and_a_failed_write_changes_nothing(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    put_integer(f, 1, "a", 2);
    static const struct {
        uint8_t info2;
        uint32_t expected;
        uint8_t result;
    } cases[] = {
        {WIRE_INFO2_GENERATION, 1, RESULT_GENERATION},
        {WIRE_INFO2_GENERATION_GT, 2, RESULT_GENERATION},
        {WIRE_INFO2_GENERATION, 2, RESULT_OK},
        {WIRE_INFO2_GENERATION_GT, 9, RESULT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(f, 0, WIRE_INFO2_WRITE | cases[i].info2, 0, 1);
        f->header.generation = cases[i].expected;
        add_integer(f, WIRE_OP_WRITE, "a", 100 + (int64_t)i);
        assert_int_equal(run(f), cases[i].result);
    }
    assert_int_equal(get_all(f, 1), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 4);
}

static void generation_wraps_to_one(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < LIMIT_GENERATION; i++) {
        assert_int_equal(put_integer(f, 1, "a", i), RESULT_OK);
    }
    assert_int_equal(f->answer.header.generation, LIMIT_GENERATION);
    assert_int_equal(put_integer(f, 1, "a", 0), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
}

static void operations_see_each_other_and_answer_in_order(void **state)
{
    struct fixture *f = *state;
    begin(f, WIRE_INFO1_READ, WIRE_INFO2_WRITE, 0, 1);
    add_integer(f, WIRE_OP_INCR, "n", 5);
    add_op(f, WIRE_OP_READ, 0, "n", NULL, 0);
    add_integer(f, WIRE_OP_INCR, "n", -2);
    add_op(f, WIRE_OP_READ, 0, "n", NULL, 0);
    add_op(f, WIRE_OP_APPEND, WIRE_PARTICLE_STRING, "s", "b", 1);
    add_op(f, WIRE_OP_PREPEND, WIRE_PARTICLE_STRING, "s", "a", 1);
    add_op(f, WIRE_OP_READ, 0, "s", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.op_count, 3);
    struct wire_op op = result_next(f);
    assert_integer(&op, "n", 5);
    op = result_next(f);
    assert_integer(&op, "n", 3);
    op = result_next(f);
    assert_memory_equal(op.value, "ab", 2);
}

static void one_failing_operation_undoes_all(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    begin(f, WIRE_INFO1_READ, WIRE_INFO2_WRITE, 0, 1);
    add_integer(f, WIRE_OP_WRITE, "a", 2);
    add_op(f, WIRE_OP_READ, 0, "a", NULL, 0);
    add_op(f, WIRE_OP_APPEND, WIRE_PARTICLE_STRING, "a", "x", 1);
    assert_int_equal(run(f), RESULT_INCOMPATIBLE_TYPE);
    assert_int_equal(get_all(f, 1), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
    struct wire_op op = result_next(f);
    assert_integer(&op, "a", 1);
}

static void all_ops_answer_when_asked(void **state)
{
    struct fixture *f = *state;
    begin(f, WIRE_INFO1_READ, WIRE_INFO2_WRITE | WIRE_INFO2_RESPOND_ALL_OPS, 0, 1);
    add_integer(f, WIRE_OP_INCR, "n", 5);
    add_op(f, WIRE_OP_READ, 0, "none", NULL, 0);
    add_op(f, WIRE_OP_READ, 0, "n", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.op_count, 3);
    assert_int_equal(result_next(f).particle_type, WIRE_PARTICLE_NIL);
    assert_int_equal(result_next(f).particle_type, WIRE_PARTICLE_NIL);
    struct wire_op op = result_next(f);
    assert_integer(&op, "n", 5);
}

static void delete_and_touch_need_a_record(void **state)
{
    struct fixture *f = *state;
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_RECORD_NOT_FOUND);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_TOUCH, 0, "", NULL, 0);
    assert_int_equal(run(f), RESULT_RECORD_NOT_FOUND);
    put_integer(f, 1, "a", 1);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_TOUCH, 0, "", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 2);
    begin(f, WIRE_INFO1_READ, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_READ, 0, "a", NULL, 0);
    add_op(f, WIRE_OP_DELETE, 0, "", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    struct wire_op op = result_next(f);
    assert_integer(&op, "a", 1);
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
}

static void removing_the_last_bin_removes_the_record(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_NIL, "a", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
    struct store_stats stats;
    store_stats_sum(f->node->namespaces[0].store, &stats);
    assert_int_equal(stats.object_count, 0);
}

// What stands under a record's digest, dead or not.
struct standing {
    struct store_record record;
    uint8_t life;
};

static bool standing_read(struct fixture *f, uint8_t id, struct standing *out)
{
    uint8_t digest[LIMIT_DIGEST_SIZE] = {id, 0, 1, 2, 3};
    struct store_cursor cursor;
    store_acquire(f->node->namespaces[0].store, digest, 0, &cursor);
    bool found = cursor.stored != NULL;
    if (found) {
        store_record_decode(cursor.stored, &out->record);
        out->life = store_record_life(cursor.stored);
    }
    store_release(&cursor);
    return found;
}

static void deletes_leave_tombstones_once_there_were_other_nodes(void **state)
{
    struct fixture *f = *state;
    struct standing standing;
    put_integer(f, 1, "a", 1);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_OK);
    assert_false(standing_read(f, 1, &standing));

    f->node->namespaces[0].replica->tombstones = true;
    put_integer(f, 1, "a", 1);
    put_integer(f, 1, "a", 2);
    f->worker.now_ms += 5;
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_OK);
    assert_true(standing_read(f, 1, &standing));
    assert_true(standing.record.tombstone);
    assert_int_equal(standing.record.generation, 3);
    assert_int_equal(standing.record.last_update_ms, f->worker.now_ms);
    assert_int_equal(standing.record.void_time_s, 0);
    assert_true(base_slice_equal(standing.record.set_name,
                                 (struct base_slice){(const uint8_t *)SET, strlen(SET)}));
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_RECORD_NOT_FOUND);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_TOUCH, 0, "", NULL, 0);
    assert_int_equal(run(f), RESULT_RECORD_NOT_FOUND);

    put_integer(f, 2, "a", 1);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 2);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_NIL, "a", NULL, 0);
    assert_int_equal(run(f), RESULT_OK);
    assert_true(standing_read(f, 2, &standing));
    assert_true(standing.record.tombstone);
    assert_int_equal(
        node_namespace_counter(f->node, 0, offsetof(struct counters_namespace, deleted_last_bin)),
        1);
}

static void a_record_made_again_starts_with_generation_one_and_wins(void **state)
{
    struct fixture *f = *state;
    struct standing standing;
    f->node->namespaces[0].replica->tombstones = true;
    struct replication_version before = {.exists = false};
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t generation = 1; generation <= 3; generation++) {
            begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
            f->header.info2 |= generation == 1 ? WIRE_INFO2_CREATE_ONLY : 0;
            add_integer(f, WIRE_OP_WRITE, "a", generation);
            if (generation == 3) {
                begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
            }
            assert_int_equal(run(f), RESULT_OK);
            assert_true(standing_read(f, 1, &standing));
            assert_int_equal(standing.record.generation, generation);
            assert_int_equal(standing.life, round);
            struct replication_version now = replica_version(standing.record.bytes);
            assert_true(replication_compare(&now, &before, REPLICATION_BY_GENERATION) > 0);
            assert_true(replication_compare(&now, &before, REPLICATION_BY_LAST_UPDATE_TIME) > 0);
            before = now;
        }
    }
}

static void time_does_not_go_back_with_the_clock(void **state)
{
    struct fixture *f = *state;
    struct standing standing;
    f->node->namespaces[0].replica->tombstones = true;
    uint64_t begin_ms = f->worker.now_ms;
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    f->header.record_ttl = 10;
    add_integer(f, WIRE_OP_WRITE, "a", 1);
    assert_int_equal(run(f), RESULT_OK);
    f->worker.now_ms -= 5000;
    put_integer(f, 1, "a", 2);
    assert_true(standing_read(f, 1, &standing));
    assert_int_equal(standing.record.last_update_ms, begin_ms);
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, 1);
    f->header.record_ttl = 100;
    assert_int_equal(run(f), RESULT_OK);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_OK);
    assert_true(standing_read(f, 1, &standing));
    assert_int_equal(standing.record.last_update_ms, begin_ms);
    put_integer(f, 1, "a", 3);
    assert_true(standing_read(f, 1, &standing));
    assert_int_equal(standing.record.last_update_ms, begin_ms);
}

static void stored_key_guards_the_record(void **state)
{
    struct fixture *f = *state;
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_field(f, WIRE_FIELD_KEY, "\003mine", 5);
    add_integer(f, WIRE_OP_WRITE, "a", 1);
    assert_int_equal(run(f), RESULT_OK);
    put_integer(f, 1, "b", 2); // without a key: the stored one stays
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, 1);
    add_field(f, WIRE_FIELD_KEY, "\003else", 5);
    assert_int_equal(run(f), RESULT_KEY_MISMATCH);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    add_field(f, WIRE_FIELD_KEY, "\003mine", 5);
    assert_int_equal(run(f), RESULT_OK);
}

static void time_to_live_follows_the_header(void **state)
{
    struct fixture *f = *state;
    struct config_namespace *config = f->node->namespaces[0].config;
    uint32_t now_s = worker_now_s(&f->worker);
    static const uint32_t NONE = 0;
    atomic_store(&config->default_ttl_s, 50);
    const struct {
        uint32_t ttl, void_time;
    } cases[] = {
        {100, now_s + 100},
        {WIRE_TTL_KEEP, now_s + 100},
        {WIRE_TTL_NAMESPACE_DEFAULT, now_s + 50},
        {WIRE_TTL_NEVER, NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
        f->header.record_ttl = cases[i].ttl;
        add_integer(f, WIRE_OP_WRITE, "a", 1);
        assert_int_equal(run(f), RESULT_OK);
        assert_int_equal(get_all(f, 1), RESULT_OK);
        assert_int_equal(f->answer.header.record_ttl, cases[i].void_time);
    }
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    f->header.record_ttl = 0x7FFFFFFF;
    add_integer(f, WIRE_OP_WRITE, "a", 1);
    assert_int_equal(run(f), RESULT_PARAMETER);
    atomic_store(&config->nsup_period_s, 0);
    f->header.record_ttl = 10;
    assert_int_equal(run(f), RESULT_FORBIDDEN);
}

static void expired_record_is_gone_and_can_be_made_anew(void **state)
{
    struct fixture *f = *state;
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    f->header.record_ttl = 10;
    add_integer(f, WIRE_OP_WRITE, "a", 1);
    assert_int_equal(run(f), RESULT_OK);
    f->worker.now_ms += 11 * 1000;
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_CREATE_ONLY, 0, 1);
    add_integer(f, WIRE_OP_WRITE, "b", 1);
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
}

static void read_near_the_end_of_life_renews_the_record(void **state)
{
    struct fixture *f = *state;
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    f->header.record_ttl = 100;
    add_integer(f, WIRE_OP_WRITE, "a", 1);
    assert_int_equal(run(f), RESULT_OK);
    uint32_t first = f->answer.header.record_ttl;
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, 1);
    f->header.record_ttl = 50;
    f->worker.now_ms += 10 * 1000;
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.record_ttl, first);
    f->worker.now_ms += 60 * 1000;
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.record_ttl, first); // what the reader found
    assert_int_equal(run(f), RESULT_OK);
    assert_int_equal(f->answer.header.record_ttl, first + 70);
    assert_int_equal(f->answer.header.generation, 1);
}

static void truncation_hides_what_was_and_spares_what_comes(void **state)
{
    struct fixture *f = *state;
    struct store *store = f->node->namespaces[0].store;
    put_integer(f, 1, "a", 1);
    store_truncate(store, NULL, f->worker.now_ms + 1);
    assert_int_equal(get_all(f, 1), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(put_integer(f, 1, "a", 2), RESULT_OK);
    assert_int_equal(get_all(f, 1), RESULT_OK);
}

static void bad_requests_are_refused_with_their_code(void **state)
{
    struct fixture *f = *state;
    static const char LONG_NAME[] = "0123456789abcdef";
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_integer(f, WIRE_OP_WRITE, LONG_NAME, 1);
    assert_int_equal(run(f), RESULT_BIN_NAME);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_INTEGER, "a", "123", 3);
    assert_int_equal(run(f), RESULT_PARAMETER);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_LIST, "a", "\x91", 1);
    assert_int_equal(run(f), RESULT_PARAMETER);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    assert_int_equal(run(f), RESULT_PARAMETER); // nothing to do
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_CDT_MODIFY, WIRE_PARTICLE_BLOB, "l", "\x92\x01\x01", 3);
    assert_int_equal(run(f), RESULT_UNSUPPORTED);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, 200, WIRE_PARTICLE_BLOB, "l", "", 0);
    assert_int_equal(run(f), RESULT_PARAMETER);
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, 1);
    add_field(f, WIRE_FIELD_FILTER, "\xc3", 1);
    assert_int_equal(run(f), RESULT_UNSUPPORTED);
    begin(f, WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, 0, 0, 1);
    f->message[WIRE_MESSAGE_HEADER_SIZE + WIRE_FIELD_HEADER_SIZE] = 'T';
    assert_int_equal(run(f), RESULT_NAMESPACE_NOT_FOUND);
}

static void too_big_a_record_is_refused_and_counted(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->node->namespaces[0].config->max_record_size, 200);
    char value[300] = {0};
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_BLOB, "a", value, sizeof value);
    assert_int_equal(run(f), RESULT_RECORD_TOO_BIG);
    assert_int_equal(node_namespace_counter(
                         f->node, 0, offsetof(struct counters_namespace, fail_record_too_big)),
                     1);
}

static void full_namespace_refuses_writes_and_still_reads_and_deletes(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    atomic_store(&f->node->namespaces[0].stop_writes, true);
    assert_int_equal(put_integer(f, 2, "a", 1), RESULT_SERVER_FULL);
    assert_int_equal(get_all(f, 1), RESULT_OK);
    begin(f, 0, WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, 0, 1);
    assert_int_equal(run(f), RESULT_OK);
}

static void set_limits_stop_new_records(void **state)
{
    struct fixture *f = *state;
    struct store_set *set;
    struct base_slice name = {(const uint8_t *)SET, strlen(SET)};
    assert_int_equal(store_set_ensure(f->node->namespaces[0].store, name, &set), RESULT_OK);
    atomic_store(&set->stop_writes_count, 1);
    assert_int_equal(put_integer(f, 1, "a", 1), RESULT_OK);
    assert_int_equal(put_integer(f, 2, "a", 1), RESULT_FORBIDDEN);
    assert_int_equal(put_integer(f, 1, "a", 2), RESULT_OK);
}

static void many_bins_are_found_by_name(void **state)
{
    struct fixture *f = *state;
    enum { BINS = 300 };
    char name[16];
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    for (int i = 0; i < BINS; i++) {
        snprintf(name, sizeof name, "bin%d", i);
        add_integer(f, WIRE_OP_WRITE, name, i);
    }
    assert_int_equal(run(f), RESULT_OK);
    begin(f, WIRE_INFO1_READ, WIRE_INFO2_WRITE, 0, 1);
    for (int i = BINS - 1; i >= 0; i--) {
        snprintf(name, sizeof name, "bin%d", i);
        add_integer(f, WIRE_OP_INCR, name, 1000);
    }
    assert_int_equal(run(f), RESULT_OK);
    begin(f, WIRE_INFO1_READ, 0, 0, 1);
    for (int i = 0; i < BINS; i++) {
        snprintf(name, sizeof name, "bin%d", i);
        add_op(f, WIRE_OP_READ, 0, name, NULL, 0);
    }
    assert_int_equal(run(f), RESULT_OK);
    for (int i = 0; i < BINS; i++) {
        snprintf(name, sizeof name, "bin%d", i);
        struct wire_op op = result_next(f);
        assert_integer(&op, name, 1000 + i);
    }
}

static void answer_about_one_record_stays_bounded(void **state)
{
    struct fixture *f = *state;
    enum { VALUE_SIZE = 60000, READS = 2 * LIMIT_ANSWER_RECORD_SIZE / VALUE_SIZE };
    char *value = calloc(1, VALUE_SIZE);
    begin(f, 0, WIRE_INFO2_WRITE, 0, 1);
    add_op(f, WIRE_OP_WRITE, WIRE_PARTICLE_BLOB, "a", value, VALUE_SIZE);
    assert_int_equal(run(f), RESULT_OK);
    free(value);
    begin(f, WIRE_INFO1_READ, 0, 0, 1);
    for (int i = 0; i < READS; i++) {
        add_op(f, WIRE_OP_READ, 0, "a", NULL, 0);
    }
    assert_int_equal(run(f), RESULT_RECORD_TOO_BIG);
}

static void outcomes_are_counted_once_each(void **state)
{
    struct fixture *f = *state;
    put_integer(f, 1, "a", 1);
    get_all(f, 1);
    get_all(f, 2);
    worker_timings_settle(&f->worker);
#define COUNTER(name) node_namespace_counter(f->node, 0, offsetof(struct counters_namespace, name))
    assert_int_equal(COUNTER(client_write_success), 1);
    assert_int_equal(COUNTER(client_read_success), 1);
    assert_int_equal(COUNTER(client_read_not_found), 1);
    assert_int_equal(COUNTER(client_read_error), 0);
#undef COUNTER
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_got),
        TEST(named_reads_leave_out_missing_bins_unless_all_ops_answer),
        TEST(header_read_carries_no_bins),
        TEST(existence_policies_hold),
        TEST(generation_policies_hold_and_a_failed_write_changes_nothing),
        TEST(generation_wraps_to_one),
        TEST(operations_see_each_other_and_answer_in_order),
        TEST(one_failing_operation_undoes_all),
        TEST(all_ops_answer_when_asked),
        TEST(delete_and_touch_need_a_record),
        TEST(removing_the_last_bin_removes_the_record),
        TEST(deletes_leave_tombstones_once_there_were_other_nodes),
        TEST(a_record_made_again_starts_with_generation_one_and_wins),
        TEST(time_does_not_go_back_with_the_clock),
        TEST(stored_key_guards_the_record),
        TEST(time_to_live_follows_the_header),
        TEST(expired_record_is_gone_and_can_be_made_anew),
        TEST(read_near_the_end_of_life_renews_the_record),
        TEST(truncation_hides_what_was_and_spares_what_comes),
        TEST(bad_requests_are_refused_with_their_code),
        TEST(too_big_a_record_is_refused_and_counted),
        TEST(full_namespace_refuses_writes_and_still_reads_and_deletes),
        TEST(set_limits_stop_new_records),
        TEST(many_bins_are_found_by_name),
        TEST(answer_about_one_record_stays_bounded),
        TEST(outcomes_are_counted_once_each),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
