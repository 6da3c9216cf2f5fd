// SPDX-License-Identifier: Apache-2.0
// Connecting to fake nodes, and waiting for what the client is about to learn.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "ballast/ballast.h"
#include "fake_node.h"

// A configuration for one fake node, quick to notice changes.
static inline struct ballast_config fake_config(const struct fake_node *node, char hosts[64])
{
    struct ballast_config config;
    ballast_config_init(&config);
    snprintf(hosts, 64, "127.0.0.1:%u", node->port);
    config.hosts = hosts;
    config.tend_interval_ms = 50;
    return config;
}

static inline struct ballast_cluster *fake_connect(const struct fake_node *node)
{
    char hosts[64];
    struct ballast_config config = fake_config(node, hosts);
    struct ballast_cluster *cluster;
    struct ballast_error error;
    assert_int_equal(ballast_connect(&config, &cluster, &error), BALLAST_OK);
    return cluster;
}

// Waits until `holds(arg)`; fails the test after ten seconds.
static inline void fake_await(bool (*holds)(void *arg), void *arg)
{
    struct timespec step = {.tv_nsec = 2 * 1000 * 1000};
    for (int i = 0; i < 5000; i++) {
        if (holds(arg)) {
            return;
        }
        nanosleep(&step, NULL);
    }
    fail_msg("what was waited for did not come");
}

// Lists nodes as each other's peers.
static inline void fake_peers_set(struct fake_node *node, uint32_t generation,
                                  struct fake_node *const *peers, size_t count)
{
    char text[2048];
    int at = snprintf(text, sizeof text, "%u,3000,[", generation);
    for (size_t i = 0; i < count; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "%s[%s,,[127.0.0.1:%u]]",
                       i > 0 ? "," : "", peers[i]->name, peers[i]->port);
    }
    snprintf(text + at, sizeof text - (size_t)at, "]");
    fake_info_set(node, "peers-clear-std", text);
    snprintf(text, sizeof text, "%u", generation);
    fake_info_set(node, "peers-generation", text);
}
