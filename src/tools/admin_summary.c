// SPDX-License-Identifier: Apache-2.0
// Everything is added up over nodes first, for the cluster and for each namespace, and then told as
// a row of facts (info-and-tools section 3.5).
#include "tools/admin_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/admin_features.h"
#include "tools/admin_gather.h"
#include "wire/info.h"

enum { FACTS_MAX = 96, DISTINCT_MAX = 16, DISTINCT_SIZE = 128 };

// ---- adding up ----------------------------------------------------------------------------------

// Different texts, in the order in which they came.
struct distinct {
    char texts[DISTINCT_MAX][DISTINCT_SIZE];
    size_t count;
};

static void distinct_add(struct distinct *distinct, struct base_slice text)
{
    char copy[DISTINCT_SIZE];
    snprintf(copy, sizeof copy, "%.*s", (int)text.size,
             text.size == 0 ? "" : (const char *)text.data);
    for (size_t i = 0; i < distinct->count; i++) {
        if (strcmp(distinct->texts[i], copy) == 0) {
            return;
        }
    }
    if (text.size > 0 && distinct->count < DISTINCT_MAX) {
        memcpy(distinct->texts[distinct->count++], copy, sizeof copy);
    }
}

static void distinct_append(const struct distinct *distinct, struct tools_text *out)
{
    for (size_t i = 0; i < distinct->count; i++) {
        tools_text_format_append(out, "%s%s", i == 0 ? "" : ",", distinct->texts[i]);
    }
}

struct storage {
    bool any;
    double total, used, avail;
};

enum media { MEDIA_MEMORY, MEDIA_DEVICE, MEDIA_PMEM, MEDIA_COUNT };

static const char *const data_titles[] = {"Data Memory", "Data Device", "Data Pmem"};
static const char *const index_titles[] = {"Shmem Index", "Flash Index", "Pmem Index"};
static const char *const sindex_titles[] = {"Shmem Sindex", "Flash Sindex", "Pmem Sindex"};

static enum media media_of(const struct admin_map *map, const char *name)
{
    struct base_slice value;
    admin_map_find(map, name, &value);
    return tools_slice_is(value, "device") || tools_slice_is(value, "flash") ? MEDIA_DEVICE
           : tools_slice_is(value, "pmem")                                   ? MEDIA_PMEM
                                                                             : MEDIA_MEMORY;
}

struct sums {
    struct storage data[MEDIA_COUNT], index[MEDIA_COUNT], sindex[MEDIA_COUNT], set_index, budget;
    double devices, objects, master_objects, unique_bytes, compression_ratio;
    double cache_read_pct, cache_nodes;
    bool has_compression;
    double nodes;
    size_t devices_most, devices_least; // on one node
    bool migrating;
    struct distinct replication_factors;
};

static bool is_device(struct base_slice name)
{
    static const char *const prefixes[] = {"storage-engine.device[", "storage-engine.file["};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(prefixes[i]);
        if (name.size > size && memcmp(name.data, prefixes[i], size) == 0 &&
            name.data[name.size - 1] == ']') {
            return true;
        }
    }
    return false;
}

static size_t devices_count(const struct admin_map *map)
{
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        count += is_device(map->pairs[i].key);
    }
    return count;
}

static void used_add(struct storage *storage, const struct admin_map *map, const char *name)
{
    struct base_slice value;
    storage->any |= admin_map_find(map, name, &value);
    storage->used += admin_map_number(map, name);
}

