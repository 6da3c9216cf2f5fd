// SPDX-License-Identifier: Apache-2.0
// Room for the largest answer between nodes; for use within one event.
#pragma once

#include "cluster/sync.h"
#include "sim.h"

enum { SCRATCH_SIZE = SYNC_ANSWER_SIZE_MAX };

static inline uint8_t *scratch_get(struct sim *sim)
{
    return sim->scratch;
}
