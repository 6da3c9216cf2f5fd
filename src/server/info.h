// SPDX-License-Identifier: Apache-2.0
// Info: operators and clients ask by names, the node answers with text (info-and-tools sections 1
// and 2, wire-protocol sections 11 and 12). Every command is a row of the table in info.c; a name
// that is not there is answered with an error and never ends a connection.
//
// `struct info` is the memory behind the answers: registered modules, the clients' user agents.
// Answers are built on the thread that asks, into its output; any thread with a worker may ask.
#pragma once

#include "server/connection.h"
#include "server/worker.h"

struct info;

// RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result info_new(struct info **out);
void info_free(struct info **info);

// Answers the names of a request body, one line each, in worker->output. A body without names gets
// the default set. `connection` is who asks; NULL in tests. What would make an answer larger than
// LIMIT_INFO_RESPONSE_SIZE, or comes after LIMIT_INFO_COMMANDS names, is answered with an error.
void info_answer(struct worker *worker, struct connection *connection, struct base_slice request);

// Answers one line of the plain-text port: the value alone.
void info_answer_line(struct worker *worker, struct connection *connection, struct base_slice line);

// A connection that told its user agent is gone. Any thread; `agent` is connection->user_agent.
void info_user_agent_leave(struct info *info, uint16_t agent);
