// SPDX-License-Identifier: Apache-2.0
// The configuration's life: built-in values, the last checks before the node starts, and what
// get-config and set-config ask while it runs.
#include "server/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/system.h"
#include "server/config_table.h"

static const struct config_source built_in = {.origin = CONFIG_BUILT_IN};

// Fills the rows of the given contexts with what the table says. The table's own values must be
// good, so anything else is a bug.
static enum base_result built_in_fill(const struct config_place *place, enum config_context first,
                                      enum config_context second)
{
    char error[CONFIG_NOTE_SIZE];
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if ((row->context != first && row->context != second && row->context != CONFIG_LOGGING) ||
            row->built_in == NULL || (row->context == CONFIG_LOGGING && first != CONFIG_SERVICE)) {
            continue;
        }
        enum base_result result = config__value_put(i, place, row->built_in, &built_in, error);
        base_assert(result != RESULT_PARAMETER);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

struct config_place config__place(struct config *config, struct config_namespace *ns,
                                  enum config_context context)
{
    if (context == CONFIG_NAMESPACE) {
        return (struct config_place){ns, ns->slots, &config->lock};
    }
    return (struct config_place){config, config->slots, &config->lock};
}

enum base_result config_new(struct config **out)
{
    *out = NULL;
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        return RESULT_NO_MEMORY;
    }
    pthread_mutex_init(&config->lock, NULL);
    enum base_result result = RESULT_NO_MEMORY;
    config->slots = calloc(config_row_count, sizeof *config->slots);
    if (config->slots != NULL) {
        struct config_place place = config__place(config, NULL, CONFIG_SERVICE);
        result = built_in_fill(&place, CONFIG_SERVICE, CONFIG_NETWORK);
    }
    if (result != RESULT_OK) {
        config_free(&config);
        return result;
    }
    *out = config;
    return RESULT_OK;
}

static void slots_free(struct config_slot *slots)
{
    for (uint32_t i = 0; slots != NULL && i < config_row_count; i++) {
        free(slots[i].text);
    }
    free(slots);
}

void config_free(struct config **config)
{
    struct config *gone = *config;
    *config = NULL;
    if (gone == NULL) {
        return;
    }
    for (uint32_t i = 0; i < gone->namespace_count; i++) {
        slots_free(gone->namespaces[i]->slots);
        free(gone->namespaces[i]->sets);
        free(gone->namespaces[i]);
    }
    slots_free(gone->slots);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

struct config_namespace *config_namespace_find(const struct config *config, const char *name)
{
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        if (strcmp(config->namespaces[i]->name, name) == 0) {
            return config->namespaces[i];
        }
    }
    return NULL;
}

static bool name_is_good(const char *name, size_t size_max)
{
    size_t size = strlen(name);
    return size > 0 && size <= size_max && strpbrk(name, ":;/,=\t ") == NULL &&
           strcmp(name, "null") != 0;
}

enum base_result config__namespace_add(struct config *config, const char *name,
                                       struct config_namespace **out)
{
    *out = NULL;
    if (!name_is_good(name, LIMIT_NAMESPACE_NAME_SIZE) || config_namespace_find(config, name)) {
        return RESULT_PARAMETER;
    }
    if (config->namespace_count == LIMIT_NAMESPACES) {
        return RESULT_LIMIT;
    }
    struct config_namespace *ns = calloc(1, sizeof *ns);
    if (ns == NULL) {
        return RESULT_NO_MEMORY;
    }
    enum base_result result = RESULT_NO_MEMORY;
    ns->slots = calloc(config_row_count, sizeof *ns->slots);
    if (ns->slots != NULL) {
        memcpy(ns->name, name, strlen(name) + 1);
        struct config_place place = config__place(config, ns, CONFIG_NAMESPACE);
        result = built_in_fill(&place, CONFIG_NAMESPACE, CONFIG_NAMESPACE);
    }
    if (result != RESULT_OK) {
        slots_free(ns->slots);
        free(ns);
        return result;
    }
    config->namespaces[config->namespace_count++] = ns;
    *out = ns;
    return RESULT_OK;
}

