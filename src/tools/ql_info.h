// SPDX-License-Identifier: Apache-2.0
// Answers to info commands into rows (info-and-tools sections 1.3 and 2). Pure, but for the memory
// of the rows it is building.
#pragma once

#include "base/result.h"
#include "tools/ql_data.h"

enum ql_info_form {
    QL_INFO_LIST,    // a;b;c or k=v:k=v;k=v:k=v: a row each; plain items under the command's name
    QL_INFO_PAIRS,   // k=v;k=v: a row `name`, `value` each
    QL_INFO_FIELDS,  // k=v;k=v: one row
    QL_INFO_MODULES, // k=v,k=v;k=v,k=v: a row each
    QL_INFO_MODULE,  // k=v;content=<base64>: one row, the content decoded
    QL_INFO_BINS,    // ns:bin_names=N,bin_names_quota=M,bin,bin;...: a row for each bin
    QL_INFO_ANY,     // whichever of LIST and PAIRS the answer looks like
};

typedef void (*ql_info_row_fn)(const struct ql_bin *fields, size_t field_count, void *arg);

// Calls `fn` for each row of the answer, fields in alphabetical order except in PAIRS. The fields
// live during the call. `command` names the column of plain items.
BASE_MUST_USE enum base_result ql_info_rows(enum ql_info_form form, const char *command,
                                            const char *answer, ql_info_row_fn fn, void *arg);

// True when the answer is an error, which is then in *failure.
bool ql_info_failed(const char *answer, struct ql_failure *failure);

// The text of the field `name` of a k=v;k=v answer, or an empty slice with NULL data.
struct base_slice ql_info_field(struct base_slice answer, char between, const char *name);

// Takes the next item off the front of a list; empty items are left out. False at the end.
bool ql_info_next(struct base_slice *list, char between, struct base_slice *item);
