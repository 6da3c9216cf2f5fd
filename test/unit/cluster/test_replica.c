// SPDX-License-Identifier: Apache-2.0
// Places under their stripes, and records and questions of other nodes: what is taken in which
// view, who wins, and that bad bytes change nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "cluster/replica.h"

enum { PARTITION = 0x123, KEY = 70, OTHER_KEY = 71, BUFFER_SIZE = 256 };

static const uint8_t digest[LIMIT_DIGEST_SIZE] = {0x23, 0xf1, 3, 4, 5, 6, 7, 8, 9};

// A record as another node would send it.
struct sent {
    uint64_t last_update_ms;
    uint32_t void_time_s;
    uint16_t generation;
    uint8_t life;
    uint8_t fill; // 0: a tombstone
};

struct bytes {
    uint8_t at[BUFFER_SIZE];
    uint32_t size;
};

static struct bytes encode(const struct sent *sent)
{
    uint8_t value[3];
    memset(value, sent->fill, sizeof value);
    struct store_bin bin = {
        .name = (const uint8_t *)"b", .name_size = 1, .type = 4, .value = value, .value_size = 3};
    struct store_draft draft = {
        .digest = digest,
        .last_update_ms = sent->last_update_ms,
        .void_time_s = sent->void_time_s,
        .generation = sent->generation,
        .life = sent->life,
        .bin_count = sent->fill != 0,
        .tombstone = sent->fill == 0,
        .set_name = {(const uint8_t *)"set", 3},
        .bins = &bin,
    };
    struct bytes bytes = {.size = (uint32_t)store_draft_size(&draft)};
    assert_true(bytes.size <= BUFFER_SIZE);
    store_record_encode(&draft, bytes.at);
    return bytes;
}

struct fixture {
    struct store *store;
    struct replica *replica;
};

static struct fixture fixture_new(enum replication_policy policy)
{
    struct fixture f;
    assert_int_equal(store_new(&f.store), RESULT_OK);
    assert_int_equal(replica_new(f.store, policy, &f.replica), RESULT_OK);
    return f;
}

static void fixture_end(struct fixture *f)
{
    assert_true(store_check(f->store, PARTITION));
    replica_free(&f->replica);
    assert_null(f->replica);
    store_free(&f->store);
}

static void place_as(struct fixture *f, uint64_t key, enum place_role role)
{
    struct place place = {.key = key, .lineage = key, .role = (uint8_t)role, .master = PLACE_SELF};
    replica_place_set(f->replica, PARTITION, &place);
}

static enum base_result merge(struct fixture *f, uint64_t key, const struct sent *sent)
{
    struct bytes bytes = encode(sent);
    assert_int_equal(store_record_check(bytes.at, bytes.size), RESULT_OK);
    return replica_merge(f->replica, key, bytes.at, 0);
}

static enum base_result on_write(struct fixture *f, uint64_t key, const struct sent *sent)
{
    struct bytes bytes = encode(sent);
    struct message message = {
        .type = MESSAGE_WRITE, .key = key, .partition = PARTITION, .body = {bytes.at, bytes.size}};
    return replica_on_write(f->replica, &message, 0);
}

// What stands there: the fill byte, 0 for a tombstone, -1 for nothing.
static int stored_fill(struct fixture *f)
{
    struct store_cursor cursor;
    int fill = -1;
    store_acquire(f->store, digest, 0, &cursor);
    if (cursor.stored != NULL) {
        struct store_record record;
        store_record_decode(cursor.stored, &record);
        fill = record.tombstone ? 0 : cursor.stored[record.size - 1];
    }
    store_release(&cursor);
    return fill;
}

static void a_new_namespace_serves_nothing(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        struct place place;
        replica_place_copy(f.replica, i, &place);
        assert_int_equal(place.key, 0);
        assert_int_equal(place.role, PLACE_NONE);
        assert_int_equal(place.master, PLACE_NOBODY);
        assert_int_equal(*store_partition_word(f.store, i), 0);
    }
    fixture_end(&f);
}

