// SPDX-License-Identifier: Apache-2.0
// The line up to the word under the cursor is parsed as a command; what the parser expected there
// are the candidates, as far as they start like the word.
#include "tools/ql_complete.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tools/ql_parse.h"

struct search {
    struct tools_completion *out;
    struct base_slice prefix;
    bool lower; // write key words in lower case, as the user does
};

static bool starts_with(struct base_slice word, struct base_slice prefix)
{
    return word.size >= prefix.size &&
           strncasecmp((const char *)word.data, (const char *)prefix.data, prefix.size) == 0;
}

static void candidate_add(struct base_slice word, void *arg)
{
    struct search *search = arg;
    if (starts_with(word, search->prefix)) {
        tools_completion_add(search->out, word);
    }
}

// A key word, which is written in the user's case.
static void keyword_add(struct search *search, const char *word)
{
    char copy[64];
    size_t size = strlen(word);
    if (size >= sizeof copy) {
        return;
    }
    for (size_t i = 0; i <= size; i++) {
        copy[i] = search->lower ? (char)tolower(word[i]) : word[i];
    }
    candidate_add(tools_slice_of(copy), search);
}

static void settings_add(struct search *search)
{
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        keyword_add(search, ql_setting_name(i));
    }
}

// The values of a setting that has few.
static void setting_values_add(struct search *search, size_t setting)
{
    struct tools_text values = {0};
    ql_setting_values_append(&values, setting);
    const char *at = tools_text_string(&values);
    if (strstr(at, " | ") != NULL) {
        while (*at != '\0') {
            size_t size = strcspn(at, " ");
            char word[32] = "";
            memcpy(word, at, size < sizeof word ? size : sizeof word - 1);
            keyword_add(search, word);
            at += size;
            at += strspn(at, " |");
        }
    }
    tools_text_fini(&values);
}

// The name in front of the point that the text ends with.
static struct base_slice namespace_before_point(struct base_slice text)
{
    struct ql_token last = {0};
    struct ql_token before = {0};
    for (struct ql_token token = ql_lex(text, 0); token.kind != QL_TOKEN_END;
         token = ql_lex(text, token.at + token.size)) {
        before = last;
        last = token;
    }
    return ql_token_bare(text, before);
}

static void expected_add(struct search *search, const char *expected,
                         const struct ql_statement *statement, struct base_slice before,
                         ql_names_fn names, void *names_arg)
{
    if (expected[0] >= 'A' && expected[0] <= 'Z') {
        keyword_add(search, expected);
    } else if (strcmp(expected, "a namespace") == 0) {
        search->out->closed = false;
        names((struct base_slice){0}, candidate_add, search, names_arg);
    } else if (strcmp(expected, "a set") == 0) {
        names(namespace_before_point(before), candidate_add, search, names_arg);
    } else if (strcmp(expected, "a setting") == 0) {
        settings_add(search);
    } else if (strcmp(expected, "a value") == 0 && statement->kind == QL_SET) {
        setting_values_add(search, statement->setting.setting);
    }
}

static void commands_add(struct search *search)
{
    for (const char *const *word = ql_command_words(); *word != NULL; word++) {
        keyword_add(search, *word);
    }
}

void ql_complete(struct base_slice line, ql_names_fn names, void *names_arg,
                 struct tools_completion *out)
{
    *out = (struct tools_completion){.closed = true};
    struct base_slice command = {.data = line.data, .size = 0};
    struct base_slice rest = line;
    while (ql_command_next(&rest, &command)) {
    }
    if (line.size > 0 && rest.data == command.data + command.size + 1) {
        command = rest; // the line ends with a semicolon
    }
    // The word under the cursor is the last token, if the line ends with it.
    struct ql_token last = {.kind = QL_TOKEN_END};
    for (struct ql_token token = ql_lex(command, 0); token.kind != QL_TOKEN_END;
         token = ql_lex(command, token.at + token.size)) {
        last = token;
    }
    size_t word_at = command.size;
    if ((last.kind == QL_TOKEN_WORD || last.kind == QL_TOKEN_NUMBER) &&
        last.at + last.size == command.size) {
        word_at = last.at;
    }
    struct base_slice before = {.data = command.data, .size = word_at};
    struct search search = {
        .out = out,
        .prefix = {.data = command.data + word_at, .size = command.size - word_at},
    };
    out->from = (size_t)(search.prefix.data - line.data);
    struct ql_token first = ql_lex(command, 0);
    search.lower = first.kind == QL_TOKEN_WORD && islower(command.data[first.at]);

    struct ql_arena arena = {0};
    struct ql_statement statement;
    struct ql_problem problem;
    enum base_result result = ql_parse(before, &arena, &statement, &problem);
    if (result == RESULT_OK && (statement.kind == QL_NOTHING || statement.kind == QL_HELP)) {
        commands_add(&search);
    }
    for (size_t i = 0; i < problem.expected_count; i++) {
        expected_add(&search, problem.expected[i], &statement, before, names, names_arg);
    }
    ql_arena_fini(&arena);
}
