// SPDX-License-Identifier: Apache-2.0
// The query threads and the lists of what they work on. A thread is made when a query finds none
// free, up to service.query_threads_limit, and stays. Past that as many queries wait for a thread;
// more are refused. Threads run at low priority: the kernel lets short operations go first.
#include "server/jobs.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/clock.h"
#include "server/job.h"
#include "server/log.h"
#include "server/request.h"
#include "wire/frame.h"

enum {
    JOBS_MAGIC = 0x4a4f4253,
    THREAD_NICE = 10,
    PATIENCE_ABORTED_MS = 1000, // to take the rest after an abort
    PATIENCE_STOPPING_MS = 100,
};

// A job that has ended, kept for whoever asks.
struct done {
    struct done *next; // older
    struct job_status status;
    uint64_t done_ns;
};

struct query_thread {
    struct jobs *jobs;
    struct worker worker;
    pthread_t pthread;
};

struct jobs {
    uint32_t magic;
    struct node *node;
    struct job_bell bell; // its lock guards all below
    pthread_cond_t work;  // a job waits for a thread, or all stops
    bool stopping;
    struct job *running; // newest first
    struct job *waiting, *waiting_last;
    uint32_t running_count;
    uint32_t waiting_count; // those about to be put into the list too
    uint32_t idle_count;    // threads without a job
    uint32_t thread_count;
    struct query_thread *threads[LIMIT_QUERY_THREADS];
    struct done *done; // newest first
    uint32_t done_count;
};

static void done_trim(struct jobs *jobs, uint32_t max)
{
    struct done **at = &jobs->done;
    for (uint32_t i = 0; i < max && *at != NULL; i++) {
        at = &(*at)->next;
    }
    while (*at != NULL) {
        struct done *gone = *at;
        *at = gone->next;
        free(gone);
        jobs->done_count--;
    }
}

static uint32_t done_max(const struct jobs *jobs)
{
    uint32_t max =
        atomic_load_explicit(&jobs->node->config->service.query_max_done, memory_order_relaxed);
    return max < LIMIT_QUERY_DONE_JOBS ? max : LIMIT_QUERY_DONE_JOBS;
}

static void end_log(const struct job *job, enum base_result result)
{
    struct log *log = job->query.ns->node->log;
    const char *name = job->query.ns->name;
    if (result == RESULT_CLIENT_TIMEOUT) {
        log_warning_once(log, query, job->connection->peer,
                         "{%s} ending a query: the client takes no answers", name);
    }
    if (job->query.kind == QUERY_BACKGROUND) {
        log_info(log, query,
                 "{%s} background operation %llu from %s: %s, %llu changed, %llu failed", name,
                 (unsigned long long)job->query.task_id, job->from, job_end_status(result),
                 (unsigned long long)atomic_load(&job->records_succeeded),
                 (unsigned long long)atomic_load(&job->records_failed));
    } else {
        log_debug(log, query, "{%s} query %llu from %s: %s, %llu records", name,
                  (unsigned long long)job->query.task_id, job->from, job_end_status(result),
                  (unsigned long long)atomic_load(&job->records_succeeded));
    }
}

// Takes a job out of the list of running ones; under the lock.
static void running_remove(struct jobs *jobs, struct job *job)
{
    *(job->previous != NULL ? &job->previous->next : &jobs->running) = job->next;
    if (job->next != NULL) {
        job->next->previous = job->previous;
    }
    jobs->running_count--;
}

static void job_end(struct jobs *jobs, struct worker *worker, struct job *job,
                    enum base_result result)
{
    bool keep = job_end_keeps_connection(result);
    if (atomic_load_explicit(&job->aborted, memory_order_relaxed)) {
        result = RESULT_QUERY_ABORTED; // whatever else came of that
    }
    struct counters_namespace *c = &worker->counters->ns[job->query.ns->number];
    uint64_t now_ns = io_clock_monotonic_ns();
    job_end_count(c, job->query.kind, result);
    counters_time(&c->hist_pi_query, now_ns - job->begin_ns, 1);
    end_log(job, result);

    struct done *done = NULL;
    if (job->query.kind != QUERY_SHORT) {
        done = malloc(sizeof *done); // without memory it is forgotten sooner
    }
    pthread_mutex_lock(&jobs->bell.lock);
    running_remove(jobs, job);
    if (done != NULL) {
        job->running = false;
        if (result == RESULT_OK) {
            atomic_store(&job->partitions_done, job->query.partition_count);
        }
        job_status_fill(job, job_end_status(result), &done->status);
        done->done_ns = now_ns;
        done->next = jobs->done;
        jobs->done = done;
        jobs->done_count++;
        done_trim(jobs, done_max(jobs));
    }
    pthread_mutex_unlock(&jobs->bell.lock);
    if (job->connection != NULL) {
        connection_return(job->connection, keep);
    }
    job_free(job);
}

