// SPDX-License-Identifier: Apache-2.0
// Rows are requests like any other; the answers are grouped into frames of bounded size, a record
// never straddling two.
#include "server/batch.h"

#include <stdlib.h>

#include "io/clock.h"
#include "server/request.h"
#include "wire/frame.h"

enum {
    SLICE_ROWS = 256,
    SLICE_OUTPUT_SIZE = 512 * 1024, // a slice ends early past this
    GROUP_SIZE_MAX = 1024 * 1024,
    BATCH_MAGIC = 0x42415443,
};

// What working off rows needs to remember.
struct batch_state {
    struct wire_batch rows;
    uint64_t begin_ns;
    uint64_t deadline_ns; // 0: none
    enum base_result result;
    bool filtered; // the batch as a whole carries a filter
};

struct batch_job {
    uint32_t magic;
    struct batch_state state;
    uint8_t *body;
};

static bool group_begin(struct worker *worker, size_t *at)
{
    *at = worker->output.size;
    if (output_reserve(&worker->output, WIRE_FRAME_HEADER_SIZE) == NULL) {
        return false;
    }
    worker->output.size += WIRE_FRAME_HEADER_SIZE;
    return true;
}

static void group_end(struct worker *worker, size_t at)
{
    size_t body_size = worker->output.size - at - WIRE_FRAME_HEADER_SIZE;
    if (body_size == 0) {
        worker->output.size = at;
        return;
    }
    wire_frame_header_store(worker->output.data + at, WIRE_FRAME_MESSAGE, body_size);
}

static bool row_answer(struct worker *worker, const struct batch_state *state)
{
    const struct wire_batch_row *row = &state->rows.row;
    if (state->filtered) {
        return request_refuse(worker, RESULT_UNSUPPORTED, row->index);
    }
    struct request request = {
        .worker = worker,
        .origin = REQUEST_BATCH_ROW,
        .header = &row->header,
        .fields = &row->fields,
        .ops = row->ops,
        .digest = row->digest,
        .row_index = row->index,
    };
    return request_run(&request);
}

// Whether the batch goes on behind a row with this result.
static bool row_tolerated(const struct batch_state *state, uint8_t code)
{
    return code == RESULT_OK || code == RESULT_RECORD_NOT_FOUND || code == RESULT_FILTERED_OUT ||
           state->rows.flags & WIRE_BATCH_RESPOND_ALL_KEYS;
}

static bool last_append(struct worker *worker, enum base_result result)
{
    uint8_t *at = output_reserve(&worker->output, WIRE_MESSAGE_HEADER_SIZE);
    if (at == NULL) {
        return false;
    }
    struct wire_message_header header = {.info3 = WIRE_INFO3_LAST,
                                         .result_code = request_wire_code(result)};
    wire_message_header_store(at, &header);
    worker->output.size += WIRE_MESSAGE_HEADER_SIZE;
    return true;
}

static void count_end(struct worker *worker, const struct batch_state *state)
{
    struct counters_node *c = &worker->counters->node;
    counters_add(state->result == RESULT_OK        ? &c->batch_index_complete
                 : state->result == RESULT_TIMEOUT ? &c->batch_index_timeout
                                                   : &c->batch_index_error,
                 1);
    counters_time(&c->hist_batch_index, io_clock_monotonic_ns() - state->begin_ns, 1);
}

