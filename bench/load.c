// SPDX-License-Identifier: Apache-2.0
// The closed loop: each connection sends `in_flight` requests at once, waits for all the answers,
// and sends the next ones. Measures the server's own CPU time over the run, from /proc, beside what
// a client sees.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "common.h"

enum {
    INPUT_SIZE = 128 * 1024,
    EVENTS = 256,
    HISTOGRAM_STEPS = 128, // buckets for each doubling: within 1 %
    HISTOGRAM_BUCKETS = 64 * HISTOGRAM_STEPS,
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
        bench_die(path);
    }
    fclose(file);
    unsigned long user, system;
    const char *behind_name = strrchr(line, ')');
    if (behind_name == NULL ||
        sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        bench_die(path);
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
    connection->sent_ns = bench_now_ns();
    connection->waiting = (uint32_t)load->options.in_flight;
    load->active++;
    for (size_t at = 0; at < load->request.size;) {
        ssize_t sent =
            send(connection->fd, load->request.bytes + at, load->request.size - at, MSG_NOSIGNAL);
        if (sent < 0) {
            bench_die("send");
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
        bench_die("the server closed a connection");
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
        int count = epoll_wait(epoll, events, EVENTS, BENCH_STALL_MS);
        if (count == 0) {
            errno = 0;
            bench_die("the server stopped answering");
        }
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            receive(load, connection);
            if (connection->waiting == 0) {
                uint64_t at_ns = bench_now_ns();
                load->histogram[bucket_of(at_ns - connection->sent_ns)]++;
                load->active--;
                if (wants_more(load, at_ns)) {
                    send_batch(load, connection);
                }
            }
        }
    }
}

int bench_load_main(const struct dialect *dialect, int count, char **args)
{
    static struct load load = {.random = 88172645463325252ull};
    load.dialect = dialect;
    load.options = (struct options){.connections = 32,
                                    .in_flight = 1,
                                    .seconds = 2,
                                    .read_pct = 100,
                                    .keys = 100000,
                                    .value_bytes = 100};
    bench_options_parse(count, args, &load.options);
    load.value = malloc((size_t)load.options.value_bytes);
    struct connection *connections = calloc((size_t)load.options.connections, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    base_assert(load.value != NULL && connections != NULL && epoll >= 0);
    for (long i = 0; i < load.options.value_bytes; i++) {
        load.value[i] = (uint8_t)('a' + i % 26);
    }
    for (long i = 0; i < load.options.connections; i++) {
        connections[i].fd = bench_connect(load.options.port);
        if (connections[i].fd < 0) {
            bench_die("connect");
        }
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    double cpu_us = cpu_time_us(load.options.pid);
    uint64_t start_ns = bench_now_ns();
    load.end_ns = start_ns + (uint64_t)load.options.seconds * 1000000000u;
    run(&load, connections, epoll);
    double elapsed_s = (double)(bench_now_ns() - start_ns) / 1e9;
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
