// SPDX-License-Identifier: Apache-2.0
// Virtual time: what will happen and when. The run takes the earliest event, moves the clock to it
// and carries it out; of events at the same time the one entered first goes first.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum event_type {
    EVENT_PACKET,        // object: a struct packet
    EVENT_REQUEST,       // object: a client's struct request
    EVENT_TICK,          // of a process: its cluster machine
    EVENT_OPERATIONS,    // of a process: its waiting operations
    EVENT_MIGRATIONS,    // of a process: its syncs
    EVENT_EXPIRY,        // of a process: removes what has expired, and old tombstones
    EVENT_SEEDS_SETTLED, // of a process
    EVENT_PEER_GONE,     // of a process: argument is the id whose process ended
    EVENT_CLIENT,        // argument: its number
    EVENT_FAULT,         // the next step of the schedule of faults
    EVENT_UNDO,          // argument: the number of a fault that ends
    EVENT_WATCH,         // the checkers look at the whole
    EVENT_TYPES,
};

enum { EVENT_NO_HOST = UINT8_MAX };

struct event {
    uint64_t at_us;
    uint64_t sequence;
    uint64_t argument;
    void *object;
    uint32_t serial; // of the process that it is for
    uint8_t type;
    uint8_t host; // or EVENT_NO_HOST
};

struct agenda {
    struct event *heap;
    uint32_t count;
    uint32_t capacity;
    uint64_t sequence;
};

// The sequence is given here.
void agenda_add(struct agenda *agenda, const struct event *event);
bool agenda_take(struct agenda *agenda, struct event *out); // false: nothing will happen any more
void agenda_fini(struct agenda *agenda);                    // objects belong to the caller
