// SPDX-License-Identifier: Apache-2.0
// JSON text into list and map values and back. Into: an object becomes an unordered map with
// string keys in the order of the text, an array a list, a number with a fraction or an exponent a
// double, null a nil. Back: in JSON proper, or in the notation that the query tool shows in tables.
// Nothing is kept between calls; any thread may call.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"
#include "tools/text.h"
#include "wire/msgpack.h"

// Where a JSON text is wrong, as a byte offset, and why.
struct tools_json_error {
    size_t at;
    char text[160];
};

// Turns a JSON array or object into one value, which replaces what is in *out. *kind is LIST or
// MAP. RESULT_PARAMETER with *error filled when the text is not JSON, holds an integer beyond 64
// bits, or names a key twice; RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result tools_json_parse(const char *text, size_t size,
                                                struct tools_text *out,
                                                enum wire_msgpack_kind *kind,
                                                struct tools_json_error *error);

enum tools_json_style {
    TOOLS_JSON_DISPLAY, // {"a":1, "b":[1, 2]}: strings as they are, nil as NIL, bytes in hex
    TOOLS_JSON_LINE,    // the same spacing, but JSON: escaped strings, string keys, null
    TOOLS_JSON_PRETTY,  // JSON with a line for each element
};

// Appends one value. `indent` is the depth, in steps of two spaces, at which a PRETTY text stands.
// RESULT_MALFORMED when the bytes are not exactly one value, RESULT_LIMIT when it is nested deeper
// than WIRE_MSGPACK_DEPTH_MAX; part of it may have been appended.
BASE_MUST_USE enum base_result tools_json_append(struct tools_text *out, struct base_slice value,
                                                 enum tools_json_style style, uint32_t indent);

// Appends a quoted JSON string. Bytes that are not UTF-8 become U+FFFD.
void tools_json_string_append(struct tools_text *out, const void *data, size_t size);

// Appends the shortest JSON number that reads back as the same double, with a fraction or an
// exponent; NaN and infinities, which JSON cannot tell, become null.
void tools_json_double_append(struct tools_text *out, double value);
