// SPDX-License-Identifier: Apache-2.0
// The thread may be waiting for a name server when the node stops. It is not waited for: what it
// looks at is shared, counted memory that the last of the two frees.
#include "server/mesh_seeds.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/identity.h"
#include "server/log.h"

struct seed {
    char host[MESH_SEED_HOST_SIZE];
    uint16_t port;
    bool literal;   // an address: never looked up
    bool looked_up; // at least once
    bool unknown;   // the last time
    uint32_t address_count;
    struct io_address *addresses; // of the heap
};

struct mesh_seeds {
    pthread_mutex_t lock; // guards all below
    pthread_cond_t wake;
    uint32_t holders; // the owner and the thread
    bool stopping;
    bool refresh;
    uint64_t regime; // to be kept; 0: nothing to do
    bool busy_with_disk;
    uint64_t version;
    uint32_t count;
    struct seed *seed[MESH_SEEDS_MAX];
    struct identity *identity; // not looked at once stopping
    struct log *log;
    void (*changed)(void *arg);
    void *arg;
};

// --- memory ------------------------------------------------------------------------------------

static void seed_free(struct seed *seed)
{
    free(seed->addresses);
    free(seed);
}

// With the lock held; gives it up.
static void holder_gone(struct mesh_seeds *seeds)
{
    bool last = --seeds->holders == 0;
    pthread_mutex_unlock(&seeds->lock);
    if (!last) {
        return;
    }
    for (uint32_t i = 0; i < seeds->count; i++) {
        seed_free(seeds->seed[i]);
    }
    pthread_cond_destroy(&seeds->wake);
    pthread_mutex_destroy(&seeds->lock);
    free(seeds);
}

// --- the thread --------------------------------------------------------------------------------

static struct seed *seed_find(struct mesh_seeds *seeds, const char *host, uint16_t port)
{
    for (uint32_t i = 0; i < seeds->count; i++) {
        if (seeds->seed[i]->port == port && strcmp(seeds->seed[i]->host, host) == 0) {
            return seeds->seed[i];
        }
    }
    return NULL;
}

static bool addresses_differ(const struct seed *seed, const struct io_address *addresses,
                             size_t count)
{
    if (seed->address_count != count) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < seed->address_count && !found; k++) {
            found = io_address_equal(&seed->addresses[k], &addresses[i]);
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

// A name that is unknown for once keeps its addresses: name servers fail more often than nodes.
static void answer_enter(struct mesh_seeds *seeds, struct seed *seed,
                         const struct io_address *addresses, size_t count)
{
    bool was_unknown = seed->unknown;
    seed->unknown = count == 0;
    seed->looked_up = true;
    if (seed->unknown && !was_unknown) {
        log_info(seeds->log, hb, "seed %s:%u: the name is unknown; looking again", seed->host,
                 seed->port);
    }
    if (count == 0 || !addresses_differ(seed, addresses, count)) {
        return;
    }
    struct io_address *copy = malloc(count * sizeof *copy);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, addresses, count * sizeof *copy);
    free(seed->addresses);
    seed->addresses = copy;
    seed->address_count = (uint32_t)count;
    seeds->version++;
}

// Looks one name up without the lock; the seed may be gone afterwards.
static void name_look_up(struct mesh_seeds *seeds, const struct seed *seed)
{
    char host[MESH_SEED_HOST_SIZE];
    struct io_address addresses[MESH_SEED_ADDRESSES_MAX];
    size_t count = 0;
    uint16_t port = seed->port;
    memcpy(host, seed->host, sizeof host);
    pthread_mutex_unlock(&seeds->lock);
    if (io_address_resolve(host, port, addresses, MESH_SEED_ADDRESSES_MAX, &count) != RESULT_OK) {
        count = 0;
    }
    pthread_mutex_lock(&seeds->lock);
    struct seed *same = seed_find(seeds, host, port);
    if (!seeds->stopping && same != NULL) {
        answer_enter(seeds, same, addresses, count);
        seeds->changed(seeds->arg);
    }
}

static void names_look_up(struct mesh_seeds *seeds)
{
    seeds->refresh = false;
    for (uint32_t i = 0; i < seeds->count && !seeds->stopping; i++) {
        if (!seeds->seed[i]->literal) {
            name_look_up(seeds, seeds->seed[i]);
        }
    }
}

static void regime_write(struct mesh_seeds *seeds)
{
    uint64_t regime = seeds->regime;
    seeds->regime = 0;
    seeds->busy_with_disk = true;
    pthread_mutex_unlock(&seeds->lock);
    identity_regime_keep(seeds->identity, regime, seeds->log);
    pthread_mutex_lock(&seeds->lock);
    seeds->busy_with_disk = false;
    pthread_cond_broadcast(&seeds->wake);
}

static void *thread_main(void *arg)
{
    struct mesh_seeds *seeds = arg;
    pthread_mutex_lock(&seeds->lock);
    while (!seeds->stopping) {
        if (seeds->regime != 0) {
            regime_write(seeds);
        } else if (seeds->refresh) {
            names_look_up(seeds);
        } else {
            pthread_cond_wait(&seeds->wake, &seeds->lock);
        }
    }
    holder_gone(seeds);
    return NULL;
}

// --- life --------------------------------------------------------------------------------------

