// SPDX-License-Identifier: Apache-2.0
// A closed-loop load generator of one thread: each connection sends `in_flight` requests at once,
// waits for all the answers, and sends the next ones. It measures the server's own CPU time over
// the run, from /proc, beside what a client sees.
//
//   bench_load load DIALECT name=value...   prints the figures of one run as name=value
//   bench_load start DIALECT port=N -- PROGRAM...
//                                           ms from exec to the first write acknowledged
//   bench_load wait DIALECT port=N          returns when a write is acknowledged
//   bench_load scan port=N seconds=N        scans namespace test over and over
//   bench_load port                         prints a free port
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "dialect.h"
#include "wire/frame.h"
#include "wire/message.h"

enum {
    INPUT_SIZE = 128 * 1024,
    EVENTS = 256,
    STALL_MS = 10000,
    START_MS_MAX = 20000,
    START_PAUSE_NS = 100 * 1000,
    HISTOGRAM_STEPS = 128, // buckets for each doubling: within 1 %
    HISTOGRAM_BUCKETS = 64 * HISTOGRAM_STEPS,
};

struct options {
    long port, pid, connections, in_flight, seconds, read_pct, keys, value_bytes, fill;
};

struct connection {
    int fd;
    uint32_t waiting; // answers still to come
    uint64_t sent_ns;
    size_t have;
    uint8_t input[INPUT_SIZE];
};

struct load {
    const struct dialect *dialect;
    struct options options;
    struct test_request request;
    uint8_t *value;
    uint64_t random;
    uint64_t next_key; // of a fill
    uint64_t end_ns;
    uint32_t active; // connections with answers to come
    uint64_t operations, misses, errors;
    uint64_t histogram[HISTOGRAM_BUCKETS];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Reads name=value arguments into the options; the names are those of the struct.
static void parse_options(int count, char **args, struct options *out)
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
            die("expected name=value with a known name");
        }
        *names[n].value = strtol(args[i] + size + 1, NULL, 10);
    }
}

static int connect_to(long port)
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

// User and system time of the process so far, in microseconds; 0 for pid 0.
static double cpu_time_us(long pid)
{
    if (pid == 0) {
        return 0;
    }
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        die(path);
    }
    fclose(file);
    unsigned long user, system;
    const char *behind_name = strrchr(line, ')');
    if (behind_name == NULL ||
        sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        die(path);
    }
    return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t next_random(struct load *load)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random;
}

// HISTOGRAM_STEPS buckets of one ns each, then as many for each doubling.
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS) {
        return (uint32_t)ns;
    }
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - 7;
    return (shift + 1) * HISTOGRAM_STEPS + (uint32_t)((ns >> shift) - HISTOGRAM_STEPS);
}

static double bucket_us(uint32_t bucket)
{
    if (bucket < HISTOGRAM_STEPS) {
        return bucket / 1e3;
    }
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    return (double)((uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift) / 1e3;
}

static double percentile_us(const struct load *load, double share)
{
    uint64_t total = 0, seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += load->histogram[i];
    }
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += load->histogram[i];
        if ((double)seen >= share * (double)total) {
            return bucket_us(i);
        }
    }
    return 0;
}

static void append_one(struct load *load)
{
    const struct options *options = &load->options;
    bool is_read = false;
    uint64_t key;
    if (options->fill) {
        key = load->next_key++ % (uint64_t)options->keys;
    } else {
        key = next_random(load) % (uint64_t)options->keys;
        is_read = (long)((next_random(load) >> 20) % 100) < options->read_pct;
    }
    if (is_read) {
        load->dialect->read_append(&load->request, key);
    } else {
        load->dialect->write_append(&load->request, key, load->value, (size_t)options->value_bytes);
    }
}

