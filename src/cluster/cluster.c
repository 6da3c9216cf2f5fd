// SPDX-License-Identifier: Apache-2.0
// A node's part in the cluster: feeds the membership machine, and with each view that it installs
// the namespaces (cluster_space.c).
#include "cluster/cluster.h"

#include <stdlib.h>

#include "cluster/cluster_space.h"

enum { CLUSTER_MAGIC = 0x434c5553 };

// Memory for a machine. Most of it is for members that may never come, so its pages are left to be
// made when they are touched; the heap aligns to 16 bytes.
static void *machine_memory(uint64_t size)
{
    return calloc(1, size);
}

static enum base_result space_init(struct cluster *cluster, uint32_t number)
{
    struct cluster__space *space = &cluster->space[number];
    space->cluster = cluster;
    space->number = number;
    space->config = &cluster->config.namespaces[number];
    void *memory = machine_memory(partition_size());
    if (memory == NULL) {
        return RESULT_NO_MEMORY;
    }
    space->machine = partition_init(memory, cluster->config.syncs_at_once);
    base_assert((void *)space->machine == memory);
    replica_freeze(space->config->replica);
    return RESULT_OK;
}

enum base_result cluster_new(const struct cluster_config *config, const struct cluster_edge *edge,
                             struct cluster **out)
{
    base_assert(config->namespace_count <= LIMIT_NAMESPACES);
    *out = NULL;
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL) {
        return RESULT_NO_MEMORY;
    }
    cluster->magic = CLUSTER_MAGIC;
    cluster->config = *config;
    cluster->edge = *edge;
    cluster->frozen = true;
    enum base_result result = RESULT_NO_MEMORY;
    void *memory = machine_memory(membership_size());
    if (memory == NULL) {
        goto out;
    }
    cluster->membership = membership_init(memory, &config->membership);
    base_assert((void *)cluster->membership == memory);
    result = RESULT_OK;
    for (uint32_t i = 0; i < config->namespace_count && result == RESULT_OK; i++) {
        result = space_init(cluster, i);
    }
out:
    if (result != RESULT_OK) {
        cluster_free(&cluster);
    }
    *out = cluster;
    return result;
}

void cluster_free(struct cluster **out)
{
    struct cluster *cluster = *out;
    if (cluster == NULL) {
        return;
    }
    base_magic_check(cluster, CLUSTER_MAGIC);
    *out = NULL;
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        free(cluster->space[i].machine);
    }
    free(cluster->membership);
    cluster->magic = 0;
    free(cluster);
}

uint32_t cluster__member_find(const struct membership_view *view, uint64_t id)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->member[i].id == id) {
            return i;
        }
    }
    return LIMIT_CLUSTER_NODES;
}

static void freeze(struct cluster *cluster)
{
    cluster->frozen = true;
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        replica_freeze(cluster->space[i].config->replica);
    }
    cluster->edge.view_changed(cluster->edge.arg, NULL);
}

// Gives each member its peer number. False: one of them cannot have any.
static bool members_number(struct cluster *cluster, const struct membership_view *view)
{
    memset(cluster->place_of, PLACE_NOBODY, sizeof cluster->place_of);
    for (uint32_t i = 0; i < view->count; i++) {
        uint64_t id = view->member[i].id;
        uint8_t peer = PLACE_SELF;
        if (id == cluster->config.membership.self.id) {
            cluster->self = i;
        } else {
            peer = cluster->edge.peer_number(cluster->edge.arg, id);
        }
        if (peer >= LIMIT_CLUSTER_NODES) {
            cluster__report_numberless(cluster, id);
            return false;
        }
        cluster->peer[i] = peer;
        cluster->place_of[peer] = (uint8_t)i;
    }
    return true;
}

// Without a number for each member we stay frozen: to serve without one would be to lose its
// copies.
static void install(struct cluster *cluster)
{
    const struct membership_view *view = membership_view(cluster->membership);
    base_assert(cluster->frozen);
    if (!members_number(cluster, view)) {
        return;
    }
    cluster__report_view(cluster, &cluster->view, view);
    if (view->count < cluster->config.min_size) {
        cluster->view = *view;
        return; // it may be a part that was cut off: the rest serves
    }
    cluster->view = *view;
    cluster->key = view->key;
    cluster->frozen = false;
    cluster->edge.view_changed(cluster->edge.arg, &cluster->view);
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        cluster__space_on_view(&cluster->space[i]);
    }
}

