// SPDX-License-Identifier: Apache-2.0
// Asserts: what a broken fact leads to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"

static struct {
    jmp_buf back;
    const char *file;
    const char *fact;
    int line;
} seen;

static void remember_and_leave(const char *file, int line, const char *fact)
{
    seen.file = file;
    seen.line = line;
    seen.fact = fact;
    longjmp(seen.back, 1);
}

static void broken_fact_reaches_the_hook_with_its_place(void **state)
{
    (void)state;
    base_panic_hook_set(remember_and_leave);
    volatile int answer = 41;
    volatile int line = 0;
    if (setjmp(seen.back) == 0) {
        line = __LINE__ + 1;
        base_assert(answer == 42);
        fail_msg("a broken fact did not panic");
    }
    assert_string_equal(seen.fact, "answer == 42");
    assert_non_null(strstr(seen.file, "test_assert.c"));
    assert_int_equal(seen.line, line);
}

static void true_fact_is_evaluated_once_and_goes_on(void **state)
{
    (void)state;
    int count = 0;
    base_assert(++count == 1);
    assert_int_equal(count, 1);
}

static void wrong_magic_and_null_are_broken_facts(void **state)
{
    (void)state;
    struct thing {
        uint32_t magic;
    } thing = {.magic = 1};
    struct thing *volatile pointer = &thing;
    base_panic_hook_set(remember_and_leave);
    base_magic_check(pointer, 1u);
    volatile int panics = 0;
    if (setjmp(seen.back) == 0) {
        base_magic_check(pointer, 2u);
    } else {
        panics++;
    }
    pointer = NULL;
    if (setjmp(seen.back) == 0) {
        base_magic_check(pointer, 1u);
    } else {
        panics++;
    }
    assert_int_equal(panics, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_fact_reaches_the_hook_with_its_place),
        cmocka_unit_test(true_fact_is_evaluated_once_and_goes_on),
        cmocka_unit_test(wrong_magic_and_null_are_broken_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