static void send_batch(struct load *load, struct connection *connection)
{
    load->request.size = 0;
    for (long i = 0; i < load->options.in_flight; i++) {
        append_one(load);
    }
    connection->sent_ns = now_ns();
    connection->waiting = (uint32_t)load->options.in_flight;
    load->active++;
    for (size_t at = 0; at < load->request.size;) {
        ssize_t sent =
            send(connection->fd, load->request.bytes + at, load->request.size - at, MSG_NOSIGNAL);
        if (sent < 0) {
            die("send");
        }
        at += (size_t)sent;
    }
}

static void receive(struct load *load, struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->input + connection->have,
                       sizeof connection->input - connection->have, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        die("the server closed a connection");
    }
    connection->have += (size_t)got;
    size_t at = 0;
    while (connection->waiting > 0) {
        struct answer answer =
            load->dialect->answer_parse(connection->input + at, connection->have - at);
        if (answer.kind == ANSWER_INCOMPLETE) {
            break;
        }
        at += answer.size;
        load->misses += answer.kind == ANSWER_MISS;
        load->errors += answer.kind == ANSWER_ERROR;
        load->operations++;
        connection->waiting--;
    }
    memmove(connection->input, connection->input + at, connection->have - at);
    connection->have -= at;
}

static bool wants_more(const struct load *load, uint64_t at_ns)
{
    return load->options.fill ? load->next_key < (uint64_t)load->options.keys
                              : at_ns < load->end_ns;
}

static void run(struct load *load, struct connection *connections, int epoll)
{
    for (long i = 0; i < load->options.connections; i++) {
        send_batch(load, &connections[i]);
    }
    struct epoll_event events[EVENTS];
    while (load->active > 0) {
        int count = epoll_wait(epoll, events, EVENTS, STALL_MS);
        if (count == 0) {
            errno = 0;
            die("the server stopped answering");
        }
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            receive(load, connection);
            if (connection->waiting == 0) {
                uint64_t at_ns = now_ns();
                load->histogram[bucket_of(at_ns - connection->sent_ns)]++;
                load->active--;
                if (wants_more(load, at_ns)) {
                    send_batch(load, connection);
                }
            }
        }
    }
}

static int load_main(const struct dialect *dialect, int count, char **args)
{
    static struct load load = {.random = 88172645463325252ull};
    load.dialect = dialect;
    load.options = (struct options){.connections = 32,
                                    .in_flight = 1,
                                    .seconds = 2,
                                    .read_pct = 100,
                                    .keys = 100000,
                                    .value_bytes = 100};
    parse_options(count, args, &load.options);
    load.value = malloc((size_t)load.options.value_bytes);
    struct connection *connections = calloc((size_t)load.options.connections, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    base_assert(load.value != NULL && connections != NULL && epoll >= 0);
    for (long i = 0; i < load.options.value_bytes; i++) {
        load.value[i] = (uint8_t)('a' + i % 26);
    }
    for (long i = 0; i < load.options.connections; i++) {
        connections[i].fd = connect_to(load.options.port);
        if (connections[i].fd < 0) {
            die("connect");
        }
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    double cpu_us = cpu_time_us(load.options.pid);
    uint64_t start_ns = now_ns();
    load.end_ns = start_ns + (uint64_t)load.options.seconds * 1000000000u;
    run(&load, connections, epoll);
    double elapsed_s = (double)(now_ns() - start_ns) / 1e9;
    cpu_us = cpu_time_us(load.options.pid) - cpu_us;
    printf(
        "operations=%llu per_second=%.0f server_us=%.3f p50_us=%.1f p99_us=%.1f p999_us=%.1f "
        "misses=%llu errors=%llu\n",
        (unsigned long long)load.operations, (double)load.operations / elapsed_s,
        cpu_us / (double)load.operations, percentile_us(&load, 0.5), percentile_us(&load, 0.99),
        percentile_us(&load, 0.999), (unsigned long long)load.misses,
        (unsigned long long)load.errors);
    for (long i = 0; i < load.options.connections; i++) {
        close(connections[i].fd);
    }
    free(connections);
    free(load.value);
    test_request_fini(&load.request);
    close(epoll);
    return load.errors > 0;
}

// One write on a new connection; true when it was acknowledged.
static bool write_once(const struct dialect *dialect, long port)
{
    int fd = connect_to(port);
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
    uint64_t end_ns = now_ns() + START_MS_MAX * 1000000ull;
    while (now_ns() < end_ns && (child == 0 || waitpid(child, NULL, WNOHANG) == 0)) {
        if (write_once(dialect, port)) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = START_PAUSE_NS}, NULL);
    }
    return false;
}

