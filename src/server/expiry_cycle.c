// SPDX-License-Identifier: Apache-2.0
// Each walk is a visit function and what it counts. Times to live go into buckets whose width
// doubles when one does not fit, so that no walk is needed to learn the range first.
#include "server/expiry_cycle.h"

#include <stdlib.h>

#include "base/digest.h"
#include "cluster/replica.h"
#include "server/shared.h"

enum { SLICE_RECORDS = 64 };

// --- buckets ---

struct ttl_buckets {
    uint32_t count;
    uint32_t width_s;
    uint64_t *bucket;
    uint64_t total;
};

static void ttl_buckets_widen(struct ttl_buckets *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t low = 2 * i < b->count ? b->bucket[2 * i] : 0;
        uint64_t high = 2 * i + 1 < b->count ? b->bucket[2 * i + 1] : 0;
        b->bucket[i] = low + high;
    }
    b->width_s *= 2;
}

static void ttl_buckets_add(struct ttl_buckets *b, uint32_t ttl_s)
{
    while (ttl_s / b->width_s >= b->count) {
        ttl_buckets_widen(b);
    }
    b->bucket[ttl_s / b->width_s]++;
    b->total++;
}

// --- walking ---

// Whether there is something in the partition that a walk wants to see.
typedef bool (*wanted_fn)(struct store *store, uint32_t partition);

static bool has_objects(struct store *store, uint32_t partition)
{
    return store_object_count(store, partition) > 0;
}

static bool has_tombstones(struct store *store, uint32_t partition)
{
    return store_tombstone_count(store, partition) > 0;
}

static bool has_any(struct store *store, uint32_t partition)
{
    return has_objects(store, partition) || has_tombstones(store, partition);
}

static bool walk(struct namespace *ns, const struct expiry_walker *walker, wanted_fn wanted,
                 store_visit_fn visit, void *arg)
{
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct store_scan at = {.partition = p};
        bool end = !wanted(ns->store, p);
        while (!end) {
            end = store_scan_step(ns->store, &at, SLICE_RECORDS, visit, arg);
            if (!walker->pause(walker->arg)) {
                return false;
            }
        }
    }
    return walker->pause(walker->arg);
}

// --- expiry and eviction ---

struct cycle {
    struct namespace *ns;
    uint32_t now_s;
    uint64_t seen, expired, evicted, non_expirable;
    struct ttl_buckets buckets; // of what may be evicted; no buckets: nothing will be
    struct counters_namespace *counters;
    uint32_t threshold;    // bucket: all below it are evicted,
    uint64_t at_threshold; // and so many of it
};

static bool may_evict(const struct cycle *c, const struct store_record *record)
{
    if (record->set_name.size == 0) {
        return true;
    }
    const struct store_set *set = store_set_find(c->ns->store, record->set_name);
    return set == NULL || !atomic_load_explicit(&set->disable_eviction, memory_order_relaxed);
}

static enum store_visit expire_visit(const struct store_record *record, void *arg)
{
    struct cycle *c = arg;
    if (record->tombstone) {
        return STORE_VISIT_KEEP; // it stays as long as the cluster needs it
    }
    c->seen++;
    if (record->void_time_s == 0) {
        c->non_expirable++;
        return STORE_VISIT_KEEP;
    }
    if (record->void_time_s <= c->now_s) {
        c->expired++;
        counters_add(&c->counters->expired_objects, 1);
        return STORE_VISIT_REMOVE;
    }
    if (c->buckets.bucket != NULL && may_evict(c, record)) {
        ttl_buckets_add(&c->buckets, record->void_time_s - c->now_s);
    }
    return STORE_VISIT_KEEP;
}

static enum store_visit evict_visit(const struct store_record *record, void *arg)
{
    struct cycle *c = arg;
    if (record->void_time_s <= c->now_s || !may_evict(c, record)) {
        return STORE_VISIT_KEEP; // tombstones too: their void time is 0
    }
    uint32_t bucket = (record->void_time_s - c->now_s) / c->buckets.width_s;
    if (bucket > c->threshold || (bucket == c->threshold && c->at_threshold == 0)) {
        return STORE_VISIT_KEEP;
    }
    c->at_threshold -= bucket == c->threshold;
    c->evicted++;
    counters_add(&c->counters->evicted_objects, 1);
    return STORE_VISIT_REMOVE;
}

