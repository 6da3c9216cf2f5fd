// SPDX-License-Identifier: Apache-2.0
// The way of one line: split, parse, echo, then to whoever executes that kind of statement.
#include "tools/ql_session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void ql_session_view_begin(struct ql_session *session, struct ql_view *view)
{
    ql_view_begin(view, &session->settings, session->out, session->err, session->clock,
                  session->clock_arg);
}

void ql_session_ok(struct ql_session *session, const char *message)
{
    struct ql_view view;
    ql_session_view_begin(session, &view);
    ql_view_ok(&view, message);
    ql_view_end(&view);
}

void ql_session_fail(struct ql_session *session, const struct ql_failure *failure)
{
    struct ql_view view;
    ql_session_view_begin(session, &view);
    ql_view_fail(&view, failure->code, failure->text);
    ql_view_end(&view);
}

static void setting_print(struct ql_session *session, size_t setting)
{
    struct tools_text text = {0};
    ql_setting_append(&text, &session->settings, setting);
    fprintf(session->out, "%s = %s\n", ql_setting_name(setting), tools_text_string(&text));
    tools_text_fini(&text);
}

static void settings_exec(struct ql_session *session, const struct ql_statement *statement)
{
    size_t setting = statement->setting.setting;
    if (statement->kind == QL_GET) {
        size_t first = setting == QL_SETTING_COUNT ? 0 : setting;
        size_t last = setting == QL_SETTING_COUNT ? QL_SETTING_COUNT - 1 : setting;
        for (size_t i = first; i <= last; i++) {
            setting_print(session, i);
        }
        return;
    }
    if (statement->kind == QL_RESET) {
        ql_setting_reset(&session->settings, setting);
    } else {
        // A text is kept with its quotes, as it was typed; other values come out of them.
        struct base_slice value = statement->setting.value;
        bool quoted = value.size >= 2 && (value.data[0] == '\'' || value.data[0] == '"');
        if (quoted && setting != QL_SETTING_LUA_USERPATH) {
            value = (struct base_slice){.data = value.data + 1, .size = value.size - 2};
        }
        if (ql_setting_set(&session->settings, setting, value) != RESULT_OK) {
            struct ql_failure failure;
            ql_failure_set(&failure, QL_CODE_CLIENT, "%s cannot take this value",
                           ql_setting_name(setting));
            ql_session_fail(session, &failure);
            return;
        }
    }
    setting_print(session, setting);
}

// A terminated copy of a slice, or NULL.
static char *copy_of(struct base_slice slice)
{
    char *copy = malloc(slice.size + 1);
    if (copy != NULL) {
        memcpy(copy, slice.data, slice.size);
        copy[slice.size] = '\0';
    }
    return copy;
}

static void shell_run(struct ql_session *session, const char *command)
{
    // An interactive session blocks SIGINT; what it starts must not inherit that.
    sigset_t interrupt;
    sigset_t before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    fflush(session->out);
    fflush(session->err);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, &before);
    int status = system(command);
    int code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == -1) {
        struct ql_failure failure;
        ql_failure_set(&failure, code, "cannot start a shell: %s", strerror(code));
        ql_session_fail(session, &failure);
    }
}

static void text_exec(struct ql_session *session, const struct ql_statement *statement)
{
    char *text = copy_of(statement->text);
    if (text == NULL) {
        struct ql_failure failure = {.code = QL_CODE_CLIENT, .text = "out of memory"};
        ql_session_fail(session, &failure);
        return;
    }
    if (statement->kind == QL_RUN) {
        ql_session_file(session, text);
    } else if (statement->kind == QL_PRINT) {
        fprintf(session->out, "%s\n", text);
    } else {
        shell_run(session, text);
    }
    free(text);
}

static void admin_exec(struct ql_session *session, const struct ql_statement *statement)
{
    struct ql_failure failure;
    ql_failure_set(&failure, QL_CODE_CLIENT,
                   "%.*s: this version has no users and roles; nothing was changed",
                   (int)statement->text.size, statement->text.data);
    ql_session_fail(session, &failure);
}

static void statement_exec(struct ql_session *session, const struct ql_statement *statement)
{
    switch (statement->kind) {
    case QL_NOTHING:
    case QL_EXIT:
        break;
    case QL_INSERT:
    case QL_DELETE:
    case QL_SELECT:
    case QL_OPERATE:
        ql_exec_records(session, statement);
        break;
    case QL_EXECUTE:
    case QL_AGGREGATE:
    case QL_DESC_MODULE:
    case QL_REGISTER_MODULE:
    case QL_REMOVE_MODULE:
        ql_exec_modules(session, statement);
        break;
    case QL_TRUNCATE:
    case QL_SHOW:
    case QL_DESC_INDEX:
    case QL_CREATE_INDEX:
    case QL_DROP_INDEX:
    case QL_STAT:
    case QL_KILL_QUERY:
    case QL_KILL_SCAN:
    case QL_ASINFO:
        ql_exec_info(session, statement);
        break;
    case QL_ADMIN:
        admin_exec(session, statement);
        break;
    case QL_SET:
    case QL_GET:
    case QL_RESET:
        settings_exec(session, statement);
        break;
    case QL_RUN:
    case QL_PRINT:
    case QL_SYSTEM:
        text_exec(session, statement);
        break;
    case QL_HELP:
        ql_help_print(session->out, statement->text);
        break;
    }
}

