// SPDX-License-Identifier: Apache-2.0
// Text into tokens, commands and statements, and what is said about text that is wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/json.h"
#include "tools/ql_parse.h"

// A parsed command and all it points to.
struct parsed {
    enum base_result result;
    struct ql_statement statement;
    struct ql_problem problem;
    struct ql_arena arena;
};

static struct parsed parse(const char *command)
{
    struct parsed out = {0};
    out.result = ql_parse(tools_slice_of(command), &out.arena, &out.statement, &out.problem);
    return out;
}

static void assert_slice(struct base_slice slice, const char *want)
{
    assert_int_equal(slice.size, strlen(want));
    assert_memory_equal(slice.data, want, slice.size);
}

// The value as tables show it.
static void assert_value(const struct ql_value *value, const char *want)
{
    struct tools_text text = {0};
    ql_value_append(&text, value, true);
    assert_string_equal(tools_text_string(&text), want);
    tools_text_fini(&text);
}

static void tokens_keep_their_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ql_token_kind kind;
        size_t at;
        size_t size;
    } cases[] = {
        {"", QL_TOKEN_END, 0, 0},
        {"  \t\r\n", QL_TOKEN_END, 5, 0},
        {"  select * ", QL_TOKEN_WORD, 2, 6},
        {"bin-1:a_b.c", QL_TOKEN_WORD, 0, 9},
        {"_id", QL_TOKEN_WORD, 0, 3},
        {"'a \"b\" c' d", QL_TOKEN_STRING, 0, 9},
        {"\"it's\"", QL_TOKEN_STRING, 0, 6},
        {"'a\\' b", QL_TOKEN_STRING, 0, 4}, // no escapes
        {"'open", QL_TOKEN_OPEN, 0, 5},
        {"12", QL_TOKEN_NUMBER, 0, 2},
        {"-12.5,", QL_TOKEN_NUMBER, 0, 5},
        {"+.5", QL_TOKEN_NUMBER, 0, 3},
        {"0x1F)", QL_TOKEN_NUMBER, 0, 4},
        {"-0x1F)", QL_TOKEN_NUMBER, 0, 5},
        {"1e5 ", QL_TOKEN_NUMBER, 0, 3},
        {"1.5e-3,", QL_TOKEN_NUMBER, 0, 6},
        {"1. ", QL_TOKEN_NUMBER, 0, 2},
        {"12abc.d", QL_TOKEN_NUMBER, 0, 5},
        {"12.abc", QL_TOKEN_NUMBER, 0, 2},
        {"<=1", QL_TOKEN_SYMBOL, 0, 2},
        {"<>1", QL_TOKEN_SYMBOL, 0, 2},
        {"=1", QL_TOKEN_SYMBOL, 0, 1},
        {"#", QL_TOKEN_STRANGE, 0, 1},
        {"- 1", QL_TOKEN_STRANGE, 0, 1},
        {"\xc3\xa9t\xc3\xa9", QL_TOKEN_STRANGE, 0, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_token token = ql_lex(tools_slice_of(cases[i].text), 0);
        assert_int_equal(token.kind, cases[i].kind);
        assert_int_equal(token.at, cases[i].at);
        assert_int_equal(token.size, cases[i].size);
    }
}

static void semicolons_in_quotes_do_not_split(void **state)
{
    (void)state;
    struct base_slice line = tools_slice_of("a 'x;y';; b \"it's;\" ;c");
    static const char *const want[] = {"a 'x;y'", "", " b \"it's;\" ", "c"};
    struct base_slice command;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_true(ql_command_next(&line, &command));
        assert_slice(command, want[i]);
    }
    assert_false(ql_command_next(&line, &command));
}

