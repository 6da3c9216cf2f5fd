// SPDX-License-Identifier: Apache-2.0
// Processes, pipes and temporary folders behind test/lib/node.h.
#include "lib/node.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { START_TRIES = 5, PORTS = 4, PAUSE_NS = 200 * 1000 };

uint64_t test_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool test_short(void)
{
    return getenv("SCENARIO_SHORT") != NULL;
}

uint64_t test_descriptors_raise(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
}

// True when check(arg) became true before the deadline.
static bool became_true(bool (*check)(void *arg), void *arg)
{
    uint64_t end_ns = test_now_ns() + (uint64_t)TEST_DEADLINE_MS * 1000000u;
    while (!check(arg)) {
        if (test_now_ns() > end_ns) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return true;
}

void test_until(const char *what, bool (*check)(void *arg), void *arg)
{
    if (!became_true(check, arg)) {
        fail_msg("waited %d ms in vain: %s", TEST_DEADLINE_MS, what);
    }
}

// Ports that are free now: all are bound at once, then let go. Another process may take one before
// the node does; test_node_start then tries again.
static void find_free_ports(uint16_t ports[PORTS])
{
    int fds[PORTS];
    for (int i = 0; i < PORTS; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
        assert_int_equal(bind(fds[i], (struct sockaddr *)&address, size), 0);
        assert_int_equal(getsockname(fds[i], (struct sockaddr *)&address, &size), 0);
        ports[i] = ntohs(address.sin_port);
    }
    for (int i = 0; i < PORTS; i++) {
        close(fds[i]);
    }
}

static void config_path(const struct test_node *node, char path[96])
{
    snprintf(path, 96, "%s/ballast.conf", node->folder);
}

static void write_config(const struct test_node *node, const struct test_node_options *options,
                         const uint16_t ports[PORTS])
{
    char path[96];
    config_path(node, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "service {\n%s\n}\n"
            "network {\n"
            "    service {\n        address 127.0.0.1\n        port %u\n    }\n"
            "    fabric {\n        address 127.0.0.1\n        port %u\n    }\n"
            "    heartbeat {\n        mode mesh\n        address 127.0.0.1\n        port %u\n%s\n  "
            "  }\n"
            "    info {\n        address 127.0.0.1\n        port %u\n    }\n"
            "}\n"
            "namespace test {\n    replication-factor 1\n%s\n"
            "    storage-engine memory {\n%s\n    }\n}\n",
            options->service ? options->service : "", ports[0], ports[1], ports[2],
            options->heartbeat ? options->heartbeat : "", ports[3],
            options->namespace ? options->namespace : "",
            options->storage ? options->storage : "        data-size 1G");
    assert_int_equal(fclose(file), 0);
}

static void *read_output(void *arg)
{
    struct test_node *node = arg;
    char chunk[4096];
    ssize_t got;
    while ((got = read(node->output_fd, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0) {
            continue;
        }
        pthread_mutex_lock(&node->lock);
        char *log = realloc(node->log, node->log_size + (size_t)got + 1);
        if (log != NULL) {
            memcpy(log + node->log_size, chunk, (size_t)got);
            node->log = log;
            node->log_size += (size_t)got;
            log[node->log_size] = '\0';
        }
        pthread_cond_broadcast(&node->grown);
        pthread_mutex_unlock(&node->lock);
    }
    pthread_mutex_lock(&node->lock);
    node->log_ended = true;
    pthread_cond_broadcast(&node->grown);
    pthread_mutex_unlock(&node->lock);
    return NULL;
}

// The child between fork and exec: nothing but calls that are safe there.
static void exec_node(const char *program, const char *config, int output, uint32_t descriptors_max)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (descriptors_max > 0) {
        struct rlimit limit = {.rlim_cur = descriptors_max, .rlim_max = descriptors_max};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl(program, "ballastd", "--config-file", config, (char *)NULL);
    _exit(127);
}

static void spawn(struct test_node *node, uint32_t descriptors_max)
{
    const char *folder = getenv("SCENARIO_BIN");
    char program[512], config[96];
    snprintf(program, sizeof program, "%s/ballastd", folder ? folder : "build/bin");
    config_path(node, config);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    node->pid = fork();
    assert_true(node->pid >= 0);
    if (node->pid == 0) {
        exec_node(program, config, ends[1], descriptors_max);
    }
    close(ends[1]);
    node->output_fd = ends[0];
    assert_int_equal(pthread_create(&node->reader, NULL, read_output, node), 0);
}

// Takes the exit status once the node has ended; true when it has.
static bool reap(struct test_node *node, int *status, int flags)
{
    pid_t pid;
    do {
        pid = waitpid(node->pid, status, flags);
    } while (pid < 0 && errno == EINTR);
    if (pid != node->pid) {
        return false;
    }
    pthread_join(node->reader, NULL);
    close(node->output_fd);
    node->pid = 0;
    return true;
}

static bool accepts_or_ended(void *arg)
{
    struct test_node *node = arg;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(node->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepted = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        close(fd);
    }
    siginfo_t info = {0};
    return accepted || (waitid(P_PID, (id_t)node->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                        info.si_pid == node->pid);
}

static void remove_folder(struct test_node *node)
{
    char path[96];
    config_path(node, path);
    unlink(path);
    rmdir(node->folder);
}

void test_node_start(struct test_node *node, const struct test_node_options *options)
{
    static const struct test_node_options no_options;
    options = options ? options : &no_options;
    *node = (struct test_node){0};
    pthread_mutex_init(&node->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&node->grown, &attributes);
    pthread_condattr_destroy(&attributes);
    strcpy(node->folder, "/tmp/ballast-test-XXXXXX");
    assert_non_null(mkdtemp(node->folder));
    for (int i = 0; i < START_TRIES; i++) {
        uint16_t ports[PORTS];
        find_free_ports(ports);
        write_config(node, options, ports);
        node->port = ports[0];
        node->info_port = ports[3];
        node->fabric_port = ports[1];
        node->heartbeat_port = ports[2];
        uint64_t start_ns = test_now_ns();
        spawn(node, options->descriptors_max);
        test_until("the node accepts connections", accepts_or_ended, node);
        node->start_ms = (double)(test_now_ns() - start_ns) / 1e6;
        int status;
        if (!reap(node, &status, WNOHANG)) {
            return;
        }
        node->log_ended = false;
    }
    fail_msg("ballastd does not start: %s", node->log ? node->log : "it said nothing");
}

static bool has_ended(void *arg)
{
    struct test_node *node = arg;
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)node->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == node->pid;
}

void test_node_stop(struct test_node *node)
{
    kill(node->pid, SIGTERM);
    test_until("the node ends after SIGTERM", has_ended, node);
    int status = 0;
    assert_true(reap(node, &status, 0));
    remove_folder(node);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("ballastd ended with status %#x: %s", (unsigned)status,
                 node->log ? node->log : "");
    }
}

void test_node_kill(struct test_node *node)
{
    int status;
    kill(node->pid, SIGKILL);
    assert_true(reap(node, &status, 0));
    remove_folder(node);
}

int test_node_wait(struct test_node *node)
{
    int status = 0;
    test_until("the node ends", has_ended, node);
    assert_true(reap(node, &status, 0));
    remove_folder(node);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_node_fini(struct test_node *node)
{
    int status;
    if (node->pid > 0) {
        kill(node->pid, SIGKILL);
        reap(node, &status, 0);
        remove_folder(node);
    }
    free(node->log);
    node->log = NULL;
    pthread_cond_destroy(&node->grown);
    pthread_mutex_destroy(&node->lock);
}

static uint32_t count_lines(const char *log, const char *text, const char *also)
{
    uint32_t count = 0;
    for (const char *line = log; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t size = end ? (size_t)(end - line) : strlen(line);
        bool has_text = memmem(line, size, text, strlen(text)) != NULL;
        bool has_also = also == NULL || memmem(line, size, also, strlen(also)) != NULL;
        count += has_text && has_also;
        line = end ? end + 1 : NULL;
    }
    return count;
}

uint32_t test_node_log_lines(struct test_node *node, const char *text, const char *also)
{
    pthread_mutex_lock(&node->lock);
    uint32_t count = count_lines(node->log, text, also);
    pthread_mutex_unlock(&node->lock);
    return count;
}

void test_node_log_wait(struct test_node *node, const char *text, const char *also)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += TEST_DEADLINE_MS / 1000;
    pthread_mutex_lock(&node->lock);
    int late = 0;
    while (count_lines(node->log, text, also) == 0 && !node->log_ended && late == 0) {
        late = pthread_cond_timedwait(&node->grown, &node->lock, &deadline);
    }
    bool found = count_lines(node->log, text, also) > 0;
    pthread_mutex_unlock(&node->lock);
    if (!found) {
        fail_msg("no line of the log has \"%s\" and \"%s\":\n%s", text, also ? also : "",
                 node->log ? node->log : "");
    }
}

uint64_t test_node_resident_kb(const struct test_node *node)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)node->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned long long resident_kb = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %llu kB", &resident_kb) == 1) {
            break;
        }
    }
    fclose(file);
    return resident_kb;
}
