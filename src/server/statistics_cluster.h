// SPDX-License-Identifier: Apache-2.0
// The figures about the cluster behind `statistics` and `namespace/<ns>`, gathered at once for one
// showing. A node without a clustering thread has those of a node that is alone. Any thread.
#pragma once

#include "server/node.h"

enum statistics_cluster_number {
    C_SIZE,
    C_VIEWS,
    C_INTEGRITY,
    C_MEMBER,
    C_SINCE_REBALANCE_S,
    C_MIGRATIONS_REMAINING,
    C_HEARTBEAT_CONNECTIONS,
    C_HEARTBEAT_OPENED,
    C_HEARTBEAT_CLOSED,
    C_HEARTBEAT_SELF,
    C_HEARTBEAT_FOREIGN,
    C_COUNT,
};

struct statistics_cluster {
    uint64_t numbers[C_COUNT];
    char principal[LIMIT_NODE_ID_SIZE + 1];
    char duplicates[LIMIT_NODE_ID_SIZE + 1]; // "null": none
};

void statistics_cluster_gather(struct node *node, struct statistics_cluster *out);

enum statistics_space_number {
    P_SIZE,
    P_FACTOR,
    P_DEAD,
    P_UNAVAILABLE,
    P_UNREPLICATED,
    P_PENDING_QUIESCE,
    P_QUIESCED,
    P_NODES_QUIESCED,
    P_TX_ACTIVE,
    P_TX_INITIAL,
    P_TX_REMAINING,
    P_TX_LEAD,
    P_RX_ACTIVE,
    P_RX_INITIAL,
    P_RX_REMAINING,
    P_RECORDS_SKIPPED,
    P_RECORDS_SENT,
    P_RECORDS_RESENT,
    P_RECORDS_RECEIVED,
    P_COUNT,
};

void statistics_space_gather(struct namespace *ns, uint64_t numbers[P_COUNT]);
