// SPDX-License-Identifier: Apache-2.0
// The links of one thread: opened when something is first sent to a peer, or received in a mailbox
// from the fabric thread.
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/clock.h"
#include "server/fabric_link.h"

enum {
    RETRY_MS = 20,         // a peer that could not be reached is not tried again before
    CONNECT_MAX_MS = 1000, // nothing came back for so long: a new attempt may do better
};

static void arrived_take(struct fabric_links *links)
{
    pthread_mutex_lock(&links->lock);
    struct fabric__link *link = links->arrived;
    links->arrived = NULL;
    pthread_mutex_unlock(&links->lock);
    while (link != NULL) {
        struct fabric__link *next = link->next;
        link->next = NULL;
        link->links = links;
        uint32_t slot = 0;
        while (slot < FABRIC_ACCEPTED_MAX && links->accepted[slot] != NULL) {
            slot++;
        }
        if (slot == FABRIC_ACCEPTED_MAX || io_loop_add(links->loop, &link->watch) != RESULT_OK) {
            atomic_fetch_sub(&links->accepted_count, 1);
            fabric__link_free(link);
        } else {
            links->accepted[slot] = link;
            link->slot = slot;
            link->generation = ++links->generation;
            counters_add(&links->counters->node.fabric_connections_opened, 1);
            link->dirty = true; // there is a WELCOME in it
            link->next_dirty = links->dirty;
            links->dirty = link;
            fabric__link_begin(link);
        }
        link = next;
    }
}

static void on_mail(struct io_watch *watch, uint32_t events)
{
    (void)events;
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    (void)got;
    struct fabric_links *links =
        (struct fabric_links *)(void *)((uint8_t *)watch - offsetof(struct fabric_links, mail));
    base_magic_check(links, FABRIC_LINKS_MAGIC);
    arrived_take(links);
}

void fabric__links_give(struct fabric_links *links, struct fabric__link *link)
{
    atomic_fetch_add(&links->accepted_count, 1);
    pthread_mutex_lock(&links->lock);
    link->next = links->arrived;
    links->arrived = link;
    pthread_mutex_unlock(&links->lock);
    uint64_t one = 1;
    ssize_t put = write(links->mail.fd, &one, sizeof one);
    (void)put; // a full counter wakes as well
}

enum base_result fabric_links_new(struct node *node, struct io_loop *loop,
                                  struct counters *counters, enum fabric_channel channel,
                                  const struct fabric_handler *handler, struct fabric_links **out)
{
    *out = NULL;
    struct fabric_links *links = calloc(1, sizeof *links);
    if (links == NULL) {
        return RESULT_NO_MEMORY;
    }
    links->magic = FABRIC_LINKS_MAGIC;
    links->channel = channel;
    links->node = node;
    links->loop = loop;
    links->counters = counters;
    links->handler = *handler;
    links->scratch = malloc(FABRIC_SCRATCH_SIZE);
    pthread_mutex_init(&links->lock, NULL);
    links->mail = (struct io_watch){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .events = EPOLLIN, .on_event = on_mail};
    if (links->scratch == NULL || links->mail.fd < 0 ||
        io_loop_add(loop, &links->mail) != RESULT_OK) {
        if (links->mail.fd >= 0) {
            close(links->mail.fd);
        }
        pthread_mutex_destroy(&links->lock);
        free(links->scratch);
        free(links);
        return RESULT_NO_MEMORY;
    }
    fabric__links_register(node->fabric, links);
    *out = links;
    return RESULT_OK;
}

static void closed_free(struct fabric_links *links)
{
    while (links->closed != NULL) {
        struct fabric__link *link = links->closed;
        links->closed = link->next;
        fabric__link_free(link);
    }
}

void fabric_links_free(struct fabric_links **out)
{
    struct fabric_links *links = *out;
    if (links == NULL) {
        return;
    }
    *out = NULL;
    base_magic_check(links, FABRIC_LINKS_MAGIC);
    fabric__links_forget(links->node->fabric, links);
    while (links->arrived != NULL) {
        struct fabric__link *link = links->arrived;
        links->arrived = link->next;
        fabric__link_free(link);
    }
    links->handler.on_lost = NULL;
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        if (links->to[i] != NULL) {
            fabric__link_close(links->to[i]);
        }
    }
    for (uint32_t i = 0; i < FABRIC_ACCEPTED_MAX; i++) {
        if (links->accepted[i] != NULL) {
            fabric__link_close(links->accepted[i]);
        }
    }
    closed_free(links);
    io_loop_remove(links->loop, &links->mail);
    close(links->mail.fd);
    pthread_mutex_destroy(&links->lock);
    free(links->scratch);
    free(links);
}

static void dirty_set(struct fabric_links *links, struct fabric__link *link)
{
    if (!link->dirty) {
        link->dirty = true;
        link->next_dirty = links->dirty;
        links->dirty = link;
    }
}

// The link to a peer, opened when there is none; NULL while it cannot be reached.
static struct fabric__link *link_to(struct fabric_links *links, uint8_t peer)
{
    struct fabric__link *link = links->to[peer];
    if (link != NULL && !link->connecting) {
        return link;
    }
    uint64_t now_ns = io_clock_monotonic_ns();
    if (link != NULL) {
        if (now_ns - link->opened_ns < (uint64_t)CONNECT_MAX_MS * 1000 * 1000) {
            return link;
        }
        fabric__link_close(link);
    }
    if (now_ns < links->retry_ns[peer]) {
        return NULL;
    }
    links->retry_ns[peer] = now_ns + (uint64_t)RETRY_MS * 1000 * 1000;
    return fabric__link_open(links, peer);
}

bool fabric_send(struct fabric_links *links, uint8_t peer, const struct message *message)
{
    if (peer >= LIMIT_CLUSTER_NODES) {
        return false;
    }
    struct fabric__link *link = link_to(links, peer);
    if (link == NULL || !fabric__link_put(link, message)) {
        return false;
    }
    dirty_set(links, link);
    return true;
}

void fabric_links_reach(struct fabric_links *links, uint8_t peer)
{
    struct fabric__link *link = links->to[peer];
    if (link == NULL && (link = link_to(links, peer)) != NULL) {
        dirty_set(links, link); // there is a HELLO in it
    }
}

bool fabric_answer(const struct fabric_source *source, const struct message *message)
{
    struct fabric_links *links = source->links;
    struct fabric__link *link = links->accepted[source->slot];
    if (link == NULL || link->generation != source->generation) {
        return false;
    }
    if (!fabric__link_put(link, message)) {
        fabric__link_close(link); // so that the other side knows that no answer will come
        return false;
    }
    dirty_set(links, link);
    return true;
}

void fabric_links_flush(struct fabric_links *links)
{
    while (links->dirty != NULL) {
        struct fabric__link *link = links->dirty;
        links->dirty = link->next_dirty;
        link->dirty = false;
        fabric__link_flush(link);
    }
    closed_free(links);
}

size_t fabric_unsent(const struct fabric_links *links, uint8_t peer)
{
    const struct fabric__link *link = peer < LIMIT_CLUSTER_NODES ? links->to[peer] : NULL;
    return link == NULL ? 0 : fabric__link_unsent(link);
}
