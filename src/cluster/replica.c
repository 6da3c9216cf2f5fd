// SPDX-License-Identifier: Apache-2.0
// Places under their stripes, and what other nodes' records and questions do to the store.
#include "cluster/replica.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"

enum { CLOCK_AHEAD_MS_MAX = 60000 };

enum base_result replica_new(struct store *store, enum replication_policy policy,
                             struct replica **out)
{
    struct replica *replica = calloc(1, sizeof *replica);
    *out = replica;
    if (replica == NULL) {
        return RESULT_NO_MEMORY;
    }
    replica->store = store;
    replica->policy = policy;
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        replica->place[i].role = PLACE_NONE;
        replica->place[i].master = PLACE_NOBODY;
        *store_partition_word(store, i) = 0;
    }
    return RESULT_OK;
}

void replica_free(struct replica **replica)
{
    free(*replica);
    *replica = NULL;
}

void replica_policy_set(struct replica *replica, enum replication_policy policy)
{
    __atomic_store_n(&replica->policy, policy, __ATOMIC_RELAXED);
}

uint64_t replica_clock_ms(const struct replica *replica, uint64_t now_ms)
{
    uint64_t clock_ms = __atomic_load_n(&replica->clock_ms, __ATOMIC_RELAXED);
    return clock_ms > now_ms && clock_ms - now_ms <= CLOCK_AHEAD_MS_MAX ? clock_ms : now_ms;
}

