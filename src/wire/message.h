// SPDX-License-Identifier: Apache-2.0
// The AS_MSG message: a 22-byte header, fields, ops (wire-protocol sections 2 to 4). Parsing copies
// nothing: every slice points into the caller's bytes and lives as long as they do. Writing stores
// into space that the caller has measured with the *_size functions. Pure; any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"

enum {
    WIRE_MESSAGE_HEADER_SIZE = 22,
    WIRE_FIELD_HEADER_SIZE = 5,
    WIRE_OP_HEADER_SIZE = 8,

    // Where fields of the header stand, for who patches them.
    WIRE_MESSAGE_RESULT_AT = 5,
    WIRE_MESSAGE_TRANSACTION_TTL_AT = 14,
};

enum wire_info1 {
    WIRE_INFO1_READ = 0x01,
    WIRE_INFO1_GET_ALL = 0x02,
    WIRE_INFO1_SHORT_QUERY = 0x04,
    WIRE_INFO1_BATCH = 0x08,
    WIRE_INFO1_XDR = 0x10,
    WIRE_INFO1_NO_BIN_DATA = 0x20,
    WIRE_INFO1_READ_ALL_REPLICAS = 0x40,
    WIRE_INFO1_COMPRESS_RESPONSE = 0x80,
};

enum wire_info2 {
    WIRE_INFO2_WRITE = 0x01,
    WIRE_INFO2_DELETE = 0x02,
    WIRE_INFO2_GENERATION = 0x04,
    WIRE_INFO2_GENERATION_GT = 0x08,
    WIRE_INFO2_DURABLE_DELETE = 0x10,
    WIRE_INFO2_CREATE_ONLY = 0x20,
    WIRE_INFO2_RELAX_AP_LONG_QUERY = 0x40,
    WIRE_INFO2_RESPOND_ALL_OPS = 0x80,
};

enum wire_info3 {
    WIRE_INFO3_LAST = 0x01,
    WIRE_INFO3_COMMIT_MASTER = 0x02,
    WIRE_INFO3_PARTITION_DONE = 0x04,
    WIRE_INFO3_UPDATE_ONLY = 0x08,
    WIRE_INFO3_CREATE_OR_REPLACE = 0x10,
    WIRE_INFO3_REPLACE_ONLY = 0x20,
    WIRE_INFO3_SC_READ_TYPE = 0x40,
    WIRE_INFO3_SC_READ_RELAX = 0x80,
};

enum wire_info4 {
    WIRE_INFO4_TXN_VERIFY_READ = 0x01,
    WIRE_INFO4_TXN_ROLL_FORWARD = 0x02,
    WIRE_INFO4_TXN_ROLL_BACK = 0x04,
    WIRE_INFO4_TXN_ON_LOCKING_ONLY = 0x10,
};

enum wire_field_type {
    WIRE_FIELD_NAMESPACE = 0,
    WIRE_FIELD_SET = 1,
    WIRE_FIELD_KEY = 2,
    WIRE_FIELD_RECORD_VERSION = 3,
    WIRE_FIELD_DIGEST = 4,
    WIRE_FIELD_TXN_ID = 5,
    WIRE_FIELD_TXN_DEADLINE = 6,
    WIRE_FIELD_TASK_ID = 7,
    WIRE_FIELD_SOCKET_TIMEOUT = 9,
    WIRE_FIELD_RECORDS_PER_SECOND = 10,
    WIRE_FIELD_PID_ARRAY = 11,
    WIRE_FIELD_DIGEST_ARRAY = 12,
    WIRE_FIELD_MAX_RECORDS = 13,
    WIRE_FIELD_BVAL_ARRAY = 15,
    WIRE_FIELD_INDEX_NAME = 21,
    WIRE_FIELD_INDEX_RANGE = 22,
    WIRE_FIELD_INDEX_CONTEXT = 23,
    WIRE_FIELD_INDEX_EXPRESSION = 24,
    WIRE_FIELD_INDEX_TYPE = 26,
    WIRE_FIELD_UDF_PACKAGE = 30,
    WIRE_FIELD_UDF_FUNCTION = 31,
    WIRE_FIELD_UDF_ARGUMENTS = 32,
    WIRE_FIELD_UDF_OP = 33,
    WIRE_FIELD_BATCH = 41,
    WIRE_FIELD_FILTER = 43,
    WIRE_FIELD_ERROR_DETAILS = 45,
    WIRE_FIELD_TYPES = 46, // one past the last number that is known
};

enum wire_op_type {
    WIRE_OP_READ = 1,
    WIRE_OP_WRITE = 2,
    WIRE_OP_CDT_READ = 3,
    WIRE_OP_CDT_MODIFY = 4,
    WIRE_OP_INCR = 5,
    WIRE_OP_EXP_READ = 7,
    WIRE_OP_EXP_MODIFY = 8,
    WIRE_OP_APPEND = 9,
    WIRE_OP_PREPEND = 10,
    WIRE_OP_TOUCH = 11,
    WIRE_OP_BIT_READ = 12,
    WIRE_OP_BIT_MODIFY = 13,
    WIRE_OP_DELETE = 14,
    WIRE_OP_HLL_READ = 15,
    WIRE_OP_HLL_MODIFY = 16,
    WIRE_OP_STRING_READ = 17,
    WIRE_OP_STRING_MODIFY = 18,
    WIRE_OP_TO_STRING = 19,
};