static void values_become_what_they_look_like(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"'abc'", "\"abc\""},
        {"\"abc\"", "\"abc\""},
        {"''", "\"\""},
        {"12", "12"},
        {"-3", "-3"},
        {"+3", "3"},
        {"0x1F", "31"},
        {"017", "15"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1.5", "1.5"},
        {"1e3", "1000"},
        {"-.25", "-0.25"},
        {"true", "true"},
        {"FALSE", "false"},
        {"NULL", "NIL"},
        {"null", "NIL"},
        {"INT('42')", "42"},
        {"INT('0x10')", "16"},
        {"NUMERIC(NULL)", "NIL"},
        {"DECIMAL(7)", "7"},
        {"FLOAT('2')", "2"},
        {"REAL(1.25)", "1.25"},
        {"STRING(12)", "\"12\""},
        {"TEXT('a')", "\"a\""},
        {"CHAR('a')", "\"a\""},
        {"VARCHAR('a')", "\"a\""},
        {"BOOL('true')", "true"},
        {"BOOL(0)", "false"},
        {"CAST('12' AS INT)", "12"},
        {"cast('x' as text)", "\"x\""},
        {"LIST('[1, \"a\", 1.5, null, true]')", "LIST('[1, \"a\", 1.5, NIL, true]')"},
        {"MAP('{\"b\": 2, \"a\": [1]}')", "MAP('{\"b\":2, \"a\":[1]}')"},
        {"JSON('[]')", "LIST('[]')"},
        {"JSON('{}')", "MAP('{}')"},
        {"CAST('[1]' AS LIST)", "LIST('[1]')"},
        {"GEOJSON('{\"type\": \"Point\"}')", "GeoJSON('{\"type\": \"Point\"}')"},
        {"'JSON[1,2,3]'", "LIST('[1, 2, 3]')"},
        {"'JSON{\"a\":1}'", "MAP('{\"a\":1}')"},
        {"'GEOJSON{\"type\": \"Point\"}'", "GeoJSON('{\"type\": \"Point\"}')"},
        {"'JSON is text'", "\"JSON is text\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char command[256];
        snprintf(command, sizeof command, "insert into test.s (pk, b) values (1, %s)",
                 cases[i].text);
        struct parsed parsed = parse(command);
        assert_int_equal(parsed.result, RESULT_OK);
        assert_int_equal(parsed.statement.insert.bin_count, 1);
        assert_value(&parsed.statement.insert.bins[0].value, cases[i].want);
        ql_arena_fini(&parsed.arena);
    }
}

static void insert_has_target_key_and_bins(void **state)
{
    (void)state;
    struct parsed parsed =
        parse("INSERT INTO test.foo (PK, val1, \"a bin\") VALUES ('k', 1, 'abc');");
    assert_int_equal(parsed.result, RESULT_OK);
    const struct ql_insert *insert = &parsed.statement.insert;
    assert_slice(insert->target.ns, "test");
    assert_slice(insert->target.set, "foo");
    assert_value(&insert->key.user, "\"k\"");
    assert_slice(insert->bins[0].name, "val1");
    assert_slice(insert->bins[1].name, "a bin");
    assert_value(&insert->bins[1].value, "\"abc\"");
    ql_arena_fini(&parsed.arena);
}

static void many_bins_keep_their_order(void **state)
{
    (void)state;
    enum { BINS = 1000 };
    struct tools_text command = {0};
    tools_text_string_append(&command, "insert into test (PK");
    for (int i = 0; i < BINS; i++) {
        tools_text_format_append(&command, ", b%d", i);
    }
    tools_text_string_append(&command, ") values (1");
    for (int i = 0; i < BINS; i++) {
        tools_text_format_append(&command, ", %d", i);
    }
    tools_text_string_append(&command, ")");
    struct parsed parsed = parse(tools_text_string(&command));
    assert_int_equal(parsed.result, RESULT_OK);
    assert_int_equal(parsed.statement.insert.bin_count, BINS);
    for (int i = 0; i < BINS; i++) {
        char name[16];
        snprintf(name, sizeof name, "b%d", i);
        assert_slice(parsed.statement.insert.bins[i].name, name);
        assert_int_equal(parsed.statement.insert.bins[i].value.integer, i);
    }
    ql_arena_fini(&parsed.arena);
    tools_text_fini(&command);
}

