// SPDX-License-Identifier: Apache-2.0
// The service threads and the thread that accepts for them.
#include "server/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/listen.h"
#include "io/system.h"
#include "server/fabric.h"
#include "server/log.h"
#include "server/operation.h"

enum {
    WAIT_MS = 1000,         // the longest a thread sleeps before it looks at idle connections
    STALLED_MAX_MS = 60000, // a client that takes nothing of its answers for this long is closed
    ACCEPTS_PER_EVENT = 64,
    REAPED_AT_ONCE = 256,
    FILES_RESERVED = 256,
};

void service_thread_enlist(struct service_thread *thread, struct connection *c)
{
    pthread_mutex_lock(&thread->lock);
    c->next = thread->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    thread->connections = c;
    pthread_mutex_unlock(&thread->lock);
    atomic_fetch_add(&thread->load, 1);
    atomic_fetch_add(&thread->service->node->client_connections, 1);
}

void service_thread_delist(struct service_thread *thread, struct connection *c)
{
    pthread_mutex_lock(&thread->lock);
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        thread->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    pthread_mutex_unlock(&thread->lock);
    atomic_fetch_sub(&thread->load, 1);
    atomic_fetch_sub(&thread->service->node->client_connections, 1);
}

void service_thread_due(struct service_thread *thread, struct connection *c)
{
    if (!c->due) {
        c->due = true;
        c->next_due = thread->due;
        thread->due = c;
    }
}

void service_thread_bury(struct service_thread *thread, struct connection *c)
{
    service_thread_delist(thread, c);
    if (!c->due) { // else it waits in the list of due ones, where due_work buries it
        c->next_due = thread->graveyard;
        thread->graveyard = c;
    }
}

void service_thread_give_back(struct service_thread *thread, struct connection *c, bool keep)
{
    pthread_mutex_lock(&thread->lock);
    c->lost = !keep;
    c->next_due = thread->returned;
    thread->returned = c;
    pthread_mutex_unlock(&thread->lock);
    io_loop_wake(thread->loop);
}

static void returned_take(struct service_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    struct connection *c = thread->returned;
    thread->returned = NULL;
    pthread_mutex_unlock(&thread->lock);
    while (c != NULL) {
        struct connection *next = c->next_due;
        c->lent = false;
        c->active_ns = io_clock_monotonic_ns();
        if (c->lost || io_loop_add(thread->loop, &c->watch) != RESULT_OK) {
            connection_close(c);
        } else {
            connection_resume(c);
        }
        c = next;
    }
}

static void due_work(struct service_thread *thread)
{
    struct connection *c = thread->due;
    thread->due = NULL;
    while (c != NULL) {
        struct connection *next = c->next_due;
        c->due = false;
        if (c->closed) {
            c->next_due = thread->graveyard;
            thread->graveyard = c;
        } else {
            connection_resume(c);
        }
        c = next;
    }
}

static void graveyard_clear(struct service_thread *thread)
{
    while (thread->graveyard != NULL) {
        struct connection *c = thread->graveyard;
        thread->graveyard = c->next_due;
        free(c);
    }
}

static bool is_overdue(const struct connection *c, uint64_t now_ns, uint64_t idle_ns)
{
    if (c->lent || c->closed) {
        return false;
    }
    uint64_t quiet_ns = now_ns > c->active_ns ? now_ns - c->active_ns : 0;
    if (c->pending.size > 0) {
        uint64_t stalled_ns = (uint64_t)STALLED_MAX_MS * 1000 * 1000;
        return quiet_ns > (idle_ns != 0 && idle_ns < stalled_ns ? idle_ns : stalled_ns);
    }
    return idle_ns != 0 && c->batch == NULL && c->replies.first == NULL && quiet_ns > idle_ns;
}

