// SPDX-License-Identifier: Apache-2.0
// The real clocks. "Epoch" here is the protocol's: 2010-01-01T00:00:00Z. Any thread may call.
#pragma once

#include <stdint.h>

enum { IO_CLOCK_EPOCH_UNIX_S = 1262304000 };

// Wall clock since 2010 in milliseconds, and in whole seconds.
uint64_t io_clock_epoch_ms(void);
uint32_t io_clock_epoch_s(void);

// A clock that never goes back; only differences mean something.
uint64_t io_clock_monotonic_ns(void);
