// SPDX-License-Identifier: Apache-2.0
// Messages behind test/lib/request.h.
#include "lib/request.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/digest.h"
#include "wire/frame.h"
#include "wire/message.h"

enum { COMPRESSED_HEADER_SIZE = 8 };

static const char namespace_name[4] = "test";
static const char set_name[4] = "demo";

uint8_t *test_request_append(struct test_request *request, size_t size)
{
    if (request->size + size > request->capacity) {
        request->capacity = 2 * request->capacity + size;
        request->bytes = realloc(request->bytes, request->capacity);
        base_assert(request->bytes != NULL);
    }
    uint8_t *at = request->bytes + request->size;
    request->size += size;
    return at;
}

// SplitMix64 over the key gives digests as uniform as real ones.
static void key_digest(uint64_t key, struct base_digest *out)
{
    for (size_t i = 0; i < sizeof out->bytes; i += 4) {
        uint64_t z = key * 8 + i / 4 + 1;
        z *= 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        base_le32_store(out->bytes + i, (uint32_t)(z ^ z >> 31));
    }
}

// Appends a frame with the message's header, namespace and set; returns the place for `rest_size`
// bytes of further fields and ops.
static uint8_t *append_message(struct test_request *request,
                               const struct wire_message_header *header, size_t rest_size)
{
    size_t body_size = WIRE_MESSAGE_HEADER_SIZE + wire_field_size(sizeof namespace_name) +
                       wire_field_size(sizeof set_name) + rest_size;
    uint8_t *at = test_request_append(request, WIRE_FRAME_HEADER_SIZE + body_size);
    wire_frame_header_store(at, WIRE_FRAME_MESSAGE, body_size);
    at += WIRE_FRAME_HEADER_SIZE;
    wire_message_header_store(at, header);
    at += WIRE_MESSAGE_HEADER_SIZE;
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, namespace_name, sizeof namespace_name);
    return wire_field_store(at, WIRE_FIELD_SET, set_name, sizeof set_name);
}

// A message about one record; returns the place for `ops_size` bytes of ops.
static uint8_t *append_record(struct test_request *request, struct wire_message_header header,
                              uint64_t key, size_t ops_size)
{
    header.field_count = 3;
    header.transaction_ttl = 10000;
    struct base_digest digest;
    key_digest(key, &digest);
    uint8_t *at = append_message(request, &header, wire_field_size(sizeof digest.bytes) + ops_size);
    return wire_field_store(at, WIRE_FIELD_DIGEST, digest.bytes, sizeof digest.bytes);
}

void test_request_put(struct test_request *request, uint64_t key, const void *value, size_t size)
{
    uint8_t *at = append_record(
        request, (struct wire_message_header){.info2 = WIRE_INFO2_WRITE, .op_count = 1}, key,
        wire_op_size(1, size));
    at = wire_op_store(at, WIRE_OP_WRITE, WIRE_PARTICLE_BLOB, "b", 1, size);
    memcpy(at, value, size);
}

void test_request_get(struct test_request *request, uint64_t key)
{
    append_record(request,
                  (struct wire_message_header){.info1 = WIRE_INFO1_READ | WIRE_INFO1_GET_ALL}, key,
                  0);
}

void test_request_delete(struct test_request *request, uint64_t key)
{
    append_record(request,
                  (struct wire_message_header){.info2 = WIRE_INFO2_WRITE | WIRE_INFO2_DELETE}, key,
                  0);
}

void test_request_scan(struct test_request *request, uint64_t task_id)
{
    uint8_t id[8], partitions[2 * LIMIT_PARTITIONS];
    base_be64_store(id, task_id);
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        base_le16_store(partitions + (size_t)2 * i, (uint16_t)i);
    }
    struct wire_message_header header = {.info1 = WIRE_INFO1_READ,
                                         .info3 = WIRE_INFO3_PARTITION_DONE,
                                         .record_ttl = WIRE_TTL_NEVER,
                                         .field_count = 4};
    uint8_t *at = append_message(request, &header,
                                 wire_field_size(sizeof partitions) + wire_field_size(sizeof id));
    at = wire_field_store(at, WIRE_FIELD_PID_ARRAY, partitions, sizeof partitions);
    wire_field_store(at, WIRE_FIELD_TASK_ID, id, sizeof id);
}

void test_request_info(struct test_request *request, const char *names)
{
    size_t size = strlen(names);
    uint8_t *at = test_request_append(request, WIRE_FRAME_HEADER_SIZE + size);
    wire_frame_header_store(at, WIRE_FRAME_INFO, size);
    memcpy(at + WIRE_FRAME_HEADER_SIZE, names, size);
}

void test_request_compress(struct test_request *request)
{
    struct test_request plain = *request;
    uLongf size = compressBound(plain.size);
    *request = (struct test_request){0};
    uint8_t *at =
        test_request_append(request, WIRE_FRAME_HEADER_SIZE + COMPRESSED_HEADER_SIZE + size);
    uint8_t *data = at + WIRE_FRAME_HEADER_SIZE + COMPRESSED_HEADER_SIZE;
    base_assert(compress2(data, &size, plain.bytes, plain.size, 1) == Z_OK);
    wire_frame_header_store(at, WIRE_FRAME_COMPRESSED, COMPRESSED_HEADER_SIZE + size);
    base_be64_store(at + WIRE_FRAME_HEADER_SIZE, plain.size);
    request->size = WIRE_FRAME_HEADER_SIZE + COMPRESSED_HEADER_SIZE + size;
    test_request_fini(&plain);
}

void test_request_fini(struct test_request *request)
{
    free(request->bytes);
    *request = (struct test_request){0};
}
