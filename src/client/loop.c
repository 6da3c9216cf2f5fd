// SPDX-License-Identifier: Apache-2.0
// Commands are stepped when their socket is ready or their time has come. Time costs nothing while
// all goes well: one timer stands at the earliest due time ever asked for, and only when it fires
// are the commands looked through.
#include "client/loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/cluster.h"
#include "client/single.h"
#include "io/clock.h"
#include "io/loop.h"

enum {
    LOOP_MAGIC = 0x434c4f50,
    SPARE_SINGLES_MAX = 1024,
    NS_PER_S = 1000000000,
    SWEEP_INTERVAL_NS = 1000000000, // between looks for idle connections that have grown old
};

struct ballast_loop {
    uint32_t magic;
    struct ballast_cluster *cluster;
    struct io_loop *events;
    struct io_watch timer;
    uint64_t timer_due_ns; // UINT64_MAX: not set
    bool closing;

    struct client_command *running; // doubly linked
    struct client_command *ended;   // ended while they were started; told from the next run
    size_t pending;                 // requests of the program
    size_t ended_count;             // in this run

    struct client_connection *idle[LIMIT_CLIENT_NODES]; // last used first
    struct client_connection *graveyard;
    uint64_t swept_ns;
    struct client_single *spare; // linked by command.loop_next
    size_t spare_count;
};

struct ballast_cluster *client__loop_cluster(struct ballast_loop *loop)
{
    return loop->cluster;
}

bool client__loop_is_closing(const struct ballast_loop *loop)
{
    return loop->closing;
}

void client__loop_request_begin(struct ballast_loop *loop)
{
    loop->pending++;
}

void client__loop_request_end(struct ballast_loop *loop)
{
    loop->pending--;
    loop->ended_count++;
}

struct client_single *client__loop_single_take(struct ballast_loop *loop)
{
    struct client_single *single = loop->spare;
    if (single == NULL) {
        return malloc(sizeof *single);
    }
    loop->spare = (struct client_single *)(void *)single->command.loop_next;
    loop->spare_count--;
    return single;
}

void client__loop_single_give(struct ballast_loop *loop, struct client_single *single)
{
    if (loop->spare_count == SPARE_SINGLES_MAX) {
        free(single);
        return;
    }
    single->command.loop_next = (struct client_command *)(void *)loop->spare;
    loop->spare = single;
    loop->spare_count++;
}

// ---- connections --------------------------------------------------------------------------------

static void idle_remove(struct ballast_loop *loop, struct client_connection *connection)
{
    struct client_connection **at = &loop->idle[connection->node->number];
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
}

static bool is_fit(const struct ballast_loop *loop, const struct client_connection *connection,
                   uint64_t now_ns)
{
    return connection->incarnation == atomic_load(&connection->node->incarnation) &&
           now_ns < connection->used_ns + loop->cluster->idle_max_ns;
}

enum base_result client__loop_acquire(struct ballast_loop *loop, struct client_node *node,
                                      uint64_t now_ns, struct client_connection **out, bool *reused)
{
    struct client_connection *connection;
    while ((connection = loop->idle[node->number]) != NULL) {
        loop->idle[node->number] = connection->next;
        if (is_fit(loop, connection, now_ns)) {
            *reused = true;
            *out = connection;
            return RESULT_OK;
        }
        client__loop_discard(loop, connection);
    }
    *reused = false;
    enum base_result result = client__node_open(node, loop->cluster->connections_per_node_max, out);
    if (result == RESULT_OK) {
        (*out)->loop = loop;
    }
    return result;
}

void client__loop_release(struct ballast_loop *loop, struct client_connection *connection)
{
    connection->command = NULL;
    connection->next = loop->idle[connection->node->number];
    loop->idle[connection->node->number] = connection;
}

void client__loop_discard(struct ballast_loop *loop, struct client_connection *connection)
{
    if (connection->watch.events != 0) {
        io_loop_remove(loop->events, &connection->watch);
    }
    close(connection->watch.fd);
    connection->watch.fd = -1;
    connection->command = NULL;
    atomic_fetch_sub(&connection->node->connections_open, 1);
    connection->node = NULL;
    connection->next = loop->graveyard;
    loop->graveyard = connection;
}

