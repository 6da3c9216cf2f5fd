// SPDX-License-Identifier: Apache-2.0
// The pool of a thread's operations, who owns them, and time.
#include <stddef.h>
#include <stdlib.h>

#include "base/digest.h"
#include "server/operation_state.h"

enum {
    LOOK_MS = 10, // how often those that wait look at their place again
    ID_BITS = 32, // of the place in the pool; above them a count of its uses
};

// --- the pool ---

static bool chunk_add(struct operations *all)
{
    if (all->chunk_count == OPERATION_CHUNKS) {
        return false;
    }
    struct operation *chunk = calloc(OPERATION_CHUNK, sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    for (uint32_t i = OPERATION_CHUNK; i-- > 0;) {
        chunk[i].id = all->chunk_count * OPERATION_CHUNK + i;
        chunk[i].next = all->free;
        all->free = &chunk[i];
    }
    all->chunks[all->chunk_count++] = chunk;
    return true;
}

struct operation *operation__new(struct operations *all, struct namespace *ns,
                                 const uint8_t *digest, enum replication_kind kind,
                                 bool commit_master, uint32_t timeout_ms)
{
    if (all->free == NULL && !chunk_add(all)) {
        return NULL;
    }
    struct operation *op = all->free;
    all->free = op->next;
    uint64_t id = op->id + (UINT64_C(1) << ID_BITS);
    memset(op, 0, offsetof(struct operation, answer_inline));
    op->magic = OPERATION_MAGIC;
    op->all = all;
    op->id = id;
    op->ns = ns;
    op->begin_ns = all->worker->wakeup_ns;
    op->partition = base_digest_partition(digest);
    memcpy(op->digest, digest, LIMIT_DIGEST_SIZE);
    replication_init(&op->machine, kind, commit_master, operation__now_ms(all) + timeout_ms);
    uint32_t count = atomic_load_explicit(&all->count, memory_order_relaxed);
    atomic_store_explicit(&all->count, count + 1, memory_order_relaxed);
    return op;
}

struct operation *operation__find(struct operations *all, uint64_t id)
{
    uint64_t place = id & ((UINT64_C(1) << ID_BITS) - 1);
    if (place >= (uint64_t)all->chunk_count * OPERATION_CHUNK) {
        return NULL;
    }
    struct operation *op = &all->chunks[place / OPERATION_CHUNK][place % OPERATION_CHUNK];
    return op->magic == OPERATION_MAGIC && op->id == id ? op : NULL;
}

static void answer_drop(struct operation *op)
{
    if (op->answer != op->answer_inline) {
        free(op->answer);
    }
    op->answer = NULL;
    op->answer_size = 0;
}

static void give_back(struct operation *op)
{
    struct operations *all = op->all;
    base_assert(op->list == OPERATION_NOWHERE && !op->in_flight && !op->proxied);
    answer_drop(op);
    free(op->message);
    op->message = NULL;
    op->magic = 0;
    op->next = all->free;
    all->free = op;
    uint32_t count = atomic_load_explicit(&all->count, memory_order_relaxed);
    atomic_store_explicit(&all->count, count - 1, memory_order_relaxed);
}

void operation__enlist(struct operation *op, enum operation_list list)
{
    struct operations *all = op->all;
    if (op->list != OPERATION_NOWHERE) {
        struct operation_ends *ends = &all->list[op->list];
        *(op->previous != NULL ? &op->previous->next : &ends->first) = op->next;
        *(op->next != NULL ? &op->next->previous : &ends->last) = op->previous;
        op->next = op->previous = NULL;
        ends->count--;
    }
    op->list = list;
    if (list != OPERATION_NOWHERE) {
        struct operation_ends *ends = &all->list[list];
        op->previous = ends->last;
        op->next = NULL;
        *(ends->last != NULL ? &ends->last->next : &ends->first) = op;
        ends->last = op;
        ends->count++;
        op->flown_ms = operation__now_ms(all);
    }
}

// --- owners and answers ---

void operation_own(struct operation *op, operation_done_fn done, void *arg)
{
    base_magic_check(op, OPERATION_MAGIC);
    base_assert(!op->owned && !op->done);
    op->owned = true;
    op->on_done = done;
    op->on_done_arg = arg;
}

void operation_release(struct operation *op)
{
    base_magic_check(op, OPERATION_MAGIC);
    base_assert(op->owned);
    op->owned = false;
    if (op->over) {
        give_back(op);
    }
}

struct base_slice operation_answer(const struct operation *op)
{
    base_assert(op->done);
    return (struct base_slice){op->answer, op->answer_size};
}

enum base_result operation_result(const struct operation *op)
{
    base_assert(op->done);
    return op->result;
}

bool operation__answer_keep(struct operation *op, const uint8_t *bytes, size_t size)
{
    answer_drop(op);
    op->answer = size <= OPERATION_INLINE_SIZE ? op->answer_inline : malloc(size);
    if (op->answer == NULL) {
        return false;
    }
    memcpy(op->answer, bytes, size);
    op->answer_size = (uint32_t)size;
    return true;
}

void operation__answer_refuse(struct operation *op, enum base_result result)
{
    struct wire_message_header header = {.result_code = request_wire_code(result),
                                         .transaction_ttl = op->row_index};
    answer_drop(op);
    op->answer = op->answer_inline;
    op->answer_size = WIRE_MESSAGE_HEADER_SIZE;
    op->result = result;
    wire_message_header_store(op->answer, &header);
}

_Static_assert((int)OPERATION_INLINE_SIZE >= (int)WIRE_MESSAGE_HEADER_SIZE, "a refusal fits");

void operation__end(struct operation *op)
{
    operation__enlist(op, OPERATION_NOWHERE);
    if (op->in_flight) {
        struct replica *replica = op->ns->replica;
        store_partition_lock(replica->store, op->partition);
        base_assert(replica->place[op->partition].in_flight > 0);
        replica->place[op->partition].in_flight--;
        store_partition_unlock(replica->store, op->partition);
        op->in_flight = false;
    }
    op->over = true;
    if (!op->owned) {
        give_back(op);
    }
}

// --- time ---

static void event_of_type(struct operation *op, enum replication_event_type type, bool look)
{
    struct place place;
    struct replication_event event = {.type = type, .now_ms = operation__now_ms(op->all)};
    if (look) {
        operation__place_copy(op, &place);
        event.place = &place;
    }
    operation__event(op, &event);
}

// A request that another node carries out: all there is to do is to wait for it.
static void proxied_look(struct operation *op)
{
    if (operation__now_ms(op->all) >= op->machine.deadline_ms) {
        operation__finish(op, RESULT_TIMEOUT);
    } else {
        operation__enlist(op, OPERATION_FLYING);
    }
}

// Looks at those in the list that came there up to a moment. Each moves to its end, or out of it.
static void look_at(struct operations *all, enum operation_list list, uint64_t before_ms,
                    enum replication_event_type type)
{
    for (uint32_t left = all->list[list].count; left > 0; left--) {
        struct operation *op = all->list[list].first;
        if (op == NULL || op->flown_ms > before_ms) {
            break;
        }
        operation__enlist(op, list);
        if (op->proxied) {
            proxied_look(op);
        } else {
            event_of_type(op, type, list == OPERATION_PARKED || type == REPLICATION_MOVED);
        }
    }
}

void operations_places_changed(struct operations *all)
{
    all->places_changed = true;
}

int operations_work(struct operations *all)
{
    struct operation_ends *lists = all->list;
    operations__submitted_take(all);
    if (lists[OPERATION_PARKED].first == NULL && lists[OPERATION_FLYING].first == NULL) {
        all->places_changed = false;
        return -1;
    }
    uint64_t now_ms = operation__now_ms(all);
    if (all->places_changed && now_ms > all->looked_ms) { // at most once a millisecond
        all->places_changed = false;
        all->looked_ms = now_ms;
        look_at(all, OPERATION_FLYING, now_ms, REPLICATION_MOVED);
        look_at(all, OPERATION_PARKED, now_ms, REPLICATION_MOVED);
    } else if (now_ms >= all->looked_ms + LOOK_MS) {
        all->looked_ms = now_ms;
        look_at(all, OPERATION_PARKED, now_ms, REPLICATION_TICK);
        look_at(all, OPERATION_FLYING,
                now_ms > REPLICATION_RESEND_MS ? now_ms - REPLICATION_RESEND_MS : 0,
                REPLICATION_TICK);
    }
    return all->places_changed ? 1 : LOOK_MS;
}

// --- all of a thread's ---

enum base_result operations_new(struct worker *worker, struct fabric_links *links,
                                struct io_loop *loop, struct operations **out)
{
    struct operations *all = calloc(1, sizeof *all);
    *out = all;
    if (all == NULL) {
        return RESULT_NO_MEMORY;
    }
    all->magic = OPERATIONS_MAGIC;
    all->worker = worker;
    all->node = worker->node;
    all->links = links;
    all->loop = loop;
    pthread_mutex_init(&all->lock, NULL);
    return RESULT_OK;
}

void operations_free(struct operations **out)
{
    struct operations *all = *out;
    if (all == NULL) {
        return;
    }
    *out = NULL;
    base_magic_check(all, OPERATIONS_MAGIC);
    operations__submitted_refuse(all);
    for (uint32_t i = 0; i < all->chunk_count * OPERATION_CHUNK; i++) {
        struct operation *op = &all->chunks[i / OPERATION_CHUNK][i % OPERATION_CHUNK];
        if (op->magic == OPERATION_MAGIC) {
            answer_drop(op);
            free(op->message);
        }
    }
    for (uint32_t i = 0; i < all->chunk_count; i++) {
        free(all->chunks[i]);
    }
    pthread_mutex_destroy(&all->lock);
    free(all->record);
    free(all);
}

void operations_counts(struct operations *all, uint32_t *count, uint32_t *proxied)
{
    *count = atomic_load_explicit(&all->count, memory_order_relaxed);
    *proxied = atomic_load_explicit(&all->proxied_count, memory_order_relaxed);
}
