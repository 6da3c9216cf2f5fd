// SPDX-License-Identifier: Apache-2.0
// Lines into commands: short forms, quotes, mistakes and their answers; what is sent for changes;
// watch, help and completion.
#include "fake_admin.h"

static const struct fake_info infos[] = {
    {"node", "A1"},
    {"build", "8.1.2.0"},
    {"version", "Aerospike Community Edition build 8.1.2.0"},
    {"service-clear-std", "10.0.0.5:3000"},
    {"peers-clear-std", "1,3000,[[B2,,[10.0.0.6]]]"},
    {"statistics", "cluster_size=2;paxos_principal=B2;uptime=10;ratio=0.500;name=x;big=1e9"},
    {"namespaces", "test;bar"},
    {"namespace/test", "objects=12;stop_writes=false"},
    {"namespace/bar", "objects=30;stop_writes=true"},
    {"sets/test", "ns=test:set=demo:objects=7;ns=test:set=other:objects=90;"},
    {"get-config:context=service", "proto-fd-max=15000;proto-fd-idle-ms=0"},
    {"status", "ok"},
    {"features", "a;bb;abc"},
    {NULL, NULL},
};

static const struct fake_info principal[] = {
    {"node", "B2"},
    {"service-clear-std", "10.0.0.6:3000"},
    {"peers-clear-std", "1,3000,[[A1,,[10.0.0.5]]]"},
    {"recluster:", "ok"},
    {"quiesce:", "ok"},
    {"quiesce-undo:", "ok"},
    {"truncate:namespace=test;set=demo", "ok"},
    {"truncate-namespace:namespace=test", "ok"},
    {"truncate:namespace=test;set=demo;lut=1767225600000000000", "ok"},
    {"truncate:namespace=test;set=demo;lut=1767225600500000000", "ok"},
    {"truncate-namespace:namespace=none", "ERROR:20:unknown namespace"},
    {"truncate-namespace-undo:namespace=test", "ok"},
    {"udf-remove:filename=a.lua;", "ok"},
    {"udf-remove:filename=b.lua;", "error=file_not_found"},
    {"sindex-create:namespace=test;set=demo;indexname=i;bin=b;type=numeric", "ok"},
    {"sindex-delete:namespace=test;indexname=i", "ERROR:201:no index"},
    {"set-config:context=service;proto-fd-max=100", "ok"},
    {"set-config:context=network;heartbeat.interval=250", "ok"},
    {"set-config:context=namespace;namespace=test;default-ttl=5;set=demo", "ok"},
    {"log-set:id=0;misc=debug", "ok"},
    {NULL, NULL},
};

static const struct fake_node nodes[] = {
    {.host = "10.0.0.5", .port = 3000, .infos = infos},
    {.host = "10.0.0.6", .port = 3000, .infos = principal, .others = infos},
};

static void begin(struct fake *fake)
{
    fake_init(fake, nodes, 2);
    fake->session.privileged = true;
}

static void complain(const char *line, const char *err)
{
    struct fake fake;
    begin(&fake);
    assert_false(fake_run(&fake, line));
    assert_string_equal(fake.err, err);
    fake_fini(&fake);
}

static void expect(const char *line, const char *out)
{
    struct fake fake;
    begin(&fake);
    fake_expect(&fake, line, out);
    fake_fini(&fake);
}

// ---- words --------------------------------------------------------------------------------------

static void lines_are_split_at_blanks_and_semicolons_outside_of_quotes(void **state)
{
    (void)state;
    const char *text = "  a  'b;c d' e\"f g\"'h' ;; i ; \n j // k\n/* l */ m";
    static const char *const expected[][4] = {{"a", "b;c d", "ef gh"}, {"i"}, {"j"}, {"m"}};
    char buffer[200], *at = buffer;
    struct admin_words words;
    const char *problem;
    for (size_t c = 0; c < 4; c++) {
        assert_true(admin_words_next(&text, true, &at, &words, &problem));
        assert_null(problem);
        size_t count = 0;
        for (; expected[c][count] != NULL; count++) {
            assert_true(count < words.count);
            assert_string_equal(words.items[count], expected[c][count]);
        }
        assert_int_equal(words.count, count);
    }
    assert_false(admin_words_next(&text, true, &at, &words, &problem));
}

