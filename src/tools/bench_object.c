// SPDX-License-Identifier: Apache-2.0
// Strings are letters and digits, so that they look the same in every tool; blobs are any bytes.
#include "tools/bench_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number_take(const char **text, uint32_t *out)
{
    if (**text < '0' || **text > '9') {
        return false;
    }
    char *end;
    unsigned long number = strtoul(*text, &end, 10);
    *text = end;
    *out = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return true;
}

// Reads one item without its count; NULL when it is sound, else what is wrong with it.
static const char *field_take(const char **text, struct bench_field *out)
{
    char letter = **text;
    *text += letter != '\0';
    uint32_t size = 0;
    *text += **text == ':' && (*text)[1] >= '0' && (*text)[1] <= '9';
    bool sized = number_take(text, &size);
    *out = (struct bench_field){.size = size};
    switch (letter) {
    case 'I':
        out->type = BALLAST_INTEGER;
        out->size = sized ? size : 4;
        return out->size >= 1 && out->size <= 8 ? NULL : "an integer has 1 to 8 bytes: I4";
    case 'D':
        out->type = BALLAST_DOUBLE;
        return sized ? "a double has no size: D" : NULL;
    case 'b':
        out->type = BALLAST_BOOL;
        return sized ? "a boolean has no size: b" : NULL;
    case 'S':
        out->type = BALLAST_STRING;
        break;
    case 'B':
        out->type = BALLAST_BLOB;
        break;
    case '[':
    case '{':
        return "lists and maps are not supported here";
    default:
        return "types are I, D, b, S<size> and B<size>: I4,S:100,B20";
    }
    return sized && size >= 1 && size <= LIMIT_RECORD_SIZE_MAX
               ? NULL
               : "strings and blobs need a size: S:100, B20";
}

bool bench_spec_parse(const char *text, struct bench_spec *out, char *mistake, size_t mistake_size)
{
    *out = (struct bench_spec){0};
    const char *at = text, *wrong = NULL;
    do {
        const char *item = at;
        uint32_t count = 1;
        if (number_take(&at, &count) && *at++ != '*') {
            wrong = "a count stands before a star: 3*I4";
        }
        struct bench_field field;
        if (wrong == NULL) {
            wrong = field_take(&at, &field);
        }
        if (wrong == NULL && *at != ',' && *at != '\0') {
            wrong = "items have commas between them: I4,S:100";
        }
        if (wrong == NULL && (count == 0 || count > BENCH_BINS_MAX - out->count)) {
            wrong = "a record of the benchmark has 1 to 64 bins";
        }
        if (wrong != NULL) {
            snprintf(mistake, mistake_size, "at '%s': %s", item, wrong);
            return false;
        }
        while (count-- > 0) {
            out->fields[out->count++] = field;
        }
    } while (*at++ == ',');
    return true;
}

static bool is_bytes(const struct bench_field *field)
{
    return field->type == BALLAST_STRING || field->type == BALLAST_BLOB;
}

bool bench_object_init(struct bench_object *object, const struct bench_spec *spec, const char *name,
                       struct bench_random *random)
{
    *object = (struct bench_object){.spec = spec};
    size_t size = 0;
    for (uint32_t i = 0; i < spec->count; i++) {
        int written =
            i == 0 ? snprintf(object->names[i], sizeof object->names[i], "%s", name)
                   : snprintf(object->names[i], sizeof object->names[i], "%s_%u", name, i + 1);
        if (written < 1 || written > LIMIT_BIN_NAME_SIZE) {
            return false;
        }
        object->bins[i].name = object->names[i];
        size += is_bytes(&spec->fields[i]) ? spec->fields[i].size : 0;
    }
    object->bytes = malloc(size + 1);
    if (object->bytes == NULL) {
        return false;
    }
    uint8_t *at = object->bytes;
    for (uint32_t i = 0; i < spec->count; i++) {
        const struct bench_field *field = &spec->fields[i];
        if (is_bytes(field)) {
            object->bins[i].value = ballast_bytes(field->type, at, field->size);
            at += field->size;
        }
    }
    bench_object_fill(object, random);
    return true;
}

void bench_object_fini(struct bench_object *object)
{
    free(object->bytes);
    object->bytes = NULL;
}

static void bytes_fill(uint8_t *at, const struct bench_field *field, struct bench_random *random)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    uint64_t bits = 0;
    for (uint32_t i = 0; i < field->size; i++) {
        bits = i % 8 == 0 ? bench_random_next(random) : bits >> 8;
        at[i] = field->type == BALLAST_STRING ? (uint8_t)letters[bits & 63] : (uint8_t)bits;
    }
}

void bench_object_fill(struct bench_object *object, struct bench_random *random)
{
    uint8_t *at = object->bytes;
    for (uint32_t i = 0; i < object->spec->count; i++) {
        const struct bench_field *field = &object->spec->fields[i];
        switch (field->type) {
        case BALLAST_INTEGER:
            object->bins[i].value =
                ballast_integer((int64_t)(bench_random_next(random) >> (64 - 8 * field->size)));
            break;
        case BALLAST_DOUBLE:
            object->bins[i].value =
                ballast_double((double)(bench_random_next(random) >> 11) * 0x1p-53);
            break;
        case BALLAST_BOOL:
            object->bins[i].value = ballast_bool((bench_random_next(random) & 1) != 0);
            break;
        default:
            bytes_fill(at, field, random);
            at += field->size;
        }
    }
}
