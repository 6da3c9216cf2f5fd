// SPDX-License-Identifier: Apache-2.0
// What was written, and what of it must still be there: the model that stands beside the cluster.
// It sees each version of each record at the moment when a master makes it, and knows upon which
// version it was built; so whatever turns up in a store is known, or it is a finding.
//
// What is demanded:
//   seen      Who serves a record sees each acknowledged version that some member of the same view
//             holds, or one that wins against it. Where it can not be seen (a split), or was
//             acknowledged by a view of which neither of the two is a member (its other side), the
//             rule of conflicts decides later, and that is legal.
//   built     Two acknowledged versions made where one could be seen from the other's master build
//             on one another; else the one that wins must not be an increment (it was counted from
//             something older), for then the other would be lost. Unless one of them had lost by
//             then to something of another view.
//   once      An operation makes one version at most.
//   kept      An acknowledged version, or one that wins, is held by a process, until as many
//             processes that held it have ended as there were copies when it was acknowledged, or
//             when all was settled last.
//   replicated At acknowledgement it is with all who take the partition's writes in that view, and
//             with as many as the replication factor says; those that held it and ended count.
// Records with a time to live are left out of all that from the moment when some clock says that
// one has expired, until all is settled.
#pragma once

#include "process.h"

struct history;

enum { VERSION_ABSENT = 0 }; // the version of a record that is not there

enum version_state {
    VERSION_PENDING,      // made; its client waits
    VERSION_ACKNOWLEDGED, // its client was told ok
    VERSION_DOUBTFUL,     // its client does not know; it may stay or go
};

struct request;

struct history *history_new(const struct sim *sim);
void history_free(struct history **history);

// The version that a process holds; a finding when nobody made it.
uint32_t history_held(const struct process *process, uint32_t namespace_number, uint32_t key);

// A process serves the record under the view `view_key` and finds `seen`. `since_us`: what was
// acknowledged before must be seen.
void history_seen(const struct process *process, uint32_t namespace_number, uint32_t key,
                  uint64_t view_key, uint32_t seen, uint64_t since_us);

// The master made a version out of `parent`: what it holds now. Returns it.
uint32_t history_made(const struct process *process, const struct request *request,
                      uint64_t view_key, uint32_t parent);

// A node that knows of no other removed a record without a trace.
void history_removed(const struct process *process, uint32_t namespace_number, uint32_t key,
                     uint32_t parent);

// The master is about to say ok for what it made. `place`: as it stands; commit_master: the client
// does not wait for replicas.
void history_replicated(const struct process *process, const struct request *request,
                        const struct place *place, uint32_t version);

// The client's end of it.
void history_ended(struct sim *sim, uint32_t namespace_number, uint32_t key, uint32_t version,
                   enum version_state state);

// A process is about to lose its memory; graceful: it says that nobody needs it.
void history_process_ends(const struct process *process, bool graceful);

// A process is about to drop its copy of a partition.
void history_cleared(const struct process *process, uint32_t namespace_number, uint32_t partition);

// A process is about to forget a tombstone.
void history_forgotten(const struct process *process, uint32_t namespace_number, uint32_t key);

// All is settled and no operation is under way: every record stands where the map says. Starts a
// new count of lost copies. `holders`: hosts, by partition, as bits.
void history_settled(struct sim *sim, uint32_t namespace_number, const uint32_t *holders);

// False when the record has been deleted and made again so often that lives come round: then which
// version wins depends on the way by which they meet, and nothing could be demanded.
bool history_may_delete(const struct sim *sim, uint32_t namespace_number, uint32_t key);

// For the story: "g3 12ab (write 17)".
void history_describe(struct sim *sim, uint32_t namespace_number, uint32_t key, uint32_t version,
                      char out[64]);
