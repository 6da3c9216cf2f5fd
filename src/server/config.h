// SPDX-License-Identifier: Apache-2.0
// The configuration of a node: built-in values, then the configuration file, then the environment,
// then the command line, each value remembering where it came from. Static values are plain and
// never change after start; dynamic ones are atomic and change through config_value_set.
//
// Every directive is declared once, in config_table.c; parsing, checking, help, get-config and
// set-config are made from that table. The caller owns the config and frees it; a config is built
// by one thread, and from config_finish on any thread may read it and change dynamic values.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "server/log.h"

enum {
    CONFIG_TEXT_SIZE = 256,
    CONFIG_LIST_ITEMS = 256,
    CONFIG_SETS = 256,
    CONFIG_FILE_SIZE = 1024 * 1024,
    CONFIG_LINE_SIZE = 4096,
    CONFIG_NOTES = 64,
    CONFIG_NOTE_SIZE = 512,
    CONFIG_SOURCE_SIZE = 64,
    CONFIG_MESH_PORT = 3002, // of a seed that is given without one
};

struct config_list {
    uint32_t count;
    char item[CONFIG_LIST_ITEMS][CONFIG_TEXT_SIZE];
};

struct config_service {
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE +
                      1];                  // "": none; dynamic: read by config_cluster_name_copy
    char node_id[LIMIT_NODE_ID_SIZE + 1];  // "": made by the node
    char pidfile[CONFIG_TEXT_SIZE];        // "": none
    char work_directory[CONFIG_TEXT_SIZE]; // where the node's id is kept, if it exists
    char user[CONFIG_TEXT_SIZE];           // "": stay who we are
    char group[CONFIG_TEXT_SIZE];
    uint32_t service_threads; // effective: the cores we may use unless given
    _Atomic uint32_t proto_fd_max;
    _Atomic uint32_t proto_fd_idle_ms; // 0: never
    _Atomic uint32_t transaction_max_ms;
    _Atomic uint32_t batch_max_requests; // rows; 0: no limit
    _Atomic uint32_t query_threads_limit;
    _Atomic uint32_t query_max_done;
    _Atomic uint32_t ticker_interval_s;
    _Atomic bool microsecond_histograms;
    _Atomic bool advertise_ipv6;
    _Atomic uint32_t min_cluster_size; // a smaller cluster serves nothing
    _Atomic uint32_t leave_timeout_ms; // time to hand data over before the process ends
    bool stay_quiesced;                // quiesced from the start on
};

struct config_network {
    struct config_list service_address; // "any", "local", IP, interface or DNS name
    uint16_t service_port;
    struct config_list access_address; // published to clients; empty: what is bound
    uint16_t access_port;              // 0: service_port
    struct config_list alternate_access_address;
    uint16_t alternate_access_port;
    bool info_enabled; // info_port is not 0
    struct config_list info_address;
    uint16_t info_port; // the plain-text telnet port; 0: none
    struct config_list fabric_address;
    uint16_t fabric_port;
    struct config_list heartbeat_address;
    uint16_t heartbeat_port;
    struct config_list mesh_seed_address_port; // "host port"
    struct config_list mesh_address;           // the same, in an old spelling
    _Atomic uint32_t heartbeat_interval_ms;
    _Atomic uint32_t heartbeat_timeout_intervals;
    _Atomic uint32_t heartbeat_connect_timeout_ms;
};

// Configuration of one set given in the file; applied to the store's table of sets at start.
struct config_set {
    char name[LIMIT_SET_NAME_SIZE + 1];
    uint32_t default_ttl_s;
    bool disable_eviction;
    bool enable_index;
    uint64_t stop_writes_count;
    uint64_t stop_writes_size;
    int32_t default_read_touch_ttl_pct;
};

enum config_origin {
    CONFIG_BUILT_IN,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_COMMAND_LINE,
    CONFIG_FROM_SET_CONFIG,
};

// What is known of one directive in one place: where its value came from, and the value itself when
// no member of a struct here holds it.
struct config_slot {
    enum config_origin origin;
    uint32_t line;                   // in the configuration file
    char source[CONFIG_SOURCE_SIZE]; // the variable or option
    _Atomic int64_t number;
    char *text; // NULL: not set
};

struct config_namespace {
    char name[LIMIT_NAMESPACE_NAME_SIZE + 1];
    uint32_t replication_factor;
    _Atomic uint32_t default_ttl_s; // 0: records never expire
    _Atomic uint32_t nsup_period_s; // 0: no expiry, no eviction
    _Atomic uint32_t nsup_hist_period_s;
    _Atomic uint32_t tomb_raider_period_s;
    _Atomic uint32_t tomb_raider_eligible_age_s;
    _Atomic bool allow_ttl_without_nsup;
    _Atomic uint64_t data_size;            // bytes that records may take
    _Atomic uint32_t stop_writes_used_pct; // of data_size; 0: off
    _Atomic uint32_t evict_used_pct;       // of data_size; 0: off
    _Atomic uint32_t stop_writes_sys_memory_pct;
    _Atomic uint64_t indexes_memory_budget; // 0: none
    _Atomic uint32_t evict_indexes_memory_pct;
    _Atomic uint32_t evict_tenths_pct;
    _Atomic uint32_t evict_hist_buckets;
    _Atomic uint32_t max_record_size; // bytes
    _Atomic int32_t default_read_touch_ttl_pct;
    _Atomic bool disallow_null_setname;
    _Atomic uint32_t background_query_max_rps;
    _Atomic uint32_t write_commit_level_override; // 0: off, 1: master, 2: all
    _Atomic uint32_t conflict_resolution_policy;  // 0: generation, 1: last-update-time
    _Atomic uint32_t rack_id;
    uint32_t set_count;
    uint32_t line;             // where the file opens it; 0: built in
    struct config_slot *slots; // by directive
    struct config_set *sets;   // set_count of them
};

