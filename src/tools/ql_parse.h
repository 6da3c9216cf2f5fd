// SPDX-License-Identifier: Apache-2.0
// One command's text into a statement (info-and-tools sections 5.3 and 5.4). Pure: it reads the
// text, takes from the arena, and touches nothing else. What is wrong comes back with its place,
// what was expected there, and the nearest word that would do.
#pragma once

#include "base/result.h"
#include "tools/ql_lex.h"
#include "tools/ql_statement.h"

enum ql_problem_kind {
    QL_PROBLEM_NONE,
    QL_PROBLEM_COMMAND, // the first word is no command
    QL_PROBLEM_EARLY,   // the command ends, or cannot be read further, too early
    QL_PROBLEM_TOKEN,   // this token does not belong here
    QL_PROBLEM_VALUE,   // well formed, but it cannot be: `message` says why
    QL_PROBLEM_MEMORY,
};

enum { QL_EXPECTED_MAX = 16 };

struct ql_problem {
    enum ql_problem_kind kind;
    size_t at; // the place in the command, for the caret
    size_t size;
    struct base_slice token; // the token that the classic messages name
    int32_t code;            // VALUE: as shown in front of the message
    char message[256];       // VALUE: the whole sentence
    char note[256];          // what was expected, what was perhaps meant; may be ""

    // What would have fit at the end of the command: upper-case words, symbols, and phrases such as
    // "a namespace". Filled for commands that are whole or end too early, for completion.
    const char *expected[QL_EXPECTED_MAX];
    size_t expected_count;
};

// RESULT_OK; RESULT_PARAMETER with *problem filled; RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result ql_parse(struct base_slice command, struct ql_arena *arena,
                                        struct ql_statement *out, struct ql_problem *problem);

// The word of `words` (NULL at the end) that `word` is most likely a misspelling of, or NULL.
const char *ql_nearest(struct base_slice word, const char *const *words);

// The words that start a command, NULL at the end.
const char *const *ql_command_words(void);
