// SPDX-License-Identifier: Apache-2.0
// What the cluster machine tells an operator: who came and went, and how the data follows.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cluster/cluster_space.h"

// A line that lists all nodes of the largest cluster fits.
enum { LINE_SIZE = 64 + LIMIT_CLUSTER_NODES * 17 };

struct line {
    char text[LINE_SIZE];
    size_t size;
};

BASE_PRINTF(2, 3) static void line_add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line->text + line->size, sizeof line->text - line->size, format, args);
    va_end(args);
    if (size > 0 && (size_t)size < sizeof line->text - line->size) {
        line->size += (size_t)size;
    }
}

static void line_log(const struct cluster *cluster, const struct line *line)
{
    cluster->edge.log(cluster->edge.arg, line->text);
}

// Names the members of one view that another one does not have.
static void report_members(const struct cluster *cluster, const char *what,
                           const struct membership_view *of, const struct membership_view *not_of)
{
    struct line line = {0};
    line_add(&line, "%s:", what);
    uint32_t count = 0;
    for (uint32_t i = 0; i < of->count; i++) {
        uint64_t id = of->member[i].id;
        if (id != cluster->config.membership.self.id &&
            cluster__member_find(not_of, id) == LIMIT_CLUSTER_NODES) {
            line_add(&line, " %" PRIX64, id);
            count++;
        }
    }
    if (count > 0) {
        line_log(cluster, &line);
    }
}

void cluster__report_view(const struct cluster *cluster, const struct membership_view *before,
                          const struct membership_view *view)
{
    report_members(cluster, "nodes left", before, view);
    report_members(cluster, "nodes joined", view, before);
    struct line line = {0};
    line_add(&line, "view %" PRIX64 ": %" PRIu32 " node%s, principal %" PRIX64, view->key,
             view->count, view->count == 1 ? "" : "s", view->principal);
    line_log(cluster, &line);
}

void cluster__report_plan(const struct cluster__space *space)
{
    struct partition_progress progress;
    partition_progress(space->machine, &progress);
    if (progress.lost > 0) {
        struct line line = {0};
        line_add(&line,
                 "{%s} %" PRIu32
                 " partitions lost: no complete copy is left; what there is of "
                 "them is served",
                 space->config->name, progress.lost);
        line_log(space->cluster, &line);
    }
    if (progress.sync_initial + progress.incoming_initial > 0) {
        struct line line = {0};
        line_add(&line, "{%s} migrations begin: %" PRIu32 " to send, %" PRIu32 " to receive",
                 space->config->name, progress.sync_initial, progress.incoming_initial);
        line_log(space->cluster, &line);
    }
}

void cluster__report_done(const struct cluster__space *space)
{
    struct partition_progress progress;
    partition_progress(space->machine, &progress);
    if (progress.sync_initial + progress.incoming_initial > 0) {
        struct line line = {0};
        line_add(&line, "{%s} migrations done: %" PRIu32 " sent, %" PRIu32 " received",
                 space->config->name, progress.sync_initial, progress.incoming_initial);
        line_log(space->cluster, &line);
    }
}

void cluster__report_numberless(const struct cluster *cluster, uint64_t id)
{
    struct line line = {0};
    line_add(&line,
             "node %" PRIX64 " cannot be served with: this process has met %d others; restart it",
             id, LIMIT_CLUSTER_NODES - 1);
    line_log(cluster, &line);
}
