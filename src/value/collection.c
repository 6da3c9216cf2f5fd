// SPDX-License-Identifier: Apache-2.0
// A read is parsed to an opcode and two arguments, then looked for in one walk over the bin.
#include "value/collection.h"

#include "base/bytes.h"
#include "wire/msgpack.h"

enum {
    READ_LIST_SIZE = 16,
    READ_MAP_SIZE = 96,
    READ_MAP_GET_BY_KEY = 97,
    GEOJSON_PREFIX_SIZE = 3, // flags and a count of cells, both 0
};

// Return types (data-operations section 3.3).
enum {
    RETURN_NONE = 0,
    RETURN_COUNT = 5,
    RETURN_KEY = 6,
    RETURN_VALUE = 7,
    RETURN_KEY_VALUE = 8,
    RETURN_EXISTS = 13,
    RETURN_UNORDERED_MAP = 16,
    RETURN_ORDERED_MAP = 17,
};

struct read_op {
    int64_t opcode;
    int64_t return_type;
    struct wire_msgpack_value key;
};

static bool is_read(int64_t opcode)
{
    return (opcode >= 16 && opcode <= 27) || (opcode >= 96 && opcode <= 110) || opcode == 0xfe;
}

static bool return_type_known(int64_t type)
{
    switch (type) {
    case RETURN_NONE:
    case RETURN_COUNT:
    case RETURN_KEY:
    case RETURN_VALUE:
    case RETURN_KEY_VALUE:
    case RETURN_EXISTS:
    case RETURN_UNORDERED_MAP:
    case RETURN_ORDERED_MAP:
        return true;
    default:
        return false; // places in an order, and all that is inverted
    }
}

static bool integer_read(struct wire_msgpack_reader *reader, int64_t *out)
{
    struct wire_msgpack_value value;
    if (wire_msgpack_read(reader, &value) != RESULT_OK || value.kind != WIRE_MSGPACK_INTEGER) {
        return false;
    }
    *out = value.integer;
    return true;
}

static bool key_is_scalar(const struct wire_msgpack_value *key)
{
    return key->kind == WIRE_MSGPACK_INTEGER || key->kind == WIRE_MSGPACK_STRING ||
           key->kind == WIRE_MSGPACK_BYTES || key->kind == WIRE_MSGPACK_DOUBLE ||
           key->kind == WIRE_MSGPACK_BOOL;
}

static enum base_result parse(const uint8_t *payload, uint32_t size, struct read_op *out)
{
    if (size > 0 && payload[0] == 0) {
        return RESULT_UNSUPPORTED; // the form of old Go clients
    }
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(payload, size);
    struct wire_msgpack_value call;
    if (wire_msgpack_read(&reader, &call) != RESULT_OK || call.kind != WIRE_MSGPACK_LIST ||
        !integer_read(&reader, &out->opcode)) {
        return RESULT_PARAMETER;
    }
    if (out->opcode == 0xff) {
        return RESULT_UNSUPPORTED; // reads of nested elements
    }
    if (!is_read(out->opcode)) {
        return RESULT_PARAMETER;
    }
    if (out->opcode == READ_LIST_SIZE || out->opcode == READ_MAP_SIZE) {
        return call.count == 1 && wire_msgpack_reader_done(&reader) ? RESULT_OK : RESULT_PARAMETER;
    }
    if (out->opcode != READ_MAP_GET_BY_KEY) {
        return RESULT_UNSUPPORTED;
    }
    if (call.count != 3 || !integer_read(&reader, &out->return_type) ||
        wire_msgpack_read(&reader, &out->key) != RESULT_OK) {
        return RESULT_PARAMETER;
    }
    if (!key_is_scalar(&out->key)) {
        return RESULT_UNSUPPORTED;
    }
    if (!wire_msgpack_reader_done(&reader)) {
        return RESULT_PARAMETER;
    }
    return return_type_known(out->return_type) ? RESULT_OK : RESULT_UNSUPPORTED;
}

