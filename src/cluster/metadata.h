// SPDX-License-Identifier: Apache-2.0
// Values that a whole cluster shares: truncations, modules of user functions, how deep eviction
// went. Small, few, and changed seldom. Each item has a stamp; of two versions of one item the one
// with the later stamp wins on every node (the higher node id decides between equal stamps), so
// nodes that have told each other all they have hold the same, in whatever order it came. A removed
// item stays as a removed one, or an older version would bring it back.
//
// A truncation's stamp is the moment before which records go, so that it only moves forward.
//
// Bytes: per item u32 size of the whole item, u8 kind, u8 flags (1: removed), u16 name size, u64
// stamp, u64 origin, name, value. Little endian. One thread at a time; the table owns copies of all
// it is given.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"

enum metadata_kind {
    METADATA_TRUNCATION = 1, // name "namespace" or "namespace|set"; the stamp is the moment
    METADATA_MODULE,         // name of the module; its content
    METADATA_EVICTION,       // namespace; u64 void time in seconds since 2010, 0: forgotten
};

enum {
    METADATA_ITEMS_MAX = 16384,
    METADATA_NAME_SIZE_MAX = 128,
    METADATA_VALUE_SIZE_MAX = 1024 * 1024,
    METADATA_TOTAL_SIZE_MAX = 32 * 1024 * 1024, // of all items
    METADATA_ITEM_HEADER_SIZE = 24,
};

struct metadata_item {
    enum metadata_kind kind;
    bool removed;
    uint64_t stamp_ms; // since 2010
    uint64_t origin;   // id of the node where it was set
    struct base_slice name;
    struct base_slice value;
};

struct metadata;

BASE_MUST_USE enum base_result metadata_new(struct metadata **out);
void metadata_free(struct metadata **metadata);

// Takes an item over if it is later than what is there. *changed says so. RESULT_LIMIT past the
// bounds above, RESULT_PARAMETER for an empty or overlong name, RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result metadata_merge(struct metadata *metadata,
                                              const struct metadata_item *item, bool *changed);

// The item of that name, removed ones too. Its bytes are the table's, good until the next merge.
bool metadata_find(const struct metadata *metadata, enum metadata_kind kind, struct base_slice name,
                   struct metadata_item *out);

// Items are numbered from 0; a merge may change the numbers.
uint32_t metadata_count(const struct metadata *metadata);
void metadata_at(const struct metadata *metadata, uint32_t number, struct metadata_item *out);

size_t metadata_item_size(const struct metadata_item *item);
void metadata_item_encode(const struct metadata_item *item, uint8_t *at);

// Takes the next item off `bytes`. RESULT_QUERY_END: there is none. RESULT_MALFORMED: any lie of a
// length or kind. The item points into the bytes.
BASE_MUST_USE enum base_result metadata_item_decode(struct base_slice *bytes,
                                                    struct metadata_item *out);
