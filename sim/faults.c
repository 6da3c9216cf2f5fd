// SPDX-License-Identifier: Apache-2.0
// Each kind of fault is a row of one table: how to start it, how to end it.
#include "faults.h"

#include <inttypes.h>
#include <stdlib.h>

#include "fault_plan.h"
#include "history.h"
#include "network.h"
#include "process.h"
#include "story.h"

enum {
    FAULTS_ACTIVE_MAX = 64,
    PATIENCE_US = 6500 * SIM_MS, // of a node that leaves, with copies that are to go elsewhere
    LEARN_US = 500 * SIM_MS,     // for clients, before a node that left is gone
};

struct active {
    struct fault fault;
    uint64_t number; // 0: free
    uint64_t turns;  // of a flapping link
};

struct faults {
    struct active active[FAULTS_ACTIVE_MAX];
    uint64_t number;
    bool running;
    struct fault_plan *plan;
};

struct faults *faults_new(struct sim *sim)
{
    struct faults *faults = calloc(1, sizeof *faults);
    base_assert(faults != NULL);
    faults->plan = fault_plan_new(sim);
    return faults;
}

void faults_free(struct faults **faults)
{
    fault_plan_free(&(*faults)->plan);
    free(*faults);
    *faults = NULL;
}

// --- crash, start, leave ---

// Others hear of a process that ended: at once, late, or never.
static void news_spread(struct sim *sim, uint32_t host, uint64_t id)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *other = sim->host[i].process;
        if (i == host || other == NULL || network_is_cut(sim, host, i) ||
            network_is_cut(sim, i, host)) {
            continue;
        }
        uint64_t roll = prng_below(&sim->of_faults, sim->profile.gentle ? 80 : 100);
        uint64_t in_us = roll < 80 ? prng_between(&sim->of_faults, 500, 20 * SIM_MS)
                                   : prng_between(&sim->of_faults, 100 * SIM_MS, 3 * SIM_S);
        if (roll < 95 || sim->calm) {
            agenda_add(&sim->agenda, &(struct event){.at_us = sim->now_us + in_us,
                                                     .argument = id,
                                                     .serial = other->serial,
                                                     .type = EVENT_PEER_GONE,
                                                     .host = (uint8_t)i});
        }
    }
}

static void process_crash(struct sim *sim, uint32_t host)
{
    struct process *process = sim->host[host].process;
    if (process == NULL) {
        return;
    }
    uint64_t id = process->id;
    history_process_ends(process, false);
    process_end(sim, host);
    sim->host[host].leaving = false;
    sim->host[host].quiesced = false;
    sim->figures.crashes++;
    news_spread(sim, host, id);
}

static bool hears(const struct host *host)
{
    return host->process != NULL && host->paused == 0;
}

static void host_start(struct sim *sim, uint32_t host)
{
    if (sim->host[host].process == NULL && !sim->host[host].absent) {
        process_start(sim, host);
    }
}

static void start_crash(struct sim *sim, const struct fault *fault)
{
    process_crash(sim, fault->a);
    if (fault->kind == FAULT_CRASH_NEW_ID) {
        sim->host[fault->a].id = prng_next(&sim->of_faults) | 1;
        sim->host[fault->a].regime_kept = 0;
    }
}

static void end_crash(struct sim *sim, const struct fault *fault)
{
    host_start(sim, fault->a);
}

static void start_crash_many(struct sim *sim, const struct fault *fault)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if ((fault->set >> i & 1) != 0) {
            process_crash(sim, i);
        }
    }
}

static void end_crash_many(struct sim *sim, const struct fault *fault)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if ((fault->set >> i & 1) != 0) {
            host_start(sim, i);
        }
    }
}

static void start_join(struct sim *sim, const struct fault *fault)
{
    struct host *host = &sim->host[fault->a];
    if (fault->a >= sim->host_count) {
        base_assert(fault->a == sim->host_count);
        sim->host_count++;
        host->id = prng_next(&sim->of_faults) | 1;
    }
    host->absent = false;
    host_start(sim, fault->a);
}

