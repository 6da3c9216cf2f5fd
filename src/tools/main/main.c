// SPDX-License-Identifier: Apache-2.0
// `ballast`: picks the tool by the name it is called under, or by the first word.
#include <stdio.h>
#include <string.h>

#include "tools/args.h"
#include "tools/tools.h"

struct tool {
    const char *name;
    const char *link; // the name of the tool it stands in for
    int (*main)(int argc, char **argv);
    const char *help;
};

static const struct tool tools[] = {
    {"ql", "aql", tool_ql_main, "look at and change records with statements like SQL"},
    {"admin", "asadm", tool_admin_main, "look after a whole cluster"},
    {"info", "asinfo", tool_info_main, "send one info command to one node, or to all"},
    {"health", NULL, tool_health_main, "is a node live, ready, its cluster stable?"},
    {"bench", "asbench", tool_bench_main, "put load on a cluster and measure it"},
    {"discover", NULL, NULL, "introduce containers to each other"},
};

enum { TOOL_COUNT = sizeof tools / sizeof tools[0] };

static void help_print(FILE *out)
{
    fprintf(out, "Usage: ballast TOOL [option]...\n\nTools:\n");
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (tools[i].main != NULL) {
            fprintf(out, "  %-10s %s%s%s%s\n", tools[i].name, tools[i].help,
                    tools[i].link != NULL ? " (as " : "",
                    tools[i].link != NULL ? tools[i].link : "", tools[i].link != NULL ? ")" : "");
        }
    }
    fprintf(out,
            "\n'ballast TOOL --help' explains a tool. Called through a link named aql, asadm,\n"
            "asinfo or asbench, ballast is that tool.\n");
}

static const struct tool *tool_find(const char *name)
{
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (strcmp(tools[i].name, name) == 0 ||
            (tools[i].link != NULL && strcmp(tools[i].link, name) == 0)) {
            return &tools[i];
        }
    }
    return NULL;
}

static int tool_run(const struct tool *tool, int argc, char **argv)
{
    if (tool->main == NULL) {
        fprintf(stderr, "ballast: this version comes without the tool '%s'\n", tool->name);
        return TOOLS_EXIT_USAGE;
    }
    return tool->main(argc, argv);
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *called = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "ballast";
    const struct tool *tool = tool_find(called);
    if (tool != NULL) {
        return tool_run(tool, argc, argv);
    }
    if (argc < 2) {
        help_print(stderr);
        return TOOLS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help_print(stdout);
        return TOOLS_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        tools_version_print("ballast");
        return TOOLS_EXIT_OK;
    }
    tool = tool_find(argv[1]);
    if (tool == NULL) {
        fprintf(stderr, "ballast: there is no tool '%s'\n\n", argv[1]);
        help_print(stderr);
        return TOOLS_EXIT_USAGE;
    }
    return tool_run(tool, argc - 1, argv + 1);
}
