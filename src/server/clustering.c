// SPDX-License-Identifier: Apache-2.0
// The thread: events of the mesh, mail of other threads, ticks of the machine. And the machine's
// edge: what it has done by the rest of the node.
#include "server/clustering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "server/clustering_state.h"
#include "server/fabric.h"
#include "server/log.h"
#include "server/migrations.h"
#include "server/service.h"
#include "server/shared.h"

enum {
    WAIT_BUSY_MS = 8, // while frozen or migrating
    WAIT_MS = 20,     // in a cluster at rest
    WAIT_ALONE_MS = 100,
    CLEAR_STEP_RECORDS = 1000,
    CLEAR_STEP_MAX_MS = 100, // of being awake; one that takes longer was stopped
    FIRST_VIEW_TURNS = 64,   // the most it takes a lone node to have its first view
    TELL_AGAIN_MS = 10000,
    REMIND_MS = 5000,
    LOOK_MS = 500,           // between two looks whether tombstones are known everywhere
    RECLUSTER_INTERVALS = 2, // by then what other nodes were told before is known here
    SYNCS_AT_ONCE = 16,      // of each namespace
    // Most cuts heal sooner, and what both sides write meanwhile has to be merged by the rule of
    // conflicts.
    MINORITY_WAIT_MS = 10000,
};

uint64_t clustering__now_ms(void)
{
    return io_clock_monotonic_ns() / 1000000u;
}

// Fresh numbers from one seed (splitmix64).
static uint64_t random_next(struct clustering *c)
{
    uint64_t x = c->random += 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
}

// Says that this thread was awake at a moment: a service thread that finds this too long ago serves
// nothing. The moment is the one that the machines have been told of: when the process was stopped
// since then, they do not know it yet, and nobody may be told that all is well.
static void awake_say(struct clustering *c, uint64_t now_ms)
{
    atomic_store_explicit(&c->node->cluster_tick_ns, now_ms * 1000000, memory_order_relaxed);
}

// --- who is missing ------------------------------------------------------------------------------

// Remembers the members of a view. One that is not there any more is missed, unless it had said
// that it leaves.
static void members_remember(struct clustering *c, const struct membership_view *view)
{
    for (uint32_t i = 0; i < c->known_count;) {
        bool here = false;
        for (uint32_t k = 0; k < view->count && !here; k++) {
            here = view->member[k].id == c->known[i].id;
        }
        if (!here && c->known[i].leaves) {
            c->known[i] = c->known[--c->known_count];
        } else {
            c->known[i++].here = here;
        }
    }
    for (uint32_t k = 0; k < view->count; k++) {
        uint32_t i = 0;
        while (i < c->known_count && c->known[i].id != view->member[k].id) {
            i++;
        }
        if (i == CLUSTERING_KNOWN_MAX) {
            c->known_overflow = true;
            return;
        }
        c->known_count += i == c->known_count;
        c->known[i].id = view->member[k].id;
        c->known[i].here = true;
        c->known[i].leaves = (view->member[k].flags & MEMBER_LEAVING) != 0;
    }
}

static void missing_forget(struct clustering *c)
{
    c->known_overflow = false;
    for (uint32_t i = 0; i < c->known_count;) {
        if (c->known[i].here) {
            i++;
        } else {
            c->known[i] = c->known[--c->known_count];
        }
    }
}

// A deleted record need not be remembered when whoever had a copy of it knows of the deletion.
static void tombstones_look(struct clustering *c, uint64_t now_ms)
{
    if (now_ms - c->looked_ms < LOOK_MS) {
        return;
    }
    c->looked_ms = now_ms;
    bool known = !cluster_is_frozen(c->cluster) && !c->known_overflow;
    for (uint32_t i = 0; i < c->known_count && known; i++) {
        known = c->known[i].here;
    }
    for (uint32_t i = 0; i < c->node->namespace_count && known; i++) {
        known = partition_is_settled(cluster_partitions(c->cluster, i));
    }
    atomic_store(&c->node->tombstones_known, known);
}

// --- the edge ------------------------------------------------------------------------------------

static void edge_heartbeat_send(void *arg, uint64_t to, const uint8_t *bytes, uint32_t size)
{
    struct clustering *c = arg;
    mesh_send(c->mesh, to, bytes, size);
}

