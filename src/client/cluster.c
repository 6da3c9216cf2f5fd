// SPDX-License-Identifier: Apache-2.0
// The life of a cluster: configuration, first contact, the thread that tends it, the end.
#include "client/cluster.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/result.h"
#include "client/command.h"
#include "client/peers.h"
#include "client/tend.h"
#include "io/clock.h"
#include "wire/base64.h"
#include "wire/info.h"

#define X(name, number, text)                                                                      \
    _Static_assert(BALLAST_##name == (int)RESULT_##name, "public codes are the table's numbers");
X(OK, , )
X(SERVER, , )
X(RECORD_NOT_FOUND, , )
X(GENERATION, , )
X(PARAMETER, , )
X(RECORD_EXISTS, , )
X(BIN_EXISTS, , )
X(CLUSTER_KEY_MISMATCH, , )
X(SERVER_FULL, , )
X(TIMEOUT, , )
X(ALWAYS_FORBIDDEN, , )
X(PARTITION_UNAVAILABLE, , )
X(INCOMPATIBLE_TYPE, , )
X(RECORD_TOO_BIG, , )
X(KEY_BUSY, , )
X(SCAN_ABORTED, , )
X(UNSUPPORTED, , )
X(BIN_NOT_FOUND, , )
X(DEVICE_OVERLOAD, , )
X(KEY_MISMATCH, , )
X(NAMESPACE_NOT_FOUND, , )
X(BIN_NAME, , )
X(FORBIDDEN, , )
X(ELEMENT_NOT_FOUND, , )
X(ELEMENT_EXISTS, , )
X(OP_NOT_APPLICABLE, , )
X(FILTERED_OUT, , )
X(NOT_AUTHENTICATED, , )
X(MALFORMED, , )
X(NO_MEMORY, , )
X(IO, , )
X(CLOSED, , )
X(NOT_CONNECTED, , )
X(NO_NODE, , )
X(CLIENT_TIMEOUT, , )
X(LIMIT, , )
X(CANCELLED, , )
#undef X

enum {
    CONNECTIONS_PER_NODE_MAX = 65536,
    TEND_INTERVAL_MS_MIN = 50,
    NS_PER_MS = 1000 * 1000,
};

void ballast_config_init(struct ballast_config *config)
{
    *config = (struct ballast_config){.hosts = "127.0.0.1",
                                      .port = 3000,
                                      .connect_timeout_ms = 1000,
                                      .tend_interval_ms = 1000,
                                      .connections_per_node_max = 256,
                                      .idle_max_ms = 50000};
}

void ballast_policy_init(struct ballast_policy *policy)
{
    *policy = (struct ballast_policy){.total_timeout_ms = 1000, .retries_max = 5};
}

const char *ballast_code_text(int code)
{
    // For a client, input and output are its connections.
    if (code == BALLAST_IO) {
        return "connection refused or broken";
    }
    return base_result_text((enum base_result)code);
}

const char *ballast_version(void)
{
    return BALLAST_VERSION;
}

static bool seeds_read(struct ballast_cluster *cluster, const struct ballast_config *config)
{
    struct base_slice list = wire_info_slice(config->hosts);
    struct client_host host;
    while (client_host_next(&list, config->port, &host)) {
        if (cluster->seed_count == LIMIT_CLIENT_SEEDS || host.host.size >= CLIENT_HOST_SIZE) {
            return false;
        }
        struct client_seed *seed = &cluster->seeds[cluster->seed_count++];
        memcpy(seed->host, host.host.data, host.host.size);
        seed->port = host.port;
    }
    return list.size == 0 && cluster->seed_count > 0;
}

static enum base_result config_read(struct ballast_cluster *cluster,
                                    const struct ballast_config *config)
{
    if (config->hosts == NULL || config->port == 0 || config->connect_timeout_ms == 0 ||
        config->connections_per_node_max == 0 ||
        config->connections_per_node_max > CONNECTIONS_PER_NODE_MAX ||
        !seeds_read(cluster, config)) {
        return RESULT_PARAMETER;
    }
    if (config->cluster_name != NULL) {
        if (strlen(config->cluster_name) > LIMIT_CLUSTER_NAME_SIZE) {
            return RESULT_PARAMETER;
        }
        memcpy(cluster->cluster_name, config->cluster_name, strlen(config->cluster_name));
    }
    cluster->connect_timeout_ms = config->connect_timeout_ms;
    cluster->tend_interval_ms = config->tend_interval_ms < TEND_INTERVAL_MS_MIN
                                    ? TEND_INTERVAL_MS_MIN
                                    : config->tend_interval_ms;
    cluster->connections_per_node_max = config->connections_per_node_max;
    cluster->idle_max_ns = (uint64_t)config->idle_max_ms * NS_PER_MS;
    cluster->alternate_addresses = config->alternate_addresses;
    return RESULT_OK;
}

// What official clients say about themselves: format, client and version, application.
static void user_agent_make(struct ballast_cluster *cluster)
{
    static const char text[] = "1,libballast-" BALLAST_VERSION ",not-set";
    _Static_assert((sizeof text + 1) / 3 * 4 < CLIENT_USER_AGENT_SIZE, "it fits");
    wire_base64_encode((const uint8_t *)text, sizeof text - 1, cluster->user_agent);
}

static void locks_init(struct ballast_cluster *cluster)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cluster->tend_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&cluster->tend_lock, NULL);
}

