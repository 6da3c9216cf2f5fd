// SPDX-License-Identifier: Apache-2.0
// Leaving in three steps: the others learn that this node leaves and make a view in which it owns
// nothing; its partitions are handed over; clients, which look at the map once a second, learn
// where they are now, and what they still send here is passed on meanwhile.
#include <stddef.h>
#include <time.h>

#include "io/clock.h"
#include "server/clustering_state.h"
#include "server/log.h"

enum {
    POLL_MS = 20,
    CLIENTS_LEARN_MS = 1500, // their period, and some time to ask
    CLIENTS_QUIET_MS = 1100, // nobody asked for anything during a whole period
    STAY_TELL_MS = 5000,
    ANNOUNCE_MS = 2000, // the longest wait for others to see that this node leaves
};

struct leaving {
    struct clustering *clustering;
    bool (*hurry)(void *arg);
    void *arg;
    uint64_t start_ms;
    uint64_t deadline_ms;
    uint64_t operations;  // at the last look
    uint64_t operated_ms; // when that changed
    bool hurried;
};

static void pause_ms(uint32_t ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

// Whatever clients ask for counts somewhere here once it is done.
static uint64_t operations_count(struct node *node)
{
    static const size_t places[] = {
        offsetof(struct counters_namespace, client_read_success),
        offsetof(struct counters_namespace, client_read_not_found),
        offsetof(struct counters_namespace, client_write_success),
        offsetof(struct counters_namespace, client_delete_success),
        offsetof(struct counters_namespace, client_delete_not_found),
        offsetof(struct counters_namespace, client_proxy_complete),
        offsetof(struct counters_namespace, batch_sub_read_success),
        offsetof(struct counters_namespace, batch_sub_read_not_found),
        offsetof(struct counters_namespace, batch_sub_write_success),
        offsetof(struct counters_namespace, batch_sub_proxy_complete),
        offsetof(struct counters_namespace, pi_query_short_basic_complete),
        offsetof(struct counters_namespace, pi_query_long_basic_complete),
    };
    uint64_t count = 0;
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            count += node_namespace_counter(node, i, places[k]);
        }
    }
    return count;
}

struct held {
    bool frozen;
    bool heirs;      // some member does not leave
    bool announced;  // the view says that we leave
    uint32_t copies; // partitions of which others count on our copy
    uint32_t needed; // of them, those that we master or that nobody else has whole
};

static void held_look(struct clustering *c, struct held *out)
{
    *out = (struct held){0};
    pthread_mutex_lock(&c->machine_lock);
    const struct membership_view *view = cluster_view(c->cluster);
    out->frozen = cluster_is_frozen(c->cluster);
    for (uint32_t i = 0; i < view->count; i++) {
        bool leaves = (view->member[i].flags & MEMBER_LEAVING) != 0;
        bool self = view->member[i].id == c->node->identity.id;
        out->heirs |= !self && !leaves;
        out->announced |= self && leaves;
    }
    out->heirs &= view->count >= c->min_size; // a cluster too small to serve takes nothing over
    for (uint32_t i = 0; i < c->node->namespace_count; i++) {
        const struct partition_machine *machine = cluster_partitions(c->cluster, i);
        out->copies += partition_held(machine);
        out->needed += partition_needed(machine);
    }
    pthread_mutex_unlock(&c->machine_lock);
}

// True while there is time and nobody is in a hurry.
static bool may_wait(struct leaving *l, uint64_t until_ms)
{
    l->hurried = l->hurried || l->hurry(l->arg);
    if (l->hurried || clustering__now_ms() >= until_ms) {
        return false;
    }
    uint64_t operations = operations_count(l->clustering->node);
    if (operations != l->operations) {
        l->operations = operations;
        l->operated_ms = clustering__now_ms();
    }
    pause_ms(POLL_MS);
    return true;
}

static bool announce(struct leaving *l)
{
    struct clustering *c = l->clustering;
    struct held before;
    held_look(c, &before);
    log_info(c->node->log, clustering,
             "leaving: telling the others; %u partitions need this node, it has copies of %u",
             before.needed, before.copies);
    const struct clustering_mail mail = {.type = CLUSTERING_FLAGS, .flags_set = MEMBER_LEAVING};
    if (!clustering__post(c, &mail, NULL)) {
        return false;
    }
    struct held held;
    uint64_t until_ms = l->start_ms + ANNOUNCE_MS;
    do {
        held_look(c, &held);
        if (held.announced && (!held.frozen || !held.heirs)) {
            return held.heirs;
        }
    } while (may_wait(l, until_ms < l->deadline_ms ? until_ms : l->deadline_ms));
    return held.heirs;
}

