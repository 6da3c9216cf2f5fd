// SPDX-License-Identifier: Apache-2.0
// What the store's tests share: a small PRNG, crafted digests, one-line writes, and an engine that
// runs out of memory when told to.
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
#include "store/engine.h"
#include "store/store.h"

static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline void test_digest_random(uint64_t *state, struct base_digest *out)
{
    for (size_t i = 0; i < LIMIT_DIGEST_SIZE; i += 4) {
        base_le32_store(out->bytes + i, (uint32_t)test_random(state));
    }
}

// Moves a digest into a partition without touching what orders it there.
static inline void test_digest_partition_set(struct base_digest *digest, uint32_t partition)
{
    digest->bytes[0] = (uint8_t)partition;
    digest->bytes[1] = (uint8_t)((digest->bytes[1] & 0xf0) | partition >> 8);
}

// The order of a partition's records, written down once more.
static inline int test_digest_compare(const void *a, const void *b)
{
    const struct base_digest *x = a;
    const struct base_digest *y = b;
    int order = memcmp(x->bytes + 2, y->bytes + 2, LIMIT_DIGEST_SIZE - 2);
    return order != 0 ? order : memcmp(x->bytes, y->bytes, 2);
}

static inline struct base_slice test_slice(const char *text)
{
    return (struct base_slice){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

// Writes a record with one blob bin of `value_size` bytes, all of them `fill`.
static inline enum base_result test_put(struct store *store, const struct base_digest *digest,
                                        const char *set_name, uint8_t fill, uint32_t value_size,
                                        uint64_t last_update_ms, uint32_t void_time_s)
{
    uint8_t value[4096];
    assert_true(value_size <= sizeof value);
    memset(value, fill, value_size);
    struct store_bin bin = {.name = (const uint8_t *)"b",
                            .name_size = 1,
                            .value = value,
                            .value_size = value_size,
                            .type = 4};
    struct store_draft draft = {.digest = digest->bytes,
                                .last_update_ms = last_update_ms,
                                .void_time_s = void_time_s,
                                .generation = 1,
                                .bin_count = 1,
                                .set_name = test_slice(set_name),
                                .bins = &bin};
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    enum base_result result = store_put(&cursor, &draft);
    store_release(&cursor);
    return result;
}

// The first byte of the one bin's value, or -1 when there is no live record.
static inline int test_get(struct store *store, const struct base_digest *digest, uint32_t now_s)
{
    int fill = -1;
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, now_s, &cursor);
    if (cursor.record != NULL) {
        struct store_record record;
        store_record_decode(cursor.record, &record);
        const uint8_t *at = record.bins;
        struct store_bin bin;
        store_bin_next(&at, &bin);
        fill = bin.value[0];
    }
    store_release(&cursor);
    return fill;
}

static inline void test_remove(struct store *store, const struct base_digest *digest)
{
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    store_remove(&cursor);
    assert_null(cursor.record);
    store_release(&cursor);
}
