// SPDX-License-Identifier: Apache-2.0
// What the query tool's layers pass to each other: values, bins, keys, records, failures, and the
// arena that owns what a statement is made of. Slices in these structs point into the statement's
// text, its arena, or the backend's answer, whichever gave them; nobody frees them one by one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "tools/text.h"
#include "wire/message.h"

// A bin's value or a key. `type` is a particle type; NIL in an INSERT removes the bin.
struct ql_value {
    enum wire_particle_type type;
    union {
        bool boolean;            // BOOL
        int64_t integer;         // INTEGER
        double real;             // DOUBLE
        struct base_slice bytes; // STRING, GEOJSON: text; LIST, MAP: MessagePack; the rest: raw
    };
};

struct ql_bin {
    struct base_slice name;
    struct ql_value value;
};

// A namespace and perhaps a set: {0} means none.
struct ql_target {
    struct base_slice ns;
    struct base_slice set;
};

enum ql_key_kind { QL_KEY_USER, QL_KEY_DIGEST, QL_KEY_EDIGEST };

struct ql_key {
    enum ql_key_kind kind;
    struct ql_value user;              // INTEGER or STRING, for QL_KEY_USER
    uint8_t digest[LIMIT_DIGEST_SIZE]; // for the others
};

struct ql_record {
    bool has_user_key;
    struct ql_value user_key;
    bool has_digest;
    uint8_t digest[LIMIT_DIGEST_SIZE];
    struct base_slice set;
    int64_t ttl; // seconds, -1 never expires
    uint32_t generation;
    const struct ql_bin *bins;
    size_t bin_count;
};

// The outcome of an operation. Codes from 1 up are the server's result codes, below 0 the client's
// own; 0 is success and leaves the text empty.
struct ql_failure {
    int32_t code;
    char text[512];
};

enum {
    QL_CODE_CLIENT = -1,
    QL_CODE_PARAMETER = -2,
    QL_CODE_INVALID_HOST = -4,
    QL_CODE_ABORT = -5,
    QL_CODE_INVALID_NODE = -8,
    QL_CODE_CONNECTION = -10,
};

__attribute__((format(printf, 3, 4))) void ql_failure_set(struct ql_failure *failure, int32_t code,
                                                          const char *format, ...);

// The name that operators know a code by, such as AEROSPIKE_ERR_RECORD_NOT_FOUND.
const char *ql_code_name(int32_t code);

// The value as a table cell shows it. With `types`, lists, maps and GeoJSON are dressed as
// LIST('…'), MAP('…'), GeoJSON('…').
void ql_value_append(struct tools_text *out, const struct ql_value *value, bool types);

// The value as JSON; PRETTY values stand at `indent`, see tools_json_append.
void ql_value_json_append(struct tools_text *out, const struct ql_value *value, uint32_t indent);

// The value as a field of comma-separated text, before quoting: strings bare, lists and maps as
// JSON on one line.
void ql_value_plain_append(struct tools_text *out, const struct ql_value *value);

// Memory that lives as long as one statement. {0} is an empty arena.
struct ql_arena {
    struct ql_chunk *chunks;
};

// Zeroed memory for anything, or NULL when there is none.
void *ql_arena_take(struct ql_arena *arena, size_t size);

void ql_arena_fini(struct ql_arena *arena);
