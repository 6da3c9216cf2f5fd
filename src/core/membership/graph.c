// SPDX-License-Identifier: Apache-2.0
// The candidate: whom we should be in a view with. Computed from who hears whom, in the same way by
// every node, so that all that know the same come to the same groups.
//
// Nodes of the graph are those that we count, and those that we do not, when others have told of
// new heartbeats of them for a while: without these the two ends of a cut would each claim those in
// between for ever. Two nodes are joined when each says that it hears the other. So that all know
// the same, every node passes on what it knows of nodes that are not joined to all others.
//
// Groups: as long as not all of a group are joined, the node with the most missing edges is left
// out; of several the one with the lowest id. What was left out is grouped again. Views do not
// matter here: what comes out depends on the graph alone, so it rests when the graph does.
//
// A group with a member that is joined to one of an earlier group is an outcast: the cut is a
// partial one, clients may well reach both sides, and the earlier group serves them. It waits.
#include "core/membership/machine.h"

enum { NONE = LIMIT_CLUSTER_NODES };

struct graph {
    uint32_t count;
    uint8_t slot[LIMIT_CLUSTER_NODES];           // nodes that live, by id, highest first
    struct node_set nodes;                       // those that the groups are made of, by slots
    struct node_set joined[LIMIT_CLUSTER_NODES]; // by slots
    uint32_t missing[LIMIT_CLUSTER_NODES];       // edges within the group
};

bool membership__peer_lives(const struct membership *m, const struct peer *peer)
{
    return peer->counted ||
           (peer->told_ms != 0 && m->now_ms - peer->told_last_ms <= m->config.timeout_ms);
}

// One heartbeat told late is no news of a living node; those of a while are.
static bool rumour_is_confirmed(const struct membership *m, const struct peer *peer)
{
    return peer->told_last_ms - peer->told_ms >= membership__grace_ms(m);
}

static void nodes_gather(struct membership *m, struct graph *graph)
{
    graph->count = 0;
    graph->nodes = (struct node_set){0};
    for (uint32_t i = 0; i < m->order_count; i++) {
        uint32_t slot = m->order[i];
        struct peer *peer = &m->peer[slot];
        if (slot != MEMBERSHIP_SELF && !membership__peer_lives(m, peer)) {
            peer->known_ms = 0;
            continue;
        }
        peer->known_ms = peer->known_ms == 0 ? m->now_ms : peer->known_ms;
        graph->slot[graph->count++] = (uint8_t)slot;
        graph->joined[slot] = (struct node_set){0};
        if (slot == MEMBERSHIP_SELF || peer->counted || rumour_is_confirmed(m, peer)) {
            node_set_add(&graph->nodes, slot);
        }
    }
}

static struct node_set own_hears(const struct membership *m)
{
    struct node_set set = {0};
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (m->peer[i].counted) {
            node_set_add(&set, i);
        }
    }
    return set;
}

static void graph_build(struct membership *m, struct graph *graph)
{
    nodes_gather(m, graph);
    struct node_set own = own_hears(m);
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t a = graph->slot[i];
        for (uint32_t j = i + 1; j < graph->count; j++) {
            uint32_t b = graph->slot[j];
            const struct node_set *of_a = a == MEMBERSHIP_SELF ? &own : &m->peer[a].hears;
            const struct node_set *of_b = b == MEMBERSHIP_SELF ? &own : &m->peer[b].hears;
            if (node_set_has(of_a, b) && node_set_has(of_b, a)) {
                node_set_add(&graph->joined[a], b);
                node_set_add(&graph->joined[b], a);
            }
        }
    }
}

// Notes who is not joined to all others; when that changes, the others are to know.
static void partial_update(struct membership *m, const struct graph *graph)
{
    struct node_set partial = {0};
    for (uint32_t i = 0; i < graph->count; i++) {
        if (node_set_count(&graph->joined[graph->slot[i]]) + 1 < graph->count) {
            node_set_add(&partial, graph->slot[i]);
        }
    }
    if (!node_set_equal(&partial, &m->partial)) {
        m->partial = partial;
        m->news = true;
    }
}

static void missing_count(struct graph *graph, const struct node_set *group)
{
    uint32_t size = node_set_count(group);
    for (uint32_t slot = node_set_next(group, 0); slot < NONE;
         slot = node_set_next(group, slot + 1)) {
        struct node_set within = {{graph->joined[slot].bits[0] & group->bits[0],
                                   graph->joined[slot].bits[1] & group->bits[1]}};
        graph->missing[slot] = size - 1 - node_set_count(&within);
    }
}

// Who is to be left out of the group next; NONE: all are joined.
static uint32_t worst_of(const struct graph *graph, const struct node_set *group)
{
    uint32_t worst = NONE;
    for (uint32_t i = graph->count; i-- > 0;) {
        uint32_t slot = graph->slot[i];
        if (!node_set_has(group, slot) || graph->missing[slot] == 0) {
            continue;
        }
        if (worst == NONE || graph->missing[slot] > graph->missing[worst]) {
            worst = slot;
        }
    }
    return worst;
}

static void leave_out(struct graph *graph, struct node_set *group, uint32_t worst)
{
    node_set_remove(group, worst);
    for (uint32_t slot = node_set_next(group, 0); slot < NONE;
         slot = node_set_next(group, slot + 1)) {
        graph->missing[slot] -= !node_set_has(&graph->joined[worst], slot);
    }
}

static bool is_joined(const struct graph *graph, const struct node_set *group,
                      const struct node_set *others)
{
    for (uint32_t slot = node_set_next(group, 0); slot < NONE;
         slot = node_set_next(group, slot + 1)) {
        if ((graph->joined[slot].bits[0] & others->bits[0]) != 0 ||
            (graph->joined[slot].bits[1] & others->bits[1]) != 0) {
            return true;
        }
    }
    return false;
}

static struct node_set own_group(struct graph *graph, bool *outcast)
{
    struct node_set remaining = graph->nodes;
    struct node_set earlier = {0};
    for (;;) {
        struct node_set group = remaining;
        missing_count(graph, &group);
        for (uint32_t worst; (worst = worst_of(graph, &group)) != NONE;) {
            leave_out(graph, &group, worst);
        }
        if (node_set_has(&group, MEMBERSHIP_SELF)) {
            *outcast = is_joined(graph, &group, &earlier);
            return group;
        }
        base_assert(!node_set_is_empty(&group));
        earlier.bits[0] |= group.bits[0];
        earlier.bits[1] |= group.bits[1];
        remaining.bits[0] &= ~group.bits[0];
        remaining.bits[1] &= ~group.bits[1];
    }
}

void membership__candidate_update(struct membership *m)
{
    if (!m->graph_changed) {
        return;
    }
    struct graph graph;
    graph_build(m, &graph);
    partial_update(m, &graph);
    struct node_set group = own_group(&graph, &m->candidate.outcast);
    m->candidate.set = group;
    m->candidate.count = 0;
    // As long as there is somebody whom only others hear, time alone changes the graph.
    m->graph_changed = false;
    for (uint32_t i = 0; i < graph.count; i++) {
        if (node_set_has(&group, graph.slot[i])) {
            m->candidate.slot[m->candidate.count++] = graph.slot[i];
        }
        m->graph_changed |= graph.slot[i] != MEMBERSHIP_SELF && !m->peer[graph.slot[i]].counted;
    }
}