static void the_word_of_the_stripe_says_who_is_alone(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    struct place place = {.key = KEY, .role = PLACE_MASTER};
    replica_place_set(f.replica, PARTITION, &place);
    assert_int_equal(*store_partition_word(f.store, PARTITION), REPLICA_ALONE);
    assert_int_equal(*store_partition_word(f.store, PARTITION + 1), 0);
    static const struct place others[] = {
        {.key = KEY, .role = PLACE_REPLICA},
        {.key = KEY, .role = PLACE_NONE},
        {.key = 0, .role = PLACE_MASTER},
        {.key = KEY, .role = PLACE_MASTER, .handing_over = true},
        {.key = KEY, .role = PLACE_MASTER, .writes = {{2, 0}}},
        {.key = KEY, .role = PLACE_MASTER, .duplicates = {{0, 1}}},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        replica_place_set(f.replica, PARTITION, &place);
        replica_place_set(f.replica, PARTITION, &others[i]);
        assert_int_equal(*store_partition_word(f.store, PARTITION), 0);
    }
    replica_place_set(f.replica, PARTITION, &place);
    replica_freeze(f.replica);
    assert_int_equal(*store_partition_word(f.store, PARTITION), 0);
    fixture_end(&f);
}

static void a_new_place_keeps_what_is_in_flight_and_freezing_keeps_the_lineage(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    f.replica->place[PARTITION].in_flight = 3;
    struct place place = {.key = KEY, .lineage = 60, .role = PLACE_MASTER, .full = true};
    replica_place_set(f.replica, PARTITION, &place);
    replica_freeze(f.replica);
    replica_place_copy(f.replica, PARTITION, &place);
    assert_int_equal(place.key, 0);
    assert_int_equal(place.lineage, 60);
    assert_true(place.full);
    assert_int_equal(place.in_flight, 3);
    fixture_end(&f);
}

static const struct sent old = {.last_update_ms = 5000, .generation = 4, .fill = 1};

static void records_are_taken_in_their_view_alone(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    static const struct {
        uint64_t place_key, key;
        enum place_role role;
        enum base_result merged, written;
    } rows[] = {
        {0, 0, PLACE_MASTER, RESULT_CLUSTER_KEY_MISMATCH, RESULT_CLUSTER_KEY_MISMATCH},
        {0, KEY, PLACE_MASTER, RESULT_CLUSTER_KEY_MISMATCH, RESULT_CLUSTER_KEY_MISMATCH},
        {KEY, 0, PLACE_REPLICA, RESULT_CLUSTER_KEY_MISMATCH, RESULT_CLUSTER_KEY_MISMATCH},
        {KEY, OTHER_KEY, PLACE_REPLICA, RESULT_CLUSTER_KEY_MISMATCH, RESULT_CLUSTER_KEY_MISMATCH},
        {KEY, KEY, PLACE_NONE, RESULT_CLUSTER_KEY_MISMATCH, RESULT_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        place_as(&f, rows[i].place_key, rows[i].role);
        assert_int_equal(merge(&f, rows[i].key, &old), rows[i].merged);
        assert_int_equal(on_write(&f, rows[i].key, &old), rows[i].written);
        assert_int_equal(stored_fill(&f), -1);
    }
    place_as(&f, KEY, PLACE_REPLICA);
    assert_int_equal(merge(&f, KEY, &old), RESULT_OK);
    assert_int_equal(merge(&f, KEY, &old), RESULT_OK);
    assert_int_equal(on_write(&f, KEY, &old), RESULT_OK);
    assert_int_equal(stored_fill(&f), 1);
    fixture_end(&f);
}

static void who_adopts_a_record_learns_whether_it_was_news(void **state)
{
    (void)state;
    static const struct sent older = {.last_update_ms = 4000, .generation = 3, .fill = 2};
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    struct bytes bytes = encode(&old);
    bool changed = true;
    place_as(&f, OTHER_KEY, PLACE_MASTER);
    assert_int_equal(replica_adopt(f.replica, KEY, bytes.at, 0, &changed),
                     RESULT_CLUSTER_KEY_MISMATCH);
    assert_false(changed);
    place_as(&f, KEY, PLACE_MASTER);
    assert_int_equal(replica_adopt(f.replica, KEY, bytes.at, 0, &changed), RESULT_OK);
    assert_true(changed);
    assert_int_equal(replica_adopt(f.replica, KEY, bytes.at, 0, &changed), RESULT_OK);
    assert_false(changed);
    bytes = encode(&older);
    assert_int_equal(replica_adopt(f.replica, KEY, bytes.at, 0, &changed), RESULT_LOST_CONFLICT);
    assert_false(changed);
    fixture_end(&f);
}

static void the_conflict_rule_decides_who_stays(void **state)
{
    (void)state;
    static const struct sent
        more_writes = {.last_update_ms = 4000, .generation = 5, .fill = 2},
        later = {.last_update_ms = 6000, .generation = 3, .fill = 3},
        deleted = {.last_update_ms = 6000, .generation = 5, .fill = 0},
        made_again = {.last_update_ms = 6000, .generation = 1, .life = 1, .fill = 4},
        expired = {.last_update_ms = 5001, .generation = 5, .void_time_s = 6, .fill = 5};
    static const struct {
        const struct sent *sent;
        int by_generation, by_time, written; // what stands there afterwards
    } rows[] = {
        {&more_writes, 2, 1, 1}, {&later, 1, 3, 3},   {&deleted, 0, 0, 0},
        {&made_again, 4, 4, 4},  {&expired, 5, 5, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int how = 0; how < 3; how++) {
            struct fixture f =
                fixture_new(how == 0 ? REPLICATION_BY_GENERATION : REPLICATION_BY_LAST_UPDATE_TIME);
            if (how == 2) {
                f.replica->policy = REPLICATION_BY_GENERATION;
            }
            place_as(&f, KEY, PLACE_REPLICA);
            assert_int_equal(merge(&f, KEY, &old), RESULT_OK);
            int expected = how == 0   ? rows[i].by_generation
                           : how == 1 ? rows[i].by_time
                                      : rows[i].written;
            if (how == 2) {
                assert_int_equal(on_write(&f, KEY, rows[i].sent), RESULT_OK);
            } else {
                assert_int_equal(merge(&f, KEY, rows[i].sent),
                                 expected == 1 ? RESULT_LOST_CONFLICT : RESULT_OK);
            }
            assert_int_equal(stored_fill(&f), expected);
            fixture_end(&f);
        }
    }
}

static void writes_to_a_copy_of_another_lineage_go_by_the_policy(void **state)
{
    (void)state;
    static const struct sent more_writes = {.last_update_ms = 4000, .generation = 5, .fill = 2};
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_REPLICA);
    f.replica->place[PARTITION].lineage = OTHER_KEY;
    assert_int_equal(merge(&f, KEY, &old), RESULT_OK);
    assert_int_equal(on_write(&f, KEY, &more_writes), RESULT_OK);
    assert_int_equal(stored_fill(&f), 2);
    fixture_end(&f);
}

