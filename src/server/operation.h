// SPDX-License-Identifier: Apache-2.0
// A request that cannot be answered at once: it replicates, asks others, is passed on to the node
// that has the partition, or waits for a view. One heap object from the thread's pool, with the
// replication machine (core/replication/replication.h) that says what to do next; this unit carries
// that out: takes the stripe, sends, hears the answers, keeps the time.
//
// The model. request_run does all it can. When it cannot finish, request->operation is set and
// nothing was appended to the worker's output; whoever ran the request then owns the operation:
// operation_own says whom to tell. `done` is called once, on the same thread, when the answer is
// there (operation_answer, one message without frame, as request_run would have appended it); it
// may be called long after, never from within request_run or operation_own. The owner then calls
// operation_release, at once or later; an owner that goes away earlier says it before, and the
// operation finishes without it.
//
// A batch, or whatever else runs many requests, owns as many operations as it likes: it counts
// those that it owns and have not said `done`, copies each answer when it is done, releases it, and
// goes on when the count is small again. All of a wakeup's messages to a peer leave in one send, so
// many operations at a time cost little more than one.
//
// Threads without links (queries) run their requests through the same request_run, which has a
// service thread do what needs others and waits for it.
//
// An operation that was not applied yet keeps a copy of its message; nothing of the caller's bytes
// is needed any more when request_run returns. The pool is bounded; when it is empty requests are
// refused with RESULT_DEVICE_OVERLOAD. All belongs to one thread, but for operations_submit and
// operations_counts.
#pragma once

#include <pthread.h>

#include "cluster/replica.h"
#include "server/fabric.h"
#include "server/request.h"

struct operation;

typedef void (*operation_done_fn)(struct operation *operation, void *arg);

// Whom to tell when the answer is there.
void operation_own(struct operation *operation, operation_done_fn done, void *arg);

// Once it is done: the answer, good until it is released; its result.
struct base_slice operation_answer(const struct operation *operation);
enum base_result operation_result(const struct operation *operation);
void operation_release(struct operation *operation);

// The operations of one thread, which goes to `worker->operations`. `links` NULL: no other node can
// be reached. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result operations_new(struct worker *worker, struct fabric_links *links,
                                              struct io_loop *loop, struct operations **out);
void operations_free(struct operations **operations);

// What comes over the thread's links, as a fabric_handler wants it; `arg` is the operations.
void operations_on_messages(void *arg, const struct fabric_source *source, uint8_t from,
                            const struct message *messages, uint32_t count);
void operations_on_lost(void *arg, uint8_t peer, bool reached);

// After each batch of events: looks after what was submitted and what waits for its time. Returns
// how many milliseconds may pass until it is to be called again, or -1: any.
int operations_work(struct operations *operations);

// Places may have changed: operations_work looks again at each that waits.
void operations_places_changed(struct operations *operations);

// From any thread: how many there are, and how many of them another node was asked to carry out.
void operations_counts(struct operations *operations, uint32_t *all, uint32_t *proxied);

// A request from a thread without links. `message` is a whole message of a record; it must live
// until `done` was called, from the operations' thread, with an answer that is good during the
// call.
struct operation_submission {
    struct operation_submission *next;
    enum request_origin origin;
    struct base_slice message;
    void (*done)(struct operation_submission *submission, enum base_result result,
                 struct base_slice answer);
};
void operations_submit(struct operations *operations, struct operation_submission *submission);

// --- within request_run ------------------------------------------------------------------------

// operation_place is what request_place (server/request.h) asks.

// The record was read or changed under the stripe, or that failed with `result`; `changed`: there
// is something to replicate.
void operation_applied(struct request *request, const struct store_cursor *cursor,
                       enum base_result result, bool changed);

// Replicates what stands at the cursor without anybody waiting for it; the stripe is held.
void operation_aside(struct request *request, const struct store_cursor *cursor);

// The end of a run with an operation: the answer, if the request was applied, stands in the
// worker's output from request->answer_at on. True when the request is answered after all.
bool operation_settle(struct request *request);

// Has a service thread carry out the request of a thread without links, and waits for it. As
// request_run.
bool operation_elsewhere(struct request *request);
