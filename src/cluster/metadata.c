// SPDX-License-Identifier: Apache-2.0
// A sorted array of items, each one block that is its own encoding.
#include "cluster/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum {
    METADATA_MAGIC = 0x4d455441,
    FLAG_REMOVED = 1,
    KIND_AT = 4,
    FLAGS_AT = 5,
    NAME_SIZE_AT = 6,
    STAMP_AT = 8,
    ORIGIN_AT = 16,
    COUNT_STEP = 64,
};

struct metadata {
    uint32_t magic;
    uint32_t count, capacity;
    size_t total_size;
    uint8_t **item;
};

enum base_result metadata_new(struct metadata **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return RESULT_NO_MEMORY;
    }
    (*out)->magic = METADATA_MAGIC;
    return RESULT_OK;
}

void metadata_free(struct metadata **metadata)
{
    struct metadata *m = *metadata;
    if (m == NULL) {
        return;
    }
    base_magic_check(m, METADATA_MAGIC);
    for (uint32_t i = 0; i < m->count; i++) {
        free(m->item[i]);
    }
    free(m->item);
    free(m);
    *metadata = NULL;
}

size_t metadata_item_size(const struct metadata_item *item)
{
    return METADATA_ITEM_HEADER_SIZE + item->name.size + item->value.size;
}

void metadata_item_encode(const struct metadata_item *item, uint8_t *at)
{
    base_le32_store(at, (uint32_t)metadata_item_size(item));
    at[KIND_AT] = (uint8_t)item->kind;
    at[FLAGS_AT] = item->removed ? FLAG_REMOVED : 0;
    base_le16_store(at + NAME_SIZE_AT, (uint16_t)item->name.size);
    base_le64_store(at + STAMP_AT, item->stamp_ms);
    base_le64_store(at + ORIGIN_AT, item->origin);
    memcpy(at + METADATA_ITEM_HEADER_SIZE, item->name.data, item->name.size);
    if (item->value.size > 0) {
        memcpy(at + METADATA_ITEM_HEADER_SIZE + item->name.size, item->value.data,
               item->value.size);
    }
}

static bool fits(const struct metadata_item *item)
{
    return item->kind >= METADATA_TRUNCATION && item->kind <= METADATA_EVICTION &&
           item->name.size > 0 && item->name.size <= METADATA_NAME_SIZE_MAX &&
           item->value.size <= METADATA_VALUE_SIZE_MAX;
}

// Takes apart an item of sound length.
static void item_read(const uint8_t *bytes, size_t size, struct metadata_item *out)
{
    size_t name_size = base_le16_load(bytes + NAME_SIZE_AT);
    const uint8_t *name = bytes + METADATA_ITEM_HEADER_SIZE;
    *out = (struct metadata_item){
        .kind = bytes[KIND_AT],
        .removed = (bytes[FLAGS_AT] & FLAG_REMOVED) != 0,
        .stamp_ms = base_le64_load(bytes + STAMP_AT),
        .origin = base_le64_load(bytes + ORIGIN_AT),
        .name = {name, name_size},
        .value = {name + name_size, size - METADATA_ITEM_HEADER_SIZE - name_size},
    };
}

enum base_result metadata_item_decode(struct base_slice *bytes, struct metadata_item *out)
{
    if (bytes->size == 0) {
        return RESULT_QUERY_END;
    }
    if (bytes->size < METADATA_ITEM_HEADER_SIZE) {
        return RESULT_MALFORMED;
    }
    size_t size = base_le32_load(bytes->data);
    if (size > bytes->size ||
        size < METADATA_ITEM_HEADER_SIZE + (size_t)base_le16_load(bytes->data + NAME_SIZE_AT)) {
        return RESULT_MALFORMED;
    }
    item_read(bytes->data, size, out);
    if (!fits(out)) {
        return RESULT_MALFORMED;
    }
    bytes->data += size;
    bytes->size -= size;
    return RESULT_OK;
}

void metadata_at(const struct metadata *m, uint32_t number, struct metadata_item *out)
{
    base_assert(number < m->count);
    item_read(m->item[number], base_le32_load(m->item[number]), out);
}

uint32_t metadata_count(const struct metadata *m)
{
    return m->count;
}

static int order(enum metadata_kind kind, struct base_slice name, const struct metadata_item *item)
{
    if (kind != item->kind) {
        return kind < item->kind ? -1 : 1;
    }
    size_t common = name.size < item->name.size ? name.size : item->name.size;
    int first = memcmp(name.data, item->name.data, common);
    return first != 0 ? first : name.size < item->name.size ? -1 : name.size > item->name.size;
}

// The place of that item, or where it would stand; true when it is there.
static bool find(const struct metadata *m, enum metadata_kind kind, struct base_slice name,
                 uint32_t *at)
{
    uint32_t low = 0, high = m->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct metadata_item there;
        metadata_at(m, middle, &there);
        int which = order(kind, name, &there);
        if (which == 0) {
            *at = middle;
            return true;
        }
        if (which < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *at = low;
    return false;
}

bool metadata_find(const struct metadata *m, enum metadata_kind kind, struct base_slice name,
                   struct metadata_item *out)
{
    uint32_t at;
    if (!find(m, kind, name, &at)) {
        return false;
    }
    metadata_at(m, at, out);
    return true;
}

static bool is_later(const struct metadata_item *a, const struct metadata_item *b)
{
    return a->stamp_ms != b->stamp_ms ? a->stamp_ms > b->stamp_ms : a->origin > b->origin;
}

static enum base_result room_make(struct metadata *m)
{
    if (m->count == METADATA_ITEMS_MAX) {
        return RESULT_LIMIT;
    }
    if (m->count < m->capacity) {
        return RESULT_OK;
    }
    uint8_t **more = realloc(m->item, (m->capacity + COUNT_STEP) * sizeof *more);
    if (more == NULL) {
        return RESULT_NO_MEMORY;
    }
    m->item = more;
    m->capacity += COUNT_STEP;
    return RESULT_OK;
}

enum base_result metadata_merge(struct metadata *m, const struct metadata_item *item, bool *changed)
{
    base_magic_check(m, METADATA_MAGIC);
    *changed = false;
    if (!fits(item)) {
        return RESULT_PARAMETER;
    }
    uint32_t at;
    size_t size = metadata_item_size(item), before = 0;
    bool there = find(m, item->kind, item->name, &at);
    if (there) {
        struct metadata_item old;
        metadata_at(m, at, &old);
        before = metadata_item_size(&old);
        if (!is_later(item, &old)) {
            return RESULT_OK;
        }
    }
    if (m->total_size - before + size > METADATA_TOTAL_SIZE_MAX) {
        return RESULT_LIMIT;
    }
    enum base_result result = there ? RESULT_OK : room_make(m);
    uint8_t *block = result == RESULT_OK ? malloc(size) : NULL;
    if (block == NULL) {
        return result == RESULT_OK ? RESULT_NO_MEMORY : result;
    }
    metadata_item_encode(item, block);
    if (there) {
        free(m->item[at]);
    } else {
        memmove(&m->item[at + 1], &m->item[at], (m->count - at) * sizeof m->item[0]);
        m->count++;
    }
    m->item[at] = block;
    m->total_size = m->total_size - before + size;
    *changed = true;
    return RESULT_OK;
}
