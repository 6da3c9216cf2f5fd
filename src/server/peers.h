// SPDX-License-Identifier: Apache-2.0
// The nodes that this one knows of: how to reach them and what clients are to be told about them.
// The mesh fills the table; each node gets a peer number at first sight and keeps it, so that
// links, places and waiting operations can name it by one byte. Only when all numbers are taken,
// that of a node which has been gone for long is given to another. Number 0 is this node. Any
// thread may read; a copy is what a reader gets.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"
#include "io/socket.h"

enum { PEER_ADDRESSES_SIZE = 1024, PEER_BUILD_SIZE = 32 };

struct peer {
    uint64_t id; // 0: the number is free
    uint64_t incarnation;
    bool linked;                 // there is a heartbeat link at the moment
    struct io_address heartbeat; // where it listens
    struct io_address fabric;
    char services[PEER_ADDRESSES_SIZE];   // "10.0.0.2:3000,[fd00::2]:3000"
    char alternates[PEER_ADDRESSES_SIZE]; // the same of its alternate addresses; "": none
    char build[PEER_BUILD_SIZE];
};

struct peers {
    pthread_mutex_t lock;
    struct peer peer[LIMIT_CLUSTER_NODES];
};

void peers_init(struct peers *peers);
void peers_fini(struct peers *peers);

// The number of a node; made at first sight. PLACE_NOBODY when no number is free.
uint8_t peers_number(struct peers *peers, uint64_t id);

// The number of a node that is known; PLACE_NOBODY when it is not.
uint8_t peers_find(struct peers *peers, uint64_t id);

// Frees a number; for the mesh, when nothing can refer to it any more.
void peers_forget(struct peers *peers, uint8_t number);

// False when that number is free.
bool peers_copy(struct peers *peers, uint8_t number, struct peer *out);

// Enters this node as number 0; at start, before others know of it.
void peers_self_set(struct peers *peers, const struct peer *self);

// Enters what the mesh learnt; the number must be taken.
void peers_update(struct peers *peers, uint8_t number, const struct peer *peer);