enum base_result value_collection_check(const uint8_t *payload, uint32_t payload_size)
{
    struct read_op op;
    return parse(payload, payload_size, &op);
}

static bool scalar_equal(const struct wire_msgpack_value *a, const struct wire_msgpack_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case WIRE_MSGPACK_BOOL:
        return a->boolean == b->boolean;
    case WIRE_MSGPACK_INTEGER:
        return a->integer == b->integer;
    case WIRE_MSGPACK_DOUBLE:
        return a->real == b->real;
    case WIRE_MSGPACK_STRING:
    case WIRE_MSGPACK_BYTES:
        return base_slice_equal(a->bytes, b->bytes);
    default:
        return false;
    }
}

static void head_set(struct value_collection_result *out, uint8_t type, const void *bytes,
                     uint8_t size)
{
    *out = (struct value_collection_result){.type = type, .head_size = size};
    memcpy(out->head, bytes, size);
}

static void integer_set(struct value_collection_result *out, int64_t value)
{
    uint8_t bytes[8];
    base_be64_store(bytes, (uint64_t)value);
    head_set(out, WIRE_PARTICLE_INTEGER, bytes, sizeof bytes);
}

static void bool_set(struct value_collection_result *out, bool value)
{
    uint8_t byte = value;
    head_set(out, WIRE_PARTICLE_BOOL, &byte, 1);
}

static void tail_set(struct value_collection_result *out, uint8_t type, const uint8_t *begin,
                     const uint8_t *end)
{
    *out = (struct value_collection_result){
        .type = type, .tail = begin, .tail_size = (uint32_t)(end - begin)};
}

// An element of a collection as a particle by itself; `begin` to `end` are its packed bytes.
static void element_set(struct value_collection_result *out, const uint8_t *begin,
                        const uint8_t *end)
{
    struct wire_msgpack_reader reader = {begin, end};
    struct wire_msgpack_value value;
    *out = (struct value_collection_result){.type = WIRE_PARTICLE_NIL};
    if (wire_msgpack_read(&reader, &value) != RESULT_OK) {
        return; // stored values are well-formed, so this does not happen
    }
    static const uint8_t geojson_prefix[GEOJSON_PREFIX_SIZE];
    uint8_t bytes[8];
    switch (value.kind) {
    case WIRE_MSGPACK_BOOL:
        bool_set(out, value.boolean);
        break;
    case WIRE_MSGPACK_INTEGER:
        integer_set(out, value.integer);
        break;
    case WIRE_MSGPACK_DOUBLE:
        memcpy(bytes, &value.real, sizeof bytes);
        base_be64_store(bytes, base_le64_load(bytes));
        head_set(out, WIRE_PARTICLE_DOUBLE, bytes, sizeof bytes);
        break;
    case WIRE_MSGPACK_STRING:
    case WIRE_MSGPACK_BYTES:
        tail_set(out, value.type, value.bytes.data, value.bytes.data + value.bytes.size);
        break;
    case WIRE_MSGPACK_GEOJSON:
        head_set(out, WIRE_PARTICLE_GEOJSON, geojson_prefix, sizeof geojson_prefix);
        out->tail = value.bytes.data;
        out->tail_size = (uint32_t)value.bytes.size;
        break;
    case WIRE_MSGPACK_LIST:
        tail_set(out, WIRE_PARTICLE_LIST, begin, end);
        break;
    case WIRE_MSGPACK_MAP:
        tail_set(out, WIRE_PARTICLE_MAP, begin, end);
        break;
    default:
        break;
    }
}

