// SPDX-License-Identifier: Apache-2.0
// The statements that are info commands: what is shown comes from each node as a set of rows, what
// is changed goes to one node and spreads from there (info-and-tools section 5.9).
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ql_info.h"
#include "tools/ql_session.h"

// Answers of the nodes on their way into a view.
struct listing {
    struct ql_session *session;
    struct ql_view view;
    enum ql_info_form form;
    const char *command;
    const char *column; // for plain items
    struct ql_failure failure;
};

static void row_deliver(const struct ql_bin *fields, size_t field_count, void *arg)
{
    struct listing *listing = arg;
    ql_view_fields(&listing->view, fields, field_count);
}

static void node_deliver(const struct ql_node *node, const char *answer,
                         const struct ql_failure *failure, void *arg)
{
    struct listing *listing = arg;
    struct ql_failure refused;
    if (answer == NULL) {
        listing->failure = *failure;
        return;
    }
    if (ql_info_failed(answer, &refused)) {
        listing->failure = refused;
        return;
    }
    ql_view_set_begin(&listing->view, node->address, NULL, 0);
    if (ql_info_rows(listing->form, listing->column, answer, row_deliver, listing) != RESULT_OK) {
        ql_failure_set(&listing->failure, QL_CODE_CLIENT, "out of memory");
    }
    ql_view_set_end(&listing->view);
}

static void verbose_command(struct ql_session *session, const char *command)
{
    if (session->settings.verbose) {
        fflush(session->out);
        fprintf(session->err, "-- info %s\n", command);
    }
}

// Asks every node and prints a set of rows for each. A node's error ends the list.
static void list(struct ql_session *session, enum ql_info_form form, const char *command,
                 const char *column)
{
    struct listing listing = {
        .session = session, .form = form, .command = command, .column = column};
    verbose_command(session, command);
    ql_session_view_begin(session, &listing.view);
    session->backend->ops->info_all(session->backend, &session->settings, command, node_deliver,
                                    &listing);
    if (listing.failure.code == 0) {
        ql_view_ok(&listing.view, "");
    } else {
        ql_view_fail(&listing.view, listing.failure.code, listing.failure.text);
    }
    ql_view_end(&listing.view);
}

static void answer_keep(const struct ql_node *node, const char *answer,
                        const struct ql_failure *failure, void *arg)
{
    (void)node;
    struct ql_failure *kept = arg;
    if (answer == NULL) {
        *kept = *failure;
    } else if (!ql_info_failed(answer, kept) && answer[0] != '\0' &&
               strncasecmp(answer, "ok", 2) != 0) {
        ql_failure_set(kept, 1, "unexpected answer: %s", answer);
    }
}

// Sends a change to one node. Anything but ok is an error.
static void change(struct ql_session *session, const char *command, const char *done)
{
    struct ql_failure failure = {0};
    verbose_command(session, command);
    session->backend->ops->info_any(session->backend, &session->settings, command, answer_keep,
                                    &failure);
    if (failure.code == 0) {
        ql_session_ok(session, done);
    } else {
        ql_session_fail(session, &failure);
    }
}

static void slice_append(struct tools_text *text, const char *prefix, struct base_slice slice)
{
    if (slice.size > 0) {
        tools_text_string_append(text, prefix);
        tools_text_append(text, slice.data, slice.size);
    }
}

// Unique bin names are not counted since 7.0, and nodes that do not count them say so with an error
// of their own; this is the sentence that operators know.
static void major_version_keep(const struct ql_node *node, const char *answer,
                               const struct ql_failure *failure, void *arg)
{
    (void)node;
    (void)failure;
    long *major = arg;
    *major = answer == NULL ? 0 : strtol(answer, NULL, 10);
}

static void show_bins(struct ql_session *session, const char *command)
{
    long major = 0;
    session->backend->ops->info_any(session->backend, &session->settings, "build",
                                    major_version_keep, &major);
    if (major >= 7) {
        struct ql_failure failure;
        ql_failure_set(&failure, QL_CODE_CLIENT,
                       "Bins command not supported on server version >= 7.0.0.0. Unique bin name "
                       "limits have been removed.");
        ql_session_fail(session, &failure);
        return;
    }
    list(session, QL_INFO_BINS, command, "bins");
}

static void show_exec(struct ql_session *session, const struct ql_show *show)
{
    struct tools_text command = {0};
    switch (show->kind) {
    case QL_SHOW_NAMESPACES:
        list(session, QL_INFO_LIST, "namespaces", "namespaces");
        break;
    case QL_SHOW_MODULES:
        list(session, QL_INFO_MODULES, "udf-list", "udf-list");
        break;
    case QL_SHOW_SCANS:
        list(session, QL_INFO_LIST, "scan-show", "scan-show");
        break;
    case QL_SHOW_QUERIES:
        list(session, QL_INFO_LIST, "query-show", "query-show");
        break;
    case QL_SHOW_BINS:
        tools_text_string_append(&command, "bins");
        slice_append(&command, "/", show->target.ns);
        show_bins(session, tools_text_string(&command));
        break;
    case QL_SHOW_SETS:
        tools_text_string_append(&command, "sets");
        slice_append(&command, "/", show->target.ns);
        slice_append(&command, "/", show->target.set);
        list(session, QL_INFO_LIST, tools_text_string(&command), "sets");
        break;
    case QL_SHOW_INDEXES:
        tools_text_string_append(&command, "sindex-list:");
        slice_append(&command, "ns=", show->target.ns);
        slice_append(&command, ";set=", show->target.set);
        list(session, QL_INFO_LIST, tools_text_string(&command), "sindex-list");
        break;
    }
    tools_text_fini(&command);
}

