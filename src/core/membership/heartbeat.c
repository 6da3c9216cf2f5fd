// SPDX-License-Identifier: Apache-2.0
// Heartbeats: what we tell all others each interval, and at once when there is news; and what we
// learn from theirs. What a heartbeat says of third nodes is kept by slot, so that comparing it
// with the last one and looking at the whole graph is cheap.
#include "core/membership/machine.h"

enum { NEWS_GAP_MS = 20 }; // between two heartbeats when there is much news

// The slot that an entry of somebody's list means, or LIMIT_CLUSTER_NODES.
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
        membership__peer_is_past(m, peer, entry->incarnation)) {
        return LIMIT_CLUSTER_NODES;
    }
    // Others hear a newer process of a node that we do not hear at all.
    membership__peer_replace(m, slot, entry->incarnation);
    return slot;
}

static void adjacency_set(struct membership *m, uint32_t slot, const struct node_set *hears)
{
    struct peer *peer = &m->peer[slot];
    if (!node_set_equal(hears, &peer->hears)) {
        peer->hears = *hears;
        m->graph_changed = true;
    }
}

// What the sender passes on of nodes that we do not count. `slot_of`: of its entries.
static void rows_take(struct membership *m, const struct membership_message *message,
                      const uint8_t slot_of[LIMIT_CLUSTER_NODES])
{
    for (uint32_t i = 0; i < message->row_count; i++) {
        const struct membership_row *row = &message->row[i];
        uint32_t slot = slot_of[row->node];
        if (slot == LIMIT_CLUSTER_NODES || slot == MEMBERSHIP_SELF || m->peer[slot].counted ||
            row->sequence <= m->peer[slot].told_sequence) {
            continue;
        }
        struct node_set hears = {0};
        for (uint32_t j = node_set_next(&row->hears, 0); j < message->count;
             j = node_set_next(&row->hears, j + 1)) {
            if (slot_of[j] != LIMIT_CLUSTER_NODES) {
                node_set_add(&hears, slot_of[j]);
            }
        }
        membership__peer_told(m, slot, row->sequence);
        if (!m->peer[slot].alive) {
            adjacency_set(m, slot, &hears);
        }
        m->graph_changed = true;
    }
}

static void adjacency_take(struct membership *m, uint32_t from,
                           const struct membership_message *message)
{
    uint8_t slot_of[LIMIT_CLUSTER_NODES];
    struct node_set hears = {0};
    for (uint32_t i = 0; i < message->count; i++) {
        uint32_t slot = entry_slot(m, &message->member[i]);
        slot_of[i] = (uint8_t)slot;
        if (slot != LIMIT_CLUSTER_NODES && slot != from &&
            (message->member[i].flags & ENTRY_HEARD) != 0) {
            node_set_add(&hears, slot);
        }
    }
    adjacency_set(m, from, &hears);
    rows_take(m, message, slot_of);
}

static void state_take(struct membership *m, struct peer *peer,
                       const struct membership_message *message)
{
    if (((peer->flags ^ message->flags) & MEMBER_LEAVING) != 0) {
        m->look = true;
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
    struct peer *peer = &m->peer[slot];
    if (peer->incarnation != message->from_incarnation) {
        if (membership__peer_is_past(m, peer, message->from_incarnation) &&
            !membership__peer_is_rival(m, peer)) {
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
    // A member of our view promised another one, so ours is over. We may not be in that one: who
    // is left out by a partial cut learns it so before the others serve.
    uint32_t place = membership__view_place(&m->view, message->from, message->from_incarnation);
    if (!m->frozen && message->regime > m->promise.regime && place < m->view.count) {
        membership__freeze(m);
    }
    // Somebody has the view that we promised: so it was committed.
    const struct promise *promise = &m->promise;
    if (promise->pending && message->key == promise->view.key &&
        message->view_regime == promise->regime && m->round.phase != ROUND_PREPARING) {
        membership__view_install(m);
    }
}

// What we know of nodes that not all can hear, for those who cannot. `entry_of`: by slots.
static void rows_build(const struct membership *m, struct membership_message *out,
                       const struct node_set *listed, const uint8_t entry_of[LIMIT_CLUSTER_NODES])
{
    out->row_count = 0;
    for (uint32_t slot = node_set_next(&m->partial, 1); slot < LIMIT_CLUSTER_NODES;
         slot = node_set_next(&m->partial, slot + 1)) {
        const struct peer *peer = &m->peer[slot];
        if (!node_set_has(listed, slot)) {
            continue;
        }
        struct membership_row *row = &out->row[out->row_count++];
        row->node = entry_of[slot];
        row->sequence = peer->counted ? peer->sequence : peer->told_sequence;
        row->hears = (struct node_set){0};
        for (uint32_t i = node_set_next(&peer->hears, 0); i < LIMIT_CLUSTER_NODES;
             i = node_set_next(&peer->hears, i + 1)) {
            if (node_set_has(listed, i)) {
                node_set_add(&row->hears, entry_of[i]);
            }
        }
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
    uint8_t entry_of[LIMIT_CLUSTER_NODES];
    struct node_set listed = {0};
    for (uint32_t i = 0; i < m->order_count; i++) {
        uint32_t slot = m->order[i];
        const struct peer *peer = &m->peer[slot];
        bool heard = slot == MEMBERSHIP_SELF || peer->counted;
        if (heard || membership__peer_lives(m, peer)) {
            node_set_add(&listed, slot);
            entry_of[slot] = (uint8_t)out->count;
            out->member[out->count++] = (struct membership_member){
                .id = peer->id, .incarnation = peer->incarnation, .flags = heard ? ENTRY_HEARD : 0};
        }
    }
    rows_build(m, out, &listed, entry_of);
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
