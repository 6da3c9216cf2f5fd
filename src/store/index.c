// SPDX-License-Identifier: Apache-2.0
// The digest-ordered index of one partition; its model is told in the header.
#include "store/index.h"

#include <string.h>

#include "base/assert.h"
#include "base/limits.h"

enum {
    POINTER_BITS = 48,
    SIZE_CLASS_SEGMENT_MAX = 40, // 64 KB
    SIZE_CLASS_DIRECTORY = 255,
    DEPTH_MAX = 12,
    SQUEEZE_MAX = 15,
    SLACK_MAX = 16,
    CACHE_LINE_SIZE = 64,
    PREFETCH_LINES = 3,   // of a record: its header and what small records hold
    WALK_SLOTS_MAX = 16,  // before a find turns to halving
    INSERT_ATTEMPTS = 64, // more than all splits and squeezes that one insert can cause
};

static const uint64_t pointer_mask = (UINT64_C(1) << POINTER_BITS) - 1;

// An entry unpacked. The word before the slots holds the count of records.
struct segment {
    uint64_t *slots;     // NULL: no block
    uint32_t slot_count; // slots[slot_count] is always a gap
    uint32_t home_count;
    uint32_t size_class;
    uint32_t depth;
    uint32_t squeeze;
};

static void *word_pointer(uint64_t word)
{
    return (void *)(uintptr_t)(word & pointer_mask);
}

static uint64_t word_pack(uint32_t high, const void *pointer)
{
    uint64_t address = (uint64_t)(uintptr_t)pointer;
    base_assert(address <= pointer_mask);
    return (uint64_t)high << POINTER_BITS | address;
}

static uint32_t word_tag(uint64_t word)
{
    return (uint32_t)(word >> POINTER_BITS);
}

static uint64_t key_bits(const uint8_t *digest)
{
    return base_be64_load(digest + 2);
}

static uint32_t key_tag(const uint8_t *digest, uint32_t depth)
{
    return (uint32_t)(key_bits(digest) << depth >> 48);
}

static const uint8_t *word_digest(uint64_t word)
{
    return (const uint8_t *)word_pointer(word) + STORE_RECORD_DIGEST_AT;
}

// Order of two digests that agree in their tag, which often means in nothing else.
static int key_compare(const uint8_t *a, const uint8_t *b)
{
    uint64_t x = base_be64_load(a + 2);
    uint64_t y = base_be64_load(b + 2);
    if (x == y) {
        x = base_be64_load(a + 10);
        y = base_be64_load(b + 10);
    }
    if (x == y) {
        x = (uint64_t)base_be16_load(a + 18) << 16 | base_be16_load(a);
        y = (uint64_t)base_be16_load(b + 18) << 16 | base_be16_load(b);
    }
    return (x > y) - (x < y);
}

// Words of a block: 8, 10, 12, 14, 16, 20, 24, 28, 32, ...
static uint32_t class_words(uint32_t size_class)
{
    return (4 + (size_class & 3)) << ((size_class >> 2) + 1);
}

static size_t class_size(uint32_t size_class)
{
    return (size_t)class_words(size_class) * sizeof(uint64_t);
}

static uint32_t class_slot_count(uint32_t size_class)
{
    return class_words(size_class) - 2; // the count in front, the gap at the end
}

static uint32_t class_home_count(uint32_t size_class, uint32_t squeeze)
{
    uint32_t slack = class_words(size_class) / 8;
    slack = slack > SLACK_MAX ? SLACK_MAX : slack;
    uint32_t home_count = (class_slot_count(size_class) - slack) >> squeeze;
    return home_count == 0 || squeeze == SQUEEZE_MAX ? 1 : home_count;
}

// Most records that a block of this class may hold.
static uint32_t class_limit(uint32_t size_class)
{
    uint32_t home_count = class_home_count(size_class, 0);
    return home_count - home_count / 8;
}

// The smallest class that holds `count` records and a few more.
static uint32_t class_fit(uint32_t count)
{
    uint32_t size_class = 0;
    while (class_limit(size_class) < count + count / 16) {
        size_class++;
    }
    return size_class;
}

static uint32_t segment_home(const struct segment *segment, uint32_t tag)
{
    return (uint32_t)((uint64_t)segment->home_count * tag >> 16);
}

static uint64_t *segment_count(const struct segment *segment)
{
    return segment->slots - 1;
}

