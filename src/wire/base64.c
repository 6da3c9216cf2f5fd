// SPDX-License-Identifier: Apache-2.0
// Four characters carry three bytes; only the last group may be padded.
#include "wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wire_base64_encode(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
}

// The six bits of a character, or 64 for one outside the alphabet.
static uint32_t bits_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a' + 26);
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0' + 52);
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool wire_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size)
{
    *out_size = 0;
    if (size % 4 != 0) {
        return false;
    }
    size_t padding = size == 0 ? 0 : (size_t)(text[size - 1] == '=') + (text[size - 2] == '=');
    uint8_t *at = out;
    for (size_t i = 0; i < size; i += 4) {
        size_t pad = i + 4 == size ? padding : 0;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t bits = j >= 4 - pad ? 0 : bits_of(text[i + j]);
            if (bits == 64) {
                return false;
            }
            group = group << 6 | bits;
        }
        *at++ = (uint8_t)(group >> 16);
        if (pad < 2) {
            *at++ = (uint8_t)(group >> 8);
        }
        if (pad < 1) {
            *at++ = (uint8_t)group;
        }
    }
    *out_size = (size_t)(at - out);
    return true;
}