static void select_takes_its_clauses(void **state)
{
    (void)state;
    struct parsed parsed = parse("select a, 'b c' from ns.s where PK = 12");
    assert_int_equal(parsed.result, RESULT_OK);
    assert_int_equal(parsed.statement.select.bin_count, 2);
    assert_slice(parsed.statement.select.bins[1], "b c");
    assert_int_equal(parsed.statement.select.where.kind, QL_WHERE_KEY);
    assert_int_equal(parsed.statement.select.where.key.user.integer, 12);
    ql_arena_fini(&parsed.arena);

    parsed = parse("SELECT * FROM ns LIMIT 9 WHERE b = 3");
    assert_int_equal(parsed.result, RESULT_OK);
    assert_int_equal(parsed.statement.select.bin_count, 0);
    assert_true(parsed.statement.select.has_limit);
    assert_int_equal(parsed.statement.select.limit, 9);
    assert_int_equal(parsed.statement.select.where.kind, QL_WHERE_EQUAL);
    ql_arena_fini(&parsed.arena);

    parsed = parse("select * from ns.s in mapkeys where b between 1 and 2 limit 0");
    assert_int_equal(parsed.result, RESULT_OK);
    assert_int_equal(parsed.statement.select.index, QL_INDEX_MAPKEYS);
    assert_int_equal(parsed.statement.select.where.kind, QL_WHERE_BETWEEN);
    assert_int_equal(parsed.statement.select.where.high.integer, 2);
    assert_int_equal(parsed.statement.select.limit, 0);
    ql_arena_fini(&parsed.arena);

    parsed = parse("explain select * from ns.s where a = 1");
    assert_int_equal(parsed.result, RESULT_PARAMETER);
    assert_int_equal(parsed.problem.code, -127);
    ql_arena_fini(&parsed.arena);
}

static void digests_are_read_in_both_notations(void **state)
{
    (void)state;
    struct parsed hex =
        parse("delete from t.s where DIGEST='139FE89822B63DFC173AEA51CCF2EF091AB3129F'");
    struct parsed base64 = parse("delete from t.s where edigest = 'E5/omCK2PfwXOupRzPLvCRqzEp8='");
    assert_int_equal(hex.result, RESULT_OK);
    assert_int_equal(base64.result, RESULT_OK);
    assert_int_equal(hex.statement.remove.key.kind, QL_KEY_DIGEST);
    assert_int_equal(base64.statement.remove.key.kind, QL_KEY_EDIGEST);
    assert_memory_equal(hex.statement.remove.key.digest, base64.statement.remove.key.digest, 20);
    ql_arena_fini(&hex.arena);
    ql_arena_fini(&base64.arena);
}

static void each_statement_of_the_grammar_parses(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        enum ql_statement_kind kind;
    } cases[] = {
        {"", QL_NOTHING},
        {"  ", QL_NOTHING},
        {"execute m.f(1, 'a') on t.s where PK = 1", QL_EXECUTE},
        {"execute m.f() on t", QL_EXECUTE},
        {"aggregate m.f() on t.s where b between 1 and 2", QL_AGGREGATE},
        {"operate incr(a, 1), read(a), touch() on t.s where PK = 1", QL_OPERATE},
        {"truncate test", QL_TRUNCATE},
        {"truncate test.s upto 1513590800000000000", QL_TRUNCATE},
        {"truncate test.s upto 'Dec 18 2017 09:53:20'", QL_TRUNCATE},
        {"show namespaces", QL_SHOW},
        {"show sets", QL_SHOW},
        {"show sets test.s", QL_SHOW},
        {"show bins", QL_SHOW},
        {"show modules", QL_SHOW},
        {"show packages", QL_SHOW},
        {"show indexes test", QL_SHOW},
        {"show scans", QL_SHOW},
        {"show queries", QL_SHOW},
        {"show users", QL_ADMIN},
        {"show role r", QL_ADMIN},
        {"desc module a.lua", QL_DESC_MODULE},
        {"describe package 'a.lua'", QL_DESC_MODULE},
        {"desc index test idx", QL_DESC_INDEX},
        {"register module '/tmp/a.lua'", QL_REGISTER_MODULE},
        {"remove module a.lua", QL_REMOVE_MODULE},
        {"create index i on t.s (b) numeric", QL_CREATE_INDEX},
        {"create mapkeys index i on t (b) string", QL_CREATE_INDEX},
        {"drop index t.s i", QL_DROP_INDEX},
        {"stat system", QL_STAT},
        {"stat namespace test", QL_STAT},
        {"stat index test i", QL_STAT},
        {"kill_query 123", QL_KILL_QUERY},
        {"kill_scan 123", QL_KILL_SCAN},
        {"asinfo 'build'", QL_ASINFO},
        {"create user u password 'p' roles read, sys-admin", QL_ADMIN},
        {"create role r privileges read.test.s, write whitelist '1.2.3.4'", QL_ADMIN},
        {"drop user u", QL_ADMIN},
        {"drop role r", QL_ADMIN},
        {"grant roles read to u", QL_ADMIN},
        {"revoke privilege read.test from r", QL_ADMIN},
        {"set password 'p' for u", QL_ADMIN},
        {"set whitelist '1.2.3.4' for r", QL_ADMIN},
        {"set output json", QL_SET},
        {"set timeout = 5", QL_SET},
        {"set lua_userpath '/tmp'", QL_SET},
        {"get all", QL_GET},
        {"get echo", QL_GET},
        {"reset echo", QL_RESET},
        {"run 'a.aql'", QL_RUN},
        {"print 'a'", QL_PRINT},
        {"print hello, world!", QL_PRINT},
        {"system 'ls'", QL_SYSTEM},
        {"help", QL_HELP},
        {"help select", QL_HELP},
        {"exit", QL_EXIT},
        {"QUIT", QL_EXIT},
        {"q;", QL_EXIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed = parse(cases[i].command);
        if (parsed.result != RESULT_OK || parsed.statement.kind != cases[i].kind) {
            fail_msg("%s: %d, %s%s", cases[i].command, parsed.statement.kind,
                     parsed.problem.message, parsed.problem.note);
        }
        ql_arena_fini(&parsed.arena);
    }
}

