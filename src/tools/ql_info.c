// SPDX-License-Identifier: Apache-2.0
// Splitting at separators, level by level.
#include "tools/ql_info.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// The fields of the row that is being built.
struct row {
    struct ql_bin *fields;
    size_t count;
    size_t capacity;
};

static struct ql_value string_value(struct base_slice text)
{
    return (struct ql_value){.type = WIRE_PARTICLE_STRING, .bytes = text};
}

static bool field_add(struct row *row, struct base_slice name, struct ql_value value)
{
    if (row->count == row->capacity) {
        size_t capacity = row->capacity == 0 ? 32 : row->capacity * 2;
        struct ql_bin *fields = realloc(row->fields, capacity * sizeof *fields);
        if (fields == NULL) {
            return false;
        }
        row->fields = fields;
        row->capacity = capacity;
    }
    row->fields[row->count++] = (struct ql_bin){.name = name, .value = value};
    return true;
}

bool ql_info_next(struct base_slice *list, char between, struct base_slice *item)
{
    while (list->size > 0) {
        const uint8_t *end = memchr(list->data, between, list->size);
        size_t size = end == NULL ? list->size : (size_t)(end - list->data);
        *item = (struct base_slice){.data = list->data, .size = size};
        size_t taken = end == NULL ? size : size + 1;
        list->data += taken;
        list->size -= taken;
        if (size > 0) {
            return true;
        }
    }
    return false;
}

// Splits at the first `at`; without one the name is all and the value empty.
static bool pair_split(struct base_slice pair, char at, struct base_slice *name,
                       struct base_slice *value)
{
    const uint8_t *found = memchr(pair.data, at, pair.size);
    size_t size = found == NULL ? pair.size : (size_t)(found - pair.data);
    size_t skip = found == NULL ? size : size + 1;
    *name = (struct base_slice){.data = pair.data, .size = size};
    *value = (struct base_slice){.data = pair.data + skip, .size = pair.size - skip};
    return found != NULL;
}

struct base_slice ql_info_field(struct base_slice answer, char between, const char *name)
{
    struct base_slice item;
    while (ql_info_next(&answer, between, &item)) {
        struct base_slice key;
        struct base_slice value;
        if (pair_split(item, '=', &key, &value) && tools_slice_is(key, name)) {
            return value;
        }
    }
    return (struct base_slice){0};
}

