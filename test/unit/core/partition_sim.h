// SPDX-License-Identifier: Apache-2.0
// A cluster of partition machines in virtual time, for test_partition_sim.c: nodes, the network
// between them, and what a node does with the effects of its machine. Views come from outside. A
// copy of a partition is a set of writes, a bit each.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/partition/balance.h"
#include "core/partition/partition.h"

enum {
    NODES_MAX = 8,
    OPS_MAX = 4096,
    WRITES_MAX = 60, // of a partition
    TICK_MS = 10,
};

// Deliberate faults, for proving that the checks see them.
enum mutation {
    MUTATION_NONE,
    MUTATION_SKIP_ACK,  // an acknowledgement is not waited for
    MUTATION_SKIP_SYNC, // a sync is said to be done when it has begun
    MUTATION_SAY_FULL,  // each copy is said to be full
    MUTATIONS,
};

enum event_type {
    EVENT_EXCHANGE,
    EVENT_MESSAGE,
    EVENT_WRITE,   // master to replica
    EVENT_WRITTEN, // replica to master
    EVENT_FREEZE,
    EVENT_INSTALL,
    EVENT_SYNC,
};

struct event {
    uint64_t at_us;
    uint64_t order;
    enum event_type type;
    uint8_t from; // node number in the simulation
    uint8_t to;
    uint8_t turn;  // of a sync
    uint32_t life; // of `to`; events of a former life are void
    uint64_t key;
    uint64_t news; // of a sync
    bool equal;    // of a sync
    uint32_t partition;
    uint32_t op;
    uint32_t size;
    uint8_t *bytes;
    struct view *view;
};

struct view {
    uint64_t key;
    uint64_t regime;
    uint32_t count;
    uint8_t node[NODES_MAX]; // by id, highest first
    bool quiesced[NODES_MAX];
    struct view *next; // all views, for freeing
};

struct op {
    bool active;
    bool replicating;
    uint8_t master;
    uint32_t partition;
    uint64_t bit;
    uint64_t key;
    struct node_set waiting; // node numbers
    uint64_t sent_us;
};

struct node {
    bool alive;
    bool leaving;
    bool frozen;
    bool planned;
    uint32_t life;
    uint32_t component; // who reaches whom
    uint64_t id;
    uint64_t promised; // key of the view
    uint64_t regime;   // of the same
    struct view *view; // installed
    struct partition_machine *machine;
    uint64_t copy[LIMIT_PARTITIONS];
    bool draining[LIMIT_PARTITIONS];
};

struct sim {
    uint64_t seed;
    uint64_t random;
    uint64_t now_us;
    uint64_t order;
    uint64_t regime;
    struct event *heap;
    uint32_t heap_count;
    uint32_t heap_size;
    struct view *views;
    struct node node[NODES_MAX];
    uint32_t node_count;
    uint32_t factor;
    uint32_t partitions; // that have data
    uint32_t loss_percent;
    struct event now; // that is being carried out
    uint32_t told;    // the partition whose story is printed
    uint64_t acked[LIMIT_PARTITIONS];
    uint8_t writes[LIMIT_PARTITIONS]; // started
    struct op op[OPS_MAX];
    uint32_t budget; // crashes that must do no harm until all is settled again
    bool small_view; // somebody may have acknowledged with fewer copies: none at all
    uint32_t copies; // that each acknowledged write must have; 0: not known
    enum mutation mutation;
    jmp_buf found; // where a broken promise leads to when it is expected
    struct {
        uint64_t acked, views, crashes, joins, leaves, splits, steps, drops, handed, lost;
        uint64_t settled;
    } seen;
    struct partition_effects effects;
    struct partition_exchange exchange; // that goes out
    struct partition_exchange incoming;
    uint8_t bytes[PARTITION_EXCHANGE_SIZE_MAX];
};