static void start_leave(struct sim *sim, const struct fault *fault)
{
    struct host *host = &sim->host[fault->a];
    if (hears(host)) {
        host->leaving = true;
        host->leaving_us = sim->now_us;
        host->quiesced = false;
        process_flags(host->process, MEMBER_LEAVING);
    }
}

static bool holds_copies(const struct process *process)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < process->sim->profile.namespaces; i++) {
        held += partition_held(cluster_partitions(process->cluster, i));
    }
    return held > 0;
}

void faults_on_tick(struct sim *sim, uint32_t number)
{
    struct host *host = &sim->host[number];
    struct process *process = host->process;
    bool late = sim->now_us - host->leaving_us >= PATIENCE_US;
    if (!host->leaving || process->operation_count > 0 || !cluster_may_leave(process->cluster) ||
        (!late && holds_copies(process))) {
        return;
    }
    if (sim->profile.gentle && host->left_us == 0) {
        host->left_us = sim->now_us;
    }
    if (sim->profile.gentle && sim->now_us - host->left_us < LEARN_US) {
        return; // clients still see the old map
    }
    host->left_us = 0;
    if (story_wants(sim, STORY_WORLD, 0, 0, 0)) {
        story_tell(sim, number, "has left");
    }
    uint64_t id = process->id;
    bool holds = holds_copies(process); // as bad as a crash for who counted on them
    if (holds) {
        fault_plan_lost(sim->faults->plan);
    }
    history_process_ends(process, !holds);
    process_end(sim, number);
    host->leaving = false;
    host->absent = true;
    news_spread(sim, number, id);
}

// --- pauses and slowness ---

static void start_pause(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].paused++;
}

static void end_pause(struct sim *sim, const struct fault *fault)
{
    struct host *host = &sim->host[fault->a];
    if (--host->paused > 0) {
        return;
    }
    // What came meanwhile is there at once; what was due and what was sent come in any order.
    uint32_t count = host->inbox_count;
    bool ticks_first = prng_chance(&sim->of_faults, 500);
    for (uint32_t i = 0; i < count; i++) {
        struct event event = host->inbox[i];
        bool early = (event.type != EVENT_PACKET) == ticks_first;
        event.at_us = sim->now_us + (early ? 1 : 2 + prng_below(&sim->of_faults, 3 * SIM_MS));
        if (event.type == EVENT_PACKET && !sim->profile.out_of_order) {
            event.at_us = sim->now_us + (early ? 1 : 2);
        }
        agenda_add(&sim->agenda, &event);
    }
    host->inbox_count = 0;
}

static void start_slow_node(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].slow_us += (uint32_t)fault->amount;
}

static void end_slow_node(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].slow_us -= (uint32_t)fault->amount;
}

static void start_slow_link(struct sim *sim, const struct fault *fault)
{
    sim->link[fault->a][fault->b].slow_us += (uint32_t)fault->amount;
}

static void end_slow_link(struct sim *sim, const struct fault *fault)
{
    sim->link[fault->a][fault->b].slow_us -= (uint32_t)fault->amount;
}

// --- cuts ---

typedef void (*cut_fn)(struct sim *sim, uint32_t from, uint32_t to, enum cut cut);

static void cut_both(struct sim *sim, const struct fault *fault, cut_fn act)
{
    act(sim, fault->a, fault->b, fault->cut);
    act(sim, fault->b, fault->a, fault->cut);
}

static void cut_groups(struct sim *sim, const struct fault *fault, cut_fn act)
{
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++) {
        for (uint32_t j = 0; j < SIM_HOSTS_MAX; j++) {
            if ((fault->set >> i & 1) != (fault->set >> j & 1)) {
                act(sim, i, j, fault->cut);
            }
        }
    }
}

static void start_cut_pair(struct sim *sim, const struct fault *fault)
{
    cut_both(sim, fault, network_cut);
}

static void end_cut_pair(struct sim *sim, const struct fault *fault)
{
    cut_both(sim, fault, network_mend);
}

