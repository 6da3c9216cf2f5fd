// SPDX-License-Identifier: Apache-2.0
// The map of partitions: what this node serves, in the form that clients put together from all
// nodes, and what operators ask about its state. A node without a clustering thread answers as one
// that is alone.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/clustering.h"
#include "server/info_call.h"
#include "wire/base64.h"

enum { BITMAP_TEXT_SIZE = (CLUSTERING_BITMAP_SIZE + 2) / 3 * 4 };

// --- generations ---------------------------------------------------------------------------------

static void generations_find(struct info_call *call, struct clustering_generations *out)
{
    *out = (struct clustering_generations){0};
    if (call->node->clustering != NULL) {
        clustering_generations(call->node->clustering, out);
    }
}

static void on_partition_generation(struct info_call *call)
{
    struct clustering_generations generations;
    generations_find(call, &generations);
    info__format(call, "%" PRId64, generations.partitions);
}

static void on_rebalance_generation(struct info_call *call)
{
    struct clustering_generations generations;
    generations_find(call, &generations);
    info__format(call, "%" PRIu64, generations.rebalance);
}

// --- replicas ------------------------------------------------------------------------------------

static void columns_find(struct info_call *call, const struct namespace *ns,
                         struct clustering_columns *out)
{
    if (call->node->clustering != NULL) {
        clustering_columns_copy(call->node->clustering, ns->cluster_number, out);
        return;
    }
    memset(out, 0, sizeof *out);
    out->count = 1;
    memset(out->bitmap[0], 0xff, sizeof out->bitmap[0]);
}

static void bitmap_write(struct info_call *call, const uint8_t bitmap[CLUSTERING_BITMAP_SIZE])
{
    char text[BITMAP_TEXT_SIZE];
    wire_base64_encode(bitmap, CLUSTERING_BITMAP_SIZE, text);
    info__put(call, text, sizeof text);
}

// Columns from `first` on, at most `count_max`, for each namespace, behind what `before` writes.
static void replicas_write(struct info_call *call, uint32_t first, uint32_t count_max,
                           void (*before)(struct info_call *call, uint32_t count))
{
    struct clustering_columns *columns = malloc(sizeof *columns);
    if (columns == NULL) {
        call->failed = true;
        return;
    }
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        const struct namespace *ns = &call->node->namespaces[i];
        columns_find(call, ns, columns);
        uint32_t count = columns->count < count_max ? columns->count : count_max;
        info__format(call, "%s%s:", i > 0 ? ";" : "", ns->name);
        before(call, count);
        for (uint32_t k = 0; k < count; k++) {
            info__put(call, ",", k > 0 ? 1 : 0);
            bitmap_write(call, columns->bitmap[first + k]);
        }
    }
    free(columns);
}

static void regime_and_count(struct info_call *call, uint32_t count)
{
    info__format(call, "0,%u,", count);
}

static void count_alone(struct info_call *call, uint32_t count)
{
    info__format(call, "%u,", count);
}

static void nothing(struct info_call *call, uint32_t count)
{
    (void)call;
    (void)count;
}

static void on_replicas(struct info_call *call)
{
    replicas_write(call, 0, LIMIT_REPLICATION_FACTOR, regime_and_count);
}

static void on_replicas_all(struct info_call *call)
{
    replicas_write(call, 0, LIMIT_REPLICATION_FACTOR, count_alone);
}

// `replicas-max/2`: at most so many columns.
static void on_replicas_max(struct info_call *call)
{
    uint64_t most;
    bool given =
        wire_info_number(call->command.path, &most) && most > 0 && most < LIMIT_REPLICATION_FACTOR;
    replicas_write(call, 0, given ? (uint32_t)most : LIMIT_REPLICATION_FACTOR, count_alone);
}

static void on_replicas_master(struct info_call *call)
{
    replicas_write(call, 0, 1, nothing);
}

static void on_replicas_prole(struct info_call *call)
{
    replicas_write(call, 1, 1, nothing);
}

static void on_partitions(struct info_call *call)
{
    info__format(call, "%d", LIMIT_PARTITIONS);
}

// --- partition-info ------------------------------------------------------------------------------

