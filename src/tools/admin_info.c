// SPDX-License-Identifier: Apache-2.0
// `info network` and `info namespace` (spec info-and-tools sections 3.4 and 4.5).
#include "tools/admin_info.h"

#include <string.h>

#include "tools/admin_session.h"
#include "wire/info.h"

// ---- network ------------------------------------------------------------------------------------

// The build behind a letter for the edition that the version names.
static void make_build(struct admin_grid *grid, const struct admin_row *row, size_t line,
                       size_t column)
{
    static const struct {
        const char *word, *letter;
    } editions[] = {{"community", "C-"}, {"enterprise", "E-"}, {"federal", "F-"}};
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
        return;
    }
    if (row->build.size == 0) {
        return;
    }
    struct tools_text text = {0}, version = {0};
    tools_text_append(&version, row->version.data, row->version.size);
    for (size_t i = 0; i < sizeof editions / sizeof editions[0]; i++) {
        if (strcasestr(tools_text_string(&version), editions[i].word) != NULL) {
            tools_text_string_append(&text, editions[i].letter);
            break;
        }
    }
    tools_text_append(&text, row->build.data, row->build.size);
    admin_grid_text_set(grid, line, column, tools_text_slice(&text));
    grid->failed |= text.failed || version.failed;
    tools_text_fini(&text);
    tools_text_fini(&version);
}

static enum admin_alert alert_not_zero(const struct admin_grid *grid, size_t line,
                                       const struct admin_cell *cell)
{
    (void)grid;
    (void)line;
    double number;
    return admin_cell_number(cell, &number) && number != 0 ? ADMIN_ALERT_YELLOW : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_unless(const struct admin_grid *grid, const struct admin_cell *cell,
                                     struct base_slice common)
{
    return base_slice_equal(admin_cell_text(grid, cell), common) ? ADMIN_ALERT_NONE
                                                                 : ADMIN_ALERT_RED;
}

static enum admin_alert alert_size(const struct admin_grid *grid, size_t line,
                                   const struct admin_cell *cell)
{
    (void)line;
    const struct admin_common *common = grid->common;
    double number, most;
    bool same = admin_cell_number(cell, &number) && admin_slice_number(common->size, &most) &&
                number == most;
    return same ? ADMIN_ALERT_NONE : ADMIN_ALERT_RED;
}

static enum admin_alert alert_key(const struct admin_grid *grid, size_t line,
                                  const struct admin_cell *cell)
{
    (void)line;
    return alert_unless(grid, cell, ((const struct admin_common *)grid->common)->key);
}

static enum admin_alert alert_principal(const struct admin_grid *grid, size_t line,
                                        const struct admin_cell *cell)
{
    (void)line;
    return alert_unless(grid, cell, ((const struct admin_common *)grid->common)->principal);
}

static enum admin_alert alert_false(const struct admin_grid *grid, size_t line,
                                    const struct admin_cell *cell)
{
    (void)grid;
    (void)line;
    return cell->integer == 0 ? ADMIN_ALERT_RED : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_true(const struct admin_grid *grid, size_t line,
                                   const struct admin_cell *cell)
{
    (void)grid;
    (void)line;
    return cell->integer != 0 ? ADMIN_ALERT_RED : ADMIN_ALERT_NONE;
}

static const struct admin_column network_columns[] = {
    ADMIN_COLUMN_NODE,
    {.title = "Node ID", .make = admin_make_node_id, .align = ADMIN_RIGHT},
    {.title = "IP", .make = admin_make_address},
    {.title = "Build", .make = make_build},
    {.title = "Migrations",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"migrate_partitions_remaining"},
     .form = ADMIN_COUNT,
     .alert = alert_not_zero},
    {.group = "Cluster",
     .title = "Size",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"cluster_size"},
     .alert = alert_size},
    {.group = "Cluster",
     .title = "Key",
     .from = ADMIN_FROM_SERVICE,
     .names = {"cluster_key"},
     .align = ADMIN_RIGHT,
     .alert = alert_key},
    {.group = "Cluster",
     .title = "Integrity",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_BOOLEAN,
     .names = {"cluster_integrity"},
     .alert = alert_false},
    {.group = "Cluster",
     .title = "Principal",
     .from = ADMIN_FROM_SERVICE,
     .names = {"paxos_principal", "cluster_principal"},
     .align = ADMIN_RIGHT,
     .alert = alert_principal},
    {.title = "Client Conns",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"client_connections"}},
    {.title = "Uptime",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"uptime"},
     .form = ADMIN_CLOCK},
};

