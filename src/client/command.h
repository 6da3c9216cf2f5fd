// SPDX-License-Identifier: Apache-2.0
// One request on its way: it finds a node, takes a connection, sends, receives, and tries again
// where that is safe. Written as a machine of steps that never waits, so that the same code serves
// a calling thread (client__commands_run), the tend thread and an event loop.
//
// Model: client__command_step does what can be done now and says what it waits for. Between steps
// the command may be told nothing: each step looks at the clock and the socket itself, so a step
// too many does no harm.
//
// Owner: the caller owns the struct and the request bytes, which must stay until the command is
// done. After done, client__command_fini. Threads: one at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ballast/ballast.h"
#include "base/bytes.h"
#include "base/result.h"
#include "client/node.h"
#include "client/partition_map.h"
#include "wire/frame.h"

struct client_command;

enum client_wait {
    CLIENT_WAIT_NOTHING, // only inside: go on at once
    CLIENT_WAIT_READ,
    CLIENT_WAIT_WRITE,
    CLIENT_WAIT_TIME, // for client__command_wake_ns alone
    CLIENT_WAIT_DONE,
};

// Takes one whole frame of the answer (inflated already). Returns true when the answer is complete;
// command->result then says how it went, RESULT_MALFORMED or RESULT_CANCELLED when the connection
// must not be used again. May be called anew from the first frame when the command tries again.
typedef bool (*client_frame_fn)(struct client_command *command, const struct wire_frame *frame);

enum client_command_step {
    CLIENT_STEP_ROUTE,
    CLIENT_STEP_SEND,
    CLIENT_STEP_RECEIVE,
    CLIENT_STEP_SLEEP,
    CLIENT_STEP_DONE,
};

enum { CLIENT_COMMAND_SMALL_SIZE = 1024 };

struct client_command {
    // Where to go. Exactly one of: a partition of a namespace, a node, an address.
    struct ballast_cluster *cluster; // NULL only with an address
    const struct client_partitions *partitions;
    uint32_t partition;
    struct client_node *node;         // with `partitions`: the node of this try
    const struct io_address *address; // with it:
    struct client_connection **kept;  // a connection to reuse and to leave behind
    struct ballast_loop *loop;        // take connections from this loop's pools

    // What to send, and how hard to try.
    const uint8_t *request;
    size_t request_size;
    bool write; // may change a record
    bool retry_in_doubt;
    bool replica_any; // reads may go to other replicas than the master
    uint32_t connect_timeout_ms;
    uint32_t socket_timeout_ms; // 0: none
    uint32_t retries_max;
    uint32_t retry_sleep_ms;
    uint64_t deadline_ns; // UINT64_MAX: none
    bool pause;           // send nothing: sleep until wake_ns, then be done
    client_frame_fn on_frame;
    void *arg;

    // How it stands.
    enum client_command_step step;
    uint32_t retries;
    struct client_connection *connection;
    bool connecting; // nothing has been sent on this connection yet
    bool reused;     // the connection served another command before
    bool doubt;      // a try was sent whole and never answered
    size_t sent;
    uint64_t progress_deadline_ns;
    uint64_t wake_ns;
    uint8_t *in; // in_small or heap
    size_t in_size, in_capacity;
    uint8_t in_small[CLIENT_COMMAND_SMALL_SIZE];

    // In an event loop: its place among the loop's commands, and who is told of the end.
    struct client_command *loop_previous, *loop_next;
    void (*on_done)(struct client_command *command);

    // How it ended: for the owner after CLIENT_WAIT_DONE.
    enum base_result result; // a node's result code may be a number outside the table
    bool in_doubt;
};

// Sets a command up with the timeouts of a policy (NULL: the defaults). The caller then sets where
// to go, what to send and on_frame.
void client__command_init(struct client_command *command, struct ballast_cluster *cluster,
                          const struct ballast_policy *policy, uint64_t now_ns);

// Sets up a command that only waits until `wake_ns`.
void client__command_init_pause(struct client_command *command, uint64_t wake_ns);

// Goes as far as it can.
enum client_wait client__command_step(struct client_command *command, uint64_t now_ns);

// When the next step is due though no socket is ready; UINT64_MAX: never.
uint64_t client__command_wake_ns(const struct client_command *command);

// The descriptor to wait for; -1 when there is none.
static inline int client__command_fd(const struct client_command *command)
{
    return command->connection == NULL ? -1 : command->connection->watch.fd;
}

// Ends the command now. A write that was sent is in doubt.
void client__command_cancel(struct client_command *command, enum base_result result);

// Frees the input buffer. The command must be done or never begun.
void client__command_fini(struct client_command *command);

// Steps all commands to their ends, waiting in poll. At most LIMIT_CLIENT_NODES of them.
void client__commands_run(struct client_command *const *commands, size_t count);

// Fills in `error` (may be NULL) and returns the code.
int client__error_set(struct ballast_error *error, enum base_result result, bool in_doubt);
