// SPDX-License-Identifier: Apache-2.0
// Reads inside list and map bins (data-operations sections 2 and 3), those that need no order among
// values: the size of a list or map, and one entry of a map by its key. The value found is shown in
// place, as bytes of the bin behind a few bytes of its own, so nothing is copied or allocated.
// Pure; any thread may call.
#pragma once

#include "value/particle.h"

enum { VALUE_COLLECTION_HEAD_SIZE = 16 };

// The particle `type` with the bytes of `head`, then those of `tail`, which point into the bin.
struct value_collection_result {
    uint8_t type; // nil: no result
    uint8_t head_size;
    uint8_t head[VALUE_COLLECTION_HEAD_SIZE];
    const uint8_t *tail;
    uint32_t tail_size;
};

static inline uint32_t value_collection_result_size(const struct value_collection_result *result)
{
    return result->head_size + result->tail_size;
}

// Writes the result's bytes; returns the place behind them.
uint8_t *value_collection_result_store(uint8_t *at, const struct value_collection_result *result);

// RESULT_OK for a payload that value_collection_read may carry out, RESULT_UNSUPPORTED for the
// other reads, RESULT_PARAMETER for what is no read.
BASE_MUST_USE enum base_result value_collection_check(const uint8_t *payload,
                                                      uint32_t payload_size);

// Carries out the read of a checked payload. RESULT_INCOMPATIBLE_TYPE when the bin is no list or
// map as the read needs it. A key that is not there is no error.
BASE_MUST_USE enum base_result value_collection_read(struct value_particle bin,
                                                     const uint8_t *payload, uint32_t payload_size,
                                                     struct value_collection_result *out);
