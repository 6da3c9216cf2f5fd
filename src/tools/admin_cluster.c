// SPDX-License-Identifier: Apache-2.0
// A look goes in waves: seeds and the nodes of the last look first, then the peers that they list
// and that are not known yet, until nobody new is named. Of a node with several addresses the next
// one is tried in the next wave.
#include "tools/admin_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/peers.h"
#include "tools/admin_map.h"
#include "tools/text.h"
#include "wire/info.h"

enum { REQUEST_SIZE = 256, SERVICES_SIZE = 256 };

enum state { WAITING, ANSWERED, FAILED, DROPPED };

// A node, or what may turn out to be one.
struct candidate {
    enum state state;
    bool listed; // another node names it as its peer
    char id[LIMIT_NODE_ID_SIZE + 1];
    struct admin_seed endpoints[LIMIT_CLIENT_ADDRESSES_PER_NODE];
    size_t endpoint_count, endpoint_next;
    char ip[ADMIN_HOST_SIZE];
    uint16_t port;
    char principal[LIMIT_NODE_ID_SIZE + 1]; // that it names
    bool lists[ADMIN_CANDIDATES_MAX];       // which candidates it names as its peers
    char services[SERVICES_SIZE];           // its own addresses, as it lists them
    const char *trouble;
};

struct look {
    struct admin_cluster *cluster;
    struct candidate *candidates;
    size_t count;
    size_t asking; // the candidate whose answer is being read
};

static void slice_copy(char *out, size_t size, struct base_slice text)
{
    size_t copied = text.size < size - 1 ? text.size : size - 1;
    if (copied > 0) {
        memcpy(out, text.data, copied);
    }
    out[copied] = '\0';
}

static void address_write(char *out, const char *host, uint16_t port)
{
    bool bare = strchr(host, ':') == NULL;
    snprintf(out, ADMIN_ADDRESS_SIZE, bare ? "%s:%u" : "[%s]:%u", host, port);
}

const char *admin_trouble_text(const struct ballast_error *error)
{
    switch (error->code) {
    case BALLAST_IO:
        return "nobody listens there, or there is no such host";
    case BALLAST_CLIENT_TIMEOUT:
        return "no answer in time";
    case BALLAST_CLOSED:
        return "the connection was closed without an answer";
    case BALLAST_MALFORMED:
        return "what came back is no info answer; is this the service port?";
    default:
        return error->text;
    }
}

// ---- seeds --------------------------------------------------------------------------------------

enum base_result admin_seeds_parse(struct admin_cluster *cluster, const char *text, uint16_t port,
                                   const char **at)
{
    struct base_slice list = tools_slice_of(text);
    struct client_host host;
    cluster->seed_count = 0;
    *at = text;
    while (client_host_next(&list, port, &host)) {
        if (cluster->seed_count == LIMIT_CLIENT_SEEDS || host.host.size >= ADMIN_HOST_SIZE) {
            return RESULT_PARAMETER;
        }
        struct admin_seed *seed = &cluster->seeds[cluster->seed_count++];
        slice_copy(seed->host, sizeof seed->host, host.host);
        seed->port = host.port;
        *at = (const char *)list.data;
    }
    return list.size == 0 && cluster->seed_count > 0 ? RESULT_OK : RESULT_PARAMETER;
}

void admin_cluster_fini(struct admin_cluster *cluster)
{
    free(cluster->nodes);
    cluster->nodes = NULL;
    cluster->node_count = 0;
}

// ---- looking ------------------------------------------------------------------------------------

static struct candidate *candidate_by_id(struct look *look, struct base_slice id)
{
    for (size_t i = 0; i < look->count; i++) {
        struct candidate *candidate = &look->candidates[i];
        if (candidate->id[0] != '\0' && candidate->state != DROPPED &&
            base_slice_equal(tools_slice_of(candidate->id), id)) {
            return candidate;
        }
    }
    return NULL;
}

static struct candidate *candidate_add(struct look *look)
{
    if (look->count == ADMIN_CANDIDATES_MAX) {
        return NULL;
    }
    return &look->candidates[look->count++];
}

static void endpoint_add(struct candidate *candidate, struct base_slice host, uint16_t port)
{
    if (candidate->endpoint_count < LIMIT_CLIENT_ADDRESSES_PER_NODE &&
        host.size < ADMIN_HOST_SIZE) {
        struct admin_seed *endpoint = &candidate->endpoints[candidate->endpoint_count++];
        slice_copy(endpoint->host, sizeof endpoint->host, host);
        endpoint->port = port;
    }
}

