// SPDX-License-Identifier: Apache-2.0
// The threads that serve clients. Each has its own event loop and its own connections; the thread
// that reads a request finishes it. One more thread accepts and deals connections out.
#pragma once

#include <pthread.h>

#include "server/connection.h"
#include "server/dispatch.h"
#include "server/worker.h"

enum {
    SERVICE_SCRATCH_SIZE = 256 * 1024,
    SERVICE_STAGES = 3,
    SERVICE_LISTENERS = 64,
};

// What one receive brought, waiting for its turn: it is worked off when the receives behind it have
// given the memory it needs time to arrive.
struct service_stage {
    struct connection *connection;
    size_t size;
    uint8_t *bytes; // SERVICE_SCRATCH_SIZE
    struct dispatch_ahead ahead;
};

struct service_thread {
    uint32_t number;
    struct service *service;
    struct worker worker;
    struct io_loop *loop;
    pthread_t pthread;
    bool started;
    struct service_stage stages[SERVICE_STAGES]; // a ring, the oldest at stage_first
    uint32_t stage_first;
    uint32_t stage_count;
    struct fabric_links *links; // to other nodes' service threads; NULL in a node that serves alone
    struct operations *operations;
    struct connection *answered; // connections with answers to operations, by next_answered
    _Atomic bool places_changed; // somebody asks to look again at the operations that wait
    bool ticked;                 // the worker's clocks have been read in this batch of events
    pthread_mutex_t lock;        // guards the two below
    struct connection *connections;
    struct connection *returned;  // given back by query threads, by next_due
    struct connection *graveyard; // closed in this batch of events, by next_due
    struct connection *due;       // connections with work left, by next_due
    uint64_t reaped_ns;           // when idle connections were last looked for
    _Atomic uint32_t load;        // connections, for dealing out
};

struct listener {
    struct io_watch watch; // first
    struct service *service;
    enum connection_kind kind;
};

struct service {
    struct node *node;
    uint32_t thread_count;
    struct service_thread *threads;
    struct io_loop *accept_loop;
    pthread_t accept_pthread;
    bool accept_started;
    uint32_t listener_count;
    struct listener listeners[SERVICE_LISTENERS];
    struct counters *accept_counters;
    int spare_fd; // given up for a moment when descriptors run out
    _Atomic bool stopping;
};

// Binds the ports and starts the threads. Errors are logged with the address that failed.
BASE_MUST_USE enum base_result service_start(struct node *node, struct service **out);

// Stops accepting, finishes what is in flight, ends the threads and frees all connections.
void service_stop(struct service **service);

// The places of a namespace's partitions may have changed: has every service thread look again at
// the operations that wait. From any thread; cheap.
void service_places_changed(struct node *node, uint32_t namespace_number);

// The operations of one of the threads, chosen by any number; NULL when the node has no service.
// They are there until service_stop.
struct operations *service_operations(struct node *node, uint32_t number);

// Operations that wait, and those of them that another node carries out, of all threads.
void service_operations_count(struct node *node, uint32_t *all, uint32_t *proxied);

// For connection.c, on the connection's own thread unless said otherwise.

// Reads the worker's clocks once in a batch of events.
static inline void service_thread_tick(struct service_thread *thread)
{
    if (!thread->ticked) {
        worker_tick(&thread->worker);
        thread->ticked = true;
    }
}

// Puts a connection into the thread's list, and takes it out again; from any thread.
void service_thread_enlist(struct service_thread *thread, struct connection *connection);
void service_thread_delist(struct service_thread *thread, struct connection *connection);

// Has connection_resume called once the other connections had their turn.
void service_thread_due(struct service_thread *thread, struct connection *connection);

// Has the connection's answers sent before the thread waits again.
void service_thread_answered(struct service_thread *thread, struct connection *connection);

// Frees a closed connection when the batch of events is over.
void service_thread_bury(struct service_thread *thread, struct connection *connection);

// Takes a lent connection back; from any thread.
void service_thread_give_back(struct service_thread *thread, struct connection *connection,
                              bool keep);
