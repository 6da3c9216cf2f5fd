// SPDX-License-Identifier: Apache-2.0
// Sockets on loopback: connect, send, receive, and the words for later and gone.
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/socket.h"

static void wait_for(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    assert_int_equal(poll(&wait, 1, 10000), 1);
}

static int listener_open(struct io_address *address)
{
    size_t count;
    int fd;
    assert_int_equal(io_address_resolve("127.0.0.1", 0, address, 1, &count), RESULT_OK);
    assert_int_equal(io_socket_listen(address, 8, &fd), RESULT_OK);
    assert_int_equal(io_socket_local(fd, address), RESULT_OK);
    return fd;
}

static int connect_to(const struct io_address *address)
{
    int fd;
    enum base_result result = io_socket_connect(address, &fd);
    if (result == RESULT_WOULD_BLOCK) {
        wait_for(fd, POLLOUT);
        result = io_socket_connected(fd);
    }
    assert_int_equal(result, RESULT_OK);
    return fd;
}

static void addresses_have_a_text(void **state)
{
    (void)state;
    struct io_address a, b;
    size_t count;
    char text[IO_ADDRESS_TEXT_SIZE];
    assert_int_equal(io_address_resolve("10.1.2.3", 3000, &a, 1, &count), RESULT_OK);
    io_address_text(&a, text);
    assert_string_equal(text, "10.1.2.3:3000");
    assert_false(io_address_is_loopback(&a));
    assert_int_equal(io_address_port(&a), 3000);
    assert_int_equal(io_address_resolve("::1", 3001, &b, 1, &count), RESULT_OK);
    io_address_text(&b, text);
    assert_string_equal(text, "[::1]:3001");
    assert_true(io_address_is_loopback(&b));
    assert_false(io_address_equal(&a, &b));
    assert_true(io_address_equal(&a, &a));
    assert_int_equal(io_address_resolve("127.0.0.9", 1, &a, 1, &count), RESULT_OK);
    assert_true(io_address_is_loopback(&a));
}

static void bytes_travel_and_the_end_is_seen(void **state)
{
    (void)state;
    struct io_address address;
    int listener = listener_open(&address);
    int client = connect_to(&address);
    wait_for(listener, POLLIN);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);

    char bytes[8];
    size_t size;
    assert_int_equal(io_socket_receive(client, bytes, sizeof bytes, &size), RESULT_WOULD_BLOCK);
    assert_true(io_socket_is_quiet(client));
    assert_int_equal(write(server, "hello", 5), 5);
    wait_for(client, POLLIN);
    assert_false(io_socket_is_quiet(client));
    assert_int_equal(io_socket_receive(client, bytes, sizeof bytes, &size), RESULT_OK);
    assert_int_equal(size, 5);
    assert_true(io_socket_is_quiet(client));

    assert_int_equal(io_socket_send(client, "abc", 3, &size), RESULT_OK);
    assert_int_equal(size, 3);
    wait_for(server, POLLIN);
    assert_int_equal(read(server, bytes, sizeof bytes), 3);
    close(server);
    wait_for(client, POLLIN);
    assert_false(io_socket_is_quiet(client));
    assert_int_equal(io_socket_receive(client, bytes, sizeof bytes, &size), RESULT_CLOSED);
    close(client);
    close(listener);
}

static void full_pipe_says_later(void **state)
{
    (void)state;
    struct io_address address;
    int listener = listener_open(&address);
    int client = connect_to(&address);
    static char bytes[1 << 20];
    size_t size;
    enum base_result result = RESULT_OK;
    for (int i = 0; i < 1000 && result == RESULT_OK; i++) {
        result = io_socket_send(client, bytes, sizeof bytes, &size);
    }
    assert_int_equal(result, RESULT_WOULD_BLOCK);
    close(client);
    close(listener);
}

static void refused_connection_is_an_io_error(void **state)
{
    (void)state;
    struct io_address address;
    close(listener_open(&address));
    int fd;
    enum base_result result = io_socket_connect(&address, &fd);
    if (result == RESULT_WOULD_BLOCK) {
        wait_for(fd, POLLOUT);
        result = io_socket_connected(fd);
        close(fd);
    }
    assert_int_equal(result, RESULT_IO);
}

static void unknown_names_are_an_io_error(void **state)
{
    (void)state;
    struct io_address address;
    size_t count;
    assert_int_equal(io_address_resolve("not a name", 1, &address, 1, &count), RESULT_IO);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_a_text),
        cmocka_unit_test(bytes_travel_and_the_end_is_seen),
        cmocka_unit_test(full_pipe_says_later),
        cmocka_unit_test(refused_connection_is_an_io_error),
        cmocka_unit_test(unknown_names_are_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
