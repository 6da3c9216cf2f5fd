// SPDX-License-Identifier: Apache-2.0
// One pass over the bytes: header, then each field's and each op's length against what is left.
#include "wire/message.h"

enum base_result wire_fields_parse(const uint8_t **at, const uint8_t *end, uint32_t count,
                                   struct wire_fields *out)
{
    const uint8_t *p = *at;
    out->present = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((size_t)(end - p) < WIRE_FIELD_HEADER_SIZE) {
            return RESULT_MALFORMED;
        }
        uint32_t length = base_be32_load(p); // type byte and data
        if (length == 0 || length - 1 > (size_t)(end - p) - WIRE_FIELD_HEADER_SIZE) {
            return RESULT_MALFORMED;
        }
        uint8_t type = p[4];
        if (type < WIRE_FIELD_TYPES) {
            out->present |= 1ull << type;
            out->field[type] =
                (struct base_slice){.data = p + WIRE_FIELD_HEADER_SIZE, .size = length - 1};
        }
        p += WIRE_FIELD_HEADER_SIZE + length - 1;
    }
    *at = p;
    return RESULT_OK;
}

enum base_result wire_ops_parse(const uint8_t **at, const uint8_t *end, uint32_t count,
                                struct wire_ops *out)
{
    const uint8_t *p = *at;
    for (uint32_t i = 0; i < count; i++) {
        if ((size_t)(end - p) < WIRE_OP_HEADER_SIZE) {
            return RESULT_MALFORMED;
        }
        uint32_t length = base_be32_load(p); // all behind the length itself
        if (length < 4 || length > (size_t)(end - p) - 4 || p[7] > length - 4) {
            return RESULT_MALFORMED;
        }
        p += 4 + (size_t)length;
    }
    *out = (struct wire_ops){.at = *at, .size = (size_t)(p - *at), .count = count};
    *at = p;
    return RESULT_OK;
}

bool wire_ops_next(struct wire_ops *ops, struct wire_op *out)
{
    if (ops->count == 0) {
        return false;
    }
    const uint8_t *p = ops->at;
    uint32_t length = base_be32_load(p);
    out->type = p[4];
    out->particle_type = p[5];
    out->name_size = p[7];
    out->name = p + WIRE_OP_HEADER_SIZE;
    out->value = out->name + out->name_size;
    out->value_size = length - 4 - out->name_size;
    ops->at += 4 + (size_t)length;
    ops->size -= 4 + (size_t)length;
    ops->count--;
    return true;
}

enum base_result wire_message_parse(const uint8_t *bytes, size_t size, struct wire_message *out,
                                    size_t *message_size)
{
    *message_size = 0;
    if (size < WIRE_MESSAGE_HEADER_SIZE || bytes[0] != WIRE_MESSAGE_HEADER_SIZE) {
        return RESULT_MALFORMED;
    }
    out->header = (struct wire_message_header){
        .info1 = bytes[1],
        .info2 = bytes[2],
        .info3 = bytes[3],
        .info4 = bytes[4],
        .result_code = bytes[5],
        .generation = base_be32_load(bytes + 6),
        .record_ttl = base_be32_load(bytes + 10),
        .transaction_ttl = base_be32_load(bytes + 14),
        .field_count = base_be16_load(bytes + 18),
        .op_count = base_be16_load(bytes + 20),
    };
    const uint8_t *at = bytes + WIRE_MESSAGE_HEADER_SIZE;
    const uint8_t *end = bytes + size;
    enum base_result result = wire_fields_parse(&at, end, out->header.field_count, &out->fields);
    if (result != RESULT_OK) {
        return result;
    }
    result = wire_ops_parse(&at, end, out->header.op_count, &out->ops);
    if (result != RESULT_OK) {
        return result;
    }
    *message_size = (size_t)(at - bytes);
    return RESULT_OK;
}

void wire_message_header_store(uint8_t *at, const struct wire_message_header *header)
{
    at[0] = WIRE_MESSAGE_HEADER_SIZE;
    at[1] = header->info1;
    at[2] = header->info2;
    at[3] = header->info3;
    at[4] = header->info4;
    at[5] = header->result_code;
    base_be32_store(at + 6, header->generation);
    base_be32_store(at + 10, header->record_ttl);
    base_be32_store(at + 14, header->transaction_ttl);
    base_be16_store(at + 18, header->field_count);
    base_be16_store(at + 20, header->op_count);
}

uint8_t *wire_field_store(uint8_t *at, enum wire_field_type type, const void *data, size_t size)
{
    base_be32_store(at, (uint32_t)(size + 1));
    at[4] = (uint8_t)type;
    if (size > 0) {
        memcpy(at + WIRE_FIELD_HEADER_SIZE, data, size);
    }
    return at + WIRE_FIELD_HEADER_SIZE + size;
}
