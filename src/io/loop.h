// SPDX-License-Identifier: Apache-2.0
// An event loop over epoll, level triggered: nothing is re-armed between events. A watch is
// embedded in the object it serves and must stay in memory until the batch of events in which it
// was removed is over (io_loop_run_once has returned): the owner frees late.
//
// io_loop_add, io_loop_change, io_loop_remove and io_loop_wake may be called from any thread; the
// rest only from the thread that runs the loop.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

#include "base/result.h"

struct io_loop;
struct io_watch;

// `events` are EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and EPOLLRDHUP bits.
typedef void (*io_event_fn)(struct io_watch *watch, uint32_t events);

struct io_watch {
    int fd;
    uint32_t events; // what is watched now
    io_event_fn on_event;
};

BASE_MUST_USE enum base_result io_loop_new(struct io_loop **out);
void io_loop_free(struct io_loop **loop);

// Starts, changes and ends watching watch->fd. RESULT_IO when the kernel refuses (no memory, limit
// of watches).
BASE_MUST_USE enum base_result io_loop_add(struct io_loop *loop, struct io_watch *watch);
BASE_MUST_USE enum base_result io_loop_change(struct io_loop *loop, struct io_watch *watch,
                                              uint32_t events);
void io_loop_remove(struct io_loop *loop, struct io_watch *watch);

// Waits at most timeout_ms (-1: for ever) and hands out one batch of events. Returns how many.
int io_loop_run_once(struct io_loop *loop, int timeout_ms);

// Makes a waiting io_loop_run_once return.
void io_loop_wake(struct io_loop *loop);

// A descriptor that is readable when the loop has something to do, for a program that polls others
// beside it.
int io_loop_fd(const struct io_loop *loop);
