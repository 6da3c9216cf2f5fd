// SPDX-License-Identifier: Apache-2.0
// Making rows, and writing them (wire-protocol section 6). Most batches ask the same of many keys:
// names that equal those of the row before are shared, and such rows travel as "repeat".
#include "client/batch.h"

#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "wire/batch.h"
#include "wire/frame.h"

enum {
    ROW_FIXED_SIZE = 4 + LIMIT_DIGEST_SIZE + 1,
    ROW_INFO_SIZE = 3,
    ROW_GENERATION_SIZE = 2,
    ROW_TTL_SIZE = 4,
    ROW_COUNTS_SIZE = 4,
    BATCH_HEADER_SIZE = 5,
    // Official clients set this bit as well; no meaning is known.
    BATCH_FLAG_USUAL = 0x08,
    ROWS_FIRST = 16,
};

int ballast_batch_new(struct ballast_batch **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return (int)RESULT_NO_MEMORY;
    }
    (*out)->magic = CLIENT_BATCH_MAGIC;
    return (int)RESULT_OK;
}

void ballast_batch_free(struct ballast_batch **batch)
{
    struct ballast_batch *b = *batch;
    if (b == NULL) {
        return;
    }
    base_magic_check(b, CLIENT_BATCH_MAGIC);
    base_assert(!b->running);
    for (size_t i = 0; i < b->row_count; i++) {
        ballast_record_free(&b->rows[i].record);
    }
    free(b->rows);
    client__arena_fini(&b->arena);
    free(b);
    *batch = NULL;
}

size_t ballast_batch_size(const struct ballast_batch *batch)
{
    return batch->row_count;
}

int ballast_batch_result(const struct ballast_batch *batch, size_t row,
                         const struct ballast_record **record, struct ballast_error *error)
{
    base_assert(row < batch->row_count);
    const struct client_batch_row *at = &batch->rows[row];
    if (record != NULL) {
        *record = at->record;
    }
    return client__error_set(error, at->done ? at->result : RESULT_NOT_CONNECTED, at->in_doubt);
}

// ---- adding rows --------------------------------------------------------------------------------

static bool slice_keep(struct ballast_batch *batch, const struct base_slice *same,
                       struct base_slice *slice)
{
    if (same != NULL && base_slice_equal(*same, *slice)) {
        slice->data = same->data;
        return true;
    }
    slice->data = client__arena_copy(&batch->arena, *slice);
    return slice->data != NULL;
}

static bool name_keep(struct ballast_batch *batch, const char *name, const char **out)
{
    struct base_slice slice = {.data = (const uint8_t *)(name == NULL ? "" : name),
                               .size = name == NULL ? 0 : strlen(name)};
    *out = (const char *)client__arena_copy(&batch->arena, slice);
    return *out != NULL;
}

