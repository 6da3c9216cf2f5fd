// SPDX-License-Identifier: Apache-2.0
// Jobs: listed while they run and after, stopped when asked, never more than their limit; and
// background operations, which change each record once.
#include "query_fixture.h"

static const uint8_t READ = WIRE_INFO1_READ;

// --- listing and stopping ---

static void a_running_query_is_listed_with_its_progress(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1000, (struct query_record){.set = "demo"});
    int fd = query_connect(f);
    query_send(fd, (struct query_ask){.info1 = READ,
                                      .set = "demo",
                                      .task_id = 77,
                                      .records_per_second = 100,
                                      .socket_timeout_ms = 1234});
    query_wait_records(f, 77);
    struct job_status listed[4];
    assert_int_equal(jobs_list(f->node->jobs, listed, 4), 1);
    assert_int_equal(listed[0].id, 77);
    assert_string_equal(listed[0].namespace_name, "test");
    assert_string_equal(listed[0].set_name, "demo");
    assert_string_equal(listed[0].type, "basic");
    assert_string_equal(listed[0].status, "active(ok)");
    assert_string_equal(listed[0].from, "[++1]+4000");
    assert_int_equal(listed[0].records_per_second, 100);
    assert_int_equal(listed[0].socket_timeout_ms, 1234);
    assert_int_equal(listed[0].active_threads, 1);
    assert_int_equal(jobs_active_count(f->node->jobs), 1);
    close(fd);
    query_wait_done(f, 77);
    assert_int_equal(jobs_active_count(f->node->jobs), 0);
}

static void finished_jobs_are_kept_newest_first_up_to_a_limit(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 100, (struct query_record){0});
    atomic_store(&f->node->config->service.query_max_done, 3);
    int fd = query_connect(f);
    for (uint64_t id = 1; id <= 5; id++) {
        assert_int_equal(query_code(fd, (struct query_ask){.info1 = READ, .task_id = id}), 0);
        struct job_status status = query_wait_done(f, id);
        assert_string_equal(status.status, "done(ok)");
        assert_true(status.progress_pct == 100);
        assert_int_equal(status.records_succeeded, 100);
        assert_true(status.net_io_bytes > 100 * WIRE_MESSAGE_HEADER_SIZE);
        assert_int_equal(status.active_threads, 0);
    }
    struct job_status listed[8];
    assert_int_equal(jobs_list(f->node->jobs, listed, 8), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(listed[i].id, 5 - i);
    }
    assert_int_equal(jobs_list(f->node->jobs, listed, 2), 2);
    struct job_status status;
    assert_int_equal(jobs_find(f->node->jobs, 2, &status), RESULT_RECORD_NOT_FOUND);
    atomic_store(&f->node->config->service.query_max_done, 0);
    assert_int_equal(jobs_list(f->node->jobs, listed, 8), 0);
    close(fd);
}

static void an_aborted_query_ends_at_once_and_its_connection_serves_on(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1000, (struct query_record){0});
    int fd = query_connect(f);
    query_send(fd, (struct query_ask){.info1 = READ, .task_id = 1, .records_per_second = 1});
    query_wait_records(f, 1);
    assert_int_equal(jobs_abort(f->node->jobs, 2), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(jobs_abort(f->node->jobs, 1), RESULT_OK);
    struct query_answer a = query_receive(fd);
    assert_int_equal(a.code, RESULT_QUERY_ABORTED);
    query_answer_free(&a);
    assert_string_equal(query_wait_done(f, 1).status, "done(user-aborted)");
    assert_int_equal(jobs_abort(f->node->jobs, 1), RESULT_RECORD_NOT_FOUND);
    query_expect_counter(f, pi_query_long_basic_abort, 1);
    assert_int_equal(query_code(fd, (struct query_ask){.info1 = READ}), RESULT_OK);
    close(fd);
}

static void an_abort_reaches_a_query_whose_client_does_not_read(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 5000, (struct query_record){.value_size = 300});
    int fd = query_connect(f);
    query_send(fd, (struct query_ask){.info1 = READ, .task_id = 1}); // it may take ten minutes
    query_wait_records(f, 1);
    assert_int_equal(jobs_abort(f->node->jobs, 1), RESULT_OK);
    assert_string_equal(query_wait_done(f, 1).status, "done(user-aborted)");
    close(fd);
}

static bool is_listed(void *arg)
{
    struct query_watch *watch = arg;
    return jobs_find(watch->fixture->node->jobs, watch->id, &watch->status) == RESULT_OK;
}

