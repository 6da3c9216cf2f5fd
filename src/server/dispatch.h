// SPDX-License-Identifier: Apache-2.0
// From a whole frame to whoever answers it: records, batches, queries, info, admin.
#pragma once

#include "server/connection.h"

// Answers one frame into the thread's output, or starts what will answer it. False when the frame
// breaks the protocol so that the connection cannot go on.
BASE_MUST_USE bool dispatch_frame(struct connection *connection, const struct wire_frame *frame);

// Answers whole lines of the plain-text info port; returns how many bytes that took.
size_t dispatch_lines(struct connection *connection, const uint8_t *bytes, size_t size);

// Looks ahead over the requests at the start of the bytes and asks for the memory they will touch,
// so that the misses of several requests overlap. Returns how many it looked at; 0 or 1 is not
// worth it.
uint32_t dispatch_look_ahead(struct connection *connection, const uint8_t *bytes, size_t size);
