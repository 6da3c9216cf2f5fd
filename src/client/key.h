// SPDX-License-Identifier: Apache-2.0
// Keys and their digests (wire-protocol section 4.5). Pure; any thread may call.
#pragma once

#include "ballast/ballast.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"

enum { CLIENT_KEY_VALUE_SIZE = 8 };

// A key as the wire carries it: checked, measured, with its digest. Borrows from the ballast_key.
struct client_key {
    struct base_slice ns, set;
    struct base_digest digest;
    uint8_t type;            // particle type; 0: only the digest is known
    struct base_slice value; // NULL data: the bytes of `integer`
    uint8_t integer[CLIENT_KEY_VALUE_SIZE];
};

// RESULT_PARAMETER when a name is missing or too long or the type is unknown, RESULT_IO when the
// digest cannot be computed.
BASE_MUST_USE enum base_result client__key_read(const struct ballast_key *key,
                                                struct client_key *out);

// The key's value as bytes.
static inline struct base_slice client__key_value(const struct client_key *key)
{
    return key->value.data != NULL
               ? key->value
               : (struct base_slice){.data = key->integer, .size = CLIENT_KEY_VALUE_SIZE};
}
