// SPDX-License-Identifier: Apache-2.0
// The statements that read and write records.
#include <string.h>

#include "tools/ql_info.h"
#include "tools/ql_session.h"

// Records on their way from the backend into a view. The set of rows begins with the first, so that
// a failure without any stands alone.
struct delivery {
    struct ql_session *session;
    struct ql_view view;
    const struct base_slice *columns;
    size_t column_count;
    const struct ql_key *key; // asked for; NULL in scans
    bool began;
    bool interrupted;
};

static void delivery_begin(struct delivery *delivery)
{
    if (!delivery->began) {
        ql_view_set_begin(&delivery->view, NULL, delivery->columns, delivery->column_count);
        delivery->began = true;
    }
}

static bool record_deliver(const struct ql_record *record, void *arg)
{
    struct delivery *delivery = arg;
    struct ql_session *session = delivery->session;
    struct ql_record shown = *record;
    if (delivery->key != NULL && delivery->key->kind == QL_KEY_USER) {
        shown.has_user_key = session->settings.key_send;
        shown.user_key = delivery->key->user;
    }
    delivery_begin(delivery);
    ql_view_record(&delivery->view, &shown);
    if (session->interrupted != NULL && session->interrupted(session->interrupted_arg)) {
        delivery->interrupted = true;
        return false;
    }
    return true;
}

// Ends the rows: their footer, then OK or why they broke off.
static void delivery_end(struct delivery *delivery, const struct ql_failure *failure)
{
    struct ql_view *view = &delivery->view;
    if (failure->code == 0) {
        delivery_begin(delivery);
    }
    if (delivery->began) {
        ql_view_set_end(view);
    }
    if (failure->code != 0) {
        ql_view_fail(view, failure->code, failure->text);
    } else if (delivery->interrupted) {
        ql_view_fail(view, QL_CODE_ABORT, "interrupted: there may be more records");
    } else {
        ql_view_ok(view, "");
    }
    ql_view_end(view);
}

static void write_end(struct ql_session *session, const struct ql_failure *failure)
{
    if (failure->code == 0) {
        ql_session_ok(session, "1 record affected.");
    } else {
        ql_session_fail(session, failure);
    }
}

static void insert_exec(struct ql_session *session, const struct ql_insert *insert)
{
    struct ql_failure failure = {0};
    session->backend->ops->put(session->backend, &session->settings, &insert->target, &insert->key,
                               insert->bins, insert->bin_count, &failure);
    write_end(session, &failure);
}

static void delete_exec(struct ql_session *session, const struct ql_delete *remove)
{
    struct ql_failure failure = {0};
    session->backend->ops->remove(session->backend, &session->settings, &remove->target,
                                  &remove->key, &failure);
    write_end(session, &failure);
}

static bool record_ignore(const struct ql_record *record, void *arg)
{
    (void)record;
    (void)arg;
    return true;
}

static struct ql_bin text_field(const char *name, struct base_slice text)
{
    return (struct ql_bin){.name = tools_slice_of(name),
                           .value = {.type = WIRE_PARTICLE_STRING, .bytes = text}};
}

static struct ql_bin number_field(const char *name, int64_t number)
{
    return (struct ql_bin){.name = tools_slice_of(name),
                           .value = {.type = WIRE_PARTICLE_INTEGER, .integer = number}};
}

static const char *key_type_name(const struct ql_key *key)
{
    if (key->kind == QL_KEY_USER) {
        return key->user.type == WIRE_PARTICLE_INTEGER ? "INTEGER" : "STRING";
    }
    return key->kind == QL_KEY_DIGEST ? "DIGEST" : "BASE64_DIGEST";
}

static const char *key_policy_name(const struct ql_session *session, const struct ql_key *key)
{
    if (key->kind != QL_KEY_USER) {
        return "AS_POLICY_KEY_DIGEST";
    }
    return session->settings.key_send ? "AS_POLICY_KEY_SEND" : "AS_POLICY_KEY_DEFAULT";
}

