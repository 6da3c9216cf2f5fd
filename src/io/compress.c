// SPDX-License-Identifier: Apache-2.0
// The announced size comes from a peer: it is bounded before memory is taken for it, also by what
// deflate can reach at best, so that a short message cannot ask for a hundred megabytes.
#include "io/compress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/limits.h"

enum {
    FRAME_HEADER_SIZE = 8,
    SIZE_FIELD_SIZE = 8,
    FRAME_MESSAGE = 3,
    FRAME_COMPRESSED = 4,
    DEFLATE_RATIO_MAX = 1032, // no deflate stream expands by more
    DEFLATE_SLACK_SIZE = 4096,
};

static const uint64_t FRAME_VERSION_BITS = (uint64_t)2 << 56;
static const uint64_t FRAME_SIZE_MASK = 0xFFFFFFFFFFFFull;

enum base_result io_compress_frame(const uint8_t *frame, size_t frame_size, uint8_t **out,
                                   size_t *out_size)
{
    *out = NULL;
    *out_size = 0;
    const size_t head_size = FRAME_HEADER_SIZE + SIZE_FIELD_SIZE;
    if (frame_size <= head_size) {
        return RESULT_LIMIT;
    }
    uint8_t *bytes = malloc(frame_size);
    if (bytes == NULL) {
        return RESULT_NO_MEMORY;
    }
    // The output may not be larger than the input, so that a stream that does not shrink fails.
    uLongf size = frame_size - head_size;
    if (compress2(bytes + head_size, &size, frame, frame_size, Z_BEST_SPEED) != Z_OK) {
        free(bytes);
        return RESULT_LIMIT;
    }
    base_be64_store(bytes, FRAME_VERSION_BITS | (uint64_t)FRAME_COMPRESSED << 48 |
                               (SIZE_FIELD_SIZE + size));
    base_be64_store(bytes + FRAME_HEADER_SIZE, frame_size);
    *out = bytes;
    *out_size = head_size + size;
    return RESULT_OK;
}

static bool is_message_frame(const uint8_t *frame, size_t frame_size)
{
    uint64_t head = base_be64_load(frame);
    return (head & ~FRAME_SIZE_MASK) == (FRAME_VERSION_BITS | (uint64_t)FRAME_MESSAGE << 48) &&
           (head & FRAME_SIZE_MASK) + FRAME_HEADER_SIZE == frame_size;
}

enum base_result io_inflate_frame(const uint8_t *body, size_t body_size, uint8_t **out,
                                  size_t *out_size)
{
    *out = NULL;
    *out_size = 0;
    if (body_size < SIZE_FIELD_SIZE) {
        return RESULT_MALFORMED;
    }
    uint64_t inner_size = base_be64_load(body);
    size_t packed_size = body_size - SIZE_FIELD_SIZE;
    if (inner_size < FRAME_HEADER_SIZE || inner_size > LIMIT_FRAME_BODY_SIZE + FRAME_HEADER_SIZE ||
        inner_size > (uint64_t)packed_size * DEFLATE_RATIO_MAX + DEFLATE_SLACK_SIZE) {
        return RESULT_MALFORMED;
    }
    uint8_t *bytes = malloc(inner_size);
    if (bytes == NULL) {
        return RESULT_NO_MEMORY;
    }
    uLongf size = inner_size;
    uLong taken = packed_size;
    if (uncompress2(bytes, &size, body + SIZE_FIELD_SIZE, &taken) != Z_OK || size != inner_size ||
        taken != packed_size || !is_message_frame(bytes, size)) {
        free(bytes);
        return RESULT_MALFORMED;
    }
    *out = bytes;
    *out_size = size;
    return RESULT_OK;
}
