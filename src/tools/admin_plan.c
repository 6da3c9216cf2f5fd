// SPDX-License-Identifier: Apache-2.0
// Order, groups and totals. Lines without an entry sort first, those of nodes that could not be
// asked last.
#include "tools/admin_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/admin_map.h"

// ---- order --------------------------------------------------------------------------------------

static int kind_rank(enum admin_cell_kind kind)
{
    switch (kind) {
    case ADMIN_CELL_NONE:
        return 0;
    case ADMIN_CELL_INTEGER:
    case ADMIN_CELL_REAL:
    case ADMIN_CELL_BOOLEAN:
        return 1;
    case ADMIN_CELL_TEXT:
        return 2;
    case ADMIN_CELL_FAULT:
        return 3;
    }
    return 0;
}

static int cell_compare(const struct admin_grid *grid, const struct admin_cell *a,
                        const struct admin_cell *b)
{
    int rank_a = kind_rank(a->kind), rank_b = kind_rank(b->kind);
    if (rank_a != rank_b) {
        return rank_a - rank_b;
    }
    if (a->kind == ADMIN_CELL_TEXT) {
        return admin_slice_compare(admin_cell_text(grid, a), admin_cell_text(grid, b));
    }
    double number_a, number_b;
    admin_cell_number(a, &number_a);
    admin_cell_number(b, &number_b);
    return (number_a > number_b) - (number_a < number_b);
}

