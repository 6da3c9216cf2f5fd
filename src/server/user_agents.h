// SPDX-License-Identifier: Apache-2.0
// Which client programs are connected, as they told with `user-agent-set`: a bounded table of texts
// and how many connections told each. A text without connections makes room for another. Any
// thread may call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"

enum { USER_AGENTS_MAX = 256, USER_AGENT_SIZE = 384 };

struct user_agents;

BASE_MUST_USE enum base_result user_agents_new(struct user_agents **out);
void user_agents_free(struct user_agents **agents);

// Counts one more connection for `text` (base64 as the client sent it). Returns its number, to be
// given to user_agents_leave; 0 when the text is too long, not base64, or the table is full.
uint16_t user_agents_enter(struct user_agents *agents, struct base_slice text);

// Counts one less; 0 is ignored.
void user_agents_leave(struct user_agents *agents, uint16_t number);

typedef void (*user_agents_visit_fn)(const char *text, uint32_t connections, void *arg);

// Shows all that have connections. `visit` must not call back.
void user_agents_visit(struct user_agents *agents, user_agents_visit_fn visit, void *arg);
