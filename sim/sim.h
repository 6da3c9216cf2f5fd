// SPDX-License-Identifier: Apache-2.0
// A whole cluster in one thread and in virtual time: hosts with processes on them, the network
// between, clients, faults, and what the checkers remember. The processes run the objects of the
// daemon (core, cluster, store); here is arithmetic in place of clock, sockets and threads.
//
// One run is one struct sim; nothing outside of it decides anything, so that a seed and a commit
// replay a run exactly.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agenda.h"
#include "base/limits.h"
#include "cluster/cluster.h"
#include "prng.h"

enum {
    SIM_HOSTS_MAX = 24,
    SIM_NAMESPACES_MAX = 2,
    SIM_KEYS_MAX = 2048,
    SIM_CLIENTS_MAX = 32,
    SIM_STORY_TEXT = 240,
    SIM_MS = 1000, // microseconds
    SIM_S = 1000 * 1000,
};

// Wall clocks count from 2010; the runs are somewhere later.
#define SIM_WALL_START_MS UINT64_C(500000000000)

enum mutation {
    MUTATION_NONE,
    MUTATION_SKIP_ACK,           // replication: one acknowledgement is not waited for
    MUTATION_SKIP_RESOLVE,       // replication: duplicates are not asked
    MUTATION_COMMIT_WITHOUT_ONE, // membership: a view is committed without one promise
};

struct sim_options {
    uint64_t seed;
    uint32_t nodes;   // 0: 3 to 7, by the seed
    uint32_t minutes; // 0: by the seed
    enum mutation mutation;
    const struct script *script; // faults to play in place of random ones; NULL: random
    bool gentle;                 // every seed's world is (struct profile)
    uint32_t trace;              // 1: print what happens; 2: heartbeats too
    bool story; // print the last lines about the place below when something is found
    uint32_t story_namespace, story_partition, story_key;
    uint32_t story_lines;
    uint64_t skip_faults[16]; // bits: random faults that are left out, by number
};

// What kind of world this seed has.
struct profile {
    uint32_t hosts;     // at the start
    uint32_t hosts_max; // with those that join
    uint32_t namespaces;
    uint32_t replication_factor[SIM_NAMESPACES_MAX];
    enum replication_policy policy[SIM_NAMESPACES_MAX];
    uint32_t keys;
    uint32_t hot_keys;
    uint32_t clients;
    uint32_t think_us;
    uint32_t syncs_at_once;
    uint32_t rounds;
    uint64_t round_us;
    uint32_t minority_wait_ms; // struct membership_config
    uint32_t fault_gap_us;     // mean time between faults
    uint32_t skew_ms;          // of wall clocks, at most
    uint32_t delay_us;         // of a message, at least
    uint32_t jitter_us;        // mean of what comes on top
    uint32_t loss_per_mille;   // of messages, while there are faults
    uint32_t twice_per_mille;  // of messages that may arrive twice
    bool out_of_order;         // messages of one link may overtake each other
    bool expires;              // some records have a time to live
    bool keeps_regime;         // a process that starts again knows the regime from before
    bool gentle;               // nodes come and go and nothing fails: no client may notice
    uint32_t beyond_per_mille; // chance of a fault beyond the budget
    uint32_t fault_weight[32]; // by enum fault_kind
};

struct process;
struct packet;

// How messages get from one host to another.
enum cut {
    CUT_NONE,
    CUT_DROP, // they are lost
    CUT_HOLD, // they arrive when the cut ends
};

struct link {
    uint32_t cuts[CUT_HOLD + 1]; // how many faults cut it in this manner
    uint32_t slow_us;            // on top of the usual delay
    uint64_t last_us[4];         // arrival of the last one, by channel
    struct packet *held;         // oldest first
    struct packet *held_last;
    uint32_t held_count;
};

// A machine: it survives the process on it.
struct host {
    struct process *process; // NULL: nothing runs
    uint64_t id;             // of the node, for its next start
    uint64_t regime_kept;
    int64_t wall_offset_ms;
    int32_t drift_ppm;   // of its monotonic clock
    uint32_t paused;     // how many faults hold it
    uint32_t slow_us;    // each thing it does is late by up to this
    uint32_t full;       // how many faults fill its memory
    bool absent;         // stays down until a later fault starts it
    bool leaving;        // its process goes when it may
    uint64_t leaving_us; // since when
    uint64_t left_us;    // since when it may; 0: not yet
    bool quiesced;
    struct event *inbox; // what happened to it while it was paused
    uint32_t inbox_count, inbox_capacity;
};

struct key_info {
    uint8_t digest[LIMIT_DIGEST_SIZE];
    uint16_t partition;
    bool expires;  // its records have a time to live
    uint32_t next; // the next key of its partition, SIM_KEYS_MAX: none
};

struct figures {
    uint64_t operations, acknowledged, failed, doubtful;
    uint64_t views, faults, crashes, syncs, conflicts, lost_excused, settles;
};

struct history;
struct clients;
struct faults;
struct script;
struct watch;
struct story;
struct event;

struct sim {
    struct sim_options options;
    struct profile profile;
    struct prng of_network, of_faults, of_clients, of_processes;
    uint64_t now_us;
    uint64_t steps;
    uint64_t hash;        // of all that happened
    uint64_t wall_ms_max; // highest that any clock ever showed
    struct agenda agenda;
    struct host host[SIM_HOSTS_MAX];
    uint32_t host_count;
    uint32_t serial; // of the last process
    struct link link[SIM_HOSTS_MAX][SIM_HOSTS_MAX];
    bool calm; // no faults: the network is as good as it gets
    struct key_info key[SIM_KEYS_MAX];
    uint16_t key_of_partition[LIMIT_PARTITIONS]; // the first, SIM_KEYS_MAX: none
    struct history *history;
    struct clients *clients;
    struct faults *faults;
    const struct script *script; // or NULL
    struct watch *watch;
    struct story *story;
    uint8_t *scratch;                   // SCRATCH_SIZE bytes
    char why[96];                       // all is not settled
    uint32_t holders[LIMIT_PARTITIONS]; // scratch of the checks
    struct figures figures;
};

struct sim_outcome {
    struct figures figures;
    uint64_t hash;
    uint64_t steps;
    uint64_t virtual_us;
};

// Runs one seed from start to end.
void sim_run(const struct sim_options *options, struct sim_outcome *out);

// Something is wrong with the product. `key` SIM_KEYS_MAX: no one key. Hands it to the function
// below, and never returns.
_Noreturn void sim_finding(struct sim *sim, uint32_t namespace_number, uint32_t partition,
                           uint32_t key, const char *format, ...) BASE_PRINTF(5, 6);

// What main.c does about a finding: prints it, with a story, and ends the program.
_Noreturn void sim_found(struct sim *sim, uint32_t namespace_number, uint32_t partition,
                         uint32_t key, const char *text);

// The run that is going on, for asserts of the product, which know no run; in main.c.
void sim_current_set(struct sim *sim);

uint32_t sim_key_of(struct sim *sim, const uint8_t *digest);

void sim_later(struct sim *sim, enum event_type type, uint64_t in_us, uint64_t argument);
void sim_hash(struct sim *sim, uint64_t value);

uint64_t sim_monotonic_ms(const struct sim *sim, const struct host *host);
uint64_t sim_wall_ms(struct sim *sim, const struct host *host); // since 2010
uint32_t sim_wall_s(struct sim *sim, const struct host *host);
uint64_t sim_wall_ms_min(struct sim *sim); // of all hosts, now
