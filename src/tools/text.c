// SPDX-License-Identifier: Apache-2.0
// A growing buffer and the few encodings that every tool prints.
#include "tools/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"

enum { CAPACITY_LEAST = 64 };

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tools_text_fini(struct tools_text *text)
{
    free(text->data);
    *text = (struct tools_text){0};
}

// Makes room for `more` bytes and a terminator.
static bool reserve(struct tools_text *text, size_t more)
{
    if (text->failed || more > SIZE_MAX / 4 - text->size) {
        text->failed = true;
        return false;
    }
    size_t need = text->size + more + 1;
    if (need <= text->capacity) {
        return true;
    }
    size_t capacity = text->capacity < CAPACITY_LEAST ? CAPACITY_LEAST : text->capacity;
    while (capacity < need) {
        capacity *= 2;
    }
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void tools_text_append(struct tools_text *text, const void *data, size_t size)
{
    if (size > 0 && reserve(text, size)) {
        memcpy(text->data + text->size, data, size);
        text->size += size;
    }
}

void tools_text_string_append(struct tools_text *text, const char *string)
{
    tools_text_append(text, string, strlen(string));
}

void tools_text_char_append(struct tools_text *text, char c)
{
    tools_text_append(text, &c, 1);
}

void tools_text_format_append(struct tools_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    base_assert(size >= 0);
    if (!reserve(text, (size_t)size)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

void tools_text_hex_append(struct tools_text *text, const void *data, size_t size,
                           const char *between)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        tools_text_format_append(text, "%02X%s", bytes[i], i + 1 < size ? between : "");
    }
}

void tools_text_base64_append(struct tools_text *text, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t have = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= have > 2 ? bytes[i + 2] : 0;
        char digits[4];
        for (size_t d = 0; d < 4; d++) {
            digits[d] = d > have ? '=' : base64_digits[group >> (18 - 6 * d) & 0x3f];
        }
        tools_text_append(text, digits, sizeof digits);
    }
}

const char *tools_text_string(struct tools_text *text)
{
    if (!reserve(text, 0)) {
        return "";
    }
    text->data[text->size] = '\0';
    return text->data;
}

// The value of a base64 digit, or -1.
static int digit_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(base64_digits, c);
    return at == NULL ? -1 : (int)(at - base64_digits);
}

bool tools_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size)
{
    *out_size = 0;
    if (size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i += 4) {
        size_t padding = 0;
        if (i + 4 == size) {
            padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        }
        uint32_t group = 0;
        for (size_t d = 0; d < 4; d++) {
            int value = d < 4 - padding ? digit_value(text[i + d]) : 0;
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        for (size_t b = 0; b < 3 - padding; b++) {
            out[(*out_size)++] = (uint8_t)(group >> (16 - 8 * b));
        }
    }
    return true;
}

bool tools_slice_is(struct base_slice slice, const char *word)
{
    return strlen(word) == slice.size &&
           strncasecmp((const char *)slice.data, word, slice.size) == 0;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t tools_text_width(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t width = 0;
    for (size_t i = 0; i < size; i++) {
        width += !is_continuation(bytes[i]);
    }
    return width;
}

size_t tools_text_cut(const void *data, size_t size, size_t size_max)
{
    const uint8_t *bytes = data;
    if (size <= size_max) {
        return size;
    }
    size_t cut = size_max;
    while (cut > 0 && size_max - cut < 3 && is_continuation(bytes[cut])) {
        cut--;
    }
    return is_continuation(bytes[cut]) ? size_max : cut;
}

size_t tools_text_distance(const char *a, size_t a_size, const char *b)
{
    size_t b_size = strlen(b);
    size_t row[TOOLS_DISTANCE_SIZE_MAX + 1];
    if (a_size > TOOLS_DISTANCE_SIZE_MAX || b_size > TOOLS_DISTANCE_SIZE_MAX) {
        return TOOLS_DISTANCE_SIZE_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t one_more = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < one_more ? change : one_more;
        }
    }
    return row[b_size];
}
