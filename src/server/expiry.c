// SPDX-License-Identifier: Apache-2.0
// One thread for all namespaces. The checks of a second are also made between the slices of a long
// walk, so that a walk through one namespace hides no full memory in another.
#include "server/expiry.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster/replica.h"
#include "io/clock.h"
#include "io/system.h"
#include "server/log.h"

#define SECOND_NS 1000000000ull

enum {
    EXPIRY_MAGIC = 0x45585059,
    THREAD_NICE = 10,
    TOMBSTONE_PERIOD_MS = 2000,
    TOMBSTONE_AGE_MS = 10000, // until which a known tombstone outlives what is still on its way
    TOMBSTONE_MASTER_AGE_MS = 15000, // by then replicas have forgotten it
    REAP_RESTS = 20, // times that a walk for tombstones takes pass before the next one
};

// What is remembered of a namespace between seconds. Times are monotonic.
struct course {
    uint64_t cycle_ns;     // when the last nsup cycle began
    uint64_t measure_ns;   // when the distribution was last measured
    uint64_t reaped_ns;    // when tombstones were last looked for
    uint64_t reap_took_ns; // and how long it took
    bool measured;
    bool stopped;                            // as last told in the log
    bool breached;                           // as last told in the log
    struct expiry_distribution distribution; // under the lock
};

struct expiry {
    uint32_t magic;
    struct node *node;
    struct counters *counters;
    pthread_t pthread;
    pthread_mutex_t lock;
    pthread_cond_t wake; // measures time by CLOCK_MONOTONIC
    bool woken;          // under the lock
    _Atomic bool stopping;
    uint64_t checked_ns; // when limits were last compared
    struct course course[LIMIT_NAMESPACES];
};

static void change_log(struct namespace *ns, struct course *course)
{
    bool stopped = atomic_load_explicit(&ns->stop_writes, memory_order_relaxed);
    bool breached = atomic_load_explicit(&ns->hwm_breached, memory_order_relaxed);
    struct log *log = ns->node->log;
    if (stopped != course->stopped) {
        if (stopped) {
            log_warning(log, nsup, "{%s} writes stop: a memory limit is reached", ns->name);
        } else {
            log_info(log, nsup, "{%s} writes go on: memory is below its limits", ns->name);
        }
    }
    if (breached != course->breached) {
        if (breached) {
            log_warning(log, nsup, "{%s} the high-water mark is passed: records will be evicted",
                        ns->name);
        } else {
            log_info(log, nsup, "{%s} below the high-water mark again", ns->name);
        }
    }
    course->stopped = stopped;
    course->breached = breached;
}

static void limits_check(struct expiry *e)
{
    struct io_system_memory memory;
    io_system_memory_read(&memory);
    // What cannot be read, for want of descriptors, is not full memory.
    bool known = memory.host_available > 0;
    uint64_t used = known && memory.limit > memory.available ? memory.limit - memory.available : 0;
    uint32_t used_pct = memory.limit > 0 ? (uint32_t)(used * 100 / memory.limit) : 0;
    for (uint32_t i = 0; i < e->node->namespace_count; i++) {
        expiry_limits_check(&e->node->namespaces[i], used_pct);
        change_log(&e->node->namespaces[i], &e->course[i]);
    }
    e->checked_ns = io_clock_monotonic_ns();
}

// Between slices of a walk.
static bool pause_walk(void *arg)
{
    struct expiry *e = arg;
    if (atomic_load_explicit(&e->stopping, memory_order_relaxed)) {
        return false;
    }
    if (io_clock_monotonic_ns() - e->checked_ns >= SECOND_NS) {
        limits_check(e);
    }
    sched_yield();
    return true;
}

static struct expiry_walker walker_of(struct expiry *e, const struct namespace *ns)
{
    return (struct expiry_walker){
        .counters = &e->counters->ns[ns->number], .pause = pause_walk, .arg = e};
}

