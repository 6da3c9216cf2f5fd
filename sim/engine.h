// SPDX-License-Identifier: Apache-2.0
// An engine for stores that refuses memory while its host has none. A disk engine with torn writes
// and rotten blocks would stand here as well; records live in memory alone so far.
#pragma once

#include "sim.h"
#include "store/engine.h"

struct engine;

struct engine *engine_new(const struct host *host);

// What the store takes over; it frees the engine.
struct store_engine *engine_of_store(struct engine *engine);
