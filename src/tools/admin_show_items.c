// SPDX-License-Identifier: Apache-2.0
// `show sindex`, `show udfs` and `show user-agents`.
#include <stdlib.h>
#include <string.h>

#include "tools/admin_items.h"
#include "tools/admin_session.h"
#include "tools/admin_show.h"
#include "wire/info.h"

struct lines {
    struct admin_grid grid;
    struct admin_row row;
    const struct admin_filter *filter;
};

static void lines_begin(struct lines *lines, struct admin_call *call, const char *name,
                        const struct admin_column *columns, size_t count)
{
    char title[ADMIN_TITLE_SIZE];
    admin_title(call->session, name, title);
    *lines = (struct lines){.row.cluster = &call->session->cluster};
    admin_grid_init(&lines->grid, title);
    admin_grid_columns_add(&lines->grid, columns, count);
}

// ---- secondary indexes --------------------------------------------------------------------------

static const struct admin_column sindex_columns[] = {
    {.title = "Index Name", .from = ADMIN_FROM_ITEM, .names = {"indexname"}, .ordered = true},
    {.title = "Namespace", .from = ADMIN_FROM_ITEM, .names = {"ns"}, .grouped = true},
    {.title = "Set", .from = ADMIN_FROM_ITEM, .names = {"set"}, .grouped = true},
    {.title = "Bin", .from = ADMIN_FROM_ITEM, .names = {"bins", "bin"}, .align = ADMIN_RIGHT},
    {.title = "Bin Type", .from = ADMIN_FROM_ITEM, .names = {"type"}},
    {.title = "Index Type", .from = ADMIN_FROM_ITEM, .names = {"indextype"}},
    {.title = "State", .from = ADMIN_FROM_ITEM, .names = {"state"}},
    {.title = "Context", .make = admin_make_context},
    {.title = "Expression", .make = admin_make_expression},
};

static void on_index(const struct admin_map *item, void *arg)
{
    struct lines *lines = arg;
    lines->row.maps[ADMIN_FROM_ITEM] = item;
    if (admin_filter_passes(lines->filter, admin_item_field(item, "indexname", NULL))) {
        admin_sheet_line_add(&lines->grid, &lines->row);
    }
}

void admin_show_sindex_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_replies replies;
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    if (admin_call_ask_principal(call, "sindex-list:\n", &replies)) {
        struct lines lines;
        struct base_slice value;
        lines_begin(&lines, call, "Secondary Indexes", sindex_columns,
                    sizeof sindex_columns / sizeof sindex_columns[0]);
        lines.filter = &filter;
        lines.row.node = replies.items[0].node;
        if (admin_reply_value(&replies.items[0], "sindex-list:", &value)) {
            lines.grid.failed |= admin_items_read(value, ':', on_index, &lines) != RESULT_OK;
        }
        admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&lines.grid);
        admin_replies_fini(&replies);
    }
    admin_filter_fini(&filter);
}

// ---- user modules -------------------------------------------------------------------------------

static const struct admin_column udf_columns[] = {
    {.title = "Filename", .from = ADMIN_FROM_ITEM, .names = {"filename"}, .ordered = true},
    {.title = "Hash", .from = ADMIN_FROM_ITEM, .names = {"hash"}},
    {.title = "Type", .from = ADMIN_FROM_ITEM, .names = {"type"}},
};

static void on_udf(const struct admin_map *item, void *arg)
{
    struct lines *lines = arg;
    lines->row.maps[ADMIN_FROM_ITEM] = item;
    if (admin_filter_passes(lines->filter, admin_item_field(item, "filename", NULL))) {
        admin_sheet_line_add(&lines->grid, &lines->row);
    }
}

void admin_show_udfs_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_replies replies;
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    if (admin_call_ask_principal(call, "udf-list\n", &replies)) {
        struct lines lines;
        struct base_slice value;
        lines_begin(&lines, call, "UDF Modules", udf_columns,
                    sizeof udf_columns / sizeof udf_columns[0]);
        lines.filter = &filter;
        lines.row.node = replies.items[0].node;
        if (admin_reply_value(&replies.items[0], "udf-list", &value)) {
            lines.grid.failed |= admin_items_read(value, ',', on_udf, &lines) != RESULT_OK;
        }
        admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&lines.grid);
        admin_replies_fini(&replies);
    }
    admin_filter_fini(&filter);
}

// ---- user agents --------------------------------------------------------------------------------

enum { AGENT_SIZE_MAX = 512, AGENT_FIELDS = 3 };

// A user agent is base64 of `1,<client>-<version>,<application>`.
static bool agent_field(const struct admin_row *row, size_t number, uint8_t *decoded,
                        struct base_slice *out)
{
    struct base_slice value, rest;
    size_t size;
    if (!admin_map_find(row->maps[ADMIN_FROM_ITEM], "user-agent", &value) ||
        value.size > AGENT_SIZE_MAX ||
        !tools_base64_decode((const char *)value.data, value.size, decoded, &size)) {
        return false;
    }
    rest = (struct base_slice){.data = decoded, .size = size};
    for (size_t i = 0; i <= number; i++) {
        if (i + 1 == AGENT_FIELDS) {
            *out = rest; // an application's name may hold commas
            return rest.size > 0;
        }
        if (!wire_info_piece_next(&rest, ',', out)) {
            return false;
        }
    }
    return true;
}

static void agent_set(struct admin_grid *grid, const struct admin_row *row, size_t line,
                      size_t column, size_t number)
{
    uint8_t decoded[AGENT_SIZE_MAX];
    struct base_slice field;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else {
        admin_grid_text_set(grid, line, column,
                            agent_field(row, number, decoded, &field) ? field
                                                                      : tools_slice_of("unknown"));
    }
}

static void make_client(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column)
{
    agent_set(grid, row, line, column, 1);
}

static void make_application(struct admin_grid *grid, const struct admin_row *row, size_t line,
                             size_t column)
{
    agent_set(grid, row, line, column, 2);
}

static const struct admin_column agent_columns[] = {
    {.title = "Node", .make = admin_make_node_plain, .ordered = true},
    {.title = "Client Version", .make = make_client, .ordered = true},
    {.title = "App ID", .make = make_application},
    {.title = "Count", .from = ADMIN_FROM_ITEM, .type = ADMIN_TYPE_INTEGER, .names = {"count"}},
};

static void on_agent(const struct admin_map *item, void *arg)
{
    struct lines *lines = arg;
    lines->row.maps[ADMIN_FROM_ITEM] = item;
    admin_sheet_line_add(&lines->grid, &lines->row);
}

void admin_show_user_agents_run(struct admin_call *call)
{
    struct admin_replies replies;
    if (!admin_call_ask(call, "user-agents\n", &replies)) {
        return;
    }
    struct lines lines;
    lines_begin(&lines, call, "User Agents", agent_columns,
                sizeof agent_columns / sizeof agent_columns[0]);
    for (size_t i = 0; i < replies.count && !lines.grid.failed; i++) {
        struct base_slice value;
        lines.row.node = replies.items[i].node;
        lines.row.faulty = replies.items[i].text == NULL;
        if (lines.row.faulty) {
            admin_sheet_line_add(&lines.grid, &lines.row);
        } else if (admin_reply_value(&replies.items[i], "user-agents", &value)) {
            lines.grid.failed |= admin_items_read(value, ':', on_agent, &lines) != RESULT_OK;
        }
    }
    admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&lines.grid);
    admin_replies_fini(&replies);
}