// Compares two lines by all columns with a flag, from the left.
static int lines_compare(const struct admin_grid *grid, size_t a, size_t b, bool grouped)
{
    for (size_t i = 0; i < grid->column_count; i++) {
        bool counts = grouped ? grid->columns[i].grouped : grid->columns[i].ordered;
        int order =
            counts ? cell_compare(grid, admin_grid_cell(grid, a, i), admin_grid_cell(grid, b, i))
                   : 0;
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int order_compare(const void *a, const void *b, void *arg)
{
    const struct admin_grid *grid = arg;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    int order = lines_compare(grid, left, right, true);
    if (order == 0) {
        order = lines_compare(grid, left, right, false);
    }
    return order != 0 ? order : (left > right) - (left < right);
}

static bool line_is_faulty(const struct admin_grid *grid, size_t line)
{
    for (size_t i = 0; i < grid->column_count; i++) {
        if (grid->columns[i].grouped && admin_grid_cell(grid, line, i)->kind == ADMIN_CELL_FAULT) {
            return true;
        }
    }
    return false;
}

static void groups_find(struct admin_plan *plan)
{
    const struct admin_grid *grid = plan->grid;
    for (size_t i = 0; i < grid->line_count; i++) {
        if (i == 0 || lines_compare(grid, plan->order[i - 1], plan->order[i], true) != 0) {
            plan->groups[plan->group_count++] = (struct admin_plan_group){
                .from = i, .faulty = line_is_faulty(grid, plan->order[i])};
        }
        plan->groups[plan->group_count - 1].count++;
    }
}

// A column is seen when any line has an entry there.
static void visible_find(struct admin_plan *plan)
{
    const struct admin_grid *grid = plan->grid;
    for (size_t column = 0; column < grid->column_count; column++) {
        bool any = false;
        for (size_t line = 0; line < grid->line_count && !any; line++) {
            any = admin_grid_cell(grid, line, column)->kind != ADMIN_CELL_NONE;
        }
        if (any && !grid->columns[column].hidden) {
            plan->visible[plan->visible_count++] = column;
            plan->has_totals |= grid->columns[column].total != ADMIN_TOTAL_NONE;
        }
    }
}

// ---- totals -------------------------------------------------------------------------------------

static size_t weight_column(const struct admin_grid *grid, size_t column)
{
    const struct admin_column *of = &grid->columns[column];
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct admin_column *other = &grid->columns[i];
        bool same_group = (other->group == NULL) == (of->group == NULL) &&
                          (of->group == NULL || strcmp(other->group, of->group) == 0);
        if (same_group && strcmp(other->title, of->weight) == 0) {
            return i;
        }
    }
    base_assert(false); // a weight is declared beside its column
    return column;
}

struct sum {
    size_t entries;
    bool faulty;
    bool whole; // integers alone
    int64_t integer;
    double real; // the sum, of integers as well
    double most;
    double weighted, weights;
};

static void sum_add(struct sum *sum, const struct admin_cell *cell, const struct admin_cell *weight)
{
    double number, weighs;
    sum->faulty |= cell->kind == ADMIN_CELL_FAULT;
    if (!admin_cell_number(cell, &number)) {
        return;
    }
    if (cell->kind != ADMIN_CELL_INTEGER ||
        __builtin_add_overflow(sum->integer, cell->integer, &sum->integer)) {
        sum->whole = false;
    }
    sum->real += number;
    sum->most = sum->entries == 0 || number > sum->most ? number : sum->most;
    sum->entries++;
    if (weight != NULL && admin_cell_number(weight, &weighs)) {
        sum->weighted += number * weighs;
        sum->weights += weighs;
    }
}

static struct admin_cell sum_cell(const struct sum *sum, enum admin_total total)
{
    if (sum->faulty || sum->entries == 0) {
        return (struct admin_cell){.kind = sum->faulty ? ADMIN_CELL_FAULT : ADMIN_CELL_NONE};
    }
    if (total == ADMIN_TOTAL_SUM && sum->whole) {
        return (struct admin_cell){.kind = ADMIN_CELL_INTEGER, .integer = sum->integer};
    }
    double real = total == ADMIN_TOTAL_SUM   ? sum->real
                  : total == ADMIN_TOTAL_MAX ? sum->most
                  : sum->weights == 0        ? 0
                                             : sum->weighted / sum->weights;
    return (struct admin_cell){.kind = ADMIN_CELL_REAL, .real = real};
}

static void total_make(struct admin_plan *plan, size_t group, size_t column)
{
    const struct admin_grid *grid = plan->grid;
    const struct admin_column *look = &grid->columns[column];
    const struct admin_plan_group *lines = &plan->groups[group];
    size_t at = group * grid->column_count + column;
    size_t first = plan->order[lines->from];
    plan->totals_blank[at] = look->total == ADMIN_TOTAL_NONE;
    if (look->total == ADMIN_TOTAL_NONE) {
        if (look->grouped && grid->totals_named) {
            plan->totals[at] = *admin_grid_cell(grid, first, column);
            plan->totals_blank[at] = false;
        }
        return;
    }
    struct sum sum = {.whole = true};
    size_t weight = look->total == ADMIN_TOTAL_WEIGHTED ? weight_column(grid, column) : 0;
    for (size_t i = 0; i < lines->count; i++) {
        size_t line = plan->order[lines->from + i];
        sum_add(&sum, admin_grid_cell(grid, line, column),
                look->total == ADMIN_TOTAL_WEIGHTED ? admin_grid_cell(grid, line, weight) : NULL);
    }
    plan->totals[at] = sum_cell(&sum, look->total);
}

// ---- texts --------------------------------------------------------------------------------------

// Control characters would reach the terminal.
static void clean_append(struct tools_text *out, struct base_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        tools_text_char_append(out, (unsigned char)c < ' ' || c == 0x7f ? '?' : c);
    }
}

static void shown_append(struct tools_text *out, const struct admin_grid *grid,
                         const struct admin_cell *cell, enum admin_form form)
{
    if (cell->shown_size > 0) {
        clean_append(out,
                     (struct base_slice){.data = (const uint8_t *)grid->texts.data + cell->shown_at,
                                         .size = cell->shown_size});
        return;
    }
    switch (cell->kind) {
    case ADMIN_CELL_NONE:
        tools_text_string_append(out, "--");
        return;
    case ADMIN_CELL_FAULT:
        tools_text_string_append(out, "~~");
        return;
    case ADMIN_CELL_TEXT:
        clean_append(out, admin_cell_text(grid, cell));
        return;
    case ADMIN_CELL_BOOLEAN:
        tools_text_string_append(out, cell->integer ? "True" : "False");
        return;
    case ADMIN_CELL_INTEGER:
        if (form == ADMIN_AS_IS) {
            tools_text_format_append(out, "%lld", (long long)cell->integer);
        } else {
            admin_number_append(out, (double)cell->integer, form);
        }
        return;
    case ADMIN_CELL_REAL:
        admin_number_append(out, cell->real, form);
        return;
    }
}