static void edge_control_send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    struct clustering *c = arg;
    fabric_post(c->node->fabric, peer, bytes, size);
}

static uint8_t edge_peer_number(void *arg, uint64_t id)
{
    struct clustering *c = arg;
    return peers_number(&c->node->peers, id);
}

static void edge_view_changed(void *arg, const struct membership_view *view)
{
    struct clustering *c = arg;
    if (view == NULL) {
        atomic_store(&c->node->tombstones_known, false);
        c->frozen_since_ms = clustering__now_ms();
        for (uint32_t i = 0; i < c->node->namespace_count; i++) {
            migrations_forget(c->node->migrations, i);
            service_places_changed(c->node, i);
        }
        return;
    }
    c->frozen_since_ms = 0;
    c->views++;
    c->view_ms = clustering__now_ms();
    c->peers_stale = true;
    members_remember(c, view);
    atomic_store(&c->node->cluster_key, view->key);
    mesh_regime_keep(c->mesh, view->regime);
    if (view->count > 1) {
        shared_tell_all(c->node->shared);
    }
}

static void edge_places_changed(void *arg, uint32_t namespace_number)
{
    struct clustering *c = arg;
    c->columns_stale = true;
    service_places_changed(c->node, c->node->cluster_namespaces[namespace_number]->number);
}

static void edge_sync_start(void *arg, const struct cluster_sync_order *order)
{
    struct clustering *c = arg;
    migrations_order(c->node->migrations, order);
}

// Others may look at the machines meanwhile: it is between two of its changes.
static void edge_partition_clear(void *arg, uint32_t namespace_number, uint32_t partition)
{
    struct clustering *c = arg;
    struct store *store = c->node->cluster_namespaces[namespace_number]->store;
    pthread_mutex_unlock(&c->machine_lock);
    uint64_t awake_ms =
        atomic_load_explicit(&c->node->cluster_tick_ns, memory_order_relaxed) / 1000000;
    while (!store_partition_clear_step(store, partition, CLEAR_STEP_RECORDS)) {
        uint64_t now_ms = clustering__now_ms();
        if (now_ms - awake_ms < CLEAR_STEP_MAX_MS) { // else it was stopped meanwhile
            awake_say(c, now_ms);
            awake_ms = now_ms;
        }
    }
    pthread_mutex_lock(&c->machine_lock);
}

static uint64_t edge_wall_ms(void *arg)
{
    (void)arg;
    return io_clock_epoch_ms();
}

static void edge_log(void *arg, const char *line)
{
    struct clustering *c = arg;
    log_info(c->node->log, clustering, "%s", line);
}

// --- what the mesh says --------------------------------------------------------------------------

static void on_message(void *arg, uint64_t from_id, const uint8_t *bytes, uint32_t size)
{
    struct clustering *c = arg;
    pthread_mutex_lock(&c->machine_lock);
    enum base_result result =
        cluster_on_heartbeat(c->cluster, bytes, size, clustering__now_ms(), random_next(c));
    pthread_mutex_unlock(&c->machine_lock);
    if (result != RESULT_OK) {
        char node[LIMIT_NODE_ID_SIZE + 1];
        snprintf(node, sizeof node, "%llX", (unsigned long long)from_id);
        log_warning_once(c->node->log, hb, node, "node %s sends heartbeats that are not understood",
                         node);
    }
}

static void on_gone(void *arg, uint64_t id)
{
    struct clustering *c = arg;
    pthread_mutex_lock(&c->machine_lock);
    cluster_on_peer_gone(c->cluster, id, clustering__now_ms(), random_next(c));
    pthread_mutex_unlock(&c->machine_lock);
}

static void on_settled(void *arg)
{
    struct clustering *c = arg;
    pthread_mutex_lock(&c->machine_lock);
    cluster_on_seeds_settled(c->cluster, clustering__now_ms(), random_next(c));
    pthread_mutex_unlock(&c->machine_lock);
}

static void on_peers_changed(void *arg)
{
    struct clustering *c = arg;
    c->peers_stale = true;
}

// --- mail ----------------------------------------------------------------------------------------

