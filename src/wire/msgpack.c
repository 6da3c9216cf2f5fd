// SPDX-License-Identifier: Apache-2.0
// One token is a lead byte, perhaps a length or a number behind it, perhaps bytes behind that. A
// container's flags element is read together with its header. Walks over whole values count the
// values still owed instead of recursing: a container owes its elements.
#include "wire/msgpack.h"

#include <string.h>

#include "wire/message.h"

enum {
    LEAD_NIL = 0xc0,
    LEAD_FALSE = 0xc2,
    LEAD_TRUE = 0xc3,
    LEAD_BIN8 = 0xc4,
    LEAD_BIN16 = 0xc5,
    LEAD_BIN32 = 0xc6,
    LEAD_EXT8 = 0xc7,
    LEAD_EXT16 = 0xc8,
    LEAD_EXT32 = 0xc9,
    LEAD_FLOAT = 0xca,
    LEAD_DOUBLE = 0xcb,
    LEAD_UINT8 = 0xcc,
    LEAD_UINT16 = 0xcd,
    LEAD_UINT32 = 0xce,
    LEAD_UINT64 = 0xcf,
    LEAD_INT8 = 0xd0,
    LEAD_INT16 = 0xd1,
    LEAD_INT32 = 0xd2,
    LEAD_INT64 = 0xd3,
    LEAD_FIXEXT1 = 0xd4,
    LEAD_FIXEXT16 = 0xd8,
    LEAD_STR8 = 0xd9,
    LEAD_STR16 = 0xda,
    LEAD_STR32 = 0xdb,
    LEAD_LIST16 = 0xdc,
    LEAD_LIST32 = 0xdd,
    LEAD_MAP16 = 0xde,
    LEAD_MAP32 = 0xdf,
    FIX_MAP = 0x80,
    FIX_LIST = 0x90,
    FIX_STR = 0xa0,
    FIX_NEGATIVE = 0xe0,
    EXT_SPECIAL = 0xff, // type byte of wildcard and infinity
    SPECIAL_WILDCARD = 0,
    SPECIAL_INFINITY = 1,
};

// A cursor that only moves on success; every function below works on one.
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

// Takes a big-endian number of 1, 2, 4 or 8 bytes.
static bool number_take(struct cursor *cursor, uint32_t width, uint64_t *out)
{
    if (left(cursor) < width) {
        return false;
    }
    switch (width) {
    case 1:
        *out = cursor->at[0];
        break;
    case 2:
        *out = base_be16_load(cursor->at);
        break;
    case 4:
        *out = base_be32_load(cursor->at);
        break;
    default:
        *out = base_be64_load(cursor->at);
        break;
    }
    cursor->at += width;
    return true;
}

static bool bytes_take(struct cursor *cursor, uint64_t size, struct base_slice *out)
{
    if (size > left(cursor)) {
        return false;
    }
    *out = (struct base_slice){.data = cursor->at, .size = (size_t)size};
    cursor->at += size;
    return true;
}

// Takes the header and the bytes of a string or bin. False with the cursor anywhere when the lead
// byte is of another family or the length leads past the end.
static bool string_take(struct cursor *cursor, struct base_slice *out)
{
    uint64_t size;
    if (!number_take(cursor, 1, &size)) {
        return false;
    }
    switch (size) {
    case LEAD_STR8:
    case LEAD_BIN8:
        return number_take(cursor, 1, &size) && bytes_take(cursor, size, out);
    case LEAD_STR16:
    case LEAD_BIN16:
        return number_take(cursor, 2, &size) && bytes_take(cursor, size, out);
    case LEAD_STR32:
    case LEAD_BIN32:
        return number_take(cursor, 4, &size) && bytes_take(cursor, size, out);
    default:
        return (size & 0xe0) == FIX_STR && bytes_take(cursor, size & 0x1f, out);
    }
}

static bool is_ext(uint8_t lead)
{
    return (lead >= LEAD_EXT8 && lead <= LEAD_EXT32) ||
           (lead >= LEAD_FIXEXT1 && lead <= LEAD_FIXEXT16);
}

