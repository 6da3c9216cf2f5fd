// SPDX-License-Identifier: Apache-2.0
// `info set`, `info sindex` and `info release`: a line for each item of each node.
#include <stdlib.h>
#include <string.h>

#include "tools/admin_info.h"
#include "tools/admin_items.h"
#include "tools/admin_session.h"
#include "wire/info.h"

static enum admin_alert alert_quota(const struct admin_grid *grid, size_t line,
                                    const struct admin_cell *cell)
{
    (void)grid;
    (void)line;
    double ratio;
    admin_cell_number(cell, &ratio);
    return ratio >= 0.9 ? ADMIN_ALERT_RED : ratio >= 0.75 ? ADMIN_ALERT_YELLOW : ADMIN_ALERT_NONE;
}

// ---- sets ---------------------------------------------------------------------------------------

static bool item_is_true(const struct admin_row *row, const char *name, bool *known)
{
    struct base_slice value;
    *known = admin_map_find(row->maps[ADMIN_FROM_ITEM], name, &value);
    return *known && !tools_slice_is(value, "false");
}

static void make_set_index(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column)
{
    bool known, also_known;
    bool enabled = item_is_true(row, "enable-index", &known);
    bool populating = item_is_true(row, "index_populating", &also_known);
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (known) {
        admin_grid_text_set(grid, line, column,
                            tools_slice_of(!enabled     ? "No"
                                           : populating ? "Building"
                                                        : "Yes"));
    }
}

#define SET_NUMBER(group_title, column_title, number_form, number_total, ...)                      \
    {                                                                                              \
        .group = group_title, .title = column_title, .from = ADMIN_FROM_ITEM,                      \
        .type = ADMIN_TYPE_INTEGER, .form = number_form, .total = number_total, __VA_ARGS__        \
    }

static const struct admin_column set_columns[] = {
    ADMIN_COLUMN_NS,
    {.title = "Set", .make = admin_make_item, .grouped = true},
    ADMIN_COLUMN_NODE,
    {.title = "Set Delete",
     .from = ADMIN_FROM_ITEM,
     .type = ADMIN_TYPE_BOOLEAN,
     .names = {"deleting", "set-delete"}},
    SET_NUMBER(NULL, "Storage Engine Used", ADMIN_BYTES, ADMIN_TOTAL_SUM,
               .names = {"data_used_bytes"}),
    SET_NUMBER(NULL, "Memory Used", ADMIN_BYTES, ADMIN_TOTAL_SUM,
               .names = {"memory_data_bytes", "n-bytes-memory"}),
    SET_NUMBER(NULL, "Disk Used", ADMIN_BYTES, ADMIN_TOTAL_SUM,
               .names = {"device_data_bytes", "n-bytes-device"}),
    SET_NUMBER("Size Quota", "Total", ADMIN_BYTES, ADMIN_TOTAL_SUM, .names = {"stop-writes-size"}),
    {.group = "Size Quota",
     .title = "Used%",
     .from = ADMIN_FROM_ITEM,
     .type = ADMIN_TYPE_REAL,
     .names = {"data_used_bytes", "memory_data_bytes", "n-bytes-memory", "device_data_bytes"},
     .per = {"stop-writes-size"},
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_quota},
    SET_NUMBER(NULL, "Total Records", ADMIN_COUNT, ADMIN_TOTAL_SUM,
               .names = {"objects", "n_objects"}),
    SET_NUMBER("Records Quota", "Total", ADMIN_AS_IS, ADMIN_TOTAL_NONE,
               .names = {"stop-writes-count"}),
    {.group = "Records Quota",
     .title = "Used%",
     .from = ADMIN_FROM_ITEM,
     .type = ADMIN_TYPE_REAL,
     .names = {"objects"},
     .per = {"stop-writes-count"},
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_quota},
    {.title = "Disable Eviction",
     .from = ADMIN_FROM_ITEM,
     .type = ADMIN_TYPE_BOOLEAN,
     .names = {"disable-eviction"}},
    {.title = "Set Enable XDR", .from = ADMIN_FROM_ITEM, .names = {"set-enable-xdr"}},
    {.title = "Set Index", .make = make_set_index},
};

// ---- lines --------------------------------------------------------------------------------------

struct lines {
    struct admin_grid grid;
    struct admin_row row;
    const struct admin_reply *reply;
    const struct admin_filter *filter;
};

static void lines_begin(struct lines *lines, struct admin_call *call, const char *name,
                        const struct admin_column *columns, size_t count)
{
    char title[ADMIN_TITLE_SIZE];
    admin_title(call->session, name, title);
    *lines = (struct lines){0};
    admin_grid_init(&lines->grid, title);
    lines->grid.totals_named = true;
    admin_grid_columns_add(&lines->grid, columns, count);
    lines->row.cluster = &call->session->cluster;
}