// Our place among those who shall hold it; behind all of them when we shall not.
static uint32_t rank_of(const struct partition_state *state, uint32_t self)
{
    uint32_t rank = 0;
    while (rank < state->desired_count && state->desired[rank] != self) {
        rank++;
    }
    return rank;
}

static void partition_write(struct info_call *call, struct namespace *ns, uint32_t partition,
                            const struct clustering_status *status, uint32_t self)
{
    struct store_summary summary;
    store_partition_summary(ns->store, partition, &summary);
    struct partition_state state;
    bool known =
        call->node->clustering != NULL &&
        clustering_partition_copy(call->node->clustering, ns->cluster_number, partition, &state);
    uint32_t records = summary.record_count - summary.tombstone_count;
    if (!known) {
        bool alone = call->node->clustering == NULL;
        info__format(call, ";%s:%u:%c:0:0:%s:0:0:%u:%u:0:0:%" PRIX64, ns->name, partition,
                     alone ? 'S' : 'D', alone ? call->node->id : "0", records,
                     summary.tombstone_count, summary.sum);
        return;
    }
    bool master = state.master == self;
    // Whoever dropped its copy is not told when the others have noted it.
    bool part =
        !state.drop && (node_set_has(&state.writes, self) || node_set_has(&state.duplicates, self));
    char stands = master ? 'S' : !part ? 'A' : state.self_full ? 'S' : 'D';
    info__format(call, ";%s:%u:%c:%u:%u:%" PRIX64 ":%u:%u:%u:%u:%" PRIX64 ":%" PRIX64 ":%" PRIX64,
                 ns->name, partition, stands, rank_of(&state, self),
                 node_set_count(&state.duplicates), status->view.member[state.master].id,
                 master ? node_set_count(&state.unsynced) : 0,
                 !master && node_set_has(&state.unsynced, self) ? 1u : 0u, records,
                 summary.tombstone_count, state.lineage, status->view.key, summary.sum);
}

static void on_partition_info(struct info_call *call)
{
    info__text(call,
               "namespace:partition:state:replica:n_dupl:working_master:emigrates:immigrates:"
               "records:tombstones:version:final_version:contents");
    struct clustering_status *status = calloc(1, sizeof *status);
    if (status == NULL) {
        call->failed = true;
        return;
    }
    uint32_t self = 0;
    if (call->node->clustering != NULL) {
        clustering_status_copy(call->node->clustering, status);
        while (self < status->view.count &&
               status->view.member[self].id != call->node->identity.id) {
            self++;
        }
    }
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        for (uint32_t partition = 0; partition < LIMIT_PARTITIONS; partition++) {
            partition_write(call, &call->node->namespaces[i], partition, status, self);
        }
    }
    free(status);
}

// --- stability -----------------------------------------------------------------------------------

// Nothing of this namespace (NULL: of any) is on its way.
static bool is_at_rest(struct node *node, const struct namespace *only)
{
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        const struct namespace *ns = &node->namespaces[i];
        struct clustering_space space;
        if (only != NULL && only != ns) {
            continue;
        }
        if (!clustering_space_copy(node->clustering, ns->cluster_number, &space) ||
            space.progress.sync_remaining + space.progress.incoming_remaining +
                    space.progress.lead_remaining >
                0) {
            return false;
        }
    }
    return true;
}

static bool is_wanted(struct info_call *call, const char *name, const char *older)
{
    struct base_slice text;
    return (info__param(call, name, &text) || info__param(call, older, &text)) &&
           (wire_info_equal(text, "true") || wire_info_equal(text, "yes"));
}

static void on_cluster_stable(struct info_call *call)
{
    bool given;
    const struct namespace *ns = info__namespace(call, false, &given);
    if (ns == NULL && given) {
        return;
    }
    struct node *node = call->node;
    uint32_t count = 1;
    uint64_t key = node->cluster_key;
    bool stable = true;
    if (node->clustering != NULL) {
        struct clustering_status status;
        clustering_status_copy(node->clustering, &status);
        count = status.view.count;
        key = status.view.key;
        stable =
            !status.frozen && status.told &&
            (is_wanted(call, "ignore-migrations", "ignore_migrations") || is_at_rest(node, ns));
    }
    struct base_slice size;
    uint64_t number;
    if (info__param(call, "size", &size)) {
        stable = stable && wire_info_number(size, &number) && number == count;
    }
    if (!stable) {
        info__error(call, RESULT_TIMEOUT, "unstable-cluster");
        return;
    }
    info__format(call, "%" PRIX64, key);
}

