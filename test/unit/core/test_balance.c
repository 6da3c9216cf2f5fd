// SPDX-License-Identifier: Apache-2.0
// Who shall hold what: even shares, few moves, racks, nodes on their way out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/partition/balance.h"

// A cluster through its history: who is in it, and the plan that holds.
struct fixture {
    struct balance_input input;
    struct balance_work work;
    struct balance_holders now[LIMIT_PARTITIONS];
    struct balance_holders next[LIMIT_PARTITIONS];
};

static uint64_t prng_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static int fixture_new(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state == NULL;
}

static int fixture_free(void **state)
{
    free(*state);
    return 0;
}

static void nodes_set(struct fixture *f, uint32_t count, uint32_t replication_factor)
{
    memset(&f->input, 0, sizeof f->input);
    f->input.node_count = count;
    f->input.replication_factor = replication_factor;
    for (uint32_t node = 0; node < count; node++) {
        f->input.node[node].id = 0xbb9000000000000 + 0x101 * (count - node);
    }
}

static bool holds(const struct balance_holders *holders, uint32_t node)
{
    for (uint32_t i = 0; i < holders->count; i++) {
        if (holders->node[i] == node) {
            return true;
        }
    }
    return false;
}

// Everyone has what the plan says, and nothing else.
static void plan_fulfil(struct fixture *f)
{
    memcpy(f->now, f->next, sizeof f->now);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        f->input.full[p] = (struct node_set){{0}};
        f->input.part[p] = (struct node_set){{0}};
        for (uint32_t i = 0; i < f->now[p].count; i++) {
            node_set_add(&f->input.full[p], f->now[p].node[i]);
        }
    }
}

// Copies that must be made: holders of the next plan without a full copy.
static uint32_t copies_to_make(const struct fixture *f)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t i = 0; i < f->next[p].count; i++) {
            count += !node_set_has(&f->input.full[p], f->next[p].node[i]);
        }
    }
    return count;
}

static uint32_t copies_of_all(const struct fixture *f)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        count += f->next[p].count;
    }
    return count;
}

static void compute(struct fixture *f)
{
    balance_compute(&f->input, &f->work, f->next);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t i = 0; i < f->next[p].count; i++) {
            assert_true(f->next[p].node[i] < f->input.node_count);
            assert_false(f->input.node[f->next[p].node[i]].absent);
            for (uint32_t k = 0; k < i; k++) {
                assert_int_not_equal(f->next[p].node[i], f->next[p].node[k]);
            }
        }
    }
}

// The largest deviation from an even share in percent, of masters or holders, among active nodes.
static double deviation(const struct fixture *f, bool masters)
{
    uint32_t load[LIMIT_CLUSTER_NODES] = {0};
    uint32_t active = 0;
    double total = 0;
    double worst = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t i = 0; i < (masters ? 1 : f->next[p].count); i++) {
            load[f->next[p].node[i]]++;
            total++;
        }
    }
    for (uint32_t node = 0; node < f->input.node_count; node++) {
        active += !f->input.node[node].quiesced && !f->input.node[node].absent;
    }
    for (uint32_t node = 0; node < f->input.node_count; node++) {
        if (!f->input.node[node].quiesced && !f->input.node[node].absent) {
            double off = (load[node] - total / active) / (total / active) * 100;
            worst = off > worst ? off : -off > worst ? -off : worst;
        }
    }
    return worst;
}

static void assert_even(const struct fixture *f)
{
    assert_true(deviation(f, true) <= 3.0);
    assert_true(deviation(f, false) <= 3.0);
}

// A node more, with nothing, at a place of its own in the order of ids.
static void join(struct fixture *f, uint64_t id)
{
    struct balance_input *input = &f->input;
    input->node[input->node_count++] = (struct balance_node){.id = id};
}

static void set_take_out(struct node_set *set, uint32_t node)
{
    struct node_set out = {{0}};
    for (uint32_t i = node_set_next(set, 0); i < LIMIT_CLUSTER_NODES;
         i = node_set_next(set, i + 1)) {
        if (i != node) {
            node_set_add(&out, i > node ? i - 1 : i);
        }
    }
    *set = out;
}

static void leave(struct fixture *f, uint32_t node)
{
    struct balance_input *input = &f->input;
    memmove(&input->node[node], &input->node[node + 1],
            (input->node_count - node - 1) * sizeof input->node[0]);
    input->node_count--;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        set_take_out(&input->full[p], node);
        set_take_out(&input->part[p], node);
    }
}

