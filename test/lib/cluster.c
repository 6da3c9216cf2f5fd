// SPDX-License-Identifier: Apache-2.0
// Nodes, seeds and waiting behind test/lib/cluster.h.
#include "lib/cluster.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void test_cluster_add(struct test_cluster *cluster, uint32_t number)
{
    assert_true(number < TEST_CLUSTER_NODES && !cluster->running[number]);
    struct test_node_options options = cluster->options;
    size_t used = (size_t)snprintf(cluster->heartbeat, sizeof cluster->heartbeat, "%s\n",
                                   options.heartbeat ? options.heartbeat : "");
    for (uint32_t i = 0; i < TEST_CLUSTER_NODES; i++) {
        if (cluster->running[i]) {
            used += (size_t)snprintf(cluster->heartbeat + used, sizeof cluster->heartbeat - used,
                                     "        mesh-seed-address-port 127.0.0.1 %u\n",
                                     cluster->node[i].heartbeat_port);
        }
    }
    options.heartbeat = cluster->heartbeat;
    test_node_start(&cluster->node[number], &options);
    cluster->running[number] = true;
    test_client_connect(&cluster->client[number], cluster->node[number].port);
}

void test_cluster_start(struct test_cluster *cluster, uint32_t count,
                        const struct test_node_options *options)
{
    memset(cluster, 0, sizeof *cluster);
    if (options != NULL) {
        cluster->options = *options;
    }
    for (uint32_t i = 0; i < count; i++) {
        test_cluster_add(cluster, i);
    }
    test_cluster_wait(cluster, false);
}

void test_cluster_kill(struct test_cluster *cluster, uint32_t number)
{
    test_node_kill(&cluster->node[number]);
    test_client_close(&cluster->client[number]);
    cluster->running[number] = false;
}

void test_cluster_stop(struct test_cluster *cluster, uint32_t number)
{
    test_node_stop(&cluster->node[number]);
    test_client_close(&cluster->client[number]);
    cluster->running[number] = false;
}

struct wish {
    struct test_cluster *cluster;
    bool ignore_migrations;
};

static bool is_one_cluster(void *arg)
{
    const struct wish *wish = arg;
    struct test_cluster *cluster = wish->cluster;
    uint32_t count = 0;
    for (uint32_t i = 0; i < TEST_CLUSTER_NODES; i++) {
        count += cluster->running[i];
    }
    char command[64];
    char key[32] = "";
    snprintf(command, sizeof command, "cluster-stable:size=%u%s", count,
             wish->ignore_migrations ? ";ignore-migrations=true" : "");
    for (uint32_t i = 0; i < TEST_CLUSTER_NODES; i++) {
        if (!cluster->running[i]) {
            continue;
        }
        const char *answer = test_client_info(&cluster->client[i], command);
        if (strncmp(answer, "ERROR", 5) == 0 || (key[0] != '\0' && strcmp(key, answer) != 0)) {
            return false;
        }
        snprintf(key, sizeof key, "%s", answer);
    }
    return true;
}

void test_cluster_wait(struct test_cluster *cluster, bool ignore_migrations)
{
    struct wish wish = {cluster, ignore_migrations};
    test_until("all nodes are one cluster", is_one_cluster, &wish);
}

void test_cluster_fini(struct test_cluster *cluster)
{
    for (uint32_t i = 0; i < TEST_CLUSTER_NODES; i++) {
        if (cluster->running[i]) {
            test_client_close(&cluster->client[i]);
        }
        if (cluster->node[i].folder[0] != '\0') {
            test_node_fini(&cluster->node[i]);
        }
    }
}

const char *test_cluster_info(struct test_cluster *cluster, uint32_t number, const char *command)
{
    assert_true(cluster->running[number]);
    return test_client_info(&cluster->client[number], command);
}

const char *test_cluster_figure(struct test_cluster *cluster, uint32_t number, const char *of,
                                const char *name)
{
    static char value[256];
    const char *at = test_cluster_info(cluster, number, of);
    size_t size = strlen(name);
    while (at != NULL && (strncmp(at, name, size) != 0 || at[size] != '=')) {
        at = strchr(at, ';');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL) {
        fail_msg("%s has no %s", of, name);
    }
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at + size + 1, ";"), at + size + 1);
    return value;
}
