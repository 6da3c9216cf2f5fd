// SPDX-License-Identifier: Apache-2.0
// The machine of one operation, told as tables: events in, and for each the one effect that has to
// come out. A random walk then holds the promise that matters: ok only when all replicas of one
// view have the record.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/replication/replication.h"

enum { ANSWERED_OK = 1, ANSWERED_TIMEOUT = RESULT_TIMEOUT }; // what a client is told early
enum { DEADLINE_MS = 1000, BIT_1 = 1 << 1, BIT_2 = 1 << 2, BIT_3 = 1 << 3 };

static struct node_set set_of(uint64_t bits)
{
    return (struct node_set){{bits, 0}};
}

// Places that the stories below lead through.
enum {
    FROZEN,
    ALONE,
    MASTER_1,         // master, replica 1
    MASTER_12,        // master, replicas 1 and 2
    MASTER_2_LATER,   // master in the next view, replica 2
    MASTER_ASK_3,     // master, replica 1, duplicates at 3
    MASTER_ASK_23,    // master, replica 1, duplicates at 2 and 3
    MASTER_ASK_LATER, // the same in the next view, duplicates at 1
    ALONE_LATER,
    HANDING_OVER,
    REPLICA_OF_1,
    REPLICA_ASKS, // there are duplicates elsewhere
    REPLICA_OF_1_LATER,
    REPLICA_OF_2_LATER,
    PART_OF_1,
    NONE_OF_1,
    NOBODYS,
};

static const struct place places[] = {
    [FROZEN] = {.key = 0, .master = PLACE_NOBODY},
    [ALONE] = {.key = 7, .role = PLACE_MASTER, .full = true},
    [MASTER_1] = {.key = 7, .role = PLACE_MASTER, .full = true, .writes = {{BIT_1, 0}}},
    [MASTER_12] = {.key = 7, .role = PLACE_MASTER, .full = true, .writes = {{BIT_1 | BIT_2, 0}}},
    [MASTER_2_LATER] = {.key = 8, .role = PLACE_MASTER, .full = true, .writes = {{BIT_2, 0}}},
    [MASTER_ASK_3] = {.key = 7,
                      .role = PLACE_MASTER,
                      .full = true,
                      .writes = {{BIT_1, 0}},
                      .duplicates = {{BIT_3, 0}}},
    [MASTER_ASK_23] = {.key = 7,
                       .role = PLACE_MASTER,
                       .full = true,
                       .writes = {{BIT_1, 0}},
                       .duplicates = {{BIT_2 | BIT_3, 0}}},
    [MASTER_ASK_LATER] = {.key = 8, .role = PLACE_MASTER, .full = true, .duplicates = {{BIT_1, 0}}},
    [ALONE_LATER] = {.key = 8, .role = PLACE_MASTER, .full = true},
    [HANDING_OVER] = {.key = 7,
                      .role = PLACE_MASTER,
                      .full = true,
                      .handing_over = true,
                      .writes = {{BIT_1, 0}}},
    [REPLICA_OF_1] = {.key = 7, .role = PLACE_REPLICA, .full = true, .master = 1},
    [REPLICA_ASKS] =
        {.key = 7, .role = PLACE_REPLICA, .full = true, .master = 1, .duplicates = {{BIT_3, 0}}},
    [REPLICA_OF_1_LATER] = {.key = 8, .role = PLACE_REPLICA, .full = true, .master = 1},
    [REPLICA_OF_2_LATER] = {.key = 8, .role = PLACE_REPLICA, .full = true, .master = 2},
    [PART_OF_1] = {.key = 7, .role = PLACE_REPLICA, .full = false, .master = 1},
    [NONE_OF_1] = {.key = 7, .role = PLACE_NONE, .master = 1},
    [NOBODYS] = {.key = 7, .role = PLACE_NONE, .master = PLACE_NOBODY},
};

enum event_name {
    END, // of a story
    BEGIN,
    MOVED,
    TICK,     // at the moment `arg`
    TICK_AT,  // the same with a place
    ANSWERED, // by peer `arg`
    ANSWERED_NEWER,
    REFUSED_ASK,
    APPLIED,   // there is something to replicate
    UNCHANGED, // applied, nothing to replicate
    FAILED,    // applied without success
    ACKED,
    REFUSED,
    LOST,
};