// Inlined, so that each caller computes only what it uses.
__attribute__((always_inline)) static inline void segment_unpack(uint64_t entry,
                                                                 struct segment *out)
{
    uint32_t shape = word_tag(entry);
    uint64_t *block = word_pointer(entry);
    out->slots = block == NULL ? NULL : block + 1;
    out->size_class = shape >> 8;
    out->depth = shape >> 4 & 15;
    out->squeeze = shape & 15;
    out->slot_count = class_slot_count(out->size_class);
    out->home_count = class_home_count(out->size_class, out->squeeze);
}

static uint64_t segment_pack(const struct segment *segment)
{
    if (segment->slots == NULL) {
        return word_pack(segment->depth << 4, NULL);
    }
    return word_pack(segment->size_class << 8 | segment->depth << 4 | segment->squeeze,
                     segment->slots - 1);
}

static uint64_t root_load(const struct store__index *index)
{
    return atomic_load_explicit(&index->root, memory_order_relaxed);
}

static void root_store(struct store__index *index, uint64_t root)
{
    atomic_store_explicit(&index->root, root, memory_order_relaxed);
}

static bool root_is_directory(uint64_t root)
{
    return word_tag(root) >> 8 == SIZE_CLASS_DIRECTORY;
}

static uint32_t root_bits(uint64_t root)
{
    return root_is_directory(root) ? word_tag(root) >> 4 & 15 : 0;
}

static uint64_t directory_pack(uint64_t *directory, uint32_t bits)
{
    return word_pack((uint32_t)SIZE_CLASS_DIRECTORY << 8 | bits << 4, directory);
}

static size_t directory_size(uint32_t bits)
{
    return sizeof(uint64_t) << bits;
}

// The place in the directory of a key; 0 while there is none.
static uint32_t root_entry_number(uint64_t root, uint64_t key)
{
    uint32_t bits = root_bits(root);
    return bits == 0 ? 0 : (uint32_t)(key >> (64 - bits));
}

static uint64_t root_entry(uint64_t root, uint32_t number)
{
    return root_is_directory(root) ? ((const uint64_t *)word_pointer(root))[number] : root;
}

__attribute__((always_inline)) static inline void segment_of(const struct store__index *index,
                                                             const uint8_t *digest,
                                                             struct segment *out)
{
    uint64_t root = root_load(index);
    segment_unpack(root_entry(root, root_entry_number(root, key_bits(digest))), out);
}

// Makes all entries of the segment that the key leads to name this one.
static void segment_set(struct store__index *index, uint64_t key, const struct segment *segment)
{
    uint64_t root = root_load(index);
    if (!root_is_directory(root)) {
        root_store(index, segment_pack(segment));
        return;
    }
    uint64_t *directory = word_pointer(root);
    uint32_t count = 1U << (root_bits(root) - segment->depth);
    uint32_t first = root_entry_number(root, key) & ~(count - 1);
    for (uint32_t i = 0; i < count; i++) {
        directory[first + i] = segment_pack(segment);
    }
}

static uint64_t *heap_take(struct store__index_heap *heap, size_t size)
{
    uint64_t *block = heap->engine->block_take(heap->engine, size);
    if (block != NULL) {
        atomic_fetch_add_explicit(&heap->used_bytes, size, memory_order_relaxed);
    }
    return block;
}

static void heap_give(struct store__index_heap *heap, uint64_t *block, size_t size)
{
    if (block != NULL) {
        atomic_fetch_sub_explicit(&heap->used_bytes, size, memory_order_relaxed);
        heap->engine->block_give(heap->engine, block, size);
    }
}

static bool segment_take(struct store__index_heap *heap, struct segment *segment)
{
    uint64_t *block = heap_take(heap, class_size(segment->size_class));
    segment->slots = block == NULL ? NULL : block + 1;
    return block != NULL;
}

static void segment_give(struct store__index_heap *heap, const struct segment *segment)
{
    if (segment->slots != NULL) {
        heap_give(heap, segment->slots - 1, class_size(segment->size_class));
    }
}

