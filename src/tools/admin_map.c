// SPDX-License-Identifier: Apache-2.0
// Sorted once, then looked up by halving.
#include "tools/admin_map.h"

#include <stdlib.h>
#include <string.h>

#include "tools/text.h"
#include "wire/info.h"

enum { NUMBER_SIZE_MAX = 40 };

int admin_slice_compare(struct base_slice a, struct base_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int pair_compare(const void *a, const void *b)
{
    const struct admin_pair *left = a, *right = b;
    int order = admin_slice_compare(left->key, right->key);
    // Equal keys keep the order of the text.
    return order != 0 ? order
                      : (left->key.data > right->key.data) - (left->key.data < right->key.data);
}

static size_t items_count(struct base_slice text, char between)
{
    size_t count = text.size > 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == (uint8_t)between;
    }
    return count;
}

// Drops all but the last of equal keys.
static void duplicates_drop(struct admin_map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (i + 1 < map->count && base_slice_equal(map->pairs[i].key, map->pairs[i + 1].key)) {
            continue;
        }
        map->pairs[kept++] = map->pairs[i];
    }
    map->count = kept;
}

enum base_result admin_map_parse(struct admin_map *map, struct base_slice text, char between)
{
    *map = (struct admin_map){0};
    size_t most = items_count(text, between);
    if (most == 0) {
        return RESULT_OK;
    }
    map->pairs = malloc(most * sizeof *map->pairs);
    if (map->pairs == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct base_slice item;
    while (wire_info_piece_next(&text, between, &item)) {
        const uint8_t *equals = item.size == 0 ? NULL : memchr(item.data, '=', item.size);
        if (equals == NULL) {
            continue;
        }
        size_t key_size = (size_t)(equals - item.data);
        map->pairs[map->count++] = (struct admin_pair){
            .key = {.data = item.data, .size = key_size},
            .value = {.data = equals + 1, .size = item.size - key_size - 1},
        };
    }
    qsort(map->pairs, map->count, sizeof *map->pairs, pair_compare);
    duplicates_drop(map);
    return RESULT_OK;
}

void admin_map_fini(struct admin_map *map)
{
    free(map->pairs);
    *map = (struct admin_map){0};
}

bool admin_map_find_slice(const struct admin_map *map, struct base_slice key,
                          struct base_slice *value)
{
    *value = (struct base_slice){0};
    size_t low = 0, high = map == NULL ? 0 : map->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = admin_slice_compare(map->pairs[middle].key, key);
        if (order == 0) {
            *value = map->pairs[middle].value;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool admin_map_find(const struct admin_map *map, const char *key, struct base_slice *value)
{
    return admin_map_find_slice(map, tools_slice_of(key), value);
}

bool admin_slice_number(struct base_slice text, double *out)
{
    *out = 0;
    if (text.size == 0 || text.size > NUMBER_SIZE_MAX) {
        return false;
    }
    char copy[NUMBER_SIZE_MAX + 1];
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        // No exponents: a cluster key of digits and one E is a name.
        if (!((c >= '0' && c <= '9') || c == '.' || (c == '-' && i == 0))) {
            return false;
        }
        copy[i] = c;
    }
    copy[text.size] = '\0';
    char *end;
    *out = strtod(copy, &end);
    return *end == '\0' && end != copy;
}

double admin_map_number(const struct admin_map *map, const char *key)
{
    struct base_slice value;
    double number;
    return admin_map_find(map, key, &value) && admin_slice_number(value, &number) ? number : 0;
}
