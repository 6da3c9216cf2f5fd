// SPDX-License-Identifier: Apache-2.0
// All that nodes tell of themselves, taken apart: for pictures of a whole cluster. The maps point
// into the replies that are kept with them. One thread.
#pragma once

#include "tools/admin_session.h"

struct admin_gathered {
    const struct admin_node *node;
    bool faulty;
    struct admin_map service, service_config, network_config, release;
    struct base_slice build, version, cluster_name;
    struct admin_map *namespaces; // of those that the node has
    const char *names[ADMIN_NAMESPACES_MAX];
    size_t namespace_count;
};

struct admin_gather {
    struct admin_namespaces namespaces;
    struct admin_replies replies;
    struct admin_gathered *nodes;
    size_t count;
};

// Asks the selected nodes. False when memory ran out or nobody could be asked, which has been told.
bool admin_gather_begin(struct admin_call *call, struct admin_gather *out);
void admin_gather_end(struct admin_gather *gather);