void admin_info_network_run(struct admin_call *call)
{
    struct admin_session *session = call->session;
    struct admin_replies replies;
    if (!admin_call_ask(call, "statistics\nbuild\nversion\n", &replies)) {
        return;
    }
    char title[ADMIN_TITLE_SIZE];
    admin_title(session, "Network Information", title);
    struct admin_grid grid;
    admin_grid_init(&grid, title);
    admin_grid_columns_add(&grid, network_columns,
                           sizeof network_columns / sizeof network_columns[0]);
    struct admin_map *statistics = admin_maps_of(&replies, "statistics");
    struct admin_common common;
    grid.failed |= statistics == NULL;
    grid.common = &common;
    admin_common_find(&common, &session->cluster, statistics,
                      statistics == NULL ? 0 : replies.count);
    for (size_t i = 0; i < replies.count && !grid.failed; i++) {
        const struct admin_reply *reply = &replies.items[i];
        struct admin_row row = {.cluster = &session->cluster,
                                .node = reply->node,
                                .maps[ADMIN_FROM_SERVICE] = &statistics[i],
                                .faulty = reply->text == NULL};
        admin_reply_value(reply, "build", &row.build);
        admin_reply_value(reply, "version", &row.version);
        admin_sheet_line_add(&grid, &row);
    }
    admin_show(session, &grid, ADMIN_STYLE_LINES);
    admin_maps_free(statistics, replies.count);
    admin_grid_fini(&grid);
    admin_replies_fini(&replies);
}

// ---- namespace usage ----------------------------------------------------------------------------

// True when the cell has reached the limit in another cell of its group; a limit of zero is none.
static bool reaches(const struct admin_grid *grid, size_t line, const char *group,
                    const struct admin_cell *cell, double scale, const char *limit, bool zero_too)
{
    double number, most;
    return admin_cell_number(cell, &number) &&
           admin_cell_number(admin_grid_find(grid, line, group, limit), &most) &&
           number * scale >= most && (most != 0 || zero_too);
}

