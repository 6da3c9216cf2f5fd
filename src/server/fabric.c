// SPDX-License-Identifier: Apache-2.0
// The fabric thread: accepts links and finds out who is there before anybody else hears of them,
// carries control messages, and knows which thread serves which channel.
#include "server/fabric.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/listen.h"
#include "io/socket.h"
#include "server/fabric_hello.h"
#include "server/fabric_link.h"
#include "server/log.h"

enum {
    WAIT_MS = 1000,
    LISTENERS = 64,
    GUESTS = 512,        // accepted and not introduced yet
    GUEST_MAX_MS = 2000, // a link says its HELLO at once
    GUEST_SIZE = 4096,   // what is received of it meanwhile
    ACCEPTS_PER_EVENT = 64,
    POSTED_SIZE_MAX = 64 * 1024 * 1024, // control messages that wait to be sent
};

_Static_assert(GUEST_SIZE >= MESSAGE_HEADER_SIZE + FABRIC_HELLO_SIZE_MAX, "a HELLO fits");

// Somebody who has connected and not said who it is.
struct guest {
    struct io_watch watch; // first
    struct fabric *fabric;
    bool taken;
    uint64_t since_ns;
    uint32_t size;
    uint8_t bytes[GUEST_SIZE];
    char address[IO_ADDRESS_TEXT_SIZE];
};

struct listener {
    struct io_watch watch; // first
    struct fabric *fabric;
};

struct fabric {
    struct node *node;
    struct io_loop *loop;
    struct counters *counters;
    struct fabric_links *links; // control
    pthread_t thread;
    bool started;
    uint32_t listener_count;
    struct listener listeners[LISTENERS];
    struct guest *guests[GUESTS];
    uint32_t guest_count;
    _Atomic bool stopping;

    pthread_mutex_t lock; // guards the two below
    struct fabric_links *registered;
    struct output posted; // peer number, then a message, again and again

    pthread_mutex_t ears_lock; // held while they are called
    struct fabric_ears ears;
};

// --- ears ---

void fabric_ears_set(struct fabric *fabric, const struct fabric_ears *ears)
{
    pthread_mutex_lock(&fabric->ears_lock);
    fabric->ears = ears != NULL ? *ears : (struct fabric_ears){0};
    pthread_mutex_unlock(&fabric->ears_lock);
}

void fabric__peer_refused(struct fabric *fabric, uint64_t id)
{
    if (fabric == NULL) {
        return;
    }
    pthread_mutex_lock(&fabric->ears_lock);
    if (fabric->ears.peer_refused != NULL) {
        fabric->ears.peer_refused(fabric->ears.arg, id);
    }
    pthread_mutex_unlock(&fabric->ears_lock);
}

// --- control messages ---

void fabric_post(struct fabric *fabric, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    pthread_mutex_lock(&fabric->lock);
    struct output *posted = &fabric->posted;
    uint8_t *at = posted->size + size > POSTED_SIZE_MAX ? NULL : output_reserve(posted, 1 + size);
    bool wake = posted->size == 0;
    if (at != NULL) {
        at[0] = peer;
        memcpy(at + 1, bytes, size);
        posted->size += 1 + size;
    }
    pthread_mutex_unlock(&fabric->lock);
    if (wake) {
        io_loop_wake(fabric->loop);
    }
}

static void posted_send(struct fabric *fabric)
{
    pthread_mutex_lock(&fabric->lock);
    struct output posted = fabric->posted;
    fabric->posted = (struct output){0};
    pthread_mutex_unlock(&fabric->lock);
    for (size_t at = 0; at < posted.size;) {
        uint8_t peer = posted.data[at++];
        struct message message;
        uint32_t size;
        enum base_result result =
            message_parse(posted.data + at, posted.size - at, &message, &size);
        base_assert(result == RESULT_OK); // our own
        if (!fabric_send(fabric->links, peer, &message)) {
            log_detail(fabric->node->log, fabric, "a control message to peer %u is lost", peer);
        }
        at += size;
    }
    output_fini(&posted);
}

