// SPDX-License-Identifier: Apache-2.0
// A binary heap: the order of events with equal times must not depend on its shape, so each event
// carries the number of its entry.
#include "agenda.h"

#include <stdlib.h>

#include "base/assert.h"

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

void agenda_add(struct agenda *agenda, const struct event *event)
{
    if (agenda->count == agenda->capacity) {
        agenda->capacity = agenda->capacity == 0 ? 1024 : agenda->capacity * 2;
        agenda->heap = realloc(agenda->heap, agenda->capacity * sizeof *agenda->heap);
        base_assert(agenda->heap != NULL);
    }
    struct event entered = *event;
    entered.sequence = agenda->sequence++;
    uint32_t at = agenda->count++;
    while (at > 0 && is_before(&entered, &agenda->heap[(at - 1) / 2])) {
        agenda->heap[at] = agenda->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->heap[at] = entered;
}

bool agenda_take(struct agenda *agenda, struct event *out)
{
    if (agenda->count == 0) {
        return false;
    }
    *out = agenda->heap[0];
    struct event last = agenda->heap[--agenda->count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= agenda->count) {
            break;
        }
        if (child + 1 < agenda->count &&
            is_before(&agenda->heap[child + 1], &agenda->heap[child])) {
            child++;
        }
        if (!is_before(&agenda->heap[child], &last)) {
            break;
        }
        agenda->heap[at] = agenda->heap[child];
        at = child;
    }
    agenda->heap[at] = last;
    return true;
}

void agenda_fini(struct agenda *agenda)
{
    free(agenda->heap);
    *agenda = (struct agenda){0};
}