static bool names_equal(const struct client_request *a, const struct client_request *b)
{
    if (a->kind != b->kind || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->names[i], b->names[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool names_keep(struct ballast_batch *batch, const struct client_batch_row *before,
                       struct client_request *request)
{
    if (before != NULL && request->kind == CLIENT_REQUEST_GET &&
        names_equal(&before->request, request)) {
        request->names = before->request.names;
        return true;
    }
    const char **names =
        client__arena_take(&batch->arena, request->count * sizeof request->names[0]);
    if (names == NULL) {
        return false;
    }
    for (size_t i = 0; i < request->count; i++) {
        if (!name_keep(batch, request->names[i], &names[i])) {
            return false;
        }
    }
    request->names = names;
    return true;
}

static bool ops_keep(struct ballast_batch *batch, struct client_request *request)
{
    struct ballast_op *ops =
        client__arena_take(&batch->arena, request->count * sizeof request->ops[0]);
    if (ops == NULL) {
        return false;
    }
    for (size_t i = 0; i < request->count; i++) {
        ops[i] = request->ops[i];
        if (!name_keep(batch, ops[i].bin, &ops[i].bin)) {
            return false;
        }
        if (ops[i].value.bytes != NULL) {
            struct base_slice bytes = {.data = ops[i].value.bytes, .size = ops[i].value.size};
            ops[i].value.bytes = client__arena_copy(&batch->arena, bytes);
            if (ops[i].value.bytes == NULL) {
                return false;
            }
        }
    }
    request->ops = ops;
    return true;
}

static bool row_keep(struct ballast_batch *batch, struct client_batch_row *row)
{
    const struct client_batch_row *before =
        batch->row_count == 0 ? NULL : &batch->rows[batch->row_count - 1];
    return slice_keep(batch, before == NULL ? NULL : &before->key.ns, &row->key.ns) &&
           slice_keep(batch, before == NULL ? NULL : &before->key.set, &row->key.set) &&
           (row->key.value.data == NULL || slice_keep(batch, NULL, &row->key.value)) &&
           (row->request.kind == CLIENT_REQUEST_OPERATE ? ops_keep(batch, &row->request)
                                                        : names_keep(batch, before, &row->request));
}

static int row_add(struct ballast_batch *batch, const struct ballast_policy *policy,
                   const struct ballast_key *key, const struct client_request *request)
{
    base_magic_check(batch, CLIENT_BATCH_MAGIC);
    base_assert(!batch->running);
    if (batch->row_count == LIMIT_BATCH_ROWS) {
        return (int)RESULT_LIMIT;
    }
    if (batch->row_count == batch->row_capacity) {
        size_t capacity = batch->row_capacity == 0 ? ROWS_FIRST : batch->row_capacity * 2;
        struct client_batch_row *rows = realloc(batch->rows, capacity * sizeof rows[0]);
        if (rows == NULL) {
            return (int)RESULT_NO_MEMORY;
        }
        batch->rows = rows;
        batch->row_capacity = capacity;
    }
    struct client_batch_row *row = &batch->rows[batch->row_count];
    *row = (struct client_batch_row){.request = *request, .node = CLIENT_NO_NODE};
    if (policy != NULL) {
        row->policy = *policy;
    } else {
        ballast_policy_init(&row->policy);
    }
    enum base_result result = client__key_read(key, &row->key);
    if (result == RESULT_OK) {
        result = client__request_check(request);
    }
    if (result == RESULT_OK && !row_keep(batch, row)) {
        result = RESULT_NO_MEMORY;
    }
    if (result == RESULT_OK) {
        row->write = client__request_is_write(request);
        batch->row_count++;
    }
    return (int)result;
}

int ballast_batch_read(struct ballast_batch *batch, const struct ballast_policy *policy,
                       const struct ballast_key *key, const char *const *names, size_t name_count)
{
    struct client_request request = {
        .kind = CLIENT_REQUEST_GET, .names = names, .count = name_count};
    return row_add(batch, policy, key, &request);
}

int ballast_batch_exists(struct ballast_batch *batch, const struct ballast_policy *policy,
                         const struct ballast_key *key)
{
    struct client_request request = {.kind = CLIENT_REQUEST_EXISTS};
    return row_add(batch, policy, key, &request);
}

int ballast_batch_write(struct ballast_batch *batch, const struct ballast_policy *policy,
                        const struct ballast_key *key, const struct ballast_op *ops,
                        size_t op_count)
{
    struct client_request request = {.kind = CLIENT_REQUEST_OPERATE, .ops = ops, .count = op_count};
    return row_add(batch, policy, key, &request);
}

int ballast_batch_remove(struct ballast_batch *batch, const struct ballast_policy *policy,
                         const struct ballast_key *key)
{
    struct client_request request = {.kind = CLIENT_REQUEST_REMOVE};
    return row_add(batch, policy, key, &request);
}

// ---- writing rows -------------------------------------------------------------------------------

// Whether a row asks the same as the last full row before it. Names are shared when they are equal,
// so that comparing places is enough.
static bool row_repeats(const struct client_batch_row *row, const struct client_batch_row *full)
{
    return full != NULL && !row->write && !full->write && row->request.kind == full->request.kind &&
           row->request.count == full->request.count &&
           (row->request.count == 0 || row->request.names == full->request.names) &&
           row->policy.read_touch_ttl_pct == full->policy.read_touch_ttl_pct &&
           row->key.ns.data == full->key.ns.data && row->key.set.data == full->key.set.data;
}

static bool row_sends_key(const struct client_batch_row *row)
{
    return row->write && row->policy.send_key;
}

static size_t row_size(const struct client_batch_row *row)
{
    return ROW_FIXED_SIZE + ROW_INFO_SIZE + (row->write ? ROW_GENERATION_SIZE : 0) + ROW_TTL_SIZE +
           ROW_COUNTS_SIZE + client__key_fields_size(&row->key, false, row_sends_key(row)) +
           client__request_ops_size(&row->request);
}

static uint8_t *row_head_store(uint8_t *at, uint32_t index, const struct client_batch_row *row,
                               uint8_t flags)
{
    base_be32_store(at, index);
    memcpy(at + 4, row->key.digest.bytes, LIMIT_DIGEST_SIZE);
    at[ROW_FIXED_SIZE - 1] = flags;
    return at + ROW_FIXED_SIZE;
}

static uint8_t *row_store(uint8_t *at, uint32_t index, const struct client_batch_row *row)
{
    struct wire_message_header header;
    client__request_header(&row->request, &row->policy, &header);
    if (row->write && (header.info1 & WIRE_INFO1_GET_ALL) == 0) {
        header.info2 |= WIRE_INFO2_RESPOND_ALL_OPS;
    }
    at = row_head_store(at, index, row,
                        WIRE_BATCH_ROW_INFO | WIRE_BATCH_ROW_TTL |
                            (row->write ? WIRE_BATCH_ROW_GENERATION : 0));
    at[0] = header.info1;
    at[1] = header.info2;
    at[2] = header.info3;
    at += ROW_INFO_SIZE;
    if (row->write) {
        base_be16_store(at, (uint16_t)header.generation);
        at += ROW_GENERATION_SIZE;
    }
    base_be32_store(at, header.record_ttl);
    at += ROW_TTL_SIZE;
    bool send_key = row_sends_key(row);
    base_be16_store(at, client__key_fields_count(&row->key, false, send_key));
    base_be16_store(at + 2, header.op_count);
    at = client__key_fields_store(at + ROW_COUNTS_SIZE, &row->key, false, send_key);
    return client__request_ops_store(at, &row->request);
}

static size_t rows_size(const struct ballast_batch *batch, uint16_t node, uint32_t *count,
                        bool *write)
{
    size_t size = 0;
    const struct client_batch_row *full = NULL;
    *count = 0;
    *write = false;
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct client_batch_row *row = &batch->rows[i];
        if (row->done || row->node != node) {
            continue;
        }
        ++*count;
        *write |= row->write;
        if (row_repeats(row, full)) {
            size += ROW_FIXED_SIZE;
        } else {
            size += row_size(row);
            full = row;
        }
    }
    return size;
}

static uint8_t *rows_store(uint8_t *at, const struct ballast_batch *batch, uint16_t node)
{
    const struct client_batch_row *full = NULL;
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct client_batch_row *row = &batch->rows[i];
        if (row->done || row->node != node) {
            continue;
        }
        if (row_repeats(row, full)) {
            at = row_head_store(at, (uint32_t)i, row, WIRE_BATCH_ROW_REPEAT);
        } else {
            at = row_store(at, (uint32_t)i, row);
            full = row;
        }
    }
    return at;
}

enum base_result client__batch_frame(const struct ballast_batch *batch, uint16_t node,
                                     const struct ballast_policy *policy, uint8_t **out,
                                     size_t *out_size, bool *write)
{
    *out = NULL;
    *out_size = 0;
    uint32_t count;
    size_t field_size = BATCH_HEADER_SIZE + rows_size(batch, node, &count, write);
    size_t body_size = WIRE_MESSAGE_HEADER_SIZE + wire_field_size(field_size);
    if (body_size > LIMIT_FRAME_BODY_SIZE) {
        return RESULT_LIMIT;
    }
    size_t size = WIRE_FRAME_HEADER_SIZE + body_size;
    uint8_t *frame = malloc(size);
    if (frame == NULL) {
        return RESULT_NO_MEMORY;
    }
    wire_frame_header_store(frame, WIRE_FRAME_MESSAGE, body_size);
    struct wire_message_header header = {
        .info1 = WIRE_INFO1_BATCH | (policy->compress ? WIRE_INFO1_COMPRESS_RESPONSE : 0),
        .transaction_ttl = policy->total_timeout_ms,
        .field_count = 1};
    uint8_t *at = frame + WIRE_FRAME_HEADER_SIZE;
    wire_message_header_store(at, &header);
    at += WIRE_MESSAGE_HEADER_SIZE;
    base_be32_store(at, (uint32_t)(field_size + 1));
    at[4] = WIRE_FIELD_BATCH;
    at += WIRE_FIELD_HEADER_SIZE;
    base_be32_store(at, count);
    at[4] = WIRE_BATCH_INLINE_MEMORY | WIRE_BATCH_RESPOND_ALL_KEYS | BATCH_FLAG_USUAL;
    at = rows_store(at + BATCH_HEADER_SIZE, batch, node);
    base_assert(at == frame + size);
    enum base_result result = policy->compress ? client__frame_compress(&frame, &size) : RESULT_OK;
    if (result != RESULT_OK) {
        free(frame);
        return result;
    }
    *out = frame;
    *out_size = size;
    return RESULT_OK;
}
