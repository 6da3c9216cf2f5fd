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

static void two_deaths_at_once_make_one_view_of_the_rest(void **state)
{
    (void)state;
    for (uint32_t second = 0; second < 4; second++) {
        struct sim *sim = cluster_of(6);
        sim->gone_ms = 20; // who notices when differs
        sim_kill(sim, 5);
        sim_kill(sim, second);
        sim_run_until(sim, sim_all_agree(sim), 100);
        sim_run(sim, 2000);
        assert_true(sim_all_agree(sim));
        sim_free(sim);
    }
}

static void a_death_that_nobody_is_told_of_is_noticed_after_the_timeout(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(5);
    sim->gone_ms = 0;
    sim_kill(sim, 4);
    uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 2000);
    print_message("noticed after %lu ms\n", (unsigned long)ms);
    assert_in_range(ms, SIM_TIMEOUT_MS - SIM_INTERVAL_MS, SIM_TIMEOUT_MS + 50);
    sim_free(sim);
}

static uint8_t flags_in_view(const struct sim *sim, uint32_t at, uint32_t of)
{
    const struct membership_view *view = membership_view(sim->node[at].machine);
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->member[i].id == sim->node[of].id) {
            return view->member[i].flags;
        }
    }
    return UINT8_MAX;
}

static void flags_set(struct sim *sim, uint32_t node, uint8_t flags)
{
    sim_step(sim, node, (struct membership_event){.type = MEMBERSHIP_FLAGS, .flags = flags});
}

static void recluster(struct sim *sim, uint32_t node)
{
    sim_step(sim, node, (struct membership_event){.type = MEMBERSHIP_RECLUSTER});
}

static void who_leaves_is_marked_in_a_new_view_at_once(void **state)
{
    (void)state;
    for (uint32_t leaver = 0; leaver < 3; leaver++) {
        struct sim *sim = cluster_of(3);
        flags_set(sim, leaver, MEMBER_LEAVING);
        uint64_t ms = sim_run_until(
            sim, sim_all_agree(sim) && flags_in_view(sim, 0, leaver) == MEMBER_LEAVING, 100);
        assert_in_range(ms, 1, 40);
        sim_kill(sim, leaver);
        sim_run_until(sim, sim_all_agree(sim), 10);
        sim_free(sim);
    }
}

// The last words of those who left come after the news that they are gone.
static void who_leaves_often_is_let_in_at_once_each_time(void **state)
{
    (void)state;
    for (uint32_t leaver = 0; leaver < 4; leaver++) {
        struct sim *sim = cluster_of(4);
        for (uint32_t round = 0; round < 5; round++) {
            flags_set(sim, leaver, MEMBER_LEAVING);
            sim_run(sim, 2 * SIM_INTERVAL_MS);
            sim->delay_ms = 20;
            sim_run(sim, SIM_INTERVAL_MS);
            sim_kill(sim, leaver);
            sim->delay_ms = 1;
            sim_run_until(sim, sim_all_agree(sim), 50);
            sim_run(sim, 2 * SIM_INTERVAL_MS);
            assert_true(sim_all_agree(sim));
            sim_start(sim, leaver, 50);
            sim_run_until(sim, sim_all_agree(sim), 1000);
        }
        sim_free(sim);
    }
}

static void quiescing_waits_for_the_next_view(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(3);
    uint64_t key = membership_view(sim->node[0].machine)->key;
    flags_set(sim, 1, MEMBER_QUIESCED);
    sim_run(sim, 3000);
    recluster(sim, 0); // not the principal
    sim_run(sim, 3000);
    assert_true(membership_view(sim->node[0].machine)->key == key);
    recluster(sim, 2);
    uint64_t ms = sim_run_until(sim, flags_in_view(sim, 0, 1) == MEMBER_QUIESCED, 100);
    assert_in_range(ms, 1, 10);
    sim_run_until(sim, sim_all_agree(sim), 10);
    sim_free(sim);
}

static void who_slept_too_long_serves_nothing_until_the_others_took_it_back(void **state)
{
    (void)state;
    for (uint32_t sleeper = 0; sleeper < 4; sleeper++) {
        struct sim *sim = cluster_of(4);
        uint64_t key = membership_view(sim->node[sleeper].machine)->key;
        sim_pause(sim, sleeper, 5000);
        sim_run(sim, 4990);
        struct sim_node *node = &sim->node[sleeper];
        uint32_t views = node->views;
        assert_true(membership_view(node->machine)->key == key);
        sim_run(sim, 11); // it wakes, and reads what was sent meanwhile
        assert_false(sim_node_serves(node));
        uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 2000);
        assert_int_equal(node->views, views + 1); // and was never alone
        print_message("node %u taken back after %lu ms\n", sleeper, (unsigned long)ms);
        sim_free(sim);
    }
}

