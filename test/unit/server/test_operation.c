// SPDX-License-Identifier: Apache-2.0
// Requests that need another node: two nodes in one process, each with one service thread, whose
// places the tests set by hand. Clients are socket pairs.
#include <errno.h>
#include <fcntl.h>

#include "base/digest.h"
#include "fabric_fixture.h"
#include "server/operation.h"
#include "server/service.h"
#include "wire/frame.h"

enum { ANSWERS_SIZE = 8 * 1024 * 1024, TIMEOUT_MS = 20000, KEY = 7 };

struct side {
    struct node *node;
    struct namespace *ns;
    uint8_t other; // the other node's number here
    int client;    // our end of a connection to it; -1: none
};

struct fixture {
    struct side a, b;
    uint8_t request[8 * 1024 * 1024];
    size_t size;
    uint8_t *answers;
    size_t answers_size;
    struct wire_message answer;
};

// --- setting up ---

static int client_of(struct node *node)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(connection_adopt(&node->service->threads[0], fds[0], CONNECTION_CLIENT, "x"),
                     RESULT_OK);
    struct timeval wait = {.tv_sec = FABRIC_DEADLINE_MS / 1000};
    setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fds[1];
}

static void side_start(struct side *side, const char *id)
{
    side->node = fabric_fixture_node("test", id, "c");
    side->ns = &side->node->namespaces[0];
    side->ns->replica->tombstones = true;
    assert_int_equal(service_start(side->node, &side->node->service), RESULT_OK);
    side->client = client_of(side->node);
}

static void side_stop(struct side *side)
{
    if (side->client >= 0) {
        close(side->client);
        side->client = -1;
    }
    if (side->node != NULL) {
        service_stop(&side->node->service);
        fabric_fixture_node_end(&side->node);
    }
}

static void meet(struct side *side, const struct side *other)
{
    side->other =
        fabric_fixture_introduce(side->node, other->node, fabric_port(other->node->fabric));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->answers = malloc(ANSWERS_SIZE);
    side_start(&f->a, "A1");
    side_start(&f->b, "B2");
    meet(&f->a, &f->b);
    meet(&f->b, &f->a);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    side_stop(&f->a);
    side_stop(&f->b);
    free(f->answers);
    free(f);
    return 0;
}

// --- places ---

static struct node_set only(uint8_t number)
{
    struct node_set set = {0};
    node_set_add(&set, number);
    return set;
}

static void place_all(struct side *side, const struct place *place)
{
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        replica_place_set(side->ns->replica, i, place);
    }
    service_places_changed(side->node, side->ns->cluster_number);
}

static void freeze(struct side *side)
{
    place_all(side, &(struct place){.master = PLACE_NOBODY});
}

static struct place master_of(uint64_t key, struct node_set writes)
{
    return (struct place){.key = key,
                          .lineage = key,
                          .writes = writes,
                          .master = PLACE_SELF,
                          .role = PLACE_MASTER,
                          .full = true};
}

static struct place replica_of(uint64_t key, uint8_t master, bool full)
{
    return (struct place){
        .key = key, .lineage = key, .master = master, .role = PLACE_REPLICA, .full = full};
}

// A is master of all and B holds a full copy.
static void pair(struct fixture *f, uint64_t key)
{
    struct place master = master_of(key, only(f->a.other));
    struct place replica = replica_of(key, f->b.other, true);
    place_all(&f->b, &replica);
    place_all(&f->a, &master);
}

// A is master of all and alone; B holds nothing.
static void alone(struct fixture *f, uint64_t key)
{
    struct place master = master_of(key, (struct node_set){0});
    struct place nothing = {.key = key, .master = f->b.other, .role = PLACE_NONE};
    place_all(&f->b, &nothing);
    place_all(&f->a, &master);
}

// --- messages ---

static void digest_of(uint32_t id, uint8_t digest[LIMIT_DIGEST_SIZE])
{
    uint64_t x = id * 0x9E3779B97F4A7C15ull + 1;
    for (int i = 0; i < LIMIT_DIGEST_SIZE; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        digest[i] = (uint8_t)(x >> 32);
    }
}

