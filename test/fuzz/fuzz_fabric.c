// SPDX-License-Identifier: Apache-2.0
// Bytes that come over the fabric. The first byte says as what the rest is read: the header of a
// message, a plan's messages, or a step of a migration at either end. Whatever it is, it is refused
// or means something, and the store stays sound.
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/assert.h"
#include "base/digest.h"
#include "cluster/cluster.h"
#include "cluster/sync.h"
#include "cluster/sync_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITION = 5, KEY = 7, ID = 9, OWN_RECORDS = 20, MEMBERS = 4, MESSAGES_MAX = 64 };

// Made once: a store costs more than a run.
static struct replica *replica;
static uint8_t *answer;

static void digest_make(uint8_t digest[LIMIT_DIGEST_SIZE], uint8_t number)
{
    memset(digest, number, LIMIT_DIGEST_SIZE);
    digest[0] = PARTITION;
    digest[1] &= 0xf0;
}

static void records_check_and_clear(void)
{
    base_assert(store_check(replica->store, PARTITION));
    while (!store_partition_clear_step(replica->store, PARTITION, 1000)) {
    }
}

static void records_put(void)
{
    for (uint32_t i = 0; i < OWN_RECORDS; i++) {
        uint8_t digest[LIMIT_DIGEST_SIZE];
        digest_make(digest, (uint8_t)(10 * i));
        struct store_bin bin = {
            .name = digest, .name_size = 1, .value = digest, .value_size = 1, .type = 1};
        struct store_draft draft = {.digest = digest,
                                    .last_update_ms = 1000 + i,
                                    .generation = 1,
                                    .bin_count = 1,
                                    .bins = &bin};
        struct store_cursor cursor;
        store_acquire(replica->store, digest, 0, &cursor);
        base_assert(store_put(&cursor, &draft) == RESULT_OK);
        store_release(&cursor);
    }
}

static void replica_make(enum place_role role)
{
    if (replica == NULL) {
        struct store *store;
        base_assert(store_new(&store) == RESULT_OK);
        base_assert(replica_new(store, REPLICATION_BY_LAST_UPDATE_TIME, &replica) == RESULT_OK);
        answer = malloc(SYNC_ANSWER_SIZE_MAX);
        base_assert(answer != NULL);
    }
    struct place place = {.key = KEY, .role = (uint8_t)role, .full = true};
    if (role == PLACE_MASTER) {
        node_set_add(&place.writes, 1);
        node_set_add(&place.writes, 2);
    }
    replica_place_set(replica, PARTITION, &place);
    records_put();
}

static void header_read(const uint8_t *data, size_t size)
{
    struct message message;
    uint32_t whole;
    enum base_result result = message_parse(data, size, &message, &whole);
    if (result == RESULT_INCOMPLETE) {
        base_assert(whole > size && whole <= LIMIT_FABRIC_SIZE);
    }
    if (result == RESULT_OK) {
        uint8_t header[MESSAGE_HEADER_SIZE];
        base_assert(whole <= size && message.body.size == whole - MESSAGE_HEADER_SIZE);
        message_header_store(header, &message, (uint32_t)message.body.size);
        base_assert(memcmp(header, data, sizeof header) == 0);
    }
}

// The checksums would keep a fuzzer out: makes those of the records in a body right.
static void checksums_set(uint8_t *at, size_t size)
{
    while (size >= STORE_RECORD_HEADER_SIZE) {
        uint32_t record_size = store_record_size(at);
        if (record_size < STORE_RECORD_HEADER_SIZE || record_size > size) {
            return;
        }
        base_le32_store(at, (uint32_t)XXH3_64bits(at + 4, record_size - 4));
        at += record_size;
        size -= record_size;
    }
}

static void request_answer(uint8_t type, uint8_t *body, size_t size)
{
    replica_make(type == MESSAGE_SYNC_LIST ? PLACE_NONE : PLACE_REPLICA);
    if (type == MESSAGE_SYNC_RECORDS && size > SYNC__RECORDS_SIZE) {
        checksums_set(body + SYNC__RECORDS_SIZE, size - SYNC__RECORDS_SIZE);
    }
    struct message request = {
        .type = type, .id = ID, .key = KEY, .partition = PARTITION, .body = {body, size}};
    uint32_t answer_size;
    if (sync_on_request(replica, &request, 0, answer, SYNC_ANSWER_SIZE_MAX, &answer_size) ==
        RESULT_OK) {
        struct message message;
        struct sync__diff diff;
        struct sync__stored stored;
        uint32_t whole;
        base_assert(message_parse(answer, answer_size, &message, &whole) == RESULT_OK);
        base_assert(message.result == RESULT_OK);
        base_assert(type == MESSAGE_SYNC_LIST
                        ? sync__diff_parse(message.body, PARTITION, &diff) == RESULT_OK
                        : sync__stored_parse(message.body, &stored) == RESULT_OK);
    }
    records_check_and_clear();
}

static bool send_nowhere(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    (void)arg;
    struct message message;
    uint32_t whole;
    base_assert(peer == 1 || peer == 2);
    base_assert(message_parse(bytes, size, &message, &whole) == RESULT_OK);
    return true;
}

