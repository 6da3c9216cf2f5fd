// SPDX-License-Identifier: Apache-2.0
// One machine and what it is told, step by step: the cases in which the order of single messages
// matters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/membership/membership.h"

enum { INTERVAL_MS = 100, TIMEOUT_MS = 1000, OWN = 5, OWN_PROCESS = 55 };

struct bench {
    struct membership *machine;
    uint64_t now_ms;
    struct membership_effects effects;
    uint64_t sequence;
};

static int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    void *memory = aligned_alloc(16, (membership_size() + 15) / 16 * 16);
    assert_non_null(bench);
    assert_non_null(memory);
    struct membership_config config = {.self = {.id = OWN, .incarnation = OWN_PROCESS},
                                       .interval_ms = INTERVAL_MS,
                                       .timeout_ms = TIMEOUT_MS,
                                       .regime_floor = 40};
    bench->machine = membership_init(memory, &config);
    bench->now_ms = 5000;
    *state = bench;
    return 0;
}

static int bench_teardown(void **state)
{
    struct bench *bench = *state;
    free(bench->machine);
    free(bench);
    return 0;
}

static void step(struct bench *bench, struct membership_event event)
{
    event.now_ms = bench->now_ms;
    event.random = 12345 + bench->now_ms;
    membership_step(bench->machine, &event, &bench->effects);
    membership_check(bench->machine);
}

static void tick(struct bench *bench, uint64_t passed_ms)
{
    bench->now_ms += passed_ms;
    step(bench, (struct membership_event){.type = MEMBERSHIP_TICK});
}

static void receive(struct bench *bench, const struct membership_message *message)
{
    step(bench, (struct membership_event){.type = MEMBERSHIP_RECEIVED, .message = message});
}

static const struct membership_effect *effect_of(const struct bench *bench,
                                                 enum membership_effect_type type)
{
    for (uint32_t i = 0; i < bench->effects.count; i++) {
        if (bench->effects.effect[i].type == type) {
            return &bench->effects.effect[i];
        }
    }
    return NULL;
}

static const struct membership_message *sent(const struct bench *bench,
                                             enum membership_message_type type)
{
    for (uint32_t i = 0; i < bench->effects.count; i++) {
        const struct membership_effect *effect = &bench->effects.effect[i];
        if (effect->type == MEMBERSHIP_SEND && effect->message->type == type) {
            return effect->message;
        }
    }
    return NULL;
}

// What a principal `from` says about a view of itself and us.
static struct membership_message round_message(enum membership_message_type type, uint64_t from,
                                               uint64_t regime, uint64_t key)
{
    return (struct membership_message){
        .type = type,
        .from = from,
        .from_incarnation = from * 11,
        .regime = regime,
        .key = key,
        .count = 2,
        .member = {{.id = from, .incarnation = from * 11}, {.id = OWN, .incarnation = OWN_PROCESS}},
    };
}

static struct membership_message heartbeat(struct bench *bench, uint64_t from, uint64_t process,
                                           uint64_t key, uint64_t regime)
{
    return (struct membership_message){
        .type = MEMBERSHIP_HEARTBEAT,
        .from = from,
        .from_incarnation = process,
        .regime = regime,
        .key = key,
        .view_regime = regime,
        .sequence = ++bench->sequence,
        .settled = true,
        .count = 2,
        .member = {{.id = from > OWN ? from : OWN,
                    .incarnation = from > OWN ? process : OWN_PROCESS,
                    .flags = ENTRY_HEARD},
                   {.id = from > OWN ? OWN : from,
                    .incarnation = from > OWN ? OWN_PROCESS : process,
                    .flags = ENTRY_HEARD}},
    };
}

static void view_join(struct bench *bench, uint64_t principal, uint64_t regime, uint64_t key)
{
    struct membership_message message = round_message(MEMBERSHIP_PREPARE, principal, regime, key);
    receive(bench, &message);
    assert_non_null(sent(bench, MEMBERSHIP_PROMISED));
    message.type = MEMBERSHIP_COMMIT;
    receive(bench, &message);
    assert_non_null(effect_of(bench, MEMBERSHIP_VIEW));
    assert_false(membership_is_frozen(bench->machine));
}

static void a_node_without_peers_serves_in_the_step_that_settles_its_seeds(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    assert_true(membership_is_frozen(bench->machine));
    assert_non_null(sent(bench, MEMBERSHIP_HEARTBEAT));
    step(bench, (struct membership_event){.type = MEMBERSHIP_SEEDS_SETTLED});
    assert_non_null(effect_of(bench, MEMBERSHIP_VIEW));
    const struct membership_view *view = membership_view(bench->machine);
    assert_true(view->count == 1 && view->regime == 41 && view->principal == OWN);
}

