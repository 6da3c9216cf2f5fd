// SPDX-License-Identifier: Apache-2.0
// The tend thread keeps nodes and partition map fresh: each round asks every node for its name and
// generations, at the same time, and fetches peers and map where a generation has changed
// (wire-protocol section 11).
#pragma once

#include "base/result.h"
#include "client/cluster.h"

// Runs rounds in the calling thread until no new node turns up. RESULT_NOT_CONNECTED when there is
// no node in the end.
BASE_MUST_USE enum base_result client__tend_begin(struct ballast_cluster *cluster);

// One round. Only for the tend thread, or while there is none.
void client__tend_round(struct ballast_cluster *cluster);

BASE_MUST_USE enum base_result client__tend_start(struct ballast_cluster *cluster);
void client__tend_stop(struct ballast_cluster *cluster);

// Asks for a round soon, because the map has shown to be old. Any thread may call; returns at once.
void client__tend_request(struct ballast_cluster *cluster);
