// SPDX-License-Identifier: Apache-2.0
// Text into tokens (info-and-tools section 5.2). A token keeps the place it came from, so that a
// message can point there. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

// The longest line that is read.
enum { QL_LINE_SIZE_MAX = 1024 * 1024 };

enum ql_token_kind {
    QL_TOKEN_END,
    QL_TOKEN_WORD,    // letter or underscore, then letters, digits, _ : -
    QL_TOKEN_NUMBER,  // digit or sign first: a number, or a name that starts with a digit
    QL_TOKEN_STRING,  // with its quotes
    QL_TOKEN_SYMBOL,  // = < <= > >= <> ( ) , . * / [ ]
    QL_TOKEN_OPEN,    // a string whose quote is never closed: all the rest
    QL_TOKEN_STRANGE, // a byte that starts no token
};

struct ql_token {
    enum ql_token_kind kind;
    size_t at;   // offset in the text
    size_t size; // 0 at the end
};

// The token at or behind `at`, blanks skipped.
struct ql_token ql_lex(struct base_slice text, size_t at);

// The text of a token.
static inline struct base_slice ql_token_slice(struct base_slice text, struct ql_token token)
{
    return (struct base_slice){.data = text.data + token.at, .size = token.size};
}

// The token without quotes, if it is a string.
static inline struct base_slice ql_token_bare(struct base_slice text, struct ql_token token)
{
    struct base_slice slice = ql_token_slice(text, token);
    if (token.kind == QL_TOKEN_STRING) {
        slice.data++;
        slice.size -= 2;
    }
    return slice;
}

// Takes the next command off the front of a line: up to a semicolon outside of quotes, which is
// dropped, or to the end. False when the line is used up.
bool ql_command_next(struct base_slice *line, struct base_slice *command);
