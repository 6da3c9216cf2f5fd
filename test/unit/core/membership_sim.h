// SPDX-License-Identifier: Apache-2.0
// Whole clusters of membership machines in virtual time, one millisecond a step: messages as bytes
// that get lost, repeated, delayed and overtaken, links cut one way or both, nodes that pause, die
// and come back as new processes. After every step of a machine its own invariants are checked, and
// from outside what must hold between machines:
//   a view is installed only by a node that promised it, and only when all its members did
//   who promises is frozen by then
//   a key means one and the same list of members to all
//   the regime of a node only grows, and no two views of one regime share a member
//   while a view holds at one node, none of its members serves under an older one
// A seed gives the same run again.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "core/membership/machine.h"

enum {
    SIM_INTERVAL_MS = 150,
    SIM_TIMEOUT_MS = 1500,
    SIM_TICK_MS = 10,
    SIM_VIEWS = 8192, // that were ever proposed; a power of two
    SIM_EVENTS = 1 << 18,
};

// Bytes on the way to one or many nodes.
struct sim_bytes {
    uint32_t references;
    uint32_t size;
    uint8_t data[];
};

enum sim_event_type { SIM_DELIVER, SIM_TICK, SIM_GONE, SIM_SETTLE };

struct sim_event {
    uint64_t at_ms;
    uint64_t order;
    enum sim_event_type type;
    uint32_t node;
    uint32_t from;
    uint64_t incarnation; // of `node`, or for SIM_GONE of the one that went
    struct sim_bytes *bytes;
};

struct sim_view {
    uint64_t key;
    uint64_t regime;
    uint32_t count;
    struct membership_member member[LIMIT_CLUSTER_NODES];
    bool promised[LIMIT_CLUSTER_NODES];
};

struct sim_node {
    void *memory;
    struct membership *machine;
    uint64_t id;
    uint64_t incarnation;
    bool up;
    uint64_t paused_ms; // until then
    uint64_t regime;    // of its last view, for the check that it grows
    uint64_t regime_floor;
    uint64_t view_ms;                  // of its last view
    uint64_t frozen_ms;                // frozen since, or 0
    uint32_t views;                    // installed since its start
    bool counted[LIMIT_CLUSTER_NODES]; // what it said last of others, for whoever reads a run
};

struct sim {
    uint64_t random;
    uint64_t now_ms;
    uint64_t order;
    uint32_t count;
    bool mutate;
    bool caught; // a check from outside failed, and `mutate` wants to see just that
    bool say;    // print what goes on
    // The network.
    uint32_t delay_ms; // the least
    uint32_t jitter_ms;
    uint32_t late_ms; // a rare one may be later by so much
    uint32_t loss_permille;
    uint32_t repeat_permille;
    uint32_t gone_ms; // until the death of a process is noticed, at most; 0: never
    bool cut[LIMIT_CLUSTER_NODES][LIMIT_CLUSTER_NODES];    // from, to
    bool deaf[LIMIT_CLUSTER_NODES][MEMBERSHIP_COMMIT + 1]; // messages that do not get to a node
    struct sim_node node[LIMIT_CLUSTER_NODES];
    struct sim_view *view;   // hashed by key
    uint32_t view_count;     // different ones installed
    uint64_t last_view_ms;   // last time that anybody installed one
    struct sim_event *event; // a heap
    uint32_t event_count;
    struct membership_effects effects;
};

