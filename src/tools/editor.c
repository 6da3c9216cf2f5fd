// SPDX-License-Identifier: Apache-2.0
// libedit does the editing; here are the keys that are ours and the history file, which is plain
// lines as other tools of its name keep it.
#include "tools/editor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { HISTORY_LINES_MAX = 1000, NS_PER_S = 1000 * 1000 * 1000 };

struct editor {
    const struct tools_editor_options *options;
    EditLine *edit;
    History *history;
    char path[1024]; // of the history file; "" when there is none
};

// ---- completion ---------------------------------------------------------------------------------

void tools_completion_add(struct tools_completion *completion, struct base_slice word)
{
    tools_text_append(&completion->words, word.data, word.size);
    tools_text_char_append(&completion->words, '\0');
    completion->count++;
}

void tools_completion_fini(struct tools_completion *completion)
{
    tools_text_fini(&completion->words);
    completion->count = 0;
}

struct base_slice tools_completion_common(struct tools_completion *completion)
{
    if (completion->count == 0 || completion->words.failed) {
        return (struct base_slice){0};
    }
    const char *first = completion->words.data;
    size_t common = strlen(first);
    const char *word = first;
    for (size_t i = 0; i < completion->count; i++) {
        size_t same = 0;
        while (same < common &&
               tolower((unsigned char)word[same]) == tolower((unsigned char)first[same])) {
            same++;
        }
        common = same;
        word += strlen(word) + 1;
    }
    return (struct base_slice){.data = (const uint8_t *)first, .size = common};
}

// ---- interrupts ---------------------------------------------------------------------------------

static sigset_t interrupts(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return set;
}

void tools_interrupts_block(void)
{
    sigset_t set = interrupts();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool tools_interrupt_take(void *arg)
{
    (void)arg;
    sigset_t set = interrupts();
    const struct timespec at_once = {0};
    return sigtimedwait(&set, NULL, &at_once) == SIGINT;
}

void tools_interrupt_wait(double seconds, void *arg)
{
    (void)arg;
    sigset_t set = interrupts();
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec =
                                      (long)((seconds - (double)(time_t)seconds) * NS_PER_S)};
    if (sigtimedwait(&set, NULL, &time) == SIGINT) {
        raise(SIGINT); // for whoever asks next
    }
}

// ---- keys ---------------------------------------------------------------------------------------

static struct editor *editor_of(EditLine *edit)
{
    void *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return editor;
}

// libedit prints what it is given to the terminal but for what stands between two of these, which
// takes no column.
enum { PROMPT_ESCAPE = '\1' };

static const char *on_prompt(EditLine *edit)
{
    const struct tools_editor_options *options = editor_of(edit)->options;
    return options->prompt(options->arg);
}

static void candidates_print(FILE *out, const struct tools_completion *completion)
{
    const char *word = completion->words.data;
    fputc('\n', out);
    for (size_t i = 0; i < completion->count; i++) {
        fprintf(out, "%s%s", word, i + 1 < completion->count ? "  " : "\n");
        word += strlen(word) + 1;
    }
    fflush(out);
}

static unsigned char on_complete(EditLine *edit, int key)
{
    (void)key;
    const struct tools_editor_options *options = editor_of(edit)->options;
    const LineInfo *line = el_line(edit);
    struct base_slice typed = {.data = (const uint8_t *)line->buffer,
                               .size = (size_t)(line->cursor - line->buffer)};
    struct tools_completion completion = {0};
    options->complete(typed, &completion, options->arg);
    struct base_slice common = tools_completion_common(&completion);
    size_t have = typed.size - completion.from;
    unsigned char result = CC_ERROR;
    if (completion.count == 1 || common.size > have) {
        char word[256];
        size_t size = common.size < sizeof word - 2 ? common.size : sizeof word - 2;
        memcpy(word, common.data, size);
        word[size] = '\0';
        if (completion.count == 1 && completion.closed) {
            word[size] = ' ';
            word[size + 1] = '\0';
        }
        el_deletestr(edit, (int)have);
        el_insertstr(edit, word);
        result = CC_REFRESH;
    } else if (completion.count > 1) {
        candidates_print(options->out, &completion);
        result = CC_REDISPLAY;
    }
    tools_completion_fini(&completion);
    return result;
}

// Ctrl-C drops what was typed.
static unsigned char on_cancel(EditLine *edit, int key)
{
    (void)key;
    struct editor *editor = editor_of(edit);
    const LineInfo *line = el_line(edit);
    el_cursor(edit, (int)(line->lastchar - line->cursor));
    line = el_line(edit);
    el_deletestr(edit, (int)(line->lastchar - line->buffer));
    fputs("^C\n", editor->options->out);
    fflush(editor->options->out);
    return CC_REDISPLAY;
}

