// SPDX-License-Identifier: Apache-2.0
// Statements' data into libballast's and back: names become terminated strings, GeoJSON loses the
// header that it has in a bin, the library's codes become those that operators know.
#include "tools/ql_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ballast/ballast.h"
#include "base/assert.h"
#include "base/digest.h"
#include "tools/ql_info.h"

enum { TIMEOUT_DEFAULT_MS = 1000, SCAN_SOCKET_TIMEOUT_MS = 30000, GEOJSON_HEADER_SIZE = 3 };

struct ql_client {
    struct ql_backend backend; // first: the one is the other
    struct ballast_cluster *cluster;
};

static struct ballast_cluster *cluster_of(struct ql_backend *backend)
{
    return ((struct ql_client *)backend)->cluster;
}

// A target and a key as the library wants them; `key` points into the rest.
struct request_key {
    char ns[LIMIT_NAMESPACE_NAME_SIZE + 1];
    char set[LIMIT_SET_NAME_SIZE + 1];
    struct ballast_key key;
};

static void name_copy(char *to, size_t to_size, struct base_slice name)
{
    size_t size = name.size < to_size ? name.size : to_size - 1;
    if (size > 0) {
        memcpy(to, name.data, size);
    }
    to[size] = '\0';
}

static void request_key_init(struct request_key *out, const struct ql_target *target,
                             const struct ql_key *key)
{
    name_copy(out->ns, sizeof out->ns, target->ns);
    name_copy(out->set, sizeof out->set, target->set);
    out->key = ballast_key_digest(out->ns, out->set, key->digest);
    if (key->kind != QL_KEY_USER) {
        return;
    }
    if (key->user.type == WIRE_PARTICLE_INTEGER) {
        out->key = ballast_key_integer(out->ns, out->set, key->user.integer);
    } else {
        out->key.type = BALLAST_KEY_STRING;
        out->key.bytes = key->user.bytes.data;
        out->key.size = key->user.bytes.size;
    }
}

static struct ballast_policy policy_of(const struct ql_settings *settings)
{
    struct ballast_policy policy;
    ballast_policy_init(&policy);
    policy.total_timeout_ms = (uint32_t)settings->timeout_ms;
    if (settings->socket_timeout_ms >= 0) {
        policy.socket_timeout_ms = (uint32_t)settings->socket_timeout_ms;
    }
    policy.ttl_s = settings->record_ttl_s == -1   ? BALLAST_TTL_NEVER
                   : settings->record_ttl_s == -2 ? BALLAST_TTL_KEEP
                                                  : (uint32_t)settings->record_ttl_s;
    policy.send_key = settings->key_send;
    policy.durable_delete = settings->durable_delete;
    return policy;
}

// ---- failures -----------------------------------------------------------------------------------

// Which nodes hold a partition, by their own account.
struct holders {
    const struct request_key *key;
    uint32_t partition;
    struct ballast_node_info master;
    struct ballast_node_info replica;
};

// True when the base64 bitmap of a replica's partitions has the partition.
static bool bitmap_has(struct base_slice base64, uint32_t partition)
{
    uint8_t bits[LIMIT_PARTITIONS / 8 + 3];
    size_t size;
    if (base64.size / 4 * 3 > sizeof bits ||
        !tools_base64_decode((const char *)base64.data, base64.size, bits, &size) ||
        size < LIMIT_PARTITIONS / 8) {
        return false;
    }
    return (bits[partition / 8] & (0x80 >> (partition % 8))) != 0;
}

// One node's answer to `replicas`: ns:regime,count,bitmap,bitmap;ns:...
static void holders_see(const struct ballast_node_info *node, const char *answer,
                        const struct ballast_error *error, void *arg)
{
    (void)error;
    struct holders *holders = arg;
    struct base_slice list = tools_slice_of(answer == NULL ? "" : answer);
    struct base_slice item;
    while (ql_info_next(&list, ';', &item)) {
        struct base_slice part;
        if (!ql_info_next(&item, ':', &part) || !tools_slice_is(part, holders->key->ns)) {
            continue;
        }
        for (size_t i = 0; ql_info_next(&item, ',', &part); i++) {
            if (i == 2 && bitmap_has(part, holders->partition)) {
                holders->master = *node;
            } else if (i == 3 && bitmap_has(part, holders->partition)) {
                holders->replica = *node;
            }
        }
    }
}

static void holders_find(struct ql_backend *backend, const struct request_key *key,
                         const uint8_t *digest, struct holders *out)
{
    *out = (struct holders){.key = key, .partition = base_digest_partition(digest)};
    ballast_info_all(cluster_of(backend), "replicas", TIMEOUT_DEFAULT_MS, holders_see, out, NULL);
}

