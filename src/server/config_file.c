// SPDX-License-Identifier: Apache-2.0
// The configuration file: lines of words, sections in braces, comments after '#'. Every complaint
// names file, line and directive, says what is wrong and how to mend it; reading goes on after one,
// so that a file is mended in one go.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/config_table.h"

enum { DEPTH_MAX = 8, WORDS_MAX = 32, PATH_SIZE = 128, WHERE_SIZE = 448 };

struct frame {
    const struct config_section *section; // NULL: skipped section without one
    char path[PATH_SIZE];                 // "network.service"; "" for the top
    uint32_t line;
    bool skipped;     // nothing inside is looked at
    bool harmless;    // the refused section was made harmless from inside
    bool is_repeated; // names a section that may stand only once more often
};

struct parser {
    struct config *config;
    struct config_diag *diag;
    const char *name;
    uint32_t line;
    uint32_t depth; // frames[0] is the top
    struct frame frames[DEPTH_MAX + 1];
    struct config_namespace *ns;
    struct config_set *set;
    struct config_log_sink *sink;
    bool logging_seen;
    enum base_result result; // RESULT_NO_MEMORY ends the reading
    char where[WHERE_SIZE];
};

static const char *where_at(struct parser *parser, uint32_t line, const char *directive)
{
    snprintf(parser->where, sizeof parser->where, "%.250s:%u: %.100s", parser->name, line,
             directive);
    return parser->where;
}

static const char *where(struct parser *parser, const char *directive)
{
    return where_at(parser, parser->line, directive);
}

static struct frame *top(struct parser *parser)
{
    return &parser->frames[parser->depth];
}

static struct config_source file_source(const struct parser *parser)
{
    return (struct config_source){.origin = CONFIG_FROM_FILE, .line = parser->line};
}

// The place of a context's values as the parser stands now.
static struct config_place place_of(struct parser *parser, enum config_context context)
{
    if (context == CONFIG_SET) {
        return (struct config_place){parser->set, NULL, NULL};
    }
    return config__place(parser->config, parser->ns, context);
}

// --- sections ----------------------------------------------------------------------------------

static const struct config_section *section_find(const char *parent, const char *word)
{
    for (uint32_t i = 0; i < config_section_count; i++) {
        if (strcmp(config_sections[i].parent, parent) == 0 &&
            strcmp(config_sections[i].word, word) == 0) {
            return &config_sections[i];
        }
    }
    return NULL;
}

static void unknown_tell(struct parser *parser, const char *word, const char *what)
{
    const struct frame *frame = top(parser);
    enum config_context context = frame->section == NULL ? CONFIG_OTHER : frame->section->context;
    const char *prefix = frame->section == NULL ? "" : frame->section->prefix;
    const char *parent = frame->path;
    const char *nearest = config__row_nearest(context, prefix, parent, word);
    if (nearest != NULL) {
        config__note(parser->diag, true, where(parser, word), "unknown %s; did you mean `%s`?",
                     what, nearest);
    } else {
        config__note(parser->diag, true, where(parser, word),
                     "unknown %s%s%s; see `ballastd --help-config`", what,
                     parent[0] == '\0' ? "" : " in ", parent);
    }
}

// A file with a logging section says all there is about sinks.
static void sink_open(struct parser *parser, const char *path)
{
    struct config_log *log = &parser->config->log;
    if (!parser->logging_seen) {
        log->sink_count = 0;
        parser->logging_seen = true;
    }
    if (log->sink_count == LOG_SINKS || strlen(path) >= LOG_PATH_SIZE) {
        config__note(parser->diag, true, where(parser, "logging"),
                     "at most %d sinks with paths of %d characters", LOG_SINKS, LOG_PATH_SIZE - 1);
        parser->sink = NULL;
        top(parser)->skipped = true;
        return;
    }
    parser->sink = &log->sinks[log->sink_count++];
    memset(parser->sink, 0, sizeof *parser->sink);
    memcpy(parser->sink->path, path, strlen(path) + 1);
}

