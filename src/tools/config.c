// SPDX-License-Identifier: Apache-2.0
// Lines are taken apart in place.
#include "tools/config.h"

#include <errno.h>
#include <string.h>

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
static bool section_counts(const struct tools_config *config, const char *section)
{
    for (size_t i = 0; config->sections[i] != NULL; i++) {
        char want[128];
        snprintf(want, sizeof want, "%s%s%s", config->sections[i],
                 config->instance[0] == '\0' ? "" : "_", config->instance);
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
static enum base_result line_read(const struct tools_config *config, char *text, bool *counts,
                                  const char *path, unsigned line)
{
    text = trimmed(text);
    if (text[0] == '\0' || text[0] == '#') {
        return RESULT_OK;
    }
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL) {
            return malformed(path, line, config->err);
        }
        *end = '\0';
        *counts = section_counts(config, trimmed(text + 1));
        return RESULT_OK;
    }
    if (!*counts) {
        return RESULT_OK;
    }
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return malformed(path, line, config->err);
    }
    *equals = '\0';
    char *value = value_of(trimmed(equals + 1));
    if (value == NULL) {
        return malformed(path, line, config->err);
    }
    enum base_result result = config->apply(trimmed(text), value, config->arg);
    if (result != RESULT_OK) {
        fprintf(config->err, "%s:%u: see above\n", path, line);
    }
    return result;
}

enum base_result tools_config_read(const struct tools_config *config, const char *path,
                                   bool must_exist)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        if (must_exist) {
            fprintf(config->err, "%s: %s\n", path, strerror(errno));
        }
        return must_exist ? RESULT_PARAMETER : RESULT_OK;
    }
    char text[LINE_SIZE_MAX];
    bool counts = false;
    enum base_result result = RESULT_OK;
    for (unsigned line = 1; result == RESULT_OK && fgets(text, sizeof text, file) != NULL; line++) {
        result = line_read(config, text, &counts, path, line);
    }
    fclose(file);
    return result;
}
