// SPDX-License-Identifier: Apache-2.0
// The thread that looks after a namespace while nobody asks: once a second it compares memory with
// the limits (stop-writes, high-water mark) and walks away what truncations cover; each nsup-period
// it removes expired records and evicts when the high-water mark is passed; tombstones go when the
// whole cluster knows of them, or when they are old; each nsup-hist-period
// it measures how records are distributed.
#pragma once

#include "server/expiry_cycle.h"
#include "server/node.h"

struct expiry;

// Starts the thread and sets node->expiry too.
BASE_MUST_USE enum base_result expiry_start(struct node *node, struct expiry **out);

// Ends it, at once even in the middle of a walk, and clears node->expiry.
void expiry_stop(struct expiry **expiry);

// Has the thread look now instead of at the end of the second. Any thread may call.
void expiry_wake(struct expiry *expiry);

// The distribution as last measured; false while there is none. Any thread may call.
bool expiry_distribution_copy(struct expiry *expiry, uint32_t namespace_number,
                              struct expiry_distribution *out);
