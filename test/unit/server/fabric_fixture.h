// SPDX-License-Identifier: Apache-2.0
// Two nodes in one process that know each other and have their fabric on free ports of loopback. No
// clustering: tests say how the places stand.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/clock.h"
#include "io/socket.h"
#include "server/fabric.h"

enum { FABRIC_DEADLINE_MS = 30000 };

static inline struct io_address fabric_fixture_address(uint16_t port)
{
    struct io_address address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// A node with the namespaces given, "," between them; its id is `id`.
static inline struct node *fabric_fixture_node(const char *namespaces, const char *id,
                                               const char *cluster_name)
{
    static struct config_diag diag;
    struct config *config;
    struct node *node;
    char text[1024], names[128], *rest = names;
    size_t size = (size_t)snprintf(text, sizeof text, "service {\nnode-id %s\ncluster-name %s\n}\n",
                                   id, cluster_name);
    snprintf(names, sizeof names, "%s", namespaces);
    for (const char *name; (name = strsep(&rest, ",")) != NULL;) {
        size +=
            (size_t)snprintf(text + size, sizeof text - size,
                             "namespace %s {\nstorage-engine memory {\ndata-size 1G\n}\n}\n", name);
    }
    diag = (struct config_diag){0};
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(
        config_text_load(config, "test", (struct base_slice){(uint8_t *)text, size}, &diag),
        RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    config->service.service_threads = 1;
    config->network.service_address.count = 0;
    config->network.info_enabled = false;
    snprintf(config->network.fabric_address.item[0], CONFIG_TEXT_SIZE, "127.0.0.1");
    config->network.fabric_port = 0;
    assert_int_equal(node_new(config, &node), RESULT_OK);
    assert_int_equal(fabric_start(node, &node->fabric), RESULT_OK);
    return node;
}

static inline void fabric_fixture_node_end(struct node **node)
{
    fabric_stop(&(*node)->fabric);
    node_free(node);
}

// Has `node` know of another node; gives the number it has there.
static inline uint8_t fabric_fixture_introduce(struct node *node, const struct node *other,
                                               uint16_t port)
{
    uint8_t number = peers_number(&node->peers, other->identity.id);
    struct peer peer = {.id = other->identity.id,
                        .incarnation = other->identity.incarnation,
                        .linked = true,
                        .fabric = fabric_fixture_address(port)};
    peers_update(&node->peers, number, &peer);
    return number;
}
