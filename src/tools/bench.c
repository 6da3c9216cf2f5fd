// SPDX-License-Identifier: Apache-2.0
// `ballast bench`, also known as asbench: reads the command line into a plan, runs it, reports.
#include "tools/bench.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tools/args.h"
#include "tools/tools.h"

enum {
    NS_PER_S = 1000000000,
    NS_PER_MS = 1000 * 1000,
    SECONDS_DEFAULT = 10,       // of workloads that have no end of their own
    DIGESTS_MAX = 20 * 1000000, // keys whose digests are prepared for pipelines
};

struct settings {
    const char *hosts;
    uint16_t port;
    bool alternate;
    const char *ns, *set, *bin;
    uint64_t start_key, keys;
    const char *object_spec;
    bool random_values;
    const char *workload;
    uint32_t duration_s;
    uint32_t threads;
    uint64_t throughput;
    uint32_t batch_size;
    const char *distribution;
    const char *zipf_exponent;
    bool async;
    uint32_t async_max_commands;
    uint32_t event_loops;
    uint32_t pipeline;
    uint32_t connections;
    uint32_t timeout_ms, socket_timeout_ms, max_retries;
    uint32_t ttl_s;
    bool send_key, compress, durable_delete;
    const char *commit_level;
    bool latency, json, debug;
};

#define FIELD(name) .offset = offsetof(struct settings, name)
#define TLS_HELP    "this version speaks no TLS; use the clear port"
#define AUTH_HELP   "this version knows no users; leave it out"

