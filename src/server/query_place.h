// SPDX-License-Identifier: Apache-2.0
// Whether this node may read a partition for a query, and whether it still might when a slice of it
// was read. A master may, once nobody else's copy can have what its own lacks; a full replica may
// when the client asked it for just this partition, for that client has resumed there. A query
// looks before and after each slice: when the partition went meanwhile, its copy may have been
// cleared under the slice, which then counts for nothing.
#pragma once

#include "server/query.h"
#include "server/worker.h"

enum query_place {
    QUERY_PLACE_HERE,
    QUERY_PLACE_LATER,     // no view, or copies that are not merged yet: worth waiting for
    QUERY_PLACE_ELSEWHERE, // another node serves it
};

// `*key`: the view under which it is here. Any thread.
enum query_place query_place_look(const struct query *query, const struct worker *worker,
                                  uint32_t partition, uint64_t *key);

// True when it is here still, under the same view.
bool query_place_holds(const struct query *query, const struct worker *worker, uint32_t partition,
                       uint64_t key);