static uint64_t prng_next(struct sim *sim)
{
    uint64_t x = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint32_t below(struct sim *sim, uint32_t limit)
{
    return (uint32_t)(prng_next(sim) % limit);
}

static bool chance(struct sim *sim, uint32_t percent)
{
    return below(sim, 100) < percent;
}

#define MUST(sim, fact, ...)                                                                       \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            must_fail(sim, #fact, __LINE__, __VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

static _Noreturn void must_fail(struct sim *sim, const char *fact, int line, const char *format,
                                ...)
{
    va_list list;
    if (sim->mutation != MUTATION_NONE) {
        longjmp(sim->found, 1);
    }
    fflush(stdout);
    fprintf(stderr, "seed %llu, %.1f ms, line %d: %s: ", (unsigned long long)sim->seed,
            (double)sim->now_us / 1e3, line, fact);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    abort();
}

// ---- The queue of events.

static bool event_before(const struct event *a, const struct event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

static void event_push(struct sim *sim, struct event event)
{
    event.order = sim->order++;
    if (sim->heap_count == sim->heap_size) {
        sim->heap_size = sim->heap_size == 0 ? 1024 : 2 * sim->heap_size;
        sim->heap = realloc(sim->heap, sim->heap_size * sizeof *sim->heap);
        assert_non_null(sim->heap);
    }
    uint32_t at = sim->heap_count++;
    for (; at > 0 && event_before(&event, &sim->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
    }
    sim->heap[at] = event;
}

static struct event event_pop(struct sim *sim)
{
    struct event first = sim->heap[0];
    struct event last = sim->heap[--sim->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sim->heap_count) {
            break;
        }
        if (child + 1 < sim->heap_count && event_before(&sim->heap[child + 1], &sim->heap[child])) {
            child++;
        }
        if (!event_before(&sim->heap[child], &last)) {
            break;
        }
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return first;
}

static bool reaches(const struct sim *sim, uint32_t a, uint32_t b)
{
    return sim->node[a].alive && sim->node[b].alive &&
           sim->node[a].component == sim->node[b].component;
}

// A message: lost, late, doubled.
static void network_send(struct sim *sim, struct event event, const uint8_t *bytes, uint32_t size)
{
    uint32_t copies = chance(sim, sim->loss_percent) ? 0 : chance(sim, sim->loss_percent) ? 2 : 1;
    for (uint32_t i = 0; i < copies; i++) {
        event.bytes = NULL;
        event.size = size;
        if (size > 0) {
            event.bytes = malloc(size);
            assert_non_null(event.bytes);
            memcpy(event.bytes, bytes, size);
        }
        uint32_t slow = sim->loss_percent > 0 && chance(sim, 10) ? 40000 : 2000;
        event.at_us = sim->now_us + 100 + below(sim, slow);
        event.life = sim->node[event.to].life;
        event_push(sim, event);
    }
}

// ---- What a node does.

static bool serves(const struct node *node)
{
    return node->alive && !node->frozen && node->planned;
}

static bool is_master(const struct sim *sim, uint32_t number, uint32_t partition)
{
    const struct node *node = &sim->node[number];
    if (!serves(node)) {
        return false;
    }
    const struct partition_state *state = partition_at(node->machine, partition);
    return node->view->node[state->master] == number && !state->handing_over;
}

static struct node_set numbers_of(const struct view *view, const struct node_set *places)
{
    struct node_set set = {{0}};
    for (uint32_t i = node_set_next(places, 0); i < LIMIT_CLUSTER_NODES;
         i = node_set_next(places, i + 1)) {
        node_set_add(&set, view->node[i]);
    }
    return set;
}

static uint64_t everywhere(const struct sim *sim, uint32_t partition)
{
    uint64_t all = 0;
    for (uint32_t n = 0; n < sim->node_count; n++) {
        all |= sim->node[n].alive ? sim->node[n].copy[partition] : 0;
    }
    return all;
}

// The writes of `bits` that fewer than `copies` nodes have.
static uint64_t scarce(const struct sim *sim, uint32_t partition, uint64_t bits, uint32_t copies)
{
    uint64_t found = 0;
    for (; bits != 0; bits &= bits - 1) {
        uint64_t bit = bits & -bits;
        uint32_t count = 0;
        for (uint32_t n = 0; n < sim->node_count; n++) {
            count += sim->node[n].alive && (sim->node[n].copy[partition] & bit) != 0;
        }
        found |= count < copies ? bit : 0;
    }
    return found;
}

static void story_set(const struct view *view, const char *name, const struct node_set *set)
{
    printf(", %s", name);
    for (uint32_t i = node_set_next(set, 0); i < view->count; i = node_set_next(set, i + 1)) {
        printf(" %u", view->node[i]);
    }
}

// What every copy of the partition that is told about looks like.
static void story(const struct sim *sim, const char *what, uint32_t partition)
{
    if (sim->told == LIMIT_PARTITIONS ||
        (partition != sim->told && partition != LIMIT_PARTITIONS)) {
        return;
    }
    printf("%.1f ms %s: acked %llx\n", (double)sim->now_us / 1e3, what,
           (unsigned long long)sim->acked[sim->told]);
    for (uint32_t n = 0; n < sim->node_count; n++) {
        const struct node *node = &sim->node[n];
        if (!node->alive || node->view == NULL) {
            continue;
        }
        const struct partition_state *state = partition_at(node->machine, sim->told);
        printf(
            "    %u%s in %u of %03llx: %llx, lineage %03llx%s%s", n, node->frozen ? " frozen" : "",
            node->component, (unsigned long long)node->view->key & 0xfff,
            (unsigned long long)node->copy[sim->told], (unsigned long long)state->lineage & 0xfff,
            state->self_full ? " full" : "", state->drop ? " dropped" : "");
        if (node->planned) {
            printf(", step %u master %u desired", state->step, node->view->node[state->master]);
            for (uint32_t i = 0; i < state->desired_count; i++) {
                printf(" %u", node->view->node[state->desired[i]]);
            }
            story_set(node->view, "writes", &state->writes);
            story_set(node->view, "full", &state->full);
            story_set(node->view, "unsynced", &state->unsynced);
            story_set(node->view, "duplicates", &state->duplicates);
        }
        printf("\n");
    }
}

static void check_kept(struct sim *sim, uint32_t partition)
{
    uint64_t gone = sim->acked[partition] & ~everywhere(sim, partition);
    MUST(sim, gone == 0, "partition %u lost %llx", partition, (unsigned long long)gone);
    uint64_t few = scarce(sim, partition, sim->acked[partition], sim->copies);
    MUST(sim, few == 0, "partition %u has fewer than %u copies of %llx", partition, sim->copies,
         (unsigned long long)few);
}

// A write that was on its way when its master became another node is acknowledged when the copy
// that it is in goes: what that had others have.
static void copy_clear(struct sim *sim, uint32_t number, uint32_t partition)
{
    story(sim, "clear", partition);
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        struct op *op = &sim->op[i];
        if (op->active && op->master == number && op->partition == partition) {
            op->active = false;
            sim->acked[partition] |= op->bit;
        }
    }
    sim->node[number].copy[partition] = 0;
    sim->seen.drops++;
    check_kept(sim, partition);
}

static void op_send(struct sim *sim, uint32_t index)
{
    struct op *op = &sim->op[index];
    op->sent_us = sim->now_us;
    for (uint32_t n = node_set_next(&op->waiting, 0); n < LIMIT_CLUSTER_NODES;
         n = node_set_next(&op->waiting, n + 1)) {
        network_send(sim,
                     (struct event){.type = EVENT_WRITE,
                                    .from = op->master,
                                    .to = (uint8_t)n,
                                    .key = op->key,
                                    .partition = op->partition,
                                    .op = index},
                     NULL, 0);
    }
}

static void op_finish_if_acked(struct sim *sim, struct op *op)
{
    if (op->active && op->replicating && node_set_is_empty(&op->waiting)) {
        op->active = false;
        sim->acked[op->partition] |= op->bit;
        story(sim, "acked", op->partition);
        sim->seen.acked++;
        check_kept(sim, op->partition);
    }
}

// Replicates under the master's present view.
static void op_start(struct sim *sim, uint32_t index)
{
    struct op *op = &sim->op[index];
    struct node *node = &sim->node[op->master];
    const struct partition_state *state = partition_at(node->machine, op->partition);
    op->replicating = true;
    op->key = node->view->key;
    op->waiting = numbers_of(node->view, &state->writes);
    if (sim->mutation == MUTATION_SKIP_ACK && !node_set_is_empty(&op->waiting)) {
        node_set_remove(&op->waiting, node_set_next(&op->waiting, 0));
    }
    op_send(sim, index);
    op_finish_if_acked(sim, op);
}

static void step(struct sim *sim, uint32_t number, struct partition_event event);

static void drained_if_idle(struct sim *sim, uint32_t number, uint32_t partition)
{
    struct node *node = &sim->node[number];
    if (!node->draining[partition] || !serves(node)) {
        return;
    }
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        if (sim->op[i].active && sim->op[i].master == number && sim->op[i].partition == partition) {
            return;
        }
    }
    node->draining[partition] = false;
    sim->seen.handed++;
    step(sim, number,
         (struct partition_event){
             .type = PARTITION_DRAINED, .view_key = node->view->key, .partition = partition});
}

// The plan is made: writes go on where we are still the master.
static void on_plan(struct sim *sim, uint32_t number)
{
    struct node *node = &sim->node[number];
    struct partition_progress progress;
    partition_progress(node->machine, &progress);
    node->planned = true;
    story(sim, "plan", LIMIT_PARTITIONS);
    sim->seen.lost += progress.lost;
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        struct op *op = &sim->op[i];
        if (op->active && op->master == number) {
            if (is_master(sim, number, op->partition)) {
                op_start(sim, i);
            } else {
                op->replicating = false; // until the copy goes, and then others have it
            }
        }
    }
}

