// SPDX-License-Identifier: Apache-2.0
// Filling grids from what nodes answered, after the declarations of their columns. A row is one
// node, or one namespace, set or index of a node. Nothing is kept; one thread for one grid.
#pragma once

#include "tools/admin_cluster.h"
#include "tools/admin_grid.h"
#include "tools/admin_map.h"

// What most nodes say of their cluster: a node that says something else is alarming.
struct admin_common {
    const struct admin_cluster *cluster;
    struct base_slice size, key, principal;
};

struct admin_row {
    const struct admin_cluster *cluster;
    const struct admin_node *node;
    const struct admin_map *maps[ADMIN_SOURCES]; // by source; NULL: none
    struct base_slice ns;                        // namespace, for rows that are of one
    struct base_slice item;                      // set or index
    struct base_slice build, version;            // answers of those names
    struct base_slice rack;
    bool faulty; // the node did not answer: only what is known of it without is shown
};

// Adds a line with a cell for each column, and the alerts.
void admin_sheet_line_add(struct admin_grid *grid, const struct admin_row *row);

// The value of the first name that the source has; false when it has none.
bool admin_row_find(const struct admin_row *row, enum admin_source from, const char *const *names,
                    struct base_slice *value);

// Sets a cell to a value of that type. Text that is no number where a number is expected stays
// text.
void admin_sheet_value_set(struct admin_grid *grid, size_t line, size_t column,
                           enum admin_type type, struct base_slice value);

// The values that most of the nodes give, from their statistics (count maps).
void admin_common_find(struct admin_common *common, const struct admin_cluster *cluster,
                       const struct admin_map *statistics, size_t count);

// ---- columns that many tables have --------------------------------------------------------------

// The node: its name, starred when it is the principal; the names of its id and its address.
void admin_make_node(struct admin_grid *grid, const struct admin_row *row, size_t line,
                     size_t column);
void admin_make_node_plain(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column);
void admin_make_node_id(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column);
void admin_make_address(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column);
void admin_make_ns(struct admin_grid *grid, const struct admin_row *row, size_t line,
                   size_t column);
void admin_make_item(struct admin_grid *grid, const struct admin_row *row, size_t line,
                     size_t column);

#define ADMIN_COLUMN_NODE                                                                          \
    {                                                                                              \
        .title = "Node", .make = admin_make_node, .ordered = true                                  \
    }
#define ADMIN_COLUMN_NODE_LAST                                                                     \
    {                                                                                              \
        .title = "Node", .make = admin_make_node                                                   \
    }
#define ADMIN_COLUMN_NS                                                                            \
    {                                                                                              \
        .title = "Namespace", .make = admin_make_ns, .grouped = true                               \
    }
