// SPDX-License-Identifier: Apache-2.0
// What the handlers of `manage` share: sending a change and telling what came of it. One thread.
#pragma once

#include "tools/admin_session.h"

// Asks back when the session wants it, with what is about to be done. False: leave it.
bool admin_change_confirmed(struct admin_call *call, const char *what);

// Sends the command to the selected nodes and prints a table `Node|Response` under the title. The
// command counts as failed when a node refuses.
void admin_change_nodes(struct admin_call *call, const char *title, const char *command);

// Sends the command to the principal. True when it agreed; otherwise "<what failed> : <why>." has
// been told.
bool admin_change_principal(struct admin_call *call, const char *command, const char *what_failed);

// True when the text may stand in an info command as a name or a value; otherwise it has been told
// that the named thing may not.
bool admin_change_word(struct admin_call *call, const char *what, const char *text);
