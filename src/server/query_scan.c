// SPDX-License-Identifier: Apache-2.0
// A foreground query: records are copied out in small slices under their stripe, gathered into
// groups, and sent with no lock held. A client that reads slowly slows down its own query alone.
//
// Partitions that cannot be read at once (no view, copies still to be merged) are put off until the
// others have been read, then waited for a while. What is still not here then, or is another
// node's, is told to the client, which goes on there behind the last record that it got.
#include <sched.h>
#include <stdlib.h>

#include "base/digest.h"
#include "io/clock.h"
#include "io/compress.h"
#include "server/bins.h"
#include "server/job.h"
#include "server/pace.h"
#include "server/query_place.h"
#include "value/collection.h"
#include "wire/frame.h"

enum {
    SLICE_RECORDS = 64,                // visited while a stripe is held
    GROUP_SIZE = 128 * 1024,           // sent when this much has gathered,
    GROUP_DELAY_NS = 20 * 1000 * 1000, // or when something has waited this long
    OUTPUT_KEEP_SIZE = 2 * GROUP_SIZE, // larger buffers go back to the heap
    RECORD_FIELDS = 4,                 // namespace, set, digest, key
    INDEXED_MIN = 512,                 // bins times names from which an index of names pays
    PUT_OFF_MS_MAX = 5000,             // how long partitions are waited for that were put off,
    PUT_OFF_SHARE = 4,                 // and what part of the time that the client waits in all
    PUT_OFF_LOOK_MS = 10,
    MAP_SEEN_MS = 1200, // clients look at the map once a second
};

struct scan {
    struct job *job;
    const struct query *query;
    struct worker *worker;
    struct output *out;
    struct pace pace;
    uint64_t sent_ns;           // when the last group went out
    uint64_t records_left;      // until records_max
    uint32_t budget;            // records that this slice may still take
    uint32_t taken;             // by this slice
    bool idle;                  // the slice had nothing to look at
    struct store_scan *put_off; // partitions to come back to, and where to go on in each
    uint32_t put_off_count;
    bool elsewhere; // the client was told of a partition that another node has
    bool selects;   // some bins by name
    bool indexed;   // `index` has the bins of the record at hand
    struct bins index;
    enum base_result result;
};

static void group_begin(struct scan *s)
{
    s->out->size = 0;
    if (output_reserve(s->out, GROUP_SIZE) == NULL) {
        s->result = RESULT_NO_MEMORY;
        return;
    }
    s->out->size = WIRE_FRAME_HEADER_SIZE;
}

static bool group_is_empty(const struct scan *s)
{
    return s->out->size <= WIRE_FRAME_HEADER_SIZE;
}

static enum base_result group_send_compressed(struct scan *s, bool *sent)
{
    uint8_t *bytes;
    size_t size;
    *sent = false;
    if (s->out->size <= LIMIT_COMPRESS_THRESHOLD ||
        io_compress_frame(s->out->data, s->out->size, &bytes, &size) != RESULT_OK) {
        return RESULT_OK; // it goes out as it is
    }
    *sent = true;
    enum base_result result = job_send(s->job, bytes, size);
    free(bytes);
    return result;
}

static void group_send(struct scan *s)
{
    if (group_is_empty(s)) {
        return;
    }
    bool sent = false;
    enum base_result result = RESULT_OK;
    wire_frame_header_store(s->out->data, WIRE_FRAME_MESSAGE,
                            s->out->size - WIRE_FRAME_HEADER_SIZE);
    if (s->query->header.info1 & WIRE_INFO1_COMPRESS_RESPONSE) {
        result = group_send_compressed(s, &sent);
    }
    if (!sent) {
        result = job_send(s->job, s->out->data, s->out->size);
    }
    if (result != RESULT_OK) {
        s->result = result;
    }
    s->sent_ns = io_clock_monotonic_ns();
    s->out->size = 0;
    output_trim(s->out, OUTPUT_KEEP_SIZE);
    if (s->result == RESULT_OK) {
        group_begin(s);
    }
}

