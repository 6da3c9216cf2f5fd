// SPDX-License-Identifier: Apache-2.0
// The links between nodes that carry records, plans and migrations; port 3001. Each service thread
// has a link of its own to every peer, in its own event loop, so that a write is replicated, and
// its acknowledgement read, by the thread that serves the client. One more thread, the fabric
// thread, accepts links, reads who is there, and hands them out: what a peer's service thread
// opened is served by the service thread of ours that has fewest of them, and so on by channel.
// Control messages it serves itself.
//
// A link is opened when something is first sent over it, and carries questions one way and answers
// the other. Messages are gathered and leave with one send a wakeup. A link that breaks loses what
// was on its way: whoever waits for an answer sends again. Nothing is believed of a stranger: the
// first message must be a HELLO with our cluster's name, in time and in bounds, or the link is
// closed.
//
// Namespaces have the number that this node gave them (cluster_number) on both sides of this
// interface; the links translate what peers say.
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
    FABRIC_CHANNELS,
};

// Binds the fabric port and starts the thread; `out` is &node->fabric. RESULT_IO: the log names the
// address that failed. Threads that have links start later and end earlier.
BASE_MUST_USE enum base_result fabric_start(struct node *node, struct fabric **out);
void fabric_stop(struct fabric **fabric);

// The port it listens on: the configured one, or the one that the system chose for port 0.
uint16_t fabric_port(const struct fabric *fabric);

// Who hears of control messages and of peers whose process is gone (a connect was refused). Called
// by the fabric thread and threads with links; must not wait.
struct fabric_ears {
    void *arg;
    void (*deliver)(void *arg, uint64_t from_id, const uint8_t *bytes, uint32_t size);
    void (*peer_refused)(void *arg, uint64_t id);
};

// Sets them, or removes them (NULL): once it has returned, the earlier ones are not called any
// more.
void fabric_ears_set(struct fabric *fabric, const struct fabric_ears *ears);

// Sends a control message (header and body) from any thread: it is queued for the fabric thread.
// Lost when the peer cannot be reached.
void fabric_post(struct fabric *fabric, uint8_t peer, const uint8_t *bytes, uint32_t size);

// Where a message came from, for its answer; may be kept for an answer that comes later, by the
// same thread.
struct fabric_source {
    struct fabric_links *links;
    uint32_t slot;
    uint32_t generation;
};

enum { FABRIC_AHEAD = 32 };

struct fabric_handler {
    void *arg;
    // What comes over the thread's links and over those that were accepted for it, up to
    // FABRIC_AHEAD messages at a time, so that what they will touch can be asked for early. Bytes
    // are good during the call.
    void (*on_messages)(void *arg, const struct fabric_source *source, uint8_t from_peer,
                        const struct message *messages, uint32_t count);
    // A link that this thread had opened is gone. `reached`: it had been connected, so what was
    // sent over it may have arrived. May be NULL.
    void (*on_lost)(void *arg, uint8_t peer, bool reached);
};

// The links of a thread with its own loop. Counts in the thread's own block of counters. The thread
// runs the loop, flushes after each batch of events, and is the only one to call; links that were
// accepted for it arrive through its loop. `node->fabric` may be NULL: then none are accepted.
BASE_MUST_USE enum base_result fabric_links_new(struct node *node, struct io_loop *loop,
                                                struct counters *counters,
                                                enum fabric_channel channel,
                                                const struct fabric_handler *handler,
                                                struct fabric_links **out);
void fabric_links_free(struct fabric_links **links);

// Gathers a message to a peer, which is copied. False when the peer cannot be reached now or has
// too much unsent; the caller tries again later.
bool fabric_send(struct fabric_links *links, uint8_t peer, const struct message *message);

// Opens a link to a peer when there is none.
void fabric_links_reach(struct fabric_links *links, uint8_t peer);

// Gathers an answer; false when the link it was asked over is gone. An answer is lost only with its
// link, which both sides notice.
bool fabric_answer(const struct fabric_source *source, const struct message *message);

// Sends what was gathered; at the end of each wakeup.
void fabric_links_flush(struct fabric_links *links);

// Bytes gathered for a peer that have not left yet.
size_t fabric_unsent(const struct fabric_links *links, uint8_t peer);
