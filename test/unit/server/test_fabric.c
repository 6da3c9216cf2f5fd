// SPDX-License-Identifier: Apache-2.0
// Links between two nodes of one process, and strangers at the fabric port.
#include <errno.h>
#include <poll.h>

#include "fabric_fixture.h"
#include "server/fabric_hello.h"

enum { BODY_SIZE_MAX = 4 * 1024 * 1024 };

// What one thread with links heard.
struct end {
    struct node *node;
    struct io_loop *loop;
    struct fabric_links *links;
    struct fabric_source source; // of the last message
    uint8_t from;
    uint32_t heard;
    uint32_t lost;
    bool lost_reached;
    bool answers;
    struct message last;
    uint64_t body_sum, body_size;
};

struct fixture {
    struct node *node[2];
    struct end end[2];
    uint8_t peer[2]; // the number of the other one
};

static uint64_t sum_of(struct base_slice bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum = sum * 31 + bytes.data[i];
    }
    return sum;
}

static void hear(void *arg, const struct fabric_source *source, uint8_t from,
                 const struct message *messages, uint32_t count)
{
    struct end *end = arg;
    for (uint32_t i = 0; i < count; i++) {
        end->source = *source;
        end->from = from;
        end->heard++;
        end->last = messages[i];
        end->body_sum += sum_of(messages[i].body);
        end->body_size += messages[i].body.size;
        if (end->answers) {
            struct message answer = messages[i];
            answer.type = MESSAGE_ANSWER;
            assert_true(fabric_answer(source, &answer));
        }
    }
}

static void lose(void *arg, uint8_t peer, bool reached)
{
    struct end *end = arg;
    (void)peer;
    end->lost++;
    end->lost_reached = reached;
}

static void end_init(struct end *end, struct node *node, enum fabric_channel channel)
{
    const struct fabric_handler handler = {end, hear, lose};
    *end = (struct end){.node = node};
    assert_int_equal(io_loop_new(&end->loop), RESULT_OK);
    assert_int_equal(fabric_links_new(node, end->loop, node_counters_register(node), channel,
                                      &handler, &end->links),
                     RESULT_OK);
}

static void end_fini(struct end *end)
{
    fabric_links_free(&end->links);
    io_loop_free(&end->loop);
}

static int setup_named(void **state, const char *const namespaces[2], const char *const names[2])
{
    struct fixture *f = calloc(1, sizeof *f);
    for (int i = 0; i < 2; i++) {
        f->node[i] = fabric_fixture_node(namespaces[i], i == 0 ? "A1" : "B2", names[i]);
    }
    for (int i = 0; i < 2; i++) {
        f->peer[i] = fabric_fixture_introduce(f->node[i], f->node[1 - i],
                                              fabric_port(f->node[1 - i]->fabric));
        end_init(&f->end[i], f->node[i], FABRIC_SERVICE);
    }
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_named(state, (const char *[]){"test", "test"}, (const char *[]){"c", "c"});
}

static int setup_numbers(void **state)
{
    return setup_named(state, (const char *[]){"zebra,test", "zebra,other,test"},
                       (const char *[]){"c", "c"});
}

static int setup_strangers(void **state)
{
    return setup_named(state, (const char *[]){"test", "test"}, (const char *[]){"c", "d"});
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        if (f->end[i].links != NULL) {
            end_fini(&f->end[i]);
        }
        if (f->node[i] != NULL) {
            fabric_fixture_node_end(&f->node[i]);
        }
    }
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 2; i++) {
        if (f->end[i].links != NULL) {
            fabric_links_flush(f->end[i].links);
            io_loop_run_once(f->end[i].loop, 1);
            fabric_links_flush(f->end[i].links);
        }
    }
}

