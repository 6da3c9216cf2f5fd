// SPDX-License-Identifier: Apache-2.0
// Any bytes: reading stays inside them, the walks agree with each other, and what copy writes is
// stable: it checks, and a copy of the copy is the same bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(data, size);
    enum base_result skipped = wire_msgpack_skip(&reader);
    size_t value_size = (size_t)(reader.at - data);

    enum base_result checked = wire_msgpack_check(data, size, WIRE_MSGPACK_DEPTH_MAX, false);
    base_assert(checked != RESULT_OK || (skipped == RESULT_OK && value_size == size));

    reader = wire_msgpack_reader_of(data, size);
    struct wire_msgpack_writer measure = wire_msgpack_writer_of(NULL, 0);
    base_assert(wire_msgpack_copy(&reader, &measure) == skipped);
    if (skipped != RESULT_OK) {
        return 0;
    }
    base_assert((size_t)(reader.at - data) == value_size);

    uint8_t *first = malloc(measure.size);
    uint8_t *second = malloc(measure.size);
    base_assert(first != NULL && second != NULL);
    reader = wire_msgpack_reader_of(data, size);
    struct wire_msgpack_writer writer = wire_msgpack_writer_of(first, measure.size);
    base_assert(wire_msgpack_copy(&reader, &writer) == RESULT_OK);
    base_assert(writer.size == measure.size);
    base_assert(wire_msgpack_check(first, measure.size, WIRE_MSGPACK_DEPTH_MAX, false) !=
                RESULT_MALFORMED);
    reader = wire_msgpack_reader_of(first, measure.size);
    writer = wire_msgpack_writer_of(second, measure.size);
    base_assert(wire_msgpack_copy(&reader, &writer) == RESULT_OK);
    base_assert(writer.size == measure.size && memcmp(first, second, measure.size) == 0);

    reader = wire_msgpack_reader_of(data, size);
    struct base_slice raw;
    if (wire_msgpack_raw_read(&reader, &raw) == RESULT_OK) {
        base_assert(raw.size <= size);
    }
    free(first);
    free(second);
    return 0;
}
