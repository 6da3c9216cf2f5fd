// SPDX-License-Identifier: Apache-2.0
// The rules of trying again stand here and nowhere else: a try that cannot have reached the record
// may always be repeated; a read may; a write that was sent whole and not answered may not, unless
// the policy says so.
#include "client/command.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "client/cluster.h"
#include "client/loop.h"
#include "client/tend.h"
#include "io/clock.h"
#include "io/compress.h"

enum {
    NS_PER_MS = 1000 * 1000,
    RECEIVES_PER_STEP = 16, // then others get their turn
    RETRY_SLEEP_FIRST_MS = 10,
    RETRY_SLEEP_MAX_MS = 250,
    HEAP_BUFFER_SIZE_MIN = 16 * 1024,
};

static uint64_t after_ms(uint64_t now_ns, uint32_t ms)
{
    return ms == 0 ? UINT64_MAX : now_ns + (uint64_t)ms * NS_PER_MS;
}

void client__command_init(struct client_command *command, struct ballast_cluster *cluster,
                          const struct ballast_policy *policy, uint64_t now_ns)
{
    struct ballast_policy defaults;
    if (policy == NULL) {
        ballast_policy_init(&defaults);
        policy = &defaults;
    }
    memset(command, 0, offsetof(struct client_command, in_small));
    command->cluster = cluster;
    command->retry_in_doubt = policy->retry_in_doubt;
    command->replica_any = policy->replica == BALLAST_REPLICA_SEQUENCE;
    command->connect_timeout_ms = cluster == NULL ? 0 : cluster->connect_timeout_ms;
    command->socket_timeout_ms = policy->socket_timeout_ms;
    command->retries_max = policy->retries_max;
    command->retry_sleep_ms = policy->retry_sleep_ms;
    command->deadline_ns = after_ms(now_ns, policy->total_timeout_ms);
    command->in = command->in_small;
    command->in_capacity = sizeof command->in_small;
    command->loop_previous = command->loop_next = NULL;
    command->on_done = NULL;
    command->result = RESULT_OK;
    command->in_doubt = false;
}

void client__command_init_pause(struct client_command *command, uint64_t wake_ns)
{
    client__command_init(command, NULL, NULL, wake_ns);
    command->deadline_ns = UINT64_MAX;
    command->pause = true;
    command->step = CLIENT_STEP_SLEEP;
    command->wake_ns = wake_ns;
}

void client__command_fini(struct client_command *command)
{
    base_assert(command->connection == NULL);
    if (command->in != command->in_small) {
        free(command->in);
    }
    command->in = command->in_small;
    command->in_capacity = sizeof command->in_small;
}

static void connection_drop(struct client_command *command)
{
    struct client_connection *connection = command->connection;
    command->connection = NULL;
    if (connection != NULL && connection->loop != NULL) {
        client__loop_discard(connection->loop, connection);
    } else {
        client__connection_close(connection);
    }
}

static void connection_keep(struct client_command *command, uint64_t now_ns)
{
    struct client_connection *connection = command->connection;
    command->connection = NULL;
    if (command->address != NULL) {
        *command->kept = connection;
    } else if (connection->loop != NULL) {
        connection->used_ns = now_ns;
        client__loop_release(connection->loop, connection);
    } else {
        client__node_release(command->node, connection, now_ns);
    }
}

static enum client_wait finish(struct client_command *command, enum base_result result)
{
    command->step = CLIENT_STEP_DONE;
    command->result = result;
    command->in_doubt = command->write && result != RESULT_OK &&
                        (command->doubt || result == RESULT_TIMEOUT || result == RESULT_MALFORMED);
    return CLIENT_WAIT_DONE;
}

// True while the request is whole with the node and the answer is not here.
static bool is_unanswered(const struct client_command *command)
{
    return command->step == CLIENT_STEP_RECEIVE;
}

void client__command_cancel(struct client_command *command, enum base_result result)
{
    if (command->step == CLIENT_STEP_DONE) {
        return;
    }
    command->doubt |= is_unanswered(command);
    connection_drop(command);
    finish(command, result);
}