// clang-format off
static const struct tools_option options[] = {
    {.kind = TOOLS_OPTION_HEADING, .help = "Where to:"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'h', .name = "hosts", .value = "HOST[:PORT],...", FIELD(hosts),
     .help = "nodes to begin with (127.0.0.1)"},
    {.kind = TOOLS_OPTION_TEXT, .name = "host", .value = "HOST", FIELD(hosts)},
    {.kind = TOOLS_OPTION_U16, .letter = 'p', .name = "port", .value = "PORT", FIELD(port), .min = 1,
     .help = "port where a host names none (3000)"},
    {.kind = TOOLS_OPTION_FLAG, .name = "services-alternate", FIELD(alternate),
     .help = "use the nodes' alternate-access-address"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'n', .name = "namespace", .value = "NS", FIELD(ns), .help = "(test)"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 's', .name = "set", .value = "SET", FIELD(set), .help = "(testset)"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'b', .name = "bin", .value = "NAME", FIELD(bin),
     .help = "first bin; the others are NAME_2, NAME_3 ... (testbin)"},

    {.kind = TOOLS_OPTION_HEADING, .help = "What to do:"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'w', .name = "workload", .value = "KIND", FIELD(workload),
     .help = "I: insert every key once. RU[,PCT]: read PCT percent, write the rest\n"
             "(RU,50). DB: delete every key once"},
    {.kind = TOOLS_OPTION_U64, .letter = 'k', .name = "keys", .value = "COUNT", FIELD(keys), .min = 1,
     .max = 1000000000000, .help = "integer keys to work with (1000000)"},
    {.kind = TOOLS_OPTION_U64, .letter = 'K', .name = "start-key", .value = "KEY", FIELD(start_key),
     .max = INT64_MAX / 2, .help = "the first of them (0)"},
    {.kind = TOOLS_OPTION_U64, .name = "start-value", .value = "KEY", FIELD(start_key), .max = INT64_MAX / 2},
    {.kind = TOOLS_OPTION_TEXT, .name = "distribution", .value = "HOW", FIELD(distribution),
     .help = "uniform: all keys alike. zipf: few keys often, most rarely (uniform)"},
    {.kind = TOOLS_OPTION_TEXT, .name = "zipf-exponent", .value = "X", FIELD(zipf_exponent),
     .help = "above 0; the larger, the more uneven (0.99)"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'o', .name = "object-spec", .value = "SPEC", FIELD(object_spec),
     .help = "the bins of a record, with commas between: I or I1 to I8, D, b,\n"
             "S:SIZE, B:SIZE, each with a count if wished: 3*I8 (I4)"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'R', .name = "random", FIELD(random_values),
     .help = "new random values for each write, not always the same"},
    {.kind = TOOLS_OPTION_U32, .name = "batch-size", .value = "RECORDS", FIELD(batch_size), .min = 1, .max = 10000,
     .help = "do so many records in each request, as a batch (1)"},
    {.kind = TOOLS_OPTION_U32, .letter = 't', .name = "duration", .value = "SECONDS", FIELD(duration_s),
     .help = "stop after it; 0: RU after 10 seconds, I and DB when done (0)"},
    {.kind = TOOLS_OPTION_U64, .letter = 'g', .name = "throughput", .value = "PER_SECOND", FIELD(throughput),
     .max = 1000000000, .help = "start so many operations a second at most; 0: no limit (0).\n"
             "Their latency counts from when each was due"},

    {.kind = TOOLS_OPTION_HEADING, .help = "How:"},
    {.kind = TOOLS_OPTION_U32, .letter = 'z', .name = "threads", .value = "COUNT", FIELD(threads), .min = 1,
     .max = BENCH_THREADS_MAX, .help = "one call at a time in each (16; with --pipeline 1)"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'a', .name = "async", FIELD(async),
     .help = "event loops instead of one call at a time"},
    {.kind = TOOLS_OPTION_U32, .letter = 'c', .name = "async-max-commands", .value = "COUNT",
     FIELD(async_max_commands), .min = 1, .max = 65536,
     .help = "with --async: commands under way in all loops together (50)"},
    {.kind = TOOLS_OPTION_U32, .letter = 'W', .name = "event-loops", .value = "COUNT", FIELD(event_loops), .min = 1,
     .max = 256, .help = "with --async: loops, a thread each (1)"},
    {.kind = TOOLS_OPTION_U32, .name = "pipeline", .value = "DEPTH", FIELD(pipeline), .min = 1, .max = 65536,
     .help = "raw connections with so many requests in flight on each; no retries"},
    {.kind = TOOLS_OPTION_U32, .name = "connections", .value = "COUNT", FIELD(connections), .min = 1, .max = 65536,
     .help = "with --pipeline: connections of all threads together (32)"},

    {.kind = TOOLS_OPTION_HEADING, .help = "Policies:"},
    {.kind = TOOLS_OPTION_U32, .letter = 'T', .name = "timeout", .value = "MS", FIELD(timeout_ms),
     .help = "of an operation with its retries; 0: none (1000)"},
    {.kind = TOOLS_OPTION_U32, .name = "socket-timeout", .value = "MS", FIELD(socket_timeout_ms),
     .help = "without progress on one try; 0: none (0)"},
    {.kind = TOOLS_OPTION_U32, .name = "max-retries", .value = "COUNT", FIELD(max_retries), .help = "(1)"},
    {.kind = TOOLS_OPTION_U32, .letter = 'e', .name = "expiration-time", .value = "SECONDS", FIELD(ttl_s),
     .help = "time to live of what is written; 0: as the namespace says (0)"},
    {.kind = TOOLS_OPTION_TEXT, .letter = 'M', .name = "commit-level", .value = "all|master", FIELD(commit_level),
     .help = "who has a write before it is answered (all)"},
    {.kind = TOOLS_OPTION_FLAG, .name = "send-key", FIELD(send_key), .help = "store the key with the record"},
    {.kind = TOOLS_OPTION_FLAG, .name = "compress", FIELD(compress), .help = "compress larger requests and answers"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'D', .name = "durable-delete", FIELD(durable_delete),
     .help = "deletes leave a tombstone"},

    {.kind = TOOLS_OPTION_HEADING, .help = "Reports:"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'L', .name = "latency", FIELD(latency),
     .help = "all percentiles in each second's line, not only p50 and p99"},
    {.kind = TOOLS_OPTION_FLAG, .name = "json", FIELD(json),
     .help = "the summary as JSON on stdout; all else goes to stderr"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'd', .name = "debug", FIELD(debug), .help = "print the plan's details first"},
    {.kind = TOOLS_OPTION_VERSION, .letter = 'V', .name = "version", .help = "print the version"},
    {.kind = TOOLS_OPTION_HELP, .name = "help", .help = "print this"},

    {.kind = TOOLS_OPTION_REFUSED, .letter = 'U', .name = "user", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'P', .name = "password", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "auth", .help = AUTH_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-enable", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-name", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "tls-cafile", .help = TLS_HELP},
    {.kind = TOOLS_OPTION_REFUSED, .name = "workload-stages", .help = "run the stages one after the other instead"},
    {.kind = TOOLS_OPTION_REFUSED, .name = "udf-package-name", .help = "user functions cannot be measured here"},
};
// clang-format on

