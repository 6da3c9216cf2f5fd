// SPDX-License-Identifier: Apache-2.0
// The places where other nodes are looked for: seeds from the configuration and tips of operators,
// and the thread that looks up their names, because a name server may keep it waiting for long. The
// same thread keeps the regime on disk, for the same reason.
//
// Any thread may call. What is handed out is a copy.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "io/socket.h"

struct identity;
struct log;
struct mesh_seeds;

enum {
    MESH_SEEDS_MAX = 512,
    MESH_SEED_ADDRESSES_MAX = 128, // of one name
    MESH_SEED_HOST_SIZE = 256,
};

// `changed` is called from the thread when addresses changed; it wakes who looks at them.
BASE_MUST_USE enum base_result mesh_seeds_new(struct identity *identity, struct log *log,
                                              void (*changed)(void *arg), void *arg,
                                              struct mesh_seeds **out);

// Returns at once, even while a name server is waited for.
void mesh_seeds_free(struct mesh_seeds **seeds);

// RESULT_OK, also when it is there already; RESULT_LIMIT, RESULT_PARAMETER for a bad host.
BASE_MUST_USE enum base_result mesh_seeds_add(struct mesh_seeds *seeds, const char *host,
                                              uint16_t port);
// RESULT_RECORD_NOT_FOUND.
BASE_MUST_USE enum base_result mesh_seeds_remove(struct mesh_seeds *seeds, const char *host,
                                                 uint16_t port);
void mesh_seeds_clear(struct mesh_seeds *seeds);

// Has all names looked up again soon.
void mesh_seeds_refresh(struct mesh_seeds *seeds);

struct mesh_seeds_state {
    uint32_t seed_count;
    uint32_t name_count; // seeds that are names, which may come to stand for other addresses
    bool all_looked_up;  // each at least once, well or not
    bool some_unknown;   // a name that could not be looked up the last time
    uint64_t version;    // changes when addresses change
};
void mesh_seeds_state(struct mesh_seeds *seeds, struct mesh_seeds_state *out);

// Copies all addresses, each once, at most `max`; returns how many.
uint32_t mesh_seeds_addresses(struct mesh_seeds *seeds, struct io_address *out, uint32_t max);

// Has identity_regime_keep called soon.
void mesh_seeds_regime_keep(struct mesh_seeds *seeds, uint64_t regime);