static bool ext_take(struct cursor *cursor, uint8_t *type, struct base_slice *data)
{
    uint64_t lead;
    uint64_t size;
    uint64_t type_byte;
    if (!number_take(cursor, 1, &lead)) {
        return false;
    }
    if (lead >= LEAD_FIXEXT1) {
        size = 1u << (lead - LEAD_FIXEXT1);
    } else if (!number_take(cursor, 1u << (lead - LEAD_EXT8), &size)) {
        return false;
    }
    if (!number_take(cursor, 1, &type_byte)) {
        return false;
    }
    *type = (uint8_t)type_byte;
    return bytes_take(cursor, size, data);
}

// Takes the flags element behind a container's header, if there is one, off the element count.
static bool flags_take(struct cursor *cursor, struct wire_msgpack_value *out)
{
    if (out->count == 0 || left(cursor) == 0 || !is_ext(cursor->at[0])) {
        return true;
    }
    struct cursor ahead = *cursor;
    struct base_slice data;
    uint8_t type;
    if (!ext_take(&ahead, &type, &data)) {
        return false;
    }
    if (type == EXT_SPECIAL) {
        return true; // a wildcard or infinity is an element
    }
    if (out->kind == WIRE_MSGPACK_MAP) {
        uint64_t nil;
        if (!number_take(&ahead, 1, &nil) || nil != LEAD_NIL) {
            return false;
        }
    }
    out->flags = type;
    out->count--;
    *cursor = ahead;
    return true;
}

static bool container_take(struct cursor *cursor, enum wire_msgpack_kind kind, uint64_t count,
                           struct wire_msgpack_value *out)
{
    // Each element takes at least a byte, so a count beyond the bytes left is a lie.
    uint64_t bytes_least = kind == WIRE_MSGPACK_MAP ? count * 2 : count;
    if (bytes_least > left(cursor)) {
        return false;
    }
    out->kind = kind;
    out->count = (uint32_t)count;
    return flags_take(cursor, out);
}

static bool container_sized_take(struct cursor *cursor, enum wire_msgpack_kind kind, uint32_t width,
                                 struct wire_msgpack_value *out)
{
    uint64_t count;
    return number_take(cursor, width, &count) && container_take(cursor, kind, count, out);
}

static bool special_take(struct cursor *cursor, struct wire_msgpack_value *out)
{
    struct base_slice data;
    uint8_t type;
    if (!ext_take(cursor, &type, &data) || type != EXT_SPECIAL || data.size != 1 ||
        data.data[0] > SPECIAL_INFINITY) {
        return false;
    }
    out->kind = data.data[0] == SPECIAL_WILDCARD ? WIRE_MSGPACK_WILDCARD : WIRE_MSGPACK_INFINITY;
    return true;
}

static bool typed_string_take(struct cursor *cursor, struct wire_msgpack_value *out)
{
    struct base_slice bytes;
    if (!string_take(cursor, &bytes)) {
        return false;
    }
    out->kind = WIRE_MSGPACK_BYTES;
    if (bytes.size > 0) {
        out->type = bytes.data[0];
        bytes.data++;
        bytes.size--;
        if (out->type == WIRE_PARTICLE_STRING) {
            out->kind = WIRE_MSGPACK_STRING;
        } else if (out->type == WIRE_PARTICLE_GEOJSON) {
            out->kind = WIRE_MSGPACK_GEOJSON;
        }
    }
    out->bytes = bytes;
    return true;
}

static bool integer_take(struct cursor *cursor, uint8_t lead, struct wire_msgpack_value *out)
{
    bool is_signed = lead >= LEAD_INT8;
    uint32_t width = 1u << (lead - (is_signed ? LEAD_INT8 : LEAD_UINT8));
    uint64_t bits;
    if (!number_take(cursor, width, &bits)) {
        return false;
    }
    if (is_signed && width < 8) {
        uint32_t unused = 64 - width * 8;
        out->integer = (int64_t)(bits << unused) >> unused;
    } else {
        out->integer = (int64_t)bits;
    }
    out->kind = WIRE_MSGPACK_INTEGER;
    return true;
}

