// SPDX-License-Identifier: Apache-2.0
// Addresses of this machine's interfaces: what a node that listens everywhere tells its clients.
// Any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "io/socket.h"

// Gives at most `max` addresses (port 0) of interfaces that are up: of the one called `name`, or
// of all when it is NULL. Loopback and link-local addresses are left out when `name` is NULL, IPv6
// when `v6` is false. Returns how many.
size_t io_interface_addresses(const char *name, bool v6, struct io_address *out, size_t max);
