// SPDX-License-Identifier: Apache-2.0
// The table of nodes: who is heard, who was lost, who counts again. A node that was lost has to be
// heard for a while before it counts, and longer when that happens again and again, so that a bad
// link costs few views.
#include "core/membership/machine.h"

#include <string.h>

enum {
    NONE = LIMIT_CLUSTER_NODES,
    HOLD_INTERVALS = 2,      // after the first loss
    HOLD_INTERVALS_MAX = 32, // it doubles up to this
    BLAME_FLAPS = 2,         // what a node that hinders others has to bear on top of the loss
    STEADY_INTERVALS = 64,   // counted for so long: its losses are forgotten
};

// Place in `order` of the first node whose id is not higher.
static uint32_t order_place(const struct membership *m, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = m->order_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (m->peer[m->order[middle]].id > id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t membership__slot_find(const struct membership *m, uint64_t id)
{
    uint32_t place = order_place(m, id);
    bool found = place < m->order_count && m->peer[m->order[place]].id == id;
    return found ? m->order[place] : NONE;
}

void membership__peer_column_clear(struct membership *m, uint32_t slot)
{
    for (uint32_t i = 0; i < m->order_count; i++) {
        struct peer *peer = &m->peer[m->order[i]];
        node_set_remove(&peer->hears, slot);
    }
    m->graph_changed = true;
}

// A slot for a new node: a free one, else that of a node that is not alive, lost the longest; for
// one that is only told of, not that of another one of the kind nor one that was given in this
// step.
static uint32_t slot_spare(const struct membership *m, bool heard)
{
    uint32_t best = NONE;
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        const struct peer *peer = &m->peer[slot];
        if (peer->id == 0) {
            return slot;
        }
        bool spare = heard || (peer->told_ms == 0 && peer->lost_ms < m->now_ms);
        if (!peer->alive && spare && (best == NONE || peer->lost_ms < m->peer[best].lost_ms)) {
            best = slot;
        }
    }
    return best;
}

uint32_t membership__slot_claim(struct membership *m, uint64_t id, bool heard)
{
    uint32_t slot = slot_spare(m, heard);
    if (slot == NONE) {
        return NONE;
    }
    struct peer *peer = &m->peer[slot];
    if (peer->id != 0) {
        membership__peer_column_clear(m, slot);
        uint32_t old = order_place(m, peer->id);
        memmove(m->order + old, m->order + old + 1, m->order_count - old - 1);
        m->order_count--;
    }
    *peer = (struct peer){.id = id, .lost_ms = m->now_ms};
    uint32_t place = order_place(m, id);
    memmove(m->order + place + 1, m->order + place, m->order_count - place);
    m->order[place] = (uint8_t)slot;
    m->order_count++;
    m->graph_changed = true;
    return slot;
}

// A process that was replaced, or so we believe: which of two is the newer one cannot be told from
// their incarnations, and a late message of the old one may have been the last that came. So it is
// believed again when nothing was heard of the other for a while.
bool membership__peer_is_past(const struct membership *m, const struct peer *peer,
                              uint64_t incarnation)
{
    if (incarnation == peer->incarnation) {
        return false; // believed again
    }
    if (!peer->alive && m->now_ms - peer->lost_ms > m->config.timeout_ms) {
        return false;
    }
    for (uint32_t i = 0; i < peer->past_next && i < MEMBERSHIP_PAST; i++) {
        if (peer->past[i] == incarnation) {
            return true;
        }
    }
    return false;
}

// A heartbeat came from a process of the past. When that goes on while the present one is silent,
// it was the other way round: a late message of the one that is over came last.
bool membership__peer_is_rival(const struct membership *m, struct peer *peer)
{
    if (peer->rival_ms == 0 || peer->rival_ms < peer->heard_ms) {
        peer->rival_ms = m->now_ms;
    }
    return m->now_ms - peer->rival_ms >= membership__grace_ms(m);
}

// Another process under the same id: what we knew of the old one is void, for good.
void membership__peer_replace(struct membership *m, uint32_t slot, uint64_t incarnation)
{
    struct peer *peer = &m->peer[slot];
    if (peer->heard) {
        membership__peer_lose(m, slot, true);
        peer->past[peer->past_next % MEMBERSHIP_PAST] = peer->incarnation;
        // Kept in the upper half once all places were used, so that it says how many are.
        peer->past_next =
            peer->past_next + 1 < 2 * MEMBERSHIP_PAST ? peer->past_next + 1 : MEMBERSHIP_PAST;
    }
    membership__peer_column_clear(m, slot);
    peer->incarnation = incarnation;
    peer->fresh = true;
    peer->rival_ms = 0;
    peer->heard = false;
    peer->gone = false;
    peer->sequence = 0;
    peer->told_sequence = 0;
    peer->told_ms = 0;
    peer->hears = (struct node_set){0};
    peer->odd_count = 0;
}

// A process that was restarted is let in at once, unless that too happens again and again. One that
// was gone for certain says its last words late, or it lives after all.
static uint64_t hold_ms(const struct membership *m, const struct peer *peer)
{
    uint32_t losses = peer->flaps - (peer->fresh && peer->flaps > 0);
    bool late = peer->gone && !peer->fresh;
    uint64_t intervals = losses == 0 && !late ? 0 : HOLD_INTERVALS;
    for (uint32_t i = 1; i < losses && intervals < HOLD_INTERVALS_MAX; i++) {
        intervals *= 2;
    }
    return intervals * m->config.interval_ms;
}

static void peer_count(struct membership *m, struct peer *peer)
{
    peer->counted = true;
    peer->fresh = false;
    peer->counted_ms = m->now_ms;
    peer->told_ms = 0;
    m->graph_changed = true;
    m->news = true;
}

// Others heard something new of it. That counts for more than a rumour when it goes on.
void membership__peer_told(struct membership *m, uint32_t slot, uint64_t sequence)
{
    struct peer *peer = &m->peer[slot];
    if (peer->told_ms == 0 || m->now_ms - peer->told_last_ms > m->config.timeout_ms) {
        peer->told_ms = m->now_ms;
    }
    peer->told_last_ms = m->now_ms;
    peer->told_sequence = sequence;
}

void membership__peer_heard(struct membership *m, uint32_t slot)
{
    struct peer *peer = &m->peer[slot];
    peer->heard = true;
    peer->heard_ms = m->now_ms;
    if (!peer->alive) {
        if (m->company_ms == 0) {
            m->company_ms = m->now_ms;
        }
        peer->alive = true;
        peer->back_ms = m->now_ms;
        peer->hold_ms = hold_ms(m, peer);
        peer->gone = false;
    }
    if (!peer->counted && m->now_ms - peer->back_ms >= peer->hold_ms) {
        peer_count(m, peer);
    }
}

void membership__peer_lose(struct membership *m, uint32_t slot, bool certain)
{
    struct peer *peer = &m->peer[slot];
    if (peer->counted) {
        peer->flaps += !certain || (peer->flags & MEMBER_LEAVING) == 0; // who left was not lost
        m->graph_changed = true;
        m->news = true;
        m->look = true;
    }
    if (peer->alive || (certain && !peer->gone)) {
        peer->lost_ms = m->now_ms;
    }
    peer->alive = false;
    peer->counted = false;
    peer->gone = certain;
    peer->told_ms = 0;
    peer->told_sequence = peer->sequence;
    peer->hears = (struct node_set){0};
    if (membership__alive_count(m) == 0) {
        m->company_ms = 0;
    }
}

// It is heard, but hinders the others. Away with it, for longer than who was merely lost.
void membership__peer_blame(struct membership *m, uint32_t slot)
{
    m->peer[slot].flaps += BLAME_FLAPS;
    membership__peer_lose(m, slot, true);
}

void membership__peers_expire(struct membership *m)
{
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        struct peer *peer = &m->peer[slot];
        if (peer->alive && m->now_ms - peer->heard_ms > m->config.timeout_ms) {
            membership__peer_lose(m, slot, false);
        }
        if (peer->counted && peer->flaps > 0 &&
            m->now_ms - peer->counted_ms > STEADY_INTERVALS * (uint64_t)m->config.interval_ms) {
            peer->flaps = 0;
        }
    }
}

uint32_t membership__alive_count(const struct membership *m)
{
    uint32_t count = 0;
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        count += m->peer[slot].alive;
    }
    return count;
}

uint32_t membership__member_slot(const struct membership *m, const struct membership_member *member)
{
    uint32_t slot = membership__slot_find(m, member->id);
    if (slot == NONE || m->peer[slot].incarnation != member->incarnation) {
        return NONE;
    }
    return slot == MEMBERSHIP_SELF || m->peer[slot].counted ? slot : NONE;
}

uint32_t membership__view_place(const struct membership_view *view, uint64_t id,
                                uint64_t incarnation)
{
    uint32_t low = 0;
    uint32_t high = view->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (view->member[middle].id > id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < view->count && view->member[low].id == id &&
                 view->member[low].incarnation == incarnation;
    return found ? low : view->count;
}
