// SPDX-License-Identifier: Apache-2.0
// Heartbeats: what we tell all others each interval, and at once when there is news; and what we
// learn from theirs. What a heartbeat says of third nodes is kept by slot, so that comparing it
// with the last one and looking at the whole graph is cheap.
#include "core/membership/machine.h"

enum { NEWS_GAP_MS = 20 }; // between two heartbeats when there is much news

// The slot that an entry of somebody's adjacency means, or LIMIT_CLUSTER_NODES.
static uint32_t entry_slot(struct membership *m, const struct membership_member *entry)
{
    uint32_t slot = membership__slot_find(m, entry->id);
    if (slot == LIMIT_CLUSTER_NODES) {
        slot = membership__slot_claim(m, entry->id, false);
        if (slot == LIMIT_CLUSTER_NODES) {
            return slot;
        }
        m->peer[slot].incarnation = entry->incarnation;
    }
    struct peer *peer = &m->peer[slot];
    if (peer->incarnation == entry->incarnation) {
        return slot;
    }
    if (slot == MEMBERSHIP_SELF || peer->alive ||
        membership__peer_is_past(peer, entry->incarnation)) {
        return LIMIT_CLUSTER_NODES;
    }
    // Others hear a newer process of a node that we do not hear at all.
    membership__peer_column_clear(m, slot);
    peer->incarnation = entry->incarnation;
    peer->heard = false;
    peer->gone = false;
    peer->sequence = 0;
    return slot;
}

static void adjacency_take(struct membership *m, uint32_t from,
                           const struct membership_message *message)
{
    struct node_set hears = {0};
    struct node_set mutual = {0};
    struct node_set same_view = {0};
    for (uint32_t i = 0; i < message->count; i++) {
        uint32_t slot = entry_slot(m, &message->member[i]);
        if (slot == LIMIT_CLUSTER_NODES) {
            continue;
        }
        node_set_add(&hears, slot);
        if ((message->member[i].flags & ADJACENCY_MUTUAL) != 0) {
            node_set_add(&mutual, slot);
        }
        if ((message->member[i].flags & ADJACENCY_IN_VIEW) != 0) {
            node_set_add(&same_view, slot);
        }
    }
    struct peer *peer = &m->peer[from];
    if (node_set_has(&hears, MEMBERSHIP_SELF) != node_set_has(&peer->hears, MEMBERSHIP_SELF)) {
        m->news = true; // our own edge to it is mutual now, or no longer
    }
    if (!node_set_equal(&hears, &peer->hears) || !node_set_equal(&mutual, &peer->mutual) ||
        !node_set_equal(&same_view, &peer->same_view)) {
        m->graph_changed = true;
    }
    peer->hears = hears;
    peer->mutual = mutual;
    peer->same_view = same_view;
}

static void state_take(struct membership *m, struct peer *peer,
                       const struct membership_message *message)
{
    if (((peer->flags ^ message->flags) & MEMBER_LEAVING) != 0) {
        m->look = true;
    }
    if (peer->key != message->key) {
        m->graph_changed = true;
    }
    peer->sequence = message->sequence;
    peer->flags = message->flags;
    peer->frozen = message->frozen;
    peer->settled = message->settled;
    peer->regime = message->regime;
    peer->view_regime = message->view_regime;
    peer->key = message->key;
    if (message->regime > m->regime_seen) {
        m->regime_seen = message->regime;
    }
}

// The slot of the sender, known or new; LIMIT_CLUSTER_NODES when it is not to be listened to.
static uint32_t sender_slot(struct membership *m, const struct membership_message *message)
{
    uint32_t slot = membership__slot_find(m, message->from);
    if (slot == MEMBERSHIP_SELF) {
        return LIMIT_CLUSTER_NODES;
    }
    if (slot == LIMIT_CLUSTER_NODES) {
        slot = membership__slot_claim(m, message->from, true);
        if (slot != LIMIT_CLUSTER_NODES) {
            m->peer[slot].incarnation = message->from_incarnation;
        }
        return slot;
    }
    const struct peer *peer = &m->peer[slot];
    if (peer->incarnation != message->from_incarnation) {
        if (membership__peer_is_past(peer, message->from_incarnation)) {
            return LIMIT_CLUSTER_NODES;
        }
        membership__peer_replace(m, slot, message->from_incarnation);
    } else if (peer->heard && message->sequence <= peer->sequence) {
        return LIMIT_CLUSTER_NODES;
    }
    return slot;
}

void membership__on_heartbeat(struct membership *m, const struct membership_message *message)
{
    uint32_t slot = sender_slot(m, message);
    if (slot == LIMIT_CLUSTER_NODES) {
        return;
    }
    state_take(m, &m->peer[slot], message);
    membership__peer_heard(m, slot);
    adjacency_take(m, slot, message);
    // Somebody has the view that we promised: so it was committed.
    const struct promise *promise = &m->promise;
    if (promise->pending && message->key == promise->view.key &&
        message->view_regime == promise->regime && m->round.phase != ROUND_PREPARING) {
        membership__view_install(m);
    }
}

static void heartbeat_build(struct membership *m)
{
    struct membership_message *out = &m->heartbeat;
    out->type = MEMBERSHIP_HEARTBEAT;
    out->from = m->self.id;
    out->from_incarnation = m->self.incarnation;
    out->regime = m->promise.regime;
    out->key = m->view.key;
    out->view_regime = m->view.regime;
    out->sequence = ++m->sequence;
    out->flags = m->self.flags;
    out->frozen = m->frozen;
    out->settled = m->settled;
    out->count = 0;
    for (uint32_t i = 0; i < m->order_count; i++) {
        const struct peer *peer = &m->peer[m->order[i]];
        if (!peer->counted) {
            continue;
        }
        uint8_t flags = 0;
        if (node_set_has(&peer->hears, MEMBERSHIP_SELF)) {
            flags |= ADJACENCY_MUTUAL;
        }
        if (membership__view_place(&m->view, peer->id, peer->incarnation) < m->view.count) {
            flags |= ADJACENCY_IN_VIEW;
        }
        out->member[out->count++] = (struct membership_member){
            .id = peer->id, .incarnation = peer->incarnation, .flags = flags};
    }
}

void membership__heartbeat_send_due(struct membership *m)
{
    uint64_t gap_ms = m->config.interval_ms;
    if (m->news && gap_ms > NEWS_GAP_MS) {
        gap_ms = NEWS_GAP_MS;
    }
    if (m->heartbeat_ms != 0 && m->now_ms - m->heartbeat_ms < gap_ms) {
        return;
    }
    heartbeat_build(m);
    m->heartbeat_ms = m->now_ms;
    m->news = false;
    membership__send(m, 0, &m->heartbeat);
}
