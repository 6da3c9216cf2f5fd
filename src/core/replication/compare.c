// SPDX-License-Identifier: Apache-2.0
// Which of two versions of a record wins.
#include "base/limits.h"
#include "core/replication/replication.h"

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

// On a circle of `size` numbers the one that is ahead by the shorter way is greater.
static int order_on_circle(uint32_t a, uint32_t b, uint32_t size)
{
    uint32_t ahead = (a % size + size - b % size) % size;
    return ahead == 0 ? 0 : ahead <= (size - 1) / 2 ? 1 : -1;
}

// Half way round a circle of even size, both would be ahead of each other.
static int order_lives(uint8_t a, uint8_t b)
{
    uint32_t ahead = (uint32_t)(a - b) % REPLICATION_LIVES;
    return ahead == REPLICATION_LIVES / 2 ? order(a, b) : order_on_circle(a, b, REPLICATION_LIVES);
}

static int order_generations(const struct replication_version *a,
                             const struct replication_version *b)
{
    return order_on_circle(a->generation, b->generation, LIMIT_GENERATION);
}

// Whether the other one was written when this one was there no more.
static bool expired_before(const struct replication_version *version,
                           const struct replication_version *other)
{
    return version->void_time_s != 0 && version->void_time_s <= other->last_update_ms / 1000;
}

int replication_compare(const struct replication_version *a, const struct replication_version *b,
                        enum replication_policy policy)
{
    if (!a->exists || !b->exists) {
        return order(a->exists, b->exists);
    }
    int by_time = order(a->last_update_ms, b->last_update_ms);
    int by_generation = order_lives(a->life, b->life);
    if (by_generation == 0) {
        by_generation = order_generations(a, b);
    }
    bool expired = expired_before(a, b) || expired_before(b, a);
    bool time_first = policy == REPLICATION_BY_LAST_UPDATE_TIME || expired;
    int first = time_first ? by_time : by_generation;
    int second = time_first ? by_generation : by_time;
    return first != 0 ? first : second != 0 ? second : order(a->checksum, b->checksum);
}