static void start_cut_one_way(struct sim *sim, const struct fault *fault)
{
    network_cut(sim, fault->a, fault->b, fault->cut);
}

static void end_cut_one_way(struct sim *sim, const struct fault *fault)
{
    network_mend(sim, fault->a, fault->b, fault->cut);
}

static void start_cut_groups(struct sim *sim, const struct fault *fault)
{
    cut_groups(sim, fault, network_cut);
}

static void end_cut_groups(struct sim *sim, const struct fault *fault)
{
    cut_groups(sim, fault, network_mend);
}

// --- clocks, memory, operators ---

static void start_clock(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].wall_offset_ms += fault->amount;
}

static void start_full(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].full++;
}

static void end_full(struct sim *sim, const struct fault *fault)
{
    sim->host[fault->a].full--;
}

static void quiesce(struct sim *sim, uint32_t number, bool on)
{
    struct host *host = &sim->host[number];
    if (hears(host) && !host->leaving && host->quiesced != on) {
        host->quiesced = on;
        process_flags(host->process, on ? MEMBER_QUIESCED : 0);
        // The principal heeds the operator; who it is, he does not know.
        for (uint32_t i = 0; i < sim->host_count; i++) {
            if (hears(&sim->host[i])) {
                process_recluster(sim->host[i].process);
            }
        }
    }
}

static void start_quiesce(struct sim *sim, const struct fault *fault)
{
    quiesce(sim, fault->a, true);
}

static void end_quiesce(struct sim *sim, const struct fault *fault)
{
    quiesce(sim, fault->a, false);
}

static void start_recluster(struct sim *sim, const struct fault *fault)
{
    if (hears(&sim->host[fault->a])) {
        process_recluster(sim->host[fault->a].process);
    }
}

// --- the table ---

static const struct {
    const char *name;
    void (*start)(struct sim *sim, const struct fault *fault);
    void (*end)(struct sim *sim, const struct fault *fault);
} kinds[FAULT_KINDS] = {
    [FAULT_CRASH] = {"crash", start_crash, end_crash},
    [FAULT_CRASH_NEW_ID] = {"crash-new-id", start_crash, end_crash},
    [FAULT_CRASH_MANY] = {"crash-many", start_crash_many, end_crash_many},
    [FAULT_PAUSE] = {"pause", start_pause, end_pause},
    [FAULT_CUT_PAIR] = {"cut-pair", start_cut_pair, end_cut_pair},
    [FAULT_CUT_ONE_WAY] = {"cut-one-way", start_cut_one_way, end_cut_one_way},
    [FAULT_CUT_NODE] = {"cut-node", start_cut_groups, end_cut_groups},
    [FAULT_CUT_GROUPS] = {"cut-groups", start_cut_groups, end_cut_groups},
    [FAULT_FLAP] = {"flap", start_cut_pair, end_cut_pair},
    [FAULT_SLOW_LINK] = {"slow-link", start_slow_link, end_slow_link},
    [FAULT_SLOW_NODE] = {"slow-node", start_slow_node, end_slow_node},
    [FAULT_CLOCK] = {"clock", start_clock, NULL},
    [FAULT_FULL] = {"full", start_full, end_full},
    [FAULT_JOIN] = {"join", start_join, NULL},
    [FAULT_LEAVE] = {"leave", start_leave, NULL},
    [FAULT_QUIESCE] = {"quiesce", start_quiesce, end_quiesce},
    [FAULT_RECLUSTER] = {"recluster", start_recluster, NULL},
};

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

static void tell(struct sim *sim, const struct fault *fault, bool ends)
{
    if (story_wants(sim, STORY_WORLD, 0, 0, 0)) {
        static const char *const cuts[] = {"", ", lost", ", held"};
        story_tell(sim, EVENT_NO_HOST, "%s %s: n%u n%u set %x amount %" PRId64 "%s, %.3f s",
                   ends ? "end of" : "fault", kinds[fault->kind].name, fault->a, fault->b,
                   fault->set, fault->amount, cuts[fault->cut], (double)fault->duration_us / SIM_S);
    }
}

