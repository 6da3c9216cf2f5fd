// SPDX-License-Identifier: Apache-2.0
// `ballast admin`, also known as asadm: from the command line to a session and back (info-and-tools
// section 4.1).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/admin_session.h"
#include "tools/admin_shell.h"
#include "tools/args.h"
#include "tools/config.h"
#include "tools/editor.h"
#include "tools/tools.h"

enum { TEXTS_MAX = 64 };

struct settings {
    const char *hosts;
    uint16_t port;
    uint32_t timeout_s;
    bool single_node, alternate, alumni;
    const char *execute, *file, *out_file;
    bool json, no_color, enable;
    const char *config_file, *only_config_file, *instance;
    bool no_config_file;
};

static const struct settings defaults = {
    .hosts = "127.0.0.1", .port = 3000, .timeout_s = 1, .instance = ""};

// Texts from configuration files, which settings point to.
struct texts {
    char *all[TEXTS_MAX];
    size_t count;
};

// What asadm ends with after a command that failed.
enum { EXIT_COMMAND_FAILED = 2, EXIT_NOT_CONNECTED = 1, MS_PER_S = 1000 };

#define TLS_HELP     "this version speaks no TLS; use the clear port"
#define AUTH_HELP    "this version knows no users; leave it out"
#define OFFLINE_HELP "this version looks at running clusters alone"

static const struct tools_option options[] = {
    {.kind = TOOLS_OPTION_HEADING, .help = "Where to:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'h',
     .name = "host",
     .value = "HOST[:PORT],...",
     .offset = offsetof(struct settings, hosts),
     .help = "nodes to start from; they tell of the others (127.0.0.1)"},
    {.kind = TOOLS_OPTION_U16,
     .letter = 'p',
     .name = "port",
     .value = "PORT",
     .offset = offsetof(struct settings, port),
     .min = 1,
     .help = "service port of hosts that name none (3000)"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 'a',
     .name = "services-alternate",
     .offset = offsetof(struct settings, alternate),
     .help = "reach the nodes at their alternate-access-address"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 's',
     .name = "services-alumni",
     .offset = offsetof(struct settings, alumni),
     .help = "look for nodes that were there once, too"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "single-node",
     .offset = offsetof(struct settings, single_node),
     .help = "ask the hosts alone, not their peers"},
    {.kind = TOOLS_OPTION_U32,
     .name = "timeout",
     .value = "SECONDS",
     .offset = offsetof(struct settings, timeout_s),
     .min = 1,
     .max = 3600,
     .help = "how long a node may take for an answer (1)"},
    {.kind = TOOLS_OPTION_HEADING, .help = "What:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'e',
     .name = "execute",
     .value = "COMMANDS",
     .offset = offsetof(struct settings, execute),
     .help = "run these, separated by semicolons, or those of the file of that name;\n"
             "the first that fails ends it"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'f',
     .name = "file",
     .value = "FILE",
     .offset = offsetof(struct settings, file),
     .help = "run the commands of a file; // and /* */ are comments"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "enable",
     .offset = offsetof(struct settings, enable),
     .help = "allow manage and asinfo from the start"},
    {.kind = TOOLS_OPTION_HEADING, .help = "Output:"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 'j',
     .name = "json",
     .offset = offsetof(struct settings, json),
     .help = "tables as JSON"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'o',
     .name = "out-file",
     .value = "FILE",
     .offset = offsetof(struct settings, out_file),
     .help = "print into this file"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "no-color",
     .offset = offsetof(struct settings, no_color),
     .help = "no colours on a terminal either"},
    {.kind = TOOLS_OPTION_HEADING,
     .help = "Configuration, from /etc/aerospike/astools.conf and ~/.aerospike/astools.conf,\n"
             "sections [cluster] and [asadm], with the names above:"},
    {.kind = TOOLS_OPTION_TEXT,
     .name = "instance",
     .value = "NAME",
     .offset = offsetof(struct settings, instance),
     .help = "read the sections [cluster_NAME] and [asadm_NAME]"},
    {.kind = TOOLS_OPTION_TEXT,
     .name = "config-file",
     .value = "FILE",
     .offset = offsetof(struct settings, config_file),
     .help = "read this file after the others"},
    {.kind = TOOLS_OPTION_TEXT,
     .name = "only-config-file",
     .value = "FILE",
     .offset = offsetof(struct settings, only_config_file),
     .help = "read this file and no other"},
    {.kind = TOOLS_OPTION_FLAG,
     .name = "no-config-file",
     .offset = offsetof(struct settings, no_config_file),
     .help = "read none"},
    {.kind = TOOLS_OPTION_HEADING, .help = "Others:"},
    {.kind = TOOLS_OPTION_VERSION, .letter = 'V', .name = "version", .help = "print the version"},
    {.kind = TOOLS_OPTION_HELP, .letter = 'E', .name = "help", .help = "print this"},
    {.kind = TOOLS_OPTION_HELP, .letter = 'u', .name = "usage"},
    {.kind = TOOLS_OPTION_IGNORED, .name = "profile"},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'U', .name = "user", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'P', .name = "password", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "auth", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 't', .name = "tls-name", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-enable", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-cafile", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-capath", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-certfile", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-keyfile", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-keyfile-password", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-protocols", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-cipher-suite", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-crl-check", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-crl-check-all", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'c', .name = "collectinfo", .help = OFFLINE_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'l', .name = "log-analyser", .help = OFFLINE_HELP},
};

