// SPDX-License-Identifier: Apache-2.0
// Counters and latency histograms. Each thread that does work owns one block and is the only one to
// write it, so that counting costs a plain add and no shared cache line; readers sum all blocks.
// Every counter is declared once in the tables below, by the name that tools know (info-and-tools
// section 3); code, `statistics` and `namespace/<ns>` are made from them.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct node;

// clang-format off
#define SERVER_NAMESPACE_COUNTERS(X)                                                               \
    X(client_tsvc_error, "requests refused before they reached a record")                          \
    X(client_tsvc_timeout, "requests that timed out before they reached a record")                 \
    X(client_proxy_complete, "requests that another node answered")                                \
    X(client_proxy_error, "requests that another node could not be given")                         \
    X(client_proxy_timeout, "requests that another node did not answer in time")                   \
    X(client_read_success, "single reads answered")                                                \
    X(client_read_error, "single reads that failed")                                               \
    X(client_read_timeout, "single reads that timed out")                                          \
    X(client_read_not_found, "single reads of absent records")                                     \
    X(client_read_filtered_out, "single reads stopped by a filter")                                \
    X(client_write_success, "single writes done")                                                  \
    X(client_write_error, "single writes that failed")                                             \
    X(client_write_timeout, "single writes that timed out")                                        \
    X(client_write_filtered_out, "single writes stopped by a filter")                              \
    X(client_delete_success, "single deletes done")                                                \
    X(client_delete_error, "single deletes that failed")                                           \
    X(client_delete_timeout, "single deletes that timed out")                                      \
    X(client_delete_not_found, "single deletes of absent records")                                 \
    X(client_delete_filtered_out, "single deletes stopped by a filter")                            \
    X(batch_sub_tsvc_error, "batch rows refused before they reached a record")                     \
    X(batch_sub_tsvc_timeout, "batch rows that timed out before they reached a record")            \
    X(batch_sub_proxy_complete, "batch rows that another node answered")                           \
    X(batch_sub_proxy_error, "batch rows that another node could not be given")                    \
    X(batch_sub_proxy_timeout, "batch rows that another node did not answer in time")              \
    X(batch_sub_read_success, "batch reads answered")                                              \
    X(batch_sub_read_error, "batch reads that failed")                                             \
    X(batch_sub_read_timeout, "batch reads that timed out")                                        \
    X(batch_sub_read_not_found, "batch reads of absent records")                                   \
    X(batch_sub_read_filtered_out, "batch reads stopped by a filter")                              \
    X(batch_sub_write_success, "batch writes done")                                                \
    X(batch_sub_write_error, "batch writes that failed")                                           \
    X(batch_sub_write_timeout, "batch writes that timed out")                                      \
    X(batch_sub_write_filtered_out, "batch writes stopped by a filter")                            \
    X(batch_sub_delete_success, "batch deletes done")                                              \
    X(batch_sub_delete_error, "batch deletes that failed")                                         \
    X(batch_sub_delete_timeout, "batch deletes that timed out")                                    \
    X(batch_sub_delete_not_found, "batch deletes of absent records")                               \
    X(batch_sub_delete_filtered_out, "batch deletes stopped by a filter")                          \
    X(from_proxy_tsvc_error, "passed-on requests refused before they reached a record")            \
    X(from_proxy_tsvc_timeout, "passed-on requests that timed out before they reached a record")   \
    X(from_proxy_read_success, "passed-on reads answered")                                         \
    X(from_proxy_read_error, "passed-on reads that failed")                                        \
    X(from_proxy_read_timeout, "passed-on reads that timed out")                                   \
    X(from_proxy_read_not_found, "passed-on reads of absent records")                              \
    X(from_proxy_read_filtered_out, "passed-on reads stopped by a filter")                         \
    X(from_proxy_write_success, "passed-on writes done")                                           \
    X(from_proxy_write_error, "passed-on writes that failed")                                      \
    X(from_proxy_write_timeout, "passed-on writes that timed out")                                 \
    X(from_proxy_write_filtered_out, "passed-on writes stopped by a filter")                       \
    X(from_proxy_delete_success, "passed-on deletes done")                                         \
    X(from_proxy_delete_error, "passed-on deletes that failed")                                    \
    X(from_proxy_delete_timeout, "passed-on deletes that timed out")                               \
    X(from_proxy_delete_not_found, "passed-on deletes of absent records")                          \
    X(from_proxy_delete_filtered_out, "passed-on deletes stopped by a filter")                     \
    X(from_proxy_batch_sub_tsvc_error, "passed-on batch rows refused early")                       \
    X(from_proxy_batch_sub_tsvc_timeout, "passed-on batch rows that timed out early")              \
    X(from_proxy_batch_sub_read_success, "passed-on batch reads answered")                         \
    X(from_proxy_batch_sub_read_error, "passed-on batch reads that failed")                        \
    X(from_proxy_batch_sub_read_timeout, "passed-on batch reads that timed out")                   \
    X(from_proxy_batch_sub_read_not_found, "passed-on batch reads of absent records")              \
    X(from_proxy_batch_sub_read_filtered_out, "passed-on batch reads stopped by a filter")         \
    X(from_proxy_batch_sub_write_success, "passed-on batch writes done")                           \
    X(from_proxy_batch_sub_write_error, "passed-on batch writes that failed")                      \
    X(from_proxy_batch_sub_write_timeout, "passed-on batch writes that timed out")                 \
    X(from_proxy_batch_sub_write_filtered_out, "passed-on batch writes stopped by a filter")       \
    X(from_proxy_batch_sub_delete_success, "passed-on batch deletes done")                         \
    X(from_proxy_batch_sub_delete_error, "passed-on batch deletes that failed")                    \
    X(from_proxy_batch_sub_delete_timeout, "passed-on batch deletes that timed out")               \
    X(from_proxy_batch_sub_delete_not_found, "passed-on batch deletes of absent records")          \
    X(from_proxy_batch_sub_delete_filtered_out, "passed-on batch deletes stopped by a filter")     \
    X(ops_sub_tsvc_error, "records a background query could not reach")                            \
    X(ops_sub_tsvc_timeout, "records a background query reached too late")                         \
    X(ops_sub_write_success, "background writes done")                                             \
    X(ops_sub_write_error, "background writes that failed")                                        \
    X(ops_sub_write_timeout, "background writes that timed out")                                   \
    X(ops_sub_write_filtered_out, "background writes stopped by a filter")                         \
    X(dup_res_ask, "records asked for at other nodes before an operation")                         \
    X(dup_res_respond_read, "such questions answered with a record")                               \
    X(dup_res_respond_no_read, "such questions answered without one")                              \
    X(retransmit_all_read_dup_res, "such questions of reads sent again")                           \
    X(retransmit_all_write_dup_res, "such questions of writes sent again")                         \
    X(retransmit_all_write_repl_write, "records of writes sent to a replica again")                \
    X(retransmit_all_delete_dup_res, "such questions of deletes sent again")                       \
    X(retransmit_all_delete_repl_write, "records of deletes sent to a replica again")              \
    X(retransmit_all_batch_sub_read_dup_res, "such questions of batch reads sent again")           \
    X(retransmit_all_batch_sub_write_dup_res, "such questions of batch writes sent again")         \
    X(retransmit_all_batch_sub_write_repl_write, "records of batch writes replicated again")       \
    X(retransmit_all_batch_sub_delete_dup_res, "such questions of batch deletes sent again")       \
    X(retransmit_all_batch_sub_delete_repl_write, "records of batch deletes replicated again")     \
    X(retransmit_ops_sub_dup_res, "such questions of background operations sent again")            \
    X(retransmit_ops_sub_repl_write, "records of background operations sent to a replica again")   \
    X(pi_query_short_basic_complete, "short scans done")                                           \
    X(pi_query_short_basic_error, "short scans that failed")                                       \
    X(pi_query_short_basic_timeout, "short scans that timed out")                                  \
    X(pi_query_long_basic_complete, "long scans done")                                             \
    X(pi_query_long_basic_error, "long scans that failed")                                         \
    X(pi_query_long_basic_abort, "long scans aborted")                                             \
    X(pi_query_ops_bg_complete, "background operations done")                                      \
    X(pi_query_ops_bg_error, "background operations that failed")                                  \
    X(pi_query_ops_bg_abort, "background operations aborted")                                      \
    X(read_touch_success, "reads that renewed a time to live")                                     \
    X(read_touch_skip, "reads that need not renew a time to live")                                 \
    X(fail_generation, "writes refused for their generation")                                      \
    X(fail_key_busy, "requests refused because the record was busy")                               \
    X(fail_record_too_big, "writes refused for their size")                                        \
    X(deleted_last_bin, "records deleted because their last bin went")                             \
    X(expired_objects, "records removed at the end of their time to live")                         \
    X(evicted_objects, "records removed to make room")

