// SPDX-License-Identifier: Apache-2.0
// `manage truncate`, `manage udfs`, `manage sindex` and `manage jobs`.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/admin_change.h"
#include "tools/admin_items.h"
#include "tools/admin_manage.h"
#include "wire/info.h"

enum {
    COMMAND_SIZE = 1024,
    // Beyond it the base64 of a module would not fit into one info request.
    MODULE_SIZE_MAX = LIMIT_INFO_REQUEST_SIZE / 4 * 3 - 1024,
    NS_PER_S = 1000 * 1000 * 1000,
    FRACTION_DIGITS = 9,
};

// ---- truncate -----------------------------------------------------------------------------------

// Reads the digits behind a point as nanoseconds; false for anything else.
static bool fraction_read(const char *text, uint64_t *ns)
{
    char digits[FRACTION_DIGITS + 1] = "000000000";
    size_t size = strspn(text, "0123456789");
    *ns = 0;
    if (size == 0 || text[size] != '\0') {
        return false;
    }
    memcpy(digits, text, size < FRACTION_DIGITS ? size : FRACTION_DIGITS);
    *ns = strtoull(digits, NULL, 10);
    return true;
}

static bool epoch_read(const char *text, uint64_t *ns)
{
    char *end;
    errno = 0;
    unsigned long long seconds = strtoull(text, &end, 10);
    uint64_t fraction = 0;
    bool good = text[0] >= '0' && text[0] <= '9' && errno == 0 && seconds < UINT32_MAX &&
                (*end == '\0' || (*end == '.' && fraction_read(end + 1, &fraction)));
    *ns = seconds * NS_PER_S + fraction;
    return good;
}

