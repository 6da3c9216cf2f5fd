// SPDX-License-Identifier: Apache-2.0
// A growing run of bytes: answers on their way out, requests that have only half arrived. One
// owner.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/result.h"

struct output {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void output_fini(struct output *output);

// Makes room for `count` more bytes; false when the heap is empty. Use output_reserve.
bool output_grow(struct output *output, size_t count);

// The place of the next `count` bytes, which the caller fills and then counts with output->size;
// NULL when the heap is empty.
static inline uint8_t *output_reserve(struct output *output, size_t count)
{
    if (count > output->capacity - output->size && !output_grow(output, count)) {
        return NULL;
    }
    return output->data + output->size;
}

// Appends bytes; false when the heap is empty.
static inline bool output_put(struct output *output, const void *bytes, size_t count)
{
    uint8_t *at = output_reserve(output, count);
    if (at == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(at, bytes, count);
    }
    output->size += count;
    return true;
}

// Forgets the first `count` bytes.
void output_drop(struct output *output, size_t count);

// Gives memory beyond `keep` bytes of capacity back; the content must be empty.
void output_trim(struct output *output, size_t keep);
