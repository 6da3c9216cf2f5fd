// SPDX-License-Identifier: Apache-2.0
// Requests as bytes, for tests and the bench: built with the wire room and appended one behind the
// other. Keys are numbers; the digest is a hash of the number, which a server cannot tell from a
// real one. Records lie in namespace `test`, set `demo`, and have one bin `b`, a blob. Start with a
// zeroed struct; memory that runs out ends the process. One thread uses a request.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct test_request {
    uint8_t *bytes;
    size_t size; // 0: empty, to be filled again
    size_t capacity;
};

// Appends `size` bytes and returns their place.
uint8_t *test_request_append(struct test_request *request, size_t size);

void test_request_put(struct test_request *request, uint64_t key, const void *value, size_t size);
void test_request_get(struct test_request *request, uint64_t key);
void test_request_delete(struct test_request *request, uint64_t key);

// All records of the set, from all partitions.
void test_request_scan(struct test_request *request, uint64_t task_id);

// `names` end with a newline each.
void test_request_info(struct test_request *request, const char *names);

// Wraps the one message that `request` holds in a compressed frame.
void test_request_compress(struct test_request *request);

void test_request_fini(struct test_request *request);