static void sums_add(struct sums *sums, const struct admin_map *map)
{
    struct storage *data = &sums->data[media_of(map, "storage-engine")];
    double total = admin_map_number(map, "data_total_bytes");
    double used = admin_map_number(map, "data_used_bytes");
    double ratio = admin_map_number(map, "data_compression_ratio");
    double factor = admin_map_number(map, "effective_replication_factor");
    data->any |= total > 0;
    data->total += total;
    data->used += used;
    data->avail += total * admin_map_number(map, "data_avail_pct") / 100;
    used_add(&sums->index[media_of(map, "index-type")], map, "index_used_bytes");
    used_add(&sums->sindex[media_of(map, "sindex-type")], map, "sindex_used_bytes");
    used_add(&sums->set_index, map, "set_index_used_bytes");
    double budget = admin_map_number(map, "indexes-memory-budget");
    if (budget > 0) {
        double indexes = admin_map_number(map, "index_used_bytes") +
                         admin_map_number(map, "sindex_used_bytes") +
                         admin_map_number(map, "set_index_used_bytes");
        sums->budget.any = true;
        sums->budget.total += budget;
        sums->budget.used += indexes;
        sums->budget.avail += budget - indexes;
    }
    size_t devices = devices_count(map);
    sums->devices_most =
        sums->nodes == 0 || devices > sums->devices_most ? devices : sums->devices_most;
    sums->devices_least =
        sums->nodes == 0 || devices < sums->devices_least ? devices : sums->devices_least;
    sums->devices += (double)devices;
    sums->nodes++;
    sums->objects += admin_map_number(map, "objects");
    sums->master_objects += admin_map_number(map, "master_objects");
    sums->unique_bytes += used / (ratio > 0 ? ratio : 1) / (factor > 0 ? factor : 1);
    struct base_slice value;
    sums->has_compression |= ratio > 0;
    sums->compression_ratio = ratio > sums->compression_ratio ? ratio : sums->compression_ratio;
    if (admin_map_find(map, "cache_read_pct", &value)) {
        sums->cache_read_pct += admin_map_number(map, "cache_read_pct");
        sums->cache_nodes++;
    }
    sums->migrating |= admin_map_number(map, "migrate_tx_partitions_remaining") > 0 ||
                       admin_map_number(map, "migrate_rx_partitions_remaining") > 0;
    if (admin_map_find(map, "replication-factor", &value) ||
        admin_map_find(map, "repl-factor", &value)) {
        distinct_add(&sums->replication_factors, value);
    }
}

// ---- facts --------------------------------------------------------------------------------------

struct fact {
    const char *group; // of namespaces' tables
    char title[48];
    enum { FACT_TEXT, FACT_NUMBER, FACT_WHOLE, FACT_BOOLEAN } kind;
    char text[512];
    double number;
    enum admin_form form;
    enum admin_alert alert;
};

struct facts {
    struct fact all[FACTS_MAX];
    size_t count;
};

static struct fact *fact_add(struct facts *facts, const char *group, const char *title)
{
    struct fact *fact = &facts->all[facts->count < FACTS_MAX - 1 ? facts->count++ : FACTS_MAX - 1];
    *fact = (struct fact){.group = group};
    snprintf(fact->title, sizeof fact->title, "%s", title);
    return fact;
}

static void text_put(struct facts *facts, const char *group, const char *title, const char *text)
{
    struct fact *fact = fact_add(facts, group, title);
    snprintf(fact->text, sizeof fact->text, "%s", text[0] == '\0' ? "--" : text);
}

static void distinct_put(struct facts *facts, const char *title, const struct distinct *distinct)
{
    struct tools_text text = {0};
    distinct_append(distinct, &text);
    text_put(facts, NULL, title, tools_text_string(&text));
    tools_text_fini(&text);
}

static struct fact *number_put(struct facts *facts, const char *group, const char *title,
                               double number, enum admin_form form)
{
    struct fact *fact = fact_add(facts, group, title);
    fact->kind = FACT_NUMBER;
    fact->number = number;
    fact->form = form;
    return fact;
}

static void whole_put(struct facts *facts, const char *group, const char *title, double number)
{
    number_put(facts, group, title, number, ADMIN_AS_IS)->kind = FACT_WHOLE;
}

// The five figures of a storage, or those of them that a narrow table has room for.
static void storage_put(struct facts *facts, const struct storage *storage, const char *name,
                        bool grouped)
{
    if (!storage->any) {
        return;
    }
    static const char *const parts[] = {"Total", "Used", "Used%", "Avail", "Avail%"};
    const double values[] = {
        storage->total, storage->used, storage->total > 0 ? storage->used / storage->total : 0,
        storage->avail, storage->total > 0 ? storage->avail / storage->total : 0};
    for (size_t i = 0; i < 5; i++) {
        if (grouped && (i == 1 || i == 3)) {
            continue;
        }
        char title[48];
        snprintf(title, sizeof title, "%s%s%s", grouped ? "" : name, grouped ? "" : " ", parts[i]);
        number_put(facts, grouped ? name : NULL, title, values[i],
                   i == 2 || i == 4 ? ADMIN_RATIO : ADMIN_BYTES);
    }
}

static void used_put(struct facts *facts, const struct storage *storage, const char *name,
                     bool grouped)
{
    if (storage->any) {
        char title[48];
        snprintf(title, sizeof title, "%s%sUsed", grouped ? "" : name, grouped ? "" : " ");
        number_put(facts, grouped ? name : NULL, title, storage->used, ADMIN_BYTES);
    }
}