static void writes_under_way_when_a_view_ends_are_taken_until_the_next_begins(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_REPLICA);
    replica_freeze(f.replica);
    assert_int_equal(merge(&f, KEY, &old), RESULT_CLUSTER_KEY_MISMATCH);
    assert_int_equal(on_write(&f, OTHER_KEY, &old), RESULT_CLUSTER_KEY_MISMATCH);
    assert_int_equal(on_write(&f, KEY, &old), RESULT_OK);
    assert_int_equal(stored_fill(&f), 1);
    static const struct sent later = {.last_update_ms = 6000, .generation = 5, .fill = 2};
    struct place place;
    replica_place_close(f.replica, PARTITION, &place);
    assert_int_equal(place.lineage, KEY);
    assert_int_equal(on_write(&f, KEY, &later), RESULT_CLUSTER_KEY_MISMATCH);
    assert_int_equal(stored_fill(&f), 1);
    place_as(&f, OTHER_KEY, PLACE_REPLICA);
    assert_int_equal(on_write(&f, KEY, &later), RESULT_CLUSTER_KEY_MISMATCH);
    fixture_end(&f);
}

static void what_was_written_stands_in_a_later_version_of_the_same_reign_alone(void **state)
{
    (void)state;
    static const struct sent later = {.last_update_ms = 6000, .generation = 4, .fill = 2};
    struct fixture f = fixture_new(REPLICATION_BY_LAST_UPDATE_TIME);
    const struct place *place = &f.replica->place[PARTITION];
    struct bytes bytes = encode(&old), later_bytes = encode(&later);
    struct replication_version written = replica_version(bytes.at), none = {.exists = false};
    place_as(&f, KEY, PLACE_MASTER);
    uint64_t reign = place->reign;
    assert_int_equal(reign, KEY);
    place_as(&f, OTHER_KEY, PLACE_MASTER); // another view, the same master
    assert_true(replica_stands(place, bytes.at, reign, &written));
    assert_true(replica_stands(place, later_bytes.at, reign, &written));
    assert_false(replica_stands(place, NULL, reign, &written));
    assert_true(replica_stands(place, NULL, reign, &none));
    place_as(&f, OTHER_KEY, PLACE_REPLICA);
    assert_true(replica_stands(place, bytes.at, reign, &written));
    assert_false(replica_stands(place, later_bytes.at, reign, &written)); // the new master's
    place_as(&f, OTHER_KEY, PLACE_MASTER);
    assert_true(replica_stands(place, bytes.at, reign, &written));
    assert_false(replica_stands(place, later_bytes.at, reign, &written));
    fixture_end(&f);
}

