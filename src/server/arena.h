// SPDX-License-Identifier: Apache-2.0
// Scratch memory of one request: taken in order, given back all at once. One thread owns it. The
// first chunk stays for good, so that ordinary requests allocate nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

enum {
    ARENA_FIRST_CHUNK_SIZE = 64 * 1024,
    ARENA_SIZE_MAX = 64 * 1024 * 1024, // of one request; more answers NULL
};

struct arena_chunk;

struct arena {
    struct arena_chunk *first, *current;
    size_t used;  // in the current chunk
    size_t total; // over all chunks
};

BASE_MUST_USE enum base_result arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

// `size` bytes, aligned for any type, good until arena_reset. NULL past ARENA_SIZE_MAX or when the
// heap is empty.
void *arena_take(struct arena *arena, size_t size);

void arena_reset(struct arena *arena);
