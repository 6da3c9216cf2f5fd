// SPDX-License-Identifier: Apache-2.0
// A client that scans, over and over, beside the load.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common.h"
#include "wire/frame.h"
#include "wire/message.h"

// Reads one whole scan and returns its records.
static uint64_t scan_once(int fd, uint64_t task_id)
{
    static uint8_t input[1024 * 1024];
    struct test_request request = {0};
    test_request_scan(&request, task_id);
    if (send(fd, request.bytes, request.size, MSG_NOSIGNAL) != (ssize_t)request.size) {
        bench_die("send");
    }
    test_request_fini(&request);
    uint64_t records = 0;
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(fd, input + have, sizeof input - have, 0);
        if (got <= 0) {
            bench_die("the server ended the scan");
        }
        have += (size_t)got;
        size_t at = 0, frame_size;
        struct wire_frame frame;
        while (wire_frame_parse(input + at, have - at, &frame, &frame_size) == RESULT_OK) {
            struct wire_message message;
            size_t message_size;
            for (size_t done = 0; done < frame.body_size; done += message_size) {
                if (wire_message_parse(frame.body + done, frame.body_size - done, &message,
                                       &message_size) != RESULT_OK ||
                    message.header.result_code != RESULT_OK) {
                    errno = 0;
                    bench_die("the scan failed");
                }
                if (message.header.info3 & WIRE_INFO3_LAST) {
                    return records;
                }
                records++;
            }
            at += frame_size;
        }
        memmove(input, input + at, have - at);
        have -= at;
    }
}

int bench_scan_main(int count, char **args)
{
    struct options options = {.seconds = 2};
    bench_options_parse(count, args, &options);
    int fd = bench_connect(options.port);
    if (fd < 0) {
        bench_die("connect");
    }
    uint64_t start_ns = bench_now_ns();
    uint64_t end_ns = start_ns + (uint64_t)options.seconds * 1000000000u;
    struct timeval patience = {.tv_sec = BENCH_STALL_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    uint64_t records = 0, scans = 0;
    while (bench_now_ns() < end_ns) {
        records += scan_once(fd, start_ns + scans);
        scans++;
    }
    double elapsed_s = (double)(bench_now_ns() - start_ns) / 1e9;
    printf("scans=%llu records=%llu per_second=%.0f\n", (unsigned long long)scans,
           (unsigned long long)records, (double)records / elapsed_s);
    close(fd);
    return 0;
}
