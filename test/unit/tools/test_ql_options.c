// SPDX-License-Identifier: Apache-2.0
// The command line, the configuration files, the seeds, and what completion offers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/ql_complete.h"
#include "tools/ql_options.h"

enum { ARGUMENTS_MAX = 32 };

// Parsed options and what was said about them.
struct parsed {
    enum base_result result;
    struct ql_options options;
    char *err;
    size_t err_size;
};

// Parses a command line of words separated by blanks. No file is read but those it names.
static void parse(struct parsed *out, const char *line, const char *home)
{
    char copy[512];
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    char *rest;
    snprintf(copy, sizeof copy, "ql %s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    FILE *err = open_memstream(&out->err, &out->err_size);
    assert_non_null(err);
    out->result = ql_options_parse(&out->options, argc, argv, home, err);
    fclose(err);
}

static void parsed_fini(struct parsed *parsed)
{
    ql_options_fini(&parsed->options);
    free(parsed->err);
}

static void options_have_defaults(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-N", NULL);
    assert_int_equal(parsed.result, RESULT_OK);
    assert_string_equal(parsed.options.hosts, "127.0.0.1");
    assert_int_equal(parsed.options.port, 3000);
    assert_int_equal(parsed.options.action, QL_OPTIONS_RUN);
    assert_int_equal(parsed.options.settings.timeout_ms, 1000);
    assert_true(parsed.options.settings.key_send);
    assert_false(parsed.options.has_command);
    parsed_fini(&parsed);
}

static void options_are_taken_short_and_long(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-N -h a,b -p 3100 -U u -P pw -o json -n -e -v -a -T 50 -z 4 -c x", NULL);
    assert_int_equal(parsed.result, RESULT_OK);
    assert_string_equal(parsed.options.hosts, "a,b");
    assert_int_equal(parsed.options.port, 3100);
    assert_string_equal(parsed.options.user, "u");
    assert_int_equal(parsed.options.settings.output, QL_OUTPUT_JSON);
    assert_false(parsed.options.settings.output_types);
    assert_true(parsed.options.settings.echo);
    assert_true(parsed.options.settings.verbose);
    assert_true(parsed.options.alternate_addresses);
    assert_int_equal(parsed.options.settings.timeout_ms, 50);
    assert_string_equal(parsed.options.command, "x");
    parsed_fini(&parsed);

    parse(&parsed, "--no-config-file --host=a --outputtypes --socket-timeout=7 --file=f -Ppw",
          NULL);
    assert_int_equal(parsed.result, RESULT_OK);
    assert_string_equal(parsed.options.hosts, "a");
    assert_false(parsed.options.settings.output_types);
    assert_int_equal(parsed.options.settings.socket_timeout_ms, 7);
    assert_true(parsed.options.has_file);
    assert_string_equal(parsed.options.file, "f");
    parsed_fini(&parsed);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *said;
    } cases[] = {
        {"-N --bogus", "--bogus is no option"},
        {"-N -p", "-p needs a value"},
        {"-N -p 0", "--port takes 1 to 65535, not 0"},
        {"-N -T abc", "--timeout takes 0 to 2147483647, not abc"},
        {"-N -o yaml", "--outputmode takes TABLE | JSON | MUTE | RAW | CSV, not yaml"},
        {"-N --tls-enable", "--tls-enable: TLS is not built into this version"},
        {"-N --tls-cafile /x", "--tls-cafile: TLS is not built into this version"},
        {"-N select", "select: what is this?"},
        {"-N -Y /x", "exclude each other"},
        {"-Y /nonexistent/file", "/nonexistent/file: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed;
        parse(&parsed, cases[i].line, NULL);
        if (parsed.result != RESULT_PARAMETER || strstr(parsed.err, cases[i].said) == NULL) {
            fail_msg("%s: %s", cases[i].line, parsed.err);
        }
        parsed_fini(&parsed);
    }
}

static void version_and_help_need_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum ql_options_action action;
    } cases[] = {
        {"-V", QL_OPTIONS_VERSION}, {"--options", QL_OPTIONS_OPTIONS}, {"-E", QL_OPTIONS_HELP}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed;
        parse(&parsed, cases[i].line, NULL);
        assert_int_equal(parsed.result, RESULT_OK);
        assert_int_equal(parsed.options.action, cases[i].action);
        parsed_fini(&parsed);
    }
}

