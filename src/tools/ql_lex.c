// SPDX-License-Identifier: Apache-2.0
// One pass per token, longest match.
#include "tools/ql_lex.h"

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == ':' || c == '-';
}

// The byte at `at`, or 0 behind the end.
static uint8_t byte_at(struct base_slice text, size_t at)
{
    return at < text.size ? text.data[at] : 0;
}

static size_t digits_end(struct base_slice text, size_t at)
{
    while (is_digit(byte_at(text, at))) {
        at++;
    }
    return at;
}

static size_t word_end(struct base_slice text, size_t at)
{
    while (is_word(byte_at(text, at))) {
        at++;
    }
    return at;
}

// Behind an exponent at `at`, or `at` when there is none.
static size_t exponent_end(struct base_slice text, size_t at)
{
    uint8_t e = byte_at(text, at);
    if (e != 'e' && e != 'E') {
        return at;
    }
    size_t digits = at + 1;
    uint8_t sign = byte_at(text, digits);
    digits += sign == '+' || sign == '-';
    size_t end = digits_end(text, digits);
    return end == digits || is_word(byte_at(text, end)) ? at : end;
}

// Behind a number, or a name that starts with a digit, at `at`.
static size_t number_end(struct base_slice text, size_t at)
{
    uint8_t first = byte_at(text, at);
    bool has_sign = first == '+' || first == '-';
    size_t whole = at + has_sign;
    size_t end = digits_end(text, whole);
    if (byte_at(text, end) == '.' && is_digit(byte_at(text, end + 1))) {
        return exponent_end(text, digits_end(text, end + 1));
    }
    if (byte_at(text, end) == '.' && end > whole && !is_letter(byte_at(text, end + 1)) &&
        byte_at(text, end + 1) != '\'' && byte_at(text, end + 1) != '"') {
        return end + 1;
    }
    size_t exponent = exponent_end(text, end);
    if (exponent > end) {
        return exponent;
    }
    // A sign and hexadecimal digits, or a name.
    return word_end(text, whole);
}

static bool starts_number(struct base_slice text, size_t at)
{
    uint8_t c = byte_at(text, at);
    if (c == '+' || c == '-') {
        c = byte_at(text, ++at);
    }
    return is_digit(c) || (c == '.' && is_digit(byte_at(text, at + 1)));
}

static size_t symbol_size(struct base_slice text, size_t at)
{
    uint8_t next = byte_at(text, at + 1);
    switch (byte_at(text, at)) {
    case '<':
        return next == '=' || next == '>' ? 2 : 1;
    case '>':
        return next == '=' ? 2 : 1;
    case '=':
    case '(':
    case ')':
    case ',':
    case '.':
    case '*':
    case '/':
    case '[':
    case ']':
    case ';':
        return 1;
    default:
        return 0;
    }
}

struct ql_token ql_lex(struct base_slice text, size_t at)
{
    while (is_blank(byte_at(text, at))) {
        at++;
    }
    if (at >= text.size) {
        return (struct ql_token){.kind = QL_TOKEN_END, .at = text.size};
    }
    struct ql_token token = {.at = at};
    uint8_t c = text.data[at];
    size_t end = at + 1;
    if (is_letter(c)) {
        token.kind = QL_TOKEN_WORD;
        end = word_end(text, at);
    } else if (c == '\'' || c == '"') {
        while (end < text.size && text.data[end] != c) {
            end++;
        }
        token.kind = end < text.size ? QL_TOKEN_STRING : QL_TOKEN_OPEN;
        end += end < text.size;
    } else if (starts_number(text, at)) {
        token.kind = QL_TOKEN_NUMBER;
        end = number_end(text, at);
    } else if (symbol_size(text, at) > 0) {
        token.kind = QL_TOKEN_SYMBOL;
        end = at + symbol_size(text, at);
    } else {
        token.kind = QL_TOKEN_STRANGE;
        while (end < text.size && (text.data[end] & 0xc0) == 0x80) {
            end++; // the rest of a code point
        }
    }
    token.size = end - at;
    return token;
}

bool ql_command_next(struct base_slice *line, struct base_slice *command)
{
    if (line->size == 0) {
        return false;
    }
    uint8_t quote = 0;
    size_t end = 0;
    while (end < line->size) {
        uint8_t c = line->data[end];
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == ';') {
            break;
        }
        end++;
    }
    *command = (struct base_slice){.data = line->data, .size = end};
    size_t taken = end < line->size ? end + 1 : end;
    line->data += taken;
    line->size -= taken;
    return true;
}
