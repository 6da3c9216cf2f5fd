// SPDX-License-Identifier: Apache-2.0
// Whole clusters of partition machines in virtual time: messages are lost, doubled and late, views
// change at any moment, nodes crash, join and leave. A copy is a set of writes, at most 64 of them
// a partition. Checked from outside: no acknowledged write gets lost or unseen, nobody else serves
// as master at the same time, and when the faults stop all comes to rest as the plan says.
//
// Usage: core_test_partition_sim [FIRST COUNT [PARTITION]]: runs that many seeds from FIRST, and
// tells the story of the partition.
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
    uint32_t told; // the partition whose story is printed
    uint64_t acked[LIMIT_PARTITIONS];
    uint8_t writes[LIMIT_PARTITIONS]; // started
    struct op op[OPS_MAX];
    uint32_t budget; // crashes that must do no harm until all is settled again
    bool small_view; // somebody may have acknowledged with fewer copies: none at all
    uint32_t copies; // that each acknowledged write must have; 0: not known
    bool mutated;    // deliberately broken, to see that the checks see it
    struct {
        uint64_t acked, views, crashes, joins, leaves, splits, steps, drops, handed, lost;
        uint64_t settled;
    } seen;
    struct partition_effects effects;
    struct partition_exchange exchange;
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

static _Noreturn void must_fail(const struct sim *sim, const char *fact, int line,
                                const char *format, ...)
{
    va_list list;
    fprintf(stderr, "seed %llu, %.1f ms, line %d: %s: ", (unsigned long long)sim->seed,
            (double)sim->now_us / 1e3, line, fact);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    fflush(NULL);
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

static void check_kept(const struct sim *sim, uint32_t partition)
{
    uint64_t gone = sim->acked[partition] & ~everywhere(sim, partition);
    MUST(sim, gone == 0, "partition %u lost %llx", partition, (unsigned long long)gone);
    uint64_t few = scarce(sim, partition, sim->acked[partition], sim->copies);
    MUST(sim, few == 0, "partition %u has fewer than %u copies of %llx", partition, sim->copies,
         (unsigned long long)few);
}

static void copy_clear(struct sim *sim, uint32_t number, uint32_t partition)
{
    story(sim, "clear", partition);
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
    if (sim->mutated && chance(sim, 20) && !node_set_is_empty(&op->waiting)) {
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
                op->active = false; // in doubt
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
    sim->seen.steps++;
    do {
        // Effects lead to further steps, which have effects of their own.
        struct partition_effects *out = malloc(sizeof *out);
        assert_non_null(out);
        partition_step(node->machine, &event, out);
        bool more = out->more;
        if (chance(sim, 1)) {
            partition_check(node->machine);
        }
        for (uint32_t i = 0; i < out->count; i++) {
            carry_out(sim, number, &out->effect[i]);
        }
        free(out);
        event = (struct partition_event){.type = PARTITION_TICK, .now_ms = event.now_ms};
        if (!more) {
            return;
        }
    } while (true);
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
    struct partition_exchange *exchange = calloc(1, sizeof *exchange);
    assert_non_null(exchange);
    exchange->key = view->key;
    exchange->replication_factor = sim->factor;
    exchange->has_namespace = true;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = partition_at(node->machine, p);
        exchange->copy[p] =
            (struct partition_copy){.lineage = state->lineage,
                                    .full = state->self_full,
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
    free(exchange);
}

static void on_exchange(struct sim *sim, const struct event *event)
{
    struct node *node = &sim->node[event->to];
    if (node->frozen || node->view == NULL || place_of(node->view, event->from) == UINT32_MAX) {
        return;
    }
    struct partition_exchange *exchange = malloc(sizeof *exchange);
    assert_non_null(exchange);
    MUST(sim, partition_exchange_decode(event->bytes, event->size, exchange) == RESULT_OK, "own");
    step(sim, event->to,
         (struct partition_event){.type = PARTITION_EXCHANGED,
                                  .from = place_of(node->view, event->from),
                                  .exchange = exchange});
    free(exchange);
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
    if (node_set_has(&writes, event->to)) {
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
    bool last = event.turn == 2;
    uint64_t bits = last ? UINT64_MAX : prng_next(sim);
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

static void deliver(struct sim *sim, struct event *event)
{
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
}

// ---- Checks from outside.

static uint32_t alive_count(const struct sim *sim)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < sim->node_count; n++) {
        count += sim->node[n].alive;
    }
    return count;
}

static bool is_settled(const struct sim *sim)
{
    const struct view *view = NULL;
    uint32_t alive = 0;
    for (uint32_t n = 0; n < sim->node_count; n++) {
        const struct node *node = &sim->node[n];
        struct partition_progress progress;
        if (!node->alive) {
            continue;
        }
        alive++;
        if (!serves(node) || (view != NULL && node->view != view)) {
            return false;
        }
        view = node->view;
        partition_progress(node->machine, &progress);
        if (progress.lead_remaining > 0 || progress.incoming_remaining > 0) {
            return false;
        }
    }
    return view != NULL && alive == view->count;
}

// One master at most. When all nodes are together it sees every acknowledged write.
static void check_masters(const struct sim *sim, uint32_t partition)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        const struct node *node = &sim->node[n];
        if (!is_master(sim, n, partition)) {
            continue;
        }
        const struct partition_state *state = partition_at(node->machine, partition);
        uint64_t seen = node->copy[partition];
        uint64_t there = 0;
        bool together = node->view->count == alive_count(sim);
        for (uint32_t i = 0; i < node->view->count; i++) {
            uint32_t other = node->view->node[i];
            MUST(sim,
                 other == n || !is_master(sim, other, partition) ||
                     sim->node[other].view != node->view,
                 "partition %u has masters %u and %u", partition, n, other);
            together =
                together && sim->node[other].alive && sim->node[other].promised == node->view->key;
            there |= sim->node[other].copy[partition];
            if (node_set_has(&state->duplicates, i)) {
                seen |= sim->node[other].copy[partition];
            }
        }
        there &= sim->acked[partition];
        MUST(sim, !together || (there & ~seen) == 0, "partition %u: master %u does not see %llx",
             partition, n, (unsigned long long)(there & ~seen));
    }
}

static void check_rest(const struct sim *sim)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        uint64_t content = 0;
        uint8_t desired[LIMIT_REPLICATION_FACTOR];
        uint32_t count = 0;
        for (uint32_t n = 0; n < sim->node_count; n++) {
            const struct node *node = &sim->node[n];
            if (!node->alive) {
                continue;
            }
            const struct partition_state *state = partition_at(node->machine, p);
            uint32_t self = place_of(node->view, n);
            bool holds = false;
            MUST(sim, state->master == state->desired[0], "partition %u", p);
            MUST(sim,
                 count == 0 ||
                     (count == state->desired_count && memcmp(desired, state->desired, count) == 0),
                 "partition %u: plans differ", p);
            count = state->desired_count;
            memcpy(desired, state->desired, count);
            for (uint32_t i = 0; i < count; i++) {
                holds |= desired[i] == self;
            }
            if (holds) {
                MUST(sim, state->self_full && state->settled, "partition %u at %u", p, n);
                MUST(sim,
                     state->column_count == count && memcmp(state->column, desired, count) == 0,
                     "partition %u at %u", p, n);
                MUST(sim, content == 0 || content == node->copy[p], "partition %u differs", p);
                content = node->copy[p];
            } else {
                MUST(sim, node->copy[p] == 0, "partition %u is left at %u", p, n);
            }
        }
        MUST(sim, (sim->acked[p] & ~content) == 0, "partition %u", p);
        for (uint32_t i = 0; i < count; i++) {
            const struct view *view = NULL;
            for (uint32_t n = 0; n < sim->node_count && view == NULL; n++) {
                view = sim->node[n].alive ? sim->node[n].view : NULL;
            }
            MUST(sim, sim->node[view->node[desired[i]]].copy[p] == content, "partition %u", p);
        }
    }
}