// --- threads ---

// Lets other threads go first: a lower share of a busy core, and no claim to it on waking up. That
// this may be refused changes nothing but speed.
static void priority_lower(void)
{
    struct sched_param param = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &param);
    (void)!nice(THREAD_NICE); // on Linux, of this thread alone
}

static struct job *job_take(struct jobs *jobs)
{
    jobs->idle_count++;
    while (!jobs->stopping && jobs->waiting == NULL) {
        pthread_cond_wait(&jobs->work, &jobs->bell.lock);
    }
    jobs->idle_count--;
    if (jobs->stopping) {
        return NULL;
    }
    struct job *job = jobs->waiting;
    jobs->waiting = job->next;
    if (jobs->waiting == NULL) {
        jobs->waiting_last = NULL;
    }
    jobs->waiting_count--;
    job->running = true;
    job->previous = NULL;
    job->next = jobs->running;
    if (job->next != NULL) {
        job->next->previous = job;
    }
    jobs->running = job;
    jobs->running_count++;
    return job;
}

static void *thread_main(void *arg)
{
    struct query_thread *thread = arg;
    struct jobs *jobs = thread->jobs;
    priority_lower();
    for (;;) {
        pthread_mutex_lock(&jobs->bell.lock);
        struct job *job = job_take(jobs);
        pthread_mutex_unlock(&jobs->bell.lock);
        if (job == NULL) {
            return NULL;
        }
        base_magic_check(job, JOB_MAGIC);
        worker_tick(&thread->worker);
        enum base_result result = job->query.kind == QUERY_BACKGROUND
                                      ? query_ops_run(job, &thread->worker)
                                      : query_scan_run(job, &thread->worker);
        job_end(jobs, &thread->worker, job, result);
    }
}

// Starts one more thread; under the lock.
static enum base_result thread_add(struct jobs *jobs)
{
    struct query_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        return RESULT_NO_MEMORY;
    }
    thread->jobs = jobs;
    enum base_result result = worker_init(&thread->worker, jobs->node);
    if (result == RESULT_OK && pthread_create(&thread->pthread, NULL, thread_main, thread) != 0) {
        worker_fini(&thread->worker);
        result = RESULT_LIMIT;
    }
    if (result != RESULT_OK) {
        free(thread);
        return result;
    }
    jobs->threads[jobs->thread_count++] = thread;
    return RESULT_OK;
}

static uint32_t thread_max(const struct jobs *jobs)
{
    uint32_t max = atomic_load_explicit(&jobs->node->config->service.query_threads_limit,
                                        memory_order_relaxed);
    return max < LIMIT_QUERY_THREADS ? max : LIMIT_QUERY_THREADS;
}

// Makes room for one more job, with a thread for it if there may be one more.
static enum base_result place_reserve(struct jobs *jobs)
{
    enum base_result result = RESULT_OK;
    pthread_mutex_lock(&jobs->bell.lock);
    uint32_t max = thread_max(jobs);
    if (jobs->stopping) {
        result = RESULT_QUERY_ABORTED;
    } else if (jobs->running_count + jobs->waiting_count >= 2 * max) {
        result = RESULT_QUERY_QUEUE_FULL;
        log_warning_once(jobs->node->log, query, "query-threads-limit",
                         "refusing queries: as many wait as run already");
    } else if (jobs->waiting_count >= jobs->idle_count && jobs->thread_count < max) {
        result = thread_add(jobs);
        if (result != RESULT_OK && jobs->thread_count > 0) {
            result = RESULT_OK; // it waits for one of the threads there are
        }
    }
    jobs->waiting_count += result == RESULT_OK;
    pthread_mutex_unlock(&jobs->bell.lock);
    return result;
}

static void place_give_up(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->bell.lock);
    jobs->waiting_count--;
    pthread_mutex_unlock(&jobs->bell.lock);
}

// Puts the job into the reserved place. False when all stopped meanwhile.
static bool place_take(struct jobs *jobs, struct job *job)
{
    pthread_mutex_lock(&jobs->bell.lock);
    bool ok = !jobs->stopping;
    if (ok) {
        *(jobs->waiting_last != NULL ? &jobs->waiting_last->next : &jobs->waiting) = job;
        jobs->waiting_last = job;
        pthread_cond_signal(&jobs->work);
    } else {
        jobs->waiting_count--;
    }
    pthread_mutex_unlock(&jobs->bell.lock);
    return ok;
}

