// SPDX-License-Identifier: Apache-2.0
// A batch is worked off row by row, in slices, so that a million rows hold up nobody: after each
// slice the thread looks after its other connections, and while the client does not read, the batch
// waits. Rows that need other nodes are under way side by side, a bounded number at a time; their
// answers come as they are ready.
#pragma once

#include "server/worker.h"
#include "wire/batch.h"

struct batch_job;

// Called, on the batch's thread, when a batch that waits for other nodes can go on.
typedef void (*batch_wake_fn)(void *arg);

// Begins the batch of `message`, whose bytes live in `body`. Small batches are answered whole into
// worker->output and *job stays NULL; for a larger one, or one that waits for other nodes, *job
// holds what it needs and batch_continue is to be called until it says so. Never fails: refusals
// are answers.
void batch_begin(struct worker *worker, const uint8_t *body, size_t body_size,
                 const struct wire_message *message, batch_wake_fn wake, void *wake_arg,
                 struct batch_job **job);

// Works off one slice into worker->output. True when the batch has been answered whole; then the
// job is freed and *job NULL.
bool batch_continue(struct worker *worker, struct batch_job **job);

// True while there is nothing to be done until `wake` is called.
bool batch_waits(const struct batch_job *job);

// Gives up what is still under way; rows that other nodes work on may yet take effect.
void batch_free(struct batch_job **job);
