// SPDX-License-Identifier: Apache-2.0
// Values from outside the configuration file: the environment and the command line, and the order
// in which all sources are laid over each other.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config_table.h"

enum { NAME_SIZE = 128, SECRET_SIZE = 4096 };

static const char own_prefix[] = "BALLAST_";

// Names of the Aerospike image and of its discovery service, and the directive each sets.
static const struct {
    const char *name;
    const char *row;  // flat name
    const char *unit; // appended to the value
} image_names[] = {
    {"SERVICE_THREADS", "service-threads", ""},
    {"SERVICE_ADDRESS", "service.address", ""},
    {"SERVICE_PORT", "service.port", ""},
    {"HB_ADDRESS", "heartbeat.address", ""},
    {"HB_PORT", "heartbeat.port", ""},
    {"FABRIC_ADDRESS", "fabric.address", ""},
    {"FABRIC_PORT", "fabric.port", ""},
    {"INFO_ADDRESS", "info.address", ""},
    {"INFO_PORT", "info.port", ""},
    {"REPL_FACTOR", "replication-factor", ""},
    {"MEM_GB", "data-size", "G"},
    {"DEFAULT_TTL", "default-ttl", ""},
    {"NSUP_PERIOD", "nsup-period", ""},
    {"DATA_IN_MEMORY", "data-in-memory", ""},
    {"AEROSPIKE_CLUSTER_NAME", "cluster-name", ""},
    {"AEROSPIKE_MESH_PORT", "heartbeat.port", ""},
};

// Names of our own that are not directives.
static const char *const own_names[] = {"CONFIG_FILE", "NAMESPACE", "LOG_LEVEL",
                                        "LOG_FORMAT",  "LOG_FILE",  "PORT_OFFSET"};

static bool ends_with(const char *text, const char *end)
{
    size_t text_size = strlen(text);
    size_t end_size = strlen(end);
    return text_size > end_size && strcmp(text + text_size - end_size, end) == 0;
}

static const char *environment_find(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
            return *environment + size + 1;
        }
    }
    return NULL;
}

// Reads a value that stands in a file, without the space around it.
static bool secret_read(const char *path, char *out, const char *name, struct config_diag *diag)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        config__note(diag, true, name, "cannot open '%s': %s", path, strerror(errno));
        return false;
    }
    size_t size = fread(out, 1, SECRET_SIZE - 1, file);
    fclose(file);
    out[size] = '\0';
    while (size > 0 && strchr(" \t\r\n", out[size - 1]) != NULL) {
        out[--size] = '\0';
    }
    size_t lead = strspn(out, " \t\r\n");
    memmove(out, out + lead, size - lead + 1);
    return true;
}

// The value of variable `name`, or what the file named by `name`_FILE holds. NULL: neither is set.
static const char *value_find(char *const *environment, const char *name, char *secret,
                              struct config_diag *diag)
{
    const char *value = environment_find(environment, name);
    if (value != NULL) {
        return value;
    }
    char file_name[NAME_SIZE];
    snprintf(file_name, sizeof file_name, "%.100s_FILE", name);
    const char *path = environment_find(environment, file_name);
    if (path == NULL || !secret_read(path, secret, file_name, diag)) {
        return NULL;
    }
    return secret;
}

// Gives a value to a row; one of a namespace goes to every namespace.
static enum base_result row_give(struct config *config, uint32_t row, const char *value,
                                 const struct config_source *source, struct config_diag *diag)
{
    if (config_rows[row].context != CONFIG_NAMESPACE) {
        struct config_place place = config__place(config, NULL, config_rows[row].context);
        return config__value_give(row, &place, value, source, source->name, diag);
    }
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        struct config_place place = config__place(config, config->namespaces[i], CONFIG_NAMESPACE);
        enum base_result result =
            config__value_give(row, &place, value, source, source->name, diag);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

// --- the log -----------------------------------------------------------------------------------

static void console_ensure(struct config_log *log)
{
    for (uint32_t i = 0; i < log->sink_count; i++) {
        if (log->sinks[i].path[0] == '\0') {
            return;
        }
    }
    if (log->sink_count < LOG_SINKS) {
        struct config_log_sink *sink = &log->sinks[log->sink_count++];
        memset(sink, 0, sizeof *sink);
        memset(sink->level, LOG_INFO, sizeof sink->level);
    }
}

static void log_level_give(struct config *config, const char *value, const char *name,
                           struct config_diag *diag)
{
    enum log_level level = log_level_find(value);
    if (level == LOG_LEVEL_COUNT) {
        config__note(diag, true, name,
                     "'%.64s' is no level; give critical, warning, info, debug or detail", value);
        return;
    }
    console_ensure(&config->log);
    for (uint32_t i = 0; i < config->log.sink_count; i++) {
        memset(config->log.sinks[i].level, (int)level, sizeof config->log.sinks[i].level);
    }
}

static void log_format_give(struct config *config, const char *value, const char *name,
                            struct config_diag *diag)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0) {
        config__note(diag, true, name, "'%.64s' is neither text nor json", value);
        return;
    }
    config->log.json = strcmp(value, "json") == 0;
}

