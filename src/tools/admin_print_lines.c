// SPDX-License-Identifier: Apache-2.0
// A grid with its rows as lines:
//
//   ~~~~~~~~~~~Title~~~~~~~~~~~
//   Namespace|    Node|~~Disk~~
//            |        |Used|Free
//   test     |node1:30| 1 B| 2 B
//
// Titles of columns are wrapped between words, so that a column is as wide as its widest cell or
// word. The title of a group stands over its columns between '~'.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/admin_paint.h"
#include "tools/admin_plan.h"

enum { TITLE_LINES_MAX = 8 };

struct wrapped {
    struct base_slice lines[TITLE_LINES_MAX];
    size_t count;
};

struct field {
    size_t column;
    size_t width;
    struct wrapped title;
};

// Fields under one title, or a single field without.
struct block {
    const char *group;
    size_t first, count; // fields
    size_t width;
    struct wrapped title; // empty without a group
    size_t title_lines;   // with those of its fields
};

struct page {
    const struct admin_plan *plan;
    struct field *fields;
    struct block *blocks;
    size_t block_count;
    size_t width;
    size_t title_lines;
};

// ---- titles -------------------------------------------------------------------------------------

static size_t longest_word(const char *title)
{
    size_t longest = 0;
    while (*title != '\0') {
        size_t size = strcspn(title, " ");
        size_t width = tools_text_width(title, size);
        longest = width > longest ? width : longest;
        title += size + (title[size] == ' ');
    }
    return longest;
}

// Fills lines with as many words as fit; the last line takes all that is left.
static struct wrapped title_wrap(const char *title, size_t width)
{
    struct wrapped wrapped = {0};
    while (*title != '\0') {
        size_t size = strcspn(title, " ");
        while (title[size] == ' ') {
            size_t more = size + 1 + strcspn(title + size + 1, " ");
            if (tools_text_width(title, more) > width && wrapped.count + 1 < TITLE_LINES_MAX) {
                break;
            }
            size = more;
        }
        wrapped.lines[wrapped.count++] =
            (struct base_slice){.data = (const uint8_t *)title, .size = size};
        title += size + (title[size] == ' ');
    }
    return wrapped;
}

static size_t widest_line(const struct wrapped *wrapped)
{
    size_t widest = 0;
    for (size_t i = 0; i < wrapped->count; i++) {
        size_t width = tools_text_width(wrapped->lines[i].data, wrapped->lines[i].size);
        widest = width > widest ? width : widest;
    }
    return widest;
}

// ---- widths -------------------------------------------------------------------------------------

static size_t slice_width(struct base_slice text)
{
    return tools_text_width(text.data, text.size);
}

static size_t field_width(const struct admin_plan *plan, size_t column)
{
    size_t width = longest_word(plan->grid->columns[column].title);
    for (size_t line = 0; line < plan->grid->line_count; line++) {
        size_t cell = slice_width(admin_plan_shown(plan, line, column));
        width = cell > width ? cell : width;
    }
    for (size_t group = 0; group < plan->group_count && plan->has_totals; group++) {
        size_t cell = slice_width(admin_plan_total_shown(plan, group, column));
        width = cell > width ? cell : width;
    }
    return width;
}

// Makes room for the group's title with a '~' on each side, and shares it among the fields.
static void group_fit(struct block *block, struct field *fields)
{
    size_t inside = block->count - 1; // separators
    for (size_t i = 0; i < block->count; i++) {
        inside += fields[block->first + i].width;
    }
    size_t word = longest_word(block->group);
    block->width = inside > word ? inside : word;
    block->title = title_wrap(block->group, block->width);
    size_t line = widest_line(&block->title);
    if (block->width < line + 2) {
        block->width = line + 2;
        block->title = title_wrap(block->group, block->width);
    }
    size_t spare = block->width - inside;
    for (size_t i = 0; i < block->count; i++) {
        fields[block->first + i].width += spare / block->count + (i < spare % block->count);
    }
}

// Everything about a block that depends on the widths of its fields alone.
static void block_fit(struct block *block, struct field *fields, const struct admin_grid *grid)
{
    block->width = fields[block->first].width;
    if (block->group != NULL) {
        group_fit(block, fields);
    }
    size_t below = 0;
    for (size_t i = 0; i < block->count; i++) {
        struct field *field = &fields[block->first + i];
        field->title = title_wrap(grid->columns[field->column].title, field->width);
        below = field->title.count > below ? field->title.count : below;
    }
    block->title_lines = block->title.count + below;
}

