// SPDX-License-Identifier: Apache-2.0
// The machine of one operation: one function for each event, each of which ends in one effect.
#include "core/replication/replication.h"

#include <string.h>

#include "base/assert.h"

static struct node_set set_minus(struct node_set a, struct node_set b)
{
    return (struct node_set){{a.bits[0] & ~b.bits[0], a.bits[1] & ~b.bits[1]}};
}

static struct node_set set_both(struct node_set a, struct node_set b)
{
    return (struct node_set){{a.bits[0] & b.bits[0], a.bits[1] & b.bits[1]}};
}

void replication_init(struct replication *machine, enum replication_kind kind, bool commit_master,
                      uint64_t deadline_ms)
{
    *machine = (struct replication){
        .state = REPLICATION_STATE_WAITING,
        .kind = kind,
        .commit_master = commit_master,
        .target = PLACE_NOBODY,
        .deadline_ms = deadline_ms,
    };
}

// --- the ends of a step ---

static void finish(struct replication *m, enum base_result result, struct replication_effect *out)
{
    m->state = REPLICATION_STATE_DONE;
    m->waiting = (struct node_set){0};
    out->type = REPLICATION_FINISH;
    out->result = result;
}

static void ask(struct replication *m, struct node_set set, uint64_t now_ms,
                struct replication_effect *out)
{
    m->resend_ms = now_ms + REPLICATION_RESEND_MS;
    out->type = REPLICATION_ASK;
    out->set = set;
    out->key = m->key;
}

// The client does not wait for what is still to come.
static void answer(struct replication *m, enum base_result result, struct replication_effect *out)
{
    if (!m->answered) {
        m->answered = true;
        out->answer = true;
        out->result = result;
    }
}

static void send_waiting(struct replication *m, uint64_t now_ms, struct replication_effect *out)
{
    m->resend_ms = now_ms + REPLICATION_RESEND_MS;
    out->type = REPLICATION_SEND;
    out->set = m->waiting;
    out->key = m->key;
    out->merge = m->state == REPLICATION_STATE_MERGING;
    out->to = m->target;
    if (m->commit_master || (m->mutate_skip_ack && node_set_count(&m->waiting) == 1)) {
        answer(m, m->result, out);
    }
}

// --- the way to the application ---

// The duplicates at a place of our key that have not answered.
static struct node_set unasked(const struct replication *m, const struct place *place)
{
    return m->mutate_skip_resolve ? (struct node_set){0} : set_minus(place->duplicates, m->asked);
}

// Whether the operation can be carried out here, perhaps after asking.
static bool serves(const struct replication *m, const struct place *place)
{
    bool reads = m->kind == REPLICATION_READ;
    if (place->role == PLACE_MASTER) {
        return reads || !place->handing_over;
    }
    return reads && place->role == PLACE_REPLICA && place->full &&
           (node_set_is_empty(&place->duplicates) || m->mutate_skip_resolve);
}

bool replication_may_apply(const struct replication *machine, const struct place *place)
{
    if (place->key == 0 || place->key != machine->key || !serves(machine, place)) {
        return false;
    }
    struct node_set missing = unasked(machine, place);
    return place->role == PLACE_REPLICA || node_set_is_empty(&missing);
}

static void apply(struct replication *m, struct replication_effect *out)
{
    m->state = REPLICATION_STATE_APPLYING;
    out->type = REPLICATION_APPLY;
    out->key = m->key;
}

