// SPDX-License-Identifier: Apache-2.0
// The prompt of `ballast admin` on a terminal, as somebody types at it.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/node.h"

enum { SCREEN_SIZE = 1 << 20 };

struct terminal {
    pid_t pid;
    int fd;
    char screen[SCREEN_SIZE]; // all that was printed
    size_t size;
    size_t seen; // how much of it was waited for
};

static struct test_node node;
static struct terminal terminal;

static int start(void **state)
{
    (void)state;
    test_node_start(&node, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (terminal.pid > 0) {
        kill(terminal.pid, SIGKILL);
        waitpid(terminal.pid, NULL, 0);
    }
    char path[sizeof node.folder + 32];
    snprintf(path, sizeof path, "%s/.asadm_history", node.folder);
    unlink(path);
    test_node_stop(&node);
    test_node_fini(&node);
    return 0;
}

static void terminal_open(void)
{
    char path[4096], port[16];
    const char *folder = getenv("SCENARIO_BIN");
    const struct winsize size = {.ws_row = 50, .ws_col = 100};
    snprintf(path, sizeof path, "%s/ballast", folder == NULL ? "build/bin" : folder);
    snprintf(port, sizeof port, "%u", node.port);
    // Before the fork: another thread reads what the node prints, and may hold any lock then.
    setenv("HOME", node.folder, 1);
    setenv("TERM", "xterm", 1);
    // The line editor's library never frees the names of functions that were added to it.
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    terminal.pid = forkpty(&terminal.fd, NULL, NULL, &size);
    assert_true(terminal.pid >= 0);
    if (terminal.pid == 0) {
        execl(path, "asadm", "-p", port, (char *)NULL);
        _exit(127);
    }
}

// Reads until the text stands behind what was waited for before.
static void await(const char *text)
{
    uint64_t deadline_ns = test_now_ns() + TEST_DEADLINE_MS * 1000000ULL;
    for (;;) {
        terminal.screen[terminal.size] = '\0';
        const char *found = strstr(terminal.screen + terminal.seen, text);
        if (found != NULL) {
            terminal.seen = (size_t)(found - terminal.screen) + strlen(text);
            return;
        }
        struct pollfd poll_fd = {.fd = terminal.fd, .events = POLLIN};
        poll(&poll_fd, 1, 100);
        ssize_t size = (poll_fd.revents & POLLIN) == 0
                           ? 0
                           : read(terminal.fd, terminal.screen + terminal.size,
                                  SCREEN_SIZE - 1 - terminal.size);
        terminal.size += size > 0 ? (size_t)size : 0;
        if (size < 0 || test_now_ns() > deadline_ns) {
            fail_msg("'%s' was not printed, but: %s", text, terminal.screen + terminal.seen);
        }
    }
}

static void type(const char *text)
{
    assert_int_equal(write(terminal.fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void somebody_types_at_the_prompt(void **state)
{
    (void)state;
    terminal_open();
    await("Ballast Interactive Shell, version ");
    await("Found 1 nodes");
    await("\033[1;32;92mAdmin>\033[0m ");
    type("info net\t\r"); // Tab completes the word
    await("work");
    await("Network Information");
    await("Number of rows: 1");
    await("Admin>");
    type("nonsense\r");
    await("ERROR: nonsense: command not found.");
    await("Admin>");
    type("enable\r");
    await("\033[1;31;91mAdmin+>\033[0m ");
    type("watch 60 info network\r"); // Ctrl-C ends it, and not the session
    await("iteration: 1 ]");
    await("Number of rows: 1");
    type("\003");
    await("Admin+>");
    type("half a line\003"); // and drops a line
    await("^C");
    await("Admin+>");
    type("exit\r");
    int status;
    assert_int_equal(waitpid(terminal.pid, &status, 0), terminal.pid);
    terminal.pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_history_is_kept_for_the_next_time(void **state)
{
    (void)state;
    char path[sizeof node.folder + 32], text[4096] = "";
    snprintf(path, sizeof path, "%s/.asadm_history", node.folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, "info network \nnonsense\nenable\nwatch 60 info network\nexit\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_types_at_the_prompt),
        cmocka_unit_test(the_history_is_kept_for_the_next_time),
    };
    return cmocka_run_group_tests(tests, start, end);
}
