// SPDX-License-Identifier: Apache-2.0
// Any line: it splits into commands that cover it, each command parses or is wrong at a place
// inside it, what parsed can be printed, and any answer to an info command can be taken apart.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ql_info.h"
#include "tools/ql_parse.h"
#include "tools/ql_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void slice_check(struct base_slice slice)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < slice.size; i++) {
        sum ^= slice.data[i];
    }
    base_assert(sum <= UINT8_MAX);
}

static void value_check(const struct ql_value *value)
{
    struct tools_text text = {0};
    ql_value_append(&text, value, true);
    ql_value_json_append(&text, value, 3);
    ql_value_plain_append(&text, value);
    tools_text_fini(&text);
}

static void statement_check(const struct ql_statement *statement)
{
    switch (statement->kind) {
    case QL_INSERT:
        slice_check(statement->insert.target.ns);
        slice_check(statement->insert.target.set);
        value_check(&statement->insert.key.user);
        for (size_t i = 0; i < statement->insert.bin_count; i++) {
            slice_check(statement->insert.bins[i].name);
            value_check(&statement->insert.bins[i].value);
        }
        break;
    case QL_SELECT:
        for (size_t i = 0; i < statement->select.bin_count; i++) {
            slice_check(statement->select.bins[i]);
        }
        slice_check(statement->select.where.bin);
        value_check(&statement->select.where.low);
        break;
    case QL_EXECUTE:
    case QL_AGGREGATE:
        for (size_t i = 0; i < statement->call.argument_count; i++) {
            value_check(&statement->call.arguments[i]);
        }
        break;
    case QL_OPERATE:
        for (size_t i = 0; i < statement->operate.operation_count; i++) {
            slice_check(statement->operate.operations[i].bin.name);
            value_check(&statement->operate.operations[i].bin.value);
        }
        break;
    case QL_SET:
        base_assert(statement->setting.setting < QL_SETTING_COUNT);
        slice_check(statement->setting.value);
        break;
    default:
        break;
    }
}

static void row_check(const struct ql_bin *fields, size_t field_count, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < field_count; i++) {
        slice_check(fields[i].name);
        value_check(&fields[i].value);
    }
}

static void answer_check(const uint8_t *data, size_t size)
{
    char *answer = malloc(size + 1);
    base_assert(answer != NULL);
    memcpy(answer, data, size);
    answer[size] = '\0';
    struct ql_failure failure;
    ql_info_failed(answer, &failure);
    for (enum ql_info_form form = QL_INFO_LIST; form <= QL_INFO_ANY; form++) {
        base_assert(ql_info_rows(form, "command", answer, row_check, NULL) == RESULT_OK);
    }
    free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_slice line = {.data = data, .size = size};
    struct base_slice command;
    struct ql_session session = {.out = fopen("/dev/null", "w"), .err = fopen("/dev/null", "w")};
    base_assert(session.out != NULL && session.err != NULL);
    while (ql_command_next(&line, &command)) {
        base_assert(command.data >= data && command.data + command.size <= data + size);
        struct ql_arena arena = {0};
        struct ql_statement statement;
        struct ql_problem problem;
        enum base_result result = ql_parse(command, &arena, &statement, &problem);
        base_assert(result == RESULT_OK || result == RESULT_PARAMETER);
        base_assert((result == RESULT_OK) == (problem.kind == QL_PROBLEM_NONE));
        if (result == RESULT_OK) {
            statement_check(&statement);
        } else if (problem.kind != QL_PROBLEM_VALUE) {
            base_assert(problem.at <= command.size);
            slice_check(problem.token);
            ql_session_report(&session, command, &problem);
        }
        ql_arena_fini(&arena);
    }
    fclose(session.out);
    fclose(session.err);
    answer_check(data, size);
    return 0;
}
