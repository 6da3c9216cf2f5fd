// SPDX-License-Identifier: Apache-2.0
// Frames are checked before anything behind them is believed: version, type and a bounded length.
#include "wire/frame.h"

#include "base/bytes.h"
#include "base/limits.h"

enum base_result wire_frame_parse(const uint8_t *bytes, size_t size, struct wire_frame *out,
                                  size_t *frame_size)
{
    *frame_size = 0;
    if (size < WIRE_FRAME_HEADER_SIZE) {
        // A wrong first byte is known to be wrong before the rest arrives.
        return size > 0 && bytes[0] != WIRE_FRAME_VERSION ? RESULT_MALFORMED : RESULT_INCOMPLETE;
    }
    uint64_t head = base_be64_load(bytes);
    uint8_t type = (uint8_t)(head >> 48);
    uint64_t body_size = head & 0xFFFFFFFFFFFFull;
    if (head >> 56 != WIRE_FRAME_VERSION || type < WIRE_FRAME_INFO ||
        type > WIRE_FRAME_COMPRESSED || body_size > LIMIT_FRAME_BODY_SIZE) {
        return RESULT_MALFORMED;
    }
    *frame_size = WIRE_FRAME_HEADER_SIZE + (size_t)body_size;
    if (size < *frame_size) {
        return RESULT_INCOMPLETE;
    }
    *out = (struct wire_frame){.type = (enum wire_frame_type)type,
                               .body = bytes + WIRE_FRAME_HEADER_SIZE,
                               .body_size = (size_t)body_size};
    return RESULT_OK;
}

void wire_frame_header_store(uint8_t *at, enum wire_frame_type type, size_t body_size)
{
    base_be64_store(at, (uint64_t)WIRE_FRAME_VERSION << 56 | (uint64_t)type << 48 | body_size);
}