static void quotes_and_comments_without_end_are_mistakes(void **state)
{
    (void)state;
    complain("info 'network", "ERROR: a quote has no end.\n");
    const char *text = "a /* b";
    char buffer[20], *at = buffer;
    struct admin_words words;
    const char *problem;
    assert_true(admin_words_next(&text, true, &at, &words, &problem));
    assert_string_equal(problem, "a comment has no end");
}

static void too_many_words_are_a_mistake(void **state)
{
    (void)state;
    struct tools_text line = {0};
    tools_text_string_append(&line, "info network with");
    for (int i = 0; i < ADMIN_WORDS_MAX; i++) {
        tools_text_string_append(&line, " all");
    }
    complain(tools_text_string(&line), "ERROR: too many words.\n");
    tools_text_fini(&line);
}

// ---- finding ------------------------------------------------------------------------------------

static void commands_may_be_cut_short_while_unique(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_true(fake_run(&fake, "sh stat serv like ^uptime$"));
    assert_non_null(strstr(fake.out, "uptime|10"));
    assert_true(fake_run(&fake, "i net"));
    assert_non_null(strstr(fake.out, "Network Information"));
    fake_fini(&fake);
    complain("s", "ERROR: Ambiguous command: 's' may be show or summary.\n");
    complain("info s", "ERROR: Ambiguous command: 's' may be set or sindex.\n");
}

static void mistakes_name_what_is_wrong_and_what_would_be_right(void **state)
{
    (void)state;
    complain("inof", "ERROR: inof: command not found. Did you mean 'info'?\n");
    complain("info netwrok",
             "ERROR: info: 'netwrok' is not expected here. Did you mean "
             "'network'?\n");
    complain("info gibberish",
             "ERROR: info: 'gibberish' is not expected here. Known: network, namespace, set, "
             "sindex, release, xdr, transactions, with.\n");
    complain("show config --filp",
             "ERROR: show config: '--filp' is not expected here. Did you "
             "mean '--flip'?\n");
    complain("show latencies -e", "ERROR: show latencies: increment is missing behind '-e'.\n");
    complain("show latencies -b 0", "ERROR: -b: '0' is not a whole number from 1 to 17.\n");
    complain("show latencies -e x", "ERROR: -e: 'x' is not a whole number from 1 to 16.\n");
    complain("manage truncate set x", "ERROR: manage truncate: 'ns namespace' is missing.\n");
    complain("manage config service param a",
             "ERROR: manage config service: 'to value' is "
             "missing.\n");
    complain("show stat service like '['",
             "ERROR: like: '[' is no regular expression: Invalid regular expression.\n");
    complain("pager on", "ERROR: pager: not part of this version.\n");
    complain("show stat bins",
             "ERROR: Server version 7.0 removed namespace bin-name limits and "
             "statistics.\n");
}

static void changes_need_privileges(void **state)
{
    (void)state;
    static const char *const lines[] = {"manage recluster", "man config service param a to b"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct fake fake;
        fake_init(&fake, nodes, 2);
        assert_false(fake_run(&fake, lines[i]));
        assert_string_equal(fake.err,
                            "ERROR: User must be in privileged mode to issue \"manage\" commands.\n"
                            "       Type \"enable\" to enter privileged mode.\n");
        assert_true(fake_run(&fake, "enable"));
        assert_true(fake.session.privileged);
        assert_true(fake_run(&fake, "disable; help"));
        assert_false(fake.session.privileged);
        fake_fini(&fake);
    }
}

static void several_commands_have_their_names_before_them(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_true(fake_run(&fake, "asinfo -v status with A1; asinfo status with A1"));
    assert_string_equal(fake.out,
                        "~~~ asinfo -v status with A1 ~~~\n"
                        "10.0.0.5:3000 (10.0.0.5) returned:\nok\n\n"
                        "~~~ asinfo status with A1 ~~~\n"
                        "10.0.0.5:3000 (10.0.0.5) returned:\nok\n\n");
    fake_fini(&fake);
}

static void without_go_on_the_first_failure_ends_it(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_false(admin_session_run(&fake.session, "nonsense; info network", false, false));
    fflush(fake.session.out);
    assert_null(strstr(fake.out, "Network Information"));
    fake_fini(&fake);
}

