// SPDX-License-Identifier: Apache-2.0
// Pacing: the first record goes at once, the rest at the rate, and a pause makes no burst.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/pace.h"

#define SECOND 1000000000ull

// Takes all it may, waiting as told, and returns how many in the time given.
static uint64_t taken_in(struct pace *pace, uint64_t from_ns, uint64_t duration_ns)
{
    uint64_t now_ns = from_ns, taken = 0;
    for (;;) {
        uint32_t available = pace_available(pace, now_ns);
        pace_take(pace, available);
        taken += available;
        uint64_t wait_ns = pace_wait_ns(pace);
        assert_true(wait_ns > 0);
        if (now_ns + wait_ns > from_ns + duration_ns) {
            return taken;
        }
        now_ns += wait_ns;
    }
}

static void the_rate_is_kept_over_seconds(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 3, 10, 999, 5000, 1000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pace pace;
        pace_init(&pace, rates[i], 7 * SECOND);
        uint64_t taken = taken_in(&pace, 7 * SECOND, 10 * SECOND);
        assert_in_range(taken, (uint64_t)rates[i] * 98 / 10, (uint64_t)rates[i] * 10 + 1);
    }
}

static void the_first_record_does_not_wait(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1, SECOND);
    assert_int_equal(pace_available(&pace, SECOND), 1);
    pace_take(&pace, 1);
    assert_int_equal(pace_available(&pace, SECOND + SECOND / 2), 0);
    assert_int_equal(pace_available(&pace, 2 * SECOND), 1);
}

static void a_pause_makes_no_burst(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1000, SECOND);
    assert_int_equal(pace_available(&pace, 3600 * SECOND), 100); // a tenth of a second's worth
}

static void without_a_rate_all_may_go(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0, SECOND);
    assert_true(pace_available(&pace, SECOND) == UINT32_MAX);
    pace_take(&pace, 1000000);
    assert_int_equal(pace_wait_ns(&pace), 0);
}

static void a_changed_rate_holds_from_then_on(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 100000, SECOND);
    assert_int_equal(pace_available(&pace, 2 * SECOND), 10000);
    pace_rate_set(&pace, 10, 2 * SECOND);
    assert_int_equal(pace_available(&pace, 2 * SECOND), 1);
    pace_take(&pace, 1);
    assert_int_equal(taken_in(&pace, 2 * SECOND, SECOND), 10);
    pace_rate_set(&pace, 0, 3 * SECOND);
    assert_true(pace_available(&pace, 3 * SECOND) == UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_kept_over_seconds),
        cmocka_unit_test(the_first_record_does_not_wait),
        cmocka_unit_test(a_pause_makes_no_burst),
        cmocka_unit_test(without_a_rate_all_may_go),
        cmocka_unit_test(a_changed_rate_holds_from_then_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