static void heartbeat_send(struct cluster *cluster, uint64_t to,
                           const struct membership_message *message)
{
    uint32_t size = membership_message_encode(message, cluster->heartbeat_bytes);
    cluster->edge.heartbeat_send(cluster->edge.arg, to, cluster->heartbeat_bytes, size);
}

static void step(struct cluster *cluster, struct membership_event event, uint64_t now_ms,
                 uint64_t random)
{
    base_magic_check(cluster, CLUSTER_MAGIC);
    struct membership_effects *effects = &cluster->membership_effects;
    event.now_ms = now_ms;
    event.random = random;
    cluster->now_ms = now_ms;
    membership_step(cluster->membership, &event, effects);
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct membership_effect *effect = &effects->effect[i];
        switch (effect->type) {
        case MEMBERSHIP_SEND:
            heartbeat_send(cluster, effect->to, effect->message);
            break;
        case MEMBERSHIP_FREEZE:
            freeze(cluster);
            break;
        case MEMBERSHIP_VIEW:
            install(cluster);
            break;
        }
    }
}

void cluster_tick(struct cluster *cluster, uint64_t now_ms, uint64_t random)
{
    step(cluster, (struct membership_event){.type = MEMBERSHIP_TICK}, now_ms, random);
    for (uint32_t i = 0; i < cluster->config.namespace_count && !cluster->frozen; i++) {
        cluster__space_tick(&cluster->space[i]);
    }
}

enum base_result cluster_on_heartbeat(struct cluster *cluster, const uint8_t *bytes, uint32_t size,
                                      uint64_t now_ms, uint64_t random)
{
    enum base_result result = membership_message_decode(bytes, size, &cluster->heartbeat);
    if (result == RESULT_OK) {
        step(cluster,
             (struct membership_event){.type = MEMBERSHIP_RECEIVED, .message = &cluster->heartbeat},
             now_ms, random);
    }
    return result;
}

void cluster_on_peer_gone(struct cluster *cluster, uint64_t id, uint64_t now_ms, uint64_t random)
{
    step(cluster, (struct membership_event){.type = MEMBERSHIP_PEER_GONE, .id = id}, now_ms,
         random);
}

void cluster_on_seeds_settled(struct cluster *cluster, uint64_t now_ms, uint64_t random)
{
    step(cluster, (struct membership_event){.type = MEMBERSHIP_SEEDS_SETTLED}, now_ms, random);
}

void cluster_flags_set(struct cluster *cluster, uint8_t flags, uint64_t now_ms, uint64_t random)
{
    step(cluster, (struct membership_event){.type = MEMBERSHIP_FLAGS, .flags = flags}, now_ms,
         random);
}

void cluster_recluster(struct cluster *cluster, uint64_t now_ms, uint64_t random)
{
    step(cluster, (struct membership_event){.type = MEMBERSHIP_RECLUSTER}, now_ms, random);
}

void cluster_timing_set(struct cluster *cluster, uint32_t interval_ms, uint32_t timeout_ms)
{
    cluster->config.membership.interval_ms = interval_ms;
    cluster->config.membership.timeout_ms = timeout_ms;
    membership_timing_set(cluster->membership, interval_ms, timeout_ms);
}

void cluster_rack_set(struct cluster *cluster, uint32_t namespace_number, uint32_t rack)
{
    base_assert(namespace_number < cluster->config.namespace_count);
    cluster->config.namespaces[namespace_number].rack = rack;
}

void cluster_min_size_set(struct cluster *cluster, uint32_t min_size)
{
    cluster->config.min_size = min_size;
}