static void exit_ends_the_session(void **state)
{
    (void)state;
    static const char *const words[] = {"exit", "quit", "q"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct fake fake;
        begin(&fake);
        assert_false(admin_session_run(&fake.session, words[i], false, true));
        assert_true(fake.session.ended);
        fake_fini(&fake);
    }
}

// ---- asinfo -------------------------------------------------------------------------------------

static void asinfo_prints_each_node(void **state)
{
    (void)state;
    expect("asinfo -v features",
           "10.0.0.5:3000 (10.0.0.5) returned:\na;bb;abc\n\n"
           "10.0.0.6:3000 (10.0.0.6) returned:\na;bb;abc\n\n");
    expect("asinfo -v features -l like a with B2",
           "10.0.0.6:3000 (10.0.0.6) returned:\na\nabc\n\n");
    complain("asinfo", "ERROR: asinfo: an info command is missing, as in asinfo -v build.\n");
}

// ---- manage -------------------------------------------------------------------------------------

static void the_principal_is_asked_for_the_cluster(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_true(fake_run(&fake, "manage recluster"));
    assert_string_equal(fake.out, "Successfully started recluster\n");
    assert_non_null(strstr(fake.asked.data, "10.0.0.6:3000 recluster:\n"));
    fake_fini(&fake);
    expect("manage truncate ns test set demo --no-warn",
           "Successfully started truncation for set demo of namespace test\n");
    expect("manage truncate ns test --no-warn",
           "Successfully started truncation for namespace test\n");
    expect("manage truncate ns test undo",
           "Successfully triggered undoing truncation for namespace test\n");
    complain("manage truncate ns none --no-warn",
             "ERROR: Failed to truncate namespace none : unknown namespace.\n");
}

static void truncation_takes_a_moment_in_two_forms(void **state)
{
    (void)state;
    static const char *const good[] = {
        "1767225600 unix-epoch",
        "1767225600.5 unix-epoch",
        "2026-01-01 iso-8601",
        "2026-01-01T00:00:00 iso-8601",
        "2026-01-01T02:00:00+02:00 iso-8601",
        "2026-01-01T00:00:00Z iso-8601",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char line[200];
        snprintf(line, sizeof line, "manage truncate ns test set demo before %s --no-warn",
                 good[i]);
        expect(line, "Successfully started truncation for set demo of namespace test\n");
    }
    static const char *const bad[] = {"tomorrow iso-8601", "12", "1x unix-epoch", "12 hours",
                                      "2026-01-01T00 iso-8601"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[200];
        struct fake fake;
        begin(&fake);
        snprintf(line, sizeof line, "manage truncate ns test set demo before %s --no-warn", bad[i]);
        assert_false(fake_run(&fake, line));
        assert_non_null(strstr(fake.err, "'before' wants a time and its form"));
        fake_fini(&fake);
    }
}

static void truncation_asks_back_with_the_records_it_removes(void **state)
{
    (void)state;
    char answer[] = "no\n";
    struct fake fake;
    begin(&fake);
    fake.session.in = fmemopen(answer, sizeof answer - 1, "r");
    assert_true(fake_run(&fake, "manage truncate ns test set demo"));
    assert_memory_equal(fake.out,
                        "About to remove up to 14 records, all copies counted, of set demo of "
                        "namespace test.\nType ",
                        84);
    assert_non_null(strstr(fake.out, "\nNothing was changed.\n"));
    assert_null(strstr(fake.asked.data, "truncate"));
    fclose(fake.session.in);
    fake_fini(&fake);
}

