// SPDX-License-Identifier: Apache-2.0
// Records have the number of the write that made their value and a counter; each change is built
// from what stands there, so that what is lost shows.
#include "apply.h"

#include "checks.h"
#include "history.h"

enum { PARTICLE_INTEGER = 1, PARTICLE_BLOB = 4, TTL_S = 8 };

struct content {
    uint8_t value[8];
    uint8_t counter[8];
    uint8_t number[8]; // of the operation: no two versions are equal
    uint8_t padding[256];
    struct store_bin bin[4];
};

static void bin_set(struct store_bin *bin, const char *name, uint8_t type, const uint8_t *value,
                    uint32_t size)
{
    *bin = (struct store_bin){.name = (const uint8_t *)name,
                              .name_size = 1,
                              .value = value,
                              .value_size = size,
                              .type = type};
}

static uint64_t integer_of(const uint8_t *record, char name)
{
    struct store_record decoded;
    store_record_decode(record, &decoded);
    const uint8_t *at = decoded.bins;
    for (uint32_t i = 0; i < decoded.bin_count; i++) {
        struct store_bin bin;
        store_bin_next(&at, &bin);
        if (bin.name[0] == (uint8_t)name) {
            return base_be64_load(bin.value);
        }
    }
    return 0;
}

static void content_make(const struct request *request, const uint8_t *old, struct content *out)
{
    bool counts = request->kind == OPERATION_INCREMENT;
    uint64_t value = counts && old != NULL ? integer_of(old, 'v') : request->number;
    uint64_t counter = counts ? (old != NULL ? integer_of(old, 'n') : 0) + 1 : 0;
    base_be64_store(out->value, value);
    base_be64_store(out->counter, counter);
    base_be64_store(out->number, request->number);
    memset(out->padding, (int)(request->number & 0xff), sizeof out->padding);
    bin_set(&out->bin[0], "v", PARTICLE_INTEGER, out->value, 8);
    bin_set(&out->bin[1], "n", PARTICLE_INTEGER, out->counter, 8);
    bin_set(&out->bin[2], "o", PARTICLE_INTEGER, out->number, 8);
    bin_set(&out->bin[3], "p", PARTICLE_BLOB, out->padding, request->padding);
}

// A version is never older than the one it replaces, whatever the clock says.
static void draft_make(struct process *process, const struct request *request,
                       const struct store_cursor *cursor, struct store_draft *out)
{
    struct sim *sim = process->sim;
    const struct host *host = &sim->host[process->host];
    const struct replica *replica = process->replica[request->namespace_number];
    *out = (struct store_draft){
        .digest = cursor->digest,
        .last_update_ms = replica_clock_ms(replica, sim_wall_ms(sim, host)),
        .generation = 1,
        .set_name = {(const uint8_t *)"s", request->key % 3 == 0 ? 0 : 1},
    };
    if (cursor->stored != NULL) {
        struct replication_version old = replica_version(cursor->stored);
        if (cursor->record != NULL) {
            out->generation =
                old.generation < LIMIT_GENERATION ? (uint16_t)(old.generation + 1) : 1;
            out->life = old.life;
        } else {
            out->life = (uint8_t)((old.life + 1) % REPLICATION_LIVES);
        }
        if (out->last_update_ms < old.last_update_ms) {
            out->last_update_ms = old.last_update_ms;
        }
    }
    if (request->kind == OPERATION_DELETE) {
        out->tombstone = true;
    } else if (sim->key[request->key].expires) {
        out->void_time_s = sim_wall_s(sim, host) + TTL_S;
    }
}

static enum base_result change(struct process *process, const struct request *request,
                               uint64_t view_key, struct store_cursor *cursor, uint32_t parent,
                               uint32_t *version)
{
    const struct replica *replica = process->replica[request->namespace_number];
    bool deletes = request->kind == OPERATION_DELETE;
    if (deletes && cursor->record == NULL) {
        return RESULT_RECORD_NOT_FOUND;
    }
    if (deletes && !replica->tombstones) {
        store_remove(cursor);
        history_removed(process, request->namespace_number, request->key, parent);
        return RESULT_OK;
    }
    struct store_draft draft;
    struct content content;
    draft_make(process, request, cursor, &draft);
    if (!deletes) {
        content_make(request, cursor->record, &content);
        draft.bins = content.bin;
        draft.bin_count = request->padding > 0 ? 4 : 3;
    }
    enum base_result result = store_put(cursor, &draft);
    if (result != RESULT_OK) {
        return RESULT_SERVER_FULL;
    }
    store_release(cursor);
    *version = history_made(process, request, view_key, parent);
    store_acquire(process->store[request->namespace_number], cursor->digest, 0, cursor);
    return RESULT_OK;
}

enum base_result apply_request(struct process *process, const struct request *request,
                               uint64_t view_key, uint32_t *version)
{
    struct sim *sim = process->sim;
    uint32_t seen = history_held(process, request->namespace_number, request->key);
    bool reads = request->kind == OPERATION_READ;
    history_seen(process, request->namespace_number, request->key, view_key, seen,
                 reads ? request->started_us : sim->now_us);
    struct store_cursor cursor;
    store_acquire(process->store[request->namespace_number], sim->key[request->key].digest,
                  sim_wall_s(sim, &sim->host[process->host]), &cursor);
    enum base_result result = cursor.record != NULL ? RESULT_OK : RESULT_RECORD_NOT_FOUND;
    *version = reads ? seen : VERSION_ABSENT;
    if (!reads) {
        result = change(process, request, view_key, &cursor, seen, version);
    }
    store_release(&cursor);
    return result;
}

enum base_result apply_merge(struct process *process, const struct request *request,
                             uint64_t view_key, const uint8_t *bytes)
{
    struct sim *sim = process->sim;
    return replica_take_over(process->replica[request->namespace_number], view_key, bytes,
                             sim_wall_s(sim, &sim->host[process->host]));
}

struct replication_version apply_version(struct process *process, uint32_t namespace_number,
                                         uint32_t key)
{
    struct store_cursor cursor;
    struct replication_version version = {.exists = false};
    store_acquire(process->store[namespace_number], process->sim->key[key].digest, 0, &cursor);
    if (cursor.stored != NULL) {
        version = replica_version(cursor.stored);
    }
    store_release(&cursor);
    return version;
}

uint32_t apply_record_copy(struct process *process, uint32_t namespace_number, uint32_t key,
                           uint8_t *out, uint32_t out_size)
{
    struct store_cursor cursor;
    store_acquire(process->store[namespace_number], process->sim->key[key].digest, 0, &cursor);
    uint32_t size = 0;
    if (cursor.stored != NULL) {
        size = store_record_size(cursor.stored);
        base_assert(size <= out_size);
        memcpy(out, cursor.stored, size);
    }
    store_release(&cursor);
    return size;
}

void apply_in_flight(struct replica *replica, uint32_t partition, int32_t by)
{
    store_partition_lock(replica->store, partition);
    base_assert(by > 0 || replica->place[partition].in_flight > 0);
    replica->place[partition].in_flight += (uint32_t)by;
    store_partition_unlock(replica->store, partition);
}
