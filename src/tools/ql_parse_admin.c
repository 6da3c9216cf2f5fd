// SPDX-License-Identifier: Apache-2.0
// The grammar of the commands that look at or change what is not records: namespaces and sets,
// modules, indexes, users, statistics, jobs and the session's settings.
#include <string.h>

#include "tools/ql_parser.h"

bool ql_show_parse(struct ql_parser *parser, struct ql_statement *out)
{
    static const struct {
        const char *word;
        enum ql_show_kind kind;
        bool has_target;
    } shows[] = {
        {"NAMESPACES", QL_SHOW_NAMESPACES, false},
        {"SETS", QL_SHOW_SETS, true},
        {"BINS", QL_SHOW_BINS, true},
        {"INDEXES", QL_SHOW_INDEXES, true},
        {"MODULES", QL_SHOW_MODULES, false},
        {"PACKAGES", QL_SHOW_MODULES, false},
        {"SCANS", QL_SHOW_SCANS, false},
        {"QUERIES", QL_SHOW_QUERIES, false},
    };
    out->kind = QL_SHOW;
    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (!ql_word_accept(parser, shows[i].word)) {
            continue;
        }
        out->show.kind = shows[i].kind;
        return !shows[i].has_target || parser->token.kind == QL_TOKEN_END ||
               ql_symbol_ahead(parser, ";") || ql_target_want(parser, &out->show.target);
    }
    static const char *const lists[] = {"USERS", "ROLES"};
    static const char *const ones[] = {"USER", "ROLE"};
    out->kind = QL_ADMIN;
    out->text = tools_slice_of("SHOW USERS and SHOW ROLES");
    for (size_t i = 0; i < 2; i++) {
        if (ql_word_accept(parser, lists[i])) {
            return true;
        }
        struct base_slice name;
        if (ql_word_accept(parser, ones[i])) {
            return ql_name_want(parser, "a name", &name);
        }
    }
    return ql_fail(parser);
}

// The last part of a path.
static struct base_slice file_of(struct base_slice path)
{
    for (size_t i = path.size; i > 0; i--) {
        if (path.data[i - 1] == '/') {
            return (struct base_slice){.data = path.data + i, .size = path.size - i};
        }
    }
    return path;
}

// MODULE or PACKAGE, then a file name: a string, or words with a point between them.
static bool module_name_want(struct ql_parser *parser, struct base_slice *out)
{
    if (!ql_word_accept(parser, "MODULE") && !ql_word_accept(parser, "PACKAGE")) {
        return ql_fail(parser);
    }
    bool quoted = parser->token.kind == QL_TOKEN_STRING;
    if (!ql_plain_name_want(parser, "a module's file", out)) {
        return false;
    }
    while (!quoted && ql_symbol_accept(parser, ".")) {
        struct base_slice part;
        if (!ql_plain_name_want(parser, "the rest of the file's name", &part)) {
            return false;
        }
        out->size = (size_t)(part.data + part.size - out->data);
    }
    *out = file_of(*out);
    return out->size > 0 || ql_fail_note(parser, parser->last, "this names no file");
}

bool ql_desc_parse(struct ql_parser *parser, struct ql_statement *out)
{
    if (ql_word_accept(parser, "INDEX")) {
        out->kind = QL_DESC_INDEX;
        return ql_plain_name_want(parser, "a namespace", &out->index.target.ns) &&
               ql_plain_name_want(parser, "an index", &out->index.name);
    }
    out->kind = QL_DESC_MODULE;
    return module_name_want(parser, &out->text);
}

bool ql_remove_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_REMOVE_MODULE;
    return module_name_want(parser, &out->text);
}

bool ql_register_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_REGISTER_MODULE;
    if (!ql_word_accept(parser, "MODULE") && !ql_word_accept(parser, "PACKAGE")) {
        return ql_fail(parser);
    }
    if (parser->token.kind != QL_TOKEN_STRING) {
        ql_expect(parser, "a path in quotes");
        return ql_fail(parser);
    }
    return ql_name_want(parser, "a path in quotes", &out->text);
}

// name[, name...]
static bool names_want(struct ql_parser *parser, const char *what)
{
    do {
        struct base_slice name;
        if (!ql_name_want(parser, what, &name)) {
            return false;
        }
        while (ql_symbol_accept(parser, ".")) { // a privilege's namespace and set
            if (!ql_name_want(parser, "a name", &name)) {
                return false;
            }
        }
    } while (ql_symbol_accept(parser, ","));
    return true;
}

