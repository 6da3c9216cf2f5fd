// SPDX-License-Identifier: Apache-2.0
// Strangers speak first here, so each length is looked at before it is followed.
#include "server/fabric_hello.h"

enum {
    MAGIC_AT = 0,
    VERSION_AT = 4,
    CHANNEL_AT = 5,
    COUNT_AT = 6,
    NAME_SIZE_AT = 7,
    ID_AT = 8,
    INCARNATION_AT = 16,
};

static const uint8_t magic[4] = {'B', 'L', 'S', 'T'};

uint32_t fabric__hello_encode(const struct fabric__hello *hello, uint8_t out[FABRIC_HELLO_SIZE_MAX])
{
    base_assert(hello->cluster_name.size <= LIMIT_CLUSTER_NAME_SIZE &&
                hello->namespace_count <= LIMIT_NAMESPACES);
    memcpy(out + MAGIC_AT, magic, sizeof magic);
    out[VERSION_AT] = FABRIC_VERSION;
    out[CHANNEL_AT] = (uint8_t)hello->channel;
    out[COUNT_AT] = (uint8_t)hello->namespace_count;
    out[NAME_SIZE_AT] = (uint8_t)hello->cluster_name.size;
    base_le64_store(out + ID_AT, hello->node_id);
    base_le64_store(out + INCARNATION_AT, hello->incarnation);
    uint8_t *at = out + FABRIC_HELLO_HEAD_SIZE;
    if (hello->cluster_name.size > 0) {
        memcpy(at, hello->cluster_name.data, hello->cluster_name.size);
        at += hello->cluster_name.size;
    }
    for (uint32_t i = 0; i < hello->namespace_count; i++) {
        struct base_slice name = hello->namespaces[i];
        base_assert(name.size <= LIMIT_NAMESPACE_NAME_SIZE);
        *at++ = (uint8_t)name.size;
        memcpy(at, name.data, name.size);
        at += name.size;
    }
    return (uint32_t)(at - out);
}

enum base_result fabric__hello_decode(struct base_slice body, struct fabric__hello *out)
{
    *out = (struct fabric__hello){0};
    const uint8_t *bytes = body.data, *end = body.data + body.size;
    if (body.size < FABRIC_HELLO_HEAD_SIZE || memcmp(bytes, magic, sizeof magic) != 0 ||
        bytes[VERSION_AT] != FABRIC_VERSION || bytes[CHANNEL_AT] >= FABRIC_CHANNELS ||
        bytes[COUNT_AT] > LIMIT_NAMESPACES || bytes[NAME_SIZE_AT] > LIMIT_CLUSTER_NAME_SIZE ||
        bytes[NAME_SIZE_AT] > body.size - FABRIC_HELLO_HEAD_SIZE) {
        return RESULT_MALFORMED;
    }
    out->node_id = base_le64_load(bytes + ID_AT);
    out->incarnation = base_le64_load(bytes + INCARNATION_AT);
    out->channel = bytes[CHANNEL_AT];
    out->cluster_name = (struct base_slice){bytes + FABRIC_HELLO_HEAD_SIZE, bytes[NAME_SIZE_AT]};
    out->namespace_count = bytes[COUNT_AT];
    const uint8_t *at = bytes + FABRIC_HELLO_HEAD_SIZE + bytes[NAME_SIZE_AT];
    for (uint32_t i = 0; i < out->namespace_count; i++) {
        if (at == end || *at == 0 || *at > LIMIT_NAMESPACE_NAME_SIZE || *at > end - at - 1) {
            return RESULT_MALFORMED;
        }
        out->namespaces[i] = (struct base_slice){at + 1, *at};
        at += 1 + *at;
    }
    return at == end && out->node_id != 0 ? RESULT_OK : RESULT_MALFORMED;
}
