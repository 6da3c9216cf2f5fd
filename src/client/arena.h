// SPDX-License-Identifier: Apache-2.0
// Memory for many small copies that all go at once. One thread at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct client_arena_chunk;

// All zero is an empty arena.
struct client_arena {
    struct client_arena_chunk *chunks; // newest first
};

void client__arena_fini(struct client_arena *arena);

// Bytes aligned for any object, good until fini; NULL when there is no memory.
void *client__arena_take(struct client_arena *arena, size_t size);

// A copy with a NUL behind it; NULL when there is no memory.
uint8_t *client__arena_copy(struct client_arena *arena, struct base_slice bytes);
