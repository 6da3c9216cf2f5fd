// SPDX-License-Identifier: Apache-2.0
// Sockets and messages behind test/lib/client.h.
#include "lib/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void test_client_connect(struct test_client *client, uint16_t port)
{
    *client = (struct test_client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(client->fd >= 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(client->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(client->address, sizeof client->address, "127.0.0.1:%u", ntohs(address.sin_port));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

void test_client_close(struct test_client *client)
{
    close(client->fd);
    client->fd = -1;
    free(client->answer);
    client->answer = NULL;
}

void test_client_send(struct test_client *client, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = send(client->fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            fail_msg("send: %s", strerror(errno));
        }
        at += sent;
        size -= (size_t)sent;
    }
}

// Reads up to `size` bytes; 0 at the end of the stream, also when it was reset.
static size_t read_some(struct test_client *client, uint8_t *at, size_t size)
{
    for (;;) {
        struct pollfd ready = {.fd = client->fd, .events = POLLIN};
        int count = poll(&ready, 1, TEST_DEADLINE_MS);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count == 0) {
            fail_msg("no answer in %d ms", TEST_DEADLINE_MS);
        }
        ssize_t got = recv(client->fd, at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        return got < 0 ? 0 : (size_t)got;
    }
}

static void read_exactly(struct test_client *client, uint8_t *at, size_t size)
{
    while (size > 0) {
        size_t got = read_some(client, at, size);
        if (got == 0) {
            fail_msg("the node closed the connection of %s", client->address);
        }
        at += got;
        size -= got;
    }
}

enum wire_frame_type test_client_read(struct test_client *client)
{
    uint8_t header[WIRE_FRAME_HEADER_SIZE];
    read_exactly(client, header, sizeof header);
    struct wire_frame frame;
    size_t frame_size;
    enum base_result result = wire_frame_parse(header, sizeof header, &frame, &frame_size);
    if (result == RESULT_MALFORMED) {
        fail_msg("the node's answer is no frame");
    }
    client->answer_size = frame_size - sizeof header;
    free(client->answer);
    client->answer = malloc(client->answer_size + 1);
    assert_non_null(client->answer);
    read_exactly(client, client->answer, client->answer_size);
    client->answer[client->answer_size] = '\0';
    return (enum wire_frame_type)header[1];
}

bool test_client_is_closed(struct test_client *client)
{
    uint8_t dropped[65536];
    while (read_some(client, dropped, sizeof dropped) > 0) {
    }
    return true;
}

void test_client_send_request(struct test_client *client, struct test_request *request)
{
    test_client_send(client, request->bytes, request->size);
    test_request_fini(request);
}

enum base_result test_client_read_result(struct test_client *client, struct wire_message *message)
{
    struct wire_message ignored;
    message = message ? message : &ignored;
    assert_int_equal(test_client_read(client), WIRE_FRAME_MESSAGE);
    size_t message_size;
    assert_int_equal(
        wire_message_parse(client->answer, client->answer_size, message, &message_size), RESULT_OK);
    return (enum base_result)message->header.result_code;
}

enum base_result test_client_put(struct test_client *client, uint64_t key, const void *value,
                                 size_t size)
{
    struct test_request request = {0};
    test_request_put(&request, key, value, size);
    test_client_send_request(client, &request);
    return test_client_read_result(client, NULL);
}

enum base_result test_client_delete(struct test_client *client, uint64_t key)
{
    struct test_request request = {0};
    test_request_delete(&request, key);
    test_client_send_request(client, &request);
    return test_client_read_result(client, NULL);
}

enum base_result test_client_get(struct test_client *client, uint64_t key, struct base_slice *value)
{
    struct test_request request = {0};
    test_request_get(&request, key);
    test_client_send_request(client, &request);
    struct wire_message message;
    enum base_result result = test_client_read_result(client, &message);
    *value = (struct base_slice){0};
    struct wire_op op;
    if (result == RESULT_OK && wire_ops_next(&message.ops, &op)) {
        *value = (struct base_slice){op.value, op.value_size};
    }
    return result;
}

const char *test_client_info(struct test_client *client, const char *name)
{
    struct test_request request = {0};
    char line[256];
    snprintf(line, sizeof line, "%s\n", name);
    test_request_info(&request, line);
    test_client_send_request(client, &request);
    assert_int_equal(test_client_read(client), WIRE_FRAME_INFO);
    char *text = (char *)client->answer;
    char *tab = strchr(text, '\t');
    char *end = strrchr(text, '\n');
    if (tab == NULL || end == NULL) {
        fail_msg("no value in the answer to %s: %s", name, text);
    }
    *end = '\0';
    return tab + 1;
}

void test_client_is_served(struct test_client *client)
{
    uint64_t key = test_now_ns();
    struct base_slice value;
    assert_int_equal(test_client_put(client, key, &key, sizeof key), RESULT_OK);
    assert_int_equal(test_client_get(client, key, &value), RESULT_OK);
    assert_int_equal(value.size, sizeof key);
    assert_memory_equal(value.data, &key, sizeof key);
    assert_int_equal(test_client_delete(client, key), RESULT_OK);
}

bool test_port_answers(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t request[WIRE_FRAME_HEADER_SIZE + 6], answer[WIRE_FRAME_HEADER_SIZE];
    wire_frame_header_store(request, WIRE_FRAME_INFO, 6);
    memcpy(request + WIRE_FRAME_HEADER_SIZE, "build\n", 6);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                    send(fd, request, sizeof request, MSG_NOSIGNAL) == sizeof request &&
                    recv(fd, answer, sizeof answer, MSG_WAITALL) == sizeof answer;
    close(fd);
    return answered;
}