// Finds the bucket up to which records must go, so that evict-tenths-pct of them do; at least one.
static void threshold_find(struct cycle *c)
{
    uint64_t tenths = atomic_load_explicit(&c->ns->config->evict_tenths_pct, memory_order_relaxed);
    uint64_t target = c->buckets.total * tenths / 1000;
    target = target > 0 ? target : 1;
    uint64_t below = 0;
    uint32_t at = 0;
    while (at + 1 < c->buckets.count && below + c->buckets.bucket[at] < target) {
        below += c->buckets.bucket[at++];
    }
    c->threshold = at;
    c->at_threshold = target - below;
}

static bool evict(struct cycle *c, const struct expiry_walker *walker)
{
    threshold_find(c);
    bool ok = walk(c->ns, walker, has_objects, evict_visit, c);
    uint64_t void_time_s = (uint64_t)c->now_s + (uint64_t)c->threshold * c->buckets.width_s;
    shared_evicted(c->ns->node->shared, c->ns, (uint32_t)void_time_s);
    return ok;
}

bool expiry_cycle_run(struct namespace *ns, uint32_t now_s, const struct expiry_walker *walker)
{
    struct cycle c = {.ns = ns, .now_s = now_s, .counters = walker->counters};
    if (atomic_load_explicit(&ns->hwm_breached, memory_order_relaxed)) {
        uint32_t count =
            atomic_load_explicit(&ns->config->evict_hist_buckets, memory_order_relaxed);
        c.buckets = (struct ttl_buckets){.count = count > 2 ? count : 2, .width_s = 1};
        // Without memory for the buckets this cycle only expires.
        c.buckets.bucket = calloc(c.buckets.count, sizeof *c.buckets.bucket);
    }
    bool ok = walk(ns, walker, has_objects, expire_visit, &c);
    if (ok) {
        atomic_store_explicit(&ns->non_expirable_objects, c.non_expirable, memory_order_relaxed);
        if (c.buckets.total > 0) {
            ok = evict(&c, walker);
        }
    }
    if (ok) {
        uint64_t gone = c.expired + c.evicted;
        uint32_t permyriad = c.seen > 0 ? (uint32_t)(gone * 10000 / c.seen) : 0;
        atomic_store_explicit(&ns->nsup_cycle_deleted_permyriad, permyriad, memory_order_relaxed);
    }
    free(c.buckets.bucket);
    return ok;
}

static enum store_visit follow_visit(const struct store_record *record, void *arg)
{
    struct cycle *c = arg;
    uint64_t until_s = atomic_load_explicit(&c->ns->evict_void_time_s, memory_order_relaxed);
    if (record->void_time_s == 0 || record->void_time_s >= until_s || !may_evict(c, record)) {
        return STORE_VISIT_KEEP;
    }
    counters_add(&c->counters->evicted_objects, 1);
    return STORE_VISIT_REMOVE;
}

bool expiry_evict_follow(struct namespace *ns, const struct expiry_walker *walker)
{
    struct cycle c = {.ns = ns, .counters = walker->counters};
    atomic_store(&ns->evict_wanted, false);
    return walk(ns, walker, has_objects, follow_visit, &c);
}

// --- truncation ---

static enum store_visit truncate_visit(const struct store_record *record, void *arg)
{
    const struct namespace *ns = arg;
    return store_record_is_truncated(ns->store, record) ? STORE_VISIT_REMOVE : STORE_VISIT_KEEP;
}

bool expiry_truncation_run(struct namespace *ns, const struct expiry_walker *walker)
{
    uint32_t seen = atomic_load(&ns->truncations);
    if (!walk(ns, walker, has_any, truncate_visit, ns)) {
        return false;
    }
    // A truncation counts itself before it says that there is work, so one that comes between these
    // lines is not lost.
    if (atomic_load(&ns->truncations) == seen) {
        atomic_store(&ns->truncating, false);
        if (atomic_load(&ns->truncations) != seen) {
            atomic_store(&ns->truncating, true);
        }
    }
    return true;
}

// --- tombstones ---

struct reaping {
    const struct replica *replica;
    uint64_t replica_until_ms, master_until_ms; // made before it
    uint64_t removed;
};

static enum store_visit reap_visit(const struct store_record *record, void *arg)
{
    struct reaping *r = arg;
    if (!record->tombstone) {
        return STORE_VISIT_KEEP;
    }
    uint32_t partition = base_digest_partition(record->digest);
    bool leads = r->replica->place[partition].role == PLACE_MASTER;
    if (record->last_update_ms >= (leads ? r->master_until_ms : r->replica_until_ms)) {
        return STORE_VISIT_KEEP;
    }
    r->removed++;
    return STORE_VISIT_REMOVE;
}

