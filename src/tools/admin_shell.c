// SPDX-License-Identifier: Apache-2.0
// A line is copied into a string of its own, because commands are strings.
#include "tools/admin_shell.h"

#include <stdlib.h>
#include <string.h>

#include "tools/editor.h"

// Between two \1 stands what takes no column. It must have a visible character behind it.
static const char *prompt(void *arg)
{
    const struct admin_session *session = arg;
    if (!session->color) {
        return session->privileged ? "Admin+> " : "Admin> ";
    }
    return session->privileged ? "\1\033[1;31;91m\1Admin+>\1\033[0m\1 "
                               : "\1\033[1;32;92m\1Admin>\1\033[0m\1 ";
}

// Behind `with` stand nodes.
static void nodes_complete(const struct admin_session *session, const struct admin_words *words,
                           bool open, struct tools_completion *out)
{
    size_t before = words->count - open;
    if (before == 0 || strcmp(words->items[before - 1], "with") != 0) {
        return;
    }
    const char *begun = open ? words->items[before] : "";
    for (size_t i = 0; i < session->cluster.node_count; i++) {
        const struct admin_node *node = &session->cluster.nodes[i];
        if (strncasecmp(node->name, begun, strlen(begun)) == 0) {
            tools_completion_add(out, tools_slice_of(node->name));
        } else if (strncasecmp(node->id, begun, strlen(begun)) == 0) {
            tools_completion_add(out, tools_slice_of(node->id));
        }
    }
}

static void complete(struct base_slice typed, struct tools_completion *out, void *arg)
{
    char line[1024], buffer[sizeof line + 1];
    if (typed.size >= sizeof line) {
        return;
    }
    memcpy(line, typed.data, typed.size);
    line[typed.size] = '\0';
    const char *command = strrchr(line, ';');
    command = command == NULL ? line : command + 1;
    bool open = command[0] != '\0' && strchr(" \t", command[strlen(command) - 1]) == NULL;
    struct admin_words words;
    const char *text = command, *problem;
    char *at = buffer;
    words.count = 0;
    admin_words_next(&text, false, &at, &words, &problem);
    size_t last = open && words.count > 0 ? strlen(words.items[words.count - 1]) : 0;
    out->from = typed.size - last;
    out->closed = true;
    struct tools_text found = {0};
    admin_command_complete(&words, open, &found);
    const char *next = tools_text_string(&found);
    while (*next != '\0') {
        size_t size = strcspn(next, " ");
        tools_completion_add(out, (struct base_slice){.data = (const uint8_t *)next, .size = size});
        next += size + 1;
    }
    tools_text_fini(&found);
    nodes_complete(arg, &words, open, out);
}

static bool line_run(struct base_slice line, void *arg)
{
    struct admin_session *session = arg;
    char *text = strndup((const char *)line.data, line.size);
    if (text == NULL) {
        admin_memory_tell(session);
        return true;
    }
    bool go_on = admin_session_run(session, text, false, true);
    free(text);
    return go_on;
}

void admin_shell_stream(struct admin_session *session, FILE *in)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, in) >= 0 && admin_session_run(session, line, true, true)) {
    }
    free(line);
}

void admin_shell_greet(const struct admin_session *session)
{
    const struct admin_cluster *cluster = &session->cluster;
    fprintf(session->out, "%sBallast Interactive Shell, version %s%s\n\n",
            session->color ? "\033[1m" : "", BALLAST_VERSION, session->color ? "\033[0m" : "");
    fprintf(session->out, "Found %zu nodes\n", cluster->node_count);
    for (int answers = 1; answers >= 0; answers--) {
        const char *between = answers ? "Online:  " : "Offline: ";
        bool any = false;
        for (size_t i = 0; i < cluster->node_count; i++) {
            if (cluster->nodes[i].answers == (answers == 1)) {
                fprintf(session->out, "%s%s", between, cluster->nodes[i].address);
                between = ", ";
                any = true;
            }
        }
        fputs(any ? "\n" : "", session->out);
    }
    const char *between = "Cluster Visibility error (Please check services list): ";
    bool blind = false;
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].answers && !cluster->nodes[i].sees_all) {
            fprintf(session->out, "%s%s%s", session->color && !blind ? "\033[31;91m" : "", between,
                    cluster->nodes[i].address);
            between = ", ";
            blind = true;
        }
    }
    fprintf(session->out, "%s%s\n", blind && session->color ? "\033[0m" : "", blind ? "\n" : "");
}

void admin_shell_run(struct admin_session *session, const char *home)
{
    const struct tools_editor_options options = {
        .program = "asadm",
        .home = home,
        .history_name = ".asadm_history",
        .out = session->out,
        .err = session->err,
        .prompt = prompt,
        .complete = complete,
        .run = line_run,
        .arg = session,
    };
    session->interrupted = tools_interrupt_take;
    session->pause = tools_interrupt_wait;
    if (!tools_editor_run(&options)) {
        admin_shell_stream(session, stdin);
    }
}