static void log_file_give(struct config *config, const char *value, const char *name,
                          struct config_diag *diag)
{
    struct config_log *log = &config->log;
    if (value[0] == '\0' || strcmp(value, "/dev/null") == 0) {
        return;
    }
    console_ensure(log);
    if (log->sink_count == LOG_SINKS || strlen(value) >= LOG_PATH_SIZE) {
        config__note(diag, true, name, "is too long, or one sink too many");
        return;
    }
    struct config_log_sink *sink = &log->sinks[log->sink_count++];
    memset(sink->level, LOG_INFO, sizeof sink->level);
    snprintf(sink->path, sizeof sink->path, "%s", value);
}

// --- environment -------------------------------------------------------------------------------

// The built-in namespace, for a node without a configuration file.
static enum base_result namespace_ensure(struct config *config, char *const *environment,
                                         char *secret, struct config_diag *diag)
{
    if (config->namespace_count > 0 || config->file_path[0] != '\0') {
        return RESULT_OK;
    }
    const char *variable = "BALLAST_NAMESPACE";
    const char *name = value_find(environment, variable, secret, diag);
    if (name == NULL) {
        variable = "NAMESPACE";
        name = value_find(environment, variable, secret, diag);
    }
    struct config_namespace *ns;
    enum base_result result = config__namespace_add(config, name == NULL ? "test" : name, &ns);
    if (result == RESULT_PARAMETER) {
        config__note(diag, true, variable,
                     "'%.64s' is a bad name; give 1 to %d characters without : ; / , =", name,
                     LIMIT_NAMESPACE_NAME_SIZE);
        return RESULT_CONFIG;
    }
    if (result == RESULT_OK) {
        ns->replication_factor = 1;
    }
    return result;
}

static enum base_result image_apply(struct config *config, char *const *environment, char *secret,
                                    struct config_diag *diag)
{
    enum base_result result = RESULT_OK;
    for (size_t i = 0; i < sizeof image_names / sizeof image_names[0] && result != RESULT_NO_MEMORY;
         i++) {
        const char *value = value_find(environment, image_names[i].name, secret, diag);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        char text[SECRET_SIZE + 8];
        snprintf(text, sizeof text, "%.4095s%s", value, image_names[i].unit);
        struct config_source source = {.origin = CONFIG_FROM_ENVIRONMENT,
                                       .name = image_names[i].name};
        uint32_t row = config__row_find_flat(image_names[i].row);
        base_assert(row != CONFIG_ROW_NONE);
        result = row_give(config, row, text, &source, diag);
    }
    const char *log_file = value_find(environment, "LOGFILE", secret, diag);
    if (log_file != NULL) {
        log_file_give(config, log_file, "LOGFILE", diag);
    }
    return result == RESULT_NO_MEMORY ? result : RESULT_OK;
}

// A Kubernetes service named ballast makes variables that look like ours.
static bool is_service_link(char *const *environment, const char *name)
{
    return (strcmp(name, "BALLAST_SERVICE_PORT") == 0 ||
            strcmp(name, "BALLAST_SERVICE_HOST") == 0 ||
            strncmp(name, "BALLAST_SERVICE_PORT_", 21) == 0 ||
            strncmp(name, "BALLAST_PORT", 12) == 0) &&
           environment_find(environment, "BALLAST_SERVICE_HOST") != NULL;
}

