// SPDX-License-Identifier: Apache-2.0
// The node as main makes it.
#include "server/node.h"

struct namespace *node_namespace_find(struct node *node, struct base_slice name)
{
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        struct namespace *ns = &node->namespaces[i];
        if (base_slice_equal(name,
                             (struct base_slice){(const uint8_t *)ns->name, strlen(ns->name)})) {
            return ns;
        }
    }
    return NULL;
}
