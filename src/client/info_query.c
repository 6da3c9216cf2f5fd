// SPDX-License-Identifier: Apache-2.0
// Info requests are never repeated by themselves: many of them change something.
#include "client/info_query.h"

#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "wire/info.h"

static bool on_frame(struct client_command *command, const struct wire_frame *frame)
{
    struct client_info_query *query = command->arg;
    if (frame->type != WIRE_FRAME_INFO || frame->body_size > query->answer_size_max) {
        command->result = RESULT_MALFORMED;
        return true;
    }
    query->answer = malloc(frame->body_size + 1);
    if (query->answer == NULL) {
        command->result = RESULT_NO_MEMORY;
        return true;
    }
    memcpy(query->answer, frame->body, frame->body_size);
    query->answer[frame->body_size] = '\0';
    query->answer_size = frame->body_size;
    command->result = RESULT_OK;
    return true;
}

enum base_result client__info_query_init(struct client_info_query *query,
                                         struct ballast_cluster *cluster, const char *text,
                                         uint32_t timeout_ms)
{
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.total_timeout_ms = timeout_ms;
    policy.retries_max = 0;
    client__command_init(&query->command, cluster, &policy, io_clock_monotonic_ns());
    query->command.on_frame = on_frame;
    query->command.arg = query;
    query->answer = NULL;
    query->answer_size = 0;
    query->answer_size_max = LIMIT_FRAME_BODY_SIZE;
    query->frame = NULL;
    size_t size = strlen(text);
    if (size > LIMIT_INFO_REQUEST_SIZE) {
        return RESULT_LIMIT;
    }
    query->frame = malloc(WIRE_FRAME_HEADER_SIZE + size);
    if (query->frame == NULL) {
        return RESULT_NO_MEMORY;
    }
    wire_frame_header_store(query->frame, WIRE_FRAME_INFO, size);
    memcpy(query->frame + WIRE_FRAME_HEADER_SIZE, text, size);
    query->command.request = query->frame;
    query->command.request_size = WIRE_FRAME_HEADER_SIZE + size;
    return RESULT_OK;
}

void client__info_query_fini(struct client_info_query *query)
{
    client__command_fini(&query->command);
    free(query->frame);
    free(query->answer);
    query->frame = NULL;
    query->answer = NULL;
}

bool client__info_query_value(const struct client_info_query *query, const char *name,
                              struct base_slice *value)
{
    struct base_slice body = {.data = (const uint8_t *)query->answer, .size = query->answer_size};
    struct wire_info_answer answer;
    while (wire_info_answer_next(&body, &answer)) {
        if (wire_info_equal(answer.name, name)) {
            *value = answer.value;
            return true;
        }
    }
    *value = (struct base_slice){0};
    return false;
}
