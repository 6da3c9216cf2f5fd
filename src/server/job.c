// SPDX-License-Identifier: Apache-2.0
// What a query thread asks of its job between slices, and what is told of a job.
#include "server/job.h"

#include <poll.h>
#include <stdlib.h>

#include "io/clock.h"

enum {
    LOOK_INTERVAL_NS = 100 * 1000 * 1000, // how often a client is looked after
    WAIT_STEP_NS = 50 * 1000 * 1000,      // how long a wait may overlook something
    PATIENCE_DEFAULT_MS = 10 * 60 * 1000, // for clients that set no limit
};

// How jobs end: what is listed, counted, and done with the connection.
static const struct ending {
    enum base_result result;
    enum base_result answer; // in the last record
    const char *status;
    bool keep; // the connection serves on
} endings[] = {
    {RESULT_OK, RESULT_OK, "done(ok)", true},
    {RESULT_QUERY_ABORTED, RESULT_QUERY_ABORTED, "done(user-aborted)", true},
    {RESULT_TIMEOUT, RESULT_TIMEOUT, "done(abandoned-response-timeout)", true},
    {RESULT_CLIENT_TIMEOUT, RESULT_TIMEOUT, "done(abandoned-response-timeout)", false},
    {RESULT_CLOSED, RESULT_SERVER, "done(abandoned-response-error)", false},
    {RESULT_RECORD_TOO_BIG, RESULT_RECORD_TOO_BIG, "done(abandoned-unknown)", true},
    {RESULT_NO_MEMORY, RESULT_SERVER_FULL, "done(abandoned-unknown)", true},
};

static const struct ending *ending_of(enum base_result result)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (endings[i].result == result) {
            return &endings[i];
        }
    }
    base_assert(!"a job ended in a way that has no row");
    return NULL;
}

enum base_result job_answer_code(enum base_result result)
{
    return ending_of(result)->answer;
}

const char *job_end_status(enum base_result result)
{
    return ending_of(result)->status;
}

bool job_end_keeps_connection(enum base_result result)
{
    return ending_of(result)->keep;
}

static bool client_is_gone(const struct job *job)
{
    struct pollfd look = {.fd = job->connection->watch.fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0;
}

enum base_result job_check(struct job *job, uint64_t now_ns)
{
    if (atomic_load_explicit(&job->aborted, memory_order_relaxed)) {
        return RESULT_QUERY_ABORTED;
    }
    if (job->deadline_ns != 0 && now_ns >= job->deadline_ns) {
        return RESULT_TIMEOUT;
    }
    if (job->connection != NULL && now_ns - job->looked_ns > LOOK_INTERVAL_NS) {
        job->looked_ns = now_ns;
        if (client_is_gone(job)) {
            return RESULT_CLOSED;
        }
    }
    return RESULT_OK;
}

// Sleeps until the time given, or until somebody asks a job to stop.
static void sleep_until(struct job *job, uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / 1000000000),
                          .tv_nsec = (long)(at_ns % 1000000000)};
    pthread_mutex_lock(&job->bell->lock);
    if (!atomic_load_explicit(&job->aborted, memory_order_relaxed)) {
        pthread_cond_timedwait(&job->bell->rung, &job->bell->lock, &at);
    }
    pthread_mutex_unlock(&job->bell->lock);
}

enum base_result job_wait(struct job *job, uint64_t wait_ns)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    uint64_t until_ns = now_ns + wait_ns;
    enum base_result result = job_check(job, now_ns);
    while (result == RESULT_OK && now_ns < until_ns) {
        uint64_t left_ns = until_ns - now_ns;
        sleep_until(job, now_ns + (left_ns < WAIT_STEP_NS ? left_ns : WAIT_STEP_NS));
        now_ns = io_clock_monotonic_ns();
        result = job_check(job, now_ns);
    }
    return result;
}

enum base_result job_send(struct job *job, const uint8_t *bytes, size_t size)
{
    enum base_result result = connection_send_lent(job->connection, bytes, size, &job->patience_ms);
    if (result == RESULT_OK) {
        atomic_fetch_add_explicit(&job->net_io_bytes, size, memory_order_relaxed);
    }
    return result == RESULT_TIMEOUT ? RESULT_CLIENT_TIMEOUT : result;
}

