// SPDX-License-Identifier: Apache-2.0
// First contact: who answers at an address, and whether it may be used. Blocks; for the tend thread
// and for connect.
#pragma once

#include "base/result.h"
#include "client/cluster.h"

// A node that has answered. `connection` is open and belongs to the caller. When there is none,
// `trouble` is a static text that says why.
struct client_greeting {
    char name[LIMIT_NODE_ID_SIZE + 1];
    struct io_address address;
    struct client_connection *connection;
    const char *trouble;
};

// Asks the address for its name and generation. RESULT_NOT_CONNECTED: it belongs to another
// cluster, is not ready, or makes no sense. With `seed` set it is also asked for its own addresses:
// when the address that was dialled is none of them (a load balancer stands between), the node is
// looked for at those.
BASE_MUST_USE enum base_result client__greet(struct ballast_cluster *cluster,
                                             const struct io_address *address, bool seed,
                                             struct client_greeting *out);
