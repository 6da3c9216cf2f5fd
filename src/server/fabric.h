// SPDX-License-Identifier: Apache-2.0
// The links between nodes that carry records, plans and migrations; port 3001. Each service thread
// has a link of its own to every peer, in its own event loop, so that a write is replicated, and
// its acknowledgement read, by the thread that serves the client. One more thread, the fabric
// thread, accepts links, and has links for control messages and for migrations. What is accepted
// from a peer's service thread is served by one of ours.
//
// A link is opened when something is first sent over it. Messages are gathered and leave with one
// send a wakeup. A link that breaks loses what was on its way: whoever waits for an answer sends
// again. Nothing is believed of a stranger: the first message must be a HELLO with our cluster's
// name, in time and in bounds, or the link is closed.
#pragma once

#include "cluster/message.h"
#include "io/loop.h"
#include "server/node.h"

struct fabric;       // the fabric thread
struct fabric_links; // the links of one thread

enum fabric_channel {
    FABRIC_SERVICE, // of a service thread
    FABRIC_CONTROL, // partition machines
    FABRIC_SYNC,    // migrations
    FABRIC_QUERY,   // queries and batches that need other nodes
};

BASE_MUST_USE enum base_result fabric_start(struct node *node, struct fabric **out);
void fabric_stop(struct fabric **fabric);

// Sends a control message from any thread: it is queued for the fabric thread.
void fabric_post(struct fabric *fabric, uint8_t peer, const uint8_t *bytes, uint32_t size);

// The links of a thread with its own loop. `on_message` gets what comes over them and over links
// that were accepted for this thread; it answers with fabric_answer. Bytes are good during the
// call.
struct fabric_source; // where a message came from, for the answer
typedef void (*fabric_message_fn)(void *arg, struct fabric_source *source, uint8_t from_peer,
                                  const struct message *message);
BASE_MUST_USE enum base_result fabric_links_new(struct node *node, struct io_loop *loop,
                                                enum fabric_channel channel,
                                                fabric_message_fn on_message, void *arg,
                                                struct fabric_links **out);
void fabric_links_free(struct fabric_links **links);

// Gathers a message to a peer: a header, then a body in one or two pieces. False when the peer
// cannot be reached now or has too much unsent; the caller tries again later.
bool fabric_send(struct fabric_links *links, uint8_t peer, const struct message *message);
bool fabric_answer(struct fabric_source *source, const struct message *message);

// Sends what was gathered; at the end of each wakeup.
void fabric_links_flush(struct fabric_links *links);
