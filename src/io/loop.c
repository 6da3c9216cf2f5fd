// SPDX-License-Identifier: Apache-2.0
// epoll is the base because containers' default seccomp profile blocks io_uring.
#include "io/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 256, LOOP_MAGIC = 0x4c4f4f50 };

struct io_loop {
    uint32_t magic;
    int epoll_fd;
    struct io_watch wake;
    struct epoll_event events[EVENTS_PER_WAIT];
};

static void on_wake(struct io_watch *watch, uint32_t events)
{
    (void)events;
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    (void)got; // nothing to do when another wake already took it
}

enum base_result io_loop_new(struct io_loop **out)
{
    *out = NULL;
    struct io_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return RESULT_NO_MEMORY;
    }
    loop->magic = LOOP_MAGIC;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct io_watch){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .events = EPOLLIN, .on_event = on_wake};
    if (loop->epoll_fd < 0 || loop->wake.fd < 0 || io_loop_add(loop, &loop->wake) != RESULT_OK) {
        io_loop_free(&loop);
        return RESULT_IO;
    }
    *out = loop;
    return RESULT_OK;
}

void io_loop_free(struct io_loop **loop)
{
    struct io_loop *l = *loop;
    if (l == NULL) {
        return;
    }
    base_magic_check(l, LOOP_MAGIC);
    if (l->wake.fd >= 0) {
        close(l->wake.fd);
    }
    if (l->epoll_fd >= 0) {
        close(l->epoll_fd);
    }
    free(l);
    *loop = NULL;
}

static enum base_result control(struct io_loop *loop, int operation, struct io_watch *watch)
{
    struct epoll_event event = {.events = watch->events, .data.ptr = watch};
    return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) == 0 ? RESULT_OK : RESULT_IO;
}

enum base_result io_loop_add(struct io_loop *loop, struct io_watch *watch)
{
    return control(loop, EPOLL_CTL_ADD, watch);
}

enum base_result io_loop_change(struct io_loop *loop, struct io_watch *watch, uint32_t events)
{
    if (watch->events == events) {
        return RESULT_OK;
    }
    watch->events = events;
    return control(loop, EPOLL_CTL_MOD, watch);
}

void io_loop_remove(struct io_loop *loop, struct io_watch *watch)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

int io_loop_run_once(struct io_loop *loop, int timeout_ms)
{
    int count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_WAIT, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct io_watch *watch = loop->events[i].data.ptr;
        watch->on_event(watch, loop->events[i].events);
    }
    return count;
}

void io_loop_wake(struct io_loop *loop)
{
    uint64_t one = 1;
    ssize_t put = write(loop->wake.fd, &one, sizeof one);
    (void)put; // a full counter wakes as well
}

int io_loop_fd(const struct io_loop *loop)
{
    return loop->epoll_fd;
}
