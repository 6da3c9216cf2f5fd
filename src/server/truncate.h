// SPDX-License-Identifier: Apache-2.0
// Truncation: records last updated before a moment are gone at once for every reader; the expiry
// thread frees them afterwards. Any thread may begin one.
#pragma once

#include "server/node.h"

// Truncates a set (or the whole namespace when `set` is empty). `before_unix_ns`: nanoseconds since
// 1970; 0: now. RESULT_OK when done, RESULT_PARAMETER when the moment has not come yet.
BASE_MUST_USE enum base_result truncate_begin(struct namespace *ns, struct base_slice set,
                                              uint64_t before_unix_ns);