static void fact_set(struct admin_grid *grid, size_t line, size_t column, const struct fact *fact)
{
    switch (fact->kind) {
    case FACT_TEXT:
        admin_grid_text_set(grid, line, column, tools_slice_of(fact->text));
        break;
    case FACT_NUMBER:
        admin_grid_real_set(grid, line, column, fact->number);
        break;
    case FACT_WHOLE:
        admin_grid_integer_set(grid, line, column, (int64_t)llround(fact->number));
        break;
    case FACT_BOOLEAN:
        admin_grid_boolean_set(grid, line, column, fact->number != 0);
        break;
    }
    if (!grid->failed) {
        admin_grid_cell(grid, line, column)->alert = fact->alert;
    }
}

// ---- the cluster --------------------------------------------------------------------------------

struct summary {
    struct admin_gather gather;
    struct sums all;
    struct sums each[ADMIN_NAMESPACES_MAX];
    struct distinct cluster_names, versions, systems, sizes;
    double free_pct, free_nodes;
    bool migrating;
};

static void version_add(struct distinct *versions, const struct admin_gathered *node)
{
    char text[DISTINCT_SIZE];
    char version[DISTINCT_SIZE];
    snprintf(version, sizeof version, "%.*s", (int)node->version.size,
             node->version.size == 0 ? "" : (const char *)node->version.data);
    snprintf(text, sizeof text, "%s%.*s",
             strcasestr(version, "community") != NULL    ? "C-"
             : strcasestr(version, "enterprise") != NULL ? "E-"
             : strcasestr(version, "federal") != NULL    ? "F-"
                                                         : "",
             (int)node->build.size, node->build.size == 0 ? "" : (const char *)node->build.data);
    distinct_add(versions, tools_slice_of(text));
}

static void node_add(struct summary *summary, const struct admin_gathered *node)
{
    struct base_slice value;
    if (node->faulty) {
        return;
    }
    if (!tools_slice_is(node->cluster_name, "null")) {
        distinct_add(&summary->cluster_names, node->cluster_name);
    }
    version_add(&summary->versions, node);
    if (admin_map_find(&node->release, "os", &value)) {
        distinct_add(&summary->systems, value);
    }
    if (admin_map_find(&node->service, "cluster_size", &value)) {
        distinct_add(&summary->sizes, value);
    }
    if (admin_map_find(&node->service, "system_free_mem_pct", &value)) {
        summary->free_pct += admin_map_number(&node->service, "system_free_mem_pct");
        summary->free_nodes++;
    }
    summary->migrating |= admin_map_number(&node->service, "migrate_partitions_remaining") > 0;
    for (size_t n = 0; n < node->namespace_count; n++) {
        size_t number = (size_t)(node->names[n] - summary->gather.namespaces.names[0]) /
                        sizeof summary->gather.namespaces.names[0];
        sums_add(&summary->all, &node->namespaces[n]);
        sums_add(&summary->each[number], &node->namespaces[n]);
        summary->migrating |= summary->each[number].migrating;
    }
}

static void devices_put(struct facts *facts, const struct summary *summary)
{
    double nodes = 0;
    bool same = true;
    for (size_t i = 0; i < summary->gather.count; i++) {
        nodes += !summary->gather.nodes[i].faulty;
    }
    for (size_t i = 0; i < summary->gather.namespaces.count; i++) {
        same &= summary->each[i].devices_most == summary->each[i].devices_least;
    }
    whole_put(facts, NULL, "Devices Total", summary->all.devices);
    whole_put(facts, NULL, "Devices Per-Node", nodes > 0 ? summary->all.devices / nodes : 0);
    struct fact *fact = number_put(facts, NULL, "Devices Equal Across Nodes", same, ADMIN_AS_IS);
    fact->kind = FACT_BOOLEAN;
    fact->alert = same ? ADMIN_ALERT_NONE : ADMIN_ALERT_RED;
}

static void features_put(struct facts *facts, const struct summary *summary)
{
    struct tools_text text = {0};
    for (size_t feature = 0; feature < admin_features_count(); feature++) {
        bool used = false;
        for (size_t i = 0; i < summary->gather.count && !used; i++) {
            const struct admin_gathered *node = &summary->gather.nodes[i];
            used =
                admin_feature_used(feature, &node->service, &node->service_config,
                                   &node->network_config, node->namespaces, node->namespace_count);
        }
        if (used) {
            tools_text_format_append(&text, "%s%s", text.size == 0 ? "" : ",",
                                     admin_feature_name(feature));
        }
    }
    text_put(facts, NULL, "Active Features", tools_text_string(&text));
    tools_text_fini(&text);
}

