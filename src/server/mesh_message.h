// SPDX-License-Identifier: Apache-2.0
// What nodes say to each other on the heartbeat port: frames of a header and a body. Bytes in,
// structs out; nothing is allocated. Little endian, but for addresses and their ports.
//
//   offset size
//   0      4    size of the body
//   4      2    "BH"
//   6      1    version of this protocol
//   7      1    type
//
// The side that dialled says HELLO first, the other answers with its own or with REFUSED and
// closes. Then both send MEMBERSHIP (core/membership codec), ADDRESSES of the nodes they are linked
// with, and HELLO again when what it says has changed.
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"
#include "io/socket.h"
#include "server/peers.h"

enum mesh_frame_type {
    MESH_HELLO = 1,
    MESH_REFUSED,
    MESH_ADDRESSES,
    MESH_MEMBERSHIP,
};

enum mesh_refusal {
    MESH_REFUSAL_CLUSTER_NAME = 1, // text: the name here
    MESH_REFUSAL_DUPLICATE,        // text: the host that has this id already
    MESH_REFUSAL_FULL,             // no room for another node
};

enum {
    MESH_VERSION = 1,
    MESH_HEADER_SIZE = 8,
    MESH_BODY_SIZE_MAX = LIMIT_HEARTBEAT_SIZE,
    MESH_FIRST_BODY_SIZE_MAX = 4096, // of a HELLO or REFUSED
    MESH_HOST_SIZE = 64,
    MESH_TEXT_SIZE = 128,
};

struct mesh_header {
    enum mesh_frame_type type;
    uint8_t version;
    uint32_t body_size;
};

struct mesh_hello {
    uint64_t id;
    uint64_t incarnation;
    uint64_t attempt; // grows with each link that the sender dials; 0: it did not dial this one
    uint16_t heartbeat_port;
    uint16_t fabric_port;
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE + 1];
    char build[PEER_BUILD_SIZE];
    char heartbeat_host[MESH_HOST_SIZE]; // an address; "": the one that this link comes from
    char fabric_host[MESH_HOST_SIZE];
    char services[PEER_ADDRESSES_SIZE];
    char alternates[PEER_ADDRESSES_SIZE];
};

struct mesh_refused {
    enum mesh_refusal reason;
    char text[MESH_TEXT_SIZE];
};

struct mesh_address {
    uint64_t id;
    struct io_address heartbeat;
};

struct mesh_addresses {
    uint32_t count;
    struct mesh_address item[LIMIT_CLUSTER_NODES];
};

// Encoding gives the whole frame, header included, and returns its size.
uint32_t mesh_hello_encode(const struct mesh_hello *hello,
                           uint8_t out[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX]);
uint32_t mesh_refused_encode(const struct mesh_refused *refused,
                             uint8_t out[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX]);
uint32_t mesh_addresses_encode(const struct mesh_addresses *addresses,
                               uint8_t out[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX]);
void mesh_header_encode(enum mesh_frame_type type, uint32_t body_size,
                        uint8_t out[MESH_HEADER_SIZE]);

// RESULT_MALFORMED: not one of ours. A header of another version is good but for its type.
BASE_MUST_USE enum base_result mesh_header_decode(const uint8_t bytes[MESH_HEADER_SIZE],
                                                  struct mesh_header *out);

// Bodies. What stands behind the known fields is left for later versions. RESULT_MALFORMED.
BASE_MUST_USE enum base_result mesh_hello_decode(const uint8_t *body, uint32_t size,
                                                 struct mesh_hello *out);
BASE_MUST_USE enum base_result mesh_refused_decode(const uint8_t *body, uint32_t size,
                                                   struct mesh_refused *out);
BASE_MUST_USE enum base_result mesh_addresses_decode(const uint8_t *body, uint32_t size,
                                                     struct mesh_addresses *out);
