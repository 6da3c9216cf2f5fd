// SPDX-License-Identifier: Apache-2.0
// Requests of threads that have no links: a service thread runs them, the other one waits.
#include <stdlib.h>

#include "base/digest.h"
#include "server/operation_state.h"
#include "server/service.h"

void operations_submit(struct operations *all, struct operation_submission *submission)
{
    pthread_mutex_lock(&all->lock);
    submission->next = all->submitted;
    all->submitted = submission;
    atomic_store_explicit(&all->has_submitted, true, memory_order_relaxed);
    pthread_mutex_unlock(&all->lock);
    io_loop_wake(all->loop);
}

static struct operation_submission *submitted(struct operations *all)
{
    pthread_mutex_lock(&all->lock);
    struct operation_submission *first = all->submitted;
    all->submitted = NULL;
    atomic_store_explicit(&all->has_submitted, false, memory_order_relaxed);
    pthread_mutex_unlock(&all->lock);
    return first;
}

static void on_done(struct operation *op, void *arg)
{
    struct operation_submission *submission = arg;
    submission->done(submission, operation_result(op), operation_answer(op));
    operation_release(op);
}

static void run(struct operations *all, struct operation_submission *submission)
{
    struct worker *worker = all->worker;
    struct wire_message message;
    size_t size, at = worker->output.size;
    if (wire_message_parse(submission->message.data, submission->message.size, &message, &size) !=
            RESULT_OK ||
        wire_fields_get(&message.fields, WIRE_FIELD_DIGEST).size != LIMIT_DIGEST_SIZE) {
        submission->done(submission, RESULT_PARAMETER, (struct base_slice){0});
        return;
    }
    struct request request = {
        .worker = worker,
        .origin = submission->origin,
        .header = &message.header,
        .fields = &message.fields,
        .ops = message.ops,
        .digest = message.fields.field[WIRE_FIELD_DIGEST].data,
    };
    if (!request_run(&request)) {
        submission->done(submission, RESULT_NO_MEMORY, (struct base_slice){0});
    } else if (request.operation != NULL) {
        operation_own(request.operation, on_done, submission);
    } else {
        submission->done(submission, request.result,
                         (struct base_slice){worker->output.data + at, worker->output.size - at});
        worker->output.size = at;
    }
}

void operations__submitted_take(struct operations *all)
{
    if (!atomic_load_explicit(&all->has_submitted, memory_order_relaxed)) {
        return; // whoever submits wakes the thread up afterwards
    }
    for (struct operation_submission *next, *one = submitted(all); one != NULL; one = next) {
        next = one->next;
        run(all, one);
    }
}

void operations__submitted_refuse(struct operations *all)
{
    for (struct operation_submission *next, *one = submitted(all); one != NULL; one = next) {
        next = one->next;
        one->done(one, RESULT_TIMEOUT, (struct base_slice){0});
    }
}

// --- and waits for it ---

struct errand {
    struct operation_submission submission; // first
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    enum base_result result;
    struct output answer;
};

static void errand_done(struct operation_submission *submission, enum base_result result,
                        struct base_slice answer)
{
    struct errand *errand = (struct errand *)(void *)submission;
    pthread_mutex_lock(&errand->lock);
    errand->result = result;
    if (answer.size > 0 && !output_put(&errand->answer, answer.data, answer.size)) {
        errand->result = RESULT_NO_MEMORY;
    }
    errand->is_done = true;
    pthread_cond_signal(&errand->done);
    pthread_mutex_unlock(&errand->lock);
}

bool operation_elsewhere(struct request *r)
{
    struct operations *all = service_operations(r->worker->node, base_digest_partition(r->digest));
    struct output *output = &r->worker->output;
    uint32_t size;
    uint8_t *message = all == NULL ? NULL : operation__message_compose(r, &size);
    output->size = r->answer_at;
    if (message == NULL) {
        r->result = RESULT_NO_MEMORY;
        return request_refuse(r->worker, r->result, r->row_index);
    }
    struct errand errand = {
        .submission = {.origin = r->origin, .message = {message, size}, .done = errand_done}};
    pthread_mutex_init(&errand.lock, NULL);
    pthread_cond_init(&errand.done, NULL);
    operations_submit(all, &errand.submission);
    pthread_mutex_lock(&errand.lock);
    while (!errand.is_done) {
        pthread_cond_wait(&errand.done, &errand.lock);
    }
    pthread_mutex_unlock(&errand.lock);
    r->result = errand.result;
    bool ok = errand.answer.size >= WIRE_MESSAGE_HEADER_SIZE
                  ? output_put(output, errand.answer.data, errand.answer.size)
                  : request_refuse(r->worker, r->result, r->row_index);
    if (ok) {
        base_be32_store(output->data + r->answer_at + WIRE_MESSAGE_TRANSACTION_TTL_AT,
                        r->row_index);
    }
    output_fini(&errand.answer);
    pthread_cond_destroy(&errand.done);
    pthread_mutex_destroy(&errand.lock);
    free(message);
    return ok;
}
