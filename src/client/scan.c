// SPDX-License-Identifier: Apache-2.0
// A scan in rounds (wire-protocol section 7): each round asks every node for the open partitions it
// holds, each behind the last digest that was delivered. All that a scan knows of its progress is
// here; nodes keep nothing between rounds.
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "client/arena.h"
#include "client/cluster.h"
#include "client/command.h"
#include "client/key.h"
#include "client/record.h"
#include "client/request.h"
#include "client/tend.h"
#include "io/clock.h"

enum {
    SCAN_MAGIC = 0x5343414e,
    SOCKET_TIMEOUT_DEFAULT_MS = 30000,
    NS_PER_MS = 1000 * 1000,
    ROUND_SLEEP_FIRST_MS = 10,
    ROUND_SLEEP_MAX_MS = 250,
    NO_NODE = UINT16_MAX,
};

struct partition {
    bool done;
    bool begun;       // `after` is set
    bool unavailable; // the node asked in this round does not serve it
    uint16_t node;    // asked in this round
    uint16_t tries;   // rounds in which it was not served
    struct base_digest after;
};

struct ballast_scan {
    uint32_t magic;
    struct client_arena arena;
    char ns[LIMIT_NAMESPACE_NAME_SIZE + 1];
    char set[LIMIT_SET_NAME_SIZE + 1];
    struct client_request request; // names of bins
    bool no_bins;
    uint64_t max_records;
    uint32_t records_per_second;
    struct partition partitions[LIMIT_PARTITIONS];
};

// One node's share of a round.
struct share {
    struct client_command command;
    struct scan_run *run;
    uint16_t node;
    uint8_t *frame;
    uint64_t quota; // records it may send; 0: no limit
    uint64_t received;
    uint32_t from_start_count, resumed_count; // partitions
};

struct scan_run {
    struct ballast_cluster *cluster;
    struct ballast_scan *scan;
    struct ballast_policy policy;
    uint64_t deadline_ns;
    uint64_t left; // records to deliver; UINT64_MAX: no limit
    bool stopped;  // by the callee
    ballast_scan_fn fn;
    void *arg;
    struct share *shares;
    size_t share_count;
    enum base_result failure; // of the last share that failed
};

void ballast_scan_options_init(struct ballast_scan_options *options)
{
    *options = (struct ballast_scan_options){.ns = "test"};
}

// ---- making a scan ------------------------------------------------------------------------------

static enum base_result names_copy(struct ballast_scan *scan,
                                   const struct ballast_scan_options *options)
{
    scan->request = (struct client_request){
        .kind = CLIENT_REQUEST_GET, .names = options->names, .count = options->name_count};
    enum base_result result = client__request_check(&scan->request);
    const char **names =
        client__arena_take(&scan->arena, options->name_count * sizeof options->names[0]);
    if (result != RESULT_OK || names == NULL) {
        return result != RESULT_OK ? result : RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < options->name_count; i++) {
        struct base_slice name = {.data = (const uint8_t *)options->names[i],
                                  .size = strlen(options->names[i])};
        names[i] = (const char *)client__arena_copy(&scan->arena, name);
        if (names[i] == NULL) {
            return RESULT_NO_MEMORY;
        }
    }
    scan->request.names = names;
    return RESULT_OK;
}

static enum base_result partitions_choose(struct ballast_scan *scan,
                                          const struct ballast_scan_options *options)
{
    uint32_t first = options->partition_first, count = options->partition_count;
    if (options->after_digest != NULL) {
        first = base_digest_partition(options->after_digest);
        count = 1;
        scan->partitions[first].begun = true;
        memcpy(scan->partitions[first].after.bytes, options->after_digest, LIMIT_DIGEST_SIZE);
    }
    if (first >= LIMIT_PARTITIONS || count > LIMIT_PARTITIONS - first) {
        return RESULT_PARAMETER;
    }
    count = count == 0 ? LIMIT_PARTITIONS - first : count;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        scan->partitions[p].done = p < first || p >= first + count;
    }
    return RESULT_OK;
}

