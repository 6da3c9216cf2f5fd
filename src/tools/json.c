// SPDX-License-Identifier: Apache-2.0
// Parsing is jansson's, which bounds the depth of what it accepts; the tree is then written as
// tokens. Printing walks the tokens with a bounded stack of open containers.
#include "tools/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wire/message.h"

// Tokens of a tree. jansson has bounded its depth.
static void tree_write(struct wire_msgpack_writer *writer, const json_t *node)
{
    size_t index;
    const char *key;
    json_t *child;
    switch (json_typeof(node)) {
    case JSON_OBJECT:
        wire_msgpack_map_write(writer, (uint32_t)json_object_size(node), 0);
        json_object_foreach((json_t *)(uintptr_t)node, key, child)
        {
            wire_msgpack_bytes_write(writer, WIRE_PARTICLE_STRING, key, strlen(key));
            tree_write(writer, child);
        }
        break;
    case JSON_ARRAY:
        wire_msgpack_list_write(writer, (uint32_t)json_array_size(node), 0);
        json_array_foreach(node, index, child)
        {
            tree_write(writer, child);
        }
        break;
    case JSON_STRING:
        wire_msgpack_bytes_write(writer, WIRE_PARTICLE_STRING, json_string_value(node),
                                 json_string_length(node));
        break;
    case JSON_INTEGER:
        wire_msgpack_integer_write(writer, json_integer_value(node));
        break;
    case JSON_REAL:
        wire_msgpack_double_write(writer, json_real_value(node));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        wire_msgpack_bool_write(writer, json_is_true(node));
        break;
    case JSON_NULL:
        wire_msgpack_nil_write(writer);
        break;
    }
}

enum base_result tools_json_parse(const char *text, size_t size, struct tools_text *out,
                                  enum wire_msgpack_kind *kind, struct tools_json_error *error)
{
    *kind = WIRE_MSGPACK_NIL;
    *error = (struct tools_json_error){0};
    tools_text_clear(out);
    json_error_t why;
    json_t *tree = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (tree == NULL) {
        error->at = why.position < 0 || (size_t)why.position > size ? size : (size_t)why.position;
        snprintf(error->text, sizeof error->text, "%s", why.text);
        return json_error_code(&why) == json_error_out_of_memory ? RESULT_NO_MEMORY
                                                                 : RESULT_PARAMETER;
    }
    enum base_result result = RESULT_NO_MEMORY;
    struct wire_msgpack_writer measure = wire_msgpack_writer_of(NULL, 0);
    tree_write(&measure, tree);
    uint8_t *bytes = malloc(measure.size);
    if (bytes == NULL) {
        goto out;
    }
    struct wire_msgpack_writer writer = wire_msgpack_writer_of(bytes, measure.size);
    tree_write(&writer, tree);
    base_assert(writer.size == measure.size);
    tools_text_append(out, bytes, measure.size);
    *kind = json_is_array(tree) ? WIRE_MSGPACK_LIST : WIRE_MSGPACK_MAP;
    result = out->failed ? RESULT_NO_MEMORY : RESULT_OK;
out:
    free(bytes);
    json_decref(tree);
    return result;
}

// The size of the UTF-8 sequence at the front of `data`, 0 when it is malformed.
static size_t utf8_size(const uint8_t *data, size_t size)
{
    static const struct {
        uint8_t mask, lead, size;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if ((data[0] & forms[f].mask) != forms[f].lead) {
            continue;
        }
        if (forms[f].size > size) {
            return 0;
        }
        uint32_t point = data[0] & (uint8_t)~forms[f].mask;
        for (size_t i = 1; i < forms[f].size; i++) {
            if ((data[i] & 0xc0) != 0x80) {
                return 0;
            }
            point = point << 6 | (data[i] & 0x3f);
        }
        bool valid =
            point >= forms[f].least && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
        return valid ? forms[f].size : 0;
    }
    return 0;
}

