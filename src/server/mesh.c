// SPDX-License-Identifier: Apache-2.0
// What links say, when a node is gone, and what is done as time passes.
#include "server/mesh.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/replication/place.h"
#include "io/clock.h"
#include "io/listen.h"
#include "server/log.h"
#include "server/mesh_link.h"

enum {
    TELL_MS = 1000,     // between two tellings of addresses
    TELL_SOON_MS = 20,  // when there is something new to tell
    ANNOUNCE_MS = 5000, // between two looks at our own addresses
    REFUSED_AGAIN_MS = 5000,
    CLOSE_SILENT_MS = 5000,
    ACCEPT_AGAIN_MS = 100,
    THEY_DIAL_MS = 500,
    WAIT_MS = 500,
    WAIT_BUSY_MS = 10,
};

// --- what links say ----------------------------------------------------------------------------

void mesh__on_connected(struct mesh_link *link)
{
    mesh__hello_send(link);
}

static void gone(struct mesh *mesh, uint8_t number)
{
    struct peer peer;
    struct mesh_peer *lost = &mesh->peer[number];
    lost->loss = MESH_NOT_LOST;
    if (peers_copy(&mesh->node->peers, number, &peer)) {
        char text[IO_ADDRESS_TEXT_SIZE];
        io_address_text(&peer.heartbeat, text);
        log_info(mesh->node->log, hb, "node " MESH_ID_TEXT " at %s is gone", peer.id, text);
        mesh->hooks.on_gone(mesh->hooks.arg, peer.id);
    }
}

void mesh__on_refused(struct mesh *mesh, uint64_t id)
{
    uint8_t number = peers_find(&mesh->node->peers, id);
    if (number == PLACE_NOBODY || number == PLACE_SELF) {
        return;
    }
    struct mesh_peer *peer = &mesh->peer[number];
    if (peer->link != NULL) { // it was suspected, and rightly
        mesh__link_lose(mesh, peer->link, MESH_LOST_CLOSED);
    }
    if (peer->loss != MESH_NOT_LOST) {
        gone(mesh, number);
    }
}

void mesh__on_dial_failed(struct mesh_link *link, bool refused)
{
    struct mesh *mesh = link->mesh;
    const struct mesh_target *target = mesh__target_of(mesh, link);
    uint64_t id = target == NULL ? 0 : target->id;
    mesh__link_give_up(link, 0);
    if (refused) {
        mesh__on_refused(mesh, id);
    }
}

void mesh__on_broken(struct mesh_link *link, bool by_peer)
{
    struct mesh *mesh = link->mesh;
    if (link->state != MESH_UP) {
        mesh__link_give_up(link, 0);
        return;
    }
    uint64_t id = link->hello->id;
    log_info(mesh->node->log, hb, "link with node " MESH_ID_TEXT " at %s %s", id, link->remote_text,
             by_peer ? "closed by it" : "failed");
    mesh__link_lose(mesh, link, by_peer ? MESH_LOST_CLOSED : MESH_LOST_SILENT);
    mesh__targets_hurry(mesh, id);
}

void mesh__on_garbage(struct mesh_link *link, const char *why)
{
    struct mesh *mesh = link->mesh;
    log_warning_once(mesh->node->log, hb, link->remote_host, "closing the connection of %s: %s",
                     link->remote_text, why);
    if (link->state == MESH_UP) {
        mesh__on_broken(link, false);
    } else {
        mesh__link_give_up(link, REFUSED_AGAIN_MS);
    }
}

