// SPDX-License-Identifier: Apache-2.0
// Foreground queries: each record that is there throughout comes exactly once, whatever is asked
// for and whatever else happens; nobody waits for a client that does not read.
#include <pthread.h>

#include "query_fixture.h"

static const uint8_t READ = WIRE_INFO1_READ;

// Fails unless the answer has each of the ids from `from` exactly once.
static void expect_once(const struct query_answer *answer, uint32_t from, uint32_t count)
{
    uint8_t *seen = calloc(1, count);
    for (uint32_t i = 0; i < answer->count; i++) {
        uint32_t id = query_id(answer->digests[i]);
        if (id >= from && id < from + count) {
            seen[id - from]++;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(seen[i], 1);
    }
    free(seen);
}

static void expect_codes(struct query_fixture *f, struct query_ask ask, uint8_t code)
{
    int fd = query_connect(f);
    assert_int_equal(query_code(fd, ask), code);
    assert_int_equal(query_code(fd, (struct query_ask){.info1 = READ}), RESULT_OK); // it lives on
    close(fd);
}

static void each_record_comes_once_in_groups_of_bounded_size(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 5000, (struct query_record){.set = "demo", .value_size = 200});
    int fd = query_connect(f);
    struct query_answer a =
        query_run(fd, (struct query_ask){.info1 = READ, .info3 = WIRE_INFO3_PARTITION_DONE});
    assert_int_equal(a.code, RESULT_OK);
    assert_int_equal(a.count, 5000);
    assert_int_equal(a.done_count, 0);
    expect_once(&a, 0, 5000);
    assert_true(a.frame_count > 5);
    assert_true(a.frame_size_max <= 256 * 1024);
    query_expect_counter(f, pi_query_long_basic_complete, 1);
    query_answer_free(&a);
    close(fd);
}

static void a_record_comes_with_what_it_has(void **state)
{
    struct query_fixture *f = *state;
    uint32_t void_time_s = io_clock_epoch_s() + 1000;
    query_put(f, 1, (struct query_record){.set = "demo", .key = true, .void_time_s = void_time_s});
    int fd = query_connect(f);
    struct query_ask ask = {.info1 = READ, .info3 = WIRE_INFO3_PARTITION_DONE};
    struct query_answer a = query_run(fd, ask);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.field_count, 4); // namespace, set, digest, key
    assert_int_equal(a.op_count, 2);
    assert_int_equal(a.generation, 1);
    assert_int_equal(a.void_time_s, void_time_s);
    query_answer_free(&a);

    query_put(f, 1, (struct query_record){0}); // neither set nor key
    a = query_run(fd, ask);
    assert_int_equal(a.field_count, 2);
    query_answer_free(&a);
    close(fd);
}

static void bins_can_be_selected_or_left_out(void **state)
{
    struct query_fixture *f = *state;
    query_put(f, 1, (struct query_record){.value_size = 10});
    int fd = query_connect(f);
    static const struct {
        struct query_ask ask;
        uint16_t op_count;
    } cases[] = {
        {{.info1 = READ}, 2},
        {{.info1 = READ | WIRE_INFO1_GET_ALL}, 2},
        {{.info1 = READ | WIRE_INFO1_NO_BIN_DATA}, 0},
        {{.info1 = READ, .bins = {"i"}}, 1},
        {{.info1 = READ, .bins = {"i", "none", "s"}}, 2},
        {{.info1 = READ, .bins = {"none"}}, 0},
        {{.info1 = READ, .bins = {""}}, 2},
        {{.info1 = READ, .info2 = WIRE_INFO2_RESPOND_ALL_OPS, .bins = {"i", "none", "s"}}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_answer a = query_run(fd, cases[i].ask);
        assert_int_equal(a.count, 1);
        assert_int_equal(a.op_count, cases[i].op_count);
        query_answer_free(&a);
    }
    close(fd);
}

static void a_set_is_scanned_alone(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 300, (struct query_record){.set = "a"});
    query_fill(f, 1000, 200, (struct query_record){.set = "ab"});
    query_fill(f, 2000, 100, (struct query_record){0});
    int fd = query_connect(f);
    struct query_answer a = query_run(fd, (struct query_ask){.info1 = READ, .set = "a"});
    assert_int_equal(a.count, 300);
    expect_once(&a, 0, 300);
    query_answer_free(&a);
    a = query_run(fd, (struct query_ask){.info1 = READ, .set = ""});
    assert_int_equal(a.count, 600);
    query_answer_free(&a);
    a = query_run(fd, (struct query_ask){.info1 = READ, .set = "nothing"});
    assert_int_equal(a.code, RESULT_OK);
    assert_int_equal(a.count, 0);
    query_answer_free(&a);
    close(fd);
}

