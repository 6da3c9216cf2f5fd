// SPDX-License-Identifier: Apache-2.0
// Numbers for people and, as JSON, for programs.
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "tools/bench.h"

enum { TEXT_SIZE = 32, NS_PER_US = 1000 };

static const struct {
    const char *name;
    uint32_t millionths;
} percentiles[] = {
    {"p50", 500000}, {"p90", 900000},   {"p95", 950000},
    {"p99", 990000}, {"p99.9", 999000}, {"p99.99", 999900},
};

enum { PERCENTILE_COUNT = sizeof percentiles / sizeof percentiles[0] };

const char *bench_workload_name(enum bench_workload workload)
{
    switch (workload) {
    case BENCH_INSERT:
        return "insert";
    case BENCH_MIXED:
        return "read-update";
    case BENCH_DELETE:
        return "delete";
    }
    return "";
}

const char *bench_mode_name(enum bench_mode mode)
{
    switch (mode) {
    case BENCH_SYNC:
        return "sync";
    case BENCH_ASYNC:
        return "async";
    case BENCH_PIPELINE:
        return "pipeline";
    }
    return "";
}

void bench_snapshot_take(struct bench_snapshot *out, const struct bench_worker *workers,
                         uint32_t count)
{
    memset(out, 0, sizeof *out);
    out->at_ns = bench_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        const struct bench_counts *counts = &workers[i].counts;
        bench_totals_add(&out->reads, &counts->reads);
        bench_totals_add(&out->writes, &counts->writes);
        out->records_read += atomic_load_explicit(&counts->records_read, memory_order_relaxed);
        out->records_written +=
            atomic_load_explicit(&counts->records_written, memory_order_relaxed);
        out->in_doubt += atomic_load_explicit(&counts->in_doubt, memory_order_relaxed);
        for (uint32_t code = 0; code < BENCH_CODES; code++) {
            out->codes[code] += atomic_load_explicit(&counts->codes[code], memory_order_relaxed);
        }
    }
}

uint64_t bench_snapshot_errors(const struct bench_snapshot *snapshot)
{
    uint64_t errors = 0;
    for (uint32_t code = 1; code < BENCH_CODES; code++) {
        errors += code == BALLAST_RECORD_NOT_FOUND ? 0 : snapshot->codes[code];
    }
    return errors;
}