enum base_result config__set_add(struct config_namespace *ns, const char *name,
                                 struct config_set **out)
{
    *out = NULL;
    if (!name_is_good(name, LIMIT_SET_NAME_SIZE)) {
        return RESULT_PARAMETER;
    }
    for (uint32_t i = 0; i < ns->set_count; i++) {
        if (strcmp(ns->sets[i].name, name) == 0) {
            return RESULT_PARAMETER;
        }
    }
    if (ns->set_count == CONFIG_SETS) {
        return RESULT_LIMIT;
    }
    struct config_set *sets = realloc(ns->sets, (ns->set_count + 1) * sizeof *sets);
    if (sets == NULL) {
        return RESULT_NO_MEMORY;
    }
    ns->sets = sets;
    struct config_set *set = &sets[ns->set_count++];
    memset(set, 0, sizeof *set);
    memcpy(set->name, name, strlen(name) + 1);
    *out = set;
    return RESULT_OK;
}

// --- finishing ---------------------------------------------------------------------------------

static enum config_origin origin_of(const struct config *config, const char *network_row)
{
    return config->slots[config__row_find(CONFIG_NETWORK, network_row)].origin;
}

static void list_set(struct config_list *list, const char *item)
{
    list->count = 1;
    snprintf(list->item[0], sizeof list->item[0], "%s", item);
}

static void list_copy(struct config_list *to, const struct config_list *from)
{
    to->count = from->count;
    memcpy(to->item, from->item, from->count * sizeof from->item[0]);
}

static bool is_loopback_alone(const struct config_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const char *item = list->item[i];
        if (strcmp(item, "local") != 0 && strcmp(item, "localhost") != 0 &&
            strcmp(item, "::1") != 0 && strncmp(item, "127.", 4) != 0) {
            return false;
        }
    }
    return true;
}

// Outside a container a node that was not told otherwise serves this machine alone.
static void addresses_finish(struct config *config)
{
    struct config_network *network = &config->network;
    if (network->service_address.count == 0) {
        list_set(&network->service_address, io_system_in_container() ? "any" : "local");
    }
    if (network->info_address.count == 0) {
        list_copy(&network->info_address, &network->service_address);
    }
    if (network->heartbeat_address.count == 0) {
        list_set(&network->heartbeat_address,
                 is_loopback_alone(&network->service_address) ? "local" : "any");
    }
    if (network->fabric_address.count == 0) {
        list_copy(&network->fabric_address, &network->heartbeat_address);
    }
    network->info_enabled = network->info_port != 0;
}

// The old mesh-address becomes a seed like any other.
static void seeds_finish(struct config *config, struct config_diag *diag)
{
    struct config_network *network = &config->network;
    struct config_place place = config__place(config, NULL, CONFIG_NETWORK);
    int64_t port =
        config__value_number(config__row_find(CONFIG_NETWORK, "heartbeat.mesh-port"), &place);
    for (uint32_t i = 0; i < network->mesh_address.count; i++) {
        struct config_list *seeds = &network->mesh_seed_address_port;
        if (seeds->count == CONFIG_LIST_ITEMS ||
            snprintf(seeds->item[seeds->count], CONFIG_TEXT_SIZE, "%.240s %lld",
                     network->mesh_address.item[i], (long long)port) >= CONFIG_TEXT_SIZE) {
            config__note(diag, true, "network.heartbeat.mesh-address", "is one seed too many");
            return;
        }
        seeds->count++;
    }
    bool alone = is_loopback_alone(&network->heartbeat_address);
    for (uint32_t i = 0; alone && i < network->mesh_seed_address_port.count; i++) {
        const char *seed = network->mesh_seed_address_port.item[i];
        if (strncmp(seed, "127.", 4) != 0 && strncmp(seed, "::1", 3) != 0 &&
            strncmp(seed, "localhost", 9) != 0) {
            config__note(diag, false, "network.heartbeat.address",
                         "only this machine can reach this node, and the seed `%.100s` is another; "
                         "write `address any`",
                         seed);
            return;
        }
    }
}

