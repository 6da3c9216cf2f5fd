// SPDX-License-Identifier: Apache-2.0
// Clients: each has one operation under way at a time, thinks, and goes on. They choose keys so
// that some are fought over, and nodes mostly by the map and sometimes at random.
#pragma once

#include "operation.h"

struct clients *clients_new(struct sim *sim);
void clients_free(struct clients **clients);

void clients_start(struct sim *sim); // they begin, or begin again
void clients_stop(struct sim *sim);  // nothing new from here on
bool clients_are_idle(const struct sim *sim);

// From now on whatever is asked must succeed, at once; or not any more.
void clients_demand(struct sim *sim, bool demand);

// An event of theirs.
void clients_wake(struct sim *sim, uint64_t argument);

// The answer to a request, or the end of the connection to whom it was sent.
void clients_answered(struct sim *sim, const struct request *request,
                      const struct operation_answer *answer);
void clients_closed(struct sim *sim, const struct request *request);