// --- racks and rosters ---------------------------------------------------------------------------

static void on_rack_ids(struct info_call *call)
{
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        const struct namespace *ns = &call->node->namespaces[i];
        info__format(call, "%s%s:%u", i > 0 ? ";" : "", ns->name, ns->config->rack_id);
    }
}

// Writes one item for the namespace that is named, or for each.
static void each_namespace(struct info_call *call,
                           void (*write)(struct info_call *call, const struct namespace *ns))
{
    bool given;
    const struct namespace *only = info__namespace(call, false, &given);
    if (only == NULL && given) {
        return;
    }
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        const struct namespace *ns = &call->node->namespaces[i];
        if (only == NULL || only == ns) {
            write(call, ns);
        }
    }
    info__trim(call, ';');
}

struct rack_member {
    uint32_t rack;
    uint64_t id;
};

static int by_rack(const void *a, const void *b)
{
    const struct rack_member *x = a;
    const struct rack_member *y = b;
    if (x->rack != y->rack) {
        return x->rack < y->rack ? -1 : 1;
    }
    return x->id > y->id ? -1 : x->id < y->id; // as views are: highest first
}

// The members of the cluster that have a namespace, by rack.
static uint32_t rack_members(struct info_call *call, const struct namespace *ns,
                             struct rack_member out[LIMIT_CLUSTER_NODES])
{
    struct clustering *c = call->node->clustering;
    uint32_t count = 0;
    if (c != NULL) {
        struct clustering_status status;
        clustering_status_copy(c, &status);
        for (uint32_t i = 0; i < status.view.count; i++) {
            if (clustering_rack_copy(c, ns->cluster_number, i, &out[count].rack)) {
                out[count++].id = status.view.member[i].id;
            }
        }
    }
    if (count == 0) {
        out[count++] = (struct rack_member){ns->config->rack_id, call->node->identity.id};
    }
    qsort(out, count, sizeof *out, by_rack);
    return count;
}

static void racks_write(struct info_call *call, const struct namespace *ns)
{
    struct rack_member members[LIMIT_CLUSTER_NODES];
    uint32_t count = rack_members(call, ns, members);
    info__format(call, "ns=%s", ns->name);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || members[i].rack != members[i - 1].rack) {
            info__format(call, ":rack_%u=%" PRIX64, members[i].rack, members[i].id);
        } else {
            info__format(call, ",%" PRIX64, members[i].id);
        }
    }
    info__put(call, ";", 1);
}

static void on_racks(struct info_call *call)
{
    each_namespace(call, racks_write);
}

static void roster_write(struct info_call *call, const struct namespace *ns)
{
    info__format(call, "ns=%s:roster=null:pending_roster=null:observed_nodes=null;", ns->name);
}

static void on_roster(struct info_call *call)
{
    each_namespace(call, roster_write);
}

const struct info_command info_partition_commands[] = {
    {"partition-generation", on_partition_generation,
     "changes when this node's partitions change; -1 before it has any"},
    {"rebalance-generation", on_rebalance_generation, "changes when racks or balance change"},
    {"partitions", on_partitions, "number of partitions"},
    {"replicas", on_replicas, "partitions this node holds"},
    {"replicas-all", on_replicas_all, "partitions this node holds"},
    {"replicas-max", on_replicas_max, "partitions this node holds"},
    {"replicas-master", on_replicas_master, "partitions this node is master of"},
    {"replicas-prole", on_replicas_prole, "partitions this node is first replica of"},
    {"partition-info", on_partition_info, "state of each partition"},
    {"cluster-stable", on_cluster_stable,
     "the cluster key when all agree: size, namespace, ignore-migrations"},
    {"rack-ids", on_rack_ids, "rack of this node in each namespace"},
    {"racks", on_racks, "nodes of each rack"},
    {"roster", on_roster, "rosters of namespaces"},
    {NULL, NULL, NULL},
};