// ---- What happens to the cluster.

// Each component that is reachable agrees on a view of its own.
static void views_make(struct sim *sim, bool surely)
{
    for (uint32_t component = 0; component < NODES_MAX; component++) {
        struct view *view = calloc(1, sizeof *view);
        assert_non_null(view);
        view->next = sim->views;
        sim->views = view;
        view->key = prng_next(sim) >> 16 | 1;
        view->regime = ++sim->regime;
        for (uint32_t n = sim->node_count; n-- > 0;) {
            if (sim->node[n].alive && sim->node[n].component == component) {
                view->node[view->count] = (uint8_t)n;
                view->quiesced[view->count++] = sim->node[n].leaving;
            }
        }
        if (view->count == 0) {
            continue;
        }
        sim->seen.views++;
        sim->small_view |= view->count < sim->factor && view->count < alive_count(sim);
        for (uint32_t i = 0; i < view->count; i++) {
            struct event event = {.at_us = sim->now_us + below(sim, 10000),
                                  .type = EVENT_FREEZE,
                                  .from = view->node[i],
                                  .to = view->node[i],
                                  .life = sim->node[view->node[i]].life,
                                  .view = view};
            event_push(sim, event);
            event.type = EVENT_INSTALL;
            event.at_us = sim->now_us + 10000 + below(sim, 10000);
            if (surely || !chance(sim, 5)) {
                event_push(sim, event);
            }
        }
    }
}

