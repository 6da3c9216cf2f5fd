// SPDX-License-Identifier: Apache-2.0
// A ballastd of one's own for a scenario test: started from SCENARIO_BIN on free ports of
// loopback, with a configuration file and log in a temporary folder that goes when the node is
// stopped. The node dies with the test program, whatever ends that. A helper that fails fails the
// running cmocka test. One thread uses a node.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TEST_DEADLINE_MS = 30000 };

struct test_node_options {
    const char *service;      // lines for the `service` section, or NULL
    const char *namespace;    // lines for namespace `test`, or NULL
    const char *heartbeat;    // lines for the `heartbeat` section, or NULL
    const char *storage;      // lines for its `storage-engine memory` section, or NULL: 1 GB
    uint32_t descriptors_max; // hard limit on the node's file descriptors; 0: the caller's own
};

struct test_node {
    pid_t pid; // 0: not running
    uint16_t port;
    uint16_t info_port;
    uint16_t heartbeat_port;
    uint16_t fabric_port;
    double start_ms; // from exec to the first connection accepted
    char folder[64];

    // The node's output, read by a thread so that a full pipe never holds the node up.
    pthread_t reader;
    int output_fd;
    pthread_mutex_t lock;
    pthread_cond_t grown;
    char *log; // what it said so far, terminated
    size_t log_size;
    bool log_ended;
};

// Starts a node and returns when it accepts connections. `options` may be NULL.
void test_node_start(struct test_node *node, const struct test_node_options *options);

// Ends a node as a crash does; test_node_stop is not to be called for it.
void test_node_kill(struct test_node *node);

// Waits for a node that was told to end by other means; returns its exit status, -1 for a signal.
int test_node_wait(struct test_node *node);

// Sends SIGTERM, waits for the end, removes the folder and fails the test when the node did not
// exit with 0. The log stays readable until test_node_fini.
void test_node_stop(struct test_node *node);

// For teardown: ends the node in any way when it still runs and frees what it holds.
void test_node_fini(struct test_node *node);

// How many lines of the log so far contain both texts; `also` may be NULL.
uint32_t test_node_log_lines(struct test_node *node, const char *text, const char *also);

// Waits until a line of the log contains both texts; fails the test at the deadline.
void test_node_log_wait(struct test_node *node, const char *text, const char *also);

// Resident memory of the node in kB.
uint64_t test_node_resident_kb(const struct test_node *node);

// Waits until check(arg) is true, asking again after short pauses; fails the test with `what` at
// the deadline.
void test_until(const char *what, bool (*check)(void *arg), void *arg);

// Raises the soft limit on file descriptors to the hard one and returns it.
uint64_t test_descriptors_raise(void);

// True when tests shall be short because a sanitizer makes them slow.
bool test_short(void);

uint64_t test_now_ns(void);
