// SPDX-License-Identifier: Apache-2.0
// How soon a server takes its first write.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

enum { START_MS_MAX = 20000, START_PAUSE_NS = 100 * 1000 };

// One write on a new connection; true when it was acknowledged.
static bool write_once(const struct dialect *dialect, long port)
{
    int fd = bench_connect(port);
    if (fd < 0) {
        return false;
    }
    struct test_request request = {0};
    uint8_t value[100] = "start", input[256];
    size_t have = 0;
    struct answer answer = {ANSWER_INCOMPLETE, 0};
    dialect->write_append(&request, 0, value, sizeof value);
    ssize_t moved = send(fd, request.bytes, request.size, MSG_NOSIGNAL);
    while (moved > 0 && answer.kind == ANSWER_INCOMPLETE && have < sizeof input) {
        moved = recv(fd, input + have, sizeof input - have, 0);
        have += moved > 0 ? (size_t)moved : 0;
        answer = dialect->answer_parse(input, have);
    }
    test_request_fini(&request);
    close(fd);
    return answer.kind == ANSWER_OK;
}

// Writes again and again until one write is acknowledged; false when that takes too long or, for a
// child given, the child has ended.
static bool await_write(const struct dialect *dialect, long port, pid_t child)
{
    uint64_t end_ns = bench_now_ns() + START_MS_MAX * 1000000ull;
    while (bench_now_ns() < end_ns && (child == 0 || waitpid(child, NULL, WNOHANG) == 0)) {
        if (write_once(dialect, port)) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = START_PAUSE_NS}, NULL);
    }
    return false;
}

int bench_wait_main(const struct dialect *dialect, int count, char **args)
{
    struct options options = {0};
    bench_options_parse(count, args, &options);
    return !await_write(dialect, options.port, 0);
}

int bench_start_main(const struct dialect *dialect, int count, char **args)
{
    struct options options = {0};
    int split = 0;
    while (split < count && strcmp(args[split], "--") != 0) {
        split++;
    }
    bench_options_parse(split, args, &options);
    if (split + 1 >= count) {
        errno = 0;
        bench_die("no program behind --");
    }
    uint64_t start_ns = bench_now_ns();
    pid_t child = fork();
    if (child < 0) {
        bench_die("fork");
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        execvp(args[split + 1], args + split + 1);
        _exit(127);
    }
    bool served = await_write(dialect, options.port, child);
    printf("start_ms=%.1f\n", (double)(bench_now_ns() - start_ns) / 1e6);
    if (served) {
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    return !served;
}
