// SPDX-License-Identifier: Apache-2.0
// Ten-line stories about clusters of membership machines: starting, joining, dying, leaving,
// cut links, pauses; with how long each may take on links of one millisecond.
#include "membership_sim.h"

// `count` nodes in one view, settled.
static struct sim *cluster_of(uint32_t count)
{
    struct sim *sim = sim_new(7, count);
    for (uint32_t i = 0; i < count; i++) {
        sim_start(sim, i, 50);
    }
    sim_run_until(sim, sim_all_agree(sim), 2000);
    sim_run(sim, 2000);
    assert_true(sim_all_agree(sim));
    return sim;
}

static void a_node_without_seeds_serves_at_once(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1, 1);
    sim_start(sim, 0, 0);
    assert_in_range(sim_run_until(sim, sim_all_agree(sim), 10), 0, 1);
    sim_run(sim, 10000);
    assert_int_equal(sim->node[0].views, 1);
    sim_free(sim);
}

static void a_node_whose_seeds_stay_silent_serves_after_the_timeout(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1, 1);
    sim_start(sim, 0, 1000000);
    uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 2000);
    assert_in_range(ms, SIM_TIMEOUT_MS, SIM_TIMEOUT_MS + 2 * SIM_TICK_MS);
    sim_free(sim);
}

static void ten_nodes_that_start_within_a_second_make_few_views(void **state)
{
    (void)state;
    uint32_t worst = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sim *sim = sim_new(seed, 10);
        for (uint32_t i = 0; i < 10; i++) {
            sim_start(sim, i, 20 + sim_below(sim, 50));
            sim_run(sim, sim_below(sim, 100));
        }
        sim_run_until(sim, sim_all_agree(sim), 2000);
        sim_run(sim, 3000);
        uint32_t views = 0;
        for (uint32_t i = 0; i < 10; i++) {
            views = sim->node[i].views > views ? sim->node[i].views : views;
        }
        worst = views > worst ? views : worst;
        sim_free(sim);
    }
    print_message("views of ten nodes: %u\n", worst);
    assert_in_range(worst, 1, 4);
}

static void a_new_node_is_in_the_view_within_a_second(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 4; place++) { // lowest, middle and highest id
        struct sim *sim = sim_new(place, 4);
        for (uint32_t i = 0; i < 4; i++) {
            if (i != place) {
                sim_start(sim, i, 50);
            }
        }
        sim_run(sim, 3000);
        assert_true(sim_all_agree(sim));
        sim_start(sim, place, 50);
        uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 1000);
        print_message("joined after %lu ms\n", (unsigned long)ms);
        sim_free(sim);
    }
}

static void a_death_leads_to_a_new_view_within_milliseconds(void **state)
{
    (void)state;
    for (uint32_t victim = 0; victim < 5; victim++) {
        struct sim *sim = cluster_of(5);
        sim_kill(sim, victim);
        uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 100);
        print_message("node %u died, view after %lu ms\n", victim, (unsigned long)ms);
        assert_in_range(ms, 1, 10);
        sim_free(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_without_seeds_serves_at_once),
        cmocka_unit_test(a_node_whose_seeds_stay_silent_serves_after_the_timeout),
        cmocka_unit_test(ten_nodes_that_start_within_a_second_make_few_views),
        cmocka_unit_test(a_new_node_is_in_the_view_within_a_second),
        cmocka_unit_test(a_death_leads_to_a_new_view_within_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
