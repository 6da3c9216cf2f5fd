// SPDX-License-Identifier: Apache-2.0
// bench_load, a load generator of one thread:
//
//   bench_load load DIALECT name=value...   prints the figures of one run as name=value
//   bench_load start DIALECT port=N -- PROGRAM...
//                                           ms from exec to the first write acknowledged
//   bench_load wait DIALECT port=N          returns when a write is acknowledged
//   bench_load scan port=N seconds=N        scans namespace test over and over
//   bench_load port                         prints a free port
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

static int port_main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        bench_die("bind");
    }
    printf("%u\n", ntohs(address.sin_port));
    close(fd);
    return 0;
}

int main(int count, char **args)
{
    const char *what = count > 1 ? args[1] : "";
    const struct dialect *dialect = count > 2 ? dialect_find(args[2]) : NULL;
    if (strcmp(what, "load") == 0 && dialect != NULL) {
        return bench_load_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "start") == 0 && dialect != NULL) {
        return bench_start_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "wait") == 0 && dialect != NULL) {
        return bench_wait_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "scan") == 0) {
        return bench_scan_main(count - 2, args + 2);
    }
    if (strcmp(what, "port") == 0) {
        return port_main();
    }
    fprintf(stderr,
            "usage: bench_load load|start as|redis|memcached name=value... | scan "
            "name=value... | port\n");
    return 2;
}
