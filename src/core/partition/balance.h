// SPDX-License-Identifier: Apache-2.0
// Which nodes shall hold which partition: a pure function of the nodes and of where full copies are
// now, so that all nodes compute the same. Rendezvous hashing orders the nodes of each partition;
// balancing then holds each node's share, as master and as holder, within 3 % of even. What is
// already there stays where it is if balance allows: a node that comes or goes moves no more than
// its own share (at most 1.1 times). Copies of one partition stand in different racks while there
// are racks enough. Quiesced nodes come last: they hold a partition only when nobody else can.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/node_set.h"

struct balance_node {
    uint64_t id;
    uint32_t rack; // 0: no rack
    bool quiesced; // or leaving
    bool absent;   // does not have this namespace: never chosen
};

struct balance_input {
    uint32_t node_count;
    struct balance_node node[LIMIT_CLUSTER_NODES];
    uint32_t replication_factor; // 1 to LIMIT_REPLICATION_FACTOR; more than nodes: all of them
    // Nodes with a full copy that counts, and nodes with part of one, by place in `node`. All
    // empty: a cluster without data.
    struct node_set full[LIMIT_PARTITIONS];
    struct node_set part[LIMIT_PARTITIONS];
};

// The holders of one partition, by place in `node`: [0] the master it shall have, then replicas.
struct balance_holders {
    uint8_t count;
    uint8_t node[LIMIT_REPLICATION_FACTOR];
};

// One step of balancing: a partition that may change a holder, and how good that is.
struct balance_move {
    uint64_t rank; // lower is better
    uint16_t partition;
    uint8_t from;
    uint8_t to;
};

// What computing needs besides; about 400 KB of the caller, in any state.
struct balance_work {
    struct node_set holders[LIMIT_PARTITIONS];
    struct node_set chosen[LIMIT_PARTITIONS];
    struct node_set rack_full[LIMIT_PARTITIONS];
    struct node_set rack_part[LIMIT_PARTITIONS];
    struct balance_move heap[LIMIT_PARTITIONS];
    int8_t cost[LIMIT_CLUSTER_NODES][LIMIT_CLUSTER_NODES];
    uint16_t witness[LIMIT_CLUSTER_NODES][LIMIT_CLUSTER_NODES];
};

// Each partition gets as many holders as the replication factor asks for, or as there are nodes
// that have the namespace; none if there are none.
void balance_compute(const struct balance_input *input, struct balance_work *work,
                     struct balance_holders out[LIMIT_PARTITIONS]);

// Rank of a node for a partition: higher comes first. Rendezvous hashing.
uint64_t balance_score(uint64_t node_id, uint32_t partition);
