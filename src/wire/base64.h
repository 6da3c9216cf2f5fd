// SPDX-License-Identifier: Apache-2.0
// Standard base64 with padding, as info values carry it. Pure functions over the caller's bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Characters that `size` bytes become, without terminator.
static inline size_t wire_base64_encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

// Bytes that `size` characters can become at most.
static inline size_t wire_base64_decoded_size_max(size_t size)
{
    return size / 4 * 3;
}

// Writes wire_base64_encoded_size(size) characters and no terminator.
void wire_base64_encode(const uint8_t *bytes, size_t size, char *out);

// False when the text is not base64 with padding. `out` has room for
// wire_base64_decoded_size_max(size) bytes.
bool wire_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size);
