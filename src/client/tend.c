// SPDX-License-Identifier: Apache-2.0
// A round in four parts: ask all nodes how they are, learn peers, fetch maps, let go of nodes that
// are gone (wire-protocol sections 11.8 and 11.9).
#include "client/tend.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/info_query.h"
#include "client/peers.h"
#include "client/seed.h"
#include "io/clock.h"
#include "wire/info.h"

enum {
    FAILURES_MAX = 5,           // rounds without an answer when no node answers at all
    ROUNDS_AT_CONNECT_MAX = 16, // each finds nodes one step further away
    WANTED_SPACING_MS = 50,     // between rounds that are asked for
    NS_PER_MS = 1000 * 1000,
};

// What a round knows of one node.
struct member {
    struct client_node *node;
    struct io_address address;
    struct client_info_query query;
    bool asked;
    bool answered; // the first question of this round
    bool wants_map;
};

struct round {
    struct ballast_cluster *cluster;
    struct member *members;
    size_t count;
    size_t answered_count;
    bool peers_wanted;
    bool peers_refreshed;
    bool peers_incomplete; // a listed peer could not be reached
    bool nodes_added;
};

static struct client_node *slot_take(struct ballast_cluster *cluster)
{
    uint32_t count = atomic_load(&cluster->node_count);
    for (uint32_t i = 0; i < count; i++) {
        struct client_node *node = cluster->nodes[i];
        struct io_address unused;
        // Connections of the former node may still be busy; such a slot waits.
        if (!client__node_address(node, &unused) && atomic_load(&node->connections_open) == 0) {
            return node;
        }
    }
    struct client_node *node;
    if (count == LIMIT_CLIENT_NODES || client__node_new(count, &node) != RESULT_OK) {
        return NULL;
    }
    cluster->nodes[count] = node;
    atomic_store(&cluster->node_count, count + 1);
    return node;
}

// Takes a node in that has answered; its connection becomes the node's.
static void greeting_accept(struct round *round, struct client_greeting *greeting)
{
    struct client_node *node = client__cluster_node_find(round->cluster, greeting->name);
    if (node == NULL) {
        node = slot_take(round->cluster);
        if (node == NULL) {
            client__connection_close(greeting->connection);
            return;
        }
        client__node_activate(node, greeting->name, &greeting->address);
        round->nodes_added = true;
    } else if (node->tend.failures > 0) {
        client__node_move(node, &greeting->address);
        client__connection_close(node->tend.connection);
        round->nodes_added = true;
    } else {
        client__connection_close(greeting->connection);
        return;
    }
    node->tend.connection = greeting->connection;
}

static bool seed_try(struct round *round, const struct client_seed *seed)
{
    struct io_address addresses[IO_ADDRESSES_PER_NAME];
    size_t count;
    if (io_address_resolve(seed->host, seed->port, addresses, IO_ADDRESSES_PER_NAME, &count) !=
        RESULT_OK) {
        round->cluster->trouble = "no such host";
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct client_greeting greeting;
        if (client__greet(round->cluster, &addresses[i], true, &greeting) == RESULT_OK) {
            greeting_accept(round, &greeting);
            return true;
        }
        round->cluster->trouble = greeting.trouble;
    }
    return false;
}

static void seeds_try(struct round *round)
{
    for (uint32_t i = 0; i < round->cluster->seed_count; i++) {
        if (seed_try(round, &round->cluster->seeds[i])) {
            return;
        }
    }
}

// Asks the chosen members one thing, all at the same time. member->asked says who was chosen; the
// answers stand in member->query until the next question.
static void members_ask(struct round *round, const char *text)
{
    struct client_command *commands[LIMIT_CLIENT_NODES];
    size_t count = 0;
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        if (!member->asked) {
            continue;
        }
        client__info_query_fini(&member->query);
        enum base_result result = client__info_query_init(&member->query, round->cluster, text,
                                                          round->cluster->connect_timeout_ms);
        if (result != RESULT_OK) {
            member->asked = false;
            continue;
        }
        member->query.answer_size_max = LIMIT_INFO_TEND_RESPONSE_SIZE;
        member->query.command.address = &member->address;
        member->query.command.kept = &member->node->tend.connection;
        commands[count++] = &member->query.command;
    }
    client__commands_run(commands, count);
}

static bool member_has_answer(const struct member *member)
{
    return member->asked && member->query.command.result == RESULT_OK;
}

