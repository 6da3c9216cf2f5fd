// SPDX-License-Identifier: Apache-2.0
// What all modes share: records as rows of cells, counts, times, the last lines. And the mode that
// prints nothing else.
#include "tools/ql_view.h"

#include <stdlib.h>

#include "base/assert.h"

static const struct ql_mode *const modes[] = {
    [QL_OUTPUT_TABLE] = &ql_mode_table, [QL_OUTPUT_JSON] = &ql_mode_json,
    [QL_OUTPUT_MUTE] = &ql_mode_mute,   [QL_OUTPUT_RAW] = &ql_mode_raw,
    [QL_OUTPUT_CSV] = &ql_mode_csv,
};

// Cells that a record has beside its bins: the key, the digest, and four of metadata.
enum { CELLS_EXTRA = 6 };

void ql_view_begin(struct ql_view *view, const struct ql_settings *settings, FILE *out, FILE *err,
                   ql_clock_fn clock, void *clock_arg)
{
    *view = (struct ql_view){
        .mode = modes[settings->output],
        .settings = settings,
        .out = out,
        .err = err,
        .clock = clock,
        .clock_arg = clock_arg,
        .began_ms = clock(clock_arg),
    };
}

void ql_view_set_begin(struct ql_view *view, const char *node, const struct base_slice *columns,
                       size_t column_count)
{
    view->node = node;
    view->columns = columns;
    view->column_count = column_count;
    view->rows = 0;
    view->mode->set_begin(view);
}

static struct ql_value string_value(struct base_slice text)
{
    return (struct ql_value){.type = WIRE_PARTICLE_STRING, .bytes = text};
}

static struct ql_value integer_value(int64_t integer)
{
    return (struct ql_value){.type = WIRE_PARTICLE_INTEGER, .integer = integer};
}

static void cell_add(struct ql_bin **cell, const char *name, struct ql_value value)
{
    **cell = (struct ql_bin){.name = tools_slice_of(name), .value = value};
    (*cell)++;
}

static bool cells_reserve(struct ql_view *view, size_t count)
{
    if (count <= view->cell_capacity) {
        return true;
    }
    struct ql_bin *cells = realloc(view->cells, count * sizeof *cells);
    if (cells == NULL) {
        view->failed_memory = true;
        return false;
    }
    view->cells = cells;
    view->cell_capacity = count;
    return true;
}

static void metadata_add(struct ql_view *view, const struct ql_record *record, struct ql_bin **cell)
{
    if (record->has_digest) {
        tools_text_clear(&view->cells_text);
        tools_text_base64_append(&view->cells_text, record->digest, sizeof record->digest);
        cell_add(cell, "{edigest}", string_value(tools_text_slice(&view->cells_text)));
    }
    if (record->set.size > 0) {
        cell_add(cell, "{set}", string_value(record->set));
    }
    cell_add(cell, "{ttl}", integer_value(record->ttl));
    cell_add(cell, "{gen}", integer_value(record->generation));
}

void ql_view_record(struct ql_view *view, const struct ql_record *record)
{
    bool digest_only = record->bin_count == 0 && view->settings->no_bins && record->has_digest;
    if ((record->bin_count == 0 && !digest_only) ||
        !cells_reserve(view, record->bin_count + CELLS_EXTRA)) {
        return;
    }
    struct ql_bin *cell = view->cells;
    if (record->has_user_key) {
        cell_add(&cell, "PK", record->user_key);
    }
    for (size_t i = 0; i < record->bin_count; i++) {
        *cell++ = record->bins[i];
    }
    if (digest_only) {
        tools_text_clear(&view->cells_text);
        tools_text_hex_append(&view->cells_text, record->digest, sizeof record->digest, "");
        cell_add(&cell, "{digest}", string_value(tools_text_slice(&view->cells_text)));
    } else if (view->settings->record_print_metadata) {
        metadata_add(view, record, &cell);
    }
    view->rows++;
    view->mode->row(view, record, view->cells, (size_t)(cell - view->cells));
}

void ql_view_fields(struct ql_view *view, const struct ql_bin *fields, size_t field_count)
{
    view->rows++;
    view->mode->row(view, NULL, fields, field_count);
}

void ql_view_set_end(struct ql_view *view)
{
    view->mode->set_end(view);
}

void ql_view_ok(struct ql_view *view, const char *message)
{
    view->mode->ok(view, message);
}

void ql_view_fail(struct ql_view *view, int32_t code, const char *text)
{
    fflush(view->out);
    view->mode->fail(view, code, text);
    fflush(view->err);
}

void ql_view_end(struct ql_view *view)
{
    view->mode->end(view);
    bool lost = view->failed_memory || view->text.failed || view->cells_text.failed;
    tools_table_free(&view->table);
    tools_text_fini(&view->header);
    tools_text_fini(&view->text);
    tools_text_fini(&view->cells_text);
    free(view->cells);
    view->cells = NULL;
    view->cell_capacity = 0;
    fflush(view->out);
    if (lost) {
        ql_view_error_line(view->err, QL_CODE_CLIENT, "out of memory: the output is incomplete");
    }
}

void ql_view_footer(struct ql_view *view, FILE *out)
{
    uint64_t took_ms = view->clock(view->clock_arg) - view->began_ms;
    if (view->node != NULL) {
        fprintf(out, "[%s] ", view->node);
    }
    fprintf(out, "%llu %s in set (%llu.%03llu %s)\n\n", (unsigned long long)view->rows,
            view->rows == 1 ? "row" : "rows", (unsigned long long)(took_ms / 1000),
            (unsigned long long)(took_ms % 1000), took_ms == 1000 ? "sec" : "secs");
}

void ql_view_ok_line(FILE *out, const char *message)
{
    fprintf(out, message[0] == '\0' ? "OK%s\n\n" : "OK, %s\n\n", message);
}

void ql_view_error_line(FILE *out, int32_t code, const char *text)
{
    fprintf(out, text[0] == '\0' ? "Error: (%d)%s\n\n" : "Error: (%d) %s\n\n", (int)code, text);
}

static void mute_set_begin(struct ql_view *view)
{
    (void)view;
}

static void mute_row(struct ql_view *view, const struct ql_record *record,
                     const struct ql_bin *cells, size_t cell_count)
{
    (void)view;
    (void)record;
    (void)cells;
    (void)cell_count;
}

static void mute_set_end(struct ql_view *view)
{
    ql_view_footer(view, view->out);
}

static void mute_ok(struct ql_view *view, const char *message)
{
    ql_view_ok_line(view->out, message);
}

static void mute_fail(struct ql_view *view, int32_t code, const char *text)
{
    ql_view_error_line(view->out, code, text);
}

static void mute_end(struct ql_view *view)
{
    (void)view;
}

const struct ql_mode ql_mode_mute = {
    .set_begin = mute_set_begin,
    .row = mute_row,
    .set_end = mute_set_end,
    .ok = mute_ok,
    .fail = mute_fail,
    .end = mute_end,
};