static void node_start(struct sim *sim, uint32_t number)
{
    struct node *node = &sim->node[number];
    node->alive = true;
    node->leaving = false;
    node->frozen = true;
    node->planned = false;
    node->life++;
    node->promised = 0;
    node->regime = 0;
    node->view = NULL;
    partition_init(node->machine, (uint32_t[]){0, 1, 4, 16}[below(sim, 4)]);
    memset(node->copy, 0, sizeof node->copy);
}

static void node_stop(struct sim *sim, uint32_t number)
{
    sim->node[number].alive = false;
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        if (sim->op[i].active && sim->op[i].master == number) {
            sim->op[i].active = false;
        }
    }
}

// A node dies with all it has. Within the budget no harm comes of it.
static void node_crash(struct sim *sim, uint32_t number)
{
    node_stop(sim, number);
    sim->seen.crashes++;
    story(sim, "crash", LIMIT_PARTITIONS);
    sim->copies = 0;
    bool harmless = sim->budget > 0 && !sim->small_view;
    sim->budget -= sim->budget > 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if (harmless) {
            check_kept(sim, p);
        } else {
            sim->acked[p] &= everywhere(sim, p);
        }
    }
}

static void components_set(struct sim *sim, uint32_t count)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        sim->node[n].component = below(sim, count);
    }
}

static void client_write(struct sim *sim)
{
    uint32_t p = below(sim, sim->partitions);
    uint32_t number = below(sim, sim->node_count);
    if (!is_master(sim, number, p) || sim->writes[p] == WRITES_MAX) {
        return;
    }
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t index = below(sim, OPS_MAX);
        struct op *op = &sim->op[index];
        if (!op->active) {
            *op = (struct op){.active = true,
                              .master = (uint8_t)number,
                              .partition = p,
                              .bit = UINT64_C(1) << sim->writes[p]++};
            sim->node[number].copy[p] |= op->bit;
            op_start(sim, index);
            return;
        }
    }
}

// The master asks the copies with records of their own and keeps what it learns to itself: at worst
// the reader goes away before it is replicated.
static void client_read(struct sim *sim)
{
    uint32_t p = below(sim, sim->partitions);
    uint32_t number = below(sim, sim->node_count);
    if (!is_master(sim, number, p)) {
        return;
    }
    struct node *node = &sim->node[number];
    const struct partition_state *state = partition_at(node->machine, p);
    for (uint32_t i = node_set_next(&state->duplicates, 0); i < LIMIT_CLUSTER_NODES;
         i = node_set_next(&state->duplicates, i + 1)) {
        const struct node *other = &sim->node[node->view->node[i]];
        if (serves(other) && other->view == node->view &&
            reaches(sim, number, node->view->node[i])) {
            node->copy[p] |= other->copy[p] & prng_next(sim);
        }
    }
}

