// SPDX-License-Identifier: Apache-2.0
// All kinds of requests become ops through one function, op_at, which both the measuring and the
// writing walk use.
#include "client/request.h"

#include <stdlib.h>

#include "client/value.h"
#include "io/compress.h"
#include "wire/frame.h"

_Static_assert((int)BALLAST_OP_READ == WIRE_OP_READ && (int)BALLAST_OP_WRITE == WIRE_OP_WRITE &&
                   (int)BALLAST_OP_INCR == WIRE_OP_INCR &&
                   (int)BALLAST_OP_APPEND == WIRE_OP_APPEND &&
                   (int)BALLAST_OP_PREPEND == WIRE_OP_PREPEND &&
                   (int)BALLAST_OP_TOUCH == WIRE_OP_TOUCH &&
                   (int)BALLAST_OP_DELETE == WIRE_OP_DELETE,
               "operation types are op types");
_Static_assert(BALLAST_TTL_DEFAULT == WIRE_TTL_NAMESPACE_DEFAULT &&
                   BALLAST_TTL_NEVER == WIRE_TTL_NEVER && BALLAST_TTL_KEEP == WIRE_TTL_KEEP,
               "times to live are the wire's");

static bool op_is_write(enum ballast_op_type type)
{
    return type != BALLAST_OP_READ;
}

bool client__request_is_write(const struct client_request *request)
{
    switch (request->kind) {
    case CLIENT_REQUEST_GET:
    case CLIENT_REQUEST_EXISTS:
        return false;
    case CLIENT_REQUEST_OPERATE:
        for (size_t i = 0; i < request->count; i++) {
            if (op_is_write(request->ops[i].type)) {
                return true;
            }
        }
        return false;
    case CLIENT_REQUEST_PUT:
    case CLIENT_REQUEST_REMOVE:
    case CLIENT_REQUEST_TOUCH:
        return true;
    }
    return true;
}

// The i-th op of any request.
static struct ballast_op op_at(const struct client_request *request, size_t i)
{
    switch (request->kind) {
    case CLIENT_REQUEST_GET:
        return (struct ballast_op){.type = BALLAST_OP_READ, .bin = request->names[i]};
    case CLIENT_REQUEST_PUT:
        return (struct ballast_op){.type = BALLAST_OP_WRITE,
                                   .bin = request->bins[i].name,
                                   .value = request->bins[i].value};
    case CLIENT_REQUEST_OPERATE:
        return request->ops[i];
    case CLIENT_REQUEST_TOUCH:
    case CLIENT_REQUEST_EXISTS:
    case CLIENT_REQUEST_REMOVE:
        break;
    }
    return (struct ballast_op){.type = BALLAST_OP_TOUCH};
}

static size_t op_count(const struct client_request *request)
{
    return request->kind == CLIENT_REQUEST_TOUCH ? 1 : request->count;
}

static enum base_result op_check(const struct ballast_op *op)
{
    size_t name_size = op->bin == NULL ? 0 : strnlen(op->bin, LIMIT_BIN_NAME_SIZE + 1);
    if (name_size > LIMIT_BIN_NAME_SIZE) {
        return RESULT_BIN_NAME;
    }
    switch (op->type) {
    case BALLAST_OP_READ: // without a name: all bins
        return RESULT_OK;
    case BALLAST_OP_TOUCH:
    case BALLAST_OP_DELETE:
        return name_size == 0 ? RESULT_OK : RESULT_PARAMETER;
    case BALLAST_OP_WRITE:
    case BALLAST_OP_INCR:
    case BALLAST_OP_APPEND:
    case BALLAST_OP_PREPEND:
        return name_size > 0 && client__value_is_sound(&op->value) ? RESULT_OK : RESULT_PARAMETER;
    }
    return RESULT_PARAMETER;
}

