// SPDX-License-Identifier: Apache-2.0
// Configuration and log levels, read and changed while the node runs.
#include <ctype.h>
#include <stdio.h>

#include "server/info_call.h"
#include "server/log.h"

// --- get-config ----------------------------------------------------------------------------------

static void pair_write(const char *name, const char *value, void *arg)
{
    info__text(arg, name);
    info__put(arg, "=", 1);
    info__text(arg, value);
    info__put(arg, ";", 1);
}

static void set_config_read(const struct store_set *set, struct config_set *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->name, set->name, sizeof out->name);
    out->default_ttl_s = set->default_ttl_s;
    out->disable_eviction = set->disable_eviction;
    out->enable_index = set->enable_index;
    out->stop_writes_count = set->stop_writes_count;
    out->stop_writes_size = set->stop_writes_size;
    out->default_read_touch_ttl_pct = set->default_read_touch_ttl_pct;
}

static void set_config_write(struct store_set *set, const struct config_set *from)
{
    set->default_ttl_s = from->default_ttl_s;
    set->disable_eviction = from->disable_eviction;
    set->enable_index = from->enable_index;
    set->stop_writes_count = from->stop_writes_count;
    set->stop_writes_size = from->stop_writes_size;
    set->default_read_touch_ttl_pct = from->default_read_touch_ttl_pct;
}

static void namespace_show(struct info_call *call)
{
    struct namespace *ns = info__namespace_needed(call, true);
    if (ns == NULL) {
        return;
    }
    struct base_slice name;
    if (!info__param(call, "set", &name)) {
        config_namespace_show(call->node->config, ns->config, pair_write, call);
        return;
    }
    const struct store_set *set = store_set_find(ns->store, name);
    if (set == NULL) {
        info__error(call, RESULT_PARAMETER, "unknown set");
        return;
    }
    struct config_set values;
    set_config_read(set, &values);
    config_set_show(&values, pair_write, call);
}

static void on_get_config(struct info_call *call)
{
    struct config *config = call->node->config;
    struct base_slice context;
    if (!info__param(call, "context", &context)) {
        config_service_show(config, pair_write, call);
        config_network_show(config, pair_write, call);
    } else if (wire_info_equal(context, "service")) {
        config_service_show(config, pair_write, call);
    } else if (wire_info_equal(context, "network")) {
        config_network_show(config, pair_write, call);
    } else if (wire_info_equal(context, "namespace")) {
        namespace_show(call);
    } else if (wire_info_equal(context, "security")) {
        info__text(call, "enable-security=false");
    } else if (wire_info_equal(context, "xdr")) {
        struct base_slice dc;
        if (info__param(call, "dc", &dc)) {
            info__error(call, RESULT_PARAMETER, "unknown dc");
            return;
        }
        info__text(call, "dcs=;src-id=0;trace-sample=0");
    } else {
        info__error(call, RESULT_PARAMETER, "unknown context");
    }
    info__trim(call, ';');
}

// --- set-config ----------------------------------------------------------------------------------

struct change {
    bool network;
    struct namespace *ns;
    struct store_set *set;
};

// Finds what is to be changed; false with an error answered.
static bool change_find(struct info_call *call, struct change *out)
{
    memset(out, 0, sizeof *out);
    struct base_slice context;
    if (!info__param(call, "context", &context)) {
        info__error(call, RESULT_PARAMETER, "missing context");
        return false;
    }
    if (wire_info_equal(context, "service") || wire_info_equal(context, "network")) {
        out->network = wire_info_equal(context, "network");
        return true;
    }
    if (!wire_info_equal(context, "namespace")) {
        bool known = wire_info_equal(context, "security") || wire_info_equal(context, "xdr");
        info__error(call, known ? RESULT_UNSUPPORTED : RESULT_PARAMETER,
                    known ? "not built yet" : "unknown context");
        return false;
    }
    out->ns = info__namespace_needed(call, true);
    struct base_slice name;
    if (out->ns == NULL || !info__param(call, "set", &name)) {
        return out->ns != NULL;
    }
    if (store_set_ensure(out->ns->store, name, &out->set) != RESULT_OK) {
        info__error(call, RESULT_PARAMETER, "bad set name, or too many sets");
        return false;
    }
    return true;
}

static bool names_the_place(struct base_slice key)
{
    return wire_info_equal(key, "context") || wire_info_equal(key, "namespace") ||
           wire_info_equal(key, "ns") || wire_info_equal(key, "id") || wire_info_equal(key, "set");
}

static enum base_result change_make(struct info_call *call, const struct change *change,
                                    const char *name, const char *value, char *error)
{
    if (change->set != NULL) {
        struct config_set values;
        set_config_read(change->set, &values);
        enum base_result result = config_set_value_set(&values, name, value, error);
        if (result == RESULT_OK) {
            set_config_write(change->set, &values);
        }
        return result;
    }
    struct config_namespace *ns = change->ns == NULL ? NULL : change->ns->config;
    return config_value_set(call->node->config, ns, change->network, name, value, error);
}

