// SPDX-License-Identifier: Apache-2.0
// The inside of clustering, shared by its files: the thread and the edge of the cluster machine
// (clustering.c), what others ask (clustering_status.c), leaving (clustering_leave.c).
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "io/loop.h"
#include "server/clustering.h"
#include "server/mesh.h"

enum {
    CLUSTERING_MAGIC = 0x434c5547,
    CLUSTERING_KNOWN_MAX = 2 * LIMIT_CLUSTER_NODES,
    CLUSTERING_MAIL_COUNT_MAX = 65536,
    CLUSTERING_MAIL_SIZE_MAX = 64 * 1024 * 1024,
};

enum clustering_mail_type {
    CLUSTERING_CONTROL, // a message of a peer: `id`, bytes
    CLUSTERING_SYNCED,  // `order`
    CLUSTERING_REFUSED, // `id`
    CLUSTERING_FLAGS,   // set and clear flags of ours
    CLUSTERING_RECLUSTER,
    CLUSTERING_ALUMNI_RESET,
};

// Something for the thread to do, from another thread.
struct clustering_mail {
    struct clustering_mail *next;
    enum clustering_mail_type type;
    uint64_t id;
    struct cluster_sync_order order;
    uint8_t flags_set;
    uint8_t flags_clear;
    uint32_t size;
    uint8_t bytes[];
};

struct clustering {
    uint32_t magic;
    struct node *node;
    struct io_loop *loop;
    struct mesh *mesh;
    struct cluster *cluster;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    uint64_t random;

    // Held while the machines work, but for long clearing, so that others can look at them.
    pthread_mutex_t machine_lock;
    uint8_t flags;    // MEMBER_*, ours
    uint64_t views;   // installed so far
    uint64_t view_ms; // when the last one was
    uint64_t rebalances;
    uint32_t racks[LIMIT_NAMESPACES]; // as the machine knows them
    uint32_t min_size;
    uint32_t interval_ms;
    uint32_t timeout_ms;

    // Nodes that were in a view with us, but for those that left in good order.
    uint32_t known_count;
    bool known_overflow;
    struct clustering_known {
        uint64_t id;
        bool here;
        bool leaves;
    } known[CLUSTERING_KNOWN_MAX];

    // What clients are told is behind what the machines have. Set with the lock held.
    _Atomic bool columns_stale;
    _Atomic bool peers_stale;

    // Of the thread alone.
    uint64_t looked_ms;
    uint64_t frozen_since_ms;
    uint64_t told_ms;
    uint64_t recluster_ms; // when a new view is asked for; 0: no
    uint64_t peers_sum;    // of what clients were told

    pthread_mutex_t mail_lock; // guards the four below
    struct clustering_mail *mail_first;
    struct clustering_mail *mail_last;
    uint32_t mail_count;
    uint64_t mail_size;

    pthread_mutex_t told_lock;          // guards what clients are told
    struct clustering_columns *columns; // by cluster_number
    struct node_set peers;
    struct node_set alumni_forgotten;
    uint64_t columns_gone_ms; // when the last partition of ours went to others; 0: we serve some

    _Atomic int64_t partition_generation;
    _Atomic uint64_t peers_generation;
    _Atomic uint64_t rebalance_generation;
};

// Milliseconds of the clock that the machines are stepped with.
uint64_t clustering__now_ms(void);

// Brings what clients are told up to date; the thread calls it after each turn.
void clustering__tell(struct clustering *clustering, uint64_t now_ms);

// Gives the thread something to do. False: too much is waiting, or there is no memory.
bool clustering__post(struct clustering *clustering, const struct clustering_mail *mail,
                      const uint8_t *bytes);
