// SPDX-License-Identifier: Apache-2.0
// A grid turned on its side: a line for each column, a column for each of its lines. So are
// hundreds of parameters of a few nodes readable.
//
//   ~~~~~~~~~Service Statistics~~~~~~~~
//   Node        |node1:3000|*node2:3000
//   cluster_size|2         |2
#include <stdlib.h>

#include "tools/admin_paint.h"
#include "tools/admin_plan.h"

static size_t slice_width(struct base_slice text)
{
    return tools_text_width(text.data, text.size);
}

static size_t title_width(const struct admin_plan *plan)
{
    size_t widest = 0;
    for (size_t i = 0; i < plan->visible_count; i++) {
        const char *title = plan->grid->columns[plan->visible[i]].title;
        size_t width = slice_width(tools_slice_of(title));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static size_t line_width(const struct admin_plan *plan, size_t line)
{
    size_t widest = 0;
    for (size_t i = 0; i < plan->visible_count; i++) {
        size_t width = slice_width(admin_plan_shown(plan, line, plan->visible[i]));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static size_t total_width(const struct admin_plan *plan)
{
    size_t widest = 0;
    for (size_t i = 0; i < plan->visible_count && plan->group_count > 0; i++) {
        size_t width = slice_width(admin_plan_total_shown(plan, 0, plan->visible[i]));
        widest = width > widest ? width : widest;
    }
    return widest;
}

void admin_plan_print_parameters(const struct admin_plan *plan, const struct admin_look *look,
                                 FILE *out)
{
    const struct admin_grid *grid = plan->grid;
    size_t *widths = calloc(grid->line_count + 1, sizeof *widths);
    if (widths == NULL) {
        fputs("out of memory\n", out);
        return;
    }
    size_t titles = title_width(plan);
    size_t width = titles + 1 + grid->line_count + total_width(plan) + 1;
    for (size_t i = 0; i < grid->line_count; i++) {
        widths[i] = line_width(plan, plan->order[i]);
        width += widths[i];
    }
    admin_paint_title(look, grid->title, width, out);
    for (size_t c = 0; c < plan->visible_count; c++) {
        const struct admin_column *column = &grid->columns[plan->visible[c]];
        admin_paint_cell(look, column->ordered ? ADMIN_PAINT_TITLE_ORDERED : ADMIN_PAINT_BOLD,
                         tools_slice_of(column->title), titles, ADMIN_LEFT, out);
        for (size_t i = 0; i < grid->line_count; i++) {
            size_t line = plan->order[i];
            admin_paint_separator(look, out);
            admin_paint_cell(look, admin_paint_of(admin_grid_cell(grid, line, plan->visible[c])),
                             admin_plan_shown(plan, line, plan->visible[c]), widths[i],
                             column->align, out);
        }
        if (plan->has_totals) {
            admin_paint_separator(look, out);
            admin_paint_cell(look, ADMIN_PAINT_TOTAL,
                             admin_plan_total_shown(plan, 0, plan->visible[c]), 0, ADMIN_LEFT, out);
        }
        fputc('\n', out);
    }
    admin_paint_footer(look, plan->visible_count, out);
    free(widths);
}
