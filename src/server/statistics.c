// SPDX-License-Identifier: Apache-2.0
// Two tables of names; the values are gathered once for each showing.
#include "server/statistics.h"

#include <inttypes.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#include "cluster/replica.h"
#include "io/clock.h"
#include "io/system.h"
#include "server/jobs.h"
#include "server/service.h"
#include "server/statistics_cluster.h"
#include "server/ticker.h"

// The heap's own figures, when the program runs on jemalloc.
int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));

enum source {
    CONSTANT, // `text`
    COUNTER,  // summed over all threads, at `offset`
    NUMBER,   // numbers[offset]
    TRUTH,    // numbers[offset] as true or false
    WORD,     // words[offset]
};

struct row {
    const char *name;
    enum source source;
    uint32_t offset;
    const char *text;
};

// What is gathered for the node.
enum node_number {
    N_UPTIME,
    N_CPU_TOTAL,
    N_CPU_USER,
    N_CPU_KERNEL,
    N_CPU_PROCESS,
    N_FREE_KB,
    N_FREE_PCT,
    N_HOST_FREE_KB,
    N_HOST_FREE_PCT,
    N_THP_KB,
    N_THREADS,
    N_HEAP_ALLOCATED_KB,
    N_HEAP_ACTIVE_KB,
    N_HEAP_MAPPED_KB,
    N_HEAP_EFFICIENCY_PCT,
    N_OBJECTS,
    N_TOMBSTONES,
    N_CONNECTIONS,
    N_FABRIC_CONNECTIONS,
    N_OPERATIONS,
    N_PROXIED,
    N_QUERIES,
    N_CLUSTER, // and on: enum statistics_cluster_number
    N_COUNT = N_CLUSTER + C_COUNT,
};

enum node_word { W_PRINCIPAL, W_DUPLICATES, W_CLUSTER_KEY, W_BATCH_QUEUE, W_NODE_COUNT };

// What is gathered for a namespace.
enum namespace_number {
    S_OBJECTS,
    S_TOMBSTONES,
    S_MASTER_OBJECTS,
    S_MASTER_TOMBSTONES,
    S_PROLE_OBJECTS,
    S_PROLE_TOMBSTONES,
    S_NON_REPLICA_OBJECTS,
    S_NON_REPLICA_TOMBSTONES,
    S_STOP_WRITES,
    S_HWM_BREACHED,
    S_NOW,
    S_NON_EXPIRABLE,
    S_EVICT_TTL,
    S_EVICT_VOID_TIME,
    S_CYCLE_DURATION,
    S_TRUNCATE_LUT,
    S_TRUNCATING,
    S_INDEX_BYTES,
    S_INDEXES_PCT,
    S_DATA_TOTAL,
    S_DATA_USED,
    S_DATA_USED_PCT,
    S_DATA_AVAIL_PCT,
    S_SPACE, // and on: enum statistics_space_number
    S_COUNT = S_SPACE + P_COUNT,
};

enum namespace_word { W_CYCLE_DELETED_PCT, W_NAMESPACE_COUNT };

enum { WORD_SIZE = 4 * LIMIT_SERVICE_THREADS + 16 };

#define ZERO(nm)                                                                                   \
    {                                                                                              \
        .name = nm, .source = CONSTANT, .text = "0"                                                \
    }
#define TEXT(nm, value)                                                                            \
    {                                                                                              \
        .name = nm, .source = CONSTANT, .text = value                                              \
    }
#define NODE_COUNT(nm)                                                                             \
    {                                                                                              \
        .name = #nm, .source = COUNTER, .offset = offsetof(struct counters_node, nm)               \
    }
#define COUNT(nm)                                                                                  \
    {                                                                                              \
        .name = #nm, .source = COUNTER, .offset = offsetof(struct counters_namespace, nm)          \
    }
#define NUMBER_OF(nm, which)                                                                       \
    {                                                                                              \
        .name = nm, .source = NUMBER, .offset = which                                              \
    }
#define TRUTH_OF(nm, which)                                                                        \
    {                                                                                              \
        .name = nm, .source = TRUTH, .offset = which                                               \
    }
#define WORD_OF(nm, which)                                                                         \
    {                                                                                              \
        .name = nm, .source = WORD, .offset = which                                                \
    }