static void on_peer(const struct client_peer *peer, void *arg)
{
    struct look *look = arg;
    struct candidate *candidate = candidate_by_id(look, peer->name);
    if (candidate == NULL) {
        candidate = candidate_add(look);
        if (candidate == NULL) {
            return;
        }
        slice_copy(candidate->id, sizeof candidate->id, peer->name);
        for (uint32_t i = 0; i < peer->host_count; i++) {
            endpoint_add(candidate, peer->hosts[i].host, peer->hosts[i].port);
        }
        if (candidate->endpoint_count > 0) { // shown when it never answers
            snprintf(candidate->ip, sizeof candidate->ip, "%s", candidate->endpoints[0].host);
            candidate->port = candidate->endpoints[0].port;
        }
    }
    candidate->listed = true;
    look->candidates[look->asking].lists[candidate - look->candidates] = true;
}

static bool value_find(const char *text, const char *command, struct base_slice *value)
{
    struct base_slice body = wire_info_slice(text);
    struct wire_info_answer answer;
    while (wire_info_answer_next(&body, &answer)) {
        if (wire_info_equal(answer.name, command)) {
            *value = answer.value;
            return true;
        }
    }
    *value = (struct base_slice){0};
    return false;
}

// What the node calls itself: the address that was dialled when it is one of its own.
static void own_address_set(struct candidate *candidate, const struct admin_seed *dialled,
                            struct base_slice list)
{
    struct base_slice rest = list;
    struct client_host host, first = {0};
    bool found = false;
    while (!found && client_host_next(&rest, dialled->port, &host)) {
        first = first.host.size == 0 ? host : first;
        found = host.port == dialled->port &&
                base_slice_equal(host.host, tools_slice_of(dialled->host));
    }
    if (found || first.host.size == 0) {
        snprintf(candidate->ip, sizeof candidate->ip, "%s", dialled->host);
        candidate->port = dialled->port;
    } else {
        slice_copy(candidate->ip, sizeof candidate->ip, first.host);
        candidate->port = first.port;
    }
}

static const char *service_command(const struct admin_cluster *cluster)
{
    return cluster->alternate_addresses ? "service-clear-alt" : "service-clear-std";
}

static const char *peers_command(const struct admin_cluster *cluster)
{
    return cluster->alumni
               ? (cluster->alternate_addresses ? "alumni-clear-alt" : "alumni-clear-std")
               : (cluster->alternate_addresses ? "peers-clear-alt" : "peers-clear-std");
}

static void principal_read(struct candidate *candidate, const char *text)
{
    struct base_slice statistics, principal;
    struct admin_map map;
    value_find(text, "statistics", &statistics);
    if (admin_map_parse(&map, statistics, ';') == RESULT_OK) {
        if (admin_map_find(&map, "paxos_principal", &principal) ||
            admin_map_find(&map, "cluster_principal", &principal)) {
            slice_copy(candidate->principal, sizeof candidate->principal, principal);
        }
        admin_map_fini(&map);
    }
}

static void candidate_answered(struct look *look, size_t number, const char *text)
{
    struct candidate *candidate = &look->candidates[number];
    const struct admin_seed *dialled = &candidate->endpoints[candidate->endpoint_next - 1];
    struct base_slice id, list;
    if (!value_find(text, "node", &id) || id.size == 0 || id.size > LIMIT_NODE_ID_SIZE) {
        candidate->state = FAILED;
        candidate->trouble = "what answers is no node of a cluster";
        return;
    }
    value_find(text, service_command(look->cluster), &list);
    slice_copy(candidate->services, sizeof candidate->services, list);
    struct candidate *same = candidate_by_id(look, id);
    if (same == candidate) {
        same = NULL;
    }
    if (same != NULL && same->state == ANSWERED &&
        strcmp(same->services, candidate->services) == 0) {
        candidate->state = DROPPED; // two addresses of one node
        return;
    }
    // Two nodes may wrongly have one id: both are shown.
    if (same != NULL && same->state != ANSWERED) {
        candidate->listed |= same->listed;
        same->state = DROPPED;
    }
    slice_copy(candidate->id, sizeof candidate->id, id);
    candidate->state = ANSWERED;
    own_address_set(candidate, dialled, list);
    principal_read(candidate, text);
    uint64_t generation;
    uint32_t count;
    look->asking = number;
    if (!look->cluster->seeds_only && value_find(text, peers_command(look->cluster), &list) &&
        client_peers_parse(list, &generation, &count, on_peer, look) != RESULT_OK) {
        look->candidates[number].trouble = "it lists its peers in a way that makes no sense";
    }
}