static const struct tools_args args = {
    .program = "ballast admin",
    .usage = "[-h HOST] [-p PORT] [-e COMMANDS]",
    .about =
        "Looks after a whole cluster: a prompt, or commands for scripts. 'help' at the prompt\n"
        "lists the commands.",
    .closing =
        "Exit codes: 0 all commands were done; 1 no node answered at the start of a\n"
        "session; 2 a command failed, no node answered, or a mistake in the command line.\n\n"
        "  ballast admin -h 10.0.0.5 -e info\n"
        "  ballast admin -e 'show statistics like client; show config diff'\n"
        "  ballast admin --enable -e 'manage quiesce with 10.0.0.5'",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

static uint32_t terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void pause_plain(double seconds, void *arg)
{
    (void)arg;
    struct timespec time = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool commands_run(struct admin_session *session, const struct settings *settings)
{
    if (settings->execute != NULL && is_file(settings->execute)) {
        return admin_session_file(session, settings->execute);
    }
    if (settings->execute != NULL) {
        admin_session_run(session, settings->execute, false, false);
    }
    if (settings->file != NULL && !session->failed && !session->ended) {
        admin_session_file(session, settings->file);
    }
    return !session->failed;
}

static int session_run(struct admin_session *session, const struct settings *settings)
{
    bool given = settings->execute != NULL || settings->file != NULL;
    session->interactive = !given && isatty(STDIN_FILENO) != 0;
    if (session->interactive) {
        tools_interrupts_block();
    }
    if (!admin_session_connect(session)) {
        return given ? EXIT_COMMAND_FAILED : EXIT_NOT_CONNECTED;
    }
    if (given) {
        commands_run(session, settings);
        return session->failed ? EXIT_COMMAND_FAILED : TOOLS_EXIT_OK;
    }
    if (session->interactive) {
        admin_shell_greet(session);
        admin_shell_run(session, getenv("HOME"));
    } else {
        admin_shell_stream(session, stdin);
    }
    return TOOLS_EXIT_OK;
}

static bool seeds_read(struct admin_session *session, const struct settings *settings)
{
    const char *at;
    if (admin_seeds_parse(&session->cluster, settings->hosts, settings->port, &at) == RESULT_OK) {
        return true;
    }
    const char *second = strchr(at, ':');
    bool tls = second != NULL && strchr(second + 1, ':') != NULL && at[0] != '[';
    tools_args_mistake(&args, "-h, --host: '%s' is not HOST or HOST:PORT%s", at,
                       tls ? "; this version speaks no TLS and needs no name for it" : "");
    return false;
}

// ---- configuration ------------------------------------------------------------------------------

struct target {
    struct settings *settings;
    struct texts *texts;
};

static enum base_result config_apply(const char *name, const char *value, void *arg)
{
    const struct target *target = arg;
    if (target->texts->count == TEXTS_MAX) {
        fprintf(stderr, "ballast admin: more than %d values in configuration files\n", TEXTS_MAX);
        return RESULT_PARAMETER;
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    target->texts->all[target->texts->count++] = copy;
    return tools_args_set(&args, target->settings, name, copy) == TOOLS_ARGS_MISTAKE
               ? RESULT_PARAMETER
               : RESULT_OK;
}

// Reads the files that the command line, in `given`, lets be read. False has been told.
static bool config_read(const struct settings *given, struct settings *settings,
                        struct texts *texts)
{
    static const char *const sections[] = {"cluster", "asadm", NULL};
    struct target target = {.settings = settings, .texts = texts};
    const struct tools_config config = {.sections = sections,
                                        .instance = given->instance,
                                        .apply = config_apply,
                                        .arg = &target,
                                        .err = stderr};
    if (given->no_config_file) {
        return true;
    }
    if (given->only_config_file != NULL) {
        return tools_config_read(&config, given->only_config_file, true) == RESULT_OK;
    }
    char own[1024] = "";
    const char *home = getenv("HOME");
    if (home != NULL) {
        snprintf(own, sizeof own, "%s/.aerospike/astools.conf", home);
    }
    return tools_config_read(&config, "/etc/aerospike/astools.conf", false) == RESULT_OK &&
           (own[0] == '\0' || tools_config_read(&config, own, false) == RESULT_OK) &&
           (given->config_file == NULL ||
            tools_config_read(&config, given->config_file, true) == RESULT_OK);
}

// The command line is read twice: for the files that it names, and again over what they say.
static enum tools_args_outcome settings_read(int argc, char **argv, struct settings *settings,
                                             struct texts *texts)
{
    struct settings given = defaults;
    *settings = defaults;
    enum tools_args_outcome outcome = tools_args_read(&args, argc, argv, &given, NULL, NULL);
    if (outcome != TOOLS_ARGS_OK) {
        return outcome;
    }
    if (!config_read(&given, settings, texts)) {
        return TOOLS_ARGS_MISTAKE;
    }
    return tools_args_read(&args, argc, argv, settings, NULL, NULL);
}

// ---- all ----------------------------------------------------------------------------------------

static void session_init(struct admin_session *session, const struct settings *settings,
                         bool terminal)
{
    admin_world_real(&session->cluster.world);
    session->cluster.timeout_ms = settings->timeout_s * MS_PER_S;
    session->cluster.seeds_only = settings->single_node;
    session->cluster.alternate_addresses = settings->alternate;
    session->cluster.alumni = settings->alumni;
    session->json = settings->json;
    session->color = terminal && !settings->no_color && !settings->json;
    session->color_err = isatty(STDERR_FILENO) != 0 && !settings->no_color;
    session->terminal_columns = terminal ? terminal_columns() : 0;
    session->privileged = settings->enable;
    session->pause = pause_plain;
}

static int run(const struct settings *settings)
{
    struct admin_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return TOOLS_EXIT_FAILED;
    }
    int code = TOOLS_EXIT_USAGE;
    FILE *file = NULL;
    *session = (struct admin_session){.in = stdin, .out = stdout, .err = stderr};
    if (!seeds_read(session, settings)) {
        goto out;
    }
    if (settings->out_file != NULL) {
        file = fopen(settings->out_file, "w");
        if (file == NULL) {
            tools_args_mistake(&args, "-o, --out-file: %s: %s", settings->out_file,
                               strerror(errno));
            goto out;
        }
        session->out = file;
    }
    session_init(session, settings, file == NULL && isatty(STDOUT_FILENO) != 0);
    code = session_run(session, settings);
out:
    if (file != NULL && fclose(file) != 0 && code == TOOLS_EXIT_OK) {
        fprintf(stderr, "ballast admin: %s: %s\n", settings->out_file, strerror(errno));
        code = TOOLS_EXIT_FAILED;
    }
    admin_cluster_fini(&session->cluster);
    free(session);
    return code;
}

int tool_admin_main(int argc, char **argv)
{
    struct settings settings;
    struct texts texts = {.count = 0};
    int code = TOOLS_EXIT_USAGE;
    switch (settings_read(argc, argv, &settings, &texts)) {
    case TOOLS_ARGS_OK:
        code = run(&settings);
        break;
    case TOOLS_ARGS_DONE:
        code = TOOLS_EXIT_OK;
        break;
    case TOOLS_ARGS_MISTAKE:
        break;
    }
    while (texts.count > 0) {
        free(texts.all[--texts.count]);
    }
    return code;
}
