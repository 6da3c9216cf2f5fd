// SPDX-License-Identifier: Apache-2.0
// The partner's side of a migration: answers what the acting master lists and sends. Nothing is
// kept between messages, so each may be repeated.
#include "cluster/sync.h"
#include "cluster/sync_wire.h"

enum {
    STEP_RECORDS = 64, // looked at while a stripe is held
    VISITS_MAX = 8 * LIMIT_SYNC_RECORDS,
};

// Where an answer to a list stands: the list and our own records, walked side by side.
struct differ {
    struct replica *replica;
    const struct sync__list *list;
    uint32_t position;   // of the first head that is not dealt with
    const uint8_t *last; // digest dealt with last, in either; NULL: none
    bool past_range;
    struct sync__diff diff;
    uint32_t visit_count;
    uint8_t own_last[LIMIT_DIGEST_SIZE];
    uint8_t *records; // what we have newer, or alone
    uint32_t record_count;
    uint32_t records_size;
    uint32_t records_size_max;
};

static const uint8_t *head_at(const struct sync__list *list, uint32_t number)
{
    return list->heads + number * SYNC__HEAD_SIZE;
}

// Room for one more record of ours; the first one always has it.
static bool has_room(const struct differ *differ, uint32_t size)
{
    return differ->record_count < LIMIT_SYNC_RECORDS &&
           (differ->record_count == 0 || differ->records_size + size <= LIMIT_SYNC_BYTES) &&
           size <= differ->records_size_max - differ->records_size;
}

// Wants the heads that stand before a digest (NULL: all), because we have nothing there.
static void want_until(struct differ *differ, const uint8_t *digest)
{
    for (; differ->position < differ->list->count; differ->position++) {
        const uint8_t *head = head_at(differ->list, differ->position);
        if (digest != NULL && sync__digest_compare(head + STORE_RECORD_DIGEST_AT, digest) >= 0) {
            return;
        }
        sync__wanted_add(differ->diff.wanted, differ->position);
        differ->last = head + STORE_RECORD_DIGEST_AT;
    }
}

// > 0: we want theirs, < 0: they want ours, 0: neither. What a truncation covers counts as absent.
static int listed_compare(const struct differ *differ, bool listed,
                          const struct store_record *record)
{
    if (store_record_is_truncated(differ->replica->store, record)) {
        return listed ? 1 : 0;
    }
    if (!listed) {
        return -1;
    }
    struct replication_version theirs = replica_version(head_at(differ->list, differ->position));
    struct replication_version ours = replica_version(record->bytes);
    return replication_compare(&theirs, &ours, replica_policy(differ->replica));
}

static enum store_visit diff_visit(const struct store_record *record, void *arg)
{
    struct differ *differ = arg;
    const struct sync__list *list = differ->list;
    if (list->range.until_set && sync__digest_compare(record->digest, list->range.until) > 0) {
        differ->past_range = true;
        return STORE_VISIT_STOP;
    }
    want_until(differ, record->digest);
    bool listed = differ->position < list->count &&
                  memcmp(head_at(list, differ->position) + STORE_RECORD_DIGEST_AT, record->digest,
                         LIMIT_DIGEST_SIZE) == 0;
    int order = listed_compare(differ, listed, record);
    if (++differ->visit_count > VISITS_MAX || (order < 0 && !has_room(differ, record->size))) {
        differ->diff.partial = true;
        return STORE_VISIT_STOP;
    }
    if (order < 0) {
        memcpy(differ->records + differ->records_size, record->bytes, record->size);
        differ->records_size += record->size;
        differ->record_count++;
    } else if (order > 0) {
        sync__wanted_add(differ->diff.wanted, differ->position);
    }
    differ->position += listed ? 1 : 0;
    memcpy(differ->own_last, record->digest, LIMIT_DIGEST_SIZE);
    differ->last = differ->own_last;
    return STORE_VISIT_KEEP;
}

static void diff_walk(struct differ *differ, uint32_t partition)
{
    struct store_scan scan = {.partition = partition, .after_set = differ->list->range.after_set};
    memcpy(scan.after, differ->list->range.after, LIMIT_DIGEST_SIZE);
    bool at_end = false;
    while (!at_end && !differ->past_range && !differ->diff.partial) {
        at_end = store_scan_step(differ->replica->store, &scan, STEP_RECORDS, diff_visit, differ);
    }
    if (!differ->diff.partial) {
        want_until(differ, NULL);
    } else {
        base_assert(differ->last != NULL); // there is always room for the first record
        memcpy(differ->diff.through, differ->last, LIMIT_DIGEST_SIZE);
    }
}

// Whether this partition may be compared, or written to, under the key of the message.
static bool place_allows(struct replica *replica, const struct message *message)
{
    struct place place;
    replica_place_copy(replica, message->partition, &place);
    return message->key != 0 && place.key == message->key &&
           (message->type == MESSAGE_SYNC_LIST || place.role != PLACE_NONE);
}

