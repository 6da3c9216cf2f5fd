// SPDX-License-Identifier: Apache-2.0
// A batch is worked off row by row, in slices, so that a million rows hold up nobody: after each
// slice the thread looks after its other connections, and while the client does not read, the batch
// waits.
#pragma once

#include "server/worker.h"
#include "wire/batch.h"

struct batch_job;

// Begins the batch of `message`, whose bytes live in `body`. Small batches are answered whole into
// worker->output and *job stays NULL; for a larger one *job holds a copy of the bytes and
// batch_continue is to be called until it says so. Never fails: refusals are answers.
void batch_begin(struct worker *worker, const uint8_t *body, size_t body_size,
                 const struct wire_message *message, struct batch_job **job);

// Works off one slice into worker->output. True when the batch has been answered whole; then the
// job is freed and *job NULL.
bool batch_continue(struct worker *worker, struct batch_job **job);

void batch_free(struct batch_job **job);