static inline uint64_t sim_random(struct sim *sim)
{
    uint64_t z = (sim->random += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline uint32_t sim_below(struct sim *sim, uint32_t bound)
{
    return (uint32_t)(sim_random(sim) % bound);
}

// What must hold between nodes. A sim with a mutation is there to break it.
#define sim_fact(sim, fact)                                                                        \
    do {                                                                                           \
        if ((sim)->mutate) {                                                                       \
            (sim)->caught = (sim)->caught || !(fact);                                              \
        } else {                                                                                   \
            base_assert(fact);                                                                     \
        }                                                                                          \
    } while (0)

// The heap of events, the earliest first.

static inline bool sim_event_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static inline void sim_event_add(struct sim *sim, struct sim_event event)
{
    assert_true(sim->event_count < SIM_EVENTS);
    event.order = sim->order++;
    uint32_t at = sim->event_count++;
    while (at > 0 && sim_event_before(&event, &sim->event[(at - 1) / 2])) {
        sim->event[at] = sim->event[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->event[at] = event;
}

static inline struct sim_event sim_event_take(struct sim *sim)
{
    struct sim_event first = sim->event[0];
    struct sim_event last = sim->event[--sim->event_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sim->event_count) {
            break;
        }
        if (child + 1 < sim->event_count &&
            sim_event_before(&sim->event[child + 1], &sim->event[child])) {
            child++;
        }
        if (!sim_event_before(&sim->event[child], &last)) {
            break;
        }
        sim->event[at] = sim->event[child];
        at = child;
    }
    sim->event[at] = last;
    return first;
}

static inline void sim_bytes_release(struct sim_bytes *bytes)
{
    if (bytes != NULL && --bytes->references == 0) {
        free(bytes);
    }
}

static inline struct sim *sim_new(uint64_t seed, uint32_t count)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    sim->random = seed;
    sim->count = count;
    sim->now_ms = 1000 + sim_below(sim, 1000);
    sim->delay_ms = 1;
    sim->gone_ms = 1;
    sim->view = calloc(SIM_VIEWS, sizeof *sim->view);
    sim->event = calloc(SIM_EVENTS, sizeof *sim->event);
    assert_non_null(sim->view);
    assert_non_null(sim->event);
    for (uint32_t i = 0; i < count; i++) {
        sim->node[i].memory = aligned_alloc(16, (membership_size() + 15) / 16 * 16);
        assert_non_null(sim->node[i].memory);
        sim->node[i].id = 100 + i;
    }
    return sim;
}

static inline void sim_free(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->event_count; i++) {
        sim_bytes_release(sim->event[i].bytes);
    }
    for (uint32_t i = 0; i < sim->count; i++) {
        free(sim->node[i].memory);
    }
    free(sim->view);
    free(sim->event);
    free(sim);
}

static inline uint32_t sim_node_of(const struct sim *sim, uint64_t id)
{
    uint32_t node = (uint32_t)(id - 100);
    assert_true(id >= 100 && node < sim->count);
    return node;
}

// The record of a view, new when it is not known; hashed by its key.
static inline struct sim_view *sim_view_of(struct sim *sim, uint64_t key)
{
    for (uint32_t i = 0; i < SIM_VIEWS; i++) {
        struct sim_view *view = &sim->view[(key + i) % SIM_VIEWS];
        if (view->key == key || view->key == 0) {
            view->key = key;
            return view;
        }
    }
    fail_msg("too many views in one run");
    return NULL;
}

static inline uint32_t sim_view_place(const struct sim_view *view, uint64_t id,
                                      uint64_t incarnation)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->member[i].id == id && view->member[i].incarnation == incarnation) {
            return i;
        }
    }
    return view->count;
}

// Serving: a view is installed and holds.
static inline bool sim_node_serves(const struct sim_node *node)
{
    return node->up && !membership_is_frozen(node->machine);
}

// Looks from outside at what `node` just did.
static inline void sim_check(struct sim *sim, uint32_t number)
{
    struct sim_node *node = &sim->node[number];
    if (!sim->mutate) {
        membership_check(node->machine);
    }
    if (membership_is_frozen(node->machine)) {
        node->frozen_ms = node->frozen_ms == 0 ? sim->now_ms : node->frozen_ms;
        return;
    }
    node->frozen_ms = 0;
    const struct membership_view *view = membership_view(node->machine);
    for (uint32_t i = 0; i < view->count; i++) {
        struct sim_node *other = &sim->node[sim_node_of(sim, view->member[i].id)];
        if (other->incarnation == view->member[i].incarnation && sim_node_serves(other)) {
            sim_fact(sim, membership_view(other->machine)->regime >= view->regime);
        }
    }
}

