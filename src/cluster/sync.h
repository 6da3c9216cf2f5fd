// SPDX-License-Identifier: Apache-2.0
// Migration: brings one partition of the acting master and of one partner to the same content,
// moving only what differs. The master walks its digests in order, a bounded range at a time: it
// lists the versions it has (MESSAGE_SYNC_LIST), the partner says which of them it wants and sends
// what it has newer or alone (MESSAGE_SYNC_DIFF); the master stores those, gives them to its other
// replicas too, and sends what was wanted (MESSAGE_SYNC_RECORDS). To an empty partner it sends
// records at once. Each range is done when all it concerns have acknowledged; then the next. All
// is repeatable: a message that got lost is sent again, and storing goes by the conflict rule.
//
// The source is a machine with memory of its own, driven by one thread; the sink side keeps no
// state between messages. Writes of clients go on meanwhile: they reach all replicas directly.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"

// Sends a message (header and body) to a peer; false: not now, the caller stops and steps again
// later.
typedef bool (*sync_send_fn)(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size);

enum sync_state {
    SYNC_RUNNING,
    SYNC_DONE,   // both are the same, all acknowledged
    SYNC_FAILED, // the view changed
};

struct sync_totals {
    uint64_t records_sent;
    uint64_t records_received; // newer ones of the partner
    uint64_t records_skipped;  // listed and found the same
    uint64_t bytes_sent;
    uint64_t resent; // messages
};

struct sync;

BASE_MUST_USE enum base_result sync_new(const struct cluster_sync_order *order,
                                        struct replica *replica, struct sync **out);
void sync_free(struct sync **sync);

// Sends what is to be sent now. `now_ms` monotonic, for repeats; `now_s` since 2010.
enum sync_state sync_step(struct sync *sync, uint64_t now_ms, uint32_t now_s, sync_send_fn send,
                          void *arg);

// An answer for this sync (message->id is sync_id).
enum sync_state sync_on_message(struct sync *sync, uint8_t from, const struct message *message,
                                uint64_t now_ms, uint32_t now_s);
uint64_t sync_id(const struct sync *sync); // given by the caller before the first step
void sync_id_set(struct sync *sync, uint64_t id);
void sync_totals_add(const struct sync *sync, struct sync_totals *totals);

// The partner: answers MESSAGE_SYNC_LIST and MESSAGE_SYNC_RECORDS. Writes the answer, header and
// body, to `out` (LIMIT_FABRIC_SIZE at most, *size bytes). RESULT_MALFORMED: bytes of foreign
// origin, nothing happened, no answer. Any thread.
BASE_MUST_USE enum base_result sync_on_request(struct replica *replica,
                                               const struct message *message, uint32_t now_s,
                                               uint8_t *out, uint32_t out_size, uint32_t *size);
