// SPDX-License-Identifier: Apache-2.0
// The machine says what to do next, the functions here do it, and what comes of it goes back into
// the machine until it waits or has finished.
#include "operation.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply.h"
#include "checks.h"
#include "clients.h"
#include "history.h"
#include "story.h"

enum {
    PROXY_AGAIN_US = 10 * SIM_MS,
    MERGE_TIMEOUT_MS = 1000,
    RECORD_SIZE_MAX = 1024, // of what the simulation writes
};

enum source {
    SOURCE_CLIENT,
    SOURCE_PROXY,
    SOURCE_MERGE,
};

struct operation {
    struct request request;
    struct replication machine;
    uint64_t id;       // of its messages
    uint64_t asked_id; // proxy and merge: of the question
    uint64_t asked_key;
    uint64_t retry_us; // proxied and refused: try again then; 0: not
    uint32_t partition;
    uint32_t version; // made, or seen
    uint8_t source;
    uint8_t peer;   // proxy and merge: who asked
    bool parked;    // the machine waits for a place
    bool proxied;   // the master works on it
    bool in_flight; // counted at the place
    bool answered;
    uint32_t slot;
    struct place place;                 // as shown to the machine last
    struct place routed;                // the last one of which we were the master
    struct replication_version written; // by us; what is sent is this or one built on it
    uint64_t reign;                     // in which it was written (struct place)
    uint32_t merge_size;
    uint8_t merge[RECORD_SIZE_MAX];
};

static struct sim *sim_of(const struct process *process)
{
    return process->sim;
}

static struct host *host_of(const struct process *process)
{
    return &process->sim->host[process->host];
}

static struct replica *replica_of(const struct process *process, const struct operation *op)
{
    return process->replica[op->request.namespace_number];
}

static uint64_t monotonic_ms(const struct process *process)
{
    return sim_monotonic_ms(process->sim, host_of(process));
}

// The place as a service thread sees it.
static struct place place_of(const struct process *process, const struct operation *op)
{
    struct place place;
    replica_place_copy(replica_of(process, op), op->partition, &place);
    if (process_is_suspicious(process)) {
        place.key = 0;
    }
    return place;
}

static bool is_told(const struct process *process, const struct operation *op)
{
    return story_wants(sim_of(process), STORY_KEY, op->request.namespace_number, op->partition,
                       op->request.key);
}

// --- begin and end ---

static struct operation *find(struct process *process, uint64_t id)
{
    struct operation *op = process->operation[id % PROCESS_OPERATIONS_MAX];
    return op != NULL && op->id == id ? op : NULL;
}

static struct operation *enter(struct process *process, const struct request *request,
                               enum source source)
{
    uint32_t slot = 0;
    while (slot < PROCESS_OPERATIONS_MAX && process->operation[slot] != NULL) {
        slot++;
    }
    if (slot == PROCESS_OPERATIONS_MAX) {
        return NULL;
    }
    struct operation *op = calloc(1, sizeof *op);
    base_assert(op != NULL);
    process->operation[slot] = op;
    process->operation_count++;
    *op = (struct operation){
        .request = *request,
        .id = ++process->operation_next * PROCESS_OPERATIONS_MAX + slot,
        .partition = sim_of(process)->key[request->key].partition,
        .source = (uint8_t)source,
        .slot = slot,
    };
    uint64_t now_us = sim_of(process)->now_us;
    uint64_t left_ms = request->deadline_us > now_us ? (request->deadline_us - now_us) / SIM_MS : 0;
    replication_init(&op->machine,
                     request->kind == OPERATION_READ ? REPLICATION_READ : REPLICATION_WRITE,
                     request->commit_master, monotonic_ms(process) + left_ms);
    op->machine.mutate_skip_ack = sim_of(process)->options.mutation == MUTATION_SKIP_ACK;
    op->machine.mutate_skip_resolve = sim_of(process)->options.mutation == MUTATION_SKIP_RESOLVE;
    return op;
}