static void files_give_defaults_that_the_line_overrides(void **state)
{
    (void)state;
    char path[] = "/tmp/ql_conf_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] =
        "# defaults\n"
        "[cluster]\n"
        "host = \"db1:3100,db2\" # two of them\n"
        "user=\"\"\n"
        "tls-enable = false\n"
        "\n"
        "[ aql ]\n"
        "port = 3200\n"
        "timeout = 250\n"
        "outputmode = 'raw'\n"
        "unknown-to-us = 1\n"
        "[asadm]\n"
        "port = nonsense\n"
        "[cluster_two]\n"
        "host = \"other\"\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    char line[128];
    struct parsed parsed;
    snprintf(line, sizeof line, "-Y %s -T 9", path);
    parse(&parsed, line, NULL);
    assert_int_equal(parsed.result, RESULT_OK);
    assert_string_equal(parsed.options.hosts, "db1:3100,db2");
    assert_int_equal(parsed.options.port, 3200);
    assert_int_equal(parsed.options.settings.timeout_ms, 9);
    assert_int_equal(parsed.options.settings.output, QL_OUTPUT_RAW);
    parsed_fini(&parsed);
    snprintf(line, sizeof line, "-Y %s -I two", path);
    parse(&parsed, line, NULL);
    assert_int_equal(parsed.result, RESULT_OK);
    assert_string_equal(parsed.options.hosts, "other");
    assert_int_equal(parsed.options.port, 3000);
    parsed_fini(&parsed);
    assert_int_equal(unlink(path), 0);
}

static void malformed_files_are_refused_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {"[cluster]\nhost\n", ":2: expected [section] or name = value"},
        {"[cluster\n", ":1: expected"},
        {"[aql]\n\ntimeout = \"5\n", ":3: expected"},
        {"[aql]\ntimeout = x\n", "--timeout takes 0 to"},
        {"[cluster]\ntls-enable = true\n", "--tls-enable: TLS is not built"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[] = "/tmp/ql_conf_XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)), strlen(cases[i].text));
        close(fd);
        char line[128];
        struct parsed parsed;
        snprintf(line, sizeof line, "-Y %s", path);
        parse(&parsed, line, NULL);
        assert_int_equal(unlink(path), 0);
        if (parsed.result != RESULT_PARAMETER || strstr(parsed.err, cases[i].said) == NULL) {
            fail_msg("%s: %s", cases[i].text, parsed.err);
        }
        parsed_fini(&parsed);
    }
}

