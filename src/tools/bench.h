// SPDX-License-Identifier: Apache-2.0
// A run of the benchmark: a plan that never changes while it runs, workers that carry it out, each
// in a thread of its own, and numbers that the reporter reads while they work.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ballast/ballast.h"
#include "tools/bench_histogram.h"
#include "tools/bench_keys.h"
#include "tools/bench_object.h"

enum bench_workload { BENCH_INSERT, BENCH_MIXED, BENCH_DELETE };
enum bench_mode { BENCH_SYNC, BENCH_ASYNC, BENCH_PIPELINE };

enum {
    BENCH_CODES = 512, // results are counted by code below it
    BENCH_THREADS_MAX = 1024,
};

struct bench_plan {
    struct ballast_cluster *cluster;
    const char *ns, *set, *bin;
    struct bench_spec spec;
    bool random_values; // new ones for each write
    struct bench_keys keys;
    enum bench_workload workload;
    uint32_t read_pct; // of a mixed workload
    uint32_t batch_size;
    struct ballast_policy policy;
    uint32_t threads;
    enum bench_mode mode;
    uint32_t depth;          // async: commands of one thread; pipeline: of one connection
    uint32_t connections;    // pipeline: of one thread
    double operations_per_s; // of one thread; 0: as fast as it goes
    const uint8_t (*digests)[BALLAST_DIGEST_SIZE]; // of all keys, or NULL
};

// What all workers share and the reporter watches.
struct bench_run {
    const struct bench_plan *plan;
    _Atomic uint64_t next_key; // insert and delete: offset of the next one
    _Atomic bool stop;
    _Atomic uint32_t active; // workers that still work
    int done_fd;             // an eventfd, written by the last worker
};

// Numbers of one worker: written by it alone.
struct bench_counts {
    struct bench_histogram reads, writes;
    _Atomic uint64_t records_read, records_written; // done or not found
    _Atomic uint64_t codes[BENCH_CODES];            // of records that did not end with OK
    _Atomic uint64_t in_doubt;
};

struct bench_worker {
    struct bench_run *run;
    uint32_t number;
    pthread_t thread;
    struct bench_random random;
    struct bench_object object;
    uint64_t due_ns; // when the next operation should start, if the rate is held down
    struct bench_counts counts;
};

struct bench_op {
    bool read;
    uint64_t key;
};

// The next operation; false when there is none any more.
bool bench_op_next(struct bench_worker *worker, struct bench_op *out);

// The key of an operation; *digest_key saves hashing when digests are prepared.
struct ballast_key bench_key(const struct bench_plan *plan, uint64_t key);

// When the next operation should start; at once when no rate is set.
uint64_t bench_due_ns(const struct bench_worker *worker, uint64_t now_ns);

// When an operation that starts now counts as started: what it waited for its turn is latency, but
// for the little by which a timer wakes late.
uint64_t bench_start_ns(const struct bench_worker *worker, uint64_t now_ns);
void bench_due_advance(struct bench_worker *worker, uint64_t now_ns);

// Counts the end of a record's operation: as done when it was done or told "not found", else as an
// error.
void bench_count_code(struct bench_worker *worker, bool read, int code, bool in_doubt);

// Counts the time of an operation, or of a batch of them.
void bench_count_time(struct bench_worker *worker, bool read, uint64_t start_ns, uint64_t end_ns);

// Both, for an operation on one record; only what was done has a time.
void bench_count(struct bench_worker *worker, bool read, const struct ballast_error *error,
                 uint64_t start_ns, uint64_t end_ns);

// New values for the next write, when the plan wants them.
void bench_object_renew(struct bench_worker *worker);

// Fills a batch with rows; *read says of which kind. Returns how many rows.
uint32_t bench_batch_fill(struct bench_worker *worker, struct ballast_batch *batch, bool *read);
void bench_batch_count(struct bench_worker *worker, const struct ballast_batch *batch, bool read);

uint64_t bench_now_ns(void);

// The work of one thread, by mode. Each returns when no operation is left.
void bench_sync_work(struct bench_worker *worker);
void bench_async_work(struct bench_worker *worker);
void bench_pipeline_work(struct bench_worker *worker);

// ---- reporting ----------------------------------------------------------------------------------

// All workers' numbers at one time.
struct bench_snapshot {
    uint64_t at_ns;
    struct bench_totals reads, writes;
    uint64_t records_read, records_written;
    uint64_t codes[BENCH_CODES];
    uint64_t in_doubt;
};

void bench_snapshot_take(struct bench_snapshot *out, const struct bench_worker *workers,
                         uint32_t count);

// A line about what happened between two snapshots.
void bench_progress_print(FILE *out, const struct bench_snapshot *now,
                          const struct bench_snapshot *before, uint64_t start_ns, bool detailed);

void bench_summary_print(FILE *out, const struct bench_plan *plan, const struct bench_snapshot *end,
                         uint64_t start_ns);
void bench_summary_json(FILE *out, const struct bench_plan *plan, const struct bench_snapshot *end,
                        uint64_t start_ns);

// Records whose operation failed: neither done nor told "not found".
uint64_t bench_snapshot_errors(const struct bench_snapshot *snapshot);

const char *bench_workload_name(enum bench_workload workload);
const char *bench_mode_name(enum bench_mode mode);
