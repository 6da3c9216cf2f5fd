// SPDX-License-Identifier: Apache-2.0
// Messages of a migration under way: sending, and sending again what is not answered.
#include "cluster/sync_outgoing.h"

#include <stdlib.h>

enum {
    RESEND_MS = 200, // messages get lost with their connection alone
    REFUSED_MS = 10, // a peer that has not made its plan yet needs a few milliseconds
    BACKOFF_MAX = 4, // doublings of either
};

void sync__outgoing_fini(struct sync__outgoing *outgoing)
{
    free(outgoing->bytes);
    *outgoing = (struct sync__outgoing){0};
}

bool sync__outgoing_reserve(struct sync__outgoing *outgoing, uint32_t size)
{
    base_assert(size <= LIMIT_FABRIC_SIZE && sync__outgoing_is_done(outgoing));
    bool lavish = outgoing->capacity > SYNC__OUTGOING_SIZE && size <= SYNC__OUTGOING_SIZE;
    if (size <= outgoing->capacity && !lavish) {
        return true;
    }
    sync__outgoing_fini(outgoing); // a large record's room is not kept for small ones
    outgoing->bytes = malloc(size);
    outgoing->capacity = outgoing->bytes == NULL ? 0 : size;
    return outgoing->bytes != NULL;
}

void sync__outgoing_start(struct sync__outgoing *outgoing, const struct node_set *to)
{
    outgoing->waiting = *to;
    outgoing->unsent = *to;
    outgoing->tries = 0;
    outgoing->resend_ms = UINT64_MAX;
}

static uint64_t backoff(uint64_t base_ms, uint32_t tries)
{
    return base_ms << (tries < BACKOFF_MAX ? tries : BACKOFF_MAX);
}

bool sync__outgoing_send(struct sync__outgoing *outgoing, uint64_t now_ms, sync_send_fn send,
                         void *arg, struct sync_totals *totals)
{
    if (sync__outgoing_is_done(outgoing)) {
        return true;
    }
    if (now_ms >= outgoing->resend_ms) {
        outgoing->unsent = outgoing->waiting;
        outgoing->tries++;
        outgoing->resend_ms = UINT64_MAX;
        totals->resent++;
    }
    for (uint32_t peer = node_set_next(&outgoing->unsent, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(&outgoing->unsent, peer + 1)) {
        if (!send(arg, (uint8_t)peer, outgoing->bytes, outgoing->size)) {
            return false;
        }
        node_set_remove(&outgoing->unsent, peer);
        totals->bytes_sent += outgoing->size;
        outgoing->resend_ms = now_ms + backoff(RESEND_MS, outgoing->tries);
    }
    return true;
}

void sync__outgoing_on_answer(struct sync__outgoing *outgoing, uint8_t from)
{
    node_set_remove(&outgoing->waiting, from);
    node_set_remove(&outgoing->unsent, from);
}

void sync__outgoing_on_refusal(struct sync__outgoing *outgoing, uint64_t now_ms)
{
    outgoing->resend_ms = now_ms + backoff(REFUSED_MS, outgoing->tries);
}
