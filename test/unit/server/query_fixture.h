// SPDX-License-Identifier: Apache-2.0
// A node with one namespace and one service thread but no ports: clients are socket pairs. Queries
// are written and answers read byte by byte as a client would.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "io/clock.h"
#include "io/compress.h"
#include "server/jobs.h"
#include "server/service.h"
#include "wire/frame.h"
#include "wire/message.h"

enum { QUERY_DEADLINE_MS = 30000, QUERY_MESSAGE_SIZE = 256 * 1024, QUERY_RECORDS_MAX = 20000 };

struct query_fixture {
    struct node *node;
    struct namespace *ns;
};

static inline int query_setup(void **state)
{
    static struct config_diag diag;
    struct query_fixture *f = calloc(1, sizeof *f);
    struct config *config;
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    config->service.service_threads = 1;
    config->network.service_address.count = 0;
    config->network.info_enabled = false;
    assert_int_equal(node_new(config, &f->node), RESULT_OK);
    f->ns = &f->node->namespaces[0];
    assert_int_equal(jobs_new(f->node, &f->node->jobs), RESULT_OK);
    assert_int_equal(service_start(f->node, &f->node->service), RESULT_OK);
    *state = f;
    return 0;
}

static inline int query_teardown(void **state)
{
    struct query_fixture *f = *state;
    jobs_stop(f->node->jobs);
    service_stop(&f->node->service);
    jobs_free(&f->node->jobs);
    node_free(&f->node);
    free(f);
    return 0;
}

// Asks again after short pauses until check(arg) is true.
static inline void query_until(const char *what, bool (*check)(void *arg), void *arg)
{
    uint64_t end_ns = io_clock_monotonic_ns() + QUERY_DEADLINE_MS * 1000000ull;
    while (!check(arg)) {
        if (io_clock_monotonic_ns() > end_ns) {
            fail_msg("it never came true that %s", what);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

// --- records ---

// A digest that looks like one, with the number in its bytes 8 to 11.
static inline void query_digest(uint32_t id, uint8_t digest[LIMIT_DIGEST_SIZE])
{
    uint64_t x = id + 1;
    for (int i = 0; i < LIMIT_DIGEST_SIZE; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        digest[i] = (uint8_t)((x * 0x9E3779B97F4A7C15ull) >> 56);
    }
    memcpy(digest + 8, &id, sizeof id);
}

static inline uint32_t query_id(const uint8_t *digest)
{
    uint32_t id;
    memcpy(&id, digest + 8, sizeof id);
    return id;
}

struct query_record {
    const char *set;
    uint32_t void_time_s;
    uint32_t value_size; // of bin "s"; bin "i" is always there
    bool key;            // stored
};

static inline void query_put_digest(struct query_fixture *f, const uint8_t *digest, uint32_t id,
                                    struct query_record what)
{
    uint8_t number[8], key[9] = {WIRE_PARTICLE_INTEGER};
    uint8_t *value = calloc(1, what.value_size + 1);
    base_be64_store(number, id);
    base_be64_store(key + 1, id);
    struct store_bin bins[] = {
        {(const uint8_t *)"i", number, 8, 1, WIRE_PARTICLE_INTEGER},
        {(const uint8_t *)"s", value, what.value_size, 1, WIRE_PARTICLE_STRING},
    };
    struct store_draft draft = {
        .digest = digest,
        .last_update_ms = io_clock_epoch_ms(),
        .void_time_s = what.void_time_s,
        .generation = 1,
        .bin_count = 2,
        .set_name = {(const uint8_t *)what.set, what.set != NULL ? strlen(what.set) : 0},
        .key = {key, what.key ? sizeof key : 0},
        .bins = bins,
    };
    struct store_cursor cursor;
    store_acquire(f->ns->store, digest, io_clock_epoch_s(), &cursor);
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    store_release(&cursor);
    free(value);
}

static inline void query_put(struct query_fixture *f, uint32_t id, struct query_record what)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    query_digest(id, digest);
    query_put_digest(f, digest, id, what);
}

// The same in a partition of the caller's choice.
static inline void query_put_at(struct query_fixture *f, uint32_t id, uint32_t partition,
                                struct query_record what)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    query_digest(id, digest);
    digest[0] = (uint8_t)partition;
    digest[1] = (uint8_t)((digest[1] & 0xf0) | partition >> 8);
    query_put_digest(f, digest, id, what);
}

// Puts a tombstone in the place of a record.
static inline void query_bury(struct query_fixture *f, uint32_t id, const char *set,
                              uint64_t last_update_ms)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    query_digest(id, digest);
    struct store_draft draft = {
        .digest = digest,
        .last_update_ms = last_update_ms,
        .generation = 2,
        .tombstone = true,
        .set_name = {(const uint8_t *)set, set != NULL ? strlen(set) : 0},
    };
    struct store_cursor cursor;
    store_acquire(f->ns->store, digest, io_clock_epoch_s(), &cursor);
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    store_release(&cursor);
}

