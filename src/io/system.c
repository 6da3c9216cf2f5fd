// SPDX-License-Identifier: Apache-2.0
// Readers of /proc and /sys, and the few calls that change what this process may do.
#include "io/system.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FILE_TEXT_SIZE = 16 * 1024, CGROUP_PATH_SIZE = 512 };

// Reads a small file whole, cut at `size` - 1. Returns false when it cannot be read.
static bool file_read(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t got = fread(out, 1, size - 1, file);
    out[got] = '\0';
    fclose(file);
    return got > 0;
}

// The number behind `name` at the start of a line; 0 when there is none.
static uint64_t line_number(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, size) == 0) {
            return strtoull(at + size, NULL, 10);
        }
        if (*at == '\0') {
            break;
        }
    }
    return 0;
}

// --- cgroups -----------------------------------------------------------------------------------

// Finds this process's group under a controller: "" for the unified hierarchy of version 2. The
// path is relative to the mount.
static bool cgroup_path(const char *controller, char *out, size_t size)
{
    char text[FILE_TEXT_SIZE];
    if (!file_read("/proc/self/cgroup", text, sizeof text)) {
        return false;
    }
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        controllers++;
        bool found = controller[0] == '\0' && controllers[0] == '\0';
        char *names = NULL;
        for (char *name = controller[0] == '\0' ? NULL : strtok_r(controllers, ",", &names);
             name != NULL; name = strtok_r(NULL, ",", &names)) {
            found = found || strcmp(name, controller) == 0;
        }
        if (found) {
            snprintf(out, size, "%s", path);
            return true;
        }
    }
    return false;
}

// The smallest value of one file from the process's own group up to the root. In a container with a
// namespace of its own the path does not exist below the mount; then the mount itself is ours.
static uint64_t cgroup_smallest(const char *mount, const char *group, const char *file)
{
    uint64_t smallest = UINT64_MAX;
    char path[CGROUP_PATH_SIZE];
    snprintf(path, sizeof path, "%s", group);
    for (;;) {
        char full[CGROUP_PATH_SIZE * 2];
        char text[64];
        snprintf(full, sizeof full, "%s%s/%s", mount, strcmp(path, "/") == 0 ? "" : path, file);
        if (file_read(full, text, sizeof text) && text[0] >= '0' && text[0] <= '9') {
            uint64_t value = strtoull(text, NULL, 10);
            smallest = value < smallest ? value : smallest;
        }
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            return smallest;
        }
        *slash = '\0';
    }
}

static uint64_t cgroup_memory(const char *file_two, const char *file_one)
{
    char group[CGROUP_PATH_SIZE];
    uint64_t value = UINT64_MAX;
    if (cgroup_path("", group, sizeof group)) {
        value = cgroup_smallest("/sys/fs/cgroup", group, file_two);
    }
    if (value == UINT64_MAX && cgroup_path("memory", group, sizeof group)) {
        value = cgroup_smallest("/sys/fs/cgroup/memory", group, file_one);
    }
    return value;
}

// Quota over period_us of one group's file pair, rounded up; 0: none.
static uint32_t cgroup_cores(void)
{
    char group[CGROUP_PATH_SIZE];
    char path[CGROUP_PATH_SIZE * 2];
    char text[128];
    const char *const tries[] = {"", "own"};
    for (size_t i = 0; i < 2; i++) {
        bool own = tries[i][0] != '\0' && cgroup_path("", group, sizeof group);
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own ? group : "");
        uint64_t quota;
        uint64_t period_us;
        if (file_read(path, text, sizeof text) &&
            sscanf(text, "%lu %lu", &quota, &period_us) == 2 && period_us > 0) {
            return (uint32_t)((quota + period_us - 1) / period_us);
        }
    }
    if (!cgroup_path("cpu", group, sizeof group)) {
        return 0;
    }
    uint64_t quota = cgroup_smallest("/sys/fs/cgroup/cpu", group, "cpu.cfs_quota_us");
    uint64_t period_us = cgroup_smallest("/sys/fs/cgroup/cpu", group, "cpu.cfs_period_us");
    if (quota == UINT64_MAX || period_us == UINT64_MAX || period_us == 0) {
        return 0;
    }
    return (uint32_t)((quota + period_us - 1) / period_us);
}