static uint64_t until_of(uint64_t now_ms, uint64_t age_ms)
{
    return now_ms >= age_ms ? now_ms - age_ms + 1 : 0;
}

bool expiry_tombstones_run(struct namespace *ns, uint64_t now_ms, const struct expiry_ages *ages,
                           const struct expiry_walker *walker, uint64_t *removed)
{
    struct reaping r = {
        .replica = ns->replica,
        .replica_until_ms = until_of(now_ms, ages->replica_ms),
        .master_until_ms = until_of(now_ms, ages->master_ms),
    };
    bool ok = walk(ns, walker, has_tombstones, reap_visit, &r);
    *removed = r.removed;
    return ok;
}

// --- distribution ---

struct measuring {
    const struct namespace *ns;
    uint32_t now_s;
    struct ttl_buckets ttl;
    struct expiry_distribution *out;
};

static enum store_visit measure_visit(const struct store_record *record, void *arg)
{
    struct measuring *m = arg;
    if (store_record_is_dead(m->ns->store, record, m->now_s)) {
        return STORE_VISIT_KEEP;
    }
    if (record->void_time_s != 0) {
        ttl_buckets_add(&m->ttl, record->void_time_s - m->now_s);
    }
    uint32_t size = record->size / EXPIRY_SIZE_BUCKET_WIDTH;
    m->out->size[size < EXPIRY_SIZE_BUCKETS ? size : EXPIRY_SIZE_BUCKETS - 1]++;
    uint32_t log_size = 32 - (uint32_t)__builtin_clz(record->size);
    m->out->log_size[log_size < EXPIRY_LOG_BUCKETS ? log_size : EXPIRY_LOG_BUCKETS - 1]++;
    return STORE_VISIT_KEEP;
}

bool expiry_distribution_measure(struct namespace *ns, uint32_t now_s,
                                 const struct expiry_walker *walker,
                                 struct expiry_distribution *out)
{
    *out = (struct expiry_distribution){0};
    struct measuring m = {
        .ns = ns,
        .now_s = now_s,
        .ttl = {.count = EXPIRY_TTL_BUCKETS, .width_s = 1, .bucket = out->ttl},
        .out = out,
    };
    bool ok = walk(ns, walker, has_objects, measure_visit, &m);
    out->ttl_bucket_width_s = m.ttl.width_s;
    return ok;
}

// --- limits ---

static uint64_t share(uint64_t whole, uint32_t pct)
{
    return whole / 100 * pct + whole % 100 * pct / 100;
}

void expiry_limits_check(struct namespace *ns, uint32_t memory_used_pct)
{
    const struct config_namespace *config = ns->config;
    struct store_stats stats;
    store_stats_sum(ns->store, &stats);
    uint64_t data_size = atomic_load_explicit(&config->data_size, memory_order_relaxed);
    uint32_t stop_pct = atomic_load_explicit(&config->stop_writes_used_pct, memory_order_relaxed);
    uint32_t evict_pct = atomic_load_explicit(&config->evict_used_pct, memory_order_relaxed);
    uint32_t system_pct =
        atomic_load_explicit(&config->stop_writes_sys_memory_pct, memory_order_relaxed);
    uint64_t budget = atomic_load_explicit(&config->indexes_memory_budget, memory_order_relaxed);
    uint32_t evict_index_pct =
        atomic_load_explicit(&config->evict_indexes_memory_pct, memory_order_relaxed);

    uint64_t data_limit = data_size > 0 && stop_pct > 0 ? share(data_size, stop_pct) : 0;
    bool stop = (data_limit > 0 && stats.data_used_bytes >= data_limit) ||
                (budget > 0 && stats.index_used_bytes >= budget) ||
                (system_pct > 0 && memory_used_pct >= system_pct);
    bool breached =
        (data_size > 0 && evict_pct > 0 && stats.data_used_bytes >= share(data_size, evict_pct)) ||
        (budget > 0 && evict_index_pct > 0 &&
         stats.index_used_bytes >= share(budget, evict_index_pct));
    atomic_store_explicit(&ns->data_limit_bytes, data_limit, memory_order_relaxed);
    atomic_store_explicit(&ns->stop_writes, stop, memory_order_relaxed);
    atomic_store_explicit(&ns->hwm_breached, breached, memory_order_relaxed);
}