static void ports_offset(struct config *config, uint32_t offset, struct config_diag *diag)
{
    uint16_t *const ports[] = {&config->network.service_port, &config->network.info_port,
                               &config->network.fabric_port, &config->network.heartbeat_port};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (*ports[i] == 0) {
            continue;
        }
        if (*ports[i] + offset > UINT16_MAX) {
            config__note(diag, true, "--port-offset", "port %u + %u is above 65535", *ports[i],
                         offset);
            return;
        }
        *ports[i] = (uint16_t)(*ports[i] + offset);
    }
}

static void ports_check(const struct config *config, struct config_diag *diag)
{
    const struct config_network *network = &config->network;
    const struct {
        const char *name;
        uint16_t port;
    } ports[] = {{"network.service.port", network->service_port},
                 {"network.info.port", network->info_port},
                 {"network.fabric.port", network->fabric_port},
                 {"network.heartbeat.port", network->heartbeat_port}};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ports[i].port != 0 && ports[i].port == ports[j].port) {
                config__note(diag, true, ports[i].name, "%u is also %s; give each its own",
                             ports[i].port, ports[j].name);
            }
        }
    }
}

static void node_id_check(struct config *config, struct config_diag *diag)
{
    char *id = config->service.node_id;
    size_t size = strlen(id);
    for (size_t i = 0; i < size; i++) {
        id[i] = (char)toupper((unsigned char)id[i]);
    }
    if (size > 0 && (size > 16 || strspn(id, "0123456789ABCDEF") != size || id[0] == '0')) {
        config__note(diag, true, "service.node-id",
                     "'%s' is not 1 to 16 hexadecimal digits without leading zeros", id);
    }
}

// Sixty percent of what this process may use, shared among the namespaces that give no data-size.
static void data_sizes_finish(struct config *config, struct config_diag *diag)
{
    uint64_t memory = io_system_memory_limit();
    uint64_t given = 0;
    uint32_t open_count = 0;
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        given += config->namespaces[i]->data_size;
        open_count += config->namespaces[i]->data_size == 0;
    }
    uint64_t share = memory / 10 * 6;
    uint64_t left = given < share ? share - given : 0;
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        struct config_namespace *ns = config->namespaces[i];
        if (ns->data_size == 0) {
            uint64_t size = left / open_count / (1024 * 1024) * (1024 * 1024);
            ns->data_size = size < 64 * 1024 * 1024 ? 64 * 1024 * 1024 : size;
        }
    }
    if (given > memory) {
        config__note(diag, false, "storage-engine.data-size",
                     "namespaces may take %llu MiB together, but this process may use only %llu",
                     (unsigned long long)(given >> 20), (unsigned long long)(memory >> 20));
    }
}

static void namespace_finish(struct config *config, struct config_namespace *ns,
                             struct config_diag *diag)
{
    uint32_t old_row = config__row_find(CONFIG_SERVICE, "nsup-period");
    uint32_t row = config__row_find(CONFIG_NAMESPACE, "nsup-period");
    if (config->slots[old_row].origin != CONFIG_BUILT_IN &&
        ns->slots[row].origin == CONFIG_BUILT_IN) {
        ns->nsup_period_s = (uint32_t)config->slots[old_row].number;
        ns->slots[row].origin = config->slots[old_row].origin;
        ns->slots[row].line = config->slots[old_row].line;
    }
    char where[CONFIG_TEXT_SIZE + 96];
    if (ns->line > 0) {
        snprintf(where, sizeof where, "%s:%u: namespace %s", config->file_path, ns->line, ns->name);
    } else {
        snprintf(where, sizeof where, "namespace %s", ns->name);
    }
    if (ns->nsup_period_s == 0 && ns->default_ttl_s != 0 && !ns->allow_ttl_without_nsup) {
        config__note(diag, true, where,
                     "default-ttl needs nsup-period above 0, or nothing would remove expired "
                     "records; set nsup-period 120 or allow-ttl-without-nsup true");
    }
    if (ns->evict_used_pct != 0 && ns->stop_writes_used_pct != 0 &&
        ns->evict_used_pct > ns->stop_writes_used_pct) {
        config__note(diag, false, where,
                     "evict-used-pct is above stop-writes-used-pct: writes stop before eviction "
                     "makes room");
    }
}

