// SPDX-License-Identifier: Apache-2.0
// How values and codes read, in the notations of the output modes.
#include "tools/ql_data.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "tools/json.h"

void ql_failure_set(struct ql_failure *failure, int32_t code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->code = code;
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

static const struct {
    int32_t code;
    const char *name;
} code_names[] = {
    {-12, "AEROSPIKE_ERR_MAX_RETRIES_EXCEEDED"},
    {QL_CODE_CONNECTION, "AEROSPIKE_ERR_CONNECTION"},
    {-9, "AEROSPIKE_ERR_TLS_ERROR"},
    {QL_CODE_INVALID_NODE, "AEROSPIKE_ERR_INVALID_NODE"},
    {-7, "AEROSPIKE_ERR_NO_MORE_CONNECTIONS"},
    {QL_CODE_ABORT, "AEROSPIKE_ERR_CLIENT_ABORT"},
    {QL_CODE_INVALID_HOST, "AEROSPIKE_ERR_INVALID_HOST"},
    {QL_CODE_PARAMETER, "AEROSPIKE_ERR_PARAM"},
    {QL_CODE_CLIENT, "AEROSPIKE_ERR_CLIENT"},
    {0, "AEROSPIKE_OK"},
    {1, "AEROSPIKE_ERR_SERVER"},
    {2, "AEROSPIKE_ERR_RECORD_NOT_FOUND"},
    {3, "AEROSPIKE_ERR_RECORD_GENERATION"},
    {4, "AEROSPIKE_ERR_REQUEST_INVALID"},
    {5, "AEROSPIKE_ERR_RECORD_EXISTS"},
    {6, "AEROSPIKE_ERR_BIN_EXISTS"},
    {7, "AEROSPIKE_ERR_CLUSTER_CHANGE"},
    {8, "AEROSPIKE_ERR_SERVER_FULL"},
    {9, "AEROSPIKE_ERR_TIMEOUT"},
    {10, "AEROSPIKE_ERR_ALWAYS_FORBIDDEN"},
    {11, "AEROSPIKE_ERR_CLUSTER"},
    {12, "AEROSPIKE_ERR_BIN_INCOMPATIBLE_TYPE"},
    {13, "AEROSPIKE_ERR_RECORD_TOO_BIG"},
    {14, "AEROSPIKE_ERR_RECORD_BUSY"},
    {15, "AEROSPIKE_ERR_SCAN_ABORTED"},
    {16, "AEROSPIKE_ERR_UNSUPPORTED_FEATURE"},
    {17, "AEROSPIKE_ERR_BIN_NOT_FOUND"},
    {18, "AEROSPIKE_ERR_DEVICE_OVERLOAD"},
    {19, "AEROSPIKE_ERR_RECORD_KEY_MISMATCH"},
    {20, "AEROSPIKE_ERR_NAMESPACE_NOT_FOUND"},
    {21, "AEROSPIKE_ERR_BIN_NAME"},
    {22, "AEROSPIKE_ERR_FAIL_FORBIDDEN"},
    {23, "AEROSPIKE_ERR_FAIL_ELEMENT_NOT_FOUND"},
    {24, "AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS"},
    {25, "AEROSPIKE_ERR_ENTERPRISE_ONLY"},
    {26, "AEROSPIKE_ERR_OP_NOT_APPLICABLE"},
    {27, "AEROSPIKE_FILTERED_OUT"},
    {50, "AEROSPIKE_QUERY_END"},
    {51, "AEROSPIKE_SECURITY_NOT_SUPPORTED"},
    {52, "AEROSPIKE_SECURITY_NOT_ENABLED"},
    {53, "AEROSPIKE_SECURITY_SCHEME_NOT_SUPPORTED"},
    {54, "AEROSPIKE_INVALID_COMMAND"},
    {55, "AEROSPIKE_INVALID_FIELD"},
    {56, "AEROSPIKE_ILLEGAL_STATE"},
    {60, "AEROSPIKE_INVALID_USER"},
    {61, "AEROSPIKE_USER_ALREADY_EXISTS"},
    {62, "AEROSPIKE_INVALID_PASSWORD"},
    {63, "AEROSPIKE_EXPIRED_PASSWORD"},
    {64, "AEROSPIKE_FORBIDDEN_PASSWORD"},
    {65, "AEROSPIKE_INVALID_CREDENTIAL"},
    {66, "AEROSPIKE_EXPIRED_SESSION"},
    {70, "AEROSPIKE_INVALID_ROLE"},
    {71, "AEROSPIKE_ROLE_ALREADY_EXISTS"},
    {72, "AEROSPIKE_INVALID_PRIVILEGE"},
    {73, "AEROSPIKE_INVALID_WHITELIST"},
    {80, "AEROSPIKE_NOT_AUTHENTICATED"},
    {81, "AEROSPIKE_ROLE_VIOLATION"},
    {82, "AEROSPIKE_NOT_WHITELISTED"},
    {100, "AEROSPIKE_ERR_UDF"},
    {150, "AEROSPIKE_ERR_BATCH_DISABLED"},
    {151, "AEROSPIKE_ERR_BATCH_MAX_REQUESTS_EXCEEDED"},
    {152, "AEROSPIKE_ERR_BATCH_QUEUES_FULL"},
    {160, "AEROSPIKE_ERR_GEO_INVALID_GEOJSON"},
    {200, "AEROSPIKE_ERR_INDEX_FOUND"},
    {201, "AEROSPIKE_ERR_INDEX_NOT_FOUND"},
    {202, "AEROSPIKE_ERR_INDEX_OOM"},
    {203, "AEROSPIKE_ERR_INDEX_NOT_READABLE"},
    {204, "AEROSPIKE_ERR_INDEX"},
    {205, "AEROSPIKE_ERR_INDEX_NAME_MAXLEN"},
    {206, "AEROSPIKE_ERR_INDEX_MAXCOUNT"},
    {210, "AEROSPIKE_ERR_QUERY_ABORTED"},
    {211, "AEROSPIKE_ERR_QUERY_QUEUE_FULL"},
    {212, "AEROSPIKE_ERR_QUERY_TIMEOUT"},
    {213, "AEROSPIKE_ERR_QUERY"},
};

const char *ql_code_name(int32_t code)
{
    for (size_t i = 0; i < sizeof code_names / sizeof code_names[0]; i++) {
        if (code_names[i].code == code) {
            return code_names[i].name;
        }
    }
    return code < 0 ? "AEROSPIKE_ERR_CLIENT" : "AEROSPIKE_ERR_SERVER";
}

// The map's name by its order.
static const char *map_name(struct base_slice bytes)
{
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(bytes.data, bytes.size);
    struct wire_msgpack_value map;
    if (wire_msgpack_read(&reader, &map) != RESULT_OK || map.kind != WIRE_MSGPACK_MAP) {
        return "MAP";
    }
    switch (map.flags & (WIRE_MSGPACK_FLAG_ORDERED | WIRE_MSGPACK_FLAG_VALUE_ORDERED)) {
    case WIRE_MSGPACK_FLAG_ORDERED:
        return "KEY_ORDERED_MAP";
    case WIRE_MSGPACK_FLAG_ORDERED | WIRE_MSGPACK_FLAG_VALUE_ORDERED:
        return "KEY_VALUE_ORDERED_MAP";
    default:
        return "MAP";
    }
}

// Appends a list or map; what is no MessagePack after all is shown as the bytes it is.
static void collection_append(struct tools_text *out, struct base_slice bytes,
                              enum tools_json_style style, uint32_t indent)
{
    size_t size = out->size;
    if (tools_json_append(out, bytes, style, indent) != RESULT_OK) {
        out->size = size;
        const char *quote = style == TOOLS_JSON_DISPLAY ? "" : "\"";
        tools_text_string_append(out, quote);
        tools_text_hex_append(out, bytes.data, bytes.size, " ");
        tools_text_string_append(out, quote);
    }
}

static void dressed_append(struct tools_text *out, const struct ql_value *value, const char *type)
{
    tools_text_format_append(out, "%s('", type);
    if (value->type == WIRE_PARTICLE_GEOJSON) {
        tools_text_append(out, value->bytes.data, value->bytes.size);
    } else {
        collection_append(out, value->bytes, TOOLS_JSON_DISPLAY, 0);
    }
    tools_text_string_append(out, "')");
}

// The forms that all notations share. False for types that they write differently.
static bool simple_append(struct tools_text *out, const struct ql_value *value)
{
    switch (value->type) {
    case WIRE_PARTICLE_INTEGER:
        tools_text_format_append(out, "%lld", (long long)value->integer);
        return true;
    case WIRE_PARTICLE_BOOL:
        tools_text_string_append(out, value->boolean ? "true" : "false");
        return true;
    default:
        return false;
    }
}

void ql_value_append(struct tools_text *out, const struct ql_value *value, bool types)
{
    if (simple_append(out, value)) {
        return;
    }
    switch (value->type) {
    case WIRE_PARTICLE_NIL:
        tools_text_string_append(out, "NIL");
        break;
    case WIRE_PARTICLE_DOUBLE:
        tools_text_format_append(out, "%.16g", value->real);
        break;
    case WIRE_PARTICLE_STRING:
        tools_text_char_append(out, '"');
        tools_text_append(out, value->bytes.data, value->bytes.size);
        tools_text_char_append(out, '"');
        break;
    case WIRE_PARTICLE_GEOJSON:
        if (types) {
            dressed_append(out, value, "GeoJSON");
        } else {
            tools_text_append(out, value->bytes.data, value->bytes.size);
        }
        break;
    case WIRE_PARTICLE_LIST:
    case WIRE_PARTICLE_MAP:
        if (types) {
            dressed_append(out, value,
                           value->type == WIRE_PARTICLE_LIST ? "LIST" : map_name(value->bytes));
        } else {
            collection_append(out, value->bytes, TOOLS_JSON_DISPLAY, 0);
        }
        break;
    default:
        tools_text_hex_append(out, value->bytes.data, value->bytes.size, " ");
        break;
    }
}

void ql_value_json_append(struct tools_text *out, const struct ql_value *value, uint32_t indent)
{
    if (simple_append(out, value)) {
        return;
    }
    switch (value->type) {
    case WIRE_PARTICLE_NIL:
        tools_text_string_append(out, "null");
        break;
    case WIRE_PARTICLE_DOUBLE:
        tools_json_double_append(out, value->real);
        break;
    case WIRE_PARTICLE_STRING:
    case WIRE_PARTICLE_GEOJSON:
        tools_json_string_append(out, value->bytes.data, value->bytes.size);
        break;
    case WIRE_PARTICLE_LIST:
    case WIRE_PARTICLE_MAP:
        collection_append(out, value->bytes, TOOLS_JSON_PRETTY, indent);
        break;
    default:
        tools_text_char_append(out, '"');
        tools_text_hex_append(out, value->bytes.data, value->bytes.size, " ");
        tools_text_char_append(out, '"');
        break;
    }
}

void ql_value_plain_append(struct tools_text *out, const struct ql_value *value)
{
    if (simple_append(out, value)) {
        return;
    }
    switch (value->type) {
    case WIRE_PARTICLE_NIL:
        break;
    case WIRE_PARTICLE_DOUBLE:
        if (isfinite(value->real)) {
            tools_json_double_append(out, value->real);
        } else {
            tools_text_format_append(out, "%g", value->real);
        }
        break;
    case WIRE_PARTICLE_STRING:
    case WIRE_PARTICLE_GEOJSON:
        tools_text_append(out, value->bytes.data, value->bytes.size);
        break;
    case WIRE_PARTICLE_LIST:
    case WIRE_PARTICLE_MAP:
        collection_append(out, value->bytes, TOOLS_JSON_LINE, 0);
        break;
    default:
        tools_text_hex_append(out, value->bytes.data, value->bytes.size, " ");
        break;
    }
}

// Chunks hold many small takes; a large take gets a chunk of its own size.
enum { CHUNK_SIZE = 16 * 1024 };

struct ql_chunk {
    struct ql_chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) uint8_t data[];
};

void *ql_arena_take(struct ql_arena *arena, size_t size)
{
    size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + align - 1) / align * align;
    struct ql_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t chunk_size = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = calloc(1, sizeof *chunk + chunk_size);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->size = chunk_size;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *taken = chunk->data + chunk->used;
    chunk->used += size;
    return taken;
}

void ql_arena_fini(struct ql_arena *arena)
{
    while (arena->chunks != NULL) {
        struct ql_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}