void store__index_fini(struct store__index *index, struct store__index_heap *heap)
{
    uint64_t root = root_load(index);
    uint32_t entry_count = 1U << root_bits(root);
    for (uint32_t i = 0; i < entry_count;) {
        struct segment segment;
        segment_unpack(root_entry(root, i), &segment);
        segment_give(heap, &segment);
        i += 1U << (root_bits(root) - segment.depth);
    }
    if (root_is_directory(root)) {
        heap_give(heap, word_pointer(root), directory_size(root_bits(root)));
    }
    root_store(index, 0);
    atomic_store_explicit(&index->record_count, 0, memory_order_relaxed);
}

// Asks for the cache lines of a slot's record.
static void slot_prefetch(uint64_t slot)
{
    const uint8_t *digest = word_digest(slot);
    for (uint32_t line = 0; line < PREFETCH_LINES; line++) {
        __builtin_prefetch(digest + line * (size_t)CACHE_LINE_SIZE);
    }
}

// Where a slot stands to a key: below 0 before it, 0 on it, above 0 behind it or a gap.
static int slot_compare(uint64_t slot, uint32_t tag, const uint8_t *digest)
{
    if (slot == 0) {
        return 1;
    }
    if (word_tag(slot) != tag) {
        return word_tag(slot) < tag ? -1 : 1;
    }
    // An equal tag is nearly always the record itself, which the caller will read: ask for all of
    // it while the digest is on its way.
    slot_prefetch(slot);
    return key_compare(word_digest(slot), digest);
}

// Halves what is left of a long run, which only digests made by hand grow.
static bool long_run_find(const struct segment *segment, uint32_t tag, const uint8_t *digest,
                          uint32_t low, uint32_t *slot)
{
    uint32_t high = segment->slot_count; // a gap
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slot_compare(segment->slots[middle], tag, digest) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *slot = low;
    return slot_compare(segment->slots[low], tag, digest) == 0;
}

__attribute__((always_inline)) static inline bool segment_find(const struct segment *segment,
                                                               const uint8_t *digest,
                                                               uint32_t *slot)
{
    *slot = 0;
    if (segment->slots == NULL) {
        return false;
    }
    uint32_t tag = key_tag(digest, segment->depth);
    uint32_t at = segment_home(segment, tag);
    for (uint32_t end = at + WALK_SLOTS_MAX; at < end; at++) {
        int order = slot_compare(segment->slots[at], tag, digest);
        if (order >= 0) {
            *slot = at;
            return order == 0;
        }
    }
    return long_run_find(segment, tag, digest, at, slot);
}

bool store__index_find(const struct store__index *index, const uint8_t *digest, uint32_t *slot)
{
    struct segment segment;
    segment_of(index, digest, &segment);
    return segment_find(&segment, digest, slot);
}

uint8_t *store__index_head(const struct store__index *index, const uint8_t *digest, uint32_t slot)
{
    struct segment segment;
    segment_of(index, digest, &segment);
    return word_pointer(segment.slots[slot]);
}

void store__index_head_set(struct store__index *index, const uint8_t *digest, uint32_t slot,
                           uint8_t *head)
{
    struct segment segment;
    segment_of(index, digest, &segment);
    segment.slots[slot] = word_pack(word_tag(segment.slots[slot]), head);
}

// True when source slots [from, to) find room in a block of this shape.
static bool segment_fits(const struct segment *segment, const uint64_t *source, uint32_t from,
                         uint32_t to)
{
    uint32_t next = 0;
    for (uint32_t i = from; i < to; i++) {
        if (source[i] != 0) {
            uint32_t home = segment_home(segment, word_tag(source[i]));
            next = (home > next ? home : next) + 1;
        }
    }
    return next <= segment->slot_count;
}

// Fills a new block with source slots [from, to), squeezing as far as they need it.
static void segment_build(struct segment *segment, const uint64_t *source, uint32_t from,
                          uint32_t to)
{
    segment->slot_count = class_slot_count(segment->size_class);
    for (;; segment->squeeze++) {
        base_assert(segment->squeeze <= SQUEEZE_MAX);
        segment->home_count = class_home_count(segment->size_class, segment->squeeze);
        if (segment_fits(segment, source, from, to)) {
            break;
        }
    }
    uint64_t count = 0;
    uint32_t next = 0;
    for (uint32_t i = from; i < to; i++) {
        if (source[i] == 0) {
            continue;
        }
        uint32_t home = segment_home(segment, word_tag(source[i]));
        while (next < home) {
            segment->slots[next++] = 0;
        }
        segment->slots[next++] = source[i];
        count++;
    }
    memset(segment->slots + next, 0, (segment->slot_count + 1 - next) * sizeof(uint64_t));
    *segment_count(segment) = count;
}