static void shares_are_even_for_any_size_without_data(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 3; factor++) {
        for (uint32_t count = 1; count <= 16; count++) {
            nodes_set(f, count, factor);
            compute(f);
            assert_even(f);
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                assert_int_equal(f->next[p].count, count < factor ? count : factor);
            }
        }
    }
}

static void a_node_that_joins_moves_no_more_than_its_share(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 3; factor++) {
        uint64_t random = factor;
        nodes_set(f, 1, factor);
        compute(f);
        plan_fulfil(f);
        for (uint32_t count = 1; count < 16; count++) {
            join(f, prng_next(&random));
            compute(f);
            if (count >= factor) {
                double share = (double)copies_to_make(f) / copies_of_all(f);
                assert_true(share <= 1.1 / (count + 1));
            }
            assert_even(f);
            plan_fulfil(f);
        }
    }
}

static void a_node_that_leaves_moves_no_more_than_its_share(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 3; factor++) {
        uint64_t random = factor;
        nodes_set(f, 16, factor);
        compute(f);
        plan_fulfil(f);
        for (uint32_t count = 16; count > factor + 1; count--) {
            leave(f, (uint32_t)(prng_next(&random) % count));
            compute(f);
            double share = (double)copies_to_make(f) / copies_of_all(f);
            assert_true(share <= 1.1 / count);
            assert_even(f);
            plan_fulfil(f);
        }
    }
}

// Masters of the plan before that still hold the partition, but lost it to somebody who had held
// it.
static uint32_t masters_moved(const struct fixture *f)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        uint32_t before = f->now[p].node[0];
        uint32_t after = f->next[p].node[0];
        count += before != after && holds(&f->next[p], before) && holds(&f->now[p], after);
    }
    return count;
}

static void masterships_stay_where_they_are(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 2; factor <= 3; factor++) {
        for (uint32_t count = factor + 1; count <= 16; count++) {
            uint64_t random = count;
            nodes_set(f, count, factor);
            compute(f);
            plan_fulfil(f);
            join(f, prng_next(&random));
            compute(f);
            assert_true(masters_moved(f) <= LIMIT_PARTITIONS * 2 / 100);
        }
    }
}

static void shares_stay_even_through_a_long_history(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 3; factor++) {
        uint64_t random = 77 + factor;
        nodes_set(f, 5, factor);
        compute(f);
        plan_fulfil(f);
        for (uint32_t turn = 0; turn < 100; turn++) {
            uint32_t count = f->input.node_count;
            bool joins = count == 16 ? false : count <= factor ? true : prng_next(&random) % 2;
            if (joins) {
                join(f, prng_next(&random));
            } else {
                leave(f, (uint32_t)(prng_next(&random) % count));
            }
            compute(f);
            assert_even(f);
            double share = (double)copies_to_make(f) / copies_of_all(f);
            if (f->input.node_count > factor) {
                assert_true(share <= 1.1 / (joins ? count + 1 : count));
            }
            plan_fulfil(f);
        }
    }
}

static void what_is_as_it_shall_be_stays(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 4; factor++) {
        nodes_set(f, 7, factor);
        compute(f);
        plan_fulfil(f);
        join(f, 1);
        compute(f);
        plan_fulfil(f);
        compute(f);
        assert_memory_equal(f->now, f->next, sizeof f->now);
    }
}

static void the_order_of_nodes_does_not_matter(void **state)
{
    struct fixture *f = *state;
    nodes_set(f, 9, 2);
    compute(f);
    memcpy(f->now, f->next, sizeof f->now);
    for (uint32_t node = 0; node < 9 / 2; node++) {
        struct balance_node kept = f->input.node[node];
        f->input.node[node] = f->input.node[8 - node];
        f->input.node[8 - node] = kept;
    }
    compute(f);
    uint32_t same = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        same += f->now[p].node[0] == 8 - f->next[p].node[0] &&
                f->now[p].node[1] == 8 - f->next[p].node[1];
    }
    // Only which nodes have the odd partition more may depend on it.
    assert_true(same > LIMIT_PARTITIONS * 98 / 100);
}