int ballast_scan_new(const struct ballast_scan_options *options, struct ballast_scan **out)
{
    *out = NULL;
    const char *set = options->set == NULL ? "" : options->set;
    if (options->ns == NULL || options->ns[0] == '\0' ||
        strlen(options->ns) > LIMIT_NAMESPACE_NAME_SIZE || strlen(set) > LIMIT_SET_NAME_SIZE) {
        return (int)RESULT_PARAMETER;
    }
    struct ballast_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return (int)RESULT_NO_MEMORY;
    }
    scan->magic = SCAN_MAGIC;
    memcpy(scan->ns, options->ns, strlen(options->ns));
    memcpy(scan->set, set, strlen(set));
    scan->no_bins = options->no_bins;
    scan->max_records = options->max_records;
    scan->records_per_second = options->records_per_second;
    enum base_result result = names_copy(scan, options);
    if (result == RESULT_OK) {
        result = partitions_choose(scan, options);
    }
    if (result != RESULT_OK) {
        ballast_scan_free(&scan);
    }
    *out = scan;
    return (int)result;
}

void ballast_scan_free(struct ballast_scan **scan)
{
    if (*scan != NULL) {
        base_magic_check(*scan, SCAN_MAGIC);
        client__arena_fini(&(*scan)->arena);
        free(*scan);
        *scan = NULL;
    }
}

bool ballast_scan_done(const struct ballast_scan *scan)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if (!scan->partitions[p].done) {
            return false;
        }
    }
    return true;
}

// ---- answers ------------------------------------------------------------------------------------

// Ends the whole run: the other shares find their time over when they are next looked at.
static void run_stop(struct scan_run *run)
{
    run->stopped = true;
    for (size_t i = 0; i < run->share_count; i++) {
        run->shares[i].command.deadline_ns = 0;
    }
}

static enum base_result record_deliver(struct share *share, const struct wire_message *message)
{
    struct scan_run *run = share->run;
    struct base_slice digest = wire_fields_get(&message->fields, WIRE_FIELD_DIGEST);
    if (digest.size != LIMIT_DIGEST_SIZE) {
        return RESULT_MALFORMED;
    }
    struct partition *partition = &run->scan->partitions[base_digest_partition(digest.data)];
    if (partition->done || partition->node != share->node) {
        return RESULT_MALFORMED;
    }
    share->received++;
    if (run->left == 0) {
        // More nodes than records were left to ask for: the surplus comes again in a later run.
        return share->received > share->quota ? RESULT_CANCELLED : RESULT_OK;
    }
    struct ballast_record *record;
    enum base_result result = client__record_new(message, &record);
    if (result != RESULT_OK) {
        return result;
    }
    partition->begun = true;
    memcpy(partition->after.bytes, digest.data, LIMIT_DIGEST_SIZE);
    bool go_on = run->fn(record, run->arg);
    ballast_record_free(&record);
    if (run->left != UINT64_MAX) {
        run->left--;
    }
    if (!go_on) {
        run_stop(run);
    }
    return go_on ? RESULT_OK : RESULT_CANCELLED;
}

// Takes one message; true when it is the last of the answer.
static bool message_take(struct share *share, const struct wire_message *message,
                         enum base_result *result)
{
    const struct wire_message_header *header = &message->header;
    *result = (enum base_result)header->result_code;
    if ((header->info3 & WIRE_INFO3_LAST) != 0) {
        return true;
    }
    if ((header->info3 & WIRE_INFO3_PARTITION_DONE) != 0) {
        if (header->generation < LIMIT_PARTITIONS && header->result_code != 0 &&
            share->run->scan->partitions[header->generation].node == share->node) {
            share->run->scan->partitions[header->generation].unavailable = true;
        }
        *result = RESULT_OK;
        return false;
    }
    if (header->result_code != 0) {
        // An error in place of a record ends the answer; "not found" is an empty one.
        *result = *result == RESULT_RECORD_NOT_FOUND ? RESULT_OK : *result;
        return true;
    }
    *result = record_deliver(share, message);
    return *result != RESULT_OK;
}

