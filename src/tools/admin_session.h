// SPDX-License-Identifier: Apache-2.0
// A session of the administrator's tool: a cluster, where to print and how, and the commands that
// run one after the other. The caller owns the session and what it points to; one thread.
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/admin_cluster.h"
#include "tools/admin_command.h"
#include "tools/admin_grid.h"
#include "tools/admin_sheet.h"

enum {
    ADMIN_NAMESPACES_MAX = 64,
    ADMIN_FILTER_MAX = 32,
    ADMIN_TITLE_SIZE = 256,
    ADMIN_LOOK_AGE_MAX_S = 1, // the list of nodes is looked at again after it
};

struct admin_session {
    struct admin_cluster cluster;
    FILE *in; // for questions back
    FILE *out, *err;
    bool json;
    bool color;
    bool color_err; // `err` is a terminal
    bool interactive;
    uint32_t terminal_columns; // 0: no terminal
    bool privileged;
    bool confirm; // ask back before changes
    bool failed;  // a command has failed
    bool ended;
    bool (*interrupted)(void *arg); // asked between rounds of `watch`; NULL: never
    void *interrupted_arg;
    void (*pause)(double seconds, void *arg); // between rounds; returns early when interrupted
    void *pause_arg;
    bool looked;
    time_t looked_s;
};

// One run of one command.
struct admin_call {
    struct admin_session *session;
    const struct admin_arguments *arguments;
    bool selected[LIMIT_CLIENT_NODES]; // by `with`
    bool warned[LIMIT_CLIENT_NODES];
};

// Finds the nodes for the first time and tells when nobody answers.
bool admin_session_connect(struct admin_session *session);

// Runs the commands of a text. Without `go_on` the first that fails ends it. False when one was
// `exit`, or failed without `go_on`.
bool admin_session_run(struct admin_session *session, const char *text, bool comments, bool go_on);

// Runs the commands of a file, with comments.
bool admin_session_file(struct admin_session *session, const char *path);

// Runs one command that is taken apart already.
void admin_session_words(struct admin_session *session, const struct admin_words *words);

// Prints "ERROR: ..." and counts the command as failed; "WARNING: ...".
void admin_error(struct admin_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void admin_warn(struct admin_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The title with the time of day behind it.
void admin_title(const struct admin_session *session, const char *title,
                 char out[ADMIN_TITLE_SIZE]);

// Prints a grid as the session wants it; `style` is that of a session without JSON.
void admin_show(struct admin_session *session, const struct admin_grid *grid,
                enum admin_style style);

// Asks a confirmation: a random word must be typed back. False when it was not.
bool admin_confirm(struct admin_session *session, const char *what);

// ---- for handlers -------------------------------------------------------------------------------

// Asks the selected nodes; one that does not answer is told of once. False when memory ran out,
// which has been told.
bool admin_call_ask(struct admin_call *call, const char *request, struct admin_replies *out);

// Asks the principal alone; when it does not answer, any other node. False has been told.
bool admin_call_ask_principal(struct admin_call *call, const char *request,
                              struct admin_replies *out);

bool admin_call_have(const struct admin_call *call, const char *keyword);

// The first word of a keyword, or NULL.
const char *admin_call_value(const struct admin_call *call, const char *keyword);

// The number behind a keyword, `otherwise` without one. False with a message when it is no whole
// number from `least` to `most`.
bool admin_call_number(struct admin_call *call, const char *keyword, uint32_t least, uint32_t most,
                       uint32_t otherwise, uint32_t *out);

// Patterns behind a keyword: regular expressions of which one must be found in a text.
struct admin_filter {
    regex_t patterns[ADMIN_FILTER_MAX];
    size_t count;
};

// False with a message when a pattern is none. Pair with admin_filter_fini.
bool admin_filter_make(struct admin_call *call, const char *keyword, struct admin_filter *out);
void admin_filter_fini(struct admin_filter *filter);
bool admin_filter_passes(const struct admin_filter *filter, struct base_slice text);

// Names of namespaces, in order, each once.
struct admin_namespaces {
    char names[ADMIN_NAMESPACES_MAX][LIMIT_NAMESPACE_NAME_SIZE + 1];
    size_t count;
};

// The namespaces of all selected nodes that pass the filter (NULL: all). False has been told.
bool admin_call_namespaces(struct admin_call *call, const struct admin_filter *filter,
                           struct admin_namespaces *out);

// Appends "<prefix><namespace>\n" for each.
void admin_namespaces_request(const struct admin_namespaces *namespaces, const char *prefix,
                              struct tools_text *out);

// Maps of one answer of each reply, such as `statistics`; freed with admin_maps_free.
struct admin_map *admin_maps_of(const struct admin_replies *replies, const char *command);
void admin_maps_free(struct admin_map *maps, size_t count);

void admin_memory_tell(struct admin_session *session);
