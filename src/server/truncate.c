// SPDX-License-Identifier: Apache-2.0
// The moment is kept in the store and its sets; here it is checked.
#include "server/truncate.h"

#include "io/clock.h"
#include "server/expiry.h"

enum base_result truncate_begin(struct namespace *ns, struct base_slice set_name,
                                uint64_t before_unix_ns)
{
    uint64_t now_ms = io_clock_epoch_ms();
    uint64_t epoch_ms = (uint64_t)IO_CLOCK_EPOCH_UNIX_S * 1000;
    // Without a moment everything written until now goes, this very millisecond included; the store
    // makes later writes no older than the truncation, so that they live.
    uint64_t before_ms = now_ms + 1;
    if (before_unix_ns != 0) {
        uint64_t before_unix_ms = before_unix_ns / 1000000;
        if (before_unix_ms > now_ms + epoch_ms) {
            return RESULT_PARAMETER;
        }
        before_ms = before_unix_ms > epoch_ms ? before_unix_ms - epoch_ms : 0;
    }
    struct store_set *set = NULL;
    if (set_name.size > 0) {
        set = store_set_find(ns->store, set_name);
        if (set == NULL) {
            return RESULT_OK; // no record was ever in it
        }
    }
    store_truncate(ns->store, set, before_ms);
    if (set == NULL && before_ms > ns->truncate_before_ms) {
        ns->truncate_before_ms = before_ms;
    }
    atomic_fetch_add(&ns->truncations, 1);
    atomic_store(&ns->truncating, true);
    if (ns->node->expiry != NULL) {
        expiry_wake(ns->node->expiry);
    }
    return RESULT_OK;
}
