// SPDX-License-Identifier: Apache-2.0
// The messages of the partition machine as bytes, little endian.
//
// Exchange: key 8, rack 4, replication factor 1, flags 1, spare 2; then for each partition one byte
// of flags, and if they say so lineage 8, sum 8, count 4. Most partitions of a new node take one
// byte each.
//
// Message: key 8, partition 4, step 4, type 1, master 1, column count 1, spare 1, then writes,
// full, unsynced, duplicates and drop with 16 bytes each, then a byte for each column.
#include "core/partition/partition.h"

#include <string.h>

#include "base/bytes.h"

enum {
    EXCHANGE_HEADER_SIZE = 16,
    EXCHANGE_HAS_NAMESPACE = 1,
    EXCHANGE_WANTS = 2,
    COPY_FULL = 1,
    COPY_SOME = 2,
    COPY_SIZE = 20, // of one that is said
    SET_SIZE = LIMIT_CLUSTER_NODES / 8,
    MESSAGE_FIXED_SIZE = 20 + 5 * SET_SIZE,
};

_Static_assert(EXCHANGE_HEADER_SIZE + LIMIT_PARTITIONS * (1 + COPY_SIZE) <=
                   PARTITION_EXCHANGE_SIZE_MAX,
               "the largest exchange fits");
_Static_assert(MESSAGE_FIXED_SIZE + LIMIT_REPLICATION_FACTOR <= PARTITION_MESSAGE_SIZE_MAX,
               "the largest message fits");

uint32_t partition_exchange_encode(const struct partition_exchange *exchange, uint8_t *out)
{
    uint32_t size = EXCHANGE_HEADER_SIZE;
    base_assert(exchange->replication_factor <= LIMIT_REPLICATION_FACTOR);
    base_le64_store(out, exchange->key);
    base_le32_store(out + 8, exchange->rack);
    out[12] = (uint8_t)exchange->replication_factor;
    out[13] = (uint8_t)((exchange->has_namespace ? EXCHANGE_HAS_NAMESPACE : 0) |
                        (exchange->wants ? EXCHANGE_WANTS : 0));
    base_le16_store(out + 14, 0);
    if (!exchange->has_namespace) {
        return size;
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_copy *copy = &exchange->copy[p];
        bool some = copy->lineage != 0 || copy->sum != 0 || copy->count != 0;
        out[size++] = (uint8_t)((copy->full ? COPY_FULL : 0) | (some ? COPY_SOME : 0));
        if (some) {
            base_le64_store(out + size, copy->lineage);
            base_le64_store(out + size + 8, copy->sum);
            base_le32_store(out + size + 16, copy->count);
            size += COPY_SIZE;
        }
    }
    return size;
}

static enum base_result copies_decode(const uint8_t *bytes, uint32_t size,
                                      struct partition_copy copies[LIMIT_PARTITIONS])
{
    uint32_t at = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct partition_copy *copy = &copies[p];
        if (at == size || (bytes[at] & ~(COPY_FULL | COPY_SOME)) != 0) {
            return RESULT_MALFORMED;
        }
        uint8_t flags = bytes[at++];
        memset(copy, 0, sizeof *copy);
        if ((flags & COPY_SOME) != 0) {
            if (size - at < COPY_SIZE) {
                return RESULT_MALFORMED;
            }
            copy->lineage = base_le64_load(bytes + at);
            copy->sum = base_le64_load(bytes + at + 8);
            copy->count = base_le32_load(bytes + at + 16);
            at += COPY_SIZE;
        }
        copy->full = (flags & COPY_FULL) != 0;
        if (copy->full && copy->lineage == 0) {
            return RESULT_MALFORMED;
        }
    }
    return at == size ? RESULT_OK : RESULT_MALFORMED;
}

