// SPDX-License-Identifier: Apache-2.0
// The member's side of the agreement: promise, freeze, install. Promises are ordered by regime,
// then by the id of who proposes; one is given only if it is higher than every one before it.
#include "core/membership/machine.h"

// The promise to ourselves or to another principal. We serve nothing from here on.
void membership__promise_give(struct membership *m, const struct membership_message *prepare)
{
    struct promise *promise = &m->promise;
    promise->regime = prepare->regime;
    promise->from = prepare->from;
    promise->from_incarnation = prepare->from_incarnation;
    promise->given_ms = m->now_ms;
    promise->pending = true;
    promise->view.key = prepare->key;
    promise->view.regime = prepare->regime;
    promise->view.principal = prepare->from;
    promise->view.count = prepare->count;
    for (uint32_t i = 0; i < prepare->count; i++) {
        promise->view.member[i] = prepare->member[i];
    }
    membership__freeze(m);
    m->news = true;
}

// The view that was promised holds from now on.
void membership__view_install(struct membership *m)
{
    base_assert(m->promise.pending && m->frozen);
    m->view = m->promise.view;
    m->promise.pending = false;
    m->frozen = false;
    m->woken_ms = 0;
    m->failures = 0;
    m->backoff_ms = 0;
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        m->peer[slot].odd_ms = 0;
        m->peer[slot].arrival_ms = 0;
        m->peer[slot].exclude_ms = 0;
    }
    m->graph_changed = true;
    m->news = true;
    base_assert(m->out->count < MEMBERSHIP_EFFECTS_MAX);
    m->out->effect[m->out->count++] = (struct membership_effect){.type = MEMBERSHIP_VIEW};
}

static void answer(struct membership *m, const struct membership_message *prepare,
                   enum membership_message_type type)
{
    struct membership_message *out = &m->reply;
    out->type = type;
    out->from = m->self.id;
    out->from_incarnation = m->self.incarnation;
    out->regime = type == MEMBERSHIP_PROMISED ? prepare->regime : m->promise.regime;
    out->key = prepare->key;
    out->count = 0;
    out->row_count = 0;
    membership__send(m, prepare->from, out);
}

// Two views of one regime must not be installed by the same node, whoever proposed them.
static bool prepare_is_higher(const struct membership *m, const struct membership_message *prepare)
{
    const struct promise *promise = &m->promise;
    if (prepare->regime != promise->regime) {
        return prepare->regime > promise->regime;
    }
    return prepare->from > promise->from && prepare->regime > m->view.regime;
}

static bool member_is_self(const struct membership *m, const struct membership_message *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        if (message->member[i].id == m->self.id) {
            return message->member[i].incarnation == m->self.incarnation;
        }
    }
    return false;
}

static bool sender_is_over(const struct membership *m, const struct membership_message *message)
{
    uint32_t slot = membership__slot_find(m, message->from);
    return slot == MEMBERSHIP_SELF ||
           (slot != LIMIT_CLUSTER_NODES &&
            membership__peer_is_past(m, &m->peer[slot], message->from_incarnation));
}

void membership__on_prepare(struct membership *m, const struct membership_message *message)
{
    if (sender_is_over(m, message) || !member_is_self(m, message)) {
        return;
    }
    struct promise *promise = &m->promise;
    if (message->regime == promise->regime && message->from == promise->from &&
        message->key == promise->view.key) {
        // The same again: our answer was lost, or this one came late. Frozen only once for it.
        if (promise->pending || (!m->frozen && m->view.key == message->key)) {
            promise->given_ms = m->now_ms;
            answer(m, message, MEMBERSHIP_PROMISED);
        }
        return;
    }
    if (!prepare_is_higher(m, message)) {
        answer(m, message, MEMBERSHIP_REFUSED);
        return;
    }
    membership__round_abandon(m, true);
    membership__promise_give(m, message);
    answer(m, message, MEMBERSHIP_PROMISED);
}

void membership__on_commit(struct membership *m, const struct membership_message *message)
{
    const struct promise *promise = &m->promise;
    if (promise->pending && message->key == promise->view.key &&
        message->regime == promise->regime && message->from == promise->from &&
        m->round.phase != ROUND_PREPARING) {
        membership__view_install(m);
    }
}
