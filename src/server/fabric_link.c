// SPDX-License-Identifier: Apache-2.0
// One connection: bytes are received into the thread's scratch and worked off there; only the start
// of a message that is not whole yet is kept. What is said gathers in `out` and leaves with one
// send.
#include "server/fabric_link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/socket.h"
#include "server/fabric_hello.h"
#include "server/log.h"

enum {
    KEEP_SIZE = 1024 * 1024,  // larger buffers go back to the heap when they are empty
    DROP_SIZE = 256 * 1024,   // sent bytes at the front of a buffer are moved away past this
    GATHER_STEP_SIZE = 65536, // the least room made for more of a large message
    RECEIVE_EVENTS_MAX = 4,   // receives in a row before others have their turn
    KEEPALIVE_IDLE_S = 5,     // an idle link is probed after this
    KEEPALIVE_INTERVAL_S = 1,
    KEEPALIVE_PROBES = 3,
};

static struct fabric__link *of_watch(struct io_watch *watch)
{
    struct fabric__link *link = (struct fabric__link *)(void *)watch;
    base_magic_check(link, FABRIC_LINK_MAGIC);
    return link;
}

// Where the bytes of each channel are counted.
static const struct {
    size_t sent, received;
} bytes_at[FABRIC_CHANNELS] = {
#define BYTES(kind)                                                                                \
    {                                                                                              \
        offsetof(struct counters_node, fabric_##kind##_sent_bytes),                                \
            offsetof(struct counters_node, fabric_##kind##_received_bytes)                         \
    }
    [FABRIC_SERVICE] = BYTES(rw),
    [FABRIC_CONTROL] = BYTES(ctrl),
    [FABRIC_SYNC] = BYTES(bulk),
    [FABRIC_QUERY] = BYTES(meta),
#undef BYTES
};

static void count_bytes(struct fabric_links *links, size_t at, size_t count)
{
    uint8_t *block = (uint8_t *)&links->counters->node;
    counters_add((_Atomic uint64_t *)(void *)(block + at), count);
}

// A dead peer shows by bytes that it does not acknowledge, or, on an idle link, by probes that it
// does not answer; waiting for the system's own patience would take many minutes.
static void socket_set_up(int fd)
{
    int on = 1, dead_ms = FABRIC_DEAD_MS;
    int idle_s = KEEPALIVE_IDLE_S, interval_s = KEEPALIVE_INTERVAL_S, probes = KEEPALIVE_PROBES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    io_socket_retry_evenly(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static struct fabric__link *link_new(int fd, uint8_t peer)
{
    struct fabric__link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    link->magic = FABRIC_LINK_MAGIC;
    link->peer = peer;
    link->watch = (struct io_watch){.fd = fd, .on_event = fabric__link_on_event};
    memset(link->number, MESSAGE_NO_NAMESPACE, sizeof link->number);
    socket_set_up(fd);
    return link;
}

void fabric__link_free(struct fabric__link *link)
{
    if (link->watch.fd >= 0) {
        close(link->watch.fd);
    }
    output_fini(&link->in);
    output_fini(&link->out);
    free(link);
}

struct fabric__link *fabric__link_accepted(int fd, uint8_t peer)
{
    struct fabric__link *link = link_new(fd, peer);
    if (link == NULL) {
        close(fd);
        return NULL;
    }
    link->accepted = link->reached = link->welcomed = true;
    link->watch.events = EPOLLIN;
    return link;
}

struct fabric__link *fabric__link_open(struct fabric_links *links, uint8_t peer)
{
    struct peer known;
    int fd;
    if (peer == 0 || !peers_copy(&links->node->peers, peer, &known) ||
        known.fabric.any.sa_family == AF_UNSPEC) {
        return NULL;
    }
    enum base_result result = io_socket_connect(&known.fabric, &fd);
    if (fd < 0) {
        if (errno == ECONNREFUSED) {
            fabric__peer_refused(links->node->fabric, known.id);
        }
        return NULL;
    }
    struct fabric__link *link = link_new(fd, peer);
    if (link == NULL) {
        close(fd);
        return NULL;
    }
    link->links = links;
    link->connecting = result == RESULT_WOULD_BLOCK;
    link->reached = !link->connecting;
    link->opened_ns = io_clock_monotonic_ns();
    link->watch.events = link->connecting ? EPOLLOUT : EPOLLIN;
    if (!fabric__link_greet(link, links->node, MESSAGE_HELLO, links->channel) ||
        io_loop_add(links->loop, &link->watch) != RESULT_OK) {
        fabric__link_free(link);
        return NULL;
    }
    counters_add(&links->counters->node.fabric_connections_opened, 1);
    links->to[peer] = link;
    return link;
}

void fabric__link_close(struct fabric__link *link)
{
    struct fabric_links *links = link->links;
    if (link->closed) {
        return;
    }
    link->closed = true;
    io_loop_remove(links->loop, &link->watch);
    close(link->watch.fd);
    link->watch.fd = -1;
    link->next = links->closed;
    links->closed = link;
    counters_add(&links->counters->node.fabric_connections_closed, 1);
    if (link->accepted) {
        links->accepted[link->slot] = NULL;
        atomic_fetch_sub(&links->accepted_count, 1);
        return;
    }
    links->to[link->peer] = NULL;
    if (links->handler.on_lost != NULL) {
        links->handler.on_lost(links->handler.arg, link->peer, link->reached);
    }
}

static void watch_update(struct fabric__link *link)
{
    if (link->closed) {
        return;
    }
    size_t unsent = fabric__link_unsent(link);
    uint32_t events = (unsent > 0 ? EPOLLOUT : 0) | (unsent > FABRIC_UNSENT_MAX ? 0 : EPOLLIN);
    if (io_loop_change(link->links->loop, &link->watch, events) != RESULT_OK) {
        fabric__link_close(link);
    }
}

bool fabric__link_greet(struct fabric__link *link, struct node *node, uint8_t type,
                        enum fabric_channel channel)
{
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE + 1];
    config_cluster_name_copy(node->config, cluster_name);
    struct peer self;
    if (!peers_copy(&node->peers, 0, &self)) {
        return false;
    }
    struct fabric__hello hello = {
        .node_id = self.id,
        .incarnation = self.incarnation,
        .channel = channel,
        .cluster_name = {(const uint8_t *)cluster_name, strlen(cluster_name)},
        .namespace_count = node->namespace_count,
    };
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        const struct namespace *ns = node->cluster_namespaces[i];
        hello.namespaces[i] = (struct base_slice){(const uint8_t *)ns->name, ns->name_size};
    }
    uint8_t body[FABRIC_HELLO_SIZE_MAX];
    struct message message = {.type = type, .namespace_number = MESSAGE_NO_NAMESPACE};
    message.body = (struct base_slice){body, fabric__hello_encode(&hello, body)};
    return fabric__link_put(link, &message);
}

void fabric__link_numbers_set(struct fabric__link *link, struct node *node,
                              const struct fabric__hello *hello)
{
    for (uint32_t i = 0; i < hello->namespace_count; i++) {
        const struct namespace *ns = node_namespace_find(node, hello->namespaces[i]);
        link->number[i] = ns != NULL ? (uint8_t)ns->cluster_number : MESSAGE_NO_NAMESPACE;
    }
}

bool fabric__link_put(struct fabric__link *link, const struct message *message)
{
    struct output *out = &link->out;
    size_t unsent_max = link->accepted ? FABRIC_UNANSWERED_MAX : FABRIC_UNSENT_MAX;
    if (fabric__link_unsent(link) > unsent_max ||
        message->body.size > LIMIT_FABRIC_SIZE - MESSAGE_HEADER_SIZE) {
        return false;
    }
    uint8_t *at = output_reserve(out, MESSAGE_HEADER_SIZE + message->body.size);
    if (at == NULL) {
        return false;
    }
    message_header_store(at, message, (uint32_t)message->body.size);
    if (message->body.size > 0) {
        memcpy(at + MESSAGE_HEADER_SIZE, message->body.data, message->body.size);
    }
    out->size += MESSAGE_HEADER_SIZE + message->body.size;
    return true;
}

void fabric__link_flush(struct fabric__link *link)
{
    struct output *out = &link->out;
    if (link->closed || link->connecting) {
        return;
    }
    if (out->size > link->sent) {
        size_t sent;
        enum base_result result =
            io_socket_send(link->watch.fd, out->data + link->sent, out->size - link->sent, &sent);
        if (result != RESULT_OK && result != RESULT_WOULD_BLOCK) {
            fabric__link_close(link);
            return;
        }
        count_bytes(link->links, bytes_at[link->links->channel].sent, sent);
        link->sent += sent;
    }
    if (link->sent == out->size) {
        link->sent = out->size = 0;
        output_trim(out, KEEP_SIZE);
    } else if (link->sent > DROP_SIZE) {
        output_drop(out, link->sent);
        link->sent = 0;
    }
    watch_update(link);
}

// The answer to our HELLO. False when it is none of the node that we meant.
static bool take_welcome(struct fabric__link *link, const struct message *message)
{
    struct fabric__hello hello;
    struct peer known;
    struct node *node = link->links->node;
    if (message->type != MESSAGE_WELCOME ||
        fabric__hello_decode(message->body, &hello) != RESULT_OK ||
        !peers_copy(&node->peers, link->peer, &known) || known.id != hello.node_id) {
        return false;
    }
    fabric__link_numbers_set(link, node, &hello);
    link->welcomed = true;
    return true;
}

// Parses up to FABRIC_AHEAD messages; how many bytes they take. What is not of this link's language
// sets *broken.
static size_t messages_parse(struct fabric__link *link, uint8_t *bytes, size_t size,
                             struct message messages[FABRIC_AHEAD], uint32_t *count, bool *broken)
{
    size_t at = 0;
    *count = 0;
    while (*count < FABRIC_AHEAD) {
        struct message *message = &messages[*count];
        enum base_result result = message_parse(bytes + at, size - at, message, &link->need);
        if (result == RESULT_INCOMPLETE) {
            break;
        }
        uint32_t message_size = link->need;
        if (result == RESULT_OK && !link->welcomed) {
            *broken = !take_welcome(link, message);
        } else if (result != RESULT_OK || message->type <= MESSAGE_WELCOME) {
            *broken = true;
        } else {
            if (message->namespace_number < LIMIT_NAMESPACES) {
                message->namespace_number = link->number[message->namespace_number];
            }
            ++*count;
        }
        if (*broken) {
            break;
        }
        at += message_size;
    }
    return at;
}

static size_t messages_work(struct fabric__link *link, uint8_t *bytes, size_t size)
{
    struct fabric_links *links = link->links;
    struct fabric_source source = {links, link->slot, link->generation};
    struct message messages[FABRIC_AHEAD];
    size_t at = 0;
    uint32_t count;
    bool broken = false;
    do {
        at += messages_parse(link, bytes + at, size - at, messages, &count, &broken);
        if (count > 0) {
            links->handler.on_messages(links->handler.arg, &source, link->peer, messages, count);
        }
    } while (count == FABRIC_AHEAD && !broken && !link->closed);
    if (broken) {
        log_warning_once(links->node->log, fabric, "message",
                         "closing a link to another node: it sent what is no message of ours");
        fabric__link_close(link);
    }
    return at;
}

// A message that fits into the scratch is completed there.
static ssize_t receive_into_scratch(struct fabric__link *link, size_t *room)
{
    struct fabric_links *links = link->links;
    size_t kept = link->in.size;
    *room = FABRIC_SCRATCH_SIZE - kept;
    if (kept > 0) {
        memcpy(links->scratch, link->in.data, kept);
    }
    ssize_t count = recv(link->watch.fd, links->scratch + kept, *room, MSG_DONTWAIT);
    if (count <= 0) {
        return count;
    }
    size_t size = kept + (size_t)count;
    size_t used = messages_work(link, links->scratch, size);
    link->in.size = 0;
    if (!link->closed && used < size &&
        !output_put(&link->in, links->scratch + used, size - used)) {
        fabric__link_close(link);
    }
    return count;
}

// A larger one gathers on the heap, which never grows faster than what was received.
static ssize_t receive_large(struct fabric__link *link, size_t *room)
{
    struct output *in = &link->in;
    size_t missing = link->need - in->size;
    size_t step = in->size > GATHER_STEP_SIZE ? in->size : GATHER_STEP_SIZE;
    *room = missing < step ? missing : step;
    if (output_reserve(in, *room) == NULL) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t count = recv(link->watch.fd, in->data + in->size, *room, MSG_DONTWAIT);
    if (count > 0) {
        in->size += (size_t)count;
        output_drop(in, messages_work(link, in->data, in->size));
        if (in->size == 0) {
            output_trim(in, KEEP_SIZE);
        }
    }
    return count;
}

static void receive(struct fabric__link *link)
{
    for (int i = 0; i < RECEIVE_EVENTS_MAX && !link->closed; i++) {
        size_t room;
        ssize_t count = link->in.size > 0 && link->need > FABRIC_SCRATCH_SIZE
                            ? receive_large(link, &room)
                            : receive_into_scratch(link, &room);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            fabric__link_close(link);
            return;
        }
        if (count > 0) {
            count_bytes(link->links, bytes_at[link->links->channel].received, (size_t)count);
        }
        if (count < (ssize_t)room) {
            return; // there is no more for now
        }
    }
}

void fabric__link_begin(struct fabric__link *link)
{
    if (link->in.size > 0) {
        output_drop(&link->in, messages_work(link, link->in.data, link->in.size));
    }
}

static void on_connected(struct fabric__link *link)
{
    struct fabric_links *links = link->links;
    if (io_socket_connected(link->watch.fd) != RESULT_OK) {
        struct peer known;
        if (errno == ECONNREFUSED && peers_copy(&links->node->peers, link->peer, &known)) {
            fabric__peer_refused(links->node->fabric, known.id);
        }
        fabric__link_close(link);
        return;
    }
    link->connecting = false;
    link->reached = true;
    fabric__link_flush(link);
}

void fabric__link_on_event(struct io_watch *watch, uint32_t events)
{
    struct fabric__link *link = of_watch(watch);
    if (link->closed) {
        return;
    }
    if (link->connecting) {
        on_connected(link);
        return;
    }
    if (events & EPOLLOUT) {
        fabric__link_flush(link);
    }
    if (!link->closed && events & EPOLLIN) {
        receive(link);
    } else if (!link->closed && events & (EPOLLERR | EPOLLHUP)) {
        fabric__link_close(link);
    }
}
