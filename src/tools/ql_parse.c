// SPDX-License-Identifier: Apache-2.0
// The table of commands and the grammar of those that read and write records.
#include "tools/ql_parse.h"

#include <string.h>
#include <time.h>

#include "tools/ql_parser.h"

// INTO ns[.set] (PK, bin, ...) VALUES (key, value, ...)
static bool insert_names_want(struct ql_parser *parser, struct ql_insert *insert)
{
    if (!ql_symbol_want(parser, "(")) {
        return false;
    }
    struct base_slice name;
    ql_expect(parser, "PK");
    if (parser->token.kind == QL_TOKEN_WORD && !ql_word_ahead(parser, "PK")) {
        return ql_fail_note(parser, parser->token, "the first column must be PK");
    }
    if (!ql_name_want(parser, "PK", &name)) {
        return false;
    }
    if (!tools_slice_is(name, "PK")) {
        return ql_fail_note(parser, parser->last, "the first column must be PK");
    }
    while (ql_symbol_accept(parser, ",")) {
        insert->bins =
            ql_array_grow(parser, insert->bins, insert->bin_count, sizeof insert->bins[0]);
        if (insert->bins == NULL || !ql_plain_name_want(parser, "a bin", &name)) {
            return false;
        }
        if (tools_slice_is(name, "PK")) {
            return ql_fail_note(parser, parser->last, "PK is no bin; it names the key");
        }
        insert->bins[insert->bin_count++].name = name;
    }
    if (insert->bin_count == 0) {
        return ql_fail(parser);
    }
    return ql_symbol_want(parser, ")");
}

static bool insert_values_want(struct ql_parser *parser, struct ql_insert *insert)
{
    if (!ql_symbol_want(parser, "(") || !ql_key_value_want(parser, &insert->key)) {
        return false;
    }
    size_t count = 0;
    while (ql_symbol_accept(parser, ",")) {
        if (count == insert->bin_count) {
            return ql_fail_note(parser, parser->token, "one value too many for the %zu columns",
                                insert->bin_count + 1);
        }
        if (!ql_value_want(parser, &insert->bins[count].value)) {
            return false;
        }
        count++;
    }
    if (count < insert->bin_count && ql_symbol_ahead(parser, ")")) {
        return ql_fail_note(parser, parser->token, "%zu columns, but only %zu values",
                            insert->bin_count + 1, count + 1);
    }
    return ql_symbol_want(parser, ")");
}

static bool insert_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_INSERT;
    struct ql_insert *insert = &out->insert;
    return ql_word_want(parser, "INTO") && ql_target_want(parser, &insert->target) &&
           insert_names_want(parser, insert) && ql_word_want(parser, "VALUES") &&
           insert_values_want(parser, insert);
}

static bool delete_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_DELETE;
    return ql_word_want(parser, "FROM") && ql_target_want(parser, &out->remove.target) &&
           ql_word_want(parser, "WHERE") && ql_key_want(parser, &out->remove.key);
}

// A value that an index can be asked for: an integer, a string, or a region.
static bool operand_want(struct ql_parser *parser, struct ql_value *out)
{
    struct ql_token token = parser->token;
    if (!ql_value_want(parser, out)) {
        return false;
    }
    if (out->type != WIRE_PARTICLE_INTEGER && out->type != WIRE_PARTICLE_STRING) {
        return ql_fail_value(parser, token,
                             "Equality match is only available for int and string bins");
    }
    return true;
}

static bool region_want(struct ql_parser *parser, struct ql_value *out)
{
    struct ql_token token = parser->token;
    if (!ql_value_want(parser, out)) {
        return false;
    }
    return out->type == WIRE_PARTICLE_GEOJSON ||
           ql_fail_note(parser, token, "expected GEOJSON('...')");
}

static bool between_want(struct ql_parser *parser, struct ql_where *where)
{
    struct ql_token low = parser->token;
    if (!ql_value_want(parser, &where->low) || !ql_word_want(parser, "AND")) {
        return false;
    }
    struct ql_token high = parser->token;
    if (!ql_value_want(parser, &where->high)) {
        return false;
    }
    if (where->low.type != WIRE_PARTICLE_INTEGER || where->high.type != WIRE_PARTICLE_INTEGER) {
        return ql_fail_note(parser, where->low.type == WIRE_PARTICLE_INTEGER ? high : low,
                            "BETWEEN takes integers");
    }
    where->kind = QL_WHERE_BETWEEN;
    return true;
}

