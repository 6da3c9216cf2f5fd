// SPDX-License-Identifier: Apache-2.0
// A table of the administrator's tool, from its cells to its print: columns in groups, rows in
// groups with a line of totals below each, alerts in colour.
//
// Model: columns first, then rows; each cell holds a raw value and knows how it is shown. Printing
// hides columns without any entry, puts the rows in order, and computes the totals. The same grid
// can be printed with its rows as lines, with its columns as lines (for many parameters and few
// nodes), or as JSON.
//
// Memory: the grid owns copies of titles and texts. When memory runs out `failed` is set and the
// grid takes nothing more. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tools/admin_number.h"
#include "tools/text.h"

struct admin_grid;
struct admin_row;

enum admin_cell_kind {
    ADMIN_CELL_NONE,  // nothing known: "--"
    ADMIN_CELL_FAULT, // it could not be asked: "~~"
    ADMIN_CELL_TEXT,
    ADMIN_CELL_INTEGER,
    ADMIN_CELL_REAL,
    ADMIN_CELL_BOOLEAN,
};

// The first that fits is taken, so that an alarm may stand before a warning.
enum admin_alert {
    ADMIN_ALERT_NONE,
    ADMIN_ALERT_GREEN,
    ADMIN_ALERT_YELLOW,
    ADMIN_ALERT_RED,
    ADMIN_ALERT_HERE, // the node that the tool itself runs on
    ADMIN_ALERT_BOLD, // no alert: a title
};

struct admin_cell {
    enum admin_cell_kind kind;
    enum admin_alert alert;
    int64_t integer; // INTEGER; BOOLEAN: 0 or 1
    double real;     // REAL
    size_t text_at;  // TEXT: in the grid's texts
    size_t text_size;
    size_t shown_at; // what is printed instead of the value, when shown_size is not 0
    size_t shown_size;
};

enum admin_align { ADMIN_LEFT, ADMIN_RIGHT };

// What stands in the line below a group of rows.
enum admin_total {
    ADMIN_TOTAL_NONE,
    ADMIN_TOTAL_SUM,
    ADMIN_TOTAL_MAX,
    ADMIN_TOTAL_WEIGHTED, // the average, each row weighing what its `weight` column says
};

enum { ADMIN_NAMES_MAX = 4 };

// Where the value of a column comes from. A row brings a map of statistics for each that it has.
enum admin_source {
    ADMIN_FROM_NOWHERE, // `make` alone
    ADMIN_FROM_SERVICE,
    ADMIN_FROM_NAMESPACE,
    ADMIN_FROM_ITEM,   // a set, an index, a module: whatever the row is about
    ADMIN_FROM_DETAIL, // more about it
};

enum { ADMIN_SOURCES = 5 };

enum admin_type { ADMIN_TYPE_TEXT, ADMIN_TYPE_INTEGER, ADMIN_TYPE_REAL, ADMIN_TYPE_BOOLEAN };

// Fills in a cell that is not simply the value under a name (admin_sheet.h). Cells left of it in
// the same row are filled already.
typedef void (*admin_make_fn)(struct admin_grid *grid, const struct admin_row *row, size_t line,
                              size_t column);

// The alert of a filled cell; other cells of its row are filled as well.
typedef enum admin_alert (*admin_alert_fn)(const struct admin_grid *grid, size_t line,
                                           const struct admin_cell *cell);

// A column is declared once: where its value comes from, how it looks, what its total is.
struct admin_column {
    const char *group; // the group's title above it; NULL: none
    const char *title;

    enum admin_source from;
    enum admin_type type;
    const char *names[ADMIN_NAMES_MAX]; // in the source; the first that is there counts
    const char *per[ADMIN_NAMES_MAX];   // the value is divided by this one; zero: no value
    admin_make_fn make;                 // instead of names

    enum admin_align align; // of texts and booleans; numbers stand right
    enum admin_form form;
    enum admin_total total;
    enum admin_form total_form; // ADMIN_AS_IS: as `form`
    const char *weight;         // title of a column in the same group
    admin_alert_fn alert;

    bool hidden;  // never shown: a weight, or what an alert looks at
    bool grouped; // rows with the same value form a group
    bool ordered; // rows of a group stand in this column's order
    bool dynamic; // a parameter by its own name: `diff` may leave it out
};

struct admin_grid {
    char *title;
    struct admin_column *columns;
    size_t column_count, column_capacity;
    char **titles; // of dynamic columns
    size_t title_count, title_capacity;
    struct admin_cell *cells; // line by line
    size_t line_count, cell_capacity;
    struct tools_text texts;
    const void *common; // what the alerts of all rows look at; the caller's
    bool totals_named;  // lines of totals repeat the values of grouped columns
    bool failed;
};

void admin_grid_init(struct admin_grid *grid, const char *title);
void admin_grid_fini(struct admin_grid *grid);

// Adds columns that are declared in a table, which must stay as long as the grid.
void admin_grid_columns_add(struct admin_grid *grid, const struct admin_column *columns,
                            size_t count);

// Adds a column with a copied title and nothing else set; NULL when memory ran out. The pointer is
// valid until the next column.
struct admin_column *admin_grid_column_add(struct admin_grid *grid, struct base_slice title);

// Adds a line of empty cells; no column may be added from here on. Returns its number.
size_t admin_grid_line_add(struct admin_grid *grid);

// The cell, never NULL for a line and column that exist.
struct admin_cell *admin_grid_cell(const struct admin_grid *grid, size_t line, size_t column);

// The cell of the line in the column of that group (NULL: none) and title; NULL when there is no
// such column.
const struct admin_cell *admin_grid_find(const struct admin_grid *grid, size_t line,
                                         const char *group, const char *title);

// The cell as a number; false when it is none.
bool admin_cell_number(const struct admin_cell *cell, double *out);
struct base_slice admin_cell_text(const struct admin_grid *grid, const struct admin_cell *cell);

// Setting a cell. `shown` may be what is printed in place of the value.
void admin_grid_text_set(struct admin_grid *grid, size_t line, size_t column,
                         struct base_slice text);
void admin_grid_shown_set(struct admin_grid *grid, size_t line, size_t column,
                          struct base_slice shown);
void admin_grid_integer_set(struct admin_grid *grid, size_t line, size_t column, int64_t value);
void admin_grid_real_set(struct admin_grid *grid, size_t line, size_t column, double value);
void admin_grid_boolean_set(struct admin_grid *grid, size_t line, size_t column, bool value);
void admin_grid_fault_set(struct admin_grid *grid, size_t line, size_t column);

// Leaves out the dynamic columns whose entries are all the same.
void admin_grid_diff(struct admin_grid *grid);

enum admin_style { ADMIN_STYLE_LINES, ADMIN_STYLE_PARAMETERS, ADMIN_STYLE_JSON };

// How and where to print.
struct admin_look {
    enum admin_style style;
    bool color;
    uint32_t terminal_columns; // long titles are repeated within this width; 0: no terminal
};

// Prints the grid and an empty line (none behind JSON), or nothing when it has no lines or all
// columns are hidden.
void admin_grid_print(const struct admin_grid *grid, const struct admin_look *look, FILE *out);