#define turn_until(f, fact)                                                                        \
    do {                                                                                           \
        uint64_t end_ns = io_clock_monotonic_ns() + FABRIC_DEADLINE_MS * 1000000ull;               \
        while (!(fact)) {                                                                          \
            if (io_clock_monotonic_ns() > end_ns) {                                                \
                fail_msg("it never came true: %s", #fact);                                         \
            }                                                                                      \
            turn(f);                                                                               \
        }                                                                                          \
    } while (0)

static struct message message_of(uint8_t type, uint64_t id, const void *body, size_t size)
{
    return (struct message){
        .type = type, .id = id, .key = 77, .partition = 4000, .body = {body, size}};
}

static void a_question_reaches_the_other_node_and_its_answer_comes_back(void **state)
{
    struct fixture *f = *state;
    f->end[1].answers = true;
    struct message ask = message_of(MESSAGE_ASK, 42, "digest", 6);
    assert_true(fabric_send(f->end[0].links, f->peer[0], &ask));
    turn_until(f, f->end[0].heard == 1);
    assert_int_equal(f->end[1].heard, 1);
    assert_int_equal(f->end[1].from, f->peer[1]);
    assert_int_equal(f->end[0].from, f->peer[0]);
    assert_int_equal(f->end[0].last.type, MESSAGE_ANSWER);
    assert_int_equal(f->end[0].last.id, 42);
    assert_int_equal(f->end[0].last.key, 77);
    assert_int_equal(f->end[0].last.partition, 4000);
    assert_int_equal(f->end[0].body_size, 6);
    assert_int_equal(f->end[0].lost, 0);
}

static void messages_of_any_size_arrive_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 100, 65000, 262144, 262112, 3000000, 5, BODY_SIZE_MAX};
    uint8_t *body = malloc(BODY_SIZE_MAX);
    uint64_t sum = 0, size = 0;
    uint32_t sent = 0;
    for (size_t i = 0; i < BODY_SIZE_MAX; i++) {
        body[i] = (uint8_t)(i * 7 + i / 251);
    }
    for (uint32_t i = 0; i < 1000 + sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = i < 1000 ? i % 300 : sizes[i - 1000];
        struct message write = message_of(MESSAGE_WRITE, i, body, n);
        if (!fabric_send(f->end[0].links, f->peer[0], &write)) {
            turn_until(f, fabric_send(f->end[0].links, f->peer[0], &write));
        }
        sum += sum_of(write.body);
        size += n;
        sent++;
    }
    turn_until(f, f->end[1].heard == sent);
    assert_int_equal(f->end[1].body_size, size);
    assert_int_equal(f->end[1].body_sum, sum);
    assert_int_equal(f->end[1].last.id, sent - 1);
    free(body);
}

static void namespaces_are_translated_between_nodes_that_number_them_differently(void **state)
{
    struct fixture *f = *state; // {test, zebra} and {other, test, zebra}
    struct message write = message_of(MESSAGE_WRITE, 1, NULL, 0);
    write.namespace_number = 1; // zebra
    f->end[1].answers = true;
    assert_true(fabric_send(f->end[0].links, f->peer[0], &write));
    turn_until(f, f->end[0].heard == 1);
    assert_int_equal(f->end[1].last.namespace_number, 2);
    assert_int_equal(f->end[0].last.namespace_number, 1);
    // A namespace that the other node does not have.
    write.namespace_number = 0;
    assert_true(fabric_send(f->end[1].links, f->peer[1], &write));
    turn_until(f, f->end[0].heard == 2);
    assert_int_equal(f->end[0].last.namespace_number, MESSAGE_NO_NAMESPACE);
}

static void a_peer_that_reads_nothing_is_sent_no_more_than_a_bounded_lot(void **state)
{
    struct fixture *f = *state;
    static uint8_t body[1024 * 1024];
    struct message write = message_of(MESSAGE_WRITE, 1, body, sizeof body);
    uint32_t taken = 0;
    while (taken < 1000 && fabric_send(f->end[0].links, f->peer[0], &write)) {
        fabric_links_flush(f->end[0].links);
        taken++;
    }
    assert_true(taken >= 8 && taken < 100);
    assert_true(fabric_unsent(f->end[0].links, f->peer[0]) <= 16u * 1024 * 1024);
    turn_until(f, f->end[1].heard == taken);
    assert_true(fabric_send(f->end[0].links, f->peer[0], &write));
}

struct ears {
    _Atomic uint64_t refused;
    _Atomic uint64_t from;
    _Atomic uint32_t delivered;
    struct message message;
};

static void on_deliver(void *arg, uint64_t from, const uint8_t *bytes, uint32_t size)
{
    struct ears *ears = arg;
    uint32_t parsed;
    assert_int_equal(message_parse(bytes, size, &ears->message, &parsed), RESULT_OK);
    assert_int_equal(parsed, size);
    atomic_store(&ears->from, from);
    atomic_fetch_add(&ears->delivered, 1);
}

