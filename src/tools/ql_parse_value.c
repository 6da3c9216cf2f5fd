// SPDX-License-Identifier: Apache-2.0
// Literals, casts and keys (info-and-tools section 5.4).
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/ql_parser.h"

// What a cast makes.
enum cast {
    CAST_INTEGER,
    CAST_DOUBLE,
    CAST_STRING,
    CAST_BOOL,
    CAST_JSON,
    CAST_LIST,
    CAST_MAP,
    CAST_GEOJSON,
};

static const struct {
    const char *word;
    enum cast cast;
} casts[] = {
    {"DECIMAL", CAST_INTEGER}, {"INT", CAST_INTEGER},     {"NUMERIC", CAST_INTEGER},
    {"FLOAT", CAST_DOUBLE},    {"REAL", CAST_DOUBLE},     {"CHAR", CAST_STRING},
    {"STRING", CAST_STRING},   {"TEXT", CAST_STRING},     {"VARCHAR", CAST_STRING},
    {"BOOL", CAST_BOOL},       {"JSON", CAST_JSON},       {"LIST", CAST_LIST},
    {"MAP", CAST_MAP},         {"GEOJSON", CAST_GEOJSON},
};

enum { CAST_COUNT = sizeof casts / sizeof casts[0], NUMBER_SIZE_MAX = 400 };

// The cast of that name, or CAST_COUNT.
static size_t cast_find(struct base_slice word)
{
    size_t i = 0;
    while (i < CAST_COUNT && !tools_slice_is(word, casts[i].word)) {
        i++;
    }
    return i;
}

enum number { NUMBER_NONE, NUMBER_INTEGER, NUMBER_DOUBLE, NUMBER_TOO_BIG };

