// SPDX-License-Identifier: Apache-2.0
// The thread that moves records between nodes: it carries out the syncs that the cluster machine
// orders, `migrate-threads` at a time, behind foreground work: it is niced, works in small steps,
// and rests after each step as long as operations wait (migrate-sleep).
#pragma once

#include "cluster/sync.h"
#include "server/node.h"

struct migrations;

BASE_MUST_USE enum base_result migrations_start(struct node *node, struct migrations **out);
void migrations_stop(struct migrations **migrations);

// Takes on an order; ends it with clustering_synced. From the cluster thread; never waits.
void migrations_order(struct migrations *migrations, const struct cluster_sync_order *order);
void migrations_forget(struct migrations *migrations, uint32_t namespace_number); // a new view

// Since the start, for statistics.
void migrations_totals(struct migrations *migrations, uint32_t namespace_number,
                       struct sync_totals *out, uint32_t *active);
