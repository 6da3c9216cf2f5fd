// SPDX-License-Identifier: Apache-2.0
// What goes without being asked for: expired records, the soonest to expire when memory is short,
// truncated ones. Time is given with the call; only the thread reads the clock.
#include "cluster/replica.h"
#include "query_fixture.h"
#include "server/expiry.h"

enum { NOW_S = 500 * 1000 * 1000 };

// A walker that goes on for ever, or gives up after so many pauses.
struct patience {
    struct counters *counters;
    int64_t pauses_left;
};

static bool pause_count(void *arg)
{
    struct patience *patience = arg;
    return patience->pauses_left-- > 0;
}

static int setup(void **state)
{
    static struct config_diag diag;
    struct query_fixture *f = calloc(1, sizeof *f);
    struct config *config;
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    assert_int_equal(node_new(config, &f->node), RESULT_OK);
    f->ns = &f->node->namespaces[0];
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct query_fixture *f = *state;
    node_free(&f->node);
    free(f);
    return 0;
}

static struct expiry_walker walker(struct query_fixture *f, struct patience *patience)
{
    *patience =
        (struct patience){.counters = node_counters_register(f->node), .pauses_left = INT64_MAX};
    assert_non_null(patience->counters);
    return (struct expiry_walker){
        .counters = &patience->counters->ns[0], .pause = pause_count, .arg = patience};
}

static uint64_t objects(struct query_fixture *f)
{
    struct store_stats stats;
    store_stats_sum(f->ns->store, &stats);
    return stats.object_count;
}

static bool exists(struct query_fixture *f, uint32_t id)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    struct store_cursor cursor;
    query_digest(id, digest);
    store_acquire(f->ns->store, digest, 1, &cursor); // at a time when nothing has expired
    bool found = cursor.record != NULL;
    store_release(&cursor);
    return found;
}

// Record number i expires at NOW_S + i.
static void fill_by_time(struct query_fixture *f, uint32_t from, uint32_t count, const char *set)
{
    for (uint32_t i = from; i < from + count; i++) {
        query_put(f, i, (struct query_record){.void_time_s = NOW_S + i, .set = set});
    }
}

// --- expiry ---

static void expired_records_are_removed_and_no_others(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 2000, "demo");
    query_fill(f, 5000, 100, (struct query_record){0});
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    assert_int_equal(objects(f), 2100);
    assert_true(expiry_cycle_run(f->ns, NOW_S + 500, &w));
    assert_int_equal(objects(f), 1600);
    assert_false(exists(f, 500));
    assert_true(exists(f, 501));
    assert_int_equal(atomic_load(&f->ns->non_expirable_objects), 100);
    assert_int_equal(atomic_load(&f->ns->nsup_cycle_deleted_permyriad), 500 * 10000 / 2100);
    assert_true(expiry_cycle_run(f->ns, UINT32_MAX, &w));
    assert_int_equal(objects(f), 100);
    query_expect_counter(f, expired_objects, 2000);
    query_expect_counter(f, evicted_objects, 0);
}

static void a_walk_can_be_given_up_between_slices(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 2000, NULL);
    patience.pauses_left = 10;
    assert_false(expiry_cycle_run(f->ns, UINT32_MAX, &w));
    assert_true(objects(f) > 1000);
    assert_true(objects(f) < 2000);
}

// --- eviction ---

static void eviction_takes_the_soonest_and_so_many_as_configured(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 2000, "demo");
    query_fill(f, 5000, 100, (struct query_record){0});
    atomic_store(&f->ns->config->evict_tenths_pct, 50); // 5 %
    atomic_store(&f->ns->hwm_breached, true);
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    query_expect_counter(f, evicted_objects, 100);
    for (uint32_t i = 1; i <= 2000; i++) {
        assert_int_equal(exists(f, i), i > 100);
    }
    assert_in_range(atomic_load(&f->ns->evict_void_time_s), NOW_S + 99, NOW_S + 101);
    assert_int_equal(objects(f), 2000);

    atomic_store(&f->ns->hwm_breached, false);
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    assert_int_equal(objects(f), 2000);
}