static uint32_t alive_any(struct sim *sim)
{
    uint32_t number = below(sim, sim->node_count);
    while (!sim->node[number].alive) {
        number = (number + 1) % sim->node_count;
    }
    return number;
}

static void fault_crash(struct sim *sim, bool reckless)
{
    if (alive_count(sim) > 1 && (reckless || (sim->budget > 0 && !sim->small_view))) {
        node_crash(sim, alive_any(sim));
        views_make(sim, false);
    }
}

static void fault_join(struct sim *sim)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        if (!sim->node[n].alive) {
            sim->node[n].component = sim->node[alive_any(sim)].component;
            node_start(sim, n);
            sim->seen.joins++;
            views_make(sim, false);
            return;
        }
    }
}

static void fault_leave(struct sim *sim)
{
    uint32_t number = alive_any(sim);
    if (alive_count(sim) > 1) {
        sim->node[number].leaving = true;
        views_make(sim, false);
    }
}

// Leaving nodes go as soon as they may.
static void leavers_go(struct sim *sim)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        struct node *node = &sim->node[n];
        if (node->leaving && serves(node) && node->view->quiesced[place_of(node->view, n)] &&
            partition_held(node->machine) == 0) {
            node_stop(sim, n);
            node->leaving = false;
            sim->seen.leaves++;
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                MUST(sim, node->copy[p] == 0, "partition %u", p);
                check_kept(sim, p);
            }
            views_make(sim, false);
        }
    }
}

static void fault_any(struct sim *sim, bool reckless)
{
    switch (below(sim, 8)) {
    case 0:
    case 1:
        fault_crash(sim, reckless);
        break;
    case 2:
    case 3:
        fault_join(sim);
        break;
    case 4:
        fault_leave(sim);
        break;
    case 5:
        components_set(sim, 2 + below(sim, 2));
        sim->copies = 0;
        sim->seen.splits++;
        views_make(sim, false);
        break;
    case 6:
        components_set(sim, 1);
        views_make(sim, false);
        break;
    default:
        views_make(sim, false);
        break;
    }
}

static void tick(struct sim *sim)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        struct node *node = &sim->node[n];
        if (node->alive && !node->frozen && node->view != NULL) {
            step(sim, n, (struct partition_event){.type = PARTITION_TICK});
            for (uint32_t p = 0; p < sim->partitions; p++) {
                drained_if_idle(sim, n, p);
            }
            for (uint32_t p = sim->partitions; p < LIMIT_PARTITIONS; p++) {
                drained_if_idle(sim, n, p);
            }
        }
    }
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        if (sim->op[i].active && sim->op[i].replicating &&
            sim->now_us - sim->op[i].sent_us > 50000) {
            op_send(sim, i);
        }
    }
    if (is_settled(sim)) {
        uint32_t alive = alive_count(sim);
        sim->copies = alive < sim->factor ? alive : sim->factor;
        sim->budget = sim->copies - 1;
        sim->small_view = false;
        sim->seen.settled++;
    }
    leavers_go(sim);
    for (uint32_t i = 0; i < 64; i++) {
        check_masters(sim, below(sim, sim->partitions));
    }
}

static void run_until(struct sim *sim, uint64_t end_us, uint32_t writes_per_tick)
{
    while (sim->now_us < end_us) {
        uint64_t next_us = sim->now_us + TICK_MS * 1000;
        while (sim->heap_count > 0 && sim->heap[0].at_us <= next_us) {
            struct event event = event_pop(sim);
            deliver(sim, &event);
        }
        sim->now_us = next_us;
        for (uint32_t i = 0; i < writes_per_tick; i++) {
            client_write(sim);
            client_read(sim);
            client_read(sim);
        }
        tick(sim);
    }
}

