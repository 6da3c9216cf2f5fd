// SPDX-License-Identifier: Apache-2.0
// Reads under the record's stripe: bins go straight from the store into the answer.
#include "server/bins.h"
#include "server/operation.h"
#include "value/collection.h"

enum { INDEXED_READ_MIN = 512 }; // bins times ops from which an index of names pays

// All bins in one go: one reservation, then plain copies.
static enum base_result answer_all_bins(struct request *r, const struct store_record *record)
{
    struct output *output = &r->worker->output;
    size_t size_max = record->size + (size_t)record->bin_count * WIRE_OP_HEADER_SIZE;
    if (output->size - r->answer_at + size_max > LIMIT_ANSWER_RECORD_SIZE) {
        return RESULT_RECORD_TOO_BIG;
    }
    uint8_t *at = output_reserve(output, size_max);
    if (at == NULL) {
        return RESULT_NO_MEMORY;
    }
    uint8_t *begin = at;
    const uint8_t *bins = record->bins;
    for (uint32_t i = 0; i < record->bin_count; i++) {
        struct store_bin bin;
        store_bin_next(&bins, &bin);
        at = wire_op_store(at, WIRE_OP_READ, bin.type, bin.name, bin.name_size, bin.value_size);
        memcpy(at, bin.value, bin.value_size);
        at += bin.value_size;
    }
    output->size += (size_t)(at - begin);
    r->answer_op_count += record->bin_count;
    return RESULT_OK;
}

static bool find_by_walk(const struct store_record *record, const struct wire_op *op,
                         struct store_bin *out)
{
    const uint8_t *at = record->bins;
    for (uint32_t i = 0; i < record->bin_count; i++) {
        store_bin_next(&at, out);
        if (out->name_size == op->name_size && memcmp(out->name, op->name, op->name_size) == 0) {
            return true;
        }
    }
    return false;
}

