// SPDX-License-Identifier: Apache-2.0
// Random histories of clusters: faults of all kinds for a while, then none, and by then all nodes
// have to come to one view and stay with it. A history may end with cuts that last: then every node
// has to come to rest in a view that all its members share. `test [seeds [first [say]]]` runs more.
#include "membership_sim.h"

enum {
    CONVERGE_MS = 12000, // the longest hold, the timeout, and some rounds
    REST_MS = 4000,
    // Cuts that last: nodes that each hear others may try a few times before they yield.
    CUT_MS = 30000,
};

static uint64_t seeds = 40;
static uint64_t first_seed;
static bool say;

static void links_shake(struct sim *sim)
{
    static const uint32_t loss[] = {0, 0, 0, 10, 50, 200};
    static const uint32_t jitter[] = {0, 0, 3, 30, 100};
    static const uint32_t late[] = {0, 0, 100, 1000, 5000};
    sim->loss_permille = loss[sim_below(sim, 6)];
    sim->repeat_permille = loss[sim_below(sim, 6)];
    sim->jitter_ms = jitter[sim_below(sim, 5)];
    sim->late_ms = late[sim_below(sim, 5)];
    sim->gone_ms = sim_below(sim, 4) == 0 ? 0 : 1 + sim_below(sim, 30);
}

static void cuts_clear(struct sim *sim)
{
    if (sim->say) {
        printf("%8lu  all links heal\n", (unsigned long)sim->now_ms);
    }
    memset(sim->cut, 0, sizeof sim->cut);
}

static void group_cut(struct sim *sim)
{
    uint64_t side = sim_random(sim);
    bool one_way = sim_below(sim, 4) == 0;
    for (uint32_t a = 0; a < sim->count; a++) {
        for (uint32_t b = 0; b < sim->count; b++) {
            bool apart = (side >> a & 1) != (side >> b & 1);
            if (apart && (!one_way || (side >> a & 1) != 0)) {
                sim->cut[a][b] = true;
            }
        }
    }
}

static void links_cut(struct sim *sim, uint32_t permille)
{
    for (uint32_t a = 0; a < sim->count; a++) {
        for (uint32_t b = 0; b < a; b++) {
            if (sim_below(sim, 1000) < permille) {
                uint32_t kind = sim_below(sim, 4);
                sim->cut[a][b] = kind != 0;
                sim->cut[b][a] = kind != 1;
                if (sim->say) {
                    printf("%8lu  cut %u %s%s %u\n", (unsigned long)sim->now_ms, 100 + a,
                           kind != 1 ? "<" : "", kind != 0 ? ">" : "", 100 + b);
                }
            }
        }
    }
}

static void process_toggle(struct sim *sim, uint32_t number)
{
    struct sim_node *node = &sim->node[number];
    if (node->up) {
        sim_kill(sim, number);
        return;
    }
    node->regime_floor = sim_below(sim, 2) == 0 ? 0 : node->regime;
    sim_start(sim, number, sim_below(sim, 8) == 0 ? 100000 : sim_below(sim, 500));
}

static void operator_acts(struct sim *sim, uint32_t number)
{
    struct membership_event event = {.type = MEMBERSHIP_RECLUSTER};
    if (sim_below(sim, 2) == 0) {
        event.type = MEMBERSHIP_FLAGS;
        event.flags = (uint8_t)sim_below(sim, 4);
    }
    if (sim->node[number].up && sim->node[number].paused_ms <= sim->now_ms) {
        sim_step(sim, number, event);
    }
}

static void all_restart(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (sim->node[i].up) {
            sim_kill(sim, i);
        }
    }
    sim_run(sim, sim_below(sim, 2000));
    for (uint32_t i = 0; i < sim->count; i++) {
        process_toggle(sim, i);
        sim_run(sim, sim_below(sim, 100));
    }
}

static void fault_make(struct sim *sim)
{
    uint32_t a = sim_below(sim, sim->count);
    uint32_t b = sim_below(sim, sim->count);
    switch (sim_below(sim, 14)) {
    case 0:
    case 1:
    case 2:
        process_toggle(sim, a);
        break;
    case 3:
        sim_pause(sim, a, sim_below(sim, 4000));
        break;
    case 4:
        for (uint32_t i = 0; i < sim->count; i++) {
            sim_pause(sim, i, sim_below(sim, 3) * sim_below(sim, 2000));
        }
        break;
    case 5:
        sim->cut[a][b] = true;
        break;
    case 6:
        sim_cut(sim, a, b, true);
        break;
    case 7:
        group_cut(sim);
        break;
    case 8:
    case 9:
        cuts_clear(sim);
        break;
    case 10: // a link that flaps
        for (uint32_t i = 0; i < 8; i++) {
            sim_cut(sim, a, b, i % 2 == 0);
            sim_run(sim, sim_below(sim, 2000));
        }
        break;
    case 11:
        links_shake(sim);
        break;
    case 12:
        operator_acts(sim, a);
        break;
    default:
        if (sim_below(sim, 6) == 0) {
            all_restart(sim);
        }
    }
}

