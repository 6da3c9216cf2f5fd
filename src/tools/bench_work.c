// SPDX-License-Identifier: Apache-2.0
// What all ways of working share: choosing operations, holding the rate, counting; and the simplest
// way, one call after the other.
#include <errno.h>
#include <time.h>

#include "tools/bench.h"

enum { NS_PER_S = 1000000000, TIMER_SLACK_NS = 2 * 1000 * 1000 };

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool bench_op_next(struct bench_worker *worker, struct bench_op *out)
{
    const struct bench_plan *plan = worker->run->plan;
    if (atomic_load_explicit(&worker->run->stop, memory_order_relaxed)) {
        return false;
    }
    if (plan->workload == BENCH_MIXED) {
        out->read = bench_random_below(&worker->random, 100) < plan->read_pct;
        out->key = bench_keys_draw(&plan->keys, &worker->random);
        return true;
    }
    out->read = false;
    uint64_t offset = atomic_fetch_add_explicit(&worker->run->next_key, 1, memory_order_relaxed);
    out->key = plan->keys.start + offset;
    return offset < plan->keys.count;
}

struct ballast_key bench_key(const struct bench_plan *plan, uint64_t key)
{
    return plan->digests == NULL
               ? ballast_key_integer(plan->ns, plan->set, (int64_t)key)
               : ballast_key_digest(plan->ns, plan->set, plan->digests[key - plan->keys.start]);
}

uint64_t bench_due_ns(const struct bench_worker *worker, uint64_t now_ns)
{
    return worker->run->plan->operations_per_s == 0 ? now_ns : worker->due_ns;
}

uint64_t bench_start_ns(const struct bench_worker *worker, uint64_t now_ns)
{
    uint64_t due_ns = bench_due_ns(worker, now_ns);
    return due_ns != 0 && due_ns + TIMER_SLACK_NS < now_ns ? due_ns : now_ns;
}

void bench_due_advance(struct bench_worker *worker, uint64_t now_ns)
{
    double rate = worker->run->plan->operations_per_s;
    if (rate > 0) {
        uint64_t base_ns = worker->due_ns == 0 ? now_ns : worker->due_ns;
        worker->due_ns = base_ns + (uint64_t)(NS_PER_S / rate);
    }
}

static void plus(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + count, memory_order_relaxed);
}

void bench_count_time(struct bench_worker *worker, bool read, uint64_t start_ns, uint64_t end_ns)
{
    bench_histogram_add(read ? &worker->counts.reads : &worker->counts.writes,
                        end_ns > start_ns ? end_ns - start_ns : 0, 1);
}

void bench_count_code(struct bench_worker *worker, bool read, int code, bool in_doubt)
{
    if (code == BALLAST_OK || code == BALLAST_RECORD_NOT_FOUND) {
        plus(read ? &worker->counts.records_read : &worker->counts.records_written, 1);
    }
    if (code != BALLAST_OK) {
        plus(&worker->counts.codes[code >= 0 && code < BENCH_CODES ? code : BALLAST_SERVER], 1);
        plus(&worker->counts.in_doubt, in_doubt);
    }
}

void bench_count(struct bench_worker *worker, bool read, const struct ballast_error *error,
                 uint64_t start_ns, uint64_t end_ns)
{
    bench_count_code(worker, read, error->code, error->in_doubt);
    if (error->code == BALLAST_OK || error->code == BALLAST_RECORD_NOT_FOUND) {
        bench_count_time(worker, read, start_ns, end_ns);
    }
}

void bench_object_renew(struct bench_worker *worker)
{
    if (worker->run->plan->random_values) {
        bench_object_fill(&worker->object, &worker->random);
    }
}

