// SPDX-License-Identifier: Apache-2.0
// What kind of world a seed has: how many nodes, how good the network, which faults and how often.
// Worlds differ much, so that each kind of trouble is had alone and with others.
#pragma once

#include "sim.h"

void profile_make(struct sim *sim);

// The records that are written: some partitions hold many, most hold none.
void profile_keys_make(struct sim *sim);
