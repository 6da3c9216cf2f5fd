// SPDX-License-Identifier: Apache-2.0
// The mode JSON: one document for each statement, an array of arrays. Each set of rows is an inner
// array, which for a node's set ends with {"node": address}; the last inner array holds the status.
#include "tools/ql_view.h"

#include "tools/json.h"

// Rows stand four steps of two spaces deep.
enum { ROW_INDENT = 4 };

static void inner_open(struct ql_view *view)
{
    fputs(view->opened ? "" : "\n[", view->out);
    fputs(view->set_opened ? "\n    ],\n    [" : "\n    [", view->out);
    view->opened = true;
    view->set_opened = true;
    view->elements = 0;
}

static void element_begin(struct ql_view *view)
{
    fputs(view->elements == 0 ? "\n" : ",\n", view->out);
    view->elements++;
}

static void text_write(struct ql_view *view)
{
    fwrite(view->text.data, 1, view->text.size, view->out);
}

static void indent_append(struct tools_text *text, uint32_t indent)
{
    tools_text_format_append(text, "%*s", (int)(indent * 2), "");
}

// Appends `"name": value` on a line of its own, with a comma in front of all but the first.
static void member_append(struct tools_text *text, struct base_slice name,
                          const struct ql_value *value, uint32_t indent, bool first)
{
    tools_text_string_append(text, first ? "\n" : ",\n");
    indent_append(text, indent);
    tools_json_string_append(text, name.data, name.size);
    tools_text_string_append(text, ": ");
    ql_value_json_append(text, value, indent);
}

static void object_append(struct tools_text *text, const struct ql_bin *members, size_t count,
                          uint32_t indent)
{
    tools_text_char_append(text, '{');
    for (size_t i = 0; i < count; i++) {
        member_append(text, members[i].name, &members[i].value, indent + 1, i == 0);
    }
    if (count > 0) {
        tools_text_char_append(text, '\n');
        indent_append(text, indent);
    }
    tools_text_char_append(text, '}');
}

// With metadata the bins are an object within the row, so that names cannot collide.
static void record_append(struct ql_view *view, const struct ql_record *record,
                          const struct ql_bin *cells, size_t cell_count)
{
    struct tools_text *text = &view->text;
    const struct ql_bin *metadata = cells + record->has_user_key + record->bin_count;
    size_t metadata_count = cell_count - record->has_user_key - record->bin_count;
    bool first = true;
    tools_text_char_append(text, '{');
    if (record->has_user_key) {
        member_append(text, cells[0].name, &cells[0].value, ROW_INDENT + 1, first);
        first = false;
    }
    for (size_t i = 0; i < metadata_count; i++) {
        struct base_slice name = metadata[i].name; // in braces
        name.data++;
        name.size -= 2;
        member_append(text, name, &metadata[i].value, ROW_INDENT + 1, first);
        first = false;
    }
    if (record->bin_count > 0) {
        tools_text_string_append(text, first ? "\n" : ",\n");
        indent_append(text, ROW_INDENT + 1);
        tools_text_string_append(text, "\"bins\": ");
        object_append(text, record->bins, record->bin_count, ROW_INDENT + 1);
    }
    tools_text_char_append(text, '\n');
    indent_append(text, ROW_INDENT);
    tools_text_char_append(text, '}');
}

static void json_row(struct ql_view *view, const struct ql_record *record,
                     const struct ql_bin *cells, size_t cell_count)
{
    element_begin(view);
    tools_text_clear(&view->text);
    indent_append(&view->text, ROW_INDENT);
    bool has_metadata =
        record != NULL && cell_count > (size_t)record->has_user_key + record->bin_count;
    if (has_metadata) {
        record_append(view, record, cells, cell_count);
    } else {
        object_append(&view->text, cells, cell_count, ROW_INDENT);
    }
    text_write(view);
}

static void json_set_end(struct ql_view *view)
{
    if (view->node != NULL) {
        element_begin(view);
        tools_text_clear(&view->text);
        tools_text_string_append(&view->text, "        {\n            \"node\": ");
        struct base_slice node = tools_slice_of(view->node);
        tools_json_string_append(&view->text, node.data, node.size);
        tools_text_string_append(&view->text, "\n        }");
        text_write(view);
    }
}

static void status_write(struct ql_view *view, int32_t code, const char *message)
{
    struct ql_bin members[] = {
        {.name = tools_slice_of("Status"),
         .value = {.type = WIRE_PARTICLE_INTEGER, .integer = code}},
        {.name = tools_slice_of("Message"),
         .value = {.type = WIRE_PARTICLE_STRING, .bytes = tools_slice_of(message)}},
    };
    inner_open(view);
    json_row(view, NULL, members, message[0] == '\0' ? 1 : 2);
}

static void json_ok(struct ql_view *view, const char *message)
{
    status_write(view, 0, message);
}

static void json_fail(struct ql_view *view, int32_t code, const char *text)
{
    status_write(view, code, text);
}

static void json_end(struct ql_view *view)
{
    if (view->set_opened) {
        fputs("\n    ]\n]\n\n", view->out);
    }
}

const struct ql_mode ql_mode_json = {
    .set_begin = inner_open,
    .row = json_row,
    .set_end = json_set_end,
    .ok = json_ok,
    .fail = json_fail,
    .end = json_end,
};