void tools_json_string_append(struct tools_text *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    tools_text_char_append(out, '"');
    for (size_t i = 0; i < size;) {
        static const char escaped[] = "\"\\\b\f\n\r\t";
        static const char letters[] = "\"\\bfnrt";
        size_t sequence = utf8_size(bytes + i, size - i);
        const char *escape = bytes[i] == 0 ? NULL : strchr(escaped, bytes[i]);
        if (sequence == 0) {
            tools_text_string_append(out, "\\ufffd");
        } else if (escape != NULL) {
            tools_text_char_append(out, '\\');
            tools_text_char_append(out, letters[escape - escaped]);
        } else if (bytes[i] < 0x20) {
            tools_text_format_append(out, "\\u%04x", bytes[i]);
        } else {
            tools_text_append(out, bytes + i, sequence);
        }
        i += sequence == 0 ? 1 : sequence;
    }
    tools_text_char_append(out, '"');
}

void tools_json_double_append(struct tools_text *out, double value)
{
    if (!isfinite(value)) {
        tools_text_string_append(out, "null");
        return;
    }
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    tools_text_string_append(out, digits);
    if (strpbrk(digits, ".e") == NULL) {
        tools_text_string_append(out, ".0");
    }
}

// A scalar in the notation of tables.
static void scalar_display(struct tools_text *out, const struct wire_msgpack_value *value)
{
    switch (value->kind) {
    case WIRE_MSGPACK_BOOL:
        tools_text_string_append(out, value->boolean ? "true" : "false");
        break;
    case WIRE_MSGPACK_INTEGER:
        tools_text_format_append(out, "%lld", (long long)value->integer);
        break;
    case WIRE_MSGPACK_DOUBLE:
        tools_text_format_append(out, "%.16g", value->real);
        break;
    case WIRE_MSGPACK_STRING:
    case WIRE_MSGPACK_GEOJSON:
        tools_text_char_append(out, '"');
        tools_text_append(out, value->bytes.data, value->bytes.size);
        tools_text_char_append(out, '"');
        break;
    case WIRE_MSGPACK_BYTES:
        tools_text_hex_append(out, value->bytes.data, value->bytes.size, " ");
        break;
    case WIRE_MSGPACK_INFINITY:
        tools_text_string_append(out, "INF");
        break;
    case WIRE_MSGPACK_WILDCARD:
        tools_text_string_append(out, "*");
        break;
    default:
        tools_text_string_append(out, "NIL");
        break;
    }
}

// A scalar as JSON; what JSON has no form for becomes a string.
static void scalar_json(struct tools_text *out, const struct wire_msgpack_value *value)
{
    switch (value->kind) {
    case WIRE_MSGPACK_NIL:
        tools_text_string_append(out, "null");
        break;
    case WIRE_MSGPACK_STRING:
    case WIRE_MSGPACK_GEOJSON:
        tools_json_string_append(out, value->bytes.data, value->bytes.size);
        break;
    case WIRE_MSGPACK_DOUBLE:
        tools_json_double_append(out, value->real);
        break;
    case WIRE_MSGPACK_BYTES:
    case WIRE_MSGPACK_INFINITY:
    case WIRE_MSGPACK_WILDCARD:
        tools_text_char_append(out, '"');
        scalar_display(out, value);
        tools_text_char_append(out, '"');
        break;
    default:
        scalar_display(out, value);
        break;
    }
}

// An open container.
struct frame {
    uint64_t left; // values still to come: keys and values each count
    bool map;
    bool first;
};

struct walk {
    struct tools_text *out;
    enum tools_json_style style;
    uint32_t indent;
    uint32_t depth;
    struct frame frames[WIRE_MSGPACK_DEPTH_MAX];
};

static void line_break(struct walk *walk)
{
    tools_text_format_append(walk->out, "\n%*s", (int)((walk->indent + walk->depth) * 2), "");
}

