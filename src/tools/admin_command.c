// SPDX-License-Identifier: Apache-2.0
// Lines into words, words into a command and its arguments.
#include "tools/admin_command.h"

#include <string.h>

enum { SUGGEST_DISTANCE = 2 };

// ---- words --------------------------------------------------------------------------------------

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// Passes over blanks and comments. False when a comment has no end.
static bool gap_skip(const char **text, bool comments)
{
    for (;;) {
        while (is_blank(**text)) {
            ++*text;
        }
        if (comments && strncmp(*text, "//", 2) == 0) {
            *text += strcspn(*text, "\n");
        } else if (comments && strncmp(*text, "/*", 2) == 0) {
            const char *end = strstr(*text + 2, "*/");
            if (end == NULL) {
                *text += strlen(*text);
                return false;
            }
            *text = end + 2;
        } else {
            return true;
        }
    }
}

// Copies one word without its quotes. False when a quote has no end.
static bool word_take(const char **text, char **buffer)
{
    const char *at = *text;
    while (*at != '\0' && *at != ';' && *at != '\n' && !is_blank(*at)) {
        if (*at != '"' && *at != '\'') {
            *(*buffer)++ = *at++;
            continue;
        }
        const char *end = strchr(at + 1, *at);
        if (end == NULL) {
            *text = at + strlen(at);
            return false;
        }
        memcpy(*buffer, at + 1, (size_t)(end - at - 1));
        *buffer += end - at - 1;
        at = end + 1;
    }
    *(*buffer)++ = '\0';
    *text = at;
    return true;
}

bool admin_words_next(const char **text, bool comments, char **buffer, struct admin_words *out,
                      const char **problem)
{
    out->count = 0;
    *problem = NULL;
    while (**text != '\0') {
        if (!gap_skip(text, comments)) {
            *problem = "a comment has no end";
            return true;
        }
        if (**text == ';' || **text == '\n') {
            ++*text;
            if (out->count > 0) {
                return true;
            }
            continue;
        }
        if (**text == '\0') {
            break;
        }
        char *word = *buffer;
        if (!word_take(text, buffer)) {
            *problem = "a quote has no end";
            return true;
        }
        if (out->count == ADMIN_WORDS_MAX) {
            *problem = "too many words";
            continue;
        }
        out->items[out->count++] = word;
    }
    return out->count > 0;
}

// ---- finding ------------------------------------------------------------------------------------

static void nearer_take(const char *word, const char *name, const char **best, size_t *nearest)
{
    size_t d = tools_text_distance(word, strlen(word), name);
    if (d < *nearest && d < strlen(name)) {
        *best = name;
        *nearest = d;
    }
}

static const struct admin_keyword *keyword_find(const struct admin_command *command,
                                                const char *word)
{
    const struct admin_keyword *keyword = command->keywords;
    for (; keyword != NULL && keyword->name != NULL; keyword++) {
        if (strcmp(keyword->name, word) == 0 ||
            (keyword->alias != NULL && strcmp(keyword->alias, word) == 0)) {
            return keyword;
        }
    }
    return NULL;
}

// What is known behind a command, as a list for people.
static void known_append(struct tools_text *text, const struct admin_command *command)
{
    const char *between = "";
    const struct admin_command *child = command->children;
    for (; child != NULL && child->name != NULL; child++) {
        tools_text_format_append(text, "%s%s", between, child->name);
        between = ", ";
    }
    const struct admin_keyword *keyword = command->keywords;
    for (; keyword != NULL && keyword->name != NULL; keyword++) {
        tools_text_format_append(text, "%s%s", between, keyword->name);
        between = ", ";
    }
}

static void path_append(struct tools_text *text, const struct admin_words *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tools_text_format_append(text, "%s%s", i == 0 ? "" : " ", words->items[i]);
    }
}

// Tells that a word is not known behind a command, and which might have been meant.
static void unknown_tell(struct tools_text *problem, const struct admin_command *command,
                         const struct admin_words *words, size_t at)
{
    const char *word = words->items[at], *best = NULL;
    size_t nearest = SUGGEST_DISTANCE + 1;
    for (const struct admin_command *child = command->children;
         child != NULL && child->name != NULL; child++) {
        nearer_take(word, child->name, &best, &nearest);
    }
    for (const struct admin_keyword *keyword = command->keywords;
         keyword != NULL && keyword->name != NULL; keyword++) {
        nearer_take(word, keyword->name, &best, &nearest);
    }
    if (at == 0) {
        tools_text_format_append(problem, "%s: command not found.", word);
    } else {
        path_append(problem, words, at);
        tools_text_format_append(problem, ": '%s' is not expected here.", word);
    }
    if (best != NULL) {
        tools_text_format_append(problem, " Did you mean '%s'?", best);
    } else {
        tools_text_string_append(problem, " Known: ");
        known_append(problem, command);
        tools_text_char_append(problem, '.');
    }
}

// The child of that name, or the only one that begins so; *count is how many begin so.
static const struct admin_command *child_find(const struct admin_command *command, const char *word,
                                              size_t *count)
{
    const struct admin_command *found = NULL;
    *count = 0;
    for (const struct admin_command *child = command->children;
         child != NULL && child->name != NULL; child++) {
        if (strcmp(child->name, word) == 0) {
            *count = 1;
            return child;
        }
        if (strncmp(child->name, word, strlen(word)) == 0) {
            found = child;
            ++*count;
        }
    }
    return *count == 1 ? found : NULL;
}

