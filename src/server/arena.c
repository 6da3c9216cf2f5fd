// SPDX-License-Identifier: Apache-2.0
// A chain of chunks; all but the first go back to the heap at each reset.
#include "server/arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    alignas(max_align_t) uint8_t bytes[];
};

static struct arena_chunk *chunk_new(size_t size)
{
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk != NULL) {
        chunk->next = NULL;
        chunk->size = size;
    }
    return chunk;
}

enum base_result arena_init(struct arena *arena)
{
    *arena = (struct arena){.first = chunk_new(ARENA_FIRST_CHUNK_SIZE)};
    arena->current = arena->first;
    arena->total = ARENA_FIRST_CHUNK_SIZE;
    return arena->first != NULL ? RESULT_OK : RESULT_NO_MEMORY;
}

void arena_reset(struct arena *arena)
{
    while (arena->first->next != NULL) {
        struct arena_chunk *gone = arena->first->next;
        arena->first->next = gone->next;
        free(gone);
    }
    arena->current = arena->first;
    arena->used = 0;
    arena->total = ARENA_FIRST_CHUNK_SIZE;
}

void arena_fini(struct arena *arena)
{
    if (arena->first != NULL) {
        arena_reset(arena);
        free(arena->first);
        arena->first = NULL;
    }
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded < size) {
        return NULL;
    }
    if (rounded > arena->current->size - arena->used) {
        size_t chunk_size = rounded > ARENA_FIRST_CHUNK_SIZE ? rounded : ARENA_FIRST_CHUNK_SIZE;
        if (chunk_size > ARENA_SIZE_MAX - arena->total) {
            return NULL;
        }
        struct arena_chunk *chunk = chunk_new(chunk_size);
        if (chunk == NULL) {
            return NULL;
        }
        arena->current->next = chunk;
        arena->current = chunk;
        arena->used = 0;
        arena->total += chunk_size;
    }
    void *taken = arena->current->bytes + arena->used;
    arena->used += rounded;
    return taken;
}
