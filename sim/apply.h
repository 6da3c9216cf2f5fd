// SPDX-License-Identifier: Apache-2.0
// What an operation does to the store of the process that serves it.
#pragma once

#include "operation.h"

// Reads or writes; *version is what was seen (reads) or made (0: nothing was).
enum base_result apply_request(struct process *process, const struct request *request,
                               uint64_t view_key, uint32_t *version);

// Stores a record of a former master if it wins.
enum base_result apply_merge(struct process *process, const struct request *request,
                             uint64_t view_key, const uint8_t *bytes);

// The version that stands in the store.
struct replication_version apply_version(struct process *process, uint32_t namespace_number,
                                         uint32_t key);

// Copies the record that stands in the store, tombstones too; 0: none.
uint32_t apply_record_copy(struct process *process, uint32_t namespace_number, uint32_t key,
                           uint8_t *out, uint32_t out_size);

void apply_in_flight(struct replica *replica, uint32_t partition, int32_t by);