static void eviction_with_coarse_buckets_takes_no_more_than_configured(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    for (uint32_t i = 1; i <= 1000; i++) { // over ten years
        query_put(f, i, (struct query_record){.void_time_s = NOW_S + i * 300000});
    }
    atomic_store(&f->ns->config->evict_tenths_pct, 100);
    atomic_store(&f->ns->config->evict_hist_buckets, 100);
    atomic_store(&f->ns->hwm_breached, true);
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    query_expect_counter(f, evicted_objects, 100);
    for (uint32_t i = 150; i <= 1000; i++) { // what is at the border of a bucket may go either way
        assert_true(exists(f, i));
    }
}

static void eviction_makes_progress_with_few_records(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 3, NULL);
    atomic_store(&f->ns->hwm_breached, true);
    for (uint32_t left = 3; left > 0; left--) {
        assert_int_equal(objects(f), left);
        assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    }
    assert_int_equal(objects(f), 0);
}

static void sets_that_disable_eviction_are_spared(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 500, "spared");
    fill_by_time(f, 1000, 500, "other");
    struct store_set *set =
        store_set_find(f->ns->store, (struct base_slice){(const uint8_t *)"spared", 6});
    atomic_store(&set->disable_eviction, true);
    atomic_store(&f->ns->config->evict_tenths_pct, 1000);
    atomic_store(&f->ns->hwm_breached, true);
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    assert_int_equal(objects(f), 500);
    assert_true(exists(f, 1));
    // Expiry spares nobody.
    assert_true(expiry_cycle_run(f->ns, UINT32_MAX, &w));
    assert_int_equal(objects(f), 0);
}

// --- truncation ---

static void truncated_records_are_removed_and_expired_ones_left(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    query_fill(f, 0, 500, (struct query_record){.set = "cut"});
    query_fill(f, 1000, 500, (struct query_record){.set = "other", .void_time_s = 1});
    struct store_set *set =
        store_set_find(f->ns->store, (struct base_slice){(const uint8_t *)"cut", 3});
    store_truncate(f->ns->store, set, io_clock_epoch_ms() + 1000);
    atomic_fetch_add(&f->ns->truncations, 1);
    atomic_store(&f->ns->truncating, true);

    patience.pauses_left = 2;
    assert_false(expiry_truncation_run(f->ns, &w));
    assert_true(atomic_load(&f->ns->truncating));
    patience.pauses_left = INT64_MAX;
    assert_true(expiry_truncation_run(f->ns, &w));
    assert_false(atomic_load(&f->ns->truncating));
    assert_int_equal(objects(f), 500);
    assert_int_equal(atomic_load(&set->object_count), 0);
}

static bool truncate_again(void *arg)
{
    struct namespace *ns = arg;
    atomic_fetch_add(&ns->truncations, 1);
    atomic_store(&ns->truncating, true);
    return true;
}

static uint64_t tombstones(struct query_fixture *f)
{
    struct store_stats stats;
    store_stats_sum(f->ns->store, &stats);
    return stats.tombstone_count;
}

static void roles_set(struct query_fixture *f, enum place_role role)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct place place;
        replica_place_copy(f->ns->replica, p, &place);
        place.role = (uint8_t)role;
        replica_place_set(f->ns->replica, p, &place);
    }
}

static void tombstones_go_by_age_and_role_alone(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    query_fill(f, 1000, 50, (struct query_record){.void_time_s = NOW_S + 10});
    for (uint32_t i = 1; i <= 300; i++) {
        query_bury(f, i, i % 2 == 0 ? "demo" : NULL, 1000 * i);
    }
    uint64_t removed;
    const struct expiry_ages ages = {.replica_ms = 10000, .master_ms = 40000}, none = {0};
    assert_true(expiry_cycle_run(f->ns, NOW_S, &w));
    assert_true(expiry_truncation_run(f->ns, &w));
    assert_int_equal(tombstones(f), 300);
    assert_int_equal(atomic_load(&f->ns->non_expirable_objects), 0);
    assert_true(expiry_tombstones_run(f->ns, 5000, &ages, &w, &removed)); // no such age yet
    assert_int_equal(removed, 0);
    roles_set(f, PLACE_MASTER);
    assert_true(expiry_tombstones_run(f->ns, 110000, &ages, &w, &removed));
    assert_int_equal(removed, 70);
    roles_set(f, PLACE_REPLICA); // which forgets sooner than the master
    assert_true(expiry_tombstones_run(f->ns, 110000, &ages, &w, &removed));
    assert_int_equal(removed, 30);
    assert_int_equal(tombstones(f), 200);
    patience.pauses_left = 3;
    assert_false(expiry_tombstones_run(f->ns, 1000000, &none, &w, &removed));
    patience.pauses_left = INT64_MAX;
    assert_true(expiry_tombstones_run(f->ns, 1000000, &none, &w, &removed));
    assert_int_equal(tombstones(f), 0);
    assert_int_equal(objects(f), 50);
}

