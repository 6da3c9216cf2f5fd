// SPDX-License-Identifier: Apache-2.0
// One partition machine: the plan it makes of what members tell, what it does as acting master and
// as follower, and what it makes of nonsense.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/partition/balance.h"
#include "core/partition/partition.h"

enum { MEMBERS_MAX = 6, KEY = 0xabc };

struct fixture {
    struct partition_machine *machine;
    struct partition_effects effects;
    struct partition_member member[LIMIT_CLUSTER_NODES];
    uint32_t count;
    uint32_t self;
    uint32_t factor;
    uint64_t now_ms;
    uint64_t key;
    struct partition_exchange exchange[MEMBERS_MAX];
    uint8_t bytes[PARTITION_EXCHANGE_SIZE_MAX];
};

static int fixture_new(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f == NULL || (f->machine = calloc(1, partition_size())) == NULL;
}

static int fixture_free(void **state)
{
    struct fixture *f = *state;
    free(f->machine);
    free(f);
    return 0;
}

// A view of `count` members, this node the one at `self`, without any data.
static void begin(struct fixture *f, uint32_t count, uint32_t self, uint32_t factor,
                  uint32_t syncs_at_once)
{
    partition_init(f->machine, syncs_at_once);
    memset(f->exchange, 0, sizeof f->exchange);
    memset(f->member, 0, sizeof f->member);
    f->count = count;
    f->self = self;
    f->factor = factor;
    f->now_ms = 1000;
    f->key = KEY;
    for (uint32_t i = 0; i < count; i++) {
        f->member[i].id = 0xbb900 - i;
        f->exchange[i].key = KEY;
        f->exchange[i].replication_factor = factor;
        f->exchange[i].has_namespace = true;
    }
}

static void copy_set(struct fixture *f, uint32_t member, uint32_t partition, uint64_t lineage,
                     uint32_t count, bool full)
{
    f->exchange[member].copy[partition] = (struct partition_copy){
        .lineage = lineage, .count = count, .sum = count * UINT64_C(77), .full = full};
}

static void step(struct fixture *f, struct partition_event event)
{
    event.now_ms = f->now_ms;
    partition_step(f->machine, &event, &f->effects);
    partition_check(f->machine);
}

static void view(struct fixture *f)
{
    step(f, (struct partition_event){.type = PARTITION_VIEW,
                                     .view_key = f->key,
                                     .member_count = f->count,
                                     .self = f->self,
                                     .member = f->member,
                                     .exchange = &f->exchange[f->self]});
}

static void exchanged(struct fixture *f, uint32_t from)
{
    step(f, (struct partition_event){
                .type = PARTITION_EXCHANGED, .from = from, .exchange = &f->exchange[from]});
}

// The exchange until the plan is made; the effects are those of the last step.
static void plan(struct fixture *f)
{
    view(f);
    for (uint32_t i = 0; i < f->count; i++) {
        if (i != f->self) {
            exchanged(f, i);
        }
    }
}

static void tick(struct fixture *f, uint64_t later_ms)
{
    f->now_ms += later_ms;
    step(f, (struct partition_event){.type = PARTITION_TICK});
}

static uint32_t effects_of(const struct fixture *f, enum partition_effect_type type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->effects.count; i++) {
        count += f->effects.effect[i].type == type;
    }
    return count;
}

static const struct partition_effect *effect_of(const struct fixture *f,
                                                enum partition_effect_type type, uint32_t nth)
{
    for (uint32_t i = 0; i < f->effects.count; i++) {
        if (f->effects.effect[i].type == type && nth-- == 0) {
            return &f->effects.effect[i];
        }
    }
    fail_msg("there is no such effect");
    return NULL;
}

static struct node_set set_of(const char *members)
{
    struct node_set set = {{0}};
    for (; *members != '\0'; members++) {
        node_set_add(&set, (uint32_t)(*members - '0'));
    }
    return set;
}

static bool is_set(struct node_set set, const char *members)
{
    struct node_set expected = set_of(members);
    return node_set_equal(&set, &expected);
}

static void assert_set(struct node_set set, const char *members)
{
    assert_true(is_set(set, members));
}