static void a_nap_shorter_than_the_timeout_changes_nothing(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(4);
    uint64_t before_ms = sim->last_view_ms;
    for (uint32_t i = 0; i < 4; i++) {
        sim_pause(sim, i, SIM_TIMEOUT_MS - 2 * SIM_INTERVAL_MS);
        sim_run(sim, 3000);
    }
    assert_true(sim->last_view_ms == before_ms);
    sim_free(sim);
}

static void a_machine_room_that_slept_goes_on_with_one_view(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(5);
    uint64_t regime = membership_view(sim->node[0].machine)->regime;
    for (uint32_t i = 0; i < 5; i++) {
        sim_pause(sim, i, 60000 + i * 20);
    }
    sim_run(sim, 60100);
    sim_run_until(sim, sim_all_agree(sim), 1000);
    assert_true(membership_view(sim->node[0].machine)->regime == regime + 1);
    sim_free(sim);
}

static void a_cluster_that_is_split_in_halves_makes_two_views_and_one_again(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(6);
    for (uint32_t a = 0; a < 3; a++) {
        for (uint32_t b = 3; b < 6; b++) {
            sim_cut(sim, a, b, true);
        }
    }
    sim_run_until(sim, sim_agree(sim, 0, 3) && sim_agree(sim, 3, 3), SIM_TIMEOUT_MS + 100);
    memset(sim->cut, 0, sizeof sim->cut);
    uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 2000);
    print_message("one again after %lu ms\n", (unsigned long)ms);
    sim_run(sim, 3000);
    assert_true(sim_all_agree(sim));
    sim_free(sim);
}

static void a_cut_between_two_leaves_out_the_lower_one_which_waits(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(3);
    sim_cut(sim, 0, 1, true);
    sim_run(sim, 3000);
    uint64_t before_ms = sim->last_view_ms;
    sim_run(sim, 60000); // and nobody contests that
    assert_true(sim->last_view_ms == before_ms);
    assert_true(membership_is_frozen(sim->node[0].machine));
    assert_true(sim_agree(sim, 1, 2));
    sim_cut(sim, 0, 1, false);
    sim_run_until(sim, sim_all_agree(sim), 2000);
    sim_free(sim);
}

static void minority_wait_set(struct sim *sim, uint32_t count, uint32_t wait_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        sim->node[i].machine->config.minority_wait_ms = wait_ms;
    }
}

static void node_cut(struct sim *sim, uint32_t node, uint32_t count, bool cut)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i != node) {
            sim_cut(sim, node, i, cut);
        }
    }
}

static void a_node_that_is_cut_off_serves_nothing_while_the_others_may_come_back(void **state)
{
    (void)state;
    for (uint32_t victim = 0; victim < 5; victim++) {
        struct sim *sim = cluster_of(5);
        minority_wait_set(sim, 5, 10000);
        node_cut(sim, victim, 5, true);
        sim_run(sim, SIM_TIMEOUT_MS + 1000);
        assert_true(membership_is_frozen(sim->node[victim].machine));
        assert_false(membership_is_frozen(sim->node[(victim + 1) % 5].machine));
        node_cut(sim, victim, 5, false);
        sim_run_until(sim, sim_all_agree(sim), 3 * SIM_TIMEOUT_MS);
        // For good: it goes on alone in the end.
        node_cut(sim, victim, 5, true);
        sim_run(sim, SIM_TIMEOUT_MS + 10000 - 500);
        assert_true(membership_is_frozen(sim->node[victim].machine));
        sim_run_until(sim, !membership_is_frozen(sim->node[victim].machine), 1500);
        assert_int_equal(membership_view(sim->node[victim].machine)->count, 1);
        sim_free(sim);
    }
}

static void who_knows_that_the_others_are_gone_waits_for_nobody(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(5);
    minority_wait_set(sim, 5, 10000);
    for (uint32_t i = 1; i < 5; i++) {
        sim_kill(sim, i);
    }
    sim_run_until(sim, sim_all_agree(sim), 1000);
    sim_free(sim);
    // Nor do halves, of which none is the minority.
    sim = cluster_of(2);
    minority_wait_set(sim, 2, 10000);
    node_cut(sim, 0, 2, true);
    sim_run(sim, SIM_TIMEOUT_MS + 500);
    assert_false(membership_is_frozen(sim->node[0].machine));
    assert_false(membership_is_frozen(sim->node[1].machine));
    sim_free(sim);
}

static void a_link_that_works_one_way_is_no_link(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(3);
    sim->cut[0][2] = true;
    sim_run(sim, 3000);
    uint64_t before_ms = sim->last_view_ms;
    sim_run(sim, 60000);
    assert_true(sim->last_view_ms == before_ms);
    assert_true(membership_is_frozen(sim->node[0].machine));
    assert_true(sim_agree(sim, 1, 2));
    sim->cut[0][2] = false;
    sim_run_until(sim, sim_all_agree(sim), 2000);
    sim_free(sim);
}

