// SPDX-License-Identifier: Apache-2.0
// What the query tool asks of a cluster. The tool's statements run against this table of functions,
// so that tests can stand in for a cluster; ql_client.h makes one of libballast. One thread.
#pragma once

#include "tools/ql_settings.h"
#include "tools/ql_statement.h"

struct ql_node {
    const char *name;
    const char *address;
};

// Gets each record; what it points to lives during the call. Return false to stop.
typedef bool (*ql_record_fn)(const struct ql_record *record, void *arg);

// Gets each node's answer to an info command: the value behind the command's name, or NULL when
// *failure tells why there is none. Error texts of the node arrive as answers.
typedef void (*ql_info_fn)(const struct ql_node *node, const char *answer,
                           const struct ql_failure *failure, void *arg);

struct ql_scan {
    struct ql_target target;
    const struct base_slice *bins; // none: all
    size_t bin_count;
    bool has_limit;
    uint64_t limit; // above 0
};

// Where a key lives.
struct ql_place {
    uint8_t digest[LIMIT_DIGEST_SIZE];
    uint32_t partition;
    char master[24];  // the node's name; "" when nobody is known to hold the partition
    char replica[24]; // "" when there is none
};

struct ql_backend;

// Each sets *failure: code 0 when it worked.
struct ql_backend_ops {
    void (*put)(struct ql_backend *backend, const struct ql_settings *settings,
                const struct ql_target *target, const struct ql_key *key, const struct ql_bin *bins,
                size_t bin_count, struct ql_failure *failure);

    void (*remove)(struct ql_backend *backend, const struct ql_settings *settings,
                   const struct ql_target *target, const struct ql_key *key,
                   struct ql_failure *failure);

    // No bins asked for: all.
    void (*get)(struct ql_backend *backend, const struct ql_settings *settings,
                const struct ql_target *target, const struct ql_key *key,
                const struct base_slice *bins, size_t bin_count, ql_record_fn fn, void *arg,
                struct ql_failure *failure);

    void (*operate)(struct ql_backend *backend, const struct ql_settings *settings,
                    const struct ql_operate *operate, ql_record_fn fn, void *arg,
                    struct ql_failure *failure);

    void (*scan)(struct ql_backend *backend, const struct ql_settings *settings,
                 const struct ql_scan *scan, ql_record_fn fn, void *arg,
                 struct ql_failure *failure);

    // Asks every node.
    void (*info_all)(struct ql_backend *backend, const struct ql_settings *settings,
                     const char *command, ql_info_fn fn, void *arg);

    // Asks one node, for what changes the whole cluster.
    void (*info_any)(struct ql_backend *backend, const struct ql_settings *settings,
                     const char *command, ql_info_fn fn, void *arg);

    void (*locate)(struct ql_backend *backend, const struct ql_settings *settings,
                   const struct ql_target *target, const struct ql_key *key, struct ql_place *out,
                   struct ql_failure *failure);
};

struct ql_backend {
    const struct ql_backend_ops *ops;
};