static uint32_t answer_store(uint8_t *out, const struct message *message, uint8_t type,
                             uint32_t body_size)
{
    struct message answer = {
        .type = type,
        .flags = MESSAGE_FLAG_ANSWER,
        .namespace_number = message->namespace_number,
        .id = message->id,
        .key = message->key,
        .partition = message->partition,
    };
    message_header_store(out, &answer, body_size);
    return MESSAGE_HEADER_SIZE + body_size;
}

static uint32_t refusal_store(uint8_t *out, const struct message *message, uint8_t type,
                              uint32_t sequence, enum base_result result)
{
    struct message answer = {
        .type = type,
        .flags = MESSAGE_FLAG_ANSWER,
        .namespace_number = message->namespace_number,
        .result = (uint8_t)result,
        .id = message->id,
        .key = message->key,
        .partition = message->partition,
    };
    message_header_store(out, &answer, SYNC__REFUSAL_SIZE);
    base_le32_store(out + MESSAGE_HEADER_SIZE, sequence);
    return MESSAGE_HEADER_SIZE + SYNC__REFUSAL_SIZE;
}

static enum base_result on_list(struct replica *replica, const struct message *message,
                                uint8_t *out, uint32_t out_size, uint32_t *size)
{
    struct sync__list list;
    enum base_result result = sync__list_parse(message->body, message->partition, &list);
    if (result != RESULT_OK) {
        return result;
    }
    uint32_t before = MESSAGE_HEADER_SIZE + SYNC__DIFF_SIZE;
    struct differ differ = {
        .replica = replica,
        .list = &list,
        .diff.sequence = list.sequence,
        .records = out + before,
        .records_size_max = out_size - before,
    };
    bool allowed = place_allows(replica, message);
    if (allowed) {
        diff_walk(&differ, message->partition);
        store_partition_summary(replica->store, message->partition, &differ.diff.summary);
        // What was read counts only if the view was the same until the end.
        allowed = place_allows(replica, message);
    }
    if (!allowed) {
        *size = refusal_store(out, message, MESSAGE_SYNC_DIFF, list.sequence,
                              RESULT_CLUSTER_KEY_MISMATCH);
        return RESULT_OK;
    }
    if (list.take_only) {
        memset(differ.diff.wanted, 0, sizeof differ.diff.wanted);
    }
    *size = answer_store(out, message, MESSAGE_SYNC_DIFF, SYNC__DIFF_SIZE + differ.records_size);
    sync__diff_store(out + MESSAGE_HEADER_SIZE, &differ.diff);
    return RESULT_OK;
}

// Stores what wins. Anything but OK: how far we got does not matter, all of it comes again.
static enum base_result records_merge(struct replica *replica, uint64_t key,
                                      struct base_slice records, uint32_t now_s)
{
    const uint8_t *end = records.data + records.size;
    for (const uint8_t *at = records.data; at < end; at += store_record_size(at)) {
        enum base_result result = replica_merge(replica, key, at, now_s);
        if (result != RESULT_OK && result != RESULT_LOST_CONFLICT) {
            return result;
        }
    }
    return RESULT_OK;
}

static enum base_result on_records(struct replica *replica, const struct message *message,
                                   uint32_t now_s, uint8_t *out, uint32_t *size)
{
    uint32_t sequence;
    struct base_slice records;
    enum base_result result =
        sync__records_parse(message->body, message->partition, &sequence, &records);
    if (result != RESULT_OK) {
        return result;
    }
    result = place_allows(replica, message) ? records_merge(replica, message->key, records, now_s)
                                            : RESULT_CLUSTER_KEY_MISMATCH;
    if (result != RESULT_OK) {
        // A full store is told as such; whatever else there may be, later is another try.
        *size = refusal_store(out, message, MESSAGE_SYNC_STORED, sequence,
                              result == RESULT_CLUSTER_KEY_MISMATCH ? result : RESULT_SERVER_FULL);
        return RESULT_OK;
    }
    struct sync__stored stored = {.sequence = sequence};
    store_partition_summary(replica->store, message->partition, &stored.summary);
    *size = answer_store(out, message, MESSAGE_SYNC_STORED, SYNC__STORED_SIZE);
    sync__stored_store(out + MESSAGE_HEADER_SIZE, &stored);
    return RESULT_OK;
}

enum base_result sync_on_request(struct replica *replica, const struct message *message,
                                 uint32_t now_s, uint8_t *out, uint32_t out_size, uint32_t *size)
{
    base_assert(out_size >= SYNC_ANSWER_SIZE_MAX);
    *size = 0;
    if (message->partition >= LIMIT_PARTITIONS) {
        return RESULT_MALFORMED;
    }
    switch (message->type) {
    case MESSAGE_SYNC_LIST:
        return on_list(replica, message, out, out_size, size);
    case MESSAGE_SYNC_RECORDS:
        return on_records(replica, message, now_s, out, size);
    default:
        return RESULT_MALFORMED;
    }
}
