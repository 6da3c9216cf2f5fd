// SPDX-License-Identifier: Apache-2.0
// Unaligned loads and stores in a named byte order. The caller guarantees the bytes exist.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A run of bytes that somebody else owns.
struct base_slice {
    const uint8_t *data;
    size_t size;
};

static inline bool base_slice_equal(struct base_slice a, struct base_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline uint16_t base_be16_load(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t base_be32_load(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t base_be64_load(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap64(v);
}

static inline void base_be16_store(uint8_t *at, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(at, &v, sizeof v);
}

static inline void base_be32_store(uint8_t *at, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(at, &v, sizeof v);
}

static inline void base_be64_store(uint8_t *at, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(at, &v, sizeof v);
}

static inline uint16_t base_le16_load(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t base_le32_load(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint64_t base_le64_load(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline void base_le16_store(uint8_t *at, uint16_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline void base_le32_store(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline void base_le64_store(uint8_t *at, uint64_t v)
{
    memcpy(at, &v, sizeof v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Ballast runs on little-endian machines");