struct line {
    enum event_name event;
    uint32_t arg; // a place, a peer or a moment
    uint64_t key; // of answers and effects
    enum replication_effect_type effect;
    uint64_t bits; // of its set
    uint32_t result;
    uint32_t at; // place of TICK_AT
};

struct story {
    const char *name;
    enum replication_kind kind;
    bool commit_master;
    bool skip_ack;
    bool skip_resolve;
    struct line line[16];
};

#define GO(effect) REPLICATION_##effect

static const struct story stories[] = {
    {"a lone master applies and is done",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, ALONE, 7, GO(APPLY)},
      {.event = APPLIED, ALONE, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a failed write goes nowhere",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = FAILED, MASTER_12, 0, GO(FINISH), 0, RESULT_GENERATION},
      {.event = ACKED, 1, 7, GO(NOTHING)}}},
    {"a write that changed nothing is not replicated",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = UNCHANGED, MASTER_12, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a write ends when all replicas have acknowledged",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 2, 7, GO(NOTHING)},
      {.event = ACKED, 2, 7, GO(NOTHING)},
      {.event = ACKED, 3, 7, GO(NOTHING)},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = TICK, 5000, 0, GO(NOTHING)},
      {.event = MOVED, FROZEN, 0, GO(NOTHING)}}},
    {"a read of a master touches nobody else",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = UNCHANGED, MASTER_12, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a read that changed the record replicates",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_1, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_1, 7, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"a read is served by a full replica",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, REPLICA_OF_1, 7, GO(APPLY)},
      {.event = UNCHANGED, REPLICA_OF_1, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a read at a replica goes to the master while there are duplicates",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, REPLICA_ASKS, 0, GO(PROXY), 1}}},
    {"a read is served by a master that hands over",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, HANDING_OVER, 7, GO(APPLY)},
      {.event = UNCHANGED, HANDING_OVER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a read at part of a copy goes to the master",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, PART_OF_1, 0, GO(PROXY), 1}}},
    {"a write at a replica goes to the master",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, REPLICA_OF_1, 0, GO(PROXY), 1},
      {.event = MOVED, ALONE_LATER, 0, GO(NOTHING)}}},
    {"who holds nothing sends to the master",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, NONE_OF_1, 0, GO(PROXY), 1}}},
    {"without a view there is waiting, then the way goes on",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, FROZEN, 0, GO(WAIT)},
      {.event = TICK, 20, 0, GO(WAIT)},
      {.event = MOVED, NOBODYS, 0, GO(WAIT)},
      {.event = MOVED, FROZEN, 0, GO(WAIT)},
      {.event = TICK_AT, 30, 7, GO(APPLY), 0, 0, MASTER_1},
      {.event = APPLIED, MASTER_1, 7, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"waiting ends with the deadline",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, FROZEN, 0, GO(WAIT)},
      {.event = TICK, DEADLINE_MS - 1, 0, GO(WAIT)},
      {.event = TICK, DEADLINE_MS, 0, GO(FINISH), 0, RESULT_TIMEOUT}}},
    {"a write waits while the master hands over, then goes to the new one",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, HANDING_OVER, 0, GO(WAIT)},
      {.event = TICK_AT, 10, 0, GO(WAIT), 0, 0, HANDING_OVER},
      {.event = MOVED, REPLICA_OF_1, 0, GO(PROXY), 1}}},
    {"all duplicates are asked before applying",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = ANSWERED, 3, 7, GO(NOTHING)},
      {.event = ANSWERED, 3, 7, GO(NOTHING)},
      {.event = ANSWERED, 1, 7, GO(NOTHING)},
      {.event = ANSWERED, 2, 6, GO(NOTHING)},
      {.event = ANSWERED, 2, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_ASK_23, 7, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"a read asks duplicates too",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_3, 7, GO(ASK), BIT_3},
      {.event = ANSWERED, 3, 7, GO(APPLY)},
      {.event = UNCHANGED, MASTER_ASK_3, 0, GO(FINISH), 0, RESULT_OK}}},
    {"what a read took from a duplicate goes to all replicas before the answer",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_3, 7, GO(ASK), BIT_3},
      {.event = ANSWERED_NEWER, 3, 7, GO(APPLY)},
      {.event = UNCHANGED, MASTER_ASK_3, 7, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"so does what a write took that then failed",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = ANSWERED_NEWER, 3, 7, GO(NOTHING)},
      {.event = ANSWERED, 2, 7, GO(APPLY)},
      {.event = FAILED, MASTER_ASK_23, 7, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_GENERATION}}},
    {"what was taken in another view is no longer of interest",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = ANSWERED_NEWER, 3, 7, GO(NOTHING)},
      {.event = MOVED, MASTER_2_LATER, 8, GO(APPLY)},
      {.event = UNCHANGED, MASTER_2_LATER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a read that is late with what it took is in doubt",
     REPLICATION_READ,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_3, 7, GO(ASK), BIT_3},
      {.event = ANSWERED_NEWER, 3, 7, GO(APPLY)},
      {.event = UNCHANGED, MASTER_ASK_3, 7, GO(SEND), BIT_1},
      {.event = TICK, DEADLINE_MS - 10, 7, GO(SEND), BIT_1},
      {.event = TICK, DEADLINE_MS, 0, GO(NOTHING), 0, ANSWERED_TIMEOUT},
      {.event = MOVED, ALONE_LATER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"unanswered questions are asked again, refused ones sooner",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = TICK, 49, 0, GO(NOTHING)},
      {.event = TICK_AT, 50, 7, GO(ASK), BIT_2 | BIT_3, 0, MASTER_ASK_23},
      {.event = ANSWERED, 2, 7, GO(NOTHING)},
      {.event = REFUSED_ASK, 3, 7, GO(NOTHING)},
      {.event = TICK, 59, 0, GO(NOTHING)},
      {.event = TICK, 60, 7, GO(ASK), BIT_3},
      {.event = TICK, DEADLINE_MS, 0, GO(FINISH), 0, RESULT_TIMEOUT}}},
    {"a duplicate that was synced meanwhile need not answer",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = MOVED, MASTER_ASK_3, 0, GO(NOTHING)},
      {.event = ANSWERED, 2, 7, GO(NOTHING)},
      {.event = MOVED, MASTER_1, 7, GO(APPLY)}}},
    {"a new view while asking starts from its beginning",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(ASK), BIT_2 | BIT_3},
      {.event = ANSWERED, 3, 7, GO(NOTHING)},
      {.event = MOVED, FROZEN, 0, GO(WAIT)},
      {.event = ANSWERED, 2, 7, GO(NOTHING)},
      {.event = MOVED, MASTER_ASK_LATER, 8, GO(ASK), BIT_1},
      {.event = ANSWERED, 1, 7, GO(NOTHING)},
      {.event = ANSWERED, 1, 8, GO(APPLY)},
      {.event = APPLIED, MASTER_ASK_LATER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a new master while asking gets the request",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_ASK_3, 7, GO(ASK), BIT_3},
      {.event = MOVED, REPLICA_OF_2_LATER, 0, GO(PROXY), 2}}},
    {"a place that changed under the stripe leads back to the way",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_1, 7, GO(APPLY)},
      {.event = TICK, 5000, 0, GO(NOTHING)},
      {.event = MOVED, MASTER_ASK_3, 7, GO(ASK), BIT_3},
      {.event = ANSWERED, 3, 7, GO(APPLY)},
      {.event = MOVED, FROZEN, 0, GO(WAIT)},
      {.event = MOVED, REPLICA_OF_1_LATER, 0, GO(PROXY), 1}}},
    {"unacknowledged writes are sent again, refused ones sooner",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = TICK_AT, 49, 0, GO(NOTHING), 0, 0, MASTER_12},
      {.event = TICK, 50, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = REFUSED, 2, 7, GO(NOTHING)},
      {.event = TICK, 60, 7, GO(SEND), BIT_2},
      {.event = TICK, 70, 0, GO(NOTHING)},
      {.event = ACKED, 2, 7, GO(FINISH), 0, RESULT_OK}}},
    {"a write that is not acknowledged in time is in doubt",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = TICK, DEADLINE_MS, 7, GO(SEND), BIT_2, ANSWERED_TIMEOUT},
      {.event = TICK, DEADLINE_MS + 20, 7, GO(NOTHING)},
      {.event = TICK, DEADLINE_MS + 50, 7, GO(SEND), BIT_2},
      {.event = ACKED, 2, 7, GO(FINISH), 0, RESULT_OK}}},
    {"acknowledgements of the last view count while there is none",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = MOVED, FROZEN, 0, GO(NOTHING)},
      {.event = TICK_AT, 50, 7, GO(SEND), BIT_2, 0, FROZEN},
      {.event = ACKED, 2, 7, GO(FINISH), 0, RESULT_OK}}},
    {"a new view starts replication again and forgets what the old one acknowledged",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = MOVED, FROZEN, 0, GO(NOTHING)},
      {.event = MOVED, MASTER_2_LATER, 8, GO(SEND), BIT_2},
      {.event = ACKED, 2, 7, GO(NOTHING)},
      {.event = ACKED, 2, 8, GO(FINISH), 0, RESULT_OK}}},
    {"a master that is alone in the new view is done",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, ALONE_LATER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"duplicates in the new view do not hold up what was applied",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, MASTER_ASK_LATER, 0, GO(FINISH), 0, RESULT_OK}}},
    {"a replica that dropped its copy in this view need not answer",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, MASTER_1, 0, GO(NOTHING)},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"the last replica to answer dropped its copy",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = MOVED, MASTER_1, 0, GO(FINISH), 0, RESULT_OK}}},
    {"writes go on while the master drains",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_1, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_1, 7, GO(SEND), BIT_1},
      {.event = MOVED, HANDING_OVER, 0, GO(NOTHING)},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"the new master gets the record and says when it is replicated",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, REPLICA_OF_1_LATER, 8, GO(SEND), BIT_1},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = MOVED, REPLICA_OF_1_LATER, 0, GO(NOTHING)},
      {.event = REFUSED, 1, 8, GO(NOTHING)},
      {.event = TICK, 10, 8, GO(SEND), BIT_1},
      {.event = MOVED, FROZEN, 0, GO(NOTHING)},
      {.event = ACKED, 1, 8, GO(FINISH), 0, RESULT_OK}}},
    {"a record that lost at the new master is in doubt",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, REPLICA_OF_1_LATER, 8, GO(SEND), BIT_1},
      {.event = LOST, 1, 8, GO(FINISH), 0, RESULT_TIMEOUT}}},
    {"a write that does not stand at the master any more is in doubt",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = LOST, 1, 7, GO(FINISH), 0, RESULT_TIMEOUT}}},
    {"mastership that moves on takes the record along",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, REPLICA_OF_1_LATER, 8, GO(SEND), BIT_1},
      {.event = MOVED, REPLICA_OF_2_LATER, 8, GO(SEND), BIT_2},
      {.event = ACKED, 1, 8, GO(NOTHING)},
      {.event = MOVED, NOBODYS, 0, GO(NOTHING)},
      {.event = MOVED, MASTER_2_LATER, 8, GO(SEND), BIT_2},
      {.event = ACKED, 2, 8, GO(FINISH), 0, RESULT_OK}}},
    {"a new master in the same view gets the record",
     REPLICATION_WRITE,
     false,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = MOVED, REPLICA_OF_1, 7, GO(SEND), BIT_1},
      {.event = TICK, 20, 0, GO(NOTHING)},
      {.event = TICK, DEADLINE_MS, 7, GO(SEND), BIT_1, ANSWERED_TIMEOUT},
      {.event = TICK, DEADLINE_MS + REPLICATION_LINGER_MS, 0, GO(FINISH), 0, RESULT_TIMEOUT}}},
    {"who does not wait for replicas is answered at once, once",
     REPLICATION_WRITE,
     true,
     false,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2, ANSWERED_OK},
      {.event = TICK, 50, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 1, 7, GO(NOTHING)},
      {.event = MOVED, MASTER_2_LATER, 8, GO(SEND), BIT_2},
      {.event = ACKED, 2, 8, GO(FINISH), 0, RESULT_OK}}},
    {"who does not wait for replicas has none",
     REPLICATION_WRITE,
     true,
     false,
     false,
     {{.event = BEGIN, ALONE, 7, GO(APPLY)},
      {.event = APPLIED, ALONE, 0, GO(FINISH), 0, RESULT_OK}}},
    {"mutation: the last acknowledgement is not waited for",
     REPLICATION_WRITE,
     false,
     true,
     false,
     {{.event = BEGIN, MASTER_12, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_12, 7, GO(SEND), BIT_1 | BIT_2},
      {.event = ACKED, 2, 7, GO(NOTHING), 0, ANSWERED_OK},
      {.event = ACKED, 1, 7, GO(FINISH), 0, RESULT_OK}}},
    {"mutation: the only acknowledgement is not waited for",
     REPLICATION_WRITE,
     false,
     true,
     false,
     {{.event = BEGIN, MASTER_1, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_1, 7, GO(SEND), BIT_1, ANSWERED_OK}}},
    {"mutation: duplicates are not asked",
     REPLICATION_WRITE,
     false,
     false,
     true,
     {{.event = BEGIN, MASTER_ASK_23, 7, GO(APPLY)},
      {.event = APPLIED, MASTER_ASK_23, 7, GO(SEND), BIT_1}}},
};