static bool second_predicate_want(struct ql_parser *parser, struct ql_where *where,
                                  enum ql_index_kind index)
{
    struct ql_token token = parser->last; // AND
    if (index != QL_INDEX_DEFAULT) {
        return ql_fail_value(parser, token,
                             "\"IN <indextype>\" not supported with double where clause.");
    }
    if (!ql_name_want(parser, "a bin", &where->bin2)) {
        return false;
    }
    if (where->kind != QL_WHERE_EQUAL || !ql_symbol_ahead(parser, "=")) {
        return ql_fail_value(parser, where->kind != QL_WHERE_EQUAL ? token : parser->token,
                             "Double where clause only supports '=' expressions.");
    }
    ql_parser_take(parser);
    where->kind = QL_WHERE_BOTH;
    return operand_want(parser, &where->low2);
}

static bool where_want(struct ql_parser *parser, struct ql_where *where, enum ql_index_kind index)
{
    if (ql_key_ahead(parser)) {
        if (index != QL_INDEX_DEFAULT) {
            return ql_fail_note(parser, parser->token, "IN asks an index; %s needs none", "a key");
        }
        where->kind = QL_WHERE_KEY;
        return ql_key_want(parser, &where->key);
    }
    if (!ql_name_want(parser, "a bin", &where->bin)) {
        return false;
    }
    bool done;
    if (ql_symbol_accept(parser, "=")) {
        where->kind = QL_WHERE_EQUAL;
        done = operand_want(parser, &where->low);
    } else if (ql_word_accept(parser, "BETWEEN")) {
        done = between_want(parser, where);
    } else if (ql_word_accept(parser, "CONTAINS")) {
        where->kind = QL_WHERE_CONTAINS;
        done = region_want(parser, &where->low);
    } else if (ql_word_accept(parser, "WITHIN")) {
        where->kind = QL_WHERE_WITHIN;
        done = region_want(parser, &where->low);
    } else {
        return ql_fail(parser);
    }
    return done && (!ql_word_accept(parser, "AND") || second_predicate_want(parser, where, index));
}

static bool index_kind_accept(struct ql_parser *parser, enum ql_index_kind *out)
{
    static const struct {
        const char *word;
        enum ql_index_kind kind;
    } kinds[] = {
        {"LIST", QL_INDEX_LIST}, {"MAPKEYS", QL_INDEX_MAPKEYS}, {"MAPVALUES", QL_INDEX_MAPVALUES}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (ql_word_accept(parser, kinds[i].word)) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static bool in_want(struct ql_parser *parser, enum ql_index_kind *index)
{
    *index = QL_INDEX_DEFAULT;
    return !ql_word_accept(parser, "IN") || index_kind_accept(parser, index) || ql_fail(parser);
}

static bool limit_want(struct ql_parser *parser, struct ql_select *select)
{
    ql_expect(parser, "a number of records");
    struct ql_token token = parser->token;
    struct ql_value value;
    bool digits = token.kind == QL_TOKEN_NUMBER;
    if (!digits) {
        return ql_fail(parser);
    }
    if (!ql_value_want(parser, &value) || value.type != WIRE_PARTICLE_INTEGER ||
        value.integer < 0) {
        return ql_fail_note(parser, token, "LIMIT takes a whole number, 0 or more");
    }
    select->has_limit = true;
    select->limit = (uint64_t)value.integer;
    return true;
}

// [IN type] [WHERE cond] [LIMIT n], the last two in either order.
static bool conditions_want(struct ql_parser *parser, struct ql_select *select)
{
    if (!in_want(parser, &select->index)) {
        return false;
    }
    for (;;) {
        if (select->where.kind == QL_WHERE_NONE && ql_word_accept(parser, "WHERE")) {
            if (!where_want(parser, &select->where, select->index)) {
                return false;
            }
        } else if (!select->has_limit && ql_word_accept(parser, "LIMIT")) {
            if (!limit_want(parser, select)) {
                return false;
            }
        } else if (select->index != QL_INDEX_DEFAULT && select->where.kind == QL_WHERE_NONE) {
            return ql_fail(parser); // an index without a condition
        } else {
            return true;
        }
    }
}

static bool select_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_SELECT;
    struct ql_select *select = &out->select;
    if (!ql_symbol_accept(parser, "*")) {
        do {
            select->bins =
                ql_array_grow(parser, select->bins, select->bin_count, sizeof select->bins[0]);
            if (select->bins == NULL ||
                !ql_name_want(parser, "a bin", &select->bins[select->bin_count])) {
                return false;
            }
            select->bin_count++;
        } while (ql_symbol_accept(parser, ","));
    }
    return ql_word_want(parser, "FROM") && ql_target_want(parser, &select->target) &&
           conditions_want(parser, select);
}

static bool explain_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct ql_token token = parser->token;
    bool can = ql_word_accept(parser, "SELECT");
    if (can && !select_parse(parser, out)) {
        return false;
    }
    if (!can && token.kind == QL_TOKEN_END) {
        return ql_fail(parser);
    }
    if (!can || out->select.where.kind != QL_WHERE_KEY) {
        ql_fail_value(parser, token,
                      "\"Explain\" supports a primary-key operation. Type help for syntax.");
        parser->problem->code = -127;
        return false;
    }
    out->select.explain = true;
    return true;
}