static void cluster_facts(struct facts *facts, const struct summary *summary)
{
    struct fact *migrations =
        number_put(facts, NULL, "Migrations", summary->migrating, ADMIN_AS_IS);
    migrations->kind = FACT_BOOLEAN;
    migrations->alert = summary->migrating ? ADMIN_ALERT_RED : ADMIN_ALERT_GREEN;
    distinct_put(facts, "Cluster Name", &summary->cluster_names);
    distinct_put(facts, "Server Version", &summary->versions);
    distinct_put(facts, "OS Version", &summary->systems);
    distinct_put(facts, "Cluster Size", &summary->sizes);
    devices_put(facts, summary);
    if (summary->free_nodes > 0) {
        double avail = summary->free_pct / summary->free_nodes;
        number_put(facts, NULL, "System Memory Used%", 100 - avail, ADMIN_PERCENT);
        number_put(facts, NULL, "System Memory Avail%", avail, ADMIN_PERCENT);
    }
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        used_put(facts, &summary->all.index[i], index_titles[i], false);
        used_put(facts, &summary->all.sindex[i], sindex_titles[i], false);
    }
    used_put(facts, &summary->all.set_index, "Set Index", false);
    storage_put(facts, &summary->all.budget, "Indexes Memory", false);
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        storage_put(facts, &summary->all.data[i], data_titles[i], false);
    }
    double active = 0, unique = 0;
    for (size_t i = 0; i < summary->gather.namespaces.count; i++) {
        active += summary->each[i].objects > 0;
        unique += round(summary->each[i].unique_bytes);
    }
    number_put(facts, NULL, "License Usage Latest", unique, ADMIN_BYTES);
    whole_put(facts, NULL, "Namespaces Active", active);
    whole_put(facts, NULL, "Namespaces Total", (double)summary->gather.namespaces.count);
    features_put(facts, summary);
}

// ---- namespaces ---------------------------------------------------------------------------------

static void namespace_facts(struct facts *facts, const struct summary *summary, size_t number)
{
    const struct sums *sums = &summary->each[number];
    text_put(facts, NULL, "Namespace", summary->gather.namespaces.names[number]);
    facts->all[0].alert = sums->migrating ? ADMIN_ALERT_RED : ADMIN_ALERT_NONE;
    whole_put(facts, "Drives", "Total", sums->devices);
    whole_put(facts, "Drives", "Per-Node", sums->nodes > 0 ? sums->devices / sums->nodes : 0);
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if (i != MEDIA_MEMORY) {
            used_put(facts, &sums->index[i], index_titles[i], true);
        }
        used_put(facts, &sums->sindex[i], sindex_titles[i], true);
    }
    used_put(facts, &sums->set_index, "Set Index", true);
    storage_put(facts, &sums->budget, "Indexes Memory", true);
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        storage_put(facts, &sums->data[i], data_titles[i], true);
    }
    distinct_put(facts, "Replication Factors", &sums->replication_factors);
    if (sums->cache_nodes > 0) {
        number_put(facts, NULL, "Cache Read%", sums->cache_read_pct / sums->cache_nodes,
                   ADMIN_PERCENT);
    }
    number_put(facts, NULL, "Master Objects", sums->master_objects, ADMIN_COUNT);
    if (sums->has_compression) {
        number_put(facts, NULL, "Compression Ratio", sums->compression_ratio, ADMIN_AS_IS);
    }
    number_put(facts, "License Usage", "Latest", round(sums->unique_bytes), ADMIN_BYTES);
}

// ---- printing -----------------------------------------------------------------------------------

static void column_add(struct admin_grid *grid, const struct fact *fact)
{
    struct admin_column *column = admin_grid_column_add(grid, tools_slice_of(fact->title));
    if (column != NULL) {
        column->group = fact->group;
        column->form = fact->form;
        column->type = fact->kind == FACT_NUMBER || fact->kind == FACT_WHOLE ? ADMIN_TYPE_REAL
                                                                             : ADMIN_TYPE_TEXT;
        bool right = strcmp(fact->title, "Replication Factors") == 0;
        column->align = right ? ADMIN_RIGHT : ADMIN_LEFT;
    }
}