static void changes_are_answered_by_each_node(void **state)
{
    (void)state;
    expect("manage quiesce with B2",
           "~~~~Quiesce Nodes~~~~~\n"
           "         Node|Response\n"
           "10.0.0.6:3000|ok      \n"
           "Number of rows: 1\n\n"
           "Run \"manage recluster\" for your changes to take effect.\n");
    struct fake fake;
    begin(&fake);
    assert_false(fake_run(&fake, "manage config service param proto-fd-max to 100"));
    assert_string_equal(fake.out,
                        "~Set Service Param proto-fd-max to 100~\n"
                        "         Node|            Response\n"
                        "10.0.0.5:3000|unrecognized command\n"
                        "10.0.0.6:3000|ok                  \n"
                        "Number of rows: 2\n\n");
    assert_true(fake_run(&fake, "manage config network heartbeat param interval to 250 with B2"));
    assert_true(fake_run(&fake,
                         "manage config namespace test set demo param default-ttl to 5 with "
                         "B2"));
    assert_true(fake_run(&fake, "manage config logging param misc to debug with B2"));
    assert_true(fake_run(&fake, "manage quiesce with B2 undo"));
    fake_fini(&fake);
    complain("manage quiesce", "ERROR: manage quiesce: 'with node' is missing.\n");
    complain("manage config service param a to 'b;c=d'",
             "ERROR: 'b;c=d' is no value: it is empty or has a semicolon in it.\n");
    complain("manage config network param interval to 1",
             "ERROR: manage config network: which part of it: service, heartbeat, fabric or "
             "info?\n");
}

static void modules_and_indexes_are_managed_through_the_principal(void **state)
{
    (void)state;
    expect("manage udfs remove a.lua --no-warn", "Successfully removed UDF a.lua.\n");
    complain("manage udfs remove b.lua", "ERROR: Failed to remove UDF b.lua : file_not_found.\n");
    complain("manage udfs add c.lua path /nowhere/c.lua",
             "ERROR: /nowhere/c.lua: No such file or directory.\n");
    expect("manage sindex create numeric i ns test set demo bin b --no-warn",
           "Use 'show sindex' to confirm i was created successfully.\n");
    complain("manage sindex delete i ns test", "ERROR: Failed to delete sindex i : no index.\n");
    complain("manage roster add nodes A ns test",
             "ERROR: manage roster: this version has no strong consistency.\n");
    complain("manage acl create user a", "ERROR: manage acl: this version knows no users.\n");
}

// ---- watch, help, completion --------------------------------------------------------------------

static void watch_repeats_a_command(void **state)
{
    (void)state;
    expect("watch 1 2 asinfo -v status with A1",
           "[ 2026-01-02 03:04:05 'asinfo -v status with A1' sleep: 1.0s iteration: 1 of 2 ]\n"
           "10.0.0.5:3000 (10.0.0.5) returned:\nok\n\n"
           "[ 2026-01-02 03:04:07 'asinfo -v status with A1' sleep: 1.0s iteration: 2 of 2 ]\n"
           "10.0.0.5:3000 (10.0.0.5) returned:\nok\n\n");
    complain("watch", "ERROR: watch: a command is missing, as in watch 1 3 info network.\n");
    complain("watch 1 watch info", "ERROR: watch: it cannot watch itself.\n");
    complain("watch 1 1 nonsense",
             "ERROR: nonsense: command not found. Known: help, info, show, summary, features, "
             "asinfo, manage, watch, enable, disable, pager, collectinfo, collectlogs, health, "
             "exit, quit.\n");
}

static void watch_inverts_what_has_changed_on_a_terminal(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    fake.session.color = true;
    assert_true(fake_run(&fake, "watch 1 2 show stat service like uptime with A1"));
    // The clock in the title goes on by two seconds.
    assert_non_null(strstr(fake.out, "03:04:0\033[7m7\033[27m UTC"));
    assert_null(strstr(fake.out, "\033[7mu"));
    assert_true(fake_run(&fake, "watch 1 2 --no-diff show stat service like uptime with A1"));
    assert_null(strstr(fake.out, "\033[7m"));
    fake_fini(&fake);
}

static void help_explains_each_command_of_the_table(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_true(fake_run(&fake, "help"));
    static const char *const names[] = {"info", "show", "manage", "latencies", "truncate"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_non_null(strstr(fake.out, names[i]));
    }
    assert_true(fake_run(&fake, "help show config"));
    assert_non_null(strstr(fake.out, "--flip, -flip"));
    assert_false(fake_run(&fake, "help shwo"));
    assert_string_equal(fake.err, "ERROR: shwo: command not found. Did you mean 'show'?\n");
    assert_true(fake_run(&fake, "show")); // a group by itself explains itself
    assert_non_null(strstr(fake.out, "best-practices"));
    fake_fini(&fake);
}

static void completes(const char *line, bool open, const char *expected)
{
    char buffer[200], *at = buffer;
    struct admin_words words = {0};
    const char *problem;
    struct tools_text found = {0};
    admin_words_next(&line, false, &at, &words, &problem);
    admin_command_complete(&words, open, &found);
    assert_string_equal(tools_text_string(&found), expected);
    tools_text_fini(&found);
}