// A partition that, without data, is desired by these members in this order; '?' is anyone else.
static uint32_t partition_desired_by(const struct fixture *f, const char *members)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        const struct partition_state *state = partition_at(f->machine, p);
        uint32_t i = 0;
        while (members[i] != '\0' && i < state->desired_count &&
               (members[i] == '?' || state->desired[i] == members[i] - '0')) {
            i++;
        }
        if (members[i] == '\0' && i == state->desired_count) {
            return p;
        }
    }
    fail_msg("no partition is desired by %s", members);
    return 0;
}

// Sends what the member acknowledges.
static void acknowledged(struct fixture *f, uint32_t from, uint32_t partition)
{
    struct partition_message message = {.type = PARTITION_ANNOUNCED,
                                        .key = KEY,
                                        .partition = partition,
                                        .step = partition_at(f->machine, partition)->step};
    step(f,
         (struct partition_event){.type = PARTITION_RECEIVED, .from = from, .message = &message});
}

static void synced(struct fixture *f, uint32_t partition, uint32_t with)
{
    step(f, (struct partition_event){
                .type = PARTITION_SYNCED, .view_key = KEY, .partition = partition, .from = with});
}

// ---- The plan.

static void nothing_is_served_before_all_have_told(void **state)
{
    struct fixture *f = *state;
    struct partition_progress progress;
    begin(f, 3, 1, 2, 0);
    view(f);
    assert_int_equal(effects_of(f, PARTITION_SEND_EXCHANGE), 2);
    assert_true(effect_of(f, PARTITION_SEND_EXCHANGE, 0)->wants);
    exchanged(f, 0);
    partition_progress(f->machine, &progress);
    assert_false(progress.planned);
    assert_int_equal(partition_held(f->machine), LIMIT_PARTITIONS);
    exchanged(f, 2);
    assert_int_equal(f->effects.effect[0].type, PARTITION_PLAN);
    partition_progress(f->machine, &progress);
    assert_true(progress.planned);
    assert_int_equal(progress.lead_remaining, 0);
    assert_int_equal(partition_replication_factor(f->machine), 2);
}

static void a_lone_node_has_its_plan_at_once(void **state)
{
    struct fixture *f = *state;
    begin(f, 1, 0, 2, 0);
    copy_set(f, 0, 9, 0x11, 4, true);
    view(f);
    assert_int_equal(f->effects.count, 1);
    assert_int_equal(f->effects.effect[0].type, PARTITION_PLAN);
    assert_true(partition_at(f->machine, 9)->self_full);
    assert_int_equal(partition_replication_factor(f->machine), 1);
}

static void exchanges_are_sent_again_until_answered(void **state)
{
    struct fixture *f = *state;
    begin(f, 3, 0, 2, 0);
    view(f);
    exchanged(f, 1);
    tick(f, 20);
    assert_int_equal(effects_of(f, PARTITION_SEND_EXCHANGE), 0);
    tick(f, 40);
    assert_int_equal(effects_of(f, PARTITION_SEND_EXCHANGE), 1);
    assert_int_equal(effect_of(f, PARTITION_SEND_EXCHANGE, 0)->to, 2);
    // Who says that it lacks ours gets it.
    f->exchange[1].wants = true;
    exchanged(f, 1);
    assert_int_equal(effect_of(f, PARTITION_SEND_EXCHANGE, 0)->to, 1);
    assert_false(effect_of(f, PARTITION_SEND_EXCHANGE, 0)->wants);
}

static void the_exchange_stays_what_it_was_at_the_view(void **state)
{
    struct fixture *f = *state;
    begin(f, 2, 0, 2, 0);
    copy_set(f, 0, 5, 0x11, 3, true);
    plan(f);
    assert_int_equal(partition_at(f->machine, 5)->lineage, KEY);
    struct partition_exchange *own = calloc(1, sizeof *own);
    partition_exchange_own(f->machine, own);
    assert_int_equal(own->copy[5].lineage, 0x11);
    assert_memory_equal(own->copy, f->exchange[0].copy, sizeof own->copy);
    free(own);
}

static void what_a_copy_is_outlives_a_view_without_a_plan(void **state)
{
    struct fixture *f = *state;
    begin(f, 2, 0, 2, 0);
    copy_set(f, 0, 5, 0x11, 3, true);
    view(f);
    assert_int_equal(partition_at(f->machine, 5)->lineage, 0x11);
    assert_true(partition_at(f->machine, 5)->self_full);
}