// A source that has its list, or its records, out, and what comes back.
static void source_answer(bool fill, uint8_t type, uint8_t *body, size_t size)
{
    replica_make(PLACE_MASTER);
    if (type == MESSAGE_SYNC_DIFF && size > SYNC__DIFF_SIZE) {
        checksums_set(body + SYNC__DIFF_SIZE, size - SYNC__DIFF_SIZE);
    }
    struct cluster_sync_order order = {
        .partition = PARTITION, .key = KEY, .peer = 1, .fill = fill, .to_writes = true};
    node_set_add(&order.writes, 1);
    node_set_add(&order.writes, 2);
    struct sync *sync;
    base_assert(sync_new(&order, replica, &sync) == RESULT_OK);
    sync_id_set(sync, ID);
    base_assert(sync_step(sync, 0, send_nowhere, NULL) == SYNC_RUNNING);
    for (uint32_t i = 0; i < 5; i++) {
        struct message message = {
            .type = type, .id = ID, .key = KEY, .partition = PARTITION, .body = {body, size}};
        (void)sync_on_message(sync, 1, &message, i, 0);
        (void)sync_step(sync, 10 * i, send_nowhere, NULL);
        if (size >= 4) {
            base_le32_store(body, base_le32_load(body) + 1); // its next message
        }
    }
    sync_free(&sync);
    records_check_and_clear();
}

static void exchange_read(const uint8_t *data, size_t size)
{
    static struct partition_exchange exchange;
    static uint8_t bytes[PARTITION_EXCHANGE_SIZE_MAX];
    if (partition_exchange_decode(data, (uint32_t)size, &exchange) == RESULT_OK &&
        exchange.has_namespace) {
        static struct partition_exchange again;
        uint32_t encoded = partition_exchange_encode(&exchange, bytes);
        base_assert(encoded <= sizeof bytes);
        base_assert(partition_exchange_decode(bytes, encoded, &again) == RESULT_OK);
        base_assert(again.key == exchange.key &&
                    memcmp(again.copy, exchange.copy, sizeof again.copy) == 0);
    }
}

// A machine with a plan; made once, then copied to where it was made.
static struct partition_machine *plan_make(void)
{
    static struct partition_effects effects;
    static struct partition_exchange exchange;
    static uint8_t *memory;
    static uint8_t *planned;
    if (memory != NULL) {
        memcpy(memory, planned, partition_size());
        return (struct partition_machine *)memory;
    }
    memory = aligned_alloc(16, (partition_size() + 15) / 16 * 16);
    planned = malloc(partition_size());
    base_assert(memory != NULL && planned != NULL);
    memset(memory, 0, partition_size());
    struct partition_machine *machine = partition_init(memory, 4);
    struct partition_member member[MEMBERS];
    for (uint32_t i = 0; i < MEMBERS; i++) {
        member[i] = (struct partition_member){.id = 100 - i};
    }
    for (uint32_t from = 0; from < MEMBERS; from++) {
        exchange =
            (struct partition_exchange){.key = KEY, .replication_factor = 2, .has_namespace = true};
        for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
            exchange.copy[p] = (struct partition_copy){
                .lineage = 1 + from / 2, .sum = from, .count = 10, .full = (from + p) % 2 == 0};
        }
        struct partition_event event = {.type = from == 0 ? PARTITION_VIEW : PARTITION_EXCHANGED,
                                        .view_key = KEY,
                                        .member_count = MEMBERS,
                                        .self = 0,
                                        .member = member,
                                        .from = from,
                                        .exchange = &exchange};
        partition_step(machine, &event, &effects);
    }
    memcpy(planned, memory, partition_size());
    return machine;
}

// Messages of other members: each two bytes, from whom and how long, then the message.
static void plan_disturb(const uint8_t *data, size_t size)
{
    static struct partition_effects effects;
    struct partition_machine *machine = plan_make();
    for (uint32_t i = 0; i < MESSAGES_MAX && size >= 2; i++) {
        uint32_t from = 1 + data[0] % (MEMBERS - 1);
        uint32_t length = data[1] < size - 2 ? data[1] : (uint32_t)size - 2;
        struct partition_message message;
        if (partition_message_decode(data + 2, length, &message) == RESULT_OK) {
            message.key = KEY;
            struct partition_event event = {.type = PARTITION_RECEIVED,
                                            .now_ms = 10 * i,
                                            .from = from,
                                            .partition = message.partition,
                                            .message = &message};
            partition_step(machine, &event, &effects);
            partition_check(machine);
        }
        data += 2 + length;
        size -= 2 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t *rest = malloc(size);
    base_assert(rest != NULL);
    memcpy(rest, data + 1, size - 1);
    switch (data[0] % 8) {
    case 0:
        header_read(rest, size - 1);
        break;
    case 1:
        request_answer(MESSAGE_SYNC_LIST, rest, size - 1);
        break;
    case 2:
        request_answer(MESSAGE_SYNC_RECORDS, rest, size - 1);
        break;
    case 3:
        source_answer(false, MESSAGE_SYNC_DIFF, rest, size - 1);
        break;
    case 4:
        source_answer(false, MESSAGE_SYNC_STORED, rest, size - 1);
        break;
    case 5:
        source_answer(true, MESSAGE_SYNC_STORED, rest, size - 1);
        break;
    case 6:
        exchange_read(rest, size - 1);
        break;
    default:
        plan_disturb(rest, size - 1);
    }
    free(rest);
    return 0;
}
