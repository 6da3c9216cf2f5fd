// SPDX-License-Identifier: Apache-2.0
// The thread that moves records, between two nodes of one process; the places are set by hand.
#include <sched.h>
#include <string.h>

#include "fabric_fixture.h"
#include "server/migrations.h"

enum { KEY = 4711, RECORDS = 2000, PARTITION = 5 };

struct fixture {
    struct node *node[2];
    uint8_t peer[2]; // the number of the other one
    _Atomic uint32_t synced;
};

static void on_synced(void *arg, const struct cluster_sync_order *order)
{
    struct fixture *f = arg;
    assert_int_equal(order->key, KEY);
    atomic_fetch_add(&f->synced, 1);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->node[0] = fabric_fixture_node("test", "A1", "c");
    f->node[1] = fabric_fixture_node("test", "B2", "c");
    for (uint32_t i = 0; i < 2; i++) {
        f->peer[i] =
            fabric_fixture_introduce(f->node[i], f->node[!i], fabric_port(f->node[!i]->fabric));
        struct migrations *unused;
        assert_int_equal(migrations_start(f->node[i], &unused), RESULT_OK);
    }
    migrations_ears_set(f->node[0]->migrations,
                        &(struct migrations_ears){.arg = f, .synced = on_synced});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < 2; i++) {
        migrations_stop(&f->node[i]->migrations);
    }
    for (uint32_t i = 0; i < 2; i++) {
        fabric_fixture_node_end(&f->node[i]);
    }
    free(f);
    return 0;
}

// Node 0 masters the partitions, node 1 takes the writes.
static void places_set(struct fixture *f, uint64_t key)
{
    struct place place = {.key = key, .lineage = key, .role = PLACE_MASTER, .full = true};
    node_set_add(&place.writes, f->peer[0]);
    struct place other = {.key = key, .lineage = key, .master = f->peer[1], .role = PLACE_REPLICA};
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        replica_place_set(f->node[0]->namespaces[0].replica, p, &place);
        replica_place_set(f->node[1]->namespaces[0].replica, p, &other);
    }
}

static void record_put(struct node *node, uint32_t partition, uint32_t id, uint64_t last_update_ms)
{
    uint8_t digest[LIMIT_DIGEST_SIZE] = {(uint8_t)partition, (uint8_t)(partition >> 8)};
    for (uint32_t i = 2; i < LIMIT_DIGEST_SIZE; i++) {
        digest[i] = (uint8_t)(id * 2654435761U >> (i % 4 * 8)) ^ (uint8_t)(id >> i % 3);
    }
    uint8_t value[50];
    memset(value, (int)id, sizeof value);
    struct store_bin bin = {
        .name = (const uint8_t *)"v", .name_size = 1, .type = 4, .value = value, .value_size = 50};
    struct store_draft draft = {.digest = digest,
                                .last_update_ms = last_update_ms,
                                .generation = 1,
                                .bin_count = 1,
                                .bins = &bin};
    struct store_cursor cursor;
    store_acquire(node->namespaces[0].store, digest, 0, &cursor);
    assert_int_equal(store_put(&cursor, &draft), RESULT_OK);
    store_release(&cursor);
}

static void order(struct fixture *f, uint32_t partition, bool fill)
{
    struct cluster_sync_order wanted = {
        .partition = partition, .key = KEY, .peer = f->peer[0], .fill = fill, .to_writes = true};
    node_set_add(&wanted.writes, f->peer[0]);
    migrations_order(f->node[0]->migrations, &wanted);
}

static void until_synced(struct fixture *f, uint32_t count)
{
    uint64_t end_ns = io_clock_monotonic_ns() + FABRIC_DEADLINE_MS * UINT64_C(1000000);
    while (atomic_load(&f->synced) < count) {
        assert_true(io_clock_monotonic_ns() < end_ns);
        sched_yield();
    }
}

static void assert_equal_copies(struct fixture *f, uint32_t partition, uint32_t records)
{
    struct store_summary a, b;
    store_partition_summary(f->node[0]->namespaces[0].store, partition, &a);
    store_partition_summary(f->node[1]->namespaces[0].store, partition, &b);
    assert_int_equal(a.record_count, records);
    assert_int_equal(b.record_count, records);
    assert_true(a.sum == b.sum);
}

static void a_fill_brings_every_record(void **state)
{
    struct fixture *f = *state;
    places_set(f, KEY);
    for (uint32_t i = 0; i < RECORDS; i++) {
        record_put(f->node[0], PARTITION, i, 1000);
    }
    order(f, PARTITION, true);
    until_synced(f, 1);
    assert_equal_copies(f, PARTITION, RECORDS);
    struct migrations_totals totals;
    migrations_totals(f->node[1]->migrations, 0, &totals);
    assert_true(totals.records_received >= RECORDS); // what was slow to be answered came twice
}

static void copies_that_differ_both_ways_become_one(void **state)
{
    struct fixture *f = *state;
    places_set(f, KEY);
    for (uint32_t i = 0; i < RECORDS; i++) {
        record_put(f->node[0], PARTITION, i, 1000);
        record_put(f->node[1], PARTITION, i, i % 7 == 0 ? 2000 : i % 5 == 0 ? 500 : 1000);
        record_put(f->node[i % 2], PARTITION, RECORDS + i, 1000);
    }
    order(f, PARTITION, false);
    until_synced(f, 1);
    assert_equal_copies(f, PARTITION, 2 * RECORDS);
}

static void many_partitions_take_turns(void **state)
{
    struct fixture *f = *state;
    places_set(f, KEY);
    for (uint32_t p = 0; p < 200; p++) {
        for (uint32_t i = 0; i < 10; i++) {
            record_put(f->node[0], p, i, 1000);
        }
        order(f, p, true);
    }
    until_synced(f, 200);
    for (uint32_t p = 0; p < 200; p++) {
        assert_equal_copies(f, p, 10);
    }
}

static void orders_of_a_view_that_is_over_are_dropped(void **state)
{
    struct fixture *f = *state;
    places_set(f, KEY + 1);
    record_put(f->node[0], PARTITION, 1, 1000);
    order(f, PARTITION, true);
    uint64_t end_ns = io_clock_monotonic_ns() + FABRIC_DEADLINE_MS * UINT64_C(1000000);
    struct migrations_totals totals;
    do {
        assert_true(io_clock_monotonic_ns() < end_ns);
        migrations_totals(f->node[0]->migrations, 0, &totals);
    } while (totals.waiting + totals.active > 0);
    migrations_forget(f->node[0]->migrations, 0);
    assert_int_equal(atomic_load(&f->synced), 0);
    assert_int_equal(store_object_count(f->node[1]->namespaces[0].store, PARTITION), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fill_brings_every_record, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_that_differ_both_ways_become_one, setup, teardown),
        cmocka_unit_test_setup_teardown(many_partitions_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(orders_of_a_view_that_is_over_are_dropped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
