// SPDX-License-Identifier: Apache-2.0
// The bodies of migration messages: stores them, and judges bytes of foreign origin.
#include "cluster/sync_wire.h"

#include "base/digest.h"

enum {
    FLAG_AFTER = 1,
    FLAG_UNTIL = 2,
    FLAG_TAKE_ONLY = 4,
    FLAG_PARTIAL = 8,

    SEQUENCE_AT = 0,
    FLAGS_AT = 4,

    LIST_AFTER_AT = 8,
    LIST_UNTIL_AT = 28,
    LIST_COUNT_AT = 48,

    DIFF_THROUGH_AT = 8,
    DIFF_COUNT_AT = 28,
    DIFF_SUM_AT = 32,
    DIFF_WANTED_AT = 40,

    STORED_COUNT_AT = 4,
    STORED_SUM_AT = 8,
};

void sync__list_store(uint8_t at[SYNC__LIST_SIZE], const struct sync__list *list)
{
    base_assert(list->count <= LIMIT_SYNC_RECORDS);
    memset(at, 0, SYNC__LIST_SIZE);
    base_le32_store(at + SEQUENCE_AT, list->sequence);
    at[FLAGS_AT] = (uint8_t)((list->range.after_set ? FLAG_AFTER : 0) |
                             (list->range.until_set ? FLAG_UNTIL : 0) |
                             (list->take_only ? FLAG_TAKE_ONLY : 0));
    if (list->range.after_set) {
        memcpy(at + LIST_AFTER_AT, list->range.after, LIMIT_DIGEST_SIZE);
    }
    if (list->range.until_set) {
        memcpy(at + LIST_UNTIL_AT, list->range.until, LIMIT_DIGEST_SIZE);
    }
    base_le32_store(at + LIST_COUNT_AT, list->count);
}

void sync__diff_store(uint8_t at[SYNC__DIFF_SIZE], const struct sync__diff *diff)
{
    memset(at, 0, SYNC__DIFF_SIZE);
    base_le32_store(at + SEQUENCE_AT, diff->sequence);
    if (diff->partial) {
        at[FLAGS_AT] = FLAG_PARTIAL;
        memcpy(at + DIFF_THROUGH_AT, diff->through, LIMIT_DIGEST_SIZE);
    }
    base_le32_store(at + DIFF_COUNT_AT, diff->summary.record_count);
    base_le64_store(at + DIFF_SUM_AT, diff->summary.sum);
    memcpy(at + DIFF_WANTED_AT, diff->wanted, SYNC__WANTED_SIZE);
}

void sync__records_store(uint8_t at[SYNC__RECORDS_SIZE], uint32_t sequence)
{
    memset(at, 0, SYNC__RECORDS_SIZE);
    base_le32_store(at + SEQUENCE_AT, sequence);
}

void sync__stored_store(uint8_t at[SYNC__STORED_SIZE], const struct sync__stored *stored)
{
    base_le32_store(at + SEQUENCE_AT, stored->sequence);
    base_le32_store(at + STORED_COUNT_AT, stored->summary.record_count);
    base_le64_store(at + STORED_SUM_AT, stored->summary.sum);
}

enum base_result sync__sequence_parse(struct base_slice body, uint32_t *out)
{
    *out = 0;
    if (body.size < sizeof(uint32_t)) {
        return RESULT_MALFORMED;
    }
    *out = base_le32_load(body.data + SEQUENCE_AT);
    return RESULT_OK;
}

// The heads stand within their range, in order, none twice.
static bool heads_check(const struct sync__list *list, uint32_t partition)
{
    const uint8_t *before = NULL;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint8_t *digest = list->heads + i * SYNC__HEAD_SIZE + STORE_RECORD_DIGEST_AT;
        if (base_digest_partition(digest) != partition || !sync__range_has(&list->range, digest) ||
            (before != NULL && sync__digest_compare(before, digest) >= 0)) {
            return false;
        }
        before = digest;
    }
    return true;
}

