// SPDX-License-Identifier: Apache-2.0
// The simulator's program: runs seeds, and when one finds something, runs that seed again for a
// story of the place.
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "script.h"
#include "sim.h"
#include "story.h"

static struct sim *current;
static char **program_arguments;

enum { EXIT_FOUND = 1, EXIT_USAGE = 2, ARGUMENTS_MAX = 24 };

void sim_current_set(struct sim *sim)
{
    current = sim;
}

static const char *mutation_name(enum mutation mutation)
{
    static const char *const names[] = {"none", "skip-ack", "skip-resolve", "commit-without-one"};
    return names[mutation];
}

static bool mutation_find(const char *name, enum mutation *out)
{
    for (uint32_t i = 0; i <= MUTATION_COMMIT_WITHOUT_ONE; i++) {
        if (strcmp(name, mutation_name((enum mutation)i)) == 0) {
            *out = (enum mutation)i;
            return true;
        }
    }
    return false;
}

// Runs this seed alone, with a story; does not return.
static void story_run(const struct sim *sim, uint32_t namespace_number, uint32_t partition,
                      uint32_t key)
{
    char place[64], seed[32];
    snprintf(place, sizeof place, "--story=%u,%u,%u", namespace_number, partition, key);
    snprintf(seed, sizeof seed, "--seed=%" PRIu64, sim->options.seed);
    char one[] = "--count=1";
    char *arguments[ARGUMENTS_MAX];
    uint32_t count = 0;
    for (; program_arguments[count] != NULL && count < ARGUMENTS_MAX - 4; count++) {
        arguments[count] = program_arguments[count];
    }
    arguments[count++] = seed;
    arguments[count++] = one;
    arguments[count++] = place;
    arguments[count] = NULL;
    fflush(stdout);
    execv("/proc/self/exe", arguments);
}

void sim_found(struct sim *sim, uint32_t namespace_number, uint32_t partition, uint32_t key,
               const char *text)
{
    if (!sim->options.story && sim->options.trace == 0) {
        story_run(sim, namespace_number, partition, key);
    }
    story_print(sim);
    printf("FOUND seed %" PRIu64 " step %" PRIu64 " at %.6f s: %s\n", sim->options.seed, sim->steps,
           (double)sim->now_us / SIM_S, text);
    fflush(stdout);
    _exit(EXIT_FOUND);
}

static void on_panic(const char *file, int line, const char *fact)
{
    char text[256];
    snprintf(text, sizeof text, "%s:%d: broken: %s", file, line, fact);
    if (current != NULL) {
        sim_found(current, 0, 0, SIM_KEYS_MAX, text);
    }
    fprintf(stderr, "%s\n", text);
    _exit(EXIT_FOUND);
}

static void usage(void)
{
    fputs(
        "usage: ballast_sim [--seed N] [--count SEEDS] [--nodes N] [--minutes N] [--twice]\n"
        "                   [--mutate skip-ack|skip-resolve|commit-without-one]\n"
        "                   [--script FILE] [--trace 1|2] [--skip FAULT,FAULT...] [--lines N] "
        "[--gentle] "
        "[--quiet]\n"
        "Runs whole clusters in virtual time; each seed is another run. Exit code 1: something\n"
        "was found, and is told with a story.\n",
        stderr);
    exit(EXIT_USAGE);
}

struct run {
    struct sim_options options;
    uint64_t count;
    bool twice;
    bool quiet;
};

static void skip_read(struct sim_options *options, const char *text)
{
    while (*text != '\0') {
        char *end;
        uint64_t number = strtoull(text, &end, 10);
        if (end == text || number >= 64 * sizeof options->skip_faults / 8) {
            usage();
        }
        options->skip_faults[number / 64] |= UINT64_C(1) << number % 64;
        text = *end == ',' ? end + 1 : end;
    }
}

static void story_read(struct sim_options *options, const char *text)
{
    options->story = true;
    if (sscanf(text, "%u,%u,%u", &options->story_namespace, &options->story_partition,
               &options->story_key) != 3) {
        usage();
    }
}

