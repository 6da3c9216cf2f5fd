// SPDX-License-Identifier: Apache-2.0
// The peers of a node as it lists them (wire-protocol section 11.5), and the plain address lists of
// configuration and of service-clear-*. Readers point into the text and copy nothing. Pure; any
// thread may call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

struct client_host {
    struct base_slice host; // without brackets
    uint16_t port;
};

struct client_peer {
    struct base_slice name;
    uint32_t host_count;
    struct client_host hosts[LIMIT_CLIENT_ADDRESSES_PER_NODE];
};

// Takes the next `host[:port]` off the front of a comma-separated list; IPv6 addresses with a port
// stand in brackets. False at the end of the list and for text that is no address; in the second
// case `list` is left with something in it.
bool client_host_next(struct base_slice *list, uint16_t default_port, struct client_host *out);

typedef void (*client_peer_fn)(const struct client_peer *peer, void *arg);

// Reads `generation,[default-port],[peer...]` and calls `fn` for each peer. RESULT_MALFORMED when
// the text is not of that form; peers before the fault have been called then. Hosts past
// LIMIT_CLIENT_ADDRESSES_PER_NODE are passed over.
BASE_MUST_USE enum base_result client_peers_parse(struct base_slice text, uint64_t *generation,
                                                  uint32_t *count, client_peer_fn fn, void *arg);