// An exchange names its namespace. One that we do not have gets the answer that we do not have it.
static enum base_result on_exchange(struct cluster *cluster, uint32_t from, struct base_slice body)
{
    if (body.size < 1 || body.data[0] > LIMIT_NAMESPACE_NAME_SIZE ||
        body.size < 1 + (size_t)body.data[0]) {
        return RESULT_MALFORMED;
    }
    char name[LIMIT_NAMESPACE_NAME_SIZE + 1] = {0};
    memcpy(name, body.data + 1, body.data[0]);
    size_t before = 1 + (size_t)body.data[0];
    struct partition_exchange *exchange = &cluster->exchange;
    enum base_result result =
        partition_exchange_decode(body.data + before, (uint32_t)(body.size - before), exchange);
    if (result != RESULT_OK || exchange->key != cluster->key) {
        return result;
    }
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        struct cluster__space *space = &cluster->space[i];
        if (strcmp(space->config->name, name) == 0) {
            cluster__space_on_exchange(space, from, exchange);
            return RESULT_OK;
        }
    }
    if (exchange->has_namespace) {
        memset(exchange, 0, sizeof *exchange);
        exchange->key = cluster->key;
        cluster__exchange_send(cluster, from, name, exchange);
    }
    return RESULT_OK;
}

static enum base_result on_partition(struct cluster *cluster, uint32_t from,
                                     const struct message *message)
{
    struct partition_message decoded;
    enum base_result result =
        partition_message_decode(message->body.data, (uint32_t)message->body.size, &decoded);
    if (result == RESULT_OK && message->namespace_number < cluster->config.namespace_count &&
        decoded.key == cluster->key && decoded.partition == message->partition) {
        cluster__space_on_message(&cluster->space[message->namespace_number], from, &decoded);
    }
    return result;
}

enum base_result cluster_on_control(struct cluster *cluster, uint64_t from_id,
                                    const struct message *message, uint64_t now_ms)
{
    base_magic_check(cluster, CLUSTER_MAGIC);
    // What is said in another view is void here; if it was early it comes again.
    uint32_t from = cluster__member_find(&cluster->view, from_id);
    if (cluster->frozen || message->key != cluster->key || from == LIMIT_CLUSTER_NODES ||
        from == cluster->self) {
        return RESULT_OK;
    }
    cluster->now_ms = now_ms;
    switch (message->type) {
    case MESSAGE_EXCHANGE:
        return on_exchange(cluster, from, message->body);
    case MESSAGE_PARTITION:
        return on_partition(cluster, from, message);
    default:
        return RESULT_MALFORMED;
    }
}

void cluster_on_synced(struct cluster *cluster, const struct cluster_sync_order *order,
                       uint64_t now_ms)
{
    base_magic_check(cluster, CLUSTER_MAGIC);
    base_assert(order->namespace_number < cluster->config.namespace_count);
    base_assert(order->peer < LIMIT_CLUSTER_NODES);
    if (cluster->frozen || order->key != cluster->key) {
        return;
    }
    cluster->now_ms = now_ms;
    cluster__space_on_synced(&cluster->space[order->namespace_number],
                             cluster->place_of[order->peer], order->partition);
}

const struct membership_view *cluster_view(const struct cluster *cluster)
{
    return membership_view(cluster->membership);
}

bool cluster_is_frozen(const struct cluster *cluster)
{
    bool frozen = cluster->frozen;
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        frozen = frozen || !cluster->space[i].placed;
    }
    return frozen;
}

const struct partition_machine *cluster_partitions(const struct cluster *cluster,
                                                   uint32_t namespace_number)
{
    base_assert(namespace_number < cluster->config.namespace_count);
    return cluster->space[namespace_number].machine;
}

uint32_t cluster_syncs_remaining(const struct cluster *cluster)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        struct partition_progress progress;
        partition_progress(cluster->space[i].machine, &progress);
        count += progress.sync_remaining + progress.incoming_remaining;
    }
    return count;
}

bool cluster_may_leave(const struct cluster *cluster)
{
    bool may = !cluster_is_frozen(cluster);
    for (uint32_t i = 0; i < cluster->config.namespace_count && may; i++) {
        may = partition_needed(cluster->space[i].machine) == 0;
    }
    return may;
}

void cluster_check(const struct cluster *cluster)
{
    base_magic_check(cluster, CLUSTER_MAGIC);
    membership_check(cluster->membership);
    base_assert(cluster->frozen || !membership_is_frozen(cluster->membership));
    for (uint32_t i = 0; i < cluster->config.namespace_count; i++) {
        cluster__space_check(&cluster->space[i]);
    }
}
