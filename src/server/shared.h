// SPDX-License-Identifier: Apache-2.0
// What all nodes of a cluster share beside records: truncations, modules of user functions, how
// deep eviction went. An operator says it to one node; that one takes it over and tells the others
// at once, and after each new view all nodes tell each other all they have (cluster/metadata.h says
// who wins). What was changed lately is told again now and then, because a message may be lost with
// its link. Any thread may call.
#pragma once

#include "base/bytes.h"
#include "server/node.h"

struct shared;

BASE_MUST_USE enum base_result shared_new(struct node *node, struct shared **out);
void shared_free(struct shared **shared);

// Truncates a set, or the whole namespace when `set` is empty, on all nodes: records last updated
// before `before_unix_ns` (nanoseconds since 1970; 0: now). RESULT_PARAMETER: the moment has not
// come yet, or no set can have such a name.
BASE_MUST_USE enum base_result shared_truncate(struct shared *shared, struct namespace *ns,
                                               struct base_slice set, uint64_t before_unix_ns);

// As modules_put and modules_remove, on all nodes.
BASE_MUST_USE enum base_result shared_module_put(struct shared *shared, struct base_slice name,
                                                 struct base_slice content);
void shared_module_remove(struct shared *shared, struct base_slice name);

// This node evicted what expires up to that time, in seconds since 2010; the others follow, so that
// copies stay the same. 0: forget it.
void shared_evicted(struct shared *shared, struct namespace *ns, uint32_t void_time_s);

// The body of a MESSAGE_METADATA from a peer. Bad bytes end it where they begin.
void shared_deliver(struct shared *shared, struct base_slice body);

// Tells all peers everything (a new view), or what changed within the last half minute.
void shared_tell_all(struct shared *shared);
void shared_remind(struct shared *shared);
