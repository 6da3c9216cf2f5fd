// SPDX-License-Identifier: Apache-2.0
// The interactive session: a prompt with line editing, history and completion.
#pragma once

#include "tools/admin_session.h"

// Runs lines from the terminal until one ends the session or input ends. `home` is where the
// history is kept, or NULL. Must follow tools_interrupts_block.
void admin_shell_run(struct admin_session *session, const char *home);

// Runs each line of a stream.
void admin_shell_stream(struct admin_session *session, FILE *in);

// Prints who was found.
void admin_shell_greet(const struct admin_session *session);
