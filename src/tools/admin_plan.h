// SPDX-License-Identifier: Apache-2.0
// What a grid's printers share: which columns are seen, in which order the lines stand, where
// groups of lines end, the totals, and each cell as text. Made once for a print; the grid must stay
// unchanged meanwhile. One thread at a time.
#pragma once

#include "base/result.h"
#include "tools/admin_grid.h"

struct admin_plan_group {
    size_t from; // in `order`
    size_t count;
    bool faulty; // of nodes that could not be asked: without totals
};

struct admin_plan {
    const struct admin_grid *grid;
    size_t *visible; // column numbers
    size_t visible_count;
    size_t *order; // line numbers
    struct admin_plan_group *groups;
    size_t group_count;
    bool has_totals;
    struct admin_cell *totals; // group by group, a cell for each column of the grid
    bool *totals_blank;        // likewise: nothing stands there
    size_t *shown_at;          // line by line, then total by total: ends of texts
    struct tools_text texts;
};

// RESULT_NO_MEMORY leaves nothing to free, yet admin_plan_fini may be called.
BASE_MUST_USE enum base_result admin_plan_make(const struct admin_grid *grid,
                                               struct admin_plan *plan);
void admin_plan_fini(struct admin_plan *plan);

// The cell of a line or of a group's totals as it is printed.
struct base_slice admin_plan_shown(const struct admin_plan *plan, size_t line, size_t column);
struct base_slice admin_plan_total_shown(const struct admin_plan *plan, size_t group,
                                         size_t column);

// The printers.
void admin_plan_print_lines(const struct admin_plan *plan, const struct admin_look *look,
                            FILE *out);
void admin_plan_print_parameters(const struct admin_plan *plan, const struct admin_look *look,
                                 FILE *out);
void admin_plan_print_json(const struct admin_plan *plan, FILE *out);
