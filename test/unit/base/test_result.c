// SPDX-License-Identifier: Apache-2.0
// The table of results: numbers that travel, texts that people read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/result.h"

static const enum base_result all_results[] = {
#define X(name, number, text) RESULT_##name,
    BASE_RESULTS(X)
#undef X
};

enum { RESULT_COUNT = sizeof all_results / sizeof all_results[0] };

static void each_result_has_its_own_number_name_and_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        assert_non_null(base_result_name(all_results[i]));
        assert_string_not_equal(base_result_text(all_results[i]), "unknown result");
        for (size_t j = i + 1; j < RESULT_COUNT; j++) {
            assert_int_not_equal(all_results[i], all_results[j]);
            assert_string_not_equal(base_result_name(all_results[i]),
                                    base_result_name(all_results[j]));
        }
    }
}

static void wire_codes_have_the_numbers_that_clients_know(void **state)
{
    (void)state;
    assert_int_equal(RESULT_OK, 0);
    assert_int_equal(RESULT_RECORD_NOT_FOUND, 2);
    assert_int_equal(RESULT_GENERATION, 3);
    assert_int_equal(RESULT_PARAMETER, 4);
    assert_int_equal(RESULT_RECORD_EXISTS, 5);
    assert_int_equal(RESULT_SERVER_FULL, 8);
    assert_int_equal(RESULT_PARTITION_UNAVAILABLE, 11);
    assert_int_equal(RESULT_NAMESPACE_NOT_FOUND, 20);
    assert_int_equal(RESULT_BIN_NAME, 21);
    assert_int_equal(RESULT_FORBIDDEN, 22);
}

static void number_outside_of_the_table_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(base_result_text((enum base_result)9999), "unknown result");
    assert_null(base_result_name((enum base_result)9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_has_its_own_number_name_and_text),
        cmocka_unit_test(wire_codes_have_the_numbers_that_clients_know),
        cmocka_unit_test(number_outside_of_the_table_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