static bool page_make(const struct admin_plan *plan, struct page *page)
{
    const struct admin_grid *grid = plan->grid;
    *page = (struct page){.plan = plan,
                          .fields = calloc(plan->visible_count, sizeof *page->fields),
                          .blocks = calloc(plan->visible_count, sizeof *page->blocks)};
    if (page->fields == NULL || page->blocks == NULL) {
        return false;
    }
    for (size_t i = 0; i < plan->visible_count; i++) {
        size_t column = plan->visible[i];
        const char *group = grid->columns[column].group;
        page->fields[i] = (struct field){.column = column, .width = field_width(plan, column)};
        struct block *last = page->block_count == 0 ? NULL : &page->blocks[page->block_count - 1];
        if (group == NULL || last == NULL || last->group == NULL ||
            strcmp(last->group, group) != 0) {
            page->blocks[page->block_count++] = (struct block){.group = group, .first = i};
        }
        page->blocks[page->block_count - 1].count++;
    }
    page->width = page->block_count - 1;
    for (size_t i = 0; i < page->block_count; i++) {
        struct block *block = &page->blocks[i];
        block_fit(block, page->fields, grid);
        page->width += block->width;
        page->title_lines =
            block->title_lines > page->title_lines ? block->title_lines : page->title_lines;
    }
    return true;
}

// ---- printing -----------------------------------------------------------------------------------

static void field_title_print(const struct page *page, const struct field *field, size_t line,
                              const struct admin_look *look, FILE *out)
{
    bool there = line < field->title.count;
    bool ordered = page->plan->grid->columns[field->column].ordered;
    struct base_slice text = there ? field->title.lines[line] : (struct base_slice){0};
    size_t used = slice_width(text);
    fprintf(out, "%*s", (int)(field->width > used ? field->width - used : 0), "");
    admin_paint_cell(look, ordered && there ? ADMIN_PAINT_TITLE_ORDERED : ADMIN_PAINT_BOLD, text, 0,
                     ADMIN_LEFT, out);
}

static void titles_print(const struct page *page, const struct admin_look *look, FILE *out)
{
    for (size_t line = 0; line < page->title_lines; line++) {
        for (size_t b = 0; b < page->block_count; b++) {
            const struct block *block = &page->blocks[b];
            if (b > 0) {
                admin_paint_separator(look, out);
            }
            if (line < block->title.count) {
                admin_paint_begin(look, ADMIN_PAINT_BOLD, out);
                admin_paint_centered(block->title.lines[line], block->width, out);
                admin_paint_end(look, ADMIN_PAINT_BOLD, out);
                continue;
            }
            for (size_t i = 0; i < block->count; i++) {
                if (i > 0) {
                    admin_paint_separator(look, out);
                }
                field_title_print(page, &page->fields[block->first + i], line - block->title.count,
                                  look, out);
            }
        }
        fputc('\n', out);
    }
}

// Numbers stand right, and so does what stands in for them.
static enum admin_align field_align(const struct admin_column *column)
{
    bool number = column->type == ADMIN_TYPE_INTEGER || column->type == ADMIN_TYPE_REAL;
    return number ? ADMIN_RIGHT : column->align;
}

static void line_print(const struct page *page, size_t line, const struct admin_look *look,
                       FILE *out)
{
    const struct admin_grid *grid = page->plan->grid;
    for (size_t i = 0; i < page->plan->visible_count; i++) {
        const struct field *field = &page->fields[i];
        if (i > 0) {
            admin_paint_separator(look, out);
        }
        admin_paint_cell(look, admin_paint_of(admin_grid_cell(grid, line, field->column)),
                         admin_plan_shown(page->plan, line, field->column), field->width,
                         field_align(&grid->columns[field->column]), out);
    }
    fputc('\n', out);
}

static void total_print(const struct page *page, size_t group, const struct admin_look *look,
                        FILE *out)
{
    for (size_t i = 0; i < page->plan->visible_count; i++) {
        const struct field *field = &page->fields[i];
        if (i > 0) {
            admin_paint_separator(look, out);
        }
        admin_paint_cell(look, ADMIN_PAINT_TOTAL,
                         admin_plan_total_shown(page->plan, group, field->column), field->width,
                         field_align(&page->plan->grid->columns[field->column]), out);
    }
    fputc('\n', out);
}

void admin_plan_print_lines(const struct admin_plan *plan, const struct admin_look *look, FILE *out)
{
    struct page page;
    if (page_make(plan, &page)) {
        admin_paint_title(look, plan->grid->title, page.width, out);
        titles_print(&page, look, out);
        for (size_t g = 0; g < plan->group_count; g++) {
            const struct admin_plan_group *group = &plan->groups[g];
            for (size_t i = 0; i < group->count; i++) {
                line_print(&page, plan->order[group->from + i], look, out);
            }
            if (plan->has_totals && !group->faulty) {
                total_print(&page, g, look, out);
            }
        }
        admin_paint_footer(look, plan->grid->line_count, out);
    } else {
        fputs("out of memory\n", out);
    }
    free(page.fields);
    free(page.blocks);
}
