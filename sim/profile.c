// SPDX-License-Identifier: Apache-2.0
#include "profile.h"

#include <stdlib.h>

#include "faults.h"
#include "script.h"

enum {
    HOT_PARTITIONS_MAX = 8,
    MINORITY_WAIT_MS = 10000,
    NEAR_US = 500,
};

// How often each kind of fault is drawn, where it is drawn at all.
static const uint32_t fault_weights[FAULT_KINDS] = {
    [FAULT_CRASH] = 8,     [FAULT_CRASH_NEW_ID] = 2, [FAULT_CRASH_MANY] = 1, [FAULT_PAUSE] = 6,
    [FAULT_CUT_PAIR] = 6,  [FAULT_CUT_ONE_WAY] = 5,  [FAULT_CUT_NODE] = 6,   [FAULT_CUT_GROUPS] = 6,
    [FAULT_FLAP] = 3,      [FAULT_SLOW_LINK] = 3,    [FAULT_SLOW_NODE] = 3,  [FAULT_CLOCK] = 3,
    [FAULT_FULL] = 2,      [FAULT_JOIN] = 4,         [FAULT_LEAVE] = 4,      [FAULT_QUIESCE] = 2,
    [FAULT_RECLUSTER] = 1,
};

// A third of the kinds is left out in each world, so that the others get their turn alone.
static void faults_choose(struct sim *sim, struct profile *profile)
{
    struct prng *p = &sim->of_faults;
    uint32_t sum = 0;
    while (sum == 0) {
        for (uint32_t i = 0; i < FAULT_KINDS; i++) {
            profile->fault_weight[i] =
                prng_chance(p, 667) ? fault_weights[i] * (uint32_t)prng_between(p, 1, 4) : 0;
            sum += profile->fault_weight[i];
        }
    }
    profile->fault_gap_us = (uint32_t)prng_between(p, 400, 5000) * SIM_MS;
    profile->beyond_per_mille = prng_chance(p, 300) ? 300 : 20;
}

static void network_choose(struct sim *sim, struct profile *profile)
{
    struct prng *p = &sim->of_network;
    bool near = prng_chance(p, 750);
    profile->delay_us = (uint32_t)(near ? prng_between(p, 50, 500) : prng_between(p, 1000, 20000));
    profile->jitter_us = (uint32_t)prng_between(p, 20, near ? 2000 : 20000);
    if (prng_chance(p, 400)) {
        profile->loss_per_mille = (uint32_t)prng_between(p, 1, 50);
    }
    if (prng_chance(p, 400)) {
        profile->twice_per_mille = (uint32_t)prng_between(p, 1, 50);
    }
    profile->out_of_order = prng_chance(p, 400);
}

static void data_choose(struct sim *sim, struct profile *profile)
{
    struct prng *p = &sim->of_clients;
    profile->namespaces = prng_chance(p, 250) ? 2 : 1;
    for (uint32_t i = 0; i < profile->namespaces; i++) {
        profile->replication_factor[i] = prng_chance(p, 650) ? 2 : (uint32_t)prng_between(p, 1, 3);
        profile->policy[i] =
            prng_chance(p, 300) ? REPLICATION_BY_GENERATION : REPLICATION_BY_LAST_UPDATE_TIME;
    }
    profile->keys = (uint32_t)prng_between(p, 100, prng_chance(p, 200) ? SIM_KEYS_MAX : 600);
    profile->hot_keys = (uint32_t)prng_between(p, 2, 40);
    profile->clients = (uint32_t)prng_between(p, 3, 12);
    profile->think_us = (uint32_t)prng_between(p, 10, 60) * SIM_MS;
    profile->expires = prng_chance(p, 300);
    profile->skew_ms =
        (uint32_t)(prng_chance(p, 700) ? prng_between(p, 0, 200) : prng_between(p, 200, 20000));
}

// Nodes join, leave and are quiesced, all by themselves in a network that works and is near.
static void gentle_apply(struct profile *profile)
{
    profile->gentle = true;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        bool is_kind =
            i == FAULT_JOIN || i == FAULT_LEAVE || i == FAULT_QUIESCE || i == FAULT_RECLUSTER;
        profile->fault_weight[i] = is_kind ? fault_weights[i] : 0;
    }
    profile->loss_per_mille = profile->twice_per_mille = 0;
    profile->out_of_order = false;
    profile->delay_us = 1 + profile->delay_us % NEAR_US;
    profile->jitter_us %= NEAR_US;
}

static void script_apply(const struct script *script, struct profile *profile)
{
    if (script->nodes > 0) {
        profile->hosts = script->nodes;
    }
    if (script->factor > 0) {
        profile->replication_factor[0] = profile->replication_factor[1] = script->factor;
    }
    if (script->keys > 0) {
        profile->keys = script->keys;
    }
    if (script->clients > 0) {
        profile->clients = script->clients;
    }
    profile->rounds = 1;
    profile->round_us = script->until_us;
}

void profile_make(struct sim *sim)
{
    struct profile *profile = &sim->profile;
    struct prng *p = &sim->of_processes;
    *profile = (struct profile){0};
    profile->hosts =
        (uint32_t)(prng_chance(p, 700) ? prng_between(p, 3, 5) : prng_between(p, 5, 7));
    profile->syncs_at_once = (uint32_t)prng_between(p, 1, 8);
    profile->keeps_regime = prng_chance(p, 500);
    profile->rounds = (uint32_t)prng_between(p, 2, 4);
    uint64_t minutes = sim->options.minutes > 0 ? sim->options.minutes : 1;
    profile->round_us = minutes * 60 * SIM_S / profile->rounds;
    if (sim->options.nodes > 0) {
        profile->hosts = sim->options.nodes;
    }
    faults_choose(sim, profile);
    network_choose(sim, profile);
    data_choose(sim, profile);
    struct prng of_world;
    prng_seed(&of_world, sim->options.seed, 5);
    profile->minority_wait_ms = prng_chance(&of_world, 500) ? MINORITY_WAIT_MS : 0;
    if (sim->options.gentle || prng_chance(&of_world, 100)) {
        gentle_apply(profile);
    }
    if (sim->script != NULL) {
        script_apply(sim->script, profile);
    }
    profile->hosts_max = profile->hosts + 3 < SIM_HOSTS_MAX ? profile->hosts + 3 : SIM_HOSTS_MAX;
}

void profile_keys_make(struct sim *sim)
{
    struct prng *p = &sim->of_clients;
    uint16_t hot[HOT_PARTITIONS_MAX];
    uint32_t hot_count = (uint32_t)prng_between(p, 1, HOT_PARTITIONS_MAX);
    for (uint32_t i = 0; i < hot_count; i++) {
        hot[i] = (uint16_t)prng_below(p, LIMIT_PARTITIONS);
    }
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        sim->key_of_partition[i] = SIM_KEYS_MAX;
    }
    for (uint32_t i = 0; i < sim->profile.keys; i++) {
        struct key_info *key = &sim->key[i];
        uint64_t bits[3] = {prng_next(p), prng_next(p), prng_next(p)};
        memcpy(key->digest, bits, LIMIT_DIGEST_SIZE);
        uint32_t partition = prng_chance(p, 700) ? hot[prng_below(p, hot_count)]
                                                 : (uint32_t)prng_below(p, LIMIT_PARTITIONS);
        base_le16_store(key->digest, (uint16_t)(partition | (bits[0] & 0xf000)));
        key->partition = (uint16_t)partition;
        key->expires = sim->profile.expires && prng_chance(p, 100);
        key->next = sim->key_of_partition[partition];
        sim->key_of_partition[partition] = (uint16_t)i;
    }
}