static int wait_main(const struct dialect *dialect, int count, char **args)
{
    struct options options = {0};
    parse_options(count, args, &options);
    return !await_write(dialect, options.port, 0);
}

static int start_main(const struct dialect *dialect, int count, char **args)
{
    struct options options = {0};
    int split = 0;
    while (split < count && strcmp(args[split], "--") != 0) {
        split++;
    }
    parse_options(split, args, &options);
    if (split + 1 >= count) {
        errno = 0;
        die("no program behind --");
    }
    uint64_t start_ns = now_ns();
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        execvp(args[split + 1], args + split + 1);
        _exit(127);
    }
    bool served = await_write(dialect, options.port, child);
    printf("start_ms=%.1f\n", (double)(now_ns() - start_ns) / 1e6);
    if (served) {
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    return !served;
}

// Reads one whole scan and returns its records.
static uint64_t scan_once(int fd, uint64_t task_id)
{
    static uint8_t input[1024 * 1024];
    struct test_request request = {0};
    test_request_scan(&request, task_id);
    if (send(fd, request.bytes, request.size, MSG_NOSIGNAL) != (ssize_t)request.size) {
        die("send");
    }
    test_request_fini(&request);
    uint64_t records = 0;
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(fd, input + have, sizeof input - have, 0);
        if (got <= 0) {
            die("the server ended the scan");
        }
        have += (size_t)got;
        size_t at = 0, frame_size;
        struct wire_frame frame;
        while (wire_frame_parse(input + at, have - at, &frame, &frame_size) == RESULT_OK) {
            struct wire_message message;
            size_t message_size;
            for (size_t done = 0; done < frame.body_size; done += message_size) {
                if (wire_message_parse(frame.body + done, frame.body_size - done, &message,
                                       &message_size) != RESULT_OK ||
                    message.header.result_code != RESULT_OK) {
                    errno = 0;
                    die("the scan failed");
                }
                if (message.header.info3 & WIRE_INFO3_LAST) {
                    return records;
                }
                records++;
            }
            at += frame_size;
        }
        memmove(input, input + at, have - at);
        have -= at;
    }
}

static int scan_main(int count, char **args)
{
    struct options options = {.seconds = 2};
    parse_options(count, args, &options);
    int fd = connect_to(options.port);
    if (fd < 0) {
        die("connect");
    }
    uint64_t start_ns = now_ns();
    uint64_t end_ns = start_ns + (uint64_t)options.seconds * 1000000000u;
    struct timeval patience = {.tv_sec = STALL_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    uint64_t records = 0, scans = 0;
    while (now_ns() < end_ns) {
        records += scan_once(fd, start_ns + scans);
        scans++;
    }
    double elapsed_s = (double)(now_ns() - start_ns) / 1e9;
    printf("scans=%llu records=%llu per_second=%.0f\n", (unsigned long long)scans,
           (unsigned long long)records, (double)records / elapsed_s);
    close(fd);
    return 0;
}

static int port_main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        die("bind");
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
        return load_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "start") == 0 && dialect != NULL) {
        return start_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "wait") == 0 && dialect != NULL) {
        return wait_main(dialect, count - 3, args + 3);
    }
    if (strcmp(what, "scan") == 0) {
        return scan_main(count - 2, args + 2);
    }
    if (strcmp(what, "port") == 0) {
        return port_main();
    }
    fprintf(stderr,
            "usage: bench_load load|start as|redis|memcached name=value... | scan "
            "name=value... | port\n");
    return 2;
}