static void answer_peer(struct process *process, const struct operation *op, enum message_type type,
                        enum base_result result, struct base_slice body)
{
    struct message message = {
        .type = (uint8_t)type,
        .flags = MESSAGE_FLAG_ANSWER,
        .namespace_number = (uint8_t)op->request.namespace_number,
        .result = (uint8_t)result,
        .id = op->asked_id,
        .key = op->asked_key,
        .partition = op->partition,
        .body = body,
    };
    process_send(process, op->peer, CHANNEL_SERVICE, &message, type == MESSAGE_PROXIED);
}

static void answer(struct process *process, const struct operation *op, enum base_result result)
{
    if (is_told(process, op)) {
        story_tell(sim_of(process), process->host, "op %" PRIu64 " ends: %s", op->request.number,
                   base_result_text(result));
    }
    struct operation_answer said = {op->request.number, (uint32_t)result, op->version};
    switch (op->source) {
    case SOURCE_CLIENT:
        clients_answered(sim_of(process), &op->request, &said);
        return;
    case SOURCE_PROXY:
        answer_peer(process, op, MESSAGE_PROXIED, result,
                    (struct base_slice){(const uint8_t *)&said, sizeof said});
        return;
    case SOURCE_MERGE:
        answer_peer(process, op, MESSAGE_MERGED, result, (struct base_slice){0});
        return;
    }
}

static void leave(struct process *process, struct operation *op)
{
    if (op->in_flight) {
        apply_in_flight(replica_of(process, op), op->partition, -1);
    }
    process->operation[op->slot] = NULL;
    process->operation_count--;
    free(op);
}

// The client may be told. More may be to do without it.
static void tell(struct process *process, struct operation *op, enum base_result result)
{
    if (op->answered) {
        return;
    }
    bool made = op->request.kind != OPERATION_READ && op->version != VERSION_ABSENT;
    if (result == RESULT_OK && made) {
        struct place merged = {.key = op->machine.key, .role = PLACE_NONE};
        bool leads = op->routed.key == op->machine.key;
        history_replicated(process, &op->request, leads ? &op->routed : &merged, op->version);
    }
    op->answered = true;
    answer(process, op, result);
}

static void finish(struct process *process, struct operation *op, enum base_result result)
{
    tell(process, op, result);
    leave(process, op);
}

// --- effects ---

