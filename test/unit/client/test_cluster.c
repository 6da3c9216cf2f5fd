// SPDX-License-Identifier: Apache-2.0
// Nodes that come, go, move and lie: what the client knows of the cluster, and where it sends.
#include "fake_cluster.h"

static enum fake_verdict on_ok(struct fake_node *node, const uint8_t *body, size_t size,
                               uint8_t *out, size_t *out_size)
{
    (void)node;
    (void)body;
    (void)size;
    return fake_answer_code(0, out, out_size);
}

static struct fake_node *node_start(const char *name)
{
    struct fake_node *node = fake_node_new(name);
    node->on_message = on_ok;
    fake_node_start(node);
    return node;
}

struct expected {
    struct ballast_cluster *cluster;
    const char *names; // of responding nodes, in any order, each followed by a blank
};

static bool nodes_are(void *arg)
{
    const struct expected *expected = arg;
    struct ballast_node_info nodes[8];
    size_t count = ballast_nodes(expected->cluster, nodes, 8);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.20s ", nodes[i].name);
        if (!nodes[i].responding || strstr(expected->names, name) == NULL) {
            return false;
        }
        size += strlen(name);
    }
    return size == strlen(expected->names);
}

static void await_nodes(struct ballast_cluster *cluster, const char *names)
{
    struct expected expected = {cluster, names};
    fake_await(nodes_are, &expected);
}

static void put_many(struct ballast_cluster *cluster, int count)
{
    struct ballast_bin bin = {"a", ballast_integer(1)};
    for (int i = 0; i < count; i++) {
        struct ballast_key key = ballast_key_integer("test", "demo", i);
        assert_int_equal(ballast_put(cluster, NULL, &key, &bin, 1, NULL), BALLAST_OK);
    }
}

static void no_node_at_all_is_not_connected(void **state)
{
    (void)state;
    struct fake_node *node = node_start("A1");
    fake_node_stop(node);
    char hosts[64];
    struct ballast_config config = fake_config(node, hosts);
    struct ballast_cluster *cluster = (void *)&config;
    struct ballast_error error;
    assert_int_equal(ballast_connect(&config, &cluster, &error), BALLAST_NOT_CONNECTED);
    assert_null(cluster);
    assert_string_equal(error.text, "connection refused or broken");
    fake_node_free(node);
}

static void bad_configuration_is_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", ":3000", "a,,b", "host:port", "[::1"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct ballast_config config;
        ballast_config_init(&config);
        config.hosts = hosts[i];
        struct ballast_cluster *cluster;
        assert_int_equal(ballast_connect(&config, &cluster, NULL), BALLAST_PARAMETER);
    }
}

static void second_seed_serves_when_the_first_is_down(void **state)
{
    (void)state;
    struct fake_node *down = node_start("A1"), *up = node_start("B2");
    fake_node_stop(down);
    char hosts[128];
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.1:%u", down->port, up->port);
    struct ballast_config config;
    ballast_config_init(&config);
    config.hosts = hosts;
    struct ballast_cluster *cluster;
    assert_int_equal(ballast_connect(&config, &cluster, NULL), BALLAST_OK);
    await_nodes(cluster, "B2 ");
    ballast_close(&cluster);
    fake_node_free(down);
    fake_node_free(up);
}

static void node_that_is_not_ready_or_of_another_cluster_is_refused(void **state)
{
    (void)state;
    struct fake_node *node = node_start("A1");
    fake_info_set(node, "cluster-name", "blue");
    char hosts[64];
    struct ballast_config config = fake_config(node, hosts);
    struct ballast_cluster *cluster;
    config.cluster_name = "green";
    struct ballast_error error;
    assert_int_equal(ballast_connect(&config, &cluster, &error), BALLAST_NOT_CONNECTED);
    assert_string_equal(error.text, "the node belongs to another cluster");
    config.cluster_name = "blue";
    fake_info_set(node, "partition-generation", "-1");
    assert_int_equal(ballast_connect(&config, &cluster, &error), BALLAST_NOT_CONNECTED);
    assert_string_equal(error.text, "the node answers, but does not serve yet");
    fake_info_set(node, "partition-generation", "0");
    assert_int_equal(ballast_connect(&config, &cluster, NULL), BALLAST_OK);
    ballast_close(&cluster);
    fake_node_free(node);
}

