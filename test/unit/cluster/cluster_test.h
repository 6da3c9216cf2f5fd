// SPDX-License-Identifier: Apache-2.0
// What the cluster's tests share: a small PRNG, records by number and version, and the comparison
// of two stores.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "store/store.h"

static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// The digest of record `number`: uniform, always the same.
static inline void test_digest(uint64_t number, struct base_digest *out)
{
    uint64_t state = number * 0x2545f4914f6cdd1d;
    for (size_t i = 0; i < LIMIT_DIGEST_SIZE; i += 4) {
        base_le32_store(out->bytes + i, (uint32_t)test_random(&state));
    }
}

// The same, moved into a partition.
static inline void test_digest_in(uint64_t number, uint32_t partition, struct base_digest *out)
{
    test_digest(number, out);
    out->bytes[0] = (uint8_t)partition;
    out->bytes[1] = (uint8_t)((out->bytes[1] & 0xf0) | partition >> 8);
}

struct test_version {
    uint64_t last_update_ms;
    uint16_t generation; // 0: 1
    uint32_t void_time_s;
    uint32_t value_size; // of the one bin
    bool tombstone;
};

// The encoded bytes of a record; free them.
static inline uint8_t *test_record(const struct base_digest *digest,
                                   const struct test_version *version)
{
    uint8_t *value = malloc(version->value_size + 1);
    assert_non_null(value);
    memset(value, (int)version->last_update_ms, version->value_size);
    struct store_bin bin = {.name = (const uint8_t *)"b",
                            .name_size = 1,
                            .value = value,
                            .value_size = version->value_size,
                            .type = 4};
    struct store_draft draft = {
        .digest = digest->bytes,
        .last_update_ms = version->last_update_ms,
        .void_time_s = version->void_time_s,
        .generation = version->generation == 0 ? 1 : version->generation,
        .bin_count = version->tombstone ? 0 : 1,
        .tombstone = version->tombstone,
        .bins = &bin,
    };
    uint8_t *bytes = malloc(store_draft_size(&draft));
    assert_non_null(bytes);
    store_record_encode(&draft, bytes);
    free(value);
    return bytes;
}

static inline void test_put(struct store *store, const struct base_digest *digest,
                            const struct test_version *version)
{
    uint8_t *bytes = test_record(digest, version);
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    assert_int_equal(store_put_bytes(&cursor, bytes), RESULT_OK);
    store_release(&cursor);
    free(bytes);
}

// Last update of what stands there, tombstones too; 0: nothing does.
static inline uint64_t test_last_update(struct store *store, const struct base_digest *digest)
{
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    uint64_t last_update_ms = 0;
    if (cursor.stored != NULL) {
        struct store_record record;
        store_record_decode(cursor.stored, &record);
        last_update_ms = record.last_update_ms;
    }
    store_release(&cursor);
    return last_update_ms;
}

struct test_bytes {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

static inline enum store_visit test_bytes_visit(const struct store_record *record, void *arg)
{
    struct test_bytes *all = arg;
    if (all->size + record->size > all->capacity) {
        all->capacity = 2 * (all->size + record->size);
        all->bytes = realloc(all->bytes, all->capacity);
        assert_non_null(all->bytes);
    }
    memcpy(all->bytes + all->size, record->bytes, record->size);
    all->size += record->size;
    return STORE_VISIT_KEEP;
}

// All bytes of a partition, in order; free them.
static inline struct test_bytes test_partition_bytes(struct store *store, uint32_t partition)
{
    struct test_bytes all = {0};
    struct store_scan scan = {.partition = partition};
    while (!store_scan_step(store, &scan, 1000, test_bytes_visit, &all)) {
    }
    return all;
}

static inline bool test_partition_equal(struct store *a, struct store *b, uint32_t partition)
{
    struct test_bytes x = test_partition_bytes(a, partition);
    struct test_bytes y = test_partition_bytes(b, partition);
    bool equal = x.size == y.size && (x.size == 0 || memcmp(x.bytes, y.bytes, x.size) == 0);
    free(x.bytes);
    free(y.bytes);
    return equal;
}