static void queries_wait_for_a_thread_and_too_many_are_refused(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1000, (struct query_record){0});
    atomic_store(&f->node->config->service.query_threads_limit, 1);
    int first = query_connect(f), second = query_connect(f), third = query_connect(f);
    query_send(first, (struct query_ask){.info1 = READ, .task_id = 1, .records_per_second = 1});
    query_wait_records(f, 1);
    query_send(second, (struct query_ask){.info1 = READ, .task_id = 2, .records_per_second = 1});
    struct query_watch watch = {.fixture = f, .id = 2};
    query_until("the second query is listed", is_listed, &watch);
    assert_int_equal(watch.status.active_threads, 0);
    assert_int_equal(query_code(third, (struct query_ask){.info1 = READ}), RESULT_QUERY_QUEUE_FULL);
    assert_int_equal(jobs_active_count(f->node->jobs), 2);
    assert_int_equal(jobs_abort_all(f->node->jobs), 2);
    struct query_answer a = query_receive(first), b = query_receive(second);
    assert_int_equal(a.code, RESULT_QUERY_ABORTED);
    assert_int_equal(b.code, RESULT_QUERY_ABORTED);
    assert_int_equal(query_code(third, (struct query_ask){.info1 = READ}), RESULT_OK);
    query_answer_free(&a);
    query_answer_free(&b);
    close(first);
    close(second);
    close(third);
}

static void queries_with_one_task_id_run_side_by_side(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1000, (struct query_record){0});
    int slow = query_connect(f), fd = query_connect(f);
    query_send(slow, (struct query_ask){.info1 = READ, .task_id = 1, .records_per_second = 1});
    query_wait_records(f, 1);
    assert_int_equal(query_code(fd, (struct query_ask){.info1 = READ, .task_id = 1}), RESULT_OK);
    assert_string_equal(query_job(f, 1).status, "active(ok)"); // the one that still runs
    close(slow);
    close(fd);
}

static void stopping_ends_what_runs_and_what_waits(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 5000, (struct query_record){.value_size = 300});
    atomic_store(&f->node->config->service.query_threads_limit, 2);
    int fds[4];
    for (uint32_t i = 0; i < 4; i++) { // two do not read, two wait
        fds[i] = query_connect(f);
        query_send(fds[i], (struct query_ask){.info1 = READ, .task_id = i + 1});
    }
    query_wait_records(f, 1);
    jobs_stop(f->node->jobs);
    assert_int_equal(jobs_active_count(f->node->jobs), 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct query_answer a = query_receive(fds[i]);
        assert_true(a.closed || a.code == RESULT_QUERY_ABORTED);
        query_answer_free(&a);
        close(fds[i]);
    }
}

// --- background operations ---

static struct query_ask background(uint64_t task_id, uint8_t op_type, const char *set)
{
    return (struct query_ask){
        .info2 = WIRE_INFO2_WRITE, .task_id = task_id, .op_type = op_type, .set = set};
}

static void a_background_operation_changes_each_record_of_its_set_once(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 1500, (struct query_record){.set = "demo"});
    query_fill(f, 2000, 100, (struct query_record){.set = "other"});
    int fd = query_connect(f);
    assert_int_equal(query_code(fd, background(1, WIRE_OP_INCR, "demo")), RESULT_OK);
    struct job_status status = query_wait_done(f, 1);
    assert_string_equal(status.status, "done(ok)");
    assert_string_equal(status.type, "background-ops");
    assert_int_equal(status.records_succeeded, 1500);
    assert_int_equal(status.records_failed, 0);
    for (uint32_t id = 0; id < 2100; id += id == 1499 ? 501 : 1) {
        struct store_record record;
        int64_t number = 0;
        assert_true(query_get(f, id, &record, &number));
        bool changed = id < 1500;
        assert_int_equal(number, changed ? id + 1000 : id);
        assert_int_equal(record.generation, changed ? 2 : 1);
    }
    query_expect_counter(f, ops_sub_write_success, 1500);
    query_expect_counter(f, pi_query_ops_bg_complete, 1);
    close(fd);
}

static void a_background_operation_can_touch_delete_and_replace(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 50, (struct query_record){.set = "demo", .value_size = 5});
    int fd = query_connect(f);
    struct store_record record;
    int64_t number;

    struct query_ask touch = background(1, WIRE_OP_TOUCH, "demo");
    touch.ttl = 1000;
    assert_int_equal(query_code(fd, touch), RESULT_OK);
    assert_int_equal(query_wait_done(f, 1).records_succeeded, 50);
    assert_true(query_get(f, 7, &record, &number));
    assert_in_range(record.void_time_s, io_clock_epoch_s() + 900, io_clock_epoch_s() + 1000);

    struct query_ask replace = background(2, WIRE_OP_WRITE, "demo");
    replace.info3 = WIRE_INFO3_CREATE_OR_REPLACE;
    assert_int_equal(query_code(fd, replace), RESULT_OK);
    assert_int_equal(query_wait_done(f, 2).records_succeeded, 50);
    assert_true(query_get(f, 7, &record, &number));
    assert_int_equal(record.bin_count, 1);
    assert_int_equal(number, 1000);

    assert_int_equal(query_code(fd, background(3, WIRE_OP_DELETE, "demo")), RESULT_OK);
    assert_int_equal(query_wait_done(f, 3).records_succeeded, 50);
    assert_false(query_get(f, 7, &record, &number));
    close(fd);
}