static void verbose_time(struct ql_session *session, uint64_t began_ms)
{
    if (session->settings.verbose) {
        uint64_t took_ms = session->clock(session->clock_arg) - began_ms;
        fflush(session->out);
        fprintf(session->err, "-- took %llu.%03llu secs\n", (unsigned long long)(took_ms / 1000),
                (unsigned long long)(took_ms % 1000));
    }
}

// Runs one command; false for EXIT.
static bool command_run(struct ql_session *session, struct base_slice command)
{
    while (command.size > 0 && command.data[0] == ' ') {
        command.data++;
        command.size--;
    }
    struct ql_arena arena = {0};
    struct ql_statement statement;
    struct ql_problem problem;
    enum base_result result = ql_parse(command, &arena, &statement, &problem);
    bool empty = result == RESULT_OK && statement.kind == QL_NOTHING;
    bool silent = result == RESULT_OK && (statement.kind == QL_HELP || statement.kind == QL_EXIT);
    // CSV output is data alone.
    if (session->settings.echo && !empty && !silent && session->settings.output != QL_OUTPUT_CSV) {
        fprintf(session->out, "%.*s\n", (int)command.size, (const char *)command.data);
    }
    if (result != RESULT_OK) {
        ql_session_report(session, command, &problem);
    } else if (!empty) {
        uint64_t began_ms = session->clock(session->clock_arg);
        statement_exec(session, &statement);
        verbose_time(session, began_ms);
    }
    ql_arena_fini(&arena);
    fflush(session->out);
    return result != RESULT_OK || statement.kind != QL_EXIT;
}

bool ql_session_line(struct ql_session *session, struct base_slice line)
{
    struct base_slice command;
    while (ql_command_next(&line, &command)) {
        if (!command_run(session, command)) {
            return false;
        }
    }
    return true;
}

// Reads and drops the rest of a line that is too long.
static void line_drop(FILE *stream)
{
    int c;
    do {
        c = fgetc(stream);
    } while (c != '\n' && c != EOF);
}

// Reads one line without its end into `line`. False at the end of the stream. *whole is false when
// the line was too long.
static bool line_read(FILE *stream, struct tools_text *line, bool *whole)
{
    char chunk[4096];
    tools_text_clear(line);
    *whole = true;
    bool any = false;
    while (fgets(chunk, sizeof chunk, stream) != NULL) {
        any = true;
        size_t size = strlen(chunk);
        bool ends = size > 0 && chunk[size - 1] == '\n';
        tools_text_append(line, chunk, size - ends);
        if (ends) {
            break;
        }
        if (line->size > QL_LINE_SIZE_MAX || line->failed) {
            line_drop(stream);
            *whole = false;
            break;
        }
    }
    if (line->size > 0 && line->data[line->size - 1] == '\r') {
        line->size--;
    }
    return any;
}

static bool is_interrupted(struct ql_session *session)
{
    return session->interrupted != NULL && session->interrupted(session->interrupted_arg);
}

static bool lines_run(struct ql_session *session, FILE *stream)
{
    struct tools_text line = {0};
    bool whole;
    bool go_on = true;
    while (go_on && !is_interrupted(session) && line_read(stream, &line, &whole)) {
        if (!whole) {
            struct ql_failure failure;
            ql_failure_set(&failure, QL_CODE_CLIENT, "a line is longer than %d bytes",
                           QL_LINE_SIZE_MAX);
            ql_session_fail(session, &failure);
            continue;
        }
        go_on = ql_session_line(session, tools_text_slice(&line));
    }
    tools_text_fini(&line);
    return go_on;
}

void ql_session_stream(struct ql_session *session, FILE *stream)
{
    lines_run(session, stream);
}

bool ql_session_file(struct ql_session *session, const char *path)
{
    if (session->run_depth == QL_RUN_DEPTH_MAX) {
        struct ql_failure failure;
        ql_failure_set(&failure, QL_CODE_CLIENT, "files run each other more than %d deep",
                       QL_RUN_DEPTH_MAX);
        ql_session_fail(session, &failure);
        return true;
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fflush(session->out);
        fprintf(session->err, "Error: cannot open file %s : %s\n", path, strerror(errno));
        return true;
    }
    session->settings.echo = true;
    session->run_depth++;
    bool go_on = lines_run(session, file);
    session->run_depth--;
    fclose(file);
    return go_on;
}