// Appends a record of nothing but a header: the end of a partition, or of the answer.
static void mark_append(struct scan *s, uint8_t info3, enum base_result code, uint32_t generation)
{
    uint8_t *at = output_reserve(s->out, WIRE_MESSAGE_HEADER_SIZE);
    if (at == NULL) {
        s->result = RESULT_NO_MEMORY;
        return;
    }
    struct wire_message_header header = {
        .info3 = info3, .result_code = (uint8_t)code, .generation = generation};
    wire_message_header_store(at, &header);
    s->out->size += WIRE_MESSAGE_HEADER_SIZE;
}

static uint8_t *fields_store(uint8_t *at, const struct scan *s, const struct store_record *record,
                             uint16_t *count)
{
    const char *name = s->query->ns->name;
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, name, strlen(name));
    *count = 1;
    if (record->set_name.size > 0) {
        at = wire_field_store(at, WIRE_FIELD_SET, record->set_name.data, record->set_name.size);
        ++*count;
    }
    at = wire_field_store(at, WIRE_FIELD_DIGEST, record->digest, LIMIT_DIGEST_SIZE);
    ++*count;
    if (record->key.size > 0) {
        at = wire_field_store(at, WIRE_FIELD_KEY, record->key.data, record->key.size);
        ++*count;
    }
    return at;
}

static uint8_t *bin_store(uint8_t *at, const struct store_bin *bin)
{
    at = wire_op_store(at, WIRE_OP_READ, bin->type, bin->name, bin->name_size, bin->value_size);
    if (bin->value_size > 0) {
        memcpy(at, bin->value, bin->value_size);
    }
    return at + bin->value_size;
}

static uint8_t *all_bins_store(uint8_t *at, const struct store_record *record, uint16_t *count)
{
    const uint8_t *bins = record->bins;
    for (uint32_t i = 0; i < record->bin_count; i++) {
        struct store_bin bin;
        store_bin_next(&bins, &bin);
        at = bin_store(at, &bin);
    }
    *count = record->bin_count;
    return at;
}

// Many names looked for in many bins go through an index, so that the time a stripe is held stays
// in proportion to the record.
static enum base_result bins_prepare(struct scan *s, const struct store_record *record)
{
    s->indexed = s->selects && (uint64_t)s->query->ops.count * record->bin_count > INDEXED_MIN;
    if (!s->indexed) {
        return RESULT_OK;
    }
    arena_reset(&s->worker->arena);
    return bins_init(&s->index, &s->worker->arena, record, 0);
}

static bool bin_find(const struct scan *s, const struct store_record *record,
                     const struct wire_op *op, struct store_bin *out)
{
    if (s->indexed) {
        const struct store_bin *found = bins_find(&s->index, op->name, op->name_size);
        if (found != NULL) {
            *out = *found;
        }
        return found != NULL;
    }
    const uint8_t *bins = record->bins;
    for (uint32_t i = 0; i < record->bin_count; i++) {
        store_bin_next(&bins, out);
        if (out->name_size == op->name_size && memcmp(out->name, op->name, op->name_size) == 0) {
            return true;
        }
    }
    return false;
}

// What an op yields of a bin: the bin itself, or what a read inside it finds. A bin that the read
// does not fit yields nothing, so that one odd record does not end the query of all others.
static struct value_collection_result op_result(const struct wire_op *op,
                                                const struct store_bin *bin)
{
    struct value_collection_result out = {
        .type = bin->type, .tail = bin->value, .tail_size = bin->value_size};
    if (op->type == WIRE_OP_CDT_READ) {
        struct value_particle value = {bin->type, bin->value, bin->value_size};
        if (value_collection_read(value, op->value, op->value_size, &out) != RESULT_OK) {
            out = (struct value_collection_result){.type = WIRE_PARTICLE_NIL};
        }
    }
    return out;
}