// Works off up to `row_max` rows. True when the batch is over.
static bool rows_work(struct worker *worker, struct batch_state *state, uint32_t row_max)
{
    size_t begin = worker->output.size, group_at;
    bool over = false;
    if (!group_begin(worker, &group_at)) {
        state->result = RESULT_NO_MEMORY;
        return true;
    }
    for (uint32_t i = 0; i < row_max && worker->output.size - begin < SLICE_OUTPUT_SIZE; i++) {
        enum base_result result = wire_batch_next(&state->rows);
        if (result != RESULT_OK) {
            state->result = result == RESULT_QUERY_END ? RESULT_OK : RESULT_PARAMETER;
            over = true;
            break;
        }
        size_t row_at = worker->output.size;
        if (!row_answer(worker, state)) {
            state->result = RESULT_NO_MEMORY;
            over = true;
            break;
        }
        if (!row_tolerated(state, worker->output.data[row_at + 5])) {
            state->result = RESULT_OK; // the row carries its own code
            over = true;
            break;
        }
        if (worker->output.size - group_at > GROUP_SIZE_MAX) {
            group_end(worker, group_at);
            if (!group_begin(worker, &group_at)) {
                state->result = RESULT_NO_MEMORY;
                return true;
            }
        }
    }
    if (!over && state->deadline_ns != 0 && io_clock_monotonic_ns() > state->deadline_ns) {
        state->result = RESULT_TIMEOUT;
        over = true;
    }
    if (over) {
        last_append(worker, state->result);
        count_end(worker, state);
    }
    group_end(worker, group_at);
    return over;
}

static void refuse(struct worker *worker, enum base_result result)
{
    size_t group_at;
    if (group_begin(worker, &group_at)) {
        last_append(worker, result);
        group_end(worker, group_at);
    }
    counters_add(&worker->counters->node.batch_index_error, 1);
}

void batch_begin(struct worker *worker, const uint8_t *body, size_t body_size,
                 const struct wire_message *message, struct batch_job **job)
{
    *job = NULL;
    counters_add(&worker->counters->node.batch_index_initiate, 1);
    struct batch_state state = {
        .begin_ns = worker->wakeup_ns,
        .filtered = wire_fields_has(&message->fields, WIRE_FIELD_FILTER),
    };
    if (message->header.transaction_ttl != 0) {
        state.deadline_ns =
            state.begin_ns + (uint64_t)message->header.transaction_ttl * 1000 * 1000;
    }
    struct base_slice field = wire_fields_get(&message->fields, WIRE_FIELD_BATCH);
    if (wire_batch_open(field, &state.rows) != RESULT_OK) {
        refuse(worker, RESULT_PARAMETER);
        return;
    }
    uint32_t row_max = atomic_load_explicit(&worker->node->config->service.batch_max_requests,
                                            memory_order_relaxed);
    if ((row_max != 0 && state.rows.row_count > row_max) ||
        state.rows.row_count > LIMIT_BATCH_ROWS) {
        refuse(worker, RESULT_BATCH_MAX_REQUESTS);
        return;
    }
    if (rows_work(worker, &state, SLICE_ROWS)) {
        return;
    }
    // The bytes outlive this call only as a copy; the reader is set up again on it.
    struct batch_job *kept = malloc(sizeof *kept);
    uint8_t *copy = malloc(body_size);
    if (kept == NULL || copy == NULL) {
        free(kept);
        free(copy);
        refuse(worker, RESULT_NO_MEMORY);
        return;
    }
    memcpy(copy, body, body_size);
    *kept = (struct batch_job){.magic = BATCH_MAGIC, .state = state, .body = copy};
    struct wire_batch *rows = &kept->state.rows;
    uint32_t rows_done = state.rows.row_count - state.rows.rows_left;
    field.data = copy + (field.data - body);
    enum base_result again = wire_batch_open(field, rows);
    for (uint32_t i = 0; i < rows_done && again == RESULT_OK; i++) {
        again = wire_batch_next(rows);
    }
    base_assert(again == RESULT_OK); // the same bytes parsed a moment ago
    *job = kept;
}

bool batch_continue(struct worker *worker, struct batch_job **job)
{
    base_magic_check(*job, BATCH_MAGIC);
    if (!rows_work(worker, &(*job)->state, SLICE_ROWS)) {
        return false;
    }
    batch_free(job);
    return true;
}

void batch_free(struct batch_job **job)
{
    if (*job != NULL) {
        base_magic_check(*job, BATCH_MAGIC);
        free((*job)->body);
        free(*job);
        *job = NULL;
    }
}
