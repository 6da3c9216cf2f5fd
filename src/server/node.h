// SPDX-License-Identifier: Apache-2.0
// The node: everything that a running ballastd needs hangs from here, so that several nodes can
// live in one process. Made by main, read by all threads; what changes while it runs is atomic or
// guarded by the lock named beside it.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/config.h"
#include "server/counters.h"
#include "server/identity.h"
#include "server/peers.h"
#include "store/store.h"

struct clustering; // the thread that makes this node a member, server/clustering.h
struct fabric;     // the links between nodes, server/fabric.h
struct info;       // what answers about the node remember, server/info.h
struct log;
struct expiry;     // the thread that removes what has expired, server/expiry.h
struct jobs;       // scans and background operations, server/jobs.h
struct migrations; // the thread that moves records between nodes, server/migrations.h
struct replica;    // a namespace as the cluster sees it, cluster/replica.h
struct shared;     // what all nodes of a cluster hold in common, server/shared.h
struct service;    // the threads that serve clients, server/service.h
struct ticker;     // the thread that measures and tells, server/ticker.h

enum { NODE_COUNTER_BLOCKS = 1024 };

// What `build` reports: the dialect that tools and clients speak to this node.
#define NODE_PROTOCOL_BUILD "8.1.2.0"

struct namespace
{
    struct node *node;
    const char *name;
    size_t name_size;
    uint32_t number;                 // place in node->namespaces and in each block of counters
    uint32_t cluster_number;         // among the namespaces sorted by name: so nodes speak of it
    struct config_namespace *config; // owned by node->config
    struct store *store;
    struct replica *replica; // over the store; what may be done with each partition

    // Set by the expiry thread each second, looked at by each write.
    _Atomic bool stop_writes;
    _Atomic bool hwm_breached;
    _Atomic uint64_t data_limit_bytes;      // writes stop when records take so much; 0: no limit
    _Atomic uint64_t non_expirable_objects; // at the last nsup cycle
    _Atomic uint64_t evict_void_time_s;     // records that expire before it have been evicted
    _Atomic bool evict_wanted;              // another node has, and this one is to follow
    _Atomic uint64_t nsup_cycle_duration_s;
    _Atomic uint32_t nsup_cycle_deleted_permyriad; // hundredths of a percent
    _Atomic uint32_t truncations;        // asked for so far; counted before truncating is set
    _Atomic bool truncating;             // records that a truncation covers are still to be removed
    _Atomic uint64_t truncate_before_ms; // since 2010; 0: never truncated
    _Atomic uint64_t places_changed_ns;  // monotonic, when places last changed; 0: never
};

struct node {
    uint32_t magic;
    struct config *config;
    struct identity identity;
    const char *id;               // identity.id_text
    _Atomic uint64_t cluster_key; // 48 bits, never 0
    uint64_t start_s;             // CLOCK_MONOTONIC
    uint32_t namespace_count;
    struct namespace namespaces[LIMIT_NAMESPACES];
    struct namespace *cluster_namespaces[LIMIT_NAMESPACES]; // by cluster_number
    struct log *log;                                        // NULL: nothing is logged
    pthread_mutex_t service_lock; // guards the end of the next against service_places_changed
    struct service *service;
    struct jobs *jobs;
    struct expiry *expiry; // NULL until started
    struct info *info;
    struct shared *shared;
    struct ticker *ticker; // NULL until started

    // The cluster; NULL until started, and in a node that serves alone.
    struct clustering *clustering;
    struct fabric *fabric;
    struct migrations *migrations;
    struct peers peers; // number 0 is this node
    // All that ever were in a cluster with us are here, or left in good order, and nothing is being
    // moved: tombstones are known everywhere. Kept by the clustering thread.
    _Atomic bool tombstones_known;
    _Atomic uint64_t cluster_tick_ns; // monotonic, when the clustering thread last looked; 0: none

    // Blocks of counters, one a thread; registered before the thread works, kept for good.
    pthread_mutex_t counters_lock;
    _Atomic uint32_t counters_count;
    struct counters *counters[NODE_COUNTER_BLOCKS];

    _Atomic bool stopping;
    _Atomic int64_t client_connections;
};

enum { NODE_MAGIC = 0x424e4f44 };

// Makes a node from its configuration, with stores and no threads; takes `config` over on
// RESULT_OK.
BASE_MUST_USE enum base_result node_new(struct config *config, struct node **out);
void node_free(struct node **node);

// Tells the namespace's parts that a directive of its configuration has another value.
void namespace_config_changed(struct namespace *ns);

// The namespace of that name, or NULL.
struct namespace *node_namespace_find(struct node *node, struct base_slice name);

// A zeroed block of counters for the calling thread; NULL when memory or NODE_COUNTER_BLOCKS ran
// out.
struct counters *node_counters_register(struct node *node);

// Sums one counter over all blocks, given its place in a block: offsetof within struct
// counters_namespace, or within struct counters_node.
uint64_t node_namespace_counter(struct node *node, uint32_t namespace_number, size_t offset);
uint64_t node_counter(struct node *node, size_t offset);