// Closes the connections that have been idle, or that have not taken a byte of what they are owed,
// for too long.
static void reap(struct service_thread *thread)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    if (now_ns - thread->reaped_ns < (uint64_t)WAIT_MS * 1000 * 1000) {
        return;
    }
    thread->reaped_ns = now_ns;
    struct node *node = thread->service->node;
    uint64_t idle_ns = (uint64_t)atomic_load_explicit(&node->config->service.proto_fd_idle_ms,
                                                      memory_order_relaxed) *
                       1000 * 1000;
    struct connection *overdue[REAPED_AT_ONCE];
    uint32_t count = 0;
    pthread_mutex_lock(&thread->lock);
    for (struct connection *c = thread->connections; c != NULL && count < REAPED_AT_ONCE;
         c = c->next) {
        if (is_overdue(c, now_ns, idle_ns)) {
            overdue[count++] = c;
        }
    }
    pthread_mutex_unlock(&thread->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct connection *c = overdue[i];
        if (c->pending.size > 0) {
            log_warning_once(node->log, proto, c->peer,
                             "closing the connection: it takes no answers");
        }
        counters_add(&thread->worker.counters->node.reaped_fds, 1);
        connection_close(c);
    }
}

void service_thread_answered(struct service_thread *thread, struct connection *c)
{
    if (!c->answered) {
        c->answered = true;
        c->next_answered = thread->answered;
        thread->answered = c;
    }
}

static void answered_work(struct service_thread *thread)
{
    while (thread->answered != NULL) {
        struct connection *c = thread->answered;
        thread->answered = c->next_answered;
        c->answered = false;
        if (!c->closed) {
            connection_answer(c);
        }
    }
}

// What waits for others; returns how long the thread may sleep.
static int operations_turn(struct service_thread *thread)
{
    if (atomic_load_explicit(&thread->places_changed, memory_order_relaxed) &&
        atomic_exchange(&thread->places_changed, false)) {
        operations_places_changed(thread->operations);
    }
    service_thread_tick(thread);
    int wait_ms = operations_work(thread->operations);
    answered_work(thread);
    if (thread->links != NULL) {
        fabric_links_flush(thread->links);
    }
    return wait_ms >= 0 ? wait_ms : WAIT_MS;
}

static void *thread_main(void *arg)
{
    struct service_thread *thread = arg;
    int wait_ms = WAIT_MS;
    while (!atomic_load_explicit(&thread->service->stopping, memory_order_relaxed)) {
        thread->ticked = false;
        io_loop_run_once(thread->loop, thread->due != NULL ? 0 : wait_ms);
        connection_stages_finish(thread);
        returned_take(thread);
        due_work(thread);
        wait_ms = operations_turn(thread);
        reap(thread);
        graveyard_clear(thread);
    }
    return NULL;
}

static void on_messages(void *arg, const struct fabric_source *source, uint8_t from,
                        const struct message *messages, uint32_t count)
{
    struct service_thread *thread = arg;
    service_thread_tick(thread);
    operations_on_messages(thread->operations, source, from, messages, count);
}

static void on_lost(void *arg, uint8_t peer, bool reached)
{
    struct service_thread *thread = arg;
    operations_on_lost(thread->operations, peer, reached);
}

// Links to other nodes, and the operations that need them.
static enum base_result thread_join_nodes(struct service_thread *thread)
{
    struct node *node = thread->service->node;
    enum base_result result = RESULT_OK;
    if (node->fabric != NULL) {
        const struct fabric_handler handler = {thread, on_messages, on_lost};
        result = fabric_links_new(node, thread->loop, thread->worker.counters, FABRIC_SERVICE,
                                  &handler, &thread->links);
    }
    if (result == RESULT_OK) {
        result = operations_new(&thread->worker, thread->links, thread->loop, &thread->operations);
        thread->worker.operations = thread->operations;
    }
    return result;
}

struct operations *service_operations(struct node *node, uint32_t number)
{
    struct service *service = node->service;
    return service == NULL || service->thread_count == 0
               ? NULL
               : service->threads[number % service->thread_count].operations;
}

void service_operations_count(struct node *node, uint32_t *all, uint32_t *proxied)
{
    *all = *proxied = 0;
    for (uint32_t i = 0; node->service != NULL && i < node->service->thread_count; i++) {
        uint32_t count, passed_on;
        operations_counts(node->service->threads[i].operations, &count, &passed_on);
        *all += count;
        *proxied += passed_on;
    }
}

void service_places_changed(struct node *node, uint32_t namespace_number)
{
    pthread_mutex_lock(&node->service_lock);
    struct service *service = node->service;
    atomic_store_explicit(&node->namespaces[namespace_number].places_changed_ns,
                          io_clock_monotonic_ns(), memory_order_relaxed);
    // Few operations wait: all of them look again.
    for (uint32_t i = 0; service != NULL && i < service->thread_count; i++) {
        struct service_thread *thread = &service->threads[i];
        if (thread->started && !atomic_exchange(&thread->places_changed, true)) {
            io_loop_wake(thread->loop);
        }
    }
    pthread_mutex_unlock(&node->service_lock);
}

