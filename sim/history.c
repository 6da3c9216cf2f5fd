// SPDX-License-Identifier: Apache-2.0
// Each record has all its versions in a table, in the order they were made; number 0 is absence.
// `wanted` are those that checks still care about.
#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "operation.h"
#include "story.h"

enum { WANTED_MAX = 48, CLASHES_MAX = 32, LIVES_MAX = REPLICATION_LIVES / 2 - 4 };

struct version {
    struct replication_version is;
    uint64_t number; // of the operation
    uint64_t view_key;
    uint64_t acknowledged_key; // of the view whose members had it when it was acknowledged
    uint64_t made_us;
    uint64_t acknowledged_us;
    uint32_t parent;
    uint32_t depth; // number of its ancestors
    uint32_t void_time_s;
    uint32_t lost_hosts; // bits: processes that held it and ended
    uint8_t lost;        // how many did
    uint8_t copies;      // that there must have been; 0: not acknowledged
    uint8_t state;
    uint8_t kind; // enum operation_kind
    bool commit_master;
};

// Two versions of which neither was built on the other although it could be seen.
struct clash {
    uint32_t first, second;
};

struct record {
    struct version *version;
    uint32_t count, capacity;
    uint32_t wanted[WANTED_MAX];
    uint32_t wanted_count;
    struct clash clash[CLASHES_MAX];
    uint32_t clash_count;
    uint32_t settled; // versions before this one are history
    uint8_t life_max; // of all versions, on either side of any split
    bool exempt;      // until all is settled
};

struct history {
    uint32_t namespaces;
    uint32_t keys;
    struct record *record; // by namespace, then key
};

struct history *history_new(const struct sim *sim)
{
    struct history *history = calloc(1, sizeof *history);
    base_assert(history != NULL);
    history->namespaces = sim->profile.namespaces;
    history->keys = sim->profile.keys;
    history->record = calloc((size_t)history->namespaces * history->keys, sizeof *history->record);
    base_assert(history->record != NULL);
    return history;
}

void history_free(struct history **out)
{
    struct history *history = *out;
    *out = NULL;
    for (uint32_t i = 0; i < history->namespaces * history->keys; i++) {
        free(history->record[i].version);
    }
    free(history->record);
    free(history);
}

static struct record *record_of(const struct sim *sim, uint32_t namespace_number, uint32_t key)
{
    struct history *history = sim->history;
    return &history->record[namespace_number * history->keys + key];
}

static uint32_t version_add(struct record *record, const struct version *version)
{
    if (record->count == 0) {
        record->count = 1; // absence
    }
    if (record->count + 1 > record->capacity) {
        record->capacity = record->capacity == 0 ? 8 : record->capacity * 2;
        record->version = realloc(record->version, record->capacity * sizeof *record->version);
        base_assert(record->version != NULL);
        record->version[0] = (struct version){0};
    }
    record->version[record->count] = *version;
    record->life_max = version->is.life > record->life_max ? version->is.life : record->life_max;
    return record->count++;
}

static const struct version *at(const struct record *record, uint32_t version)
{
    static const struct version absent = {0};
    return version == VERSION_ABSENT ? &absent : &record->version[version];
}

static int compare(const struct sim *sim, uint32_t namespace_number, const struct record *record,
                   uint32_t a, uint32_t b)
{
    if (a == b) {
        return 0;
    }
    return replication_compare(&at(record, a)->is, &at(record, b)->is,
                               sim->profile.policy[namespace_number]);
}

// Whether `old` is `young` or one that it was built on.
static bool is_ancestor(const struct record *record, uint32_t old, uint32_t young)
{
    while (young != old && young != VERSION_ABSENT &&
           at(record, young)->depth > at(record, old)->depth) {
        young = at(record, young)->parent;
    }
    return young == old;
}

// Whether who holds `held` lacks nothing of `wanted`: it was built on it, or it, or one that it was
// built on, won against it.
static bool covers(const struct sim *sim, uint32_t namespace_number, const struct record *record,
                   uint32_t held, uint32_t wanted)
{
    for (;;) {
        if (compare(sim, namespace_number, record, held, wanted) >= 0 ||
            is_ancestor(record, wanted, held)) {
            return true;
        }
        held = at(record, held)->parent;
        if (held == VERSION_ABSENT || is_ancestor(record, held, wanted)) {
            return false;
        }
    }
}

