// SPDX-License-Identifier: Apache-2.0
// A node that does as it is told: it listens on loopback in a thread of its own, frames requests,
// answers info from a small table, and hands messages to the test's own function. For tests of the
// client; header only, because each test is one program.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "io/compress.h"
#include "io/socket.h"
#include "wire/base64.h"
#include "wire/frame.h"
#include "wire/info.h"
#include "wire/message.h"

enum { FAKE_CONNECTIONS = 512, FAKE_INFOS = 16, FAKE_BUFFER_SIZE = 1 << 20 };

struct fake_node;

enum fake_verdict {
    FAKE_ANSWER, // send what was written to `out`
    FAKE_SILENT, // never answer
    FAKE_CLOSE,  // close the connection
};

// Answers one message: writes whole frames to `out` and sets *out_size. `body` is the message's
// body, inflated. Runs in the node's thread.
typedef enum fake_verdict (*fake_message_fn)(struct fake_node *node, const uint8_t *body,
                                             size_t size, uint8_t *out, size_t *out_size);

struct fake_connection {
    int fd;
    uint8_t *bytes;
    size_t size;
};

struct fake_node {
    // What the test sets, before fake_node_start or under `lock`.
    char name[20];
    fake_message_fn on_message;
    void *arg;
    struct {
        char name[64];
        char value[8192];
    } infos[FAKE_INFOS];
    size_t info_count;
    pthread_mutex_t lock;

    // What the test reads.
    struct io_address address;
    uint16_t port;
    _Atomic uint32_t message_count;
    _Atomic uint32_t info_request_count;
    _Atomic uint32_t accepted_count;
    _Atomic uint32_t open_count;
    _Atomic bool silent_info; // info requests get no answer

    int listener, wake;
    bool running;
    _Atomic bool stopping;
    pthread_t thread;
    struct fake_connection connections[FAKE_CONNECTIONS];
};

// Sets or replaces an info value; "" for the name of a command that is not known.
static inline void fake_info_set(struct fake_node *node, const char *name, const char *value)
{
    pthread_mutex_lock(&node->lock);
    size_t i = 0;
    while (i < node->info_count && strcmp(node->infos[i].name, name) != 0) {
        i++;
    }
    if (i == node->info_count) {
        node->info_count++;
    }
    snprintf(node->infos[i].name, sizeof node->infos[i].name, "%s", name);
    snprintf(node->infos[i].value, sizeof node->infos[i].value, "%s", value);
    pthread_mutex_unlock(&node->lock);
}

// The value of `replicas` for one namespace with one replica: the partitions p for which
// p % modulus == remainder.
static inline void fake_replicas_text(char *out, size_t size, const char *ns, uint32_t regime,
                                      uint32_t modulus, uint32_t remainder)
{
    uint8_t bitmap[LIMIT_PARTITIONS / 8] = {0};
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if (p % modulus == remainder) {
            bitmap[p >> 3] |= (uint8_t)(0x80 >> (p & 7));
        }
    }
    char text[685] = {0};
    wire_base64_encode(bitmap, sizeof bitmap, text);
    snprintf(out, size, "%s:%u,1,%s", ns, regime, text);
}

// Claims those partitions of namespace "test" and moves the generation on.
static inline void fake_claim(struct fake_node *node, uint32_t generation, uint32_t modulus,
                              uint32_t remainder)
{
    char text[1024];
    fake_replicas_text(text, sizeof text, "test", 0, modulus, remainder);
    fake_info_set(node, "replicas", text);
    snprintf(text, sizeof text, "%u", generation);
    fake_info_set(node, "partition-generation", text);
}

static inline uint8_t *fake_message_store(uint8_t *at, const struct wire_message_header *header)
{
    wire_frame_header_store(at, WIRE_FRAME_MESSAGE, WIRE_MESSAGE_HEADER_SIZE);
    wire_message_header_store(at + WIRE_FRAME_HEADER_SIZE, header);
    return at + WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE;
}

// Answers with a bare result code.
static inline enum fake_verdict fake_answer_code(uint8_t code, uint8_t *out, size_t *out_size)
{
    struct wire_message_header header = {.result_code = code, .generation = 1};
    *out_size = (size_t)(fake_message_store(out, &header) - out);
    return FAKE_ANSWER;
}

static inline size_t fake_info_answer(struct fake_node *node, struct base_slice request,
                                      uint8_t *out)
{
    uint8_t *at = out + WIRE_FRAME_HEADER_SIZE;
    struct wire_info_command command;
    pthread_mutex_lock(&node->lock);
    while (wire_info_command_next(&request, &command)) {
        const char *value = "ERROR:4:unrecognized command";
        for (size_t i = 0; i < node->info_count; i++) {
            if (wire_info_equal(command.line, node->infos[i].name)) {
                value = node->infos[i].value;
            }
        }
        at += sprintf((char *)at, "%.*s\t%s\n", (int)command.line.size, command.line.data, value);
    }
    pthread_mutex_unlock(&node->lock);
    size_t size = (size_t)(at - out);
    wire_frame_header_store(out, WIRE_FRAME_INFO, size - WIRE_FRAME_HEADER_SIZE);
    return size;
}

static inline void fake_connection_close(struct fake_node *node, struct fake_connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    connection->size = 0;
    atomic_fetch_sub(&node->open_count, 1);
}

