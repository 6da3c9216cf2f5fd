// SPDX-License-Identifier: Apache-2.0
// `ballast info`, also known as asinfo: one info request to one node, its answer as text (spec
// info-and-tools section 4.1); with --all to all nodes of its cluster.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ballast/ballast.h"
#include "tools/admin_cluster.h"
#include "tools/args.h"
#include "tools/tools.h"
#include "wire/info.h"

struct settings {
    const char *host;
    uint16_t port;
    const char *command;
    bool lines;
    bool all, alternate;
    uint32_t timeout_s;
};

#define TLS_HELP  "this version speaks no TLS; use the clear port"
#define AUTH_HELP "this version knows no users; leave it out"

static const struct tools_option options[] = {
    {.kind = TOOLS_OPTION_HEADING, .help = "Where to:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'h',
     .name = "host",
     .value = "HOST",
     .offset = offsetof(struct settings, host),
     .help = "node to ask, also as HOST:PORT (127.0.0.1)"},
    {.kind = TOOLS_OPTION_U16,
     .letter = 'p',
     .name = "port",
     .value = "PORT",
     .offset = offsetof(struct settings, port),
     .min = 1,
     .help = "its service port (3000)"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "all",
     .offset = offsetof(struct settings, all),
     .help = "ask all nodes of its cluster as well"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "services-alternate",
     .offset = offsetof(struct settings, alternate),
     .help = "with --all: at their alternate-access-address"},
    {.kind = TOOLS_OPTION_U32,
     .name = "timeout",
     .value = "SECONDS",
     .offset = offsetof(struct settings, timeout_s),
     .min = 1,
     .max = 3600,
     .help = "give up after so long (5)"},
    {.kind = TOOLS_OPTION_HEADING, .help = "What:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'v',
     .name = "value",
     .value = "COMMAND",
     .offset = offsetof(struct settings, command),
     .help = "info command, such as build, statistics, namespace/test;\n"
             "without it the node's default set"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 'l',
     .name = "line-separator",
     .offset = offsetof(struct settings, lines),
     .help = "one item of a list on each line"},
    {.kind = TOOLS_OPTION_HEADING, .help = "Others:"},
    {.kind = TOOLS_OPTION_VERSION, .letter = 'V', .name = "version", .help = "print the version"},
    {.kind = TOOLS_OPTION_HELP, .name = "help", .help = "print this"},
    {.kind = TOOLS_OPTION_HELP, .letter = 'u', .name = "usage"},
    {.kind = TOOLS_OPTION_IGNORED, .name = "no-config-file"},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'U', .name = "user", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'P', .name = "password", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "auth", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 't', .name = "tls-name", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-enable", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-cafile", .help = TLS_HELP},
};