static void namespace_open(struct parser *parser, const char *name)
{
    enum base_result result = config__namespace_add(parser->config, name, &parser->ns);
    if (result == RESULT_OK) {
        parser->ns->line = parser->line;
        return;
    }
    if (result == RESULT_NO_MEMORY) {
        parser->result = result;
    } else if (result == RESULT_LIMIT) {
        config__note(parser->diag, true, where(parser, "namespace"), "at most %d namespaces",
                     LIMIT_NAMESPACES);
    } else {
        config__note(parser->diag, true, where(parser, "namespace"),
                     "'%.64s' is a bad name (1 to %d characters without : ; / , =) or stands twice",
                     name, LIMIT_NAMESPACE_NAME_SIZE);
    }
    top(parser)->skipped = true;
}

static void set_open(struct parser *parser, const char *name)
{
    enum base_result result = config__set_add(parser->ns, name, &parser->set);
    if (result == RESULT_OK) {
        return;
    }
    if (result == RESULT_NO_MEMORY) {
        parser->result = result;
    } else {
        config__note(parser->diag, true, where(parser, "set"),
                     "'%.64s' is a bad name, stands twice, or is one of more than %d sets", name,
                     CONFIG_SETS);
    }
    top(parser)->skipped = true;
}

static void value_section_open(struct parser *parser, const struct config_section *section,
                               const char *value)
{
    uint32_t row = config__row_find(section->context, section->word);
    base_assert(row != CONFIG_ROW_NONE);
    struct config_place place = place_of(parser, section->context);
    struct config_source source = file_source(parser);
    char directive[PATH_SIZE];
    snprintf(directive, sizeof directive, "%s %.64s", section->word, value);
    if (config__value_give(row, &place, value, &source, where(parser, directive), parser->diag) !=
        RESULT_OK) {
        top(parser)->skipped = true;
    }
}

static bool argument_is_there(struct parser *parser, const struct config_section *section,
                              const char *argument)
{
    if (section->argument == CONFIG_ARGUMENT_NONE && argument != NULL) {
        config__note(parser->diag, true, where(parser, section->word),
                     "takes no name; write `%s {`", section->word);
        return false;
    }
    if (section->argument != CONFIG_ARGUMENT_NONE && argument == NULL) {
        static const char *const wanted[] = {"", "a name", "a value such as memory", "a path"};
        config__note(parser->diag, true, where(parser, section->word), "needs %s before the brace",
                     wanted[section->argument]);
        return false;
    }
    return true;
}

// Enters a section whose frame is already pushed.
static void section_enter(struct parser *parser, const struct config_section *section,
                          const char *argument)
{
    struct frame *frame = top(parser);
    if (section->treatment == CONFIG_OBSOLETE) {
        config__note(parser->diag, false, where(parser, section->word), "has no effect: %s",
                     section->help);
        frame->skipped = true;
        return;
    }
    if (section->treatment == CONFIG_REFUSED) {
        frame->skipped = true;
        return; // told at its end, as its body may make it harmless
    }
    if (!argument_is_there(parser, section, argument)) {
        frame->skipped = true;
        return;
    }
    if (section->argument == CONFIG_ARGUMENT_VALUE) {
        value_section_open(parser, section, argument);
    } else if (section->context == CONFIG_NAMESPACE && section->argument == CONFIG_ARGUMENT_NAME) {
        namespace_open(parser, argument);
    } else if (section->context == CONFIG_SET) {
        set_open(parser, argument);
    } else if (section->context == CONFIG_LOGGING && section->prefix[0] != '\0') {
        sink_open(parser, argument == NULL ? "" : argument);
    }
}

static void section_open(struct parser *parser, char *const *words, uint32_t count)
{
    const struct frame *outer = top(parser);
    if (parser->depth == DEPTH_MAX) {
        config__note(parser->diag, true, where(parser, words[0]),
                     "sections are nested too deeply; a `}` is missing before");
        parser->result = RESULT_CONFIG;
        return;
    }
    const struct config_section *section =
        outer->skipped ? NULL : section_find(outer->path, words[0]);
    if (!outer->skipped && section == NULL) {
        unknown_tell(parser, words[0], "section");
    } else if (!outer->skipped && count > 2) {
        config__note(parser->diag, true, where(parser, words[0]), "has too many words before `{`");
    }
    parser->depth++;
    struct frame *frame = top(parser);
    memset(frame, 0, sizeof *frame);
    frame->section = section;
    frame->line = parser->line;
    frame->skipped = section == NULL;
    if (section != NULL) {
        snprintf(frame->path, sizeof frame->path, "%s%s%s", section->parent,
                 section->parent[0] == '\0' ? "" : ".", section->word);
        section_enter(parser, section, count > 1 ? words[1] : NULL);
    }
}

