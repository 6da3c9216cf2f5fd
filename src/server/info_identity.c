// SPDX-License-Identifier: Apache-2.0
// Who this node is and where: what clients ask at connect.
#include <stdio.h>
#include <stdlib.h>

#include "io/system.h"
#include "server/info_call.h"
#include "server/published.h"

enum { COMPATIBILITY_ID = 15 };

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
    {NULL, NULL, NULL},
};
