// SPDX-License-Identifier: Apache-2.0
// The names of all nodes together, in order, become columns; their type is what all values agree
// on, so that numbers can be added up.
#include "tools/admin_parameters.h"

#include <stdlib.h>

#include "tools/text.h"
#include "wire/info.h"

struct names {
    struct base_slice *items;
    size_t count;
};

static int name_compare(const void *a, const void *b)
{
    return admin_slice_compare(*(const struct base_slice *)a, *(const struct base_slice *)b);
}

// All names that pass, each once. False when memory ran out.
static bool names_collect(const struct admin_told *told, size_t count,
                          const struct admin_filter *filter, struct names *out)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most += told[i].map == NULL ? 0 : told[i].map->count;
    }
    *out = (struct names){.items = calloc(most + 1, sizeof *out->items)};
    if (out->items == NULL) {
        return false;
    }
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; told[i].map != NULL && p < told[i].map->count; p++) {
            if (admin_filter_passes(filter, told[i].map->pairs[p].key)) {
                out->items[found++] = told[i].map->pairs[p].key;
            }
        }
    }
    qsort(out->items, found, sizeof *out->items, name_compare);
    for (size_t i = 0; i < found; i++) {
        if (out->count == 0 || !base_slice_equal(out->items[out->count - 1], out->items[i])) {
            out->items[out->count++] = out->items[i];
        }
    }
    return true;
}

static bool is_whole(struct base_slice value)
{
    uint64_t number;
    struct base_slice digits = value;
    if (value.size > 1 && value.data[0] == '-') {
        digits = (struct base_slice){.data = value.data + 1, .size = value.size - 1};
    }
    return wire_info_number(digits, &number) && number <= INT64_MAX;
}

static enum admin_type type_of(const struct admin_told *told, size_t count, struct base_slice name)
{
    enum admin_type type = ADMIN_TYPE_TEXT;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct base_slice value;
        double number;
        if (!admin_map_find_slice(told[i].map, name, &value)) {
            continue;
        }
        if (!admin_slice_number(value, &number)) {
            return ADMIN_TYPE_TEXT;
        }
        bool whole = is_whole(value) && (!any || type == ADMIN_TYPE_INTEGER);
        type = whole ? ADMIN_TYPE_INTEGER : ADMIN_TYPE_REAL;
        any = true;
    }
    return type;
}

static void columns_add(struct admin_grid *grid, const struct admin_told *told, size_t count,
                        const struct names *names, bool totals)
{
    static const struct admin_column node_columns[] = {ADMIN_COLUMN_NODE};
    admin_grid_columns_add(grid, node_columns, 1);
    for (size_t i = 0; i < names->count && !grid->failed; i++) {
        struct admin_column *column = admin_grid_column_add(grid, names->items[i]);
        if (column != NULL) {
            column->dynamic = true;
            column->type = type_of(told, count, names->items[i]);
            column->total =
                totals && column->type != ADMIN_TYPE_TEXT ? ADMIN_TOTAL_SUM : ADMIN_TOTAL_NONE;
        }
    }
}

static void line_add(struct admin_grid *grid, const struct admin_call *call,
                     const struct admin_told *told, const struct names *names)
{
    const struct admin_row row = {.cluster = &call->session->cluster, .node = told->node};
    size_t line = admin_grid_line_add(grid);
    if (grid->failed) {
        return;
    }
    admin_make_node(grid, &row, line, 0);
    for (size_t i = 0; i < names->count && !grid->failed; i++) {
        struct base_slice value;
        if (told->faulty) {
            admin_grid_fault_set(grid, line, i + 1);
        } else if (admin_map_find_slice(told->map, names->items[i], &value)) {
            admin_sheet_value_set(grid, line, i + 1, grid->columns[i + 1].type, value);
        }
    }
}

void admin_parameters_show(struct admin_call *call, const char *title,
                           const struct admin_told *told, size_t count)
{
    struct admin_filter filter;
    struct names names;
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    bool collected = names_collect(told, count, &filter, &names);
    admin_filter_fini(&filter);
    if (!collected) {
        admin_memory_tell(call->session);
        return;
    }
    if (names.count > 0) {
        char timed[ADMIN_TITLE_SIZE];
        admin_title(call->session, title, timed);
        struct admin_grid grid;
        admin_grid_init(&grid, timed);
        columns_add(&grid, told, count, &names, admin_call_have(call, "-t"));
        for (size_t i = 0; i < count && !grid.failed; i++) {
            line_add(&grid, call, &told[i], &names);
        }
        if (admin_call_have(call, "diff")) {
            admin_grid_diff(&grid);
        }
        admin_show(call->session, &grid,
                   admin_call_have(call, "--flip") ? ADMIN_STYLE_LINES : ADMIN_STYLE_PARAMETERS);
        admin_grid_fini(&grid);
    }
    free(names.items);
}
