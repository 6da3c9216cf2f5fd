// SPDX-License-Identifier: Apache-2.0
// A list `key=value;key=value` as nodes answer it, taken apart once and looked up by name. The
// pairs stand in the order of their keys and point into the text, which must stay as long as the
// map. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/result.h"

struct admin_pair {
    struct base_slice key, value;
};

struct admin_map {
    struct admin_pair *pairs; // heap
    size_t count;
};

// Takes the list apart; items end with `between`, and those without '=' are left out. Of a key that
// comes twice the last value counts. RESULT_NO_MEMORY leaves an empty map.
BASE_MUST_USE enum base_result admin_map_parse(struct admin_map *map, struct base_slice text,
                                               char between);
void admin_map_fini(struct admin_map *map);

// True with the value when the key is there. A NULL map has no keys.
bool admin_map_find(const struct admin_map *map, const char *key, struct base_slice *value);
bool admin_map_find_slice(const struct admin_map *map, struct base_slice key,
                          struct base_slice *value);

// A number, whole or with a fraction, that fills the slice; false for anything else.
bool admin_slice_number(struct base_slice text, double *out);

// The value as a number, 0 when it is missing or none.
double admin_map_number(const struct admin_map *map, const char *key);

// Orders two texts by their bytes, as strcmp does.
int admin_slice_compare(struct base_slice a, struct base_slice b);