static const struct tools_args args = {
    .program = "ballast bench",
    .usage = "[-h HOSTS] [-w KIND] [-k COUNT] [-o SPEC] [option]...",
    .about =
        "Puts load on a cluster and tells each second, and at the end, how fast it was.\n"
        "Ctrl-C ends it early, with the summary.",
    .closing =
        "Exit codes: 0 all went well; 1 no connection, or some operations failed;\n"
        "2 a mistake in the command line.\n\n"
        "  ballast bench -w I -k 100000 -o S:100\n"
        "  ballast bench -w RU,80 -k 100000 -o S:100 -z 8 -t 30\n"
        "  ballast bench -w RU,100 -k 100000 --async -c 200 --distribution zipf\n"
        "  ballast bench -w RU,50 -k 100000 -o B:100 --pipeline 16 --connections 32 --json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

// ---- from settings to plan ----------------------------------------------------------------------

static bool workload_read(const char *text, struct bench_plan *plan)
{
    if (strcmp(text, "I") == 0) {
        plan->workload = BENCH_INSERT;
        return true;
    }
    if (strcmp(text, "DB") == 0) {
        plan->workload = BENCH_DELETE;
        return true;
    }
    plan->workload = BENCH_MIXED;
    plan->read_pct = 50;
    if (strcmp(text, "RU") == 0) {
        return true;
    }
    char *end;
    if (strncmp(text, "RU,", 3) == 0 && text[3] >= '0' && text[3] <= '9') {
        unsigned long pct = strtoul(text + 3, &end, 10);
        plan->read_pct = (uint32_t)pct;
        if (*end == '\0' && pct <= 100) {
            return true;
        }
    }
    tools_args_mistake(&args, "-w, --workload: '%s' is none of I, RU, RU,0 to RU,100, DB", text);
    return false;
}

static bool keys_read(const struct settings *settings, struct bench_plan *plan)
{
    char *end;
    double exponent = strtod(settings->zipf_exponent, &end);
    if (*end != '\0' || !(exponent > 0) || exponent > 10) {
        tools_args_mistake(&args, "--zipf-exponent: '%s' is no number above 0 and up to 10",
                           settings->zipf_exponent);
        return false;
    }
    bool zipf = strcmp(settings->distribution, "zipf") == 0;
    if (!zipf && strcmp(settings->distribution, "uniform") != 0) {
        tools_args_mistake(&args, "--distribution: '%s' is neither uniform nor zipf",
                           settings->distribution);
        return false;
    }
    bench_keys_init(&plan->keys, zipf ? BENCH_ZIPF : BENCH_UNIFORM, settings->start_key,
                    settings->keys, exponent);
    return true;
}

static bool mode_read(const struct settings *settings, struct bench_plan *plan)
{
    if (settings->async && settings->pipeline > 0) {
        tools_args_mistake(&args, "--async and --pipeline: choose one");
        return false;
    }
    if (settings->pipeline > 0 && (settings->batch_size > 1 || settings->compress)) {
        tools_args_mistake(&args, "--pipeline goes with neither --batch-size nor --compress");
        return false;
    }
    plan->threads = settings->threads;
    if (settings->async) {
        plan->mode = BENCH_ASYNC;
        plan->threads = settings->event_loops;
        plan->depth = settings->async_max_commands / plan->threads;
        plan->depth = plan->depth == 0 ? 1 : plan->depth;
    } else if (settings->pipeline > 0) {
        plan->mode = BENCH_PIPELINE;
        plan->threads = plan->threads == 0 ? 1 : plan->threads;
        plan->depth = settings->pipeline;
        plan->connections = settings->connections / plan->threads;
        plan->connections = plan->connections == 0 ? 1 : plan->connections;
    } else {
        plan->mode = BENCH_SYNC;
        plan->threads = plan->threads == 0 ? 16 : plan->threads;
    }
    return true;
}

static bool plan_read(const struct settings *settings, struct bench_plan *plan)
{
    *plan = (struct bench_plan){.ns = settings->ns,
                                .set = settings->set,
                                .bin = settings->bin,
                                .random_values = settings->random_values,
                                .batch_size = settings->batch_size};
    char mistake[128];
    if (!workload_read(settings->workload, plan) || !keys_read(settings, plan) ||
        !mode_read(settings, plan)) {
        return false;
    }
    if (!bench_spec_parse(settings->object_spec, &plan->spec, mistake, sizeof mistake)) {
        tools_args_mistake(&args, "-o, --object-spec: %s", mistake);
        return false;
    }
    bool master = strcmp(settings->commit_level, "master") == 0;
    if (!master && strcmp(settings->commit_level, "all") != 0) {
        tools_args_mistake(&args, "-M, --commit-level: '%s' is neither all nor master",
                           settings->commit_level);
        return false;
    }
    struct ballast_key key = ballast_key_integer(plan->ns, plan->set, 0);
    uint8_t digest[BALLAST_DIGEST_SIZE];
    if (ballast_digest(&key, digest) != BALLAST_OK || strlen(plan->bin) > 11 ||
        plan->bin[0] == '\0') {
        tools_args_mistake(&args,
                           "names: a namespace has 1 to 31 bytes, a set up to 63, "
                           "the first bin 1 to 11");
        return false;
    }
    ballast_policy_init(&plan->policy);
    plan->policy.total_timeout_ms = settings->timeout_ms;
    plan->policy.socket_timeout_ms = settings->socket_timeout_ms;
    plan->policy.retries_max = settings->max_retries;
    plan->policy.ttl_s = settings->ttl_s;
    plan->policy.send_key = settings->send_key;
    plan->policy.compress = settings->compress;
    plan->policy.durable_delete = settings->durable_delete;
    plan->policy.commit_master = master;
    plan->operations_per_s =
        (double)settings->throughput / plan->threads / (double)plan->batch_size;
    return true;
}

// Digests of all keys, so that a pipeline spends its time on sending.
static void digests_prepare(struct bench_plan *plan)
{
    if (plan->mode != BENCH_PIPELINE || plan->keys.count > DIGESTS_MAX || plan->policy.send_key) {
        return;
    }
    uint8_t(*digests)[BALLAST_DIGEST_SIZE] = malloc(plan->keys.count * sizeof *digests);
    for (uint64_t i = 0; i < plan->keys.count && digests != NULL; i++) {
        struct ballast_key key =
            ballast_key_integer(plan->ns, plan->set, (int64_t)(plan->keys.start + i));
        if (ballast_digest(&key, digests[i]) != BALLAST_OK) {
            free(digests);
            digests = NULL;
        }
    }
    plan->digests = (const uint8_t(*)[BALLAST_DIGEST_SIZE])digests;
}

static void plan_print(FILE *out, const struct bench_plan *plan, const struct settings *settings)
{
    fprintf(out, "%s ", bench_workload_name(plan->workload));
    if (plan->workload == BENCH_MIXED) {
        fprintf(out, "(%u%% reads) ", plan->read_pct);
    }
    fprintf(out, "over %llu keys of %s.%s, %s in %u thread%s", (unsigned long long)settings->keys,
            plan->ns, plan->set, bench_mode_name(plan->mode), plan->threads,
            plan->threads == 1 ? "" : "s");
    if (plan->mode == BENCH_ASYNC) {
        fprintf(out, ", %u commands under way in each", plan->depth);
    } else if (plan->mode == BENCH_PIPELINE) {
        fprintf(out, ", %u connections in each, %u requests in flight on each", plan->connections,
                plan->depth);
    }
    fprintf(out, "\n");
    if (settings->debug) {
        fprintf(out, "object %s, %s keys from %llu, batch %u, timeout %ums, retries %u\n",
                settings->object_spec, settings->distribution,
                (unsigned long long)settings->start_key, plan->batch_size,
                plan->policy.total_timeout_ms, plan->policy.retries_max);
    }
}

// ---- running ------------------------------------------------------------------------------------

static void *worker_main(void *arg)
{
    struct bench_worker *worker = arg;
    switch (worker->run->plan->mode) {
    case BENCH_SYNC:
        bench_sync_work(worker);
        break;
    case BENCH_ASYNC:
        bench_async_work(worker);
        break;
    case BENCH_PIPELINE:
        bench_pipeline_work(worker);
        break;
    }
    if (atomic_fetch_sub(&worker->run->active, 1) == 1) {
        uint64_t one = 1;
        ssize_t written = write(worker->run->done_fd, &one, sizeof one);
        (void)written; // the reporter looks at `active` each second as well
    }
    return NULL;
}

static uint32_t workers_start(struct bench_run *run, struct bench_worker *workers)
{
    const struct bench_plan *plan = run->plan;
    uint32_t started = 0;
    // A worker that ends early must not make `active` look like the end of all.
    atomic_store(&run->active, 1);
    for (; started < plan->threads; started++) {
        struct bench_worker *worker = &workers[started];
        worker->run = run;
        worker->number = started;
        bench_random_init(&worker->random, bench_now_ns() + started);
        if (!bench_object_init(&worker->object, &plan->spec, plan->bin, &worker->random)) {
            break;
        }
        atomic_fetch_add(&run->active, 1);
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            atomic_fetch_sub(&run->active, 1);
            bench_object_fini(&worker->object);
            break;
        }
    }
    atomic_fetch_sub(&run->active, 1);
    return started;
}

