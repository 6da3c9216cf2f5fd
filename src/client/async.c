// SPDX-License-Identifier: Apache-2.0
// The calls on one record in the event loop: the same requests as in single.c, started instead of
// run.
#include "client/loop.h"
#include "client/single.h"

static void on_done(struct client_command *command)
{
    struct client_single *single = command->arg;
    struct ballast_loop *loop = command->loop;
    struct ballast_error error;
    client__error_set(&error, command->result, command->in_doubt);
    struct ballast_record *record = single->record;
    single->record = NULL;
    ballast_done_fn fn = single->fn;
    void *arg = single->arg;
    // All is given back first, so that the callee may start its next request with it.
    client__single_fini(single);
    client__loop_single_give(loop, single);
    client__loop_request_end(loop);
    fn(&error, record, arg);
}

static int start(struct ballast_loop *loop, const struct ballast_policy *policy,
                 const struct ballast_key *key, const struct client_request *request,
                 bool wants_record, ballast_done_fn fn, void *arg)
{
    if (client__loop_is_closing(loop)) {
        return (int)RESULT_CANCELLED;
    }
    struct client_single *single = client__loop_single_take(loop);
    if (single == NULL) {
        return (int)RESULT_NO_MEMORY;
    }
    enum base_result result =
        client__single_init(single, client__loop_cluster(loop), policy, key, request, wants_record);
    if (result != RESULT_OK) {
        client__single_fini(single);
        client__loop_single_give(loop, single);
        return (int)result;
    }
    single->fn = fn;
    single->arg = arg;
    single->command.on_done = on_done;
    client__loop_request_begin(loop);
    client__loop_start(loop, &single->command);
    return (int)RESULT_OK;
}

int ballast_async_get(struct ballast_loop *loop, const struct ballast_policy *policy,
                      const struct ballast_key *key, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_GET};
    return start(loop, policy, key, &request, true, fn, arg);
}

int ballast_async_get_bins(struct ballast_loop *loop, const struct ballast_policy *policy,
                           const struct ballast_key *key, const char *const *names,
                           size_t name_count, ballast_done_fn fn, void *arg)
{
    struct client_request request = {
        .kind = CLIENT_REQUEST_GET, .names = names, .count = name_count};
    return start(loop, policy, key, &request, true, fn, arg);
}

int ballast_async_exists(struct ballast_loop *loop, const struct ballast_policy *policy,
                         const struct ballast_key *key, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_EXISTS};
    return start(loop, policy, key, &request, true, fn, arg);
}

int ballast_async_put(struct ballast_loop *loop, const struct ballast_policy *policy,
                      const struct ballast_key *key, const struct ballast_bin *bins,
                      size_t bin_count, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_PUT, .bins = bins, .count = bin_count};
    return start(loop, policy, key, &request, false, fn, arg);
}

int ballast_async_remove(struct ballast_loop *loop, const struct ballast_policy *policy,
                         const struct ballast_key *key, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_REMOVE};
    return start(loop, policy, key, &request, false, fn, arg);
}

int ballast_async_touch(struct ballast_loop *loop, const struct ballast_policy *policy,
                        const struct ballast_key *key, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_TOUCH};
    return start(loop, policy, key, &request, false, fn, arg);
}

int ballast_async_operate(struct ballast_loop *loop, const struct ballast_policy *policy,
                          const struct ballast_key *key, const struct ballast_op *ops,
                          size_t op_count, ballast_done_fn fn, void *arg)
{
    struct client_request request = {.kind = CLIENT_REQUEST_OPERATE, .ops = ops, .count = op_count};
    return start(loop, policy, key, &request, true, fn, arg);
}
