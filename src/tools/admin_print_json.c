// SPDX-License-Identifier: Apache-2.0
// A grid as JSON, two blanks for each depth: every cell with its raw value and as it would be
// shown, groups of columns as objects, totals beside the records of their group.
#include <string.h>

#include "tools/admin_plan.h"
#include "tools/json.h"

static void indent(struct tools_text *text, uint32_t depth)
{
    tools_text_format_append(text, "%*s", (int)(2 * depth), "");
}

static void key_append(struct tools_text *text, uint32_t depth, const char *key)
{
    indent(text, depth);
    tools_json_string_append(text, key, strlen(key));
    tools_text_string_append(text, ": ");
}

static void raw_append(struct tools_text *text, const struct admin_grid *grid,
                       const struct admin_cell *cell)
{
    struct base_slice slice;
    switch (cell->kind) {
    case ADMIN_CELL_NONE:
        tools_text_string_append(text, "\"null\"");
        return;
    case ADMIN_CELL_FAULT:
        tools_text_string_append(text, "\"error\"");
        return;
    case ADMIN_CELL_TEXT:
        slice = admin_cell_text(grid, cell);
        tools_json_string_append(text, slice.data, slice.size);
        return;
    case ADMIN_CELL_INTEGER:
        tools_text_format_append(text, "%lld", (long long)cell->integer);
        return;
    case ADMIN_CELL_REAL:
        tools_json_double_append(text, cell->real);
        return;
    case ADMIN_CELL_BOOLEAN:
        tools_text_string_append(text, cell->integer ? "true" : "false");
        return;
    }
}

static const char *alert_name(enum admin_alert alert)
{
    switch (alert) {
    case ADMIN_ALERT_GREEN:
        return "green-alert";
    case ADMIN_ALERT_YELLOW:
        return "yellow-alert";
    case ADMIN_ALERT_RED:
        return "red-alert";
    case ADMIN_ALERT_BOLD:
        return "bold";
    case ADMIN_ALERT_HERE:
    case ADMIN_ALERT_NONE:
        break;
    }
    return NULL;
}

static struct base_slice blanks_cut(struct base_slice text)
{
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

static void cell_append(struct tools_text *text, const struct admin_grid *grid,
                        const struct admin_cell *cell, struct base_slice shown, uint32_t depth)
{
    tools_text_string_append(text, "{\n");
    key_append(text, depth + 1, "raw");
    raw_append(text, grid, cell);
    tools_text_string_append(text, ",\n");
    key_append(text, depth + 1, "converted");
    shown = blanks_cut(shown);
    tools_json_string_append(text, shown.data, shown.size);
    const char *alert = alert_name(cell->alert);
    if (alert != NULL) {
        tools_text_string_append(text, ",\n");
        key_append(text, depth + 1, "format");
        tools_json_string_append(text, alert, strlen(alert));
    }
    tools_text_char_append(text, '\n');
    indent(text, depth);
    tools_text_char_append(text, '}');
}

// The cells of a record, or of totals, as they come.
struct cells {
    const struct admin_plan *plan;
    bool totals;
    size_t number; // of the line, or of the group
};

// False when nothing stands there.
static bool cells_get(const struct cells *cells, size_t column, const struct admin_cell **cell,
                      struct base_slice *shown)
{
    const struct admin_plan *plan = cells->plan;
    if (!cells->totals) {
        *cell = admin_grid_cell(plan->grid, cells->number, column);
        *shown = admin_plan_shown(plan, cells->number, column);
        return true;
    }
    size_t at = cells->number * plan->grid->column_count + column;
    *cell = &plan->totals[at];
    *shown = admin_plan_total_shown(plan, cells->number, column);
    return !plan->totals_blank[at];
}

// Appends the object of a record, or of totals.
static void record_append(struct tools_text *text, const struct cells *cells, uint32_t depth)
{
    const struct admin_plan *plan = cells->plan;
    const char *open = NULL; // the group that is being written
    bool first = true;
    tools_text_string_append(text, "{");
    for (size_t i = 0; i < plan->visible_count; i++) {
        const struct admin_column *column = &plan->grid->columns[plan->visible[i]];
        const struct admin_cell *cell;
        struct base_slice shown;
        if (!cells_get(cells, plan->visible[i], &cell, &shown)) {
            continue;
        }
        if (open != NULL && (column->group == NULL || strcmp(open, column->group) != 0)) {
            tools_text_char_append(text, '\n');
            indent(text, depth + 1);
            tools_text_char_append(text, '}');
            open = NULL;
        }
        tools_text_string_append(text, first ? "\n" : ",\n");
        if (column->group != NULL && open == NULL) {
            key_append(text, depth + 1, column->group);
            tools_text_string_append(text, "{\n");
            open = column->group;
        }
        uint32_t inner = depth + 1 + (open != NULL);
        key_append(text, inner, column->title);
        cell_append(text, plan->grid, cell, shown, inner);
        first = false;
    }
    if (open != NULL) {
        tools_text_char_append(text, '\n');
        indent(text, depth + 1);
        tools_text_char_append(text, '}');
    }
    tools_text_char_append(text, '\n');
    indent(text, depth);
    tools_text_char_append(text, '}');
}

static void group_append(struct tools_text *text, const struct admin_plan *plan, size_t number)
{
    const struct admin_plan_group *group = &plan->groups[number];
    tools_text_string_append(text, "    {\n");
    key_append(text, 3, "records");
    tools_text_string_append(text, "[\n");
    for (size_t i = 0; i < group->count; i++) {
        struct cells cells = {.plan = plan, .number = plan->order[group->from + i]};
        indent(text, 4);
        record_append(text, &cells, 4);
        tools_text_string_append(text, i + 1 < group->count ? ",\n" : "\n");
    }
    tools_text_string_append(text, "      ]");
    if (plan->has_totals && !group->faulty) {
        struct cells cells = {.plan = plan, .totals = true, .number = number};
        tools_text_string_append(text, ",\n");
        key_append(text, 3, "aggregates");
        record_append(text, &cells, 3);
    }
    tools_text_string_append(text, "\n    }");
}

void admin_plan_print_json(const struct admin_plan *plan, FILE *out)
{
    struct tools_text text = {0};
    tools_text_string_append(&text, "{\n");
    key_append(&text, 1, "title");
    tools_json_string_append(&text, plan->grid->title, strlen(plan->grid->title));
    tools_text_string_append(&text, ",\n");
    key_append(&text, 1, "groups");
    tools_text_string_append(&text, "[\n");
    for (size_t i = 0; i < plan->group_count; i++) {
        group_append(&text, plan, i);
        tools_text_string_append(&text, i + 1 < plan->group_count ? ",\n" : "\n");
    }
    tools_text_string_append(&text, "  ]\n}\n");
    fputs(text.failed ? "out of memory\n" : tools_text_string(&text), out);
    tools_text_fini(&text);
}
