// SPDX-License-Identifier: Apache-2.0
// The statements about user modules. Modules are carried by info commands; running their functions
// needs a client that can ask for it, which this version's cannot.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ql_info.h"
#include "tools/ql_session.h"

// Beyond it the base64 of a module would not fit into one info request.
enum { MODULE_SIZE_MAX = LIMIT_INFO_REQUEST_SIZE / 4 * 3 - 1024 };

struct answer {
    struct ql_session *session;
    struct ql_view view;
    struct ql_failure failure;
};

static void row_deliver(const struct ql_bin *fields, size_t field_count, void *arg)
{
    struct answer *answer = arg;
    ql_view_fields(&answer->view, fields, field_count);
}

static void module_deliver(const struct ql_node *node, const char *text,
                           const struct ql_failure *failure, void *arg)
{
    struct answer *answer = arg;
    struct ql_failure refused;
    if (text == NULL) {
        answer->failure = *failure;
    } else if (ql_info_failed(text, &refused)) {
        answer->failure = refused;
    } else {
        ql_view_set_begin(&answer->view, node->address, NULL, 0);
        if (ql_info_rows(QL_INFO_MODULE, "udf-get", text, row_deliver, answer) != RESULT_OK) {
            ql_failure_set(&answer->failure, QL_CODE_CLIENT, "out of memory");
        }
        ql_view_set_end(&answer->view);
    }
}

static void desc_exec(struct ql_session *session, struct base_slice file)
{
    struct answer answer = {.session = session};
    struct tools_text command = {0};
    tools_text_format_append(&command, "udf-get:filename=%.*s", (int)file.size, file.data);
    ql_session_view_begin(session, &answer.view);
    session->backend->ops->info_all(session->backend, &session->settings,
                                    tools_text_string(&command), module_deliver, &answer);
    if (answer.failure.code == 0) {
        ql_view_ok(&answer.view, "");
    } else {
        ql_view_fail(&answer.view, answer.failure.code, answer.failure.text);
    }
    ql_view_end(&answer.view);
    tools_text_fini(&command);
}

static void change_keep(const struct ql_node *node, const char *answer,
                        const struct ql_failure *failure, void *arg)
{
    (void)node;
    struct ql_failure *kept = arg;
    if (answer == NULL) {
        *kept = *failure;
    } else {
        ql_info_failed(answer, kept);
    }
}

static void change(struct ql_session *session, struct tools_text *command, const char *done)
{
    struct ql_failure failure = {0};
    session->backend->ops->info_any(session->backend, &session->settings,
                                    tools_text_string(command), change_keep, &failure);
    if (failure.code == 0) {
        ql_session_ok(session, done);
    } else {
        ql_session_fail(session, &failure);
    }
}

static void remove_exec(struct ql_session *session, struct base_slice file)
{
    struct tools_text command = {0};
    tools_text_format_append(&command, "udf-remove:filename=%.*s", (int)file.size, file.data);
    change(session, &command, "1 module removed.");
    tools_text_fini(&command);
}

// Reads a whole file. On failure the failure tells why.
static bool file_read(const char *path, struct tools_text *out, struct ql_failure *failure)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        ql_failure_set(failure, errno, "Cannot open file %s", path);
        return false;
    }
    char chunk[4096];
    size_t size;
    while (out->size <= MODULE_SIZE_MAX && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
        tools_text_append(out, chunk, size);
    }
    if (ferror(file) != 0) {
        ql_failure_set(failure, errno, "Cannot read file %s", path);
    } else if (out->size > MODULE_SIZE_MAX || out->failed) {
        ql_failure_set(failure, QL_CODE_CLIENT, "%s is longer than %d bytes", path,
                       MODULE_SIZE_MAX);
    }
    fclose(file);
    return failure->code == 0;
}

static void register_exec(struct ql_session *session, struct base_slice path)
{
    struct ql_failure failure = {0};
    struct tools_text name = {0};
    struct tools_text module = {0};
    struct tools_text content = {0};
    struct tools_text command = {0};
    tools_text_append(&name, path.data, path.size);
    const char *file = strrchr(tools_text_string(&name), '/');
    file = file == NULL ? tools_text_string(&name) : file + 1;
    if (!file_read(tools_text_string(&name), &module, &failure)) {
        ql_session_fail(session, &failure);
        goto out;
    }
    tools_text_base64_append(&content, module.data, module.size);
    tools_text_format_append(&command,
                             "udf-put:filename=%s;content=%s;content-len=%zu;udf-type=LUA;", file,
                             tools_text_string(&content), content.size);
    change(session, &command, "1 module added.");
out:
    tools_text_fini(&name);
    tools_text_fini(&module);
    tools_text_fini(&content);
    tools_text_fini(&command);
}

static void call_exec(struct ql_session *session, const struct ql_statement *statement)
{
    struct ql_failure failure;
    ql_failure_set(&failure, QL_CODE_CLIENT,
                   "%s: this version cannot run user functions; nothing was run",
                   statement->kind == QL_EXECUTE ? "EXECUTE" : "AGGREGATE");
    ql_session_fail(session, &failure);
}

void ql_exec_modules(struct ql_session *session, const struct ql_statement *statement)
{
    switch (statement->kind) {
    case QL_DESC_MODULE:
        desc_exec(session, statement->text);
        break;
    case QL_REMOVE_MODULE:
        remove_exec(session, statement->text);
        break;
    case QL_REGISTER_MODULE:
        register_exec(session, statement->text);
        break;
    default:
        call_exec(session, statement);
        break;
    }
}
