// SPDX-License-Identifier: Apache-2.0
// The message is walked twice, to measure and to copy; its boundaries were checked when it was
// parsed.
#include "client/record.h"

#include <stdlib.h>

#include "base/digest.h"
#include "client/value.h"
#include "io/clock.h"

struct ballast_record {
    uint32_t generation;
    uint32_t void_time_s; // since 2010; 0: never expires
    bool has_digest;
    struct base_digest digest;
    struct ballast_value key;
    char set[LIMIT_SET_NAME_SIZE + 1];
    size_t bin_count;
    struct ballast_bin bins[]; // then names and values
};

// The bytes of a value that need a copy, with the NUL behind them; 0 for numbers.
static size_t copy_size(const struct ballast_value *value)
{
    return value->bytes == NULL ? 0 : value->size + 1;
}

// Copies the value's bytes to `at`, makes the value point there, and returns the place behind.
static char *copy_value(char *at, struct ballast_value *value)
{
    size_t size = copy_size(value);
    if (size == 0) {
        return at;
    }
    memcpy(at, value->bytes, value->size);
    at[value->size] = '\0';
    value->bytes = at;
    return at + size;
}

static struct ballast_value key_of(const struct wire_message *message)
{
    struct base_slice field = wire_fields_get(&message->fields, WIRE_FIELD_KEY);
    if (field.size == 0) {
        return ballast_nil();
    }
    return client__value_load(field.data[0],
                              (struct base_slice){.data = field.data + 1, .size = field.size - 1});
}

static size_t names_and_values_size(struct wire_ops ops)
{
    size_t size = 0;
    struct wire_op op;
    while (wire_ops_next(&ops, &op)) {
        struct ballast_value value = client__value_load(
            op.particle_type, (struct base_slice){.data = op.value, .size = op.value_size});
        size += op.name_size + 1u + copy_size(&value);
    }
    return size;
}

static char *bin_copy(char *at, const struct wire_op *op, struct ballast_bin *out)
{
    out->name = at;
    memcpy(at, op->name, op->name_size);
    at[op->name_size] = '\0';
    out->value = client__value_load(op->particle_type,
                                    (struct base_slice){.data = op->value, .size = op->value_size});
    return copy_value(at + op->name_size + 1, &out->value);
}

enum base_result client__record_new(const struct wire_message *message, struct ballast_record **out)
{
    *out = NULL;
    struct ballast_value key = key_of(message);
    size_t bin_count = message->ops.count;
    struct ballast_record *record = malloc(sizeof *record + bin_count * sizeof record->bins[0] +
                                           names_and_values_size(message->ops) + copy_size(&key));
    if (record == NULL) {
        return RESULT_NO_MEMORY;
    }
    *record = (struct ballast_record){.generation = message->header.generation,
                                      .void_time_s = message->header.record_ttl,
                                      .key = key,
                                      .bin_count = bin_count};
    struct base_slice set = wire_fields_get(&message->fields, WIRE_FIELD_SET);
    if (set.size > 0 && set.size <= LIMIT_SET_NAME_SIZE) {
        memcpy(record->set, set.data, set.size);
    }
    struct base_slice digest = wire_fields_get(&message->fields, WIRE_FIELD_DIGEST);
    if (digest.size == LIMIT_DIGEST_SIZE) {
        record->has_digest = true;
        memcpy(record->digest.bytes, digest.data, digest.size);
    }
    char *at = copy_value((char *)&record->bins[bin_count], &record->key);
    struct wire_ops ops = message->ops;
    struct wire_op op;
    for (size_t i = 0; wire_ops_next(&ops, &op); i++) {
        at = bin_copy(at, &op, &record->bins[i]);
    }
    *out = record;
    return RESULT_OK;
}

void ballast_record_free(struct ballast_record **record)
{
    if (record != NULL) {
        free(*record);
        *record = NULL;
    }
}

uint32_t ballast_record_generation(const struct ballast_record *record)
{
    return record->generation;
}

int64_t ballast_record_ttl_s(const struct ballast_record *record)
{
    if (record->void_time_s == 0) {
        return -1;
    }
    uint32_t now_s = io_clock_epoch_s();
    return record->void_time_s > now_s ? (int64_t)(record->void_time_s - now_s) : 1;
}

size_t ballast_record_bins(const struct ballast_record *record, const struct ballast_bin **bins)
{
    *bins = record->bins;
    return record->bin_count;
}

const struct ballast_value *ballast_record_get(const struct ballast_record *record,
                                               const char *name)
{
    for (size_t i = 0; i < record->bin_count; i++) {
        if (strcmp(record->bins[i].name, name) == 0) {
            return &record->bins[i].value;
        }
    }
    return NULL;
}

const char *ballast_record_set(const struct ballast_record *record)
{
    return record->set;
}

const uint8_t *ballast_record_digest(const struct ballast_record *record)
{
    return record->has_digest ? record->digest.bytes : NULL;
}

struct ballast_value ballast_record_key(const struct ballast_record *record)
{
    return record->key;
}
