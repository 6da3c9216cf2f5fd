// SPDX-License-Identifier: Apache-2.0
// What operators manage: queries, modules of user functions, indexes, and the dumps
// they ask for. What this node does not do is answered with an error that says so.
#include <stdio.h>
#include <stdlib.h>

#include "server/info_call.h"
#include "server/jobs.h"
#include "server/log.h"
#include "server/shared.h"
#include "wire/base64.h"

// --- queries -------------------------------------------------------------------------------------

enum { JOBS_SHOWN_MAX = LIMIT_QUERY_DONE_JOBS + LIMIT_QUERY_THREADS };

static void job_write(struct info_call *call, const struct job_status *job)
{
    char from[CONNECTION_PEER_SIZE];
    size_t size = 0;
    for (; job->from[size] != '\0' && size < sizeof from - 1; size++) {
        from[size] = job->from[size] == ':' ? '+' : job->from[size]; // fields are cut at colons
    }
    from[size] = '\0';
    info__format(call, "module=query:trid=%llu:ns=%s:set=", (unsigned long long)job->id,
                 job->namespace_name);
    info__name(call, job->set_name);
    info__format(
        call,
        ":job-type=%s:rps=%u:active-threads=%u:status=%s:job-progress=%.2f:run-time=%llu:"
        "time-since-done=%llu:recs-throttled=%llu:recs-filtered-meta=0:"
        "recs-filtered-bins=0:recs-succeeded=%llu:recs-failed=%llu:net-io-bytes=%llu:"
        "socket-timeout=%u:from=%s",
        job->type, job->records_per_second, job->active_threads, job->status, job->progress_pct,
        (unsigned long long)job->run_time_ms, (unsigned long long)job->time_since_done_ms,
        (unsigned long long)job->records_throttled, (unsigned long long)job->records_succeeded,
        (unsigned long long)job->records_failed, (unsigned long long)job->net_io_bytes,
        job->socket_timeout_ms, from);
}

static void jobs_write(struct info_call *call)
{
    struct job_status *jobs = calloc(JOBS_SHOWN_MAX, sizeof *jobs);
    if (jobs == NULL) {
        call->failed = true;
        return;
    }
    uint32_t count =
        call->node->jobs == NULL ? 0 : jobs_list(call->node->jobs, jobs, JOBS_SHOWN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            info__put(call, ";", 1);
        }
        job_write(call, &jobs[i]);
    }
    free(jobs);
}

// The task id in `id` or `trid`; false when there is none. A bad one is answered with an error, and
// *id is not to be used.
static bool task_id(struct info_call *call, uint64_t *id, bool *good)
{
    struct base_slice text;
    *good = true;
    if (!info__param(call, "id", &text) && !info__param(call, "trid", &text)) {
        return false;
    }
    *good = wire_info_number(text, id);
    if (!*good) {
        info__error(call, RESULT_PARAMETER, "bad task id");
    }
    return true;
}

static void job_show(struct info_call *call, uint64_t id)
{
    struct job_status job;
    if (call->node->jobs == NULL || jobs_find(call->node->jobs, id, &job) != RESULT_OK) {
        info__error(call, RESULT_RECORD_NOT_FOUND, "job not found");
        return;
    }
    job_write(call, &job);
}

static void job_abort(struct info_call *call, uint64_t id)
{
    if (call->node->jobs == NULL || jobs_abort(call->node->jobs, id) != RESULT_OK) {
        info__error(call, RESULT_RECORD_NOT_FOUND, "job not active");
        return;
    }
    info__text(call, "ok");
}

static void on_query_show(struct info_call *call)
{
    uint64_t id;
    bool good;
    if (!task_id(call, &id, &good)) {
        jobs_write(call);
    } else if (good) {
        job_show(call, id);
    }
}

static void on_query_abort(struct info_call *call)
{
    uint64_t id;
    bool good;
    if (!task_id(call, &id, &good)) {
        info__error(call, RESULT_PARAMETER, "missing id");
    } else if (good) {
        job_abort(call, id);
    }
}

static void abort_all(struct info_call *call, const char *what)
{
    uint32_t count = call->node->jobs == NULL ? 0 : jobs_abort_all(call->node->jobs);
    info__format(call, "OK - number of %s killed: %u", what, count);
}

static void on_query_abort_all(struct info_call *call)
{
    abort_all(call, "queries");
}

static void on_scan_abort_all(struct info_call *call)
{
    abort_all(call, "scans");
}

static void on_jobs(struct info_call *call)
{
    struct base_slice module;
    struct base_slice command;
    bool builder =
        info__param(call, "module", &module) && wire_info_equal(module, "sindex-builder");
    bool given = info__param(call, "cmd", &command);
    if (!given && builder) {
        return; // secondary indexes are not built yet, so nobody builds one
    }
    if (!given || wire_info_equal(command, "get-job")) {
        on_query_show(call);
    } else if (wire_info_equal(command, "kill-job")) {
        on_query_abort(call);
    } else {
        info__error(call, RESULT_UNSUPPORTED, "queries have no priorities");
    }
}

