// SPDX-License-Identifier: Apache-2.0
// One value: find it, read it as its type, divide it when the column says so.
#include "tools/admin_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/text.h"
#include "wire/info.h"

bool admin_row_find(const struct admin_row *row, enum admin_source from, const char *const *names,
                    struct base_slice *value)
{
    for (size_t i = 0; i < ADMIN_NAMES_MAX && names[i] != NULL; i++) {
        if (admin_map_find(row->maps[from], names[i], value)) {
            return true;
        }
    }
    *value = (struct base_slice){0};
    return false;
}

// A whole number that fits; false for anything else.
static bool slice_integer(struct base_slice text, int64_t *out)
{
    bool negative = text.size > 1 && text.data[0] == '-';
    struct base_slice digits = {.data = text.data + negative, .size = text.size - negative};
    uint64_t number;
    *out = 0;
    if (!wire_info_number(digits, &number) || number > INT64_MAX) {
        return false;
    }
    *out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

void admin_sheet_value_set(struct admin_grid *grid, size_t line, size_t column,
                           enum admin_type type, struct base_slice value)
{
    int64_t integer;
    double real;
    switch (type) {
    case ADMIN_TYPE_INTEGER:
        if (slice_integer(value, &integer)) {
            admin_grid_integer_set(grid, line, column, integer);
            return;
        }
        if (admin_slice_number(value, &real)) {
            if (real > -9e18 && real < 9e18) {
                admin_grid_integer_set(grid, line, column, (int64_t)real);
            } else {
                admin_grid_real_set(grid, line, column, real);
            }
            return;
        }
        break;
    case ADMIN_TYPE_REAL:
        if (admin_slice_number(value, &real)) {
            admin_grid_real_set(grid, line, column, real);
            return;
        }
        break;
    case ADMIN_TYPE_BOOLEAN:
        admin_grid_boolean_set(grid, line, column, !tools_slice_is(value, "false"));
        return;
    case ADMIN_TYPE_TEXT:
        break;
    }
    admin_grid_text_set(grid, line, column, value);
}

// A value by another; nothing when that is zero.
static void quotient_set(struct admin_grid *grid, const struct admin_row *row, size_t line,
                         size_t column, struct base_slice value)
{
    const struct admin_column *look = &grid->columns[column];
    struct base_slice by;
    double above, below;
    if (admin_row_find(row, look->from, look->per, &by) && admin_slice_number(value, &above) &&
        admin_slice_number(by, &below) && below != 0) {
        admin_grid_real_set(grid, line, column, above / below);
    }
}

static void cell_fill(struct admin_grid *grid, const struct admin_row *row, size_t line,
                      size_t column)
{
    const struct admin_column *look = &grid->columns[column];
    struct base_slice value;
    if (look->make != NULL) {
        look->make(grid, row, line, column);
    } else if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (admin_row_find(row, look->from, look->names, &value)) {
        if (look->per[0] != NULL) {
            quotient_set(grid, row, line, column, value);
        } else {
            admin_sheet_value_set(grid, line, column, look->type, value);
        }
    }
}

void admin_sheet_line_add(struct admin_grid *grid, const struct admin_row *row)
{
    size_t line = admin_grid_line_add(grid);
    for (size_t i = 0; i < grid->column_count && !grid->failed; i++) {
        cell_fill(grid, row, line, i);
    }
    for (size_t i = 0; i < grid->column_count && !grid->failed; i++) {
        struct admin_cell *cell = admin_grid_cell(grid, line, i);
        if (grid->columns[i].alert != NULL && cell->kind != ADMIN_CELL_NONE &&
            cell->kind != ADMIN_CELL_FAULT) {
            cell->alert = grid->columns[i].alert(grid, line, cell);
        }
    }
}

// ---- what most say ------------------------------------------------------------------------------

static struct base_slice most_common(const struct admin_map *statistics, size_t count,
                                     const char *name)
{
    struct base_slice best = {0}, value, other;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!admin_map_find(&statistics[i], name, &value)) {
            continue;
        }
        size_t votes = 0;
        for (size_t j = 0; j < count; j++) {
            votes += admin_map_find(&statistics[j], name, &other) && base_slice_equal(value, other);
        }
        if (votes > most) {
            best = value;
            most = votes;
        }
    }
    return best;
}

void admin_common_find(struct admin_common *common, const struct admin_cluster *cluster,
                       const struct admin_map *statistics, size_t count)
{
    *common = (struct admin_common){
        .cluster = cluster,
        .size = most_common(statistics, count, "cluster_size"),
        .key = most_common(statistics, count, "cluster_key"),
        .principal = most_common(statistics, count, "paxos_principal"),
    };
}

// ---- columns that many tables have --------------------------------------------------------------

// Marks the principal with a star, and a node of this machine with an at sign.
static void marked_set(struct admin_grid *grid, size_t line, size_t column, const char *text,
                       bool principal, bool here)
{
    admin_grid_text_set(grid, line, column, tools_slice_of(text));
    if ((principal || here) && !grid->failed) {
        char marked[ADMIN_ADDRESS_SIZE + 1];
        snprintf(marked, sizeof marked, "%c%s", principal ? '*' : '@', text);
        admin_grid_shown_set(grid, line, column, tools_slice_of(marked));
        if (!grid->failed) {
            admin_grid_cell(grid, line, column)->alert =
                principal ? ADMIN_ALERT_GREEN : ADMIN_ALERT_HERE;
        }
    }
}

void admin_make_node(struct admin_grid *grid, const struct admin_row *row, size_t line,
                     size_t column)
{
    marked_set(grid, line, column, row->node->name,
               admin_node_is_principal(row->cluster, row->node), row->node->here);
}

void admin_make_node_plain(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column)
{
    admin_grid_text_set(grid, line, column, tools_slice_of(row->node->name));
}

void admin_make_node_id(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column)
{
    marked_set(grid, line, column, row->node->id, admin_node_is_principal(row->cluster, row->node),
               false);
}

void admin_make_address(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column)
{
    admin_grid_text_set(grid, line, column, tools_slice_of(row->node->address));
}

void admin_make_ns(struct admin_grid *grid, const struct admin_row *row, size_t line, size_t column)
{
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else {
        admin_grid_text_set(grid, line, column, row->ns);
    }
}

void admin_make_item(struct admin_grid *grid, const struct admin_row *row, size_t line,
                     size_t column)
{
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else {
        admin_grid_text_set(grid, line, column, row->item);
    }
}
