// SPDX-License-Identifier: Apache-2.0
// Running a batch in rounds: split the open rows by node, ask all nodes at the same time, take in
// the rows, and go round again for those that found no node or the wrong one. The same rounds serve
// the calling thread and the event loop.
#include <stdlib.h>

#include "base/digest.h"
#include "client/batch.h"
#include "client/cluster.h"
#include "client/loop.h"
#include "client/record.h"
#include "client/tend.h"
#include "io/clock.h"

enum {
    NS_PER_MS = 1000 * 1000,
    ROUND_SLEEP_FIRST_MS = 10,
    ROUND_SLEEP_MAX_MS = 250,
};

// One node's share of a round.
struct share {
    struct client_command command;
    struct batch_run *run;
    uint16_t node;
    uint8_t *frame;
};

struct batch_run {
    struct ballast_cluster *cluster;
    struct ballast_batch *batch;
    struct ballast_policy policy;
    uint64_t deadline_ns;
    uint32_t round;
    bool pausing;   // the commands of this round are one pause
    bool pause_due; // the next round is one

    struct share *shares; // of this round
    size_t share_count;

    // In an event loop.
    struct ballast_loop *loop;
    size_t running;
    ballast_batch_done_fn fn;
    void *arg;
};

// ---- answers ------------------------------------------------------------------------------------

static enum base_result row_take(struct share *share, const struct wire_message *message)
{
    struct ballast_batch *batch = share->run->batch;
    uint32_t index = message->header.transaction_ttl;
    if (index >= batch->row_count || batch->rows[index].done ||
        batch->rows[index].node != share->node || batch->rows[index].heard) {
        return RESULT_MALFORMED;
    }
    struct client_batch_row *row = &batch->rows[index];
    row->heard = true;
    row->result = (enum base_result)message->header.result_code;
    return row->result == RESULT_OK ? client__record_new(message, &row->record) : RESULT_OK;
}

static bool on_frame(struct client_command *command, const struct wire_frame *frame)
{
    struct share *share = command->arg;
    command->result = frame->type == WIRE_FRAME_MESSAGE ? RESULT_OK : RESULT_MALFORMED;
    const uint8_t *at = frame->body, *end = at + frame->body_size;
    while (at < end && command->result == RESULT_OK) {
        struct wire_message message;
        size_t size;
        command->result = wire_message_parse(at, (size_t)(end - at), &message, &size);
        if (command->result != RESULT_OK) {
            break;
        }
        if ((message.header.info3 & WIRE_INFO3_LAST) != 0) {
            command->result = (enum base_result)message.header.result_code;
            return true;
        }
        command->result = row_take(share, &message);
        at += size;
    }
    return command->result != RESULT_OK;
}

// ---- rounds -------------------------------------------------------------------------------------

static void row_end(struct client_batch_row *row, enum base_result result, bool answered)
{
    row->done = true;
    row->answered = answered;
    row->result = result;
    row->in_doubt = row->write && result != RESULT_OK &&
                    (row->doubt || result == RESULT_TIMEOUT || result == RESULT_MALFORMED);
}

static void row_route(struct batch_run *run, struct client_batch_row *row)
{
    row->node = CLIENT_NO_NODE;
    row->heard = false;
    const struct client_partitions *partitions =
        client__map_find(&run->cluster->map, (const char *)row->key.ns.data);
    if (partitions == NULL) {
        client__tend_request(run->cluster);
        row_end(row, RESULT_NAMESPACE_NOT_FOUND, false);
        return;
    }
    bool any = !row->write && run->policy.replica == BALLAST_REPLICA_SEQUENCE;
    uint32_t number;
    if (client__map_owner(partitions, base_digest_partition(row->key.digest.bytes),
                          any ? run->round : 0, &number)) {
        row->node = (uint16_t)number;
    }
}

static struct share *share_find(struct batch_run *run, uint16_t node)
{
    for (size_t i = 0; i < run->share_count; i++) {
        if (run->shares[i].node == node) {
            return &run->shares[i];
        }
    }
    return NULL;
}

static void shares_free(struct batch_run *run)
{
    for (size_t i = 0; i < run->share_count; i++) {
        client__command_fini(&run->shares[i].command);
        free(run->shares[i].frame);
    }
    free(run->shares);
    run->shares = NULL;
    run->share_count = 0;
}