static void cycle_run(struct expiry *e, struct namespace *ns)
{
    struct expiry_walker walker = walker_of(e, ns);
    uint64_t expired =
        atomic_load_explicit(&walker.counters->expired_objects, memory_order_relaxed);
    uint64_t evicted =
        atomic_load_explicit(&walker.counters->evicted_objects, memory_order_relaxed);
    uint64_t begin_ns = io_clock_monotonic_ns();
    e->course[ns->number].cycle_ns = begin_ns;
    if (!expiry_cycle_run(ns, io_clock_epoch_s(), &walker)) {
        return;
    }
    uint64_t took_ns = io_clock_monotonic_ns() - begin_ns;
    limits_check(e); // what went may be enough for writes to go on
    atomic_store_explicit(&ns->nsup_cycle_duration_s, took_ns / SECOND_NS, memory_order_relaxed);
    expired =
        atomic_load_explicit(&walker.counters->expired_objects, memory_order_relaxed) - expired;
    evicted =
        atomic_load_explicit(&walker.counters->evicted_objects, memory_order_relaxed) - evicted;
    log_info(ns->node->log, nsup, "{%s} nsup cycle: %llu records expired, %llu evicted, %llu ms",
             ns->name, (unsigned long long)expired, (unsigned long long)evicted,
             (unsigned long long)(took_ns / 1000000));
}

static void measure(struct expiry *e, struct namespace *ns)
{
    struct course *course = &e->course[ns->number];
    struct expiry_walker walker = walker_of(e, ns);
    struct expiry_distribution found;
    course->measure_ns = io_clock_monotonic_ns();
    if (expiry_distribution_measure(ns, io_clock_epoch_s(), &walker, &found)) {
        pthread_mutex_lock(&e->lock);
        course->distribution = found;
        course->measured = true;
        pthread_mutex_unlock(&e->lock);
    }
}

// Removes tombstones when they are known everywhere, else when they are old enough. Where no node
// was ever seen but this one, nobody has to know.
static void tombstones_reap(struct expiry *e, struct namespace *ns)
{
    struct store_stats stats;
    struct course *course = &e->course[ns->number];
    const struct config_namespace *config = ns->config;
    uint64_t begin_ns = io_clock_monotonic_ns();
    struct expiry_ages ages = {TOMBSTONE_AGE_MS, TOMBSTONE_MASTER_AGE_MS};
    uint64_t period_ns = TOMBSTONE_PERIOD_MS * 1000000ull;
    store_stats_sum(ns->store, &stats);
    if (!__atomic_load_n(&ns->replica->tombstones, __ATOMIC_RELAXED)) {
        ages = (struct expiry_ages){0};
    } else if (!atomic_load_explicit(&ns->node->tombstones_known, memory_order_relaxed)) {
        ages.replica_ms = ages.master_ms =
            atomic_load_explicit(&config->tomb_raider_eligible_age_s, memory_order_relaxed) *
            1000ull;
        period_ns =
            atomic_load_explicit(&config->tomb_raider_period_s, memory_order_relaxed) * SECOND_NS;
    }
    if (stats.tombstone_count == 0 || period_ns == 0 || begin_ns - course->reaped_ns < period_ns ||
        begin_ns - course->reaped_ns < course->reap_took_ns * REAP_RESTS) {
        return;
    }
    struct expiry_walker walker = walker_of(e, ns);
    uint64_t removed;
    expiry_tombstones_run(ns, io_clock_epoch_ms(), &ages, &walker, &removed);
    course->reaped_ns = io_clock_monotonic_ns();
    course->reap_took_ns = course->reaped_ns - begin_ns;
    if (removed > 0) {
        log_info(ns->node->log, nsup, "{%s} %llu tombstones removed", ns->name,
                 (unsigned long long)removed);
    }
}

static bool is_due(uint64_t last_ns, uint32_t period_s)
{
    return period_s != 0 && io_clock_monotonic_ns() - last_ns >= period_s * SECOND_NS;
}

