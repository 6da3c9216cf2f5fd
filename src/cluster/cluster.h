// SPDX-License-Identifier: Apache-2.0
// A node's part in the cluster: the membership machine, a partition machine for each namespace, and
// the places that they set, driven by ticks and messages of others. The daemon runs it on one
// thread with real sockets, the simulator with arithmetic; both are an `edge`. It reads no clock
// and knows no socket.
//
// One thread calls; edge functions are called from within these calls and must not call back. What
// the edge is given (bytes, views) is good during the call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/replica.h"
#include "core/membership/membership.h"
#include "core/partition/partition.h"

struct cluster;

// A sync of one partition with one peer, to be carried out by cluster/sync.h.
struct cluster_sync_order {
    uint32_t namespace_number;
    uint32_t partition;
    uint64_t key;
    uint8_t peer;   // peer number of the partner
    bool fill;      // its copy was empty: send all, ask nothing
    bool to_writes; // it is one of the writes: has to end up like ours. Else: take what it has
    struct node_set writes; // who else has to get what the partner has newer; peer numbers
};

struct cluster_edge {
    void *arg;
    // Sends one message of membership to a node, 0: to every node that can be reached. May be lost.
    void (*heartbeat_send)(void *arg, uint64_t to, const uint8_t *bytes, uint32_t size);
    // Sends one fabric message (header and body) to a peer, in order, may be lost.
    void (*control_send)(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size);
    // The peer number of a node, given at first sight, 1 to LIMIT_CLUSTER_NODES - 1; stays until
    // the process ends. PLACE_NOBODY: no number is free.
    uint8_t (*peer_number)(void *arg, uint64_t node_id);
    // A view was installed or the node froze (view NULL).
    void (*view_changed)(void *arg, const struct membership_view *view);
    // Places changed: wake who waits, tell clients. `namespace_number`; all partitions may differ.
    void (*places_changed)(void *arg, uint32_t namespace_number);
    // Carry out a sync; say cluster_on_synced when done. Orders of older views are void.
    void (*sync_start)(void *arg, const struct cluster_sync_order *order);
    // Clears a copy: every record of the partition goes. May take its time; returns when done.
    void (*partition_clear)(void *arg, uint32_t namespace_number, uint32_t partition);
    uint64_t (*wall_ms)(void *arg);           // the wall clock, since 2010
    void (*log)(void *arg, const char *line); // what an operator wants to know
};

struct cluster_namespace {
    char name[LIMIT_NAMESPACE_NAME_SIZE + 1];
    struct replica *replica;
    uint32_t replication_factor;
    uint32_t rack;
};

struct cluster_config {
    struct membership_config membership;
    uint32_t syncs_at_once; // migrations that run at a time
    uint32_t min_size;      // a smaller view serves nothing
    uint32_t namespace_count;
    struct cluster_namespace namespaces[LIMIT_NAMESPACES]; // sorted by name
};

// Freezes all namespaces. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result cluster_new(const struct cluster_config *config,
                                           const struct cluster_edge *edge, struct cluster **out);
void cluster_free(struct cluster **cluster);

// Time passes; at least every 10 ms while something is going on, every 20 ms else. `random` fresh.
void cluster_tick(struct cluster *cluster, uint64_t now_ms, uint64_t random);

// A message of membership (checked by it) or one of the fabric (MESSAGE_EXCHANGE,
// MESSAGE_PARTITION) from a peer. Bad bytes: RESULT_MALFORMED, and nothing happened.
BASE_MUST_USE enum base_result cluster_on_heartbeat(struct cluster *cluster, const uint8_t *bytes,
                                                    uint32_t size, uint64_t now_ms,
                                                    uint64_t random);
BASE_MUST_USE enum base_result cluster_on_control(struct cluster *cluster, uint64_t from_id,
                                                  const struct message *message, uint64_t now_ms);

void cluster_on_peer_gone(struct cluster *cluster, uint64_t id, uint64_t now_ms, uint64_t random);
void cluster_on_seeds_settled(struct cluster *cluster, uint64_t now_ms, uint64_t random);
void cluster_on_synced(struct cluster *cluster, const struct cluster_sync_order *order,
                       uint64_t now_ms);

// MEMBER_QUIESCED and MEMBER_LEAVING, ours; a quiesced node waits for cluster_recluster, a leaving
// one does not.
void cluster_flags_set(struct cluster *cluster, uint8_t flags, uint64_t now_ms, uint64_t random);
void cluster_recluster(struct cluster *cluster, uint64_t now_ms, uint64_t random);

// Changes values of the configuration: times at once, the others from the next view on.
void cluster_timing_set(struct cluster *cluster, uint32_t interval_ms, uint32_t timeout_ms);
void cluster_rack_set(struct cluster *cluster, uint32_t namespace_number, uint32_t rack);
void cluster_min_size_set(struct cluster *cluster, uint32_t min_size);

const struct membership_view *cluster_view(const struct cluster *cluster);
bool cluster_is_frozen(const struct cluster *cluster); // or its plans are not made yet
const struct partition_machine *cluster_partitions(const struct cluster *cluster,
                                                   uint32_t namespace_number);
uint32_t cluster_syncs_remaining(const struct cluster *cluster); // of all namespaces, both ways

// True when this node masters nothing and holds no copy that is not full elsewhere: it may go.
bool cluster_may_leave(const struct cluster *cluster);

// The invariants of all machines; asserts.
void cluster_check(const struct cluster *cluster);