static void texts_make(struct admin_plan *plan)
{
    const struct admin_grid *grid = plan->grid;
    size_t *end = plan->shown_at;
    *end++ = 0;
    for (size_t i = 0; i < grid->line_count * grid->column_count; i++) {
        shown_append(&plan->texts, grid, &grid->cells[i],
                     grid->columns[i % grid->column_count].form);
        *end++ = plan->texts.size;
    }
    for (size_t i = 0; i < plan->group_count * grid->column_count; i++) {
        const struct admin_column *column = &grid->columns[i % grid->column_count];
        if (!plan->totals_blank[i]) {
            shown_append(&plan->texts, grid, &plan->totals[i],
                         column->total_form != ADMIN_AS_IS ? column->total_form : column->form);
        }
        *end++ = plan->texts.size;
    }
}

static struct base_slice shown_slice(const struct admin_plan *plan, size_t number)
{
    size_t from = plan->shown_at[number];
    return (struct base_slice){.data = (const uint8_t *)plan->texts.data + from,
                               .size = plan->shown_at[number + 1] - from};
}

struct base_slice admin_plan_shown(const struct admin_plan *plan, size_t line, size_t column)
{
    return shown_slice(plan, line * plan->grid->column_count + column);
}

struct base_slice admin_plan_total_shown(const struct admin_plan *plan, size_t group, size_t column)
{
    return shown_slice(plan, (plan->grid->line_count + group) * plan->grid->column_count + column);
}

// ---- all ----------------------------------------------------------------------------------------

void admin_plan_fini(struct admin_plan *plan)
{
    free(plan->visible);
    free(plan->order);
    free(plan->groups);
    free(plan->totals);
    free(plan->totals_blank);
    free(plan->shown_at);
    tools_text_fini(&plan->texts);
    *plan = (struct admin_plan){0};
}

enum base_result admin_plan_make(const struct admin_grid *grid, struct admin_plan *plan)
{
    size_t lines = grid->line_count, columns = grid->column_count;
    // One more of each, so that nothing is asked for zero bytes.
    *plan = (struct admin_plan){.grid = grid,
                                .visible = calloc(columns + 1, sizeof *plan->visible),
                                .order = calloc(lines + 1, sizeof *plan->order),
                                .groups = calloc(lines + 1, sizeof *plan->groups)};
    if (plan->visible == NULL || plan->order == NULL || plan->groups == NULL) {
        admin_plan_fini(plan);
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < lines; i++) {
        plan->order[i] = i;
    }
    qsort_r(plan->order, lines, sizeof *plan->order, order_compare, (void *)(uintptr_t)grid);
    groups_find(plan);
    visible_find(plan);
    size_t totals = plan->group_count * columns;
    plan->totals = calloc(totals + 1, sizeof *plan->totals);
    plan->totals_blank = calloc(totals + 1, sizeof *plan->totals_blank);
    plan->shown_at = calloc(lines * columns + totals + 1, sizeof *plan->shown_at);
    if (plan->totals == NULL || plan->totals_blank == NULL || plan->shown_at == NULL) {
        admin_plan_fini(plan);
        return RESULT_NO_MEMORY;
    }
    for (size_t group = 0; group < plan->group_count; group++) {
        for (size_t column = 0; column < columns; column++) {
            total_make(plan, group, column);
        }
    }
    texts_make(plan);
    if (plan->texts.failed) {
        admin_plan_fini(plan);
        return RESULT_NO_MEMORY;
    }
    return RESULT_OK;
}

void admin_grid_print(const struct admin_grid *grid, const struct admin_look *look, FILE *out)
{
    struct admin_plan plan;
    if (grid->failed || admin_plan_make(grid, &plan) != RESULT_OK) {
        fputs("out of memory\n", out);
        return;
    }
    if (plan.visible_count > 0) {
        switch (look->style) {
        case ADMIN_STYLE_LINES:
            admin_plan_print_lines(&plan, look, out);
            break;
        case ADMIN_STYLE_PARAMETERS:
            admin_plan_print_parameters(&plan, look, out);
            break;
        case ADMIN_STYLE_JSON:
            admin_plan_print_json(&plan, out);
            break;
        }
        fputs(look->style == ADMIN_STYLE_JSON ? "" : "\n", out);
    }
    admin_plan_fini(&plan);
}
