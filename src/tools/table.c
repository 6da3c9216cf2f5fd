// SPDX-License-Identifier: Apache-2.0
// Cells are kept in one array in the order they were set, each with its row and column; a row's
// cells are laid out when it is printed.
#include "tools/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/text.h"

struct column {
    char *name;
    size_t name_size;
    size_t width;
};

struct cell {
    size_t row;
    size_t column;
    size_t at; // in `texts`
    size_t size;
};

struct tools_table {
    struct column columns[TOOLS_TABLE_COLUMNS_MAX];
    size_t column_count;
    struct cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    struct tools_text texts;
    size_t row_count;
};

enum base_result tools_table_new(struct tools_table **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

void tools_table_clear(struct tools_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        free(table->columns[i].name);
    }
    table->column_count = 0;
    table->cell_count = 0;
    table->row_count = 0;
    tools_text_clear(&table->texts);
}

void tools_table_free(struct tools_table **table)
{
    if (*table != NULL) {
        tools_table_clear(*table);
        tools_text_fini(&(*table)->texts);
        free((*table)->cells);
        free(*table);
        *table = NULL;
    }
}

enum base_result tools_table_column_add(struct tools_table *table, struct base_slice name,
                                        size_t width_least)
{
    if (table->column_count == TOOLS_TABLE_COLUMNS_MAX) {
        return RESULT_LIMIT;
    }
    size_t size = tools_text_cut(name.data, name.size, TOOLS_TABLE_CELL_SIZE_MAX);
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(copy, name.data, size);
    copy[size] = '\0';
    size_t width = tools_text_width(copy, size);
    table->columns[table->column_count++] = (struct column){
        .name = copy,
        .name_size = size,
        .width = width > width_least ? width : width_least,
    };
    return RESULT_OK;
}

static enum base_result column_find(struct tools_table *table, struct base_slice name, size_t *out)
{
    size_t size = tools_text_cut(name.data, name.size, TOOLS_TABLE_CELL_SIZE_MAX);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->name_size == size && memcmp(column->name, name.data, size) == 0) {
            *out = i;
            return RESULT_OK;
        }
    }
    *out = table->column_count;
    return tools_table_column_add(table, name, 0);
}

static bool cells_reserve(struct tools_table *table)
{
    if (table->cell_count < table->cell_capacity) {
        return true;
    }
    size_t capacity = table->cell_capacity == 0 ? 64 : table->cell_capacity * 2;
    struct cell *cells = realloc(table->cells, capacity * sizeof *cells);
    if (cells == NULL) {
        return false;
    }
    table->cells = cells;
    table->cell_capacity = capacity;
    return true;
}

enum base_result tools_table_cell_set(struct tools_table *table, struct base_slice column_name,
                                      struct base_slice cell)
{
    size_t column;
    enum base_result result = column_find(table, column_name, &column);
    if (result != RESULT_OK) {
        return result;
    }
    if (!cells_reserve(table)) {
        return RESULT_NO_MEMORY;
    }
    size_t size = tools_text_cut(cell.data, cell.size, TOOLS_TABLE_CELL_SIZE_MAX);
    size_t at = table->texts.size;
    tools_text_append(&table->texts, cell.data, size);
    if (table->texts.failed) {
        return RESULT_NO_MEMORY;
    }
    table->cells[table->cell_count++] =
        (struct cell){.row = table->row_count, .column = column, .at = at, .size = size};
    size_t width = tools_text_width(cell.data, size);
    if (width > table->columns[column].width) {
        table->columns[column].width = width;
    }
    return RESULT_OK;
}

enum base_result tools_table_row_end(struct tools_table *table)
{
    table->row_count++;
    return table->texts.failed ? RESULT_NO_MEMORY : RESULT_OK;
}

size_t tools_table_rows(const struct tools_table *table)
{
    return table->row_count;
}

static void pad_print(FILE *out, char c, size_t count)
{
    while (count-- > 0) {
        fputc(c, out);
    }
}

static void border_print(const struct tools_table *table, FILE *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        fputc('+', out);
        pad_print(out, '-', table->columns[i].width + 2);
    }
    fputs("+\n", out);
}

static void cell_print(FILE *out, const char *text, size_t size, size_t width)
{
    fputs("| ", out);
    fwrite(text, 1, size, out);
    pad_print(out, ' ', width + 1 - tools_text_width(text, size));
}

void tools_table_print(const struct tools_table *table, FILE *out)
{
    if (table->column_count == 0 || table->row_count == 0) {
        return;
    }
    border_print(table, out);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        cell_print(out, column->name, column->name_size, column->width);
    }
    fputs("|\n", out);
    border_print(table, out);
    const struct cell *cell = table->cells;
    const struct cell *cells_end = table->cells + table->cell_count;
    for (size_t row = 0; row < table->row_count; row++) {
        const struct cell *of_column[TOOLS_TABLE_COLUMNS_MAX] = {NULL};
        for (; cell < cells_end && cell->row == row; cell++) {
            of_column[cell->column] = cell;
        }
        for (size_t i = 0; i < table->column_count; i++) {
            const struct cell *shown = of_column[i];
            cell_print(out, shown == NULL ? "" : table->texts.data + shown->at,
                       shown == NULL ? 0 : shown->size, table->columns[i].width);
        }
        fputs("|\n", out);
    }
    border_print(table, out);
}