static void section_close(struct parser *parser)
{
    if (parser->depth == 0) {
        config__note(parser->diag, true, where(parser, "}"),
                     "closes nothing; remove it, or add the opening line");
        return;
    }
    const struct frame *frame = top(parser);
    const struct config_section *section = frame->section;
    if (section != NULL && section->treatment == CONFIG_REFUSED && !frame->harmless) {
        config__note(parser->diag, true, where_at(parser, frame->line, section->word), "%s",
                     section->help);
    }
    parser->depth--;
}

// --- directives --------------------------------------------------------------------------------

static void level_give(struct parser *parser, char *const *words, uint32_t count)
{
    enum log_level level = count == 3 ? log_level_find(words[2]) : LOG_LEVEL_COUNT;
    if (level == LOG_LEVEL_COUNT) {
        config__note(parser->diag, true, where(parser, words[0]),
                     "needs a context and a level, such as `context any info`; levels are critical,"
                     " warning, info, debug and detail");
        return;
    }
    if (strcmp(words[1], "any") == 0) {
        memset(parser->sink->level, (int)level, sizeof parser->sink->level);
        return;
    }
    enum log_context context = log_context_find(words[1]);
    if (context == LOG_CONTEXT_COUNT) {
        config__note(parser->diag, false, where(parser, words[0]), "no context is named '%.64s'",
                     words[1]);
        return;
    }
    parser->sink->level[context] = (uint8_t)level;
}

static void value_give(struct parser *parser, uint32_t row_number, char *const *words,
                       uint32_t count)
{
    const struct config_row *row = &config_rows[row_number];
    if (row->type == CONFIG_LEVEL) {
        level_give(parser, words, count);
        return;
    }
    const char *value = count > 1 ? words[1] : "";
    if (count == 1 && (row->type == CONFIG_BOOL ||
                       (row->treatment == CONFIG_REFUSED && row->type == CONFIG_ANY))) {
        value = "true"; // the bare word switches on
    }
    char host[CONFIG_TEXT_SIZE];
    bool pair = row->type == CONFIG_HOSTS && count == 3;
    if (pair && snprintf(host, sizeof host, "%s %s", words[1], words[2]) < CONFIG_TEXT_SIZE) {
        value = host;
        count = 2;
    }
    bool many = row->type == CONFIG_ANY || row->type == CONFIG_LIST;
    if ((count == 1 && value[0] == '\0' && row->type != CONFIG_ANY) || (count > 2 && !many)) {
        config__note(parser->diag, true, where(parser, words[0]),
                     count == 1 ? "needs a value" : "takes one value");
        return;
    }
    struct config_place place = place_of(parser, row->context);
    struct config_source source = file_source(parser);
    for (uint32_t i = 1; i < count || i == 1; i++) {
        const char *text = i == 1 ? value : words[i];
        enum base_result result = config__value_give(row_number, &place, text, &source,
                                                     where(parser, words[0]), parser->diag);
        if (result == RESULT_NO_MEMORY) {
            parser->result = result;
        }
        if (row->type != CONFIG_LIST) {
            break;
        }
    }
}

static void skipped_look(struct parser *parser, char *const *words, uint32_t count)
{
    struct frame *frame = top(parser);
    if (frame->section == NULL || frame->section->harmless == NULL || count > 2) {
        return;
    }
    const char *harmless = frame->section->harmless;
    size_t size = strlen(words[0]);
    bool value;
    if (strncmp(harmless, words[0], size) == 0 && harmless[size] == ' ' && count == 2 &&
        config__bool_parse(words[1], &value) && !value) {
        frame->harmless = true;
    }
}