void history_describe(struct sim *sim, uint32_t namespace_number, uint32_t key, uint32_t number,
                      char out[64])
{
    static const char *const kinds[] = {"read", "write", "delete", "increment", "merge"};
    if (number == VERSION_ABSENT) {
        snprintf(out, 64, "nothing");
        return;
    }
    const struct version *v = at(record_of(sim, namespace_number, key), number);
    snprintf(out, 64, "v%u (g%u.%u t%" PRIu64 " %s %" PRIu64 ")", number, v->is.life,
             v->is.generation, v->is.last_update_ms % 1000000, kinds[v->kind], v->number);
}

bool history_may_delete(const struct sim *sim, uint32_t namespace_number, uint32_t key)
{
    return record_of(sim, namespace_number, key)->life_max < LIVES_MAX;
}

// --- what stores hold ---

static uint32_t version_find(struct sim *sim, const struct process *process,
                             uint32_t namespace_number, uint32_t key,
                             const struct replication_version *is)
{
    struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = record->count; i-- > 1;) {
        const struct replication_version *v = &record->version[i].is;
        if (v->checksum == is->checksum && v->last_update_ms == is->last_update_ms &&
            v->generation == is->generation) {
            return i;
        }
    }
    sim_finding(sim, namespace_number, sim->key[key].partition, key,
                "n%u holds a version that nobody made: generation %u, time %" PRIu64, process->host,
                is->generation, is->last_update_ms);
}

uint32_t history_held(const struct process *process, uint32_t namespace_number, uint32_t key)
{
    struct sim *sim = process->sim;
    struct store_cursor cursor;
    store_acquire(process->store[namespace_number], sim->key[key].digest, 0, &cursor);
    struct replication_version is = {0};
    if (cursor.stored != NULL) {
        is = replica_version(cursor.stored);
    }
    store_release(&cursor);
    return is.exists ? version_find(sim, process, namespace_number, key, &is) : VERSION_ABSENT;
}

// Some clock may have seen it expire, so any node may have removed it.
static bool may_have_expired(const struct sim *sim, const struct version *version)
{
    return version->void_time_s != 0 && version->void_time_s <= sim->wall_ms_max / 1000 + 1;
}

static bool is_exempt(const struct sim *sim, uint32_t namespace_number, uint32_t key)
{
    struct record *record = record_of(sim, namespace_number, key);
    if (record->exempt || !sim->key[key].expires) {
        return record->exempt;
    }
    for (uint32_t i = 0; i < record->wanted_count && !record->exempt; i++) {
        record->exempt = may_have_expired(sim, at(record, record->wanted[i]));
    }
    for (uint32_t i = record->count; i-- > record->settled && i > 0 && !record->exempt;) {
        record->exempt = may_have_expired(sim, &record->version[i]);
    }
    return record->exempt;
}

static bool is_member_of(const struct process *process, uint64_t view_key)
{
    return cluster_view(process->cluster)->key == view_key;
}

// Whether a member of the view holds the version or one built on it; *who: a host.
static bool is_visible(const struct sim *sim, uint32_t namespace_number, uint32_t key,
                       uint64_t view_key, uint32_t version, uint32_t *who)
{
    const struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        if (process != NULL && is_member_of(process, view_key) &&
            is_ancestor(record, version, history_held(process, namespace_number, key))) {
            *who = i;
            return true;
        }
    }
    return false;
}

static uint32_t holders_count(const struct sim *sim, uint32_t namespace_number, uint32_t key,
                              uint32_t version, uint32_t but_host)
{
    const struct record *record = record_of(sim, namespace_number, key);
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        count += process != NULL && i != but_host &&
                 covers(sim, namespace_number, record, history_held(process, namespace_number, key),
                        version);
    }
    return count;
}

// --- wanted ---

static void want_no_more(struct record *record, uint32_t at_index)
{
    record->wanted_count--;
    memmove(&record->wanted[at_index], &record->wanted[at_index + 1],
            (record->wanted_count - at_index) * sizeof record->wanted[0]);
}