struct config {
    struct config_service service;
    struct config_network network;
    struct config_log log;
    uint32_t namespace_count;
    struct config_namespace *namespaces[LIMIT_NAMESPACES];
    char file_path[CONFIG_TEXT_SIZE]; // "": no configuration file
    struct config_slot *slots;        // by directive, of service and network
    pthread_mutex_t lock;             // guards dynamic text
};

// What was wrong or worth a word, in the order it was found. Starts zeroed.
struct config_diag {
    uint32_t error_count;
    uint32_t warning_count;
    uint32_t note_count; // at most CONFIG_NOTES are kept
    struct config_note {
        bool error;
        char text[CONFIG_NOTE_SIZE];
    } notes[CONFIG_NOTES];
};

// What the command line asks of the program, besides values.
struct config_command {
    char config_file[CONFIG_TEXT_SIZE]; // "": none asked for
    bool check;
    bool print;
    bool version;
    bool help;
    bool help_config;
    bool port_offset_given;
    uint32_t port_offset; // added to every port
};

// A config with the built-in values and no namespace. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result config_new(struct config **out);
void config_free(struct config **config);

// Reads the configuration file, or the same text from memory (`name` stands in messages).
// RESULT_CONFIG when the diag got errors, RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result config_file_load(struct config *config, const char *path,
                                                struct config_diag *diag);
BASE_MUST_USE enum base_result config_text_load(struct config *config, const char *name,
                                                struct base_slice text, struct config_diag *diag);

// Takes over values from the environment (NULL-terminated NAME=value). `BALLAST_<DIRECTIVE>` always
// counts; the names of the Aerospike image count only when no configuration file was loaded, as in
// the image. NAME_FILE names a file that holds the value.
BASE_MUST_USE enum base_result config_environment_apply(struct config *config,
                                                        char *const *environment,
                                                        struct config_diag *diag);

// Reads the options that are not values (--config-file, --check-config, ...) into `out`; must come
// before the file is loaded. config_command_line_apply then takes over the values.
BASE_MUST_USE enum base_result config_command_line_parse(int argc, char *const *argv,
                                                         struct config_command *out,
                                                         struct config_diag *diag);
BASE_MUST_USE enum base_result config_command_line_apply(struct config *config, int argc,
                                                         char *const *argv,
                                                         struct config_diag *diag);

// Adds the built-in namespace when there is none, computes the values that depend on the machine
// (threads, memory, addresses) and checks directives against each other. RESULT_CONFIG.
BASE_MUST_USE enum base_result config_finish(struct config *config, uint32_t port_offset,
                                             struct config_diag *diag);

// All of the above in order: the file is command->config_file, else BALLAST_CONFIG_FILE, else the
// first that exists of /etc/ballast/ballast.conf and /etc/aerospike/aerospike.conf, else none. With
// --help, --version and --help-config nothing is read, and the config has built-in values alone.
BASE_MUST_USE enum base_result config_load(int argc, char *const *argv, char *const *environment,
                                           struct config **out, struct config_command *command,
                                           struct config_diag *diag);

// The effective configuration as text that can be loaded again, each value with its origin.
void config_print(const struct config *config, FILE *to);

// The command line's help; and every directive as a page of Markdown.
void config_help_print(FILE *to);
void config_directives_print(FILE *to);

// Notes of a diag, one a line: "error: ..." and "warning: ...".
void config_diag_print(const struct config_diag *diag, FILE *to);

// --- while the node runs -----------------------------------------------------------------------

// Called for each directive that get-config shows, in its order.
typedef void (*config_show_fn)(const char *name, const char *value, void *arg);

// Shows the service and network directives, or those of one namespace or set.
void config_service_show(struct config *config, config_show_fn show, void *arg);
void config_network_show(struct config *config, config_show_fn show, void *arg);
void config_namespace_show(struct config *config, const struct config_namespace *ns,
                           config_show_fn show, void *arg);
void config_set_show(const struct config_set *set, config_show_fn show, void *arg);

// Changes one dynamic directive. `ns` NULL: a service directive, or a network one when
// `network`. RESULT_PARAMETER with a text for the caller in `error` (CONFIG_NOTE_SIZE bytes).
BASE_MUST_USE enum base_result config_value_set(struct config *config, struct config_namespace *ns,
                                                bool network, const char *name, const char *value,
                                                char *error);
// The same for one set's values.
BASE_MUST_USE enum base_result config_set_value_set(struct config_set *set, const char *name,
                                                    const char *value, char *error);

// Copies service.cluster_name ("" when there is none).
void config_cluster_name_copy(struct config *config, char out[LIMIT_CLUSTER_NAME_SIZE + 1]);

// The namespace of that name; NULL.
struct config_namespace *config_namespace_find(const struct config *config, const char *name);
