// SPDX-License-Identifier: Apache-2.0
// Info text: lines, parameters, answers and the many forms of an error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/base64.h"
#include "wire/info.h"

static void assert_text(struct base_slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.size);
}

static void request_splits_into_commands(void **state)
{
    (void)state;
    struct base_slice request = wire_info_slice(
        "build\n\nnamespace/test/x:y\n"
        "truncate:namespace=a;set=b=c/d\r\nnode:\nlast");
    static const struct {
        const char *line, *name, *path, *params;
    } expected[] = {
        {"build", "build", "", ""},
        {"namespace/test/x:y", "namespace", "test/x:y", ""},
        {"truncate:namespace=a;set=b=c/d", "truncate", "", "namespace=a;set=b=c/d"},
        {"node:", "node", "", ""},
        {"last", "last", "", ""},
    };
    struct wire_info_command command;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(wire_info_command_next(&request, &command));
        assert_text(command.line, expected[i].line);
        assert_text(command.name, expected[i].name);
        assert_text(command.path, expected[i].path);
        assert_text(command.params, expected[i].params);
    }
    assert_false(wire_info_command_next(&request, &command));
}

static void parameters_split_on_the_first_equals_sign(void **state)
{
    (void)state;
    struct base_slice params = wire_info_slice("a=1;;flag;exp=kQ==;b=;");
    struct base_slice key, value;
    assert_true(wire_info_param_next(&params, &key, &value));
    assert_text(key, "a");
    assert_text(value, "1");
    assert_true(wire_info_param_next(&params, &key, &value));
    assert_text(key, "flag");
    assert_text(value, "");
    assert_true(wire_info_param_next(&params, &key, &value));
    assert_text(key, "exp");
    assert_text(value, "kQ==");
    assert_true(wire_info_param_next(&params, &key, &value));
    assert_text(key, "b");
    assert_text(value, "");
    assert_false(wire_info_param_next(&params, &key, &value));

    struct base_slice all = wire_info_slice("ns=test;set=demo");
    assert_true(wire_info_param_find(all, "set", &value));
    assert_text(value, "demo");
    assert_false(wire_info_param_find(all, "lut", &value));
}

static void answer_splits_into_names_and_values(void **state)
{
    (void)state;
    struct base_slice body = wire_info_slice("node\tBB9\nempty\t\nERROR:80:not authenticated\n");
    struct wire_info_answer answer;
    assert_true(wire_info_answer_next(&body, &answer));
    assert_text(answer.name, "node");
    assert_text(answer.value, "BB9");
    assert_true(wire_info_answer_next(&body, &answer));
    assert_text(answer.name, "empty");
    assert_text(answer.value, "");
    assert_true(wire_info_answer_next(&body, &answer));
    assert_text(answer.name, "");
    assert_text(answer.value, "ERROR:80:not authenticated");
    assert_false(wire_info_answer_next(&body, &answer));
}

static void errors_are_known_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint32_t code; // 0: no error
        const char *message;
    } cases[] = {
        {"ERROR:4:unrecognized command", 4, "unrecognized command"},
        {"ERROR::unstable-cluster", 1, "unstable-cluster"},
        {"ERROR", 1, ""},
        {"error=not_found", 1, "not_found"},
        {"FAIL:201:no index", 201, "no index"},
        {"fail:bad:thing", 1, "bad:thing"},
        {"ok", 0, ""},
        {"errors=3", 0, ""},
        {"failed_best_practices=true", 0, ""},
        {"", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code;
        struct base_slice message;
        assert_int_equal(wire_info_is_error(wire_info_slice(cases[i].value), &code, &message),
                         cases[i].code != 0);
        assert_int_equal(code, cases[i].code);
        assert_text(message, cases[i].message);
    }
}

static void numbers_are_whole_and_bounded(void **state)
{
    (void)state;
    uint64_t number;
    assert_true(wire_info_number(wire_info_slice("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_false(wire_info_number(wire_info_slice("18446744073709551616"), &number));
    assert_false(wire_info_number(wire_info_slice(""), &number));
    assert_false(wire_info_number(wire_info_slice("-1"), &number));
    assert_false(wire_info_number(wire_info_slice("12x"), &number));
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text;
    } cases[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        uint8_t plain[16];
        size_t plain_size = strlen(cases[i].plain), text_size = strlen(cases[i].text), size;
        assert_int_equal(wire_base64_encoded_size(plain_size), text_size);
        wire_base64_encode((const uint8_t *)cases[i].plain, plain_size, text);
        assert_memory_equal(text, cases[i].text, text_size);
        assert_true(wire_base64_decode(text, text_size, plain, &size));
        assert_int_equal(size, plain_size);
        assert_memory_equal(plain, cases[i].plain, size);
    }
    uint8_t out[8];
    size_t size;
    assert_false(wire_base64_decode("Zg=", 3, out, &size));
    assert_false(wire_base64_decode("Zg*=", 4, out, &size));
    assert_false(wire_base64_decode("=g==", 4, out, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_splits_into_commands),
        cmocka_unit_test(parameters_split_on_the_first_equals_sign),
        cmocka_unit_test(answer_splits_into_names_and_values),
        cmocka_unit_test(errors_are_known_in_every_form),
        cmocka_unit_test(numbers_are_whole_and_bounded),
        cmocka_unit_test(base64_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
