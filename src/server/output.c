// SPDX-License-Identifier: Apache-2.0
// Doubling keeps the cost of growth in proportion to what was written.
#include "server/output.h"

#include <stdlib.h>

enum { OUTPUT_CAPACITY_FIRST = 4096 };

void output_fini(struct output *output)
{
    free(output->data);
    *output = (struct output){0};
}

bool output_grow(struct output *output, size_t count)
{
    size_t capacity = output->capacity > 0 ? output->capacity : OUTPUT_CAPACITY_FIRST;
    while (capacity - output->size < count) {
        if (capacity > SIZE_MAX / 2) {
            return false;
        }
        capacity *= 2;
    }
    uint8_t *data = realloc(output->data, capacity);
    if (data == NULL) {
        return false;
    }
    output->data = data;
    output->capacity = capacity;
    return true;
}

void output_drop(struct output *output, size_t count)
{
    base_assert(count <= output->size);
    memmove(output->data, output->data + count, output->size - count);
    output->size -= count;
}

void output_trim(struct output *output, size_t keep)
{
    base_assert(output->size == 0);
    if (output->capacity > keep) {
        output_fini(output);
    }
}