static enum admin_alert alert_primary_used(const struct admin_grid *grid, size_t line,
                                           const struct admin_cell *cell)
{
    return reaches(grid, line, "Primary Index", cell, 100, "Evict%", false) ? ADMIN_ALERT_YELLOW
                                                                            : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_secondary_used(const struct admin_grid *grid, size_t line,
                                             const struct admin_cell *cell)
{
    return reaches(grid, line, "Secondary Index", cell, 100, "Evict%", false) ? ADMIN_ALERT_YELLOW
                                                                              : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_storage_used(const struct admin_grid *grid, size_t line,
                                           const struct admin_cell *cell)
{
    return reaches(grid, line, "Storage Engine", cell, 100, "Evict%", false) ||
                   reaches(grid, line, "Storage Engine", cell, 100, "Used Stop%", true)
               ? ADMIN_ALERT_RED
               : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_storage_avail(const struct admin_grid *grid, size_t line,
                                            const struct admin_cell *cell)
{
    double number, least;
    bool low =
        admin_cell_number(cell, &number) &&
        admin_cell_number(admin_grid_find(grid, line, "Storage Engine", "Avail Stop%"), &least) &&
        number <= least;
    return low ? ADMIN_ALERT_RED : ADMIN_ALERT_NONE;
}

static enum admin_alert alert_memory_used(const struct admin_grid *grid, size_t line,
                                          const struct admin_cell *cell)
{
    return reaches(grid, line, "Memory", cell, 100, "HWM%", false) ? ADMIN_ALERT_YELLOW
                                                                   : ADMIN_ALERT_NONE;
}

// Used%, as a ratio: from a percentage, or from what is used of a budget.
static void make_used(struct admin_grid *grid, const struct admin_row *row, size_t line,
                      size_t column, const char *percentage, const char *const *used,
                      const char *const *budget)
{
    struct base_slice value, limit;
    double number, most;
    const char *const percentages[ADMIN_NAMES_MAX] = {percentage};
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (admin_row_find(row, ADMIN_FROM_NAMESPACE, percentages, &value) &&
               admin_slice_number(value, &number)) {
        admin_grid_real_set(grid, line, column, number / 100);
    } else if (admin_row_find(row, ADMIN_FROM_NAMESPACE, used, &value) &&
               admin_slice_number(value, &number) &&
               admin_row_find(row, ADMIN_FROM_NAMESPACE, budget, &limit) &&
               admin_slice_number(limit, &most) && most != 0) {
        admin_grid_real_set(grid, line, column, number / most);
    }
}

#define PRIMARY_USED                                                                               \
    {                                                                                              \
        "index_used_bytes", "index_flash_used_bytes", "index_pmem_used_bytes",                     \
            "memory_used_index_bytes"                                                              \
    }
#define PRIMARY_BUDGET                                                                             \
    {                                                                                              \
        "index-type.mounts-budget", "indexes-memory-budget", "index-type.mounts-size-limit"        \
    }
#define SECONDARY_USED                                                                             \
    {                                                                                              \
        "sindex_used_bytes", "sindex_flash_used_bytes", "sindex_pmem_used_bytes",                  \
            "memory_used_sindex_bytes"                                                             \
    }
#define SECONDARY_BUDGET                                                                           \
    {                                                                                              \
        "sindex-type.mounts-budget", "indexes-memory-budget", "sindex-type.mounts-size-limit"      \
    }
#define STORAGE_USED                                                                               \
    {                                                                                              \
        "data_used_bytes", "device_used_bytes", "pmem_used_bytes", "used-bytes-disk"               \
    }
#define STORAGE_TOTAL                                                                              \
    {                                                                                              \
        "data_total_bytes", "device_total_bytes", "pmem_total_bytes", "total-bytes-disk"           \
    }
#define MEMORY_USED                                                                                \
    {                                                                                              \
        "memory_used_bytes", "used-bytes-memory"                                                   \
    }
#define MEMORY_TOTAL                                                                               \
    {                                                                                              \
        "memory-size", "total-bytes-memory"                                                        \
    }

static void make_primary_used(struct admin_grid *grid, const struct admin_row *row, size_t line,
                              size_t column)
{
    static const char *const used[ADMIN_NAMES_MAX] = PRIMARY_USED;
    static const char *const budget[ADMIN_NAMES_MAX] = PRIMARY_BUDGET;
    make_used(grid, row, line, column, "index_mounts_used_pct", used, budget);
}

static void make_secondary_used(struct admin_grid *grid, const struct admin_row *row, size_t line,
                                size_t column)
{
    static const char *const used[ADMIN_NAMES_MAX] = SECONDARY_USED;
    static const char *const budget[ADMIN_NAMES_MAX] = SECONDARY_BUDGET;
    make_used(grid, row, line, column, "sindex_mounts_used_pct", used, budget);
}

// A column with a number from the namespace, in one line.
#define NS_NUMBER(group_title, column_title, number_form, number_total, ...)                       \
    {                                                                                              \
        .group = group_title, .title = column_title, .from = ADMIN_FROM_NAMESPACE,                 \
        .type = ADMIN_TYPE_INTEGER, .form = number_form, .total = number_total, __VA_ARGS__        \
    }

static const struct admin_column usage_columns[] = {
    ADMIN_COLUMN_NS,
    ADMIN_COLUMN_NODE,
    NS_NUMBER(NULL, "Evictions", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"evicted_objects", "evicted-objects"}),
    {.title = "Stop Writes",
     .from = ADMIN_FROM_NAMESPACE,
     .type = ADMIN_TYPE_BOOLEAN,
     .names = {"stop_writes", "stop-writes"},
     .alert = alert_true},
    {.group = "System Memory",
     .title = "Avail%",
     .from = ADMIN_FROM_SERVICE,
     .type = ADMIN_TYPE_INTEGER,
     .names = {"system_free_mem_pct"}},
    NS_NUMBER("System Memory", "Evict%", ADMIN_AS_IS, ADMIN_TOTAL_NONE,
              .names = {"evict-sys-memory-pct"}),
    NS_NUMBER("System Memory", "Stop%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"stop-writes-sys-memory-pct"}),
    {.group = "Primary Index",
     .title = "Type",
     .from = ADMIN_FROM_NAMESPACE,
     .names = {"index-type"}},
    NS_NUMBER("Primary Index", "Total", ADMIN_BYTES, ADMIN_TOTAL_NONE, .names = PRIMARY_BUDGET,
              .hidden = true),
    NS_NUMBER("Primary Index", "Used", ADMIN_BYTES, ADMIN_TOTAL_SUM, .names = PRIMARY_USED),
    {.group = "Primary Index",
     .title = "Used%",
     .type = ADMIN_TYPE_REAL,
     .make = make_primary_used,
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_primary_used},
    NS_NUMBER("Primary Index", "Evict%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"evict-indexes-memory-pct", "index-type.evict-mounts-pct",
                        "index-type.mounts-high-water-pct"}),
    {.group = "Secondary Index",
     .title = "Type",
     .from = ADMIN_FROM_NAMESPACE,
     .names = {"sindex-type"}},
    NS_NUMBER("Secondary Index", "Total", ADMIN_BYTES, ADMIN_TOTAL_NONE, .names = SECONDARY_BUDGET,
              .hidden = true),
    NS_NUMBER("Secondary Index", "Used", ADMIN_BYTES, ADMIN_TOTAL_SUM, .names = SECONDARY_USED),
    {.group = "Secondary Index",
     .title = "Used%",
     .type = ADMIN_TYPE_REAL,
     .make = make_secondary_used,
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_secondary_used},
    NS_NUMBER("Secondary Index", "Evict%", ADMIN_AS_IS, ADMIN_TOTAL_NONE,
              .names = {"sindex-type.evict-mounts-pct", "sindex-type.mounts-high-water-pct"}),
    {.group = "Storage Engine",
     .title = "Type",
     .from = ADMIN_FROM_NAMESPACE,
     .names = {"storage-engine"}},
    NS_NUMBER("Storage Engine", "Total", ADMIN_BYTES, ADMIN_TOTAL_NONE, .names = STORAGE_TOTAL,
              .hidden = true),
    NS_NUMBER("Storage Engine", "Used", ADMIN_BYTES, ADMIN_TOTAL_SUM, .names = STORAGE_USED),
    {.group = "Storage Engine",
     .title = "Used%",
     .from = ADMIN_FROM_NAMESPACE,
     .type = ADMIN_TYPE_REAL,
     .names = STORAGE_USED,
     .per = STORAGE_TOTAL,
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_storage_used},
    NS_NUMBER("Storage Engine", "Evict%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"storage-engine.evict-used-pct", "high-water-disk-pct"}),
    NS_NUMBER("Storage Engine", "Used Stop%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"storage-engine.stop-writes-used-pct", "storage-engine.max-used-pct"}),
    NS_NUMBER(
        "Storage Engine", "Avail%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
        .names = {"data_avail_pct", "device_available_pct", "pmem_available_pct", "available_pct"},
        .alert = alert_storage_avail),
    NS_NUMBER("Storage Engine", "Avail Stop%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"storage-engine.stop-writes-avail-pct", "storage-engine.min-avail-pct"}),
    NS_NUMBER("Memory", "Total", ADMIN_BYTES, ADMIN_TOTAL_NONE, .names = MEMORY_TOTAL,
              .hidden = true),
    NS_NUMBER("Memory", "Used", ADMIN_BYTES, ADMIN_TOTAL_SUM, .names = MEMORY_USED),
    {.group = "Memory",
     .title = "Used%",
     .from = ADMIN_FROM_NAMESPACE,
     .type = ADMIN_TYPE_REAL,
     .names = MEMORY_USED,
     .per = MEMORY_TOTAL,
     .form = ADMIN_RATIO,
     .total = ADMIN_TOTAL_WEIGHTED,
     .weight = "Total",
     .alert = alert_memory_used},
    NS_NUMBER("Memory", "HWM%", ADMIN_PERCENT, ADMIN_TOTAL_NONE,
              .names = {"high-water-memory-pct"}),
    NS_NUMBER("Memory", "Stop%", ADMIN_PERCENT, ADMIN_TOTAL_NONE, .names = {"stop-writes-pct"}),
};

// ---- namespace objects --------------------------------------------------------------------------

static void make_rack(struct admin_grid *grid, const struct admin_row *row, size_t line,
                      size_t column)
{
    static const char *const names[ADMIN_NAMES_MAX] = {"rack-id"};
    struct base_slice value = row->rack;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (value.size > 0 || admin_row_find(row, ADMIN_FROM_NAMESPACE, names, &value)) {
        admin_sheet_value_set(grid, line, column, ADMIN_TYPE_INTEGER, value);
    }
}

// Records of all kinds; nothing when one of the six is not told.
static void make_records(struct admin_grid *grid, const struct admin_row *row, size_t line,
                         size_t column)
{
    static const char *const parts[][ADMIN_NAMES_MAX] = {
        {"master_objects", "master-objects"},
        {"master_tombstones"},
        {"prole_objects", "prole-objects"},
        {"prole_tombstones"},
        {"non_replica_objects"},
        {"non_replica_tombstones"},
    };
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct base_slice value;
        double number;
        if (row->faulty) {
            admin_grid_fault_set(grid, line, column);
            return;
        }
        if (!admin_row_find(row, ADMIN_FROM_NAMESPACE, parts[i], &value) ||
            !admin_slice_number(value, &number)) {
            return;
        }
        sum += number;
    }
    admin_grid_integer_set(grid, line, column, (int64_t)sum);
}

static const struct admin_column object_columns[] = {
    ADMIN_COLUMN_NS,
    ADMIN_COLUMN_NODE,
    {.title = "Rack ID", .type = ADMIN_TYPE_INTEGER, .make = make_rack},
    NS_NUMBER(NULL, "Repl Factor", ADMIN_AS_IS, ADMIN_TOTAL_NONE,
              .names = {"effective_replication_factor", "replication-factor", "repl-factor"}),
    NS_NUMBER(NULL, "Expirations", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"expired_objects", "expired-objects"}),
    {.title = "Total Records",
     .type = ADMIN_TYPE_INTEGER,
     .make = make_records,
     .form = ADMIN_COUNT,
     .total = ADMIN_TOTAL_SUM},
    NS_NUMBER("Objects", "Master", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"master_objects", "master-objects"}),
    NS_NUMBER("Objects", "Prole", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"prole_objects", "prole-objects"}),
    NS_NUMBER("Objects", "Non-Replica", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"non_replica_objects"}),
    NS_NUMBER("Tombstones", "Master", ADMIN_COUNT, ADMIN_TOTAL_SUM, .names = {"master_tombstones"}),
    NS_NUMBER("Tombstones", "Prole", ADMIN_COUNT, ADMIN_TOTAL_SUM, .names = {"prole_tombstones"}),
    NS_NUMBER("Tombstones", "Non-Replica", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"non_replica_tombstones"}),
    NS_NUMBER("Pending Migrates", "Tx", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"migrate_tx_partitions_remaining", "migrate-tx-partitions-remaining"}),
    NS_NUMBER("Pending Migrates", "Rx", ADMIN_COUNT, ADMIN_TOTAL_SUM,
              .names = {"migrate_rx_partitions_remaining", "migrate-rx-partitions-remaining"}),
};