static void a_node_that_nobody_hears_ends_up_alone(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(4);
    for (uint32_t i = 0; i < 3; i++) {
        sim->cut[3][i] = true;
    }
    sim_run_until(sim, sim_agree(sim, 0, 3) && sim_agree(sim, 3, 1), 3000);
    sim_run(sim, 10000);
    assert_true(sim_agree(sim, 0, 3) && sim_agree(sim, 3, 1));
    sim_free(sim);
}

static void a_chain_of_links_comes_to_rest(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(8);
    for (uint32_t a = 0; a < 8; a++) {
        for (uint32_t b = 0; b + 1 < a; b++) {
            sim_cut(sim, a, b, true);
        }
    }
    sim_run(sim, 10000);
    uint64_t before_ms = sim->last_view_ms;
    sim_run(sim, 60000);
    assert_true(sim->last_view_ms == before_ms);
    sim_free(sim);
}

static void a_link_that_flaps_costs_few_views(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(3);
    uint32_t views = sim->node[2].views;
    for (uint32_t i = 0; i < 30; i++) { // two minutes
        sim_cut(sim, 0, 2, true);
        sim_run(sim, 2000);
        sim_cut(sim, 0, 2, false);
        sim_run(sim, 2000);
    }
    views = sim->node[2].views - views;
    print_message("views of a flapping link: %u\n", views);
    assert_in_range(views, 2, 16);
    sim_run_until(sim, sim_all_agree(sim), 12000);
    sim_free(sim);
}

static void a_process_that_is_started_again_takes_its_predecessors_place(void **state)
{
    (void)state;
    for (uint32_t victim = 0; victim < 3; victim++) {
        struct sim *sim = cluster_of(3);
        sim->gone_ms = 0; // nobody tells; the new one's heartbeat does
        sim_kill(sim, victim);
        sim_start(sim, victim, 50);
        uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 1000);
        print_message("restarted, back after %lu ms\n", (unsigned long)ms);
        sim_free(sim);
    }
}

static void a_late_message_of_a_dead_process_does_not_bar_its_successor(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(3);
    sim->delay_ms = 400;
    sim_run(sim, 140);
    sim_kill(sim, 0);
    sim->delay_ms = 1;
    sim_start(sim, 0, 50);
    sim_run_until(sim, sim_all_agree(sim), 3 * SIM_TIMEOUT_MS);
    sim_run(sim, 5000);
    assert_true(sim_all_agree(sim));
    sim_free(sim);
}

static void all_start_again_without_a_memory(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(5);
    for (uint32_t i = 0; i < 5; i++) {
        sim_kill(sim, i);
    }
    sim_run(sim, 1000);
    for (uint32_t i = 0; i < 5; i++) {
        sim->node[i].regime_floor = i * 10; // some do remember
        sim_start(sim, i, 100);
    }
    sim_run_until(sim, sim_all_agree(sim), 1000);
    assert_true(membership_view(sim->node[0].machine)->regime > 40);
    sim_free(sim);
}

static void a_member_that_never_answers_is_left_out(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(4);
    sim->deaf[1][MEMBERSHIP_PREPARE] = true;
    recluster(sim, 3);
    sim_run(sim, 1);
    assert_false(sim_node_serves(&sim->node[3]));
    uint64_t ms = sim_run_until(sim, sim_node_serves(&sim->node[3]), 2000);
    print_message("frozen for %lu ms\n", (unsigned long)ms);
    uint64_t frozen_ms = 0;
    for (uint32_t i = 0; i < 60000; i++) {
        sim_run(sim, 1);
        frozen_ms += !sim_node_serves(&sim->node[3]);
    }
    print_message("frozen for %lu ms in a minute\n", (unsigned long)frozen_ms);
    assert_in_range(frozen_ms, 0, 9000);
    sim->deaf[1][MEMBERSHIP_PREPARE] = false;
    sim_run_until(sim, sim_all_agree(sim), 10000);
    sim_free(sim);
}

static void a_member_that_misses_the_commit_installs_the_view_it_sees(void **state)
{
    (void)state;
    struct sim *sim = cluster_of(4);
    sim->deaf[1][MEMBERSHIP_COMMIT] = true;
    recluster(sim, 3);
    uint64_t key = membership_view(sim->node[1].machine)->key;
    uint64_t ms = sim_run_until(
        sim, sim_all_agree(sim) && membership_view(sim->node[1].machine)->key != key, 1000);
    assert_in_range(ms, 1, SIM_INTERVAL_MS);
    sim_free(sim);
}