static void all_messages_of_other_views_are_ignored(void **state)
{
    struct fixture *f = *state;
    begin(f, 2, 0, 2, 0);
    view(f);
    f->exchange[1].key = KEY + 1;
    exchanged(f, 1);
    assert_int_equal(effects_of(f, PARTITION_PLAN), 0);
    f->exchange[1].key = KEY;
    exchanged(f, 1);
    assert_int_equal(effects_of(f, PARTITION_PLAN), 1);
}

struct plan_row {
    const char *name;
    struct {
        uint64_t lineage;
        uint32_t count;
        bool full;
    } copy[4];
    const char *desired; // of the partition without data, '?' for any
    uint8_t master;
    const char *writes, *full, *unsynced, *duplicates;
    bool lost;
};

// Four members, two copies; desired by 0 and 1 as long as data does not say otherwise.
static const struct plan_row plan_rows[] = {
    {"nobody has anything", {{0}}, "01", 0, "1", "01", "", "", false},
    {"all is as it shall be", {{7, 5, true}, {7, 5, true}}, "01", 0, "1", "01", "", "", false},
    {"a replica is missing", {{7, 5, true}}, "01", 0, "1", "0", "1", "", false},
    {"a replica has a part", {{7, 5, true}, {7, 2, false}}, "01", 0, "1", "0", "1", "", false},
    {"full copies differ", {{7, 5, true}, {7, 6, true}}, "01", 0, "1", "01", "1", "", false},
    {"the master that shall be lacks it", {{0}, {7, 5, true}}, "01", 1, "0", "1", "0", "", false},
    {"another lineage has records",
     {{7, 5, true}, {8, 4, true}},
     "01",
     0,
     "1",
     "0",
     "1",
     "1",
     false},
    {"most records win", {{8, 4, true}, {7, 5, true}}, "01", 1, "0", "1", "0", "0", false},
    {"equal records are equal", {{8, 5, true}, {7, 5, false}}, "01", 0, "1", "01", "", "", false},
    {"others have records too",
     {{7, 5, true}, {7, 5, true}, {8, 1, true}, {9, 1, false}},
     "01",
     0,
     "1",
     "0",
     "123",
     "23",
     false},
    {"a part that is not wanted stays for now",
     {{7, 5, true}, {7, 5, true}, {7, 1, false}},
     "01",
     0,
     "12",
     "01",
     "2",
     "",
     false},
    {"nobody is full", {{7, 2, false}, {7, 3, false}}, "01", 1, "0", "", "0", "0", true},
    {"only empty parts are left", {{7, 0, false}}, "01", 0, "1", "01", "", "", true},
    {"an empty copy of another lineage is nothing",
     {{7, 5, true}, {7, 5, true}, {8, 0, true}},
     "01",
     0,
     "1",
     "01",
     "",
     "",
     false},
};

static void plans_follow_from_what_members_have(void **state)
{
    struct fixture *f = *state;
    for (uint32_t row = 0; row < sizeof plan_rows / sizeof plan_rows[0]; row++) {
        const struct plan_row *r = &plan_rows[row];
        begin(f, 4, 0, 2, 0);
        plan(f);
        uint32_t p = partition_desired_by(f, r->desired);
        for (uint32_t i = 0; i < 4; i++) {
            copy_set(f, i, p, r->copy[i].lineage, r->copy[i].count, r->copy[i].full);
        }
        plan(f);
        const struct partition_state *found = partition_at(f->machine, p);
        bool as_said = found->desired[0] == 0 && found->desired[1] == 1 &&
                       found->master == r->master && found->lost == r->lost &&
                       is_set(found->writes, r->writes) && is_set(found->full, r->full) &&
                       is_set(found->unsynced, r->unsynced) &&
                       is_set(found->duplicates, r->duplicates);
        if (!as_said) {
            fail_msg("%s", r->name);
        }
    }
}

static void all_members_make_the_same_plan(void **state)
{
    struct fixture *f = *state;
    static struct partition_state first[LIMIT_PARTITIONS];
    uint64_t random = 5;
    begin(f, 5, 0, 3, 0);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t i = 0; i < 5; i++) {
            random = balance_score(random, p);
            if (random % 3 == 0) {
                copy_set(f, i, p, 1 + random / 3 % 4, (uint32_t)(random / 16 % 4),
                         random / 64 % 2 == 0);
            }
        }
    }
    for (uint32_t self = 0; self < 5; self++) {
        f->self = self;
        plan(f);
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            const struct partition_state *found = partition_at(f->machine, p);
            if (self == 0) {
                first[p] = *found;
            }
            assert_int_equal(found->master, first[p].master);
            assert_memory_equal(found->desired, first[p].desired, sizeof found->desired);
            assert_memory_equal(&found->duplicates, &first[p].duplicates, sizeof found->duplicates);
        }
    }
}

