// SPDX-License-Identifier: Apache-2.0
// Windows are differences between two sums over all threads' histograms. A histogram's buckets are
// powers of two microseconds, so a millisecond counts as 1024 of them here.
#include "server/ticker.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "io/clock.h"
#include "server/log.h"
#include "server/statistics_cluster.h"

enum { MILLISECOND_SHIFT = 10, BUCKETS_PER_LINE = 4 };

// The place of each histogram of a namespace in its block of counters, and its name.
static const struct {
    size_t offset;
    const char *name;
} kinds[] = {
#define X(nm, text) {offsetof(struct counters_namespace, hist_##nm), text},
    SERVER_HISTOGRAMS(X)
#undef X
};

enum {
    KIND_COUNT = sizeof kinds / sizeof kinds[0],
    HISTOGRAMS_MAX = 1 + LIMIT_NAMESPACES * KIND_COUNT,
};

struct sums {
    uint64_t bucket[COUNTERS_HISTOGRAM_BUCKETS];
};

struct ticker {
    struct node *node;
    pthread_t thread;
    pthread_mutex_t lock; // guards all below
    pthread_cond_t wake;
    bool stopping;
    uint64_t window_ns;
    uint64_t cut_ns; // when the last window ended
    struct io_system_cpu cpu;
    struct io_system_cpu_percent cpu_percent;
    struct sums *before; // ticker_histogram_count of them: sums at the last cut
    struct sums *window; // what the last window added
};

uint32_t ticker_histogram_count(const struct node *node)
{
    return 1 + node->namespace_count * KIND_COUNT;
}

void ticker_histogram_name(const struct node *node, uint32_t number, char out[TICKER_NAME_SIZE])
{
    if (number == 0) {
        snprintf(out, TICKER_NAME_SIZE, "batch-index");
        return;
    }
    snprintf(out, TICKER_NAME_SIZE, "{%s}-%s", node->namespaces[(number - 1) / KIND_COUNT].name,
             kinds[(number - 1) % KIND_COUNT].name);
}

static void sums_read(struct node *node, uint32_t number, struct sums *out)
{
    for (uint32_t i = 0; i < COUNTERS_HISTOGRAM_BUCKETS; i++) {
        if (number == 0) {
            size_t at = offsetof(struct counters_node, hist_batch_index) + i * sizeof(uint64_t);
            out->bucket[i] = node_counter(node, at);
        } else {
            size_t at = kinds[(number - 1) % KIND_COUNT].offset + i * sizeof(uint64_t);
            out->bucket[i] = node_namespace_counter(node, (number - 1) / KIND_COUNT, at);
        }
    }
}

static uint64_t sums_total(const struct sums *sums)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < COUNTERS_HISTOGRAM_BUCKETS; i++) {
        total += sums->bucket[i];
    }
    return total;
}

// --- one tick ------------------------------------------------------------------------------------

static void windows_cut(struct ticker *ticker)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    struct io_system_cpu cpu;
    io_system_cpu_read(&cpu);
    pthread_mutex_lock(&ticker->lock);
    for (uint32_t i = 0; i < ticker_histogram_count(ticker->node); i++) {
        struct sums now;
        sums_read(ticker->node, i, &now);
        for (uint32_t b = 0; b < COUNTERS_HISTOGRAM_BUCKETS; b++) {
            ticker->window[i].bucket[b] = now.bucket[b] - ticker->before[i].bucket[b];
        }
        ticker->before[i] = now;
    }
    ticker->window_ns = now_ns - ticker->cut_ns;
    ticker->cut_ns = now_ns;
    io_system_cpu_percent(&ticker->cpu, &cpu, &ticker->cpu_percent);
    ticker->cpu = cpu;
    pthread_mutex_unlock(&ticker->lock);
}

