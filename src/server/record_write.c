// SPDX-License-Identifier: Apache-2.0
// Writes under the record's stripe: policies first, then the operations in order on a working copy
// of the bins, then one commit. Any failure before the commit leaves the record as it was.
#include "cluster/replica.h"
#include "server/bins.h"
#include "server/operation.h"
#include "value/particle.h"

enum { TTL_MAX_S = 10 * 365 * 24 * 3600 };

struct write {
    struct request *request;
    const struct store_record *old; // NULL: none
    struct bins bins;
    bool respond_all;
};

typedef enum base_result (*op_fn)(struct write *write, const struct wire_op *op);

static enum base_result answer_nothing(struct write *w, const struct wire_op *op)
{
    return w->respond_all ? request_answer_op(w->request, op->type, WIRE_PARTICLE_NIL, op->name,
                                              op->name_size, NULL, 0)
                          : RESULT_OK;
}

static enum base_result op_read(struct write *w, const struct wire_op *op)
{
    if (op->name_size == 0) {
        enum base_result result = RESULT_OK;
        for (uint32_t i = 0; i < w->bins.count && result == RESULT_OK; i++) {
            const struct store_bin *bin = &w->bins.bin[i];
            if (bin->name_size > 0) {
                result = request_answer_bin(w->request, op->type, bin);
            }
        }
        return result;
    }
    const struct store_bin *bin = bins_find(&w->bins, op->name, op->name_size);
    if (bin == NULL) {
        return answer_nothing(w, op);
    }
    return request_answer_bin(w->request, op->type, bin);
}

static enum base_result name_check(const struct wire_op *op)
{
    return op->name_size == 0                    ? RESULT_PARAMETER
           : op->name_size > LIMIT_BIN_NAME_SIZE ? RESULT_BIN_NAME
                                                 : RESULT_OK;
}

static enum base_result set_bin(struct write *w, const struct wire_op *op, uint8_t type,
                                const uint8_t *value, uint32_t size)
{
    struct store_bin bin = {.name = op->name,
                            .value = value,
                            .value_size = size,
                            .name_size = op->name_size,
                            .type = type};
    bins_set(&w->bins, &bin);
    return answer_nothing(w, op);
}

static enum base_result op_write(struct write *w, const struct wire_op *op)
{
    enum base_result result = name_check(op);
    if (result != RESULT_OK) {
        return result;
    }
    if (op->particle_type == WIRE_PARTICLE_NIL) {
        bins_remove(&w->bins, op->name, op->name_size);
        return answer_nothing(w, op);
    }
    struct value_particle value = {op->particle_type, op->value, op->value_size};
    result = value_particle_check(value);
    return result == RESULT_OK ? set_bin(w, op, value.type, value.data, value.size) : result;
}

static struct value_particle bin_value(const struct write *w, const struct wire_op *op)
{
    const struct store_bin *bin = bins_find(&w->bins, op->name, op->name_size);
    return bin != NULL ? (struct value_particle){bin->type, bin->value, bin->value_size}
                       : (struct value_particle){.type = WIRE_PARTICLE_NIL};
}

