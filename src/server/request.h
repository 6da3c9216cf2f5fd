// SPDX-License-Identifier: Apache-2.0
// One operation on one record, wherever it came from: a client's message, a row of a batch, a
// background operation at work on a scan, another node that passes it on. Its way is the table of
// steps in request.c; each step says whether to go on. The answer is built in the worker's output:
// a message header, then results. A request that needs other nodes becomes an operation
// (server/operation.h), which answers later.
#pragma once

#include "cluster/replica.h"
#include "server/worker.h"
#include "wire/message.h"

enum request_origin {
    REQUEST_CLIENT,    // a single-record command
    REQUEST_BATCH_ROW, // a row of a batch
    REQUEST_QUERY_OP,  // a background operation; nobody reads the answer
    REQUEST_PROXY,     // passed on by another node, that was asked for it
    REQUEST_PROXY_BATCH_ROW,
    REQUEST_ORIGINS,
};

enum request_kind { REQUEST_READ, REQUEST_WRITE, REQUEST_DELETE, REQUEST_KINDS };

struct operation;

struct request {
    // Given by the caller.
    struct worker *worker;
    enum request_origin origin;
    const struct wire_message_header *header;
    const struct wire_fields *fields;
    struct wire_ops ops;
    const uint8_t *digest;
    uint32_t row_index;          // echoed in the answer's transaction_ttl
    struct operation *operation; // NULL, but for operation.c, which runs requests again
    // Known on the way.
    bool elsewhere; // another thread is to carry it out
    struct namespace *ns;
    struct counters_namespace *counters;
    size_t answer_at; // where the answer's message header stands in worker->output
    uint32_t answer_op_count;
    uint32_t generation;  // of the record, for the answer
    uint32_t void_time_s; // of the record, for the answer
    enum base_result result;
};

// Carries the request out and appends its answer, one whole message without frame, to
// worker->output. Never fails: what goes wrong is in the answer and in request->result. False only
// when the heap had no room for the answer's header itself. When request->operation is set
// afterwards nothing was appended: it has the answer later, and the caller owns it.
bool request_run(struct request *request);

// Appends a bare header with a result code: the answer of whatever never became a request.
bool request_refuse(struct worker *worker, enum base_result result, uint32_t row_index);

static inline enum request_kind request_kind(const struct wire_message_header *header)
{
    return header->info2 & WIRE_INFO2_DELETE  ? REQUEST_DELETE
           : header->info2 & WIRE_INFO2_WRITE ? REQUEST_WRITE
                                              : REQUEST_READ;
}

// Counts a request that ended, and its latency; one that another node answered, or did not; and
// a question sent to another node again (else the record itself).
void request_count(struct worker *worker, const struct namespace *ns, enum request_origin origin,
                   enum request_kind kind, enum base_result result, uint64_t elapsed_ns);
void request_count_proxied(struct worker *worker, const struct namespace *ns,
                           enum request_origin origin, enum base_result result);
void request_count_repetition(struct worker *worker, const struct namespace *ns,
                              enum request_origin origin, enum request_kind kind, bool question);

// The code that may travel: results of our own become RESULT_SERVER or RESULT_SERVER_FULL.
uint8_t request_wire_code(enum base_result result);

// Appends one result to the answer. RESULT_RECORD_TOO_BIG past LIMIT_ANSWER_RECORD_SIZE,
// RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result request_answer_op(struct request *request, uint8_t op_type,
                                                 uint8_t particle_type, const uint8_t *name,
                                                 uint8_t name_size, const uint8_t *value,
                                                 uint32_t value_size);

// Appends the result of the list or map read `op` on `bin` (NULL: not there), and nothing when
// there is none and not every op wants a result. The payload has been checked.
enum base_result request_answer_collection(struct request *request, const struct wire_op *op,
                                           const struct store_bin *bin);

BASE_MUST_USE static inline enum base_result request_answer_bin(struct request *request,
                                                                uint8_t op_type,
                                                                const struct store_bin *bin)
{
    return request_answer_op(request, op_type, bin->type, bin->name, bin->name_size, bin->value,
                             bin->value_size);
}

// The two things that can be done to a record under its stripe; record_read.c, record_write.c.
enum base_result record_read(struct request *request);
enum base_result record_write(struct request *request);
enum base_result record_delete(struct request *request);

// Whether these operations all change a record, and this node can do each: what a background
// operation wants to know before it begins. RESULT_OK, RESULT_PARAMETER or RESULT_UNSUPPORTED.
BASE_MUST_USE enum base_result record_write_ops_check(struct wire_ops ops);

enum base_result operation_place(struct request *request, const struct store_cursor *cursor);

// Whether the record whose stripe is held may be read or written here and now: RESULT_OK, or the
// request's result, RESULT_WOULD_BLOCK when an operation has taken over. Costs a node that needs no
// other one look at a word in a line that is in the cache.
static inline enum base_result request_place(struct request *request,
                                             const struct store_cursor *cursor)
{
    uint32_t word = *store_partition_word(cursor->store, cursor->partition);
    return __builtin_expect(word == REPLICA_ALONE, 1) ? RESULT_OK
                                                      : operation_place(request, cursor);
}

// RESULT_KEY_MISMATCH when the request carries a key and the record stores another one.
enum base_result record_key_check(const struct request *request, const struct store_record *record);