static enum base_result answer_named_bins(struct request *r, const struct store_record *record)
{
    struct bins index = {0};
    bool indexed = (uint64_t)r->ops.count * record->bin_count > INDEXED_READ_MIN;
    if (indexed) {
        enum base_result result = bins_init(&index, &r->worker->arena, record, 0);
        if (result != RESULT_OK) {
            return result;
        }
    }
    bool respond_all = (r->header->info2 & WIRE_INFO2_RESPOND_ALL_OPS) != 0;
    struct wire_ops ops = r->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        enum base_result result = RESULT_OK;
        struct store_bin walked;
        const struct store_bin *bin = indexed ? bins_find(&index, op.name, op.name_size)
                                      : find_by_walk(record, &op, &walked) ? &walked
                                                                           : NULL;
        if (op.name_size == 0) {
            result = answer_all_bins(r, record);
        } else if (op.type == WIRE_OP_CDT_READ) {
            result = request_answer_collection(r, &op, bin);
        } else if (bin != NULL) {
            result = request_answer_bin(r, op.type, bin);
        } else if (respond_all) {
            result =
                request_answer_op(r, op.type, WIRE_PARTICLE_NIL, op.name, op.name_size, NULL, 0);
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

// The percentage of its life from whose end on a read renews the record; 0: never.
static int32_t read_touch_pct(const struct request *r, const struct store_record *record)
{
    uint32_t asked = r->header->record_ttl;
    if (asked == WIRE_TTL_NEVER) {
        return 0;
    }
    if (asked != 0) {
        return asked <= 100 ? (int32_t)asked : 0;
    }
    const struct store_set *set =
        record->set_name.size > 0 ? store_set_find(r->ns->store, record->set_name) : NULL;
    int32_t of_set =
        set != NULL ? atomic_load_explicit(&set->default_read_touch_ttl_pct, memory_order_relaxed)
                    : 0;
    int32_t pct = of_set != 0 ? of_set
                              : atomic_load_explicit(&r->ns->config->default_read_touch_ttl_pct,
                                                     memory_order_relaxed);
    return pct > 0 ? pct : 0; // -1 says never
}

static bool is_alone(const struct store_cursor *cursor)
{
    return *store_partition_word(cursor->store, cursor->partition) == REPLICA_ALONE;
}

static bool is_master(const struct request *r, const struct store_cursor *cursor)
{
    return is_alone(cursor) || r->ns->replica->place[cursor->partition].role == PLACE_MASTER;
}

// Gives the record its last written time to live again when the read came near its end. The answer
// keeps telling the time the reader found: clients expect to see the new one from the next read on.
static void touch_if_due(struct request *r, struct store_cursor *cursor,
                         const struct store_record *record)
{
    if (record->void_time_s == 0) {
        return;
    }
    uint32_t pct = (uint32_t)read_touch_pct(r, record);
    if (pct == 0 || !is_master(r, cursor)) { // replicas take what the master writes
        return;
    }
    uint32_t now_s = worker_now_s(r->worker);
    uint32_t written_s = (uint32_t)(record->last_update_ms / 1000);
    uint32_t life_s = record->void_time_s > written_s ? record->void_time_s - written_s : 0;
    uint32_t left_s = record->void_time_s - now_s;
    if ((uint64_t)left_s * 100 >= (uint64_t)life_s * pct) {
        counters_add(&r->counters->read_touch_skip, 1);
        return;
    }
    struct bins bins;
    if (bins_init(&bins, &r->worker->arena, record, 0) != RESULT_OK) {
        return;
    }
    uint64_t time_ms = replica_clock_ms(r->ns->replica, r->worker->now_ms);
    struct store_draft draft = {
        .digest = r->digest,
        .last_update_ms = time_ms > record->last_update_ms ? time_ms : record->last_update_ms,
        .void_time_s = now_s + life_s,
        .generation = record->generation,
        .life = store_record_life(record->bytes),
        .bin_count = record->bin_count,
        .set_name = record->set_name,
        .key = record->key,
        .bins = bins.bin,
    };
    // A read that cannot renew the record is still a good read.
    if (store_put(cursor, &draft) == RESULT_OK) {
        counters_add(&r->counters->read_touch_success, 1);
        if (!is_alone(cursor)) {
            operation_aside(r, cursor);
        }
    }
}

static enum base_result ops_check(const struct request *r)
{
    struct wire_ops ops = r->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        enum base_result result;
        switch (op.type) {
        case WIRE_OP_READ:
            break;
        case WIRE_OP_CDT_READ:
            result = value_collection_check(op.value, op.value_size);
            if (result != RESULT_OK) {
                return result;
            }
            break;
        case WIRE_OP_EXP_READ:
        case WIRE_OP_BIT_READ:
        case WIRE_OP_HLL_READ:
        case WIRE_OP_STRING_READ:
        case WIRE_OP_TO_STRING:
            return RESULT_UNSUPPORTED;
        default:
            return RESULT_PARAMETER; // a write in a read-only request, or an unknown number
        }
    }
    return RESULT_OK;
}

static enum base_result read_locked(struct request *r, struct store_cursor *cursor)
{
    if (cursor->record == NULL) {
        return RESULT_RECORD_NOT_FOUND;
    }
    struct store_record record;
    store_record_decode(cursor->record, &record);
    enum base_result result = record_key_check(r, &record);
    if (result != RESULT_OK) {
        return result;
    }
    r->generation = record.generation;
    r->void_time_s = record.void_time_s;
    if (!(r->header->info1 & WIRE_INFO1_NO_BIN_DATA)) {
        result = r->header->info1 & WIRE_INFO1_GET_ALL ? answer_all_bins(r, &record)
                                                       : answer_named_bins(r, &record);
    }
    if (result == RESULT_OK) {
        touch_if_due(r, cursor, &record);
    }
    return result;
}

enum base_result record_read(struct request *r)
{
    enum base_result result = ops_check(r);
    if (result != RESULT_OK) {
        return result;
    }
    struct store_cursor cursor;
    store_acquire(r->ns->store, r->digest, worker_now_s(r->worker), &cursor);
    result = request_place(r, &cursor);
    if (result != RESULT_OK) {
        store_release(&cursor);
        return result;
    }
    result = read_locked(r, &cursor);
    if (r->operation != NULL) {
        operation_applied(r, &cursor, result, false);
    }
    store_release(&cursor);
    return result;
}