// --- cores and memory --------------------------------------------------------------------------

uint32_t io_system_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    uint32_t cores = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        cores = (uint32_t)CPU_COUNT(&set);
    } else {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        cores = online > 0 ? (uint32_t)online : 1;
    }
    uint32_t quota = cgroup_cores();
    if (quota > 0 && quota < cores) {
        cores = quota;
    }
    return cores > 0 ? cores : 1;
}

static void meminfo_read(struct io_system_memory *out)
{
    char text[FILE_TEXT_SIZE];
    if (!file_read("/proc/meminfo", text, sizeof text)) {
        return;
    }
    out->host_total = line_number(text, "MemTotal:") * 1024;
    out->host_available = line_number(text, "MemAvailable:") * 1024;
    out->huge_pages = line_number(text, "AnonHugePages:") * 1024;
}

uint64_t io_system_memory_limit(void)
{
    struct io_system_memory memory = {0};
    meminfo_read(&memory);
    uint64_t limit = cgroup_memory("memory.max", "memory.limit_in_bytes");
    if (memory.host_total == 0) {
        return limit == UINT64_MAX ? UINT64_C(1) << 30 : limit;
    }
    return limit < memory.host_total ? limit : memory.host_total;
}

// Page cache that the group's pages hold and the kernel takes back under pressure.
static uint64_t cgroup_reclaimable(void)
{
    char group[CGROUP_PATH_SIZE];
    char path[CGROUP_PATH_SIZE * 2];
    char text[FILE_TEXT_SIZE];
    if (cgroup_path("", group, sizeof group)) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", group);
        if (file_read(path, text, sizeof text) ||
            file_read("/sys/fs/cgroup/memory.stat", text, sizeof text)) {
            return line_number(text, "inactive_file ");
        }
    }
    if (cgroup_path("memory", group, sizeof group)) {
        snprintf(path, sizeof path, "/sys/fs/cgroup/memory%s/memory.stat", group);
        if (file_read(path, text, sizeof text) ||
            file_read("/sys/fs/cgroup/memory/memory.stat", text, sizeof text)) {
            return line_number(text, "total_inactive_file ");
        }
    }
    return 0;
}

void io_system_memory_read(struct io_system_memory *out)
{
    memset(out, 0, sizeof *out);
    meminfo_read(out);
    out->limit = io_system_memory_limit();
    out->available = out->host_available;
    if (out->limit < out->host_total) {
        uint64_t used = cgroup_memory("memory.current", "memory.usage_in_bytes");
        uint64_t cache = cgroup_reclaimable();
        used = used == UINT64_MAX ? 0 : used;
        used = used > cache ? used - cache : 0;
        uint64_t left = out->limit > used ? out->limit - used : 0;
        out->available = left < out->available ? left : out->available;
    }
    char text[256];
    unsigned long size;
    unsigned long resident;
    if (file_read("/proc/self/statm", text, sizeof text) &&
        sscanf(text, "%lu %lu", &size, &resident) == 2) {
        out->process_resident = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
    }
}

// --- processor time ----------------------------------------------------------------------------

// The fields of /proc/self/stat behind the program's name, which may hold spaces itself.
static const char *stat_fields(const char *text)
{
    const char *name_end = strrchr(text, ')');
    return name_end == NULL ? "" : name_end + 1;
}