bool clustering__post(struct clustering *c, const struct clustering_mail *mail,
                      const uint8_t *bytes)
{
    base_magic_check(c, CLUSTERING_MAGIC);
    struct clustering_mail *copy = malloc(sizeof *copy + mail->size);
    if (copy == NULL) {
        return false;
    }
    *copy = *mail;
    copy->next = NULL;
    if (mail->size > 0) {
        memcpy(copy->bytes, bytes, mail->size);
    }
    pthread_mutex_lock(&c->mail_lock);
    bool fits =
        mail->type != CLUSTERING_CONTROL || (c->mail_count < CLUSTERING_MAIL_COUNT_MAX &&
                                             c->mail_size + mail->size <= CLUSTERING_MAIL_SIZE_MAX);
    if (fits) {
        *(c->mail_first == NULL ? &c->mail_first : &c->mail_last->next) = copy;
        c->mail_last = copy;
        c->mail_count++;
        c->mail_size += mail->size;
    }
    pthread_mutex_unlock(&c->mail_lock);
    if (fits) {
        io_loop_wake(c->loop);
    } else {
        free(copy);
    }
    return fits;
}

static void on_control(struct clustering *c, const struct clustering_mail *mail)
{
    struct message message;
    uint32_t size;
    enum base_result result = message_parse(mail->bytes, mail->size, &message, &size);
    if (result == RESULT_OK && message.type == MESSAGE_METADATA) {
        shared_deliver(c->node->shared, message.body);
        return;
    }
    if (result == RESULT_OK) {
        pthread_mutex_lock(&c->machine_lock);
        result = cluster_on_control(c->cluster, mail->id, &message, clustering__now_ms());
        pthread_mutex_unlock(&c->machine_lock);
    }
    if (result != RESULT_OK) {
        char node[LIMIT_NODE_ID_SIZE + 1];
        snprintf(node, sizeof node, "%llX", (unsigned long long)mail->id);
        log_warning_once(c->node->log, fabric, node,
                         "node %s sends control messages that are not understood", node);
    }
}

// A node that is alone, and whose operator says that the others will not be back, need not remember
// what was deleted.
static void on_alumni_reset(struct clustering *c)
{
    bool alone = !cluster_is_frozen(c->cluster) && cluster_view(c->cluster)->count == 1;
    missing_forget(c);
    for (uint32_t i = 0; alone && i < c->node->namespace_count; i++) {
        __atomic_store_n(&c->node->namespaces[i].replica->tombstones, false, __ATOMIC_RELAXED);
    }
}

static void mail_do(struct clustering *c, const struct clustering_mail *mail)
{
    uint64_t now_ms = clustering__now_ms();
    if (mail->type == CLUSTERING_CONTROL) {
        on_control(c, mail);
        return;
    }
    if (mail->type == CLUSTERING_REFUSED) {
        mesh_suspect(c->mesh, mail->id);
        return;
    }
    pthread_mutex_lock(&c->machine_lock);
    switch (mail->type) {
    case CLUSTERING_SYNCED:
        cluster_on_synced(c->cluster, &mail->order, now_ms);
        break;
    case CLUSTERING_FLAGS:
        c->flags = (uint8_t)((c->flags | mail->flags_set) & ~mail->flags_clear);
        cluster_flags_set(c->cluster, c->flags, now_ms, random_next(c));
        break;
    case CLUSTERING_RECLUSTER:
        c->recluster_ms =
            now_ms + RECLUSTER_INTERVALS * c->node->config->network.heartbeat_interval_ms;
        break;
    case CLUSTERING_ALUMNI_RESET:
        on_alumni_reset(c);
        break;
    default:
        break;
    }
    pthread_mutex_unlock(&c->machine_lock);
}

static void mail_take(struct clustering *c)
{
    pthread_mutex_lock(&c->mail_lock);
    struct clustering_mail *mail = c->mail_first;
    c->mail_first = c->mail_last = NULL;
    c->mail_count = 0;
    c->mail_size = 0;
    pthread_mutex_unlock(&c->mail_lock);
    while (mail != NULL) {
        struct clustering_mail *next = mail->next;
        mail_do(c, mail);
        free(mail);
        mail = next;
    }
}

// --- turns ---------------------------------------------------------------------------------------