static bool on_frame(struct client_command *command, const struct wire_frame *frame)
{
    struct share *share = command->arg;
    if (frame->type != WIRE_FRAME_MESSAGE || share->run->stopped) {
        command->result = share->run->stopped ? RESULT_CANCELLED : RESULT_MALFORMED;
        return true;
    }
    const uint8_t *at = frame->body, *end = at + frame->body_size;
    while (at < end) {
        struct wire_message message;
        size_t size;
        command->result = wire_message_parse(at, (size_t)(end - at), &message, &size);
        if (command->result != RESULT_OK || message_take(share, &message, &command->result)) {
            return true;
        }
        at += size;
    }
    return false;
}

// ---- requests -----------------------------------------------------------------------------------

static uint8_t *u32_field_store(uint8_t *at, enum wire_field_type type, uint32_t number)
{
    uint8_t bytes[4];
    base_be32_store(bytes, number);
    return wire_field_store(at, type, bytes, sizeof bytes);
}

static uint8_t *u64_field_store(uint8_t *at, enum wire_field_type type, uint64_t number)
{
    uint8_t bytes[8];
    base_be64_store(bytes, number);
    return wire_field_store(at, type, bytes, sizeof bytes);
}

// Writes the head of a field whose data the caller writes behind it.
static uint8_t *field_head_store(uint8_t *at, enum wire_field_type type, size_t size)
{
    base_be32_store(at, (uint32_t)(size + 1));
    at[4] = (uint8_t)type;
    return at + WIRE_FIELD_HEADER_SIZE;
}

static uint8_t *partitions_store(uint8_t *at, const struct share *share, uint16_t *field_count)
{
    const struct partition *partitions = share->run->scan->partitions;
    if (share->from_start_count > 0) {
        at = field_head_store(at, WIRE_FIELD_PID_ARRAY, share->from_start_count * 2u);
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            if (!partitions[p].done && partitions[p].node == share->node && !partitions[p].begun) {
                base_le16_store(at, (uint16_t)p);
                at += 2;
            }
        }
        ++*field_count;
    }
    if (share->resumed_count > 0) {
        at = field_head_store(at, WIRE_FIELD_DIGEST_ARRAY,
                              (size_t)share->resumed_count * LIMIT_DIGEST_SIZE);
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            if (!partitions[p].done && partitions[p].node == share->node && partitions[p].begun) {
                memcpy(at, partitions[p].after.bytes, LIMIT_DIGEST_SIZE);
                at += LIMIT_DIGEST_SIZE;
            }
        }
        ++*field_count;
    }
    return at;
}

static enum base_result share_frame(struct share *share)
{
    struct scan_run *run = share->run;
    struct ballast_scan *scan = run->scan;
    // Room for every field at its largest.
    size_t size = WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE + 8 * WIRE_FIELD_HEADER_SIZE +
                  LIMIT_NAMESPACE_NAME_SIZE + LIMIT_SET_NAME_SIZE + 4 + 4 + 8 + 8 +
                  share->from_start_count * 2u + (size_t)share->resumed_count * LIMIT_DIGEST_SIZE +
                  client__request_ops_size(&scan->request);
    share->frame = malloc(size);
    if (share->frame == NULL) {
        return RESULT_NO_MEMORY;
    }
    uint32_t socket_timeout_ms = run->policy.socket_timeout_ms == 0 ? SOCKET_TIMEOUT_DEFAULT_MS
                                                                    : run->policy.socket_timeout_ms;
    struct wire_message_header header = {
        .info1 = WIRE_INFO1_READ | (scan->no_bins ? WIRE_INFO1_NO_BIN_DATA : 0) |
                 (run->policy.compress ? WIRE_INFO1_COMPRESS_RESPONSE : 0),
        .info3 = WIRE_INFO3_PARTITION_DONE,
        .record_ttl = UINT32_MAX,
        .transaction_ttl = run->policy.total_timeout_ms,
        .field_count = 3,
        .op_count = (uint16_t)scan->request.count};
    uint8_t *body = share->frame + WIRE_FRAME_HEADER_SIZE;
    uint8_t *at = body + WIRE_MESSAGE_HEADER_SIZE;
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, scan->ns, strlen(scan->ns));
    if (scan->set[0] != '\0') {
        at = wire_field_store(at, WIRE_FIELD_SET, scan->set, strlen(scan->set));
        header.field_count++;
    }
    if (scan->records_per_second > 0) {
        at = u32_field_store(at, WIRE_FIELD_RECORDS_PER_SECOND, scan->records_per_second);
        header.field_count++;
    }
    at = u32_field_store(at, WIRE_FIELD_SOCKET_TIMEOUT, socket_timeout_ms);
    at = u64_field_store(at, WIRE_FIELD_TASK_ID, client__cluster_task_id(run->cluster));
    at = partitions_store(at, share, &header.field_count);
    if (share->quota > 0) {
        at = u64_field_store(at, WIRE_FIELD_MAX_RECORDS, share->quota);
        header.field_count++;
    }
    at = client__request_ops_store(at, &scan->request);
    base_assert(at <= share->frame + size);
    wire_message_header_store(body, &header);
    wire_frame_header_store(share->frame, WIRE_FRAME_MESSAGE, (size_t)(at - body));
    share->command.request = share->frame;
    share->command.request_size = (size_t)(at - share->frame);
    return RESULT_OK;
}

