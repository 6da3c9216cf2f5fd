// SPDX-License-Identifier: Apache-2.0
// One switch writes, one reads; all types that are neither number nor boolean are plain bytes.
#include "client/value.h"

#include "wire/message.h"

_Static_assert((int)BALLAST_NIL == WIRE_PARTICLE_NIL &&
                   (int)BALLAST_INTEGER == WIRE_PARTICLE_INTEGER &&
                   (int)BALLAST_DOUBLE == WIRE_PARTICLE_DOUBLE &&
                   (int)BALLAST_STRING == WIRE_PARTICLE_STRING &&
                   (int)BALLAST_BLOB == WIRE_PARTICLE_BLOB &&
                   (int)BALLAST_BOOL == WIRE_PARTICLE_BOOL &&
                   (int)BALLAST_HLL == WIRE_PARTICLE_HLL && (int)BALLAST_MAP == WIRE_PARTICLE_MAP &&
                   (int)BALLAST_LIST == WIRE_PARTICLE_LIST &&
                   (int)BALLAST_GEOJSON == WIRE_PARTICLE_GEOJSON,
               "value types are particle types");

size_t client__value_size(const struct ballast_value *value)
{
    switch (value->type) {
    case BALLAST_NIL:
        return 0;
    case BALLAST_INTEGER:
    case BALLAST_DOUBLE:
        return 8;
    case BALLAST_BOOL:
        return 1;
    default:
        return value->size;
    }
}

uint8_t *client__value_store(uint8_t *at, const struct ballast_value *value)
{
    size_t size = client__value_size(value);
    uint64_t bits;
    switch (value->type) {
    case BALLAST_NIL:
        break;
    case BALLAST_INTEGER:
        base_be64_store(at, (uint64_t)value->integer);
        break;
    case BALLAST_DOUBLE:
        memcpy(&bits, &value->number, sizeof bits);
        base_be64_store(at, bits);
        break;
    case BALLAST_BOOL:
        *at = value->integer != 0;
        break;
    default:
        if (size > 0) {
            memcpy(at, value->bytes, size);
        }
    }
    return at + size;
}

bool client__value_is_sound(const struct ballast_value *value)
{
    switch (value->type) {
    case BALLAST_NIL:
    case BALLAST_INTEGER:
    case BALLAST_DOUBLE:
    case BALLAST_BOOL:
        return true;
    default:
        return (uint32_t)value->type <= UINT8_MAX && (value->size == 0 || value->bytes != NULL);
    }
}

struct ballast_value client__value_load(uint8_t particle_type, struct base_slice bytes)
{
    if (particle_type == WIRE_PARTICLE_NIL && bytes.size == 0) {
        return ballast_nil();
    }
    if (particle_type == WIRE_PARTICLE_INTEGER && bytes.size == 8) {
        return ballast_integer((int64_t)base_be64_load(bytes.data));
    }
    if (particle_type == WIRE_PARTICLE_DOUBLE && bytes.size == 8) {
        uint64_t bits = base_be64_load(bytes.data);
        double number;
        memcpy(&number, &bits, sizeof number);
        return ballast_double(number);
    }
    if (particle_type == WIRE_PARTICLE_BOOL && bytes.size == 1) {
        return ballast_bool(bytes.data[0] != 0);
    }
    bool scalar = particle_type == WIRE_PARTICLE_NIL || particle_type == WIRE_PARTICLE_INTEGER ||
                  particle_type == WIRE_PARTICLE_DOUBLE || particle_type == WIRE_PARTICLE_BOOL;
    return ballast_bytes(scalar ? BALLAST_BLOB : (enum ballast_type)particle_type, bytes.data,
                         bytes.size);
}

struct ballast_value ballast_nil(void)
{
    return (struct ballast_value){.type = BALLAST_NIL};
}

struct ballast_value ballast_integer(int64_t integer)
{
    return (struct ballast_value){.type = BALLAST_INTEGER, .integer = integer};
}

struct ballast_value ballast_double(double number)
{
    return (struct ballast_value){.type = BALLAST_DOUBLE, .number = number};
}

struct ballast_value ballast_bool(bool boolean)
{
    return (struct ballast_value){.type = BALLAST_BOOL, .integer = boolean};
}

struct ballast_value ballast_string(const char *text)
{
    return ballast_bytes(BALLAST_STRING, text, text == NULL ? 0 : strlen(text));
}

struct ballast_value ballast_blob(const void *bytes, size_t size)
{
    return ballast_bytes(BALLAST_BLOB, bytes, size);
}

struct ballast_value ballast_bytes(enum ballast_type type, const void *bytes, size_t size)
{
    return (struct ballast_value){.type = type, .bytes = bytes, .size = size};
}