static void ambiguous_tell(struct tools_text *problem, const struct admin_command *command,
                           const char *word, size_t count)
{
    tools_text_format_append(problem, "Ambiguous command: '%s' may be ", word);
    for (const struct admin_command *child = command->children;
         child != NULL && child->name != NULL; child++) {
        if (strncmp(child->name, word, strlen(word)) == 0) {
            tools_text_format_append(problem, "%s%s", child->name,
                                     --count > 1  ? ", "
                                     : count == 1 ? " or "
                                                  : ".");
        }
    }
}

const struct admin_command *admin_command_find(const struct admin_words *words, size_t *used,
                                               struct tools_text *problem)
{
    const struct admin_command *command = &admin_commands;
    *used = 0;
    while (*used < words->count && command->children != NULL) {
        const char *word = words->items[*used];
        if (keyword_find(command, word) != NULL) {
            break;
        }
        size_t count;
        const struct admin_command *child = child_find(command, word, &count);
        if (count > 1) {
            ambiguous_tell(problem, command, word, count);
            return NULL;
        }
        if (child == NULL) {
            if (command->words != NULL) {
                break;
            }
            unknown_tell(problem, command, words, *used);
            return NULL;
        }
        command = child;
        ++*used;
    }
    return command;
}

// ---- arguments ----------------------------------------------------------------------------------

static bool required_are_there(const struct admin_arguments *arguments, struct tools_text *problem)
{
    const struct admin_command *command = arguments->command;
    for (const struct admin_keyword *keyword = command->keywords;
         keyword != NULL && keyword->name != NULL; keyword++) {
        if (keyword->required && !admin_arguments_have(arguments, keyword->name)) {
            path_append(problem, arguments->words, arguments->first);
            tools_text_format_append(problem, ": '%s %s' is missing.", keyword->name,
                                     keyword->value);
            return false;
        }
    }
    return true;
}

// Cuts the comma off that people put between items.
static void comma_cut(char *word)
{
    size_t size = strlen(word);
    if (size > 1 && word[size - 1] == ',') {
        word[size - 1] = '\0';
    }
}

bool admin_arguments_read(struct admin_arguments *arguments, const struct admin_command *command,
                          const struct admin_words *words, size_t first, struct tools_text *problem)
{
    memset(arguments, 0, sizeof *arguments);
    arguments->command = command;
    arguments->words = words;
    arguments->first = first;
    const struct admin_keyword *open = NULL; // takes the words that follow
    for (size_t i = first; i < words->count; i++) {
        const struct admin_keyword *keyword = keyword_find(command, words->items[i]);
        if (keyword != NULL && (open == NULL || open->values == ADMIN_VALUES_MANY)) {
            arguments->is_keyword[i] = true;
            arguments->of[i] = keyword;
            open = keyword->values == ADMIN_VALUES_NONE ? NULL : keyword;
            if (open != NULL && i + 1 == words->count) {
                path_append(problem, words, first);
                tools_text_format_append(problem, ": %s is missing behind '%s'.", keyword->value,
                                         words->items[i]);
                return false;
            }
        } else if (open != NULL) {
            comma_cut(words->items[i]);
            arguments->of[i] = open;
            open = open->values == ADMIN_VALUES_ONE ? NULL : open;
        } else if (command->words == NULL) {
            unknown_tell(problem, command, words, i);
            return false;
        }
    }
    return required_are_there(arguments, problem);
}

size_t admin_arguments_values(const struct admin_arguments *arguments, const char *keyword,
                              const char **out)
{
    size_t count = 0;
    for (size_t i = arguments->first; i < arguments->words->count; i++) {
        const struct admin_keyword *of = arguments->of[i];
        bool belongs = keyword == NULL ? of == NULL : of != NULL && strcmp(of->name, keyword) == 0;
        if (belongs && !arguments->is_keyword[i]) {
            out[count++] = arguments->words->items[i];
        }
    }
    return count;
}

bool admin_arguments_have(const struct admin_arguments *arguments, const char *keyword)
{
    for (size_t i = arguments->first; i < arguments->words->count; i++) {
        if (arguments->is_keyword[i] && strcmp(arguments->of[i]->name, keyword) == 0) {
            return true;
        }
    }
    return false;
}

// ---- completion ---------------------------------------------------------------------------------

void admin_command_complete(const struct admin_words *words, bool last_is_open,
                            struct tools_text *out)
{
    struct admin_words before = *words;
    const char *open = "";
    if (last_is_open && before.count > 0) {
        open = before.items[--before.count];
    }
    // `help` and `watch` stand before another command.
    while (before.count > 0 &&
           (strcmp(before.items[0], "help") == 0 || strcmp(before.items[0], "watch") == 0 ||
            strspn(before.items[0], "0123456789.") == strlen(before.items[0]))) {
        memmove(before.items, before.items + 1, --before.count * sizeof before.items[0]);
    }
    size_t used;
    struct tools_text problem = {0};
    const struct admin_command *command = admin_command_find(&before, &used, &problem);
    tools_text_fini(&problem);
    if (command == NULL) {
        return;
    }
    size_t size = strlen(open);
    for (const struct admin_command *child = command->children;
         used == before.count && child != NULL && child->name != NULL; child++) {
        if (strncmp(child->name, open, size) == 0) {
            tools_text_format_append(out, "%s ", child->name);
        }
    }
    for (const struct admin_keyword *keyword = command->keywords;
         keyword != NULL && keyword->name != NULL; keyword++) {
        if (strncmp(keyword->name, open, size) == 0) {
            tools_text_format_append(out, "%s ", keyword->name);
        }
    }
}