enum base_result client__request_check(const struct client_request *request)
{
    bool needs_ops = request->kind == CLIENT_REQUEST_PUT || request->kind == CLIENT_REQUEST_OPERATE;
    if (needs_ops && request->count == 0) {
        return RESULT_PARAMETER;
    }
    if (request->count > LIMIT_BINS_PER_RECORD) {
        return RESULT_LIMIT;
    }
    for (size_t i = 0; i < request->count; i++) {
        struct ballast_op op = op_at(request, i);
        enum base_result result = op_check(&op);
        if (result == RESULT_OK && request->kind == CLIENT_REQUEST_GET &&
            (op.bin == NULL || op.bin[0] == '\0')) {
            result = RESULT_PARAMETER;
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
    return client__request_ops_size(request) < LIMIT_FRAME_BODY_SIZE / 2 ? RESULT_OK : RESULT_LIMIT;
}

static void write_bits(const struct ballast_policy *policy, struct wire_message_header *out)
{
    out->info2 |= WIRE_INFO2_WRITE | (policy->durable_delete ? WIRE_INFO2_DURABLE_DELETE : 0);
    out->info3 |= policy->commit_master ? WIRE_INFO3_COMMIT_MASTER : 0;
    switch (policy->exists) {
    case BALLAST_EXISTS_UPDATE:
        break;
    case BALLAST_EXISTS_CREATE_ONLY:
        out->info2 |= WIRE_INFO2_CREATE_ONLY;
        break;
    case BALLAST_EXISTS_UPDATE_ONLY:
        out->info3 |= WIRE_INFO3_UPDATE_ONLY;
        break;
    case BALLAST_EXISTS_REPLACE:
        out->info3 |= WIRE_INFO3_CREATE_OR_REPLACE;
        break;
    case BALLAST_EXISTS_REPLACE_ONLY:
        out->info3 |= WIRE_INFO3_REPLACE_ONLY;
        break;
    }
    if (policy->generation_rule != BALLAST_GENERATION_IGNORE) {
        out->info2 |= policy->generation_rule == BALLAST_GENERATION_EQUAL
                          ? WIRE_INFO2_GENERATION
                          : WIRE_INFO2_GENERATION_GT;
        out->generation = policy->generation;
    }
    out->record_ttl = policy->ttl_s;
}

static void operate_bits(const struct client_request *request, const struct ballast_policy *policy,
                         struct wire_message_header *out)
{
    bool read_all = false;
    for (size_t i = 0; i < request->count; i++) {
        const struct ballast_op *op = &request->ops[i];
        if (op->type == BALLAST_OP_READ) {
            out->info1 |= WIRE_INFO1_READ;
            read_all |= op->bin == NULL || op->bin[0] == '\0';
        }
    }
    // The two are not allowed together: "all bins" has no one result.
    out->info1 |= read_all ? WIRE_INFO1_GET_ALL : 0;
    out->info2 |= policy->respond_all_ops && !read_all ? WIRE_INFO2_RESPOND_ALL_OPS : 0;
}

void client__request_header(const struct client_request *request,
                            const struct ballast_policy *policy, struct wire_message_header *out)
{
    *out = (struct wire_message_header){.op_count = (uint16_t)op_count(request)};
    switch (request->kind) {
    case CLIENT_REQUEST_GET:
        out->info1 = WIRE_INFO1_READ | (request->count == 0 ? WIRE_INFO1_GET_ALL : 0);
        break;
    case CLIENT_REQUEST_EXISTS:
        out->info1 = WIRE_INFO1_READ | WIRE_INFO1_NO_BIN_DATA;
        break;
    case CLIENT_REQUEST_OPERATE:
        operate_bits(request, policy, out);
        break;
    case CLIENT_REQUEST_REMOVE:
        out->info2 = WIRE_INFO2_DELETE;
        break;
    case CLIENT_REQUEST_PUT:
    case CLIENT_REQUEST_TOUCH:
        break;
    }
    if (client__request_is_write(request)) {
        write_bits(policy, out);
    } else {
        out->record_ttl = policy->read_touch_ttl_pct;
    }
    if (request->kind == CLIENT_REQUEST_REMOVE) {
        // Whether the record exists is what the answer says; a delete has no time to live.
        out->info2 &= (uint8_t)~WIRE_INFO2_CREATE_ONLY;
        out->info3 &= WIRE_INFO3_COMMIT_MASTER;
        out->record_ttl = 0;
    }
}

// The value that travels: only some ops carry one.
static struct ballast_value op_value(const struct ballast_op *op)
{
    bool bare = op->type == BALLAST_OP_READ || op->type == BALLAST_OP_TOUCH ||
                op->type == BALLAST_OP_DELETE;
    return bare ? ballast_nil() : op->value;
}

size_t client__request_ops_size(const struct client_request *request)
{
    size_t size = 0;
    for (size_t i = 0; i < op_count(request); i++) {
        struct ballast_op op = op_at(request, i);
        struct ballast_value value = op_value(&op);
        size += wire_op_size(op.bin == NULL ? 0 : strlen(op.bin), client__value_size(&value));
    }
    return size;
}

uint8_t *client__request_ops_store(uint8_t *at, const struct client_request *request)
{
    for (size_t i = 0; i < op_count(request); i++) {
        struct ballast_op op = op_at(request, i);
        const char *name = op.bin == NULL ? "" : op.bin;
        struct ballast_value value = op_value(&op);
        at = wire_op_store(at, (uint8_t)op.type, (uint8_t)value.type, name, (uint8_t)strlen(name),
                           client__value_size(&value));
        at = client__value_store(at, &value);
    }
    return at;
}

static bool has_key_field(const struct client_key *key, bool send_key)
{
    return send_key && key->type != 0;
}

uint16_t client__key_fields_count(const struct client_key *key, bool digest, bool send_key)
{
    return (uint16_t)(2 + digest + has_key_field(key, send_key));
}

size_t client__key_fields_size(const struct client_key *key, bool digest, bool send_key)
{
    return wire_field_size(key->ns.size) + wire_field_size(key->set.size) +
           (digest ? wire_field_size(LIMIT_DIGEST_SIZE) : 0) +
           (has_key_field(key, send_key) ? wire_field_size(1 + client__key_value(key).size) : 0);
}

uint8_t *client__key_fields_store(uint8_t *at, const struct client_key *key, bool digest,
                                  bool send_key)
{
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, key->ns.data, key->ns.size);
    at = wire_field_store(at, WIRE_FIELD_SET, key->set.data, key->set.size);
    if (digest) {
        at = wire_field_store(at, WIRE_FIELD_DIGEST, key->digest.bytes, LIMIT_DIGEST_SIZE);
    }
    if (has_key_field(key, send_key)) {
        // Type and value are two pieces, so the field is written by hand.
        struct base_slice value = client__key_value(key);
        base_be32_store(at, (uint32_t)(2 + value.size));
        at[4] = WIRE_FIELD_KEY;
        at[WIRE_FIELD_HEADER_SIZE] = key->type;
        memcpy(at + WIRE_FIELD_HEADER_SIZE + 1, value.data, value.size);
        at += wire_field_size(1 + value.size);
    }
    return at;
}

uint32_t client__server_timeout_ms(const struct ballast_policy *policy)
{
    uint32_t total = policy->total_timeout_ms, socket = policy->socket_timeout_ms;
    return socket != 0 && (total == 0 || socket < total) ? socket : total;
}

enum base_result client__frame_compress(uint8_t **frame, size_t *frame_size)
{
    if (*frame_size <= LIMIT_COMPRESS_THRESHOLD) {
        return RESULT_OK;
    }
    uint8_t *packed;
    size_t packed_size;
    enum base_result result = io_compress_frame(*frame, *frame_size, &packed, &packed_size);
    if (result == RESULT_LIMIT) {
        return RESULT_OK; // it would not shrink
    }
    if (result == RESULT_OK) {
        free(*frame);
        *frame = packed;
        *frame_size = packed_size;
    }
    return result;
}

enum base_result client__request_frame(const struct client_request *request,
                                       const struct client_key *key,
                                       const struct ballast_policy *policy, uint8_t **out,
                                       size_t *out_size)
{
    *out = NULL;
    *out_size = 0;
    bool send_key = policy->send_key && client__request_is_write(request);
    struct wire_message_header header;
    client__request_header(request, policy, &header);
    header.info1 |= policy->compress ? WIRE_INFO1_COMPRESS_RESPONSE : 0;
    header.transaction_ttl = client__server_timeout_ms(policy);
    header.field_count = client__key_fields_count(key, true, send_key);
    size_t body_size = WIRE_MESSAGE_HEADER_SIZE + client__key_fields_size(key, true, send_key) +
                       client__request_ops_size(request);
    size_t size = WIRE_FRAME_HEADER_SIZE + body_size;
    uint8_t *frame = malloc(size);
    if (frame == NULL) {
        return RESULT_NO_MEMORY;
    }
    wire_frame_header_store(frame, WIRE_FRAME_MESSAGE, body_size);
    uint8_t *at = frame + WIRE_FRAME_HEADER_SIZE;
    wire_message_header_store(at, &header);
    at = client__key_fields_store(at + WIRE_MESSAGE_HEADER_SIZE, key, true, send_key);
    at = client__request_ops_store(at, request);
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
