// SPDX-License-Identifier: Apache-2.0
// Answers to changes: "ok", or the middle of "ERROR:4:bad param".
#include "tools/admin_change.h"

#include <stdlib.h>
#include <string.h>

#include "wire/info.h"

// What a node says to a change, for people.
static struct base_slice response_of(struct base_slice value, bool *refused)
{
    uint32_t code;
    struct base_slice message;
    *refused = wire_info_is_error(value, &code, &message);
    if (!*refused) {
        return value;
    }
    while (message.size > 0 &&
           (message.data[message.size - 1] == '.' || message.data[message.size - 1] == ' ')) {
        message.size--;
    }
    return message.size == 0 ? value : message;
}

static enum admin_alert alert_response(const struct admin_grid *grid, size_t line,
                                       const struct admin_cell *cell)
{
    (void)line;
    struct base_slice text = admin_cell_text(grid, cell);
    bool good = text.size >= 2 && strncasecmp((const char *)text.data, "ok", 2) == 0;
    return good ? ADMIN_ALERT_GREEN : ADMIN_ALERT_RED;
}

static void make_response(struct admin_grid *grid, const struct admin_row *row, size_t line,
                          size_t column)
{
    if (row->faulty) {
        admin_grid_fault_set(grid, line, column);
    } else {
        admin_grid_text_set(grid, line, column, row->item);
    }
}

static const struct admin_column response_columns[] = {
    {.title = "Node", .make = admin_make_node_plain, .ordered = true},
    {.title = "Response", .make = make_response, .alert = alert_response},
};

bool admin_change_confirmed(struct admin_call *call, const char *what)
{
    return !call->session->confirm || admin_confirm(call->session, what);
}

void admin_change_nodes(struct admin_call *call, const char *title, const char *command)
{
    struct admin_session *session = call->session;
    struct admin_replies replies;
    struct tools_text request = {0};
    tools_text_format_append(&request, "%s\n", command);
    if (request.failed) {
        admin_memory_tell(session);
    } else if (admin_call_ask(call, tools_text_string(&request), &replies)) {
        struct admin_grid grid;
        admin_grid_init(&grid, title);
        admin_grid_columns_add(&grid, response_columns, 2);
        for (size_t i = 0; i < replies.count && !grid.failed; i++) {
            struct admin_row row = {.cluster = &session->cluster,
                                    .node = replies.items[i].node,
                                    .faulty = replies.items[i].text == NULL};
            struct base_slice value;
            bool refused;
            admin_reply_answer(&replies.items[i], command, &value);
            row.item = response_of(value, &refused);
            session->failed |= refused || row.faulty;
            admin_sheet_line_add(&grid, &row);
        }
        admin_show(session, &grid, ADMIN_STYLE_LINES);
        admin_grid_fini(&grid);
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
}

bool admin_change_principal(struct admin_call *call, const char *command, const char *what_failed)
{
    struct admin_replies replies;
    struct tools_text request = {0};
    bool agreed = false;
    tools_text_format_append(&request, "%s\n", command);
    if (request.failed) {
        admin_memory_tell(call->session);
    } else if (admin_call_ask_principal(call, tools_text_string(&request), &replies)) {
        struct base_slice value, response;
        bool refused;
        bool answered = admin_reply_answer(&replies.items[0], command, &value);
        response = response_of(value, &refused);
        if (value.size > 6 && strncasecmp((const char *)value.data, "error=", 6) == 0) {
            refused = true; // modules are refused in a form of their own
            response = (struct base_slice){.data = value.data + 6, .size = value.size - 6};
        }
        agreed = answered && !refused;
        if (!agreed) {
            admin_error(call->session, "%s : %.*s.", what_failed, (int)response.size,
                        response.size == 0 ? "" : (const char *)response.data);
        }
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
    return agreed;
}

bool admin_change_word(struct admin_call *call, const char *what, const char *text)
{
    if (text[0] == '\0' || strpbrk(text, ";\n\t") != NULL) {
        admin_error(call->session, "'%s' is no %s: it is empty or has a semicolon in it.", text,
                    what);
        return false;
    }
    return true;
}