static bool real_take(struct cursor *cursor, uint8_t lead, struct wire_msgpack_value *out)
{
    uint64_t bits;
    if (!number_take(cursor, lead == LEAD_FLOAT ? 4 : 8, &bits)) {
        return false;
    }
    if (lead == LEAD_FLOAT) {
        uint32_t bits32 = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &bits32, sizeof narrow);
        out->real = (double)narrow;
    } else {
        memcpy(&out->real, &bits, sizeof bits);
    }
    out->kind = WIRE_MSGPACK_DOUBLE;
    return true;
}

// Lead bytes 0xc0 to 0xdf, whose meaning is one byte each.
static bool sized_take(struct cursor *cursor, struct wire_msgpack_value *out)
{
    uint8_t lead = cursor->at[0];
    if (is_ext(lead)) {
        return special_take(cursor, out);
    }
    if ((lead >= LEAD_STR8 && lead <= LEAD_STR32) || (lead >= LEAD_BIN8 && lead <= LEAD_BIN32)) {
        return typed_string_take(cursor, out);
    }
    cursor->at++;
    switch (lead) {
    case LEAD_NIL:
        out->kind = WIRE_MSGPACK_NIL;
        return true;
    case LEAD_FALSE:
    case LEAD_TRUE:
        out->kind = WIRE_MSGPACK_BOOL;
        out->boolean = lead == LEAD_TRUE;
        return true;
    case LEAD_FLOAT:
    case LEAD_DOUBLE:
        return real_take(cursor, lead, out);
    case LEAD_LIST16:
        return container_sized_take(cursor, WIRE_MSGPACK_LIST, 2, out);
    case LEAD_LIST32:
        return container_sized_take(cursor, WIRE_MSGPACK_LIST, 4, out);
    case LEAD_MAP16:
        return container_sized_take(cursor, WIRE_MSGPACK_MAP, 2, out);
    case LEAD_MAP32:
        return container_sized_take(cursor, WIRE_MSGPACK_MAP, 4, out);
    default:
        return lead >= LEAD_UINT8 && lead <= LEAD_INT64 && integer_take(cursor, lead, out);
    }
}

static bool token_take(struct cursor *cursor, struct wire_msgpack_value *out)
{
    if (left(cursor) == 0) {
        return false;
    }
    uint8_t lead = cursor->at[0];
    if (lead < FIX_MAP || lead >= FIX_NEGATIVE) {
        cursor->at++;
        out->kind = WIRE_MSGPACK_INTEGER;
        out->integer = (int8_t)lead;
        return true;
    }
    if (lead < FIX_STR) {
        cursor->at++;
        return container_take(cursor, lead < FIX_LIST ? WIRE_MSGPACK_MAP : WIRE_MSGPACK_LIST,
                              lead & 0x0f, out);
    }
    if (lead < LEAD_NIL) {
        return typed_string_take(cursor, out);
    }
    return sized_take(cursor, out);
}

enum base_result wire_msgpack_read(struct wire_msgpack_reader *reader,
                                   struct wire_msgpack_value *out)
{
    *out = (struct wire_msgpack_value){.kind = WIRE_MSGPACK_NIL};
    struct cursor cursor = {.at = reader->at, .end = reader->end};
    if (!token_take(&cursor, out)) {
        return RESULT_MALFORMED;
    }
    reader->at = cursor.at;
    return RESULT_OK;
}

// Values that a token owes: the elements of a container, none for a scalar.
static uint64_t owed_by(const struct wire_msgpack_value *value)
{
    if (value->kind == WIRE_MSGPACK_LIST) {
        return value->count;
    }
    return value->kind == WIRE_MSGPACK_MAP ? (uint64_t)value->count * 2 : 0;
}

enum base_result wire_msgpack_skip(struct wire_msgpack_reader *reader)
{
    struct wire_msgpack_reader ahead = *reader;
    for (uint64_t owed = 1; owed > 0; owed--) {
        struct wire_msgpack_value value;
        if (wire_msgpack_read(&ahead, &value) != RESULT_OK) {
            return RESULT_MALFORMED;
        }
        owed += owed_by(&value);
    }
    *reader = ahead;
    return RESULT_OK;
}