// From a place to what it asks for, as long as nothing was applied.
static void route(struct replication *m, const struct place *place, uint64_t now_ms,
                  struct replication_effect *out)
{
    struct node_set before = m->waiting;
    if (place->key != m->key) {
        before = m->asked = (struct node_set){0};
        m->merged = false;
        m->key = place->key;
    }
    m->waiting = (struct node_set){0};
    m->state = REPLICATION_STATE_WAITING;
    out->type = REPLICATION_WAIT;
    if (place->key == 0) {
        return;
    }
    if (replication_may_apply(m, place)) {
        apply(m, out);
    } else if (serves(m, place)) {
        m->state = REPLICATION_STATE_ASKING;
        m->waiting = unasked(m, place);
        struct node_set added = set_minus(m->waiting, before);
        out->type = REPLICATION_NOTHING;
        if (!node_set_is_empty(&added)) {
            ask(m, added, now_ms, out);
        }
    } else if (place->role != PLACE_MASTER && place->master != PLACE_NOBODY &&
               place->master != PLACE_SELF) {
        m->state = REPLICATION_STATE_DONE;
        out->type = REPLICATION_PROXY;
        out->to = place->master;
    }
}

static void on_answered(struct replication *m, const struct replication_event *event,
                        struct replication_effect *out)
{
    if (m->state != REPLICATION_STATE_ASKING || event->key != m->key ||
        !node_set_has(&m->waiting, event->from)) {
        return;
    }
    if (!event->ok) {
        m->resend_ms = event->now_ms + REPLICATION_REFUSED_MS;
        return;
    }
    node_set_remove(&m->waiting, event->from);
    node_set_add(&m->asked, event->from);
    m->merged |= event->changed;
    if (node_set_is_empty(&m->waiting)) {
        apply(m, out);
    }
}

// --- the way to all replicas ---

// Starts replication, or starts it again, at a place where there is a master.
static void replicate(struct replication *m, const struct place *place, uint64_t now_ms,
                      struct replication_effect *out)
{
    m->key = place->key;
    if (place->role == PLACE_MASTER) {
        m->state = REPLICATION_STATE_WRITING;
        m->waiting = place->writes;
        m->target = PLACE_NOBODY;
        if (node_set_is_empty(&m->waiting)) {
            finish(m, m->result, out);
            return;
        }
    } else {
        m->state = REPLICATION_STATE_MERGING;
        m->waiting = (struct node_set){0};
        m->target = place->master;
        node_set_add(&m->waiting, m->target);
    }
    send_waiting(m, now_ms, out);
}

static void on_applied(struct replication *m, const struct replication_event *event,
                       struct replication_effect *out)
{
    base_assert(m->state == REPLICATION_STATE_APPLYING);
    base_assert(event->place->key == m->key);
    base_assert(!event->changed || event->place->role == PLACE_MASTER);
    m->applied = true;
    m->result = event->result;
    if (event->changed || (m->merged && event->place->role == PLACE_MASTER)) {
        replicate(m, event->place, event->now_ms, out);
    } else {
        finish(m, m->result, out);
    }
}

static void on_acked(struct replication *m, const struct replication_event *event,
                     struct replication_effect *out)
{
    bool replicates =
        m->state == REPLICATION_STATE_WRITING || m->state == REPLICATION_STATE_MERGING;
    if (!replicates || event->key != m->key || !node_set_has(&m->waiting, event->from)) {
        return;
    }
    if (!event->ok) {
        m->resend_ms = event->now_ms + REPLICATION_REFUSED_MS;
        return;
    }
    if (event->lost) {
        finish(m, RESULT_TIMEOUT, out);
        return;
    }
    node_set_remove(&m->waiting, event->from);
    if (node_set_is_empty(&m->waiting)) {
        finish(m, m->result, out);
    } else if (m->mutate_skip_ack && node_set_count(&m->waiting) == 1) {
        answer(m, m->result, out);
    }
}

// What a changed place means for a write that was applied already.
static void moved_while_replicating(struct replication *m, const struct replication_event *event,
                                    struct replication_effect *out)
{
    const struct place *place = event->place;
    bool is_master = place->role == PLACE_MASTER;
    bool has_master = is_master || (place->master != PLACE_NOBODY && place->master != PLACE_SELF);
    if (place->key == 0 || !has_master) {
        return; // what was sent under the last view may still be acknowledged
    }
    if (place->key != m->key) {
        replicate(m, place, event->now_ms, out);
    } else if (is_master && m->state == REPLICATION_STATE_WRITING) {
        // Who left the replicas of this view has dropped its copy and need not answer.
        m->waiting = set_both(m->waiting, place->writes);
        if (node_set_is_empty(&m->waiting)) {
            finish(m, m->result, out);
        }
    } else if (is_master || place->master != m->target) {
        replicate(m, place, event->now_ms, out);
    }
}