// --- modules of user functions -------------------------------------------------------------------

static bool module_item_write(void *context, const struct modules_item *item)
{
    info__format(context, "filename=%s,hash=%s,type=LUA;", item->name, item->hash);
    return true;
}

static void on_udf_list(struct info_call *call)
{
    modules_visit(call->node->info->modules, module_item_write, call);
}

static bool filename_find(struct info_call *call, struct base_slice *name)
{
    if (!info__param(call, "filename", name) || name->size == 0) {
        info__error(call, RESULT_PARAMETER, "missing filename");
        return false;
    }
    return true;
}

static void module_put(struct info_call *call, struct base_slice name, struct base_slice content)
{
    size_t room = wire_base64_decoded_size_max(content.size);
    uint8_t *bytes = malloc(room + 1);
    size_t size;
    if (bytes == NULL) {
        call->failed = true;
        return;
    }
    if (!wire_base64_decode((const char *)content.data, content.size, bytes, &size)) {
        info__error(call, RESULT_PARAMETER, "content is not base64");
    } else {
        enum base_result result =
            shared_module_put(call->node->shared, name, (struct base_slice){bytes, size});
        if (result == RESULT_OK) {
            log_info(call->node->log, udf, "module %.*s registered", (int)(name.size & 0xff),
                     (const char *)name.data);
            info__text(call, "ok");
        } else if (result == RESULT_PARAMETER) {
            info__error(call, RESULT_PARAMETER, "bad filename");
        } else {
            info__error(call, RESULT_SERVER_FULL, "too many or too large modules");
        }
    }
    free(bytes);
}

static void on_udf_put(struct info_call *call)
{
    struct base_slice name;
    struct base_slice content;
    struct base_slice value;
    uint64_t size;
    if (!filename_find(call, &name)) {
        return;
    }
    if (!info__param(call, "content", &content) || content.size == 0) {
        info__error(call, RESULT_PARAMETER, "missing content");
    } else if (info__param(call, "udf-type", &value) && !wire_info_equal(value, "LUA")) {
        info__error(call, RESULT_PARAMETER, "udf-type must be LUA");
    } else if (info__param(call, "content-len", &value) &&
               (!wire_info_number(value, &size) || size != content.size)) {
        info__error(call, RESULT_PARAMETER, "content-len is not the length of content");
    } else {
        module_put(call, name, content);
    }
}

static void on_udf_get(struct info_call *call)
{
    struct base_slice name;
    uint8_t *content;
    size_t size;
    if (!filename_find(call, &name)) {
        return;
    }
    enum base_result result = modules_get(call->node->info->modules, name, &content, &size);
    if (result == RESULT_RECORD_NOT_FOUND) {
        info__text(call, "error=not_found");
        return;
    }
    if (result != RESULT_OK) {
        call->failed = true;
        return;
    }
    info__text(call, "type=LUA;content=");
    size_t text_size = wire_base64_encoded_size(size);
    uint8_t *at = output_reserve(call->out, text_size);
    if (at == NULL) {
        call->failed = true;
    } else {
        wire_base64_encode(content, size, (char *)at);
        call->out->size += text_size;
    }
    info__put(call, ";", 1);
    free(content);
}

static void on_udf_remove(struct info_call *call)
{
    struct base_slice name;
    if (!filename_find(call, &name)) {
        return;
    }
    // A module that is not there is as good as removed: clients of servers since 4.5.1 rely on it.
    shared_module_remove(call->node->shared, name);
    info__text(call, "ok");
}

// --- secondary indexes ---------------------------------------------------------------------------

static void on_sindex_list(struct info_call *call)
{
    bool given;
    (void)info__namespace(call, false, &given); // an unknown one is an error, none has an index
}

static void on_sindex_create(struct info_call *call)
{
    if (info__namespace_needed(call, false) != NULL) {
        info__error(call, RESULT_UNSUPPORTED, "secondary indexes are not built yet");
    }
}

static void on_sindex_absent(struct info_call *call)
{
    info__error(call, RESULT_INDEX_NOT_FOUND, "no such index");
}

static void on_sindex_delete(struct info_call *call)
{
    if (info__namespace_needed(call, false) != NULL) {
        on_sindex_absent(call);
    }
}

static void on_sindex_exists(struct info_call *call)
{
    if (info__namespace_needed(call, false) != NULL) {
        info__text(call, "false");
    }
}

