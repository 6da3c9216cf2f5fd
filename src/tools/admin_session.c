// SPDX-License-Identifier: Apache-2.0
// Running commands: find, check, look for the nodes, choose among them, run.
#include "tools/admin_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tools/admin_paint.h"
#include "wire/info.h"

enum { FILE_SIZE_MAX = 1024 * 1024, CHALLENGE_SIZE = 7 };

// ---- telling ------------------------------------------------------------------------------------

static void tell(struct admin_session *session, const char *level, const char *code,
                 const char *format, va_list list)
{
    fflush(session->out);
    fputs(session->color_err ? code : "", session->err);
    fprintf(session->err, "%s: ", level);
    vfprintf(session->err, format, list);
    fprintf(session->err, "%s\n", session->color_err ? "\033[0m" : "");
}

void admin_error(struct admin_session *session, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell(session, "ERROR", "\033[31;91m", format, list);
    va_end(list);
    session->failed = true;
}

void admin_warn(struct admin_session *session, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell(session, "WARNING", "\033[33;93m", format, list);
    va_end(list);
}

void admin_memory_tell(struct admin_session *session)
{
    admin_error(session, "out of memory.");
}

void admin_title(const struct admin_session *session, const char *title, char out[ADMIN_TITLE_SIZE])
{
    const struct admin_world *world = &session->cluster.world;
    time_t now = world->now(world->arg);
    struct tm utc;
    char when[40];
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
    snprintf(out, ADMIN_TITLE_SIZE, "%s (%s)", title, when);
}

void admin_show(struct admin_session *session, const struct admin_grid *grid,
                enum admin_style style)
{
    if (grid->failed) {
        admin_memory_tell(session);
        return;
    }
    struct admin_look look = {.style = session->json ? ADMIN_STYLE_JSON : style,
                              .color = session->color,
                              .terminal_columns = session->terminal_columns};
    admin_grid_print(grid, &look, session->out);
}

bool admin_confirm(struct admin_session *session, const char *what)
{
    uint8_t random[CHALLENGE_SIZE / 2];
    char challenge[CHALLENGE_SIZE], line[64] = "";
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        admin_error(session, "no random number can be had to confirm with.");
        return false;
    }
    snprintf(challenge, sizeof challenge, "%02x%02x%02x", random[0], random[1], random[2]);
    fprintf(session->out, "%s\nType %s to go on, anything else to leave it.\n", what, challenge);
    fflush(session->out);
    if (session->in == NULL || fgets(line, sizeof line, session->in) == NULL) {
        line[0] = '\0';
    }
    line[strcspn(line, "\r\n")] = '\0';
    bool yes = strcmp(line, challenge) == 0;
    if (!yes) {
        fprintf(session->out, "Nothing was changed.\n");
    }
    return yes;
}

// ---- running ------------------------------------------------------------------------------------

static bool look(struct admin_session *session)
{
    struct admin_cluster *cluster = &session->cluster;
    time_t now_s = cluster->world.now(cluster->world.arg);
    if (session->looked && now_s >= session->looked_s &&
        now_s - session->looked_s < ADMIN_LOOK_AGE_MAX_S) {
        return true;
    }
    enum base_result result = admin_cluster_look(cluster);
    if (result == RESULT_NO_MEMORY) {
        admin_memory_tell(session);
        return false;
    }
    if (result != RESULT_OK) {
        struct tools_text seeds = {0};
        for (size_t i = 0; i < cluster->seed_count; i++) {
            tools_text_format_append(&seeds, "%s('%s', %u, None)", i == 0 ? "" : ", ",
                                     cluster->seeds[i].host, cluster->seeds[i].port);
        }
        admin_error(session, "Not able to connect any cluster with [%s]: %s.",
                    tools_text_string(&seeds),
                    cluster->trouble == NULL ? "nobody answers" : cluster->trouble);
        tools_text_fini(&seeds);
        return false;
    }
    for (size_t i = 0; i < cluster->seed_count && !session->looked; i++) {
        if (cluster->seeds[i].trouble != NULL) {
            admin_warn(session, "%s port %u does not answer: %s.", cluster->seeds[i].host,
                       cluster->seeds[i].port, cluster->seeds[i].trouble);
        }
    }
    session->looked = true;
    session->looked_s = cluster->world.now(cluster->world.arg);
    return true;
}

bool admin_session_connect(struct admin_session *session)
{
    return look(session);
}

static void nodes_tell(struct admin_session *session, const char *pattern)
{
    struct tools_text names = {0};
    for (size_t i = 0; i < session->cluster.node_count; i++) {
        tools_text_format_append(&names, "%s%s", i == 0 ? "" : ", ",
                                 session->cluster.nodes[i].name);
    }
    admin_error(session, "with: no node is called '%s'. The nodes are %s.", pattern,
                tools_text_string(&names));
    tools_text_fini(&names);
}

