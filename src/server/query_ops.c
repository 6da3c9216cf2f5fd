// SPDX-License-Identifier: Apache-2.0
// A background operation: digests are collected slice by slice, then each record takes the same way
// as a client's write would. Nothing is held between two records.
#include <sched.h>

#include "io/clock.h"
#include "server/job.h"
#include "server/pace.h"
#include "server/request.h"

enum { SLICE_RECORDS = 64 };

struct ops_run {
    struct job *job;
    const struct query *query;
    struct worker *worker;
    struct pace pace;
    struct wire_message_header header; // of each record's request
    struct wire_fields fields;
    uint32_t budget; // records that this slice may still take
    uint32_t count;
    uint8_t digests[SLICE_RECORDS][LIMIT_DIGEST_SIZE];
};

static enum store_visit collect(const struct store_record *record, void *arg)
{
    struct ops_run *run = arg;
    if (run->count == run->budget) {
        return STORE_VISIT_STOP;
    }
    if (query_wants_set(run->query, record->set_name) &&
        !store_record_is_dead(run->query->ns->store, record, worker_now_s(run->worker))) {
        memcpy(run->digests[run->count++], record->digest, LIMIT_DIGEST_SIZE);
    }
    return STORE_VISIT_KEEP;
}

// The client's limit, and the namespace's, which may change while we run.
static uint32_t rate_now(const struct query *query)
{
    uint32_t rate_max =
        atomic_load_explicit(&query->ns->config->background_query_max_rps, memory_order_relaxed);
    uint32_t asked = query->records_per_second;
    return asked != 0 && (rate_max == 0 || asked < rate_max) ? asked : rate_max;
}

static enum base_result pace_wait(struct ops_run *run, uint32_t *available)
{
    enum base_result result = RESULT_OK;
    bool waited = false;
    while (result == RESULT_OK) {
        uint64_t now_ns = io_clock_monotonic_ns();
        uint32_t rate = rate_now(run->query);
        pace_rate_set(&run->pace, rate, now_ns);
        atomic_store_explicit(&run->job->rate, rate, memory_order_relaxed);
        *available = pace_available(&run->pace, now_ns);
        if (*available > 0) {
            break;
        }
        result = job_wait(run->job, pace_wait_ns(&run->pace));
        waited = true;
    }
    if (waited) {
        uint32_t slice = *available < SLICE_RECORDS ? *available : SLICE_RECORDS;
        atomic_fetch_add_explicit(&run->job->records_throttled, slice, memory_order_relaxed);
    }
    return result;
}

static void record_work(struct ops_run *run, const uint8_t *digest)
{
    struct worker *worker = run->worker;
    struct request request = {
        .worker = worker,
        .origin = REQUEST_QUERY_OP,
        .header = &run->header,
        .fields = &run->fields,
        .ops = run->query->ops,
        .digest = digest,
    };
    worker->output.size = 0; // nobody reads the answer
    if (!request_run(&request)) {
        request.result = RESULT_NO_MEMORY;
    }
    // A record that went away meanwhile is neither a success nor a failure.
    if (request.result == RESULT_OK) {
        atomic_fetch_add_explicit(&run->job->records_succeeded, 1, memory_order_relaxed);
    } else if (request.result != RESULT_RECORD_NOT_FOUND) {
        atomic_fetch_add_explicit(&run->job->records_failed, 1, memory_order_relaxed);
    }
}

// Works off one partition.
static enum base_result partition_work(struct ops_run *run, struct store_scan *at)
{
    bool end = false;
    while (!end) {
        uint32_t available;
        enum base_result result = pace_wait(run, &available);
        if (result != RESULT_OK) {
            return result;
        }
        worker_tick(run->worker);
        run->count = 0;
        run->budget = available < SLICE_RECORDS ? available : SLICE_RECORDS;
        end = store_scan_step(run->query->ns->store, at, SLICE_RECORDS, collect, run);
        for (uint32_t i = 0; i < run->count; i++) {
            record_work(run, run->digests[i]);
        }
        pace_take(&run->pace, run->count);
        result = job_check(run->job, run->worker->wakeup_ns);
        if (result != RESULT_OK) {
            return result;
        }
        sched_yield();
    }
    return RESULT_OK;
}

// The policy of each record's write. The walk must never bring a record back that was removed after
// its digest was collected, so what would create only updates.
static struct wire_message_header record_header(const struct wire_message_header *asked)
{
    struct wire_message_header header = *asked;
    header.info3 &= (uint8_t)~WIRE_INFO3_CREATE_OR_REPLACE;
    header.info3 |= asked->info3 & WIRE_INFO3_CREATE_OR_REPLACE ? WIRE_INFO3_REPLACE_ONLY
                                                                : WIRE_INFO3_UPDATE_ONLY;
    return header;
}

enum base_result query_ops_run(struct job *job, struct worker *worker)
{
    const struct query *query = &job->query;
    struct ops_run run = {
        .job = job,
        .query = query,
        .worker = worker,
        .header = record_header(&query->header),
        .fields.present = 1ull << WIRE_FIELD_NAMESPACE,
    };
    const char *name = query->ns->name;
    run.fields.field[WIRE_FIELD_NAMESPACE] =
        (struct base_slice){(const uint8_t *)name, strlen(name)};
    pace_init(&run.pace, rate_now(query), io_clock_monotonic_ns());

    struct query_walk walk = {0};
    struct store_scan at;
    enum base_result result = RESULT_OK;
    bool empty = query_set_is_empty(query);
    while (!empty && result == RESULT_OK && query_walk_next(query, &walk, &at)) {
        result = partition_work(&run, &at);
        if (result == RESULT_OK) {
            atomic_store_explicit(&job->partitions_done, walk.done_count, memory_order_relaxed);
        }
    }
    worker->output.size = 0;
    output_trim(&worker->output, 0);
    return result;
}
