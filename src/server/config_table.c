// SPDX-License-Identifier: Apache-2.0
// Every directive that a configuration file may hold, each declared once. Rows that get-config
// shows stand in the order in which Aerospike shows them, then those it does not show.
//
// A row is refused when somebody could rely on what it asks and this node does not do it; its
// harmless values (those that ask for nothing) are accepted silently.
#include "server/config_table.h"

#define MAX_U32         UINT32_MAX
#define MAX_SIZE        (INT64_C(1) << 60)
#define MAX_TTL_S       (INT64_C(3650) * 86400)
#define AT(member)      (uint32_t) offsetof(struct config, member)
#define NS(member)      (uint32_t) offsetof(struct config_namespace, member)
#define SET(member)     (uint32_t) offsetof(struct config_set, member)
#define TEXT_OF(member) .size = sizeof(((struct config *)0)->member)
#define D               .dynamic = true
#define S               .dynamic = false
#define SHOWN           .shown = true
#define HIDDEN          .shown = false

// Honoured: a number in the structs, a truth, a text, a list.
#define NUMBER(ctx, nm, old, ty, keep, where, un, lo, hi, value, dyn, hlp)                         \
    {                                                                                              \
        .context = ctx, .name = nm, .older = old, .type = ty, .kept = keep, .at = where,           \
        .unit = un, .min = lo, .max = hi, .built_in = value, dyn, SHOWN, .help = hlp               \
    }
#define TRUTH(ctx, nm, old, where, value, dyn, hlp)                                                \
    {                                                                                              \
        .context = ctx, .name = nm, .older = old, .type = CONFIG_BOOL, .kept = CONFIG_KEPT_BOOL,   \
        .at = where, .built_in = value, dyn, SHOWN, .help = hlp                                    \
    }
#define WORD(ctx, nm, old, where, length, dyn, hlp)                                                \
    {                                                                                              \
        .context = ctx, .name = nm, .older = old, .type = CONFIG_TEXT, .kept = CONFIG_KEPT_TEXT,   \
        .at = where, length, dyn, SHOWN, .help = hlp                                               \
    }
#define MANY(ctx, nm, old, where, hlp)                                                             \
    {                                                                                              \
        .context = ctx, .name = nm, .older = old, .type = CONFIG_LIST, .kept = CONFIG_KEPT_LIST,   \
        .at = where, SHOWN, .help = hlp                                                            \
    }
// Kept in the slot, with one warning.
#define TUNING(ctx, nm, ty, un, lo, hi, value, dyn, show, hlp)                                     \
    {                                                                                              \
        .context = ctx, .name = nm, .type = ty, .unit = un, .min = lo, .max = hi,                  \
        .built_in = value, dyn, show, .treatment = CONFIG_TUNING, .help = hlp                      \
    }
#define TUNING_TRUTH(ctx, nm, value, dyn, hlp)                                                     \
    {                                                                                              \
        .context = ctx, .name = nm, .type = CONFIG_BOOL, .built_in = value, dyn, SHOWN,            \
        .treatment = CONFIG_TUNING, .help = hlp                                                    \
    }
#define TUNING_CHOICE(ctx, nm, all, value, dyn, show, hlp)                                         \
    {                                                                                              \
        .context = ctx, .name = nm, .type = CONFIG_CHOICE, .choices = all, .built_in = value, dyn, \
        show, .treatment = CONFIG_TUNING, .help = hlp                                              \
    }
#define WAITING(ctx, nm, ty, un, lo, hi, value, hlp)                                               \
    {                                                                                              \
        .context = ctx, .name = nm, .type = ty, .unit = un, .min = lo, .max = hi,                  \
        .built_in = value, D, SHOWN, .treatment = CONFIG_WAITING, .help = hlp                      \
    }
#define OBSOLETE(ctx, nm, hlp)                                                                     \
    {                                                                                              \
        .context = ctx, .name = nm, .type = CONFIG_ANY, .treatment = CONFIG_OBSOLETE, .help = hlp  \
    }
#define REFUSED(ctx, nm, harmless, value, show, hlp)                                               \
    {                                                                                              \
        .context = ctx, .name = nm, .type = CONFIG_ANY, .choices = harmless, .built_in = value,    \
        show, .treatment = CONFIG_REFUSED, .help = hlp                                             \
    }

#define NOT_BUILT " not built yet; remove the line"
#define NO_TLS    "encrypted connections are" NOT_BUILT
#define NO_MULTICAST                                                                               \
    "multicast is not built yet; write `mode mesh` and name other nodes with "                     \
    "mesh-seed-address-port"
#define NO_FILES      "files and devices are not built yet; use `storage-engine memory` with data-size"
#define OLD_CLUSTER   "cluster protocol of an old version"
#define OLD_THREADS   "threads and queues of an old version"
#define OLD_QUERY     "queries of an old version"
#define OLD_HEAP      "heap of another design"
#define FABRIC_TUNING "links between nodes are shaped differently here"
#define NO_SECRETS    "a store of secrets is" NOT_BUILT ", or give values by NAME_FILE variables"

