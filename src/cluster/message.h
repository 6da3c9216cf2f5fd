// SPDX-License-Identifier: Apache-2.0
// What nodes say to each other over the fabric: a header of 32 bytes, then a body by type. Bytes
// in, structs out; nothing is copied or allocated. Little endian.
//
//   offset size
//   0      4    size of the whole message, header included
//   4      1    type
//   5      1    flags
//   6      1    namespace, as numbered by the sender in its HELLO (sorted by name); 255: none
//   7      1    result: a base_result below 256, of answers
//   8      8    id: chosen by the asking side, echoed by the answer
//   16     8    key of the view under which it is said; 0: any
//   24     4    partition
//   28     4    spare, 0
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

enum { MESSAGE_HEADER_SIZE = 32, MESSAGE_NO_NAMESPACE = 255 };

enum message_type {
    MESSAGE_HELLO = 1, // first on each link: who, which cluster, which channel (server/fabric.h)
    MESSAGE_WELCOME,   // its answer
    // Between the cluster machines (cluster/cluster.h).
    MESSAGE_EXCHANGE,  // partition_exchange
    MESSAGE_PARTITION, // partition_message
    MESSAGE_METADATA,  // what the whole cluster shares (cluster/metadata.h)
    // Records (cluster/replica.h). Each has an answer.
    MESSAGE_WRITE,   // body: one record. A replica stores it if it is newer
    MESSAGE_WRITTEN, // ok, or CLUSTER_KEY_MISMATCH: in another view
    MESSAGE_ASK,     // body: digest
    MESSAGE_ANSWER,  // body: the record, dead ones and tombstones too; empty: none
    MESSAGE_MERGE,   // body: one record, to the acting master, which stores it if it is newer,
                     // replicates it, then answers
    MESSAGE_MERGED,  // ok, LOST_CONFLICT, CLUSTER_KEY_MISMATCH
    MESSAGE_PROXY,   // body: a client's message; flags MESSAGE_FLAG_*
    MESSAGE_PROXIED, // body: the answer to it
    // Migration (cluster/sync.h).
    MESSAGE_SYNC_LIST,    // master: versions of my records in a range of digests
    MESSAGE_SYNC_DIFF,    // what I want of it, and my records that are newer
    MESSAGE_SYNC_RECORDS, // records to store if newer
    MESSAGE_SYNC_STORED,
    // Queries over the cluster (server).
    MESSAGE_QUERY,
    MESSAGE_QUERIED,
};

enum {
    MESSAGE_FLAG_ANSWER = 1,    // an answer to `id`
    MESSAGE_FLAG_BATCH_ROW = 2, // proxy: counts as a row of a batch
    MESSAGE_FLAG_LAST = 4,
};

struct message {
    uint8_t type;
    uint8_t flags;
    uint8_t namespace_number;
    uint8_t result;
    uint64_t id;
    uint64_t key;
    uint32_t partition;
    struct base_slice body;
};

void message_header_store(uint8_t at[MESSAGE_HEADER_SIZE], const struct message *message,
                          uint32_t body_size);

// Takes the first message apart. RESULT_INCOMPLETE: *size says how many bytes it needs in all (or
// MESSAGE_HEADER_SIZE). RESULT_MALFORMED: not one of ours, or larger than LIMIT_FABRIC_SIZE.
BASE_MUST_USE enum base_result message_parse(const uint8_t *bytes, uint64_t count,
                                             struct message *out, uint32_t *size);
