// SPDX-License-Identifier: Apache-2.0
// One loop: take orders, step what is under way, answer others, rest.
#include "server/migrations.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/clock.h"
#include "io/loop.h"
#include "server/fabric.h"
#include "server/log.h"

enum {
    MIGRATIONS_MAGIC = 0x4d494752,
    RUNNING_MAX = 16,
    WAIT_MS = 1000,     // with nothing to do
    STEP_MS = 5,        // with syncs under way
    THREAD_NICE = 10,   // behind service threads
    REST_FACTOR = 3,    // of the time worked, while clients are served
    REST_US_MAX = 5000, // so that answers to others do not wait for long
    LOOK_US = 2000,     // how often to look whether clients are served
    SLOT_BITS = 8,
};

static const uint64_t ns_per_us = 1000, ns_per_ms = 1000000;

// An order that waits for its turn.
struct waiting {
    struct waiting *next;
    struct cluster_sync_order order;
};

struct running {
    struct sync *sync; // NULL: the slot is free
    struct cluster_sync_order order;
};

struct migrations {
    uint32_t magic;
    struct node *node;
    pthread_t thread;
    struct io_loop *loop;
    struct fabric_links *links;
    struct counters *counters;
    _Atomic bool stopping;
    uint8_t *answer; // SYNC_ANSWER_SIZE_MAX

    // The thread's own.
    struct running running[RUNNING_MAX];
    uint32_t running_count;
    uint64_t serial;     // of syncs, for their ids
    uint64_t foreground; // operations of clients, when looked at last
    uint64_t looked_ns;
    uint64_t worked_ns; // since the last rest
    bool busy;          // clients were served between the last two looks
    struct sync_totals done[LIMIT_NAMESPACES];

    pthread_mutex_t ears_lock;
    struct migrations_ears ears;

    pthread_mutex_t lock; // guards all below
    struct waiting *first, **last;
    struct migrations_totals totals[LIMIT_NAMESPACES];
};

static bool send_to(void *arg, uint8_t peer, const uint8_t *bytes, uint32_t size)
{
    struct migrations *m = arg;
    struct message message;
    uint32_t parsed;
    enum base_result result = message_parse(bytes, size, &message, &parsed);
    base_assert(result == RESULT_OK && parsed == size);
    return fabric_send(m->links, peer, &message);
}

// --- our own syncs -------------------------------------------------------------------------------

static void end(struct migrations *m, struct running *running, enum sync_state state)
{
    sync_totals_add(running->sync, &m->done[running->order.namespace_number]);
    sync_free(&running->sync);
    m->running_count--;
    pthread_mutex_lock(&m->ears_lock);
    if (state == SYNC_DONE && m->ears.synced != NULL) {
        m->ears.synced(m->ears.arg, &running->order);
    }
    pthread_mutex_unlock(&m->ears_lock);
}

static void step(struct migrations *m, struct running *running)
{
    uint64_t now_ms = io_clock_monotonic_ns() / ns_per_ms;
    enum sync_state state = sync_step(running->sync, now_ms, send_to, m);
    if (state != SYNC_RUNNING) {
        end(m, running, state);
    }
}

static struct waiting *order_take(struct migrations *m)
{
    pthread_mutex_lock(&m->lock);
    struct waiting *waiting = m->first;
    if (waiting != NULL) {
        m->first = waiting->next;
        m->last = m->first == NULL ? &m->first : m->last;
        m->totals[waiting->order.namespace_number].waiting--;
    }
    pthread_mutex_unlock(&m->lock);
    return waiting;
}

static struct running *slot_find(struct migrations *m, uint32_t *number)
{
    *number = 0;
    while (m->running[*number].sync != NULL) {
        ++*number;
    }
    return &m->running[*number];
}

static void orders_begin(struct migrations *m)
{
    struct waiting *waiting;
    while (m->running_count < RUNNING_MAX && (waiting = order_take(m)) != NULL) {
        uint32_t number;
        struct running *running = slot_find(m, &number);
        running->order = waiting->order;
        free(waiting);
        struct namespace *ns = m->node->cluster_namespaces[running->order.namespace_number];
        if (sync_new(&running->order, ns->replica, &running->sync) != RESULT_OK) {
            // The next view orders it again; until then the copies stay as they are.
            log_warning(m->node->log, migrate, "{%s} no memory to migrate partition %u", ns->name,
                        running->order.partition);
            running->sync = NULL;
            continue;
        }
        m->running_count++;
        sync_id_set(running->sync, ++m->serial << SLOT_BITS | number);
    }
}

static void all_step(struct migrations *m)
{
    for (uint32_t i = 0; i < RUNNING_MAX; i++) {
        if (m->running[i].sync != NULL) {
            step(m, &m->running[i]);
        }
    }
}