// Waits for the end of a second, the end of all work, or a signal. True when work must stop.
static bool second_await(struct bench_run *run, int signal_fd, uint64_t until_ns)
{
    struct pollfd fds[] = {{.fd = run->done_fd, .events = POLLIN},
                           {.fd = signal_fd, .events = POLLIN}};
    uint64_t now_ns = bench_now_ns();
    int timeout_ms = now_ns < until_ns ? (int)((until_ns - now_ns) / NS_PER_MS) + 1 : 0;
    poll(fds, 2, timeout_ms);
    return fds[1].revents != 0 || atomic_load(&run->active) == 0;
}

// Prints a line a second until the work is over.
static void run_watch(struct bench_run *run, const struct bench_worker *workers, uint32_t count,
                      const struct settings *settings, int signal_fd, uint64_t start_ns)
{
    FILE *out = settings->json ? stderr : stdout;
    uint32_t seconds = settings->duration_s;
    if (seconds == 0 && run->plan->workload == BENCH_MIXED) {
        seconds = SECONDS_DEFAULT;
    }
    struct bench_snapshot *now = calloc(1, sizeof *now), *before = calloc(1, sizeof *before);
    bool over = now == NULL || before == NULL;
    if (!over) {
        before->at_ns = start_ns;
    }
    for (uint64_t second = 1; !over; second++) {
        uint64_t until_ns = start_ns + second * NS_PER_S;
        over = second_await(run, signal_fd, until_ns);
        if (bench_now_ns() < until_ns && !over) {
            second--; // woken for nothing
            continue;
        }
        bench_snapshot_take(now, workers, count);
        if (!over || second == 1 || now->at_ns - before->at_ns > NS_PER_S / 10) {
            bench_progress_print(out, now, before, start_ns, settings->latency);
        }
        struct bench_snapshot *swap = before;
        before = now;
        now = swap;
        over |= seconds > 0 && second >= seconds;
    }
    atomic_store(&run->stop, true);
    free(now);
    free(before);
}

