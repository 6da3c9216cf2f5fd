// SPDX-License-Identifier: Apache-2.0
// Who may be linked, and which of two links with one node stays.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/replication/place.h"
#include "io/interface.h"
#include "server/log.h"
#include "server/mesh_link.h"
#include "server/published.h"

enum {
    BOTH_DIALLED_MS = 3000, // two links so close in time were dialled by both sides at once
    REFUSED_AGAIN_MS = 5000,
    FORGET_MS = 10 * 60 * 1000, // longer than anything waits for a node
    NAME_TEXT_SIZE = LIMIT_CLUSTER_NAME_SIZE + 32,
};

// --- what we say of ourselves --------------------------------------------------------------------

// The address of a configured list that others shall use; "" when they see it by themselves.
static void host_publish(const struct config_list *list, char out[MESH_HOST_SIZE])
{
    struct io_address address;
    const char *item = list->item[0];
    out[0] = '\0';
    if (list->count == 0 || strcmp(item, "any") == 0 || strcmp(item, "local") == 0 ||
        (io_interface_addresses(item, true, &address, 1) == 0 &&
         io_address_parse(item, 0, &address) != RESULT_OK) ||
        io_address_is_loopback(&address)) {
        return;
    }
    char text[IO_ADDRESS_TEXT_SIZE];
    io_address_text(&address, text);
    *strrchr(text, ':') = '\0';
    size_t bracketed = text[0] == '[';
    snprintf(out, MESH_HOST_SIZE, "%.*s", (int)(strlen(text) - 2 * bracketed), text + bracketed);
}

static void addresses_publish(const struct node *node, bool alternate,
                              char out[PEER_ADDRESSES_SIZE])
{
    char text[PUBLISHED_TEXT_SIZE];
    published_addresses(node, alternate, ',', text);
    size_t size = strlen(text);
    while (size >= PEER_ADDRESSES_SIZE) { // whole addresses only
        size = (size_t)(strrchr(text, ',') - text);
        text[size] = '\0';
    }
    memcpy(out, text, size + 1);
}

void mesh__hello_make(const struct mesh *mesh, struct mesh_hello *out)
{
    const struct node *node = mesh->node;
    const struct config_network *network = &node->config->network;
    memset(out, 0, sizeof *out);
    out->id = node->identity.id;
    out->incarnation = node->identity.incarnation;
    out->heartbeat_port = network->heartbeat_port;
    out->fabric_port = network->fabric_port;
    config_cluster_name_copy(node->config, out->cluster_name);
    snprintf(out->build, sizeof out->build, "%s", BALLAST_VERSION);
    host_publish(&network->heartbeat_address, out->heartbeat_host);
    host_publish(&network->fabric_address, out->fabric_host);
    addresses_publish(node, false, out->services);
    addresses_publish(node, true, out->alternates);
}

void mesh__self_enter(struct mesh *mesh)
{
    const struct mesh_hello *hello = &mesh->hello;
    struct peer self = {.id = hello->id, .incarnation = hello->incarnation, .linked = true};
    memcpy(self.services, hello->services, sizeof self.services);
    memcpy(self.alternates, hello->alternates, sizeof self.alternates);
    memcpy(self.build, hello->build, sizeof self.build);
    peers_self_set(&mesh->node->peers, &self);
}

void mesh__hello_send(struct mesh_link *link)
{
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    struct mesh_hello hello = link->mesh->hello;
    hello.attempt = link->dialled ? link->attempt : 0;
    mesh__link_send(link, frame, mesh_hello_encode(&hello, frame));
}

// --- refusing --------------------------------------------------------------------------------

static void name_text(const char *name, char out[NAME_TEXT_SIZE])
{
    bool given = name[0] != '\0';
    snprintf(out, NAME_TEXT_SIZE, "%scluster-name%s%.64s", given ? "" : "no ", given ? " " : "",
             name);
}

// A dialled address that is no good is tried again later.
void mesh__link_give_up(struct mesh_link *link, uint32_t again_ms)
{
    struct mesh *mesh = link->mesh;
    struct mesh_target *target = mesh__target_of(mesh, link);
    mesh__link_close(link);
    if (target != NULL) {
        mesh__target_failed(mesh, target);
        if (again_ms > 0) {
            target->next_ms = mesh->now_ms + again_ms;
        }
    }
}

