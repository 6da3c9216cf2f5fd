// SPDX-License-Identifier: Apache-2.0
// Any bytes as an info request, binary and as plain lines; every answer must keep its form.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node *node;
static struct worker worker;

static void setup(void)
{
    static struct config_diag diag;
    struct config *config;
    enum base_result result = config_new(&config);
    base_assert(result == RESULT_OK);
    result = config_finish(config, 0, &diag);
    base_assert(result == RESULT_OK);
    result = node_new(config, &node);
    base_assert(result == RESULT_OK);
    result = worker_init(&worker, node);
    base_assert(result == RESULT_OK);
}

// One line for each name, each with its TAB, and no other TAB unless the name had one.
static void answer_check(const struct output *output)
{
    base_assert(output->size > 0 && output->data[output->size - 1] == '\n');
    const uint8_t *at = output->data;
    const uint8_t *end = at + output->size;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        base_assert(memchr(at, '\t', (size_t)(line_end - at)) != NULL);
        at = line_end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (node == NULL) {
        setup();
    }
    struct connection connection = {0};
    worker.output.size = 0;
    info_answer(&worker, &connection, (struct base_slice){data, size});
    answer_check(&worker.output);
    worker.output.size = 0;
    info_answer_line(&worker, &connection, (struct base_slice){data, size});
    info_user_agent_leave(node->info, connection.user_agent);
    return 0;
}
