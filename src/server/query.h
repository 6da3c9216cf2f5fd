// SPDX-License-Identifier: Apache-2.0
// What a query asks for, taken out of its message and checked before anything is done: which
// records of which partitions, which bins or changes, how fast and how long (wire-protocol section
// 7). A query owns copies of all it needs, for the message is gone when it runs.
#pragma once

#include "server/node.h"
#include "wire/message.h"

enum query_kind {
    QUERY_SHORT,      // foreground, expected to end soon: not listed, with a time limit
    QUERY_LONG,       // foreground
    QUERY_BACKGROUND, // changes records, answers at once
};

struct query {
    struct namespace *ns; // NULL: the node does not know it
    enum query_kind kind;
    struct wire_message_header header;
    uint64_t task_id;
    uint32_t socket_timeout_ms;  // as asked for; 0: none
    uint32_t total_timeout_ms;   // 0: none
    uint32_t records_per_second; // 0: no limit
    uint64_t records_max;        // 0: no limit
    char set_name[LIMIT_SET_NAME_SIZE + 1];
    uint8_t set_name_size; // 0: all sets
    bool all_bins;         // nothing is selected
    struct wire_ops ops;   // the bins selected, or the changes; points into ops_bytes
    uint8_t *ops_bytes;
    bool listed;              // the client names the partitions, and is told of each it cannot have
    uint32_t partition_count; // asked for
    uint64_t partitions[LIMIT_PARTITIONS / 64];
    uint32_t resume_count;
    uint8_t *resume; // digests to go on behind, one a partition, by partition
};

// Takes the message apart. RESULT_OK: *out is to be given to query_fini. RESULT_QUERY_END: a
// foreground query that has nothing to find (its set is not there, or empty). Everything else is
// the code to refuse it with; out->ns and out->kind are right then too, as far as they are known.
BASE_MUST_USE enum base_result query_parse(struct node *node, const struct wire_message *message,
                                           struct query *out);
void query_fini(struct query *query);

// True when the query names a set that has no records now, or is not there at all.
bool query_set_is_empty(const struct query *query);

// A walk over the partitions that are asked for; starts zeroed.
struct query_walk {
    uint32_t partition;  // to look at next
    uint32_t resume_at;  // to look at next
    uint32_t done_count; // handed out so far
};

// The next partition, as a scan that starts where the query says; false when there is none left.
bool query_walk_next(const struct query *query, struct query_walk *walk, struct store_scan *out);

// Whether a record belongs to the query by its set.
static inline bool query_wants_set(const struct query *query, struct base_slice set_name)
{
    return query->set_name_size == 0 ||
           (set_name.size == query->set_name_size &&
            memcmp(set_name.data, query->set_name, set_name.size) == 0);
}
