// SPDX-License-Identifier: Apache-2.0
// The record's identity: 20 bytes that the client computes. The partition is the low twelve bits of
// its first two bytes, little endian (wire-protocol section 4.6).
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

struct base_digest {
    uint8_t bytes[LIMIT_DIGEST_SIZE];
};

_Static_assert(sizeof(struct base_digest) == LIMIT_DIGEST_SIZE, "digest is raw bytes");

static inline uint32_t base_digest_partition(const uint8_t *digest)
{
    return base_le16_load(digest) & (LIMIT_PARTITIONS - 1);
}