static bool admin(struct ql_statement *out, const char *text)
{
    out->kind = QL_ADMIN;
    out->text = tools_slice_of(text);
    return true;
}

static bool roles_accept(struct ql_parser *parser)
{
    return ql_word_accept(parser, "ROLE") || ql_word_accept(parser, "ROLES");
}

static bool privileges_accept(struct ql_parser *parser)
{
    return ql_word_accept(parser, "PRIVILEGE") || ql_word_accept(parser, "PRIVILEGES");
}

static bool create_user_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct base_slice name;
    return admin(out, "CREATE USER") && ql_name_want(parser, "a user", &name) &&
           ql_word_want(parser, "PASSWORD") && ql_name_want(parser, "a password", &name) &&
           (roles_accept(parser) || ql_fail(parser)) && names_want(parser, "a role");
}

static bool create_role_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct base_slice name;
    return admin(out, "CREATE ROLE") && ql_name_want(parser, "a role", &name) &&
           (privileges_accept(parser) || ql_fail(parser)) && names_want(parser, "a privilege") &&
           (!ql_word_accept(parser, "WHITELIST") ||
            ql_name_want(parser, "addresses in quotes", &name));
}

static bool index_type_want(struct ql_parser *parser, const char **out)
{
    static const char *const types[] = {"NUMERIC", "STRING", "GEO2DSPHERE", "BLOB"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (ql_word_accept(parser, types[i])) {
            *out = types[i];
            return true;
        }
    }
    return ql_fail(parser);
}

// idx ON ns[.set] (bin) type; INDEX has been taken.
static bool create_index_parse(struct ql_parser *parser, struct ql_statement *out,
                               enum ql_index_kind kind)
{
    out->kind = QL_CREATE_INDEX;
    struct ql_index *index = &out->index;
    index->kind = kind;
    return ql_plain_name_want(parser, "an index", &index->name) && ql_word_want(parser, "ON") &&
           ql_target_want(parser, &index->target) && ql_symbol_want(parser, "(") &&
           ql_plain_name_want(parser, "a bin", &index->bin) && ql_symbol_want(parser, ")") &&
           index_type_want(parser, &index->type);
}

bool ql_create_parse(struct ql_parser *parser, struct ql_statement *out)
{
    if (ql_word_accept(parser, "USER")) {
        return create_user_parse(parser, out);
    }
    if (ql_word_accept(parser, "ROLE")) {
        return create_role_parse(parser, out);
    }
    enum ql_index_kind kind = QL_INDEX_DEFAULT;
    if (ql_word_accept(parser, "LIST")) {
        kind = QL_INDEX_LIST;
    } else if (ql_word_accept(parser, "MAPKEYS")) {
        kind = QL_INDEX_MAPKEYS;
    } else if (ql_word_accept(parser, "MAPVALUES")) {
        kind = QL_INDEX_MAPVALUES;
    }
    return ql_word_want(parser, "INDEX") && create_index_parse(parser, out, kind);
}

bool ql_drop_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct base_slice name;
    if (ql_word_accept(parser, "USER")) {
        return admin(out, "DROP USER") && ql_name_want(parser, "a user", &name);
    }
    if (ql_word_accept(parser, "ROLE")) {
        return admin(out, "DROP ROLE") && ql_name_want(parser, "a role", &name);
    }
    out->kind = QL_DROP_INDEX;
    return ql_word_want(parser, "INDEX") && ql_target_want(parser, &out->index.target) &&
           ql_plain_name_want(parser, "an index", &out->index.name);
}

// ROLE[S] r[, r] TO|FROM user, or PRIVILEGE[S] p[, p] TO|FROM role.
static bool grant_or_revoke(struct ql_parser *parser, const char *preposition)
{
    struct base_slice name;
    if (roles_accept(parser)) {
        return names_want(parser, "a role") && ql_word_want(parser, preposition) &&
               ql_name_want(parser, "a user", &name);
    }
    return (privileges_accept(parser) || ql_fail(parser)) && names_want(parser, "a privilege") &&
           ql_word_want(parser, preposition) && ql_name_want(parser, "a role", &name);
}

bool ql_grant_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return admin(out, "GRANT") && grant_or_revoke(parser, "TO");
}

bool ql_revoke_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return admin(out, "REVOKE") && grant_or_revoke(parser, "FROM");
}

