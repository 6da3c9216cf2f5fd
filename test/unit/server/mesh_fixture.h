// SPDX-License-Identifier: Apache-2.0
// Nodes with a mesh each on loopback, all driven by the test's own thread, so that a test sees each
// of them at rest. Each node's log is kept.
#pragma once

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "server/log.h"
#include "server/mesh.h"
#include "server/node.h"

enum { MESH_NODES = 40, MESH_DEADLINE_MS = 20000 };

struct mesh_node {
    struct node *node; // NULL: not there
    struct log *log;
    FILE *lines;
    struct io_loop *loop;
    struct mesh *mesh;
    uint16_t port;
    uint32_t message_count;
    uint64_t message_from; // the last one
    uint32_t message_size;
    uint32_t gone_count;
    uint64_t gone_id;
    bool settled;
};

struct mesh_fixture {
    struct mesh_node nodes[MESH_NODES];
};

static inline void mesh_fixture_on_message(void *arg, uint64_t from, const uint8_t *bytes,
                                           uint32_t size)
{
    struct mesh_node *n = arg;
    (void)bytes;
    n->message_count++;
    n->message_from = from;
    n->message_size = size;
}

static inline void mesh_fixture_on_gone(void *arg, uint64_t id)
{
    struct mesh_node *n = arg;
    n->gone_count++;
    n->gone_id = id;
}

static inline void mesh_fixture_on_settled(void *arg)
{
    ((struct mesh_node *)arg)->settled = true;
}

static inline void mesh_fixture_on_peers_changed(void *arg)
{
    (void)arg;
}

static inline uint16_t mesh_fixture_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

// A node with that id and seeds: ports of loopback, ended by 0. `port` 0: any.
static inline void mesh_node_start(struct mesh_node *n, const char *id, uint16_t port,
                                   const uint16_t *seeds, const char *cluster_name)
{
    static struct config_diag diag;
    memset(n, 0, sizeof *n);
    n->port = port == 0 ? mesh_fixture_port() : port;
    char text[2048];
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "service {\nnode-id %s\ncluster-name %s\nservice-threads 1\n}\nnetwork {\nservice {\n"
        "address 127.0.0.1\n}\nfabric {\naddress 127.0.0.1\n}\nheartbeat {\naddress 127.0.0.1\n"
        "port %u\ninterval 50\ntimeout 10\n",
        id, cluster_name, n->port);
    for (; seeds != NULL && *seeds != 0; seeds++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "mesh-seed-address-port 127.0.0.1 %u\n", *seeds);
    }
    snprintf(text + used, sizeof text - used,
             "}\n}\nnamespace test {\nstorage-engine memory {\ndata-size 64M\n}\n}\n");
    struct config *config;
    memset(&diag, 0, sizeof diag);
    assert_int_equal(config_new(&config), RESULT_OK);
    struct base_slice slice = {(const uint8_t *)text, strlen(text)};
    enum base_result result = config_text_load(config, "a.conf", slice, &diag);
    if (result == RESULT_OK) {
        result = config_finish(config, 0, &diag);
    }
    if (result != RESULT_OK) {
        config_diag_print(&diag, stderr);
    }
    assert_int_equal(result, RESULT_OK);
    n->lines = tmpfile();
    assert_int_equal(log_new(&config->log, fileno(n->lines), &n->log), RESULT_OK);
    assert_int_equal(node_new(config, &n->node), RESULT_OK);
    n->node->log = n->log;
    assert_int_equal(io_loop_new(&n->loop), RESULT_OK);
    const struct mesh_hooks hooks = {n, mesh_fixture_on_message, mesh_fixture_on_gone,
                                     mesh_fixture_on_settled, mesh_fixture_on_peers_changed};
    assert_int_equal(mesh_new(n->node, n->loop, &hooks, &n->mesh), RESULT_OK);
}

static inline void mesh_node_end(struct mesh_node *n)
{
    if (n->node != NULL) {
        mesh_free(&n->mesh);
        io_loop_free(&n->loop);
        node_free(&n->node);
        log_free(&n->log);
        fclose(n->lines);
        memset(n, 0, sizeof *n);
    }
}

// One round of all nodes.
static inline void mesh_fixture_turn(struct mesh_fixture *f)
{
    for (int i = 0; i < MESH_NODES; i++) {
        struct mesh_node *n = &f->nodes[i];
        if (n->node != NULL) {
            io_loop_run_once(n->loop, 0);
            mesh_tick(n->mesh, io_clock_monotonic_ns() / 1000000u);
        }
    }
    nanosleep(&(struct timespec){.tv_nsec = 200 * 1000}, NULL);
}

// Turns until check(f) holds.
#define mesh_until(f, check)                                                                       \
    do {                                                                                           \
        uint64_t end_ns = io_clock_monotonic_ns() + MESH_DEADLINE_MS * 1000000ull;                 \
        while (!(check)) {                                                                         \
            assert_true(io_clock_monotonic_ns() < end_ns);                                         \
            mesh_fixture_turn(f);                                                                  \
        }                                                                                          \
    } while (0)

static inline bool mesh_linked(struct mesh_node *a, struct mesh_node *b)
{
    struct peer peer;
    uint8_t number = peers_find(&a->node->peers, b->node->identity.id);
    return number != 255 && peers_copy(&a->node->peers, number, &peer) && peer.linked &&
           peer.incarnation == b->node->identity.incarnation;
}

static inline bool mesh_all_linked(struct mesh_fixture *f)
{
    for (int i = 0; i < MESH_NODES; i++) {
        for (int k = 0; k < MESH_NODES; k++) {
            if (i != k && f->nodes[i].node != NULL && f->nodes[k].node != NULL &&
                !mesh_linked(&f->nodes[i], &f->nodes[k])) {
                return false;
            }
        }
    }
    return true;
}

// Links that a node holds now.
static inline uint64_t mesh_link_count(struct mesh_node *n)
{
    struct mesh_counters counters;
    mesh_counters(n->mesh, &counters);
    return counters.opened - counters.closed;
}

static inline bool mesh_logged(struct mesh_node *n, const char *text)
{
    static char lines[65536];
    rewind(n->lines);
    lines[fread(lines, 1, sizeof lines - 1, n->lines)] = '\0';
    return strstr(lines, text) != NULL;
}
