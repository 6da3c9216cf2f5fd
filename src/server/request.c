// SPDX-License-Identifier: Apache-2.0
// The table of steps, and what all operations share.
#include "server/request.h"

#include <stddef.h>

#include "server/operation.h"
#include "value/collection.h"

enum step_verdict { STEP_NEXT, STEP_DONE };

typedef enum step_verdict (*step_fn)(struct request *request);

static enum step_verdict done(struct request *request, enum base_result result)
{
    request->result = result;
    return STEP_DONE;
}

// Finds the namespace: the client's mistake if it is not ours.
static enum step_verdict step_route(struct request *r)
{
    r->ns = node_namespace_find(r->worker->node, wire_fields_get(r->fields, WIRE_FIELD_NAMESPACE));
    if (r->ns == NULL) {
        counters_add(&r->worker->counters->node.early_tsvc_client_error, 1);
        return done(r, RESULT_NAMESPACE_NOT_FOUND);
    }
    r->counters = &r->worker->counters->ns[r->ns->number];
    return STEP_NEXT;
}

// Refuses what this node cannot do before anything is touched.
static enum step_verdict step_admit(struct request *r)
{
    static const uint64_t unsupported_fields =
        1ull << WIRE_FIELD_FILTER | 1ull << WIRE_FIELD_UDF_FUNCTION | 1ull << WIRE_FIELD_TXN_ID |
        1ull << WIRE_FIELD_RECORD_VERSION;
    static const uint8_t unsupported_info4 =
        WIRE_INFO4_TXN_VERIFY_READ | WIRE_INFO4_TXN_ROLL_FORWARD | WIRE_INFO4_TXN_ROLL_BACK;
    if (r->digest == NULL) {
        return done(r, RESULT_PARAMETER);
    }
    if (r->fields->present & unsupported_fields || r->header->info4 & unsupported_info4) {
        return done(r, RESULT_UNSUPPORTED);
    }
    if (r->ops.count > 0 && r->header->info2 & WIRE_INFO2_DELETE) {
        return done(r, RESULT_PARAMETER);
    }
    return STEP_NEXT;
}

static enum step_verdict step_apply(struct request *r)
{
    if (r->header->info2 & WIRE_INFO2_DELETE) {
        return done(r, record_delete(r));
    }
    if (r->header->info2 & WIRE_INFO2_WRITE) {
        return done(r, record_write(r));
    }
    return done(r, record_read(r));
}

static const step_fn steps[] = {step_route, step_admit, step_apply};

// Where in a namespace's block of counters each outcome of one kind of operation is counted.
struct outcomes {
    uint16_t success, not_found, filtered_out, timeout, error;
    uint16_t histogram; // 0: not timed
};

