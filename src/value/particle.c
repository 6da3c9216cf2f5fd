// SPDX-License-Identifier: Apache-2.0
// Scalars and opaque bytes.
#include "value/particle.h"

#include "wire/msgpack.h"

static bool is_blob(uint8_t type)
{
    return type == WIRE_PARTICLE_BLOB ||
           (type >= WIRE_PARTICLE_JAVA_BLOB && type <= WIRE_PARTICLE_ERLANG_BLOB);
}

// Exactly one list or map, well formed all through, so that whoever reads it later can trust it.
static enum base_result container_check(struct value_particle value,
                                        enum wire_msgpack_kind expected)
{
    struct wire_msgpack_reader reader = wire_msgpack_reader_of(value.data, value.size);
    struct wire_msgpack_value head;
    if (wire_msgpack_read(&reader, &head) != RESULT_OK || head.kind != expected ||
        wire_msgpack_check(value.data, value.size, WIRE_MSGPACK_DEPTH_MAX, true) != RESULT_OK) {
        return RESULT_PARAMETER;
    }
    return RESULT_OK;
}

enum base_result value_particle_check(struct value_particle value)
{
    switch (value.type) {
    case WIRE_PARTICLE_INTEGER:
    case WIRE_PARTICLE_DOUBLE:
        return value.size == 8 ? RESULT_OK : RESULT_PARAMETER;
    case WIRE_PARTICLE_BOOL:
        return value.size == 1 ? RESULT_OK : RESULT_PARAMETER;
    case WIRE_PARTICLE_MAP:
        return container_check(value, WIRE_MSGPACK_MAP);
    case WIRE_PARTICLE_LIST:
        return container_check(value, WIRE_MSGPACK_LIST);
    case WIRE_PARTICLE_GEOJSON:
        // Flags, the number of cells, the cells, then the text.
        return value.size >= 3 && value.size >= 3u + 8u * base_be16_load(value.data + 1)
                   ? RESULT_OK
                   : RESULT_PARAMETER;
    case WIRE_PARTICLE_STRING:
    case WIRE_PARTICLE_VECTOR:
    case WIRE_PARTICLE_HLL:
        return RESULT_OK;
    default:
        return is_blob(value.type) ? RESULT_OK : RESULT_PARAMETER;
    }
}

static uint64_t double_sum(uint64_t a_bits, uint64_t b_bits)
{
    double a, b;
    memcpy(&a, &a_bits, sizeof a);
    memcpy(&b, &b_bits, sizeof b);
    a += b;
    memcpy(&a_bits, &a, sizeof a);
    return a_bits;
}

enum base_result value_particle_increment(struct value_particle value, struct value_particle delta,
                                          uint8_t out[8])
{
    if ((delta.type != WIRE_PARTICLE_INTEGER && delta.type != WIRE_PARTICLE_DOUBLE) ||
        delta.size != 8) {
        return RESULT_PARAMETER;
    }
    if (value.type == WIRE_PARTICLE_NIL) {
        memcpy(out, delta.data, 8);
        return RESULT_OK;
    }
    if (value.type != delta.type) {
        return RESULT_INCOMPATIBLE_TYPE;
    }
    uint64_t a = base_be64_load(value.data);
    uint64_t b = base_be64_load(delta.data);
    base_be64_store(out, delta.type == WIRE_PARTICLE_INTEGER ? a + b : double_sum(a, b));
    return RESULT_OK;
}

enum base_result value_particle_joinable(struct value_particle value, struct value_particle tail)
{
    if (tail.type != WIRE_PARTICLE_STRING && !is_blob(tail.type)) {
        return RESULT_PARAMETER;
    }
    return value.type == WIRE_PARTICLE_NIL || value.type == tail.type ? RESULT_OK
                                                                      : RESULT_INCOMPATIBLE_TYPE;
}
