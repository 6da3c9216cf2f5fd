// SPDX-License-Identifier: Apache-2.0
// Whatever bytes come, the wire parsers read inside of them, and what they accept can be written
// again to the same bytes. Every byte that a parser hands out is read, so that a slice that leads
// outside is seen by AddressSanitizer.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/limits.h"
#include "wire/batch.h"
#include "wire/frame.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *bytes, size_t size)
{
    static volatile uint8_t sink;
    for (size_t i = 0; i < size; i++) {
        sink = (uint8_t)(sink ^ bytes[i]);
    }
}

static void read_fields(const struct wire_fields *fields)
{
    for (uint32_t type = 0; type < WIRE_FIELD_TYPES; type++) {
        struct base_slice field = wire_fields_get(fields, (enum wire_field_type)type);
        read_all(field.data, field.size);
    }
}

static void read_ops(struct wire_ops ops)
{
    const uint8_t *at = ops.at;
    uint32_t count = ops.count;
    uint32_t seen = 0;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        base_assert(op.name == at + WIRE_OP_HEADER_SIZE);
        read_all(op.name, op.name_size);
        read_all(op.value, op.value_size);
        uint8_t head[WIRE_OP_HEADER_SIZE + UINT8_MAX];
        wire_op_store(head, op.type, op.particle_type, op.name, op.name_size, op.value_size);
        base_assert(base_be32_load(head) == base_be32_load(at));
        base_assert(memcmp(head + WIRE_OP_HEADER_SIZE, op.name, op.name_size) == 0);
        at += wire_op_size(op.name_size, op.value_size);
        seen++;
    }
    base_assert(seen == count && ops.size == 0);
}

static void read_batch(struct base_slice field)
{
    struct wire_batch batch;
    if (wire_batch_open(field, &batch) != RESULT_OK) {
        return;
    }
    while (wire_batch_next(&batch) == RESULT_OK) {
        read_all(batch.row.digest, LIMIT_DIGEST_SIZE);
        read_fields(&batch.row.fields);
        read_ops(batch.row.ops);
    }
}

static void read_messages(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        struct wire_message message;
        size_t message_size;
        if (wire_message_parse(bytes, size, &message, &message_size) != RESULT_OK) {
            base_assert(message_size == 0);
            return;
        }
        base_assert(message_size >= WIRE_MESSAGE_HEADER_SIZE && message_size <= size);
        uint8_t header[WIRE_MESSAGE_HEADER_SIZE];
        wire_message_header_store(header, &message.header);
        base_assert(memcmp(header, bytes, sizeof header) == 0);
        read_fields(&message.fields);
        read_ops(message.ops);
        read_batch(wire_fields_get(&message.fields, WIRE_FIELD_BATCH));
        bytes += message_size;
        size -= message_size;
    }
}

static void read_frames(const uint8_t *bytes, size_t size)
{
    struct wire_frame frame;
    size_t frame_size;
    while (wire_frame_parse(bytes, size, &frame, &frame_size) == RESULT_OK) {
        base_assert(frame_size == WIRE_FRAME_HEADER_SIZE + frame.body_size && frame_size <= size);
        uint8_t header[WIRE_FRAME_HEADER_SIZE];
        wire_frame_header_store(header, frame.type, frame.body_size);
        base_assert(memcmp(header, bytes, sizeof header) == 0);
        if (frame.type == WIRE_FRAME_MESSAGE) {
            read_messages(frame.body, frame.body_size);
        }
        bytes += frame_size;
        size -= frame_size;
    }
}

// The first byte picks the parser, so that the fuzzer need not find a way through all of them.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        read_frames(data + 1, size - 1);
        break;
    case 1:
        read_messages(data + 1, size - 1);
        break;
    default:
        read_batch((struct base_slice){data + 1, size - 1});
        break;
    }
    return 0;
}