static void on_answer(struct migrations *m, uint8_t from, const struct message *message)
{
    uint64_t number = message->id & ((1U << SLOT_BITS) - 1);
    struct running *running = number < RUNNING_MAX ? &m->running[number] : NULL;
    if (running == NULL || running->sync == NULL || sync_id(running->sync) != message->id) {
        return; // of a sync that is over
    }
    enum sync_state state = sync_on_message(
        running->sync, from, message, io_clock_monotonic_ns() / ns_per_ms, io_clock_epoch_s());
    if (state != SYNC_RUNNING) {
        end(m, running, state);
    } else {
        step(m, running);
    }
}

// --- syncs of others -----------------------------------------------------------------------------

static void received_count(struct migrations *m, const struct message *message)
{
    uint64_t count = 0;
    const uint8_t *at = message->body.data + SYNC_RECORDS_AT;
    const uint8_t *stop = message->body.data + message->body.size;
    for (; at < stop; at += store_record_size(at)) {
        count++;
    }
    pthread_mutex_lock(&m->lock);
    m->totals[message->namespace_number].records_received += count;
    pthread_mutex_unlock(&m->lock);
}

static void on_request(struct migrations *m, const struct fabric_source *source,
                       const struct message *message)
{
    if (message->namespace_number >= m->node->namespace_count) {
        return; // of a namespace that we do not have
    }
    struct namespace *ns = m->node->cluster_namespaces[message->namespace_number];
    uint32_t size;
    if (sync_on_request(ns->replica, message, io_clock_epoch_s(), m->answer, SYNC_ANSWER_SIZE_MAX,
                        &size) != RESULT_OK) {
        log_warning_once(m->node->log, migrate, "malformed",
                         "{%s} a migration message of another node makes no sense", ns->name);
        return;
    }
    struct message answer;
    uint32_t parsed;
    enum base_result result = message_parse(m->answer, size, &answer, &parsed);
    base_assert(result == RESULT_OK && parsed == size);
    if (message->type == MESSAGE_SYNC_RECORDS && answer.result == RESULT_OK) {
        received_count(m, message);
    }
    fabric_answer(source, &answer); // a link that is gone: it will be asked again
}

static void on_messages(void *arg, const struct fabric_source *source, uint8_t from_peer,
                        const struct message *messages, uint32_t count)
{
    struct migrations *m = arg;
    uint64_t begin_ns = io_clock_monotonic_ns();
    for (uint32_t i = 0; i < count; i++) {
        if (messages[i].flags & MESSAGE_FLAG_ANSWER) {
            on_answer(m, from_peer, &messages[i]);
        } else {
            on_request(m, source, &messages[i]);
        }
    }
    m->worked_ns += io_clock_monotonic_ns() - begin_ns;
}

// --- foreground first ----------------------------------------------------------------------------

// Operations that clients and other nodes' clients had done here.
static uint64_t foreground_count(struct migrations *m)
{
    static const size_t places[] = {
        offsetof(struct counters_namespace, client_read_success),
        offsetof(struct counters_namespace, client_read_not_found),
        offsetof(struct counters_namespace, client_write_success),
        offsetof(struct counters_namespace, client_delete_success),
        offsetof(struct counters_namespace, batch_sub_read_success),
        offsetof(struct counters_namespace, batch_sub_write_success),
    };
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->node->namespace_count; i++) {
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            sum += node_namespace_counter(m->node, i, places[k]);
        }
    }
    return sum;
}

static void rest(struct migrations *m)
{
    uint64_t now_ns = io_clock_monotonic_ns();
    if (now_ns - m->looked_ns >= LOOK_US * ns_per_us) {
        uint64_t count = foreground_count(m);
        m->busy = count != m->foreground;
        m->foreground = count;
        m->looked_ns = now_ns;
    }
    if (m->busy) {
        uint64_t rest_ns = m->worked_ns * REST_FACTOR;
        uint64_t most_ns = REST_US_MAX * ns_per_us;
        struct timespec span = {.tv_nsec = (long)(rest_ns < most_ns ? rest_ns : most_ns)};
        nanosleep(&span, NULL);
    }
    m->worked_ns = 0;
}

static void totals_publish(struct migrations *m)
{
    struct sync_totals now[LIMIT_NAMESPACES];
    uint32_t active[LIMIT_NAMESPACES] = {0};
    memcpy(now, m->done, sizeof now);
    for (uint32_t i = 0; i < RUNNING_MAX; i++) {
        if (m->running[i].sync != NULL) {
            sync_totals_add(m->running[i].sync, &now[m->running[i].order.namespace_number]);
            active[m->running[i].order.namespace_number]++;
        }
    }
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->node->namespace_count; i++) {
        m->totals[i].sync = now[i];
        m->totals[i].active = active[i];
    }
    pthread_mutex_unlock(&m->lock);
}

