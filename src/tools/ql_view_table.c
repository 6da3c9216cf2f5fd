// SPDX-License-Identifier: Apache-2.0
// The mode TABLE: bordered tables of at most QL_TABLE_ROWS_MAX rows. Columns named in the SELECT
// come first and are one wider than they need be, as operators' scripts know them.
#include "tools/ql_view.h"

static void columns_add(struct ql_view *view)
{
    for (size_t i = 0; i < view->column_count; i++) {
        struct base_slice name = view->columns[i];
        enum base_result result =
            tools_table_column_add(view->table, name, tools_text_width(name.data, name.size) + 1);
        view->failed_memory |= result == RESULT_NO_MEMORY;
        view->columns_dropped |= result == RESULT_LIMIT;
    }
}

static void table_set_begin(struct ql_view *view)
{
    if (view->table == NULL && tools_table_new(&view->table) != RESULT_OK) {
        view->failed_memory = true;
        return;
    }
    tools_table_clear(view->table);
    columns_add(view);
}

static void table_flush(struct ql_view *view)
{
    tools_table_print(view->table, view->out);
    tools_table_clear(view->table);
    columns_add(view);
}

static void table_row(struct ql_view *view, const struct ql_record *record,
                      const struct ql_bin *cells, size_t cell_count)
{
    (void)record;
    if (view->table == NULL) {
        return;
    }
    for (size_t i = 0; i < cell_count; i++) {
        tools_text_clear(&view->text);
        ql_value_append(&view->text, &cells[i].value, view->settings->output_types);
        enum base_result result =
            tools_table_cell_set(view->table, cells[i].name, tools_text_slice(&view->text));
        view->failed_memory |= result == RESULT_NO_MEMORY;
        view->columns_dropped |= result == RESULT_LIMIT;
    }
    view->failed_memory |= tools_table_row_end(view->table) != RESULT_OK;
    if (tools_table_rows(view->table) == QL_TABLE_ROWS_MAX) {
        table_flush(view);
    }
}

static void table_set_end(struct ql_view *view)
{
    if (view->table != NULL) {
        tools_table_print(view->table, view->out);
        tools_table_clear(view->table);
    }
    ql_view_footer(view, view->out);
    if (view->columns_dropped) {
        fflush(view->out);
        fprintf(view->err,
                "Only the first %d columns are shown; SET OUTPUT RAW or JSON shows all.\n\n",
                TOOLS_TABLE_COLUMNS_MAX);
    }
}

static void table_ok(struct ql_view *view, const char *message)
{
    ql_view_ok_line(view->out, message);
}

static void table_fail(struct ql_view *view, int32_t code, const char *text)
{
    ql_view_error_line(view->err, code, text);
}

static void table_end(struct ql_view *view)
{
    (void)view;
}

const struct ql_mode ql_mode_table = {
    .set_begin = table_set_begin,
    .row = table_row,
    .set_end = table_set_end,
    .ok = table_ok,
    .fail = table_fail,
    .end = table_end,
};
