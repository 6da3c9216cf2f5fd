// SPDX-License-Identifier: Apache-2.0
// An info request as a command: its frame, and a copy of the answer's text.
#pragma once

#include "client/command.h"

struct client_info_query {
    struct client_command command;
    uint8_t *frame;
    size_t answer_size_max;
    char *answer; // after RESULT_OK: the body with a NUL behind it
    size_t answer_size;
};

// Sets up the request; `text` is copied. The caller then says where it goes: command.node, or
// command.address with command.kept. Pair with client__info_query_fini, also after an error.
BASE_MUST_USE enum base_result client__info_query_init(struct client_info_query *query,
                                                       struct ballast_cluster *cluster,
                                                       const char *text, uint32_t timeout_ms);
void client__info_query_fini(struct client_info_query *query);

// The value under a name that was asked for; false when the answer lacks it.
bool client__info_query_value(const struct client_info_query *query, const char *name,
                              struct base_slice *value);
