// SPDX-License-Identifier: Apache-2.0
// What a cluster is made of inside the library. `nodes`, `map` and the atomics may be read by any
// thread; the tend thread alone changes them. Configuration never changes after connect.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ballast/ballast.h"
#include "base/limits.h"
#include "client/node.h"
#include "client/partition_map.h"

enum { CLIENT_HOST_SIZE = 256, CLIENT_USER_AGENT_SIZE = 64, CLIENT_CLUSTER_MAGIC = 0x434c5354 };

struct client_seed {
    char host[CLIENT_HOST_SIZE];
    uint16_t port;
};

struct ballast_cluster {
    uint32_t magic;

    struct client_seed seeds[LIMIT_CLIENT_SEEDS];
    uint32_t seed_count;
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE + 1]; // "": do not ask
    uint32_t connect_timeout_ms;
    uint32_t tend_interval_ms;
    uint32_t connections_per_node_max;
    uint64_t idle_max_ns;
    bool alternate_addresses;
    char user_agent[CLIENT_USER_AGENT_SIZE]; // base64, for operators who ask who is connected

    _Atomic uint32_t node_count; // slots made so far; each stays for good
    struct client_node *nodes[LIMIT_CLIENT_NODES];
    struct client_map map;

    _Atomic uint32_t rotor;   // spreads what any node may do
    _Atomic uint64_t task_id; // the last one handed out
    _Atomic uint32_t loop_count;

    const char *trouble; // with the last seed that failed; the tend thread's own

    pthread_t tend_thread;
    bool tend_running;
    pthread_mutex_t tend_lock;
    pthread_cond_t tend_changed; // signals the three below
    bool tend_wanted;
    bool tend_stopping;
};

// The n-th active node, counted from a turning start so that callers spread; NULL when none is.
struct client_node *client__cluster_any_node(struct ballast_cluster *cluster);

// The active node of that name, or NULL.
struct client_node *client__cluster_node_find(struct ballast_cluster *cluster, const char *name);

// Copies what the public header tells of a node; false when the slot is inactive.
bool client__node_describe(struct client_node *node, struct ballast_node_info *out);

// A number for a scan that no other scan has.
uint64_t client__cluster_task_id(struct ballast_cluster *cluster);
