// SPDX-License-Identifier: Apache-2.0
// Carries out what the replication machine says: takes the stripe and runs the request, sends the
// record, asks, passes on, waits, answers.
#include <stdlib.h>

#include "io/clock.h"
#include "server/operation_state.h"

enum { ROUTES_MAX = 4 }; // under one stripe; a place that is still none then is waited for

static const struct place frozen = {.master = PLACE_NOBODY};

void operation__place_copy(struct operation *op, struct place *out)
{
    replica_place_copy(op->ns->replica, op->partition, out);
    if (worker_is_suspect(op->all->worker)) {
        *out = frozen;
    }
}

// The same as the machine would say, told without one.
static bool reads_here(const struct place *place)
{
    return place->key != 0 && node_set_is_empty(&place->duplicates) &&
           (place->role == PLACE_MASTER || (place->role == PLACE_REPLICA && place->full));
}

// --- under the stripe ---

static bool commit_master(const struct request *r)
{
    enum { OFF, MASTER, ALL };
    uint32_t forced =
        atomic_load_explicit(&r->ns->config->write_commit_level_override, memory_order_relaxed);
    return forced == OFF ? (r->header->info3 & WIRE_INFO3_COMMIT_MASTER) != 0 : forced == MASTER;
}

static struct operation *operation_of(struct request *r)
{
    uint32_t timeout_ms =
        r->header->transaction_ttl != 0
            ? r->header->transaction_ttl
            : atomic_load_explicit(&r->worker->node->config->service.transaction_max_ms,
                                   memory_order_relaxed);
    enum request_kind kind = request_kind(r->header);
    struct operation *op = operation__new(
        r->worker->operations, r->ns, r->digest,
        kind == REQUEST_READ ? REPLICATION_READ : REPLICATION_WRITE, commit_master(r), timeout_ms);
    if (op != NULL) {
        op->origin = r->origin;
        op->kind = kind;
        op->row_index = r->row_index;
    }
    return op;
}

enum base_result operation_place(struct request *r, const struct store_cursor *cursor)
{
    const struct place *place =
        worker_is_suspect(r->worker) ? &frozen : &r->ns->replica->place[cursor->partition];
    struct replication_event event = {
        .type = REPLICATION_MOVED, .now_ms = r->worker->wakeup_ns / 1000000, .place = place};
    struct operation *op = r->operation;
    if (op == NULL) {
        if (request_kind(r->header) == REQUEST_READ && reads_here(place)) {
            return RESULT_OK;
        }
        if (r->worker->operations == NULL) {
            r->elsewhere = true;
            return RESULT_WOULD_BLOCK;
        }
        op = r->operation = operation_of(r);
        if (op == NULL) {
            return RESULT_DEVICE_OVERLOAD;
        }
        event.type = REPLICATION_BEGIN;
    } else if (replication_may_apply(&op->machine, place)) {
        return RESULT_OK;
    }
    for (int i = 0; i < ROUTES_MAX; i++) {
        replication_step(&op->machine, &event, &op->effect);
        if (op->effect.type != REPLICATION_APPLY) {
            return RESULT_WOULD_BLOCK;
        }
        if (replication_may_apply(&op->machine, place)) {
            return RESULT_OK;
        }
        event.type = REPLICATION_MOVED;
    }
    op->effect = (struct replication_effect){.type = REPLICATION_WAIT};
    return RESULT_WOULD_BLOCK;
}