// Closes idle connections that would not be used again.
static void idle_sweep(struct ballast_loop *loop)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    if (now_ns < loop->swept_ns + SWEEP_INTERVAL_NS) {
        return;
    }
    loop->swept_ns = now_ns;
    for (uint32_t i = 0; i < LIMIT_CLIENT_NODES; i++) {
        struct client_connection **at = &loop->idle[i];
        while (*at != NULL) {
            struct client_connection *connection = *at;
            if (is_fit(loop, connection, now_ns)) {
                at = &connection->next;
            } else {
                *at = connection->next;
                client__loop_discard(loop, connection);
            }
        }
    }
}

static void graveyard_clear(struct ballast_loop *loop)
{
    while (loop->graveyard != NULL) {
        struct client_connection *connection = loop->graveyard;
        loop->graveyard = connection->next;
        free(connection);
    }
}

// ---- commands -----------------------------------------------------------------------------------

static void timer_set(struct ballast_loop *loop, uint64_t due_ns)
{
    if (due_ns >= loop->timer_due_ns) {
        return;
    }
    loop->timer_due_ns = due_ns;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(due_ns / NS_PER_S), .tv_nsec = (long)(due_ns % NS_PER_S)}};
    if (due_ns == 0) {
        when.it_value.tv_nsec = 1; // zero would switch the timer off
    }
    int failed = timerfd_settime(loop->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
    base_assert(failed == 0);
}

static void running_remove(struct ballast_loop *loop, struct client_command *command)
{
    if (command->loop_previous != NULL) {
        command->loop_previous->loop_next = command->loop_next;
    } else {
        loop->running = command->loop_next;
    }
    if (command->loop_next != NULL) {
        command->loop_next->loop_previous = command->loop_previous;
    }
    command->loop_previous = command->loop_next = NULL;
}

static void on_event(struct io_watch *watch, uint32_t events);

// Watches the command's connection for what the command waits for.
static enum base_result connection_arm(struct ballast_loop *loop, struct client_command *command,
                                       enum client_wait wait)
{
    struct client_connection *connection = command->connection;
    uint32_t events = wait == CLIENT_WAIT_WRITE ? EPOLLOUT : EPOLLIN;
    connection->command = command;
    if (connection->watch.events == 0) {
        connection->watch.events = events;
        connection->watch.on_event = on_event;
        enum base_result result = io_loop_add(loop->events, &connection->watch);
        if (result != RESULT_OK) {
            connection->watch.events = 0;
        }
        return result;
    }
    return connection->watch.events == events
               ? RESULT_OK
               : io_loop_change(loop->events, &connection->watch, events);
}

// Steps a command and sees to it that it will be stepped again. True when it has ended.
static bool command_drive(struct ballast_loop *loop, struct client_command *command)
{
    enum client_wait wait = client__command_step(command, io_clock_monotonic_ns());
    if (wait == CLIENT_WAIT_READ || wait == CLIENT_WAIT_WRITE) {
        enum base_result result = connection_arm(loop, command, wait);
        if (result != RESULT_OK) {
            client__command_cancel(command, result);
            wait = CLIENT_WAIT_DONE;
        }
    }
    if (wait == CLIENT_WAIT_DONE) {
        running_remove(loop, command);
        return true;
    }
    timer_set(loop, client__command_wake_ns(command));
    return false;
}

static void on_event(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct client_connection *connection = (struct client_connection *)(void *)watch;
    if (watch->fd < 0) {
        return; // closed earlier in the same batch of events
    }
    struct ballast_loop *loop = connection->loop;
    struct client_command *command = connection->command;
    if (command == NULL) {
        // Nobody asked for anything: the node has closed the idle connection.
        idle_remove(loop, connection);
        client__loop_discard(loop, connection);
    } else if (command_drive(loop, command)) {
        command->on_done(command);
    }
}

