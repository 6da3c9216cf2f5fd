// SPDX-License-Identifier: Apache-2.0
// Migration: brings one partition of the acting master and of one partner to the same content,
// moving only what differs. The master walks its digests in order, a bounded range at a time: it
// lists the versions it has (MESSAGE_SYNC_LIST), the partner says which of them it wants and sends
// what it has newer or alone (MESSAGE_SYNC_DIFF); the master stores those, gives them to its other
// replicas too, and sends what was wanted (MESSAGE_SYNC_RECORDS). To an empty partner it sends
// records at once. Each range is done when all it concerns have acknowledged; then the next. All
// is repeatable: a message that got lost is sent again, and storing goes by the conflict rule.
//
// The source is a machine with memory of its own, driven by one thread; several ranges are under
// way at a time. The sink side keeps no state between messages. Writes of clients go on meanwhile:
// they reach all replicas directly. A partner that is not yet, or no longer, in the view refuses,
// and is asked again; the source ends when its own place is another one. When all has been walked
// and no write is in flight, the sums of both contents are compared; if they differ the walk is
// repeated, a few times.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"

// Sends a message (header and body) to a peer; false: not now, the caller stops and steps again
// later.
typedef bool (*sync_send_fn)(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size);

enum {
    // The largest answer of sync_on_request: one record larger than a step, and what is around it.
    SYNC_ANSWER_SIZE_MAX = LIMIT_RECORD_SIZE_MAX + 1024,
    // Where the records begin in the body of a MESSAGE_SYNC_RECORDS that was answered well.
    SYNC_RECORDS_AT = 8,
};

enum sync_state {
    SYNC_RUNNING,
    SYNC_DONE,   // both are the same, all acknowledged
    SYNC_FAILED, // the view changed, or we are not its master any more
};

struct sync_totals {
    uint64_t records_sent;
    uint64_t records_received; // newer ones of the partner
    uint64_t records_skipped;  // listed and found the same
    uint64_t bytes_sent;
    uint64_t resent;         // messages
    uint64_t walks_repeated; // contents differed after a walk
};

struct sync;

BASE_MUST_USE enum base_result sync_new(const struct cluster_sync_order *order,
                                        struct replica *replica, struct sync **out);
void sync_free(struct sync **sync);

// Sends what is to be sent now; at least every 10 ms, and after each answer. `now_ms` monotonic,
// for repeats.
enum sync_state sync_step(struct sync *sync, uint64_t now_ms, sync_send_fn send, void *arg);

// An answer for this sync (message->id is sync_id). Bad bytes count as lost.
enum sync_state sync_on_message(struct sync *sync, uint8_t from, const struct message *message,
                                uint64_t now_ms, uint32_t now_s);

// The id of its messages, unique among the syncs of this node: given by the caller before the first
// step.
uint64_t sync_id(const struct sync *sync);
void sync_id_set(struct sync *sync, uint64_t id);

// Adds what it has done so far.
void sync_totals_add(const struct sync *sync, struct sync_totals *totals);

// The partner: answers MESSAGE_SYNC_LIST and MESSAGE_SYNC_RECORDS. Writes the answer, header and
// body, to `out` (`out_size` at least SYNC_ANSWER_SIZE_MAX; *size bytes). RESULT_MALFORMED: bytes
// of foreign origin, nothing happened, no answer. Any thread.
BASE_MUST_USE enum base_result sync_on_request(struct replica *replica,
                                               const struct message *message, uint32_t now_s,
                                               uint8_t *out, uint32_t out_size, uint32_t *size);
