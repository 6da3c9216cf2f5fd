// SPDX-License-Identifier: Apache-2.0
// The header of what nodes say to each other: stores it, and judges bytes of foreign origin.
#include "cluster/message.h"

enum {
    SIZE_AT = 0,
    TYPE_AT = 4,
    FLAGS_AT = 5,
    NAMESPACE_AT = 6,
    RESULT_AT = 7,
    ID_AT = 8,
    KEY_AT = 16,
    PARTITION_AT = 24,
    SPARE_AT = 28,
};

void message_header_store(uint8_t at[MESSAGE_HEADER_SIZE], const struct message *message,
                          uint32_t body_size)
{
    base_assert(body_size <= LIMIT_FABRIC_SIZE - MESSAGE_HEADER_SIZE);
    base_assert(message->partition < LIMIT_PARTITIONS);
    base_le32_store(at + SIZE_AT, MESSAGE_HEADER_SIZE + body_size);
    at[TYPE_AT] = message->type;
    at[FLAGS_AT] = message->flags;
    at[NAMESPACE_AT] = message->namespace_number;
    at[RESULT_AT] = message->result;
    base_le64_store(at + ID_AT, message->id);
    base_le64_store(at + KEY_AT, message->key);
    base_le32_store(at + PARTITION_AT, message->partition);
    base_le32_store(at + SPARE_AT, 0);
}

static bool header_is_good(const uint8_t *bytes)
{
    return bytes[TYPE_AT] >= MESSAGE_HELLO && bytes[TYPE_AT] <= MESSAGE_QUERIED &&
           (bytes[NAMESPACE_AT] < LIMIT_NAMESPACES ||
            bytes[NAMESPACE_AT] == MESSAGE_NO_NAMESPACE) &&
           base_le32_load(bytes + PARTITION_AT) < LIMIT_PARTITIONS &&
           base_le32_load(bytes + SPARE_AT) == 0;
}

enum base_result message_parse(const uint8_t *bytes, uint64_t count, struct message *out,
                               uint32_t *size)
{
    *out = (struct message){0};
    *size = MESSAGE_HEADER_SIZE;
    if (count >= SIZE_AT + sizeof(uint32_t)) {
        uint32_t whole = base_le32_load(bytes + SIZE_AT);
        if (whole < MESSAGE_HEADER_SIZE || whole > LIMIT_FABRIC_SIZE) {
            return RESULT_MALFORMED;
        }
    }
    if (count < MESSAGE_HEADER_SIZE) {
        return RESULT_INCOMPLETE;
    }
    // Judged before the body is waited for, so that nobody gathers bytes for a stranger.
    if (!header_is_good(bytes)) {
        return RESULT_MALFORMED;
    }
    *size = base_le32_load(bytes + SIZE_AT);
    if (count < *size) {
        return RESULT_INCOMPLETE;
    }
    *out = (struct message){
        .type = bytes[TYPE_AT],
        .flags = bytes[FLAGS_AT],
        .namespace_number = bytes[NAMESPACE_AT],
        .result = bytes[RESULT_AT],
        .id = base_le64_load(bytes + ID_AT),
        .key = base_le64_load(bytes + KEY_AT),
        .partition = base_le32_load(bytes + PARTITION_AT),
        .body = {bytes + MESSAGE_HEADER_SIZE, *size - MESSAGE_HEADER_SIZE},
    };
    return RESULT_OK;
}