// A plan half carried out: some targets have begun, some have finished, some olds have dropped.
static uint32_t half_done(struct fixture *f, uint64_t *random, const struct balance_holders *plan)
{
    uint32_t targets = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct node_set old = f->input.full[p];
        uint32_t done = 0;
        for (uint32_t i = 0; i < plan[p].count; i++) {
            if (node_set_has(&old, plan[p].node[i])) {
                done++;
                continue;
            }
            targets++;
            if (prng_next(random) % 2 == 0) {
                node_set_add(&f->input.full[p], plan[p].node[i]);
                done++;
            } else {
                node_set_add(&f->input.part[p], plan[p].node[i]);
            }
        }
        if (done == plan[p].count && prng_next(random) % 2 == 0) {
            for (uint32_t node = node_set_next(&old, 0); node < LIMIT_CLUSTER_NODES;
                 node = node_set_next(&old, node + 1)) {
                if (!holds(&plan[p], node)) {
                    node_set_remove(&f->input.full[p], node);
                }
            }
        }
    }
    return targets;
}

static void a_plan_made_again_half_way_keeps_its_targets(void **state)
{
    struct fixture *f = *state;
    static struct balance_holders plan[LIMIT_PARTITIONS];
    for (uint32_t factor = 1; factor <= 3; factor++) {
        for (uint32_t count = factor + 1; count < 16; count += 2) {
            for (uint32_t joins = 0; joins < 2; joins++) {
                uint64_t random = 5 * count + joins;
                nodes_set(f, count, factor);
                compute(f);
                plan_fulfil(f);
                if (joins) {
                    join(f, prng_next(&random));
                } else {
                    leave(f, (uint32_t)(prng_next(&random) % count));
                }
                compute(f);
                memcpy(plan, f->next, sizeof plan);
                uint32_t targets = half_done(f, &random, plan);
                compute(f);
                uint32_t strange = 0;
                for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                    for (uint32_t i = 0; i < f->next[p].count; i++) {
                        strange += !node_set_has(&f->input.full[p], f->next[p].node[i]) &&
                                   !node_set_has(&f->input.part[p], f->next[p].node[i]);
                    }
                }
                assert_true(targets > 0);
                assert_int_equal(strange, 0);
                assert_even(f);
            }
        }
    }
}

static uint32_t racks_of(const struct fixture *f, const struct balance_holders *holders)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < holders->count; i++) {
        uint32_t k = 0;
        while (k < i &&
               f->input.node[holders->node[k]].rack != f->input.node[holders->node[i]].rack) {
            k++;
        }
        count += k == i;
    }
    return count;
}

static void copies_stand_in_different_racks_while_there_are_enough(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint32_t factor, racks, size[4];
        bool even;
    } rows[] = {
        {2, 2, {3, 3}, true},       {2, 2, {1, 3}, false},       {2, 3, {3, 3, 3}, true},
        {2, 3, {1, 3, 3}, true},    {3, 2, {4, 4}, true},        {3, 3, {1, 2, 5}, false},
        {3, 4, {4, 4, 4, 4}, true}, {2, 4, {1, 1, 1, 9}, false}, {4, 2, {1, 5}, false},
        {1, 3, {2, 2, 2}, true},    {5, 3, {2, 2, 2}, true},
    };
    for (uint32_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint32_t count = 0;
        for (uint32_t rack = 0; rack < rows[row].racks; rack++) {
            count += rows[row].size[rack];
        }
        nodes_set(f, count, rows[row].factor);
        for (uint32_t rack = 0, node = 0; rack < rows[row].racks; rack++) {
            for (uint32_t i = 0; i < rows[row].size[rack]; i++) {
                f->input.node[node++].rack = rack + 1;
            }
        }
        for (uint32_t turn = 0; turn < 2; turn++) {
            compute(f);
            uint32_t least =
                rows[row].factor < rows[row].racks ? rows[row].factor : rows[row].racks;
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                assert_int_equal(f->next[p].count, rows[row].factor);
                assert_int_equal(racks_of(f, &f->next[p]), least);
            }
            if (rows[row].even) {
                assert_even(f);
            }
            if (turn == 1) {
                assert_int_equal(copies_to_make(f), 0);
            }
            plan_fulfil(f);
        }
    }
}

static void a_node_that_joins_or_leaves_a_rack_moves_no_more_than_its_share(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 4; factor++) {
        uint64_t random = factor;
        nodes_set(f, 9, factor);
        for (uint32_t node = 0; node < 9; node++) {
            f->input.node[node].rack = 1 + node % 3;
        }
        compute(f);
        plan_fulfil(f);
        for (uint32_t turn = 0; turn < 3; turn++) {
            join(f, prng_next(&random));
            f->input.node[f->input.node_count - 1].rack = 1 + turn;
            compute(f);
            double share = (double)copies_to_make(f) / copies_of_all(f);
            assert_true(share <= 1.1 / f->input.node_count);
            plan_fulfil(f);
        }
        leave(f, 4);
        compute(f);
        // With a second copy in one rack of three, a rack that lost a node has to give up more.
        double share = (double)copies_to_make(f) / copies_of_all(f);
        assert_true(share <= (factor == 4 ? 1.3 : 1.1) / 12);
    }
}

