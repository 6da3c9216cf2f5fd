// SPDX-License-Identifier: Apache-2.0
// The engine that keeps each record in a block of the heap, and nothing anywhere else.
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

enum { OVERWRITE_SIZE_MAX = 1024 };

static enum base_result memory_record_put(struct store_engine *engine,
                                          const struct store_draft *draft, size_t size,
                                          uint8_t *before, uint8_t **head)
{
    (void)engine;
    if (before != NULL && size <= OVERWRITE_SIZE_MAX && store_record_size(before) == size) {
        uint8_t encoded[OVERWRITE_SIZE_MAX]; // the draft may point into what is written over
        store_record_encode(draft, encoded);
        memcpy(before, encoded, size);
        *head = before;
        return RESULT_OK;
    }
    uint8_t *bytes = malloc(size);
    *head = bytes;
    if (bytes == NULL) {
        return RESULT_NO_MEMORY;
    }
    store_record_encode(draft, bytes);
    return RESULT_OK;
}

static enum base_result memory_record_put_bytes(struct store_engine *engine, const uint8_t *bytes,
                                                uint8_t *before, uint8_t **head)
{
    (void)engine;
    size_t size = store_record_size(bytes);
    bool overwrites = before != NULL && store_record_size(before) == size;
    *head = overwrites ? before : malloc(size);
    if (*head == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(*head, bytes, size);
    return RESULT_OK;
}

static void memory_record_drop(struct store_engine *engine, uint8_t *head)
{
    (void)engine;
    free(head);
}

static void *memory_block_take(struct store_engine *engine, size_t size)
{
    (void)engine;
    return malloc(size);
}

static void memory_block_give(struct store_engine *engine, void *block, size_t size)
{
    (void)engine;
    (void)size;
    free(block);
}

static void memory_free(struct store_engine *engine)
{
    free(engine);
}

enum base_result store_engine_memory_new(struct store_engine **out)
{
    struct store_engine *engine = malloc(sizeof *engine);
    *out = engine;
    if (engine == NULL) {
        return RESULT_NO_MEMORY;
    }
    *engine = (struct store_engine){
        .record_put = memory_record_put,
        .record_put_bytes = memory_record_put_bytes,
        .record_drop = memory_record_drop,
        .block_take = memory_block_take,
        .block_give = memory_block_give,
        .free = memory_free,
    };
    return RESULT_OK;
}
