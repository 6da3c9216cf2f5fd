// SPDX-License-Identifier: Apache-2.0
// One TCP connection between two nodes, and the table of those that one thread has. Within the
// fabric alone; fabric.h is what others see.
//
// A link belongs to one thread from its opening, or from its arrival in that thread's mailbox,
// until it is closed; a closed one is freed by the next flush, when the batch of events is over.
#pragma once

#include <pthread.h>

#include "server/fabric.h"
#include "server/output.h"

enum {
    FABRIC_LINK_MAGIC = 0x4c494e4b,
    FABRIC_LINKS_MAGIC = 0x4c4e4b53,
    FABRIC_SCRATCH_SIZE = 256 * 1024,
    // From here on a link that we opened takes no more messages; one that we accepted is not read
    // from, and has to take the answers to what was read.
    FABRIC_UNSENT_MAX = 8 * 1024 * 1024,
    FABRIC_UNANSWERED_MAX = 256 * 1024 * 1024,
    FABRIC_ACCEPTED_MAX = 4096, // links of one thread
    FABRIC_DEAD_MS = 2000,      // a peer that acknowledges nothing for so long is left
};

struct fabric__link {
    struct io_watch watch; // first, so that an event leads here
    uint32_t magic;
    struct fabric_links *links;
    struct fabric__link *next; // in the mailbox, then among closed ones
    struct fabric__link *next_dirty;
    uint8_t peer;
    bool accepted; // else opened by us
    bool connecting;
    bool reached;  // it was connected
    bool welcomed; // the peer has said who it is
    bool dirty;    // in the list of links with something gathered
    bool closed;
    uint32_t slot, generation; // of an accepted one, among its thread's
    uint64_t opened_ns;
    uint8_t number[LIMIT_NAMESPACES]; // the peer's numbers of namespaces to ours
    struct output out;
    size_t sent; // of out, already in the kernel
    struct output in;
    uint32_t need; // bytes that the message at the start of `in` has in all
};

struct fabric_links {
    uint32_t magic;
    enum fabric_channel channel;
    struct node *node;
    struct io_loop *loop;
    struct counters *counters;
    struct fabric_handler handler;
    uint8_t *scratch;
    struct fabric__link *to[LIMIT_CLUSTER_NODES]; // opened by us, by peer
    uint64_t retry_ns[LIMIT_CLUSTER_NODES];       // not tried again before
    struct fabric__link *accepted[FABRIC_ACCEPTED_MAX];
    uint32_t generation;
    struct fabric__link *dirty, *closed;

    struct io_watch mail; // an eventfd: links have arrived
    pthread_mutex_t lock; // guards what is below
    struct fabric__link *arrived;
    _Atomic uint32_t accepted_count; // for handing out
    struct fabric_links *next;       // among all of the node's; under the fabric's lock
};

// Opens a link to a peer, with its HELLO gathered. NULL when it is refused or unknown.
struct fabric__link *fabric__link_open(struct fabric_links *links, uint8_t peer);

// Takes over an accepted socket that said its HELLO; NULL when memory ran out, and closes it.
struct fabric__link *fabric__link_accepted(int fd, uint8_t peer);

// Gathers a message on the link.
bool fabric__link_put(struct fabric__link *link, const struct message *message);

// Sends what the kernel takes.
void fabric__link_flush(struct fabric__link *link);

// Works off what was received before the link arrived here.
void fabric__link_begin(struct fabric__link *link);

void fabric__link_on_event(struct io_watch *watch, uint32_t events);

// Closes it; it is freed by the next flush of its thread's links.
void fabric__link_close(struct fabric__link *link);
void fabric__link_free(struct fabric__link *link);

// Gathers our HELLO or WELCOME.
bool fabric__link_greet(struct fabric__link *link, struct node *node, uint8_t type,
                        enum fabric_channel channel);

// Fills the table of a link's namespace numbers from what the peer said.
struct fabric__hello;
void fabric__link_numbers_set(struct fabric__link *link, struct node *node,
                              const struct fabric__hello *hello);

// Of the registry in fabric.c: makes links known for handing out, and forgets them. `fabric` may be
// NULL.
void fabric__links_register(struct fabric *fabric, struct fabric_links *links);
void fabric__links_forget(struct fabric *fabric, struct fabric_links *links);

// Tells the ears that nobody listens at a peer's address.
void fabric__peer_refused(struct fabric *fabric, uint64_t id);

// Puts an accepted link into the mailbox of a thread's links; from the fabric thread.
void fabric__links_give(struct fabric_links *links, struct fabric__link *link);

static inline size_t fabric__link_unsent(const struct fabric__link *link)
{
    return link->out.size - link->sent;
}
