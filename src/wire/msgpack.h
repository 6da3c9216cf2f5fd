// SPDX-License-Identifier: Apache-2.0
// The MessagePack dialect of list and map values (data-operations section 1). A reader is a cursor
// over the caller's bytes that yields one token at a time: a scalar whole, or the header of a list
// or map, whose elements then follow as tokens. The flags element of an ordered container belongs
// to its header token, so `count` is always the number of real elements. A writer appends tokens to
// the caller's buffer and keeps counting when the buffer is full, so that a pass with an empty
// buffer measures. Nothing allocates, nothing recurses, every length is checked against what is
// left. Slices point into the reader's bytes. Pure; any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"

// Kinds in the canonical order of values (section 1.3). The wildcard stands outside the order.
enum wire_msgpack_kind {
    WIRE_MSGPACK_NIL,
    WIRE_MSGPACK_BOOL,
    WIRE_MSGPACK_INTEGER,
    WIRE_MSGPACK_STRING,
    WIRE_MSGPACK_LIST,
    WIRE_MSGPACK_MAP,
    WIRE_MSGPACK_BYTES, // blob, HLL and language blobs; `type` tells which
    WIRE_MSGPACK_DOUBLE,
    WIRE_MSGPACK_GEOJSON,
    WIRE_MSGPACK_INFINITY,
    WIRE_MSGPACK_WILDCARD,
};

enum wire_msgpack_flags {
    WIRE_MSGPACK_FLAG_ORDERED = 0x01,        // list: ordered; map: key ordered
    WIRE_MSGPACK_FLAG_VALUE_ORDERED = 0x02,  // map only, together with ORDERED
    WIRE_MSGPACK_FLAG_PRESERVE_ORDER = 0x08, // replies only
    WIRE_MSGPACK_FLAG_PERSIST_INDEX = 0x10,
};

// How deep wire_msgpack_check follows containers into each other.
enum { WIRE_MSGPACK_DEPTH_MAX = 512 };

struct wire_msgpack_value {
    enum wire_msgpack_kind kind;
    uint8_t type;  // particle type byte of STRING, BYTES and GEOJSON
    uint8_t flags; // LIST and MAP: enum wire_msgpack_flags, 0 without a flags element
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct base_slice bytes; // STRING, BYTES, GEOJSON: without the type byte
        uint32_t count;          // LIST: elements; MAP: pairs
    };
};

struct wire_msgpack_reader {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct wire_msgpack_reader wire_msgpack_reader_of(const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes;
    return (struct wire_msgpack_reader){.at = at, .end = at + size};
}

static inline bool wire_msgpack_reader_done(const struct wire_msgpack_reader *reader)
{
    return reader->at == reader->end;
}

// Reads the next token. RESULT_MALFORMED for bytes outside the dialect, a length that leads past
// the end, a container with more elements than bytes are left for, or an empty reader; the reader
// then stays where it was.
BASE_MUST_USE enum base_result wire_msgpack_read(struct wire_msgpack_reader *reader,
                                                 struct wire_msgpack_value *out);

// Steps over one whole value, containers with all they hold, at any depth.
BASE_MUST_USE enum base_result wire_msgpack_skip(struct wire_msgpack_reader *reader);

// Reads a string without a type byte, as expressions carry for names and patterns.
BASE_MUST_USE enum base_result wire_msgpack_raw_read(struct wire_msgpack_reader *reader,
                                                     struct base_slice *out);

// RESULT_OK when the bytes are exactly one value, nested at most `depth_max` containers deep
// (a scalar has depth 0; at most WIRE_MSGPACK_DEPTH_MAX), without wildcard or infinity when
// `storable`. RESULT_LIMIT when it is nested deeper.
BASE_MUST_USE enum base_result wire_msgpack_check(const void *bytes, size_t size,
                                                  uint32_t depth_max, bool storable);

struct wire_msgpack_writer {
    uint8_t *data;
    size_t capacity;
    size_t size; // bytes the written tokens need, past `capacity` too
};

static inline struct wire_msgpack_writer wire_msgpack_writer_of(void *data, size_t capacity)
{
    return (struct wire_msgpack_writer){.data = (uint8_t *)data, .capacity = capacity};
}

// True when everything written so far is in the buffer. Past the first token that does not fit,
// the buffer holds a prefix of the tokens and `size` is what all of them need.
static inline bool wire_msgpack_writer_fits(const struct wire_msgpack_writer *writer)
{
    return writer->size <= writer->capacity;
}

// Each appends one token in its shortest form.
void wire_msgpack_nil_write(struct wire_msgpack_writer *writer);
void wire_msgpack_bool_write(struct wire_msgpack_writer *writer, bool value);
void wire_msgpack_integer_write(struct wire_msgpack_writer *writer, int64_t value);
void wire_msgpack_double_write(struct wire_msgpack_writer *writer, double value);
void wire_msgpack_wildcard_write(struct wire_msgpack_writer *writer);
void wire_msgpack_infinity_write(struct wire_msgpack_writer *writer);

// A string, blob or GeoJSON text: `type` is the particle type byte in front of the bytes. `size`
// stays below UINT32_MAX.
void wire_msgpack_bytes_write(struct wire_msgpack_writer *writer, uint8_t type, const void *data,
                              size_t size);

// A string without a type byte.
void wire_msgpack_raw_write(struct wire_msgpack_writer *writer, const void *data, size_t size);

// The header of a container; the caller then writes `count` elements, or `count` keys each with its
// value. With flags other than 0 the flags element is written too. `count` is below UINT32_MAX.
void wire_msgpack_list_write(struct wire_msgpack_writer *writer, uint32_t count, uint8_t flags);
void wire_msgpack_map_write(struct wire_msgpack_writer *writer, uint32_t count, uint8_t flags);

// Appends a token as wire_msgpack_read gave it.
void wire_msgpack_write(struct wire_msgpack_writer *writer, const struct wire_msgpack_value *value);

// Copies one whole value from `reader`, every token in its shortest form: wide integers shrink,
// offset indexes are dropped. On failure the reader stays, and what the writer got is undefined.
BASE_MUST_USE enum base_result wire_msgpack_copy(struct wire_msgpack_reader *reader,
                                                 struct wire_msgpack_writer *writer);