// Makes room: doubtful ones go first, then the oldest that a later acknowledged one was built on.
static void want_room(struct record *record)
{
    for (uint32_t i = 0; i < record->wanted_count; i++) {
        if (at(record, record->wanted[i])->state == VERSION_DOUBTFUL) {
            want_no_more(record, i);
            return;
        }
    }
    for (uint32_t i = 0; i < record->wanted_count; i++) {
        for (uint32_t j = i + 1; j < record->wanted_count; j++) {
            if (at(record, record->wanted[j])->state == VERSION_ACKNOWLEDGED &&
                is_ancestor(record, record->wanted[i], record->wanted[j])) {
                want_no_more(record, i);
                return;
            }
        }
    }
    want_no_more(record, 0);
}

static void want(struct record *record, uint32_t version)
{
    if (record->wanted_count == WANTED_MAX) {
        want_room(record);
    }
    record->wanted[record->wanted_count++] = version;
}

// --- seen ---

// Whether it was acknowledged on the other side of a split, by a view without these two.
static bool is_elsewhere(const struct sim *sim, const struct version *v, uint32_t a, uint32_t b)
{
    uint32_t hosts = UINT32_C(1) << a | UINT32_C(1) << b;
    return v->acknowledged_key != 0 && (checks_view_hosts(sim, v->acknowledged_key) & hosts) == 0;
}

void history_seen(const struct process *process, uint32_t namespace_number, uint32_t key,
                  uint64_t view_key, uint32_t seen, uint64_t since_us)
{
    struct sim *sim = process->sim;
    const struct record *record = record_of(sim, namespace_number, key);
    if (is_exempt(sim, namespace_number, key)) {
        return;
    }
    for (uint32_t i = 0; i < record->wanted_count; i++) {
        uint32_t wanted = record->wanted[i];
        const struct version *v = at(record, wanted);
        uint32_t who;
        if (v->state != VERSION_ACKNOWLEDGED || v->acknowledged_us > since_us || v->commit_master ||
            covers(sim, namespace_number, record, seen, wanted) ||
            !is_visible(sim, namespace_number, key, view_key, wanted, &who) ||
            is_elsewhere(sim, v, process->host, who)) {
            continue;
        }
        char should[64], is[64];
        history_describe(sim, namespace_number, key, wanted, should);
        history_describe(sim, namespace_number, key, seen, is);
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "stale: n%u serves %s although %s was acknowledged at %.6f and n%u of the same "
                    "view %" PRIx64 " holds it or newer",
                    process->host, is, should, (double)v->acknowledged_us / SIM_S, who, view_key);
    }
}

// --- made ---

// Whether a version wins against one of another view by the rule of conflicts.
static bool beats(const struct sim *sim, uint32_t namespace_number, const struct record *record,
                  uint32_t winner, uint32_t other)
{
    return at(record, winner)->view_key != at(record, other)->view_key &&
           compare(sim, namespace_number, record, winner, other) > 0;
}

// Whether `old` lost by the rule of conflicts to something of another view that `young` was built
// on: what both sides of a split made before they met again.
static bool gave_way(const struct sim *sim, uint32_t namespace_number, const struct record *record,
                     uint32_t old, uint32_t young)
{
    uint32_t ancestor = at(record, young)->parent;
    while (ancestor != VERSION_ABSENT && !is_ancestor(record, ancestor, old)) {
        if (beats(sim, namespace_number, record, ancestor, old)) {
            return true;
        }
        ancestor = at(record, ancestor)->parent;
    }
    return false;
}

static void clashes_find(const struct process *process, uint32_t namespace_number, uint32_t key,
                         uint64_t view_key, uint32_t made)
{
    struct sim *sim = process->sim;
    struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = 0; i < record->wanted_count; i++) {
        uint32_t other = record->wanted[i];
        uint32_t who;
        if (at(record, other)->state == VERSION_ACKNOWLEDGED || is_ancestor(record, other, made) ||
            gave_way(sim, namespace_number, record, other, made) ||
            !is_visible(sim, namespace_number, key, view_key, other, &who)) {
            continue;
        }
        if (record->clash_count == CLASHES_MAX) {
            memmove(&record->clash[0], &record->clash[1],
                    (CLASHES_MAX - 1) * sizeof record->clash[0]);
            record->clash_count--;
        }
        record->clash[record->clash_count++] = (struct clash){other, made};
    }
}

