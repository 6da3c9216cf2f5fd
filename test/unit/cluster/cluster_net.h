// SPDX-License-Identifier: Apache-2.0
// Whole nodes in one process: real stores, places, cluster machines and migrations, a clock and a
// network of arithmetic. Messages may be lost or late and overtake each other; pairs of nodes may
// be cut off from each other; nodes start, leave and die. What a seed does it does again.
//
// A client's write is one step in which no time passes: it asks the holders of duplicates, applies
// at the master, and has all replicas acknowledge; if one does not, time passes and it is tried
// again. The net remembers what was acknowledged.
#pragma once

#include "cluster_test.h"

#include "cluster/cluster.h"
#include "cluster/sync.h"

enum {
    NET_NODES = 8,
    NET_SYNCS = 16,
    NET_TICK_MS = 5,
    NET_RECORDS_MAX = 20000,
    NET_GONE_MS = 2, // until others hear that a process is gone
};

struct net;

struct net_sync {
    struct sync *sync; // NULL: free
    struct cluster_sync_order order;
};

struct net_node {
    struct net *net;
    uint32_t number;
    uint64_t id;
    bool alive;
    struct store *store;
    struct replica *replica;
    struct cluster *cluster;
    uint32_t peer_count;
    uint64_t peer_id[LIMIT_CLUSTER_NODES]; // by peer number
    uint64_t sync_id;
    struct net_sync sync[NET_SYNCS];
    uint32_t view_count;
    uint32_t lost; // partitions reported as lost
    struct sync_totals totals;
};

struct net_flight {
    uint64_t due_ms;
    uint64_t order;
    uint8_t from; // numbers of nodes
    uint8_t to;
    bool heartbeat;
    bool gone; // the news that `from` is gone
    uint32_t size;
    uint8_t *bytes;
};

struct net {
    uint64_t now_ms;
    uint64_t random;
    uint64_t incarnation;
    uint64_t write_ms; // last update times: each write has its own, so that it is clear who wins
    uint32_t loss_percent;
    uint32_t delay_ms_max;
    uint32_t replication_factor;
    uint32_t bare; // nodes, a bit each, that are started without the namespace
    bool cut[NET_NODES][NET_NODES];
    struct net_node node[NET_NODES];
    struct net_flight *flight; // a heap, by time
    uint32_t flight_count;
    uint32_t flight_capacity;
    uint64_t order;
    uint8_t *answer;
    bool verbose;
    // What was acknowledged: last update of each record, and whether that was a delete.
    uint64_t acked_ms[NET_RECORDS_MAX];
    bool acked_delete[NET_RECORDS_MAX];
};

static inline bool net_flight_before(const struct net_flight *a, const struct net_flight *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static inline void net_flight_push(struct net *net, struct net_flight flight)
{
    if (net->flight_count == net->flight_capacity) {
        net->flight_capacity = 2 * net->flight_capacity + 64;
        net->flight = realloc(net->flight, net->flight_capacity * sizeof *net->flight);
        assert_non_null(net->flight);
    }
    uint32_t at = net->flight_count++;
    for (; at > 0 && net_flight_before(&flight, &net->flight[(at - 1) / 2]); at = (at - 1) / 2) {
        net->flight[at] = net->flight[(at - 1) / 2];
    }
    net->flight[at] = flight;
}

static inline struct net_flight net_flight_pop(struct net *net)
{
    struct net_flight first = net->flight[0];
    struct net_flight last = net->flight[--net->flight_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= net->flight_count) {
            break;
        }
        if (child + 1 < net->flight_count &&
            net_flight_before(&net->flight[child + 1], &net->flight[child])) {
            child++;
        }
        if (!net_flight_before(&net->flight[child], &last)) {
            break;
        }
        net->flight[at] = net->flight[child];
        at = child;
    }
    net->flight[at] = last;
    return first;
}

static inline bool net_chance(struct net *net, uint32_t percent)
{
    return test_random(&net->random) % 100 < percent;
}

