// SPDX-License-Identifier: Apache-2.0
// `ballast health`: a yes or no for orchestrators, as an exit code and one line of text.
#include <stdio.h>
#include <string.h>

#include "ballast/ballast.h"
#include "tools/args.h"
#include "tools/tools.h"
#include "wire/info.h"

struct settings {
    const char *host;
    uint16_t port;
    bool live, ready, cluster_stable, quiet;
    uint32_t size;
    uint32_t timeout_ms;
};

static const struct tools_option options[] = {
    {.kind = TOOLS_OPTION_HEADING, .help = "Questions:"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "live",
     .offset = offsetof(struct settings, live),
     .help = "does the node answer? Otherwise it should be restarted"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "ready",
     .offset = offsetof(struct settings, ready),
     .help = "does it serve requests? This is what is asked when nothing else is"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "cluster-stable",
     .offset = offsetof(struct settings, cluster_stable),
     .help = "is its cluster whole, with no data on the move? Ask before the next\n"
             "node is taken down"},
    {.kind = TOOLS_OPTION_U32,
     .name = "size",
     .value = "NODES",
     .offset = offsetof(struct settings, size),
     .min = 1,
     .max = 65536,
     .help = "with --cluster-stable: and has it exactly so many nodes?"},
    {.kind = TOOLS_OPTION_HEADING, .help = "Where to:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'h',
     .name = "host",
     .value = "HOST",
     .offset = offsetof(struct settings, host),
     .help = "node to ask (127.0.0.1)"},
    {.kind = TOOLS_OPTION_U16,
     .letter = 'p',
     .name = "port",
     .value = "PORT",
     .offset = offsetof(struct settings, port),
     .min = 1,
     .help = "its service port (3000)"},
    {.kind = TOOLS_OPTION_U32,
     .name = "timeout",
     .value = "MS",
     .offset = offsetof(struct settings, timeout_ms),
     .min = 1,
     .help = "no answer in so many milliseconds is a no (1000)"},
    {.kind = TOOLS_OPTION_HEADING, .help = "Others:"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 'q',
     .name = "quiet",
     .offset = offsetof(struct settings, quiet),
     .help = "print nothing, only exit"},
    {.kind = TOOLS_OPTION_VERSION, .letter = 'V', .name = "version", .help = "print the version"},
    {.kind = TOOLS_OPTION_HELP, .name = "help", .help = "print this"},
};

static const struct tools_args args = {
    .program = "ballast health",
    .usage = "[--live | --ready | --cluster-stable] [-h HOST] [-p PORT]",
    .about = "Asks a node how it is and answers with an exit code.",
    .closing =
        "Exit codes: 0 yes; 1 no, or no answer; 2 a mistake in the command line.\n\n"
        "In a Dockerfile:   HEALTHCHECK CMD [\"ballast\", \"health\", \"--ready\"]\n"
        "In a pod:          livenessProbe: exec: command: [\"ballast\", \"health\", "
        "\"--live\"]",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

// The value under a name of the answer; empty when it is missing.
static struct base_slice value_of(const char *text, const char *name)
{
    struct base_slice body = wire_info_slice(text);
    struct wire_info_answer answer;
    while (wire_info_answer_next(&body, &answer)) {
        if (wire_info_equal(answer.name, name)) {
            return answer.value;
        }
    }
    return (struct base_slice){0};
}

struct verdict {
    bool yes;
    char text[256];
};

static void judge_live(const char *answer, struct verdict *out)
{
    struct base_slice node = value_of(answer, "node");
    out->yes = node.size > 0;
    snprintf(out->text, sizeof out->text, out->yes ? "node %.*s is live" : "%.*sno node answers",
             (int)node.size, (const char *)node.data);
}

static void judge_ready(const char *answer, struct verdict *out)
{
    struct base_slice node = value_of(answer, "node");
    struct base_slice status = value_of(answer, "status");
    struct base_slice generation = value_of(answer, "partition-generation");
    struct base_slice namespaces = value_of(answer, "namespaces");
    uint64_t number;
    const char *reason = !wire_info_equal(status, "ok")           ? "its status is not ok"
                         : !wire_info_number(generation, &number) ? "it has no partitions yet"
                         : namespaces.size == 0                   ? "it has no namespace"
                                                                  : NULL;
    out->yes = reason == NULL;
    if (out->yes) {
        snprintf(out->text, sizeof out->text, "node %.*s is ready and serves %.*s", (int)node.size,
                 (const char *)node.data, (int)namespaces.size, (const char *)namespaces.data);
    } else {
        snprintf(out->text, sizeof out->text, "node %.*s is not ready: %s", (int)node.size,
                 (const char *)node.data, reason);
    }
}

static void judge_stable(const char *answer, const char *command, struct verdict *out)
{
    struct base_slice key = value_of(answer, command), message;
    uint32_t code;
    out->yes = key.size > 0 && !wire_info_is_error(key, &code, &message);
    if (out->yes) {
        snprintf(out->text, sizeof out->text, "the cluster is stable, key %.*s", (int)key.size,
                 (const char *)key.data);
    } else {
        snprintf(out->text, sizeof out->text, "the cluster is not stable: %.*s", (int)key.size,
                 key.size > 0 ? (const char *)key.data : "");
    }
}

static int ask(const struct settings *settings)
{
    char stable[64], request[128];
    if (settings->size > 0) {
        snprintf(stable, sizeof stable, "cluster-stable:size=%u", settings->size);
    } else {
        snprintf(stable, sizeof stable, "cluster-stable:");
    }
    snprintf(request, sizeof request, "%s\n",
             settings->cluster_stable ? stable
             : settings->live         ? "node"
                                      : "node\nstatus\npartition-generation\nnamespaces");
    char *answer;
    struct ballast_error error;
    struct verdict verdict = {0};
    if (ballast_info_host(settings->host, settings->port, request, settings->timeout_ms, &answer,
                          &error) != BALLAST_OK) {
        snprintf(verdict.text, sizeof verdict.text, "no answer from %s port %u: %s", settings->host,
                 settings->port,
                 error.code == BALLAST_IO ? "nobody listens there, or there is no such host"
                                          : error.text);
    } else if (settings->cluster_stable) {
        judge_stable(answer, stable, &verdict);
    } else if (settings->live) {
        judge_live(answer, &verdict);
    } else {
        judge_ready(answer, &verdict);
    }
    ballast_text_free(&answer);
    if (!settings->quiet) {
        printf("%s\n", verdict.text);
    }
    return verdict.yes ? TOOLS_EXIT_OK : TOOLS_EXIT_FAILED;
}

int tool_health_main(int argc, char **argv)
{
    struct settings settings = {.host = "127.0.0.1", .port = 3000, .timeout_ms = 1000};
    switch (tools_args_read(&args, argc, argv, &settings, NULL, NULL)) {
    case TOOLS_ARGS_OK:
        break;
    case TOOLS_ARGS_DONE:
        return TOOLS_EXIT_OK;
    case TOOLS_ARGS_MISTAKE:
        return TOOLS_EXIT_USAGE;
    }
    if (settings.live + settings.ready + settings.cluster_stable > 1) {
        tools_args_mistake(&args, "--live, --ready and --cluster-stable: ask one at a time");
        return TOOLS_EXIT_USAGE;
    }
    if (settings.size > 0 && !settings.cluster_stable) {
        tools_args_mistake(&args, "--size goes with --cluster-stable");
        return TOOLS_EXIT_USAGE;
    }
    return ask(&settings);
}
