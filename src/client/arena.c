// SPDX-License-Identifier: Apache-2.0
// Chunks are cut from the front; a copy larger than a chunk gets one of its own.
#include "client/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 16 * 1024 };

struct client_arena_chunk {
    struct client_arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) uint8_t bytes[];
};

void client__arena_fini(struct client_arena *arena)
{
    while (arena->chunks != NULL) {
        struct client_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
}

void *client__arena_take(struct client_arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct client_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = malloc(sizeof *chunk + room);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (struct client_arena_chunk){.next = arena->chunks, .size = room};
        arena->chunks = chunk;
    }
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return taken;
}

uint8_t *client__arena_copy(struct client_arena *arena, struct base_slice bytes)
{
    uint8_t *copy = client__arena_take(arena, bytes.size + 1);
    if (copy != NULL) {
        if (bytes.size > 0) {
            memcpy(copy, bytes.data, bytes.size);
        }
        copy[bytes.size] = '\0';
    }
    return copy;
}
