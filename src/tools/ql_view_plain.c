// SPDX-License-Identifier: Apache-2.0
// The mode RAW: each row a block of "name: value" lines. The mode CSV: rows as RFC 4180 has them
// and nothing else on the output, so that it can go straight into a file; counts, OK and errors go
// to the error stream. The columns of a scan are known only at its end, so CSV rows wait in a
// temporary file.
#include "tools/ql_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void raw_set_begin(struct ql_view *view)
{
    (void)view;
}

static void raw_row(struct ql_view *view, const struct ql_record *record,
                    const struct ql_bin *cells, size_t cell_count)
{
    (void)record;
    fprintf(view->out, "*************************** %llu. row ***************************\n",
            (unsigned long long)view->rows);
    for (size_t i = 0; i < cell_count; i++) {
        tools_text_clear(&view->text);
        tools_text_append(&view->text, cells[i].name.data, cells[i].name.size);
        tools_text_string_append(&view->text, ": ");
        ql_value_append(&view->text, &cells[i].value, view->settings->output_types);
        tools_text_char_append(&view->text, '\n');
        fwrite(view->text.data, 1, view->text.size, view->out);
    }
}

static void raw_set_end(struct ql_view *view)
{
    fputc('\n', view->out);
    ql_view_footer(view, view->out);
}

static void raw_ok(struct ql_view *view, const char *message)
{
    ql_view_ok_line(view->out, message);
}

static void raw_fail(struct ql_view *view, int32_t code, const char *text)
{
    ql_view_error_line(view->out, code, text);
}

static void raw_end(struct ql_view *view)
{
    (void)view;
}

const struct ql_mode ql_mode_raw = {
    .set_begin = raw_set_begin,
    .row = raw_row,
    .set_end = raw_set_end,
    .ok = raw_ok,
    .fail = raw_fail,
    .end = raw_end,
};

// The names of the columns lie in `header`, each behind its 32-bit size. A spooled row is the
// number of its cells, then for each its column, the size of its text, the text.

static void header_add(struct ql_view *view, struct base_slice name)
{
    uint32_t size = (uint32_t)name.size;
    tools_text_append(&view->header, &size, sizeof size);
    tools_text_append(&view->header, name.data, name.size);
    view->header_count++;
}

// Takes the next name off the header, *at moving along.
static struct base_slice header_next(const struct ql_view *view, size_t *at)
{
    uint32_t size;
    memcpy(&size, view->header.data + *at, sizeof size);
    struct base_slice name = {.data = (const uint8_t *)view->header.data + *at + sizeof size,
                              .size = size};
    *at += sizeof size + size;
    return name;
}

static uint32_t header_find(struct ql_view *view, struct base_slice name)
{
    size_t at = 0;
    for (uint32_t i = 0; i < view->header_count; i++) {
        if (base_slice_equal(header_next(view, &at), name)) {
            return i;
        }
    }
    header_add(view, name);
    return view->header_count - 1;
}

static void csv_set_begin(struct ql_view *view)
{
    if (view->spool != NULL) {
        fclose(view->spool);
    }
    view->spool = tmpfile();
    if (view->spool == NULL) {
        ql_view_error_line(view->err, errno, "cannot create a temporary file for the rows");
    }
    tools_text_clear(&view->header);
    view->header_count = 0;
    for (size_t i = 0; i < view->column_count; i++) {
        header_add(view, view->columns[i]);
    }
}

static void number_write(FILE *file, uint32_t number)
{
    fwrite(&number, sizeof number, 1, file);
}

static bool number_read(FILE *file, uint32_t *number)
{
    return fread(number, sizeof *number, 1, file) == 1;
}

static void csv_row(struct ql_view *view, const struct ql_record *record,
                    const struct ql_bin *cells, size_t cell_count)
{
    (void)record;
    if (view->spool == NULL) {
        return;
    }
    number_write(view->spool, (uint32_t)cell_count);
    for (size_t i = 0; i < cell_count; i++) {
        tools_text_clear(&view->text);
        ql_value_plain_append(&view->text, &cells[i].value);
        number_write(view->spool, header_find(view, cells[i].name));
        number_write(view->spool, (uint32_t)view->text.size);
        fwrite(view->text.data, 1, view->text.size, view->spool);
    }
}

