// SPDX-License-Identifier: Apache-2.0
// Every bound of the system in one place: no queue, table, message or loop grows past what stands
// here. Sizes are bytes unless the name ends in another unit.
#pragma once

enum {
    LIMIT_PARTITIONS = 4096,
    LIMIT_DIGEST_SIZE = 20,

    // Names, without terminator (wire-protocol section 4.7).
    LIMIT_NAMESPACE_NAME_SIZE = 31,
    LIMIT_SET_NAME_SIZE = 63,
    LIMIT_BIN_NAME_SIZE = 15,
    LIMIT_NODE_ID_SIZE = 19,
    LIMIT_CLUSTER_NAME_SIZE = 64,

    LIMIT_NAMESPACES = 32,
    LIMIT_SETS_PER_NAMESPACE = 4095,
    LIMIT_BINS_PER_RECORD = 32767,

    // Messages. A request of this size or a response of that size is refused.
    LIMIT_FRAME_BODY_SIZE = 128 * 1024 * 1024,
    LIMIT_INFO_REQUEST_SIZE = 1024 * 1024,
    LIMIT_INFO_TEND_RESPONSE_SIZE = 512 * 1024,
    LIMIT_INFO_RESPONSE_SIZE = 32 * 1024 * 1024,
    LIMIT_INFO_COMMANDS = 1024, // in one request
    LIMIT_FIELDS_PER_MESSAGE = 65535,
    LIMIT_OPS_PER_MESSAGE = 65535,
    LIMIT_BATCH_ROWS = 1000000,
    LIMIT_RECORD_SIZE_MAX = 8 * 1024 * 1024,
    LIMIT_RECORD_SIZE_DEFAULT = 1024 * 1024,
    // Of the answer about one record: a request may name one large bin many times.
    LIMIT_ANSWER_RECORD_SIZE = 2 * LIMIT_RECORD_SIZE_MAX,
    LIMIT_COMPRESS_THRESHOLD = 128,

    LIMIT_SERVICE_THREADS = 256,
    LIMIT_QUERY_THREADS = 1024,
    LIMIT_QUERY_DONE_JOBS = 1000,
    LIMIT_GENERATION = 65535,

    // The cluster.
    LIMIT_CLUSTER_NODES = 128,
    LIMIT_REPLICATION_FACTOR = 16,
    LIMIT_HEARTBEAT_SIZE = 16 * 1024,     // one message of membership
    LIMIT_FABRIC_SIZE = 16 * 1024 * 1024, // one message between nodes
    LIMIT_SYNC_RECORDS = 512,             // in one step of a migration
    LIMIT_SYNC_BYTES = 256 * 1024,        // of one step, unless one record alone is larger

    // The client library.
    LIMIT_CLIENT_NODES = 256,
    LIMIT_CLIENT_SEEDS = 32,
    LIMIT_CLIENT_REPLICAS = 3, // replicas of a partition that the map remembers
    LIMIT_CLIENT_ADDRESSES_PER_NODE = 8,
    LIMIT_CLIENT_LOOPS = 256,
};
