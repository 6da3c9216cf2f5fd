// SPDX-License-Identifier: Apache-2.0
// `help`, `watch`, `enable`, `disable`, `exit`.
#include "tools/admin_basic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/admin_session.h"
#include "wire/info.h"

enum { PAUSE_DEFAULT_S = 2, PAUSE_MAX_S = 86400 };

void admin_help_run(struct admin_call *call)
{
    struct tools_text problem = {0};
    admin_help_print(call->arguments->words, call->arguments->first, call->session->out,
                     call->session->color, &problem);
    if (problem.size > 0) {
        admin_error(call->session, "%s", tools_text_string(&problem));
    }
    tools_text_fini(&problem);
}

void admin_enable_run(struct admin_call *call)
{
    call->session->privileged = true;
    call->session->confirm = admin_call_have(call, "--warn");
}

void admin_disable_run(struct admin_call *call)
{
    call->session->privileged = false;
    call->session->confirm = false;
}

void admin_exit_run(struct admin_call *call)
{
    call->session->ended = true;
}

void admin_absent_run(struct admin_call *call)
{
    admin_error(call->session, "%s: not part of this version.", call->arguments->command->name);
}

// ---- watch --------------------------------------------------------------------------------------

struct watch {
    double pause_s;
    uint64_t rounds; // 0: without end
    bool plain;      // do not show what has changed
    struct admin_words words;
};

// Takes `[pause] [iterations] [--no-diff] command` apart; false has been told.
static bool watch_read(struct admin_call *call, struct watch *watch)
{
    const struct admin_arguments *arguments = call->arguments;
    size_t at = arguments->first, numbers = 0;
    *watch = (struct watch){.pause_s = PAUSE_DEFAULT_S};
    for (; at < arguments->words->count; at++) {
        char *word = arguments->words->items[at];
        double number;
        if (strcmp(word, "--no-diff") == 0) {
            watch->plain = true;
        } else if (numbers < 2 && admin_slice_number(tools_slice_of(word), &number) &&
                   number >= 0) {
            if (numbers++ == 0) {
                watch->pause_s = number < PAUSE_MAX_S ? number : PAUSE_MAX_S;
            } else if (!wire_info_number(tools_slice_of(word), &watch->rounds)) {
                admin_error(call->session, "watch: '%s' is no number of rounds.", word);
                return false;
            }
        } else {
            break;
        }
    }
    watch->words.count = arguments->words->count - at;
    memcpy(watch->words.items, arguments->words->items + at,
           watch->words.count * sizeof watch->words.items[0]);
    if (watch->words.count == 0) {
        admin_error(call->session, "watch: a command is missing, as in watch 1 3 info network.");
        return false;
    }
    if (strcmp(watch->words.items[0], "watch") == 0) {
        admin_error(call->session, "watch: it cannot watch itself.");
        return false;
    }
    return true;
}

static void heading_print(struct admin_call *call, const struct watch *watch, uint64_t round)
{
    struct admin_session *session = call->session;
    const struct admin_world *world = &session->cluster.world;
    time_t now = world->now(world->arg);
    struct tm utc;
    char when[32];
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &utc);
    if (session->color) {
        fputs("\033[H\033[J", session->out); // a fresh screen for each round
    }
    fprintf(session->out, "[ %s '", when);
    for (size_t i = 0; i < watch->words.count; i++) {
        fprintf(session->out, "%s%s", i == 0 ? "" : " ", watch->words.items[i]);
    }
    fprintf(session->out, "' sleep: %.1fs iteration: %llu", watch->pause_s,
            (unsigned long long)round);
    if (watch->rounds > 0) {
        fprintf(session->out, " of %llu", (unsigned long long)watch->rounds);
    }
    fputs(" ]\n", session->out);
}

// The size of the escape sequence that the text begins with; 0 when it begins with none.
static size_t escape_size(const char *text)
{
    if (text[0] != '\033' || text[1] != '[') {
        return 0;
    }
    size_t size = 2 + strspn(text + 2, "0123456789;");
    return text[size] == 'm' ? size + 1 : 0;
}

// Takes the escape sequences out, in place.
static void escapes_strip(char *text)
{
    char *to = text;
    while (*text != '\0') {
        size_t size = escape_size(text);
        if (size > 0) {
            text += size;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

// Prints the text, inverted where it differs from the one before in the same line and column. Only
// the one before is without escape sequences.
static void changes_print(FILE *out, const char *text, const char *before)
{
    while (*text != '\0') {
        size_t old_size = strcspn(before, "\n"), column = 0;
        bool inverse = false;
        while (*text != '\0' && *text != '\n') {
            size_t escape = escape_size(text);
            if (escape > 0) { // it may switch everything off
                fprintf(out, "%.*s%s", (int)escape, text, inverse ? "\033[7m" : "");
                text += escape;
                continue;
            }
            bool differs = column >= old_size || before[column] != *text;
            if (differs != inverse) {
                fputs(differs ? "\033[7m" : "\033[27m", out);
                inverse = differs;
            }
            fputc(*text++, out);
            column++;
        }
        fputs(inverse ? "\033[27m" : "", out);
        if (*text == '\n') {
            fputc(*text++, out);
        }
        before += old_size + (before[old_size] == '\n');
    }
}

// Runs the command once and gives what it prints; NULL when memory ran out.
static char *round_run(struct admin_session *session, const struct admin_words *words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = session->out;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return NULL;
    }
    // Words are copied, because reading arguments may cut them.
    struct admin_words copy = {.count = words->count};
    bool copied = true;
    for (size_t i = 0; i < words->count; i++) {
        copy.items[i] = strdup(words->items[i]);
        copied &= copy.items[i] != NULL;
    }
    session->out = memory;
    if (copied) {
        admin_session_words(session, &copy);
    }
    session->out = out;
    for (size_t i = 0; i < words->count; i++) {
        free(copy.items[i]);
    }
    fclose(memory);
    return text;
}

void admin_watch_run(struct admin_call *call)
{
    struct admin_session *session = call->session;
    struct watch watch;
    if (!watch_read(call, &watch)) {
        return;
    }
    char *before = NULL;
    bool mark = session->color && !watch.plain;
    for (uint64_t round = 1; !session->ended; round++) {
        char *text = round_run(session, &watch.words);
        if (text == NULL) {
            admin_memory_tell(session);
            break;
        }
        heading_print(call, &watch, round);
        if (mark && before != NULL) {
            changes_print(session->out, text, before);
        } else {
            fputs(text, session->out);
        }
        fflush(session->out);
        free(before);
        escapes_strip(text);
        before = text;
        bool interrupted =
            session->interrupted != NULL && session->interrupted(session->interrupted_arg);
        if (session->failed || interrupted || round == watch.rounds) {
            break;
        }
        session->pause(watch.pause_s, session->pause_arg);
        if (session->interrupted != NULL && session->interrupted(session->interrupted_arg)) {
            break;
        }
    }
    free(before);
}