// `sindex` and `sindex/<namespace>` list, `sindex/<namespace>/<index>` tells of one.
static void on_sindex(struct info_call *call)
{
    struct base_slice rest = call->command.path;
    struct base_slice name;
    if (wire_info_piece_next(&rest, '/', &name)) {
        if (node_namespace_find(call->node, name) == NULL) {
            info__error(call, RESULT_NAMESPACE_NOT_FOUND, "unknown namespace");
        } else if (rest.size > 0) {
            on_sindex_absent(call);
        }
    }
}

// --- others -------------------------------------------------------------------------------------

static void on_ok(struct info_call *call)
{
    info__text(call, "ok");
}

static void on_empty(struct info_call *call)
{
    (void)call;
}

static void on_not_strong(struct info_call *call)
{
    info__error(call, RESULT_ALWAYS_FORBIDDEN, "strong consistency is not built yet");
}

static void on_eviction_reset(struct info_call *call)
{
    struct namespace *ns = info__namespace_needed(call, false);
    struct base_slice ttl;
    if (ns == NULL) {
        return;
    }
    if (info__param(call, "ttl", &ttl)) {
        info__error(call, RESULT_UNSUPPORTED, "eviction to a given time to live is not built yet");
        return;
    }
    shared_evicted(call->node->shared, ns, 0);
    info__text(call, "ok");
}

static void on_no_xdr(struct info_call *call)
{
    info__error(call, RESULT_UNSUPPORTED, "shipping between clusters is not built yet");
}

static void on_no_masking(struct info_call *call)
{
    info__error(call, RESULT_UNSUPPORTED, "masking is not built yet");
}

static void on_best_practices(struct info_call *call)
{
    info__text(call, "failed_best_practices=none");
}

// What has no dump of its own writes one line, as the command promises.
static void on_dump(struct info_call *call)
{
    log_info(call->node->log, info, "%.*s: node %s, cluster key %llX, %u namespaces",
             (int)(call->command.name.size & 0xff), (const char *)call->command.name.data,
             call->node->id, (unsigned long long)call->node->cluster_key,
             call->node->namespace_count);
    info__text(call, "ok");
}

const struct info_command info_manage_commands[] = {
    {"query-show", on_query_show, "queries, or one by id"},
    {"query-list", on_query_show, "the same"},
    {"scan-show", on_query_show, "the same"},
    {"scan-list", on_query_show, "the same"},
    {"query-abort", on_query_abort, "stops a query by id"},
    {"query-kill", on_query_abort, "the same"},
    {"scan-abort", on_query_abort, "the same"},
    {"query-abort-all", on_query_abort_all, "stops all queries"},
    {"scan-abort-all", on_scan_abort_all, "the same"},
    {"jobs", on_jobs, "older spelling of the above"},
    {"udf-list", on_udf_list, "registered modules"},
    {"udf-put", on_udf_put, "registers a module"},
    {"udf-get", on_udf_get, "text of a module"},
    {"udf-remove", on_udf_remove, "removes a module"},
    {"udf-clear-cache", on_ok, "ok: nothing is cached"},
    {"sindex-list", on_sindex_list, "secondary indexes"},
    {"sindex", on_sindex, "the same"},
    {"sindex-create", on_sindex_create, "not built yet"},
    {"sindex-delete", on_sindex_delete, "removes an index"},
    {"sindex-exists", on_sindex_exists, "whether there is such an index"},
    {"sindex-stat", on_sindex_absent, "statistics of an index"},
    {"sindex-histogram", on_sindex_absent, "histogram of an index"},
    {"revive", on_not_strong, "of strong consistency"},
    {"roster-set", on_not_strong, "of strong consistency"},
    {"eviction-reset", on_eviction_reset, "forgets what was evicted up to"},
    {"dcs", on_empty, "empty: no other data centers"},
    {"get-stats", on_no_xdr, "not built yet"},
    {"xdr-set-filter", on_no_xdr, "not built yet"},
    {"xdr-get-filter", on_no_xdr, "not built yet"},
    {"masking", on_no_masking, "not built yet"},
    {"masking-show", on_no_masking, "not built yet"},
    {"health-outliers", on_empty, "empty: nobody to compare with"},
    {"health-stats", on_empty, "empty: nobody to compare with"},
    {"index-pressure", on_empty, "empty: indexes are in memory"},
    {"physical-devices", on_empty, "empty: no devices"},
    {"show-devices", on_empty, "empty: no devices"},
    {"best-practices", on_best_practices, "none failed"},
    {"dump-hlc", on_dump, "writes to the log"},
    {"dump-msgs", on_dump, "writes to the log"},
    {"dump-rw", on_dump, "writes to the log"},
    {"dump-si", on_dump, "writes to the log"},
    {"dump-skew", on_dump, "writes to the log"},
    {"dump-wb", on_dump, "writes to the log"},
    {"dump-wb-summary", on_dump, "writes to the log"},
    {NULL, NULL, NULL},
};