static void a_copy_that_takes_writes_and_has_records_of_its_own_stands_alone(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 1, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 0, p, 7, 5, true);
    copy_set(f, 1, p, 8, 4, true);
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    assert_true(found->lineage != 7 && found->lineage != 8 && found->lineage != KEY);
    assert_false(found->self_full);
    assert_true(partition_needed(f->machine) > 0);
}

static void a_node_without_the_namespace_takes_no_part(void **state)
{
    struct fixture *f = *state;
    begin(f, 3, 0, 3, 0);
    f->exchange[2].has_namespace = false;
    plan(f);
    assert_false(partition_member_has(f->machine, 2));
    assert_int_equal(partition_replication_factor(f->machine), 2);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_equal(partition_at(f->machine, p)->desired_count, 2);
        assert_false(node_set_has(&partition_at(f->machine, p)->writes, 2));
    }
}

static void a_leaving_node_masters_nothing_that_another_has(void **state)
{
    struct fixture *f = *state;
    begin(f, 3, 0, 2, 0);
    plan(f);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t i = 0; i < 2; i++) {
            copy_set(f, partition_at(f->machine, p)->desired[i], p, 7, 5, true);
        }
    }
    f->member[0].quiesced = true;
    plan(f);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        assert_int_not_equal(partition_at(f->machine, p)->master, 0);
    }
    assert_true(partition_held(f->machine) > 0);
    assert_int_equal(partition_needed(f->machine), 0);
}

// The next view, of the members whose bits are set in `present`, who are as the plan left them;
// this node is 0. `changed`: there are new records at this node.
static void view_next(struct fixture *f, uint32_t present, uint32_t partition, bool changed)
{
    struct partition_member all[MEMBERS_MAX];
    struct partition_copy copy = f->exchange[0].copy[partition];
    uint32_t count = 0;
    memcpy(all, f->member, sizeof all);
    copy.lineage = partition_at(f->machine, partition)->lineage;
    copy.full = partition_at(f->machine, partition)->self_full;
    copy.count += changed;
    copy.sum += changed;
    f->key++;
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        if ((present >> i & 1) != 0) {
            f->member[count] = all[i];
            f->exchange[count] = f->exchange[i];
            f->exchange[count].key = f->key;
            count++;
        }
    }
    f->exchange[0].copy[partition] = copy;
    f->count = count;
    plan(f);
}

static void who_was_away_is_not_asked_but_brought_up_to_date(void **state)
{
    struct fixture *f = *state;
    begin(f, 2, 0, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 0, p, 7, 5, true);
    copy_set(f, 1, p, 7, 5, true);
    plan(f);
    f->exchange[1].copy[p].lineage = KEY;
    struct partition_exchange *away = calloc(1, sizeof *away);
    struct partition_member other = f->member[1];
    *away = f->exchange[1];
    view_next(f, 1, p, true);
    view_next(f, 1, p, true);
    const struct partition_state *found = partition_at(f->machine, p);
    assert_int_equal(found->lineage, f->key);
    f->member[1] = other;
    f->exchange[1] = *away;
    view_next(f, 3, p, true);
    assert_int_equal(found->master, 0);
    assert_set(found->duplicates, "");
    assert_set(found->unsynced, "1");
    assert_set(found->full, "0");
    free(away);
}

// ---- The acting master.

static void a_copy_becomes_full_then_others_drop_and_all_holders_know(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 0, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    // We and 2 have it; 1 shall have it, and 2 no longer, because it is on its way out.
    copy_set(f, 0, p, 7, 5, true);
    copy_set(f, 2, p, 7, 5, true);
    f->member[2].quiesced = true;
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    assert_int_equal(found->desired[0], 0);
    uint32_t target = found->desired[1];
    assert_int_not_equal(target, 2);
    assert_int_equal(effects_of(f, PARTITION_SYNC), 1);
    assert_int_equal(effect_of(f, PARTITION_SYNC, 0)->to, target);
    assert_true(effect_of(f, PARTITION_SYNC, 0)->fill);

    synced(f, p, target);
    assert_int_equal(effects_of(f, PARTITION_SEND), 2);
    assert_true(node_set_has(&found->full, target));
    assert_int_equal(found->column[1], target);
    // Nobody drops before the new copy knows that it is full.
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.drop, "");
    acknowledged(f, target, p);
    assert_int_equal(effects_of(f, PARTITION_SEND), 2);
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.drop, "2");
    assert_true(node_set_has(&found->writes, 2));
    acknowledged(f, target, p);
    assert_true(node_set_has(&found->writes, 2));
    acknowledged(f, 2, p);
    assert_false(node_set_has(&found->writes, 2));
    assert_true(found->settled);
    // The last word goes to who holds it.
    assert_int_equal(effects_of(f, PARTITION_SEND), 1);
    acknowledged(f, target, p);
    tick(f, 1000);
    assert_int_equal(f->effects.count, 0);
}

