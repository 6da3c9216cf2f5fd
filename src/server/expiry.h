// SPDX-License-Identifier: Apache-2.0
// The thread that looks after a namespace while nobody asks: once a second it compares memory with
// the limits (stop-writes, high-water mark) and walks away what truncations cover; each nsup-period
// it removes expired records and evicts when the high-water mark is passed.
#pragma once

#include "server/node.h"

struct expiry;

BASE_MUST_USE enum base_result expiry_start(struct node *node, struct expiry **out);
void expiry_stop(struct expiry **expiry);