static int run_report(const struct bench_plan *plan, const struct bench_worker *workers,
                      uint32_t count, const struct settings *settings, uint64_t start_ns)
{
    struct bench_snapshot *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return TOOLS_EXIT_FAILED;
    }
    bench_snapshot_take(end, workers, count);
    if (settings->json) {
        bench_summary_json(stdout, plan, end, start_ns);
    } else {
        bench_summary_print(stdout, plan, end, start_ns);
    }
    int code = bench_snapshot_errors(end) > 0 ? TOOLS_EXIT_FAILED : TOOLS_EXIT_OK;
    free(end);
    return code;
}

static int plan_run(const struct bench_plan *plan, const struct settings *settings)
{
    int code = TOOLS_EXIT_FAILED;
    uint32_t started = 0;
    struct bench_run run = {.plan = plan, .done_fd = eventfd(0, EFD_CLOEXEC)};
    struct bench_worker *workers = calloc(plan->threads, sizeof *workers);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); // also in the workers, who inherit it
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (workers == NULL || run.done_fd < 0 || signal_fd < 0) {
        fprintf(stderr, "ballast bench: out of memory or descriptors\n");
        goto out;
    }
    uint64_t start_ns = bench_now_ns();
    started = workers_start(&run, workers);
    if (started == plan->threads) {
        run_watch(&run, workers, started, settings, signal_fd, start_ns);
    } else {
        fprintf(stderr, "ballast bench: cannot start %u threads\n", plan->threads);
        atomic_store(&run.stop, true);
    }
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    if (started == plan->threads) {
        code = run_report(plan, workers, started, settings, start_ns);
    }
