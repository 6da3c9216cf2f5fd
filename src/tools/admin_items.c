// SPDX-License-Identifier: Apache-2.0
// One map for each item, for the time of the call.
#include "tools/admin_items.h"

#include <stdio.h>

#include "tools/text.h"
#include "wire/info.h"

enum base_result admin_items_read(struct base_slice list, char between, admin_item_fn fn, void *arg)
{
    struct base_slice item;
    while (wire_info_piece_next(&list, ';', &item)) {
        struct admin_map map;
        if (item.size == 0) {
            continue;
        }
        enum base_result result = admin_map_parse(&map, item, between);
        if (result != RESULT_OK) {
            return result;
        }
        fn(&map, arg);
        admin_map_fini(&map);
    }
    return RESULT_OK;
}

struct base_slice admin_item_field(const struct admin_map *item, const char *name,
                                   const char *older)
{
    struct base_slice value;
    if (!admin_map_find(item, name, &value) && older != NULL) {
        admin_map_find(item, older, &value);
    }
    return value;
}

void admin_index_command(const struct admin_map *item, char out[ADMIN_INDEX_COMMAND_SIZE])
{
    struct base_slice ns = admin_item_field(item, "ns", NULL);
    struct base_slice name = admin_item_field(item, "indexname", NULL);
    snprintf(out, ADMIN_INDEX_COMMAND_SIZE, "sindex-stat:namespace=%.*s;indexname=%.*s",
             (int)ns.size, ns.size == 0 ? "" : (const char *)ns.data, (int)name.size,
             name.size == 0 ? "" : (const char *)name.data);
}

static void on_index(const struct admin_map *item, void *arg)
{
    struct tools_text *request = arg;
    char command[ADMIN_INDEX_COMMAND_SIZE];
    admin_index_command(item, command);
    tools_text_format_append(request, "%s\n", command);
}

enum base_result admin_indexes_request(const struct admin_replies *lists, struct tools_text *out)
{
    enum base_result result = RESULT_OK;
    for (size_t i = 0; i < lists->count && result == RESULT_OK; i++) {
        struct base_slice value;
        if (admin_reply_value(&lists->items[i], "sindex-list:", &value)) {
            result = admin_items_read(value, ':', on_index, out);
            break;
        }
    }
    return out->failed ? RESULT_NO_MEMORY : result;
}

static void field_unless_null(struct admin_grid *grid, const struct admin_row *row, size_t line,
                              size_t column, const char *name)
{
    struct base_slice value;
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else if (admin_map_find(row->maps[ADMIN_FROM_ITEM], name, &value) &&
               !tools_slice_is(value, "null")) {
        admin_grid_text_set(grid, line, column, value);
    }
}

void admin_make_context(struct admin_grid *grid, const struct admin_row *row, size_t line,
                        size_t column)
{
    field_unless_null(grid, row, line, column, "context");
}

void admin_make_expression(struct admin_grid *grid, const struct admin_row *row, size_t line,
                           size_t column)
{
    field_unless_null(grid, row, line, column, "exp");
}
