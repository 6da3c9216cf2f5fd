// SPDX-License-Identifier: Apache-2.0
// Three protocols behind one face.
#include "dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"

enum { TEXT_HEAD_SIZE = 128, RESULT_CODE_AT = 5 };

static struct answer as_answer_parse(const uint8_t *bytes, size_t size)
{
    struct wire_frame frame;
    size_t frame_size;
    switch (wire_frame_parse(bytes, size, &frame, &frame_size)) {
    case RESULT_OK:
        break;
    case RESULT_INCOMPLETE:
        return (struct answer){ANSWER_INCOMPLETE, 0};
    default:
        return (struct answer){ANSWER_ERROR, size};
    }
    if (frame.body_size <= RESULT_CODE_AT) {
        return (struct answer){ANSWER_ERROR, frame_size};
    }
    uint8_t code = frame.body[RESULT_CODE_AT];
    enum answer_kind kind = code == RESULT_OK                 ? ANSWER_OK
                            : code == RESULT_RECORD_NOT_FOUND ? ANSWER_MISS
                                                              : ANSWER_ERROR;
    return (struct answer){kind, frame_size};
}

static void append(struct test_request *out, const void *bytes, size_t size)
{
    memcpy(test_request_append(out, size), bytes, size);
}

// Formats one line about a key and, for writes, a size.
static void append_head(struct test_request *out, const char *format, uint64_t key, size_t size)
{
    char head[TEXT_HEAD_SIZE];
    int head_size = snprintf(head, sizeof head, format, (unsigned long long)key, size);
    append(out, head, (size_t)head_size);
}

static void redis_read_append(struct test_request *out, uint64_t key)
{
    append_head(out, "*2\r\n$3\r\nGET\r\n$12\r\nkey:%08llu\r\n", key, 0);
}

static void redis_write_append(struct test_request *out, uint64_t key, const void *value,
                               size_t size)
{
    append_head(out, "*3\r\n$3\r\nSET\r\n$12\r\nkey:%08llu\r\n$%zu\r\n", key, size);
    append(out, value, size);
    append(out, "\r\n", 2);
}

static void memcached_read_append(struct test_request *out, uint64_t key)
{
    append_head(out, "get key:%08llu\r\n", key, 0);
}

static void memcached_write_append(struct test_request *out, uint64_t key, const void *value,
                                   size_t size)
{
    append_head(out, "set key:%08llu 0 0 %zu\r\n", key, size);
    append(out, value, size);
    append(out, "\r\n", 2);
}

// An answer of `need` bytes of which `have` are there.
static struct answer whole_or_not(enum answer_kind kind, size_t have, size_t need)
{
    return have < need ? (struct answer){ANSWER_INCOMPLETE, 0} : (struct answer){kind, need};
}

// The size of the first line with its end, or 0 while that has not come.
static size_t line_size(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memmem(bytes, size, "\r\n", 2);
    return end == NULL ? 0 : (size_t)(end - bytes) + 2;
}

static struct answer redis_answer_parse(const uint8_t *bytes, size_t size)
{
    size_t line = line_size(bytes, size);
    if (line == 0) {
        return (struct answer){ANSWER_INCOMPLETE, 0};
    }
    if (bytes[0] == '+') {
        return (struct answer){ANSWER_OK, line};
    }
    if (bytes[0] != '$') {
        return (struct answer){ANSWER_ERROR, line};
    }
    long value_size = strtol((const char *)bytes + 1, NULL, 10);
    return value_size < 0 ? (struct answer){ANSWER_MISS, line}
                          : whole_or_not(ANSWER_OK, size, line + (size_t)value_size + 2);
}

static bool starts_with(const uint8_t *bytes, size_t line, const char *word)
{
    return line >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

static struct answer memcached_answer_parse(const uint8_t *bytes, size_t size)
{
    size_t line = line_size(bytes, size);
    if (line == 0) {
        return (struct answer){ANSWER_INCOMPLETE, 0};
    }
    if (starts_with(bytes, line, "STORED")) {
        return (struct answer){ANSWER_OK, line};
    }
    if (starts_with(bytes, line, "END")) {
        return (struct answer){ANSWER_MISS, line};
    }
    const uint8_t *space = memrchr(bytes, ' ', line);
    if (!starts_with(bytes, line, "VALUE") || space == NULL) {
        return (struct answer){ANSWER_ERROR, line};
    }
    size_t value_size = strtoul((const char *)space + 1, NULL, 10);
    return whole_or_not(ANSWER_OK, size, line + value_size + strlen("\r\nEND\r\n"));
}

const struct dialect *dialect_find(const char *name)
{
    static const struct dialect dialects[] = {
        {"as", test_request_get, test_request_put, as_answer_parse},
        {"redis", redis_read_append, redis_write_append, redis_answer_parse},
        {"memcached", memcached_read_append, memcached_write_append, memcached_answer_parse},
    };
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (strcmp(dialects[i].name, name) == 0) {
            return &dialects[i];
        }
    }
    return NULL;
}
