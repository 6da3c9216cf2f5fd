// SPDX-License-Identifier: Apache-2.0
// Who a node is: an id that stays with its data, an incarnation that is new at each start, and the
// highest regime of a view that it took part in. The id comes from the configuration; else from a
// file in the work directory, made at the first start; else, where there is no such directory, it
// is random and holds for this run. It is never made from addresses: those belong to the machine.
//
// Main establishes it before any thread starts; from then on id and incarnation are constant, and
// one thread alone keeps regimes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"

struct config;
struct log;

struct identity {
    uint64_t id;                          // never 0
    char id_text[LIMIT_NODE_ID_SIZE + 1]; // upper-case hex
    uint64_t incarnation;                 // never 0
    uint64_t regime;                      // highest known, 0: none
    int directory_fd; // the work directory, held by this process alone; -1: none
    bool kept;        // the file in it is ours to write
};

// A random id and incarnation, or the configured id; reads and writes no file.
void identity_init(struct identity *identity, const struct config *config);

// Takes the id from the work directory, or leaves it there for the next start; says in the log
// where it came from. RESULT_CONFIG when the file there is damaged: the log names it and the way
// out. A directory that another process holds, or that cannot be written, is done without.
BASE_MUST_USE enum base_result identity_establish(struct identity *identity,
                                                  const struct config *config, struct log *log);
void identity_fini(struct identity *identity);

// A random number of exactly so many bits: the top one is set.
uint64_t identity_random(uint32_t bits);

// Keeps the regime for the next start when it is higher than what is kept; waits for the disk. A
// file that cannot be written is told in the log, once.
void identity_regime_keep(struct identity *identity, uint64_t regime, struct log *log);