// What was sent over a link that still lives has arrived or will: it is not sent there again,
// unless it was refused. A peer that cannot be sent to now is tried again when the machine says so.
static void send_to(struct operation *op, const struct replication_effect *effect, uint8_t type,
                    struct base_slice body)
{
    struct operations *all = op->all;
    const struct message message = {
        .type = type,
        .namespace_number = (uint8_t)op->ns->cluster_number,
        .id = op->id,
        .key = effect->key,
        .partition = op->partition,
        .body = body,
    };
    bool again = op->sent_type == effect->type && op->sent_key == effect->key;
    bool repeated = false;
    if (!again) {
        op->sent_type = effect->type;
        op->sent_key = effect->key;
        op->sent = (struct node_set){0};
    }
    for (uint32_t n = node_set_next(&effect->set, 0); n < LIMIT_CLUSTER_NODES && all->links != NULL;
         n = node_set_next(&effect->set, n + 1)) {
        if (!node_set_has(&op->sent, n) && fabric_send(all->links, (uint8_t)n, &message)) {
            node_set_add(&op->sent, n);
            repeated |= again;
        }
    }
    if (repeated && !op->is_merge && !op->is_aside) {
        request_count_repetition(all->worker, op->ns, op->origin, op->kind, type == MESSAGE_ASK);
    }
    operation__enlist(op, OPERATION_FLYING);
}

// The stripe is held, so that the record stands still while it is copied.
static void send_record(struct operation *op, const uint8_t *stored,
                        const struct replication_effect *effect)
{
    if (!op->in_flight) {
        op->in_flight = true;
        op->ns->replica->place[op->partition].in_flight++;
    }
    send_to(op, effect, effect->merge ? MESSAGE_MERGE : MESSAGE_WRITE,
            (struct base_slice){stored, store_record_size(stored)});
}

static const struct place *place_at(const struct operation *op)
{
    return &op->ns->replica->place[op->partition];
}

static void written_remember(struct operation *op, const struct store_cursor *cursor)
{
    op->reign = place_at(op)->reign;
    op->written = cursor->stored != NULL ? replica_version(cursor->stored)
                                         : (struct replication_version){.exists = false};
}

void operation_applied(struct request *r, const struct store_cursor *cursor,
                       enum base_result result, bool changed)
{
    struct operation *op = r->operation;
    struct replication_event event = {
        .type = REPLICATION_APPLIED,
        .now_ms = operation__now_ms(op->all),
        .place = &r->ns->replica->place[cursor->partition],
        .changed = changed && cursor->stored != NULL,
        .result = result,
    };
    op->result = result;
    written_remember(op, cursor);
    replication_step(&op->machine, &event, &op->effect);
    if (op->effect.type == REPLICATION_SEND && cursor->stored != NULL) {
        send_record(op, cursor->stored, &op->effect);
        op->effect.type = REPLICATION_NOTHING;
    }
}

void operation_aside(struct request *r, const struct store_cursor *cursor)
{
    const struct place *place = &r->ns->replica->place[cursor->partition];
    if (r->worker->operations == NULL || node_set_is_empty(&place->writes)) {
        return;
    }
    uint32_t timeout_ms = atomic_load_explicit(&r->worker->node->config->service.transaction_max_ms,
                                               memory_order_relaxed);
    struct operation *op = operation__new(r->worker->operations, r->ns, r->digest,
                                          REPLICATION_WRITE, true, timeout_ms);
    if (op == NULL) {
        return; // a migration or the next write brings it
    }
    op->is_aside = op->started = op->done = true;
    written_remember(op, cursor);
    struct replication_event event = {
        .type = REPLICATION_BEGIN, .now_ms = operation__now_ms(op->all), .place = place};
    struct replication_effect effect;
    replication_step(&op->machine, &event, &effect);
    if (effect.type == REPLICATION_APPLY) {
        event.type = REPLICATION_APPLIED;
        event.changed = true;
        replication_step(&op->machine, &event, &effect);
    }
    if (effect.type == REPLICATION_SEND) {
        send_record(op, cursor->stored, &effect);
    } else {
        operation__end(op);
    }
}

// --- with the stripe free ---

