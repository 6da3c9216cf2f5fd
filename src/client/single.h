// SPDX-License-Identifier: Apache-2.0
// A request for one record as a command: its frame, and the record of the answer.
#pragma once

#include "client/command.h"
#include "client/request.h"

struct client_single {
    struct client_command command;
    uint8_t *frame;
    bool wants_record;
    struct ballast_record *record; // after RESULT_OK, when wanted

    // In an event loop.
    ballast_done_fn fn;
    void *arg;
};

// Checks and sets up; nothing is borrowed from the caller afterwards. RESULT_PARAMETER,
// RESULT_BIN_NAME, RESULT_LIMIT for impossible requests, RESULT_NAMESPACE_NOT_FOUND when no node
// has announced the namespace. Pair with client__single_fini, also after an error.
BASE_MUST_USE enum base_result client__single_init(struct client_single *single,
                                                   struct ballast_cluster *cluster,
                                                   const struct ballast_policy *policy,
                                                   const struct ballast_key *key,
                                                   const struct client_request *request,
                                                   bool wants_record);
void client__single_fini(struct client_single *single);
