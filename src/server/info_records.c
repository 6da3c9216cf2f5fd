// SPDX-License-Identifier: Apache-2.0
// What the node holds and does: namespaces, sets, statistics, latencies, histograms, truncation.
#include <stdlib.h>

#include "server/expiry.h"
#include "server/info_call.h"
#include "server/log.h"
#include "server/shared.h"
#include "server/statistics.h"
#include "server/ticker.h"

static void pair_write(const char *name, const char *value, void *arg)
{
    info__text(arg, name);
    info__put(arg, "=", 1);
    info__text(arg, value);
    info__put(arg, ";", 1);
}

static void on_statistics(struct info_call *call)
{
    if (call->command.path.size > 0) {
        info__error(call, RESULT_PARAMETER, "no such group of statistics");
        return;
    }
    statistics_node_show(call->node, pair_write, call);
    info__trim(call, ';');
}

static void on_namespaces(struct info_call *call)
{
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        info__format(call, "%s%s", i > 0 ? ";" : "", call->node->namespaces[i].name);
    }
}

static void on_namespace(struct info_call *call)
{
    struct namespace *ns = node_namespace_find(call->node, call->command.path);
    if (ns == NULL) {
        info__error(call, RESULT_NAMESPACE_NOT_FOUND, "unknown namespace");
        return;
    }
    statistics_namespace_show(ns, pair_write, call);
    config_namespace_show(call->node->config, ns->config, pair_write, call);
    info__trim(call, ';');
}

// --- sets ----------------------------------------------------------------------------------------

static void set_write(struct info_call *call, const struct namespace *ns,
                      const struct store_set *set)
{
    uint64_t lut = set->truncate_before_ms;
    info__format(call, "ns=%s:set=", ns->name);
    info__name(call, set->name);
    info__format(call,
                 ":objects=%llu:tombstones=%llu:data_used_bytes=%llu:truncate_lut=%llu:sindexes=0:"
                 "index_populating=false:truncating=%s:default-read-touch-ttl-pct=%d:"
                 "default-ttl=%u:disable-eviction=%s:enable-index=%s:stop-writes-count=%llu:"
                 "stop-writes-size=%llu;",
                 (unsigned long long)set->object_count, (unsigned long long)set->tombstone_count,
                 (unsigned long long)set->data_bytes, (unsigned long long)lut,
                 lut > 0 && ns->truncating ? "true" : "false", set->default_read_touch_ttl_pct,
                 set->default_ttl_s, set->disable_eviction ? "true" : "false",
                 set->enable_index ? "true" : "false", (unsigned long long)set->stop_writes_count,
                 (unsigned long long)set->stop_writes_size);
}

static void sets_write(struct info_call *call, const struct namespace *ns)
{
    uint32_t count = store_set_count(ns->store);
    for (uint32_t i = 0; i < count; i++) {
        set_write(call, ns, store_set_at(ns->store, i));
    }
}

// `sets`, `sets/<namespace>`, `sets/<namespace>/<set>`; a set's name may hold '/' itself.
static void on_sets(struct info_call *call)
{
    struct base_slice rest = call->command.path;
    struct base_slice name;
    if (!wire_info_piece_next(&rest, '/', &name)) {
        for (uint32_t i = 0; i < call->node->namespace_count; i++) {
            sets_write(call, &call->node->namespaces[i]);
        }
        return;
    }
    const struct namespace *ns = node_namespace_find(call->node, name);
    if (ns == NULL) {
        info__error(call, RESULT_NAMESPACE_NOT_FOUND, "unknown namespace");
    } else if (rest.size == 0) {
        sets_write(call, ns);
    } else {
        const struct store_set *set = store_set_find(ns->store, rest);
        if (set != NULL) {
            set_write(call, ns, set);
        }
    }
}

// --- latencies and histograms --------------------------------------------------------------------

static void latency_write(struct info_call *call, uint32_t number, const char *name)
{
    struct ticker_window window;
    ticker_window(call->node, number, &window);
    info__text(call, name);
    info__put(call, ":", 1);
    if (window.seen) {
        bool fine = call->node->config->service.microsecond_histograms;
        info__format(call, "%s,%.1f", fine ? "usec" : "msec", window.per_second);
        for (uint32_t i = 0; i < TICKER_THRESHOLDS; i++) {
            info__format(call, ",%.2f", window.slower_pct[i]);
        }
    }
    info__put(call, ";", 1);
}

static void on_latencies(struct info_call *call)
{
    struct base_slice wanted;
    bool one = info__param(call, "hist", &wanted);
    bool found = false;
    for (uint32_t i = 0; i < ticker_histogram_count(call->node); i++) {
        char name[TICKER_NAME_SIZE];
        ticker_histogram_name(call->node, i, name);
        if (!one || wire_info_equal(wanted, name)) {
            found = true;
            latency_write(call, i, name);
        }
    }
    if (!found) {
        info__error(call, RESULT_PARAMETER, "no such histogram");
        return;
    }
    info__trim(call, ';');
}

static void buckets_write(struct info_call *call, const char *unit, uint64_t width,
                          const uint64_t *buckets, uint32_t count)
{
    info__format(call, "units=%s:hist-width=%llu:bucket-width=%llu:buckets=", unit,
                 (unsigned long long)(width * count), (unsigned long long)width);
    for (uint32_t i = 0; i < count; i++) {
        info__format(call, "%s%llu", i > 0 ? "," : "", (unsigned long long)buckets[i]);
    }
}

