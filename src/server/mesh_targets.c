// SPDX-License-Identifier: Apache-2.0
// The addresses to dial, when to dial them, and when to look names up again. An address is dialled
// often at first and at least every two seconds later, for as long as its node is missing.
#include <stdlib.h>

#include "core/replication/place.h"
#include "server/log.h"
#include "server/mesh_link.h"

enum {
    DIALLED_AT_ONCE = 64,
    RETRY_FIRST_MS = 5,
    RETRY_SEED_MS = 1000, // the longest pause
    RETRY_TOLD_MS = 2000,
    SELF_AGAIN_MS = 30000, // our own address may come to be another's
    LOOK_UP_MS = 1500,     // while something is missing
    LOOK_UP_RARE_MS = 10000,
    HEARD_MS = 500, // time for a linked node to say its first word
};

static struct mesh_peer *peer_of(struct mesh *mesh, uint64_t id)
{
    uint8_t number = peers_find(&mesh->node->peers, id);
    return number == PLACE_NOBODY ? NULL : &mesh->peer[number];
}

static bool is_linked(struct mesh *mesh, uint64_t id)
{
    const struct mesh_peer *peer = id == 0 ? NULL : peer_of(mesh, id);
    return peer != NULL && peer->link != NULL;
}

struct mesh_target *mesh__target_ensure(struct mesh *mesh, const struct io_address *address)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        if (io_address_equal(&mesh->target[i].address, address)) {
            return &mesh->target[i];
        }
    }
    if (mesh->target_count == MESH_TARGETS_MAX) {
        log_warning_once(mesh->node->log, hb, "targets",
                         "more than %d addresses of nodes: some are not tried", MESH_TARGETS_MAX);
        return NULL;
    }
    struct mesh_target *target = &mesh->target[mesh->target_count++];
    *target = (struct mesh_target){.address = *address, .next_ms = mesh->now_ms};
    return target;
}

struct mesh_target *mesh__target_of(struct mesh *mesh, const struct mesh_link *link)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        if (mesh->target[i].link == link) {
            return &mesh->target[i];
        }
    }
    return NULL;
}

void mesh__target_failed(struct mesh *mesh, struct mesh_target *target)
{
    uint32_t pause_ms = RETRY_FIRST_MS << (target->failures < 10 ? target->failures : 10);
    uint32_t most_ms = target->seed ? RETRY_SEED_MS : RETRY_TOLD_MS;
    target->failures++;
    target->tried = true;
    target->link = NULL;
    target->next_ms = mesh->now_ms + (pause_ms < most_ms ? pause_ms : most_ms);
}

void mesh__target_found(struct mesh *mesh, struct mesh_target *target, uint64_t id)
{
    target->self = id == mesh->node->identity.id;
    target->id = target->self ? 0 : id;
    target->tried = true;
    target->failures = 0;
    target->link = NULL;
    target->next_ms = mesh->now_ms + (target->self ? SELF_AGAIN_MS : 0);
}

void mesh__targets_hurry(struct mesh *mesh, uint64_t id)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        if (mesh->target[i].id == id) {
            mesh->target[i].failures = 0;
            mesh->target[i].next_ms = mesh->now_ms;
        }
    }
}

void mesh__targets_moved(struct mesh *mesh, uint64_t id, const struct io_address *address)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        struct mesh_target *target = &mesh->target[i];
        if (target->id == id && !io_address_equal(&target->address, address)) {
            target->id = 0;
            target->told = false;
        }
    }
}

static void unused_drop(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->target_count;) {
        const struct mesh_target *target = &mesh->target[i];
        if (!target->seed && !target->told && target->link == NULL) {
            mesh->target[i] = mesh->target[--mesh->target_count];
        } else {
            i++;
        }
    }
}

void mesh__targets_forget(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        struct mesh_target *target = &mesh->target[i];
        target->told = target->told && is_linked(mesh, target->id);
    }
    unused_drop(mesh);
}