static void own_special_give(struct config *config, const char *name, const char *value,
                             struct config_diag *diag)
{
    const char *word = name + strlen(own_prefix);
    if (strcmp(word, "LOG_LEVEL") == 0) {
        log_level_give(config, value, name, diag);
    } else if (strcmp(word, "LOG_FORMAT") == 0) {
        log_format_give(config, value, name, diag);
    } else if (strcmp(word, "LOG_FILE") == 0) {
        log_file_give(config, value, name, diag);
    }
}

static bool own_name_is_special(const char *word)
{
    for (size_t i = 0; i < sizeof own_names / sizeof own_names[0]; i++) {
        if (strcmp(own_names[i], word) == 0) {
            return true;
        }
    }
    return false;
}

// One variable that begins with our prefix.
static enum base_result own_apply(struct config *config, char *const *environment,
                                  const char *variable, char *secret, struct config_diag *diag)
{
    char name[NAME_SIZE];
    size_t size = strcspn(variable, "=");
    if (size >= sizeof name || variable[size] == '\0') {
        return RESULT_OK;
    }
    memcpy(name, variable, size);
    name[size] = '\0';
    char variable_name[NAME_SIZE];
    memcpy(variable_name, name, sizeof variable_name);
    const char *value = variable + size + 1;
    if (is_service_link(environment, name)) {
        return RESULT_OK;
    }
    const char *word = name + strlen(own_prefix);
    uint32_t row = config__row_find_flat(word);
    if (row == CONFIG_ROW_NONE && !own_name_is_special(word) && ends_with(name, "_FILE")) {
        name[size - strlen("_FILE")] = '\0';
        row = config__row_find_flat(word);
        if (row != CONFIG_ROW_NONE || own_name_is_special(word)) {
            if (!secret_read(value, secret, variable_name, diag)) {
                return RESULT_OK;
            }
            value = secret;
        } else {
            name[size - strlen("_FILE")] = '_';
        }
    }
    if (own_name_is_special(word)) {
        own_special_give(config, name, value, diag);
        return RESULT_OK;
    }
    if (row == CONFIG_ROW_NONE) {
        config__note(diag, false, name, "names no directive; see `ballastd --help-config`");
        return RESULT_OK;
    }
    struct config_source source = {.origin = CONFIG_FROM_ENVIRONMENT, .name = name};
    return row_give(config, row, value, &source, diag);
}

enum base_result config_environment_apply(struct config *config, char *const *environment,
                                          struct config_diag *diag)
{
    char secret[SECRET_SIZE];
    uint32_t errors = diag->error_count;
    enum base_result result = namespace_ensure(config, environment, secret, diag);
    if (result == RESULT_NO_MEMORY) {
        return result;
    }
    if (config->file_path[0] == '\0') {
        result = image_apply(config, environment, secret, diag);
    }
    for (char *const *at = environment; at != NULL && *at != NULL && result != RESULT_NO_MEMORY;
         at++) {
        if (strncmp(*at, own_prefix, strlen(own_prefix)) == 0) {
            result = own_apply(config, environment, *at, secret, diag);
        }
    }
    if (result == RESULT_NO_MEMORY) {
        return result;
    }
    return diag->error_count > errors ? RESULT_CONFIG : RESULT_OK;
}

// --- command line ------------------------------------------------------------------------------

// An option's value: behind '=' or the next argument, which is then consumed.
static const char *option_value(int argc, char *const *argv, int *at, const char *name,
                                struct config_diag *diag)
{
    const char *equals = strchr(argv[*at], '=');
    if (equals != NULL) {
        return equals + 1;
    }
    if (*at + 1 < argc) {
        return argv[++*at];
    }
    config__note(diag, true, name, "needs a value");
    return NULL;
}

static bool option_is(const char *argument, const char *name)
{
    size_t size = strlen(name);
    return strncmp(argument, name, size) == 0 && (argument[size] == '\0' || argument[size] == '=');
}

// Options that stand alone. `at` NULL: accepted for the sake of old scripts.
static bool flag_take(const char *argument, struct config_command *out)
{
    const struct {
        const char *name;
        const char *letter;
        bool *at;
    } flags[] = {
        {"--check-config", "", &out->check},
        {"--print-config", "", &out->print},
        {"--version", "-V", &out->version},
        {"--help", "-h", &out->help},
        {"--help-config", "", &out->help_config},
        {"--foreground", "", NULL},
        {"--fgdaemon", "", NULL},
        {"--cold-start", "", NULL},
        {"--early-verbose", "", NULL},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(argument, flags[i].name) == 0 || strcmp(argument, flags[i].letter) == 0) {
            if (flags[i].at != NULL) {
                *flags[i].at = true;
            }
            return true;
        }
    }
    return false;
}

