// SPDX-License-Identifier: Apache-2.0
// info, health and bench as operators call them, against a node: outputs and exit codes.
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

enum { OUTPUT_SIZE = 64 * 1024, WORDS_MAX = 24 };

static struct test_node node;
static char said[OUTPUT_SIZE];       // on stdout by the last run
static char complained[OUTPUT_SIZE]; // on stderr

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

static void slurp(FILE *file, char *to)
{
    rewind(file);
    to[fread(to, 1, OUTPUT_SIZE - 1, file)] = '\0';
    fclose(file);
}

// Runs `name` (a link to ballast would carry that name) with words separated by blanks; '@' stands
// for the node's port. Returns the exit code.
static int run(const char *name, const char *line)
{
    char path[4096], copy[1024], port[8];
    const char *folder = getenv("SCENARIO_BIN");
    snprintf(path, sizeof path, "%s/ballast", folder == NULL ? "build/bin" : folder);
    snprintf(copy, sizeof copy, "%s", line);
    snprintf(port, sizeof port, "%u", node.port);
    char called[64];
    snprintf(called, sizeof called, "%s", name);
    char *argv[WORDS_MAX] = {called};
    int argc = 1;
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < WORDS_MAX - 1);
        argv[argc++] = strcmp(word, "@") == 0 ? port : word;
    }
    FILE *out = tmpfile(), *err = tmpfile();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        execv(path, argv);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    slurp(out, said);
    slurp(err, complained);
    return WEXITSTATUS(status);
}

static void name_or_first_word_picks_the_tool(void **state)
{
    (void)state;
    assert_int_equal(run("ballast", "info -p @ -v status"), 0);
    assert_string_equal(said, "ok\n");
    assert_int_equal(run("/usr/bin/asinfo", "-p @ -v status"), 0);
    assert_string_equal(said, "ok\n");
    assert_int_equal(run("asbench", "--version"), 0);
    assert_int_equal(run("ballast", "--version"), 0);
    assert_int_equal(run("ballast", "--help"), 0);
    assert_non_null(strstr(said, "asbench"));
    assert_int_equal(run("ballast", "nonsense"), 2);
    assert_non_null(strstr(complained, "there is no tool 'nonsense'"));
    assert_int_equal(run("ballast", "discover"), 2);
    assert_string_equal(complained, "ballast: this version comes without the tool 'discover'\n");
    assert_int_equal(run("ballast", ""), 2);
}

static void info_prints_what_asinfo_prints(void **state)
{
    (void)state;
    assert_int_equal(run("asinfo", "-h 127.0.0.1 -p @ -v namespaces"), 0);
    assert_string_equal(said, "test\n");
    assert_int_equal(run("asinfo", "-p @ -v no-such-command"), 1);
    assert_string_equal(said, "ERROR:4:unrecognized command\n");
    assert_int_equal(run("asinfo", "-p @ -v features -l"), 0);
    assert_non_null(strstr(said, "\npscans\n"));
    assert_null(strchr(said, ';'));
    // `sets` ends with a separator, which is not printed.
    assert_int_equal(run("asinfo", "-p @ -v sets"), 0);
    assert_null(strstr(said, ";\n"));
    assert_int_equal(run("asinfo", "-p @"), 0);
    assert_memory_equal(said, "1 :  node\n     ", 15);
    assert_non_null(strstr(said, "\n2 :  statistics\n     "));
    assert_int_equal(run("asinfo", "-p 1 -v build"), 1);
    assert_string_equal(said, "");
    assert_non_null(strstr(complained, "cannot ask 127.0.0.1 port 1"));
    assert_int_equal(run("asinfo", "--hots x"), 2);
    assert_non_null(strstr(complained, "did you mean --host?"));
    assert_int_equal(run("asinfo", "-U admin -v build"), 2);
}

static void info_asks_all_nodes(void **state)
{
    (void)state;
    assert_int_equal(run("ballast", "info --all -p @ -v status"), 0);
    assert_non_null(strstr(said, ") returned:\nok\n\n"));
    assert_int_equal(run("ballast", "info --all -p @ -v no-such-command"), 1);
    assert_non_null(strstr(said, ") returned:\nERROR:4:unrecognized command\n\n"));
    assert_int_equal(run("ballast", "info --all -p 1 -v build"), 1);
    assert_non_null(strstr(complained, "cannot ask 127.0.0.1 port 1"));
}

