// SPDX-License-Identifier: Apache-2.0
// Any line to the administrator's tool, and any answer of a node to any info command: it prints a
// table or says what is wrong. The input is a line, a zero byte, and the answer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/admin_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *answer;
    size_t size;
};

// Answers each command of the request with the same bytes, but for who the node is.
static void ask(struct ballast_info_target *targets, size_t count, const char *request,
                uint32_t timeout_ms, void *arg)
{
    (void)timeout_ms;
    const struct input *input = arg;
    for (size_t i = 0; i < count; i++) {
        struct tools_text text = {0};
        for (const char *at = request; *at != '\0';) {
            size_t line = strcspn(at, "\n");
            tools_text_append(&text, at, line);
            tools_text_char_append(&text, '\t');
            if (line == 4 && memcmp(at, "node", 4) == 0) {
                tools_text_string_append(&text, "A1");
            } else if (line == 10 && memcmp(at, "namespaces", 10) == 0) {
                tools_text_string_append(&text, "test");
            } else {
                tools_text_append(&text, input->answer, input->size);
            }
            tools_text_char_append(&text, '\n');
            at += line + (at[line] == '\n');
        }
        bool answers = i % 2 == 0;
        targets[i].answer = answers ? strdup(tools_text_string(&text)) : NULL;
        targets[i].error = (struct ballast_error){
            .code = answers ? BALLAST_OK : BALLAST_CLIENT_TIMEOUT, .text = "timeout"};
        tools_text_fini(&text);
    }
}

static void name(const char *const *ips, size_t count, char (*names)[ADMIN_HOST_SIZE], void *arg)
{
    (void)ips;
    (void)count;
    (void)names;
    (void)arg;
}

static bool is_here(const char *ip, void *arg)
{
    (void)ip;
    (void)arg;
    return false;
}

static time_t now(void *arg)
{
    (void)arg;
    return 1767225600;
}

static bool interrupted(void *arg)
{
    (void)arg;
    return true; // watch would go on without end
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t line_size = strnlen((const char *)data, size);
    if (size == 0 || line_size > 4096 || memchr(data, '!', line_size) != NULL ||
        memmem(data, line_size, "path", 4) != NULL) {
        return -1; // no commands of the shell, no files
    }
    char *line = strndup((const char *)data, line_size);
    size_t rest = line_size < size ? size - line_size - 1 : 0;
    struct input input = {.answer = data + size - rest, .size = rest};
    FILE *null = fopen("/dev/null", "w");
    const char *at;
    for (int way = 0; way < 3; way++) {
        struct admin_session session = {
            .out = null,
            .err = null,
            .privileged = true,
            .color = way == 1,
            .json = way == 2,
            .terminal_columns = way == 1 ? 80 : 0,
            .interrupted = interrupted,
            .cluster.timeout_ms = 1,
            .cluster.world = {
                .ask = ask, .name = name, .is_here = is_here, .now = now, .arg = &input}};
        if (admin_seeds_parse(&session.cluster, "10.0.0.5,10.0.0.6", 3000, &at) == RESULT_OK) {
            admin_session_run(&session, line, way == 0, true);
        }
        admin_cluster_fini(&session.cluster);
    }
    fclose(null);
    free(line);
    return 0;
}