static inline void net_post(struct net_node *from, struct net_node *to, bool heartbeat,
                            const uint8_t *bytes, uint32_t size)
{
    struct net *net = from->net;
    if (!to->alive || net->cut[from->number][to->number] || net_chance(net, net->loss_percent)) {
        return;
    }
    struct net_flight flight = {
        .due_ms = net->now_ms + 1 + test_random(&net->random) % (net->delay_ms_max + 1),
        .order = net->order++,
        .from = (uint8_t)from->number,
        .to = (uint8_t)to->number,
        .heartbeat = heartbeat,
        .size = size,
        .bytes = malloc(size),
    };
    assert_non_null(flight.bytes);
    memcpy(flight.bytes, bytes, size);
    net_flight_push(net, flight);
}

static inline struct net_node *net_node_by_id(struct net *net, uint64_t id)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if (net->node[i].id == id) {
            return &net->node[i];
        }
    }
    return NULL;
}

static inline uint8_t net_peer_number(struct net_node *node, uint64_t id)
{
    for (uint32_t i = 1; i < node->peer_count; i++) {
        if (node->peer_id[i] == id) {
            return (uint8_t)i;
        }
    }
    assert_true(node->peer_count < LIMIT_CLUSTER_NODES);
    node->peer_id[node->peer_count] = id;
    return (uint8_t)node->peer_count++;
}

static inline struct net_node *net_peer(struct net_node *node, uint8_t peer)
{
    return net_node_by_id(node->net, node->peer_id[peer]);
}

// The edge.

static inline void net_heartbeat_send(void *arg, uint64_t to, const uint8_t *bytes, uint32_t size)
{
    struct net_node *node = arg;
    for (uint32_t i = 0; i < NET_NODES; i++) {
        struct net_node *other = &node->net->node[i];
        if (other != node && (to == 0 || to == other->id)) {
            net_post(node, other, true, bytes, size);
        }
    }
}

static inline void net_control_send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    net_post(arg, net_peer(arg, peer), false, bytes, size);
}

static inline uint8_t net_edge_peer_number(void *arg, uint64_t node_id)
{
    return net_peer_number(arg, node_id);
}

static inline void net_view_changed(void *arg, const struct membership_view *view)
{
    struct net_node *node = arg;
    node->view_count += view != NULL ? 1 : 0;
    for (uint32_t i = 0; i < NET_SYNCS; i++) {
        sync_free(&node->sync[i].sync);
    }
}

static inline void net_places_changed(void *arg, uint32_t namespace_number)
{
    (void)arg;
    (void)namespace_number;
}

static inline void net_sync_start(void *arg, const struct cluster_sync_order *order)
{
    struct net_node *node = arg;
    for (uint32_t i = 0; i < NET_SYNCS; i++) {
        struct net_sync *sync = &node->sync[i];
        if (sync->sync == NULL) {
            sync->order = *order;
            assert_int_equal(sync_new(order, node->replica, &sync->sync), RESULT_OK);
            sync_id_set(sync->sync, ++node->sync_id);
            return;
        }
    }
    fail_msg("more syncs at once than were allowed");
}

static inline void net_partition_clear(void *arg, uint32_t namespace_number, uint32_t partition)
{
    (void)namespace_number;
    while (!store_partition_clear_step(((struct net_node *)arg)->store, partition, 100)) {
    }
}

static inline uint64_t net_wall_ms(void *arg)
{
    (void)arg;
    return 1000;
}

static inline void net_log(void *arg, const char *line)
{
    struct net_node *node = arg;
    uint32_t lost;
    if (sscanf(line, "{test} %u partitions lost", &lost) == 1) {
        node->lost += lost;
    }
    if (node->net->verbose) {
        print_message("%6u ms  %X  %s\n", (unsigned)node->net->now_ms, (unsigned)node->id, line);
    }
}

// Nodes come and go.

