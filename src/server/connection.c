// SPDX-License-Identifier: Apache-2.0
// How bytes become requests and answers become bytes. One receive may carry many requests, one send
// many answers; a client that does not read its answers stops being read from, and nothing more
// happens to anybody else.
#include "server/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "server/batch.h"
#include "server/connection_replies.h"
#include "server/dispatch.h"
#include "server/info.h"
#include "server/log.h"
#include "server/service.h"

enum {
    FLUSH_SIZE = 1024 * 1024,       // answers are sent when this much has gathered
    OUTPUT_KEEP_SIZE = 1024 * 1024, // larger output buffers go back to the heap
    INPUT_STEP_SIZE = 64 * 1024,    // the least that is made ready for more of a half request
    LENT_POLL_MS = 100,             // how soon a borrower notices that the node stops
};

static struct connection *of_watch(struct io_watch *watch)
{
    struct connection *c = (struct connection *)(void *)watch;
    base_magic_check(c, CONNECTION_MAGIC);
    return c;
}

static bool may_work(const struct connection *c)
{
    return !c->closed && !c->lent && c->batch == NULL && c->pending.size == 0 && !c->patient &&
           !connection__replies_full(c);
}

// What to wait for follows from what is owed.
static void watch_update(struct connection *c)
{
    if (c->closed || c->lent) {
        return;
    }
    uint32_t events = c->pending.size > 0 ? EPOLLOUT : may_work(c) ? EPOLLIN | EPOLLRDHUP : 0;
    if (io_loop_change(c->thread->loop, &c->watch, events) != RESULT_OK) {
        connection_close(c);
    }
}

// Sends what the worker has gathered; what the client does not take is kept as pending.
static void flush(struct connection *c)
{
    struct output *out = &c->thread->worker.output;
    size_t sent = 0;
    if (out->size > 0 && !c->closed && c->pending.size == 0) {
        ssize_t count = send(c->watch.fd, out->data, out->size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            sent = (size_t)count;
        } else if (errno != EAGAIN && errno != EINTR) {
            connection_close(c);
        }
    }
    if (!c->closed && sent < out->size &&
        !output_put(&c->pending, out->data + sent, out->size - sent)) {
        connection_close(c);
    }
    out->size = 0;
    output_trim(out, OUTPUT_KEEP_SIZE);
}

static void drain_pending(struct connection *c)
{
    size_t left = c->pending.size - c->pending_sent;
    ssize_t count =
        send(c->watch.fd, c->pending.data + c->pending_sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            connection_close(c);
        }
        return;
    }
    c->pending_sent += (size_t)count;
    c->active_ns = c->thread->worker.wakeup_ns;
    if (c->pending_sent == c->pending.size) {
        output_fini(&c->pending);
        c->pending_sent = 0;
    }
}

// What was answered behind a request that waits for other nodes is held back.
static bool hold(struct connection *c, size_t answer_at)
{
    struct output *out = &c->thread->worker.output;
    return out->size == answer_at || connection__reply_hold(c, out, answer_at);
}

bool connection_await(struct connection *c, struct operation *operation, bool compress)
{
    return connection__reply_add(c, operation, compress);
}

void connection_batch_wake(void *arg)
{
    struct connection *c = arg;
    service_thread_due(c->thread, c);
}

// Works off whole frames at the start of the bytes, the first `frames_seen` of which have been
// looked ahead at; returns how many bytes that took.
static size_t frames_work(struct connection *c, const uint8_t *bytes, size_t size,
                          uint32_t frames_seen)
{
    size_t at = 0;
    while (at < size && may_work(c)) {
        if (frames_seen == 0) {
            struct dispatch_ahead ahead;
            dispatch_look_ahead(c, bytes + at, size - at, &ahead);
            if (ahead.records > 1) {
                dispatch_look_closer(&ahead);
            }
            frames_seen = ahead.frames;
        }
        frames_seen -= frames_seen > 0;
        struct wire_frame frame;
        size_t frame_size;
        enum base_result result = wire_frame_parse(bytes + at, size - at, &frame, &frame_size);
        if (result == RESULT_INCOMPLETE) {
            break;
        }
        size_t answer_at = c->thread->worker.output.size;
        enum dispatch_verdict verdict =
            result == RESULT_OK ? dispatch_frame(c, &frame) : DISPATCH_BROKEN;
        if (verdict == DISPATCH_LATER) {
            c->patient = true;
            break;
        }
        if (verdict == DISPATCH_DONE && connection_awaits(c) && !hold(c, answer_at)) {
            connection_close(c);
            return size;
        }
        if (verdict == DISPATCH_ABANDONED) {
            counters_add(&c->thread->worker.counters->node.early_tsvc_client_error, 1);
            connection_close(c);
            return size;
        }
        if (verdict == DISPATCH_BROKEN) {
            log_warning_once(c->thread->worker.node->log, proto, c->peer,
                             "closing the connection: it sent what is no message of this protocol");
            counters_add(&c->thread->worker.counters->node.demarshal_error, 1);
            flush(c);
            connection_close(c);
            return size;
        }
        at += frame_size;
        if (c->thread->worker.output.size > FLUSH_SIZE) {
            flush(c);
        }
    }
    return at;
}

