// SPDX-License-Identifier: Apache-2.0
// Everything about one setting follows from its row in QL_SETTINGS: where its value lies, how text
// becomes that value, and how it is shown.
#include "tools/ql_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct row {
    const char *name;
    size_t offset;
    enum ql_setting_kind kind;
    const char *default_text;
    int64_t least;
    int64_t most;
    const char *meaning;
};

static const struct row rows[] = {
#define X(name, member, kind, default_text, least, most, meaning)                                  \
    {#name,  offsetof(struct ql_settings, member), QL_SETTING_##kind, default_text, least, most,   \
     meaning},
    QL_SETTINGS(X)
#undef X
};

static const char *const output_names[] = {
    [QL_OUTPUT_TABLE] = "TABLE", [QL_OUTPUT_JSON] = "JSON", [QL_OUTPUT_MUTE] = "MUTE",
    [QL_OUTPUT_RAW] = "RAW",     [QL_OUTPUT_CSV] = "CSV",   NULL,
};

static void *value_of(struct ql_settings *settings, size_t index)
{
    base_assert(index < QL_SETTING_COUNT);
    return (uint8_t *)settings + rows[index].offset;
}

void ql_settings_init(struct ql_settings *settings)
{
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        ql_setting_reset(settings, i);
    }
}

const char *ql_setting_name(size_t index)
{
    return rows[index].name;
}

const char *ql_setting_meaning(size_t index)
{
    return rows[index].meaning;
}

const char *ql_setting_default(size_t index)
{
    return rows[index].default_text;
}

void ql_setting_values_append(struct tools_text *out, size_t index)
{
    switch (rows[index].kind) {
    case QL_SETTING_BOOL:
        tools_text_string_append(out, "true | false");
        break;
    case QL_SETTING_INTEGER:
        tools_text_format_append(out, "%lld to %lld", (long long)rows[index].least,
                                 (long long)rows[index].most);
        break;
    case QL_SETTING_CHOICE:
        for (size_t i = 0; output_names[i] != NULL; i++) {
            tools_text_format_append(out, "%s%s", i == 0 ? "" : " | ", output_names[i]);
        }
        break;
    case QL_SETTING_TEXT:
        tools_text_string_append(out, "text in quotes");
        break;
    }
}

size_t ql_setting_find(struct base_slice name)
{
    size_t index = 0;
    while (index < QL_SETTING_COUNT && !tools_slice_is(name, rows[index].name)) {
        index++;
    }
    return index;
}

static enum base_result bool_set(bool *value, struct base_slice text)
{
    if (tools_slice_is(text, "true") || tools_slice_is(text, "t") || tools_slice_is(text, "1")) {
        *value = true;
        return RESULT_OK;
    }
    if (tools_slice_is(text, "false") || tools_slice_is(text, "f") || tools_slice_is(text, "0")) {
        *value = false;
        return RESULT_OK;
    }
    return RESULT_PARAMETER;
}

static enum base_result integer_set(int64_t *value, struct base_slice text, const struct row *row)
{
    char digits[24];
    if (text.size == 0 || text.size >= sizeof digits) {
        return RESULT_PARAMETER;
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    char *end;
    errno = 0;
    long long number = strtoll(digits, &end, 10);
    if (*end != '\0' || errno != 0 || number < row->least || number > row->most) {
        return RESULT_PARAMETER;
    }
    *value = number;
    return RESULT_OK;
}

static enum base_result choice_set(enum ql_output *value, struct base_slice text)
{
    for (size_t i = 0; output_names[i] != NULL; i++) {
        if (tools_slice_is(text, output_names[i])) {
            *value = (enum ql_output)i;
            return RESULT_OK;
        }
    }
    return RESULT_PARAMETER;
}

enum base_result ql_setting_set(struct ql_settings *settings, size_t index, struct base_slice text)
{
    void *value = value_of(settings, index);
    switch (rows[index].kind) {
    case QL_SETTING_BOOL:
        return bool_set(value, text);
    case QL_SETTING_INTEGER:
        return integer_set(value, text, &rows[index]);
    case QL_SETTING_CHOICE:
        return choice_set(value, text);
    case QL_SETTING_TEXT:
        break;
    }
    if (text.size > QL_SETTING_TEXT_SIZE_MAX) {
        return RESULT_PARAMETER;
    }
    char *string = value;
    memcpy(string, text.data, text.size);
    string[text.size] = '\0';
    return RESULT_OK;
}

void ql_setting_reset(struct ql_settings *settings, size_t index)
{
    enum base_result result =
        ql_setting_set(settings, index, tools_slice_of(rows[index].default_text));
    base_assert(result == RESULT_OK);
}

void ql_setting_append(struct tools_text *out, const struct ql_settings *settings, size_t index)
{
    const void *value = (const uint8_t *)settings + rows[index].offset;
    switch (rows[index].kind) {
    case QL_SETTING_BOOL:
        tools_text_string_append(out, *(const bool *)value ? "true" : "false");
        break;
    case QL_SETTING_INTEGER:
        tools_text_format_append(out, "%lld", (long long)*(const int64_t *)value);
        break;
    case QL_SETTING_CHOICE:
        tools_text_string_append(out, output_names[*(const enum ql_output *)value]);
        break;
    case QL_SETTING_TEXT:
        tools_text_string_append(out, value);
        break;
    }
}
