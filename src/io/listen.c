// SPDX-License-Identifier: Apache-2.0
// "any" prefers one socket for both families and falls back where IPv6 is switched off.
#include "io/listen.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 4096 };

static int bind_one(const struct sockaddr *address, socklen_t size, bool both_families)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int one = 1, v6_only = both_families ? 0 : 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    }
    if (bind(fd, address, size) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int bind_any(uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = bind_one((struct sockaddr *)&v6, sizeof v6, true);
    if (fd >= 0 || errno == EADDRINUSE || errno == EACCES) {
        return fd;
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    return bind_one((struct sockaddr *)&v4, sizeof v4, false);
}

// All IPv4 addresses of the interface of that name; false when there is no such interface.
static bool bind_interface(const char *name, uint16_t port, int fds[IO_LISTEN_FDS], uint32_t *count)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0) {
        return false;
    }
    bool found = false;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET ||
            strcmp(one->ifa_name, name) != 0 || *count == IO_LISTEN_FDS) {
            continue;
        }
        found = true;
        struct sockaddr_in v4;
        memcpy(&v4, one->ifa_addr, sizeof v4);
        v4.sin_port = htons(port);
        int fd = bind_one((struct sockaddr *)&v4, sizeof v4, false);
        if (fd >= 0) {
            fds[(*count)++] = fd;
        }
    }
    freeifaddrs(all);
    return found;
}

static void explain(uint16_t port, char *error, size_t error_size)
{
    if (errno == EADDRINUSE) {
        snprintf(error, error_size,
                 "port %u is taken by another program; stop it or choose another port", port);
    } else if (errno == EADDRNOTAVAIL) {
        snprintf(error, error_size, "this host has no such address");
    } else {
        snprintf(error, error_size, "%s", strerror(errno));
    }
}

enum base_result io_listen(const char *address, uint16_t port, int fds[IO_LISTEN_FDS],
                           uint32_t *count, char *error, size_t error_size)
{
    *count = 0;
    if (strcmp(address, "any") == 0) {
        int fd = bind_any(port);
        if (fd < 0) {
            explain(port, error, error_size);
            return RESULT_IO;
        }
        fds[(*count)++] = fd;
        return RESULT_OK;
    }
    if (bind_interface(address, port, fds, count)) {
        if (*count == 0) {
            explain(port, error, error_size);
        }
        return *count > 0 ? RESULT_OK : RESULT_IO;
    }
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int wrong =
        getaddrinfo(strcmp(address, "local") == 0 ? "127.0.0.1" : address, service, &hints, &found);
    if (wrong != 0) {
        snprintf(error, error_size, "no address, interface or host of that name: %s",
                 gai_strerror(wrong));
        return RESULT_IO;
    }
    errno = 0;
    for (const struct addrinfo *one = found; one != NULL && *count < IO_LISTEN_FDS;
         one = one->ai_next) {
        int fd = bind_one(one->ai_addr, one->ai_addrlen, false);
        if (fd >= 0) {
            fds[(*count)++] = fd;
        }
    }
    if (*count == 0) {
        explain(port, error, error_size);
    }
    freeaddrinfo(found);
    return *count > 0 ? RESULT_OK : RESULT_IO;
}