// Nanoseconds since the epoch of 2010-01-01, before which no record was written.
static const uint64_t lut_least_ns = 1262304000000000000;

static bool lut_fits(struct ql_session *session, uint64_t before_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (before_ns == 0 || (before_ns > lut_least_ns && before_ns <= now_ns)) {
        return true;
    }
    struct ql_failure failure;
    ql_failure_set(&failure, QL_CODE_CLIENT,
                   "LUT %llu out of range: it lies between %llu (Jan 1 2010) and now, %llu",
                   (unsigned long long)before_ns, (unsigned long long)lut_least_ns,
                   (unsigned long long)now_ns);
    ql_session_fail(session, &failure);
    return false;
}

static void truncate_exec(struct ql_session *session, const struct ql_truncate *truncate)
{
    if (!lut_fits(session, truncate->before_ns)) {
        return;
    }
    struct tools_text command = {0};
    tools_text_string_append(&command, truncate->target.set.size > 0
                                           ? "truncate:namespace="
                                           : "truncate-namespace:namespace=");
    tools_text_append(&command, truncate->target.ns.data, truncate->target.ns.size);
    slice_append(&command, ";set=", truncate->target.set);
    if (truncate->before_ns != 0) {
        tools_text_format_append(&command, ";lut=%llu", (unsigned long long)truncate->before_ns);
    }
    change(session, tools_text_string(&command), "");
    tools_text_fini(&command);
}

static void index_exec(struct ql_session *session, const struct ql_statement *statement)
{
    static const char *const kinds[] = {
        [QL_INDEX_DEFAULT] = "",
        [QL_INDEX_LIST] = "indextype=LIST;",
        [QL_INDEX_MAPKEYS] = "indextype=MAPKEYS;",
        [QL_INDEX_MAPVALUES] = "indextype=MAPVALUES;",
    };
    const struct ql_index *index = &statement->index;
    struct tools_text command = {0};
    bool creates = statement->kind == QL_CREATE_INDEX;
    tools_text_string_append(&command, creates ? "sindex-create:" : "sindex-delete:");
    slice_append(&command, "ns=", index->target.ns);
    slice_append(&command, ";set=", index->target.set);
    slice_append(&command, ";indexname=", index->name);
    if (creates) {
        tools_text_format_append(&command, ";numbins=1;%sindexdata=%.*s,%s;priority=normal",
                                 kinds[index->kind], (int)index->bin.size, index->bin.data,
                                 index->type);
    }
    change(session, tools_text_string(&command), creates ? "1 index added." : "1 index removed.");
    tools_text_fini(&command);
}

static void stat_exec(struct ql_session *session, enum ql_stat_kind kind, struct base_slice ns,
                      struct base_slice index)
{
    static const char *const prefixes[] = {
        [QL_STAT_SYSTEM] = "statistics",
        [QL_STAT_NAMESPACE] = "namespace",
        [QL_STAT_INDEX] = "sindex",
        [QL_STAT_QUERY] = "query-stat",
    };
    struct tools_text command = {0};
    tools_text_string_append(&command, prefixes[kind]);
    slice_append(&command, "/", ns);
    slice_append(&command, "/", index);
    list(session, QL_INFO_PAIRS, tools_text_string(&command), "name");
    tools_text_fini(&command);
}

static void kill_exec(struct ql_session *session, const struct ql_statement *statement)
{
    struct tools_text command = {0};
    slice_append(&command,
                 statement->kind == QL_KILL_QUERY ? "query-abort:trid=" : "scan-abort:trid=",
                 statement->text);
    change(session, tools_text_string(&command), "");
    tools_text_fini(&command);
}

static void asinfo_exec(struct ql_session *session, struct base_slice text)
{
    struct tools_text command = {0};
    tools_text_append(&command, text.data, text.size);
    list(session, QL_INFO_ANY, tools_text_string(&command), tools_text_string(&command));
    tools_text_fini(&command);
}

void ql_exec_info(struct ql_session *session, const struct ql_statement *statement)
{
    switch (statement->kind) {
    case QL_TRUNCATE:
        truncate_exec(session, &statement->truncate);
        break;
    case QL_SHOW:
        show_exec(session, &statement->show);
        break;
    case QL_CREATE_INDEX:
    case QL_DROP_INDEX:
        index_exec(session, statement);
        break;
    case QL_DESC_INDEX:
        stat_exec(session, QL_STAT_INDEX, statement->index.target.ns, statement->index.name);
        break;
    case QL_STAT:
        stat_exec(session, statement->stat.kind, statement->stat.ns, statement->stat.index);
        break;
    case QL_KILL_QUERY:
    case QL_KILL_SCAN:
        kill_exec(session, statement);
        break;
    default:
        asinfo_exec(session, statement->text);
        break;
    }
}
