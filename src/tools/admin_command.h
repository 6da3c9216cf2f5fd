// SPDX-License-Identifier: Apache-2.0
// The commands of the administrator's tool: one table tells each one's name, words, help and
// handler, and from it lines are read, completed and explained. Commands may be cut short as long
// as they stay unique. A mistake is answered with what is wrong and what would be right.
//
// Memory: a line's words point into its own buffer. One thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/text.h"

struct admin_call;
struct admin_session;

enum { ADMIN_WORDS_MAX = 256, ADMIN_DEPTH_MAX = 4, ADMIN_LINE_SIZE_MAX = 64 * 1024 };

enum admin_values {
    ADMIN_VALUES_NONE, // a switch
    ADMIN_VALUES_ONE,
    ADMIN_VALUES_MANY, // up to the next keyword
};

// A word that means something behind a command: `with`, `like`, `-flip`.
struct admin_keyword {
    const char *name;
    const char *alias; // NULL: none
    enum admin_values values;
    bool required;
    const char *value; // what the help calls the values
    const char *help;
};

struct admin_command {
    const char *name; // NULL ends a table
    const char *help;
    const char *words;                    // what the help calls its free words; NULL: it takes none
    const struct admin_keyword *keywords; // ends with a NULL name
    const struct admin_command *children;
    void (*run)(struct admin_call *call); // NULL: only its children can be run
    bool privileged;                      // needs `enable`
    bool raw;                             // takes all that follows as it is
    bool local;                           // asks no node
};

// The root of all commands; its children are the first words of lines.
extern const struct admin_command admin_commands;

// The words of one command of a line.
struct admin_words {
    char *items[ADMIN_WORDS_MAX];
    size_t count;
};

// Takes the next command off the front of a text: words, separated by blanks, up to a semicolon or
// the end of the line; quotes, single or double, keep blanks and semicolons together. `buffer`
// gets the words and has room for the text and one byte for each of its commands. With `comments`
// set, what follows "//" up to the line's end and what stands between "/*" and "*/" is passed over.
// Returns false at the end of the text. *problem is NULL or says what is wrong with the command.
bool admin_words_next(const char **text, bool comments, char **buffer, struct admin_words *out,
                      const char **problem);

// Finds a command by its first words. Returns the one that the words lead to and how many of them
// belong to its name; NULL with *problem filled when a word is unknown or ambiguous.
const struct admin_command *admin_command_find(const struct admin_words *words, size_t *used,
                                               struct tools_text *problem);

// What a command was given: for each word the keyword that it belongs to.
struct admin_arguments {
    const struct admin_command *command;
    const struct admin_words *words;
    size_t first;                                    // word behind the name
    const struct admin_keyword *of[ADMIN_WORDS_MAX]; // NULL: a free word, or a keyword itself
    bool is_keyword[ADMIN_WORDS_MAX];
};

// Sorts the words behind a command's name. False with *problem filled when one does not belong.
bool admin_arguments_read(struct admin_arguments *arguments, const struct admin_command *command,
                          const struct admin_words *words, size_t first,
                          struct tools_text *problem);

// The words of a keyword, or the free words for NULL; returns how many, at most ADMIN_WORDS_MAX.
size_t admin_arguments_values(const struct admin_arguments *arguments, const char *keyword,
                              const char **out);
bool admin_arguments_have(const struct admin_arguments *arguments, const char *keyword);

// Prints what there is to know of a command and its children.
void admin_help_print(const struct admin_words *words, size_t first, FILE *out, bool color,
                      struct tools_text *problem);

// Appends, blank-separated, the words that may stand next behind the words of a line, of those that
// begin as the last one does.
void admin_command_complete(const struct admin_words *words, bool last_is_open,
                            struct tools_text *out);