static enum base_result members_collect(struct round *round)
{
    uint32_t slots = atomic_load(&round->cluster->node_count);
    round->members = calloc(slots == 0 ? 1 : slots, sizeof *round->members);
    if (round->members == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (uint32_t i = 0; i < slots; i++) {
        struct member *member = &round->members[round->count];
        member->node = round->cluster->nodes[i];
        if (client__node_address(member->node, &member->address)) {
            client__command_init(&member->query.command, round->cluster, NULL, 0);
            round->count++;
        }
    }
    return RESULT_OK;
}

// Reads a node's answer to the first question; false when it cannot be the node we know.
static bool member_judge(struct round *round, struct member *member)
{
    struct client_node *node = member->node;
    struct base_slice name, peers_text, partitions_text;
    uint64_t peers_generation, partition_generation;
    if (!client__info_query_value(&member->query, "node", &name) ||
        !wire_info_equal(name, node->name)) {
        return false;
    }
    member->answered = true;
    round->answered_count++;
    atomic_store(&node->responding, true);
    bool recovered = node->tend.failures > 0;
    node->tend.failures = 0;
    if (!client__info_query_value(&member->query, "peers-generation", &peers_text) ||
        !wire_info_number(peers_text, &peers_generation) || !node->tend.peers_known ||
        peers_generation != node->tend.peers_generation || recovered) {
        round->peers_wanted = true;
    }
    // -1 says that the node does not serve: its map is not asked for.
    member->wants_map =
        client__info_query_value(&member->query, "partition-generation", &partitions_text) &&
        wire_info_number(partitions_text, &partition_generation) &&
        (recovered || (int64_t)partition_generation != node->tend.partition_generation);
    return true;
}

static void node_drop(struct ballast_cluster *cluster, struct client_node *node)
{
    client__map_remove_node(&cluster->map, node->number);
    client__node_deactivate(node);
}

static void members_refresh(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        round->members[i].asked = true;
    }
    members_ask(round, "node\npeers-generation\npartition-generation\n");
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        if (!member_has_answer(member)) {
            member->node->tend.failures++;
            atomic_store(&member->node->responding, false);
            round->peers_wanted = true;
        } else if (!member_judge(round, member)) {
            // Another node lives at this address now.
            node_drop(round->cluster, member->node);
            round->peers_wanted = true;
        }
    }
}

// A peer that is not known yet, or known and failing, is looked for at its listed addresses.
static bool peer_find(struct round *round, const struct client_peer *peer, const char *name)
{
    for (uint32_t i = 0; i < peer->host_count; i++) {
        char host[CLIENT_HOST_SIZE];
        snprintf(host, sizeof host, "%.*s", (int)peer->hosts[i].host.size,
                 peer->hosts[i].host.data);
        struct io_address addresses[IO_ADDRESSES_PER_NAME];
        size_t count;
        if (io_address_resolve(host, peer->hosts[i].port, addresses, IO_ADDRESSES_PER_NAME,
                               &count) != RESULT_OK) {
            continue;
        }
        for (size_t j = 0; j < count; j++) {
            struct client_greeting greeting;
            if (client__greet(round->cluster, &addresses[j], false, &greeting) != RESULT_OK) {
                continue;
            }
            if (strcmp(greeting.name, name) == 0) {
                greeting_accept(round, &greeting);
                return true;
            }
            client__connection_close(greeting.connection);
        }
    }
    return false;
}

static void on_peer(const struct client_peer *peer, void *arg)
{
    struct round *round = arg;
    char name[LIMIT_NODE_ID_SIZE + 1];
    snprintf(name, sizeof name, "%.*s", (int)peer->name.size, peer->name.data);
    struct client_node *node = client__cluster_node_find(round->cluster, name);
    if (node == NULL || node->tend.failures > 0) {
        round->peers_incomplete |= !peer_find(round, peer, name);
        node = client__cluster_node_find(round->cluster, name);
    }
    if (node != NULL) {
        node->tend.referenced = true;
    }
}

static void peers_refresh(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        round->members[i].asked = round->members[i].answered;
        round->members[i].node->tend.referenced = false;
    }
    const char *command =
        round->cluster->alternate_addresses ? "peers-clear-alt\n" : "peers-clear-std\n";
    members_ask(round, command);
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(command, "\n"), command);
    round->peers_refreshed = true;
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        struct base_slice value;
        uint64_t generation;
        uint32_t count;
        round->peers_incomplete = false;
        if (!member->answered) {
            continue;
        }
        if (!member_has_answer(member) || !client__info_query_value(&member->query, name, &value) ||
            client_peers_parse(value, &generation, &count, on_peer, round) != RESULT_OK) {
            round->peers_refreshed = false;
            continue;
        }
        member->node->tend.peer_count = count;
        member->node->tend.peers_known = !round->peers_incomplete;
        member->node->tend.peers_generation = generation;
    }
}