static void carry_out(struct sim *sim, uint32_t number, const struct partition_effect *effect)
{
    struct node *node = &sim->node[number];
    uint8_t to = effect->to < node->view->count ? node->view->node[effect->to] : 0;
    uint32_t size;
    switch (effect->type) {
    case PARTITION_SEND_EXCHANGE:
        partition_exchange_own(node->machine, &sim->exchange);
        sim->exchange.wants = effect->wants;
        size = partition_exchange_encode(&sim->exchange, sim->bytes);
        network_send(sim, (struct event){.type = EVENT_EXCHANGE, .from = (uint8_t)number, .to = to},
                     sim->bytes, size);
        break;
    case PARTITION_SEND:
        size = partition_message_encode(&effect->message, sim->bytes);
        network_send(sim, (struct event){.type = EVENT_MESSAGE, .from = (uint8_t)number, .to = to},
                     sim->bytes, size);
        break;
    case PARTITION_PLAN:
        on_plan(sim, number);
        break;
    case PARTITION_PLACE:
        break;
    case PARTITION_DROP:
        copy_clear(sim, number, effect->partition);
        break;
    case PARTITION_SYNC:
        event_push(sim, (struct event){.type = EVENT_SYNC,
                                       .at_us = sim->now_us + below(sim, 20000),
                                       .from = (uint8_t)number,
                                       .to = to,
                                       .life = node->life,
                                       .key = node->view->key,
                                       .equal = effect->equal,
                                       .partition = effect->partition});
        break;
    case PARTITION_DRAIN:
        node->draining[effect->partition] = true;
        break;
    }
}

