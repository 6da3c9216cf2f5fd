// SPDX-License-Identifier: Apache-2.0
// Making and ending a node, and its blocks of counters.
#include "server/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "cluster/replica.h"
#include "io/clock.h"
#include "server/info.h"
#include "server/shared.h"

static enum base_result set_configure(struct store *store, const struct config_set *config)
{
    struct store_set *set;
    struct base_slice name = {(const uint8_t *)config->name, strlen(config->name)};
    enum base_result result = store_set_ensure(store, name, &set);
    if (result != RESULT_OK) {
        return result;
    }
    atomic_store(&set->default_ttl_s, config->default_ttl_s);
    atomic_store(&set->disable_eviction, config->disable_eviction);
    atomic_store(&set->enable_index, config->enable_index);
    atomic_store(&set->stop_writes_count, config->stop_writes_count);
    atomic_store(&set->stop_writes_size, config->stop_writes_size);
    atomic_store(&set->default_read_touch_ttl_pct, config->default_read_touch_ttl_pct);
    return RESULT_OK;
}

// As long as no cluster says otherwise, the node masters all and tells nobody.
static void places_make_alone(struct replica *replica)
{
    struct place place = {
        .key = 1,
        .role = PLACE_MASTER,
        .master = PLACE_SELF,
        .columns = {PLACE_SELF},
        .column_count = 1,
    };
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        replica_place_set(replica, i, &place);
    }
}

static enum replication_policy namespace_policy(const struct namespace *ns)
{
    return atomic_load_explicit(&ns->config->conflict_resolution_policy, memory_order_relaxed) == 0
               ? REPLICATION_BY_GENERATION
               : REPLICATION_BY_LAST_UPDATE_TIME;
}

void namespace_config_changed(struct namespace *ns)
{
    replica_policy_set(ns->replica, namespace_policy(ns));
}

static enum base_result namespace_init(struct node *node, uint32_t number)
{
    struct namespace *ns = &node->namespaces[number];
    ns->node = node;
    ns->number = number;
    ns->config = node->config->namespaces[number];
    ns->name = ns->config->name;
    ns->name_size = strlen(ns->name);
    enum base_result result = store_new(&ns->store);
    if (result == RESULT_OK) {
        result = replica_new(ns->store, namespace_policy(ns), &ns->replica);
    }
    if (result == RESULT_OK) {
        places_make_alone(ns->replica);
    }
    for (uint32_t i = 0; result == RESULT_OK && i < ns->config->set_count; i++) {
        result = set_configure(ns->store, &ns->config->sets[i]);
    }
    return result;
}

static void cluster_numbers_give(struct node *node)
{
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        struct namespace *ns = &node->namespaces[i];
        for (uint32_t k = 0; k < node->namespace_count; k++) {
            ns->cluster_number += strcmp(node->namespaces[k].name, ns->name) < 0;
        }
        node->cluster_namespaces[ns->cluster_number] = ns;
    }
}

enum base_result node_new(struct config *config, struct node **out)
{
    *out = NULL;
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return RESULT_NO_MEMORY;
    }
    node->magic = NODE_MAGIC;
    node->config = config;
    node->tombstones_known = true;
    node->start_s = io_clock_monotonic_ns() / 1000000000u;
    node->cluster_key = identity_random(48);
    identity_init(&node->identity, config);
    node->id = node->identity.id_text;
    peers_init(&node->peers);
    peers_self_set(&node->peers, &(struct peer){.id = node->identity.id,
                                                .incarnation = node->identity.incarnation});
    pthread_mutex_init(&node->counters_lock, NULL);
    pthread_mutex_init(&node->service_lock, NULL);
    enum base_result result = info_new(&node->info);
    if (result == RESULT_OK) {
        result = shared_new(node, &node->shared);
    }
    while (result == RESULT_OK && node->namespace_count < config->namespace_count) {
        result = namespace_init(node, node->namespace_count++);
    }
    cluster_numbers_give(node);
    if (result != RESULT_OK) {
        node->config = NULL; // stays the caller's
        node_free(&node);
        return result;
    }
    *out = node;
    return RESULT_OK;
}

void node_free(struct node **node)
{
    struct node *n = *node;
    if (n == NULL) {
        return;
    }
    base_magic_check(n, NODE_MAGIC);
    for (uint32_t i = 0; i < n->namespace_count; i++) {
        replica_free(&n->namespaces[i].replica);
        store_free(&n->namespaces[i].store);
    }
    for (uint32_t i = 0; i < atomic_load(&n->counters_count); i++) {
        free(n->counters[i]);
    }
    shared_free(&n->shared);
    info_free(&n->info);
    identity_fini(&n->identity);
    peers_fini(&n->peers);
    pthread_mutex_destroy(&n->counters_lock);
    pthread_mutex_destroy(&n->service_lock);
    config_free(&n->config);
    free(n);
    *node = NULL;
}

struct namespace *node_namespace_find(struct node *node, struct base_slice name)
{
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        struct namespace *ns = &node->namespaces[i];
        if (ns->name_size == name.size && memcmp(ns->name, name.data, name.size) == 0) {
            return ns;
        }
    }
    return NULL;
}

struct counters *node_counters_register(struct node *node)
{
    size_t size =
        sizeof(struct counters) + node->namespace_count * sizeof(struct counters_namespace);
    struct counters *block = aligned_alloc(64, (size + 63) / 64 * 64);
    if (block == NULL) {
        return NULL;
    }
    memset(block, 0, size);
    pthread_mutex_lock(&node->counters_lock);
    uint32_t count = atomic_load(&node->counters_count);
    bool fits = count < NODE_COUNTER_BLOCKS;
    if (fits) {
        node->counters[count] = block;
        atomic_store(&node->counters_count, count + 1);
    }
    pthread_mutex_unlock(&node->counters_lock);
    if (!fits) {
        free(block);
        return NULL;
    }
    return block;
}

static uint64_t counter_at(const void *block, size_t offset)
{
    const _Atomic uint64_t *counter = (const void *)((const uint8_t *)block + offset);
    return atomic_load_explicit(counter, memory_order_relaxed);
}

uint64_t node_namespace_counter(struct node *node, uint32_t namespace_number, size_t offset)
{
    uint64_t sum = 0;
    uint32_t count = atomic_load(&node->counters_count);
    for (uint32_t i = 0; i < count; i++) {
        sum += counter_at(&node->counters[i]->ns[namespace_number], offset);
    }
    return sum;
}

uint64_t node_counter(struct node *node, size_t offset)
{
    uint64_t sum = 0;
    uint32_t count = atomic_load(&node->counters_count);
    for (uint32_t i = 0; i < count; i++) {
        sum += counter_at(&node->counters[i]->node, offset);
    }
    return sum;
}