static void *thread_main(void *arg)
{
    struct migrations *m = arg;
    struct sched_param param = {0};
    // That these may be refused changes nothing but speed.
    (void)sched_setscheduler(0, SCHED_BATCH, &param);
    (void)!nice(THREAD_NICE); // on Linux, of this thread alone
    while (!atomic_load(&m->stopping)) {
        int events = io_loop_run_once(m->loop, m->running_count > 0 ? STEP_MS : WAIT_MS);
        uint64_t begin_ns = io_clock_monotonic_ns();
        orders_begin(m);
        all_step(m);
        fabric_links_flush(m->links);
        totals_publish(m);
        m->worked_ns += io_clock_monotonic_ns() - begin_ns;
        if (events > 0 || m->running_count > 0) {
            rest(m);
        }
    }
    return NULL;
}

// --- life ----------------------------------------------------------------------------------------

static void gone(struct migrations *m)
{
    for (uint32_t i = 0; i < RUNNING_MAX; i++) {
        sync_free(&m->running[i].sync);
    }
    while (m->first != NULL) {
        struct waiting *waiting = m->first;
        m->first = waiting->next;
        free(waiting);
    }
    fabric_links_free(&m->links);
    io_loop_free(&m->loop);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->ears_lock);
    free(m->answer);
    free(m);
}

enum base_result migrations_start(struct node *node, struct migrations **out)
{
    *out = NULL;
    struct migrations *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return RESULT_NO_MEMORY;
    }
    m->magic = MIGRATIONS_MAGIC;
    m->node = node;
    m->last = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->ears_lock, NULL);
    struct fabric_handler handler = {.arg = m, .on_messages = on_messages};
    m->counters = node_counters_register(node);
    m->answer = malloc(SYNC_ANSWER_SIZE_MAX);
    enum base_result result =
        m->counters == NULL || m->answer == NULL ? RESULT_NO_MEMORY : io_loop_new(&m->loop);
    if (result == RESULT_OK) {
        result = fabric_links_new(node, m->loop, m->counters, FABRIC_SYNC, &handler, &m->links);
    }
    if (result == RESULT_OK && pthread_create(&m->thread, NULL, thread_main, m) != 0) {
        result = RESULT_LIMIT;
    }
    if (result != RESULT_OK) {
        gone(m);
        return result;
    }
    *out = node->migrations = m;
    return RESULT_OK;
}

void migrations_stop(struct migrations **migrations)
{
    struct migrations *m = *migrations;
    if (m == NULL) {
        return;
    }
    base_magic_check(m, MIGRATIONS_MAGIC);
    *migrations = NULL;
    m->node->migrations = NULL;
    atomic_store(&m->stopping, true);
    io_loop_wake(m->loop);
    pthread_join(m->thread, NULL);
    m->magic = 0;
    gone(m);
}

void migrations_ears_set(struct migrations *m, const struct migrations_ears *ears)
{
    base_magic_check(m, MIGRATIONS_MAGIC);
    pthread_mutex_lock(&m->ears_lock);
    m->ears = ears == NULL ? (struct migrations_ears){0} : *ears;
    pthread_mutex_unlock(&m->ears_lock);
}

void migrations_order(struct migrations *m, const struct cluster_sync_order *order)
{
    base_magic_check(m, MIGRATIONS_MAGIC);
    base_assert(order->namespace_number < m->node->namespace_count);
    struct waiting *waiting = malloc(sizeof *waiting);
    if (waiting == NULL) {
        log_warning(m->node->log, migrate, "no memory to migrate partition %u", order->partition);
        return;
    }
    *waiting = (struct waiting){.order = *order};
    pthread_mutex_lock(&m->lock);
    *m->last = waiting;
    m->last = &waiting->next;
    m->totals[order->namespace_number].waiting++;
    pthread_mutex_unlock(&m->lock);
    io_loop_wake(m->loop);
}

void migrations_forget(struct migrations *m, uint32_t namespace_number)
{
    base_magic_check(m, MIGRATIONS_MAGIC);
    pthread_mutex_lock(&m->lock);
    struct waiting **at = &m->first;
    while (*at != NULL) {
        struct waiting *waiting = *at;
        if (waiting->order.namespace_number == namespace_number) {
            *at = waiting->next;
            free(waiting);
        } else {
            at = &waiting->next;
        }
    }
    m->last = at;
    m->totals[namespace_number].waiting = 0;
    pthread_mutex_unlock(&m->lock);
}

void migrations_totals(struct migrations *m, uint32_t namespace_number,
                       struct migrations_totals *out)
{
    base_magic_check(m, MIGRATIONS_MAGIC);
    pthread_mutex_lock(&m->lock);
    *out = m->totals[namespace_number];
    pthread_mutex_unlock(&m->lock);
}