uint8_t *operation__message_compose(const struct request *r, uint32_t *size)
{
    struct wire_message_header header = *r->header;
    uint64_t present = r->fields->present & ~(1ull << WIRE_FIELD_BATCH);
    size_t total = WIRE_MESSAGE_HEADER_SIZE + r->ops.size;
    header.field_count = 0;
    header.op_count = (uint16_t)r->ops.count;
    if (!(present >> WIRE_FIELD_DIGEST & 1)) { // of a batch row: it stands outside of the fields
        total += wire_field_size(LIMIT_DIGEST_SIZE);
        header.field_count++;
    }
    for (uint32_t i = 0; i < WIRE_FIELD_TYPES; i++) {
        if (present >> i & 1) {
            total += wire_field_size(r->fields->field[i].size);
            header.field_count++;
        }
    }
    uint8_t *bytes = malloc(total);
    if (bytes == NULL) {
        return NULL;
    }
    wire_message_header_store(bytes, &header);
    uint8_t *at = bytes + WIRE_MESSAGE_HEADER_SIZE;
    if (!(present >> WIRE_FIELD_DIGEST & 1)) {
        at = wire_field_store(at, WIRE_FIELD_DIGEST, r->digest, LIMIT_DIGEST_SIZE);
    }
    for (uint32_t i = 0; i < WIRE_FIELD_TYPES; i++) {
        if (present >> i & 1) {
            at = wire_field_store(at, i, r->fields->field[i].data, r->fields->field[i].size);
        }
    }
    if (r->ops.size > 0) {
        memcpy(at, r->ops.at, r->ops.size);
    }
    *size = (uint32_t)total;
    return bytes;
}

static bool is_passed_on(const struct operation *op)
{
    return op->origin == REQUEST_PROXY || op->origin == REQUEST_PROXY_BATCH_ROW;
}

static void count_end(struct operation *op, enum base_result result, bool proxied)
{
    struct worker *worker = op->all->worker;
    if (op->is_merge || op->is_aside) {
        return;
    }
    if (proxied) {
        request_count_proxied(worker, op->ns, op->origin, result);
        return;
    }
    uint64_t now_ns = worker->wakeup_ns;
    request_count(worker, op->ns, op->origin, op->kind, result,
                  now_ns > op->begin_ns ? now_ns - op->begin_ns : 0);
}

static void proxied_end(struct operation *op)
{
    struct operations *all = op->all;
    if (op->proxied) {
        op->proxied = false;
        uint32_t count = atomic_load_explicit(&all->proxied_count, memory_order_relaxed);
        atomic_store_explicit(&all->proxied_count, count - 1, memory_order_relaxed);
    }
}

// The answer that was kept stands only for the result that it was made for.
static void answer_ready(struct operation *op, enum base_result result)
{
    if (op->answer == NULL || result != op->result) {
        bool lost = result == RESULT_OK && !op->is_merge; // there was no heap to keep it
        operation__answer_refuse(op, lost ? RESULT_NO_MEMORY : result);
    }
    count_end(op, result, op->proxied);
    op->done = true;
}

void operation__finish(struct operation *op, enum base_result result)
{
    bool tell = op->owned && !op->done;
    if (!op->done) {
        answer_ready(op, result);
    }
    proxied_end(op);
    operation__end(op); // frees it when nobody owns it
    if (tell) {
        op->on_done(op, op->on_done_arg);
    }
}

// The client gets its answer; the replicas are still to be served.
static void answer_early(struct operation *op, enum base_result result)
{
    answer_ready(op, result);
    if (op->owned) {
        op->on_done(op, op->on_done_arg);
    }
}

void operation__event(struct operation *op, const struct replication_event *event)
{
    struct replication_effect effect;
    replication_step(&op->machine, event, &effect);
    operation__carry_out(op, &effect);
}

void operation__moved(struct operation *op)
{
    struct place place;
    operation__place_copy(op, &place);
    const struct replication_event event = {
        .type = REPLICATION_MOVED, .now_ms = operation__now_ms(op->all), .place = &place};
    operation__event(op, &event);
}

