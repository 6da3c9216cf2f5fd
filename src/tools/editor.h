// SPDX-License-Identifier: Apache-2.0
// A prompt on a terminal: line editing, a history in a file, completion with Tab, Ctrl-C that drops
// the line. One thread; one editor at a time.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tools/text.h"

// Words that could stand at the end of a line.
struct tools_completion {
    size_t from;             // where in the line the word starts that is being completed
    struct tools_text words; // candidates, each terminated; in the order they were found
    size_t count;
    bool closed; // a single candidate is a whole word: a blank may follow
};

void tools_completion_add(struct tools_completion *completion, struct base_slice word);
void tools_completion_fini(struct tools_completion *completion);

// The longest text that all candidates start with, letters in any case, as the first writes it.
struct base_slice tools_completion_common(struct tools_completion *completion);

struct tools_editor_options {
    const char *program;      // as libedit knows it
    const char *home;         // folder of the history file; NULL: keep none
    const char *history_name; // such as ".aql_history"
    FILE *out, *err;
    const char *(*prompt)(void *arg);
    void (*complete)(struct base_slice typed, struct tools_completion *out, void *arg);
    bool (*run)(struct base_slice line, void *arg); // without its line feed; false ends the session
    void *arg;
};

// Blocks SIGINT in this thread and in all that it starts afterwards, so that Ctrl-C can end what
// runs instead of the session.
void tools_interrupts_block(void);

// Takes one SIGINT that is pending; false when there is none.
bool tools_interrupt_take(void *arg);

// Waits so many seconds or until a SIGINT comes, which stays pending. Must follow
// tools_interrupts_block.
void tools_interrupt_wait(double seconds, void *arg);

// Runs lines until one ends the session or input ends. False when the terminal cannot be edited
// on; nothing has been read then. Must follow tools_interrupts_block.
bool tools_editor_run(const struct tools_editor_options *options);