enum base_result sync__list_parse(struct base_slice body, uint32_t partition,
                                  struct sync__list *out)
{
    *out = (struct sync__list){0};
    if (body.size < SYNC__LIST_SIZE) {
        return RESULT_MALFORMED;
    }
    uint8_t flags = body.data[FLAGS_AT];
    out->sequence = base_le32_load(body.data + SEQUENCE_AT);
    out->take_only = (flags & FLAG_TAKE_ONLY) != 0;
    out->range.after_set = (flags & FLAG_AFTER) != 0;
    out->range.until_set = (flags & FLAG_UNTIL) != 0;
    memcpy(out->range.after, body.data + LIST_AFTER_AT, LIMIT_DIGEST_SIZE);
    memcpy(out->range.until, body.data + LIST_UNTIL_AT, LIMIT_DIGEST_SIZE);
    out->count = base_le32_load(body.data + LIST_COUNT_AT);
    out->heads = body.data + SYNC__LIST_SIZE;
    bool good = out->count <= LIMIT_SYNC_RECORDS &&
                body.size == SYNC__LIST_SIZE + (size_t)out->count * SYNC__HEAD_SIZE &&
                heads_check(out, partition);
    return good ? RESULT_OK : RESULT_MALFORMED;
}

static bool records_check(struct base_slice records, uint32_t partition)
{
    while (records.size > 0) {
        if (records.size < STORE_RECORD_HEADER_SIZE) {
            return false;
        }
        uint32_t size = store_record_size(records.data);
        if (size > records.size || store_record_check(records.data, size) != RESULT_OK ||
            base_digest_partition(records.data + STORE_RECORD_DIGEST_AT) != partition) {
            return false;
        }
        records.data += size;
        records.size -= size;
    }
    return true;
}

enum base_result sync__diff_parse(struct base_slice body, uint32_t partition,
                                  struct sync__diff *out)
{
    *out = (struct sync__diff){0};
    if (body.size < SYNC__DIFF_SIZE) {
        return RESULT_MALFORMED;
    }
    out->sequence = base_le32_load(body.data + SEQUENCE_AT);
    out->partial = (body.data[FLAGS_AT] & FLAG_PARTIAL) != 0;
    memcpy(out->through, body.data + DIFF_THROUGH_AT, LIMIT_DIGEST_SIZE);
    out->summary.record_count = base_le32_load(body.data + DIFF_COUNT_AT);
    out->summary.sum = base_le64_load(body.data + DIFF_SUM_AT);
    memcpy(out->wanted, body.data + DIFF_WANTED_AT, SYNC__WANTED_SIZE);
    out->records.data = body.data + SYNC__DIFF_SIZE;
    out->records.size = body.size - SYNC__DIFF_SIZE;
    return records_check(out->records, partition) ? RESULT_OK : RESULT_MALFORMED;
}

enum base_result sync__records_parse(struct base_slice body, uint32_t partition, uint32_t *sequence,
                                     struct base_slice *records)
{
    *sequence = 0;
    *records = (struct base_slice){0};
    if (body.size < SYNC__RECORDS_SIZE) {
        return RESULT_MALFORMED;
    }
    *sequence = base_le32_load(body.data + SEQUENCE_AT);
    records->data = body.data + SYNC__RECORDS_SIZE;
    records->size = body.size - SYNC__RECORDS_SIZE;
    return records_check(*records, partition) ? RESULT_OK : RESULT_MALFORMED;
}

enum base_result sync__stored_parse(struct base_slice body, struct sync__stored *out)
{
    *out = (struct sync__stored){0};
    if (body.size != SYNC__STORED_SIZE) {
        return RESULT_MALFORMED;
    }
    out->sequence = base_le32_load(body.data + SEQUENCE_AT);
    out->summary.record_count = base_le32_load(body.data + STORED_COUNT_AT);
    out->summary.sum = base_le64_load(body.data + STORED_SUM_AT);
    return RESULT_OK;
}