static inline void net_node_start(struct net *net, uint32_t number)
{
    struct net_node *node = &net->node[number];
    assert_false(node->alive);
    node->net = net;
    node->number = number;
    node->alive = true;
    node->id = 0xA0 + number;
    node->peer_count = 1;
    node->peer_id[PLACE_SELF] = node->id;
    assert_int_equal(store_new(&node->store), RESULT_OK);
    assert_int_equal(replica_new(node->store, REPLICATION_BY_LAST_UPDATE_TIME, &node->replica),
                     RESULT_OK);
    struct cluster_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    *config = (struct cluster_config){
        .membership = {.self = {.id = node->id, .incarnation = ++net->incarnation},
                       .interval_ms = 150,
                       .timeout_ms = 1500},
        .syncs_at_once = 4,
        .namespace_count = (net->bare >> number & 1) != 0 ? 0 : 1,
        .namespaces = {{.name = "test",
                        .replica = node->replica,
                        .replication_factor = net->replication_factor}},
    };
    struct cluster_edge edge = {
        .arg = node,
        .heartbeat_send = net_heartbeat_send,
        .control_send = net_control_send,
        .peer_number = net_edge_peer_number,
        .view_changed = net_view_changed,
        .places_changed = net_places_changed,
        .sync_start = net_sync_start,
        .partition_clear = net_partition_clear,
        .wall_ms = net_wall_ms,
        .log = net_log,
    };
    assert_int_equal(cluster_new(config, &edge, &node->cluster), RESULT_OK);
    free(config);
    cluster_on_seeds_settled(node->cluster, net->now_ms, test_random(&net->random));
}

// Ends a node's process at once; the others hear of it soon, unless they are cut off.
static inline void net_node_kill(struct net *net, uint32_t number)
{
    struct net_node *node = &net->node[number];
    assert_true(node->alive);
    node->alive = false;
    for (uint32_t i = 0; i < NET_SYNCS; i++) {
        sync_free(&node->sync[i].sync);
    }
    cluster_free(&node->cluster);
    replica_free(&node->replica);
    store_free(&node->store);
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if (net->node[i].alive && !net->cut[number][i]) {
            net_flight_push(net, (struct net_flight){.due_ms = net->now_ms + NET_GONE_MS,
                                                     .order = net->order++,
                                                     .from = (uint8_t)number,
                                                     .to = (uint8_t)i,
                                                     .gone = true});
        }
    }
}

// Cuts the nodes of a set (a bit each) off from all others; 0: heals everything.
static inline void net_split(struct net *net, uint32_t set)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        for (uint32_t k = 0; k < NET_NODES; k++) {
            net->cut[i][k] = (set >> i & 1) != (set >> k & 1);
        }
    }
}

static inline struct net *net_new(uint64_t seed, uint32_t replication_factor)
{
    struct net *net = calloc(1, sizeof *net);
    assert_non_null(net);
    net->random = seed;
    net->now_ms = 1000000;
    net->replication_factor = replication_factor;
    net->delay_ms_max = 1;
    net->answer = malloc(SYNC_ANSWER_SIZE_MAX);
    assert_non_null(net->answer);
    return net;
}

static inline void net_free(struct net *net)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if (net->node[i].alive) {
            net_node_kill(net, i);
        }
    }
    while (net->flight_count > 0) {
        free(net_flight_pop(net).bytes);
    }
    free(net->flight);
    free(net->answer);
    free(net);
}

// Time passes.

static inline bool net_sync_send(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    net_post(arg, net_peer(arg, peer), false, bytes, size);
    return true;
}

static inline void net_syncs_step(struct net_node *node)
{
    for (uint32_t i = 0; i < NET_SYNCS; i++) {
        struct net_sync *sync = &node->sync[i];
        if (sync->sync == NULL) {
            continue;
        }
        enum sync_state state = sync_step(sync->sync, node->net->now_ms, net_sync_send, node);
        if (state != SYNC_RUNNING) {
            sync_totals_add(sync->sync, &node->totals);
            sync_free(&sync->sync);
        }
        if (state == SYNC_DONE) {
            cluster_on_synced(node->cluster, &sync->order, node->net->now_ms);
        }
    }
}

