// SPDX-License-Identifier: Apache-2.0
// Thin over clock_gettime, so that nothing else in the product reads time by itself.
#include "io/clock.h"

#include <time.h>

uint64_t io_clock_epoch_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec - IO_CLOCK_EPOCH_UNIX_S) * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t io_clock_epoch_s(void)
{
    return (uint32_t)(io_clock_epoch_ms() / 1000);
}

uint64_t io_clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
