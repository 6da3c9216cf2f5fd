// SPDX-License-Identifier: Apache-2.0
// The configuration of a node: built-in values, then the configuration file, then the environment,
// then the command line, each value remembering where it came from. Static values are plain and
// never change after start; dynamic ones are atomic and change through config_set.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"

enum { CONFIG_TEXT_SIZE = 256, CONFIG_LIST_ITEMS = 64, CONFIG_SETS = 256 };

struct config_list {
    uint32_t count;
    char item[CONFIG_LIST_ITEMS][CONFIG_TEXT_SIZE];
};

struct config_service {
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE + 1]; // "": none
    char node_id[LIMIT_NODE_ID_SIZE + 1];           // "": made by the node
    char work_directory[CONFIG_TEXT_SIZE];
    char pidfile[CONFIG_TEXT_SIZE];
    uint32_t service_threads; // effective: the cores we may use unless given
    _Atomic uint32_t proto_fd_max;
    _Atomic uint32_t proto_fd_idle_ms; // 0: never
    _Atomic uint32_t transaction_max_ms;
    _Atomic uint32_t batch_max_requests; // rows; 0: no limit
    _Atomic uint32_t query_threads_limit;
    _Atomic uint32_t query_max_done;
    _Atomic uint32_t ticker_interval_s;
    _Atomic bool microsecond_histograms;
    _Atomic bool enable_hist_info;
};

struct config_network {
    struct config_list service_address; // "any", "local", IP, interface or DNS name
    uint16_t service_port;
    struct config_list access_address; // published to clients; empty: what is bound
    uint16_t access_port;              // 0: service_port
    struct config_list alternate_access_address;
    uint16_t alternate_access_port;
    bool info_enabled;
    struct config_list info_address;
    uint16_t info_port; // the plain-text telnet port
    struct config_list fabric_address;
    uint16_t fabric_port;
    struct config_list heartbeat_address;
    uint16_t heartbeat_port;
    struct config_list mesh_seed_address_port; // "host port"
    _Atomic uint32_t heartbeat_interval_ms;
    _Atomic uint32_t heartbeat_timeout_intervals;
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

struct config_namespace {
    char name[LIMIT_NAMESPACE_NAME_SIZE + 1];
    uint32_t replication_factor;
    _Atomic uint32_t default_ttl_s; // 0: records never expire
    _Atomic uint32_t nsup_period_s; // 0: no expiry, no eviction
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
    _Atomic uint32_t single_query_threads;
    _Atomic uint32_t conflict_resolution_policy;
    _Atomic uint32_t rack_id;
    uint32_t set_count;
    struct config_set sets[CONFIG_SETS];
};

struct config {
    struct config_service service;
    struct config_network network;
    uint32_t namespace_count;
    struct config_namespace *namespaces[LIMIT_NAMESPACES];
};