// ---- both ---------------------------------------------------------------------------------------

// The rack of a namespace in `ns:rack;ns:rack`.
static struct base_slice rack_of(struct base_slice list, const char *ns)
{
    struct base_slice item, name;
    while (wire_info_piece_next(&list, ';', &item)) {
        if (wire_info_piece_next(&item, ':', &name) && wire_info_equal(name, ns)) {
            return item;
        }
    }
    return (struct base_slice){0};
}

// A line for each namespace of one node.
static void node_lines_add(struct admin_grid *grid, const struct admin_call *call,
                           const struct admin_reply *reply,
                           const struct admin_namespaces *namespaces)
{
    struct admin_row row = {
        .cluster = &call->session->cluster, .node = reply->node, .faulty = reply->text == NULL};
    if (row.faulty) {
        admin_sheet_line_add(grid, &row);
        return;
    }
    struct admin_map service = {0};
    struct base_slice value, racks;
    admin_reply_value(reply, "statistics", &value);
    grid->failed |= admin_map_parse(&service, value, ';') != RESULT_OK;
    admin_reply_value(reply, "rack-ids", &racks);
    for (size_t i = 0; i < namespaces->count && !grid->failed; i++) {
        char command[LIMIT_NAMESPACE_NAME_SIZE + sizeof "namespace/"];
        snprintf(command, sizeof command, "namespace/%s", namespaces->names[i]);
        struct admin_map map;
        if (!admin_reply_value(reply, command, &value) || wire_info_equal(value, "type=unknown")) {
            continue; // not every node need have every namespace
        }
        if (admin_map_parse(&map, value, ';') != RESULT_OK) {
            grid->failed = true;
            break;
        }
        row.ns = tools_slice_of(namespaces->names[i]);
        row.rack = rack_of(racks, namespaces->names[i]);
        row.maps[ADMIN_FROM_SERVICE] = &service;
        row.maps[ADMIN_FROM_NAMESPACE] = &map;
        admin_sheet_line_add(grid, &row);
        admin_map_fini(&map);
    }
    admin_map_fini(&service);
}