static void info_takes_the_port_with_the_host(void **state)
{
    (void)state;
    char line[64];
    snprintf(line, sizeof line, "-h 127.0.0.1:%u -p 1 -v status", node.port);
    assert_int_equal(run("asinfo", line), 0);
    static const char *const wrong[] = {"-h :3000", "-h [::1 -v build", "-h a:b", "-h a:0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(run("asinfo", wrong[i]), 2);
        assert_non_null(strstr(complained, "-h, --host: "));
    }
}

static void admin_shows_the_cluster(void **state)
{
    (void)state;
    assert_int_equal(run("asadm", "-p @ -e info"), 0);
    assert_non_null(strstr(said, "~Network Information (20"));
    assert_non_null(strstr(said, "~Namespace Usage Information (20"));
    assert_non_null(strstr(said, "~Namespace Object Information (20"));
    assert_null(strchr(said, '\033'));
    assert_string_equal(complained, "");
    assert_int_equal(run("ballast", "admin -p @ --json -e summary"), 0);
    assert_memory_equal(said, "{\n  \"title\": \"Cluster Summary\"", 30);
    assert_int_equal(run("asadm", "-p @ -e asinfo"), 2);
    assert_non_null(strstr(complained, "User must be in privileged mode"));
    assert_int_equal(run("asadm", "-p @ -e nonsense"), 2);
    assert_non_null(strstr(complained, "ERROR: nonsense: command not found."));
    assert_int_equal(run("asadm", "-p 1 -e info"), 2);
    assert_non_null(strstr(complained, "Not able to connect any cluster with [('127.0.0.1', 1"));
    assert_int_equal(run("asadm", "--hots x"), 2);
    assert_non_null(strstr(complained, "did you mean --host?"));
}

static void admin_reads_hosts_from_a_configuration_file(void **state)
{
    (void)state;
    char path[128], line[256];
    snprintf(path, sizeof path, "%s/astools.conf", node.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "[cluster]\nhost = \"127.0.0.1:%u\"\n[asadm]\njson = true\n[aql]\nx\n",
            node.port);
    fclose(file);
    snprintf(line, sizeof line, "--only-config-file %s -e summary", path);
    assert_int_equal(run("asadm", line), 0);
    assert_memory_equal(said, "{\n", 2);
    snprintf(line, sizeof line, "--only-config-file %s -h 127.0.0.1:1 -e summary", path);
    assert_int_equal(run("asadm", line), 2); // the command line wins
    assert_int_equal(run("asadm", "--only-config-file /nowhere -e summary"), 2);
    assert_non_null(strstr(complained, "/nowhere: No such file"));
    unlink(path);
}

static void admin_runs_files_with_comments(void **state)
{
    (void)state;
    char path[128], line[256];
    snprintf(path, sizeof path, "%s/commands", node.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "// a comment\nshow mapping ip; /* and\nanother */ show mapping node\n");
    fclose(file);
    snprintf(line, sizeof line, "-p @ -f %s", path);
    assert_int_equal(run("asadm", line), 0);
    assert_non_null(strstr(said, "~~~ show mapping ip ~~~\n"));
    assert_non_null(strstr(said, "~~~ show mapping node ~~~\n"));
    snprintf(line, sizeof line, "-p @ -e %s", path);
    assert_int_equal(run("asadm", line), 0);
    assert_int_equal(run("asadm", "-p @ -f /nowhere"), 2);
    unlink(path);
}

static void health_answers_with_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(run("ballast", "health -p @"), 0);
    assert_non_null(strstr(said, "is ready and serves test\n"));
    assert_int_equal(run("ballast", "health --live -p @"), 0);
    assert_non_null(strstr(said, "is live\n"));
    assert_int_equal(run("ballast", "health --cluster-stable -p @"), 0);
    assert_int_equal(run("ballast", "health --cluster-stable --size 1 -p @"), 0);
    assert_int_equal(run("ballast", "health --cluster-stable --size 3 -p @"), 1);
    assert_non_null(strstr(said, "the cluster is not stable: "));
    assert_int_equal(run("ballast", "health -q -p 1"), 1);
    assert_string_equal(said, "");
    assert_int_equal(run("ballast", "health --live --ready"), 2);
    assert_int_equal(run("ballast", "health --size 3"), 2);
}