// The address of the node that most likely answered: the only one, or the key's master.
static void address_find(struct ql_backend *backend, const struct request_key *key, char *out,
                         size_t out_size)
{
    struct ballast_node_info only;
    out[0] = '\0';
    if (ballast_nodes(cluster_of(backend), &only, 1) == 1) {
        snprintf(out, out_size, "%s ", only.address);
        return;
    }
    uint8_t digest[BALLAST_DIGEST_SIZE];
    if (key != NULL && ballast_digest(&key->key, digest) == BALLAST_OK) {
        struct holders holders;
        holders_find(backend, key, digest, &holders);
        if (holders.master.address[0] != '\0') {
            snprintf(out, out_size, "%s ", holders.master.address);
        }
    }
}

// The code that operators know for one that the library found out itself.
static int32_t code_of(int code)
{
    switch (code) {
    case BALLAST_CLIENT_TIMEOUT:
        return BALLAST_TIMEOUT;
    case BALLAST_IO:
    case BALLAST_CLOSED:
    case BALLAST_NOT_CONNECTED:
        return QL_CODE_CONNECTION;
    case BALLAST_NO_NODE:
        return QL_CODE_INVALID_NODE;
    case BALLAST_LIMIT:
        return QL_CODE_PARAMETER;
    case BALLAST_CANCELLED:
        return QL_CODE_ABORT;
    default:
        return code < 256 ? code : QL_CODE_CLIENT;
    }
}

static void failure_of(struct ql_backend *backend, const struct ballast_error *error,
                       const struct request_key *key, struct ql_failure *failure)
{
    const char *doubt = error->in_doubt ? " (the write may have happened all the same)" : "";
    *failure = (struct ql_failure){0};
    if (error->code == BALLAST_OK) {
        return;
    }
    int32_t code = code_of(error->code);
    if (error->code >= 256) {
        ql_failure_set(failure, code, "%s %s%s", ql_code_name(code), error->text, doubt);
        return;
    }
    char address[80];
    address_find(backend, key, address, sizeof address);
    ql_failure_set(failure, code, "%s%s%s", address, ql_code_name(code), doubt);
}

// ---- names and values ---------------------------------------------------------------------------

// A terminated copy in the arena; NULL with *failure set when the name is too long for a bin, or
// memory ran out.
static const char *bin_name_of(struct ql_arena *arena, struct base_slice name,
                               struct ql_failure *failure)
{
    if (name.size > LIMIT_BIN_NAME_SIZE) {
        ql_failure_set(failure, RESULT_BIN_NAME, "%s '%.*s' is longer than %d bytes",
                       ql_code_name(RESULT_BIN_NAME), (int)name.size, name.data,
                       LIMIT_BIN_NAME_SIZE);
        return NULL;
    }
    char *copy = ql_arena_take(arena, name.size + 1);
    if (copy == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        return NULL;
    }
    memcpy(copy, name.data, name.size);
    return copy;
}

static bool names_of(struct ql_arena *arena, const struct base_slice *bins, size_t bin_count,
                     const char ***out, struct ql_failure *failure)
{
    *out = ql_arena_take(arena, (bin_count + 1) * sizeof **out);
    if (*out == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        return false;
    }
    for (size_t i = 0; i < bin_count; i++) {
        (*out)[i] = bin_name_of(arena, bins[i], failure);
        if ((*out)[i] == NULL) {
            return false;
        }
    }
    return true;
}

// The library's value. A GeoJSON text gets the header it has in a bin: flags and no cells.
static bool value_to(struct ql_arena *arena, const struct ql_value *value,
                     struct ballast_value *out)
{
    switch (value->type) {
    case WIRE_PARTICLE_NIL:
        *out = ballast_nil();
        return true;
    case WIRE_PARTICLE_INTEGER:
        *out = ballast_integer(value->integer);
        return true;
    case WIRE_PARTICLE_DOUBLE:
        *out = ballast_double(value->real);
        return true;
    case WIRE_PARTICLE_BOOL:
        *out = ballast_bool(value->boolean);
        return true;
    case WIRE_PARTICLE_GEOJSON: {
        uint8_t *bytes = ql_arena_take(arena, GEOJSON_HEADER_SIZE + value->bytes.size);
        if (bytes == NULL) {
            return false;
        }
        memcpy(bytes + GEOJSON_HEADER_SIZE, value->bytes.data, value->bytes.size);
        *out = ballast_bytes(BALLAST_GEOJSON, bytes, GEOJSON_HEADER_SIZE + value->bytes.size);
        return true;
    }
    default:
        *out = ballast_bytes((enum ballast_type)value->type, value->bytes.data, value->bytes.size);
        return true;
    }
}