enum base_result wire_msgpack_raw_read(struct wire_msgpack_reader *reader, struct base_slice *out)
{
    *out = (struct base_slice){0};
    struct cursor cursor = {.at = reader->at, .end = reader->end};
    if (!string_take(&cursor, out)) {
        *out = (struct base_slice){0};
        return RESULT_MALFORMED;
    }
    reader->at = cursor.at;
    return RESULT_OK;
}

enum base_result wire_msgpack_check(const void *bytes, size_t size, uint32_t depth_max,
                                    bool storable)
{
    base_assert(depth_max <= WIRE_MSGPACK_DEPTH_MAX);
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(bytes, size);
    uint64_t owed[WIRE_MSGPACK_DEPTH_MAX + 1]; // by the container at each depth
    uint32_t depth = 0;
    owed[0] = 1;
    while (depth > 0 || owed[0] > 0) {
        if (owed[depth] == 0) {
            depth--;
            continue;
        }
        owed[depth]--;
        struct wire_msgpack_value value;
        if (wire_msgpack_read(&reader, &value) != RESULT_OK) {
            return RESULT_MALFORMED;
        }
        if (storable && value.kind >= WIRE_MSGPACK_INFINITY) {
            return RESULT_MALFORMED;
        }
        if (value.kind == WIRE_MSGPACK_LIST || value.kind == WIRE_MSGPACK_MAP) {
            if (depth == depth_max) {
                return RESULT_LIMIT;
            }
            owed[++depth] = owed_by(&value);
        }
    }
    return wire_msgpack_reader_done(&reader) ? RESULT_OK : RESULT_MALFORMED;
}

static void put(struct wire_msgpack_writer *writer, const void *data, size_t size)
{
    if (wire_msgpack_writer_fits(writer) && size <= writer->capacity - writer->size && size > 0) {
        memcpy(writer->data + writer->size, data, size);
    }
    writer->size += size;
}

// A lead byte with a big-endian number of 0, 1, 2, 4 or 8 bytes behind it.
static void put_sized(struct wire_msgpack_writer *writer, uint8_t lead, uint32_t width,
                      uint64_t number)
{
    uint8_t bytes[9];
    bytes[0] = lead;
    for (uint32_t i = 0; i < width; i++) {
        bytes[1 + i] = (uint8_t)(number >> (8 * (width - 1 - i)));
    }
    put(writer, bytes, 1 + width);
}

void wire_msgpack_nil_write(struct wire_msgpack_writer *writer)
{
    put_sized(writer, LEAD_NIL, 0, 0);
}

void wire_msgpack_bool_write(struct wire_msgpack_writer *writer, bool value)
{
    put_sized(writer, value ? LEAD_TRUE : LEAD_FALSE, 0, 0);
}

void wire_msgpack_integer_write(struct wire_msgpack_writer *writer, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    if (value >= -32 && value < 128) {
        put_sized(writer, (uint8_t)bits, 0, 0);
    } else if (value >= 0) {
        uint32_t log = bits <= UINT8_MAX ? 0 : bits <= UINT16_MAX ? 1 : bits <= UINT32_MAX ? 2 : 3;
        put_sized(writer, (uint8_t)(LEAD_UINT8 + log), 1u << log, bits);
    } else {
        uint32_t log = value >= INT8_MIN ? 0 : value >= INT16_MIN ? 1 : value >= INT32_MIN ? 2 : 3;
        put_sized(writer, (uint8_t)(LEAD_INT8 + log), 1u << log, bits);
    }
}

void wire_msgpack_double_write(struct wire_msgpack_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_sized(writer, LEAD_DOUBLE, 8, bits);
}

static void special_write(struct wire_msgpack_writer *writer, uint8_t which)
{
    const uint8_t bytes[] = {LEAD_FIXEXT1, EXT_SPECIAL, which};
    put(writer, bytes, sizeof bytes);
}

void wire_msgpack_wildcard_write(struct wire_msgpack_writer *writer)
{
    special_write(writer, SPECIAL_WILDCARD);
}

void wire_msgpack_infinity_write(struct wire_msgpack_writer *writer)
{
    special_write(writer, SPECIAL_INFINITY);
}

