// SPDX-License-Identifier: Apache-2.0
// Clients that break the protocol or hold on to what they are given. Each costs the others nothing:
// a well-behaved client beside them keeps getting right answers, and the log names each offender
// once, with its address.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "lib/client.h"
#include "lib/node.h"

enum {
    BIG_KEY = 777,
    BIG_SIZE = 500 * 1000,
    BIG_READS = 1000,
    BIG_READS_SHORT = 100,
    GROWTH_MAX_KB = 96 * 1024,
    ENDLESS_SIZE = 256 * 1024 * 1024,
    STORM_CONNECTIONS = 10000,
    STORM_CONNECTIONS_SHORT = 1000,
    DESCRIPTORS_SPARE = 256,
    ROUNDS = 200,
};

static struct test_node node, impatient;
static struct test_client good;

static int start(void **state)
{
    (void)state;
    test_node_start(&node, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_node_stop(&node);
    test_node_fini(&node);
    return 0;
}

static int connect_good(void **state)
{
    (void)state;
    test_client_connect(&good, node.port);
    return 0;
}

static int close_good(void **state)
{
    (void)state;
    test_client_close(&good);
    return 0;
}

static void good_client_is_served(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        test_client_is_served(&good);
    }
}

static uint32_t big_reads(void)
{
    return test_short() ? BIG_READS_SHORT : BIG_READS;
}

static void fill_big(uint8_t *bytes)
{
    for (size_t i = 0; i < BIG_SIZE; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    }
}

static void put_big(struct test_client *client)
{
    uint8_t *bytes = malloc(BIG_SIZE);
    assert_non_null(bytes);
    fill_big(bytes);
    assert_int_equal(test_client_put(client, BIG_KEY, bytes, BIG_SIZE), RESULT_OK);
    free(bytes);
}

static void send_big_reads(struct test_client *client)
{
    struct test_request request = {0};
    for (uint32_t i = 0; i < big_reads(); i++) {
        test_request_get(&request, BIG_KEY);
    }
    test_client_send_request(client, &request);
}

// Reads all answers to send_big_reads; true when each was right.
static bool read_big_answers(struct test_client *client)
{
    uint8_t *bytes = malloc(BIG_SIZE);
    assert_non_null(bytes);
    fill_big(bytes);
    bool right = true;
    for (uint32_t i = 0; i < big_reads() && right; i++) {
        struct wire_message message;
        struct wire_op op;
        right = test_client_read_result(client, &message) == RESULT_OK &&
                wire_ops_next(&message.ops, &op) && op.value_size == BIG_SIZE &&
                memcmp(op.value, bytes, BIG_SIZE) == 0;
    }
    free(bytes);
    return right;
}

// What no parser can take: each case closes its own connection and is logged once.
static void garbage_closes_its_own_connection_and_is_logged_once(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35},
        {"\x02\x09\x00\x00\x00\x00\x00\x08zzzzzzzz", 16}, // no such type
        {"\x03\x03\x00\x00\x00\x00\x00\x16zzzzzzzz", 16}, // no such version
        {"\x02\x03\x00\x00\x80\x00\x00\x00\x16\x03", 10}, // 2 GB
        {"\x02\x03\xff\xff\xff\xff\xff\xff\x16\x03", 10}, // 256 TB
        {"\x02\x04\x00\x00\x00\x00\x00\x10\xff\xff\xff\xff\xff\xff\xff\xffzzzzzzzz", 24},
        {"\x02\x04\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x40zzzzzzzz", 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_client bad;
        test_client_connect(&bad, node.port);
        test_client_send(&bad, cases[i].bytes, cases[i].size);
        assert_true(test_client_is_closed(&bad));
        test_node_log_wait(&node, bad.address, NULL);
        good_client_is_served();
        assert_int_equal(test_node_log_lines(&node, bad.address, NULL), 1);
        test_client_close(&bad);
    }
}