static inline void sim_view_installed(struct sim *sim, uint32_t number)
{
    struct sim_node *node = &sim->node[number];
    const struct membership_view *view = membership_view(node->machine);
    struct sim_view *known = sim_view_of(sim, view->key);
    if (known->count == 0) { // of one member: never sent to anybody
        base_assert(view->count == 1);
        known->count = 1;
        known->regime = view->regime;
        known->member[0] = view->member[0];
        known->promised[0] = true;
    }
    base_assert(known->count == view->count && known->regime == view->regime);
    for (uint32_t i = 0; i < known->count; i++) {
        base_assert(known->member[i].id == view->member[i].id);
        base_assert(known->member[i].incarnation == view->member[i].incarnation);
        base_assert(known->member[i].flags == view->member[i].flags);
    }
    base_assert(sim_view_place(known, node->id, node->incarnation) < known->count);
    for (uint32_t i = 0; i < known->count; i++) {
        sim_fact(sim, known->promised[i]);
    }
    base_assert(view->regime > node->regime);
    node->regime = view->regime;
    node->view_ms = sim->now_ms;
    node->views++;
    sim->view_count += sim->last_view_ms == 0 || known->promised[0];
    sim->last_view_ms = sim->now_ms;
    if (sim->say) {
        printf("%8lu  node %lu: view %lx regime %lu of", (unsigned long)sim->now_ms,
               (unsigned long)node->id, (unsigned long)view->key, (unsigned long)view->regime);
        for (uint32_t i = 0; i < view->count; i++) {
            printf(" %lu", (unsigned long)view->member[i].id);
        }
        printf("\n");
    }
}

// Follows what is said about views, before it is on its way.
static inline void sim_message_note(struct sim *sim, uint32_t from,
                                    const struct membership_message *message)
{
    struct sim_node *node = &sim->node[from];
    if (message->type == MEMBERSHIP_PREPARE) {
        struct sim_view *view = sim_view_of(sim, message->key);
        if (view->count == 0) {
            view->count = message->count;
            view->regime = message->regime;
            memcpy(view->member, message->member, message->count * sizeof *message->member);
            view->promised[sim_view_place(view, node->id, node->incarnation)] = true;
        }
        sim_fact(sim, membership_is_frozen(node->machine) || sim->mutate);
    } else if (message->type == MEMBERSHIP_PROMISED) {
        struct sim_view *view = sim_view_of(sim, message->key);
        uint32_t place = sim_view_place(view, node->id, node->incarnation);
        base_assert(place < view->count);
        view->promised[place] = true;
        // Frozen, or already in this view or, within the same step, in a later one.
        const struct membership_view *now = membership_view(node->machine);
        base_assert(membership_is_frozen(node->machine) || now->key == message->key ||
                    now->regime > message->regime);
    }
}

// What a node thinks of the others, for whoever reads a run.
static inline void sim_node_print(const struct sim *sim, uint32_t number)
{
    const struct sim_node *node = &sim->node[number];
    const struct membership *m = node->machine;
    printf("%8lu  node %lu (%lx) %s%s view %lx promise %lu by %lu%s backoff %ld; candidate",
           (unsigned long)sim->now_ms, (unsigned long)node->id, (unsigned long)node->incarnation,
           m->frozen ? "frozen " : "", m->round.phase == ROUND_PREPARING ? "preparing" : "",
           (unsigned long)m->view.key, (unsigned long)m->promise.regime,
           (unsigned long)m->promise.from, m->promise.pending ? " pending" : "",
           (long)(m->backoff_ms - m->now_ms));
    for (uint32_t i = 0; i < m->candidate.count; i++) {
        printf(" %lu", (unsigned long)m->peer[m->candidate.slot[i]].id);
    }
    printf("\n");
    for (uint32_t i = 0; i < m->order_count; i++) {
        uint32_t slot = m->order[i];
        const struct peer *peer = &m->peer[slot];
        if (slot != MEMBERSHIP_SELF) {
            printf("            %lu (%lx) %s%s%s flaps %u heard %lu ago hold %lu told %lu hears",
                   (unsigned long)peer->id, (unsigned long)peer->incarnation,
                   peer->counted ? "counted"
                   : peer->alive ? "alive"
                                 : "dead",
                   peer->gone ? " gone" : "", peer->frozen ? " frozen" : "", peer->flaps,
                   (unsigned long)(m->now_ms - peer->heard_ms), (unsigned long)peer->hold_ms,
                   (unsigned long)(peer->told_ms == 0 ? 0 : m->now_ms - peer->told_last_ms));
            for (uint32_t j = 0; j < LIMIT_CLUSTER_NODES; j++) {
                if (node_set_has(&peer->hears, j)) {
                    printf(" %lu", (unsigned long)m->peer[j].id);
                }
            }
            printf("\n");
        }
    }
}