static enum base_result op_increment(struct write *w, const struct wire_op *op)
{
    enum base_result result = name_check(op);
    if (result != RESULT_OK) {
        return result;
    }
    uint8_t *sum = arena_take(&w->request->worker->arena, 8);
    if (sum == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct value_particle delta = {op->particle_type, op->value, op->value_size};
    result = value_particle_increment(bin_value(w, op), delta, sum);
    return result == RESULT_OK ? set_bin(w, op, delta.type, sum, 8) : result;
}

static enum base_result join(struct write *w, const struct wire_op *op, bool at_end)
{
    enum base_result result = name_check(op);
    if (result != RESULT_OK) {
        return result;
    }
    struct value_particle old = bin_value(w, op);
    struct value_particle tail = {op->particle_type, op->value, op->value_size};
    result = value_particle_joinable(old, tail);
    if (result != RESULT_OK) {
        return result;
    }
    uint64_t size = (uint64_t)old.size + tail.size;
    if (size > LIMIT_RECORD_SIZE_MAX) {
        return RESULT_RECORD_TOO_BIG;
    }
    uint8_t *joined = arena_take(&w->request->worker->arena, (size_t)size);
    if (joined == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct value_particle first = at_end ? old : tail, second = at_end ? tail : old;
    if (first.size > 0) {
        memcpy(joined, first.data, first.size);
    }
    if (second.size > 0) {
        memcpy(joined + first.size, second.data, second.size);
    }
    return set_bin(w, op, tail.type, joined, (uint32_t)size);
}

static enum base_result op_append(struct write *w, const struct wire_op *op)
{
    return join(w, op, true);
}

static enum base_result op_prepend(struct write *w, const struct wire_op *op)
{
    return join(w, op, false);
}

static enum base_result op_delete(struct write *w, const struct wire_op *op)
{
    bins_clear(&w->bins);
    return answer_nothing(w, op);
}

static enum base_result op_collection_read(struct write *w, const struct wire_op *op)
{
    return request_answer_collection(w->request, op, bins_find(&w->bins, op->name, op->name_size));
}

static enum base_result op_unsupported(struct write *w, const struct wire_op *op)
{
    (void)w;
    (void)op;
    return RESULT_UNSUPPORTED;
}

// What each operation does; a number without an entry is refused.
static const struct {
    op_fn apply;
    bool must_exist; // needs a record that is there
    bool changes;    // makes the request a write
} op_table[] = {
    [WIRE_OP_READ] = {op_read, false, false},
    [WIRE_OP_WRITE] = {op_write, false, true},
    [WIRE_OP_CDT_READ] = {op_collection_read, false, false},
    [WIRE_OP_CDT_MODIFY] = {op_unsupported, false, true},
    [WIRE_OP_INCR] = {op_increment, false, true},
    [WIRE_OP_EXP_READ] = {op_unsupported, false, false},
    [WIRE_OP_EXP_MODIFY] = {op_unsupported, false, true},
    [WIRE_OP_APPEND] = {op_append, false, true},
    [WIRE_OP_PREPEND] = {op_prepend, false, true},
    [WIRE_OP_TOUCH] = {answer_nothing, true, true},
    [WIRE_OP_BIT_READ] = {op_unsupported, false, false},
    [WIRE_OP_BIT_MODIFY] = {op_unsupported, false, true},
    [WIRE_OP_DELETE] = {op_delete, true, true},
    [WIRE_OP_HLL_READ] = {op_unsupported, false, false},
    [WIRE_OP_HLL_MODIFY] = {op_unsupported, false, true},
    [WIRE_OP_STRING_READ] = {op_unsupported, false, false},
    [WIRE_OP_STRING_MODIFY] = {op_unsupported, false, true},
    [WIRE_OP_TO_STRING] = {op_unsupported, false, false},
};

static bool op_known(uint8_t type)
{
    return type < sizeof op_table / sizeof op_table[0] && op_table[type].apply != NULL;
}

enum base_result record_write_ops_check(struct wire_ops ops)
{
    enum base_result result = ops.count > 0 ? RESULT_OK : RESULT_PARAMETER;
    struct wire_op op;
    while (result == RESULT_OK && wire_ops_next(&ops, &op)) {
        if (!op_known(op.type) || !op_table[op.type].changes) {
            result = RESULT_PARAMETER;
        } else if (op_table[op.type].apply == op_unsupported) {
            result = RESULT_UNSUPPORTED;
        }
    }
    return result;
}

struct plan {
    bool must_exist;
    bool changes;
};

// Looks over the operations before the stripe is taken.
static enum base_result plan_make(const struct request *r, struct plan *out)
{
    *out = (struct plan){
        .must_exist = (r->header->info3 & (WIRE_INFO3_UPDATE_ONLY | WIRE_INFO3_REPLACE_ONLY)) != 0};
    struct wire_ops ops = r->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        if (!op_known(op.type)) {
            return RESULT_PARAMETER;
        }
        out->must_exist |= op_table[op.type].must_exist;
        out->changes |= op_table[op.type].changes;
    }
    return out->changes ? RESULT_OK : RESULT_PARAMETER;
}

static enum base_result generation_check(const struct request *r, uint32_t stored)
{
    uint32_t expected = r->header->generation;
    if (r->header->info2 & WIRE_INFO2_GENERATION && expected != stored) {
        return RESULT_GENERATION;
    }
    if (r->header->info2 & WIRE_INFO2_GENERATION_GT && expected <= stored) {
        return RESULT_GENERATION;
    }
    return RESULT_OK;
}

static enum base_result policy_check(const struct request *r, const struct plan *plan,
                                     const struct store_record *old)
{
    if (old == NULL) {
        return plan->must_exist ? RESULT_RECORD_NOT_FOUND : generation_check(r, 0);
    }
    if (r->header->info2 & WIRE_INFO2_CREATE_ONLY) {
        return RESULT_RECORD_EXISTS;
    }
    enum base_result result = generation_check(r, old->generation);
    return result == RESULT_OK ? record_key_check(r, old) : result;
}

// Limits of the set, which may stop new records or all growth.
static enum base_result set_check(const struct store_set *set, bool creates)
{
    if (set == NULL) {
        return RESULT_OK;
    }
    uint64_t count_max = atomic_load_explicit(&set->stop_writes_count, memory_order_relaxed);
    uint64_t size_max = atomic_load_explicit(&set->stop_writes_size, memory_order_relaxed);
    if (creates && count_max > 0 &&
        atomic_load_explicit(&set->object_count, memory_order_relaxed) >= count_max) {
        return RESULT_FORBIDDEN;
    }
    if (size_max > 0 && atomic_load_explicit(&set->data_bytes, memory_order_relaxed) >= size_max) {
        return RESULT_FORBIDDEN;
    }
    return RESULT_OK;
}

static enum base_result void_time_choose(const struct request *r, const struct store_set *set,
                                         const struct store_record *old, uint32_t *out)
{
    const struct config_namespace *config = r->ns->config;
    uint32_t ttl_s = r->header->record_ttl;
    *out = 0;
    if (ttl_s == WIRE_TTL_NEVER) {
        return RESULT_OK;
    }
    if (ttl_s == WIRE_TTL_KEEP && old != NULL) {
        *out = old->void_time_s;
        return RESULT_OK;
    }
    if (ttl_s == WIRE_TTL_NAMESPACE_DEFAULT || ttl_s == WIRE_TTL_KEEP) {
        uint32_t of_set =
            set != NULL ? atomic_load_explicit(&set->default_ttl_s, memory_order_relaxed) : 0;
        ttl_s = of_set != 0 ? of_set
                            : atomic_load_explicit(&config->default_ttl_s, memory_order_relaxed);
        if (ttl_s == 0 || ttl_s == WIRE_TTL_NEVER) {
            return RESULT_OK;
        }
    }
    if (ttl_s > TTL_MAX_S) {
        return RESULT_PARAMETER;
    }
    if (atomic_load_explicit(&config->nsup_period_s, memory_order_relaxed) == 0 &&
        !atomic_load_explicit(&config->allow_ttl_without_nsup, memory_order_relaxed)) {
        return RESULT_FORBIDDEN; // nothing would ever remove it
    }
    *out = worker_now_s(r->worker) + ttl_s;
    return RESULT_OK;
}

static enum base_result ops_apply(struct write *w)
{
    struct wire_ops ops = w->request->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        enum base_result result = op_table[op.type].apply(w, &op);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

// The time of a write: never before what it replaces, nor before a truncation that spares it.
static uint64_t update_time_ms(const struct request *r, const struct store_set *set,
                               const uint8_t *stored)
{
    uint64_t time_ms = replica_clock_ms(r->ns->replica, r->worker->now_ms);
    uint64_t floor_ms = store_truncate_floor_ms(r->ns->store, set);
    time_ms = time_ms > floor_ms ? time_ms : floor_ms;
    uint64_t stored_ms = stored != NULL ? store_record_last_update_ms(stored) : 0;
    return time_ms > stored_ms ? time_ms : stored_ms;
}

static uint16_t generation_next(uint16_t generation)
{
    return generation < LIMIT_GENERATION ? (uint16_t)(generation + 1) : 1;
}

// Generations start again with a record that is made again, as clients expect it; its life tells
// copies of it from older ones (core/replication/replication.h).
static uint8_t life_next(const struct store_cursor *cursor)
{
    if (cursor->stored == NULL) {
        return 0;
    }
    uint8_t life = store_record_life(cursor->stored);
    return cursor->record != NULL ? life : (life + 1) % STORE_RECORD_LIVES;
}

// Removes a live record. Where other nodes have to learn of it, a tombstone takes its place.
static enum base_result bury(struct request *r, struct store_cursor *cursor,
                             const struct store_record *old)
{
    if (!__atomic_load_n(&r->ns->replica->tombstones, __ATOMIC_RELAXED)) {
        store_remove(cursor);
        return RESULT_OK;
    }
    const struct store_set *set =
        old->set_name.size > 0 ? store_set_find(r->ns->store, old->set_name) : NULL;
    struct store_draft tombstone = {
        .digest = r->digest,
        .last_update_ms = update_time_ms(r, set, cursor->stored),
        .generation = generation_next(old->generation),
        .life = life_next(cursor),
        .tombstone = true,
        .set_name = old->set_name,
    };
    return store_put(cursor, &tombstone);
}

static enum base_result commit(struct write *w, struct store_cursor *cursor,
                               const struct store_set *set, struct base_slice set_name)
{
    struct request *r = w->request;
    bins_compact(&w->bins);
    if (w->bins.live == 0) {
        if (w->old == NULL) {
            return RESULT_RECORD_NOT_FOUND;
        }
        enum base_result buried = bury(r, cursor, w->old);
        if (buried == RESULT_OK) {
            counters_add(&r->counters->deleted_last_bin, 1);
        }
        return buried;
    }
    if (w->bins.live > LIMIT_BINS_PER_RECORD) {
        return RESULT_BIN_NAME;
    }
    struct base_slice key = wire_fields_get(r->fields, WIRE_FIELD_KEY);
    struct store_draft draft = {
        .digest = r->digest,
        .last_update_ms = update_time_ms(r, set, cursor->stored),
        .generation = w->old != NULL ? generation_next(w->old->generation) : 1,
        .life = life_next(cursor),
        .bin_count = (uint16_t)w->bins.live,
        .set_name = set_name,
        .key = key.size > 0 || w->old == NULL ? key : w->old->key,
        .bins = w->bins.bin,
    };
    enum base_result result = void_time_choose(r, set, w->old, &draft.void_time_s);
    if (result != RESULT_OK) {
        return result;
    }
    if (store_draft_size(&draft) >
        atomic_load_explicit(&r->ns->config->max_record_size, memory_order_relaxed)) {
        return RESULT_RECORD_TOO_BIG;
    }
    result = store_put(cursor, &draft);
    if (result == RESULT_OK) {
        r->generation = draft.generation;
        r->void_time_s = draft.void_time_s;
    }
    return result;
}

static enum base_result write_locked(struct write *w, const struct plan *plan,
                                     struct store_cursor *cursor)
{
    struct request *r = w->request;
    enum base_result result = policy_check(r, plan, w->old);
    if (result != RESULT_OK) {
        return result;
    }
    struct base_slice set_name =
        w->old != NULL ? w->old->set_name : wire_fields_get(r->fields, WIRE_FIELD_SET);
    if (set_name.size > LIMIT_SET_NAME_SIZE) {
        return RESULT_PARAMETER;
    }
    if (set_name.size == 0 &&
        atomic_load_explicit(&r->ns->config->disallow_null_setname, memory_order_relaxed)) {
        return RESULT_PARAMETER;
    }
    const struct store_set *set = set_name.size > 0 ? store_set_find(r->ns->store, set_name) : NULL;
    result = set_check(set, w->old == NULL);
    if (result != RESULT_OK) {
        return result;
    }
    bool replaces =
        (r->header->info3 & (WIRE_INFO3_CREATE_OR_REPLACE | WIRE_INFO3_REPLACE_ONLY)) != 0;
    result = bins_init(&w->bins, &r->worker->arena, replaces ? NULL : w->old, r->ops.count);
    if (result != RESULT_OK) {
        return result;
    }
    result = ops_apply(w);
    return result == RESULT_OK ? commit(w, cursor, set, set_name) : result;
}

// The flag follows all limits once a second; the limit of the data is looked at each time, because
// within a second a fast client writes more than a small machine has.
static bool is_full(const struct namespace *ns)
{
    uint64_t limit = atomic_load_explicit(&ns->data_limit_bytes, memory_order_relaxed);
    return atomic_load_explicit(&ns->stop_writes, memory_order_relaxed) ||
           (limit > 0 && store_data_used_bytes(ns->store) >= limit);
}

enum base_result record_write(struct request *r)
{
    struct plan plan;
    enum base_result result = plan_make(r, &plan);
    if (result != RESULT_OK) {
        return result;
    }
    struct write w = {.request = r,
                      .respond_all = (r->header->info2 & WIRE_INFO2_RESPOND_ALL_OPS) != 0};
    struct store_cursor cursor;
    struct store_record old;
    store_acquire(r->ns->store, r->digest, worker_now_s(r->worker), &cursor);
    result = request_place(r, &cursor);
    if (result != RESULT_OK) {
        store_release(&cursor);
        return result;
    }
    if (cursor.record != NULL) {
        store_record_decode(cursor.record, &old);
        w.old = &old;
    }
    result = is_full(r->ns) ? RESULT_SERVER_FULL : write_locked(&w, &plan, &cursor);
    if (r->operation != NULL) {
        operation_applied(r, &cursor, result, result == RESULT_OK);
    }
    store_release(&cursor);
    return result;
}

static enum base_result delete_locked(struct request *r, struct store_cursor *cursor)
{
    if (cursor->record == NULL) {
        return RESULT_RECORD_NOT_FOUND;
    }
    struct store_record old;
    store_record_decode(cursor->record, &old);
    enum base_result result = generation_check(r, old.generation);
    if (result == RESULT_OK) {
        result = record_key_check(r, &old);
    }
    return result == RESULT_OK ? bury(r, cursor, &old) : result;
}

enum base_result record_delete(struct request *r)
{
    struct store_cursor cursor;
    store_acquire(r->ns->store, r->digest, worker_now_s(r->worker), &cursor);
    enum base_result result = request_place(r, &cursor);
    if (result != RESULT_OK) {
        store_release(&cursor);
        return result;
    }
    result = delete_locked(r, &cursor);
    if (r->operation != NULL) {
        operation_applied(r, &cursor, result, result == RESULT_OK);
    }
    store_release(&cursor);
    return result;
}
