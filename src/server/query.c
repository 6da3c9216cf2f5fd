// SPDX-License-Identifier: Apache-2.0
// First what the node cannot do at all, then each field by itself.
#include "server/query.h"

#include <stdlib.h>

#include "base/digest.h"
#include "server/request.h"
#include "value/collection.h"

static uint64_t bit(enum wire_field_type type)
{
    return 1ull << type;
}

static enum query_kind kind_of(const struct wire_message_header *header)
{
    return header->info2 & WIRE_INFO2_WRITE         ? QUERY_BACKGROUND
           : header->info1 & WIRE_INFO1_SHORT_QUERY ? QUERY_SHORT
                                                    : QUERY_LONG;
}

// A foreground query may select bins and look into lists and maps; what changes is refused.
static enum base_result projection_check(struct wire_ops ops)
{
    struct wire_op op;
    if (ops.count > LIMIT_BINS_PER_RECORD) {
        return RESULT_PARAMETER;
    }
    while (wire_ops_next(&ops, &op)) {
        enum base_result result = op.type == WIRE_OP_READ ? RESULT_OK
                                  : op.type == WIRE_OP_CDT_READ
                                      ? value_collection_check(op.value, op.value_size)
                                      : RESULT_UNSUPPORTED;
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

static enum base_result admit(const struct wire_message *message, enum query_kind kind)
{
    const struct wire_message_header *header = &message->header;
    uint64_t present = message->fields.present;
    uint64_t unsupported = bit(WIRE_FIELD_FILTER) | bit(WIRE_FIELD_UDF_OP) |
                           bit(WIRE_FIELD_UDF_PACKAGE) | bit(WIRE_FIELD_UDF_FUNCTION) |
                           bit(WIRE_FIELD_TXN_ID);
    uint64_t index =
        bit(WIRE_FIELD_INDEX_RANGE) | bit(WIRE_FIELD_INDEX_NAME) | bit(WIRE_FIELD_INDEX_EXPRESSION);
    if (present & unsupported) {
        return RESULT_UNSUPPORTED;
    }
    if (present & index) {
        return RESULT_INDEX_NOT_FOUND; // there are none
    }
    if (kind == QUERY_BACKGROUND) {
        // Every client names its background work; a single write whose digest was lost on the way
        // does not, and must not become a write to all records.
        if (!(present & bit(WIRE_FIELD_TASK_ID))) {
            return RESULT_PARAMETER;
        }
        return header->info2 & WIRE_INFO2_DELETE || header->info1 & WIRE_INFO1_READ
                   ? RESULT_PARAMETER
                   : record_write_ops_check(message->ops);
    }
    if (!(header->info1 & WIRE_INFO1_READ) || header->info2 & WIRE_INFO2_DELETE) {
        return RESULT_PARAMETER;
    }
    return projection_check(message->ops);
}

static enum base_result number_u32(const struct wire_fields *fields, enum wire_field_type type,
                                   uint32_t *out)
{
    struct base_slice field = wire_fields_get(fields, type);
    if (field.data == NULL) {
        return RESULT_OK;
    }
    if (field.size != 4) {
        return RESULT_PARAMETER;
    }
    *out = base_be32_load(field.data);
    return RESULT_OK;
}

static enum base_result number_u64(const struct wire_fields *fields, enum wire_field_type type,
                                   uint64_t *out)
{
    struct base_slice field = wire_fields_get(fields, type);
    if (field.data == NULL) {
        return RESULT_OK;
    }
    if (field.size != 8) {
        return RESULT_PARAMETER;
    }
    *out = base_be64_load(field.data);
    return RESULT_OK;
}

static enum base_result numbers_parse(const struct wire_fields *fields, struct query *q)
{
    enum base_result result = number_u64(fields, WIRE_FIELD_TASK_ID, &q->task_id);
    if (result == RESULT_OK) {
        result = number_u64(fields, WIRE_FIELD_MAX_RECORDS, &q->records_max);
    }
    if (result == RESULT_OK) {
        result = number_u32(fields, WIRE_FIELD_SOCKET_TIMEOUT, &q->socket_timeout_ms);
    }
    if (result == RESULT_OK) {
        result = number_u32(fields, WIRE_FIELD_RECORDS_PER_SECOND, &q->records_per_second);
    }
    return result;
}

static enum base_result set_parse(const struct wire_fields *fields, struct query *q)
{
    struct base_slice name = wire_fields_get(fields, WIRE_FIELD_SET);
    if (name.size > LIMIT_SET_NAME_SIZE) {
        return RESULT_PARAMETER;
    }
    if (name.size > 0) {
        memcpy(q->set_name, name.data, name.size);
    }
    q->set_name_size = (uint8_t)name.size;
    return RESULT_OK;
}

static void partition_want(struct query *q, uint32_t partition)
{
    uint64_t mask = 1ull << partition % 64;
    if (!(q->partitions[partition / 64] & mask)) {
        q->partitions[partition / 64] |= mask;
        q->partition_count++;
    }
}

static int by_partition(const void *a, const void *b)
{
    return (int)base_digest_partition(a) - (int)base_digest_partition(b);
}

static enum base_result resume_parse(struct base_slice field, struct query *q)
{
    size_t count = field.size / LIMIT_DIGEST_SIZE;
    if (field.size % LIMIT_DIGEST_SIZE != 0 || count > LIMIT_PARTITIONS) {
        return RESULT_PARAMETER;
    }
    if (count == 0) {
        return RESULT_OK;
    }
    q->resume = malloc(field.size);
    if (q->resume == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(q->resume, field.data, field.size);
    q->resume_count = (uint32_t)count;
    qsort(q->resume, count, LIMIT_DIGEST_SIZE, by_partition);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *digest = q->resume + i * LIMIT_DIGEST_SIZE;
        if (i > 0 && by_partition(digest - LIMIT_DIGEST_SIZE, digest) == 0) {
            return RESULT_PARAMETER; // two places to go on from
        }
        partition_want(q, base_digest_partition(digest));
    }
    return RESULT_OK;
}

// A partition that is both listed and resumed is resumed.
static enum base_result partitions_parse(const struct wire_fields *fields, struct query *q)
{
    if (!wire_fields_has(fields, WIRE_FIELD_PID_ARRAY) &&
        !wire_fields_has(fields, WIRE_FIELD_DIGEST_ARRAY)) {
        memset(q->partitions, 0xff, sizeof q->partitions);
        q->partition_count = LIMIT_PARTITIONS;
        return RESULT_OK;
    }
    q->listed = true;
    struct base_slice listed = wire_fields_get(fields, WIRE_FIELD_PID_ARRAY);
    if (listed.size % 2 != 0 || listed.size / 2 > LIMIT_PARTITIONS) {
        return RESULT_PARAMETER;
    }
    for (size_t i = 0; i < listed.size; i += 2) {
        uint32_t partition = base_le16_load(listed.data + i);
        if (partition >= LIMIT_PARTITIONS) {
            return RESULT_PARAMETER;
        }
        partition_want(q, partition);
    }
    return resume_parse(wire_fields_get(fields, WIRE_FIELD_DIGEST_ARRAY), q);
}

static enum base_result ops_copy(const struct wire_message *message, struct query *q)
{
    q->all_bins = message->ops.count == 0;
    struct wire_ops ops = message->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        q->all_bins |= op.name_size == 0;
    }
    if (message->ops.count == 0) {
        return RESULT_OK;
    }
    if (message->ops.size > LIMIT_RECORD_SIZE_MAX) {
        return RESULT_RECORD_TOO_BIG; // no record could hold the result
    }
    q->ops_bytes = malloc(message->ops.size);
    if (q->ops_bytes == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(q->ops_bytes, message->ops.at, message->ops.size);
    q->ops = message->ops;
    q->ops.at = q->ops_bytes;
    return RESULT_OK;
}

bool query_set_is_empty(const struct query *q)
{
    if (q->set_name_size == 0) {
        return false;
    }
    struct base_slice name = {(const uint8_t *)q->set_name, q->set_name_size};
    const struct store_set *set = store_set_find(q->ns->store, name);
    return set == NULL || atomic_load_explicit(&set->object_count, memory_order_relaxed) == 0;
}

enum base_result query_parse(struct node *node, const struct wire_message *message,
                             struct query *out)
{
    const struct wire_fields *fields = &message->fields;
    *out = (struct query){
        .ns = node_namespace_find(node, wire_fields_get(fields, WIRE_FIELD_NAMESPACE)),
        .kind = kind_of(&message->header),
        .header = message->header,
        .total_timeout_ms = message->header.transaction_ttl,
    };
    if (out->ns == NULL) {
        return RESULT_NAMESPACE_NOT_FOUND;
    }
    enum base_result result = admit(message, out->kind);
    if (result == RESULT_OK) {
        result = numbers_parse(fields, out);
    }
    if (result == RESULT_OK) {
        result = set_parse(fields, out);
    }
    if (result == RESULT_OK) {
        result = partitions_parse(fields, out);
    }
    if (result == RESULT_OK && out->kind != QUERY_BACKGROUND && query_set_is_empty(out)) {
        result = RESULT_QUERY_END;
    }
    if (result == RESULT_OK) {
        result = ops_copy(message, out);
    }
    if (result != RESULT_OK) {
        query_fini(out);
        return result;
    }
    if (out->kind == QUERY_SHORT && out->total_timeout_ms == 0) {
        out->total_timeout_ms =
            atomic_load_explicit(&node->config->service.transaction_max_ms, memory_order_relaxed);
    }
    return RESULT_OK;
}

void query_fini(struct query *query)
{
    free(query->ops_bytes);
    free(query->resume);
    query->ops_bytes = query->resume = NULL;
    query->resume_count = 0;
    query->ops = (struct wire_ops){0};
}

bool query_walk_next(const struct query *query, struct query_walk *walk, struct store_scan *out)
{
    uint32_t p = walk->partition;
    while (p < LIMIT_PARTITIONS && !(query->partitions[p / 64] >> p % 64 & 1)) {
        p++;
    }
    walk->partition = p + 1;
    if (p >= LIMIT_PARTITIONS) {
        walk->partition = LIMIT_PARTITIONS;
        return false;
    }
    *out = (struct store_scan){.partition = p};
    if (walk->resume_at < query->resume_count) {
        const uint8_t *digest = query->resume + (size_t)walk->resume_at * LIMIT_DIGEST_SIZE;
        if (base_digest_partition(digest) == p) {
            out->after_set = true;
            memcpy(out->after, digest, LIMIT_DIGEST_SIZE);
            walk->resume_at++;
        }
    }
    walk->done_count++;
    return true;
}
