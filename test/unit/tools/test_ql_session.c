// SPDX-License-Identifier: Apache-2.0
// Whole outputs of sessions against a stand-in for a cluster: what is printed for each statement,
// in each mode, on each stream, byte for byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tools/ql_session.h"

// ---- the stand-in -------------------------------------------------------------------------------

enum { BINS_MAX = 12, LOG_SIZE = 4096 };

// A bin as the tests write it: an INSERT's literal.
struct fake_bin {
    const char *name;
    const char *literal;
};

struct fake_record {
    const char *key; // a literal; NULL: stored without
    struct fake_bin bins[BINS_MAX];
};

struct fake_info {
    const char *command;
    const char *answer;
};

struct fake {
    struct ql_backend backend;
    const struct fake_record *records;
    size_t record_count;
    const struct fake_info *infos;
    struct ql_failure failure; // of the next request
    size_t fail_after;         // records of a scan in front of the failure
    uint64_t clock_ms;
    char log[LOG_SIZE]; // what was asked
    struct ql_session session;
    char *out;
    size_t out_size;
    char *err;
    size_t err_size;
};

static void fake_log(struct fake *fake, const char *format, ...)
{
    size_t size = strlen(fake->log);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fake->log + size, sizeof fake->log - size, format, arguments);
    va_end(arguments);
}

static void log_target(struct fake *fake, const char *what, const struct ql_target *target,
                       const struct ql_key *key)
{
    struct tools_text text = {0};
    if (key != NULL && key->kind == QL_KEY_USER) {
        ql_value_append(&text, &key->user, true);
    } else if (key != NULL) {
        tools_text_hex_append(&text, key->digest, sizeof key->digest, "");
    }
    fake_log(fake, "%s %.*s.%.*s %s", what, (int)target->ns.size, (const char *)target->ns.data,
             (int)target->set.size, (const char *)target->set.data, tools_text_string(&text));
    tools_text_fini(&text);
}

static void log_bin(struct fake *fake, const struct ql_bin *bin)
{
    struct tools_text text = {0};
    ql_value_append(&text, &bin->value, true);
    fake_log(fake, " %.*s=%s", (int)bin->name.size, (const char *)bin->name.data,
             tools_text_string(&text));
    tools_text_fini(&text);
}

// The value of a literal; what it points to lives in the arena.
static struct ql_value literal_value(const char *literal, struct ql_arena *arena)
{
    struct tools_text text = {0};
    tools_text_format_append(&text, "insert into n (pk, b) values (1, %s)", literal);
    char *command = ql_arena_take(arena, text.size + 1);
    memcpy(command, tools_text_string(&text), text.size);
    struct base_slice slice = {.data = (const uint8_t *)command, .size = text.size};
    struct ql_statement statement;
    struct ql_problem problem;
    assert_int_equal(ql_parse(slice, arena, &statement, &problem), RESULT_OK);
    tools_text_fini(&text);
    return statement.insert.bins[0].value;
}

static bool is_wanted(const struct base_slice *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (base_slice_equal(names[i], tools_slice_of(name))) {
            return true;
        }
    }
    return count == 0;
}

static bool record_give(const struct fake_record *fake_record, const struct base_slice *names,
                        size_t name_count, bool with_key, ql_record_fn fn, void *arg)
{
    struct ql_arena arena = {0};
    struct ql_bin bins[BINS_MAX];
    struct ql_record record = {.bins = bins, .ttl = -1, .generation = 1};
    for (size_t i = 0; i < BINS_MAX && fake_record->bins[i].name != NULL; i++) {
        if (is_wanted(names, name_count, fake_record->bins[i].name)) {
            bins[record.bin_count++] =
                (struct ql_bin){.name = tools_slice_of(fake_record->bins[i].name),
                                .value = literal_value(fake_record->bins[i].literal, &arena)};
        }
    }
    record.has_digest = true;
    memset(record.digest, 0xab, sizeof record.digest);
    record.set = tools_slice_of("toolset");
    if (with_key && fake_record->key != NULL) {
        record.has_user_key = true;
        record.user_key = literal_value(fake_record->key, &arena);
    }
    bool go_on = fn(&record, arg);
    ql_arena_fini(&arena);
    return go_on;
}

static void fake_put(struct ql_backend *backend, const struct ql_settings *settings,
                     const struct ql_target *target, const struct ql_key *key,
                     const struct ql_bin *bins, size_t bin_count, struct ql_failure *failure)
{
    struct fake *fake = (struct fake *)backend;
    log_target(fake, "put", target, key);
    for (size_t i = 0; i < bin_count; i++) {
        log_bin(fake, &bins[i]);
    }
    fake_log(fake, " ttl=%lld\n", (long long)settings->record_ttl_s);
    *failure = fake->failure;
}

static void fake_remove(struct ql_backend *backend, const struct ql_settings *settings,
                        const struct ql_target *target, const struct ql_key *key,
                        struct ql_failure *failure)
{
    (void)settings;
    struct fake *fake = (struct fake *)backend;
    log_target(fake, "remove", target, key);
    fake_log(fake, "\n");
    *failure = fake->failure;
}

static void fake_get(struct ql_backend *backend, const struct ql_settings *settings,
                     const struct ql_target *target, const struct ql_key *key,
                     const struct base_slice *bins, size_t bin_count, ql_record_fn fn, void *arg,
                     struct ql_failure *failure)
{
    (void)settings;
    struct fake *fake = (struct fake *)backend;
    log_target(fake, "get", target, key);
    fake_log(fake, "\n");
    *failure = fake->failure;
    if (failure->code == 0) {
        record_give(&fake->records[0], bins, bin_count, false, fn, arg);
    }
}