static struct service_thread *least_loaded(struct service *service)
{
    struct service_thread *best = &service->threads[0];
    for (uint32_t i = 1; i < service->thread_count; i++) {
        if (atomic_load(&service->threads[i].load) < atomic_load(&best->load)) {
            best = &service->threads[i];
        }
    }
    return best;
}

static void peer_text(const struct sockaddr_storage *address, char out[CONNECTION_PEER_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr); // an IPv4 client on an IPv6 listener
        const uint8_t *bytes = v6->sin6_addr.s6_addr;
        inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? bytes + 12 : bytes, host, sizeof host);
        snprintf(out, CONNECTION_PEER_SIZE, mapped ? "%s:%u" : "[%s]:%u", host,
                 ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, CONNECTION_PEER_SIZE, "%s:%u", host, ntohs(v4->sin_port));
    }
}

// Without a descriptor left the kernel would offer the same connection for ever: the spare one is
// given up to take it and turn it away.
static void turn_away(struct service *service, int listen_fd)
{
    log_warning_once(service->node->log, service, "descriptors",
                     "out of file descriptors: turning connections away; raise the limit of open "
                     "files or lower proto-fd-max");
    close(service->spare_fd);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    service->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_accept(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct listener *listener = (struct listener *)(void *)watch;
    struct service *service = listener->service;
    struct node *node = service->node;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct sockaddr_storage address;
        socklen_t address_size = sizeof address;
        int fd = accept4(watch->fd, (struct sockaddr *)&address, &address_size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                turn_away(service, watch->fd);
            }
            return;
        }
        char peer[CONNECTION_PEER_SIZE];
        peer_text(&address, peer);
        if (atomic_load(&node->client_connections) >=
            (int64_t)atomic_load(&node->config->service.proto_fd_max)) {
            log_warning_once(node->log, service, "proto-fd-max",
                             "proto-fd-max connections are open: turning %s away", peer);
            close(fd);
            continue;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        counters_add(&service->accept_counters->node.client_connections_opened, 1);
        if (connection_adopt(least_loaded(service), fd, listener->kind, peer) != RESULT_OK) {
            counters_add(&service->accept_counters->node.client_connections_closed, 1);
        }
    }
}

static void *accept_main(void *arg)
{
    struct service *service = arg;
    while (!atomic_load(&service->stopping)) {
        io_loop_run_once(service->accept_loop, WAIT_MS);
    }
    return NULL;
}

static enum base_result listen_on(struct service *service, const struct config_list *addresses,
                                  uint16_t port, enum connection_kind kind, const char *what)
{
    for (uint32_t i = 0; i < addresses->count; i++) {
        int fds[IO_LISTEN_FDS];
        char error[256];
        uint32_t count;
        enum base_result result =
            io_listen(addresses->item[i], port, fds, &count, error, sizeof error);
        if (result != RESULT_OK) {
            log_critical(service->node->log, service, "cannot serve %s on %s port %u: %s", what,
                         addresses->item[i], port, error);
            return result;
        }
        for (uint32_t k = 0; k < count; k++) {
            if (service->listener_count == SERVICE_LISTENERS) {
                close(fds[k]);
                continue;
            }
            struct listener *listener = &service->listeners[service->listener_count++];
            *listener =
                (struct listener){.watch = {.fd = fds[k], .events = EPOLLIN, .on_event = on_accept},
                                  .service = service,
                                  .kind = kind};
            result = io_loop_add(service->accept_loop, &listener->watch);
            if (result != RESULT_OK) {
                return result;
            }
        }
    }
    return RESULT_OK;
}

static enum base_result thread_start(struct service *service, uint32_t number)
{
    struct service_thread *thread = &service->threads[number];
    *thread = (struct service_thread){.number = number, .service = service};
    pthread_mutex_init(&thread->lock, NULL);
    enum base_result result = RESULT_OK;
    for (uint32_t i = 0; i < SERVICE_STAGES; i++) {
        thread->stages[i].bytes = malloc(SERVICE_SCRATCH_SIZE);
        if (thread->stages[i].bytes == NULL) {
            result = RESULT_NO_MEMORY;
        }
    }
    if (result == RESULT_OK) {
        result = worker_init(&thread->worker, service->node);
    }
    if (result == RESULT_OK) {
        result = io_loop_new(&thread->loop);
    }
    if (result == RESULT_OK) {
        result = thread_join_nodes(thread);
    }
    if (result == RESULT_OK && pthread_create(&thread->pthread, NULL, thread_main, thread) != 0) {
        result = RESULT_NO_MEMORY;
    }
    thread->started = result == RESULT_OK;
    return result;
}