static void truncated_tombstones_are_removed(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    for (uint32_t i = 1; i <= 300; i++) {
        query_bury(f, i, NULL, 1000 * i);
    }
    store_truncate(f->ns->store, NULL, 200 * 1000);
    assert_true(expiry_truncation_run(f->ns, &w));
    assert_int_equal(tombstones(f), 101);
}

static bool has_no_tombstones(void *arg)
{
    return tombstones(arg) == 0;
}

static void a_node_that_was_always_alone_needs_no_tombstones(void **state)
{
    struct query_fixture *f = *state;
    struct expiry *expiry;
    query_bury(f, 1, NULL, io_clock_epoch_ms());
    assert_int_equal(expiry_start(f->node, &expiry), RESULT_OK);
    query_until("tombstones are gone", has_no_tombstones, f);
    expiry_stop(&expiry);
}

static void a_truncation_during_the_walk_asks_for_another_one(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    w.pause = truncate_again;
    w.arg = f->ns;
    atomic_store(&f->ns->truncating, true);
    assert_true(expiry_truncation_run(f->ns, &w));
    assert_true(atomic_load(&f->ns->truncating));
}

// --- limits ---

static void limits_follow_what_is_used(void **state)
{
    struct query_fixture *f = *state;
    struct config_namespace *config = f->ns->config;
    query_fill(f, 0, 1000, (struct query_record){.value_size = 100});
    uint64_t used = store_data_used_bytes(f->ns->store);
    struct store_stats stats;
    store_stats_sum(f->ns->store, &stats);
    const struct {
        uint64_t data_size;
        uint32_t stop_pct, evict_pct, system_pct, memory_pct;
        uint64_t budget;
        uint32_t evict_index_pct;
        bool stop, breached;
    } cases[] = {
        {used * 4, 90, 50, 90, 10, 0, 0, false, false},
        {used * 4, 90, 20, 90, 10, 0, 0, false, true},
        {used, 90, 50, 90, 10, 0, 0, true, true},
        {used, 0, 0, 90, 10, 0, 0, false, false}, // both off
        {used * 4, 90, 0, 90, 90, 0, 0, true, false},
        {used * 4, 90, 0, 0, 100, 0, 0, false, false}, // off
        {used * 4, 90, 0, 90, 10, stats.index_used_bytes, 0, true, false},
        {used * 4, 90, 0, 90, 10, stats.index_used_bytes * 2, 40, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        atomic_store(&config->data_size, cases[i].data_size);
        atomic_store(&config->stop_writes_used_pct, cases[i].stop_pct);
        atomic_store(&config->evict_used_pct, cases[i].evict_pct);
        atomic_store(&config->stop_writes_sys_memory_pct, cases[i].system_pct);
        atomic_store(&config->indexes_memory_budget, cases[i].budget);
        atomic_store(&config->evict_indexes_memory_pct, cases[i].evict_index_pct);
        expiry_limits_check(f->ns, cases[i].memory_pct);
        assert_int_equal(atomic_load(&f->ns->stop_writes), cases[i].stop);
        assert_int_equal(atomic_load(&f->ns->hwm_breached), cases[i].breached);
        uint64_t limit = cases[i].stop_pct == 0
                             ? 0
                             : cases[i].data_size / 100 * cases[i].stop_pct +
                                   cases[i].data_size % 100 * cases[i].stop_pct / 100;
        assert_int_equal(atomic_load(&f->ns->data_limit_bytes), limit);
    }
}

// --- distribution ---

static void records_are_counted_by_time_to_live_and_size(void **state)
{
    struct query_fixture *f = *state;
    struct patience patience;
    struct expiry_walker w = walker(f, &patience);
    fill_by_time(f, 1, 100, NULL);
    query_put(f, 500, (struct query_record){.void_time_s = NOW_S + 10000});
    query_put(f, 501, (struct query_record){.void_time_s = NOW_S - 1}); // dead
    query_put(f, 502, (struct query_record){.value_size = 200 * 1024});
    query_put(f, 503, (struct query_record){.value_size = 5000});
    struct expiry_distribution *d = calloc(1, sizeof *d);
    assert_true(expiry_distribution_measure(f->ns, NOW_S, &w, d));
    assert_int_equal(d->ttl_bucket_width_s, 128);
    assert_int_equal(d->ttl[0], 100);
    assert_int_equal(d->ttl[10000 / 128], 1);
    assert_int_equal(d->size[0], 101);
    assert_int_equal(d->size[4], 1);
    assert_int_equal(d->size[EXPIRY_SIZE_BUCKETS - 1], 1);
    assert_int_equal(d->log_size[13], 1); // 4096 up to 8192
    assert_int_equal(d->log_size[18], 1); // 128 k up to 256 k
    free(d);
}

// --- the thread ---

static bool is_empty(void *arg)
{
    return objects(arg) == 0;
}

static bool has_measured(void *arg)
{
    struct query_fixture *f = arg;
    struct expiry_distribution d;
    return expiry_distribution_copy(f->node->expiry, 0, &d) && d.size[0] == 10;
}

static bool has_stopped_writes(void *arg)
{
    struct query_fixture *f = arg;
    return atomic_load(&f->ns->stop_writes);
}

static void the_thread_notices_what_changes(void **state)
{
    struct query_fixture *f = *state;
    struct config_namespace *config = f->ns->config;
    atomic_store(&config->nsup_period_s, 0);
    query_fill(f, 0, 10, (struct query_record){.value_size = 10});
    struct expiry *expiry;
    assert_int_equal(expiry_start(f->node, &expiry), RESULT_OK);
    assert_ptr_equal(expiry, f->node->expiry);
    query_until("the distribution is measured", has_measured, f);

    atomic_store(&config->data_size, 100);
    expiry_wake(expiry);
    query_until("writes stop", has_stopped_writes, f);

    store_truncate(f->ns->store, NULL, io_clock_epoch_ms() + 1000);
    atomic_fetch_add(&f->ns->truncations, 1);
    atomic_store(&f->ns->truncating, true);
    expiry_wake(expiry);
    query_until("truncated records are gone", is_empty, f);

    // A period that is set while it runs is noticed.
    for (uint32_t i = 0; i < 10; i++) {
        query_put(f, i, (struct query_record){.void_time_s = 1});
    }
    atomic_store(&config->nsup_period_s, 1);
    query_until("expired records are gone", is_empty, f);
    expiry_stop(&expiry);
    assert_null(expiry);
    assert_null(f->node->expiry);
    query_expect_counter(f, expired_objects, 10);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(expired_records_are_removed_and_no_others),
        CASE(a_walk_can_be_given_up_between_slices),
        CASE(eviction_takes_the_soonest_and_so_many_as_configured),
        CASE(eviction_with_coarse_buckets_takes_no_more_than_configured),
        CASE(eviction_makes_progress_with_few_records),
        CASE(sets_that_disable_eviction_are_spared),
        CASE(truncated_records_are_removed_and_expired_ones_left),
        CASE(tombstones_go_by_age_and_role_alone),
        CASE(truncated_tombstones_are_removed),
        CASE(a_node_that_was_always_alone_needs_no_tombstones),
        CASE(a_truncation_during_the_walk_asks_for_another_one),
        CASE(limits_follow_what_is_used),
        CASE(records_are_counted_by_time_to_live_and_size),
        CASE(the_thread_notices_what_changes),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