// Both nodes of a pair hear of each other at the same time; the one with the higher id dials, and
// the other only if that does not.
static void on_addresses(struct mesh *mesh, const struct mesh_addresses *addresses)
{
    for (uint32_t i = 0; i < addresses->count; i++) {
        const struct mesh_address *item = &addresses->item[i];
        uint8_t number = peers_find(&mesh->node->peers, item->id);
        if (number == PLACE_SELF || (number != PLACE_NOBODY && mesh->peer[number].link != NULL)) {
            continue;
        }
        uint32_t before = mesh->target_count;
        struct mesh_target *target = mesh__target_ensure(mesh, &item->heartbeat);
        if (mesh->target_count > before && item->id > mesh->node->identity.id) {
            target->next_ms += THEY_DIAL_MS;
        }
        if (target != NULL && (target->id == 0 || !target->told) && !target->self) {
            target->id = item->id;
            target->told = true;
        }
    }
}

static void on_hello(struct mesh_link *link, const struct mesh_hello *hello)
{
    if (link->state == MESH_GREETING) {
        mesh__greeted(link, hello);
    } else if (link->state == MESH_UP && hello->id == link->hello->id &&
               hello->incarnation == link->hello->incarnation) {
        *link->hello = *hello;
        mesh__peer_enter(link->mesh, link);
    }
}

void mesh__on_frame(struct mesh_link *link, const struct mesh_header *header, const uint8_t *body)
{
    struct mesh *mesh = link->mesh;
    enum base_result result = RESULT_OK;
    struct mesh_hello hello;
    struct mesh_refused refused;
    struct mesh_addresses addresses;
    switch (header->type) {
    case MESH_HELLO:
        result = mesh_hello_decode(body, header->body_size, &hello);
        if (result == RESULT_OK) {
            on_hello(link, &hello);
        }
        break;
    case MESH_REFUSED:
        result = mesh_refused_decode(body, header->body_size, &refused);
        if (result == RESULT_OK && link->dialled && link->state == MESH_GREETING) {
            mesh__on_refused_frame(link, &refused);
        }
        break;
    case MESH_ADDRESSES:
        result = mesh_addresses_decode(body, header->body_size, &addresses);
        if (result == RESULT_OK && link->state == MESH_UP) {
            on_addresses(mesh, &addresses);
        }
        break;
    case MESH_MEMBERSHIP:
        if (link->state == MESH_UP) {
            link->heard_member = true;
            atomic_fetch_add(&mesh->received_foreign, 1);
            mesh->hooks.on_message(mesh->hooks.arg, link->hello->id, body, header->body_size);
        }
        break;
    }
    if (result != RESULT_OK) {
        mesh__on_garbage(link, "what it says is not the heartbeat protocol of Ballast");
    }
}

// --- accepting ---------------------------------------------------------------------------------

// Makes room for one more link that has yet to greet: the oldest one goes.
static void strangers_limit(struct mesh *mesh)
{
    uint32_t count = 0;
    struct mesh_link *oldest = NULL;
    for (struct mesh_link *link = mesh->links; link != NULL; link = link->next) {
        if (!link->dialled && link->state != MESH_UP) {
            count++;
            oldest = link; // new ones are put in front
        }
    }
    if (count >= MESH_STRANGERS_MAX) {
        log_warning_once(mesh->node->log, hb, "strangers",
                         "more than %d connections to the heartbeat port that do not greet; "
                         "closing the oldest, from %s",
                         MESH_STRANGERS_MAX, oldest->remote_text);
        mesh__link_give_up(oldest, 0);
    }
}

static void on_accept(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct mesh_listener *listener = (struct mesh_listener *)(void *)watch;
    struct mesh *mesh = listener->mesh;
    mesh__now_read(mesh);
    for (uint32_t i = 0; i < MESH_STRANGERS_MAX; i++) {
        struct io_address remote;
        socklen_t size = sizeof remote;
        int fd = accept4(watch->fd, &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) { // the loop would ask again for ever
                listener->again_ms = mesh->now_ms + ACCEPT_AGAIN_MS;
                (void)!io_loop_change(mesh->loop, watch, 0);
            }
            return;
        }
        io_address_unmap(&remote);
        strangers_limit(mesh);
        (void)mesh__link_accept(mesh, fd, &remote);
    }
}