// What EXPLAIN tells, in alphabetical order.
static void explain_print(struct ql_session *session, const struct ql_select *select,
                          const struct ql_place *place, const struct ql_failure *failure)
{
    const struct ql_key *key = &select->where.key;
    struct tools_text digest = {0};
    tools_text_hex_append(&digest, place->digest, sizeof place->digest, "");
    struct ql_bin fields[11];
    size_t count = 0;
    fields[count++] = text_field("DIGEST", tools_text_slice(&digest));
    fields[count++] = text_field("KEY_TYPE", tools_slice_of(key_type_name(key)));
    fields[count++] = text_field("MASTER NODE", tools_slice_of(place->master));
    fields[count++] = text_field("NAMESPACE", select->target.ns);
    fields[count++] = number_field("PARTITION", place->partition);
    fields[count++] = text_field("POLICY_KEY", tools_slice_of(key_policy_name(session, key)));
    if (place->replica[0] != '\0') {
        fields[count++] = text_field("REPLICA NODE", tools_slice_of(place->replica));
    }
    fields[count++] = text_field("SET", select->target.set);
    fields[count++] = text_field("STATUS", tools_slice_of(failure->text));
    fields[count++] = number_field("TIMEOUT", session->settings.timeout_ms);
    fields[count++] = text_field("UDF", tools_slice_of("FALSE"));

    struct ql_view view;
    ql_session_view_begin(session, &view);
    ql_view_set_begin(&view, NULL, NULL, 0);
    ql_view_fields(&view, fields, count);
    ql_view_set_end(&view);
    if (failure->code == 0) {
        ql_view_ok(&view, "");
    } else {
        ql_view_fail(&view, failure->code, failure->text);
    }
    ql_view_end(&view);
    tools_text_fini(&digest);
}

static void explain_exec(struct ql_session *session, const struct ql_select *select)
{
    struct ql_failure failure = {0};
    struct ql_failure unplaced = {0};
    struct ql_place place = {0};
    struct ql_backend *backend = session->backend;
    backend->ops->get(backend, &session->settings, &select->target, &select->where.key,
                      select->bins, select->bin_count, record_ignore, NULL, &failure);
    backend->ops->locate(backend, &session->settings, &select->target, &select->where.key, &place,
                         &unplaced);
    if (unplaced.code != 0) {
        ql_session_fail(session, &unplaced);
    } else {
        explain_print(session, select, &place, &failure);
    }
}

static void get_exec(struct ql_session *session, const struct ql_select *select)
{
    struct ql_failure failure = {0};
    struct delivery delivery = {.session = session,
                                .columns = select->bins,
                                .column_count = select->bin_count,
                                .key = &select->where.key};
    ql_session_view_begin(session, &delivery.view);
    if (!select->has_limit || select->limit > 0) {
        session->backend->ops->get(session->backend, &session->settings, &select->target,
                                   &select->where.key, select->bins, select->bin_count,
                                   record_deliver, &delivery, &failure);
    }
    delivery_end(&delivery, &failure);
}

static void scan_exec(struct ql_session *session, const struct ql_select *select)
{
    struct ql_failure failure = {0};
    struct delivery delivery = {
        .session = session, .columns = select->bins, .column_count = select->bin_count};
    struct ql_scan scan = {.target = select->target,
                           .bins = select->bins,
                           .bin_count = select->bin_count,
                           .has_limit = select->has_limit,
                           .limit = select->limit};
    ql_session_view_begin(session, &delivery.view);
    if (!select->has_limit || select->limit > 0) {
        session->backend->ops->scan(session->backend, &session->settings, &scan, record_deliver,
                                    &delivery, &failure);
    }
    delivery_end(&delivery, &failure);
}

// Whether the namespace has an index that could answer a condition.
struct index_search {
    const struct ql_select *select;
    bool found;
    struct ql_failure failure;
};

