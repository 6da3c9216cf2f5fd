// SPDX-License-Identifier: Apache-2.0
// Everything is cut with one helper: a piece up to a separator.
#include "wire/info.h"

static void advance(struct base_slice *slice, size_t count)
{
    slice->data += count;
    slice->size -= count;
}

static size_t find(struct base_slice text, char c)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, c, text.size);
    return at == NULL ? text.size : (size_t)(at - text.data);
}

bool wire_info_piece_next(struct base_slice *text, char separator, struct base_slice *piece)
{
    if (text->size == 0) {
        *piece = (struct base_slice){0};
        return false;
    }
    size_t size = find(*text, separator);
    *piece = (struct base_slice){.data = text->data, .size = size};
    advance(text, size < text->size ? size + 1 : size);
    return true;
}

bool wire_info_command_next(struct base_slice *request, struct wire_info_command *out)
{
    struct base_slice line;
    do {
        if (!wire_info_piece_next(request, '\n', &line)) {
            *out = (struct wire_info_command){0};
            return false;
        }
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
    } while (line.size == 0);

    size_t colon = find(line, ':');
    size_t slash = find(line, '/');
    size_t name_size = colon < slash ? colon : slash;
    struct base_slice rest = line;
    advance(&rest, name_size < line.size ? name_size + 1 : name_size);
    *out = (struct wire_info_command){.line = line, .name = {.data = line.data, .size = name_size}};
    if (colon < slash) {
        out->params = rest;
    } else {
        out->path = rest;
    }
    return true;
}

bool wire_info_param_next(struct base_slice *params, struct base_slice *key,
                          struct base_slice *value)
{
    struct base_slice pair;
    do {
        if (!wire_info_piece_next(params, ';', &pair)) {
            *key = *value = (struct base_slice){0};
            return false;
        }
    } while (pair.size == 0);
    size_t key_size = find(pair, '=');
    *key = (struct base_slice){.data = pair.data, .size = key_size};
    advance(&pair, key_size < pair.size ? key_size + 1 : key_size);
    *value = pair;
    return true;
}

bool wire_info_param_find(struct base_slice params, const char *key, struct base_slice *value)
{
    struct base_slice at;
    while (wire_info_param_next(&params, &at, value)) {
        if (wire_info_equal(at, key)) {
            return true;
        }
    }
    *value = (struct base_slice){0};
    return false;
}

bool wire_info_answer_next(struct base_slice *body, struct wire_info_answer *out)
{
    struct base_slice line;
    do {
        if (!wire_info_piece_next(body, '\n', &line)) {
            *out = (struct wire_info_answer){0};
            return false;
        }
    } while (line.size == 0);
    size_t name_size = find(line, '\t');
    if (name_size == line.size) {
        *out = (struct wire_info_answer){.value = line};
        return true;
    }
    out->name = (struct base_slice){.data = line.data, .size = name_size};
    advance(&line, name_size + 1);
    out->value = line;
    return true;
}

static bool starts_with(struct base_slice text, const char *lower)
{
    size_t size = strlen(lower);
    if (text.size < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((text.data[i] | 0x20) != lower[i]) {
            return false;
        }
    }
    return true;
}

bool wire_info_is_error(struct base_slice value, uint32_t *code, struct base_slice *message)
{
    *code = 0;
    *message = (struct base_slice){0};
    size_t word = starts_with(value, "error") ? 5 : starts_with(value, "fail") ? 4 : 0;
    if (word == 0 || (value.size > word && value.data[word] != ':' && value.data[word] != '=')) {
        return false;
    }
    advance(&value, value.size > word ? word + 1 : word);
    *code = 1;
    *message = value;
    struct base_slice first;
    uint64_t number;
    if (find(value, ':') < value.size && wire_info_piece_next(&value, ':', &first) &&
        (first.size == 0 || wire_info_number(first, &number))) {
        *code = first.size == 0 || number == 0 || number > UINT32_MAX ? 1 : (uint32_t)number;
        *message = value;
    }
    return true;
}

bool wire_info_number(struct base_slice text, uint64_t *out)
{
    *out = 0;
    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint32_t digit = (uint32_t)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, digit, out)) {
            return false;
        }
    }
    return true;
}
