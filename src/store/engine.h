// SPDX-License-Identifier: Apache-2.0
// An engine decides how the bytes of records are kept; the index above it only needs, for each
// record, a head: memory that starts with the record's header and stays where it is until the
// record is dropped. In the memory engine the head is the whole record, a block of the heap.
//
// The engine is made by whoever makes the store and is given to it; the store frees it. All calls
// may come from any thread; two calls about one record never run at the same time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "store/record.h"

struct store_engine {
    // Keeps the record that the draft describes, `size` bytes (store_draft_size). *head becomes its
    // head. `before` is the head of a record that it replaces, or NULL: the engine may write over
    // it and give it back as *head; otherwise it stays and the caller drops it. The draft may point
    // into it. RESULT_NO_MEMORY keeps nothing new.
    enum base_result (*record_put)(struct store_engine *engine, const struct store_draft *draft,
                                   size_t size, uint8_t *before, uint8_t **head);

    // The same with a record that is encoded already; `bytes` do not lie within `before`.
    enum base_result (*record_put_bytes)(struct store_engine *engine, const uint8_t *bytes,
                                         uint8_t *before, uint8_t **head);

    // Forgets a record.
    void (*record_drop)(struct store_engine *engine, uint8_t *head);

    // Memory for the index, not cleared, aligned to 8 bytes. NULL: there is none.
    void *(*block_take)(struct store_engine *engine, size_t size);
    void (*block_give)(struct store_engine *engine, void *block, size_t size);

    void (*free)(struct store_engine *engine);
};

// Records in the heap.
BASE_MUST_USE enum base_result store_engine_memory_new(struct store_engine **out);