out:
    for (uint32_t i = 0; i < started; i++) {
        bench_object_fini(&workers[i].object);
    }
    free(workers);
    close(signal_fd);
    close(run.done_fd);
    return code;
}

static int bench_run(const struct settings *settings, struct bench_plan *plan)
{
    struct ballast_config config;
    ballast_config_init(&config);
    config.hosts = settings->hosts;
    config.port = settings->port;
    config.alternate_addresses = settings->alternate;
    uint32_t per_thread = plan->mode == BENCH_ASYNC      ? plan->depth
                          : plan->mode == BENCH_PIPELINE ? plan->connections
                                                         : 1;
    config.connections_per_node_max = per_thread * plan->threads;
    struct ballast_error error;
    int code = ballast_connect(&config, &plan->cluster, &error);
    if (code == BALLAST_PARAMETER) {
        tools_args_mistake(&args, "-h, --hosts: '%s' is no list of HOST or HOST:PORT",
                           settings->hosts);
        return TOOLS_EXIT_USAGE;
    }
    if (code != BALLAST_OK) {
        fprintf(stderr, "ballast bench: cannot connect to %s port %u: %s\n", settings->hosts,
                settings->port, error.text);
        return TOOLS_EXIT_FAILED;
    }
    plan_print(settings->json ? stderr : stdout, plan, settings);
    digests_prepare(plan);
    int exit_code = plan_run(plan, settings);
    free((void *)(uintptr_t)plan->digests);
    ballast_close(&plan->cluster);
    return exit_code;
}

int tool_bench_main(int argc, char **argv)
{
    struct settings settings = {.hosts = "127.0.0.1",
                                .port = 3000,
                                .ns = "test",
                                .set = "testset",
                                .bin = "testbin",
                                .keys = 1000000,
                                .object_spec = "I4",
                                .workload = "RU,50",
                                .batch_size = 1,
                                .distribution = "uniform",
                                .zipf_exponent = "0.99",
                                .async_max_commands = 50,
                                .event_loops = 1,
                                .connections = 32,
                                .timeout_ms = 1000,
                                .max_retries = 1,
                                .commit_level = "all"};
    switch (tools_args_read(&args, argc, argv, &settings, NULL, NULL)) {
    case TOOLS_ARGS_OK:
        break;
    case TOOLS_ARGS_DONE:
        return TOOLS_EXIT_OK;
    case TOOLS_ARGS_MISTAKE:
        return TOOLS_EXIT_USAGE;
    }
    struct bench_plan plan;
    return plan_read(&settings, &plan) ? bench_run(&settings, &plan) : TOOLS_EXIT_USAGE;
}