// Moves a segment to a block of another shape.
static enum base_result segment_resize(struct store__index *index, struct store__index_heap *heap,
                                       uint64_t key, const struct segment *old, uint32_t size_class,
                                       uint32_t squeeze)
{
    struct segment segment = {.size_class = size_class, .depth = old->depth, .squeeze = squeeze};
    if (!segment_take(heap, &segment)) {
        return RESULT_NO_MEMORY;
    }
    segment_build(&segment, old->slots, 0, old->slots == NULL ? 0 : old->slot_count);
    segment_set(index, key, &segment);
    segment_give(heap, old);
    return RESULT_OK;
}

// Doubles the directory, or makes the first one.
static enum base_result directory_grow(struct store__index *index, struct store__index_heap *heap)
{
    uint64_t root = root_load(index);
    uint32_t bits = root_bits(root);
    base_assert(bits < DEPTH_MAX);
    uint64_t *directory = heap_take(heap, directory_size(bits + 1));
    if (directory == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (uint32_t i = 0; i < 1U << bits; i++) {
        directory[2 * i] = root_entry(root, i);
        directory[2 * i + 1] = root_entry(root, i);
    }
    root_store(index, directory_pack(directory, bits + 1));
    if (root_is_directory(root)) {
        heap_give(heap, word_pointer(root), directory_size(bits));
    }
    return RESULT_OK;
}

// Moves the tag window of each slot on by a bit, which takes a look at each record.
static void segment_retag(struct segment *segment)
{
    enum { AHEAD = 8 };
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        uint64_t slot = segment->slots[i];
        if (i + AHEAD < segment->slot_count) {
            __builtin_prefetch(word_pointer(segment->slots[i + AHEAD]));
        }
        if (slot != 0) {
            uint32_t tag = key_tag(word_digest(slot), segment->depth + 1);
            segment->slots[i] = word_pack(tag, word_pointer(slot));
        }
    }
}

// Splits a segment in two by the next bit of the key.
static enum base_result segment_split(struct store__index *index, struct store__index_heap *heap,
                                      uint64_t key, struct segment *old)
{
    if (old->depth == root_bits(root_load(index))) {
        enum base_result result = directory_grow(index, heap);
        if (result != RESULT_OK) {
            return result;
        }
    }

    uint32_t low_count = 0;
    uint32_t high_start = 0;
    for (uint32_t i = 0; i < old->slot_count; i++) {
        if (old->slots[i] != 0 && word_tag(old->slots[i]) < 0x8000) {
            low_count++;
            high_start = i + 1;
        }
    }
    uint32_t high_count = (uint32_t)*segment_count(old) - low_count;
    struct segment low = {.size_class = class_fit(low_count), .depth = old->depth + 1};
    struct segment high = {.size_class = class_fit(high_count), .depth = old->depth + 1};
    if ((low_count > 0 && !segment_take(heap, &low)) ||
        (high_count > 0 && !segment_take(heap, &high))) {
        segment_give(heap, &low);
        return RESULT_NO_MEMORY;
    }

    segment_retag(old);
    if (low_count > 0) {
        segment_build(&low, old->slots, 0, high_start);
    }
    if (high_count > 0) {
        segment_build(&high, old->slots, high_start, old->slot_count);
    }
    uint64_t bit = UINT64_C(1) << (63 - old->depth);
    segment_set(index, key & ~bit, &low);
    segment_set(index, key | bit, &high);
    segment_give(heap, old);
    return RESULT_OK;
}

// Makes room for one more record in the segment that the key leads to: a bigger block, homes
// squeezed together, or a split. It may take several calls.
static enum base_result make_room(struct store__index *index, struct store__index_heap *heap,
                                  uint64_t key, struct segment *segment)
{
    if (segment->slots == NULL) {
        return segment_resize(index, heap, key, segment, 0, 0);
    }
    uint32_t limit = class_limit(segment->size_class);
    if (*segment_count(segment) < limit - limit / 4) {
        return segment_resize(index, heap, key, segment, segment->size_class, segment->squeeze + 1);
    }
    if (segment->size_class >= SIZE_CLASS_SEGMENT_MAX && segment->depth < DEPTH_MAX) {
        return segment_split(index, heap, key, segment);
    }
    return segment_resize(index, heap, key, segment, segment->size_class + 1, 0);
}

