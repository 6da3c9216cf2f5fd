// SPDX-License-Identifier: Apache-2.0
// Any bytes as what comes over the heartbeat port: headers, then bodies. What decodes comes back
// the same when it is encoded and decoded again, and holds nothing that could break a log or an
// answer.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "server/mesh_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hello_try(const uint8_t *body, uint32_t size)
{
    struct mesh_hello hello;
    struct mesh_hello again;
    uint8_t frame[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX];
    if (mesh_hello_decode(body, size, &hello) != RESULT_OK) {
        return;
    }
    uint32_t frame_size = mesh_hello_encode(&hello, frame);
    base_assert(mesh_hello_decode(frame + MESH_HEADER_SIZE, frame_size - MESH_HEADER_SIZE,
                                  &again) == RESULT_OK);
    base_assert(memcmp(&hello, &again, sizeof hello) == 0);
    for (const char *at = hello.services; *at != '\0'; at++) {
        base_assert(isprint((unsigned char)*at) && strchr(";\t\n=", *at) == NULL);
    }
    for (const char *at = hello.cluster_name; *at != '\0'; at++) {
        base_assert(!iscntrl((unsigned char)*at));
    }
}

static void addresses_try(const uint8_t *body, uint32_t size)
{
    static struct mesh_addresses addresses;
    static struct mesh_addresses again;
    static uint8_t frame[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX];
    if (mesh_addresses_decode(body, size, &addresses) != RESULT_OK) {
        return;
    }
    uint32_t frame_size = mesh_addresses_encode(&addresses, frame);
    base_assert(mesh_addresses_decode(frame + MESH_HEADER_SIZE, frame_size - MESH_HEADER_SIZE,
                                      &again) == RESULT_OK);
    base_assert(again.count == addresses.count);
    for (uint32_t i = 0; i < again.count; i++) {
        base_assert(again.item[i].id == addresses.item[i].id);
        base_assert(io_address_equal(&again.item[i].heartbeat, &addresses.item[i].heartbeat));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mesh_header header;
    if (size < MESH_HEADER_SIZE || mesh_header_decode(data, &header) != RESULT_OK) {
        return 0;
    }
    base_assert(header.body_size <= MESH_BODY_SIZE_MAX);
    uint32_t rest = (uint32_t)(size - MESH_HEADER_SIZE);
    uint32_t body_size = header.body_size < rest ? header.body_size : rest;
    uint8_t *body = malloc(body_size + 1); // of its own, so that a byte too far is seen
    memcpy(body, data + MESH_HEADER_SIZE, body_size);
    struct mesh_refused refused;
    hello_try(body, body_size);
    addresses_try(body, body_size);
    if (mesh_refused_decode(body, body_size, &refused) == RESULT_OK) {
        base_assert(strlen(refused.text) < sizeof refused.text);
    }
    free(body);
    return 0;
}
