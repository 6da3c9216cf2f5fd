// SPDX-License-Identifier: Apache-2.0
// The messages of the partition machine as bytes, little endian.
//
// Exchange: key 8, rack 4, replication factor 1, flags 1, count of histories 1, spare 1; then for
// each history a count 1 and so many lineages 8; then for each partition one byte of flags, and if
// they say so lineage 8, sum 8, count 4, and number of its history 1. Most partitions of a new node
// take one byte each.
//
// Message: key 8, partition 4, step 4, type 1, master 1, column count 1, spare 1, then writes,
// full, unsynced, duplicates and drop with 16 bytes each, then a byte for each column.
#include "core/partition/partition.h"

#include <string.h>

#include "base/bytes.h"

enum {
    EXCHANGE_HEADER_SIZE = 24,
    EXCHANGE_HAS_NAMESPACE = 1,
    EXCHANGE_WANTS = 2,
    COPY_FULL = 1,
    COPY_SOME = 2,
    COPY_HISTORY = 4,
    COPY_SIZE = 20, // of one that is said, without history
    SET_SIZE = LIMIT_CLUSTER_NODES / 8,
    MESSAGE_FIXED_SIZE = 20 + 5 * SET_SIZE,
};

_Static_assert(EXCHANGE_HEADER_SIZE + LIMIT_PARTITIONS * (2 + COPY_SIZE) +
                       PARTITION_HISTORIES_MAX * (1 + 8 * PARTITION_HISTORY_SIZE) <=
                   PARTITION_EXCHANGE_SIZE_MAX,
               "the largest exchange fits");
_Static_assert(MESSAGE_FIXED_SIZE + LIMIT_REPLICATION_FACTOR <= PARTITION_MESSAGE_SIZE_MAX,
               "the largest message fits");

static uint32_t histories_encode(const struct partition_histories *histories, uint8_t *out)
{
    uint32_t size = 0;
    base_assert(histories->count <= PARTITION_HISTORIES_MAX);
    for (uint32_t i = 0; i < histories->count; i++) {
        const struct partition_history *history = &histories->history[i];
        uint32_t count = 0;
        for (; count < PARTITION_HISTORY_SIZE && history->lineage[count] != 0; count++) {
            base_le64_store(out + size + 1 + 8 * count, history->lineage[count]);
        }
        out[size] = (uint8_t)count;
        size += 1 + 8 * count;
    }
    return size;
}

// `out->count` of them; *taken: the bytes that they took.
static enum base_result histories_decode(const uint8_t *bytes, uint32_t size,
                                         struct partition_histories *out, uint32_t *taken)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        struct partition_history *history = &out->history[i];
        memset(history, 0, sizeof *history);
        if (at == size || bytes[at] > PARTITION_HISTORY_SIZE ||
            size - at < 1 + 8 * (uint32_t)bytes[at]) {
            return RESULT_MALFORMED;
        }
        uint32_t count = bytes[at++];
        for (uint32_t k = 0; k < count; k++, at += 8) {
            history->lineage[k] = base_le64_load(bytes + at);
        }
    }
    *taken = at;
    return RESULT_OK;
}

uint32_t partition_exchange_encode(const struct partition_exchange *exchange, uint8_t *out)
{
    uint32_t size = EXCHANGE_HEADER_SIZE;
    base_assert(exchange->replication_factor <= LIMIT_REPLICATION_FACTOR);
    base_le64_store(out, exchange->key);
    base_le32_store(out + 8, exchange->rack);
    out[12] = (uint8_t)exchange->replication_factor;
    out[13] = (uint8_t)((exchange->has_namespace ? EXCHANGE_HAS_NAMESPACE : 0) |
                        (exchange->wants ? EXCHANGE_WANTS : 0));
    out[14] = 0;
    out[15] = 0;
    base_le64_store(out + 16, exchange->clock_ms);
    if (!exchange->has_namespace) {
        return size;
    }
    out[14] = (uint8_t)exchange->histories.count;
    size += histories_encode(&exchange->histories, out + size);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_copy *copy = &exchange->copy[p];
        bool some = copy->lineage != 0 || copy->sum != 0 || copy->count != 0;
        out[size++] = (uint8_t)((copy->full ? COPY_FULL : 0) | (some ? COPY_SOME : 0) |
                                (copy->history != 0 ? COPY_HISTORY : 0));
        if (some) {
            base_le64_store(out + size, copy->lineage);
            base_le64_store(out + size + 8, copy->sum);
            base_le32_store(out + size + 16, copy->count);
            size += COPY_SIZE;
        }
        if (copy->history != 0) {
            out[size++] = copy->history;
        }
    }
    return size;
}

static enum base_result copies_decode(const uint8_t *bytes, uint32_t size, uint32_t history_count,
                                      struct partition_copy copies[LIMIT_PARTITIONS])
{
    uint32_t at = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct partition_copy *copy = &copies[p];
        if (at == size || (bytes[at] & ~(COPY_FULL | COPY_SOME | COPY_HISTORY)) != 0) {
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
        if ((flags & COPY_HISTORY) != 0) {
            if (at == size || bytes[at] == 0 || bytes[at] > history_count) {
                return RESULT_MALFORMED;
            }
            copy->history = bytes[at++];
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
    if (size < EXCHANGE_HEADER_SIZE || bytes[15] != 0 ||
        (bytes[13] & ~(EXCHANGE_HAS_NAMESPACE | EXCHANGE_WANTS)) != 0) {
        return RESULT_MALFORMED;
    }
    out->key = base_le64_load(bytes);
    out->rack = base_le32_load(bytes + 8);
    out->clock_ms = base_le64_load(bytes + 16);
    out->replication_factor = bytes[12];
    out->has_namespace = (bytes[13] & EXCHANGE_HAS_NAMESPACE) != 0;
    out->wants = (bytes[13] & EXCHANGE_WANTS) != 0;
    out->histories.count = bytes[14];
    if (!out->has_namespace) {
        memset(out->copy, 0, sizeof out->copy);
        out->histories.count = 0;
        return size == EXCHANGE_HEADER_SIZE ? RESULT_OK : RESULT_MALFORMED;
    }
    if (out->replication_factor < 1 || out->replication_factor > LIMIT_REPLICATION_FACTOR) {
        return RESULT_MALFORMED;
    }
    uint32_t taken = 0;
    bytes += EXCHANGE_HEADER_SIZE;
    size -= EXCHANGE_HEADER_SIZE;
    enum base_result result = histories_decode(bytes, size, &out->histories, &taken);
    if (result != RESULT_OK) {
        return result;
    }
    return copies_decode(bytes + taken, size - taken, out->histories.count, out->copy);
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