enum base_result partition_exchange_decode(const uint8_t *bytes, uint32_t size,
                                           struct partition_exchange *out)
{
    if (size < EXCHANGE_HEADER_SIZE || base_le16_load(bytes + 14) != 0 ||
        (bytes[13] & ~(EXCHANGE_HAS_NAMESPACE | EXCHANGE_WANTS)) != 0) {
        return RESULT_MALFORMED;
    }
    out->key = base_le64_load(bytes);
    out->rack = base_le32_load(bytes + 8);
    out->replication_factor = bytes[12];
    out->has_namespace = (bytes[13] & EXCHANGE_HAS_NAMESPACE) != 0;
    out->wants = (bytes[13] & EXCHANGE_WANTS) != 0;
    if (!out->has_namespace) {
        memset(out->copy, 0, sizeof out->copy);
        return size == EXCHANGE_HEADER_SIZE ? RESULT_OK : RESULT_MALFORMED;
    }
    if (out->replication_factor < 1 || out->replication_factor > LIMIT_REPLICATION_FACTOR) {
        return RESULT_MALFORMED;
    }
    return copies_decode(bytes + EXCHANGE_HEADER_SIZE, size - EXCHANGE_HEADER_SIZE, out->copy);
}

static uint8_t *set_store(uint8_t *at, const struct node_set *set)
{
    base_le64_store(at, set->bits[0]);
    base_le64_store(at + 8, set->bits[1]);
    return at + SET_SIZE;
}

static const uint8_t *set_load(const uint8_t *at, struct node_set *set)
{
    set->bits[0] = base_le64_load(at);
    set->bits[1] = base_le64_load(at + 8);
    return at + SET_SIZE;
}

uint32_t partition_message_encode(const struct partition_message *message,
                                  uint8_t out[PARTITION_MESSAGE_SIZE_MAX])
{
    base_assert(message->column_count <= LIMIT_REPLICATION_FACTOR);
    base_le64_store(out, message->key);
    base_le32_store(out + 8, message->partition);
    base_le32_store(out + 12, message->step);
    out[16] = (uint8_t)message->type;
    out[17] = message->master;
    out[18] = message->column_count;
    out[19] = 0;
    uint8_t *at = set_store(out + 20, &message->writes);
    at = set_store(at, &message->full);
    at = set_store(at, &message->unsynced);
    at = set_store(at, &message->duplicates);
    at = set_store(at, &message->drop);
    memcpy(at, message->column, message->column_count);
    return MESSAGE_FIXED_SIZE + message->column_count;
}

enum base_result partition_message_decode(const uint8_t *bytes, uint32_t size,
                                          struct partition_message *out)
{
    memset(out, 0, sizeof *out);
    if (size < MESSAGE_FIXED_SIZE || bytes[16] < PARTITION_ANNOUNCE ||
        bytes[16] > PARTITION_HAND_OVER || bytes[18] > LIMIT_REPLICATION_FACTOR || bytes[19] != 0 ||
        size != (uint32_t)MESSAGE_FIXED_SIZE + bytes[18]) {
        return RESULT_MALFORMED;
    }
    out->key = base_le64_load(bytes);
    out->partition = base_le32_load(bytes + 8);
    out->step = base_le32_load(bytes + 12);
    out->type = bytes[16];
    out->master = bytes[17];
    out->column_count = bytes[18];
    const uint8_t *at = set_load(bytes + 20, &out->writes);
    at = set_load(at, &out->full);
    at = set_load(at, &out->unsynced);
    at = set_load(at, &out->duplicates);
    at = set_load(at, &out->drop);
    memcpy(out->column, at, out->column_count);
    if (out->partition >= LIMIT_PARTITIONS || out->master >= LIMIT_CLUSTER_NODES) {
        return RESULT_MALFORMED;
    }
    for (uint32_t i = 0; i < out->column_count; i++) {
        if (out->column[i] >= LIMIT_CLUSTER_NODES) {
            return RESULT_MALFORMED;
        }
    }
    return RESULT_OK;
}
