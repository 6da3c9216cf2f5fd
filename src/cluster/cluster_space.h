// SPDX-License-Identifier: Apache-2.0
// One namespace within the cluster: its partition machine, and the places that it sets. Also what
// the files of the cluster machine share. Nodes stand in views by their place there, in places by
// peer number; this is where one becomes the other.
#pragma once

#include "cluster/cluster.h"

struct cluster__space {
    struct cluster *cluster;
    uint32_t number; // of the namespace
    const struct cluster_namespace *config;
    struct partition_machine *machine;
    uint64_t draining[LIMIT_PARTITIONS / 64]; // a bit each: waits for nothing to be in flight
    bool placed;                              // the plan of this view is made and carried out
    bool places_changed;                      // and those who wait have not been told yet
    bool migrating;                           // since the plan, until nothing remains
};

struct cluster {
    uint32_t magic;
    struct cluster_config config;
    struct cluster_edge edge;
    struct membership *membership;
    bool frozen;                           // nothing may be served, nor said to partition machines
    uint64_t key;                          // of the view that the spaces are in; 0: none yet
    uint64_t now_ms;                       // of the event at hand
    uint32_t self;                         // places in that view
    uint8_t peer[LIMIT_CLUSTER_NODES];     // peer number by place in the view
    uint8_t place_of[LIMIT_CLUSTER_NODES]; // and back; PLACE_NOBODY: not a member
    struct membership_view view;           // as installed; for the report of the next one
    struct cluster__space space[LIMIT_NAMESPACES];

    // Room for one message or list at a time; too large for a stack.
    struct membership_message heartbeat;
    struct membership_effects membership_effects;
    struct partition_effects partition_effects;
    struct partition_exchange exchange;
    uint8_t heartbeat_bytes[LIMIT_HEARTBEAT_SIZE];
    uint8_t control_bytes[MESSAGE_HEADER_SIZE + 1 + LIMIT_NAMESPACE_NAME_SIZE +
                          PARTITION_EXCHANGE_SIZE_MAX];
};

// A view was installed: snapshot of the copies, and on to the machine.
void cluster__space_on_view(struct cluster__space *space);

void cluster__space_tick(struct cluster__space *space);
void cluster__space_on_exchange(struct cluster__space *space, uint32_t from,
                                const struct partition_exchange *exchange);
void cluster__space_on_message(struct cluster__space *space, uint32_t from,
                               const struct partition_message *message);
void cluster__space_on_synced(struct cluster__space *space, uint32_t from, uint32_t partition);

// Sends an exchange about a namespace, which may be one that we do not have.
void cluster__exchange_send(struct cluster *cluster, uint32_t to, const char *name,
                            const struct partition_exchange *exchange);

// The place of a node in the view; LIMIT_CLUSTER_NODES: it is not a member.
uint32_t cluster__member_find(const struct membership_view *view, uint64_t id);

// What an operator wants to know.
void cluster__report_view(const struct cluster *cluster, const struct membership_view *before,
                          const struct membership_view *view);
void cluster__report_plan(const struct cluster__space *space);
void cluster__report_done(const struct cluster__space *space);
void cluster__report_numberless(const struct cluster *cluster, uint64_t id);

// The places stand as the machine says; asserts.
void cluster__space_check(const struct cluster__space *space);
