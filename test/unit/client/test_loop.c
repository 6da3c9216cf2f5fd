// SPDX-License-Identifier: Apache-2.0
// The event loop: many requests at once, each told of exactly once, whatever the node does.
#include "fake_cluster.h"

struct tally {
    struct ballast_loop *loop;
    struct ballast_key key;
    struct ballast_bin bin;
    uint32_t started, to_start;
    uint32_t ended, ok, in_doubt, records;
    int last_code;
    const struct ballast_policy *policy;
    bool inside_call; // a request is being started: no callback may come
};

static enum fake_verdict on_ok(struct fake_node *node, const uint8_t *body, size_t size,
                               uint8_t *out, size_t *out_size)
{
    (void)node;
    (void)body;
    (void)size;
    return fake_answer_code(0, out, out_size);
}

static enum fake_verdict on_silence(struct fake_node *node, const uint8_t *body, size_t size,
                                    uint8_t *out, size_t *out_size)
{
    (void)node;
    (void)body;
    (void)size;
    (void)out;
    *out_size = 0;
    return FAKE_SILENT;
}

static enum fake_verdict on_every_third_closes(struct fake_node *node, const uint8_t *body,
                                               size_t size, uint8_t *out, size_t *out_size)
{
    (void)body;
    (void)size;
    fake_answer_code(0, out, out_size);
    return atomic_load(&node->message_count) % 3 == 2 ? FAKE_CLOSE : FAKE_ANSWER;
}

static void start_next(struct tally *tally);

static void on_done(const struct ballast_error *error, struct ballast_record *record, void *arg)
{
    struct tally *tally = arg;
    assert_false(tally->inside_call);
    tally->ended++;
    tally->ok += error->code == BALLAST_OK;
    tally->in_doubt += error->in_doubt;
    tally->records += record != NULL;
    tally->last_code = error->code;
    ballast_record_free(&record);
    start_next(tally);
}

static void start_next(struct tally *tally)
{
    const struct ballast_policy *policy = tally->policy;
    if (tally->started == tally->to_start) {
        return;
    }
    tally->inside_call = true;
    tally->key.integer = tally->started;
    int code =
        tally->started % 2 == 0
            ? ballast_async_put(tally->loop, policy, &tally->key, &tally->bin, 1, on_done, tally)
            : ballast_async_get(tally->loop, policy, &tally->key, on_done, tally);
    assert_int_equal(code, BALLAST_OK);
    tally->started++;
    tally->inside_call = false;
}

struct fixture {
    struct fake_node *node;
    struct ballast_cluster *cluster;
    struct ballast_policy policy;
    struct tally tally;
};

static struct fixture *fixture_make(fake_message_fn on_message)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->node = fake_node_new("A1");
    f->node->on_message = on_message;
    fake_node_start(f->node);
    f->cluster = fake_connect(f->node);
    ballast_policy_init(&f->policy);
    f->tally = (struct tally){.key = ballast_key_integer("test", "demo", 0),
                              .bin = {"a", ballast_integer(1)}};
    assert_int_equal(ballast_loop_new(f->cluster, &f->tally.loop, NULL), BALLAST_OK);
    return f;
}

static void fixture_drop(struct fixture *f)
{
    ballast_loop_free(&f->tally.loop);
    ballast_close(&f->cluster);
    fake_node_free(f->node);
    free(f);
}

static void run_all(struct fixture *f, uint32_t count, uint32_t depth,
                    const struct ballast_policy *policy)
{
    f->tally.policy = policy;
    f->tally.to_start = f->tally.started + count;
    for (uint32_t i = 0; i < depth; i++) {
        start_next(&f->tally);
    }
    size_t ended = 0;
    while (ballast_loop_pending(f->tally.loop) > 0) {
        struct pollfd fd = {.fd = ballast_loop_fd(f->tally.loop), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 10000), 1); // the descriptor tells of timeouts, too
        ended += ballast_loop_run_once(f->tally.loop, 0);
    }
    assert_int_equal(ended, count);
}

static void many_requests_share_few_connections(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_ok);
    run_all(f, 5000, 32, NULL);
    assert_int_equal(f->tally.ended, 5000);
    assert_int_equal(f->tally.ok, 5000);
    assert_int_equal(f->tally.records, 2500);
    struct ballast_node_info info;
    ballast_nodes(f->cluster, &info, 1);
    assert_true(info.connections_open <= 32);
    fixture_drop(f);
}