// ---- rounds -------------------------------------------------------------------------------------

static struct share *share_of(struct scan_run *run, uint16_t node)
{
    for (size_t i = 0; i < run->share_count; i++) {
        if (run->shares[i].node == node) {
            return &run->shares[i];
        }
    }
    struct share *share = &run->shares[run->share_count++];
    struct client_command *command = &share->command;
    client__command_init(command, run->cluster, &run->policy, io_clock_monotonic_ns());
    command->retries_max = 0; // rounds do that
    command->deadline_ns = run->deadline_ns;
    command->node = run->cluster->nodes[node];
    command->on_frame = on_frame;
    command->arg = share;
    share->run = run;
    share->node = node;
    return share;
}

static void shares_free(struct scan_run *run)
{
    for (size_t i = 0; i < run->share_count; i++) {
        client__command_fini(&run->shares[i].command);
        free(run->shares[i].frame);
    }
    free(run->shares);
    run->shares = NULL;
    run->share_count = 0;
}

static enum base_result partitions_split(struct scan_run *run)
{
    const struct client_partitions *map = client__map_find(&run->cluster->map, run->scan->ns);
    if (map == NULL) {
        client__tend_request(run->cluster);
        return RESULT_NAMESPACE_NOT_FOUND;
    }
    bool any = run->policy.replica == BALLAST_REPLICA_SEQUENCE;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct partition *partition = &run->scan->partitions[p];
        uint32_t number;
        partition->node = NO_NODE;
        partition->unavailable = false;
        if (!partition->done && client__map_owner(map, p, any ? partition->tries : 0, &number)) {
            partition->node = (uint16_t)number;
            struct share *share = share_of(run, partition->node);
            share->from_start_count += !partition->begun;
            share->resumed_count += partition->begun;
        }
    }
    return RESULT_OK;
}

static enum base_result round_begin(struct scan_run *run)
{
    uint32_t slots = atomic_load(&run->cluster->node_count);
    run->shares = calloc(slots == 0 ? 1 : slots, sizeof *run->shares);
    if (run->shares == NULL) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = partitions_split(run);
    for (size_t i = 0; i < run->share_count && result == RESULT_OK; i++) {
        struct share *share = &run->shares[i];
        if (run->left != UINT64_MAX) {
            share->quota = run->left / run->share_count + (i < run->left % run->share_count);
            share->quota = share->quota == 0 ? 1 : share->quota;
        }
        result = share_frame(share);
    }
    return result;
}

static bool may_try_again(enum base_result result)
{
    return result == RESULT_PARTITION_UNAVAILABLE || result == RESULT_TIMEOUT ||
           result == RESULT_IO || result == RESULT_CLOSED || result == RESULT_NO_NODE ||
           result == RESULT_CLIENT_TIMEOUT || result == RESULT_DEVICE_OVERLOAD;
}

