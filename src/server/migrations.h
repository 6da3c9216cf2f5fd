// SPDX-License-Identifier: Apache-2.0
// The thread that moves records between nodes: it carries out the syncs that the cluster machine
// orders, a few partitions at a time, and answers those of other nodes. It stays behind foreground
// work: it is niced, works in steps of at most some hundred microseconds, and while clients are
// served it rests three times as long as it worked.
#pragma once

#include "cluster/sync.h"
#include "server/node.h"

struct migrations;

// Starts the thread and sets node->migrations. Needs node->fabric, and ends before it.
BASE_MUST_USE enum base_result migrations_start(struct node *node, struct migrations **out);
void migrations_stop(struct migrations **migrations);

// Who hears of syncs that ended well; called by the thread, must not wait. NULL: nobody; once it
// has returned, the earlier ones are not called any more.
struct migrations_ears {
    void *arg;
    void (*synced)(void *arg, const struct cluster_sync_order *order);
};
void migrations_ears_set(struct migrations *migrations, const struct migrations_ears *ears);

// Takes on an order; its end is told, unless its view is over. Any thread; never waits.
void migrations_order(struct migrations *migrations, const struct cluster_sync_order *order);

// A new view: orders of a namespace (its cluster_number) that were not begun are void.
void migrations_forget(struct migrations *migrations, uint32_t namespace_number);

// Since the start, for statistics. Any thread.
struct migrations_totals {
    struct sync_totals sync;   // of our own syncs
    uint64_t records_received; // in syncs of others
    uint32_t active;           // our syncs under way
    uint32_t waiting;          // not begun
};
void migrations_totals(struct migrations *migrations, uint32_t namespace_number,
                       struct migrations_totals *out);
