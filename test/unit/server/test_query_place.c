// SPDX-License-Identifier: Apache-2.0
// Scans in a cluster: what this node may read, what it waits for, and what it tells the client to
// get elsewhere, so that each record comes once whatever moves.
#include <pthread.h>

#include "cluster/replica.h"
#include "query_fixture.h"

enum { READ = WIRE_INFO1_READ, COUNT = 3000 };

static const struct place master = {.role = PLACE_MASTER, .master = PLACE_SELF, .full = true};
static const struct place replica = {.role = PLACE_REPLICA, .master = 1, .full = true};
static const struct place part = {.role = PLACE_REPLICA, .master = 1};
static const struct place nothing = {.role = PLACE_NONE, .master = 1};

// Places partitions from `begin` up to, not including, `end` in a view.
static void place(struct query_fixture *f, uint32_t begin, uint32_t end, struct place what,
                  uint64_t key)
{
    what.key = key;
    for (uint32_t p = begin; p < end; p++) {
        replica_place_set(f->ns->replica, p, &what);
    }
}

static uint16_t all_partitions[LIMIT_PARTITIONS];

static int setup_places(void **state)
{
    for (uint16_t p = 0; p < LIMIT_PARTITIONS; p++) {
        all_partitions[p] = p;
    }
    return query_setup(state);
}

static struct query_ask ask_all(void)
{
    return (struct query_ask){
        .info1 = READ, .partitions = all_partitions, .partition_count = LIMIT_PARTITIONS};
}

static uint32_t records_in(uint32_t begin, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t digest[LIMIT_DIGEST_SIZE];
        query_digest(i, digest);
        uint32_t p = base_digest_partition(digest);
        count += p >= begin && p < end;
    }
    return count;
}

static void assert_all_once(const struct query_answer *a)
{
    assert_int_equal(a->count, COUNT);
    bool *seen = calloc(COUNT, sizeof *seen);
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t id = query_id(a->digests[i]);
        assert_true(id < COUNT && !seen[id]);
        seen[id] = true;
    }
    free(seen);
}

static void partitions_of_others_are_told_to_who_asks_for_them(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, COUNT, (struct query_record){0});
    place(f, 0, LIMIT_PARTITIONS, master, 7);
    place(f, 1000, 1500, nothing, 7);
    place(f, 1500, 2000, part, 7);
    uint32_t here = COUNT - records_in(1000, 2000);
    int fd = query_connect(f);
    struct query_answer a = query_run(fd, ask_all());
    assert_int_equal(a.code, RESULT_OK);
    assert_int_equal(a.count, here);
    assert_int_equal(a.refused_count, 1000);
    assert_int_equal(a.done_count, LIMIT_PARTITIONS - 1000);
    for (uint16_t i = 0; i < 1000; i++) {
        assert_int_equal(a.refused[i], 1000 + i);
    }
    query_answer_free(&a);
    // Who asks for whatever is here asks the others for theirs.
    a = query_run(fd, (struct query_ask){.info1 = READ});
    assert_int_equal(a.count, here);
    assert_int_equal(a.refused_count, 0);
    query_answer_free(&a);
    close(fd);
}

static void a_full_replica_is_read_by_who_asks_for_it(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, COUNT, (struct query_record){0});
    place(f, 0, LIMIT_PARTITIONS, master, 7);
    place(f, 0, 2000, replica, 7);
    int fd = query_connect(f);
    struct query_answer a = query_run(fd, ask_all());
    assert_all_once(&a);
    assert_int_equal(a.refused_count, 0);
    query_answer_free(&a);
    a = query_run(fd, (struct query_ask){.info1 = READ});
    assert_int_equal(a.count, COUNT - records_in(0, 2000));
    query_answer_free(&a);
    close(fd);
}

