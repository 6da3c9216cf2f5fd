// SPDX-License-Identifier: Apache-2.0
// What other nodes say to a service thread: their questions, answered at once or by an operation of
// their own, and their answers to ours.
#include <stdlib.h>

#include "server/operation_state.h"

enum { MERGE_MAX_MS = 500 }; // the node that gave the record asks again soon

static struct namespace *namespace_of(struct operations *all, const struct message *message)
{
    return message->namespace_number < all->node->namespace_count
               ? all->node->cluster_namespaces[message->namespace_number]
               : NULL;
}

static void answer(const struct fabric_source *source, const struct message *question, uint8_t type,
                   uint8_t result, struct base_slice body)
{
    const struct message message = {
        .type = type,
        .flags = MESSAGE_FLAG_ANSWER,
        .namespace_number = question->namespace_number,
        .result = result,
        .id = question->id,
        .key = question->key,
        .partition = question->partition,
        .body = body,
    };
    (void)fabric_answer(source, &message); // lost with its link: the other side asks again
}

static void on_write(struct operations *all, const struct fabric_source *source,
                     const struct message *message, struct namespace *ns)
{
    uint32_t now_s = worker_now_s(all->worker);
    enum base_result result = replica_on_write(ns->replica, message, now_s);
    answer(source, message, MESSAGE_WRITTEN, request_wire_code(result), (struct base_slice){0});
}

static void on_ask(struct operations *all, const struct fabric_source *source,
                   const struct message *message, struct namespace *ns)
{
    if (all->record == NULL) {
        all->record = malloc(LIMIT_RECORD_SIZE_MAX);
    }
    uint32_t size = 0;
    enum base_result result = all->record == NULL
                                  ? RESULT_NO_MEMORY
                                  : replica_on_ask(ns->replica, message, all->record, &size);
    struct counters_namespace *counters = &all->worker->counters->ns[ns->number];
    counters_add(size > 0 ? &counters->dup_res_respond_read : &counters->dup_res_respond_no_read,
                 1);
    answer(source, message, MESSAGE_ANSWER, request_wire_code(result),
           (struct base_slice){all->record, size});
}

// --- requests and records that others give to us ---

static void on_merge_done(struct operation *op, void *arg)
{
    (void)arg;
    const struct message question = {.namespace_number = (uint8_t)op->ns->cluster_number,
                                     .id = op->source_id,
                                     .key = op->source_key,
                                     .partition = op->partition};
    answer(&op->source, &question, MESSAGE_MERGED, request_wire_code(operation_result(op)),
           (struct base_slice){0});
    operation_release(op);
}

static void on_merge(struct operations *all, const struct fabric_source *source,
                     const struct message *message, struct namespace *ns)
{
    struct base_slice record = message->body;
    if (store_record_check(record.data, record.size) != RESULT_OK) {
        answer(source, message, MESSAGE_MERGED, RESULT_PARAMETER, (struct base_slice){0});
        return;
    }
    struct place place;
    const uint8_t *digest = record.data + STORE_RECORD_DIGEST_AT;
    struct operation *op = operation__new(all, ns, digest, REPLICATION_WRITE, false, MERGE_MAX_MS);
    if (op == NULL) {
        answer(source, message, MESSAGE_MERGED, RESULT_DEVICE_OVERLOAD, (struct base_slice){0});
        return;
    }
    op->is_merge = op->started = true;
    op->source = *source;
    op->source_id = message->id;
    op->source_key = message->key;
    op->message = malloc(record.size);
    operation_own(op, on_merge_done, NULL);
    operation__place_copy(op, &place);
    if (op->message == NULL || place.key != message->key) {
        operation__finish(op, RESULT_CLUSTER_KEY_MISMATCH);
        return;
    }
    memcpy(op->message, record.data, record.size);
    op->message_size = (uint32_t)record.size;
    const struct replication_event event = {
        .type = REPLICATION_BEGIN, .now_ms = operation__now_ms(all), .place = &place};
    operation__event(op, &event);
}