static inline void sim_heard_print(struct sim *sim, uint32_t number)
{
    struct sim_node *node = &sim->node[number];
    for (uint32_t i = 0; i < sim->count; i++) {
        uint32_t slot = membership__slot_find(node->machine, sim->node[i].id);
        bool counted = slot < LIMIT_CLUSTER_NODES && node->machine->peer[slot].counted;
        if (counted != node->counted[i]) {
            node->counted[i] = counted;
            printf("%8lu  node %lu: %s %lu (%lx)\n", (unsigned long)sim->now_ms,
                   (unsigned long)node->id, counted ? "hears" : "lost",
                   (unsigned long)sim->node[i].id,
                   (unsigned long)node->machine->peer[slot].incarnation);
        }
    }
}

static inline void sim_bytes_send(struct sim *sim, uint32_t from, uint32_t to,
                                  struct sim_bytes *bytes)
{
    struct sim_node *node = &sim->node[to];
    if (to == from || !node->up || sim->cut[from][to] || sim->deaf[to][bytes->data[1]]) {
        return;
    }
    uint32_t copies = 1 + (sim_below(sim, 1000) < sim->repeat_permille);
    for (uint32_t i = 0; i < copies; i++) {
        if (sim_below(sim, 1000) < sim->loss_permille) {
            continue;
        }
        uint64_t delay_ms = sim->delay_ms;
        if (sim->jitter_ms > 0) {
            delay_ms += sim_below(sim, sim->jitter_ms + 1);
        }
        if (sim->late_ms > 0 && sim_below(sim, 50) == 0) {
            delay_ms += sim_below(sim, sim->late_ms);
        }
        bytes->references++;
        sim_event_add(sim, (struct sim_event){.at_ms = sim->now_ms + delay_ms,
                                              .type = SIM_DELIVER,
                                              .node = to,
                                              .from = from,
                                              .incarnation = node->incarnation,
                                              .bytes = bytes});
    }
}

static inline void sim_message_send(struct sim *sim, uint32_t from, uint64_t to,
                                    const struct membership_message *message)
{
    uint8_t buffer[LIMIT_HEARTBEAT_SIZE];
    sim_message_note(sim, from, message);
    uint32_t size = membership_message_encode(message, buffer);
    struct sim_bytes *bytes = malloc(sizeof *bytes + size);
    assert_non_null(bytes);
    bytes->references = 1;
    bytes->size = size;
    memcpy(bytes->data, buffer, size);
    if (to == 0) {
        for (uint32_t i = 0; i < sim->count; i++) {
            sim_bytes_send(sim, from, i, bytes);
        }
    } else {
        sim_bytes_send(sim, from, sim_node_of(sim, to), bytes);
    }
    sim_bytes_release(bytes);
}

