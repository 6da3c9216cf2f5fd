// SPDX-License-Identifier: Apache-2.0
// A namespace within the cluster: carries out what its partition machine decides.
#include "cluster/cluster_space.h"

// Translates places in the view into peer numbers.
static struct node_set peers_of(const struct cluster *cluster, const struct node_set *members)
{
    struct node_set peers = {0};
    for (uint32_t member = node_set_next(members, 0); member < LIMIT_CLUSTER_NODES;
         member = node_set_next(members, member + 1)) {
        node_set_add(&peers, cluster->peer[member]);
    }
    return peers;
}

// A copy that is to be dropped counts for nothing, though the master goes on to have it written to
// until it knows.
static enum place_role role_of(const struct cluster__space *space,
                               const struct partition_state *state)
{
    uint32_t self = space->cluster->self;
    if (state->master == self) {
        return PLACE_MASTER;
    }
    return node_set_has(&state->writes, self) && !state->drop ? PLACE_REPLICA : PLACE_NONE;
}

// The place of a partition as the machine has it.
static void place_make(const struct cluster__space *space, uint32_t partition, struct place *out)
{
    const struct cluster *cluster = space->cluster;
    const struct partition_state *state = partition_at(space->machine, partition);
    bool master = state->master == cluster->self;
    *out = (struct place){
        .key = cluster->key,
        .lineage = state->lineage,
        .master = cluster->peer[state->master],
        .role = (uint8_t)role_of(space, state),
        .full = state->self_full,
        .handing_over = master && state->handing_over,
        .column_count = state->column_count,
    };
    for (uint32_t i = 0; i < state->column_count; i++) {
        out->columns[i] = cluster->peer[state->column[i]];
    }
    if (master) {
        out->writes = peers_of(cluster, &state->writes);
    }
    if (out->role != PLACE_NONE) {
        // A replica whose own copy is a duplicate finds itself in there: it answers no reads
        // either.
        out->duplicates = peers_of(cluster, &state->duplicates);
    }
}

static void place_set(struct cluster__space *space, uint32_t partition)
{
    struct place place;
    place_make(space, partition, &place);
    replica_place_set(space->config->replica, partition, &place);
    space->places_changed = true;
}

// Clears our copy; by now its place says that nobody may look at it.
static void copy_drop(struct cluster__space *space, uint32_t partition)
{
    const struct cluster_edge *edge = &space->cluster->edge;
    edge->partition_clear(edge->arg, space->number, partition);
}

static void plan_carry_out(struct cluster__space *space)
{
    replica_clock_raise(space->config->replica, partition_clock_ms(space->machine) + 1);
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        place_set(space, i);
    }
    space->placed = true;
    space->migrating = true;
    cluster__report_plan(space);
}

static void sync_order(struct cluster__space *space, const struct partition_effect *effect)
{
    const struct cluster *cluster = space->cluster;
    const struct partition_state *state = partition_at(space->machine, effect->partition);
    struct cluster_sync_order order = {
        .namespace_number = space->number,
        .partition = effect->partition,
        .key = cluster->key,
        .peer = cluster->peer[effect->to],
        .fill = effect->fill,
        .to_writes = effect->equal,
        .writes = peers_of(cluster, &state->writes),
    };
    cluster->edge.sync_start(cluster->edge.arg, &order);
}

static void message_send(const struct cluster__space *space, uint32_t to,
                         const struct partition_message *message)
{
    struct cluster *cluster = space->cluster;
    struct message header = {
        .type = MESSAGE_PARTITION,
        .namespace_number = (uint8_t)space->number,
        .key = cluster->key,
        .partition = message->partition,
    };
    uint8_t *body = cluster->control_bytes + MESSAGE_HEADER_SIZE;
    uint32_t body_size = partition_message_encode(message, body);
    message_header_store(cluster->control_bytes, &header, body_size);
    cluster->edge.control_send(cluster->edge.arg, cluster->peer[to], cluster->control_bytes,
                               MESSAGE_HEADER_SIZE + body_size);
}

