// SPDX-License-Identifier: Apache-2.0
// A session runs commands, one line after the other: it echoes, parses, executes against its
// backend and prints, with the settings that earlier commands left. The caller owns the session and
// everything it points to; one thread.
#pragma once

#include <stdio.h>

#include "tools/ql_backend.h"
#include "tools/ql_parse.h"
#include "tools/ql_view.h"

enum { QL_RUN_DEPTH_MAX = 16 }; // files that run files

struct ql_session {
    struct ql_settings settings;
    struct ql_backend *backend;
    FILE *out;
    FILE *err;
    ql_clock_fn clock;
    void *clock_arg;
    bool (*interrupted)(void *arg); // asked between records and lines; NULL: never
    void *interrupted_arg;
    uint32_t run_depth;
};

// Runs the commands of one line. False when one of them was EXIT.
bool ql_session_line(struct ql_session *session, struct base_slice line);

// Runs a file, line by line, with ECHO on. False when one of its commands was EXIT, which ends the
// file alone.
bool ql_session_file(struct ql_session *session, const char *path);

// Runs each line that the stream has. Lines longer than QL_LINE_SIZE_MAX are refused.
void ql_session_stream(struct ql_session *session, FILE *stream);

// Tells what is wrong with a command: the classic lines, then the place (ql_report.c).
void ql_session_report(struct ql_session *session, struct base_slice command,
                       const struct ql_problem *problem);

// Executes one statement of each family (ql_exec*.c).
void ql_exec_records(struct ql_session *session, const struct ql_statement *statement);
void ql_exec_info(struct ql_session *session, const struct ql_statement *statement);
void ql_exec_modules(struct ql_session *session, const struct ql_statement *statement);

// Prints an outcome that has no rows.
void ql_session_ok(struct ql_session *session, const char *message);
void ql_session_fail(struct ql_session *session, const struct ql_failure *failure);

void ql_session_view_begin(struct ql_session *session, struct ql_view *view);

// All help, or that of one word; `word` may be empty (ql_help.c).
void ql_help_print(FILE *out, struct base_slice word);