static void port_offset_take(const char *value, const char *name, struct config_command *out,
                             struct config_diag *diag)
{
    int64_t number;
    if (!config__number_parse(value, CONFIG_NUMBER, &number) || number < 0 || number > 65535) {
        config__note(diag, true, name, "'%.64s' is not a number from 0 to 65535", value);
        return;
    }
    out->port_offset = (uint32_t)number;
}

static bool is_value_option(const char *argument)
{
    char name[NAME_SIZE];
    size_t size = strcspn(argument, "=");
    if (strncmp(argument, "--", 2) != 0 || size >= sizeof name) {
        return false;
    }
    memcpy(name, argument, size);
    name[size] = '\0';
    return strcmp(name, "--set") == 0 || strcmp(name, "--log-level") == 0 ||
           strcmp(name, "--log-format") == 0 || config__row_find_flat(name + 2) != CONFIG_ROW_NONE;
}

enum base_result config_command_line_parse(int argc, char *const *argv, struct config_command *out,
                                           struct config_diag *diag)
{
    memset(out, 0, sizeof *out);
    uint32_t errors = diag->error_count;
    for (int i = 1; i < argc; i++) {
        if (flag_take(argv[i], out)) {
            continue;
        }
        const char *value;
        if (option_is(argv[i], "--config-file") || strcmp(argv[i], "-f") == 0) {
            value = option_value(argc, argv, &i, "--config-file", diag);
            if (value != NULL && strlen(value) < sizeof out->config_file) {
                memcpy(out->config_file, value, strlen(value) + 1);
            } else if (value != NULL) {
                config__note(diag, true, "--config-file", "the path is too long");
            }
        } else if (option_is(argv[i], "--port-offset")) {
            value = option_value(argc, argv, &i, "--port-offset", diag);
            if (value != NULL) {
                out->port_offset_given = true;
                port_offset_take(value, "--port-offset", out, diag);
            }
        } else if (option_is(argv[i], "--instance")) {
            (void)option_value(argc, argv, &i, "--instance", diag);
        } else if (is_value_option(argv[i])) {
            (void)option_value(argc, argv, &i, argv[i], diag);
        } else {
            config__note(diag, true, argv[i], "unknown option; see `ballastd --help`");
        }
    }
    return diag->error_count > errors ? RESULT_CONFIG : RESULT_OK;
}

// `--set context.directive=value`; a namespace is `namespace.directive` for all of them or
// `namespace.NAME.directive` for one.
static enum base_result set_option_apply(struct config *config, const char *assignment,
                                         struct config_diag *diag)
{
    char path[NAME_SIZE];
    size_t size = strcspn(assignment, "=");
    const char *dot = strchr(assignment, '.');
    if (assignment[size] == '\0' || size >= sizeof path || dot == NULL || dot > assignment + size) {
        config__note(diag, true, "--set", "'%.64s' is not context.directive=value", assignment);
        return RESULT_CONFIG;
    }
    memcpy(path, assignment, size);
    path[size] = '\0';
    path[dot - assignment] = '\0';
    const char *rest = path + (dot - assignment) + 1;
    struct config_source source = {.origin = CONFIG_FROM_COMMAND_LINE, .name = "--set"};
    struct config_namespace *ns = NULL;
    static const char *const contexts[] = {[CONFIG_SERVICE] = "service",
                                           [CONFIG_LOGGING] = "logging",
                                           [CONFIG_NETWORK] = "network",
                                           [CONFIG_NAMESPACE] = "namespace"};
    uint32_t context = 0;
    while (context < CONFIG_SET && strcmp(contexts[context], path) != 0) {
        context++;
    }
    if (context == CONFIG_NAMESPACE && strchr(rest, '.') != NULL) {
        char *name_end = strchr(rest, '.');
        *name_end = '\0';
        ns = config_namespace_find(config, rest);
        if (ns != NULL) {
            rest = name_end + 1;
        } else {
            *name_end = '.';
        }
    }
    uint32_t row = context == CONFIG_SET ? CONFIG_ROW_NONE
                                         : config__row_find((enum config_context)context, rest);
    if (row == CONFIG_ROW_NONE) {
        config__note(diag, true, "--set", "'%.*s' names no directive; see `ballastd --help-config`",
                     (int)size, assignment);
        return RESULT_CONFIG;
    }
    if (ns != NULL) {
        struct config_place place = config__place(config, ns, CONFIG_NAMESPACE);
        return config__value_give(row, &place, assignment + size + 1, &source, "--set", diag);
    }
    return row_give(config, row, assignment + size + 1, &source, diag);
}

