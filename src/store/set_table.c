// SPDX-License-Identifier: Apache-2.0
// A namespace has few sets and each write asks for one: a fixed open-addressing table on the name.
#include "store/set_table.h"

#include "base/assert.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void store__set_table_init(struct store__set_table *table, struct store_engine *engine)
{
    table->engine = engine;
    int failed = pthread_mutex_init(&table->lock, NULL);
    base_assert(failed == 0);
}

void store__set_table_fini(struct store__set_table *table)
{
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        struct store_set *set = atomic_load_explicit(&table->sets[i], memory_order_relaxed);
        table->engine->block_give(table->engine, set, sizeof *set);
    }
    pthread_mutex_destroy(&table->lock);
}

// The set of that name, or NULL and the bucket where it would go.
static struct store_set *find(const struct store__set_table *table, struct base_slice name,
                              uint32_t *bucket)
{
    uint32_t at = (uint32_t)XXH3_64bits(name.data, name.size) % STORE__SET_BUCKETS;
    for (;; at = (at + 1) % STORE__SET_BUCKETS) {
        uint16_t number = atomic_load_explicit(&table->buckets[at], memory_order_acquire);
        *bucket = at;
        if (number == 0) {
            return NULL;
        }
        struct store_set *set =
            atomic_load_explicit(&table->sets[number - 1], memory_order_acquire);
        if (set->name_size == name.size && memcmp(set->name, name.data, name.size) == 0) {
            return set;
        }
    }
}

struct store_set *store__set_table_find(const struct store__set_table *table,
                                        struct base_slice name)
{
    uint32_t bucket;
    return name.size == 0 ? NULL : find(table, name, &bucket);
}

enum base_result store__set_table_ensure(struct store__set_table *table, struct base_slice name,
                                         struct store_set **out)
{
    *out = NULL;
    if (name.size == 0 || name.size > LIMIT_SET_NAME_SIZE) {
        return RESULT_PARAMETER;
    }
    *out = store__set_table_find(table, name);
    if (*out != NULL) {
        return RESULT_OK;
    }

    enum base_result result = RESULT_OK;
    pthread_mutex_lock(&table->lock);
    uint32_t bucket;
    struct store_set *set = find(table, name, &bucket);
    if (set != NULL) {
        goto out;
    }
    uint32_t number = atomic_load_explicit(&table->count, memory_order_relaxed);
    if (number == LIMIT_SETS_PER_NAMESPACE) {
        result = RESULT_LIMIT;
        goto out;
    }
    set = table->engine->block_take(table->engine, sizeof *set);
    if (set == NULL) {
        result = RESULT_NO_MEMORY;
        goto out;
    }
    memset(set, 0, sizeof *set);
    memcpy(set->name, name.data, name.size);
    set->name_size = (uint8_t)name.size;
    atomic_store_explicit(&table->sets[number], set, memory_order_release);
    atomic_store_explicit(&table->buckets[bucket], (uint16_t)(number + 1), memory_order_release);
    atomic_store_explicit(&table->count, number + 1, memory_order_release);
out:
    pthread_mutex_unlock(&table->lock);
    *out = set;
    return result;
}
