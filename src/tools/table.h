// SPDX-License-Identifier: Apache-2.0
// A text table with borders:
//
//   +--------+---+
//   | PK     | a |
//   +--------+---+
//   | "rec3" | 3 |
//   +--------+---+
//
// Columns come in the order they are first named; a row leaves the cells it does not set empty.
// Columns are as wide as their widest cell, counted in code points. The table owns copies of
// everything it is given; one thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/result.h"

enum {
    TOOLS_TABLE_COLUMNS_MAX = 64,
    TOOLS_TABLE_CELL_SIZE_MAX = 254, // longer cells are cut
};

struct tools_table;

// RESULT_NO_MEMORY when there is none.
BASE_MUST_USE enum base_result tools_table_new(struct tools_table **out);
void tools_table_free(struct tools_table **table);

// Removes all rows and columns.
void tools_table_clear(struct tools_table *table);

// Names a column ahead of the rows, at least `width_least` wide. RESULT_LIMIT when there are
// TOOLS_TABLE_COLUMNS_MAX already.
BASE_MUST_USE enum base_result tools_table_column_add(struct tools_table *table,
                                                      struct base_slice name, size_t width_least);

// Sets a cell of the current row, adding the column when it is new. RESULT_LIMIT when the cell
// would need one column too many: the cell is dropped.
BASE_MUST_USE enum base_result tools_table_cell_set(struct tools_table *table,
                                                    struct base_slice column,
                                                    struct base_slice cell);

// Ends the current row. A row may be empty.
BASE_MUST_USE enum base_result tools_table_row_end(struct tools_table *table);

size_t tools_table_rows(const struct tools_table *table);

// Prints borders, header and rows; nothing when there is no column or no row.
void tools_table_print(const struct tools_table *table, FILE *out);
