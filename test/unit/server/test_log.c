// SPDX-License-Identifier: Apache-2.0
// The log: forms of a line, levels, and what it does when nobody reads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/log.h"

struct fixture {
    struct config_log config;
    struct log *log;
    int fds[2];
    char text[65536];
};

static void start(struct fixture *fixture)
{
    assert_int_equal(pipe2(fixture->fds, O_CLOEXEC | O_NONBLOCK), 0);
    if (fixture->config.sink_count == 0) {
        fixture->config.sink_count = 1;
        memset(fixture->config.sinks[0].level, LOG_INFO, sizeof fixture->config.sinks[0].level);
    }
    assert_int_equal(log_new(&fixture->config, fixture->fds[1], &fixture->log), RESULT_OK);
}

static const char *said(struct fixture *fixture)
{
    ssize_t size = read(fixture->fds[0], fixture->text, sizeof fixture->text - 1);
    fixture->text[size < 0 ? 0 : size] = '\0';
    return fixture->text;
}

static void stop(struct fixture *fixture)
{
    log_free(&fixture->log);
    close(fixture->fds[0]);
    close(fixture->fds[1]);
}

static void text_line_looks_as_tools_expect(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    log_write(fixture.log, LOG_WARNING, LOG_CONTEXT_nsup, "/a/b/nsup.c", 12, "gone: %d", 3);
    const char *line = said(&fixture);
    // Mmm dd yyyy hh:mm:ss GMT: LEVEL (context): (file:line) text
    assert_int_equal(line[3], ' ');
    assert_int_equal(line[20], ' ');
    assert_string_equal(line + 20, " GMT: WARNING (nsup): (nsup.c:12) gone: 3\n");
    stop(&fixture);
}

static void json_line_is_one_object(void **state)
{
    (void)state;
    static struct fixture fixture;
    fixture.config.json = true;
    start(&fixture);
    log_write(fixture.log, LOG_INFO, LOG_CONTEXT_misc, "x.c", 1, "a \"b\" \\ \n");
    const char *line = said(&fixture);
    assert_memory_equal(line, "{\"time\":\"2", 10);
    assert_non_null(strstr(line,
                           "Z\",\"level\":\"info\",\"context\":\"misc\",\"file\":\"x.c\","
                           "\"line\":1,\"text\":\"a \\\"b\\\" \\\\ \\u000a\"}\n"));
    stop(&fixture);
}