static const struct row node_rows[] = {
    TEXT("failed_best_practices", "false"),
    NUMBER_OF("cluster_size", N_CLUSTER + C_SIZE),
    WORD_OF("cluster_key", W_CLUSTER_KEY),
    NUMBER_OF("cluster_generation", N_CLUSTER + C_VIEWS),
    WORD_OF("cluster_principal", W_PRINCIPAL),
    TEXT("cluster_min_compatibility_id", "15"),
    TEXT("cluster_max_compatibility_id", "15"),
    TRUTH_OF("cluster_integrity", N_CLUSTER + C_INTEGRITY),
    TRUTH_OF("cluster_is_member", N_CLUSTER + C_MEMBER),
    WORD_OF("cluster_duplicate_nodes", W_DUPLICATES),
    ZERO("cluster_clock_skew_stop_writes_sec"),
    ZERO("cluster_clock_skew_ms"),
    TEXT("cluster_clock_skew_outliers", "null"),
    NUMBER_OF("uptime", N_UPTIME),
    NUMBER_OF("system_total_cpu_pct", N_CPU_TOTAL),
    NUMBER_OF("system_user_cpu_pct", N_CPU_USER),
    NUMBER_OF("system_kernel_cpu_pct", N_CPU_KERNEL),
    NUMBER_OF("system_free_mem_kbytes", N_FREE_KB),
    NUMBER_OF("system_free_mem_pct", N_FREE_PCT),
    NUMBER_OF("host_free_mem_kbytes", N_HOST_FREE_KB),
    NUMBER_OF("host_free_mem_pct", N_HOST_FREE_PCT),
    NUMBER_OF("system_thp_mem_kbytes", N_THP_KB),
    NUMBER_OF("process_cpu_pct", N_CPU_PROCESS),
    NUMBER_OF("threads_joinable", N_THREADS),
    ZERO("threads_detached"),
    ZERO("threads_pool_total"),
    ZERO("threads_pool_active"),
    NUMBER_OF("heap_allocated_kbytes", N_HEAP_ALLOCATED_KB),
    NUMBER_OF("heap_active_kbytes", N_HEAP_ACTIVE_KB),
    NUMBER_OF("heap_mapped_kbytes", N_HEAP_MAPPED_KB),
    NUMBER_OF("heap_efficiency_pct", N_HEAP_EFFICIENCY_PCT),
    ZERO("heap_site_count"),
    NUMBER_OF("objects", N_OBJECTS),
    NUMBER_OF("tombstones", N_TOMBSTONES),
    ZERO("info_queue"),
    NUMBER_OF("rw_in_progress", N_OPERATIONS),
    NUMBER_OF("proxy_in_progress", N_PROXIED),
    ZERO("tree_gc_queue"),
    NUMBER_OF("client_connections", N_CONNECTIONS),
    NODE_COUNT(client_connections_opened),
    NODE_COUNT(client_connections_closed),
    ZERO("admin_connections"),
    ZERO("admin_connections_opened"),
    ZERO("admin_connections_closed"),
    NUMBER_OF("heartbeat_connections", N_CLUSTER + C_HEARTBEAT_CONNECTIONS),
    NUMBER_OF("heartbeat_connections_opened", N_CLUSTER + C_HEARTBEAT_OPENED),
    NUMBER_OF("heartbeat_connections_closed", N_CLUSTER + C_HEARTBEAT_CLOSED),
    NUMBER_OF("fabric_connections", N_FABRIC_CONNECTIONS),
    NODE_COUNT(fabric_connections_opened),
    NODE_COUNT(fabric_connections_closed),
    NUMBER_OF("heartbeat_received_self", N_CLUSTER + C_HEARTBEAT_SELF),
    NUMBER_OF("heartbeat_received_foreign", N_CLUSTER + C_HEARTBEAT_FOREIGN),
    NODE_COUNT(reaped_fds),
    NODE_COUNT(info_complete),
    ZERO("info_timeout"),
    NODE_COUNT(demarshal_error),
    NODE_COUNT(early_tsvc_client_error),
    NODE_COUNT(early_tsvc_from_proxy_error),
    ZERO("early_tsvc_from_proxy_batch_sub_error"),
    NUMBER_OF("long_queries_active", N_QUERIES),
    NODE_COUNT(batch_index_initiate),
    WORD_OF("batch_index_queue", W_BATCH_QUEUE),
    NODE_COUNT(batch_index_complete),
    NODE_COUNT(batch_index_error),
    NODE_COUNT(batch_index_timeout),
    ZERO("batch_index_delay"),
    ZERO("batch_index_unused_buffers"),
    ZERO("batch_index_huge_buffers"),
    ZERO("batch_index_created_buffers"),
    ZERO("batch_index_destroyed_buffers"),
    TEXT("batch_index_proto_uncompressed_pct", "0.000"),
    TEXT("batch_index_proto_compression_ratio", "1.000"),
    WORD_OF("paxos_principal", W_PRINCIPAL),
    NUMBER_OF("time_since_rebalance", N_CLUSTER + C_SINCE_REBALANCE_S),
    TEXT("migrate_allowed", "true"),
    NUMBER_OF("migrate_partitions_remaining", N_CLUSTER + C_MIGRATIONS_REMAINING),
    ZERO("fabric_bulk_send_rate"),
    ZERO("fabric_bulk_recv_rate"),
    ZERO("fabric_ctrl_send_rate"),
    ZERO("fabric_ctrl_recv_rate"),
    ZERO("fabric_meta_send_rate"),
    ZERO("fabric_meta_recv_rate"),
    ZERO("fabric_rw_send_rate"),
    ZERO("fabric_rw_recv_rate"),
    NODE_COUNT(deprecated_requests),
};