static void refuse(struct mesh_link *link, enum mesh_refusal reason, const char *text)
{
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    struct mesh_refused refused = {.reason = reason};
    snprintf(refused.text, sizeof refused.text, "%s", text);
    mesh__link_send(link, frame, mesh_refused_encode(&refused, frame));
    if (link->state != MESH_CLOSED) {
        mesh__link_give_up(link, REFUSED_AGAIN_MS);
    }
}

static void refuse_name(struct mesh_link *link, const char *theirs)
{
    char name[NAME_TEXT_SIZE];
    char own[NAME_TEXT_SIZE];
    name_text(theirs, name);
    name_text(link->mesh->hello.cluster_name, own);
    log_warning_once(link->mesh->node->log, hb, link->remote_host,
                     "%s is a node of another cluster: it has %s, this node %s; nodes of one "
                     "cluster need the same",
                     link->remote_text, name, own);
    refuse(link, MESH_REFUSAL_CLUSTER_NAME, link->mesh->hello.cluster_name);
}

static void refuse_duplicate(struct mesh_link *link, uint64_t id, const char *holder)
{
    struct mesh *mesh = link->mesh;
    atomic_store(&mesh->duplicate_id, id);
    log_warning_once(mesh->node->log, hb, link->remote_host,
                     "two nodes have the id " MESH_ID_TEXT
                     ": the one at %s is refused, %s has it already; give each a node-id or a "
                     "work-directory of its own",
                     id, link->remote_text, holder);
    refuse(link, MESH_REFUSAL_DUPLICATE, holder);
}

void mesh__on_refused_frame(struct mesh_link *link, const struct mesh_refused *refused)
{
    struct mesh *mesh = link->mesh;
    char name[NAME_TEXT_SIZE];
    char own[NAME_TEXT_SIZE];
    switch (refused->reason) {
    case MESH_REFUSAL_CLUSTER_NAME:
        name_text(refused->text, name);
        name_text(mesh->hello.cluster_name, own);
        log_warning_once(mesh->node->log, hb, link->remote_host,
                         "%s is a node of another cluster: it has %s, this node %s; nodes of one "
                         "cluster need the same",
                         link->remote_text, name, own);
        break;
    case MESH_REFUSAL_DUPLICATE:
        atomic_store(&mesh->duplicate_id, mesh->node->identity.id);
        log_warning_once(mesh->node->log, hb, link->remote_host,
                         "%s refuses this node: the node at %s has the same id %s; give each a "
                         "node-id or a work-directory of its own",
                         link->remote_text, refused->text, mesh->node->id);
        break;
    default:
        log_warning_once(mesh->node->log, hb, link->remote_host,
                         "%s refuses this node: it knows %d nodes already", link->remote_text,
                         LIMIT_CLUSTER_NODES);
        break;
    }
    mesh__link_give_up(link, REFUSED_AGAIN_MS);
}

// --- linking -----------------------------------------------------------------------------------

uint32_t mesh__silence_ms(const struct mesh *mesh)
{
    const struct config_network *network = &mesh->node->config->network;
    return network->heartbeat_interval_ms * network->heartbeat_timeout_intervals;
}

static uint32_t hush_ms(const struct mesh *mesh)
{
    uint32_t ms = 4 * mesh->node->config->network.heartbeat_interval_ms;
    return ms < 1500 ? ms : 1500;
}

static void address_read(const struct mesh_link *link, const char *host, uint16_t port,
                         struct io_address *out)
{
    if (host[0] == '\0' || io_address_parse(host, port, out) != RESULT_OK) {
        *out = link->remote;
        io_address_port_set(out, port);
    }
}