static void on_refused(void *arg, uint64_t id)
{
    atomic_store(&((struct ears *)arg)->refused, id);
}

static void a_node_whose_process_is_gone_is_lost_and_then_refused(void **state)
{
    struct fixture *f = *state;
    struct ears ears = {0};
    const struct fabric_ears set = {&ears, on_deliver, on_refused};
    fabric_ears_set(f->node[0]->fabric, &set);
    struct message write = message_of(MESSAGE_WRITE, 1, "x", 1);
    uint64_t id = f->node[1]->identity.id;
    assert_true(fabric_send(f->end[0].links, f->peer[0], &write));
    turn_until(f, f->end[1].heard == 1);
    end_fini(&f->end[1]);
    fabric_fixture_node_end(&f->node[1]);
    turn_until(f, f->end[0].lost == 1);
    assert_true(f->end[0].lost_reached);
    while (atomic_load(&ears.refused) != id) {
        fabric_send(f->end[0].links, f->peer[0], &write);
        turn(f);
    }
    fabric_ears_set(f->node[0]->fabric, NULL);
}

static void control_messages_are_posted_by_any_thread_and_delivered_with_our_numbers(void **state)
{
    struct fixture *f = *state;
    struct ears ears = {0};
    const struct fabric_ears set = {&ears, on_deliver, on_refused};
    fabric_ears_set(f->node[1]->fabric, &set);
    struct message message = message_of(MESSAGE_PARTITION, 9, NULL, 0);
    message.namespace_number = 1; // zebra
    uint8_t bytes[MESSAGE_HEADER_SIZE];
    message_header_store(bytes, &message, 0);
    for (int i = 0; i < 100; i++) {
        fabric_post(f->node[0]->fabric, f->peer[0], bytes, sizeof bytes);
    }
    turn_until(f, atomic_load(&ears.delivered) == 100);
    assert_int_equal(atomic_load(&ears.from), f->node[0]->identity.id);
    assert_int_equal(ears.message.namespace_number, 2);
    assert_int_equal(ears.message.id, 9);
    fabric_ears_set(f->node[1]->fabric, NULL);
}

static void a_link_to_a_cluster_of_another_name_is_turned_away(void **state)
{
    struct fixture *f = *state;
    struct message write = message_of(MESSAGE_WRITE, 1, "x", 1);
    assert_true(fabric_send(f->end[0].links, f->peer[0], &write));
    turn_until(f, f->end[0].lost == 1);
    assert_int_equal(f->end[1].heard, 0);
}

static int connect_to(struct node *node)
{
    struct io_address address = fabric_fixture_address(fabric_port(node->fabric));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &address.any, sizeof address.v4), 0);
    return fd;
}

