// SPDX-License-Identifier: Apache-2.0
// Row flags decide which scalars follow, in the order INFO, INFO4, GENERATION, TTL.
#include "wire/batch.h"

#include "base/limits.h"

enum { BATCH_HEADER_SIZE = 5, ROW_FIXED_SIZE = 4 + LIMIT_DIGEST_SIZE + 1 };

enum base_result wire_batch_open(struct base_slice field, struct wire_batch *out)
{
    if (field.size < BATCH_HEADER_SIZE) {
        return RESULT_MALFORMED;
    }
    out->row_count = base_be32_load(field.data);
    out->rows_left = out->row_count;
    out->flags = field.data[4];
    out->full_row_seen = false;
    out->at = field.data + BATCH_HEADER_SIZE;
    out->end = field.data + field.size;
    return RESULT_OK;
}

static size_t scalars_size(uint8_t flags)
{
    if (flags == 0) {
        return 1; // the old read row: info1 alone
    }
    return (flags & WIRE_BATCH_ROW_INFO ? 3u : 0u) + (flags & WIRE_BATCH_ROW_INFO4 ? 1u : 0u) +
           (flags & WIRE_BATCH_ROW_GENERATION ? 2u : 0u) + (flags & WIRE_BATCH_ROW_TTL ? 4u : 0u);
}

static const uint8_t *scalars_parse(const uint8_t *at, uint8_t flags,
                                    struct wire_message_header *out)
{
    *out = (struct wire_message_header){0};
    if (flags == 0) {
        out->info1 = *at++;
        return at;
    }
    if (flags & WIRE_BATCH_ROW_INFO) {
        out->info1 = at[0];
        out->info2 = at[1];
        out->info3 = at[2];
        at += 3;
    }
    if (flags & WIRE_BATCH_ROW_INFO4) {
        out->info4 = *at++;
    }
    if (flags & WIRE_BATCH_ROW_GENERATION) {
        out->generation = base_be16_load(at);
        at += 2;
    }
    if (flags & WIRE_BATCH_ROW_TTL) {
        out->record_ttl = base_be32_load(at);
        at += 4;
    }
    return at;
}

enum base_result wire_batch_next(struct wire_batch *batch)
{
    if (batch->rows_left == 0) {
        return RESULT_QUERY_END;
    }
    const uint8_t *at = batch->at;
    if ((size_t)(batch->end - at) < ROW_FIXED_SIZE) {
        return RESULT_MALFORMED;
    }
    struct wire_batch_row *row = &batch->row;
    row->index = base_be32_load(at);
    row->digest = at + 4;
    uint8_t flags = at[ROW_FIXED_SIZE - 1];
    at += ROW_FIXED_SIZE;
    if (flags & WIRE_BATCH_ROW_REPEAT) {
        if (!batch->full_row_seen) {
            return RESULT_MALFORMED;
        }
        batch->at = at;
        batch->rows_left--;
        return RESULT_OK;
    }
    if ((size_t)(batch->end - at) < scalars_size(flags) + 4) {
        return RESULT_MALFORMED;
    }
    at = scalars_parse(at, flags, &row->header);
    uint16_t field_count = base_be16_load(at);
    uint16_t op_count = base_be16_load(at + 2);
    at += 4;
    enum base_result result = wire_fields_parse(&at, batch->end, field_count, &row->fields);
    if (result != RESULT_OK) {
        return result;
    }
    result = wire_ops_parse(&at, batch->end, op_count, &row->ops);
    if (result != RESULT_OK) {
        return result;
    }
    batch->full_row_seen = true;
    batch->at = at;
    batch->rows_left--;
    return RESULT_OK;
}
