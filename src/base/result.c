// SPDX-License-Identifier: Apache-2.0
// Texts of the table in result.h.
#include "base/result.h"

#include <stddef.h>

const char *base_result_text(enum base_result result)
{
    switch (result) {
#define X(name, number, text)                                                                      \
    case RESULT_##name:                                                                            \
        return text;
        BASE_RESULTS(X)
#undef X
    }
    return "unknown result";
}

const char *base_result_name(enum base_result result)
{
    switch (result) {
#define X(name, number, text)                                                                      \
    case RESULT_##name:                                                                            \
        return #name;
        BASE_RESULTS(X)
#undef X
    }
    return NULL;
}