// Whether somebody serves among all whom `start` reaches over links that work both ways.
static bool somebody_serves(const struct sim *sim, uint32_t start)
{
    uint32_t reached[LIMIT_CLUSTER_NODES] = {start};
    bool seen[LIMIT_CLUSTER_NODES] = {false};
    uint32_t count = 1;
    seen[start] = true;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t at = reached[k];
        if (sim_node_serves(&sim->node[at])) {
            return true;
        }
        for (uint32_t i = 0; i < sim->count; i++) {
            if (!seen[i] && sim->node[i].up && !sim->cut[at][i] && !sim->cut[i][at]) {
                seen[i] = true;
                reached[count++] = i;
            }
        }
    }
    return false;
}

static bool at_rest(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct sim_node *node = &sim->node[i];
        if (!node->up) {
            continue;
        }
        if (!sim_node_serves(node)) {
            // Outside of the view that serves what it is connected with, it waits.
            if (!somebody_serves(sim, i)) {
                return false;
            }
            continue;
        }
        const struct membership_view *view = membership_view(node->machine);
        for (uint32_t j = 0; j < view->count; j++) {
            const struct sim_node *other = &sim->node[sim_node_of(sim, view->member[j].id)];
            if (!sim_node_serves(other) || other->incarnation != view->member[j].incarnation ||
                membership_view(other->machine)->key != view->key) {
                return false;
            }
        }
    }
    return true;
}

static void lasting_cuts(struct sim *sim)
{
    links_cut(sim, 50 + sim_below(sim, 400));
    sim_run(sim, CUT_MS);
    sim_run_until(sim, at_rest(sim) && sim->now_ms - sim->last_view_ms > REST_MS, CUT_MS);
    cuts_clear(sim);
}

static uint64_t history_run(uint64_t seed)
{
    struct sim *sim = sim_new(seed, 1);
    uint32_t count = sim_below(sim, 3) == 0 ? 1 + sim_below(sim, 16) : 2 + sim_below(sim, 6);
    sim_free(sim);
    sim = sim_new(seed, count);
    sim->say = say;
    links_shake(sim);
    for (uint32_t i = 0; i < count; i++) {
        process_toggle(sim, i);
        sim_run(sim, sim_below(sim, 200));
    }
    uint64_t end_ms = sim->now_ms + 5000 + sim_below(sim, 20000);
    while (sim->now_ms < end_ms) {
        sim_run(sim, 20 + (uint64_t)sim_below(sim, 40) * sim_below(sim, 40));
        fault_make(sim);
    }
    sim->loss_permille = 0;
    sim->repeat_permille = 0;
    sim->late_ms = 0;
    sim->gone_ms = 1;
    cuts_clear(sim);
    for (uint32_t i = 0; i < count; i++) {
        struct sim_node *node = &sim->node[i];
        if (!node->up && sim_below(sim, 2) == 0) {
            process_toggle(sim, i);
        }
        sim_run(sim, node->paused_ms > sim->now_ms ? node->paused_ms - sim->now_ms : 0);
    }
    if (sim_below(sim, 3) == 0) {
        lasting_cuts(sim);
    }
    if (say) {
        sim_run(sim, CONVERGE_MS);
        for (uint32_t i = 0; i < count; i++) {
            sim_node_print(sim, i);
        }
    }
    sim_run_until(sim, sim_all_agree(sim), CONVERGE_MS);
    sim_run(sim, REST_MS);
    assert_true(sim_all_agree(sim));
    assert_true(sim->now_ms - sim->last_view_ms >= REST_MS / 2);
    uint64_t ms = sim->now_ms;
    sim_free(sim);
    return ms;
}

static void any_history_ends_in_one_view(void **state)
{
    (void)state;
    uint64_t ms = 0;
    for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
        if (seeds > 1000 || say) {
            fprintf(stderr, "seed %lu\n", (unsigned long)seed);
        }
        ms += history_run(seed);
    }
    print_message("%lu seeds, %.2f virtual hours\n", (unsigned long)seeds, (double)ms / 3600000);
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : seeds;
    first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    say = argc > 3;
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_history_ends_in_one_view)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
