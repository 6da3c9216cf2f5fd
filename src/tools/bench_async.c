// SPDX-License-Identifier: Apache-2.0
// The event loop kept full: as many commands under way as the plan allows, or as its rate does.
#include <stdlib.h>

#include "tools/bench.h"

enum { NS_PER_MS = 1000 * 1000 };

// One command that may be under way.
struct slot {
    struct async *async;
    struct slot *next_free;
    uint64_t start_ns;
    bool read;
};

struct async {
    struct bench_worker *worker;
    struct ballast_loop *loop;
    struct slot *slots;
    struct slot *free;
    bool ended; // no operation is left to start
};

static void slot_give(struct slot *slot)
{
    slot->next_free = slot->async->free;
    slot->async->free = slot;
}

static void on_done(const struct ballast_error *error, struct ballast_record *record, void *arg)
{
    struct slot *slot = arg;
    ballast_record_free(&record);
    bench_count(slot->async->worker, slot->read, error, slot->start_ns, bench_now_ns());
    slot_give(slot);
}

static void on_batch_done(const struct ballast_error *error, struct ballast_batch *batch, void *arg)
{
    (void)error;
    struct slot *slot = arg;
    bench_count_time(slot->async->worker, slot->read, slot->start_ns, bench_now_ns());
    bench_batch_count(slot->async->worker, batch, slot->read);
    ballast_batch_free(&batch);
    slot_give(slot);
}

static int single_start(struct async *async, struct slot *slot)
{
    struct bench_worker *worker = async->worker;
    const struct bench_plan *plan = worker->run->plan;
    struct bench_op op;
    if (!bench_op_next(worker, &op)) {
        async->ended = true;
        return BALLAST_CANCELLED;
    }
    struct ballast_key key = bench_key(plan, op.key);
    slot->read = op.read;
    int code;
    if (op.read) {
        code = ballast_async_get(async->loop, &plan->policy, &key, on_done, slot);
    } else if (plan->workload == BENCH_DELETE) {
        code = ballast_async_remove(async->loop, &plan->policy, &key, on_done, slot);
    } else {
        bench_object_renew(worker);
        code = ballast_async_put(async->loop, &plan->policy, &key, worker->object.bins,
                                 plan->spec.count, on_done, slot);
    }
    if (code != BALLAST_OK) {
        bench_count_code(worker, op.read, code, false);
    }
    return code;
}

static int batch_start(struct async *async, struct slot *slot)
{
    struct ballast_batch *batch;
    int code = ballast_batch_new(&batch);
    if (code != BALLAST_OK) {
        async->ended = true;
        return code;
    }
    if (bench_batch_fill(async->worker, batch, &slot->read) == 0) {
        async->ended = true;
        code = BALLAST_CANCELLED;
    } else {
        code = ballast_async_batch(async->loop, &async->worker->run->plan->policy, batch,
                                   on_batch_done, slot);
    }
    if (code != BALLAST_OK) {
        ballast_batch_free(&batch);
    }
    return code;
}

// Starts what may be started now. Returns how long to wait for the next turn in milliseconds; -1
// when only an answer can bring it.
static int slots_fill(struct async *async)
{
    struct bench_worker *worker = async->worker;
    while (async->free != NULL && !async->ended) {
        uint64_t now_ns = bench_now_ns(), due_ns = bench_due_ns(worker, now_ns);
        if (due_ns > now_ns) {
            return (int)((due_ns - now_ns) / NS_PER_MS) + 1;
        }
        struct slot *slot = async->free;
        async->free = slot->next_free;
        slot->start_ns = bench_start_ns(worker, now_ns);
        bench_due_advance(worker, now_ns);
        int code = worker->run->plan->batch_size > 1 ? batch_start(async, slot)
                                                     : single_start(async, slot);
        if (code != BALLAST_OK) {
            slot_give(slot);
            if (!async->ended) {
                return 1; // nothing was started: let time pass before the next try
            }
        }
    }
    return -1;
}

void bench_async_work(struct bench_worker *worker)
{
    uint32_t depth = worker->run->plan->depth;
    struct async async = {.worker = worker, .slots = calloc(depth, sizeof *async.slots)};
    if (async.slots == NULL ||
        ballast_loop_new(worker->run->plan->cluster, &async.loop, NULL) != BALLAST_OK) {
        free(async.slots);
        return;
    }
    for (uint32_t i = 0; i < depth; i++) {
        async.slots[i].async = &async;
        slot_give(&async.slots[i]);
    }
    while (!async.ended || ballast_loop_pending(async.loop) > 0) {
        int timeout_ms = slots_fill(&async);
        if (!async.ended || ballast_loop_pending(async.loop) > 0) {
            ballast_loop_run_once(async.loop, timeout_ms);
        }
    }
    ballast_loop_free(&async.loop);
    free(async.slots);
}
