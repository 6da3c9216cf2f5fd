// SPDX-License-Identifier: Apache-2.0
// Building a grid. Cells are kept line by line in one array, texts one after the other in one run.
#include "tools/admin_grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { COLUMNS_FIRST = 32, CELLS_FIRST = 256 };

// Doubles an array until `need` items fit; false when memory ran out.
static bool reserve(void **items, size_t *capacity, size_t need, size_t first, size_t item_size)
{
    if (need <= *capacity) {
        return true;
    }
    size_t more = *capacity == 0 ? first : *capacity;
    while (more < need) {
        more *= 2;
    }
    void *grown = realloc(*items, more * item_size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = more;
    return true;
}

void admin_grid_init(struct admin_grid *grid, const char *title)
{
    *grid = (struct admin_grid){.title = strdup(title)};
    grid->failed = grid->title == NULL;
}

void admin_grid_fini(struct admin_grid *grid)
{
    for (size_t i = 0; i < grid->title_count; i++) {
        free(grid->titles[i]);
    }
    free(grid->titles);
    free(grid->title);
    free(grid->columns);
    free(grid->cells);
    tools_text_fini(&grid->texts);
    *grid = (struct admin_grid){0};
}

static bool columns_reserve(struct admin_grid *grid, size_t more)
{
    base_assert(grid->line_count == 0);
    void *columns = grid->columns;
    if (grid->failed || !reserve(&columns, &grid->column_capacity, grid->column_count + more,
                                 COLUMNS_FIRST, sizeof *grid->columns)) {
        grid->failed = true;
        return false;
    }
    grid->columns = columns;
    return true;
}

void admin_grid_columns_add(struct admin_grid *grid, const struct admin_column *columns,
                            size_t count)
{
    if (columns_reserve(grid, count)) {
        memcpy(grid->columns + grid->column_count, columns, count * sizeof *columns);
        grid->column_count += count;
    }
}

struct admin_column *admin_grid_column_add(struct admin_grid *grid, struct base_slice title)
{
    void *titles = grid->titles;
    if (!columns_reserve(grid, 1) || !reserve(&titles, &grid->title_capacity, grid->title_count + 1,
                                              COLUMNS_FIRST, sizeof *grid->titles)) {
        grid->failed = true;
        return NULL;
    }
    grid->titles = titles;
    char *copy = strndup((const char *)title.data, title.size);
    if (copy == NULL) {
        grid->failed = true;
        return NULL;
    }
    grid->titles[grid->title_count++] = copy;
    struct admin_column *column = &grid->columns[grid->column_count++];
    *column = (struct admin_column){.title = copy};
    return column;
}

size_t admin_grid_line_add(struct admin_grid *grid)
{
    void *cells = grid->cells;
    size_t have = grid->line_count * grid->column_count;
    if (grid->failed || !reserve(&cells, &grid->cell_capacity, have + grid->column_count,
                                 CELLS_FIRST, sizeof *grid->cells)) {
        grid->failed = true;
        return grid->line_count;
    }
    grid->cells = cells;
    memset(grid->cells + have, 0, grid->column_count * sizeof *grid->cells);
    return grid->line_count++;
}

struct admin_cell *admin_grid_cell(const struct admin_grid *grid, size_t line, size_t column)
{
    base_assert(line < grid->line_count && column < grid->column_count);
    return &grid->cells[line * grid->column_count + column];
}

static bool same_title(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

const struct admin_cell *admin_grid_find(const struct admin_grid *grid, size_t line,
                                         const char *group, const char *title)
{
    for (size_t i = 0; i < grid->column_count; i++) {
        if (same_title(grid->columns[i].group, group) &&
            same_title(grid->columns[i].title, title)) {
            return admin_grid_cell(grid, line, i);
        }
    }
    return NULL;
}

bool admin_cell_number(const struct admin_cell *cell, double *out)
{
    *out = 0;
    if (cell == NULL) {
        return false;
    }
    if (cell->kind == ADMIN_CELL_INTEGER) {
        *out = (double)cell->integer;
        return true;
    }
    *out = cell->kind == ADMIN_CELL_REAL ? cell->real : 0;
    return cell->kind == ADMIN_CELL_REAL;
}

struct base_slice admin_cell_text(const struct admin_grid *grid, const struct admin_cell *cell)
{
    if (cell == NULL || cell->kind != ADMIN_CELL_TEXT || cell->text_size == 0) {
        return (struct base_slice){0};
    }
    return (struct base_slice){.data = (const uint8_t *)grid->texts.data + cell->text_at,
                               .size = cell->text_size};
}

// Where a cell is about to be set; NULL when the grid takes nothing more.
static struct admin_cell *cell_to_set(struct admin_grid *grid, size_t line, size_t column)
{
    return grid->failed ? NULL : admin_grid_cell(grid, line, column);
}

static size_t text_keep(struct admin_grid *grid, struct base_slice text)
{
    size_t at = grid->texts.size;
    tools_text_append(&grid->texts, text.data, text.size);
    grid->failed |= grid->texts.failed;
    return at;
}

void admin_grid_text_set(struct admin_grid *grid, size_t line, size_t column,
                         struct base_slice text)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->kind = ADMIN_CELL_TEXT;
        cell->text_at = text_keep(grid, text);
        cell->text_size = grid->failed ? 0 : text.size;
    }
}

void admin_grid_shown_set(struct admin_grid *grid, size_t line, size_t column,
                          struct base_slice shown)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->shown_at = text_keep(grid, shown);
        cell->shown_size = grid->failed ? 0 : shown.size;
    }
}

void admin_grid_integer_set(struct admin_grid *grid, size_t line, size_t column, int64_t value)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->kind = ADMIN_CELL_INTEGER;
        cell->integer = value;
    }
}

void admin_grid_real_set(struct admin_grid *grid, size_t line, size_t column, double value)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->kind = ADMIN_CELL_REAL;
        cell->real = value;
    }
}

void admin_grid_boolean_set(struct admin_grid *grid, size_t line, size_t column, bool value)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->kind = ADMIN_CELL_BOOLEAN;
        cell->integer = value;
    }
}

void admin_grid_fault_set(struct admin_grid *grid, size_t line, size_t column)
{
    struct admin_cell *cell = cell_to_set(grid, line, column);
    if (cell != NULL) {
        cell->kind = ADMIN_CELL_FAULT;
    }
}

static bool same_value(const struct admin_grid *grid, const struct admin_cell *a,
                       const struct admin_cell *b)
{
    return a->kind == b->kind && a->integer == b->integer && a->real == b->real &&
           base_slice_equal(admin_cell_text(grid, a), admin_cell_text(grid, b));
}

void admin_grid_diff(struct admin_grid *grid)
{
    for (size_t column = 0; column < grid->column_count && !grid->failed; column++) {
        const struct admin_cell *first = NULL;
        bool differs = false;
        for (size_t line = 0; line < grid->line_count && !differs; line++) {
            const struct admin_cell *cell = admin_grid_cell(grid, line, column);
            if (cell->kind != ADMIN_CELL_NONE && cell->kind != ADMIN_CELL_FAULT) {
                differs = first != NULL && !same_value(grid, first, cell);
                first = first == NULL ? cell : first;
            }
        }
        grid->columns[column].hidden |= grid->columns[column].dynamic && !differs;
    }
}
