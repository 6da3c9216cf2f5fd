// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and when: at random within the profile of the seed, or as a script says. Most
// faults end by themselves after a while; all end when the faults are stopped.
//
// The budget: a process that ends loses its memory. Fewer than the replication factor of them may,
// between two moments when all is settled, else records are lost for good. Mostly that is kept to;
// sometimes it is not, and then the checkers demand less of what was hit (history.h).
#pragma once

#include "sim.h"

enum fault_kind {
    FAULT_CRASH,        // a: starts again after a while, empty, with the same id
    FAULT_CRASH_NEW_ID, // the same with another id
    FAULT_CRASH_MANY,   // beyond the budget: bits of `set`; all of them may be
    FAULT_PAUSE,        // a
    FAULT_CUT_PAIR,     // a and b, both ways
    FAULT_CUT_ONE_WAY,  // a to b
    FAULT_CUT_NODE,     // a and everybody else
    FAULT_CUT_GROUPS,   // bits of `set`, and everybody else
    FAULT_FLAP,         // a and b: cut and mended again and again
    FAULT_SLOW_LINK,    // a to b
    FAULT_SLOW_NODE,    // a
    FAULT_CLOCK,        // a's wall clock jumps
    FAULT_FULL,         // a's memory
    FAULT_JOIN,         // a new node, or one that had left
    FAULT_LEAVE,        // a: as on SIGTERM
    FAULT_QUIESCE,      // a, undone after a while
    FAULT_RECLUSTER,    // by an operator at a
    FAULT_KINDS,
};

struct fault {
    enum fault_kind kind;
    uint32_t a, b;
    uint32_t set; // hosts, as bits
    enum cut cut;
    int64_t amount;       // of a jump or a slowness
    uint64_t duration_us; // 0: until the faults are stopped
};

struct faults *faults_new(struct sim *sim);
void faults_free(struct faults **faults);

// Random faults (or those of the script) from now on, until they are stopped; then all that fails
// is mended and every host that is to run runs.
void faults_start(struct sim *sim);
void faults_stop(struct sim *sim);
bool faults_are_over(const struct sim *sim); // of a script: all have been played

// Events of theirs.
void faults_next(struct sim *sim);
void faults_undo(struct sim *sim, uint64_t number);

// A process has ticked: one that leaves goes when it may.
void faults_on_tick(struct sim *sim, uint32_t host);

// All is settled: the budget starts anew.
void faults_settled(struct sim *sim);

// Carries one out, for scripts.
void faults_apply(struct sim *sim, const struct fault *fault);
const char *fault_name(enum fault_kind kind);