// In the order asked for. What is not there is left out, unless each op wants a result.
static uint8_t *named_bins_store(uint8_t *at, const struct scan *s,
                                 const struct store_record *record, uint16_t *count)
{
    bool respond_all = (s->query->header.info2 & WIRE_INFO2_RESPOND_ALL_OPS) != 0;
    struct wire_ops ops = s->query->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        struct store_bin bin;
        struct value_collection_result found = {.type = WIRE_PARTICLE_NIL};
        if (bin_find(s, record, &op, &bin)) {
            found = op_result(&op, &bin);
        }
        if (found.type != WIRE_PARTICLE_NIL || respond_all) {
            at = wire_op_store(at, op.type, found.type, op.name, op.name_size,
                               value_collection_result_size(&found));
            at = value_collection_result_store(at, &found);
            ++*count;
        }
    }
    return at;
}

// An upper bound of what a record takes in the answer.
static size_t record_size_max(const struct scan *s, const struct store_record *record)
{
    size_t size = WIRE_MESSAGE_HEADER_SIZE + RECORD_FIELDS * WIRE_FIELD_HEADER_SIZE +
                  LIMIT_NAMESPACE_NAME_SIZE + LIMIT_DIGEST_SIZE + record->set_name.size +
                  record->key.size;
    if (s->query->header.info1 & WIRE_INFO1_NO_BIN_DATA) {
        return size;
    }
    if (!s->selects) {
        return size + record->size + (size_t)record->bin_count * WIRE_OP_HEADER_SIZE;
    }
    // A bin may be asked for more than once, so the bins found are what counts.
    struct wire_ops ops = s->query->ops;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        struct store_bin bin;
        uint32_t value_size = bin_find(s, record, &op, &bin) ? bin.value_size : 0;
        size += wire_op_size(op.name_size, VALUE_COLLECTION_HEAD_SIZE + (size_t)value_size);
    }
    return size;
}

