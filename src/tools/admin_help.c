// SPDX-License-Identifier: Apache-2.0
// Help, all of it from the table of commands.
#include <string.h>

#include "tools/admin_command.h"

enum { NAME_COLUMN = 26 };

static void strong(FILE *out, bool color, const char *text)
{
    fprintf(out, "%s%s%s", color ? "\033[1m" : "", text, color ? "\033[0m" : "");
}

static void padding(FILE *out, size_t used)
{
    fprintf(out, "%*s", (int)(used < NAME_COLUMN ? NAME_COLUMN - used : 1), "");
}

static void keyword_print(const struct admin_keyword *keyword, FILE *out)
{
    char text[80];
    snprintf(text, sizeof text, "%s%s%s%s%s%s", keyword->name, keyword->alias != NULL ? ", " : "",
             keyword->alias != NULL ? keyword->alias : "",
             keyword->values != ADMIN_VALUES_NONE ? " " : "",
             keyword->values != ADMIN_VALUES_NONE ? keyword->value : "",
             keyword->values == ADMIN_VALUES_MANY ? "..." : "");
    fprintf(out, "    %s", text);
    padding(out, strlen(text));
    fprintf(out, "%s\n", keyword->help);
}

static void child_print(const struct admin_command *command, FILE *out, bool color, int depth)
{
    fprintf(out, "%*s", 4 * depth, "");
    strong(out, color, command->name);
    padding(out, strlen(command->name) + 4 * (size_t)(depth - 1));
    fprintf(out, "%s\n", command->help);
}

void admin_help_print(const struct admin_words *words, size_t first, FILE *out, bool color,
                      struct tools_text *problem)
{
    struct admin_words rest = {.count = words->count - first};
    memcpy(rest.items, words->items + first, rest.count * sizeof rest.items[0]);
    size_t used;
    const struct admin_command *command = admin_command_find(&rest, &used, problem);
    if (command == NULL) {
        return;
    }
    if (command != &admin_commands) {
        strong(out, color, command->name);
        fprintf(out, "%s%s: %s\n", command->words != NULL ? " " : "",
                command->words != NULL ? command->words : "", command->help);
    } else {
        fprintf(out, "%s\n", command->help);
    }
    for (const struct admin_keyword *keyword = command->keywords;
         keyword != NULL && keyword->name != NULL; keyword++) {
        keyword_print(keyword, out);
    }
    for (const struct admin_command *child = command->children;
         child != NULL && child->name != NULL; child++) {
        child_print(child, out, color, 1);
        for (const struct admin_command *grandchild = child->children;
             command == &admin_commands && grandchild != NULL && grandchild->name != NULL;
             grandchild++) {
            child_print(grandchild, out, color, 2);
        }
    }
}