static void announcements_are_sent_again_until_acknowledged(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 0, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 0, p, 7, 5, true);
    plan(f);
    synced(f, p, 1);
    assert_int_equal(effects_of(f, PARTITION_SEND), 1);
    tick(f, 10);
    assert_int_equal(effects_of(f, PARTITION_SEND), 0);
    for (uint32_t turn = 0; turn < 3; turn++) {
        tick(f, 40);
        assert_int_equal(effects_of(f, PARTITION_SEND), 1);
        assert_int_equal(effect_of(f, PARTITION_SEND, 0)->message.type, PARTITION_ANNOUNCE);
    }
    acknowledged(f, 1, p);
    acknowledged(f, 1, p);
    tick(f, 1000);
    assert_int_equal(f->effects.count, 0);
}

static void mastership_is_handed_over_when_nothing_is_in_flight(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 1, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 1, p, 7, 5, true);
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    synced(f, p, 0);
    assert_int_equal(effects_of(f, PARTITION_DRAIN), 0);
    acknowledged(f, 0, p);
    assert_int_equal(effects_of(f, PARTITION_DRAIN), 1);
    assert_true(found->handing_over);
    step(f, (struct partition_event){.type = PARTITION_DRAINED, .view_key = KEY, .partition = p});
    assert_int_equal(effects_of(f, PARTITION_SEND), 1);
    struct partition_message sent = effect_of(f, PARTITION_SEND, 0)->message;
    assert_int_equal(sent.type, PARTITION_HAND_OVER);
    assert_int_equal(sent.master, 0);
    assert_set(sent.writes, "1");
    assert_set(sent.full, "01");
    tick(f, 40);
    assert_int_equal(effect_of(f, PARTITION_SEND, 0)->message.type, PARTITION_HAND_OVER);

    sent.type = PARTITION_ANNOUNCE;
    sent.step++;
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 0, .message = &sent});
    assert_int_equal(found->master, 0);
    assert_false(found->handing_over);
    assert_true(found->self_full && found->settled);
    assert_int_equal(effects_of(f, PARTITION_PLACE), 1);
    assert_int_equal(effect_of(f, PARTITION_SEND, 0)->message.type, PARTITION_ANNOUNCED);
    tick(f, 1000);
    assert_int_equal(f->effects.count, 0);
}

static void who_is_handed_mastership_tells_all_and_has_the_others_drop(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 0, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 2, p, 7, 5, true);
    f->member[2].quiesced = true;
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    uint32_t other = found->desired[1];
    assert_int_equal(found->desired[0], 0);
    assert_int_equal(found->master, 2);
    struct partition_message message = {.type = PARTITION_HAND_OVER,
                                        .key = KEY,
                                        .partition = p,
                                        .step = 5,
                                        .master = 0,
                                        .writes = set_of("2"),
                                        .full = set_of("02")};
    node_set_add(&message.writes, other);
    node_set_add(&message.full, other);
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 2, .message = &message});
    assert_int_equal(found->master, 0);
    assert_true(found->self_full);
    assert_int_equal(found->lineage, KEY);
    assert_int_equal(effects_of(f, PARTITION_SEND), 3);
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.drop, "2");
    assert_true(effect_of(f, PARTITION_SEND, 0)->message.step > 5);
    assert_int_equal(f->effects.effect[0].type, PARTITION_PLACE);
    // Said twice it changes nothing.
    uint32_t known = found->step;
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 2, .message = &message});
    assert_int_equal(found->step, known);
    assert_true(node_set_has(&found->writes, 2));
    acknowledged(f, 2, p);
    assert_false(node_set_has(&found->writes, 2));
    assert_false(partition_is_settled(f->machine));
    acknowledged(f, other, p);
    assert_true(found->settled);
    assert_true(partition_is_settled(f->machine));
}