int ballast_connect(const struct ballast_config *config, struct ballast_cluster **out,
                    struct ballast_error *error)
{
    *out = NULL;
    struct ballast_config defaults;
    if (config == NULL) {
        ballast_config_init(&defaults);
        config = &defaults;
    }
    struct ballast_cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL) {
        return client__error_set(error, RESULT_NO_MEMORY, false);
    }
    cluster->magic = CLIENT_CLUSTER_MAGIC;
    locks_init(cluster);
    user_agent_make(cluster);
    atomic_store(&cluster->task_id, io_clock_epoch_ms() << 22 ^ io_clock_monotonic_ns());
    enum base_result result = config_read(cluster, config);
    if (result == RESULT_OK) {
        result = client__tend_begin(cluster);
    }
    if (result == RESULT_OK) {
        result = client__tend_start(cluster);
    }
    client__error_set(error, result, false);
    if (result == RESULT_NOT_CONNECTED && error != NULL && cluster->trouble != NULL) {
        error->text = cluster->trouble;
    }
    if (result != RESULT_OK) {
        ballast_close(&cluster);
    }
    *out = cluster;
    return (int)result;
}

void ballast_close(struct ballast_cluster **cluster)
{
    struct ballast_cluster *c = *cluster;
    if (c == NULL) {
        return;
    }
    base_magic_check(c, CLIENT_CLUSTER_MAGIC);
    base_assert(atomic_load(&c->loop_count) == 0);
    client__tend_stop(c);
    for (uint32_t i = 0; i < atomic_load(&c->node_count); i++) {
        client__node_free(&c->nodes[i]);
    }
    client__map_fini(&c->map);
    pthread_cond_destroy(&c->tend_changed);
    pthread_mutex_destroy(&c->tend_lock);
    free(c);
    *cluster = NULL;
}

bool client__node_describe(struct client_node *node, struct ballast_node_info *out)
{
    _Static_assert(sizeof out->address >= IO_ADDRESS_TEXT_SIZE, "room for any address");
    _Static_assert(sizeof out->name > LIMIT_NODE_ID_SIZE, "room for any name");
    *out = (struct ballast_node_info){0};
    pthread_mutex_lock(&node->lock);
    bool active = node->active;
    memcpy(out->name, node->name, sizeof node->name);
    io_address_text(&node->address, out->address);
    pthread_mutex_unlock(&node->lock);
    out->connections_open = atomic_load(&node->connections_open);
    out->responding = atomic_load(&node->responding);
    return active;
}

size_t ballast_nodes(struct ballast_cluster *cluster, struct ballast_node_info *out, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < atomic_load(&cluster->node_count); i++) {
        struct ballast_node_info info;
        if (client__node_describe(cluster->nodes[i], &info)) {
            if (count < max) {
                out[count] = info;
            }
            count++;
        }
    }
    return count;
}

struct client_node *client__cluster_any_node(struct ballast_cluster *cluster)
{
    uint32_t slots = atomic_load(&cluster->node_count);
    uint32_t start = atomic_fetch_add(&cluster->rotor, 1);
    struct client_node *silent = NULL;
    for (uint32_t i = 0; i < slots; i++) {
        struct client_node *node = cluster->nodes[(start + i) % slots];
        struct io_address unused;
        if (client__node_address(node, &unused)) {
            if (atomic_load(&node->responding)) {
                return node;
            }
            silent = node;
        }
    }
    return silent;
}

struct client_node *client__cluster_node_find(struct ballast_cluster *cluster, const char *name)
{
    for (uint32_t i = 0; i < atomic_load(&cluster->node_count); i++) {
        struct client_node *node = cluster->nodes[i];
        pthread_mutex_lock(&node->lock);
        bool found = node->active && strcmp(node->name, name) == 0;
        pthread_mutex_unlock(&node->lock);
        if (found) {
            return node;
        }
    }
    return NULL;
}

uint64_t client__cluster_task_id(struct ballast_cluster *cluster)
{
    uint64_t id = atomic_fetch_add(&cluster->task_id, 1);
    return id == 0 ? atomic_fetch_add(&cluster->task_id, 1) : id;
}
