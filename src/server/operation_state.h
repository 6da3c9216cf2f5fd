// SPDX-License-Identifier: Apache-2.0
// What an operation and a thread's pool of them are made of; for operation*.c alone.
#pragma once

#include "server/operation.h"

enum {
    OPERATION_MAGIC = 0x4f504552,
    OPERATIONS_MAGIC = 0x4f505330,
    OPERATION_INLINE_SIZE = 64, // answers up to this need no heap
    OPERATION_CHUNK = 64,
    OPERATION_CHUNKS = 256,
    OPERATIONS_MAX = OPERATION_CHUNK * OPERATION_CHUNKS, // waiting at a time in one thread
};

enum operation_list {
    OPERATION_NOWHERE,
    OPERATION_PARKED, // waits for a place to change
    OPERATION_FLYING, // others have been asked; the longest since then first
    OPERATION_LISTS,
};

struct operation {
    uint32_t magic;
    enum operation_list list;
    struct operations *all;
    struct operation *next, *previous; // in its list; next alone among the free
    uint64_t id;                       // place in the pool, and above it a count of its uses
    struct namespace *ns;
    struct replication machine;
    struct replication_effect effect; // to be carried out once the stripe is free
    uint8_t digest[LIMIT_DIGEST_SIZE];
    uint32_t partition;
    uint32_t row_index;
    enum request_origin origin;
    enum request_kind kind;
    bool is_merge;  // not a request: a record that another node gave to us, its master
    bool is_aside;  // not a request: a record to replicate, for which nobody waits
    bool started;   // its first run is over
    bool in_flight; // counted at its place
    bool proxied;   // another node carries it out
    bool owned;     // somebody wants the answer
    bool done;      // the answer is there
    bool over;      // the machine is
    uint8_t proxied_to;
    uint64_t begin_ns;
    uint64_t flown_ms; // when it came to its place in the list of flying ones
    uint8_t *message;  // a copy, while it may have to be run again
    uint32_t message_size;
    enum base_result result;
    operation_done_fn on_done;
    void *on_done_arg;
    struct fabric_source source; // of a passed-on request or a merge
    uint64_t source_id, source_key;
    struct replication_version written; // by us; what is sent is this or one built on it
    uint64_t reign;                     // in which it was written (struct place)
    uint64_t sent_key;                  // of what was sent last, and what that was
    enum replication_effect_type sent_type;
    struct node_set sent; // who has it, or will have: their links live and they did not refuse it
    uint32_t answer_size;
    uint8_t *answer; // inline or heap; NULL: none yet
    uint8_t answer_inline[OPERATION_INLINE_SIZE];
};

struct operations {
    uint32_t magic;
    struct worker *worker;
    struct node *node;
    struct fabric_links *links;
    struct io_loop *loop;
    struct operation *chunks[OPERATION_CHUNKS];
    uint32_t chunk_count;
    struct operation *free;
    struct operation_ends {
        struct operation *first, *last;
        uint32_t count;
    } list[OPERATION_LISTS];
    uint8_t *record; // LIMIT_RECORD_SIZE_MAX, made when it is first needed
    bool places_changed;
    uint64_t looked_ms; // when those that wait were last looked at
    _Atomic uint32_t count, proxied_count;

    pthread_mutex_t lock; // guards the one below
    struct operation_submission *submitted;
    _Atomic bool has_submitted; // to be asked without the lock
};

static inline uint64_t operation__now_ms(const struct operations *all)
{
    return all->worker->wakeup_ns / 1000000;
}

// operation.c: the pool and lists.
struct operation *operation__new(struct operations *all, struct namespace *ns,
                                 const uint8_t *digest, enum replication_kind kind,
                                 bool commit_master, uint32_t timeout_ms);
struct operation *operation__find(struct operations *all, uint64_t id);
void operation__enlist(struct operation *op, enum operation_list list);
void operation__end(struct operation *op); // the machine is over
bool operation__answer_keep(struct operation *op, const uint8_t *bytes, size_t size);
void operation__answer_refuse(struct operation *op, enum base_result result);

// The answer stands, or result is an error: counts and tells the owner.
void operation__finish(struct operation *op, enum base_result result);

// operation_submit.c: what threads without links hand in.
void operations__submitted_take(struct operations *all);
void operations__submitted_refuse(struct operations *all);

// operation_run.c: the machine.
void operation__event(struct operation *op, const struct replication_event *event);
void operation__moved(struct operation *op); // looks at its place again
void operation__route_again(struct operation *op);
void operation__carry_out(struct operation *op, const struct replication_effect *effect);
void operation__place_copy(struct operation *op, struct place *out);
uint8_t *operation__message_compose(const struct request *request, uint32_t *size);
