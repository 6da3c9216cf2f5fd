// SPDX-License-Identifier: Apache-2.0
// Two buffers and a ring of tags. Of an answer only the result code is read: a load generator wants
// to cost less than the server it measures.
#include "client/pipeline.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "client/cluster.h"
#include "client/request.h"
#include "wire/frame.h"

enum {
    PIPELINE_MAGIC = 0x50495045,
    DEPTH_MAX = 65536,
    BUFFER_SIZE_FIRST = 64 * 1024,
    RESULT_CODE_OFFSET = 5, // in a message
};

struct buffer {
    uint8_t *bytes;
    size_t begin, end, capacity; // what is inside stands from begin to end
};

struct client_pipeline {
    uint32_t magic;
    struct ballast_cluster *cluster;
    struct client_connection *connection;
    uint32_t node;
    client_pipeline_fn fn;
    void *arg;
    struct buffer out, in;
    uint32_t depth, first, count; // the ring of tags in flight
    uint64_t tags[];
};

// Makes room for `size` bytes behind the end.
static bool buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->begin > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer->end - buffer->begin);
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    if (buffer->capacity - buffer->end >= size) {
        return true;
    }
    size_t capacity = buffer->capacity * 2;
    capacity = capacity < buffer->end + size ? buffer->end + size : capacity;
    capacity = capacity < BUFFER_SIZE_FIRST ? BUFFER_SIZE_FIRST : capacity;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

enum base_result client_pipeline_new(struct ballast_cluster *cluster, const char *node,
                                     uint32_t depth, uint32_t timeout_ms, client_pipeline_fn fn,
                                     void *arg, struct client_pipeline **out)
{
    *out = NULL;
    struct client_node *target = client__cluster_node_find(cluster, node);
    if (target == NULL) {
        return RESULT_NO_NODE;
    }
    if (depth == 0 || depth > DEPTH_MAX) {
        return RESULT_PARAMETER;
    }
    struct client_pipeline *pipeline =
        calloc(1, sizeof *pipeline + depth * sizeof pipeline->tags[0]);
    if (pipeline == NULL) {
        return RESULT_NO_MEMORY;
    }
    *pipeline = (struct client_pipeline){.magic = PIPELINE_MAGIC,
                                         .cluster = cluster,
                                         .node = target->number,
                                         .fn = fn,
                                         .arg = arg,
                                         .depth = depth};
    enum base_result result =
        client__node_open(target, cluster->connections_per_node_max, &pipeline->connection);
    if (result == RESULT_OK) {
        struct pollfd wait = {.fd = pipeline->connection->watch.fd, .events = POLLOUT};
        result = poll(&wait, 1, (int)timeout_ms) == 1
                     ? io_socket_connected(pipeline->connection->watch.fd)
                     : RESULT_CLIENT_TIMEOUT;
    }
    if (result != RESULT_OK) {
        client_pipeline_free(&pipeline);
    }
    *out = pipeline;
    return result;
}

void client_pipeline_free(struct client_pipeline **pipeline)
{
    struct client_pipeline *p = *pipeline;
    if (p == NULL) {
        return;
    }
    base_magic_check(p, PIPELINE_MAGIC);
    client__connection_close(p->connection);
    free(p->out.bytes);
    free(p->in.bytes);
    free(p);
    *pipeline = NULL;
}

int client_pipeline_fd(const struct client_pipeline *pipeline)
{
    return pipeline->connection->watch.fd;
}

bool client_pipeline_wants_write(const struct client_pipeline *pipeline)
{
    return pipeline->out.begin < pipeline->out.end;
}

uint32_t client_pipeline_room(const struct client_pipeline *pipeline)
{
    return pipeline->depth - pipeline->count;
}

bool client_pipeline_holds(const struct client_pipeline *pipeline, const char *ns,
                           const uint8_t digest[BALLAST_DIGEST_SIZE])
{
    const struct client_partitions *partitions = client__map_find(&pipeline->cluster->map, ns);
    uint32_t number;
    return partitions != NULL &&
           client__map_owner(partitions, base_digest_partition(digest), 0, &number) &&
           number == pipeline->node;
}