// mod.func([args]) ON ns[.set] [IN type] [WHERE cond]
static bool call_parse(struct ql_parser *parser, struct ql_statement *out,
                       enum ql_statement_kind kind)
{
    out->kind = kind;
    struct ql_call *call = &out->call;
    if (!ql_name_want(parser, "a module", &call->module) || !ql_symbol_want(parser, ".") ||
        !ql_name_want(parser, "a function", &call->function) ||
        !ql_value_list_want(parser, &call->arguments, &call->argument_count) ||
        !ql_word_want(parser, "ON") || !ql_target_want(parser, &call->target) ||
        !in_want(parser, &call->index)) {
        return false;
    }
    if (!ql_word_accept(parser, "WHERE")) {
        return call->index == QL_INDEX_DEFAULT || ql_fail(parser);
    }
    struct ql_token token = parser->token;
    if (!where_want(parser, &call->where, call->index)) {
        return false;
    }
    if (kind == QL_AGGREGATE && call->where.kind == QL_WHERE_KEY) {
        return ql_fail_note(parser, token, "AGGREGATE runs over many records, not over one key");
    }
    return true;
}

static bool execute_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return call_parse(parser, out, QL_EXECUTE);
}

static bool aggregate_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return call_parse(parser, out, QL_AGGREGATE);
}

static const struct {
    const char *word;
    enum wire_op_type type;
    bool has_bin;
    bool has_value;
} operations[] = {
    {"TOUCH", WIRE_OP_TOUCH, false, false},   {"READ", WIRE_OP_READ, true, false},
    {"WRITE", WIRE_OP_WRITE, true, true},     {"DELETE", WIRE_OP_DELETE, false, false},
    {"PREPEND", WIRE_OP_PREPEND, true, true}, {"APPEND", WIRE_OP_APPEND, true, true},
    {"INCR", WIRE_OP_INCR, true, true},
};

enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

static bool operation_want(struct ql_parser *parser, struct ql_operation *out)
{
    struct base_slice word = ql_parser_slice(parser);
    size_t which = 0;
    while (which < OPERATION_COUNT && !ql_word_accept(parser, operations[which].word)) {
        which++;
    }
    if (which == OPERATION_COUNT) {
        bool collection = parser->token.kind == QL_TOKEN_WORD && word.size > 5 &&
                          (strncasecmp((const char *)word.data, "LIST_", 5) == 0 ||
                           strncasecmp((const char *)word.data, "MAP_", 4) == 0);
        return collection ? ql_fail_value(parser, parser->token,
                                          "%.*s: this version has no list and map operations",
                                          (int)word.size, word.data)
                          : ql_fail(parser);
    }
    out->type = operations[which].type;
    if (!ql_symbol_want(parser, "(")) {
        return false;
    }
    if (operations[which].has_bin && !ql_name_want(parser, "a bin", &out->bin.name)) {
        return false;
    }
    if (operations[which].has_value &&
        (!ql_symbol_want(parser, ",") || !ql_value_want(parser, &out->bin.value))) {
        return false;
    }
    return ql_symbol_want(parser, ")");
}