static void on_set(const struct admin_map *item, void *arg)
{
    struct lines *lines = arg;
    struct admin_row *row = &lines->row;
    row->ns = admin_item_field(item, "ns", "ns_name");
    row->item = admin_item_field(item, "set", "set_name");
    row->maps[ADMIN_FROM_ITEM] = item;
    if (admin_filter_passes(lines->filter, row->ns)) {
        admin_sheet_line_add(&lines->grid, row);
    }
}

void admin_info_set_run(struct admin_call *call)
{
    struct admin_replies replies;
    struct admin_filter filter;
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    if (admin_call_ask(call, "sets\n", &replies)) {
        struct lines lines;
        lines_begin(&lines, call, "Set Information", set_columns,
                    sizeof set_columns / sizeof set_columns[0]);
        lines.filter = &filter;
        for (size_t i = 0; i < replies.count && !lines.grid.failed; i++) {
            struct base_slice value;
            lines.row.node = replies.items[i].node;
            lines.row.faulty = replies.items[i].text == NULL;
            if (lines.row.faulty) {
                admin_sheet_line_add(&lines.grid, &lines.row);
            } else if (admin_reply_value(&replies.items[i], "sets", &value)) {
                lines.grid.failed |= admin_items_read(value, ':', on_set, &lines) != RESULT_OK;
            }
        }
        admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&lines.grid);
        admin_replies_fini(&replies);
    }
    admin_filter_fini(&filter);
}

// ---- secondary indexes --------------------------------------------------------------------------

static void make_state(struct admin_grid *grid, const struct admin_row *row, size_t line,
                       size_t column)
{
    struct base_slice value;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (admin_map_find(row->maps[ADMIN_FROM_ITEM], "state", &value)) {
        admin_grid_text_set(grid, line, column, value);
        if (wire_info_equal(value, "RW") || wire_info_equal(value, "WO")) {
            admin_grid_shown_set(
                grid, line, column,
                tools_slice_of(wire_info_equal(value, "RW") ? "Read-Write" : "Write-Only"));
        }
    }
}

static const struct admin_column sindex_columns[] = {
    {.title = "Index Name", .from = ADMIN_FROM_ITEM, .names = {"indexname"}, .ordered = true},
    {.title = "Namespace", .from = ADMIN_FROM_ITEM, .names = {"ns"}, .grouped = true},
    {.title = "Set", .from = ADMIN_FROM_ITEM, .names = {"set"}, .grouped = true},
    ADMIN_COLUMN_NODE,
    {.title = "Bin", .from = ADMIN_FROM_ITEM, .names = {"bins", "bin"}},
    {.title = "Num Bins",
     .from = ADMIN_FROM_ITEM,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"num_bins"}},
    {.title = "Bin Type", .from = ADMIN_FROM_ITEM, .names = {"type"}},
    {.title = "State", .make = make_state},
    {.title = "Keys",
     .from = ADMIN_FROM_DETAIL,
     .type = ADMIN_TYPE_REAL,
     .names = {"entries"},
     .per = {"entries_per_bval"},
     .form = ADMIN_COUNT},
    {.group = "Entries",
     .title = "Total",
     .from = ADMIN_FROM_DETAIL,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"entries", "objects"},
     .form = ADMIN_COUNT,
     .total = ADMIN_TOTAL_SUM},
    {.group = "Entries",
     .title = "Avg Per Rec",
     .from = ADMIN_FROM_DETAIL,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"entries_per_rec"},
     .form = ADMIN_COUNT},
    {.group = "Entries",
     .title = "Avg Per Bin Val",
     .from = ADMIN_FROM_DETAIL,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"entries_per_bval"},
     .form = ADMIN_COUNT,
     .total = ADMIN_TOTAL_SUM},
    {.group = "Storage", .title = "Type", .from = ADMIN_FROM_NAMESPACE, .names = {"sindex-type"}},
    {.group = "Storage",
     .title = "Used",
     .from = ADMIN_FROM_DETAIL,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"used_bytes", "memory_used"},
     .form = ADMIN_BYTES,
     .total = ADMIN_TOTAL_SUM},
    {.title = "Context", .make = admin_make_context},
    {.title = "Expression", .make = admin_make_expression},
};