static void on_messages(void *arg, const struct fabric_source *source, uint8_t from_peer,
                        const struct message *messages, uint32_t count)
{
    (void)source;
    struct fabric *fabric = arg;
    struct peer peer;
    if (!peers_copy(&fabric->node->peers, from_peer, &peer)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        // The header anew, because the peer's number of the namespace is not ours.
        struct output copy = {0};
        uint32_t size = (uint32_t)(MESSAGE_HEADER_SIZE + messages[i].body.size);
        uint8_t *at = output_reserve(&copy, size);
        if (at == NULL) {
            continue;
        }
        message_header_store(at, &messages[i], size - MESSAGE_HEADER_SIZE);
        memcpy(at + MESSAGE_HEADER_SIZE, messages[i].body.data, messages[i].body.size);
        pthread_mutex_lock(&fabric->ears_lock);
        if (fabric->ears.deliver != NULL) {
            fabric->ears.deliver(fabric->ears.arg, peer.id, at, size);
        }
        pthread_mutex_unlock(&fabric->ears_lock);
        output_fini(&copy);
    }
}

// A control link that breaks is tried again at once: a refusal says that the peer's process is
// gone.
static void on_lost(void *arg, uint8_t peer, bool reached)
{
    struct fabric *fabric = arg;
    if (reached) {
        fabric_links_reach(fabric->links, peer);
    }
}

// --- handing out ---

void fabric__links_register(struct fabric *fabric, struct fabric_links *links)
{
    if (fabric != NULL) {
        pthread_mutex_lock(&fabric->lock);
        links->next = fabric->registered;
        fabric->registered = links;
        pthread_mutex_unlock(&fabric->lock);
    }
}

void fabric__links_forget(struct fabric *fabric, struct fabric_links *links)
{
    if (fabric != NULL) {
        pthread_mutex_lock(&fabric->lock);
        struct fabric_links **at = &fabric->registered;
        while (*at != NULL && *at != links) {
            at = &(*at)->next;
        }
        if (*at != NULL) {
            *at = links->next;
        }
        pthread_mutex_unlock(&fabric->lock);
    }
}

// Gives the link to the thread that serves this channel and has fewest. Those that come while no
// thread does are closed; the peer tries again.
static void hand_out(struct fabric *fabric, enum fabric_channel channel, struct fabric__link *link)
{
    pthread_mutex_lock(&fabric->lock);
    struct fabric_links *best = NULL;
    for (struct fabric_links *l = fabric->registered; l != NULL; l = l->next) {
        if (l->channel == channel && (best == NULL || atomic_load(&l->accepted_count) <
                                                          atomic_load(&best->accepted_count))) {
            best = l;
        }
    }
    if (best != NULL && atomic_load(&best->accepted_count) < FABRIC_ACCEPTED_MAX) {
        fabric__links_give(best, link);
        link = NULL;
    }
    pthread_mutex_unlock(&fabric->lock);
    if (link != NULL) {
        fabric__link_free(link);
    }
}

// --- guests ---

// Takes the guest out of the list; its socket stays open when `keep`.
static void guest_part(struct guest *guest, bool keep)
{
    struct fabric *fabric = guest->fabric;
    io_loop_remove(fabric->loop, &guest->watch);
    if (!keep) {
        close(guest->watch.fd);
    }
    guest->watch.fd = -1;
    guest->taken = false;
    fabric->guest_count--;
}