static void fake_operate(struct ql_backend *backend, const struct ql_settings *settings,
                         const struct ql_operate *operate, ql_record_fn fn, void *arg,
                         struct ql_failure *failure)
{
    (void)settings;
    struct fake *fake = (struct fake *)backend;
    log_target(fake, "operate", &operate->target, &operate->key);
    for (size_t i = 0; i < operate->operation_count; i++) {
        fake_log(fake, " %d", operate->operations[i].type);
        log_bin(fake, &operate->operations[i].bin);
    }
    fake_log(fake, "\n");
    *failure = fake->failure;
    if (failure->code == 0) {
        record_give(&fake->records[0], NULL, 0, false, fn, arg);
    }
}

static void fake_scan(struct ql_backend *backend, const struct ql_settings *settings,
                      const struct ql_scan *scan, ql_record_fn fn, void *arg,
                      struct ql_failure *failure)
{
    (void)settings;
    struct fake *fake = (struct fake *)backend;
    log_target(fake, "scan", &scan->target, NULL);
    fake_log(fake, "%llu\n", (unsigned long long)(scan->has_limit ? scan->limit : 0));
    *failure = fake->failure;
    size_t count = failure->code == 0 ? fake->record_count : fake->fail_after;
    for (size_t i = 0; i < count && (!scan->has_limit || i < scan->limit); i++) {
        if (!record_give(&fake->records[i], scan->bins, scan->bin_count, true, fn, arg)) {
            return;
        }
    }
}

static void fake_info(struct ql_backend *backend, const struct ql_settings *settings,
                      const char *command, ql_info_fn fn, void *arg)
{
    (void)settings;
    struct fake *fake = (struct fake *)backend;
    const struct ql_node node = {.name = "C6", .address = "127.0.0.1:13600"};
    const char *answer = "ERROR:4:unrecognized command";
    for (size_t i = 0; fake->infos != NULL && fake->infos[i].command != NULL; i++) {
        if (strcmp(fake->infos[i].command, command) == 0) {
            answer = fake->infos[i].answer;
        }
    }
    fake_log(fake, "info %s\n", command);
    fn(&node, fake->failure.code == 0 ? answer : NULL, &fake->failure, arg);
}

static void fake_locate(struct ql_backend *backend, const struct ql_settings *settings,
                        const struct ql_target *target, const struct ql_key *key,
                        struct ql_place *out, struct ql_failure *failure)
{
    (void)backend;
    (void)settings;
    (void)target;
    (void)key;
    static const uint8_t digest[] = {0x74, 0x26, 0x89, 0x88, 0x0A, 0xD4, 0x93, 0x2E, 0x75, 0x80,
                                     0x4B, 0x69, 0xEE, 0x3E, 0xCF, 0xE9, 0x6D, 0x3F, 0x3F, 0x8F};
    memcpy(out->digest, digest, sizeof digest);
    out->partition = 1652;
    strcpy(out->master, "C6");
    failure->code = 0;
}

static const struct ql_backend_ops fake_ops = {
    .put = fake_put,
    .remove = fake_remove,
    .get = fake_get,
    .operate = fake_operate,
    .scan = fake_scan,
    .info_all = fake_info,
    .info_any = fake_info,
    .locate = fake_locate,
};

static uint64_t fake_clock(void *arg)
{
    return ((struct fake *)arg)->clock_ms++;
}

static void fake_init(struct fake *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->backend.ops = &fake_ops;
    fake->session = (struct ql_session){.backend = &fake->backend,
                                        .out = open_memstream(&fake->out, &fake->out_size),
                                        .err = open_memstream(&fake->err, &fake->err_size),
                                        .clock = fake_clock,
                                        .clock_arg = fake};
    ql_settings_init(&fake->session.settings);
    fake->session.settings.echo = true;
}

static void fake_fini(struct fake *fake)
{
    fclose(fake->session.out);
    fclose(fake->session.err);
    free(fake->out);
    free(fake->err);
}

// Runs a line and compares all that was printed since the last time.
static void expect(struct fake *fake, const char *line, const char *out, const char *err)
{
    fflush(fake->session.out);
    fflush(fake->session.err);
    size_t out_from = fake->out_size;
    size_t err_from = fake->err_size;
    ql_session_line(&fake->session, tools_slice_of(line));
    fflush(fake->session.out);
    fflush(fake->session.err);
    assert_string_equal(fake->out + out_from, out);
    assert_string_equal(fake->err + err_from, err);
}

static const struct fake_record rec3[] = {
    {.key = "'rec3'", .bins = {{"a", "3"}, {"b", "3"}, {"c", "'str0'"}}}};

static const struct fake_record types[] = {
    {.key = "'types'",
     .bins = {{"bi", "1"},
              {"bd", "1.5"},
              {"bs", "'x'"},
              {"bb", "true"},
              {"bg", "GEOJSON('{\"type\": \"Point\", \"coordinates\": [23.4, -56.7]}')"},
              {"bm", "MAP('{\"a\": 1, \"b\": 2}')"},
              {"bl", "LIST('[1,2,3]')"},
              {"bdoc", "JSON('{\"a\":[1,2,{\"b\":\"c\"}]}')"}}}};

static const struct fake_record several[] = {
    {.key = "'rec4'", .bins = {{"a", "4"}, {"b", "0"}, {"c", "'str1'"}}},
    {.key = "'types'", .bins = {{"bi", "1"}, {"bd", "1.5"}}},
    {.key = NULL, .bins = {{"a", "12"}}},
};

// ---- the tests ----------------------------------------------------------------------------------

