// SPDX-License-Identifier: Apache-2.0
// `show` of what a cluster is made of: mapping, pmap, racks, roster, best-practices.
#include <stdlib.h>
#include <string.h>

#include "tools/admin_items.h"
#include "tools/admin_session.h"
#include "tools/admin_show.h"
#include "wire/info.h"

static void grid_begin(struct admin_grid *grid, const struct admin_call *call, const char *name,
                       const struct admin_column *columns, size_t count)
{
    char title[ADMIN_TITLE_SIZE];
    admin_title(call->session, name, title);
    admin_grid_init(grid, title);
    admin_grid_columns_add(grid, columns, count);
}

// ---- mapping ------------------------------------------------------------------------------------

static const struct admin_column to_node_columns[] = {
    {.title = "IP", .make = admin_make_address, .ordered = true},
    {.title = "Node ID", .ordered = true},
};

static const struct admin_column to_ip_columns[] = {
    {.title = "Node ID", .ordered = true},
    {.title = "IP", .make = admin_make_address, .ordered = true},
};

static void mapping_show(struct admin_call *call, const char *name,
                         const struct admin_column *columns, size_t id_column)
{
    const struct admin_cluster *cluster = &call->session->cluster;
    struct admin_filter filter;
    struct admin_grid grid;
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    grid_begin(&grid, call, name, columns, 2);
    for (size_t i = 0; i < cluster->node_count && !grid.failed; i++) {
        const struct admin_node *node = &cluster->nodes[i];
        const struct admin_row row = {.cluster = cluster, .node = node};
        if (admin_filter_passes(&filter,
                                tools_slice_of(id_column == 0 ? node->id : node->address))) {
            admin_sheet_line_add(&grid, &row);
            if (!grid.failed) {
                admin_grid_text_set(&grid, grid.line_count - 1, id_column,
                                    tools_slice_of(node->id));
            }
        }
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&grid);
    admin_filter_fini(&filter);
}

void admin_show_mapping_ip_run(struct admin_call *call)
{
    mapping_show(call, "IP to NODE-ID Mappings", to_node_columns, 1);
}

void admin_show_mapping_node_run(struct admin_call *call)
{
    mapping_show(call, "NODE-ID to IPs Mappings", to_ip_columns, 0);
}

void admin_show_mapping_run(struct admin_call *call)
{
    admin_show_mapping_ip_run(call);
    admin_show_mapping_node_run(call);
}

// ---- partition map ------------------------------------------------------------------------------

static const struct admin_column pmap_columns[] = {
    ADMIN_COLUMN_NS,
    ADMIN_COLUMN_NODE,
    {.title = "Cluster Key",
     .from = ADMIN_FROM_SERVICE,
     .names = {"cluster_key"},
     .align = ADMIN_RIGHT},
    {.group = "Partitions",
     .title = "Primary",
     .type = ADMIN_TYPE_INTEGER,
     .total = ADMIN_TOTAL_SUM},
    {.group = "Partitions",
     .title = "Secondary",
     .type = ADMIN_TYPE_INTEGER,
     .total = ADMIN_TOTAL_SUM},
    {.group = "Partitions",
     .title = "Unavailable",
     .from = ADMIN_FROM_NAMESPACE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"unavailable_partitions"},
     .total = ADMIN_TOTAL_SUM},
    {.group = "Partitions",
     .title = "Dead",
     .from = ADMIN_FROM_NAMESPACE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"dead_partitions"},
     .total = ADMIN_TOTAL_SUM},
};

enum { PMAP_PRIMARY = 3, PMAP_SECONDARY = 4, PMAP_FIELDS_MAX = 64 };

// Where the fields of `partition-info` stand, told by its first row.
struct pmap_form {
    size_t ns, state, replica, working_master;
};

