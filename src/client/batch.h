// SPDX-License-Identifier: Apache-2.0
// The rows of a batch and the bytes that a node gets for its share of them. A row owns nothing
// outside of the batch's arena but its record.
#pragma once

#include "client/arena.h"
#include "client/request.h"

enum { CLIENT_NO_NODE = UINT16_MAX };

struct client_batch_row {
    struct client_request request;
    struct client_key key;
    struct ballast_policy policy;
    bool write;

    bool done;     // nothing more will be tried
    bool answered; // by a node
    bool doubt;    // some try may have reached the record
    bool in_doubt; // what the program is told
    uint16_t node; // asked in this round; CLIENT_NO_NODE: none
    bool heard;    // a result has come in this round
    enum base_result result;
    struct ballast_record *record;
};

struct ballast_batch {
    uint32_t magic;
    bool running;
    struct client_arena arena;
    size_t row_count, row_capacity;
    struct client_batch_row *rows;
};

enum { CLIENT_BATCH_MAGIC = 0x42415443 };

// The whole frame for the rows whose `node` is the given one, with row numbers as their index;
// *write tells whether any of them may change a record. RESULT_LIMIT when it would be larger than a
// frame may be. *out belongs to the caller.
BASE_MUST_USE enum base_result client__batch_frame(const struct ballast_batch *batch, uint16_t node,
                                                   const struct ballast_policy *policy,
                                                   uint8_t **out, size_t *out_size, bool *write);
