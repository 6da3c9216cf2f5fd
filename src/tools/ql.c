// SPDX-License-Identifier: Apache-2.0
// `ballast ql`: from the command line to a session and back. The exit status is 0 once a node was
// reached, whatever the statements came to, and 255 when the options were wrong or none was.
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/ql_client.h"
#include "tools/ql_options.h"
#include "tools/ql_shell.h"
#include "tools/tools.h"

enum { EXIT_REFUSED = 255, CONNECT_TIMEOUT_MS = 1000 };

static uint64_t clock_ms(void *arg)
{
    (void)arg;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void version_print(FILE *out)
{
    fprintf(out, "Ballast Query Client\nVersion %s\n", BALLAST_VERSION);
}

static void banner_print(const struct ql_options *options, const char *home, FILE *out)
{
    if (options->instance[0] != '\0') {
        fprintf(out, "Instance:     %s\n", options->instance);
    }
    fprintf(out, "Seed:         %s\n", options->hosts);
    fprintf(out, "User:         %s\n", options->user[0] == '\0' ? "None" : options->user);
    if (options->config_none) {
        fputs("Config File:  None\n", out);
    } else if (options->config_only) {
        fprintf(out, "Config File:  %s\n", options->config_file);
    } else {
        fprintf(out, "Config File:  /etc/aerospike/astools.conf %s/.aerospike/astools.conf%s%s\n",
                home == NULL ? "" : home, options->config_file[0] == '\0' ? "" : " ",
                options->config_file);
    }
    version_print(out);
}

// A seed that did not answer, each on a line of its own.
static void refusals_print(const char *seeds, const struct ql_failure *failure, FILE *err)
{
    while (*seeds != '\0') {
        size_t size = strcspn(seeds, ",");
        const char *port = memrchr(seeds, ':', size);
        size_t host_size = port == NULL ? size : (size_t)(port - seeds);
        size_t port_size = port == NULL ? 0 : size - host_size - 1;
        fprintf(err, "Failed to connect to seed %.*s %.*s. %s %s\n", (int)host_size, seeds,
                (int)port_size, port == NULL ? "" : port + 1, ql_code_name(failure->code),
                failure->text);
        seeds += size + (seeds[size] == ',');
    }
}

static struct ql_backend *connect_all(const struct ql_options *options, FILE *err)
{
    char seeds[QL_OPTION_SIZE_MAX * 2 + 1];
    if (ql_options_seeds(options, seeds, sizeof seeds) != RESULT_OK) {
        fprintf(err, "Invalid host(s) %s\n", options->hosts);
        return NULL;
    }
    int64_t timeout_ms = options->settings.timeout_ms;
    struct ql_client_options client = {
        .hosts = seeds,
        .port = options->port,
        .connect_timeout_ms = timeout_ms > 0 ? (uint32_t)timeout_ms : CONNECT_TIMEOUT_MS,
        .alternate_addresses = options->alternate_addresses,
    };
    struct ql_backend *backend;
    struct ql_failure failure;
    ql_client_new(&client, &backend, &failure);
    if (backend == NULL) {
        refusals_print(seeds, &failure, err);
    }
    return backend;
}

static void commands_run(struct ql_session *session, const struct ql_options *options,
                         const char *home, bool interactive)
{
    if (options->has_command) {
        session->settings.echo = true;
        ql_session_line(session, tools_slice_of(options->command));
    } else if (options->has_file) {
        ql_session_file(session, options->file);
    } else if (interactive) {
        ql_shell_run(session, home);
    } else {
        ql_session_stream(session, stdin);
    }
}

static int run(const struct ql_options *options, const char *home)
{
    bool interactive = !options->has_command && !options->has_file && isatty(STDIN_FILENO) != 0;
    if (interactive) {
        banner_print(options, home, stdout);
        ql_shell_signals_block();
    }
    if (options->user[0] != '\0') {
        fputs("This version has no users: name and password are not sent.\n", stderr);
    }
    struct ql_backend *backend = connect_all(options, stderr);
    if (backend == NULL) {
        return EXIT_REFUSED;
    }
    struct ql_session session = {
        .settings = options->settings,
        .backend = backend,
        .out = stdout,
        .err = stderr,
        .clock = clock_ms,
    };
    commands_run(&session, options, home, interactive);
    ql_client_free(&backend);
    return 0;
}

int tool_ql_main(int argc, char **argv)
{
    struct ql_options options;
    const char *home = getenv("HOME");
    int status = 0;
    if (ql_options_parse(&options, argc, argv, home, stderr) != RESULT_OK) {
        status = EXIT_REFUSED;
        goto out;
    }
    switch (options.action) {
    case QL_OPTIONS_VERSION:
        version_print(stdout);
        break;
    case QL_OPTIONS_OPTIONS:
        ql_options_print(stdout);
        break;
    case QL_OPTIONS_HELP:
        ql_options_print(stdout);
        ql_help_print(stdout, (struct base_slice){0});
        break;
    case QL_OPTIONS_RUN:
        status = run(&options, home);
        break;
    }
out:
    ql_options_fini(&options);
    return status;
}