static void a_former_masters_write_loses_to_what_was_written_since(void **state)
{
    (void)state;
    static const struct sent more_writes = {.last_update_ms = 4000, .generation = 5, .fill = 2},
                             later = {.last_update_ms = 6000, .generation = 5, .fill = 3};
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_MASTER);
    struct bytes bytes = encode(&old);
    assert_int_equal(replica_take_over(f.replica, OTHER_KEY, bytes.at, 0),
                     RESULT_CLUSTER_KEY_MISMATCH);
    assert_int_equal(replica_take_over(f.replica, KEY, bytes.at, 0), RESULT_OK);
    assert_int_equal(replica_take_over(f.replica, KEY, bytes.at, 0), RESULT_OK);
    bytes = encode(&more_writes); // wins by the policy, but is older
    assert_int_equal(replica_take_over(f.replica, KEY, bytes.at, 0), RESULT_LOST_CONFLICT);
    assert_int_equal(stored_fill(&f), 1);
    bytes = encode(&later);
    assert_int_equal(replica_take_over(f.replica, KEY, bytes.at, 0), RESULT_OK);
    assert_int_equal(stored_fill(&f), 3);
    fixture_end(&f);
}

static void the_clock_is_not_behind_what_others_wrote_unless_theirs_is_broken(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_LAST_UPDATE_TIME);
    assert_int_equal(replica_clock_ms(f.replica, 4000), 4000);
    place_as(&f, KEY, PLACE_REPLICA);
    assert_int_equal(on_write(&f, KEY, &old), RESULT_OK);
    assert_int_equal(replica_clock_ms(f.replica, 4000), 5000);
    assert_int_equal(replica_clock_ms(f.replica, 5001), 5001);
    replica_clock_raise(f.replica, 4500);
    assert_int_equal(replica_clock_ms(f.replica, 4000), 5000);
    replica_clock_raise(f.replica, 10 * 60000);
    assert_int_equal(replica_clock_ms(f.replica, 4000), 4000);
    assert_int_equal(replica_clock_ms(f.replica, 9 * 60000), 10 * 60000);
    fixture_end(&f);
}

static void a_truncation_decides_before_the_conflict_rule(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_REPLICA);
    assert_int_equal(merge(&f, KEY, &old), RESULT_OK);
    store_truncate(f.store, NULL, 5500);
    static const struct sent covered = {.last_update_ms = 5400, .generation = 9, .fill = 2},
                             fresh = {.last_update_ms = 5600, .generation = 1, .fill = 3};
    assert_int_equal(merge(&f, KEY, &covered), RESULT_LOST_CONFLICT);
    assert_int_equal(on_write(&f, KEY, &covered), RESULT_OK);
    assert_int_equal(stored_fill(&f), 1);
    uint8_t out[BUFFER_SIZE];
    uint32_t size;
    struct message ask = {.key = KEY, .partition = PARTITION, .body = {digest, sizeof digest}};
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_OK);
    assert_int_equal(size, 0);
    assert_int_equal(merge(&f, KEY, &fresh), RESULT_OK);
    assert_int_equal(stored_fill(&f), 3);
    fixture_end(&f);
}

