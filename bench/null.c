// SPDX-License-Identifier: Apache-2.0
// A server that does no database work: it frames requests and answers each with a fixed record or a
// fixed acknowledgement. What it costs is the socket path of this machine, the limit that a real
// server is measured against. bench_null PORT [THREADS]; port 0 takes a free one; the port is
// printed when it serves.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/frame.h"
#include "wire/message.h"

enum {
    VALUE_SIZE = 100,
    RECORD_SIZE =
        WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE + WIRE_OP_HEADER_SIZE + 1 + VALUE_SIZE,
    ACK_SIZE = WIRE_FRAME_HEADER_SIZE + WIRE_MESSAGE_HEADER_SIZE,
    INPUT_SIZE = 128 * 1024,
    OUTPUT_SIZE = INPUT_SIZE / ACK_SIZE * RECORD_SIZE,
    EVENTS = 64,
    BACKLOG = 512,
    INFO1_AT = WIRE_FRAME_HEADER_SIZE + 1,
};

struct connection {
    int fd;
    size_t have;
    uint8_t input[INPUT_SIZE];
};

struct server {
    uint16_t port;
    uint8_t record[RECORD_SIZE]; // the answer to a read
    uint8_t ack[ACK_SIZE];       // the answer to a write
};

static void make_answers(struct server *server)
{
    struct wire_message_header header = {.generation = 1};
    wire_frame_header_store(server->ack, WIRE_FRAME_MESSAGE, WIRE_MESSAGE_HEADER_SIZE);
    wire_message_header_store(server->ack + WIRE_FRAME_HEADER_SIZE, &header);
    header.op_count = 1;
    wire_frame_header_store(server->record, WIRE_FRAME_MESSAGE,
                            RECORD_SIZE - WIRE_FRAME_HEADER_SIZE);
    wire_message_header_store(server->record + WIRE_FRAME_HEADER_SIZE, &header);
    uint8_t *value = wire_op_store(server->record + ACK_SIZE, WIRE_OP_READ, WIRE_PARTICLE_BLOB, "b",
                                   1, VALUE_SIZE);
    memset(value, 'v', VALUE_SIZE);
}

// Binds the server's port, or a free one for port 0, which then is the server's.
static int listen_on(struct server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("bench_null");
        exit(1);
    }
    server->port = ntohs(address.sin_port);
    return fd;
}

static void take_connection(int listener, int epoll)
{
    int fd = accept(listener, NULL, NULL);
    struct connection *connection = fd >= 0 ? malloc(sizeof *connection) : NULL;
    if (connection == NULL) {
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    connection->fd = fd;
    connection->have = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// Answers all whole requests in the input and moves the rest to its front. False for input that is
// not of the protocol.
static bool answer_all(const struct server *server, struct connection *connection, uint8_t *output,
                       size_t *output_size)
{
    size_t at = 0;
    struct wire_frame frame;
    size_t frame_size;
    enum base_result result;
    while ((result = wire_frame_parse(connection->input + at, connection->have - at, &frame,
                                      &frame_size)) == RESULT_OK) {
        if (frame.body_size < WIRE_MESSAGE_HEADER_SIZE) {
            return false;
        }
        bool is_read = (connection->input[at + INFO1_AT] & WIRE_INFO1_READ) != 0;
        const uint8_t *answer = is_read ? server->record : server->ack;
        size_t size = is_read ? sizeof server->record : sizeof server->ack;
        memcpy(output + *output_size, answer, size);
        *output_size += size;
        at += frame_size;
    }
    memmove(connection->input, connection->input + at, connection->have - at);
    connection->have -= at;
    return result == RESULT_INCOMPLETE && connection->have < sizeof connection->input;
}

// One recv, one send; false when the connection is over.
static bool serve(const struct server *server, struct connection *connection, uint8_t *output)
{
    ssize_t got = recv(connection->fd, connection->input + connection->have,
                       sizeof connection->input - connection->have, MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    connection->have += (size_t)got;
    size_t output_size = 0;
    return answer_all(server, connection, output, &output_size) &&
           (output_size == 0 ||
            send(connection->fd, output, output_size, MSG_NOSIGNAL) == (ssize_t)output_size);
}

struct service {
    struct server *server;
    int listener;
};

static void *run(void *arg)
{
    struct service *service = arg;
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, service->listener, &event);
    uint8_t *output = malloc(OUTPUT_SIZE);
    struct epoll_event events[EVENTS];
    while (output != NULL) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                take_connection(service->listener, epoll);
            } else if (!serve(service->server, connection, output)) {
                close(connection->fd);
                free(connection);
            }
        }
    }
    return NULL;
}

int main(int count, char **args)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: bench_null PORT [THREADS]\n");
        return 2;
    }
    struct server server = {.port = (uint16_t)atoi(args[1])};
    int threads = count > 2 ? atoi(args[2]) : 1;
    make_answers(&server);
    struct service *services = calloc((size_t)threads, sizeof *services);
    for (int i = 0; services != NULL && i < threads; i++) {
        services[i] = (struct service){.server = &server, .listener = listen_on(&server)};
    }
    printf("%u\n", server.port);
    fflush(stdout);
    for (int i = 1; services != NULL && i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, &services[i]);
    }
    run(services);
    return 1;
}