// What stands between the last value and the next in the innermost container.
static void separator_append(struct walk *walk, struct frame *frame)
{
    bool value_of_pair = frame->map && frame->left % 2 == 1;
    if (value_of_pair) {
        tools_text_string_append(walk->out, walk->style == TOOLS_JSON_PRETTY ? ": " : ":");
    } else if (walk->style == TOOLS_JSON_PRETTY) {
        tools_text_string_append(walk->out, frame->first ? "" : ",");
        line_break(walk);
    } else {
        tools_text_string_append(walk->out, frame->first ? "" : ", ");
    }
    frame->first = false;
    frame->left--;
}

static enum base_result container_open(struct walk *walk, const struct wire_msgpack_value *value)
{
    if (walk->depth == WIRE_MSGPACK_DEPTH_MAX) {
        return RESULT_LIMIT;
    }
    bool map = value->kind == WIRE_MSGPACK_MAP;
    tools_text_char_append(walk->out, map ? '{' : '[');
    walk->frames[walk->depth++] = (struct frame){
        .left = map ? (uint64_t)value->count * 2 : value->count, .map = map, .first = true};
    return RESULT_OK;
}

static void containers_close(struct walk *walk)
{
    while (walk->depth > 0 && walk->frames[walk->depth - 1].left == 0) {
        const struct frame *frame = &walk->frames[--walk->depth];
        if (walk->style == TOOLS_JSON_PRETTY && !frame->first) {
            line_break(walk);
        }
        tools_text_char_append(walk->out, frame->map ? '}' : ']');
    }
}

// A map's key in JSON, which only knows string keys: anything else is a string of its display.
static enum base_result key_append(struct walk *walk, struct wire_msgpack_reader *reader)
{
    struct wire_msgpack_reader behind = *reader;
    struct wire_msgpack_value value;
    if (wire_msgpack_read(&behind, &value) == RESULT_OK && value.kind == WIRE_MSGPACK_STRING) {
        *reader = behind;
        tools_json_string_append(walk->out, value.bytes.data, value.bytes.size);
        return RESULT_OK;
    }
    const uint8_t *at = reader->at;
    if (wire_msgpack_skip(reader) != RESULT_OK) {
        return RESULT_MALFORMED;
    }
    struct tools_text shown = {0};
    struct base_slice key = {.data = at, .size = (size_t)(reader->at - at)};
    enum base_result result = tools_json_append(&shown, key, TOOLS_JSON_DISPLAY, 0);
    tools_json_string_append(walk->out, shown.data, shown.size);
    tools_text_fini(&shown);
    return result;
}

static enum base_result token_append(struct walk *walk, struct wire_msgpack_reader *reader)
{
    if (walk->depth > 0) {
        struct frame *frame = &walk->frames[walk->depth - 1];
        bool key = frame->map && frame->left % 2 == 0;
        separator_append(walk, frame);
        if (key && walk->style != TOOLS_JSON_DISPLAY) {
            return key_append(walk, reader);
        }
    }
    struct wire_msgpack_value value;
    enum base_result result = wire_msgpack_read(reader, &value);
    if (result != RESULT_OK) {
        return result;
    }
    if (value.kind == WIRE_MSGPACK_LIST || value.kind == WIRE_MSGPACK_MAP) {
        return container_open(walk, &value);
    }
    if (walk->style == TOOLS_JSON_DISPLAY) {
        scalar_display(walk->out, &value);
    } else {
        scalar_json(walk->out, &value);
    }
    return RESULT_OK;
}

enum base_result tools_json_append(struct tools_text *out, struct base_slice value,
                                   enum tools_json_style style, uint32_t indent)
{
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(value.data, value.size);
    struct walk walk = {.out = out, .style = style, .indent = indent};
    do {
        enum base_result result = token_append(&walk, &reader);
        if (result != RESULT_OK) {
            return result;
        }
        containers_close(&walk);
    } while (walk.depth > 0);
    return wire_msgpack_reader_done(&reader) ? RESULT_OK : RESULT_MALFORMED;
}