static void pass_on(struct operation *op, uint8_t to)
{
    struct operations *all = op->all;
    const struct message message = {
        .type = MESSAGE_PROXY,
        .flags = op->origin == REQUEST_CLIENT ? 0 : MESSAGE_FLAG_BATCH_ROW,
        .namespace_number = (uint8_t)op->ns->cluster_number,
        .id = op->id,
        .partition = op->partition,
        .body = {op->message, op->message_size},
    };
    if (all->links == NULL || !fabric_send(all->links, to, &message)) {
        operation__route_again(op);
        return;
    }
    op->proxied = true;
    op->proxied_to = to;
    uint32_t count = atomic_load_explicit(&all->proxied_count, memory_order_relaxed);
    atomic_store_explicit(&all->proxied_count, count + 1, memory_order_relaxed);
    operation__enlist(op, OPERATION_FLYING);
}

// The master that was asked is none, or cannot be reached: a moment later things look different.
void operation__route_again(struct operation *op)
{
    proxied_end(op);
    replication_init(&op->machine, op->machine.kind, op->machine.commit_master,
                     op->machine.deadline_ms);
    operation__enlist(op, OPERATION_PARKED);
}

static void ask(struct operation *op, const struct replication_effect *effect)
{
    counters_add(&op->all->worker->counters->ns[op->ns->number].dup_res_ask, 1);
    send_to(op, effect, MESSAGE_ASK, (struct base_slice){op->digest, LIMIT_DIGEST_SIZE});
}

// The record as it now stands. One whose time was over is owed to nobody.
static void send_again(struct operation *op, const struct replication_effect *effect)
{
    struct operations *all = op->all;
    uint32_t now_s = worker_now_s(all->worker);
    struct store_cursor cursor;
    store_acquire(op->ns->store, op->digest, now_s, &cursor);
    bool stands = replica_stands(place_at(op), cursor.stored, op->reign, &op->written);
    bool sends = stands && cursor.stored != NULL;
    if (sends) {
        send_record(op, cursor.stored, effect);
    }
    store_release(&cursor);
    bool expired = op->written.void_time_s != 0 && op->written.void_time_s <= now_s;
    uint64_t id = op->id;
    for (uint32_t n = node_set_next(&effect->set, 0);
         n < LIMIT_CLUSTER_NODES && !sends && operation__find(all, id) != NULL;
         n = node_set_next(&effect->set, n + 1)) {
        const struct replication_event event = {.type = REPLICATION_ACKED,
                                                .now_ms = operation__now_ms(all),
                                                .key = effect->key,
                                                .from = (uint8_t)n,
                                                .ok = true,
                                                .lost = !stands && !expired};
        operation__event(op, &event);
    }
}

// Another node's record: stored by the conflict rule, then sent to our replicas.
static void merge_again(struct operation *op)
{
    struct replica *replica = op->ns->replica;
    uint32_t now_s = worker_now_s(op->all->worker);
    enum base_result result = replica_take_over(replica, op->machine.key, op->message, now_s);
    if (result == RESULT_LOST_CONFLICT || result == RESULT_NO_MEMORY) {
        operation__finish(op, result);
        return;
    }
    struct store_cursor cursor;
    store_acquire(op->ns->store, op->digest, now_s, &cursor);
    struct replication_event event = {.type = REPLICATION_MOVED,
                                      .now_ms = operation__now_ms(op->all),
                                      .place = &replica->place[op->partition]};
    struct replication_effect effect;
    if (result == RESULT_OK && replication_may_apply(&op->machine, event.place)) {
        event.type = REPLICATION_APPLIED;
        event.changed = cursor.stored != NULL;
        written_remember(op, &cursor);
    }
    replication_step(&op->machine, &event, &effect);
    if (effect.type == REPLICATION_SEND && cursor.stored != NULL) {
        send_record(op, cursor.stored, &effect);
        effect.type = REPLICATION_NOTHING;
    }
    store_release(&cursor);
    operation__carry_out(op, &effect);
}

