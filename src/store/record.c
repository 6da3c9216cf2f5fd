// SPDX-License-Identifier: Apache-2.0
// The record format: encoding drafts, taking records apart, and judging bytes of foreign origin.
#include "store/record.h"

#include "base/assert.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    CHECKSUM_SIZE = 4,
    VERSION_MASK = 0x0f,
    FLAGS_KNOWN = STORE_RECORD_FLAG_KEY | STORE_RECORD_FLAG_TOMBSTONE,
    VARINT_SIZE_MAX = 4,
    LIFE_SHIFT = 42,
    GENERATION_SHIFT = 48,
    // Header, an empty set name, no bins.
    RECORD_SIZE_MIN = STORE_RECORD_HEADER_SIZE + 2,
};

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    return (uint32_t)XXH3_64bits(bytes + CHECKSUM_SIZE, size - CHECKSUM_SIZE);
}

void store_record_decode(const uint8_t *bytes, struct store_record *out)
{
    uint32_t size_word = base_le32_load(bytes + STORE_RECORD_SIZE_AT);
    uint32_t flags = size_word >> 24;
    base_assert((flags & VERSION_MASK) == STORE_RECORD_VERSION);

    out->bytes = bytes;
    out->size = size_word & STORE_RECORD_SIZE_MASK;
    out->digest = bytes + STORE_RECORD_DIGEST_AT;
    out->last_update_ms = store_record_last_update_ms(bytes);
    out->generation = base_le16_load(bytes + STORE_RECORD_GENERATION_AT);
    out->void_time_s = base_le32_load(bytes + STORE_RECORD_VOID_TIME_AT);
    out->tombstone = (flags & STORE_RECORD_FLAG_TOMBSTONE) != 0;

    const uint8_t *at = bytes + STORE_RECORD_HEADER_SIZE;
    out->set_name.size = *at++;
    out->set_name.data = at;
    at += out->set_name.size;
    out->key.data = at;
    out->key.size = 0;
    if (flags & STORE_RECORD_FLAG_KEY) {
        out->key.size = store_varint_load(&at);
        out->key.data = at;
        at += out->key.size;
    }
    out->bin_count = (uint16_t)store_varint_load(&at);
    out->bins = at;
    base_assert(at <= bytes + out->size);
}

// Reads a varint that may lie: false when it runs past `end` or is not the shortest form.
static bool varint_check(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < VARINT_SIZE_MAX && *at < end; i++) {
        uint32_t byte = *(*at)++;
        number |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = number;
            return byte != 0 || i == 0;
        }
    }
    return false;
}

// Moves *at over `size` bytes if they are there.
static bool skip_check(const uint8_t **at, const uint8_t *end, size_t size)
{
    if ((size_t)(end - *at) < size) {
        return false;
    }
    *at += size;
    return true;
}

static bool bin_check(const uint8_t **at, const uint8_t *end)
{
    if (*at == end) {
        return false;
    }
    uint32_t name_size = *(*at)++;
    uint32_t value_size;
    return name_size >= 1 && name_size <= LIMIT_BIN_NAME_SIZE &&
           skip_check(at, end, name_size + 1) && // the name and the particle type
           varint_check(at, end, &value_size) && skip_check(at, end, value_size);
}

// Checks everything behind the header, to the last byte.
static bool body_check(const uint8_t *at, const uint8_t *end, uint32_t flags)
{
    uint32_t set_name_size = *at++;
    if (set_name_size > LIMIT_SET_NAME_SIZE || !skip_check(&at, end, set_name_size)) {
        return false;
    }
    if (flags & STORE_RECORD_FLAG_KEY) {
        uint32_t key_size;
        if (!varint_check(&at, end, &key_size) || key_size == 0 ||
            !skip_check(&at, end, key_size)) {
            return false;
        }
    }
    uint32_t bin_count;
    if (!varint_check(&at, end, &bin_count) || bin_count > LIMIT_BINS_PER_RECORD ||
        (bin_count == 0) != ((flags & STORE_RECORD_FLAG_TOMBSTONE) != 0)) {
        return false;
    }
    for (uint32_t i = 0; i < bin_count; i++) {
        if (!bin_check(&at, end)) {
            return false;
        }
    }
    return at == end;
}