static void insert_and_delete_say_one_record_affected(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    expect(&fake, "INSERT INTO test.toolset (PK,a,b,c) VALUES ('rec1',1,1,'str1')",
           "INSERT INTO test.toolset (PK,a,b,c) VALUES ('rec1',1,1,'str1')\n"
           "OK, 1 record affected.\n\n",
           "");
    expect(&fake, "DELETE FROM test.toolset WHERE PK = 'rec11'",
           "DELETE FROM test.toolset WHERE PK = 'rec11'\n"
           "OK, 1 record affected.\n\n",
           "");
    expect(&fake, "SET RECORD_TTL -1; insert into test (pk, a) values (7, null)",
           "SET RECORD_TTL -1\nRECORD_TTL = -1\n"
           "insert into test (pk, a) values (7, null)\n"
           "OK, 1 record affected.\n\n",
           "");
    assert_string_equal(fake.log,
                        "put test.toolset \"rec1\" a=1 b=1 c=\"str1\" ttl=0\n"
                        "remove test.toolset \"rec11\"\n"
                        "put test. 7 a=NIL ttl=-1\n");
    fake_fini(&fake);
}

static void select_of_all_bins_has_the_key_first(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = rec3;
    expect(&fake, "SELECT * FROM test.toolset WHERE PK = 'rec3'",
           "SELECT * FROM test.toolset WHERE PK = 'rec3'\n"
           "+--------+---+---+--------+\n"
           "| PK     | a | b | c      |\n"
           "+--------+---+---+--------+\n"
           "| \"rec3\" | 3 | 3 | \"str0\" |\n"
           "+--------+---+---+--------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "set key_send false; SELECT * FROM test.toolset WHERE PK = 'rec3'",
           "set key_send false\nKEY_SEND = false\n"
           "SELECT * FROM test.toolset WHERE PK = 'rec3'\n"
           "+---+---+--------+\n"
           "| a | b | c      |\n"
           "+---+---+--------+\n"
           "| 3 | 3 | \"str0\" |\n"
           "+---+---+--------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void select_of_named_bins_has_the_key_last(void **state)
{
    (void)state;
    static const struct fake_record rec4[] = {
        {.key = "'rec4'", .bins = {{"a", "4"}, {"b", "0"}, {"c", "'str1'"}}}};
    struct fake fake;
    fake_init(&fake);
    fake.records = rec4;
    expect(&fake, "SELECT a,c FROM test.toolset WHERE PK = 'rec4'",
           "SELECT a,c FROM test.toolset WHERE PK = 'rec4'\n"
           "+----+--------+--------+\n"
           "| a  | c      | PK     |\n"
           "+----+--------+--------+\n"
           "| 4  | \"str1\" | \"rec4\" |\n"
           "+----+--------+--------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SELECT nosuch FROM test.toolset WHERE PK = 'rec4'",
           "SELECT nosuch FROM test.toolset WHERE PK = 'rec4'\n"
           "0 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void record_not_found_is_an_error_on_stderr(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    ql_failure_set(&fake.failure, 2, "127.0.0.1:13600 AEROSPIKE_ERR_RECORD_NOT_FOUND");
    expect(&fake, "SELECT * FROM test.toolset WHERE PK = 'nope'",
           "SELECT * FROM test.toolset WHERE PK = 'nope'\n",
           "Error: (2) 127.0.0.1:13600 AEROSPIKE_ERR_RECORD_NOT_FOUND\n\n");
    expect(&fake, "set output json; SELECT * FROM test.toolset WHERE PK = 'nope'",
           "set output json\nOUTPUT = JSON\n"
           "SELECT * FROM test.toolset WHERE PK = 'nope'\n"
           "\n[\n"
           "    [\n"
           "        {\n"
           "          \"Status\": 2,\n"
           "          \"Message\": \"127.0.0.1:13600 AEROSPIKE_ERR_RECORD_NOT_FOUND\"\n"
           "        }\n"
           "    ]\n"
           "]\n\n",
           "");
    expect(&fake, "set output raw; delete from test where pk = 1",
           "set output raw\nOUTPUT = RAW\n"
           "delete from test where pk = 1\n"
           "Error: (2) 127.0.0.1:13600 AEROSPIKE_ERR_RECORD_NOT_FOUND\n\n",
           "");
    fake_fini(&fake);
}

static void every_type_is_shown_in_its_dress(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = types;
    expect(
        &fake, "SELECT * FROM test.toolset WHERE PK = 'types'",
        "SELECT * FROM test.toolset WHERE PK = 'types'\n"
        "+---------+----+-----+-----+------+-----------------------------------------------------"
        "-------+-----------------------+-------------------+--------------------------------+\n"
        "| PK      | bi | bd  | bs  | bb   | bg                                                  "
        "       | bm                    | bl                | bdoc                           |\n"
        "+---------+----+-----+-----+------+-----------------------------------------------------"
        "-------+-----------------------+-------------------+--------------------------------+\n"
        "| \"types\" | 1  | 1.5 | \"x\" | true | GeoJSON('{\"type\": \"Point\", \"coordinates\": "
        "[23.4, -56.7]}') | MAP('{\"a\":1, \"b\":2}') | LIST('[1, 2, 3]') | MAP('{\"a\":[1, 2, "
        "{\"b\":\"c\"}]}') |\n"
        "+---------+----+-----+-----+------+-----------------------------------------------------"
        "-------+-----------------------+-------------------+--------------------------------+\n"
        "1 row in set (0.001 secs)\n\n"
        "OK\n\n",
        "");
    expect(&fake, "set output_types false; SELECT bm, bl FROM test.toolset WHERE PK = 'types'",
           "set output_types false\nOUTPUT_TYPES = false\n"
           "SELECT bm, bl FROM test.toolset WHERE PK = 'types'\n"
           "+----------------+-----------+---------+\n"
           "| bm             | bl        | PK      |\n"
           "+----------------+-----------+---------+\n"
           "| {\"a\":1, \"b\":2} | [1, 2, 3] | \"types\" |\n"
           "+----------------+-----------+---------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void scan_joins_the_columns_of_all_records(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = several;
    fake.record_count = 3;
    expect(&fake, "SELECT * FROM test.toolset",
           "SELECT * FROM test.toolset\n"
           "+---------+----+---+--------+----+-----+\n"
           "| PK      | a  | b | c      | bi | bd  |\n"
           "+---------+----+---+--------+----+-----+\n"
           "| \"rec4\"  | 4  | 0 | \"str1\" |    |     |\n"
           "| \"types\" |    |   |        | 1  | 1.5 |\n"
           "|         | 12 |   |        |    |     |\n"
           "+---------+----+---+--------+----+-----+\n"
           "3 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SELECT * FROM test.toolset limit 1",
           "SELECT * FROM test.toolset limit 1\n"
           "+--------+---+---+--------+\n"
           "| PK     | a | b | c      |\n"
           "+--------+---+---+--------+\n"
           "| \"rec4\" | 4 | 0 | \"str1\" |\n"
           "+--------+---+---+--------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SELECT * FROM test.toolset limit 0",
           "SELECT * FROM test.toolset limit 0\n"
           "0 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake.record_count = 0;
    expect(&fake, "SELECT * FROM test.toolset",
           "SELECT * FROM test.toolset\n"
           "0 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    assert_string_equal(fake.log,
                        "scan test.toolset 0\nscan test.toolset 1\n"
                        "scan test.toolset 0\n");
    fake_fini(&fake);
}

static void scan_that_breaks_off_shows_what_it_has_and_why(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = several;
    fake.fail_after = 1;
    ql_failure_set(&fake.failure, 9, "127.0.0.1:13600 AEROSPIKE_ERR_TIMEOUT");
    expect(&fake, "SELECT a FROM test.toolset",
           "SELECT a FROM test.toolset\n"
           "+----+--------+\n"
           "| a  | PK     |\n"
           "+----+--------+\n"
           "| 4  | \"rec4\" |\n"
           "+----+--------+\n"
           "1 row in set (0.001 secs)\n\n",
           "Error: (9) 127.0.0.1:13600 AEROSPIKE_ERR_TIMEOUT\n\n");
    fake_fini(&fake);
}

static void long_results_come_as_tables_of_a_hundred_rows(void **state)
{
    (void)state;
    enum { RECORDS = 205 };
    struct fake_record *records = calloc(RECORDS, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < RECORDS; i++) {
        records[i].bins[0] = (struct fake_bin){.name = "a", .literal = "1"};
    }
    struct fake fake;
    fake_init(&fake);
    fake.records = records;
    fake.record_count = RECORDS;
    ql_session_line(&fake.session, tools_slice_of("select * from test"));
    fflush(fake.session.out);
    size_t borders = 0;
    size_t rows = 0;
    for (const char *at = fake.out; (at = strchr(at, '\n')) != NULL; at++) {
        borders += strncmp(at, "\n+---+\n", 7) == 0;
        rows += strncmp(at, "\n| 1 |\n", 7) == 0;
    }
    assert_int_equal(borders, 9);
    assert_int_equal(rows, RECORDS);
    assert_non_null(strstr(fake.out, "+---+\n205 rows in set ("));
    fake_fini(&fake);
    free(records);
}

static void metadata_and_digests_are_shown_when_asked_for(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = rec3;
    fake.record_count = 1;
    expect(&fake, "set record_print_metadata true; select a from test.toolset",
           "set record_print_metadata true\nRECORD_PRINT_METADATA = true\n"
           "select a from test.toolset\n"
           "+----+--------+--------------------------------+-----------+-------+-------+\n"
           "| a  | PK     | {edigest}                      | {set}     | {ttl} | {gen} |\n"
           "+----+--------+--------------------------------+-----------+-------+-------+\n"
           "| 3  | \"rec3\" | \"q6urq6urq6urq6urq6urq6urq6s=\" | \"toolset\" | -1    | 1     |\n"
           "+----+--------+--------------------------------+-----------+-------+-------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "set output json; select a from test.toolset",
           "set output json\nOUTPUT = JSON\n"
           "select a from test.toolset\n"
           "\n[\n"
           "    [\n"
           "        {\n"
           "          \"PK\": \"rec3\",\n"
           "          \"edigest\": \"q6urq6urq6urq6urq6urq6urq6s=\",\n"
           "          \"set\": \"toolset\",\n"
           "          \"ttl\": -1,\n"
           "          \"gen\": 1,\n"
           "          \"bins\": {\n"
           "            \"a\": 3\n"
           "          }\n"
           "        }\n"
           "    ],\n"
           "    [\n"
           "        {\n"
           "          \"Status\": 0\n"
           "        }\n"
           "    ]\n"
           "]\n\n",
           "");
    static const struct fake_record empty[] = {{.key = "1"}};
    fake.records = empty;
    expect(&fake, "reset output; set no_bins true; select * from test.toolset",
           "reset output\nOUTPUT = TABLE\n"
           "set no_bins true\nNO_BINS = true\n"
           "select * from test.toolset\n"
           "+----+--------------------------------------------+\n"
           "| PK | {digest}                                   |\n"
           "+----+--------------------------------------------+\n"
           "| 1  | \"ABABABABABABABABABABABABABABABABABABABAB\" |\n"
           "+----+--------------------------------------------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void json_mode_prints_arrays_of_rows_then_the_status(void **state)
{
    (void)state;
    static const struct fake_info infos[] = {{"namespaces", "test;bar"}, {NULL, NULL}};
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    fake.session.settings.output = QL_OUTPUT_JSON;
    fake.records = types;
    fake.infos = infos;
    expect(&fake, "select bd, bdoc from test where pk = 1",
           "\n[\n"
           "    [\n"
           "        {\n"
           "          \"PK\": 1,\n"
           "          \"bd\": 1.5,\n"
           "          \"bdoc\": {\n"
           "            \"a\": [\n"
           "              1,\n"
           "              2,\n"
           "              {\n"
           "                \"b\": \"c\"\n"
           "              }\n"
           "            ]\n"
           "          }\n"
           "        }\n"
           "    ],\n"
           "    [\n"
           "        {\n"
           "          \"Status\": 0\n"
           "        }\n"
           "    ]\n"
           "]\n\n",
           "");
    expect(&fake, "insert into test (pk, a) values (1, 1)",
           "\n[\n"
           "    [\n"
           "        {\n"
           "          \"Status\": 0,\n"
           "          \"Message\": \"1 record affected.\"\n"
           "        }\n"
           "    ]\n"
           "]\n\n",
           "");
    expect(&fake, "show namespaces",
           "\n[\n"
           "    [\n"
           "        {\n"
           "          \"namespaces\": \"test\"\n"
           "        },\n"
           "        {\n"
           "          \"namespaces\": \"bar\"\n"
           "        },\n"
           "        {\n"
           "            \"node\": \"127.0.0.1:13600\"\n"
           "        }\n"
           "    ],\n"
           "    [\n"
           "        {\n"
           "          \"Status\": 0\n"
           "        }\n"
           "    ]\n"
           "]\n\n",
           "");
    fake_fini(&fake);
}

static void raw_mode_prints_a_line_for_each_bin(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.output = QL_OUTPUT_RAW;
    fake.records = several;
    fake.record_count = 2;
    expect(&fake, "select * from test",
           "select * from test\n"
           "*************************** 1. row ***************************\n"
           "PK: \"rec4\"\n"
           "a: 4\n"
           "b: 0\n"
           "c: \"str1\"\n"
           "*************************** 2. row ***************************\n"
           "PK: \"types\"\n"
           "bi: 1\n"
           "bd: 1.5\n"
           "\n"
           "2 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void mute_mode_prints_counts_alone(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.output = QL_OUTPUT_MUTE;
    fake.records = several;
    fake.record_count = 3;
    expect(&fake, "select * from test",
           "select * from test\n"
           "3 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    fake_fini(&fake);
}

static void csv_mode_prints_rows_alone_and_quotes_them(void **state)
{
    (void)state;
    static const struct fake_record records[] = {
        {.key = "'k,1'", .bins = {{"a", "'say \"hi\"'"}, {"b", "LIST('[1, \"x\"]')"}}},
        {.key = "2", .bins = {{"b", "1.5"}, {"c d", "''"}, {"e", "' x'"}}},
        {.key = NULL, .bins = {{"a", "'line\nline'"}}},
    };
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.output = QL_OUTPUT_CSV;
    fake.records = records;
    fake.record_count = 3;
    expect(&fake, "select * from test",
           "PK,a,b,c d,e\n"
           "\"k,1\",\"say \"\"hi\"\"\",\"[1, \"\"x\"\"]\",,\n"
           "2,,1.5,\"\",\" x\"\n"
           ",\"line\nline\",,,\n",
           "");
    expect(&fake, "insert into test (pk, a) values (1, 1)", "", "OK, 1 record affected.\n\n");
    ql_failure_set(&fake.failure, 20, "AEROSPIKE_ERR_NAMESPACE_NOT_FOUND");
    expect(&fake, "select * from nope", "", "Error: (20) AEROSPIKE_ERR_NAMESPACE_NOT_FOUND\n\n");
    fake_fini(&fake);
}

static void lists_of_nodes_come_a_table_each(void **state)
{
    (void)state;
    static const struct fake_info infos[] = {
        {"namespaces", "test"},
        {"build", "8.1.2.0"},
        {"sets", "ns=test:set=demo:objects=3:tombstones=0;ns=test:set=foo:objects=1:tombstones=0;"},
        {"sindex-list:",
         "ns=test:indexname=toolset_b:set=toolset:bin=b:type=numeric:indextype=default:context="
         "null:"
         "exp=null:state=RW;ns=test:indexname=idx-7:set=demo:indextype=set"},
        {"udf-list",
         "filename=udftest.lua,hash=1193cdb1b996b0f21cd51453b6ed84252ec5c858,type=LUA;"},
        {"statistics", "cluster_size=1;uptime=10"},
        {"udf-get:filename=udftest.lua", "type=LUA;content=ZnVuY3Rpb24gZm9vKCkgZW5k;"},
        {"sets/none", ""},
        {NULL, NULL}};
    struct fake fake;
    fake_init(&fake);
    fake.infos = infos;
    expect(&fake, "SHOW NAMESPACES",
           "SHOW NAMESPACES\n"
           "+------------+\n"
           "| namespaces |\n"
           "+------------+\n"
           "| \"test\"     |\n"
           "+------------+\n"
           "[127.0.0.1:13600] 1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SHOW SETS",
           "SHOW SETS\n"
           "+--------+---------+--------+------------+\n"
           "| ns     | objects | set    | tombstones |\n"
           "+--------+---------+--------+------------+\n"
           "| \"test\" | \"3\"     | \"demo\" | \"0\"        |\n"
           "| \"test\" | \"1\"     | \"foo\"  | \"0\"        |\n"
           "+--------+---------+--------+------------+\n"
           "[127.0.0.1:13600] 2 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SHOW SETS none",
           "SHOW SETS none\n"
           "[127.0.0.1:13600] 0 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(
        &fake, "SHOW INDEXES",
        "SHOW INDEXES\n"
        "+-----+---------+--------+-------------+-----------+--------+-----------+-------+------"
        "-----+\n"
        "| bin | context | exp    | indexname   | indextype | ns     | set       | state | type "
        "     |\n"
        "+-----+---------+--------+-------------+-----------+--------+-----------+-------+------"
        "-----+\n"
        "| \"b\" | \"null\"  | \"null\" | \"toolset_b\" | \"default\" | \"test\" | \"toolset\" | "
        "\"RW\"  | \"numeric\" |\n"
        "|     |         |        | \"idx-7\"     | \"set\"     | \"test\" | \"demo\"    |       |"
        "           |\n"
        "+-----+---------+--------+-------------+-----------+--------+-----------+-------+------"
        "-----+\n"
        "[127.0.0.1:13600] 2 rows in set (0.001 secs)\n\n"
        "OK\n\n",
        "");
    expect(&fake, "SHOW MODULES",
           "SHOW MODULES\n"
           "+---------------+--------------------------------------------+-------+\n"
           "| filename      | hash                                       | type  |\n"
           "+---------------+--------------------------------------------+-------+\n"
           "| \"udftest.lua\" | \"1193cdb1b996b0f21cd51453b6ed84252ec5c858\" | \"LUA\" |\n"
           "+---------------+--------------------------------------------+-------+\n"
           "[127.0.0.1:13600] 1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "DESC MODULE udftest.lua",
           "DESC MODULE udftest.lua\n"
           "+----------------------+-------+\n"
           "| content              | type  |\n"
           "+----------------------+-------+\n"
           "| \"function foo() end\" | \"LUA\" |\n"
           "+----------------------+-------+\n"
           "[127.0.0.1:13600] 1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "STAT SYSTEM",
           "STAT SYSTEM\n"
           "+----------------+-------+\n"
           "| name           | value |\n"
           "+----------------+-------+\n"
           "| \"cluster_size\" | \"1\"   |\n"
           "| \"uptime\"       | \"10\"  |\n"
           "+----------------+-------+\n"
           "[127.0.0.1:13600] 2 rows in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "ASINFO 'build'",
           "ASINFO 'build'\n"
           "+-----------+\n"
           "| build     |\n"
           "+-----------+\n"
           "| \"8.1.2.0\" |\n"
           "+-----------+\n"
           "[127.0.0.1:13600] 1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    expect(&fake, "SHOW BINS", "SHOW BINS\n",
           "Error: (-1) Bins command not supported on server version >= 7.0.0.0. Unique bin name "
           "limits have been removed.\n\n");
    expect(&fake, "ASINFO 'nonsense'", "ASINFO 'nonsense'\n",
           "Error: (4) unrecognized command\n\n");
    fake_fini(&fake);
}

static void changes_are_sent_as_info_commands(void **state)
{
    (void)state;
    static const struct fake_info infos[] = {
        {"truncate:namespace=test;set=foo", "ok"},
        {"truncate-namespace:namespace=test", "ok"},
        {"truncate:namespace=test;set=foo;lut=1513590800000000000", "ok"},
        {"sindex-create:ns=test;set=s;indexname=i;numbins=1;indextype=LIST;indexdata=b,NUMERIC;"
         "priority=normal",
         "ok"},
        {"sindex-delete:ns=test;set=s;indexname=i", "FAIL:201:no index"},
        {NULL, NULL}};
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    fake.infos = infos;
    expect(&fake, "truncate test.foo", "OK\n\n", "");
    expect(&fake, "truncate test", "OK\n\n", "");
    expect(&fake, "truncate test.foo upto 1513590800000000000", "OK\n\n", "");
    expect(&fake, "create list index i on test.s (b) numeric", "OK, 1 index added.\n\n", "");
    expect(&fake, "drop index test.s i", "", "Error: (201) no index\n\n");
    expect(&fake, "kill_scan 12", "", "Error: (4) unrecognized command\n\n");
    fake_fini(&fake);
}

static void condition_without_index_tells_to_create_one(void **state)
{
    (void)state;
    static const struct fake_info infos[] = {{"sindex-list:namespace=test", ""}, {NULL, NULL}};
    struct fake fake;
    fake_init(&fake);
    fake.infos = infos;
    expect(&fake, "SELECT a FROM test.toolset WHERE a = 3",
           "SELECT a FROM test.toolset WHERE a = 3\n",
           "Error: (201) AEROSPIKE_ERR_INDEX_NOT_FOUND\n"
           "Make sure a sindex is created and that strings are enclosed in quotes\n\n");
    expect(&fake, "SELECT a FROM test.toolset WHERE a = 3 and b = 4",
           "SELECT a FROM test.toolset WHERE a = 3 and b = 4\n",
           "Error: (-1) Error: at least one bin needs a secondary index defined\n\n");
    fake_fini(&fake);
}

static void explain_tells_where_a_key_lives(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = rec3;
    expect(
        &fake, "EXPLAIN SELECT * FROM test.toolset WHERE PK = 'rec1'",
        "EXPLAIN SELECT * FROM test.toolset WHERE PK = 'rec1'\n"
        "+--------------------------------------------+----------+-------------+-----------+----"
        "-------+----------------------+-----------+--------+---------+---------+\n"
        "| DIGEST                                     | KEY_TYPE | MASTER NODE | NAMESPACE | "
        "PARTITION | POLICY_KEY           | SET       | STATUS | TIMEOUT | UDF     |\n"
        "+--------------------------------------------+----------+-------------+-----------+----"
        "-------+----------------------+-----------+--------+---------+---------+\n"
        "| \"742689880AD4932E75804B69EE3ECFE96D3F3F8F\" | \"STRING\" | \"C6\"        | \"test\"  "
        "  | 1652      | \"AS_POLICY_KEY_SEND\" | \"toolset\" | \"\"     | 1000    | \"FALSE\" |\n"
        "+--------------------------------------------+----------+-------------+-----------+----"
        "-------+----------------------+-----------+--------+---------+---------+\n"
        "1 row in set (0.001 secs)\n\n"
        "OK\n\n",
        "");
    fake_fini(&fake);
}

static void operate_sends_its_operations_and_prints_the_results(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.records = rec3;
    expect(&fake, "operate incr(a, 1), read(a) on test.s where pk = 1",
           "operate incr(a, 1), read(a) on test.s where pk = 1\n"
           "+----+---+---+--------+\n"
           "| PK | a | b | c      |\n"
           "+----+---+---+--------+\n"
           "| 1  | 3 | 3 | \"str0\" |\n"
           "+----+---+---+--------+\n"
           "1 row in set (0.001 secs)\n\n"
           "OK\n\n",
           "");
    assert_string_equal(fake.log, "operate test.s 1 5 a=1 1 a=NIL\n");
    expect(&fake, "operate touch() on test.s where pk = 1",
           "operate touch() on test.s where pk = 1\n"
           "OK, 1 record affected.\n\n",
           "");
    fake_fini(&fake);
}

static void wrong_commands_are_answered_with_the_place_of_the_mistake(void **state)
{
    (void)state;
    static const char hints[] =
        "Make sure string values are enclosed in quotes.\n"
        "Type \" aql --help \" from console or simply \"help\" from within the aql-prompt. \n\n";
    char want[1024];
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    expect(&fake, "selec * from test", "\nERROR: 404: COMMAND NOT FOUND : selec\n",
           "  selec * from test\n"
           "  ^~~~~ did you mean SELECT?\n\n");
    snprintf(want, sizeof want, "Syntax error near token -  'where' \n%s%s", hints,
             "  select * from test.testset where\n"
             "                                  ^ expected PK, DIGEST, EDIGEST or a bin\n\n");
    expect(&fake, "select * from test.testset where", "", want);
    snprintf(want, sizeof want, "Unsupported command format with token -  'frm' \n%s%s", hints,
             "  select * frm test.foo\n"
             "           ^~~ expected FROM\n\n");
    expect(&fake, "  select * frm test.foo", "", want);
    snprintf(want, sizeof want, "Syntax error near token -  '=' \n%s%s", hints,
             "  select * from test where pk = 'abc\n"
             "                                ^ this quote is never closed\n\n");
    expect(&fake, "select * from test where pk = 'abc", "", want);
    expect(&fake, "insert into test (pk, a) values (1.5, 1)", "",
           "Error: (-1) PK cannot be floating point value\n\n"
           "  insert into test (pk, a) values (1.5, 1)\n"
           "                                   ^~~\n\n");
    fake_fini(&fake);
}

static void place_of_a_mistake_in_a_long_line_stays_in_view(void **state)
{
    (void)state;
    char line[600] = "insert into test (pk, a) values (1, '";
    memset(line + strlen(line), 'x', 300);
    strcat(line, "\xc3\xa9') garbage ");
    memset(line + strlen(line), ' ', 200);
    strcat(line, ";");
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    ql_session_line(&fake.session, tools_slice_of(line));
    fflush(fake.session.err);
    const char *shown = strstr(fake.err, "  ...xx");
    assert_non_null(shown);
    const char *mark = strchr(strchr(shown, '\n'), '^');
    assert_non_null(mark);
    // One code point of two bytes stands in front of the mark.
    size_t column = (size_t)(mark - strchr(shown, '\n') - 1);
    assert_memory_equal(shown + column + 1, "garbage", 7);
    fake_fini(&fake);
}

static void settings_are_set_shown_and_reset(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    expect(&fake, "set output json; get output; reset output",
           "OUTPUT = JSON\nOUTPUT = JSON\nOUTPUT = TABLE\n", "");
    expect(&fake, "SET LUA_USERPATH 'PATH'", "LUA_USERPATH = 'PATH'\n", "");
    expect(&fake, "reset lua_userpath", "LUA_USERPATH = /opt/aerospike/usr/udf/lua\n", "");
    expect(&fake, "get all",
           "ECHO = false\n"
           "VERBOSE = false\n"
           "OUTPUT = TABLE\n"
           "OUTPUT_TYPES = true\n"
           "TIMEOUT = 1000\n"
           "SOCKET_TIMEOUT = -1\n"
           "LUA_USERPATH = /opt/aerospike/usr/udf/lua\n"
           "RECORD_TTL = 0\n"
           "RECORD_PRINT_METADATA = false\n"
           "KEY_SEND = true\n"
           "DURABLE_DELETE = false\n"
           "SCAN_RECORDS_PER_SECOND = 0\n"
           "NO_BINS = false\n",
           "");
    expect(&fake, "print 'hello; world'; print a, b", "hello; world\na, b\n", "");
    fake_fini(&fake);
}

static void users_and_functions_are_refused_plainly(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    expect(&fake, "create user u password 'p' role read", "",
           "Error: (-1) CREATE USER: this version has no users and roles; nothing was changed\n\n");
    expect(&fake, "execute m.f() on test.s where pk = 1", "",
           "Error: (-1) EXECUTE: this version cannot run user functions; nothing was run\n\n");
    assert_string_equal(fake.log, "");
    fake_fini(&fake);
}

// Writes a file of commands; the caller removes it.
static void file_write(char *path, const char *text)
{
    strcpy(path, "/tmp/ql_test_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void files_are_echoed_line_by_line_until_exit(void **state)
{
    (void)state;
    char path[64];
    char command[128];
    char want[512];
    file_write(path, "SET TIMEOUT 5\n\nprint 'a'; print 'b'\r\nexit\nprint 'never'");
    snprintf(command, sizeof command, "run '%s'; print 'behind'", path);
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    expect(&fake, command,
           "SET TIMEOUT 5\nTIMEOUT = 5\nprint 'a'\na\nprint 'b'\nb\n"
           "print 'behind'\nbehind\n",
           "");
    assert_int_equal(unlink(path), 0);
    snprintf(command, sizeof command, "run '%s'", path);
    snprintf(want, sizeof want, "Error: cannot open file %s : No such file or directory\n", path);
    fake.session.settings.echo = false;
    expect(&fake, command, "", want);
    fake_fini(&fake);
}

static void file_without_last_line_end_loses_nothing(void **state)
{
    (void)state;
    char path[64];
    char command[128];
    file_write(path, "print 'last'");
    snprintf(command, sizeof command, "run '%s'", path);
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    expect(&fake, command, "print 'last'\nlast\n", "");
    assert_int_equal(unlink(path), 0);
    fake_fini(&fake);
}

static void file_that_runs_itself_stops_at_its_bound(void **state)
{
    (void)state;
    char path[64];
    char command[128];
    file_write(path, "");
    snprintf(command, sizeof command, "run '%s'\n", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(command, file);
    fclose(file);
    struct fake fake;
    fake_init(&fake);
    ql_session_line(&fake.session, tools_slice_of(command));
    fflush(fake.session.err);
    assert_string_equal(fake.err, "Error: (-1) files run each other more than 16 deep\n\n");
    assert_int_equal(unlink(path), 0);
    fake_fini(&fake);
}

static bool interrupt_at_once(void *arg)
{
    (void)arg;
    return true;
}

static void interrupted_scan_stops_and_says_so(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.session.settings.echo = false;
    fake.session.interrupted = interrupt_at_once;
    fake.records = several;
    fake.record_count = 3;
    expect(&fake, "select a from test",
           "+----+--------+\n"
           "| a  | PK     |\n"
           "+----+--------+\n"
           "| 4  | \"rec4\" |\n"
           "+----+--------+\n"
           "1 row in set (0.001 secs)\n\n",
           "Error: (-5) interrupted: there may be more records\n\n");
    fake_fini(&fake);
}

static void help_knows_every_command(void **state)
{
    (void)state;
    for (const char *const *word = ql_command_words(); *word != NULL; word++) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        ql_help_print(out, tools_slice_of(*word));
        fclose(out);
        if (strstr(text, "404") != NULL) {
            fail_msg("no help for %s", *word);
        }
        free(text);
    }
}

static void wide_records_name_what_is_left_out(void **state)
{
    (void)state;
    struct tools_table *table;
    assert_int_equal(tools_table_new(&table), RESULT_OK);
    for (int i = 0; i < TOOLS_TABLE_COLUMNS_MAX + 1; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(tools_table_cell_set(table, tools_slice_of(name), tools_slice_of("1")),
                         i < TOOLS_TABLE_COLUMNS_MAX ? RESULT_OK : RESULT_LIMIT);
    }
    tools_table_free(&table);
    assert_null(table);
}

static void long_cells_are_cut_between_code_points(void **state)
{
    (void)state;
    struct tools_text cell = {0};
    tools_text_char_append(&cell, 'x');
    for (int i = 0; i < 200; i++) {
        tools_text_string_append(&cell, "\xc3\xa9");
    }
    struct tools_table *table;
    assert_int_equal(tools_table_new(&table), RESULT_OK);
    assert_int_equal(tools_table_cell_set(table, tools_slice_of("a"), tools_text_slice(&cell)),
                     RESULT_OK);
    assert_int_equal(tools_table_row_end(table), RESULT_OK);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    tools_table_print(table, out);
    fclose(out);
    const char *row = strstr(text, "| x");
    assert_non_null(row);
    // 'x' and 126 letters of two bytes make 253 bytes, 127 columns.
    assert_memory_equal(row + 2 + 253, " |\n", 3);
    assert_int_equal(strcspn(text, "\n"), 127 + 4);
    free(text);
    tools_table_free(&table);
    tools_text_fini(&cell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insert_and_delete_say_one_record_affected),
        cmocka_unit_test(select_of_all_bins_has_the_key_first),
        cmocka_unit_test(select_of_named_bins_has_the_key_last),
        cmocka_unit_test(record_not_found_is_an_error_on_stderr),
        cmocka_unit_test(every_type_is_shown_in_its_dress),
        cmocka_unit_test(scan_joins_the_columns_of_all_records),
        cmocka_unit_test(scan_that_breaks_off_shows_what_it_has_and_why),
        cmocka_unit_test(long_results_come_as_tables_of_a_hundred_rows),
        cmocka_unit_test(metadata_and_digests_are_shown_when_asked_for),
        cmocka_unit_test(json_mode_prints_arrays_of_rows_then_the_status),
        cmocka_unit_test(raw_mode_prints_a_line_for_each_bin),
        cmocka_unit_test(mute_mode_prints_counts_alone),
        cmocka_unit_test(csv_mode_prints_rows_alone_and_quotes_them),
        cmocka_unit_test(lists_of_nodes_come_a_table_each),
        cmocka_unit_test(changes_are_sent_as_info_commands),
        cmocka_unit_test(condition_without_index_tells_to_create_one),
        cmocka_unit_test(explain_tells_where_a_key_lives),
        cmocka_unit_test(operate_sends_its_operations_and_prints_the_results),
        cmocka_unit_test(wrong_commands_are_answered_with_the_place_of_the_mistake),
        cmocka_unit_test(place_of_a_mistake_in_a_long_line_stays_in_view),
        cmocka_unit_test(settings_are_set_shown_and_reset),
        cmocka_unit_test(users_and_functions_are_refused_plainly),
        cmocka_unit_test(files_are_echoed_line_by_line_until_exit),
        cmocka_unit_test(file_without_last_line_end_loses_nothing),
        cmocka_unit_test(file_that_runs_itself_stops_at_its_bound),
        cmocka_unit_test(interrupted_scan_stops_and_says_so),
        cmocka_unit_test(help_knows_every_command),
        cmocka_unit_test(wide_records_name_what_is_left_out),
        cmocka_unit_test(long_cells_are_cut_between_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