// Whether the node closes what a stranger opened and said this on.
static void is_closed(int fd)
{
    char byte;
    struct timeval wait = {.tv_sec = FABRIC_DEADLINE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ssize_t got = recv(fd, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    close(fd);
}

static void strangers_are_closed_whatever_they_say(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[4096];
    memset(bytes, 'G', sizeof bytes);
    int fd = connect_to(f->node[0]); // not of this language
    assert_int_equal(send(fd, bytes, 100, 0), 100);
    is_closed(fd);

    struct message hello = {.type = MESSAGE_HELLO, .namespace_number = MESSAGE_NO_NAMESPACE};
    fd = connect_to(f->node[0]); // announces more than any HELLO has
    message_header_store(bytes, &hello, 100000);
    assert_int_equal(send(fd, bytes, MESSAGE_HEADER_SIZE, 0), MESSAGE_HEADER_SIZE);
    is_closed(fd);

    fd = connect_to(f->node[0]); // does not begin with a HELLO
    hello.type = MESSAGE_WRITE;
    message_header_store(bytes, &hello, 10);
    assert_int_equal(send(fd, bytes, MESSAGE_HEADER_SIZE, 0), MESSAGE_HEADER_SIZE);
    is_closed(fd);

    fd = connect_to(f->node[0]); // a HELLO of nonsense
    hello.type = MESSAGE_HELLO;
    message_header_store(bytes, &hello, 40);
    assert_int_equal(send(fd, bytes, MESSAGE_HEADER_SIZE + 40, 0), MESSAGE_HEADER_SIZE + 40);
    is_closed(fd);

    fd = connect_to(f->node[0]); // says nothing
    is_closed(fd);
}

static void a_peer_that_says_nonsense_later_is_closed_and_may_come_back(void **state)
{
    struct fixture *f = *state;
    uint8_t body[FABRIC_HELLO_SIZE_MAX], bytes[4096];
    struct fabric__hello hello = {.node_id = f->node[1]->identity.id,
                                  .incarnation = 1,
                                  .channel = FABRIC_SERVICE,
                                  .cluster_name = {(const uint8_t *)"c", 1}};
    struct message message = {.type = MESSAGE_HELLO, .namespace_number = MESSAGE_NO_NAMESPACE};
    uint32_t size = fabric__hello_encode(&hello, body);
    message_header_store(bytes, &message, size);
    memcpy(bytes + MESSAGE_HEADER_SIZE, body, size);
    size += MESSAGE_HEADER_SIZE;
    memset(bytes + size, 0xee, 100);
    int fd = connect_to(f->node[0]);
    assert_int_equal(send(fd, bytes, size + 100, 0), size + 100);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t got = 1;
    turn_until(f, poll(&wait, 1, 0) == 1 &&
                      ((got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) == 0 || got < 0));
    close(fd);
    struct message write = message_of(MESSAGE_WRITE, 1, "x", 1);
    assert_true(fabric_send(f->end[1].links, f->peer[1], &write));
    turn_until(f, f->end[0].heard == 1);
}

static void an_answer_to_a_link_that_is_gone_goes_nowhere(void **state)
{
    struct fixture *f = *state;
    struct message ask = message_of(MESSAGE_ASK, 1, NULL, 0);
    assert_true(fabric_send(f->end[0].links, f->peer[0], &ask));
    turn_until(f, f->end[1].heard == 1);
    assert_true(fabric_answer(&f->end[1].source, &ask));
    end_fini(&f->end[0]);
    f->end[0] = (struct end){0};
    turn_until(f, !fabric_answer(&f->end[1].source, &ask));
}

static void each_hello_that_is_cut_or_bent_is_refused(void **state)
{
    (void)state;
    uint8_t body[FABRIC_HELLO_SIZE_MAX];
    struct fabric__hello hello = {
        .node_id = 5,
        .channel = FABRIC_SYNC,
        .cluster_name = {(const uint8_t *)"cake", 4},
        .namespace_count = 2,
        .namespaces = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bc", 2}}};
    struct fabric__hello out;
    uint32_t size = fabric__hello_encode(&hello, body);
    assert_int_equal(fabric__hello_decode((struct base_slice){body, size}, &out), RESULT_OK);
    assert_int_equal(out.node_id, 5);
    assert_int_equal(out.channel, FABRIC_SYNC);
    assert_int_equal(out.namespace_count, 2);
    assert_memory_equal(out.namespaces[1].data, "bc", 2);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(fabric__hello_decode((struct base_slice){body, i}, &out),
                         RESULT_MALFORMED);
    }
    assert_int_equal(fabric__hello_decode((struct base_slice){body, size + 1}, &out),
                     RESULT_MALFORMED);
    for (uint32_t i = 0; i < 8; i++) {
        uint8_t kept = body[i];
        body[i] = 0xff;
        assert_int_equal(fabric__hello_decode((struct base_slice){body, size}, &out),
                         RESULT_MALFORMED);
        body[i] = kept;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question_reaches_the_other_node_and_its_answer_comes_back),
        TEST(messages_of_any_size_arrive_whole_and_in_order),
        cmocka_unit_test_setup_teardown(
            namespaces_are_translated_between_nodes_that_number_them_differently, setup_numbers,
            teardown),
        TEST(a_peer_that_reads_nothing_is_sent_no_more_than_a_bounded_lot),
        TEST(a_node_whose_process_is_gone_is_lost_and_then_refused),
        cmocka_unit_test_setup_teardown(
            control_messages_are_posted_by_any_thread_and_delivered_with_our_numbers, setup_numbers,
            teardown),
        cmocka_unit_test_setup_teardown(a_link_to_a_cluster_of_another_name_is_turned_away,
                                        setup_strangers, teardown),
        TEST(strangers_are_closed_whatever_they_say),
        TEST(a_peer_that_says_nonsense_later_is_closed_and_may_come_back),
        TEST(an_answer_to_a_link_that_is_gone_goes_nowhere),
        cmocka_unit_test(each_hello_that_is_cut_or_bent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