static enum base_result record_append(struct scan *s, const struct store_record *record)
{
    if (bins_prepare(s, record) != RESULT_OK) {
        return RESULT_NO_MEMORY;
    }
    size_t size_max = record_size_max(s, record);
    if (size_max > LIMIT_ANSWER_RECORD_SIZE) {
        return RESULT_RECORD_TOO_BIG; // a large bin selected over and over
    }
    uint8_t *begin = output_reserve(s->out, size_max);
    if (begin == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct wire_message_header header = {.generation = record->generation,
                                         .record_ttl = record->void_time_s};
    uint8_t *at = fields_store(begin + WIRE_MESSAGE_HEADER_SIZE, s, record, &header.field_count);
    if (!(s->query->header.info1 & WIRE_INFO1_NO_BIN_DATA)) {
        at = s->selects ? named_bins_store(at, s, record, &header.op_count)
                        : all_bins_store(at, record, &header.op_count);
    }
    wire_message_header_store(begin, &header);
    s->out->size += (size_t)(at - begin);
    return RESULT_OK;
}

static enum store_visit visit(const struct store_record *record, void *arg)
{
    struct scan *s = arg;
    if (s->budget == 0 || s->out->size >= GROUP_SIZE) {
        return STORE_VISIT_STOP;
    }
    if (!query_wants_set(s->query, record->set_name) ||
        store_record_is_dead(s->query->ns->store, record, worker_now_s(s->worker))) {
        return STORE_VISIT_KEEP;
    }
    s->result = record_append(s, record);
    if (s->result != RESULT_OK) {
        return STORE_VISIT_STOP;
    }
    s->budget--;
    s->taken++;
    return STORE_VISIT_KEEP;
}

// Waits until records may be taken again; what has gathered goes out first.
static uint32_t pace_wait(struct scan *s)
{
    bool waited = false;
    for (;;) {
        uint32_t available = pace_available(&s->pace, io_clock_monotonic_ns());
        if (available > 0 || s->result != RESULT_OK) {
            if (waited) {
                atomic_fetch_add_explicit(&s->job->records_throttled,
                                          available < s->records_left ? available : s->records_left,
                                          memory_order_relaxed);
            }
            return available;
        }
        group_send(s);
        if (s->result == RESULT_OK) {
            s->result = job_wait(s->job, pace_wait_ns(&s->pace));
        }
        waited = true;
    }
}

// Reads one slice; *end: the partition's end was reached. When the partition went meanwhile, the
// slice counts for nothing.
static enum query_place slice_read(struct scan *s, struct store_scan *at, bool *end)
{
    uint64_t key;
    enum query_place place = query_place_look(s->query, s->worker, at->partition, &key);
    if (place != QUERY_PLACE_HERE) {
        return place;
    }
    struct store_scan before = *at;
    size_t size_before = s->out->size;
    struct store *store = s->query->ns->store;
    s->idle = store_object_count(store, at->partition) == 0 &&
              store_tombstone_count(store, at->partition) == 0;
    *end = s->idle || store_scan_step(store, at, SLICE_RECORDS, visit, s);
    if (query_place_holds(s->query, s->worker, at->partition, key)) {
        return QUERY_PLACE_HERE;
    }
    *at = before;
    s->out->size = size_before;
    s->taken = 0;
    *end = false;
    return query_place_look(s->query, s->worker, at->partition, &key) == QUERY_PLACE_ELSEWHERE
               ? QUERY_PLACE_ELSEWHERE
               : QUERY_PLACE_LATER;
}

// Takes one slice. Where there is not HERE, nothing was read.
static enum query_place step(struct scan *s, struct store_scan *at, bool *end)
{
    uint32_t available = pace_wait(s);
    *end = false;
    if (s->result != RESULT_OK) {
        return QUERY_PLACE_HERE;
    }
    worker_tick(s->worker);
    s->taken = 0;
    s->idle = true;
    s->budget = available < s->records_left ? available : (uint32_t)s->records_left;
    enum query_place place = slice_read(s, at, end);
    pace_take(&s->pace, s->taken);
    s->records_left -= s->taken;
    atomic_fetch_add_explicit(&s->job->records_succeeded, s->taken, memory_order_relaxed);
    if (s->result == RESULT_OK) {
        s->result = job_check(s->job, s->worker->wakeup_ns);
    }
    if (s->result == RESULT_OK &&
        (s->out->size >= GROUP_SIZE || s->worker->wakeup_ns - s->sent_ns > GROUP_DELAY_NS)) {
        group_send(s);
    }
    if (!s->idle) {
        sched_yield();
    }
    return place;
}

static void partition_done(struct scan *s, uint32_t partition)
{
    if (!(s->query->header.info3 & WIRE_INFO3_PARTITION_DONE)) {
        mark_append(s, WIRE_INFO3_PARTITION_DONE, RESULT_OK, partition);
    }
    atomic_fetch_add_explicit(&s->job->partitions_done, 1, memory_order_relaxed);
}

// Tells that the partition is to be had from another node. A client that did not ask for it by name
// asks every node for what it has.
static void partition_refuse(struct scan *s, uint32_t partition, bool elsewhere)
{
    if (s->query->listed || !elsewhere) {
        mark_append(s, WIRE_INFO3_PARTITION_DONE, RESULT_PARTITION_UNAVAILABLE, partition);
        s->elsewhere |= elsewhere;
    }
    atomic_fetch_add_explicit(&s->job->partitions_done, 1, memory_order_relaxed);
}

static void partition_put_off(struct scan *s, const struct store_scan *at)
{
    if (s->put_off == NULL) {
        s->put_off = malloc(LIMIT_PARTITIONS * sizeof *s->put_off);
        if (s->put_off == NULL) {
            s->result = RESULT_NO_MEMORY;
            return;
        }
    }
    s->put_off[s->put_off_count++] = *at;
}

// Reads a partition as far as it can be. False when that is all the client wants.
static bool partition_read(struct scan *s, struct store_scan *at)
{
    bool end = false;
    while (!end && s->result == RESULT_OK) {
        if (s->records_left == 0) {
            return false;
        }
        switch (step(s, at, &end)) {
        case QUERY_PLACE_HERE:
            break;
        case QUERY_PLACE_LATER:
            partition_put_off(s, at);
            return s->result == RESULT_OK;
        case QUERY_PLACE_ELSEWHERE:
            partition_refuse(s, at->partition, true);
            return s->result == RESULT_OK;
        }
    }
    if (end && s->result == RESULT_OK) {
        partition_done(s, at->partition);
    }
    return s->result == RESULT_OK;
}

// How long the client may be kept waiting for partitions that were put off.
static uint64_t put_off_ns_max(const struct scan *s)
{
    uint64_t max_ms = PUT_OFF_MS_MAX;
    uint64_t quiet_ms = s->query->socket_timeout_ms / PUT_OFF_SHARE;
    uint64_t total_ms = s->query->total_timeout_ms / PUT_OFF_SHARE;
    max_ms = quiet_ms != 0 && quiet_ms < max_ms ? quiet_ms : max_ms;
    max_ms = total_ms != 0 && total_ms < max_ms ? total_ms : max_ms;
    return max_ms * 1000000;
}

// Goes through what was put off until nothing is left of it or time is up.
static bool put_off_read(struct scan *s)
{
    uint64_t until_ns = io_clock_monotonic_ns() + put_off_ns_max(s);
    while (s->put_off_count > 0 && s->result == RESULT_OK && io_clock_monotonic_ns() < until_ns) {
        group_send(s);
        if (s->result == RESULT_OK) {
            s->result = job_wait(s->job, PUT_OFF_LOOK_MS * 1000000ull);
        }
        uint32_t count = s->put_off_count;
        s->put_off_count = 0; // each is read before another one can take its place
        for (uint32_t i = 0; i < count && s->result == RESULT_OK; i++) {
            struct store_scan at = s->put_off[i];
            if (!partition_read(s, &at)) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < s->put_off_count && s->result == RESULT_OK; i++) {
        partition_refuse(s, s->put_off[i].partition, false);
    }
    return s->result == RESULT_OK;
}

// A client that hears that another node has a partition asks at once whoever its map names. While
// it cannot have seen the last change of the map yet, it hears of that a little later.
static void map_change_wait(struct scan *s)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    uint64_t changed_ns =
        atomic_load_explicit(&s->query->ns->places_changed_ns, memory_order_relaxed);
    uint64_t seen_ns = changed_ns + MAP_SEEN_MS * 1000000ull;
    if (s->elsewhere && changed_ns != 0 && now_ns < seen_ns && s->result == RESULT_OK) {
        uint64_t wait_ns = seen_ns - now_ns, max_ns = put_off_ns_max(s);
        s->result = job_wait(s->job, wait_ns < max_ns ? wait_ns : max_ns);
    }
}

static void partitions_read(struct scan *s)
{
    struct query_walk walk = {0};
    struct store_scan at;
    bool more = true;
    while (more && s->result == RESULT_OK && query_walk_next(s->query, &walk, &at)) {
        more = partition_read(s, &at);
    }
    if (more && s->result == RESULT_OK && put_off_read(s)) {
        map_change_wait(s);
    }
    free(s->put_off);
    s->put_off = NULL;
}

enum base_result query_scan_run(struct job *job, struct worker *worker)
{
    const struct query *query = &job->query;
    uint64_t now_ns = io_clock_monotonic_ns();
    struct scan s = {
        .job = job,
        .query = query,
        .worker = worker,
        .out = &worker->output,
        .sent_ns = now_ns,
        .records_left = query->records_max != 0 ? query->records_max : UINT64_MAX,
        .selects = !query->all_bins && !(query->header.info1 & WIRE_INFO1_GET_ALL),
        .result = job_check(job, now_ns),
    };
    pace_init(&s.pace, query->records_per_second, now_ns);
    if (s.result == RESULT_OK) {
        group_begin(&s);
    }
    partitions_read(&s);
    enum base_result ended = s.result;
    if (ended != RESULT_CLOSED && ended != RESULT_CLIENT_TIMEOUT) {
        s.result = RESULT_OK;
        if (group_is_empty(&s)) {
            group_begin(&s);
        }
        mark_append(&s, WIRE_INFO3_LAST, job_answer_code(ended), 0);
        if (s.result == RESULT_OK) {
            group_send(&s);
        }
        if (s.result != RESULT_OK) {
            ended = RESULT_CLOSED; // without its last record the answer cannot be understood
        }
    }
    worker->output.size = 0;
    output_trim(&worker->output, OUTPUT_KEEP_SIZE);
    return ended;
}