struct ask {
    uint8_t info1, info2, info3;
    uint32_t id;
    uint32_t timeout_ms;
    uint8_t op;
    int64_t value;
    uint32_t pad; // bytes of a second bin, "s"
};

// Adds a framed request to what is sent next.
static void add(struct fixture *f, struct ask ask)
{
    uint8_t digest[LIMIT_DIGEST_SIZE], number[8];
    uint8_t *begin = f->request + f->size, *at = begin + WIRE_FRAME_HEADER_SIZE;
    struct wire_message_header header = {.info1 = ask.info1,
                                         .info2 = ask.info2,
                                         .info3 = ask.info3,
                                         .transaction_ttl = ask.timeout_ms,
                                         .field_count = 3,
                                         .op_count = (uint16_t)((ask.op != 0) + (ask.pad > 0))};
    wire_message_header_store(at, &header);
    at += WIRE_MESSAGE_HEADER_SIZE;
    digest_of(ask.id, digest);
    at = wire_field_store(at, WIRE_FIELD_NAMESPACE, "test", 4);
    at = wire_field_store(at, WIRE_FIELD_SET, "demo", 4);
    at = wire_field_store(at, WIRE_FIELD_DIGEST, digest, sizeof digest);
    if (ask.op != 0) {
        base_be64_store(number, (uint64_t)ask.value);
        at = wire_op_store(at, ask.op, WIRE_PARTICLE_INTEGER, "i", 1, 8);
        memcpy(at, number, 8);
        at += 8;
    }
    if (ask.pad > 0) {
        at = wire_op_store(at, ask.op, WIRE_PARTICLE_STRING, "s", 1, ask.pad);
        memset(at, 'x', ask.pad);
        at += ask.pad;
    }
    wire_frame_header_store(begin, WIRE_FRAME_MESSAGE,
                            (size_t)(at - begin) - WIRE_FRAME_HEADER_SIZE);
    f->size += (size_t)(at - begin);
}

static void add_write(struct fixture *f, uint32_t id, int64_t value)
{
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                        .id = id,
                        .timeout_ms = TIMEOUT_MS,
                        .op = WIRE_OP_WRITE,
                        .value = value});
}

static void add_read(struct fixture *f, uint32_t id)
{
    add(f, (struct ask){
               .info1 = WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, .id = id, .timeout_ms = TIMEOUT_MS});
}

static void send_all(struct fixture *f, struct side *to)
{
    for (size_t sent = 0; sent < f->size;) {
        ssize_t count = send(to->client, f->request + sent, f->size - sent, MSG_NOSIGNAL);
        assert_true(count > 0);
        sent += (size_t)count;
    }
    f->size = 0;
}

// Takes the next answer off the connection; its result code.
static uint8_t take(struct fixture *f, struct side *from)
{
    for (;;) {
        struct wire_frame frame;
        size_t size, message_size;
        if (wire_frame_parse(f->answers, f->answers_size, &frame, &size) == RESULT_OK) {
            static uint8_t body[ANSWERS_SIZE];
            memcpy(body, frame.body, frame.body_size);
            memmove(f->answers, f->answers + size, f->answers_size - size);
            f->answers_size -= size;
            assert_int_equal(wire_message_parse(body, frame.body_size, &f->answer, &message_size),
                             RESULT_OK);
            return f->answer.header.result_code;
        }
        ssize_t got =
            recv(from->client, f->answers + f->answers_size, ANSWERS_SIZE - f->answers_size, 0);
        if (got <= 0) {
            fail_msg("no answer came");
        }
        f->answers_size += (size_t)got;
    }
}

// The value of bin "i" in the last answer.
static int64_t value_of(const struct fixture *f)
{
    struct wire_ops ops = f->answer.ops;
    struct wire_op op;
    assert_true(wire_ops_next(&ops, &op));
    assert_int_equal(op.value_size, 8);
    return (int64_t)base_be64_load(op.value);
}