static enum base_result append(struct client_pipeline *pipeline,
                               const struct ballast_policy *policy, const struct ballast_key *key,
                               const struct client_request *request, uint64_t tag)
{
    if (pipeline->count == pipeline->depth) {
        return RESULT_LIMIT;
    }
    struct client_key read;
    enum base_result result = client__key_read(key, &read);
    if (result == RESULT_OK) {
        result = client__request_check(request);
    }
    if (result != RESULT_OK) {
        return result;
    }
    struct wire_message_header header;
    client__request_header(request, policy, &header);
    header.transaction_ttl = client__server_timeout_ms(policy);
    header.field_count = client__key_fields_count(&read, true, policy->send_key);
    size_t body_size = WIRE_MESSAGE_HEADER_SIZE +
                       client__key_fields_size(&read, true, policy->send_key) +
                       client__request_ops_size(request);
    struct buffer *out = &pipeline->out;
    if (!buffer_reserve(out, WIRE_FRAME_HEADER_SIZE + body_size)) {
        return RESULT_NO_MEMORY;
    }
    uint8_t *at = out->bytes + out->end;
    wire_frame_header_store(at, WIRE_FRAME_MESSAGE, body_size);
    wire_message_header_store(at + WIRE_FRAME_HEADER_SIZE, &header);
    at = client__key_fields_store(at + WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE, &read,
                                  true, policy->send_key);
    client__request_ops_store(at, request);
    out->end += WIRE_FRAME_HEADER_SIZE + body_size;
    pipeline->tags[(pipeline->first + pipeline->count++) % pipeline->depth] = tag;
    return RESULT_OK;
}

enum base_result client_pipeline_get(struct client_pipeline *pipeline,
                                     const struct ballast_policy *policy,
                                     const struct ballast_key *key, uint64_t tag)
{
    struct client_request request = {.kind = CLIENT_REQUEST_GET};
    return append(pipeline, policy, key, &request, tag);
}

enum base_result client_pipeline_put(struct client_pipeline *pipeline,
                                     const struct ballast_policy *policy,
                                     const struct ballast_key *key, const struct ballast_bin *bins,
                                     size_t bin_count, uint64_t tag)
{
    struct client_request request = {.kind = CLIENT_REQUEST_PUT, .bins = bins, .count = bin_count};
    return append(pipeline, policy, key, &request, tag);
}

enum base_result client_pipeline_remove(struct client_pipeline *pipeline,
                                        const struct ballast_policy *policy,
                                        const struct ballast_key *key, uint64_t tag)
{
    struct client_request request = {.kind = CLIENT_REQUEST_REMOVE};
    return append(pipeline, policy, key, &request, tag);
}

enum base_result client_pipeline_flush(struct client_pipeline *pipeline)
{
    struct buffer *out = &pipeline->out;
    while (out->begin < out->end) {
        size_t sent;
        enum base_result result = io_socket_send(
            client_pipeline_fd(pipeline), out->bytes + out->begin, out->end - out->begin, &sent);
        if (result != RESULT_OK) {
            return result == RESULT_WOULD_BLOCK ? RESULT_OK : result;
        }
        out->begin += sent;
    }
    out->begin = out->end = 0;
    return RESULT_OK;
}

// Takes whole answers off the front of the input; *need is what a part of one still needs.
static enum base_result answers_take(struct client_pipeline *pipeline, size_t *need)
{
    struct buffer *in = &pipeline->in;
    *need = 0;
    for (;;) {
        struct wire_frame frame;
        size_t frame_size;
        enum base_result result =
            wire_frame_parse(in->bytes + in->begin, in->end - in->begin, &frame, &frame_size);
        if (result == RESULT_INCOMPLETE) {
            *need = frame_size;
            return RESULT_OK;
        }
        if (result != RESULT_OK || frame.type != WIRE_FRAME_MESSAGE ||
            frame.body_size < WIRE_MESSAGE_HEADER_SIZE || pipeline->count == 0) {
            return RESULT_MALFORMED;
        }
        in->begin += frame_size;
        uint64_t tag = pipeline->tags[pipeline->first];
        pipeline->first = (pipeline->first + 1) % pipeline->depth;
        pipeline->count--;
        pipeline->fn(frame.body[RESULT_CODE_OFFSET], tag, pipeline->arg);
    }
}

enum base_result client_pipeline_receive(struct client_pipeline *pipeline)
{
    struct buffer *in = &pipeline->in;
    size_t need = 0;
    for (;;) {
        size_t have = in->end - in->begin;
        // An announced size is believed a buffer at a time.
        size_t want = need > have + BUFFER_SIZE_FIRST ? BUFFER_SIZE_FIRST
                      : need > have                   ? need - have
                                                      : 1;
        if (!buffer_reserve(in, want < BUFFER_SIZE_FIRST / 2 ? BUFFER_SIZE_FIRST / 2 : want)) {
            return RESULT_NO_MEMORY;
        }
        size_t room = in->capacity - in->end, received;
        enum base_result result =
            io_socket_receive(client_pipeline_fd(pipeline), in->bytes + in->end, room, &received);
        if (result != RESULT_OK) {
            return result == RESULT_WOULD_BLOCK ? RESULT_OK : result;
        }
        in->end += received;
        result = answers_take(pipeline, &need);
        if (result != RESULT_OK || received < room) {
            return result;
        }
    }
}
