// SPDX-License-Identifier: Apache-2.0
// Keeps work to so many records a second: a bucket that fills with time and holds at most a tenth
// of a second's worth, so that a pause is not made up for by a burst. Pure: time comes in with the
// call. The caller owns the struct.
#pragma once

#include <stdint.h>

struct pace {
    uint32_t rate;    // records a second; 0: no limit
    uint64_t level;   // what is in the bucket, in billionths of a record
    uint64_t last_ns; // when the level was right
};

// Starts with one record in the bucket, so that the first one does not wait.
void pace_init(struct pace *pace, uint32_t rate, uint64_t now_ns);

// Changes the rate from now on.
void pace_rate_set(struct pace *pace, uint32_t rate, uint64_t now_ns);

// How many records may be worked on now; UINT32_MAX without a limit.
uint32_t pace_available(struct pace *pace, uint64_t now_ns);

// Takes `count` records out of the bucket; at most what pace_available said.
void pace_take(struct pace *pace, uint32_t count);

// How long to wait until it is worth going on: for one record at least, and where the rate is high,
// for enough of them that waiting does not cost more than working.
uint64_t pace_wait_ns(const struct pace *pace);