static void on_set_config(struct info_call *call)
{
    struct change change;
    if (!change_find(call, &change)) {
        return;
    }
    struct base_slice params = call->command.params;
    struct base_slice key;
    struct base_slice value;
    uint32_t count = 0;
    while (wire_info_param_next(&params, &key, &value)) {
        if (names_the_place(key)) {
            continue;
        }
        char name[CONFIG_TEXT_SIZE];
        char text[CONFIG_TEXT_SIZE];
        char error[CONFIG_NOTE_SIZE] = "bad param";
        snprintf(name, sizeof name, "%.*s", (int)(key.size < 255 ? key.size : 255), key.data);
        snprintf(text, sizeof text, "%.*s", (int)(value.size < 255 ? value.size : 255), value.data);
        enum base_result result = value.size >= sizeof text
                                      ? RESULT_PARAMETER
                                      : change_make(call, &change, name, text, error);
        if (result != RESULT_OK) {
            info__error(call, RESULT_PARAMETER, error);
            return;
        }
        log_info(call->node->log, config, "%s%s%s is now %s",
                 change.ns == NULL ? "" : change.ns->name, change.ns == NULL ? "" : ": ", name,
                 text);
        if (change.ns != NULL) {
            namespace_config_changed(change.ns);
        }
        count++;
    }
    if (count == 0) {
        info__error(call, RESULT_PARAMETER, "missing parameter");
        return;
    }
    info__text(call, "ok");
}

// --- logs ----------------------------------------------------------------------------------------

static void on_logs(struct info_call *call)
{
    struct log *log = call->node->log;
    for (uint32_t i = 0; log != NULL && i < log_sink_count(log); i++) {
        info__format(call, "%s%u:%.255s", i > 0 ? ";" : "", i, log_sink_path(log, i));
    }
}

// The sink of that number; false with an error answered.
static bool sink_find(struct info_call *call, struct base_slice id, uint32_t *sink)
{
    uint64_t number;
    if (call->node->log == NULL || !wire_info_number(id, &number) ||
        number >= log_sink_count(call->node->log)) {
        info__error(call, RESULT_PARAMETER, "bad log id");
        return false;
    }
    *sink = (uint32_t)number;
    return true;
}

static void on_log(struct info_call *call)
{
    uint32_t sink;
    if (!sink_find(call, call->command.path, &sink)) {
        return;
    }
    for (uint32_t i = 0; i < LOG_CONTEXT_COUNT; i++) {
        enum log_context context = (enum log_context)i;
        char level[16];
        snprintf(level, sizeof level, "%s",
                 log_level_name(log_sink_level(call->node->log, sink, context)));
        for (char *at = level; *at != '\0'; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
        info__format(call, "%s:%s;", log_context_name(context), level);
    }
    info__trim(call, ';');
}

static void level_set(struct info_call *call, uint32_t sink, const char *name, enum log_level level)
{
    enum log_context context = log_context_find(name);
    bool any = strcmp(name, "any") == 0;
    for (uint32_t i = 0; i < LOG_CONTEXT_COUNT; i++) {
        if (any || i == (uint32_t)context) {
            log_sink_level_set(call->node->log, sink, (enum log_context)i, level);
        }
    }
}

static void on_log_set(struct info_call *call)
{
    struct base_slice id;
    uint32_t sink;
    if (!info__param(call, "id", &id)) {
        info__error(call, RESULT_PARAMETER, "missing log id");
        return;
    }
    if (!sink_find(call, id, &sink)) {
        return;
    }
    struct base_slice params = call->command.params;
    struct base_slice key;
    struct base_slice value;
    while (wire_info_param_next(&params, &key, &value)) {
        if (wire_info_equal(key, "id")) {
            continue;
        }
        char name[64];
        char text[64];
        snprintf(name, sizeof name, "%.*s", (int)(key.size < 63 ? key.size : 63), key.data);
        snprintf(text, sizeof text, "%.*s", (int)(value.size < 63 ? value.size : 63), value.data);
        enum log_level level = log_level_find(text);
        if (level == LOG_LEVEL_COUNT ||
            (strcmp(name, "any") != 0 && log_context_find(name) == LOG_CONTEXT_COUNT)) {
            info__error(call, RESULT_PARAMETER, "unknown context or level");
            return;
        }
        level_set(call, sink, name, level);
    }
    info__text(call, "ok");
}

static void on_log_message(struct info_call *call)
{
    struct base_slice message;
    struct base_slice who;
    if (!info__param(call, "message", &message)) {
        info__error(call, RESULT_PARAMETER, "missing message");
        return;
    }
    bool named = info__param(call, "who", &who);
    log_info(call->node->log, info, "%.*s%s%.*s", named ? (int)(who.size & 0xffff) : 0,
             named ? (const char *)who.data : "", named ? ": " : "", (int)(message.size & 0xffff),
             message.data);
    info__text(call, "ok");
}

const struct info_command info_config_commands[] = {
    {"get-config", on_get_config, "configuration: context=service, network, namespace"},
    {"config-get", on_get_config, "the same"},
    {"set-config", on_set_config, "changes a value: context=...;directive=value"},
    {"config-set", on_set_config, "the same"},
    {"logs", on_logs, "where the log goes"},
    {"log", on_log, "log/<id>: levels of one sink"},
    {"log-set", on_log_set, "changes a level: id=0;context=level"},
    {"set-log", on_log_set, "the same"},
    {"log-message", on_log_message, "writes a line to the log"},
    {NULL, NULL, NULL},
};
