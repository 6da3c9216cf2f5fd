// SPDX-License-Identifier: Apache-2.0
// Few bins are found by a walk; many by a small hash table, so that a request with thousands of
// operations on a record of thousands of bins stays linear while it holds a lock.
#include "server/bins.h"

enum { WALK_COUNT_MAX = 16, HASH_EMPTY = 0 };

static uint32_t name_hash(const uint8_t *name, uint8_t size)
{
    uint32_t hash = 2166136261u;
    for (uint8_t i = 0; i < size; i++) {
        hash = (hash ^ name[i]) * 16777619u;
    }
    return hash ^ hash >> 15;
}

static bool name_is(const struct store_bin *bin, const uint8_t *name, uint8_t size)
{
    return bin->name_size == size && memcmp(bin->name, name, size) == 0;
}

static void hash_add(struct bins *bins, uint32_t place)
{
    const struct store_bin *bin = &bins->bin[place];
    uint32_t at = name_hash(bin->name, bin->name_size) & bins->hash_mask;
    while (bins->hash[at] != HASH_EMPTY) {
        at = (at + 1) & bins->hash_mask;
    }
    bins->hash[at] = place + 1;
}

enum base_result bins_init(struct bins *bins, struct arena *arena,
                           const struct store_record *record, uint32_t extra)
{
    uint32_t stored = record != NULL ? record->bin_count : 0;
    *bins = (struct bins){.arena = arena, .capacity = stored + extra};
    bins->bin = arena_take(arena, (bins->capacity + 1) * sizeof *bins->bin);
    if (bins->bin == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (bins->capacity > WALK_COUNT_MAX) {
        uint32_t slots = 64;
        while (slots < 2 * bins->capacity) {
            slots *= 2;
        }
        bins->hash = arena_take(arena, slots * sizeof *bins->hash);
        if (bins->hash == NULL) {
            return RESULT_NO_MEMORY;
        }
        memset(bins->hash, 0, slots * sizeof *bins->hash);
        bins->hash_mask = slots - 1;
    }
    const uint8_t *at = record != NULL ? record->bins : NULL;
    for (uint32_t i = 0; i < stored; i++) {
        store_bin_next(&at, &bins->bin[i]);
        bins->count++;
        if (bins->hash != NULL) {
            hash_add(bins, i);
        }
    }
    bins->live = stored;
    return RESULT_OK;
}

struct store_bin *bins_find(const struct bins *bins, const uint8_t *name, uint8_t name_size)
{
    if (bins->hash == NULL) {
        for (uint32_t i = 0; i < bins->count; i++) {
            if (name_is(&bins->bin[i], name, name_size)) {
                return &bins->bin[i];
            }
        }
        return NULL;
    }
    uint32_t at = name_hash(name, name_size) & bins->hash_mask;
    for (; bins->hash[at] != HASH_EMPTY; at = (at + 1) & bins->hash_mask) {
        struct store_bin *bin = &bins->bin[bins->hash[at] - 1];
        if (name_is(bin, name, name_size)) {
            return bin;
        }
    }
    return NULL;
}

void bins_set(struct bins *bins, const struct store_bin *bin)
{
    struct store_bin *old = bins_find(bins, bin->name, bin->name_size);
    if (old != NULL) {
        *old = *bin;
        return;
    }
    base_assert(bins->count < bins->capacity);
    bins->bin[bins->count] = *bin;
    if (bins->hash != NULL) {
        hash_add(bins, bins->count);
    }
    bins->count++;
    bins->live++;
}

void bins_remove(struct bins *bins, const uint8_t *name, uint8_t name_size)
{
    struct store_bin *bin = bins_find(bins, name, name_size);
    if (bin != NULL) {
        bin->name_size = 0;
        bins->live--;
    }
}

void bins_clear(struct bins *bins)
{
    for (uint32_t i = 0; i < bins->count; i++) {
        bins->bin[i].name_size = 0;
    }
    bins->live = 0;
}

void bins_compact(struct bins *bins)
{
    if (bins->live == bins->count) {
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < bins->count; i++) {
        if (bins->bin[i].name_size > 0) {
            bins->bin[kept++] = bins->bin[i];
        }
    }
    bins->count = kept;
    bins->hash = NULL;
}