static void ttl_write(struct info_call *call, const struct expiry_distribution *found)
{
    buckets_write(call, "seconds", found->ttl_bucket_width_s, found->ttl, EXPIRY_TTL_BUCKETS);
}

static void size_write(struct info_call *call, const struct expiry_distribution *found)
{
    buckets_write(call, "bytes", EXPIRY_SIZE_BUCKET_WIDTH, found->size, EXPIRY_SIZE_BUCKETS);
}

static void log_size_write(struct info_call *call, const struct expiry_distribution *found)
{
    info__text(call, "units=bytes");
    for (uint32_t i = 0; i < EXPIRY_LOG_BUCKETS; i++) {
        if (found->log_size[i] > 0) {
            info__format(call, ":[%llu-%llu)=%llu", i == 0 ? 0ull : 1ull << (i - 1), 1ull << i,
                         (unsigned long long)found->log_size[i]);
        }
    }
}

static void on_histogram(struct info_call *call)
{
    static const struct {
        const char *name;
        void (*write)(struct info_call *call, const struct expiry_distribution *found);
    } types[] = {
        {"ttl", ttl_write}, {"object-size-linear", size_write}, {"object-size", log_size_write}};
    enum { TYPE_COUNT = sizeof types / sizeof types[0] };
    struct namespace *ns = info__namespace_needed(call, false);
    if (ns == NULL) {
        return;
    }
    struct base_slice type;
    struct base_slice set;
    bool given = info__param(call, "type", &type);
    uint32_t i = 0;
    while (i < TYPE_COUNT && !(given && wire_info_equal(type, types[i].name))) {
        i++;
    }
    struct expiry_distribution found;
    if (i == TYPE_COUNT) {
        info__error(call, RESULT_PARAMETER,
                    "bad type, give ttl, object-size or object-size-linear");
    } else if (info__param(call, "set", &set)) {
        info__error(call, RESULT_UNSUPPORTED, "histograms are kept for whole namespaces only");
    } else if (call->node->expiry == NULL ||
               !expiry_distribution_copy(call->node->expiry, ns->number, &found)) {
        info__text(call, "hist-not-initialized");
    } else {
        types[i].write(call, &found);
    }
}

// --- truncation ----------------------------------------------------------------------------------

// Reads nanoseconds since 1970: decimal, 0x hexadecimal or 0 octal. Absent or 0: now.
static bool moment_read(struct info_call *call, uint64_t *out)
{
    char text[32];
    *out = 0;
    struct base_slice given;
    if (!info__param(call, "lut", &given)) {
        return true;
    }
    char *end = text;
    if (info__param_text(call, "lut", text, sizeof text) && text[0] >= '0' && text[0] <= '9') {
        *out = strtoull(text, &end, 0);
    }
    if (end == text || *end != '\0') {
        info__error(call, RESULT_PARAMETER, "bad lut");
        return false;
    }
    return true;
}

static void truncate_answer(struct info_call *call, struct base_slice set)
{
    struct namespace *ns = info__namespace_needed(call, false);
    uint64_t moment;
    if (ns == NULL || !moment_read(call, &moment)) {
        return;
    }
    enum base_result result = shared_truncate(call->node->shared, ns, set, moment);
    if (result == RESULT_PARAMETER) {
        info__error(call, RESULT_PARAMETER,
                    set.size > LIMIT_SET_NAME_SIZE ? "set name too long"
                                                   : "lut lies in the future");
        return;
    }
    if (result != RESULT_OK) {
        info__error(call, RESULT_SERVER_FULL, "too many truncations");
        return;
    }
    log_info(call->node->log, truncate, "{%s|%.*s} truncated", ns->name, (int)(set.size & 0xff),
             (const char *)set.data);
    info__text(call, "ok");
}

static void on_truncate(struct info_call *call)
{
    // Before truncate-namespace there was only this, and without a set it means the namespace.
    struct base_slice set;
    info__param(call, "set", &set);
    truncate_answer(call, set);
}

static void on_truncate_namespace(struct info_call *call)
{
    truncate_answer(call, (struct base_slice){0});
}

static void on_truncate_undo(struct info_call *call)
{
    if (info__namespace_needed(call, false) != NULL) {
        info__error(call, RESULT_ALWAYS_FORBIDDEN,
                    "records in memory are gone for good once truncated");
    }
}

const struct info_command info_record_commands[] = {
    {"statistics", on_statistics, "counters and gauges of the node"},
    {"namespaces", on_namespaces, "names of the namespaces"},
    {"namespace", on_namespace, "namespace/<name>: statistics and configuration"},
    {"sets", on_sets, "sets[/<namespace>[/<set>]]: sets and what they hold"},
    {"latencies", on_latencies, "latencies:[hist=<name>]: of the last window"},
    {"histogram", on_histogram, "histogram:namespace=<name>;type=ttl, object-size or ...-linear"},
    {"truncate", on_truncate, "removes the records of a set"},
    {"truncate-namespace", on_truncate_namespace, "removes the records of a namespace"},
    {"truncate-undo", on_truncate_undo, "refused: nothing can come back"},
    {"truncate-namespace-undo", on_truncate_undo, "refused: nothing can come back"},
    {NULL, NULL, NULL},
};