static void send_to(struct process *process, const struct operation *op, const struct node_set *set,
                    enum message_type type, uint64_t key, struct base_slice body)
{
    for (uint32_t peer = node_set_next(set, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(set, peer + 1)) {
        struct message message = {
            .type = (uint8_t)type,
            .namespace_number = (uint8_t)op->request.namespace_number,
            .id = op->id,
            .key = key,
            .partition = op->partition,
            .body = body,
        };
        process_send(process, (uint8_t)peer, CHANNEL_SERVICE, &message, false);
    }
}

// Whoever asked us as the master looks again where to go.
static void send_back(struct process *process, struct operation *op)
{
    op->version = VERSION_ABSENT;
    answer(process, op, RESULT_CLUSTER_KEY_MISMATCH);
    leave(process, op);
}

static void proxy(struct process *process, struct operation *op, uint8_t to)
{
    if (op->source != SOURCE_CLIENT) {
        send_back(process, op);
        return;
    }
    op->proxied = true;
    struct message message = {
        .type = MESSAGE_PROXY,
        .namespace_number = (uint8_t)op->request.namespace_number,
        .id = op->id,
        .partition = op->partition,
        .body = {(const uint8_t *)&op->request, sizeof op->request},
    };
    process_send(process, to, CHANNEL_SERVICE, &message, true);
}

// Sends the record as it stands. False when it has gone since; *stands: that is as it should be.
static bool send_record(struct process *process, struct operation *op,
                        const struct replication_effect *effect, bool *stands)
{
    uint8_t bytes[RECORD_SIZE_MAX];
    uint32_t size = apply_record_copy(process, op->request.namespace_number, op->request.key, bytes,
                                      sizeof bytes);
    *stands = replica_stands(&replica_of(process, op)->place[op->partition],
                             size > 0 ? bytes : NULL, op->reign, &op->written);
    if (size == 0 || !*stands) {
        return false;
    }
    if (!op->in_flight) {
        op->in_flight = true;
        apply_in_flight(replica_of(process, op), op->partition, 1);
    }
    send_to(process, op, &effect->set, effect->merge ? MESSAGE_MERGE : MESSAGE_WRITE, effect->key,
            (struct base_slice){bytes, size});
    return true;
}

// Does the work at the master, or says that the place is another one by now.
static void apply(struct process *process, struct operation *op, uint64_t key,
                  struct replication_event *event)
{
    struct place place = place_of(process, op);
    event->now_ms = monotonic_ms(process);
    event->place = &op->place;
    op->place = place;
    bool reads = op->request.kind == OPERATION_READ;
    bool serves = place.key == key && replication_may_apply(&op->machine, &place);
    if (!serves) {
        event->type = REPLICATION_MOVED;
        return;
    }
    if (place.role == PLACE_MASTER && !place.handing_over) {
        op->routed = place;
        checks_master_serves(process, op->request.namespace_number, op->partition, key);
    }
    event->type = REPLICATION_APPLIED;
    event->result = op->request.kind == OPERATION_MERGE
                        ? apply_merge(process, &op->request, key, op->merge)
                        : apply_request(process, &op->request, key, &op->version);
    event->changed = !reads && event->result == RESULT_OK;
    op->reign = replica_of(process, op)->place[op->partition].reign;
    op->written = apply_version(process, op->request.namespace_number, op->request.key);
    if (is_told(process, op)) {
        char what[64];
        history_describe(sim_of(process), op->request.namespace_number, op->request.key,
                         op->version, what);
        story_tell(sim_of(process), process->host, "op %" PRIu64 " %s: %s, %s, key %" PRIx64,
                   op->request.number, reads ? "reads" : "applies", what,
                   base_result_text(event->result), key);
    }
}

static void drive(struct process *process, struct operation *op, struct replication_event event);

// The record has gone: whoever was to acknowledge it has nothing to store.
static void acknowledge_all(struct process *process, const struct operation *op,
                            const struct node_set *set, uint64_t key, bool stands)
{
    uint64_t id = op->id;
    uint32_t now_s = sim_wall_s(sim_of(process), host_of(process));
    bool expired = op->written.void_time_s != 0 && op->written.void_time_s <= now_s;
    for (uint32_t peer = node_set_next(set, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(set, peer + 1)) {
        struct operation *still = find(process, id);
        if (still != NULL) {
            drive(process, still,
                  (struct replication_event){.type = REPLICATION_ACKED,
                                             .now_ms = monotonic_ms(process),
                                             .key = key,
                                             .from = (uint8_t)peer,
                                             .ok = true,
                                             .lost = !stands && !expired});
        }
    }
}

// Carries out what the machine wants until it waits. The operation may be gone afterwards.
static void drive(struct process *process, struct operation *op, struct replication_event event)
{
    bool stands, late;
    for (;;) {
        struct replication_effect effect;
        replication_step(&op->machine, &event, &effect);
        replication_check(&op->machine);
        op->parked = false;
        if (effect.answer) {
            tell(process, op, effect.result);
        }
        switch (effect.type) {
        case REPLICATION_NOTHING:
            return;
        case REPLICATION_WAIT:
            if (op->source != SOURCE_CLIENT) {
                send_back(process, op);
            } else {
                op->parked = true;
            }
            return;
        case REPLICATION_PROXY:
            proxy(process, op, effect.to);
            return;
        case REPLICATION_ASK:
            send_to(process, op, &effect.set, MESSAGE_ASK, effect.key,
                    (struct base_slice){sim_of(process)->key[op->request.key].digest,
                                        LIMIT_DIGEST_SIZE});
            return;
        case REPLICATION_APPLY:
            event = (struct replication_event){0};
            apply(process, op, effect.key, &event);
            break;
        case REPLICATION_SEND:
            if (!send_record(process, op, &effect, &stands)) {
                acknowledge_all(process, op, &effect.set, effect.key, stands);
            }
            return;
        case REPLICATION_FINISH:
            late = effect.result == RESULT_TIMEOUT && !op->machine.applied;
            finish(process, op, late ? RESULT_PARTITION_UNAVAILABLE : effect.result);
            return;
        }
    }
}

static void drive_with_place(struct process *process, struct operation *op,
                             enum replication_event_type type)
{
    op->place = place_of(process, op);
    if (op->place.key != 0 && op->place.role == PLACE_MASTER) {
        op->routed = op->place;
    }
    drive(process, op,
          (struct replication_event){
              .type = type, .now_ms = monotonic_ms(process), .place = &op->place});
}

// --- events ---

void operations_begin(struct process *process, const struct request *request)
{
    struct operation *op = enter(process, request, SOURCE_CLIENT);
    if (op == NULL) {
        struct operation_answer said = {request->number, RESULT_DEVICE_OVERLOAD, VERSION_ABSENT};
        clients_answered(sim_of(process), request, &said);
        return;
    }
    drive_with_place(process, op, REPLICATION_BEGIN);
    process_after(process);
}

void operations_on_proxy(struct process *process, uint8_t peer, const struct message *message)
{
    struct request request;
    base_assert(message->body.size == sizeof request);
    memcpy(&request, message->body.data, sizeof request);
    struct operation *op = enter(process, &request, SOURCE_PROXY);
    if (op == NULL) {
        return;
    }
    op->peer = peer;
    op->asked_id = message->id;
    drive_with_place(process, op, REPLICATION_BEGIN);
}

void operations_on_merge(struct process *process, uint8_t peer, const struct message *message)
{
    struct sim *sim = sim_of(process);
    if (message->body.size > RECORD_SIZE_MAX ||
        store_record_check(message->body.data, message->body.size) != RESULT_OK) {
        sim_finding(sim, message->namespace_number, message->partition, SIM_KEYS_MAX,
                    "n%u gets a broken record to merge", process->host);
    }
    struct request request = {
        .started_us = sim->now_us,
        .deadline_us = sim->now_us + MERGE_TIMEOUT_MS * SIM_MS,
        .namespace_number = message->namespace_number,
        .key = sim_key_of(sim, message->body.data + STORE_RECORD_DIGEST_AT),
        .kind = OPERATION_MERGE,
    };
    struct operation *op = enter(process, &request, SOURCE_MERGE);
    if (op == NULL) {
        return;
    }
    op->peer = peer;
    op->asked_id = message->id;
    op->asked_key = message->key;
    op->merge_size = (uint32_t)message->body.size;
    memcpy(op->merge, message->body.data, message->body.size);
    drive_with_place(process, op, REPLICATION_BEGIN);
}

static void on_proxied(struct process *process, struct operation *op, const struct message *message)
{
    if (!op->proxied || op->retry_us != 0) {
        return;
    }
    if (message->result == RESULT_CLUSTER_KEY_MISMATCH) {
        op->retry_us = sim_of(process)->now_us + PROXY_AGAIN_US;
        return;
    }
    struct operation_answer said;
    base_assert(message->body.size == sizeof said);
    memcpy(&said, message->body.data, sizeof said);
    op->version = said.version;
    answer(process, op, (enum base_result)said.result);
    leave(process, op);
}

static void on_asked(struct process *process, struct operation *op, uint8_t peer,
                     const struct message *message)
{
    bool ok = message->result == RESULT_OK, changed = false;
    if (ok && message->body.size > 0) {
        if (store_record_check(message->body.data, message->body.size) != RESULT_OK) {
            sim_finding(sim_of(process), op->request.namespace_number, op->partition,
                        op->request.key, "n%u is answered with a broken record", process->host);
        }
        enum base_result result =
            replica_adopt(replica_of(process, op), message->key, message->body.data,
                          sim_wall_s(sim_of(process), host_of(process)), &changed);
        ok = result == RESULT_OK || result == RESULT_LOST_CONFLICT;
    }
    drive(process, op,
          (struct replication_event){.type = REPLICATION_ANSWERED,
                                     .now_ms = monotonic_ms(process),
                                     .key = message->key,
                                     .from = peer,
                                     .ok = ok,
                                     .changed = changed});
}

void operations_on_answer(struct process *process, uint8_t peer, const struct message *message)
{
    struct operation *op = find(process, message->id);
    if (op == NULL) {
        return;
    }
    if (message->type == MESSAGE_PROXIED) {
        on_proxied(process, op, message);
        return;
    }
    if (op->proxied) {
        return; // of an earlier view
    }
    if (message->type == MESSAGE_ANSWER) {
        on_asked(process, op, peer, message);
        return;
    }
    if (message->result == RESULT_SERVER_FULL) {
        return; // it cannot now; it is sent again
    }
    bool lost = message->type == MESSAGE_MERGED && message->result == RESULT_LOST_CONFLICT;
    drive(process, op,
          (struct replication_event){.type = REPLICATION_ACKED,
                                     .now_ms = monotonic_ms(process),
                                     .key = message->key,
                                     .from = peer,
                                     .ok = message->result == RESULT_OK || lost,
                                     .lost = lost});
}

void operations_places_changed(struct process *process, uint32_t namespace_number)
{
    for (uint32_t i = 0; i < PROCESS_OPERATIONS_MAX; i++) {
        struct operation *op = process->operation[i];
        if (op != NULL && op->request.namespace_number == namespace_number && !op->proxied) {
            drive_with_place(process, op, REPLICATION_MOVED);
        }
    }
}

// True when the operation has come to its end.
static bool proxied_timer(struct process *process, struct operation *op)
{
    uint64_t now_us = sim_of(process)->now_us;
    if (now_us >= op->request.deadline_us) {
        answer(process, op, RESULT_TIMEOUT);
        leave(process, op);
        return true;
    }
    if (op->retry_us == 0 || op->retry_us > now_us) {
        return true;
    }
    op->retry_us = 0;
    op->proxied = false;
    uint64_t deadline_ms = op->machine.deadline_ms;
    struct replication old = op->machine;
    replication_init(&op->machine, old.kind, old.commit_master, deadline_ms);
    op->machine.mutate_skip_ack = old.mutate_skip_ack;
    op->machine.mutate_skip_resolve = old.mutate_skip_resolve;
    drive_with_place(process, op, REPLICATION_BEGIN);
    return true;
}

void operations_timer(struct process *process)
{
    process->operations_awake = false;
    for (uint32_t i = 0; i < PROCESS_OPERATIONS_MAX && process->operation_count > 0; i++) {
        struct operation *op = process->operation[i];
        if (op == NULL || (op->proxied && proxied_timer(process, op))) {
            continue;
        }
        uint64_t id = op->id;
        if (op->parked) {
            drive_with_place(process, op, REPLICATION_MOVED);
        }
        op = find(process, id);
        if (op != NULL && !op->proxied) {
            drive_with_place(process, op, REPLICATION_TICK);
        }
    }
    process_after(process);
}

void operations_abandon(struct process *process)
{
    for (uint32_t i = 0; i < PROCESS_OPERATIONS_MAX; i++) {
        struct operation *op = process->operation[i];
        if (op == NULL) {
            continue;
        }
        if (op->source == SOURCE_CLIENT) {
            clients_closed(sim_of(process), &op->request);
        }
        process->operation[i] = NULL;
        process->operation_count--;
        free(op);
    }
}
