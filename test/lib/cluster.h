// SPDX-License-Identifier: Apache-2.0
// Several nodes on loopback that form a cluster, and a connection to each to ask it with. What is
// waited for is what nodes say of themselves through info. One thread uses a cluster.
#pragma once

#include "lib/client.h"
#include "lib/node.h"

enum { TEST_CLUSTER_NODES = 6 };

struct test_cluster {
    struct test_node node[TEST_CLUSTER_NODES];
    struct test_client client[TEST_CLUSTER_NODES]; // of running nodes
    bool running[TEST_CLUSTER_NODES];
    struct test_node_options options;
    char heartbeat[1024];
};

// Starts the first `count` nodes, each with all before it as seeds, and returns when all are one
// cluster at rest. `options` may be NULL.
void test_cluster_start(struct test_cluster *cluster, uint32_t count,
                        const struct test_node_options *options);

// Starts one more node, or one that has ended, with all running ones as seeds; does not wait for
// the cluster.
void test_cluster_add(struct test_cluster *cluster, uint32_t number);

// Ends one as a crash does, or with SIGTERM, where its exit status has to be 0.
void test_cluster_kill(struct test_cluster *cluster, uint32_t number);
void test_cluster_stop(struct test_cluster *cluster, uint32_t number);

// Waits until all running nodes say that they are in one and the same cluster, of all of them, with
// nothing left to move. `ignore_migrations`: with something left.
void test_cluster_wait(struct test_cluster *cluster, bool ignore_migrations);

// Ends whatever runs, in any way.
void test_cluster_fini(struct test_cluster *cluster);

// The value of one statistic of a node, good until the next question; `of`: "statistics",
// "namespace/test".
const char *test_cluster_figure(struct test_cluster *cluster, uint32_t number, const char *of,
                                const char *name);
const char *test_cluster_info(struct test_cluster *cluster, uint32_t number, const char *command);
