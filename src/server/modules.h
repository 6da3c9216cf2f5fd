// SPDX-License-Identifier: Apache-2.0
// The modules of user functions that operators registered: named texts, kept in memory and given
// back whole, in the order of their names. They are not compiled or run here. The table owns copies
// of all it is given; its lock makes every function safe on any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/result.h"

enum {
    MODULES_MAX = 256,
    MODULES_NAME_SIZE = 127,
    MODULES_CONTENT_SIZE = 1024 * 1024, // of one module
    MODULES_TOTAL_SIZE = 16 * 1024 * 1024,
    MODULES_HASH_SIZE = 40, // hexadecimal digits of the content's SHA-1
};

struct modules;

// What modules_visit shows of one module; valid during the call only.
struct modules_item {
    const char *name;
    char hash[MODULES_HASH_SIZE + 1];
};

// Returns false to end the visit.
typedef bool (*modules_visit_fn)(void *context, const struct modules_item *item);

BASE_MUST_USE enum base_result modules_new(struct modules **out);
void modules_free(struct modules **modules);

// Adds a module or replaces the one of that name. RESULT_PARAMETER when the name is empty, too long
// or holds what separates info text (a control character or one of ":;,=/"), RESULT_LIMIT when a
// bound above is reached, RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result modules_put(struct modules *modules, struct base_slice name,
                                           struct base_slice content);

// Copies a module's content into new memory that the caller frees; *size is its length in bytes.
// RESULT_RECORD_NOT_FOUND, RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result modules_get(struct modules *modules, struct base_slice name,
                                           uint8_t **content, size_t *size);

// Removes the module of that name; false when there was none.
bool modules_remove(struct modules *modules, struct base_slice name);

// Shows all modules in the order of their names. `visit` must not call back into the table.
void modules_visit(struct modules *modules, modules_visit_fn visit, void *context);