static inline void query_remove(struct query_fixture *f, uint32_t id)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    struct store_cursor cursor;
    query_digest(id, digest);
    store_acquire(f->ns->store, digest, io_clock_epoch_s(), &cursor);
    store_remove(&cursor);
    store_release(&cursor);
}

static inline void query_fill(struct query_fixture *f, uint32_t from, uint32_t count,
                              struct query_record what)
{
    for (uint32_t i = 0; i < count; i++) {
        query_put(f, from + i, what);
    }
}

// Reads bin "i" of a record and its generation; false when it is not there.
static inline bool query_get(struct query_fixture *f, uint32_t id, struct store_record *out,
                             int64_t *number)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    struct store_cursor cursor;
    query_digest(id, digest);
    store_acquire(f->ns->store, digest, io_clock_epoch_s(), &cursor);
    bool found = cursor.record != NULL;
    if (found) {
        store_record_decode(cursor.record, out);
        const uint8_t *at = out->bins;
        for (uint32_t i = 0; i < out->bin_count; i++) {
            struct store_bin bin;
            store_bin_next(&at, &bin);
            if (bin.name_size == 1 && bin.name[0] == 'i') {
                *number = (int64_t)base_be64_load(bin.value);
            }
        }
    }
    store_release(&cursor);
    return found;
}

// --- a client ---

// What a query asks for; what is zero is left out of the message.
struct query_ask {
    uint8_t info1, info2, info3; // info3 as it is
    uint64_t task_id;
    const char *namespace; // NULL: "test"
    const char *set;
    uint32_t socket_timeout_ms;
    uint32_t total_timeout_ms;
    uint32_t records_per_second;
    uint64_t records_max;
    uint32_t ttl;
    const uint16_t *partitions;
    size_t partition_count;
    const uint8_t *resume; // digests
    size_t resume_count;
    const char *bins[4]; // selected
    uint8_t op_type;     // an operation of a background query, on bin "i" with number 1000
    int extra_field;     // a field type with one byte of data
};

static inline int query_connect(struct query_fixture *f)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(
        connection_adopt(&f->node->service->threads[0], pair[1], CONNECTION_CLIENT, "[::1]:4000"),
        RESULT_OK);
    struct timeval patience = {.tv_sec = QUERY_DEADLINE_MS / 1000};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return pair[0];
}

static inline uint8_t *query_ask_number(uint8_t *at, enum wire_field_type type, uint64_t value,
                                        size_t size, uint16_t *count)
{
    uint8_t bytes[8];
    base_be64_store(bytes, value);
    ++*count;
    return wire_field_store(at, type, bytes + 8 - size, size);
}

static inline uint8_t *query_ask_fields(uint8_t *at, const struct query_ask *ask, uint16_t *count)
{
    const char *namespace = ask->namespace != NULL ? ask->namespace : "test";
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, namespace, strlen(namespace));
    *count = 1;
    if (ask->set != NULL) {
        at = wire_field_store(at, WIRE_FIELD_SET, ask->set, strlen(ask->set));
        ++*count;
    }
    if (ask->records_per_second != 0) {
        at = query_ask_number(at, WIRE_FIELD_RECORDS_PER_SECOND, ask->records_per_second, 4, count);
    }
    at = query_ask_number(at, WIRE_FIELD_SOCKET_TIMEOUT, ask->socket_timeout_ms, 4, count);
    at = query_ask_number(at, WIRE_FIELD_TASK_ID, ask->task_id, 8, count);
    if (ask->partitions != NULL) {
        at = wire_field_store(at, WIRE_FIELD_PID_ARRAY, ask->partitions, 2 * ask->partition_count);
        ++*count;
    }
    if (ask->resume != NULL) {
        at = wire_field_store(at, WIRE_FIELD_DIGEST_ARRAY, ask->resume,
                              LIMIT_DIGEST_SIZE * ask->resume_count);
        ++*count;
    }
    if (ask->records_max != 0) {
        at = query_ask_number(at, WIRE_FIELD_MAX_RECORDS, ask->records_max, 8, count);
    }
    if (ask->extra_field != 0) {
        at = wire_field_store(at, (enum wire_field_type)ask->extra_field, "x", 1);
        ++*count;
    }
    return at;
}

