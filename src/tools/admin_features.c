// SPDX-License-Identifier: Apache-2.0
// Each feature is one row: the statistics that count it, or the configuration that switches it on
// (info-and-tools section 3.5).
#include "tools/admin_features.h"

#include <stdlib.h>
#include <string.h>

#include "tools/admin_gather.h"
#include "tools/admin_session.h"

enum { NAMES_MAX = 12 };

struct feature {
    const char *name;
    const char *service[NAMES_MAX];   // any above zero
    const char *namespace[NAMES_MAX]; // any above zero, in any namespace
    const char *config;               // of a namespace, or of the service or network
    const char *value;                // that it has; NULL: any number above zero
    const char *value_not;            // or any but this
};

static const struct feature features[] = {
    {.name = "KVS",
     .service = {"stat_read_reqs", "stat_write_reqs"},
     .namespace = {"client_read_error", "client_read_success", "client_write_error",
                   "client_write_success"}},
    {.name = "UDF",
     .service = {"udf_read_reqs", "udf_write_reqs"},
     .namespace = {"client_udf_complete", "client_udf_error"}},
    {.name = "Batch", .service = {"batch_initiate", "batch_index_initiate"}},
    {.name = "Scan",
     .service = {"tscan_initiate", "basic_scans_succeeded", "basic_scans_failed",
                 "aggr_scans_succeeded", "aggr_scans_failed", "udf_bg_scans_succeeded",
                 "udf_bg_scans_failed"},
     .namespace = {"scan_basic_complete", "scan_basic_error", "scan_aggr_complete",
                   "scan_aggr_error", "scan_udf_bg_complete", "scan_udf_bg_error"}},
    {.name = "SIndex",
     .service = {"sindex-used-bytes-memory"},
     .namespace = {"memory_used_sindex_bytes"}},
    {.name = "Query",
     .service = {"query_reqs", "query_success"},
     .namespace = {"query_reqs", "query_success"}},
    {.name = "PIndex Query",
     .namespace = {"pi_query_long_basic_complete", "pi_query_long_basic_error",
                   "pi_query_short_basic_complete", "pi_query_short_basic_error",
                   "pi_query_aggr_complete", "pi_query_aggr_error", "pi_query_udf_bg_complete",
                   "pi_query_udf_bg_error", "pi_query_ops_bg_complete", "pi_query_ops_bg_error"}},
    {.name = "SIndex Query",
     .namespace = {"si_query_long_basic_complete", "si_query_long_basic_error",
                   "si_query_short_basic_complete", "si_query_short_basic_error",
                   "si_query_aggr_complete", "si_query_aggr_error", "si_query_udf_bg_complete",
                   "si_query_udf_bg_error", "si_query_ops_bg_complete", "si_query_ops_bg_error"}},
    {.name = "Aggregation",
     .service = {"query_aggr_success", "query_aggr_error", "query_aggr_abort", "query_agg"},
     .namespace = {"query_aggr_success", "query_aggr_error", "query_aggr_abort", "query_agg"}},
    {.name = "LDT", .namespace = {"ldt_writes", "ldt_reads", "ldt_deletes"}},
    {.name = "XDR Source", .service = {"stat_read_reqs_xdr", "xdr_read_success", "xdr_read_error"}},
    {.name = "XDR Destination",
     .service = {"stat_write_reqs_xdr"},
     .namespace = {"xdr_write_success", "xdr_client_write_success"}},
    {.name = "Rack-aware", .service = {"self-group-id"}, .config = "rack-id"},
    {.name = "Security", .config = "enable-security", .value = "true"},
    {.name = "TLS (Heartbeat)", .config = "heartbeat.tls-port"},
    {.name = "TLS (Fabric)", .config = "fabric.tls-port"},
    {.name = "TLS (Service)", .config = "service.tls-port"},
    {.name = "SC", .config = "strong-consistency", .value = "true"},
    {.name = "Index-on-flash", .config = "index-type", .value = "flash"},
    {.name = "Index-on-pmem", .config = "index-type", .value = "pmem"},
    {.name = "Index-on-shmem", .config = "index-type", .value = "shmem"},
    {.name = "Compression", .config = "storage-engine.compression", .value_not = "none"},
};

size_t admin_features_count(void)
{
    return sizeof features / sizeof features[0];
}

const char *admin_feature_name(size_t number)
{
    return features[number].name;
}