void job_free(struct job *job)
{
    query_fini(&job->query);
    job->magic = 0;
    free(job);
}

// "address:port" as query-show can carry it, where a colon ends an item.
static void from_copy(char *out, const char *peer)
{
    size_t i = 0;
    for (; i < CONNECTION_PEER_SIZE - 1 && peer[i] != '\0'; i++) {
        out[i] = peer[i] == ':' ? '+' : peer[i];
    }
    out[i] = '\0';
}

struct job *job_new(struct job_bell *bell, const struct query *query, struct connection *connection,
                    uint64_t now_ns)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->magic = JOB_MAGIC;
    job->bell = bell;
    job->query = *query;
    job->begin_ns = job->looked_ns = now_ns;
    from_copy(job->from, connection->peer);
    atomic_init(&job->rate, query->records_per_second);
    uint32_t patience_ms = query->socket_timeout_ms;
    if (query->kind != QUERY_BACKGROUND) {
        job->connection = connection;
        if (query->total_timeout_ms != 0) {
            job->deadline_ns = now_ns + (uint64_t)query->total_timeout_ms * 1000 * 1000;
            if (patience_ms == 0 || patience_ms > query->total_timeout_ms) {
                patience_ms = query->total_timeout_ms;
            }
        }
    }
    atomic_init(&job->patience_ms, patience_ms != 0 ? patience_ms : PATIENCE_DEFAULT_MS);
    return job;
}

void job_status_fill(const struct job *job, const char *status, struct job_status *out)
{
    const struct query *query = &job->query;
    uint32_t done = atomic_load_explicit(&job->partitions_done, memory_order_relaxed);
    *out = (struct job_status){
        .id = query->task_id,
        .progress_pct = query->partition_count > 0 ? 100.0 * done / query->partition_count : 100,
        .run_time_ms = (io_clock_monotonic_ns() - job->begin_ns) / 1000000,
        .records_succeeded = atomic_load_explicit(&job->records_succeeded, memory_order_relaxed),
        .records_failed = atomic_load_explicit(&job->records_failed, memory_order_relaxed),
        .records_throttled = atomic_load_explicit(&job->records_throttled, memory_order_relaxed),
        .net_io_bytes = atomic_load_explicit(&job->net_io_bytes, memory_order_relaxed),
        .records_per_second = atomic_load_explicit(&job->rate, memory_order_relaxed),
        .active_threads = job->running ? 1 : 0,
        .socket_timeout_ms = query->socket_timeout_ms,
    };
    memcpy(out->namespace_name, query->ns->name, strlen(query->ns->name));
    memcpy(out->set_name, query->set_name, query->set_name_size);
    memcpy(out->from, job->from, sizeof out->from);
    strcpy(out->type, query->kind == QUERY_BACKGROUND ? "background-ops" : "basic");
    memcpy(out->status, status, strlen(status));
}

void job_end_count(struct counters_namespace *c, enum query_kind kind, enum base_result result)
{
    bool aborted = result == RESULT_QUERY_ABORTED;
    bool ok = result == RESULT_OK;
    _Atomic uint64_t *counter = NULL;
    switch (kind) {
    case QUERY_SHORT:
        counter = ok ? &c->pi_query_short_basic_complete
                  : result == RESULT_TIMEOUT || result == RESULT_CLIENT_TIMEOUT
                      ? &c->pi_query_short_basic_timeout
                      : &c->pi_query_short_basic_error;
        break;
    case QUERY_LONG:
        counter = ok        ? &c->pi_query_long_basic_complete
                  : aborted ? &c->pi_query_long_basic_abort
                            : &c->pi_query_long_basic_error;
        break;
    case QUERY_BACKGROUND:
        counter = ok        ? &c->pi_query_ops_bg_complete
                  : aborted ? &c->pi_query_ops_bg_abort
                            : &c->pi_query_ops_bg_error;
        break;
    }
    counters_add(counter, 1);
}
