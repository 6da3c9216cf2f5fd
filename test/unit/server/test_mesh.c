// SPDX-License-Identifier: Apache-2.0
// How nodes find each other, whom they turn away, and how soon they know that one is gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "mesh_fixture.h"

static int start(void **state)
{
    static struct mesh_fixture f;
    memset(&f, 0, sizeof f);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct mesh_fixture *f = *state;
    for (int i = 0; i < MESH_NODES; i++) {
        mesh_node_end(&f->nodes[i]);
    }
    return 0;
}

static void two_nodes_meet_by_one_seed_and_talk(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    mesh_send(a->mesh, 0xB1, (const uint8_t *)"hello", 5);
    mesh_send(b->mesh, 0, (const uint8_t *)"all", 3);
    mesh_until(f, a->message_count == 1 && b->message_count == 1);
    assert_int_equal(a->message_from, 0xB1);
    assert_int_equal(a->message_size, 3);
    assert_int_equal(b->message_from, 0xA1);
    assert_int_equal(b->message_size, 5);
    struct peer peer;
    uint8_t number = peers_find(&a->node->peers, 0xB1);
    assert_int_equal(number, 1);
    assert_true(peers_copy(&a->node->peers, number, &peer));
    assert_int_equal(io_address_port(&peer.heartbeat), b->port);
    assert_int_equal(io_address_port(&peer.fabric), 3001);
    assert_string_equal(peer.services, "127.0.0.1:3000");
    assert_string_equal(peer.alternates, "");
    assert_true(peers_copy(&a->node->peers, 0, &peer));
    assert_int_equal(peer.id, 0xA1);
}

static void nodes_that_dial_each_other_keep_one_link(void **state)
{
    struct mesh_fixture *f = *state;
    uint16_t ports[4] = {mesh_fixture_port(), mesh_fixture_port(), mesh_fixture_port(), 0};
    static const char *const ids[] = {"A1", "B1", "C1"};
    for (int i = 0; i < 3; i++) {
        mesh_node_start(&f->nodes[i], ids[i], ports[i], ports, "x"); // its own address among them
    }
    mesh_until(f, mesh_all_linked(f));
    mesh_until(f, mesh_link_count(&f->nodes[0]) == 2 && mesh_link_count(&f->nodes[1]) == 2 &&
                      mesh_link_count(&f->nodes[2]) == 2);
    for (int i = 0; i < 200; i++) {
        mesh_fixture_turn(f);
    }
    assert_true(mesh_all_linked(f));
    struct mesh_counters counters;
    for (int i = 0; i < 3; i++) {
        mesh_counters(f->nodes[i].mesh, &counters);
        assert_int_equal(f->nodes[i].gone_count, 0);
        assert_true(counters.received_self >= 1);
        assert_int_equal(counters.duplicate_id, 0);
    }
}

static void one_common_acquaintance_links_all(void **state)
{
    struct mesh_fixture *f = *state;
    mesh_node_start(&f->nodes[0], "A1", 0, NULL, "x");
    for (int i = 1; i < 10; i++) {
        char id[8];
        snprintf(id, sizeof id, "%X", 0xA1 + 7 * i % 10);
        mesh_node_start(&f->nodes[i], id, 0, (uint16_t[]){f->nodes[i - 1].port, 0}, "x");
    }
    mesh_until(f, mesh_all_linked(f));
    for (int i = 0; i < 10; i++) {
        mesh_until(f, mesh_link_count(&f->nodes[i]) == 9);
        assert_int_equal(f->nodes[i].gone_count, 0);
    }
}

static void crowd_that_starts_at_once_makes_few_links_in_vain(void **state)
{
    struct mesh_fixture *f = *state;
    uint16_t first = mesh_fixture_port();
    for (int i = 0; i < MESH_NODES; i++) {
        char id[8];
        snprintf(id, sizeof id, "%X", 0x1000 + i * 7 % MESH_NODES);
        mesh_node_start(&f->nodes[i], id, i == 0 ? first : 0, (uint16_t[]){first, 0}, "x");
    }
    mesh_until(f, mesh_all_linked(f));
    uint64_t opened = 0;
    for (int i = 0; i < MESH_NODES; i++) {
        struct mesh_counters counters;
        mesh_counters(f->nodes[i].mesh, &counters);
        opened += counters.opened;
    }
    assert_true(opened < MESH_NODES * (MESH_NODES - 1) * 3 / 2);
}

static void other_cluster_is_turned_away_and_both_say_why(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "blue");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "green");
    mesh_until(f, mesh_logged(a,
                              "it has cluster-name green, this node cluster-name blue; nodes of "
                              "one cluster need the same"));
    mesh_until(f, mesh_logged(b, "it has cluster-name blue, this node cluster-name green"));
    assert_int_equal(mesh_link_count(a), 0);
    assert_false(mesh_has_met(a->mesh));
    char error[CONFIG_NOTE_SIZE];
    assert_int_equal(config_value_set(b->node->config, NULL, false, "cluster-name", "blue", error),
                     RESULT_OK);
    mesh_until(f, mesh_all_linked(f));
}