// The form that log analysers read: buckets of operations below 2^n units, four a line.
static void histogram_log(struct node *node, uint32_t number, const struct sums *sums)
{
    uint64_t total = sums_total(sums);
    if (total == 0) {
        return;
    }
    char name[TICKER_NAME_SIZE];
    ticker_histogram_name(node, number, name);
    bool fine = node->config->service.microsecond_histograms;
    log_info(node->log, info, "histogram dump: %s (%llu total) %s", name, (unsigned long long)total,
             fine ? "usec" : "msec");
    uint32_t shift = fine ? 0 : MILLISECOND_SHIFT;
    char line[160];
    size_t used = 0;
    uint32_t in_line = 0;
    uint64_t below = 0;
    for (uint32_t b = 0; b < COUNTERS_HISTOGRAM_BUCKETS; b++) {
        below += sums->bucket[b];
        bool gathers = b < shift;
        if (gathers || below == 0) {
            continue;
        }
        used += (size_t)snprintf(line + used, sizeof line - used, " (%02u: %010llu)", b - shift,
                                 (unsigned long long)below);
        below = 0;
        if (++in_line == BUCKETS_PER_LINE) {
            log_info(node->log, info, "%s", line);
            used = in_line = 0;
        }
    }
    if (in_line > 0) {
        log_info(node->log, info, "%s", line);
    }
}

static void namespace_log(struct namespace *ns)
{
    struct store_stats stats;
    store_stats_sum(ns->store, &stats);
    uint64_t size = ns->config->data_size;
    log_info(ns->node->log, info, "{%s} objects: all %llu master %llu prole 0 non-replica 0",
             ns->name, (unsigned long long)stats.object_count,
             (unsigned long long)stats.object_count);
    log_info(ns->node->log, info,
             "{%s} memory-usage: data-bytes %llu of %llu index-bytes %llu used-pct %.2f%s",
             ns->name, (unsigned long long)stats.data_used_bytes, (unsigned long long)size,
             (unsigned long long)stats.index_used_bytes,
             size == 0 ? 0.0 : (double)stats.data_used_bytes * 100.0 / (double)size,
             ns->stop_writes ? " stop-writes" : "");
}

static void migrations_log(struct namespace *ns)
{
    uint64_t numbers[P_COUNT];
    statistics_space_gather(ns, numbers);
    if (numbers[P_TX_REMAINING] + numbers[P_RX_REMAINING] + numbers[P_TX_LEAD] == 0) {
        log_info(ns->node->log, info, "{%s} migrations: complete", ns->name);
        return;
    }
    log_info(ns->node->log, info, "{%s} migrations: remaining (%llu,%llu,%llu) active (%llu,%llu)",
             ns->name, (unsigned long long)numbers[P_TX_REMAINING],
             (unsigned long long)numbers[P_RX_REMAINING], (unsigned long long)numbers[P_TX_LEAD],
             (unsigned long long)numbers[P_TX_ACTIVE], (unsigned long long)numbers[P_RX_ACTIVE]);
}

static void lines_log(struct ticker *ticker)
{
    struct node *node = ticker->node;
    struct io_system_cpu_percent cpu;
    struct io_system_memory memory;
    ticker_cpu(ticker, &cpu);
    io_system_memory_read(&memory);
    struct statistics_cluster cluster;
    statistics_cluster_gather(node, &cluster);
    log_info(node->log, info, "NODE-ID %s CLUSTER-SIZE %llu", node->id,
             (unsigned long long)cluster.numbers[C_SIZE]);
    log_info(node->log, info,
             "   system: total-cpu-pct %u user-cpu-pct %u kernel-cpu-pct %u free-mem-kbytes %llu "
             "free-mem-pct %llu",
             cpu.host_total, cpu.host_user, cpu.host_kernel,
             (unsigned long long)(memory.available / 1024),
             memory.limit == 0 ? 0ull
                               : (unsigned long long)(memory.available * 100 / memory.limit));
    log_info(node->log, info, "   process: cpu-pct %u threads %u resident-kbytes %llu", cpu.process,
             io_system_thread_count(), (unsigned long long)(memory.process_resident / 1024));
    log_info(node->log, info, "   fds: client (%lld,%llu,%llu)",
             (long long)atomic_load(&node->client_connections),
             (unsigned long long)node_counter(
                 node, offsetof(struct counters_node, client_connections_opened)),
             (unsigned long long)node_counter(
                 node, offsetof(struct counters_node, client_connections_closed)));
    log_info(node->log, info, "   fds: heartbeat (%llu,%llu,%llu)",
             (unsigned long long)cluster.numbers[C_HEARTBEAT_CONNECTIONS],
             (unsigned long long)cluster.numbers[C_HEARTBEAT_OPENED],
             (unsigned long long)cluster.numbers[C_HEARTBEAT_CLOSED]);
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        namespace_log(&node->namespaces[i]);
        migrations_log(&node->namespaces[i]);
    }
    for (uint32_t i = 0; i < ticker_histogram_count(node); i++) {
        struct sums sums;
        sums_read(node, i, &sums);
        histogram_log(node, i, &sums);
    }
}