enum base_result store_record_check(const uint8_t *bytes, size_t size)
{
    if (size < RECORD_SIZE_MIN || size > LIMIT_RECORD_SIZE_MAX) {
        return RESULT_MALFORMED;
    }
    uint32_t flags = base_le32_load(bytes + STORE_RECORD_SIZE_AT) >> 24;
    bool good = store_record_size(bytes) == size &&
                (flags & VERSION_MASK) == STORE_RECORD_VERSION &&
                (flags & ~(uint32_t)(VERSION_MASK | FLAGS_KNOWN)) == 0 &&
                ((flags & STORE_RECORD_FLAG_TOMBSTONE) == 0 ||
                 base_le32_load(bytes + STORE_RECORD_VOID_TIME_AT) == 0) &&
                store_record_checksum(bytes) == checksum(bytes, size) &&
                body_check(bytes + STORE_RECORD_HEADER_SIZE, bytes + size, flags);
    return good ? RESULT_OK : RESULT_MALFORMED;
}

static size_t varint_size(size_t number)
{
    return number < 1U << 7 ? 1 : number < 1U << 14 ? 2 : number < 1U << 21 ? 3 : 4;
}

static uint8_t *varint_store(uint8_t *at, size_t number)
{
    while (number >= 0x80) {
        *at++ = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

static uint8_t *slice_store(uint8_t *at, const uint8_t *data, size_t size)
{
    if (size > 0) { // an empty slice may have no address at all
        memcpy(at, data, size);
    }
    return at + size;
}

size_t store_draft_size(const struct store_draft *draft)
{
    size_t size = STORE_RECORD_HEADER_SIZE + 1 + draft->set_name.size;
    if (draft->key.size > 0) {
        size += varint_size(draft->key.size) + draft->key.size;
    }
    size += varint_size(draft->bin_count);
    for (uint32_t i = 0; i < draft->bin_count; i++) {
        const struct store_bin *bin = &draft->bins[i];
        size += (size_t)1 + bin->name_size + 1 + varint_size(bin->value_size) + bin->value_size;
    }
    return size;
}

void store_record_encode(const struct store_draft *draft, uint8_t *at)
{
    base_assert(draft->set_name.size <= LIMIT_SET_NAME_SIZE);
    base_assert(draft->bin_count <= LIMIT_BINS_PER_RECORD);
    base_assert(draft->last_update_ms <= STORE_RECORD_LAST_UPDATE_MAX);
    base_assert(draft->life < STORE_RECORD_LIVES);
    base_assert((draft->bin_count == 0) == draft->tombstone);
    base_assert(!draft->tombstone || draft->void_time_s == 0);

    uint8_t *p = at + STORE_RECORD_HEADER_SIZE;
    *p++ = (uint8_t)draft->set_name.size;
    p = slice_store(p, draft->set_name.data, draft->set_name.size);
    uint32_t flags =
        STORE_RECORD_VERSION | (draft->tombstone ? (uint32_t)STORE_RECORD_FLAG_TOMBSTONE : 0);
    if (draft->key.size > 0) {
        flags |= STORE_RECORD_FLAG_KEY;
        p = varint_store(p, draft->key.size);
        p = slice_store(p, draft->key.data, draft->key.size);
    }
    p = varint_store(p, draft->bin_count);
    for (uint32_t i = 0; i < draft->bin_count; i++) {
        const struct store_bin *bin = &draft->bins[i];
        base_assert(bin->name_size >= 1 && bin->name_size <= LIMIT_BIN_NAME_SIZE);
        *p++ = bin->name_size;
        p = slice_store(p, bin->name, bin->name_size);
        *p++ = bin->type;
        p = varint_store(p, bin->value_size);
        p = slice_store(p, bin->value, bin->value_size);
    }

    size_t size = (size_t)(p - at);
    base_assert(size <= LIMIT_RECORD_SIZE_MAX);
    base_le32_store(at + STORE_RECORD_SIZE_AT, (uint32_t)size | flags << 24);
    base_le64_store(at + STORE_RECORD_LAST_UPDATE_AT,
                    draft->last_update_ms | (uint64_t)draft->life << LIFE_SHIFT |
                        (uint64_t)draft->generation << GENERATION_SHIFT);
    memcpy(at + STORE_RECORD_DIGEST_AT, draft->digest, LIMIT_DIGEST_SIZE);
    base_le32_store(at + STORE_RECORD_VOID_TIME_AT, draft->void_time_s);
    base_le32_store(at, checksum(at, size));
}
