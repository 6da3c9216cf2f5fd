// SPDX-License-Identifier: Apache-2.0
// The thread that looks at the node once every ticker-interval: it cuts latency histograms into
// windows for `latencies:`, measures processor use, and writes the ticker lines to the log that
// people and log analysers read. Its figures may be asked from any thread; a NULL ticker answers
// with zeros.
#pragma once

#include "io/system.h"
#include "server/node.h"

struct ticker;

enum { TICKER_THRESHOLDS = 17 };

// Operations of one histogram in the last whole window.
struct ticker_window {
    bool seen; // some operation was counted since start
    double per_second;
    double slower_pct[TICKER_THRESHOLDS]; // than 2^i units: milliseconds or microseconds
};

BASE_MUST_USE enum base_result ticker_start(struct node *node, struct ticker **out);
void ticker_stop(struct ticker **ticker);

// Processor use in the last window.
void ticker_cpu(struct ticker *ticker, struct io_system_cpu_percent *out);

// Histograms in the order of `latencies:`: batch-index, then those of each namespace. Returns the
// count; `name` of number i is "batch-index" or "{test}-read".
enum { TICKER_NAME_SIZE = LIMIT_NAMESPACE_NAME_SIZE + 32 };
uint32_t ticker_histogram_count(const struct node *node);
void ticker_histogram_name(const struct node *node, uint32_t number, char out[TICKER_NAME_SIZE]);
void ticker_window(struct node *node, uint32_t number, struct ticker_window *out);