static void once_check(struct sim *sim, const struct process *process, uint32_t namespace_number,
                       uint32_t key, uint64_t number)
{
    const struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = record->count; i-- > 1;) {
        if (record->version[i].number == number) {
            sim_finding(sim, namespace_number, sim->key[key].partition, key,
                        "n%u applies operation %" PRIu64 " a second time", process->host, number);
        }
        if (record->version[i].made_us + 60 * (uint64_t)SIM_S < sim->now_us) {
            return; // no operation lasts so long
        }
    }
}

uint32_t history_made(const struct process *process, const struct request *request,
                      uint64_t view_key, uint32_t parent)
{
    struct sim *sim = process->sim;
    uint32_t ns = request->namespace_number;
    struct record *record = record_of(sim, ns, request->key);
    once_check(sim, process, ns, request->key, request->number);
    struct store_cursor cursor;
    store_acquire(process->store[ns], sim->key[request->key].digest, 0, &cursor);
    base_assert(cursor.stored != NULL);
    struct version version = {
        .is = replica_version(cursor.stored),
        .number = request->number,
        .view_key = view_key,
        .made_us = sim->now_us,
        .parent = parent,
        .depth = at(record, parent)->depth + 1,
        .void_time_s = base_le32_load(cursor.stored + STORE_RECORD_VOID_TIME_AT),
        .state = VERSION_PENDING,
        .kind = request->kind,
        .commit_master = request->commit_master,
    };
    store_release(&cursor);
    uint32_t made = version_add(record, &version);
    if (parent != VERSION_ABSENT && compare(sim, ns, record, made, parent) <= 0) {
        sim_finding(sim, ns, sim->key[request->key].partition, request->key,
                    "n%u makes a version that loses against the one it was built on",
                    process->host);
    }
    if (!is_exempt(sim, ns, request->key)) {
        clashes_find(process, ns, request->key, view_key, made);
    }
    want(record, made);
    return made;
}

void history_removed(const struct process *process, uint32_t namespace_number, uint32_t key,
                     uint32_t parent)
{
    struct sim *sim = process->sim;
    struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = record->wanted_count; i-- > 0;) {
        if (covers(sim, namespace_number, record, parent, record->wanted[i])) {
            want_no_more(record, i);
        }
    }
}

// --- acknowledged ---

// Another version of the same view wins that is not built on ours: fine only when it is a plain
// write that was under way as well. One of another view may be of the other side of a split.
static void overtaken_check(const struct process *process, uint32_t namespace_number, uint32_t key,
                            uint32_t version, uint32_t host, uint32_t held)
{
    struct sim *sim = process->sim;
    const struct record *record = record_of(sim, namespace_number, key);
    const struct version *mine = at(record, version), *other = at(record, held);
    bool was_there =
        other->state == VERSION_ACKNOWLEDGED && other->acknowledged_us <= mine->made_us;
    if (other->view_key != mine->view_key || is_ancestor(record, version, held) ||
        (other->kind != OPERATION_INCREMENT && !was_there)) {
        return;
    }
    char a[64], b[64];
    history_describe(sim, namespace_number, key, version, a);
    history_describe(sim, namespace_number, key, held, b);
    sim_finding(sim, namespace_number, sim->key[key].partition, key,
                "lost: n%u says ok for %s, but at n%u %s wins against it, which is not built on it",
                process->host, a, host, b);
}

static void replica_demand(const struct process *process, const struct request *request,
                           uint32_t version, const struct process *other, uint64_t view_key)
{
    struct sim *sim = process->sim;
    uint32_t ns = request->namespace_number;
    struct record *record = record_of(sim, ns, request->key);
    uint32_t partition = sim->key[request->key].partition;
    const struct place *place = &other->replica[ns]->place[partition];
    if (place->role == PLACE_NONE || place->written_key != view_key) {
        return; // it has dropped its copy, or is on its way into another view
    }
    uint32_t held = history_held(other, ns, request->key);
    if (covers(sim, ns, record, held, version)) {
        overtaken_check(process, ns, request->key, version, other->host, held);
        return;
    }
    if ((at(record, version)->lost_hosts >> other->host & 1) != 0) {
        return; // it had it before it started anew
    }
    char text[64];
    history_describe(sim, ns, request->key, version, text);
    sim_finding(sim, ns, partition, request->key,
                "not replicated: n%u says ok for %s, which n%u takes part in and does not have",
                process->host, text, other->host);
}

