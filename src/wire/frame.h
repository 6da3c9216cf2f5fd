// SPDX-License-Identifier: Apache-2.0
// The eight bytes in front of every message: version, type, length of the body
// (wire-protocol section 1.1). Pure functions over the caller's bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

enum { WIRE_FRAME_VERSION = 2, WIRE_FRAME_HEADER_SIZE = 8 };

enum wire_frame_type {
    WIRE_FRAME_INFO = 1,
    WIRE_FRAME_ADMIN = 2,
    WIRE_FRAME_MESSAGE = 3,
    WIRE_FRAME_COMPRESSED = 4,
};

struct wire_frame {
    enum wire_frame_type type;
    const uint8_t *body; // inside the caller's bytes
    size_t body_size;
};

// Reads one frame at the start of `bytes`.
// RESULT_OK: *out is whole and *frame_size is header plus body.
// RESULT_INCOMPLETE: more bytes are needed; *frame_size is the whole frame's size, or 0 while the
// header itself is short.
// RESULT_MALFORMED: wrong version or type, or a body past LIMIT_FRAME_BODY_SIZE.
BASE_MUST_USE enum base_result wire_frame_parse(const uint8_t *bytes, size_t size,
                                                struct wire_frame *out, size_t *frame_size);

// Writes the header of a frame at `at`, WIRE_FRAME_HEADER_SIZE bytes.
void wire_frame_header_store(uint8_t *at, enum wire_frame_type type, size_t body_size);