// The name goes with it, because a node may lack the namespace and has to say so.
void cluster__exchange_send(struct cluster *cluster, uint32_t to, const char *name,
                            const struct partition_exchange *exchange)
{
    struct message header = {
        .type = MESSAGE_EXCHANGE,
        .namespace_number = MESSAGE_NO_NAMESPACE,
        .key = cluster->key,
    };
    uint32_t name_size = (uint32_t)strlen(name);
    uint8_t *body = cluster->control_bytes + MESSAGE_HEADER_SIZE;
    body[0] = (uint8_t)name_size;
    memcpy(body + 1, name, name_size);
    uint32_t body_size = 1 + name_size + partition_exchange_encode(exchange, body + 1 + name_size);
    message_header_store(cluster->control_bytes, &header, body_size);
    cluster->edge.control_send(cluster->edge.arg, cluster->peer[to], cluster->control_bytes,
                               MESSAGE_HEADER_SIZE + body_size);
}

static void effect_carry_out(struct cluster__space *space, const struct partition_effect *effect)
{
    struct cluster *cluster = space->cluster;
    switch (effect->type) {
    case PARTITION_SEND_EXCHANGE:
        partition_exchange_own(space->machine, &cluster->exchange);
        cluster->exchange.wants = effect->wants;
        cluster__exchange_send(cluster, effect->to, space->config->name, &cluster->exchange);
        break;
    case PARTITION_SEND:
        message_send(space, effect->to, &effect->message);
        break;
    case PARTITION_PLAN:
        plan_carry_out(space);
        break;
    case PARTITION_PLACE:
        place_set(space, effect->partition);
        break;
    case PARTITION_DROP:
        copy_drop(space, effect->partition);
        break;
    case PARTITION_SYNC:
        sync_order(space, effect);
        break;
    case PARTITION_DRAIN:
        place_set(space, effect->partition);
        space->draining[effect->partition / 64] |= UINT64_C(1) << effect->partition % 64;
        break;
    }
}

static void step(struct cluster__space *space, const struct partition_event *event)
{
    struct partition_effects *effects = &space->cluster->partition_effects;
    struct partition_event tick = {.type = PARTITION_TICK, .now_ms = event->now_ms};
    for (;; event = &tick) {
        partition_step(space->machine, event, effects);
        for (uint32_t i = 0; i < effects->count; i++) {
            effect_carry_out(space, &effects->effect[i]);
        }
        if (!effects->more) {
            return;
        }
    }
}

// Tells the machine which partitions have nothing in flight any more.
static void drains_poll(struct cluster__space *space)
{
    for (uint32_t word = 0; word < LIMIT_PARTITIONS / 64; word++) {
        for (uint64_t bits = space->draining[word]; bits != 0; bits &= bits - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(bits);
            struct place place;
            replica_place_copy(space->config->replica, word * 64 + bit, &place);
            if (place.in_flight > 0) {
                continue;
            }
            space->draining[word] &= ~(UINT64_C(1) << bit);
            step(space, &(struct partition_event){.type = PARTITION_DRAINED,
                                                  .now_ms = space->cluster->now_ms,
                                                  .view_key = space->cluster->key,
                                                  .partition = word * 64 + bit});
        }
    }
}

static void migrations_watch(struct cluster__space *space)
{
    if (!space->migrating) {
        return;
    }
    struct partition_progress progress;
    partition_progress(space->machine, &progress);
    if (progress.sync_remaining + progress.incoming_remaining + progress.lead_remaining == 0) {
        space->migrating = false;
        cluster__report_done(space);
    }
}

// Steps the machine, and does all that follows from it.
static void machine_step(struct cluster__space *space, const struct partition_event *event)
{
    const struct cluster_edge *edge = &space->cluster->edge;
    step(space, event);
    drains_poll(space);
    if (space->places_changed) {
        space->places_changed = false;
        edge->places_changed(edge->arg, space->number);
    }
}

// What we hold, as it stands: frozen, so that nothing but expiry touches it until the plan.
static void copies_describe(const struct cluster__space *space, struct partition_exchange *out)
{
    struct replica *replica = space->config->replica;
    const struct cluster_edge *edge = &space->cluster->edge;
    *out = (struct partition_exchange){
        .key = space->cluster->key,
        .replication_factor = space->config->replication_factor,
        .rack = space->config->rack,
        .clock_ms = replica_clock_ms(replica, edge->wall_ms(edge->arg)),
        .has_namespace = true,
    };
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        struct store_summary summary;
        struct place place;
        replica_place_close(replica, i, &place);
        store_partition_summary(replica->store, i, &summary);
        out->copy[i] = (struct partition_copy){
            .lineage = place.lineage,
            .sum = summary.sum,
            .count = summary.record_count,
            .full = place.full,
        };
    }
}