// Asks up to a full call's worth of those that wait, each at its next address. False when nobody
// waits any more.
static bool wave(struct look *look, const char *request)
{
    struct ballast_info_target targets[LIMIT_CLIENT_NODES];
    size_t numbers[LIMIT_CLIENT_NODES];
    size_t count = 0;
    for (size_t i = 0; i < look->count && count < LIMIT_CLIENT_NODES; i++) {
        struct candidate *candidate = &look->candidates[i];
        if (candidate->state != WAITING) {
            continue;
        }
        if (candidate->endpoint_next == candidate->endpoint_count) {
            candidate->state = FAILED;
            continue;
        }
        const struct admin_seed *endpoint = &candidate->endpoints[candidate->endpoint_next++];
        numbers[count] = i;
        targets[count++] =
            (struct ballast_info_target){.host = endpoint->host, .port = endpoint->port};
    }
    if (count == 0) {
        return false;
    }
    const struct admin_world *world = &look->cluster->world;
    world->ask(targets, count, request, look->cluster->timeout_ms, world->arg);
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &look->candidates[numbers[i]];
        if (targets[i].answer == NULL) {
            candidate->trouble = admin_trouble_text(&targets[i].error);
        } else if (candidate->state == WAITING) {
            candidate_answered(look, numbers[i], targets[i].answer);
        }
        ballast_text_free(&targets[i].answer);
    }
    return true;
}

static void look_begin(struct look *look)
{
    const struct admin_cluster *cluster = look->cluster;
    for (size_t i = 0; i < cluster->seed_count; i++) {
        const struct admin_seed *seed = &cluster->seeds[i];
        endpoint_add(candidate_add(look), tools_slice_of(seed->host), seed->port);
    }
    for (size_t i = 0; i < cluster->node_count && !cluster->seeds_only; i++) {
        const struct admin_node *node = &cluster->nodes[i];
        struct candidate *candidate = candidate_add(look);
        if (candidate != NULL) {
            snprintf(candidate->id, sizeof candidate->id, "%s", node->id);
            endpoint_add(candidate, tools_slice_of(node->host), node->port);
        }
    }
}

// ---- what was found -----------------------------------------------------------------------------

static int node_compare(const void *a, const void *b)
{
    const struct admin_node *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->id, right->id);
}

// The principal that most nodes name; of equals, and when nobody names one, the highest id.
static void principal_elect(struct admin_cluster *cluster, const struct look *look)
{
    size_t best = 0;
    char padded_best[32] = "";
    cluster->principal[0] = '\0';
    for (size_t i = 0; i < look->count; i++) {
        const struct candidate *candidate = &look->candidates[i];
        if (candidate->state != ANSWERED) {
            continue;
        }
        const char *name = candidate->principal[0] == '\0' ? candidate->id : candidate->principal;
        size_t votes = 0;
        for (size_t j = 0; j < look->count && candidate->principal[0] != '\0'; j++) {
            votes += look->candidates[j].state == ANSWERED &&
                     strcmp(look->candidates[j].principal, name) == 0;
        }
        char padded[32];
        snprintf(padded, sizeof padded, "%24s", name);
        if (cluster->principal[0] == '\0' || votes > best ||
            (votes == best && strcmp(padded, padded_best) > 0)) {
            snprintf(cluster->principal, sizeof cluster->principal, "%s", name);
            memcpy(padded_best, padded, sizeof padded);
            best = votes;
        }
    }
}

