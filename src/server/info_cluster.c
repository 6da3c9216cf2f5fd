// SPDX-License-Identifier: Apache-2.0
// The other nodes: who they are and where, in the forms that clients and tools ask for, and what an
// operator may do about them. A node without a clustering thread answers as one that is alone.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/clustering.h"
#include "server/info_call.h"
#include "server/log.h"

enum { DEFAULT_PEER_PORT = 3000 };

// --- addresses -----------------------------------------------------------------------------------

// The nodes of a list of peers, the generation that goes with it.
static uint64_t nodes_find(struct info_call *call, bool alumni, struct node_set *nodes)
{
    struct clustering *c = call->node->clustering;
    *nodes = (struct node_set){0};
    if (c == NULL) {
        return 0;
    }
    uint64_t generation = clustering_peers_copy(c, nodes);
    if (alumni) {
        clustering_alumni_copy(c, nodes);
    }
    return generation;
}

// Calls `write` for each node of the list that has addresses to show.
static void nodes_write(struct info_call *call, const struct node_set *nodes, bool alternate,
                        void (*write)(struct info_call *call, const struct peer *peer,
                                      const char *addresses))
{
    for (uint32_t i = node_set_next(nodes, 1); i < LIMIT_CLUSTER_NODES;
         i = node_set_next(nodes, i + 1)) {
        struct peer peer;
        if (peers_copy(&call->node->peers, (uint8_t)i, &peer)) {
            const char *addresses = alternate ? peer.alternates : peer.services;
            if (addresses[0] != '\0') {
                write(call, &peer, addresses);
            }
        }
    }
}

static void service_write(struct info_call *call, const struct peer *peer, const char *addresses)
{
    (void)peer;
    char text[PEER_ADDRESSES_SIZE];
    size_t size = strlen(addresses);
    for (size_t i = 0; i < size; i++) {
        text[i] = addresses[i] == ',' ? ';' : addresses[i];
    }
    info__put(call, text, size);
    info__put(call, ";", 1);
}

static void services_write(struct info_call *call, bool alumni, bool alternate)
{
    struct node_set nodes;
    nodes_find(call, alumni, &nodes);
    nodes_write(call, &nodes, alternate, service_write);
    info__trim(call, ';');
}

static void on_services(struct info_call *call)
{
    services_write(call, false, false);
}

static void on_services_alternate(struct info_call *call)
{
    services_write(call, false, true);
}

static void on_services_alumni(struct info_call *call)
{
    services_write(call, true, false);
}

static void peer_write(struct info_call *call, const struct peer *peer, const char *addresses)
{
    info__format(call, "[%" PRIX64 ",,[", peer->id);
    info__text(call, addresses);
    info__text(call, "]],");
}

static void peers_write(struct info_call *call, bool alumni, bool alternate)
{
    struct node_set nodes;
    uint64_t generation = nodes_find(call, alumni, &nodes);
    info__format(call, "%" PRIu64 ",%d,[", generation, DEFAULT_PEER_PORT);
    nodes_write(call, &nodes, alternate, peer_write);
    info__trim(call, ',');
    info__put(call, "]", 1);
}

static void on_peers_clear_std(struct info_call *call)
{
    peers_write(call, false, false);
}

static void on_peers_clear_alt(struct info_call *call)
{
    peers_write(call, false, true);
}

static void on_alumni_clear_std(struct info_call *call)
{
    peers_write(call, true, false);
}

static void on_alumni_clear_alt(struct info_call *call)
{
    peers_write(call, true, true);
}

static void on_peers_tls(struct info_call *call)
{
    struct node_set nodes;
    info__format(call, "%" PRIu64 ",,[]", nodes_find(call, false, &nodes));
}

static void on_peers_generation(struct info_call *call)
{
    struct node_set nodes;
    info__format(call, "%" PRIu64, nodes_find(call, false, &nodes));
}

static void on_cluster_generation(struct info_call *call)
{
    struct clustering_status status = {.views = 1};
    if (call->node->clustering != NULL) {
        clustering_status_copy(call->node->clustering, &status);
    }
    info__format(call, "%" PRIu64, status.views);
}

// --- finding nodes -------------------------------------------------------------------------------