static struct ql_value value_from(const struct ballast_value *value)
{
    struct ql_value out = {.type = (enum wire_particle_type)value->type};
    struct base_slice bytes = {.data = value->bytes, .size = value->size};
    switch (value->type) {
    case BALLAST_NIL:
        break;
    case BALLAST_INTEGER:
        out.integer = value->integer;
        break;
    case BALLAST_BOOL:
        out.boolean = value->integer != 0;
        break;
    case BALLAST_DOUBLE:
        out.real = value->number;
        break;
    case BALLAST_GEOJSON:
        if (bytes.size >= GEOJSON_HEADER_SIZE) {
            size_t header = GEOJSON_HEADER_SIZE + 8 * (size_t)base_be16_load(bytes.data + 1);
            header = header < bytes.size ? header : bytes.size;
            bytes = (struct base_slice){.data = bytes.data + header, .size = bytes.size - header};
        }
        out.bytes = bytes;
        break;
    default:
        out.bytes = bytes;
        break;
    }
    return out;
}

// Hands a record of the library to `fn`. False when `fn` wants no more, or memory ran out.
static bool record_give(const struct ballast_record *record, ql_record_fn fn, void *arg,
                        struct ql_failure *failure)
{
    const struct ballast_bin *bins = NULL;
    size_t bin_count = ballast_record_bins(record, &bins);
    struct ql_bin *shown = calloc(bin_count + 1, sizeof *shown);
    if (shown == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        return false;
    }
    for (size_t i = 0; i < bin_count; i++) {
        shown[i] = (struct ql_bin){.name = tools_slice_of(bins[i].name),
                                   .value = value_from(&bins[i].value)};
    }
    struct ballast_value key = ballast_record_key(record);
    const uint8_t *digest = ballast_record_digest(record);
    struct ql_record out = {
        .has_user_key = key.type != BALLAST_NIL,
        .user_key = value_from(&key),
        .has_digest = digest != NULL,
        .set = tools_slice_of(ballast_record_set(record)),
        .ttl = ballast_record_ttl_s(record),
        .generation = ballast_record_generation(record),
        .bins = shown,
        .bin_count = bin_count,
    };
    if (digest != NULL) {
        memcpy(out.digest, digest, sizeof out.digest);
    }
    bool go_on = fn(&out, arg);
    free(shown);
    return go_on;
}

// ---- the requests -------------------------------------------------------------------------------

static void client_put(struct ql_backend *backend, const struct ql_settings *settings,
                       const struct ql_target *target, const struct ql_key *key,
                       const struct ql_bin *bins, size_t bin_count, struct ql_failure *failure)
{
    struct ql_arena arena = {0};
    struct request_key request;
    struct ballast_policy policy = policy_of(settings);
    struct ballast_error error = {0};
    struct ballast_bin *written = ql_arena_take(&arena, bin_count * sizeof *written);
    request_key_init(&request, target, key);
    *failure = (struct ql_failure){0};
    if (written == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < bin_count; i++) {
        written[i].name = bin_name_of(&arena, bins[i].name, failure);
        if (written[i].name == NULL) {
            goto out;
        }
        if (!value_to(&arena, &bins[i].value, &written[i].value)) {
            ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
            goto out;
        }
    }
    ballast_put(cluster_of(backend), &policy, &request.key, written, bin_count, &error);
    failure_of(backend, &error, &request, failure);
out:
    ql_arena_fini(&arena);
}

static void client_remove(struct ql_backend *backend, const struct ql_settings *settings,
                          const struct ql_target *target, const struct ql_key *key,
                          struct ql_failure *failure)
{
    struct request_key request;
    struct ballast_policy policy = policy_of(settings);
    struct ballast_error error = {0};
    request_key_init(&request, target, key);
    ballast_remove(cluster_of(backend), &policy, &request.key, &error);
    failure_of(backend, &error, &request, failure);
}

// The record of an answer, on its way out with the set and the digest that were asked for.
struct answer {
    const struct request_key *request;
    const struct ql_target *target;
    ql_record_fn fn;
    void *arg;
};

static bool answer_complete(const struct ql_record *record, void *arg)
{
    const struct answer *answer = arg;
    struct ql_record complete = *record;
    complete.set = answer->target->set;
    complete.has_digest = ballast_digest(&answer->request->key, complete.digest) == BALLAST_OK;
    return answer->fn(&complete, answer->arg);
}