static void records_that_cannot_be_changed_are_counted_as_failed(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 30, (struct query_record){.set = "demo"});
    int fd = query_connect(f);
    struct query_ask ask = background(1, WIRE_OP_WRITE, "demo");
    ask.info2 |= WIRE_INFO2_CREATE_ONLY;
    assert_int_equal(query_code(fd, ask), RESULT_OK);
    struct job_status status = query_wait_done(f, 1);
    assert_int_equal(status.records_succeeded, 0);
    assert_int_equal(status.records_failed, 30);
    close(fd);
}

static void a_background_operation_keeps_to_the_lower_of_two_rates(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 5000, (struct query_record){.set = "demo"});
    atomic_store(&f->ns->config->background_query_max_rps, 100);
    int fd = query_connect(f);
    struct query_ask ask = background(1, WIRE_OP_INCR, "demo");
    ask.records_per_second = 5000;
    assert_int_equal(query_code(fd, ask), RESULT_OK);
    query_wait_records(f, 1);
    assert_int_equal(query_job(f, 1).records_per_second, 100);
    assert_int_equal(jobs_abort(f->node->jobs, 1), RESULT_OK);
    struct job_status status = query_wait_done(f, 1);
    assert_string_equal(status.status, "done(user-aborted)");
    assert_true(status.records_succeeded < 5000);
    assert_true(status.progress_pct < 100);
    query_expect_counter(f, pi_query_ops_bg_abort, 1);
    close(fd);
}

static void what_cannot_be_done_in_the_background_is_refused_at_once(void **state)
{
    struct query_fixture *f = *state;
    query_fill(f, 0, 10, (struct query_record){.set = "demo"});
    int fd = query_connect(f);
    static const struct {
        uint8_t op_type;
        int extra_field;
        uint8_t code;
    } cases[] = {
        {0, 0, RESULT_PARAMETER}, // nothing to do
        {WIRE_OP_READ, 0, RESULT_PARAMETER},
        {200, 0, RESULT_PARAMETER},
        {WIRE_OP_CDT_MODIFY, 0, RESULT_UNSUPPORTED},
        {WIRE_OP_EXP_MODIFY, 0, RESULT_UNSUPPORTED},
        {WIRE_OP_INCR, WIRE_FIELD_FILTER, RESULT_UNSUPPORTED},
        {WIRE_OP_INCR, WIRE_FIELD_UDF_OP, RESULT_UNSUPPORTED},
        {WIRE_OP_INCR, WIRE_FIELD_INDEX_RANGE, RESULT_INDEX_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_ask ask = background(i + 1, cases[i].op_type, "demo");
        ask.extra_field = cases[i].extra_field;
        assert_int_equal(query_code(fd, ask), cases[i].code);
    }
    struct job_status listed[4];
    assert_int_equal(jobs_list(f->node->jobs, listed, 4), 0);
    query_expect_counter(f, pi_query_ops_bg_error, 8);
    close(fd);
}

static void a_background_operation_on_an_unknown_set_is_done_at_once(void **state)
{
    struct query_fixture *f = *state;
    int fd = query_connect(f);
    assert_int_equal(query_code(fd, background(1, WIRE_OP_INCR, "nothing")), RESULT_OK);
    struct job_status status = query_wait_done(f, 1);
    assert_string_equal(status.status, "done(ok)");
    assert_true(status.progress_pct == 100);
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, query_setup, query_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_running_query_is_listed_with_its_progress),
        CASE(finished_jobs_are_kept_newest_first_up_to_a_limit),
        CASE(an_aborted_query_ends_at_once_and_its_connection_serves_on),
        CASE(an_abort_reaches_a_query_whose_client_does_not_read),
        CASE(queries_wait_for_a_thread_and_too_many_are_refused),
        CASE(queries_with_one_task_id_run_side_by_side),
        CASE(stopping_ends_what_runs_and_what_waits),
        CASE(a_background_operation_changes_each_record_of_its_set_once),
        CASE(a_background_operation_can_touch_delete_and_replace),
        CASE(records_that_cannot_be_changed_are_counted_as_failed),
        CASE(a_background_operation_keeps_to_the_lower_of_two_rates),
        CASE(what_cannot_be_done_in_the_background_is_refused_at_once),
        CASE(a_background_operation_on_an_unknown_set_is_done_at_once),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