static void run_again(struct operation *op, const struct replication_effect *effect)
{
    struct wire_message message;
    size_t size;
    if (op->is_merge) {
        merge_again(op);
        return;
    }
    enum base_result result = wire_message_parse(op->message, op->message_size, &message, &size);
    base_assert(result == RESULT_OK); // our own
    struct request request = {
        .worker = op->all->worker,
        .origin = op->origin,
        .header = &message.header,
        .fields = &message.fields,
        .ops = message.ops,
        .digest = message.fields.field[WIRE_FIELD_DIGEST].data,
        .row_index = op->row_index,
        .operation = op,
    };
    op->effect = *effect;
    if (!request_run(&request)) {
        operation__finish(op, RESULT_NO_MEMORY);
    }
}

void operation__carry_out(struct operation *op, const struct replication_effect *effect)
{
    if (effect->answer && !op->done && effect->type != REPLICATION_FINISH) {
        answer_early(op, effect->result); // somebody still has the machine: it is not freed
    }
    switch (effect->type) {
    case REPLICATION_NOTHING:
        break;
    case REPLICATION_WAIT:
    case REPLICATION_PROXY:
        if (is_passed_on(op) || op->is_merge) {
            operation__finish(op, RESULT_CLUSTER_KEY_MISMATCH);
        } else if (effect->type == REPLICATION_PROXY) {
            pass_on(op, effect->to);
        } else {
            operation__enlist(op, OPERATION_PARKED);
        }
        break;
    case REPLICATION_ASK:
        ask(op, effect);
        break;
    case REPLICATION_APPLY:
        run_again(op, effect);
        break;
    case REPLICATION_SEND:
        send_again(op, effect);
        break;
    case REPLICATION_FINISH:
        // Out of time before anything was done: the client may safely try again.
        operation__finish(op, effect->result == RESULT_TIMEOUT && !op->machine.applied
                                  ? RESULT_PARTITION_UNAVAILABLE
                                  : effect->result);
        break;
    }
}

// Keeps the answer of a request that was applied, or the message of one that was not. False when
// the heap has no room.
static bool keep_for_later(struct request *r)
{
    struct operation *op = r->operation;
    const struct output *output = &r->worker->output;
    if (op->machine.applied) {
        return operation__answer_keep(op, output->data + r->answer_at, output->size - r->answer_at);
    }
    if (op->message == NULL) {
        op->message = operation__message_compose(r, &op->message_size);
    }
    return op->message != NULL;
}

bool operation_settle(struct request *r)
{
    struct operation *op = r->operation;
    struct replication_effect effect = op->effect;
    bool first = !op->started;
    op->started = true;
    if (is_passed_on(op) && !op->machine.applied &&
        (effect.type == REPLICATION_WAIT || effect.type == REPLICATION_PROXY)) {
        effect = (struct replication_effect){.type = REPLICATION_FINISH,
                                             .result = RESULT_CLUSTER_KEY_MISMATCH};
    }
    if (effect.type == REPLICATION_APPLY) { // refused before it came to the stripe
        effect = (struct replication_effect){.type = REPLICATION_FINISH, .result = r->result};
        op->machine.state = REPLICATION_STATE_DONE;
        operation__carry_out(op, &effect);
        return false;
    }
    if (first && (effect.type == REPLICATION_FINISH || effect.answer)) {
        r->result = effect.result;
        r->operation = NULL;
        op->done = true;
        if (effect.type == REPLICATION_FINISH) {
            operation__end(op);
        }
        return true;
    }
    if (!keep_for_later(r) && !op->machine.applied) {
        r->result = RESULT_NO_MEMORY;
        r->operation = NULL;
        op->done = true;
        operation__end(op);
        return true;
    }
    operation__carry_out(op, &effect);
    return false;
}
