// SPDX-License-Identifier: Apache-2.0
// One query while it lives: what jobs.c lists and aborts, and what the query thread works on. The
// list owns it until a query thread takes it up, then that thread does; what both look at is
// atomic.
#pragma once

#include "server/jobs.h"
#include "server/query.h"
#include "server/worker.h"

enum { JOB_MAGIC = 0x4a4f4231 };

// What jobs that wait listen to.
struct job_bell {
    pthread_mutex_t lock;
    pthread_cond_t rung; // a job was asked to stop; measures time by CLOCK_MONOTONIC
};

struct job {
    uint32_t magic;
    struct job_bell *bell;
    struct job *next, *previous; // in one of the lists of jobs, under its lock
    bool running;                // a thread has taken it up; under the lock of jobs
    struct query query;
    struct connection *connection; // borrowed; NULL: a background operation
    char from[CONNECTION_PEER_SIZE];
    uint64_t begin_ns;
    uint64_t deadline_ns;         // 0: none
    uint64_t looked_ns;           // when the client was last looked after
    _Atomic bool aborted;         // somebody asked it to stop
    _Atomic uint32_t patience_ms; // how long the client may leave its answers unread
    _Atomic uint32_t rate;        // records a second in effect; 0: no limit
    _Atomic uint32_t partitions_done;
    _Atomic uint64_t records_succeeded;
    _Atomic uint64_t records_failed;
    _Atomic uint64_t records_throttled;
    _Atomic uint64_t net_io_bytes;
};

// Takes the query over; NULL when memory ran out. `connection` is borrowed only by a foreground
// query.
struct job *job_new(struct job_bell *bell, const struct query *query, struct connection *connection,
                    uint64_t now_ns);
void job_free(struct job *job);

// Whether to go on, asked between slices: RESULT_OK, RESULT_QUERY_ABORTED, RESULT_TIMEOUT (its time
// is over), RESULT_CLOSED (the client is gone).
BASE_MUST_USE enum base_result job_check(struct job *job, uint64_t now_ns);

// Waits, at most wait_ns, but no longer than something to be noticed may need. Returns as
// job_check.
BASE_MUST_USE enum base_result job_wait(struct job *job, uint64_t wait_ns);

// Sends bytes to the client: RESULT_OK, RESULT_CLOSED, or RESULT_CLIENT_TIMEOUT when the client did
// not read for too long.
BASE_MUST_USE enum base_result job_send(struct job *job, const uint8_t *bytes, size_t size);

// The code that ends the answer of a job that ended with `result`.
enum base_result job_answer_code(enum base_result result);

// How a job that ended so is listed, and whether its connection serves on.
const char *job_end_status(enum base_result result);
bool job_end_keeps_connection(enum base_result result);

// Tells of the job as it stands, with the status given.
void job_status_fill(const struct job *job, const char *status, struct job_status *out);

// Counts how a query of that kind ended; `c` is in a block of the calling thread.
void job_end_count(struct counters_namespace *c, enum query_kind kind, enum base_result result);

// The two kinds of work; query_scan.c and query_ops.c. Both return how it ended: RESULT_OK, what
// job_check or job_send said, or RESULT_NO_MEMORY. The scan has sent the last record of its answer
// unless it returns RESULT_CLOSED or RESULT_CLIENT_TIMEOUT.
BASE_MUST_USE enum base_result query_scan_run(struct job *job, struct worker *worker);
BASE_MUST_USE enum base_result query_ops_run(struct job *job, struct worker *worker);