static void dead_records_are_left_out(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 100, (struct query_record){.set = "live"});
    query_fill(f, 1000, 100, (struct query_record){.void_time_s = io_clock_epoch_s() - 1});
    query_fill(f, 2000, 100, (struct query_record){.set = "cut"});
    struct store_set *set =
        store_set_find(f->ns->store, (struct base_slice){(const uint8_t *)"cut", 3});
    store_truncate(f->ns->store, set, io_clock_epoch_ms() + 1000);
    for (uint32_t i = 3000; i < 3100; i++) {
        query_bury(f, i, NULL, io_clock_epoch_ms());
    }
    int fd = query_connect(f);
    struct query_answer a = query_run(fd, (struct query_ask){.info1 = READ});
    assert_int_equal(a.count, 100);
    expect_once(&a, 0, 100);
    query_answer_free(&a);
    close(fd);
}

static void listed_partitions_alone_are_read_and_told_to_be_done(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 4000, (struct query_record){0});
    int fd = query_connect(f);
    uint16_t partitions[1024];
    uint32_t sum = 0;
    for (uint16_t begin = 0; begin < LIMIT_PARTITIONS; begin += 1024) {
        for (uint16_t i = 0; i < 1024; i++) {
            partitions[i] = begin + i;
        }
        struct query_ask ask = {.info1 = READ, .partitions = partitions, .partition_count = 1024};
        struct query_answer a = query_run(fd, ask);
        assert_int_equal(a.done_count, 1024);
        for (uint32_t i = 0; i < a.count; i++) {
            assert_in_range(base_digest_partition(a.digests[i]), begin, begin + 1023);
        }
        sum += a.count;
        query_answer_free(&a);
    }
    assert_int_equal(sum, 4000);
    // An array that lists nothing asks for nothing.
    struct query_answer a =
        query_run(fd, (struct query_ask){.info1 = READ, .partitions = partitions});
    assert_int_equal(a.count, 0);
    query_answer_free(&a);
    close(fd);
}

// What a client remembers between pages: the last digest of each partition.
struct pager {
    uint8_t last[LIMIT_PARTITIONS][LIMIT_DIGEST_SIZE];
    bool begun[LIMIT_PARTITIONS];
    uint8_t resume[LIMIT_PARTITIONS][LIMIT_DIGEST_SIZE];
    uint16_t fresh[LIMIT_PARTITIONS];
};

static void pages_together_have_each_record_once(void **state)
{
    struct query_fixture *f = *state;
    enum { COUNT = 3000, PAGE = 170 };
    query_fill(f, 0, COUNT, (struct query_record){.set = "demo"});
    int fd = query_connect(f);
    struct pager *pager = calloc(1, sizeof *pager);
    struct query_answer all = {.digests = calloc(QUERY_RECORDS_MAX, LIMIT_DIGEST_SIZE)};
    uint32_t pages = 0;
    for (bool full = true; full; pages++) {
        struct query_ask ask = {.info1 = READ,
                                .set = "demo",
                                .records_max = PAGE,
                                .partitions = pager->fresh,
                                .resume = pager->resume[0]};
        for (uint16_t p = 0; p < LIMIT_PARTITIONS; p++) {
            if (pager->begun[p]) {
                memcpy(pager->resume[ask.resume_count++], pager->last[p], LIMIT_DIGEST_SIZE);
            } else {
                pager->fresh[ask.partition_count++] = p;
            }
        }
        struct query_answer a = query_run(fd, ask);
        for (uint32_t i = 0; i < a.count; i++) {
            uint32_t p = base_digest_partition(a.digests[i]);
            memcpy(pager->last[p], a.digests[i], LIMIT_DIGEST_SIZE);
            pager->begun[p] = true;
            memcpy(all.digests[all.count++], a.digests[i], LIMIT_DIGEST_SIZE);
        }
        full = a.count == PAGE;
        assert_true(a.count <= PAGE);
        query_answer_free(&a);
    }
    assert_int_equal(pages, COUNT / PAGE + 1);
    assert_int_equal(all.count, COUNT);
    expect_once(&all, 0, COUNT);
    query_answer_free(&all);
    free(pager);
    close(fd);
}