// How many nodes shall hold a record in a view.
static uint32_t copies_of_view(const struct sim *sim, uint64_t key, uint32_t namespace_number)
{
    uint32_t count = checks_view_count(sim, key);
    uint32_t factor = sim->profile.replication_factor[namespace_number];
    return count < factor ? count : factor;
}

void history_replicated(const struct process *process, const struct request *request,
                        const struct place *place, uint32_t version)
{
    struct sim *sim = process->sim;
    uint32_t ns = request->namespace_number;
    struct version *v = &record_of(sim, ns, request->key)->version[version];
    v->copies = 1;
    v->acknowledged_key = place->key;
    if (v->commit_master || is_exempt(sim, ns, request->key)) {
        return;
    }
    if (place->role != PLACE_MASTER) {
        // The new master has it now, and answers for its replicas.
        v->copies = (uint8_t)copies_of_view(sim, place->key, ns);
        return;
    }
    for (uint32_t peer = node_set_next(&place->writes, 0); peer < LIMIT_CLUSTER_NODES;
         peer = node_set_next(&place->writes, peer + 1)) {
        const struct process *other = process_of_peer(process, (uint8_t)peer);
        if (other != NULL) {
            replica_demand(process, request, version, other, place->key);
        }
    }
    v->copies = (uint8_t)copies_of_view(sim, place->key, ns);
    uint32_t held = holders_count(sim, ns, request->key, version, EVENT_NO_HOST);
    if (held + v->lost < v->copies) {
        char text[64];
        history_describe(sim, ns, request->key, version, text);
        sim_finding(sim, ns, sim->key[request->key].partition, request->key,
                    "n%u says ok for %s with %u copies, %u lost, of %u", process->host, text, held,
                    v->lost, v->copies);
    }
}

static void clash_check(struct sim *sim, uint32_t namespace_number, uint32_t key,
                        const struct clash *clash)
{
    const struct record *record = record_of(sim, namespace_number, key);
    const struct version *first = at(record, clash->first), *second = at(record, clash->second);
    if (first->state != VERSION_ACKNOWLEDGED || second->state != VERSION_ACKNOWLEDGED ||
        is_ancestor(record, clash->first, clash->second) || first->commit_master ||
        second->commit_master) {
        return;
    }
    bool second_wins = compare(sim, namespace_number, record, clash->second, clash->first) > 0;
    const struct version *winner = second_wins ? second : first;
    sim->figures.conflicts++;
    if (winner->kind != OPERATION_INCREMENT) {
        return;
    }
    char a[64], b[64];
    history_describe(sim, namespace_number, key, clash->first, a);
    history_describe(sim, namespace_number, key, clash->second, b);
    sim_finding(sim, namespace_number, sim->key[key].partition, key,
                "update lost: %s and %s were both acknowledged in one view, neither counted from "
                "the other",
                a, b);
}

// Whoever held it may be gone by the time the client hears of it; within the count that is legal.
static void kept_check(struct sim *sim, uint32_t namespace_number, uint32_t key, uint32_t index,
                       const char *why)
{
    struct record *record = record_of(sim, namespace_number, key);
    uint32_t version = record->wanted[index];
    const struct version *v = at(record, version);
    if (holders_count(sim, namespace_number, key, version, EVENT_NO_HOST) > 0) {
        return;
    }
    if (v->lost >= v->copies) {
        sim->figures.lost_excused++;
        want_no_more(record, index);
        return;
    }
    char text[64];
    history_describe(sim, namespace_number, key, version, text);
    sim_finding(sim, namespace_number, sim->key[key].partition, key,
                "lost: %s, acknowledged, is held by nobody; %u of %u copies were lost with their "
                "processes (%s)",
                text, v->lost, v->copies, why);
}

void history_ended(struct sim *sim, uint32_t namespace_number, uint32_t key, uint32_t version,
                   enum version_state state)
{
    struct record *record = record_of(sim, namespace_number, key);
    struct version *v = &record->version[version];
    v->state = (uint8_t)state;
    v->acknowledged_us = sim->now_us;
    if (state != VERSION_ACKNOWLEDGED || is_exempt(sim, namespace_number, key)) {
        return;
    }
    if (v->copies == 0) {
        v->copies = 1;
    }
    for (uint32_t i = 0; i < record->clash_count; i++) {
        clash_check(sim, namespace_number, key, &record->clash[i]);
    }
    for (uint32_t i = record->wanted_count; i-- > 0;) {
        if (record->wanted[i] == version) {
            kept_check(sim, namespace_number, key, i, "when its client was told");
        }
    }
}

