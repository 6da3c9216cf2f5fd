// SPDX-License-Identifier: Apache-2.0
// The inside of the membership machine, for the files of this folder alone.
//
//   membership.c  init, the step, the clock, what others may look at
//   message.c     bytes and back
//   peer.c        the table of nodes: heard, lost, counted again
//   heartbeat.c   what we tell and what we are told
//   graph.c       the candidate
//   reason.c      whether the principal should propose a view now
//   round.c       the principal's side of the agreement
//   promise.c     the member's side of it
//   check.c       the invariants
#pragma once

#include <stddef.h>

#include "core/membership/membership.h"
#include "core/node_set.h"

enum {
    MEMBERSHIP_SELF = 0, // our own slot in the table of nodes
    MEMBERSHIP_PAST = 4, // incarnations of a node that are remembered as over
    MEMBERSHIP_MAGIC = 0x4d656d62,
    MEMBERSHIP_REGIME_BITS = 56, // a regime beyond is no regime; ours never gets there
};

// What we know of one node. Times are of machine->now_ms; 0: not so at the moment.
struct peer {
    uint64_t id;          // 0: the slot is free
    uint64_t incarnation; // as heard, or as others mention it
    uint64_t past[MEMBERSHIP_PAST];
    uint32_t past_next;
    uint64_t rival_ms; // one of the past is heard, and the present one is not, since
    uint8_t flags;
    bool heard;   // this incarnation, at least once
    bool fresh;   // this incarnation has not counted yet
    bool alive;   // heard within the timeout
    bool counted; // and for long enough
    bool gone;    // not alive, and that is certain
    bool frozen;
    bool settled;
    uint64_t sequence;
    uint64_t regime;
    uint64_t view_regime;
    uint64_t key;
    struct node_set hears;  // as it says, by slots; told by others while it is not alive
    uint64_t told_sequence; // of the last heartbeat of it that others told of
    uint64_t heard_ms;      // last heartbeat
    uint64_t back_ms;       // alive since
    uint64_t counted_ms;    // counted since
    uint64_t hold_ms;       // to be heard so long before it counts
    uint64_t lost_ms;       // not alive since
    uint64_t told_ms;       // not counted, but others tell of new heartbeats of it, since
    uint64_t told_last_ms;
    uint64_t known_ms;    // counted or told of, since
    uint64_t arrival_ms;  // in the candidate and not in the view, since
    uint64_t exclude_ms;  // in the view, counted, and not in the candidate, since
    uint64_t odd_ms;      // in view and candidate, but frozen or with another view, since
    uint32_t flaps;       // times it was lost lately
    uint32_t odd_count;   // views that were made because it was odd, one soon after the other
    uint64_t odd_last_ms; // the last of them
};

// The highest promise that we gave.
struct promise {
    uint64_t regime;
    uint64_t from;
    uint64_t from_incarnation;
    uint64_t given_ms;
    bool pending; // frozen for it, and it may still be installed
    struct membership_view view;
};

enum round_phase {
    ROUND_IDLE,
    ROUND_PREPARING,  // `waiting` have not promised
    ROUND_COMMITTING, // the view is installed here; `waiting` do not show it yet
};

// The view that we are having agreed on.
struct round {
    enum round_phase phase;
    uint64_t start_ms;
    uint64_t sent_ms;
    struct node_set waiting; // by place in promise.view
};

struct candidate {
    uint32_t count;
    uint8_t slot[LIMIT_CLUSTER_NODES]; // by id, highest first
    struct node_set set;
    bool outcast; // joined to nodes of a group that goes before ours: we wait, they serve
};

struct membership {
    uint32_t magic;
    struct membership_config config;
    struct membership_member self;

    // Time. `event_ms` and `tick_ms` are as given, `now_ms` is how long we ran, from 1.
    bool started;
    uint64_t event_ms;
    uint64_t tick_ms;
    uint64_t now_ms;
    uint64_t random;

