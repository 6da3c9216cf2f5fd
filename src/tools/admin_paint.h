// SPDX-License-Identifier: Apache-2.0
// Putting cells, titles and rules on a terminal or into a file: widths in columns, colours only
// when asked for. Nothing is kept; one thread at a time for one stream.
#pragma once

#include <stdio.h>

#include "base/bytes.h"
#include "tools/admin_grid.h"

enum admin_paint {
    ADMIN_PAINT_NONE,
    ADMIN_PAINT_BOLD,
    ADMIN_PAINT_DIM,
    ADMIN_PAINT_TITLE_ORDERED, // of the column that lines are ordered by
    ADMIN_PAINT_GREEN,
    ADMIN_PAINT_YELLOW,
    ADMIN_PAINT_RED,
    ADMIN_PAINT_TOTAL,
    ADMIN_PAINT_FAULT,
    ADMIN_PAINT_HERE,
};

// Switches a paint on and off again; both print nothing without colour.
void admin_paint_begin(const struct admin_look *look, enum admin_paint paint, FILE *out);
void admin_paint_end(const struct admin_look *look, enum admin_paint paint, FILE *out);

// Prints text padded with blanks to `width` columns.
void admin_paint_cell(const struct admin_look *look, enum admin_paint paint, struct base_slice text,
                      size_t width, enum admin_align align, FILE *out);

// Prints text in the middle of `width` columns of '~'.
void admin_paint_centered(struct base_slice text, size_t width, FILE *out);

// Prints the line with a table's title above `width` columns.
void admin_paint_title(const struct admin_look *look, const char *title, size_t width, FILE *out);

// Prints what stands between two cells, and the line below a table.
void admin_paint_separator(const struct admin_look *look, FILE *out);
void admin_paint_footer(const struct admin_look *look, size_t rows, FILE *out);

// The paint of a cell.
enum admin_paint admin_paint_of(const struct admin_cell *cell);
