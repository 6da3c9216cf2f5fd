// SPDX-License-Identifier: Apache-2.0
// The tools' configuration files, /etc/aerospike/astools.conf and its like: sections, and lines
// `name = value` with a string, a number or a boolean. Nothing is kept; one thread.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/result.h"

struct tools_config {
    const char *const *sections; // that are read, ended by NULL
    const char *instance;        // stands behind their names, as in [cluster_east]; "": none
    // Takes a value, which lives during the call. What it returns but RESULT_OK ends the reading;
    // it has told why on `err`.
    enum base_result (*apply)(const char *name, const char *value, void *arg);
    void *arg;
    FILE *err;
};

// RESULT_PARAMETER when the file is malformed, a value is refused, or the file is missing and must
// exist; the reason is on `err`, with file and line.
BASE_MUST_USE enum base_result tools_config_read(const struct tools_config *config,
                                                 const char *path, bool must_exist);
