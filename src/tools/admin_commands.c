// SPDX-License-Identifier: Apache-2.0
// The table of all commands (info-and-tools section 4.3): each one's name, help, words and handler.
// Reading, completing and explaining lines all start here.
#include <stddef.h>

#include "tools/admin_basic.h"
#include "tools/admin_command.h"
#include "tools/admin_features.h"
#include "tools/admin_info.h"
#include "tools/admin_manage.h"
#include "tools/admin_show.h"
#include "tools/admin_summary.h"

#define WITH                                                                                       \
    {                                                                                              \
        .name = "with", .values = ADMIN_VALUES_MANY, .value = "node",                              \
        .help = "only these nodes: ids, addresses, names or their beginnings"                      \
    }
#define FOR                                                                                        \
    {                                                                                              \
        .name = "for", .values = ADMIN_VALUES_MANY, .value = "pattern",                            \
        .help = "only namespaces whose names match"                                                \
    }
#define LIKE                                                                                       \
    {                                                                                              \
        .name = "like", .values = ADMIN_VALUES_MANY, .value = "pattern",                           \
        .help = "only what has a matching name"                                                    \
    }
#define DIFF                                                                                       \
    {                                                                                              \
        .name = "diff", .help = "only what differs between nodes"                                  \
    }
#define FLIP                                                                                       \
    {                                                                                              \
        .name = "--flip", .alias = "-flip", .help = "a line for each node"                         \
    }