// A whole frame around a broken message: an error answer or a closed connection, nothing else.
static void broken_message_in_a_whole_frame_harms_nobody(void **state)
{
    (void)state;
    struct test_request request = {0};
    test_request_put(&request, 1, "value", 5);
    for (size_t i = WIRE_FRAME_HEADER_SIZE; i < request.size; i++) {
        struct test_client bad;
        test_client_connect(&bad, node.port);
        uint8_t byte = request.bytes[i];
        request.bytes[i] = 0xff;
        test_client_send(&bad, request.bytes, request.size);
        request.bytes[i] = byte;
        shutdown(bad.fd, SHUT_WR);
        assert_true(test_client_is_closed(&bad));
        test_client_close(&bad);
    }
    test_request_fini(&request);
    good_client_is_served();
}

static void half_a_message_waits_and_is_answered_when_the_rest_comes(void **state)
{
    (void)state;
    struct test_client half;
    test_client_connect(&half, node.port);
    struct test_request request = {0};
    test_request_put(&request, 2, "whole", 5);
    size_t cut = request.size / 2;
    test_client_send(&half, request.bytes, cut);
    good_client_is_served();
    test_client_send(&half, request.bytes + cut, request.size - cut);
    test_request_fini(&request);
    assert_int_equal(test_client_read_result(&half, NULL), RESULT_OK);
    test_client_close(&half);
}

// The greatest length that is allowed, announced and never sent, takes no memory.
static void announced_length_takes_no_memory_before_it_arrives(void **state)
{
    (void)state;
    enum { LIARS = 50 };
    static struct test_client liars[LIARS];
    uint64_t before_kb = test_node_resident_kb(&node);
    for (int i = 0; i < LIARS; i++) {
        uint8_t bytes[64] = {0};
        wire_frame_header_store(bytes, WIRE_FRAME_MESSAGE, LIMIT_FRAME_BODY_SIZE);
        bytes[WIRE_FRAME_HEADER_SIZE] = WIRE_MESSAGE_HEADER_SIZE;
        test_client_connect(&liars[i], node.port);
        test_client_send(&liars[i], bytes, sizeof bytes);
    }
    good_client_is_served();
    assert_true(test_node_resident_kb(&node) < before_kb + GROWTH_MAX_KB);
    for (int i = 0; i < LIARS; i++) {
        test_client_close(&liars[i]);
    }
    good_client_is_served();
}

static void client_that_never_reads_holds_neither_memory_nor_others(void **state)
{
    (void)state;
    put_big(&good);
    uint64_t before_kb = test_node_resident_kb(&node);
    struct test_client deaf;
    test_client_connect(&deaf, node.port);
    send_big_reads(&deaf);
    good_client_is_served();
    assert_true(test_node_resident_kb(&node) < before_kb + GROWTH_MAX_KB);
    test_client_close(&deaf);
    good_client_is_served();
}

static int start_impatient(void **state)
{
    (void)state;
    test_node_start(&impatient, &(struct test_node_options){.service = "proto-fd-idle-ms 1000\n"});
    return 0;
}

static int end_impatient(void **state)
{
    (void)state;
    test_node_fini(&impatient);
    return 0;
}

static void client_that_never_reads_is_closed_in_the_end_and_logged_once(void **state)
{
    (void)state;
    struct test_client deaf;
    test_client_connect(&deaf, impatient.port);
    put_big(&deaf);
    send_big_reads(&deaf);
    test_node_log_wait(&impatient, deaf.address, NULL);
    test_node_stop(&impatient);
    assert_int_equal(test_node_log_lines(&impatient, deaf.address, NULL), 1);
    assert_true(test_client_is_closed(&deaf));
    test_client_close(&deaf);
}

static void scan_whose_client_never_reads_holds_nobody(void **state)
{
    (void)state;
    put_big(&good);
    uint64_t before_kb = test_node_resident_kb(&node);
    enum { SCANS = 8 };
    struct test_client scanners[SCANS];
    for (int i = 0; i < SCANS; i++) {
        test_client_connect(&scanners[i], node.port);
        struct test_request request = {0};
        test_request_scan(&request, test_now_ns());
        test_client_send_request(&scanners[i], &request);
    }
    good_client_is_served();
    assert_true(test_node_resident_kb(&node) < before_kb + GROWTH_MAX_KB);
    for (int i = 0; i < SCANS; i++) {
        test_client_close(&scanners[i]);
    }
    good_client_is_served();
}