#define SERVER_NODE_COUNTERS(X)                                                                    \
    X(client_connections_opened, "client connections accepted")                                    \
    X(client_connections_closed, "client connections closed")                                      \
    X(reaped_fds, "client connections closed for idleness")                                        \
    X(info_complete, "info requests answered")                                                     \
    X(demarshal_error, "messages that could not be parsed")                                        \
    X(early_tsvc_client_error, "requests that named no namespace of this node")                    \
    X(early_tsvc_from_proxy_error, "passed-on requests that could not be parsed")                  \
    X(batch_index_initiate, "batches begun")                                                       \
    X(batch_index_complete, "batches answered")                                                    \
    X(batch_index_error, "batches that failed")                                                    \
    X(batch_index_timeout, "batches that timed out")                                               \
    X(deprecated_requests, "info requests in a deprecated spelling")                               \
    X(fabric_connections_opened, "links to other nodes opened or accepted")                        \
    X(fabric_connections_closed, "links to other nodes closed")                                    \
    X(fabric_rw_sent_bytes, "bytes of records and proxied requests sent to other nodes")           \
    X(fabric_rw_received_bytes, "bytes of records and proxied requests received from other nodes") \
    X(fabric_ctrl_sent_bytes, "bytes about partitions sent to other nodes")                        \
    X(fabric_ctrl_received_bytes, "bytes about partitions received from other nodes")              \
    X(fabric_bulk_sent_bytes, "bytes of migrations sent to other nodes")                           \
    X(fabric_bulk_received_bytes, "bytes of migrations received from other nodes")                 \
    X(fabric_meta_sent_bytes, "bytes of queries sent to other nodes")                              \
    X(fabric_meta_received_bytes, "bytes of queries received from other nodes")