// --- beginning ---

// Answers with one last record.
static void answer_last(struct worker *worker, enum base_result result)
{
    size_t size = WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE;
    uint8_t *at = output_reserve(&worker->output, size);
    if (at == NULL) {
        return;
    }
    struct wire_message_header header = {.info3 = WIRE_INFO3_LAST,
                                         .result_code = request_wire_code(result)};
    wire_frame_header_store(at, WIRE_FRAME_MESSAGE, WIRE_MESSAGE_HEADER_SIZE);
    wire_message_header_store(at + WIRE_FRAME_HEADER_SIZE, &header);
    worker->output.size += size;
}

static void answer_now(struct worker *worker, const struct query *query, enum base_result result)
{
    if (query->ns == NULL) {
        counters_add(&worker->counters->node.early_tsvc_client_error, 1);
    } else {
        job_end_count(&worker->counters->ns[query->ns->number], query->kind, result);
    }
    answer_last(worker, result);
}

void jobs_begin(struct jobs *jobs, struct worker *worker, struct connection *connection,
                const struct wire_message *message)
{
    base_magic_check(jobs, JOBS_MAGIC);
    struct query query;
    enum base_result result = query_parse(jobs->node, message, &query);
    if (result != RESULT_OK) {
        answer_now(worker, &query, result == RESULT_QUERY_END ? RESULT_OK : result);
        return;
    }
    struct job *job = job_new(&jobs->bell, &query, connection, worker->wakeup_ns);
    if (job == NULL) {
        query_fini(&query);
        answer_now(worker, &query, RESULT_NO_MEMORY);
        return;
    }
    result = place_reserve(jobs);
    if (result != RESULT_OK) {
        answer_now(worker, &job->query, result);
        job_free(job);
        return;
    }
    if (job->query.kind == QUERY_BACKGROUND) {
        answer_last(worker, RESULT_OK);
    } else {
        connection_lend(connection);
        if (connection->closed) {
            place_give_up(jobs);
            job_free(job);
            return;
        }
    }
    if (!place_take(jobs, job)) {
        if (job->connection != NULL) {
            connection_return(connection, false);
        }
        job_free(job);
    }
}

// --- listing and aborting ---

static bool is_listed(const struct job *job)
{
    return job->query.kind != QUERY_SHORT;
}

// Calls `each` for all listed jobs that have not ended, running ones first, until it returns false.
// Under the lock.
static void active_visit(struct jobs *jobs, bool (*each)(struct job *job, void *arg), void *arg)
{
    struct job *lists[] = {jobs->running, jobs->waiting};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (struct job *job = lists[i]; job != NULL; job = job->next) {
            if (is_listed(job) && !each(job, arg)) {
                return;
            }
        }
    }
}

static void done_fill(const struct done *done, uint64_t now_ns, struct job_status *out)
{
    *out = done->status;
    out->time_since_done_ms = (now_ns - done->done_ns) / 1000000;
}

struct listing {
    struct job_status *out;
    uint32_t count, max;
};

static bool list_one(struct job *job, void *arg)
{
    struct listing *listing = arg;
    if (listing->count < listing->max) {
        job_status_fill(job, "active(ok)", &listing->out[listing->count++]);
    }
    return listing->count < listing->max;
}

uint32_t jobs_list(struct jobs *jobs, struct job_status *out, uint32_t max)
{
    struct listing listing = {.out = out, .max = max};
    uint64_t now_ns = io_clock_monotonic_ns();
    pthread_mutex_lock(&jobs->bell.lock);
    done_trim(jobs, done_max(jobs));
    active_visit(jobs, list_one, &listing);
    for (struct done *done = jobs->done; done != NULL && listing.count < max; done = done->next) {
        done_fill(done, now_ns, &out[listing.count++]);
    }
    pthread_mutex_unlock(&jobs->bell.lock);
    return listing.count;
}

struct search {
    uint64_t id;
    struct job *found;
};

static bool match_one(struct job *job, void *arg)
{
    struct search *search = arg;
    search->found = job->query.task_id == search->id ? job : NULL;
    return search->found == NULL;
}

