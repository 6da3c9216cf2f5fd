// SPDX-License-Identifier: Apache-2.0
// What a parsed command says. A statement is plain data: slices into the command's text and arrays
// in the arena it was parsed with; both must outlive it.
#pragma once

#include "tools/ql_data.h"
#include "tools/ql_settings.h"

enum ql_statement_kind {
    QL_NOTHING, // an empty command
    QL_INSERT,
    QL_DELETE,
    QL_SELECT,
    QL_EXECUTE,
    QL_AGGREGATE,
    QL_OPERATE,
    QL_TRUNCATE,
    QL_SHOW,
    QL_DESC_MODULE,
    QL_DESC_INDEX,
    QL_REGISTER_MODULE,
    QL_REMOVE_MODULE,
    QL_CREATE_INDEX,
    QL_DROP_INDEX,
    QL_STAT,
    QL_KILL_QUERY,
    QL_KILL_SCAN,
    QL_ASINFO,
    QL_ADMIN,
    QL_SET,
    QL_GET,
    QL_RESET,
    QL_RUN,
    QL_PRINT,
    QL_SYSTEM,
    QL_HELP,
    QL_EXIT,
};

enum ql_index_kind {
    QL_INDEX_DEFAULT,
    QL_INDEX_LIST,
    QL_INDEX_MAPKEYS,
    QL_INDEX_MAPVALUES,
};

enum ql_where_kind {
    QL_WHERE_NONE,
    QL_WHERE_KEY,      // PK, DIGEST or EDIGEST: `key`
    QL_WHERE_EQUAL,    // bin = low
    QL_WHERE_BOTH,     // bin = low AND bin2 = low2
    QL_WHERE_BETWEEN,  // low <= bin <= high
    QL_WHERE_CONTAINS, // regions in bin contain the point low
    QL_WHERE_WITHIN,   // points in bin lie within the region low
};

struct ql_where {
    enum ql_where_kind kind;
    struct ql_key key;
    struct base_slice bin;
    struct ql_value low;
    struct ql_value high;
    struct base_slice bin2;
    struct ql_value low2;
};

struct ql_insert {
    struct ql_target target;
    struct ql_key key;
    struct ql_bin *bins;
    size_t bin_count;
};

struct ql_delete {
    struct ql_target target;
    struct ql_key key;
};

struct ql_select {
    bool explain;
    struct base_slice *bins; // none: all
    size_t bin_count;
    struct ql_target target;
    enum ql_index_kind index;
    struct ql_where where;
    bool has_limit;
    uint64_t limit;
};

// EXECUTE and AGGREGATE.
struct ql_call {
    struct base_slice module;
    struct base_slice function;
    struct ql_value *arguments;
    size_t argument_count;
    struct ql_target target;
    enum ql_index_kind index;
    struct ql_where where;
};

struct ql_operation {
    enum wire_op_type type;
    struct ql_bin bin; // the value for those that have one
};

struct ql_operate {
    struct ql_target target;
    struct ql_key key;
    struct ql_operation *operations;
    size_t operation_count;
};

struct ql_truncate {
    struct ql_target target;
    uint64_t before_ns; // since the Unix epoch; 0: now
};

enum ql_show_kind {
    QL_SHOW_NAMESPACES,
    QL_SHOW_SETS,
    QL_SHOW_BINS,
    QL_SHOW_MODULES,
    QL_SHOW_INDEXES,
    QL_SHOW_SCANS,
    QL_SHOW_QUERIES,
};

struct ql_show {
    enum ql_show_kind kind;
    struct ql_target target; // perhaps {0}
};

struct ql_index {
    struct base_slice name;
    struct ql_target target;
    enum ql_index_kind kind;
    struct base_slice bin;
    const char *type; // NUMERIC, STRING, GEO2DSPHERE or BLOB
};

enum ql_stat_kind { QL_STAT_SYSTEM, QL_STAT_NAMESPACE, QL_STAT_INDEX, QL_STAT_QUERY };

struct ql_stat {
    enum ql_stat_kind kind;
    struct base_slice ns;
    struct base_slice index;
};

struct ql_setting_change {
    size_t setting;          // QL_SETTING_COUNT with GET: all
    struct base_slice value; // as typed, with quotes
};

struct ql_statement {
    enum ql_statement_kind kind;
    union {
        struct ql_insert insert;
        struct ql_delete remove;
        struct ql_select select;
        struct ql_call call;
        struct ql_operate operate;
        struct ql_truncate truncate;
        struct ql_show show;
        struct ql_index index; // CREATE, DROP and DESC INDEX
        struct ql_stat stat;
        struct ql_setting_change setting;
        // DESC, REGISTER and REMOVE MODULE: a file; KILL: an id; ASINFO: a command; RUN: a path;
        // PRINT and SYSTEM: the rest of the command; HELP: a word; ADMIN: what was asked for, such
        // as "CREATE USER".
        struct base_slice text;
    };
};
