// SPDX-License-Identifier: Apache-2.0
// The bins of a record while a request works on them: taken from the stored record, changed by the
// operations, then written as a whole. Lives in the worker's arena; slices point into the record,
// the request or the arena.
#pragma once

#include "base/limits.h"
#include "server/arena.h"
#include "store/record.h"

struct bins {
    struct arena *arena;
    struct store_bin *bin;
    uint32_t count;    // places in use; a removed bin keeps its place with a name of size 0
    uint32_t live;     // bins that are there
    uint32_t capacity; // places
    uint32_t *hash;    // by name, for large records; NULL while a walk is as fast
    uint32_t hash_mask;
};

// Starts with the bins of `record` (NULL: none) and room for `extra` new ones.
BASE_MUST_USE enum base_result bins_init(struct bins *bins, struct arena *arena,
                                         const struct store_record *record, uint32_t extra);

// The bin of that name, or NULL.
struct store_bin *bins_find(const struct bins *bins, const uint8_t *name, uint8_t name_size);

// Sets a bin; the name and value must outlive the request. There is room for the `extra` of
// bins_init.
void bins_set(struct bins *bins, const struct store_bin *bin);

void bins_remove(struct bins *bins, const uint8_t *name, uint8_t name_size);

// Drops all bins.
void bins_clear(struct bins *bins);

// Closes the gaps that removed bins left; then bin[0] to bin[live - 1] are the record's.
void bins_compact(struct bins *bins);
