// SPDX-License-Identifier: Apache-2.0
// The index of one partition: from a digest to the head of its record, and from any digest to the
// next one. A sorted table with gaps, about ten bytes a record.
//
// Key. Digests are ordered by their bytes 2 to 19, then 0 and 1 (which the partition has mostly
// used up). Digests are uniform, so the first bits of the key tell about where it stands.
//
// Slot. Eight bytes: a 16-bit tag, which is a window of the key's bits, above a 48-bit pointer to
// the head of the record. 0: a gap.
//
// Segment. A block of slots, sorted by key. A tag has a home, home_count * tag / 65536, which grows
// with the tag; each slot stands at its home or after it with no gap between, as linear probing
// leaves it when it also keeps the order (the ordered variant of Robin Hood hashing; Amble and
// Knuth, "Ordered hash tables", 1974). From that follows all else:
//   find      walk from home until a gap or a greater key. Tags decide; only a slot of equal tag
//             costs a look at its record. Seen from home, "a gap or a key not smaller" is first
//             false and then true for good, so a long run is searched by halving.
//   insert    move the run from the place to the next gap up by one.
//   remove    move what follows back by one, up to a gap or a slot at its home: no tombstones.
//   walk      read the slots from left to right; to resume after a digest, find its place.
//   resize    one pass over the slots; the tags are in the slots, so no record is touched.
// Behind the homes there is slack for the last run, then one slot that stays a gap and ends every
// walk. There is no wrap-around, which would break the order.
//
// Block sizes are the heap's size classes, four to a doubling, so that nothing is lost to rounding.
// A segment grows to the next class when it is 7/8 full (load then falls to about 70 %) and shrinks
// below 3/8. When the last run would leave the slack although there is room (digests made by hand),
// the homes are squeezed together by half, which moves all runs to the left; in the end the block
// is a packed sorted array, which works for any digests whatever.
//
// Directory. A segment that would pass 64 KB is split in two by the next bit of the key, and its
// tag window moves on by that bit; a directory of 2^bits entries, indexed by the first bits of the
// key, names the segments (extendible hashing, with the high bits so that order is kept). So the
// longest pause of an insert is the split of one such segment. At depth 12, which uniform digests
// reach at 25 million records a partition, segments are no longer split and just grow.
//
// Entry. Eight bytes: 48 bits of block pointer, and above them the shape, from which all counts
// follow: size class (8 bits), depth (4 bits: how many bits of the key lead to the segment), and
// squeeze (4 bits). The index's root is the entry of its only segment, or, size class 255, the
// directory and its bits in place of the depth. An index without records owns no memory.
//
// Callers hold the partition's lock, but for prefetch and the record count. The index owns its
// blocks, not the heads.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/engine.h"

struct store__index {
    _Atomic uint64_t root;
    _Atomic uint32_t record_count;
    uint32_t word; // the owner's, in what would be padding; no call here looks at it
};

// The memory of all indexes of a store.
struct store__index_heap {
    struct store_engine *engine;
    _Atomic uint64_t used_bytes;
};

// Zeroed memory is an empty index. fini gives back the blocks; the heads must be gone or known
// elsewhere.
void store__index_fini(struct store__index *index, struct store__index_heap *heap);

// Finds a digest. *slot is its place, or the place it would take, for the calls below; any insert
// or remove makes it void.
bool store__index_find(const struct store__index *index, const uint8_t *digest, uint32_t *slot);

// The head in a slot that find or insert gave for this digest.
uint8_t *store__index_head(const struct store__index *index, const uint8_t *digest, uint32_t slot);
void store__index_head_set(struct store__index *index, const uint8_t *digest, uint32_t slot,
                           uint8_t *head);

// Inserts a digest that find did not find. *slot is the place that find gave and becomes the place
// it got. RESULT_NO_MEMORY leaves the index as it was.
BASE_MUST_USE enum base_result store__index_insert(struct store__index *index,
                                                   struct store__index_heap *heap,
                                                   const uint8_t *digest, uint8_t *head,
                                                   uint32_t *slot);

// Removes a slot that find or insert gave for this digest. *slot becomes the digest's place for a
// later insert.
void store__index_remove(struct store__index *index, struct store__index_heap *heap,
                         const uint8_t *digest, uint32_t *slot);

// A walk in key order. An insert or remove makes it void; start again behind the last digest.
struct store__index_walk {
    const struct store__index *index;
    uint32_t entry; // of the segment in the directory
    uint32_t slot;  // to read next
};

// Starts at the first digest (`after` NULL), or at the first one greater than `after`.
void store__index_walk_start(const struct store__index *index, const uint8_t *after,
                             struct store__index_walk *out);

// The next head and its slot, or NULL at the end.
uint8_t *store__index_walk_next(struct store__index_walk *walk, uint32_t *slot);

// Asks for the cache line where a find will start. Takes no lock.
void store__index_prefetch(const struct store__index *index, const uint8_t *digest);

// Asks for the cache lines of the record that a find will compare with; reads the slots alone.
void store__index_prefetch_head(const struct store__index *index, const uint8_t *digest);

// Checks the structure: order, homes, counts, each tag against its digest. For tests.
bool store__index_check(const struct store__index *index);

// Checks the one segment of a digest, without a look at most records. For base_assert_slow.
bool store__index_check_near(const struct store__index *index, const uint8_t *digest);
