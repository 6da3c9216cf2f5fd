// SPDX-License-Identifier: Apache-2.0
// What the machine says must at least make sense.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/system.h"

static void limits_are_within_the_machine(void **state)
{
    (void)state;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    assert_in_range(io_system_cores(), 1, online);
    struct io_system_memory memory;
    io_system_memory_read(&memory);
    assert_true(memory.host_total > 0);
    assert_true(memory.limit > 0 && memory.limit <= memory.host_total);
    assert_true(memory.available <= memory.limit);
    assert_int_equal(memory.limit, io_system_memory_limit());
    assert_true(memory.process_resident > 0 && memory.process_resident < memory.host_total);
}

static void percentages_stay_between_their_bounds(void **state)
{
    (void)state;
    struct io_system_cpu before;
    struct io_system_cpu after = {1000, 300, 200, 100};
    struct io_system_cpu_percent percent;
    io_system_cpu_read(&before);
    assert_true(before.host_total > 0);
    memset(&before, 0, sizeof before);
    io_system_cpu_percent(&before, &after, &percent);
    assert_int_equal(percent.host_user, 30);
    assert_int_equal(percent.host_kernel, 20);
    assert_int_equal(percent.host_total, 50);
    io_system_cpu_percent(&after, &after, &percent);
    assert_int_equal(percent.host_total, 0);
    assert_in_range(io_system_thread_count(), 1, 1000);
}

static void soft_file_limit_rises_to_the_hard_one(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = {.rlim_cur = 64, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(io_system_files_raise(), limit.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(low.rlim_cur, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void names_of_the_system_are_there(void **state)
{
    (void)state;
    char text[64];
    io_system_os_name(text, sizeof text);
    assert_true(strlen(text) > 0);
    io_system_architecture(text, sizeof text);
    assert_true(strlen(text) > 0);
    assert_int_equal(io_system_identity_change("", ""), RESULT_OK);
    assert_int_equal(io_system_identity_change("no-such-user-here", ""), RESULT_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_within_the_machine),
        cmocka_unit_test(percentages_stay_between_their_bounds),
        cmocka_unit_test(soft_file_limit_rises_to_the_hard_one),
        cmocka_unit_test(names_of_the_system_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