static void answer_give(const struct ballast_record *record, const struct request_key *request,
                        const struct ql_target *target, ql_record_fn fn, void *arg,
                        struct ql_failure *failure)
{
    struct answer answer = {.request = request, .target = target, .fn = fn, .arg = arg};
    record_give(record, answer_complete, &answer, failure);
}

static void client_get(struct ql_backend *backend, const struct ql_settings *settings,
                       const struct ql_target *target, const struct ql_key *key,
                       const struct base_slice *bins, size_t bin_count, ql_record_fn fn, void *arg,
                       struct ql_failure *failure)
{
    struct ql_arena arena = {0};
    struct request_key request;
    struct ballast_policy policy = policy_of(settings);
    struct ballast_error error = {0};
    struct ballast_record *record = NULL;
    const char **names = NULL;
    request_key_init(&request, target, key);
    *failure = (struct ql_failure){0};
    if (!names_of(&arena, bins, bin_count, &names, failure)) {
        goto out;
    }
    if (bin_count == 0) {
        ballast_get(cluster_of(backend), &policy, &request.key, &record, &error);
    } else {
        ballast_get_bins(cluster_of(backend), &policy, &request.key, names, bin_count, &record,
                         &error);
    }
    failure_of(backend, &error, &request, failure);
    if (record != NULL && failure->code == 0) {
        answer_give(record, &request, target, fn, arg, failure);
    }
out:
    ballast_record_free(&record);
    ql_arena_fini(&arena);
}

static void client_operate(struct ql_backend *backend, const struct ql_settings *settings,
                           const struct ql_operate *operate, ql_record_fn fn, void *arg,
                           struct ql_failure *failure)
{
    struct ql_arena arena = {0};
    struct request_key request;
    struct ballast_policy policy = policy_of(settings);
    struct ballast_error error = {0};
    struct ballast_record *record = NULL;
    struct ballast_op *ops = ql_arena_take(&arena, operate->operation_count * sizeof *ops);
    request_key_init(&request, &operate->target, &operate->key);
    *failure = (struct ql_failure){0};
    if (ops == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < operate->operation_count; i++) {
        const struct ql_operation *operation = &operate->operations[i];
        ops[i].type = (enum ballast_op_type)operation->type;
        if (operation->bin.name.size > 0) {
            ops[i].bin = bin_name_of(&arena, operation->bin.name, failure);
            if (ops[i].bin == NULL) {
                goto out;
            }
        }
        if (!value_to(&arena, &operation->bin.value, &ops[i].value)) {
            ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
            goto out;
        }
    }
    ballast_operate(cluster_of(backend), &policy, &request.key, ops, operate->operation_count,
                    &record, &error);
    failure_of(backend, &error, &request, failure);
    if (record != NULL && failure->code == 0) {
        answer_give(record, &request, &operate->target, fn, arg, failure);
    }
out:
    ballast_record_free(&record);
    ql_arena_fini(&arena);
}

// A scan's records on their way out.
struct passage {
    ql_record_fn fn;
    void *arg;
    uint64_t left;
    struct ql_failure failure;
};

static bool scan_pass(const struct ballast_record *record, void *arg)
{
    struct passage *passage = arg;
    if (passage->left == 0) {
        return false;
    }
    passage->left--;
    return record_give(record, passage->fn, passage->arg, &passage->failure);
}

static void client_scan(struct ql_backend *backend, const struct ql_settings *settings,
                        const struct ql_scan *scan, ql_record_fn fn, void *arg,
                        struct ql_failure *failure)
{
    struct ql_arena arena = {0};
    struct ql_key no_key = {.kind = QL_KEY_DIGEST};
    struct request_key target;
    struct ballast_policy policy = policy_of(settings);
    struct ballast_error error = {0};
    struct ballast_scan *running = NULL;
    struct passage passage = {
        .fn = fn, .arg = arg, .left = scan->has_limit ? scan->limit : UINT64_MAX};
    const char **names = NULL;
    request_key_init(&target, &scan->target, &no_key);
    *failure = (struct ql_failure){0};
    if (!names_of(&arena, scan->bins, scan->bin_count, &names, failure)) {
        goto out;
    }
    // A scan takes as long as it takes, unless the user has set a limit.
    policy.total_timeout_ms =
        settings->timeout_ms == TIMEOUT_DEFAULT_MS ? 0 : (uint32_t)settings->timeout_ms;
    policy.socket_timeout_ms = settings->socket_timeout_ms < 0
                                   ? SCAN_SOCKET_TIMEOUT_MS
                                   : (uint32_t)settings->socket_timeout_ms;
    struct ballast_scan_options options;
    ballast_scan_options_init(&options);
    options.ns = target.ns;
    options.set = target.set;
    options.names = names;
    options.name_count = scan->bin_count;
    options.no_bins = settings->no_bins;
    options.max_records = scan->has_limit ? scan->limit : 0;
    options.records_per_second = (uint32_t)settings->scan_records_per_second;
    error.code = ballast_scan_new(&options, &running);
    error.text = ballast_code_text(error.code);
    if (error.code == BALLAST_OK) {
        ballast_scan_run(cluster_of(backend), &policy, running, scan_pass, &passage, &error);
    }
    failure_of(backend, &error, NULL, failure);
    if (failure->code == 0) {
        *failure = passage.failure;
    }
out:
    ballast_scan_free(&running);
    ql_arena_fini(&arena);
}

