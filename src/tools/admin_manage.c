// SPDX-License-Identifier: Apache-2.0
// `manage config`, `manage recluster`, `manage quiesce`, and `asinfo`.
#include "tools/admin_manage.h"

#include <stdlib.h>
#include <string.h>

#include "tools/admin_change.h"
#include "wire/info.h"

enum { COMMAND_SIZE = 1024, TITLE_SIZE = 512 };

// ---- asinfo -------------------------------------------------------------------------------------

// Prints the value, or those of its items that pass.
static void value_print(struct admin_session *session, struct base_slice value, bool lines,
                        const struct admin_filter *filter)
{
    while (value.size > 0 && value.data[value.size - 1] == ';') {
        value.size--;
    }
    if (!lines && filter->count == 0) {
        fprintf(session->out, "%.*s\n", (int)value.size,
                value.size == 0 ? "" : (const char *)value.data);
        return;
    }
    struct base_slice item;
    const char *between = "";
    while (wire_info_piece_next(&value, ';', &item)) {
        if (admin_filter_passes(filter, item)) {
            fprintf(session->out, "%s%.*s", between, (int)item.size, item.data);
            between = lines ? "\n" : ";";
        }
    }
    fputc('\n', session->out);
}

static void asinfo_print(struct admin_call *call, const struct admin_reply *reply,
                         const char *command, const struct admin_filter *filter)
{
    struct admin_session *session = call->session;
    struct base_slice value;
    fprintf(session->out, "%s%s (%s) returned:%s\n", session->color ? "\033[1m" : "",
            reply->node->name, reply->node->ip, session->color ? "\033[0m" : "");
    if (reply->text == NULL) {
        fprintf(session->out, "ERROR: %s\n", reply->trouble == NULL ? "" : reply->trouble);
    } else if (!admin_reply_answer(reply, command, &value)) {
        fprintf(session->out, "ERROR: it did not answer this command\n");
    } else {
        value_print(session, value, admin_call_have(call, "-l"), filter);
    }
    fputc('\n', session->out);
}

void admin_asinfo_run(struct admin_call *call)
{
    const char *command = admin_call_value(call, "-v");
    const char *words[ADMIN_WORDS_MAX];
    if (command == NULL && admin_arguments_values(call->arguments, NULL, words) > 0) {
        command = words[0];
    }
    if (command == NULL || strpbrk(command, "\n\t") != NULL || command[0] == '\0') {
        admin_error(call->session, "asinfo: an info command is missing, as in asinfo -v build.");
        return;
    }
    struct admin_filter filter;
    struct admin_replies replies;
    struct tools_text request = {0};
    if (!admin_filter_make(call, "like", &filter)) {
        return;
    }
    tools_text_format_append(&request, "%s\n", command);
    if (admin_call_ask(call, tools_text_string(&request), &replies)) {
        for (size_t i = 0; i < replies.count; i++) {
            asinfo_print(call, &replies.items[i], command, &filter);
        }
        admin_replies_fini(&replies);
    }
    tools_text_fini(&request);
    admin_filter_fini(&filter);
}

// ---- configuration ------------------------------------------------------------------------------

// Where a parameter stands.
struct place {
    const char *context; // of the info command
    const char *name;    // for people
    const char *before;  // of the parameter's name: "heartbeat."
    const char *ns, *set;
};

static void param_set(struct admin_call *call, const struct place *place)
{
    const char *param = admin_call_value(call, "param"), *value = admin_call_value(call, "to");
    if (!admin_change_word(call, "parameter", param) || !admin_change_word(call, "value", value) ||
        (place->ns != NULL && !admin_change_word(call, "namespace", place->ns)) ||
        (place->set != NULL && !admin_change_word(call, "set", place->set))) {
        return;
    }
    char title[TITLE_SIZE], command[COMMAND_SIZE];
    snprintf(title, sizeof title, "Set %s Param %s to %s", place->name, param, value);
    int size =
        snprintf(command, sizeof command, "set-config:context=%s;%s%s%s%s%s=%s%s%s", place->context,
                 place->ns != NULL ? "namespace=" : "", place->ns != NULL ? place->ns : "",
                 place->ns != NULL ? ";" : "", place->before, param, value,
                 place->set != NULL ? ";set=" : "", place->set != NULL ? place->set : "");
    if (size < 0 || (size_t)size >= sizeof command) {
        admin_error(call->session, "manage config: the value is too long.");
        return;
    }
    if (admin_change_confirmed(call, title)) {
        admin_change_nodes(call, title, command);
    }
}

