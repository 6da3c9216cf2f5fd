// SPDX-License-Identifier: Apache-2.0
// Whether there should be another view than the one installed, and whether now. Only the principal
// of the candidate acts on it, but every node keeps the times, so that whoever becomes principal
// goes on where the last one stopped.
#include "core/membership/machine.h"

enum {
    ARRIVAL_QUIET_INTERVALS = 2, // nobody new for so long: the batch is complete
    ARRIVAL_MAX_INTERVALS = 4,   // since the first of a batch
    ODD_INTERVALS = 2,           // a member is frozen or in another view: its round takes its time
    SILENT_INTERVALS = 3,        // unheard for so long: no round with it, it would get stuck
};

static uint64_t intervals_ms(const struct membership *m, uint32_t count)
{
    return count * (uint64_t)m->config.interval_ms;
}

// Since when a fact holds, or 0.
static void since(const struct membership *m, bool holds, uint64_t *at_ms)
{
    if (!holds) {
        *at_ms = 0;
    } else if (*at_ms == 0) {
        *at_ms = m->now_ms;
    }
}

// Whether fewer of our view are in the candidate than are missing there and may go on without us.
static bool is_minority(const struct membership *m)
{
    uint32_t here = 0, silent = 0;
    for (uint32_t i = 0; i < m->view.count; i++) {
        const struct membership_member *member = &m->view.member[i];
        uint32_t slot = membership__slot_find(m, member->id);
        if (slot == LIMIT_CLUSTER_NODES || m->peer[slot].incarnation != member->incarnation) {
            continue; // that process is over
        }
        const struct peer *peer = &m->peer[slot];
        if (node_set_has(&m->candidate.set, slot)) {
            here++;
        } else if (!peer->gone && (peer->flags & MEMBER_LEAVING) == 0) {
            silent++;
        }
    }
    return here < silent;
}

static bool minority_waits(const struct membership *m)
{
    return m->minority_ms != 0 && m->now_ms - m->minority_ms < m->config.minority_wait_ms;
}

void membership__reasons_update(struct membership *m)
{
    since(m, is_minority(m), &m->minority_ms);
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        struct peer *peer = &m->peer[slot];
        if (peer->id == 0) {
            continue;
        }
        bool candidate = node_set_has(&m->candidate.set, slot);
        bool member = membership__view_place(&m->view, peer->id, peer->incarnation) < m->view.count;
        since(m, candidate && !member, &peer->arrival_ms);
        since(m, !candidate && member && peer->counted, &peer->exclude_ms);
        since(m, candidate && member && (peer->frozen || peer->key != m->view.key), &peer->odd_ms);
    }
}

// A node that lives, lately known, and not in our view or not in the candidate: the links to a
// newcomer come up one by one, and nobody is pushed out before they had time to.
static bool someone_is_new(const struct membership *m, bool outside_candidate)
{
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        const struct peer *peer = &m->peer[slot];
        if (peer->known_ms == 0 || m->now_ms - peer->known_ms >= m->config.timeout_ms) {
            continue;
        }
        bool outside =
            outside_candidate
                ? !node_set_has(&m->candidate.set, slot)
                : membership__view_place(&m->view, peer->id, peer->incarnation) == m->view.count;
        if (outside) {
            return true;
        }
    }
    return false;
}

// Not for the moment until its first heartbeat in a new view has come.
bool membership__peer_is_odd(const struct membership *m, const struct peer *peer)
{
    return peer->odd_ms != 0 && m->now_ms - peer->odd_ms >= intervals_ms(m, ODD_INTERVALS);
}

enum verdict {
    VERDICT_FINE,
    VERDICT_WAIT, // something is amiss and not yet settled
    VERDICT_ACT,
};

static bool someone_hears(const struct membership *m, uint32_t slot)
{
    for (uint32_t i = 1; i < LIMIT_CLUSTER_NODES; i++) {
        if (m->peer[i].counted && node_set_has(&m->peer[i].hears, slot)) {
            return true;
        }
    }
    return false;
}

// A member of the view that we do not count and do not know to be over may be heard by others
// still. Either they too will notice soon, or they tell of it and it becomes clear that it is cut
// off from us alone.
static enum verdict lost_member_judge(const struct membership *m, uint32_t slot)
{
    const struct peer *peer = &m->peer[slot];
    uint64_t grace_ms = membership__grace_ms(m);
    bool wait = !peer->gone && m->now_ms - peer->lost_ms < grace_ms && someone_hears(m, slot);
    bool rumour = membership__peer_lives(m, peer) &&
                  peer->told_last_ms - peer->told_ms < grace_ms &&
                  m->now_ms - peer->told_ms < grace_ms + m->config.interval_ms;
    return wait || rumour ? VERDICT_WAIT : VERDICT_ACT;
}

