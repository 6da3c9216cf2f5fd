// SPDX-License-Identifier: Apache-2.0
// Command lines from a table: each option is declared once, with its letter, its place in the
// tool's struct, its bounds and its sentence of help, and is read, checked and explained from
// there. A mistake is answered with the option it is about and the way to mend it.
//
// `--name value`, `--name=value`, `-n value` and `-nvalue` are the same; flags may stand together
// (`-la`); `--` ends the options. Texts point into argv. One thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tools_option_kind {
    TOOLS_OPTION_HEADING, // a line of the help; only `help` is set
    TOOLS_OPTION_FLAG,    // bool
    TOOLS_OPTION_TEXT,    // const char *
    TOOLS_OPTION_U16,     // numbers from min to max; max 0: the type's
    TOOLS_OPTION_U32,
    TOOLS_OPTION_U64,
    TOOLS_OPTION_REFUSED, // known from elsewhere, with a value or without: `help` says what to do
    TOOLS_OPTION_IGNORED, // accepted for the sake of scripts, has no effect
    TOOLS_OPTION_HELP,
    TOOLS_OPTION_VERSION,
};

struct tools_option {
    enum tools_option_kind kind;
    char letter;       // 0: none
    const char *name;  // without dashes; NULL: none
    const char *value; // what the help calls the value; NULL: the option takes none
    size_t offset;     // of the field in the tool's struct
    uint64_t min, max;
    const char *help; // may have several lines; NULL: not shown
};

struct tools_args {
    const char *program; // as the user knows it, such as "ballast info"
    const char *usage;   // what follows the program on the first line of help
    const char *about;   // a sentence or a few
    const char *closing; // examples and exit codes below the options; NULL: none
    const struct tools_option *options;
    size_t option_count;
    uint32_t words_max; // arguments that are no options; more is a mistake
};

enum tools_args_outcome {
    TOOLS_ARGS_OK,
    TOOLS_ARGS_DONE,    // help or version was printed: exit with 0
    TOOLS_ARGS_MISTAKE, // it was explained on stderr: exit with 2
};

enum { TOOLS_EXIT_OK = 0, TOOLS_EXIT_FAILED = 1, TOOLS_EXIT_USAGE = 2 };

// Reads argv[1] and what follows into `settings`, the tool's struct with its defaults. words (room
// for words_max) and *word_count get the other arguments; both may be NULL when words_max is 0.
enum tools_args_outcome tools_args_read(const struct tools_args *args, int argc, char **argv,
                                        void *settings, const char **words, uint32_t *word_count);

// Sets the option of that name from elsewhere, such as a configuration file; flags are true or
// false. A text must live as long as `settings`. TOOLS_ARGS_DONE when there is no such option or it
// has no effect; a mistake is explained.
enum tools_args_outcome tools_args_set(const struct tools_args *args, void *settings,
                                       const char *name, const char *value);

// Prints the help that --help prints.
void tools_args_help(const struct tools_args *args, FILE *out);

// Explains a mistake that the table cannot know of, as tools_args_read does.
void tools_args_mistake(const struct tools_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Prints "ballast 0.1.0 (info)" and the like.
void tools_version_print(const char *program);