static void index_search_node(const struct ql_node *node, const char *answer,
                              const struct ql_failure *failure, void *arg)
{
    (void)node;
    struct index_search *search = arg;
    const struct ql_where *where = &search->select->where;
    if (answer == NULL) {
        search->failure = *failure;
        return;
    }
    if (ql_info_failed(answer, &search->failure)) {
        return;
    }
    struct base_slice list = tools_slice_of(answer);
    struct base_slice item;
    while (ql_info_next(&list, ';', &item)) {
        struct base_slice bin = ql_info_field(item, ':', "bin");
        struct base_slice set = ql_info_field(item, ':', "set");
        bool bin_fits = base_slice_equal(bin, where->bin) ||
                        (where->kind == QL_WHERE_BOTH && base_slice_equal(bin, where->bin2));
        bool set_fits =
            base_slice_equal(set, search->select->target.set) || tools_slice_is(set, "NULL");
        search->found |= bin_fits && set_fits;
    }
}

// A condition on a bin needs an index. The answer without one is the server's own; with one, this
// version's client has no request to ask it with.
static void where_exec(struct ql_session *session, const struct ql_select *select)
{
    struct index_search search = {.select = select};
    struct tools_text command = {0};
    tools_text_format_append(&command, "sindex-list:namespace=%.*s", (int)select->target.ns.size,
                             select->target.ns.data);
    session->backend->ops->info_any(session->backend, &session->settings,
                                    tools_text_string(&command), index_search_node, &search);
    tools_text_fini(&command);
    struct ql_failure *failure = &search.failure;
    if (failure->code == 0 && search.found) {
        ql_failure_set(failure, QL_CODE_CLIENT,
                       "this version cannot query a secondary index; ask by PK, or scan");
    } else if (failure->code == 0 && select->where.kind == QL_WHERE_BOTH) {
        ql_failure_set(failure, QL_CODE_CLIENT,
                       "Error: at least one bin needs a secondary index defined");
    } else if (failure->code == 0) {
        ql_failure_set(failure, 201,
                       "%s\nMake sure a sindex is created and that strings are enclosed in quotes",
                       ql_code_name(201));
    }
    ql_session_fail(session, failure);
}

static bool operate_reads(const struct ql_operate *operate)
{
    for (size_t i = 0; i < operate->operation_count; i++) {
        if (operate->operations[i].type == WIRE_OP_READ) {
            return true;
        }
    }
    return false;
}

static void operate_exec(struct ql_session *session, const struct ql_operate *operate)
{
    struct ql_failure failure = {0};
    if (!operate_reads(operate)) {
        session->backend->ops->operate(session->backend, &session->settings, operate, record_ignore,
                                       NULL, &failure);
        write_end(session, &failure);
        return;
    }
    struct delivery delivery = {.session = session, .key = &operate->key};
    ql_session_view_begin(session, &delivery.view);
    session->backend->ops->operate(session->backend, &session->settings, operate, record_deliver,
                                   &delivery, &failure);
    delivery_end(&delivery, &failure);
}

static void select_exec(struct ql_session *session, const struct ql_select *select)
{
    switch (select->where.kind) {
    case QL_WHERE_NONE:
        scan_exec(session, select);
        break;
    case QL_WHERE_KEY:
        if (select->explain) {
            explain_exec(session, select);
        } else {
            get_exec(session, select);
        }
        break;
    default:
        where_exec(session, select);
        break;
    }
}

void ql_exec_records(struct ql_session *session, const struct ql_statement *statement)
{
    switch (statement->kind) {
    case QL_INSERT:
        insert_exec(session, &statement->insert);
        break;
    case QL_DELETE:
        delete_exec(session, &statement->remove);
        break;
    case QL_OPERATE:
        operate_exec(session, &statement->operate);
        break;
    default:
        select_exec(session, &statement->select);
        break;
    }
}
