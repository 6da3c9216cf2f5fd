// SPDX-License-Identifier: Apache-2.0
// Who this node is, where it is, whom it knows, and which partitions it holds: what clients ask at
// connect and on every tend.
#include <stdio.h>
#include <stdlib.h>

#include "io/system.h"
#include "server/info_call.h"
#include "server/published.h"
#include "wire/base64.h"

enum { BITMAP_SIZE = LIMIT_PARTITIONS / 8, DEFAULT_PEER_PORT = 3000, COMPATIBILITY_ID = 15 };

// Words that clients and their tests look for; each stands for something this node does.
static const char features[] =
    "batch-any;batch-index;blob-bits;cdt-list;cdt-map;cluster-stable;float;geo;lut-now;peers;"
    "pipelining;pquery;pscans;query-show;replicas;replicas-all;replicas-master;replicas-max;"
    "sindex-exists;truncate-namespace";

static void on_node(struct info_call *call)
{
    info__text(call, call->node->id);
}

static void on_build(struct info_call *call)
{
    info__text(call, NODE_PROTOCOL_BUILD);
}

static void on_version(struct info_call *call)
{
    info__text(call, "Ballast Community Edition build " NODE_PROTOCOL_BUILD);
}

static void on_edition(struct info_call *call)
{
    info__text(call, "Ballast Community Edition");
}

static void on_release(struct info_call *call)
{
    char os[64];
    char architecture[64];
    io_system_os_name(os, sizeof os);
    io_system_architecture(architecture, sizeof architecture);
    info__format(call,
                 "edition=Ballast Community Edition;version=" NODE_PROTOCOL_BUILD
                 ";os=%s;arch=%s;sha=ballast-" BALLAST_VERSION,
                 os, architecture);
}

static void on_build_os(struct info_call *call)
{
    char os[64];
    io_system_os_name(os, sizeof os);
    info__text(call, os);
}

static void on_build_time(struct info_call *call)
{
    info__text(call, "not recorded, builds are reproducible");
}

static void on_compatibility_id(struct info_call *call)
{
    info__format(call, "%d", COMPATIBILITY_ID);
}

static void on_cluster_name(struct info_call *call)
{
    char name[LIMIT_CLUSTER_NAME_SIZE + 1];
    config_cluster_name_copy(call->node->config, name);
    info__text(call, name[0] == '\0' ? "null" : name);
}

static void on_features(struct info_call *call)
{
    info__text(call, features);
}

static void on_empty(struct info_call *call)
{
    (void)call;
}

static void on_status(struct info_call *call)
{
    info__text(call, "ok");
}

static void on_status_capital(struct info_call *call)
{
    info__text(call, "OK");
}

static void on_connection(struct info_call *call)
{
    info__text(call, "admin=false");
}

static void on_user_agent_set(struct info_call *call)
{
    struct base_slice value;
    if (!info__param(call, "value", &value) || value.size == 0 || value.size >= USER_AGENT_SIZE) {
        info__error(call, RESULT_PARAMETER, "missing or bad value");
        return;
    }
    if (call->connection != NULL) {
        struct user_agents *agents = call->node->info->user_agents;
        uint16_t number = user_agents_enter(agents, value);
        user_agents_leave(agents, call->connection->user_agent);
        call->connection->user_agent = number;
    }
    info__text(call, "ok");
}

static void user_agent_write(const char *text, uint32_t connections, void *arg)
{
    info__format(arg, "user-agent=%s:count=%u;", text, connections);
}

static void on_user_agents(struct info_call *call)
{
    user_agents_visit(call->node->info->user_agents, user_agent_write, call);
    info__trim(call, ';');
}

static void help_write(const struct info_command *command, void *arg)
{
    info__text(arg, command->name);
    info__put(arg, ";", 1);
}

static void on_help(struct info_call *call)
{
    info__commands_visit(help_write, call);
}

// --- addresses -----------------------------------------------------------------------------------

static void addresses_write(struct info_call *call, bool alternate, char separator)
{
    char text[PUBLISHED_TEXT_SIZE];
    published_addresses(call->node, alternate, separator, text);
    info__text(call, text);
}

