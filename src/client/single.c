// SPDX-License-Identifier: Apache-2.0
// The synchronous calls on one record: each names its request and runs it.
#include "client/single.h"

#include <stdlib.h>

#include "base/digest.h"
#include "client/cluster.h"
#include "client/record.h"
#include "client/tend.h"
#include "io/clock.h"

static bool on_frame(struct client_command *command, const struct wire_frame *frame)
{
    struct client_single *single = command->arg;
    struct wire_message message;
    size_t message_size;
    if (frame->type != WIRE_FRAME_MESSAGE ||
        wire_message_parse(frame->body, frame->body_size, &message, &message_size) != RESULT_OK) {
        command->result = RESULT_MALFORMED;
        return true;
    }
    command->result = (enum base_result)message.header.result_code;
    if (command->result == RESULT_OK && single->wants_record) {
        command->result = client__record_new(&message, &single->record);
    }
    return true;
}

enum base_result client__single_init(struct client_single *single, struct ballast_cluster *cluster,
                                     const struct ballast_policy *policy,
                                     const struct ballast_key *key,
                                     const struct client_request *request, bool wants_record)
{
    struct ballast_policy defaults;
    if (policy == NULL) {
        ballast_policy_init(&defaults);
        policy = &defaults;
    }
    struct client_command *command = &single->command;
    client__command_init(command, cluster, policy, io_clock_monotonic_ns());
    single->frame = NULL;
    single->record = NULL;
    single->wants_record = wants_record;
    struct client_key read;
    enum base_result result = client__key_read(key, &read);
    if (result == RESULT_OK) {
        result = client__request_check(request);
    }
    if (result != RESULT_OK) {
        return result;
    }
    command->partitions = client__map_find(&cluster->map, key->ns);
    if (command->partitions == NULL) {
        client__tend_request(cluster);
        return RESULT_NAMESPACE_NOT_FOUND;
    }
    command->partition = base_digest_partition(read.digest.bytes);
    command->write = client__request_is_write(request);
    command->on_frame = on_frame;
    command->arg = single;
    result = client__request_frame(request, &read, policy, &single->frame, &command->request_size);
    command->request = single->frame;
    return result;
}

void client__single_fini(struct client_single *single)
{
    client__command_fini(&single->command);
    free(single->frame);
    single->frame = NULL;
    ballast_record_free(&single->record);
}

static int run(struct ballast_cluster *cluster, const struct ballast_policy *policy,
               const struct ballast_key *key, const struct client_request *request,
               struct ballast_record **out, struct ballast_error *error)
{
    if (out != NULL) {
        *out = NULL;
    }
    struct client_single single;
    enum base_result result =
        client__single_init(&single, cluster, policy, key, request, out != NULL);
    bool in_doubt = false;
    if (result == RESULT_OK) {
        struct client_command *command = &single.command;
        client__commands_run(&command, 1);
        result = command->result;
        in_doubt = command->in_doubt;
    }
    if (result == RESULT_OK && out != NULL) {
        *out = single.record;
        single.record = NULL;
    }
    client__single_fini(&single);
    return client__error_set(error, result, in_doubt);
}

int ballast_get(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                const struct ballast_key *key, struct ballast_record **out,
                struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_GET};
    return run(cluster, policy, key, &request, out, error);
}

int ballast_get_bins(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                     const struct ballast_key *key, const char *const *names, size_t name_count,
                     struct ballast_record **out, struct ballast_error *error)
{
    struct client_request request = {
        .kind = CLIENT_REQUEST_GET, .names = names, .count = name_count};
    return run(cluster, policy, key, &request, out, error);
}

int ballast_exists(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                   const struct ballast_key *key, struct ballast_record **out,
                   struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_EXISTS};
    return run(cluster, policy, key, &request, out, error);
}

int ballast_put(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                const struct ballast_key *key, const struct ballast_bin *bins, size_t bin_count,
                struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_PUT, .bins = bins, .count = bin_count};
    return run(cluster, policy, key, &request, NULL, error);
}

int ballast_remove(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                   const struct ballast_key *key, struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_REMOVE};
    return run(cluster, policy, key, &request, NULL, error);
}

int ballast_touch(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                  const struct ballast_key *key, struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_TOUCH};
    return run(cluster, policy, key, &request, NULL, error);
}

int ballast_operate(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                    const struct ballast_key *key, const struct ballast_op *ops, size_t op_count,
                    struct ballast_record **out, struct ballast_error *error)
{
    struct client_request request = {.kind = CLIENT_REQUEST_OPERATE, .ops = ops, .count = op_count};
    return run(cluster, policy, key, &request, out, error);
}