static void string_header_write(struct wire_msgpack_writer *writer, size_t size)
{
    base_assert(size <= UINT32_MAX);
    if (size < 32) {
        put_sized(writer, (uint8_t)(FIX_STR | size), 0, 0);
    } else if (size <= UINT8_MAX) {
        put_sized(writer, LEAD_STR8, 1, size);
    } else if (size <= UINT16_MAX) {
        put_sized(writer, LEAD_STR16, 2, size);
    } else {
        put_sized(writer, LEAD_STR32, 4, size);
    }
}

void wire_msgpack_bytes_write(struct wire_msgpack_writer *writer, uint8_t type, const void *data,
                              size_t size)
{
    base_assert(size < UINT32_MAX);
    string_header_write(writer, size + 1);
    put(writer, &type, 1);
    put(writer, data, size);
}

void wire_msgpack_raw_write(struct wire_msgpack_writer *writer, const void *data, size_t size)
{
    string_header_write(writer, size);
    put(writer, data, size);
}

static void container_header_write(struct wire_msgpack_writer *writer, uint8_t fix, uint8_t lead16,
                                   uint32_t count, uint8_t flags)
{
    base_assert(count < UINT32_MAX);
    uint32_t elements = count + (flags != 0);
    if (elements < 16) {
        put_sized(writer, (uint8_t)(fix | elements), 0, 0);
    } else if (elements <= UINT16_MAX) {
        put_sized(writer, lead16, 2, elements);
    } else {
        put_sized(writer, (uint8_t)(lead16 + 1), 4, elements);
    }
    if (flags != 0) {
        const uint8_t ext[] = {LEAD_EXT8, 0, flags};
        put(writer, ext, sizeof ext);
    }
}

void wire_msgpack_list_write(struct wire_msgpack_writer *writer, uint32_t count, uint8_t flags)
{
    container_header_write(writer, FIX_LIST, LEAD_LIST16, count, flags);
}

void wire_msgpack_map_write(struct wire_msgpack_writer *writer, uint32_t count, uint8_t flags)
{
    container_header_write(writer, FIX_MAP, LEAD_MAP16, count, flags);
    if (flags != 0) {
        wire_msgpack_nil_write(writer);
    }
}

void wire_msgpack_write(struct wire_msgpack_writer *writer, const struct wire_msgpack_value *value)
{
    switch (value->kind) {
    case WIRE_MSGPACK_NIL:
        wire_msgpack_nil_write(writer);
        break;
    case WIRE_MSGPACK_BOOL:
        wire_msgpack_bool_write(writer, value->boolean);
        break;
    case WIRE_MSGPACK_INTEGER:
        wire_msgpack_integer_write(writer, value->integer);
        break;
    case WIRE_MSGPACK_DOUBLE:
        wire_msgpack_double_write(writer, value->real);
        break;
    case WIRE_MSGPACK_STRING:
    case WIRE_MSGPACK_BYTES:
    case WIRE_MSGPACK_GEOJSON:
        wire_msgpack_bytes_write(writer, value->type, value->bytes.data, value->bytes.size);
        break;
    case WIRE_MSGPACK_LIST:
        wire_msgpack_list_write(writer, value->count, value->flags);
        break;
    case WIRE_MSGPACK_MAP:
        wire_msgpack_map_write(writer, value->count, value->flags);
        break;
    case WIRE_MSGPACK_WILDCARD:
        wire_msgpack_wildcard_write(writer);
        break;
    case WIRE_MSGPACK_INFINITY:
        wire_msgpack_infinity_write(writer);
        break;
    }
}

enum base_result wire_msgpack_copy(struct wire_msgpack_reader *reader,
                                   struct wire_msgpack_writer *writer)
{
    struct wire_msgpack_reader ahead = *reader;
    for (uint64_t owed = 1; owed > 0; owed--) {
        struct wire_msgpack_value value;
        if (wire_msgpack_read(&ahead, &value) != RESULT_OK) {
            return RESULT_MALFORMED;
        }
        owed += owed_by(&value);
        wire_msgpack_write(writer, &value);
    }
    *reader = ahead;
    return RESULT_OK;
}
