// SPDX-License-Identifier: Apache-2.0
// One place knows errno's many words for "later" and for "gone".
#include "io/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static socklen_t address_size(const struct io_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static enum base_result look_up(const char *host, uint16_t port, int flags, struct io_address *out,
                                size_t max, size_t *count)
{
    *count = 0;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return RESULT_IO;
    }
    for (const struct addrinfo *at = found; at != NULL && *count < max; at = at->ai_next) {
        if ((at->ai_family == AF_INET || at->ai_family == AF_INET6) &&
            at->ai_addrlen <= sizeof *out) {
            memset(&out[*count], 0, sizeof *out);
            memcpy(&out[*count], at->ai_addr, at->ai_addrlen);
            ++*count;
        }
    }
    freeaddrinfo(found);
    return *count > 0 ? RESULT_OK : RESULT_IO;
}

enum base_result io_address_resolve(const char *host, uint16_t port, struct io_address *out,
                                    size_t max, size_t *count)
{
    return look_up(host, port, 0, out, max, count);
}

enum base_result io_address_parse(const char *host, uint16_t port, struct io_address *out)
{
    size_t count;
    return look_up(host, port, AI_NUMERICHOST | AI_NUMERICSERV, out, 1, &count);
}

void io_address_text(const struct io_address *address, char out[IO_ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        snprintf(out, IO_ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        snprintf(out, IO_ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(address->v4.sin_port));
    }
}

bool io_address_is_loopback(const struct io_address *address)
{
    if (address->any.sa_family == AF_INET6) {
        const struct in6_addr *v6 = &address->v6.sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
}

bool io_address_is_any(const struct io_address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr)
                                              : address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool io_address_equal(const struct io_address *a, const struct io_address *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET6) {
        return a->v6.sin6_port == b->v6.sin6_port &&
               memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    }
    return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

void io_address_unmap(struct io_address *address)
{
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) {
        return;
    }
    struct io_address v4 = {.v4 = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port}};
    memcpy(&v4.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], 4);
    *address = v4;
}

void io_address_port_set(struct io_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6) {
        address->v6.sin6_port = htons(port);
    } else {
        address->v4.sin_port = htons(port);
    }
}

uint16_t io_address_port(const struct io_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static int socket_open(const struct io_address *address)
{
    return socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void close_keeping_errno(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
}

enum base_result io_socket_listen(const struct io_address *address, int backlog, int *fd)
{
    *fd = -1;
    int s = socket_open(address);
    if (s < 0) {
        return RESULT_IO;
    }
    int on = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->any.sa_family == AF_INET6) {
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(s, &address->any, address_size(address)) != 0 || listen(s, backlog) != 0) {
        close_keeping_errno(s);
        return RESULT_IO;
    }
    *fd = s;
    return RESULT_OK;
}

enum base_result io_socket_local(int fd, struct io_address *out)
{
    memset(out, 0, sizeof *out);
    socklen_t size = sizeof *out;
    return getsockname(fd, &out->any, &size) == 0 ? RESULT_OK : RESULT_IO;
}

enum base_result io_socket_connect(const struct io_address *address, int *fd)
{
    return io_socket_connect_from(NULL, address, fd);
}

enum base_result io_socket_connect_from(const struct io_address *local,
                                        const struct io_address *address, int *fd)
{
    *fd = -1;
    int s = socket_open(address);
    if (s < 0) {
        return RESULT_IO;
    }
    int on = 1;
    if (local != NULL) {
        struct io_address source = *local;
        if (source.any.sa_family == AF_INET6) {
            source.v6.sin6_port = 0;
        } else {
            source.v4.sin_port = 0;
        }
        // The port is chosen at connect, when the other end is known.
        setsockopt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(s, &source.any, address_size(&source)) != 0) {
            close_keeping_errno(s);
            return RESULT_IO;
        }
    }
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int failed;
    do {
        failed = connect(s, &address->any, address_size(address));
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno != EINPROGRESS) {
        close_keeping_errno(s);
        return RESULT_IO;
    }
    *fd = s;
    return failed != 0 ? RESULT_WOULD_BLOCK : RESULT_OK;
}

void io_socket_retry_evenly(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &on, sizeof on);
}

enum base_result io_socket_connected(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return RESULT_IO;
    }
    errno = error;
    return error == 0 ? RESULT_OK : RESULT_IO;
}

static enum base_result result_of_errno(void)
{
    switch (errno) {
    case EAGAIN:
        return RESULT_WOULD_BLOCK;
    case EPIPE:
    case ECONNRESET:
        return RESULT_CLOSED;
    default:
        return RESULT_IO;
    }
}

enum base_result io_socket_send(int fd, const void *bytes, size_t size, size_t *sent)
{
    *sent = 0;
    ssize_t got;
    do {
        got = send(fd, bytes, size, MSG_NOSIGNAL);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return result_of_errno();
    }
    *sent = (size_t)got;
    return RESULT_OK;
}

enum base_result io_socket_receive(int fd, void *bytes, size_t size, size_t *received)
{
    *received = 0;
    ssize_t got;
    do {
        got = recv(fd, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return result_of_errno();
    }
    if (got == 0) {
        return RESULT_CLOSED;
    }
    *received = (size_t)got;
    return RESULT_OK;
}

bool io_socket_is_quiet(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}