void cluster__space_on_view(struct cluster__space *space)
{
    struct cluster *cluster = space->cluster;
    const struct membership_view *view = &cluster->view;
    if (view->count > 1) {
        // Before anything is served: from here on a delete has to be told to others.
        __atomic_store_n(&space->config->replica->tombstones, true, __ATOMIC_RELAXED);
    }
    memset(space->draining, 0, sizeof space->draining);
    space->placed = false;
    space->migrating = false;
    struct partition_member member[LIMIT_CLUSTER_NODES];
    for (uint32_t i = 0; i < view->count; i++) {
        member[i] = (struct partition_member){
            .id = view->member[i].id,
            .quiesced = (view->member[i].flags & (MEMBER_QUIESCED | MEMBER_LEAVING)) != 0,
        };
    }
    copies_describe(space, &cluster->exchange);
    machine_step(space, &(struct partition_event){.type = PARTITION_VIEW,
                                                  .now_ms = cluster->now_ms,
                                                  .view_key = cluster->key,
                                                  .member_count = view->count,
                                                  .self = cluster->self,
                                                  .member = member,
                                                  .exchange = &cluster->exchange});
}

void cluster__space_tick(struct cluster__space *space)
{
    const struct cluster_edge *edge = &space->cluster->edge;
    // So that time goes on even if the clock is set back.
    replica_clock_raise(space->config->replica, edge->wall_ms(edge->arg));
    machine_step(
        space, &(struct partition_event){.type = PARTITION_TICK, .now_ms = space->cluster->now_ms});
    migrations_watch(space);
}

void cluster__space_on_exchange(struct cluster__space *space, uint32_t from,
                                const struct partition_exchange *exchange)
{
    machine_step(space, &(struct partition_event){.type = PARTITION_EXCHANGED,
                                                  .now_ms = space->cluster->now_ms,
                                                  .from = from,
                                                  .exchange = exchange});
}

void cluster__space_on_message(struct cluster__space *space, uint32_t from,
                               const struct partition_message *message)
{
    struct place place = {.in_flight = 0};
    if (node_set_has(&message->drop, space->cluster->self)) {
        replica_place_copy(space->config->replica, message->partition, &place);
    }
    machine_step(space, &(struct partition_event){.type = PARTITION_RECEIVED,
                                                  .now_ms = space->cluster->now_ms,
                                                  .from = from,
                                                  .partition = message->partition,
                                                  .busy = place.in_flight > 0,
                                                  .message = message});
}

void cluster__space_on_synced(struct cluster__space *space, uint32_t from, uint32_t partition)
{
    machine_step(space, &(struct partition_event){.type = PARTITION_SYNCED,
                                                  .now_ms = space->cluster->now_ms,
                                                  .view_key = space->cluster->key,
                                                  .from = from,
                                                  .partition = partition});
}

static void place_check(const struct cluster__space *space, uint32_t partition)
{
    const struct cluster *cluster = space->cluster;
    struct place is;
    replica_place_copy(space->config->replica, partition, &is);
    if (cluster->frozen || !space->placed) {
        base_assert(is.key == 0);
        return;
    }
    struct place shall;
    place_make(space, partition, &shall);
    base_assert(is.key == shall.key);
    base_assert(is.lineage == shall.lineage);
    base_assert(is.master == shall.master);
    base_assert(is.role == shall.role);
    base_assert(is.full == shall.full);
    base_assert(is.handing_over == shall.handing_over);
    base_assert(node_set_equal(&is.writes, &shall.writes));
    base_assert(node_set_equal(&is.duplicates, &shall.duplicates));
    base_assert(!node_set_has(&is.writes, PLACE_SELF));
    base_assert(is.role != PLACE_MASTER || !node_set_has(&is.duplicates, PLACE_SELF));
}

void cluster__space_check(const struct cluster__space *space)
{
    for (uint32_t i = 0; i < LIMIT_PARTITIONS; i++) {
        place_check(space, i);
    }
    if (!space->cluster->frozen && space->cluster->key != 0) {
        partition_check(space->machine);
    }
}