static void proxied_answer(const struct fabric_source *source, const struct message *question,
                           enum base_result result, struct base_slice bytes)
{
    // The master is another node: the asking one looks again where to go.
    bool refused = result == RESULT_CLUSTER_KEY_MISMATCH;
    answer(source, question, MESSAGE_PROXIED, refused ? RESULT_CLUSTER_KEY_MISMATCH : RESULT_OK,
           refused ? (struct base_slice){0} : bytes);
}

static void on_proxy_done(struct operation *op, void *arg)
{
    (void)arg;
    const struct message question = {.namespace_number = (uint8_t)op->ns->cluster_number,
                                     .id = op->source_id,
                                     .partition = op->partition};
    proxied_answer(&op->source, &question, operation_result(op), operation_answer(op));
    operation_release(op);
}

static void on_proxy(struct operations *all, const struct fabric_source *source,
                     const struct message *message)
{
    struct worker *worker = all->worker;
    struct wire_message body;
    size_t size, at = worker->output.size;
    if (wire_message_parse(message->body.data, message->body.size, &body, &size) != RESULT_OK ||
        wire_fields_get(&body.fields, WIRE_FIELD_DIGEST).size != LIMIT_DIGEST_SIZE) {
        counters_add(&worker->counters->node.early_tsvc_from_proxy_error, 1);
        return;
    }
    struct request request = {
        .worker = worker,
        .origin = message->flags & MESSAGE_FLAG_BATCH_ROW ? REQUEST_PROXY_BATCH_ROW : REQUEST_PROXY,
        .header = &body.header,
        .fields = &body.fields,
        .ops = body.ops,
        .digest = body.fields.field[WIRE_FIELD_DIGEST].data,
    };
    if (!request_run(&request)) {
        return;
    }
    if (request.operation != NULL) {
        request.operation->source = *source;
        request.operation->source_id = message->id;
        operation_own(request.operation, on_proxy_done, NULL);
        return;
    }
    proxied_answer(source, message, request.result,
                   (struct base_slice){worker->output.data + at, worker->output.size - at});
    worker->output.size = at;
}

// --- answers to what we asked ---

// What was refused is tried again soon rather than when an answer would be overdue.
static void event_of_answer(struct operation *op, uint8_t from, const struct message *message,
                            struct replication_event event)
{
    struct operations *all = op->all;
    uint64_t id = op->id;
    if (!event.ok && message->key == op->sent_key) {
        node_set_remove(&op->sent, from);
    }
    event.now_ms = operation__now_ms(all);
    event.from = from;
    event.key = message->key;
    operation__event(op, &event);
    op = operation__find(all, id);
    if (!event.ok && op != NULL && op->list == OPERATION_FLYING) {
        operation__enlist(op, OPERATION_PARKED);
    }
}

static void on_written(struct operation *op, uint8_t from, const struct message *message)
{
    event_of_answer(
        op, from, message,
        (struct replication_event){
            .type = REPLICATION_ACKED,
            .ok = message->result == RESULT_OK ||
                  (message->type == MESSAGE_MERGED && message->result == RESULT_LOST_CONFLICT),
            .lost = message->type == MESSAGE_MERGED && message->result == RESULT_LOST_CONFLICT,
        });
}

// Takes in what a duplicate has. False when that cannot be: the node is then asked again.
static bool answer_merge(struct operation *op, const struct message *message, bool *changed)
{
    *changed = false;
    struct base_slice record = message->body;
    if (message->result != RESULT_OK) {
        return false;
    }
    if (record.size == 0) {
        return true;
    }
    if (store_record_check(record.data, record.size) != RESULT_OK ||
        memcmp(record.data + STORE_RECORD_DIGEST_AT, op->digest, LIMIT_DIGEST_SIZE) != 0) {
        return false;
    }
    enum base_result result = replica_adopt(op->ns->replica, message->key, record.data,
                                            worker_now_s(op->all->worker), changed);
    return result == RESULT_OK || result == RESULT_LOST_CONFLICT;
}

static void on_answer(struct operation *op, uint8_t from, const struct message *message)
{
    struct replication_event event = {.type = REPLICATION_ANSWERED};
    event.ok = answer_merge(op, message, &event.changed);
    event_of_answer(op, from, message, event);
}

