// SPDX-License-Identifier: Apache-2.0
// The query tool as operators call it, against a node: whole outputs on both streams and the exit
// status. Times in footers are compared as 0.000.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
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

enum { OUTPUT_SIZE = 256 * 1024, WORDS_MAX = 12, ROWS = 250 };

// What one run of the tool came to.
struct outcome {
    int status;
    char out[OUTPUT_SIZE];
    char err[OUTPUT_SIZE];
};

static struct test_node node;
static struct outcome outcome;

static int start(void **state)
{
    (void)state;
    test_node_start(&node, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_node_stop(&node);
    test_node_fini(&node);
    return 0;
}

// Reads what a stream was given, from its start, and makes its times 0.000.
static void slurp(FILE *file, char *to)
{
    rewind(file);
    size_t size = fread(to, 1, OUTPUT_SIZE - 1, file);
    to[size] = '\0';
    for (char *at = strstr(to, " in set ("); at != NULL; at = strstr(at + 1, " in set (")) {
        char *digit = at + strlen(" in set (");
        for (; *digit != ' ' && *digit != '\0'; digit++) {
            *digit = *digit == '.' ? '.' : '0';
        }
    }
}

static FILE *temporary(const char *text)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs(text, file);
    fflush(file);
    rewind(file);
    return file;
}

// Runs `ballast ql` with the words, NULL at the end, and the text on its input.
static void run(const char *port, const char *const *words, const char *input)
{
    char path[4096];
    const char *folder = getenv("SCENARIO_BIN");
    snprintf(path, sizeof path, "%s/ballast", folder == NULL ? "build/bin" : folder);
    const char *argv[WORDS_MAX] = {path, "ql", "-N", "-p", port};
    size_t count = 5;
    for (; *words != NULL; words++) {
        assert_true(count < WORDS_MAX - 1);
        argv[count++] = *words;
    }
    FILE *in = temporary(input);
    FILE *out = temporary("");
    FILE *err = temporary("");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fileno(in), STDIN_FILENO);
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    outcome.status = WEXITSTATUS(status);
    slurp(out, outcome.out);
    slurp(err, outcome.err);
    fclose(in);
    fclose(out);
    fclose(err);
}

static const char *node_port(void)
{
    static char port[8];
    snprintf(port, sizeof port, "%u", node.port);
    return port;
}

// Runs one command line and compares all that is printed.
static void expect(const char *command, const char *out, const char *err)
{
    run(node_port(), (const char *const[]){"-c", command, NULL}, "");
    assert_string_equal(outcome.out, out);
    assert_string_equal(outcome.err, err);
    assert_int_equal(outcome.status, 0);
}

static void story_of_insert_and_select(void **state)
{
    (void)state;
    expect("insert into test.foo (PK, val1) values (1, 'abc')",
           "insert into test.foo (PK, val1) values (1, 'abc')\n"
           "OK, 1 record affected.\n\n",
           "");
    expect("select * from test.foo",
           "select * from test.foo\n"
           "+----+-------+\n"
           "| PK | val1  |\n"
           "+----+-------+\n"
           "| 1  | \"abc\" |\n"
           "+----+-------+\n"
           "1 row in set (0.000 secs)\n\n"
           "OK\n\n",
           "");
    expect("delete from test.foo where PK = 1; select * from test.foo",
           "delete from test.foo where PK = 1\n"
           "OK, 1 record affected.\n\n"
           "select * from test.foo\n"
           "0 rows in set (0.000 secs)\n\n"
           "OK\n\n",
           "");
}

static void errors_name_the_node_that_answered(void **state)
{
    (void)state;
    char want[256];
    snprintf(want, sizeof want, "Error: (2) 127.0.0.1:%s AEROSPIKE_ERR_RECORD_NOT_FOUND\n\n",
             node_port());
    expect("select * from test.foo where PK = 'nope'", "select * from test.foo where PK = 'nope'\n",
           want);
    snprintf(want, sizeof want, "Error: (20) 127.0.0.1:%s AEROSPIKE_ERR_NAMESPACE_NOT_FOUND\n\n",
             node_port());
    expect("insert into nope (PK, a) values (1, 2)", "insert into nope (PK, a) values (1, 2)\n",
           want);
}

static void every_type_comes_back_as_it_went(void **state)
{
    (void)state;
    static const char insert[] =
        "insert into test.types (PK, i, d, s, b, g, l, m, gone) values ('k', -7, 0.1, 'x', true, "
        "GEOJSON('{\"type\": \"Point\", \"coordinates\": [1.5, 2.5]}'), LIST('[1, \"a\", null]'), "
        "MAP('{\"k\": [1.5]}'), NULL)";
    run(node_port(), (const char *const[]){"-o", "json", NULL}, insert);
    assert_string_equal(outcome.err, "");
    run(node_port(), (const char *const[]){"-o", "csv", NULL}, "select * from test.types");
    assert_string_equal(outcome.out,
                        "PK,i,d,s,b,g,l,m\n"
                        "k,-7,0.1,x,true,"
                        "\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [1.5, 2.5]}\","
                        "\"[1, \"\"a\"\", null]\",\"{\"\"k\"\":[1.5]}\"\n");
    assert_string_equal(outcome.err, "");
}

static void pipes_are_not_echoed_and_stop_at_quit(void **state)
{
    (void)state;
    run(node_port(), (const char *const[]){NULL}, "print 'a'\nnonsense\nquit\nprint 'never'\n");
    assert_string_equal(outcome.out, "a\n\nERROR: 404: COMMAND NOT FOUND : nonsense\n");
    assert_string_equal(outcome.err, "  nonsense\n  ^~~~~~~~ no command starts like this\n\n");
    assert_int_equal(outcome.status, 0);
}

static void many_records_are_scanned_counted_and_truncated(void **state)
{
    (void)state;
    char *input = malloc(ROWS * 64);
    assert_non_null(input);
    size_t size = 0;
    for (int i = 0; i < ROWS; i++) {
        size +=
            (size_t)sprintf(input + size, "insert into test.many (PK, a) values (%d, %d)\n", i, i);
    }
    run(node_port(), (const char *const[]){"-o", "mute", NULL}, input);
    free(input);
    assert_string_equal(outcome.err, "");
    run(node_port(), (const char *const[]){"-o", "mute", NULL},
        "select * from test.many; select a from test.many limit 7");
    assert_string_equal(outcome.out,
                        "250 rows in set (0.000 secs)\n\nOK\n\n"
                        "7 rows in set (0.000 secs)\n\nOK\n\n");
    run(node_port(), (const char *const[]){"-o", "mute", NULL},
        "truncate test.many; select * from test.many");
    assert_string_equal(outcome.out, "OK\n\n0 rows in set (0.000 secs)\n\nOK\n\n");
}

static void node_that_is_not_there_ends_the_tool(void **state)
{
    (void)state;
    run("1", (const char *const[]){"-c", "show sets", NULL}, "");
    assert_int_equal(outcome.status, 255);
    assert_string_equal(outcome.out, "");
    assert_non_null(strstr(outcome.err, "Failed to connect to seed 127.0.0.1 1. "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story_of_insert_and_select),
        cmocka_unit_test(errors_name_the_node_that_answered),
        cmocka_unit_test(every_type_comes_back_as_it_went),
        cmocka_unit_test(pipes_are_not_echoed_and_stop_at_quit),
        cmocka_unit_test(many_records_are_scanned_counted_and_truncated),
        cmocka_unit_test(node_that_is_not_there_ends_the_tool),
    };
    return cmocka_run_group_tests(tests, start, end);
}
