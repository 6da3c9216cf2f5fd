// SPDX-License-Identifier: Apache-2.0
// The log: lines in Aerospike's format or as JSON, to the console (standard output) and to files,
// each with its own level for each context. Writing never waits: a line that the reader of a pipe
// leaves no room for is dropped and counted, and the count is told when there is room again.
//
// One log hangs from each node and is passed explicitly. Any thread may write; levels are atomic.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/result.h"

// Contexts by the names that tools know. The second list stands for parts this product words
// differently; their levels are kept and shown, so that a file that names them works.
// clang-format off
#define LOG_CONTEXTS(X)                                                                            \
    X(misc, "misc") X(alloc, "alloc") X(arenax, "arenax") X(hardware, "hardware") X(msg, "msg")    \
    X(os, "os") X(secrets, "secrets") X(socket, "socket") X(tls, "tls") X(vault, "vault")          \
    X(vmapx, "vmapx") X(xmem, "xmem") X(aggr, "aggr") X(appeal, "appeal") X(as, "as")              \
    X(audit, "audit") X(batch, "batch") X(batch_sub, "batch-sub") X(bin, "bin")                    \
    X(config, "config") X(clustering, "clustering") X(deprecation, "deprecation")                  \
    X(drv_mem, "drv-mem") X(drv_pmem, "drv_pmem") X(drv_ssd, "drv_ssd") X(exchange, "exchange")    \
    X(exp, "exp") X(fabric, "fabric") X(flat, "flat") X(geo, "geo") X(hb, "hb")                    \
    X(health, "health") X(hlc, "hlc") X(index, "index") X(info, "info")                            \
    X(info_command, "info-command") X(key_busy, "key-busy") X(masking, "masking")                  \
    X(migrate, "migrate") X(mrt_audit, "mrt-audit") X(mrt_monitor, "mrt-monitor")                  \
    X(namespace, "namespace") X(nsup, "nsup") X(particle, "particle") X(partition, "partition")    \
    X(proto, "proto") X(proxy, "proxy") X(proxy_divert, "proxy-divert") X(query, "query")          \
    X(record, "record") X(roster, "roster") X(rw, "rw") X(rw_client, "rw-client")                  \
    X(security, "security") X(service, "service") X(service_list, "service-list")                  \
    X(sindex, "sindex") X(skew, "skew") X(smd, "smd") X(storage, "storage")                        \
    X(truncate, "truncate") X(tsvc, "tsvc") X(udf, "udf") X(xdr, "xdr")                            \
    X(xdr_client, "xdr-client")

enum log_context {
#define X(name, text) LOG_CONTEXT_##name,
    LOG_CONTEXTS(X)
#undef X
    LOG_CONTEXT_COUNT
};
// clang-format on

enum log_level { LOG_CRITICAL, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DETAIL, LOG_LEVEL_COUNT };

enum { LOG_SINKS = 8, LOG_PATH_SIZE = 256, LOG_LINE_SIZE = 4096, LOG_ONCE_SLOTS = 1024 };

struct config_log_sink {
    char path[LOG_PATH_SIZE]; // "": the console
    uint8_t level[LOG_CONTEXT_COUNT];
};

struct config_log {
    bool json;
    bool local_time;
    bool milliseconds;
    uint32_t sink_count; // 0: none was given, config_finish adds the console
    struct config_log_sink sinks[LOG_SINKS];
};

struct log;

// Opens the sinks. `console_fd` is where console lines go; it stays the caller's. The lines of a
// file that cannot be opened go to the console too, after one that says so. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result log_new(const struct config_log *config, int console_fd,
                                       struct log **out);
void log_free(struct log **log);

// Opens file sinks again, after somebody moved the files away.
void log_reopen(struct log *log);

// Writes one line. Control characters in it are made visible, the end of an overlong one is cut.
void log_write(struct log *log, enum log_level level, enum log_context context, const char *file,
               int line, const char *format, ...) BASE_PRINTF(6, 7);

// The same, at most once in ten minutes for each pair of address and place in the source, and from
// one place for at most a hundred addresses, so that neither a hostile client nor a storm of them
// can fill the log. The next line tells how many were held back.
void log_write_once(struct log *log, enum log_level level, enum log_context context,
                    const char *file, int line, const char *address, const char *format, ...)
    BASE_PRINTF(7, 8);

// True when some sink wants lines of that level and context.
bool log_wants(const struct log *log, enum log_level level, enum log_context context);

// Writing with the place of the call; the arguments are evaluated only when the line is wanted.
// `context` is the bare name of one in the list above: log_info(log, nsup, "...").
#define log_line(log, level, context, ...)                                                         \
    (log_wants(log, level, LOG_CONTEXT_##context)                                                  \
         ? log_write(log, level, LOG_CONTEXT_##context, __FILE__, __LINE__, __VA_ARGS__)           \
         : (void)0)
#define log_critical(log, context, ...) log_line(log, LOG_CRITICAL, context, __VA_ARGS__)
#define log_warning(log, context, ...)  log_line(log, LOG_WARNING, context, __VA_ARGS__)
#define log_info(log, context, ...)     log_line(log, LOG_INFO, context, __VA_ARGS__)
#define log_debug(log, context, ...)    log_line(log, LOG_DEBUG, context, __VA_ARGS__)
#define log_detail(log, context, ...)   log_line(log, LOG_DETAIL, context, __VA_ARGS__)
#define log_warning_once(log, context, address, ...)                                               \
    log_write_once(log, LOG_WARNING, LOG_CONTEXT_##context, __FILE__, __LINE__, address,           \
                   __VA_ARGS__)

// Sinks are numbered as in the configuration. The console's path is "stderr" to tools, which know
// it by that name.
uint32_t log_sink_count(const struct log *log);
const char *log_sink_path(const struct log *log, uint32_t sink);
enum log_level log_sink_level(const struct log *log, uint32_t sink, enum log_context context);
void log_sink_level_set(struct log *log, uint32_t sink, enum log_context context,
                        enum log_level level);

// Names; a number outside gives NULL, an unknown name gives the count.
const char *log_context_name(enum log_context context);
enum log_context log_context_find(const char *name);
const char *log_level_name(enum log_level level); // lower case
enum log_level log_level_find(const char *name);  // any case
