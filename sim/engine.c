// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <stdlib.h>

struct engine {
    struct store_engine face; // first: the store hands it back
    struct store_engine *memory;
    const struct host *host;
};

static struct engine *engine_of(struct store_engine *face)
{
    return (struct engine *)face;
}

// A record that does not grow needs no new memory.
static bool is_refused(const struct engine *engine, const uint8_t *before, size_t size)
{
    return engine->host->full > 0 && (before == NULL || store_record_size(before) < size);
}

static enum base_result put(struct store_engine *face, const struct store_draft *draft, size_t size,
                            uint8_t *before, uint8_t **head)
{
    struct engine *engine = engine_of(face);
    if (is_refused(engine, before, size)) {
        *head = NULL;
        return RESULT_NO_MEMORY;
    }
    return engine->memory->record_put(engine->memory, draft, size, before, head);
}

static enum base_result put_bytes(struct store_engine *face, const uint8_t *bytes, uint8_t *before,
                                  uint8_t **head)
{
    struct engine *engine = engine_of(face);
    if (is_refused(engine, before, store_record_size(bytes))) {
        *head = NULL;
        return RESULT_NO_MEMORY;
    }
    return engine->memory->record_put_bytes(engine->memory, bytes, before, head);
}

static void drop(struct store_engine *face, uint8_t *head)
{
    struct engine *engine = engine_of(face);
    engine->memory->record_drop(engine->memory, head);
}

static void *block_take(struct store_engine *face, size_t size)
{
    struct engine *engine = engine_of(face);
    return engine->host->full > 0 ? NULL : engine->memory->block_take(engine->memory, size);
}

static void block_give(struct store_engine *face, void *block, size_t size)
{
    struct engine *engine = engine_of(face);
    engine->memory->block_give(engine->memory, block, size);
}

static void engine_free(struct store_engine *face)
{
    struct engine *engine = engine_of(face);
    engine->memory->free(engine->memory);
    free(engine);
}

struct engine *engine_new(const struct host *host)
{
    struct engine *engine = calloc(1, sizeof *engine);
    base_assert(engine != NULL);
    *engine = (struct engine){
        .face = {.record_put = put,
                 .record_put_bytes = put_bytes,
                 .record_drop = drop,
                 .block_take = block_take,
                 .block_give = block_give,
                 .free = engine_free},
        .host = host,
    };
    enum base_result result = store_engine_memory_new(&engine->memory);
    base_assert(result == RESULT_OK);
    return engine;
}

struct store_engine *engine_of_store(struct engine *engine)
{
    return &engine->face;
}
