// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <stdlib.h>

#include "process.h"

enum { HELD_MAX = 20000 };

static struct packet *packet_new(struct sim *sim, uint32_t from, uint32_t to, enum channel channel,
                                 const uint8_t *bytes, uint32_t size)
{
    struct packet *packet = malloc(sizeof *packet + size);
    base_assert(packet != NULL);
    *packet = (struct packet){
        .from_id = sim->host[from].process->id,
        .to_serial = sim->host[to].process->serial,
        .size = size,
        .from = (uint8_t)from,
        .to = (uint8_t)to,
        .channel = (uint8_t)channel,
    };
    memcpy(packet->bytes, bytes, size);
    return packet;
}

static void deliver_at(struct sim *sim, struct packet *packet, uint64_t at_us)
{
    agenda_add(&sim->agenda, &(struct event){.at_us = at_us,
                                             .object = packet,
                                             .serial = packet->to_serial,
                                             .type = EVENT_PACKET,
                                             .host = packet->to});
}

static uint64_t arrival(struct sim *sim, struct link *link, enum channel channel)
{
    const struct profile *p = &sim->profile;
    uint64_t delay_us = p->delay_us + prng_exponential(&sim->of_network, p->jitter_us) +
                        prng_below(&sim->of_network, link->slow_us + 1);
    uint64_t at_us = sim->now_us + delay_us;
    bool in_order = sim->calm || !p->out_of_order;
    if (in_order && at_us <= link->last_us[channel]) {
        at_us = link->last_us[channel] + 1;
    }
    if (at_us > link->last_us[channel]) {
        link->last_us[channel] = at_us;
    }
    return at_us;
}

static void hold(struct link *link, struct packet *packet)
{
    if (link->held_count == HELD_MAX) {
        free(packet);
        return;
    }
    link->held_count++;
    if (link->held_last == NULL) {
        link->held = packet;
    } else {
        link->held_last->next = packet;
    }
    link->held_last = packet;
}

void network_send(struct sim *sim, uint32_t from, uint32_t to, enum channel channel,
                  const uint8_t *bytes, uint32_t size, bool once)
{
    base_assert(from != to && sim->host[from].process != NULL);
    if (sim->host[to].process == NULL) {
        return;
    }
    struct link *link = &sim->link[from][to];
    if (link->cuts[CUT_DROP] > 0 ||
        (!sim->calm && prng_chance(&sim->of_network, sim->profile.loss_per_mille))) {
        return;
    }
    struct packet *packet = packet_new(sim, from, to, channel, bytes, size);
    if (link->cuts[CUT_HOLD] > 0) {
        hold(link, packet);
        return;
    }
    deliver_at(sim, packet, arrival(sim, link, channel));
    if (!once && !sim->calm && prng_chance(&sim->of_network, sim->profile.twice_per_mille)) {
        struct packet *again = packet_new(sim, from, to, channel, bytes, size);
        deliver_at(sim, again,
                   arrival(sim, link, channel) + prng_exponential(&sim->of_network, 200 * SIM_MS));
    }
}

void network_cut(struct sim *sim, uint32_t from, uint32_t to, enum cut cut)
{
    sim->link[from][to].cuts[cut]++;
}

void network_mend(struct sim *sim, uint32_t from, uint32_t to, enum cut cut)
{
    struct link *link = &sim->link[from][to];
    base_assert(link->cuts[cut] > 0);
    link->cuts[cut]--;
    if (link->cuts[CUT_HOLD] > 0) {
        return;
    }
    struct packet *next = link->held;
    link->held = link->held_last = NULL;
    link->held_count = 0;
    while (next != NULL) {
        struct packet *packet = next;
        next = packet->next;
        packet->next = NULL;
        deliver_at(sim, packet, arrival(sim, link, packet->channel));
    }
}

bool network_is_cut(const struct sim *sim, uint32_t from, uint32_t to)
{
    const struct link *link = &sim->link[from][to];
    return link->cuts[CUT_DROP] > 0 || link->cuts[CUT_HOLD] > 0;
}

uint64_t network_latest_us(const struct sim *sim)
{
    uint64_t latest_us = sim->now_us;
    for (uint32_t from = 0; from < SIM_HOSTS_MAX; from++) {
        for (uint32_t to = 0; to < SIM_HOSTS_MAX; to++) {
            for (uint32_t channel = 0; channel < 4; channel++) {
                uint64_t last_us = sim->link[from][to].last_us[channel];
                latest_us = last_us > latest_us ? last_us : latest_us;
            }
        }
    }
    return latest_us;
}

void network_fini(struct sim *sim)
{
    for (uint32_t from = 0; from < SIM_HOSTS_MAX; from++) {
        for (uint32_t to = 0; to < SIM_HOSTS_MAX; to++) {
            struct packet *next = sim->link[from][to].held;
            while (next != NULL) {
                struct packet *packet = next;
                next = packet->next;
                free(packet);
            }
        }
    }
}
