// SPDX-License-Identifier: Apache-2.0
// Handlers that are about the session itself, and answers for commands that this version lacks.
#pragma once

struct admin_call;

void admin_help_run(struct admin_call *call);
void admin_watch_run(struct admin_call *call);
void admin_enable_run(struct admin_call *call);
void admin_disable_run(struct admin_call *call);
void admin_exit_run(struct admin_call *call);
void admin_absent_run(struct admin_call *call);