// Adds one row of the plan's kind.
static int batch_add(struct bench_worker *worker, struct ballast_batch *batch,
                     const struct bench_op *op)
{
    const struct bench_plan *plan = worker->run->plan;
    struct ballast_key key = bench_key(plan, op->key);
    if (op->read) {
        return ballast_batch_read(batch, &plan->policy, &key, NULL, 0);
    }
    if (plan->workload == BENCH_DELETE) {
        return ballast_batch_remove(batch, &plan->policy, &key);
    }
    bench_object_renew(worker);
    struct ballast_op ops[BENCH_BINS_MAX];
    for (uint32_t i = 0; i < plan->spec.count; i++) {
        ops[i] = (struct ballast_op){.type = BALLAST_OP_WRITE,
                                     .bin = worker->object.bins[i].name,
                                     .value = worker->object.bins[i].value};
    }
    return ballast_batch_write(batch, &plan->policy, &key, ops, plan->spec.count);
}

uint32_t bench_batch_fill(struct bench_worker *worker, struct ballast_batch *batch, bool *read)
{
    const struct bench_plan *plan = worker->run->plan;
    struct bench_op op;
    uint32_t rows = 0;
    *read = false;
    while (rows < plan->batch_size && bench_op_next(worker, &op)) {
        if (rows == 0) {
            *read = op.read; // one kind for the whole batch
        }
        op.read = *read;
        if (batch_add(worker, batch, &op) != BALLAST_OK) {
            break;
        }
        rows++;
    }
    return rows;
}

void bench_batch_count(struct bench_worker *worker, const struct ballast_batch *batch, bool read)
{
    for (size_t i = 0; i < ballast_batch_size(batch); i++) {
        struct ballast_error error;
        int code = ballast_batch_result(batch, i, NULL, &error);
        bench_count_code(worker, read, code, error.in_doubt);
    }
}

// ---- one call after the other -------------------------------------------------------------------

// Waits for the operation's turn and returns when it counts as started.
static uint64_t turn_await(struct bench_worker *worker)
{
    uint64_t now_ns = bench_now_ns(), due_ns = bench_due_ns(worker, now_ns);
    if (due_ns > now_ns) {
        struct timespec due = {.tv_sec = (time_t)(due_ns / NS_PER_S),
                               .tv_nsec = (long)(due_ns % NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
        }
        now_ns = bench_now_ns();
    }
    uint64_t start_ns = bench_start_ns(worker, now_ns);
    bench_due_advance(worker, now_ns);
    return start_ns;
}

static void single_work(struct bench_worker *worker)
{
    const struct bench_plan *plan = worker->run->plan;
    struct bench_op op;
    while (bench_op_next(worker, &op)) {
        uint64_t start_ns = turn_await(worker);
        struct ballast_key key = bench_key(plan, op.key);
        struct ballast_error error;
        if (op.read) {
            struct ballast_record *record;
            ballast_get(plan->cluster, &plan->policy, &key, &record, &error);
            ballast_record_free(&record);
        } else if (plan->workload == BENCH_DELETE) {
            ballast_remove(plan->cluster, &plan->policy, &key, &error);
        } else {
            bench_object_renew(worker);
            ballast_put(plan->cluster, &plan->policy, &key, worker->object.bins, plan->spec.count,
                        &error);
        }
        bench_count(worker, op.read, &error, start_ns, bench_now_ns());
    }
}

static void batch_work(struct bench_worker *worker)
{
    const struct bench_plan *plan = worker->run->plan;
    for (;;) {
        struct ballast_batch *batch;
        bool read;
        if (ballast_batch_new(&batch) != BALLAST_OK) {
            return;
        }
        bool more = bench_batch_fill(worker, batch, &read) > 0;
        if (more) {
            uint64_t start_ns = turn_await(worker);
            ballast_batch_run(plan->cluster, &plan->policy, batch, NULL);
            bench_count_time(worker, read, start_ns, bench_now_ns());
            bench_batch_count(worker, batch, read);
        }
        ballast_batch_free(&batch);
        if (!more) {
            return;
        }
    }
}

void bench_sync_work(struct bench_worker *worker)
{
    if (worker->run->plan->batch_size > 1) {
        batch_work(worker);
    } else {
        single_work(worker);
    }
}
