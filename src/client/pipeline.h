// SPDX-License-Identifier: Apache-2.0
// One connection with many requests in flight, for load generators: requests are appended to a
// buffer, sent together, and answered in their order (wire-protocol section 1). No retries, no
// timeouts, no routing: the caller picks keys whose records the node holds and ends a pipeline that
// has failed.
//
// Owner: the caller, who must free it before the cluster. Threads: one at a time.
#pragma once

#include "ballast/ballast.h"
#include "base/result.h"

struct client_pipeline;

// Called for each answer, in the order of the requests. `tag` is what came with the request.
typedef void (*client_pipeline_fn)(int code, uint64_t tag, void *arg);

// Connects to the node of that name, waiting up to timeout_ms. At most `depth` requests are in
// flight.
BASE_MUST_USE enum base_result client_pipeline_new(struct ballast_cluster *cluster,
                                                   const char *node, uint32_t depth,
                                                   uint32_t timeout_ms, client_pipeline_fn fn,
                                                   void *arg, struct client_pipeline **out);
void client_pipeline_free(struct client_pipeline **pipeline);

// To wait for reading, and for writing while client_pipeline_wants_write.
int client_pipeline_fd(const struct client_pipeline *pipeline);
bool client_pipeline_wants_write(const struct client_pipeline *pipeline);

// Requests that may still be appended before answers come.
uint32_t client_pipeline_room(const struct client_pipeline *pipeline);

// True when the node is the one to ask for that digest's record.
bool client_pipeline_holds(const struct client_pipeline *pipeline, const char *ns,
                           const uint8_t digest[BALLAST_DIGEST_SIZE]);

// Appends a read of all bins, or a write. RESULT_LIMIT when there is no room, RESULT_PARAMETER for
// a request that makes no sense.
BASE_MUST_USE enum base_result client_pipeline_get(struct client_pipeline *pipeline,
                                                   const struct ballast_policy *policy,
                                                   const struct ballast_key *key, uint64_t tag);
BASE_MUST_USE enum base_result client_pipeline_put(struct client_pipeline *pipeline,
                                                   const struct ballast_policy *policy,
                                                   const struct ballast_key *key,
                                                   const struct ballast_bin *bins, size_t bin_count,
                                                   uint64_t tag);
BASE_MUST_USE enum base_result client_pipeline_remove(struct client_pipeline *pipeline,
                                                      const struct ballast_policy *policy,
                                                      const struct ballast_key *key, uint64_t tag);

// Sends what the socket takes. RESULT_OK also when some is left.
BASE_MUST_USE enum base_result client_pipeline_flush(struct client_pipeline *pipeline);

// Takes in what has come and calls `fn` for each whole answer. RESULT_OK also when nothing has.
BASE_MUST_USE enum base_result client_pipeline_receive(struct client_pipeline *pipeline);