// Out of time, but some records are nowhere else: stays until they are, and says so.
static void stay(struct leaving *l, struct held *held)
{
    struct clustering *c = l->clustering;
    uint64_t told_ms = 0;
    while ((held->frozen || held->needed > 0) && held->heirs && may_wait(l, UINT64_MAX)) {
        uint64_t now_ms = clustering__now_ms();
        if (now_ms - told_ms >= STAY_TELL_MS) {
            told_ms = now_ms;
            log_warning(c->node->log, clustering,
                        "leaving: not yet after %llu ms, %u partitions are whole only here; a "
                        "second signal ends the node with what is left",
                        (unsigned long long)(now_ms - l->start_ms), held->needed);
        }
        held_look(c, held);
    }
}

// True when nobody needs this node any more.
static bool hand_over(struct leaving *l)
{
    struct clustering *c = l->clustering;
    struct held held;
    held_look(c, &held);
    log_info(c->node->log, clustering,
             "leaving: the others know; %u partitions to hand over, copies of %u here", held.needed,
             held.copies);
    while ((held.frozen || held.copies > 0) && held.heirs && may_wait(l, l->deadline_ms)) {
        held_look(c, &held);
    }
    stay(l, &held);
    bool done = !held.frozen && held.needed == 0;
    uint64_t took_ms = clustering__now_ms() - l->start_ms;
    if (!held.heirs) {
        log_info(c->node->log, clustering, "leaving: all other nodes leave too");
    } else if (done && held.copies == 0) {
        log_info(c->node->log, clustering, "leaving: all handed over after %llu ms",
                 (unsigned long long)took_ms);
    } else if (done) {
        log_info(c->node->log, clustering,
                 "leaving: handed over after %llu ms; %u partitions will be without one of their "
                 "copies for a while",
                 (unsigned long long)took_ms, held.copies);
    } else {
        log_warning(c->node->log, clustering,
                    "leaving: after %llu ms %u partitions are whole only here, and go with this "
                    "node",
                    (unsigned long long)took_ms, held.needed);
    }
    return done;
}

static void clients_let_learn(struct leaving *l)
{
    struct clustering *c = l->clustering;
    uint64_t proxied = l->operations;
    pthread_mutex_lock(&c->told_lock);
    uint64_t gone_ms = c->columns_gone_ms;
    pthread_mutex_unlock(&c->told_lock);
    uint64_t from_ms = gone_ms == 0 ? clustering__now_ms() : gone_ms;
    for (;;) {
        struct held held;
        held_look(c, &held);
        uint64_t now_ms = clustering__now_ms();
        uint64_t quiet_from_ms = l->operated_ms > from_ms ? l->operated_ms : from_ms;
        if (!held.heirs || now_ms >= from_ms + CLIENTS_LEARN_MS ||
            now_ms >= quiet_from_ms + CLIENTS_QUIET_MS || !may_wait(l, UINT64_MAX)) {
            break;
        }
    }
    log_info(c->node->log, clustering,
             "leaving: clients had %llu ms to see the new map, %llu operations passed on meanwhile",
             (unsigned long long)(clustering__now_ms() - from_ms),
             (unsigned long long)(l->operations - proxied));
}

bool clustering_leave(struct clustering *c, uint32_t timeout_ms, bool (*hurry)(void *arg),
                      void *arg)
{
    struct leaving l = {.clustering = c, .hurry = hurry, .arg = arg};
    l.start_ms = clustering__now_ms();
    l.deadline_ms = l.start_ms + timeout_ms;
    struct held held;
    held_look(c, &held);
    if (!held.heirs || !announce(&l)) {
        return held.copies == 0 || !mesh_has_met(c->mesh);
    }
    l.operations = operations_count(c->node);
    // What clients need to learn is kept back from the time for handing over.
    uint64_t learn_ms = CLIENTS_LEARN_MS < timeout_ms / 2 ? CLIENTS_LEARN_MS : timeout_ms / 2;
    l.deadline_ms -= learn_ms;
    bool done = hand_over(&l);
    clients_let_learn(&l);
    return done;
}
