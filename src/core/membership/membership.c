// SPDX-License-Identifier: Apache-2.0
// The machine itself: its start, its one entry, its clock, and what others may look at.
#include "core/membership/machine.h"

#include <string.h>

enum {
    GRACE_INTERVALS = 2,
    ROUND_INTERVALS = 4,
};

uint64_t membership__grace_ms(const struct membership *m)
{
    return GRACE_INTERVALS * (uint64_t)m->config.interval_ms;
}

uint64_t membership__round_ms(const struct membership *m)
{
    return ROUND_INTERVALS * (uint64_t)m->config.interval_ms;
}

// The next of a sequence that starts with the random number of the event.
uint64_t membership__random(struct membership *m)
{
    uint64_t z = (m->random += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

void membership__send(struct membership *m, uint64_t to, const struct membership_message *message)
{
    base_assert(m->out->count < MEMBERSHIP_EFFECTS_MAX);
    m->out->effect[m->out->count++] =
        (struct membership_effect){.type = MEMBERSHIP_SEND, .to = to, .message = message};
}

void membership__freeze(struct membership *m)
{
    if (!m->frozen) {
        m->frozen = true;
        m->news = true;
        base_assert(m->out->count < MEMBERSHIP_EFFECTS_MAX);
        m->out->effect[m->out->count++] = (struct membership_effect){.type = MEMBERSHIP_FREEZE};
    }
}

uint64_t membership_size(void)
{
    return sizeof(struct membership);
}

struct membership *membership_init(void *memory, const struct membership_config *config)
{
    base_assert((uintptr_t)memory % 16 == 0);
    base_assert(config->self.id != 0 && config->interval_ms > 0);
    base_assert(config->timeout_ms > config->interval_ms);
    struct membership *m = memory;
    memset(m, 0, sizeof *m);
    m->magic = MEMBERSHIP_MAGIC;
    m->config = *config;
    m->self = config->self;
    m->now_ms = 1;
    m->start_ms = 1;
    m->frozen = true;
    m->promise.regime = config->regime_floor;
    m->promise.from = UINT64_MAX; // only a higher regime will do
    m->peer[MEMBERSHIP_SELF].id = config->self.id;
    m->peer[MEMBERSHIP_SELF].incarnation = config->self.incarnation;
    m->order[0] = MEMBERSHIP_SELF;
    m->order_count = 1;
    m->graph_changed = true;
    membership__candidate_update(m);
    return m;
}

// We did not run for longer than the timeout: others may have gone on without us. What we promised
// may have been committed and be over by now, so it is not installed any more. Nobody else is
// judged by a silence that may be our own.
static void self_suspect(struct membership *m)
{
    membership__freeze(m);
    membership__round_abandon(m, false);
    m->promise.pending = false;
    m->woken_ms = m->now_ms;
    m->look = true;
    for (uint32_t slot = 1; slot < LIMIT_CLUSTER_NODES; slot++) {
        if (m->peer[slot].alive) {
            m->peer[slot].heard_ms = m->now_ms;
        }
    }
}

static void clock_advance(struct membership *m, const struct membership_event *event)
{
    if (!m->started) {
        m->started = true;
        m->event_ms = event->now_ms;
        m->tick_ms = event->now_ms;
        return;
    }
    if (event->now_ms > m->event_ms) {
        uint64_t passed_ms = event->now_ms - m->event_ms;
        m->now_ms += passed_ms < m->config.interval_ms ? passed_ms : m->config.interval_ms;
        m->event_ms = event->now_ms;
    }
    bool late = m->event_ms - m->tick_ms > m->config.timeout_ms;
    if (late || event->type == MEMBERSHIP_TICK) {
        m->tick_ms = m->event_ms;
    }
    if (late) {
        self_suspect(m);
    }
}

static void on_message(struct membership *m, const struct membership_message *message)
{
    if (!membership__message_valid(message)) {
        return;
    }
    switch (message->type) {
    case MEMBERSHIP_HEARTBEAT:
        membership__on_heartbeat(m, message);
        break;
    case MEMBERSHIP_PREPARE:
        membership__on_prepare(m, message);
        break;
    case MEMBERSHIP_PROMISED:
        membership__on_promised(m, message);
        break;
    case MEMBERSHIP_REFUSED:
        membership__on_refused(m, message);
        break;
    case MEMBERSHIP_COMMIT:
        membership__on_commit(m, message);
        break;
    }
}

static void on_peer_gone(struct membership *m, uint64_t id)
{
    uint32_t slot = membership__slot_find(m, id);
    if (slot != LIMIT_CLUSTER_NODES && slot != MEMBERSHIP_SELF) {
        membership__peer_lose(m, slot, true);
        m->look = true;
    }
}

static void on_flags(struct membership *m, uint8_t flags)
{
    if (m->self.flags != flags) {
        m->self.flags = flags;
        m->news = true;
        m->look = true;
    }
}

static void event_take(struct membership *m, const struct membership_event *event)
{
    switch (event->type) {
    case MEMBERSHIP_TICK:
        membership__peers_expire(m);
        m->look = true;
        break;
    case MEMBERSHIP_RECEIVED:
        on_message(m, event->message);
        break;
    case MEMBERSHIP_PEER_GONE:
        on_peer_gone(m, event->id);
        break;
    case MEMBERSHIP_SEEDS_SETTLED:
        m->settled = true;
        m->news = true;
        m->look = true;
        break;
    case MEMBERSHIP_FLAGS:
        on_flags(m, event->flags);
        break;
    case MEMBERSHIP_RECLUSTER:
        m->recluster = m->view.key != 0 && m->view.principal == m->self.id;
        m->look = true;
        break;
    }
}

void membership_timing_set(struct membership *m, uint32_t interval_ms, uint32_t timeout_ms)
{
    base_assert(interval_ms > 0 && timeout_ms > interval_ms);
    m->config.interval_ms = interval_ms;
    m->config.timeout_ms = timeout_ms;
}

void membership_step(struct membership *machine, const struct membership_event *event,
                     struct membership_effects *out)
{
    struct membership *m = machine;
    base_magic_check(m, MEMBERSHIP_MAGIC);
    out->count = 0;
    m->out = out;
    m->random = event->random;
    m->look = false;
    clock_advance(m, event);
    event_take(m, event);
    if (m->look) {
        membership__round_step(m);
    }
    membership__heartbeat_send_due(m);
    m->out = NULL;
}

const struct membership_view *membership_view(const struct membership *machine)
{
    return &machine->view;
}

bool membership_is_frozen(const struct membership *machine)
{
    return machine->frozen;
}

uint32_t membership_heard(const struct membership *machine, uint64_t ids[LIMIT_CLUSTER_NODES])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < machine->order_count; i++) {
        const struct peer *peer = &machine->peer[machine->order[i]];
        if (peer->counted) {
            ids[count++] = peer->id;
        }
    }
    return count;
}
