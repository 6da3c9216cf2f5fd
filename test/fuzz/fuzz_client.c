// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a node may send to the client: a record, a partition map, a list of peers, a
// compressed frame. The first byte chooses.
#include <stdlib.h>
#include <string.h>

#include "client/partition_map.h"
#include "client/peers.h"
#include "client/record.h"
#include "io/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_peer(const struct client_peer *peer, void *arg)
{
    (void)arg;
    base_assert(peer->name.size > 0 && peer->host_count > 0);
}

static void record_try(const uint8_t *data, size_t size)
{
    struct wire_message message;
    size_t message_size;
    struct ballast_record *record;
    if (wire_message_parse(data, size, &message, &message_size) != RESULT_OK ||
        client__record_new(&message, &record) != RESULT_OK) {
        return;
    }
    const struct ballast_bin *bins;
    size_t count = ballast_record_bins(record, &bins);
    for (size_t i = 0; i < count; i++) {
        const struct ballast_value *value = &bins[i].value;
        base_assert(strlen(bins[i].name) <= UINT8_MAX);
        base_assert(value->bytes == NULL || ((const char *)value->bytes)[value->size] == '\0');
        base_assert(ballast_record_get(record, bins[i].name) != NULL);
    }
    base_assert(ballast_record_ttl_s(record) != 0);
    ballast_record_free(&record);
}

static void map_try(struct base_slice text)
{
    struct client_map map = {0};
    struct client_node_set displaced = {0};
    if (client__map_update(&map, 3, text, &displaced) == RESULT_OK) {
        for (uint32_t i = 0; i < atomic_load(&map.count); i++) {
            uint32_t number;
            base_assert(!client__map_owner(map.namespaces[i], i, 0, &number) || number == 3);
        }
    }
    client__map_fini(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    // A copy of its own, so that a byte too far is seen.
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    struct base_slice text = {.data = bytes, .size = size - 1};
    uint64_t generation;
    uint32_t count;
    uint8_t *inner;
    size_t inner_size;
    switch (data[0] % 4) {
    case 0:
        record_try(bytes, size - 1);
        break;
    case 1:
        map_try(text);
        break;
    case 2:
        if (client_peers_parse(text, &generation, &count, on_peer, NULL) != RESULT_OK) {
            break;
        }
        break;
    default:
        if (io_inflate_frame(bytes, size - 1, &inner, &inner_size) == RESULT_OK) {
            free(inner);
        }
    }
    free(bytes);
    return 0;
}