static bool answers_nothing(struct side *side)
{
    uint8_t byte;
    return recv(side->client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static uint8_t put(struct fixture *f, struct side *side, uint32_t id, int64_t value)
{
    add_write(f, id, value);
    send_all(f, side);
    return take(f, side);
}

static uint8_t get(struct fixture *f, struct side *side, uint32_t id)
{
    add_read(f, id);
    send_all(f, side);
    return take(f, side);
}

// The generation of what a node's store has; 0: nothing that lives.
static uint32_t stored(struct side *side, uint32_t id)
{
    uint8_t digest[LIMIT_DIGEST_SIZE];
    struct store_cursor cursor;
    struct store_record record = {0};
    digest_of(id, digest);
    store_acquire(side->ns->store, digest, io_clock_epoch_s(), &cursor);
    if (cursor.record != NULL) {
        store_record_decode(cursor.record, &record);
    }
    store_release(&cursor);
    return record.generation;
}

static uint64_t counted(struct side *side, size_t offset)
{
    return node_namespace_counter(side->node, side->ns->number, offset);
}
#define COUNTED(side, name) counted(side, offsetof(struct counters_namespace, name))

#define until(fact)                                                                                \
    do {                                                                                           \
        uint64_t end_ns = io_clock_monotonic_ns() + FABRIC_DEADLINE_MS * 1000000ull;               \
        while (!(fact)) {                                                                          \
            if (io_clock_monotonic_ns() > end_ns) {                                                \
                fail_msg("it never came true: %s", #fact);                                         \
            }                                                                                      \
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);                               \
        }                                                                                          \
    } while (0)

static uint32_t waiting(struct side *side)
{
    uint32_t all, proxied;
    service_operations_count(side->node, &all, &proxied);
    return all;
}

static uint32_t in_flight(struct side *side)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        struct place place;
        replica_place_copy(side->ns->replica, i, &place);
        sum += place.in_flight;
    }
    return sum;
}

// --- tests ---

static void a_write_is_on_the_replica_when_the_client_hears_of_it(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(put(f, &f->a, i % 10, i), RESULT_OK);
        assert_int_equal(f->answer.header.generation, i / 10 + 1);
        assert_int_equal(stored(&f->b, i % 10), i / 10 + 1);
    }
    assert_int_equal(in_flight(&f->a), 0);
    assert_int_equal(waiting(&f->a), 0);
    assert_int_equal(COUNTED(&f->a, client_write_success), 100);
    assert_int_equal(COUNTED(&f->b, client_write_success), 0);
}

static void a_full_replica_answers_reads_by_itself(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    assert_int_equal(put(f, &f->a, 1, 11), RESULT_OK);
    assert_int_equal(get(f, &f->b, 1), RESULT_OK);
    assert_int_equal(value_of(f), 11);
    assert_int_equal(COUNTED(&f->b, client_read_success), 1);
    assert_int_equal(COUNTED(&f->a, from_proxy_read_success), 0);
}

static void a_node_that_is_not_the_master_passes_requests_on(void **state)
{
    struct fixture *f = *state;
    alone(f, KEY);
    assert_int_equal(put(f, &f->b, 1, 5), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
    assert_int_equal(stored(&f->a, 1), 1);
    assert_int_equal(stored(&f->b, 1), 0);
    assert_int_equal(get(f, &f->b, 1), RESULT_OK);
    assert_int_equal(value_of(f), 5);
    assert_int_equal(get(f, &f->b, 2), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(COUNTED(&f->b, client_proxy_complete), 3);
    assert_int_equal(COUNTED(&f->b, client_read_success), 0);
    assert_int_equal(COUNTED(&f->a, from_proxy_write_success), 1);
    assert_int_equal(COUNTED(&f->a, from_proxy_read_success), 1);
    assert_int_equal(COUNTED(&f->a, from_proxy_read_not_found), 1);
    // Through a replica to the master, that replicates to it.
    pair(f, KEY + 1);
    assert_int_equal(put(f, &f->b, 3, 7), RESULT_OK);
    assert_int_equal(stored(&f->a, 3), 1);
    assert_int_equal(stored(&f->b, 3), 1);
}

static void without_a_view_requests_wait_for_one(void **state)
{
    struct fixture *f = *state;
    freeze(&f->a);
    add_write(f, 1, 1);
    add_read(f, 1);
    send_all(f, &f->a);
    until(waiting(&f->a) == 2);
    assert_true(answers_nothing(&f->a));
    alone(f, KEY);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(value_of(f), 1);
    until(waiting(&f->a) == 0);
}

static void a_request_that_waited_in_vain_is_told_that_nothing_happened(void **state)
{
    struct fixture *f = *state;
    freeze(&f->a);
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE, .id = 1, .timeout_ms = 30, .op = WIRE_OP_WRITE});
    send_all(f, &f->a);
    assert_int_equal(take(f, &f->a), RESULT_PARTITION_UNAVAILABLE);
    until(waiting(&f->a) == 0);
    alone(f, KEY);
    assert_int_equal(get(f, &f->a, 1), RESULT_RECORD_NOT_FOUND);
}