static void a_lost_partition_is_full_again_when_all_that_is_left_is_together(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 0, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 0, p, 7, 9, false);
    copy_set(f, 1, p, 7, 2, false);
    copy_set(f, 3, p, 6, 1, false);
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    assert_true(found->lost);
    assert_int_equal(effects_of(f, PARTITION_SYNC), 2);
    synced(f, p, 1);
    assert_set(found->full, "");
    synced(f, p, 3);
    // 1 may lack what 0 was told by 3 when it was asked.
    assert_int_equal(effect_of(f, PARTITION_SYNC, 0)->to, 1);
    synced(f, p, 1);
    assert_set(found->full, "01");
    assert_true(found->self_full);
    // 3 keeps what it had until 1 knows that it is full.
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.drop, "");
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.unsynced, "3");
    acknowledged(f, 1, p);
    assert_set(effect_of(f, PARTITION_SEND, 0)->message.drop, "3");
}

static void syncs_run_so_many_at_a_time_and_duplicates_first(void **state)
{
    struct fixture *f = *state;
    uint32_t wanted[3] = {0};
    begin(f, 3, 0, 2, 2);
    plan(f);
    // Partitions of ours: the first three lack their replica, the last has another lineage.
    uint32_t found = 0;
    uint32_t last = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS && found < 4; p++) {
        if (partition_at(f->machine, p)->desired[0] == 0) {
            copy_set(f, 0, p, 7, 5, true);
            if (found < 3) {
                wanted[found] = p;
            }
            last = p;
            found++;
        }
    }
    uint32_t with = partition_at(f->machine, last)->desired[1];
    copy_set(f, with, last, 8, 2, true);
    plan(f);
    assert_int_equal(effects_of(f, PARTITION_SYNC), 2);
    assert_int_equal(effect_of(f, PARTITION_SYNC, 0)->partition, last);
    assert_false(effect_of(f, PARTITION_SYNC, 0)->fill);
    assert_int_equal(effect_of(f, PARTITION_SYNC, 1)->partition, wanted[0]);
    synced(f, last, with);
    assert_int_equal(effects_of(f, PARTITION_SYNC), 1);
    assert_int_equal(effect_of(f, PARTITION_SYNC, 0)->partition, wanted[1]);
    synced(f, last, with); // once more: nothing
    assert_int_equal(f->effects.count, 0);
}

static void a_long_list_of_effects_comes_in_pieces(void **state)
{
    struct fixture *f = *state;
    begin(f, 2, 0, 2, 0);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        copy_set(f, 0, p, 7, 5, true);
    }
    plan(f);
    uint32_t syncs = effects_of(f, PARTITION_SYNC);
    assert_true(f->effects.more);
    while (f->effects.more) {
        tick(f, 0);
        syncs += effects_of(f, PARTITION_SYNC);
    }
    assert_int_equal(syncs, LIMIT_PARTITIONS);
}

// ---- The follower.

static void a_follower_that_is_told_to_drop_drops_once_and_says_so(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 2, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    copy_set(f, 0, p, 7, 5, true);
    copy_set(f, 2, p, 7, 5, true);
    f->member[2].quiesced = true;
    plan(f);
    const struct partition_state *found = partition_at(f->machine, p);
    struct partition_message message = {.type = PARTITION_ANNOUNCE,
                                        .key = KEY,
                                        .partition = p,
                                        .step = 2,
                                        .master = 0,
                                        .writes = found->writes,
                                        .full =
                                            found->desired_count == 2 ? set_of("0") : set_of(""),
                                        .drop = set_of("2")};
    node_set_add(&message.full, found->desired[1]);
    // Not while writes of its own are in flight, which are sent from that copy.
    step(f, (struct partition_event){
                .type = PARTITION_RECEIVED, .from = 0, .message = &message, .busy = true});
    assert_int_equal(f->effects.count, 1);
    assert_int_equal(f->effects.effect[0].type, PARTITION_PLACE);
    assert_false(found->drop);
    // Nor is an older announcement answered, which would say that it was.
    message.step = 1;
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 0, .message = &message});
    assert_int_equal(f->effects.count, 0);
    message.step = 2;
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 0, .message = &message});
    assert_int_equal(f->effects.count, 3);
    assert_int_equal(f->effects.effect[0].type, PARTITION_PLACE);
    assert_int_equal(f->effects.effect[1].type, PARTITION_DROP);
    assert_int_equal(f->effects.effect[2].message.type, PARTITION_ANNOUNCED);
    assert_int_equal(f->effects.effect[2].message.step, 2);
    assert_true(found->drop);
    assert_int_equal(found->lineage, 0);
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 0, .message = &message});
    assert_int_equal(f->effects.count, 1);
    assert_int_equal(f->effects.effect[0].message.type, PARTITION_ANNOUNCED);
}

