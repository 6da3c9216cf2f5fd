// SPDX-License-Identifier: Apache-2.0
// What a frame holds decides who answers it.
#include "server/dispatch.h"

#include <stdlib.h>

#include "io/compress.h"
#include "server/batch.h"
#include "server/info.h"
#include "server/jobs.h"
#include "server/request.h"
#include "server/service.h"

enum {
    ADMIN_HEADER_SIZE = 16,
    LINE_SIZE_MAX = 64 * 1024, // of the plain-text port
    PEEK_FIELDS = 4,           // clients send the digest among the first
};

static bool frame_begin(struct output *out, size_t *at)
{
    *at = out->size;
    if (output_reserve(out, WIRE_FRAME_HEADER_SIZE) == NULL) {
        return false;
    }
    out->size += WIRE_FRAME_HEADER_SIZE;
    return true;
}

static void frame_end(struct output *out, size_t at, enum wire_frame_type type)
{
    wire_frame_header_store(out->data + at, type, out->size - at - WIRE_FRAME_HEADER_SIZE);
}

// A message that cannot be parsed is refused whole, but its frame was sound: the connection lives.
static bool refuse(struct connection *c, enum base_result result)
{
    struct output *out = &c->thread->worker.output;
    size_t at;
    if (!frame_begin(out, &at) || !request_refuse(&c->thread->worker, result, 0)) {
        return false;
    }
    frame_end(out, at, WIRE_FRAME_MESSAGE);
    return true;
}

// Answers a single-record message, compressed where the client asked for it and it pays.
static bool answer_record(struct connection *c, const struct wire_message *message)
{
    struct worker *worker = &c->thread->worker;
    struct request request = {
        .worker = worker,
        .origin = REQUEST_CLIENT,
        .header = &message->header,
        .fields = &message->fields,
        .ops = message->ops,
        .digest = message->fields.field[WIRE_FIELD_DIGEST].data,
    };
    size_t at;
    if (!frame_begin(&worker->output, &at) || !request_run(&request)) {
        return false;
    }
    if (__builtin_expect(request.operation != NULL, 0)) {
        worker->output.size = at;
        return connection_await(c, request.operation,
                                (message->header.info1 & WIRE_INFO1_COMPRESS_RESPONSE) != 0);
    }
    frame_end(&worker->output, at, WIRE_FRAME_MESSAGE);
    return true;
}

// Replaces the frames from `at` on by one compressed frame where that is smaller. An answer of
// several frames stays as it is, and so does one that the heap has no room to compress.
void dispatch_compress(struct output *out, size_t at)
{
    struct wire_frame frame;
    size_t frame_size, compressed_size;
    uint8_t *compressed;
    if (out->size - at <= LIMIT_COMPRESS_THRESHOLD ||
        wire_frame_parse(out->data + at, out->size - at, &frame, &frame_size) != RESULT_OK ||
        frame_size != out->size - at ||
        io_compress_frame(out->data + at, frame_size, &compressed, &compressed_size) != RESULT_OK) {
        return;
    }
    out->size = at;
    bool ok = output_put(out, compressed, compressed_size);
    base_assert(ok); // it is smaller than what stood there
    free(compressed);
}

static enum dispatch_verdict verdict_of(bool ok)
{
    return ok ? DISPATCH_DONE : DISPATCH_BROKEN;
}

// Batches and queries are not: they answer in pieces, or lend the connection.
static bool is_single(const struct wire_message *message)
{
    return wire_fields_has(&message->fields, WIRE_FIELD_DIGEST) &&
           !wire_fields_has(&message->fields, WIRE_FIELD_BATCH);
}

static enum dispatch_verdict dispatch_message(struct connection *c, const uint8_t *body,
                                              size_t size)
{
    struct worker *worker = &c->thread->worker;
    struct wire_message message;
    size_t message_size;
    if (wire_message_parse(body, size, &message, &message_size) != RESULT_OK) {
        counters_add(&worker->counters->node.demarshal_error, 1);
        return verdict_of(refuse(c, RESULT_PARAMETER));
    }
    if (__builtin_expect(connection_awaits(c), 0) && !is_single(&message)) {
        return DISPATCH_LATER;
    }
    size_t answer_at = worker->output.size;
    bool ok = true;
    if (wire_fields_has(&message.fields, WIRE_FIELD_BATCH)) {
        batch_begin(worker, body, size, &message, connection_batch_wake, c, &c->batch);
    } else if (!wire_fields_has(&message.fields, WIRE_FIELD_DIGEST)) {
        jobs_begin(worker->node->jobs, worker, c, &message);
        return DISPATCH_DONE;
    } else if (message.fields.field[WIRE_FIELD_DIGEST].size != LIMIT_DIGEST_SIZE) {
        return verdict_of(refuse(c, RESULT_PARAMETER));
    } else {
        ok = answer_record(c, &message);
    }
    if (ok && message.header.info1 & WIRE_INFO1_COMPRESS_RESPONSE) {
        dispatch_compress(&worker->output, answer_at);
    }
    return verdict_of(ok);
}