static void options_read(int count, char **arguments, struct run *run)
{
    static const struct option names[] = {
        {"seed", 1, NULL, 's'},    {"count", 1, NULL, 'c'},  {"nodes", 1, NULL, 'n'},
        {"minutes", 1, NULL, 'm'}, {"mutate", 1, NULL, 'u'}, {"script", 1, NULL, 'f'},
        {"trace", 1, NULL, 't'},   {"skip", 1, NULL, 'k'},   {"story", 1, NULL, 'y'},
        {"twice", 0, NULL, '2'},   {"quiet", 0, NULL, 'q'},  {"lines", 1, NULL, 'l'},
        {"gentle", 0, NULL, 'g'},  {NULL, 0, NULL, 0},
    };
    struct sim_options *o = &run->options;
    int name;
    while ((name = getopt_long(count, arguments, "", names, NULL)) != -1) {
        switch (name) {
        case 's':
            o->seed = strtoull(optarg, NULL, 10);
            break;
        case 'c':
            run->count = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            o->nodes = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'm':
            o->minutes = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'f':
            o->script = script_read(optarg);
            o->seed = o->script->seed;
            break;
        case 't':
            o->trace = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'l':
            o->story_lines = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'k':
            skip_read(o, optarg);
            break;
        case 'y':
            story_read(o, optarg);
            break;
        case 'g':
            o->gentle = true;
            break;
        case '2':
            run->twice = true;
            break;
        case 'q':
            run->quiet = true;
            break;
        case 'u':
            if (mutation_find(optarg, &o->mutation)) {
                break;
            }
            usage();
            break;
        default:
            usage();
        }
    }
    if (optind != count || o->nodes > SIM_HOSTS_MAX - 4) {
        usage();
    }
}

static uint64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell(const struct sim_options *options, const struct sim_outcome *o, uint64_t real)
{
    const struct figures *f = &o->figures;
    printf("seed %" PRIu64 " hash %016" PRIx64 ": %.0f virtual s in %.2f s, %" PRIu64
           " steps, %" PRIu64 " operations (%" PRIu64 " ok, %" PRIu64 " failed, %" PRIu64
           " in doubt), %" PRIu64 " faults, %" PRIu64 " crashes, %" PRIu64 " views, %" PRIu64
           " syncs, %" PRIu64 " lost beyond the budget\n",
           options->seed, o->hash, (double)o->virtual_us / SIM_S, (double)real / 1000, o->steps,
           f->operations, f->acknowledged, f->failed, f->doubtful, f->faults, f->crashes, f->views,
           f->syncs, f->lost_excused);
}

// Runs a seed once more and compares.
static void twice_check(const struct sim_options *options, const struct sim_outcome *first)
{
    struct sim_outcome second;
    sim_run(options, &second);
    if (first->hash != second.hash || first->steps != second.steps) {
        printf("FOUND seed %" PRIu64 ": two runs differ, %016" PRIx64 " and %016" PRIx64 "\n",
               options->seed, first->hash, second.hash);
        exit(EXIT_FOUND);
    }
}

int main(int count, char **arguments)
{
    struct run run = {.options = {.seed = 1, .story_lines = 70}, .count = 1};
    program_arguments = arguments;
    base_panic_hook_set(on_panic);
    options_read(count, arguments, &run);
    uint64_t start_ms = real_ms(), virtual_us = 0;
    for (uint64_t i = 0; i < run.count; i++) {
        struct sim_outcome outcome;
        uint64_t from_ms = real_ms();
        sim_run(&run.options, &outcome);
        virtual_us += outcome.virtual_us;
        if (!run.quiet) {
            tell(&run.options, &outcome, real_ms() - from_ms);
        }
        if (run.twice) {
            twice_check(&run.options, &outcome);
        }
        run.options.seed++;
    }
    printf("%" PRIu64 " seeds, %.2f virtual h, %.1f s\n", run.count,
           (double)virtual_us / SIM_S / 3600, (double)(real_ms() - start_ms) / 1000);
    return 0;
}
