// SPDX-License-Identifier: Apache-2.0
// A cursor that stops at the end of what came, so that a reader checks once, at its end. Texts end
// up in logs and in answers to clients, so only harmless characters are taken.
#include "server/mesh_message.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/bytes.h"

enum { ADDRESS_SIZE = 8 + 1 + 16 + 2, FAMILY_V4 = 4, FAMILY_V6 = 6 };

static const char host_characters[] = ".:-_[]%,";

struct writer {
    uint8_t *at;
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

// --- headers -------------------------------------------------------------------------------------

void mesh_header_encode(enum mesh_frame_type type, uint32_t body_size,
                        uint8_t out[MESH_HEADER_SIZE])
{
    base_le32_store(out, body_size);
    out[4] = 'B';
    out[5] = 'H';
    out[6] = MESH_VERSION;
    out[7] = (uint8_t)type;
}

enum base_result mesh_header_decode(const uint8_t bytes[MESH_HEADER_SIZE], struct mesh_header *out)
{
    *out = (struct mesh_header){.type = (enum mesh_frame_type)bytes[7],
                                .version = bytes[6],
                                .body_size = base_le32_load(bytes)};
    if (bytes[4] != 'B' || bytes[5] != 'H' || out->body_size > MESH_BODY_SIZE_MAX) {
        return RESULT_MALFORMED;
    }
    if (out->version == MESH_VERSION && (bytes[7] < MESH_HELLO || bytes[7] > MESH_MEMBERSHIP)) {
        return RESULT_MALFORMED;
    }
    return RESULT_OK;
}

// --- fields --------------------------------------------------------------------------------------

static void number_write(struct writer *w, uint64_t value, uint32_t size)
{
    uint8_t bytes[8];
    base_le64_store(bytes, value);
    memcpy(w->at, bytes, size);
    w->at += size;
}

static void text_write(struct writer *w, const char *text)
{
    size_t size = strlen(text);
    number_write(w, size, 2);
    memcpy(w->at, text, size);
    w->at += size;
}

static uint64_t number_read(struct reader *r, uint32_t size)
{
    uint8_t bytes[8] = {0};
    if ((size_t)(r->end - r->at) < size) {
        r->bad = true;
        return 0;
    }
    memcpy(bytes, r->at, size);
    r->at += size;
    return base_le64_load(bytes);
}

// `extra`: what may stand beside letters and digits; NULL: anything that can be printed.
static void text_read(struct reader *r, char *out, size_t out_size, const char *extra)
{
    size_t size = number_read(r, 2);
    out[0] = '\0';
    if (r->bad || (size_t)(r->end - r->at) < size || size >= out_size) {
        r->bad = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = r->at[i];
        bool good = isalnum(c) || (extra != NULL ? c != '\0' && strchr(extra, c) != NULL
                                                 : c >= 0x20 && c != 0x7f);
        r->bad |= !good;
    }
    memcpy(out, r->at, size);
    out[size] = '\0';
    r->at += size;
}

// --- bodies --------------------------------------------------------------------------------------

static uint32_t frame_finish(const struct writer *w, enum mesh_frame_type type, uint8_t *out)
{
    uint32_t size = (uint32_t)(w->at - out);
    mesh_header_encode(type, size - MESH_HEADER_SIZE, out);
    return size;
}

uint32_t mesh_hello_encode(const struct mesh_hello *hello,
                           uint8_t out[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX])
{
    struct writer w = {out + MESH_HEADER_SIZE};
    number_write(&w, hello->id, 8);
    number_write(&w, hello->incarnation, 8);
    number_write(&w, hello->attempt, 8);
    number_write(&w, hello->heartbeat_port, 2);
    number_write(&w, hello->fabric_port, 2);
    text_write(&w, hello->cluster_name);
    text_write(&w, hello->build);
    text_write(&w, hello->heartbeat_host);
    text_write(&w, hello->fabric_host);
    text_write(&w, hello->services);
    text_write(&w, hello->alternates);
    return frame_finish(&w, MESH_HELLO, out);
}

enum base_result mesh_hello_decode(const uint8_t *body, uint32_t size, struct mesh_hello *out)
{
    struct reader r = {.at = body, .end = body + size};
    memset(out, 0, sizeof *out);
    out->id = number_read(&r, 8);
    out->incarnation = number_read(&r, 8);
    out->attempt = number_read(&r, 8);
    out->heartbeat_port = (uint16_t)number_read(&r, 2);
    out->fabric_port = (uint16_t)number_read(&r, 2);
    text_read(&r, out->cluster_name, sizeof out->cluster_name, NULL);
    text_read(&r, out->build, sizeof out->build, NULL);
    text_read(&r, out->heartbeat_host, sizeof out->heartbeat_host, host_characters);
    text_read(&r, out->fabric_host, sizeof out->fabric_host, host_characters);
    text_read(&r, out->services, sizeof out->services, host_characters);
    text_read(&r, out->alternates, sizeof out->alternates, host_characters);
    bool good = !r.bad && out->id != 0 && out->incarnation != 0 && out->heartbeat_port != 0 &&
                out->fabric_port != 0;
    return good ? RESULT_OK : RESULT_MALFORMED;
}

uint32_t mesh_refused_encode(const struct mesh_refused *refused,
                             uint8_t out[MESH_HEADER_SIZE + MESH_FIRST_BODY_SIZE_MAX])
{
    struct writer w = {out + MESH_HEADER_SIZE};
    number_write(&w, (uint64_t)refused->reason, 1);
    text_write(&w, refused->text);
    return frame_finish(&w, MESH_REFUSED, out);
}

enum base_result mesh_refused_decode(const uint8_t *body, uint32_t size, struct mesh_refused *out)
{
    struct reader r = {.at = body, .end = body + size};
    memset(out, 0, sizeof *out);
    out->reason = (enum mesh_refusal)number_read(&r, 1);
    text_read(&r, out->text, sizeof out->text, NULL);
    bool known = out->reason >= MESH_REFUSAL_CLUSTER_NAME && out->reason <= MESH_REFUSAL_FULL;
    return !r.bad && known ? RESULT_OK : RESULT_MALFORMED;
}

uint32_t mesh_addresses_encode(const struct mesh_addresses *addresses,
                               uint8_t out[MESH_HEADER_SIZE + MESH_BODY_SIZE_MAX])
{
    struct writer w = {out + MESH_HEADER_SIZE};
    number_write(&w, addresses->count, 2);
    for (uint32_t i = 0; i < addresses->count; i++) {
        const struct mesh_address *item = &addresses->item[i];
        bool v6 = item->heartbeat.any.sa_family == AF_INET6;
        uint8_t host[16] = {0};
        memcpy(host,
               v6 ? (const void *)&item->heartbeat.v6.sin6_addr
                  : (const void *)&item->heartbeat.v4.sin_addr,
               v6 ? 16 : 4);
        number_write(&w, item->id, 8);
        number_write(&w, v6 ? FAMILY_V6 : FAMILY_V4, 1);
        memcpy(w.at, host, sizeof host);
        w.at += sizeof host;
        number_write(&w, io_address_port(&item->heartbeat), 2);
    }
    return frame_finish(&w, MESH_ADDRESSES, out);
}

static void address_make(struct io_address *out, uint64_t family, const uint8_t *host,
                         uint16_t port)
{
    memset(out, 0, sizeof *out);
    if (family == FAMILY_V6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        memcpy(&out->v6.sin6_addr, host, 16);
    } else {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        memcpy(&out->v4.sin_addr, host, 4);
    }
}

enum base_result mesh_addresses_decode(const uint8_t *body, uint32_t size,
                                       struct mesh_addresses *out)
{
    struct reader r = {.at = body, .end = body + size};
    out->count = 0;
    uint64_t count = number_read(&r, 2);
    if (count > LIMIT_CLUSTER_NODES || (size_t)(r.end - r.at) < count * ADDRESS_SIZE) {
        return RESULT_MALFORMED;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct mesh_address *item = &out->item[i];
        item->id = number_read(&r, 8);
        uint64_t family = number_read(&r, 1);
        const uint8_t *host = r.at;
        r.at += 16;
        uint16_t port = (uint16_t)number_read(&r, 2);
        if (item->id == 0 || port == 0 || (family != FAMILY_V4 && family != FAMILY_V6)) {
            return RESULT_MALFORMED;
        }
        address_make(&item->heartbeat, family, host, port);
    }
    out->count = (uint32_t)count;
    return r.bad ? RESULT_MALFORMED : RESULT_OK;
}
_Static_assert(2 + LIMIT_CLUSTER_NODES * ADDRESS_SIZE <= MESH_BODY_SIZE_MAX, "addresses fit");
_Static_assert(28 + 12 + LIMIT_CLUSTER_NAME_SIZE + PEER_BUILD_SIZE + 2 * MESH_HOST_SIZE +
                       2 * PEER_ADDRESSES_SIZE <=
                   MESH_FIRST_BODY_SIZE_MAX,
               "a greeting fits");