static void slow_links_of_a_newcomer_push_nobody_out(void **state)
{
    (void)state;
    for (uint32_t newcomer = 0; newcomer < 5; newcomer++) {
        struct sim *sim = sim_new(3, 5);
        for (uint32_t i = 0; i < 5; i++) {
            if (i != newcomer) {
                sim_start(sim, i, 50);
            }
        }
        sim_run(sim, 3000);
        uint32_t slow = (newcomer + 2) % 5;
        uint64_t alone_views = sim->node[slow].views;
        sim_cut(sim, slow, newcomer, true);
        sim_start(sim, newcomer, 50);
        sim_run(sim, 1200);
        assert_int_equal(sim->node[slow].views, alone_views);
        sim_cut(sim, slow, newcomer, false);
        sim_run_until(sim, sim_all_agree(sim), 1000);
        sim_free(sim);
    }
}

static void a_commit_without_one_member_is_seen_from_outside(void **state)
{
    (void)state;
    uint32_t seed = 0;
    for (; seed < 50; seed++) {
        struct sim *sim = sim_new(seed, 4);
        sim->mutate = true;
        sim->jitter_ms = 10;
        for (uint32_t i = 0; i < 4; i++) {
            sim_start(sim, i, 50);
        }
        sim_run(sim, 3000);
        bool caught = sim->caught;
        sim_free(sim);
        if (caught) {
            break;
        }
    }
    print_message("caught at seed %u\n", seed);
    assert_in_range(seed, 0, 49);
}

static void a_hundred_and_twenty_eight_nodes_form_one_cluster(void **state)
{
    (void)state;
    struct sim *sim = sim_new(5, 128);
    for (uint32_t i = 0; i < 128; i++) {
        sim_start(sim, i, 20);
        sim_run(sim, 2);
    }
    uint64_t ms = sim_run_until(sim, sim_all_agree(sim), 3000);
    print_message("128 nodes in one view %lu ms after the last start, views of one: %u\n",
                  (unsigned long)ms, sim->node[0].views);
    sim_kill(sim, 127);
    ms = sim_run_until(sim, sim_all_agree(sim), 100);
    print_message("one died, view after %lu ms\n", (unsigned long)ms);
    assert_in_range(ms, 1, 10);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_without_seeds_serves_at_once),
        cmocka_unit_test(a_node_whose_seeds_stay_silent_serves_after_the_timeout),
        cmocka_unit_test(ten_nodes_that_start_within_a_second_make_few_views),
        cmocka_unit_test(a_new_node_is_in_the_view_within_a_second),
        cmocka_unit_test(a_death_leads_to_a_new_view_within_milliseconds),
        cmocka_unit_test(two_deaths_at_once_make_one_view_of_the_rest),
        cmocka_unit_test(a_death_that_nobody_is_told_of_is_noticed_after_the_timeout),
        cmocka_unit_test(who_leaves_is_marked_in_a_new_view_at_once),
        cmocka_unit_test(who_leaves_often_is_let_in_at_once_each_time),
        cmocka_unit_test(quiescing_waits_for_the_next_view),
        cmocka_unit_test(who_slept_too_long_serves_nothing_until_the_others_took_it_back),
        cmocka_unit_test(a_nap_shorter_than_the_timeout_changes_nothing),
        cmocka_unit_test(a_machine_room_that_slept_goes_on_with_one_view),
        cmocka_unit_test(a_cluster_that_is_split_in_halves_makes_two_views_and_one_again),
        cmocka_unit_test(a_cut_between_two_leaves_out_the_lower_one_which_waits),
        cmocka_unit_test(a_node_that_is_cut_off_serves_nothing_while_the_others_may_come_back),
        cmocka_unit_test(who_knows_that_the_others_are_gone_waits_for_nobody),
        cmocka_unit_test(a_link_that_works_one_way_is_no_link),
        cmocka_unit_test(a_node_that_nobody_hears_ends_up_alone),
        cmocka_unit_test(a_chain_of_links_comes_to_rest),
        cmocka_unit_test(a_link_that_flaps_costs_few_views),
        cmocka_unit_test(a_process_that_is_started_again_takes_its_predecessors_place),
        cmocka_unit_test(a_late_message_of_a_dead_process_does_not_bar_its_successor),
        cmocka_unit_test(all_start_again_without_a_memory),
        cmocka_unit_test(a_member_that_never_answers_is_left_out),
        cmocka_unit_test(a_member_that_misses_the_commit_installs_the_view_it_sees),
        cmocka_unit_test(slow_links_of_a_newcomer_push_nobody_out),
        cmocka_unit_test(a_commit_without_one_member_is_seen_from_outside),
        cmocka_unit_test(a_hundred_and_twenty_eight_nodes_form_one_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
