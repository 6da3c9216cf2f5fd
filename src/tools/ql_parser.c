// SPDX-License-Identifier: Apache-2.0
// The steps below the grammar, and how a failure at a token becomes a problem.
#include "tools/ql_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ql_parser_take(struct ql_parser *parser)
{
    parser->last = parser->token;
    parser->token = ql_lex(parser->text, parser->token.at + parser->token.size);
    parser->expected_count = 0;
}

void ql_expect(struct ql_parser *parser, const char *what)
{
    for (size_t i = 0; i < parser->expected_count; i++) {
        if (strcmp(parser->expected[i], what) == 0) {
            return;
        }
    }
    if (parser->expected_count < QL_EXPECTED_MAX) {
        parser->expected[parser->expected_count++] = what;
    }
}

bool ql_word_ahead(struct ql_parser *parser, const char *word)
{
    ql_expect(parser, word);
    return parser->token.kind == QL_TOKEN_WORD && tools_slice_is(ql_parser_slice(parser), word);
}

bool ql_symbol_ahead(struct ql_parser *parser, const char *symbol)
{
    ql_expect(parser, symbol);
    return parser->token.kind == QL_TOKEN_SYMBOL && tools_slice_is(ql_parser_slice(parser), symbol);
}

bool ql_word_accept(struct ql_parser *parser, const char *word)
{
    if (!ql_word_ahead(parser, word)) {
        return false;
    }
    ql_parser_take(parser);
    return true;
}

bool ql_symbol_accept(struct ql_parser *parser, const char *symbol)
{
    if (!ql_symbol_ahead(parser, symbol)) {
        return false;
    }
    ql_parser_take(parser);
    return true;
}

bool ql_word_want(struct ql_parser *parser, const char *word)
{
    return ql_word_accept(parser, word) || ql_fail(parser);
}

bool ql_symbol_want(struct ql_parser *parser, const char *symbol)
{
    return ql_symbol_accept(parser, symbol) || ql_fail(parser);
}

bool ql_name_want(struct ql_parser *parser, const char *what, struct base_slice *out)
{
    ql_expect(parser, what);
    struct ql_token token = parser->token;
    struct base_slice bare = ql_token_bare(parser->text, token);
    bool number_is_name = token.kind == QL_TOKEN_NUMBER &&
                          memchr(bare.data, '.', bare.size) == NULL && bare.data[0] != '+' &&
                          bare.data[0] != '-';
    if (token.kind != QL_TOKEN_WORD && token.kind != QL_TOKEN_STRING && !number_is_name) {
        return ql_fail(parser);
    }
    if (bare.size == 0) {
        return ql_fail_note(parser, token, "%s must not be empty", what);
    }
    *out = bare;
    ql_parser_take(parser);
    return true;
}

bool ql_plain_name_want(struct ql_parser *parser, const char *what, struct base_slice *out)
{
    struct ql_token token = parser->token;
    if (!ql_name_want(parser, what, out)) {
        return false;
    }
    for (size_t i = 0; i < out->size; i++) {
        uint8_t c = out->data[i];
        if (c == ';' || c == ':' || c == '=' || c < ' ') {
            return ql_fail_value(parser, token, "Illegal character - '%c'", c < ' ' ? '?' : c);
        }
    }
    return true;
}

bool ql_target_want(struct ql_parser *parser, struct ql_target *out)
{
    *out = (struct ql_target){0};
    struct ql_token token = parser->token;
    if (!ql_plain_name_want(parser, "a namespace", &out->ns)) {
        return false;
    }
    if (out->ns.size > LIMIT_NAMESPACE_NAME_SIZE) {
        return ql_fail_value(parser, token, "Namespace name is too long: '%.*s'", (int)out->ns.size,
                             out->ns.data);
    }
    if (!ql_symbol_accept(parser, ".")) {
        return true;
    }
    token = parser->token;
    if (!ql_plain_name_want(parser, "a set", &out->set)) {
        return false;
    }
    if (out->set.size > LIMIT_SET_NAME_SIZE) {
        return ql_fail_value(parser, token, "Set name is too long: '%.*s'", (int)out->set.size,
                             out->set.data);
    }
    return true;
}

bool ql_end_want(struct ql_parser *parser)
{
    ql_expect(parser, "the end");
    if (ql_symbol_ahead(parser, ";")) {
        parser->token = (struct ql_token){.kind = QL_TOKEN_END, .at = parser->text.size};
    }
    return parser->token.kind == QL_TOKEN_END || ql_fail(parser);
}

// Places the problem at a token and names the token as the classic messages do.
static void problem_at(struct ql_parser *parser, enum ql_problem_kind kind, struct ql_token token)
{
    struct ql_problem *problem = parser->problem;
    *problem = (struct ql_problem){.kind = kind, .at = token.at, .size = token.size};
    problem->code = QL_CODE_CLIENT;
    problem->token = ql_token_slice(parser->text, token);
    if (kind != QL_PROBLEM_EARLY) {
        return;
    }
    problem->token = ql_token_slice(parser->text, parser->last);
    if (token.kind == QL_TOKEN_END) {
        problem->at = parser->last.at + parser->last.size;
        problem->size = 1;
    }
}

