// SPDX-License-Identifier: Apache-2.0
// What could follow in a line that is being typed. The parser says what it expects at the end of
// the words so far; names of namespaces and sets are asked from the caller. Pure but for memory.
#pragma once

#include "tools/editor.h"
#include "tools/ql_settings.h"

// Calls `add` for each namespace, or for each set of the namespace `ns` when it is not empty.
typedef void (*ql_add_fn)(struct base_slice name, void *adder);
typedef void (*ql_names_fn)(struct base_slice ns, ql_add_fn add, void *adder, void *arg);

// Finds the candidates for the end of `line`.
void ql_complete(struct base_slice line, ql_names_fn names, void *names_arg,
                 struct tools_completion *out);