static void namespace_look(struct expiry *e, struct namespace *ns)
{
    struct course *course = &e->course[ns->number];
    const struct config_namespace *config = ns->config;
    if (atomic_load(&ns->truncating)) {
        struct expiry_walker walker = walker_of(e, ns);
        expiry_truncation_run(ns, &walker);
    }
    if (atomic_load(&ns->evict_wanted)) {
        struct expiry_walker walker = walker_of(e, ns);
        expiry_evict_follow(ns, &walker);
    }
    tombstones_reap(e, ns);
    if (is_due(course->cycle_ns,
               atomic_load_explicit(&config->nsup_period_s, memory_order_relaxed))) {
        cycle_run(e, ns);
    }
    uint32_t period_s = atomic_load_explicit(&config->nsup_hist_period_s, memory_order_relaxed);
    if (period_s != 0 && (!course->measured || is_due(course->measure_ns, period_s))) {
        measure(e, ns);
    }
}

// Waits for the second to pass, or for a call.
static void rest(struct expiry *e)
{
    uint64_t until_ns = io_clock_monotonic_ns() + SECOND_NS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / SECOND_NS),
                             .tv_nsec = (long)(until_ns % SECOND_NS)};
    pthread_mutex_lock(&e->lock);
    int late = 0;
    while (!e->woken && late == 0) {
        late = pthread_cond_timedwait(&e->wake, &e->lock, &until);
    }
    e->woken = false;
    pthread_mutex_unlock(&e->lock);
}

static void *thread_main(void *arg)
{
    struct expiry *e = arg;
    struct sched_param param = {0};
    // Short operations go first; that this may be refused changes nothing but speed.
    (void)sched_setscheduler(0, SCHED_BATCH, &param);
    (void)!nice(THREAD_NICE); // on Linux, of this thread alone
    while (!atomic_load_explicit(&e->stopping, memory_order_relaxed)) {
        limits_check(e);
        for (uint32_t i = 0; i < e->node->namespace_count; i++) {
            namespace_look(e, &e->node->namespaces[i]);
        }
        rest(e);
    }
    return NULL;
}

enum base_result expiry_start(struct node *node, struct expiry **out)
{
    struct expiry *e = calloc(1, sizeof *e);
    *out = NULL;
    if (e == NULL) {
        return RESULT_NO_MEMORY;
    }
    e->magic = EXPIRY_MAGIC;
    e->node = node;
    e->counters = node_counters_register(node);
    if (e->counters == NULL) {
        free(e);
        return RESULT_NO_MEMORY;
    }
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        e->course[i].cycle_ns = io_clock_monotonic_ns();
    }
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&e->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&e->pthread, NULL, thread_main, e) != 0) {
        pthread_cond_destroy(&e->wake);
        pthread_mutex_destroy(&e->lock);
        free(e);
        return RESULT_LIMIT;
    }
    *out = node->expiry = e;
    return RESULT_OK;
}

void expiry_wake(struct expiry *e)
{
    base_magic_check(e, EXPIRY_MAGIC);
    pthread_mutex_lock(&e->lock);
    e->woken = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

void expiry_stop(struct expiry **out)
{
    struct expiry *e = *out;
    if (e == NULL) {
        return;
    }
    *out = NULL;
    atomic_store(&e->stopping, true);
    expiry_wake(e);
    pthread_join(e->pthread, NULL);
    e->node->expiry = NULL;
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    e->magic = 0;
    free(e);
}

bool expiry_distribution_copy(struct expiry *e, uint32_t namespace_number,
                              struct expiry_distribution *out)
{
    base_magic_check(e, EXPIRY_MAGIC);
    base_assert(namespace_number < e->node->namespace_count);
    pthread_mutex_lock(&e->lock);
    bool measured = e->course[namespace_number].measured;
    if (measured) {
        *out = e->course[namespace_number].distribution;
    }
    pthread_mutex_unlock(&e->lock);
    return measured;
}