static enum base_result listen_all(struct mesh *mesh)
{
    const struct config_network *network = &mesh->node->config->network;
    for (uint32_t i = 0; i < network->heartbeat_address.count; i++) {
        const char *item = network->heartbeat_address.item[i];
        int fds[IO_LISTEN_FDS];
        uint32_t count;
        char error[256];
        enum base_result result =
            io_listen(item, network->heartbeat_port, fds, &count, error, sizeof error);
        if (result != RESULT_OK) {
            log_critical(mesh->node->log, hb, "cannot listen for heartbeats on %s port %u: %s",
                         item, network->heartbeat_port, error);
            return result;
        }
        for (uint32_t k = 0; k < count; k++) {
            if (mesh->listener_count == MESH_LISTENERS_MAX) {
                close(fds[k]);
                continue;
            }
            struct mesh_listener *listener = &mesh->listeners[mesh->listener_count++];
            listener->mesh = mesh;
            listener->watch =
                (struct io_watch){.fd = fds[k], .events = EPOLLIN, .on_event = on_accept};
            result = io_loop_add(mesh->loop, &listener->watch);
            if (result != RESULT_OK) {
                return result;
            }
        }
    }
    return RESULT_OK;
}

// --- ticks -------------------------------------------------------------------------------------

static void link_tick(struct mesh_link *link)
{
    struct mesh *mesh = link->mesh;
    uint64_t age_ms = mesh->now_ms - link->since_ms;
    uint64_t quiet_ms = mesh->now_ms - link->heard_ms;
    switch (link->state) {
    case MESH_CONNECTING:
        if (age_ms > mesh->node->config->network.heartbeat_connect_timeout_ms) {
            mesh__link_give_up(link, 0);
        }
        break;
    case MESH_GREETING:
        if (age_ms > MESH_GREETING_MS) {
            log_warning_once(mesh->node->log, hb, link->remote_host,
                             "closing the connection with %s: it did not greet in time",
                             link->remote_text);
            mesh__link_give_up(link, 0);
        }
        break;
    case MESH_WAITING:
        mesh__waiting_decide(link);
        break;
    case MESH_UP:
        if (quiet_ms > 2 * (uint64_t)mesh__silence_ms(mesh) + CLOSE_SILENT_MS) {
            mesh__on_broken(link, false);
        } else if (quiet_ms > mesh__silence_ms(mesh)) {
            mesh_suspect(mesh, link->hello->id);
        }
        break;
    case MESH_CLOSED:
        break;
    }
}

static void links_tick(struct mesh *mesh)
{
    struct mesh_link *next;
    for (struct mesh_link *link = mesh->links; link != NULL; link = next) {
        next = link->next;
        bool last = next == NULL;
        link_tick(link);
        if (!last && next->state == MESH_CLOSED) {
            break; // it took its neighbour along; the rest has its turn at the next tick
        }
    }
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        const struct mesh_peer *peer = &mesh->peer[i];
        if (peer->loss == MESH_LOST_CLOSED && mesh->now_ms - peer->lost_ms >= MESH_GONE_MS) {
            gone(mesh, (uint8_t)i);
        }
    }
}

static void addresses_tell(struct mesh *mesh)
{
    uint8_t frame[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX];
    struct mesh_addresses addresses = {0};
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        struct peer peer;
        if (mesh->peer[i].link != NULL && peers_copy(&mesh->node->peers, (uint8_t)i, &peer)) {
            struct mesh_address *item = &addresses.item[addresses.count++];
            *item = (struct mesh_address){.id = peer.id, .heartbeat = peer.heartbeat};
        }
    }
    uint32_t size = mesh_addresses_encode(&addresses, frame);
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (mesh->peer[i].link != NULL && addresses.count > 1) {
            mesh__link_send(mesh->peer[i].link, frame, size);
        }
    }
}