static bool dispatch_info(struct connection *c, const struct wire_frame *frame)
{
    struct worker *worker = &c->thread->worker;
    if (frame->body_size > LIMIT_INFO_REQUEST_SIZE) {
        return false;
    }
    size_t at;
    if (!frame_begin(&worker->output, &at)) {
        return false;
    }
    info_answer(worker, c, (struct base_slice){frame->body, frame->body_size});
    frame_end(&worker->output, at, WIRE_FRAME_INFO);
    counters_add(&worker->counters->node.info_complete, 1);
    return true;
}

// This node has no users: every command is answered so, and clients go on without a login.
static bool dispatch_admin(struct connection *c, const struct wire_frame *frame)
{
    struct output *out = &c->thread->worker.output;
    if (frame->body_size < ADMIN_HEADER_SIZE) {
        return false;
    }
    size_t at;
    if (!frame_begin(out, &at)) {
        return false;
    }
    uint8_t answer[ADMIN_HEADER_SIZE] = {0, RESULT_SECURITY_NOT_ENABLED};
    if (!output_put(out, answer, sizeof answer)) {
        return false;
    }
    frame_end(out, at, WIRE_FRAME_ADMIN);
    return true;
}

static enum dispatch_verdict dispatch_compressed(struct connection *c,
                                                 const struct wire_frame *frame)
{
    uint8_t *bytes;
    size_t size;
    if (io_inflate_frame(frame->body, frame->body_size, &bytes, &size) != RESULT_OK) {
        return DISPATCH_BROKEN;
    }
    enum dispatch_verdict verdict =
        dispatch_message(c, bytes + WIRE_FRAME_HEADER_SIZE, size - WIRE_FRAME_HEADER_SIZE);
    free(bytes);
    return verdict;
}

enum dispatch_verdict dispatch_frame(struct connection *c, const struct wire_frame *frame)
{
    // A client that gave up (this process was stopped, the network was cut) has long gone on: its
    // write would come back from the past and undo what it wrote since elsewhere.
    if (c->abandoned &&
        (frame->type == WIRE_FRAME_MESSAGE || frame->type == WIRE_FRAME_COMPRESSED)) {
        return DISPATCH_ABANDONED;
    }
    switch (frame->type) {
    case WIRE_FRAME_MESSAGE:
        return dispatch_message(c, frame->body, frame->body_size);
    case WIRE_FRAME_INFO:
        return verdict_of(dispatch_info(c, frame));
    case WIRE_FRAME_ADMIN:
        return verdict_of(dispatch_admin(c, frame));
    case WIRE_FRAME_COMPRESSED:
        return dispatch_compressed(c, frame);
    }
    return DISPATCH_BROKEN;
}

// Finds namespace and digest of a record's message without checking the rest of it.
static bool peek(struct node *node, const struct wire_frame *frame, struct namespace **ns,
                 const uint8_t **digest)
{
    if (frame->type != WIRE_FRAME_MESSAGE || frame->body_size < WIRE_MESSAGE_HEADER_SIZE) {
        return false;
    }
    const uint8_t *at = frame->body + WIRE_MESSAGE_HEADER_SIZE;
    const uint8_t *end = frame->body + frame->body_size;
    *ns = NULL;
    for (uint32_t i = 0; i < PEEK_FIELDS && end - at >= WIRE_FIELD_HEADER_SIZE; i++) {
        uint32_t length = base_be32_load(at);
        if (length == 0 || length > (size_t)(end - at) - 4) {
            return false;
        }
        struct base_slice data = {at + WIRE_FIELD_HEADER_SIZE, length - 1};
        if (at[4] == WIRE_FIELD_NAMESPACE) {
            *ns = node_namespace_find(node, data);
        } else if (at[4] == WIRE_FIELD_DIGEST && data.size == LIMIT_DIGEST_SIZE) {
            *digest = data.data;
            return *ns != NULL;
        }
        at += 4 + length;
    }
    return false;
}

void dispatch_look_ahead(struct connection *c, const uint8_t *bytes, size_t size,
                         struct dispatch_ahead *out)
{
    out->frames = out->records = 0;
    for (size_t at = 0; out->frames < DISPATCH_AHEAD_MAX; out->frames++) {
        struct wire_frame frame;
        size_t frame_size;
        if (wire_frame_parse(bytes + at, size - at, &frame, &frame_size) != RESULT_OK) {
            break;
        }
        at += frame_size;
        struct dispatch_place *place = &out->place[out->records];
        if (peek(c->thread->worker.node, &frame, &place->ns, &place->digest)) {
            store_prefetch(place->ns->store, place->digest);
            out->records++;
        }
    }
}

void dispatch_look_closer(const struct dispatch_ahead *ahead)
{
    for (uint32_t i = 0; i < ahead->records; i++) {
        store_prefetch_record(ahead->place[i].ns->store, ahead->place[i].digest);
    }
}

size_t dispatch_lines(struct connection *c, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && !c->closed) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        if (end == NULL) {
            if (size - at > LINE_SIZE_MAX) {
                connection_close(c);
                return size;
            }
            break;
        }
        size_t line_size = (size_t)(end - (bytes + at));
        struct base_slice line = {bytes + at, line_size};
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        info_answer_line(&c->thread->worker, c, line);
        at += line_size + 1;
    }
    return at;
}
