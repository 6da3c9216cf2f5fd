// SPDX-License-Identifier: Apache-2.0
// Rows are requests like any other; the answers are grouped into frames of bounded size, a record
// never straddling two. A row that becomes an operation is remembered until that is done.
#include "server/batch.h"

#include <stdlib.h>

#include "io/clock.h"
#include "server/operation.h"
#include "wire/frame.h"

enum {
    SLICE_ROWS = 256,
    SLICE_OUTPUT_SIZE = 512 * 1024, // a slice ends early past this
    GROUP_SIZE_MAX = 1024 * 1024,
    FLIGHT_MAX = 256, // rows that wait for other nodes at a time
    BATCH_MAGIC = 0x42415443,
};

// A row that another node has a part in.
struct row {
    struct row *next, *previous; // in one of the flight's lists
    struct flight *flight;
    struct operation *operation;
};

struct row_list {
    struct row *first, *last;
    uint32_t count;
};

// The rows that are under way; made with the first of them.
struct flight {
    struct row_list waiting;
    struct row_list done; // their answers are to be appended
    bool asleep;          // the batch waits until few enough are waiting
    uint32_t wake_at;
    batch_wake_fn wake;
    void *wake_arg;
};

// What working off rows needs to remember.
struct batch_state {
    struct wire_batch rows;
    struct flight *flight; // NULL: no row ever waited
    uint64_t begin_ns;
    uint64_t deadline_ns; // 0: none
    enum base_result result;
    bool filtered;  // the batch as a whole carries a filter
    bool rows_over; // no further row is begun
    batch_wake_fn wake;
    void *wake_arg;
};

struct batch_job {
    uint32_t magic;
    struct batch_state state;
    uint8_t *body; // NULL: no row is left in it
};

// --- rows under way ---

static void list_add(struct row_list *list, struct row *row)
{
    row->next = NULL;
    row->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = row;
    list->last = row;
    list->count++;
}

static void list_remove(struct row_list *list, struct row *row)
{
    *(row->previous != NULL ? &row->previous->next : &list->first) = row->next;
    *(row->next != NULL ? &row->next->previous : &list->last) = row->previous;
    list->count--;
}

static void on_done(struct operation *operation, void *arg)
{
    (void)operation;
    struct row *row = arg;
    struct flight *flight = row->flight;
    list_remove(&flight->waiting, row);
    list_add(&flight->done, row);
    if (flight->asleep && flight->waiting.count <= flight->wake_at) {
        flight->asleep = false;
        flight->wake(flight->wake_arg);
    }
}

static void on_done_unwatched(struct operation *operation, void *arg)
{
    (void)operation;
    (void)arg;
}

// False when memory ran out: then nobody hears of the operation.
static bool flight_add(struct batch_state *state, struct operation *operation)
{
    if (state->flight == NULL) {
        state->flight = calloc(1, sizeof *state->flight);
        if (state->flight != NULL) {
            state->flight->wake = state->wake;
            state->flight->wake_arg = state->wake_arg;
        }
    }
    struct row *row = state->flight == NULL ? NULL : malloc(sizeof *row);
    if (row == NULL) {
        operation_own(operation, on_done_unwatched, NULL);
        operation_release(operation);
        return false;
    }
    *row = (struct row){.flight = state->flight, .operation = operation};
    list_add(&state->flight->waiting, row);
    operation_own(operation, on_done, row);
    return true;
}

static void list_drop(struct row_list *list)
{
    while (list->first != NULL) {
        struct row *row = list->first;
        list_remove(list, row);
        operation_release(row->operation);
        free(row);
    }
}

static void flight_free(struct batch_state *state)
{
    if (state->flight != NULL) {
        list_drop(&state->flight->waiting);
        list_drop(&state->flight->done);
        free(state->flight);
        state->flight = NULL;
    }
}

static uint32_t waiting_count(const struct batch_state *state)
{
    return state->flight == NULL ? 0 : state->flight->waiting.count;
}

static bool is_landed(const struct batch_state *state)
{
    return state->flight == NULL ||
           (state->flight->waiting.count == 0 && state->flight->done.count == 0);
}

// --- groups ---

#define NO_GROUP SIZE_MAX // there was no memory for one

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