static void completion_knows_commands_and_keywords(void **state)
{
    (void)state;
    completes("inf", true, "info ");
    completes("s", true, "show summary ");
    completes("info n", true, "network namespace ");
    completes("info network", false, "with ");
    completes("show config service --", true, "--flip ");
    completes("help show la", true, "latencies ");
    completes("watch 1 5 info net", true, "network ");
    completes("nonsense x", true, "");
    completes("", false,
              "help info show summary features asinfo manage watch enable disable pager "
              "collectinfo collectlogs health exit quit ");
}

// ---- forms --------------------------------------------------------------------------------------

static void numbers_are_shown_with_their_units(void **state)
{
    (void)state;
    static const struct {
        enum admin_form form;
        double value;
        const char *text;
    } cases[] = {
        {ADMIN_COUNT, 0, "0.000  "},
        {ADMIN_COUNT, 999, "999.000  "},
        {ADMIN_COUNT, 1580, "1.580 K"},
        {ADMIN_COUNT, 2.5e6, "2.500 M"},
        {ADMIN_BYTES, 0, "0.000 B "},
        {ADMIN_BYTES, 1024, "1.000 KB"},
        {ADMIN_BYTES, 4294967296., "4.000 GB"},
        {ADMIN_PERCENT, 90, "90.0 %"},
        {ADMIN_RATIO, 0.341796875, "34.18 %"},
        {ADMIN_RATIO, 0.00005, "0.01 %"},
        {ADMIN_CLOCK, 4010, "01:06:50"},
        {ADMIN_CLOCK, 360000, "100:00:00"},
        {ADMIN_CLOCK_MS, 61500, "00:01:01"},
        {ADMIN_AS_IS, 10468.8, "10468.8"},
        {ADMIN_AS_IS, 0, "0.0"},
        {ADMIN_AS_IS, 1e16, "1e+16"},
        {ADMIN_AS_IS, 0.1, "0.1"},
        {ADMIN_AS_IS, -2.25, "-2.25"},
        {ADMIN_AS_IS, 123456789, "123456789.0"},
        {ADMIN_ROUNDED, 0.456, "0.46"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tools_text text = {0};
        admin_number_append(&text, cases[i].value, cases[i].form);
        assert_string_equal(tools_text_string(&text), cases[i].text);
        tools_text_fini(&text);
    }
}

static void names_that_look_like_numbers_stay_names(void **state)
{
    (void)state;
    struct fake fake;
    begin(&fake);
    assert_true(fake_run(&fake, "show stat service like big ratio name with A1 -flip"));
    assert_non_null(strstr(fake.out, "|1e9|x   |  0.5\n"));
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_split_at_blanks_and_semicolons_outside_of_quotes),
        cmocka_unit_test(quotes_and_comments_without_end_are_mistakes),
        cmocka_unit_test(too_many_words_are_a_mistake),
        cmocka_unit_test(commands_may_be_cut_short_while_unique),
        cmocka_unit_test(mistakes_name_what_is_wrong_and_what_would_be_right),
        cmocka_unit_test(changes_need_privileges),
        cmocka_unit_test(several_commands_have_their_names_before_them),
        cmocka_unit_test(without_go_on_the_first_failure_ends_it),
        cmocka_unit_test(exit_ends_the_session),
        cmocka_unit_test(asinfo_prints_each_node),
        cmocka_unit_test(the_principal_is_asked_for_the_cluster),
        cmocka_unit_test(truncation_takes_a_moment_in_two_forms),
        cmocka_unit_test(truncation_asks_back_with_the_records_it_removes),
        cmocka_unit_test(changes_are_answered_by_each_node),
        cmocka_unit_test(modules_and_indexes_are_managed_through_the_principal),
        cmocka_unit_test(watch_repeats_a_command),
        cmocka_unit_test(watch_inverts_what_has_changed_on_a_terminal),
        cmocka_unit_test(help_explains_each_command_of_the_table),
        cmocka_unit_test(completion_knows_commands_and_keywords),
        cmocka_unit_test(numbers_are_shown_with_their_units),
        cmocka_unit_test(names_that_look_like_numbers_stay_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
