// SPDX-License-Identifier: Apache-2.0
// Raw connections with many requests in flight on each: the load that costs the client the least
// and shows the server's own speed.
#include <poll.h>
#include <stdlib.h>

#include "client/pipeline.h"
#include "tools/bench.h"

enum { NS_PER_MS = 1000 * 1000, NODES_MAX = 256, STOP_LOOK_MS = 100 };

// A tag holds when the operation started and whether it reads.
static uint64_t tag_make(uint64_t start_ns, bool read)
{
    return start_ns << 1 | read;
}

struct lines {
    struct bench_worker *worker;
    uint32_t count;
    struct client_pipeline **lines; // a lost one is NULL
    struct pollfd *polls;
    uint64_t answered_ns; // of the answers that are being taken in
    uint32_t alive;
    uint32_t in_flight;
    struct bench_op op; // waits for a line that has room
    bool op_waits;
    bool ended;
};

static void on_answer(int code, uint64_t tag, void *arg)
{
    struct lines *lines = arg;
    struct ballast_error error = {.code = code};
    bench_count(lines->worker, tag & 1, &error, tag >> 1, lines->answered_ns);
    lines->in_flight--;
}

static bool lines_open(struct lines *lines)
{
    const struct bench_plan *plan = lines->worker->run->plan;
    struct ballast_node_info *nodes = calloc(NODES_MAX, sizeof *nodes);
    if (nodes == NULL) {
        return false;
    }
    size_t node_count = ballast_nodes(plan->cluster, nodes, NODES_MAX);
    for (uint32_t i = 0; i < lines->count && node_count > 0; i++) {
        // Threads begin with different nodes, so that all nodes get their lines.
        size_t node = (i + (size_t)lines->worker->number * lines->count) % node_count;
        enum base_result result = client_pipeline_new(plan->cluster, nodes[node].name, plan->depth,
                                                      1000, on_answer, lines, &lines->lines[i]);
        lines->polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (result == RESULT_OK) {
            lines->polls[i].fd = client_pipeline_fd(lines->lines[i]);
            lines->alive++;
        } else {
            bench_count_code(lines->worker, false, (int)result, false);
        }
    }
    free(nodes);
    return lines->alive > 0;
}

static void line_lose(struct lines *lines, uint32_t i, enum base_result result)
{
    const struct bench_plan *plan = lines->worker->run->plan;
    uint32_t lost = plan->depth - client_pipeline_room(lines->lines[i]);
    while (lost-- > 0) {
        bench_count_code(lines->worker, false, (int)result, true);
        lines->in_flight--;
    }
    client_pipeline_free(&lines->lines[i]);
    lines->polls[i].fd = -1;
    lines->alive--;
}

// Finds a line for a digest, the preferred one if it will do.
static struct client_pipeline *line_find(struct lines *lines, uint32_t preferred,
                                         const uint8_t *digest)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        struct client_pipeline *line = lines->lines[(preferred + i) % lines->count];
        if (line != NULL && client_pipeline_room(line) > 0 &&
            client_pipeline_holds(line, lines->worker->run->plan->ns, digest)) {
            return line;
        }
    }
    return NULL;
}

static enum base_result op_append(struct bench_worker *worker, struct client_pipeline *line,
                                  const struct bench_op *op, const struct ballast_key *key,
                                  uint64_t tag)
{
    const struct bench_plan *plan = worker->run->plan;
    if (op->read) {
        return client_pipeline_get(line, &plan->policy, key, tag);
    }
    if (plan->workload == BENCH_DELETE) {
        return client_pipeline_remove(line, &plan->policy, key, tag);
    }
    bench_object_renew(worker);
    return client_pipeline_put(line, &plan->policy, key, worker->object.bins, plan->spec.count,
                               tag);
}