    struct peer peer[LIMIT_CLUSTER_NODES]; // slot 0 is ourselves
    uint8_t order[LIMIT_CLUSTER_NODES];    // slots in use, by id, highest first
    uint32_t order_count;
    uint64_t company_ms; // somebody else is alive since

    struct membership_view view;
    bool frozen;
    bool settled;
    bool recluster;
    uint64_t start_ms;
    uint64_t woken_ms;    // frozen because of a pause, since
    uint64_t minority_ms; // most of the view is silent, since
    uint64_t regime_seen;
    struct promise promise;
    struct round round;
    uint32_t failures;   // rounds in a row
    uint64_t backoff_ms; // no new round before

    struct candidate candidate;
    struct node_set partial; // nodes, ourselves too, that are not joined to all others that live
    bool graph_changed;      // the candidate may have
    bool look;               // decide in this step, do not wait for a tick

    uint64_t sequence;
    uint64_t heartbeat_ms; // last sent
    bool news;             // worth a heartbeat out of turn

    struct membership_effects *out;
    struct membership_message heartbeat;
    struct membership_message prepare;
    struct membership_message commit;
    struct membership_message reply;
};

// Spans, from the interval.
uint64_t membership__grace_ms(const struct membership *m); // for news to settle
uint64_t membership__round_ms(const struct membership *m); // of a round that gets nowhere
uint64_t membership__random(struct membership *m);

// Effects.
void membership__send(struct membership *m, uint64_t to, const struct membership_message *message);
void membership__freeze(struct membership *m);

// message.c: everything that can be said about a message by itself.
bool membership__message_valid(const struct membership_message *message);

// peer.c. Slots are numbers in the table; LIMIT_CLUSTER_NODES: none.
uint32_t membership__slot_find(const struct membership *m, uint64_t id);
uint32_t membership__slot_claim(struct membership *m, uint64_t id, bool heard);
bool membership__peer_is_rival(const struct membership *m, struct peer *peer);
bool membership__peer_is_past(const struct membership *m, const struct peer *peer,
                              uint64_t incarnation);
void membership__peer_replace(struct membership *m, uint32_t slot, uint64_t incarnation);
void membership__peer_column_clear(struct membership *m, uint32_t slot);
void membership__peer_heard(struct membership *m, uint32_t slot);
void membership__peer_lose(struct membership *m, uint32_t slot, bool certain);
void membership__peer_blame(struct membership *m, uint32_t slot);
void membership__peers_expire(struct membership *m);
uint32_t membership__alive_count(const struct membership *m);
// The slot of exactly this member when it is ourselves or counted; else LIMIT_CLUSTER_NODES.
uint32_t membership__member_slot(const struct membership *m,
                                 const struct membership_member *member);

void membership__peer_told(struct membership *m, uint32_t slot, uint64_t sequence);
// Place of the member in the view, or view->count.
uint32_t membership__view_place(const struct membership_view *view, uint64_t id,
                                uint64_t incarnation);

// heartbeat.c
void membership__on_heartbeat(struct membership *m, const struct membership_message *message);
void membership__heartbeat_send_due(struct membership *m);

// graph.c: computes machine->candidate anew when it may have changed.
void membership__candidate_update(struct membership *m);
bool membership__peer_lives(const struct membership *m, const struct peer *peer);

// reason.c
void membership__reasons_update(struct membership *m);

// Whether a member has for long been frozen or in another view.
bool membership__peer_is_odd(const struct membership *m, const struct peer *peer);
bool membership__should_propose(const struct membership *m);

// Whether an outcast or a minority has to give up its view: the others go on without it.
bool membership__should_wait(const struct membership *m);

// round.c
void membership__round_step(struct membership *m);
void membership__round_abandon(struct membership *m, bool back_off);
void membership__on_promised(struct membership *m, const struct membership_message *message);
void membership__on_refused(struct membership *m, const struct membership_message *message);

// promise.c
void membership__promise_give(struct membership *m, const struct membership_message *prepare);
void membership__view_install(struct membership *m);
void membership__on_prepare(struct membership *m, const struct membership_message *message);
void membership__on_commit(struct membership *m, const struct membership_message *message);
