// SPDX-License-Identifier: Apache-2.0
// `show statistics` and `show config`: which answers to which tables.
#include "tools/admin_show.h"

#include <stdlib.h>
#include <string.h>

#include "tools/admin_items.h"
#include "tools/admin_parameters.h"
#include "wire/info.h"

enum { TITLE_SIZE = 200 };

// The answers of all nodes to one command as one table. Nodes that refuse it are left out unless
// all do; then the reason of the first is told, when `must` is set.
static void answers_show(struct admin_call *call, const struct admin_replies *replies,
                         const char *command, const char *title, bool must)
{
    struct admin_map *maps = admin_maps_of(replies, command);
    struct admin_told *told = calloc(replies->count + 1, sizeof *told);
    if (maps == NULL || told == NULL) {
        admin_memory_tell(call->session);
    } else {
        size_t count = 0, answers = 0;
        struct base_slice value, refusal = {0}, message;
        uint32_t code;
        for (size_t i = 0; i < replies->count; i++) {
            const struct admin_reply *reply = &replies->items[i];
            bool refused = admin_reply_answer(reply, command, &value) &&
                           wire_info_is_error(value, &code, &message);
            if (refused) {
                refusal = refusal.size == 0 ? message : refusal;
                continue;
            }
            answers += reply->text != NULL;
            told[count++] = (struct admin_told){
                .node = reply->node, .map = &maps[i], .faulty = reply->text == NULL};
        }
        if (answers > 0) {
            admin_parameters_show(call, title, told, count);
        } else if (must && refusal.size > 0) {
            admin_error(call->session, "%s: %.*s.", command, (int)refusal.size, refusal.data);
        }
    }
    free(told);
    admin_maps_free(maps, replies->count);
}

static void one_show(struct admin_call *call, const char *command, const char *title, bool must)
{
    struct admin_replies replies;
    char request[TITLE_SIZE];
    snprintf(request, sizeof request, "%s\n", command);
    if (admin_call_ask(call, request, &replies)) {
        answers_show(call, &replies, command, title, must);
        admin_replies_fini(&replies);
    }
}

// A table for each namespace that `for` lets pass.
static void namespaces_show(struct admin_call *call, const char *prefix, const char *what)
{
    struct admin_filter filter;
    struct admin_namespaces namespaces;
    struct admin_replies replies;
    struct tools_text request = {0};
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    bool found = admin_call_namespaces(call, &filter, &namespaces);
    admin_filter_fini(&filter);
    admin_namespaces_request(&namespaces, prefix, &request);
    if (found && namespaces.count > 0 &&
        admin_call_ask(call, tools_text_string(&request), &replies)) {
        for (size_t i = 0; i < namespaces.count; i++) {
            char command[TITLE_SIZE], title[TITLE_SIZE];
            snprintf(command, sizeof command, "%s%s", prefix, namespaces.names[i]);
            snprintf(title, sizeof title, "%s Namespace %s", namespaces.names[i], what);
            answers_show(call, &replies, command, title, true);
        }
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
}

// ---- statistics ---------------------------------------------------------------------------------

void admin_show_statistics_service_run(struct admin_call *call)
{
    one_show(call, "statistics", "Service Statistics", true);
}

void admin_show_statistics_namespace_run(struct admin_call *call)
{
    namespaces_show(call, "namespace/", "Statistics");
}

// One item of one node's list.
struct item {
    char name[TITLE_SIZE]; // "test demo": what tells items apart
    const struct admin_node *node;
    struct admin_map map;
};

struct items {
    struct item *all;
    size_t count, capacity;
    const struct admin_node *node;
    const struct admin_reply *details; // of secondary indexes; NULL: sets
    const struct admin_filter *namespaces;
    bool failed;
};

static struct item *item_add(struct items *items)
{
    if (items->count == items->capacity) {
        size_t capacity = items->capacity == 0 ? 64 : 2 * items->capacity;
        struct item *all = realloc(items->all, capacity * sizeof *all);
        if (all == NULL) {
            items->failed = true;
            return NULL;
        }
        items->all = all;
        items->capacity = capacity;
    }
    return &items->all[items->count++];
}

// The fields of a set, which live on in the node's answer, are taken apart anew.
static void on_item(const struct admin_map *fields, void *arg)
{
    struct items *items = arg;
    struct base_slice ns = admin_item_field(fields, "ns", "ns_name");
    struct base_slice set = admin_item_field(fields, "set", "set_name");
    struct base_slice index = admin_item_field(fields, "indexname", NULL);
    if (items->failed || !admin_filter_passes(items->namespaces, ns)) {
        return;
    }
    struct item *item = item_add(items);
    if (item == NULL) {
        return;
    }
    *item = (struct item){.node = items->node};
    bool of_index = items->details != NULL;
    snprintf(item->name, sizeof item->name, "%.*s %.*s%s%.*s", (int)ns.size, (const char *)ns.data,
             (int)set.size, set.size == 0 ? "" : (const char *)set.data, of_index ? " " : "",
             (int)(of_index ? index.size : 0),
             of_index && index.size > 0 ? (const char *)index.data : "");
    if (!of_index) {
        item->map.pairs = malloc((fields->count + 1) * sizeof *fields->pairs);
        if (item->map.pairs == NULL) {
            items->failed = true;
            return;
        }
        memcpy(item->map.pairs, fields->pairs, fields->count * sizeof *fields->pairs);
        item->map.count = fields->count;
        return;
    }
    char command[ADMIN_INDEX_COMMAND_SIZE];
    struct base_slice value;
    admin_index_command(fields, command);
    admin_reply_value(items->details, command, &value);
    items->failed |= admin_map_parse(&item->map, value, ';') != RESULT_OK;
}

static int item_compare(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

// A table for all items of one name.
static void items_show(struct admin_call *call, struct items *items, const char *what)
{
    struct admin_told told[LIMIT_CLIENT_NODES];
    if (items->count > 0) {
        qsort(items->all, items->count, sizeof *items->all, item_compare);
    }
    for (size_t from = 0, to; from < items->count; from = to) {
        size_t count = 0;
        for (to = from; to < items->count && count < LIMIT_CLIENT_NODES &&
                        strcmp(items->all[from].name, items->all[to].name) == 0;
             to++) {
            told[count++] =
                (struct admin_told){.node = items->all[to].node, .map = &items->all[to].map};
        }
        char title[TITLE_SIZE + 40];
        snprintf(title, sizeof title, "%s %s Statistics", items->all[from].name, what);
        admin_parameters_show(call, title, told, count);
    }
}

static void items_fini(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        admin_map_fini(&items->all[i].map);
    }
    free(items->all);
}

void admin_show_statistics_sets_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_replies replies;
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    if (admin_call_ask(call, "sets\n", &replies)) {
        struct items items = {.namespaces = &filter};
        for (size_t i = 0; i < replies.count && !items.failed; i++) {
            struct base_slice value;
            items.node = replies.items[i].node;
            if (admin_reply_value(&replies.items[i], "sets", &value)) {
                items.failed |= admin_items_read(value, ':', on_item, &items) != RESULT_OK;
            }
        }
        if (items.failed) {
            admin_memory_tell(call->session);
        } else {
            items_show(call, &items, "Set");
        }
        items_fini(&items);
        admin_replies_fini(&replies);
    }
    admin_filter_fini(&filter);
}

