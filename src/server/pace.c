// SPDX-License-Identifier: Apache-2.0
// The bucket is kept in billionths of a record, so that a rate times nanoseconds is exact.
#include "server/pace.h"

#include "base/assert.h"

#define RECORD_UNITS 1000000000ull

enum {
    SECOND_NS = 1000 * 1000 * 1000,
    HOLD_NS = 100 * 1000 * 1000, // the bucket holds what comes in this time
    STEP_NS = 20 * 1000 * 1000,  // worth waiting for
};

static uint64_t at_least_one_record(uint64_t level)
{
    return level > RECORD_UNITS ? level : RECORD_UNITS;
}

void pace_init(struct pace *pace, uint32_t rate, uint64_t now_ns)
{
    *pace = (struct pace){.rate = rate, .level = RECORD_UNITS, .last_ns = now_ns};
}

static void fill(struct pace *pace, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - pace->last_ns;
    uint64_t level_max = at_least_one_record((uint64_t)pace->rate * HOLD_NS);
    pace->last_ns = now_ns;
    // After a second the bucket is full whatever the rate, so that the product cannot overflow.
    uint64_t gained = (uint64_t)pace->rate * (passed_ns < SECOND_NS ? passed_ns : SECOND_NS);
    pace->level = gained < level_max - pace->level ? pace->level + gained : level_max;
}

void pace_rate_set(struct pace *pace, uint32_t rate, uint64_t now_ns)
{
    if (rate == pace->rate) {
        return;
    }
    fill(pace, now_ns);
    pace->rate = rate;
    uint64_t level_max = at_least_one_record((uint64_t)rate * HOLD_NS);
    pace->level = pace->level < level_max ? pace->level : level_max;
}

uint32_t pace_available(struct pace *pace, uint64_t now_ns)
{
    if (pace->rate == 0) {
        return UINT32_MAX;
    }
    fill(pace, now_ns);
    return (uint32_t)(pace->level / RECORD_UNITS);
}

void pace_take(struct pace *pace, uint32_t count)
{
    if (pace->rate != 0) {
        base_assert(count * RECORD_UNITS <= pace->level);
        pace->level -= count * RECORD_UNITS;
    }
}

uint64_t pace_wait_ns(const struct pace *pace)
{
    if (pace->rate == 0) {
        return 0;
    }
    uint64_t target = at_least_one_record((uint64_t)pace->rate * STEP_NS);
    return pace->level >= target ? 0 : (target - pace->level + pace->rate - 1) / pace->rate;
}
