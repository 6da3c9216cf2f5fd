// SPDX-License-Identifier: Apache-2.0
// Which of two versions wins: a table of pairs, and that whatever the pair, one wins and the same
// one from both sides.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/replication/replication.h"

// The first wins by generation and by time as told: 1 yes, -1 no, 0 they are the same.
static const struct {
    const char *name;
    struct replication_version a, b;
    int by_generation, by_time;
} pairs[] = {
    {"nothing is like nothing", {.exists = false}, {.exists = false}, 0, 0},
    {"nothing loses against the oldest",
     {.exists = false, .last_update_ms = 9, .generation = 9},
     {.exists = true, .last_update_ms = 1, .generation = 1},
     -1,
     -1},
    {"the same version",
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 8},
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 8},
     0,
     0},
    {"the checksum decides at last",
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 9},
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 8},
     1,
     1},
    {"more writes, but earlier ones",
     {.exists = true, .last_update_ms = 5, .generation = 3},
     {.exists = true, .last_update_ms = 6, .generation = 2},
     1,
     -1},
    {"equal generations are told apart by time",
     {.exists = true, .last_update_ms = 6, .generation = 2, .checksum = 1},
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 2},
     1,
     1},
    {"equal times are told apart by generation",
     {.exists = true, .last_update_ms = 5, .generation = 3, .checksum = 1},
     {.exists = true, .last_update_ms = 5, .generation = 2, .checksum = 2},
     1,
     1},
    {"1 follows 65535",
     {.exists = true, .last_update_ms = 5, .generation = 1},
     {.exists = true, .last_update_ms = 5, .generation = 65535},
     1,
     1},
    {"half way round the circle",
     {.exists = true, .last_update_ms = 5, .generation = 32768},
     {.exists = true, .last_update_ms = 5, .generation = 1},
     1,
     1},
    {"a little more than half way",
     {.exists = true, .last_update_ms = 5, .generation = 32769},
     {.exists = true, .last_update_ms = 5, .generation = 1},
     -1,
     -1},
    {"made again after a delete",
     {.exists = true, .last_update_ms = 6, .generation = 1, .life = 1},
     {.exists = true, .last_update_ms = 5, .generation = 700, .life = 0},
     1,
     1},
    {"made again in the millisecond of the delete",
     {.exists = true, .last_update_ms = 5, .generation = 1, .life = 1},
     {.exists = true, .last_update_ms = 5, .generation = 700, .life = 0},
     1,
     1},
    {"life 0 follows life 63",
     {.exists = true, .last_update_ms = 6, .generation = 1, .life = 0},
     {.exists = true, .last_update_ms = 5, .generation = 700, .life = 63},
     1,
     1},
    {"made again after it expired",
     {.exists = true, .last_update_ms = 10000, .generation = 1},
     {.exists = true, .last_update_ms = 1000, .generation = 700, .void_time_s = 10},
     1,
     1},
    {"an expired one was the last word while it lived",
     {.exists = true, .last_update_ms = 9999, .generation = 1},
     {.exists = true, .last_update_ms = 1000, .generation = 700, .void_time_s = 10},
     -1,
     1},
    {"an expired one wins against what it replaced",
     {.exists = true, .last_update_ms = 2000, .generation = 2, .void_time_s = 10},
     {.exists = true, .last_update_ms = 1000, .generation = 1},
     1,
     1},
};

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void assert_order(const char *name, const struct replication_version *a,
                         const struct replication_version *b, enum replication_policy policy,
                         int expected)
{
    if (sign(replication_compare(a, b, policy)) != expected ||
        sign(replication_compare(b, a, policy)) != -expected) {
        fail_msg("%s, policy %d", name, (int)policy);
    }
}

static void each_pair_has_its_winner(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_order(pairs[i].name, &pairs[i].a, &pairs[i].b, REPLICATION_BY_GENERATION,
                     pairs[i].by_generation);
        assert_order(pairs[i].name, &pairs[i].a, &pairs[i].b, REPLICATION_BY_LAST_UPDATE_TIME,
                     pairs[i].by_time);
    }
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(*state >> 33) % limit;
}

static struct replication_version version_random(uint64_t *random)
{
    static const uint16_t generations[] = {0, 1, 2, 3, 32767, 32768, 32769, 65534, 65535};
    return (struct replication_version){
        .exists = random_below(random, 8) != 0,
        .last_update_ms = random_below(random, 4) * 1000,
        .void_time_s = random_below(random, 4),
        .generation = generations[random_below(random, 9)],
        .life =
            (uint8_t)(random_below(random, 3) == 0 ? random_below(random, REPLICATION_LIVES) : 0),
        .checksum = random_below(random, 3),
    };
}

static bool is_same(const struct replication_version *a, const struct replication_version *b)
{
    // Generation 0 stands where 65535 does; no record of ours has it.
    return a->exists == b->exists &&
           (!a->exists ||
            (a->last_update_ms == b->last_update_ms && a->life == b->life &&
             a->generation % 65535 == b->generation % 65535 && a->checksum == b->checksum));
}

static void one_of_two_wins_and_the_same_from_both_sides(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t i = 0; i < 300000; i++) {
        struct replication_version a = version_random(&random), b = version_random(&random);
        for (enum replication_policy policy = REPLICATION_BY_GENERATION;
             policy <= REPLICATION_BY_LAST_UPDATE_TIME; policy++) {
            int order = replication_compare(&a, &b, policy);
            assert_int_equal(sign(order), -sign(replication_compare(&b, &a, policy)));
            assert_int_equal(order == 0, is_same(&a, &b));
        }
    }
}

// What one node does to one record, one write after the other, never goes backwards.
static void versions_of_one_lineage_only_grow(void **state)
{
    (void)state;
    uint64_t random = 2;
    struct replication_version version = {.exists = true, .last_update_ms = 1, .generation = 1};
    bool tombstone = false;
    for (uint32_t i = 0; i < 300000; i++) {
        struct replication_version next = version;
        next.last_update_ms += random_below(&random, 2);
        next.checksum = random_below(&random, 1000);
        if (tombstone) {
            next.generation = 1;
            next.life = (uint8_t)((version.life + 1) % REPLICATION_LIVES);
            tombstone = false;
        } else {
            next.generation = version.generation == 65535 ? 1 : version.generation + 1;
            tombstone = random_below(&random, 4) == 0;
        }
        assert_order("growth", &next, &version, REPLICATION_BY_GENERATION, 1);
        assert_order("growth", &next, &version, REPLICATION_BY_LAST_UPDATE_TIME, 1);
        version = next;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_has_its_winner),
        cmocka_unit_test(one_of_two_wins_and_the_same_from_both_sides),
        cmocka_unit_test(versions_of_one_lineage_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
