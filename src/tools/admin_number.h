// SPDX-License-Identifier: Apache-2.0
// Numbers as the administrator's tables show them. Each function appends to a text and keeps
// nothing; any thread may call.
#pragma once

#include "tools/text.h"

// How a number is shown.
enum admin_form {
    ADMIN_AS_IS,
    ADMIN_COUNT,    // 1580: "1.580 K", 12: "12.000  "; the blanks stand where a unit would
    ADMIN_BYTES,    // 1536: "1.500 KB", 12: "12.000 B "
    ADMIN_PERCENT,  // 90: "90.0 %"
    ADMIN_RATIO,    // 0.34182: "34.18 %"
    ADMIN_CLOCK,    // seconds: "01:06:50"; hours may pass 99
    ADMIN_CLOCK_MS, // milliseconds, shown as seconds are
    ADMIN_ROUNDED,  // at most two digits behind the point
};

void admin_count_append(struct tools_text *out, double value);
void admin_bytes_append(struct tools_text *out, double value);
void admin_percent_append(struct tools_text *out, double value);
void admin_clock_append(struct tools_text *out, double value_s);

// The shortest decimal number that reads back as the same double, with a fraction: "0.0",
// "10468.8", "1e+16".
void admin_real_append(struct tools_text *out, double value);

// A number in one of the forms. ADMIN_AS_IS is admin_real_append.
void admin_number_append(struct tools_text *out, double value, enum admin_form form);

// Rounded to two digits behind the point.
double admin_rounded(double value);