// "2026-11-22", "2026-11-22T16:00:08", with "Z" or an offset such as "+02:00" behind it; UTC
// without.
static bool iso_read(const char *text, uint64_t *ns)
{
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%d", &utc);
    if (end != NULL && (*end == 'T' || *end == ' ')) {
        end = strptime(end + 1, "%H:%M:%S", &utc);
    }
    if (end == NULL) {
        return false;
    }
    long offset_s = 0;
    if (*end == 'Z') {
        end++;
    } else if (*end == '+' || *end == '-') {
        unsigned hours, minutes;
        int used = 0;
        if (sscanf(end + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2) {
            return false;
        }
        offset_s = (long)(hours * 3600 + minutes * 60) * (*end == '+' ? 1 : -1);
        end += 1 + used;
    }
    time_t seconds = timegm(&utc) - offset_s;
    *ns = (uint64_t)seconds * NS_PER_S;
    return *end == '\0' && seconds > 0;
}

// The moment in `before <time> unix-epoch|iso-8601`; false has been told.
static bool before_read(struct admin_call *call, uint64_t *ns)
{
    const char *values[ADMIN_WORDS_MAX];
    size_t count = admin_arguments_values(call->arguments, "before", values);
    *ns = 0;
    if (count == 0) {
        return true;
    }
    bool epoch = count == 2 && strcmp(values[1], "unix-epoch") == 0;
    bool iso = count == 2 && strcmp(values[1], "iso-8601") == 0;
    if ((epoch && epoch_read(values[0], ns)) || (iso && iso_read(values[0], ns))) {
        return true;
    }
    admin_error(call->session,
                "manage truncate: 'before' wants a time and its form, as in 'before "
                "1767225600 unix-epoch' or 'before 2026-01-01T00:00:00Z iso-8601'.");
    return false;
}

struct truncation {
    const char *ns, *set;
    uint64_t before_ns;
    double records;
};

static void on_set(const struct admin_map *item, void *arg)
{
    struct truncation *truncation = arg;
    if (wire_info_equal(admin_item_field(item, "ns", "ns_name"), truncation->ns) &&
        wire_info_equal(admin_item_field(item, "set", "set_name"), truncation->set)) {
        truncation->records += admin_map_number(item, "objects");
    }
}

// Counts the records that are about to go, all copies of them.
static void records_count(struct admin_call *call, struct truncation *truncation)
{
    struct admin_replies replies;
    char command[COMMAND_SIZE];
    struct base_slice value;
    snprintf(command, sizeof command, "%s%.200s", truncation->set != NULL ? "sets/" : "namespace/",
             truncation->ns);
    char request[COMMAND_SIZE + 2];
    snprintf(request, sizeof request, "%s\n", command);
    if (!admin_call_ask(call, request, &replies)) {
        return;
    }
    for (size_t i = 0; i < replies.count; i++) {
        struct admin_map map;
        if (!admin_reply_value(&replies.items[i], command, &value)) {
            continue;
        }
        if (truncation->set != NULL) {
            (void)!admin_items_read(value, ':', on_set, truncation);
        } else if (admin_map_parse(&map, value, ';') == RESULT_OK) {
            truncation->records += admin_map_number(&map, "objects");
            admin_map_fini(&map);
        }
    }
    admin_replies_fini(&replies);
}

static bool truncation_confirmed(struct admin_call *call, struct truncation *truncation,
                                 const char *target)
{
    if (admin_call_have(call, "--no-warn")) {
        return true;
    }
    char what[COMMAND_SIZE];
    records_count(call, truncation);
    snprintf(what, sizeof what, "About to remove up to %.0f records, all copies counted, of %s.",
             truncation->records, target);
    return admin_confirm(call->session, what);
}

void admin_manage_truncate_run(struct admin_call *call)
{
    struct truncation truncation = {.ns = admin_call_value(call, "ns"),
                                    .set = admin_call_value(call, "set")};
    bool undo = admin_call_have(call, "undo");
    if (!before_read(call, &truncation.before_ns) ||
        !admin_change_word(call, "namespace", truncation.ns) ||
        (truncation.set != NULL && !admin_change_word(call, "set", truncation.set))) {
        return;
    }
    if (undo && truncation.before_ns != 0) {
        admin_error(call->session, "manage truncate: 'undo' and 'before' exclude each other.");
        return;
    }
    char target[COMMAND_SIZE / 2], command[COMMAND_SIZE], failure[COMMAND_SIZE];
    snprintf(target, sizeof target, "%s%.100s%snamespace %.100s",
             truncation.set != NULL ? "set " : "", truncation.set != NULL ? truncation.set : "",
             truncation.set != NULL ? " of " : "", truncation.ns);
    int size = snprintf(command, sizeof command, "truncate%s%s:namespace=%.100s%s%.100s",
                        truncation.set == NULL ? "-namespace" : "", undo ? "-undo" : "",
                        truncation.ns, truncation.set != NULL ? ";set=" : "",
                        truncation.set != NULL ? truncation.set : "");
    if (truncation.before_ns != 0) {
        snprintf(command + size, sizeof command - (size_t)size, ";lut=%llu",
                 (unsigned long long)truncation.before_ns);
    }
    snprintf(failure, sizeof failure, "Failed to %struncate %s", undo ? "undo truncation of " : "",
             target);
    if (undo) {
        snprintf(failure, sizeof failure, "Failed to undo truncation of %s", target);
    }
    if ((undo || truncation_confirmed(call, &truncation, target)) &&
        admin_change_principal(call, command, failure)) {
        fprintf(call->session->out, "Successfully %s truncation for %s\n",
                undo ? "triggered undoing" : "started", target);
    }
}

// ---- user modules -------------------------------------------------------------------------------

static const char *single_word(struct admin_call *call, const char *what)
{
    const char *words[ADMIN_WORDS_MAX];
    if (admin_arguments_values(call->arguments, NULL, words) != 1) {
        admin_error(call->session, "%s: %s is missing.", call->arguments->words->items[0], what);
        return NULL;
    }
    return admin_change_word(call, what, words[0]) ? words[0] : NULL;
}

static bool file_read(struct admin_call *call, const char *path, struct tools_text *out)
{
    FILE *file = fopen(path, "r");
    char chunk[4096];
    size_t size;
    if (file == NULL) {
        admin_error(call->session, "%s: %s.", path, strerror(errno));
        return false;
    }
    while (out->size <= MODULE_SIZE_MAX && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
        tools_text_append(out, chunk, size);
    }
    bool good = ferror(file) == 0 && out->size <= MODULE_SIZE_MAX && !out->failed;
    if (!good) {
        admin_error(call->session, "%s: it cannot be read, or is longer than %d bytes.", path,
                    MODULE_SIZE_MAX);
    }
    fclose(file);
    return good;
}

void admin_manage_udfs_add_run(struct admin_call *call)
{
    const char *name = single_word(call, "name of a module");
    const char *path = admin_call_value(call, "path");
    struct tools_text content = {0}, encoded = {0}, command = {0};
    char failure[COMMAND_SIZE];
    if (name != NULL && file_read(call, path, &content) &&
        admin_change_confirmed(call, "About to add a module.")) {
        tools_text_base64_append(&encoded, content.data, content.size);
        tools_text_format_append(&command,
                                 "udf-put:filename=%s;content=%s;content-len=%zu;udf-type=LUA;",
                                 name, tools_text_string(&encoded), encoded.size);
        snprintf(failure, sizeof failure, "Failed to add UDF %.200s", name);
        if (admin_change_principal(call, tools_text_string(&command), failure)) {
            fprintf(call->session->out, "Successfully added UDF %s.\n", name);
        }
    }
    tools_text_fini(&content);
    tools_text_fini(&encoded);
    tools_text_fini(&command);
}

void admin_manage_udfs_remove_run(struct admin_call *call)
{
    const char *name = single_word(call, "name of a module");
    char command[COMMAND_SIZE], failure[COMMAND_SIZE];
    if (name == NULL || !admin_change_confirmed(call, "About to remove a module.")) {
        return;
    }
    snprintf(command, sizeof command, "udf-remove:filename=%.200s;", name);
    snprintf(failure, sizeof failure, "Failed to remove UDF %.200s", name);
    if (admin_change_principal(call, command, failure)) {
        fprintf(call->session->out, "Successfully removed UDF %s.\n", name);
    }
}

// ---- secondary indexes --------------------------------------------------------------------------

// Appends ";name=value" when there is a value; false when it may not stand there.
static bool part_append(struct admin_call *call, struct tools_text *command, const char *name,
                        const char *value)
{
    if (value == NULL) {
        return true;
    }
    tools_text_format_append(command, ";%s=%s", name, value);
    return admin_change_word(call, name, value);
}

void admin_manage_sindex_create_run(struct admin_call *call)
{
    const char *words[ADMIN_WORDS_MAX];
    if (admin_arguments_values(call->arguments, NULL, words) != 2) {
        admin_error(call->session,
                    "manage sindex create: a type (numeric, string, geo2dsphere or blob) and a "
                    "name are missing.");
        return;
    }
    struct tools_text command = {0};
    char failure[COMMAND_SIZE];
    tools_text_format_append(&command, "sindex-create:namespace=%s", admin_call_value(call, "ns"));
    bool good = admin_change_word(call, "namespace", admin_call_value(call, "ns")) &&
                part_append(call, &command, "set", admin_call_value(call, "set")) &&
                part_append(call, &command, "indexname", words[1]) &&
                part_append(call, &command, "indextype", admin_call_value(call, "in")) &&
                part_append(call, &command, "bin", admin_call_value(call, "bin")) &&
                part_append(call, &command, "type", words[0]);
    snprintf(failure, sizeof failure, "Failed to create sindex %.200s", words[1]);
    if (good && admin_change_confirmed(call, "About to create an index.") &&
        admin_change_principal(call, tools_text_string(&command), failure)) {
        fprintf(call->session->out, "Use 'show sindex' to confirm %s was created successfully.\n",
                words[1]);
    }
    tools_text_fini(&command);
}

void admin_manage_sindex_delete_run(struct admin_call *call)
{
    const char *name = single_word(call, "name of an index");
    struct tools_text command = {0};
    char failure[COMMAND_SIZE];
    if (name == NULL) {
        return;
    }
    tools_text_format_append(&command, "sindex-delete:namespace=%s", admin_call_value(call, "ns"));
    bool good = admin_change_word(call, "namespace", admin_call_value(call, "ns")) &&
                part_append(call, &command, "set", admin_call_value(call, "set")) &&
                part_append(call, &command, "indexname", name);
    snprintf(failure, sizeof failure, "Failed to delete sindex %.200s", name);
    if (good && admin_change_confirmed(call, "About to delete an index.") &&
        admin_change_principal(call, tools_text_string(&command), failure)) {
        fprintf(call->session->out, "Successfully deleted sindex %s.\n", name);
    }
    tools_text_fini(&command);
}

// ---- jobs ---------------------------------------------------------------------------------------

void admin_manage_jobs_kill_trids_run(struct admin_call *call)
{
    const char *ids[ADMIN_WORDS_MAX];
    size_t count = admin_arguments_values(call->arguments, NULL, ids);
    if (count == 0) {
        admin_error(call->session, "manage jobs kill trids: an id is missing.");
        return;
    }
    if (!admin_change_confirmed(call, "About to kill jobs.")) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char command[COMMAND_SIZE], title[COMMAND_SIZE];
        if (admin_change_word(call, "id of a job", ids[i])) {
            snprintf(title, sizeof title, "Kill Job %.100s", ids[i]);
            snprintf(command, sizeof command, "query-abort:trid=%.100s", ids[i]);
            admin_change_nodes(call, title, command);
        }
    }
}

void admin_manage_jobs_kill_all_run(struct admin_call *call)
{
    const char *words[ADMIN_WORDS_MAX];
    size_t count = admin_arguments_values(call->arguments, NULL, words);
    bool scans = count == 1 && strcmp(words[0], "scans") == 0;
    if (!scans && (count != 1 || strcmp(words[0], "queries") != 0)) {
        admin_error(call->session, "manage jobs kill all: 'queries' or 'scans'?");
        return;
    }
    if (admin_change_confirmed(call, "About to kill all jobs.")) {
        admin_change_nodes(call, scans ? "Kill All Scans" : "Kill All Queries",
                           scans ? "scan-abort-all:" : "query-abort-all:");
    }
}
