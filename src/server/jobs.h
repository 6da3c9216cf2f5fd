// SPDX-License-Identifier: Apache-2.0
// Queries over a whole set or namespace: foreground scans that stream records, and background
// operations that change them. They run on query threads of their own, in bounded slices, so that
// no short operation waits for them; each is a job that operators can list and abort.
#pragma once

#include "server/connection.h"
#include "server/worker.h"
#include "wire/message.h"

struct jobs;

// What `query-show` tells of one job (wire-protocol section 7.9).
struct job_status {
    uint64_t id; // the client's task id
    char namespace_name[LIMIT_NAMESPACE_NAME_SIZE + 1];
    char set_name[LIMIT_SET_NAME_SIZE + 1];
    char type[24];   // "basic", "background-ops"
    char status[40]; // "active(ok)", "done(ok)", "done(user-aborted)", ...
    char from[CONNECTION_PEER_SIZE];
    double progress_pct;
    uint64_t run_time_ms;
    uint64_t time_since_done_ms;
    uint64_t records_succeeded;
    uint64_t records_failed;
    uint64_t records_throttled;
    uint64_t net_io_bytes;
    uint32_t records_per_second; // the limit asked for; 0: none
    uint32_t active_threads;
    uint32_t socket_timeout_ms;
};

BASE_MUST_USE enum base_result jobs_new(struct node *node, struct jobs **out);

// Aborts what runs, ends the threads and gives every borrowed connection back.
void jobs_stop(struct jobs *jobs);
void jobs_free(struct jobs **jobs);

// Takes on a query: a message without digest or batch field. A foreground query copies what it
// needs of the message, borrows the connection and answers from a query thread. A background query
// is accepted with one LAST record in worker->output, and so is every refusal.
void jobs_begin(struct jobs *jobs, struct worker *worker, struct connection *connection,
                const struct wire_message *message);

// Copies the status of jobs, running ones first, then finished ones, newest first; returns how many
// of at most `max` were written.
uint32_t jobs_list(struct jobs *jobs, struct job_status *out, uint32_t max);

// The job of that task id; RESULT_RECORD_NOT_FOUND when none is known.
BASE_MUST_USE enum base_result jobs_find(struct jobs *jobs, uint64_t id, struct job_status *out);

// Asks a running job to stop; RESULT_RECORD_NOT_FOUND when it does not run.
BASE_MUST_USE enum base_result jobs_abort(struct jobs *jobs, uint64_t id);

// Asks all to stop; returns how many ran.
uint32_t jobs_abort_all(struct jobs *jobs);

uint32_t jobs_active_count(struct jobs *jobs);
