// SPDX-License-Identifier: Apache-2.0
// The rows of a batch request (wire-protocol section 6.2). A row that says REPEAT takes everything
// but index and digest from the full row before it; the reader hides that.
#pragma once

#include "wire/message.h"

enum wire_batch_flag {
    WIRE_BATCH_INLINE_MEMORY = 0x01,
    WIRE_BATCH_INLINE_DEVICE = 0x02,
    WIRE_BATCH_RESPOND_ALL_KEYS = 0x04,
};

enum wire_batch_row_flag {
    WIRE_BATCH_ROW_REPEAT = 0x01,
    WIRE_BATCH_ROW_INFO = 0x02,
    WIRE_BATCH_ROW_GENERATION = 0x04,
    WIRE_BATCH_ROW_TTL = 0x08,
    WIRE_BATCH_ROW_INFO4 = 0x10,
};

struct wire_batch_row {
    uint32_t index;                    // echoed in the answer
    const uint8_t *digest;             // LIMIT_DIGEST_SIZE bytes
    struct wire_message_header header; // info bits, generation and ttl of the row; counts are 0
    struct wire_fields fields;
    struct wire_ops ops;
};

// Reads rows one after the other. The reader may be kept between calls as long as the bytes live.
struct wire_batch {
    const uint8_t *at, *end;
    uint32_t row_count; // as announced
    uint32_t rows_left;
    uint8_t flags;
    bool full_row_seen;
    struct wire_batch_row row; // the current row after wire_batch_next
};

// Starts to read the data of field WIRE_FIELD_BATCH.
BASE_MUST_USE enum base_result wire_batch_open(struct base_slice field, struct wire_batch *out);

// Reads the next row into batch->row. RESULT_OK; RESULT_QUERY_END after the last row;
// RESULT_MALFORMED when a row leads past the field or repeats before any full row.
BASE_MUST_USE enum base_result wire_batch_next(struct wire_batch *batch);