// --- memory that goes ---

// Whether every copy gave way to a version that won; then it is owed to nobody any more.
static bool is_superseded(const struct sim *sim, uint32_t namespace_number, uint32_t key,
                          uint32_t version)
{
    const struct record *record = record_of(sim, namespace_number, key);
    bool covered = false;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        uint32_t held =
            process == NULL ? VERSION_ABSENT : history_held(process, namespace_number, key);
        if (is_ancestor(record, version, held)) {
            return false;
        }
        covered = covered || covers(sim, namespace_number, record, held, version);
    }
    return covered;
}

static void record_process_ends(const struct process *process, uint32_t namespace_number,
                                uint32_t key, bool graceful)
{
    struct sim *sim = process->sim;
    struct record *record = record_of(sim, namespace_number, key);
    if (record->wanted_count == 0) {
        return;
    }
    bool exempt = is_exempt(sim, namespace_number, key);
    uint32_t held = history_held(process, namespace_number, key);
    for (uint32_t i = record->wanted_count; i-- > 0;) {
        struct version *v = &record->version[record->wanted[i]];
        if (v->state == VERSION_ACKNOWLEDGED &&
            is_superseded(sim, namespace_number, key, record->wanted[i])) {
            want_no_more(record, i);
            continue;
        }
        if (!covers(sim, namespace_number, record, held, record->wanted[i])) {
            continue;
        }
        v->lost_hosts |= UINT32_C(1) << process->host;
        v->lost++;
        if (v->state != VERSION_ACKNOWLEDGED || exempt ||
            holders_count(sim, namespace_number, key, record->wanted[i], process->host) > 0) {
            continue;
        }
        if (v->lost >= v->copies && !graceful) {
            sim->figures.lost_excused++;
            want_no_more(record, i);
            continue;
        }
        char text[64];
        history_describe(sim, namespace_number, key, record->wanted[i], text);
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "lost: n%u %s and was the last to hold %s; %u of %u copies were lost with "
                    "their processes",
                    process->host, graceful ? "leaves" : "ends", text, v->lost, v->copies);
    }
}

void history_process_ends(const struct process *process, bool graceful)
{
    const struct history *history = process->sim->history;
    for (uint32_t ns = 0; ns < history->namespaces; ns++) {
        for (uint32_t key = 0; key < history->keys; key++) {
            record_process_ends(process, ns, key, graceful);
        }
    }
}

static void record_cleared(const struct process *process, uint32_t namespace_number, uint32_t key)
{
    struct sim *sim = process->sim;
    const struct record *record = record_of(sim, namespace_number, key);
    if (record->wanted_count == 0 || is_exempt(sim, namespace_number, key)) {
        return;
    }
    uint32_t held = history_held(process, namespace_number, key);
    for (uint32_t i = 0; i < record->wanted_count; i++) {
        const struct version *v = at(record, record->wanted[i]);
        if (v->state != VERSION_ACKNOWLEDGED || !is_ancestor(record, record->wanted[i], held)) {
            continue;
        }
        uint32_t left = holders_count(sim, namespace_number, key, record->wanted[i], process->host);
        if (v->lost >= v->copies || (left > 0 && left + v->lost >= v->copies)) {
            continue;
        }
        char text[64];
        history_describe(sim, namespace_number, key, record->wanted[i], text);
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "n%u drops its copy of %s, which leaves %u; %u of %u copies were lost with "
                    "their processes",
                    process->host, text, left, v->lost, v->copies);
    }
}

void history_cleared(const struct process *process, uint32_t namespace_number, uint32_t partition)
{
    const struct sim *sim = process->sim;
    for (uint32_t key = sim->key_of_partition[partition]; key != SIM_KEYS_MAX;
         key = sim->key[key].next) {
        record_cleared(process, namespace_number, key);
    }
}