// Names each node, those that were known before by their old name.
static enum base_result names_find(struct admin_node *nodes, size_t count,
                                   const struct admin_cluster *before)
{
    const char **ips = calloc(count + 1, sizeof *ips);
    char(*names)[ADMIN_HOST_SIZE] = calloc(count + 1, sizeof *names);
    size_t asked = 0;
    if (ips == NULL || names == NULL) {
        free(ips);
        free(names);
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < before->node_count && nodes[i].name[0] == '\0'; j++) {
            if (strcmp(before->nodes[j].address, nodes[i].address) == 0) {
                memcpy(nodes[i].name, before->nodes[j].name, sizeof nodes[i].name);
            }
        }
        if (nodes[i].name[0] == '\0') {
            ips[asked++] = nodes[i].ip;
        }
    }
    if (asked > 0) {
        before->world.name(ips, asked, names, before->world.arg);
    }
    for (size_t i = 0, next = 0; i < count; i++) {
        if (nodes[i].name[0] == '\0') {
            address_write(nodes[i].name, names[next][0] == '\0' ? nodes[i].ip : names[next],
                          nodes[i].port);
            next++;
        }
    }
    free(ips);
    free(names);
    return RESULT_OK;
}

// Nodes with one name all go by their addresses.
static void names_tell_apart(struct admin_node *nodes, size_t count)
{
    bool same = false;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            same |= strcmp(nodes[i].name, nodes[j].name) == 0;
        }
    }
    for (size_t i = 0; i < count && same; i++) {
        memcpy(nodes[i].name, nodes[i].address, sizeof nodes[i].name);
    }
}

// Whether a node lists all others that answer. One may have been dropped for another address of
// its own, so ids are compared.
static bool candidate_sees_all(const struct look *look, const struct candidate *candidate)
{
    for (size_t i = 0; i < look->count; i++) {
        const struct candidate *other = &look->candidates[i];
        bool seen = other == candidate || other->state != ANSWERED;
        for (size_t j = 0; j < look->count && !seen; j++) {
            seen = candidate->lists[j] && strcmp(look->candidates[j].id, other->id) == 0;
        }
        if (!seen) {
            return false;
        }
    }
    return true;
}

static enum base_result nodes_take(struct admin_cluster *cluster, const struct look *look)
{
    struct admin_node *nodes = calloc(look->count + 1, sizeof *nodes);
    if (nodes == NULL) {
        return RESULT_NO_MEMORY;
    }
    size_t count = 0, answering = 0;
    for (size_t i = 0; i < cluster->seed_count; i++) { // they are the first candidates
        cluster->seeds[i].trouble =
            look->candidates[i].state == FAILED ? look->candidates[i].trouble : NULL;
    }
    for (size_t i = 0; i < look->count && count < LIMIT_CLIENT_NODES; i++) {
        const struct candidate *candidate = &look->candidates[i];
        bool answers = candidate->state == ANSWERED;
        if (!answers && candidate->state != DROPPED && candidate->trouble != NULL) {
            cluster->trouble = candidate->trouble;
        }
        if (!answers && (candidate->state != FAILED || !candidate->listed)) {
            continue;
        }
        struct admin_node *node = &nodes[count++];
        const struct admin_seed *reached =
            &candidate->endpoints[candidate->endpoint_next == 0 ? 0 : candidate->endpoint_next - 1];
        memcpy(node->id, candidate->id, sizeof node->id);
        memcpy(node->host, reached->host, sizeof node->host);
        node->port = reached->port;
        memcpy(node->ip, candidate->ip[0] == '\0' ? reached->host : candidate->ip, sizeof node->ip);
        address_write(node->address, node->ip,
                      candidate->port == 0 ? reached->port : candidate->port);
        node->port = reached->port;
        node->answers = answers;
        node->sees_all = cluster->seeds_only || candidate_sees_all(look, candidate);
        node->trouble = answers ? NULL : candidate->trouble;
        node->here = cluster->world.is_here(node->ip, cluster->world.arg);
        answering += answers;
    }
    enum base_result result = answering == 0 ? RESULT_NOT_CONNECTED : RESULT_OK;
    if (result == RESULT_OK) {
        result = names_find(nodes, count, cluster);
    }
    free(result == RESULT_OK ? cluster->nodes : nodes);
    if (result == RESULT_OK) {
        names_tell_apart(nodes, count);
        qsort(nodes, count, sizeof *nodes, node_compare);
        cluster->nodes = nodes;
        cluster->node_count = count;
        principal_elect(cluster, look);
    }
    return result;
}

enum base_result admin_cluster_look(struct admin_cluster *cluster)
{
    struct look look = {.cluster = cluster,
                        .candidates = calloc(ADMIN_CANDIDATES_MAX, sizeof *look.candidates)};
    if (look.candidates == NULL) {
        return RESULT_NO_MEMORY;
    }
    char request[REQUEST_SIZE];
    snprintf(request, sizeof request, "node\n%s\n%s\nstatistics\n", service_command(cluster),
             peers_command(cluster));
    look_begin(&look);
    for (int i = 0; i < ADMIN_WAVES_MAX && wave(&look, request); i++) {
    }
    enum base_result result = nodes_take(cluster, &look);
    free(look.candidates);
    return result;
}