static struct replication_event event_of(const struct line *line, uint64_t *now_ms)
{
    struct replication_event event = {.key = line->key, .from = (uint8_t)line->arg, .ok = true};
    const struct place *place =
        line->arg < sizeof places / sizeof places[0] ? &places[line->arg] : NULL;
    switch (line->event) {
    case BEGIN:
    case MOVED:
        event.type = line->event == BEGIN ? REPLICATION_BEGIN : REPLICATION_MOVED;
        event.place = place;
        break;
    case TICK:
    case TICK_AT:
        event.type = REPLICATION_TICK;
        event.place = line->event == TICK ? NULL : &places[line->at];
        *now_ms = line->arg;
        break;
    case ANSWERED:
    case ANSWERED_NEWER:
    case REFUSED_ASK:
        event.type = REPLICATION_ANSWERED;
        event.ok = line->event != REFUSED_ASK;
        event.changed = line->event == ANSWERED_NEWER;
        break;
    case APPLIED:
    case UNCHANGED:
    case FAILED:
        event.type = REPLICATION_APPLIED;
        event.place = place;
        event.changed = line->event == APPLIED;
        event.result = line->event == FAILED ? RESULT_GENERATION : RESULT_OK;
        break;
    case ACKED:
    case REFUSED:
    case LOST:
        event.type = REPLICATION_ACKED;
        event.ok = line->event != REFUSED;
        event.lost = line->event == LOST;
        break;
    case END:
        break;
    }
    event.now_ms = *now_ms;
    return event;
}