static const struct row namespace_rows[] = {
    NUMBER_OF("ns_cluster_size", S_SPACE + P_SIZE),
    NUMBER_OF("effective_replication_factor", S_SPACE + P_FACTOR),
    NUMBER_OF("objects", S_OBJECTS),
    NUMBER_OF("tombstones", S_TOMBSTONES),
    ZERO("xdr_tombstones"),
    ZERO("xdr_bin_cemeteries"),
    ZERO("mrt_provisionals"),
    NUMBER_OF("master_objects", S_MASTER_OBJECTS),
    NUMBER_OF("master_tombstones", S_MASTER_TOMBSTONES),
    NUMBER_OF("prole_objects", S_PROLE_OBJECTS),
    NUMBER_OF("prole_tombstones", S_PROLE_TOMBSTONES),
    NUMBER_OF("non_replica_objects", S_NON_REPLICA_OBJECTS),
    NUMBER_OF("non_replica_tombstones", S_NON_REPLICA_TOMBSTONES),
    NUMBER_OF("unreplicated_records", S_SPACE + P_UNREPLICATED),
    NUMBER_OF("dead_partitions", S_SPACE + P_DEAD),
    NUMBER_OF("unavailable_partitions", S_SPACE + P_UNAVAILABLE),
    ZERO("auto_revived_partitions"),
    TEXT("clock_skew_stop_writes", "false"),
    TRUTH_OF("stop_writes", S_STOP_WRITES),
    TRUTH_OF("hwm_breached", S_HWM_BREACHED),
    NUMBER_OF("current_time", S_NOW),
    NUMBER_OF("non_expirable_objects", S_NON_EXPIRABLE),
    COUNT(expired_objects),
    COUNT(evicted_objects),
    NUMBER_OF("evict_ttl", S_EVICT_TTL),
    NUMBER_OF("evict_void_time", S_EVICT_VOID_TIME),
    NUMBER_OF("smd_evict_void_time", S_EVICT_VOID_TIME),
    NUMBER_OF("nsup_cycle_duration", S_CYCLE_DURATION),
    WORD_OF("nsup_cycle_deleted_pct", W_CYCLE_DELETED_PCT),
    ZERO("nsup_xdr_key_busy"),
    NUMBER_OF("truncate_lut", S_TRUNCATE_LUT),
    TRUTH_OF("truncating", S_TRUNCATING),
    ZERO("sindex_gc_cleaned"),
    ZERO("ttl_reductions_ignored"),
    ZERO("ttl_reductions_applied"),
    ZERO("mrt_monitors"),
    ZERO("mrt_monitors_active"),
    ZERO("xmem_id"),
    NUMBER_OF("index_used_bytes", S_INDEX_BYTES),
    ZERO("set_index_used_bytes"),
    ZERO("sindex_used_bytes"),
    NUMBER_OF("indexes_memory_used_pct", S_INDEXES_PCT),
    NUMBER_OF("data_total_bytes", S_DATA_TOTAL),
    NUMBER_OF("data_used_bytes", S_DATA_USED),
    NUMBER_OF("data_used_pct", S_DATA_USED_PCT),
    NUMBER_OF("data_avail_pct", S_DATA_AVAIL_PCT),
    TEXT("data_compression_ratio", "1.000"),
    TEXT("record_proto_uncompressed_pct", "0.000"),
    TEXT("record_proto_compression_ratio", "1.000"),
    TEXT("query_proto_uncompressed_pct", "0.000"),
    TEXT("query_proto_compression_ratio", "1.000"),
    TRUTH_OF("pending_quiesce", S_SPACE + P_PENDING_QUIESCE),
    TRUTH_OF("effective_is_quiesced", S_SPACE + P_QUIESCED),
    NUMBER_OF("nodes_quiesced", S_SPACE + P_NODES_QUIESCED),
    TEXT("effective_prefer_uniform_balance", "true"),
    ZERO("effective_active_rack"),
    ZERO("migrate_tx_partitions_imbalance"),
    ZERO("migrate_tx_instances"),
    ZERO("migrate_rx_instances"),
    NUMBER_OF("migrate_tx_partitions_active", S_SPACE + P_TX_ACTIVE),
    NUMBER_OF("migrate_rx_partitions_active", S_SPACE + P_RX_ACTIVE),
    NUMBER_OF("migrate_tx_partitions_initial", S_SPACE + P_TX_INITIAL),
    NUMBER_OF("migrate_tx_partitions_remaining", S_SPACE + P_TX_REMAINING),
    NUMBER_OF("migrate_tx_partitions_lead_remaining", S_SPACE + P_TX_LEAD),
    NUMBER_OF("migrate_rx_partitions_initial", S_SPACE + P_RX_INITIAL),
    NUMBER_OF("migrate_rx_partitions_remaining", S_SPACE + P_RX_REMAINING),
    NUMBER_OF("migrate_records_skipped", S_SPACE + P_RECORDS_SKIPPED),
    NUMBER_OF("migrate_records_transmitted", S_SPACE + P_RECORDS_SENT),
    NUMBER_OF("migrate_record_retransmits", S_SPACE + P_RECORDS_RESENT),
    NUMBER_OF("migrate_record_receives", S_SPACE + P_RECORDS_RECEIVED),
    ZERO("migrate_records_unreadable"),
    ZERO("migrate_signals_active"),
    ZERO("migrate_signals_remaining"),
    TEXT("migrate_fresh_partitions", "4096"),
    ZERO("appeals_tx_active"),
    ZERO("appeals_rx_active"),
    ZERO("appeals_tx_remaining"),
    ZERO("appeals_records_exonerated"),
    COUNT(client_tsvc_error),
    COUNT(client_tsvc_timeout),
    COUNT(client_proxy_complete),
    COUNT(client_proxy_error),
    COUNT(client_proxy_timeout),
    COUNT(client_read_success),
    COUNT(client_read_error),
    COUNT(client_read_timeout),
    COUNT(client_read_not_found),
    COUNT(client_read_filtered_out),
    COUNT(client_write_success),
    COUNT(client_write_error),
    COUNT(client_write_timeout),
    COUNT(client_write_filtered_out),
    ZERO("xdr_client_write_success"),
    ZERO("xdr_client_write_error"),
    ZERO("xdr_client_write_timeout"),
    COUNT(client_delete_success),
    COUNT(client_delete_error),
    COUNT(client_delete_timeout),
    COUNT(client_delete_not_found),
    COUNT(client_delete_filtered_out),
    ZERO("xdr_client_delete_success"),
    ZERO("xdr_client_delete_error"),
    ZERO("xdr_client_delete_timeout"),
    ZERO("xdr_client_delete_not_found"),
    ZERO("client_udf_complete"),
    ZERO("client_udf_error"),
    ZERO("client_udf_timeout"),
    ZERO("client_udf_filtered_out"),
    ZERO("client_lang_read_success"),
    ZERO("client_lang_write_success"),
    ZERO("client_lang_delete_success"),
    ZERO("client_lang_error"),
    COUNT(from_proxy_tsvc_error),
    COUNT(from_proxy_tsvc_timeout),
    COUNT(from_proxy_read_success),
    COUNT(from_proxy_read_error),
    COUNT(from_proxy_read_timeout),
    COUNT(from_proxy_read_not_found),
    COUNT(from_proxy_read_filtered_out),
    COUNT(from_proxy_write_success),
    COUNT(from_proxy_write_error),
    COUNT(from_proxy_write_timeout),
    COUNT(from_proxy_write_filtered_out),
    ZERO("xdr_from_proxy_write_success"),
    ZERO("xdr_from_proxy_write_error"),
    ZERO("xdr_from_proxy_write_timeout"),
    COUNT(from_proxy_delete_success),
    COUNT(from_proxy_delete_error),
    COUNT(from_proxy_delete_timeout),
    COUNT(from_proxy_delete_not_found),
    COUNT(from_proxy_delete_filtered_out),
    ZERO("xdr_from_proxy_delete_success"),
    ZERO("xdr_from_proxy_delete_error"),
    ZERO("xdr_from_proxy_delete_timeout"),
    ZERO("xdr_from_proxy_delete_not_found"),
    ZERO("from_proxy_udf_complete"),
    ZERO("from_proxy_udf_error"),
    ZERO("from_proxy_udf_timeout"),
    ZERO("from_proxy_udf_filtered_out"),
    ZERO("from_proxy_lang_read_success"),
    ZERO("from_proxy_lang_write_success"),
    ZERO("from_proxy_lang_delete_success"),
    ZERO("from_proxy_lang_error"),
    COUNT(batch_sub_tsvc_error),
    COUNT(batch_sub_tsvc_timeout),
    COUNT(batch_sub_proxy_complete),
    COUNT(batch_sub_proxy_error),
    COUNT(batch_sub_proxy_timeout),
    COUNT(batch_sub_read_success),
    COUNT(batch_sub_read_error),
    COUNT(batch_sub_read_timeout),
    COUNT(batch_sub_read_not_found),
    COUNT(batch_sub_read_filtered_out),
    COUNT(batch_sub_write_success),
    COUNT(batch_sub_write_error),
    COUNT(batch_sub_write_timeout),
    COUNT(batch_sub_write_filtered_out),
    COUNT(batch_sub_delete_success),
    COUNT(batch_sub_delete_error),
    COUNT(batch_sub_delete_timeout),
    COUNT(batch_sub_delete_not_found),
    COUNT(batch_sub_delete_filtered_out),
    ZERO("batch_sub_udf_complete"),
    ZERO("batch_sub_udf_error"),
    ZERO("batch_sub_udf_timeout"),
    ZERO("batch_sub_udf_filtered_out"),
    ZERO("batch_sub_lang_read_success"),
    ZERO("batch_sub_lang_write_success"),
    ZERO("batch_sub_lang_delete_success"),
    ZERO("batch_sub_lang_error"),
    COUNT(from_proxy_batch_sub_tsvc_error),
    COUNT(from_proxy_batch_sub_tsvc_timeout),
    COUNT(from_proxy_batch_sub_read_success),
    COUNT(from_proxy_batch_sub_read_error),
    COUNT(from_proxy_batch_sub_read_timeout),
    COUNT(from_proxy_batch_sub_read_not_found),
    COUNT(from_proxy_batch_sub_read_filtered_out),
    COUNT(from_proxy_batch_sub_write_success),
    COUNT(from_proxy_batch_sub_write_error),
    COUNT(from_proxy_batch_sub_write_timeout),
    COUNT(from_proxy_batch_sub_write_filtered_out),
    COUNT(from_proxy_batch_sub_delete_success),
    COUNT(from_proxy_batch_sub_delete_error),
    COUNT(from_proxy_batch_sub_delete_timeout),
    COUNT(from_proxy_batch_sub_delete_not_found),
    COUNT(from_proxy_batch_sub_delete_filtered_out),
    ZERO("from_proxy_batch_sub_udf_complete"),
    ZERO("from_proxy_batch_sub_udf_error"),
    ZERO("from_proxy_batch_sub_udf_timeout"),
    ZERO("from_proxy_batch_sub_udf_filtered_out"),
    ZERO("from_proxy_batch_sub_lang_read_success"),
    ZERO("from_proxy_batch_sub_lang_write_success"),
    ZERO("from_proxy_batch_sub_lang_delete_success"),
    ZERO("from_proxy_batch_sub_lang_error"),
    ZERO("udf_sub_tsvc_error"),
    ZERO("udf_sub_tsvc_timeout"),
    ZERO("udf_sub_udf_complete"),
    ZERO("udf_sub_udf_error"),
    ZERO("udf_sub_udf_timeout"),
    ZERO("udf_sub_udf_filtered_out"),
    ZERO("udf_sub_lang_read_success"),
    ZERO("udf_sub_lang_write_success"),
    ZERO("udf_sub_lang_delete_success"),
    ZERO("udf_sub_lang_error"),
    COUNT(ops_sub_tsvc_error),
    COUNT(ops_sub_tsvc_timeout),
    COUNT(ops_sub_write_success),
    COUNT(ops_sub_write_error),
    COUNT(ops_sub_write_timeout),
    COUNT(ops_sub_write_filtered_out),
    COUNT(dup_res_ask),
    COUNT(dup_res_respond_read),
    COUNT(dup_res_respond_no_read),
    COUNT(retransmit_all_read_dup_res),
    COUNT(retransmit_all_write_dup_res),
    COUNT(retransmit_all_write_repl_write),
    COUNT(retransmit_all_delete_dup_res),
    COUNT(retransmit_all_delete_repl_write),
    ZERO("retransmit_all_udf_dup_res"),
    ZERO("retransmit_all_udf_repl_write"),
    COUNT(retransmit_all_batch_sub_read_dup_res),
    COUNT(retransmit_all_batch_sub_write_dup_res),
    COUNT(retransmit_all_batch_sub_write_repl_write),
    COUNT(retransmit_all_batch_sub_delete_dup_res),
    COUNT(retransmit_all_batch_sub_delete_repl_write),
    ZERO("retransmit_all_batch_sub_udf_dup_res"),
    ZERO("retransmit_all_batch_sub_udf_repl_write"),
    ZERO("retransmit_udf_sub_dup_res"),
    ZERO("retransmit_udf_sub_repl_write"),
    COUNT(retransmit_ops_sub_dup_res),
    COUNT(retransmit_ops_sub_repl_write),
    COUNT(pi_query_short_basic_complete),
    COUNT(pi_query_short_basic_error),
    COUNT(pi_query_short_basic_timeout),
    COUNT(pi_query_long_basic_complete),
    COUNT(pi_query_long_basic_error),
    COUNT(pi_query_long_basic_abort),
    ZERO("pi_query_aggr_complete"),
    ZERO("pi_query_aggr_error"),
    ZERO("pi_query_aggr_abort"),
    ZERO("pi_query_udf_bg_complete"),
    ZERO("pi_query_udf_bg_error"),
    ZERO("pi_query_udf_bg_abort"),
    COUNT(pi_query_ops_bg_complete),
    COUNT(pi_query_ops_bg_error),
    COUNT(pi_query_ops_bg_abort),
    ZERO("si_query_short_basic_complete"),
    ZERO("si_query_short_basic_error"),
    ZERO("si_query_short_basic_timeout"),
    ZERO("si_query_long_basic_complete"),
    ZERO("si_query_long_basic_error"),
    ZERO("si_query_long_basic_abort"),
    ZERO("si_query_aggr_complete"),
    ZERO("si_query_aggr_error"),
    ZERO("si_query_aggr_abort"),
    ZERO("si_query_udf_bg_complete"),
    ZERO("si_query_udf_bg_error"),
    ZERO("si_query_udf_bg_abort"),
    ZERO("si_query_ops_bg_complete"),
    ZERO("si_query_ops_bg_error"),
    ZERO("si_query_ops_bg_abort"),
    ZERO("geo_region_query_reqs"),
    ZERO("geo_region_query_cells"),
    ZERO("geo_region_query_points"),
    ZERO("geo_region_query_falsepos"),
    ZERO("read_touch_tsvc_error"),
    ZERO("read_touch_tsvc_timeout"),
    COUNT(read_touch_success),
    ZERO("read_touch_error"),
    ZERO("read_touch_timeout"),
    COUNT(read_touch_skip),
    ZERO("re_repl_tsvc_error"),
    ZERO("re_repl_tsvc_timeout"),
    ZERO("re_repl_success"),
    ZERO("re_repl_error"),
    ZERO("re_repl_timeout"),
    ZERO("fail_xdr_forbidden"),
    COUNT(fail_key_busy),
    ZERO("fail_xdr_key_busy"),
    COUNT(fail_generation),
    COUNT(fail_record_too_big),
    ZERO("fail_client_lost_conflict"),
    ZERO("fail_xdr_lost_conflict"),
    ZERO("fail_mrt_blocked"),
    ZERO("fail_mrt_version_mismatch"),
    COUNT(deleted_last_bin),
};