// The clustering thread; NULL with an error answered in a node that does without.
static struct clustering *clustering_needed(struct info_call *call)
{
    if (call->node->clustering == NULL) {
        info__error(call, RESULT_UNSUPPORTED, "this node forms no cluster");
    }
    return call->node->clustering;
}

static bool port_read(struct base_slice text, uint16_t *port)
{
    uint64_t number;
    bool good = wire_info_number(text, &number) && number > 0 && number <= UINT16_MAX;
    *port = good ? (uint16_t)number : 0;
    return good;
}

static void on_tip(struct info_call *call)
{
    char host[CONFIG_TEXT_SIZE];
    struct base_slice text;
    uint16_t port;
    struct clustering *c = clustering_needed(call);
    if (c == NULL) {
        return;
    }
    if (info__param(call, "tls", &text) && wire_info_equal(text, "true")) {
        info__error(call, RESULT_UNSUPPORTED, "encrypted connections are not built yet");
    } else if (!info__param_text(call, "host", host, sizeof host) || host[0] == '\0') {
        info__error(call, RESULT_PARAMETER, "missing or bad host");
    } else if (!info__param(call, "port", &text) || !port_read(text, &port)) {
        info__error(call, RESULT_PARAMETER, "missing or bad port");
    } else if (clustering_tip(c, host, port) != RESULT_OK) {
        info__error(call, RESULT_SERVER_FULL, "too many seeds; use tip-clear");
    } else {
        info__text(call, "ok");
    }
}

// Forgets one "host:port" of a list; false when it is not there.
static bool tip_forget(struct clustering *c, struct base_slice item)
{
    char text[CONFIG_TEXT_SIZE];
    uint16_t port;
    if (item.size >= sizeof text) {
        return false;
    }
    memcpy(text, item.data, item.size);
    text[item.size] = '\0';
    char *colon = strrchr(text, ':');
    if (colon == NULL || !port_read(wire_info_slice(colon + 1), &port)) {
        return false;
    }
    *colon = '\0';
    char *host = text;
    if (host[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        host++;
    }
    return clustering_tip_clear(c, host, port) == RESULT_OK;
}

static void on_tip_clear(struct info_call *call)
{
    struct clustering *c = call->node->clustering;
    struct base_slice list;
    struct base_slice item;
    uint32_t missing = 0;
    bool all = !info__param(call, "host-port-list", &list) || wire_info_equal(list, "all");
    if (all && c != NULL && clustering_tip_clear(c, NULL, 0) != RESULT_OK) {
        missing++;
    }
    while (!all && wire_info_piece_next(&list, ',', &item)) {
        missing += c == NULL || !tip_forget(c, item);
    }
    if (missing > 0) {
        char text[64];
        snprintf(text, sizeof text, "%u host(s) not found", missing);
        info__error(call, RESULT_RECORD_NOT_FOUND, text);
        return;
    }
    info__text(call, "ok");
}

static void on_alumni_reset(struct info_call *call)
{
    if (call->node->clustering != NULL) {
        clustering_alumni_reset(call->node->clustering);
    }
    info__text(call, "ok");
}

// --- managing ------------------------------------------------------------------------------------

static void on_recluster(struct info_call *call)
{
    enum base_result result =
        call->node->clustering == NULL ? RESULT_OK : clustering_recluster(call->node->clustering);
    if (result == RESULT_FORBIDDEN) {
        info__text(call, "ignored-by-non-principal");
    } else if (result != RESULT_OK) {
        info__error(call, RESULT_SERVER_FULL, "out of memory");
    } else {
        info__text(call, "ok");
    }
}

static void quiesce_set(struct info_call *call, bool quiesce)
{
    enum base_result result = call->node->clustering == NULL
                                  ? (quiesce ? RESULT_FORBIDDEN : RESULT_OK)
                                  : clustering_quiesce(call->node->clustering, quiesce);
    if (result == RESULT_FORBIDDEN) {
        info__error(call, RESULT_FORBIDDEN, "the last node of a cluster cannot be quiesced");
    } else if (result != RESULT_OK) {
        info__error(call, RESULT_SERVER_FULL, "out of memory");
    } else {
        log_info(call->node->log, clustering, "%s; holds after the next recluster",
                 quiesce ? "quiesced" : "no longer quiesced");
        info__text(call, "ok");
    }
}

static void on_quiesce(struct info_call *call)
{
    quiesce_set(call, true);
}

static void on_quiesce_undo(struct info_call *call)
{
    quiesce_set(call, false);
}

// --- dumps ---------------------------------------------------------------------------------------

static void view_log(struct node *node, const struct clustering_status *status)
{
    log_info(node->log, clustering,
             "view %" PRIX64 " regime %" PRIu64 " principal %" PRIX64 "%s, %u syncs remain",
             status->view.key, status->view.regime, status->view.principal,
             status->frozen ? ", frozen" : "", status->syncs_remaining);
    for (uint32_t i = 0; i < status->view.count; i++) {
        const struct membership_member *member = &status->view.member[i];
        log_info(node->log, clustering, "   node %" PRIX64 "%s%s", member->id,
                 (member->flags & MEMBER_QUIESCED) != 0 ? " quiesced" : "",
                 (member->flags & MEMBER_LEAVING) != 0 ? " leaving" : "");
    }
}

static void peers_log(struct node *node)
{
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        struct peer peer;
        if (peers_copy(&node->peers, (uint8_t)i, &peer)) {
            char heartbeat[IO_ADDRESS_TEXT_SIZE];
            char fabric[IO_ADDRESS_TEXT_SIZE];
            io_address_text(&peer.heartbeat, heartbeat);
            io_address_text(&peer.fabric, fabric);
            log_info(node->log, hb, "   peer %u: node %" PRIX64 " heartbeat %s fabric %s %s", i,
                     peer.id, heartbeat, fabric, peer.linked ? "linked" : "not linked");
        }
    }
}

