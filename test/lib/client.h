// SPDX-License-Identifier: Apache-2.0
// A bare client for scenario tests: blocking sockets, answers taken apart with the wire room. A
// helper that fails fails the running cmocka test; reads give up after TEST_DEADLINE_MS. One thread
// uses a client.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/node.h"
#include "lib/request.h"
#include "wire/frame.h"
#include "wire/message.h"

struct test_client {
    int fd;
    char address[32]; // our end as the node logs it, "127.0.0.1:54321"
    uint8_t *answer;  // body of the last frame read
    size_t answer_size;
};

void test_client_connect(struct test_client *client, uint16_t port);
void test_client_close(struct test_client *client);

// Sends everything.
void test_client_send(struct test_client *client, const void *bytes, size_t size);

// Reads one frame into client->answer and returns its type.
enum wire_frame_type test_client_read(struct test_client *client);

// True when the node has closed the connection, after reading and dropping what was still coming.
bool test_client_is_closed(struct test_client *client);

// Sends what was put together and leaves the request empty.
void test_client_send_request(struct test_client *client, struct test_request *request);

// Reads the answer of one single-record request and returns its result code. `message` may be NULL.
enum base_result test_client_read_result(struct test_client *client, struct wire_message *message);

// One request and its answer.
enum base_result test_client_put(struct test_client *client, uint64_t key, const void *value,
                                 size_t size);
enum base_result test_client_delete(struct test_client *client, uint64_t key);

// Reads a record; on RESULT_OK *value points to its one bin's bytes, good until the next read.
enum base_result test_client_get(struct test_client *client, uint64_t key,
                                 struct base_slice *value);

// Asks one info name and returns the answer's value, terminated, good until the next read.
const char *test_client_info(struct test_client *client, const char *name);

// Writes a record of its own, reads it back right to the last byte, and deletes it.
void test_client_is_served(struct test_client *client);

// True when a new connection to the port is accepted and an info request on it answered.
bool test_port_answers(uint16_t port);
