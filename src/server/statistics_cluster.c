// SPDX-License-Identifier: Apache-2.0
// From the status of the cluster to the numbers that tools know.
#include "server/statistics_cluster.h"

#include <inttypes.h>
#include <stdio.h>

#include "io/clock.h"
#include "server/clustering.h"
#include "server/migrations.h"

static void alone_gather(const struct node *node, struct statistics_cluster *out)
{
    out->numbers[C_SIZE] = 1;
    out->numbers[C_VIEWS] = 1;
    out->numbers[C_INTEGRITY] = true;
    out->numbers[C_MEMBER] = true;
    out->numbers[C_SINCE_REBALANCE_S] = io_clock_monotonic_ns() / 1000000000u - node->start_s;
    snprintf(out->principal, sizeof out->principal, "%s", node->id);
}

void statistics_cluster_gather(struct node *node, struct statistics_cluster *out)
{
    *out = (struct statistics_cluster){.duplicates = "null"};
    if (node->clustering == NULL) {
        alone_gather(node, out);
        return;
    }
    struct clustering_status status;
    clustering_status_copy(node->clustering, &status);
    out->numbers[C_SIZE] = status.view.count;
    out->numbers[C_VIEWS] = status.views;
    out->numbers[C_INTEGRITY] = !status.frozen;
    out->numbers[C_MEMBER] = status.view.key != 0;
    out->numbers[C_SINCE_REBALANCE_S] = status.view_age_ms / 1000;
    out->numbers[C_HEARTBEAT_CONNECTIONS] = status.heartbeat_opened - status.heartbeat_closed;
    out->numbers[C_HEARTBEAT_OPENED] = status.heartbeat_opened;
    out->numbers[C_HEARTBEAT_CLOSED] = status.heartbeat_closed;
    out->numbers[C_HEARTBEAT_SELF] = status.heartbeat_received_self;
    out->numbers[C_HEARTBEAT_FOREIGN] = status.heartbeat_received_foreign;
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        struct clustering_space space;
        bool planned = clustering_space_copy(node->clustering, i, &space);
        out->numbers[C_MIGRATIONS_REMAINING] +=
            planned ? space.progress.sync_remaining + space.progress.incoming_remaining
                    : LIMIT_PARTITIONS;
    }
    snprintf(out->principal, sizeof out->principal, "%" PRIX64, status.view.principal);
    if (status.duplicate_id != 0) {
        snprintf(out->duplicates, sizeof out->duplicates, "%" PRIX64, status.duplicate_id);
    }
}

static void quiesce_gather(struct node *node, uint64_t numbers[P_COUNT])
{
    struct clustering_status status;
    clustering_status_copy(node->clustering, &status);
    numbers[P_SIZE] = status.view.count;
    numbers[P_PENDING_QUIESCE] = (status.flags & (MEMBER_QUIESCED | MEMBER_LEAVING)) != 0;
    for (uint32_t i = 0; i < status.view.count; i++) {
        bool quiesced = (status.view.member[i].flags & (MEMBER_QUIESCED | MEMBER_LEAVING)) != 0;
        numbers[P_NODES_QUIESCED] += quiesced;
        numbers[P_QUIESCED] |= quiesced && status.view.member[i].id == node->identity.id;
    }
}

void statistics_space_gather(struct namespace *ns, uint64_t numbers[P_COUNT])
{
    struct node *node = ns->node;
    for (uint32_t i = 0; i < P_COUNT; i++) {
        numbers[i] = 0;
    }
    numbers[P_SIZE] = numbers[P_FACTOR] = 1;
    if (node->clustering == NULL) {
        return;
    }
    quiesce_gather(node, numbers);
    struct clustering_space space;
    if (clustering_space_copy(node->clustering, ns->cluster_number, &space)) {
        numbers[P_SIZE] = space.member_count;
        numbers[P_FACTOR] = space.replication_factor;
        numbers[P_DEAD] = space.progress.lost;
        numbers[P_UNREPLICATED] = space.unreplicated;
        numbers[P_TX_INITIAL] = space.progress.sync_initial;
        numbers[P_TX_REMAINING] = space.progress.sync_remaining;
        numbers[P_TX_LEAD] = space.progress.lead_remaining;
        numbers[P_RX_INITIAL] = space.progress.incoming_initial;
        numbers[P_RX_REMAINING] = space.progress.incoming_remaining;
    } else {
        numbers[P_UNAVAILABLE] = LIMIT_PARTITIONS;
    }
    struct migrations_totals totals;
    migrations_totals(node->migrations, ns->cluster_number, &totals);
    numbers[P_TX_ACTIVE] = totals.active;
    numbers[P_RX_ACTIVE] = numbers[P_RX_REMAINING] > 0;
    numbers[P_RECORDS_SKIPPED] = totals.sync.records_skipped;
    numbers[P_RECORDS_SENT] = totals.sync.records_sent;
    numbers[P_RECORDS_RESENT] = totals.sync.resent;
    numbers[P_RECORDS_RECEIVED] = totals.sync.records_received + totals.records_received;
}
