// SPDX-License-Identifier: Apache-2.0
// One table under one lock. An item is checked and entered first, then takes effect, then travels,
// so that no two nodes disagree about what won.
#include "server/shared.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cluster/message.h"
#include "cluster/metadata.h"
#include "io/clock.h"
#include "server/expiry.h"
#include "server/fabric.h"
#include "server/info_call.h"
#include "server/log.h"
#include "server/modules.h"
#include "server/truncate.h"

enum {
    SHARED_MAGIC = 0x53484152,
    MESSAGE_ROOM = METADATA_VALUE_SIZE_MAX + 64 * 1024, // one message, of one or many items
    REMIND_MS = 30000,
};

_Static_assert(MODULES_CONTENT_SIZE <= (int)METADATA_VALUE_SIZE_MAX, "a module is one value");
_Static_assert(MODULES_NAME_SIZE <= (int)METADATA_NAME_SIZE_MAX, "and has one name");
_Static_assert(LIMIT_NAMESPACE_NAME_SIZE + 1 + LIMIT_SET_NAME_SIZE <= (int)METADATA_NAME_SIZE_MAX,
               "so has a set");

struct shared {
    uint32_t magic;
    struct node *node;
    pthread_mutex_t lock; // guards the table, and the order in which items take effect
    struct metadata *table;
};

enum base_result shared_new(struct node *node, struct shared **out)
{
    struct shared *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = metadata_new(&s->table);
    if (result != RESULT_OK) {
        free(s);
        return result;
    }
    s->magic = SHARED_MAGIC;
    s->node = node;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return RESULT_OK;
}

void shared_free(struct shared **shared)
{
    struct shared *s = *shared;
    if (s == NULL) {
        return;
    }
    base_magic_check(s, SHARED_MAGIC);
    pthread_mutex_destroy(&s->lock);
    metadata_free(&s->table);
    free(s);
    *shared = NULL;
}

// --- what an item does here --------------------------------------------------------------------

static struct namespace *namespace_of(struct node *node, struct base_slice name,
                                      struct base_slice *set)
{
    const uint8_t *bar = memchr(name.data, '|', name.size);
    size_t size = bar == NULL ? name.size : (size_t)(bar - name.data);
    *set =
        bar == NULL ? (struct base_slice){0} : (struct base_slice){bar + 1, name.size - size - 1};
    return node_namespace_find(node, (struct base_slice){name.data, size});
}

static void truncation_apply(struct node *node, const struct metadata_item *item)
{
    struct base_slice set_name;
    struct namespace *ns = namespace_of(node, item->name, &set_name);
    if (ns == NULL) {
        return; // a namespace that other nodes have
    }
    struct store_set *set = NULL;
    if (set_name.size > 0 && store_set_ensure(ns->store, set_name, &set) != RESULT_OK) {
        return; // no room for another set: no record can be in it either
    }
    truncate_apply(ns, set, item->stamp_ms);
}

static void module_apply(struct node *node, const struct metadata_item *item)
{
    if (item->removed) {
        modules_remove(node->info->modules, item->name);
    } else if (modules_put(node->info->modules, item->name, item->value) != RESULT_OK) {
        log_warning(node->log, udf, "module %.*s of another node cannot be kept here",
                    (int)item->name.size, (const char *)item->name.data);
    }
}

static void eviction_apply(struct node *node, const struct metadata_item *item)
{
    struct base_slice set;
    struct namespace *ns = namespace_of(node, item->name, &set);
    if (ns == NULL || item->value.size != 8) {
        return;
    }
    uint64_t void_time_s = base_le64_load(item->value.data);
    atomic_store(&ns->evict_void_time_s, void_time_s);
    if (item->origin != node->identity.id && void_time_s > 0) {
        atomic_store(&ns->evict_wanted, true);
        if (node->expiry != NULL) {
            expiry_wake(node->expiry);
        }
    }
}

static void item_apply(struct node *node, const struct metadata_item *item)
{
    switch (item->kind) {
    case METADATA_TRUNCATION:
        truncation_apply(node, item);
        break;
    case METADATA_MODULE:
        module_apply(node, item);
        break;
    case METADATA_EVICTION:
        eviction_apply(node, item);
        break;
    }
}

// --- telling others ------------------------------------------------------------------------------

struct parcel {
    struct node *node;
    uint8_t *bytes; // MESSAGE_ROOM; NULL: no memory, nothing is told
    uint32_t size;
};

static bool is_linked(struct node *node, uint8_t number)
{
    struct peer peer;
    return peers_copy(&node->peers, number, &peer) && peer.linked;
}

static bool has_peers(struct node *node)
{
    uint32_t number = node->fabric != NULL ? 1 : LIMIT_CLUSTER_NODES;
    while (number < LIMIT_CLUSTER_NODES && !is_linked(node, (uint8_t)number)) {
        number++;
    }
    return number < LIMIT_CLUSTER_NODES;
}

static void parcel_open(struct parcel *parcel, struct node *node)
{
    *parcel = (struct parcel){.node = node, .size = MESSAGE_HEADER_SIZE};
    parcel->bytes = has_peers(node) ? malloc(MESSAGE_ROOM) : NULL;
}

static void parcel_send(struct parcel *parcel)
{
    if (parcel->bytes != NULL && parcel->size > MESSAGE_HEADER_SIZE) {
        struct message header = {.type = MESSAGE_METADATA,
                                 .namespace_number = MESSAGE_NO_NAMESPACE};
        message_header_store(parcel->bytes, &header, parcel->size - MESSAGE_HEADER_SIZE);
        for (uint32_t peer = 1; peer < LIMIT_CLUSTER_NODES; peer++) {
            if (is_linked(parcel->node, (uint8_t)peer)) {
                fabric_post(parcel->node->fabric, (uint8_t)peer, parcel->bytes, parcel->size);
            }
        }
    }
    parcel->size = MESSAGE_HEADER_SIZE;
}