// Raises the limit of open files as far as it goes and leaves clients all but what the node needs
// for itself, so that a crowd of them never keeps it from its own files.
static void descriptors_fit(struct node *node)
{
    uint64_t limit = io_system_files_raise();
    uint64_t reserved = limit / 4 < FILES_RESERVED ? limit / 4 : FILES_RESERVED;
    uint64_t room = limit - reserved;
    if (atomic_load(&node->config->service.proto_fd_max) > room) {
        log_warning(node->log, service,
                    "%llu client connections at most: the limit of open files is %llu",
                    (unsigned long long)room, (unsigned long long)limit);
        atomic_store(&node->config->service.proto_fd_max, (uint32_t)room);
    }
}

enum base_result service_start(struct node *node, struct service **out)
{
    *out = NULL;
    descriptors_fit(node);
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        return RESULT_NO_MEMORY;
    }
    const struct config_network *network = &node->config->network;
    service->node = node;
    service->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum base_result result = io_loop_new(&service->accept_loop);
    service->accept_counters = node_counters_register(node);
    service->threads = calloc(node->config->service.service_threads, sizeof *service->threads);
    if (service->accept_counters == NULL || service->threads == NULL) {
        result = RESULT_NO_MEMORY;
    }
    for (uint32_t i = 0; result == RESULT_OK && i < node->config->service.service_threads; i++) {
        result = thread_start(service, i);
        service->thread_count++;
    }
    if (result == RESULT_OK) {
        result = listen_on(service, &network->service_address, network->service_port,
                           CONNECTION_CLIENT, "clients");
    }
    if (result == RESULT_OK && network->info_enabled) {
        result = listen_on(service, &network->info_address, network->info_port, CONNECTION_TELNET,
                           "info");
    }
    if (result == RESULT_OK &&
        pthread_create(&service->accept_pthread, NULL, accept_main, service) != 0) {
        result = RESULT_NO_MEMORY;
    }
    service->accept_started = result == RESULT_OK;
    if (result != RESULT_OK) {
        service_stop(&service);
        return result;
    }
    *out = service;
    return RESULT_OK;
}

static void thread_end(struct service_thread *thread)
{
    if (thread->started) {
        io_loop_wake(thread->loop);
        pthread_join(thread->pthread, NULL);
    }
}

static void thread_fini(struct service_thread *thread)
{
    if (thread->loop != NULL) {
        returned_take(thread);
    }
    while (thread->connections != NULL) {
        connection_close(thread->connections);
    }
    due_work(thread);
    graveyard_clear(thread);
    fabric_links_free(&thread->links);
    operations_free(&thread->operations);
    io_loop_free(&thread->loop);
    worker_fini(&thread->worker);
    for (uint32_t i = 0; i < SERVICE_STAGES; i++) {
        free(thread->stages[i].bytes);
    }
    pthread_mutex_destroy(&thread->lock);
}

void service_stop(struct service **service)
{
    struct service *s = *service;
    if (s == NULL) {
        return;
    }
    atomic_store(&s->stopping, true);
    if (s->accept_started) {
        io_loop_wake(s->accept_loop);
        pthread_join(s->accept_pthread, NULL);
    }
    for (uint32_t i = 0; i < s->listener_count; i++) {
        close(s->listeners[i].watch.fd);
    }
    for (uint32_t i = 0; i < s->thread_count; i++) {
        thread_end(&s->threads[i]);
    }
    pthread_mutex_lock(&s->node->service_lock);
    *service = NULL; // the clustering thread may still tell of changed places
    pthread_mutex_unlock(&s->node->service_lock);
    for (uint32_t i = 0; i < s->thread_count; i++) {
        thread_fini(&s->threads[i]);
    }
    io_loop_free(&s->accept_loop);
    if (s->spare_fd >= 0) {
        close(s->spare_fd);
    }
    free(s->threads);
    free(s);
}
