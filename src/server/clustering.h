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

// Binds the heartbeat port, freezes all places, and makes the first view of a node without seeds;
// `out` is &node->clustering. The fabric and the migrations are there already. RESULT_IO when the
// port cannot be had (the log says why), RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result clustering_start(struct node *node, struct clustering **out);

// Starts the thread; after the service threads, which it tells of changed places.
BASE_MUST_USE enum base_result clustering_run(struct clustering *clustering);

// Ends the thread, before the service threads end; what others ask is answered as it was last.
void clustering_halt(struct clustering *clustering);
void clustering_stop(struct clustering **clustering);

// From the fabric's threads and the migrations thread: a control message of a peer, which is
// copied; a sync that ended well; a connect to a peer that was refused. clustering_start has them
// told (fabric_ears_set, migrations_ears_set), until clustering_stop.
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

// A new view. RESULT_FORBIDDEN when this node is not the principal, which alone may ask for one.
BASE_MUST_USE enum base_result clustering_recluster(struct clustering *clustering);

// SIGTERM: announces, hands over what this node masters and what only it holds, and gives clients
// time to see the new map, all within timeout_ms. When that is too short it no longer waits for
// copies that others have as well, but stays for records that nobody else has whole. Returns at
// once when nobody is there to take over, and as soon as `hurry` (asked several times a second)
// says so. True when nothing is lost.
bool clustering_leave(struct clustering *clustering, uint32_t timeout_ms, bool (*hurry)(void *arg),
                      void *arg);

// What the cluster looks like from here; a copy, of one moment.
struct clustering_status {
    struct membership_view view; // of now, or the last one
    bool frozen;                 // it does not hold: a new one is being agreed on
    bool is_principal;
    bool told;                // clients are told what is so now
    uint64_t views;           // installed since the start
    uint32_t syncs_remaining; // of all namespaces
    uint8_t flags;            // MEMBER_*, ours, pending ones too
    uint64_t duplicate_id;    // a node with an id of somebody else was refused; 0: never
    uint64_t view_age_ms;
    uint64_t heartbeat_opened; // links of the mesh since the start
    uint64_t heartbeat_closed;
    uint64_t heartbeat_received_self;
    uint64_t heartbeat_received_foreign;
};
void clustering_status_copy(struct clustering *clustering, struct clustering_status *out);

// What clients compare to know that something has changed; cheap, any thread.
struct clustering_generations {
    int64_t partitions; // which partitions this node serves; -1: it has not served any yet
    uint64_t peers;     // who the other nodes are and where
    uint64_t rebalance; // racks and plans
};
void clustering_generations(struct clustering *clustering, struct clustering_generations *out);

// The partitions of a namespace (cluster_number) that this node serves, one bitmap of partitions
// for each place among the holders: 0 the master. Bit 0x80 >> p % 8 of byte p / 8.
enum { CLUSTERING_BITMAP_SIZE = LIMIT_PARTITIONS / 8 };
struct clustering_columns {
    uint32_t count; // copies of each record, at least 1
    uint8_t bitmap[LIMIT_REPLICATION_FACTOR][CLUSTERING_BITMAP_SIZE];
};
void clustering_columns_copy(struct clustering *clustering, uint32_t namespace_number,
                             struct clustering_columns *out);

// The other nodes, by peer number: those that clients shall know of; all that were ever seen.
// Returns the generation that goes with the first.
uint64_t clustering_peers_copy(struct clustering *clustering, struct node_set *out);
void clustering_alumni_copy(struct clustering *clustering, struct node_set *out);

// Rack of a member in a namespace, by place in the view; false while there is no plan.
bool clustering_rack_copy(struct clustering *clustering, uint32_t namespace_number, uint32_t member,
                          uint32_t *rack);

// Namespaces are numbered by cluster_number here. One partition as this node sees it; false while
// there is no plan.
bool clustering_partition_copy(struct clustering *clustering, uint32_t namespace_number,
                               uint32_t partition, struct partition_state *out);

// A namespace in the cluster; false while there is no plan.
struct clustering_space {
    struct partition_progress progress;
    uint32_t replication_factor; // effective
    uint32_t member_count;       // members that have it
    uint64_t unreplicated;       // records of ours as master with fewer full copies than wanted
};
bool clustering_space_copy(struct clustering *clustering, uint32_t namespace_number,
                           struct clustering_space *out);