static bool pmap_form_read(struct pmap_form *form, struct base_slice header)
{
    *form = (struct pmap_form){SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct base_slice name;
    for (size_t i = 0; wire_info_piece_next(&header, ':', &name); i++) {
        size_t *place = wire_info_equal(name, "namespace")        ? &form->ns
                        : wire_info_equal(name, "state")          ? &form->state
                        : wire_info_equal(name, "replica")        ? &form->replica
                        : wire_info_equal(name, "working_master") ? &form->working_master
                                                                  : NULL;
        if (place != NULL) {
            *place = i;
        }
    }
    return form->ns < PMAP_FIELDS_MAX && form->state < PMAP_FIELDS_MAX &&
           form->replica < PMAP_FIELDS_MAX && form->working_master < PMAP_FIELDS_MAX;
}

// Counts the partitions of a namespace for which the node is the working master, and those of which
// it holds another copy. False when the answer makes no sense.
static bool pmap_count(struct base_slice text, const char *ns, const char *id, int64_t *primary,
                       int64_t *secondary)
{
    struct base_slice line, field;
    struct pmap_form form;
    *primary = *secondary = 0;
    if (!wire_info_piece_next(&text, ';', &line) || !pmap_form_read(&form, line)) {
        return false;
    }
    while (wire_info_piece_next(&text, ';', &line)) {
        struct base_slice fields[PMAP_FIELDS_MAX] = {{0}};
        for (size_t i = 0; i < PMAP_FIELDS_MAX && wire_info_piece_next(&line, ':', &field); i++) {
            fields[i] = field;
        }
        if (!wire_info_equal(fields[form.ns], ns)) {
            continue;
        }
        bool holds = wire_info_equal(fields[form.replica], "0") ||
                     wire_info_equal(fields[form.state], "S") ||
                     wire_info_equal(fields[form.state], "D");
        if (wire_info_equal(fields[form.working_master], id)) {
            ++*primary;
        } else if (holds) {
            ++*secondary;
        }
    }
    return true;
}

static void pmap_line_add(struct admin_grid *grid, struct admin_row *row,
                          const struct admin_reply *reply, const char *ns)
{
    struct admin_map service = {0}, map = {0};
    struct base_slice value, partitions;
    char command[LIMIT_NAMESPACE_NAME_SIZE + sizeof "namespace/"];
    snprintf(command, sizeof command, "namespace/%s", ns);
    if (!admin_reply_value(reply, command, &value) || wire_info_equal(value, "type=unknown")) {
        return;
    }
    grid->failed |= admin_map_parse(&map, value, ';') != RESULT_OK;
    admin_reply_value(reply, "statistics", &value);
    grid->failed |= admin_map_parse(&service, value, ';') != RESULT_OK;
    if (!grid->failed) {
        row->ns = tools_slice_of(ns);
        row->maps[ADMIN_FROM_SERVICE] = &service;
        row->maps[ADMIN_FROM_NAMESPACE] = &map;
        admin_sheet_line_add(grid, row);
    }
    int64_t primary, secondary;
    if (!grid->failed && admin_reply_value(reply, "partition-info", &partitions) &&
        pmap_count(partitions, ns, row->node->id, &primary, &secondary)) {
        admin_grid_integer_set(grid, grid->line_count - 1, PMAP_PRIMARY, primary);
        admin_grid_integer_set(grid, grid->line_count - 1, PMAP_SECONDARY, secondary);
    }
    admin_map_fini(&service);
    admin_map_fini(&map);
}

void admin_show_pmap_run(struct admin_call *call)
{
    struct admin_namespaces namespaces;
    struct admin_replies replies;
    struct tools_text request = {0};
    if (!admin_call_namespaces(call, NULL, &namespaces)) {
        return;
    }
    tools_text_string_append(&request, "statistics\npartition-info\n");
    admin_namespaces_request(&namespaces, "namespace/", &request);
    if (admin_call_ask(call, tools_text_string(&request), &replies)) {
        struct admin_grid grid;
        grid_begin(&grid, call, "Partition Map Analysis", pmap_columns,
                   sizeof pmap_columns / sizeof pmap_columns[0]);
        grid.totals_named = true;
        for (size_t i = 0; i < replies.count && !grid.failed; i++) {
            struct admin_row row = {.cluster = &call->session->cluster,
                                    .node = replies.items[i].node,
                                    .faulty = replies.items[i].text == NULL};
            if (row.faulty) {
                admin_sheet_line_add(&grid, &row);
            }
            for (size_t n = 0; n < namespaces.count && !row.faulty && !grid.failed; n++) {
                pmap_line_add(&grid, &row, &replies.items[i], namespaces.names[n]);
            }
        }
        admin_show(call->session, &grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&grid);
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
}

// ---- racks --------------------------------------------------------------------------------------

static const struct admin_column rack_columns[] = {
    {.title = "Namespace", .grouped = true},
    {.title = "Rack ID", .type = ADMIN_TYPE_INTEGER, .ordered = true},
    {.title = "Nodes"},
};

// Adds a line for each `rack_<id>=<nodes>` of a namespace; in a namespace with a roster the racks
// of the roster count.
static void rack_lines_add(struct admin_grid *grid, const struct admin_map *item)
{
    static const char *const prefixes[] = {"roster_rack_", "rack_"};
    struct base_slice ns = admin_item_field(item, "ns", NULL);
    bool found = false;
    for (size_t p = 0; p < 2 && !found; p++) {
        size_t prefix = strlen(prefixes[p]);
        for (size_t i = 0; i < item->count; i++) {
            struct base_slice key = item->pairs[i].key;
            if (key.size <= prefix || memcmp(key.data, prefixes[p], prefix) != 0) {
                continue;
            }
            size_t line = admin_grid_line_add(grid);
            struct base_slice id = {.data = key.data + prefix, .size = key.size - prefix};
            if (grid->failed) {
                return;
            }
            found = true;
            admin_grid_text_set(grid, line, 0, ns);
            admin_sheet_value_set(grid, line, 1, ADMIN_TYPE_INTEGER, id);
            admin_grid_text_set(grid, line, 2, item->pairs[i].value);
        }
    }
}

static void on_rack_item(const struct admin_map *item, void *arg)
{
    rack_lines_add(arg, item);
}

void admin_show_racks_run(struct admin_call *call)
{
    struct admin_replies replies;
    if (!admin_call_ask_principal(call, "racks:\n", &replies)) {
        return;
    }
    struct admin_grid grid;
    struct base_slice value;
    grid_begin(&grid, call, "Racks", rack_columns, sizeof rack_columns / sizeof rack_columns[0]);
    if (admin_reply_value(&replies.items[0], "racks:", &value)) {
        grid.failed |= admin_items_read(value, ':', on_rack_item, &grid) != RESULT_OK;
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&grid);
    admin_replies_fini(&replies);
}

// ---- roster -------------------------------------------------------------------------------------

// A list of nodes, or nothing where it is `null`.
static void roster_set(struct admin_grid *grid, const struct admin_row *row, size_t line,
                       size_t column, const char *name)
{
    struct base_slice value;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
        return;
    }
    if (admin_map_find(row->maps[ADMIN_FROM_ITEM], name, &value)) {
        admin_grid_text_set(grid, line, column, value);
        if (value.size == 0 || tools_slice_is(value, "null")) {
            admin_grid_shown_set(grid, line, column, tools_slice_of("--"));
        }
    }
}

static void make_current(struct admin_grid *grid, const struct admin_row *row, size_t line,
                         size_t column)
{
    roster_set(grid, row, line, column, "roster");
}

static void make_pending(struct admin_grid *grid, const struct admin_row *row, size_t line,
                         size_t column)
{
    roster_set(grid, row, line, column, "pending_roster");
}

static void make_observed(struct admin_grid *grid, const struct admin_row *row, size_t line,
                          size_t column)
{
    roster_set(grid, row, line, column, "observed_nodes");
}

static const struct admin_column roster_columns[] = {
    ADMIN_COLUMN_NODE_LAST,
    {.title = "Node ID", .make = admin_make_node_id, .ordered = true},
    ADMIN_COLUMN_NS,
    {.title = "Current Roster", .make = make_current, .dynamic = true},
    {.title = "Pending Roster", .make = make_pending, .dynamic = true},
    {.title = "Observed Nodes", .make = make_observed, .dynamic = true},
};

struct roster_lines {
    struct admin_grid grid;
    struct admin_row row;
    const struct admin_filter *filter;
};

static void on_roster_item(const struct admin_map *item, void *arg)
{
    struct roster_lines *lines = arg;
    lines->row.ns = admin_item_field(item, "ns", NULL);
    lines->row.maps[ADMIN_FROM_ITEM] = item;
    if (admin_filter_passes(lines->filter, lines->row.ns)) {
        admin_sheet_line_add(&lines->grid, &lines->row);
    }
}

void admin_show_roster_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_replies replies;
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    if (admin_call_ask(call, "roster:\n", &replies)) {
        struct roster_lines lines = {.row.cluster = &call->session->cluster, .filter = &filter};
        grid_begin(&lines.grid, call, "Roster", roster_columns,
                   sizeof roster_columns / sizeof roster_columns[0]);
        for (size_t i = 0; i < replies.count && !lines.grid.failed; i++) {
            struct base_slice value;
            lines.row.node = replies.items[i].node;
            lines.row.faulty = replies.items[i].text == NULL;
            if (lines.row.faulty) {
                admin_sheet_line_add(&lines.grid, &lines.row);
            } else if (admin_reply_value(&replies.items[i], "roster:", &value)) {
                lines.grid.failed |=
                    admin_items_read(value, ':', on_roster_item, &lines) != RESULT_OK;
            }
        }
        if (admin_call_have(call, "diff")) {
            admin_grid_diff(&lines.grid);
        }
        admin_show(call->session, &lines.grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&lines.grid);
        admin_replies_fini(&replies);
    }
    admin_filter_fini(&filter);
}