static inline void net_fabric_land(struct net_node *node, struct net_node *from,
                                   const struct message *message)
{
    struct net *net = node->net;
    uint32_t size;
    switch (message->type) {
    case MESSAGE_EXCHANGE:
    case MESSAGE_PARTITION:
        assert_int_equal(cluster_on_control(node->cluster, from->id, message, net->now_ms),
                         RESULT_OK);
        break;
    case MESSAGE_SYNC_LIST:
    case MESSAGE_SYNC_RECORDS:
        assert_int_equal(sync_on_request(node->replica, message, (uint32_t)(net->now_ms / 1000),
                                         net->answer, SYNC_ANSWER_SIZE_MAX, &size),
                         RESULT_OK);
        net_post(node, from, false, net->answer, size);
        break;
    default:
        for (uint32_t i = 0; i < NET_SYNCS; i++) {
            if (node->sync[i].sync != NULL && sync_id(node->sync[i].sync) == message->id) {
                (void)sync_on_message(node->sync[i].sync, net_peer_number(node, from->id), message,
                                      net->now_ms, (uint32_t)(net->now_ms / 1000));
            }
        }
        net_syncs_step(node);
    }
}

static inline void net_flight_land(struct net *net, const struct net_flight *flight)
{
    struct net_node *node = &net->node[flight->to];
    struct net_node *from = &net->node[flight->from];
    if (!node->alive || net->cut[flight->from][flight->to]) {
        return;
    }
    if (flight->gone) {
        if (!from->alive) {
            cluster_on_peer_gone(node->cluster, from->id, net->now_ms, test_random(&net->random));
        }
        return;
    }
    if (flight->heartbeat) {
        assert_int_equal(cluster_on_heartbeat(node->cluster, flight->bytes, flight->size,
                                              net->now_ms, test_random(&net->random)),
                         RESULT_OK);
        return;
    }
    struct message message;
    uint32_t size;
    assert_int_equal(message_parse(flight->bytes, flight->size, &message, &size), RESULT_OK);
    net_fabric_land(node, from, &message);
}

static inline void net_tick(struct net *net)
{
    uint64_t until_ms = net->now_ms + NET_TICK_MS;
    while (net->flight_count > 0 && net->flight[0].due_ms <= until_ms) {
        struct net_flight flight = net_flight_pop(net);
        net->now_ms = flight.due_ms > net->now_ms ? flight.due_ms : net->now_ms;
        net_flight_land(net, &flight);
        free(flight.bytes);
    }
    net->now_ms = until_ms;
    for (uint32_t i = 0; i < NET_NODES; i++) {
        struct net_node *node = &net->node[i];
        if (node->alive) {
            cluster_tick(node->cluster, net->now_ms, test_random(&net->random));
            net_syncs_step(node);
        }
    }
}

static inline void net_check(struct net *net)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if (net->node[i].alive) {
            cluster_check(net->node[i].cluster);
        }
    }
}

// All nodes of a set are one view of themselves alone, and nothing remains to be moved.
static inline bool net_is_settled(struct net *net, uint32_t set)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < NET_NODES; i++) {
        struct net_node *node = &net->node[i];
        if ((set >> i & 1) == 0) {
            continue;
        }
        const struct membership_view *view = cluster_view(node->cluster);
        struct partition_progress progress = {0};
        if ((net->bare >> i & 1) == 0) {
            partition_progress(cluster_partitions(node->cluster, 0), &progress);
        }
        if (cluster_is_frozen(node->cluster) || cluster_syncs_remaining(node->cluster) > 0 ||
            progress.lead_remaining > 0 || view->count != (uint32_t)__builtin_popcount(set) ||
            (key != 0 && key != view->key)) {
            return false;
        }
        key = view->key;
    }
    return true;
}

static inline void net_run(struct net *net, uint32_t ms)
{
    for (uint64_t until_ms = net->now_ms + ms; net->now_ms < until_ms;) {
        net_tick(net);
    }
}

