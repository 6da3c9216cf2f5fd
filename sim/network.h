// SPDX-License-Identifier: Apache-2.0
// The network between hosts: delays, cuts (one way, partial, full), loss, repeats and reordering.
// A message is for the process that ran at its destination when it was sent, as with connections:
// a process that starts later never sees it.
#pragma once

#include "sim.h"

enum channel {
    CHANNEL_HEARTBEAT,
    CHANNEL_CONTROL,
    CHANNEL_SERVICE,
    CHANNEL_SYNC,
};

struct packet {
    struct packet *next; // held ones
    uint64_t from_id;
    uint32_t to_serial;
    uint32_t size;
    uint8_t from, to; // hosts
    uint8_t channel;
    uint8_t bytes[];
};

// Copies the bytes. Once: it must not arrive twice, because carrying it out twice is not the same.
void network_send(struct sim *sim, uint32_t from, uint32_t to, enum channel channel,
                  const uint8_t *bytes, uint32_t size, bool once);

// Cuts or mends one direction. Cuts add up; a link works when all have been mended.
void network_cut(struct sim *sim, uint32_t from, uint32_t to, enum cut cut);
void network_mend(struct sim *sim, uint32_t from, uint32_t to, enum cut cut);
bool network_is_cut(const struct sim *sim, uint32_t from, uint32_t to);

// When the last message that is on its way arrives, at the latest.
uint64_t network_latest_us(const struct sim *sim);

void network_fini(struct sim *sim);
