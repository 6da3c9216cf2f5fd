// SPDX-License-Identifier: Apache-2.0
// The bodies of migration messages: bytes in, structs out, nothing copied. Little endian.
//
// A record is named by its head, the header of its encoding. So listing is copying, and
// replica_version reads a head as it reads a record.
//
//   SYNC_LIST     sequence u32; flags u8: 1 after is set, 2 until is set, 4 nothing is wanted of
//                 the list; 3 spare; after and until, 20 bytes each: the range; count u32; heads
//   SYNC_DIFF     sequence u32; flags u8: 8 partial; 3 spare; through, 20 bytes: how far this
//                 answer goes when it is partial; count u32 and sum u64 of the sender's whole
//                 partition; 64 bytes: a bit for each head that is wanted; records
//   SYNC_RECORDS  sequence u32; spare u32; records back to back
//   SYNC_STORED   sequence u32; count u32 and sum u64 of the sender's whole partition
//
// An answer that refuses (a result in the header) has only the sequence. Digests are in the order
// of the store.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "cluster/sync.h"
#include "store/store.h"

enum {
    SYNC__HEAD_SIZE = STORE_RECORD_HEADER_SIZE,
    SYNC__LIST_SIZE = 52, // before the heads
    SYNC__WANTED_SIZE = LIMIT_SYNC_RECORDS / 8,
    SYNC__DIFF_SIZE = 40 + SYNC__WANTED_SIZE, // before the records
    SYNC__RECORDS_SIZE = 8,                   // before the records
    SYNC__STORED_SIZE = 16,
    SYNC__REFUSAL_SIZE = 4,
};

_Static_assert((int)SYNC__RECORDS_SIZE == (int)SYNC_RECORDS_AT, "said in two places");
_Static_assert(LIMIT_SYNC_RECORDS % 8 == 0, "wanted bits fill their bytes");

// Digests behind `after` up to `until`, where they are set.
struct sync__range {
    bool after_set;
    bool until_set;
    uint8_t after[LIMIT_DIGEST_SIZE];
    uint8_t until[LIMIT_DIGEST_SIZE];
};

struct sync__list {
    uint32_t sequence;
    bool take_only;
    struct sync__range range;
    uint32_t count;
    const uint8_t *heads;
};

struct sync__diff {
    uint32_t sequence;
    bool partial;
    uint8_t through[LIMIT_DIGEST_SIZE];
    struct store_summary summary; // without tombstone_count
    uint8_t wanted[SYNC__WANTED_SIZE];
    struct base_slice records;
};

struct sync__stored {
    uint32_t sequence;
    struct store_summary summary; // without tombstone_count
};

static inline int sync__digest_compare(const uint8_t *a, const uint8_t *b)
{
    int order = memcmp(a + 2, b + 2, LIMIT_DIGEST_SIZE - 2);
    return order != 0 ? order : memcmp(a, b, 2);
}

static inline bool sync__range_has(const struct sync__range *range, const uint8_t *digest)
{
    return (!range->after_set || sync__digest_compare(digest, range->after) > 0) &&
           (!range->until_set || sync__digest_compare(digest, range->until) <= 0);
}

static inline bool sync__wanted_has(const uint8_t *wanted, uint32_t number)
{
    return (wanted[number / 8] >> number % 8 & 1) != 0;
}

static inline void sync__wanted_add(uint8_t *wanted, uint32_t number)
{
    wanted[number / 8] |= (uint8_t)(1 << number % 8);
}

// Each stores what stands before the heads or records, whose bytes are the caller's matter.
void sync__list_store(uint8_t at[SYNC__LIST_SIZE], const struct sync__list *list);
void sync__diff_store(uint8_t at[SYNC__DIFF_SIZE], const struct sync__diff *diff);
void sync__records_store(uint8_t at[SYNC__RECORDS_SIZE], uint32_t sequence);
void sync__stored_store(uint8_t at[SYNC__STORED_SIZE], const struct sync__stored *stored);

// Each checks everything, heads and records too, down to the partition of their digests:
// RESULT_MALFORMED. Sequence alone: of a body of any of the kinds.
BASE_MUST_USE enum base_result sync__sequence_parse(struct base_slice body, uint32_t *out);
BASE_MUST_USE enum base_result sync__list_parse(struct base_slice body, uint32_t partition,
                                                struct sync__list *out);
BASE_MUST_USE enum base_result sync__diff_parse(struct base_slice body, uint32_t partition,
                                                struct sync__diff *out);
BASE_MUST_USE enum base_result sync__records_parse(struct base_slice body, uint32_t partition,
                                                   uint32_t *sequence, struct base_slice *records);
BASE_MUST_USE enum base_result sync__stored_parse(struct base_slice body, struct sync__stored *out);