void replica_clock_raise(struct replica *replica, uint64_t ms)
{
    uint64_t clock_ms = __atomic_load_n(&replica->clock_ms, __ATOMIC_RELAXED);
    while (ms > clock_ms && !__atomic_compare_exchange_n(&replica->clock_ms, &clock_ms, ms, true,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

void replica_place_set(struct replica *replica, uint32_t partition, const struct place *place)
{
    store_partition_lock(replica->store, partition);
    struct place *at = &replica->place[partition];
    uint32_t in_flight = at->in_flight;
    bool reigns = at->role == PLACE_MASTER && at->reign != 0;
    uint64_t reign = place->role != PLACE_MASTER ? 0 : reigns ? at->reign : place->key;
    *at = *place;
    at->in_flight = in_flight;
    at->reign = reign;
    at->written_key = place->key;
    *store_partition_word(replica->store, partition) = place_is_alone(at) ? REPLICA_ALONE : 0;
    store_partition_unlock(replica->store, partition);
}

void replica_freeze(struct replica *replica)
{
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        store_partition_lock(replica->store, i);
        replica->place[i].key = 0;
        *store_partition_word(replica->store, i) = 0;
        store_partition_unlock(replica->store, i);
    }
}

void replica_place_close(struct replica *replica, uint32_t partition, struct place *out)
{
    store_partition_lock(replica->store, partition);
    replica->place[partition].written_key = 0;
    *out = replica->place[partition];
    store_partition_unlock(replica->store, partition);
}

void replica_place_copy(struct replica *replica, uint32_t partition, struct place *out)
{
    store_partition_lock(replica->store, partition);
    *out = replica->place[partition];
    store_partition_unlock(replica->store, partition);
}

struct replication_version replica_version(const uint8_t *bytes)
{
    return (struct replication_version){
        .last_update_ms = store_record_last_update_ms(bytes),
        .void_time_s = base_le32_load(bytes + STORE_RECORD_VOID_TIME_AT),
        .checksum = store_record_checksum(bytes),
        .generation = base_le16_load(bytes + STORE_RECORD_GENERATION_AT),
        .life = store_record_life(bytes),
        .exists = true,
    };
}

static bool is_truncated(const struct store *store, const uint8_t *bytes)
{
    struct store_record record;
    store_record_decode(bytes, &record);
    return store_record_is_truncated(store, &record);
}

bool replica_stands(const struct place *place, const uint8_t *stored, uint64_t reign,
                    const struct replication_version *written)
{
    if (stored == NULL) {
        return !written->exists;
    }
    struct replication_version is = replica_version(stored);
    int order = replication_compare(&is, written, REPLICATION_BY_LAST_UPDATE_TIME);
    return order == 0 || (order > 0 && place->role == PLACE_MASTER && place->reign == reign);
}

// What a master wrote is of one lineage with what its replica has, unless that may have won a
// conflict which is not settled yet.
static enum replication_policy policy_of_write(const struct replica *replica,
                                               const struct place *place)
{
    return place->lineage == place->written_key ? REPLICATION_BY_LAST_UPDATE_TIME
                                                : replica_policy(replica);
}

// Stores a record in the place of what the cursor found, if it wins against it.
static enum base_result put_if_newer(struct replica *replica, struct store_cursor *cursor,
                                     const uint8_t *bytes, enum replication_policy policy,
                                     bool *changed)
{
    *changed = false;
    if (is_truncated(cursor->store, bytes)) {
        return RESULT_LOST_CONFLICT;
    }
    struct replication_version theirs = replica_version(bytes);
    struct replication_version ours = {.exists = false};
    if (cursor->stored != NULL && !is_truncated(cursor->store, cursor->stored)) {
        ours = replica_version(cursor->stored);
    }
    int order = replication_compare(&theirs, &ours, policy);
    if (order <= 0) {
        return order == 0 ? RESULT_OK : RESULT_LOST_CONFLICT;
    }
    enum base_result result = store_put_bytes(cursor, bytes);
    *changed = result == RESULT_OK;
    if (*changed) {
        replica_clock_raise(replica, theirs.last_update_ms);
    }
    return result;
}

// The place of a partition whose stripe is held, if it holds in the view `key`; else NULL.
static const struct place *place_of(const struct replica *replica, uint32_t partition, uint64_t key)
{
    const struct place *place = &replica->place[partition];
    return key != 0 && place->key == key ? place : NULL;
}

static bool is_older(const struct store_cursor *cursor, const uint8_t *bytes)
{
    if (cursor->stored == NULL || is_truncated(cursor->store, cursor->stored)) {
        return false;
    }
    struct replication_version theirs = replica_version(bytes);
    struct replication_version ours = replica_version(cursor->stored);
    return replication_compare(&theirs, &ours, REPLICATION_BY_LAST_UPDATE_TIME) < 0;
}

// `late`: one that loses by last update time loses in any case.
static enum base_result adopt(struct replica *replica, uint64_t key, const uint8_t *bytes,
                              uint32_t now_s, bool late, bool *changed)
{
    *changed = false;
    struct store_cursor cursor;
    store_acquire(replica->store, bytes + STORE_RECORD_DIGEST_AT, now_s, &cursor);
    const struct place *place = place_of(replica, cursor.partition, key);
    enum base_result result = RESULT_CLUSTER_KEY_MISMATCH;
    if (place != NULL && place->role != PLACE_NONE) {
        result = late && is_older(&cursor, bytes)
                     ? RESULT_LOST_CONFLICT
                     : put_if_newer(replica, &cursor, bytes, replica_policy(replica), changed);
    }
    store_release(&cursor);
    return result;
}

enum base_result replica_merge(struct replica *replica, uint64_t key, const uint8_t *bytes,
                               uint32_t now_s)
{
    bool changed;
    return adopt(replica, key, bytes, now_s, false, &changed);
}

enum base_result replica_adopt(struct replica *replica, uint64_t key, const uint8_t *bytes,
                               uint32_t now_s, bool *changed)
{
    return adopt(replica, key, bytes, now_s, false, changed);
}

enum base_result replica_take_over(struct replica *replica, uint64_t key, const uint8_t *bytes,
                                   uint32_t now_s)
{
    bool changed;
    return adopt(replica, key, bytes, now_s, true, &changed);
}

static bool is_record_of(const struct base_slice bytes, uint32_t partition)
{
    return store_record_check(bytes.data, bytes.size) == RESULT_OK &&
           base_digest_partition(bytes.data + STORE_RECORD_DIGEST_AT) == partition;
}

enum base_result replica_on_write(struct replica *replica, const struct message *message,
                                  uint32_t now_s)
{
    const uint8_t *bytes = message->body.data;
    if (!is_record_of(message->body, message->partition)) {
        return RESULT_MALFORMED;
    }
    struct store_cursor cursor;
    store_acquire(replica->store, bytes + STORE_RECORD_DIGEST_AT, now_s, &cursor);
    const struct place *place = &replica->place[cursor.partition];
    enum base_result result = RESULT_CLUSTER_KEY_MISMATCH;
    bool changed;
    if (message->key != 0 && message->key == place->written_key) {
        result =
            place->role == PLACE_NONE
                ? RESULT_OK
                : put_if_newer(replica, &cursor, bytes, policy_of_write(replica, place), &changed);
    }
    store_release(&cursor);
    return result == RESULT_LOST_CONFLICT ? RESULT_OK : result;
}

enum base_result replica_on_ask(struct replica *replica, const struct message *message,
                                uint8_t *out, uint32_t *size)
{
    *size = 0;
    const uint8_t *digest = message->body.data;
    if (message->body.size != LIMIT_DIGEST_SIZE ||
        base_digest_partition(digest) != message->partition) {
        return RESULT_MALFORMED;
    }
    struct store_cursor cursor;
    store_acquire(replica->store, digest, 0, &cursor);
    enum base_result result = RESULT_CLUSTER_KEY_MISMATCH;
    if (place_of(replica, cursor.partition, message->key) != NULL) {
        result = RESULT_OK;
        if (cursor.stored != NULL && !is_truncated(replica->store, cursor.stored)) {
            *size = store_record_size(cursor.stored);
            memcpy(out, cursor.stored, *size);
        }
    }
    store_release(&cursor);
    return result;
}
