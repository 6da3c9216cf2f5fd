// SPDX-License-Identifier: Apache-2.0
// The last lines stand in a ring, so that a story is short however long the run was.
#include "story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { STORY_LINES = 2000 };

struct story {
    uint64_t count;
    char line[STORY_LINES][SIM_STORY_TEXT];
};

struct story *story_new(const struct sim_options *options)
{
    if (!options->story) {
        return NULL;
    }
    struct story *story = calloc(1, sizeof *story);
    base_assert(story != NULL);
    return story;
}

void story_free(struct story **story)
{
    free(*story);
    *story = NULL;
}

bool story_wants(const struct sim *sim, enum story_topic topic, uint32_t namespace_number,
                 uint32_t partition, uint32_t key)
{
    const struct sim_options *o = &sim->options;
    if (o->trace > 0) {
        return topic != STORY_HEARTBEAT || o->trace > 1;
    }
    if (!o->story || topic == STORY_HEARTBEAT) {
        return false;
    }
    if (topic == STORY_WORLD) {
        return true;
    }
    if (namespace_number != o->story_namespace || partition != o->story_partition) {
        return false;
    }
    return topic == STORY_PARTITION || key == o->story_key || o->story_key == SIM_KEYS_MAX;
}

void story_tell(struct sim *sim, uint32_t host, const char *format, ...)
{
    char line[SIM_STORY_TEXT];
    char who[8] = "-";
    if (host != EVENT_NO_HOST) {
        snprintf(who, sizeof who, "n%u", host);
    }
    int used = snprintf(line, sizeof line, "%11.6f %-3s ", (double)sim->now_us / SIM_S, who);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    if (sim->options.trace > 0) {
        puts(line);
    } else if (sim->story != NULL) {
        struct story *story = sim->story;
        memcpy(story->line[story->count++ % STORY_LINES], line, sizeof line);
    }
}

void story_print(const struct sim *sim)
{
    const struct story *story = sim->story;
    if (story == NULL) {
        return;
    }
    uint64_t lines =
        sim->options.story_lines < STORY_LINES ? sim->options.story_lines : STORY_LINES;
    uint64_t from = story->count > lines ? story->count - lines : 0;
    for (uint64_t i = from; i < story->count; i++) {
        printf("  %s\n", story->line[i % STORY_LINES]);
    }
}