static void command_run(struct admin_session *session, const struct admin_arguments *arguments)
{
    struct admin_call call = {.session = session, .arguments = arguments};
    if (!arguments->command->local) {
        if (!look(session)) {
            return;
        }
        const char *patterns[ADMIN_WORDS_MAX];
        size_t count = admin_arguments_values(arguments, "with", patterns);
        const char *wrong = admin_cluster_select(&session->cluster, patterns, count, call.selected);
        if (wrong != NULL) {
            nodes_tell(session, wrong);
            return;
        }
    }
    arguments->command->run(&call);
}

void admin_session_words(struct admin_session *session, const struct admin_words *words)
{
    struct tools_text problem = {0};
    size_t used;
    const struct admin_command *command = admin_command_find(words, &used, &problem);
    struct admin_arguments arguments = {0};
    if (command == NULL) {
        admin_error(session, "%s", tools_text_string(&problem));
    } else if (command->privileged && !session->privileged) {
        admin_error(session,
                    "User must be in privileged mode to issue \"%s\" commands.\n"
                    "       Type \"enable\" to enter privileged mode.",
                    words->items[0][0] == 'm' ? "manage" : command->name);
    } else if (command->run == NULL) {
        admin_help_print(words, 0, session->out, session->color, &problem);
    } else if (command->raw) {
        arguments = (struct admin_arguments){.command = command, .words = words, .first = used};
        command_run(session, &arguments);
    } else if (!admin_arguments_read(&arguments, command, words, used, &problem)) {
        admin_error(session, "%s", tools_text_string(&problem));
    } else {
        command_run(session, &arguments);
    }
    tools_text_fini(&problem);
}

static void banner_print(struct admin_session *session, const struct admin_words *words)
{
    struct admin_look look = {.color = session->color};
    fputs("~~~ ", session->out);
    admin_paint_begin(&look, ADMIN_PAINT_BOLD, session->out);
    for (size_t i = 0; i < words->count; i++) {
        fprintf(session->out, "%s%s", i == 0 ? "" : " ", words->items[i]);
    }
    admin_paint_end(&look, ADMIN_PAINT_BOLD, session->out);
    fputs(" ~~~\n", session->out);
}

// A line for the machine's own shell.
static void shell_run(struct admin_session *session, const char *line)
{
    fflush(session->out);
    if (system(line) != 0) {
        session->failed = true;
    }
}

// Counts the commands, so that a single one goes without a banner.
static bool several(const char *text, bool comments, char *buffer)
{
    struct admin_words words;
    const char *problem;
    char *at = buffer;
    size_t count = 0;
    while (count < 2 && admin_words_next(&text, comments, &at, &words, &problem)) {
        count++;
    }
    return count > 1;
}

bool admin_session_run(struct admin_session *session, const char *text, bool comments, bool go_on)
{
    session->failed = false;
    text += strspn(text, " \t");
    if (text[0] == '!') {
        shell_run(session, text + 1);
        return go_on || !session->failed;
    }
    char *buffer = malloc(2 * strlen(text) + 2);
    if (buffer == NULL) {
        admin_memory_tell(session);
        return go_on;
    }
    bool banners = several(text, comments, buffer);
    char *at = buffer;
    struct admin_words words;
    const char *problem;
    while (!session->ended && (go_on || !session->failed) &&
           admin_words_next(&text, comments, &at, &words, &problem)) {
        if (problem != NULL) {
            admin_error(session, "%s.", problem);
            continue;
        }
        if (banners) {
            banner_print(session, &words);
        }
        admin_session_words(session, &words);
        fflush(session->out);
    }
    free(buffer);
    return !session->ended && (go_on || !session->failed);
}

bool admin_session_file(struct admin_session *session, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        admin_error(session, "%s: %s.", path, strerror(errno));
        return false;
    }
    char *text = malloc(FILE_SIZE_MAX + 1);
    size_t size = text == NULL ? 0 : fread(text, 1, FILE_SIZE_MAX + 1, file);
    bool go_on = false;
    if (text == NULL) {
        admin_memory_tell(session);
    } else if (ferror(file) || size > FILE_SIZE_MAX) {
        admin_error(session, "%s: %s.", path,
                    size > FILE_SIZE_MAX ? "larger than 1 MB" : "cannot be read");
    } else {
        text[size] = '\0';
        go_on = admin_session_run(session, text, true, false);
    }
    free(text);
    fclose(file);
    return go_on;
}
