// SPDX-License-Identifier: Apache-2.0
// Values between the public header's form and the wire's (wire-protocol section 4.3). Pure; any
// thread may call.
#pragma once

#include "ballast/ballast.h"
#include "base/bytes.h"
#include "base/result.h"

// Bytes that the value takes on the wire.
size_t client__value_size(const struct ballast_value *value);

// Writes them and returns the place behind.
uint8_t *client__value_store(uint8_t *at, const struct ballast_value *value);

// False for a value that has bytes to carry and none to point to.
bool client__value_is_sound(const struct ballast_value *value);

// Reads a value; bytes are borrowed. A number or boolean of the wrong size becomes a blob, so that
// nothing a node sends is lost.
struct ballast_value client__value_load(uint8_t particle_type, struct base_slice bytes);
