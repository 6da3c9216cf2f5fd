// SPDX-License-Identifier: Apache-2.0
// Who holds which partition: for each namespace a table of node numbers, one column a replica
// (column 0: the master). Nodes report only themselves and only add claims (wire-protocol section
// 11.6); a claim takes the partition from whoever had that column before.
//
// Threads: one thread (the tend thread) changes the map, all others read it without locks. A
// namespace, once there, stays until the map is gone.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

struct client_partitions {
    char ns[LIMIT_NAMESPACE_NAME_SIZE + 1];
    _Atomic uint32_t replica_count;    // columns in use, at most LIMIT_CLIENT_REPLICAS
    uint32_t regime[LIMIT_PARTITIONS]; // of the master's claim; the tend thread's own
    _Atomic uint16_t owner[LIMIT_CLIENT_REPLICAS][LIMIT_PARTITIONS]; // node number + 1; 0: none
};

struct client_map {
    _Atomic uint32_t count;
    struct client_partitions *namespaces[LIMIT_NAMESPACES]; // never changed once counted
};

// A bit for each node number.
struct client_node_set {
    uint64_t words[LIMIT_CLIENT_NODES / 64];
};

static inline void client__node_set_add(struct client_node_set *set, uint32_t number)
{
    set->words[number / 64] |= 1ull << number % 64;
}

static inline bool client__node_set_has(const struct client_node_set *set, uint32_t number)
{
    return (set->words[number / 64] >> number % 64 & 1) != 0;
}

void client__map_fini(struct client_map *map);

// The namespace's table, or NULL.
struct client_partitions *client__map_find(const struct client_map *map, const char *ns);

// Takes over what node `number` says about itself: the value of the info command `replicas`. Adds
// to `displaced` the nodes that lost a partition to it. RESULT_MALFORMED and RESULT_LIMIT (too many
// namespaces) change nothing; RESULT_NO_MEMORY may leave the later namespaces as they were.
BASE_MUST_USE enum base_result client__map_update(struct client_map *map, uint32_t number,
                                                  struct base_slice replicas,
                                                  struct client_node_set *displaced);

// Forgets all claims of a node that is gone.
void client__map_remove_node(struct client_map *map, uint32_t number);

// True when the node holds any partition in any column.
bool client__map_node_owns(const struct client_map *map, uint32_t number);

// The number of the node to ask for a partition. `replica` counts tries: column replica modulo the
// columns in use, or the next column that has a node. False when no column has one.
bool client__map_owner(const struct client_partitions *partitions, uint32_t partition,
                       uint32_t replica, uint32_t *number);