static void *ticker_run(void *arg)
{
    struct ticker *ticker = arg;
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ticker->node->config->service.ticker_interval_s;
        pthread_mutex_lock(&ticker->lock);
        while (!ticker->stopping &&
               pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until) == 0) {
        }
        bool stopping = ticker->stopping;
        pthread_mutex_unlock(&ticker->lock);
        if (stopping) {
            return NULL;
        }
        windows_cut(ticker);
        lines_log(ticker);
    }
}

// --- life ----------------------------------------------------------------------------------------

enum base_result ticker_start(struct node *node, struct ticker **out)
{
    *out = NULL;
    struct ticker *ticker = calloc(1, sizeof *ticker);
    if (ticker == NULL) {
        return RESULT_NO_MEMORY;
    }
    ticker->node = node;
    uint32_t count = ticker_histogram_count(node);
    ticker->before = calloc(count, sizeof *ticker->before);
    ticker->window = calloc(count, sizeof *ticker->window);
    ticker->cut_ns = io_clock_monotonic_ns();
    io_system_cpu_read(&ticker->cpu);
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (ticker->before == NULL || ticker->window == NULL ||
        pthread_create(&ticker->thread, NULL, ticker_run, ticker) != 0) {
        pthread_cond_destroy(&ticker->wake);
        pthread_mutex_destroy(&ticker->lock);
        free(ticker->before);
        free(ticker->window);
        free(ticker);
        return RESULT_NO_MEMORY;
    }
    *out = ticker;
    return RESULT_OK;
}

void ticker_stop(struct ticker **ticker)
{
    struct ticker *gone = *ticker;
    *ticker = NULL;
    if (gone == NULL) {
        return;
    }
    pthread_mutex_lock(&gone->lock);
    gone->stopping = true;
    pthread_cond_signal(&gone->wake);
    pthread_mutex_unlock(&gone->lock);
    pthread_join(gone->thread, NULL);
    pthread_cond_destroy(&gone->wake);
    pthread_mutex_destroy(&gone->lock);
    free(gone->before);
    free(gone->window);
    free(gone);
}

// --- asking --------------------------------------------------------------------------------------

void ticker_cpu(struct ticker *ticker, struct io_system_cpu_percent *out)
{
    *out = (struct io_system_cpu_percent){0};
    if (ticker != NULL) {
        pthread_mutex_lock(&ticker->lock);
        *out = ticker->cpu_percent;
        pthread_mutex_unlock(&ticker->lock);
    }
}

void ticker_window(struct node *node, uint32_t number, struct ticker_window *out)
{
    base_assert(number < ticker_histogram_count(node));
    *out = (struct ticker_window){0};
    struct sums sums;
    sums_read(node, number, &sums);
    out->seen = sums_total(&sums) > 0;
    struct ticker *ticker = node->ticker;
    if (ticker == NULL || !out->seen) {
        return;
    }
    pthread_mutex_lock(&ticker->lock);
    sums = ticker->window[number];
    double seconds = (double)ticker->window_ns / 1e9;
    pthread_mutex_unlock(&ticker->lock);
    uint64_t total = sums_total(&sums);
    if (total == 0 || seconds <= 0) {
        return;
    }
    out->per_second = (double)total / seconds;
    uint32_t shift = node->config->service.microsecond_histograms ? 0 : MILLISECOND_SHIFT;
    uint64_t slower = total;
    for (uint32_t b = 0; b < COUNTERS_HISTOGRAM_BUCKETS; b++) {
        slower -= sums.bucket[b];
        if (b >= shift && b - shift < TICKER_THRESHOLDS) {
            out->slower_pct[b - shift] = (double)slower * 100.0 / (double)total;
        }
    }
}
