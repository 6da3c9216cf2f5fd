// SPDX-License-Identifier: Apache-2.0
// Statistics of the node and of its namespaces by the names that tools know (info-and-tools section
// 3). Each name stands once, in the tables of statistics.c, with where its value comes from; what
// cannot happen on this node is a constant zero. Any thread may call.
#pragma once

#include "server/node.h"

// Called for each statistic in its order.
typedef void (*statistics_show_fn)(const char *name, const char *value, void *arg);

void statistics_node_show(struct node *node, statistics_show_fn show, void *arg);
void statistics_namespace_show(struct namespace *ns, statistics_show_fn show, void *arg);
