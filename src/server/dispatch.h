// SPDX-License-Identifier: Apache-2.0
// From a whole frame to whoever answers it: records, batches, queries, info, admin.
#pragma once

#include "server/connection.h"

enum dispatch_verdict {
    DISPATCH_BROKEN,    // it breaks the protocol so that the connection cannot go on
    DISPATCH_ABANDONED, // nobody waits for the answer any more
    DISPATCH_DONE,
    DISPATCH_LATER, // nothing was done: ask again when all answers before it have been sent
};

// Answers one frame into the thread's output, or starts what will answer it.
enum dispatch_verdict dispatch_frame(struct connection *connection, const struct wire_frame *frame);

// Replaces the frame that stands at `at` in `out` by a compressed one where that is smaller.
void dispatch_compress(struct output *out, size_t at);

// Answers whole lines of the plain-text info port; returns how many bytes that took.
size_t dispatch_lines(struct connection *connection, const uint8_t *bytes, size_t size);

// The memory that waiting requests will touch. Asking for it early, in two steps with other work in
// between, lets the misses of several requests overlap.
enum { DISPATCH_AHEAD_MAX = 32 };

struct dispatch_ahead {
    uint32_t frames;  // looked at
    uint32_t records; // found in them
    struct dispatch_place {
        struct namespace *ns;
        const uint8_t *digest;
    } place[DISPATCH_AHEAD_MAX];
};

// Looks over the requests at the start of the bytes and asks for their places in the index.
void dispatch_look_ahead(struct connection *connection, const uint8_t *bytes, size_t size,
                         struct dispatch_ahead *out);

// Asks for the records themselves, which by now the index can tell.
void dispatch_look_closer(const struct dispatch_ahead *ahead);