static void on_moved(struct replication *m, const struct replication_event *event,
                     struct replication_effect *out)
{
    switch (m->state) {
    case REPLICATION_STATE_WAITING:
    case REPLICATION_STATE_ASKING:
    case REPLICATION_STATE_APPLYING:
        route(m, event->place, event->now_ms, out);
        break;
    case REPLICATION_STATE_WRITING:
    case REPLICATION_STATE_MERGING:
        moved_while_replicating(m, event, out);
        break;
    case REPLICATION_STATE_DONE:
        break;
    }
}

static void on_tick(struct replication *m, const struct replication_event *event,
                    struct replication_effect *out)
{
    if (m->state == REPLICATION_STATE_DONE || m->state == REPLICATION_STATE_APPLYING) {
        return;
    }
    bool late = event->now_ms >= m->deadline_ms;
    if (late && (!m->applied || event->now_ms - m->deadline_ms >= REPLICATION_LINGER_MS)) {
        finish(m, RESULT_TIMEOUT, out);
        return;
    }
    if (event->place != NULL) {
        on_moved(m, event, out);
    } else if (m->state == REPLICATION_STATE_WAITING) {
        out->type = REPLICATION_WAIT;
    }
    if (out->type != REPLICATION_NOTHING) {
        return;
    }
    if (late) {
        answer(m, RESULT_TIMEOUT, out);
    }
    if (event->now_ms < m->resend_ms) {
        return;
    }
    if (m->state == REPLICATION_STATE_ASKING) {
        ask(m, m->waiting, event->now_ms, out);
    } else {
        send_waiting(m, event->now_ms, out);
    }
}

void replication_step(struct replication *machine, const struct replication_event *event,
                      struct replication_effect *out)
{
    *out = (struct replication_effect){.type = REPLICATION_NOTHING, .to = PLACE_NOBODY};
    switch (event->type) {
    case REPLICATION_BEGIN:
        base_assert(machine->state == REPLICATION_STATE_WAITING && !machine->applied);
        route(machine, event->place, event->now_ms, out);
        break;
    case REPLICATION_ANSWERED:
        on_answered(machine, event, out);
        break;
    case REPLICATION_APPLIED:
        on_applied(machine, event, out);
        break;
    case REPLICATION_ACKED:
        on_acked(machine, event, out);
        break;
    case REPLICATION_MOVED:
        on_moved(machine, event, out);
        break;
    case REPLICATION_TICK:
        on_tick(machine, event, out);
        break;
    }
}

void replication_check(const struct replication *machine)
{
    struct node_set twice = set_both(machine->waiting, machine->asked);
    bool waits = !node_set_is_empty(&machine->waiting);
    switch (machine->state) {
    case REPLICATION_STATE_WAITING:
        base_assert(!waits && !machine->applied);
        break;
    case REPLICATION_STATE_ASKING:
        base_assert(waits && !machine->applied && machine->key != 0);
        base_assert(node_set_is_empty(&twice));
        break;
    case REPLICATION_STATE_APPLYING:
        base_assert(!waits && !machine->applied && machine->key != 0);
        break;
    case REPLICATION_STATE_WRITING:
        base_assert(waits && machine->applied && machine->key != 0);
        base_assert(machine->target == PLACE_NOBODY);
        break;
    case REPLICATION_STATE_MERGING:
        base_assert(machine->applied && machine->key != 0);
        base_assert(node_set_count(&machine->waiting) == 1);
        base_assert(node_set_has(&machine->waiting, machine->target));
        break;
    case REPLICATION_STATE_DONE:
        base_assert(!waits);
        break;
    }
    base_assert(!machine->answered || machine->applied);
    base_assert(!node_set_has(&machine->waiting, PLACE_SELF));
}