static void a_write_that_not_all_replicas_acknowledge_ends_in_doubt(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add(f,
        (struct ask){.info2 = WIRE_INFO2_WRITE, .id = 1, .timeout_ms = 100, .op = WIRE_OP_WRITE});
    send_all(f, &f->a);
    assert_int_equal(take(f, &f->a), RESULT_TIMEOUT);
    assert_int_equal(COUNTED(&f->a, client_write_timeout), 1);
    assert_int_equal(stored(&f->a, 1), 1);
    assert_int_equal(stored(&f->b, 1), 0);
    // The replica does not stay behind for that.
    assert_int_equal(in_flight(&f->a), 1);
    pair(f, KEY);
    until(in_flight(&f->a) == 0);
    assert_int_equal(stored(&f->b, 1), 1);
    assert_true(COUNTED(&f->a, retransmit_all_write_repl_write) > 0);
    assert_int_equal(COUNTED(&f->a, client_write_success), 0);
    until(waiting(&f->a) == 0);
}

static void a_replica_that_comes_late_into_the_view_still_gets_the_write(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add_write(f, 1, 1);
    send_all(f, &f->a);
    until(in_flight(&f->a) == 1);
    assert_true(answers_nothing(&f->a));
    pair(f, KEY);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(stored(&f->b, 1), 1);
    until(in_flight(&f->a) == 0);
}

static void a_write_outlives_the_view_in_which_it_began(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add_write(f, 1, 1);
    send_all(f, &f->a);
    until(in_flight(&f->a) == 1);
    alone(f, KEY + 1); // the replica is gone
    assert_int_equal(take(f, &f->a), RESULT_OK);
    until(in_flight(&f->a) == 0);
}

static void a_write_is_given_to_the_new_master(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add_write(f, 1, 9);
    send_all(f, &f->a);
    until(in_flight(&f->a) == 1);
    struct place master = master_of(KEY + 1, only(f->b.other));
    struct place replica = replica_of(KEY + 1, f->a.other, true);
    place_all(&f->b, &master);
    place_all(&f->a, &replica);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(stored(&f->b, 1), 1);
    until(waiting(&f->a) == 0 && waiting(&f->b) == 0);
    assert_int_equal(in_flight(&f->a), 0);
    assert_int_equal(in_flight(&f->b), 0);
}

static void a_write_in_flight_survives_the_end_of_its_replica(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    assert_int_equal(put(f, &f->a, 1, 1), RESULT_OK);
    freeze(&f->b);
    for (uint32_t i = 0; i < 20; i++) {
        add_write(f, i, 2);
    }
    send_all(f, &f->a);
    until(in_flight(&f->a) == 20);
    side_stop(&f->b);
    struct place master = master_of(KEY + 1, (struct node_set){0});
    place_all(&f->a, &master);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(take(f, &f->a), RESULT_OK);
    }
    until(waiting(&f->a) == 0);
    assert_int_equal(in_flight(&f->a), 0);
}