static void undo_later(struct sim *sim, const struct active *active)
{
    if (active->fault.duration_us > 0) {
        sim_later(sim, EVENT_UNDO, active->fault.duration_us, active->number);
    }
}

void faults_apply(struct sim *sim, const struct fault *fault)
{
    struct faults *faults = sim->faults;
    uint32_t slot = 0;
    while (slot < FAULTS_ACTIVE_MAX && faults->active[slot].number != 0) {
        slot++;
    }
    if (slot == FAULTS_ACTIVE_MAX) {
        return;
    }
    sim->figures.faults++;
    tell(sim, fault, false);
    kinds[fault->kind].start(sim, fault);
    if (kinds[fault->kind].end != NULL) {
        struct active *active = &faults->active[slot];
        *active = (struct active){.fault = *fault, .number = ++faults->number};
        if (fault->kind == FAULT_FLAP) {
            active->turns = (uint64_t)fault->amount;
        }
        undo_later(sim, active);
    }
}

// A flapping link is cut first, then mended and cut in turn.
static bool is_mended(const struct active *active)
{
    return active->fault.kind == FAULT_FLAP &&
           ((uint64_t)active->fault.amount - active->turns) % 2 == 1;
}

static void flap_turn(struct sim *sim, struct active *active)
{
    const struct fault *fault = &active->fault;
    active->turns--;
    if (is_mended(active)) {
        kinds[FAULT_FLAP].end(sim, fault);
    } else {
        kinds[FAULT_FLAP].start(sim, fault);
    }
    undo_later(sim, active);
}

static void undo(struct sim *sim, struct active *active)
{
    struct fault fault = active->fault;
    bool mended = is_mended(active);
    active->number = 0;
    tell(sim, &fault, true);
    if (!mended) {
        kinds[fault.kind].end(sim, &fault);
    }
}

void faults_undo(struct sim *sim, uint64_t number)
{
    struct faults *faults = sim->faults;
    for (uint32_t i = 0; i < FAULTS_ACTIVE_MAX; i++) {
        struct active *active = &faults->active[i];
        if (active->number != number) {
            continue;
        }
        if (active->fault.kind == FAULT_QUIESCE && sim->host[active->fault.a].paused > 0) {
            sim_later(sim, EVENT_UNDO, 500 * SIM_MS, number); // it hears nobody now
        } else if (active->fault.kind == FAULT_FLAP && active->turns > 0) {
            flap_turn(sim, active);
        } else {
            undo(sim, active);
        }
        return;
    }
}

void faults_start(struct sim *sim)
{
    sim->faults->running = true;
    sim->calm = false;
    fault_plan_start(sim, sim->faults->plan);
}

void faults_stop(struct sim *sim)
{
    struct faults *faults = sim->faults;
    faults->running = false;
    sim->calm = true;
    if (story_wants(sim, STORY_WORLD, 0, 0, 0)) {
        story_tell(sim, EVENT_NO_HOST, "nothing fails any more");
    }
    for (uint32_t i = 0; i < 2 * FAULTS_ACTIVE_MAX; i++) {
        struct active *active = &faults->active[i % FAULTS_ACTIVE_MAX];
        bool waits = i < FAULTS_ACTIVE_MAX && active->fault.kind != FAULT_PAUSE;
        if (active->number != 0 && !waits) {
            undo(sim, active); // pauses first, so that all hear what else ends
        }
    }
    for (uint32_t i = 0; i < sim->host_count; i++) {
        host_start(sim, i);
    }
}

bool faults_are_over(const struct sim *sim)
{
    return fault_plan_is_over(sim->faults->plan);
}

void faults_next(struct sim *sim)
{
    if (sim->faults->running) {
        fault_plan_next(sim, sim->faults->plan);
    }
}

void faults_settled(struct sim *sim)
{
    fault_plan_settled(sim->faults->plan);
}
