// SPDX-License-Identifier: Apache-2.0
// Random faults. Each fault draws from the stream of faults in the same manner whether it is
// carried out or left out, so that a run can be made smaller by leaving out one after the other.
#include "fault_plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "process.h"
#include "script.h"
#include "story.h"

struct fault_plan {
    const struct script *script; // NULL: at random
    uint32_t script_next;
    uint64_t start_us;
    uint64_t number; // of random faults so far
    uint32_t losses; // processes that ended since all was settled
};

struct fault_plan *fault_plan_new(struct sim *sim)
{
    struct fault_plan *plan = calloc(1, sizeof *plan);
    base_assert(plan != NULL);
    plan->script = sim->script;
    return plan;
}

void fault_plan_free(struct fault_plan **plan)
{
    free(*plan);
    *plan = NULL;
}

bool fault_plan_is_over(const struct fault_plan *plan)
{
    return plan->script != NULL && plan->script_next == plan->script->count;
}

void fault_plan_lost(struct fault_plan *plan)
{
    plan->losses++;
}

void fault_plan_settled(struct fault_plan *plan)
{
    plan->losses = 0;
}

// --- choosing ---

static uint32_t running_count(const struct sim *sim)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        count += sim->host[i].process != NULL && !sim->host[i].leaving;
    }
    return count;
}

// A host on which something runs; any host when there is none.
static uint32_t running_choose(struct sim *sim)
{
    uint32_t from = (uint32_t)prng_below(&sim->of_faults, sim->host_count);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        uint32_t host = (from + i) % sim->host_count;
        if (sim->host[host].process != NULL) {
            return host;
        }
    }
    return from;
}

static enum fault_kind kind_choose(struct sim *sim)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        sum += sim->profile.fault_weight[i];
    }
    uint64_t at = prng_below(&sim->of_faults, sum);
    uint32_t kind = 0;
    while (at >= sim->profile.fault_weight[kind]) {
        at -= sim->profile.fault_weight[kind++];
    }
    return (enum fault_kind)kind;
}

// Long or short around the heartbeat timeout, where the interesting things happen.
static uint64_t span_choose(struct prng *prng)
{
    switch (prng_below(prng, 4)) {
    case 0:
        return prng_between(prng, 20 * SIM_MS, 800 * SIM_MS);
    case 1:
        return prng_between(prng, 1000 * SIM_MS, 2200 * SIM_MS);
    case 2:
        return prng_between(prng, 2 * SIM_S, 6 * SIM_S);
    default:
        return prng_exponential(prng, 4 * SIM_S) + SIM_MS;
    }
}

static int64_t amount_choose(struct sim *sim, enum fault_kind kind)
{
    struct prng *p = &sim->of_faults;
    int64_t amount = 0;
    switch (kind) {
    case FAULT_FLAP:
        amount = (int64_t)prng_between(p, 2, 16);
        break;
    case FAULT_SLOW_LINK:
        amount = (int64_t)prng_between(p, 5 * SIM_MS, 1200 * SIM_MS);
        break;
    case FAULT_SLOW_NODE:
        amount = (int64_t)prng_between(p, 5 * SIM_MS, 400 * SIM_MS);
        break;
    case FAULT_CLOCK:
        amount = (int64_t)prng_between(p, 0, 2 * (uint64_t)sim->profile.skew_ms) -
                 (int64_t)sim->profile.skew_ms;
        break;
    default:
        prng_next(p);
    }
    return amount;
}

static void draw(struct sim *sim, struct fault *out)
{
    struct prng *p = &sim->of_faults;
    enum fault_kind kind = kind_choose(sim);
    uint32_t a = running_choose(sim), b = running_choose(sim);
    uint32_t any = (uint32_t)prng_next(p);
    *out = (struct fault){
        .kind = kind,
        .a = a,
        .b = b != a ? b : (a + 1) % sim->host_count,
        .set = kind == FAULT_CUT_NODE ? UINT32_C(1) << a : any,
        .cut = prng_chance(p, 600) ? CUT_DROP : CUT_HOLD,
        .amount = amount_choose(sim, kind),
        .duration_us = span_choose(p),
    };
    if (kind == FAULT_FLAP) {
        out->duration_us = prng_between(p, 50 * SIM_MS, 1800 * SIM_MS);
    }
}