static void step(struct sim *sim, uint32_t number, struct partition_event event)
{
    struct node *node = &sim->node[number];
    event.now_ms = sim->now_us / 1000;
    do {
        sim->seen.steps++;
        partition_step(node->machine, &event, &sim->effects);
        if (chance(sim, 1)) {
            partition_check(node->machine);
        }
        for (uint32_t i = 0; i < sim->effects.count; i++) {
            carry_out(sim, number, &sim->effects.effect[i]);
        }
        event = (struct partition_event){.type = PARTITION_TICK, .now_ms = event.now_ms};
    } while (sim->effects.more);
}

// ---- Events.

static uint32_t place_of(const struct view *view, uint32_t number)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->node[i] == number) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint64_t sum_of(uint64_t bits)
{
    return bits == 0 ? 0 : balance_score(bits, 7);
}

static void on_install(struct sim *sim, uint32_t number, struct view *view)
{
    struct node *node = &sim->node[number];
    struct partition_member member[NODES_MAX];
    if (node->promised != view->key) {
        return;
    }
    for (uint32_t i = 0; i < view->count; i++) {
        member[i] = (struct partition_member){.id = sim->node[view->node[i]].id,
                                              .quiesced = view->quiesced[i]};
    }
    struct partition_exchange *exchange = &sim->incoming;
    memset(exchange, 0, sizeof *exchange);
    exchange->key = view->key;
    exchange->replication_factor = sim->factor;
    exchange->has_namespace = true;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = partition_at(node->machine, p);
        exchange->copy[p] = (struct partition_copy){
            .lineage = state->lineage,
            .full = state->self_full || (sim->mutation == MUTATION_SAY_FULL && state->lineage != 0),
            .sum = sum_of(node->copy[p]),
            .count = (uint32_t)__builtin_popcountll(node->copy[p])};
    }
    node->view = view;
    node->frozen = false;
    node->planned = false;
    memset(node->draining, 0, sizeof node->draining);
    step(sim, number,
         (struct partition_event){.type = PARTITION_VIEW,
                                  .view_key = view->key,
                                  .member_count = view->count,
                                  .self = place_of(view, number),
                                  .member = member,
                                  .exchange = exchange});
}

