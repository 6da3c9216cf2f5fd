// SPDX-License-Identifier: Apache-2.0
// Whole clusters of partition machines: messages are lost, doubled and late, views change at any
// moment, nodes crash, join and leave. Checked from outside: no acknowledged write gets lost or
// unseen, nobody else serves as master at the same time, and when the faults stop all comes to rest
// as the plan says.
//
// Usage: core_test_partition_sim [FIRST COUNT [PARTITION]]: runs that many seeds from FIRST, and
// tells the story of the partition.
#include "partition_sim.h"

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
static void check_masters(struct sim *sim, uint32_t partition)
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

static void check_rest(struct sim *sim)
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
            sim->node[n].component = sim->node[alive_any(sim)].component % NODES_MAX;
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

// A node is out of reach and takes no part in views; stopped, or unaware of it for a while.
static void fault_cut(struct sim *sim)
{
    uint32_t number = alive_any(sim);
    sim->node[number].component = NODES_MAX + number;
    sim->node[number].frozen |= chance(sim, 50);
    sim->copies = 0;
    views_make(sim, false);
}

static void fault_any(struct sim *sim, bool reckless)
{
    switch (below(sim, 10)) {
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
    case 7:
        components_set(sim, 1);
        views_make(sim, false);
        break;
    case 8:
        fault_cut(sim);
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
            deliver(sim);
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

static struct sim *sim_new(uint64_t seed, uint32_t told, enum mutation mutation)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    sim->seed = seed;
    sim->told = told;
    sim->mutation = mutation;
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
    free(sim->now.bytes);
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
static void sim_run(struct sim *sim)
{
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
        MUST(sim, !sim->node[n].alive || partition_is_settled(sim->node[n].machine), "node %u", n);
    }
    for (uint32_t n = 0; n < sim->node_count; n++) {
        if (sim->node[n].alive) {
            partition_check(sim->node[n].machine);
        }
    }
}

static void sim_tell(const struct sim *sim)
{
    printf(
        "seed %llu: nodes %u rf %u, %.1f s: acked %llu views %llu crashes %llu joins %llu "
        "leaves %llu splits %llu steps %llu drops %llu handed %llu lost %llu\n",
        (unsigned long long)sim->seed, sim->node_count, sim->factor, (double)sim->now_us / 1e6,
        (unsigned long long)sim->seen.acked, (unsigned long long)sim->seen.views,
        (unsigned long long)sim->seen.crashes, (unsigned long long)sim->seen.joins,
        (unsigned long long)sim->seen.leaves, (unsigned long long)sim->seen.splits,
        (unsigned long long)sim->seen.steps, (unsigned long long)sim->seen.drops,
        (unsigned long long)sim->seen.handed, (unsigned long long)sim->seen.lost);
}

static void clusters_with_faults_lose_nothing_and_come_to_rest(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim *sim = sim_new(seed, LIMIT_PARTITIONS, MUTATION_NONE);
        sim_run(sim);
        sim_free(sim);
    }
}

// The number of the first seed that finds it.
static uint64_t mutation_find(enum mutation mutation, uint64_t seed_max)
{
    for (volatile uint64_t seed = 1; seed <= seed_max; seed++) {
        struct sim *sim = sim_new(seed, LIMIT_PARTITIONS, mutation);
        volatile bool found = true;
        if (setjmp(sim->found) == 0) {
            sim_run(sim);
            found = false;
        }
        sim_free(sim);
        if (found) {
            return seed;
        }
    }
    return 0;
}

static void a_broken_rule_is_found(void **state)
{
    (void)state;
    for (uint32_t mutation = 1; mutation < MUTATIONS; mutation++) {
        assert_int_not_equal(mutation_find((enum mutation)mutation, 50), 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_with_faults_lose_nothing_and_come_to_rest),
        cmocka_unit_test(a_broken_rule_is_found),
    };
    if (argc >= 3) {
        uint64_t first = strtoull(argv[1], NULL, 10);
        uint64_t count = strtoull(argv[2], NULL, 10);
        uint32_t told = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : LIMIT_PARTITIONS;
        for (uint64_t seed = first; seed < first + count; seed++) {
            struct sim *sim = sim_new(seed, told, MUTATION_NONE);
            sim_run(sim);
            sim_tell(sim);
            sim_free(sim);
        }
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
