// SPDX-License-Identifier: Apache-2.0
// A backend over libballast. One thread.
#pragma once

#include "tools/ql_backend.h"

struct ql_client_options {
    const char *hosts; // "host[:port][,host[:port]...]"
    uint16_t port;     // where a host names none
    uint32_t connect_timeout_ms;
    bool alternate_addresses;
};

// Connects. On success *out is the backend, given back with ql_client_free; otherwise *failure
// tells why not and *out is NULL.
void ql_client_new(const struct ql_client_options *options, struct ql_backend **out,
                   struct ql_failure *failure);

void ql_client_free(struct ql_backend **backend);
