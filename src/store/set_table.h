// SPDX-License-Identifier: Apache-2.0
// The sets of one store, found by name or by number. Sets are only ever added, so finding takes no
// lock: a set is whole before its pointer, and its pointer stands before its bucket, can be seen.
// The table owns the sets and takes them from the engine's memory. Any thread may call all but init
// and fini.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "store/engine.h"
#include "store/store.h"

enum { STORE__SET_BUCKETS = 8192 };

_Static_assert((int)STORE__SET_BUCKETS > (int)LIMIT_SETS_PER_NAMESPACE,
               "a free bucket ends each search");

struct store__set_table {
    struct store_engine *engine;
    pthread_mutex_t lock; // taken to add
    _Atomic uint32_t count;
    _Atomic(struct store_set *) sets[LIMIT_SETS_PER_NAMESPACE];
    _Atomic uint16_t buckets[STORE__SET_BUCKETS]; // open addressing; a set's number + 1, 0: free
};

// `table` must be zero; `engine` must outlive it.
void store__set_table_init(struct store__set_table *table, struct store_engine *engine);
void store__set_table_fini(struct store__set_table *table);

// NULL when there is no set of that name.
struct store_set *store__set_table_find(const struct store__set_table *table,
                                        struct base_slice name);

// Finds or makes a set; errors as store_set_ensure and RESULT_NO_MEMORY.
BASE_MUST_USE enum base_result store__set_table_ensure(struct store__set_table *table,
                                                       struct base_slice name,
                                                       struct store_set **out);
