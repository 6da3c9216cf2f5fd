// SPDX-License-Identifier: Apache-2.0
// The colours are the bright ones, each behind its darker one for terminals that have eight.
#include "tools/admin_paint.h"

#include <string.h>

#include "tools/text.h"

static const char *const codes[] = {
    [ADMIN_PAINT_NONE] = NULL,     [ADMIN_PAINT_BOLD] = "1",
    [ADMIN_PAINT_DIM] = "2",       [ADMIN_PAINT_TITLE_ORDERED] = "1;4",
    [ADMIN_PAINT_GREEN] = "32;92", [ADMIN_PAINT_YELLOW] = "33;93",
    [ADMIN_PAINT_RED] = "31;91",   [ADMIN_PAINT_TOTAL] = "34;94",
    [ADMIN_PAINT_FAULT] = "35;95", [ADMIN_PAINT_HERE] = "1;36;96",
};

void admin_paint_begin(const struct admin_look *look, enum admin_paint paint, FILE *out)
{
    if (look->color && codes[paint] != NULL) {
        fprintf(out, "\033[%sm", codes[paint]);
    }
}

void admin_paint_end(const struct admin_look *look, enum admin_paint paint, FILE *out)
{
    if (look->color && codes[paint] != NULL) {
        fputs("\033[0m", out);
    }
}

enum admin_paint admin_paint_of(const struct admin_cell *cell)
{
    if (cell->kind == ADMIN_CELL_FAULT) {
        return ADMIN_PAINT_FAULT;
    }
    switch (cell->alert) {
    case ADMIN_ALERT_GREEN:
        return ADMIN_PAINT_GREEN;
    case ADMIN_ALERT_YELLOW:
        return ADMIN_PAINT_YELLOW;
    case ADMIN_ALERT_RED:
        return ADMIN_PAINT_RED;
    case ADMIN_ALERT_HERE:
        return ADMIN_PAINT_HERE;
    case ADMIN_ALERT_BOLD:
        return ADMIN_PAINT_BOLD;
    case ADMIN_ALERT_NONE:
        break;
    }
    return ADMIN_PAINT_NONE;
}

static void repeat(char c, size_t count, FILE *out)
{
    while (count-- > 0) {
        fputc(c, out);
    }
}

static void slice_print(struct base_slice text, FILE *out)
{
    if (text.size > 0) {
        fwrite(text.data, 1, text.size, out);
    }
}

void admin_paint_cell(const struct admin_look *look, enum admin_paint paint, struct base_slice text,
                      size_t width, enum admin_align align, FILE *out)
{
    size_t used = tools_text_width(text.data, text.size);
    size_t padding = used < width ? width - used : 0;
    if (used + padding == 0) {
        return;
    }
    admin_paint_begin(look, paint, out);
    repeat(' ', align == ADMIN_RIGHT ? padding : 0, out);
    slice_print(text, out);
    repeat(' ', align == ADMIN_RIGHT ? 0 : padding, out);
    admin_paint_end(look, paint, out);
}

// The odd column goes to the left when the whole width is odd as well.
void admin_paint_centered(struct base_slice text, size_t width, FILE *out)
{
    size_t used = tools_text_width(text.data, text.size);
    size_t padding = used < width ? width - used : 0;
    size_t left = padding / 2 + (padding & width & 1);
    repeat('~', left, out);
    slice_print(text, out);
    repeat('~', padding - left, out);
}

// A table that is wider than the terminal gets its title once for each screen's width.
static size_t title_repeats(const struct admin_look *look, size_t title, size_t width,
                            size_t *each_width)
{
    size_t least = title + 6 > look->terminal_columns ? title + 6 : look->terminal_columns;
    size_t repeats = look->terminal_columns == 0 ? 1 : width / least;
    if (repeats < 2) {
        *each_width = width;
        return 1;
    }
    *each_width = least + look->terminal_columns % least / repeats;
    return repeats;
}

void admin_paint_title(const struct admin_look *look, const char *title, size_t width, FILE *out)
{
    struct base_slice text = tools_slice_of(title);
    size_t used = tools_text_width(text.data, text.size), each_width;
    size_t repeats = title_repeats(look, used, width, &each_width);
    admin_paint_begin(look, ADMIN_PAINT_BOLD, out);
    if (repeats == 1) {
        // At least one '~' on each side.
        size_t padding = used < width ? width - used : 0;
        repeat('~', padding == 0 || (padding == 1 && (width & 1) == 0), out);
        admin_paint_centered(text, width, out);
        repeat('~', padding == 0 || (padding == 1 && (width & 1) == 1), out);
    } else {
        for (size_t i = 0; i < repeats; i++) {
            admin_paint_centered(text, each_width, out);
        }
        repeat('~', width > repeats * each_width ? width - repeats * each_width : 0, out);
    }
    admin_paint_end(look, ADMIN_PAINT_BOLD, out);
    fputc('\n', out);
}

void admin_paint_separator(const struct admin_look *look, FILE *out)
{
    admin_paint_begin(look, ADMIN_PAINT_DIM, out);
    fputc('|', out);
    admin_paint_end(look, ADMIN_PAINT_DIM, out);
}

void admin_paint_footer(const struct admin_look *look, size_t rows, FILE *out)
{
    admin_paint_begin(look, ADMIN_PAINT_DIM, out);
    fprintf(out, "Number of rows: %zu", rows);
    admin_paint_end(look, ADMIN_PAINT_DIM, out);
    fputc('\n', out);
}