static void control_characters_cannot_forge_a_line(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    log_write(fixture.log, LOG_INFO, LOG_CONTEXT_misc, "x.c", 1, "name\nJan 01 forged\x1b[2J");
    const char *line = said(&fixture);
    assert_non_null(strstr(line, "name\\x0aJan 01 forged\\x1b[2J\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    stop(&fixture);
}

static void each_context_has_its_level_and_it_can_change(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    log_debug(fixture.log, rw, "no");
    assert_string_equal(said(&fixture), "");
    log_sink_level_set(fixture.log, 0, LOG_CONTEXT_rw, LOG_DEBUG);
    log_debug(fixture.log, rw, "yes");
    log_debug(fixture.log, nsup, "no");
    assert_non_null(strstr(said(&fixture), "DEBUG (rw)"));
    assert_null(strstr(fixture.text, "(nsup)"));
    assert_int_equal(log_sink_level(fixture.log, 0, LOG_CONTEXT_rw), LOG_DEBUG);
    assert_string_equal(log_sink_path(fixture.log, 0), "stderr");
    stop(&fixture);
}

static void overlong_line_is_cut_and_ends(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    static char longest[2 * LOG_LINE_SIZE];
    memset(longest, 'x', sizeof longest - 1);
    log_write(fixture.log, LOG_INFO, LOG_CONTEXT_misc, "x.c", 1, "%s", longest);
    const char *line = said(&fixture);
    assert_true(strlen(line) <= LOG_LINE_SIZE && strlen(line) > LOG_LINE_SIZE - 64);
    assert_int_equal(line[strlen(line) - 1], '\n');
    stop(&fixture);
}

static void a_reader_that_stalls_costs_lines_not_time(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    for (int i = 0; i < 4000; i++) {
        log_info(fixture.log, misc, "line %d filled up to be somewhat longer than it would be", i);
    }
    while (said(&fixture)[0] != '\0') {
        assert_null(strstr(fixture.text, "lines dropped"));
    }
    log_info(fixture.log, misc, "after");
    assert_non_null(strstr(said(&fixture), "lines dropped, the reader of the log was too slow"));
    assert_non_null(strstr(fixture.text, "after"));
    stop(&fixture);
}

static uint32_t lines_in(const char *text)
{
    uint32_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    return lines;
}

static void a_storm_of_hostile_addresses_is_cut_off(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    for (int i = 0; i < 1000; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.0.1:%d", 10000 + i);
        log_warning_once(fixture.log, proto, address, "bad bytes");
    }
    log_warning_once(fixture.log, proto, "10.0.0.2", "elsewhere in the source");
    const char *text = said(&fixture);
    assert_int_equal(lines_in(text), 101);
    assert_non_null(strstr(text, "10.0.0.1:10099: bad bytes\n"));
    assert_null(strstr(text, "10.0.0.1:10100"));
    stop(&fixture);
}

static void a_hostile_address_is_logged_once(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    for (int i = 0; i < 100; i++) {
        log_warning_once(fixture.log, proto, "10.0.0.1", "bad bytes %d", i);
    }
    log_warning_once(fixture.log, proto, "10.0.0.2", "bad bytes");
    const char *text = said(&fixture);
    assert_int_equal(lines_in(text), 2);
    assert_non_null(strstr(text, "10.0.0.1: bad bytes 0\n"));
    assert_non_null(strstr(text, "10.0.0.2: bad bytes\n"));
    stop(&fixture);
}

static void a_moved_file_is_opened_again(void **state)
{
    (void)state;
    static struct fixture fixture;
    char folder[] = "/tmp/ballast-log-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    char moved[64];
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(moved, sizeof moved, "%s/moved", folder);
    fixture.config.sink_count = 1;
    memset(fixture.config.sinks[0].level, LOG_INFO, sizeof fixture.config.sinks[0].level);
    snprintf(fixture.config.sinks[0].path, LOG_PATH_SIZE, "%s", path);
    start(&fixture);
    log_info(fixture.log, misc, "one");
    assert_int_equal(rename(path, moved), 0);
    log_info(fixture.log, misc, "two");
    log_reopen(fixture.log);
    log_info(fixture.log, misc, "three");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(fixture.text, 1, sizeof fixture.text - 1, file);
    fclose(file);
    fixture.text[size] = '\0';
    assert_non_null(strstr(fixture.text, "three"));
    assert_null(strstr(fixture.text, "two"));
    unlink(path);
    unlink(moved);
    rmdir(folder);
    stop(&fixture);
}

static void lines_of_a_file_that_cannot_be_opened_go_to_the_console(void **state)
{
    (void)state;
    static struct fixture fixture;
    fixture.config.sink_count = 2;
    snprintf(fixture.config.sinks[0].path, LOG_PATH_SIZE, "/nowhere/at/all");
    memset(fixture.config.sinks[0].level, LOG_INFO, sizeof fixture.config.sinks[0].level);
    start(&fixture); // the console alone would show critical lines only
    assert_non_null(strstr(said(&fixture), "log file /nowhere/at/all cannot be opened"));
    log_info(fixture.log, misc, "kept");
    assert_non_null(strstr(said(&fixture), "kept"));
    assert_int_equal(log_sink_count(fixture.log), 1);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line_looks_as_tools_expect),
        cmocka_unit_test(json_line_is_one_object),
        cmocka_unit_test(control_characters_cannot_forge_a_line),
        cmocka_unit_test(each_context_has_its_level_and_it_can_change),
        cmocka_unit_test(overlong_line_is_cut_and_ends),
        cmocka_unit_test(a_reader_that_stalls_costs_lines_not_time),
        cmocka_unit_test(a_hostile_address_is_logged_once),
        cmocka_unit_test(a_storm_of_hostile_addresses_is_cut_off),
        cmocka_unit_test(a_moved_file_is_opened_again),
        cmocka_unit_test(lines_of_a_file_that_cannot_be_opened_go_to_the_console),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
