// SPDX-License-Identifier: Apache-2.0
// A record of an answer in one block of memory: its bins, their names, and the bytes of their
// values, each followed by a NUL.
#pragma once

#include "ballast/ballast.h"
#include "base/result.h"
#include "wire/message.h"

// Copies what the message holds. RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result client__record_new(const struct wire_message *message,
                                                  struct ballast_record **out);