static void on_exchange(struct sim *sim, const struct event *event)
{
    struct node *node = &sim->node[event->to];
    if (node->frozen || node->view == NULL || place_of(node->view, event->from) == UINT32_MAX) {
        return;
    }
    MUST(sim, partition_exchange_decode(event->bytes, event->size, &sim->incoming) == RESULT_OK,
         "own");
    step(sim, event->to,
         (struct partition_event){.type = PARTITION_EXCHANGED,
                                  .from = place_of(node->view, event->from),
                                  .exchange = &sim->incoming});
}

static void on_message(struct sim *sim, const struct event *event)
{
    struct node *node = &sim->node[event->to];
    struct partition_message message;
    if (node->frozen || node->view == NULL || place_of(node->view, event->from) == UINT32_MAX) {
        return;
    }
    MUST(sim, partition_message_decode(event->bytes, event->size, &message) == RESULT_OK, "own");
    step(sim, event->to,
         (struct partition_event){.type = PARTITION_RECEIVED,
                                  .from = place_of(node->view, event->from),
                                  .message = &message});
}

static void on_write(struct sim *sim, const struct event *event)
{
    struct node *node = &sim->node[event->to];
    const struct op *op = &sim->op[event->op];
    if (!serves(node) || node->view->key != event->key || op->key != event->key) {
        return;
    }
    if (!partition_at(node->machine, event->partition)->drop) {
        node->copy[event->partition] |= op->bit;
    }
    network_send(sim,
                 (struct event){.type = EVENT_WRITTEN,
                                .from = event->to,
                                .to = event->from,
                                .key = event->key,
                                .partition = event->partition,
                                .op = event->op},
                 NULL, 0);
}

