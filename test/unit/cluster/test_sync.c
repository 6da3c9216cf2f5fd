// SPDX-License-Identifier: Apache-2.0
// Migrations between stores in one process, over a network of arithmetic: what is sent may be lost,
// doubled or late. Node 0 is the acting master, node 1 the partner, node 2 another replica.
#include "cluster_test.h"

#include "cluster/sync.h"
#include "cluster/sync_wire.h"

enum {
    PARTITION = 77,
    KEY = 4711,
    NODES = 3,
    FLIGHTS_MAX = 64,
    ID = 99,
};

struct flight {
    uint8_t *bytes; // NULL: free
    uint32_t size;
    uint8_t from;
    uint8_t to;
    uint64_t due_ms;
};

struct net {
    struct replica *replica[NODES];
    struct sync *sync;
    uint64_t random;
    uint64_t now_ms;
    uint32_t loss_percent;
    uint32_t twice_percent;
    uint32_t delay_ms_max;
    uint32_t sent; // messages of the master
    uint8_t *answer;
    struct flight flight[FLIGHTS_MAX];
};

static void place_set(struct replica *replica, enum place_role role)
{
    struct place place = {.key = KEY, .role = (uint8_t)role, .master = 0, .full = true};
    if (role == PLACE_MASTER) {
        node_set_add(&place.writes, 1);
        node_set_add(&place.writes, 2);
    }
    replica_place_set(replica, PARTITION, &place);
}

static int net_setup(void **state)
{
    struct net *net = calloc(1, sizeof *net);
    assert_non_null(net);
    for (uint32_t i = 0; i < NODES; i++) {
        struct store *store;
        assert_int_equal(store_new(&store), RESULT_OK);
        assert_int_equal(replica_new(store, REPLICATION_BY_LAST_UPDATE_TIME, &net->replica[i]),
                         RESULT_OK);
        place_set(net->replica[i], i == 0 ? PLACE_MASTER : PLACE_REPLICA);
    }
    net->answer = malloc(SYNC_ANSWER_SIZE_MAX);
    assert_non_null(net->answer);
    net->random = 1;
    *state = net;
    return 0;
}

static int net_teardown(void **state)
{
    struct net *net = *state;
    sync_free(&net->sync);
    for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
        free(net->flight[i].bytes);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        struct store *store = net->replica[i]->store;
        replica_free(&net->replica[i]);
        store_free(&store);
    }
    free(net->answer);
    free(net);
    return 0;
}

static struct store *net_store(struct net *net, uint32_t node)
{
    return net->replica[node]->store;
}

static void net_put(struct net *net, uint32_t node, uint64_t number, struct test_version version)
{
    struct base_digest digest;
    test_digest_in(number, PARTITION, &digest);
    test_put(net_store(net, node), &digest, &version);
}

static uint64_t net_get(struct net *net, uint32_t node, uint64_t number)
{
    struct base_digest digest;
    test_digest_in(number, PARTITION, &digest);
    return test_last_update(net_store(net, node), &digest);
}

static bool chance(struct net *net, uint32_t percent)
{
    return test_random(&net->random) % 100 < percent;
}

static void flight_add(struct net *net, uint8_t from, uint8_t to, const uint8_t *bytes,
                       uint32_t size)
{
    for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &net->flight[i];
        if (flight->bytes == NULL) {
            flight->bytes = malloc(size);
            assert_non_null(flight->bytes);
            memcpy(flight->bytes, bytes, size);
            flight->size = size;
            flight->from = from;
            flight->to = to;
            flight->due_ms = net->now_ms + 1 + test_random(&net->random) % (net->delay_ms_max + 1);
            return;
        }
    }
}

static void net_post(struct net *net, uint8_t from, uint8_t to, const uint8_t *bytes, uint32_t size)
{
    if (!chance(net, net->loss_percent)) {
        flight_add(net, from, to, bytes, size);
    }
    if (chance(net, net->twice_percent)) {
        flight_add(net, from, to, bytes, size);
    }
}