static void questions_are_answered_with_whatever_stands_there(void **state)
{
    (void)state;
    static const struct sent deleted = {.last_update_ms = 6000, .generation = 5, .fill = 0};
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_REPLICA);
    uint8_t out[BUFFER_SIZE];
    uint32_t size = 9;
    struct message ask = {.key = KEY, .partition = PARTITION, .body = {digest, sizeof digest}};
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_OK);
    assert_int_equal(size, 0);
    assert_int_equal(merge(&f, KEY, &deleted), RESULT_OK);
    place_as(&f, KEY, PLACE_NONE); // a copy that is not dropped yet
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_OK);
    struct bytes bytes = encode(&deleted);
    assert_int_equal(size, bytes.size);
    assert_memory_equal(out, bytes.at, bytes.size);
    ask.key = OTHER_KEY;
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_CLUSTER_KEY_MISMATCH);
    replica_freeze(f.replica);
    ask.key = KEY;
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_CLUSTER_KEY_MISMATCH);
    fixture_end(&f);
}

static void bad_bytes_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct fixture f = fixture_new(REPLICATION_BY_GENERATION);
    place_as(&f, KEY, PLACE_REPLICA);
    struct bytes bytes = encode(&old);
    struct message message = {.key = KEY, .partition = PARTITION, .body = {bytes.at, bytes.size}};
    for (uint32_t i = 0; i < bytes.size; i++) {
        bytes.at[i] ^= 0x40;
        assert_int_equal(replica_on_write(f.replica, &message, 0), RESULT_MALFORMED);
        bytes.at[i] ^= 0x40;
        message.body.size = i;
        assert_int_equal(replica_on_write(f.replica, &message, 0), RESULT_MALFORMED);
        message.body.size = bytes.size;
    }
    message.partition = PARTITION + 1;
    assert_int_equal(replica_on_write(f.replica, &message, 0), RESULT_MALFORMED);
    message.partition = UINT32_MAX;
    assert_int_equal(replica_on_write(f.replica, &message, 0), RESULT_MALFORMED);
    assert_int_equal(stored_fill(&f), -1);
    uint8_t out[BUFFER_SIZE];
    uint32_t size;
    struct message ask = {.key = KEY, .partition = PARTITION, .body = {digest, 19}};
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_MALFORMED);
    ask.body.size = 20;
    ask.partition++;
    assert_int_equal(replica_on_ask(f.replica, &ask, out, &size), RESULT_MALFORMED);
    fixture_end(&f);
}

static void a_version_is_read_from_the_header_alone(void **state)
{
    (void)state;
    static const struct sent sent = {
        .last_update_ms = 123456789, .void_time_s = 77, .generation = 65535, .life = 63, .fill = 1};
    struct bytes bytes = encode(&sent);
    uint8_t *header = malloc(STORE_RECORD_HEADER_SIZE); // a sanitizer sees each read behind it
    assert_non_null(header);
    memcpy(header, bytes.at, STORE_RECORD_HEADER_SIZE);
    struct replication_version version = replica_version(header);
    assert_true(version.exists);
    assert_int_equal(version.last_update_ms, 123456789);
    assert_int_equal(version.void_time_s, 77);
    assert_int_equal(version.generation, 65535);
    assert_int_equal(version.life, 63);
    assert_int_equal(version.checksum, store_record_checksum(bytes.at));
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_namespace_serves_nothing),
        cmocka_unit_test(the_word_of_the_stripe_says_who_is_alone),
        cmocka_unit_test(a_new_place_keeps_what_is_in_flight_and_freezing_keeps_the_lineage),
        cmocka_unit_test(records_are_taken_in_their_view_alone),
        cmocka_unit_test(who_adopts_a_record_learns_whether_it_was_news),
        cmocka_unit_test(the_conflict_rule_decides_who_stays),
        cmocka_unit_test(writes_to_a_copy_of_another_lineage_go_by_the_policy),
        cmocka_unit_test(writes_under_way_when_a_view_ends_are_taken_until_the_next_begins),
        cmocka_unit_test(what_was_written_stands_in_a_later_version_of_the_same_reign_alone),
        cmocka_unit_test(a_former_masters_write_loses_to_what_was_written_since),
        cmocka_unit_test(the_clock_is_not_behind_what_others_wrote_unless_theirs_is_broken),
        cmocka_unit_test(a_truncation_decides_before_the_conflict_rule),
        cmocka_unit_test(questions_are_answered_with_whatever_stands_there),
        cmocka_unit_test(bad_bytes_are_refused_and_change_nothing),
        cmocka_unit_test(a_version_is_read_from_the_header_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