static void a_follower_listens_to_the_master_alone(void **state)
{
    struct fixture *f = *state;
    begin(f, 4, 1, 2, 0);
    plan(f);
    uint32_t p = partition_desired_by(f, "01");
    struct partition_message message = {.type = PARTITION_ANNOUNCE,
                                        .key = KEY,
                                        .partition = p,
                                        .step = 9,
                                        .master = 3,
                                        .writes = set_of("0"),
                                        .full = set_of("03"),
                                        .drop = set_of("1")};
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 3, .message = &message});
    assert_int_equal(f->effects.count, 0);
    assert_int_equal(partition_at(f->machine, p)->master, 0);
    // Nor does the master get a desired copy dropped.
    message.master = 0;
    message.writes = set_of("1");
    message.full = set_of("0");
    step(f, (struct partition_event){.type = PARTITION_RECEIVED, .from = 0, .message = &message});
    assert_int_equal(f->effects.count, 0);
}

static void nonsense_of_members_breaks_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 3;
    for (uint32_t round = 0; round < 4; round++) {
        begin(f, 4, round % 4, 2, round);
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            for (uint32_t i = 0; i < 4; i++) {
                random = balance_score(random, p);
                copy_set(f, i, p, 1 + random % 3, (uint32_t)(random / 4 % 3), random / 16 % 2);
            }
        }
        plan(f);
        for (uint32_t turn = 0; turn < 2000; turn++) {
            struct partition_message message;
            struct node_set *sets[] = {&message.writes, &message.full, &message.unsynced,
                                       &message.duplicates, &message.drop};
            random = balance_score(random, turn);
            message = (struct partition_message){
                .type = PARTITION_ANNOUNCE + random % 3,
                .key = KEY,
                .partition = (uint32_t)(random / 4 % 16),
                .step = (uint32_t)(random / 64 % 8),
                .master = (uint8_t)(random / 512 % 6),
            };
            for (uint32_t i = 0; i < 5; i++) {
                random = balance_score(random, turn);
                sets[i]->bits[0] = random % 16 & random / 16;
                sets[i]->bits[1] = random / 1024 % 64 == 0;
            }
            step(f, (struct partition_event){.type = PARTITION_RECEIVED,
                                             .from = (uint32_t)(random / 4096 % 5),
                                             .message = &message});
            uint32_t p = (uint32_t)(random / 65536 % 16);
            synced(f, p, (uint32_t)(random >> 32) % 5);
            step(f, (struct partition_event){
                        .type = PARTITION_DRAINED, .view_key = KEY, .partition = p});
        }
    }
}

// ---- Bytes.

static void exchanges_survive_their_bytes(void **state)
{
    struct fixture *f = *state;
    struct partition_exchange *out = calloc(1, sizeof *out);
    begin(f, 1, 0, 3, 0);
    f->exchange[0].rack = 7;
    f->exchange[0].wants = true;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p += 3) {
        copy_set(f, 0, p, p + 1, p * 3, p % 2 == 0);
        f->exchange[0].copy[p].history = p % 3;
    }
    f->exchange[0].histories.count = 2;
    f->exchange[0].histories.history[0].lineage[0] = 99;
    memset(f->exchange[0].histories.history[1].lineage, 1, 8 * PARTITION_HISTORY_SIZE);
    uint32_t size = partition_exchange_encode(&f->exchange[0], f->bytes);
    assert_true(size <= PARTITION_EXCHANGE_SIZE_MAX);
    assert_int_equal(partition_exchange_decode(f->bytes, size, out), RESULT_OK);
    assert_int_equal(out->key, KEY);
    assert_int_equal(out->rack, 7);
    assert_int_equal(out->replication_factor, 3);
    assert_true(out->wants && out->has_namespace);
    assert_memory_equal(out->copy, f->exchange[0].copy, sizeof out->copy);
    assert_int_equal(out->histories.count, 2);
    assert_memory_equal(out->histories.history, f->exchange[0].histories.history,
                        2 * sizeof out->histories.history[0]);
    for (uint32_t cut = 0; cut < size; cut += 1 + cut / 7) {
        assert_int_equal(partition_exchange_decode(f->bytes, cut, out), RESULT_MALFORMED);
    }
    f->exchange[0].has_namespace = false;
    size = partition_exchange_encode(&f->exchange[0], f->bytes);
    assert_int_equal(partition_exchange_decode(f->bytes, size, out), RESULT_OK);
    assert_false(out->has_namespace);
    free(out);
}