// --- rows ---

// Whether the batch goes on behind a row with this result.
static bool row_tolerated(const struct batch_state *state, uint8_t code)
{
    return code == RESULT_OK || code == RESULT_RECORD_NOT_FOUND || code == RESULT_FILTERED_OUT ||
           state->rows.flags & WIRE_BATCH_RESPOND_ALL_KEYS;
}

// Looks at the answer that was just appended.
static void row_answered(struct worker *worker, struct batch_state *state, size_t at)
{
    if (!row_tolerated(state, worker->output.data[at + WIRE_MESSAGE_RESULT_AT])) {
        state->rows_over = true; // the row carries its own code
    }
}

// Other nodes are given no more time than the client gives the batch.
static uint32_t time_left_ms(const struct batch_state *state, uint64_t now_ns)
{
    if (state->deadline_ns == 0) {
        return 0;
    }
    uint64_t left_ns = state->deadline_ns > now_ns ? state->deadline_ns - now_ns : 0;
    return (uint32_t)(left_ns / 1000000) + 1;
}

// Begins the row at hand. False when memory ran out.
static bool row_begin(struct worker *worker, struct batch_state *state)
{
    struct wire_batch_row *row = &state->rows.row;
    size_t at = worker->output.size;
    if (state->filtered) {
        if (!request_refuse(worker, RESULT_UNSUPPORTED, row->index)) {
            return false;
        }
        row_answered(worker, state, at);
        return true;
    }
    row->header.transaction_ttl = time_left_ms(state, worker->wakeup_ns);
    struct request request = {
        .worker = worker,
        .origin = REQUEST_BATCH_ROW,
        .header = &row->header,
        .fields = &row->fields,
        .ops = row->ops,
        .digest = row->digest,
        .row_index = row->index,
    };
    if (!request_run(&request)) {
        return false;
    }
    if (request.operation != NULL) {
        return flight_add(state, request.operation) ||
               request_refuse(worker, RESULT_TIMEOUT, row->index); // it may yet take effect
    }
    row_answered(worker, state, at);
    return true;
}