static void hello_refresh(struct mesh *mesh)
{
    struct mesh_hello hello;
    mesh__hello_make(mesh, &hello);
    if (memcmp(&hello, &mesh->hello, sizeof hello) == 0) {
        return;
    }
    bool renamed = strcmp(hello.cluster_name, mesh->hello.cluster_name) != 0;
    mesh->hello = hello;
    mesh__self_enter(mesh);
    mesh->hooks.on_peers_changed(mesh->hooks.arg);
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        struct mesh_link *link = mesh->peer[i].link;
        if (link != NULL && renamed) {
            mesh__link_lose(mesh, link, MESH_LOST_SILENT);
        } else if (link != NULL) {
            mesh__hello_send(link);
        }
    }
}

static void orders_take(struct mesh *mesh)
{
    if (atomic_exchange(&mesh->clear, false)) {
        mesh__targets_forget(mesh);
    }
    char name[LIMIT_CLUSTER_NAME_SIZE + 1];
    config_cluster_name_copy(mesh->node->config, name);
    if (mesh->now_ms >= mesh->announce_ms || strcmp(name, mesh->hello.cluster_name) != 0) {
        mesh->announce_ms = mesh->now_ms + ANNOUNCE_MS;
        hello_refresh(mesh);
    }
}

static uint32_t wait_ms(const struct mesh *mesh)
{
    uint32_t most_ms = mesh->settled && !mesh->tell ? WAIT_MS : WAIT_BUSY_MS;
    for (const struct mesh_link *link = mesh->links; link != NULL; link = link->next) {
        most_ms = link->state == MESH_UP ? most_ms : WAIT_BUSY_MS;
    }
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        most_ms = mesh->peer[i].loss == MESH_LOST_CLOSED ? WAIT_BUSY_MS : most_ms;
    }
    return mesh__targets_wait_ms(mesh, most_ms);
}

static void listeners_tick(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->listener_count; i++) {
        struct mesh_listener *listener = &mesh->listeners[i];
        if (listener->again_ms != 0 && mesh->now_ms >= listener->again_ms &&
            io_loop_change(mesh->loop, &listener->watch, EPOLLIN) == RESULT_OK) {
            listener->again_ms = 0;
        }
    }
}

uint32_t mesh_tick(struct mesh *mesh, uint64_t now_ms)
{
    base_magic_check(mesh, MESH_MAGIC);
    mesh->now_ms = now_ms;
    orders_take(mesh);
    listeners_tick(mesh);
    links_tick(mesh);
    mesh__targets_tick(mesh);
    if (now_ms >= mesh->tell_ms ||
        (mesh->tell && now_ms + TELL_MS >= mesh->tell_ms + TELL_SOON_MS)) {
        mesh->tell = false;
        mesh->tell_ms = now_ms + TELL_MS;
        addresses_tell(mesh);
    }
    if (!mesh->settled && mesh__targets_settled(mesh)) {
        mesh->settled = true;
        mesh->hooks.on_settled(mesh->hooks.arg);
    }
    mesh__links_bury(mesh);
    return wait_ms(mesh);
}

// --- asked by others ---------------------------------------------------------------------------

void mesh_send(struct mesh *mesh, uint64_t to, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        struct mesh_link *link = mesh->peer[i].link;
        if (link != NULL && (to == 0 || link->hello->id == to)) {
            mesh__link_send_message(link, bytes, size);
        }
    }
}

void mesh_suspect(struct mesh *mesh, uint64_t id)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        mesh->target[i].force |= mesh->target[i].id == id;
    }
}

bool mesh_has_seeds(struct mesh *mesh)
{
    struct mesh_seeds_state state;
    mesh_seeds_state(mesh->seeds, &state);
    return state.seed_count > 0;
}

bool mesh_has_met(struct mesh *mesh)
{
    return atomic_load(&mesh->has_met);
}