static void module_names_keep_their_points_and_lose_their_folders(void **state)
{
    (void)state;
    struct parsed parsed = parse("desc module a.b.lua");
    assert_slice(parsed.statement.text, "a.b.lua");
    ql_arena_fini(&parsed.arena);
    parsed = parse("remove module '/tmp/x/a.lua'");
    assert_slice(parsed.statement.text, "a.lua");
    ql_arena_fini(&parsed.arena);
}

static void problems_point_at_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        enum ql_problem_kind kind;
        size_t at;
        const char *token;
        const char *text; // within the note or the message
    } cases[] = {
        {"selec * from test", QL_PROBLEM_COMMAND, 0, "selec", "did you mean SELECT?"},
        {"foo", QL_PROBLEM_COMMAND, 0, "foo", "no command"},
        {"// comment", QL_PROBLEM_COMMAND, 0, "/", "no command"},
        {"select *", QL_PROBLEM_EARLY, 8, "*", "expected FROM"},
        {"select * from test.testset where", QL_PROBLEM_EARLY, 32, "where", "a bin"},
        {"select * from test.testset limit", QL_PROBLEM_EARLY, 32, "limit", "number of records"},
        {"select * from t limit 5.5", QL_PROBLEM_TOKEN, 22, "5.5", "whole number"},
        {"select * from t where a = 5 limit true", QL_PROBLEM_TOKEN, 34, "true", "a number"},
        {"select * from t where a between 1 and 2 and b = 3", QL_PROBLEM_VALUE, 40, "and",
         "Double where clause only supports '=' expressions."},
        {"select * from t where b = 3 and a between 1 and 2", QL_PROBLEM_VALUE, 34, "between",
         "Double where clause only supports '=' expressions."},
        {"select * from t in list  where b = 3 and a = 3", QL_PROBLEM_VALUE, 37, "and",
         "\"IN <indextype>\" not supported with double where clause."},
        {"select * from t where b = 3 and a = 3.3", QL_PROBLEM_VALUE, 36, "3.3",
         "Equality match is only available for int and string bins"},
        {"select * frm test", QL_PROBLEM_TOKEN, 9, "frm", "expected FROM"},
        {"select * from test wher PK = 1", QL_PROBLEM_TOKEN, 19, "wher", "did you mean WHERE?"},
        {"select * from test where PK = abc", QL_PROBLEM_TOKEN, 30, "abc", "text needs quotes"},
        {"select * from test where PK = 'abc", QL_PROBLEM_EARLY, 30, "=", "never closed"},
        {"select * from test where PK = 1.5", QL_PROBLEM_VALUE, 30, "1.5",
         "PK cannot be floating point value"},
        {"select * from test where PK = NULL", QL_PROBLEM_VALUE, 30, "NULL", "must not be null"},
        {"select * from test where PK = LIST('[]')", QL_PROBLEM_VALUE, 30, "LIST('[]')",
         "string or an integer"},
        {"select * from test where PK = 99999999999999999999", QL_PROBLEM_VALUE, 30,
         "99999999999999999999", "64 bits"},
        {"select * from test where PK = 1 garbage", QL_PROBLEM_TOKEN, 32, "garbage", "expected"},
        {"select * from test where digest = 'abc'", QL_PROBLEM_VALUE, 34, "'abc'", "40 hex"},
        {"select * from test # b", QL_PROBLEM_EARLY, 19, "test", "no meaning"},
        {"select a from \"te;st\"", QL_PROBLEM_VALUE, 14, "\"te;st\"", "Illegal character - ';'"},
        {"insert into a:b (PK, c) values (1, 2)", QL_PROBLEM_VALUE, 12, "a:b",
         "Illegal character - ':'"},
        {"insert into test (id, c) values (1, 2)", QL_PROBLEM_TOKEN, 18, "id", "must be PK"},
        {"insert into test (PK) values (1)", QL_PROBLEM_TOKEN, 20, ")", "expected ,"},
        {"insert into test (PK, a) values (1)", QL_PROBLEM_TOKEN, 34, ")",
         "2 columns, but only 1 values"},
        {"insert into test (PK, a) values (1, 2, 3)", QL_PROBLEM_TOKEN, 39, "3", "too many"},
        {"insert into test (PK, a) values (1.5, 2)", QL_PROBLEM_VALUE, 33, "1.5",
         "PK cannot be floating point value"},
        {"insert into test (PK, a) values (1, LIST('[1, 2'))", QL_PROBLEM_VALUE, 47, "'",
         "Invalid LIST value"},
        {"insert into test (PK, a) values (1, MAP('[1]'))", QL_PROBLEM_VALUE, 40, "'[1]'",
         "Invalid MAP value: this is a JSON array"},
        {"insert into test (PK, a) values (1, INT('x'))", QL_PROBLEM_VALUE, 40, "'x'",
         "Cannot cast \"x\" to INT"},
        {"insert into abcdefghijklmnopqrstuvwxyzabcdefghij (PK, a) values (1, 2)", QL_PROBLEM_VALUE,
         12, "abcdefghijklmnopqrstuvwxyzabcdefghij", "too long"},
        {"show set", QL_PROBLEM_TOKEN, 5, "set", "did you mean SETS?"},
        {"set outptu json", QL_PROBLEM_TOKEN, 4, "outptu", "did you mean OUTPUT?"},
        {"set output jsno", QL_PROBLEM_TOKEN, 11, "jsno", "OUTPUT takes TABLE | JSON"},
        {"set timeout abc", QL_PROBLEM_TOKEN, 12, "abc", "TIMEOUT takes 0 to"},
        {"set", QL_PROBLEM_EARLY, 3, "set", "a setting"},
        {"truncate test upto 'yesterday'", QL_PROBLEM_VALUE, 19, "'yesterday'", "Invalid lut"},
        {"kill_query abc", QL_PROBLEM_TOKEN, 11, "abc", "number"},
        {"operate list_append(a, 1) on t where PK = 1", QL_PROBLEM_VALUE, 8, "list_append",
         "no list and map"},
        {"aggregate m.f() on t where PK = 1", QL_PROBLEM_TOKEN, 27, "PK", "many records"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed = parse(cases[i].command);
        const struct ql_problem *problem = &parsed.problem;
        const char *text = problem->kind == QL_PROBLEM_VALUE ? problem->message : problem->note;
        bool token_fits = problem->token.size == strlen(cases[i].token) &&
                          memcmp(problem->token.data, cases[i].token, problem->token.size) == 0;
        if (parsed.result != RESULT_PARAMETER || problem->kind != cases[i].kind ||
            problem->at != cases[i].at || !token_fits || strstr(text, cases[i].text) == NULL) {
            fail_msg("%s: kind %d at %zu token %.*s: %s", cases[i].command, problem->kind,
                     problem->at, (int)problem->token.size, (const char *)problem->token.data,
                     text);
        }
        ql_arena_fini(&parsed.arena);
    }
}

