// SPDX-License-Identifier: Apache-2.0
// What happened, for people: a line for each event that matters. Nothing is kept in a usual run;
// when something is found the run is repeated, which gives the same events, with a story of the
// place in question. With TRACE all lines are printed as they come.
#pragma once

#include "sim.h"

enum story_topic {
    STORY_WORLD,     // faults, views, processes: part of each story
    STORY_PARTITION, // of one partition
    STORY_KEY,       // of one key
    STORY_HEARTBEAT, // seldom wanted
};

struct story *story_new(const struct sim_options *options);
void story_free(struct story **story);

// True when somebody wants to know; ask before working out a line's words.
bool story_wants(const struct sim *sim, enum story_topic topic, uint32_t namespace_number,
                 uint32_t partition, uint32_t key);

// A line, by host (EVENT_NO_HOST: the world's).
void story_tell(struct sim *sim, uint32_t host, const char *format, ...) BASE_PRINTF(3, 4);

// Prints the last lines.
void story_print(const struct sim *sim);
