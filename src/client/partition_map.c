// SPDX-License-Identifier: Apache-2.0
// An answer is walked twice: once to see that all of it is sound, once to take it over.
#include "client/partition_map.h"

#include <stdlib.h>

#include "wire/base64.h"
#include "wire/info.h"

enum {
    BITMAP_SIZE = LIMIT_PARTITIONS / 8,
    BITMAP_TEXT_SIZE = 684,
    // Base64 of 512 bytes ends in one padding character; decoding needs the whole last group.
    BITMAP_DECODED_SIZE_MAX = BITMAP_TEXT_SIZE / 4 * 3,
    REPLICAS_MAX = 255,
};

// One namespace of the answer.
struct entry {
    struct base_slice ns;
    uint32_t regime;
    uint32_t count;
    struct base_slice bitmaps; // `count` texts with commas between
};

void client__map_fini(struct client_map *map)
{
    uint32_t count = atomic_load(&map->count);
    for (uint32_t i = 0; i < count; i++) {
        free(map->namespaces[i]);
    }
    atomic_store(&map->count, 0);
}

struct client_partitions *client__map_find(const struct client_map *map, const char *ns)
{
    uint32_t count = atomic_load_explicit(&map->count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(map->namespaces[i]->ns, ns) == 0) {
            return map->namespaces[i];
        }
    }
    return NULL;
}

static bool entry_parse(struct base_slice text, struct entry *out)
{
    struct base_slice regime, count;
    uint64_t regime_number, count_number;
    if (!wire_info_piece_next(&text, ':', &out->ns) || !wire_info_piece_next(&text, ',', &regime) ||
        !wire_info_piece_next(&text, ',', &count) || !wire_info_number(regime, &regime_number) ||
        !wire_info_number(count, &count_number)) {
        return false;
    }
    if (out->ns.size == 0 || out->ns.size > LIMIT_NAMESPACE_NAME_SIZE || count_number == 0 ||
        count_number > REPLICAS_MAX || regime_number > UINT32_MAX) {
        return false;
    }
    out->regime = (uint32_t)regime_number;
    out->count = (uint32_t)count_number;
    out->bitmaps = text;
    return text.size == out->count * (BITMAP_TEXT_SIZE + 1u) - 1;
}

static bool bitmap_decode(const struct entry *entry, uint32_t column,
                          uint8_t out[BITMAP_DECODED_SIZE_MAX])
{
    const char *text = (const char *)entry->bitmaps.data + column * (BITMAP_TEXT_SIZE + 1u);
    size_t size;
    return wire_base64_decode(text, BITMAP_TEXT_SIZE, out, &size) && size == BITMAP_SIZE &&
           (column + 1 == entry->count || text[BITMAP_TEXT_SIZE] == ',');
}

static bool answer_is_sound(struct base_slice replicas, const struct client_map *map,
                            enum base_result *result)
{
    uint8_t bitmap[BITMAP_DECODED_SIZE_MAX];
    uint32_t new_count = 0;
    struct base_slice text;
    *result = RESULT_MALFORMED;
    while (wire_info_piece_next(&replicas, ';', &text)) {
        struct entry entry;
        if (!entry_parse(text, &entry)) {
            return false;
        }
        for (uint32_t column = 0; column < entry.count; column++) {
            if (!bitmap_decode(&entry, column, bitmap)) {
                return false;
            }
        }
        char ns[LIMIT_NAMESPACE_NAME_SIZE + 1] = {0};
        memcpy(ns, entry.ns.data, entry.ns.size);
        new_count += client__map_find(map, ns) == NULL;
    }
    *result = RESULT_LIMIT;
    return new_count + atomic_load(&map->count) <= LIMIT_NAMESPACES;
}