static void a_prepare_that_comes_again_after_the_commit_does_not_freeze(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    view_join(bench, 9, 50, 777);
    struct membership_message again = round_message(MEMBERSHIP_PREPARE, 9, 50, 777);
    receive(bench, &again);
    assert_false(membership_is_frozen(bench->machine));
    assert_null(effect_of(bench, MEMBERSHIP_FREEZE));
}

static void two_views_of_one_regime_are_never_installed(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    view_join(bench, 8, 50, 777);
    struct membership_message other = round_message(MEMBERSHIP_PREPARE, 9, 50, 888);
    receive(bench, &other);
    assert_false(membership_is_frozen(bench->machine));
    const struct membership_message *refused = sent(bench, MEMBERSHIP_REFUSED);
    assert_non_null(refused);
    assert_true(refused->regime == 50 && refused->key == 888);
}

static void of_two_proposals_of_one_regime_the_higher_node_gets_the_promise(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message low = round_message(MEMBERSHIP_PREPARE, 8, 50, 777);
    struct membership_message high = round_message(MEMBERSHIP_PREPARE, 9, 50, 888);
    receive(bench, &low);
    assert_non_null(sent(bench, MEMBERSHIP_PROMISED));
    receive(bench, &high);
    assert_non_null(sent(bench, MEMBERSHIP_PROMISED));
    receive(bench, &low);
    assert_non_null(sent(bench, MEMBERSHIP_REFUSED));
    low.type = MEMBERSHIP_COMMIT; // all others promised it, but we went on
    receive(bench, &low);
    assert_true(membership_is_frozen(bench->machine));
    high.type = MEMBERSHIP_COMMIT;
    receive(bench, &high);
    assert_true(membership_view(bench->machine)->key == 888);
}

static void an_old_regime_is_refused_and_told_the_one_that_stands(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message old = round_message(MEMBERSHIP_PREPARE, 9, 40, 777);
    receive(bench, &old);
    const struct membership_message *refused = sent(bench, MEMBERSHIP_REFUSED);
    assert_non_null(refused);
    assert_true(refused->regime == 40);
    assert_true(bench->effects.effect[0].to == 9);
}

static void a_proposal_for_another_process_of_ours_is_not_answered(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message message = round_message(MEMBERSHIP_PREPARE, 9, 50, 777);
    message.member[1].incarnation++;
    receive(bench, &message);
    assert_null(sent(bench, MEMBERSHIP_PROMISED));
    assert_null(sent(bench, MEMBERSHIP_REFUSED));
}

static void who_slept_freezes_before_anything_else_and_forgets_its_promise(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message beat = heartbeat(bench, 9, 99, 0, 49);
    receive(bench, &beat);
    view_join(bench, 9, 50, 777);
    struct membership_message prepare = round_message(MEMBERSHIP_PREPARE, 9, 51, 888);
    bench->now_ms += TIMEOUT_MS + 1;
    receive(bench, &prepare); // was in the queue; no tick has come yet
    assert_int_equal(bench->effects.effect[0].type, MEMBERSHIP_FREEZE);
    assert_non_null(sent(bench, MEMBERSHIP_PROMISED));
    bench->now_ms += TIMEOUT_MS + 1;
    prepare.type = MEMBERSHIP_COMMIT; // by now it may be over
    receive(bench, &prepare);
    assert_true(membership_is_frozen(bench->machine));
    assert_true(membership_view(bench->machine)->key == 777);
}

static void a_committed_view_is_installed_when_somebody_shows_it(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message prepare = round_message(MEMBERSHIP_PREPARE, 9, 50, 777);
    receive(bench, &prepare);
    struct membership_message shown = heartbeat(bench, 9, 99, 777, 50);
    receive(bench, &shown);
    assert_non_null(effect_of(bench, MEMBERSHIP_VIEW));
    assert_true(membership_view(bench->machine)->key == 777);
}

// Two processes with one id, both alive: the one that came first stays, and no view changes.
static void two_processes_with_one_id_do_not_oscillate(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    view_join(bench, 9, 50, 777);
    uint32_t changes = 0;
    uint64_t first = ++bench->sequence;
    for (uint32_t i = 0; i < 1000; i++) {
        struct membership_message one = heartbeat(bench, 9, 99, 777, 50);
        struct membership_message other = heartbeat(bench, 9, 98, 666, 44);
        receive(bench, i == 3 ? &one : i % 3 == 0 ? &other : &one);
        changes += effect_of(bench, MEMBERSHIP_FREEZE) != NULL;
        changes += effect_of(bench, MEMBERSHIP_VIEW) != NULL;
        tick(bench, 20);
        changes += effect_of(bench, MEMBERSHIP_FREEZE) != NULL;
        changes += effect_of(bench, MEMBERSHIP_VIEW) != NULL;
    }
    assert_true(bench->sequence > first);
    assert_in_range(changes, 0, 4);
}