// A number behind a name in the JSON of the last run; the n-th of that name.
static double json_number(const char *name, int n)
{
    const char *at = said;
    for (int i = 0; i < n; i++) {
        at = strstr(at + 1, name);
        assert_non_null(at);
    }
    return strtod(strchr(at, ':') + 1, NULL);
}

static void bench_inserts_every_key_once(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "-z 3",
        "--async -c 20 -W 2",
        "--pipeline 8 --connections 4 -z 2",
        "--batch-size 30 -z 2",
        "--async -c 4 --batch-size 7",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char line[256];
        snprintf(line, sizeof line, "-p @ -w I -k 2000 -K 100 -s way%zu -o S:20,2*I --json %s", i,
                 ways[i]);
        assert_int_equal(run("asbench", line), 0);
        assert_true(json_number("\"records\"", 2) == 2000);
        assert_true(json_number("\"errors\"", 1) == 0);
        snprintf(line, sizeof line, "-p @ -v sets/test/way%zu", i);
        assert_int_equal(run("asinfo", line), 0);
        assert_non_null(strstr(said, "objects=2000:"));
        // All keys are where reads look for them.
        snprintf(line, sizeof line, "-p @ -w RU,100 -k 2000 -K 100 -s way%zu -t 1 --json %s", i,
                 ways[i]);
        assert_int_equal(run("asbench", line), 0);
        assert_true(json_number("\"records\"", 1) > 0);
        assert_true(json_number("\"not_found\"", 1) == 0);
        assert_true(json_number("\"p99.99\"", 1) > 0);
        snprintf(line, sizeof line, "-p @ -w DB -k 2000 -K 100 -s way%zu --json %s", i, ways[i]);
        assert_int_equal(run("asbench", line), 0);
        assert_true(json_number("\"records\"", 2) == 2000);
        assert_true(json_number("\"not_found\"", 1) == 0);
    }
}

static void bench_holds_its_rate_and_reports_each_second(void **state)
{
    (void)state;
    assert_int_equal(run("asbench", "-p @ -w RU,50 -k 100 -z 2 -t 2 -g 500 -L"), 0);
    assert_non_null(strstr(said, "    1s | read "));
    assert_non_null(strstr(said, "    2s | read "));
    assert_non_null(strstr(said, " p99.99 "));
    assert_non_null(strstr(said, "records per second"));
    assert_int_equal(run("asbench", "-p @ -w RU,0 -k 100 -z 2 -t 2 -g 500 --json"), 0);
    assert_in_range((uint64_t)json_number("\"records_per_second\"", 2), 300, 510);
}

static void bench_explains_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"-w RU,101", "-w, --workload: 'RU,101' is none of"},
        {"-o X9", "-o, --object-spec: at 'X9': types are"},
        {"--distribution normal", "'normal' is neither uniform nor zipf"},
        {"--async --pipeline 2", "--async and --pipeline: choose one"},
        {"-z 0", "-z, --threads COUNT: '0' is not a whole number from 1 to 1024"},
        {"-M none", "'none' is neither all nor master"},
        {"-b a_much_too_long_name", "the first bin 1 to 11"},
        {"-h a,,b", "is no list of HOST or HOST:PORT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run("asbench", cases[i].line), 2);
        assert_non_null(strstr(complained, cases[i].text));
    }
    assert_int_equal(run("asbench", "-p 1"), 1);
    assert_non_null(strstr(complained, "cannot connect to 127.0.0.1 port 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_or_first_word_picks_the_tool),
        cmocka_unit_test(info_prints_what_asinfo_prints),
        cmocka_unit_test(info_asks_all_nodes),
        cmocka_unit_test(info_takes_the_port_with_the_host),
        cmocka_unit_test(admin_shows_the_cluster),
        cmocka_unit_test(admin_reads_hosts_from_a_configuration_file),
        cmocka_unit_test(admin_runs_files_with_comments),
        cmocka_unit_test(health_answers_with_its_exit_code),
        cmocka_unit_test(bench_inserts_every_key_once),
        cmocka_unit_test(bench_holds_its_rate_and_reports_each_second),
        cmocka_unit_test(bench_explains_mistakes),
    };
    return cmocka_run_group_tests(tests, start, end);
}