static void indexes_show(struct admin_call *call, const struct admin_filter *filter,
                         const struct admin_replies *lists, const struct admin_replies *details)
{
    struct items items = {.namespaces = filter};
    for (size_t i = 0; i < lists->count && !items.failed; i++) {
        struct base_slice value;
        items.node = lists->items[i].node;
        items.details = &details->items[i];
        if (admin_reply_value(&lists->items[i], "sindex-list:", &value)) {
            items.failed |= admin_items_read(value, ':', on_item, &items) != RESULT_OK;
        }
    }
    if (items.failed) {
        admin_memory_tell(call->session);
    } else {
        items_show(call, &items, "SIndex");
    }
    items_fini(&items);
}

void admin_show_statistics_sindex_run(struct admin_call *call)
{
    struct admin_filter filter;
    struct admin_replies lists, details;
    struct tools_text request = {0};
    if (!admin_filter_make(call, "for", &filter)) {
        return;
    }
    if (admin_call_ask(call, "sindex-list:\n", &lists)) {
        if (admin_indexes_request(&lists, &request) != RESULT_OK) {
            admin_memory_tell(call->session);
        } else if (request.size > 0 &&
                   admin_call_ask(call, tools_text_string(&request), &details)) {
            indexes_show(call, &filter, &lists, &details);
            admin_replies_fini(&details);
        }
        admin_replies_fini(&lists);
    }
    tools_text_fini(&request);
    admin_filter_fini(&filter);
}

void admin_show_statistics_bins_run(struct admin_call *call)
{
    admin_error(call->session,
                "Server version 7.0 removed namespace bin-name limits and "
                "statistics.");
}

void admin_show_statistics_run(struct admin_call *call)
{
    admin_show_statistics_sets_run(call);
    admin_show_statistics_service_run(call);
    admin_show_statistics_namespace_run(call);
}

// ---- configuration ------------------------------------------------------------------------------

void admin_show_config_security_run(struct admin_call *call)
{
    one_show(call, "get-config:context=security", "Security Configuration", true);
}

void admin_show_config_service_run(struct admin_call *call)
{
    one_show(call, "get-config:context=service", "Service Configuration", true);
}

void admin_show_config_network_run(struct admin_call *call)
{
    one_show(call, "get-config:context=network", "Network Configuration", true);
}

void admin_show_config_namespace_run(struct admin_call *call)
{
    namespaces_show(call, "get-config:context=namespace;namespace=", "Configuration");
}

void admin_show_config_run(struct admin_call *call)
{
    one_show(call, "get-config:context=security", "Security Configuration", false);
    admin_show_config_service_run(call);
    admin_show_config_network_run(call);
    admin_show_config_namespace_run(call);
}