enum wire_particle_type {
    WIRE_PARTICLE_NIL = 0,
    WIRE_PARTICLE_INTEGER = 1,
    WIRE_PARTICLE_DOUBLE = 2,
    WIRE_PARTICLE_STRING = 3,
    WIRE_PARTICLE_BLOB = 4,
    WIRE_PARTICLE_JAVA_BLOB = 7,
    WIRE_PARTICLE_CSHARP_BLOB = 8,
    WIRE_PARTICLE_PYTHON_BLOB = 9,
    WIRE_PARTICLE_RUBY_BLOB = 10,
    WIRE_PARTICLE_PHP_BLOB = 11,
    WIRE_PARTICLE_ERLANG_BLOB = 12,
    WIRE_PARTICLE_VECTOR = 16,
    WIRE_PARTICLE_BOOL = 17,
    WIRE_PARTICLE_HLL = 18,
    WIRE_PARTICLE_MAP = 19,
    WIRE_PARTICLE_LIST = 20,
    WIRE_PARTICLE_GEOJSON = 23,
};

// record_ttl values of a write (section 2.6).
#define WIRE_TTL_NAMESPACE_DEFAULT 0u
#define WIRE_TTL_NEVER             0xFFFFFFFFu
#define WIRE_TTL_KEEP              0xFFFFFFFEu

// The fields of a message or of a batch row. field[t] is valid only where bit t of `present` is
// set.
struct wire_fields {
    uint64_t present;
    struct base_slice field[WIRE_FIELD_TYPES];
};

_Static_assert(WIRE_FIELD_TYPES <= 64, "a bit of wire_fields.present for each field type");

static inline bool wire_fields_has(const struct wire_fields *fields, enum wire_field_type type)
{
    return (fields->present >> type & 1) != 0;
}

// The field's slice, or an empty slice with NULL data when it is absent.
static inline struct base_slice wire_fields_get(const struct wire_fields *fields,
                                                enum wire_field_type type)
{
    return wire_fields_has(fields, type) ? fields->field[type] : (struct base_slice){0};
}

struct wire_message_header {
    uint8_t info1, info2, info3, info4;
    uint8_t result_code;
    uint32_t generation;
    uint32_t record_ttl;
    uint32_t transaction_ttl;
    uint16_t field_count;
    uint16_t op_count;
};

// A run of ops: `count` of them in `size` bytes, boundaries already checked.
struct wire_ops {
    const uint8_t *at;
    size_t size;
    uint32_t count;
};

struct wire_op {
    uint8_t type;          // enum wire_op_type, or an unknown number
    uint8_t particle_type; // enum wire_particle_type, or an unknown number
    uint8_t name_size;
    uint32_t value_size;
    const uint8_t *name;
    const uint8_t *value;
};

struct wire_message {
    struct wire_message_header header;
    struct wire_fields fields;
    struct wire_ops ops;
};

// Parses one message at the start of a frame's body. *message_size is what it took: a response
// frame may hold several messages back to back. RESULT_MALFORMED when a length leads past `size`
// or the header size is not 22; nothing behind a failed parse may be used.
BASE_MUST_USE enum base_result wire_message_parse(const uint8_t *bytes, size_t size,
                                                  struct wire_message *out, size_t *message_size);

// Parses `count` fields, then leaves *at behind them. Unknown types are skipped; a type that comes
// twice keeps the last one.
BASE_MUST_USE enum base_result wire_fields_parse(const uint8_t **at, const uint8_t *end,
                                                 uint32_t count, struct wire_fields *out);

// Checks the boundaries of `count` ops, then leaves *at behind them.
BASE_MUST_USE enum base_result wire_ops_parse(const uint8_t **at, const uint8_t *end,
                                              uint32_t count, struct wire_ops *out);

// Takes the next op off the front of `ops`; false when none is left.
bool wire_ops_next(struct wire_ops *ops, struct wire_op *out);

void wire_message_header_store(uint8_t *at, const struct wire_message_header *header);

static inline size_t wire_field_size(size_t data_size)
{
    return WIRE_FIELD_HEADER_SIZE + data_size;
}

// Writes a field and returns the place behind it.
uint8_t *wire_field_store(uint8_t *at, enum wire_field_type type, const void *data, size_t size);

static inline size_t wire_op_size(size_t name_size, size_t value_size)
{
    return WIRE_OP_HEADER_SIZE + name_size + value_size;
}

// Writes an op's header and name and returns the place where `value_size` bytes of value belong.
static inline uint8_t *wire_op_store(uint8_t *at, uint8_t op_type, uint8_t particle_type,
                                     const void *name, uint8_t name_size, size_t value_size)
{
    base_be32_store(at, (uint32_t)(4 + name_size + value_size));
    at[4] = op_type;
    at[5] = particle_type;
    at[6] = 0;
    at[7] = name_size;
    memcpy(at + WIRE_OP_HEADER_SIZE, name, name_size);
    return at + WIRE_OP_HEADER_SIZE + name_size;
}
