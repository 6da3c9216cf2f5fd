// SPDX-License-Identifier: Apache-2.0
// A small table under one lock: it is looked at when links are made, not for each message.
#include "server/peers.h"

#include <string.h>

#include "core/replication/place.h"

void peers_init(struct peers *peers)
{
    pthread_mutex_init(&peers->lock, NULL);
    memset(peers->peer, 0, sizeof peers->peer);
}

void peers_fini(struct peers *peers)
{
    pthread_mutex_destroy(&peers->lock);
}

uint8_t peers_number(struct peers *peers, uint64_t id)
{
    base_assert(id != 0);
    uint8_t number = PLACE_NOBODY;
    pthread_mutex_lock(&peers->lock);
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        if (peers->peer[i].id == id) {
            number = (uint8_t)i;
            break;
        }
        if (i > 0 && peers->peer[i].id == 0 && number == PLACE_NOBODY) {
            number = (uint8_t)i;
        }
    }
    if (number != PLACE_NOBODY) {
        peers->peer[number].id = id;
    }
    pthread_mutex_unlock(&peers->lock);
    return number;
}

uint8_t peers_find(struct peers *peers, uint64_t id)
{
    uint8_t number = PLACE_NOBODY;
    pthread_mutex_lock(&peers->lock);
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES && id != 0; i++) {
        if (peers->peer[i].id == id) {
            number = (uint8_t)i;
            break;
        }
    }
    pthread_mutex_unlock(&peers->lock);
    return number;
}

void peers_forget(struct peers *peers, uint8_t number)
{
    base_assert(number > PLACE_SELF && number < LIMIT_CLUSTER_NODES);
    pthread_mutex_lock(&peers->lock);
    memset(&peers->peer[number], 0, sizeof peers->peer[number]);
    pthread_mutex_unlock(&peers->lock);
}

bool peers_copy(struct peers *peers, uint8_t number, struct peer *out)
{
    if (number >= LIMIT_CLUSTER_NODES) {
        return false;
    }
    pthread_mutex_lock(&peers->lock);
    bool taken = peers->peer[number].id != 0;
    if (taken) {
        *out = peers->peer[number];
    }
    pthread_mutex_unlock(&peers->lock);
    return taken;
}

void peers_self_set(struct peers *peers, const struct peer *self)
{
    pthread_mutex_lock(&peers->lock);
    peers->peer[PLACE_SELF] = *self;
    pthread_mutex_unlock(&peers->lock);
}

void peers_update(struct peers *peers, uint8_t number, const struct peer *peer)
{
    base_assert(number < LIMIT_CLUSTER_NODES);
    pthread_mutex_lock(&peers->lock);
    base_assert(peers->peer[number].id == peer->id);
    peers->peer[number] = *peer;
    pthread_mutex_unlock(&peers->lock);
}