// Values that may change while the node runs and that the machine keeps copies of.
static void config_follow(struct clustering *c, uint64_t now_ms)
{
    for (uint32_t i = 0; i < c->node->namespace_count; i++) {
        uint32_t rack = c->node->cluster_namespaces[i]->config->rack_id;
        if (rack != c->racks[i]) {
            c->racks[i] = rack;
            cluster_rack_set(c->cluster, i, rack);
        }
    }
    const struct config_network *network = &c->node->config->network;
    uint32_t interval_ms = network->heartbeat_interval_ms;
    uint32_t timeout_ms = interval_ms * network->heartbeat_timeout_intervals;
    if (interval_ms != c->interval_ms || timeout_ms != c->timeout_ms) {
        c->interval_ms = interval_ms;
        c->timeout_ms = timeout_ms;
        cluster_timing_set(c->cluster, interval_ms, timeout_ms);
    }
    uint32_t min_size = c->node->config->service.min_cluster_size;
    if (min_size != c->min_size) {
        bool smaller = min_size < c->min_size;
        c->min_size = min_size;
        cluster_min_size_set(c->cluster, min_size);
        if (smaller) { // what was too small may serve now
            cluster_recluster(c->cluster, now_ms, random_next(c));
        }
    }
}

static void frozen_tell(struct clustering *c, uint64_t now_ms)
{
    const struct membership_view *view = cluster_view(c->cluster);
    if (!cluster_is_frozen(c->cluster) || now_ms - c->told_ms < TELL_AGAIN_MS) {
        return;
    }
    c->told_ms = now_ms;
    if (view->count < c->min_size && view->key != 0) {
        log_warning(c->node->log, clustering,
                    "this node serves nothing: the cluster has %u nodes, min-cluster-size is %u",
                    view->count, c->min_size);
    } else if (c->frozen_since_ms != 0 && now_ms - c->frozen_since_ms > TELL_AGAIN_MS) {
        log_warning(c->node->log, clustering,
                    "this node serves nothing: no view has been agreed on for %llu s",
                    (unsigned long long)(now_ms - c->frozen_since_ms) / 1000);
    }
}

// Returns how long the thread may sleep, in milliseconds.
static uint32_t turn(struct clustering *c)
{
    mail_take(c);
    uint64_t now_ms = clustering__now_ms();
    uint32_t wait_ms = mesh_tick(c->mesh, now_ms);
    pthread_mutex_lock(&c->machine_lock);
    config_follow(c, now_ms);
    if (c->recluster_ms != 0 && now_ms >= c->recluster_ms) {
        c->recluster_ms = 0;
        cluster_recluster(c->cluster, now_ms, random_next(c));
    }
    cluster_tick(c->cluster, now_ms, random_next(c));
    const struct membership_view *view = cluster_view(c->cluster);
    bool frozen = cluster_is_frozen(c->cluster);
    bool busy = frozen || cluster_syncs_remaining(c->cluster) > 0;
    bool alone = view->count <= 1 && !frozen && !mesh_has_met(c->mesh);
    frozen_tell(c, now_ms);
    tombstones_look(c, now_ms);
    pthread_mutex_unlock(&c->machine_lock);
    clustering__tell(c, now_ms);
    awake_say(c, now_ms);
    uint32_t most_ms = busy ? WAIT_BUSY_MS : alone ? WAIT_ALONE_MS : WAIT_MS;
    return wait_ms < most_ms ? wait_ms : most_ms;
}

static void *thread_main(void *arg)
{
    struct clustering *c = arg;
    uint64_t remind_ms = 0;
    uint32_t wait_ms = 0;
    while (!atomic_load_explicit(&c->stopping, memory_order_relaxed)) {
        io_loop_run_once(c->loop, (int)wait_ms);
        wait_ms = turn(c);
        uint64_t now_ms = clustering__now_ms();
        if (now_ms >= remind_ms) {
            remind_ms = now_ms + REMIND_MS;
            shared_remind(c->node->shared);
        }
    }
    return NULL;
}

// --- life ----------------------------------------------------------------------------------------

static void ear_deliver(void *arg, uint64_t from_id, const uint8_t *bytes, uint32_t size)
{
    clustering_deliver(arg, from_id, bytes, size);
}