// How a line tells that the client is answered with this effect; 0: it is not.
static bool is_answered_as(const struct replication_effect *effect, uint32_t told)
{
    enum base_result result = told == ANSWERED_TIMEOUT ? RESULT_TIMEOUT : RESULT_OK;
    return effect->answer == (told != 0) && (told == 0 || effect->result == result);
}

static void assert_effect(const struct story *story, const struct line *line,
                          const struct replication_effect *effect)
{
    bool good = effect->type == line->effect;
    switch (line->effect) {
    case GO(ASK):
    case GO(SEND):
        good = good && effect->set.bits[0] == line->bits && effect->key == line->key &&
               is_answered_as(effect, line->result);
        break;
    case GO(APPLY):
        good = good && effect->key == line->key;
        break;
    case GO(PROXY):
        good = good && effect->to == line->bits;
        break;
    case GO(FINISH):
        good = good && (uint32_t)effect->result == line->result;
        break;
    case GO(NOTHING):
        good = good && is_answered_as(effect, line->result);
        break;
    case GO(WAIT):
        break;
    }
    if (!good) {
        fail_msg("%s, line %d: effect %d, set %llx, key %llu, to %u, result %d, answer %d",
                 story->name, (int)(line - story->line) + 1, (int)effect->type,
                 (unsigned long long)effect->set.bits[0], (unsigned long long)effect->key,
                 (unsigned)effect->to, (int)effect->result, effect->answer);
    }
}