static struct client_partitions *partitions_ensure(struct client_map *map, struct base_slice name)
{
    char ns[LIMIT_NAMESPACE_NAME_SIZE + 1] = {0};
    memcpy(ns, name.data, name.size);
    struct client_partitions *partitions = client__map_find(map, ns);
    if (partitions != NULL) {
        return partitions;
    }
    partitions = calloc(1, sizeof *partitions);
    if (partitions == NULL) {
        return NULL;
    }
    memcpy(partitions->ns, ns, sizeof ns);
    uint32_t count = atomic_load(&map->count);
    map->namespaces[count] = partitions;
    atomic_store_explicit(&map->count, count + 1, memory_order_release);
    return partitions;
}

static void claims_take(struct client_partitions *partitions, const struct entry *entry,
                        uint32_t column, const uint8_t *bitmap, uint32_t number,
                        struct client_node_set *displaced)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if ((bitmap[p >> 3] & 0x80 >> (p & 7)) == 0 || entry->regime < partitions->regime[p]) {
            continue;
        }
        uint16_t before = atomic_load_explicit(&partitions->owner[column][p], memory_order_relaxed);
        if (before != number + 1) {
            atomic_store_explicit(&partitions->owner[column][p], (uint16_t)(number + 1),
                                  memory_order_release);
            if (before != 0) {
                client__node_set_add(displaced, before - 1u);
            }
        }
        partitions->regime[p] = entry->regime;
    }
}

enum base_result client__map_update(struct client_map *map, uint32_t number,
                                    struct base_slice replicas, struct client_node_set *displaced)
{
    enum base_result result;
    if (!answer_is_sound(replicas, map, &result)) {
        return result;
    }
    uint8_t bitmap[BITMAP_DECODED_SIZE_MAX];
    struct base_slice text;
    while (wire_info_piece_next(&replicas, ';', &text)) {
        struct entry entry;
        bool sound = entry_parse(text, &entry);
        base_assert(sound);
        struct client_partitions *partitions = partitions_ensure(map, entry.ns);
        if (partitions == NULL) {
            return RESULT_NO_MEMORY;
        }
        uint32_t columns =
            entry.count < LIMIT_CLIENT_REPLICAS ? entry.count : LIMIT_CLIENT_REPLICAS;
        for (uint32_t column = 0; column < columns; column++) {
            sound = bitmap_decode(&entry, column, bitmap);
            base_assert(sound);
            claims_take(partitions, &entry, column, bitmap, number, displaced);
        }
        atomic_store_explicit(&partitions->replica_count, columns, memory_order_release);
    }
    return RESULT_OK;
}

void client__map_remove_node(struct client_map *map, uint32_t number)
{
    uint32_t count = atomic_load(&map->count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t column = 0; column < LIMIT_CLIENT_REPLICAS; column++) {
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                _Atomic uint16_t *owner = &map->namespaces[i]->owner[column][p];
                if (atomic_load_explicit(owner, memory_order_relaxed) == number + 1) {
                    atomic_store_explicit(owner, 0, memory_order_release);
                }
            }
        }
    }
}

bool client__map_node_owns(const struct client_map *map, uint32_t number)
{
    uint32_t count = atomic_load(&map->count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t column = 0; column < LIMIT_CLIENT_REPLICAS; column++) {
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                if (atomic_load_explicit(&map->namespaces[i]->owner[column][p],
                                         memory_order_relaxed) == number + 1) {
                    return true;
                }
            }
        }
    }
    return false;
}

bool client__map_owner(const struct client_partitions *partitions, uint32_t partition,
                       uint32_t replica, uint32_t *number)
{
    uint32_t columns = atomic_load_explicit(&partitions->replica_count, memory_order_acquire);
    for (uint32_t i = 0; i < columns; i++) {
        uint16_t owner = atomic_load_explicit(
            &partitions->owner[(replica + i) % columns][partition], memory_order_acquire);
        if (owner != 0) {
            *number = owner - 1u;
            return true;
        }
    }
    *number = 0;
    return false;
}
