// SPDX-License-Identifier: Apache-2.0
// Non-blocking TCP sockets and their addresses. Nothing here waits but io_address_resolve, which
// may ask a name server. A descriptor that is handed out belongs to the caller, who closes it. Any
// thread may call.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/result.h"

enum { IO_ADDRESS_TEXT_SIZE = 64, IO_ADDRESSES_PER_NAME = 16 };

struct io_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

// Looks up a name, or reads a literal IPv4 or IPv6 address (without brackets), and gives at most
// `max` addresses. RESULT_IO when the name is unknown or the name server does not answer.
BASE_MUST_USE enum base_result io_address_resolve(const char *host, uint16_t port,
                                                  struct io_address *out, size_t max,
                                                  size_t *count);

// The same of a literal address alone: never waits.
BASE_MUST_USE enum base_result io_address_parse(const char *host, uint16_t port,
                                                struct io_address *out);

// Writes "10.0.0.1:3000" or "[fd00::1]:3000".
void io_address_text(const struct io_address *address, char out[IO_ADDRESS_TEXT_SIZE]);

bool io_address_is_loopback(const struct io_address *address);

// Same address and port.
bool io_address_equal(const struct io_address *a, const struct io_address *b);

// An IPv4 address that came through an IPv6 socket becomes an IPv4 address.
void io_address_unmap(struct io_address *address);

void io_address_port_set(struct io_address *address, uint16_t port);
uint16_t io_address_port(const struct io_address *address);

// Binds and listens, with SO_REUSEADDR; port 0 takes any free one. RESULT_IO sets errno.
BASE_MUST_USE enum base_result io_socket_listen(const struct io_address *address, int backlog,
                                                int *fd);

// The address a socket is bound to.
BASE_MUST_USE enum base_result io_socket_local(int fd, struct io_address *out);

// Starts to connect, TCP_NODELAY set. RESULT_OK: connected at once. RESULT_WOULD_BLOCK: on its way;
// wait until `fd` is writable, then ask io_socket_connected. RESULT_IO: refused, no descriptor;
// sets errno.
BASE_MUST_USE enum base_result io_socket_connect(const struct io_address *address, int *fd);

// The same, so that the other side sees us under `local`, an address of this machine (its port does
// not matter); NULL: whichever the kernel takes.
BASE_MUST_USE enum base_result io_socket_connect_from(const struct io_address *local,
                                                      const struct io_address *address, int *fd);

// Whether it stands for every address of the machine.
bool io_address_is_any(const struct io_address *address);

// Has the kernel send lost bytes again at even intervals while little is under way, instead of
// doubling the wait each time: after a short break of the network a link is back at once.
void io_socket_retry_evenly(int fd);

// How a connect that was on its way ended: RESULT_OK or RESULT_IO, which sets errno.
BASE_MUST_USE enum base_result io_socket_connected(int fd);

// Sends what the kernel takes; *sent may be less than `size`. RESULT_WOULD_BLOCK: nothing now.
// RESULT_CLOSED: the other side is gone. RESULT_IO otherwise.
BASE_MUST_USE enum base_result io_socket_send(int fd, const void *bytes, size_t size, size_t *sent);

// Receives what there is. RESULT_WOULD_BLOCK: nothing yet. RESULT_CLOSED: end of stream or reset.
BASE_MUST_USE enum base_result io_socket_receive(int fd, void *bytes, size_t size,
                                                 size_t *received);

// True when the other side has neither closed an idle connection nor sent anything on it.
bool io_socket_is_quiet(int fd);