void admin_manage_config_service_run(struct admin_call *call)
{
    param_set(call, &(struct place){.context = "service", .name = "Service", .before = ""});
}

void admin_manage_config_security_run(struct admin_call *call)
{
    param_set(call, &(struct place){.context = "security", .name = "Security", .before = ""});
}

void admin_manage_config_network_run(struct admin_call *call)
{
    const char *words[ADMIN_WORDS_MAX];
    char before[64] = "";
    if (admin_arguments_values(call->arguments, NULL, words) > 0) {
        snprintf(before, sizeof before, "%s.", words[0]);
    } else if (strchr(admin_call_value(call, "param"), '.') == NULL) {
        admin_error(call->session,
                    "manage config network: which part of it: service, heartbeat, fabric or info?");
        return;
    }
    param_set(call, &(struct place){.context = "network", .name = "Network", .before = before});
}

void admin_manage_config_namespace_run(struct admin_call *call)
{
    const char *words[ADMIN_WORDS_MAX];
    if (admin_arguments_values(call->arguments, NULL, words) != 1) {
        admin_error(call->session,
                    "manage config namespace: the name of one namespace is missing.");
        return;
    }
    const char *set = admin_call_value(call, "set");
    param_set(call, &(struct place){.context = "namespace",
                                    .name = set == NULL ? "Namespace" : "Namespace Set",
                                    .before = "",
                                    .ns = words[0],
                                    .set = set});
}

void admin_manage_config_logging_run(struct admin_call *call)
{
    const char *param = admin_call_value(call, "param"), *value = admin_call_value(call, "to");
    const char *words[ADMIN_WORDS_MAX];
    const char *sink = "0"; // the first one, unless another is named
    if (admin_arguments_values(call->arguments, NULL, words) > 0) {
        sink = words[0];
    }
    if (!admin_change_word(call, "log context", param) ||
        !admin_change_word(call, "log level", value) || !admin_change_word(call, "log", sink)) {
        return;
    }
    char title[TITLE_SIZE], command[COMMAND_SIZE];
    snprintf(title, sizeof title, "Set Logging Param %s to %s", param, value);
    snprintf(command, sizeof command, "log-set:id=%.200s;%.200s=%.200s", sink, param, value);
    if (admin_change_confirmed(call, title)) {
        admin_change_nodes(call, title, command);
    }
}

// ---- the cluster --------------------------------------------------------------------------------

void admin_manage_recluster_run(struct admin_call *call)
{
    if (admin_change_confirmed(call, "About to recluster.") &&
        admin_change_principal(call, "recluster:", "Failed to recluster")) {
        fprintf(call->session->out, "Successfully started recluster\n");
    }
}

void admin_manage_quiesce_run(struct admin_call *call)
{
    bool undo = admin_call_have(call, "undo");
    if (!admin_change_confirmed(call, undo ? "About to undo quiescing of nodes."
                                           : "About to quiesce nodes.")) {
        return;
    }
    admin_change_nodes(call, undo ? "Undo Quiesce for Nodes" : "Quiesce Nodes",
                       undo ? "quiesce-undo:" : "quiesce:");
    fprintf(call->session->out, "Run \"manage recluster\" for your changes to take effect.\n");
}

// ---- what there is none of ----------------------------------------------------------------------

void admin_manage_strong_run(struct admin_call *call)
{
    admin_error(call->session, "manage %s: this version has no strong consistency.",
                call->arguments->command->name);
}

void admin_manage_users_run(struct admin_call *call)
{
    admin_error(call->session, "manage %s: this version knows no users.",
                call->arguments->command->name);
}