// fn(bin, ...), ... ON ns[.set] WHERE PK = key
static bool operate_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_OPERATE;
    struct ql_operate *operate = &out->operate;
    do {
        operate->operations = ql_array_grow(parser, operate->operations, operate->operation_count,
                                            sizeof operate->operations[0]);
        if (operate->operations == NULL ||
            !operation_want(parser, &operate->operations[operate->operation_count])) {
            return false;
        }
        operate->operation_count++;
    } while (ql_symbol_accept(parser, ","));
    return ql_word_want(parser, "ON") && ql_target_want(parser, &operate->target) &&
           ql_word_want(parser, "WHERE") && ql_key_want(parser, &operate->key);
}

// Nanoseconds since the epoch, or a date in the machine's time zone.
static bool lut_want(struct ql_parser *parser, uint64_t *out)
{
    struct ql_token token = parser->token;
    ql_expect(parser, "a time");
    if (token.kind == QL_TOKEN_END) {
        return ql_fail(parser);
    }
    struct base_slice text = ql_token_bare(parser->text, token);
    char copy[64] = "";
    if (text.size < sizeof copy) {
        memcpy(copy, text.data, text.size);
    }
    struct ql_value value = {.type = WIRE_PARTICLE_NIL};
    struct tm date = {.tm_isdst = -1};
    const char *end = strptime(copy, "%b %d %Y %H:%M:%S", &date);
    if (token.kind == QL_TOKEN_NUMBER && !ql_value_want(parser, &value)) {
        return false;
    }
    if (value.type == WIRE_PARTICLE_INTEGER && value.integer > 0) {
        *out = (uint64_t)value.integer;
        return true;
    }
    time_t seconds = end != NULL && *end == '\0' ? mktime(&date) : -1;
    if (token.kind != QL_TOKEN_STRING || seconds <= 0) {
        return ql_fail_value(
            parser, token,
            "Invalid lut, use format \"Dec 18 2017 09:53:20\" or 1513590800000000000.");
    }
    *out = (uint64_t)seconds * 1000000000u;
    ql_parser_take(parser);
    return true;
}

static bool truncate_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_TRUNCATE;
    return ql_target_want(parser, &out->truncate.target) &&
           (!ql_word_accept(parser, "UPTO") || lut_want(parser, &out->truncate.before_ns));
}

// A path or command in quotes, or one word.
static bool text_want(struct ql_parser *parser, struct ql_statement *out,
                      enum ql_statement_kind kind, const char *what)
{
    out->kind = kind;
    return ql_name_want(parser, what, &out->text);
}

static bool run_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return text_want(parser, out, QL_RUN, "a file in quotes");
}

static bool asinfo_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return text_want(parser, out, QL_ASINFO, "an info command in quotes");
}

// All of the command behind its first word, without the quotes when it is one string.
static bool rest_want(struct ql_parser *parser, struct ql_statement *out,
                      enum ql_statement_kind kind, const char *what)
{
    out->kind = kind;
    ql_expect(parser, what);
    if (parser->token.kind == QL_TOKEN_END) {
        return ql_fail(parser);
    }
    struct ql_token first = parser->token;
    struct ql_token second = ql_lex(parser->text, first.at + first.size);
    if (first.kind == QL_TOKEN_STRING && second.kind == QL_TOKEN_END) {
        out->text = ql_token_bare(parser->text, first);
    } else {
        out->text = (struct base_slice){.data = parser->text.data + first.at,
                                        .size = parser->text.size - first.at};
    }
    parser->token = (struct ql_token){.kind = QL_TOKEN_END, .at = parser->text.size};
    return true;
}

static bool print_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return rest_want(parser, out, QL_PRINT, "a text");
}

static bool system_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return rest_want(parser, out, QL_SYSTEM, "a shell command in quotes");
}

static bool help_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_HELP;
    if (parser->token.kind != QL_TOKEN_END) {
        out->text = ql_token_bare(parser->text, parser->token);
        parser->token = (struct ql_token){.kind = QL_TOKEN_END, .at = parser->text.size};
    }
    return true;
}

