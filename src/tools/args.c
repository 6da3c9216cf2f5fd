// SPDX-License-Identifier: Apache-2.0
// One walk over argv; every way to write an option ends in option_take.
#include "tools/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/text.h"

enum {
    HELP_COLUMN = 30,     // where the sentences of help begin
    SUGGEST_DISTANCE = 2, // letters that may be wrong in a name that is suggested
    NAME_SIZE_MAX = 40,
};

struct reader {
    const struct tools_args *args;
    int argc;
    char **argv;
    int at; // the next argument
    char *settings;
    const char **words;
    uint32_t word_count;
};

void tools_version_print(const char *program)
{
    printf("%s %s\n", program, BALLAST_VERSION);
}

void tools_args_mistake(const struct tools_args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", args->program);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nTry '%s --help'.\n", args->program);
    va_end(list);
}

// ---- help ---------------------------------------------------------------------------------------

// The option as help and messages write it: "-p, --port PORT".
static void option_format(const struct tools_option *option, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    if (option->letter != 0) {
        at += (size_t)snprintf(out + at, size - at, "-%c%s", option->letter,
                               option->name != NULL ? ", " : "");
    }
    if (option->name != NULL) {
        at += (size_t)snprintf(out + at, size - at, "--%s", option->name);
    }
    if (option->value != NULL) {
        snprintf(out + at, size - at, " %s", option->value);
    }
}

static void option_help(const struct tools_option *option, FILE *out)
{
    char left[2 * NAME_SIZE_MAX];
    option_format(option, left, sizeof left);
    fprintf(out, "  %s%s", option->letter == 0 ? "    " : "", left);
    int column = 2 + (option->letter == 0 ? 4 : 0) + (int)strlen(left);
    const char *line = option->help;
    while (line != NULL) {
        if (column + 2 > HELP_COLUMN) {
            fprintf(out, "\n");
            column = 0;
        }
        size_t size = strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - column, "", (int)size, line);
        line = line[size] == '\0' ? NULL : line + size + 1;
        column = 0;
    }
}

void tools_args_help(const struct tools_args *args, FILE *out)
{
    fprintf(out, "Usage: %s %s\n\n%s\n", args->program, args->usage, args->about);
    for (size_t i = 0; i < args->option_count; i++) {
        const struct tools_option *option = &args->options[i];
        if (option->kind == TOOLS_OPTION_HEADING) {
            fprintf(out, "\n%s\n", option->help);
        } else if (option->help != NULL && option->kind != TOOLS_OPTION_REFUSED) {
            option_help(option, out);
        }
    }
    if (args->closing != NULL) {
        fprintf(out, "\n%s\n", args->closing);
    }
}

// ---- finding ------------------------------------------------------------------------------------

static bool has_name(const struct tools_option *option)
{
    return option->kind != TOOLS_OPTION_HEADING && option->name != NULL;
}

static const struct tools_option *find_name(const struct tools_args *args, const char *name,
                                            size_t size)
{
    for (size_t i = 0; i < args->option_count; i++) {
        const struct tools_option *option = &args->options[i];
        if (has_name(option) && strlen(option->name) == size &&
            memcmp(option->name, name, size) == 0) {
            return option;
        }
    }
    return NULL;
}

static const struct tools_option *find_letter(const struct tools_args *args, char letter)
{
    for (size_t i = 0; i < args->option_count; i++) {
        if (args->options[i].kind != TOOLS_OPTION_HEADING && args->options[i].letter == letter) {
            return &args->options[i];
        }
    }
    return NULL;
}

static const char *suggest(const struct tools_args *args, const char *name, size_t size)
{
    const char *best = NULL;
    size_t best_distance = SUGGEST_DISTANCE + 1;
    for (size_t i = 0; i < args->option_count; i++) {
        const struct tools_option *option = &args->options[i];
        if (has_name(option) && option->kind != TOOLS_OPTION_REFUSED) {
            size_t d = tools_text_distance(name, size, option->name);
            if (d < best_distance && d < strlen(option->name)) {
                best = option->name;
                best_distance = d;
            }
        }
    }
    return best;
}