static bool net_send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    struct net *net = arg;
    net->sent++;
    net_post(net, 0, peer, bytes, size);
    return true;
}

static enum sync_state flight_land(struct net *net, const struct flight *flight)
{
    struct message message;
    uint32_t size;
    assert_int_equal(message_parse(flight->bytes, flight->size, &message, &size), RESULT_OK);
    assert_int_equal(size, flight->size);
    if (flight->to == 0) {
        return sync_on_message(net->sync, flight->from, &message, net->now_ms, 0);
    }
    assert_int_equal(sync_on_request(net->replica[flight->to], &message, 0, net->answer,
                                     SYNC_ANSWER_SIZE_MAX, &size),
                     RESULT_OK);
    net_post(net, flight->to, 0, net->answer, size);
    return SYNC_RUNNING;
}

// A millisecond passes.
static enum sync_state net_tick(struct net *net)
{
    net->now_ms++;
    for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight flight = net->flight[i];
        if (flight.bytes != NULL && flight.due_ms <= net->now_ms) {
            net->flight[i].bytes = NULL;
            enum sync_state state = flight_land(net, &flight);
            free(flight.bytes);
            if (state != SYNC_RUNNING) {
                return state;
            }
        }
    }
    return sync_step(net->sync, net->now_ms, net_send, net);
}

static void net_sync_start(struct net *net, bool fill, bool to_writes)
{
    struct cluster_sync_order order = {
        .partition = PARTITION, .key = KEY, .peer = 1, .fill = fill, .to_writes = to_writes};
    node_set_add(&order.writes, 2);
    if (to_writes) {
        node_set_add(&order.writes, 1);
    }
    assert_int_equal(sync_new(&order, net->replica[0], &net->sync), RESULT_OK);
    sync_id_set(net->sync, ID);
    assert_true(sync_id(net->sync) == ID);
}

static struct sync_totals net_run(struct net *net, enum sync_state expected)
{
    enum sync_state state = SYNC_RUNNING;
    for (uint32_t i = 0; i < 100000 && state == SYNC_RUNNING; i++) {
        state = net_tick(net);
    }
    assert_int_equal(state, expected);
    struct sync_totals totals = {0};
    sync_totals_add(net->sync, &totals);
    return totals;
}

static bool net_equal(struct net *net, uint32_t a, uint32_t b)
{
    return test_partition_equal(net_store(net, a), net_store(net, b), PARTITION);
}

static void test_filling_an_empty_partner_sends_each_record_once(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 3000; i++) {
        net_put(net, 0, i, (struct test_version){.last_update_ms = 1000 + i, .value_size = i % 50});
    }
    net_sync_start(net, true, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
    assert_int_equal(totals.records_sent, 3000);
    assert_int_equal(totals.records_received, 0);
    assert_int_equal(totals.resent, 0);
    assert_int_equal(totals.walks_repeated, 0);
}

static void test_a_small_partition_is_filled_with_one_message(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 244; i++) {
        net_put(net, 0, i, (struct test_version){.last_update_ms = 1000, .value_size = 50});
    }
    net_sync_start(net, true, true);
    (void)net_run(net, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
    assert_int_equal(net->sent, 1);
}

static void test_equal_copies_exchange_a_list_and_no_record(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 300; i++) {
        for (uint32_t node = 0; node < 2; node++) {
            net_put(net, node, i, (struct test_version){.last_update_ms = 1000, .value_size = 50});
        }
    }
    net_sync_start(net, false, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_int_equal(totals.records_sent, 0);
    assert_int_equal(totals.records_skipped, 300);
    assert_int_equal(net->sent, 1);
}