static size_t input_work(struct connection *c, const uint8_t *bytes, size_t size,
                         uint32_t frames_seen)
{
    return c->kind == CONNECTION_TELNET ? dispatch_lines(c, bytes, size)
                                        : frames_work(c, bytes, size, frames_seen);
}

// Room for the rest of the request at the front of the input, but never more than was received
// already, so that a length alone costs nothing.
static bool input_make_room(struct connection *c)
{
    size_t step = c->input.size > INPUT_STEP_SIZE ? c->input.size : INPUT_STEP_SIZE;
    return c->input.capacity - c->input.size >= INPUT_STEP_SIZE || output_grow(&c->input, step);
}

// After work: what is left to do, and what to wait for.
static void settle(struct connection *c)
{
    if (!c->closed && c->batch != NULL && c->pending.size == 0 && !batch_waits(c->batch)) {
        service_thread_due(c->thread, c);
    }
    watch_update(c);
}

// Reads once; the number of bytes, 0 when there is nothing to work off (or no connection any more).
static size_t receive_into(struct connection *c, uint8_t *at, size_t room)
{
    ssize_t count = recv(c->watch.fd, at, room, MSG_DONTWAIT);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            connection_close(c);
        }
        return 0;
    }
    service_thread_tick(c->thread);
    c->active_ns = c->thread->worker.wakeup_ns;
    return (size_t)count;
}

// Half a request is here already: the rest goes behind it.
static void receive_rest(struct connection *c)
{
    if (!input_make_room(c)) {
        connection_close(c);
        return;
    }
    size_t count =
        receive_into(c, c->input.data + c->input.size, c->input.capacity - c->input.size);
    if (count == 0) {
        return;
    }
    c->input.size += count;
    size_t used = input_work(c, c->input.data, c->input.size, 0);
    if (!c->closed) {
        output_drop(&c->input, used);
        if (c->input.size == 0) {
            output_fini(&c->input);
        }
    }
    flush(c);
    settle(c);
}

static void stage_finish_oldest(struct service_thread *thread)
{
    struct service_stage *stage = &thread->stages[thread->stage_first];
    thread->stage_first = (thread->stage_first + 1) % SERVICE_STAGES;
    thread->stage_count--;
    struct connection *c = stage->connection;
    size_t used = input_work(c, stage->bytes, stage->size, stage->ahead.frames);
    if (!c->closed && used < stage->size &&
        !output_put(&c->input, stage->bytes + used, stage->size - used)) {
        connection_close(c);
    }
    flush(c);
    settle(c);
}

// The stage that was filled `back` receives ago.
static struct service_stage *stage_at(struct service_thread *thread, uint32_t back)
{
    uint32_t place = thread->stage_first + thread->stage_count - 1 - back;
    return &thread->stages[place % SERVICE_STAGES];
}

// Nothing is half here: what comes is staged, and the stages before it move on.
static void receive_fresh(struct connection *c)
{
    struct service_thread *thread = c->thread;
    if (thread->stage_count == SERVICE_STAGES) {
        stage_finish_oldest(thread);
    }
    thread->stage_count++;
    struct service_stage *stage = stage_at(thread, 0);
    stage->size = receive_into(c, stage->bytes, SERVICE_SCRATCH_SIZE);
    if (stage->size == 0) {
        thread->stage_count--;
        return;
    }
    stage->connection = c;
    dispatch_look_ahead(c, stage->bytes, stage->size, &stage->ahead);
    if (thread->stage_count > 1) {
        dispatch_look_closer(&stage_at(thread, 1)->ahead);
    }
}

void connection_stages_finish(struct service_thread *thread)
{
    if (thread->stage_count > 0) {
        struct dispatch_ahead *last = &stage_at(thread, 0)->ahead;
        if (thread->stage_count > 1 || last->records > 1) {
            dispatch_look_closer(last);
        }
    }
    while (thread->stage_count > 0) {
        stage_finish_oldest(thread);
    }
    worker_timings_settle(&thread->worker);
}

// Works off input that has waited for its turn.
static void input_resume(struct connection *c)
{
    if (may_work(c) && c->input.size > 0) {
        size_t used = input_work(c, c->input.data, c->input.size, 0);
        if (!c->closed) {
            output_drop(&c->input, used);
            if (c->input.size == 0) {
                output_fini(&c->input);
            }
            flush(c);
        }
    }
}