static const struct tools_args args = {
    .program = "ballast info",
    .usage = "[-h HOST] [-p PORT] [-v COMMAND] [-l] [--all]",
    .about = "Sends one info command to one node, or to all, and prints what they answer.",
    .closing =
        "Exit codes: 0 the node answered; 1 it, or with --all any of them, answered with an\n"
        "error or not at all; 2 a mistake in the command line.\n\n"
        "  ballast info -v statistics -l\n"
        "  ballast info -h 10.0.0.5 -v 'get-config:context=namespace;namespace=test' -l\n"
        "  ballast info --all -v cluster-stable:",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

static struct base_slice outer_separators_strip(struct base_slice value)
{
    while (value.size > 0 && value.data[0] == ';') {
        value.data++;
        value.size--;
    }
    while (value.size > 0 && value.data[value.size - 1] == ';') {
        value.size--;
    }
    return value;
}

// Prints a value, each of its lines behind `indent`.
static void value_print(struct base_slice value, bool lines, const char *indent)
{
    value = outer_separators_strip(value);
    if (value.size == 0) {
        printf("%s\n", indent);
        return;
    }
    struct base_slice piece;
    while (lines && wire_info_piece_next(&value, ';', &piece)) {
        printf("%s%.*s\n", indent, (int)piece.size, piece.data);
    }
    if (!lines) {
        printf("%s%.*s\n", indent, (int)value.size, value.data);
    }
}

// The output of asinfo counts as an error wherever it says "error:".
static bool says_error(struct base_slice value)
{
    static const char word[] = "error:";
    for (size_t i = 0; i + sizeof word - 1 <= value.size; i++) {
        if (strncasecmp((const char *)value.data + i, word, sizeof word - 1) == 0) {
            return true;
        }
    }
    return false;
}

// One answer is printed bare; several with their numbers and names. Returns the exit code.
static int answers_print(const char *text, const struct settings *settings)
{
    struct base_slice body = wire_info_slice(text);
    bool several = settings->command == NULL || strchr(settings->command, '\n') != NULL;
    int code = TOOLS_EXIT_OK;
    struct wire_info_answer answer;
    for (int number = 1; wire_info_answer_next(&body, &answer); number++) {
        if (several) {
            printf("%d :  %.*s\n", number, (int)answer.name.size, answer.name.data);
        }
        value_print(answer.value, settings->lines, several ? "     " : "");
        code = says_error(answer.value) ? TOOLS_EXIT_FAILED : code;
    }
    return code;
}

// Takes "HOST:PORT", "[IPV6]:PORT" and lists apart; only the first host of a list is asked.
static bool host_split(const char *text, char *host, size_t size, uint16_t *port)
{
    bool bracketed = text[0] == '[';
    size_t host_size = bracketed ? strcspn(text + 1, "]") : strcspn(text, ":,");
    const char *rest = text + host_size + (bracketed ? 2 : 0);
    bool bare_ipv6 = !bracketed && *rest == ':' && strchr(rest + 1, ':') != NULL;
    if (bare_ipv6) {
        host_size = strlen(text);
        rest = "";
    }
    if (host_size == 0 || host_size >= size || (bracketed && strlen(text) < host_size + 2)) {
        return false;
    }
    memcpy(host, text + (bracketed ? 1 : 0), host_size);
    host[host_size] = '\0';
    if (*rest != ':') {
        return *rest == '\0' || *rest == ',';
    }
    char *end;
    unsigned long number = strtoul(rest + 1, &end, 10);
    *port = (uint16_t)number;
    return end != rest + 1 && number > 0 && number <= UINT16_MAX && (*end == '\0' || *end == ',');
}

// What is sent: the command and a line feed, or nothing for the node's default set. NULL when
// memory ran out.
static char *request_make(const char *command)
{
    size_t size = command == NULL ? 0 : strlen(command);
    char *request = malloc(size + 2);
    if (request != NULL) {
        memcpy(request, command == NULL ? "" : command, size);
        memcpy(request + size, size == 0 ? "" : "\n", size == 0 ? 1 : 2);
    }
    return request;
}

static int one_ask(const struct settings *settings, const char *host, const char *request)
{
    char *answer;
    struct ballast_error error;
    int code = ballast_info_host(host, settings->port, request, settings->timeout_s * 1000, &answer,
                                 &error);
    if (code != BALLAST_OK) {
        fprintf(stderr, "ballast info: cannot ask %s port %u: %s\n", host, settings->port,
                admin_trouble_text(&error));
        return TOOLS_EXIT_FAILED;
    }
    int exit_code = answers_print(answer, settings);
    ballast_text_free(&answer);
    return exit_code;
}

static int all_print(const struct admin_replies *replies, const struct settings *settings)
{
    int code = TOOLS_EXIT_OK;
    for (size_t i = 0; i < replies->count; i++) {
        const struct admin_reply *reply = &replies->items[i];
        printf("%s (%s) returned:\n", reply->node->name, reply->node->ip);
        if (reply->text == NULL) {
            printf("ERROR: no answer: %s\n",
                   reply->trouble == NULL ? "unknown reason" : reply->trouble);
            code = TOOLS_EXIT_FAILED;
        } else if (answers_print(reply->text, settings) != TOOLS_EXIT_OK) {
            code = TOOLS_EXIT_FAILED;
        }
        printf("\n");
    }
    return code;
}

static int all_ask(const struct settings *settings, const char *host, const char *request)
{
    struct admin_cluster cluster = {.timeout_ms = settings->timeout_s * 1000,
                                    .alternate_addresses = settings->alternate,
                                    .seed_count = 1};
    struct admin_replies replies;
    int code = TOOLS_EXIT_FAILED;
    admin_world_real(&cluster.world);
    snprintf(cluster.seeds[0].host, sizeof cluster.seeds[0].host, "%s", host);
    cluster.seeds[0].port = settings->port;
    enum base_result result = admin_cluster_look(&cluster);
    if (result == RESULT_OK) {
        result = admin_cluster_ask(&cluster, NULL, request, &replies);
    }
    if (result == RESULT_OK) {
        code = all_print(&replies, settings);
        admin_replies_fini(&replies);
    } else {
        fprintf(stderr, "ballast info: cannot ask %s port %u: %s\n", host, settings->port,
                cluster.trouble == NULL ? "out of memory" : cluster.trouble);
    }
    admin_cluster_fini(&cluster);
    return code;
}

int tool_info_main(int argc, char **argv)
{
    struct settings settings = {.host = "127.0.0.1", .port = 3000, .timeout_s = 5};
    switch (tools_args_read(&args, argc, argv, &settings, NULL, NULL)) {
    case TOOLS_ARGS_OK:
        break;
    case TOOLS_ARGS_DONE:
        return TOOLS_EXIT_OK;
    case TOOLS_ARGS_MISTAKE:
        return TOOLS_EXIT_USAGE;
    }
    char host[256];
    if (!host_split(settings.host, host, sizeof host, &settings.port)) {
        tools_args_mistake(&args, "-h, --host: '%s' is not HOST or HOST:PORT", settings.host);
        return TOOLS_EXIT_USAGE;
    }
    if (settings.command != NULL && settings.command[0] == '\0') {
        settings.command = NULL;
    }
    char *request = request_make(settings.command);
    if (request == NULL) {
        return TOOLS_EXIT_FAILED;
    }
    int code = settings.all ? all_ask(&settings, host, request) : one_ask(&settings, host, request);
    free(request);
    return code;
}