enum base_result mesh_seeds_new(struct identity *identity, struct log *log,
                                void (*changed)(void *arg), void *arg, struct mesh_seeds **out)
{
    *out = NULL;
    struct mesh_seeds *seeds = calloc(1, sizeof *seeds);
    if (seeds == NULL) {
        return RESULT_NO_MEMORY;
    }
    seeds->identity = identity;
    seeds->log = log;
    seeds->changed = changed;
    seeds->arg = arg;
    seeds->holders = 2;
    pthread_mutex_init(&seeds->lock, NULL);
    pthread_cond_init(&seeds->wake, NULL);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int failed = pthread_create(&thread, &detached, thread_main, seeds);
    pthread_attr_destroy(&detached);
    if (failed != 0) {
        seeds->holders = 1;
        pthread_mutex_lock(&seeds->lock);
        holder_gone(seeds);
        return RESULT_NO_MEMORY;
    }
    *out = seeds;
    return RESULT_OK;
}

void mesh_seeds_free(struct mesh_seeds **seeds)
{
    struct mesh_seeds *gone = *seeds;
    *seeds = NULL;
    if (gone == NULL) {
        return;
    }
    pthread_mutex_lock(&gone->lock);
    gone->stopping = true;
    pthread_cond_broadcast(&gone->wake);
    while (gone->busy_with_disk) { // it looks at the identity, which goes with the node
        pthread_cond_wait(&gone->wake, &gone->lock);
    }
    holder_gone(gone);
}

// --- seeds -------------------------------------------------------------------------------------

static struct seed *seed_new(const char *host, uint16_t port)
{
    struct seed *seed = calloc(1, sizeof *seed);
    struct io_address address;
    if (seed == NULL) {
        return NULL;
    }
    snprintf(seed->host, sizeof seed->host, "%s", host);
    seed->port = port;
    seed->literal = io_address_parse(host, port, &address) == RESULT_OK;
    if (seed->literal) {
        seed->addresses = malloc(sizeof address);
        if (seed->addresses == NULL) {
            free(seed);
            return NULL;
        }
        seed->addresses[0] = address;
        seed->address_count = 1;
        seed->looked_up = true;
    }
    return seed;
}

enum base_result mesh_seeds_add(struct mesh_seeds *seeds, const char *host, uint16_t port)
{
    if (host[0] == '\0' || strlen(host) >= MESH_SEED_HOST_SIZE || port == 0) {
        return RESULT_PARAMETER;
    }
    enum base_result result = RESULT_OK;
    pthread_mutex_lock(&seeds->lock);
    if (seed_find(seeds, host, port) == NULL) {
        struct seed *seed = seeds->count == MESH_SEEDS_MAX ? NULL : seed_new(host, port);
        if (seed == NULL) {
            result = RESULT_LIMIT;
        } else {
            seeds->seed[seeds->count++] = seed;
            seeds->version++;
            seeds->refresh |= !seed->literal;
            pthread_cond_broadcast(&seeds->wake);
        }
    }
    pthread_mutex_unlock(&seeds->lock);
    return result;
}

enum base_result mesh_seeds_remove(struct mesh_seeds *seeds, const char *host, uint16_t port)
{
    enum base_result result = RESULT_RECORD_NOT_FOUND;
    pthread_mutex_lock(&seeds->lock);
    for (uint32_t i = 0; i < seeds->count; i++) {
        if (seeds->seed[i]->port == port && strcmp(seeds->seed[i]->host, host) == 0) {
            seed_free(seeds->seed[i]);
            seeds->seed[i] = seeds->seed[--seeds->count];
            seeds->version++;
            result = RESULT_OK;
            break;
        }
    }
    pthread_mutex_unlock(&seeds->lock);
    return result;
}

void mesh_seeds_clear(struct mesh_seeds *seeds)
{
    pthread_mutex_lock(&seeds->lock);
    for (uint32_t i = 0; i < seeds->count; i++) {
        seed_free(seeds->seed[i]);
    }
    seeds->count = 0;
    seeds->version++;
    pthread_mutex_unlock(&seeds->lock);
}

void mesh_seeds_refresh(struct mesh_seeds *seeds)
{
    pthread_mutex_lock(&seeds->lock);
    seeds->refresh = true;
    pthread_cond_broadcast(&seeds->wake);
    pthread_mutex_unlock(&seeds->lock);
}

void mesh_seeds_regime_keep(struct mesh_seeds *seeds, uint64_t regime)
{
    pthread_mutex_lock(&seeds->lock);
    seeds->regime = regime;
    pthread_cond_broadcast(&seeds->wake);
    pthread_mutex_unlock(&seeds->lock);
}

void mesh_seeds_state(struct mesh_seeds *seeds, struct mesh_seeds_state *out)
{
    *out = (struct mesh_seeds_state){.all_looked_up = true};
    pthread_mutex_lock(&seeds->lock);
    out->seed_count = seeds->count;
    out->version = seeds->version;
    for (uint32_t i = 0; i < seeds->count; i++) {
        out->name_count += !seeds->seed[i]->literal;
        out->all_looked_up &= seeds->seed[i]->looked_up;
        out->some_unknown |= seeds->seed[i]->unknown;
    }
    pthread_mutex_unlock(&seeds->lock);
}

uint32_t mesh_seeds_addresses(struct mesh_seeds *seeds, struct io_address *out, uint32_t max)
{
    uint32_t count = 0;
    pthread_mutex_lock(&seeds->lock);
    for (uint32_t i = 0; i < seeds->count; i++) {
        const struct seed *seed = seeds->seed[i];
        for (uint32_t k = 0; k < seed->address_count; k++) {
            bool there = false;
            for (uint32_t n = 0; n < count && !there; n++) {
                there = io_address_equal(&out[n], &seed->addresses[k]);
            }
            if (!there && count < max) {
                out[count++] = seed->addresses[k];
            }
        }
    }
    pthread_mutex_unlock(&seeds->lock);
    return count;
}