static void ear_synced(void *arg, const struct cluster_sync_order *order)
{
    clustering_synced(arg, order);
}

static void ear_peer_refused(void *arg, uint64_t id)
{
    clustering_peer_refused(arg, id);
}

static enum base_result machine_make(struct clustering *c)
{
    struct node *node = c->node;
    const struct config_network *network = &node->config->network;
    c->interval_ms = network->heartbeat_interval_ms;
    c->timeout_ms = c->interval_ms * network->heartbeat_timeout_intervals;
    struct cluster_config config = {
        .membership = {.self = {.id = node->identity.id, .incarnation = node->identity.incarnation},
                       .interval_ms = c->interval_ms,
                       .timeout_ms = c->timeout_ms,
                       .minority_wait_ms = MINORITY_WAIT_MS,
                       .regime_floor = node->identity.regime},
        .syncs_at_once = SYNCS_AT_ONCE,
        .namespace_count = node->namespace_count,
    };
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        const struct namespace *ns = node->cluster_namespaces[i];
        struct cluster_namespace *out = &config.namespaces[i];
        uint32_t factor = ns->config->replication_factor;
        snprintf(out->name, sizeof out->name, "%s", ns->name);
        out->replica = ns->replica;
        out->replication_factor =
            factor < LIMIT_REPLICATION_FACTOR ? factor : LIMIT_REPLICATION_FACTOR;
        out->rack = c->racks[i] = ns->config->rack_id;
    }
    config.min_size = c->min_size = node->config->service.min_cluster_size;
    const struct cluster_edge edge = {
        .arg = c,
        .heartbeat_send = edge_heartbeat_send,
        .control_send = edge_control_send,
        .peer_number = edge_peer_number,
        .view_changed = edge_view_changed,
        .places_changed = edge_places_changed,
        .sync_start = edge_sync_start,
        .partition_clear = edge_partition_clear,
        .wall_ms = edge_wall_ms,
        .log = edge_log,
    };
    return cluster_new(&config, &edge, &c->cluster);
}

enum base_result clustering_start(struct node *node, struct clustering **out)
{
    *out = NULL;
    struct clustering *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return RESULT_NO_MEMORY;
    }
    c->magic = CLUSTERING_MAGIC;
    c->node = node;
    c->random = identity_random(64);
    c->frozen_since_ms = c->told_ms = clustering__now_ms();
    atomic_store(&c->partition_generation, -1);
    pthread_mutex_init(&c->machine_lock, NULL);
    pthread_mutex_init(&c->mail_lock, NULL);
    pthread_mutex_init(&c->told_lock, NULL);
    const struct mesh_hooks hooks = {c, on_message, on_gone, on_settled, on_peers_changed};
    enum base_result result = RESULT_NO_MEMORY;
    c->columns = calloc(node->namespace_count, sizeof *c->columns);
    if (c->columns != NULL) {
        result = io_loop_new(&c->loop);
    }
    if (result == RESULT_OK) {
        result = mesh_new(node, c->loop, &hooks, &c->mesh);
    }
    if (result == RESULT_OK) {
        result = machine_make(c);
    }
    if (result != RESULT_OK) {
        clustering_stop(&c);
        return result;
    }
    if (node->config->service.stay_quiesced) {
        c->flags = MEMBER_QUIESCED;
        cluster_flags_set(c->cluster, c->flags, clustering__now_ms(), random_next(c));
    }
    const struct fabric_ears ears = {c, ear_deliver, ear_peer_refused};
    const struct migrations_ears synced = {c, ear_synced};
    fabric_ears_set(node->fabric, &ears);
    migrations_ears_set(node->migrations, &synced);
    turn(c);
    for (int i = 0; i < FIRST_VIEW_TURNS && !mesh_has_seeds(c->mesh) &&
                    atomic_load(&c->partition_generation) < 0 && c->min_size < 2;
         i++) {
        turn(c);
    }
    *out = c;
    return RESULT_OK;
}

enum base_result clustering_run(struct clustering *c)
{
    if (pthread_create(&c->thread, NULL, thread_main, c) != 0) {
        return RESULT_NO_MEMORY;
    }
    c->started = true;
    return RESULT_OK;
}

