// SPDX-License-Identifier: Apache-2.0
// One question with everything in it.
#include "tools/admin_gather.h"

#include <stdlib.h>
#include <string.h>

#include "wire/info.h"

static bool map_read(struct admin_map *map, const struct admin_reply *reply, const char *command)
{
    struct base_slice value;
    admin_reply_value(reply, command, &value);
    return admin_map_parse(map, value, ';') == RESULT_OK;
}

static bool namespaces_read(struct admin_gathered *node, const struct admin_reply *reply,
                            const struct admin_namespaces *namespaces)
{
    node->namespaces = calloc(namespaces->count + 1, sizeof *node->namespaces);
    for (size_t i = 0; i < namespaces->count && node->namespaces != NULL; i++) {
        char command[LIMIT_NAMESPACE_NAME_SIZE + sizeof "namespace/"];
        struct base_slice value;
        snprintf(command, sizeof command, "namespace/%s", namespaces->names[i]);
        if (!admin_reply_value(reply, command, &value) || wire_info_equal(value, "type=unknown")) {
            continue;
        }
        if (admin_map_parse(&node->namespaces[node->namespace_count], value, ';') != RESULT_OK) {
            return false;
        }
        node->names[node->namespace_count++] = namespaces->names[i];
    }
    return node->namespaces != NULL;
}

static bool node_read(struct admin_gathered *node, const struct admin_reply *reply,
                      const struct admin_namespaces *namespaces)
{
    *node = (struct admin_gathered){.node = reply->node, .faulty = reply->text == NULL};
    admin_reply_value(reply, "build", &node->build);
    admin_reply_value(reply, "version", &node->version);
    admin_reply_value(reply, "cluster-name", &node->cluster_name);
    return map_read(&node->service, reply, "statistics") &&
           map_read(&node->service_config, reply, "get-config:context=service") &&
           map_read(&node->network_config, reply, "get-config:context=network") &&
           map_read(&node->release, reply, "release") && namespaces_read(node, reply, namespaces);
}

bool admin_gather_begin(struct admin_call *call, struct admin_gather *out)
{
    *out = (struct admin_gather){0};
    if (!admin_call_namespaces(call, NULL, &out->namespaces)) {
        return false;
    }
    struct tools_text request = {0};
    tools_text_string_append(&request,
                             "statistics\nbuild\nversion\ncluster-name\nrelease\n"
                             "get-config:context=service\nget-config:context=network\n");
    admin_namespaces_request(&out->namespaces, "namespace/", &request);
    bool asked = admin_call_ask(call, tools_text_string(&request), &out->replies);
    tools_text_fini(&request);
    if (!asked) {
        return false;
    }
    out->nodes = calloc(out->replies.count + 1, sizeof *out->nodes);
    bool read = out->nodes != NULL;
    for (size_t i = 0; i < out->replies.count && read; i++) {
        out->count++;
        read = node_read(&out->nodes[i], &out->replies.items[i], &out->namespaces);
    }
    if (!read) {
        admin_memory_tell(call->session);
        admin_gather_end(out);
    }
    return read;
}

void admin_gather_end(struct admin_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        struct admin_gathered *node = &gather->nodes[i];
        admin_map_fini(&node->service);
        admin_map_fini(&node->service_config);
        admin_map_fini(&node->network_config);
        admin_map_fini(&node->release);
        for (size_t n = 0; n < node->namespace_count; n++) {
            admin_map_fini(&node->namespaces[n]);
        }
        free(node->namespaces);
    }
    free(gather->nodes);
    admin_replies_fini(&gather->replies);
    *gather = (struct admin_gather){0};
}