static void directive(struct parser *parser, char *const *words, uint32_t count)
{
    struct frame *frame = top(parser);
    if (frame->skipped) {
        skipped_look(parser, words, count);
        return;
    }
    if (frame->section == NULL) {
        const struct config_section *section = section_find("", words[0]);
        if (section != NULL) {
            config__note(parser->diag, true, where(parser, words[0]),
                         "is a section; end the line with ` {` and close it with `}`");
        } else {
            config__note(parser->diag, true, where(parser, words[0]),
                         "stands outside of any section; put it into `service {` or where it "
                         "belongs");
        }
        return;
    }
    char name[PATH_SIZE];
    int size = snprintf(name, sizeof name, "%s%s", frame->section->prefix, words[0]);
    uint32_t row =
        size < PATH_SIZE ? config__row_find(frame->section->context, name) : CONFIG_ROW_NONE;
    if (row == CONFIG_ROW_NONE) {
        unknown_tell(parser, words[0], "directive");
        return;
    }
    value_give(parser, row, words, count);
}

// --- lines -------------------------------------------------------------------------------------

static uint32_t words_split(char *line, char **words)
{
    uint32_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r\v\f", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \t\r\v\f", &rest)) {
        words[count++] = word;
    }
    return count;
}

static void line_take(struct parser *parser, char *line)
{
    line[strcspn(line, "#")] = '\0';
    char *words[WORDS_MAX];
    uint32_t count = words_split(line, words);
    if (count == 0) {
        return;
    }
    if (words[0][0] == '}') {
        if (count > 1 || words[0][1] != '\0') {
            config__note(parser->diag, true, where(parser, "}"), "must stand alone on its line");
        }
        section_close(parser);
        return;
    }
    char *last = words[count - 1];
    size_t last_size = strlen(last);
    bool opens = last[last_size - 1] == '{';
    if (opens && last_size > 1) {
        last[last_size - 1] = '\0'; // `namespace test{`
    } else if (opens) {
        count--;
    }
    if (count == 0) {
        config__note(parser->diag, true, where(parser, "{"),
                     "must stand at the end of the line that names its section");
        parser->depth += parser->depth < DEPTH_MAX;
        *top(parser) = (struct frame){.line = parser->line, .skipped = true};
    } else if (opens) {
        section_open(parser, words, count);
    } else {
        directive(parser, words, count);
    }
}

static void lines_take(struct parser *parser, struct base_slice text)
{
    char line[CONFIG_LINE_SIZE];
    size_t at = 0;
    while (at < text.size && parser->result == RESULT_OK) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        size_t size = end == NULL ? text.size - at : (size_t)(end - text.data) - at;
        parser->line++;
        if (size >= sizeof line || memchr(text.data + at, '\0', size) != NULL) {
            config__note(parser->diag, true, where(parser, "line"),
                         "is longer than %d bytes or not text", CONFIG_LINE_SIZE - 1);
        } else {
            memcpy(line, text.data + at, size);
            line[size] = '\0';
            line_take(parser, line);
        }
        at += size + 1;
    }
}

enum base_result config_text_load(struct config *config, const char *name, struct base_slice text,
                                  struct config_diag *diag)
{
    struct parser parser = {.config = config, .diag = diag, .name = name};
    uint32_t errors = diag->error_count;
    snprintf(config->file_path, sizeof config->file_path, "%s", name);
    lines_take(&parser, text);
    if (parser.result == RESULT_NO_MEMORY) {
        return parser.result;
    }
    if (parser.depth > 0 && parser.result == RESULT_OK) {
        const struct frame *frame = top(&parser);
        config__note(diag, true,
                     where_at(&parser, frame->line,
                              frame->section == NULL ? "section" : frame->section->word),
                     "is never closed; add `}`");
    }
    return diag->error_count > errors ? RESULT_CONFIG : RESULT_OK;
}

enum base_result config_file_load(struct config *config, const char *path, struct config_diag *diag)
{
    enum base_result result = RESULT_NO_MEMORY;
    uint8_t *text = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        config__note(diag, true, path, "cannot be opened: %s", strerror(errno));
        return RESULT_CONFIG;
    }
    text = malloc(CONFIG_FILE_SIZE + 1);
    if (text == NULL) {
        goto out;
    }
    size_t size = fread(text, 1, CONFIG_FILE_SIZE + 1, file);
    if (ferror(file) || size > CONFIG_FILE_SIZE) {
        config__note(diag, true, path,
                     size > CONFIG_FILE_SIZE ? "is larger than %d bytes" : "cannot be read",
                     CONFIG_FILE_SIZE);
        result = RESULT_CONFIG;
        goto out;
    }
    result = config_text_load(config, path, (struct base_slice){text, size}, diag);
out:
    free(text);
    fclose(file);
    return result;
}
