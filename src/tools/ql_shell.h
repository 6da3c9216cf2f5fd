// SPDX-License-Identifier: Apache-2.0
// The interactive session: a prompt with line editing, history and completion.
#pragma once

#include "tools/ql_session.h"

// Blocks SIGINT in this thread and in all that it starts afterwards, so that Ctrl-C can end a scan
// instead of the session. Call before the backend starts its threads.
void ql_shell_signals_block(void);

// Runs lines from the terminal until EXIT or the end of input. `home` is where the history is kept,
// or NULL. Must follow ql_shell_signals_block.
void ql_shell_run(struct ql_session *session, const char *home);
