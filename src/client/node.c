// SPDX-License-Identifier: Apache-2.0
// The pool is a stack: the connection used last is used next, so that a quiet time leaves the
// others at the bottom to grow old and be closed.
#include "client/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A connection that has been idle longer than this is looked at before it is trusted with a
// request: a write sent into a closed connection would end in doubt.
enum { TRUST_NS = 1000 * 1000 };

enum base_result client__node_new(uint32_t number, struct client_node **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return RESULT_NO_MEMORY;
    }
    (*out)->number = number;
    (*out)->tend.partition_generation = -1;
    pthread_mutex_init(&(*out)->lock, NULL);
    return RESULT_OK;
}

static void chain_close(struct client_connection *first)
{
    while (first != NULL) {
        struct client_connection *next = first->next;
        client__connection_close(first);
        first = next;
    }
}

void client__node_free(struct client_node **node)
{
    struct client_node *n = *node;
    if (n == NULL) {
        return;
    }
    chain_close(n->idle);
    client__connection_close(n->tend.connection);
    base_assert(atomic_load(&n->connections_open) == 0);
    pthread_mutex_destroy(&n->lock);
    free(n);
    *node = NULL;
}

void client__node_activate(struct client_node *node, const char *name,
                           const struct io_address *address)
{
    pthread_mutex_lock(&node->lock);
    base_assert(!node->active);
    snprintf(node->name, sizeof node->name, "%s", name);
    node->address = *address;
    node->active = true;
    pthread_mutex_unlock(&node->lock);
    atomic_store(&node->responding, true);
    node->tend = (struct client_node_tend){.partition_generation = -1};
}

// Ends the incarnation; the idle connections of it are the caller's to close.
static struct client_connection *incarnation_end(struct client_node *node)
{
    struct client_connection *idle = node->idle;
    node->idle = NULL;
    atomic_fetch_add(&node->incarnation, 1);
    return idle;
}

void client__node_deactivate(struct client_node *node)
{
    pthread_mutex_lock(&node->lock);
    node->active = false;
    struct client_connection *idle = incarnation_end(node);
    pthread_mutex_unlock(&node->lock);
    chain_close(idle);
    atomic_store(&node->responding, false);
    client__connection_close(node->tend.connection);
    node->tend.connection = NULL;
}

void client__node_move(struct client_node *node, const struct io_address *address)
{
    pthread_mutex_lock(&node->lock);
    node->address = *address;
    struct client_connection *idle = incarnation_end(node);
    pthread_mutex_unlock(&node->lock);
    chain_close(idle);
}

bool client__node_address(struct client_node *node, struct io_address *out)
{
    pthread_mutex_lock(&node->lock);
    bool active = node->active;
    *out = node->address;
    pthread_mutex_unlock(&node->lock);
    return active;
}

enum base_result client__connection_open(const struct io_address *address,
                                         struct client_connection **out)
{
    *out = NULL;
    struct client_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = io_socket_connect(address, &connection->watch.fd);
    if (result != RESULT_OK && result != RESULT_WOULD_BLOCK) {
        free(connection);
        return result;
    }
    *out = connection;
    return RESULT_OK;
}

void client__connection_close(struct client_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    if (connection->watch.fd >= 0) {
        close(connection->watch.fd);
    }
    if (connection->node != NULL) {
        atomic_fetch_sub(&connection->node->connections_open, 1);
    }
    free(connection);
}

// Takes a place in the node's count; false when all are taken.
static bool place_take(struct client_node *node, uint32_t max)
{
    uint32_t open = atomic_load(&node->connections_open);
    do {
        if (open >= max) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&node->connections_open, &open, open + 1));
    return true;
}

enum base_result client__node_open(struct client_node *node, uint32_t max,
                                   struct client_connection **out)
{
    *out = NULL;
    uint32_t incarnation = atomic_load(&node->incarnation);
    struct io_address address;
    if (!client__node_address(node, &address)) {
        return RESULT_NO_NODE;
    }
    if (!place_take(node, max)) {
        return RESULT_LIMIT;
    }
    enum base_result result = client__connection_open(&address, out);
    if (result != RESULT_OK) {
        atomic_fetch_sub(&node->connections_open, 1);
        return result;
    }
    (*out)->node = node;
    (*out)->incarnation = incarnation;
    return RESULT_OK;
}

static struct client_connection *idle_pop(struct client_node *node)
{
    pthread_mutex_lock(&node->lock);
    struct client_connection *connection = node->idle;
    if (connection != NULL) {
        node->idle = connection->next;
    }
    pthread_mutex_unlock(&node->lock);
    return connection;
}

enum base_result client__node_acquire(struct client_node *node, uint32_t max, uint64_t now_ns,
                                      uint64_t idle_max_ns, struct client_connection **out,
                                      bool *reused)
{
    *reused = true;
    struct client_connection *connection;
    while ((connection = idle_pop(node)) != NULL) {
        uint64_t idle_ns = now_ns > connection->used_ns ? now_ns - connection->used_ns : 0;
        if (idle_ns < idle_max_ns &&
            (idle_ns < TRUST_NS || io_socket_is_quiet(connection->watch.fd))) {
            *out = connection;
            return RESULT_OK;
        }
        client__connection_close(connection);
    }
    *reused = false;
    return client__node_open(node, max, out);
}

void client__node_release(struct client_node *node, struct client_connection *connection,
                          uint64_t now_ns)
{
    base_assert(connection->node == node);
    connection->used_ns = now_ns;
    pthread_mutex_lock(&node->lock);
    bool keep = node->active && connection->incarnation == atomic_load(&node->incarnation);
    if (keep) {
        connection->next = node->idle;
        node->idle = connection;
    }
    pthread_mutex_unlock(&node->lock);
    if (!keep) {
        client__connection_close(connection);
    }
}

void client__node_trim(struct client_node *node, uint64_t since_ns)
{
    pthread_mutex_lock(&node->lock);
    struct client_connection **at = &node->idle;
    while (*at != NULL && (*at)->used_ns >= since_ns) {
        at = &(*at)->next; // the stack is in the order of use
    }
    struct client_connection *old = *at;
    *at = NULL;
    pthread_mutex_unlock(&node->lock);
    chain_close(old);
}