static bool fields_add(struct row *row, struct base_slice list, char between)
{
    struct base_slice item;
    while (ql_info_next(&list, between, &item)) {
        struct base_slice name;
        struct base_slice value;
        pair_split(item, '=', &name, &value);
        if (!field_add(row, name, string_value(value))) {
            return false;
        }
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct base_slice *x = &((const struct ql_bin *)a)->name;
    const struct base_slice *y = &((const struct ql_bin *)b)->name;
    size_t size = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->data, y->data, size);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static void row_emit(struct row *row, ql_info_row_fn fn, void *arg)
{
    if (row->count > 0) {
        qsort(row->fields, row->count, sizeof row->fields[0], by_name);
        fn(row->fields, row->count, arg);
    }
    row->count = 0;
}

static bool list_rows(struct row *row, const char *command, struct base_slice answer, char between,
                      ql_info_row_fn fn, void *arg)
{
    struct base_slice item;
    while (ql_info_next(&answer, ';', &item)) {
        bool done = memchr(item.data, '=', item.size) != NULL
                        ? fields_add(row, item, between)
                        : field_add(row, tools_slice_of(command), string_value(item));
        if (!done) {
            return false;
        }
        row_emit(row, fn, arg);
    }
    return true;
}

static bool pairs_rows(struct row *row, struct base_slice answer, ql_info_row_fn fn, void *arg)
{
    struct base_slice item;
    while (ql_info_next(&answer, ';', &item)) {
        struct base_slice name;
        struct base_slice value;
        pair_split(item, '=', &name, &value);
        if (!field_add(row, tools_slice_of("name"), string_value(name)) ||
            !field_add(row, tools_slice_of("value"), string_value(value))) {
            return false;
        }
        row_emit(row, fn, arg);
    }
    return true;
}

static bool module_row(struct row *row, struct base_slice answer, ql_info_row_fn fn, void *arg)
{
    if (!fields_add(row, answer, ';')) {
        return false;
    }
    uint8_t *decoded = NULL;
    for (size_t i = 0; i < row->count; i++) {
        struct base_slice *value = &row->fields[i].value.bytes;
        if (!tools_slice_is(row->fields[i].name, "content") || decoded != NULL) {
            continue;
        }
        decoded = malloc(value->size + 1);
        if (decoded == NULL) {
            return false;
        }
        size_t size;
        if (tools_base64_decode((const char *)value->data, value->size, decoded, &size)) {
            *value = (struct base_slice){.data = decoded, .size = size};
        }
    }
    row_emit(row, fn, arg);
    free(decoded);
    return true;
}

static bool bins_rows(struct row *row, struct base_slice answer, ql_info_row_fn fn, void *arg)
{
    struct base_slice item;
    while (ql_info_next(&answer, ';', &item)) {
        struct base_slice ns;
        struct base_slice list;
        pair_split(item, ':', &ns, &list);
        struct base_slice count = ql_info_field(list, ',', "bin_names");
        struct base_slice quota = ql_info_field(list, ',', "bin_names_quota");
        struct base_slice bin;
        while (ql_info_next(&list, ',', &bin)) {
            if (memchr(bin.data, '=', bin.size) != NULL) {
                continue;
            }
            if (!field_add(row, tools_slice_of("bin"), string_value(bin)) ||
                !field_add(row, tools_slice_of("count"), string_value(count)) ||
                !field_add(row, tools_slice_of("namespace"), string_value(ns)) ||
                !field_add(row, tools_slice_of("quota"), string_value(quota))) {
                return false;
            }
            row_emit(row, fn, arg);
        }
    }
    return true;
}

// k=v;k=v without a colon inside an item is a list of pairs.
static enum ql_info_form form_of(struct base_slice answer)
{
    struct base_slice item;
    size_t items = 0;
    while (ql_info_next(&answer, ';', &item)) {
        const uint8_t *equals = memchr(item.data, '=', item.size);
        const uint8_t *colon = memchr(item.data, ':', item.size);
        if (equals == NULL ||
            (colon != NULL &&
             memchr(colon, '=', item.size - (size_t)(colon - item.data)) != NULL)) {
            return QL_INFO_LIST;
        }
        items++;
    }
    return items > 0 ? QL_INFO_PAIRS : QL_INFO_LIST;
}

enum base_result ql_info_rows(enum ql_info_form form, const char *command, const char *answer,
                              ql_info_row_fn fn, void *arg)
{
    struct row row = {0};
    struct base_slice text = tools_slice_of(answer);
    bool done = true;
    if (form == QL_INFO_ANY) {
        form = form_of(text);
    }
    switch (form) {
    case QL_INFO_PAIRS:
        done = pairs_rows(&row, text, fn, arg);
        break;
    case QL_INFO_FIELDS:
        done = fields_add(&row, text, ';');
        row_emit(&row, fn, arg);
        break;
    case QL_INFO_MODULES:
        done = list_rows(&row, command, text, ',', fn, arg);
        break;
    case QL_INFO_MODULE:
        done = module_row(&row, text, fn, arg);
        break;
    case QL_INFO_BINS:
        done = bins_rows(&row, text, fn, arg);
        break;
    default:
        done = list_rows(&row, command, text, ':', fn, arg);
        break;
    }
    free(row.fields);
    return done ? RESULT_OK : RESULT_NO_MEMORY;
}

// error=reason;...;message=<base64>
static void module_failure(struct base_slice answer, struct ql_failure *failure)
{
    struct base_slice reason = ql_info_field(answer, ';', "error");
    struct base_slice line = ql_info_field(answer, ';', "line");
    struct base_slice message = ql_info_field(answer, ';', "message");
    uint8_t decoded[256];
    size_t size = 0;
    if (message.size / 4 * 3 > sizeof decoded ||
        !tools_base64_decode((const char *)message.data, message.size, decoded, &size)) {
        size = 0;
    }
    ql_failure_set(failure, 100, "%.*s%s%.*s%s%.*s", (int)reason.size, reason.data,
                   line.size > 0 ? " in line " : "", (int)line.size, line.data,
                   size > 0 ? ": " : "", (int)size, decoded);
}

bool ql_info_failed(const char *answer, struct ql_failure *failure)
{
    static const char *const prefixes[] = {"ERROR", "FAIL"};
    *failure = (struct ql_failure){0};
    if (strncasecmp(answer, "error=", 6) == 0) {
        module_failure(tools_slice_of(answer), failure);
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t size = strlen(prefixes[i]);
        if (strncasecmp(answer, prefixes[i], size) != 0 ||
            (answer[size] != ':' && answer[size] != '\0')) {
            continue;
        }
        const char *code_at = answer + size + (answer[size] == ':');
        char *end;
        long code = strtol(code_at, &end, 10);
        const char *text = *end == ':' ? end + 1 : end;
        ql_failure_set(failure, code > 0 && code < 1000 ? (int32_t)code : 1, "%s", text);
        if (failure->text[0] == '\0') {
            ql_failure_set(failure, failure->code, "%s", ql_code_name(failure->code));
        }
        return true;
    }
    return false;
}
