// SPDX-License-Identifier: Apache-2.0
// The principal's side of the agreement: PREPARE to all members until each has promised, then
// COMMIT until each shows the view in its heartbeats. A round that a higher promise stands against,
// that lasts too long, or one of whose members is gone, is given up; the next one has a higher
// regime, and comes after a random while if another proposer may be at work, so that two of them do
// not hinder each other for ever.
#include "core/membership/machine.h"

enum {
    RESENDS_PER_INTERVAL = 4,
    BACKOFF_DOUBLINGS = 4,
    BLAME_ODD = 3,           // views that did not bring a member in for long
    ODD_SOON_INTERVALS = 16, // between one of them and the next
};

// A node that is heard but takes no part, in spite of many repeats, is treated as lost: all others
// are frozen because of it. It comes back as any node does that was lost. One that has said nothing
// at all since the round began may merely be slow and gets twice the time. True when that ended it.
static bool unanswered_blame(struct membership *m)
{
    const struct membership_view *view = &m->promise.view;
    uint64_t lasted_ms = m->now_ms - m->round.start_ms;
    bool blamed = false;
    for (uint32_t place = 0; place < view->count; place++) {
        if (!node_set_has(&m->round.waiting, place)) {
            continue;
        }
        uint32_t slot = membership__member_slot(m, &view->member[place]);
        if (slot == LIMIT_CLUSTER_NODES) {
            continue;
        }
        bool heard = m->peer[slot].heard_ms > m->round.start_ms + m->config.interval_ms;
        if (lasted_ms >= (heard ? 1 : 2) * membership__round_ms(m)) {
            membership__peer_blame(m, slot);
            blamed = true;
        }
    }
    return blamed;
}

// So is one that soon after each view is frozen or in another one again.
static void odd_blame(struct membership *m)
{
    uint64_t soon_ms = ODD_SOON_INTERVALS * (uint64_t)m->config.interval_ms;
    for (uint32_t i = 0; i < m->candidate.count; i++) {
        uint32_t slot = m->candidate.slot[i];
        struct peer *peer = &m->peer[slot];
        if (slot == MEMBERSHIP_SELF || !membership__peer_is_odd(m, peer)) {
            continue;
        }
        bool soon = peer->odd_count > 0 && m->now_ms - peer->odd_last_ms < soon_ms;
        peer->odd_count = soon ? peer->odd_count + 1 : 1;
        peer->odd_last_ms = m->now_ms;
        if (peer->odd_count >= BLAME_ODD) {
            peer->odd_count = 0;
            membership__peer_blame(m, slot);
        }
    }
}

void membership__round_abandon(struct membership *m, bool back_off)
{
    if (m->round.phase == ROUND_PREPARING) {
        m->promise.pending = false;
        if (back_off) {
            uint64_t span_ms = m->config.interval_ms / RESENDS_PER_INTERVAL + 1;
            uint32_t doublings = m->failures < BACKOFF_DOUBLINGS ? m->failures : BACKOFF_DOUBLINGS;
            m->failures++;
            m->backoff_ms = m->now_ms + 1 + membership__random(m) % (span_ms << doublings);
        }
    }
    m->round.phase = ROUND_IDLE;
}

static void view_fill(struct membership *m, struct membership_message *out)
{
    out->count = m->candidate.count;
    out->row_count = 0;
    for (uint32_t i = 0; i < m->candidate.count; i++) {
        uint32_t slot = m->candidate.slot[i];
        const struct peer *peer = &m->peer[slot];
        out->member[i] = slot == MEMBERSHIP_SELF
                             ? m->self
                             : (struct membership_member){.id = peer->id,
                                                          .incarnation = peer->incarnation,
                                                          .flags = peer->flags};
    }
}

static void waiting_send(struct membership *m, const struct membership_message *message)
{
    const struct membership_view *view = &m->promise.view;
    for (uint32_t place = 0; place < view->count; place++) {
        if (node_set_has(&m->round.waiting, place)) {
            membership__send(m, view->member[place].id, message);
        }
    }
    m->round.sent_ms = m->now_ms;
}

static void others_await(struct membership *m)
{
    m->round.waiting = (struct node_set){0};
    for (uint32_t place = 1; place < m->promise.view.count; place++) {
        node_set_add(&m->round.waiting, place);
    }
}

static void commit(struct membership *m)
{
    m->commit = m->prepare;
    m->commit.type = MEMBERSHIP_COMMIT;
    others_await(m);
    waiting_send(m, &m->commit);
    m->round.phase = ROUND_COMMITTING;
    m->round.start_ms = m->now_ms;
    membership__view_install(m);
}