static void namespaces_show(struct admin_call *call, const struct admin_replies *replies,
                            const struct admin_namespaces *namespaces, const char *name,
                            const struct admin_column *columns, size_t column_count)
{
    char title[ADMIN_TITLE_SIZE];
    admin_title(call->session, name, title);
    struct admin_grid grid;
    admin_grid_init(&grid, title);
    grid.totals_named = true;
    admin_grid_columns_add(&grid, columns, column_count);
    for (size_t i = 0; i < replies->count && !grid.failed; i++) {
        node_lines_add(&grid, call, &replies->items[i], namespaces);
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&grid);
}

static void namespace_run(struct admin_call *call, bool usage, bool object)
{
    struct admin_filter filter;
    struct admin_namespaces namespaces;
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    bool found = admin_call_namespaces(call, &filter, &namespaces);
    admin_filter_fini(&filter);
    struct tools_text request = {0};
    tools_text_string_append(&request, "statistics\nrack-ids\n");
    admin_namespaces_request(&namespaces, "namespace/", &request);
    struct admin_replies replies;
    if (found && admin_call_ask(call, tools_text_string(&request), &replies)) {
        if (usage) {
            namespaces_show(call, &replies, &namespaces, "Namespace Usage Information",
                            usage_columns, sizeof usage_columns / sizeof usage_columns[0]);
        }
        if (object) {
            namespaces_show(call, &replies, &namespaces, "Namespace Object Information",
                            object_columns, sizeof object_columns / sizeof object_columns[0]);
        }
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
}

void admin_info_usage_run(struct admin_call *call)
{
    namespace_run(call, true, false);
}

void admin_info_object_run(struct admin_call *call)
{
    namespace_run(call, false, true);
}

void admin_info_namespace_run(struct admin_call *call)
{
    namespace_run(call, true, true);
}

void admin_info_run(struct admin_call *call)
{
    admin_info_network_run(call);
    admin_info_namespace_run(call);
}