static void on_timer(struct io_watch *watch, uint32_t events)
{
    (void)events;
    struct ballast_loop *loop =
        (struct ballast_loop *)(void *)((char *)watch - offsetof(struct ballast_loop, timer));
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    (void)got; // a timer that was moved in the meantime has nothing to read
    loop->timer_due_ns = UINT64_MAX;
    uint64_t now_ns = io_clock_monotonic_ns(), next_ns = UINT64_MAX;
    struct client_command *command = loop->running, *next;
    for (; command != NULL; command = next) {
        next = command->loop_next;
        uint64_t due_ns = client__command_wake_ns(command);
        if (due_ns > now_ns) {
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        } else if (command_drive(loop, command)) {
            command->on_done(command);
        }
    }
    timer_set(loop, next_ns);
}

void client__loop_start(struct ballast_loop *loop, struct client_command *command)
{
    command->loop = loop;
    command->loop_previous = NULL;
    command->loop_next = loop->running;
    if (loop->running != NULL) {
        loop->running->loop_previous = command;
    }
    loop->running = command;
    if (command_drive(loop, command)) {
        command->loop_next = loop->ended;
        loop->ended = command;
        io_loop_wake(loop->events);
    }
}

static void ended_tell(struct ballast_loop *loop)
{
    struct client_command *command = loop->ended;
    loop->ended = NULL;
    while (command != NULL) {
        struct client_command *next = command->loop_next;
        command->loop_next = NULL;
        command->on_done(command);
        command = next;
    }
}

// ---- the public face ----------------------------------------------------------------------------

int ballast_loop_new(struct ballast_cluster *cluster, struct ballast_loop **out,
                     struct ballast_error *error)
{
    *out = NULL;
    struct ballast_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return client__error_set(error, RESULT_NO_MEMORY, false);
    }
    loop->magic = LOOP_MAGIC;
    loop->cluster = cluster;
    loop->timer_due_ns = UINT64_MAX;
    atomic_fetch_add(&cluster->loop_count, 1);
    loop->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->timer.events = EPOLLIN;
    loop->timer.on_event = on_timer;
    enum base_result result = loop->timer.fd < 0 ? RESULT_IO : io_loop_new(&loop->events);
    if (result == RESULT_OK) {
        result = io_loop_add(loop->events, &loop->timer);
    }
    if (result != RESULT_OK) {
        ballast_loop_free(&loop);
    }
    *out = loop;
    return client__error_set(error, result, false);
}

void ballast_loop_free(struct ballast_loop **loop)
{
    struct ballast_loop *l = *loop;
    if (l == NULL) {
        return;
    }
    base_magic_check(l, LOOP_MAGIC);
    l->closing = true;
    ended_tell(l);
    while (l->running != NULL) {
        struct client_command *command = l->running;
        client__command_cancel(command, RESULT_CANCELLED);
        running_remove(l, command);
        command->on_done(command);
    }
    base_assert(l->pending == 0);
    for (uint32_t i = 0; i < LIMIT_CLIENT_NODES; i++) {
        while (l->idle[i] != NULL) {
            struct client_connection *connection = l->idle[i];
            l->idle[i] = connection->next;
            client__loop_discard(l, connection);
        }
    }
    graveyard_clear(l);
    while (l->spare != NULL) {
        free(client__loop_single_take(l));
    }
    if (l->timer.fd >= 0) {
        close(l->timer.fd);
    }
    io_loop_free(&l->events);
    atomic_fetch_sub(&l->cluster->loop_count, 1);
    free(l);
    *loop = NULL;
}

int ballast_loop_fd(const struct ballast_loop *loop)
{
    return io_loop_fd(loop->events);
}

size_t ballast_loop_run_once(struct ballast_loop *loop, int timeout_ms)
{
    base_magic_check(loop, LOOP_MAGIC);
    loop->ended_count = 0;
    ended_tell(loop);
    io_loop_run_once(loop->events, loop->ended_count > 0 ? 0 : timeout_ms);
    ended_tell(loop);
    idle_sweep(loop);
    graveyard_clear(loop);
    return loop->ended_count;
}

size_t ballast_loop_pending(const struct ballast_loop *loop)
{
    return loop->pending;
}