static void timeouts_come_though_nothing_else_does(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_silence);
    f->policy.total_timeout_ms = 30;
    run_all(f, 10, 10, &f->policy);
    assert_int_equal(f->tally.ended, 10);
    assert_int_equal(f->tally.ok, 0);
    assert_int_equal(f->tally.last_code, BALLAST_CLIENT_TIMEOUT);
    assert_int_equal(f->tally.in_doubt, 5); // the writes
    struct ballast_node_info info;
    ballast_nodes(f->cluster, &info, 1);
    assert_int_equal(info.connections_open, 0);
    fixture_drop(f);
}

static void closing_node_is_survived(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_every_third_closes);
    f->policy.retries_max = 100;
    run_all(f, 600, 16, &f->policy);
    assert_int_equal(f->tally.ended, 600);
    assert_true(f->tally.ok > 300);
    assert_int_equal(f->tally.ok + f->tally.in_doubt, 600); // reads were repeated
    fixture_drop(f);
}

static void idle_connections_that_die_are_not_used(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_ok);
    run_all(f, 100, 8, NULL);
    fake_node_stop(f->node);
    fake_node_start(f->node);
    ballast_loop_run_once(f->tally.loop, 1000); // sees the ends of the idle connections
    f->policy.total_timeout_ms = 10000;
    f->policy.retries_max = 1000;
    run_all(f, 1, 1, &f->policy);
    assert_int_equal(f->tally.ok, 101);
    fixture_drop(f);
}

static bool no_idle_connection_is_left(void *arg)
{
    struct fixture *f = arg;
    ballast_loop_run_once(f->tally.loop, 20);
    struct ballast_node_info info;
    ballast_nodes(f->cluster, &info, 1);
    return info.connections_open == 0;
}

static void idle_connections_are_closed_in_time(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_ok);
    ballast_loop_free(&f->tally.loop);
    ballast_close(&f->cluster);
    char hosts[64];
    struct ballast_config config = fake_config(f->node, hosts);
    config.idle_max_ms = 20;
    assert_int_equal(ballast_connect(&config, &f->cluster, NULL), BALLAST_OK);
    assert_int_equal(ballast_loop_new(f->cluster, &f->tally.loop, NULL), BALLAST_OK);
    run_all(f, 100, 8, NULL);
    fake_await(no_idle_connection_is_left, f);
    fixture_drop(f);
}

static void limit_of_connections_is_an_error_of_its_request(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_silence);
    ballast_loop_free(&f->tally.loop);
    ballast_close(&f->cluster);
    char hosts[64];
    struct ballast_config config = fake_config(f->node, hosts);
    config.connections_per_node_max = 2;
    assert_int_equal(ballast_connect(&config, &f->cluster, NULL), BALLAST_OK);
    assert_int_equal(ballast_loop_new(f->cluster, &f->tally.loop, NULL), BALLAST_OK);
    f->tally.to_start = 3;
    for (int i = 0; i < 3; i++) {
        start_next(&f->tally);
    }
    assert_int_equal(f->tally.ended, 0);
    assert_int_equal(ballast_loop_run_once(f->tally.loop, 1000), 1);
    assert_int_equal(f->tally.last_code, BALLAST_LIMIT);
    fixture_drop(f); // the other two are cancelled
}

static void freed_loop_calls_back_what_is_under_way(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_silence);
    f->tally.to_start = 7;
    for (int i = 0; i < 7; i++) {
        start_next(&f->tally);
    }
    ballast_loop_run_once(f->tally.loop, 20);
    ballast_loop_free(&f->tally.loop);
    assert_null(f->tally.loop);
    assert_int_equal(f->tally.ended, 7);
    assert_int_equal(f->tally.last_code, BALLAST_CANCELLED);
    fixture_drop(f);
}

static void impossible_requests_are_refused_at_once(void **state)
{
    (void)state;
    struct fixture *f = fixture_make(on_ok);
    struct ballast_key key = ballast_key_integer("nowhere", NULL, 1);
    assert_int_equal(ballast_async_get(f->tally.loop, NULL, &key, on_done, &f->tally),
                     BALLAST_NAMESPACE_NOT_FOUND);
    key.ns = NULL;
    assert_int_equal(ballast_async_get(f->tally.loop, NULL, &key, on_done, &f->tally),
                     BALLAST_PARAMETER);
    assert_int_equal(ballast_loop_pending(f->tally.loop), 0);
    fixture_drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_share_few_connections),
        cmocka_unit_test(timeouts_come_though_nothing_else_does),
        cmocka_unit_test(closing_node_is_survived),
        cmocka_unit_test(idle_connections_that_die_are_not_used),
        cmocka_unit_test(idle_connections_are_closed_in_time),
        cmocka_unit_test(limit_of_connections_is_an_error_of_its_request),
        cmocka_unit_test(freed_loop_calls_back_what_is_under_way),
        cmocka_unit_test(impossible_requests_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
