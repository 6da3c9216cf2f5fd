// SPDX-License-Identifier: Apache-2.0
// A partition's place, as a query sees it.
#include "server/query_place.h"

#include "cluster/replica.h"

enum query_place query_place_look(const struct query *query, const struct worker *worker,
                                  uint32_t partition, uint64_t *key)
{
    struct place place;
    replica_place_copy(query->ns->replica, partition, &place);
    *key = place.key;
    if (place.key == 0 || worker_is_suspect(worker)) {
        return QUERY_PLACE_LATER;
    }
    bool merged = node_set_is_empty(&place.duplicates);
    if (place.role == PLACE_MASTER) {
        return merged ? QUERY_PLACE_HERE : QUERY_PLACE_LATER;
    }
    if (place.role == PLACE_REPLICA && place.full && merged && query->listed) {
        return QUERY_PLACE_HERE;
    }
    return place.master == PLACE_NOBODY ? QUERY_PLACE_LATER : QUERY_PLACE_ELSEWHERE;
}

bool query_place_holds(const struct query *query, const struct worker *worker, uint32_t partition,
                       uint64_t key)
{
    uint64_t now;
    return query_place_look(query, worker, partition, &now) == QUERY_PLACE_HERE && now == key;
}
