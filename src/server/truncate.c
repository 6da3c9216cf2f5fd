// SPDX-License-Identifier: Apache-2.0
// The moment is kept in the store and its sets; here it is checked.
#include "server/truncate.h"

#include "cluster/replica.h"
#include "io/clock.h"
#include "server/expiry.h"

enum base_result truncate_moment(const struct namespace *ns, uint64_t before_unix_ns,
                                 uint64_t *before_ms)
{
    uint64_t now_ms = replica_clock_ms(ns->replica, io_clock_epoch_ms());
    uint64_t epoch_ms = (uint64_t)IO_CLOCK_EPOCH_UNIX_S * 1000;
    // Without a moment everything written until now goes, this very millisecond included; the store
    // makes later writes no older than the truncation, so that they live.
    *before_ms = now_ms + 1;
    if (before_unix_ns != 0) {
        uint64_t before_unix_ms = before_unix_ns / 1000000;
        if (before_unix_ms > now_ms + epoch_ms) {
            return RESULT_PARAMETER;
        }
        *before_ms = before_unix_ms > epoch_ms ? before_unix_ms - epoch_ms : 0;
    }
    return RESULT_OK;
}

void truncate_apply(struct namespace *ns, struct store_set *set, uint64_t before_ms)
{
    store_truncate(ns->store, set, before_ms);
    if (set == NULL && before_ms > ns->truncate_before_ms) {
        ns->truncate_before_ms = before_ms;
    }
    atomic_fetch_add(&ns->truncations, 1);
    atomic_store(&ns->truncating, true);
    if (ns->node->expiry != NULL) {
        expiry_wake(ns->node->expiry);
    }
}
