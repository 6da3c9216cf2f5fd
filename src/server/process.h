// SPDX-License-Identifier: Apache-2.0
// What the configuration asks of the process itself: a file with its id, another user and group.
// For main, once the ports are bound.
#pragma once

#include "server/node.h"

// Writes service.pidfile and becomes service.user and service.group. RESULT_IO or RESULT_CONFIG
// with a line in the log that names the directive.
BASE_MUST_USE enum base_result process_claim(const struct node *node);

// Removes the file with the process id.
void process_release(const struct node *node);
