// SPDX-License-Identifier: Apache-2.0
// A story of faults from a text file; fault_plan.h shows one.
#pragma once

#include "faults.h"

enum { SCRIPT_LINES_MAX = 64 };

struct script_line {
    uint64_t at_us; // since the faults start
    struct fault fault;
};

struct script {
    uint32_t nodes, factor, keys, clients; // 0: by the seed
    uint64_t seed;
    uint64_t until_us;
    uint32_t count;
    struct script_line line[SCRIPT_LINES_MAX];
};

// Reads a file; says what is wrong with it and ends the program when something is.
struct script *script_read(const char *path);