// --- gathering -----------------------------------------------------------------------------------

static size_t heap_figure(const char *name)
{
    size_t value = 0;
    size_t size = sizeof value;
    return mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

static void heap_gather(uint64_t *numbers)
{
    uint64_t allocated;
    uint64_t active;
    uint64_t mapped;
    if (mallctl != NULL) {
        uint64_t epoch = 1; // figures are frozen until the epoch moves
        size_t size = sizeof epoch;
        mallctl("epoch", &epoch, &size, &epoch, size);
        allocated = heap_figure("stats.allocated");
        active = heap_figure("stats.active");
        mapped = heap_figure("stats.mapped");
    } else {
        struct mallinfo2 heap = mallinfo2();
        allocated = heap.uordblks + heap.hblkhd;
        active = heap.arena + heap.hblkhd;
        mapped = active;
    }
    numbers[N_HEAP_ALLOCATED_KB] = allocated / 1024;
    numbers[N_HEAP_ACTIVE_KB] = active / 1024;
    numbers[N_HEAP_MAPPED_KB] = mapped / 1024;
    numbers[N_HEAP_EFFICIENCY_PCT] = active == 0 ? 100 : allocated * 100 / active;
}

static void machine_gather(struct node *node, uint64_t *numbers)
{
    struct io_system_memory memory;
    io_system_memory_read(&memory);
    numbers[N_FREE_KB] = memory.available / 1024;
    numbers[N_FREE_PCT] = memory.limit == 0 ? 0 : memory.available * 100 / memory.limit;
    numbers[N_HOST_FREE_KB] = memory.host_available / 1024;
    numbers[N_HOST_FREE_PCT] =
        memory.host_total == 0 ? 0 : memory.host_available * 100 / memory.host_total;
    numbers[N_THP_KB] = memory.huge_pages / 1024;
    numbers[N_THREADS] = io_system_thread_count();
    struct io_system_cpu_percent cpu;
    ticker_cpu(node->ticker, &cpu);
    numbers[N_CPU_TOTAL] = cpu.host_total;
    numbers[N_CPU_USER] = cpu.host_user;
    numbers[N_CPU_KERNEL] = cpu.host_kernel;
    numbers[N_CPU_PROCESS] = cpu.process;
}

static uint64_t percent(uint64_t part, uint64_t whole)
{
    if (whole == 0) {
        return 0;
    }
    uint64_t value = part > UINT64_MAX / 100 ? part / (whole / 100) : part * 100 / whole;
    return value > 100 ? 100 : value;
}

// Records and tombstones by what this node is to their partitions.
static void roles_gather(struct namespace *ns, uint64_t *numbers)
{
    static const struct {
        uint16_t objects, tombstones;
    } at[] = {
        [PLACE_NONE] = {S_NON_REPLICA_OBJECTS, S_NON_REPLICA_TOMBSTONES},
        [PLACE_REPLICA] = {S_PROLE_OBJECTS, S_PROLE_TOMBSTONES},
        [PLACE_MASTER] = {S_MASTER_OBJECTS, S_MASTER_TOMBSTONES},
    };
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        uint64_t objects = store_object_count(ns->store, p);
        uint64_t tombstones = store_tombstone_count(ns->store, p);
        if ((objects | tombstones) != 0) {
            struct place place;
            replica_place_copy(ns->replica, p, &place);
            numbers[at[place.role].objects] += objects;
            numbers[at[place.role].tombstones] += tombstones;
            numbers[S_OBJECTS] += objects;
            numbers[S_TOMBSTONES] += tombstones;
        }
    }
}