void mesh__peer_enter(struct mesh *mesh, const struct mesh_link *link)
{
    const struct mesh_hello *hello = link->hello;
    struct peer peer = {.id = hello->id, .incarnation = hello->incarnation, .linked = true};
    if (link->dialled) {
        peer.heartbeat = link->remote; // it works
    } else {
        address_read(link, hello->heartbeat_host, hello->heartbeat_port, &peer.heartbeat);
    }
    address_read(link, hello->fabric_host, hello->fabric_port, &peer.fabric);
    memcpy(peer.services, hello->services, sizeof peer.services);
    memcpy(peer.alternates, hello->alternates, sizeof peer.alternates);
    memcpy(peer.build, hello->build, sizeof peer.build);
    peers_update(&mesh->node->peers, link->peer, &peer);
    mesh->hooks.on_peers_changed(mesh->hooks.arg);
}

static void linked_set(struct mesh *mesh, uint8_t number, bool linked)
{
    struct peer peer;
    if (peers_copy(&mesh->node->peers, number, &peer)) {
        peer.linked = linked;
        peers_update(&mesh->node->peers, number, &peer);
    }
}

// The link of a node ends; the node is not said to be gone by that.
void mesh__link_lose(struct mesh *mesh, struct mesh_link *link, enum mesh_loss loss)
{
    struct mesh_peer *peer = &mesh->peer[link->peer];
    base_assert(peer->link == link);
    peer->link = NULL;
    peer->loss = loss;
    peer->lost_ms = mesh->now_ms;
    atomic_fetch_add(&mesh->closed, 1);
    linked_set(mesh, link->peer, false);
    mesh__link_close(link);
}

static void link_raise(struct mesh_link *link)
{
    struct mesh *mesh = link->mesh;
    struct mesh_peer *peer = &mesh->peer[link->peer];
    struct peer before = {0};
    peers_copy(&mesh->node->peers, link->peer, &before);
    if (!link->dialled) {
        mesh__hello_send(link);
        if (link->state == MESH_CLOSED) {
            return;
        }
    }
    if (peer->link != NULL) {
        mesh__link_lose(mesh, peer->link, MESH_NOT_LOST);
    }
    peer->link = link;
    peer->loss = MESH_NOT_LOST;
    link->state = MESH_UP;
    link->since_ms = link->heard_ms = mesh->now_ms;
    mesh__peer_enter(mesh, link);
    struct peer now;
    peers_copy(&mesh->node->peers, link->peer, &now);
    struct mesh_target *target = mesh__target_of(mesh, link);
    if (target == NULL) {
        target = mesh__target_ensure(mesh, &now.heartbeat);
    }
    if (target != NULL) {
        mesh__target_found(mesh, target, now.id);
        target->told = true;
    }
    if (before.incarnation != now.incarnation) {
        char text[IO_ADDRESS_TEXT_SIZE];
        io_address_text(&now.heartbeat, text);
        mesh__targets_moved(mesh, now.id, &now.heartbeat);
        log_info(mesh->node->log, hb, "node " MESH_ID_TEXT " found at %s", now.id, text);
    }
    mesh->tell = true;
    atomic_fetch_add(&mesh->opened, 1);
    atomic_store(&mesh->has_met, true);
}

// Whether a new link to a linked process takes the place of the one that is there. Both sides come
// to the same answer, or dial again.
static bool takes_over(const struct mesh *mesh, const struct mesh_link *link,
                       const struct mesh_link *old)
{
    if (mesh->now_ms - old->heard_ms > hush_ms(mesh)) {
        return true; // what could be made just now is better than what is silent
    }
    if (link->dialled == old->dialled) {
        return link->attempt > old->attempt;
    }
    if (mesh->now_ms - old->since_ms < BOTH_DIALLED_MS) {
        return link->dialled == (mesh->node->identity.id > link->hello->id);
    }
    return true;
}

static void same_process_decide(struct mesh_link *link, struct mesh_link *old)
{
    if (takes_over(link->mesh, link, old)) {
        link_raise(link);
        return;
    }
    struct mesh_target *target = mesh__target_of(link->mesh, link);
    if (target != NULL) {
        mesh__target_found(link->mesh, target, link->hello->id);
    } else {
        mesh__hello_send(link); // tells whom it dialled, so that it does not dial again
    }
    if (link->state != MESH_CLOSED) {
        mesh__link_close(link);
    }
}

