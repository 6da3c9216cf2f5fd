// SPDX-License-Identifier: Apache-2.0
// Results on their way to the user. A view prints one statement's results: perhaps several sets of
// rows, one for each node or one for the cluster, then how it ended. How that looks is one of five
// modes, each a table of functions (info-and-tools section 5.5). Results go to `out`, errors where
// the mode wants them. One thread.
#pragma once

#include <stdio.h>

#include "tools/ql_data.h"
#include "tools/ql_settings.h"
#include "tools/table.h"

// Rows of one printed table; longer results come as several tables.
enum { QL_TABLE_ROWS_MAX = 100 };

typedef uint64_t (*ql_clock_fn)(void *arg); // milliseconds that only grow

struct ql_view;

struct ql_mode {
    void (*set_begin)(struct ql_view *view);
    void (*row)(struct ql_view *view, const struct ql_record *record, const struct ql_bin *cells,
                size_t cell_count);
    void (*set_end)(struct ql_view *view);
    void (*ok)(struct ql_view *view, const char *message);
    void (*fail)(struct ql_view *view, int32_t code, const char *text);
    void (*end)(struct ql_view *view);
};

struct ql_view {
    const struct ql_mode *mode;
    const struct ql_settings *settings;
    FILE *out;
    FILE *err;
    ql_clock_fn clock;
    void *clock_arg;
    uint64_t began_ms;
    const char *node;                 // address of the set's node; NULL: the whole cluster
    uint64_t rows;                    // of the set
    const struct base_slice *columns; // asked for by name, in order; none: as they come
    size_t column_count;
    bool failed_memory;

    // What the modes keep.
    struct tools_table *table;
    bool columns_dropped;
    bool opened;              // JSON: the outer bracket is written
    bool set_opened;          // JSON: an inner bracket is open
    uint64_t elements;        // JSON: written into the open bracket
    FILE *spool;              // CSV: rows until all columns are known
    struct tools_text header; // CSV: the columns' names, each with a size in front
    uint32_t header_count;
    struct tools_text text; // scratch
    struct tools_text cells_text;
    struct ql_bin *cells;
    size_t cell_capacity;
};

// The settings must outlive the view; their OUTPUT picks the mode.
void ql_view_begin(struct ql_view *view, const struct ql_settings *settings, FILE *out, FILE *err,
                   ql_clock_fn clock, void *clock_arg);

// Starts a set of rows. `columns` must outlive the set.
void ql_view_set_begin(struct ql_view *view, const char *node, const struct base_slice *columns,
                       size_t column_count);

// A record; one without bins is no row, unless the setting NO_BINS asks for such.
void ql_view_record(struct ql_view *view, const struct ql_record *record);

// A row of named values.
void ql_view_fields(struct ql_view *view, const struct ql_bin *fields, size_t field_count);

// Ends the set: the footer with count and time.
void ql_view_set_end(struct ql_view *view);

// How the statement ended. `message` may be "".
void ql_view_ok(struct ql_view *view, const char *message);
void ql_view_fail(struct ql_view *view, int32_t code, const char *text);

// Writes what is pending and frees what the view holds.
void ql_view_end(struct ql_view *view);

// For the modes.
extern const struct ql_mode ql_mode_table;
extern const struct ql_mode ql_mode_json;
extern const struct ql_mode ql_mode_mute;
extern const struct ql_mode ql_mode_raw;
extern const struct ql_mode ql_mode_csv;

// "[node] 3 rows in set (0.002 secs)" and an empty line.
void ql_view_footer(struct ql_view *view, FILE *out);

// "OK", "OK, message" and an empty line; "Error: (code) text" and an empty line.
void ql_view_ok_line(FILE *out, const char *message);
void ql_view_error_line(FILE *out, int32_t code, const char *text);

static inline struct base_slice ql_slice(const struct tools_text *text, size_t from)
{
    return (struct base_slice){.data = (const uint8_t *)text->data + from,
                               .size = text->size - from};
}