bool ql_stat_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_STAT;
    struct ql_stat *stat = &out->stat;
    if (ql_word_accept(parser, "SYSTEM")) {
        stat->kind = QL_STAT_SYSTEM;
        return true;
    }
    if (ql_word_accept(parser, "NAMESPACE")) {
        stat->kind = QL_STAT_NAMESPACE;
        return ql_plain_name_want(parser, "a namespace", &stat->ns);
    }
    if (ql_word_accept(parser, "INDEX")) {
        stat->kind = QL_STAT_INDEX;
        return ql_plain_name_want(parser, "a namespace", &stat->ns) &&
               ql_plain_name_want(parser, "an index", &stat->index);
    }
    stat->kind = QL_STAT_QUERY;
    return ql_word_want(parser, "QUERY");
}

static bool kill_parse(struct ql_parser *parser, struct ql_statement *out,
                       enum ql_statement_kind kind)
{
    out->kind = kind;
    struct ql_token token = parser->token;
    if (!ql_name_want(parser, "a job's id", &out->text)) {
        return false;
    }
    for (size_t i = 0; i < out->text.size; i++) {
        if (out->text.data[i] < '0' || out->text.data[i] > '9') {
            return ql_fail_note(parser, token, "a job's id is a number");
        }
    }
    return true;
}

bool ql_kill_query_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return kill_parse(parser, out, QL_KILL_QUERY);
}

bool ql_kill_scan_parse(struct ql_parser *parser, struct ql_statement *out)
{
    return kill_parse(parser, out, QL_KILL_SCAN);
}

// Takes the name of a setting.
static bool setting_want(struct ql_parser *parser, size_t *out)
{
    struct ql_token token = parser->token;
    struct base_slice name;
    if (!ql_name_want(parser, "a setting", &name)) {
        return false;
    }
    *out = ql_setting_find(name);
    if (*out < QL_SETTING_COUNT) {
        return true;
    }
    const char *names[QL_SETTING_COUNT + 1];
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        names[i] = ql_setting_name(i);
    }
    names[QL_SETTING_COUNT] = NULL;
    const char *nearest = ql_nearest(name, names);
    return nearest == NULL
               ? ql_fail_note(parser, token, "no setting has this name; GET ALL lists them")
               : ql_fail_note(parser, token, "no setting has this name; did you mean %s?", nearest);
}

// The value of a setting: one token, tried on a scratch copy so that the place of a wrong one is
// known here.
static bool setting_value_want(struct ql_parser *parser, struct ql_setting_change *change)
{
    ql_symbol_accept(parser, "=");
    struct ql_token token = parser->token;
    ql_expect(parser, "a value");
    if (token.kind != QL_TOKEN_WORD && token.kind != QL_TOKEN_NUMBER &&
        token.kind != QL_TOKEN_STRING) {
        return ql_fail(parser);
    }
    change->value = ql_parser_slice(parser);
    struct ql_settings scratch;
    ql_settings_init(&scratch);
    if (ql_setting_set(&scratch, change->setting, ql_token_bare(parser->text, token)) !=
        RESULT_OK) {
        struct tools_text values = {0};
        ql_setting_values_append(&values, change->setting);
        ql_fail_note(parser, token, "%s takes %s", ql_setting_name(change->setting),
                     tools_text_string(&values));
        tools_text_fini(&values);
        return false;
    }
    ql_parser_take(parser);
    return true;
}

bool ql_set_parse(struct ql_parser *parser, struct ql_statement *out)
{
    struct base_slice name;
    if (ql_word_accept(parser, "PASSWORD")) {
        return admin(out, "SET PASSWORD") && ql_name_want(parser, "a password", &name) &&
               (!ql_word_accept(parser, "FOR") || ql_name_want(parser, "a user", &name));
    }
    if (ql_word_accept(parser, "WHITELIST")) {
        return admin(out, "SET WHITELIST") && ql_name_want(parser, "addresses in quotes", &name) &&
               ql_word_want(parser, "FOR") && ql_name_want(parser, "a role", &name);
    }
    parser->expected_count = 0; // a setting is what is mostly wanted here
    out->kind = QL_SET;
    return setting_want(parser, &out->setting.setting) && setting_value_want(parser, &out->setting);
}

bool ql_get_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_GET;
    if (ql_word_accept(parser, "ALL")) {
        out->setting.setting = QL_SETTING_COUNT;
        return true;
    }
    return setting_want(parser, &out->setting.setting);
}

bool ql_reset_parse(struct ql_parser *parser, struct ql_statement *out)
{
    out->kind = QL_RESET;
    return setting_want(parser, &out->setting.setting);
}
