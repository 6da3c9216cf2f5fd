// SPDX-License-Identifier: Apache-2.0
// Type-4 frames: one whole type-3 frame behind its inflated size, as a zlib stream (wire-protocol
// section 1.2). Memory that is handed out is the caller's, to be given to free(). Any thread may
// call.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

// Wraps a whole frame, header included, into a new type-4 frame. RESULT_LIMIT when it would not
// shrink: send the frame as it is.
BASE_MUST_USE enum base_result io_compress_frame(const uint8_t *frame, size_t frame_size,
                                                 uint8_t **out, size_t *out_size);

// Unwraps the body of a type-4 frame into the whole inner frame, header included. RESULT_MALFORMED
// when the zlib stream is damaged, when it does not give exactly the announced size, when that size
// is past LIMIT_FRAME_BODY_SIZE or out of proportion to the body, or when what comes out is not one
// type-3 frame. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result io_inflate_frame(const uint8_t *body, size_t body_size,
                                                uint8_t **out, size_t *out_size);