static void on_written(struct sim *sim, const struct event *event)
{
    struct op *op = &sim->op[event->op];
    if (op->active && op->key == event->key && op->master == event->to &&
        op->partition == event->partition) {
        node_set_remove(&op->waiting, event->from);
        op_finish_if_acked(sim, op);
    }
}

// One turn of a sync: some of the records, in the last turn all. What is news to the master goes to
// its other replicas too; `news` is what some of them may lack. False: somebody cannot be reached.
static bool sync_turn(struct sim *sim, const struct event *event, uint64_t bits, uint64_t *news)
{
    struct node *a = &sim->node[event->from];
    struct node *b = &sim->node[event->to];
    uint32_t partition = event->partition;
    const struct partition_state *state = partition_at(a->machine, partition);
    struct node_set writes = numbers_of(a->view, &state->writes);
    *news |= b->copy[partition] & bits & ~a->copy[partition];
    a->copy[partition] |= *news;
    story(sim, "sync", partition);
    for (uint32_t n = node_set_next(&writes, 0); n < LIMIT_CLUSTER_NODES;
         n = node_set_next(&writes, n + 1)) {
        struct node *other = &sim->node[n];
        if (!serves(other) || other->view != a->view || !reaches(sim, event->from, n) ||
            chance(sim, sim->loss_percent)) {
            return false;
        }
        if (!partition_at(other->machine, partition)->drop) {
            other->copy[partition] |= *news;
        }
    }
    *news = 0;
    if (event->equal) {
        b->copy[partition] |= a->copy[partition] & bits;
    }
    return true;
}

static void on_sync(struct sim *sim, struct event event)
{
    struct node *a = &sim->node[event.from];
    struct node *b = &sim->node[event.to];
    if (!serves(a) || a->view->key != event.key || a->life != event.life) {
        return;
    }
    bool reached = serves(b) && b->view == a->view && reaches(sim, event.from, event.to);
    bool last = event.turn == 2 || sim->mutation == MUTATION_SKIP_SYNC;
    uint64_t bits = event.turn == 2 ? UINT64_MAX : prng_next(sim);
    if (reached && sync_turn(sim, &event, bits, &event.news)) {
        if (last) {
            step(sim, event.from,
                 (struct partition_event){.type = PARTITION_SYNCED,
                                          .view_key = event.key,
                                          .partition = event.partition,
                                          .from = place_of(a->view, event.to)});
            return;
        }
        event.turn++;
    }
    event.at_us = sim->now_us + 1000 + below(sim, 20000);
    event_push(sim, event);
}

// Carries out the next event.
static void deliver(struct sim *sim)
{
    sim->now = event_pop(sim);
    struct event *event = &sim->now;
    struct node *to = &sim->node[event->to];
    bool local = event->type == EVENT_FREEZE || event->type == EVENT_INSTALL;
    sim->now_us = event->at_us;
    if (event->type == EVENT_SYNC) {
        on_sync(sim, *event);
    } else if (to->alive && to->life == event->life &&
               (local || reaches(sim, event->from, event->to))) {
        switch (event->type) {
        case EVENT_EXCHANGE:
            on_exchange(sim, event);
            break;
        case EVENT_MESSAGE:
            on_message(sim, event);
            break;
        case EVENT_WRITE:
            on_write(sim, event);
            break;
        case EVENT_WRITTEN:
            on_written(sim, event);
            break;
        case EVENT_FREEZE:
            if (event->view->regime > to->regime) {
                to->regime = event->view->regime;
                to->promised = event->view->key;
                to->frozen = true;
                story(sim, "freeze", LIMIT_PARTITIONS);
            }
            break;
        case EVENT_INSTALL:
            on_install(sim, event->to, event->view);
            break;
        case EVENT_SYNC:
            break;
        }
    }
    free(event->bytes);
    event->bytes = NULL;
}