static inline uint8_t *query_ask_ops(uint8_t *at, const struct query_ask *ask, uint16_t *count)
{
    *count = 0;
    for (size_t i = 0; i < 4 && ask->bins[i] != NULL; i++) {
        at = wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_NIL, ask->bins[i],
                           (uint8_t)strlen(ask->bins[i]), 0);
        ++*count;
    }
    if (ask->op_type == WIRE_OP_DELETE || ask->op_type == WIRE_OP_TOUCH) {
        at = wire_op_store(at, ask->op_type, WIRE_PARTICLE_NIL, "", 0, 0);
        ++*count;
    } else if (ask->op_type != 0) {
        at = wire_op_store(at, ask->op_type, WIRE_PARTICLE_INTEGER, "i", 1, 8);
        base_be64_store(at, 1000);
        at += 8;
        ++*count;
    }
    return at;
}

static inline void query_send(int fd, struct query_ask ask)
{
    uint8_t *bytes = malloc(QUERY_MESSAGE_SIZE);
    struct wire_message_header header = {.info1 = ask.info1,
                                         .info2 = ask.info2,
                                         .info3 = ask.info3,
                                         .record_ttl = ask.ttl,
                                         .transaction_ttl = ask.total_timeout_ms};
    uint8_t *message = bytes + WIRE_FRAME_HEADER_SIZE;
    uint8_t *at = query_ask_fields(message + WIRE_MESSAGE_HEADER_SIZE, &ask, &header.field_count);
    at = query_ask_ops(at, &ask, &header.op_count);
    wire_message_header_store(message, &header);
    wire_frame_header_store(bytes, WIRE_FRAME_MESSAGE, (size_t)(at - message));
    size_t size = (size_t)(at - bytes);
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        assert_true(count > 0);
        sent += (size_t)count;
    }
    free(bytes);
}

// What came back.
struct query_answer {
    uint8_t code; // of the last record
    bool closed;  // the connection ended before the last record
    uint32_t count;
    uint32_t done_count; // partitions told to be done
    uint32_t refused_count;
    uint16_t refused[LIMIT_PARTITIONS]; // partitions that are to be had elsewhere
    uint32_t frame_count;
    size_t frame_size_max;
    uint8_t frame_type; // of the first frame
    uint16_t op_count;  // of the last data record
    uint16_t field_count;
    uint32_t generation, void_time_s;
    uint8_t (*digests)[LIMIT_DIGEST_SIZE]; // QUERY_RECORDS_MAX places
};

static inline void query_answer_free(struct query_answer *answer)
{
    free(answer->digests);
    answer->digests = NULL;
}

static inline bool query_receive_bytes(int fd, uint8_t *at, size_t size)
{
    while (size > 0) {
        ssize_t count = recv(fd, at, size, 0);
        if (count <= 0) {
            return false;
        }
        at += count;
        size -= (size_t)count;
    }
    return true;
}

// One whole frame, header and all, inflated when it was compressed; NULL at the end of the stream.
static inline uint8_t *query_receive_frame(int fd, size_t *size, uint8_t *type)
{
    uint8_t head[WIRE_FRAME_HEADER_SIZE];
    struct wire_frame frame;
    if (!query_receive_bytes(fd, head, sizeof head)) {
        return NULL;
    }
    assert_int_equal(wire_frame_parse(head, sizeof head, &frame, size), RESULT_INCOMPLETE);
    uint8_t *bytes = malloc(*size);
    memcpy(bytes, head, sizeof head);
    *type = head[1];
    if (!query_receive_bytes(fd, bytes + sizeof head, *size - sizeof head)) {
        free(bytes);
        return NULL;
    }
    if (*type == WIRE_FRAME_COMPRESSED) {
        uint8_t *inflated;
        size_t inflated_size;
        assert_int_equal(
            io_inflate_frame(bytes + sizeof head, *size - sizeof head, &inflated, &inflated_size),
            RESULT_OK);
        free(bytes);
        *size = inflated_size;
        return inflated;
    }
    return bytes;
}

static inline void query_record_read(struct query_answer *answer, const struct wire_message *m)
{
    assert_int_equal(m->header.result_code, RESULT_OK);
    struct base_slice digest = wire_fields_get(&m->fields, WIRE_FIELD_DIGEST);
    assert_int_equal(digest.size, LIMIT_DIGEST_SIZE);
    assert_int_equal(wire_fields_get(&m->fields, WIRE_FIELD_NAMESPACE).size, 4);
    assert_true(answer->count < QUERY_RECORDS_MAX);
    memcpy(answer->digests[answer->count++], digest.data, LIMIT_DIGEST_SIZE);
    answer->op_count = m->header.op_count;
    answer->field_count = m->header.field_count;
    answer->generation = m->header.generation;
    answer->void_time_s = m->header.record_ttl;
}