static enum base_result share_init(struct batch_run *run, struct share *share, uint16_t node)
{
    struct client_command *command = &share->command;
    client__command_init(command, run->cluster, &run->policy, io_clock_monotonic_ns());
    command->retries_max = 0; // rounds do that
    command->deadline_ns = run->deadline_ns;
    command->node = run->cluster->nodes[node];
    command->on_frame = on_frame;
    command->arg = share;
    share->run = run;
    share->node = node;
    enum base_result result = client__batch_frame(run->batch, node, &run->policy, &share->frame,
                                                  &command->request_size, &command->write);
    command->request = share->frame;
    return result;
}

static void pause_begin(struct batch_run *run)
{
    uint64_t sleep_ms = run->policy.retry_sleep_ms;
    if (sleep_ms == 0) {
        sleep_ms = (uint64_t)ROUND_SLEEP_FIRST_MS << (run->round & 7);
        sleep_ms = sleep_ms > ROUND_SLEEP_MAX_MS ? ROUND_SLEEP_MAX_MS : sleep_ms;
    }
    uint64_t wake_ns = io_clock_monotonic_ns() + sleep_ms * NS_PER_MS;
    client__command_init_pause(&run->shares[0].command,
                               wake_ns < run->deadline_ns ? wake_ns : run->deadline_ns);
    run->shares[0].run = run;
    run->share_count = 1;
    run->pausing = true;
    run->pause_due = false;
}

// Ends all open rows.
static void rows_end(struct batch_run *run, enum base_result result)
{
    for (size_t i = 0; i < run->batch->row_count; i++) {
        if (!run->batch->rows[i].done) {
            row_end(&run->batch->rows[i], result, false);
        }
    }
}

// Makes the commands of the next round, or its pause. False when nothing is left to do.
static bool round_begin(struct batch_run *run)
{
    run->pausing = false;
    bool open = false;
    for (size_t i = 0; i < run->batch->row_count; i++) {
        struct client_batch_row *row = &run->batch->rows[i];
        if (!row->done && !run->pause_due) {
            row_route(run, row);
        }
        open |= !row->done;
    }
    if (!open) {
        return false;
    }
    uint32_t slots = atomic_load(&run->cluster->node_count);
    run->shares = calloc(slots + 1, sizeof *run->shares);
    if (run->shares == NULL) {
        rows_end(run, RESULT_NO_MEMORY);
        return false;
    }
    if (run->pause_due) {
        pause_begin(run);
        return true;
    }
    for (size_t i = 0; i < run->batch->row_count; i++) {
        struct client_batch_row *row = &run->batch->rows[i];
        if (row->done || row->node == CLIENT_NO_NODE || share_find(run, row->node) != NULL) {
            continue;
        }
        enum base_result result = share_init(run, &run->shares[run->share_count++], row->node);
        if (result != RESULT_OK) {
            shares_free(run);
            rows_end(run, result);
            return false;
        }
    }
    return true;
}

static bool may_try_again(const struct client_batch_row *row, enum base_result result)
{
    switch (result) {
    case RESULT_PARTITION_UNAVAILABLE:
    case RESULT_DEVICE_OVERLOAD:
    case RESULT_NO_NODE:
    case RESULT_IO:
    case RESULT_CLOSED:
    case RESULT_CLIENT_TIMEOUT:
        return true;
    case RESULT_TIMEOUT:
        return !row->write;
    default:
        return false;
    }
}

// What a row's share of the round means for it.
static enum base_result row_outcome(struct client_batch_row *row, const struct share *share)
{
    if (row->heard) {
        return row->result;
    }
    if (share == NULL) {
        return RESULT_NO_NODE;
    }
    row->doubt |= row->write && share->command.doubt;
    // A stream that ended well without this row has left it out.
    return share->command.result == RESULT_OK ? RESULT_MALFORMED : share->command.result;
}

// Takes in what the round has brought.
static void round_end(struct batch_run *run)
{
    bool last =
        run->round >= run->policy.retries_max || io_clock_monotonic_ns() >= run->deadline_ns;
    for (size_t i = 0; i < run->batch->row_count && !run->pausing; i++) {
        struct client_batch_row *row = &run->batch->rows[i];
        if (row->done) {
            continue;
        }
        const struct share *share = row->node == CLIENT_NO_NODE ? NULL : share_find(run, row->node);
        enum base_result result = row_outcome(row, share);
        bool again = may_try_again(row, result) && (!row->doubt || run->policy.retry_in_doubt);
        if (last || !again) {
            row_end(row, result, row->heard);
        } else {
            run->pause_due = true;
        }
    }
    if (run->pausing && run->shares[0].command.result != RESULT_OK) {
        rows_end(run, run->shares[0].command.result); // the loop is closing
    }
    if (run->pause_due) {
        client__tend_request(run->cluster);
    }
    run->round += !run->pausing;
    shares_free(run);
}