static void test_a_record_larger_than_a_batch_travels_alone(void **state)
{
    struct net *net = *state;
    static const uint32_t sizes[] = {10, LIMIT_SYNC_BYTES, 20, 2 * LIMIT_SYNC_BYTES, 30, 40};
    for (uint32_t fill = 0; fill < 2; fill++) {
        for (uint32_t i = 0; i < 6; i++) {
            net_put(net, 0, i + fill * 10,
                    (struct test_version){.last_update_ms = 1000, .value_size = sizes[i]});
        }
        net_sync_start(net, fill == 0, true);
        struct sync_totals totals = net_run(net, SYNC_DONE);
        assert_int_equal(totals.records_sent, 6);
        assert_true(net_equal(net, 0, 1));
        sync_free(&net->sync);
    }
}

// Two copies that lived apart: some records alone on either side, some newer on either side, some
// deleted on either side, some the same.
static void lives_apart(struct net *net, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t roll = test_random(&net->random);
        for (uint32_t node = 0; node < 2; node++) {
            struct test_version version = {.last_update_ms = 1000, .value_size = i % 40};
            uint32_t kind = (uint32_t)(roll % 8);
            if (kind == node) {
                continue; // 0, 1: absent here
            }
            if (kind == 2 + node) {
                version.last_update_ms = 2000 + roll % 100; // newer here
            }
            if (kind == 4 + node) {
                version.last_update_ms = 3000; // deleted here
                version.tombstone = true;
            }
            net_put(net, node, i, version);
        }
        net_put(net, 2, i, (struct test_version){.last_update_ms = 500, .value_size = 1});
    }
}

static uint64_t winner(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// What each record's last update shall be, as it is before the sync.
static uint64_t *expectation(struct net *net, uint32_t count)
{
    uint64_t *expected = calloc(count, sizeof *expected);
    assert_non_null(expected);
    for (uint32_t i = 0; i < count; i++) {
        expected[i] = winner(net_get(net, 0, i), net_get(net, 1, i));
    }
    return expected;
}

static void test_both_ways_the_newer_version_wins_deletes_too(void **state)
{
    struct net *net = *state;
    enum { COUNT = 4000 };
    lives_apart(net, COUNT);
    uint64_t *expected = expectation(net, COUNT);
    net_sync_start(net, false, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(net_get(net, 0, i), expected[i]);
    }
    assert_true(totals.records_received > COUNT / 4 && totals.records_received < COUNT / 2);
    assert_true(totals.records_sent > COUNT / 2); // to the partner, and what it had to the other
    assert_int_equal(totals.walks_repeated, 0);
    free(expected);
}

static void test_what_the_partner_had_newer_goes_to_the_other_replicas(void **state)
{
    struct net *net = *state;
    enum { COUNT = 3000 };
    lives_apart(net, COUNT);
    uint64_t *before = calloc(COUNT, sizeof *before);
    assert_non_null(before);
    for (uint32_t i = 0; i < COUNT; i++) {
        before[i] = net_get(net, 0, i);
    }
    net_sync_start(net, false, true);
    (void)net_run(net, SYNC_DONE);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t ours = net_get(net, 0, i);
        assert_int_equal(net_get(net, 2, i), ours != before[i] ? ours : 500);
    }
    free(before);
}

static void test_of_a_duplicate_all_is_taken_and_nothing_is_given(void **state)
{
    struct net *net = *state;
    enum { COUNT = 3000 };
    lives_apart(net, COUNT);
    place_set(net->replica[1], PLACE_NONE);
    uint64_t *expected = expectation(net, COUNT);
    struct test_bytes before = test_partition_bytes(net_store(net, 1), PARTITION);
    net_sync_start(net, false, false);
    (void)net_run(net, SYNC_DONE);
    struct test_bytes after = test_partition_bytes(net_store(net, 1), PARTITION);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.bytes, after.bytes, before.size);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(net_get(net, 0, i), expected[i]);
    }
    free(before.bytes);
    free(after.bytes);
    free(expected);
}

