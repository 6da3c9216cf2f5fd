// SPDX-License-Identifier: Apache-2.0
// A growing run of text: cells, messages and requests are put together in it. The bytes need not be
// terminated; tools_text_string adds a terminator that is not counted. When memory runs out the
// text remembers it and takes nothing more, so that a caller may test once at the end. Owned by
// whoever declared it; one thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct tools_text {
    char *data;
    size_t size;
    size_t capacity;
    bool failed; // memory ran out; what is in the text is a prefix of what was asked
};

// An empty text is {0}. Frees what it holds and empties it.
void tools_text_fini(struct tools_text *text);

// Empties the text and keeps its memory.
static inline void tools_text_clear(struct tools_text *text)
{
    text->size = 0;
}

void tools_text_append(struct tools_text *text, const void *data, size_t size);
void tools_text_string_append(struct tools_text *text, const char *string);
void tools_text_char_append(struct tools_text *text, char c);
void tools_text_format_append(struct tools_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The bytes in upper-case hexadecimal, with `between` (may be "") after each but the last.
void tools_text_hex_append(struct tools_text *text, const void *data, size_t size,
                           const char *between);

void tools_text_base64_append(struct tools_text *text, const void *data, size_t size);

// The text as a terminated string, valid until the text changes; "" when memory ran out.
const char *tools_text_string(struct tools_text *text);

static inline struct base_slice tools_text_slice(const struct tools_text *text)
{
    return (struct base_slice){.data = (const uint8_t *)text->data, .size = text->size};
}

// Decodes base64 at `out`, which has room for size / 4 * 3 bytes. False when the text is not
// base64 with its padding; *out_size is what was written.
bool tools_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size);

// The length of a terminated string's slice and back: slices of text are compared and copied here.
static inline struct base_slice tools_slice_of(const char *string)
{
    return (struct base_slice){.data = (const uint8_t *)string, .size = __builtin_strlen(string)};
}

// True when the slice is the word, letters in any case.
bool tools_slice_is(struct base_slice slice, const char *word);

// How many columns of a terminal UTF-8 text takes: its code points, malformed bytes one each.
size_t tools_text_width(const void *data, size_t size);

// The most bytes, at most `size_max`, of which no code point is cut in two.
size_t tools_text_cut(const void *data, size_t size, size_t size_max);

// How many letters must be put in, taken out or changed to make one word of the other: for finding
// what somebody meant to write. Words longer than TOOLS_DISTANCE_SIZE_MAX are that far from all.
enum { TOOLS_DISTANCE_SIZE_MAX = 40 };
size_t tools_text_distance(const char *a, size_t a_size, const char *b);