void connection_answer(struct connection *c)
{
    struct worker *worker = &c->thread->worker;
    if (!connection__replies_take(c, &worker->output)) {
        worker->output.size = 0;
        connection_close(c);
        return;
    }
    c->patient = c->patient && connection_awaits(c);
    flush(c);
    input_resume(c);
    worker_timings_settle(worker);
    settle(c);
}

void connection_resume(struct connection *c)
{
    struct worker *worker = &c->thread->worker;
    worker_tick(worker);
    if (!c->closed && !c->lent && c->batch != NULL && c->pending.size == 0 &&
        !batch_waits(c->batch)) {
        batch_continue(worker, &c->batch);
        flush(c);
    }
    input_resume(c);
    worker_timings_settle(worker);
    settle(c);
}

static void on_event(struct io_watch *watch, uint32_t events)
{
    struct connection *c = of_watch(watch);
    if (c->closed || c->lent) {
        return;
    }
    c->abandoned |= (events & EPOLLRDHUP) != 0;
    if (events & EPOLLOUT) {
        drain_pending(c);
        if (!c->closed && c->pending.size == 0) {
            connection_resume(c);
        }
    } else if (events & EPOLLIN) {
        if (c->input.size > 0) {
            receive_rest(c);
        } else {
            receive_fresh(c);
        }
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        connection_close(c);
    }
}

enum base_result connection_adopt(struct service_thread *thread, int fd, enum connection_kind kind,
                                  const char *peer)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return RESULT_NO_MEMORY;
    }
    c->magic = CONNECTION_MAGIC;
    c->kind = kind;
    c->thread = thread;
    c->watch = (struct io_watch){.fd = fd, .events = EPOLLIN | EPOLLRDHUP, .on_event = on_event};
    c->active_ns = io_clock_monotonic_ns();
    memcpy(c->peer, peer, strnlen(peer, CONNECTION_PEER_SIZE - 1));
    service_thread_enlist(thread, c);
    // From here on the thread may already be at work on it.
    if (io_loop_add(thread->loop, &c->watch) != RESULT_OK) {
        service_thread_delist(thread, c);
        close(fd);
        free(c);
        return RESULT_IO;
    }
    return RESULT_OK;
}

void connection_close(struct connection *c)
{
    if (c->closed) {
        return;
    }
    base_assert(!c->lent);
    c->closed = true;
    io_loop_remove(c->thread->loop, &c->watch);
    close(c->watch.fd);
    c->watch.fd = -1;
    batch_free(&c->batch);
    connection__replies_drop(c);
    output_fini(&c->input);
    output_fini(&c->pending);
    info_user_agent_leave(c->thread->worker.node->info, c->user_agent);
    counters_add(&c->thread->worker.counters->node.client_connections_closed, 1);
    service_thread_bury(c->thread, c);
}

void connection_lend(struct connection *c)
{
    base_assert(!c->closed && !c->lent && !connection_awaits(c));
    flush(c);
    if (c->closed) {
        return;
    }
    io_loop_remove(c->thread->loop, &c->watch);
    c->lent = true;
}

void connection_return(struct connection *c, bool keep)
{
    service_thread_give_back(c->thread, c, keep);
}

static enum base_result send_all(struct connection *c, const uint8_t *bytes, size_t size,
                                 const _Atomic uint32_t *timeout_ms)
{
    uint64_t moved_ns = io_clock_monotonic_ns();
    while (size > 0) {
        ssize_t count = send(c->watch.fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
            moved_ns = io_clock_monotonic_ns();
            continue;
        }
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            return RESULT_CLOSED;
        }
        if (atomic_load(&c->thread->service->stopping)) {
            return RESULT_CLOSED;
        }
        uint64_t limit_ms = atomic_load_explicit(timeout_ms, memory_order_relaxed);
        if (io_clock_monotonic_ns() - moved_ns > limit_ms * 1000 * 1000) {
            return RESULT_TIMEOUT;
        }
        struct pollfd wait = {.fd = c->watch.fd, .events = POLLOUT};
        poll(&wait, 1, LENT_POLL_MS);
    }
    return RESULT_OK;
}

enum base_result connection_send_lent(struct connection *c, const uint8_t *bytes, size_t size,
                                      const _Atomic uint32_t *timeout_ms)
{
    base_assert(c->lent);
    if (c->pending.size > 0) {
        enum base_result result = send_all(c, c->pending.data + c->pending_sent,
                                           c->pending.size - c->pending_sent, timeout_ms);
        if (result != RESULT_OK) {
            return result;
        }
        output_fini(&c->pending);
        c->pending_sent = 0;
    }
    return send_all(c, bytes, size, timeout_ms);
}