static enum verdict member_judge(const struct membership *m, const struct membership_member *member)
{
    uint32_t slot = membership__slot_find(m, member->id);
    if (slot == LIMIT_CLUSTER_NODES || m->peer[slot].incarnation != member->incarnation) {
        return VERDICT_ACT;
    }
    if (slot == MEMBERSHIP_SELF) {
        return ((m->self.flags ^ member->flags) & MEMBER_LEAVING) != 0 ? VERDICT_ACT : VERDICT_FINE;
    }
    const struct peer *peer = &m->peer[slot];
    if (!peer->counted) {
        return lost_member_judge(m, slot);
    }
    if (!node_set_has(&m->candidate.set, slot)) {
        // Who slept is taken back by the others when they have heard it for a while.
        bool patient = m->woken_ms != 0 || someone_is_new(m, false);
        uint64_t patience_ms = patient ? m->config.timeout_ms : membership__grace_ms(m);
        bool wait = peer->exclude_ms == 0 || m->now_ms - peer->exclude_ms < patience_ms;
        return wait ? VERDICT_WAIT : VERDICT_ACT;
    }
    if (((peer->flags ^ member->flags) & MEMBER_LEAVING) != 0) {
        return VERDICT_ACT;
    }
    return membership__peer_is_odd(m, peer) ? VERDICT_ACT : VERDICT_FINE;
}

// Those of the candidate that are not in the view, gathered for a moment.
static bool arrivals_are_ripe(const struct membership *m)
{
    uint64_t first_ms = 0;
    uint64_t last_ms = 0;
    bool settled = m->settled;
    for (uint32_t i = 0; i < m->candidate.count; i++) {
        const struct peer *peer = &m->peer[m->candidate.slot[i]];
        if (m->candidate.slot[i] == MEMBERSHIP_SELF || peer->arrival_ms == 0) {
            continue;
        }
        first_ms = first_ms == 0 || peer->arrival_ms < first_ms ? peer->arrival_ms : first_ms;
        last_ms = peer->arrival_ms > last_ms ? peer->arrival_ms : last_ms;
        settled = settled && peer->settled;
    }
    if (first_ms == 0 || someone_is_new(m, true)) {
        return false;
    }
    bool quiet = settled && m->now_ms - last_ms >= intervals_ms(m, ARRIVAL_QUIET_INTERVALS);
    return quiet || m->now_ms - first_ms >= intervals_ms(m, ARRIVAL_MAX_INTERVALS);
}

// Before the first view: alone when all seeds have been tried and nobody is there, or when those
// who are there do not come to hear us.
static bool start_is_ripe(const struct membership *m)
{
    if (m->candidate.count > 1) {
        return false; // the others are arrivals
    }
    if (m->company_ms != 0) {
        return m->now_ms - m->company_ms >= intervals_ms(m, ARRIVAL_MAX_INTERVALS);
    }
    return m->settled || m->now_ms - m->start_ms >= m->config.timeout_ms;
}

// Frozen, and nobody seems to be about to end it.
static bool freeze_is_ripe(const struct membership *m)
{
    if (!m->frozen) {
        return false;
    }
    if (m->promise.pending && m->promise.from != m->self.id) {
        struct membership_member proposer = {.id = m->promise.from,
                                             .incarnation = m->promise.from_incarnation};
        return membership__member_slot(m, &proposer) == LIMIT_CLUSTER_NODES ||
               m->now_ms - m->promise.given_ms >= membership__round_ms(m);
    }
    if (m->view.key == 0) {
        return start_is_ripe(m);
    }
    if (m->woken_ms != 0 && m->company_ms != 0) {
        return m->now_ms - m->woken_ms >= membership__grace_ms(m);
    }
    return true;
}

static bool someone_is_silent(const struct membership *m)
{
    for (uint32_t i = 0; i < m->candidate.count; i++) {
        uint32_t slot = m->candidate.slot[i];
        if (slot != MEMBERSHIP_SELF &&
            m->now_ms - m->peer[slot].heard_ms > intervals_ms(m, SILENT_INTERVALS)) {
            return true;
        }
    }
    return false;
}

// Whether the view, or the lack of one, is not as it should be any more.
static bool view_is_over(const struct membership *m)
{
    bool act = m->recluster || freeze_is_ripe(m) || arrivals_are_ripe(m);
    for (uint32_t i = 0; i < m->view.count; i++) {
        enum verdict verdict = member_judge(m, &m->view.member[i]);
        if (verdict == VERDICT_WAIT) {
            return false;
        }
        act = act || verdict == VERDICT_ACT;
    }
    return act;
}

bool membership__should_propose(const struct membership *m)
{
    return m->candidate.slot[0] == MEMBERSHIP_SELF && !m->candidate.outcast && !minority_waits(m) &&
           m->now_ms >= m->backoff_ms && !someone_is_silent(m) && view_is_over(m);
}

bool membership__should_wait(const struct membership *m)
{
    bool waits = m->candidate.outcast || minority_waits(m);
    return waits && !m->frozen && m->view.key != 0 && view_is_over(m);
}
