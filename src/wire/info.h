// SPDX-License-Identifier: Apache-2.0
// Info text: requests are lines `command[/argument...]` or `command:key=value;key=value`; answers
// are lines `request TAB value` (info-and-tools section 1). Readers take pieces off the front of a
// slice and copy nothing. Pure; any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

// One line of a request, taken apart.
struct wire_info_command {
    struct base_slice line;   // whole, without its line feed: what the answer repeats
    struct base_slice name;   // before the first ':' or '/'
    struct base_slice path;   // behind the first '/', empty without one
    struct base_slice params; // behind the first ':', empty without one
};

// Takes the next non-empty line off the front of a request; false when none is left. The last line
// feed may be missing, and a carriage return before it is dropped.
bool wire_info_command_next(struct base_slice *request, struct wire_info_command *out);

// Takes the next key=value pair off the front of `params`; false when none is left. Pairs end with
// ';', empty pairs are passed over, and a pair without '=' has an empty value.
bool wire_info_param_next(struct base_slice *params, struct base_slice *key,
                          struct base_slice *value);

// The value of the first pair with that key; false when there is none.
bool wire_info_param_find(struct base_slice params, const char *key, struct base_slice *value);

// Takes the piece before `separator` off the front of `text`, or all of it when there is no
// separator; false when `text` is empty.
bool wire_info_piece_next(struct base_slice *text, char separator, struct base_slice *piece);

// One line of an answer.
struct wire_info_answer {
    struct base_slice name; // the request as it was sent
    struct base_slice value;
};

// Takes the next line off the front of an answer; false when none is left. A line without TAB has
// an empty name: its text is the value (an error about the whole request).
bool wire_info_answer_next(struct base_slice *body, struct wire_info_answer *out);

// True for a value that reports an error; *code is its number, 1 when it names none, and *message
// its text. Reads `ERROR:<code>:<message>` and the older forms that begin with ERROR or FAIL in any
// case.
bool wire_info_is_error(struct base_slice value, uint32_t *code, struct base_slice *message);

// Unsigned decimal that fills the whole slice.
bool wire_info_number(struct base_slice text, uint64_t *out);

static inline struct base_slice wire_info_slice(const char *text)
{
    return (struct base_slice){.data = (const uint8_t *)text, .size = strlen(text)};
}

static inline bool wire_info_equal(struct base_slice slice, const char *text)
{
    return base_slice_equal(slice, wire_info_slice(text));
}