void mesh_alumni_reset(struct mesh *mesh)
{
    atomic_store(&mesh->clear, true);
    io_loop_wake(mesh->loop);
}

enum base_result mesh_tip(struct mesh *mesh, const char *host, uint16_t port)
{
    enum base_result result = mesh_seeds_add(mesh->seeds, host, port);
    io_loop_wake(mesh->loop);
    return result;
}

enum base_result mesh_tip_clear(struct mesh *mesh, const char *host, uint16_t port)
{
    if (host != NULL) {
        return mesh_seeds_remove(mesh->seeds, host, port);
    }
    mesh_seeds_clear(mesh->seeds);
    io_loop_wake(mesh->loop);
    return RESULT_OK;
}

void mesh_regime_keep(struct mesh *mesh, uint64_t regime)
{
    mesh_seeds_regime_keep(mesh->seeds, regime);
}

void mesh_counters(struct mesh *mesh, struct mesh_counters *out)
{
    out->opened = atomic_load(&mesh->opened);
    out->closed = atomic_load(&mesh->closed);
    out->received_self = atomic_load(&mesh->received_self);
    out->received_foreign = atomic_load(&mesh->received_foreign);
    out->duplicate_id = atomic_load(&mesh->duplicate_id);
}

// --- life --------------------------------------------------------------------------------------

static void on_seeds_changed(void *arg)
{
    io_loop_wake(arg);
}

static enum base_result seeds_give(struct mesh *mesh)
{
    const struct config_list *list = &mesh->node->config->network.mesh_seed_address_port;
    for (uint32_t i = 0; i < list->count; i++) {
        char host[CONFIG_TEXT_SIZE];
        const char *space = strchr(list->item[i], ' ');
        base_assert(space != NULL);
        snprintf(host, sizeof host, "%.*s", (int)(space - list->item[i]), list->item[i]);
        enum base_result result =
            mesh_seeds_add(mesh->seeds, host, (uint16_t)strtoul(space + 1, NULL, 10));
        if (result != RESULT_OK) {
            log_critical(mesh->node->log, hb, "cannot take the seed %s: %s", list->item[i],
                         base_result_text(result));
            return result;
        }
    }
    return RESULT_OK;
}

enum base_result mesh_new(struct node *node, struct io_loop *loop, const struct mesh_hooks *hooks,
                          struct mesh **out)
{
    *out = NULL;
    struct mesh *mesh = calloc(1, sizeof *mesh);
    if (mesh == NULL) {
        return RESULT_NO_MEMORY;
    }
    mesh->magic = MESH_MAGIC;
    mesh->node = node;
    mesh->loop = loop;
    mesh->hooks = *hooks;
    mesh->now_ms = mesh->start_ms = io_clock_monotonic_ns() / 1000000u;
    mesh__hello_make(mesh, &mesh->hello);
    mesh__self_enter(mesh);
    enum base_result result =
        mesh_seeds_new(&node->identity, node->log, on_seeds_changed, loop, &mesh->seeds);
    if (result == RESULT_OK) {
        result = seeds_give(mesh);
    }
    if (result == RESULT_OK) {
        result = listen_all(mesh);
    }
    if (result != RESULT_OK) {
        mesh_free(&mesh);
        return result;
    }
    *out = mesh;
    return RESULT_OK;
}

void mesh_free(struct mesh **mesh)
{
    struct mesh *gone_mesh = *mesh;
    *mesh = NULL;
    if (gone_mesh == NULL) {
        return;
    }
    mesh_seeds_free(&gone_mesh->seeds);
    for (uint32_t i = 0; i < gone_mesh->listener_count; i++) {
        io_loop_remove(gone_mesh->loop, &gone_mesh->listeners[i].watch);
        close(gone_mesh->listeners[i].watch.fd);
    }
    while (gone_mesh->links != NULL) {
        mesh__link_close(gone_mesh->links);
    }
    mesh__links_bury(gone_mesh);
    free(gone_mesh);
}