// ---- taking -------------------------------------------------------------------------------------

static uint64_t number_max(const struct tools_option *option)
{
    uint64_t type_max = option->kind == TOOLS_OPTION_U16   ? UINT16_MAX
                        : option->kind == TOOLS_OPTION_U32 ? UINT32_MAX
                                                           : UINT64_MAX;
    return option->max == 0 ? type_max : option->max;
}

static bool number_take(const struct reader *reader, const struct tools_option *option,
                        const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    uint64_t max = number_max(option);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < option->min ||
        number > max) {
        char name[2 * NAME_SIZE_MAX];
        option_format(option, name, sizeof name);
        if (max == UINT64_MAX || max == UINT32_MAX) {
            tools_args_mistake(reader->args, "%s: '%s' is not a whole number from %llu up", name,
                               text, (unsigned long long)option->min);
        } else {
            tools_args_mistake(reader->args, "%s: '%s' is not a whole number from %llu to %llu",
                               name, text, (unsigned long long)option->min,
                               (unsigned long long)max);
        }
        return false;
    }
    char *field = reader->settings + option->offset;
    if (option->kind == TOOLS_OPTION_U16) {
        uint16_t small = (uint16_t)number;
        memcpy(field, &small, sizeof small);
    } else if (option->kind == TOOLS_OPTION_U32) {
        uint32_t middle = (uint32_t)number;
        memcpy(field, &middle, sizeof middle);
    } else {
        uint64_t large = number;
        memcpy(field, &large, sizeof large);
    }
    return true;
}

static enum tools_args_outcome option_take(const struct reader *reader,
                                           const struct tools_option *option, const char *value)
{
    const bool yes = true;
    switch (option->kind) {
    case TOOLS_OPTION_HELP:
        tools_args_help(reader->args, stdout);
        return TOOLS_ARGS_DONE;
    case TOOLS_OPTION_VERSION:
        tools_version_print(reader->args->program);
        return TOOLS_ARGS_DONE;
    case TOOLS_OPTION_FLAG:
        memcpy(reader->settings + option->offset, &yes, sizeof yes);
        return TOOLS_ARGS_OK;
    case TOOLS_OPTION_TEXT:
        memcpy(reader->settings + option->offset, &value, sizeof value);
        return TOOLS_ARGS_OK;
    case TOOLS_OPTION_U16:
    case TOOLS_OPTION_U32:
    case TOOLS_OPTION_U64:
        return number_take(reader, option, value) ? TOOLS_ARGS_OK : TOOLS_ARGS_MISTAKE;
    case TOOLS_OPTION_IGNORED:
    case TOOLS_OPTION_HEADING:
        return TOOLS_ARGS_OK;
    case TOOLS_OPTION_REFUSED:
        break;
    }
    char name[2 * NAME_SIZE_MAX];
    option_format(option, name, sizeof name);
    tools_args_mistake(reader->args, "%s: %s", name, option->help);
    return TOOLS_ARGS_MISTAKE;
}

// Takes an option whose value is `glued` to it, stands next, or does not exist.
static enum tools_args_outcome option_read(struct reader *reader, const struct tools_option *option,
                                           const char *glued)
{
    if (option->kind == TOOLS_OPTION_REFUSED) {
        return option_take(reader, option, NULL); // whatever follows
    }
    if (option->value == NULL && glued != NULL) {
        tools_args_mistake(reader->args, "--%s takes no value; leave out '=%s'", option->name,
                           glued);
        return TOOLS_ARGS_MISTAKE;
    }
    const char *value = glued;
    if (option->value != NULL && value == NULL) {
        if (reader->at == reader->argc) {
            char name[2 * NAME_SIZE_MAX];
            option_format(option, name, sizeof name);
            tools_args_mistake(reader->args, "%s: a value is missing behind it", name);
            return TOOLS_ARGS_MISTAKE;
        }
        value = reader->argv[reader->at++];
    }
    return option_take(reader, option, value);
}