// Puts operations onto lines, beginning with the preferred one, until that is full or no operation
// can go on. Returns how long until the next turn, in milliseconds; -1 when only answers bring it.
static int lines_fill(struct lines *lines, uint32_t preferred, uint64_t now_ns)
{
    struct bench_worker *worker = lines->worker;
    const struct bench_plan *plan = worker->run->plan;
    while (lines->lines[preferred] != NULL && client_pipeline_room(lines->lines[preferred]) > 0) {
        uint64_t due_ns = bench_due_ns(worker, now_ns);
        if (due_ns > now_ns) {
            return (int)((due_ns - now_ns) / NS_PER_MS) + 1;
        }
        if (!lines->op_waits && !bench_op_next(worker, &lines->op)) {
            lines->ended = true;
            return -1;
        }
        struct ballast_key key = bench_key(plan, lines->op.key);
        uint8_t digest[BALLAST_DIGEST_SIZE];
        struct client_pipeline *line = NULL;
        if (ballast_digest(&key, digest) == BALLAST_OK) {
            line = line_find(lines, preferred, digest);
        }
        lines->op_waits = line == NULL;
        if (lines->op_waits) {
            return -1;
        }
        key = ballast_key_digest(plan->ns, plan->set, digest);
        uint64_t start_ns = bench_start_ns(worker, now_ns);
        bench_due_advance(worker, now_ns);
        enum base_result result =
            op_append(worker, line, &lines->op, &key, tag_make(start_ns, lines->op.read));
        if (result != RESULT_OK) {
            bench_count_code(worker, lines->op.read, (int)result, false);
            return -1;
        }
        lines->in_flight++;
    }
    return -1;
}

// Waits until a line is ready, or for so long; -1: until one is.
static void lines_wait(struct lines *lines, int timeout_ms)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        if (lines->lines[i] != NULL) {
            bool write = client_pipeline_wants_write(lines->lines[i]);
            lines->polls[i].events = (short)(POLLIN | (write ? POLLOUT : 0));
        }
    }
    // A stop is noticed though no answer comes.
    bool look_again = timeout_ms < 0 || timeout_ms > STOP_LOOK_MS;
    poll(lines->polls, lines->count, look_again ? STOP_LOOK_MS : timeout_ms);
}

static void lines_serve(struct lines *lines, int *timeout_ms)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        if (lines->lines[i] == NULL) {
            continue;
        }
        enum base_result result = RESULT_OK;
        if (lines->polls[i].revents != 0) {
            lines->answered_ns = bench_now_ns();
            result = client_pipeline_receive(lines->lines[i]);
            lines->polls[i].revents = 0;
        }
        if (result == RESULT_OK && !lines->ended) {
            int wait_ms = lines_fill(lines, i, bench_now_ns());
            *timeout_ms = wait_ms >= 0 ? wait_ms : *timeout_ms;
        }
        if (result == RESULT_OK) {
            result = client_pipeline_flush(lines->lines[i]);
        }
        if (result != RESULT_OK) {
            line_lose(lines, i, result);
        }
    }
}

void bench_pipeline_work(struct bench_worker *worker)
{
    uint32_t count = worker->run->plan->connections;
    struct lines lines = {.worker = worker,
                          .count = count,
                          .lines = calloc(count, sizeof *lines.lines),
                          .polls = calloc(count, sizeof *lines.polls)};
    if (lines.lines != NULL && lines.polls != NULL && lines_open(&lines)) {
        do {
            int timeout_ms = -1;
            lines_serve(&lines, &timeout_ms);
            if (lines.in_flight > 0 || !lines.ended) {
                lines_wait(&lines, timeout_ms);
            }
            lines.ended |= atomic_load(&worker->run->stop);
            if (lines.op_waits && lines.in_flight == 0) {
                // All lines have room, so none of them leads to the record's node.
                bench_count_code(worker, lines.op.read, BALLAST_NO_NODE, false);
                lines.op_waits = false;
            }
        } while (lines.alive > 0 && (lines.in_flight > 0 || !lines.ended));
    }
    for (uint32_t i = 0; i < count && lines.lines != NULL; i++) {
        client_pipeline_free(&lines.lines[i]);
    }
    free(lines.lines);
    free(lines.polls);
}