void history_forgotten(const struct process *process, uint32_t namespace_number, uint32_t key)
{
    struct sim *sim = process->sim;
    struct record *record = record_of(sim, namespace_number, key);
    uint32_t tombstone = history_held(process, namespace_number, key);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *other = sim->host[i].process;
        if (other == NULL) {
            continue;
        }
        uint32_t held = history_held(other, namespace_number, key);
        if (held == VERSION_ABSENT || at(record, held)->kind == OPERATION_DELETE ||
            covers(sim, namespace_number, record, held, tombstone)) {
            continue;
        }
        char a[64], b[64];
        history_describe(sim, namespace_number, key, tombstone, a);
        history_describe(sim, namespace_number, key, held, b);
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "n%u forgets the tombstone %s while n%u still holds %s", process->host, a, i,
                    b);
    }
    for (uint32_t i = record->wanted_count; i-- > 0;) {
        if (covers(sim, namespace_number, record, tombstone, record->wanted[i])) {
            want_no_more(record, i);
        }
    }
}

// --- settled ---

// The one version that all who shall hold the record hold; `agreed` false: they differ.
static uint32_t version_agreed(struct sim *sim, uint32_t namespace_number, uint32_t key,
                               uint32_t holders, bool *agreed)
{
    uint32_t version = VERSION_ABSENT;
    bool first = true;
    *agreed = true;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if ((holders >> i & 1) == 0) {
            continue;
        }
        uint32_t held = history_held(sim->host[i].process, namespace_number, key);
        *agreed = *agreed && (first || held == version);
        version = first ? held : version;
        first = false;
    }
    return version;
}

static void settled_clashes(struct sim *sim, uint32_t namespace_number, uint32_t key,
                            uint32_t stands)
{
    struct record *record = record_of(sim, namespace_number, key);
    for (uint32_t i = 0; i < record->clash_count; i++) {
        const struct clash *clash = &record->clash[i];
        const struct version *first = at(record, clash->first), *second = at(record, clash->second);
        if (second->state != VERSION_ACKNOWLEDGED || second->commit_master ||
            first->kind != OPERATION_INCREMENT || !is_ancestor(record, clash->first, stands) ||
            is_ancestor(record, clash->second, stands) ||
            beats(sim, namespace_number, record, stands, clash->second) ||
            gave_way(sim, namespace_number, record, clash->second, stands)) {
            continue;
        }
        char a[64], b[64];
        history_describe(sim, namespace_number, key, clash->first, a);
        history_describe(sim, namespace_number, key, clash->second, b);
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "update lost: %s was acknowledged, yet %s stands, made in the same view and "
                    "never acknowledged",
                    b, a);
    }
    record->clash_count = 0;
}

static void record_settled(struct sim *sim, uint32_t namespace_number, uint32_t key,
                           uint32_t holders)
{
    struct record *record = record_of(sim, namespace_number, key);
    bool agreed;
    uint32_t stands = version_agreed(sim, namespace_number, key, holders, &agreed);
    char a[64], b[64];
    history_describe(sim, namespace_number, key, stands, a);
    bool exempt = is_exempt(sim, namespace_number, key);
    if (exempt && (!agreed || may_have_expired(sim, at(record, stands)))) {
        return;
    }
    if (!agreed) {
        sim_finding(sim, namespace_number, sim->key[key].partition, key,
                    "all is settled, but copies differ; one is %s", a);
    }
    for (uint32_t i = 0; i < record->wanted_count && !exempt; i++) {
        const struct version *v = at(record, record->wanted[i]);
        if (v->state == VERSION_ACKNOWLEDGED &&
            !covers(sim, namespace_number, record, stands, record->wanted[i])) {
            history_describe(sim, namespace_number, key, record->wanted[i], b);
            sim_finding(sim, namespace_number, sim->key[key].partition, key,
                        "lost: all is settled on %s, but %s was acknowledged at %.6f", a, b,
                        (double)v->acknowledged_us / SIM_S);
        }
    }
    settled_clashes(sim, namespace_number, key, stands);
    record->exempt = false;
    record->settled = record->count;
    record->wanted_count = 0;
    if (stands != VERSION_ABSENT) {
        struct version *v = &record->version[stands];
        v->state = VERSION_ACKNOWLEDGED;
        v->acknowledged_us = sim->now_us;
        v->commit_master = false;
        v->acknowledged_key = 0;
        v->copies = (uint8_t)__builtin_popcount(holders);
        v->lost = 0;
        v->lost_hosts = 0;
        want(record, stands);
    }
}

void history_settled(struct sim *sim, uint32_t namespace_number, const uint32_t *holders)
{
    for (uint32_t key = 0; key < sim->history->keys; key++) {
        record_settled(sim, namespace_number, key, holders[sim->key[key].partition]);
    }
}
