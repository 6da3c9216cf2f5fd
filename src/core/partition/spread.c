// SPDX-License-Identifier: Apache-2.0
// Spreading partitions over bins: see spread.h. Direct moves are taken from a heap, best first;
// what they leave over (few bins, many copies) is moved along chains of bins.
#include "core/partition/spread.h"

#include <string.h>

#include "base/assert.h"

enum {
    COST_PART = 1,
    COST_NONE = 3, // more than two parts: rather finish two copies than start one
    COST_UNREACHED = INT8_MAX,
    CHAIN_MAX = 4, // bins that a chain passes on its way
    CHAIN_COST_MAX = CHAIN_MAX * COST_NONE,
    CHAIN_ROUNDS_MAX = 64, // each looks at all partitions
};

// The finalizer of MurmurHash3: each bit of the outcome depends on each bit of x.
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

uint64_t balance__seed(uint64_t id)
{
    return mix(id + UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t balance__score(uint64_t seed, uint32_t partition)
{
    return mix(seed + (partition + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

// What it takes to have the partition in this bin.
static int cost_of(const struct spread *spread, uint32_t partition, uint32_t bin)
{
    if (spread->full == NULL || node_set_has(&spread->full[partition], bin)) {
        return 0;
    }
    return node_set_has(&spread->part[partition], bin) ? COST_PART : COST_NONE;
}

static struct node_set allowed_of(const struct spread *spread, uint32_t partition)
{
    struct node_set set = spread->allowed;
    if (spread->allowed_each != NULL) {
        set.bits[0] &= spread->allowed_each[partition].bits[0];
        set.bits[1] &= spread->allowed_each[partition].bits[1];
    }
    return set;
}

void balance__choose(struct spread *spread, uint32_t partition, const struct node_set *from,
                     uint32_t count)
{
    uint64_t best_rank[LIMIT_REPLICATION_FACTOR];
    uint8_t best[LIMIT_REPLICATION_FACTOR];
    uint32_t found = 0;
    base_assert(count <= LIMIT_REPLICATION_FACTOR);
    for (uint32_t bin = node_set_next(from, 0); bin < LIMIT_CLUSTER_NODES;
         bin = node_set_next(from, bin + 1)) {
        uint64_t rank = (uint64_t)cost_of(spread, partition, bin) << 62 |
                        ~balance__score(spread->seed[bin], partition) >> 2;
        if (found == count && (count == 0 || rank >= best_rank[found - 1])) {
            continue;
        }
        uint32_t at = found < count ? found++ : found - 1;
        for (; at > 0 && best_rank[at - 1] > rank; at--) {
            best_rank[at] = best_rank[at - 1];
            best[at] = best[at - 1];
        }
        best_rank[at] = rank;
        best[at] = (uint8_t)bin;
    }
    for (uint32_t i = 0; i < found; i++) {
        node_set_add(&spread->chosen[partition], best[i]);
        spread->load[best[i]]++;
    }
}

// The odd ones go to the bins with the highest seeds, whatever they have, so that a plan made again
// half way gives the same quotas.
void balance__quota(struct spread *spread, uint32_t group, uint64_t total)
{
    struct node_set left = spread->group[group].bins;
    uint32_t count = node_set_count(&left);
    for (uint32_t odd = count == 0 ? 0 : (uint32_t)(total % count); !node_set_is_empty(&left);) {
        uint32_t first = node_set_next(&left, 0);
        for (uint32_t bin = first; bin < LIMIT_CLUSTER_NODES; bin = node_set_next(&left, bin + 1)) {
            if (spread->seed[bin] > spread->seed[first]) {
                first = bin;
            }
        }
        spread->quota[first] = (uint32_t)(total / count) + (odd > 0);
        odd -= odd > 0;
        node_set_remove(&left, first);
    }
}

static void mark(struct spread *spread, uint32_t bin)
{
    node_set_remove(&spread->over, bin);
    node_set_remove(&spread->under, bin);
    if (spread->load[bin] > spread->quota[bin]) {
        node_set_add(&spread->over, bin);
    } else if (spread->load[bin] < spread->quota[bin]) {
        node_set_add(&spread->under, bin);
    }
}

static void move(struct spread *spread, uint32_t partition, uint32_t from, uint32_t to)
{
    node_set_remove(&spread->chosen[partition], from);
    node_set_add(&spread->chosen[partition], to);
    spread->load[from]--;
    spread->load[to]++;
    mark(spread, from);
    mark(spread, to);
}

static struct node_set intersection(const struct node_set *a, const struct node_set *b)
{
    return (struct node_set){{a->bits[0] & b->bits[0], a->bits[1] & b->bits[1]}};
}

static struct node_set difference(const struct node_set *a, const struct node_set *b)
{
    return (struct node_set){{a->bits[0] & ~b->bits[0], a->bits[1] & ~b->bits[1]}};
}

static uint32_t chosen_of_group(const struct spread *spread, uint32_t partition, uint32_t group)
{
    struct node_set set = intersection(&spread->chosen[partition], &spread->group[group].bins);
    return node_set_count(&set);
}

// Whether a partition may go from a bin that it has chosen to one that it has not.
static bool may_move(const struct spread *spread, uint32_t partition, uint32_t from, uint32_t to)
{
    uint32_t a = spread->group_of[from];
    uint32_t b = spread->group_of[to];
    return a == b || (chosen_of_group(spread, partition, a) > spread->group[a].least &&
                      chosen_of_group(spread, partition, b) < spread->group[b].most);
}

// Which bin should make room for another one: the one whose copy costs most, then the one that
// scores least.
static uint32_t giver(const struct spread *spread, uint32_t partition, uint32_t to)
{
    struct node_set from = intersection(&spread->chosen[partition], &spread->over);
    uint32_t best = LIMIT_CLUSTER_NODES;
    int best_cost = 0;
    uint64_t best_score = 0;
    for (uint32_t bin = node_set_next(&from, 0); bin < LIMIT_CLUSTER_NODES;
         bin = node_set_next(&from, bin + 1)) {
        if (!may_move(spread, partition, bin, to)) {
            continue;
        }
        int cost = cost_of(spread, partition, bin);
        uint64_t score = balance__score(spread->seed[bin], partition);
        if (best == LIMIT_CLUSTER_NODES || cost > best_cost ||
            (cost == best_cost && score < best_score)) {
            best = bin;
            best_cost = cost;
            best_score = score;
        }
    }
    return best;
}

// The best direct move of a partition; false if it has none.
static bool move_find(const struct spread *spread, uint32_t partition, struct balance_move *out)
{
    struct node_set to = allowed_of(spread, partition);
    to = intersection(&to, &spread->under);
    to = difference(&to, &spread->chosen[partition]);
    uint32_t from = LIMIT_CLUSTER_NODES;
    uint32_t group = LIMIT_CLUSTER_NODES;
    *out = (struct balance_move){.rank = UINT64_MAX, .partition = (uint16_t)partition};
    for (uint32_t bin = node_set_next(&to, 0); bin < LIMIT_CLUSTER_NODES;
         bin = node_set_next(&to, bin + 1)) {
        if (group != spread->group_of[bin]) {
            group = spread->group_of[bin];
            from = giver(spread, partition, bin);
        }
        if (from == LIMIT_CLUSTER_NODES) {
            continue;
        }
        int cost = COST_NONE + cost_of(spread, partition, bin) - cost_of(spread, partition, from);
        uint64_t rank = (uint64_t)cost << 60 | ~balance__score(spread->seed[bin], partition) >> 4;
        if (rank < out->rank) {
            out->rank = rank;
            out->from = (uint8_t)from;
            out->to = (uint8_t)bin;
        }
    }
    return out->rank != UINT64_MAX;
}

static bool heap_before(const struct balance_move *a, const struct balance_move *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->partition < b->partition);
}

static void heap_sink(struct spread *spread, uint32_t at)
{
    struct balance_move *heap = spread->work->heap;
    struct balance_move moved = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= spread->heap_count) {
            break;
        }
        if (child + 1 < spread->heap_count && heap_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!heap_before(&heap[child], &moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

// Takes direct moves, best first. A move on the heap may be out of date; bins only ever leave
// `over` and `under`, so what is found anew is never better, and it goes back to its place.
static void spread_direct(struct spread *spread, int cost_max)
{
    struct balance_move *heap = spread->work->heap;
    spread->heap_count = 0;
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        if (move_find(spread, p, &heap[spread->heap_count])) {
            spread->heap_count++;
        }
    }
    for (uint32_t at = spread->heap_count / 2; at-- > 0;) {
        heap_sink(spread, at);
    }
    while (spread->heap_count > 0 && !node_set_is_empty(&spread->over) &&
           heap[0].rank >> 60 <= (uint64_t)(COST_NONE + cost_max)) {
        struct balance_move best = heap[0];
        if (node_set_has(&spread->over, best.from) && node_set_has(&spread->under, best.to)) {
            move(spread, best.partition, best.from, best.to);
        }
        if (!move_find(spread, best.partition, &heap[0])) {
            heap[0] = heap[--spread->heap_count];
        }
        heap_sink(spread, 0);
    }
}

// For each pair of bins the cheapest partition that can go from one to the other. `there`: only to
// bins that have something of it.
static void chain_costs(struct spread *spread, bool there)
{
    struct balance_work *work = spread->work;
    memset(work->cost, COST_UNREACHED, sizeof work->cost);
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct node_set to = allowed_of(spread, p);
        to = difference(&to, &spread->chosen[p]);
        if (there) {
            for (uint32_t word = 0; word < LIMIT_CLUSTER_NODES / 64; word++) {
                to.bits[word] &= spread->full[p].bits[word] | spread->part[p].bits[word];
            }
        }
        for (uint32_t a = node_set_next(&spread->chosen[p], 0); a < LIMIT_CLUSTER_NODES;
             a = node_set_next(&spread->chosen[p], a + 1)) {
            int saved = cost_of(spread, p, a);
            for (uint32_t b = node_set_next(&to, 0); b < LIMIT_CLUSTER_NODES;
                 b = node_set_next(&to, b + 1)) {
                int cost = cost_of(spread, p, b) - saved;
                if (cost < work->cost[a][b] && may_move(spread, p, a, b)) {
                    work->cost[a][b] = (int8_t)cost;
                    work->witness[a][b] = (uint16_t)p;
                }
            }
        }
    }
}

// The cheapest chain of moves from a bin above its quota to one below; returns how many bins it
// passes, from `path[0]` to `path[count - 1]`, or 0.
static uint32_t chain_find(const struct spread *spread, int cost_max, uint8_t path[CHAIN_MAX + 2])
{
    int dist[CHAIN_MAX + 2][LIMIT_CLUSTER_NODES];
    uint8_t before[CHAIN_MAX + 2][LIMIT_CLUSTER_NODES];
    int best = cost_max + 1;
    uint32_t hops = 0;
    uint32_t end = 0;
    for (uint32_t bin = 0; bin < spread->bin_count; bin++) {
        dist[0][bin] = node_set_has(&spread->over, bin) ? 0 : COST_UNREACHED;
    }
    for (uint32_t hop = 1; hop < CHAIN_MAX + 2; hop++) {
        for (uint32_t b = 0; b < spread->bin_count; b++) {
            dist[hop][b] = COST_UNREACHED;
            for (uint32_t a = 0; a < spread->bin_count; a++) {
                int cost = spread->work->cost[a][b];
                if (dist[hop - 1][a] != COST_UNREACHED && cost != COST_UNREACHED &&
                    dist[hop - 1][a] + cost < dist[hop][b]) {
                    dist[hop][b] = dist[hop - 1][a] + cost;
                    before[hop][b] = (uint8_t)a;
                }
            }
            if (node_set_has(&spread->under, b) && dist[hop][b] < best) {
                best = dist[hop][b];
                hops = hop;
                end = b;
            }
        }
    }
    if (hops == 0) {
        return 0;
    }
    for (uint32_t hop = hops;; hop--) {
        path[hop] = (uint8_t)end;
        if (hop == 0) {
            return hops + 1;
        }
        end = before[hop][end];
    }
}

// A bin above its quota may have nothing that a bin below can take, or take cheaply: others in
// between have to help.
static void spread_chains(struct spread *spread, int cost_max)
{
    uint8_t path[CHAIN_MAX + 2];
    for (uint32_t round = 0; round < CHAIN_ROUNDS_MAX && !node_set_is_empty(&spread->over);
         round++) {
        chain_costs(spread, cost_max <= COST_PART);
        uint32_t count = chain_find(spread, cost_max, path);
        if (count == 0) {
            return;
        }
        for (uint32_t i = 0; i + 1 < count; i++) {
            uint32_t p = spread->work->witness[path[i]][path[i + 1]];
            // A partition that has moved within this chain may not be able to move on.
            if (!node_set_has(&spread->chosen[p], path[i]) ||
                node_set_has(&spread->chosen[p], path[i + 1]) ||
                !may_move(spread, p, path[i], path[i + 1])) {
                break;
            }
            move(spread, p, path[i], path[i + 1]);
        }
    }
}

void balance__spread(struct spread *spread)
{
    spread->over = (struct node_set){{0}};
    spread->under = (struct node_set){{0}};
    for (uint32_t bin = 0; bin < spread->bin_count; bin++) {
        mark(spread, bin);
    }
    // What costs little first, by chains too, before anything is copied from the start.
    if (spread->full != NULL) {
        spread_direct(spread, COST_PART);
        spread_chains(spread, COST_PART);
    }
    spread_direct(spread, COST_NONE);
    spread_chains(spread, CHAIN_COST_MAX);
}