enum base_result jobs_find(struct jobs *jobs, uint64_t id, struct job_status *out)
{
    enum base_result result = RESULT_RECORD_NOT_FOUND;
    struct search search = {.id = id};
    uint64_t now_ns = io_clock_monotonic_ns();
    pthread_mutex_lock(&jobs->bell.lock);
    active_visit(jobs, match_one, &search);
    if (search.found != NULL) {
        job_status_fill(search.found, "active(ok)", out);
        result = RESULT_OK;
    }
    for (struct done *done = jobs->done; done != NULL && result != RESULT_OK; done = done->next) {
        if (done->status.id == id) {
            done_fill(done, now_ns, out);
            result = RESULT_OK;
        }
    }
    pthread_mutex_unlock(&jobs->bell.lock);
    return result;
}

// Asks a job to stop; under the lock.
static void job_stop(struct job *job, uint32_t patience_ms)
{
    atomic_store_explicit(&job->aborted, true, memory_order_relaxed);
    if (atomic_load_explicit(&job->patience_ms, memory_order_relaxed) > patience_ms) {
        atomic_store_explicit(&job->patience_ms, patience_ms, memory_order_relaxed);
    }
}

struct abortion {
    uint64_t id;
    bool all;
    uint32_t count;
};

static bool abort_one(struct job *job, void *arg)
{
    struct abortion *abortion = arg;
    if (abortion->all || job->query.task_id == abortion->id) {
        job_stop(job, PATIENCE_ABORTED_MS);
        abortion->count++;
    }
    return true;
}

static uint32_t abort_those(struct jobs *jobs, struct abortion abortion)
{
    pthread_mutex_lock(&jobs->bell.lock);
    active_visit(jobs, abort_one, &abortion);
    pthread_cond_broadcast(&jobs->bell.rung);
    pthread_mutex_unlock(&jobs->bell.lock);
    return abortion.count;
}

enum base_result jobs_abort(struct jobs *jobs, uint64_t id)
{
    return abort_those(jobs, (struct abortion){.id = id}) > 0 ? RESULT_OK : RESULT_RECORD_NOT_FOUND;
}

uint32_t jobs_abort_all(struct jobs *jobs)
{
    return abort_those(jobs, (struct abortion){.all = true});
}

static bool count_one(struct job *job, void *arg)
{
    (void)job;
    ++*(uint32_t *)arg;
    return true;
}

uint32_t jobs_active_count(struct jobs *jobs)
{
    uint32_t count = 0;
    pthread_mutex_lock(&jobs->bell.lock);
    active_visit(jobs, count_one, &count);
    pthread_mutex_unlock(&jobs->bell.lock);
    return count;
}

// --- start and stop ---

enum base_result jobs_new(struct node *node, struct jobs **out)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    *out = jobs;
    if (jobs == NULL) {
        return RESULT_NO_MEMORY;
    }
    jobs->magic = JOBS_MAGIC;
    jobs->node = node;
    pthread_mutex_init(&jobs->bell.lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->work, &attributes);
    pthread_cond_init(&jobs->bell.rung, &attributes);
    pthread_condattr_destroy(&attributes);
    return RESULT_OK;
}

void jobs_stop(struct jobs *jobs)
{
    base_magic_check(jobs, JOBS_MAGIC);
    pthread_mutex_lock(&jobs->bell.lock);
    jobs->stopping = true;
    for (struct job *job = jobs->running; job != NULL; job = job->next) {
        job_stop(job, PATIENCE_STOPPING_MS);
    }
    struct job *waiting = jobs->waiting;
    jobs->waiting = jobs->waiting_last = NULL;
    pthread_cond_broadcast(&jobs->work);
    pthread_cond_broadcast(&jobs->bell.rung);
    uint32_t thread_count = jobs->thread_count;
    pthread_mutex_unlock(&jobs->bell.lock);

    while (waiting != NULL) {
        struct job *job = waiting;
        waiting = job->next;
        if (job->connection != NULL) {
            connection_return(job->connection, false);
        }
        job_free(job);
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        pthread_join(jobs->threads[i]->pthread, NULL);
        worker_fini(&jobs->threads[i]->worker);
        free(jobs->threads[i]);
    }
    jobs->thread_count = 0;
}

void jobs_free(struct jobs **out)
{
    struct jobs *jobs = *out;
    if (jobs == NULL) {
        return;
    }
    *out = NULL;
    base_magic_check(jobs, JOBS_MAGIC);
    base_assert(jobs->thread_count == 0);
    done_trim(jobs, 0);
    pthread_cond_destroy(&jobs->bell.rung);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->bell.lock);
    jobs->magic = 0;
    free(jobs);
}