static void a_passed_on_write_whose_node_died_is_in_doubt_and_a_read_goes_elsewhere(void **state)
{
    struct fixture *f = *state;
    alone(f, KEY);
    assert_int_equal(put(f, &f->b, 1, 1), RESULT_OK);     // the link is there
    struct place deaf = master_of(KEY, only(f->a.other)); // and now A waits for a view of B
    place_all(&f->a, &deaf);
    freeze(&f->b);
    struct place passes = {.key = KEY + 1, .master = f->b.other, .role = PLACE_NONE};
    uint8_t digest[LIMIT_DIGEST_SIZE];
    digest_of(2, digest);
    replica_place_set(f->b.ns->replica, base_digest_partition(digest), &passes);
    digest_of(3, digest);
    replica_place_set(f->b.ns->replica, base_digest_partition(digest), &passes);
    struct place asks = deaf; // it asks B, that is in no view, before it reads
    asks.duplicates = only(f->a.other);
    replica_place_set(f->a.ns->replica, base_digest_partition(digest), &asks);
    add_write(f, 2, 1);
    add_read(f, 3);
    send_all(f, &f->b);
    until(waiting(&f->a) == 2);
    side_stop(&f->a);
    assert_int_equal(take(f, &f->b), RESULT_TIMEOUT);
    struct place master = master_of(KEY + 1, (struct node_set){0});
    place_all(&f->b, &master);
    assert_int_equal(take(f, &f->b), RESULT_RECORD_NOT_FOUND);
    until(waiting(&f->b) == 0);
}

static void a_node_that_is_no_longer_master_has_the_request_routed_again(void **state)
{
    struct fixture *f = *state;
    alone(f, KEY);
    struct place nobody = {.key = KEY + 1, .master = PLACE_NOBODY, .role = PLACE_NONE};
    place_all(&f->a, &nobody);
    add_write(f, 1, 1);
    send_all(f, &f->b); // believes that A is the master
    until(waiting(&f->b) == 1 && COUNTED(&f->a, from_proxy_write_error) > 0);
    assert_true(answers_nothing(&f->b));
    struct place master = master_of(KEY + 1, (struct node_set){0});
    place_all(&f->b, &master);
    assert_int_equal(take(f, &f->b), RESULT_OK);
    assert_int_equal(stored(&f->b, 1), 1);
    assert_int_equal(stored(&f->a, 1), 0);
}

static void what_another_node_may_have_newer_is_asked_for_first(void **state)
{
    struct fixture *f = *state;
    struct place master = master_of(KEY, (struct node_set){0});
    place_all(&f->b, &master);
    assert_int_equal(put(f, &f->b, 1, 100), RESULT_OK);
    assert_int_equal(put(f, &f->b, 1, 101), RESULT_OK);
    alone(f, KEY);
    assert_int_equal(put(f, &f->a, 2, 200), RESULT_OK);
    master = master_of(KEY + 1, only(f->a.other));
    master.duplicates = only(f->a.other);
    struct place replica = replica_of(KEY + 1, f->b.other, false);
    place_all(&f->b, &replica);
    place_all(&f->a, &master);
    assert_int_equal(get(f, &f->a, 1), RESULT_OK);
    assert_int_equal(value_of(f), 101);
    assert_int_equal(get(f, &f->a, 2), RESULT_OK);
    assert_int_equal(get(f, &f->a, 3), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(COUNTED(&f->a, dup_res_ask), 3);
    assert_int_equal(COUNTED(&f->b, dup_res_respond_read), 1);
    assert_int_equal(COUNTED(&f->b, dup_res_respond_no_read), 2);
    // A write goes on from there; one through the replica is passed on and asks as well.
    assert_int_equal(put(f, &f->a, 1, 102), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 3);
    assert_int_equal(put(f, &f->b, 1, 103), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 4);
    assert_int_equal(stored(&f->b, 1), 4);
}

static void what_a_read_takes_from_a_duplicate_is_on_the_replicas_first(void **state)
{
    struct fixture *f = *state;
    struct place master = master_of(KEY, (struct node_set){0});
    place_all(&f->b, &master);
    assert_int_equal(put(f, &f->b, 1, 100), RESULT_OK);
    // B has the only copy, and shall also be told of what is taken from it.
    master = master_of(KEY + 1, only(f->a.other));
    master.duplicates = only(f->a.other);
    struct place replica = replica_of(KEY + 1, f->b.other, false);
    place_all(&f->b, &replica);
    place_all(&f->a, &master);
    assert_int_equal(get(f, &f->a, 1), RESULT_OK);
    assert_int_equal(value_of(f), 100);
    assert_int_equal(stored(&f->a, 1), 1);
    assert_int_equal(in_flight(&f->a), 0);
    assert_int_equal(COUNTED(&f->a, client_read_success), 1);
    until(waiting(&f->a) == 0);
}

static void a_delete_leaves_a_tombstone_on_the_replica_too(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    assert_int_equal(put(f, &f->a, 1, 1), RESULT_OK);
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE | WIRE_INFO2_DELETE, .id = 1});
    send_all(f, &f->a);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    uint8_t digest[LIMIT_DIGEST_SIZE];
    digest_of(1, digest);
    assert_int_equal(store_tombstone_count(f->b.ns->store, base_digest_partition(digest)), 1);
    assert_int_equal(get(f, &f->b, 1), RESULT_RECORD_NOT_FOUND);
    assert_int_equal(put(f, &f->a, 1, 2), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
    assert_int_equal(get(f, &f->b, 1), RESULT_OK);
    assert_int_equal(value_of(f), 2);
}

