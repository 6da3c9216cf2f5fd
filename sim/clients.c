// SPDX-License-Identifier: Apache-2.0
// A client that gives up does not know what became of its operation, as in life.
#include "clients.h"

#include <inttypes.h>
#include <stdlib.h>

#include "checks.h"
#include "history.h"
#include "story.h"

enum {
    TIMEOUT_US = 1000 * SIM_MS,
    PATIENCE_US = 1200 * SIM_MS, // a server that answers in time is heard
    AT_ONCE_US = 200 * SIM_MS,   // and so many messages, one after the other
    AT_ONCE_MESSAGES = 12,
    EVENT_CLIENT_BITS = 8, // an argument is the client's number, then that of its operation
};

struct client {
    struct request request;
    bool busy;
};

struct clients {
    struct client client[SIM_CLIENTS_MAX];
    uint64_t number; // of the last operation
    bool stopped;
    uint64_t demand_us; // from when on operations must succeed at once; 0: they need not
    uint32_t weight[OPERATION_MERGE]; // by kind
};

struct clients *clients_new(struct sim *sim)
{
    struct clients *clients = calloc(1, sizeof *clients);
    base_assert(clients != NULL);
    clients->stopped = true;
    struct prng *p = &sim->of_clients;
    clients->weight[OPERATION_READ] = (uint32_t)prng_between(p, 5, 60);
    clients->weight[OPERATION_WRITE] = (uint32_t)prng_between(p, 5, 40);
    clients->weight[OPERATION_DELETE] = (uint32_t)prng_between(p, 0, 20);
    clients->weight[OPERATION_INCREMENT] = (uint32_t)prng_between(p, 5, 40);
    return clients;
}

void clients_free(struct clients **clients)
{
    free(*clients);
    *clients = NULL;
}

static void wake_later(struct sim *sim, uint32_t client, uint64_t number, uint64_t in_us)
{
    sim_later(sim, EVENT_CLIENT, in_us, number << EVENT_CLIENT_BITS | client);
}

static void think(struct sim *sim, uint32_t client)
{
    sim->clients->client[client].busy = false;
    if (!sim->clients->stopped) {
        wake_later(sim, client, 0, 1 + prng_exponential(&sim->of_clients, sim->profile.think_us));
    }
}

void clients_start(struct sim *sim)
{
    sim->clients->stopped = false;
    for (uint32_t i = 0; i < sim->profile.clients; i++) {
        if (!sim->clients->client[i].busy) {
            think(sim, i);
        }
    }
}

void clients_stop(struct sim *sim)
{
    sim->clients->stopped = true;
}

bool clients_are_idle(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->profile.clients; i++) {
        if (sim->clients->client[i].busy) {
            return false;
        }
    }
    return true;
}

void clients_demand(struct sim *sim, bool demand)
{
    sim->clients->demand_us = demand ? sim->now_us : 0;
}

static bool is_demanded(const struct sim *sim, const struct request *request)
{
    return sim->clients->demand_us != 0 && request->started_us >= sim->clients->demand_us;
}

// --- asking ---

// Where nothing fails clients learn of a node from the cluster.
static bool is_known(const struct sim *sim, const struct process *process)
{
    return process != NULL && (!sim->profile.gentle || cluster_view(process->cluster)->count > 1);
}

static struct process *random_process(struct sim *sim)
{
    uint32_t from = (uint32_t)prng_below(&sim->of_clients, sim->host_count);
    for (uint32_t i = 0; i < sim->host_count; i++) {
        struct process *process = sim->host[(from + i) % sim->host_count].process;
        if (is_known(sim, process)) {
            return process;
        }
    }
    return NULL;
}

// Mostly the master, or for reads one of the replicas, as some node says; a node at random else.
static struct process *target_choose(struct sim *sim, const struct request *request)
{
    struct process *teller = random_process(sim);
    if (teller == NULL || prng_chance(&sim->of_clients, 250)) {
        return teller;
    }
    const struct place *place =
        &teller->replica[request->namespace_number]->place[sim->key[request->key].partition];
    uint8_t peer = place->master;
    if (request->kind == OPERATION_READ && place->column_count > 0) {
        peer = place->columns[prng_below(&sim->of_clients, place->column_count)];
    }
    struct process *target = peer == PLACE_NOBODY ? NULL : process_of_peer(teller, peer);
    return target != NULL ? target : teller;
}

static uint8_t kind_choose(struct sim *sim)
{
    const uint32_t *weight = sim->clients->weight;
    uint64_t at = prng_below(&sim->of_clients, weight[0] + weight[1] + weight[2] + weight[3]);
    uint8_t kind = 0;
    while (at >= weight[kind]) {
        at -= weight[kind++];
    }
    return kind;
}

static void request_make(struct sim *sim, uint32_t client, struct request *out)
{
    struct prng *p = &sim->of_clients;
    bool hot = prng_chance(p, 600);
    *out = (struct request){
        .number = ++sim->clients->number,
        .started_us = sim->now_us,
        .deadline_us = sim->now_us + TIMEOUT_US,
        .namespace_number = (uint32_t)prng_below(p, sim->profile.namespaces),
        .key = (uint32_t)prng_below(p, hot ? sim->profile.hot_keys : sim->profile.keys),
        .padding = prng_chance(p, 500) ? (uint32_t)prng_below(p, 200) : 0,
        .kind = kind_choose(sim),
        .client = (uint16_t)client,
    };
    if (out->kind == OPERATION_DELETE &&
        !history_may_delete(sim, out->namespace_number, out->key)) {
        out->kind = OPERATION_WRITE;
    }
    if (sim->profile.gentle && out->kind != OPERATION_READ) {
        // Where two write one record at once, one of them may come to be in doubt.
        uint32_t own = out->key - out->key % sim->profile.clients + client;
        out->key = own < sim->profile.keys ? own : client;
    }
    out->commit_master = out->kind != OPERATION_READ && prng_chance(p, 20);
}