static void on_dump(struct info_call *call)
{
    struct node *node = call->node;
    log_info(node->log, info, "%.*s: node %s, cluster key %" PRIX64 ", %u namespaces",
             (int)(call->command.name.size & 0xff), (const char *)call->command.name.data, node->id,
             node->cluster_key, node->namespace_count);
    if (node->clustering != NULL) {
        struct clustering_status *status = malloc(sizeof *status);
        if (status != NULL) {
            clustering_status_copy(node->clustering, status);
            view_log(node, status);
            free(status);
        }
        peers_log(node);
    }
    info__text(call, "ok");
}

const struct info_command info_cluster_commands[] = {
    {"services", on_services, "addresses of the other nodes"},
    {"services-alternate", on_services_alternate, "second list of addresses of the other nodes"},
    {"services-alumni", on_services_alumni, "addresses of all nodes ever seen"},
    {"services-alumni-reset", on_alumni_reset, "forgets nodes that left"},
    {"peers-clear-std", on_peers_clear_std, "the other nodes"},
    {"peers-clear-alt", on_peers_clear_alt, "the other nodes, by their second addresses"},
    {"peers-tls-std", on_peers_tls, "the other nodes"},
    {"peers-tls-alt", on_peers_tls, "the other nodes"},
    {"alumni-clear-std", on_alumni_clear_std, "all nodes ever seen"},
    {"alumni-clear-alt", on_alumni_clear_alt, "all nodes ever seen, by their second addresses"},
    {"alumni-tls-std", on_peers_tls, "all nodes ever seen"},
    {"alumni-tls-alt", on_peers_tls, "all nodes ever seen"},
    {"peers-generation", on_peers_generation, "changes when the other nodes change"},
    {"cluster-generation", on_cluster_generation, "changes when the cluster changes"},
    {"tip", on_tip, "looks for another node: host=...;port=..."},
    {"tip-clear", on_tip_clear, "forgets tipped hosts: host-port-list=host:port,..."},
    {"recluster", on_recluster, "makes a new view of the cluster"},
    {"quiesce", on_quiesce, "from the next recluster on this node owns no partitions"},
    {"quiesce-undo", on_quiesce_undo, "takes that back"},
    {"dump-cluster", on_dump, "writes to the log"},
    {"dump-fabric", on_dump, "writes to the log"},
    {"dump-hb", on_dump, "writes to the log"},
    {"dump-migrates", on_dump, "writes to the log"},
    {NULL, NULL, NULL},
};