// Reads one frame into the answer; true when the last record, or the stream's end, has come.
static inline bool query_frame_read(int fd, struct query_answer *answer)
{
    size_t size;
    uint8_t type;
    uint8_t *bytes = query_receive_frame(fd, &size, &type);
    if (bytes == NULL) {
        answer->closed = true;
        return true;
    }
    answer->frame_type = answer->frame_count++ == 0 ? type : answer->frame_type;
    answer->frame_size_max = size > answer->frame_size_max ? size : answer->frame_size_max;
    bool last = false;
    for (size_t at = WIRE_FRAME_HEADER_SIZE; at < size;) {
        struct wire_message m;
        size_t taken;
        assert_false(last); // nothing comes behind the last record
        assert_int_equal(wire_message_parse(bytes + at, size - at, &m, &taken), RESULT_OK);
        if (m.header.info3 & WIRE_INFO3_LAST) {
            last = true;
            answer->code = m.header.result_code;
            assert_int_equal(m.header.field_count + m.header.op_count, 0);
        } else if (m.header.info3 & WIRE_INFO3_PARTITION_DONE) {
            if (m.header.result_code == RESULT_OK) {
                answer->done_count++;
            } else {
                assert_int_equal(m.header.result_code, RESULT_PARTITION_UNAVAILABLE);
                assert_true(answer->refused_count < LIMIT_PARTITIONS);
                answer->refused[answer->refused_count++] = (uint16_t)m.header.generation;
            }
        } else {
            query_record_read(answer, &m);
        }
        at += taken;
    }
    free(bytes);
    return last;
}

static inline struct query_answer query_receive(int fd)
{
    struct query_answer answer = {.digests = calloc(QUERY_RECORDS_MAX, LIMIT_DIGEST_SIZE)};
    while (!query_frame_read(fd, &answer)) {
    }
    return answer;
}

static inline struct query_answer query_run(int fd, struct query_ask ask)
{
    query_send(fd, ask);
    return query_receive(fd);
}

// Runs a query whose records are of no interest; returns the code of its last record.
static inline uint8_t query_code(int fd, struct query_ask ask)
{
    struct query_answer answer = query_run(fd, ask);
    assert_false(answer.closed);
    query_answer_free(&answer);
    return answer.code;
}

// The one job of that id, as listed; fails when there is none.
static inline struct job_status query_job(struct query_fixture *f, uint64_t id)
{
    struct job_status status;
    assert_int_equal(jobs_find(f->node->jobs, id, &status), RESULT_OK);
    return status;
}

// Waits until the job of that id is done and returns its status.
struct query_watch {
    struct query_fixture *fixture;
    uint64_t id;
    struct job_status status;
};

static inline bool query_is_done(void *arg)
{
    struct query_watch *watch = arg;
    return jobs_find(watch->fixture->node->jobs, watch->id, &watch->status) == RESULT_OK &&
           strncmp(watch->status.status, "done", 4) == 0;
}

static inline bool query_has_records(void *arg)
{
    struct query_watch *watch = arg;
    return jobs_find(watch->fixture->node->jobs, watch->id, &watch->status) == RESULT_OK &&
           watch->status.records_succeeded > 0;
}

static inline struct job_status query_wait_done(struct query_fixture *f, uint64_t id)
{
    struct query_watch watch = {.fixture = f, .id = id};
    query_until("the job is done", query_is_done, &watch);
    return watch.status;
}

struct query_progress {
    struct query_fixture *fixture;
    uint64_t id, count;
};

static inline bool query_has_count(void *arg)
{
    struct query_progress *progress = arg;
    struct job_status status;
    return jobs_find(progress->fixture->node->jobs, progress->id, &status) == RESULT_OK &&
           status.records_succeeded == progress->count;
}

static inline void query_wait_count(struct query_fixture *f, uint64_t id, uint64_t count)
{
    struct query_progress progress = {f, id, count};
    query_until("the job has sent so many records", query_has_count, &progress);
}

static inline void query_wait_records(struct query_fixture *f, uint64_t id)
{
    struct query_watch watch = {.fixture = f, .id = id};
    query_until("the job has sent records", query_has_records, &watch);
}

// Waits until a counter of the namespace, by its name, has come to `value`: a query is counted when
// its answer has been sent.
struct query_count {
    struct query_fixture *fixture;
    size_t offset;
    uint64_t value;
};

static inline bool query_has_counted(void *arg)
{
    struct query_count *count = arg;
    return node_namespace_counter(count->fixture->node, 0, count->offset) == count->value;
}

#define query_expect_counter(f, name, expected)                                                    \
    query_until(#name " is " #expected, query_has_counted,                                         \
                &(struct query_count){f, offsetof(struct counters_namespace, name), expected})
