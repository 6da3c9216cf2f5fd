// SPDX-License-Identifier: Apache-2.0
// One client connection. It belongs to one service thread from accept to close, with one exception:
// a scan borrows it, writes its stream from a query thread, and gives it back (connection_lend,
// connection_return). An idle connection holds no buffers: bytes are read into the thread's scratch
// and only half a request, or what a slow reader has not taken, is kept here.
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "server/output.h"
#include "wire/frame.h"

struct batch_job;
struct operation;
struct service_thread;

enum { CONNECTION_MAGIC = 0x434f4e4e, CONNECTION_PEER_SIZE = INET6_ADDRSTRLEN + 8 };

// The dialect of the port it came in on.
enum connection_kind {
    CONNECTION_CLIENT, // binary frames
    CONNECTION_TELNET, // info commands as plain lines
};

// Answers leave in the order of the requests, also when some of them have to wait for other nodes.
struct connection_replies {
    struct connection_reply *first, *last; // those that wait, and behind them those that do not
    uint32_t count;
    struct output held; // answers behind the first that waits
    size_t held_behind; // of them, behind the last that waits
};

struct connection {
    struct io_watch watch; // first, so that an event leads here
    uint32_t magic;
    enum connection_kind kind;
    struct service_thread *thread;
    struct connection *next, *previous; // among the thread's connections
    struct connection *next_due;        // among those with work left, see service.c
    struct output input;                // the start of a request that is not whole yet
    struct output pending;              // answers the client has not taken
    size_t pending_sent;                // of pending, already in the kernel
    struct connection_replies replies;
    struct connection *next_answered; // among those with something to send, see service.c
    struct batch_job *batch;          // a batch being worked off in slices
    uint64_t active_ns;               // last byte moved either way
    bool patient;                     // a request came that must wait for all answers before it
    bool answered;                    // in the thread's list of connections with answers
    bool due;                         // in the thread's list of connections with work left
    bool lent;                        // a query thread writes; the service thread keeps off
    bool lost;                        // the borrower found it broken
    bool abandoned;                   // the client has closed its end
    bool closed;                      // freed when the batch of events is over
    uint16_t user_agent;              // as info numbered it; 0: the client told none
    char peer[CONNECTION_PEER_SIZE];  // address and port, for logs
};

// Makes the connection of an accepted socket and hands it to the thread. Takes the socket over; on
// failure closes it. May be called from the accepting thread.
BASE_MUST_USE enum base_result connection_adopt(struct service_thread *thread, int fd,
                                                enum connection_kind kind, const char *peer);

// Closes it now; the memory goes when the current batch of events is over.
void connection_close(struct connection *connection);

// Works off all that this batch of events has received. For the service thread, after each batch.
void connection_stages_finish(struct service_thread *thread);

// Works off what is there: input that is whole, batches, output. For the service thread.
void connection_resume(struct connection *connection);

// Has the answer of an operation sent in its turn; `compress`: as the client asked for. False when
// memory ran out; the operation is then nobody's.
BASE_MUST_USE bool connection_await(struct connection *connection, struct operation *operation,
                                    bool compress);

// Goes on with the connection's batch once the other connections had their turn; a batch_wake_fn.
void connection_batch_wake(void *connection);

// True while an answer to this client waits for other nodes.
static inline bool connection_awaits(const struct connection *connection)
{
    return connection->replies.first != NULL;
}

// Sends the answers whose turn it is and goes on with what was received meanwhile.
void connection_answer(struct connection *connection);

// Lends the socket to a query thread: the service thread stops watching it and everything owed to
// the client so far has been sent or is in `pending`, which the borrower sends first.
void connection_lend(struct connection *connection);

// Gives it back from any thread; `keep` false: close it.
void connection_return(struct connection *connection, bool keep);

// Sends all of the bytes on a lent connection, waiting while the client does not read. RESULT_OK,
// RESULT_CLOSED, or RESULT_TIMEOUT after *timeout_ms without a byte taken. Another thread may lower
// *timeout_ms meanwhile: it is looked at again every 100 ms.
BASE_MUST_USE enum base_result connection_send_lent(struct connection *connection,
                                                    const uint8_t *bytes, size_t size,
                                                    const _Atomic uint32_t *timeout_ms);