static void each_event_of_each_story_has_its_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        const struct story *story = &stories[i];
        struct replication machine;
        replication_init(&machine, story->kind, story->commit_master, DEADLINE_MS);
        machine.mutate_skip_ack = story->skip_ack;
        machine.mutate_skip_resolve = story->skip_resolve;
        uint64_t now_ms = 0;
        for (const struct line *line = story->line; line->event != END; line++) {
            struct replication_event event = event_of(line, &now_ms);
            struct replication_effect effect;
            replication_step(&machine, &event, &effect);
            assert_effect(story, line, &effect);
            bool merges = machine.state == REPLICATION_STATE_MERGING && effect.type == GO(SEND);
            assert_int_equal(effect.merge, merges);
            replication_check(&machine);
        }
    }
}

static void an_operation_may_be_applied_only_where_it_was_routed(void **state)
{
    (void)state;
    static const struct {
        uint32_t place;
        bool writes, reads;
    } rows[] = {
        {FROZEN, false, false},       {ALONE, true, true},
        {MASTER_12, true, true},      {MASTER_ASK_3, false, false},
        {HANDING_OVER, false, true},  {REPLICA_OF_1, false, true},
        {REPLICA_ASKS, false, false}, {PART_OF_1, false, false},
        {NONE_OF_1, false, false},    {ALONE_LATER, false, false},
        {NOBODYS, false, false},      {REPLICA_OF_1_LATER, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (enum replication_kind kind = REPLICATION_READ; kind <= REPLICATION_WRITE; kind++) {
            struct replication machine;
            replication_init(&machine, kind, false, DEADLINE_MS);
            struct replication_event event = {.type = REPLICATION_BEGIN, .place = &places[ALONE]};
            struct replication_effect effect;
            replication_step(&machine, &event, &effect);
            assert_int_equal(effect.type, GO(APPLY));
            assert_int_equal(replication_may_apply(&machine, &places[rows[i].place]),
                             kind == REPLICATION_READ ? rows[i].reads : rows[i].writes);
        }
    }
}

// --- a random walk ---

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct place place_random(uint64_t *random, uint64_t key)
{
    struct place place = {.key = random_next(random) % 5 == 0 ? 0 : key};
    place.role = (uint8_t)(random_next(random) % 3);
    place.full = place.role == PLACE_MASTER || random_next(random) % 2 == 0;
    place.master = place.role == PLACE_MASTER     ? PLACE_SELF
                   : random_next(random) % 6 == 0 ? PLACE_NOBODY
                                                  : (uint8_t)(1 + random_next(random) % 4);
    if (place.role == PLACE_MASTER) {
        place.writes = set_of(random_next(random) % 16 << 1);
        place.duplicates = set_of(random_next(random) % 3 == 0 ? random_next(random) % 16 << 1 : 0);
        place.handing_over = random_next(random) % 8 == 0;
    }
    return place;
}

enum { KEYS_MAX = 16 };

// What the owner of the machine knows for certain.
struct truth {
    struct node_set have[KEYS_MAX]; // who acknowledged under each key
    struct node_set must[KEYS_MAX]; // who is written to under each key
    bool known[KEYS_MAX];           // there was a master under it
    bool merged;                    // by a new master
    bool applied;
};

static struct replication_event event_random(uint64_t *random, const struct replication *machine,
                                             const struct place *place, uint64_t now_ms)
{
    struct replication_event event = {
        .now_ms = now_ms,
        .key = random_next(random) % 4 == 0 ? 1 + random_next(random) % KEYS_MAX : machine->key,
        .from = (uint8_t)(1 + random_next(random) % 4),
        .ok = random_next(random) % 4 != 0,
        .lost = random_next(random) % 16 == 0,
        .changed = random_next(random) % 4 == 0,
        .place = place,
    };
    static const enum replication_event_type types[] = {REPLICATION_ANSWERED, REPLICATION_ACKED,
                                                        REPLICATION_ACKED,    REPLICATION_ACKED,
                                                        REPLICATION_MOVED,    REPLICATION_TICK};
    event.type = types[random_next(random) % 6];
    return event;
}

static void truth_learn(struct truth *truth, const struct replication_event *event,
                        const struct place *place, const struct replication *before)
{
    if (event->type == REPLICATION_APPLIED) {
        truth->applied = event->changed || (before->merged && place->role == PLACE_MASTER);
    }
    bool merging = before->state == REPLICATION_STATE_MERGING;
    if (event->type == REPLICATION_ACKED && event->ok && event->key < KEYS_MAX) {
        if (!merging && !event->lost) {
            node_set_add(&truth->have[event->key], event->from);
        } else if (merging && !event->lost && event->key == before->key &&
                   event->from == before->target) {
            truth->merged = true;
        }
    }
    if (place->key != 0 && place->role == PLACE_MASTER && event->place != NULL) {
        truth->must[place->key] = place->writes;
        truth->known[place->key] = true;
    }
}

// Plays one operation to its end; true when it ended well.
static bool walk_randomly(uint64_t seed)
{
    uint64_t random = seed;
    enum replication_kind kind = random_next(&random) % 2 ? REPLICATION_WRITE : REPLICATION_READ;
    struct replication machine;
    replication_init(&machine, kind, false, DEADLINE_MS);
    struct truth truth = {0};
    uint64_t key = 1;
    struct place place = place_random(&random, key);
    struct replication_event event = {.type = REPLICATION_BEGIN, .place = &place};
    for (uint64_t now_ms = 0;; now_ms += random_next(&random) % 20) {
        struct replication before = machine;
        event.now_ms = now_ms;
        truth_learn(&truth, &event, &place, &before);
        struct replication_effect effect;
        replication_step(&machine, &event, &effect);
        replication_check(&machine);
        assert_true(now_ms < 2 * DEADLINE_MS + REPLICATION_LINGER_MS);
        switch (effect.type) {
        case REPLICATION_PROXY:
            assert_false(truth.applied);
            return true;
        case REPLICATION_FINISH:
            if (effect.result == RESULT_OK && truth.applied && !truth.merged) {
                struct node_set must = truth.must[machine.key];
                assert_int_equal(must.bits[0] & ~truth.have[machine.key].bits[0], 0);
            }
            return effect.result == RESULT_OK;
        case REPLICATION_APPLY:
            assert_true(replication_may_apply(&machine, &place));
            event = (struct replication_event){.type = REPLICATION_APPLIED, .place = &place};
            event.changed = kind == REPLICATION_WRITE && random_next(&random) % 8 != 0;
            if (random_next(&random) % 4 == 0) { // the place changed before the stripe was had
                place = place_random(&random, key < KEYS_MAX - 1 ? ++key : key);
                event.type = REPLICATION_MOVED;
            }
            continue;
        default:
            break;
        }
        if (random_next(&random) % 8 == 0) {
            bool new_view = random_next(&random) % 2 == 0 && key < KEYS_MAX - 1;
            struct place next = place_random(&random, new_view ? ++key : key);
            if (truth.known[key]) { // within a view replicas only leave
                next.writes.bits[0] &= truth.must[key].bits[0];
            }
            place = next;
            event = (struct replication_event){.type = REPLICATION_MOVED, .place = &place};
        } else {
            event = event_random(&random, &machine, &place, now_ms);
        }
    }
}

static void ok_means_that_all_replicas_of_one_view_have_it(void **state)
{
    (void)state;
    uint32_t good = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        good += walk_randomly(seed);
    }
    assert_true(good > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_of_each_story_has_its_effect),
        cmocka_unit_test(an_operation_may_be_applied_only_where_it_was_routed),
        cmocka_unit_test(ok_means_that_all_replicas_of_one_view_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
