// SPDX-License-Identifier: Apache-2.0
// One link: a socket, frames cut out of what comes, and what could not be sent yet. A link owns no
// memory for reading unless a frame came in halves, so strangers cost a few hundred bytes.
#include "server/mesh_link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"

enum { RECEIVES_PER_EVENT = 16 };

void mesh__now_read(struct mesh *mesh)
{
    mesh->now_ms = io_clock_monotonic_ns() / 1000000u;
}

// --- reading -------------------------------------------------------------------------------------

// Keeps the start of a frame until the rest comes. A frame is bounded, so this is too.
static bool rest_keep(struct mesh_link *link, const uint8_t *bytes, uint32_t size)
{
    if (size > link->in_room) {
        uint8_t *in = realloc(link->in, size);
        if (in == NULL) {
            return false;
        }
        link->in = in;
        link->in_room = size;
    }
    if (size > 0) {
        memcpy(link->in, bytes, size);
    }
    link->in_size = size;
    return true;
}

// Says what is wrong with a header; NULL: nothing.
static const char *header_judge(const struct mesh_link *link, enum base_result decoded,
                                const struct mesh_header *header)
{
    if (decoded != RESULT_OK) {
        return "what it says is not the heartbeat protocol of Ballast; if it is a node, give it "
               "this node's heartbeat port, else keep it away";
    }
    if (header->version != MESH_VERSION) {
        return "it speaks another version of the heartbeat protocol; run versions together that "
               "know each other";
    }
    bool greets = header->type == MESH_HELLO || header->type == MESH_REFUSED;
    if (link->state == MESH_GREETING && (!greets || header->body_size > MESH_FIRST_BODY_SIZE_MAX)) {
        return "it does not greet first";
    }
    return NULL;
}

// Hands out whole frames; false when the link was closed by that.
static bool frames_take(struct mesh_link *link, const uint8_t *bytes, uint32_t size)
{
    uint32_t at = 0;
    while (size - at >= MESH_HEADER_SIZE) {
        struct mesh_header header;
        enum base_result decoded = mesh_header_decode(bytes + at, &header);
        const char *wrong = header_judge(link, decoded, &header);
        if (wrong != NULL) {
            mesh__on_garbage(link, wrong);
            return false;
        }
        if (size - at - MESH_HEADER_SIZE < header.body_size) {
            break;
        }
        mesh__on_frame(link, &header, bytes + at + MESH_HEADER_SIZE);
        if (link->state == MESH_CLOSED) {
            return false;
        }
        at += MESH_HEADER_SIZE + header.body_size;
    }
    if (!rest_keep(link, bytes + at, size - at)) {
        mesh__on_broken(link, false);
        return false;
    }
    return true;
}

static void receive(struct mesh_link *link)
{
    struct mesh *mesh = link->mesh;
    for (int i = 0; i < RECEIVES_PER_EVENT; i++) {
        if (link->in_size > 0) {
            memcpy(mesh->scratch, link->in, link->in_size);
        }
        size_t received;
        enum base_result result =
            io_socket_receive(link->watch.fd, mesh->scratch + link->in_size,
                              sizeof mesh->scratch - link->in_size, &received);
        if (result == RESULT_WOULD_BLOCK) {
            return;
        }
        if (result != RESULT_OK) {
            mesh__on_broken(link, result == RESULT_CLOSED);
            return;
        }
        link->heard_ms = mesh->now_ms;
        if (!frames_take(link, mesh->scratch, link->in_size + (uint32_t)received)) {
            return;
        }
    }
}

// --- sending -------------------------------------------------------------------------------------

static void interest_set(struct mesh_link *link)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | (link->out_size > 0 ? EPOLLOUT : 0u);
    (void)!io_loop_change(link->mesh->loop, &link->watch, events); // else it is sent with the next
}

// Errors show up in the next event as well, so they are left to it.
static void flush(struct mesh_link *link)
{
    size_t sent = 0;
    if (link->out_size > 0 &&
        io_socket_send(link->watch.fd, link->out, link->out_size, &sent) == RESULT_OK) {
        memmove(link->out, link->out + sent, link->out_size - sent);
        link->out_size -= (uint32_t)sent;
    }
    interest_set(link);
}

static bool out_reserve(struct mesh_link *link, uint32_t size)
{
    if (link->out_size + size > MESH_OUT_SIZE_MAX) {
        return false;
    }
    if (link->out_size + size > link->out_room) {
        uint32_t room = (link->out_size + size + 1023) / 1024 * 1024;
        uint8_t *out = realloc(link->out, room);
        if (out == NULL) {
            return false;
        }
        link->out = out;
        link->out_room = room;
    }
    return true;
}