static bool map_may_be_old(enum base_result result)
{
    return result == RESULT_PARTITION_UNAVAILABLE || result == RESULT_NO_NODE ||
           result == RESULT_IO || result == RESULT_CLOSED;
}

// Sleeps before the next try when there may be one, else ends the command.
static enum client_wait retry_or_finish(struct client_command *command, enum base_result result,
                                        uint64_t now_ns)
{
    if (command->cluster != NULL && map_may_be_old(result)) {
        client__tend_request(command->cluster);
    }
    uint64_t sleep_ms = command->retry_sleep_ms;
    if (sleep_ms == 0) {
        // A connection that had died in the pool, or another replica, is worth a try at once.
        bool at_once = command->retries == 0 && (command->reused || command->replica_any) &&
                       result != RESULT_PARTITION_UNAVAILABLE && result != RESULT_NO_NODE;
        sleep_ms = at_once ? 0 : (uint64_t)RETRY_SLEEP_FIRST_MS << (command->retries & 7);
        sleep_ms = sleep_ms > RETRY_SLEEP_MAX_MS ? RETRY_SLEEP_MAX_MS : sleep_ms;
    }
    command->wake_ns = now_ns + sleep_ms * NS_PER_MS;
    if (command->retries >= command->retries_max || command->wake_ns >= command->deadline_ns) {
        return finish(command, result);
    }
    command->retries++;
    command->step = CLIENT_STEP_SLEEP;
    return CLIENT_WAIT_NOTHING;
}

// A try ended without an answer.
static enum client_wait try_fail(struct client_command *command, enum base_result result,
                                 uint64_t now_ns)
{
    bool unanswered = is_unanswered(command);
    command->doubt |= unanswered;
    connection_drop(command);
    if (result == RESULT_MALFORMED || result == RESULT_NO_MEMORY || result == RESULT_LIMIT ||
        (unanswered && command->write && !command->retry_in_doubt)) {
        return finish(command, result);
    }
    return retry_or_finish(command, result, now_ns);
}

// The answer is whole.
static enum client_wait answer_finish(struct client_command *command, uint64_t now_ns)
{
    enum base_result result = command->result;
    bool usable = command->in_size == 0 && result != RESULT_MALFORMED &&
                  result != RESULT_CANCELLED && result != RESULT_NO_MEMORY &&
                  result != RESULT_NOT_AUTHENTICATED;
    if (usable) {
        connection_keep(command, now_ns);
    } else {
        connection_drop(command);
    }
    if (result == RESULT_PARTITION_UNAVAILABLE || result == RESULT_DEVICE_OVERLOAD ||
        (result == RESULT_TIMEOUT && !command->write)) {
        return retry_or_finish(command, result, now_ns);
    }
    return finish(command, result);
}

static enum base_result connection_take(struct client_command *command, uint64_t now_ns)
{
    struct ballast_cluster *cluster = command->cluster;
    if (command->address != NULL) {
        command->reused = *command->kept != NULL;
        command->connection = *command->kept;
        *command->kept = NULL;
        return command->reused ? RESULT_OK
                               : client__connection_open(command->address, &command->connection);
    }
    if (command->partitions != NULL) {
        uint32_t replica = command->replica_any && !command->write ? command->retries : 0;
        uint32_t number;
        if (!client__map_owner(command->partitions, command->partition, replica, &number)) {
            return RESULT_NO_NODE;
        }
        command->node = cluster->nodes[number];
    }
    if (command->loop != NULL) {
        return client__loop_acquire(command->loop, command->node, now_ns, &command->connection,
                                    &command->reused);
    }
    return client__node_acquire(command->node, cluster->connections_per_node_max, now_ns,
                                cluster->idle_max_ns, &command->connection, &command->reused);
}

static enum client_wait step_route(struct client_command *command, uint64_t now_ns)
{
    command->sent = 0;
    command->in_size = 0;
    enum base_result result = connection_take(command, now_ns);
    if (result != RESULT_OK) {
        return try_fail(command, result, now_ns);
    }
    command->connecting = !command->reused;
    command->progress_deadline_ns = after_ms(
        now_ns, command->connecting ? command->connect_timeout_ms : command->socket_timeout_ms);
    command->step = CLIENT_STEP_SEND;
    return CLIENT_WAIT_NOTHING;
}