static void max_records_is_exact(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1000, (struct query_record){0});
    int fd = query_connect(f);
    static const uint64_t asked[] = {1, 63, 64, 65, 999, 1000, 1001, UINT64_MAX};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct query_answer a =
            query_run(fd, (struct query_ask){.info1 = READ, .records_max = asked[i]});
        assert_int_equal(a.count, asked[i] < 1000 ? asked[i] : 1000);
        query_answer_free(&a);
    }
    close(fd);
}

struct churn {
    struct query_fixture *fixture;
    _Atomic bool stop;
};

// Rewrites the records that stay with other sizes, and adds and removes others.
static void *churn_main(void *arg)
{
    struct churn *churn = arg;
    for (uint32_t i = 0; !atomic_load(&churn->stop); i++) {
        query_put(churn->fixture, i * 7919 % 2000, (struct query_record){.value_size = i % 300});
        query_put(churn->fixture, 10000 + i % 4000, (struct query_record){0});
        query_remove(churn->fixture, 10000 + i * 31 % 4000);
    }
    return NULL;
}

static void what_stays_comes_once_while_others_write(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 2000, (struct query_record){0});
    struct churn churn = {.fixture = f};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, churn_main, &churn), 0);
    int fd = query_connect(f);
    for (int round = 0; round < 5; round++) {
        struct query_answer a = query_run(fd, (struct query_ask){.info1 = READ});
        assert_int_equal(a.code, RESULT_OK);
        expect_once(&a, 0, 2000);
        query_answer_free(&a);
    }
    atomic_store(&churn.stop, true);
    pthread_join(thread, NULL);
    close(fd);
}

static void answers_are_compressed_for_whoever_asks(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 500, (struct query_record){.value_size = 500});
    int fd = query_connect(f);
    struct query_answer a =
        query_run(fd, (struct query_ask){.info1 = READ | WIRE_INFO1_COMPRESS_RESPONSE});
    assert_int_equal(a.frame_type, WIRE_FRAME_COMPRESSED);
    expect_once(&a, 0, 500);
    query_answer_free(&a);
    a = query_run(fd, (struct query_ask){.info1 = READ});
    assert_int_equal(a.frame_type, WIRE_FRAME_MESSAGE);
    query_answer_free(&a);
    close(fd);
}

static void a_large_record_travels_in_one_frame(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 20, (struct query_record){.value_size = 700 * 1000});
    query_fill(f, 100, 500, (struct query_record){.value_size = 100});
    int fd = query_connect(f);
    struct query_answer a = query_run(fd, (struct query_ask){.info1 = READ});
    assert_int_equal(a.count, 520);
    expect_once(&a, 0, 20);
    assert_true(a.frame_size_max < 1024 * 1024);
    query_answer_free(&a);
    close(fd);
}

static void what_cannot_be_done_is_refused_with_one_last_record(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 10, (struct query_record){.set = "demo"});
    static const uint16_t far[] = {LIMIT_PARTITIONS};
    static const uint8_t twice[2 * LIMIT_DIGEST_SIZE] = {0};
    static const struct {
        struct query_ask ask;
        uint8_t code;
    } cases[] = {
        {{.info1 = READ, .namespace = "nowhere"}, RESULT_NAMESPACE_NOT_FOUND},
        {{.info1 = READ, .extra_field = WIRE_FIELD_FILTER}, RESULT_UNSUPPORTED},
        {{.info1 = READ, .extra_field = WIRE_FIELD_UDF_FUNCTION}, RESULT_UNSUPPORTED},
        {{.info1 = READ, .extra_field = WIRE_FIELD_UDF_OP}, RESULT_UNSUPPORTED},
        {{.info1 = READ, .extra_field = WIRE_FIELD_INDEX_RANGE}, RESULT_INDEX_NOT_FOUND},
        {{.info1 = READ, .extra_field = WIRE_FIELD_INDEX_NAME}, RESULT_INDEX_NOT_FOUND},
        {{.info1 = READ, .op_type = WIRE_OP_WRITE}, RESULT_UNSUPPORTED},
        {{.info1 = READ, .op_type = WIRE_OP_CDT_READ}, RESULT_UNSUPPORTED},
        {{.info1 = READ, .partitions = far, .partition_count = 1}, RESULT_PARAMETER},
        {{.info1 = READ, .resume = twice, .resume_count = 2}, RESULT_PARAMETER},
        {{.info1 = READ, .extra_field = WIRE_FIELD_MAX_RECORDS}, RESULT_PARAMETER}, // too short
        {{.info1 = 0}, RESULT_PARAMETER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_codes(f, cases[i].ask, cases[i].code);
    }
}