static enum tools_args_outcome long_read(struct reader *reader, const char *text)
{
    size_t size = strcspn(text, "=");
    const struct tools_option *option = find_name(reader->args, text, size);
    if (option != NULL) {
        return option_read(reader, option, text[size] == '=' ? text + size + 1 : NULL);
    }
    const char *near = suggest(reader->args, text, size);
    if (near != NULL) {
        tools_args_mistake(reader->args, "there is no option --%.*s; did you mean --%s?", (int)size,
                           text, near);
    } else {
        tools_args_mistake(reader->args, "there is no option --%.*s", (int)size, text);
    }
    return TOOLS_ARGS_MISTAKE;
}

static enum tools_args_outcome letters_read(struct reader *reader, const char *text)
{
    enum tools_args_outcome outcome = TOOLS_ARGS_OK;
    while (*text != '\0' && outcome == TOOLS_ARGS_OK) {
        const struct tools_option *option = find_letter(reader->args, *text);
        if (option == NULL) {
            tools_args_mistake(reader->args, "there is no option -%c", *text);
            return TOOLS_ARGS_MISTAKE;
        }
        text++;
        if (option->value != NULL || option->kind == TOOLS_OPTION_REFUSED) {
            return option_read(reader, option, *text == '\0' ? NULL : text);
        }
        outcome = option_take(reader, option, NULL);
    }
    return outcome;
}

static enum tools_args_outcome word_read(struct reader *reader, const char *text)
{
    if (reader->word_count == reader->args->words_max) {
        tools_args_mistake(reader->args, "'%s' is not expected here", text);
        return TOOLS_ARGS_MISTAKE;
    }
    reader->words[reader->word_count++] = text;
    return TOOLS_ARGS_OK;
}

enum tools_args_outcome tools_args_read(const struct tools_args *args, int argc, char **argv,
                                        void *settings, const char **words, uint32_t *word_count)
{
    struct reader reader = {
        .args = args, .argc = argc, .argv = argv, .at = 1, .settings = settings, .words = words};
    enum tools_args_outcome outcome = TOOLS_ARGS_OK;
    bool options_ended = false;
    while (reader.at < argc && outcome == TOOLS_ARGS_OK) {
        const char *text = argv[reader.at++];
        if (options_ended || text[0] != '-' || text[1] == '\0') {
            outcome = word_read(&reader, text);
        } else if (strcmp(text, "--") == 0) {
            options_ended = true;
        } else if (text[1] == '-') {
            outcome = long_read(&reader, text + 2);
        } else {
            outcome = letters_read(&reader, text + 1);
        }
    }
    if (word_count != NULL) {
        *word_count = reader.word_count;
    }
    return outcome;
}

enum tools_args_outcome tools_args_set(const struct tools_args *args, void *settings,
                                       const char *name, const char *value)
{
    const struct tools_option *option = find_name(args, name, strlen(name));
    const struct reader reader = {.args = args, .settings = settings};
    if (option == NULL) {
        return TOOLS_ARGS_DONE;
    }
    switch (option->kind) {
    case TOOLS_OPTION_FLAG:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            tools_args_mistake(args, "%s: '%s' is neither true nor false", name, value);
            return TOOLS_ARGS_MISTAKE;
        }
        return strcmp(value, "true") == 0 ? option_take(&reader, option, value) : TOOLS_ARGS_OK;
    case TOOLS_OPTION_TEXT:
    case TOOLS_OPTION_U16:
    case TOOLS_OPTION_U32:
    case TOOLS_OPTION_U64:
        return option_take(&reader, option, value);
    case TOOLS_OPTION_HEADING:
    case TOOLS_OPTION_REFUSED:
    case TOOLS_OPTION_IGNORED:
    case TOOLS_OPTION_HELP:
    case TOOLS_OPTION_VERSION:
        break;
    }
    return TOOLS_ARGS_DONE;
}