static void namespace_gather(struct namespace *ns, uint64_t *numbers)
{
    struct store_stats stats;
    store_stats_sum(ns->store, &stats);
    uint64_t total = ns->config->data_size;
    uint64_t now_s = io_clock_epoch_s();
    uint64_t evict = ns->evict_void_time_s;
    roles_gather(ns, numbers);
    numbers[S_STOP_WRITES] = ns->stop_writes;
    numbers[S_HWM_BREACHED] = ns->hwm_breached;
    numbers[S_NOW] = now_s;
    numbers[S_NON_EXPIRABLE] = ns->non_expirable_objects;
    numbers[S_EVICT_TTL] = evict > now_s ? evict - now_s : 0;
    numbers[S_EVICT_VOID_TIME] = evict;
    numbers[S_CYCLE_DURATION] = ns->nsup_cycle_duration_s;
    numbers[S_TRUNCATE_LUT] = ns->truncate_before_ms;
    numbers[S_TRUNCATING] = ns->truncating;
    numbers[S_INDEX_BYTES] = stats.index_used_bytes;
    numbers[S_INDEXES_PCT] = percent(stats.index_used_bytes, ns->config->indexes_memory_budget);
    numbers[S_DATA_TOTAL] = total;
    numbers[S_DATA_USED] = stats.data_used_bytes;
    numbers[S_DATA_USED_PCT] = percent(stats.data_used_bytes, total);
    numbers[S_DATA_AVAIL_PCT] = 100 - numbers[S_DATA_USED_PCT];
}

