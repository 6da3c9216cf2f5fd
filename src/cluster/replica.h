// SPDX-License-Identifier: Apache-2.0
// A namespace as the cluster sees it: its store, the place of each partition, and what a node does
// when another one sends it a record or asks for one. The daemon's threads and the simulator call
// the same functions. No socket, clock or thread in here; what is shared is guarded by the stripes
// of the store, so any thread may call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/message.h"
#include "core/replication/place.h"
#include "core/replication/replication.h"
#include "store/store.h"

struct replica {
    struct store *store;
    enum replication_policy policy; // replica_policy reads it
    bool tombstones;   // deletes leave one: the cluster has, or lately had, other nodes. Read and
                       // written with relaxed atomics (__atomic_load_n)
    uint64_t clock_ms; // replica_clock_ms reads it
    // The place of each partition, under its stripe (store_partition_lock). The stripe's word says
    // REPLICA_ALONE when place_is_alone, so that a lone node looks at nothing else.
    struct place place[LIMIT_PARTITIONS];
};

enum { REPLICA_ALONE = 1 }; // store_partition_word: serve without a look at the place

// A new namespace serves nothing until its places are set: all frozen, empty, nobody.
BASE_MUST_USE enum base_result replica_new(struct store *store, enum replication_policy policy,
                                           struct replica **out);
void replica_free(struct replica **replica); // not the store

// By what diverged versions are compared; may change while the node serves.
static inline enum replication_policy replica_policy(const struct replica *replica)
{
    return __atomic_load_n(&replica->policy, __ATOMIC_RELAXED);
}
void replica_policy_set(struct replica *replica, enum replication_policy policy);

// The time of a version that is made now, for any thread. Not before any version that this node has
// made or taken from others, nor before any that members of this view had made when it began: so a
// master whose clock is behind does not lose to writes from before it was one, of which it may not
// have heard. A clock more than a minute ahead of ours is broken and not followed.
uint64_t replica_clock_ms(const struct replica *replica, uint64_t now_ms);
void replica_clock_raise(struct replica *replica, uint64_t ms);

// Sets or freezes the place of one partition; keeps in_flight. For the cluster thread.
void replica_place_set(struct replica *replica, uint32_t partition, const struct place *place);
void replica_freeze(struct replica *replica); // all of them
void replica_place_copy(struct replica *replica, uint32_t partition, struct place *out);
// Of a frozen one: our copy does not change from here on.
void replica_place_close(struct replica *replica, uint32_t partition, struct place *out);

// Stores a record that came from a peer under the view `key` if it wins against ours by the
// namespace's policy. The place is looked at under the same stripe: when it is frozen, of another
// view, or PLACE_NONE (a copy that was dropped), nothing happens, so that a copy does not change
// once it is frozen. An expired record is stored like any other: it must win against an older one
// that would live on. One that a truncation covers loses, and so does ours when it is older.
// `bytes` have been checked (store_record_check). RESULT_OK: stored, or the very same was there.
// RESULT_LOST_CONFLICT: ours is newer, or theirs is truncated. RESULT_CLUSTER_KEY_MISMATCH.
// RESULT_NO_MEMORY, RESULT_LIMIT (too many sets).
BASE_MUST_USE enum base_result replica_merge(struct replica *replica, uint64_t key,
                                             const uint8_t *bytes, uint32_t now_s);

// MESSAGE_MERGE: the same for a write that a former master could not have acknowledged by all. It
// has to win by last update time as well: where it does not, this master has written the record
// since, without knowing of it.
BASE_MUST_USE enum base_result replica_take_over(struct replica *replica, uint64_t key,
                                                 const uint8_t *bytes, uint32_t now_s);

// As replica_merge; *changed: it was stored. What a master took from a duplicate has to go to its
// replicas.
BASE_MUST_USE enum base_result replica_adopt(struct replica *replica, uint64_t key,
                                             const uint8_t *bytes, uint32_t now_s, bool *changed);

// MESSAGE_WRITE: stores under the place's key if it wins by last update time, whatever the policy
// (replication.h says why), but by the policy while our copy is of another lineage than the
// master's. That ours is newer is ok. Writes on their way when the place was frozen are taken until
// the next view is installed, so that few are left for which a new master has to be asked. A node
// that dropped its copy in this view says ok and stores nothing.
// RESULT_OK, RESULT_CLUSTER_KEY_MISMATCH, RESULT_MALFORMED, RESULT_NO_MEMORY, RESULT_LIMIT.
BASE_MUST_USE enum base_result replica_on_write(struct replica *replica,
                                                const struct message *message, uint32_t now_s);

// Whether what an operation wrote at this place is still what its record holds (`stored`, or NULL),
// or a part of it: a later version counts when it was made by this node as the acting master all
// the while since (`reign`: place->reign when it wrote), for then it was built on the one written.
// What another master had us write may lack it. The stripe is held.
bool replica_stands(const struct place *place, const uint8_t *stored, uint64_t reign,
                    const struct replication_version *written);

// MESSAGE_ASK: copies our version of the record, expired ones and tombstones too, into `out` (at
// least LIMIT_RECORD_SIZE_MAX bytes); *size 0: none. RESULT_CLUSTER_KEY_MISMATCH in another view,
// RESULT_MALFORMED.
BASE_MUST_USE enum base_result replica_on_ask(struct replica *replica,
                                              const struct message *message, uint8_t *out,
                                              uint32_t *size);

// The version of checked record bytes, for replication_compare. Reads no further than the header:
// the first STORE_RECORD_HEADER_SIZE bytes of a record will do.
struct replication_version replica_version(const uint8_t *bytes);