bool admin_node_is_principal(const struct admin_cluster *cluster, const struct admin_node *node)
{
    return node->id[0] != '\0' && strcmp(node->id, cluster->principal) == 0;
}

// ---- choosing -----------------------------------------------------------------------------------

static bool begins_with(const char *text, const char *pattern, size_t size)
{
    return strncasecmp(text, pattern, size) == 0;
}

const char *admin_cluster_select(const struct admin_cluster *cluster, const char *const *patterns,
                                 size_t pattern_count, bool *selected)
{
    memset(selected, pattern_count == 0, cluster->node_count * sizeof *selected);
    for (size_t p = 0; p < pattern_count; p++) {
        const char *pattern = patterns[p];
        size_t size = strcspn(pattern, "*");
        bool all = strcmp(pattern, "all") == 0, whole = false, any = all;
        // Who is named in full is meant alone: 10.0.0.1:3000 is not 10.0.0.1:30001.
        for (size_t i = 0; i < cluster->node_count; i++) {
            const struct admin_node *node = &cluster->nodes[i];
            if (strcasecmp(node->id, pattern) == 0 || strcasecmp(node->name, pattern) == 0 ||
                strcasecmp(node->address, pattern) == 0 || strcasecmp(node->ip, pattern) == 0) {
                selected[i] = whole = any = true;
            }
        }
        for (size_t i = 0; i < cluster->node_count && !whole; i++) {
            const struct admin_node *node = &cluster->nodes[i];
            if (all || begins_with(node->id, pattern, size) ||
                begins_with(node->name, pattern, size) ||
                begins_with(node->address, pattern, size)) {
                selected[i] = any = true;
            }
        }
        if (!any) {
            return pattern;
        }
    }
    return NULL;
}

// ---- questions ----------------------------------------------------------------------------------

static void ask_some(const struct admin_cluster *cluster, struct admin_reply **replies,
                     size_t count, const char *request)
{
    struct ballast_info_target targets[LIMIT_CLIENT_NODES];
    for (size_t i = 0; i < count; i++) {
        targets[i] = (struct ballast_info_target){.host = replies[i]->node->host,
                                                  .port = replies[i]->node->port};
    }
    cluster->world.ask(targets, count, request, cluster->timeout_ms, cluster->world.arg);
    for (size_t i = 0; i < count; i++) {
        replies[i]->text = targets[i].answer;
        replies[i]->trouble =
            targets[i].answer == NULL ? admin_trouble_text(&targets[i].error) : NULL;
    }
}

enum base_result admin_cluster_ask(const struct admin_cluster *cluster, const bool *selected,
                                   const char *request, struct admin_replies *out)
{
    *out = (struct admin_replies){.items = calloc(cluster->node_count + 1, sizeof *out->items)};
    if (out->items == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct admin_reply *asked[LIMIT_CLIENT_NODES];
    size_t count = 0;
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (selected == NULL || selected[i]) {
            struct admin_reply *reply = &out->items[out->count++];
            *reply = (struct admin_reply){.node = &cluster->nodes[i],
                                          .trouble = cluster->nodes[i].trouble};
            if (cluster->nodes[i].answers) {
                asked[count++] = reply;
            }
        }
    }
    if (count > 0) {
        ask_some(cluster, asked, count, request);
    }
    return RESULT_OK;
}

void admin_replies_fini(struct admin_replies *replies)
{
    for (size_t i = 0; i < replies->count; i++) {
        ballast_text_free(&replies->items[i].text);
    }
    free(replies->items);
    *replies = (struct admin_replies){0};
}

bool admin_reply_answer(const struct admin_reply *reply, const char *command,
                        struct base_slice *value)
{
    *value = (struct base_slice){0};
    return reply->text != NULL && value_find(reply->text, command, value);
}

bool admin_reply_value(const struct admin_reply *reply, const char *command,
                       struct base_slice *value)
{
    uint32_t code;
    struct base_slice message;
    if (admin_reply_answer(reply, command, value) && !wire_info_is_error(*value, &code, &message)) {
        return true;
    }
    *value = (struct base_slice){0};
    return false;
}
