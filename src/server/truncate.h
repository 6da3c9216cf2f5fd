// SPDX-License-Identifier: Apache-2.0
// Truncation: records last updated before a moment are gone at once for every reader; the expiry
// thread frees them afterwards. Any thread may call. Operators' truncations hold for the whole
// cluster: server/shared.h.
#pragma once

#include "server/node.h"

// The moment that an operator means, in milliseconds since 2010: `before_unix_ns` in nanoseconds
// since 1970, 0 for now. RESULT_PARAMETER when it has not come yet.
BASE_MUST_USE enum base_result truncate_moment(const struct namespace *ns, uint64_t before_unix_ns,
                                               uint64_t *before_ms);

// Truncates a set (or the whole namespace when `set` is NULL) on this node.
void truncate_apply(struct namespace *ns, struct store_set *set, uint64_t before_ms);