static enum base_result namespaces_finish(struct config *config, struct config_diag *diag)
{
    if (config->namespace_count == 0) {
        if (config->file_path[0] != '\0') {
            config__note(diag, true, config->file_path,
                         "holds no namespace; add `namespace test {` and `}`");
            return RESULT_OK;
        }
        struct config_namespace *ns;
        enum base_result result = config__namespace_add(config, "test", &ns);
        if (result != RESULT_OK) {
            return result;
        }
        ns->replication_factor = 1;
    }
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        namespace_finish(config, config->namespaces[i], diag);
    }
    data_sizes_finish(config, diag);
    return RESULT_OK;
}

// One warning for all that was given and waits for clusters, so that a common file is not noisy.
static void waiting_tell(const struct config *config, struct config_diag *diag)
{
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_slot *slot = &config->slots[i];
        if (config_rows[i].treatment == CONFIG_WAITING && slot->origin != CONFIG_BUILT_IN) {
            config__note(diag, false, "",
                         "heartbeat, fabric and replication settings are kept, but have no effect "
                         "until nodes form clusters");
            return;
        }
    }
}

enum base_result config_finish(struct config *config, uint32_t port_offset,
                               struct config_diag *diag)
{
    struct config_service *service = &config->service;
    if (service->service_threads == 0) {
        uint32_t cores = io_system_cores();
        service->service_threads = cores < LIMIT_SERVICE_THREADS ? cores : LIMIT_SERVICE_THREADS;
    }
    uint32_t batch_row = config__row_find(CONFIG_SERVICE, "batch-index-threads");
    if (config->slots[batch_row].origin == CONFIG_BUILT_IN) {
        config->slots[batch_row].number = service->service_threads;
    }
    if (config->log.sink_count == 0) {
        config->log.sink_count = 1;
        memset(&config->log.sinks[0], 0, sizeof config->log.sinks[0]);
        memset(config->log.sinks[0].level, LOG_INFO, sizeof config->log.sinks[0].level);
    }
    if (config->file_path[0] != '\0' && origin_of(config, "service.address") == CONFIG_BUILT_IN &&
        !io_system_in_container()) {
        config__note(diag, false, "network.service.address",
                     "not given, so only this machine can connect; write `address any` to serve "
                     "others");
    }
    addresses_finish(config);
    seeds_finish(config, diag);
    ports_offset(config, port_offset, diag);
    ports_check(config, diag);
    node_id_check(config, diag);
    enum base_result result = namespaces_finish(config, diag);
    if (result != RESULT_OK) {
        return result;
    }
    waiting_tell(config, diag);
    return diag->error_count > 0 ? RESULT_CONFIG : RESULT_OK;
}

// --- while the node runs -----------------------------------------------------------------------

static void rows_show(const struct config_place *place, enum config_context context,
                      config_show_fn show, void *arg)
{
    char *value = malloc(CONFIG_VALUE_SIZE);
    if (value == NULL) {
        return;
    }
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->context != context || !row->shown) {
            continue;
        }
        config__value_text(i, place, value);
        if (row->type == CONFIG_HOSTS) {
            for (char *at = strchr(value, ' '); at != NULL; at = strchr(at, ' ')) {
                *at = ':';
            }
        }
        if (value[0] != '\0' || (row->type != CONFIG_LIST && row->type != CONFIG_HOSTS)) {
            show(row->name, value[0] == '\0' ? "null" : value, arg);
        }
    }
    free(value);
}

void config_service_show(struct config *config, config_show_fn show, void *arg)
{
    struct config_place place = config__place(config, NULL, CONFIG_SERVICE);
    rows_show(&place, CONFIG_SERVICE, show, arg);
}

