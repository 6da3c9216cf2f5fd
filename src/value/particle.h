// SPDX-License-Identifier: Apache-2.0
// What a bin's value is, and the operations on it that need no structure inside: checking,
// incrementing, appending (data-operations section 0). Values are as the wire carries them. Pure;
// any thread may call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "wire/message.h"

struct value_particle {
    uint8_t type; // enum wire_particle_type
    const uint8_t *data;
    uint32_t size;
};

// RESULT_OK when a bin may hold it: a known type whose fixed size, where it has one, is met.
// RESULT_PARAMETER otherwise. Nil is not a value to hold.
BASE_MUST_USE enum base_result value_particle_check(struct value_particle value);

// Adds `delta` to `value` (type nil: a bin that is not there, counted as 0 of the delta's type) and
// writes the 8 bytes of the sum, whose type is the delta's. Integers wrap around.
// RESULT_PARAMETER: the delta is no number; RESULT_INCOMPATIBLE_TYPE: the bin is of another type.
BASE_MUST_USE enum base_result value_particle_increment(struct value_particle value,
                                                        struct value_particle delta,
                                                        uint8_t out[8]);

// Whether `tail` can be joined to `value` (nil: a bin that is not there).
// RESULT_PARAMETER: the tail is neither string nor blob; RESULT_INCOMPATIBLE_TYPE: types differ.
BASE_MUST_USE enum base_result value_particle_joinable(struct value_particle value,
                                                       struct value_particle tail);
