// SPDX-License-Identifier: Apache-2.0
// Listening sockets from the addresses that people write into a configuration. Any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

enum { IO_LISTEN_FDS = 16 };

// Binds `address` ("any", "local", an IP address, the name of an interface, or a DNS name) and
// listens; a name of several addresses gives several sockets, non-blocking and close-on-exec.
// RESULT_IO with a text that names what failed and how to mend it.
BASE_MUST_USE enum base_result io_listen(const char *address, uint16_t port, int fds[IO_LISTEN_FDS],
                                         uint32_t *count, char *error, size_t error_size);