static void on_index(const struct admin_map *item, void *arg)
{
    struct lines *lines = arg;
    char command[ADMIN_INDEX_COMMAND_SIZE];
    struct base_slice value;
    struct admin_map detail = {0}, ns = {0};
    admin_index_command(item, command);
    if (admin_reply_value(lines->reply, command, &value)) {
        lines->grid.failed |= admin_map_parse(&detail, value, ';') != RESULT_OK;
    }
    struct base_slice name = admin_item_field(item, "ns", NULL);
    snprintf(command, sizeof command, "namespace/%.*s", (int)name.size, (const char *)name.data);
    if (admin_reply_value(lines->reply, command, &value)) {
        lines->grid.failed |= admin_map_parse(&ns, value, ';') != RESULT_OK;
    }
    lines->row.maps[ADMIN_FROM_ITEM] = item;
    lines->row.maps[ADMIN_FROM_DETAIL] = &detail;
    lines->row.maps[ADMIN_FROM_NAMESPACE] = &ns;
    if (!lines->grid.failed) {
        admin_sheet_line_add(&lines->grid, &lines->row);
    }
    admin_map_fini(&detail);
    admin_map_fini(&ns);
}

static void indexes_show(struct admin_call *call, const struct admin_replies *lists,
                         const struct admin_replies *details)
{
    struct lines lines;
    lines_begin(&lines, call, "Secondary Index Information", sindex_columns,
                sizeof sindex_columns / sizeof sindex_columns[0]);
    for (size_t i = 0; i < lists->count && !lines.grid.failed; i++) {
        struct base_slice value;
        lines.row.node = lists->items[i].node;
        lines.reply = &details->items[i];
        lines.row.faulty = lists->items[i].text == NULL;
        if (lines.row.faulty) {
            admin_sheet_line_add(&lines.grid, &lines.row);
        } else if (admin_reply_value(&lists->items[i], "sindex-list:", &value)) {
            lines.grid.failed |= admin_items_read(value, ':', on_index, &lines) != RESULT_OK;
        }
    }
    admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&lines.grid);
}

void admin_info_sindex_run(struct admin_call *call)
{
    struct admin_replies lists, details;
    struct admin_namespaces namespaces;
    if (!admin_call_namespaces(call, NULL, &namespaces) ||
        !admin_call_ask(call, "sindex-list:\n", &lists)) {
        return;
    }
    struct tools_text request = {0};
    admin_namespaces_request(&namespaces, "namespace/", &request);
    if (admin_indexes_request(&lists, &request) != RESULT_OK) {
        admin_memory_tell(call->session);
    } else if (admin_call_ask(call, tools_text_string(&request), &details)) {
        indexes_show(call, &lists, &details);
        admin_replies_fini(&details);
    }
    tools_text_fini(&request);
    admin_replies_fini(&lists);
}

// ---- release ------------------------------------------------------------------------------------

static const struct admin_column release_columns[] = {
    ADMIN_COLUMN_NODE,
    {.title = "Architecture", .from = ADMIN_FROM_ITEM, .names = {"arch"}},
    {.title = "Edition", .from = ADMIN_FROM_ITEM, .names = {"edition"}},
    {.title = "OS", .from = ADMIN_FROM_ITEM, .names = {"os"}},
    {.title = "Version", .from = ADMIN_FROM_ITEM, .names = {"version"}},
    {.title = "SHA", .from = ADMIN_FROM_ITEM, .names = {"sha"}},
    {.title = "EE SHA", .from = ADMIN_FROM_ITEM, .names = {"ee-sha"}},
};

void admin_info_release_run(struct admin_call *call)
{
    struct admin_replies replies;
    if (!admin_call_ask(call, "release\n", &replies)) {
        return;
    }
    struct lines lines;
    lines_begin(&lines, call, "Release Information", release_columns,
                sizeof release_columns / sizeof release_columns[0]);
    struct admin_map *maps = admin_maps_of(&replies, "release");
    lines.grid.failed |= maps == NULL;
    for (size_t i = 0; i < replies.count && !lines.grid.failed; i++) {
        lines.row.node = replies.items[i].node;
        lines.row.maps[ADMIN_FROM_ITEM] = &maps[i];
        lines.row.faulty = replies.items[i].text == NULL;
        admin_sheet_line_add(&lines.grid, &lines.row);
    }
    admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
    admin_maps_free(maps, replies.count);
    admin_grid_fini(&lines.grid);
    admin_replies_fini(&replies);
}

// ---- what there is none of ----------------------------------------------------------------------

void admin_info_xdr_run(struct admin_call *call)
{
    admin_error(call->session, "info xdr: this version ships to no other data center.");
}

void admin_info_transactions_run(struct admin_call *call)
{
    admin_error(call->session, "info transactions: this version has no transactions.");
}
