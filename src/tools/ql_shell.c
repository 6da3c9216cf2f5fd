// SPDX-License-Identifier: Apache-2.0
// libedit does the editing; here are the keys that are ours, the history file, which is plain lines
// as other tools of its name keep it, and the names that completion asks the cluster for.
#include "tools/ql_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ql_complete.h"
#include "tools/ql_info.h"

enum { HISTORY_LINES_MAX = 1000, NAMES_AGE_MAX_MS = 5000 };

struct shell {
    struct ql_session *session;
    EditLine *edit;
    History *history;
    char path[1024]; // of the history file; "" when there is none
    // Answers to `namespaces` and `sets`, kept for a moment.
    struct tools_text namespaces;
    struct tools_text sets;
    uint64_t names_ms;
    bool names_known;
};

void ql_shell_signals_block(void)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
}

// Takes one pending SIGINT.
static bool interrupt_take(void *arg)
{
    (void)arg;
    sigset_t interrupt;
    const struct timespec at_once = {0};
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    return sigtimedwait(&interrupt, NULL, &at_once) == SIGINT;
}

static const char *prompt(EditLine *edit)
{
    (void)edit;
    return "aql> ";
}

static struct shell *shell_of(EditLine *edit)
{
    void *shell = NULL;
    el_get(edit, EL_CLIENTDATA, &shell);
    return shell;
}

// ---- names --------------------------------------------------------------------------------------

static void answer_keep(const struct ql_node *node, const char *answer,
                        const struct ql_failure *failure, void *arg)
{
    (void)node;
    (void)failure;
    struct tools_text *kept = arg;
    struct ql_failure refused;
    tools_text_clear(kept);
    if (answer != NULL && !ql_info_failed(answer, &refused)) {
        tools_text_string_append(kept, answer);
    }
}

static void names_refresh(struct shell *shell)
{
    struct ql_session *session = shell->session;
    uint64_t now_ms = session->clock(session->clock_arg);
    if (shell->names_known && now_ms - shell->names_ms < NAMES_AGE_MAX_MS) {
        return;
    }
    struct ql_backend *backend = session->backend;
    backend->ops->info_any(backend, &session->settings, "namespaces", answer_keep,
                           &shell->namespaces);
    backend->ops->info_any(backend, &session->settings, "sets", answer_keep, &shell->sets);
    shell->names_ms = now_ms;
    shell->names_known = true;
}

static void names_give(struct base_slice ns, ql_add_fn add, void *adder, void *arg)
{
    struct shell *shell = arg;
    names_refresh(shell);
    struct base_slice item;
    struct base_slice list = tools_text_slice(ns.size == 0 ? &shell->namespaces : &shell->sets);
    while (ql_info_next(&list, ';', &item)) {
        if (ns.size == 0) {
            add(item, adder);
        } else if (base_slice_equal(ql_info_field(item, ':', "ns"), ns)) {
            add(ql_info_field(item, ':', "set"), adder);
        }
    }
}

// ---- keys ---------------------------------------------------------------------------------------

static void candidates_print(FILE *out, const struct ql_completion *completion)
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
    struct shell *shell = shell_of(edit);
    const LineInfo *line = el_line(edit);
    struct base_slice typed = {.data = (const uint8_t *)line->buffer,
                               .size = (size_t)(line->cursor - line->buffer)};
    struct ql_completion completion;
    ql_complete(typed, names_give, shell, &completion);
    struct base_slice common = ql_completion_common(&completion);
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
        candidates_print(shell->session->out, &completion);
        result = CC_REDISPLAY;
    }
    ql_completion_fini(&completion);
    return result;
}

// Ctrl-C drops what was typed.
static unsigned char on_cancel(EditLine *edit, int key)
{
    (void)key;
    struct shell *shell = shell_of(edit);
    const LineInfo *line = el_line(edit);
    el_cursor(edit, (int)(line->lastchar - line->cursor));
    line = el_line(edit);
    el_deletestr(edit, (int)(line->lastchar - line->buffer));
    fputs("^C\n", shell->session->out);
    fflush(shell->session->out);
    return CC_REDISPLAY;
}

