// SPDX-License-Identifier: Apache-2.0
// A table of parameters by their own names: a line for each that any node tells, a column for each
// node, or the other way round. The call's `like`, `diff`, `-flip` and `-t` are heeded.
#pragma once

#include "tools/admin_session.h"

// What one node tells. Without a map it is shown as not known, when faulty as not to be asked.
struct admin_told {
    const struct admin_node *node;
    const struct admin_map *map; // NULL: nothing
    bool faulty;
};

// Prints nothing when no parameter passes. `title` gets the time behind it.
void admin_parameters_show(struct admin_call *call, const char *title,
                           const struct admin_told *told, size_t count);
