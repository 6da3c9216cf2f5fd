// SPDX-License-Identifier: Apache-2.0
// The thread that makes this node a member: it runs the heartbeat mesh (server/mesh.h) and the
// cluster machine (cluster/cluster.h), sets the places of partitions, and keeps what the rest of
// the node asks about the cluster. A node without seeds has its first view, of itself, when
// clustering_start returns.
//
// Bad news travels at three speeds. A refused reconnect, or no new link within 100 ms after one was
// closed (a container that dies takes its network with it, so nothing refuses): the node is gone.
// Silence without a closed link: the heartbeat timeout decides.
#pragma once

#include "cluster/cluster.h"
#include "server/node.h"

struct clustering;

// Starts the thread and sets node->clustering. RESULT_IO when the heartbeat port cannot be had (the
// log says why), RESULT_CONFIG, RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result clustering_start(struct node *node, struct clustering **out);
void clustering_stop(struct clustering **clustering);

// From the fabric's threads: a control message of a peer; bytes are copied. A sync that ended well.
// A connect to a peer was refused: news for the mesh at once. The fabric calls the first and the
// last from fabric_ears_set in clustering_start until it is told NULL there in clustering_stop.
void clustering_deliver(struct clustering *clustering, uint64_t from_id, const uint8_t *bytes,
                        uint32_t size);
void clustering_synced(struct clustering *clustering, const struct cluster_sync_order *order);
void clustering_peer_refused(struct clustering *clustering, uint64_t id);

// Seeds, from the info commands tip and tip-clear; host: name or address. RESULT_LIMIT,
// RESULT_RECORD_NOT_FOUND (tip_clear of one that is not there; port 0 and host NULL: all).
BASE_MUST_USE enum base_result clustering_tip(struct clustering *clustering, const char *host,
                                              uint16_t port);
BASE_MUST_USE enum base_result clustering_tip_clear(struct clustering *clustering, const char *host,
                                                    uint16_t port);
void clustering_alumni_reset(struct clustering *clustering);

// Quiesce (or undo); takes effect with the next view. RESULT_FORBIDDEN for the last node.
BASE_MUST_USE enum base_result clustering_quiesce(struct clustering *clustering, bool quiesce);
BASE_MUST_USE enum base_result clustering_recluster(struct clustering *clustering);

// SIGTERM: announces, hands over what this node masters and what only it holds, waits until clients
// have had time to see the new map, at most timeout_ms. True when all was handed over.
bool clustering_leave(struct clustering *clustering, uint32_t timeout_ms);

// What the cluster looks like from here; a copy, of one moment.
struct clustering_status {
    struct membership_view view; // of now, or the last one
    bool frozen;                 // it does not hold: a new one is being agreed on
    bool is_principal;
    uint64_t views;           // installed since the start
    uint32_t syncs_remaining; // of all namespaces
    uint8_t flags;            // MEMBER_*, ours, pending ones too
    uint64_t duplicate_id;    // a node with an id of somebody else was refused; 0: never
    int64_t clock_skew_ms;
};
void clustering_status_copy(struct clustering *clustering, struct clustering_status *out);

// One partition as this node sees it; false while there is no plan.
bool clustering_partition_copy(struct clustering *clustering, uint32_t namespace_number,
                               uint32_t partition, struct partition_state *out);
bool clustering_progress_copy(struct clustering *clustering, uint32_t namespace_number,
                              struct partition_progress *out);