void io_system_cpu_read(struct io_system_cpu *out)
{
    memset(out, 0, sizeof *out);
    char text[FILE_TEXT_SIZE];
    unsigned long user;
    unsigned long nice;
    unsigned long kernel;
    unsigned long idle;
    unsigned long wait;
    unsigned long irq;
    unsigned long soft;
    unsigned long steal;
    if (file_read("/proc/stat", text, sizeof text) &&
        sscanf(text, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &kernel, &idle, &wait,
               &irq, &soft, &steal) == 8) {
        out->host_user = user + nice;
        out->host_kernel = kernel + irq + soft;
        out->host_total = out->host_user + out->host_kernel + idle + wait + steal;
    }
    if (file_read("/proc/self/stat", text, sizeof text) &&
        sscanf(stat_fields(text), " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &kernel) == 2) {
        out->process = user + kernel;
    }
}

void io_system_cpu_percent(const struct io_system_cpu *before, const struct io_system_cpu *after,
                           struct io_system_cpu_percent *out)
{
    memset(out, 0, sizeof *out);
    uint64_t total = after->host_total - before->host_total;
    if (after->host_total <= before->host_total) {
        return;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t cores = online > 0 ? (uint64_t)online : 1;
    out->host_user = (uint32_t)((after->host_user - before->host_user) * 100 / total);
    out->host_kernel = (uint32_t)((after->host_kernel - before->host_kernel) * 100 / total);
    out->host_total = out->host_user + out->host_kernel;
    out->process = (uint32_t)((after->process - before->process) * 100 * cores / total);
}

uint32_t io_system_thread_count(void)
{
    char text[1024];
    unsigned long count;
    if (file_read("/proc/self/stat", text, sizeof text) &&
        sscanf(stat_fields(text),
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lu",
               &count) == 1) {
        return (uint32_t)count;
    }
    return 1;
}

// --- the process -------------------------------------------------------------------------------

uint64_t io_system_files_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return limit.rlim_cur;
}

bool io_system_in_container(void)
{
    if (getpid() == 1 || access("/.dockerenv", F_OK) == 0 ||
        access("/run/.containerenv", F_OK) == 0 || getenv("KUBERNETES_SERVICE_HOST") != NULL ||
        getenv("container") != NULL) {
        return true;
    }
    char text[FILE_TEXT_SIZE];
    static const char *const hints[] = {"docker", "kubepods", "libpod", "containerd", "/lxc/"};
    if (file_read("/proc/1/cgroup", text, sizeof text)) {
        for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
            if (strstr(text, hints[i]) != NULL) {
                return true;
            }
        }
    }
    return false;
}

// The value of NAME= in os-release, without quotes.
static void release_value(const char *text, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    size_t name_size = strlen(name);
    for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, name_size) == 0) {
            at += name_size;
            at += *at == '"';
            snprintf(out, size, "%.*s", (int)strcspn(at, "\"\n"), at);
            return;
        }
    }
}

void io_system_os_name(char *out, uint32_t size)
{
    char text[FILE_TEXT_SIZE];
    char id[64] = "";
    char version[64] = "";
    if (file_read("/etc/os-release", text, sizeof text) ||
        file_read("/usr/lib/os-release", text, sizeof text)) {
        release_value(text, "ID=", id, sizeof id);
        release_value(text, "VERSION_ID=", version, sizeof version);
    }
    snprintf(out, size, "%s%s", id[0] == '\0' ? "linux" : id, version);
}

void io_system_architecture(char *out, uint32_t size)
{
    struct utsname names;
    snprintf(out, size, "%s", uname(&names) == 0 ? names.machine : "unknown");
}

// A number, or the number behind a name. False for an unknown name.
static bool user_find(const char *name, uid_t *uid, gid_t *gid)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    struct passwd *entry = *end == '\0' ? getpwuid((uid_t)number) : getpwnam(name);
    if (entry != NULL) {
        *uid = entry->pw_uid;
        *gid = entry->pw_gid;
        return true;
    }
    *uid = (uid_t)number;
    *gid = (gid_t)number;
    return *end == '\0';
}

static bool group_find(const char *name, gid_t *gid)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    struct group *entry = *end == '\0' ? NULL : getgrnam(name);
    *gid = entry != NULL ? entry->gr_gid : (gid_t)number;
    return entry != NULL || *end == '\0';
}

enum base_result io_system_identity_change(const char *user, const char *group)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (user[0] != '\0' && !user_find(user, &uid, &gid)) {
        return RESULT_CONFIG;
    }
    if (group[0] != '\0' && !group_find(group, &gid)) {
        return RESULT_CONFIG;
    }
    if (gid != getgid() && (setgroups(0, NULL) != 0 || setgid(gid) != 0)) {
        return RESULT_IO;
    }
    if (uid != getuid() && setuid(uid) != 0) {
        return RESULT_IO;
    }
    return RESULT_OK;
}