// A map of the one pair found, or of none.
static void map_set(struct value_collection_result *out, uint8_t flags, const uint8_t *begin,
                    const uint8_t *end)
{
    struct wire_msgpack_writer writer = wire_msgpack_writer_of(out->head, sizeof out->head);
    *out = (struct value_collection_result){
        .type = WIRE_PARTICLE_MAP, .tail = begin, .tail_size = (uint32_t)(end - begin)};
    wire_msgpack_map_write(&writer, begin != end, flags);
    out->head_size = (uint8_t)writer.size;
}

struct pair {
    const uint8_t *begin, *value, *end; // all the same when there is none
};

static void pair_answer(const struct read_op *op, const struct pair *pair,
                        struct value_collection_result *out)
{
    bool found = pair->begin != pair->end;
    *out = (struct value_collection_result){.type = WIRE_PARTICLE_NIL};
    switch (op->return_type) {
    case RETURN_COUNT:
        integer_set(out, found);
        break;
    case RETURN_EXISTS:
        bool_set(out, found);
        break;
    case RETURN_KEY:
        if (found) {
            element_set(out, pair->begin, pair->value);
        }
        break;
    case RETURN_VALUE:
        if (found) {
            element_set(out, pair->value, pair->end);
        }
        break;
    case RETURN_KEY_VALUE:
        map_set(out, WIRE_MSGPACK_FLAG_PRESERVE_ORDER, pair->begin, pair->end);
        break;
    case RETURN_UNORDERED_MAP:
        map_set(out, 0, pair->begin, pair->end);
        break;
    case RETURN_ORDERED_MAP:
        map_set(out, WIRE_MSGPACK_FLAG_ORDERED, pair->begin, pair->end);
        break;
    default:
        break; // RETURN_NONE
    }
}

static enum base_result pair_find(struct wire_msgpack_reader *reader, uint32_t count,
                                  const struct wire_msgpack_value *key, struct pair *out)
{
    *out = (struct pair){reader->at, reader->at, reader->at};
    for (uint32_t i = 0; i < count; i++) {
        struct pair pair = {.begin = reader->at};
        struct wire_msgpack_reader peek = *reader;
        struct wire_msgpack_value found;
        if (wire_msgpack_read(&peek, &found) != RESULT_OK ||
            wire_msgpack_skip(reader) != RESULT_OK) {
            return RESULT_MALFORMED;
        }
        pair.value = reader->at;
        if (wire_msgpack_skip(reader) != RESULT_OK) {
            return RESULT_MALFORMED;
        }
        pair.end = reader->at;
        if (scalar_equal(&found, key)) {
            *out = pair;
            return RESULT_OK;
        }
    }
    return RESULT_OK;
}

enum base_result value_collection_read(struct value_particle bin, const uint8_t *payload,
                                       uint32_t payload_size, struct value_collection_result *out)
{
    *out = (struct value_collection_result){.type = WIRE_PARTICLE_NIL};
    struct read_op op;
    enum base_result result = parse(payload, payload_size, &op);
    if (result != RESULT_OK) {
        return result;
    }
    uint8_t needed = op.opcode == READ_LIST_SIZE ? WIRE_PARTICLE_LIST : WIRE_PARTICLE_MAP;
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(bin.data, bin.size);
    struct wire_msgpack_value header;
    if (bin.type != needed) {
        return RESULT_INCOMPATIBLE_TYPE;
    }
    result = wire_msgpack_read(&reader, &header);
    if (result != RESULT_OK) {
        return result;
    }
    if (op.opcode != READ_MAP_GET_BY_KEY) {
        integer_set(out, header.count);
        return RESULT_OK;
    }
    struct pair pair;
    result = pair_find(&reader, header.count, &op.key, &pair);
    if (result == RESULT_OK) {
        pair_answer(&op, &pair, out);
    }
    return result;
}

uint8_t *value_collection_result_store(uint8_t *at, const struct value_collection_result *result)
{
    memcpy(at, result->head, result->head_size);
    if (result->tail_size > 0) {
        memcpy(at + result->head_size, result->tail, result->tail_size);
    }
    return at + value_collection_result_size(result);
}
