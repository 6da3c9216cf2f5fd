// SPDX-License-Identifier: Apache-2.0
// Views are remembered by their key for the whole run.
#include "checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "history.h"
#include "story.h"

struct seen_view {
    uint64_t key, regime, principal;
    uint64_t members; // hash of ids, incarnations and flags
    uint32_t count;
    uint32_t hosts; // its members', as bits
};

struct watch {
    struct seen_view *view;
    uint32_t count, capacity;
};

struct watch *watch_new(void)
{
    struct watch *watch = calloc(1, sizeof *watch);
    base_assert(watch != NULL);
    return watch;
}

void watch_free(struct watch **out)
{
    free((*out)->view);
    free(*out);
    *out = NULL;
}

int checks_host_of_peer(const struct process *process, uint8_t peer)
{
    if (peer == PLACE_NOBODY) {
        return -1;
    }
    const struct process *other = process_of_peer(process, peer);
    return other == NULL ? -1 : (int)other->host;
}

const char *checks_hosts_text(const struct process *process, const struct node_set *peers,
                              char out[64])
{
    int used = snprintf(out, 64, "%s", node_set_is_empty(peers) ? " -" : "");
    for (uint32_t peer = node_set_next(peers, 0); peer < LIMIT_CLUSTER_NODES && used < 54;
         peer = node_set_next(peers, peer + 1)) {
        used += snprintf(out + used, 64 - (size_t)used, " n%d",
                         checks_host_of_peer(process, (uint8_t)peer));
    }
    return out;
}

// --- views ---

static bool is_member(const struct membership_view *view, const struct process *process)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->member[i].id == process->id &&
            view->member[i].incarnation == process->incarnation) {
            return true;
        }
    }
    return false;
}

static struct seen_view summary_of(struct sim *sim, const struct membership_view *view)
{
    struct seen_view seen = {
        .key = view->key,
        .regime = view->regime,
        .principal = view->principal,
        .count = view->count,
    };
    for (uint32_t i = 0; i < view->count; i++) {
        const struct membership_member *m = &view->member[i];
        const struct process *member = process_of_id(sim, m->id);
        seen.hosts |= member == NULL ? 0 : UINT32_C(1) << member->host;
        seen.members = prng_mix(seen.members ^ m->id) ^ prng_mix(m->incarnation + m->flags);
    }
    return seen;
}

static void view_remember(struct sim *sim, const struct process *process,
                          const struct membership_view *view)
{
    struct watch *watch = sim->watch;
    struct seen_view seen = summary_of(sim, view);
    for (uint32_t i = watch->count; i-- > 0;) {
        const struct seen_view *other = &watch->view[i];
        if (other->key != seen.key) {
            continue;
        }
        if (other->regime != seen.regime || other->principal != seen.principal ||
            other->members != seen.members || other->count != seen.count) {
            sim_finding(sim, 0, 0, SIM_KEYS_MAX,
                        "n%u installs view %" PRIx64 " with other contents than another node",
                        process->host, seen.key);
        }
        return;
    }
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity == 0 ? 64 : watch->capacity * 2;
        watch->view = realloc(watch->view, watch->capacity * sizeof *watch->view);
        base_assert(watch->view != NULL);
    }
    watch->view[watch->count++] = seen;
    sim->figures.views++;
}

static const struct seen_view *seen_view_of(const struct sim *sim, uint64_t key)
{
    const struct watch *watch = sim->watch;
    uint32_t i = watch->count;
    while (i > 0 && watch->view[i - 1].key != key) {
        i--;
    }
    base_assert(i > 0);
    return &watch->view[i - 1];
}

uint32_t checks_view_count(const struct sim *sim, uint64_t key)
{
    return seen_view_of(sim, key)->count;
}

uint32_t checks_view_hosts(const struct sim *sim, uint64_t key)
{
    return seen_view_of(sim, key)->hosts;
}

static void view_tell(struct sim *sim, const struct process *process,
                      const struct membership_view *view)
{
    if (!story_wants(sim, STORY_WORLD, 0, 0, 0)) {
        return;
    }
    char members[160] = "";
    uint32_t used = 0;
    for (uint32_t i = 0; i < view->count && used < sizeof members - 24; i++) {
        const struct process *other = process_of_id(sim, view->member[i].id);
        int host = other == NULL ? -1 : (int)other->host;
        used += (uint32_t)snprintf(members + used, sizeof members - used, " n%d%s", host,
                                   view->member[i].flags != 0 ? "*" : "");
    }
    story_tell(sim, process->host, "installs view %" PRIx64 " regime %" PRIu64 ":%s", view->key,
               view->regime, members);
}

// Nobody may serve under an older view once a newer one with it is installed somewhere.
static void view_exclusive_check(struct sim *sim, const struct process *older,
                                 const struct process *newer)
{
    const struct membership_view *a = cluster_view(older->cluster);
    const struct membership_view *b = cluster_view(newer->cluster);
    if (a->key == 0 || b->key == 0 || a->key == b->key || a->regime >= b->regime ||
        older->was_frozen || newer->was_frozen || !is_member(b, older)) {
        return;
    }
    sim_finding(sim, 0, 0, SIM_KEYS_MAX,
                "n%u still serves under view %" PRIx64 " regime %" PRIu64
                " while n%u has "
                "installed %" PRIx64 " regime %" PRIu64 ", of which both are members",
                older->host, a->key, a->regime, newer->host, b->key, b->regime);
}

void checks_view_installed(const struct process *process, const struct membership_view *view)
{
    struct sim *sim = process->sim;
    view_tell(sim, process, view);
    if (!is_member(view, process)) {
        sim_finding(sim, 0, 0, SIM_KEYS_MAX, "n%u installs view %" PRIx64 " without itself",
                    process->host, view->key);
    }
    view_remember(sim, process, view);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *other = sim->host[i].process;
        if (other != NULL && other != process) {
            view_exclusive_check(sim, other, process);
            view_exclusive_check(sim, process, other);
        }
    }
}

// --- masters ---

static bool is_serving_master(const struct place *place, uint64_t view_key)
{
    return place->key == view_key && place->role == PLACE_MASTER && !place->handing_over;
}

void checks_master_serves(const struct process *process, uint32_t namespace_number,
                          uint32_t partition, uint64_t view_key)
{
    struct sim *sim = process->sim;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *other = sim->host[i].process;
        if (other != NULL && other != process &&
            is_serving_master(&other->replica[namespace_number]->place[partition], view_key)) {
            sim_finding(sim, namespace_number, partition, SIM_KEYS_MAX,
                        "n%u and n%u both serve as master under view %" PRIx64, process->host, i,
                        view_key);
        }
    }
}

void checks_masters(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->host_count; i++) {
        const struct process *process = sim->host[i].process;
        if (process == NULL || process->was_frozen) {
            continue;
        }
        for (uint32_t ns = 0; ns < sim->profile.namespaces; ns++) {
            for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
                const struct place *place = &process->replica[ns]->place[p];
                if (place->key != 0 && is_serving_master(place, place->key)) {
                    checks_master_serves(process, ns, p, place->key);
                }
            }
        }
    }
}