static void messages_survive_their_bytes(void **state)
{
    (void)state;
    uint8_t bytes[PARTITION_MESSAGE_SIZE_MAX];
    struct partition_message out;
    struct partition_message message = {.type = PARTITION_HAND_OVER,
                                        .key = 0x123456789abc,
                                        .partition = 4095,
                                        .step = 70000,
                                        .master = 127,
                                        .column_count = LIMIT_REPLICATION_FACTOR,
                                        .writes = {{1, 2}},
                                        .full = {{3, 4}},
                                        .unsynced = {{5, 6}},
                                        .duplicates = {{9, 10}},
                                        .drop = {{7, 8}}};
    for (uint32_t i = 0; i < LIMIT_REPLICATION_FACTOR; i++) {
        message.column[i] = (uint8_t)(i * 8);
    }
    uint32_t size = partition_message_encode(&message, bytes);
    assert_true(size <= PARTITION_MESSAGE_SIZE_MAX);
    assert_int_equal(partition_message_decode(bytes, size, &out), RESULT_OK);
    assert_memory_equal(&out, &message, sizeof out);
    for (uint32_t cut = 0; cut < size; cut++) {
        assert_int_equal(partition_message_decode(bytes, cut, &out), RESULT_MALFORMED);
    }
    static const struct {
        uint32_t at;
        uint8_t value;
    } wrong[] = {{9, 0x10}, {16, 0}, {16, 4}, {17, 128}, {18, 17}, {19, 1}, {100, 128}};
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t kept = bytes[wrong[i].at];
        bytes[wrong[i].at] = wrong[i].value;
        assert_int_equal(partition_message_decode(bytes, size, &out), RESULT_MALFORMED);
        bytes[wrong[i].at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_served_before_all_have_told),
        cmocka_unit_test(a_lone_node_has_its_plan_at_once),
        cmocka_unit_test(exchanges_are_sent_again_until_answered),
        cmocka_unit_test(the_exchange_stays_what_it_was_at_the_view),
        cmocka_unit_test(what_a_copy_is_outlives_a_view_without_a_plan),
        cmocka_unit_test(all_messages_of_other_views_are_ignored),
        cmocka_unit_test(plans_follow_from_what_members_have),
        cmocka_unit_test(all_members_make_the_same_plan),
        cmocka_unit_test(a_copy_that_takes_writes_and_has_records_of_its_own_stands_alone),
        cmocka_unit_test(a_node_without_the_namespace_takes_no_part),
        cmocka_unit_test(a_leaving_node_masters_nothing_that_another_has),
        cmocka_unit_test(who_was_away_is_not_asked_but_brought_up_to_date),
        cmocka_unit_test(a_copy_becomes_full_then_others_drop_and_all_holders_know),
        cmocka_unit_test(announcements_are_sent_again_until_acknowledged),
        cmocka_unit_test(mastership_is_handed_over_when_nothing_is_in_flight),
        cmocka_unit_test(who_is_handed_mastership_tells_all_and_has_the_others_drop),
        cmocka_unit_test(a_lost_partition_is_full_again_when_all_that_is_left_is_together),
        cmocka_unit_test(syncs_run_so_many_at_a_time_and_duplicates_first),
        cmocka_unit_test(a_long_list_of_effects_comes_in_pieces),
        cmocka_unit_test(a_follower_that_is_told_to_drop_drops_once_and_says_so),
        cmocka_unit_test(a_follower_listens_to_the_master_alone),
        cmocka_unit_test(nonsense_of_members_breaks_nothing),
        cmocka_unit_test(exchanges_survive_their_bytes),
        cmocka_unit_test(messages_survive_their_bytes),
    };
    return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