static void commit_level_master_waits_for_nobody(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                        .info3 = WIRE_INFO3_COMMIT_MASTER,
                        .id = 1,
                        .op = WIRE_OP_WRITE});
    send_all(f, &f->a);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(stored(&f->b, 1), 0);
    pair(f, KEY); // and yet it reaches the replica
    until(stored(&f->b, 1) == 1);
    until(waiting(&f->a) == 0);
    // The namespace may say so for everybody, and forbid it.
    freeze(&f->b);
    atomic_store(&f->a.ns->config->write_commit_level_override, 1);
    assert_int_equal(put(f, &f->a, 2, 1), RESULT_OK);
    atomic_store(&f->a.ns->config->write_commit_level_override, 2);
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                        .info3 = WIRE_INFO3_COMMIT_MASTER,
                        .id = 3,
                        .timeout_ms = 60,
                        .op = WIRE_OP_WRITE});
    send_all(f, &f->a);
    assert_int_equal(take(f, &f->a), RESULT_TIMEOUT);
}

static void answers_come_in_the_order_of_the_requests(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    // Writes wait for the replica, what needs nobody does not; all answers are in order.
    for (uint32_t i = 0; i < 300; i++) {
        if (i % 3 == 0) {
            add_write(f, i, i);
        } else {
            add_read(f, i - i % 3);
        }
    }
    send_all(f, &f->a);
    until(in_flight(&f->a) >= 50);
    assert_true(answers_nothing(&f->a));
    pair(f, KEY);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(take(f, &f->a), RESULT_OK);
        if (i % 3 != 0) {
            assert_int_equal(value_of(f), i - i % 3);
        }
    }
    until(waiting(&f->a) == 0);
}

static void a_client_may_have_many_writes_under_way_and_no_more(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    for (uint32_t i = 0; i < 1000; i++) {
        add_write(f, i, i);
    }
    send_all(f, &f->a);
    until(in_flight(&f->a) == 128);
    pair(f, KEY);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(take(f, &f->a), RESULT_OK);
    }
    assert_int_equal(COUNTED(&f->a, client_write_success), 1000);
    until(waiting(&f->a) == 0);
}

static void a_client_that_leaves_does_not_stop_its_writes(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    for (uint32_t i = 0; i < 50; i++) {
        add_write(f, i, i);
    }
    send_all(f, &f->a);
    until(in_flight(&f->a) == 50);
    close(f->a.client);
    f->a.client = -1;
    until(atomic_load(&f->a.node->client_connections) == 0);
    pair(f, KEY);
    until(waiting(&f->a) == 0);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(stored(&f->b, i), 1);
    }
    assert_int_equal(in_flight(&f->a), 0);
}