// The number of the column for a fact, by its group and title; SIZE_MAX when there is none.
static size_t column_of(const struct admin_grid *grid, const struct fact *fact)
{
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct admin_column *column = &grid->columns[i];
        bool same_group = (column->group == NULL) == (fact->group == NULL) &&
                          (column->group == NULL || strcmp(column->group, fact->group) == 0);
        if (same_group && strcmp(column->title, fact->title) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void cluster_show(struct admin_call *call, const struct facts *facts)
{
    struct admin_grid grid;
    admin_grid_init(&grid, "Cluster Summary");
    for (size_t i = 0; i < facts->count; i++) {
        column_add(&grid, &facts->all[i]);
    }
    size_t line = admin_grid_line_add(&grid);
    for (size_t i = 0; i < facts->count && !grid.failed; i++) {
        fact_set(&grid, line, i, &facts->all[i]);
    }
    admin_show(call->session, &grid, ADMIN_STYLE_PARAMETERS);
    admin_grid_fini(&grid);
}

// Namespaces may have different facts: each place that any of them needs becomes a column, behind
// the one that stands before it there.
static void namespaces_show(struct admin_call *call, const struct facts *each, size_t count)
{
    struct admin_grid grid;
    admin_grid_init(&grid, "Namespace Summary");
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        widest = each[i].count > each[widest].count ? i : widest;
    }
    for (size_t i = 0; i < each[widest].count; i++) {
        column_add(&grid, &each[widest].all[i]);
    }
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; i < each[n].count && !grid.failed; i++) {
            if (column_of(&grid, &each[n].all[i]) == SIZE_MAX) {
                column_add(&grid, &each[n].all[i]);
            }
        }
    }
    for (size_t n = 0; n < count && !grid.failed; n++) {
        size_t line = admin_grid_line_add(&grid);
        for (size_t i = 0; i < each[n].count && !grid.failed; i++) {
            fact_set(&grid, line, column_of(&grid, &each[n].all[i]), &each[n].all[i]);
        }
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&grid);
}

static void list_print(FILE *out, const char *heading, const struct facts *facts, size_t from)
{
    fprintf(out, "%s\n", heading);
    for (const char *c = heading; *c != '\0'; c++) {
        fputc('=', out);
    }
    fputs("\n\n", out);
    for (size_t i = from; i < facts->count; i++) {
        const struct fact *fact = &facts->all[i];
        struct tools_text text = {0};
        char title[80];
        snprintf(title, sizeof title, "%s%s%s", fact->group == NULL ? "" : fact->group,
                 fact->group == NULL ? "" : " ", fact->title);
        if (fact->kind == FACT_TEXT) {
            tools_text_string_append(&text, fact->text);
        } else if (fact->kind == FACT_BOOLEAN) {
            tools_text_string_append(&text, fact->number != 0 ? "True" : "False");
        } else if (fact->kind == FACT_WHOLE) {
            tools_text_format_append(&text, "%.0f", fact->number);
        } else {
            admin_number_append(&text, fact->number, fact->form);
        }
        fprintf(out, "%4zu.   %-26s:  %s\n", i - from + 1, title, tools_text_string(&text));
        tools_text_fini(&text);
    }
    fputc('\n', out);
}

static void summary_show(struct admin_call *call, const struct summary *summary)
{
    size_t count = summary->gather.namespaces.count;
    struct facts *facts = calloc(count + 1, sizeof *facts);
    if (facts == NULL) {
        admin_memory_tell(call->session);
        return;
    }
    cluster_facts(&facts[count], summary);
    for (size_t i = 0; i < count; i++) {
        namespace_facts(&facts[i], summary, i);
    }
    if (admin_call_have(call, "-l") && !call->session->json) {
        list_print(call->session->out, "Cluster", &facts[count], 0);
        for (size_t i = 0; i < count; i++) {
            char heading[LIMIT_NAMESPACE_NAME_SIZE + 16];
            snprintf(heading, sizeof heading, "Namespace %s", summary->gather.namespaces.names[i]);
            list_print(call->session->out, heading, &facts[i], 1);
        }
    } else {
        cluster_show(call, &facts[count]);
        if (count > 0) {
            namespaces_show(call, facts, count);
        }
    }
    free(facts);
}

void admin_summary_run(struct admin_call *call)
{
    struct summary *summary = calloc(1, sizeof *summary);
    if (summary == NULL) {
        admin_memory_tell(call->session);
        return;
    }
    if (admin_gather_begin(call, &summary->gather)) {
        for (size_t i = 0; i < summary->gather.count; i++) {
            node_add(summary, &summary->gather.nodes[i]);
        }
        summary_show(call, summary);
        admin_gather_end(&summary->gather);
    }
    free(summary);
}
