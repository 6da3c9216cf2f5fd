// SPDX-License-Identifier: Apache-2.0
// One info command being answered, and what its handler writes with. Internal to info. A handler
// appends its value; when it finds something wrong it takes back what it wrote and leaves an error.
// When the heap is empty, appending does nothing and the command is answered with an error.
#pragma once

#include "server/info.h"
#include "server/modules.h"
#include "server/user_agents.h"
#include "wire/info.h"

struct info {
    struct modules *modules;
    struct user_agents *user_agents;
};

struct info_call {
    struct node *node;
    struct worker *worker;
    struct connection *connection; // NULL: nobody to remember
    struct wire_info_command command;
    struct output *out;
    size_t value_at; // where the value begins in `out`
    bool failed;     // the heap was empty
    bool full;       // the answer has reached its bound; nothing more is worked out
};

typedef void (*info_handler_fn)(struct info_call *call);

struct info_command {
    const char *name;
    info_handler_fn handler;
    const char *help;
};

// Tables of commands, each by the file that answers them; the last row is empty.
extern const struct info_command info_identity_commands[];
extern const struct info_command info_cluster_commands[];
extern const struct info_command info_partition_commands[];
extern const struct info_command info_record_commands[];
extern const struct info_command info_config_commands[];
extern const struct info_command info_manage_commands[];

// Calls `visit` for each command of all tables.
void info__commands_visit(void (*visit)(const struct info_command *command, void *arg), void *arg);

void info__put(struct info_call *call, const void *bytes, size_t size);
void info__text(struct info_call *call, const char *text);
void info__format(struct info_call *call, const char *format, ...) BASE_PRINTF(2, 3);

// A name that a client chose: what would break the form of the answer becomes '?'.
void info__name(struct info_call *call, const char *name);

// Takes back the value and leaves ERROR:<code>:<text>.
void info__error(struct info_call *call, enum base_result code, const char *text);

// Removes the last byte when it is `separator`.
void info__trim(struct info_call *call, char separator);

// The value of a parameter; false when there is none.
bool info__param(struct info_call *call, const char *name, struct base_slice *value);

// Copies a parameter as text; false when there is none or it does not fit.
bool info__param_text(struct info_call *call, const char *name, char *out, size_t size);

// The namespace named by `namespace`, `ns` or, where `id_is_namespace`, `id`. NULL, with an error
// answered, when there is none of that name; NULL and *given false when none was named.
struct namespace *info__namespace(struct info_call *call, bool id_is_namespace, bool *given);

// The same where one must be named.
struct namespace *info__namespace_needed(struct info_call *call, bool id_is_namespace);

// Counts a request in a spelling that newer versions dropped.
void info__deprecated(struct info_call *call);