// The plain-text port takes lines of a bounded length.
static void line_without_end_on_the_info_port_takes_no_memory(void **state)
{
    (void)state;
    uint64_t before_kb = test_node_resident_kb(&node);
    struct test_client endless;
    test_client_connect(&endless, node.info_port);
    static char line[64 * 1024];
    memset(line, 'x', sizeof line);
    size_t sent = 0;
    while (sent < ENDLESS_SIZE) {
        ssize_t count = send(endless.fd, line, sizeof line, MSG_NOSIGNAL);
        if (count <= 0) {
            break; // closed by the node, which is its right
        }
        sent += (size_t)count;
    }
    good_client_is_served();
    assert_true(test_node_resident_kb(&node) < before_kb + GROWTH_MAX_KB);
    test_client_close(&endless);
    good_client_is_served();
}

// The other half of the next test, in a process of its own: stops itself when the first answer is
// on its way, and reads all of them when it goes on. A failed check ends it.
static void read_as_a_child(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    struct test_client client;
    test_client_connect(&client, node.port);
    send_big_reads(&client);
    uint8_t first[WIRE_FRAME_HEADER_SIZE];
    bool started = recv(client.fd, first, sizeof first, MSG_PEEK | MSG_WAITALL) == sizeof first;
    raise(SIGSTOP);
    _exit(started && read_big_answers(&client) ? 0 : 1);
}

static void client_stopped_in_mid_answer_gets_all_of_it_when_it_goes_on(void **state)
{
    (void)state;
    put_big(&good);
    uint64_t before_kb = test_node_resident_kb(&node);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        read_as_a_child();
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    good_client_is_served();
    assert_true(test_node_resident_kb(&node) < before_kb + GROWTH_MAX_KB);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    good_client_is_served();
}

// Closing with a reset leaves no port behind in TIME_WAIT, and is one more rudeness.
static void reset(struct test_client *client)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    test_client_close(client);
}

static void thousands_of_connections_are_served_like_one(void **state)
{
    (void)state;
    uint64_t count = test_short() ? STORM_CONNECTIONS_SHORT : STORM_CONNECTIONS;
    uint64_t descriptors = test_descriptors_raise();
    if (count + DESCRIPTORS_SPARE > descriptors) {
        count = descriptors - DESCRIPTORS_SPARE;
    }
    struct test_client *storm = calloc(count, sizeof *storm);
    assert_non_null(storm);
    for (uint64_t i = 0; i < count; i++) {
        test_client_connect(&storm[i], node.port);
    }
    good_client_is_served();
    for (uint64_t i = 0; i < count; i++) {
        struct test_request request = {0};
        test_request_put(&request, i, &i, sizeof i);
        test_request_get(&request, i);
        test_client_send_request(&storm[i], &request);
    }
    good_client_is_served();
    for (uint64_t i = 0; i < count; i++) {
        struct wire_message message;
        struct wire_op op;
        assert_int_equal(test_client_read_result(&storm[i], NULL), RESULT_OK);
        assert_int_equal(test_client_read_result(&storm[i], &message), RESULT_OK);
        assert_true(wire_ops_next(&message.ops, &op));
        assert_memory_equal(op.value, &i, sizeof i);
    }
    for (uint64_t i = 0; i < count; i++) {
        reset(&storm[i]);
    }
    free(storm);
    good_client_is_served();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, connect_good, close_good)
    const struct CMUnitTest tests[] = {
        CASE(garbage_closes_its_own_connection_and_is_logged_once),
        CASE(broken_message_in_a_whole_frame_harms_nobody),
        CASE(half_a_message_waits_and_is_answered_when_the_rest_comes),
        CASE(announced_length_takes_no_memory_before_it_arrives),
        CASE(client_that_never_reads_holds_neither_memory_nor_others),
        cmocka_unit_test_setup_teardown(
            client_that_never_reads_is_closed_in_the_end_and_logged_once, start_impatient,
            end_impatient),
        CASE(scan_whose_client_never_reads_holds_nobody),
        CASE(line_without_end_on_the_info_port_takes_no_memory),
        CASE(client_stopped_in_mid_answer_gets_all_of_it_when_it_goes_on),
        CASE(thousands_of_connections_are_served_like_one),
    };
#undef CASE
    return cmocka_run_group_tests(tests, start, end);
}
