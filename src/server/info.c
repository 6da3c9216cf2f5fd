// SPDX-License-Identifier: Apache-2.0
// From a request body to answers: finding the command, keeping bounds, and what handlers write
// with.
#include "server/info.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/info_call.h"

// What an empty request asks for.
static const char *const default_names[] = {
    "node",
    "statistics",
    "features",
    "partition-generation",
    "build_time",
    "dcs",
    "edition",
    "version",
    "compatibility-id",
    "services",
    "services-alumni",
    "build_os",
    "build",
};

static const struct info_command *const tables[] = {
    info_identity_commands, info_cluster_commands, info_partition_commands,
    info_record_commands,   info_config_commands,  info_manage_commands,
};

enum { TABLE_COUNT = sizeof tables / sizeof tables[0] };

// --- memory ------------------------------------------------------------------------------------

enum base_result info_new(struct info **out)
{
    *out = NULL;
    struct info *info = calloc(1, sizeof *info);
    if (info == NULL) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = modules_new(&info->modules);
    if (result == RESULT_OK) {
        result = user_agents_new(&info->user_agents);
    }
    if (result != RESULT_OK) {
        info_free(&info);
        return result;
    }
    *out = info;
    return RESULT_OK;
}

void info_free(struct info **info)
{
    struct info *gone = *info;
    *info = NULL;
    if (gone == NULL) {
        return;
    }
    user_agents_free(&gone->user_agents);
    modules_free(&gone->modules);
    free(gone);
}

void info_user_agent_leave(struct info *info, uint16_t agent)
{
    if (info != NULL) {
        user_agents_leave(info->user_agents, agent);
    }
}

// --- what handlers write with --------------------------------------------------------------------

void info__put(struct info_call *call, const void *bytes, size_t size)
{
    if (!output_put(call->out, bytes, size)) {
        call->failed = true;
    }
}

void info__text(struct info_call *call, const char *text)
{
    info__put(call, text, strlen(text));
}

void info__format(struct info_call *call, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    base_assert(size >= 0 && (size_t)size < sizeof text);
    info__put(call, text, (size_t)size);
}

void info__name(struct info_call *call, const char *name)
{
    char text[LIMIT_SET_NAME_SIZE + 1];
    size_t size = 0;
    for (; name[size] != '\0' && size < sizeof text; size++) {
        unsigned char c = (unsigned char)name[size];
        text[size] = c < 0x20 || c == 0x7f || c == ':' || c == ';' ? '?' : (char)c;
    }
    info__put(call, text, size);
}

void info__error(struct info_call *call, enum base_result code, const char *text)
{
    call->out->size = call->value_at;
    char line[CONFIG_NOTE_SIZE + 32];
    int size = snprintf(line, sizeof line, "ERROR:%d:%s", (int)code, text);
    size = size < (int)sizeof line ? size : (int)sizeof line - 1;
    for (int i = 0; i < size; i++) {
        line[i] = (unsigned char)line[i] < 0x20 ? '?' : line[i];
    }
    info__put(call, line, (size_t)size);
}

void info__trim(struct info_call *call, char separator)
{
    if (call->out->size > call->value_at && call->out->data[call->out->size - 1] == separator) {
        call->out->size--;
    }
}

bool info__param(struct info_call *call, const char *name, struct base_slice *value)
{
    return wire_info_param_find(call->command.params, name, value);
}

bool info__param_text(struct info_call *call, const char *name, char *out, size_t size)
{
    struct base_slice value;
    out[0] = '\0';
    if (!info__param(call, name, &value) || value.size >= size) {
        return false;
    }
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
    return true;
}

struct namespace *info__namespace(struct info_call *call, bool id_is_namespace, bool *given)
{
    struct base_slice name;
    *given = info__param(call, "namespace", &name);
    if (!*given) {
        *given =
            info__param(call, "ns", &name) || (id_is_namespace && info__param(call, "id", &name));
        if (*given) {
            info__deprecated(call);
        }
    }
    if (!*given) {
        return NULL;
    }
    struct namespace *ns = node_namespace_find(call->node, name);
    if (ns == NULL) {
        info__error(call, RESULT_NAMESPACE_NOT_FOUND, "unknown namespace");
    }
    return ns;
}

struct namespace *info__namespace_needed(struct info_call *call, bool id_is_namespace)
{
    bool given;
    struct namespace *ns = info__namespace(call, id_is_namespace, &given);
    if (!given) {
        info__error(call, RESULT_PARAMETER, "missing namespace");
    }
    return ns;
}

void info__deprecated(struct info_call *call)
{
    counters_add(&call->worker->counters->node.deprecated_requests, 1);
}

void info__commands_visit(void (*visit)(const struct info_command *command, void *arg), void *arg)
{
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        for (const struct info_command *row = tables[i]; row->name != NULL; row++) {
            visit(row, arg);
        }
    }
}

// --- answering -----------------------------------------------------------------------------------

static const struct info_command *command_find(struct base_slice name)
{
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        for (const struct info_command *row = tables[i]; row->name != NULL; row++) {
            if (wire_info_equal(name, row->name)) {
                return row;
            }
        }
    }
    return NULL;
}

static void value_write(struct info_call *call)
{
    const struct info_command *command = command_find(call->command.name);
    if (command == NULL) {
        info__error(call, RESULT_PARAMETER, "unrecognized command");
    } else {
        command->handler(call);
    }
    if (call->failed) {
        call->failed = false;
        info__error(call, RESULT_SERVER_FULL, "out of memory");
    }
}

static void line_answer(struct info_call *call, size_t answer_at, uint32_t number)
{
    info__put(call, call->command.line.data, call->command.line.size);
    info__put(call, "\t", 1);
    call->value_at = call->out->size;
    if (number >= LIMIT_INFO_COMMANDS) {
        info__error(call, RESULT_PARAMETER, "too many commands in one request");
    } else if (!call->full) {
        value_write(call);
        call->full = call->out->size - answer_at > LIMIT_INFO_RESPONSE_SIZE;
    }
    if (call->full) {
        info__error(call, RESULT_SERVER_FULL, "the whole answer would be too large");
    }
    info__put(call, "\n", 1);
}

static struct info_call call_make(struct worker *worker, struct connection *connection)
{
    return (struct info_call){
        .node = worker->node, .worker = worker, .connection = connection, .out = &worker->output};
}

void info_answer(struct worker *worker, struct connection *connection, struct base_slice request)
{
    struct info_call call = call_make(worker, connection);
    size_t answer_at = worker->output.size;
    uint32_t count = 0;
    while (wire_info_command_next(&request, &call.command)) {
        line_answer(&call, answer_at, count++);
    }
    if (count > 0) {
        return;
    }
    for (size_t i = 0; i < sizeof default_names / sizeof default_names[0]; i++) {
        struct base_slice name = wire_info_slice(default_names[i]);
        if (wire_info_command_next(&name, &call.command)) {
            line_answer(&call, answer_at, (uint32_t)i);
        }
    }
}

void info_answer_line(struct worker *worker, struct connection *connection, struct base_slice line)
{
    struct info_call call = call_make(worker, connection);
    if (wire_info_command_next(&line, &call.command)) {
        call.value_at = call.out->size;
        value_write(&call);
        info__put(&call, "\n", 1);
    }
}