static void seeds_take(struct mesh *mesh, const struct mesh_seeds_state *state)
{
    mesh->seeds_version = state->version;
    struct io_address *addresses = malloc(MESH_TARGETS_MAX * sizeof *addresses);
    if (addresses == NULL) {
        return;
    }
    uint32_t count = mesh_seeds_addresses(mesh->seeds, addresses, MESH_TARGETS_MAX);
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        mesh->target[i].seed = false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct mesh_target *target = mesh__target_ensure(mesh, &addresses[i]);
        if (target != NULL) {
            target->seed = true;
        }
    }
    free(addresses);
    unused_drop(mesh);
}

// A name is looked up again while it is unknown, while a node that it stands for is missing, and
// while it stands for nobody but us: others may not have been there yet.
static void names_refresh(struct mesh *mesh, const struct mesh_seeds_state *state)
{
    if (state->name_count == 0 || mesh->now_ms < mesh->refresh_ms) {
        return;
    }
    bool missing = state->some_unknown;
    bool alone = true;
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        const struct mesh_target *target = &mesh->target[i];
        bool linked = is_linked(mesh, target->id);
        missing |= target->seed && !target->self && !linked;
        alone &= !linked;
    }
    mesh->refresh_ms = mesh->now_ms + (missing || alone ? LOOK_UP_MS : LOOK_UP_RARE_MS);
    mesh_seeds_refresh(mesh->seeds);
}

static bool is_due(struct mesh *mesh, struct mesh_target *target)
{
    return target->link == NULL && mesh->now_ms >= target->next_ms &&
           (target->force || !is_linked(mesh, target->id));
}

static void dial(struct mesh *mesh, struct mesh_target *target)
{
    bool refused;
    struct mesh_link *link = mesh__link_dial(mesh, &target->address, &refused);
    target->force = false;
    if (link != NULL) {
        target->link = link;
        return;
    }
    uint64_t id = target->id;
    mesh__target_failed(mesh, target);
    if (refused) {
        mesh__on_refused(mesh, id);
    }
}

void mesh__targets_tick(struct mesh *mesh)
{
    struct mesh_seeds_state state;
    mesh_seeds_state(mesh->seeds, &state);
    if (state.version != mesh->seeds_version) {
        seeds_take(mesh, &state);
    }
    names_refresh(mesh, &state);
    uint32_t connecting = 0;
    for (const struct mesh_link *link = mesh->links; link != NULL; link = link->next) {
        connecting += link->state == MESH_CONNECTING;
    }
    for (uint32_t i = 0; i < mesh->target_count && connecting < DIALLED_AT_ONCE; i++) {
        if (is_due(mesh, &mesh->target[i])) {
            dial(mesh, &mesh->target[i]);
            connecting++;
        }
    }
}

bool mesh__targets_settled(struct mesh *mesh)
{
    if (mesh->now_ms - mesh->start_ms >= MESH_SETTLE_MS) {
        return true;
    }
    struct mesh_seeds_state state;
    mesh_seeds_state(mesh->seeds, &state);
    if (!state.all_looked_up || state.version != mesh->seeds_version) {
        return false;
    }
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        if (mesh->target[i].seed && !mesh->target[i].tried) {
            return false;
        }
    }
    for (const struct mesh_link *link = mesh->links; link != NULL; link = link->next) {
        if (link->state == MESH_UP && !link->heard_member &&
            mesh->now_ms - link->since_ms < HEARD_MS) {
            return false;
        }
    }
    return true;
}

uint32_t mesh__targets_wait_ms(const struct mesh *mesh, uint32_t most_ms)
{
    uint64_t wait_ms = most_ms;
    for (uint32_t i = 0; i < mesh->target_count; i++) {
        const struct mesh_target *target = &mesh->target[i];
        bool linked = is_linked((struct mesh *)mesh, target->id) && !target->force;
        if (target->link == NULL && !linked) {
            uint64_t due_ms = target->next_ms > mesh->now_ms ? target->next_ms - mesh->now_ms : 0;
            wait_ms = due_ms < wait_ms ? due_ms : wait_ms;
        }
    }
    return (uint32_t)wait_ms;
}
