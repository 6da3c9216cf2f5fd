// SPDX-License-Identifier: Apache-2.0
// Every option is one row: its names, whether it takes a value, what it sets and what it means. The
// command line, the configuration files and --options all read these rows.
#include "tools/ql_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"

// What an option does with its value.
enum option_kind {
    OPTION_ACTION, // `number` is the action
    OPTION_COMMAND,
    OPTION_TEXT,    // into `offset`, of `number` bytes
    OPTION_FLAG,    // true into `offset`
    OPTION_PORT,    // into `offset`
    OPTION_SETTING, // `number` is the setting; without a value true
    OPTION_TYPES,   // switches a setting off
    OPTION_FILE,
    OPTION_PASSWORD, // not kept: it is not sent
    OPTION_IGNORED,  // a tuning of another client
    OPTION_REFUSED,  // `help` says what is missing
};

enum value_kind { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct option_row {
    const char *name;
    char letter; // 0: none
    enum value_kind value;
    enum option_kind kind;
    size_t offset;
    size_t number;
    const char *metavar;
    const char *help; // NULL: not listed
};

#define TEXT_MEMBER(member)                                                                        \
    offsetof(struct ql_options, member), sizeof(((struct ql_options *)0)->member)
#define FLAG_MEMBER(member) offsetof(struct ql_options, member), 0
#define NO_TLS              "TLS is not built into this version"

static const struct option_row rows[] = {
    {"host", 'h', VALUE_NEEDED, OPTION_TEXT, TEXT_MEMBER(hosts), "HOST[:PORT],...",
     "the nodes to ask first; 127.0.0.1"},
    {"port", 'p', VALUE_NEEDED, OPTION_PORT, FLAG_MEMBER(port), "PORT",
     "the port of hosts that name none; 3000"},
    {"user", 'U', VALUE_NEEDED, OPTION_TEXT, TEXT_MEMBER(user), "USER", "the user's name"},
    {"password", 'P', VALUE_OPTIONAL, OPTION_PASSWORD, 0, 0, "PASSWORD",
     "the user's password; this version sends none"},
    {"auth", 'A', VALUE_NEEDED, OPTION_IGNORED, 0, 0, "MODE", NULL},
    {"services-alternate", 'a', VALUE_NONE, OPTION_FLAG, FLAG_MEMBER(alternate_addresses), NULL,
     "reach the nodes at their alternate-access-address"},
    {"command", 'c', VALUE_NEEDED, OPTION_COMMAND, 0, 0, "COMMANDS",
     "run the commands, separated by semicolons, and end"},
    {"file", 'f', VALUE_NEEDED, OPTION_FILE, 0, 0, "PATH", "run the commands of a file and end"},
    {"outputmode", 'o', VALUE_NEEDED, OPTION_SETTING, 0, QL_SETTING_OUTPUT, "MODE",
     "table, json, raw, csv or mute"},
    {"outputtypes", 'n', VALUE_OPTIONAL, OPTION_TYPES, 0, QL_SETTING_OUTPUT_TYPES, NULL,
     "show values without LIST, MAP and GeoJSON around them"},
    {"timeout", 'T', VALUE_NEEDED, OPTION_SETTING, 0, QL_SETTING_TIMEOUT, "MS",
     "for one command; 1000"},
    {"socket-timeout", 0, VALUE_NEEDED, OPTION_SETTING, 0, QL_SETTING_SOCKET_TIMEOUT, "MS",
     "without progress; -1: 30000 for scans, no limit for the rest"},
    {"udfuser", 'u', VALUE_NEEDED, OPTION_SETTING, 0, QL_SETTING_LUA_USERPATH, "PATH",
     "where user modules lie"},
    {"threadpoolsize", 'z', VALUE_NEEDED, OPTION_IGNORED, 0, 0, "COUNT", NULL},
    {"echo", 'e', VALUE_NONE, OPTION_SETTING, 0, QL_SETTING_ECHO, NULL,
     "print each command before its result"},
    {"verbose", 'v', VALUE_NONE, OPTION_SETTING, 0, QL_SETTING_VERBOSE, NULL,
     "tell what is sent and how long it takes"},
    {"instance", 'I', VALUE_NEEDED, OPTION_TEXT, TEXT_MEMBER(instance), "NAME",
     "read the configuration sections with this suffix"},
    {"config-file", 'C', VALUE_NEEDED, OPTION_TEXT, TEXT_MEMBER(config_file), "PATH",
     "read this configuration file after the others"},
    {"no-config-file", 'N', VALUE_NONE, OPTION_FLAG, FLAG_MEMBER(config_none), NULL,
     "read no configuration file"},
    {"only-config-file", 'Y', VALUE_NEEDED, OPTION_TEXT, TEXT_MEMBER(config_file), "PATH",
     "read this configuration file and no other"},
    {"version", 'V', VALUE_NONE, OPTION_ACTION, 0, QL_OPTIONS_VERSION, NULL, "print the version"},
    {"options", 'O', VALUE_NONE, OPTION_ACTION, 0, QL_OPTIONS_OPTIONS, NULL, "print these options"},
    {"help", 'E', VALUE_NONE, OPTION_ACTION, 0, QL_OPTIONS_HELP, NULL,
     "print these options and the commands"},
    {"tls-enable", 0, VALUE_NONE, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-encrypt-only", 0, VALUE_NONE, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-name", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-cafile", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-capath", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-protocols", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-cipher-suite", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-keyfile", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-keyfile-password", 0, VALUE_OPTIONAL, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-certfile", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-cert-blacklist", 0, VALUE_NEEDED, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-crl-check", 0, VALUE_NONE, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-crl-checkall", 0, VALUE_NONE, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
    {"tls-login-only", 0, VALUE_NONE, OPTION_REFUSED, 0, 0, NULL, NO_TLS},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0], LONG_BASE = 1000 };

static void options_init(struct ql_options *options)
{
    memset(options, 0, sizeof *options);
    strcpy(options->hosts, "127.0.0.1");
    options->port = 3000;
    ql_settings_init(&options->settings);
}

void ql_options_fini(struct ql_options *options)
{
    free(options->command);
    options->command = NULL;
}

static enum base_result text_set(char *to, size_t to_size, const char *name, const char *value,
                                 FILE *err)
{
    if (strlen(value) >= to_size) {
        fprintf(err, "--%s: longer than %zu bytes\n", name, to_size - 1);
        return RESULT_PARAMETER;
    }
    strcpy(to, value);
    return RESULT_OK;
}

static enum base_result port_set(uint16_t *out, const char *name, const char *value, FILE *err)
{
    char *end;
    long port = strtol(value, &end, 10);
    if (*end != '\0' || port < 1 || port > UINT16_MAX) {
        fprintf(err, "--%s takes 1 to %d, not %s\n", name, UINT16_MAX, value);
        return RESULT_PARAMETER;
    }
    *out = (uint16_t)port;
    return RESULT_OK;
}

static enum base_result setting_apply(struct ql_options *options, const struct option_row *row,
                                      const char *value, FILE *err)
{
    if (ql_setting_set(&options->settings, row->number, tools_slice_of(value)) == RESULT_OK) {
        return RESULT_OK;
    }
    struct tools_text values = {0};
    ql_setting_values_append(&values, row->number);
    fprintf(err, "--%s takes %s, not %s\n", row->name, tools_text_string(&values), value);
    tools_text_fini(&values);
    return RESULT_PARAMETER;
}

// --outputtypes switches the types off; in a configuration file it may say false or true.
static enum base_result types_apply(struct ql_options *options, const struct option_row *row,
                                    const char *value, FILE *err)
{
    return setting_apply(options, row, value == NULL ? "false" : value, err);
}

static enum base_result command_set(struct ql_options *options, const char *value)
{
    free(options->command);
    options->command = strdup(value);
    options->has_command = true;
    return options->command == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static enum base_result row_apply(struct ql_options *options, const struct option_row *row,
                                  const char *value, FILE *err)
{
    void *member = (uint8_t *)options + row->offset;
    switch (row->kind) {
    case OPTION_ACTION:
        options->action = (enum ql_options_action)row->number;
        return RESULT_OK;
    case OPTION_COMMAND:
        return command_set(options, value);
    case OPTION_FILE:
        options->has_file = true;
        return text_set(options->file, sizeof options->file, row->name, value, err);
    case OPTION_TEXT:
        options->config_only |= row->letter == 'Y';
        return text_set(member, row->number, row->name, value, err);
    case OPTION_FLAG:
        *(bool *)member = value == NULL || strcasecmp(value, "false") != 0;
        return RESULT_OK;
    case OPTION_PORT:
        return port_set(member, row->name, value, err);
    case OPTION_SETTING:
        return setting_apply(options, row, value == NULL ? "true" : value, err);
    case OPTION_TYPES:
        return types_apply(options, row, value, err);
    case OPTION_PASSWORD:
    case OPTION_IGNORED:
        return RESULT_OK;
    case OPTION_REFUSED:
        break;
    }
    if (value != NULL && strcasecmp(value, "false") == 0) {
        return RESULT_OK; // a configuration file that switches it off
    }
    fprintf(err, "--%s: %s\n", row->name, row->help);
    return RESULT_PARAMETER;
}

enum base_result ql_option_apply(struct ql_options *options, const char *name, const char *value,
                                 FILE *err)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool for_files = rows[i].kind != OPTION_ACTION && rows[i].kind != OPTION_COMMAND &&
                         rows[i].kind != OPTION_FILE;
        if (for_files && strcmp(rows[i].name, name) == 0) {
            return row_apply(options, &rows[i], value, err);
        }
    }
    return RESULT_OK; // the files hold options of other tools too
}

