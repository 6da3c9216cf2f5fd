// SPDX-License-Identifier: Apache-2.0
// A message of a migration on its way to one or more peers, until each has answered. It owns its
// bytes and keeps them for repeats and for the next message.
#pragma once

#include "cluster/sync.h"
#include "cluster/sync_wire.h"
#include "core/node_set.h"

enum {
    // Before the records of a message, and a message of as many as may travel together.
    SYNC__OUTGOING_RECORDS_AT = MESSAGE_HEADER_SIZE + SYNC__RECORDS_SIZE,
    SYNC__OUTGOING_SIZE = SYNC__OUTGOING_RECORDS_AT + LIMIT_SYNC_BYTES,
};

struct sync__outgoing {
    uint8_t *bytes; // header and body
    uint32_t capacity;
    uint32_t size;
    uint32_t sequence; // by which its answers name it
    uint32_t tries;
    struct node_set waiting; // who has not answered
    struct node_set unsent;  // of them, who is to be sent to now
    uint64_t resend_ms;      // when to send again to those that wait
};

void sync__outgoing_fini(struct sync__outgoing *outgoing);

// Makes room for a message of `size` bytes; what was there is lost. False: no memory.
bool sync__outgoing_reserve(struct sync__outgoing *outgoing, uint32_t size);

static inline bool sync__outgoing_is_done(const struct sync__outgoing *outgoing)
{
    return node_set_is_empty(&outgoing->waiting);
}

// The bytes are complete: to be sent to all of `to`.
void sync__outgoing_start(struct sync__outgoing *outgoing, const struct node_set *to);

// Sends what is due; counts in `totals`. False: the link takes no more now.
bool sync__outgoing_send(struct sync__outgoing *outgoing, uint64_t now_ms, sync_send_fn send,
                         void *arg, struct sync_totals *totals);

// A peer answered, or refused: it is asked again after a moment.
void sync__outgoing_on_answer(struct sync__outgoing *outgoing, uint8_t from);
void sync__outgoing_on_refusal(struct sync__outgoing *outgoing, uint64_t now_ms);