static void test_a_partner_with_much_more_tells_it_in_parts(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 5000; i++) {
        net_put(net, 1, i, (struct test_version){.last_update_ms = 1000, .value_size = 500});
    }
    net_put(net, 0, 5, (struct test_version){.last_update_ms = 2000, .value_size = 10});
    net_put(net, 1, 6000,
            (struct test_version){.last_update_ms = 1000, .value_size = 2 * LIMIT_SYNC_BYTES});
    net_sync_start(net, false, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
    assert_int_equal(totals.records_received, 5000);
    assert_int_equal(net_get(net, 1, 5), 2000);
    assert_int_equal(net_get(net, 2, 6000), 1000);
}

static void test_loss_doubling_and_delay_do_no_harm(void **state)
{
    struct net *net = *state;
    enum { COUNT = 6000 };
    net->loss_percent = 30;
    net->twice_percent = 30;
    net->delay_ms_max = 300;
    lives_apart(net, COUNT);
    uint64_t *expected = expectation(net, COUNT);
    net_sync_start(net, false, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_true(totals.resent > 0);
    assert_true(net_equal(net, 0, 1));
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(net_get(net, 0, i), expected[i]);
    }
    free(expected);
}

static void test_a_partner_that_is_not_in_the_view_yet_is_asked_again(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 100; i++) {
        net_put(net, 0, i, (struct test_version){.last_update_ms = 1000});
    }
    replica_freeze(net->replica[1]);
    net_sync_start(net, true, true);
    for (uint32_t i = 0; i < 30; i++) {
        assert_int_equal(net_tick(net), SYNC_RUNNING);
    }
    assert_int_equal(net_get(net, 1, 1), 0);
    place_set(net->replica[1], PLACE_REPLICA);
    uint64_t from_ms = net->now_ms;
    (void)net_run(net, SYNC_DONE);
    assert_true(net->now_ms - from_ms <= 50); // soon, without a wait for lost messages
    assert_true(net_equal(net, 0, 1));
}

static void test_a_new_view_ends_it(void **state)
{
    struct net *net = *state;
    lives_apart(net, 3000);
    net_sync_start(net, false, true);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(net_tick(net), SYNC_RUNNING);
    }
    replica_freeze(net->replica[0]);
    (void)net_run(net, SYNC_FAILED);
    place_set(net->replica[0], PLACE_MASTER);
    (void)net_run(net, SYNC_FAILED); // and it stays so
}

static void test_a_master_that_handed_over_ends_it(void **state)
{
    struct net *net = *state;
    lives_apart(net, 3000);
    net_sync_start(net, false, true);
    assert_int_equal(net_tick(net), SYNC_RUNNING);
    place_set(net->replica[0], PLACE_REPLICA);
    (void)net_run(net, SYNC_FAILED);
}

static void test_a_replica_that_left_is_not_waited_for(void **state)
{
    struct net *net = *state;
    lives_apart(net, 1000);
    replica_freeze(net->replica[2]);
    net_sync_start(net, false, true);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(net_tick(net), SYNC_RUNNING);
    }
    struct place place;
    replica_place_copy(net->replica[0], PARTITION, &place);
    node_set_remove(&place.writes, 2);
    replica_place_set(net->replica[0], PARTITION, &place);
    (void)net_run(net, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
}

static void test_writes_go_on_meanwhile(void **state)
{
    struct net *net = *state;
    enum { COUNT = 6000 };
    net->delay_ms_max = 20;
    lives_apart(net, COUNT);
    net_sync_start(net, false, true);
    enum sync_state sync_state = SYNC_RUNNING;
    for (uint64_t at_ms = 10000; sync_state == SYNC_RUNNING; at_ms++) {
        // A client's write reaches both at once; now and then it is a new record, or a delete.
        uint64_t number = test_random(&net->random) % (COUNT + COUNT / 4);
        struct test_version version = {.last_update_ms = at_ms, .tombstone = at_ms % 5 == 0};
        net_put(net, 0, number, version);
        net_put(net, 1, number, version);
        sync_state = net_tick(net);
    }
    assert_int_equal(sync_state, SYNC_DONE);
    assert_true(net_equal(net, 0, 1));
}

