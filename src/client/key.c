// SPDX-License-Identifier: Apache-2.0
// RIPEMD-160 comes from OpenSSL's low-level interface: the newer one needs the legacy provider,
// which is a file of its own that minimal images lack.
#include "client/key.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ripemd.h>

#include "client/command.h"
#include "wire/message.h"

_Static_assert(RIPEMD160_DIGEST_LENGTH == LIMIT_DIGEST_SIZE, "a digest is a RIPEMD-160 hash");
_Static_assert((int)BALLAST_DIGEST_SIZE == (int)LIMIT_DIGEST_SIZE,
               "the public header says the same");
_Static_assert((int)BALLAST_PARTITIONS == (int)LIMIT_PARTITIONS, "the public header says the same");
_Static_assert((int)BALLAST_KEY_INTEGER == WIRE_PARTICLE_INTEGER &&
                   (int)BALLAST_KEY_STRING == WIRE_PARTICLE_STRING &&
                   (int)BALLAST_KEY_BLOB == WIRE_PARTICLE_BLOB,
               "key types are particle types");

static bool name_read(const char *name, size_t size_max, bool may_be_empty, struct base_slice *out)
{
    *out = (struct base_slice){.data = (const uint8_t *)(name == NULL ? "" : name),
                               .size = name == NULL ? 0 : strnlen(name, size_max + 1)};
    return out->size <= size_max && (may_be_empty || out->size > 0);
}

static enum base_result digest_compute(struct client_key *key)
{
    struct base_slice value = client__key_value(key);
    RIPEMD160_CTX context;
    if (RIPEMD160_Init(&context) != 1 ||
        RIPEMD160_Update(&context, key->set.data, key->set.size) != 1 ||
        RIPEMD160_Update(&context, &key->type, 1) != 1 ||
        RIPEMD160_Update(&context, value.data, value.size) != 1 ||
        RIPEMD160_Final(key->digest.bytes, &context) != 1) {
        return RESULT_IO;
    }
    return RESULT_OK;
}

enum base_result client__key_read(const struct ballast_key *key, struct client_key *out)
{
    *out = (struct client_key){0};
    if (!name_read(key->ns, LIMIT_NAMESPACE_NAME_SIZE, false, &out->ns) ||
        !name_read(key->set, LIMIT_SET_NAME_SIZE, true, &out->set)) {
        return RESULT_PARAMETER;
    }
    out->type = (uint8_t)key->type;
    switch (key->type) {
    case BALLAST_KEY_INTEGER:
        base_be64_store(out->integer, (uint64_t)key->integer);
        break;
    case BALLAST_KEY_STRING:
    case BALLAST_KEY_BLOB:
        if ((key->bytes == NULL && key->size > 0) || key->size > LIMIT_RECORD_SIZE_MAX) {
            return RESULT_PARAMETER;
        }
        out->value = (struct base_slice){
            .data = key->bytes == NULL ? (const uint8_t *)"" : key->bytes, .size = key->size};
        break;
    case BALLAST_KEY_DIGEST:
        if (key->bytes == NULL || key->size != LIMIT_DIGEST_SIZE) {
            return RESULT_PARAMETER;
        }
        out->type = 0;
        memcpy(out->digest.bytes, key->bytes, LIMIT_DIGEST_SIZE);
        return RESULT_OK;
    default:
        return RESULT_PARAMETER;
    }
    return digest_compute(out);
}

int ballast_digest(const struct ballast_key *key, uint8_t out[BALLAST_DIGEST_SIZE])
{
    struct client_key read;
    enum base_result result = client__key_read(key, &read);
    if (result == RESULT_OK) {
        memcpy(out, read.digest.bytes, sizeof read.digest.bytes);
    }
    return (int)result;
}

struct ballast_key ballast_key_integer(const char *ns, const char *set, int64_t integer)
{
    return (struct ballast_key){
        .ns = ns, .set = set, .type = BALLAST_KEY_INTEGER, .integer = integer};
}

struct ballast_key ballast_key_string(const char *ns, const char *set, const char *text)
{
    return (struct ballast_key){.ns = ns,
                                .set = set,
                                .type = BALLAST_KEY_STRING,
                                .bytes = text,
                                .size = text == NULL ? 0 : strlen(text)};
}

struct ballast_key ballast_key_blob(const char *ns, const char *set, const void *bytes, size_t size)
{
    return (struct ballast_key){
        .ns = ns, .set = set, .type = BALLAST_KEY_BLOB, .bytes = bytes, .size = size};
}

struct ballast_key ballast_key_digest(const char *ns, const char *set, const uint8_t *digest)
{
    return (struct ballast_key){.ns = ns,
                                .set = set,
                                .type = BALLAST_KEY_DIGEST,
                                .bytes = digest,
                                .size = LIMIT_DIGEST_SIZE};
}
