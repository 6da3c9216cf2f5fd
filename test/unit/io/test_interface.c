// SPDX-License-Identifier: Apache-2.0
// Addresses of interfaces: what others could reach, and one interface by name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/interface.h"

static void all_interfaces_leave_loopback_out(void **state)
{
    (void)state;
    struct io_address addresses[64];
    size_t count = io_interface_addresses(NULL, true, addresses, 64);
    for (size_t i = 0; i < count; i++) {
        assert_false(io_address_is_loopback(&addresses[i]));
        assert_int_equal(io_address_port(&addresses[i]), 0);
    }
    assert_int_equal(io_interface_addresses(NULL, true, addresses, 0), 0);
}

static void one_interface_gives_its_own_addresses(void **state)
{
    (void)state;
    struct io_address addresses[64];
    size_t count = io_interface_addresses("lo", false, addresses, 64);
    for (size_t i = 0; i < count; i++) {
        assert_true(io_address_is_loopback(&addresses[i]));
    }
    assert_int_equal(io_interface_addresses("no-such-interface", true, addresses, 64), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_interfaces_leave_loopback_out),
        cmocka_unit_test(one_interface_gives_its_own_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
