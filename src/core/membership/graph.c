// SPDX-License-Identifier: Apache-2.0
// The candidate: whom we should be in a view with. Computed from who hears whom, in the same way by
// every node, so that all that know the same come to the same groups.
//
// Nodes of the graph are those that we count, and those that we do not hear ourselves but somebody
// whom we count has heard for a while: without these the two ends of a cut would each claim those
// in between for ever. A node that is certainly gone is none, whatever is still said of it. Two
// nodes are joined when each says that it hears the other; of a node that we do not hear, the word
// of the other end counts that it is mutual, and two that we do not hear are taken as joined.
//
// Groups: as long as not all of a group are joined, the node with the most missing edges is left
// out; of several the one whose view has the fewest nodes in the graph, so that a newcomer does
// not push out who is in; then the lowest id. What was left out is grouped again.
#include "core/membership/machine.h"

enum { NONE = LIMIT_CLUSTER_NODES };

struct graph {
    uint32_t count;
    uint8_t slot[LIMIT_CLUSTER_NODES];           // nodes by id, highest first
    struct node_set nodes;                       // the same, by slots
    struct node_set joined[LIMIT_CLUSTER_NODES]; // by slots
    uint64_t key[LIMIT_CLUSTER_NODES];           // of the node's view, 0: none or unknown
    uint32_t share[LIMIT_CLUSTER_NODES];         // nodes with the same view
    uint32_t missing[LIMIT_CLUSTER_NODES];       // edges within the group
};

// Until when what others say of a node that is certainly gone is taken for old news.
static uint64_t gone_ms(const struct membership *m)
{
    return m->config.timeout_ms + membership__grace_ms(m);
}

bool membership__mention_is_ripe(const struct membership *m, const struct peer *peer)
{
    return peer->mention_ms != 0 && m->now_ms - peer->mention_ms >= membership__grace_ms(m);
}

// Who is not counted by us, but mutually heard by somebody who is. True while a mention ripens.
static bool mentions_update(struct membership *m)
{
    struct node_set mentioned = {0};
    for (uint32_t i = 0; i < m->order_count; i++) {
        const struct peer *peer = &m->peer[m->order[i]];
        if (peer->counted) {
            mentioned.bits[0] |= peer->mutual.bits[0];
            mentioned.bits[1] |= peer->mutual.bits[1];
        }
    }
    bool ripening = false;
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        struct peer *peer = &m->peer[slot];
        bool old_news = peer->gone && m->now_ms - peer->lost_ms < gone_ms(m);
        if (peer->id == 0 || peer->counted || !node_set_has(&mentioned, slot) || old_news) {
            peer->mention_ms = 0;
            ripening |= old_news && node_set_has(&mentioned, slot);
            continue;
        }
        if (peer->mention_ms == 0) {
            peer->mention_ms = m->now_ms;
        }
        ripening |= !membership__mention_is_ripe(m, peer);
    }
    return ripening;
}

static bool peers_joined(const struct membership *m, uint32_t a, uint32_t b)
{
    const struct peer *x = &m->peer[a];
    const struct peer *y = &m->peer[b];
    bool x_counted = a != MEMBERSHIP_SELF && x->counted;
    bool y_counted = b != MEMBERSHIP_SELF && y->counted;
    if (a == MEMBERSHIP_SELF) {
        return y_counted && node_set_has(&y->hears, MEMBERSHIP_SELF);
    }
    if (x_counted && y_counted) {
        return node_set_has(&x->hears, b) && node_set_has(&y->hears, a);
    }
    if (x_counted) {
        return node_set_has(&x->mutual, b);
    }
    return y_counted ? node_set_has(&y->mutual, a) : true;
}

// The view of a node that we do not hear, by the word of who does.
static uint64_t mentioned_key(const struct membership *m, uint32_t slot)
{
    for (uint32_t i = 0; i < m->order_count; i++) {
        const struct peer *peer = &m->peer[m->order[i]];
        if (peer->counted && node_set_has(&peer->same_view, slot)) {
            return peer->key;
        }
    }
    return 0;
}

static void nodes_gather(const struct membership *m, struct graph *graph)
{
    graph->count = 0;
    graph->nodes = (struct node_set){0};
    for (uint32_t i = 0; i < m->order_count; i++) {
        uint32_t slot = m->order[i];
        const struct peer *peer = &m->peer[slot];
        if (slot == MEMBERSHIP_SELF) {
            graph->key[slot] = m->view.key;
        } else if (peer->counted) {
            graph->key[slot] = peer->key;
        } else if (membership__mention_is_ripe(m, peer)) {
            graph->key[slot] = mentioned_key(m, slot);
        } else {
            continue;
        }
        graph->slot[graph->count++] = (uint8_t)slot;
        node_set_add(&graph->nodes, slot);
        graph->joined[slot] = (struct node_set){0};
        graph->share[slot] = 0;
    }
}

static void graph_build(const struct membership *m, struct graph *graph)
{
    nodes_gather(m, graph);
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t a = graph->slot[i];
        for (uint32_t j = i + 1; j < graph->count; j++) {
            uint32_t b = graph->slot[j];
            bool joined = b == MEMBERSHIP_SELF ? peers_joined(m, b, a) : peers_joined(m, a, b);
            if (joined) {
                node_set_add(&graph->joined[a], b);
                node_set_add(&graph->joined[b], a);
            }
            if (graph->key[a] != 0 && graph->key[a] == graph->key[b]) {
                graph->share[a]++;
                graph->share[b]++;
            }
        }
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
        if (worst == NONE || graph->missing[slot] > graph->missing[worst] ||
            (graph->missing[slot] == graph->missing[worst] &&
             graph->share[slot] < graph->share[worst])) {
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

static struct node_set own_group(struct graph *graph)
{
    struct node_set remaining = graph->nodes;
    for (;;) {
        struct node_set group = remaining;
        missing_count(graph, &group);
        for (uint32_t worst; (worst = worst_of(graph, &group)) != NONE;) {
            leave_out(graph, &group, worst);
        }
        if (node_set_has(&group, MEMBERSHIP_SELF)) {
            return group;
        }
        base_assert(!node_set_is_empty(&group));
        remaining.bits[0] &= ~group.bits[0];
        remaining.bits[1] &= ~group.bits[1];
    }
}

void membership__candidate_update(struct membership *m)
{
    if (!m->graph_changed) {
        return;
    }
    // As long as a mention ripens, time alone changes the graph.
    m->graph_changed = mentions_update(m);
    struct graph graph;
    graph_build(m, &graph);
    struct node_set group = own_group(&graph);
    m->candidate.set = group;
    m->candidate.count = 0;
    for (uint32_t i = 0; i < graph.count; i++) {
        if (node_set_has(&group, graph.slot[i])) {
            m->candidate.slot[m->candidate.count++] = graph.slot[i];
        }
    }
}