// ---- best practices -----------------------------------------------------------------------------

static enum admin_alert alert_not_ok(const struct admin_grid *grid, size_t line,
                                     const struct admin_cell *cell)
{
    (void)line;
    return wire_info_equal(admin_cell_text(grid, cell), "ok") ? ADMIN_ALERT_GREEN : ADMIN_ALERT_RED;
}

// `failed_best_practices=a,b` as "a, b", and none as "ok".
static void make_practices(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column)
{
    struct base_slice value, piece;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
        return;
    }
    if (!admin_map_find(row->maps[ADMIN_FROM_ITEM], "failed_best_practices", &value)) {
        return;
    }
    struct tools_text text = {0};
    while (wire_info_piece_next(&value, ',', &piece)) {
        tools_text_format_append(&text, "%s%.*s", text.size == 0 ? "" : ", ", (int)piece.size,
                                 piece.data);
    }
    bool none = text.size == 0 || tools_slice_is(tools_text_slice(&text), "none");
    admin_grid_text_set(grid, line, column, none ? tools_slice_of("ok") : tools_text_slice(&text));
    grid->failed |= text.failed;
    tools_text_fini(&text);
}

static const struct admin_column practice_columns[] = {
    ADMIN_COLUMN_NODE,
    {.title = "Response", .make = make_practices, .alert = alert_not_ok},
};

void admin_show_best_practices_run(struct admin_call *call)
{
    struct admin_replies replies;
    if (!admin_call_ask(call, "best-practices\n", &replies)) {
        return;
    }
    struct admin_grid grid;
    grid_begin(&grid, call, "Best Practices", practice_columns,
               sizeof practice_columns / sizeof practice_columns[0]);
    struct admin_map *maps = admin_maps_of(&replies, "best-practices");
    grid.failed |= maps == NULL;
    for (size_t i = 0; i < replies.count && !grid.failed; i++) {
        const struct admin_row row = {.cluster = &call->session->cluster,
                                      .node = replies.items[i].node,
                                      .maps[ADMIN_FROM_ITEM] = &maps[i],
                                      .faulty = replies.items[i].text == NULL};
        admin_sheet_line_add(&grid, &row);
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_maps_free(maps, replies.count);
    admin_grid_fini(&grid);
    admin_replies_fini(&replies);
}