static void test_contents_that_differ_after_all_are_walked_again(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 244; i++) {
        net_put(net, 0, i, (struct test_version){.last_update_ms = 1000});
    }
    // The order says that the partner's copy is empty, but it is not.
    net_put(net, 1, 1000, (struct test_version){.last_update_ms = 1000});
    net_sync_start(net, true, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_int_equal(totals.walks_repeated, 1);
    assert_true(net_equal(net, 0, 1));
    assert_int_equal(net_get(net, 0, 1000), 1000);
}

static void test_contents_that_cannot_become_equal_end_after_a_few_walks(void **state)
{
    struct net *net = *state;
    for (uint32_t i = 0; i < 100; i++) {
        net_put(net, 0, i, (struct test_version){.last_update_ms = 1000});
    }
    store_truncate(net_store(net, 1), NULL, 5000);
    net_sync_start(net, false, true);
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_int_equal(totals.walks_repeated, 2);
}

static void test_truncated_records_do_not_travel(void **state)
{
    struct net *net = *state;
    for (uint32_t fill = 0; fill < 2; fill++) {
        for (uint32_t i = 0; i < 100; i++) {
            uint64_t number = 1000 * fill + i;
            net_put(net, 0, number, (struct test_version){.last_update_ms = i < 30 ? 1000 : 3000});
            net_put(net, 1, number + 200,
                    (struct test_version){.last_update_ms = i < 40 ? 1000 : 3000});
        }
        store_truncate(net_store(net, 0), NULL, 2000);
        store_truncate(net_store(net, 1), NULL, 2000);
        net_sync_start(net, fill == 0, true);
        struct sync_totals totals = net_run(net, SYNC_DONE);
        assert_true(totals.records_sent >= 70);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(net_get(net, 1, 1000 * fill + i), i < 30 ? 0 : 3000);
            assert_int_equal(net_get(net, 0, 1000 * fill + 200 + i), i < 40 ? 0 : 3000);
        }
        sync_free(&net->sync);
    }
}

static void test_expired_records_travel_so_that_older_ones_do_not_come_back(void **state)
{
    struct net *net = *state;
    net_put(net, 0, 1, (struct test_version){.last_update_ms = 2000, .void_time_s = 3});
    net_put(net, 1, 1, (struct test_version){.last_update_ms = 1000});
    net_sync_start(net, false, true);
    (void)net_run(net, SYNC_DONE);
    assert_int_equal(net_get(net, 1, 1), 2000);
}

// Requests, as they come from a stranger.
static enum base_result request(struct net *net, uint8_t type, uint64_t key, const uint8_t *body,
                                uint32_t body_size, struct message *answer)
{
    struct message message = {
        .type = type, .id = ID, .key = key, .partition = PARTITION, .body = {body, body_size}};
    uint32_t size;
    enum base_result result =
        sync_on_request(net->replica[1], &message, 0, net->answer, SYNC_ANSWER_SIZE_MAX, &size);
    if (result == RESULT_OK) {
        uint32_t whole;
        assert_int_equal(message_parse(net->answer, size, answer, &whole), RESULT_OK);
        assert_int_equal(size, whole);
        assert_int_equal(answer->flags, MESSAGE_FLAG_ANSWER);
        assert_true(answer->id == ID && answer->key == key && answer->partition == PARTITION);
    } else {
        assert_int_equal(size, 0);
    }
    return result;
}