static void records_per_second_are_kept(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 60, (struct query_record){0});
    int fd = query_connect(f);
    uint64_t begin_ns = io_clock_monotonic_ns();
    struct query_answer a =
        query_run(fd, (struct query_ask){.info1 = READ, .records_per_second = 200, .task_id = 5});
    assert_int_equal(a.count, 60);
    assert_true(io_clock_monotonic_ns() - begin_ns >= 59 * 1000000000ull / 200);
    struct job_status status = query_wait_done(f, 5);
    assert_int_equal(status.records_per_second, 200);
    assert_true(status.records_throttled > 0);
    query_answer_free(&a);
    close(fd);
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 5000, (struct query_record){.value_size = 300});
    int lazy = query_connect(f), fd = query_connect(f);
    query_send(lazy, (struct query_ask){.info1 = READ, .task_id = 1, .socket_timeout_ms = 200});
    // Meanwhile another client is served.
    struct query_answer a = query_run(fd, (struct query_ask){.info1 = READ, .task_id = 2});
    assert_int_equal(a.count, 5000);
    query_answer_free(&a);
    struct job_status status = query_wait_done(f, 1);
    assert_string_equal(status.status, "done(abandoned-response-timeout)");
    query_expect_counter(f, pi_query_long_basic_error, 1);
    a = query_receive(lazy);
    assert_true(a.closed);
    query_answer_free(&a);
    close(lazy);
    close(fd);
}

static void a_client_that_goes_away_ends_its_query(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 100, (struct query_record){0});
    int fd = query_connect(f);
    query_send(fd, (struct query_ask){.info1 = READ, .task_id = 1, .records_per_second = 5});
    query_wait_records(f, 1);
    close(fd);
    struct job_status status = query_wait_done(f, 1);
    assert_string_equal(status.status, "done(abandoned-response-error)");
}

static void a_query_ends_when_its_time_is_over(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 100, (struct query_record){0});
    struct query_ask ask = {
        .info1 = READ, .task_id = 1, .records_per_second = 5, .total_timeout_ms = 50};
    expect_codes(f, ask, RESULT_TIMEOUT);
    assert_string_equal(query_wait_done(f, 1).status, "done(abandoned-response-timeout)");
    ask.info1 |= WIRE_INFO1_SHORT_QUERY;
    ask.task_id = 2;
    expect_codes(f, ask, RESULT_TIMEOUT);
    query_expect_counter(f, pi_query_short_basic_timeout, 1);
}

static void a_short_query_is_answered_and_not_listed(void **state)
{
    struct query_fixture *f = *state;
    // Query threads stand back; on a busy machine a second may be too little for them.
    atomic_store(&f->node->config->service.transaction_max_ms, 30000);
    query_fill(f, 0, 100, (struct query_record){0});
    int fd = query_connect(f);
    struct query_answer a =
        query_run(fd, (struct query_ask){.info1 = READ | WIRE_INFO1_SHORT_QUERY, .task_id = 9});
    assert_int_equal(a.count, 100);
    query_answer_free(&a);
    assert_int_equal(query_code(fd, (struct query_ask){.info1 = READ, .task_id = 10}), RESULT_OK);
    query_wait_done(f, 10);
    struct job_status status;
    assert_int_equal(jobs_find(f->node->jobs, 9, &status), RESULT_RECORD_NOT_FOUND);
    query_expect_counter(f, pi_query_short_basic_complete, 1);
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, query_setup, query_teardown)
    const struct CMUnitTest tests[] = {
        CASE(each_record_comes_once_in_groups_of_bounded_size),
        CASE(a_record_comes_with_what_it_has),
        CASE(bins_can_be_selected_or_left_out),
        CASE(a_set_is_scanned_alone),
        CASE(dead_records_are_left_out),
        CASE(listed_partitions_alone_are_read_and_told_to_be_done),
        CASE(pages_together_have_each_record_once),
        CASE(max_records_is_exact),
        CASE(what_stays_comes_once_while_others_write),
        CASE(answers_are_compressed_for_whoever_asks),
        CASE(a_large_record_travels_in_one_frame),
        CASE(what_cannot_be_done_is_refused_with_one_last_record),
        CASE(records_per_second_are_kept),
        CASE(a_client_that_does_not_read_is_given_up),
        CASE(a_client_that_goes_away_ends_its_query),
        CASE(a_query_ends_when_its_time_is_over),
        CASE(a_short_query_is_answered_and_not_listed),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