// 1234567 as "1,234,567".
static const char *number_format(uint64_t number, char out[TEXT_SIZE])
{
    char digits[TEXT_SIZE];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *at = out;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

// A time in the unit that suits it: "87us", "1.24ms", "2.5s".
static const char *time_format(uint64_t ns, char out[TEXT_SIZE])
{
    double us = (double)ns / NS_PER_US;
    if (us < 100) {
        snprintf(out, TEXT_SIZE, "%.1fus", us);
    } else if (us < 1000) {
        snprintf(out, TEXT_SIZE, "%.0fus", us);
    } else if (us < 1000000) {
        snprintf(out, TEXT_SIZE, "%.2fms", us / 1e3);
    } else {
        snprintf(out, TEXT_SIZE, "%.2fs", us / 1e6);
    }
    return out;
}

static uint64_t per_second(uint64_t count, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((double)count * 1e9 / (double)ns + 0.5);
}

static void progress_side(FILE *out, const char *name, const struct bench_totals *totals,
                          uint64_t records, uint64_t ns, bool detailed)
{
    char number[TEXT_SIZE], time[TEXT_SIZE];
    fprintf(out, " | %s %9s/s", name, number_format(per_second(records, ns), number));
    for (size_t i = 0; i < PERCENTILE_COUNT; i++) {
        bool usual = percentiles[i].millionths == 500000 || percentiles[i].millionths == 990000;
        if (usual || detailed) {
            fprintf(
                out, " %s %-7s", percentiles[i].name,
                time_format(bench_totals_percentile_ns(totals, percentiles[i].millionths), time));
        }
    }
}

void bench_progress_print(FILE *out, const struct bench_snapshot *now,
                          const struct bench_snapshot *before, uint64_t start_ns, bool detailed)
{
    uint64_t ns = now->at_ns - before->at_ns;
    struct bench_totals reads = now->reads, writes = now->writes;
    bench_totals_subtract(&reads, &before->reads);
    bench_totals_subtract(&writes, &before->writes);
    uint64_t errors = bench_snapshot_errors(now) - bench_snapshot_errors(before);
    uint64_t misses =
        now->codes[BALLAST_RECORD_NOT_FOUND] - before->codes[BALLAST_RECORD_NOT_FOUND];
    char number[TEXT_SIZE];
    fprintf(out, "%5.0fs", (double)(now->at_ns - start_ns) / 1e9);
    if (now->records_read > 0) {
        progress_side(out, "read", &reads, now->records_read - before->records_read, ns, detailed);
    }
    if (now->records_written > 0) {
        progress_side(out, "write", &writes, now->records_written - before->records_written, ns,
                      detailed);
    }
    if (misses > 0) {
        fprintf(out, " | not found %s", number_format(misses, number));
    }
    fprintf(out, " | errors %s\n", number_format(errors, number));
    fflush(out);
}

static void summary_row(FILE *out, const char *name, const struct bench_totals *totals,
                        uint64_t records, uint64_t ns)
{
    if (records == 0) {
        return;
    }
    char number[TEXT_SIZE];
    fprintf(out, "%-6s %12s", name, number_format(records, number));
    fprintf(out, " %10s", number_format(per_second(records, ns), number));
    fprintf(out, " %8s",
            time_format(totals->count == 0 ? 0 : totals->sum_ns / totals->count, number));
    for (size_t i = 0; i < PERCENTILE_COUNT; i++) {
        fprintf(out, " %8s",
                time_format(bench_totals_percentile_ns(totals, percentiles[i].millionths), number));
    }
    fprintf(out, " %8s\n", time_format(totals->max_ns, number));
}

void bench_summary_print(FILE *out, const struct bench_plan *plan, const struct bench_snapshot *end,
                         uint64_t start_ns)
{
    uint64_t ns = end->at_ns - start_ns;
    fprintf(out, "\n%-6s %12s %10s %8s", "", "records", "per second", "mean");
    for (size_t i = 0; i < PERCENTILE_COUNT; i++) {
        fprintf(out, " %8s", percentiles[i].name);
    }
    fprintf(out, " %8s\n", "max");
    summary_row(out, "read", &end->reads, end->records_read, ns);
    summary_row(out, plan->workload == BENCH_DELETE ? "delete" : "write", &end->writes,
                end->records_written, ns);
    if (plan->batch_size > 1) {
        fprintf(out, "Times are those of whole batches of %u records.\n", plan->batch_size);
    }
    char number[TEXT_SIZE];
    for (uint32_t code = 1; code < BENCH_CODES; code++) {
        if (end->codes[code] > 0) {
            fprintf(out, "%s x %s (%u)\n", number_format(end->codes[code], number),
                    ballast_code_text((int)code), code);
        }
    }
    if (end->in_doubt > 0) {
        fprintf(out, "%s of these writes are in doubt\n", number_format(end->in_doubt, number));
    }
}

static json_t *side_json(const struct bench_totals *totals, uint64_t records, uint64_t ns)
{
    json_t *side = json_object();
    json_object_set_new(side, "records", json_integer((json_int_t)records));
    json_object_set_new(side, "records_per_second",
                        json_integer((json_int_t)per_second(records, ns)));
    json_t *times = json_object();
    json_object_set_new(
        times, "mean",
        json_real(totals->count == 0 ? 0
                                     : (double)totals->sum_ns / (double)totals->count / NS_PER_US));
    for (size_t i = 0; i < PERCENTILE_COUNT; i++) {
        uint64_t time_ns = bench_totals_percentile_ns(totals, percentiles[i].millionths);
        json_object_set_new(times, percentiles[i].name, json_real((double)time_ns / NS_PER_US));
    }
    json_object_set_new(times, "max", json_real((double)totals->max_ns / NS_PER_US));
    json_object_set_new(side, "latency_us", times);
    return side;
}

void bench_summary_json(FILE *out, const struct bench_plan *plan, const struct bench_snapshot *end,
                        uint64_t start_ns)
{
    uint64_t ns = end->at_ns - start_ns;
    json_t *root = json_object();
    json_object_set_new(root, "workload", json_string(bench_workload_name(plan->workload)));
    json_object_set_new(root, "mode", json_string(bench_mode_name(plan->mode)));
    json_object_set_new(root, "threads", json_integer(plan->threads));
    json_object_set_new(root, "batch_size", json_integer(plan->batch_size));
    json_object_set_new(root, "keys", json_integer((json_int_t)plan->keys.count));
    json_object_set_new(root, "seconds", json_real((double)ns / 1e9));
    json_object_set_new(root, "read", side_json(&end->reads, end->records_read, ns));
    json_object_set_new(root, "write", side_json(&end->writes, end->records_written, ns));
    json_object_set_new(root, "not_found",
                        json_integer((json_int_t)end->codes[BALLAST_RECORD_NOT_FOUND]));
    json_object_set_new(root, "errors", json_integer((json_int_t)bench_snapshot_errors(end)));
    json_object_set_new(root, "in_doubt", json_integer((json_int_t)end->in_doubt));
    json_t *codes = json_object();
    for (uint32_t code = 1; code < BENCH_CODES; code++) {
        if (end->codes[code] > 0) {
            char name[TEXT_SIZE];
            snprintf(name, sizeof name, "%u", code);
            json_object_set_new(codes, name, json_integer((json_int_t)end->codes[code]));
        }
    }
    json_object_set_new(root, "codes", codes);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    fputc('\n', out);
    json_decref(root);
}