static enum base_result option_apply(struct config *config, const char *option, const char *value,
                                     struct config_diag *diag)
{
    char name[NAME_SIZE];
    size_t size = strcspn(option, "=");
    memcpy(name, option, size);
    name[size] = '\0';
    if (strcmp(name, "--set") == 0) {
        return set_option_apply(config, value, diag);
    }
    if (strcmp(name, "--log-level") == 0) {
        log_level_give(config, value, name, diag);
        return RESULT_OK;
    }
    if (strcmp(name, "--log-format") == 0) {
        log_format_give(config, value, name, diag);
        return RESULT_OK;
    }
    struct config_source source = {.origin = CONFIG_FROM_COMMAND_LINE, .name = name};
    return row_give(config, config__row_find_flat(name + 2), value, &source, diag);
}

enum base_result config_command_line_apply(struct config *config, int argc, char *const *argv,
                                           struct config_diag *diag)
{
    uint32_t errors = diag->error_count;
    struct config_command ignored;
    for (int i = 1; i < argc; i++) {
        if (flag_take(argv[i], &ignored)) {
            continue;
        }
        const char *option = argv[i];
        struct config_diag *scratch = diag;
        const char *value = option_value(argc, argv, &i, option, scratch);
        if (value != NULL && is_value_option(option) &&
            option_apply(config, option, value, diag) == RESULT_NO_MEMORY) {
            return RESULT_NO_MEMORY;
        }
    }
    return diag->error_count > errors ? RESULT_CONFIG : RESULT_OK;
}

// --- all together ------------------------------------------------------------------------------

static const char *file_choose(const struct config_command *command, char *const *environment)
{
    if (command->config_file[0] != '\0') {
        return command->config_file;
    }
    const char *path = environment_find(environment, "BALLAST_CONFIG_FILE");
    if (path != NULL && path[0] != '\0') {
        return path;
    }
    static const char *const usual[] = {"/etc/ballast/ballast.conf",
                                        "/etc/aerospike/aerospike.conf"};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (access(usual[i], F_OK) == 0) {
            return usual[i];
        }
    }
    return NULL;
}

enum base_result config_load(int argc, char *const *argv, char *const *environment,
                             struct config **out, struct config_command *command,
                             struct config_diag *diag)
{
    *out = NULL;
    struct config *config = NULL;
    enum base_result result = config_command_line_parse(argc, argv, command, diag);
    if (result != RESULT_OK) {
        return result;
    }
    result = config_new(&config);
    if (result == RESULT_OK && (command->help || command->version || command->help_config)) {
        *out = config; // these answer even where the configuration is bad
        return RESULT_OK;
    }
    const char *offset = environment_find(environment, "BALLAST_PORT_OFFSET");
    if (result == RESULT_OK && offset != NULL && offset[0] != '\0' && !command->port_offset_given) {
        port_offset_take(offset, "BALLAST_PORT_OFFSET", command, diag);
    }
    const char *path = file_choose(command, environment);
    if (result == RESULT_OK && path != NULL) {
        result = config_file_load(config, path, diag);
    }
    if (result == RESULT_OK || result == RESULT_CONFIG) {
        result = config_environment_apply(config, environment, diag);
    }
    if (result == RESULT_OK || result == RESULT_CONFIG) {
        result = config_command_line_apply(config, argc, argv, diag);
    }
    if ((result == RESULT_OK || result == RESULT_CONFIG) && diag->error_count == 0) {
        result = config_finish(config, command->port_offset, diag);
    }
    if (result == RESULT_OK && diag->error_count > 0) {
        result = RESULT_CONFIG;
    }
    if (result != RESULT_OK) {
        config_free(&config);
        return result;
    }
    *out = config;
    return RESULT_OK;
}
