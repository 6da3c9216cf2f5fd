// SPDX-License-Identifier: Apache-2.0
// What the parts of bench_load share. Errors end the program with a line on standard error.
#pragma once

#include <stdint.h>

#include "dialect.h"

enum { BENCH_STALL_MS = 10000 }; // a server that says nothing for so long has failed

// Options given as name=value, by the names below; each part reads those it knows.
struct options {
    long port, pid, connections, in_flight, seconds, read_pct, keys, value_bytes, fill;
};

// Says what went wrong, with the text of errno unless that is 0, and ends the program.
_Noreturn void bench_die(const char *what);

uint64_t bench_now_ns(void);

// Reads name=value arguments into the options, which hold the defaults.
void bench_options_parse(int count, char **args, struct options *out);

// A connection to a port of loopback; -1 when there is none to be had.
int bench_connect(long port);

// The parts: each gets the arguments behind its name (and dialect) and returns the exit code.
int bench_load_main(const struct dialect *dialect, int count, char **args);
int bench_start_main(const struct dialect *dialect, int count, char **args);
int bench_wait_main(const struct dialect *dialect, int count, char **args);
int bench_scan_main(int count, char **args);
