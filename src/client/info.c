// SPDX-License-Identifier: Apache-2.0
// The program's own info requests: to one node, to all, or to a host that need not be of a cluster.
#include <stdlib.h>
#include <string.h>

#include "client/cluster.h"
#include "client/info_query.h"
#include "io/clock.h"
#include "wire/info.h"

enum { NS_PER_MS = 1000 * 1000 };

void ballast_text_free(char **text)
{
    if (text != NULL) {
        free(*text);
        *text = NULL;
    }
}

// Turns the answer `command TAB value LF` into the value alone, in place.
static void answer_strip(struct client_info_query *query)
{
    struct base_slice body = {.data = (const uint8_t *)query->answer, .size = query->answer_size};
    struct wire_info_answer answer;
    if (!wire_info_answer_next(&body, &answer)) {
        query->answer[0] = '\0';
        return;
    }
    memmove(query->answer, answer.value.data, answer.value.size);
    query->answer[answer.value.size] = '\0';
}

static bool is_one_line(const char *command)
{
    return command != NULL && command[0] != '\0' && strpbrk(command, "\n\t") == NULL;
}

static enum base_result query_init(struct client_info_query *query, struct ballast_cluster *cluster,
                                   const char *command, uint32_t timeout_ms)
{
    size_t size = strlen(command);
    char *line = malloc(size + 2);
    if (line == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(line, command, size);
    memcpy(line + size, "\n", 2);
    enum base_result result = client__info_query_init(query, cluster, line, timeout_ms);
    free(line);
    return result;
}

int ballast_info(struct ballast_cluster *cluster, const char *node, const char *command,
                 uint32_t timeout_ms, char **answer, struct ballast_error *error)
{
    *answer = NULL;
    if (!is_one_line(command)) {
        return client__error_set(error, RESULT_PARAMETER, false);
    }
    struct client_node *target =
        node == NULL ? client__cluster_any_node(cluster) : client__cluster_node_find(cluster, node);
    if (target == NULL) {
        return client__error_set(error, node == NULL ? RESULT_NOT_CONNECTED : RESULT_NO_NODE,
                                 false);
    }
    struct client_info_query query = {0};
    client__command_init(&query.command, cluster, NULL, 0);
    enum base_result result = query_init(&query, cluster, command, timeout_ms);
    if (result == RESULT_OK) {
        query.command.node = target;
        struct client_command *run = &query.command;
        client__commands_run(&run, 1);
        result = run->result;
    }
    if (result == RESULT_OK) {
        answer_strip(&query);
        *answer = query.answer;
        query.answer = NULL;
    }
    client__info_query_fini(&query);
    return client__error_set(error, result, false);
}

int ballast_info_all(struct ballast_cluster *cluster, const char *command, uint32_t timeout_ms,
                     ballast_info_fn fn, void *arg, struct ballast_error *error)
{
    if (!is_one_line(command)) {
        return client__error_set(error, RESULT_PARAMETER, false);
    }
    uint32_t slots = atomic_load(&cluster->node_count);
    struct client_info_query *queries = calloc(slots == 0 ? 1 : slots, sizeof *queries);
    if (queries == NULL) {
        return client__error_set(error, RESULT_NO_MEMORY, false);
    }
    struct client_command *commands[LIMIT_CLIENT_NODES];
    struct ballast_node_info nodes[LIMIT_CLIENT_NODES];
    enum base_result result = RESULT_OK;
    size_t count = 0;
    for (uint32_t i = 0; i < slots && result == RESULT_OK; i++) {
        if (client__node_describe(cluster->nodes[i], &nodes[count])) {
            struct client_info_query *query = &queries[count];
            client__command_init(&query->command, cluster, NULL, 0);
            result = query_init(query, cluster, command, timeout_ms);
            query->command.node = cluster->nodes[i];
            commands[count++] = &query->command;
        }
    }
    if (result == RESULT_OK) {
        result = count == 0 ? RESULT_NOT_CONNECTED : RESULT_OK;
        client__commands_run(commands, count);
        for (size_t i = 0; i < count; i++) {
            struct ballast_error each;
            int code = client__error_set(&each, commands[i]->result, false);
            if (code == BALLAST_OK) {
                answer_strip(&queries[i]);
            } else if (result == RESULT_OK) {
                result = (enum base_result)code;
            }
            fn(&nodes[i], code == BALLAST_OK ? queries[i].answer : NULL, &each, arg);
        }
    }
    for (size_t i = 0; i < count; i++) {
        client__info_query_fini(&queries[i]);
    }
    free(queries);
    return client__error_set(error, result, false);
}

// A host that is asked, at one address of its name after the other.
struct host_query {
    struct io_address addresses[IO_ADDRESSES_PER_NAME];
    size_t address_count;
    size_t address_next;
    struct client_connection *connection;
    struct client_info_query query;
    enum base_result result;
};

// Sets up the request to the next address; false when there is none left to try.
static bool host_query_begin(struct host_query *host, const char *command, uint32_t timeout_ms,
                             uint64_t deadline_ns)
{
    // Only an address that refuses is worth another one of the same name.
    if (host->address_next == host->address_count ||
        (host->address_next > 0 && host->result != RESULT_IO)) {
        return false;
    }
    client__info_query_fini(&host->query);
    client__connection_close(host->connection);
    host->connection = NULL;
    host->result = client__info_query_init(&host->query, NULL, command, timeout_ms);
    if (host->result != RESULT_OK) {
        host->address_next = host->address_count;
        return false;
    }
    struct client_command *run = &host->query.command;
    run->address = &host->addresses[host->address_next++];
    run->kept = &host->connection;
    run->deadline_ns = deadline_ns;
    return true;
}

static void hosts_run(struct host_query *hosts, size_t count, const char *command,
                      uint32_t timeout_ms)
{
    uint64_t deadline_ns =
        timeout_ms == 0 ? UINT64_MAX : io_clock_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    struct client_command *commands[LIMIT_CLIENT_NODES];
    struct host_query *asked[LIMIT_CLIENT_NODES];
    size_t running;
    do {
        running = 0;
        for (size_t i = 0; i < count; i++) {
            if (host_query_begin(&hosts[i], command, timeout_ms, deadline_ns)) {
                asked[running] = &hosts[i];
                commands[running++] = &hosts[i].query.command;
            }
        }
        client__commands_run(commands, running);
        for (size_t i = 0; i < running; i++) {
            asked[i]->result = commands[i]->result;
        }
    } while (running > 0);
}

int ballast_info_hosts(struct ballast_info_target *targets, size_t count, const char *command,
                       uint32_t timeout_ms)
{
    for (size_t i = 0; i < count; i++) {
        targets[i].answer = NULL;
        client__error_set(&targets[i].error, RESULT_PARAMETER, false);
    }
    if (count > LIMIT_CLIENT_NODES) {
        return (int)RESULT_PARAMETER;
    }
    struct host_query *hosts = calloc(count == 0 ? 1 : count, sizeof *hosts);
    enum base_result first = hosts == NULL ? RESULT_NO_MEMORY : RESULT_OK;
    for (size_t i = 0; i < count && hosts != NULL; i++) {
        client__command_init(&hosts[i].query.command, NULL, NULL, 0);
        hosts[i].result = io_address_resolve(targets[i].host, targets[i].port, hosts[i].addresses,
                                             IO_ADDRESSES_PER_NAME, &hosts[i].address_count);
    }
    if (hosts != NULL) {
        hosts_run(hosts, count, command, timeout_ms);
    }
    for (size_t i = 0; i < count; i++) {
        enum base_result result = hosts == NULL ? RESULT_NO_MEMORY : hosts[i].result;
        client__error_set(&targets[i].error, result, false);
        first = first == RESULT_OK ? result : first;
        if (hosts == NULL) {
            continue;
        }
        if (result == RESULT_OK) {
            targets[i].answer = hosts[i].query.answer;
            hosts[i].query.answer = NULL;
        }
        client__info_query_fini(&hosts[i].query);
        client__connection_close(hosts[i].connection);
    }
    free(hosts);
    return (int)first;
}

int ballast_info_host(const char *host, uint16_t port, const char *command, uint32_t timeout_ms,
                      char **answer, struct ballast_error *error)
{
    struct ballast_info_target target = {.host = host, .port = port};
    int code = ballast_info_hosts(&target, 1, command, timeout_ms);
    *answer = target.answer;
    if (error != NULL) {
        *error = target.error;
    }
    return code;
}
