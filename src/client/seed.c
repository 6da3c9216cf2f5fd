// SPDX-License-Identifier: Apache-2.0
// Wire-protocol sections 11.1 to 11.3.
#include "client/seed.h"

#include <stdio.h>
#include <string.h>

#include "client/info_query.h"
#include "client/peers.h"
#include "wire/info.h"

static const char *own_addresses_command(const struct ballast_cluster *cluster)
{
    return cluster->alternate_addresses ? "service-clear-alt" : "service-clear-std";
}

static enum base_result answer_judge(const struct ballast_cluster *cluster,
                                     const struct client_info_query *query,
                                     struct client_greeting *out)
{
    struct base_slice value;
    uint64_t generation;
    out->trouble = "what answers is no node of a cluster";
    if (!client__info_query_value(query, "node", &value) || value.size == 0 ||
        value.size > LIMIT_NODE_ID_SIZE) {
        return RESULT_NOT_CONNECTED;
    }
    memcpy(out->name, value.data, value.size);
    out->name[value.size] = '\0';
    out->trouble = "the node answers, but does not serve yet";
    // A generation of -1 says that the node does not serve yet.
    if (!client__info_query_value(query, "partition-generation", &value) ||
        !wire_info_number(value, &generation)) {
        return RESULT_NOT_CONNECTED;
    }
    out->trouble = "the node belongs to another cluster";
    if (cluster->cluster_name[0] != '\0' &&
        (!client__info_query_value(query, "cluster-name", &value) ||
         !wire_info_equal(value, cluster->cluster_name))) {
        return RESULT_NOT_CONNECTED;
    }
    out->trouble = NULL;
    return RESULT_OK;
}

static enum base_result ask(struct ballast_cluster *cluster, const struct io_address *address,
                            const char *text, struct client_info_query *query,
                            struct client_connection **connection)
{
    enum base_result result =
        client__info_query_init(query, cluster, text, cluster->connect_timeout_ms);
    if (result != RESULT_OK) {
        return result;
    }
    query->answer_size_max = LIMIT_INFO_TEND_RESPONSE_SIZE;
    query->command.address = address;
    query->command.kept = connection;
    struct client_command *command = &query->command;
    client__commands_run(&command, 1);
    return command->result;
}

// Looks for the node at the addresses that it gives for itself, unless the dialled one is among
// them. Leaves *out as it is when none of them leads to it.
static void addresses_prefer(struct ballast_cluster *cluster, struct base_slice list,
                             struct client_greeting *out)
{
    struct io_address listed[LIMIT_CLIENT_ADDRESSES_PER_NODE];
    size_t count = 0;
    struct client_host host;
    while (count < LIMIT_CLIENT_ADDRESSES_PER_NODE &&
           client_host_next(&list, io_address_port(&out->address), &host)) {
        char name[CLIENT_HOST_SIZE];
        size_t found;
        snprintf(name, sizeof name, "%.*s", (int)host.host.size, host.host.data);
        if (io_address_resolve(name, host.port, &listed[count], 1, &found) == RESULT_OK) {
            if (io_address_equal(&listed[count], &out->address)) {
                return;
            }
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct client_greeting other;
        if (client__greet(cluster, &listed[i], false, &other) != RESULT_OK) {
            continue;
        }
        if (strcmp(other.name, out->name) == 0) {
            client__connection_close(out->connection);
            *out = other;
            return;
        }
        client__connection_close(other.connection);
    }
}

enum base_result client__greet(struct ballast_cluster *cluster, const struct io_address *address,
                               bool seed, struct client_greeting *out)
{
    memset(out, 0, sizeof *out);
    out->address = *address;
    bool ask_addresses = seed && !io_address_is_loopback(address);
    char text[256];
    snprintf(text, sizeof text,
             "node\npartition-generation\nbuild\n%s%s%suser-agent-set:value=%s\n",
             cluster->cluster_name[0] != '\0' ? "cluster-name\n" : "",
             ask_addresses ? own_addresses_command(cluster) : "", ask_addresses ? "\n" : "",
             cluster->user_agent);
    struct client_info_query query;
    enum base_result result = ask(cluster, address, text, &query, &out->connection);
    out->trouble = ballast_code_text((int)result);
    if (result == RESULT_OK) {
        result = answer_judge(cluster, &query, out);
    }
    struct base_slice list;
    if (result == RESULT_OK && ask_addresses &&
        client__info_query_value(&query, own_addresses_command(cluster), &list)) {
        addresses_prefer(cluster, list, out);
    }
    if (result != RESULT_OK) {
        client__connection_close(out->connection);
        out->connection = NULL;
    }
    client__info_query_fini(&query);
    return result;
}