static bool is_keyword(const char *expected)
{
    return expected[0] >= 'A' && expected[0] <= 'Z';
}

static void note_append(struct ql_problem *problem, const char *text)
{
    size_t size = strlen(problem->note);
    snprintf(problem->note + size, sizeof problem->note - size, "%s", text);
}

// Lists what was expected, and the expected word that is nearest to what stands there.
static void note_expected(struct ql_parser *parser)
{
    struct ql_problem *problem = parser->problem;
    const char *words[QL_EXPECTED_MAX + 1];
    size_t word_count = 0;
    for (size_t i = 0; i < parser->expected_count; i++) {
        note_append(problem, i == 0                            ? "expected "
                             : i + 1 == parser->expected_count ? " or "
                                                               : ", ");
        note_append(problem, parser->expected[i]);
        if (is_keyword(parser->expected[i])) {
            words[word_count++] = parser->expected[i];
        }
    }
    words[word_count] = NULL;
    const char *nearest =
        parser->token.kind == QL_TOKEN_WORD ? ql_nearest(ql_parser_slice(parser), words) : NULL;
    if (nearest != NULL && parser->expected_count > 1) {
        note_append(problem, "; did you mean ");
        note_append(problem, nearest);
        note_append(problem, "?");
    }
}

bool ql_fail(struct ql_parser *parser)
{
    switch (parser->token.kind) {
    case QL_TOKEN_END:
        problem_at(parser, QL_PROBLEM_EARLY, parser->token);
        note_expected(parser);
        break;
    case QL_TOKEN_OPEN:
        problem_at(parser, QL_PROBLEM_EARLY, parser->token);
        parser->problem->size = 1;
        note_append(parser->problem, "this quote is never closed");
        break;
    case QL_TOKEN_STRANGE:
        problem_at(parser, QL_PROBLEM_EARLY, parser->token);
        note_append(parser->problem, "this character has no meaning outside of quotes");
        break;
    default:
        problem_at(parser, QL_PROBLEM_TOKEN, parser->token);
        note_expected(parser);
        break;
    }
    return false;
}

bool ql_fail_note(struct ql_parser *parser, struct ql_token at, const char *format, ...)
{
    problem_at(parser, QL_PROBLEM_TOKEN, at);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->problem->note, sizeof parser->problem->note, format, arguments);
    va_end(arguments);
    return false;
}

bool ql_fail_value(struct ql_parser *parser, struct ql_token at, const char *format, ...)
{
    problem_at(parser, QL_PROBLEM_VALUE, at);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->problem->message, sizeof parser->problem->message, format, arguments);
    va_end(arguments);
    return false;
}

bool ql_fail_memory(struct ql_parser *parser)
{
    *parser->problem = (struct ql_problem){.kind = QL_PROBLEM_MEMORY};
    return false;
}

void *ql_array_grow(struct ql_parser *parser, void *array, size_t count, size_t element_size)
{
    enum { FIRST = 8 };
    bool full = count == 0 || (count >= FIRST && (count & (count - 1)) == 0);
    if (!full) {
        return array;
    }
    size_t capacity = count == 0 ? FIRST : count * 2;
    void *grown = ql_arena_take(parser->arena, capacity * element_size);
    if (grown == NULL) {
        ql_fail_memory(parser);
    } else if (count > 0) {
        memcpy(grown, array, count * element_size);
    }
    return grown;
}

// How many letters must be changed, added, removed or swapped with their neighbour to make one
// word of the other, letters in any case.
static size_t distance(struct base_slice a, const char *b)
{
    enum { WORD_SIZE_MAX = 32 };
    size_t b_size = strlen(b);
    if (a.size > WORD_SIZE_MAX || b_size > WORD_SIZE_MAX) {
        return SIZE_MAX;
    }
    size_t rows[3][WORD_SIZE_MAX + 1]; // two letters ago, one letter ago, now
    for (size_t j = 0; j <= b_size; j++) {
        rows[1][j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        rows[2][0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = a.data[i - 1] | 0x20;
            int y = b[j - 1] | 0x20;
            size_t best = rows[1][j - 1] + (x != y);
            best = rows[1][j] + 1 < best ? rows[1][j] + 1 : best;
            best = rows[2][j - 1] + 1 < best ? rows[2][j - 1] + 1 : best;
            bool swapped = i > 1 && j > 1 && x == (b[j - 2] | 0x20) && (a.data[i - 2] | 0x20) == y;
            if (swapped && rows[0][j - 2] + 1 < best) {
                best = rows[0][j - 2] + 1;
            }
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][b_size];
}

const char *ql_nearest(struct base_slice word, const char *const *words)
{
    const char *nearest = NULL;
    size_t least = 3; // three wrong letters are another word
    for (; *words != NULL; words++) {
        size_t away = distance(word, *words);
        if (away < least && away < word.size && away * 2 < strlen(*words) + 1) {
            nearest = *words;
            least = away;
        }
    }
    return nearest;
}