// Latency histograms of each namespace, by the names of `latencies:`.
#define SERVER_HISTOGRAMS(X)                                                                       \
    X(read, "read")                                                                                \
    X(write, "write")                                                                              \
    X(udf, "udf")                                                                                  \
    X(batch_sub_read, "batch-sub-read")                                                            \
    X(batch_sub_write, "batch-sub-write")                                                          \
    X(batch_sub_udf, "batch-sub-udf")                                                              \
    X(pi_query, "pi-query")                                                                        \
    X(si_query, "si-query")
// clang-format on

// Bucket i counts operations that took longer than 2^(i-1) and up to 2^i microseconds; bucket 0
// those of one microsecond and less. 27 buckets reach past a minute.
enum { COUNTERS_HISTOGRAM_BUCKETS = 28 };

struct counters_histogram {
    _Atomic uint64_t bucket[COUNTERS_HISTOGRAM_BUCKETS];
};

struct counters_namespace {
#define X(name, help) _Atomic uint64_t name;
    SERVER_NAMESPACE_COUNTERS(X)
#undef X
#define X(name, text) struct counters_histogram hist_##name;
    SERVER_HISTOGRAMS(X)
#undef X
};

struct counters_node {
#define X(name, help) _Atomic uint64_t name;
    SERVER_NODE_COUNTERS(X)
#undef X
    struct counters_histogram hist_batch_index;
};

// One thread's block.
struct counters {
    struct counters_node node;
    struct counters_namespace ns[]; // one for each namespace of the node, by its number
};

// Adds to a counter of the calling thread's own block.
static inline void counters_add(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + count, memory_order_relaxed);
}

// Records `count` operations of `elapsed_ns` in a histogram of the calling thread's own block.
static inline void counters_time(struct counters_histogram *histogram, uint64_t elapsed_ns,
                                 uint64_t count)
{
    uint64_t us = elapsed_ns / 1000;
    uint32_t bucket = us <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(us - 1);
    if (bucket >= COUNTERS_HISTOGRAM_BUCKETS) {
        bucket = COUNTERS_HISTOGRAM_BUCKETS - 1;
    }
    counters_add(&histogram->bucket[bucket], count);
}
