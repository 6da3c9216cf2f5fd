// SPDX-License-Identifier: Apache-2.0
// A node of the built-in configuration and a worker on it, without threads or ports.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/worker.h"

static inline void worker_fixture_init(struct node **node, struct worker *worker)
{
    static struct config_diag diag;
    struct config *config;
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    assert_int_equal(node_new(config, node), RESULT_OK);
    assert_int_equal(worker_init(worker, *node), RESULT_OK);
}

static inline void worker_fixture_fini(struct node **node, struct worker *worker)
{
    worker_fini(worker);
    node_free(node);
}