// The rows in getopt's form: names, and a number for each, its letter or one past LONG_BASE.
struct getopt_form {
    struct option names[ROW_COUNT + 1];
    char letters[ROW_COUNT * 3 + 2];
};

static void getopt_form_fill(struct getopt_form *form)
{
    memset(form, 0, sizeof *form);
    size_t at = 0;
    form->letters[at++] = ':'; // a missing value is told apart from an unknown option
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &rows[i];
        form->names[i] = (struct option){
            .name = row->name,
            .has_arg = row->value == VALUE_NONE     ? no_argument
                       : row->value == VALUE_NEEDED ? required_argument
                                                    : optional_argument,
            .val = row->letter != 0 ? row->letter : LONG_BASE + (int)i,
        };
        if (row->letter != 0) {
            form->letters[at++] = row->letter;
            for (int colons = row->value; colons > 0; colons--) {
                form->letters[at++] = ':';
            }
        }
    }
}

static const struct option_row *row_of(int found)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].letter == found || LONG_BASE + (int)i == found) {
            return &rows[i];
        }
    }
    return NULL;
}

// An optional value may stand apart from its option, if it does not look like an option.
static const char *value_apart(const struct option_row *row, int argc, char **argv)
{
    if (optind >= argc || argv[optind][0] == '-') {
        return NULL;
    }
    bool is_bool = strcasecmp(argv[optind], "true") == 0 || strcasecmp(argv[optind], "false") == 0;
    return row->kind == OPTION_PASSWORD || is_bool ? argv[optind++] : NULL;
}