static enum client_wait step_send(struct client_command *command, uint64_t now_ns)
{
    while (command->sent < command->request_size) {
        size_t sent;
        enum base_result result =
            io_socket_send(client__command_fd(command), command->request + command->sent,
                           command->request_size - command->sent, &sent);
        if (result == RESULT_WOULD_BLOCK) {
            return now_ns < command->progress_deadline_ns
                       ? CLIENT_WAIT_WRITE
                       : try_fail(command, RESULT_CLIENT_TIMEOUT, now_ns);
        }
        if (result != RESULT_OK) {
            return try_fail(command, result, now_ns);
        }
        command->sent += sent;
        command->connecting = false;
        command->progress_deadline_ns = after_ms(now_ns, command->socket_timeout_ms);
    }
    command->step = CLIENT_STEP_RECEIVE;
    return CLIENT_WAIT_READ; // no answer can be here yet
}

// Makes room for at least one more byte, and for a frame of `frame_size` when that is known. Grows
// by doubling, so that memory follows the bytes that came and not the size that was announced.
static enum base_result input_reserve(struct client_command *command, size_t frame_size)
{
    if (command->in_size < command->in_capacity) {
        return RESULT_OK;
    }
    size_t capacity = command->in_capacity * 2;
    if (capacity < HEAP_BUFFER_SIZE_MIN) {
        capacity = HEAP_BUFFER_SIZE_MIN;
    }
    if (frame_size > command->in_size && frame_size < capacity) {
        capacity = frame_size;
    }
    bool small = command->in == command->in_small;
    uint8_t *bytes = realloc(small ? NULL : command->in, capacity);
    if (bytes == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (small) {
        memcpy(bytes, command->in_small, command->in_size);
    }
    command->in = bytes;
    command->in_capacity = capacity;
    return RESULT_OK;
}

// Hands one frame on, inflated; true when the answer is complete.
static bool frame_deliver(struct client_command *command, const struct wire_frame *frame)
{
    if (frame->type != WIRE_FRAME_COMPRESSED) {
        return command->on_frame(command, frame);
    }
    uint8_t *inner;
    size_t inner_size;
    command->result = io_inflate_frame(frame->body, frame->body_size, &inner, &inner_size);
    if (command->result != RESULT_OK) {
        return true;
    }
    struct wire_frame whole = {.type = WIRE_FRAME_MESSAGE,
                               .body = inner + WIRE_FRAME_HEADER_SIZE,
                               .body_size = inner_size - WIRE_FRAME_HEADER_SIZE};
    bool complete = command->on_frame(command, &whole);
    free(inner);
    return complete;
}

// Hands on all whole frames of the input. True when the answer is complete; otherwise *frame_size
// is what the next frame needs, as far as known.
static bool frames_deliver(struct client_command *command, size_t *frame_size)
{
    size_t at = 0;
    bool complete = false;
    while (!complete) {
        struct wire_frame frame;
        enum base_result result =
            wire_frame_parse(command->in + at, command->in_size - at, &frame, frame_size);
        if (result == RESULT_INCOMPLETE) {
            break;
        }
        if (result != RESULT_OK) {
            command->result = result;
            complete = true;
            break;
        }
        at += *frame_size;
        complete = frame_deliver(command, &frame);
    }
    command->in_size -= at;
    memmove(command->in, command->in + at, command->in_size);
    return complete;
}

static enum client_wait step_receive(struct client_command *command, uint64_t now_ns)
{
    size_t frame_size = 0;
    for (int i = 0; i < RECEIVES_PER_STEP; i++) {
        enum base_result result = input_reserve(command, frame_size);
        size_t room = command->in_capacity - command->in_size, received = 0;
        if (result == RESULT_OK) {
            result = io_socket_receive(client__command_fd(command), command->in + command->in_size,
                                       room, &received);
        }
        if (result == RESULT_WOULD_BLOCK && now_ns < command->progress_deadline_ns) {
            return CLIENT_WAIT_READ;
        }
        if (result != RESULT_OK) {
            return try_fail(command, result == RESULT_WOULD_BLOCK ? RESULT_CLIENT_TIMEOUT : result,
                            now_ns);
        }
        command->in_size += received;
        command->progress_deadline_ns = after_ms(now_ns, command->socket_timeout_ms);
        if (frames_deliver(command, &frame_size)) {
            return answer_finish(command, now_ns);
        }
        if (received < room) {
            return CLIENT_WAIT_READ;
        }
    }
    return CLIENT_WAIT_READ;
}

enum client_wait client__command_step(struct client_command *command, uint64_t now_ns)
{
    enum client_wait wait = CLIENT_WAIT_NOTHING;
    while (wait == CLIENT_WAIT_NOTHING) {
        if (command->step != CLIENT_STEP_DONE && now_ns >= command->deadline_ns) {
            client__command_cancel(command, RESULT_CLIENT_TIMEOUT);
        }
        switch (command->step) {
        case CLIENT_STEP_ROUTE:
            wait = step_route(command, now_ns);
            break;
        case CLIENT_STEP_SEND:
            wait = step_send(command, now_ns);
            break;
        case CLIENT_STEP_RECEIVE:
            wait = step_receive(command, now_ns);
            break;
        case CLIENT_STEP_SLEEP:
            if (now_ns < command->wake_ns) {
                wait = CLIENT_WAIT_TIME;
            } else if (command->pause) {
                wait = finish(command, RESULT_OK);
            } else {
                command->step = CLIENT_STEP_ROUTE;
            }
            break;
        case CLIENT_STEP_DONE:
            wait = CLIENT_WAIT_DONE;
            break;
        }
    }
    return wait;
}

uint64_t client__command_wake_ns(const struct client_command *command)
{
    uint64_t wake_ns =
        command->step == CLIENT_STEP_SLEEP ? command->wake_ns : command->progress_deadline_ns;
    return wake_ns < command->deadline_ns ? wake_ns : command->deadline_ns;
}

// Milliseconds to wait, rounded up so that the wake time is past when poll returns.
static int poll_timeout_ms(uint64_t wake_ns, uint64_t now_ns)
{
    if (wake_ns == UINT64_MAX) {
        return -1;
    }
    if (wake_ns <= now_ns) {
        return 0;
    }
    uint64_t ms = (wake_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

void client__commands_run(struct client_command *const *commands, size_t count)
{
    base_assert(count <= LIMIT_CLIENT_NODES);
    struct pollfd polls[LIMIT_CLIENT_NODES];
    uint64_t now_ns = io_clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        polls[i] = (struct pollfd){.fd = -1, .revents = POLLIN};
    }
    for (;;) {
        uint64_t wake_ns = UINT64_MAX;
        size_t running = 0;
        for (size_t i = 0; i < count; i++) {
            struct client_command *command = commands[i];
            if (command->step == CLIENT_STEP_DONE) {
                continue;
            }
            // Without this look, a stream of many nodes would be read with many idle receives.
            if (polls[i].revents != 0 || client__command_wake_ns(command) <= now_ns) {
                enum client_wait wait = client__command_step(command, now_ns);
                polls[i].fd = wait == CLIENT_WAIT_TIME ? -1 : client__command_fd(command);
                polls[i].events = wait == CLIENT_WAIT_WRITE ? POLLOUT : POLLIN;
                if (wait == CLIENT_WAIT_DONE) {
                    polls[i].fd = -1;
                    continue;
                }
            }
            running++;
            uint64_t due_ns = client__command_wake_ns(command);
            wake_ns = due_ns < wake_ns ? due_ns : wake_ns;
        }
        if (running == 0) {
            return;
        }
        int ready = poll(polls, count, poll_timeout_ms(wake_ns, now_ns));
        for (size_t i = 0; i < count && ready <= 0; i++) {
            polls[i].revents = 0; // interrupted or timed out: nothing is ready
        }
        now_ns = io_clock_monotonic_ns();
    }
}

int client__error_set(struct ballast_error *error, enum base_result result, bool in_doubt)
{
    if (error != NULL) {
        *error = (struct ballast_error){
            .code = (int)result, .in_doubt = in_doubt, .text = ballast_code_text((int)result)};
    }
    return (int)result;
}