// ---- history ------------------------------------------------------------------------------------

static void history_load(struct shell *shell)
{
    FILE *file = shell->path[0] == '\0' ? NULL : fopen(shell->path, "r");
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
            history(shell->history, &event, H_ENTER, line);
        }
    }
    free(line);
    fclose(file);
}

// Writes the history anew beside the old one and puts it in its place.
static void history_save(struct shell *shell)
{
    char path[sizeof shell->path + 8];
    snprintf(path, sizeof path, "%s.new", shell->path);
    int fd = shell->path[0] == '\0' ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        return;
    }
    HistEvent event;
    for (int found = history(shell->history, &event, H_LAST); found >= 0;
         found = history(shell->history, &event, H_PREV)) {
        size_t size = strcspn(event.str, "\n");
        fprintf(file, "%.*s\n", (int)size, event.str);
    }
    bool written = fclose(file) == 0;
    if (!written || rename(path, shell->path) != 0) {
        unlink(path);
    }
}

// Commands that carry a password are not remembered.
static void history_add(struct shell *shell, const char *line)
{
    HistEvent event;
    if (line[0] != '\n' && strcasestr(line, "password") == NULL) {
        history(shell->history, &event, H_ENTER, line);
    }
}

// ---- the loop -----------------------------------------------------------------------------------

static bool shell_init(struct shell *shell, struct ql_session *session, const char *home)
{
    *shell = (struct shell){.session = session};
    if (home != NULL && strlen(home) + sizeof "/.aql_history" <= sizeof shell->path) {
        snprintf(shell->path, sizeof shell->path, "%s/.aql_history", home);
    }
    shell->edit = el_init("aql", stdin, session->out, session->err);
    shell->history = history_init();
    if (shell->edit == NULL || shell->history == NULL) {
        return false;
    }
    HistEvent event;
    history(shell->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    history(shell->history, &event, H_SETUNIQUE, 1);
    history_load(shell);
    el_set(shell->edit, EL_CLIENTDATA, shell);
    el_set(shell->edit, EL_PROMPT, prompt);
    el_set(shell->edit, EL_HIST, history, shell->history);
    el_set(shell->edit, EL_EDITOR, "emacs");
    el_set(shell->edit, EL_ADDFN, "ql-complete", "complete the word", on_complete);
    el_set(shell->edit, EL_ADDFN, "ql-cancel", "drop the line", on_cancel);
    el_set(shell->edit, EL_BIND, "^I", "ql-complete", NULL);
    el_set(shell->edit, EL_BIND, "^C", "ql-cancel", NULL);
    el_set(shell->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(shell->edit, EL_SETTY, "-d", "-isig", NULL);
    return true;
}

static void shell_fini(struct shell *shell)
{
    if (shell->edit != NULL) {
        el_end(shell->edit);
    }
    if (shell->history != NULL) {
        history_end(shell->history);
    }
    tools_text_fini(&shell->namespaces);
    tools_text_fini(&shell->sets);
}

void ql_shell_run(struct ql_session *session, const char *home)
{
    struct shell shell;
    if (!shell_init(&shell, session, home)) {
        shell_fini(&shell);
        ql_session_stream(session, stdin);
        return;
    }
    session->interrupted = interrupt_take;
    bool go_on = true;
    while (go_on) {
        int size = 0;
        const char *line = el_gets(shell.edit, &size);
        if (line == NULL || size <= 0) {
            fputc('\n', session->out);
            break;
        }
        history_add(&shell, line);
        interrupt_take(NULL); // what came while nothing ran is no interruption of what comes
        struct base_slice text = {.data = (const uint8_t *)line, .size = (size_t)size};
        while (text.size > 0 &&
               (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r')) {
            text.size--;
        }
        go_on = ql_session_line(session, text);
    }
    session->interrupted = NULL;
    history_save(&shell);
    shell_fini(&shell);
}