static bool any_above_zero(const struct admin_map *map, const char *const *names)
{
    for (size_t i = 0; i < NAMES_MAX && names[i] != NULL; i++) {
        if (admin_map_number(map, names[i]) > 0) {
            return true;
        }
    }
    return false;
}

static bool config_fits(const struct feature *feature, const struct admin_map *map)
{
    struct base_slice value;
    double number;
    if (feature->config == NULL || !admin_map_find(map, feature->config, &value)) {
        return false;
    }
    if (feature->value != NULL) {
        return tools_slice_is(value, feature->value);
    }
    if (feature->value_not != NULL) {
        return !tools_slice_is(value, feature->value_not);
    }
    return admin_slice_number(value, &number) && number > 0;
}

bool admin_feature_used(size_t number, const struct admin_map *service,
                        const struct admin_map *service_config,
                        const struct admin_map *network_config, const struct admin_map *namespaces,
                        size_t namespace_count)
{
    const struct feature *feature = &features[number];
    bool used = any_above_zero(service, feature->service) || config_fits(feature, service_config) ||
                config_fits(feature, network_config);
    for (size_t i = 0; i < namespace_count && !used; i++) {
        used = any_above_zero(&namespaces[i], feature->namespace) ||
               config_fits(feature, &namespaces[i]);
    }
    return used;
}

static enum admin_alert alert_no(const struct admin_grid *grid, size_t line,
                                 const struct admin_cell *cell)
{
    (void)line;
    return tools_slice_is(admin_cell_text(grid, cell), "YES") ? ADMIN_ALERT_GREEN
                                                              : ADMIN_ALERT_NONE;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(features[*(const size_t *)a].name, features[*(const size_t *)b].name);
}

// Columns in the order of their names. Returns false when memory ran out.
static void columns_add(struct admin_grid *grid, const size_t *order,
                        const struct admin_filter *filter)
{
    static const struct admin_column node_column = ADMIN_COLUMN_NODE;
    admin_grid_columns_add(grid, &node_column, 1);
    for (size_t i = 0; i < admin_features_count(); i++) {
        const char *name = features[order[i]].name;
        if (admin_filter_passes(filter, tools_slice_of(name))) {
            struct admin_column *column = admin_grid_column_add(grid, tools_slice_of(name));
            if (column != NULL) {
                column->dynamic = true;
            }
        }
    }
}

static void line_add(struct admin_grid *grid, const struct admin_call *call,
                     const struct admin_gathered *node, const size_t *order,
                     const struct admin_filter *filter)
{
    const struct admin_row row = {.cluster = &call->session->cluster, .node = node->node};
    size_t line = admin_grid_line_add(grid);
    if (grid->failed) {
        return;
    }
    admin_make_node(grid, &row, line, 0);
    for (size_t i = 0, column = 1; i < admin_features_count() && !grid->failed; i++) {
        if (!admin_filter_passes(filter, tools_slice_of(features[order[i]].name))) {
            continue;
        }
        if (node->faulty) {
            admin_grid_fault_set(grid, line, column++);
            continue;
        }
        bool used =
            admin_feature_used(order[i], &node->service, &node->service_config,
                               &node->network_config, node->namespaces, node->namespace_count);
        admin_grid_text_set(grid, line, column, tools_slice_of(used ? "YES" : "NO"));
        if (!grid->failed) {
            struct admin_cell *cell = admin_grid_cell(grid, line, column);
            cell->alert = alert_no(grid, line, cell);
        }
        column++;
    }
}

void admin_features_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_gather gather;
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    if (admin_gather_begin(call, &gather)) {
        size_t order[sizeof features / sizeof features[0]];
        for (size_t i = 0; i < admin_features_count(); i++) {
            order[i] = i;
        }
        qsort(order, admin_features_count(), sizeof order[0], name_compare);
        char title[ADMIN_TITLE_SIZE];
        admin_title(call->session, "Features", title);
        struct admin_grid grid;
        admin_grid_init(&grid, title);
        columns_add(&grid, order, &filter);
        for (size_t i = 0; i < gather.count && !grid.failed; i++) {
            line_add(&grid, call, &gather.nodes[i], order, &filter);
        }
        admin_show(call->session, &grid, ADMIN_STYLE_PARAMETERS);
        admin_grid_fini(&grid);
        admin_gather_end(&gather);
    }
    admin_filter_fini(&filter);
}