static void guest_refuse(struct guest *guest, const char *why)
{
    char host[IO_ADDRESS_TEXT_SIZE]; // a stranger's port changes each time
    snprintf(host, sizeof host, "%s", guest->address);
    char *colon = strrchr(host, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    log_warning_once(guest->fabric->node->log, fabric, host, "turning a link from %s away: %s",
                     guest->address, why);
    guest_part(guest, false);
}

// What is wrong with a guest's HELLO; NULL: nothing.
static const char *hello_judge(struct fabric *fabric, const struct fabric__hello *hello)
{
    char name[LIMIT_CLUSTER_NAME_SIZE + 1];
    config_cluster_name_copy(fabric->node->config, name);
    if (!base_slice_equal(hello->cluster_name,
                          (struct base_slice){(const uint8_t *)name, strlen(name)})) {
        return "it is of a cluster with another name";
    }
    struct peer self;
    if (!peers_copy(&fabric->node->peers, 0, &self) || self.id == hello->node_id) {
        return "it has the id of this node";
    }
    return NULL;
}

// The guest has said all of its HELLO; what came behind it is for the thread that gets the link.
static void guest_introduced(struct guest *guest, const struct message *message, uint32_t size)
{
    struct fabric *fabric = guest->fabric;
    struct fabric__hello hello;
    if (fabric__hello_decode(message->body, &hello) != RESULT_OK) {
        guest_refuse(guest, "it speaks another language");
        return;
    }
    const char *wrong = hello_judge(fabric, &hello);
    uint8_t peer = wrong != NULL ? 0 : peers_number(&fabric->node->peers, hello.node_id);
    if (wrong == NULL && (peer == 0 || peer >= LIMIT_CLUSTER_NODES)) {
        wrong = "there are too many nodes";
    }
    if (wrong != NULL) {
        guest_refuse(guest, wrong);
        return;
    }
    int fd = guest->watch.fd;
    guest_part(guest, true);
    struct fabric__link *link = fabric__link_accepted(fd, peer);
    if (link == NULL) {
        return;
    }
    fabric__link_numbers_set(link, fabric->node, &hello);
    if (fabric__link_greet(link, fabric->node, MESSAGE_WELCOME, hello.channel) &&
        (guest->size == size || output_put(&link->in, guest->bytes + size, guest->size - size))) {
        hand_out(fabric, hello.channel, link);
    } else {
        fabric__link_free(link);
    }
}

static void on_guest(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct guest *guest = (struct guest *)(void *)watch;
    if (!guest->taken) {
        return;
    }
    size_t count;
    enum base_result result =
        io_socket_receive(watch->fd, guest->bytes + guest->size, GUEST_SIZE - guest->size, &count);
    if (result != RESULT_OK) {
        if (result != RESULT_WOULD_BLOCK) {
            guest_part(guest, false);
        }
        return;
    }
    guest->size += (uint32_t)count;
    struct message message;
    uint32_t size;
    result = message_parse(guest->bytes, guest->size, &message, &size);
    bool is_hello = guest->size < 5 || guest->bytes[4] == MESSAGE_HELLO;
    if (!is_hello || (result != RESULT_OK && result != RESULT_INCOMPLETE) ||
        size > MESSAGE_HEADER_SIZE + FABRIC_HELLO_SIZE_MAX) {
        guest_refuse(guest, "it speaks another language");
    } else if (result == RESULT_OK) {
        guest_introduced(guest, &message, size);
    }
}

static struct guest *guest_place(struct fabric *fabric)
{
    for (uint32_t i = 0; i < GUESTS; i++) {
        if (fabric->guests[i] == NULL) {
            fabric->guests[i] = calloc(1, sizeof **fabric->guests);
        }
        if (fabric->guests[i] == NULL || !fabric->guests[i]->taken) {
            return fabric->guests[i];
        }
    }
    return NULL;
}

static void guest_receive(struct fabric *fabric, int fd, const struct io_address *address)
{
    struct guest *guest = guest_place(fabric);
    if (guest == NULL) {
        close(fd);
        return;
    }
    guest->watch = (struct io_watch){.fd = fd, .events = EPOLLIN, .on_event = on_guest};
    guest->fabric = fabric;
    guest->since_ns = io_clock_monotonic_ns();
    guest->size = 0;
    io_address_text(address, guest->address);
    if (io_loop_add(fabric->loop, &guest->watch) != RESULT_OK) {
        close(fd);
        return;
    }
    guest->taken = true;
    fabric->guest_count++;
}

static void guests_look_after(struct fabric *fabric)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    for (uint32_t i = 0; i < GUESTS && fabric->guest_count > 0; i++) {
        struct guest *guest = fabric->guests[i];
        if (guest != NULL && guest->taken &&
            now_ns - guest->since_ns > (uint64_t)GUEST_MAX_MS * 1000 * 1000) {
            guest_refuse(guest, "it does not say who it is");
        }
    }
}

static void on_accept(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct listener *listener = (struct listener *)(void *)watch;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct io_address address = {0};
        socklen_t size = sizeof address;
        int fd = accept4(watch->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        guest_receive(listener->fabric, fd, &address);
    }
}

