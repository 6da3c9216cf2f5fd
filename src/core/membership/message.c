// SPDX-License-Identifier: Apache-2.0
// Messages of membership as bytes. Little endian:
//
//   offset size
//   0      1    version of the format
//   1      1    type
//   2      1    bit 0 frozen, bit 1 settled
//   3      1    member flags
//   4      2    count of entries
//   6      2    count of rows
//   8      8    from
//   16     8    incarnation of the sender
//   24     8    regime
//   32     8    key
//   40     8    regime of the view installed
//   48     8    sequence
//   56     entries of 17: id, incarnation, flags
//          rows of 25: entry, sequence, one bit for each entry
#include "core/membership/machine.h"

#include "base/assert.h"
#include "base/bytes.h"

enum {
    VERSION = 1,
    HEADER_SIZE = 56,
    ENTRY_SIZE = 17,
    ROW_SIZE = 9 + LIMIT_CLUSTER_NODES / 8,
    BIT_FROZEN = 1,
    BIT_SETTLED = 2,
    FLAGS_ALL = MEMBER_QUIESCED | MEMBER_LEAVING,
};

_Static_assert(HEADER_SIZE + LIMIT_CLUSTER_NODES * (ENTRY_SIZE + ROW_SIZE) <= LIMIT_HEARTBEAT_SIZE,
               "the largest message fits");

static bool entries_valid(const struct membership_message *message)
{
    uint8_t flags_all = message->type == MEMBERSHIP_HEARTBEAT ? ENTRY_HEARD : FLAGS_ALL;
    for (uint32_t i = 0; i < message->count; i++) {
        const struct membership_member *entry = &message->member[i];
        if (entry->id == 0 || entry->flags > flags_all ||
            (i > 0 && entry->id >= message->member[i - 1].id)) {
            return false;
        }
    }
    return true;
}

static bool rows_valid(const struct membership_message *message)
{
    for (uint32_t i = 0; i < message->row_count; i++) {
        const struct membership_row *row = &message->row[i];
        if (row->node >= message->count || row->sequence == 0 ||
            node_set_next(&row->hears, message->count) < LIMIT_CLUSTER_NODES) {
            return false;
        }
    }
    return true;
}

bool membership__message_valid(const struct membership_message *message)
{
    if (message->from == 0 || message->count > LIMIT_CLUSTER_NODES ||
        message->row_count > LIMIT_CLUSTER_NODES || message->flags > FLAGS_ALL ||
        message->regime >> MEMBERSHIP_REGIME_BITS != 0 ||
        message->view_regime >> MEMBERSHIP_REGIME_BITS != 0 || message->key >> 48 != 0) {
        return false;
    }
    switch (message->type) {
    case MEMBERSHIP_HEARTBEAT:
        return message->sequence != 0 && entries_valid(message) && rows_valid(message);
    case MEMBERSHIP_PREPARE:
    case MEMBERSHIP_COMMIT:
        return message->key != 0 && message->regime != 0 && message->count > 0 &&
               message->row_count == 0 && message->member[0].id == message->from &&
               message->member[0].incarnation == message->from_incarnation &&
               entries_valid(message);
    case MEMBERSHIP_PROMISED:
    case MEMBERSHIP_REFUSED:
        return message->key != 0 && message->count == 0 && message->row_count == 0;
    }
    return false;
}

uint32_t membership_message_encode(const struct membership_message *message,
                                   uint8_t out[LIMIT_HEARTBEAT_SIZE])
{
    base_assert(message->count <= LIMIT_CLUSTER_NODES);
    base_assert(message->row_count <= LIMIT_CLUSTER_NODES);
    out[0] = VERSION;
    out[1] = (uint8_t)message->type;
    out[2] = (uint8_t)((message->frozen ? BIT_FROZEN : 0) | (message->settled ? BIT_SETTLED : 0));
    out[3] = message->flags;
    base_le16_store(out + 4, (uint16_t)message->count);
    base_le16_store(out + 6, (uint16_t)message->row_count);
    base_le64_store(out + 8, message->from);
    base_le64_store(out + 16, message->from_incarnation);
    base_le64_store(out + 24, message->regime);
    base_le64_store(out + 32, message->key);
    base_le64_store(out + 40, message->view_regime);
    base_le64_store(out + 48, message->sequence);
    uint8_t *at = out + HEADER_SIZE;
    for (uint32_t i = 0; i < message->count; i++, at += ENTRY_SIZE) {
        base_le64_store(at, message->member[i].id);
        base_le64_store(at + 8, message->member[i].incarnation);
        at[16] = message->member[i].flags;
    }
    for (uint32_t i = 0; i < message->row_count; i++, at += ROW_SIZE) {
        at[0] = message->row[i].node;
        base_le64_store(at + 1, message->row[i].sequence);
        base_le64_store(at + 9, message->row[i].hears.bits[0]);
        base_le64_store(at + 17, message->row[i].hears.bits[1]);
    }
    return (uint32_t)(at - out);
}

enum base_result membership_message_decode(const uint8_t *bytes, uint32_t size,
                                           struct membership_message *out)
{
    out->type = 0;
    out->count = 0;
    out->row_count = 0;
    if (size < HEADER_SIZE || bytes[0] != VERSION || bytes[2] > (BIT_FROZEN | BIT_SETTLED)) {
        return RESULT_MALFORMED;
    }
    uint32_t count = base_le16_load(bytes + 4);
    uint32_t row_count = base_le16_load(bytes + 6);
    if (count > LIMIT_CLUSTER_NODES || row_count > LIMIT_CLUSTER_NODES ||
        size != HEADER_SIZE + count * ENTRY_SIZE + row_count * ROW_SIZE) {
        return RESULT_MALFORMED;
    }
    out->type = bytes[1];
    out->frozen = (bytes[2] & BIT_FROZEN) != 0;
    out->settled = (bytes[2] & BIT_SETTLED) != 0;
    out->flags = bytes[3];
    out->count = count;
    out->row_count = row_count;
    out->from = base_le64_load(bytes + 8);
    out->from_incarnation = base_le64_load(bytes + 16);
    out->regime = base_le64_load(bytes + 24);
    out->key = base_le64_load(bytes + 32);
    out->view_regime = base_le64_load(bytes + 40);
    out->sequence = base_le64_load(bytes + 48);
    const uint8_t *at = bytes + HEADER_SIZE;
    for (uint32_t i = 0; i < count; i++, at += ENTRY_SIZE) {
        out->member[i] = (struct membership_member){
            .id = base_le64_load(at), .incarnation = base_le64_load(at + 8), .flags = at[16]};
    }
    for (uint32_t i = 0; i < row_count; i++, at += ROW_SIZE) {
        out->row[i] =
            (struct membership_row){.node = at[0],
                                    .sequence = base_le64_load(at + 1),
                                    .hears = {{base_le64_load(at + 9), base_le64_load(at + 17)}}};
    }
    return membership__message_valid(out) ? RESULT_OK : RESULT_MALFORMED;
}