static void test_records_under_another_key_or_for_a_dropped_copy_are_refused(void **state)
{
    struct net *net = *state;
    struct base_digest digest;
    test_digest_in(1, PARTITION, &digest);
    uint8_t *record = test_record(&digest, &(struct test_version){.last_update_ms = 1000});
    uint8_t body[SYNC__RECORDS_SIZE + 100];
    uint32_t size = SYNC__RECORDS_SIZE + store_record_size(record);
    sync__records_store(body, 1);
    memcpy(body + SYNC__RECORDS_SIZE, record, store_record_size(record));
    free(record);
    static const struct {
        uint64_t key;
        enum place_role role;
        enum base_result result;
    } cases[] = {
        {KEY + 1, PLACE_REPLICA, RESULT_CLUSTER_KEY_MISMATCH},
        {0, PLACE_REPLICA, RESULT_CLUSTER_KEY_MISMATCH},
        {KEY, PLACE_NONE, RESULT_CLUSTER_KEY_MISMATCH},
        {KEY, PLACE_REPLICA, RESULT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        place_set(net->replica[1], cases[i].role);
        struct message answer;
        assert_int_equal(request(net, MESSAGE_SYNC_RECORDS, cases[i].key, body, size, &answer),
                         RESULT_OK);
        assert_int_equal(answer.type, MESSAGE_SYNC_STORED);
        assert_int_equal(answer.result, cases[i].result);
        assert_int_equal(net_get(net, 1, 1), cases[i].result == RESULT_OK ? 1000 : 0);
    }
}

static void test_damaged_requests_change_nothing(void **state)
{
    struct net *net = *state;
    uint8_t body[SYNC__LIST_SIZE + 3 * SYNC__HEAD_SIZE + 1000];
    uint32_t records_size = SYNC__RECORDS_SIZE;
    uint32_t record_size = 0; // of each
    sync__records_store(body, 1);
    for (uint32_t i = 0; i < 3; i++) {
        struct base_digest digest;
        test_digest_in(i, PARTITION, &digest);
        uint8_t *record = test_record(&digest, &(struct test_version){.last_update_ms = 1000});
        record_size = store_record_size(record);
        memcpy(body + records_size, record, record_size);
        records_size += record_size;
        free(record);
    }
    struct message answer;
    for (uint32_t cut = 0; cut < records_size; cut++) {
        enum base_result result = request(net, MESSAGE_SYNC_RECORDS, KEY, body, cut, &answer);
        // A cut between two records leaves a message; the sender's own would have been longer.
        assert_true(result == RESULT_MALFORMED || (cut - SYNC__RECORDS_SIZE) % record_size == 0);
    }
    for (uint32_t at = SYNC__RECORDS_SIZE; at < records_size; at++) {
        body[at] ^= 0x40;
        assert_int_equal(request(net, MESSAGE_SYNC_RECORDS, KEY, body, records_size, &answer),
                         RESULT_MALFORMED);
        body[at] ^= 0x40;
    }
    struct message foreign = {.type = MESSAGE_WRITE, .key = KEY, .partition = PARTITION};
    uint32_t size;
    assert_int_equal(
        sync_on_request(net->replica[1], &foreign, 0, net->answer, SYNC_ANSWER_SIZE_MAX, &size),
        RESULT_MALFORMED);
}

static void test_lists_out_of_order_or_range_are_refused(void **state)
{
    struct net *net = *state;
    struct base_digest digest[3];
    uint8_t heads[3][SYNC__HEAD_SIZE];
    for (uint32_t i = 0; i < 3; i++) {
        test_digest_in(i, PARTITION, &digest[i]);
        digest[i].bytes[2] = (uint8_t)(10 * (i + 1));
        uint8_t *record = test_record(&digest[i], &(struct test_version){.last_update_ms = 1000});
        memcpy(heads[i], record, SYNC__HEAD_SIZE);
        free(record);
    }
    static const struct {
        int8_t after, until; // number of a digest; -1: none
        uint8_t order[3];
        uint32_t count;
        enum base_result result;
    } cases[] = {
        {-1, -1, {0, 1, 2}, 3, RESULT_OK},
        {0, 2, {1, 2}, 2, RESULT_OK},
        {-1, -1, {0}, 0, RESULT_OK},
        {-1, -1, {1, 0, 2}, 3, RESULT_MALFORMED},
        {-1, -1, {0, 1, 1}, 3, RESULT_MALFORMED},
        {0, -1, {0, 1, 2}, 3, RESULT_MALFORMED},
        {-1, 1, {0, 1, 2}, 3, RESULT_MALFORMED},
        {-1, -1, {0, 1, 2}, LIMIT_SYNC_RECORDS + 1, RESULT_MALFORMED},
        {-1, -1, {0, 1, 2}, 4, RESULT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sync__list list = {.range.after_set = cases[i].after >= 0,
                                  .range.until_set = cases[i].until >= 0,
                                  .count = cases[i].count > 4 ? 3 : cases[i].count};
        memcpy(list.range.after, digest[cases[i].after < 0 ? 0 : cases[i].after].bytes, 20);
        memcpy(list.range.until, digest[cases[i].until < 0 ? 0 : cases[i].until].bytes, 20);
        uint8_t body[SYNC__LIST_SIZE + sizeof heads];
        sync__list_store(body, &list);
        base_le32_store(body + SYNC__LIST_SIZE - 4, cases[i].count);
        uint32_t given = cases[i].count > 3 ? 3 : cases[i].count;
        for (uint32_t k = 0; k < given; k++) {
            memcpy(body + SYNC__LIST_SIZE + k * SYNC__HEAD_SIZE, heads[cases[i].order[k]],
                   SYNC__HEAD_SIZE);
        }
        struct message answer;
        assert_int_equal(request(net, MESSAGE_SYNC_LIST, KEY, body,
                                 SYNC__LIST_SIZE + given * SYNC__HEAD_SIZE, &answer),
                         cases[i].result);
    }
}

static void test_damaged_answers_count_as_lost(void **state)
{
    struct net *net = *state;
    lives_apart(net, 500);
    net_sync_start(net, false, true);
    (void)net_tick(net); // the list is out
    for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
        free(net->flight[i].bytes);
        net->flight[i].bytes = NULL;
    }
    uint8_t body[SYNC__DIFF_SIZE + 10];
    for (uint32_t size = 0; size <= sizeof body; size++) {
        for (uint8_t type = MESSAGE_HELLO; type <= MESSAGE_QUERIED; type++) {
            if (type == MESSAGE_SYNC_DIFF && size == SYNC__DIFF_SIZE) {
                continue; // a good one
            }
            memset(body, 0xff, sizeof body);
            base_le32_store(body, 1); // the sequence of the list
            struct message message = {
                .type = type, .id = ID, .key = KEY, .partition = PARTITION, .body = {body, size}};
            assert_int_equal(sync_on_message(net->sync, 1, &message, net->now_ms, 0), SYNC_RUNNING);
        }
    }
    struct sync_totals totals = net_run(net, SYNC_DONE);
    assert_true(totals.resent > 0);
    assert_true(net_equal(net, 0, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_filling_an_empty_partner_sends_each_record_once),
        TEST(test_a_small_partition_is_filled_with_one_message),
        TEST(test_equal_copies_exchange_a_list_and_no_record),
        TEST(test_a_record_larger_than_a_batch_travels_alone),
        TEST(test_both_ways_the_newer_version_wins_deletes_too),
        TEST(test_what_the_partner_had_newer_goes_to_the_other_replicas),
        TEST(test_of_a_duplicate_all_is_taken_and_nothing_is_given),
        TEST(test_a_partner_with_much_more_tells_it_in_parts),
        TEST(test_loss_doubling_and_delay_do_no_harm),
        TEST(test_a_partner_that_is_not_in_the_view_yet_is_asked_again),
        TEST(test_a_new_view_ends_it),
        TEST(test_a_master_that_handed_over_ends_it),
        TEST(test_a_replica_that_left_is_not_waited_for),
        TEST(test_writes_go_on_meanwhile),
        TEST(test_contents_that_differ_after_all_are_walked_again),
        TEST(test_contents_that_cannot_become_equal_end_after_a_few_walks),
        TEST(test_truncated_records_do_not_travel),
        TEST(test_expired_records_travel_so_that_older_ones_do_not_come_back),
        TEST(test_records_under_another_key_or_for_a_dropped_copy_are_refused),
        TEST(test_damaged_requests_change_nothing),
        TEST(test_lists_out_of_order_or_range_are_refused),
        TEST(test_damaged_answers_count_as_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