// Two nodes that know each other and hold half of the partitions each.
static void pair_start(struct fake_node *pair[2])
{
    pair[0] = node_start("A1");
    pair[1] = node_start("B2");
    for (uint32_t i = 0; i < 2; i++) {
        fake_claim(pair[i], 1, 2, i);
        fake_peers_set(pair[i], 1, &pair[1 - i], 1);
    }
}

static void peers_are_found_and_each_key_goes_to_its_node(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    put_many(cluster, 200);
    uint32_t a = atomic_load(&pair[0]->message_count), b = atomic_load(&pair[1]->message_count);
    assert_int_equal(a + b, 200);
    assert_true(a > 50 && b > 50);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static bool all_go_to(void *arg)
{
    void **args = arg;
    struct ballast_cluster *cluster = args[0];
    struct fake_node *node = args[1];
    uint32_t before = atomic_load(&node->message_count);
    put_many(cluster, 50);
    return atomic_load(&node->message_count) == before + 50;
}

static void partitions_that_move_are_followed(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    fake_claim(pair[1], 2, 1, 0);
    void *args[] = {cluster, pair[1]};
    fake_await(all_go_to, args);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static void dead_node_that_is_no_longer_listed_is_dropped(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    fake_node_stop(pair[1]);
    fake_claim(pair[0], 2, 1, 0);
    fake_peers_set(pair[0], 2, NULL, 0);
    await_nodes(cluster, "A1 ");
    void *args[] = {cluster, pair[0]};
    fake_await(all_go_to, args);

    // And it is taken in again when it is back.
    fake_node_start(pair[1]);
    fake_peers_set(pair[0], 3, &pair[1], 1);
    fake_claim(pair[1], 3, 1, 0);
    await_nodes(cluster, "A1 B2 ");
    args[1] = pair[1];
    fake_await(all_go_to, args);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static bool node_has_moved(void *arg)
{
    void **args = arg;
    const struct fake_node *moved = args[1];
    struct ballast_node_info nodes[8];
    size_t count = ballast_nodes(args[0], nodes, 8);
    char address[64];
    io_address_text(&moved->address, address);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(nodes[i].address, address) == 0) {
            return nodes[i].responding;
        }
    }
    return false;
}

static void node_under_a_new_address_is_found_through_its_peer(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    put_many(cluster, 20);
    // The same node on another port: a container that was made anew.
    fake_node_stop(pair[1]);
    struct fake_node *moved = node_start("B2");
    fake_claim(moved, 5, 2, 1);
    fake_peers_set(moved, 1, &pair[0], 1);
    fake_peers_set(pair[0], 2, &moved, 1);
    void *args[] = {cluster, moved};
    fake_await(node_has_moved, args);
    await_nodes(cluster, "A1 B2 ");
    put_many(cluster, 200);
    assert_true(atomic_load(&moved->message_count) > 50);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
    fake_node_free(moved);
}

static void other_node_at_the_same_address_takes_its_place(void **state)
{
    (void)state;
    struct fake_node *node = node_start("A1");
    struct ballast_cluster *cluster = fake_connect(node);
    fake_info_set(node, "node", "C3");
    await_nodes(cluster, "C3 ");
    ballast_close(&cluster);
    fake_node_free(node);
}

static void lone_node_that_forgot_its_peers_does_not_take_the_map(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    uint32_t before = atomic_load(&pair[1]->info_request_count);
    fake_peers_set(pair[1], 2, NULL, 0);
    fake_claim(pair[1], 9, 1, 0);
    while (atomic_load(&pair[1]->info_request_count) < before + 8) {
        put_many(cluster, 10); // a few rounds pass
    }
    before = atomic_load(&pair[0]->message_count);
    put_many(cluster, 200);
    assert_true(atomic_load(&pair[0]->message_count) > before + 50);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static void silent_node_delays_nobody_else(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    atomic_store(&pair[1]->silent_info, true);
    struct ballast_node_info nodes[2];
    bool silent = false;
    while (!silent) {
        size_t count = ballast_nodes(cluster, nodes, 2);
        assert_int_equal(count, 2); // its peer still lists it
        silent = !nodes[0].responding || !nodes[1].responding;
        put_many(cluster, 1); // requests go on, to both
    }
    put_many(cluster, 100);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static void on_node_answer(const struct ballast_node_info *node, const char *answer,
                           const struct ballast_error *error, void *arg)
{
    char *text = arg;
    sprintf(text + strlen(text), "%s=%s(%d) ", node->name, answer == NULL ? "" : answer,
            error->code);
}

static void info_reaches_one_node_any_node_and_all(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    struct ballast_cluster *cluster = fake_connect(pair[0]);
    await_nodes(cluster, "A1 B2 ");
    fake_info_set(pair[1], "hello:a=1;b=2", "there");
    char *answer;
    assert_int_equal(ballast_info(cluster, "B2", "hello:a=1;b=2", 1000, &answer, NULL), BALLAST_OK);
    assert_string_equal(answer, "there");
    ballast_text_free(&answer);
    assert_int_equal(ballast_info(cluster, NULL, "build", 1000, &answer, NULL), BALLAST_OK);
    assert_string_equal(answer, "8.1.0.0");
    ballast_text_free(&answer);
    assert_int_equal(ballast_info(cluster, "Z9", "build", 1000, &answer, NULL), BALLAST_NO_NODE);
    assert_int_equal(ballast_info(cluster, NULL, "two\nlines", 1000, &answer, NULL),
                     BALLAST_PARAMETER);
    char text[256] = "";
    assert_int_equal(ballast_info_all(cluster, "node", 1000, on_node_answer, text, NULL),
                     BALLAST_OK);
    assert_true(strcmp(text, "A1=A1(0) B2=B2(0) ") == 0 || strcmp(text, "B2=B2(0) A1=A1(0) ") == 0);

    assert_int_equal(
        ballast_info_host("127.0.0.1", pair[1]->port, "node\nbuild\n", 1000, &answer, NULL),
        BALLAST_OK);
    assert_string_equal(answer, "node\tB2\nbuild\t8.1.0.0\n");
    ballast_text_free(&answer);
    atomic_store(&pair[1]->silent_info, true);
    struct ballast_error error;
    assert_int_equal(ballast_info_host("127.0.0.1", pair[1]->port, "node\n", 30, &answer, &error),
                     BALLAST_CLIENT_TIMEOUT);
    fake_node_stop(pair[1]);
    assert_int_equal(ballast_info_host("127.0.0.1", pair[1]->port, "node\n", 1000, &answer, &error),
                     BALLAST_IO);
    assert_null(answer);
    ballast_close(&cluster);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

static void many_hosts_are_asked_at_once_and_fail_alone(void **state)
{
    (void)state;
    struct fake_node *pair[2];
    pair_start(pair);
    atomic_store(&pair[1]->silent_info, true);
    struct ballast_info_target targets[] = {
        {.host = "127.0.0.1", .port = pair[0]->port},
        {.host = "127.0.0.1", .port = pair[1]->port},
        {.host = "no such host", .port = 3000},
        {.host = "localhost", .port = pair[0]->port},
    };
    assert_int_equal(ballast_info_hosts(targets, 4, "node\n", 100), BALLAST_CLIENT_TIMEOUT);
    assert_string_equal(targets[0].answer, "node\tA1\n");
    assert_null(targets[1].answer);
    assert_int_equal(targets[1].error.code, BALLAST_CLIENT_TIMEOUT);
    assert_null(targets[2].answer);
    assert_int_equal(targets[2].error.code, BALLAST_IO);
    assert_string_equal(targets[3].answer, "node\tA1\n");
    assert_int_equal(targets[3].error.code, BALLAST_OK);
    ballast_text_free(&targets[0].answer);
    ballast_text_free(&targets[3].answer);
    assert_int_equal(ballast_info_hosts(NULL, 0, "node\n", 100), BALLAST_OK);
    fake_node_free(pair[0]);
    fake_node_free(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_node_at_all_is_not_connected),
        cmocka_unit_test(bad_configuration_is_refused),
        cmocka_unit_test(second_seed_serves_when_the_first_is_down),
        cmocka_unit_test(node_that_is_not_ready_or_of_another_cluster_is_refused),
        cmocka_unit_test(peers_are_found_and_each_key_goes_to_its_node),
        cmocka_unit_test(partitions_that_move_are_followed),
        cmocka_unit_test(dead_node_that_is_no_longer_listed_is_dropped),
        cmocka_unit_test(node_under_a_new_address_is_found_through_its_peer),
        cmocka_unit_test(other_node_at_the_same_address_takes_its_place),
        cmocka_unit_test(lone_node_that_forgot_its_peers_does_not_take_the_map),
        cmocka_unit_test(silent_node_delays_nobody_else),
        cmocka_unit_test(info_reaches_one_node_any_node_and_all),
        cmocka_unit_test(many_hosts_are_asked_at_once_and_fail_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