static void on_service(struct info_call *call)
{
    addresses_write(call, false, ';');
}

static void on_service_clear_std(struct info_call *call)
{
    addresses_write(call, false, ',');
}

static void on_service_clear_alt(struct info_call *call)
{
    addresses_write(call, true, ',');
}

// A node alone has no peers and never had any.
static void on_peers_clear(struct info_call *call)
{
    info__format(call, "0,%d,[]", DEFAULT_PEER_PORT);
}

static void on_peers_tls(struct info_call *call)
{
    info__text(call, "0,,[]");
}

static void on_zero(struct info_call *call)
{
    info__text(call, "0");
}

static void on_one(struct info_call *call)
{
    info__text(call, "1");
}

// --- partitions ----------------------------------------------------------------------------------

// A node alone is master of every partition and replica of none.
static void bitmap_write(struct info_call *call, bool held)
{
    uint8_t bitmap[BITMAP_SIZE];
    char text[(BITMAP_SIZE + 2) / 3 * 4];
    memset(bitmap, held ? 0xff : 0, sizeof bitmap);
    wire_base64_encode(bitmap, sizeof bitmap, text);
    info__put(call, text, sizeof text);
}

static void replicas_write(struct info_call *call, const char *before, bool held)
{
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        info__format(call, "%s%s:%s", i > 0 ? ";" : "", call->node->namespaces[i].name, before);
        bitmap_write(call, held);
    }
}

static void on_replicas(struct info_call *call)
{
    replicas_write(call, "0,1,", true);
}

static void on_replicas_all(struct info_call *call)
{
    replicas_write(call, "1,", true);
}

static void on_replicas_master(struct info_call *call)
{
    replicas_write(call, "", true);
}

static void on_replicas_prole(struct info_call *call)
{
    replicas_write(call, "", false);
}

static void on_partitions(struct info_call *call)
{
    info__format(call, "%d", LIMIT_PARTITIONS);
}

static void on_partition_info(struct info_call *call)
{
    info__text(call,
               "namespace:partition:state:replica:n_dupl:working_master:emigrates:immigrates:"
               "records:tombstones:version:final_version");
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        struct namespace *ns = &call->node->namespaces[i];
        for (uint32_t partition = 0; partition < LIMIT_PARTITIONS; partition++) {
            info__format(call, ";%s:%u:S:0:0:%s:0:0:%llu:0:0:0", ns->name, partition,
                         call->node->id,
                         (unsigned long long)store_object_count(ns->store, partition));
        }
    }
}

static void on_cluster_stable(struct info_call *call)
{
    bool given;
    if (info__namespace(call, false, &given) == NULL && given) {
        return;
    }
    struct base_slice size;
    uint64_t number;
    if (info__param(call, "size", &size) && (!wire_info_number(size, &number) || number != 1)) {
        info__error(call, RESULT_TIMEOUT, "unstable-cluster");
        return;
    }
    info__format(call, "%llX", (unsigned long long)call->node->cluster_key);
}

// --- racks and rosters ---------------------------------------------------------------------------

static void on_rack_ids(struct info_call *call)
{
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        const struct namespace *ns = &call->node->namespaces[i];
        info__format(call, "%s%s:%u", i > 0 ? ";" : "", ns->name, ns->config->rack_id);
    }
}

// Writes one item for the namespace that is named, or for each.
static void each_namespace(struct info_call *call,
                           void (*write)(struct info_call *call, const struct namespace *ns))
{
    bool given;
    const struct namespace *only = info__namespace(call, false, &given);
    if (only == NULL && given) {
        return;
    }
    for (uint32_t i = 0; i < call->node->namespace_count; i++) {
        const struct namespace *ns = &call->node->namespaces[i];
        if (only == NULL || only == ns) {
            write(call, ns);
        }
    }
    info__trim(call, ';');
}

static void racks_write(struct info_call *call, const struct namespace *ns)
{
    info__format(call, "ns=%s:rack_%u=%s;", ns->name, ns->config->rack_id, call->node->id);
}