// ---- info ---------------------------------------------------------------------------------------

struct info_passage {
    ql_info_fn fn;
    void *arg;
};

static void info_pass(const struct ballast_node_info *info, const char *answer,
                      const struct ballast_error *error, void *arg)
{
    struct info_passage *passage = arg;
    struct ql_node node = {.name = info->name, .address = info->address};
    struct ql_failure failure = {0};
    if (answer == NULL) {
        int32_t code = code_of(error->code);
        ql_failure_set(&failure, code, "%s %s %s", info->address, ql_code_name(code), error->text);
    }
    passage->fn(&node, answer, &failure, passage->arg);
}

static uint32_t info_timeout_ms(const struct ql_settings *settings)
{
    return (uint32_t)settings->timeout_ms;
}

static void client_info_all(struct ql_backend *backend, const struct ql_settings *settings,
                            const char *command, ql_info_fn fn, void *arg)
{
    struct info_passage passage = {.fn = fn, .arg = arg};
    ballast_info_all(cluster_of(backend), command, info_timeout_ms(settings), info_pass, &passage,
                     NULL);
}

static void client_info_any(struct ql_backend *backend, const struct ql_settings *settings,
                            const char *command, ql_info_fn fn, void *arg)
{
    char *answer = NULL;
    struct ballast_error error = {0};
    struct ql_failure failure = {0};
    struct ql_node node = {.name = "", .address = ""};
    ballast_info(cluster_of(backend), NULL, command, info_timeout_ms(settings), &answer, &error);
    failure_of(backend, &error, NULL, &failure);
    fn(&node, failure.code == 0 ? answer : NULL, &failure, arg);
    ballast_text_free(&answer);
}

static void client_locate(struct ql_backend *backend, const struct ql_settings *settings,
                          const struct ql_target *target, const struct ql_key *key,
                          struct ql_place *out, struct ql_failure *failure)
{
    (void)settings;
    struct request_key request;
    struct holders holders;
    *out = (struct ql_place){0};
    *failure = (struct ql_failure){0};
    request_key_init(&request, target, key);
    int code = ballast_digest(&request.key, out->digest);
    if (code != BALLAST_OK) {
        ql_failure_set(failure, code_of(code), "%s", ballast_code_text(code));
        return;
    }
    out->partition = base_digest_partition(out->digest);
    holders_find(backend, &request, out->digest, &holders);
    memcpy(out->master, holders.master.name, sizeof out->master);
    memcpy(out->replica, holders.replica.name, sizeof out->replica);
}

static const struct ql_backend_ops client_ops = {
    .put = client_put,
    .remove = client_remove,
    .get = client_get,
    .operate = client_operate,
    .scan = client_scan,
    .info_all = client_info_all,
    .info_any = client_info_any,
    .locate = client_locate,
};

void ql_client_new(const struct ql_client_options *options, struct ql_backend **out,
                   struct ql_failure *failure)
{
    struct ballast_error error = {0};
    struct ballast_config config;
    ballast_config_init(&config);
    config.hosts = options->hosts;
    config.port = options->port;
    config.connect_timeout_ms = options->connect_timeout_ms;
    config.alternate_addresses = options->alternate_addresses;
    *out = NULL;
    *failure = (struct ql_failure){0};
    struct ql_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        ql_failure_set(failure, QL_CODE_CLIENT, "out of memory");
        return;
    }
    client->backend.ops = &client_ops;
    if (ballast_connect(&config, &client->cluster, &error) != BALLAST_OK) {
        ql_failure_set(failure, code_of(error.code), "%s", error.text);
        free(client);
        return;
    }
    *out = &client->backend;
}

void ql_client_free(struct ql_backend **backend)
{
    struct ql_client *client = (struct ql_client *)*backend;
    if (client != NULL) {
        ballast_close(&client->cluster);
        free(client);
        *backend = NULL;
    }
}