// Reads a whole text as a number: decimal, 0x hexadecimal or 0 octal without a point; with a point
// or an exponent a double.
static enum number number_parse(struct base_slice text, int64_t *integer, double *real)
{
    char digits[NUMBER_SIZE_MAX + 1];
    if (text.size == 0 || text.size > NUMBER_SIZE_MAX || text.data[0] <= ' ') {
        return NUMBER_NONE;
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    if (strlen(digits) != text.size) {
        return NUMBER_NONE;
    }
    char *end;
    errno = 0;
    *integer = strtoll(digits, &end, 0);
    if (*end == '\0') {
        *real = strtod(digits, &end);
        return errno == ERANGE ? NUMBER_TOO_BIG : NUMBER_INTEGER;
    }
    if (strspn(digits, "+-.0123456789eE") != text.size) {
        return NUMBER_NONE;
    }
    *real = strtod(digits, &end);
    bool has_form = strpbrk(digits, ".eE") != NULL;
    return *end == '\0' && has_form ? NUMBER_DOUBLE : NUMBER_NONE;
}

static void string_set(struct ql_value *out, enum wire_particle_type type, struct base_slice text)
{
    out->type = type;
    out->bytes = text;
}

// Parses JSON that stands at `text` within the command into a list or map.
static bool json_set(struct ql_parser *parser, struct ql_token token, struct base_slice text,
                     enum cast cast, struct ql_value *out)
{
    const char *name = cast == CAST_LIST ? "LIST" : cast == CAST_MAP ? "MAP" : "JSON";
    struct tools_text bytes = {0};
    enum wire_msgpack_kind kind;
    struct tools_json_error error;
    bool done = false;
    enum base_result result =
        tools_json_parse((const char *)text.data, text.size, &bytes, &kind, &error);
    if (result == RESULT_NO_MEMORY) {
        ql_fail_memory(parser);
        goto out;
    }
    if (result != RESULT_OK) {
        struct ql_token place = token;
        place.at = (size_t)(text.data - parser->text.data) + error.at;
        place.size = 1;
        ql_fail_value(parser, place, "Invalid %s value: %s", name, error.text);
        goto out;
    }
    enum wire_msgpack_kind wrong = cast == CAST_LIST  ? WIRE_MSGPACK_MAP
                                   : cast == CAST_MAP ? WIRE_MSGPACK_LIST
                                                      : WIRE_MSGPACK_NIL;
    if (kind == wrong) {
        ql_fail_value(parser, token, "Invalid %s value: this is a JSON %s", name,
                      kind == WIRE_MSGPACK_LIST ? "array" : "object");
        goto out;
    }
    uint8_t *copy = ql_arena_take(parser->arena, bytes.size);
    if (copy == NULL) {
        ql_fail_memory(parser);
        goto out;
    }
    memcpy(copy, bytes.data, bytes.size);
    string_set(out, kind == WIRE_MSGPACK_LIST ? WIRE_PARTICLE_LIST : WIRE_PARTICLE_MAP,
               (struct base_slice){.data = copy, .size = bytes.size});
    done = true;
out:
    tools_text_fini(&bytes);
    return done;
}

static bool bool_cast(struct base_slice text, struct ql_value *out)
{
    bool yes = tools_slice_is(text, "true") || tools_slice_is(text, "1");
    if (!yes && !tools_slice_is(text, "false") && !tools_slice_is(text, "0")) {
        return false;
    }
    out->type = WIRE_PARTICLE_BOOL;
    out->boolean = yes;
    return true;
}

static bool number_cast(struct base_slice text, enum cast cast, struct ql_value *out)
{
    int64_t integer;
    double real;
    enum number number = number_parse(text, &integer, &real);
    if (cast == CAST_INTEGER && number == NUMBER_INTEGER) {
        out->type = WIRE_PARTICLE_INTEGER;
        out->integer = integer;
        return true;
    }
    if (cast == CAST_DOUBLE && number != NUMBER_NONE) {
        out->type = WIRE_PARTICLE_DOUBLE;
        out->real = number == NUMBER_INTEGER ? (double)integer : real;
        return true;
    }
    return false;
}

// Makes the value of a cast from one token: a string, a number, true, false or NULL.
static bool cast_apply(struct ql_parser *parser, struct ql_token token, size_t which,
                       struct ql_value *out)
{
    struct base_slice text = ql_token_bare(parser->text, token);
    if (token.kind == QL_TOKEN_WORD && tools_slice_is(text, "NULL")) {
        *out = (struct ql_value){.type = WIRE_PARTICLE_NIL};
        return true;
    }
    bool done = true;
    switch (casts[which].cast) {
    case CAST_INTEGER:
    case CAST_DOUBLE:
        done = number_cast(text, casts[which].cast, out);
        break;
    case CAST_BOOL:
        done = bool_cast(text, out);
        break;
    case CAST_STRING:
        string_set(out, WIRE_PARTICLE_STRING, text);
        break;
    case CAST_GEOJSON:
        string_set(out, WIRE_PARTICLE_GEOJSON, text);
        break;
    default:
        return json_set(parser, token, text, casts[which].cast, out);
    }
    return done ||
           ql_fail_value(parser, token, "Cannot cast \"%.*s\" to %s",
                         (int)(text.size > 100 ? 100 : text.size), text.data, casts[which].word);
}

// Takes the one token that a cast is applied to.
static bool cast_token_want(struct ql_parser *parser, struct ql_token *out)
{
    ql_expect(parser, "a value");
    *out = parser->token;
    if (parser->token.kind != QL_TOKEN_STRING && parser->token.kind != QL_TOKEN_NUMBER &&
        !ql_word_ahead(parser, "NULL") && !ql_word_ahead(parser, "TRUE") &&
        !ql_word_ahead(parser, "FALSE")) {
        return ql_fail(parser);
    }
    ql_parser_take(parser);
    return true;
}

// CAST(value AS type); CAST has been taken.
static bool cast_want(struct ql_parser *parser, struct ql_value *out)
{
    struct ql_token token;
    if (!ql_symbol_want(parser, "(") || !cast_token_want(parser, &token) ||
        !ql_word_want(parser, "AS")) {
        return false;
    }
    for (size_t i = 0; i < CAST_COUNT; i++) {
        ql_expect(parser, casts[i].word);
    }
    size_t which = CAST_COUNT;
    if (parser->token.kind == QL_TOKEN_WORD) {
        which = cast_find(ql_parser_slice(parser));
    }
    if (which == CAST_COUNT) {
        return ql_fail(parser);
    }
    ql_parser_take(parser);
    return ql_symbol_want(parser, ")") && cast_apply(parser, token, which, out);
}

// type(value); the type has been taken.
static bool short_cast_want(struct ql_parser *parser, size_t which, struct ql_value *out)
{
    struct ql_token token;
    return ql_symbol_want(parser, "(") && cast_token_want(parser, &token) &&
           ql_symbol_want(parser, ")") && cast_apply(parser, token, which, out);
}

// True when the text behind the prefix is an object, or an array for JSON.
static bool has_json_prefix(struct base_slice text, const char *prefix, struct base_slice *rest)
{
    size_t size = strlen(prefix);
    if (text.size <= size || memcmp(text.data, prefix, size) != 0) {
        return false;
    }
    *rest = (struct base_slice){.data = text.data + size, .size = text.size - size};
    return rest->data[0] == '{' || rest->data[0] == '[';
}

static bool string_want(struct ql_parser *parser, struct ql_value *out)
{
    struct ql_token token = parser->token;
    struct base_slice text = ql_token_bare(parser->text, token);
    struct base_slice rest;
    ql_parser_take(parser);
    if (has_json_prefix(text, "JSON", &rest)) {
        return json_set(parser, token, rest, CAST_JSON, out);
    }
    if (has_json_prefix(text, "GEOJSON", &rest)) {
        string_set(out, WIRE_PARTICLE_GEOJSON, rest);
    } else {
        string_set(out, WIRE_PARTICLE_STRING, text);
    }
    return true;
}

static bool number_want(struct ql_parser *parser, struct ql_value *out)
{
    struct ql_token token = parser->token;
    int64_t integer;
    double real;
    switch (number_parse(ql_parser_slice(parser), &integer, &real)) {
    case NUMBER_INTEGER:
        out->type = WIRE_PARTICLE_INTEGER;
        out->integer = integer;
        break;
    case NUMBER_DOUBLE:
        out->type = WIRE_PARTICLE_DOUBLE;
        out->real = real;
        break;
    case NUMBER_TOO_BIG:
        return ql_fail_value(parser, token, "%.*s does not fit into 64 bits", (int)token.size,
                             parser->text.data + token.at);
    case NUMBER_NONE:
        return ql_fail_note(parser, token, "this is no number; text needs quotes");
    }
    ql_parser_take(parser);
    return true;
}

bool ql_value_want(struct ql_parser *parser, struct ql_value *out)
{
    *out = (struct ql_value){.type = WIRE_PARTICLE_NIL};
    ql_expect(parser, "a value");
    if (parser->token.kind == QL_TOKEN_STRING) {
        return string_want(parser, out);
    }
    if (parser->token.kind == QL_TOKEN_NUMBER) {
        return number_want(parser, out);
    }
    if (parser->token.kind != QL_TOKEN_WORD) {
        return ql_fail(parser);
    }
    struct base_slice word = ql_parser_slice(parser);
    size_t which = cast_find(word);
    if (which < CAST_COUNT) {
        ql_parser_take(parser);
        return short_cast_want(parser, which, out);
    }
    if (tools_slice_is(word, "CAST")) {
        ql_parser_take(parser);
        return cast_want(parser, out);
    }
    if (tools_slice_is(word, "TRUE") || tools_slice_is(word, "FALSE")) {
        out->type = WIRE_PARTICLE_BOOL;
        out->boolean = tools_slice_is(word, "TRUE");
    } else if (!tools_slice_is(word, "NULL")) {
        return ql_fail_note(parser, parser->token, "expected a value; text needs quotes");
    }
    ql_parser_take(parser);
    return true;
}

bool ql_value_list_want(struct ql_parser *parser, struct ql_value **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (!ql_symbol_want(parser, "(")) {
        return false;
    }
    if (ql_symbol_accept(parser, ")")) {
        return true;
    }
    do {
        *out = ql_array_grow(parser, *out, *count, sizeof **out);
        if (*out == NULL || !ql_value_want(parser, &(*out)[*count])) {
            return false;
        }
        (*count)++;
    } while (ql_symbol_accept(parser, ","));
    return ql_symbol_want(parser, ")");
}

bool ql_key_value_want(struct ql_parser *parser, struct ql_key *out)
{
    struct ql_token token = parser->token;
    out->kind = QL_KEY_USER;
    if (!ql_value_want(parser, &out->user)) {
        return false;
    }
    token.size = parser->last.at + parser->last.size - token.at;
    switch (out->user.type) {
    case WIRE_PARTICLE_INTEGER:
    case WIRE_PARTICLE_STRING:
        return true;
    case WIRE_PARTICLE_DOUBLE:
        return ql_fail_value(parser, token, "PK cannot be floating point value");
    case WIRE_PARTICLE_NIL:
        return ql_fail_value(parser, token, "Primary key must not be null");
    default:
        return ql_fail_value(parser, token, "Primary key must be a string or an integer");
    }
}

bool ql_key_ahead(struct ql_parser *parser)
{
    return ql_word_ahead(parser, "PK") || ql_word_ahead(parser, "DIGEST") ||
           ql_word_ahead(parser, "EDIGEST");
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool digest_from_hex(struct base_slice text, uint8_t *out)
{
    if (text.size != 2 * LIMIT_DIGEST_SIZE) {
        return false;
    }
    for (size_t i = 0; i < LIMIT_DIGEST_SIZE; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool digest_from_base64(struct base_slice text, uint8_t *out)
{
    uint8_t bytes[21];
    size_t size;
    if (text.size != 28 || !tools_base64_decode((const char *)text.data, text.size, bytes, &size) ||
        size != LIMIT_DIGEST_SIZE) {
        return false;
    }
    memcpy(out, bytes, LIMIT_DIGEST_SIZE);
    return true;
}

static bool digest_want(struct ql_parser *parser, struct ql_key *out)
{
    ql_expect(parser, "a digest in quotes");
    if (parser->token.kind != QL_TOKEN_STRING) {
        return ql_fail(parser);
    }
    struct base_slice text = ql_token_bare(parser->text, parser->token);
    if (out->kind == QL_KEY_DIGEST && !digest_from_hex(text, out->digest)) {
        return ql_fail_value(parser, parser->token, "A digest is 40 hexadecimal digits");
    }
    if (out->kind == QL_KEY_EDIGEST && !digest_from_base64(text, out->digest)) {
        return ql_fail_value(parser, parser->token, "An edigest is 28 characters of base64");
    }
    ql_parser_take(parser);
    return true;
}

bool ql_key_want(struct ql_parser *parser, struct ql_key *out)
{
    *out = (struct ql_key){.kind = QL_KEY_USER};
    if (ql_word_accept(parser, "DIGEST")) {
        out->kind = QL_KEY_DIGEST;
    } else if (ql_word_accept(parser, "EDIGEST")) {
        out->kind = QL_KEY_EDIGEST;
    } else if (!ql_word_want(parser, "PK")) {
        return false;
    }
    if (!ql_symbol_want(parser, "=")) {
        return false;
    }
    return out->kind == QL_KEY_USER ? ql_key_value_want(parser, out) : digest_want(parser, out);
}