// Puts a slot at its place by moving the run there up by one. False when there is no room.
static bool segment_insert(struct segment *segment, uint32_t at, uint64_t slot)
{
    if (segment->slots == NULL || *segment_count(segment) >= class_limit(segment->size_class)) {
        return false;
    }
    uint32_t gap = at;
    while (segment->slots[gap] != 0) {
        gap++;
    }
    if (gap == segment->slot_count) {
        return false;
    }
    memmove(segment->slots + at + 1, segment->slots + at, (gap - at) * sizeof(uint64_t));
    segment->slots[at] = slot;
    *segment_count(segment) += 1;
    return true;
}

static void record_count_add(struct store__index *index, uint32_t delta)
{
    uint32_t count = atomic_load_explicit(&index->record_count, memory_order_relaxed);
    atomic_store_explicit(&index->record_count, count + delta, memory_order_relaxed);
}

enum base_result store__index_insert(struct store__index *index, struct store__index_heap *heap,
                                     const uint8_t *digest, uint8_t *head, uint32_t *slot)
{
    for (uint32_t attempt = 0; attempt < INSERT_ATTEMPTS; attempt++) {
        struct segment segment;
        segment_of(index, digest, &segment);
        uint32_t tag = key_tag(digest, segment.depth);
        if (segment_insert(&segment, *slot, word_pack(tag, head))) {
            record_count_add(index, 1);
            return RESULT_OK;
        }
        enum base_result result = make_room(index, heap, key_bits(digest), &segment);
        if (result != RESULT_OK) {
            return result;
        }
        bool found = store__index_find(index, digest, slot);
        base_assert(!found);
    }
    base_panic(__FILE__, __LINE__, "an insert finds room in a bounded number of attempts");
}

// Moves what follows a slot back over it, up to a gap or a slot at its home.
static void segment_remove(struct segment *segment, uint32_t at)
{
    base_assert(segment->slots[at] != 0);
    uint32_t end = at + 1;
    while (segment->slots[end] != 0 && segment_home(segment, word_tag(segment->slots[end])) < end) {
        end++;
    }
    memmove(segment->slots + at, segment->slots + at + 1, (end - at - 1) * sizeof(uint64_t));
    segment->slots[end - 1] = 0;
    *segment_count(segment) -= 1;
}

// Gives memory back when little of it is used.
static void segment_shrink(struct store__index *index, struct store__index_heap *heap, uint64_t key,
                           const struct segment *segment)
{
    uint32_t count = (uint32_t)*segment_count(segment);
    if (count == 0) {
        struct segment none = {.depth = segment->depth};
        segment_set(index, key, &none);
        segment_give(heap, segment);
        return;
    }
    uint32_t size_class = class_fit(count);
    if (count < class_limit(segment->size_class) / 8 * 3 && size_class < segment->size_class) {
        // Without memory for the smaller block the bigger one stays, which is no error.
        (void)!segment_resize(index, heap, key, segment, size_class, 0);
    }
}

void store__index_remove(struct store__index *index, struct store__index_heap *heap,
                         const uint8_t *digest, uint32_t *slot)
{
    struct segment segment;
    segment_of(index, digest, &segment);
    segment_remove(&segment, *slot);
    record_count_add(index, (uint32_t)-1);
    if (atomic_load_explicit(&index->record_count, memory_order_relaxed) == 0) {
        store__index_fini(index, heap);
    } else {
        segment_shrink(index, heap, key_bits(digest), &segment);
    }
    bool found = store__index_find(index, digest, slot);
    base_assert(!found);
}

void store__index_walk_start(const struct store__index *index, const uint8_t *after,
                             struct store__index_walk *out)
{
    *out = (struct store__index_walk){.index = index};
    if (after != NULL) {
        out->entry = root_entry_number(root_load(index), key_bits(after));
        bool found = store__index_find(index, after, &out->slot);
        out->slot += found;
    }
}