// What keeps a set from being settled, for whoever reads a failed test.
static inline void net_describe(struct net *net, uint32_t set)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        if (((set & ~net->bare) >> i & 1) == 0) {
            continue;
        }
        struct net_node *node = &net->node[i];
        const struct membership_view *view = cluster_view(node->cluster);
        const struct partition_machine *machine = cluster_partitions(node->cluster, 0);
        struct partition_progress progress;
        partition_progress(machine, &progress);
        print_message(
            "%X: frozen %d, view %llX of %u; syncs %u of %u, incoming %u of %u, lead %u\n",
            (unsigned)node->id, cluster_is_frozen(node->cluster), (unsigned long long)view->key,
            view->count, progress.sync_remaining, progress.sync_initial,
            progress.incoming_remaining, progress.incoming_initial, progress.lead_remaining);
        uint32_t shown = 0;
        for (uint32_t p = 0; p < LIMIT_PARTITIONS && shown < 3; p++) {
            const struct partition_state *state = partition_at(machine, p);
            if (!state->settled) {
                print_message(
                    "  partition %u: master %u, desired[0] %u, step %u, writes %llX, "
                    "full %llX, unsynced %llX, duplicates %llX%s%s%s\n",
                    p, state->master, state->desired[0], state->step,
                    (unsigned long long)state->writes.bits[0],
                    (unsigned long long)state->full.bits[0],
                    (unsigned long long)state->unsynced.bits[0],
                    (unsigned long long)state->duplicates.bits[0],
                    state->handing_over ? ", handing over" : "", state->drop ? ", drop" : "",
                    state->self_full ? ", full" : "");
                shown++;
            }
        }
    }
}

// Lets time pass until the nodes of a set are settled; returns how much did.
static inline uint64_t net_settle(struct net *net, uint32_t set, uint32_t ms_max)
{
    uint64_t from_ms = net->now_ms;
    for (uint32_t count = 0; !net_is_settled(net, set); count++) {
        if (net->now_ms - from_ms >= ms_max) {
            net_describe(net, set);
            net_check(net);
            fail_msg("not settled after %u ms", ms_max);
        }
        net_tick(net);
        if (count % 20 == 0) {
            net_check(net);
        }
    }
    net_check(net);
    return net->now_ms - from_ms;
}

// Clients.

// The acting master of a partition among the nodes of a set; NULL: none serves now.
static inline struct net_node *net_master(struct net *net, uint32_t set, uint32_t partition)
{
    for (uint32_t i = 0; i < NET_NODES; i++) {
        struct net_node *node = &net->node[i];
        struct place place;
        if ((set >> i & 1) == 0 || !node->alive) {
            continue;
        }
        replica_place_copy(node->replica, partition, &place);
        if (place.key != 0 && place.role == PLACE_MASTER && !place.handing_over) {
            return node;
        }
    }
    return NULL;
}

// Asks one holder of a duplicate, and stores what it has.
static inline bool net_ask(struct net_node *master, struct net_node *holder, struct message message,
                           const struct base_digest *digest)
{
    struct net *net = master->net;
    uint32_t size;
    message.type = MESSAGE_ASK;
    message.body = (struct base_slice){digest->bytes, LIMIT_DIGEST_SIZE};
    if (!holder->alive || net->cut[master->number][holder->number] ||
        replica_on_ask(holder->replica, &message, net->answer, &size) != RESULT_OK) {
        return false;
    }
    if (size == 0) {
        return true;
    }
    enum base_result result = replica_merge(master->replica, message.key, net->answer, 0);
    return result == RESULT_OK || result == RESULT_LOST_CONFLICT;
}