static inline void fake_send(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; // the client has gone; the next receive will tell
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

static inline enum fake_verdict fake_frame_answer(struct fake_node *node, struct wire_frame frame,
                                                  uint8_t *out, size_t *out_size)
{
    *out_size = 0;
    if (frame.type == WIRE_FRAME_INFO) {
        atomic_fetch_add(&node->info_request_count, 1);
        if (atomic_load(&node->silent_info)) {
            return FAKE_SILENT;
        }
        *out_size = fake_info_answer(
            node, (struct base_slice){.data = frame.body, .size = frame.body_size}, out);
        return FAKE_ANSWER;
    }
    uint8_t *inner = NULL;
    if (frame.type == WIRE_FRAME_COMPRESSED) {
        size_t inner_size;
        if (io_inflate_frame(frame.body, frame.body_size, &inner, &inner_size) != RESULT_OK) {
            return FAKE_CLOSE;
        }
        frame.body = inner + WIRE_FRAME_HEADER_SIZE;
        frame.body_size = inner_size - WIRE_FRAME_HEADER_SIZE;
    }
    enum fake_verdict verdict =
        node->on_message == NULL
            ? FAKE_CLOSE
            : node->on_message(node, frame.body, frame.body_size, out, out_size);
    atomic_fetch_add(&node->message_count, 1);
    free(inner);
    return verdict;
}

static inline void fake_connection_serve(struct fake_node *node, struct fake_connection *connection,
                                         uint8_t *out)
{
    ssize_t got = recv(connection->fd, connection->bytes + connection->size,
                       FAKE_BUFFER_SIZE - connection->size, 0);
    if (got <= 0) {
        fake_connection_close(node, connection);
        return;
    }
    connection->size += (size_t)got;
    struct wire_frame frame;
    size_t frame_size, out_size;
    while (connection->fd >= 0 && wire_frame_parse(connection->bytes, connection->size, &frame,
                                                   &frame_size) == RESULT_OK) {
        enum fake_verdict verdict = fake_frame_answer(node, frame, out, &out_size);
        connection->size -= frame_size;
        memmove(connection->bytes, connection->bytes + frame_size, connection->size);
        if (verdict == FAKE_ANSWER) {
            fake_send(connection->fd, out, out_size);
        } else if (verdict == FAKE_CLOSE) {
            fake_connection_close(node, connection);
        }
    }
}

static inline void fake_accept(struct fake_node *node)
{
    int fd = accept(node->listener, NULL, NULL);
    for (size_t i = 0; fd >= 0 && i < FAKE_CONNECTIONS; i++) {
        struct fake_connection *connection = &node->connections[i];
        if (connection->fd < 0) {
            connection->fd = fd;
            connection->size = 0;
            if (connection->bytes == NULL) {
                connection->bytes = malloc(FAKE_BUFFER_SIZE);
            }
            atomic_fetch_add(&node->accepted_count, 1);
            atomic_fetch_add(&node->open_count, 1);
            return;
        }
    }
    close(fd);
}

static inline void *fake_main(void *arg)
{
    struct fake_node *node = arg;
    static _Thread_local uint8_t out[FAKE_BUFFER_SIZE];
    struct pollfd polls[FAKE_CONNECTIONS + 2];
    while (!atomic_load(&node->stopping)) {
        polls[0] = (struct pollfd){.fd = node->wake, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = node->listener, .events = POLLIN};
        for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
            polls[i + 2] = (struct pollfd){.fd = node->connections[i].fd, .events = POLLIN};
        }
        poll(polls, FAKE_CONNECTIONS + 2, -1);
        for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
            if (polls[i + 2].revents != 0) {
                fake_connection_serve(node, &node->connections[i], out);
            }
        }
        if (polls[1].revents != 0) {
            fake_accept(node);
        }
    }
    return NULL;
}

// Makes a node that owns all partitions of namespace "test"; it does not listen yet.
static inline struct fake_node *fake_node_new(const char *name)
{
    struct fake_node *node = calloc(1, sizeof *node);
    pthread_mutex_init(&node->lock, NULL);
    snprintf(node->name, sizeof node->name, "%s", name);
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        node->connections[i].fd = -1;
    }
    fake_info_set(node, "node", name);
    fake_info_set(node, "build", "8.1.0.0");
    fake_info_set(node, "peers-generation", "1");
    fake_info_set(node, "peers-clear-std", "1,3000,[]");
    fake_claim(node, 1, 1, 0);
    node->listener = -1;
    node->wake = -1;
    return node;
}

// Listens, on the port it had before or a free one, and starts to serve.
static inline void fake_node_start(struct fake_node *node)
{
    if (node->port == 0) {
        size_t count;
        if (io_address_resolve("127.0.0.1", 0, &node->address, 1, &count) != RESULT_OK) {
            abort();
        }
    }
    if (io_socket_listen(&node->address, 128, &node->listener) != RESULT_OK ||
        io_socket_local(node->listener, &node->address) != RESULT_OK) {
        abort();
    }
    node->port = io_address_port(&node->address);
    node->wake = eventfd(0, EFD_CLOEXEC);
    atomic_store(&node->stopping, false);
    node->running = pthread_create(&node->thread, NULL, fake_main, node) == 0;
}

// Closes the port and all connections, as a killed process would.
static inline void fake_node_stop(struct fake_node *node)
{
    if (!node->running) {
        return;
    }
    atomic_store(&node->stopping, true);
    uint64_t one = 1;
    if (write(node->wake, &one, sizeof one) != sizeof one) {
        abort();
    }
    pthread_join(node->thread, NULL);
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        if (node->connections[i].fd >= 0) {
            fake_connection_close(node, &node->connections[i]);
        }
    }
    close(node->listener);
    close(node->wake);
    node->running = false;
}

static inline void fake_node_free(struct fake_node *node)
{
    fake_node_stop(node);
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        free(node->connections[i].bytes);
    }
    pthread_mutex_destroy(&node->lock);
    free(node);
}
