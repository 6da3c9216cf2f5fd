// SPDX-License-Identifier: Apache-2.0
// What the load generator must know of a protocol: how to ask for a read and a write, and where an
// answer ends. The same keys and values in each, so that servers compare.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/request.h"

enum answer_kind {
    ANSWER_INCOMPLETE,
    ANSWER_OK,
    ANSWER_MISS,  // a read of a key that is not there
    ANSWER_ERROR, // the server refused, or said what the dialect does not know
};

struct answer {
    enum answer_kind kind;
    size_t size; // bytes of the answer; 0 while it is incomplete
};

struct dialect {
    const char *name;
    void (*read_append)(struct test_request *out, uint64_t key);
    void (*write_append)(struct test_request *out, uint64_t key, const void *value, size_t size);
    struct answer (*answer_parse)(const uint8_t *bytes, size_t size);
};

// "as", "redis" or "memcached"; NULL for any other name.
const struct dialect *dialect_find(const char *name);