#define TOTAL                                                                                      \
    {                                                                                              \
        .name = "-t", .help = "add up the nodes"                                                   \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct admin_keyword with_keywords[] = {WITH, END};
static const struct admin_keyword with_for_keywords[] = {WITH, FOR, END};
static const struct admin_keyword like_keywords[] = {LIKE, END};
static const struct admin_keyword with_like_keywords[] = {WITH, LIKE, END};

// ---- info ---------------------------------------------------------------------------------------

static const struct admin_command info_namespace_commands[] = {
    {.name = "usage",
     .help = "memory and storage of each namespace",
     .keywords = with_for_keywords,
     .run = admin_info_usage_run},
    {.name = "object",
     .help = "records of each namespace, and what is on the move",
     .keywords = with_for_keywords,
     .run = admin_info_object_run},
    END,
};

static const struct admin_command info_commands[] = {
    {.name = "network",
     .help = "the nodes, and what each thinks of the cluster",
     .keywords = with_keywords,
     .run = admin_info_network_run},
    {.name = "namespace",
     .help = "usage and objects of each namespace",
     .keywords = with_for_keywords,
     .children = info_namespace_commands,
     .run = admin_info_namespace_run},
    {.name = "set", .help = "the sets", .keywords = with_for_keywords, .run = admin_info_set_run},
    {.name = "sindex",
     .help = "the secondary indexes",
     .keywords = with_keywords,
     .run = admin_info_sindex_run},
    {.name = "release",
     .help = "what was built for what",
     .keywords = with_keywords,
     .run = admin_info_release_run},
    {.name = "xdr",
     .help = "shipping to other data centers",
     .keywords = with_for_keywords,
     .run = admin_info_xdr_run},
    {.name = "transactions",
     .help = "transactions over several records",
     .keywords = with_for_keywords,
     .run = admin_info_transactions_run},
    END,
};

// ---- show ---------------------------------------------------------------------------------------

static const struct admin_keyword statistics_keywords[] = {LIKE, WITH, FOR, FLIP, TOTAL, END};
static const struct admin_keyword config_keywords[] = {LIKE, WITH, FOR, DIFF, FLIP, END};
static const struct admin_keyword roster_keywords[] = {WITH, FOR, DIFF, END};
static const struct admin_keyword latencies_keywords[] = {
    {.name = "-e",
     .values = ADMIN_VALUES_ONE,
     .value = "increment",
     .help = "each bucket is 2^increment times the one before; 3"},
    {.name = "-b", .values = ADMIN_VALUES_ONE, .value = "buckets", .help = "how many buckets; 3"},
    {.name = "-v", .help = "also histograms that must be switched on"},
    FOR,
    LIKE,
    WITH,
    END,
};

static const struct admin_command statistics_commands[] = {
    {.name = "service",
     .help = "of the nodes",
     .keywords = statistics_keywords,
     .run = admin_show_statistics_service_run},
    {.name = "namespace",
     .help = "of each namespace, with its configuration",
     .keywords = statistics_keywords,
     .run = admin_show_statistics_namespace_run},
    {.name = "sets",
     .help = "of each set",
     .keywords = statistics_keywords,
     .run = admin_show_statistics_sets_run},
    {.name = "sindex",
     .help = "of each secondary index",
     .keywords = statistics_keywords,
     .run = admin_show_statistics_sindex_run},
    {.name = "bins",
     .help = "of bins; no node has them any more",
     .keywords = statistics_keywords,
     .run = admin_show_statistics_bins_run},
    {.name = "xdr",
     .help = "of shipping to other data centers",
     .keywords = statistics_keywords,
     .run = admin_absent_run},
    END,
};

static const struct admin_command config_commands[] = {
    {.name = "service",
     .help = "of the nodes",
     .keywords = config_keywords,
     .run = admin_show_config_service_run},
    {.name = "network",
     .help = "of addresses and links",
     .keywords = config_keywords,
     .run = admin_show_config_network_run},
    {.name = "namespace",
     .help = "of each namespace",
     .keywords = config_keywords,
     .run = admin_show_config_namespace_run},
    {.name = "security",
     .help = "of users",
     .keywords = config_keywords,
     .run = admin_show_config_security_run},
    {.name = "xdr",
     .help = "of shipping to other data centers",
     .keywords = config_keywords,
     .run = admin_absent_run},
    END,
};

static const struct admin_command mapping_commands[] = {
    {.name = "ip",
     .help = "addresses to node ids",
     .keywords = like_keywords,
     .run = admin_show_mapping_ip_run},
    {.name = "node",
     .help = "node ids to addresses",
     .keywords = like_keywords,
     .run = admin_show_mapping_node_run},
    END,
};

static const struct admin_command show_commands[] = {
    {.name = "statistics",
     .help = "counters and gauges by their names",
     .keywords = statistics_keywords,
     .children = statistics_commands,
     .run = admin_show_statistics_run},
    {.name = "config",
     .help = "configuration as it is now",
     .keywords = config_keywords,
     .children = config_commands,
     .run = admin_show_config_run},
    {.name = "latencies",
     .help = "how long operations take",
     .keywords = latencies_keywords,
     .run = admin_show_latencies_run},
    {.name = "mapping",
     .help = "addresses and node ids",
     .keywords = like_keywords,
     .children = mapping_commands,
     .run = admin_show_mapping_run},
    {.name = "pmap",
     .help = "how partitions are spread",
     .keywords = with_keywords,
     .run = admin_show_pmap_run},
    {.name = "racks", .help = "nodes of each rack", .run = admin_show_racks_run},
    {.name = "roster",
     .help = "nodes that belong to each namespace",
     .keywords = roster_keywords,
     .run = admin_show_roster_run},
    {.name = "best-practices",
     .help = "settings of the machines that should be better",
     .keywords = with_keywords,
     .run = admin_show_best_practices_run},
    {.name = "sindex",
     .help = "the secondary indexes",
     .keywords = like_keywords,
     .run = admin_show_sindex_run},
    {.name = "udfs",
     .help = "the user modules",
     .keywords = like_keywords,
     .run = admin_show_udfs_run},
    {.name = "user-agents",
     .help = "programs that are connected",
     .keywords = with_keywords,
     .run = admin_show_user_agents_run},
    {.name = "distribution",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run},
    {.name = "jobs",
     .help = "not part of this version; asinfo -v query-show tells them",
     .words = "[...]",
     .run = admin_absent_run},
    {.name = "stop-writes",
     .help = "not part of this version; info namespace tells most of it",
     .words = "[...]",
     .run = admin_absent_run},
    {.name = "users",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run},
    {.name = "roles",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run},
    {.name = "masking",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run},
    END,
};

// ---- manage -------------------------------------------------------------------------------------

#define PARAM                                                                                      \
    {                                                                                              \
        .name = "param", .values = ADMIN_VALUES_ONE, .required = true, .value = "parameter",       \
        .help = "what to change"                                                                   \
    }
#define TO                                                                                         \
    {                                                                                              \
        .name = "to", .values = ADMIN_VALUES_ONE, .required = true, .value = "value",              \
        .help = "its new value"                                                                    \
    }
#define NS                                                                                         \
    {                                                                                              \
        .name = "ns", .values = ADMIN_VALUES_ONE, .required = true, .value = "namespace",          \
        .help = "the namespace"                                                                    \
    }
#define SET                                                                                        \
    {                                                                                              \
        .name = "set", .values = ADMIN_VALUES_ONE, .value = "set", .help = "the set"               \
    }
#define NO_WARN                                                                                    \
    {                                                                                              \
        .name = "--no-warn", .help = "do not ask back"                                             \
    }

static const struct admin_keyword param_keywords[] = {PARAM, TO, WITH, END};
static const struct admin_keyword set_param_keywords[] = {SET, PARAM, TO, WITH, END};
static const struct admin_keyword truncate_keywords[] = {
    NS,
    SET,
    {.name = "before",
     .values = ADMIN_VALUES_MANY,
     .value = "time form",
     .help = "records written before; form: unix-epoch or iso-8601"},
    {.name = "undo", .help = "let truncated records come back"},
    NO_WARN,
    END,
};
static const struct admin_keyword quiesce_keywords[] = {
    {.name = "with",
     .values = ADMIN_VALUES_MANY,
     .required = true,
     .value = "node",
     .help = "the nodes"},
    {.name = "undo", .help = "let them take part again"},
    END,
};
static const struct admin_keyword udf_add_keywords[] = {
    {.name = "path",
     .values = ADMIN_VALUES_ONE,
     .required = true,
     .value = "file",
     .help = "where the module is read from"},
    NO_WARN,
    END,
};
static const struct admin_keyword no_warn_keywords[] = {NO_WARN, END};
static const struct admin_keyword sindex_create_keywords[] = {
    NS,
    SET,
    {.name = "bin",
     .values = ADMIN_VALUES_ONE,
     .required = true,
     .value = "bin",
     .help = "the bin"},
    {.name = "in",
     .values = ADMIN_VALUES_ONE,
     .value = "list|mapkeys|mapvalues",
     .help = "index the elements of lists or maps"},
    NO_WARN,
    END,
};
static const struct admin_keyword sindex_delete_keywords[] = {NS, SET, NO_WARN, END};

static const struct admin_command manage_config_commands[] = {
    {.name = "service",
     .help = "of the nodes",
     .keywords = param_keywords,
     .run = admin_manage_config_service_run,
     .privileged = true},
    {.name = "network",
     .help = "of addresses and links",
     .words = "service|heartbeat|fabric|info",
     .keywords = param_keywords,
     .run = admin_manage_config_network_run,
     .privileged = true},
    {.name = "namespace",
     .help = "of a namespace, or of a set in it",
     .words = "namespace",
     .keywords = set_param_keywords,
     .run = admin_manage_config_namespace_run,
     .privileged = true},
    {.name = "security",
     .help = "of users",
     .keywords = param_keywords,
     .run = admin_manage_config_security_run,
     .privileged = true},
    {.name = "logging",
     .help = "level of a context of the log",
     .words = "[id of the log]",
     .keywords = param_keywords,
     .run = admin_manage_config_logging_run,
     .privileged = true},
    END,
};

static const struct admin_command manage_udfs_commands[] = {
    {.name = "add",
     .help = "registers a module",
     .words = "module",
     .keywords = udf_add_keywords,
     .run = admin_manage_udfs_add_run,
     .privileged = true},
    {.name = "remove",
     .help = "removes a module",
     .words = "module",
     .keywords = no_warn_keywords,
     .run = admin_manage_udfs_remove_run,
     .privileged = true},
    END,
};

static const struct admin_command manage_sindex_commands[] = {
    {.name = "create",
     .help = "creates a secondary index",
     .words = "numeric|string|geo2dsphere|blob name",
     .keywords = sindex_create_keywords,
     .run = admin_manage_sindex_create_run,
     .privileged = true},
    {.name = "delete",
     .help = "removes a secondary index",
     .words = "name",
     .keywords = sindex_delete_keywords,
     .run = admin_manage_sindex_delete_run,
     .privileged = true},
    END,
};

static const struct admin_command manage_kill_commands[] = {
    {.name = "trids",
     .help = "by their ids",
     .words = "id...",
     .run = admin_manage_jobs_kill_trids_run,
     .privileged = true},
    {.name = "all",
     .help = "all of a kind",
     .words = "queries|scans",
     .run = admin_manage_jobs_kill_all_run,
     .privileged = true},
    END,
};

static const struct admin_command manage_jobs_commands[] = {
    {.name = "kill",
     .help = "stops queries and scans",
     .children = manage_kill_commands,
     .privileged = true},
    END,
};

static const struct admin_command manage_commands[] = {
    {.name = "config",
     .help = "changes configuration until the next start",
     .children = manage_config_commands,
     .privileged = true},
    {.name = "recluster",
     .help = "lets the cluster form anew, as quiescing needs it",
     .run = admin_manage_recluster_run,
     .privileged = true},
    {.name = "quiesce",
     .help = "takes nodes out of service before they are stopped",
     .keywords = quiesce_keywords,
     .run = admin_manage_quiesce_run,
     .privileged = true},
    {.name = "truncate",
     .help = "removes the records of a namespace or a set",
     .keywords = truncate_keywords,
     .run = admin_manage_truncate_run,
     .privileged = true},
    {.name = "udfs", .help = "user modules", .children = manage_udfs_commands, .privileged = true},
    {.name = "sindex",
     .help = "secondary indexes",
     .children = manage_sindex_commands,
     .privileged = true},
    {.name = "jobs",
     .help = "queries and scans",
     .children = manage_jobs_commands,
     .privileged = true},
    {.name = "revive",
     .help = "of strong consistency: not part of this version",
     .words = "[...]",
     .run = admin_manage_strong_run,
     .privileged = true},
    {.name = "roster",
     .help = "of strong consistency: not part of this version",
     .words = "[...]",
     .run = admin_manage_strong_run,
     .privileged = true},
    {.name = "acl",
     .help = "users and roles: not part of this version",
     .words = "[...]",
     .run = admin_manage_users_run,
     .privileged = true},
    END,
};

// ---- the root -----------------------------------------------------------------------------------

static const struct admin_keyword asinfo_keywords[] = {
    {.name = "-v",
     .values = ADMIN_VALUES_ONE,
     .value = "command",
     .help = "the info command, in quotes when it has a semicolon"},
    {.name = "-l", .help = "one item of a list on each line"},
    WITH,
    LIKE,
    END,
};

static const struct admin_keyword enable_keywords[] = {
    {.name = "--warn", .help = "ask back before each change"},
    END,
};

static const struct admin_keyword summary_keywords[] = {
    {.name = "-l", .help = "as lists"},
    WITH,
    END,
};

static const struct admin_command root_commands[] = {
    {.name = "help",
     .help = "explains a command, as in help show config",
     .words = "[command]",
     .run = admin_help_run,
     .raw = true,
     .local = true},
    {.name = "info",
     .help = "how the cluster is, at a glance",
     .keywords = with_keywords,
     .children = info_commands,
     .run = admin_info_run},
    {.name = "show", .help = "everything that nodes tell, in full", .children = show_commands},
    {.name = "summary",
     .help = "the cluster on one screen",
     .keywords = summary_keywords,
     .run = admin_summary_run},
    {.name = "features",
     .help = "which features are in use",
     .keywords = with_like_keywords,
     .run = admin_features_run},
    {.name = "asinfo",
     .help = "sends an info command to nodes; needs enable",
     .words = "[command]",
     .keywords = asinfo_keywords,
     .run = admin_asinfo_run,
     .privileged = true},
    {.name = "manage",
     .help = "changes; needs enable",
     .children = manage_commands,
     .privileged = true},
    {.name = "watch",
     .help = "repeats a command, as in watch 1 10 info network",
     .words = "[pause in seconds] [rounds] [--no-diff] command",
     .run = admin_watch_run,
     .raw = true,
     .local = true},
    {.name = "enable",
     .help = "allows manage and asinfo",
     .keywords = enable_keywords,
     .run = admin_enable_run,
     .local = true},
    {.name = "disable", .help = "forbids them again", .run = admin_disable_run, .local = true},
    {.name = "pager",
     .help = "not part of this version: output is never paged",
     .words = "[...]",
     .run = admin_absent_run,
     .local = true},
    {.name = "collectinfo",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run,
     .local = true},
    {.name = "collectlogs",
     .help = "not part of this version",
     .words = "[...]",
     .run = admin_absent_run,
     .local = true},
    {.name = "health",
     .help = "not part of this version; ballast health tells of one node",
     .words = "[...]",
     .run = admin_absent_run,
     .local = true},
    {.name = "exit", .help = "ends the session", .run = admin_exit_run, .local = true},
    {.name = "quit", .help = "ends the session", .run = admin_exit_run, .local = true},
    END,
};

const struct admin_command admin_commands = {
    .name = "",
    .help =
        "Commands, which may be cut short while they stay unique, several with semicolons "
        "between:",
    .children = root_commands,
};