static void parcel_add(struct parcel *parcel, const struct metadata_item *item)
{
    size_t size = metadata_item_size(item);
    if (parcel->bytes == NULL) {
        return;
    }
    if (size > MESSAGE_ROOM - parcel->size) {
        parcel_send(parcel);
    }
    metadata_item_encode(item, parcel->bytes + parcel->size);
    parcel->size += (uint32_t)size;
}

static void parcel_close(struct parcel *parcel)
{
    parcel_send(parcel);
    free(parcel->bytes);
}

static void tell_since(struct shared *s, uint64_t since_ms)
{
    base_magic_check(s, SHARED_MAGIC);
    struct parcel parcel;
    pthread_mutex_lock(&s->lock);
    uint32_t count = metadata_count(s->table);
    if (count > 0) {
        parcel_open(&parcel, s->node);
        for (uint32_t i = 0; i < count; i++) {
            struct metadata_item item;
            metadata_at(s->table, i, &item);
            if (item.stamp_ms >= since_ms) {
                parcel_add(&parcel, &item);
            }
        }
        parcel_close(&parcel);
    }
    pthread_mutex_unlock(&s->lock);
}

void shared_tell_all(struct shared *s)
{
    tell_since(s, 0);
}

void shared_remind(struct shared *s)
{
    uint64_t now_ms = io_clock_epoch_ms();
    tell_since(s, now_ms > REMIND_MS ? now_ms - REMIND_MS : 0);
}

void shared_deliver(struct shared *s, struct base_slice body)
{
    base_magic_check(s, SHARED_MAGIC);
    struct metadata_item item;
    pthread_mutex_lock(&s->lock);
    while (metadata_item_decode(&body, &item) == RESULT_OK) {
        bool changed;
        if (metadata_merge(s->table, &item, &changed) == RESULT_OK && changed) {
            item_apply(s->node, &item);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

// --- what this node sets -------------------------------------------------------------------------

// Enters an item of ours, with a stamp that wins against what is there, and tells it.
static enum base_result set(struct shared *s, struct metadata_item *item)
{
    base_magic_check(s, SHARED_MAGIC);
    item->origin = s->node->identity.id;
    pthread_mutex_lock(&s->lock);
    struct metadata_item before;
    if (item->kind != METADATA_TRUNCATION &&
        metadata_find(s->table, item->kind, item->name, &before) &&
        before.stamp_ms >= item->stamp_ms) {
        item->stamp_ms = before.stamp_ms + 1;
    }
    bool changed;
    enum base_result result = metadata_merge(s->table, item, &changed);
    if (result == RESULT_OK && changed) {
        item_apply(s->node, item);
        struct parcel parcel;
        parcel_open(&parcel, s->node);
        parcel_add(&parcel, item);
        parcel_close(&parcel);
    }
    pthread_mutex_unlock(&s->lock);
    return result;
}

enum base_result shared_truncate(struct shared *s, struct namespace *ns, struct base_slice set_name,
                                 uint64_t before_unix_ns)
{
    struct metadata_item item = {.kind = METADATA_TRUNCATION};
    enum base_result result = truncate_moment(ns, before_unix_ns, &item.stamp_ms);
    if (result != RESULT_OK) {
        return result;
    }
    if (set_name.size > LIMIT_SET_NAME_SIZE) {
        return RESULT_PARAMETER;
    }
    char name[METADATA_NAME_SIZE_MAX];
    memcpy(name, ns->name, ns->name_size);
    item.name = (struct base_slice){(const uint8_t *)name, ns->name_size};
    if (set_name.size > 0) {
        name[ns->name_size] = '|';
        memcpy(name + ns->name_size + 1, set_name.data, set_name.size);
        item.name.size += 1 + set_name.size;
    }
    return set(s, &item);
}

enum base_result shared_module_put(struct shared *s, struct base_slice name,
                                   struct base_slice content)
{
    // Whether it can be kept is found out before others hear of it.
    enum base_result result = modules_put(s->node->info->modules, name, content);
    if (result != RESULT_OK) {
        return result;
    }
    struct metadata_item item = {
        .kind = METADATA_MODULE, .stamp_ms = io_clock_epoch_ms(), .name = name, .value = content};
    return set(s, &item);
}

void shared_module_remove(struct shared *s, struct base_slice name)
{
    struct metadata_item item = {
        .kind = METADATA_MODULE, .removed = true, .stamp_ms = io_clock_epoch_ms(), .name = name};
    modules_remove(s->node->info->modules, name);
    struct metadata_item before;
    pthread_mutex_lock(&s->lock);
    bool known = name.size > 0 && metadata_find(s->table, METADATA_MODULE, name, &before);
    pthread_mutex_unlock(&s->lock);
    if (known) {
        enum base_result result = set(s, &item);
        (void)result; // it replaces a larger item, so at worst memory is short for a moment
    }
}

void shared_evicted(struct shared *s, struct namespace *ns, uint32_t void_time_s)
{
    uint8_t value[8];
    base_le64_store(value, void_time_s);
    struct metadata_item item = {.kind = METADATA_EVICTION,
                                 .stamp_ms = io_clock_epoch_ms(),
                                 .name = {(const uint8_t *)ns->name, ns->name_size},
                                 .value = {value, sizeof value}};
    if (set(s, &item) != RESULT_OK) {
        atomic_store(&ns->evict_void_time_s, void_time_s); // the others will fill it in again
    }
}