static void seeds_lose_their_tls_names(void **state)
{
    (void)state;
    static const struct {
        const char *hosts;
        const char *seeds; // NULL: refused
    } cases[] = {
        {"a", "a:3000"},
        {"a:3100", "a:3100"},
        {"a:name:3100,b", "a:3100,b:3000"},
        {"a:name", "a:3000"},
        {"10.0.0.1:3100,10.0.0.2:3200", "10.0.0.1:3100,10.0.0.2:3200"},
        {"[fd00::1]", "[fd00::1]:3000"},
        {"[fd00::1]:3100", "[fd00::1]:3100"},
        {"[fd00::1]:name:3100", "[fd00::1]:3100"},
        {"", NULL},
        {":3000", NULL},
        {"a,,b", NULL},
        {"[fd00::1", NULL},
        {"[fd00::1]x", NULL},
        {"a:99999", NULL},
        {"a:b:c", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_options options = {.port = 3000};
        char seeds[256] = "";
        snprintf(options.hosts, sizeof options.hosts, "%s", cases[i].hosts);
        enum base_result result = ql_options_seeds(&options, seeds, sizeof seeds);
        if (cases[i].seeds == NULL) {
            assert_int_equal(result, RESULT_PARAMETER);
        } else {
            assert_int_equal(result, RESULT_OK);
            assert_string_equal(seeds, cases[i].seeds);
        }
    }
}

static void names_of_the_test(struct base_slice ns, ql_add_fn add, void *adder, void *arg)
{
    (void)arg;
    static const char *const namespaces[] = {"test", "bar"};
    static const char *const sets[] = {"foo", "foobar", "demo"};
    if (ns.size == 0) {
        for (size_t i = 0; i < 2; i++) {
            add(tools_slice_of(namespaces[i]), adder);
        }
    } else if (tools_slice_is(ns, "test")) {
        for (size_t i = 0; i < 3; i++) {
            add(tools_slice_of(sets[i]), adder);
        }
    }
}

static void completion_offers_what_the_parser_expects(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *want; // candidates with blanks between them
    } cases[] = {
        {"",
         "INSERT SELECT DELETE TRUNCATE EXPLAIN OPERATE EXECUTE AGGREGATE SHOW DESC DESCRIBE "
         "STAT ASINFO CREATE DROP GRANT REVOKE REGISTER REMOVE KILL_QUERY KILL_SCAN SET GET "
         "RESET RUN PRINT SYSTEM HELP EXIT QUIT Q"},
        {"sel", "select"},
        {"SEL", "SELECT"},
        {"nothing", ""},
        {"select * ", "from"},
        {"select * from ", "test bar"},
        {"select * from t", "test"},
        {"select * from test.", "foo foobar demo"},
        {"select * from test.f", "foo foobar"},
        {"select * from \"test\".d", "demo"},
        {"select * from test.foo ", "in where limit"},
        {"select * from test.foo w", "where"},
        {"select * from test.foo where ", "pk digest edigest"},
        {"insert in", "into"},
        {"insert into ", "test bar"},
        {"insert into test.foo (pk, a) v", "values"},
        {"insert into test.foo (pk, a) values (1, l", ""},
        {"show s", "sets scans"},
        {"set o", "output output_types"},
        {"set output ", "table json mute raw csv"},
        {"SET KEY_SEND ", "true false"},
        {"get a", "all"},
        {"get rec", "record_ttl record_print_metadata"},
        {"help sel", "select"},
        {"show sets; trunc", "truncate"},
        {"show sets;",
         "INSERT SELECT DELETE TRUNCATE EXPLAIN OPERATE EXECUTE AGGREGATE SHOW DESC "
         "DESCRIBE STAT ASINFO CREATE DROP GRANT REVOKE REGISTER REMOVE KILL_QUERY "
         "KILL_SCAN SET GET RESET RUN PRINT SYSTEM HELP EXIT QUIT Q"},
        {"select * from test where pk = 'a", ""},
        {"asinfo ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tools_completion completion;
        ql_complete(tools_slice_of(cases[i].line), names_of_the_test, NULL, &completion);
        struct tools_text found = {0};
        const char *word = completion.words.data;
        for (size_t w = 0; w < completion.count; w++) {
            tools_text_format_append(&found, "%s%s", w == 0 ? "" : " ", word);
            word += strlen(word) + 1;
        }
        if (strcmp(tools_text_string(&found), cases[i].want) != 0) {
            fail_msg("%s: %s", cases[i].line, tools_text_string(&found));
        }
        tools_text_fini(&found);
        tools_completion_fini(&completion);
    }
}

static void completion_goes_as_far_as_all_candidates_agree(void **state)
{
    (void)state;
    struct tools_completion completion;
    ql_complete(tools_slice_of("select * from test.f"), names_of_the_test, NULL, &completion);
    struct base_slice common = tools_completion_common(&completion);
    assert_int_equal(completion.from, strlen("select * from test."));
    assert_true(tools_slice_is(common, "foo"));
    tools_completion_fini(&completion);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_defaults),
        cmocka_unit_test(options_are_taken_short_and_long),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(version_and_help_need_nothing_else),
        cmocka_unit_test(files_give_defaults_that_the_line_overrides),
        cmocka_unit_test(malformed_files_are_refused_by_line),
        cmocka_unit_test(seeds_lose_their_tls_names),
        cmocka_unit_test(completion_offers_what_the_parser_expects),
        cmocka_unit_test(completion_goes_as_far_as_all_candidates_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