static void on_racks(struct info_call *call)
{
    each_namespace(call, racks_write);
}

static void roster_write(struct info_call *call, const struct namespace *ns)
{
    info__format(call, "ns=%s:roster=null:pending_roster=null:observed_nodes=null;", ns->name);
}

static void on_roster(struct info_call *call)
{
    each_namespace(call, roster_write);
}

const struct info_command info_identity_commands[] = {
    {"node", on_node, "this node's id"},
    {"name", on_node, "the same"},
    {"build", on_build, "version of the protocol this node speaks"},
    {"version", on_version, "product, edition and build"},
    {"edition", on_edition, "product and edition"},
    {"release", on_release, "what was built for what"},
    {"build_os", on_build_os, "operating system"},
    {"build_time", on_build_time, "when it was built"},
    {"compatibility-id", on_compatibility_id, "number of the protocol between nodes"},
    {"cluster-name", on_cluster_name, "name of the cluster, or null"},
    {"cluster-id", on_cluster_name, "the same"},
    {"features", on_features, "what clients may use"},
    {"feature-key", on_empty, "empty: there are no feature keys"},
    {"status", on_status, "ok when the node serves"},
    {"STATUS", on_status_capital, "OK when the node serves"},
    {"connection", on_connection, "what kind of port this is"},
    {"user-agent-set", on_user_agent_set, "tells which program this connection belongs to"},
    {"user-agents", on_user_agents, "programs that are connected"},
    {"help", on_help, "names of all commands"},
    {"service", on_service, "addresses for clients"},
    {"service-clear-std", on_service_clear_std, "addresses for clients"},
    {"service-clear-alt", on_service_clear_alt, "second list of addresses for clients"},
    {"service-tls-std", on_empty, "empty: no encrypted port"},
    {"service-tls-alt", on_empty, "empty: no encrypted port"},
    {"admin-clear-std", on_empty, "empty: no admin port"},
    {"admin-clear-alt", on_empty, "empty: no admin port"},
    {"admin-tls-std", on_empty, "empty: no admin port"},
    {"admin-tls-alt", on_empty, "empty: no admin port"},
    {"services", on_empty, "addresses of the other nodes"},
    {"services-alternate", on_empty, "second list of addresses of the other nodes"},
    {"services-alumni", on_empty, "addresses of all nodes ever seen"},
    {"peers-clear-std", on_peers_clear, "the other nodes"},
    {"peers-clear-alt", on_peers_clear, "the other nodes"},
    {"peers-tls-std", on_peers_tls, "the other nodes"},
    {"peers-tls-alt", on_peers_tls, "the other nodes"},
    {"alumni-clear-std", on_peers_clear, "all nodes ever seen"},
    {"alumni-clear-alt", on_peers_clear, "all nodes ever seen"},
    {"alumni-tls-std", on_peers_tls, "all nodes ever seen"},
    {"alumni-tls-alt", on_peers_tls, "all nodes ever seen"},
    {"peers-generation", on_zero, "changes when the other nodes change"},
    {"partition-generation", on_zero, "changes when this node's partitions change"},
    {"rebalance-generation", on_zero, "changes when racks or balance change"},
    {"cluster-generation", on_one, "changes when the cluster changes"},
    {"partitions", on_partitions, "number of partitions"},
    {"replicas", on_replicas, "partitions this node holds"},
    {"replicas-all", on_replicas_all, "partitions this node holds"},
    {"replicas-max", on_replicas_all, "partitions this node holds"},
    {"replicas-master", on_replicas_master, "partitions this node is master of"},
    {"replicas-prole", on_replicas_prole, "partitions this node is first replica of"},
    {"partition-info", on_partition_info, "state of each partition"},
    {"cluster-stable", on_cluster_stable, "the cluster key when all agree"},
    {"rack-ids", on_rack_ids, "rack of this node in each namespace"},
    {"racks", on_racks, "nodes of each rack"},
    {"roster", on_roster, "rosters of namespaces"},
    {NULL, NULL, NULL},
};
