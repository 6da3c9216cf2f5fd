// SPDX-License-Identifier: Apache-2.0
// What the user reads when a command is wrong: the lines that operators and scripts have always
// seen, then, on the error stream, the command with a mark under the place and a note beside it.
#include <string.h>

#include "tools/ql_session.h"

// How much of a long command is shown on each side of the place.
enum { SHOWN_BEFORE = 60, SHOWN_BEHIND = 40, INDENT = 2 };

static bool is_continuation(struct base_slice text, size_t at)
{
    return at < text.size && (text.data[at] & 0xc0) == 0x80;
}

// The part of the line around the place that is printed.
static void window(struct base_slice line, size_t at, size_t size, size_t *from, size_t *to)
{
    *from = at > SHOWN_BEFORE + 10 ? at - SHOWN_BEFORE : 0;
    size_t end = at + size;
    *to = line.size - end > SHOWN_BEHIND + 10 ? end + SHOWN_BEHIND : line.size;
    while (*from > 0 && is_continuation(line, *from)) {
        (*from)--;
    }
    while (is_continuation(line, *to)) {
        (*to)++;
    }
}

// Prints the blanks that bring the mark under the byte at `to`; a tab stays a tab.
static void pad_print(FILE *err, struct base_slice line, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < line.size; i++) {
        if (!is_continuation(line, i)) {
            fputc(line.data[i] == '\t' ? '\t' : ' ', err);
        }
    }
}

static void place_print(FILE *err, struct base_slice line, const struct ql_problem *problem)
{
    size_t at = problem->at < line.size ? problem->at : line.size;
    size_t size = problem->size < line.size - at ? problem->size : line.size - at;
    size_t from;
    size_t to;
    window(line, at, size, &from, &to);
    fprintf(err, "%*s%s", INDENT, "", from > 0 ? "..." : "");
    for (size_t i = from; i < to; i++) {
        fputc(line.data[i] < ' ' && line.data[i] != '\t' ? ' ' : line.data[i], err);
    }
    fprintf(err, "%s\n%*s", to < line.size ? "..." : "", INDENT + (from > 0 ? 3 : 0), "");
    pad_print(err, line, from, at);
    fputc('^', err);
    size_t width = tools_text_width(line.data + at, size);
    for (size_t i = 1; i < width && i < SHOWN_BEHIND; i++) {
        fputc('~', err);
    }
    fprintf(err, "%s%s\n\n", problem->note[0] == '\0' ? "" : " ", problem->note);
}

static void hints_print(FILE *err)
{
    fputs(
        "Make sure string values are enclosed in quotes.\n"
        "Type \" aql --help \" from console or simply \"help\" from within the aql-prompt. \n\n",
        err);
}

void ql_session_report(struct ql_session *session, struct base_slice command,
                       const struct ql_problem *problem)
{
    const char *token = (const char *)problem->token.data;
    int size = (int)problem->token.size;
    struct ql_failure failure = {.code = problem->code};
    switch (problem->kind) {
    case QL_PROBLEM_NONE:
        return;
    case QL_PROBLEM_MEMORY:
        ql_failure_set(&failure, QL_CODE_CLIENT, "out of memory");
        ql_session_fail(session, &failure);
        return;
    case QL_PROBLEM_COMMAND:
        fprintf(session->out, "\nERROR: 404: COMMAND NOT FOUND : %.*s\n", size, token);
        break;
    case QL_PROBLEM_VALUE:
        memcpy(failure.text, problem->message, sizeof problem->message);
        ql_session_fail(session, &failure);
        break;
    case QL_PROBLEM_EARLY:
        fflush(session->out);
        fprintf(session->err, "Syntax error near token -  '%.*s' \n", size, token);
        hints_print(session->err);
        break;
    case QL_PROBLEM_TOKEN:
        fflush(session->out);
        fprintf(session->err, "Unsupported command format with token -  '%.*s' \n", size, token);
        hints_print(session->err);
        break;
    }
    fflush(session->out);
    place_print(session->err, command, problem);
    fflush(session->err);
}
