// SPDX-License-Identifier: Apache-2.0
// What always holds in a membership machine between two steps.
#include "core/membership/machine.h"

static void view_check(const struct membership_view *view, const struct membership *m)
{
    base_assert(view->key != 0 && view->key >> 48 == 0 && view->regime != 0);
    base_assert(view->count > 0 && view->count <= LIMIT_CLUSTER_NODES);
    base_assert(view->member[0].id == view->principal);
    for (uint32_t i = 1; i < view->count; i++) {
        base_assert(view->member[i].id < view->member[i - 1].id);
    }
    base_assert(membership__view_place(view, m->self.id, m->self.incarnation) < view->count);
}

static void peers_check(const struct membership *m)
{
    uint32_t used = 0;
    uint32_t alive = 0;
    for (uint32_t slot = 0; slot < LIMIT_CLUSTER_NODES; slot++) {
        const struct peer *peer = &m->peer[slot];
        used += peer->id != 0;
        alive += peer->alive;
        base_assert(!peer->counted || peer->alive);
        base_assert(!peer->alive || (peer->heard && !peer->gone && peer->id != 0));
    }
    base_assert(used == m->order_count);
    base_assert((alive != 0) == (m->company_ms != 0));
    base_assert(!m->peer[MEMBERSHIP_SELF].alive);
    for (uint32_t i = 1; i < m->order_count; i++) {
        base_assert(m->peer[m->order[i]].id < m->peer[m->order[i - 1]].id);
    }
}

static void candidate_check(const struct membership *m)
{
    base_assert(node_set_has(&m->candidate.set, MEMBERSHIP_SELF));
    base_assert(node_set_count(&m->candidate.set) == m->candidate.count);
    for (uint32_t i = 1; i < m->candidate.count && !m->graph_changed; i++) {
        base_assert(m->peer[m->candidate.slot[i]].id < m->peer[m->candidate.slot[i - 1]].id);
    }
}

void membership_check(const struct membership *machine)
{
    const struct membership *m = machine;
    base_magic_check(m, MEMBERSHIP_MAGIC);
    base_assert(m->out == NULL && m->now_ms > 0);
    peers_check(m);
    candidate_check(m);
    base_assert(m->frozen || m->view.key != 0);
    base_assert(m->promise.regime >= m->view.regime);
    if (m->view.key != 0) {
        view_check(&m->view, m);
    }
    if (m->promise.pending) {
        base_assert(m->frozen && m->promise.regime > m->view.regime);
        view_check(&m->promise.view, m);
    }
    if (m->round.phase == ROUND_PREPARING) {
        base_assert(m->promise.pending && m->promise.from == m->self.id);
        base_assert(!node_set_is_empty(&m->round.waiting));
    }
    if (m->round.phase == ROUND_COMMITTING) {
        base_assert(m->view.principal == m->self.id);
    }
}
