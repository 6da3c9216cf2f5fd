// SPDX-License-Identifier: Apache-2.0
// Clocks, sockets and options of bench_load.
#include "common.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Noreturn void bench_die(const char *what)
{
    fprintf(stderr, "bench_load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_options_parse(int count, char **args, struct options *out)
{
    const struct {
        const char *name;
        long *value;
    } names[] = {
        {"port", &out->port},
        {"pid", &out->pid},
        {"connections", &out->connections},
        {"in_flight", &out->in_flight},
        {"seconds", &out->seconds},
        {"read_pct", &out->read_pct},
        {"keys", &out->keys},
        {"value_bytes", &out->value_bytes},
        {"fill", &out->fill},
    };
    for (int i = 0; i < count; i++) {
        size_t n = 0;
        size_t size = strcspn(args[i], "=");
        while (n < sizeof names / sizeof names[0] &&
               (strlen(names[n].name) != size || strncmp(names[n].name, args[i], size) != 0)) {
            n++;
        }
        if (n == sizeof names / sizeof names[0] || args[i][size] != '=') {
            errno = 0;
            bench_die("expected name=value with a known name");
        }
        *names[n].value = strtol(args[i] + size + 1, NULL, 10);
    }
}

int bench_connect(long port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}