void config_network_show(struct config *config, config_show_fn show, void *arg)
{
    struct config_place place = config__place(config, NULL, CONFIG_NETWORK);
    rows_show(&place, CONFIG_NETWORK, show, arg);
}

void config_namespace_show(struct config *config, const struct config_namespace *ns,
                           config_show_fn show, void *arg)
{
    struct config_place place =
        config__place(config, (struct config_namespace *)ns, CONFIG_NAMESPACE);
    rows_show(&place, CONFIG_NAMESPACE, show, arg);
}

void config_set_show(const struct config_set *set, config_show_fn show, void *arg)
{
    struct config_place place = {(struct config_set *)set, NULL, NULL};
    rows_show(&place, CONFIG_SET, show, arg);
}

static enum base_result dynamic_put(enum config_context context, const struct config_place *place,
                                    const char *name, const char *value, char *error)
{
    static const struct config_source source = {.origin = CONFIG_FROM_SET_CONFIG};
    uint32_t row_number = config__row_find(context, name);
    if (row_number == CONFIG_ROW_NONE || config_rows[row_number].treatment == CONFIG_OBSOLETE ||
        config_rows[row_number].type == CONFIG_LEVEL) {
        snprintf(error, CONFIG_NOTE_SIZE, "unknown parameter %.64s", name);
        return RESULT_PARAMETER;
    }
    const struct config_row *row = &config_rows[row_number];
    if (row->treatment == CONFIG_REFUSED) {
        if (!config__value_is_harmless(row, value)) {
            snprintf(error, CONFIG_NOTE_SIZE, "%s", row->help);
            return RESULT_PARAMETER;
        }
        return RESULT_OK;
    }
    if (!row->dynamic) {
        snprintf(error, CONFIG_NOTE_SIZE, "%.64s cannot change while the node runs", name);
        return RESULT_PARAMETER;
    }
    char wrong[CONFIG_NOTE_SIZE / 2] = "";
    char text[CONFIG_NOTE_SIZE] = "";
    enum base_result result = config__value_put(row_number, place, value, &source, text);
    if (result == RESULT_PARAMETER) {
        snprintf(wrong, sizeof wrong, "%.*s", (int)sizeof wrong - 1, text);
        snprintf(error, CONFIG_NOTE_SIZE, "bad value for %.64s, %s", name, wrong);
    }
    return result;
}

enum base_result config_value_set(struct config *config, struct config_namespace *ns, bool network,
                                  const char *name, const char *value, char *error)
{
    error[0] = '\0';
    enum config_context context = ns != NULL ? CONFIG_NAMESPACE
                                  : network  ? CONFIG_NETWORK
                                             : CONFIG_SERVICE;
    struct config_place place = config__place(config, ns, context);
    uint32_t nsup_row = config__row_find(CONFIG_NAMESPACE, "nsup-period");
    bool ends_expiry =
        ns != NULL && config__row_find(context, name) == nsup_row && strcmp(value, "0") == 0;
    if (ends_expiry && ns->default_ttl_s != 0 && !ns->allow_ttl_without_nsup) {
        snprintf(error, CONFIG_NOTE_SIZE, "nsup-period must stay above 0 while default-ttl is set");
        return RESULT_PARAMETER;
    }
    return dynamic_put(context, &place, name, value, error);
}

enum base_result config_set_value_set(struct config_set *set, const char *name, const char *value,
                                      char *error)
{
    error[0] = '\0';
    struct config_place place = {set, NULL, NULL};
    return dynamic_put(CONFIG_SET, &place, name, value, error);
}

void config_cluster_name_copy(struct config *config, char out[LIMIT_CLUSTER_NAME_SIZE + 1])
{
    pthread_mutex_lock(&config->lock);
    memcpy(out, config->service.cluster_name, LIMIT_CLUSTER_NAME_SIZE + 1);
    pthread_mutex_unlock(&config->lock);
}