// Takes in what the round has brought. RESULT_OK: go on. Sets run->failure when some partitions
// were not served.
static enum base_result round_end(struct scan_run *run)
{
    run->failure = RESULT_OK;
    for (size_t i = 0; i < run->share_count; i++) {
        enum base_result result = run->shares[i].command.result;
        if (result != RESULT_OK && result != RESULT_CANCELLED && !run->stopped) {
            run->failure = result;
            if (!may_try_again(result)) {
                return result;
            }
        }
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct partition *partition = &run->scan->partitions[p];
        if (partition->done) {
            continue;
        }
        const struct share *share =
            partition->node == NO_NODE ? NULL : share_of(run, partition->node);
        if (share == NULL || partition->unavailable) {
            run->failure = share == NULL ? RESULT_NO_NODE : RESULT_PARTITION_UNAVAILABLE;
            partition->tries++;
        } else if (share->command.result != RESULT_OK) {
            partition->tries += !run->stopped;
        } else if (share->quota == 0 || share->received < share->quota) {
            // A node that reached its quota may have more; one that did not has none.
            partition->done = true;
            partition->tries = 0;
        }
    }
    return RESULT_OK;
}

static void round_pause(struct scan_run *run, uint32_t failures)
{
    uint64_t sleep_ms = run->policy.retry_sleep_ms;
    if (sleep_ms == 0) {
        sleep_ms = (uint64_t)ROUND_SLEEP_FIRST_MS << (failures & 7);
        sleep_ms = sleep_ms > ROUND_SLEEP_MAX_MS ? ROUND_SLEEP_MAX_MS : sleep_ms;
    }
    client__tend_request(run->cluster);
    struct client_command pause, *command = &pause;
    client__command_init_pause(&pause, io_clock_monotonic_ns() + sleep_ms * NS_PER_MS);
    client__commands_run(&command, 1);
    client__command_fini(&pause);
}

static enum base_result run_rounds(struct scan_run *run)
{
    uint32_t failures = 0;
    while (!run->stopped && run->left > 0 && !ballast_scan_done(run->scan)) {
        if (io_clock_monotonic_ns() >= run->deadline_ns) {
            return RESULT_CLIENT_TIMEOUT;
        }
        enum base_result result = round_begin(run);
        if (result == RESULT_OK) {
            struct client_command *commands[LIMIT_CLIENT_NODES];
            for (size_t i = 0; i < run->share_count; i++) {
                commands[i] = &run->shares[i].command;
            }
            client__commands_run(commands, run->share_count);
            result = round_end(run);
        }
        shares_free(run);
        if (result != RESULT_OK) {
            return result;
        }
        if (run->failure != RESULT_OK && !run->stopped) {
            if (failures >= run->policy.retries_max) {
                return run->failure;
            }
            round_pause(run, failures++);
        }
    }
    return RESULT_OK;
}

int ballast_scan_run(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                     struct ballast_scan *scan, ballast_scan_fn fn, void *arg,
                     struct ballast_error *error)
{
    base_magic_check(scan, SCAN_MAGIC);
    struct scan_run run = {.cluster = cluster,
                           .scan = scan,
                           .deadline_ns = UINT64_MAX,
                           .left = scan->max_records == 0 ? UINT64_MAX : scan->max_records,
                           .fn = fn,
                           .arg = arg};
    if (policy != NULL) {
        run.policy = *policy;
    } else {
        ballast_policy_init(&run.policy);
        run.policy.total_timeout_ms = 0;
        run.policy.socket_timeout_ms = SOCKET_TIMEOUT_DEFAULT_MS;
    }
    if (run.policy.total_timeout_ms > 0) {
        run.deadline_ns =
            io_clock_monotonic_ns() + (uint64_t)run.policy.total_timeout_ms * NS_PER_MS;
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        scan->partitions[p].tries = 0;
    }
    return client__error_set(error, run_rounds(&run), false);
}