uint8_t *store__index_walk_next(struct store__index_walk *walk, uint32_t *slot)
{
    uint64_t root = root_load(walk->index);
    uint32_t bits = root_bits(root);
    while (walk->entry < 1U << bits) {
        struct segment segment;
        segment_unpack(root_entry(root, walk->entry), &segment);
        while (segment.slots != NULL && walk->slot < segment.slot_count) {
            *slot = walk->slot++;
            if (segment.slots[*slot] != 0) {
                return word_pointer(segment.slots[*slot]);
            }
        }
        // Several entries may name this segment; go behind the last of them.
        uint32_t entries = 1U << (bits - segment.depth);
        walk->entry = (walk->entry & ~(entries - 1)) + entries;
        walk->slot = 0;
    }
    return NULL;
}

void store__index_prefetch(const struct store__index *index, const uint8_t *digest)
{
    // Without the lock nothing may be read but the root: what it points to may be gone already. A
    // prefetch of such an address does no harm.
    uint64_t root = root_load(index);
    if (root_is_directory(root)) {
        uint64_t *directory = word_pointer(root);
        __builtin_prefetch(directory + root_entry_number(root, key_bits(digest)));
    } else {
        struct segment segment;
        segment_unpack(root, &segment);
        if (segment.slots != NULL) {
            __builtin_prefetch(segment.slots + segment_home(&segment, key_tag(digest, 0)));
        }
    }
}

void store__index_prefetch_head(const struct store__index *index, const uint8_t *digest)
{
    struct segment segment;
    segment_of(index, digest, &segment);
    if (segment.slots == NULL) {
        return;
    }
    uint32_t tag = key_tag(digest, segment.depth);
    uint32_t at = segment_home(&segment, tag);
    for (uint32_t end = at + WALK_SLOTS_MAX; at < end && segment.slots[at] != 0; at++) {
        if (word_tag(segment.slots[at]) == tag) {
            slot_prefetch(segment.slots[at]);
            return;
        }
    }
}

static bool slot_check(const struct segment *segment, uint32_t at, uint32_t run_start,
                       uint64_t previous, uint32_t number, uint32_t bits, bool deep)
{
    uint64_t slot = segment->slots[at];
    uint32_t tag = word_tag(slot);
    uint32_t home = segment_home(segment, tag);
    if (home > at || home < run_start) {
        return false;
    }
    if (previous != 0 && slot_compare(previous, tag, word_digest(slot)) >= 0) {
        return false;
    }
    if (!deep) {
        return true;
    }
    uint64_t key = key_bits(word_digest(slot));
    bool in_segment = bits == 0 || key >> (64 - bits) >> (bits - segment->depth) ==
                                       number >> (bits - segment->depth);
    return in_segment && tag == key_tag(word_digest(slot), segment->depth);
}

static bool segment_check(const struct segment *segment, uint32_t number, uint32_t bits, bool deep)
{
    uint32_t count = 0;
    uint32_t run_start = 0;
    uint64_t previous = 0;
    for (uint32_t at = 0; at < segment->slot_count; at++) {
        if (segment->slots[at] == 0) {
            run_start = at + 1;
            continue;
        }
        if (!slot_check(segment, at, run_start, previous, number, bits, deep)) {
            return false;
        }
        previous = segment->slots[at];
        count++;
    }
    return segment->slots[segment->slot_count] == 0 && count == *segment_count(segment) &&
           count > 0 && count <= class_limit(segment->size_class);
}

bool store__index_check_near(const struct store__index *index, const uint8_t *digest)
{
    uint64_t root = root_load(index);
    uint32_t number = root_entry_number(root, key_bits(digest));
    struct segment segment;
    segment_unpack(root_entry(root, number), &segment);
    return segment.slots == NULL || segment_check(&segment, number, root_bits(root), false);
}

bool store__index_check(const struct store__index *index)
{
    uint64_t root = root_load(index);
    uint32_t bits = root_bits(root);
    uint32_t record_count = 0;
    for (uint32_t number = 0; number < 1U << bits;) {
        uint64_t entry = root_entry(root, number);
        struct segment segment;
        segment_unpack(entry, &segment);
        if (segment.depth > bits) {
            return false;
        }
        uint32_t entries = 1U << (bits - segment.depth);
        for (uint32_t i = 0; i < entries; i++) {
            if (root_entry(root, number + i) != entry) {
                return false;
            }
        }
        if (segment.slots != NULL) {
            if (!segment_check(&segment, number, bits, true)) {
                return false;
            }
            record_count += (uint32_t)*segment_count(&segment);
        }
        number += entries;
    }
    return record_count == atomic_load_explicit(&index->record_count, memory_order_relaxed);
}