// --- the thread ---

static void *thread_main(void *arg)
{
    struct fabric *fabric = arg;
    while (!atomic_load_explicit(&fabric->stopping, memory_order_relaxed)) {
        io_loop_run_once(fabric->loop, WAIT_MS);
        posted_send(fabric);
        fabric_links_flush(fabric->links);
        if (fabric->guest_count > 0) {
            guests_look_after(fabric);
        }
    }
    return NULL;
}

static enum base_result listen_on(struct fabric *fabric, const char *address, uint16_t port)
{
    int fds[IO_LISTEN_FDS];
    char error[256];
    uint32_t count;
    enum base_result result = io_listen(address, port, fds, &count, error, sizeof error);
    if (result != RESULT_OK) {
        log_critical(fabric->node->log, fabric, "cannot serve other nodes on %s port %u: %s",
                     address, port, error);
        return result;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (fabric->listener_count == LISTENERS || result != RESULT_OK) {
            close(fds[i]);
            continue;
        }
        struct listener *listener = &fabric->listeners[fabric->listener_count++];
        *listener = (struct listener){
            .watch = {.fd = fds[i], .events = EPOLLIN, .on_event = on_accept}, .fabric = fabric};
        result = io_loop_add(fabric->loop, &listener->watch);
    }
    return result;
}

enum base_result fabric_start(struct node *node, struct fabric **out)
{
    *out = NULL;
    struct fabric *fabric = calloc(1, sizeof *fabric);
    if (fabric == NULL) {
        return RESULT_NO_MEMORY;
    }
    const struct config_network *network = &node->config->network;
    *out = fabric;
    base_assert(node->fabric == fabric);
    fabric->node = node;
    pthread_mutex_init(&fabric->lock, NULL);
    pthread_mutex_init(&fabric->ears_lock, NULL);
    fabric->counters = node_counters_register(node);
    enum base_result result = fabric->counters == NULL ? RESULT_NO_MEMORY : RESULT_OK;
    if (result == RESULT_OK) {
        result = io_loop_new(&fabric->loop);
    }
    for (uint32_t i = 0; result == RESULT_OK && i < network->fabric_address.count; i++) {
        result = listen_on(fabric, network->fabric_address.item[i], network->fabric_port);
    }
    if (result == RESULT_OK) {
        const struct fabric_handler handler = {fabric, on_messages, on_lost};
        result = fabric_links_new(node, fabric->loop, fabric->counters, FABRIC_CONTROL, &handler,
                                  &fabric->links);
    }
    if (result == RESULT_OK) {
        result = pthread_create(&fabric->thread, NULL, thread_main, fabric) == 0 ? RESULT_OK
                                                                                 : RESULT_NO_MEMORY;
        fabric->started = result == RESULT_OK;
    }
    if (result != RESULT_OK) {
        fabric_stop(out);
    }
    return result;
}

void fabric_stop(struct fabric **out)
{
    struct fabric *fabric = *out;
    if (fabric == NULL) {
        return;
    }
    atomic_store(&fabric->stopping, true);
    if (fabric->started) {
        io_loop_wake(fabric->loop);
        pthread_join(fabric->thread, NULL);
    }
    for (uint32_t i = 0; i < fabric->listener_count; i++) {
        close(fabric->listeners[i].watch.fd);
    }
    for (uint32_t i = 0; i < GUESTS; i++) {
        if (fabric->guests[i] != NULL && fabric->guests[i]->taken) {
            close(fabric->guests[i]->watch.fd);
        }
        free(fabric->guests[i]);
    }
    fabric_links_free(&fabric->links);
    base_assert(fabric->registered == NULL || fabric->registered->next == NULL);
    io_loop_free(&fabric->loop);
    output_fini(&fabric->posted);
    pthread_mutex_destroy(&fabric->lock);
    pthread_mutex_destroy(&fabric->ears_lock);
    free(fabric);
    *out = NULL;
}

uint16_t fabric_port(const struct fabric *fabric)
{
    struct io_address address;
    return fabric->listener_count > 0 &&
                   io_socket_local(fabric->listeners[0].watch.fd, &address) == RESULT_OK
               ? io_address_port(&address)
               : 0;
}