// An absent cell is nothing at all, an empty text is a pair of quotes.
static void csv_field_write(FILE *out, const char *data, size_t size)
{
    bool quoted = size == 0 || data[0] == ' ' || data[size - 1] == ' ';
    for (size_t i = 0; i < size && !quoted; i++) {
        quoted = data[i] == ',' || data[i] == '"' || data[i] == '\r' || data[i] == '\n';
    }
    if (!quoted) {
        fwrite(data, 1, size, out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"') {
            fputc('"', out);
        }
        fputc(data[i], out);
    }
    fputc('"', out);
}

// A cell of the row that was read last; its text lies in the view's scratch.
struct csv_field {
    bool present;
    size_t at;
    size_t size;
};

static bool csv_text_read(struct ql_view *view, uint32_t size)
{
    for (uint32_t done = 0; done < size;) {
        char chunk[4096];
        size_t want = size - done < sizeof chunk ? size - done : sizeof chunk;
        if (fread(chunk, 1, want, view->spool) != want) {
            return false;
        }
        tools_text_append(&view->text, chunk, want);
        done += (uint32_t)want;
    }
    return !view->text.failed;
}

static bool csv_row_read(struct ql_view *view, struct csv_field *fields)
{
    uint32_t cell_count;
    if (!number_read(view->spool, &cell_count)) {
        return false;
    }
    memset(fields, 0, view->header_count * sizeof *fields);
    tools_text_clear(&view->text);
    for (uint32_t i = 0; i < cell_count; i++) {
        uint32_t column;
        uint32_t size;
        if (!number_read(view->spool, &column) || !number_read(view->spool, &size) ||
            column >= view->header_count) {
            return false;
        }
        fields[column] = (struct csv_field){.present = true, .at = view->text.size, .size = size};
        if (!csv_text_read(view, size)) {
            return false;
        }
    }
    return true;
}

static void csv_rows_write(struct ql_view *view, struct csv_field *fields)
{
    size_t at = 0;
    for (uint32_t i = 0; i < view->header_count; i++) {
        struct base_slice name = header_next(view, &at);
        fputs(i == 0 ? "" : ",", view->out);
        csv_field_write(view->out, (const char *)name.data, name.size);
    }
    fputc('\n', view->out);
    while (csv_row_read(view, fields)) {
        const char *text = tools_text_string(&view->text);
        for (uint32_t i = 0; i < view->header_count; i++) {
            fputs(i == 0 ? "" : ",", view->out);
            if (fields[i].present) {
                csv_field_write(view->out, text + fields[i].at, fields[i].size);
            }
        }
        fputc('\n', view->out);
    }
}

static void csv_set_end(struct ql_view *view)
{
    if (view->spool == NULL) {
        return;
    }
    bool lost = fflush(view->spool) != 0 || ferror(view->spool) != 0;
    int32_t code = errno;
    struct csv_field *fields = calloc(view->header_count + 1, sizeof *fields);
    if (fields == NULL || view->header.failed) {
        view->failed_memory = true;
    } else if (!lost && view->header_count > 0) {
        rewind(view->spool);
        csv_rows_write(view, fields);
    }
    free(fields);
    fclose(view->spool);
    view->spool = NULL;
    if (lost) {
        fflush(view->out);
        ql_view_error_line(view->err, code, "cannot write the rows to a temporary file");
    }
}

static void csv_ok(struct ql_view *view, const char *message)
{
    if (message[0] != '\0') {
        ql_view_ok_line(view->err, message);
    }
}

static void csv_fail(struct ql_view *view, int32_t code, const char *text)
{
    ql_view_error_line(view->err, code, text);
}

static void csv_end(struct ql_view *view)
{
    if (view->spool != NULL) {
        fclose(view->spool);
        view->spool = NULL;
    }
}

const struct ql_mode ql_mode_csv = {
    .set_begin = csv_set_begin,
    .row = csv_row,
    .set_end = csv_set_end,
    .ok = csv_ok,
    .fail = csv_fail,
    .end = csv_end,
};