static void on_proxied(struct operation *op, uint8_t from, const struct message *message)
{
    struct base_slice body = message->body;
    if (!op->proxied || op->proxied_to != from) {
        return;
    }
    if (message->result != RESULT_OK) {
        operation__route_again(op);
        return;
    }
    if (body.size < WIRE_MESSAGE_HEADER_SIZE) {
        return;
    }
    if (operation__answer_keep(op, body.data, body.size)) {
        base_be32_store(op->answer + WIRE_MESSAGE_TRANSACTION_TTL_AT, op->row_index);
    }
    op->result = body.data[WIRE_MESSAGE_RESULT_AT];
    operation__finish(op, op->result);
}

static void on_lost(struct operation *op, uint8_t peer, bool reached)
{
    node_set_remove(&op->sent, peer);
    if (!op->proxied || op->proxied_to != peer) {
        return;
    }
    if (op->kind == REQUEST_READ || !reached) {
        operation__route_again(op); // nothing can have happened twice
    } else {
        operation__finish(op, RESULT_TIMEOUT);
    }
}

void operations_on_lost(void *arg, uint8_t peer, bool reached)
{
    struct operations *all = arg;
    for (int list = OPERATION_PARKED; list < OPERATION_LISTS; list++) {
        for (struct operation *next, *op = all->list[list].first; op != NULL; op = next) {
            next = op->next;
            on_lost(op, peer, reached);
        }
    }
}

// --- what came over a link ---

// The digest that a question is about; NULL: none.
static const uint8_t *digest_of(const struct message *message)
{
    struct base_slice body = message->body;
    if ((message->type == MESSAGE_WRITE || message->type == MESSAGE_MERGE) &&
        body.size >= STORE_RECORD_HEADER_SIZE) {
        return body.data + STORE_RECORD_DIGEST_AT;
    }
    return message->type == MESSAGE_ASK && body.size == LIMIT_DIGEST_SIZE ? body.data : NULL;
}

// Asks for the memory that the questions will touch, the index first, then the records.
static void look_ahead(struct operations *all, const struct message *messages, uint32_t count)
{
    for (int step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct namespace *ns = namespace_of(all, &messages[i]);
            const uint8_t *digest = digest_of(&messages[i]);
            if (ns == NULL || digest == NULL) {
                continue;
            }
            if (step == 0) {
                store_prefetch(ns->store, digest);
            } else {
                store_prefetch_record(ns->store, digest);
            }
        }
    }
}

static void on_message(struct operations *all, const struct fabric_source *source, uint8_t from,
                       const struct message *message)
{
    struct namespace *ns = namespace_of(all, message);
    struct operation *op = operation__find(all, message->id);
    switch (message->type) {
    case MESSAGE_WRITE:
        if (ns != NULL) {
            on_write(all, source, message, ns);
        }
        break;
    case MESSAGE_ASK:
        if (ns != NULL) {
            on_ask(all, source, message, ns);
        }
        break;
    case MESSAGE_MERGE:
        if (ns != NULL) {
            on_merge(all, source, message, ns);
        }
        break;
    case MESSAGE_PROXY:
        on_proxy(all, source, message);
        break;
    case MESSAGE_WRITTEN:
    case MESSAGE_MERGED:
        if (op != NULL && !op->over && !op->proxied) {
            on_written(op, from, message);
        }
        break;
    case MESSAGE_ANSWER:
        if (op != NULL && !op->over && !op->proxied) {
            on_answer(op, from, message);
        }
        break;
    case MESSAGE_PROXIED:
        if (op != NULL && !op->over) {
            on_proxied(op, from, message);
        }
        break;
    default:
        break; // of another channel
    }
}

void operations_on_messages(void *arg, const struct fabric_source *source, uint8_t from,
                            const struct message *messages, uint32_t count)
{
    struct operations *all = arg;
    if (count > 1) {
        look_ahead(all, messages, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        on_message(all, source, from, &messages[i]);
    }
}
