// SPDX-License-Identifier: Apache-2.0
// What a process does with a packet: the cluster machine, the replica, migrations and operations
// each have their messages.
#include <inttypes.h>
#include <stdlib.h>

#include "checks.h"
#include "migrations.h"
#include "operation.h"
#include "process.h"
#include "scratch.h"
#include "story.h"

static uint64_t monotonic_ms(const struct process *process)
{
    return sim_monotonic_ms(process->sim, &process->sim->host[process->host]);
}

static uint32_t wall_s(const struct process *process)
{
    return sim_wall_s(process->sim, &process->sim->host[process->host]);
}

static void answer(struct process *process, uint8_t peer, const struct message *question,
                   enum message_type type, enum base_result result, struct base_slice body)
{
    struct message message = {
        .type = (uint8_t)type,
        .flags = MESSAGE_FLAG_ANSWER,
        .namespace_number = question->namespace_number,
        .result = result < 256 ? (uint8_t)result : (uint8_t)RESULT_SERVER_FULL,
        .id = question->id,
        .key = question->key,
        .partition = question->partition,
        .body = body,
    };
    process_send(process, peer, CHANNEL_SERVICE, &message, false);
}

static void on_write(struct process *process, uint8_t peer, const struct message *message)
{
    enum base_result result = RESULT_CLUSTER_KEY_MISMATCH;
    if (!process_is_suspicious(process)) {
        result =
            replica_on_write(process->replica[message->namespace_number], message, wall_s(process));
    }
    if (result != RESULT_MALFORMED) {
        answer(process, peer, message, MESSAGE_WRITTEN, result, (struct base_slice){0});
    }
}

static void on_ask(struct process *process, uint8_t peer, const struct message *message)
{
    enum base_result result = RESULT_CLUSTER_KEY_MISMATCH;
    uint32_t size = 0;
    uint8_t *out = scratch_get(process->sim);
    if (!process_is_suspicious(process)) {
        result = replica_on_ask(process->replica[message->namespace_number], message, out, &size);
    }
    if (result != RESULT_MALFORMED) {
        answer(process, peer, message, MESSAGE_ANSWER, result, (struct base_slice){out, size});
    }
}

static void on_sync(struct process *process, uint8_t peer, const struct message *message)
{
    if (process_is_suspicious(process)) {
        return;
    }
    uint32_t size = 0;
    uint8_t *out = scratch_get(process->sim);
    enum base_result result = sync_on_request(process->replica[message->namespace_number], message,
                                              wall_s(process), out, SYNC_ANSWER_SIZE_MAX, &size);
    struct process *to = process_of_peer(process, peer);
    if (result == RESULT_OK && size > 0 && to != NULL) {
        network_send(process->sim, process->host, to->host, CHANNEL_SYNC, out, size, false);
    }
}

static void on_control(struct process *process, uint64_t from_id, const struct message *message)
{
    enum base_result result =
        cluster_on_control(process->cluster, from_id, message, monotonic_ms(process));
    if (result != RESULT_OK) {
        sim_finding(process->sim, 0, message->partition, SIM_KEYS_MAX,
                    "n%u finds a control message of a peer malformed", process->host);
    }
}

static void on_answer(struct process *process, uint8_t peer, const struct message *message)
{
    if (message->id >> 63 != 0) {
        migrations_on_message(process, peer, message);
    } else {
        operations_on_answer(process, peer, message);
    }
}

static void on_message(struct process *process, uint64_t from_id, const struct message *message)
{
    uint8_t peer = process_peer(process, from_id);
    base_assert(peer != PLACE_NOBODY && peer != PLACE_SELF);
    switch (message->type) {
    case MESSAGE_EXCHANGE:
    case MESSAGE_PARTITION:
    case MESSAGE_METADATA:
        on_control(process, from_id, message);
        return;
    case MESSAGE_WRITE:
        on_write(process, peer, message);
        return;
    case MESSAGE_ASK:
        on_ask(process, peer, message);
        return;
    case MESSAGE_MERGE:
        operations_on_merge(process, peer, message);
        return;
    case MESSAGE_PROXY:
        operations_on_proxy(process, peer, message);
        return;
    case MESSAGE_SYNC_LIST:
    case MESSAGE_SYNC_RECORDS:
        on_sync(process, peer, message);
        return;
    default:
        on_answer(process, peer, message);
        return;
    }
}

void process_on_packet(struct process *process, const struct packet *packet)
{
    struct sim *sim = process->sim;
    sim_hash(sim, (uint64_t)packet->size << 16 | packet->channel << 8 | packet->from);
    if (packet->channel == CHANNEL_HEARTBEAT) {
        enum base_result result =
            cluster_on_heartbeat(process->cluster, packet->bytes, packet->size,
                                 monotonic_ms(process), prng_next(&sim->of_processes));
        if (result != RESULT_OK) {
            sim_finding(sim, 0, 0, SIM_KEYS_MAX, "n%u finds a heartbeat of n%u malformed",
                        process->host, packet->from);
        }
    } else {
        struct message message;
        uint32_t size;
        enum base_result result = message_parse(packet->bytes, packet->size, &message, &size);
        if (result != RESULT_OK || size != packet->size) {
            sim_finding(sim, 0, 0, SIM_KEYS_MAX, "n%u finds a message of n%u malformed",
                        process->host, packet->from);
        }
        sim_hash(sim, message.id ^ message.key << 8 ^ message.type);
        on_message(process, packet->from_id, &message);
    }
    process_after(process);
}
