// SPDX-License-Identifier: Apache-2.0
// What handlers share: questions to the chosen nodes, arguments with their checks, namespaces.
#include <stdlib.h>
#include <string.h>

#include "tools/admin_session.h"
#include "wire/info.h"

bool admin_call_ask(struct admin_call *call, const char *request, struct admin_replies *out)
{
    struct admin_session *session = call->session;
    if (admin_cluster_ask(&session->cluster, call->selected, request, out) != RESULT_OK) {
        admin_memory_tell(session);
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        const struct admin_reply *reply = &out->items[i];
        size_t number = (size_t)(reply->node - session->cluster.nodes);
        if (reply->text == NULL && !call->warned[number]) {
            call->warned[number] = true;
            admin_warn(session, "%s does not answer: %s.", reply->node->name,
                       reply->trouble == NULL ? "unknown reason" : reply->trouble);
        }
    }
    return true;
}

bool admin_call_ask_principal(struct admin_call *call, const char *request,
                              struct admin_replies *out)
{
    const struct admin_cluster *cluster = &call->session->cluster;
    bool chosen[LIMIT_CLIENT_NODES] = {false};
    size_t best = cluster->node_count;
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].answers &&
            (best == cluster->node_count || admin_node_is_principal(cluster, &cluster->nodes[i]))) {
            best = i;
        }
    }
    if (best < cluster->node_count) {
        chosen[best] = true;
    }
    if (admin_cluster_ask(cluster, chosen, request, out) != RESULT_OK) {
        admin_memory_tell(call->session);
        return false;
    }
    if (out->count == 1 && out->items[0].text != NULL) {
        return true;
    }
    admin_error(call->session, "%s does not answer: %s.",
                out->count == 1 ? out->items[0].node->name : "the principal",
                out->count == 1 && out->items[0].trouble != NULL ? out->items[0].trouble
                                                                 : "unknown reason");
    admin_replies_fini(out);
    return false;
}

// ---- arguments ----------------------------------------------------------------------------------

bool admin_call_have(const struct admin_call *call, const char *keyword)
{
    return admin_arguments_have(call->arguments, keyword);
}

const char *admin_call_value(const struct admin_call *call, const char *keyword)
{
    const char *values[ADMIN_WORDS_MAX];
    return admin_arguments_values(call->arguments, keyword, values) == 0 ? NULL : values[0];
}

bool admin_call_number(struct admin_call *call, const char *keyword, uint32_t least, uint32_t most,
                       uint32_t otherwise, uint32_t *out)
{
    const char *value = admin_call_value(call, keyword);
    uint64_t number;
    *out = otherwise;
    if (value == NULL) {
        return true;
    }
    if (!wire_info_number(tools_slice_of(value), &number) || number < least || number > most) {
        admin_error(call->session, "%s: '%s' is not a whole number from %u to %u.", keyword, value,
                    least, most);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

bool admin_filter_make(struct admin_call *call, const char *keyword, struct admin_filter *out)
{
    const char *values[ADMIN_WORDS_MAX];
    size_t count = admin_arguments_values(call->arguments, keyword, values);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (out->count == ADMIN_FILTER_MAX) {
            admin_error(call->session, "%s: at most %d patterns.", keyword, ADMIN_FILTER_MAX);
            admin_filter_fini(out);
            return false;
        }
        int code = regcomp(&out->patterns[out->count], values[i], REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            char reason[128];
            regerror(code, &out->patterns[out->count], reason, sizeof reason);
            admin_error(call->session, "%s: '%s' is no regular expression: %s.", keyword, values[i],
                        reason);
            admin_filter_fini(out);
            return false;
        }
        out->count++;
    }
    return true;
}

void admin_filter_fini(struct admin_filter *filter)
{
    while (filter->count > 0) {
        regfree(&filter->patterns[--filter->count]);
    }
}

bool admin_filter_passes(const struct admin_filter *filter, struct base_slice text)
{
    // The text is given by its bounds, because it need not be terminated.
    for (size_t i = 0; i < filter->count; i++) {
        regmatch_t bounds = {.rm_so = 0, .rm_eo = (regoff_t)text.size};
        const char *start = text.size == 0 ? "" : (const char *)text.data;
        if (regexec(&filter->patterns[i], start, 1, &bounds, REG_STARTEND) == 0) {
            return true;
        }
    }
    return filter->count == 0;
}

// ---- namespaces ---------------------------------------------------------------------------------

static void namespace_add(struct admin_namespaces *out, struct base_slice name)
{
    if (out->count == ADMIN_NAMESPACES_MAX || name.size == 0 ||
        name.size > LIMIT_NAMESPACE_NAME_SIZE) {
        return;
    }
    size_t at = out->count;
    while (at > 0) {
        int order = admin_slice_compare(tools_slice_of(out->names[at - 1]), name);
        if (order == 0) {
            return;
        }
        if (order < 0) {
            break;
        }
        at--;
    }
    memmove(out->names[at + 1], out->names[at], (out->count - at) * sizeof out->names[0]);
    memcpy(out->names[at], name.data, name.size);
    out->names[at][name.size] = '\0';
    out->count++;
}

bool admin_call_namespaces(struct admin_call *call, const struct admin_filter *filter,
                           struct admin_namespaces *out)
{
    struct admin_replies replies;
    out->count = 0;
    if (!admin_call_ask(call, "namespaces\n", &replies)) {
        return false;
    }
    for (size_t i = 0; i < replies.count; i++) {
        struct base_slice list, name;
        if (admin_reply_value(&replies.items[i], "namespaces", &list)) {
            while (wire_info_piece_next(&list, ';', &name)) {
                if (filter == NULL || admin_filter_passes(filter, name)) {
                    namespace_add(out, name);
                }
            }
        }
    }
    admin_replies_fini(&replies);
    return true;
}

void admin_namespaces_request(const struct admin_namespaces *namespaces, const char *prefix,
                              struct tools_text *out)
{
    for (size_t i = 0; i < namespaces->count; i++) {
        tools_text_format_append(out, "%s%s\n", prefix, namespaces->names[i]);
    }
}

struct admin_map *admin_maps_of(const struct admin_replies *replies, const char *command)
{
    struct admin_map *maps = calloc(replies->count + 1, sizeof *maps);
    for (size_t i = 0; i < replies->count && maps != NULL; i++) {
        struct base_slice value;
        if (admin_reply_value(&replies->items[i], command, &value) &&
            admin_map_parse(&maps[i], value, ';') != RESULT_OK) {
            admin_maps_free(maps, replies->count);
            maps = NULL;
        }
    }
    return maps;
}

void admin_maps_free(struct admin_map *maps, size_t count)
{
    for (size_t i = 0; i < count && maps != NULL; i++) {
        admin_map_fini(&maps[i]);
    }
    free(maps);
}
