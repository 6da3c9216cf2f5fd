// SPDX-License-Identifier: Apache-2.0
// The migrations of a process: runs the syncs that its cluster machine ordered, as the daemon's
// migrations thread does.
#pragma once

#include "process.h"

void migrations_on_message(struct process *process, uint8_t peer, const struct message *message);