void mesh__link_send(struct mesh_link *link, const uint8_t *frame, uint32_t size)
{
    base_assert(link->state != MESH_CLOSED && link->state != MESH_CONNECTING);
    size_t sent = 0;
    if (link->out_size == 0 && io_socket_send(link->watch.fd, frame, size, &sent) == RESULT_OK &&
        sent == size) {
        return;
    }
    uint32_t rest = size - (uint32_t)sent;
    if (out_reserve(link, rest)) {
        memcpy(link->out + link->out_size, frame + sent, rest);
        link->out_size += rest;
        interest_set(link);
    } else if (sent > 0) {
        mesh__on_broken(link, false); // half a frame went out: nothing could follow it
    }
}

void mesh__link_send_message(struct mesh_link *link, const uint8_t *body, uint32_t size)
{
    uint8_t frame[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX];
    base_assert(size <= MESH_BODY_SIZE_MAX);
    mesh_header_encode(MESH_MEMBERSHIP, size, frame);
    memcpy(frame + MESH_HEADER_SIZE, body, size);
    mesh__link_send(link, frame, MESH_HEADER_SIZE + size);
}

// --- life ----------------------------------------------------------------------------------------

static void on_event(struct io_watch *watch, uint32_t events)
{
    struct mesh_link *link = (struct mesh_link *)(void *)watch;
    base_magic_check(link, MESH_LINK_MAGIC);
    if (link->state == MESH_CLOSED) {
        return;
    }
    mesh__now_read(link->mesh);
    if (link->state == MESH_CONNECTING) {
        if (io_socket_connected(watch->fd) != RESULT_OK) {
            mesh__on_dial_failed(link, errno == ECONNREFUSED);
            return;
        }
        link->state = MESH_GREETING;
        link->since_ms = link->mesh->now_ms;
        interest_set(link);
        mesh__on_connected(link);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        flush(link);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        receive(link);
    }
}

static struct mesh_link *link_new(struct mesh *mesh, int fd, const struct io_address *remote,
                                  enum mesh_link_state state)
{
    struct mesh_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        close(fd);
        return NULL;
    }
    link->magic = MESH_LINK_MAGIC;
    link->mesh = mesh;
    link->state = state;
    link->since_ms = mesh->now_ms;
    link->heard_ms = mesh->now_ms;
    link->remote = *remote;
    io_address_text(remote, link->remote_text);
    memcpy(link->remote_host, link->remote_text, sizeof link->remote_host);
    *strrchr(link->remote_host, ':') = '\0';
    link->watch = (struct io_watch){
        .fd = fd,
        .events = state == MESH_CONNECTING ? EPOLLOUT : EPOLLIN | EPOLLRDHUP,
        .on_event = on_event,
    };
    if (io_loop_add(mesh->loop, &link->watch) != RESULT_OK) {
        close(fd);
        free(link);
        return NULL;
    }
    link->next = mesh->links;
    if (link->next != NULL) {
        link->next->previous = link;
    }
    mesh->links = link;
    return link;
}

struct mesh_link *mesh__link_accept(struct mesh *mesh, int fd, const struct io_address *remote)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    io_socket_retry_evenly(fd);
    return link_new(mesh, fd, remote, MESH_GREETING);
}

// Others learn our address from where our connections come, so they come from the address that we
// listen on, if that is one.
static bool source_find(const struct mesh *mesh, const struct io_address *remote,
                        struct io_address *out)
{
    for (uint32_t i = 0; i < mesh->listener_count; i++) {
        if (io_socket_local(mesh->listeners[i].watch.fd, out) == RESULT_OK &&
            out->any.sa_family == remote->any.sa_family && !io_address_is_any(out) &&
            io_address_is_loopback(out) == io_address_is_loopback(remote)) {
            return true;
        }
    }
    return false;
}

// A connect that is done at once is told by the loop like any other.
struct mesh_link *mesh__link_dial(struct mesh *mesh, const struct io_address *remote, bool *refused)
{
    int fd;
    struct io_address source;
    bool bound = source_find(mesh, remote, &source);
    enum base_result result = io_socket_connect_from(bound ? &source : NULL, remote, &fd);
    *refused = result == RESULT_IO && errno == ECONNREFUSED;
    if (result == RESULT_IO) {
        return NULL;
    }
    io_socket_retry_evenly(fd);
    struct mesh_link *link = link_new(mesh, fd, remote, MESH_CONNECTING);
    if (link != NULL) {
        link->dialled = true;
        link->attempt = ++mesh->attempts;
    }
    return link;
}

void mesh__link_close(struct mesh_link *link)
{
    struct mesh *mesh = link->mesh;
    base_assert(link->state != MESH_CLOSED);
    link->state = MESH_CLOSED;
    io_loop_remove(mesh->loop, &link->watch);
    close(link->watch.fd);
    if (link->previous != NULL) {
        link->previous->next = link->next;
    } else {
        mesh->links = link->next;
    }
    if (link->next != NULL) {
        link->next->previous = link->previous;
    }
    link->next = mesh->graveyard;
    mesh->graveyard = link;
}

void mesh__links_bury(struct mesh *mesh)
{
    while (mesh->graveyard != NULL) {
        struct mesh_link *link = mesh->graveyard;
        mesh->graveyard = link->next;
        free(link->hello);
        free(link->in);
        free(link->out);
        free(link);
    }
}
