// SPDX-License-Identifier: Apache-2.0
// What a node may do with one partition of one namespace at this moment: its place in the view. The
// partition machine decides it, the record's stripe guards it, every request looks at it. Nodes
// stand here by peer number, the small number that this node gave each other node (0 is itself).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/node_set.h"

enum place_role {
    PLACE_NONE,    // holds nothing that clients may see: send them to the master
    PLACE_REPLICA, // takes the master's writes
    PLACE_MASTER,  // acting master: reads, writes, asks, replicates
};

enum {
    PLACE_SELF = 0,           // this node's own peer number
    PLACE_NOBODY = UINT8_MAX, // no node
};

struct place {
    uint64_t key;               // of the view; 0: frozen, nothing may be served
    uint64_t written_key;       // of the view whose master's writes are taken: when frozen the last
                                // one's, until the next one looks at our copy
    uint64_t reign;             // acting master: key of the view since which it is that without a
                                // break; for whoever sets places (replica_place_set)
    uint64_t lineage;           // key of the last view in which this copy took every write
    struct node_set writes;     // acting master: who must acknowledge a write
    struct node_set duplicates; // whose copies may hold what ours lacks: the acting master asks
                                // first, a replica leaves reads to it
    uint8_t master;             // peer number of the acting master, or PLACE_NOBODY
    uint8_t role;               // enum place_role
    bool full;                  // our copy is complete: it may become master, a replica may be read
    bool handing_over;          // acting master on the way out: new requests wait a moment
    uint8_t columns[LIMIT_REPLICATION_FACTOR]; // who serves clients: [0] the acting master, then
    uint8_t column_count;                      // full replicas; what clients are told
    uint32_t in_flight;                        // writes here that not all have acknowledged
};

// Whether a master needs nobody else for what it does.
static inline bool place_is_alone(const struct place *place)
{
    return place->key != 0 && place->role == PLACE_MASTER && !place->handing_over &&
           node_set_is_empty(&place->writes) && node_set_is_empty(&place->duplicates);
}