static void same_id_twice_is_refused_with_both_hosts_named(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1], *c = &f->nodes[2];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    mesh_node_start(c, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    char text[128];
    snprintf(text, sizeof text, "refused, 127.0.0.1:%u has it already", b->port);
    struct mesh_counters counters;
    do {
        mesh_send(b->mesh, 0, (const uint8_t *)"alive", 5);
        mesh_fixture_turn(f);
        mesh_counters(a->mesh, &counters);
    } while (counters.duplicate_id == 0);
    assert_int_equal(counters.duplicate_id, 0xB1);
    assert_true(mesh_logged(a, text));
    snprintf(text, sizeof text, "refuses this node: the node at 127.0.0.1:%u has the same id B1",
             b->port);
    mesh_until(f, mesh_logged(c, text));
    mesh_counters(c->mesh, &counters);
    assert_int_equal(counters.duplicate_id, 0xB1);
    assert_true(mesh_linked(a, b));
    assert_int_equal(mesh_link_count(a), 1);
}

static void our_own_id_elsewhere_is_refused(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "A1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_logged(a, "two nodes have the id A1"));
    mesh_until(f, mesh_logged(b, "has the same id A1"));
    assert_int_equal(mesh_link_count(a), 0);
    assert_int_equal(mesh_link_count(b), 0);
}

static int stranger(uint16_t port, const void *bytes, size_t size)
{
    struct io_address address;
    int fd;
    assert_int_equal(io_address_parse("127.0.0.1", port, &address), RESULT_OK);
    assert_true(io_socket_connect(&address, &fd) != RESULT_IO);
    struct timespec pause = {.tv_nsec = 1000000};
    while (io_socket_connected(fd) != RESULT_OK) {
        nanosleep(&pause, NULL);
    }
    size_t sent = 0;
    assert_int_equal(io_socket_send(fd, bytes, size, &sent), RESULT_OK);
    return fd;
}

static bool is_closed(int fd)
{
    uint8_t bytes[64];
    size_t received;
    return io_socket_receive(fd, bytes, sizeof bytes, &received) == RESULT_CLOSED;
}

static void strangers_are_closed_with_a_word(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0];
    static const struct {
        const char *bytes;
        size_t size;
        const char *log;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, "is not the heartbeat protocol of Ballast"},
        {"\x00\x00\x00\x7f"
         "BH\x01\x01",
         8, "is not the heartbeat protocol of Ballast"},
        {"\x05\x00\x00\x00"
         "BH\x02\x01"
         "abcde",
         13, "speaks another version"},
        {"\x05\x00\x00\x00"
         "BH\x01\x04"
         "abcde",
         13, "does not greet first"},
        {"\x01\x20\x00\x00"
         "BH\x01\x01"
         "abcde",
         13, "does not greet first"},
        {"\x05\x00\x00\x00"
         "BH\x01\x01"
         "abcde",
         13, "is not the heartbeat protocol of Ballast"},
        {"\x05\x00\x00\x00"
         "BH\x01",
         7, "did not greet in time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mesh_node_start(a, "A1", 0, NULL, "x"); // the log has one line for a host
        int fd = stranger(a->port, cases[i].bytes, cases[i].size);
        mesh_until(f, is_closed(fd));
        close(fd);
        mesh_until(f, mesh_logged(a, cases[i].log));
        assert_int_equal(mesh_link_count(a), 0);
        mesh_node_end(a);
    }
}

static void crowd_of_strangers_keeps_no_node_out(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    int fds[150];
    mesh_node_start(a, "A1", 0, NULL, "x");
    for (int i = 0; i < 150; i++) {
        fds[i] = stranger(a->port, "\x05", 1);
        mesh_fixture_turn(f);
    }
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    for (int i = 0; i < 150; i++) {
        close(fds[i]);
    }
}

static void node_that_ended_is_gone_at_once(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1], *c = &f->nodes[2];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_node_start(c, "C1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    mesh_node_end(b);
    uint64_t start_ns = io_clock_monotonic_ns();
    mesh_until(f, a->gone_count == 1 && c->gone_count == 1);
    print_message("gone is known after %.1f ms\n",
                  (double)(io_clock_monotonic_ns() - start_ns) / 1e6);
    assert_int_equal(a->gone_id, 0xB1);
    assert_int_equal(c->gone_id, 0xB1);
    for (int i = 0; i < 300; i++) {
        mesh_fixture_turn(f);
    }
    assert_int_equal(a->gone_count, 1); // said once
}

