// SPDX-License-Identifier: Apache-2.0
// Bytes that a disk or a peer calls a record: the check refuses them, or they can be taken apart
// and put together again to the same bytes.
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/assert.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Encodes what the record was taken apart to.
static void encode_again(const struct store_record *record)
{
    struct store_bin *bins = malloc((record->bin_count + 1U) * sizeof *bins);
    uint8_t *bytes = malloc(record->size);
    base_assert(bins != NULL && bytes != NULL);
    const uint8_t *at = record->bins;
    for (uint32_t i = 0; i < record->bin_count; i++) {
        store_bin_next(&at, &bins[i]);
    }
    base_assert(at == record->bytes + record->size);
    struct store_draft draft = {
        .digest = record->digest,
        .last_update_ms = record->last_update_ms,
        .void_time_s = record->void_time_s,
        .generation = record->generation,
        .bin_count = record->bin_count,
        .set_name = record->set_name,
        .key = record->key,
        .bins = bins,
    };
    base_assert(store_draft_size(&draft) == record->size);
    store_record_encode(&draft, bytes);
    base_assert(memcmp(bytes, record->bytes, record->size) == 0);
    free(bytes);
    free(bins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (store_record_check(data, size) == RESULT_OK) {
        struct store_record record;
        store_record_decode(data, &record);
        encode_again(&record);
    }
    if (size < STORE_RECORD_HEADER_SIZE || size > LIMIT_RECORD_SIZE_MAX) {
        return 0;
    }
    // The checksum would keep a fuzzer out: the same bytes again with the right one.
    uint8_t *bytes = malloc(size);
    base_assert(bytes != NULL);
    memcpy(bytes, data, size);
    uint32_t flags = data[STORE_RECORD_SIZE_AT + 3];
    base_le32_store(bytes + STORE_RECORD_SIZE_AT, (uint32_t)size | flags << 24);
    base_le32_store(bytes, (uint32_t)XXH3_64bits(bytes + 4, size - 4));
    if (store_record_check(bytes, size) == RESULT_OK) {
        struct store_record record;
        store_record_decode(bytes, &record);
        encode_again(&record);
    }
    free(bytes);
    return 0;
}
