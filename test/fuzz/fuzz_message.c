// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message: one that names a record runs as a request, any other is taken apart as a
// query. Namespace and digest are filled in where the bytes have none, so that most inputs get far.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "server/query.h"
#include "server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node *node;
static struct worker worker;

// The index keeps tagged pointers, which a search for leaks would not follow.
static void teardown(void)
{
    worker_fini(&worker);
    node_free(&node);
}

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
    atexit(teardown);
}

static void field_set(struct wire_fields *fields, enum wire_field_type type, const void *data,
                      size_t size)
{
    fields->present |= 1ull << type;
    fields->field[type] = (struct base_slice){data, size};
}

// The answer is one whole message; an error carries nothing.
static void request_try(const struct wire_message *message, const uint8_t *digest)
{
    struct request request = {
        .worker = &worker,
        .origin = (enum request_origin)(message->header.info4 % REQUEST_ORIGINS),
        .header = &message->header,
        .fields = &message->fields,
        .ops = message->ops,
        .digest = digest,
    };
    worker.output.size = 0;
    base_assert(request_run(&request));
    struct wire_message answer;
    size_t answer_size;
    enum base_result result =
        wire_message_parse(worker.output.data, worker.output.size, &answer, &answer_size);
    base_assert(result == RESULT_OK && answer_size == worker.output.size);
    base_assert(answer.header.result_code == RESULT_OK || answer.header.op_count == 0);
}

// The walk goes up through as many partitions as were counted.
static void query_try(const struct wire_message *message)
{
    struct query query;
    if (query_parse(node, message, &query) != RESULT_OK) {
        return;
    }
    struct query_walk walk = {0};
    struct store_scan at, last = {0};
    uint32_t resumed = 0;
    while (query_walk_next(&query, &walk, &at)) {
        base_assert(walk.done_count == 1 || at.partition > last.partition);
        base_assert(!at.after_set || base_digest_partition(at.after) == at.partition);
        resumed += at.after_set;
        last = at;
    }
    base_assert(walk.done_count == query.partition_count && resumed == query.resume_count);
    query_fini(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (node == NULL) {
        setup();
    }
    struct wire_message message;
    size_t message_size;
    if (size == 0 || wire_message_parse(data + 1, size - 1, &message, &message_size) != RESULT_OK) {
        return 0;
    }
    uint8_t digest[LIMIT_DIGEST_SIZE] = {data[0] & 7, 0, data[0] >> 3 & 7};
    field_set(&message.fields, WIRE_FIELD_NAMESPACE, "test", 4);
    if (data[0] & 0x80) {
        query_try(&message);
    } else {
        request_try(&message, digest);
    }
    return 0;
}
