// SPDX-License-Identifier: Apache-2.0
// What the command line and the tools' configuration files ask for (info-and-tools section 5.1).
// Owned by the caller; the texts are copies. One thread, as getopt keeps state of its own.
#pragma once

#include <stdio.h>

#include "base/result.h"
#include "tools/ql_settings.h"

enum ql_options_action {
    QL_OPTIONS_RUN,     // connect and go on
    QL_OPTIONS_VERSION, // print the version
    QL_OPTIONS_OPTIONS, // print the options
    QL_OPTIONS_HELP,    // print the options and the commands
};

enum { QL_OPTION_SIZE_MAX = 1023 };

struct ql_options {
    enum ql_options_action action;
    char hosts[QL_OPTION_SIZE_MAX + 1]; // as given: "h[:tls][:port],..."
    uint16_t port;
    char user[64];
    bool alternate_addresses;
    bool has_command;
    char *command;
    bool has_file;
    char file[QL_OPTION_SIZE_MAX + 1];
    char instance[64];
    char config_file[QL_OPTION_SIZE_MAX + 1];
    bool config_none; // read no configuration file
    bool config_only; // read config_file and no other
    struct ql_settings settings;
};

void ql_options_fini(struct ql_options *options);

// Reads the configuration files, then the command line over them. RESULT_PARAMETER after the
// mistake was written to `err`; RESULT_NO_MEMORY. `home` may be NULL.
BASE_MUST_USE enum base_result ql_options_parse(struct ql_options *out, int argc, char **argv,
                                                const char *home, FILE *err);

// Applies one option of a configuration file by its long name; names that no option has are left to
// other tools. RESULT_PARAMETER after the mistake was written to `err`.
BASE_MUST_USE enum base_result ql_option_apply(struct ql_options *options, const char *name,
                                               const char *value, FILE *err);

// Reads one configuration file: the sections [cluster] and [aql], or with an instance
// [cluster_<instance>] and [aql_<instance>]. A file that is not there is an error only when
// `must_exist`.
BASE_MUST_USE enum base_result ql_config_read(struct ql_options *options, const char *path,
                                              bool must_exist, FILE *err);

// The seeds without the names that TLS knows them by: "h:port,h:port", at most `out_size` - 1
// bytes. RESULT_PARAMETER when one is malformed.
BASE_MUST_USE enum base_result ql_options_seeds(const struct ql_options *options, char *out,
                                                size_t out_size);

void ql_options_print(FILE *out);
