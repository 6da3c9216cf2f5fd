// SPDX-License-Identifier: Apache-2.0
// Lists of items with fields, as `sets` and `sindex-list:` answer them:
// `ns=test:set=demo:objects=3;ns=...`. Nothing is kept; any thread may call.
#pragma once

#include "tools/admin_map.h"
#include "tools/admin_sheet.h"
#include "tools/text.h"

typedef void (*admin_item_fn)(const struct admin_map *item, void *arg);

// Calls `fn` with the fields of each item; `between` stands between fields, semicolons between
// items. RESULT_NO_MEMORY ends the list early.
BASE_MUST_USE enum base_result admin_items_read(struct base_slice list, char between,
                                                admin_item_fn fn, void *arg);

// The field of that name, or of its older name (NULL: none); empty when it is missing.
struct base_slice admin_item_field(const struct admin_map *item, const char *name,
                                   const char *older);

// Writes the command that asks for the statistics of an item of `sindex-list:`.
enum { ADMIN_INDEX_COMMAND_SIZE = 512 };
void admin_index_command(const struct admin_map *item, char out[ADMIN_INDEX_COMMAND_SIZE]);

// Appends these commands, a line each, for all indexes that the first answering node lists: all
// nodes have the same, but for a moment. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result admin_indexes_request(const struct admin_replies *lists,
                                                     struct tools_text *out);

// Columns that are left empty where the item says `null`.
void admin_make_context(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column);
void admin_make_expression(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column);