#define AT(name) offsetof(struct counters_namespace, name)
#define OUTCOMES(prefix, absent, hist)                                                             \
    {                                                                                              \
        AT(prefix##_success), AT(prefix##_##absent), AT(prefix##_filtered_out),                    \
            AT(prefix##_timeout), AT(prefix##_error), hist                                         \
    }
static const struct outcomes outcomes[REQUEST_ORIGINS][REQUEST_KINDS] = {
    [REQUEST_CLIENT] = {OUTCOMES(client_read, not_found, AT(hist_read)),
                        OUTCOMES(client_write, error, AT(hist_write)),
                        OUTCOMES(client_delete, not_found, AT(hist_write))},
    [REQUEST_BATCH_ROW] = {OUTCOMES(batch_sub_read, not_found, AT(hist_batch_sub_read)),
                           OUTCOMES(batch_sub_write, error, AT(hist_batch_sub_write)),
                           OUTCOMES(batch_sub_delete, not_found, AT(hist_batch_sub_write))},
    [REQUEST_QUERY_OP] = {OUTCOMES(ops_sub_write, error, 0), OUTCOMES(ops_sub_write, error, 0),
                          OUTCOMES(ops_sub_write, error, 0)},
    [REQUEST_PROXY] = {OUTCOMES(from_proxy_read, not_found, 0),
                       OUTCOMES(from_proxy_write, error, 0),
                       OUTCOMES(from_proxy_delete, not_found, 0)},
    [REQUEST_PROXY_BATCH_ROW] = {OUTCOMES(from_proxy_batch_sub_read, not_found, 0),
                                 OUTCOMES(from_proxy_batch_sub_write, error, 0),
                                 OUTCOMES(from_proxy_batch_sub_delete, not_found, 0)},
};

// Where repetitions are counted: questions, then records sent. 0: nowhere.
static const uint16_t repetitions[REQUEST_ORIGINS][REQUEST_KINDS][2] = {
#define SENT_AGAIN(prefix, kind)                                                                   \
    {                                                                                              \
        AT(retransmit_##prefix##_##kind##_dup_res), AT(retransmit_##prefix##_##kind##_repl_write)  \
    }
#define SINGLES                                                                                    \
    {                                                                                              \
        {AT(retransmit_all_read_dup_res), 0}, SENT_AGAIN(all, write), SENT_AGAIN(all, delete)      \
    }
#define ROWS                                                                                       \
    {                                                                                              \
        {AT(retransmit_all_batch_sub_read_dup_res), 0}, SENT_AGAIN(all_batch_sub, write),          \
            SENT_AGAIN(all_batch_sub, delete)                                                      \
    }
#define OPS                                                                                        \
    {                                                                                              \
        SENT_AGAIN(ops, sub), SENT_AGAIN(ops, sub), SENT_AGAIN(ops, sub)                           \
    }
    [REQUEST_CLIENT] = SINGLES, [REQUEST_BATCH_ROW] = ROWS,       [REQUEST_QUERY_OP] = OPS,
    [REQUEST_PROXY] = SINGLES,  [REQUEST_PROXY_BATCH_ROW] = ROWS,
};

static uint16_t outcome_of(const struct outcomes *o, enum base_result result)
{
    switch (result) {
    case RESULT_OK:
        return o->success;
    case RESULT_RECORD_NOT_FOUND:
        return o->not_found;
    case RESULT_FILTERED_OUT:
        return o->filtered_out;
    case RESULT_TIMEOUT:
        return o->timeout;
    default:
        return o->error;
    }
}

static void count_failure_kind(struct counters_namespace *c, enum base_result result)
{
    if (result == RESULT_GENERATION) {
        counters_add(&c->fail_generation, 1);
    } else if (result == RESULT_RECORD_TOO_BIG) {
        counters_add(&c->fail_record_too_big, 1);
    } else if (result == RESULT_KEY_BUSY) {
        counters_add(&c->fail_key_busy, 1);
    }
}

static inline _Atomic uint64_t *counter_of(struct counters_namespace *counters, uint16_t offset)
{
    return (_Atomic uint64_t *)(void *)((uint8_t *)counters + offset);
}

static inline void count_result(struct counters_namespace *counters, const struct outcomes *o,
                                enum base_result result)
{
    counters_add(counter_of(counters, outcome_of(o, result)), 1);
    if (result != RESULT_OK) {
        count_failure_kind(counters, result);
    }
}

static void count(struct request *r)
{
    const struct outcomes *o = &outcomes[r->origin][request_kind(r->header)];
    count_result(r->counters, o, r->result);
    if (o->histogram != 0) {
        worker_time(r->worker,
                    (struct counters_histogram *)(void *)counter_of(r->counters, o->histogram));
    }
}

void request_count(struct worker *worker, const struct namespace *ns, enum request_origin origin,
                   enum request_kind kind, enum base_result result, uint64_t elapsed_ns)
{
    const struct outcomes *o = &outcomes[origin][kind];
    struct counters_namespace *counters = &worker->counters->ns[ns->number];
    count_result(counters, o, result);
    if (o->histogram != 0) {
        counters_time((struct counters_histogram *)(void *)counter_of(counters, o->histogram),
                      elapsed_ns, 1);
    }
}

void request_count_proxied(struct worker *worker, const struct namespace *ns,
                           enum request_origin origin, enum base_result result)
{
    struct counters_namespace *c = &worker->counters->ns[ns->number];
    switch (origin) {
    case REQUEST_CLIENT:
        counters_add(
            result == RESULT_TIMEOUT ? &c->client_proxy_timeout : &c->client_proxy_complete, 1);
        break;
    case REQUEST_BATCH_ROW:
        counters_add(result == RESULT_TIMEOUT ? &c->batch_sub_proxy_timeout
                                              : &c->batch_sub_proxy_complete,
                     1);
        break;
    default:
        count_result(c, &outcomes[origin][REQUEST_WRITE], result);
        break;
    }
}

void request_count_repetition(struct worker *worker, const struct namespace *ns,
                              enum request_origin origin, enum request_kind kind, bool question)
{
    uint16_t offset = repetitions[origin][kind][question ? 0 : 1];
    if (offset != 0) {
        counters_add(counter_of(&worker->counters->ns[ns->number], offset), 1);
    }
}

uint8_t request_wire_code(enum base_result result)
{
    if (result < 256) {
        return (uint8_t)result;
    }
    return result == RESULT_NO_MEMORY || result == RESULT_LIMIT ? RESULT_SERVER_FULL
           : result == RESULT_MALFORMED                         ? RESULT_PARAMETER
                                                                : RESULT_SERVER;
}

bool request_refuse(struct worker *worker, enum base_result result, uint32_t row_index)
{
    uint8_t *at = output_reserve(&worker->output, WIRE_MESSAGE_HEADER_SIZE);
    if (at == NULL) {
        return false;
    }
    struct wire_message_header header = {.result_code = request_wire_code(result),
                                         .transaction_ttl = row_index};
    wire_message_header_store(at, &header);
    worker->output.size += WIRE_MESSAGE_HEADER_SIZE;
    return true;
}

enum base_result request_answer_op(struct request *request, uint8_t op_type, uint8_t particle_type,
                                   const uint8_t *name, uint8_t name_size, const uint8_t *value,
                                   uint32_t value_size)
{
    struct output *output = &request->worker->output;
    size_t size = wire_op_size(name_size, value_size);
    if (output->size - request->answer_at + size > LIMIT_ANSWER_RECORD_SIZE) {
        return RESULT_RECORD_TOO_BIG;
    }
    uint8_t *at = output_reserve(output, size);
    if (at == NULL) {
        return RESULT_NO_MEMORY;
    }
    at = wire_op_store(at, op_type, particle_type, name, name_size, value_size);
    if (value_size > 0) {
        memcpy(at, value, value_size);
    }
    output->size += size;
    request->answer_op_count++;
    return RESULT_OK;
}

enum base_result request_answer_collection(struct request *request, const struct wire_op *op,
                                           const struct store_bin *bin)
{
    struct value_collection_result found = {.type = WIRE_PARTICLE_NIL};
    if (bin != NULL) {
        struct value_particle value = {bin->type, bin->value, bin->value_size};
        enum base_result result = value_collection_read(value, op->value, op->value_size, &found);
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (found.type == WIRE_PARTICLE_NIL && !(request->header->info2 & WIRE_INFO2_RESPOND_ALL_OPS)) {
        return RESULT_OK;
    }
    struct output *output = &request->worker->output;
    uint32_t value_size = value_collection_result_size(&found);
    size_t size = wire_op_size(op->name_size, value_size);
    uint8_t *at = output_reserve(output, size);
    if (at == NULL) {
        return RESULT_NO_MEMORY;
    }
    at = wire_op_store(at, op->type, found.type, op->name, op->name_size, value_size);
    value_collection_result_store(at, &found);
    output->size += size;
    request->answer_op_count++;
    return RESULT_OK;
}

enum base_result record_key_check(const struct request *request, const struct store_record *record)
{
    struct base_slice key = wire_fields_get(request->fields, WIRE_FIELD_KEY);
    return key.size == 0 || record->key.size == 0 || base_slice_equal(key, record->key)
               ? RESULT_OK
               : RESULT_KEY_MISMATCH;
}

static void answer_end(struct request *r)
{
    struct output *output = &r->worker->output;
    struct wire_message_header header = {.result_code = request_wire_code(r->result),
                                         .transaction_ttl = r->row_index};
    if (r->result == RESULT_OK) {
        header.generation = r->generation;
        header.record_ttl = r->void_time_s;
        header.op_count = (uint16_t)r->answer_op_count;
    } else {
        output->size = r->answer_at + WIRE_MESSAGE_HEADER_SIZE; // an error carries no results
    }
    wire_message_header_store(output->data + r->answer_at, &header);
}

bool request_run(struct request *r)
{
    struct output *output = &r->worker->output;
    arena_reset(&r->worker->arena);
    r->answer_at = output->size;
    r->answer_op_count = 0;
    r->generation = r->void_time_s = 0;
    r->counters = NULL;
    if (output_reserve(output, WIRE_MESSAGE_HEADER_SIZE) == NULL) {
        return false;
    }
    output->size += WIRE_MESSAGE_HEADER_SIZE;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i](r) == STEP_DONE) {
            break;
        }
    }
    if (__builtin_expect(r->elsewhere, 0)) {
        return operation_elsewhere(r);
    }
    answer_end(r);
    if (__builtin_expect(r->operation != NULL, 0)) {
        if (!operation_settle(r)) {
            output->size = r->answer_at;
            return true;
        }
        answer_end(r);
    }
    if (r->counters != NULL) {
        count(r);
    }
    return true;
}
