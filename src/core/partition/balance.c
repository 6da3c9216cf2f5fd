// SPDX-License-Identifier: Apache-2.0
// Which nodes shall hold which partition, in two spreadings (spread.h): copies over nodes, within
// what each rack must and may have of each partition, then masters over holders. Quiesced nodes get
// only what is left over when all others have all they can.
#include "core/partition/balance.h"

#include <string.h>

#include "base/assert.h"
#include "core/partition/spread.h"

// The racks of the nodes that share copies among them. A node without a rack is in rack 0.
struct racks {
    uint32_t count;
    uint32_t number[LIMIT_CLUSTER_NODES];
    uint32_t node_count[LIMIT_CLUSTER_NODES];
    uint32_t copies[LIMIT_CLUSTER_NODES]; // of each partition, at least
    bool more[LIMIT_CLUSTER_NODES];       // may have one above that
    struct node_set nodes[LIMIT_CLUSTER_NODES];
    uint32_t spare; // copies of each partition that are not in `copies`
};

uint64_t balance_score(uint64_t node_id, uint32_t partition)
{
    return balance__score(balance__seed(node_id), partition);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void racks_find(const struct balance_input *input, const struct node_set *nodes,
                       struct racks *racks)
{
    memset(racks, 0, sizeof *racks);
    for (uint32_t node = node_set_next(nodes, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(nodes, node + 1)) {
        uint32_t rack = 0;
        while (rack < racks->count && racks->number[rack] != input->node[node].rack) {
            rack++;
        }
        if (rack == racks->count) {
            racks->number[racks->count++] = input->node[node].rack;
        }
        node_set_add(&racks->nodes[rack], node);
        racks->node_count[rack]++;
    }
}

// Copies go to as many racks as there are, and as evenly as their nodes allow.
static void racks_divide(struct racks *racks, uint32_t copies)
{
    for (uint32_t level = 0;; level++) {
        uint32_t sum = 0;
        for (uint32_t rack = 0; rack < racks->count; rack++) {
            sum += smaller(level, racks->node_count[rack]);
        }
        if (sum > copies) {
            return;
        }
        racks->spare = copies - sum;
        for (uint32_t rack = 0; rack < racks->count; rack++) {
            racks->copies[rack] = smaller(level, racks->node_count[rack]);
            racks->more[rack] = racks->node_count[rack] > level;
        }
        if (racks->spare == 0) {
            return;
        }
    }
}

// How many spare copies each rack shall have, so that all nodes of all racks have the same number
// of copies as far as possible: a rack's share, within what it may and must have.
static void racks_share(const struct racks *racks, uint64_t shares[LIMIT_CLUSTER_NODES])
{
    struct node_set open = {{0}};
    uint64_t left = (uint64_t)racks->spare * LIMIT_PARTITIONS;
    for (uint32_t rack = 0; rack < racks->count; rack++) {
        shares[rack] = 0;
        if (racks->more[rack]) {
            node_set_add(&open, rack);
        }
    }
    // A rack whose even share lies outside of its bounds gets the bound; the others share what is
    // left. Racks at their upper bound first: they leave more for the others.
    for (bool changed = true; changed && !node_set_is_empty(&open);) {
        uint64_t nodes = 0;
        uint64_t copies = left; // of open racks, all of them
        changed = false;
        for (uint32_t rack = node_set_next(&open, 0); rack < LIMIT_CLUSTER_NODES;
             rack = node_set_next(&open, rack + 1)) {
            nodes += racks->node_count[rack];
            copies += (uint64_t)racks->copies[rack] * LIMIT_PARTITIONS;
        }
        for (uint32_t pass = 0; pass < 2 && !changed; pass++) {
            for (uint32_t rack = node_set_next(&open, 0); rack < LIMIT_CLUSTER_NODES;
                 rack = node_set_next(&open, rack + 1)) {
                uint64_t share = copies * racks->node_count[rack];
                uint64_t least = (uint64_t)racks->copies[rack] * LIMIT_PARTITIONS;
                bool bound =
                    pass == 0 ? share > (least + LIMIT_PARTITIONS) * nodes : share < least * nodes;
                if (bound) {
                    shares[rack] = pass == 0 ? LIMIT_PARTITIONS : 0;
                    left -= shares[rack];
                    node_set_remove(&open, rack);
                    changed = true;
                }
            }
        }
        for (uint32_t rack = node_set_next(&open, 0); !changed && rack < LIMIT_CLUSTER_NODES;
             rack = node_set_next(&open, rack + 1)) {
            uint64_t share = copies * racks->node_count[rack] / nodes;
            shares[rack] = share - (uint64_t)racks->copies[rack] * LIMIT_PARTITIONS;
            left -= shares[rack];
        }
    }
    for (uint32_t rack = 0; left > 0 && rack < racks->count; rack++) {
        if (racks->more[rack] && shares[rack] < LIMIT_PARTITIONS) {
            shares[rack]++;
            left--;
        }
    }
}

// Which racks have a copy above what each rack has, as far as data and score say: `chosen`, by
// rack.
static void racks_choose(const struct balance_input *input, const struct racks *racks,
                         struct balance_work *work)
{
    struct spread spread = {
        .bin_count = racks->count,
        .full = work->rack_full,
        .part = work->rack_part,
        .chosen = work->chosen,
        .work = work,
    };
    memset(work->chosen, 0, sizeof work->chosen);
    if (racks->spare == 0) {
        return;
    }
    for (uint32_t rack = 0; rack < racks->count; rack++) {
        spread.seed[rack] = balance__seed(racks->number[rack]);
        if (racks->more[rack]) {
            node_set_add(&spread.allowed, rack);
        }
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        work->rack_full[p] = (struct node_set){{0}};
        work->rack_part[p] = (struct node_set){{0}};
        for (uint32_t rack = 0; rack < racks->count; rack++) {
            struct node_set full = racks->nodes[rack];
            struct node_set some = racks->nodes[rack];
            for (uint32_t word = 0; word < LIMIT_CLUSTER_NODES / 64; word++) {
                full.bits[word] &= input->full[p].bits[word];
                some.bits[word] &= input->full[p].bits[word] | input->part[p].bits[word];
            }
            if (node_set_count(&full) > racks->copies[rack]) {
                node_set_add(&work->rack_full[p], rack);
            } else if (node_set_count(&some) > racks->copies[rack]) {
                node_set_add(&work->rack_part[p], rack);
            }
        }
        balance__choose(&spread, p, &spread.allowed, racks->spare);
    }
}

// Has `copies` of `nodes` hold each partition, besides who holds it already.
static void holders_choose(const struct balance_input *input, struct balance_work *work,
                           const struct node_set *nodes, uint32_t copies)
{
    struct racks racks;
    uint64_t shares[LIMIT_CLUSTER_NODES];
    struct spread spread = {
        .bin_count = input->node_count,
        .allowed = *nodes,
        .full = input->full,
        .part = input->part,
        .chosen = work->holders,
        .work = work,
    };
    racks_find(input, nodes, &racks);
    racks_divide(&racks, copies);
    racks_choose(input, &racks, work);
    racks_share(&racks, shares);
    for (uint32_t node = 0; node < input->node_count; node++) {
        spread.seed[node] = balance__seed(input->node[node].id);
    }
    for (uint32_t rack = 0; rack < racks.count; rack++) {
        for (uint32_t node = node_set_next(&racks.nodes[rack], 0); node < LIMIT_CLUSTER_NODES;
             node = node_set_next(&racks.nodes[rack], node + 1)) {
            spread.group_of[node] = (uint8_t)rack;
        }
        spread.group[rack] = (struct spread_group){
            .bins = racks.nodes[rack],
            .least = racks.copies[rack],
            .most = racks.copies[rack] + racks.more[rack],
        };
        balance__quota(&spread, rack,
                       shares[rack] + (uint64_t)racks.copies[rack] * LIMIT_PARTITIONS);
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        for (uint32_t rack = 0; rack < racks.count; rack++) {
            uint32_t count = racks.copies[rack] + node_set_has(&work->chosen[p], rack);
            balance__choose(&spread, p, &racks.nodes[rack], count);
        }
    }
    balance__spread(&spread);
}

// Who of the holders is the master: `chosen`. Only the score decides, not who has data: then the
// master that shall be stays the same while data moves, and mastership moves but once.
static void masters_choose(const struct balance_input *input, struct balance_work *work,
                           const struct node_set *nodes)
{
    struct spread spread = {
        .bin_count = input->node_count,
        .allowed = *nodes,
        .allowed_each = work->holders,
        .chosen = work->chosen,
        .work = work,
    };
    memset(work->chosen, 0, sizeof work->chosen);
    for (uint32_t node = 0; node < input->node_count; node++) {
        spread.seed[node] = balance__seed(input->node[node].id);
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        struct node_set holders = work->holders[p];
        holders.bits[0] &= nodes->bits[0];
        holders.bits[1] &= nodes->bits[1];
        balance__choose(&spread, p, &holders, 1);
    }
    spread.group[0] = (struct spread_group){.bins = *nodes, .least = 1, .most = 1};
    balance__quota(&spread, 0, LIMIT_PARTITIONS);
    balance__spread(&spread);
}

// The master, then the other holders: active ones before quiesced ones, by score.
static void holders_order(const struct balance_input *input, const struct balance_work *work,
                          uint32_t partition, struct balance_holders *out)
{
    const struct node_set *set = &work->holders[partition];
    uint64_t ranks[LIMIT_REPLICATION_FACTOR];
    memset(out, 0, sizeof *out);
    for (uint32_t node = node_set_next(set, 0); node < LIMIT_CLUSTER_NODES;
         node = node_set_next(set, node + 1)) {
        uint64_t rank = balance_score(input->node[node].id, partition) >> 2;
        if (node_set_has(&work->chosen[partition], node)) {
            rank |= UINT64_C(1) << 63;
        } else if (!input->node[node].quiesced) {
            rank |= UINT64_C(1) << 62;
        }
        uint32_t at = out->count++;
        for (; at > 0 && ranks[at - 1] < rank; at--) {
            ranks[at] = ranks[at - 1];
            out->node[at] = out->node[at - 1];
        }
        ranks[at] = rank;
        out->node[at] = (uint8_t)node;
    }
}

void balance_compute(const struct balance_input *input, struct balance_work *work,
                     struct balance_holders out[LIMIT_PARTITIONS])
{
    struct node_set active = {{0}};
    struct node_set quiesced = {{0}};
    base_assert(input->node_count <= LIMIT_CLUSTER_NODES);
    base_assert(input->replication_factor >= 1 &&
                input->replication_factor <= LIMIT_REPLICATION_FACTOR);
    for (uint32_t node = 0; node < input->node_count; node++) {
        if (!input->node[node].absent) {
            node_set_add(input->node[node].quiesced ? &quiesced : &active, node);
        }
    }
    uint32_t copies = input->replication_factor;
    uint32_t first = smaller(copies, node_set_count(&active));
    uint32_t second = smaller(copies - first, node_set_count(&quiesced));
    memset(work->holders, 0, sizeof work->holders);
    if (first > 0) {
        holders_choose(input, work, &active, first);
    }
    if (second > 0) {
        holders_choose(input, work, &quiesced, second);
    }
    if (first > 0 || second > 0) {
        masters_choose(input, work, first > 0 ? &active : &quiesced);
    }
    for (uint32_t p = 0; p < LIMIT_PARTITIONS; p++) {
        holders_order(input, work, p, &out[p]);
    }
}
