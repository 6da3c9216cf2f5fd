// SPDX-License-Identifier: Apache-2.0
// What this process may use of the machine: memory and cores under the limits of a container
// (cgroup version 1 or 2), open files; and what the machine and the process use now. Everything is
// read from /proc and /sys when asked; what cannot be read counts as absent, never as an error.
// Any thread may call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

// Cores this process may use: affinity and the container's quota, rounded up; at least 1.
uint32_t io_system_cores(void);

// Bytes of memory this process may use: the container's limit, or the machine's memory.
uint64_t io_system_memory_limit(void);

struct io_system_memory {
    uint64_t limit;      // as above
    uint64_t available;  // bytes of it that are free or could be freed
    uint64_t host_total; // of the machine
    uint64_t host_available;
    uint64_t huge_pages;       // transparent huge pages in use by the machine
    uint64_t process_resident; // of this process
};

void io_system_memory_read(struct io_system_memory *out);

// Time spent by the machine and by this process, in clock ticks since boot; two readings give
// percentages.
struct io_system_cpu {
    uint64_t host_total;
    uint64_t host_user;
    uint64_t host_kernel;
    uint64_t process;
};

void io_system_cpu_read(struct io_system_cpu *out);

struct io_system_cpu_percent {
    uint32_t host_total; // of all cores together
    uint32_t host_user;
    uint32_t host_kernel;
    uint32_t process; // of one core, so it can be above 100
};

// Percentages between two readings; zero when no time passed between them.
void io_system_cpu_percent(const struct io_system_cpu *before, const struct io_system_cpu *after,
                           struct io_system_cpu_percent *out);

// Threads of this process.
uint32_t io_system_thread_count(void);

// Raises the soft limit of open files to the hard one. Returns the limit that holds now.
uint64_t io_system_files_raise(void);

// True in a container (Docker, Podman, Kubernetes, systemd-nspawn, or as process 1).
bool io_system_in_container(void);

// Name and version of the operating system, such as "debian12", and its kernel's architecture.
void io_system_os_name(char *out, uint32_t size);
void io_system_architecture(char *out, uint32_t size);

// Becomes another user and group, both by name or number; "" leaves one as it is. RESULT_CONFIG for
// an unknown name, RESULT_IO when the kernel does not allow it.
BASE_MUST_USE enum base_result io_system_identity_change(const char *user, const char *group);
