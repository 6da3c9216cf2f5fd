// SPDX-License-Identifier: Apache-2.0
// Lists of peers and of hosts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "client/peers.h"
#include "wire/info.h"

static void peer_append(const struct client_peer *peer, void *arg)
{
    char *text = arg;
    text += strlen(text);
    text += sprintf(text, "%.*s(", (int)peer->name.size, peer->name.data);
    for (uint32_t i = 0; i < peer->host_count; i++) {
        text += sprintf(text, "%s%.*s|%u", i > 0 ? " " : "", (int)peer->hosts[i].host.size,
                        peer->hosts[i].host.data, peer->hosts[i].port);
    }
    sprintf(text, ")");
}

static void lists_of_peers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t generation;
        const char *peers;
    } cases[] = {
        {"2,3000,[]", 2, ""},
        {"0,,[]", 0, ""},
        {"7,3000,[[BB9020011AC4202,,[10.0.0.2]],[BB9030011AC4202,tls1,"
         "[10.0.0.3:3100,[fd00::3]:3100]]]",
         7, "BB9020011AC4202(10.0.0.2|3000)BB9030011AC4202(10.0.0.3|3100 fd00::3|3100)"},
        {"1,,[[A,,[db-1.example,[::1]]]]", 1, "A(db-1.example|3000 ::1|3000)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char peers[512] = "";
        uint64_t generation;
        uint32_t count;
        assert_int_equal(client_peers_parse(wire_info_slice(cases[i].text), &generation, &count,
                                            peer_append, peers),
                         RESULT_OK);
        assert_int_equal(generation, cases[i].generation);
        assert_string_equal(peers, cases[i].peers);
    }
}

static void broken_lists_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "x,3000,[]",
        "1,3000",
        "1,3000,[",
        "1,99999,[]",
        "1,3000,[]x",
        "1,3000,[[A,,[]]]",
        "1,3000,[[A,,[h:0]]]",
        "1,3000,[[A,,[h]]",
        "1,3000,[[A,,[h]],]",
        "1,3000,[[,,[h]]]",
        "1,3000,[[A,[h]]]",
        "1,3000,[[A,,[[::1]]]",
        "1,3000,[[AAAAAAAAAAAAAAAAAAAA,,[h]]]",
        "ERROR:4:unrecognized command",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char peers[512] = "";
        uint64_t generation;
        uint32_t count;
        assert_int_equal(
            client_peers_parse(wire_info_slice(cases[i]), &generation, &count, peer_append, peers),
            RESULT_MALFORMED);
    }
}

static void hosts_are_read_one_by_one(void **state)
{
    (void)state;
    struct base_slice list = wire_info_slice("db,10.0.0.1:3100,[::1],[fd00::2]:3200");
    static const struct {
        const char *host;
        uint16_t port;
    } expected[] = {{"db", 3000}, {"10.0.0.1", 3100}, {"::1", 3000}, {"fd00::2", 3200}};
    struct client_host host;
    for (size_t i = 0; i < 4; i++) {
        assert_true(client_host_next(&list, 3000, &host));
        assert_true(wire_info_equal(host.host, expected[i].host));
        assert_int_equal(host.port, expected[i].port);
    }
    assert_false(client_host_next(&list, 3000, &host));
    assert_int_equal(list.size, 0);

    static const char *const broken[] = {":3000", "db:", "db:x", "[::1", "db:3000x", "db]"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        list = wire_info_slice(broken[i]);
        assert_false(client_host_next(&list, 3000, &host));
        assert_int_not_equal(list.size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_peers_are_read),
        cmocka_unit_test(broken_lists_are_refused),
        cmocka_unit_test(hosts_are_read_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
