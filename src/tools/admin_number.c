// SPDX-License-Identifier: Apache-2.0
// Units come from small tables, the largest first; the last one takes what is left.
#include "tools/admin_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    double factor;
    const char *suffix;
};

static const struct unit count_units[] = {
    {1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " K"}, {1, "  "},
};

static const struct unit byte_units[] = {
    {1125899906842624.0, " PB"}, {1099511627776.0, " TB"}, {1073741824.0, " GB"},
    {1048576.0, " MB"},          {1024.0, " KB"},          {1, " B "},
};

enum { UNIT_COUNT = 6, NUMBER_SIZE = 352, DIGITS_MAX = 17, EXPONENT_MIN = -4, EXPONENT_MAX = 16 };

static void scaled_append(struct tools_text *out, double value, const struct unit *units)
{
    size_t i = 0;
    while (i + 1 < UNIT_COUNT && value < units[i].factor) {
        i++;
    }
    tools_text_format_append(out, "%.3f%s", value / units[i].factor, units[i].suffix);
}

void admin_count_append(struct tools_text *out, double value)
{
    scaled_append(out, value, count_units);
}

void admin_bytes_append(struct tools_text *out, double value)
{
    scaled_append(out, value, byte_units);
}

double admin_rounded(double value)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%.2f", value);
    return strtod(text, NULL);
}

void admin_percent_append(struct tools_text *out, double value)
{
    admin_real_append(out, admin_rounded(value));
    tools_text_string_append(out, " %");
}

void admin_clock_append(struct tools_text *out, double value_s)
{
    uint64_t seconds = value_s > 0 && value_s < 1e15 ? (uint64_t)value_s : 0;
    tools_text_format_append(out, "%02llu:%02llu:%02llu", (unsigned long long)(seconds / 3600),
                             (unsigned long long)(seconds / 60 % 60),
                             (unsigned long long)(seconds % 60));
}

void admin_real_append(struct tools_text *out, double value)
{
    if (!isfinite(value)) {
        tools_text_string_append(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    char text[NUMBER_SIZE];
    int digits = 1;
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
    } while (strtod(text, NULL) != value && ++digits <= DIGITS_MAX);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= EXPONENT_MIN && exponent < EXPONENT_MAX) {
        int behind = digits - 1 - exponent;
        snprintf(text, sizeof text, "%.*f", behind < 1 ? 1 : behind, value);
    }
    tools_text_string_append(out, text);
}

void admin_number_append(struct tools_text *out, double value, enum admin_form form)
{
    switch (form) {
    case ADMIN_COUNT:
        admin_count_append(out, value);
        return;
    case ADMIN_BYTES:
        admin_bytes_append(out, value);
        return;
    case ADMIN_PERCENT:
        admin_percent_append(out, value);
        return;
    case ADMIN_RATIO:
        admin_percent_append(out, value * 100);
        return;
    case ADMIN_CLOCK:
        admin_clock_append(out, value);
        return;
    case ADMIN_CLOCK_MS:
        admin_clock_append(out, value / 1000);
        return;
    case ADMIN_ROUNDED:
        admin_real_append(out, admin_rounded(value));
        return;
    case ADMIN_AS_IS:
        admin_real_append(out, value);
        return;
    }
}