static void old_and_repeated_heartbeats_are_ignored(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    struct membership_message first = heartbeat(bench, 9, 99, 0, 60);
    struct membership_message second = heartbeat(bench, 9, 99, 0, 61);
    receive(bench, &second);
    uint64_t ids[LIMIT_CLUSTER_NODES];
    assert_int_equal(membership_heard(bench->machine, ids), 1);
    assert_true(ids[0] == 9);
    step(bench, (struct membership_event){.type = MEMBERSHIP_PEER_GONE, .id = 9});
    assert_int_equal(membership_heard(bench->machine, ids), 0);
    receive(bench, &second);
    receive(bench, &first);
    for (uint32_t i = 0; i < 50; i++) {
        tick(bench, 10);
    }
    assert_int_equal(membership_heard(bench->machine, ids), 0);
    for (uint32_t i = 0; i < 25; i++) { // it does live; believed after two intervals
        struct membership_message more = heartbeat(bench, 9, 99, 0, 61);
        receive(bench, &more);
        assert_int_equal(membership_heard(bench->machine, ids), i * 10 >= 2 * INTERVAL_MS);
        tick(bench, 10);
    }
}

static void a_crowd_of_strangers_finds_the_table_full_and_breaks_nothing(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    uint64_t ids[LIMIT_CLUSTER_NODES];
    for (uint64_t id = 100; id < 400; id++) {
        struct membership_message message = heartbeat(bench, id, id, 0, 60);
        receive(bench, &message);
    }
    assert_int_equal(membership_heard(bench->machine, ids), LIMIT_CLUSTER_NODES - 1);
    for (uint32_t i = 0; i < 200; i++) { // all fall silent; then others have room
        tick(bench, 10);
    }
    assert_int_equal(membership_heard(bench->machine, ids), 0);
    struct membership_message message = heartbeat(bench, 999, 1, 0, 60);
    receive(bench, &message);
    assert_int_equal(membership_heard(bench->machine, ids), 1);
}

static void heartbeats_go_out_each_interval_and_at_once_with_news(void **state)
{
    struct bench *bench = *state;
    tick(bench, 0);
    uint32_t beats = 0;
    for (uint32_t i = 0; i < 100; i++) { // a second
        tick(bench, 10);
        beats += sent(bench, MEMBERSHIP_HEARTBEAT) != NULL;
    }
    assert_in_range(beats, 10, 12);
    tick(bench, 10);
    tick(bench, 10);
    step(bench, (struct membership_event){.type = MEMBERSHIP_FLAGS, .flags = MEMBER_QUIESCED});
    const struct membership_message *news = sent(bench, MEMBERSHIP_HEARTBEAT);
    assert_non_null(news);
    assert_int_equal(news->flags, MEMBER_QUIESCED);
    step(bench, (struct membership_event){.type = MEMBERSHIP_FLAGS, .flags = 0});
    assert_null(sent(bench, MEMBERSHIP_HEARTBEAT)); // not again within 20 ms
    tick(bench, 20);
    assert_non_null(sent(bench, MEMBERSHIP_HEARTBEAT));
}

int main(void)
{
#define MACHINE_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(a_node_without_peers_serves_in_the_step_that_settles_its_seeds),
        MACHINE_TEST(a_prepare_that_comes_again_after_the_commit_does_not_freeze),
        MACHINE_TEST(two_views_of_one_regime_are_never_installed),
        MACHINE_TEST(of_two_proposals_of_one_regime_the_higher_node_gets_the_promise),
        MACHINE_TEST(an_old_regime_is_refused_and_told_the_one_that_stands),
        MACHINE_TEST(a_proposal_for_another_process_of_ours_is_not_answered),
        MACHINE_TEST(who_slept_freezes_before_anything_else_and_forgets_its_promise),
        MACHINE_TEST(a_committed_view_is_installed_when_somebody_shows_it),
        MACHINE_TEST(two_processes_with_one_id_do_not_oscillate),
        MACHINE_TEST(old_and_repeated_heartbeats_are_ignored),
        MACHINE_TEST(a_crowd_of_strangers_finds_the_table_full_and_breaks_nothing),
        MACHINE_TEST(heartbeats_go_out_each_interval_and_at_once_with_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
