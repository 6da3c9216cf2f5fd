// SPDX-License-Identifier: Apache-2.0
// What must hold at any moment about views and masters, looked at from outside; what must hold once
// all is settled; and whether it is.
#pragma once

#include "process.h"

struct watch *watch_new(void);
void watch_free(struct watch **watch);

// A view was installed: equal keys mean equal views, regimes grow, and none of its members still
// serves under an older one.
void checks_view_installed(const struct process *process, const struct membership_view *view);

// How many members a view that was installed somewhere has.
uint32_t checks_view_count(const struct sim *sim, uint64_t key);
uint32_t checks_view_hosts(const struct sim *sim, uint64_t key); // as bits

// A process serves a partition as its master: nobody else does in that view.
void checks_master_serves(const struct process *process, uint32_t namespace_number,
                          uint32_t partition, uint64_t view_key);

// The same for all partitions at once.
void checks_masters(struct sim *sim);

// Why not all is settled: one view with everybody, nothing to sync, every partition as it shall be.
// NULL: it is.
const char *checks_unsettled(struct sim *sim);

// All is settled and nobody works: contents, places and figures of all processes.
void checks_settled(struct sim *sim);

// The host behind a peer number, or -1.
int checks_host_of_peer(const struct process *process, uint8_t peer);

// The hosts of peer numbers: " n1 n4", or " -".
const char *checks_hosts_text(const struct process *process, const struct node_set *peers,
                              char out[64]);