// --- the budget ---

static uint32_t factor_least(const struct sim *sim)
{
    uint32_t least = sim->profile.replication_factor[0];
    for (uint32_t i = 1; i < sim->profile.namespaces; i++) {
        uint32_t factor = sim->profile.replication_factor[i];
        least = factor < least ? factor : least;
    }
    return least;
}

static bool join_target(const struct sim *sim, struct fault *fault)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        if (sim->host[i].absent) {
            fault->a = i;
            return true;
        }
    }
    fault->a = sim->host_count;
    return sim->host_count < sim->profile.hosts_max;
}

// Whether the fault may be; it takes from the budget then.
static bool is_allowed(struct sim *sim, struct fault_plan *plan, struct fault *fault)
{
    bool beyond = prng_chance(&sim->of_faults, sim->profile.beyond_per_mille);
    switch (fault->kind) {
    case FAULT_CRASH:
    case FAULT_CRASH_NEW_ID:
        if (!beyond && plan->losses + 1 >= factor_least(sim)) {
            return false;
        }
        plan->losses++;
        return true;
    case FAULT_CRASH_MANY:
        plan->losses += beyond;
        return beyond;
    case FAULT_LEAVE:
        return running_count(sim) > 2 && !sim->host[fault->a].leaving;
    case FAULT_QUIESCE:
        return !sim->host[fault->a].quiesced && !sim->host[fault->a].leaving;
    case FAULT_JOIN:
        return join_target(sim, fault);
    default:
        return sim->host_count > 1;
    }
}

static bool is_skipped(const struct sim *sim, uint64_t number)
{
    const struct sim_options *o = &sim->options;
    return number < 64 * (sizeof o->skip_faults / sizeof o->skip_faults[0]) &&
           (o->skip_faults[number / 64] >> number % 64 & 1) != 0;
}

static void random_next(struct sim *sim, struct fault_plan *plan)
{
    struct fault fault;
    draw(sim, &fault);
    uint64_t number = plan->number++;
    if (is_allowed(sim, plan, &fault) && !is_skipped(sim, number)) {
        if (story_wants(sim, STORY_WORLD, 0, 0, 0)) {
            story_tell(sim, EVENT_NO_HOST, "random fault %" PRIu64, number);
        }
        faults_apply(sim, &fault);
    }
    sim_later(sim, EVENT_FAULT, 1 + prng_exponential(&sim->of_faults, sim->profile.fault_gap_us),
              0);
}

// --- scripts ---

static void script_wait(struct sim *sim, const struct fault_plan *plan)
{
    if (plan->script_next < plan->script->count) {
        uint64_t at_us = plan->start_us + plan->script->line[plan->script_next].at_us;
        sim_later(sim, EVENT_FAULT, at_us > sim->now_us ? at_us - sim->now_us : 0, 0);
    }
}

void fault_plan_start(struct sim *sim, struct fault_plan *plan)
{
    plan->start_us = sim->now_us;
    if (plan->script != NULL) {
        plan->script_next = 0;
        script_wait(sim, plan);
    } else {
        sim_later(sim, EVENT_FAULT, prng_exponential(&sim->of_faults, sim->profile.fault_gap_us),
                  0);
    }
}

void fault_plan_next(struct sim *sim, struct fault_plan *plan)
{
    if (plan->script == NULL) {
        random_next(sim, plan);
    } else if (plan->script_next < plan->script->count) {
        faults_apply(sim, &plan->script->line[plan->script_next++].fault);
        script_wait(sim, plan);
    }
}