static void json_reads_and_prints_in_each_style(void **state)
{
    (void)state;
    static const char source[] =
        "{\"a\": [1, -2.5, \"x\\\"y\\n\", null, true, {}, []], \"e\": 1e300, \"u\": \"\xc3\xa9\"}";
    struct tools_text bytes = {0};
    struct tools_text text = {0};
    enum wire_msgpack_kind kind;
    struct tools_json_error error;
    assert_int_equal(tools_json_parse(source, sizeof source - 1, &bytes, &kind, &error), RESULT_OK);
    assert_int_equal(kind, WIRE_MSGPACK_MAP);
    struct base_slice value = tools_text_slice(&bytes);
    assert_int_equal(tools_json_append(&text, value, TOOLS_JSON_DISPLAY, 0), RESULT_OK);
    assert_string_equal(tools_text_string(&text),
                        "{\"a\":[1, -2.5, \"x\"y\n\", NIL, true, {}, []], \"e\":1e+300, "
                        "\"u\":\"\xc3\xa9\"}");
    tools_text_clear(&text);
    assert_int_equal(tools_json_append(&text, value, TOOLS_JSON_LINE, 0), RESULT_OK);
    assert_string_equal(tools_text_string(&text),
                        "{\"a\":[1, -2.5, \"x\\\"y\\n\", null, true, {}, []], \"e\":1e+300, "
                        "\"u\":\"\xc3\xa9\"}");
    tools_text_clear(&text);
    assert_int_equal(tools_json_append(&text, value, TOOLS_JSON_PRETTY, 1), RESULT_OK);
    assert_string_equal(tools_text_string(&text),
                        "{\n"
                        "    \"a\": [\n"
                        "      1,\n"
                        "      -2.5,\n"
                        "      \"x\\\"y\\n\",\n"
                        "      null,\n"
                        "      true,\n"
                        "      {},\n"
                        "      []\n"
                        "    ],\n"
                        "    \"e\": 1e+300,\n"
                        "    \"u\": \"\xc3\xa9\"\n"
                        "  }");
    tools_text_fini(&bytes);
    tools_text_fini(&text);
}