static void what_is_not_ready_is_waited_for_and_read_last(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, COUNT, (struct query_record){0});
    struct place unmerged = master;
    node_set_add(&unmerged.duplicates, 2);
    place(f, 0, LIMIT_PARTITIONS, master, 7);
    place(f, 0, 500, unmerged, 7);
    place(f, 500, 1000, master, 0); // frozen
    int fd = query_connect(f);
    struct query_ask ask = ask_all();
    ask.task_id = 5;
    query_send(fd, ask);
    query_wait_count(f, 5, COUNT - records_in(0, 1000));
    place(f, 0, 1000, master, 8);
    struct query_answer a = query_receive(fd);
    assert_all_once(&a);
    assert_int_equal(a.refused_count, 0);
    assert_int_equal(a.done_count, LIMIT_PARTITIONS);
    query_answer_free(&a);
    close(fd);
}

static void what_does_not_become_ready_is_told_before_the_client_loses_patience(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, COUNT, (struct query_record){0});
    struct place unmerged = replica;
    node_set_add(&unmerged.duplicates, 2);
    place(f, 0, LIMIT_PARTITIONS, master, 7);
    place(f, 100, 110, master, 0);
    place(f, 200, 205, unmerged, 7);
    int fd = query_connect(f);
    struct query_ask ask = ask_all();
    ask.socket_timeout_ms = 200;
    struct query_answer a = query_run(fd, ask);
    assert_int_equal(a.code, RESULT_OK);
    assert_int_equal(a.refused_count, 15);
    assert_int_equal(a.count, COUNT - records_in(100, 110) - records_in(200, 205));
    query_answer_free(&a);
    close(fd);
}

// What a client does with the answers: it goes on behind the last record of each partition that it
// was refused, at whoever has it.
static struct query_ask go_on(const struct query_answer *so_far, const struct query_answer *last,
                              uint8_t (*resume)[LIMIT_DIGEST_SIZE], uint16_t *fresh)
{
    struct query_ask ask = {.info1 = READ, .partitions = fresh, .resume = resume[0]};
    for (uint32_t i = 0; i < last->refused_count; i++) {
        const uint8_t *digest = NULL;
        for (uint32_t k = 0; k < so_far->count; k++) {
            if (base_digest_partition(so_far->digests[k]) == last->refused[i]) {
                digest = so_far->digests[k];
            }
        }
        if (digest != NULL) {
            memcpy(resume[ask.resume_count++], digest, LIMIT_DIGEST_SIZE);
        } else {
            fresh[ask.partition_count++] = last->refused[i];
        }
    }
    return ask;
}

static void a_partition_that_moves_while_it_is_read_is_read_on_elsewhere(void **state)
{
    struct query_fixture *f = *state;
    // Many records in few partitions, so that they move in the middle of one.
    for (uint32_t i = 0; i < COUNT; i++) {
        query_put_at(f, i, i % 3, (struct query_record){0});
    }
    static uint8_t resume[LIMIT_PARTITIONS][LIMIT_DIGEST_SIZE];
    static uint16_t fresh[LIMIT_PARTITIONS];
    place(f, 0, LIMIT_PARTITIONS, master, 7);
    int fd = query_connect(f);
    struct query_ask ask = ask_all();
    ask.task_id = 6;
    ask.records_per_second = 5000;
    query_send(fd, ask);
    query_wait_records(f, 6);
    place(f, 0, LIMIT_PARTITIONS, nothing, 8);
    struct query_answer all = query_receive(fd);
    assert_true(all.count > 0 && all.count < COUNT);
    assert_true(all.refused_count > 0);

    place(f, 0, LIMIT_PARTITIONS, master, 9); // as if this were the other node
    struct query_answer a = query_run(fd, go_on(&all, &all, resume, fresh));
    assert_int_equal(a.refused_count, 0);
    for (uint32_t i = 0; i < a.count; i++) {
        memcpy(all.digests[all.count++], a.digests[i], LIMIT_DIGEST_SIZE);
    }
    assert_all_once(&all);
    query_answer_free(&a);
    query_answer_free(&all);
    close(fd);
}

