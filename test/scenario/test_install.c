// SPDX-License-Identifier: Apache-2.0
// What `make install` leaves behind can be built against, and the guide's programs do what they
// say. The work is done by install.sh; this starts the node for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/node.h"

static void installed_library_runs_the_programs_of_its_guide(void **state)
{
    (void)state;
    const char *source = getenv("SCENARIO_SOURCE"), *build = getenv("SCENARIO_BUILD");
    const char *sanitize = getenv("SCENARIO_SANITIZE");
    if (source == NULL || build == NULL || (sanitize != NULL && sanitize[0] != '\0')) {
        skip(); // a library with a sanitizer inside is not what users link
    }
    struct test_node node = {0};
    test_node_start(&node, NULL);
    char command[1024];
    snprintf(command, sizeof command, "'%s/test/scenario/install.sh' '%s' '%s' 127.0.0.1:%u",
             source, source, build, node.port);
    int status = system(command);
    test_node_stop(&node);
    test_node_fini(&node);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installed_library_runs_the_programs_of_its_guide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
