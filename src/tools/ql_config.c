// SPDX-License-Identifier: Apache-2.0
// What the query tool takes from the tools' configuration files.
#include "tools/config.h"
#include "tools/ql_options.h"

struct target {
    struct ql_options *options;
    FILE *err;
};

static enum base_result apply(const char *name, const char *value, void *arg)
{
    const struct target *target = arg;
    return ql_option_apply(target->options, name, value, target->err);
}

enum base_result ql_config_read(struct ql_options *options, const char *path, bool must_exist,
                                FILE *err)
{
    static const char *const sections[] = {"cluster", "aql", NULL};
    struct target target = {.options = options, .err = err};
    const struct tools_config config = {.sections = sections,
                                        .instance = options->instance,
                                        .apply = apply,
                                        .arg = &target,
                                        .err = err};
    return tools_config_read(&config, path, must_exist);
}