struct views {
    struct query_fixture *fixture;
    _Atomic bool stop;
};

enum { FEW = 200 }; // in one partition

// The partition comes and goes; while it is gone its copy is cleared and filled again.
static void *views_main(void *arg)
{
    struct views *views = arg;
    struct query_fixture *f = views->fixture;
    for (uint64_t key = 10; !atomic_load(&views->stop); key++) {
        place(f, 0, 1, nothing, key);
        store_partition_clear_step(f->ns->store, 0, FEW);
        for (uint32_t i = 0; i < FEW; i++) {
            query_put_at(f, i, 0, (struct query_record){0});
        }
        place(f, 0, 1, master, key + 1000000);
        for (uint64_t until_ns = io_clock_monotonic_ns() + 50 * 1000;
             io_clock_monotonic_ns() < until_ns;) {
        }
    }
    return NULL;
}

static void no_record_is_missed_though_the_copy_is_cleared_under_the_scan(void **state)
{
    struct query_fixture *f = *state;
    static uint8_t resume[LIMIT_PARTITIONS][LIMIT_DIGEST_SIZE];
    static uint16_t fresh[LIMIT_PARTITIONS];
    struct views views = {.fixture = f};
    place(f, 0, 1, nothing, 9);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, views_main, &views), 0);
    int fd = query_connect(f);
    for (int round = 0; round < 200; round++) {
        struct query_answer all = {.digests = calloc(QUERY_RECORDS_MAX, LIMIT_DIGEST_SIZE)};
        struct query_answer a = {.refused_count = 1, .refused = {0}};
        while (a.refused_count > 0) {
            struct query_ask ask = go_on(&all, &a, resume, fresh);
            query_answer_free(&a);
            a = query_run(fd, ask);
            assert_int_equal(a.code, RESULT_OK);
            for (uint32_t i = 0; i < a.count; i++) {
                memcpy(all.digests[all.count++], a.digests[i], LIMIT_DIGEST_SIZE);
            }
        }
        assert_int_equal(all.count, FEW);
        query_answer_free(&a);
        query_answer_free(&all);
    }
    atomic_store(&views.stop, true);
    pthread_join(thread, NULL);
    close(fd);
}

static void a_client_with_an_old_map_hears_of_the_new_master_when_it_can_know_it(void **state)
{
    struct query_fixture *f = *state;
    place(f, 0, LIMIT_PARTITIONS, nothing, 7);
    atomic_store(&f->ns->places_changed_ns, io_clock_monotonic_ns());
    int fd = query_connect(f);
    struct query_ask ask = ask_all();
    ask.total_timeout_ms = 400;
    uint64_t begin_ns = io_clock_monotonic_ns();
    assert_int_equal(query_code(fd, ask), RESULT_OK);
    assert_true(io_clock_monotonic_ns() - begin_ns >= 100 * 1000000ull);
    atomic_store(&f->ns->places_changed_ns, 1);
    ask.total_timeout_ms = QUERY_DEADLINE_MS;
    begin_ns = io_clock_monotonic_ns();
    assert_int_equal(query_code(fd, ask), RESULT_OK);
    assert_true(io_clock_monotonic_ns() - begin_ns < 1000 * 1000000ull);
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_places, query_teardown)
    const struct CMUnitTest tests[] = {
        CASE(partitions_of_others_are_told_to_who_asks_for_them),
        CASE(a_full_replica_is_read_by_who_asks_for_it),
        CASE(what_is_not_ready_is_waited_for_and_read_last),
        CASE(what_does_not_become_ready_is_told_before_the_client_loses_patience),
        CASE(a_partition_that_moves_while_it_is_read_is_read_on_elsewhere),
        CASE(no_record_is_missed_though_the_copy_is_cleared_under_the_scan),
        CASE(a_client_with_an_old_map_hears_of_the_new_master_when_it_can_know_it),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
