// SPDX-License-Identifier: Apache-2.0
// The tools' configuration files: sections, and lines `name = value` with a string, a number or a
// boolean.
#include <errno.h>
#include <string.h>

#include "tools/ql_options.h"

enum { LINE_SIZE_MAX = 2048 };

// Cuts blanks off both ends, in place.
static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    text[size] = '\0';
    return text;
}

// Takes a quoted value out of its quotes, or a bare one away from its comment. NULL when it is
// malformed.
static char *value_of(char *text)
{
    char quote = text[0];
    if (quote == '"' || quote == '\'') {
        char *end = strchr(text + 1, quote);
        if (end == NULL) {
            return NULL;
        }
        *end = '\0';
        char *rest = trimmed(end + 1);
        return rest[0] == '\0' || rest[0] == '#' ? text + 1 : NULL;
    }
    char *comment = strchr(text, '#');
    if (comment != NULL) {
        *comment = '\0';
        text = trimmed(text);
    }
    return text[0] == '\0' ? NULL : text;
}

// True when the section is one that is read.
static bool section_counts(const struct ql_options *options, const char *section)
{
    static const char *const names[] = {"cluster", "aql"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char want[128];
        snprintf(want, sizeof want, "%s%s%s", names[i], options->instance[0] == '\0' ? "" : "_",
                 options->instance);
        if (strcmp(section, want) == 0) {
            return true;
        }
    }
    return false;
}

static enum base_result malformed(const char *path, unsigned line, FILE *err)
{
    fprintf(err, "%s:%u: expected [section] or name = value\n", path, line);
    return RESULT_PARAMETER;
}

// Reads one line; *counts tells whether the section it stands in is read.
static enum base_result line_read(struct ql_options *options, char *text, bool *counts,
                                  const char *path, unsigned line, FILE *err)
{
    text = trimmed(text);
    if (text[0] == '\0' || text[0] == '#') {
        return RESULT_OK;
    }
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL) {
            return malformed(path, line, err);
        }
        *end = '\0';
        *counts = section_counts(options, trimmed(text + 1));
        return RESULT_OK;
    }
    if (!*counts) {
        return RESULT_OK;
    }
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return malformed(path, line, err);
    }
    *equals = '\0';
    char *value = value_of(trimmed(equals + 1));
    if (value == NULL) {
        return malformed(path, line, err);
    }
    enum base_result result = ql_option_apply(options, trimmed(text), value, err);
    if (result != RESULT_OK) {
        fprintf(err, "%s:%u: see above\n", path, line);
    }
    return result;
}

enum base_result ql_config_read(struct ql_options *options, const char *path, bool must_exist,
                                FILE *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        if (must_exist) {
            fprintf(err, "%s: %s\n", path, strerror(errno));
        }
        return must_exist ? RESULT_PARAMETER : RESULT_OK;
    }
    char text[LINE_SIZE_MAX];
    bool counts = false;
    enum base_result result = RESULT_OK;
    for (unsigned line = 1; result == RESULT_OK && fgets(text, sizeof text, file) != NULL; line++) {
        result = line_read(options, text, &counts, path, line, err);
    }
    fclose(file);
    return result;
}