// clang-format off
const struct config_row config_rows[] = {
    // service
    TRUTH(CONFIG_SERVICE, "advertise-ipv6", NULL, AT(service.advertise_ipv6), "false", D, "publish IPv6 addresses to clients as well"),
    TUNING_CHOICE(CONFIG_SERVICE, "auto-pin", "none|cpu|numa|adq", "none", S, SHOWN, "service threads are not pinned to cores"),
    TUNING(CONFIG_SERVICE, "batch-index-threads", CONFIG_NUMBER, NULL, 1, 4096, NULL, D, SHOWN, "batches run on the service threads"),
    TUNING(CONFIG_SERVICE, "batch-max-buffers-per-queue", CONFIG_NUMBER, NULL, 0, MAX_U32, "255", D, SHOWN, "batches answer in the connection's own buffer"),
    NUMBER(CONFIG_SERVICE, "batch-max-requests", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.batch_max_requests), "rows", 0, LIMIT_BATCH_ROWS, "0", D, "most rows of one batch; 0: no limit of its own"),
    TUNING(CONFIG_SERVICE, "batch-max-unused-buffers", CONFIG_NUMBER, NULL, 0, MAX_U32, "256", D, SHOWN, "batches answer in the connection's own buffer"),
    TUNING_TRUTH(CONFIG_SERVICE, "cgroup-mem-tracking", "false", S, "memory limits of the container are always followed"),
    WORD(CONFIG_SERVICE, "cluster-name", NULL, AT(service.cluster_name), TEXT_OF(service.cluster_name), D, "name of the cluster; clients may demand it"),
    TUNING_TRUTH(CONFIG_SERVICE, "debug-allocations", "false", S, OLD_HEAP),
    TUNING_TRUTH(CONFIG_SERVICE, "disable-udf-execution", "false", S, "user functions are not built yet, so none runs"),
    TUNING_TRUTH(CONFIG_SERVICE, "enable-benchmarks-fabric", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_SERVICE, "enable-health-check", "false", D, "needs other nodes to compare with"),
    TUNING_TRUTH(CONFIG_SERVICE, "enable-hist-info", "false", D, "this histogram is not kept"),
    REFUSED(CONFIG_SERVICE, "enforce-best-practices", "false|no", "false", SHOWN, "checks of the host are" NOT_BUILT),
    TUNING_TRUTH(CONFIG_SERVICE, "indent-allocations", "false", S, OLD_HEAP),
    TUNING(CONFIG_SERVICE, "info-max-ms", CONFIG_NUMBER, "ms", 500, 10000, "10000", D, SHOWN, "info requests are answered at once"),
    TUNING(CONFIG_SERVICE, "info-threads", CONFIG_NUMBER, NULL, 1, 256, "16", D, SHOWN, "info requests are answered on the service threads"),
    TUNING_TRUTH(CONFIG_SERVICE, "keep-caps-ssd-health", "false", S, "devices are not built yet"),
    TRUTH(CONFIG_SERVICE, "log-local-time", NULL, AT(log.local_time), "false", S, "log in local time instead of GMT"),
    TRUTH(CONFIG_SERVICE, "log-millis", NULL, AT(log.milliseconds), "false", S, "log milliseconds"),
    TRUTH(CONFIG_SERVICE, "microsecond-histograms", NULL, AT(service.microsecond_histograms), "false", D, "latencies in microseconds instead of milliseconds"),
    TUNING(CONFIG_SERVICE, "migrate-fill-delay", CONFIG_SECONDS, "s", 0, MAX_U32, "0", D, SHOWN, "takes effect once nodes form clusters"),
    TUNING(CONFIG_SERVICE, "migrate-max-num-incoming", CONFIG_NUMBER, NULL, 0, 256, "4", D, SHOWN, "takes effect once nodes form clusters"),
    TUNING(CONFIG_SERVICE, "migrate-threads", CONFIG_NUMBER, NULL, 0, 100, "1", D, SHOWN, "one thread moves many partitions at a time"),
    NUMBER(CONFIG_SERVICE, "min-cluster-size", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.min_cluster_size), "nodes", 0, LIMIT_CLUSTER_NODES, "1", D, "a node in a smaller cluster serves nothing"),
    WORD(CONFIG_SERVICE, "node-id", NULL, AT(service.node_id), TEXT_OF(service.node_id), S, "up to 16 hexadecimal digits; made at start when not given"),
    TUNING(CONFIG_SERVICE, "node-id-interface", CONFIG_TEXT, NULL, 0, 0, NULL, S, SHOWN, "node ids are never made from network addresses"),
    TUNING_TRUTH(CONFIG_SERVICE, "os-group-perms", "false", S, "no file of this node needs it"),
    WORD(CONFIG_SERVICE, "pidfile", NULL, AT(service.pidfile), TEXT_OF(service.pidfile), S, "file to write the process id to"),
    TUNING_TRUTH(CONFIG_SERVICE, "poison-allocations", "false", S, OLD_HEAP),
    NUMBER(CONFIG_SERVICE, "proto-fd-idle-ms", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.proto_fd_idle_ms), "ms", 0, MAX_U32, "0", D, "close client connections idle for so long; 0: never"),
    NUMBER(CONFIG_SERVICE, "proto-fd-max", "client-fd-max", CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.proto_fd_max), "connections", 1, 2147483647, "15000", D, "most client connections; fitted into the process's limit of open files"),
    TUNING(CONFIG_SERVICE, "quarantine-allocations", CONFIG_NUMBER, NULL, 0, 100000000, "0", S, SHOWN, OLD_HEAP),
    NUMBER(CONFIG_SERVICE, "query-max-done", "scan-max-done", CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.query_max_done), "jobs", 0, LIMIT_QUERY_DONE_JOBS, "100", D, "finished queries to remember"),
    NUMBER(CONFIG_SERVICE, "query-threads-limit", "scan-threads-limit", CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.query_threads_limit), "threads", 1, LIMIT_QUERY_THREADS, "128", D, "most threads of all queries together"),
    TUNING_TRUTH(CONFIG_SERVICE, "run-as-daemon", "false", S, "the node always stays in the foreground"),
    REFUSED(CONFIG_SERVICE, "secrets-address-port", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "secrets-tls-context", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "secrets-uds-path", "null", NULL, SHOWN, NO_SECRETS),
    NUMBER(CONFIG_SERVICE, "service-threads", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.service_threads), "threads", 1, LIMIT_SERVICE_THREADS, NULL, S, "threads that serve clients; the cores this process may use when not given"),
    TUNING(CONFIG_SERVICE, "sindex-builder-threads", CONFIG_NUMBER, NULL, 1, 32, "4", D, SHOWN, "secondary indexes are not built yet"),
    TUNING(CONFIG_SERVICE, "sindex-gc-period", CONFIG_SECONDS, "s", 0, MAX_U32, "10", D, SHOWN, "secondary indexes are not built yet"),
    TRUTH(CONFIG_SERVICE, "stay-quiesced", NULL, AT(service.stay_quiesced), "false", S, "the node starts quiesced: it owns partitions only when nobody else can"),
    NUMBER(CONFIG_SERVICE, "ticker-interval", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, AT(service.ticker_interval_s), "s", 1, 86400, "10", D, "period of the log's ticker and window of latencies"),
    TUNING(CONFIG_SERVICE, "tls-refresh-period", CONFIG_SECONDS, "s", 0, MAX_U32, "0", D, SHOWN, "encrypted connections are not built yet"),
    NUMBER(CONFIG_SERVICE, "transaction-max-ms", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(service.transaction_max_ms), "ms", 1, MAX_U32, "1000", D, "time a request may take when the client sets none"),
    TUNING(CONFIG_SERVICE, "transaction-retry-ms", CONFIG_NUMBER, "ms", 1, MAX_U32, "1002", D, SHOWN, "takes effect once nodes form clusters"),
    REFUSED(CONFIG_SERVICE, "vault-ca", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "vault-namespace", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "vault-path", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "vault-token-file", "null", NULL, SHOWN, NO_SECRETS),
    REFUSED(CONFIG_SERVICE, "vault-url", "null", NULL, SHOWN, NO_SECRETS),
    {.context = CONFIG_SERVICE, .name = "work-directory", .type = CONFIG_TEXT, .kept = CONFIG_KEPT_TEXT, .at = AT(service.work_directory), TEXT_OF(service.work_directory), .built_in = "/opt/aerospike", S, SHOWN, .help = "folder of this node alone, in which its id is kept when the folder exists"},
    {.context = CONFIG_SERVICE, .name = "leave-timeout-ms", .type = CONFIG_NUMBER, .kept = CONFIG_KEPT_U32, .at = AT(service.leave_timeout_ms), .unit = "ms", .max = 86400000, .built_in = "8000", D, .help = "on SIGTERM, the time to hand over what the node holds; it stays longer only for records that no other node has"},
    {.context = CONFIG_SERVICE, .name = "user", .type = CONFIG_TEXT, .kept = CONFIG_KEPT_TEXT, .at = AT(service.user), TEXT_OF(service.user), .help = "become this user after start"},
    {.context = CONFIG_SERVICE, .name = "group", .type = CONFIG_TEXT, .kept = CONFIG_KEPT_TEXT, .at = AT(service.group), TEXT_OF(service.group), .help = "become this group after start"},
    {.context = CONFIG_SERVICE, .name = "nsup-period", .type = CONFIG_SECONDS, .unit = "s", .max = MAX_U32, .help = "old place; sets nsup-period of each namespace that does not say its own"},
    OBSOLETE(CONFIG_SERVICE, "feature-key-file", "there are no feature keys here: everything is simply there"),
    OBSOLETE(CONFIG_SERVICE, "paxos-single-replica-limit", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "paxos-protocol", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "paxos-recovery-policy", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "paxos-max-cluster-size", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "paxos-retransmit-period", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "transaction-queues", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "transaction-threads-per-queue", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "transaction-duplicate-threads", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "transaction-pending-limit", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "transaction-repeatable-read", "reads of an old version"),
    OBSOLETE(CONFIG_SERVICE, "fabric-workers", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "nsup-delete-sleep", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "nsup-startup-evict", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "nsup-queue-hwm", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "nsup-queue-lwm", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "nsup-queue-escape", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "hist-track-back", "latencies of an old version"),
    OBSOLETE(CONFIG_SERVICE, "hist-track-slice", "latencies of an old version"),
    OBSOLETE(CONFIG_SERVICE, "hist-track-thresholds", "latencies of an old version"),
    OBSOLETE(CONFIG_SERVICE, "batch-threads", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "batch-priority", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "batch-without-digests", "batches of an old version"),
    OBSOLETE(CONFIG_SERVICE, "query-threads", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-worker-threads", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-priority", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-priority-sleep-us", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-bufpool-size", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-batch-size", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-buf-size", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-in-transaction-thread", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-req-in-query-thread", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-req-max-inflight", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-long-q-max-size", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-short-q-max-size", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-rec-count-bound", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-threshold", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-untracked-time-ms", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-sleep-us", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-microbenchmark", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "query-pre-reserve-partitions", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-max-active", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-max-udf-transactions", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-threads", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-priority", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-sleep", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "scan-retransmit", OLD_QUERY),
    OBSOLETE(CONFIG_SERVICE, "prole-extra-ttl", "expiry of an old version"),
    OBSOLETE(CONFIG_SERVICE, "use-queue-per-device", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "ldt-benchmarks", "large data types are long gone"),
    OBSOLETE(CONFIG_SERVICE, "allow-inline-transactions", OLD_THREADS),
    OBSOLETE(CONFIG_SERVICE, "enable-benchmarks-svc", "this histogram is not kept"),
    OBSOLETE(CONFIG_SERVICE, "sindex-data-max-memory", "secondary indexes of an old version"),
    OBSOLETE(CONFIG_SERVICE, "snub-nodes", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "respond-client-on-master-completion", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "write-duplicate-resolution-disable", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "replication-fire-and-forget", OLD_CLUSTER),
    OBSOLETE(CONFIG_SERVICE, "salt-allocations", OLD_HEAP),
    OBSOLETE(CONFIG_SERVICE, "memory-accounting", OLD_HEAP),

    // logging
    {.context = CONFIG_LOGGING, .name = "format", .type = CONFIG_CHOICE, .kept = CONFIG_KEPT_BOOL, .at = AT(log.json), .choices = "text|json", .built_in = "text", .help = "form of log lines"},
    {.context = CONFIG_LOGGING, .name = "file.context", .type = CONFIG_LEVEL, .help = "a context (`any`: all) and its level: critical, warning, info, debug or detail"},
    {.context = CONFIG_LOGGING, .name = "console.context", .type = CONFIG_LEVEL, .help = "the same for standard output"},

    // network
    NUMBER(CONFIG_NETWORK, "service.port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.service_port), NULL, 1, 65535, "3000", S, "port for clients"),
    MANY(CONFIG_NETWORK, "service.address", NULL, AT(network.service_address), "where clients may connect: any, local, an IP address, an interface, a host name; local when not given, in a container any"),
    NUMBER(CONFIG_NETWORK, "service.access-port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.access_port), NULL, 0, 65535, "0", S, "port published to clients; 0: service.port"),
    MANY(CONFIG_NETWORK, "service.access-address", "service.external-address", AT(network.access_address), "addresses published to clients; what is bound when not given"),
    NUMBER(CONFIG_NETWORK, "service.alternate-access-port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.alternate_access_port), NULL, 0, 65535, "0", S, "port of the second list of addresses; 0: service.port"),
    MANY(CONFIG_NETWORK, "service.alternate-access-address", "service.alternate-address", AT(network.alternate_access_address), "second list of addresses, for clients that ask for it"),
    REFUSED(CONFIG_NETWORK, "service.tls-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-access-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-alternate-access-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-name", "null", NULL, SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.disable-localhost", "false|no", "false", SHOWN, "the address list decides; give service.address without 127.0.0.1"),
    REFUSED(CONFIG_NETWORK, "service.tls-address", NULL, NULL, HIDDEN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-access-address", NULL, NULL, HIDDEN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-alternate-access-address", NULL, NULL, HIDDEN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "service.tls-authenticate-client", NULL, NULL, HIDDEN, NO_TLS),
    OBSOLETE(CONFIG_NETWORK, "service.network-interface-name", "node ids are never made from network addresses"),
    OBSOLETE(CONFIG_NETWORK, "service.reuse-address", "addresses are always reused"),
    NUMBER(CONFIG_NETWORK, "info.port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.info_port), NULL, 0, 65535, "3003", S, "plain-text info port; 0: none"),
    MANY(CONFIG_NETWORK, "info.address", NULL, AT(network.info_address), "where the info port listens; as service.address when not given"),
    REFUSED(CONFIG_NETWORK, "admin.port", "0", "0", SHOWN, "the separate port for administrators is not built yet; connect to service.port"),
    TUNING(CONFIG_NETWORK, "admin.address", CONFIG_TEXT, NULL, 0, 0, NULL, S, SHOWN, "there is no admin port"),
    REFUSED(CONFIG_NETWORK, "admin.tls-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "admin.tls-name", "null", NULL, SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "admin.tls-address", NULL, NULL, HIDDEN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "admin.tls-authenticate-client", NULL, NULL, HIDDEN, NO_TLS),
    TUNING_TRUTH(CONFIG_NETWORK, "admin.disable-localhost", "false", S, "there is no admin port"),
    REFUSED(CONFIG_NETWORK, "heartbeat.mode", "mesh", "mesh", SHOWN, NO_MULTICAST),
    {.context = CONFIG_NETWORK, .name = "heartbeat.address", .older = "heartbeat.interface-address", .type = CONFIG_LIST, .kept = CONFIG_KEPT_LIST, .at = AT(network.heartbeat_address), SHOWN, .help = "where the heartbeat port listens; any when not given, or local when service.address is"},
    NUMBER(CONFIG_NETWORK, "heartbeat.port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.heartbeat_port), NULL, 1, 65535, "3002", S, "port for the heartbeats of other nodes"),
    {.context = CONFIG_NETWORK, .name = "heartbeat.mesh-seed-address-port", .type = CONFIG_HOSTS, .kept = CONFIG_KEPT_LIST, .at = AT(network.mesh_seed_address_port), SHOWN, .help = "another node: host or address and its heartbeat port; a name may stand for many nodes, this one among them"},
    {.context = CONFIG_NETWORK, .name = "heartbeat.mesh-address", .type = CONFIG_LIST, .kept = CONFIG_KEPT_LIST, .at = AT(network.mesh_address), .help = "old spelling of mesh-seed-address-port, with mesh-port"},
    REFUSED(CONFIG_NETWORK, "heartbeat.tls-mesh-seed-address-port", NULL, NULL, HIDDEN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "heartbeat.multicast-group", NULL, NULL, HIDDEN, NO_MULTICAST),
    REFUSED(CONFIG_NETWORK, "heartbeat.tls-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "heartbeat.tls-name", "null", NULL, SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "heartbeat.tls-address", NULL, NULL, HIDDEN, NO_TLS),
    NUMBER(CONFIG_NETWORK, "heartbeat.interval", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(network.heartbeat_interval_ms), "ms", 50, 600000, "150", D, "time between two heartbeats"),
    NUMBER(CONFIG_NETWORK, "heartbeat.timeout", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(network.heartbeat_timeout_intervals), "intervals", 3, 1000, "10", D, "a node silent for so many intervals is gone"),
    NUMBER(CONFIG_NETWORK, "heartbeat.connect-timeout-ms", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, AT(network.heartbeat_connect_timeout_ms), "ms", 50, MAX_U32, "500", D, "time to connect to another node"),
    TUNING(CONFIG_NETWORK, "heartbeat.mtu", CONFIG_NUMBER, "bytes", 0, MAX_U32, "0", D, SHOWN, "the network stack cuts packets"),
    TUNING(CONFIG_NETWORK, "heartbeat.protocol", CONFIG_TEXT, NULL, 0, 0, "v3", D, SHOWN, "there is one protocol"),
    TUNING(CONFIG_NETWORK, "heartbeat.multicast-ttl", CONFIG_NUMBER, NULL, 0, 255, "0", S, HIDDEN, "heartbeats do not use multicast"),
    OBSOLETE(CONFIG_NETWORK, "heartbeat.mcast-ttl", "heartbeats do not use multicast"),
    {.context = CONFIG_NETWORK, .name = "heartbeat.mesh-port", .type = CONFIG_NUMBER, .min = 1, .max = 65535, .built_in = "3002", .help = "port of mesh-address"},
    OBSOLETE(CONFIG_NETWORK, "heartbeat.mesh-rw-retry-timeout", OLD_CLUSTER),
    {.context = CONFIG_NETWORK, .name = "fabric.address", .type = CONFIG_LIST, .kept = CONFIG_KEPT_LIST, .at = AT(network.fabric_address), SHOWN, .help = "where the fabric port listens; as heartbeat.address when not given"},
    REFUSED(CONFIG_NETWORK, "fabric.tls-port", "0", "0", SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "fabric.tls-name", "null", NULL, SHOWN, NO_TLS),
    REFUSED(CONFIG_NETWORK, "fabric.tls-address", NULL, NULL, HIDDEN, NO_TLS),
    TUNING(CONFIG_NETWORK, "fabric.channel-bulk-fds", CONFIG_NUMBER, NULL, 1, 128, "2", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-bulk-recv-threads", CONFIG_NUMBER, NULL, 1, 128, "4", D, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-ctrl-fds", CONFIG_NUMBER, NULL, 1, 128, "1", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-ctrl-recv-threads", CONFIG_NUMBER, NULL, 1, 128, "4", D, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-meta-fds", CONFIG_NUMBER, NULL, 1, 128, "1", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-meta-recv-threads", CONFIG_NUMBER, NULL, 1, 128, "4", D, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-rw-fds", CONFIG_NUMBER, NULL, 1, 128, "8", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-rw-recv-pools", CONFIG_NUMBER, NULL, 1, 16, "1", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.channel-rw-recv-threads", CONFIG_NUMBER, NULL, 1, 128, "16", D, SHOWN, FABRIC_TUNING),
    TUNING_TRUTH(CONFIG_NETWORK, "fabric.keepalive-enabled", "true", S, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.keepalive-intvl", CONFIG_SECONDS, "s", 0, MAX_U32, "1", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.keepalive-probes", CONFIG_NUMBER, NULL, 0, MAX_U32, "10", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.keepalive-time", CONFIG_SECONDS, "s", 0, MAX_U32, "1", S, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.latency-max-ms", CONFIG_NUMBER, "ms", 0, 1000, "5", S, SHOWN, FABRIC_TUNING),
    NUMBER(CONFIG_NETWORK, "fabric.port", NULL, CONFIG_NUMBER, CONFIG_KEPT_U16, AT(network.fabric_port), NULL, 1, 65535, "3001", S, "port for the data of other nodes"),
    TUNING(CONFIG_NETWORK, "fabric.recv-rearm-threshold", CONFIG_NUMBER, "bytes", 0, 1048576, "1024", D, SHOWN, FABRIC_TUNING),
    TUNING(CONFIG_NETWORK, "fabric.send-threads", CONFIG_NUMBER, NULL, 1, 128, "8", S, SHOWN, FABRIC_TUNING),

    // namespace
    REFUSED(CONFIG_NAMESPACE, "active-rack", "0", "0", SHOWN, "a rack that holds all masters is" NOT_BUILT),
    TRUTH(CONFIG_NAMESPACE, "allow-ttl-without-nsup", NULL, NS(allow_ttl_without_nsup), "false", D, "accept times to live although nothing removes expired records"),
    REFUSED(CONFIG_NAMESPACE, "apply-ttl-reductions", "true|yes", "true", SHOWN, "a write always sets the time to live it asks for; remove the line"),
    REFUSED(CONFIG_NAMESPACE, "auto-revive", "false|no", "false", SHOWN, "strong consistency is" NOT_BUILT),
    NUMBER(CONFIG_NAMESPACE, "background-query-max-rps", "background-scan-max-rps", CONFIG_NUMBER, CONFIG_KEPT_U32, NS(background_query_max_rps), "records/s", 1, 1000000, "10000", D, "most records a second for one background query"),
    {.context = CONFIG_NAMESPACE, .name = "conflict-resolution-policy", .type = CONFIG_CHOICE, .kept = CONFIG_KEPT_U32, .at = NS(conflict_resolution_policy), .choices = "generation|last-update-time", .built_in = "generation", D, SHOWN, .help = "which of two diverged records wins"},
    REFUSED(CONFIG_NAMESPACE, "conflict-resolve-writes", "false|no", "false", SHOWN, "resolving conflicts of writes is" NOT_BUILT),
    NUMBER(CONFIG_NAMESPACE, "default-read-touch-ttl-pct", NULL, CONFIG_NUMBER, CONFIG_KEPT_I32, NS(default_read_touch_ttl_pct), "%", -1, 100, "0", D, "a read in the last so many percent of a record's life renews it; 0 and -1: off"),
    NUMBER(CONFIG_NAMESPACE, "default-ttl", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, NS(default_ttl_s), "s", 0, MAX_TTL_S, "0", D, "time to live of records whose writer says none; 0: they never expire"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "disable-cold-start-eviction", "false", S, "memory is empty at start"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "disable-mrt-writes", "false", D, "multi-record transactions are not built yet"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "disable-write-dup-res", "false", D, "takes effect once nodes form clusters"),
    REFUSED(CONFIG_NAMESPACE, "disallow-expunge", "false|no", "false", SHOWN, "durable deletes are" NOT_BUILT),
    TRUTH(CONFIG_NAMESPACE, "disallow-null-setname", NULL, NS(disallow_null_setname), "false", D, "refuse records without a set"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-batch-sub", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-ops-sub", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-read", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-udf", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-udf-sub", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-benchmarks-write", "false", D, "this histogram is not kept"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "enable-hist-proxy", "false", D, "this histogram is not kept"),
    NUMBER(CONFIG_NAMESPACE, "evict-hist-buckets", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, NS(evict_hist_buckets), "buckets", 100, 10000000, "10000", D, "fineness of the choice what to evict"),
    NUMBER(CONFIG_NAMESPACE, "evict-indexes-memory-pct", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, NS(evict_indexes_memory_pct), "%", 0, 100, "0", D, "evict when indexes fill so much of indexes-memory-budget; 0: off"),
    NUMBER(CONFIG_NAMESPACE, "evict-tenths-pct", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, NS(evict_tenths_pct), "0.1 %", 1, 1000, "5", D, "share of records to evict in one cycle"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "force-long-queries", "false", D, "queries are not told apart by length"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "ignore-migrate-fill-delay", "false", D, "takes effect once nodes form clusters"),
    TUNING(CONFIG_NAMESPACE, "index-stage-size", CONFIG_SIZE, "bytes", 1, MAX_SIZE, "1G", S, SHOWN, "the index grows a little at a time"),
    NUMBER(CONFIG_NAMESPACE, "indexes-memory-budget", NULL, CONFIG_SIZE, CONFIG_KEPT_U64, NS(indexes_memory_budget), "bytes", 0, MAX_SIZE, "0", D, "memory that indexes may take; writes stop there; 0: no limit of its own"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "inline-short-queries", "false", D, "queries have threads of their own"),
    NUMBER(CONFIG_NAMESPACE, "max-record-size", NULL, CONFIG_SIZE, CONFIG_KEPT_U32, NS(max_record_size), "bytes", 64, LIMIT_RECORD_SIZE_MAX, "1M", D, "largest record"),
    TUNING(CONFIG_NAMESPACE, "migrate-order", CONFIG_NUMBER, NULL, 1, 10, "5", D, SHOWN, "takes effect once nodes form clusters"),
    TUNING(CONFIG_NAMESPACE, "migrate-retransmit-ms", CONFIG_NUMBER, "ms", 0, MAX_U32, "5000", D, SHOWN, "takes effect once nodes form clusters"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "migrate-skip-unreadable", "false", D, "takes effect once nodes form clusters"),
    TUNING(CONFIG_NAMESPACE, "migrate-sleep", CONFIG_NUMBER, "us", 0, MAX_U32, "1", D, SHOWN, "takes effect once nodes form clusters"),
    TUNING(CONFIG_NAMESPACE, "mrt-duration", CONFIG_SECONDS, "s", 0, 120, "0", D, SHOWN, "multi-record transactions are not built yet"),
    NUMBER(CONFIG_NAMESPACE, "nsup-hist-period", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, NS(nsup_hist_period_s), "s", 0, MAX_U32, "3600", D, "period of the histograms of sizes and times to live; 0: none"),
    NUMBER(CONFIG_NAMESPACE, "nsup-period", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, NS(nsup_period_s), "s", 0, MAX_U32, "120", D, "period of the removal of expired records and of eviction; 0: off, and times to live are refused"),
    TUNING(CONFIG_NAMESPACE, "nsup-threads", CONFIG_NUMBER, NULL, 1, 128, "1", D, SHOWN, "one thread removes expired records"),
    TUNING(CONFIG_NAMESPACE, "partition-tree-sprigs", CONFIG_NUMBER, NULL, 16, 268435456, "256", S, SHOWN, "the index is not a tree"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "prefer-uniform-balance", "true", D, "balance is always uniform"),
    {.context = CONFIG_NAMESPACE, .name = "rack-id", .type = CONFIG_NUMBER, .kept = CONFIG_KEPT_U32, .at = NS(rack_id), .max = 1000000, .built_in = "0", D, SHOWN, .help = "rack of this node, told to clients that prefer a rack; 0: none"},
    {.context = CONFIG_NAMESPACE, .name = "read-consistency-level-override", .type = CONFIG_CHOICE, .choices = "off|one|all", .built_in = "off", D, SHOWN, .treatment = CONFIG_WAITING, .help = "copies to ask for each read, whatever the client says"},
    REFUSED(CONFIG_NAMESPACE, "reject-non-xdr-writes", "false|no", "false", SHOWN, "shipping between clusters is" NOT_BUILT),
    TUNING_TRUTH(CONFIG_NAMESPACE, "reject-xdr-writes", "false", D, "shipping between clusters is not built yet"),
    {.context = CONFIG_NAMESPACE, .name = "replication-factor", .older = "repl-factor", .type = CONFIG_NUMBER, .kept = CONFIG_KEPT_U32, .at = NS(replication_factor), .unit = "copies", .min = 1, .max = 256, .built_in = "2", SHOWN, .help = "copies of each record; never more than there are nodes"},
    TUNING(CONFIG_NAMESPACE, "sindex-stage-size", CONFIG_SIZE, "bytes", 1, MAX_SIZE, "1G", S, SHOWN, "secondary indexes are not built yet"),
    {.context = CONFIG_NAMESPACE, .name = "single-query-threads", .older = "single-scan-threads", .type = CONFIG_NUMBER, .unit = "threads", .min = 1, .max = 128, .built_in = "4", D, SHOWN, .treatment = CONFIG_TUNING, .help = "one thread works on one query"},
    NUMBER(CONFIG_NAMESPACE, "stop-writes-sys-memory-pct", NULL, CONFIG_NUMBER, CONFIG_KEPT_U32, NS(stop_writes_sys_memory_pct), "%", 0, 100, "90", D, "refuse writes when so much of the machine's or container's memory is in use; 0: off"),
    REFUSED(CONFIG_NAMESPACE, "strong-consistency", "false|no", "false", SHOWN, "strong consistency is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "strong-consistency-allow-expunge", "false|no", "false", SHOWN, "strong consistency is" NOT_BUILT),
    NUMBER(CONFIG_NAMESPACE, "tomb-raider-eligible-age", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, NS(tomb_raider_eligible_age_s), "s", 0, MAX_U32, "86400", D, "age from which tombstones are removed though a node that was once in the cluster is away; without such a node they go after seconds"),
    NUMBER(CONFIG_NAMESPACE, "tomb-raider-period", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, NS(tomb_raider_period_s), "s", 0, MAX_U32, "86400", D, "period of the removal of old tombstones while a node that was once in the cluster is away; 0: none then"),
    TUNING(CONFIG_NAMESPACE, "tomb-raider-unmark-threads", CONFIG_NUMBER, NULL, 0, 128, "0", D, SHOWN, "one thread removes tombstones"),
    TUNING(CONFIG_NAMESPACE, "transaction-pending-limit", CONFIG_NUMBER, NULL, 0, MAX_U32, "20", D, SHOWN, "requests for one record do not queue here"),
    TUNING(CONFIG_NAMESPACE, "truncate-threads", CONFIG_NUMBER, NULL, 1, 128, "4", D, SHOWN, "one thread removes truncated records"),
    {.context = CONFIG_NAMESPACE, .name = "write-commit-level-override", .type = CONFIG_CHOICE, .kept = CONFIG_KEPT_U32, .at = NS(write_commit_level_override), .choices = "off|master|all", .built_in = "off", D, SHOWN, .treatment = CONFIG_WAITING, .help = "copies to write before the answer, whatever the client says"},
    TUNING(CONFIG_NAMESPACE, "xdr-bin-tombstone-ttl", CONFIG_SECONDS, "s", 0, MAX_U32, "86400", D, SHOWN, "shipping between clusters is not built yet"),
    TUNING(CONFIG_NAMESPACE, "xdr-tomb-raider-period", CONFIG_SECONDS, "s", 0, MAX_U32, "120", D, SHOWN, "shipping between clusters is not built yet"),
    TUNING(CONFIG_NAMESPACE, "xdr-tomb-raider-threads", CONFIG_NUMBER, NULL, 1, 128, "1", D, SHOWN, "shipping between clusters is not built yet"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "geo2dsphere-within.strict", "true", D, "queries by place are not built yet"),
    TUNING(CONFIG_NAMESPACE, "geo2dsphere-within.min-level", CONFIG_NUMBER, NULL, 0, 30, "1", D, SHOWN, "queries by place are not built yet"),
    TUNING(CONFIG_NAMESPACE, "geo2dsphere-within.max-level", CONFIG_NUMBER, NULL, 0, 30, "20", D, SHOWN, "queries by place are not built yet"),
    TUNING(CONFIG_NAMESPACE, "geo2dsphere-within.max-cells", CONFIG_NUMBER, NULL, 1, 256, "12", D, SHOWN, "queries by place are not built yet"),
    TUNING(CONFIG_NAMESPACE, "geo2dsphere-within.level-mod", CONFIG_NUMBER, NULL, 1, 3, "1", D, SHOWN, "queries by place are not built yet"),
    TUNING(CONFIG_NAMESPACE, "geo2dsphere-within.earth-radius-meters", CONFIG_NUMBER, "m", 1, MAX_U32, "6371000", D, SHOWN, "queries by place are not built yet"),
    REFUSED(CONFIG_NAMESPACE, "index-type", "mem|shmem", "mem", SHOWN, "the index is always in memory; remove the line, or use `index-type shmem`"),
    REFUSED(CONFIG_NAMESPACE, "sindex-type", "mem|shmem", "mem", SHOWN, "indexes are always in memory; remove the line, or use `sindex-type shmem`"),
    REFUSED(CONFIG_NAMESPACE, "storage-engine", "memory", "memory", SHOWN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.commit-to-device", "false|no", "false", SHOWN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.compression", "none", "none", SHOWN, "compression of records is" NOT_BUILT),
    TUNING(CONFIG_NAMESPACE, "storage-engine.compression-acceleration", CONFIG_NUMBER, NULL, 0, 65537, "0", D, SHOWN, "compression of records is not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.compression-level", CONFIG_NUMBER, NULL, 0, 9, "0", D, SHOWN, "compression of records is not built yet"),
    NUMBER(CONFIG_NAMESPACE, "storage-engine.data-size", "memory-size", CONFIG_SIZE, CONFIG_KEPT_U64, NS(data_size), "bytes", 1048576, MAX_SIZE, NULL, D, "memory that records may take; 60 % of the memory this process may use, shared by the namespaces that give none"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.defrag-lwm-pct", CONFIG_NUMBER, "%", 1, 99, "50", D, SHOWN, "memory needs no defragmentation here"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.defrag-queue-min", CONFIG_NUMBER, NULL, 0, MAX_U32, "0", D, SHOWN, "memory needs no defragmentation here"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.defrag-sleep", CONFIG_NUMBER, "us", 0, MAX_U32, "1000", D, SHOWN, "memory needs no defragmentation here"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.defrag-startup-minimum", CONFIG_NUMBER, "%", 0, 99, "0", S, SHOWN, "memory needs no defragmentation here"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "storage-engine.direct-files", "false", S, "files and devices are not built yet"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "storage-engine.disable-odsync", "false", S, "files and devices are not built yet"),
    TUNING_TRUTH(CONFIG_NAMESPACE, "storage-engine.enable-benchmarks-storage", "false", D, "this histogram is not kept"),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.encryption-key-file", "null", NULL, SHOWN, "encryption of records is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.encryption-old-key-file", "null", NULL, SHOWN, "encryption of records is" NOT_BUILT),
    NUMBER(CONFIG_NAMESPACE, "storage-engine.evict-used-pct", "high-water-memory-pct", CONFIG_NUMBER, CONFIG_KEPT_U32, NS(evict_used_pct), "%", 0, 100, "0", D, "evict records nearest to their expiry when so much of data-size is in use; 0: off"),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.filesize", "0", "0", SHOWN, NO_FILES),
    TUNING(CONFIG_NAMESPACE, "storage-engine.flush-max-ms", CONFIG_NUMBER, "ms", 0, 1000, "1000", D, SHOWN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.max-write-cache", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "64M", D, SHOWN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.stop-writes-avail-pct", CONFIG_NUMBER, "%", 0, 100, "5", D, SHOWN, "memory needs no free blocks here; stop-writes-used-pct decides"),
    NUMBER(CONFIG_NAMESPACE, "storage-engine.stop-writes-used-pct", "stop-writes-pct storage-engine.max-used-pct", CONFIG_NUMBER, CONFIG_KEPT_U32, NS(stop_writes_used_pct), "%", 0, 100, "90", D, "refuse writes when so much of data-size is in use; 0: off"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.tomb-raider-sleep", CONFIG_NUMBER, "us", 0, MAX_U32, "1000", D, SHOWN, "removing tombstones reads no device"),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.file", NULL, NULL, HIDDEN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.device", NULL, NULL, HIDDEN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.shadow", NULL, NULL, HIDDEN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.data-in-memory", "true|yes", NULL, HIDDEN, NO_FILES),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.encryption", "none", NULL, HIDDEN, "encryption of records is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "storage-engine.persist", "false|no", NULL, HIDDEN, NO_FILES),
    TUNING(CONFIG_NAMESPACE, "storage-engine.read-page-cache", CONFIG_BOOL, NULL, 0, 0, "false", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.post-write-cache", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "256M", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.post-write-queue", CONFIG_NUMBER, NULL, 0, 8192, "256", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.cache-replica-writes", CONFIG_BOOL, NULL, 0, 0, "false", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.cold-start-empty", CONFIG_BOOL, NULL, 0, 0, "false", S, HIDDEN, "memory is empty at start"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.serialize-tomb-raider", CONFIG_BOOL, NULL, 0, 0, "false", S, HIDDEN, "one thread removes tombstones"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.sindex-startup-device-scan", CONFIG_BOOL, NULL, 0, 0, "false", S, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.write-block-size", CONFIG_SIZE, "bytes", 1024, 8388608, "1M", S, HIDDEN, "memory has no write blocks here; max-record-size bounds records"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.flush-size", CONFIG_SIZE, "bytes", 1024, 8388608, "1M", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.commit-min-size", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "0", S, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.enable-osync", CONFIG_BOOL, NULL, 0, 0, "false", S, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.disable-odirect", CONFIG_BOOL, NULL, 0, 0, "false", S, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.fsync-max-sec", CONFIG_SECONDS, "s", 0, MAX_U32, "0", D, HIDDEN, "files and devices are not built yet"),
    TUNING(CONFIG_NAMESPACE, "storage-engine.scheduler-mode", CONFIG_TEXT, NULL, 0, 0, NULL, S, HIDDEN, "files and devices are not built yet"),
    OBSOLETE(CONFIG_NAMESPACE, "storage-engine.load-at-startup", "memory is empty at start"),
    OBSOLETE(CONFIG_NAMESPACE, "storage-engine.min-avail-pct", "memory needs no free blocks here"),
    OBSOLETE(CONFIG_NAMESPACE, "storage-engine.defrag-period", "memory needs no defragmentation here"),
    OBSOLETE(CONFIG_NAMESPACE, "storage-engine.defrag-max-blocks", "memory needs no defragmentation here"),
    OBSOLETE(CONFIG_NAMESPACE, "storage-engine.write-threads", OLD_THREADS),
    REFUSED(CONFIG_NAMESPACE, "index-type.mount", NULL, NULL, HIDDEN, "the index is always in memory; remove the line"),
    REFUSED(CONFIG_NAMESPACE, "sindex-type.mount", NULL, NULL, HIDDEN, "indexes are always in memory; remove the line"),
    TUNING(CONFIG_NAMESPACE, "index-type.mounts-budget", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "0", D, HIDDEN, "the index has no mount"),
    TUNING(CONFIG_NAMESPACE, "index-type.mounts-size-limit", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "0", D, HIDDEN, "the index has no mount"),
    TUNING(CONFIG_NAMESPACE, "index-type.evict-mounts-pct", CONFIG_NUMBER, "%", 0, 100, "0", D, HIDDEN, "the index has no mount"),
    TUNING(CONFIG_NAMESPACE, "index-type.mounts-high-water-pct", CONFIG_NUMBER, "%", 0, 100, "0", D, HIDDEN, "the index has no mount"),
    TUNING(CONFIG_NAMESPACE, "sindex-type.mounts-budget", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "0", D, HIDDEN, "indexes have no mount"),
    TUNING(CONFIG_NAMESPACE, "sindex-type.mounts-size-limit", CONFIG_SIZE, "bytes", 0, MAX_SIZE, "0", D, HIDDEN, "indexes have no mount"),
    TUNING(CONFIG_NAMESPACE, "sindex-type.evict-mounts-pct", CONFIG_NUMBER, "%", 0, 100, "0", D, HIDDEN, "indexes have no mount"),
    TUNING(CONFIG_NAMESPACE, "sindex-type.mounts-high-water-pct", CONFIG_NUMBER, "%", 0, 100, "0", D, HIDDEN, "indexes have no mount"),
    TUNING(CONFIG_NAMESPACE, "evict-sys-memory-pct", CONFIG_NUMBER, "%", 0, 0, "0", D, HIDDEN, "evict-used-pct decides about eviction"),
    REFUSED(CONFIG_NAMESPACE, "single-bin", "false|no", NULL, HIDDEN, "records without bin names are not kept here; remove the line and let clients name their bins"),
    REFUSED(CONFIG_NAMESPACE, "data-in-index", "false|no", NULL, HIDDEN, "records without bin names are not kept here; remove the line"),
    REFUSED(CONFIG_NAMESPACE, "enable-xdr", "false|no", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "sets-enable-xdr", "false|no|true|yes", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "xdr-remote-datacenter", NULL, NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "ns-forward-xdr-writes", "false|no", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "allow-xdr-writes", "true|yes|false|no", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    REFUSED(CONFIG_NAMESPACE, "allow-nonxdr-writes", "true|yes", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    OBSOLETE(CONFIG_NAMESPACE, "high-water-disk-pct", "files and devices are not built yet"),
    OBSOLETE(CONFIG_NAMESPACE, "high-water-pct", "evict-used-pct decides about eviction"),
    OBSOLETE(CONFIG_NAMESPACE, "low-water-pct", "evict-used-pct decides about eviction"),
    OBSOLETE(CONFIG_NAMESPACE, "max-ttl", "there is one limit, ten years"),
    OBSOLETE(CONFIG_NAMESPACE, "cold-start-evict-ttl", "memory is empty at start"),
    OBSOLETE(CONFIG_NAMESPACE, "obj-size-hist-max", "the histogram's width is fixed"),
    OBSOLETE(CONFIG_NAMESPACE, "partition-tree-locks", "the index is not a tree"),
    OBSOLETE(CONFIG_NAMESPACE, "sindex-data-max-memory", "secondary indexes of an old version"),
    OBSOLETE(CONFIG_NAMESPACE, "ldt-enabled", "large data types are long gone"),
    OBSOLETE(CONFIG_NAMESPACE, "ldt-gc-rate", "large data types are long gone"),
    OBSOLETE(CONFIG_NAMESPACE, "ldt-page-size", "large data types are long gone"),

    // set
    TRUTH(CONFIG_SET, "disable-eviction", "set-disable-eviction", SET(disable_eviction), "false", D, "never evict records of this set"),
    {.context = CONFIG_SET, .name = "enable-index", .type = CONFIG_BOOL, .kept = CONFIG_KEPT_BOOL, .at = SET(enable_index), .built_in = "false", D, SHOWN, .treatment = CONFIG_TUNING, .help = "scans of one set look through its namespace"},
    NUMBER(CONFIG_SET, "default-read-touch-ttl-pct", NULL, CONFIG_NUMBER, CONFIG_KEPT_I32, SET(default_read_touch_ttl_pct), "%", -1, 100, "0", D, "as the namespace's; 0: the namespace's, -1: off"),
    NUMBER(CONFIG_SET, "default-ttl", NULL, CONFIG_SECONDS, CONFIG_KEPT_U32, SET(default_ttl_s), "s", 0, MAX_TTL_S, "0", D, "as the namespace's; 0: the namespace's"),
    NUMBER(CONFIG_SET, "stop-writes-count", "set-stop-writes-count set-stop-write-count", CONFIG_NUMBER, CONFIG_KEPT_U64, SET(stop_writes_count), "records", 0, MAX_SIZE, "0", D, "refuse new records when the set holds so many; 0: off"),
    NUMBER(CONFIG_SET, "stop-writes-size", NULL, CONFIG_SIZE, CONFIG_KEPT_U64, SET(stop_writes_size), "bytes", 0, MAX_SIZE, "0", D, "refuse writes when the set's records take so much; 0: off"),
    REFUSED(CONFIG_SET, "set-enable-xdr", "false|no|use-default", NULL, HIDDEN, "shipping between clusters is" NOT_BUILT),
    OBSOLETE(CONFIG_SET, "set-evict-hwm-count", "evict-used-pct of the namespace decides about eviction"),
};
// clang-format on

const uint32_t config_row_count = sizeof config_rows / sizeof config_rows[0];

#define SECTION(above, nm, arg, ctx, pre, hlp)                                                     \
    {                                                                                              \
        .parent = above, .word = nm, .argument = arg, .context = ctx, .prefix = pre, .help = hlp   \
    }
#define SECTION_REFUSED(above, nm, arg, fine, hlp)                                                 \
    {                                                                                              \
        .parent = above, .word = nm, .argument = arg, .context = CONFIG_OTHER, .prefix = "",       \
        .treatment = CONFIG_REFUSED, .harmless = fine, .help = hlp                                 \
    }

// clang-format off
const struct config_section config_sections[] = {
    SECTION("", "service", CONFIG_ARGUMENT_NONE, CONFIG_SERVICE, "", "the process"),
    SECTION("", "logging", CONFIG_ARGUMENT_NONE, CONFIG_LOGGING, "", "where the log goes; standard output when not given"),
    SECTION("logging", "file", CONFIG_ARGUMENT_PATH, CONFIG_LOGGING, "file.", "a log file, opened again on SIGHUP"),
    SECTION("logging", "console", CONFIG_ARGUMENT_NONE, CONFIG_LOGGING, "console.", "standard output"),
    SECTION_REFUSED("logging", "syslog", CONFIG_ARGUMENT_NONE, NULL, "logging to syslog is not built yet; use `console` and let the service manager collect it"),
    SECTION("", "network", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "", "addresses and ports"),
    SECTION("network", "service", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "service.", "for clients"),
    SECTION("network", "heartbeat", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "heartbeat.", "for other nodes: who is there"),
    SECTION("network", "fabric", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "fabric.", "for other nodes: data"),
    SECTION("network", "info", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "info.", "plain-text info for people with telnet"),
    SECTION("network", "admin", CONFIG_ARGUMENT_NONE, CONFIG_NETWORK, "admin.", "a port for administrators alone"),
    SECTION_REFUSED("network", "tls", CONFIG_ARGUMENT_NAME, NULL, "encrypted connections are not built yet; remove the section"),
    SECTION("", "namespace", CONFIG_ARGUMENT_NAME, CONFIG_NAMESPACE, "", "a namespace; repeat it for several"),
    SECTION("namespace", "storage-engine", CONFIG_ARGUMENT_VALUE, CONFIG_NAMESPACE, "storage-engine.", "where records are kept"),
    SECTION("namespace", "index-type", CONFIG_ARGUMENT_VALUE, CONFIG_NAMESPACE, "index-type.", "where the index is kept"),
    SECTION("namespace", "sindex-type", CONFIG_ARGUMENT_VALUE, CONFIG_NAMESPACE, "sindex-type.", "where secondary indexes are kept"),
    SECTION("namespace", "geo2dsphere-within", CONFIG_ARGUMENT_NONE, CONFIG_NAMESPACE, "geo2dsphere-within.", "how regions are covered with cells"),
    SECTION("namespace", "set", CONFIG_ARGUMENT_NAME, CONFIG_SET, "", "values of one set"),
    SECTION_REFUSED("", "security", CONFIG_ARGUMENT_NONE, "enable-security false", "access control is not built yet; remove the section, and let only trusted hosts reach the node"),
    SECTION_REFUSED("", "mod-lua", CONFIG_ARGUMENT_NONE, NULL, "user functions are not built yet; remove the section"),
    SECTION_REFUSED("", "xdr", CONFIG_ARGUMENT_NONE, "enable-xdr false", "shipping between clusters is not built yet; remove the section"),
    {.parent = "", .word = "cluster", .context = CONFIG_OTHER, .prefix = "", .treatment = CONFIG_OBSOLETE, .help = "racks of an old version; use rack-id in the namespace"},
};
// clang-format on

const uint32_t config_section_count = sizeof config_sections / sizeof config_sections[0];
