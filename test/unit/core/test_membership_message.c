// SPDX-License-Identifier: Apache-2.0
// Messages of membership as bytes: what goes in comes out, and what no node would say is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/membership/membership.h"

static void message_fill(struct membership_message *out, enum membership_message_type type,
                         uint32_t count)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    out->from = 1000;
    out->from_incarnation = 77;
    out->regime = 12;
    out->key = 0xabcdef123456;
    if (type == MEMBERSHIP_HEARTBEAT) {
        out->view_regime = 11;
        out->sequence = 5;
        out->flags = MEMBER_LEAVING;
        out->frozen = true;
        out->settled = true;
    }
    out->count = count;
    for (uint32_t i = 0; i < count; i++) {
        out->member[i] =
            (struct membership_member){.id = 1000 - i, .incarnation = 77 + i, .flags = i % 2};
    }
}

static void rows_fill(struct membership_message *out, uint32_t count)
{
    out->row_count = count;
    for (uint32_t i = 0; i < count; i++) {
        out->row[i] = (struct membership_row){.node = (uint8_t)i, .sequence = 100 + i};
        node_set_add(&out->row[i].hears, (i * 7) % out->count);
    }
}

static void every_message_comes_back_as_it_was(void **state)
{
    (void)state;
    static const struct {
        enum membership_message_type type;
        uint32_t count;
        uint32_t rows;
    } cases[] = {
        {MEMBERSHIP_HEARTBEAT, 0, 0}, {MEMBERSHIP_HEARTBEAT, 3, 0},
        {MEMBERSHIP_HEARTBEAT, 3, 3}, {MEMBERSHIP_HEARTBEAT, 128, 128},
        {MEMBERSHIP_PREPARE, 1, 0},   {MEMBERSHIP_PREPARE, 128, 0},
        {MEMBERSHIP_COMMIT, 5, 0},    {MEMBERSHIP_PROMISED, 0, 0},
        {MEMBERSHIP_REFUSED, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct membership_message in;
        static struct membership_message back;
        uint8_t bytes[LIMIT_HEARTBEAT_SIZE];
        message_fill(&in, cases[i].type, cases[i].count);
        if (cases[i].rows > 0) {
            rows_fill(&in, cases[i].rows);
        }
        uint32_t size = membership_message_encode(&in, bytes);
        assert_true(size <= sizeof bytes);
        memset(&back, 0, sizeof back);
        assert_int_equal(membership_message_decode(bytes, size, &back), RESULT_OK);
        uint8_t again[LIMIT_HEARTBEAT_SIZE];
        assert_int_equal(membership_message_encode(&back, again), size);
        assert_memory_equal(bytes, again, size);
        assert_true(back.frozen == in.frozen && back.settled == in.settled);
        assert_true(back.key == in.key && back.regime == in.regime && back.from == in.from);
        // Cut short or with something behind it, it is none.
        for (uint32_t cut = 0; cut < size; cut++) {
            assert_int_equal(membership_message_decode(bytes, cut, &back), RESULT_MALFORMED);
        }
        assert_int_equal(membership_message_decode(bytes, size + 1, &back), RESULT_MALFORMED);
    }
}

// Each spoils a message that was good.
static void spoil_sender(struct membership_message *m)
{
    m->from = 0;
}
static void spoil_regime(struct membership_message *m)
{
    m->regime = UINT64_MAX;
}
static void spoil_key(struct membership_message *m)
{
    m->key = UINT64_C(1) << 48;
}
static void spoil_no_key(struct membership_message *m)
{
    m->key = 0;
}
static void spoil_flags(struct membership_message *m)
{
    m->flags = 4;
}
static void spoil_sequence(struct membership_message *m)
{
    m->sequence = 0;
}
static void spoil_order(struct membership_message *m)
{
    m->member[1].id = m->member[0].id;
}
static void spoil_entry(struct membership_message *m)
{
    m->member[m->count - 1].id = 0;
}
static void spoil_entry_flags(struct membership_message *m)
{
    m->member[2].flags = 8;
}
static void spoil_principal(struct membership_message *m)
{
    m->member[0].id = 2000;
}
static void spoil_principal_process(struct membership_message *m)
{
    m->member[0].incarnation++;
}
static void spoil_empty(struct membership_message *m)
{
    m->count = 0;
}
static void spoil_row_node(struct membership_message *m)
{
    rows_fill(m, 1);
    m->row[0].node = (uint8_t)m->count;
}
static void spoil_row_bits(struct membership_message *m)
{
    rows_fill(m, 1);
    node_set_add(&m->row[0].hears, m->count);
}
static void spoil_row_sequence(struct membership_message *m)
{
    rows_fill(m, 1);
    m->row[0].sequence = 0;
}
static void spoil_rows(struct membership_message *m)
{
    rows_fill(m, 1);
}
static void spoil_type(struct membership_message *m)
{
    m->type = 9;
}

static void what_no_node_would_say_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum membership_message_type type;
        uint32_t count;
        void (*spoil)(struct membership_message *m);
    } cases[] = {
        {MEMBERSHIP_HEARTBEAT, 3, spoil_sender},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_regime},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_key},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_flags},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_sequence},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_order},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_entry},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_entry_flags},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_row_node},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_row_bits},
        {MEMBERSHIP_HEARTBEAT, 3, spoil_row_sequence},
        {MEMBERSHIP_PREPARE, 3, spoil_no_key},
        {MEMBERSHIP_PREPARE, 3, spoil_principal},
        {MEMBERSHIP_PREPARE, 3, spoil_principal_process},
        {MEMBERSHIP_PREPARE, 3, spoil_empty},
        {MEMBERSHIP_COMMIT, 3, spoil_entry_flags},
        {MEMBERSHIP_COMMIT, 3, spoil_rows},
        {MEMBERSHIP_PROMISED, 0, spoil_no_key},
        {MEMBERSHIP_REFUSED, 0, spoil_type},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct membership_message message;
        uint8_t bytes[LIMIT_HEARTBEAT_SIZE];
        message_fill(&message, cases[i].type, cases[i].count);
        cases[i].spoil(&message);
        uint32_t size = membership_message_encode(&message, bytes);
        assert_int_equal(membership_message_decode(bytes, size, &message), RESULT_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was),
        cmocka_unit_test(what_no_node_would_say_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
