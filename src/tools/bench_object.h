// SPDX-License-Identifier: Apache-2.0
// What a record of the benchmark holds: a list of bins such as "I4,S:100,3*D". Parsing is pure;
// an object belongs to one thread.
#pragma once

#include "ballast/ballast.h"
#include "base/limits.h"
#include "tools/bench_keys.h"

enum { BENCH_BINS_MAX = 64 };

struct bench_field {
    enum ballast_type type;
    uint32_t size; // of strings and blobs; of integers: bytes that may be set, 1 to 8
};

struct bench_spec {
    uint32_t count;
    struct bench_field fields[BENCH_BINS_MAX];
};

// Reads a specification: items with commas between, each [count*]type: I, I<1-8>, D, b, S<size>,
// B<size>, the size also behind a colon. On false `mistake` says what is wrong and how to mend it.
bool bench_spec_parse(const char *text, struct bench_spec *out, char *mistake, size_t mistake_size);

struct bench_object {
    const struct bench_spec *spec;
    struct ballast_bin bins[BENCH_BINS_MAX];
    char names[BENCH_BINS_MAX][LIMIT_BIN_NAME_SIZE + 1];
    uint8_t *bytes; // of all strings and blobs
};

// Makes bins `name`, `name_2`, ... with first values. False when a name would be too long or memory
// is short.
bool bench_object_init(struct bench_object *object, const struct bench_spec *spec, const char *name,
                       struct bench_random *random);
void bench_object_fini(struct bench_object *object);

// Gives all bins new values.
void bench_object_fill(struct bench_object *object, struct bench_random *random);