// ---- history ------------------------------------------------------------------------------------

static void history_load(struct editor *editor)
{
    FILE *file = editor->path[0] == '\0' ? NULL : fopen(editor->path, "r");
    if (file == NULL) {
        return;
    }
    HistEvent event;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, file)) > 0) {
        // libedit's own files start with a line of this name.
        if (line[0] != '\n' && strncmp(line, "_HiStOrY_V2_", 12) != 0) {
            history(editor->history, &event, H_ENTER, line);
        }
    }
    free(line);
    fclose(file);
}

// Writes the history anew beside the old one and puts it in its place.
static void history_save(struct editor *editor)
{
    char path[sizeof editor->path + 8];
    snprintf(path, sizeof path, "%s.new", editor->path);
    int fd = editor->path[0] == '\0' ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        return;
    }
    HistEvent event;
    for (int found = history(editor->history, &event, H_LAST); found >= 0;
         found = history(editor->history, &event, H_PREV)) {
        size_t size = strcspn(event.str, "\n");
        fprintf(file, "%.*s\n", (int)size, event.str);
    }
    bool written = fclose(file) == 0;
    if (!written || rename(path, editor->path) != 0) {
        unlink(path);
    }
}

// Commands that carry a password are not remembered.
static void history_add(struct editor *editor, const char *line)
{
    HistEvent event;
    if (line[0] != '\n' && strcasestr(line, "password") == NULL) {
        history(editor->history, &event, H_ENTER, line);
    }
}

// Whether Ctrl-C is a signal. libedit shows the prompt first and takes the terminal over when it
// reads: what is typed in between must not be lost to a signal either.
static void signals_set(bool on)
{
    struct termios mode;
    if (tcgetattr(STDIN_FILENO, &mode) == 0) {
        mode.c_lflag = on ? mode.c_lflag | ISIG : mode.c_lflag & ~(tcflag_t)ISIG;
        tcsetattr(STDIN_FILENO, TCSANOW, &mode);
    }
}

// ---- the loop -----------------------------------------------------------------------------------

static bool editor_init(struct editor *editor, const struct tools_editor_options *options)
{
    *editor = (struct editor){.options = options};
    int size = options->home == NULL ? 0
                                     : snprintf(editor->path, sizeof editor->path, "%s/%s",
                                                options->home, options->history_name);
    if (size < 0 || (size_t)size >= sizeof editor->path) {
        editor->path[0] = '\0';
    }
    editor->edit = el_init(options->program, stdin, options->out, options->err);
    editor->history = history_init();
    if (editor->edit == NULL || editor->history == NULL) {
        return false;
    }
    HistEvent event;
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    history(editor->history, &event, H_SETUNIQUE, 1);
    history_load(editor);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT_ESC, on_prompt, PROMPT_ESCAPE);
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_ADDFN, "tools-complete", "complete the word", on_complete);
    el_set(editor->edit, EL_ADDFN, "tools-cancel", "drop the line", on_cancel);
    el_set(editor->edit, EL_BIND, "^I", "tools-complete", NULL);
    el_set(editor->edit, EL_BIND, "^C", "tools-cancel", NULL);
    el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(editor->edit, EL_SETTY, "-d", "-isig", NULL);
    return true;
}

static void editor_fini(struct editor *editor)
{
    if (editor->edit != NULL) {
        el_end(editor->edit);
    }
    if (editor->history != NULL) {
        history_end(editor->history);
    }
}

bool tools_editor_run(const struct tools_editor_options *options)
{
    struct editor editor;
    if (!editor_init(&editor, options)) {
        editor_fini(&editor);
        return false;
    }
    bool go_on = true;
    while (go_on) {
        int size = 0;
        signals_set(false);
        const char *line = el_gets(editor.edit, &size);
        signals_set(true);
        if (line == NULL || size <= 0) {
            fputc('\n', options->out);
            break;
        }
        history_add(&editor, line);
        tools_interrupt_take(NULL); // what came while nothing ran is no interruption of what comes
        struct base_slice text = {.data = (const uint8_t *)line, .size = (size_t)size};
        while (text.size > 0 &&
               (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r')) {
            text.size--;
        }
        go_on = options->run(text, options->arg);
    }
    history_save(&editor);
    editor_fini(&editor);
    return true;
}