static void json_prints_what_json_cannot_hold(void **state)
{
    (void)state;
    // {1: blob 00ff, [2]: inf, "\xff": 0.1}, keys ordered
    static const uint8_t bytes[] = {0x84, 0xc7, 0x00, 0x01, 0xc0, 0x01, 0xa3, 0x04, 0x00,
                                    0xff, 0x91, 0x02, 0xcb, 0x7f, 0xf0, 0,    0,    0,
                                    0,    0,    0,    0xa2, 0x03, 0xff, 0xcb, 0x3f, 0xb9,
                                    0x99, 0x99, 0x99, 0x99, 0x99, 0x9a};
    struct base_slice value = {.data = bytes, .size = sizeof bytes};
    struct tools_text text = {0};
    assert_int_equal(tools_json_append(&text, value, TOOLS_JSON_LINE, 0), RESULT_OK);
    assert_string_equal(tools_text_string(&text),
                        "{\"1\":\"00 FF\", \"[2]\":null, \"\\ufffd\":0.1}");
    tools_text_clear(&text);
    value.size--;
    assert_int_equal(tools_json_append(&text, value, TOOLS_JSON_LINE, 0), RESULT_MALFORMED);
    tools_text_fini(&text);
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tools_text text = {0};
        tools_text_base64_append(&text, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(tools_text_string(&text), cases[i][1]);
        uint8_t out[16];
        size_t size;
        assert_true(tools_base64_decode(cases[i][1], strlen(cases[i][1]), out, &size));
        assert_int_equal(size, strlen(cases[i][0]));
        assert_memory_equal(out, cases[i][0], size);
        tools_text_fini(&text);
    }
    static const char *const wrong[] = {"Z", "Zg=", "Z===", "Zm9*", "=m9v"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t out[16];
        size_t size;
        assert_false(tools_base64_decode(wrong[i], strlen(wrong[i]), out, &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_keep_their_places),
        cmocka_unit_test(semicolons_in_quotes_do_not_split),
        cmocka_unit_test(values_become_what_they_look_like),
        cmocka_unit_test(insert_has_target_key_and_bins),
        cmocka_unit_test(many_bins_keep_their_order),
        cmocka_unit_test(select_takes_its_clauses),
        cmocka_unit_test(digests_are_read_in_both_notations),
        cmocka_unit_test(each_statement_of_the_grammar_parses),
        cmocka_unit_test(module_names_keep_their_points_and_lose_their_folders),
        cmocka_unit_test(problems_point_at_their_place),
        cmocka_unit_test(json_reads_and_prints_in_each_style),
        cmocka_unit_test(json_prints_what_json_cannot_hold),
        cmocka_unit_test(base64_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