static void node_that_comes_back_elsewhere_is_the_same(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    mesh_node_end(b);
    mesh_until(f, a->gone_count == 1);
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    assert_int_equal(peers_find(&a->node->peers, 0xB1), 1);
    struct peer peer;
    assert_true(peers_copy(&a->node->peers, 1, &peer));
    assert_int_equal(io_address_port(&peer.heartbeat), b->port);
}

static void cluster_with_all_addresses_changed_meets_by_seeds(void **state)
{
    struct mesh_fixture *f = *state;
    static const char *const ids[] = {"A1", "B1", "C1"};
    for (int round = 0; round < 2; round++) {
        uint16_t ports[] = {mesh_fixture_port(), mesh_fixture_port(), mesh_fixture_port(), 0};
        for (int i = 0; i < 3; i++) {
            mesh_node_start(&f->nodes[i], ids[i], ports[i], (uint16_t[]){ports[0], 0}, "x");
        }
        mesh_until(f, mesh_all_linked(f));
        for (int i = 0; i < 3; i++) {
            mesh_node_end(&f->nodes[i]);
        }
    }
}

static void tip_links_and_clearing_it_ends_no_link(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, NULL, "x");
    assert_false(mesh_has_seeds(a->mesh));
    assert_int_equal(mesh_tip(a->mesh, "localhost", b->port), RESULT_OK);
    assert_int_equal(mesh_tip(a->mesh, "localhost", b->port), RESULT_OK);
    assert_int_equal(mesh_tip(a->mesh, "", b->port), RESULT_PARAMETER);
    assert_true(mesh_has_seeds(a->mesh));
    mesh_until(f, mesh_all_linked(f));
    assert_int_equal(mesh_tip_clear(a->mesh, "localhost", 1), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(mesh_tip_clear(a->mesh, "localhost", b->port), RESULT_OK);
    assert_int_equal(mesh_tip_clear(a->mesh, NULL, 0), RESULT_OK);
    assert_false(mesh_has_seeds(a->mesh));
    for (int i = 0; i < 100; i++) {
        mesh_fixture_turn(f);
    }
    assert_true(mesh_all_linked(f));
}

static void seeds_settle_when_each_was_tried(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_fixture_turn(f);
    assert_true(a->settled);
    mesh_node_start(b, "B1", 0, (uint16_t[]){mesh_fixture_port(), 0}, "x");
    mesh_until(f, b->settled); // refused
    assert_int_equal(mesh_link_count(b), 0);
}

static void links_of_another_name_end_and_come_back(void **state)
{
    struct mesh_fixture *f = *state;
    struct mesh_node *a = &f->nodes[0], *b = &f->nodes[1];
    mesh_node_start(a, "A1", 0, NULL, "x");
    mesh_node_start(b, "B1", 0, (uint16_t[]){a->port, 0}, "x");
    mesh_until(f, mesh_all_linked(f));
    char error[CONFIG_NOTE_SIZE]; // another name and back again: all links close
    assert_int_equal(config_value_set(b->node->config, NULL, false, "cluster-name", "y", error),
                     RESULT_OK);
    mesh_until(f, !mesh_all_linked(f));
    assert_int_equal(config_value_set(b->node->config, NULL, false, "cluster-name", "x", error),
                     RESULT_OK);
    mesh_until(f, mesh_all_linked(f));
    assert_int_equal(b->gone_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_nodes_meet_by_one_seed_and_talk, start, end),
        cmocka_unit_test_setup_teardown(nodes_that_dial_each_other_keep_one_link, start, end),
        cmocka_unit_test_setup_teardown(one_common_acquaintance_links_all, start, end),
        cmocka_unit_test_setup_teardown(crowd_that_starts_at_once_makes_few_links_in_vain, start,
                                        end),
        cmocka_unit_test_setup_teardown(other_cluster_is_turned_away_and_both_say_why, start, end),
        cmocka_unit_test_setup_teardown(same_id_twice_is_refused_with_both_hosts_named, start, end),
        cmocka_unit_test_setup_teardown(our_own_id_elsewhere_is_refused, start, end),
        cmocka_unit_test_setup_teardown(strangers_are_closed_with_a_word, start, end),
        cmocka_unit_test_setup_teardown(crowd_of_strangers_keeps_no_node_out, start, end),
        cmocka_unit_test_setup_teardown(node_that_ended_is_gone_at_once, start, end),
        cmocka_unit_test_setup_teardown(node_that_comes_back_elsewhere_is_the_same, start, end),
        cmocka_unit_test_setup_teardown(cluster_with_all_addresses_changed_meets_by_seeds, start,
                                        end),
        cmocka_unit_test_setup_teardown(tip_links_and_clearing_it_ends_no_link, start, end),
        cmocka_unit_test_setup_teardown(seeds_settle_when_each_was_tried, start, end),
        cmocka_unit_test_setup_teardown(links_of_another_name_end_and_come_back, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
