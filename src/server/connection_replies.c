// SPDX-License-Identifier: Apache-2.0
// A list of what waits, and one run of bytes with what is ready in between.
#include "server/connection_replies.h"

#include <stdlib.h>

#include "server/dispatch.h"
#include "server/operation.h"
#include "server/service.h"

struct connection_reply {
    struct connection_reply *next;
    struct connection *connection;
    struct operation *operation;
    size_t held_before; // bytes of `held` between the reply before this one and it; 0 for the first
    bool done;
    bool compress;
};

static void on_done(struct operation *operation, void *arg)
{
    (void)operation;
    struct connection_reply *reply = arg;
    struct connection *c = reply->connection;
    reply->done = true;
    if (reply == c->replies.first) {
        service_thread_answered(c->thread, c);
    }
}

bool connection__reply_add(struct connection *c, struct operation *operation, bool compress)
{
    struct connection_replies *replies = &c->replies;
    struct connection_reply *reply = malloc(sizeof *reply);
    if (reply == NULL) {
        operation_own(operation, on_done, NULL);
        operation_release(operation);
        return false;
    }
    *reply = (struct connection_reply){.connection = c,
                                       .operation = operation,
                                       .held_before = replies->held_behind,
                                       .compress = compress};
    operation_own(operation, on_done, reply);
    if (replies->last != NULL) {
        replies->last->next = reply;
    } else {
        replies->first = reply;
    }
    replies->held_behind = 0;
    replies->last = reply;
    replies->count++;
    return true;
}

bool connection__reply_hold(struct connection *c, struct output *from, size_t at)
{
    struct connection_replies *replies = &c->replies;
    size_t size = from->size - at;
    base_assert(replies->first != NULL);
    from->size = at;
    if (!output_put(&replies->held, from->data + at, size)) {
        return false;
    }
    replies->held_behind += size;
    return true;
}

static bool append(const struct connection_reply *reply, struct output *to)
{
    struct base_slice answer = operation_answer(reply->operation);
    size_t at = to->size;
    if (output_reserve(to, WIRE_FRAME_HEADER_SIZE + answer.size) == NULL) {
        return false;
    }
    wire_frame_header_store(to->data + at, WIRE_FRAME_MESSAGE, answer.size);
    memcpy(to->data + at + WIRE_FRAME_HEADER_SIZE, answer.data, answer.size);
    to->size += WIRE_FRAME_HEADER_SIZE + answer.size;
    if (reply->compress) {
        dispatch_compress(to, at);
    }
    return true;
}

bool connection__replies_take(struct connection *c, struct output *to)
{
    struct connection_replies *replies = &c->replies;
    struct connection_reply *reply;
    size_t used = 0;
    bool ok = true;
    while (ok && (reply = replies->first) != NULL && reply->done) {
        ok = append(reply, to);
        operation_release(reply->operation);
        replies->first = reply->next;
        replies->count--;
        free(reply);
        size_t *ready = &replies->held_behind;
        if (replies->first != NULL) {
            ready = &replies->first->held_before;
        } else {
            replies->last = NULL;
        }
        if (*ready > 0) {
            ok = ok && output_put(to, replies->held.data + used, *ready);
        }
        used += *ready;
        *ready = 0;
    }
    if (used > 0) {
        output_drop(&replies->held, used);
    }
    if (replies->held.size == 0) {
        output_fini(&replies->held);
    }
    return ok;
}

void connection__replies_drop(struct connection *c)
{
    struct connection_replies *replies = &c->replies;
    for (struct connection_reply *next, *reply = replies->first; reply != NULL; reply = next) {
        next = reply->next;
        operation_release(reply->operation);
        free(reply);
    }
    output_fini(&replies->held);
    *replies = (struct connection_replies){0};
}