// ---- from outside -------------------------------------------------------------------------------

static void run_init(struct batch_run *run, struct ballast_cluster *cluster,
                     const struct ballast_policy *policy, struct ballast_batch *batch)
{
    *run = (struct batch_run){.cluster = cluster, .batch = batch, .deadline_ns = UINT64_MAX};
    if (policy != NULL) {
        run->policy = *policy;
    } else {
        ballast_policy_init(&run->policy);
    }
    if (run->policy.total_timeout_ms > 0) {
        run->deadline_ns =
            io_clock_monotonic_ns() + (uint64_t)run->policy.total_timeout_ms * NS_PER_MS;
    }
    batch->running = true;
}

static int run_outcome(const struct ballast_batch *batch, struct ballast_error *error)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        if (!batch->rows[i].answered) {
            return client__error_set(error, batch->rows[i].result, batch->rows[i].in_doubt);
        }
    }
    return client__error_set(error, RESULT_OK, false);
}

int ballast_batch_run(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                      struct ballast_batch *batch, struct ballast_error *error)
{
    base_magic_check(batch, CLIENT_BATCH_MAGIC);
    base_assert(!batch->running);
    struct batch_run run;
    run_init(&run, cluster, policy, batch);
    while (round_begin(&run)) {
        struct client_command *commands[LIMIT_CLIENT_NODES];
        for (size_t i = 0; i < run.share_count; i++) {
            commands[i] = &run.shares[i].command;
        }
        client__commands_run(commands, run.share_count);
        round_end(&run);
    }
    batch->running = false;
    return run_outcome(batch, error);
}

static void on_share_done(struct client_command *command);

static void round_start(struct batch_run *run)
{
    run->running = run->share_count;
    size_t count = run->share_count;
    for (size_t i = 0; i < count; i++) {
        run->shares[i].command.on_done = on_share_done;
        run->shares[i].command.arg = &run->shares[i];
        client__loop_start(run->loop, &run->shares[i].command);
    }
}

// Goes on until there is something to wait for.
static void run_advance(struct batch_run *run)
{
    while (round_begin(run)) {
        if (run->share_count > 0) {
            round_start(run);
            return;
        }
        round_end(run); // no row has found a node
    }
    struct ballast_error error;
    run->batch->running = false;
    run_outcome(run->batch, &error);
    client__loop_request_end(run->loop);
    run->fn(&error, run->batch, run->arg);
    free(run);
}

static void on_share_done(struct client_command *command)
{
    struct share *share = command->arg;
    struct batch_run *run = share->run;
    if (--run->running == 0) {
        round_end(run);
        run_advance(run);
    }
}

int ballast_async_batch(struct ballast_loop *loop, const struct ballast_policy *policy,
                        struct ballast_batch *batch, ballast_batch_done_fn fn, void *arg)
{
    base_magic_check(batch, CLIENT_BATCH_MAGIC);
    base_assert(!batch->running);
    if (client__loop_is_closing(loop)) {
        return (int)RESULT_CANCELLED;
    }
    struct batch_run *run = malloc(sizeof *run);
    if (run == NULL) {
        return (int)RESULT_NO_MEMORY;
    }
    run_init(run, client__loop_cluster(loop), policy, batch);
    run->loop = loop;
    run->fn = fn;
    run->arg = arg;
    if (!round_begin(run) || run->share_count == 0) {
        // Nothing to wait for, but `fn` is not called from here: a pause of no time brings us back.
        shares_free(run);
        run->shares = calloc(1, sizeof *run->shares);
        if (run->shares == NULL) {
            batch->running = false;
            free(run);
            return (int)RESULT_NO_MEMORY;
        }
        run->share_count = 1;
        run->shares[0].run = run;
        run->pausing = true;
        client__command_init_pause(&run->shares[0].command, 0);
    }
    client__loop_request_begin(loop);
    round_start(run);
    return (int)RESULT_OK;
}
