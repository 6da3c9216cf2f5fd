// SPDX-License-Identifier: Apache-2.0
// The table of steps, and what all operations share.
#include "server/request.h"

#include <stddef.h>

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

enum kind { KIND_READ, KIND_WRITE, KIND_DELETE, KINDS };

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
static const struct outcomes outcomes[REQUEST_ORIGINS][KINDS] = {
    [REQUEST_CLIENT] = {OUTCOMES(client_read, not_found, AT(hist_read)),
                        OUTCOMES(client_write, error, AT(hist_write)),
                        OUTCOMES(client_delete, not_found, AT(hist_write))},
    [REQUEST_BATCH_ROW] = {OUTCOMES(batch_sub_read, not_found, AT(hist_batch_sub_read)),
                           OUTCOMES(batch_sub_write, error, AT(hist_batch_sub_write)),
                           OUTCOMES(batch_sub_delete, not_found, AT(hist_batch_sub_write))},
    [REQUEST_QUERY_OP] = {OUTCOMES(ops_sub_write, error, 0), OUTCOMES(ops_sub_write, error, 0),
                          OUTCOMES(ops_sub_write, error, 0)},
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

static void count(struct request *r)
{
    struct counters_namespace *c = r->counters;
    enum kind kind = r->header->info2 & WIRE_INFO2_DELETE  ? KIND_DELETE
                     : r->header->info2 & WIRE_INFO2_WRITE ? KIND_WRITE
                                                           : KIND_READ;
    const struct outcomes *o = &outcomes[r->origin][kind];
    uint8_t *block = (uint8_t *)c;
    counters_add((_Atomic uint64_t *)(void *)(block + outcome_of(o, r->result)), 1);
    if (o->histogram != 0) {
        worker_time(r->worker, (struct counters_histogram *)(void *)(block + o->histogram));
    }
    if (r->result != RESULT_OK) {
        count_failure_kind(c, r->result);
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
    if (r->counters != NULL) {
        count(r);
    }
    return true;
}
