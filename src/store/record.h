// SPDX-License-Identifier: Apache-2.0
// The one record format: the same bytes in memory, on disk, in replication, migration and backup.
// Little endian, self-describing, checksummed:
//
//   offset size
//   0      4    checksum of the bytes from 4 to the end (low half of XXH3)
//   4      4    size of the whole record, 24 bits; top byte: format version (low four bits) and
//               flags (high four bits: a key is stored; a tombstone)
//   8      6    last update time, milliseconds since 2010-01-01T00:00:00Z, 42 bits (to 2149); above
//               them six bits: how often the record was deleted and made again, modulo 64
//   14     2    generation
//   16     20   digest
//   36     4    void time, seconds since 2010-01-01T00:00:00Z; 0: never expires
//   40     ...  set name (u8 size, bytes); stored key when its flag is set (varint size, key
//               particle type and value); varint bin count; per bin: u8 name size, name, u8
//               particle type, varint value size, value
//
// A varint holds 7 bits a byte, low bits first, high bit set on all but the last byte; it is never
// longer than its number needs and never longer than four bytes, so that equal records are equal
// bytes. Values are kept as the wire carries them. Pure functions; any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

enum {
    STORE_RECORD_HEADER_SIZE = 40,
    STORE_RECORD_VERSION = 1,
    STORE_RECORD_FLAG_KEY = 0x10,
    STORE_RECORD_FLAG_TOMBSTONE = 0x20, // deleted: no bins, never expires
    STORE_RECORD_SIZE_MASK = 0xffffff,
    STORE_RECORD_LIVES = 64,

    // Where the fields of the header stand.
    STORE_RECORD_SIZE_AT = 4,
    STORE_RECORD_LAST_UPDATE_AT = 8,
    STORE_RECORD_GENERATION_AT = 14,
    STORE_RECORD_DIGEST_AT = 16,
    STORE_RECORD_VOID_TIME_AT = 36,
};

#define STORE_RECORD_LAST_UPDATE_MAX ((UINT64_C(1) << 42) - 1)

_Static_assert((int)LIMIT_RECORD_SIZE_MAX <= (int)STORE_RECORD_SIZE_MASK,
               "a record's size is 24 bits");

// A record taken apart; slices point into its bytes.
struct store_record {
    const uint8_t *bytes;
    uint32_t size;
    const uint8_t *digest; // LIMIT_DIGEST_SIZE bytes
    uint64_t last_update_ms;
    uint32_t void_time_s;
    uint16_t generation;
    uint16_t bin_count; // 0 in tombstones alone
    bool tombstone;
    struct base_slice set_name; // size 0: no set
    struct base_slice key;      // particle type byte and value; size 0: no key stored
    const uint8_t *bins;        // the first bin, for store_bin_next
};

struct store_bin {
    const uint8_t *name;
    const uint8_t *value;
    uint32_t value_size;
    uint8_t name_size; // 1 to LIMIT_BIN_NAME_SIZE
    uint8_t type;      // particle type
};

// What a record shall become. Bins may point into any bytes that live until the record is encoded.
struct store_draft {
    const uint8_t *digest;
    uint64_t last_update_ms;
    uint32_t void_time_s;
    uint16_t generation;
    uint16_t bin_count;
    uint8_t life;   // how often it was deleted and made again, modulo STORE_RECORD_LIVES
    bool tombstone; // then without bins and void time; without bins only then
    struct base_slice set_name;
    struct base_slice key;
    const struct store_bin *bins;
};

// Takes apart a record of our own making; a broken one is a bug and asserts.
void store_record_decode(const uint8_t *bytes, struct store_record *out);

// Checks bytes from a disk or a peer: version, every length, checksum. RESULT_OK, or
// RESULT_MALFORMED for anything that store_record_decode could not be given.
BASE_MUST_USE enum base_result store_record_check(const uint8_t *bytes, size_t size);

// Reads a varint of checked bytes and moves *at behind it.
static inline uint32_t store_varint_load(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint32_t number = *p++;
    if (__builtin_expect(number >= 0x80, 0)) {
        number &= 0x7f;
        uint32_t shift = 7;
        uint32_t byte;
        do {
            byte = *p++;
            number |= (byte & 0x7f) << shift;
            shift += 7;
        } while (byte >= 0x80 && shift < 28);
    }
    *at = p;
    return number;
}

// Size of a whole record of checked bytes, read from its header.
static inline uint32_t store_record_size(const uint8_t *bytes)
{
    return base_le32_load(bytes + STORE_RECORD_SIZE_AT) & STORE_RECORD_SIZE_MASK;
}

static inline bool store_record_is_tombstone(const uint8_t *bytes)
{
    return (bytes[STORE_RECORD_SIZE_AT + 3] & STORE_RECORD_FLAG_TOMBSTONE) != 0;
}

static inline uint64_t store_record_last_update_ms(const uint8_t *bytes)
{
    return base_le64_load(bytes + STORE_RECORD_LAST_UPDATE_AT) & STORE_RECORD_LAST_UPDATE_MAX;
}

static inline uint8_t store_record_life(const uint8_t *bytes)
{
    return bytes[STORE_RECORD_GENERATION_AT - 1] >> 2;
}

static inline uint32_t store_record_checksum(const uint8_t *bytes)
{
    return base_le32_load(bytes);
}

// Reads the bin at *at and moves *at behind it. The caller counts bins.
static inline void store_bin_next(const uint8_t **at, struct store_bin *out)
{
    const uint8_t *p = *at;
    out->name_size = *p++;
    out->name = p;
    p += out->name_size;
    out->type = *p++;
    out->value_size = store_varint_load(&p);
    out->value = p;
    *at = p + out->value_size;
}

// Bytes that store_record_encode will write; may exceed what a record can be, see store_put.
size_t store_draft_size(const struct store_draft *draft);

// Writes the record at `at`, exactly store_draft_size bytes, at most LIMIT_RECORD_SIZE_MAX.
void store_record_encode(const struct store_draft *draft, uint8_t *at);
