// SPDX-License-Identifier: Apache-2.0
// What clients and tools are told of the cluster. What clients ask every second is prepared when it
// changes and copied under a lock that nobody holds for long; what operators ask is read from the
// machines.
#include <stdlib.h>
#include <string.h>

#include "server/clustering_state.h"

// --- what clients are told -----------------------------------------------------------------------

// Which partitions of a namespace this node serves, and in `named` all nodes that serve any.
static void columns_read(const struct clustering *c, uint32_t number,
                         struct clustering_columns *out, struct node_set *named)
{
    struct replica *replica = c->node->cluster_namespaces[number]->replica;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct place place;
        replica_place_copy(replica, p, &place);
        for (uint32_t k = 0; k < place.column_count; k++) {
            node_set_add(named, place.columns[k]);
            if (place.columns[k] == PLACE_SELF) {
                out->bitmap[k][p / 8] |= (uint8_t)(0x80 >> p % 8);
            }
        }
    }
}

static bool has_any(const struct clustering_columns *columns)
{
    static const uint8_t none[CLUSTERING_BITMAP_SIZE];
    for (uint32_t k = 0; k < LIMIT_REPLICATION_FACTOR; k++) {
        if (memcmp(columns->bitmap[k], none, sizeof none) != 0) {
            return true;
        }
    }
    return false;
}

static uint32_t factor_of(struct clustering *c, uint32_t number)
{
    pthread_mutex_lock(&c->machine_lock);
    uint32_t factor = partition_replication_factor(cluster_partitions(c->cluster, number));
    pthread_mutex_unlock(&c->machine_lock);
    return factor == 0 ? 1 : factor;
}

// Clients believe that a partition is where somebody says it is until somebody else says so, and
// they look at who has a new generation; so each node whose partitions changed gets a new one.
static void columns_tell(struct clustering *c, uint64_t now_ms, struct node_set *named)
{
    bool changed = atomic_load(&c->partition_generation) < 0;
    bool any = false;
    struct clustering_columns *columns = malloc(sizeof *columns);
    if (columns == NULL) {
        return; // the next turn tries again
    }
    for (uint32_t i = 0; i < c->node->namespace_count; i++) {
        memset(columns, 0, sizeof *columns);
        columns->count = factor_of(c, i);
        columns_read(c, i, columns, named);
        any |= has_any(columns);
        if (memcmp(columns, &c->columns[i], sizeof *columns) != 0) {
            pthread_mutex_lock(&c->told_lock);
            c->columns[i] = *columns;
            pthread_mutex_unlock(&c->told_lock);
            changed = true;
        }
    }
    free(columns);
    pthread_mutex_lock(&c->told_lock);
    c->columns_gone_ms = any ? 0 : c->columns_gone_ms == 0 ? now_ms : c->columns_gone_ms;
    pthread_mutex_unlock(&c->told_lock);
    if (changed) {
        atomic_fetch_add(&c->partition_generation, 1);
    }
    c->columns_stale = false;
}

static uint64_t text_sum(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++) {
        sum = (sum ^ (uint8_t)*text) * 0x100000001B3ull;
    }
    return sum;
}

// The members of the view, but for those that leave and serve nothing any more.
static void peers_tell(struct clustering *c, const struct node_set *named)
{
    struct node_set peers = {0};
    uint64_t sum = 0xCBF29CE484222325ull;
    pthread_mutex_lock(&c->machine_lock);
    const struct membership_view *view = cluster_view(c->cluster);
    for (uint32_t i = 0; i < view->count; i++) {
        const struct membership_member *member = &view->member[i];
        uint8_t number = peers_find(&c->node->peers, member->id);
        struct peer peer;
        if (number == PLACE_SELF || !peers_copy(&c->node->peers, number, &peer) ||
            ((member->flags & MEMBER_LEAVING) != 0 && !node_set_has(named, number))) {
            continue;
        }
        node_set_add(&peers, number);
        sum = text_sum((sum ^ member->id) * 0x100000001B3ull, peer.services);
        sum = text_sum(sum, peer.alternates);
    }
    pthread_mutex_unlock(&c->machine_lock);
    if (sum == c->peers_sum) {
        c->peers_stale = false;
        return;
    }
    c->peers_sum = sum;
    pthread_mutex_lock(&c->told_lock);
    c->peers = peers;
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        if (node_set_has(&peers, i)) {
            node_set_remove(&c->alumni_forgotten, i);
        }
    }
    atomic_fetch_add(&c->peers_generation, 1);
    pthread_mutex_unlock(&c->told_lock);
    c->peers_stale = false;
}

void clustering__tell(struct clustering *c, uint64_t now_ms)
{
    pthread_mutex_lock(&c->machine_lock);
    bool frozen = cluster_is_frozen(c->cluster);
    pthread_mutex_unlock(&c->machine_lock);
    if (frozen || !(c->columns_stale || c->peers_stale)) {
        return; // clients keep what they were told last until there is something new
    }
    atomic_store(&c->rebalance_generation, c->views);
    struct node_set named = {0};
    columns_tell(c, now_ms, &named);
    peers_tell(c, &named);
}

