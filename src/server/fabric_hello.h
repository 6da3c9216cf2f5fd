// SPDX-License-Identifier: Apache-2.0
// The first message on each link, and its answer, which has the same body: who speaks, of which
// cluster, and the names of its namespaces in the order of the numbers it gives them. Bytes and
// structs only; any thread may call.
//
//   offset size
//   0      4    magic "BLST"
//   4      1    version of what nodes say to each other
//   5      1    channel
//   6      1    namespace count
//   7      1    size of the cluster's name
//   8      8    node id
//   16     8    incarnation
//   24     ...  cluster's name; per namespace: u8 size, name
#pragma once

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "server/fabric.h"

enum {
    FABRIC_HELLO_HEAD_SIZE = 24,
    FABRIC_HELLO_SIZE_MAX = FABRIC_HELLO_HEAD_SIZE + LIMIT_CLUSTER_NAME_SIZE +
                            LIMIT_NAMESPACES * (1 + LIMIT_NAMESPACE_NAME_SIZE),
    FABRIC_VERSION = 1,
};

struct fabric__hello {
    uint64_t node_id;
    uint64_t incarnation;
    enum fabric_channel channel;
    struct base_slice cluster_name;
    uint32_t namespace_count;
    struct base_slice namespaces[LIMIT_NAMESPACES]; // sorted
};

// Writes the body; returns its size.
uint32_t fabric__hello_encode(const struct fabric__hello *hello,
                              uint8_t out[FABRIC_HELLO_SIZE_MAX]);

// Slices point into the bytes. RESULT_MALFORMED for what no node of this version would send.
BASE_MUST_USE enum base_result fabric__hello_decode(struct base_slice body,
                                                    struct fabric__hello *out);
