// SPDX-License-Identifier: Apache-2.0
// The parser's state and the small steps that the statements' parsers are made of. Each step that
// returns bool returns false after it has filled the problem; the caller only passes that on. A
// step that only tries (accept) remembers what it looked for, so that the message of a later
// failure at the same token can list all that would have fit.
#pragma once

#include "tools/ql_parse.h"

struct ql_parser {
    struct base_slice text;
    struct ql_token token; // the next token, not yet taken
    struct ql_token last;  // the token taken last
    struct ql_arena *arena;
    struct ql_problem *problem;
    const char *expected[QL_EXPECTED_MAX]; // at `token`: upper-case words, symbols, or phrases
    size_t expected_count;
};

static inline struct base_slice ql_parser_slice(const struct ql_parser *parser)
{
    return ql_token_slice(parser->text, parser->token);
}

// Takes the next token.
void ql_parser_take(struct ql_parser *parser);

// Remembers that this would have fit.
void ql_expect(struct ql_parser *parser, const char *what);

// True when the next token is that word or symbol, without taking it.
bool ql_word_ahead(struct ql_parser *parser, const char *word);
bool ql_symbol_ahead(struct ql_parser *parser, const char *symbol);

// Takes the word or symbol if it is next.
bool ql_word_accept(struct ql_parser *parser, const char *word);
bool ql_symbol_accept(struct ql_parser *parser, const char *symbol);

// Takes the word or symbol or fails.
bool ql_word_want(struct ql_parser *parser, const char *word);
bool ql_symbol_want(struct ql_parser *parser, const char *symbol);

// A word, a name that starts with a digit, or a string that is not empty. `what` says what it names
// ("a namespace").
bool ql_name_want(struct ql_parser *parser, const char *what, struct base_slice *out);

// As above, for names that travel in info commands: without ; : or =.
bool ql_plain_name_want(struct ql_parser *parser, const char *what, struct base_slice *out);

// ns[.set]
bool ql_target_want(struct ql_parser *parser, struct ql_target *out);

// The end of the command.
bool ql_end_want(struct ql_parser *parser);

// Fails at the next token with what was expected there. Always false.
bool ql_fail(struct ql_parser *parser);

// Fails at a token with a note of its own. Always false.
__attribute__((format(printf, 3, 4))) bool ql_fail_note(struct ql_parser *parser,
                                                        struct ql_token at, const char *format,
                                                        ...);

// Fails at a token, or at a place in the text, with a sentence shown as an error. Always false.
__attribute__((format(printf, 3, 4))) bool ql_fail_value(struct ql_parser *parser,
                                                         struct ql_token at, const char *format,
                                                         ...);

bool ql_fail_memory(struct ql_parser *parser);

// A literal or cast (section 5.4); for keys, one that can be a key.
bool ql_value_want(struct ql_parser *parser, struct ql_value *out);
bool ql_key_value_want(struct ql_parser *parser, struct ql_key *out);

// PK = key, DIGEST = 'hex' or EDIGEST = 'base64', when one of the three words is next.
bool ql_key_ahead(struct ql_parser *parser);
bool ql_key_want(struct ql_parser *parser, struct ql_key *out);

// ( value, ... ) with any number of values.
bool ql_value_list_want(struct ql_parser *parser, struct ql_value **out, size_t *count);

// Room for one more element behind `count` of them; the elements may move. NULL after it failed.
void *ql_array_grow(struct ql_parser *parser, void *array, size_t count, size_t element_size);

// The commands of ql_parse_admin.c. The first word has been taken.
bool ql_show_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_desc_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_register_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_remove_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_create_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_drop_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_grant_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_revoke_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_stat_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_kill_query_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_kill_scan_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_set_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_get_parse(struct ql_parser *parser, struct ql_statement *out);
bool ql_reset_parse(struct ql_parser *parser, struct ql_statement *out);