static void maps_fetch(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        // A node that has lost sight of the others must not take over the map.
        member->asked = member->answered && member->wants_map &&
                        (member->node->tend.peer_count > 0 || round->answered_count == 1);
    }
    members_ask(round, "partition-generation\nreplicas\n");
    struct client_node_set displaced = {0};
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        struct base_slice generation_text, replicas;
        uint64_t generation;
        if (!member_has_answer(member) ||
            !client__info_query_value(&member->query, "partition-generation", &generation_text) ||
            !client__info_query_value(&member->query, "replicas", &replicas) ||
            !wire_info_number(generation_text, &generation)) {
            continue;
        }
        if (client__map_update(&round->cluster->map, member->node->number, replicas, &displaced) ==
            RESULT_OK) {
            member->node->tend.partition_generation = (int64_t)generation;
        }
    }
    for (uint32_t i = 0; i < atomic_load(&round->cluster->node_count); i++) {
        if (client__node_set_has(&displaced, i)) {
            round->cluster->nodes[i]->tend.partition_generation = -1;
        }
    }
}

static bool node_is_gone(const struct round *round, const struct member *member)
{
    const struct client_node_tend *tend = &member->node->tend;
    if (round->answered_count == 0) {
        return tend->failures >= FAILURES_MAX;
    }
    bool others_answered = round->answered_count > (member->answered ? 1 : 0);
    if (!round->peers_refreshed || !others_answered || tend->referenced) {
        return false;
    }
    return !member->answered || !client__map_node_owns(&round->cluster->map, member->node->number);
}

static void members_release(struct round *round)
{
    uint64_t since_ns = io_clock_monotonic_ns() - round->cluster->idle_max_ns;
    for (size_t i = 0; i < round->count; i++) {
        struct member *member = &round->members[i];
        struct io_address unused;
        client__info_query_fini(&member->query);
        if (client__node_address(member->node, &unused)) {
            if (node_is_gone(round, member)) {
                node_drop(round->cluster, member->node);
            } else {
                client__node_trim(member->node, since_ns);
            }
        }
    }
    free(round->members);
}

static bool round_run(struct ballast_cluster *cluster)
{
    struct round round = {.cluster = cluster};
    if (members_collect(&round) != RESULT_OK) {
        return false;
    }
    members_refresh(&round);
    if (round.answered_count == 0) {
        seeds_try(&round);
    } else if (round.peers_wanted) {
        peers_refresh(&round);
    }
    maps_fetch(&round);
    members_release(&round);
    return round.nodes_added;
}

void client__tend_round(struct ballast_cluster *cluster)
{
    // New nodes have been greeted but not asked yet.
    for (int i = 0; i < ROUNDS_AT_CONNECT_MAX && round_run(cluster); i++) {
    }
}

enum base_result client__tend_begin(struct ballast_cluster *cluster)
{
    client__tend_round(cluster);
    return client__cluster_any_node(cluster) == NULL ? RESULT_NOT_CONNECTED : RESULT_OK;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

// Waits until the next round is due or asked for; false when the thread must end.
static bool tend_wait(struct ballast_cluster *cluster)
{
    uint64_t began_ns = io_clock_monotonic_ns();
    struct timespec due = timespec_of(began_ns + (uint64_t)cluster->tend_interval_ms * NS_PER_MS);
    struct timespec earliest = timespec_of(began_ns + (uint64_t)WANTED_SPACING_MS * NS_PER_MS);
    int waited = 0;
    pthread_mutex_lock(&cluster->tend_lock);
    while (!cluster->tend_stopping && !cluster->tend_wanted && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&cluster->tend_changed, &cluster->tend_lock, &due);
    }
    for (waited = 0; !cluster->tend_stopping && cluster->tend_wanted && waited != ETIMEDOUT;) {
        waited = pthread_cond_timedwait(&cluster->tend_changed, &cluster->tend_lock, &earliest);
    }
    cluster->tend_wanted = false;
    bool go_on = !cluster->tend_stopping;
    pthread_mutex_unlock(&cluster->tend_lock);
    return go_on;
}

static void *tend_main(void *arg)
{
    struct ballast_cluster *cluster = arg;
    while (tend_wait(cluster)) {
        client__tend_round(cluster);
    }
    return NULL;
}

enum base_result client__tend_start(struct ballast_cluster *cluster)
{
    // The program's signals are for the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&cluster->tend_thread, NULL, tend_main, cluster);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    cluster->tend_running = failed == 0;
    return failed == 0 ? RESULT_OK : RESULT_NO_MEMORY;
}

void client__tend_stop(struct ballast_cluster *cluster)
{
    if (!cluster->tend_running) {
        return;
    }
    pthread_mutex_lock(&cluster->tend_lock);
    cluster->tend_stopping = true;
    pthread_cond_signal(&cluster->tend_changed);
    pthread_mutex_unlock(&cluster->tend_lock);
    pthread_join(cluster->tend_thread, NULL);
    cluster->tend_running = false;
}

void client__tend_request(struct ballast_cluster *cluster)
{
    pthread_mutex_lock(&cluster->tend_lock);
    cluster->tend_wanted = true;
    pthread_cond_signal(&cluster->tend_changed);
    pthread_mutex_unlock(&cluster->tend_lock);
}