static inline void sim_step(struct sim *sim, uint32_t number, struct membership_event event)
{
    struct sim_node *node = &sim->node[number];
    event.now_ms = sim->now_ms;
    event.random = sim_random(sim);
    membership_step(node->machine, &event, &sim->effects);
    base_assert(sim->effects.count <= MEMBERSHIP_EFFECTS_MAX);
    for (uint32_t i = 0; i < sim->effects.count; i++) {
        const struct membership_effect *effect = &sim->effects.effect[i];
        if (effect->type == MEMBERSHIP_SEND) {
            sim_message_send(sim, number, effect->to, effect->message);
        } else if (effect->type == MEMBERSHIP_VIEW) {
            sim_view_installed(sim, number);
        } else if (sim->say) {
            printf("%8lu  node %lu: frozen\n", (unsigned long)sim->now_ms, (unsigned long)node->id);
        }
    }
    if (sim->say) {
        sim_heard_print(sim, number);
    }
    sim_check(sim, number);
}

static inline void sim_start(struct sim *sim, uint32_t number, uint32_t settle_ms)
{
    struct sim_node *node = &sim->node[number];
    assert_false(node->up);
    node->up = true;
    node->incarnation = sim_random(sim);
    node->paused_ms = 0;
    node->regime = node->regime_floor;
    node->frozen_ms = sim->now_ms;
    node->views = 0;
    struct membership_config config = {
        .self = {.id = node->id, .incarnation = node->incarnation},
        .interval_ms = SIM_INTERVAL_MS,
        .timeout_ms = SIM_TIMEOUT_MS,
        .regime_floor = node->regime_floor,
        .mutate_commit_without_one = sim->mutate,
    };
    node->machine = membership_init(node->memory, &config);
    if (sim->say) {
        printf("%8lu  node %lu: started\n", (unsigned long)sim->now_ms, (unsigned long)node->id);
    }
    struct sim_event tick = {
        .at_ms = sim->now_ms, .type = SIM_TICK, .node = number, .incarnation = node->incarnation};
    sim_event_add(sim, tick);
    tick.type = SIM_SETTLE;
    tick.at_ms += settle_ms;
    sim_event_add(sim, tick);
}

// The process is gone; whoever has a link to it will notice.
static inline void sim_kill(struct sim *sim, uint32_t number)
{
    struct sim_node *node = &sim->node[number];
    assert_true(node->up);
    node->up = false;
    if (sim->say) {
        printf("%8lu  node %lu: killed\n", (unsigned long)sim->now_ms, (unsigned long)node->id);
    }
    for (uint32_t i = 0; i < sim->count && sim->gone_ms > 0; i++) {
        if (i != number && sim->node[i].up && !sim->cut[i][number] && !sim->cut[number][i]) {
            sim_event_add(
                sim, (struct sim_event){.at_ms = sim->now_ms + 1 + sim_below(sim, sim->gone_ms),
                                        .type = SIM_GONE,
                                        .node = i,
                                        .from = number,
                                        .incarnation = sim->node[i].incarnation});
        }
    }
}

static inline void sim_pause(struct sim *sim, uint32_t number, uint32_t span_ms)
{
    uint64_t until_ms = sim->now_ms + span_ms;
    if (sim->node[number].paused_ms < until_ms) {
        sim->node[number].paused_ms = until_ms;
    }
    if (sim->say) {
        printf("%8lu  node %lu: paused for %u ms\n", (unsigned long)sim->now_ms,
               (unsigned long)sim->node[number].id, span_ms);
    }
}

static inline void sim_cut(struct sim *sim, uint32_t a, uint32_t b, bool cut)
{
    sim->cut[a][b] = cut;
    sim->cut[b][a] = cut;
}

static inline void sim_deliver(struct sim *sim, const struct sim_event *event)
{
    struct membership_message message;
    base_assert(membership_message_decode(event->bytes->data, event->bytes->size, &message) ==
                RESULT_OK);
    if (sim->say && message.type != MEMBERSHIP_HEARTBEAT) {
        static const char *const names[] = {"", "", "prepare", "promised", "refused", "commit"};
        printf("%8lu  node %lu: %s %lx regime %lu from %lu\n", (unsigned long)sim->now_ms,
               (unsigned long)sim->node[event->node].id, names[message.type],
               (unsigned long)message.key, (unsigned long)message.regime,
               (unsigned long)message.from);
    }
    sim_step(sim, event->node,
             (struct membership_event){.type = MEMBERSHIP_RECEIVED, .message = &message});
}