void clustering_halt(struct clustering *c)
{
    if (c == NULL || !c->started) {
        return;
    }
    atomic_store(&c->stopping, true);
    io_loop_wake(c->loop);
    pthread_join(c->thread, NULL);
    c->started = false;
}

void clustering_stop(struct clustering **clustering)
{
    struct clustering *c = *clustering;
    if (c == NULL) {
        return;
    }
    base_magic_check(c, CLUSTERING_MAGIC);
    fabric_ears_set(c->node->fabric, NULL);
    migrations_ears_set(c->node->migrations, NULL);
    clustering_halt(c);
    *clustering = NULL;
    while (c->mail_first != NULL) {
        struct clustering_mail *mail = c->mail_first;
        c->mail_first = mail->next;
        free(mail);
    }
    mesh_free(&c->mesh);
    cluster_free(&c->cluster);
    io_loop_free(&c->loop);
    free(c->columns);
    pthread_mutex_destroy(&c->machine_lock);
    pthread_mutex_destroy(&c->mail_lock);
    pthread_mutex_destroy(&c->told_lock);
    c->magic = 0;
    free(c);
}

// --- from other threads --------------------------------------------------------------------------

void clustering_deliver(struct clustering *c, uint64_t from_id, const uint8_t *bytes, uint32_t size)
{
    const struct clustering_mail mail = {.type = CLUSTERING_CONTROL, .id = from_id, .size = size};
    (void)clustering__post(c, &mail, bytes); // control messages may get lost
}

void clustering_synced(struct clustering *c, const struct cluster_sync_order *order)
{
    const struct clustering_mail mail = {.type = CLUSTERING_SYNCED, .order = *order};
    base_assert(clustering__post(c, &mail, NULL)); // without memory for this the node cannot go on
}

void clustering_peer_refused(struct clustering *c, uint64_t id)
{
    const struct clustering_mail mail = {.type = CLUSTERING_REFUSED, .id = id};
    (void)clustering__post(c, &mail, NULL);
}

enum base_result clustering_tip(struct clustering *c, const char *host, uint16_t port)
{
    enum base_result result = mesh_tip(c->mesh, host, port);
    if (result == RESULT_OK) {
        log_info(c->node->log, hb, "tip: %s:%u", host, port);
    }
    return result;
}

enum base_result clustering_tip_clear(struct clustering *c, const char *host, uint16_t port)
{
    enum base_result result = mesh_tip_clear(c->mesh, host, port);
    if (result == RESULT_OK) {
        log_info(c->node->log, hb, "tip-clear: %s", host == NULL ? "all" : host);
    }
    return result;
}

enum base_result clustering_quiesce(struct clustering *c, bool quiesce)
{
    struct clustering_status status;
    clustering_status_copy(c, &status);
    uint32_t others = 0;
    for (uint32_t i = 0; i < status.view.count; i++) {
        const struct membership_member *member = &status.view.member[i];
        others += member->id != c->node->identity.id && member->flags == 0;
    }
    if (quiesce && others == 0) {
        return RESULT_FORBIDDEN;
    }
    const struct clustering_mail mail = {
        .type = CLUSTERING_FLAGS,
        .flags_set = quiesce ? MEMBER_QUIESCED : 0,
        .flags_clear = quiesce ? 0 : MEMBER_QUIESCED,
    };
    return clustering__post(c, &mail, NULL) ? RESULT_OK : RESULT_NO_MEMORY;
}

enum base_result clustering_recluster(struct clustering *c)
{
    struct clustering_status status;
    clustering_status_copy(c, &status);
    if (!status.is_principal) {
        return RESULT_FORBIDDEN;
    }
    const struct clustering_mail mail = {.type = CLUSTERING_RECLUSTER};
    return clustering__post(c, &mail, NULL) ? RESULT_OK : RESULT_NO_MEMORY;
}

void clustering_alumni_reset(struct clustering *c)
{
    mesh_alumni_reset(c->mesh);
    pthread_mutex_lock(&c->told_lock);
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (!node_set_has(&c->peers, i)) {
            node_set_add(&c->alumni_forgotten, i);
        }
    }
    pthread_mutex_unlock(&c->told_lock);
    const struct clustering_mail mail = {.type = CLUSTERING_ALUMNI_RESET};
    (void)clustering__post(c, &mail, NULL);
}