// --- asked by other threads ----------------------------------------------------------------------

void clustering_generations(struct clustering *c, struct clustering_generations *out)
{
    out->partitions = atomic_load(&c->partition_generation);
    out->peers = atomic_load(&c->peers_generation);
    out->rebalance = atomic_load(&c->rebalance_generation);
}

void clustering_columns_copy(struct clustering *c, uint32_t namespace_number,
                             struct clustering_columns *out)
{
    base_assert(namespace_number < c->node->namespace_count);
    pthread_mutex_lock(&c->told_lock);
    *out = c->columns[namespace_number];
    pthread_mutex_unlock(&c->told_lock);
    out->count = out->count == 0 ? 1 : out->count;
}

uint64_t clustering_peers_copy(struct clustering *c, struct node_set *out)
{
    pthread_mutex_lock(&c->told_lock);
    *out = c->peers;
    uint64_t generation = atomic_load(&c->peers_generation);
    pthread_mutex_unlock(&c->told_lock);
    return generation;
}

void clustering_alumni_copy(struct clustering *c, struct node_set *out)
{
    *out = (struct node_set){0};
    pthread_mutex_lock(&c->told_lock);
    struct node_set forgotten = c->alumni_forgotten;
    pthread_mutex_unlock(&c->told_lock);
    struct peer peer;
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (!node_set_has(&forgotten, i) && peers_copy(&c->node->peers, (uint8_t)i, &peer) &&
            peer.services[0] != '\0') {
            node_set_add(out, i);
        }
    }
}

void clustering_status_copy(struct clustering *c, struct clustering_status *out)
{
    struct mesh_counters counters;
    mesh_counters(c->mesh, &counters);
    *out = (struct clustering_status){.duplicate_id = counters.duplicate_id};
    pthread_mutex_lock(&c->machine_lock);
    out->view = *cluster_view(c->cluster);
    out->frozen = cluster_is_frozen(c->cluster);
    out->is_principal = !out->frozen && out->view.principal == c->node->identity.id;
    out->told = !c->columns_stale && !c->peers_stale;
    out->views = c->views;
    out->syncs_remaining = out->frozen ? 0 : cluster_syncs_remaining(c->cluster);
    out->flags = c->flags;
    uint64_t view_ms = c->view_ms;
    pthread_mutex_unlock(&c->machine_lock);
    out->view_age_ms = clustering__now_ms() - view_ms;
    out->heartbeat_opened = counters.opened;
    out->heartbeat_closed = counters.closed;
    out->heartbeat_received_self = counters.received_self;
    out->heartbeat_received_foreign = counters.received_foreign;
}

// The machine of a namespace, with the lock held; NULL while it has no plan.
static const struct partition_machine *planned(struct clustering *c, uint32_t namespace_number)
{
    base_assert(namespace_number < c->node->namespace_count);
    const struct partition_machine *machine = cluster_partitions(c->cluster, namespace_number);
    struct partition_progress progress;
    if (cluster_is_frozen(c->cluster)) {
        return NULL;
    }
    partition_progress(machine, &progress);
    return progress.planned ? machine : NULL;
}

bool clustering_partition_copy(struct clustering *c, uint32_t namespace_number, uint32_t partition,
                               struct partition_state *out)
{
    pthread_mutex_lock(&c->machine_lock);
    const struct partition_machine *machine = planned(c, namespace_number);
    if (machine != NULL) {
        *out = *partition_at(machine, partition);
    }
    pthread_mutex_unlock(&c->machine_lock);
    return machine != NULL;
}

static uint64_t unreplicated_count(const struct clustering *c, uint32_t namespace_number,
                                   const struct partition_machine *machine)
{
    const struct membership_view *view = cluster_view(c->cluster);
    struct store *store = c->node->cluster_namespaces[namespace_number]->store;
    uint64_t count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = partition_at(machine, p);
        if (view->member[state->master].id == c->node->identity.id &&
            node_set_count(&state->full) < partition_replication_factor(machine)) {
            count += store_object_count(store, p);
        }
    }
    return count;
}

bool clustering_space_copy(struct clustering *c, uint32_t namespace_number,
                           struct clustering_space *out)
{
    *out = (struct clustering_space){0};
    pthread_mutex_lock(&c->machine_lock);
    const struct partition_machine *machine = planned(c, namespace_number);
    if (machine != NULL) {
        partition_progress(machine, &out->progress);
        out->replication_factor = partition_replication_factor(machine);
        out->unreplicated = unreplicated_count(c, namespace_number, machine);
        for (uint32_t i = 0; i < cluster_view(c->cluster)->count; i++) {
            out->member_count += partition_member_has(machine, i);
        }
    }
    pthread_mutex_unlock(&c->machine_lock);
    return machine != NULL;
}

bool clustering_rack_copy(struct clustering *c, uint32_t namespace_number, uint32_t member,
                          uint32_t *rack)
{
    pthread_mutex_lock(&c->machine_lock);
    const struct partition_machine *machine = planned(c, namespace_number);
    if (machine != NULL) {
        *rack = partition_rack_of(machine, member);
    }
    pthread_mutex_unlock(&c->machine_lock);
    return machine != NULL;
}