static bool exit_parse(struct ql_parser *parser, struct ql_statement *out)
{
    (void)parser;
    out->kind = QL_EXIT;
    return true;
}

#define COMMANDS(X)                                                                                \
    X(INSERT, insert_parse)                                                                        \
    X(SELECT, select_parse)                                                                        \
    X(DELETE, delete_parse)                                                                        \
    X(TRUNCATE, truncate_parse)                                                                    \
    X(EXPLAIN, explain_parse)                                                                      \
    X(OPERATE, operate_parse)                                                                      \
    X(EXECUTE, execute_parse)                                                                      \
    X(AGGREGATE, aggregate_parse)                                                                  \
    X(SHOW, ql_show_parse)                                                                         \
    X(DESC, ql_desc_parse)                                                                         \
    X(DESCRIBE, ql_desc_parse)                                                                     \
    X(STAT, ql_stat_parse)                                                                         \
    X(ASINFO, asinfo_parse)                                                                        \
    X(CREATE, ql_create_parse)                                                                     \
    X(DROP, ql_drop_parse)                                                                         \
    X(GRANT, ql_grant_parse)                                                                       \
    X(REVOKE, ql_revoke_parse)                                                                     \
    X(REGISTER, ql_register_parse)                                                                 \
    X(REMOVE, ql_remove_parse)                                                                     \
    X(KILL_QUERY, ql_kill_query_parse)                                                             \
    X(KILL_SCAN, ql_kill_scan_parse)                                                               \
    X(SET, ql_set_parse)                                                                           \
    X(GET, ql_get_parse)                                                                           \
    X(RESET, ql_reset_parse)                                                                       \
    X(RUN, run_parse)                                                                              \
    X(PRINT, print_parse)                                                                          \
    X(SYSTEM, system_parse)                                                                        \
    X(HELP, help_parse)                                                                            \
    X(EXIT, exit_parse)                                                                            \
    X(QUIT, exit_parse)                                                                            \
    X(Q, exit_parse)

typedef bool (*parse_fn)(struct ql_parser *parser, struct ql_statement *out);

static const char *const command_words[] = {
#define X(word, parse) #word,
    COMMANDS(X)
#undef X
        NULL,
};

static const parse_fn command_parsers[] = {
#define X(word, parse) parse,
    COMMANDS(X)
#undef X
};

const char *const *ql_command_words(void)
{
    return command_words;
}

static bool command_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct ql_token first = parser->token;
    if (first.kind == QL_TOKEN_END) {
        return true;
    }
    if (first.kind == QL_TOKEN_OPEN) {
        return ql_fail(parser);
    }
    struct base_slice word = ql_parser_slice(parser);
    for (size_t i = 0; command_words[i] != NULL; i++) {
        if (first.kind == QL_TOKEN_WORD && tools_slice_is(word, command_words[i])) {
            ql_parser_take(parser);
            return command_parsers[i](parser, out) && ql_end_want(parser);
        }
    }
    ql_fail_note(parser, first, "no command starts like this");
    parser->problem->kind = QL_PROBLEM_COMMAND;
    const char *nearest = first.kind == QL_TOKEN_WORD ? ql_nearest(word, ql_command_words()) : NULL;
    if (nearest != NULL) {
        ql_fail_note(parser, first, "did you mean %s?", nearest);
        parser->problem->kind = QL_PROBLEM_COMMAND;
    }
    return false;
}

enum base_result ql_parse(struct base_slice command, struct ql_arena *arena,
                          struct ql_statement *out, struct ql_problem *problem)
{
    memset(out, 0, sizeof *out); // each member of the union starts empty
    *problem = (struct ql_problem){.kind = QL_PROBLEM_NONE};
    struct ql_parser parser = {.text = command, .arena = arena, .problem = problem};
    parser.token = ql_lex(command, 0);
    bool done = command_parse(&parser, out);
    if (parser.token.kind == QL_TOKEN_END) {
        problem->expected_count = parser.expected_count;
        memcpy(problem->expected, parser.expected, sizeof problem->expected);
    }
    if (done) {
        return RESULT_OK;
    }
    return problem->kind == QL_PROBLEM_MEMORY ? RESULT_NO_MEMORY : RESULT_PARAMETER;
}