// Appends the answer of a row that was under way. False when memory ran out.
static bool row_land(struct worker *worker, struct batch_state *state)
{
    struct row *row = state->flight->done.first;
    struct base_slice answer = operation_answer(row->operation);
    size_t at = worker->output.size;
    bool ok = output_put(&worker->output, answer.data, answer.size);
    list_remove(&state->flight->done, row);
    operation_release(row->operation);
    free(row);
    if (ok) {
        row_answered(worker, state, at);
    }
    return ok;
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

// One row: an answer that has come, else the next that is to be begun. RESULT_QUERY_END: there is
// nothing to do now. RESULT_NO_MEMORY.
static enum base_result row_work(struct worker *worker, struct batch_state *state)
{
    if (state->flight != NULL && state->flight->done.count > 0) {
        return row_land(worker, state) ? RESULT_OK : RESULT_NO_MEMORY;
    }
    if (state->rows_over || waiting_count(state) == FLIGHT_MAX) {
        return RESULT_QUERY_END;
    }
    enum base_result result = wire_batch_next(&state->rows);
    if (result != RESULT_OK) {
        state->rows_over = true;
        state->result = result == RESULT_QUERY_END ? RESULT_OK : RESULT_PARAMETER;
        return RESULT_QUERY_END;
    }
    return row_begin(worker, state) ? RESULT_OK : RESULT_NO_MEMORY;
}

// Works off rows until `row_max`, enough output, or none that can be worked on; *group_at: where
// the group at hand begins, or NO_GROUP. False when memory ran out.
static bool rows_work(struct worker *worker, struct batch_state *state, uint32_t row_max,
                      size_t *group_at)
{
    size_t begin = worker->output.size;
    for (uint32_t i = 0; i < row_max && worker->output.size - begin < SLICE_OUTPUT_SIZE; i++) {
        enum base_result result = row_work(worker, state);
        if (result != RESULT_OK) {
            return result == RESULT_QUERY_END;
        }
        if (worker->output.size - *group_at > GROUP_SIZE_MAX) {
            group_end(worker, *group_at);
            if (!group_begin(worker, group_at)) {
                *group_at = NO_GROUP;
                return false;
            }
        }
    }
    return true;
}

// Lets the batch sleep when all that it could do is wait.
static void sleep_if_idle(struct batch_state *state)
{
    struct flight *flight = state->flight;
    if (flight != NULL && flight->done.count == 0 &&
        (state->rows_over || flight->waiting.count == FLIGHT_MAX)) {
        flight->asleep = true;
        flight->wake_at = state->rows_over ? 0 : FLIGHT_MAX / 2;
    }
}

// Whether the batch has come to its end, and with what.
static bool is_over(struct batch_state *state)
{
    if (state->rows_over && is_landed(state)) {
        return true;
    }
    if (state->deadline_ns != 0 && io_clock_monotonic_ns() > state->deadline_ns) {
        state->result = RESULT_TIMEOUT;
        return true;
    }
    return false;
}

// Works off one slice. True when the batch is over.
static bool slice_work(struct worker *worker, struct batch_state *state)
{
    size_t group_at;
    bool ok = true;
    if (!group_begin(worker, &group_at)) {
        group_at = NO_GROUP;
        ok = false;
    }
    if (!ok || !rows_work(worker, state, SLICE_ROWS, &group_at)) {
        state->result = RESULT_NO_MEMORY;
        ok = false;
    }
    bool over = !ok || is_over(state);
    if (over) {
        flight_free(state);
        count_end(worker, state);
    } else {
        sleep_if_idle(state);
    }
    if (group_at != NO_GROUP) {
        if (over) {
            last_append(worker, state->result);
        }
        group_end(worker, group_at);
    }
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

// Keeps a batch that is not over. Its bytes outlive the call only as a copy, on which the reader is
// set up again; when no row is left they are not needed.
static struct batch_job *keep(struct batch_state *state, const uint8_t *body, size_t body_size,
                              struct base_slice field)
{
    struct batch_job *job = malloc(sizeof *job);
    uint8_t *copy = job == NULL || state->rows_over ? NULL : malloc(body_size);
    if (job == NULL || (copy == NULL && !state->rows_over)) {
        free(job);
        return NULL;
    }
    *job = (struct batch_job){.magic = BATCH_MAGIC, .state = *state, .body = copy};
    if (copy != NULL) {
        memcpy(copy, body, body_size);
        uint32_t rows_done = state->rows.row_count - state->rows.rows_left;
        field.data = copy + (field.data - body);
        enum base_result again = wire_batch_open(field, &job->state.rows);
        for (uint32_t i = 0; i < rows_done && again == RESULT_OK; i++) {
            again = wire_batch_next(&job->state.rows);
        }
        base_assert(again == RESULT_OK); // the same bytes parsed a moment ago
    }
    return job;
}

void batch_begin(struct worker *worker, const uint8_t *body, size_t body_size,
                 const struct wire_message *message, batch_wake_fn wake, void *wake_arg,
                 struct batch_job **job)
{
    *job = NULL;
    counters_add(&worker->counters->node.batch_index_initiate, 1);
    struct batch_state state = {
        .begin_ns = worker->wakeup_ns,
        .filtered = wire_fields_has(&message->fields, WIRE_FIELD_FILTER),
        .wake = wake,
        .wake_arg = wake_arg,
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
    if (slice_work(worker, &state)) {
        return;
    }
    *job = keep(&state, body, body_size, field);
    if (*job == NULL) {
        flight_free(&state);
        refuse(worker, RESULT_NO_MEMORY);
    }
}

bool batch_continue(struct worker *worker, struct batch_job **job)
{
    base_magic_check(*job, BATCH_MAGIC);
    if (!slice_work(worker, &(*job)->state)) {
        return false;
    }
    batch_free(job);
    return true;
}

bool batch_waits(const struct batch_job *job)
{
    base_magic_check(job, BATCH_MAGIC);
    return job->state.flight != NULL && job->state.flight->asleep;
}

void batch_free(struct batch_job **job)
{
    if (*job != NULL) {
        base_magic_check(*job, BATCH_MAGIC);
        flight_free(&(*job)->state);
        free((*job)->body);
        free(*job);
        *job = NULL;
    }
}
