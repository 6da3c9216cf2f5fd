// SPDX-License-Identifier: Apache-2.0
// Which features of a node are in use, told by counters above zero and by configuration.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/admin_map.h"

struct admin_call;

size_t admin_features_count(void);
const char *admin_feature_name(size_t number);

// Whether a node uses the feature: `service` holds its statistics, `config` its service and
// network configuration, `namespaces` the statistics and configuration of each namespace.
bool admin_feature_used(size_t number, const struct admin_map *service,
                        const struct admin_map *service_config,
                        const struct admin_map *network_config, const struct admin_map *namespaces,
                        size_t namespace_count);

void admin_features_run(struct admin_call *call);
