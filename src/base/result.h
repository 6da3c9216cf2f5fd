// SPDX-License-Identifier: Apache-2.0
// The one table of outcomes. Numbers below 256 are the result codes of the wire protocol (section
// 8) and travel in answers as they are; numbers from 256 up never leave the process.
#pragma once

#include "base/assert.h"

#define BASE_RESULTS(X)                                                                            \
    X(OK, 0, "ok")                                                                                 \
    X(SERVER, 1, "server error")                                                                   \
    X(RECORD_NOT_FOUND, 2, "record not found")                                                     \
    X(GENERATION, 3, "generation mismatch")                                                        \
    X(PARAMETER, 4, "invalid request")                                                             \
    X(RECORD_EXISTS, 5, "record exists")                                                           \
    X(BIN_EXISTS, 6, "bin exists")                                                                 \
    X(CLUSTER_KEY_MISMATCH, 7, "cluster changed")                                                  \
    X(SERVER_FULL, 8, "out of memory or storage")                                                  \
    X(TIMEOUT, 9, "timed out on the server")                                                       \
    X(ALWAYS_FORBIDDEN, 10, "not allowed in this configuration")                                   \
    X(PARTITION_UNAVAILABLE, 11, "partition unavailable")                                          \
    X(INCOMPATIBLE_TYPE, 12, "operation does not fit the bin's type")                              \
    X(RECORD_TOO_BIG, 13, "record too big")                                                        \
    X(KEY_BUSY, 14, "too many operations on one record")                                           \
    X(SCAN_ABORTED, 15, "scan aborted")                                                            \
    X(UNSUPPORTED, 16, "unsupported feature")                                                      \
    X(BIN_NOT_FOUND, 17, "bin not found")                                                          \
    X(DEVICE_OVERLOAD, 18, "storage cannot keep up")                                               \
    X(KEY_MISMATCH, 19, "key differs from the stored key")                                         \
    X(NAMESPACE_NOT_FOUND, 20, "unknown namespace")                                                \
    X(BIN_NAME, 21, "bin name too long or too many bins")                                          \
    X(FORBIDDEN, 22, "not allowed at this time")                                                   \
    X(ELEMENT_NOT_FOUND, 23, "element not found")                                                  \
    X(ELEMENT_EXISTS, 24, "element exists")                                                        \
    X(OP_NOT_APPLICABLE, 26, "operation not applicable")                                           \
    X(FILTERED_OUT, 27, "filtered out")                                                            \
    X(LOST_CONFLICT, 28, "lost conflict")                                                          \
    X(INVALID_ENCODING, 29, "invalid encoding")                                                    \
    X(QUERY_END, 50, "no more items")                                                              \
    X(SECURITY_NOT_SUPPORTED, 51, "security not supported")                                        \
    X(SECURITY_NOT_ENABLED, 52, "security not enabled")                                            \
    X(INVALID_COMMAND, 54, "invalid command")                                                      \
    X(INVALID_FIELD, 55, "invalid field")                                                          \
    X(NOT_AUTHENTICATED, 80, "not authenticated")                                                  \
    X(UDF, 100, "user function failed")                                                            \
    X(BATCH_DISABLED, 150, "batch disabled")                                                       \
    X(BATCH_MAX_REQUESTS, 151, "batch has too many rows")                                          \
    X(BATCH_QUEUES_FULL, 152, "batch queues full")                                                 \
    X(INVALID_GEOJSON, 160, "invalid GeoJSON")                                                     \
    X(INDEX_FOUND, 200, "index exists")                                                            \
    X(INDEX_NOT_FOUND, 201, "index not found")                                                     \
    X(QUERY_ABORTED, 210, "query aborted")                                                         \
    X(QUERY_QUEUE_FULL, 211, "query queue full")                                                   \
    X(QUERY_TIMEOUT, 212, "query timed out")                                                       \
    X(QUERY, 213, "query error")                                                                   \
    X(INCOMPLETE, 256, "more bytes are needed")                                                    \
    X(MALFORMED, 257, "malformed message")                                                         \
    X(NO_MEMORY, 258, "out of memory")                                                             \
    X(IO, 259, "input or output failed")                                                           \
    X(CLOSED, 260, "connection closed")                                                            \
    X(CONFIG, 261, "configuration error")                                                          \
    X(NOT_CONNECTED, 262, "not connected to any node")                                             \
    X(NO_NODE, 263, "no node holds the partition")                                                 \
    X(CLIENT_TIMEOUT, 264, "timed out at the client")                                              \
    X(LIMIT, 265, "a limit was reached")                                                           \
    X(WOULD_BLOCK, 266, "would block")                                                             \
    X(CANCELLED, 267, "cancelled")

enum base_result {
#define X(name, number, text) RESULT_##name = number,
    BASE_RESULTS(X)
#undef X
};

// Static text of a result; "unknown result" for a number outside the table.
const char *base_result_text(enum base_result result);

// The table's name of a result, such as "RECORD_NOT_FOUND"; NULL outside the table.
const char *base_result_name(enum base_result result);