static void records_of_any_size_reach_the_replica(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    atomic_store(&f->a.ns->config->max_record_size, LIMIT_RECORD_SIZE_MAX);
    static const uint32_t sizes[] = {1, 1000, 60000, 262144, 1000000, 7000000};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                            .id = i,
                            .timeout_ms = TIMEOUT_MS,
                            .op = WIRE_OP_WRITE,
                            .value = i,
                            .pad = sizes[i]});
        send_all(f, &f->a);
        assert_int_equal(take(f, &f->a), RESULT_OK);
        assert_int_equal(stored(&f->b, i), 1);
    }
    // And back, through a node that passes the read on.
    struct place elsewhere = {.key = KEY, .master = f->b.other, .role = PLACE_NONE};
    place_all(&f->b, &elsewhere);
    assert_int_equal(get(f, &f->b, 5), RESULT_OK);
    assert_int_equal(value_of(f), 5);
    assert_int_equal(f->answer.header.op_count, 2);
}

static void a_compressed_answer_may_come_late_too(void **state)
{
    struct fixture *f = *state;
    alone(f, KEY);
    add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                        .id = 1,
                        .timeout_ms = TIMEOUT_MS,
                        .op = WIRE_OP_WRITE,
                        .value = 3,
                        .pad = 10000});
    add(f,
        (struct ask){.info1 = WIRE_INFO1_READ | WIRE_INFO1_GET_ALL | WIRE_INFO1_COMPRESS_RESPONSE,
                     .id = 1,
                     .timeout_ms = TIMEOUT_MS});
    send_all(f, &f->b); // passes both on
    assert_int_equal(take(f, &f->b), RESULT_OK);
    struct wire_frame frame;
    size_t size;
    while (wire_frame_parse(f->answers, f->answers_size, &frame, &size) != RESULT_OK) {
        ssize_t got = recv(f->b.client, f->answers + f->answers_size, 1000, 0);
        assert_true(got > 0);
        f->answers_size += (size_t)got;
    }
    assert_int_equal(frame.type, WIRE_FRAME_COMPRESSED);
    assert_true(size < 1000);
}

static void what_answers_in_pieces_waits_for_the_answers_before_it(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    add_write(f, 1, 1);
    // A batch without rows: answered at once, but not before the write.
    uint8_t *begin = f->request + f->size, *at = begin + WIRE_FRAME_HEADER_SIZE;
    struct wire_message_header header = {.info1 = WIRE_INFO1_READ | WIRE_INFO1_BATCH,
                                         .field_count = 1};
    wire_message_header_store(at, &header);
    at = wire_field_store(at + WIRE_MESSAGE_HEADER_SIZE, WIRE_FIELD_BATCH, "\0\0\0\0\0", 5);
    wire_frame_header_store(begin, WIRE_FRAME_MESSAGE,
                            (size_t)(at - begin) - WIRE_FRAME_HEADER_SIZE);
    f->size += (size_t)(at - begin);
    add_read(f, 1);
    send_all(f, &f->a);
    until(in_flight(&f->a) == 1);
    assert_true(answers_nothing(&f->a));
    pair(f, KEY);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(f->answer.header.generation, 1);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(f->answer.header.info3 & WIRE_INFO3_LAST, WIRE_INFO3_LAST);
    assert_int_equal(take(f, &f->a), RESULT_OK);
    assert_int_equal(value_of(f), 1);
}

static void a_thread_without_links_has_its_requests_carried_out_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct worker worker;
    struct wire_message message;
    size_t size;
    pair(f, KEY);
    assert_int_equal(worker_init(&worker, f->a.node), RESULT_OK);
    for (uint32_t i = 0; i < 20; i++) {
        add_write(f, i, i);
        assert_int_equal(wire_message_parse(f->request + WIRE_FRAME_HEADER_SIZE,
                                            f->size - WIRE_FRAME_HEADER_SIZE, &message, &size),
                         RESULT_OK);
        struct request request = {
            .worker = &worker,
            .origin = REQUEST_QUERY_OP,
            .header = &message.header,
            .fields = &message.fields,
            .ops = message.ops,
            .digest = message.fields.field[WIRE_FIELD_DIGEST].data,
            .row_index = 77,
        };
        assert_true(request_run(&request));
        assert_null(request.operation);
        assert_int_equal(request.result, RESULT_OK);
        assert_int_equal(base_be32_load(worker.output.data + WIRE_MESSAGE_TRANSACTION_TTL_AT), 77);
        assert_int_equal(stored(&f->b, i), 1);
        worker.output.size = 0;
        f->size = 0;
    }
    assert_int_equal(COUNTED(&f->a, ops_sub_write_success), 20);
    worker_fini(&worker);
}