static inline void sim_event_run(struct sim *sim, struct sim_event *event)
{
    struct sim_node *node = &sim->node[event->node];
    if (!node->up || node->incarnation != event->incarnation) {
        return;
    }
    if (node->paused_ms > sim->now_ms) { // all waits for it, in the order in which it came
        event->at_ms = node->paused_ms;
        if (event->bytes != NULL) {
            event->bytes->references++;
        }
        sim_event_add(sim, *event);
        return;
    }
    switch (event->type) {
    case SIM_DELIVER:
        sim_deliver(sim, event);
        break;
    case SIM_TICK:
        sim_step(sim, event->node, (struct membership_event){.type = MEMBERSHIP_TICK});
        event->at_ms = sim->now_ms + SIM_TICK_MS;
        sim_event_add(sim, *event);
        break;
    case SIM_GONE:
        // Somebody new may listen there by now; mostly that is noticed.
        if (!sim->node[event->from].up || sim_below(sim, 4) == 0) {
            sim_step(sim, event->node,
                     (struct membership_event){.type = MEMBERSHIP_PEER_GONE,
                                               .id = sim->node[event->from].id});
        }
        break;
    case SIM_SETTLE:
        sim_step(sim, event->node, (struct membership_event){.type = MEMBERSHIP_SEEDS_SETTLED});
        break;
    }
}

static inline void sim_run(struct sim *sim, uint64_t span_ms)
{
    uint64_t end_ms = sim->now_ms + span_ms;
    while (sim->event_count > 0 && sim->event[0].at_ms <= end_ms) {
        struct sim_event event = sim_event_take(sim);
        if (event.at_ms > sim->now_ms) {
            sim->now_ms = event.at_ms;
        }
        sim_event_run(sim, &event);
        sim_bytes_release(event.bytes);
    }
    sim->now_ms = end_ms;
}

// Whether exactly these nodes (bits) serve under one view of exactly them.
static inline bool sim_agree(const struct sim *sim, uint32_t first, uint32_t count)
{
    uint64_t key = 0;
    for (uint32_t i = first; i < first + count; i++) {
        const struct sim_node *node = &sim->node[i];
        if (!sim_node_serves(node)) {
            return false;
        }
        const struct membership_view *view = membership_view(node->machine);
        if (view->count != count || (key != 0 && view->key != key)) {
            return false;
        }
        key = view->key;
        for (uint32_t j = 0; j < count; j++) {
            if (view->member[j].id != sim->node[first + count - 1 - j].id) {
                return false;
            }
        }
    }
    return true;
}

// The same for all nodes that are up, wherever they stand.
static inline bool sim_all_agree(const struct sim *sim)
{
    uint32_t up = 0;
    uint64_t key = 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        up += sim->node[i].up;
    }
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct sim_node *node = &sim->node[i];
        if (!node->up) {
            continue;
        }
        const struct membership_view *view = membership_view(node->machine);
        if (!sim_node_serves(node) || view->count != up || (key != 0 && key != view->key)) {
            return false;
        }
        key = view->key;
        for (uint32_t j = 0; j < view->count; j++) {
            const struct sim_node *other = &sim->node[sim_node_of(sim, view->member[j].id)];
            if (!other->up || other->incarnation != view->member[j].incarnation) {
                return false;
            }
        }
    }
    return true;
}

// Runs until `fact` holds and gives the milliseconds that took; fails after `most_ms`.
#define sim_run_until(sim, fact, most_ms)                                                          \
    ({                                                                                             \
        uint64_t sim_from_ms = (sim)->now_ms;                                                      \
        while (!(fact) && (sim)->now_ms - sim_from_ms < (uint64_t)(most_ms)) {                     \
            sim_run((sim), 1);                                                                     \
        }                                                                                          \
        if (!(fact)) {                                                                             \
            print_error("not within %lu ms: %s\n", (unsigned long)(most_ms), #fact);               \
        }                                                                                          \
        assert_true(fact);                                                                         \
        (sim)->now_ms - sim_from_ms;                                                               \
    })