// The first half of a read or a write: the master, once it has all that holders of duplicates have
// of the record. NULL: not now.
static inline struct net_node *net_resolve(struct net *net, uint32_t set,
                                           const struct base_digest *digest, struct place *place)
{
    uint32_t partition = base_digest_partition(digest->bytes);
    struct net_node *master = net_master(net, set, partition);
    if (master == NULL) {
        return NULL;
    }
    replica_place_copy(master->replica, partition, place);
    struct message message = {.key = place->key, .partition = partition};
    for (uint32_t peer = node_set_next(&place->duplicates, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(&place->duplicates, peer + 1)) {
        if (!net_ask(master, net_peer(master, (uint8_t)peer), message, digest)) {
            return NULL;
        }
    }
    return master;
}

// One try of a write; true when all replicas have acknowledged it.
static inline bool net_write_try(struct net *net, uint32_t set, const struct base_digest *digest,
                                 struct test_version version, uint64_t *written_ms)
{
    struct place place;
    struct net_node *master = net_resolve(net, set, digest, &place);
    if (master == NULL) {
        return false;
    }
    struct message message = {.key = place.key, .partition = base_digest_partition(digest->bytes)};
    version.last_update_ms = ++net->write_ms;
    *written_ms = version.last_update_ms;
    test_put(master->store, digest, &version);
    uint8_t *record = test_record(digest, &version);
    message.type = MESSAGE_WRITE;
    message.body = (struct base_slice){record, store_record_size(record)};
    bool good = true;
    for (uint32_t peer = node_set_next(&place.writes, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(&place.writes, peer + 1)) {
        struct net_node *replica = net_peer(master, (uint8_t)peer);
        good = good && replica->alive && !net->cut[master->number][replica->number] &&
               replica_on_write(replica->replica, &message, 0) == RESULT_OK;
    }
    free(record);
    return good;
}

// Writes (or deletes) record `number` through the nodes of a set, and remembers it.
static inline void net_write(struct net *net, uint32_t set, uint32_t number, bool tombstone)
{
    assert_true(number < NET_RECORDS_MAX);
    struct base_digest digest;
    test_digest(number, &digest);
    struct test_version version = {.value_size = tombstone ? 0 : number % 60,
                                   .tombstone = tombstone};
    uint64_t written_ms = 0;
    for (uint64_t from_ms = net->now_ms; !net_write_try(net, set, &digest, version, &written_ms);) {
        assert_true(net->now_ms - from_ms < 60000);
        net_tick(net);
    }
    net->acked_ms[number] = written_ms;
    net->acked_delete[number] = tombstone;
}

// Reads a record, of which only what it does to the master's copy matters here.
static inline void net_read(struct net *net, uint32_t set, uint32_t number)
{
    struct base_digest digest;
    struct place place;
    test_digest(number, &digest);
    (void)net_resolve(net, set, &digest, &place);
}

static inline bool net_record_is(struct store *store, const struct base_digest *digest,
                                 uint64_t last_update_ms, bool tombstone)
{
    struct store_cursor cursor;
    store_acquire(store, digest->bytes, 0, &cursor);
    bool same = cursor.stored != NULL &&
                store_record_last_update_ms(cursor.stored) == last_update_ms &&
                store_record_is_tombstone(cursor.stored) == tombstone;
    store_release(&cursor);
    return same;
}

// All that was acknowledged is there, byte for byte the same at the master and each replica, as
// many as there should be, and nowhere else. The nodes of the set are settled.
static inline void net_assert_whole(struct net *net, uint32_t set)
{
    uint32_t nodes = (uint32_t)__builtin_popcount(set & ~net->bare);
    uint32_t copies = net->replication_factor < nodes ? net->replication_factor : nodes;
    for (uint32_t partition = 0; partition < LIMIT_PARTITIONS; partition++) {
        struct net_node *master = net_master(net, set, partition);
        assert_non_null(master);
        uint32_t count = 0;
        for (uint32_t i = 0; i < NET_NODES; i++) {
            struct place place;
            if ((set >> i & 1) == 0) {
                continue;
            }
            struct net_node *node = &net->node[i];
            replica_place_copy(node->replica, partition, &place);
            if (place.role == PLACE_NONE) {
                assert_int_equal(store_object_count(node->store, partition), 0);
                continue;
            }
            assert_true(place.full);
            assert_true(net_peer(node, place.master) == master);
            assert_true(test_partition_equal(node->store, master->store, partition));
            count++;
        }
        assert_int_equal(count, copies);
    }
    for (uint32_t i = 0; i < NET_RECORDS_MAX; i++) {
        struct base_digest digest;
        test_digest(i, &digest);
        struct net_node *master = net_master(net, set, base_digest_partition(digest.bytes));
        if (net->acked_ms[i] != 0) {
            assert_true(
                net_record_is(master->store, &digest, net->acked_ms[i], net->acked_delete[i]));
        } else {
            assert_int_equal(test_last_update(master->store, &digest), 0);
        }
    }
}