static bool all_promised(const struct membership *m)
{
    uint32_t allowed = m->config.mutate_commit_without_one ? 1 : 0;
    return node_set_count(&m->round.waiting) <= allowed;
}

static void propose(struct membership *m)
{
    struct membership_message *out = &m->prepare;
    out->type = MEMBERSHIP_PREPARE;
    out->from = m->self.id;
    out->from_incarnation = m->self.incarnation;
    out->regime = (m->promise.regime > m->regime_seen ? m->promise.regime : m->regime_seen) + 1;
    do {
        out->key = membership__random(m) >> 16;
    } while (out->key == 0);
    view_fill(m, out);
    membership__promise_give(m, out);
    m->recluster = false;
    others_await(m);
    m->round.phase = ROUND_PREPARING;
    m->round.start_ms = m->now_ms;
    if (all_promised(m)) {
        waiting_send(m, out);
        commit(m);
    } else {
        waiting_send(m, out);
    }
}

static bool member_is_lost(const struct membership *m)
{
    const struct membership_view *view = &m->promise.view;
    for (uint32_t place = 0; place < view->count; place++) {
        if (membership__member_slot(m, &view->member[place]) == LIMIT_CLUSTER_NODES) {
            return true;
        }
    }
    return false;
}

static void preparing_step(struct membership *m)
{
    if (member_is_lost(m) || unanswered_blame(m)) {
        membership__round_abandon(m, false);
    } else if (m->now_ms - m->round.sent_ms >= m->config.interval_ms / RESENDS_PER_INTERVAL) {
        waiting_send(m, &m->prepare);
    }
}

static void committing_step(struct membership *m)
{
    if (m->now_ms - m->round.start_ms >= membership__round_ms(m)) {
        m->round.phase = ROUND_IDLE;
        return;
    }
    for (uint32_t place = 0; place < m->view.count; place++) {
        if (!node_set_has(&m->round.waiting, place)) {
            continue;
        }
        uint32_t slot = membership__member_slot(m, &m->view.member[place]);
        if (slot == LIMIT_CLUSTER_NODES ||
            (m->peer[slot].key == m->view.key && !m->peer[slot].frozen)) {
            node_set_remove(&m->round.waiting, place);
        }
    }
    if (node_set_is_empty(&m->round.waiting)) {
        m->round.phase = ROUND_IDLE;
    } else if (m->now_ms - m->round.sent_ms >= m->config.interval_ms / RESENDS_PER_INTERVAL) {
        waiting_send(m, &m->commit);
    }
}

void membership__round_step(struct membership *m)
{
    if (m->round.phase == ROUND_PREPARING) {
        preparing_step(m);
    } else if (m->round.phase == ROUND_COMMITTING) {
        committing_step(m);
    }
    membership__candidate_update(m);
    membership__reasons_update(m);
    if (m->round.phase != ROUND_PREPARING && membership__should_wait(m)) {
        membership__freeze(m);
    }
    if (m->round.phase == ROUND_PREPARING || !membership__should_propose(m)) {
        return;
    }
    odd_blame(m);
    membership__candidate_update(m);
    if (m->candidate.slot[0] == MEMBERSHIP_SELF &&
        m->out->count + m->candidate.count + 4 <= MEMBERSHIP_EFFECTS_MAX) {
        propose(m);
    }
}

// Place in the view that we have prepared of the sender of an answer to it, or LIMIT_CLUSTER_NODES.
static uint32_t answerer_place(const struct membership *m, const struct membership_message *message)
{
    const struct membership_view *view = &m->promise.view;
    if (m->round.phase != ROUND_PREPARING || message->key != view->key) {
        return LIMIT_CLUSTER_NODES;
    }
    uint32_t place = membership__view_place(view, message->from, message->from_incarnation);
    return place < view->count ? place : LIMIT_CLUSTER_NODES;
}

void membership__on_promised(struct membership *m, const struct membership_message *message)
{
    uint32_t place = answerer_place(m, message);
    if (place == LIMIT_CLUSTER_NODES || message->regime != m->promise.regime) {
        return;
    }
    node_set_remove(&m->round.waiting, place);
    if (all_promised(m)) {
        commit(m);
    }
}

void membership__on_refused(struct membership *m, const struct membership_message *message)
{
    if (message->regime > m->regime_seen) {
        m->regime_seen = message->regime;
    }
    uint32_t place = answerer_place(m, message);
    if (place != LIMIT_CLUSTER_NODES && message->regime >= m->promise.regime) {
        membership__round_abandon(m, true);
    }
}