static void greeted_self(struct mesh_link *link, const struct mesh_hello *hello)
{
    struct mesh *mesh = link->mesh;
    if (hello->incarnation != mesh->node->identity.incarnation) {
        char holder[MESH_TEXT_SIZE];
        snprintf(holder, sizeof holder, "this node (heartbeat port %u)",
                 mesh->hello.heartbeat_port);
        refuse_duplicate(link, hello->id, holder);
        return;
    }
    atomic_fetch_add(&mesh->received_self, 1);
    struct mesh_target *target = mesh__target_of(mesh, link);
    if (target != NULL) {
        mesh__target_found(mesh, target, hello->id);
    } else {
        mesh__hello_send(link); // tells the other end, which is ours too, whom it dialled
    }
    if (link->state != MESH_CLOSED) {
        mesh__link_close(link);
    }
}

// The number of a node. When all are taken, the node that has been gone for longest gives up its
// own, if that is so long that nobody waits for it.
static uint8_t number_find(struct mesh *mesh, uint64_t id)
{
    uint8_t number = peers_number(&mesh->node->peers, id);
    if (number != PLACE_NOBODY) {
        return number;
    }
    uint8_t longest = 1;
    for (uint8_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (mesh->peer[i].link == NULL && (mesh->peer[longest].link != NULL ||
                                           mesh->peer[i].lost_ms < mesh->peer[longest].lost_ms)) {
            longest = i;
        }
    }
    const struct mesh_peer *peer = &mesh->peer[longest];
    uint64_t lost_ms = peer->lost_ms > mesh->start_ms ? peer->lost_ms : mesh->start_ms;
    if (peer->link != NULL || mesh->now_ms - lost_ms < FORGET_MS) {
        return PLACE_NOBODY;
    }
    peers_forget(&mesh->node->peers, longest);
    mesh->peer[longest] = (struct mesh_peer){0};
    return peers_number(&mesh->node->peers, id);
}

void mesh__greeted(struct mesh_link *link, const struct mesh_hello *hello)
{
    struct mesh *mesh = link->mesh;
    if (strcmp(hello->cluster_name, mesh->hello.cluster_name) != 0) {
        refuse_name(link, hello->cluster_name);
        return;
    }
    if (hello->id == mesh->node->identity.id) {
        greeted_self(link, hello);
        return;
    }
    link->peer = number_find(mesh, hello->id);
    if (link->peer == PLACE_NOBODY) {
        log_warning_once(mesh->node->log, hb, link->remote_host,
                         "%s is refused: %d nodes are known already", link->remote_text,
                         LIMIT_CLUSTER_NODES);
        refuse(link, MESH_REFUSAL_FULL, "");
        return;
    }
    link->hello = malloc(sizeof *hello);
    if (link->hello == NULL) {
        mesh__link_give_up(link, 0);
        return;
    }
    *link->hello = *hello;
    if (!link->dialled) {
        link->attempt = hello->attempt;
    }
    struct mesh_link *old = mesh->peer[link->peer].link;
    if (old == NULL) {
        link_raise(link);
    } else if (old->hello->incarnation == hello->incarnation) {
        same_process_decide(link, old);
    } else {
        link->state = MESH_WAITING;
        link->since_ms = mesh->now_ms;
    }
}

// A node with an id that is linked: either the process behind that link has ended and nobody told
// us, or there are two of them. Whether the old link is still heard tells.
void mesh__waiting_decide(struct mesh_link *link)
{
    struct mesh *mesh = link->mesh;
    const struct mesh_link *old = mesh->peer[link->peer].link;
    uint32_t interval_ms = mesh->node->config->network.heartbeat_interval_ms;
    if (old == NULL) {
        link_raise(link);
    } else if (old->heard_ms > link->since_ms + interval_ms / 2) {
        struct peer peer = {0};
        char holder[IO_ADDRESS_TEXT_SIZE];
        peers_copy(&mesh->node->peers, link->peer, &peer);
        io_address_text(&peer.heartbeat, holder);
        refuse_duplicate(link, link->hello->id, holder);
    } else if (mesh->now_ms - link->since_ms > hush_ms(mesh)) {
        link_raise(link);
    }
}
