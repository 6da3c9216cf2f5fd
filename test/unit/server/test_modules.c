// SPDX-License-Identifier: Apache-2.0
// Registered modules: what is put comes back, the rest says why not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/modules.h"

static struct base_slice text(const char *s)
{
    return (struct base_slice){(const uint8_t *)s, strlen(s)};
}

static int start(void **state)
{
    struct modules *modules;
    assert_int_equal(modules_new(&modules), RESULT_OK);
    *state = modules;
    return 0;
}

static int end(void **state)
{
    struct modules *modules = *state;
    modules_free(&modules);
    assert_null(modules);
    return 0;
}

struct seen {
    char names[256];
    char hash[MODULES_HASH_SIZE + 1];
    uint32_t count;
};

static bool see(void *context, const struct modules_item *item)
{
    struct seen *seen = context;
    strcat(seen->names, item->name);
    strcat(seen->names, " ");
    memcpy(seen->hash, item->hash, sizeof seen->hash);
    seen->count++;
    return true;
}

static void a_module_comes_back_as_it_was_put(void **state)
{
    struct modules *modules = *state;
    uint8_t *content;
    size_t size;
    assert_int_equal(modules_put(modules, text("a.lua"), text("return 1")), RESULT_OK);
    assert_int_equal(modules_get(modules, text("a.lua"), &content, &size), RESULT_OK);
    assert_int_equal(size, 8);
    assert_memory_equal(content, "return 1", 8);
    free(content);
}

static void putting_a_name_again_replaces_the_module(void **state)
{
    struct modules *modules = *state;
    uint8_t *content;
    size_t size;
    assert_int_equal(modules_put(modules, text("a.lua"), text("old")), RESULT_OK);
    assert_int_equal(modules_put(modules, text("a.lua"), text("newer")), RESULT_OK);
    assert_int_equal(modules_get(modules, text("a.lua"), &content, &size), RESULT_OK);
    assert_int_equal(size, 5);
    free(content);
    struct seen seen = {.count = 0};
    modules_visit(modules, see, &seen);
    assert_int_equal(seen.count, 1);
}

static void modules_are_shown_in_the_order_of_their_names_with_their_hash(void **state)
{
    struct modules *modules = *state;
    assert_int_equal(modules_put(modules, text("b.lua"), text("abc")), RESULT_OK);
    assert_int_equal(modules_put(modules, text("a.lua"), text("")), RESULT_OK);
    assert_int_equal(modules_put(modules, text("ab.lua"), text("abc")), RESULT_OK);
    struct seen seen = {.count = 0};
    modules_visit(modules, see, &seen);
    assert_string_equal(seen.names, "a.lua ab.lua b.lua ");
    // SHA-1 of "abc", from FIPS 180.
    assert_string_equal(seen.hash, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void a_removed_module_is_gone(void **state)
{
    struct modules *modules = *state;
    uint8_t *content;
    size_t size;
    assert_int_equal(modules_put(modules, text("a.lua"), text("x")), RESULT_OK);
    assert_true(modules_remove(modules, text("a.lua")));
    assert_false(modules_remove(modules, text("a.lua")));
    assert_int_equal(modules_get(modules, text("a.lua"), &content, &size), RESULT_RECORD_NOT_FOUND);
    assert_null(content);
}

static void names_that_would_break_info_text_are_refused(void **state)
{
    struct modules *modules = *state;
    char endless[MODULES_NAME_SIZE + 2];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    const char *bad[] = {"", "a;b", "a:b", "a,b", "a=b", "a/b", "a\tb", "a\nb", "\x7f", endless};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(modules_put(modules, text(bad[i]), text("x")), RESULT_PARAMETER);
    }
}

static void the_bounds_hold_and_a_refused_module_changes_nothing(void **state)
{
    struct modules *modules = *state;
    static uint8_t big[MODULES_CONTENT_SIZE + 1];
    struct base_slice content = {big, sizeof big};
    assert_int_equal(modules_put(modules, text("big"), content), RESULT_LIMIT);
    content.size = MODULES_CONTENT_SIZE;
    char name[32];
    uint32_t fit = MODULES_TOTAL_SIZE / MODULES_CONTENT_SIZE;
    for (uint32_t i = 0; i < fit; i++) {
        snprintf(name, sizeof name, "big-%u", i);
        assert_int_equal(modules_put(modules, text(name), content), RESULT_OK);
    }
    assert_int_equal(modules_put(modules, text("one more"), content), RESULT_LIMIT);
    assert_int_equal(modules_put(modules, text("big-0"), text("")), RESULT_OK);
    for (uint32_t i = fit; i < MODULES_MAX; i++) {
        snprintf(name, sizeof name, "small-%u", i);
        assert_int_equal(modules_put(modules, text(name), text("x")), RESULT_OK);
    }
    assert_int_equal(modules_put(modules, text("too many"), text("x")), RESULT_LIMIT);
    uint8_t *copy;
    size_t size;
    assert_int_equal(modules_get(modules, text("too many"), &copy, &size), RESULT_RECORD_NOT_FOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, end)
    const struct CMUnitTest tests[] = {
        T(a_module_comes_back_as_it_was_put),
        T(putting_a_name_again_replaces_the_module),
        T(modules_are_shown_in_the_order_of_their_names_with_their_hash),
        T(a_removed_module_is_gone),
        T(names_that_would_break_info_text_are_refused),
        T(the_bounds_hold_and_a_refused_module_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