static void more_than_can_wait_is_refused(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    freeze(&f->b);
    // Nobody waits for these, so they pile up.
    enum { MANY = 20000, AT_A_TIME = 1000 };
    uint32_t refused = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        add(f, (struct ask){.info2 = WIRE_INFO2_WRITE,
                            .info3 = WIRE_INFO3_COMMIT_MASTER,
                            .id = i,
                            .timeout_ms = TIMEOUT_MS,
                            .op = WIRE_OP_WRITE});
        if ((i + 1) % AT_A_TIME == 0) {
            send_all(f, &f->a);
            for (uint32_t k = 0; k < AT_A_TIME; k++) {
                uint8_t code = take(f, &f->a);
                assert_true(code == RESULT_OK || code == RESULT_DEVICE_OVERLOAD);
                refused += code == RESULT_DEVICE_OVERLOAD;
            }
        }
    }
    assert_int_equal(refused, MANY - 16384);
    pair(f, KEY);
    until(waiting(&f->a) == 0);
    assert_int_equal(in_flight(&f->a), 0);
    assert_int_equal(put(f, &f->a, 1, 1), RESULT_OK);
}

static void a_node_that_was_stopped_for_long_believes_in_no_view(void **state)
{
    struct fixture *f = *state;
    pair(f, KEY);
    assert_int_equal(put(f, &f->a, 1, 1), RESULT_OK);
    atomic_store(&f->b.node->cluster_tick_ns, io_clock_monotonic_ns() - 800000000);
    add(f, (struct ask){.info1 = WIRE_INFO1_READ | WIRE_INFO1_GET_ALL, .id = 1, .timeout_ms = 50});
    send_all(f, &f->b);
    assert_int_equal(take(f, &f->b), RESULT_PARTITION_UNAVAILABLE);
    atomic_store(&f->b.node->cluster_tick_ns, io_clock_monotonic_ns() + 1000000000);
    assert_int_equal(get(f, &f->b, 1), RESULT_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_is_on_the_replica_when_the_client_hears_of_it),
        TEST(a_full_replica_answers_reads_by_itself),
        TEST(a_node_that_is_not_the_master_passes_requests_on),
        TEST(without_a_view_requests_wait_for_one),
        TEST(a_request_that_waited_in_vain_is_told_that_nothing_happened),
        TEST(a_write_that_not_all_replicas_acknowledge_ends_in_doubt),
        TEST(a_replica_that_comes_late_into_the_view_still_gets_the_write),
        TEST(a_write_outlives_the_view_in_which_it_began),
        TEST(a_write_is_given_to_the_new_master),
        TEST(a_write_in_flight_survives_the_end_of_its_replica),
        TEST(a_passed_on_write_whose_node_died_is_in_doubt_and_a_read_goes_elsewhere),
        TEST(a_node_that_is_no_longer_master_has_the_request_routed_again),
        TEST(what_another_node_may_have_newer_is_asked_for_first),
        TEST(what_a_read_takes_from_a_duplicate_is_on_the_replicas_first),
        TEST(a_delete_leaves_a_tombstone_on_the_replica_too),
        TEST(commit_level_master_waits_for_nobody),
        TEST(answers_come_in_the_order_of_the_requests),
        TEST(a_client_may_have_many_writes_under_way_and_no_more),
        TEST(a_client_that_leaves_does_not_stop_its_writes),
        TEST(records_of_any_size_reach_the_replica),
        TEST(a_compressed_answer_may_come_late_too),
        TEST(what_answers_in_pieces_waits_for_the_answers_before_it),
        TEST(a_thread_without_links_has_its_requests_carried_out_elsewhere),
        TEST(more_than_can_wait_is_refused),
        TEST(a_node_that_was_stopped_for_long_believes_in_no_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