static void quiesced_nodes_hold_only_what_nobody_else_can(void **state)
{
    struct fixture *f = *state;
    nodes_set(f, 4, 2);
    compute(f);
    plan_fulfil(f);
    f->input.node[2].quiesced = true;
    compute(f);
    assert_even(f);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_equal(f->next[p].count, 2);
        assert_false(holds(&f->next[p], 2));
    }
    f->input.node[0].quiesced = true;
    f->input.node[3].quiesced = true;
    compute(f);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_equal(f->next[p].count, 2);
        assert_int_equal(f->next[p].node[0], 1);
    }
    f->input.node[1].absent = true;
    compute(f);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_equal(f->next[p].count, 2);
    }
}

static void nobody_with_the_namespace_means_no_holders(void **state)
{
    struct fixture *f = *state;
    nodes_set(f, 2, 2);
    f->input.node[0].absent = true;
    f->input.node[1].absent = true;
    compute(f);
    assert_int_equal(copies_of_all(f), 0);
}

static void large_clusters_and_many_copies_are_even_and_move_little(void **state)
{
    struct fixture *f = *state;
    for (uint32_t factor = 1; factor <= 16; factor += 5) {
        for (uint32_t count = 16; count <= 128; count *= 2) {
            uint64_t random = 9;
            nodes_set(f, count - 1, factor);
            compute(f);
            assert_even(f);
            plan_fulfil(f);
            join(f, prng_next(&random));
            compute(f);
            assert_even(f);
            assert_true((double)copies_to_make(f) / copies_of_all(f) <= 1.1 / count);
            plan_fulfil(f);
            leave(f, 3);
            compute(f);
            assert_even(f);
            assert_true((double)copies_to_make(f) / copies_of_all(f) <= 1.1 / count);
        }
    }
}

static double compute_ms(struct fixture *f)
{
    double best_ms = 1e9;
    for (uint32_t turn = 0; turn < 5; turn++) {
        struct timespec start;
        struct timespec end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        compute(f);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        double elapsed_ms =
            (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
        best_ms = elapsed_ms < best_ms ? elapsed_ms : best_ms;
    }
    return best_ms;
}

// Sanitizers take their own time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 20 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SLOWER = 20 };
#else
enum { SLOWER = 1 };
#endif
#else
enum { SLOWER = 1 };
#endif

static void planning_takes_little_time(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint32_t count, factor, limit_ms;
    } rows[] = {{16, 1, 5}, {16, 3, 5}, {128, 3, 50}, {128, 16, 50}};
    for (uint32_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint64_t random = row;
        nodes_set(f, rows[row].count, rows[row].factor);
        assert_true(compute_ms(f) < rows[row].limit_ms * SLOWER);
        plan_fulfil(f);
        leave(f, 3);
        assert_true(compute_ms(f) < rows[row].limit_ms * SLOWER);
        plan_fulfil(f);
        join(f, prng_next(&random));
        assert_true(compute_ms(f) < rows[row].limit_ms * SLOWER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_even_for_any_size_without_data),
        cmocka_unit_test(a_node_that_joins_moves_no_more_than_its_share),
        cmocka_unit_test(a_node_that_leaves_moves_no_more_than_its_share),
        cmocka_unit_test(masterships_stay_where_they_are),
        cmocka_unit_test(shares_stay_even_through_a_long_history),
        cmocka_unit_test(what_is_as_it_shall_be_stays),
        cmocka_unit_test(the_order_of_nodes_does_not_matter),
        cmocka_unit_test(a_plan_made_again_half_way_keeps_its_targets),
        cmocka_unit_test(copies_stand_in_different_racks_while_there_are_enough),
        cmocka_unit_test(a_node_that_joins_or_leaves_a_rack_moves_no_more_than_its_share),
        cmocka_unit_test(quiesced_nodes_hold_only_what_nobody_else_can),
        cmocka_unit_test(nobody_with_the_namespace_means_no_holders),
        cmocka_unit_test(large_clusters_and_many_copies_are_even_and_move_little),
        cmocka_unit_test(planning_takes_little_time),
    };
    return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