// Goes over the command line. In the first pass only what decides which files are read counts.
static enum base_result line_parse(struct ql_options *options, int argc, char **argv, bool first,
                                   FILE *err)
{
    struct getopt_form form;
    getopt_form_fill(&form);
    optind = 0; // getopt starts anew
    opterr = 0;
    int found;
    while ((found = getopt_long(argc, argv, form.letters, form.names, NULL)) != -1) {
        const struct option_row *row = found == '?' || found == ':' ? NULL : row_of(found);
        if (row == NULL) {
            const char *what = found == ':' ? "needs a value" : "is no option";
            fprintf(err, "%s %s; --options lists them\n", argv[optind - 1], what);
            return RESULT_PARAMETER;
        }
        const char *value = optarg;
        if (value == NULL && row->value == VALUE_OPTIONAL) {
            value = value_apart(row, argc, argv);
        }
        bool about_files =
            row->kind == OPTION_ACTION || (row->letter != 0 && strchr("ICNY", row->letter) != NULL);
        if (first && !about_files) {
            continue;
        }
        enum base_result result = row_apply(options, row, value, err);
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (optind < argc) {
        fprintf(err, "%s: what is this? Commands come with -c '%s'\n", argv[optind], argv[optind]);
        return RESULT_PARAMETER;
    }
    return RESULT_OK;
}

static enum base_result files_read(struct ql_options *options, const char *home, FILE *err)
{
    if (options->config_none) {
        if (options->config_only) {
            fprintf(err, "--no-config-file and --only-config-file exclude each other\n");
            return RESULT_PARAMETER;
        }
        return RESULT_OK;
    }
    enum base_result result = RESULT_OK;
    if (!options->config_only) {
        result = ql_config_read(options, "/etc/aerospike/astools.conf", false, err);
        if (result == RESULT_OK && home != NULL) {
            char path[QL_OPTION_SIZE_MAX + 1];
            snprintf(path, sizeof path, "%s/.aerospike/astools.conf", home);
            result = ql_config_read(options, path, false, err);
        }
    }
    if (result == RESULT_OK && options->config_file[0] != '\0') {
        result = ql_config_read(options, options->config_file, true, err);
    }
    return result;
}

enum base_result ql_options_parse(struct ql_options *out, int argc, char **argv, const char *home,
                                  FILE *err)
{
    options_init(out);
    enum base_result result = line_parse(out, argc, argv, true, err);
    if (result != RESULT_OK || out->action != QL_OPTIONS_RUN) {
        return result;
    }
    result = files_read(out, home, err);
    if (result == RESULT_OK) {
        result = line_parse(out, argc, argv, false, err);
    }
    return result;
}

// Appends one seed without its TLS name. The parts are host, perhaps a name, perhaps a port.
static bool seed_append(struct tools_text *out, const char *seed, size_t size, uint16_t port)
{
    const char *end = seed + size;
    const char *host_end = memchr(seed, size > 0 && seed[0] == '[' ? ']' : ':', size);
    if (size > 0 && seed[0] == '[') {
        if (host_end == NULL) {
            return false;
        }
        host_end++;
    }
    host_end = host_end == NULL ? end : host_end;
    if (host_end == seed || (host_end < end && *host_end != ':')) {
        return false;
    }
    tools_text_append(out, seed, (size_t)(host_end - seed));
    const char *last = memrchr(host_end, ':', (size_t)(end - host_end));
    if (last == NULL) {
        tools_text_format_append(out, ":%u", port);
        return true;
    }
    char digits[8] = "";
    size_t digits_size = (size_t)(end - last - 1);
    bool is_port = digits_size > 0 && digits_size < sizeof digits &&
                   strspn(last + 1, "0123456789") >= digits_size;
    if (!is_port) {
        tools_text_format_append(out, ":%u", port); // "host:tls-name"
        return last == host_end;
    }
    memcpy(digits, last + 1, digits_size);
    long number = strtol(digits, NULL, 10);
    tools_text_format_append(out, ":%ld", number);
    return number > 0 && number <= UINT16_MAX;
}

enum base_result ql_options_seeds(const struct ql_options *options, char *out, size_t out_size)
{
    struct tools_text seeds = {0};
    enum base_result result = RESULT_OK;
    for (const char *at = options->hosts; *at != '\0' && result == RESULT_OK;) {
        size_t size = strcspn(at, ",");
        if (seeds.size > 0) {
            tools_text_char_append(&seeds, ',');
        }
        if (!seed_append(&seeds, at, size, options->port)) {
            result = RESULT_PARAMETER;
        }
        at += size + (at[size] == ',');
    }
    if (seeds.size == 0 || seeds.size >= out_size) {
        result = RESULT_PARAMETER;
    }
    if (result == RESULT_OK) {
        strcpy(out, tools_text_string(&seeds));
    }
    tools_text_fini(&seeds);
    return result;
}

void ql_options_print(FILE *out)
{
    fputs("Usage: ballast ql [OPTIONS]\n\n", out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &rows[i];
        if (row->help == NULL || row->kind == OPTION_REFUSED) {
            continue;
        }
        char names[64];
        const char *metavar = row->metavar == NULL ? "" : row->metavar;
        bool apart = row->value == VALUE_NEEDED;
        snprintf(names, sizeof names, "--%s%s%s%s", row->name,
                 metavar[0] == '\0' ? ""
                 : apart            ? "="
                                    : "[=",
                 metavar, metavar[0] != '\0' && !apart ? "]" : "");
        if (row->letter != 0) {
            fprintf(out, " -%c, %-28s %s\n", row->letter, names, row->help);
        } else {
            fprintf(out, "     %-28s %s\n", names, row->help);
        }
    }
    fputs(
        "\nDefaults may stand in /etc/aerospike/astools.conf and ~/.aerospike/astools.conf, in "
        "the\n"
        "sections [cluster] and [aql], under the long names of these options.\n"
        "The --tls-* options are known and refused: " NO_TLS ".\n",
        out);
}