static void ask(struct sim *sim, uint32_t number)
{
    struct client *client = &sim->clients->client[number];
    request_make(sim, number, &client->request);
    struct process *target = target_choose(sim, &client->request);
    if (target == NULL) {
        think(sim, number);
        return;
    }
    client->busy = true;
    sim->figures.operations++;
    wake_later(sim, number, client->request.number, PATIENCE_US);
    const struct request *r = &client->request;
    if (story_wants(sim, STORY_KEY, r->namespace_number, sim->key[r->key].partition, r->key)) {
        static const char *const kinds[] = {"read", "write", "delete", "increment"};
        story_tell(sim, target->host, "op %" PRIu64 " %s %u/%u of partition %u%s", r->number,
                   kinds[r->kind], r->namespace_number, r->key, sim->key[r->key].partition,
                   r->commit_master ? ", commit master" : "");
    }
    process_ask(target, r);
}

// --- answers ---

static void impatient_check(struct sim *sim, const struct request *request, const char *what)
{
    if (is_demanded(sim, request) || sim->profile.gentle) {
        sim_finding(sim, request->namespace_number, sim->key[request->key].partition, request->key,
                    "nothing fails any more, but operation %" PRIu64 " ends after %.3f s: %s",
                    request->number, (double)(sim->now_us - request->started_us) / SIM_S, what);
    }
}

static void doubtful(struct sim *sim, const struct request *request, uint32_t version)
{
    sim->figures.doubtful++;
    if (version != VERSION_ABSENT && request->kind != OPERATION_READ) {
        history_ended(sim, request->namespace_number, request->key, version, VERSION_DOUBTFUL);
    }
}

static void changed(struct sim *sim, const struct request *request,
                    const struct operation_answer *answer)
{
    bool made = answer->version != VERSION_ABSENT;
    if (answer->result == RESULT_TIMEOUT) {
        doubtful(sim, request, answer->version);
    } else if (answer->result == RESULT_OK) {
        sim->figures.acknowledged++;
        if (made) {
            history_ended(sim, request->namespace_number, request->key, answer->version,
                          VERSION_ACKNOWLEDGED);
        } else if (request->kind != OPERATION_DELETE) {
            sim_finding(sim, request->namespace_number, sim->key[request->key].partition,
                        request->key, "operation %" PRIu64 " ends with ok and was never applied",
                        request->number);
        }
    } else {
        sim->figures.failed++;
        if (made) {
            sim_finding(sim, request->namespace_number, sim->key[request->key].partition,
                        request->key, "operation %" PRIu64 " was applied and ends with: %s",
                        request->number, base_result_text((enum base_result)answer->result));
        }
    }
}

void clients_answered(struct sim *sim, const struct request *request,
                      const struct operation_answer *answer)
{
    struct client *client = &sim->clients->client[request->client];
    if (!client->busy || client->request.number != request->number) {
        if (answer->version != VERSION_ABSENT && request->kind != OPERATION_READ) {
            history_ended(sim, request->namespace_number, request->key, answer->version,
                          VERSION_DOUBTFUL);
        }
        return;
    }
    enum base_result result = (enum base_result)answer->result;
    bool fine = result == RESULT_OK || result == RESULT_RECORD_NOT_FOUND;
    uint64_t message_us = sim->profile.delay_us + sim->profile.jitter_us;
    uint64_t took_us = sim->now_us - request->started_us;
    bool late = is_demanded(sim, request) && took_us > AT_ONCE_US + AT_ONCE_MESSAGES * message_us;
    if (!fine || late) {
        impatient_check(sim, request, base_result_text(result));
    }
    sim_hash(sim, answer->number ^ (uint64_t)answer->result << 40 ^ (uint64_t)answer->version << 8);
    if (request->kind != OPERATION_READ) {
        changed(sim, request, answer);
    } else {
        sim->figures.acknowledged += fine;
        sim->figures.failed += !fine;
    }
    think(sim, request->client);
}

void clients_closed(struct sim *sim, const struct request *request)
{
    struct client *client = &sim->clients->client[request->client];
    if (client->busy && client->request.number == request->number) {
        sim->figures.doubtful++;
        think(sim, request->client);
    }
}

void clients_wake(struct sim *sim, uint64_t argument)
{
    uint32_t number = argument & ((1 << EVENT_CLIENT_BITS) - 1);
    uint64_t operation = argument >> EVENT_CLIENT_BITS;
    struct client *client = &sim->clients->client[number];
    if (operation == 0) {
        if (!client->busy && !sim->clients->stopped) {
            ask(sim, number);
        }
    } else if (client->busy && client->request.number == operation) {
        impatient_check(sim, &client->request, "no answer");
        sim->figures.doubtful++;
        think(sim, number);
    }
}