// --- showing -------------------------------------------------------------------------------------

struct gathered {
    const uint64_t *numbers;
    const char (*words)[WORD_SIZE];
    struct node *node;
    struct namespace *ns; // NULL: the node's own
};

static void row_show(const struct row *row, const struct gathered *from, statistics_show_fn show,
                     void *arg)
{
    char text[32];
    const char *value = text;
    uint64_t count;
    switch (row->source) {
    case CONSTANT:
        value = row->text;
        break;
    case COUNTER:
        count = from->ns == NULL
                    ? node_counter(from->node, row->offset)
                    : node_namespace_counter(from->node, from->ns->number, row->offset);
        snprintf(text, sizeof text, "%" PRIu64, count);
        break;
    case NUMBER:
        snprintf(text, sizeof text, "%" PRIu64, from->numbers[row->offset]);
        break;
    case TRUTH:
        value = from->numbers[row->offset] != 0 ? "true" : "false";
        break;
    case WORD:
        value = from->words[row->offset];
        break;
    }
    show(row->name, value, arg);
}

void statistics_node_show(struct node *node, statistics_show_fn show, void *arg)
{
    uint64_t numbers[N_COUNT] = {0};
    char words[W_NODE_COUNT][WORD_SIZE];
    numbers[N_UPTIME] = io_clock_monotonic_ns() / 1000000000u - node->start_s;
    machine_gather(node, numbers);
    heap_gather(numbers);
    for (uint32_t i = 0; i < node->namespace_count; i++) {
        struct store_stats stats;
        store_stats_sum(node->namespaces[i].store, &stats);
        numbers[N_OBJECTS] += stats.object_count;
        numbers[N_TOMBSTONES] += stats.tombstone_count;
    }
    int64_t connections = atomic_load(&node->client_connections);
    numbers[N_CONNECTIONS] = connections > 0 ? (uint64_t)connections : 0;
    uint32_t operations, proxied;
    service_operations_count(node, &operations, &proxied);
    numbers[N_OPERATIONS] = operations;
    numbers[N_PROXIED] = proxied;
    // A close may be seen before its open: they are counted apart.
    uint64_t closed = node_counter(node, offsetof(struct counters_node, fabric_connections_closed));
    uint64_t opened = node_counter(node, offsetof(struct counters_node, fabric_connections_opened));
    numbers[N_FABRIC_CONNECTIONS] = opened > closed ? opened - closed : 0;
    numbers[N_QUERIES] = node->jobs == NULL ? 0 : jobs_active_count(node->jobs);
    struct statistics_cluster cluster;
    statistics_cluster_gather(node, &cluster);
    memcpy(&numbers[N_CLUSTER], cluster.numbers, sizeof cluster.numbers);
    snprintf(words[W_PRINCIPAL], WORD_SIZE, "%s", cluster.principal);
    snprintf(words[W_DUPLICATES], WORD_SIZE, "%s", cluster.duplicates);
    snprintf(words[W_CLUSTER_KEY], WORD_SIZE, "%" PRIX64, node->cluster_key);
    size_t used = 0;
    words[W_BATCH_QUEUE][0] = '\0';
    for (uint32_t i = 0; i < node->config->service.service_threads; i++) {
        used += (size_t)snprintf(words[W_BATCH_QUEUE] + used, WORD_SIZE - used, "%s0:0",
                                 i > 0 ? "," : "");
    }
    struct gathered gathered = {numbers, (const char(*)[WORD_SIZE])words, node, NULL};
    for (size_t i = 0; i < sizeof node_rows / sizeof node_rows[0]; i++) {
        row_show(&node_rows[i], &gathered, show, arg);
    }
}

void statistics_namespace_show(struct namespace *ns, statistics_show_fn show, void *arg)
{
    uint64_t numbers[S_COUNT] = {0};
    char words[W_NAMESPACE_COUNT][WORD_SIZE];
    namespace_gather(ns, numbers);
    statistics_space_gather(ns, &numbers[S_SPACE]);
    uint32_t permyriad = ns->nsup_cycle_deleted_permyriad;
    snprintf(words[W_CYCLE_DELETED_PCT], WORD_SIZE, "%u.%02u", permyriad / 100, permyriad % 100);
    struct gathered gathered = {numbers, (const char(*)[WORD_SIZE])words, ns->node, ns};
    for (size_t i = 0; i < sizeof namespace_rows / sizeof namespace_rows[0]; i++) {
        row_show(&namespace_rows[i], &gathered, show, arg);
    }
}
