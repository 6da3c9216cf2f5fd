// SPDX-License-Identifier: Apache-2.0
// The prompt of the query tool: what it runs, and the names that completion asks the cluster for.
#include "tools/ql_shell.h"

#include <string.h>

#include "tools/editor.h"
#include "tools/ql_complete.h"
#include "tools/ql_info.h"

enum { NAMES_AGE_MAX_MS = 5000 };

struct shell {
    struct ql_session *session;
    // Answers to `namespaces` and `sets`, kept for a moment.
    struct tools_text namespaces;
    struct tools_text sets;
    uint64_t names_ms;
    bool names_known;
};

void ql_shell_signals_block(void)
{
    tools_interrupts_block();
}

static const char *prompt(void *arg)
{
    (void)arg;
    return "aql> ";
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

static void complete(struct base_slice typed, struct tools_completion *out, void *arg)
{
    ql_complete(typed, names_give, arg, out);
}

static bool line_run(struct base_slice line, void *arg)
{
    struct shell *shell = arg;
    return ql_session_line(shell->session, line);
}

void ql_shell_run(struct ql_session *session, const char *home)
{
    struct shell shell = {.session = session};
    const struct tools_editor_options options = {
        .program = "aql",
        .home = home,
        .history_name = ".aql_history",
        .out = session->out,
        .err = session->err,
        .prompt = prompt,
        .complete = complete,
        .run = line_run,
        .arg = &shell,
    };
    session->interrupted = tools_interrupt_take;
    bool edited = tools_editor_run(&options);
    session->interrupted = NULL;
    if (!edited) {
        ql_session_stream(session, stdin);
    }
    tools_text_fini(&shell.namespaces);
    tools_text_fini(&shell.sets);
}