static struct sim *sim_new(uint64_t seed, uint32_t told)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    sim->seed = seed;
    sim->told = told;
    sim->random = seed * 2654435761;
    sim->now_us = 1000000;
    sim->node_count = 2 + below(sim, NODES_MAX - 1);
    sim->factor = 1 + below(sim, 3);
    sim->partitions = 16 + below(sim, 200);
    sim->loss_percent = below(sim, 4) == 0 ? 0 : 1 + below(sim, 15);
    for (uint32_t n = 0; n < sim->node_count; n++) {
        sim->node[n].machine = calloc(1, partition_size());
        assert_non_null(sim->node[n].machine);
        sim->node[n].id = 0xb0000 + n * 0x1001;
    }
    return sim;
}

static void sim_free(struct sim *sim)
{
    while (sim->heap_count > 0) {
        struct event event = event_pop(sim);
        free(event.bytes);
    }
    while (sim->views != NULL) {
        struct view *view = sim->views;
        sim->views = view->next;
        free(view);
    }
    for (uint32_t n = 0; n < sim->node_count; n++) {
        free(sim->node[n].machine);
    }
    free(sim->heap);
    free(sim);
}

// Faults first, then rest.
static void sim_run(uint64_t seed, bool loud, uint32_t told)
{
    struct sim *sim = sim_new(seed, told);
    bool reckless = chance(sim, 20);
    uint32_t faults = 4 + below(sim, 12);
    uint32_t calm_percent = below(sim, 100);
    for (uint32_t n = 0; n < 1 + sim->node_count / 2; n++) {
        node_start(sim, n);
    }
    views_make(sim, true);
    run_until(sim, sim->now_us + 300000, 20);
    for (uint32_t i = 0; i < faults; i++) {
        fault_any(sim, reckless);
        run_until(sim, sim->now_us + (chance(sim, calm_percent) ? 1500000 : below(sim, 120000)),
                  10);
    }
    sim->loss_percent = 0;
    components_set(sim, 1);
    for (uint32_t n = 0; n < sim->node_count; n++) {
        sim->node[n].leaving = false;
    }
    views_make(sim, true);
    for (uint32_t i = 0; i < 600 && (i < 4 || !is_settled(sim)); i++) {
        run_until(sim, sim->now_us + 100000, 2);
    }
    MUST(sim, is_settled(sim), "no rest");
    run_until(sim, sim->now_us + 200000, 0);
    check_rest(sim);
    for (uint32_t n = 0; n < sim->node_count; n++) {
        if (sim->node[n].alive) {
            partition_check(sim->node[n].machine);
        }
    }
    if (loud) {
        printf(
            "seed %llu: nodes %u rf %u loss %u%%: acked %llu views %llu crashes %llu joins %llu "
            "leaves %llu splits %llu steps %llu drops %llu handed %llu lost %llu settled %llu\n",
            (unsigned long long)seed, sim->node_count, sim->factor, sim->loss_percent,
            (unsigned long long)sim->seen.acked, (unsigned long long)sim->seen.views,
            (unsigned long long)sim->seen.crashes, (unsigned long long)sim->seen.joins,
            (unsigned long long)sim->seen.leaves, (unsigned long long)sim->seen.splits,
            (unsigned long long)sim->seen.steps, (unsigned long long)sim->seen.drops,
            (unsigned long long)sim->seen.handed, (unsigned long long)sim->seen.lost,
            (unsigned long long)sim->seen.settled);
    }
    sim_free(sim);
}

static void clusters_with_faults_lose_nothing_and_come_to_rest(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        sim_run(seed, false, LIMIT_PARTITIONS);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_with_faults_lose_nothing_and_come_to_rest),
    };
    if (argc >= 3) {
        uint64_t first = strtoull(argv[1], NULL, 10);
        uint64_t count = strtoull(argv[2], NULL, 10);
        for (uint64_t seed = first; seed < first + count; seed++) {
            sim_run(seed, true, argc > 3 ? (uint32_t)atoi(argv[3]) : LIMIT_PARTITIONS);
        }
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
