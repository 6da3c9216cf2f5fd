// SPDX-License-Identifier: Apache-2.0
// What a program asks of one record, and its bytes: a message of its own (wire-protocol section 5)
// or a row of a batch (section 6.2). Borrows names and values from the caller; hands out bytes from
// malloc. Any thread may call.
#pragma once

#include "ballast/ballast.h"
#include "client/key.h"
#include "wire/message.h"

enum client_request_kind {
    CLIENT_REQUEST_GET,     // `names`, or all bins when there are none
    CLIENT_REQUEST_EXISTS,  // header alone
    CLIENT_REQUEST_PUT,     // `bins`
    CLIENT_REQUEST_OPERATE, // `ops`
    CLIENT_REQUEST_REMOVE,
    CLIENT_REQUEST_TOUCH,
};

struct client_request {
    enum client_request_kind kind;
    const char *const *names;
    const struct ballast_bin *bins;
    const struct ballast_op *ops;
    size_t count; // of names, bins or ops
};

// True when the request may change the record.
bool client__request_is_write(const struct client_request *request);

// RESULT_OK when names, values and ops make sense; RESULT_BIN_NAME, RESULT_PARAMETER, RESULT_LIMIT.
BASE_MUST_USE enum base_result client__request_check(const struct client_request *request);

// The header of the message or row: info bits, generation, time to live.
void client__request_header(const struct client_request *request,
                            const struct ballast_policy *policy, struct wire_message_header *out);

// Ops of the request, as many as header.op_count says.
size_t client__request_ops_size(const struct client_request *request);
uint8_t *client__request_ops_store(uint8_t *at, const struct client_request *request);

// The fields namespace, set, [digest], [key].
size_t client__key_fields_size(const struct client_key *key, bool digest, bool send_key);
uint8_t *client__key_fields_store(uint8_t *at, const struct client_key *key, bool digest,
                                  bool send_key);
uint16_t client__key_fields_count(const struct client_key *key, bool digest, bool send_key);

// The whole frame of a single-record request, compressed when the policy asks for it and it is
// worth it. *out belongs to the caller.
BASE_MUST_USE enum base_result client__request_frame(const struct client_request *request,
                                                     const struct client_key *key,
                                                     const struct ballast_policy *policy,
                                                     uint8_t **out, size_t *out_size);

// Replaces a frame of more than LIMIT_COMPRESS_THRESHOLD bytes by a compressed one when that is
// smaller.
BASE_MUST_USE enum base_result client__frame_compress(uint8_t **frame, size_t *frame_size);

// The timeout a node is told, in milliseconds.
uint32_t client__server_timeout_ms(const struct ballast_policy *policy);
