// SPDX-License-Identifier: Apache-2.0
// A running node: the cluster machine with stores and replicas, its operations and migrations, and
// what the daemon's threads would do around them. All of it is memory: it is gone when the process
// ends.
#pragma once

#include "cluster/message.h"
#include "cluster/sync.h"
#include "network.h"

enum {
    PROCESS_OPERATIONS_MAX = 256,
    PROCESS_MIGRATIONS_MAX = 64,
};

struct operation;
struct request;
struct engine;

struct migration {
    struct sync *sync;
    struct cluster_sync_order order;
    uint64_t id;
    uint64_t rest_until_us; // slow ones rest between steps
};

struct process {
    struct sim *sim;
    uint32_t host;
    uint32_t serial; // unique in the run
    uint64_t id;
    uint64_t incarnation;
    struct cluster *cluster;
    struct store *store[SIM_NAMESPACES_MAX];
    struct replica *replica[SIM_NAMESPACES_MAX];
    struct engine *engine[SIM_NAMESPACES_MAX];
    uint64_t peer_id[LIMIT_CLUSTER_NODES]; // by peer number; 0: free
    uint64_t known_us[SIM_HOSTS_MAX];      // when we find that host's process, by host
    uint64_t tick_ms;                      // monotonic, of the last tick
    uint64_t started_us;
    bool woken[SIM_NAMESPACES_MAX]; // places changed within the call that runs
    bool ordered;                   // new syncs came within it
    bool operations_awake;          // their event is in the agenda
    bool migrations_awake;
    bool was_frozen;
    struct place place_told; // to the story, of its partition
    struct operation *operation[PROCESS_OPERATIONS_MAX];
    uint32_t operation_count;
    uint64_t operation_next; // number of the last one
    struct migration migration[PROCESS_MIGRATIONS_MAX];
    uint32_t migration_count;
    uint64_t migration_next; // id
    struct sync_totals totals;
};

// Starts a process on an empty host; one that ends loses all it held. What others hear of an end
// is not decided here.
void process_start(struct sim *sim, uint32_t host);
void process_end(struct sim *sim, uint32_t host);

// Events of a process.
void process_tick(struct process *process);
void process_on_packet(struct process *process, const struct packet *packet);
void process_seeds_settled(struct process *process);
void process_peer_gone(struct process *process, uint64_t id);
void process_migrations(struct process *process);
void process_expiry(struct process *process);
void process_flags(struct process *process, uint8_t flags);
void process_recluster(struct process *process);

// A client's request reaches it soon.
void process_ask(struct process *process, const struct request *request);

// To be called after each call into the cluster machine: carries out what it put off.
void process_after(struct process *process);

// A process that has not ticked for half the heartbeat timeout may have been left out of the view
// without knowing: it treats all places as frozen.
bool process_is_suspicious(const struct process *process);

// One fabric message to a peer. Once: see network_send.
void process_send(struct process *process, uint8_t peer, enum channel channel,
                  const struct message *message, bool once);

uint8_t process_peer(struct process *process, uint64_t id);
struct process *process_of_id(struct sim *sim, uint64_t id); // NULL: none runs
struct process *process_of_peer(const struct process *process, uint8_t peer);
